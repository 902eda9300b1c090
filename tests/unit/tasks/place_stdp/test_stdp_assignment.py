"""Neurons to places, spikes to scores: by the definition, and where the published program stops."""

from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from saccade.errors import ConfigError, DataError, ShapeError
from saccade.tasks.place_stdp import assignment as module
from saccade.tasks.place_stdp.assignment import (
    Assignment,
    answers,
    assign,
    joined,
    probabilities,
    scores,
)

PLACES = 12


@pytest.fixture
def trained() -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Sparse responses to unevenly many images, some neurons silent, place 5 never shown."""
    rng = np.random.default_rng(2)
    labels = rng.choice(np.delete(np.arange(PLACES), 5), 90)
    favourite = rng.integers(0, PLACES, 40)
    counts = rng.poisson(0.15 + 2.0 * (labels[:, None] == favourite))
    counts[:, :4] = 0
    return counts, labels


def by_definition(
    found: Assignment, counts: Any, readout: str, muted: Any = None
) -> NDArray[np.float64]:
    """Scores query by query and place by place, in plain loops."""
    table, label = found.table(), found.label
    counts = np.array(counts, float)
    if muted is not None:
        counts[:, muted] = 0
    labels = np.count_nonzero(found.shown)
    result = np.zeros((len(counts), found.places))
    for q, c in enumerate(counts):
        for place in range(found.places):
            own = np.flatnonzero(label == place)
            if readout == "weighted":
                heard, whole, score = 0.0, 0.0, 0.0
                for n in np.flatnonzero(table[:, place]):
                    share = table[n, place] / table[n].sum()
                    if share <= 0.1:
                        continue
                    kinds = np.count_nonzero(table[n])
                    score += c[n] * share / (kinds if kinds >= 0.02 * labels else 1)
                    whole += table[n, place]
                    heard += table[n, place] * (c[n] > 0)
                result[q, place] = score * heard / whole if whole else 0.0
            elif len(own):
                total = c[own].sum()
                result[q, place] = total / len(own) if readout == "standard" else total
    return result


@pytest.mark.parametrize("readout", ["standard", "weighted", "spikes"])
@pytest.mark.parametrize("is_muted", [False, True])
def test_scores_follow_the_definition(
    trained: Any, readout: Any, is_muted: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    found = assign(*trained, places=PLACES)
    rng = np.random.default_rng(3)
    queries = rng.poisson(0.8, (31, 40)) * (rng.random((31, 1)) > 0.2)
    muted = rng.random(40) < 0.3 if is_muted else None
    expected = by_definition(found, queries, readout, muted)
    for elements in (1 << 20, 100):
        monkeypatch.setattr(module, "_BLOCK_ELEMENTS", elements)
        again = assign(*trained, places=PLACES)
        result = scores(queries, again, readout=readout, muted=muted)
        assert result.shape == (31, PLACES)
        np.testing.assert_allclose(result, expected, rtol=1e-6, atol=1e-7)
    assert (answers(result)[~queries.any(axis=1)] == -1).all()


def test_labels_are_the_largest_mean_and_the_lowest_of_ties(trained: Any) -> None:
    counts, labels = trained
    found = assign(counts, labels, places=PLACES)
    means = np.stack([counts[labels == k].mean(0) if k in labels else np.zeros(40)
                      for k in range(PLACES)])  # fmt: skip
    expected = np.where(counts.any(0), means.argmax(0), -1)
    np.testing.assert_array_equal(found.label, expected)
    assert (found.label[:4] == -1).all()
    np.testing.assert_array_equal(found.shown, np.bincount(labels, minlength=PLACES))
    tie = assign([[2], [4], [3]], [3, 1, 1], places=4)
    assert tie.label.tolist() == [1]
    assert assign([[2], [2]], [3, 1], places=4).label.tolist() == [1]


def test_most_spikes_and_largest_mean_differ_where_places_were_shown_unevenly() -> None:
    found = assign([[2], [2], [3]], [0, 0, 1])
    assert (found.label.tolist(), found.most_spikes().tolist()) == ([1], [0])


def test_modules_joined_score_as_one_network() -> None:
    rng = np.random.default_rng(5)
    parts, blocks = [], []
    for k in range(3):
        labels = np.tile(np.arange(4), 6) + 4 * k
        parts.append(assign(rng.poisson(0.5, (24, 9)), labels, places=12))
        blocks.append(rng.poisson(0.7, (7, 9)))
    whole = joined(parts)
    for readout in ("standard", "spikes"):
        each = sum(scores(b, p, readout=readout) for b, p in zip(blocks, parts, strict=True))  # type: ignore[arg-type]
        together = scores(np.hstack(blocks), whole, readout=readout)  # type: ignore[arg-type]
        np.testing.assert_allclose(together, each, rtol=1e-6)
    assert whole.shown.tolist() == [6] * 12
    np.testing.assert_array_equal(whole.table()[9:18], parts[1].table())


def test_defect_2_silent_neurons_and_places_without_neurons_move_no_column() -> None:
    counts = np.array([[0, 3, 0], [0, 0, 4]])
    found = assign(counts, [1, 3], places=5)
    assert found.label.tolist() == [-1, 1, 3]
    scored = scores([[9, 2, 0], [0, 0, 5], [9, 0, 0]], found)
    assert scored.shape == (3, 5)
    assert answers(scored).tolist() == [1, 3, -1]
    assert not scored[:, [0, 2, 4]].any()


def test_defect_8_labels_are_those_of_the_same_presentations() -> None:
    with pytest.raises(ShapeError, match=r"labels for 2 images.*same presentations"):
        assign([[1], [2]], [0, 1, 0, 1])


def test_defect_12_weighted_readout_of_a_place_without_a_neuron_is_zero() -> None:
    counts = np.zeros((30, 2), int)
    counts[:, 0], counts[0, 1] = 1, 5
    found = assign(counts, np.arange(30), places=30)
    weighted = scores([[1, 0], [0, 0], [0, 2]], found, readout="weighted")
    assert not weighted[:2].any(), "a neuron that fires for everything is no place's"
    assert weighted[2].nonzero()[0].tolist() == [0]


def test_published_weighted_labels_count_the_silent_and_the_strongest_alone() -> None:
    rng = np.random.default_rng(7)
    labels = np.arange(100)
    counts = np.zeros((100, 60), int)
    counts[rng.permutation(100)[:60], np.arange(60)] = 5
    counts[rng.permutation(100)[:60], np.arange(60)] += 4
    counts[:, 59] = 0
    found = assign(counts, labels)
    queries = rng.poisson(1.0, (5, 60))
    native = scores(queries, found, readout="weighted")
    published = scores(queries, found, readout="weighted", compat="vprsnn")
    top = np.unique(found.most_spikes())
    assert not np.setdiff1d(published.any(0).nonzero()[0], top).size
    assert np.setdiff1d(native.any(0).nonzero()[0], top).size
    standard = scores(queries, found)
    np.testing.assert_array_equal(scores(queries, found, compat="vprsnn"), standard)


def test_probabilities_sum_to_one_or_say_nothing() -> None:
    scored = np.random.default_rng(0).random((4, 6))
    scored[2] = 0.4
    found = probabilities(scored)
    np.testing.assert_allclose(found.sum(1), [1, 1, 0, 1], rtol=1e-6)
    assert (found.argmax(1) == scored.argmax(1))[[0, 1, 3]].all()
    assert (found >= 0).all()


def test_no_query_and_no_neuron_that_fired() -> None:
    silent = assign(np.zeros((3, 4), int), [0, 1, 2])
    assert silent.label.tolist() == [-1] * 4
    for readout in ("standard", "weighted", "spikes"):
        assert not scores([[1, 2, 3, 4]], silent, readout=readout).any()  # type: ignore[arg-type]
        assert scores(np.zeros((0, 4)), silent, readout=readout).shape == (0, 3)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("counts", "labels", "error", "text"),
    [
        ([[1.0, np.nan]], [0], DataError, "training counts"),
        ([[1, -1]], [0], DataError, "training counts"),
        ([[np.inf]], [0], DataError, "training counts"),
        ([["a"]], [0], DataError, "training counts"),
        ([1, 2], [0, 1], ShapeError, "shape"),
        (np.zeros((0, 3)), [], ShapeError, "shape"),
        ([[1]], [-1], DataError, "Label -1 of image 0"),
        ([[1], [1]], [0, 9], DataError, "Label 9 of image 1"),
        ([[1]], [0.5], DataError, "whole number"),
    ],
)
def test_what_cannot_be_assigned_is_refused(
    counts: Any, labels: Any, error: type[Exception], text: str
) -> None:
    with pytest.raises(error, match=text):
        assign(counts, labels, places=9)


def test_what_cannot_be_scored_is_refused() -> None:
    found = assign([[1, 0], [0, 1]], [0, 1])
    with pytest.raises(ShapeError, match="Counts of 3 neurons"):
        scores([[1, 2, 3]], found)
    with pytest.raises(DataError, match="query counts"):
        scores([[np.nan, 1]], found)
    with pytest.raises(ShapeError, match="The mask is"):
        scores([[1, 2]], found, muted=[0, 1])
    with pytest.raises(ConfigError, match="readout is 'mean'"):
        scores([[1, 2]], found, readout="mean")  # type: ignore[arg-type]
    with pytest.raises(ConfigError, match="compat is 'lens'"):
        scores([[1, 2]], found, compat="lens")  # type: ignore[arg-type]
    with pytest.raises(ShapeError, match="over no places"):
        joined([])
    with pytest.raises(ShapeError, match=r"over \[2, 3\] places"):
        joined([found, assign([[1]], [2])])


def test_joined_networks_read_out_as_each_alone() -> None:
    """How many labels count as many is a share of the labels of a neuron's own network."""
    rng = np.random.default_rng(4)
    parts, counts, alone = [], [], []
    for first in range(0, 300, 5):
        seen = rng.poisson(1.0, (10, 6))
        labels = np.arange(10) % 5
        parts.append(assign(seen, labels + first, places=300))
        counts.append(rng.poisson(1.0, (4, 6)))
        alone.append(scores(counts[-1], assign(seen, labels, places=5), readout="weighted"))
    together = scores(np.hstack(counts), joined(parts), readout="weighted")
    assert np.array_equal(together, np.hstack(alone))
