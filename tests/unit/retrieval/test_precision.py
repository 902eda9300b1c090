"""Precision-recall: against brute force, from blocks, ties, masks, both conventions."""

from collections.abc import Iterator

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from saccade.errors import DataError, ShapeError
from saccade.retrieval import (
    IndexTolerance,
    ScoreBlock,
    TruthMatrix,
    best_match_precision_recall,
    pooled_precision_recall,
    precision_recall,
    top_n,
)


def in_blocks(scores: np.ndarray, side: int) -> Iterator[ScoreBlock]:
    for q in range(0, scores.shape[0], side):
        for r in range(0, scores.shape[1], side):
            rows = slice(q, min(q + side, scores.shape[0]))
            columns = slice(r, min(r + side, scores.shape[1]))
            yield ScoreBlock(rows, columns, scores[rows, columns])


def brute(scores: np.ndarray, true: np.ndarray) -> tuple[list[float], list[float], float]:
    thresholds = np.unique(scores)
    precision = [true[scores >= t].mean() for t in thresholds]
    recall = [true[scores >= t].sum() / true.sum() for t in thresholds]
    area = sum(
        (recall[k] - (recall[k + 1] if k + 1 < len(recall) else 0)) * precision[k]
        for k in range(len(recall))
    )
    return precision, recall, area


@settings(max_examples=60, deadline=None)
@given(st.integers(2, 9), st.integers(2, 9), st.integers(1, 4), st.integers(0, 2**31))
def test_curve_blocks_and_brute_force_agree(q: int, r: int, side: int, seed: int) -> None:
    rng = np.random.default_rng(seed)
    scores = rng.integers(0, 6, (q, r)).astype(np.float32)  # many ties
    true = rng.random((q, r)) < 0.3
    true[rng.integers(q), rng.integers(r)] = True
    whole = precision_recall(scores, true)
    precision, recall, area = brute(scores, true)
    np.testing.assert_allclose(whole.precision, precision)
    np.testing.assert_allclose(whole.recall, recall)
    assert whole.average_precision == pytest.approx(area)
    truth = TruthMatrix(true, "query_by_reference")
    pooled = pooled_precision_recall(lambda: in_blocks(scores, side), truth)
    assert pooled.average_precision == pytest.approx(area)
    assert pooled.precision_at_full_recall == pytest.approx(whole.precision_at_full_recall)
    for least in (1.0, 0.99, 0.5, 0.2):
        assert pooled.recall_at_precision(least) == pytest.approx(whole.recall_at_precision(least))
    kept = np.isin(whole.threshold, pooled.threshold)
    np.testing.assert_allclose(whole.precision[kept], pooled.precision)


def test_masked_pairs_are_no_decisions() -> None:
    rng = np.random.default_rng(0)
    scores, true = rng.random((6, 8)).astype(np.float32), rng.random((6, 8)) < 0.3
    masked = rng.random((6, 8)) < 0.4
    truth = TruthMatrix(true, "query_by_reference")
    found = pooled_precision_recall(lambda: in_blocks(scores, 3), truth, masked=masked)
    whole = precision_recall(scores[~masked], true[~masked])
    assert found.average_precision == pytest.approx(whole.average_precision)
    assert found.precision_at_full_recall == pytest.approx(whole.precision_at_full_recall)


def test_perfect_scores_have_every_measure_at_one() -> None:
    curve = precision_recall(np.eye(5), np.eye(5, dtype=bool))
    assert curve.average_precision == 1
    assert curve.precision_at_full_recall == 1
    assert curve.recall_at_precision(1.0) == 1


def test_a_wrong_first_pair_leaves_no_recall_at_full_precision() -> None:
    curve = precision_recall([0.9, 0.8, 0.7], [False, True, True])
    assert curve.recall_at_precision(1.0) == 0
    assert curve.recall_at_precision(0.66) == 1
    assert curve.precision_at_full_recall == pytest.approx(2 / 3)


def test_best_match_counts_queries_that_have_a_match_and_misses_cost_recall() -> None:
    truth = TruthMatrix([[1, 0, 0], [0, 1, 0], [0, 0, 0], [0, 0, 1]], "query_by_reference")
    scores = [[0.9, 0.1, 0.1], [0.8, 0.3, 0.2], [0.7, 0.2, 0.1], [0.1, 0.2, 0.6]]
    curve = best_match_precision_recall(top_n(scores, 1), truth)
    assert curve.recall.max() == pytest.approx(2 / 3)
    assert curve.precision[0] == pytest.approx(0.5)
    assert curve.recall_at_precision(1.0) == pytest.approx(1 / 3)
    assert curve.precision_at_full_recall == 0


def test_best_match_under_a_mask_asks_only_for_what_can_be_found() -> None:
    truth = IndexTolerance(3, 3, tolerance=0, inclusive=True)
    masked = np.zeros((3, 3), bool)
    masked[2, 2] = masked[1] = True
    curve = best_match_precision_recall(top_n(np.eye(3), 1, masked=masked), truth)
    assert curve.recall.max() == 1
    assert curve.recall_at_precision(1.0) == 1
    assert curve.precision[0] == pytest.approx(0.5)


def test_what_has_no_curve_is_refused() -> None:
    with pytest.raises(ShapeError, match=r"Scores \[2\], truth \[3\]"):
        precision_recall([0.1, 0.2], [True, False, True])
    with pytest.raises(DataError, match="NaN or infinite"):
        precision_recall([0.1, np.nan], [True, False])
    with pytest.raises(DataError, match="No pair is a true match"):
        precision_recall([0.1, 0.2], [False, False])
    truth = TruthMatrix(np.zeros((2, 2), bool), "query_by_reference")
    with pytest.raises(DataError, match="No pair is a true match"):
        pooled_precision_recall(lambda: in_blocks(np.eye(2, dtype=np.float32), 2), truth)
