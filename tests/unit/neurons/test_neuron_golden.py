"""32-step sequences of spikingjelly, snnTorch and norse, stored once by make_neuron_golden.py."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor

from saccade.neurons import IF, LIF, PLIF, Atan, CubaLIF, Sigmoid

FOLDER = Path(__file__).parent / "data"
PHI = {"Sigmoid": Sigmoid(4.0), "Atan": Atan(2.0)}


def golden() -> dict[str, dict[str, Any]]:
    found: dict[str, dict[str, Any]] = {}
    for path in sorted(FOLDER.glob("golden_*.npz")):
        with np.load(path) as file:
            for key in file.files:
                name, part = key.split("/")
                value = json.loads(str(file[key])) if part == "facts" else torch.tensor(file[key])
                found.setdefault(name, {})[part] = value
    return found


GOLDEN = golden()


def build(facts: dict[str, Any]) -> Any:
    options = {k: v for k, v in facts.items() if k not in ("library", "kind", "version")}
    library, kind = facts["library"], facts["kind"]
    if library == "spikingjelly":
        options["surrogate"] = PHI[options["surrogate"]]
        classes: dict[str, Callable[..., Any]] = {
            "IF": IF.spikingjelly,
            "LIF": LIF.spikingjelly,
            "PLIF": PLIF.spikingjelly,
        }
        return classes[kind](**options)
    if library == "snntorch":
        return LIF.snntorch(learn_beta=True, learn_threshold=True, **options)
    return CubaLIF.norse() if kind == "CubaLIF" else LIF.norse(**options)


def check(case: dict[str, Any]) -> None:
    neuron = build(case["facts"])
    x = case["x"].clone().requires_grad_()
    state, potentials, one_by_one = None, [], []
    for step in x.detach().unbind(0):
        spikes, state = neuron.step(step, state)
        one_by_one.append(spikes)
        potentials.append(state.v.detach())
    out = neuron(x)
    assert torch.equal(out.detach(), case["spikes"].float())
    assert torch.equal(torch.stack(one_by_one).detach(), out.detach())
    torch.testing.assert_close(torch.stack(potentials), case["v"], atol=5e-6, rtol=1e-5)
    (out * case["a"]).sum().backward()
    torch.testing.assert_close(x.grad, case["grad_x"], atol=2e-6, rtol=2e-5)
    for key in (key for key in case if key.startswith("grad_") and key != "grad_x"):
        ours: Tensor = getattr(neuron, key[5:]).grad
        torch.testing.assert_close(ours, case[key].reshape(ours.shape), atol=2e-5, rtol=5e-5)


def test_every_library_is_represented() -> None:
    libraries = {case["facts"]["library"] for case in GOLDEN.values()}
    assert libraries == {"spikingjelly", "snntorch", "norse"}
    assert len(GOLDEN) >= 46


@pytest.mark.parametrize("name", GOLDEN)
def test_named_constructor_reproduces_the_stored_sequence(name: str) -> None:
    check(GOLDEN[name])


def test_double_precision_differs_from_the_golden_gradient_by_rounding_only() -> None:
    case = GOLDEN["spikingjelly_LIF_input1_hard_d0_Sigmoid"]
    neuron = build(case["facts"])
    x = case["x"].double().requires_grad_()
    (neuron(x) * case["a"]).sum().backward()
    torch.testing.assert_close(x.grad.float(), case["grad_x"], atol=1e-6, rtol=1e-5)


@pytest.mark.rivals
@pytest.mark.parametrize("library", ["spikingjelly", "snntorch", "norse"])
def test_named_constructors_agree_with_the_live_library(library: str) -> None:
    pytest.importorskip(library)
    sys.path.insert(0, str(Path(__file__).parents[2]))
    try:
        maker = __import__("make_neuron_golden")
    finally:
        sys.path.pop(0)
    checked = 0
    for name, facts, run in getattr(maker, f"{library}_cases")():
        arrays = maker.record(name, run, {"snntorch": 0.3, "norse": 4.0}.get(library, 1.2))
        check({"facts": facts, **{key: torch.tensor(value) for key, value in arrays.items()}})
        checked += 1
    assert checked >= 2
