"""Bank health against brute force, and verdicts on banks whose state is known."""

import numpy as np
import pytest

from saccade.errors import ConfigError, DataError, ShapeError
from saccade.retrieval import bank_health, score_matrix


def test_mean_cosine_is_the_mean_over_all_pairs() -> None:
    bank = np.random.default_rng(0).standard_normal((23, 9)) + 0.5
    scores = score_matrix(bank, bank).astype(np.float64)
    pairs = scores[~np.eye(23, dtype=bool)]
    assert bank_health(bank).mean_cosine == pytest.approx(pairs.mean(), abs=1e-6)


@pytest.mark.parametrize("shape", [(12, 5), (5, 12)])
def test_ranks_follow_their_formulas(shape: tuple[int, int]) -> None:
    bank = np.random.default_rng(1).standard_normal(shape)
    energy = np.linalg.svd(bank / np.linalg.norm(bank, axis=1)[:, None], compute_uv=False) ** 2
    share = energy / energy.sum()
    health = bank_health(bank)
    assert health.effective_rank == pytest.approx(np.exp(-(share * np.log(share)).sum()))
    assert health.participation_ratio == pytest.approx(energy.sum() ** 2 / (energy**2).sum())


def test_orthogonal_rows_have_full_rank_and_no_common_direction() -> None:
    health = bank_health(np.eye(6, dtype=np.float32))
    assert (health.mean_cosine, health.verdict) == (0.0, "healthy")
    assert health.effective_rank == pytest.approx(6)
    assert health.unit_length
    assert health.chance_recall_at_1 == pytest.approx(1 / 6)


def test_a_silent_network_is_called_collapsed() -> None:
    bank = np.ones((40, 64)) + 1e-3 * np.random.default_rng(2).standard_normal((40, 64))
    health = bank_health(bank)
    assert health.verdict == "collapsed"
    assert "calibrate" in health.explanation
    assert health.effective_rank < 1.01


def test_repeated_descriptors_are_counted_and_called_collapsed() -> None:
    distinct = np.eye(3)
    health = bank_health(np.repeat(distinct, 4, axis=0))
    assert health.duplicates == 9
    assert health.verdict == "collapsed"
    assert "9 of 12" in health.explanation


def test_plus_and_minus_zero_are_the_same_descriptor() -> None:
    assert bank_health([[1.0, 0.0], [1.0, -0.0], [0.0, 1.0]]).duplicates == 1


def test_alike_but_not_equal_is_narrow() -> None:
    bank = np.random.default_rng(3).standard_normal((200, 64)) * 0.3 + 1
    health = bank_health(bank)
    assert 0.85 < health.mean_cosine < 0.98
    assert health.verdict == "narrow"


def test_empty_frames_are_counted_and_left_out() -> None:
    bank = np.vstack([np.eye(4), np.full((3, 4), 0.5)])
    health = bank_health(bank, [5, 9, 2, 1, 0, 0, 0])
    assert (health.empty, health.duplicates, health.mean_cosine) == (3, 0, 0.0)
    assert health.verdict == "healthy"
    assert "3 of 7 windows held no event" in health.explanation


def test_rows_of_length_zero_are_counted_and_left_out() -> None:
    health = bank_health(np.vstack([np.eye(3), np.zeros((1, 3))]))
    assert health.zero_length == 1
    assert health.mean_cosine == 0.0
    assert health.norm_min == 1.0


def test_one_usable_row_is_too_few_to_judge() -> None:
    health = bank_health([[1.0, 2.0], [3.0, 4.0]], [0, 7])
    assert health.verdict == "too few"
    assert np.isnan(health.mean_cosine)
    assert bank_health(np.zeros((2, 3))).effective_rank == 0


def test_rows_that_are_not_unit_length_are_reported() -> None:
    health = bank_health([[3.0, 0.0], [0.0, 2.0]])
    assert not health.unit_length
    assert (health.norm_min, health.norm_max) == (2.0, 3.0)


def test_a_long_bank_is_sampled_and_says_so() -> None:
    bank = np.random.default_rng(4).standard_normal((300, 8))
    health = bank_health(bank, spectrum_rows=50)
    assert health.spectrum_rows == 50
    assert health.effective_rank == pytest.approx(bank_health(bank).effective_rank, rel=0.1)


def test_a_known_chance_level_is_passed_on_to_the_table() -> None:
    rows = dict(bank_health(np.eye(3), chance_recall_at_1=0.25).table().rows)
    assert rows["chance of recall@1"] == 0.25
    assert rows["verdict"] == "healthy"


def test_what_cannot_be_measured_is_refused() -> None:
    with pytest.raises(ShapeError, match=r"shape \(0, 3\)"):
        bank_health(np.empty((0, 3)))
    with pytest.raises(ShapeError, match="event_count"):
        bank_health(np.eye(3), [1, 2])
    with pytest.raises(DataError, match="Descriptor 1 holds NaN"):
        bank_health([[1.0, 0.0], [np.nan, 1.0]])
    with pytest.raises(ConfigError, match="spectrum_rows"):
        bank_health(np.eye(3), spectrum_rows=1)
