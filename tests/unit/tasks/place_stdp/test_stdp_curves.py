"""Published precision-recall curves, by their definition in loops, and what is mended."""

import numpy as np
import pytest

from saccade.errors import ConfigError, DataError, ShapeError
from saccade.retrieval import (
    IndexTolerance,
    TruthMatrix,
    best_match_precision_recall,
    recall_at,
    top_n,
)
from saccade.tasks.place_stdp.published_metrics import published_curve


def scored(count: int, seed: int, noise: float) -> np.ndarray:
    rng = np.random.default_rng(seed)
    return np.eye(count) + noise * rng.random((count, count))


@pytest.mark.parametrize(("seed", "noise"), [(0, 0.5), (1, 1.5), (2, 3.0)])
def test_thresholds_go_over_all_distances_or_over_best_scores(seed: int, noise: float) -> None:
    matrix = scored(25, seed, noise)
    best, right = matrix.max(1), matrix.argmax(1) == np.arange(25)
    found = published_curve(matrix, compat="vprtempo")
    for k, threshold in enumerate(np.linspace(best.max(), best.min(), 100)):
        accepted = best >= threshold
        assert found.precision[k + 1] == right[accepted].sum() / accepted.sum()
        assert found.recall[k + 1] == right[accepted].sum() / right.sum()

    distance = matrix.max() - matrix
    precision, recall, scores = [1.0], [0.0], []
    for threshold in np.linspace(distance.min(), distance.max(), 99):
        accepted = distance.min(1) <= threshold
        hits = right[accepted].sum()
        if hits == 0:
            precision.append(0.0)
            recall.append(0.0)
        p, r = hits / accepted.sum(), hits / (hits + (~accepted).sum())
        precision.append(p)
        recall.append(r)
        scores.append(2 * p * r / (p + r) if hits else np.nan)
    found = published_curve(matrix, compat="vprsnn")
    np.testing.assert_allclose(found.precision, precision, atol=1e-12)
    np.testing.assert_allclose(found.recall, recall, atol=1e-12)
    np.testing.assert_allclose(found.f1, scores, atol=1e-12)


def test_defect_3_precision_at_full_recall_is_no_f1() -> None:
    matrix = np.array([[3.0, 0, 0], [0, 2, 0], [1, 0, 0]])
    found = published_curve(matrix, compat="vprsnn")
    assert found.f1[-1] == pytest.approx(0.8)
    truth = IndexTolerance(3, 3, 0, inclusive=True)
    first = recall_at(top_n(matrix, 1), truth, (1,)).over_all[0]
    assert found.precision[-1] == pytest.approx(first) == pytest.approx(2 / 3)


def test_defect_3_no_right_match_at_first_gives_two_points_and_no_nan() -> None:
    matrix = np.array([[0.0, 5, 0], [0, 3, 0], [0, 0, 2]])
    found = published_curve(matrix, compat="vprsnn")
    assert len(found.precision) > 100
    assert np.isfinite(found.precision).all() and np.isfinite(found.recall).all()
    assert np.isnan(found.f1[0]) and np.isfinite(found.f1[-1])
    assert 0 <= found.area <= 1


def test_defect_14_correct_recall_of_a_matrix_that_is_not_square() -> None:
    matrix = np.zeros((6, 3))
    matrix[np.arange(6), np.arange(6) // 2] = 1
    truth = TruthMatrix(matrix, layout="query_by_reference")
    ranking = top_n(matrix, 3)
    assert recall_at(ranking, truth, (1,)).over_all[0] == 1
    assert best_match_precision_recall(ranking, truth).average_precision == 1
    assert published_curve(matrix, truth, compat="vprtempo").recall[-1] == 1
    with pytest.raises(ShapeError, match="6 queries and 3 references"):
        published_curve(matrix, compat="vprsnn")


def test_defect_14_equal_scores_are_ranked_by_index_for_any_type() -> None:
    rng = np.random.default_rng(0)
    matrix = rng.integers(0, 4, (200, 50)).astype(np.float64)
    for kind in (np.float32, np.float64):
        found = top_n(matrix.astype(kind), 50).indices
        np.testing.assert_array_equal(found, np.argsort(-matrix, axis=1, kind="stable"))


def test_full_precision_without_any_right_match_is_zero() -> None:
    matrix = np.roll(np.eye(4), 1, axis=0)
    assert published_curve(matrix, compat="vprsnn").recall_at_full_precision == 0
    with pytest.raises(DataError, match="No best match is right"):
        published_curve(matrix, compat="vprtempo")


def test_scores_that_are_none_are_refused() -> None:
    with pytest.raises(ConfigError, match="compat is 'lens'"):
        published_curve(np.eye(2), compat="lens")  # type: ignore[arg-type]
    with pytest.raises(ShapeError, match="Scores have shape"):
        published_curve(np.zeros((0, 3)), compat="vprsnn")
    with pytest.raises(DataError, match="NaN"):
        published_curve([[np.nan]], compat="vprsnn")
