"""What tests of modules say: ensembles, muted neurons, calibration places, both engines."""

from __future__ import annotations

import csv
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from saccade.tasks.place_stdp.model import Member
from saccade.tasks.place_stdp.store import read_stored, write_stored
from stdp_runs import PLAIN, SMALL, made, refused, write_set


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_set(tmp_path_factory.mktemp("images") / "set.npz")


@pytest.fixture(scope="module")
def run(root: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two members; the first three places are for calibration."""
    out = tmp_path_factory.mktemp("runs")
    flags = ("--members", "2", "--calibration", "3", "--epochs", "4")
    made("train", root, *SMALL, *flags, "--name", "r", "--out", out)
    return out / "r"


def records(out: Path) -> dict[str, dict[str, Any]]:
    """Return results of single images by method."""
    found = json.loads((out / "results.json").read_text())
    return {r["method"]: r for r in found if r["sequence"] == 1}


def matrix(out: Path, method: str) -> np.ndarray:
    return np.load(out / f"scores_1_{method.replace(' ', '_')}.npy")


class TestEnsembles:
    def test_mean_of_members_and_what_calibration_hides(
        self, root: Path, run: Path, tmp_path: Path
    ) -> None:
        out = ("--weights", run, "--out", tmp_path / "e", "--save-scores")
        made("eval", root, *PLAIN, *out)
        both, *single = (
            matrix(tmp_path / "e", name) for name in ("2 members", "stdp, seed 0", "stdp, seed 1")
        )
        assert np.allclose(both, (single[0] + single[1]) / 2)
        assert single[0].any() and not np.array_equal(*single)
        for record in records(tmp_path / "e").values():
            assert (record["queries"], record["queries_without_match"]) == (9, 3)
            assert record["chance_of_recall@1_of_matchable"] == pytest.approx(1 / 6)
        with (tmp_path / "e" / "matches_1.csv").open() as file:
            assert min(int(row["reference"]) for row in csv.DictReader(file)) == 3

    def test_recall_is_that_of_the_scores(self, root: Path, run: Path, tmp_path: Path) -> None:
        out = ("--weights", run, "--out", tmp_path / "e", "--save-scores")
        made("eval", root, *PLAIN, *out)
        for name, record in records(tmp_path / "e").items():
            scores = matrix(tmp_path / "e", name)[3:, 3:]
            right = (scores.argmax(axis=1) == np.arange(6)).mean()
            assert record["recall@1_of_matchable"] == pytest.approx(right)

    def test_two_runs_of_one_seed_are_two_members(
        self, root: Path, run: Path, tmp_path: Path
    ) -> None:
        flags = (*SMALL, "--calibration", "3", "--epochs", "1", "--name", "s", "--out", tmp_path)
        made("train", root, *flags)
        first = run / "member-0.safetensors"
        out = ("--out", tmp_path / "e", "--save-scores")
        made("eval", root, *PLAIN, "--weights", first, tmp_path / "s", *out)
        names = [name for name in records(tmp_path / "e") if name.startswith("stdp")]
        assert len(names) == 2 and str(first) in names[0]
        scores = [np.load(path) for path in sorted((tmp_path / "e" / "scores").glob("*.npy"))]
        assert len(scores) == 2 and not np.array_equal(*scores)

    def test_members_of_different_inputs_are_refused(
        self, root: Path, run: Path, tmp_path: Path
    ) -> None:
        flags = (*SMALL, "--grid", "6x6", "--calibration", "3", "--name", "s", "--out", tmp_path)
        made("train", root, *flags)
        text = refused("eval", root, "--weights", run, tmp_path / "s")
        assert "differ in their inputs" in text


class TestSettings:
    def test_share_of_the_file_is_used_and_can_be_changed(
        self, root: Path, run: Path, tmp_path: Path
    ) -> None:
        member = Member.open(run / "member-0.safetensors")
        stored = read_stored(member.path)
        path = write_stored(
            tmp_path / "m.safetensors", stored.arrays, {**stored.about, "share": 0.4}
        )
        found = {}
        for name, more in {
            "as calibrated": (), "said": ("--share", "0.4"), "nobody": ("--no-mute",),
            "everybody": ("--share", "0.001"),
        }.items():  # fmt: skip
            made("eval", root, *PLAIN, "--weights", path, "--out", tmp_path / name, *more)
            (file,) = (tmp_path / name / "scores").glob("*.npy")
            found[name] = np.load(file)
        assert np.array_equal(found["as calibrated"], found["said"])
        assert not np.array_equal(found["nobody"], found["said"])
        assert not found["everybody"].any() and found["nobody"].any()

    @pytest.mark.parametrize("readout", ["standard", "weighted", "spikes"])
    def test_right_places_score_more_than_others(
        self, readout: str, root: Path, run: Path, tmp_path: Path
    ) -> None:
        out = ("--weights", run, "--out", tmp_path / "e", "--readout", readout)
        made("eval", root, *PLAIN, *out, "--save-scores")
        scores = matrix(tmp_path / "e", "2 members")
        right = np.eye(9, dtype=bool)
        assert scores[right].mean() > 1.2 * scores[~right].mean() > 0

    def test_resumed_with_other_settings(self, root: Path, run: Path, tmp_path: Path) -> None:
        out = (*PLAIN, "--weights", run, "--out", tmp_path / "e")
        assert "No run in" in refused("eval", root, *out, "--resume")
        made("eval", root, *out)
        text = refused("eval", root, *out, "--resume", "--readout", "spikes", "--share", "0.5")
        assert "an evaluation with other settings: readout, share" in text
        before = (tmp_path / "e" / "results.json").read_bytes()
        lost = sorted((tmp_path / "e" / "scores").glob("*.npy"))[0]
        lost.unlink()
        made("eval", root, *out, "--resume", "--jobs", "2")
        assert lost.exists() and (tmp_path / "e" / "results.json").read_bytes() == before

    def test_published_diagonal_leaves_calibration_places_out(
        self, root: Path, run: Path, tmp_path: Path
    ) -> None:
        out = ("--weights", run, "--out", tmp_path / "e", "--published-diagonal")
        made("eval", root, *PLAIN, *out, "--sequences", "1", "2")
        found = json.loads((tmp_path / "e" / "published_diagonal.json").read_text())
        assert {(r["sequence"], r["queries"]) for r in found} == {(2, 5)}
        assert next(r for r in found if r["method"] == "centred")["recall@1"] == 1.0


class TestEngines:
    def test_exact_engine_answers_a_fast_network_alike(
        self, root: Path, run: Path, tmp_path: Path
    ) -> None:
        stored = read_stored(run / "member-0.safetensors")
        files = [
            write_stored(
                tmp_path / f"{engine}.safetensors", stored.arrays,
                {**stored.about, "engine": engine},
            )
            for engine in ("fast", "exact")
        ]  # fmt: skip
        scores = []
        for path in files:
            out = ("--out", tmp_path / path.stem, "--save-scores", "--no-mute")
            made("eval", root, *PLAIN, "--weights", path, *out, "--readout", "spikes")
            scores.append(matrix(tmp_path / path.stem, "stdp, seed 0"))
        assert scores[0].sum() == pytest.approx(scores[1].sum(), rel=0.05)
        assert np.corrcoef(scores[0].ravel(), scores[1].ravel())[0, 1] > 0.95

    def test_exact_from_start_to_end(self, root: Path, tmp_path: Path) -> None:
        flags = (*SMALL, "--engine", "exact", "--epochs", "4", "--name", "r", "--out", tmp_path)
        made("train", root, *flags)
        made("eval", root, *PLAIN, "--weights", tmp_path / "r", "--out", tmp_path / "e")
        record = records(tmp_path / "e")["stdp, seed 0"]
        assert record["recall@1"] > 2 * record["chance_of_recall@1"]


class TestRefusals:
    def test_other_reference_or_number_of_places(
        self, root: Path, run: Path, tmp_path: Path
    ) -> None:
        weights = ("--weights", run)
        text = refused("eval", root, *weights, "--tests", "b:c")
        assert "member-0.safetensors learned the places of a." in text and "QUERY:a" in text
        text = refused("eval", root, *weights, "--tests", "b@0-5:a@0-5")
        assert "learned 9 places of a. Expected 5" in text

    def test_counts_for_images(self, run: Path, tmp_path: Path) -> None:
        counts = np.random.default_rng(0).poisson(3, (9, 12, 16)).astype("u1")
        np.savez(tmp_path / "set.npz", a=counts, b=counts)
        text = refused("eval", tmp_path / "set.npz", "--as-counts", "--weights", run)
        assert "was trained on grey values of images" in text

    def test_frames_with_nan_are_named(self, tmp_path: Path) -> None:
        counts = np.random.default_rng(0).poisson(3, (6, 12, 16)).astype(np.float32)
        bad = counts.copy()
        bad[4, 2, 2] = np.nan
        np.savez(tmp_path / "set.npz", a=counts, b=bad)
        flags = ("--as-counts", "--out", tmp_path / "e", *PLAIN, "--grid", "8x6")
        text = refused("eval", tmp_path / "set.npz", *flags)
        assert "set.npz: b holds values below 0 or not finite" in text
