"""What a query costs: events counted by hand again, sums priced, what does not fit refused."""

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from saccade.contracts import Report
from saccade.energy import ESTIMATES, cost_table
from saccade.engine.seed import numpy_rng
from saccade.errors import ConfigError, MissingFileError
from saccade.tasks.place_stdp.config import EnergyConfig
from saccade.tasks.place_stdp.config_eval import Proxy
from saccade.tasks.place_stdp.delta_spikes import bernoulli_spikes
from saccade.tasks.place_stdp.delta_spiking import SpikingModel
from saccade.tasks.place_stdp.energy_layers import matrix_cost, stdp_cost
from saccade.tasks.place_stdp.energy_spiking import feature_spikes, spiking_cost
from saccade.tasks.place_stdp.exact import ExactEngine
from saccade.tasks.place_stdp.inputs import StoredInputs
from saccade.tasks.place_stdp.model import Member
from saccade.tasks.place_stdp.network import State
from saccade.tasks.place_stdp.respond import responses
from saccade.tasks.place_stdp.task import energy
from saccade.traverses import SetArgs
from stdp_runs import EXACT, SMALL, made, tell, words, write_set

PLACES, INPUTS, NEURONS, STEPS = 6, 48, 20, 1200
IMAGES = [0, 3, 5]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Runs of the fast and the exact engine and of the delta rule on six places."""
    base = tmp_path_factory.mktemp("energy")
    root = write_set(base / "set.npz", PLACES, "ab")
    kinds = {"fast": (), "exact": EXACT, "delta": ("--learner", "delta", "--delta-epochs", "5")}
    for name, flags in kinds.items():
        made("train", root, *SMALL, *flags, "--name", name, "--out", base)
    return base


def opened(folder: Path, kind: str) -> tuple[Member, StoredInputs]:
    run = folder / kind
    return Member.open(run / "member-0.safetensors"), StoredInputs(run / "inputs" / "a")


def small(folder: Path, kind: str, out: Path, **changes: Any) -> EnergyConfig:
    data = SetArgs(data="images", root=folder / "set.npz", tests=("b:a",))
    return EnergyConfig(data=data, weights=(str(folder / kind),), windows=3, out=out, **changes)


def test_synaptic_events_are_spikes_times_what_they_reach(folder: Path) -> None:
    member, inputs = opened(folder, "fast")
    cost = stdp_cost(member, inputs, IMAGES)
    answers = np.stack(
        list(responses(member.networks(range(2)), inputs, engine="fast", seed=0, images=IMAGES))
    )
    fired = answers.sum(axis=(1, 2))
    rasters = [inputs.raster(k, member.network, numpy_rng(0, f"a {k}")) for k in IMAGES]
    sent = np.array([len(raster) for raster in rasters])
    assert fired.min() > 0
    into, across, back = cost.layers
    np.testing.assert_array_equal(into.operations, sent * NEURONS * member.modules)
    np.testing.assert_array_equal(across.operations, fired)
    np.testing.assert_array_equal(back.operations, fired * (NEURONS - 1))
    assert into.steps == STEPS * member.modules and into.shape.weights == INPUTS * NEURONS
    assert across.shape.weights == NEURONS and back.shape.weights == NEURONS**2
    assert cost.updates == 2 * NEURONS * STEPS * member.modules
    total = into.operations + across.operations + back.operations
    assert cost.totals["synaptic events"] == pytest.approx(total.mean())


def test_the_exact_engine_counts_its_inhibitory_spikes(folder: Path) -> None:
    member, inputs = opened(folder, "exact")
    cost = stdp_cost(member, inputs, IMAGES)
    fired, answered = np.zeros((2, len(IMAGES)), np.int64)
    for network in member.networks(range(member.modules)):
        engine = ExactEngine(network)
        for k, image in enumerate(IMAGES):
            engine.state = State.rest(member.network)
            rng = numpy_rng(0, f"a {image}")
            found = engine.run(inputs.raster(image, member.network, rng), learn=False)
            fired[k] += len(found.excitatory)
            answered[k] += len(found.inhibitory)
    np.testing.assert_array_equal(cost.layers[1].spikes_in, fired)
    np.testing.assert_array_equal(cost.layers[2].spikes_in, answered)


def test_a_matrix_multiplies_what_is_not_zero(folder: Path) -> None:
    member, inputs = opened(folder, "delta")
    (layer,) = matrix_cost(member, inputs, IMAGES).layers
    nonzero = np.count_nonzero(inputs.values(np.array(IMAGES)), axis=1)
    np.testing.assert_array_equal(layer.operations, nonzero * PLACES)
    assert layer.is_real and layer.dense == INPUTS * PLACES


def test_the_spiking_form_counts_what_the_model_fires(folder: Path) -> None:
    member, inputs = opened(folder, "delta")
    cost = spiking_cost(member, inputs, IMAGES, steps=40)
    assert len(cost.layers) == 2 * member.modules
    values = inputs.values(np.array(IMAGES))
    sent = [int(r.sum()) for r in bernoulli_spikes(values, 40, seeds=IMAGES)]
    np.testing.assert_array_equal(cost.layers[0].spikes_in, sent)
    np.testing.assert_array_equal(cost.layers[1].spikes_in, cost.layers[0].spikes_out)
    assert cost.layers[0].operations[0] == sent[0] * 2 * INPUTS
    assert cost.updates == 40 * sum(layer.shape.neurons for layer in cost.layers)


def test_feature_spikes_drive_outputs_as_the_kernel_does() -> None:
    rng = np.random.default_rng(0)
    raster = (rng.random((30, 8)) < 0.4).astype(np.uint8)
    feature, output = (rng.normal(0.1, 0.5, shape).astype("f4") for shape in ((8, 5), (5, 3)))
    inner = feature_spikes(raster, feature, 1.0, -1.0)
    outer = feature_spikes(inner, output, 1.0, -1.0)
    expected = SpikingModel(((feature, output),)).counts(raster)
    np.testing.assert_array_equal(outer.sum(axis=0), expected)
    assert expected.sum() > 0


@pytest.fixture(scope="module")
def report(folder: Path) -> Report:
    return energy(small(folder, "fast", folder / "all"))


def test_choices_of_the_command_line_are_the_estimates() -> None:
    assert set(Proxy.__args__) == {"all", *ESTIMATES}


def test_report_prices_every_layer(report: Report, folder: Path) -> None:
    tables = {table.title: table for table in report.tables}
    layers = tables["Energy per layer, snn_lemaire, 45nm"]
    assert len(layers.rows) == 3 + 1
    assert report.values["energy_pj"] == pytest.approx(
        sum(float(row[6] or 0) for row in layers.rows[:-1])
    )
    assert set(report.values["energy_pj_by_proxy"]) == set(ESTIMATES)
    events = report.values["synaptic_events_per_query"]
    operations = report.values["energy_pj_by_proxy"]["operations"]
    assert operations == pytest.approx(events * cost_table("45nm").ac)
    assert report.values["measured_ms_per_query"] > 0
    assert report.values["measured_with_threads"] == 1
    stored = json.loads((folder / "all" / "report.json").read_text())
    assert stored["values"]["modules"] == 2
    for name in ("layers.png", "estimates.png"):
        assert (folder / "all" / name).read_bytes()[:4] == b"\x89PNG"


def test_notes_say_what_is_not_charged(report: Report) -> None:
    notes = " ".join(report.notes)
    for word in ("delays", "plasticity", "pauses", "measured on this machine, 1 thread"):
        assert word in notes


def test_one_estimate_shows_its_own_layers(folder: Path, tmp_path: Path) -> None:
    found = energy(small(folder, "delta", tmp_path / "one", proxy="operations"))
    assert set(found.values["energy_pj_by_proxy"]) == {"operations"}
    assert not (tmp_path / "one" / "estimates.png").exists()
    assert "delays" not in " ".join(found.notes)


def test_the_spiking_form_needs_its_layers(folder: Path, tmp_path: Path) -> None:
    whole = energy(small(folder, "delta", tmp_path / "spiking", form="spiking", form_steps=20))
    assert whole.values["feature_spikes_per_query"] > 0
    alone = tmp_path / "member-0.safetensors"
    alone.write_bytes((folder / "delta" / "member-0.safetensors").read_bytes())
    cfg = small(folder, "delta", tmp_path / "out", form="spiking")
    with pytest.raises(MissingFileError, match="product of its layers"):
        energy(replace(cfg, weights=(str(alone),)))


def test_what_does_not_fit_is_refused(folder: Path, tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="whose modules spike already"):
        energy(small(folder, "fast", tmp_path / "a", form="spiking"))
    with pytest.raises(ConfigError, match="--windows 0"):
        EnergyConfig(weights=("run",), windows=0)
    with pytest.raises(ConfigError, match="no cost table '7nm'"):
        energy(small(folder, "fast", tmp_path / "b", costs="7nm"))
    told = tell(*words("energy", folder / "set.npz", "--as-counts", "--weights", folder / "fast"))
    assert told.code == 2 and "was trained on grey values of images" in told.err
    assert not [path for path in tmp_path.iterdir() if path.name in ("a", "b")]
