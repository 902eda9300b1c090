"""Store 32-step sequences of other libraries' neurons: python tests/make_neuron_golden.py.

Run once in an environment with spikingjelly 2.0, snnTorch 1.0 and norse 1.1. Each case gives input
``x`` [T, B, C], a loss weight ``a``, and the library's spikes, potentials (as it stores them) and
dL/dx for L = sum(a spikes). Inputs are drawn anew until no potential comes nearer to the threshold
than 1e-5, so that rounding cannot decide a spike. event_flow is not an installable package; its
cells are in ``tests/parity/data/optical_flow``.
"""

from __future__ import annotations

import importlib.metadata
import itertools
import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

FOLDER = Path(__file__).parent / "unit" / "neurons" / "data"
STEPS, SHAPE = 32, (2, 4)
Run = Callable[[Tensor], tuple[Tensor, Tensor, Tensor, dict[str, Tensor]]]
"""x -> (spikes, stored potentials, distances to the threshold at firing, learned parameters)."""


def spikingjelly_cases() -> Iterator[tuple[str, dict[str, Any], Run]]:
    """IF, LIF and PLIF, reset hard and soft, both detachments, Sigmoid and ATan."""
    from spikingjelly.activation_based import neuron, surrogate

    kinds = [("IF", None), ("LIF", True), ("LIF", False), ("PLIF", True), ("PLIF", False)]
    phis = {"Sigmoid": surrogate.Sigmoid, "Atan": surrogate.ATan}
    for (kind, decay_input), soft, detach, phi in itertools.product(
        kinds, (False, True), (False, True), phis
    ):
        options: dict[str, Any] = {"v_reset": None if soft else 0.0, "detach_reset": detach}
        if kind == "LIF":
            options |= {"tau": 2.5, "decay_input": decay_input}
        if kind == "PLIF":
            options |= {"init_tau": 2.5, "decay_input": decay_input}

        def run(x: Tensor, kind: str = kind, options: Any = options, phi: str = phi) -> Any:
            node = {
                "IF": neuron.IFNode,
                "LIF": neuron.LIFNode,
                "PLIF": neuron.ParametricLIFNode,
            }[kind](step_mode="s", surrogate_function=phis[phi](), **options)
            spikes, v, near = [], [], []
            for step in x.unbind(0):
                before = node.v
                spikes.append(node(step))
                v.append(node.v)
                near.append(charged(node, kind, options, before, step) - 1.0)
            learned = {"w": node.w} if kind == "PLIF" else {}
            return torch.stack(spikes), torch.stack(v), torch.stack(near), learned

        name = "_".join(
            (
                kind,
                f"input{int(bool(decay_input))}",
                "soft" if soft else "hard",
                f"d{int(detach)}",
                phi,
            )
        )
        facts = {"library": "spikingjelly", "kind": kind, "surrogate": phi, **options}
        yield f"spikingjelly_{name}", facts, run


def charged(node: Any, kind: str, options: Any, before: Any, x: Tensor) -> Tensor:
    """Potential before the threshold comparison."""
    with torch.no_grad():
        if kind == "IF":
            return before + x
        rate = 1.0 / options["tau"] if kind == "LIF" else torch.sigmoid(node.w)
        return before + (x - before) * rate if options["decay_input"] else before * (1 - rate) + x


def snntorch_cases() -> Iterator[tuple[str, dict[str, Any], Run]]:
    """Leaky, both reset mechanisms, both delays."""
    import snntorch

    for mechanism, delay in itertools.product(("subtract", "zero"), (True, False)):
        options = {"beta": 0.85, "reset_mechanism": mechanism, "reset_delay": delay}

        def run(x: Tensor, options: Any = options) -> Any:
            node = snntorch.Leaky(learn_beta=True, learn_threshold=True, **options)
            spikes, v, near = [], [], []
            mem = torch.zeros_like(x[0])
            for step in x.unbind(0):
                z, mem = node(step, mem)
                spikes.append(z)
                v.append(mem)
                # Undo the reset of this step to see how near the comparison was; an overdriven
                # neuron (above twice the threshold) counts as too near, too.
                subtracted = not options["reset_delay"] and options["reset_mechanism"] == "subtract"
                h = mem + z if subtracted else mem
                near.append(torch.minimum((h - 1.0).abs(), (2.0 - h).clamp(min=0.0)))
            learned = {"decay": node.beta, "v_threshold": node.threshold}
            return torch.stack(spikes), torch.stack(v), torch.stack(near), learned

        facts = {"library": "snntorch", "kind": "LIF", **options}
        yield f"snntorch_Leaky_{mechanism}_delay{int(delay)}", facts, run


def norse_cases() -> Iterator[tuple[str, dict[str, Any], Run]]:
    """LIFBox with a leak potential and a reset potential, and LIF with its synapse."""
    from norse.torch.functional import lif, lif_box

    def box(x: Tensor) -> Any:
        numbers = {"v_leak": torch.tensor(0.1), "v_reset": torch.tensor(-0.2)}
        p = lif_box.LIFBoxParameters(tau_mem_inv=torch.tensor(200.0), **numbers)
        state = lif_box.LIFBoxFeedForwardState(v=torch.full_like(x[0], 0.1))
        spikes, v, near = [], [], []
        for step in x.unbind(0):
            near.append(0.8 * state.v + 0.2 * (step + 0.1) - 1.0)
            z, state = lif_box.lif_box_feed_forward_step(step, state, p)
            spikes.append(z)
            v.append(state.v)
        return torch.stack(spikes), torch.stack(v), torch.stack(near), {}

    def current(x: Tensor) -> Any:
        zero = torch.zeros_like(x[0])
        state = lif.LIFFeedForwardState(v=zero, i=zero)
        spikes, v, near = [], [], []
        for step in x.unbind(0):
            near.append(0.9 * state.v + 0.1 * (state.i + step) - 1.0)
            z, state = lif.lif_feed_forward_step(step, state, lif.LIFParameters())
            spikes.append(z)
            v.append(state.v)
        return torch.stack(spikes), torch.stack(v), torch.stack(near), {}

    options = {"tau_mem_inv": 200.0, "v_leak": 0.1, "v_reset": -0.2}
    yield "norse_LIFBox", {"library": "norse", "kind": "LIF", **options}, box
    yield "norse_LIF", {"library": "norse", "kind": "CubaLIF"}, current


def record(name: str, run: Run, scale: float) -> dict[str, np.ndarray]:
    """Run one case on the first seed without a near tie."""
    for seed in range(2000):
        generator = torch.Generator().manual_seed(seed)
        x = torch.randn(STEPS, *SHAPE, generator=generator) * scale + 0.4 * scale
        a = torch.randn(STEPS, *SHAPE, generator=generator)
        x.requires_grad_()
        spikes, v, near, learned = run(x)
        if float(near.detach().abs().min()) < 1e-5 or not 20 < float(spikes.detach().sum()) < 200:
            continue
        (spikes * a).sum().backward()
        assert x.grad is not None
        arrays = {"x": x.detach(), "a": a, "v": v.detach(), "grad_x": x.grad}
        arrays |= {f"grad_{key}": value.grad for key, value in learned.items()}
        out = {key: value.numpy().astype(np.float32) for key, value in arrays.items()}
        return out | {"spikes": spikes.detach().numpy().astype(np.uint8)}
    raise RuntimeError(f"{name}: no seed without a near tie")


def cases() -> Iterator[tuple[str, dict[str, Any], Run]]:
    """All cases of all libraries."""
    yield from spikingjelly_cases()
    yield from snntorch_cases()
    yield from norse_cases()


def main() -> None:
    """Write one file per library."""
    found: dict[str, dict[str, np.ndarray]] = {}
    for name, facts, run in cases():
        library = facts["library"]
        scale = {"spikingjelly": 1.0, "snntorch": 0.3}.get(library, 4.0)
        arrays = record(name, run, 1.5 if facts.get("decay_input") else scale)
        store = found.setdefault(library, {})
        facts["version"] = importlib.metadata.version(library)
        store[f"{name}/facts"] = np.array(json.dumps(facts))
        store |= {f"{name}/{key}": value for key, value in arrays.items()}
    FOLDER.mkdir(parents=True, exist_ok=True)
    for library, arrays in found.items():
        np.savez_compressed(FOLDER / f"golden_{library}.npz", **arrays)
        print(f"{library}: {len([key for key in arrays if key.endswith('/x')])} cases")


if __name__ == "__main__":
    main()
