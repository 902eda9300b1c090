"""The energy of the place network: invariant, complete, and beside its conventional rival."""

import dataclasses
import json
from pathlib import Path

import pytest

from saccade.contracts import Report
from saccade.energy import ESTIMATES, cost_table
from saccade.errors import ConfigError
from saccade.tasks.place.config_energy import EnergyConfig, Proxy
from saccade.tasks.place.netvlad_shapes import BINS, event_vpr_energy, event_vpr_shapes
from saccade.tasks.place.task import energy

RECORDING = Path(__file__).parents[3] / "data" / "ros_640x480_repacked.raw"
COSTS = cost_table("45nm")


def small(out: Path, **changes: object) -> EnergyConfig:
    config = EnergyConfig(
        recording=RECORDING, weights="untrained", input_size="96x64", frames=3, out=out
    )
    return dataclasses.replace(config, **changes)


@pytest.fixture(scope="module")
def report(tmp_path_factory: pytest.TempPathFactory) -> Report:
    return energy(small(tmp_path_factory.mktemp("run") / "all", compare="netvlad"))


@pytest.mark.parametrize(("proxy", "mj"), [("ann_lemaire", 633.86), ("ann_naive", 1723.0)])
def test_event_vpr_costs_what_the_published_figure_shows(proxy: str, mj: float) -> None:
    assert event_vpr_energy(proxy, COSTS) * 1e-9 == pytest.approx(mj, rel=2e-4)


def test_event_vpr_has_the_published_size() -> None:
    shapes = dict(event_vpr_shapes())
    assert len(shapes) == len(event_vpr_shapes()) == 3 + 36 + 2
    assert sum(shape.synapses for shape in shapes.values()) == pytest.approx(4.39e9, rel=1e-3)
    assert shapes["layer4.2.conv2"].size_out == (7, 7)
    assert shapes["conv1"].weights == 64 * 18 * 49


def test_the_event_mlp_runs_for_every_event_and_bin() -> None:
    once, none = event_vpr_energy("operations", COSTS), event_vpr_energy("operations", COSTS, 0)
    some = event_vpr_energy("operations", COSTS, 100)
    assert once - none == pytest.approx((30 + 900 + 30) * COSTS.mac)
    assert some - none == pytest.approx(100 * BINS * (once - none))


def test_choices_of_the_command_line_are_the_estimates() -> None:
    assert set(Proxy.__args__) == {"all", *ESTIMATES}


def test_report_prices_every_layer(report: Report) -> None:
    tables = {table.title: table for table in report.tables}
    layers = tables["Energy per layer, snn_lemaire, 45nm"]
    assert len(layers.rows) == 45 + 1
    assert report.values["energy_pj"] == pytest.approx(sum(row[6] for row in layers.rows[:-1]))
    assert set(report.values["energy_pj_by_proxy"]) == set(ESTIMATES)
    assert 0 < report.values["real_valued_share"] < 1
    assert report.values["frames"] == 3
    total = report.values["ac_per_inference"] + report.values["mac_per_inference"]
    assert 0 < total < report.values["dense_mac_per_inference"]
    assert report.values["energy_pj_by_proxy"]["operations"] == pytest.approx(
        0.1 * report.values["ac_per_inference"] + 3.2 * report.values["mac_per_inference"]
    )


def test_report_says_what_it_leaves_out(report: Report) -> None:
    text = " ".join(report.notes)
    for words in ("not trained", "not driven by spikes", "LayerNorm x 3", "residual identities"):
        assert words in text


def test_rival_stands_beside_it(report: Report) -> None:
    table = next(table for table in report.tables if table.title == "Beside EventVPR")
    for theirs, rival, ours, own, ratio in table.rows:
        assert ratio == pytest.approx(rival / own)
        assert own == report.values["energy_pj_by_proxy"][ours]
        assert rival > event_vpr_energy(theirs, COSTS)  # events go through the MLP


def test_files_are_whole(report: Report) -> None:
    found = {path.name: path for path in report.files}
    assert set(found) == {"layers.png", "estimates.png", "report.json", "config.yaml"}
    assert found["layers.png"].read_bytes()[:4] == b"\x89PNG"
    stored = json.loads(found["report.json"].read_text())
    assert stored["values"]["energy_pj"] == report.values["energy_pj"]


@pytest.mark.parametrize("batch", [1, 2])
def test_batch_changes_nothing(report: Report, tmp_path: Path, batch: int) -> None:
    """Defect B1 of the original: identical frames cost more in larger batches."""
    other = energy(small(tmp_path / "run", batch=batch))
    for name, value in other.values["energy_pj_by_proxy"].items():
        # Calibration runs in batches, too, and float32 sums move a spike now and then.
        assert value == pytest.approx(report.values["energy_pj_by_proxy"][name], rel=2e-2), name


def test_one_estimate_and_other_costs(tmp_path: Path) -> None:
    costs = Path(__file__).parents[4] / "examples" / "energy" / "28nm_from_a_figure.yaml"
    changes = {"proxy": "ann_naive", "costs": str(costs), "arch": "sew_resnet34", "frames": 1}
    found = energy(small(tmp_path / "run", **changes))
    assert list(found.values["energy_pj_by_proxy"]) == ["ann_naive"]
    assert found.values["costs_are_measured"] is False
    assert any("were not measured" in note for note in found.notes)
    assert [path.name for path in found.files if path.suffix == ".png"] == ["layers.png"]


def test_wrong_arguments_are_refused_before_anything_runs(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="--frames 0"):
        small(tmp_path, frames=0)
    with pytest.raises(ConfigError, match="no cost table '28nm'"):
        energy(small(tmp_path / "run", costs="28nm"))
    assert not (tmp_path / "run").exists()
