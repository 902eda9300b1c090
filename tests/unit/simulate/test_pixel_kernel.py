"""The compiled pixel model: equal to the plain one, independent of how it is run, safe to call."""

from __future__ import annotations

import hashlib
import math
from collections.abc import Iterator

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from saccade.errors import ConfigError, DataError, ShapeError
from saccade.events import Events, SensorSize
from saccade.simulate.frames import PixelState, events_from_frames
from saccade.simulate.log_exp import decay, ln
from saccade.simulate.pixel import REF, PixelModel, uniforms
from saccade.simulate.pixel_kernel import (
    LONGEST_US,
    MOST_PER_STEP,
    advance,
    advance_along,
    order_by_time,
    uniform,
)
from saccade.simulate.pixel_reference import reference_events

SIZE = SensorSize(6, 9)
MODELS = {
    "ideal": PixelModel.ideal(0.13),
    "davis346": PixelModel(),
    "noisy and leaky": PixelModel(noise_hz=5.0, leak_hz=9.0, noise_on_share=0.3),
    "blind for long": PixelModel(noise_hz=0.1, leak_hz=9.0, refractory_us=4_000.0),
    "no refractory time": PixelModel(noise_hz=0.3, refractory_us=0.0, leak_hz=3.0),
    "slow": PixelModel(bandwidth_hz_per_cd=0.05, noise_hz=0.01),
}

Film = tuple[NDArray[np.int64], NDArray[np.float32]]


def film(seed: int, count: int = 100, size: SensorSize = SIZE) -> Film:
    """Times and luminance that wander, with a jump, a black image and still stretches."""
    rng = np.random.default_rng(seed)
    times = 5_000 + np.cumsum(rng.integers(1, 4_000, count))
    walk = np.cumsum(rng.normal(0, 0.2, (count, size.height, size.width)), axis=0)
    walk[count // 3 : count // 2] = walk[count // 3]
    walk[-count // 4 :] += 2.0
    luminance = (8 * np.exp(walk)).astype(np.float32)
    luminance[count // 5] = 0.0
    return times.astype(np.int64), luminance


def frames(of: Film) -> Iterator[tuple[int, NDArray[np.float32]]]:
    return zip((int(t) for t in of[0]), of[1], strict=True)


def record(of: Film, model: PixelModel, *, seed: int = 7, jobs: int = 1) -> Events:
    height, width = of[1].shape[1:]
    size = SensorSize(height, width)
    pieces = events_from_frames(frames(of), model, seed=seed, size=size, jobs=jobs)
    return Events.concatenate(list(pieces))


def digest(events: Events) -> str:
    found = hashlib.sha256()
    for column in (events.x, events.y, events.t, events.p):
        found.update(np.ascontiguousarray(column).tobytes())
    return found.hexdigest()


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("name", MODELS)
def test_the_kernel_equals_the_plain_model(name: str, seed: int) -> None:
    times, luminance = film(seed)
    expected = reference_events(times, luminance, MODELS[name], seed=seed, size=SIZE)
    found = record((times, luminance), MODELS[name], seed=seed)
    assert len(found) == len(expected) > 100
    order = [np.lexsort((e.p, e.t, e.x, e.y)) for e in (expected, found)]
    for column in ("x", "y", "p"):
        np.testing.assert_array_equal(
            getattr(found, column)[order[1]], getattr(expected, column)[order[0]]
        )
    off = np.abs(found.t[order[1]] - expected.t[order[0]])
    assert off.max() <= 1
    assert np.count_nonzero(off) <= 1e-3 * len(off)


@pytest.mark.parametrize("name", MODELS)
def test_many_steps_at_once_equal_single_steps_bit_for_bit(name: str) -> None:
    model = MODELS[name]
    times, luminance = film(1)
    at = np.sort(np.concatenate([times, times[:-1] + 1, times[5:9]])).astype(float)  # some empty
    light = np.repeat(luminance, 3, axis=0)[: len(at) - 1]
    one = model.cells(SIZE, 3, luminance[0], int(at[0]))
    two, params, steps = one.copy(), model.params(), len(at) - 1
    room = steps * MOST_PER_STEP
    for row in range(SIZE.pixels):
        bright = light.reshape(steps, -1)[:, row].astype(float)
        t1, p1 = np.zeros(room, np.int64), np.zeros(room, np.uint8)
        t2, p2 = t1.copy(), p1.copy()
        n = 0
        for k in range(steps):
            n = advance(one, row, at[k], at[k + 1], bright[k], params, 3, t1, p1, n)
        work = np.empty((5, steps))
        m = advance_along(two, row, at, 1, bright, steps, params, 3, work, t2, p2, 0)
        assert n == m
        np.testing.assert_array_equal(t1[:n], t2[:m])
        np.testing.assert_array_equal(p1[:n], p2[:m])
    np.testing.assert_array_equal(one, two)


def test_steps_can_be_taken_from_a_finer_grid_of_times() -> None:
    model, grid = PixelModel(), np.arange(0, 25_000.0, 1_000.0)
    light = np.exp(np.linspace(2, 5, 8))
    found = []
    for stride, times in ((3, grid), (1, grid[::3].copy())):
        cells = model.cells(SensorSize(1, 1), 0, np.full((1, 1), 4.0))
        t, p = np.zeros(8 * MOST_PER_STEP, np.int64), np.zeros(8 * MOST_PER_STEP, np.uint8)
        work = np.empty((5, 8))
        n = advance_along(cells, 0, times, stride, light, 8, model.params(), 0, work, t, p, 0)
        found.append((n, t[:n].tolist()))
    assert found[0] == found[1]
    assert found[0][0] > 3


def test_the_same_seed_gives_the_same_bytes_and_another_does_not() -> None:
    moving = film(2)
    digests = [digest(record(moving, PixelModel(), seed=seed)) for seed in (1, 1, 2)]
    assert digests[0] == digests[1] != digests[2]


@pytest.mark.parametrize("jobs", [2, 3, 7])
def test_threads_do_not_change_a_byte(jobs: int) -> None:
    moving = film(4, size=SensorSize(20, 11))
    for model in (MODELS["noisy and leaky"], MODELS["ideal"]):
        assert digest(record(moving, model, jobs=jobs)) == digest(record(moving, model))


@settings(deadline=None, max_examples=20)
@given(cut=st.integers(1, 98), name=st.sampled_from(sorted(MODELS)))
def test_a_recording_that_is_resumed_has_the_same_bytes(cut: int, name: str) -> None:
    times, luminance = film(6)
    whole = record((times, luminance), MODELS[name])
    state, pieces = PixelState(), []
    for part in (slice(0, cut), slice(cut, None)):
        state = PixelState(state.cells.copy(), state.t_us)
        images = frames((times[part], luminance[part]))
        pieces += events_from_frames(images, MODELS[name], seed=7, size=SIZE, state=state)
    assert state.t_us == times[-1]
    assert digest(Events.concatenate(pieces)) == digest(whole)


def test_pieces_are_ordered_and_those_of_one_microsecond_go_row_by_row() -> None:
    size = SensorSize(30, 20)
    times, luminance = film(3, 90, size)
    luminance[:] = luminance[:, :1, :1]  # all alike: many events in the same microsecond
    for piece in events_from_frames(frames((times, luminance)), MODELS["ideal"], seed=0, size=size):
        place = piece.y.astype(int) * size.width + piece.x
        same = np.diff(piece.t) == 0
        assert np.diff(piece.t).min() >= 0
        assert np.all(np.diff(place)[same] >= 0)
        assert same.any()


def test_more_events_than_a_step_may_give_wait_for_the_next() -> None:
    model = PixelModel.ideal(0.01)
    cells = model.cells(SensorSize(1, 1), 0, np.full((1, 1), 1.0))
    t, p = np.full(MOST_PER_STEP + 1, -1), np.zeros(MOST_PER_STEP + 1, np.uint8)
    n = advance(cells, 0, 0.0, 100.0, math.exp(8.0), model.params(), 0, t, p, 0)
    assert n == MOST_PER_STEP
    assert t[-1] == -1
    rest = 0
    for step in range(1, 4):
        rest += advance(
            cells, 0, 100.0 * step, 100.0 * (step + 1), math.exp(8.0), model.params(), 0, t, p, 0
        )
    assert n + rest in (799, 800)
    assert t[0] == 100


def test_a_step_without_length_changes_nothing() -> None:
    model = PixelModel(noise_hz=3.0)
    cells = model.cells(SensorSize(1, 1), 0, np.full((1, 1), 1.0))
    before = cells.copy()
    t, p = np.zeros(MOST_PER_STEP, np.int64), np.zeros(MOST_PER_STEP, np.uint8)
    assert advance(cells, 0, 5.0, 5.0, 900.0, model.params(), 0, t, p, 0) == 0
    np.testing.assert_array_equal(cells, before)


def test_a_pixel_in_reset_carries_it_over_to_the_next_step() -> None:
    model = PixelModel.ideal(0.5, refractory_us=3_000.0)
    cells = model.cells(SensorSize(1, 1), 0, np.full((1, 1), 1.0))
    t, p = np.zeros(MOST_PER_STEP, np.int64), np.zeros(MOST_PER_STEP, np.uint8)
    assert advance(cells, 0, 0.0, 1_000.0, math.e, model.params(), 0, t, p, 0) == 1
    assert np.isnan(cells[0, REF])
    assert advance(cells, 0, 1_000.0, 5_000.0, math.e, model.params(), 0, t, p, 0) == 0
    assert cells[0, REF] == pytest.approx(1.0)


@settings(deadline=None, max_examples=60)
@given(
    seed=st.integers(0, 2**32),
    count=st.integers(0, 400),
    span=st.sampled_from([1, 5, 40_000, 3_000_000, LONGEST_US - 1, LONGEST_US + 5, 1 << 45]),
)
def test_ordering_by_time_is_a_stable_sort(seed: int, count: int, span: int) -> None:
    rng = np.random.default_rng(seed)
    t = rng.integers(-span // 2, span - span // 2, count)
    x, y = (rng.integers(0, 65_536, count).astype(np.uint16) for _ in range(2))
    p = rng.integers(0, 2, count).astype(np.uint8)
    order = np.argsort(t, kind="stable")
    expected = [column[order] for column in (t, x, y, p)]
    order_by_time(t, x, y, p)
    for found, wanted in zip((t, x, y, p), expected, strict=True):
        np.testing.assert_array_equal(found, wanted)


@given(st.floats(1e-300, 1e300))
@settings(deadline=None)
def test_ln_is_right_to_the_last_bits(x: float) -> None:
    assert abs(ln(x) - math.log(x)) <= 1e-15 + 2 * math.ulp(math.log(x))


@given(st.floats(0.0, 700.0))
@settings(deadline=None)
def test_decay_is_right_to_the_last_bits(z: float) -> None:
    assert abs(decay(z) - math.exp(-z)) <= 1e-15
    assert decay(z) == pytest.approx(math.exp(-z), rel=1e-12)


def test_decay_ends_at_nothing() -> None:
    assert decay(0.0) == 1.0
    assert 0.0 <= decay(math.inf) < 1e-300


@given(st.integers(-(2**63), 2**63 - 1), st.integers(0, 2**32), st.integers(0, 2**40))
@settings(deadline=None)
def test_kernel_and_numpy_draw_the_same_numbers(seed: int, pixel: int, draw: int) -> None:
    assert uniform(seed, pixel, draw) == uniforms(seed, np.array([pixel]), draw)[0]


def broken(what: str) -> Film:
    times, luminance = film(0, 6)
    if what == "negative":
        luminance[3, 2, 1] = -0.5
    elif what == "nan":
        luminance[3, 2, 1] = np.nan
    elif what == "infinite":
        luminance[0, 2, 1] = np.inf
    elif what == "backwards":
        times[4] = times[3] - 10
    elif what == "twice":
        times[4] = times[3]
    elif what == "far":
        times[4:] += LONGEST_US
    return times, luminance


@pytest.mark.parametrize(
    ("what", "message"),
    [
        ("negative", r"is -0\.5 at x = 1, y = 2 \(1 such pixels\)\. Expected finite.*linear light"),
        ("nan", "is nan at x = 1, y = 2"),
        ("infinite", "is inf at x = 1, y = 2"),
        ("backwards", "follows one at .*Expected times that increase. Sort the images"),
        ("twice", "Expected times that increase"),
        ("far", "1,073 s after the last"),
    ],
)
def test_images_that_cannot_be_are_refused(what: str, message: str) -> None:
    with pytest.raises(DataError, match=message):
        record(broken(what), PixelModel())


def test_images_of_another_size_are_refused() -> None:
    moving = film(0, 5)
    with pytest.raises(ShapeError, match=r"shape \(6, 9\).*\(9, 6\)"):
        list(events_from_frames(frames(moving), PixelModel(), seed=0, size=SensorSize(9, 6)))
    state = PixelState(np.zeros((7, 8)))
    with pytest.raises(ShapeError, match="state is that of 7 pixels"):
        events_from_frames(frames(moving), PixelModel(), seed=0, size=SIZE, state=state)
    with pytest.raises(ConfigError, match="jobs is 0"):
        events_from_frames(frames(moving), PixelModel(), seed=0, size=SIZE, jobs=0)


def test_no_images_and_one_image_give_no_events() -> None:
    times, luminance = film(0, 5)
    for count in (0, 1):
        some = frames((times[:count], luminance[:count]))
        assert list(events_from_frames(some, PixelModel(), seed=0, size=SIZE)) == []
