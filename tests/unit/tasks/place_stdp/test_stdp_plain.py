"""Plain methods of a learner's inputs: distances, shifts, standardised scores, published filter."""

import numpy as np
import pytest

from saccade.errors import ConfigError
from saccade.tasks.place_stdp.plain import check_plain, moved_distances, with_standardised
from saccade.tasks.place_stdp.preprocess import Preprocess, measure, prepare
from saccade.tasks.place_stdp.regions import consecutive_regions
from saccade.traverses.baselines import distances, sum_of_absolute_differences


def frames(seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).random((6, 1, 5, 7)).astype(np.float32)


def test_distances_are_sums_of_absolute_differences() -> None:
    q, r = frames(0), frames(1)
    expected = np.abs(q[:, None] - r[None]).sum(axis=(2, 3, 4))
    assert np.allclose(distances(q, r), expected, rtol=1e-5)
    scores = sum_of_absolute_differences(q, r)
    assert np.allclose(scores, 1 - expected / expected.max(), atol=1e-5)


def test_centred_distances_do_not_see_brightness() -> None:
    assert np.allclose(distances(frames() + 3, frames(), centred=True).diagonal(), 0, atol=1e-4)


def test_the_smallest_distance_over_shifts_counts() -> None:
    moved = np.roll(frames(), (1, -1), axis=(2, 3))
    still = moved_distances(moved, frames(), centred=False, pixels=0)
    best = moved_distances(moved, frames(), centred=False, pixels=1)
    assert (best >= still).all()
    assert (best.argmax(axis=1) == np.arange(6)).all()


def test_standardised_scores_follow_each_method() -> None:
    scores = np.random.default_rng(0).random((8, 5)).astype(np.float32) * np.arange(1, 6)
    found = dict(with_standardised(iter([("raw", scores.astype(np.float32))])))
    assert list(found) == ["raw", "raw, z", "raw, zz"]
    assert np.allclose(found["raw, z"].mean(axis=0), 0, atol=1e-5)
    assert np.allclose(found["raw, z"].std(axis=0), 1, atol=1e-5)


def test_unknown_plain_methods_are_refused() -> None:
    check_plain(("l1", "l1_centred_moved1", "raw/2"))
    with pytest.raises(ConfigError, match=r"--baselines l2"):
        check_plain(("l2",))


def test_scene_takes_light_and_place_of_the_camera_off() -> None:
    images = np.random.default_rng(0).uniform(20, 120, (9, 1, 20, 24)).astype(np.float32)
    settings = Preprocess(size=(20, 24), kind="scene", window=7, limit=3.0)
    dirty = images.copy()
    dirty[:, :, 4, 5] = 250  # a speck on the lens
    found = prepare(dirty, settings, measure(dirty, settings))
    assert abs(int(found.reshape(9, 20, 24)[:, 4, 5].mean()) - 127) < 6
    darker = 0.5 * images - 5.0  # ln(10 + x) is then less by ln 2
    one, other = (prepare(x, settings, measure(x, settings)) for x in (images, darker))
    assert np.abs(one.astype(int) - other).mean() < 2


def test_even_modules_leave_no_small_one() -> None:
    regions = consecutive_regions(92)
    assert [len(m) for m in regions.modules(25)] == [25, 25, 25, 17]
    even = regions.modules(25, even=True)
    assert [len(m) for m in even] == [23, 23, 23, 23]
    assert np.concatenate(even).tolist() == list(range(92))
