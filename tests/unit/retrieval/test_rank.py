"""The N best: stable ties, masks, N beyond R, blocks that change nothing."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from saccade.errors import ConfigError, DataError, ShapeError
from saccade.retrieval import best_median_worst, rank, top_n


def plain_top_n(scores: np.ndarray, n: int, masked: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The definition: sort by score descending, then by index; leave masked ones out."""
    indices = np.full((len(scores), n), -1)
    kept = np.full((len(scores), n), np.nan, np.float32)
    for q, row in enumerate(scores):
        order = sorted(np.flatnonzero(~masked[q]), key=lambda r: (-row[r], r))[:n]
        indices[q, : len(order)] = order
        kept[q, : len(order)] = row[order]
    return indices, kept


@settings(max_examples=60, deadline=None)
@given(st.integers(1, 5), st.integers(1, 20), st.integers(1, 25), st.integers(0, 2**31))
def test_kernel_equals_the_definition(q: int, r: int, n: int, seed: int) -> None:
    rng = np.random.default_rng(seed)
    scores = rng.integers(-2, 3, (q, r)).astype(np.float32)  # many ties
    masked = rng.random((q, r)) < 0.3
    ranking = top_n(scores, n, masked=masked)
    indices, kept = plain_top_n(scores, n, masked)
    np.testing.assert_array_equal(ranking.indices, indices)
    np.testing.assert_array_equal(ranking.scores, kept)


@settings(max_examples=25, deadline=None)
@given(st.integers(1, 7), st.integers(0, 2**31))
def test_block_size_does_not_change_the_ranking(rows: int, seed: int) -> None:
    rng = np.random.default_rng(seed)
    queries, references = rng.integers(0, 3, (6, 4)), rng.integers(0, 3, (23, 4))
    whole = rank(queries, references, n=9)
    blocks = rank(queries, references, n=9, block_rows=rows)
    np.testing.assert_array_equal(blocks.indices, whole.indices)
    np.testing.assert_array_equal(blocks.scores, whole.scores)


def test_ties_go_to_the_lower_reference_index_across_blocks() -> None:
    references = np.ones((10, 3))
    ranking = rank(np.ones((1, 3)), references, n=4, block_rows=3)
    assert ranking.indices.tolist() == [[0, 1, 2, 3]]


def test_masked_references_never_come_back_even_when_too_few_are_left() -> None:
    scores = np.array([[0.9, 0.8, 0.7, 0.6]])
    ranking = top_n(scores, 3, masked=np.array([True, False, True, True]))
    assert ranking.indices.tolist() == [[1, -1, -1]]
    assert np.isnan(ranking.scores[0, 1:]).all()
    assert top_n(scores, 2, masked=np.ones((1, 4), bool)).indices.tolist() == [[-1, -1]]


def test_the_three_kinds_of_mask_agree() -> None:
    rng = np.random.default_rng(5)
    queries, references = rng.random((5, 3)), rng.random((8, 3))
    of_references = rng.random(8) < 0.4
    full = np.broadcast_to(of_references, (5, 8)).copy()
    rankings = [
        rank(queries, references, n=4, masked=mask, block_rows=2)
        for mask in (of_references, full, lambda q, r: full[q, r])
    ]
    for ranking in rankings[1:]:
        np.testing.assert_array_equal(ranking.indices, rankings[0].indices)
    assert not of_references[rankings[0].indices].any()


def test_more_than_there_are_references_leaves_the_rest_empty() -> None:
    ranking = rank([[1.0, 0.0]], [[1.0, 0.0], [0.0, 1.0]], n=5)
    assert ranking.indices.tolist() == [[0, 1, -1, -1, -1]]


def test_no_queries_give_an_empty_ranking() -> None:
    assert rank(np.empty((0, 3)), np.ones((2, 3)), n=2).indices.shape == (0, 2)


def test_correlation_ranks_by_shape_and_not_by_length() -> None:
    ranking = rank([[1, 2, 3]], [[9, 9, 10], [2, 4, 6.1]], n=1, metric="correlation")
    assert ranking.indices.tolist() == [[1]]


def test_best_median_worst_leaves_out_queries_without_candidates() -> None:
    scores = np.array([[0.3], [0.9], [0.5], [0.1], [0.7]])
    masked = np.array([[False], [False], [False], [True], [False]])
    picks = best_median_worst(top_n(scores, 1, masked=masked))
    assert picks == {"best": 1, "median": 2, "worst": 0}
    assert best_median_worst(top_n(scores[:1], 1)) == {"best": 0}


def test_wrong_arguments_are_refused() -> None:
    with pytest.raises(ShapeError, match="no references"):
        rank(np.ones((2, 3)), np.empty((0, 3)))
    with pytest.raises(ConfigError, match="n is 0"):
        top_n([[1.0]], 0)
    with pytest.raises(ShapeError, match="The mask is bool"):
        top_n(np.ones((2, 3)), 1, masked=np.ones((3, 2), bool))
    with pytest.raises(ShapeError, match="mask function returned"):
        top_n(np.ones((2, 3)), 1, masked=lambda q, r: np.ones(3, bool))
    with pytest.raises(DataError, match="query 0 with reference 1 is nan"):
        top_n([[1.0, np.nan]], 1)
