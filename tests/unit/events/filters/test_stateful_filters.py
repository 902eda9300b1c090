"""Refractory, duplicate and background filters: against their definitions, whole and in packets."""

import itertools
from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from event_strategies import assert_same, recordings
from saccade.errors import ConfigError, EventError, StateError
from saccade.events import Events, SensorSize
from saccade.events.filters import (
    Denoise,
    Duplicates,
    Refractory,
    deduplicate,
    denoise,
    refractory,
)
from saccade.events.filters.background import supported

FILTERS: list[Callable[[], Refractory | Duplicates | Denoise]] = [
    lambda: Refractory(700),
    lambda: Duplicates(300),
    lambda: Denoise(2_000),
]
NAMES = ["refractory", "duplicates", "denoise"]
CROWDED = recordings(max_side=6, max_step_us=400)


def refractory_by_hand(events: Events, period_us: int) -> list[int]:
    kept: list[int] = []
    for i in range(len(events)):
        same = [j for j in kept if events.x[j] == events.x[i] and events.y[j] == events.y[i]]
        if not same or events.t[i] - events.t[same[-1]] >= period_us:
            kept.append(i)
    return kept


def distinct_by_hand(events: Events, within_us: int) -> list[int]:
    """Sort by x, y, p, t; drop what follows its predecessor of equal x, y, p too soon."""
    order = np.lexsort((np.arange(len(events)), events.t, events.p, events.y, events.x))
    kept: list[int] = []
    for place, i in enumerate(order):
        before = order[place - 1] if place else None
        equal = before is not None and all(
            getattr(events, name)[before] == getattr(events, name)[i] for name in "xyp"
        )
        if not equal or events.t[i] - events.t[before] >= within_us:
            kept.append(int(i))
    return sorted(kept)


def supported_by_hand(events: Events, window_us: int, *, published: bool = False) -> list[int]:
    width, height = events.size.width, events.size.height
    if published and len(events):
        width, height = int(events.x.max()) + 1, int(events.y.max()) + 1
    memory = np.full((height, width), window_us if published else -(10**15), np.int64)
    kept: list[int] = []
    for i in range(len(events)):
        x, y, t = int(events.x[i]), int(events.y[i]), int(events.t[i])
        memory[y, x] = t + window_us
        around = [(x - 1, y), (x + 1, y), (x, y - 1), (x, y + 1)]
        if any(0 <= a < width and 0 <= b < height and memory[b, a] > t for a, b in around):
            kept.append(i)
    return kept


@given(CROWDED, st.sampled_from([0, 1, 50, 3_000]))
def test_refractory_period_counts_from_the_last_kept_event(events: Events, gap_us: int) -> None:
    assert_same(
        refractory(events, gap_us), events[np.array(refractory_by_hand(events, gap_us), int)]
    )


@given(CROWDED, st.sampled_from([0, 1, 50, 3_000]))
def test_duplicates_count_from_the_previous_equal_event(events: Events, within_us: int) -> None:
    expected = np.array(distinct_by_hand(events, within_us), int)
    assert_same(deduplicate(events, within_us), events[expected])


@given(CROWDED, st.sampled_from([1, 50, 3_000]))
def test_denoise_keeps_what_a_neighbour_supports(events: Events, window_us: int) -> None:
    expected = np.array(supported_by_hand(events, window_us), int)
    assert_same(denoise(events, window_us), events[expected])


@given(recordings(max_side=6, max_step_us=400, first_us=(0, 5_000)), st.sampled_from([1, 9_000]))
def test_published_denoise_starts_with_every_pixel_fired_at_zero(
    events: Events, window_us: int
) -> None:
    expected = np.array(supported_by_hand(events, window_us, published=True), int)
    assert_same(denoise(events, window_us, compat="spikevpr"), events[expected])


def test_published_denoise_keeps_early_events_that_native_denoise_drops() -> None:
    events = Events([0, 3], [0, 0], [10, 20], [1, 1], SensorSize(1, 4))
    assert len(denoise(events, 1_000)) == 0
    assert len(denoise(events, 1_000, compat="spikevpr")) == 2
    late = Events(events.x, events.y, events.t + 10**9, events.p, events.size)
    assert len(denoise(late, 1_000, compat="spikevpr")) == 0


def test_no_events_stay_no_events_in_both_modes() -> None:
    empty = Events.empty(SensorSize(3, 4))
    assert_same(denoise(empty, 100), empty)
    assert_same(denoise(empty, 100, compat="spikevpr"), empty)
    assert_same(refractory(empty, 100), empty)
    assert_same(deduplicate(empty), empty)


def test_neighbours_are_four_and_do_not_wrap_around_the_border() -> None:
    size = SensorSize(3, 3)
    for x, y in [(0, 0), (2, 0), (0, 2), (2, 2), (1, 1)]:
        assert len(denoise(Events([1, x], [1, y], [0, 1], [1, 1], size), 100)) == 0
    for x, y in [(0, 1), (2, 1), (1, 0), (1, 2)]:
        assert denoise(Events([1, x], [1, y], [0, 1], [1, 1], size), 100).t.tolist() == [1]
    row_ends = Events([2, 0], [0, 1], [0, 1], [1, 1], size)
    assert len(denoise(row_ends, 100)) == 0


def test_float_seconds_round_as_the_published_pipeline_does() -> None:
    x, y = np.array([0, 1], np.uint16), np.zeros(2, np.uint16)
    seconds = np.array([1_587_452_584.0, 1_587_452_584.1])
    exact = bool(seconds[0] + 0.1 > seconds[1])
    assert supported(x, y, seconds, 0.1).tolist() == [False, exact]


@pytest.mark.parametrize("make", FILTERS, ids=NAMES)
@given(events=CROWDED, cuts=st.lists(st.integers(0, 200), max_size=6))
def test_packets_of_any_length_give_the_same_events(
    make: Callable[[], Refractory], events: Events, cuts: list[int]
) -> None:
    edges = [0, *sorted(min(cut, len(events)) for cut in cuts), len(events)]
    stream = make()
    parts = [stream.push(events[a:b]) for a, b in itertools.pairwise(edges)]
    assert_same(Events.concatenate(parts), make().push(events))


@pytest.mark.parametrize("make", FILTERS, ids=NAMES)
def test_another_sensor_needs_a_reset(make: Callable[[], Refractory]) -> None:
    stream = make()
    stream.push(Events([0], [0], [50], [1], SensorSize(2, 2)))
    with pytest.raises(StateError, match=r"2x2 sensor; the packet is 3x3.*reset"):
        stream.push(Events([0], [0], [60], [1], SensorSize(3, 3)))
    with pytest.raises(EventError, match=r"starts at 40 µs.*50 µs"):
        stream.push(Events([0], [0], [40], [1], SensorSize(2, 2)))
    stream.reset()
    stream.push(Events([0], [0], [10], [1], SensorSize(3, 3)))


@given(CROWDED, st.integers(-(10**6), 10**12))
def test_native_filters_do_not_depend_on_where_the_clock_starts(
    events: Events, shift_us: int
) -> None:
    moved = Events(events.x, events.y, events.t + shift_us, events.p, events.size)
    for make in FILTERS:
        assert len(make().push(moved)) == len(make().push(events))


@pytest.mark.parametrize(
    "call",
    [
        lambda: Refractory(-1),
        lambda: Duplicates(-1),
        lambda: Denoise(0),
        lambda: denoise(Events.empty(SensorSize(1, 1)), 5, compat="tonic"),  # type: ignore[arg-type]
    ],
)
def test_impossible_settings_of_filters_are_refused(call: Callable[[], object]) -> None:
    with pytest.raises(ConfigError, match="Expected"):
        call()
