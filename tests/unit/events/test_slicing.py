"""Windows against a search by hand, and their corner cases."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from event_strategies import recordings
from saccade.errors import ConfigError, ShapeError
from saccade.events import Events, SensorSize
from saccade.events.slicing import (
    check_windows,
    split,
    windows_at,
    windows_by_count,
    windows_by_time,
)


def at(times: list[int]) -> Events:
    zero = [0] * len(times)
    return Events(zero, zero, times, zero, SensorSize(1, 1))


@given(recordings(), st.integers(1, 9_000), st.integers(1, 9_000), st.booleans())
def test_each_time_window_holds_exactly_the_events_of_its_interval(
    events: Events, window_us: int, step_us: int, keep_partial: bool
) -> None:
    windows = windows_by_time(events, window_us, step_us=step_us, keep_partial=keep_partial)
    for k, (start, stop) in enumerate(windows):
        lo = int(events.t[0]) + k * step_us
        inside = np.flatnonzero((events.t >= lo) & (events.t < lo + window_us))
        assert inside.tolist() == list(range(start, stop))


@given(recordings(), st.integers(1, 9_000))
def test_windows_side_by_side_miss_no_event_when_partial_ones_are_kept(
    events: Events, window_us: int
) -> None:
    windows = windows_by_time(events, window_us, keep_partial=True)
    assert sum(len(piece) for piece in split(events, windows)) == len(events)


def test_an_event_on_the_border_belongs_to_the_later_window() -> None:
    assert windows_by_time(at([0, 10, 19]), 10).tolist() == [[0, 1], [1, 3]]


def test_the_window_that_the_recording_cuts_short_is_dropped_unless_asked_for() -> None:
    events = at([0, 10, 18])
    assert windows_by_time(events, 10).tolist() == [[0, 1]]
    assert windows_by_time(events, 10, keep_partial=True).tolist() == [[0, 1], [1, 3]]


def test_windows_without_events_stay_in_their_place() -> None:
    assert windows_by_time(at([0, 39]), 10).tolist() == [[0, 1], [1, 1], [1, 1], [1, 2]]


def test_start_can_lie_before_the_first_event() -> None:
    assert windows_by_time(at([25, 39]), 20, start_us=0).tolist() == [[0, 0], [0, 2]]


def test_no_events_give_no_windows() -> None:
    assert windows_by_time(at([]), 10).shape == (0, 2)
    assert windows_by_count(at([]), 10).shape == (0, 2)


def test_sliding_windows_by_count_overlap() -> None:
    windows = windows_by_count(at([0] * 5), 3, step=1)
    assert windows.tolist() == [[0, 3], [1, 4], [2, 5]]
    partial = windows_by_count(at([0] * 5), 3, step=3, keep_partial=True)
    assert partial.tolist() == [[0, 3], [3, 5]]


@given(recordings(), st.lists(st.integers(0, 10**9), max_size=20), st.integers(0, 9_000))
def test_label_windows_hold_the_time_before_each_label(
    events: Events, times: list[int], before_us: int
) -> None:
    windows = windows_at(events, times, before_us=before_us, after_us=1)
    for time_us, (start, stop) in zip(times, windows, strict=True):
        inside = (events.t >= time_us - before_us) & (events.t < time_us + 1)
        assert np.flatnonzero(inside).tolist() == list(range(start, stop))


def test_pieces_share_memory_with_the_recording() -> None:
    events = at([0, 10, 19])
    assert all(np.shares_memory(piece.t, events.t) for piece in split(events, np.array([[0, 2]])))


@pytest.mark.parametrize(
    "call",
    [
        lambda: windows_by_time(at([1]), 0),
        lambda: windows_by_time(at([1]), 5, step_us=0),
        lambda: windows_by_count(at([1]), 0),
        lambda: windows_at(at([1]), [1], before_us=0),
    ],
)
def test_impossible_lengths_are_refused(call) -> None:
    with pytest.raises(ConfigError, match="Expected"):
        call()


@pytest.mark.parametrize("windows", [[[0, 4]], [[-1, 2]], [[2, 1]], [[0.0, 1.0]], [0, 1]])
def test_ranges_that_do_not_fit_are_refused(windows: list) -> None:
    with pytest.raises(ShapeError, match="Expected"):
        check_windows(np.array(windows), 3)


def test_label_times_must_be_whole_microseconds() -> None:
    with pytest.raises(ShapeError, match="microseconds"):
        windows_at(at([1]), [0.5], before_us=10)
