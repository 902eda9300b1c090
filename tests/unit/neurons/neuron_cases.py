"""Random neuron problems and the comparison of two kernel faces, shared by the kernel tests."""

from __future__ import annotations

import itertools
from typing import Any

import torch
from torch import Tensor

from saccade.neurons.kernels import reference
from saccade.neurons.rule import Rule
from saccade.neurons.surrogate import SURROGATES

GRADIENT_TOLERANCE = {torch.float32: 3e-5, torch.float64: 1e-10}
"""Largest difference of a gradient, relative to 1 + its size."""


def rules() -> list[Rule]:
    """Every order of operations, with the surrogates and rest potentials taking turns."""
    found = []
    for i, (soft, delayed, strict, detach) in enumerate(itertools.product((False, True), repeat=4)):
        for turn in range(2):
            found.append(
                Rule(
                    v_rest=(0.0, -0.3)[turn],
                    v_reset=None if soft else 0.1,
                    reset_delay=delayed,
                    fire_at=">" if strict else ">=",
                    detach_reset=detach,
                    surrogate=SURROGATES[(i + 3 * turn) % len(SURROGATES)](),
                )
            )
    return found


def problem(
    shape: tuple[int, ...], dtype: torch.dtype, seed: int, per_channel: bool, with_state: bool
) -> dict[str, Any]:
    """Draw input, state and parameters."""
    rng = torch.Generator().manual_seed(seed)

    def draw(*size: int) -> Tensor:
        return torch.rand(*size, generator=rng, dtype=dtype)

    C = shape[2]
    one = torch.tensor
    return {
        "x": 3.0 * draw(*shape) - 0.8,
        "v0": 2.0 * draw(*shape[1:]) - 0.5 if with_state else None,
        "z0": (draw(*shape[1:]) > 0.5).to(dtype) if with_state else None,
        "decay": draw(C) if per_channel else one(0.7, dtype=dtype),
        "input_gain": draw(C) + 0.5 if per_channel else one(0.9, dtype=dtype),
        "v_threshold": draw(C) + 0.3 if per_channel else one(1.0, dtype=dtype),
    }


def compare(face: Any, case: dict[str, Any], rule: Rule, tolerance: float | None = None) -> None:
    """Assert that a face gives the reference's spikes, potentials (exactly) and gradients."""
    arguments = tuple(case.values())
    x = case["x"]
    spikes, v = face.forward(*arguments, rule, True)
    expected, expected_v = reference.forward(*arguments, rule, True)
    assert torch.equal(spikes, expected)
    assert torch.equal(v, expected_v)
    assert spikes.stride() == x.stride()
    rng = torch.Generator().manual_seed(1)
    g = torch.rand(x.shape, generator=rng, dtype=x.dtype) - 0.5
    gv = torch.rand(x.shape[1:], generator=rng, dtype=x.dtype)
    ours = face.backward(g, gv, *arguments, rule, (True, True, True))
    theirs = reference.backward(g, gv, *arguments, rule, (True, True, True))
    limit = GRADIENT_TOLERANCE[x.dtype] if tolerance is None else tolerance
    names = ("x", "v0", "z0", "decay", "input_gain", "v_threshold")
    for name, a, b in zip(names, (*ours[:3], *ours[3]), (*theirs[:3], *theirs[3]), strict=True):
        error = float(((a - b).abs() / (1.0 + b.abs())).max())
        assert error <= limit, f"gradient of {name}: {error:.2e} over {limit:.0e} with {rule}"
