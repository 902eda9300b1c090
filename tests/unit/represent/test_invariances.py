"""What must not change a representation: the clock, the order inside a microsecond, the batch."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.testing import assert_allclose, assert_array_equal

from event_strategies import recordings
from saccade.events import Events
from saccade.events.slicing import split, windows_by_count, windows_by_time
from saccade.represent import (
    collapse_voxel_grid,
    count_frame,
    count_frames,
    event_frame,
    event_frames,
    event_mask,
    event_masks,
    polarity_mask,
    polarity_masks,
    time_surface,
    time_surfaces,
    voxel_grid,
    voxel_grids,
)

EVENTS = recordings(max_side=20, max_step_us=3)
ONE = [count_frame, event_frame, event_mask, polarity_mask, lambda part: voxel_grid(part, 4)]
MANY = [
    count_frames,
    event_frames,
    event_masks,
    polarity_masks,
    lambda events, windows: voxel_grids(events, windows, 4),
]
NAMES = ["count", "event_frame", "event_mask", "polarity_mask", "voxel"]


def moved(events: Events, shift_us: int) -> Events:
    return Events(events.x, events.y, events.t + shift_us, events.p, events.size)


@pytest.mark.parametrize("one", ONE, ids=NAMES)
@given(events=EVENTS, shift_us=st.integers(-(10**9), 10**15))
def test_the_start_of_the_clock_does_not_matter(
    one: Callable[[Events], Any], events: Events, shift_us: int
) -> None:
    assert_array_equal(one(moved(events, shift_us)), one(events))


@given(EVENTS, st.integers(-(10**9), 10**15), st.sampled_from([2.0, 1e3, 1e8]))
def test_surfaces_move_with_the_clock(events: Events, shift_us: int, tau_us: float) -> None:
    at = (int(events.t[-1]) if len(events) else 0) + 5
    assert_array_equal(
        time_surface(moved(events, shift_us), at + shift_us, tau_us),
        time_surface(events, at, tau_us),
    )


@given(EVENTS, st.integers(0, 2**32 - 1))
def test_order_inside_a_microsecond_does_not_matter(events: Events, seed: int) -> None:
    shuffled = np.lexsort((np.random.default_rng(seed).random(len(events)), events.t))
    other = Events(*(getattr(events, name)[shuffled] for name in "xytp"), events.size)
    assert_array_equal(count_frame(other), count_frame(events))
    assert_array_equal(polarity_mask(other), polarity_mask(events))
    assert_allclose(voxel_grid(other, 5), voxel_grid(events, 5), atol=1e-4)
    at = int(events.t[-1]) if len(events) else 0
    assert_array_equal(time_surface(other, at, 50.0), time_surface(events, at, 50.0))


@pytest.mark.parametrize(("one", "many"), list(zip(ONE, MANY, strict=True)), ids=NAMES)
@given(events=EVENTS, length=st.integers(1, 60), by_time=st.booleans())
def test_a_batch_is_its_windows_one_by_one(
    one: Callable[[Events], Any],
    many: Callable[[Events, Any], Any],
    events: Events,
    length: int,
    by_time: bool,
) -> None:
    cut = windows_by_time if by_time else windows_by_count
    windows = cut(events, length, keep_partial=True)
    batch = many(events, windows)
    assert len(batch) == len(windows)
    for frame, part in zip(batch, split(events, windows), strict=True):
        assert_array_equal(frame, one(part))


@given(EVENTS, st.lists(st.integers(-50, 700), max_size=6))
def test_a_batch_of_surfaces_is_its_moments_one_by_one(events: Events, at: list[int]) -> None:
    start = int(events.t[0]) if len(events) else 0
    moments = [start + offset for offset in at]
    batch = time_surfaces(events, np.array(moments, np.int64), 30.0)
    for surface, moment in zip(batch, moments, strict=True):
        assert_array_equal(surface, time_surface(events, moment, 30.0))


@given(EVENTS)
def test_a_mirrored_recording_gives_mirrored_frames(events: Events) -> None:
    x = events.size.width - 1 - events.x.astype(int)
    mirrored = Events(x, events.y, events.t, events.p, events.size)
    assert_array_equal(count_frame(mirrored), count_frame(events)[..., ::-1])
    assert_array_equal(voxel_grid(mirrored, 3), voxel_grid(events, 3)[..., ::-1])


@given(EVENTS, st.integers(1, 6))
def test_exchanged_polarities_change_the_sign_of_a_grid(events: Events, bins: int) -> None:
    exchanged = Events(events.x, events.y, events.t, 1 - events.p, events.size)
    grid, other = voxel_grid(events, bins), voxel_grid(exchanged, bins)
    assert_array_equal(other, -grid)
    assert_array_equal(collapse_voxel_grid(other), collapse_voxel_grid(grid)[::-1])
    assert_array_equal(count_frame(exchanged), count_frame(events)[::-1])
