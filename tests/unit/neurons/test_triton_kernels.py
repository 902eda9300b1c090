"""Triton kernels against the plain torch form, under the interpreter or on a GPU.

The interpreter needs the package ``triton`` and ``TRITON_INTERPRET=1`` before it is imported.
"""

from __future__ import annotations

import importlib.util
import os

import pytest
import torch
from neuron_cases import compare, problem, rules

from saccade.neurons.rule import Rule

HAS_TRITON = importlib.util.find_spec("triton") is not None
INTERPRETED = os.environ.get("TRITON_INTERPRET") == "1"


@pytest.mark.interpreter
@pytest.mark.skipif(not HAS_TRITON, reason="the package triton is not installed")
@pytest.mark.skipif(not INTERPRETED, reason="TRITON_INTERPRET=1 is not set")
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64], ids=["f32", "f64"])
@pytest.mark.parametrize("rule", rules(), ids=lambda r: f"{r.v_reset}{r.reset_delay}{r.fire_at}")
def test_interpreted_triton_kernels_equal_the_reference(rule: Rule, dtype: torch.dtype) -> None:
    from saccade.neurons.kernels import _triton

    for seed, (per_channel, with_state) in enumerate(((False, False), (True, True))):
        case = problem((4, 2, 5, 11, 4), dtype, seed, per_channel, with_state)
        # Triton keeps the constants of a formula in single precision.
        compare(_triton, case, rule, 3e-5 if dtype == torch.float32 else 1e-6)


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="torch finds no CUDA device")
@pytest.mark.parametrize("rule", rules(), ids=lambda r: f"{r.v_reset}{r.reset_delay}{r.fire_at}")
def test_triton_kernels_on_a_gpu_equal_the_reference(rule: Rule) -> None:
    from saccade.neurons.kernels import _triton

    for seed, shape in enumerate(((4, 2, 5, 11, 4), (16, 4, 32, 50, 40))):
        case = problem(shape, torch.float32, seed, bool(seed), True)
        case = {key: None if part is None else part.cuda() for key, part in case.items()}
        compare(_triton, case, rule, 1e-3)
