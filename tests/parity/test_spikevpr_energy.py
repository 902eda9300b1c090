"""Energy of single layers under six published proxies, their sizes and the price of memory."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from spikevpr_numbers import files

from saccade.energy import PROXIES, Activity, LayerShape, cost_table

LAYERS = files("energy_layers_")


def layer(row: dict[str, float]) -> tuple[LayerShape, Activity]:
    """Return what a row of the file describes."""
    whole = {name: int(value) for name, value in row.items()}
    activity = Activity(
        spikes_in=row["theta_in"], spikes_out=row["theta_out"], zero_share=row["relu_sparsity"]
    )
    if not row["is_conv"]:
        shape = LayerShape.linear(whole["N_in"], whole["N_out"], has_bias=bool(row["has_bias"]))
        return shape, activity
    shape = LayerShape(
        is_conv=True,
        channels_in=whole["C_in"],
        channels_out=whole["C_out"],
        size_in=(whole["H_in"], whole["W_in"]),
        size_out=(whole["H_out"], whole["W_out"]),
        kernel=(whole["H_k"], whole["W_k"]),
        stride=(whole["stride"], whole["stride"]),
        groups=whole["groups"],
        has_bias=bool(row["has_bias"]),
    )
    return shape, activity


def test_there_are_cases() -> None:
    assert LAYERS


@pytest.mark.parametrize("path", LAYERS, ids=lambda path: path.stem)
def test_layers_cost_what_was_published(path: Path) -> None:
    data = np.load(path)
    columns, costs = [str(name) for name in data["columns"]], cost_table("45nm")
    proxies = [str(name) for name in data["proxies"]]
    assert set(proxies) <= set(PROXIES)
    for k, values in enumerate(data["layers"]):
        shape, activity = layer(dict(zip(columns, values.tolist(), strict=True)))
        counts = (shape.synapses, shape.neurons, shape.weights)
        assert counts == tuple(data["counts_syn_neur_weights"][k]), k
        found = [PROXIES[name](shape, activity, costs) for name in proxies]
        assert found == pytest.approx(data["energy_pJ"][k].tolist(), rel=1e-9), k


@pytest.mark.parametrize("path", LAYERS, ids=lambda path: path.stem)
def test_memory_costs_what_was_published(path: Path) -> None:
    data = np.load(path)
    found = [cost_table("45nm").access(size) for size in data["sram_bytes"].tolist()]
    assert found == pytest.approx(data["sram_pJ"].tolist(), rel=1e-9)
