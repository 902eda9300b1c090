"""Scores against brute force, in any block size, with rows that have no direction."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from saccade.errors import ConfigError, DataError, ShapeError
from saccade.retrieval import METRICS, degenerate_rows, score_blocks, score_matrix
from saccade.retrieval import scores as module


def brute_force(queries: np.ndarray, references: np.ndarray, metric: str) -> np.ndarray:
    scores = np.zeros((len(queries), len(references)))
    for i, a in enumerate(queries.astype(np.float64)):
        for j, b in enumerate(references.astype(np.float64)):
            if metric == "correlation":
                scores[i, j] = np.corrcoef(a, b)[0, 1]
            else:
                scores[i, j] = sum(a * b) / np.sqrt(sum(a * a) * sum(b * b))
    return scores


@pytest.mark.parametrize("metric", METRICS)
def test_scores_equal_brute_force(metric: str) -> None:
    rng = np.random.default_rng(1)
    queries = rng.standard_normal((13, 37)).astype(np.float32)
    references = rng.standard_normal((29, 37)).astype(np.float32) + 5
    expected = brute_force(queries, references, metric)
    np.testing.assert_allclose(
        score_matrix(queries, references, metric=metric), expected, atol=1e-7
    )


@settings(max_examples=30, deadline=None)
@given(st.integers(1, 9), st.integers(1, 12), st.integers(1, 6), st.integers(0, 2**31))
def test_blocks_tile_the_matrix_and_do_not_change_it(q: int, r: int, rows: int, seed: int) -> None:
    rng = np.random.default_rng(seed)
    queries, references = rng.integers(0, 9, (q, 5)), rng.integers(0, 9, (r, 5))
    covered = np.zeros((q, r), int)
    whole = score_matrix(queries, references)
    for block in score_blocks(queries, references, block_rows=rows):
        covered[block.queries, block.references] += 1
        assert block.scores.dtype == np.float32
        np.testing.assert_array_equal(block.scores, whole[block.queries, block.references])
    assert (covered == 1).all()


def test_long_rows_are_cut_without_changing_the_scores(monkeypatch: pytest.MonkeyPatch) -> None:
    rng = np.random.default_rng(2)
    queries, references = rng.random((3, 5_000)), rng.random((4, 5_000))
    whole = score_matrix(queries, references, metric="correlation")
    monkeypatch.setattr(module, "_OPERAND", 4 * 700)
    monkeypatch.setattr(module, "_ONE_THREAD", 12 * 100)
    cut = score_matrix(queries, references, metric="correlation")
    np.testing.assert_allclose(cut, whole, atol=1e-7)
    np.testing.assert_allclose(whole, brute_force(queries, references, "correlation"), atol=1e-7)


def test_rows_without_direction_score_zero_and_are_named() -> None:
    rows = np.array([[0, 0, 0], [2, 2, 2], [0.1, 0.1, 0.1], [1, 2, 3]])
    assert degenerate_rows(rows).tolist() == [True, False, False, False]
    assert degenerate_rows(rows, metric="correlation").tolist() == [True, True, True, False]
    scores = score_matrix(rows, rows, metric="correlation")
    assert scores[3].tolist() == [0, 0, 0, 1]


def test_equal_references_get_bit_equal_scores_wherever_they_stand() -> None:
    rng = np.random.default_rng(3)
    queries = rng.standard_normal((7, 333)).astype(np.float32)
    references = rng.standard_normal((700, 333)).astype(np.float32)
    references[[5, 300, 511, 512, 699]] = references[17]
    scores = score_matrix(queries, references)
    for column in (5, 300, 511, 512, 699):
        np.testing.assert_array_equal(scores[:, column], scores[:, 17])


def test_integer_and_boolean_rows_are_accepted() -> None:
    counts = np.array([[0, 3, 1], [1, 0, 0]], np.uint8)
    np.testing.assert_allclose(
        score_matrix(counts, counts > 0), brute_force(counts, counts > 0, "cosine"), atol=1e-7
    )


def test_scores_stay_within_one() -> None:
    rows = np.full((2, 3), 1 / 3, np.float32)
    assert np.abs(score_matrix(rows, -rows)).max() <= 1


def test_what_cannot_be_scored_is_refused_with_the_row() -> None:
    good = np.ones((2, 3))
    with pytest.raises(ShapeError, match=r"Queries have 3 dimensions, references 4"):
        score_matrix(good, np.ones((2, 4)))
    with pytest.raises(ShapeError, match=r"references have shape \(3,\)"):
        list(score_blocks(good, np.ones(3)))
    bad = good.copy()
    bad[1, 2] = np.nan
    with pytest.raises(DataError, match="Row 1 of the references holds NaN"):
        score_matrix(good, bad)
    with pytest.raises(ConfigError, match="Did you mean 'correlation'"):
        score_matrix(good, good, metric="corelation")  # type: ignore[arg-type]
    with pytest.raises(ConfigError, match="block_rows is 0"):
        score_blocks(good, good, block_rows=0)
    with pytest.raises(DataError, match="complex"):
        score_matrix(good * 1j, good)
