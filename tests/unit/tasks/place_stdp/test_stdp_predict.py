"""Places named for images, counts and recordings: what is written, and what is refused."""

import csv
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from saccade.errors import EventError, MissingFileError
from saccade.events import Events, SensorSize
from saccade.events.io import save
from saccade.tasks.place_stdp.config import JobArgs, PredictConfig
from saccade.tasks.place_stdp.recording import open_queries
from saccade.tasks.place_stdp.task import predict
from saccade.traverses import COUNTS
from stdp_runs import SMALL, drives, made, tell, write_set

PLACES = 6
DELTA = ("--learner", "delta", "--delta-epochs", "60", *SMALL)
WINDOW_US = 20_000
SIZE = SensorSize(12, 16)


@pytest.fixture(scope="module")
def spiking(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two members of two spiking modules that learned six images."""
    folder = tmp_path_factory.mktemp("spiking")
    root = write_set(folder / "set.npz", PLACES, "ab")
    made("train", root, *SMALL, "--members", "2", "--name", "r", "--out", folder)
    return folder


def pattern_events(seed: int) -> Events:
    """Six windows, each busy in pixels of its own: the places of a drive, with noise of a seed."""
    places, noise = np.random.default_rng(3), np.random.default_rng(seed)
    rates = 30 * places.random((PLACES, SIZE.height, SIZE.width)) ** 3
    parts = []
    for k, rate in enumerate(rates):
        y, x = np.indices(rate.shape)
        counts = noise.poisson(rate).ravel()
        times = k * WINDOW_US + np.sort(noise.integers(0, WINDOW_US, counts.sum()))
        order = noise.permutation(counts.sum())
        xs, ys = (np.repeat(axis.ravel(), counts)[order] for axis in (x, y))
        parts.append(np.stack([xs, ys, times, noise.integers(0, 2, len(times))]))
    x, y, t, p = np.concatenate(parts, axis=1)
    t[0], t[-1] = 0, PLACES * WINDOW_US - 1
    return Events(x, y, t, p, SIZE)


def counts_of(events: Events) -> np.ndarray:
    found = np.zeros((PLACES, 2, SIZE.height, SIZE.width), np.uint8)
    np.add.at(found, (events.t // WINDOW_US, events.p, events.y, events.x), 1)
    return found


@pytest.fixture(scope="module")
def counting(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A delta network of event counts of windows of 20 ms."""
    folder = tmp_path_factory.mktemp("counting")
    root = folder / "counts.npz"
    np.savez(root, a=counts_of(pattern_events(0)), b=counts_of(pattern_events(1)))
    made(
        "train", root, "--as-counts", "--window-us", WINDOW_US, *DELTA, "--name", "r",
        "--out", folder,
    )  # fmt: skip
    return folder


def asked(recording: Path, weights: Path, out: Path, **changes: Any) -> PredictConfig:
    return PredictConfig(
        recording=recording, weights=(str(weights),), out=out, work=JobArgs(jobs=1), **changes
    )


def rows_of(folder: Path) -> list[dict[str, str]]:
    with (folder / "matches.csv").open() as file:
        return list(csv.DictReader(file))


def test_learned_images_are_named_in_order_of_score(spiking: Path, tmp_path: Path) -> None:
    cfg = asked(
        spiking / "set.npz", spiking / "r", tmp_path / "p", traverse="a", top=3, save_scores=True
    )
    report = predict(cfg)
    rows, scores = rows_of(tmp_path / "p"), np.load(tmp_path / "p" / "scores.npy")
    assert scores.shape == (PLACES, PLACES) and len(rows) == 3 * PLACES
    for row in rows:
        window, rank, place = (int(row[name]) for name in ("window", "rank", "place"))
        assert row["image"] == f"a[{window}]"
        assert place == np.argsort(-scores[window], kind="stable")[rank - 1]
        assert float(row["score"]) == pytest.approx(scores[window, place], abs=1e-6)
    best = [match["place"] for match in report.values["matches"]]
    assert best == scores.argmax(axis=1).tolist()
    assert report.values["members"] == 2
    assert (tmp_path / "p" / "scores.png").read_bytes()[:4] == b"\x89PNG"
    stored = json.loads((tmp_path / "p" / "report.json").read_text())
    assert stored["values"]["matches"] == report.values["matches"]


def test_prediction_and_evaluation_score_alike(spiking: Path, tmp_path: Path) -> None:
    root, run = spiking / "set.npz", spiking / "r"
    predict(asked(root, run, tmp_path / "p", traverse="b", save_scores=True))
    made(
        "eval", root, "--weights", run, "--out", tmp_path / "e", "--save-scores", "--no-report",
        "--jobs", "1", "--baselines", "centred",
    )  # fmt: skip
    tested = np.load(tmp_path / "e" / "scores_1_2_members.npy")
    np.testing.assert_array_equal(np.load(tmp_path / "p" / "scores.npy"), tested)


def test_a_folder_of_images_is_the_array_of_them(spiking: Path, tmp_path: Path) -> None:
    pictures = tmp_path / "b"
    pictures.mkdir()
    for k, image in enumerate(drives(PLACES, "ab")["b"]):
        Image.fromarray(image).save(pictures / f"{k:03d}.png")
    one = predict(asked(pictures, spiking / "r", tmp_path / "p1"))
    other = predict(asked(spiking / "set.npz", spiking / "r", tmp_path / "p2", traverse="b"))
    assert [m["place"] for m in one.values["matches"]] == [
        m["place"] for m in other.values["matches"]
    ]
    assert rows_of(tmp_path / "p1")[0]["image"] == "000.png"


def test_windows_without_a_speaking_neuron_have_no_place(spiking: Path, tmp_path: Path) -> None:
    root = spiking / "set.npz"
    report = predict(asked(root, spiking / "r", tmp_path / "p", traverse="b", share=1e-6))
    assert report.values["windows_without_answer"] == PLACES
    rows = rows_of(tmp_path / "p")
    assert [(row["rank"], row["place"], row["score"]) for row in rows] == [("1", "", "")] * PLACES
    assert "no neuron spoke" in " ".join(report.notes)


def test_a_recording_is_cut_as_in_training(counting: Path, tmp_path: Path) -> None:
    path = save(pattern_events(2), tmp_path / "drive.h5")
    report = predict(asked(path, counting / "r", tmp_path / "p"))
    named = [match["place"] for match in report.values["matches"]]
    assert sum(place == k for k, place in enumerate(named)) >= PLACES - 1
    starts = [int(row["t_start_us"]) for row in rows_of(tmp_path / "p") if row["rank"] == "1"]
    assert starts == [k * WINDOW_US for k in range(PLACES)]
    assert "Windows last 20,000 µs." in report.notes


def test_a_recording_counts_like_an_array_of_its_counts(counting: Path, tmp_path: Path) -> None:
    events = pattern_events(2)
    np.savez(tmp_path / "counts.npz", c=counts_of(events))
    array = asked(
        tmp_path / "counts.npz", counting / "r", tmp_path / "p1", as_counts=True, save_scores=True
    )
    file = asked(
        save(events, tmp_path / "events.npz"), counting / "r", tmp_path / "p2", save_scores=True
    )
    for cfg in (array, file):
        predict(cfg)
    np.testing.assert_array_equal(*(np.load(tmp_path / p / "scores.npy") for p in ("p1", "p2")))


def test_sequences_end_at_their_window(counting: Path, tmp_path: Path) -> None:
    path = save(pattern_events(2), tmp_path / "drive.h5")
    for name, length in (("one", 1), ("three", 3)):
        cfg = asked(
            path, counting / "r", tmp_path / name, sequence=length, speeds=(1.0,), save_scores=True
        )
        assert predict(cfg).values["sequence"] == length
    one, three = (np.load(tmp_path / name / "scores.npy") for name in ("one", "three"))
    assert three[4, 4] == pytest.approx((one[4, 4] + one[3, 3] + one[2, 2]) / 3, rel=1e-5)


def test_windows_of_a_recording_are_queries(tmp_path: Path) -> None:
    path = save(pattern_events(0), tmp_path / "drive.h5")
    cfg = asked(path, tmp_path, tmp_path / "p", step_us=10_000)
    found = open_queries(cfg, window_us=WINDOW_US, largest=SensorSize(6, 8))
    assert found.units == COUNTS and found.column == "t_start_us"
    assert len(found.traverse) == len(found.names) == 2 * PLACES - 1
    frame = found.traverse.frame(2)
    assert frame.shape == (2, 6, 8)
    assert frame.sum() == counts_of(pattern_events(0))[1].sum()
    positions = found.traverse.positions.values
    assert positions[2].tolist() == [pytest.approx(0.02), 0.0]


def test_what_is_missing_is_named(spiking: Path, tmp_path: Path) -> None:
    with pytest.raises(MissingFileError, match=r"No such file: .*gone\.raw"):
        predict(asked(tmp_path / "gone.raw", spiking / "r", tmp_path / "p"))
    with pytest.raises(MissingFileError, match=r"No such file or folder: .*nothing"):
        predict(asked(spiking / "set.npz", tmp_path / "nothing", tmp_path / "p"))
    short = save(pattern_events(0), tmp_path / "drive.h5")
    cfg = asked(short, tmp_path, tmp_path / "p", window_us=10**9)
    with pytest.raises(EventError, match=r"drive\.h5 lasts 120,000 µs"):
        open_queries(cfg)


REFUSALS = {
    "which of two": ((), 2, "set.npz holds 2 traverses: a, b. Expected one."),
    "unknown array": (("--traverse", "c"), 2, "has no traverse 'c'"),
    "other units": (("--traverse", "b", "--as-counts"), 2, "was trained on grey values of images"),
    "window of images": (("--traverse", "b", "--window-us", "9"), 2, "event files alone"),
    "no window": (("--window-us", "0"), 2, "--window-us 0. Expected 1 or more."),
    "share": (("--share", "2"), 2, "--share 2."),
}


@pytest.mark.parametrize("case", REFUSALS)
def test_what_does_not_fit_is_refused(case: str, spiking: Path) -> None:
    flags, code, text = REFUSALS[case]
    told = tell("predict", "place_stdp", spiking / "set.npz", "--weights", spiking / "r", *flags)
    assert told.code == code and text in told.err


def test_images_for_a_network_of_counts_are_refused(counting: Path, spiking: Path) -> None:
    told = tell(
        "predict", "place_stdp", spiking / "set.npz", "--traverse", "b", "--weights", counting / "r"
    )
    assert told.code == 2
    assert "was trained on raw event counts, b has grey values of images" in told.err
    assert "--as-counts" in told.err


def test_counts_that_are_no_numbers_are_refused(counting: Path, tmp_path: Path) -> None:
    counts = counts_of(pattern_events(0)).astype(np.float32)
    counts[2, 0, 3, 4] = np.nan
    np.savez(tmp_path / "counts.npz", c=counts)
    told = tell(
        "predict", "place_stdp", tmp_path / "counts.npz", "--as-counts", "--weights", counting / "r"
    )
    assert told.code == 1 and "c holds values below 0 or not finite" in told.err
