"""Polarity, pixel lists, hot pixels, cropping and scaling down."""

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from event_strategies import assert_same, recordings
from saccade.errors import ConfigError, EventError, FormatError, MissingFileError, ShapeError
from saccade.events import Events, SensorSize
from saccade.events.filters import (
    crop,
    downsample,
    hot_pixels,
    keep_polarity,
    read_pixel_list,
    without_pixels,
)

SMALL = recordings(max_side=40)


@given(SMALL)
def test_the_two_polarities_are_the_whole(events: Events) -> None:
    on, off = keep_polarity(events, "on"), keep_polarity(events, "off")
    assert on.p.all() and not off.p.any()
    assert len(on) + len(off) == len(events)


@given(SMALL, st.integers(0, 2**32 - 1))
def test_listed_pixels_lose_all_events_and_others_none(events: Events, seed: int) -> None:
    rng = np.random.default_rng(seed)
    size = events.size
    count = int(rng.integers(0, 20))
    pixels = np.stack([rng.integers(0, size.width, count), rng.integers(0, size.height, count)], 1)
    listed = {(int(x), int(y)) for x, y in pixels}
    expected = [(int(x), int(y)) not in listed for x, y in zip(events.x, events.y, strict=True)]
    assert_same(without_pixels(events, pixels), events[np.array(expected, np.bool_)])


def test_a_listed_pixel_outside_the_sensor_is_named() -> None:
    with pytest.raises(EventError, match=r"x = 2, y = 0 is outside the sensor, 2x3"):
        without_pixels(Events.empty(SensorSize(3, 2)), [(1, 1), (2, 0)])
    with pytest.raises(ShapeError, match=r"rows \(x, y\)"):
        without_pixels(Events.empty(SensorSize(3, 2)), [1, 1])


def scene(hot: list[tuple[int, int]], hot_count: int = 3_000, seed: int = 0) -> Events:
    """A bar 40 rows high sweeps over a noisy sensor, and some pixels fire by themselves."""
    rng, size = np.random.default_rng(seed), SensorSize(60, 80)
    noise = rng.integers(0, size.pixels, 20_000)
    bar = np.tile(np.arange(10 * 80, 50 * 80), 40)
    defects = np.concatenate([np.empty(0, int), *(np.full(hot_count, y * 80 + x) for x, y in hot)])
    flat = rng.permutation(np.concatenate([noise, bar, defects]))
    p = rng.integers(0, 2, flat.size)
    return Events(flat % 80, flat // 80, np.arange(flat.size), p, size)


def test_hot_pixels_are_found_and_a_moving_bar_is_not() -> None:
    hot = [(0, 0), (79, 59), (40, 30), (41, 30), (10, 50)]
    assert {tuple(pixel) for pixel in hot_pixels(scene(hot)).tolist()} == set(hot)
    assert len(hot_pixels(scene([]))) == 0


def test_hot_pixels_come_hottest_first_and_go_with_the_filter() -> None:
    events = scene([(5, 5)], 2_000)
    more = scene([(60, 20)], 4_000, seed=1)
    t = np.arange(len(events) + len(more))
    both = Events(
        np.concatenate([events.x, more.x]),
        np.concatenate([events.y, more.y]),
        t,
        np.concatenate([events.p, more.p]),
        events.size,
    )
    found = hot_pixels(both)
    assert found.tolist() == [[60, 20], [5, 5]]
    assert len(hot_pixels(without_pixels(both, found))) == 0


def test_counts_and_events_give_the_same_hot_pixels() -> None:
    events = scene([(40, 30)])
    counts = np.zeros((60, 80), np.int64)
    np.add.at(counts, (events.y, events.x), 1)
    assert hot_pixels(counts).tolist() == hot_pixels(events).tolist()


@pytest.mark.parametrize("size", [SensorSize(1, 1), SensorSize(1, 9), SensorSize(300, 2)])
def test_hot_pixels_of_odd_sensors(size: SensorSize) -> None:
    assert hot_pixels(Events.empty(size)).shape == (0, 2)
    zero = [0] * 400
    found = hot_pixels(Events(zero, zero, zero, zero, size))
    assert found.tolist() in ([], [[0, 0]])


def test_hot_pixel_settings_are_checked() -> None:
    with pytest.raises(ConfigError, match="n_sigma"):
        hot_pixels(Events.empty(SensorSize(2, 2)), n_sigma=0)
    with pytest.raises(ShapeError, match="per pixel"):
        hot_pixels(np.zeros(5, np.int64))


def test_pixel_list_is_read_with_comments_and_its_mistakes_named(tmp_path: Path) -> None:
    path = tmp_path / "hot_pixels.txt"
    path.write_text("# x,y\n12,3\n\n 0,7  # corner\n")
    assert read_pixel_list(path).tolist() == [[12, 3], [0, 7]]
    path.write_text("")
    assert read_pixel_list(path).shape == (0, 2)
    path.write_text("12,3\n12;3\n")
    with pytest.raises(FormatError, match=r"hot_pixels.txt:2: '12;3'"):
        read_pixel_list(path)
    with pytest.raises(MissingFileError, match="No such file"):
        read_pixel_list(tmp_path / "none.txt")


@st.composite
def boxes(draw: st.DrawFn) -> tuple[Events, int, int, SensorSize]:
    events = draw(SMALL)
    x = draw(st.integers(0, events.size.width - 1))
    y = draw(st.integers(0, events.size.height - 1))
    width = draw(st.integers(1, events.size.width - x))
    height = draw(st.integers(1, events.size.height - y))
    return events, x, y, SensorSize(height, width)


@given(boxes())
def test_crop_keeps_the_inside_and_moves_the_origin(
    case: tuple[Events, int, int, SensorSize],
) -> None:
    events, x, y, size = case
    column, row = events.x.astype(int) - x, events.y.astype(int) - y
    inside = (column >= 0) & (column < size.width) & (row >= 0) & (row < size.height)
    kept = crop(events, x, y, size)
    expected = Events(column[inside], row[inside], events.t[inside], events.p[inside], size)
    assert_same(kept, expected)
    assert_same(crop(events, x, y, size, move_origin=False), events[inside])


@pytest.mark.parametrize(("x", "y"), [(-1, 0), (0, -1), (3, 0), (0, 2)])
def test_a_box_beyond_the_sensor_is_refused(x: int, y: int) -> None:
    with pytest.raises(ConfigError, match=r"reaches outside the sensor, 4x3"):
        crop(Events.empty(SensorSize(3, 4)), x, y, SensorSize(height=2, width=2))


@given(SMALL, st.integers(1, 40), st.integers(1, 40))
def test_scaling_down_is_the_stated_division(events: Events, width: int, height: int) -> None:
    old = events.size
    new = SensorSize(min(height, old.height), min(width, old.width))
    small = downsample(events, new)
    assert small.x.tolist() == [int(x) * new.width // old.width for x in events.x]
    assert small.y.tolist() == [int(y) * new.height // old.height for y in events.y]
    assert small.size == new
    Events(small.x, small.y, small.t, small.p, small.size)


def test_scaling_up_is_refused() -> None:
    with pytest.raises(ConfigError, match=r"5x4 is larger than the sensor, 4x4"):
        downsample(Events.empty(SensorSize(4, 4)), SensorSize(height=4, width=5))
