"""Folders in the published layout: written here, read into plain arrays, refused where damaged."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from saccade.errors import DataError, FormatError, MissingFileError, ShapeError
from saccade.tasks.place_stdp.published import presentations, read_network, read_responses

INPUTS, NEURONS = 12, 5


def rows(weights: np.ndarray) -> np.ndarray:
    i, j = np.indices(weights.shape)
    return np.stack([i.ravel(), j.ravel(), weights.ravel()], axis=1)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    rng = np.random.default_rng(0)
    for k in (50, 1500):
        np.save(tmp_path / f"XeAe{k}.npy", rng.permutation(rows(rng.random((INPUTS, NEURONS)) + k)))
        np.save(tmp_path / f"theta_A{k}.npy", 0.02 + 0.01 * rng.random(NEURONS))
    np.save(tmp_path / "resultPopVecs1500.npy", rng.integers(0, 7, (100, NEURONS)).astype(float))
    np.save(tmp_path / "inputNumbers.npy", np.tile(np.arange(25.0), 60)[:, None])
    return tmp_path


def test_weights_and_thresholds_are_read_whatever_their_order(folder: Path) -> None:
    assert presentations(folder) == [50, 1500]
    found = read_network(folder)
    assert (found.presentations, found.weights.shape) == (1500, (INPUTS, NEURONS))
    stored = np.load(folder / "XeAe1500.npy")
    i, j = stored[:, 0].astype(int), stored[:, 1].astype(int)
    np.testing.assert_array_equal(found.weights[i, j], stored[:, 2])
    np.testing.assert_array_equal(found.theta_v, np.load(folder / "theta_A1500.npy"))
    assert 50 <= read_network(folder, 50).weights.min() <= 51


def test_a_network_without_a_number_is_read(folder: Path) -> None:
    for name in ("XeAe", "theta_A"):
        (folder / f"{name}50.npy").rename(folder / f"{name}.npy")
        (folder / f"{name}1500.npy").unlink()
    found = read_network(folder)
    assert found.presentations is None
    assert len(found.notes) == 1


def test_defect_6_delays_come_from_a_seed_and_the_notes_say_so(folder: Path) -> None:
    one, same, other = (read_network(folder, delay_seed=seed) for seed in (3, 3, 4))
    np.testing.assert_array_equal(one.delay_steps, same.delay_steps)
    assert (one.delay_steps != other.delay_steps).any()
    assert one.delay_steps.min() >= 0 and one.delay_steps.max() <= 100
    assert "seed 3" in one.notes[0]


def test_defect_8_the_last_responses_have_the_last_labels(folder: Path) -> None:
    np.save(folder / "resultPopVecs1500.npy", np.ones((30, NEURONS)))
    counts, labels = read_responses(folder, 1500)
    assert counts.shape == (30, NEURONS) and counts.dtype == np.int64
    assert labels.tolist() == [*range(20, 25), *range(25)]
    _, published = read_responses(folder, 1500, compat="vprsnn")
    assert published.tolist() == [*range(25), *range(5)]
    np.save(folder / "resultPopVecs60.npy", np.ones((30, NEURONS)))
    assert read_responses(folder, 60)[1].tolist() == [*range(5, 25), *range(10)]


def test_responses_of_a_test_have_labels_of_their_own(folder: Path) -> None:
    np.save(folder / "resultPopVecs7_test_E30.npy", np.ones((7, NEURONS)))
    np.save(folder / "inputNumbers7_test_E30.npy", np.arange(30, 37))
    _, labels = read_responses(folder, 7, suffix="_test_E30")
    assert labels.tolist() == list(range(30, 37))


def damaged() -> dict[str, Any]:
    whole = rows(np.ones((INPUTS, NEURONS)))
    return {
        "missing": whole[:-1],
        "twice": np.vstack([whole[:-1], whole[:1]]),
        "square": np.ones((INPUTS, NEURONS)),
        "nan": np.where(np.arange(3) == 2, np.nan, whole),
        "negative": whole - np.array([0, 0, 2]),
        "fraction": whole + np.array([0.5, 0, 0]),
        "words": np.array([["a", "b", "c"]]),
        "objects": np.array([{}], dtype=object),
        "none": np.zeros((0, 3)),
    }


@pytest.mark.parametrize(
    ("kind", "error", "text"),
    [
        ("missing", ShapeError, "59 synapses of 12 inputs and 5"),
        ("twice", ShapeError, "each of the 60 once"),
        ("square", ShapeError, r"\[synapses, 3\]"),
        ("nan", DataError, "NaN"),
        ("negative", DataError, "negative"),
        ("fraction", DataError, "fraction"),
        ("words", FormatError, "no numbers"),
        ("objects", FormatError, "cannot be read"),
        ("none", ShapeError, "shape"),
    ],
)
def test_damaged_weights_are_refused_by_name(
    folder: Path, kind: str, error: type[Exception], text: str
) -> None:
    np.save(folder / "XeAe1500.npy", damaged()[kind], allow_pickle=True)
    with pytest.raises(error, match=rf"XeAe1500\.npy.*{text}"):
        read_network(folder)


def test_missing_and_unreadable_files_are_named(folder: Path, tmp_path: Path) -> None:
    with pytest.raises(MissingFileError, match="No such folder"):
        read_network(tmp_path / "none")
    with pytest.raises(MissingFileError, match=r"XeAe60\.npy.*after 50, 1500 presentations"):
        read_network(folder, 60)
    (folder / "theta_A1500.npy").write_bytes(b"no array")
    with pytest.raises(FormatError, match=r"theta_A1500\.npy cannot be read"):
        read_network(folder)
    np.save(folder / "theta_A1500.npy", np.ones(NEURONS + 1))
    with pytest.raises(ShapeError, match=r"theta_A1500\.npy has shape \[6\]"):
        read_network(folder)
    (folder / "theta_A1500.npy").unlink()
    with pytest.raises(MissingFileError, match=r"theta_A1500\.npy"):
        read_network(folder)


def test_responses_that_do_not_fit_their_labels_are_refused(folder: Path) -> None:
    with pytest.raises(MissingFileError, match=r"resultPopVecs9\.npy"):
        read_responses(folder, 9)
    np.save(folder / "inputNumbers.npy", np.arange(99))
    with pytest.raises(ShapeError, match="99 labels"):
        read_responses(folder, 1500)
    np.save(folder / "inputNumbers.npy", np.arange(1500) + 0.5)
    with pytest.raises(DataError, match="fractions"):
        read_responses(folder, 1500)
    np.save(folder / "resultPopVecs1500.npy", np.ones(NEURONS))
    with pytest.raises(ShapeError, match=r"Expected \[presentations, neurons"):
        read_responses(folder, 1500)
