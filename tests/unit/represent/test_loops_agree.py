"""The compiled loops give what the plain NumPy forms give, on random recordings and windows."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.testing import assert_allclose, assert_array_equal

from event_strategies import recordings
from saccade.events import Events, SensorSize
from saccade.represent import (
    count_frames,
    event_frames,
    event_masks,
    polarity_masks,
    reference,
    time_surfaces,
    voxel_grids,
)

SMALL = recordings(max_side=40)


@st.composite
def cut_recordings(draw: st.DrawFn) -> tuple[Events, np.ndarray]:
    """Draw a recording with windows that overlap, leave gaps, repeat and are empty."""
    events = draw(SMALL)
    edge = st.integers(0, len(events))
    pairs = draw(st.lists(st.tuples(edge, edge), max_size=5))
    return events, np.sort(np.array(pairs, np.int64).reshape(-1, 2), axis=1)


def dense(count: int, size: SensorSize, step_us: int = 3) -> Events:
    """Many events on few pixels, so that counters carry and every kernel path is taken."""
    rng = np.random.default_rng(count)
    return Events(
        rng.integers(0, size.width, count),
        rng.integers(0, size.height, count),
        np.cumsum(rng.integers(0, step_us, count)),
        rng.integers(0, 2, count),
        size,
    )


@given(cut_recordings(), st.sampled_from(["float32", "int32", "int16"]))
def test_counts(cut: tuple[Events, np.ndarray], dtype: str) -> None:
    frames = count_frames(*cut, dtype=dtype)
    assert frames.dtype == dtype
    assert_array_equal(frames, reference.count_frames(*cut))


@given(cut_recordings())
def test_every_event_of_a_window_is_counted_once(cut: tuple[Events, np.ndarray]) -> None:
    events, windows = cut
    lengths = windows[:, 1] - windows[:, 0]
    assert_array_equal(count_frames(events, windows).sum((1, 2, 3)), lengths)


@given(cut_recordings())
def test_last_polarities(cut: tuple[Events, np.ndarray]) -> None:
    assert_array_equal(event_frames(*cut, mode="last"), reference.event_frames(*cut))


@given(cut_recordings())
def test_masks(cut: tuple[Events, np.ndarray]) -> None:
    masks = reference.polarity_masks(*cut)
    assert_array_equal(polarity_masks(*cut), masks)
    assert_array_equal(event_masks(*cut), masks.any(axis=1, keepdims=True))
    assert_array_equal(event_frames(*cut, mode="binary"), masks.any(axis=1, keepdims=True))


@given(cut_recordings(), st.integers(1, 12), st.sampled_from(["bins-1", "bins"]))
def test_voxel_grids(cut: tuple[Events, np.ndarray], bins: int, weighting: str) -> None:
    grids = voxel_grids(*cut, bins, weighting=weighting)
    assert np.isfinite(grids).all()
    assert_allclose(
        grids, reference.voxel_grids(*cut, bins, weighting=weighting), rtol=0, atol=2e-5
    )


@given(cut_recordings(), st.integers(1, 12))
def test_no_weight_is_lost_between_the_bins(cut: tuple[Events, np.ndarray], bins: int) -> None:
    events, windows = cut
    signs = 2.0 * events.p - 1.0
    expected = [signs[start:stop].sum() for start, stop in windows]
    assert_allclose(voxel_grids(events, windows, bins).sum((1, 2, 3)), expected, atol=1e-3)


@given(
    SMALL,
    st.lists(st.integers(-10_000, 2 * 10**9), max_size=5),
    st.sampled_from([0.5, 300.0, 1e5, 1e9]),
)
def test_time_surfaces(events: Events, offsets: list[int], tau_us: float) -> None:
    start = int(events.t[0]) if len(events) else 0
    at = np.array(offsets, np.int64) + start
    surfaces = time_surfaces(events, at, tau_us)
    assert np.isfinite(surfaces).all()
    assert_allclose(surfaces, reference.time_surfaces(events, at, tau_us), rtol=2e-5, atol=1e-30)


@pytest.mark.parametrize("count", [255, 256, 1024, 70_000])
def test_dense_windows_carry_and_do_not_wrap(count: int) -> None:
    events = dense(count, SensorSize(2, 3))
    windows = np.array([[0, count], [0, count // 2], [count // 2, count]])
    assert_array_equal(count_frames(events, windows), reference.count_frames(events, windows))
    grids = voxel_grids(events, windows, 4)
    expected = reference.voxel_grids(events, windows, 4)
    assert_allclose(grids, expected, rtol=1e-5, atol=2e-3)


def test_one_pixel_may_have_more_events_than_two_bytes_count() -> None:
    zero = np.zeros(70_000, np.int64)
    events = Events(zero, zero, np.arange(70_000), zero, SensorSize(1, 1))
    assert count_frames(events, np.array([[0, 70_000]]))[0, 0, 0, 0] == 70_000


def test_hours_between_events_do_not_overflow() -> None:
    hour = 3_600_000_000
    events = Events([0, 1, 0], [0, 0, 0], [0, 3 * hour, 9 * hour], [1, 1, 0], SensorSize(1, 2))
    windows, at = np.array([[0, 3]]), np.array([9 * hour, 0, 5 * hour])
    assert_allclose(
        voxel_grids(events, windows, 4), reference.voxel_grids(events, windows, 4), atol=1e-6
    )
    for tau_us in (1e3, float(hour)):
        expected = reference.time_surfaces(events, at, tau_us)
        assert_allclose(time_surfaces(events, at, tau_us), expected, rtol=2e-5, atol=1e-30)


@pytest.mark.parametrize("columns", ["strided", "reversed copies"])
def test_memory_layout_does_not_matter(columns: str) -> None:
    events = dense(500, SensorSize(5, 7))
    table = np.stack([events.x, events.y, events.t, events.p], axis=1).astype(np.int64)
    views = [table[:, k] for k in range(4)]
    if columns == "reversed copies":
        views = [np.ascontiguousarray(view[::-1])[::-1] for view in views]
    other = Events(views[0], views[1], views[2], views[3], events.size)
    windows = np.array([[0, 500], [100, 300]])
    assert_array_equal(count_frames(other, windows), count_frames(events, windows))
    assert_array_equal(voxel_grids(other, windows, 3), voxel_grids(events, windows, 3))
    assert_array_equal(
        time_surfaces(other, [200, 400], 90.0), time_surfaces(events, [200, 400], 90.0)
    )
