"""Compiled loops of a stem in training: two input channels, batch norm, spikes, maximum over 3x3.

The map before pooling is never written: its numbers follow from two per pixel. Of a window only
the pixel that the maximum was taken from matters to backward: the first that fired or, in a silent
window, the first. ``choice`` holds its place in the window, 0 to 8, row by row.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from saccade.jit import kernel
from saccade.neurons.kernels.cpu_memory import memory
from saccade.neurons.kernels.cpu_rows import DECAY, G_DECAY, G_GAIN, G_THETA, GAIN, PHI, THETA
from saccade.neurons.kernels.cpu_surrogate import surrogate_row

__all__ = ["pool_backward", "pool_forward"]

FIRST, SECOND, SHIFT = DECAY, GAIN, THETA
SUM, DOT, DOT_SECOND = G_DECAY, G_GAIN, G_THETA


@kernel
def pool_forward(at: Any, shape: Any, spike: Any, sample: int, w: Any) -> None:
    """Pooled spikes and choices of one sample.

    Args:
        at: Addresses of d ``[N, H, W, 2]``, of first, second and shift ``[C]`` (a potential is
            first d0 + second d1 + shift), of pooled spikes ``[N, H', W', C]`` and of choices.
        shape: H, W, H', W', C.
        spike: gain, rest, level and threshold of the neuron.
        sample: Which one.
        w: Scratch.
    """
    height, width, rows, columns, channels = shape
    real = w.dtype.type
    gain, rest, level = real(spike[0]), real(spike[1]), real(spike[2])
    one, zero, none = real(1.0), real(0.0), real(9.0)
    first, second = memory(at[1], channels, w), memory(at[2], channels, w)
    shift, size = memory(at[3], channels, w), 2 * height * width
    d = memory(at[0] + sample * size * w.itemsize, size, w)
    for c in range(channels):
        w[FIRST + c], w[SECOND + c], w[SHIFT + c] = first[c], second[c], shift[c]
    for window in range(rows * columns):
        top, left = 2 * (window // columns) - 1, 2 * (window % columns) - 1
        out = (sample * rows * columns + window) * channels
        s = memory(at[4] + out * w.itemsize, channels, w)
        choice = memory(at[5] + out, channels, np.empty(0, np.uint8))
        for c in range(channels):
            w[PHI + c] = none
        silent = none
        for k in range(8, -1, -1):
            y, x = top + k // 3, left + k % 3
            if y < 0 or y >= height or x < 0 or x >= width:
                continue
            d0, d1 = d[2 * (y * width + x)], d[2 * (y * width + x) + 1]
            silent = real(k)
            for c in range(channels):
                v = d0 * w[FIRST + c] + d1 * w[SECOND + c] + w[SHIFT + c]
                w[PHI + c] = silent if gain * v + rest >= level else w[PHI + c]
        for c in range(channels):
            s[c] = zero if w[PHI + c] == none else one
        for c in range(channels):
            choice[c] = np.uint8(np.int32(silent if w[PHI + c] == none else w[PHI + c]))


@kernel
def pool_backward(
    at: Any, shape: Any, spike: Any, surrogate: Any, sample: int, sums: Any, w: Any
) -> None:
    """Add up gradients of one sample.

    With gz the gradient at a normalised number: ``sums`` ``[3, C]`` becomes Σ gz, Σ gz d0 and
    Σ gz d1; the map grad_d (zero before) gets Σ over channels of gz back0 and gz back1.

    Args:
        at: Addresses of d, first, second, shift as in `pool_forward`, of the gradient of the
            pooled spikes, of choices, of back0 and back1 ``[C]``, and of grad_d.
        shape: As in `pool_forward`.
        spike: As in `pool_forward`.
        surrogate: Its code and constants.
        sample: Which one.
        sums: Float64.
        w: Scratch.
    """
    height, width, rows, columns, channels = shape
    real = w.dtype.type
    gain, rest, theta = real(spike[0]), real(spike[1]), real(spike[3])
    a, b, size = real(surrogate[1]), real(surrogate[2]), 2 * height * width
    first, second = memory(at[1], channels, w), memory(at[2], channels, w)
    shift = memory(at[3], channels, w)
    back0, back1 = memory(at[6], channels, w), memory(at[7], channels, w)
    begin = sample * size * w.itemsize
    d, grad_d = memory(at[0] + begin, size, w), memory(at[8] + begin, size, w)
    d0, d1 = np.empty(channels, w.dtype), np.empty(channels, w.dtype)
    places = np.empty(channels, np.int64)
    for row in range(rows):
        for c in range(channels):
            w[SUM + c] = w[DOT + c] = w[DOT_SECOND + c] = real(0.0)
        for column in range(columns):
            corner = (2 * row - 1) * width + 2 * column - 1
            out = ((sample * rows + row) * columns + column) * channels
            g = memory(at[4] + out * w.itemsize, channels, w)
            choice = memory(at[5] + out, channels, np.empty(0, np.uint8))
            for c in range(channels):
                k = np.int64(choice[c])
                places[c] = 2 * (corner + k // 3 * width + k % 3)
                d0[c], d1[c] = d[places[c]], d[places[c] + 1]
            for c in range(channels):
                v = d0[c] * first[c] + d1[c] * second[c] + shift[c]
                w[PHI + c] = gain * v + rest - theta
            surrogate_row(w, channels, surrogate[0], a, b)
            for c in range(channels):
                w[PHI + c] = gain * (g[c] * w[PHI + c])
            for c in range(channels):
                w[SUM + c] += w[PHI + c]
                w[DOT + c] += w[PHI + c] * d0[c]
            for c in range(channels):
                w[DOT_SECOND + c] += w[PHI + c] * d1[c]
            for c in range(channels):
                grad_d[places[c]] += w[PHI + c] * back0[c]
                grad_d[places[c] + 1] += w[PHI + c] * back1[c]
        for c in range(channels):
            sums[0, c] += w[SUM + c]
            sums[1, c] += w[DOT + c]
            sums[2, c] += w[DOT_SECOND + c]
