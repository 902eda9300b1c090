"""Events keep what fits, convert what can be converted, and refuse the rest."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from event_strategies import assert_same, recordings
from saccade.errors import ConfigError, EventError, ShapeError
from saccade.events import Events, SensorSize

SIZE = SensorSize(height=4, width=6)


def test_arrays_of_the_stored_type_are_not_copied() -> None:
    t = np.array([1, 2], np.int64)
    x = np.array([0, 5], np.uint16)
    on = np.array([True, False])
    signed = np.array([0, 3], np.int16)
    events = Events(x, signed, t, on, SIZE)
    for given_array, kept in ((x, events.x), (signed, events.y), (t, events.t), (on, events.p)):
        assert np.shares_memory(given_array, kept)


def test_arrays_cannot_be_written() -> None:
    events = Events([0], [0], [0], [0], SIZE)
    with pytest.raises(ValueError, match="read-only"):
        events.x[0] = 1  # pyright: ignore
    with pytest.raises(AttributeError):
        events.x = events.y  # pyright: ignore


@pytest.mark.parametrize(
    ("x", "y", "t", "p", "text"),
    [
        ([6], [0], [0], [0], r"x = 6 at event 0 but width is 6 \(valid 0..5\).*--origin 1"),
        ([0, 9], [0, 0], [0, 0], [0, 0], "x = 9 at event 1 but width is 6.*--size"),
        ([0], [4], [0], [0], "y = 4 at event 0 but height is 4"),
        ([-1], [0], [0], [0], "x = -1 at event 0"),
        ([0], [0], [0], [2], r"p = 2 at event 0. Expected 0 \(OFF\) or 1 \(ON\)"),
        ([0], [0], [0], [-1], "p = -1 at event 0.*from_columns"),
        ([0, 0], [0, 0], [5, 4], [0, 0], "t goes back by 1 µs at event 1"),
        ([0.5], [0], [0], [0], "x holds float64 values"),
        ([0], [0], [np.nan], [0], "t holds float64 values"),
    ],
)
def test_impossible_events_are_refused_by_name(x, y, t, p, text: str) -> None:
    with pytest.raises(EventError, match=text):
        Events(x, y, t, p, SIZE)


def test_columns_of_different_length_are_refused() -> None:
    with pytest.raises(ShapeError, match=r"x, y, t, p have 1, 1, 2, 1 entries"):
        Events([0], [0], [0, 1], [0], SIZE)
    with pytest.raises(ShapeError, match=r"x has shape \(1, 1\)"):
        Events([[0]], [0], [0], [0], SIZE)


def test_time_that_goes_back_beyond_the_first_block_is_found() -> None:
    t = np.arange(700_000)
    t[600_000] = 0
    zero = np.zeros(700_000, np.uint16)
    with pytest.raises(EventError, match="at event 600,000"):
        Events(zero, zero, t, zero, SIZE)


@given(recordings(), st.integers(-5_000, 10**9), st.integers(0, 10**8))
def test_time_slices_are_half_open_views(events: Events, start_us: int, span_us: int) -> None:
    piece = events.slice_time(start_us, start_us + span_us)
    inside = (events.t >= start_us) & (events.t < start_us + span_us)
    assert_same(piece, events[inside])
    if len(piece):
        assert np.shares_memory(piece.t, events.t)


@given(recordings(), st.integers(0, 200))
def test_cutting_and_joining_gives_the_recording_back(events: Events, cut: int) -> None:
    assert_same(Events.concatenate([events[:cut], events[cut:]]), events)


def test_pieces_in_the_wrong_order_are_not_joined() -> None:
    early, late = Events([0], [0], [1], [0], SIZE), Events([0], [0], [2], [0], SIZE)
    with pytest.raises(EventError, match="goes back"):
        Events.concatenate([late, early])
    with pytest.raises(ShapeError, match="sensor sizes"):
        Events.concatenate([early, Events.empty(SensorSize(1, 1))])
    with pytest.raises(ShapeError, match="at least one"):
        Events.concatenate([])


def test_indices_that_would_break_the_order_are_refused() -> None:
    events = Events([0, 1], [0, 0], [1, 2], [0, 0], SIZE)
    with pytest.raises(EventError, match="goes back"):
        events[np.array([1, 0])]
    with pytest.raises(EventError, match="goes back"):
        events[::-1]
    with pytest.raises(ShapeError, match="indexed with shape"):
        events[0]  # pyright: ignore
    with pytest.raises(TypeError, match="columns"):
        iter(events)


def test_short_text_tells_number_time_and_size() -> None:
    assert repr(Events([0, 1], [0, 0], [0, 15], [0, 0], SIZE)) == "Events(n=2, 15 µs, 6x4)"
    assert "2.5 ms" in repr(Events([0, 1], [0, 0], [0, 2_500], [0, 0], SIZE))
    assert "2.500 s" in repr(Events([0, 1], [0, 0], [0, 2_500_000], [0, 0], SIZE))


def test_sizes_are_read_as_data_sheets_write_them() -> None:
    assert SensorSize.parse("640x480") == SensorSize(height=480, width=640)
    assert str(SensorSize(480, 640)) == "640x480"
    for text in ("640", "x480", "0x5", "640x480x2"):
        with pytest.raises(ConfigError):
            SensorSize.parse(text)


def test_empty_recordings_have_no_duration_and_no_share() -> None:
    empty = Events.empty(SIZE)
    assert (len(empty), empty.duration_us, empty.on_fraction) == (0, 0, 0.0)
