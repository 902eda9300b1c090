"""From a downloaded set to a report, by the command line alone: prepare, train, resume, eval."""

from __future__ import annotations

import csv
import json
from collections import defaultdict
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from mock_sets import MOCKS, PlaceSets, say

from saccade.tasks.place.train import PlaceTrainee


@pytest.fixture(scope="session", params=MOCKS)
def runs(
    request: pytest.FixtureRequest, place_sets: PlaceSets, tmp_path_factory: pytest.TempPathFactory
) -> tuple[str, Path, Path]:
    """A set's name, a run from end to end, and one that was stopped in the second half."""
    name, out = request.param, tmp_path_factory.mktemp("runs")
    told = say(*place_sets.words("train", name, "--out", out, "--name", "whole", "--json"))
    assert told.code == 0, told.err
    plain, steps = PlaceTrainee.loss, list[int]()
    last = json.loads(told.out)["steps"] * 3 // 4

    def stops(self: PlaceTrainee, batch: Any) -> Any:
        steps.append(1)
        if len(steps) == last:
            raise KeyboardInterrupt
        return plain(self, batch)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(PlaceTrainee, "loss", stops)
        told = say(*place_sets.words("train", name, "--out", out, "--name", "stopped"))
    assert told.code == 130 and "interrupted" in told.err
    return name, out / "whole", out / "stopped"


def log(run: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in (run / "log.jsonl").read_text().splitlines()]


@pytest.mark.parametrize("name", MOCKS)
def test_prepared_set_is_usable_and_made_once(name: str, place_sets: PlaceSets) -> None:
    folder = place_sets.prepared(name)
    told = say("data", "check", name, "--root", folder)
    assert told.code == 0, told.out
    before = {path: path.stat().st_mtime_ns for path in folder.rglob("*") if path.is_file()}
    again = say("prepare", name, place_sets.raw(name), folder, *MOCKS[name].prepare)
    assert again.code == 0, again.err
    events = [path for path in before if path.suffix in (".npy", ".zip")]
    events = [path for path in events if path.parent.name != "ground_truth"]
    assert events and all(path.stat().st_mtime_ns == before[path] for path in events)


def test_stopped_run_goes_on_to_the_same_bytes(
    runs: tuple[str, Path, Path], place_sets: PlaceSets
) -> None:
    name, whole, stopped = runs
    done, epochs = len(log(stopped)), MOCKS[name].epochs
    assert epochs / 2 <= done < epochs
    assert json.loads((stopped / "status.json").read_text())["state"] == "interrupted"
    words = ("--out", stopped.parent, "--name", "stopped", "--resume", "--json")
    told = say(*place_sets.words("train", name, *words))
    assert told.code == 0, told.err
    report = json.loads(told.out)
    assert report["epochs"] == epochs
    weights = [run / "weights.safetensors" for run in (whole, stopped)]
    assert weights[0].read_bytes() == weights[1].read_bytes()
    losses = [[row["loss"] for row in log(run)] for run in (whole, stopped)]
    assert losses[0] == losses[1] and all(np.isfinite(losses[0]))


def test_eval_reports_network_beside_baselines(
    runs: tuple[str, Path, Path], place_sets: PlaceSets, tmp_path: Path
) -> None:
    name, whole, _ = runs
    lengths = () if name == "nyc" else ("--sequences", "1", "3")
    weights = ("--weights", whole / "weights.safetensors", "--out", tmp_path / "eval")
    told = say(*place_sets.words("eval", name, *lengths, *weights, "--json"))
    assert told.code == 0, told.err
    report = json.loads(told.out)
    records = json.loads((tmp_path / "eval" / "results.json").read_text())
    methods = {(row["method"], row["sequence"]) for row in records}
    for length in (1,) if name == "nyc" else (1, 3):
        assert {(m, length) for m in ("sew_resnet8", "sad/4", "own_centred/4")} <= methods
    assert {row["pair"] for row in records} == set(MOCKS[name].pairs)
    for row in records:
        assert 0 <= row["recall@1"] <= row["recall@5"] <= row["recall@10"] <= 1
        assert 0 < row["chance_of_recall@1"] < 1
        assert row["recall@1"] == pytest.approx(recall_of_matches(tmp_path / "eval", row))
    plain = next(row for row in records if row["method"] == "own_centred/4")
    assert plain["recall@1"] > 1.4 * plain["chance_of_recall@1"]
    assert report["tables"]["Bank health"][-1]["value"] == "healthy"
    assert report["energy_mj_per_inference"] > 0
    page = (tmp_path / "eval" / "report.html").read_text()
    assert page.count("<img") >= 5
    assert all(text in page for text in (*MOCKS[name].pairs, "sew_resnet8", "own_centred/4"))


def recall_of_matches(folder: Path, record: dict[str, Any]) -> float:
    """Return recall@1 as matches_1.csv tells it."""
    length = record["sequence"]
    wanted = record["method"] + (f", {length} frames" if length > 1 else "")
    right = defaultdict[str, int](int)
    with (folder / "matches_1.csv").open() as file:
        for row in csv.DictReader(file):
            if row["method"] == wanted and row["rank"] == "1":
                right[row["query"]] += int(row["right"])
    return sum(right.values()) / record["queries"]


def test_matches_of_nyc_come_from_other_sessions(place_sets: PlaceSets, tmp_path: Path) -> None:
    """What is listed as a match is a candidate of strict recall; recall@1 counts the same."""
    from saccade.traverses.config import SetArgs
    from saccade.traverses.sets import open_set

    words = place_sets.words("eval", "nyc", "--out", tmp_path / "eval", "--no-report")
    assert say(*words).code == 0
    args = SetArgs(data="nyc", root=place_sets.prepared("nyc"), input_size=MOCKS["nyc"].size)
    pair = open_set(args).tests[0]
    with (tmp_path / "eval" / "matches_1.csv").open() as file:
        rows = [(int(row["query"]), int(row["reference"])) for row in csv.DictReader(file)]
    assert rows
    assert all(pair.query.session[q] != pair.reference.session[r] for q, r in rows)
    for row in json.loads((tmp_path / "eval" / "results.json").read_text()):
        assert row["recall@1"] == row["strict_recall@1"]


@pytest.mark.parametrize("name", MOCKS)
def test_published_loss_trains(name: str, place_sets: PlaceSets, tmp_path: Path) -> None:
    compat = () if name == "brisbane" else ("--data-compat", "spikevpr")
    words = ("--loss", "published", *compat, "--epochs", "1", "--pairs", "8", "--json")
    told = say(*place_sets.words("train", name, *words, "--out", tmp_path, "--name", "p"))
    assert told.code == 0, told.err
    (row,) = log(tmp_path / "p")
    assert row["loss"] > 0
    masked = say(*place_sets.words("train", name, *words[2:], "--out", tmp_path, "--name", "m"))
    assert masked.code == 0, masked.err
    assert log(tmp_path / "m")[0]["loss"] != row["loss"]


@pytest.mark.parametrize("name", ["nsavp", "nyc"])
def test_weights_of_nyc_say_what_they_were_trained_on(
    name: str, place_sets: PlaceSets, tmp_path: Path
) -> None:
    import torch

    from saccade.tasks.place.config import PlaceModelConfig
    from saccade.tasks.place.model import PlaceNet

    torch.save(PlaceNet.build(PlaceModelConfig(), seed=4).state_dict(), tmp_path / "w.pth")
    words = ["--weights", tmp_path / "w.pth", "--head-neuron", "if", "--channel-order", "on_off"]
    words += ["--out", tmp_path / "eval", "--no-energy", "--no-report", "--json"]
    told = say(*place_sets.words("eval", name, *words))
    assert told.code == 0, told.err
    notes = " ".join(json.loads(told.out)["notes"])
    assert f"Frames are {MOCKS[name].size}; these weights were trained at 346x260" in notes
    assert ("trained on sums of a voxel grid of 15 bins" in notes) == (name == "nsavp")
    assert ("frames here are raw event counts" in notes) == (name == "nsavp")
