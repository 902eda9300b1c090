"""Pixels against closed forms: ramps, steps, the low-pass, refractory time, leak, noise."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from saccade.errors import ConfigError
from saccade.events import Events, SensorSize
from saccade.simulate.frames import events_from_frames
from saccade.simulate.pixel import C_OFF, C_ON, PixelModel, uniforms

ONE = SensorSize(1, 1)
SQUARE = SensorSize(100, 100)


def watch(
    times: NDArray[np.int64],
    luminance: NDArray[np.floating],
    model: PixelModel,
    size: SensorSize = ONE,
    seed: int = 0,
) -> Events:
    """Events of pixels that all see ``luminance[k]`` at ``times[k]``."""
    frames = (
        (int(t), np.full((size.height, size.width), value, np.float32))
        for t, value in zip(times, luminance, strict=True)
    )
    return Events.concatenate(list(events_from_frames(frames, model, seed=seed, size=size)))


def ramp_times(u0: float, u1: float, threshold: float, duration: float) -> list[int]:
    """Microseconds at which a straight line from u0 to u1 has moved by 1, 2, ... thresholds."""
    count = math.floor(abs(u1 - u0) / threshold)
    return [math.floor(k * threshold / abs(u1 - u0) * duration) for k in range(1, count + 1)]


def seen(luminance: float) -> float:
    """What float32 keeps of a luminance, in ln units."""
    return math.log(float(np.float32(luminance)))


@settings(deadline=None, max_examples=100)
@given(
    change=st.floats(-6.0, 6.0).filter(lambda change: abs(change) > 1e-3),
    threshold=st.floats(0.05, 1.0),
    duration=st.integers(100, 1_000_000),
    start=st.floats(1e-2, 1e4),
)
def test_a_ramp_gives_floor_l_over_c_events_at_exact_times(
    change: float, threshold: float, duration: int, start: float
) -> None:
    end = start * math.exp(change)
    u0, u1 = seen(start), seen(end)
    part = abs(u1 - u0) / threshold
    if abs(part - round(part)) < 1e-9:
        return  # the last crossing coincides with the end
    events = watch(np.array([0, duration]), np.array([start, end]), PixelModel.ideal(threshold))
    assert len(events) == math.floor(part)
    assert set(events.p.tolist()) <= {int(change > 0)}
    expected = np.array(ramp_times(u0, u1, threshold, duration))
    off = np.abs(events.t - expected)
    assert off.max(initial=0) <= 1
    assert np.count_nonzero(off) <= 0.01 * len(events) + 1  # crossings within 1e-9 of a microsecond


def test_up_and_down_use_their_own_thresholds() -> None:
    model = PixelModel.ideal(threshold_on=0.3001, threshold_off=0.2105)
    events = watch(np.array([0, 1000, 2000]), np.exp([0.0, 1.0, 0.0]), model)
    assert events.t[events.p == 1].tolist() == [300, 600, 900]
    # the reference stands at 0.9003: down to 0.6898, 0.4793, 0.2688, 0.0583
    assert events.t[events.p == 0].tolist() == [1310, 1520, 1731, 1941]


def test_a_long_flight_of_steps_gives_no_more_and_no_fewer_events_than_its_parts() -> None:
    rng = np.random.default_rng(3)
    u = np.cumsum(rng.normal(0, 0.3, 2000))
    times = np.arange(2000) * 500
    events = watch(times, np.exp(u), PixelModel.ideal(0.17))
    reference, count = float(np.log(np.float32(np.exp(u[0])))), 0
    for value in np.log(np.exp(u).astype(np.float32).astype(float)):
        moved = math.floor(abs(value - reference) / 0.17)
        count += moved
        reference += math.copysign(moved * 0.17, value - reference)
    assert abs(len(events) - count) <= 1  # one may wait for the step that never comes
    assert np.all(np.diff(events.t) >= 0)


@pytest.mark.parametrize("model", [PixelModel.ideal(0.013), PixelModel.ideal(0.11, leak_hz=3.0)])
def test_a_straight_line_gives_the_same_events_in_one_step_or_many(model: PixelModel) -> None:
    ends = np.array([0, 240_000])
    u = np.array([1.0, 3.5])
    one = watch(ends, np.exp(u), model)
    for parts in (2, 7, 1000):
        times = np.linspace(0, 240_000, parts + 1).astype(np.int64)
        values = np.exp(u[0] + (u[1] - u[0]) * times / 240_000)
        many = watch(times, values, model)
        assert len(many) == len(one) > 20
        np.testing.assert_array_equal(many.p, one.p)
        assert np.abs(many.t - one.t).max() <= 1


def test_the_low_pass_follows_a_step_as_an_exponential() -> None:
    """After a step by U the filtered value is U (1 - e^(-t / tau)): event k lies at its inverse."""
    cutoff, step, threshold = 40.0, 1.5, 0.1
    model = PixelModel.ideal(threshold, bandwidth_hz=cutoff)
    times = np.concatenate([[0, 1], np.arange(21, 200_000, 20)])  # the step takes 1 us
    events = watch(times, np.exp(np.where(times > 0, step, 0.0)), model)
    tau = 1e6 / (2 * math.pi * cutoff)
    exact = [-tau * math.log(1 - k * threshold / step) + 0.5 for k in range(1, 15)]
    assert len(events) == 14
    assert np.abs(events.t - exact).max() <= 1.5


def test_the_low_pass_lets_half_the_power_through_at_its_cutoff() -> None:
    cutoff, amplitude = 25.0, 2.0
    model = PixelModel.ideal(0.01, bandwidth_hz=cutoff)
    times = np.arange(0, 1_000_000, 100)
    events = watch(times, np.exp(amplitude * np.sin(2e-6 * math.pi * cutoff * times)), model)
    value = 0.01 * np.cumsum(2.0 * events.p - 1.0)
    settled = value[events.t > 500_000]
    swing = (settled.max() - settled.min()) / 2
    assert swing == pytest.approx(amplitude / math.sqrt(2), rel=0.01)


def test_a_dark_pixel_is_slower_in_proportion_to_its_light() -> None:
    model = PixelModel.ideal(0.1, bandwidth_hz=1e3, bandwidth_hz_per_cd=2.0)
    assert model.cutoff_hz([1.0, 10.0, 499.0, 501.0, 1e6]).tolist() == [2, 20, 998, 1000, 1000]
    times = np.concatenate([[0, 1], np.arange(101, 3_000_000, 100)])
    halves = []
    for bright in (2.0, 20.0):
        light = np.where(times > 0, bright * math.e, bright)
        events = watch(times, light, model)
        halves.append(events.t[4])  # half of the way
    tau = [1e6 / (2 * math.pi * 2.0 * bright * math.e) for bright in (2.0, 20.0)]
    assert halves == pytest.approx([value * math.log(2) for value in tau], rel=1e-3)


def test_after_an_event_the_pixel_is_blind_and_starts_anew() -> None:
    """On a slope s intervals are C / s + refractory time, since R = V(te + refractory)."""
    slope, threshold, refractory = 2e-5, 0.25, 1_700.0
    model = PixelModel.ideal(threshold, refractory_us=refractory)
    times = np.arange(0, 400_001, 1_000)
    events = watch(times, np.exp(slope * times), model)
    first = threshold / slope
    expected = first + (first + refractory) * np.arange(len(events))
    assert len(events) == math.floor((400_000 - first) / (first + refractory)) + 1
    np.testing.assert_allclose(events.t, np.floor(expected), atol=1)


def test_no_two_events_of_a_pixel_are_closer_than_the_refractory_time() -> None:
    rng = np.random.default_rng(0)
    model = PixelModel(refractory_us=900.0, noise_hz=2.0, bandwidth_hz=math.inf)
    times = np.cumsum(rng.integers(1, 2_000, 1_000))
    light = 0.2 * np.exp(rng.normal(0, 1, 1_000))
    events = watch(times, light, model, SensorSize(3, 3))
    assert len(events) > 1_000
    for pixel in range(9):
        own = events.t[events.y.astype(int) * 3 + events.x == pixel]
        assert np.diff(own).min() >= 899  # floors of times 900 us apart


def test_a_pixel_at_rest_leaks_at_its_rate() -> None:
    model = PixelModel.ideal(0.2, leak_hz=4.0, mismatch=0.03)
    events = watch(np.arange(0, 2_000_001, 10_000), np.full(201, 30.0), model, SQUARE)
    assert set(events.p.tolist()) == {1}
    expected = 4.0 * 2.0 * SQUARE.pixels
    assert abs(len(events) - expected) < 3 * math.sqrt(expected)
    pixel = events.y.astype(int) * 100 + events.x
    order = np.lexsort((events.t, pixel))
    gaps = np.diff(events.t[order])[np.diff(pixel[order]) == 0]
    assert np.abs(gaps - 250_000).max() <= 1
    counts = np.histogram(events.t, np.arange(9) * 250_000)[0]
    share = np.histogram(events.t[events.t < 250_000], 10)[0]  # phases are spread evenly
    assert counts.min() > 0.99 * SQUARE.pixels
    assert np.abs(share - 1_000).max() < 4 * math.sqrt(1_000)


@pytest.mark.parametrize("luminance", [0.0, 0.7, 50.0])
def test_noise_at_rest_has_the_configured_rates(luminance: float) -> None:
    model = PixelModel(
        noise_hz=0.5,
        noise_dark_factor=11.0,
        noise_half_cd_m2=2.0,
        noise_on_share=0.3,
        leak_hz=0.0,
        refractory_us=0.0,
    )
    seconds = 6.0
    times = np.arange(0, int(seconds * 1e6) + 1, 20_000)
    events = watch(times, np.full(len(times), luminance), model, SQUARE, seed=11)
    rate = 0.5 * (1 + 10 / (1 + luminance / 2.0))
    for sign, share in ((1, 0.3), (0, 0.7)):
        expected = rate * share * seconds * SQUARE.pixels
        found = int(np.count_nonzero(events.p == sign))
        assert abs(found - expected) < 3 * math.sqrt(expected)
    assert float(model.noise_rate_hz(luminance)) == pytest.approx(rate)


def test_noise_leak_and_refractory_time_together_keep_their_rates() -> None:
    model = PixelModel(noise_hz=1.0, noise_dark_factor=1.0, leak_hz=2.0, noise_on_share=0.5)
    events = watch(np.arange(0, 4_000_001, 5_000), np.full(801, 100.0), model, SQUARE, seed=2)
    off = 0.5 * 4.0 * SQUARE.pixels
    leak = 4.0 * SQUARE.pixels / (1 / 2.0 + 500e-6)  # each leak event costs a refractory time
    assert abs(np.count_nonzero(events.p == 0) - off) < 3 * math.sqrt(off) + 0.002 * off
    on = off + leak
    assert abs(np.count_nonzero(events.p == 1) - on) < 3 * math.sqrt(on) + 0.002 * on


def test_times_between_noise_events_are_exponential() -> None:
    model = PixelModel.ideal(0.2, noise_hz=40.0)
    events = watch(np.arange(0, 10_000_001, 7_000), np.full(1429, 100.0), model, SensorSize(10, 10))
    pixel = events.y.astype(int) * 10 + events.x
    order = np.lexsort((events.t, pixel))
    gaps = np.diff(events.t[order])[np.diff(pixel[order]) == 0] * 1e-6 * 40.0
    n = len(gaps)
    assert n > 30_000
    assert abs(gaps.mean() - 1.0) < 4 / math.sqrt(n)
    assert abs(gaps.var() - 1.0) < 4 * math.sqrt(8 / n)  # the variance of its estimate is 8 / n
    for quantile in (0.1, 0.5, 0.9):
        width = 4 * math.sqrt(quantile * (1 - quantile) / n)
        assert abs((gaps < -math.log(1 - quantile)).mean() - quantile) < width


def test_noise_follows_the_light_within_a_recording() -> None:
    model = PixelModel.ideal(9.0, noise_hz=1.0, noise_dark_factor=101.0, noise_half_cd_m2=1.0)
    times = np.arange(0, 2_000_001, 1_000)
    light = np.where(times <= 1_000_000, 9.0, 99.0)
    events = watch(times, light, model, SQUARE)
    for begin, rate in ((0, 11.0), (1_000_000, 2.0)):
        found = len(events.slice_time(begin, begin + 1_000_000))
        expected = rate * SQUARE.pixels
        assert abs(found - expected) < 3 * math.sqrt(expected) + 0.001 * expected


def test_constant_light_gives_nothing_but_noise() -> None:
    still = PixelModel(noise_hz=0.0, leak_hz=0.0)
    assert len(watch(np.arange(0, 500_000, 1_000), np.full(500, 3.0), still, SQUARE)) == 0


def test_noise_does_not_move_the_reference() -> None:
    """Signal crossings stay where they are, whatever noise comes between."""
    quiet, noisy = PixelModel.ideal(0.25), PixelModel.ideal(0.25, noise_hz=300.0)
    times, light = np.arange(0, 100_001, 1_000), np.exp(np.arange(101) * 0.0331)
    signal = watch(times, light, quiet).t
    assert len(signal) == 13
    assert set(signal.tolist()) <= set(watch(times, light, noisy).t.tolist())


def test_thresholds_scatter_as_configured_and_without_correlation() -> None:
    model = PixelModel(threshold_on=0.3, threshold_off=0.2, mismatch=0.03)
    cells = model.cells(SensorSize(200, 200), 5, np.full((200, 200), 10.0))
    on, off = cells[:, C_ON], cells[:, C_OFF]
    for values, mean in ((on, 0.3), (off, 0.2)):
        assert abs(values.mean() - mean) < 4 * 0.03 / 200
        assert values.std() == pytest.approx(0.03, rel=4 / math.sqrt(2 * 40_000))
        inside = np.abs(values - mean) < 0.03
        assert inside.mean() == pytest.approx(0.6827, abs=0.01)
    assert abs(np.corrcoef(on, off)[0, 1]) < 4 / 200
    assert abs(np.corrcoef(on[:-1], on[1:])[0, 1]) < 4 / 200
    wide = PixelModel(threshold_on=0.1, mismatch=0.2).cells(SQUARE, 5, np.full((100, 100), 10.0))
    assert wide[:, C_ON].min() == pytest.approx(0.01)


def test_the_random_sequence_is_uniform_and_differs_between_pixels_seeds_and_draws() -> None:
    pixels = np.arange(50_000)
    base = uniforms(1, pixels, 0)
    assert base.min() > 0 and base.max() <= 1
    counts = np.histogram(base, 50, (0, 1))[0]
    assert ((counts - 1000.0) ** 2 / 1000.0).sum() < 49 + 5 * math.sqrt(2 * 49)
    for other in (uniforms(2, pixels, 0), uniforms(1, pixels, 1), uniforms(1, pixels + 1, 0)):
        assert abs(np.corrcoef(base, other)[0, 1]) < 4 / math.sqrt(50_000)


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"threshold_on": 0.0}, r"threshold_on is 0\.0\. Expected 0\.01 to 10"),
        ({"threshold_off": -0.2}, "threshold_off is -0.2"),
        ({"threshold_on": math.nan}, "threshold_on is nan"),
        ({"mismatch": -0.1}, "mismatch is -0.1"),
        ({"bandwidth_hz": 0.0}, "bandwidth_hz is 0.0.*inf switches it off"),
        ({"refractory_us": math.inf}, "refractory_us is inf"),
        ({"noise_on_share": 1.5}, "noise_on_share is 1.5"),
        ({"noise_dark_factor": 0.5}, "noise_dark_factor is 0.5"),
    ],
)
def test_a_pixel_that_cannot_be_is_refused(values: dict[str, float], message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        PixelModel(**values)


@pytest.mark.parametrize("preset", ["davis346", "davis240", "prophesee_gen31", "prophesee_gen4"])
def test_presets_take_changes(preset: str) -> None:
    make = getattr(PixelModel, preset)
    assert make(threshold_on=0.4).threshold_on == 0.4
    assert make().threshold_off > 0.1
    assert PixelModel.ideal(0.1, leak_hz=0.5).leak_hz == 0.5
