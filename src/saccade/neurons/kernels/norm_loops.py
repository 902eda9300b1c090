"""Compiled loops of batch norm followed by one step of a neuron from rest (`norm_fire`).

Rows of the scratch array are those of `cpu_rows`; those that a single step does not need hold
numbers per channel. A map whose channels are innermost is walked in blocks of whole pixels, so
that the row of a parameter is filled once and holds for every block; a map of planes is walked
plane by plane with single numbers. ``spike`` is (gain, rest, level, threshold) of the neuron.
"""

from __future__ import annotations

from typing import Any

from saccade.jit import kernel
from saccade.neurons.kernels.cpu_memory import memory
from saccade.neurons.kernels.cpu_ranges import fold
from saccade.neurons.kernels.cpu_rows import DECAY, G_DECAY, G_GAIN, GAIN, PHI, THETA
from saccade.neurons.kernels.cpu_surrogate import surrogate_row

__all__ = ["fire_range", "gradient_range", "moments_range", "pulse_range"]

SCALE, SHIFT, CENTRE = DECAY, GAIN, THETA
SUM, DOT = G_DECAY, G_GAIN
BLOCKS = 32
"""Blocks whose sums are kept in the scratch array before they are added in double precision."""


@kernel
def tile(row: int, values: Any, n: int, w: Any) -> None:
    """Repeat one number per channel over a row of ``n`` lanes."""
    for start in range(0, n, values.size):
        for c in range(values.size):
            w[row + start + c] = values[c]


@kernel
def clear(n: int, w: Any) -> None:
    """Set both rows of sums to zero."""
    for j in range(n):
        w[SUM + j] = w.dtype.type(0.0)
        w[DOT + j] = w.dtype.type(0.0)


@kernel
def gather(row: int, n: int, channels: int, w: Any) -> None:
    """Add the pixels of a row onto its first one."""
    for start in range(row + channels, row + n, channels):
        for c in range(channels):
            w[row + c] += w[start + c]


@kernel
def add_moments(x: Any, n: int, w: Any) -> None:
    """Add deviations from the centre, and their squares, of a map to both rows of sums."""
    for start in range(0, x.size, n):
        part = x[start : min(start + n, x.size)]
        for j in range(part.size):
            d = part[j] - w[CENTRE + j]
            w[SUM + j] += d
            w[DOT + j] += d * d


@kernel
def merge(moments: Any, c: int, count: int, centre: float, total: float, squares: float) -> None:
    """Join a part with what a channel has: [count, mean, squared deviations from the mean]."""
    before = moments[0, c]
    both = before + count
    mean = centre + total / count
    delta = mean - moments[1, c]
    moments[0, c] = both
    moments[1, c] += delta * count / both
    moments[2, c] += squares - total * total / count + delta * delta * before * count / both


@kernel
def moments_range(
    at: int, channels: int, inner: int, first: int, last: int, n: int, moments: Any, w: Any
) -> None:
    """Count, mean and squared deviations per channel, ``moments`` ``[3, channels]`` in float64.

    Deviations are taken from the mean so far, which loses nothing: as many values went into it.

    Args:
        at: Address of the map.
        channels: C.
        inner: 0 where channels are innermost, else numbers per plane.
        first: First row (pixel, or plane) of the range.
        last: Row behind it.
        n: Lanes of a block; whole pixels.
        moments: Where the result is added.
        w: Scratch.
    """
    if inner:
        for plane in range(first, last):
            x, c = memory(at + plane * inner * w.itemsize, inner, w), plane % channels
            if moments[0, c] == 0:
                total = 0.0
                for j in range(inner):
                    total += x[j]
                moments[1, c] = total / inner
            lanes = min(n, inner)
            for j in range(lanes):
                w[CENTRE + j] = moments[1, c]
            clear(lanes, w)
            add_moments(x, lanes, w)
            total, squares = fold(w[SUM : SUM + lanes]), fold(w[DOT : DOT + lanes])
            merge(moments, c, inner, float(w[CENTRE]), total, squares)
        return
    pixels = BLOCKS * (n // channels)
    for start in range(first, last, pixels):
        count = min(pixels, last - start)
        x = memory(at + start * channels * w.itemsize, count * channels, w)
        if start == first:
            for c in range(channels):
                w[SUM + c] = x[c]
            tile(CENTRE, w[SUM : SUM + channels], n, w)
            clear(n, w)
            add_moments(x, n, w)
            gather(SUM, n, channels, w)
            for c in range(channels):
                moments[1, c] = w[CENTRE + c] + w[SUM + c] / count
        for c in range(channels):
            w[SUM + c] = moments[1, c]
        tile(CENTRE, w[SUM : SUM + channels], n, w)
        clear(n, w)
        add_moments(x, n, w)
        gather(SUM, n, channels, w)
        gather(DOT, n, channels, w)
        for c in range(channels):
            merge(moments, c, count, float(w[CENTRE + c]), w[SUM + c], w[DOT + c])


@kernel
def fire_range(
    at: Any, channels: int, inner: int, spike: Any, first: int, last: int, n: int, w: Any
) -> None:
    """Spikes of a range of rows; ``at``: x, scale, shift, spikes; the rest as `moments_range`."""
    real = w.dtype.type
    gain, rest, level = real(spike[0]), real(spike[1]), real(spike[2])
    one, zero = real(1.0), real(0.0)
    scale, shift = memory(at[1], channels, w), memory(at[2], channels, w)
    if inner:
        for plane in range(first, last):
            begin, c = plane * inner * w.itemsize, plane % channels
            x, s = memory(at[0] + begin, inner, w), memory(at[3] + begin, inner, w)
            a, b = scale[c], shift[c]
            for j in range(inner):
                s[j] = one if gain * (x[j] * a + b) + rest >= level else zero
        return
    tile(SCALE, scale, n, w)
    tile(SHIFT, shift, n, w)
    size = channels * w.itemsize
    for start in range(first, last, n // channels):
        lanes = min(n, (last - start) * channels)
        x = memory(at[0] + start * size, lanes, w)
        s = memory(at[3] + start * size, lanes, w)
        for j in range(lanes):
            h = gain * (x[j] * w[SCALE + j] + w[SHIFT + j]) + rest
            s[j] = one if h >= level else zero


@kernel
def pulse(g: Any, x: Any, gz: Any, spike: Any, surrogate: Any, w: Any) -> None:
    """gz = dL/d(normalised x) of a block; adds it, and its product with x - mean, to the sums."""
    real = w.dtype.type
    gain, rest, theta = real(spike[0]), real(spike[1]), real(spike[3])
    for j in range(x.size):
        w[PHI + j] = gain * (x[j] * w[SCALE + j] + w[SHIFT + j]) + rest - theta
    surrogate_row(w, x.size, surrogate[0], real(surrogate[1]), real(surrogate[2]))
    for j in range(x.size):
        w[PHI + j] = gain * (g[j] * w[PHI + j])
        gz[j] = w[PHI + j]
    for j in range(x.size):
        w[SUM + j] += w[PHI + j]
        w[DOT + j] += w[PHI + j] * (x[j] - w[CENTRE + j])


@kernel
def pulse_range(
    at: Any,
    channels: int,
    inner: int,
    spike: Any,
    surrogate: Any,
    first: int,
    last: int,
    n: int,
    sums: Any,
    w: Any,
) -> None:
    """Gradient at the normalised map, and per channel Σ gz and Σ gz (x - mean) in ``sums``.

    ``at``: x, scale, shift, mean, grad of spikes, gz. ``surrogate``: code and its constants.
    """
    scale, shift = memory(at[1], channels, w), memory(at[2], channels, w)
    mean, step = memory(at[3], channels, w), channels * w.itemsize
    if inner:
        lanes = min(n, inner)
        for plane in range(first, last):
            c = plane % channels
            tile(SCALE, scale[c : c + 1], lanes, w)
            tile(SHIFT, shift[c : c + 1], lanes, w)
            tile(CENTRE, mean[c : c + 1], lanes, w)
            clear(lanes, w)
            for start in range(plane * inner, (plane + 1) * inner, lanes):
                size, begin = min(lanes, (plane + 1) * inner - start), start * w.itemsize
                x, g = memory(at[0] + begin, size, w), memory(at[4] + begin, size, w)
                pulse(g, x, memory(at[5] + begin, size, w), spike, surrogate, w)
            sums[0, c] += fold(w[SUM : SUM + lanes])
            sums[1, c] += fold(w[DOT : DOT + lanes])
        return
    tile(SCALE, scale, n, w)
    tile(SHIFT, shift, n, w)
    tile(CENTRE, mean, n, w)
    pixels = n // channels
    for chunk in range(first, last, BLOCKS * pixels):
        clear(n, w)
        for start in range(chunk, min(last, chunk + BLOCKS * pixels), pixels):
            size = min(pixels, last - start) * channels
            x = memory(at[0] + start * step, size, w)
            g, gz = memory(at[4] + start * step, size, w), memory(at[5] + start * step, size, w)
            pulse(g, x, gz, spike, surrogate, w)
        gather(SUM, n, channels, w)
        gather(DOT, n, channels, w)
        for c in range(channels):
            sums[0, c] += w[SUM + c]
            sums[1, c] += w[DOT + c]


@kernel
def gradient_range(
    at: Any, channels: int, inner: int, first: int, last: int, n: int, w: Any
) -> None:
    """gz <- scale gz + slope x + offset; ``at``: x, scale, slope, offset, gz."""
    scale, slope = memory(at[1], channels, w), memory(at[2], channels, w)
    offset, step = memory(at[3], channels, w), channels * w.itemsize
    if inner:
        for plane in range(first, last):
            begin, c = plane * inner * w.itemsize, plane % channels
            x, gz = memory(at[0] + begin, inner, w), memory(at[4] + begin, inner, w)
            a, b, o = scale[c], slope[c], offset[c]
            for j in range(inner):
                gz[j] = a * gz[j] + b * x[j] + o
        return
    tile(SCALE, scale, n, w)
    tile(SHIFT, slope, n, w)
    tile(CENTRE, offset, n, w)
    for start in range(first, last, n // channels):
        lanes = min(n, (last - start) * channels)
        x = memory(at[0] + start * step, lanes, w)
        gz = memory(at[4] + start * step, lanes, w)
        for j in range(lanes):
            gz[j] = w[SCALE + j] * gz[j] + w[SHIFT + j] * x[j] + w[CENTRE + j]
