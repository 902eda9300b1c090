"""The pixel model, compiled: one pixel over one step, a block of frames, events in order of time.

    log luminance --low-pass--> V --(V - reference against thresholds)--> events
                                     ^ leak, reset, refractory time        + noise

The equations are in `pixel`, the same in plain Python in `pixel_reference`. Every random number is
a hash of (seed, pixel, how many the pixel has drawn): results depend neither on the order in which
pixels are computed nor on the number of threads.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from saccade.jit import kernel
from saccade.simulate.log_exp import decay, ln
from saccade.simulate.pixel import (
    C_OFF,
    C_ON,
    DARK,
    DARKEST_CD_M2,
    DRAWS,
    HAZARD,
    LAST_US,
    LEAK,
    LOWPASS,
    LOWPASS_MOST,
    NOISE,
    NOISE_EXTRA,
    NOISE_HALF,
    NOISE_ON,
    PREV,
    REF,
    REFRACTORY,
    V,
)

__all__ = [
    "LONGEST_US",
    "MOST_PER_STEP",
    "advance",
    "advance_along",
    "order_by_time",
    "uniform",
    "unpack",
    "watch",
]

MOST_PER_STEP = 512
"""Most events of a pixel in one step; what is left fires at the start of the next."""

LONGEST_US = 1 << 30
"""Longest time of which events can be packed: 18 minutes."""

_WIDEST_DIGIT = 11


@kernel(counted=False)
def uniform(seed: Any, pixel: Any, draw: Any) -> Any:
    """Return number ``draw`` of a pixel's random sequence, in (0, 1]."""
    h = np.uint64(seed) + np.uint64(pixel) * np.uint64(0x9E3779B97F4A7C15)
    h = (h ^ (h >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    h = (h ^ (h >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    h = (h ^ (h >> np.uint64(31))) + np.uint64(draw) * np.uint64(0xD1342543DE82EF95)
    h = (h ^ (h >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    h = (h ^ (h >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    h = h ^ (h >> np.uint64(31))
    return (np.float64(np.int64(h >> np.uint64(11))) + 1.0) * 2.0**-53


@kernel(counted=False)
def advance(
    cells: Any, row: Any, t0_us: Any, t1_us: Any, luminance: Any, params: Any, seed: Any,
    out_t: Any, out_p: Any, n: Any,
) -> Any:  # fmt: skip
    """Bring a pixel from ``t0_us`` to ``t1_us`` and append its events; return their new number.

    Log luminance runs straight from its value at ``t0_us`` to that at ``t1_us``. Events lie in
    ``[t0_us, t1_us)``; a threshold met exactly at the end fires in the next step. A step without
    length leaves the pixel as it is.

    Args:
        cells: float64 ``[H * W, 8]``, from `PixelModel.cells`.
        row: Which pixel.
        t0_us: Start of the step, where the last one ended.
        t1_us: End of the step.
        luminance: cd/m2 at ``t1_us``.
        params: From `PixelModel.params`.
        seed: The one given to `PixelModel.cells`.
        out_t: int64, with room for `MOST_PER_STEP` more.
        out_p: uint8, alike.
        n: Events already there.
    """
    dt = t1_us - t0_us
    bright = _bright(luminance, params[DARK])
    z = _exponent(bright, params[LOWPASS_MOST], params[LOWPASS], dt)
    keep = decay(z)
    noise = _noise(luminance, params[NOISE], params[NOISE_EXTRA], params[NOISE_HALF])
    return _step(
        cells, row, t0_us, dt, ln(bright), keep, (1.0 - keep) / z, noise, params, seed,
        out_t, out_p, n,
    )  # fmt: skip


@kernel(counted=False)
def advance_along(
    cells: Any, row: Any, times: Any, stride: Any, luminance: Any, steps: Any, params: Any,
    seed: Any, work: Any, out_t: Any, out_p: Any, n: Any,
) -> Any:  # fmt: skip
    """Do what ``steps`` calls of `advance` do, bit for bit: from 8 steps on in half the time.

    What does not depend on the pixel's past is computed for all steps at once, in vectors; below 4
    steps that costs more than it saves.

    Args:
        cells: As in `advance`, like all that is not named here.
        row: Which pixel.
        times: float64 µs; step k runs from ``times[k * stride]`` to ``times[(k + 1) * stride]``.
        stride: See there.
        luminance: ``[steps]`` cd/m2 at the ends of the steps.
        steps: How many.
        params: From `PixelModel.params`.
        seed: The one given to `PixelModel.cells`.
        work: float64 ``[5, steps]`` or more, working memory.
        out_t: int64, with room for ``steps * MOST_PER_STEP`` more.
        out_p: uint8, alike.
        n: Events already there.
    """
    u, keep, lag, noise, dt = work[0], work[1], work[2], work[3], work[4]
    dark, most, per_cd = params[DARK], params[LOWPASS_MOST], params[LOWPASS]
    calm, extra, half = params[NOISE], params[NOISE_EXTRA], params[NOISE_HALF]
    for k in range(steps):
        dt[k] = times[(k + 1) * stride] - times[k * stride]
    for k in range(steps):
        u[k] = ln(_bright(luminance[k], dark))
    for k in range(steps):
        lag[k] = _exponent(_bright(luminance[k], dark), most, per_cd, dt[k])
    for k in range(steps):
        keep[k] = decay(lag[k])
    for k in range(steps):
        lag[k] = (1.0 - keep[k]) / lag[k]
    for k in range(steps):
        noise[k] = _noise(luminance[k], calm, extra, half)
    for k in range(steps):
        n = _step(
            cells, row, times[k * stride], dt[k], u[k], keep[k], lag[k], noise[k], params, seed,
            out_t, out_p, n,
        )  # fmt: skip
    return n


@kernel(counted=False)
def _bright(luminance: Any, dark: Any) -> Any:
    return max(np.float64(luminance) + dark, DARKEST_CD_M2)


@kernel(counted=False)
def _exponent(bright: Any, most: Any, per_cd: Any, dt: Any) -> Any:
    """Return dt / tau."""
    return min(most, per_cd * bright) * dt


@kernel(counted=False)
def _noise(luminance: Any, calm: Any, extra: Any, half: Any) -> Any:
    """Return noise events per microsecond."""
    return calm + extra / (half + np.float64(luminance))


@kernel(counted=False)
def _step(
    cells: Any, row: Any, t0_us: Any, dt: Any, u1: Any, keep: Any, lag: Any, noise: Any,
    params: Any, seed: Any, out_t: Any, out_p: Any, n: Any,
) -> Any:  # fmt: skip
    """Low-pass, leak and noise over a step; most steps end here, without an event.

    ``keep`` is e^(-dt / tau), ``lag`` is (1 - keep) tau / dt.
    """
    if not dt > 0.0:
        return n
    u0, v0, ref0 = cells[row, PREV], cells[row, V], cells[row, REF]
    v1 = (u1 - (u1 - u0) * lag) + (v0 - u0) * keep
    ref1 = ref0 - params[LEAK] * cells[row, C_ON] * dt
    hazard = cells[row, HAZARD] - noise * dt
    d0, d1 = v0 - ref0, v1 - ref1  # d0 is beyond a threshold after noise has blinded the pixel
    cells[row, V], cells[row, PREV] = v1, u1
    high, low = max(d0, d1), min(d0, d1)
    if high < cells[row, C_ON] and -low < cells[row, C_OFF] and hazard > 0.0:
        cells[row, REF], cells[row, HAZARD] = ref1, hazard
        return n
    return _fire(cells, row, t0_us, dt, v0, v1, hazard, noise, params, seed, out_t, out_p, n)


@kernel(counted=False, apart=True)
def _fire(
    cells: Any, row: Any, t0_us: Any, dt: Any, v0: Any, v1: Any, hazard: Any, noise: Any,
    params: Any, seed: Any, out_t: Any, out_p: Any, n: Any,
) -> Any:  # fmt: skip
    """Do a step in which something happens, from one event to the next.

    Times are counted from the step's start, and so is the reference: V - R = d + slope t. ``pace``
    is 1 / slope.
    """
    c_on, c_off, refractory = cells[row, C_ON], cells[row, C_OFF], params[REFRACTORY]
    leak = params[LEAK] * c_on
    d, rise = v0 - cells[row, REF], v1 - v0 + leak * dt
    slope, pace = rise / dt, dt / rise
    now, free = 0.0, cells[row, LAST_US] + refractory - t0_us
    chance = np.inf if hazard > 0.0 else cells[row, HAZARD] / noise
    most = n + MOST_PER_STEP
    while n < most:
        now = max(now, free)
        while chance < min(now, dt):  # noise of a blind pixel is lost
            chance = max(chance, 0.0) + _wait(cells, row, seed) / noise
        if now >= dt:
            break
        if d != d:  # the end of a reset: R = V
            d = -slope * now
        gap = d + slope * now
        if gap >= c_on or gap <= -c_off:
            when, sign = now, gap > 0.0
        elif rise == 0.0:
            when, sign = np.inf, True
        else:
            sign = rise > 0.0
            when = max(((c_on if sign else -c_off) - d) * pace, now)
        if min(when, chance) >= dt:
            break
        if chance <= when:
            when = chance
            sign = _draw(cells, row, seed) <= params[NOISE_ON]
            chance += _wait(cells, row, seed) / noise
        elif refractory > 0.0:
            d = np.nan
        else:
            d -= c_on if sign else -c_off
        out_t[n], out_p[n] = np.int64(math.floor(t0_us + when)), sign
        n += 1
        now, free = when, when + refractory
        cells[row, LAST_US] = t0_us + when
    cells[row, REF] = v0 - d - leak * dt
    cells[row, HAZARD] = hazard if hazard > 0.0 else (chance - dt) * noise
    return n


@kernel(counted=False)
def _draw(cells: Any, row: Any, seed: Any) -> Any:
    """Return the pixel's next random number."""
    draw = np.int64(cells[row, DRAWS])
    cells[row, DRAWS] = draw + 1
    return uniform(seed, row, draw)


@kernel(counted=False)
def _wait(cells: Any, row: Any, seed: Any) -> Any:
    """Return an exponential random number of mean 1."""
    return -ln(_draw(cells, row, seed))


@kernel(counted=False, apart=True)
def watch(
    cells: Any, times: Any, stack: Any, params: Any, seed: Any, band: Any, cursor: Any,
    work: Any, near_t: Any, near_p: Any, out: Any,
) -> Any:  # fmt: skip
    """Show a block of images to a band of pixels; return how many events came.

    Stops early when the room might not do for the next pixel; ``cursor`` then says where to go on.

    Args:
        cells: State of all pixels.
        times: float64 ``[T + 1]`` µs; the first is where the pixels are.
        stack: float32 ``[T, H, W]`` cd/m2 at the others.
        params: From `PixelModel.params`.
        seed: The one given to `PixelModel.cells`.
        band: First and one-past-last row.
        cursor: int64 ``[1]``, pixels of the band done so far; updated.
        work: float64 ``[6, T]``, working memory.
        near_t: int64 ``[T * MOST_PER_STEP]``, working memory, and ``near_p`` uint8 alike.
        near_p: See there.
        out: int64 ``[room]``, events for `unpack`, with times from ``times[0]`` on.
    """
    steps, _, width = stack.shape
    bright, first, n = work[5], np.int64(times[0]), 0
    for pixel in range(band[0] * width + cursor[0], band[1] * width):
        if n + near_t.shape[0] > out.shape[0]:
            cursor[0] = pixel - band[0] * width
            return n
        y, x = pixel // width, pixel % width
        for k in range(steps):
            bright[k] = stack[k, y, x]
        count = advance_along(
            cells, pixel, times, 1, bright, steps, params, seed, work, near_t, near_p, 0
        )
        for event in range(count):
            out[n + event] = _packed(near_t[event] - first, x, y, near_p[event])
        n += count
    cursor[0] = (band[1] - band[0]) * width
    return n


@kernel(counted=False)
def _packed(time: Any, x: Any, y: Any, p: Any) -> Any:
    return (time << 33) | (np.int64(p) << 32) | (np.int64(y) << 16) | np.int64(x)


@kernel
def unpack(events: Any, first: Any, t: Any, x: Any, y: Any, p: Any) -> None:
    """Sort packed events by time and write them out; those of one microsecond keep their order.

    A radix sort from the last digit on. It overwrites ``events``.

    Args:
        events: int64 ``[N]``: time since ``first`` (less than `LONGEST_US`), p, y, x.
        first: µs.
        t: int64 ``[N]``; ``x``, ``y`` uint16 and ``p`` uint8 alike.
        x: Columns.
        y: Rows.
        p: Polarities.
    """
    count, last = events.shape[0], 0
    for k in range(count):
        last = max(last, events[k] >> 33)
    bits = 0
    while last >> bits > 0:
        bits += 1
    passes = (bits + _WIDEST_DIGIT - 1) // _WIDEST_DIGIT
    digit = (bits + passes - 1) // passes if passes > 0 else 0
    mask = (1 << digit) - 1
    spare = np.empty(count if passes > 0 else 0, np.int64)
    for turn in range(passes):
        shift = 33 + turn * digit
        starts = np.zeros(mask + 2, np.int64)
        for k in range(count):
            starts[((events[k] >> shift) & mask) + 1] += 1
        for value in range(mask + 1):
            starts[value + 1] += starts[value]
        for k in range(count):
            value = (events[k] >> shift) & mask
            spare[starts[value]] = events[k]
            starts[value] += 1
        events, spare = spare, events
    for k in range(count):
        event = events[k]
        t[k], p[k] = first + (event >> 33), np.uint8((event >> 32) & 1)
        y[k], x[k] = np.uint16((event >> 16) & 0xFFFF), np.uint16(event & 0xFFFF)


@kernel
def _pack(t: Any, x: Any, y: Any, p: Any, first: Any, events: Any) -> None:
    for k in range(t.shape[0]):
        events[k] = _packed(t[k] - first, x[k], y[k], p[k])


def order_by_time(t: Any, x: Any, y: Any, p: Any) -> None:
    """Sort events by time where they lie; events of the same microsecond keep their order.

    Args:
        t: int64 ``[N]`` µs.
        x: uint16 ``[N]``; ``y`` alike, ``p`` uint8.
        y: Rows.
        p: Polarities.

    Examples:
        >>> t, x, y, p = np.array([3, 1, 3]), *(np.array([1, 0, 0], k) for k in ("u2", "u2", "u1"))
        >>> order_by_time(t, x, y, p)
        >>> t.tolist(), x.tolist(), p.tolist()
        ([1, 3, 3], [0, 1, 0], [0, 1, 0])
    """
    if t.shape[0] == 0:
        return
    first = int(t.min())
    if int(t.max()) - first < LONGEST_US:
        events = np.empty(t.shape[0], np.int64)
        _pack(t, x, y, p, first, events)
        unpack(events, first, t, x, y, p)
        return
    order = np.argsort(t, kind="stable")
    for column in (t, x, y, p):
        column[:] = column[order]
