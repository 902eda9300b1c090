"""One evaluation: banks and matrices alike, sessions, masks, JSON, refusals."""

import json

import numpy as np
import pytest

from saccade.errors import ConfigError, DataError, ShapeError
from saccade.retrieval import IndexTolerance, Planar, TruthMatrix, score_matrix
from saccade.retrieval.evaluation import Banks, compare, evaluate

RNG = np.random.default_rng(0)
REFERENCES = RNG.standard_normal((50, 6))
QUERIES = REFERENCES[:40] + 0.9 * RNG.standard_normal((40, 6))
WHERE = np.column_stack([np.arange(50.0), np.zeros(50)])
TRUTH = Planar(WHERE[:40], WHERE, tolerance_m=1, inclusive=True)


def test_banks_and_their_score_matrix_give_the_same_numbers() -> None:
    banks = evaluate(Banks(QUERIES, REFERENCES), TRUTH)
    matrix = evaluate(score_matrix(QUERIES, REFERENCES), TRUTH)
    assert banks.values() == matrix.values()
    assert 0.2 < banks.values()["recall@1"] < 1  # type: ignore[operator]


def test_values_are_json_and_the_table_puts_chance_beside_them() -> None:
    found = evaluate(Banks(QUERIES, REFERENCES), TRUTH, sessions=(np.zeros(40), np.ones(50)))
    values = found.values()
    assert json.loads(json.dumps(values, allow_nan=False)) == values
    rows = {row[0]: row[1:] for row in found.table().rows}
    assert rows["recall@5"] == (values["recall@5"], values["chance_of_recall@5"])
    assert rows["strict recall@5"][0] == values["recall@5"]
    assert rows["queries without match"] == (0, None)
    assert len(rows) + sum(name.startswith("chance_of_") for name in values) == len(values)


def test_perfect_and_constant_scores_are_the_two_ends() -> None:
    truth = IndexTolerance(20, 20, tolerance=0, inclusive=True)
    perfect = evaluate(np.eye(20), truth).values()
    ends = ("recall@1", "pooled_average_precision", "pooled_precision_at_100_recall")
    ends += ("best_match_recall_at_100_precision", "best_match_precision_accepting_all")
    for name in ends:
        assert perfect[name] == 1, name
    blind = evaluate(np.zeros((20, 20)), truth).values()
    assert blind["recall@1"] == blind["pooled_average_precision"] == 0.05


def test_n_above_the_references_is_left_out() -> None:
    truth = IndexTolerance(3, 4, tolerance=0, inclusive=True)
    assert evaluate(np.eye(3, 4), truth).recall.at == (1,)
    with pytest.raises(ConfigError, match="from 1 to 4"):
        evaluate(np.eye(3, 4), truth, at=(5, 10))


def test_own_session_neither_answers_nor_counts() -> None:
    truth = TruthMatrix([[1, 0, 1], [1, 0, 0], [0, 1, 0]], "query_by_reference")
    scores = [[0.9, 0.5, 0.1], [0.9, 0.5, 0.1], [0.2, 0.9, 0.1]]
    sessions = ["mon", "mon", "tue"], ["mon", "tue", "wed"]
    found = evaluate(scores, truth, at=(1, 2), sessions=sessions, compat="spikevpr")
    assert found.recall.over_all.tolist() == pytest.approx([1, 1])
    assert found.strict is not None
    assert found.strict.over_all.tolist() == pytest.approx([0, 1 / 3])
    assert found.strict.queries_without_match == 2
    assert found.published_strict == pytest.approx((0, 1 / 3))


def test_published_strict_recall_lets_the_own_session_back_in_when_others_run_out() -> None:
    truth = TruthMatrix([[1, 0, 0], [0, 1, 0], [0, 0, 1]], "query_by_reference")
    scores, sessions = np.eye(3), ([0, 1, 2], [0, 0, 2])
    found = evaluate(scores, truth, at=(1, 2), sessions=sessions, compat="spikevpr")
    assert found.published_strict == pytest.approx((1 / 3, 2 / 3))  # query 0: reference 0 as second
    assert found.strict is not None
    assert found.strict.over_all.tolist() == pytest.approx([1 / 3, 1 / 3])


def test_queries_without_other_sessions_are_out_of_the_published_share_alone() -> None:
    truth = TruthMatrix([[1, 0], [0, 1]], "query_by_reference")
    sessions = [0, 1], [0, 0]
    found = evaluate(np.eye(2), truth, at=(1,), sessions=sessions, compat="spikevpr")
    assert found.published_strict == pytest.approx((1.0,))
    assert found.strict is not None
    assert found.strict.over_all.tolist() == [0.5]
    assert "published_strict_recall@1" in found.values()


def test_masked_windows_are_in_no_measure() -> None:
    masked = np.zeros((40, 50), bool)
    masked[:5] = True
    masked[:, 45:] = True
    found = evaluate(Banks(QUERIES, REFERENCES), TRUTH, masked=masked)
    alone = evaluate(
        Banks(QUERIES[5:], REFERENCES[:45]),
        Planar(WHERE[5:40], WHERE[:45], tolerance_m=1, inclusive=True),
    )
    np.testing.assert_allclose(found.recall.over_matchable, alone.recall.over_matchable)
    assert found.recall.queries_without_match == 5
    assert found.pooled.average_precision == pytest.approx(alone.pooled.average_precision)
    assert found.best.average_precision == pytest.approx(alone.best.average_precision)


def test_methods_compare_in_one_table_with_chance_last() -> None:
    good, blind = evaluate(Banks(QUERIES, REFERENCES), TRUTH), evaluate(np.zeros((40, 50)), TRUTH)
    table = compare({"good": good, "blind": blind})
    assert [row[0] for row in table.rows] == ["good", "blind", "chance"]
    assert table.rows[0][1] == good.values()["recall@1"]
    assert len(table.columns) == len(table.rows[0]) == len(table.rows[2])
    with pytest.raises(ConfigError, match="other has recall at"):
        compare({"good": good, "other": evaluate(np.eye(40, 50), TRUTH, at=(1,))})
    with pytest.raises(ConfigError, match="Nothing"):
        compare({})


def test_what_decides_nothing_is_refused() -> None:
    with pytest.raises(ShapeError, match="40 queries and 50 references"):
        evaluate(np.eye(3), TRUTH)
    far = Planar(WHERE[:40], WHERE + 1e6, tolerance_m=1, inclusive=True)
    with pytest.raises(DataError, match="no query has a true match"):
        evaluate(Banks(QUERIES, REFERENCES), far)
    wide = Planar(WHERE[:40], WHERE, tolerance_m=1e6, inclusive=True)
    with pytest.raises(DataError, match="every candidate is a true match"):
        evaluate(Banks(QUERIES, REFERENCES), wide)
    with pytest.raises(DataError, match="is nan"):
        evaluate(np.full((40, 50), np.nan), TRUTH)
    with pytest.raises(ConfigError, match="without sessions"):
        evaluate(np.eye(40, 50), TRUTH, compat="spikevpr")
    with pytest.raises(ShapeError, match="Sessions of"):
        evaluate(np.eye(40, 50), TRUTH, sessions=(np.zeros(40), np.zeros(40)))
