"""Augmentations: same generator, same events; and what each may and may not change."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from event_strategies import assert_same, recordings
from saccade.errors import ConfigError
from saccade.events import Events, SensorSize
from saccade.events.augment import (
    Compose,
    DropArea,
    DropEvents,
    DropTime,
    EventDilation,
    EventDrop,
    FlipLR,
    FlipPolarity,
    FlipUD,
    ReverseTime,
    Transform,
    dilate,
)

ALL: list[Transform] = [
    FlipLR(),
    FlipUD(),
    FlipPolarity(),
    ReverseTime(),
    DropTime(),
    DropArea(),
    DropEvents(),
    EventDrop(),
    EventDilation(100, 5_000),
    Compose((EventDilation(100, 5_000), EventDrop(), FlipLR(0.3))),
]
seeds = st.integers(0, 2**32 - 1)


@pytest.mark.parametrize("transform", ALL, ids=lambda transform: type(transform).__name__)
@given(events=recordings(max_side=30), seed=seeds)
def test_result_is_a_valid_recording_and_follows_from_the_seed(
    transform: Transform, events: Events, seed: int
) -> None:
    once = transform(events, np.random.default_rng(seed))
    again = transform(events, np.random.default_rng(seed))
    assert_same(once, again)
    Events(once.x, once.y, once.t, once.p, once.size)
    assert len(once) <= len(events)


@pytest.mark.parametrize("flip", [FlipLR(1.0), FlipUD(1.0), FlipPolarity(1.0), ReverseTime(1.0)])
@given(events=recordings(max_side=30))
def test_flipping_twice_changes_nothing(flip: Transform, events: Events) -> None:
    rng = np.random.default_rng(0)
    assert_same(flip(flip(events, rng), rng), events)


def uniform(count: int = 4_000, first_us: int = 0) -> Events:
    rng = np.random.default_rng(1)
    size = SensorSize(40, 60)
    t = first_us + np.arange(count) * 10
    return Events(rng.integers(0, 60, count), rng.integers(0, 40, count), t, t // 10 % 2, size)


def test_time_drop_removes_one_interval_wherever_the_clock_starts() -> None:
    for first_us in (0, 10**15):
        events = uniform(first_us=first_us)
        kept = DropTime(0.3, 0.3)(events, np.random.default_rng(5))
        assert len(kept) == pytest.approx(0.7 * len(events), abs=2)
        assert int((np.diff(kept.t) > 10).sum()) <= 1


def test_time_drop_of_the_original_never_touches_absolute_times() -> None:
    events = uniform(first_us=10**15)
    drop = DropTime(0.3, 0.3, compat="spikevpr")
    assert len(drop(events, np.random.default_rng(5))) == len(events)


def test_area_drop_empties_one_box() -> None:
    events = uniform()
    kept = DropArea(0.25, 0.25)(events, np.random.default_rng(5))
    gone = np.ones((40, 60), bool)
    gone[kept.y, kept.x] = False
    seen = np.zeros((40, 60), bool)
    seen[events.y, events.x] = True
    rows, columns = np.nonzero(gone & seen)
    assert np.ptp(rows) < 10 and np.ptp(columns) < 15
    assert len(rows) > 100


def test_event_drop_removes_a_share() -> None:
    kept = DropEvents(0.25, 0.25)(uniform(), np.random.default_rng(5))
    assert len(kept) == 3_000


def test_the_four_choices_are_equally_likely() -> None:
    rng = np.random.default_rng(0)
    events = uniform(200)
    untouched = sum(EventDrop()(events, rng) is events for _ in range(400))
    assert 70 < untouched < 130


def test_dilation_keeps_its_half_open_window_inside_the_recording() -> None:
    events = uniform()
    assert dilate(events, 25.0, 100.0).t.tolist() == [100, 110, 120]
    for seed in range(20):
        kept = EventDilation(3_000, 9_000)(events, np.random.default_rng(seed))
        assert 2_900 <= kept.duration_us <= 9_000


@pytest.mark.parametrize(
    "build",
    [
        lambda: FlipLR(1.5),
        lambda: DropTime(0.5, 0.4),
        lambda: DropArea(-0.1, 0.4),
        lambda: EventDilation(0, 5),
        lambda: EventDilation(9, 5),
    ],
)
def test_impossible_settings_are_refused(build) -> None:
    with pytest.raises(ConfigError, match="Expected"):
        build()
