"""The verbs on synthetic drives: what they find, write, say and refuse."""

import csv
import json
from importlib import resources
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from drives import PLACE_US, drive

import saccade
from saccade.contracts import Report
from saccade.engine import load_config
from saccade.errors import CheckpointError, ConfigError, DataError, MissingFileError, ShapeError
from saccade.events import SensorSize
from saccade.tasks.place.checkpoint import load_published, save_weights
from saccade.tasks.place.config import PredictConfig, RetrieveConfig, WindowArgs
from saccade.tasks.place.data import cut
from saccade.tasks.place.embed import count_descriptors
from saccade.tasks.place.model import PlaceNet
from saccade.tasks.place.task import predict, retrieve

ROUTE: list[int | None] = [0, 1, 2, 3, 4, 5]


@pytest.fixture
def monday(tmp_path: Path) -> Path:
    return saccade.save(drive(ROUTE, seed=1), tmp_path / "monday.npz")


@pytest.fixture
def tuesday(tmp_path: Path) -> Path:
    return saccade.save(drive(ROUTE, seed=2), tmp_path / "tuesday.npz")


def predicted(recording: Path, out: Path, **options: Any) -> Report:
    settings = {"weights": "untrained", "window_us": PLACE_US, "device": "cpu", **options}
    return predict(PredictConfig(recording=recording, out=out, **settings))


def retrieved(reference: Path, query: Path, out: Path, **options: Any) -> Report:
    settings = {"window_us": PLACE_US, "device": "cpu", "top": 3, **options}
    return retrieve(RetrieveConfig(reference=reference, query=query, out=out, **settings))


def matches(out: Path) -> list[dict[str, str]]:
    with (out / "matches.csv").open() as file:
        return list(csv.DictReader(file))


def test_predict_writes_unit_descriptors_with_their_times(monday: Path, tmp_path: Path) -> None:
    report = predicted(monday, tmp_path / "run")
    bank = np.load(tmp_path / "run" / "descriptors.npz")
    assert bank["vectors"].shape == (6, 4096) and bank["vectors"].dtype == np.float32
    assert np.allclose(np.linalg.norm(bank["vectors"], axis=1), 1, atol=1e-5)
    assert bank["t_start_us"].tolist() == [k * PLACE_US for k in range(6)]
    assert bank["event_count"].tolist() == [1_500] * 5 + [1_501]
    assert str(bank["method"]) == "sew_resnet18" and str(bank["weights"]) == "untrained seed 0"
    stored = json.loads((tmp_path / "run" / "report.json").read_text())
    assert stored["values"]["windows"] == 6 == report.values["windows"]
    assert (tmp_path / "run" / "config.yaml").exists()
    assert all(path.exists() for path in report.files)


def test_predict_says_that_nothing_was_trained_and_which_layers_are_silent(
    monday: Path, tmp_path: Path
) -> None:
    report = predicted(monday, tmp_path / "run")
    notes = " ".join(report.notes)
    assert "not trained" in notes and "seed 0" in notes and "calibrated on 6 frames" in notes
    assert "3 layers fired no spike: aggregator.mix.0.sn" in notes
    tables = {table.title: table for table in report.tables}
    rates = [row[3] for row in tables["Spikes per layer"].rows if "aggregator" not in str(row[0])]
    assert len(rates) == 21 and all(float(rate or 0) > 0 for rate in rates)
    assert "Batch-norm calibration" in tables
    assert report.values["mean_pairwise_cosine"] < 0.9


def test_predict_gives_the_same_numbers_for_the_same_seed(monday: Path, tmp_path: Path) -> None:
    banks = []
    for name, seed in (("a", 3), ("b", 3), ("c", 4)):
        predicted(monday, tmp_path / name, seed=seed)
        banks.append(np.load(tmp_path / name / "descriptors.npz")["vectors"])
    assert np.array_equal(banks[0], banks[1])
    assert not np.allclose(banks[0], banks[2], atol=1e-3)


def test_batch_size_does_not_change_descriptors(monday: Path, tmp_path: Path) -> None:
    banks = []
    weights = tmp_path / "w.safetensors"
    save_weights(PlaceNet.sew_resnet18(seed=1), weights)
    for batch in (1, 6):
        predicted(monday, tmp_path / str(batch), weights=str(weights), batch=batch)
        banks.append(np.load(tmp_path / str(batch) / "descriptors.npz")["vectors"])
    assert np.allclose(banks[0], banks[1], atol=1e-5)


def test_loaded_weights_are_used_as_they_are_unless_calibration_is_asked_for(
    monday: Path, tmp_path: Path
) -> None:
    weights = tmp_path / "w.safetensors"
    save_weights(PlaceNet.sew_resnet18(seed=1), weights)
    plain = predicted(monday, tmp_path / "plain", weights=str(weights))
    assert plain.values["bank"] == "collapsed"
    assert "try --calibrate" in " ".join(plain.notes)
    calibrated = predicted(monday, tmp_path / "calibrated", weights=str(weights), calibrate=True)
    assert calibrated.values["bank"] != "collapsed"
    assert "differ from the published" in " ".join(calibrated.notes)
    assert len(calibrated.values["weights"]) == 64
    bank = np.load(tmp_path / "plain" / "descriptors.npz")
    model, windows = load_published(weights), cut(drive(ROUTE, 1), WindowArgs(window_us=PLACE_US))
    import torch

    with torch.no_grad():
        expected = model(torch.from_numpy(windows.frames(np.arange(6)))).numpy()
    assert np.allclose(bank["vectors"], expected, atol=1e-5)


def test_predict_over_several_steps(monday: Path, tmp_path: Path) -> None:
    predicted(monday, tmp_path / "one")
    predicted(monday, tmp_path / "four", steps=4)
    one, four = (np.load(tmp_path / n / "descriptors.npz")["vectors"] for n in ("one", "four"))
    assert one.shape == four.shape
    assert not np.allclose(one, four, atol=1e-2)


def test_empty_window_is_flagged_and_not_matched(monday: Path, tmp_path: Path) -> None:
    gap = saccade.save(drive([0, 1, None, 3, 4, 5], seed=2), tmp_path / "gap.npz")
    report = retrieved(monday, gap, tmp_path / "run")
    assert report.values["empty_windows"] == 1
    assert "1 windows of gap.npz hold no event (2)" in " ".join(report.notes)
    assert {row["query"] for row in matches(tmp_path / "run")} == {"0", "1", "3", "4", "5"}
    back = retrieved(gap, monday, tmp_path / "back")
    assert back.values["empty_windows"] == 1
    assert "2" not in {row["reference"] for row in matches(tmp_path / "back")}


def test_count_frames_find_every_place_again(monday: Path, tuesday: Path, tmp_path: Path) -> None:
    report = retrieved(monday, tuesday, tmp_path / "run", tolerance_index=0)
    best = [row for row in matches(tmp_path / "run") if row["rank"] == "1"]
    assert [row["reference"] for row in best] == ["0", "1", "2", "3", "4", "5"]
    assert {row["is_true"] for row in best} == {"True"}
    assert report.values["recall_at_1_count"] == 1.0
    assert report.values["chance_recall_at_1"] == pytest.approx(1 / 6)
    assert len(matches(tmp_path / "run")) == 18


def test_score_of_counts_is_their_correlation() -> None:
    windows = cut(drive(ROUTE, seed=1), WindowArgs(window_us=PLACE_US))
    bank = count_descriptors(windows)
    expected = np.corrcoef(windows.cells(8))
    assert np.allclose(bank.vectors @ bank.vectors.T, expected, atol=1e-5)


def test_both_methods_are_reported_side_by_side(
    monday: Path, tuesday: Path, tmp_path: Path
) -> None:
    report = retrieved(
        monday, tuesday, tmp_path / "run", method="both", weights="untrained", tolerance_us=50_000
    )
    assert {row["method"] for row in matches(tmp_path / "run")} == {"count", "sew_resnet18"}
    assert {"recall_at_1_count", "recall_at_1_sew_resnet18"} <= report.values.keys()
    assert "not trained" in " ".join(report.notes)
    for name in ("matches_count.png", "matches_sew_resnet18.png"):
        assert (tmp_path / "run" / name).read_bytes().startswith(b"\x89PNG")
    records = json.loads((tmp_path / "run" / "matches.json").read_text())
    assert len(records) == len(matches(tmp_path / "run"))
    assert {"method", "query", "rank", "reference", "score", "is_true"} <= records[0].keys()


def test_query_finds_its_own_recording_with_any_method(monday: Path, tmp_path: Path) -> None:
    retrieved(monday, monday, tmp_path / "run", method="both", weights="untrained")
    for row in matches(tmp_path / "run"):
        if row["rank"] == "1":
            assert row["query"] == row["reference"]
            assert float(row["score"]) == pytest.approx(1, abs=1e-5)


def test_without_truth_nothing_is_called_right(monday: Path, tuesday: Path, tmp_path: Path) -> None:
    report = retrieved(monday, tuesday, tmp_path / "run")
    assert {row["is_true"] for row in matches(tmp_path / "run")} == {""}
    assert "No truth is given" in " ".join(report.notes)
    assert report.values["chance_recall_at_1"] == pytest.approx(1 / 6)
    assert not [name for name in report.values if name.startswith("recall")]


def test_offset_moves_the_truth(monday: Path, tmp_path: Path) -> None:
    late = saccade.save(drive([1, 2, 3, 4, 5, 0], seed=2), tmp_path / "late.npz")
    report = retrieved(monday, late, tmp_path / "run", tolerance_us=0, offset_us=-PLACE_US)
    assert report.values["recall_at_1_count"] == pytest.approx(5 / 6)
    assert report.values["queries_without_true_match"] == 1


def test_tolerance_that_covers_everything_is_refused(
    monday: Path, tuesday: Path, tmp_path: Path
) -> None:
    with pytest.raises(DataError, match="every candidate is a true match"):
        retrieved(monday, tuesday, tmp_path / "run", tolerance_index=99)
    status = json.loads((tmp_path / "run" / "status.json").read_text())
    assert status["state"] == "failed"


def test_recordings_of_other_sizes_are_refused(monday: Path, tmp_path: Path) -> None:
    small = saccade.save(drive(ROUTE, 2, size=SensorSize(48, 64)), tmp_path / "small.npz")
    with pytest.raises(ShapeError, match=r"96x64.*64x48.*--input-size"):
        retrieved(monday, small, tmp_path / "run")
    report = retrieved(monday, small, tmp_path / "scaled", input_size="64x48")
    assert report.values["query_windows"] == 6


def test_weights_are_looked_for_before_the_recording_is_read(tmp_path: Path) -> None:
    with pytest.raises(MissingFileError, match=r"gone\.pth"):
        predicted(tmp_path / "none.npz", tmp_path / "run", weights=str(tmp_path / "gone.pth"))
    assert not (tmp_path / "run").exists()


def test_published_weights_without_a_word_on_their_head_are_refused(
    monday: Path, tmp_path: Path
) -> None:
    import torch

    torch.save(PlaceNet.sew_resnet18().state_dict(), tmp_path / "w.pth")
    with pytest.raises(CheckpointError, match="--head-neuron"):
        predicted(monday, tmp_path / "run", weights=str(tmp_path / "w.pth"))


def test_compat_refuses_another_sensor(monday: Path, tmp_path: Path) -> None:
    with pytest.raises(ShapeError, match="exactly 260x346"):
        predicted(monday, tmp_path / "run", compat="spikevpr")


def test_foreign_input_is_noted_for_loaded_weights(monday: Path, tmp_path: Path) -> None:
    weights = tmp_path / "w.safetensors"
    save_weights(PlaceNet.sew_resnet18(), weights)
    report = predicted(monday, tmp_path / "run", weights=str(weights), max_events=100)
    notes = " ".join(report.notes)
    assert "Frames are 96x64" in notes and "events per pixel" in notes


def test_run_folder_is_numbered_when_none_is_named(
    monday: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    report = retrieve(RetrieveConfig(reference=monday, query=monday, window_us=PLACE_US))
    assert report.files[0].parent.parts[-2:] == ("runs", "retrieve-place-001")


def test_smoke_recipe_runs(monday: Path, tuesday: Path, tmp_path: Path) -> None:
    recipe = resources.files("saccade.tasks.place") / "recipes" / "smoke.yaml"
    base = RetrieveConfig(reference=monday, query=tuesday, out=tmp_path / "run")
    cfg = load_config(RetrieveConfig, Path(str(recipe)), base=base, section="retrieve")
    report = retrieve(cfg)
    assert report.values["recall_at_1_count"] == 1.0
    assert "recall_at_1_sew_resnet18" in report.values


@pytest.mark.parametrize(
    ("settings", "text"),
    [
        ({"method": "network"}, r"--method network without --weights.*untrained"),
        ({"method": "both"}, "--method both without --weights"),
        ({"weights": "untrained"}, "--weights untrained with --method count"),
        ({"tolerance_us": 1, "tolerance_index": 1}, "--tolerance-us and --tolerance-index"),
        ({"top": 0}, "--top 0"),
        ({"tolerance_us": -1}, "--tolerance-us -1"),
    ],
)
def test_contradictory_arguments_name_the_flags(settings: dict[str, Any], text: str) -> None:
    with pytest.raises(ConfigError, match=text):
        RetrieveConfig(reference=Path("a"), query=Path("b"), **settings)


def test_calibrated_network_tells_the_demo_recording_apart(tmp_path: Path) -> None:
    recording = Path(__file__).parents[3] / "data" / "ros_640x480_repacked.raw"
    report = predicted(recording, tmp_path / "run", window_us=250_000, input_size="346x260")
    assert report.values["windows"] == 8
    assert report.values["empty_windows"] == 0
    spikes = next(table for table in report.tables if table.title == "Spikes per layer")
    backbone = [row for row in spikes.rows if not str(row[0]).startswith("aggregator")]
    assert all(float(row[2] or 0) > 0 for row in backbone)
    assert 0 < report.values["mean_pairwise_cosine"] < 0.95
