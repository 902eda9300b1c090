"""Prices of what was measured, and cost tables from files."""

import dataclasses
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from saccade.energy import (
    COST_TABLES,
    ESTIMATES,
    PROXIES,
    Activity,
    ActivityRecord,
    LayerShape,
    cost_table,
    dense_energy,
    estimate,
    load_costs,
    measure,
)
from saccade.errors import ConfigError, DataError, MissingFileError
from saccade.neurons import IF

EXAMPLES = sorted((Path(__file__).parents[3] / "examples" / "energy").glob("*.yaml"))
BARS = {"28": (0.776, 0.783), "14": (0.543, 0.556), "7": (0.383, 0.391)}
"""Where the bars of the figure stand, relative to 45 nm."""

TABLE = """
name: chip
source: data sheet
is_measured: true
add: 1
mul: 2
mac: 3
ac: 1
register: 0.5
memory: [[1024, 5], [4096, 9]]
"""


class Net(nn.Module):
    """A spiking layer, and one whose inputs are real numbers."""

    def __init__(self) -> None:
        super().__init__()
        self.conv = nn.Conv2d(2, 4, 3, padding=1, bias=True)
        self.sn = IF()
        self.fc = nn.Linear(6, 5)

    def forward(self, x: Tensor) -> Tensor:
        spikes = self.sn(self.conv(x.flatten(0, 1)).unflatten(0, x.shape[:2]))
        return self.fc(spikes.mean((-1, -2, -3))[..., None].expand(-1, -1, 6) + 0.1)


def record(batch: int = 3, steps: int = 2) -> ActivityRecord:
    torch.manual_seed(3)
    x = (torch.rand(steps, batch, 2, 6, 5) * 3).floor()
    with torch.no_grad(), measure(net := Net()) as found:
        net(x)
    return found


def test_operations_are_additions_and_multiplications() -> None:
    found = record()
    conv, fc = found.layers()
    total = estimate(found, "operations")
    assert conv.ac > 0 and conv.mac == 0 and fc.ac == 0 and fc.mac == 2 * 30
    assert total.total_pj == pytest.approx(0.1 * conv.ac + 3.2 * fc.mac)
    assert total.per_sample_pj.tolist() == pytest.approx(
        (0.1 * conv.operations + 3.2 * fc.operations).tolist()
    )
    assert total.real_share == pytest.approx(3.2 * fc.mac / total.total_pj)


@pytest.mark.parametrize("proxy", PROXIES)
def test_time_steps_are_evaluations(proxy: str) -> None:
    """Every step pays for its bias and its dense work; spikes are paid for once."""
    found = record(batch=1, steps=2)
    conv = found.layers()[0]
    half = Activity(
        spikes_in=conv.spikes_in[0] / 2,
        spikes_out=conv.spikes_out[0] / 2,
        zero_share=conv.zero_share,
    )
    expected = 2 * PROXIES[proxy](conv.shape, half, cost_table("45nm"))
    assert estimate(found, proxy).layers[0].mean_pj == pytest.approx(expected)


@pytest.mark.parametrize("proxy", ["snn_dampfhoffer", "snn_lemaire"])
@pytest.mark.parametrize("shape", [LayerShape.linear(8, 4), LayerShape.linear(8, 4, positions=3)])
def test_a_real_input_pays_multiplications_for_additions(proxy: str, shape: LayerShape) -> None:
    costs = cost_table("45nm")
    spikes = PROXIES[proxy](shape, Activity(spikes_in=7), costs)
    real = PROXIES[proxy](shape, Activity(spikes_in=7, is_real=True), costs)
    assert real - spikes == pytest.approx(7 * 4 * (costs.mac - costs.ac))


def test_energy_of_a_sample_does_not_know_its_batch() -> None:
    one, several = record(batch=1), record(batch=1)
    several.inferences *= 4
    several.batches *= 4
    for proxy in ESTIMATES:
        assert estimate(several, proxy).total_pj == pytest.approx(estimate(one, proxy).total_pj)
        assert estimate(several, proxy).deviation_pj == pytest.approx(0, abs=1e-6)


def test_table_adds_up_and_says_what_inputs_are() -> None:
    found = estimate(record())
    *rows, last = found.table().rows
    assert [row[1] for row in rows] == ["counts to 2", "real"]
    assert last[6] == pytest.approx(sum(row[6] for row in rows)) == pytest.approx(found.total_pj)
    assert sum(row[7] for row in rows) == pytest.approx(1)
    layers = [item.layer for item in found.layers]
    inputs = sum(layer.spikes_in.mean() for layer in layers)
    assert found.spikes_per_synapse == pytest.approx(inputs / sum(x.dense for x in layers))


def test_notes_name_what_is_no_spike_and_what_is_not_counted() -> None:
    class Pooled(Net):
        def __init__(self) -> None:
            super().__init__()
            self.norm = nn.LayerNorm(5)
            self.spare = nn.Linear(1, 1)

        def forward(self, x: Tensor) -> Tensor:
            return self.norm(super().forward(x))

    with torch.no_grad(), measure(net := Pooled()) as found:
        net(torch.ones(1, 2, 2, 6, 5))
    text = " ".join(estimate(found).notes)
    assert "1 of 2 layers are not driven by spikes" in text and "fc" in text
    assert "LayerNorm x 1 (5 values)" in text
    assert "never ran: spare" in text
    assert "additions of residual identities" in text
    assert "Horowitz" in text
    dense = " ".join(estimate(found, "ann_naive").notes)
    assert "not driven by spikes" not in dense


def test_silence_is_told() -> None:
    with torch.no_grad(), measure(net := nn.Linear(2, 2)) as found:
        net(torch.zeros(3, 2))
    assert any("1 layers saw nothing but zeros: Linear" in note for note in estimate(found).notes)
    assert not any("zeros: " in note for note in estimate(record()).notes)


def test_transposed_layers_multiply_at_their_inputs() -> None:
    shape = LayerShape(
        is_conv=True, channels_in=3, channels_out=2, size_in=(4, 5), size_out=(8, 10),
        kernel=(2, 2), stride=(2, 2), is_transposed=True,
    )  # fmt: skip
    assert shape.synapses == 3 * 2 * 4 * 4 * 5
    assert shape.fan_out == 8
    costs = dataclasses.replace(cost_table("45nm"), memory=((1.0, 0.0),))
    spikes = PROXIES["snn_dampfhoffer"](shape, Activity(spikes_in=60), costs)
    assert spikes == pytest.approx(shape.synapses * costs.add)
    for proxy in ("ann_naive", "ann_lemaire"):
        assert dense_energy(shape, proxy, costs) == pytest.approx(shape.synapses * costs.mac)


def test_wrong_names_are_refused() -> None:
    with pytest.raises(ConfigError, match="Did you mean 'snn_lemaire'"):
        estimate(record(), "snn_lemair")
    with pytest.raises(ConfigError, match="YAML file"):
        estimate(record(), costs="28nm")
    with pytest.raises(ConfigError, match="needs measured spikes"):
        dense_energy(LayerShape.linear(2, 2), "snn_lemaire", cost_table("45nm"))
    with measure(net := nn.Identity()) as found:
        net(torch.ones(1))
    with pytest.raises(DataError, match="No layer ran"):
        estimate(found)


class TestTables:
    """Cost tables of users."""

    def test_a_file_is_read_whole(self, tmp_path: Path) -> None:
        (tmp_path / "chip.yaml").write_text(TABLE)
        costs = load_costs(tmp_path / "chip.yaml")
        assert (costs.mac, costs.access(2560), costs.bytes_per_value) == (3, 7, 4)

    @pytest.mark.parametrize("field", ["source", "is_measured", "memory", "ac"])
    def test_a_missing_field_is_named(self, tmp_path: Path, field: str) -> None:
        kept = [line for line in TABLE.splitlines() if not line.startswith(f"{field}:")]
        (tmp_path / "chip.yaml").write_text("\n".join(kept))
        with pytest.raises(ConfigError, match=f"Missing.*{field}"):
            load_costs(tmp_path / "chip.yaml")

    @pytest.mark.parametrize(
        ("old", "new", "text"),
        [
            ("data sheet", "' '", "no source"),
            ("ac: 1", "ac: -1", "0 or more"),
            ("ac: 1", "ac: .nan", "0 or more"),
            ("[4096, 9]", "[512, 9]", "rising"),
            ("mul: 2", "mull: 2", "mul"),
        ],
    )
    def test_wrong_values_are_refused(self, tmp_path: Path, old: str, new: str, text: str) -> None:
        (tmp_path / "chip.yaml").write_text(TABLE.replace(old, new, 1))
        with pytest.raises(ConfigError, match=text):
            load_costs(tmp_path / "chip.yaml")

    def test_a_missing_file(self, tmp_path: Path) -> None:
        with pytest.raises(MissingFileError, match=r"none\.yaml"):
            load_costs(tmp_path / "none.yaml")

    @pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: path.stem)
    def test_examples_say_that_they_were_read_from_a_figure(self, path: Path) -> None:
        costs, base = load_costs(path), COST_TABLES["45nm"]
        low, high = BARS[path.stem.split("nm")[0]]
        assert not costs.is_measured and "figure" in costs.name and "figure" in costs.source
        for name in ("add", "mul", "mac", "ac", "register"):
            assert low <= getattr(costs, name) / getattr(base, name) <= high
        for (size, pj), (size_45, pj_45) in zip(costs.memory, base.memory, strict=True):
            assert size == size_45 and low <= pj / pj_45 <= high

    def test_unmeasured_costs_are_said_to_be(self) -> None:
        assert len(EXAMPLES) == 3
        found = estimate(record(), costs=EXAMPLES[0])
        assert any("were not measured" in note for note in found.notes)
        assert not any("were not measured" in note for note in estimate(record()).notes)
        ratio = found.total_pj / estimate(record()).total_pj
        assert np.isclose(ratio, found.costs.mac / 3.2)
