"""Place truth: distance along the route between samples, matrices, nearest place, positions.csv."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from saccade.errors import ConfigError, DataError, FormatError
from saccade.retrieval import TruthMatrix
from saccade.simulate.drive import Drive
from saccade.simulate.geography import receive
from saccade.simulate.place_truth import (
    correspondences,
    distance_at,
    parse_positions,
    positions_csv,
    track_at,
)
from saccade.simulate.recording import Track

MICROMETRES = 5e-6
ROUTE = [[0, 0], [200, 100], [500, 60]]


def line(distance_m: list[float], speed_m_s: list[float], every_us: int = 1_000_000) -> Track:
    n = len(distance_m)
    zero = np.zeros(n)
    away = np.asarray(distance_m, np.float64)
    t_us = np.arange(n, dtype=np.int64) * every_us
    speed = np.asarray(speed_m_s, np.float64)
    return Track(t_us, away, zero, zero, away, zero - 27, zero + 153, speed, zero)


@pytest.mark.parametrize("seed", range(4))
def test_distance_at_any_microsecond_is_that_of_the_drive(seed: int) -> None:
    """Also where it brakes to a stop, and after the last sample until the recording's end."""
    drive = Drive(ROUTE, seed=seed, duration_s=30, stops=1)
    track = receive(drive, rate_hz=10)
    t_us = np.sort(np.random.default_rng(seed).integers(0, drive.duration_us, 5_000))
    expected = drive.distance_m(t_us)
    error = np.abs(distance_at(track, t_us) - expected)
    inside = t_us <= track.t_us[-1]
    assert error[inside].max() < MICROMETRES
    assert error[~inside].max() < 100 * MICROMETRES
    linear = np.interp(t_us, track.t_us, track.distance_m)
    assert (
        np.abs(linear - expected)[inside].max() > 200 * MICROMETRES
    )  # a straight line would not do


def test_positions_at_any_microsecond_are_those_of_the_drive() -> None:
    drive = Drive(ROUTE, seed=1, duration_s=30)
    track = receive(drive, rate_hz=10)
    t_us = np.random.default_rng(1).integers(0, drive.duration_us, 2_000)
    found, place = track_at(track, t_us), drive.poses(t_us).position
    assert np.abs(found.east_m - place[:, 0]).max() < 1e-3
    assert np.abs(found.north_m - place[:, 1]).max() < 1e-3
    assert np.abs(found.up_m - place[:, 2]).max() < 3e-3  # the suspension bounces at some Hz
    assert np.abs(found.speed_m_s - drive.speed_m_s(t_us)).max() < 0.05


def test_heading_turns_the_short_way_and_a_lost_fix_stays_lost() -> None:
    track = line([0, 10, 20, 30], [10, 10, 10, 10])
    track.heading_deg[:] = [350, 10, 20, 20]
    track.latitude[2] = np.nan
    found = track_at(track, [500_000, 1_000_000, 1_500_000])
    np.testing.assert_allclose(found.heading_deg, [0, 10, 15], atol=1e-9)
    assert np.isnan(found.latitude).tolist() == [False, False, True]


def test_the_same_place_is_found_although_the_speeds_differ() -> None:
    slow, fast = line([0, 5, 10, 15, 20], [5] * 5), line([0, 10, 20], [10] * 3)
    found = correspondences(slow, fast, 1.0)
    assert found.nearest.tolist() == [0, 2, 4]
    assert found.gap_m.tolist() == [0, 0, 0]
    np.testing.assert_array_equal(
        found.within, [[1, 0, 0], [0, 0, 0], [0, 1, 0], [0, 0, 0], [0, 0, 1]]
    )


@pytest.mark.parametrize(("inclusive", "expected"), [(False, False), (True, True)])
def test_a_distance_of_exactly_the_tolerance(inclusive: bool, expected: bool) -> None:
    track = line([0, 8], [8, 8])
    found = correspondences(
        track, track, 2.0, reference_us=[0], query_us=[250_000], inclusive=inclusive
    )
    assert found.within.tolist() == [[expected]]


def test_one_microsecond_decides() -> None:
    """At 10 m/s a microsecond is 10 µm."""
    track = line([0, 10], [10, 10])
    found = correspondences(track, track, 5.0, reference_us=[0], query_us=[499_999, 500_001])
    assert found.within.tolist() == [[True, False]]


def test_a_query_outside_the_reference_has_a_nearest_but_no_match() -> None:
    found = correspondences(line([0, 10], [10, 10]), line([50, 60], [10, 10]), 5.0)
    assert not found.within.any()
    assert found.nearest.tolist() == [1, 1]
    assert found.gap_m.tolist() == [40, 50]


def test_the_matrix_is_what_retrieval_takes() -> None:
    found = correspondences(line([0, 10, 20], [10] * 3), line([0, 10], [10] * 2), 3.0)
    assert TruthMatrix(found.within, layout="reference_by_query").shape == (2, 3)


@settings(deadline=None, max_examples=50)
@given(
    st.lists(st.floats(0, 30), min_size=2, max_size=12),
    st.lists(st.floats(0, 30), min_size=2, max_size=12),
    st.floats(0.1, 50),
)
def test_swapping_the_traverses_transposes_the_matrix(
    here: list[float], there: list[float], tolerance_m: float
) -> None:
    a, b = (line(list(np.cumsum(steps)), [0.0] * len(steps)) for steps in (here, there))
    forth, back = correspondences(a, b, tolerance_m), correspondences(b, a, tolerance_m)
    np.testing.assert_array_equal(forth.within, back.within.T)
    gaps = np.abs(a.distance_m[:, None] - b.distance_m[None])
    np.testing.assert_array_equal(forth.within, gaps < tolerance_m)
    np.testing.assert_array_equal(forth.gap_m, gaps.min(axis=0))


@pytest.mark.parametrize("moment", [-200_000, 11_600_000])
def test_a_moment_outside_the_track_is_named(moment: int) -> None:
    track = line([0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10], [1] * 11)
    narrow = line([0, 1, 2], [10] * 3, every_us=100_000)
    with pytest.raises(DataError, match=rf"{moment:,} µs lies outside the track"):
        distance_at(track if moment > 0 else narrow, [moment])


def test_a_track_of_one_sample_is_refused() -> None:
    with pytest.raises(DataError, match="1 samples says nothing in between"):
        distance_at(line([0], [1]), [0])


@pytest.mark.parametrize("tolerance_m", [0.0, -1.0, float("nan"), float("inf")])
def test_a_tolerance_that_decides_nothing_is_refused(tolerance_m: float) -> None:
    track = line([0, 1], [1, 1])
    with pytest.raises(ConfigError, match="tolerance_m is"):
        correspondences(track, track, tolerance_m)


def test_without_references_there_is_no_truth() -> None:
    track = line([0, 1], [1, 1])
    with pytest.raises(DataError, match="There is no reference"):
        correspondences(track, track, 1.0, reference_us=[])


def test_a_table_of_positions_survives_being_written() -> None:
    drive = Drive(ROUTE, seed=1, duration_s=5)
    track = receive(drive, rate_hz=10)
    text = positions_csv(track)
    assert positions_csv(parse_positions(text)) == text
    np.testing.assert_allclose(parse_positions(text).distance_m, track.distance_m, atol=6e-5)


@pytest.mark.parametrize(
    ("text", "reason"), [("t_us,east_m\n1,2\n", "north_m"), ("a\nb\n", "east_m")]
)
def test_a_table_of_something_else_is_refused(text: str, reason: str) -> None:
    with pytest.raises(FormatError, match=rf"is no table of positions: .*{reason}"):
        parse_positions(text)
