"""The two operations of a fused SEW-ResNet as CPU kernels, in tiles that stay in the cache.

    separable    bytes -> depthwise 3x3 -> pointwise -> [>= threshold] -> connect -> bytes
    stem         counts -> depthwise 7x7/2 -> pointwise -> [>= threshold] -> 3x3/2 maximum -> bytes

Maps are ``[B, H, W, C]`` bytes, channels innermost and padded to a multiple of LANES_OUT. A work
item is one tile of output rows of one sample; a kernel does the items ``first <= i < last``, so
that threads share a layer without sharing anything they write. The arithmetic in plain NumPy is in
`saccade.layers.fused_reference`.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from saccade.jit import kernel
from saccade.layers.spike_gemm import (
    LANES,
    LANES_OUT,
    ROWS,
    depthwise_row,
    depthwise_row_strided,
    threshold_product,
    threshold_row,
)

__all__ = ["separable", "stem"]

Bytes = NDArray[np.uint8]
Floats = NDArray[np.float32]
Counts = NDArray[np.int64]


@kernel
def _products(
    tile: Floats,
    pixels: int,
    room: int,
    depth: int,
    panels: Floats,
    threshold: Floats,
    identity: Bytes,
    out: Bytes,
    out_at: int,
    channels: int,
    connect: Bytes,
) -> int:
    """Multiply a tile of ``pixels`` by all channels; return the number of spikes."""
    spikes = 0
    fired, keep_on, keep_off = connect[0], connect[1], connect[2]
    for channel in range(0, channels, LANES_OUT):
        for pixel in range(0, pixels, ROWS):
            valid, at = min(ROWS, pixels - pixel), out_at + pixel * channels + channel
            spikes += threshold_product(
                *(tile, pixel * LANES, room * LANES, depth // LANES, valid),
                *(panels, channel * depth, threshold, channel),
                *(identity, out, at, channels, fired, keep_on, keep_off),
            )
    return spikes


@kernel
def separable(
    x: Bytes,
    shape: Counts,
    items: Counts,
    depthwise: Floats,
    panels: Floats,
    threshold: Floats,
    identity: Bytes,
    out: Bytes,
    connect: Bytes,
    tile: Floats,
    zeros: Bytes,
    counts: Counts,
) -> None:
    """Depthwise 3x3, pointwise, threshold and connection.

    Args:
        x: Input map, flat.
        shape: height, width, channels, height out, width out, channels out, stride; channels are
            padded.
        items: first, last, tiles per sample, rows per tile.
        depthwise: ``[9, channels padded]``, flat.
        panels: Pointwise weights in blocks of LANES_OUT output channels, flat.
        threshold: Per output channel; +inf for padding.
        identity: What the spikes are connected with, flat, as ``out``.
        out: Output map, flat.
        connect: fired, keep_on, keep_off of `threshold_product`.
        tile: Room for the pixels of a tile, rounded up to whole register blocks.
        zeros: At least one input row of zeros.
        counts: Spikes per sample, added to.
    """
    height, width, padded = shape[0], shape[1], shape[2]
    height_out, width_out, channels, stride = shape[3], shape[4], shape[5], shape[6]
    tiles, rows = items[2], items[3]
    line, room = width * padded, -(-rows * width_out // ROWS) * ROWS
    for item in range(items[0], items[1]):
        sample = item // tiles
        begin = (item % tiles) * rows
        end = min(begin + rows, height_out)
        for y in range(begin, end):
            center = (sample * height + y * stride) * line
            upper = center - line if y > 0 else -line
            lower = center + line if y * stride + 1 < height else -line
            for c in range(0, padded, LANES):
                at = c * room + (y - begin) * width_out * LANES
                if stride == 1:
                    depthwise_row(
                        *(x, upper + c, center + c, lower + c, padded, width, zeros),
                        *(depthwise, c, padded, tile, at, width_out),
                    )
                else:
                    depthwise_row_strided(
                        *(x, upper + c, center + c, lower + c, padded, width, zeros),
                        *(depthwise, c, padded, tile, at, width_out),
                    )
        pixels = (end - begin) * width_out
        at = (sample * height_out + begin) * width_out * channels
        counts[sample] += _products(
            *(tile, pixels, room, padded, panels, threshold),
            *(identity, out, at, channels, connect),
        )


@kernel
def _split_row(
    frames: Floats, sample: int, y: int, height: int, width: int, halves: Floats, half: int
) -> None:
    """Put input row y, after 3 zeros on the left, as even and odd columns into the ring.

    The ring is ``[8 rows, 2 channels, 2 parities, half]``; a row outside the frame is zeros.
    """
    for channel in range(2):
        to = ((y % 8) * 2 + channel) * 2 * half
        halves[to : to + 2 * half] = np.float32(0.0)
        if y < 0 or y >= height:
            continue
        at = ((sample * 2 + channel) * height + y) * width
        even, odd = halves[to + 2 : to + half], halves[to + half + 1 : to + 2 * half]
        row = frames[at : at + width]
        for i in range(width // 2):
            odd[i] = row[2 * i]
            even[i] = row[2 * i + 1]
        if width % 2:
            odd[width // 2] = row[width - 1]


@kernel
def _stem_row(
    halves: Floats, first: int, half: int, weights: Floats, sums: Floats, line: Floats
) -> None:
    """Depthwise 7x7 with stride 2: one row of both channels, interleaved by pixel.

    ``halves`` is the ring of `_split_row`; the window begins at input row ``first``.
    """
    width = sums.shape[0]
    for channel in range(2):
        sums[:] = np.float32(0.0)
        for dy in range(7):
            at = (((first + dy) % 8) * 2 + channel) * 2 * half
            even, odd = halves[at : at + half], halves[at + half : at + 2 * half]
            w = weights[(channel * 7 + dy) * 7 : (channel * 7 + dy) * 7 + 7]
            w0, w1, w2, w3, w4, w5, w6 = w[0], w[1], w[2], w[3], w[4], w[5], w[6]
            for x in range(width):
                evens = w0 * even[x] + w2 * even[x + 1] + w4 * even[x + 2] + w6 * even[x + 3]
                sums[x] += evens + (w1 * odd[x] + w3 * odd[x + 1] + w5 * odd[x + 2])
        for x in range(width):
            line[2 * x + channel] = sums[x]


@kernel
def _fire_row(
    line: Floats,
    width: int,
    weights: Floats,
    channels: int,
    threshold: Floats,
    spikes: Bytes,
    spikes_at: int,
) -> int:
    """Pointwise convolution of two channels and threshold for one row; return its spikes."""
    total = 0
    for x in range(0, width, 255):
        for c in range(0, channels, LANES_OUT):
            total += threshold_row(
                *(line, 2 * x, weights, c, channels, threshold),
                *(spikes, spikes_at + x * channels + c, channels, min(255, width - x)),
            )
    return total


@kernel
def _pool_row(spikes: Bytes, row: int, width: int, channels: int, out: Bytes, at: int) -> None:
    """Maximum over 3 rows of spikes (a ring) and 3 columns, stride 2: one output row.

    Spikes are 0 or 1, so their maximum is a bitwise or, done on eight channels at a time. The first
    pass leaves the maximum over rows behind the ring; a column outside the map is replaced by its
    neighbour, which changes no maximum.
    """
    words, results = spikes.view(np.uint64), out.view(np.uint64)
    step, line = channels // 8, row // 8
    tallest = words[3 * line : 4 * line]
    upper, center, lower = words[:line], words[line : 2 * line], words[2 * line : 3 * line]
    for i in range(line):
        tallest[i] = upper[i] | center[i] | lower[i]
    for x in range((width + 1) // 2):
        left, middle = max(2 * x - 1, 0) * step, 2 * x * step
        right, to = min(2 * x + 1, width - 1) * step, at // 8 + x * step
        for c in range(step):
            results[to + c] = tallest[left + c] | tallest[middle + c] | tallest[right + c]


@kernel
def stem(
    frames: Floats,
    shape: Counts,
    items: Counts,
    depthwise: Floats,
    weights: Floats,
    threshold: Floats,
    out: Bytes,
    scratch: Floats,
    spikes: Bytes,
    counts: Counts,
) -> None:
    """First convolution, threshold and pooling, without the large map in between.

    Args:
        frames: ``[B, 2, height, width]``, flat.
        shape: height, width, and height, width of the convolution, height, width after pooling,
            channels padded.
        items: first, last, tiles per sample, rows per tile (rows after pooling).
        depthwise: ``[2, 7, 7]``, flat.
        weights: ``[2, channels]``, flat.
        threshold: As in `separable`.
        out: Pooled map, flat.
        scratch: Room for 35 rows of the convolution and 128 numbers.
        spikes: Room for four rows of spikes.
        counts: Spikes per sample before pooling, added to.
    """
    tiles, rows = items[2], items[3]
    for item in range(items[0], items[1]):
        begin = (item % tiles) * rows
        end = min(begin + rows, shape[4])
        counts[item // tiles] += _stem_tile(
            *(frames, item // tiles, begin, end, shape),
            *(depthwise, weights, threshold, out, scratch, spikes),
        )


@kernel
def _stem_tile(
    frames: Floats,
    sample: int,
    begin: int,
    end: int,
    shape: Counts,
    depthwise: Floats,
    weights: Floats,
    threshold: Floats,
    out: Bytes,
    scratch: Floats,
    spikes: Bytes,
) -> int:
    """Rows ``begin <= y < end`` of the pooled map; return the spikes before pooling."""
    height, width, height_mid, width_mid = shape[0], shape[1], shape[2], shape[3]
    height_out, width_out, channels = shape[4], shape[5], shape[6]
    row, half = width_mid * channels, width_mid + 4
    sums, line, halves = scratch[:width_mid], scratch[width_mid:], scratch[3 * width_mid :]
    total, ready = 0, 4 * begin - 5
    for y in range(2 * begin - 1, 2 * end):
        slot = (y + 3) % 3 * row
        if y < 0 or y >= height_mid:
            spikes[slot : slot + row] = np.uint8(0)
        else:
            while ready <= 2 * y + 3:
                _split_row(frames, sample, ready, height, width, halves, half)
                ready += 1
            _stem_row(halves, 2 * y - 3, half, depthwise, sums, line)
            fired = _fire_row(line, width_mid, weights, channels, threshold, spikes, slot)
            # The row above the tile belongs to the tile above, which counts it.
            total += fired if y >= 2 * begin else 0
        if y % 2 and y > 2 * begin:
            at = (sample * height_out + y // 2) * width_out * channels
            _pool_row(spikes, row, width_mid, channels, out, at)
    return total
