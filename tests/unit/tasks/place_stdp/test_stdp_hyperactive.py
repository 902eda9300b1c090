"""Hyperactive neurons: counted in blocks, muted by a share that calibration queries find."""

import numpy as np
import pytest

from saccade.errors import ConfigError, DataError, ShapeError
from saccade.retrieval import IndexTolerance, TruthMatrix
from saccade.tasks.place_stdp.assignment import assign
from saccade.tasks.place_stdp.hyperactive import (
    Activity,
    Calibration,
    active_images,
    muted_neurons,
    sweep,
)

PLACES = 30


def recorded(seed: int = 0, noise: float = 1.0) -> Calibration:
    """One neuron per place, and one that follows the noise of the query."""
    rng = np.random.default_rng(seed)
    own = np.eye(PLACES, dtype=int) * 4
    train = np.hstack([own, np.ones((PLACES, 10), int)])
    train[np.arange(10), PLACES + np.arange(10)] = 2
    loud = rng.poisson(6 * noise, (PLACES, 10))
    queries = np.hstack([own, loud])
    return Calibration(queries, assign(train, np.arange(PLACES)), active_images([train]))


TRUTH = IndexTolerance(PLACES, PLACES, 0, inclusive=True)


def test_blocks_of_any_size_count_the_same_images() -> None:
    counts = np.random.default_rng(1).poisson(0.2, (101, 17)).astype(np.uint8)
    whole = active_images([counts])
    parts = active_images(counts[start : start + 9] for start in range(0, 101, 9))
    np.testing.assert_array_equal(parts.active, whole.active)
    np.testing.assert_array_equal(whole.active, (counts > 0).sum(0))
    assert whole.images == parts.images == 101
    np.testing.assert_allclose(whole.share(), (counts > 0).mean(0))


def test_defect_13_a_share_mutes_the_same_neurons_however_many_images_were_recorded() -> None:
    counts = np.random.default_rng(2).random((50, 40)) < np.linspace(0, 1, 40)
    short, long = active_images([counts]), active_images([counts] * 7)
    for share in (0.05, 0.3, 0.5, 1.0):
        muted = muted_neurons(short, share=share)
        np.testing.assert_array_equal(muted, muted_neurons(long, share=share))
        np.testing.assert_array_equal(muted, counts.mean(0) >= share - 1e-9)
    published = [muted_neurons(seen, images=20, compat="vprsnn").sum() for seen in (short, long)]
    assert published[0] < published[1]


def test_no_threshold_mutes_nobody_and_published_zero_is_none() -> None:
    activity = Activity(10, np.array([0, 10]))
    assert not muted_neurons(activity).any()
    assert not muted_neurons(activity, images=0, compat="vprsnn").any()
    assert muted_neurons(activity, share=1.0).tolist() == [False, True]


def test_the_sweep_mutes_the_loud_and_keeps_the_rest() -> None:
    found = sweep({10: recorded()}, TRUTH, shares=(None, 0.9, 0.02))
    by_share = {trial.share: trial for trial in found.trials}
    assert by_share[None].recall_at_1 < 0.8
    assert found.best == by_share[0.9]
    assert (found.best.recall_at_1, found.best.average_precision, found.best.muted) == (1, 1, 10)
    assert by_share[0.02].muted == 40
    assert (by_share[0.02].recall_at_1, by_share[0.02].average_precision) == (0, 0)
    assert found.table().rows[1][:3] == (10, 0.9, 10)


def test_equal_recall_goes_to_precision_then_to_the_larger_share_then_to_fewer_epochs() -> None:
    quiet = recorded(noise=0.0)
    found = sweep({20: quiet, 10: quiet}, TRUTH, shares=(0.5, None, 0.9))
    assert {trial.recall_at_1 for trial in found.trials} == {1.0}
    assert (found.best.share, found.best.epochs) == (None, 10)
    assert sweep({10: quiet}, TRUTH, shares=(0.5, 0.9)).best.share == 0.9

    table = assign(np.eye(3, dtype=int), [0, 1, 2])
    activity = active_images([np.eye(3)])
    sure = Calibration([[3, 0, 0], [0, 1, 0], [2, 0, 0]], table, activity)
    unsure = Calibration([[1, 0, 0], [0, 1, 0], [3, 0, 0]], table, activity)
    three = IndexTolerance(3, 3, 0, inclusive=True)
    found = sweep({10: unsure, 20: sure}, three, shares=(None,))
    assert found.trials[0].recall_at_1 == found.trials[1].recall_at_1
    assert found.best.epochs == 20


def test_a_silent_query_is_not_an_answer_to_place_zero() -> None:
    table = assign(np.eye(2, dtype=int), [0, 1])
    seen = Calibration([[0, 0], [0, 2]], table, Activity(2, np.array([1, 1])))
    truth = IndexTolerance(2, 2, 0, inclusive=True)
    assert sweep({1: seen}, truth, shares=(None,)).best.recall_at_1 == 0.5


def test_what_cannot_be_counted_or_tried_is_refused() -> None:
    with pytest.raises(ShapeError, match="No image"):
        active_images([])
    with pytest.raises(ShapeError, match=r"Block 1 .*Expected \[images, 3\]"):
        active_images([np.ones((2, 3)), np.ones((2, 4))])
    for bad in (-1.0, np.nan):
        with pytest.raises(DataError, match="Block 0"):
            active_images([np.full((1, 2), bad)])
    activity = Activity(4, np.array([1]))
    for share in (0.0, -0.1, 1.5):
        with pytest.raises(ConfigError, match="A share of"):
            muted_neurons(activity, share=share)
    with pytest.raises(ConfigError, match="images with compat"):
        muted_neurons(activity, images=3)
    with pytest.raises(ConfigError, match="images with compat"):
        muted_neurons(activity, share=0.5, compat="vprsnn")
    with pytest.raises(ConfigError, match="A threshold of -1"):
        muted_neurons(activity, images=-1, compat="vprsnn")
    with pytest.raises(ConfigError, match="0 numbers of epochs"):
        sweep({}, TRUTH)
    seen = recorded()
    with pytest.raises(ShapeError, match="Activity of 1 neurons"):
        sweep({1: Calibration(seen.counts, seen.assignment, activity)}, TRUTH)
    with pytest.raises(ShapeError, match="The truth is for 3 queries"):
        sweep({1: seen}, IndexTolerance(3, PLACES, 0, inclusive=True))
    nothing = TruthMatrix(np.zeros((PLACES, PLACES)), layout="query_by_reference")
    with pytest.raises(DataError, match="No calibration query"):
        sweep({1: seen}, nothing)
