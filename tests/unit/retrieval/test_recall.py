"""Recall against brute force; typed truths; both conventions; chance; refusals."""

from itertools import permutations

import numpy as np
import pytest

from saccade.errors import ConfigError, DataError, ShapeError
from saccade.retrieval import (
    Geodesic,
    IndexTolerance,
    Planar,
    TimeTolerance,
    Truth,
    TruthMatrix,
    chance_recall,
    rank,
    recall_at,
    top_n,
    wgs84_distance_m,
)

Q = np.arange(4)[:, None]
R = np.arange(5)[None]


def whole(truth: Truth) -> np.ndarray:
    rows, columns = truth.shape
    return truth.matches(np.arange(rows)[:, None], np.arange(columns)[None])


def test_recall_equals_brute_force_in_both_conventions() -> None:
    rng = np.random.default_rng(0)
    scores = rng.random((30, 50))
    truth = rng.random((30, 50)) < 0.06
    truth[[3, 8]] = False
    recall = recall_at(top_n(scores, 10), TruthMatrix(truth, "query_by_reference"), (1, 5, 10))
    for k, n in enumerate((1, 5, 10)):
        hits = sum(truth[q, np.argsort(-scores[q])[:n]].any() for q in range(30))
        matchable = truth.any(axis=1).sum()
        assert recall.over_all[k] == hits / 30
        assert recall.over_matchable[k] == hits / matchable
    assert recall.queries_without_match == 30 - truth.any(axis=1).sum() >= 2
    np.testing.assert_array_equal(recall.true_matches, truth.sum(axis=1))


def test_first_match_rank_counts_from_one_and_zero_means_not_ranked() -> None:
    truth = TruthMatrix([[0, 1, 0], [0, 0, 1], [1, 0, 0]], "query_by_reference")
    scores = [[0.5, 0.9, 0.1], [0.5, 0.4, 0.1], [0.3, 0.9, 0.1]]
    recall = recall_at(top_n(scores, 2), truth, (1, 2))
    assert recall.first_match_rank.tolist() == [1, 0, 2]
    assert recall.over_all.tolist() == [1 / 3, 2 / 3]


def test_masked_references_are_neither_candidates_nor_true_matches() -> None:
    truth = TruthMatrix([[1, 0, 0], [0, 1, 0]], "query_by_reference")
    masked = np.array([[True, False, False], [False, False, False]])
    ranking = top_n([[0.9, 0.5, 0.1], [0.9, 0.5, 0.1]], 2, masked=masked)
    recall = recall_at(ranking, truth, (1, 2))
    assert recall.queries_without_match == 1
    assert recall.over_all.tolist() == [0, 0.5]
    assert recall.over_matchable.tolist() == [0, 1]
    assert recall.chance_over_matchable.tolist() == pytest.approx([1 / 3, 2 / 3])


@pytest.mark.parametrize(("m", "c", "n"), [(1, 4, 1), (1, 4, 3), (2, 5, 2), (3, 5, 3), (0, 4, 2)])
def test_chance_equals_the_share_of_all_orders(m: int, c: int, n: int) -> None:
    orders = list(permutations(range(c)))
    lucky = sum(any(item < m for item in order[:n]) for order in orders)
    assert chance_recall(np.array([m]), np.array([c]), n)[0] == pytest.approx(lucky / len(orders))


def test_chance_of_more_ranks_than_candidates_is_certain() -> None:
    assert chance_recall(np.array([1, 0, 2]), np.array([3, 3, 0 + 2]), 9).tolist() == [1, 0, 1]


def test_geodesic_truth_is_by_metres_on_the_ellipsoid() -> None:
    queries = np.array([[-27.5, 153.0]])
    references = np.array([[-27.5, 153.0005], [-27.5, 153.001], [-27.5, 153.0]])
    limit = float(wgs84_distance_m(*queries[0], *references[0]))
    strict = Geodesic(queries, references, limit, inclusive=False)
    closed = Geodesic(queries, references, limit, inclusive=True)
    assert whole(strict).tolist() == [[False, False, True]]
    assert whole(closed).tolist() == [[True, False, True]]
    sphere = Geodesic(queries, references, 75, inclusive=False, earth="sphere")
    assert whole(sphere).tolist() == [[True, False, True]]


def test_planar_positions_near_the_origin_stay_metres() -> None:
    truth = Planar([[10, 10]], [[20, 10], [200, 10]], tolerance_m=10, inclusive=True)
    assert whole(truth).tolist() == [[True, False]]
    assert not whole(Planar([[10, 10]], [[20, 10]], tolerance_m=10, inclusive=False)).any()


def test_distance_zero_is_a_match() -> None:
    assert whole(Planar([[1, 1]], [[1, 1]], tolerance_m=1, inclusive=False)).all()


def test_index_and_time_tolerances() -> None:
    near = IndexTolerance(4, 5, tolerance=1, inclusive=True)
    np.testing.assert_array_equal(whole(near), np.abs(Q - R) <= 1)
    exact = IndexTolerance(4, 5, tolerance=1, inclusive=False)
    np.testing.assert_array_equal(whole(exact), Q == R)
    times = TimeTolerance(
        np.array([0, 100], np.uint64), np.array([90, 10]), tolerance_us=10, inclusive=True
    )
    assert whole(times).tolist() == [[False, True], [True, False]]


def test_the_layout_of_a_square_truth_matrix_matters() -> None:
    matrix = np.array([[0, 1], [0, 0]])
    assert whole(TruthMatrix(matrix, "query_by_reference")).tolist() == [[False, True], [False] * 2]
    assert whole(TruthMatrix(matrix, "reference_by_query")).tolist() == [[False] * 2, [True, False]]


def test_large_problems_are_counted_in_blocks() -> None:
    rng = np.random.default_rng(6)
    xy = rng.random((2_500, 2)) * 1_000
    truth = Planar(xy[:300], xy, tolerance_m=30, inclusive=False)
    ranking = rank(xy[:300] + 1, xy + 1, n=3)
    distance = np.hypot(*(xy[:300, None] - xy[None]).transpose(2, 0, 1))
    recall = recall_at(ranking, truth, (1,))
    np.testing.assert_array_equal(recall.true_matches, (distance < 30).sum(axis=1))


def test_the_table_names_both_conventions_and_chance() -> None:
    truth = IndexTolerance(4, 5, tolerance=0, inclusive=True)
    table = recall_at(top_n(-np.abs(Q - R).astype(float), 3), truth, (3, 1, 1)).table("Recall")
    assert table.columns[1:3] == ("all queries", "chance")
    assert [row[0] for row in table.rows] == [1, 3]
    assert table.rows[0][1:3] == (1.0, pytest.approx(0.2))


def test_a_truth_that_decides_nothing_is_refused() -> None:
    ranking = top_n(np.ones((2, 3)), 2)
    far = Planar([[0, 0]] * 2, [[9e6, 0]] * 3, tolerance_m=25, inclusive=False)
    with pytest.raises(DataError, match=r"Planar: no query has a true match.*unit"):
        recall_at(ranking, far, (1,))
    near = Planar([[-27.5, 153.0]] * 2, [[-27.6, 153.1]] * 3, tolerance_m=25, inclusive=False)
    with pytest.raises(DataError, match=r"every candidate is a true match.*Geodesic"):
        recall_at(ranking, near, (1,))


@pytest.mark.parametrize(
    ("queries", "message"),
    [
        ([[153.0, -27.5]], r"latitude = 153.0 at row 0 of the queries.*swapped"),
        ([[0, 0], [583_000, 4_507_000]], r"latitude = 583000.0 at row 1.*metres \(Planar\)"),
        ([[10, 200]], r"longitude = 200.0.*0 to 360"),
        ([[np.nan, 0]], r"Position 0 of the queries is \(nan, 0.0\)"),
    ],
)
def test_coordinates_outside_their_range_are_refused(queries: list, message: str) -> None:
    with pytest.raises(DataError, match=message):
        Geodesic(queries, [[0, 0]], tolerance_m=25, inclusive=False)


def test_wrong_shapes_and_settings_are_refused() -> None:
    ranking = top_n(np.ones((2, 3)), 2)
    with pytest.raises(ShapeError, match="queries and references swapped"):
        recall_at(ranking, TruthMatrix(np.eye(3, 2), "query_by_reference"), (1,))
    truth = TruthMatrix(np.eye(2, 3), "query_by_reference")
    with pytest.raises(ConfigError, match=r"recall@5 was asked for.*1 to 2"):
        recall_at(ranking, truth, (1, 5))
    with pytest.raises(ConfigError, match="No N"):
        recall_at(ranking, truth, ())
    with pytest.raises(ConfigError, match="layout is 'rq'"):
        TruthMatrix(np.eye(2), "rq")  # type: ignore[arg-type]
    with pytest.raises(DataError, match="distances"):
        TruthMatrix([[0.5, 3.0]], "query_by_reference")
    with pytest.raises(ConfigError, match="tolerance_m is -1"):
        Planar([[0, 0]], [[0, 0]], tolerance_m=-1, inclusive=True)
    with pytest.raises(ConfigError, match="tolerance is 0"):
        IndexTolerance(2, 2, tolerance=0, inclusive=False)
    with pytest.raises(DataError, match="integer"):
        TimeTolerance([0.5], [1], tolerance_us=1, inclusive=True)
    with pytest.raises(ShapeError, match=r"positions \[N, 2\]"):
        Planar([[0, 0, 0]], [[0, 0]], tolerance_m=1, inclusive=True)
    with pytest.raises(TypeError, match="inclusive"):
        Planar([[0, 0]], [[0, 0]], tolerance_m=1)  # type: ignore[call-arg]
