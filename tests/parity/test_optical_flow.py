"""Spiking cells of event_flow: spikes, states and gradients over 10 steps (golden arrays).

A cell is a convolution without bias in front of one of our neurons. Tolerances are those stated
with the data: spikes equal, states 2e-6, gradients 5e-6 absolute + 1e-5 relative.
"""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional as F  # noqa: N812

from saccade.neurons import ALIF, LIF, XLIF, PreLIF, Recurrent

HERE = Path(__file__).parent / "data"
FOLDER = Path(os.environ.get("SACCADE_PARITY_DATA", HERE)) / "optical_flow"

CELLS = ["lif_ff_hard", "lif_ff_soft", "lif_rec_hard", "plif_ff_hard", "alif_rec_soft"]
CELLS += ["xlif_ff_soft"]


def load(name: str, dtype: torch.dtype) -> dict[str, Tensor]:
    with np.load(FOLDER / f"{name}.npz") as file:
        return {key: torch.from_numpy(file[key]).to(dtype) for key in file.files}


def build(name: str, data: dict[str, Tensor]) -> nn.Module:
    p = {key[2:]: value for key, value in data.items() if key.startswith("p.")}
    kind, wiring, reset = name.split("_")
    v_reset = 0.0 if reset == "hard" else None
    if kind == "lif":
        neuron: nn.Module = LIF.event_flow(p["leak"], p["thresh"], reset == "hard")
    elif kind == "plif":
        neuron = PreLIF(p["leak_v"], p["leak_pt"], p["add_pt"], p["thresh"], v_reset)
    elif kind == "alif":
        neuron = ALIF(p["leak_v"], p["leak_t"], p["t0"], p["t1"], v_reset)
    else:
        neuron = XLIF(p["leak_v"], p["leak_pt"], p["t0"], p["t1"], v_reset)
    if wiring == "ff":
        return neuron
    synapse = nn.Conv2d(4, 4, 3, padding=1, bias=False)
    synapse.weight = nn.Parameter(p["rec.weight"].clone())
    return Recurrent(neuron, synapse)  # type: ignore[arg-type]


def run(name: str, dtype: torch.dtype) -> tuple[dict[str, Tensor], dict[str, Tensor]]:
    """Return the golden arrays and ours, under the same names."""
    data = load(name, dtype)
    default = torch.get_default_dtype()
    torch.set_default_dtype(dtype)
    try:
        cell = build(name, data)
    finally:
        torch.set_default_dtype(default)
    x = data["x"].clone().requires_grad_()
    weight = data["p.ff.weight"].clone().requires_grad_()
    T, B = x.shape[:2]
    current = F.conv2d(x.flatten(0, 1), weight, padding=1).unflatten(0, (T, B))
    inputs = {}
    if name.startswith(("plif", "xlif")):
        activity = F.avg_pool2d(x.abs().flatten(0, 1).mean(1, keepdim=True), 3, 1, 1)
        inputs["activity"] = activity.unflatten(0, (T, B))
    state, spikes, states = None, [], []
    runner = cell.run if isinstance(cell, Recurrent) else None
    for t in range(T):
        now = {key: value[t] for key, value in inputs.items()}
        if runner is not None:
            z, state = runner(current[t : t + 1], state)
            z = z[0]
        else:
            z, state = cell.step(current[t], state, **now)
        spikes.append(z)
        states.append(torch.stack([part.detach() for part in state]))
    out = torch.stack(spikes)
    loss = (out * data["a"]).sum() + (state.v * data["b"]).sum()
    loss.backward()
    ours = {"out": out.detach(), "state": torch.stack(states), "loss": loss.detach()}
    ours |= {"grad_x": x.grad, "grad.ff.weight": weight.grad}
    neuron = cell.neuron if isinstance(cell, Recurrent) else cell
    names = {"leak": "w", "leak_v": "leak", "leak_pt": "trace_leak", "leak_t": "trace_leak"}
    names |= {"add_pt": "inhibition", "thresh": "v_threshold"}
    for key in (key[5:] for key in data if key.startswith("grad.")):
        if key in names:
            sign = -1.0 if key == "leak" else 1.0  # PLIF stores w = -leak
            ours[f"grad.{key}"] = sign * getattr(neuron, names[key]).grad.reshape(-1, 1, 1)
    if isinstance(cell, Recurrent):
        ours["grad.rec.weight"] = cell.synapse.weight.grad
    return data, ours


@pytest.mark.parametrize("name", CELLS)
def test_spiking_cell_reproduces_spikes_states_and_gradients(name: str) -> None:
    golden, ours = run(name, torch.float32)
    assert torch.equal(ours["out"], golden["out"])
    slots = min(golden["state"].shape[1], ours["state"].shape[1])
    assert slots == golden["state"].shape[1]
    torch.testing.assert_close(ours["state"], golden["state"], atol=2e-6, rtol=0)
    checked = [key for key in golden if key.startswith("grad")]
    for key in checked:
        torch.testing.assert_close(ours[key], golden[key], atol=5e-6, rtol=1e-5, msg=key)
    assert len(checked) >= 3


@pytest.mark.parametrize("name", CELLS)
def test_spiking_cell_loss_agrees_in_double_precision(name: str) -> None:
    golden, ours = run(name, torch.float64)
    torch.testing.assert_close(ours["loss"], golden["loss_f64"], atol=1e-5, rtol=1e-6)


def test_snntorch_cell_of_the_quantised_network_reproduces_spikes_and_potentials() -> None:
    data = load("seed_convlif_eval", torch.float32)
    neuron = LIF.snntorch(
        data["p.lif.beta"].flatten().clamp(0, 1),
        data["p.lif.threshold"].flatten().clamp(min=0.01),
        reset_mechanism="zero",
        reset_delay=False,
    )
    state = None
    for t, x in enumerate(data["x"]):
        current = F.batch_norm(
            F.conv2d(x, data["p.ff.weight"], padding=1),
            data["p.bn.running_mean"],
            data["p.bn.running_var"],
            data["p.bn.weight"],
            data["p.bn.bias"],
        )
        spikes, state = neuron.step(current, state)
        assert torch.equal(spikes, data["out"][t])
        torch.testing.assert_close(state.v, data["state"][t, 0], atol=5e-6, rtol=0)
