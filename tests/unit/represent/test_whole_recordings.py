"""Framing of whole recordings, types of counts, errors, and what an import may load."""

import subprocess
import sys

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from event_strategies import recordings
from saccade.errors import ConfigError, DataError, ShapeError
from saccade.events import Events, SensorSize
from saccade.represent import (
    collapse_voxel_grid,
    count_frame,
    count_frames,
    count_frames_by_count,
    count_frames_by_time,
    event_frame,
    polarity_mask,
    time_surface,
    time_surfaces,
    voxel_grid,
    voxel_grids,
)

SIZE = SensorSize(height=3, width=5)


def at_times(*times: int) -> Events:
    zero = np.zeros(len(times), np.int64)
    return Events(zero, zero, np.array(times, np.int64), zero, SIZE)


@pytest.mark.parametrize(
    ("times", "native", "compat"),
    [
        ((), [], [0]),
        ((100,), [], [1]),
        ((100, 101, 103), [], [3]),  # shorter than a window
        ((100, 109), [2], [2]),  # ends on the window's last microsecond
        ((100, 110), [1], [1]),  # half-open: 110 belongs to the next window
        ((100, 105, 110, 119), [2, 2], [2]),
        ((100, 105, 110, 120), [2, 1], [2, 1]),
        ((100, 125, 135), [1, 0, 1], [1, 0, 1]),  # an empty window is a frame of zeros
    ],
)
def test_windows_of_ten_microseconds(
    times: tuple[int, ...], native: list[int], compat: list[int]
) -> None:
    events = at_times(*times)
    frames = count_frames_by_time(events, 10)
    published = count_frames_by_time(events, 10, compat="spikevpr")
    assert frames.shape[1:] == published.shape[1:] == (2, 3, 5)
    assert frames.sum((1, 2, 3)).tolist() == native
    assert published.sum((1, 2, 3)).tolist() == compat


@given(recordings(max_side=20), st.integers(1, 50_000))
def test_published_number_of_windows(events: Events, window_us: int) -> None:
    frames = count_frames_by_time(events, window_us * 100, compat="spikevpr")
    whole = (events.duration_us - window_us * 100) // (window_us * 100) + 1
    assert len(frames) == max(1, whole)


@pytest.mark.parametrize(
    ("count", "native", "compat"), [(1, [1, 1, 1], [1, 1, 1]), (2, [2], [2]), (4, [], [3])]
)
def test_windows_of_equal_numbers(count: int, native: list[int], compat: list[int]) -> None:
    events = at_times(1, 2, 3)
    assert count_frames_by_count(events, count).sum((1, 2, 3)).tolist() == native
    published = count_frames_by_count(events, count, compat="spikevpr")
    assert published.sum((1, 2, 3)).tolist() == compat


def test_no_events_give_one_upright_frame_of_zeros_in_compat() -> None:
    empty = Events.empty(SensorSize(height=260, width=346))
    for frames in (
        count_frames_by_count(empty, 15_000, compat="spikevpr"),
        count_frames_by_time(empty, 33_000, compat="spikevpr"),
    ):
        assert frames.shape == (1, 2, 260, 346)
        assert not frames.any()


@pytest.mark.parametrize("events", [Events.empty(SIZE), at_times(70)], ids=["none", "one"])
def test_none_or_one_event_gives_finite_numbers(events: Events) -> None:
    arrays = [
        count_frame(events),
        event_frame(events),
        polarity_mask(events),
        time_surface(events, 70, 10.0),
        voxel_grid(events, 1),
        voxel_grid(events, 4),
        voxel_grid(events, 4, weighting="bins"),
    ]
    for array in arrays:
        assert np.isfinite(array).all()
        assert np.abs(array).sum() == len(events)


@pytest.mark.parametrize(("dtype", "most"), [("uint8", 255), ("int16", 32_767)])
def test_a_count_beyond_the_type_is_an_error_and_never_wraps(dtype: str, most: int) -> None:
    events = at_times(*range(most + 1))
    fits = count_frames(events, np.array([[0, most]]), dtype=dtype)
    assert fits.max() == most
    with pytest.raises(DataError, match=f"{most + 1:,} events of polarity 0 at x = 0, y = 0"):
        count_frame(events, dtype=dtype)


def test_channels_are_off_then_on() -> None:
    events = Events([4, 4, 1], [2, 2, 0], [1, 2, 3], [1, 1, 0], SIZE)
    frame = count_frame(events)
    assert (frame[1, 2, 4], frame[0, 0, 1], frame.sum()) == (2, 1, 3)
    grid = voxel_grid(events, 5)
    assert (collapse_voxel_grid(grid)[0] > 0).sum() == 1
    assert np.array_equal(
        collapse_voxel_grid(grid, channel_order="on_off"), collapse_voxel_grid(grid)[::-1]
    )


def test_the_last_event_counts_nothing_with_weighting_bins() -> None:
    events = at_times(0, 60, 100)
    assert voxel_grid(events, 5).sum() == pytest.approx(-3)
    assert voxel_grid(events, 5, weighting="bins").sum() == pytest.approx(-2)


def test_surfaces_come_in_the_order_asked_for() -> None:
    events = at_times(10, 20)
    surfaces = time_surfaces(events, [25, 5, 10], 5.0)[:, 0, 0, 0]
    assert surfaces == pytest.approx([np.exp(-1), 0, 1])


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda e: count_frames(e, np.array([[0, 4]])), ShapeError, r"\[0, 4\)"),
        (lambda e: count_frames(e, np.array([0, 1])), ShapeError, r"shape \(2,\)"),
        (lambda e: voxel_grids(e, np.array([[2, 1]]), 3), ShapeError, r"\[2, 1\)"),
        (lambda e: count_frame(e, dtype=np.complex64), ConfigError, "complex64"),
        (lambda e: voxel_grid(e, 0), ConfigError, "bins is 0"),
        (lambda e: voxel_grid(e, 3, weighting="tent"), ConfigError, "tent"),
        (lambda e: collapse_voxel_grid(np.zeros((2, 2))), ShapeError, r"\(2, 2\)"),
        (lambda e: time_surface(e, 5, 0.0), ConfigError, "tau_us is 0"),
        (lambda e: time_surface(e, 5, float("nan")), ConfigError, "tau_us is nan"),
        (lambda e: time_surfaces(e, [0.5], 1.0), ShapeError, "float64"),
        (lambda e: event_frame(e, mode="first"), ConfigError, "first"),
        (lambda e: count_frames_by_time(e, 0), ConfigError, "window_us is 0"),
        (lambda e: count_frames_by_count(e, 0), ConfigError, "count is 0"),
        (lambda e: count_frames_by_time(e, 5, compat="tonic"), ConfigError, "tonic"),
    ],
)
def test_wrong_arguments_are_named(call: object, error: type[Exception], message: str) -> None:
    with pytest.raises(error, match=message):
        call(at_times(1, 2, 3))  # type: ignore[operator]


def test_numpy_forms_load_no_torch() -> None:
    code = (
        "import sys\n"
        "from saccade.represent import count_frame, time_surface, voxel_grid, event_frame\n"
        "sys.exit('torch' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
