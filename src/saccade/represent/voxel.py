"""Voxel grids: events spread over time bins, so that a window keeps some of its timing.

    s_i = +1 (ON), -1 (OFF)                         weight of event i
    τ_i = n (t_i - t_first) / (t_last - t_first)    position in time, in bins
    v[b, y, x] = Σ_i s_i max(0, 1 - |b - τ_i|)      bilinear: shared by the two nearest bins

        bin     0       1       2       3                n = bins - 1
                |---x---|-------|-------|                the first event is all in bin 0, the last
                1-d   d                                  all in bin B-1, no weight is lost

``weighting="bins-1"`` (E2VID, DSEC) is that, n = B - 1. ``weighting="bins"`` (SpikeVPR) has n = B:
what would fall into bin B is lost, so the last bin fades out and the last event counts nothing.
``t_first`` and ``t_last`` are the first and last event of each window; where they are equal (one
event, or one microsecond) τ is 0.

Dense bins are summed in one float64 per pixel, Σ s (M + d) with M = 2^24: at most M / 2 events keep
|Σ s d| below M / 2, so that Σ s is the multiple of M and Σ s d the rest. Bin b gets Σ s - Σ s d and
bin b + 1 gets Σ s d. One access to memory per event instead of two.
"""

from __future__ import annotations

from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from saccade.errors import ConfigError, ShapeError
from saccade.events.slicing import Windows, check_windows
from saccade.events.types import Events
from saccade.jit import kernel
from saccade.represent.pixels import BLOCK, columns, locate, whole

__all__ = ["collapse_voxel_grid", "voxel_grid", "voxel_grids"]

Weighting = Literal["bins-1", "bins"]

_LONGEST = (1 << 31) - 1  # microseconds
_UNIT = float(1 << 24)
_MOST_EVENTS = 1 << 23


def voxel_grid(
    events: Events, bins: int, *, weighting: Weighting = "bins-1"
) -> NDArray[np.float32]:
    """Spread all events of a piece of a recording over time bins.

    Args:
        events: Events of one window.
        bins: Number of time bins B.
        weighting: ``"bins-1"`` (E2VID, DSEC) or ``"bins"`` (SpikeVPR), see the module.

    Returns:
        float32 ``[B, H, W]``, signed.

    Raises:
        ConfigError: ``bins`` is not positive, or another ``weighting``.

    Examples:
        >>> from saccade.events import Events, SensorSize
        >>> events = Events([0, 1, 2], [0, 0, 0], [0, 25, 100], [1, 0, 1], SensorSize(1, 3))
        >>> voxel_grid(events, 3)[:, 0].tolist()
        [[1.0, -0.5, 0.0], [0.0, -0.5, 0.0], [0.0, 0.0, 1.0]]

    Reference:
        Zhu et al., Unsupervised event-based learning of optical flow, depth, and egomotion, 2019,
        equations 1 and 2; Rebecq et al., High speed and high dynamic range video with an event
        camera, 2019.
    """
    return voxel_grids(events, whole(events), bins, weighting=weighting)[0]


def voxel_grids(
    events: Events, windows: Windows, bins: int, *, weighting: Weighting = "bins-1"
) -> NDArray[np.float32]:
    """Spread the events of every window over time bins, in one pass.

    Args:
        events: A recording.
        windows: int64 ``[K, 2]``, half-open index ranges; they may overlap or be empty.
        bins: Number of time bins B.
        weighting: ``"bins-1"`` (E2VID, DSEC) or ``"bins"`` (SpikeVPR), see the module.

    Returns:
        float32 ``[K, B, H, W]``, signed.

    Raises:
        ConfigError: ``bins`` is not positive, or another ``weighting``.
        ShapeError: The windows do not fit the recording.
    """
    if bins < 1:
        raise ConfigError(f"bins is {bins}.", "Expected at least 1.")
    if weighting not in ("bins-1", "bins"):
        raise ConfigError(f"weighting is {weighting!r}.", "Expected 'bins-1' or 'bins'.")
    ranges = check_windows(windows, len(events))
    size = events.size
    grids = np.zeros((len(ranges), bins, size.height, size.width), np.float32)
    steps = float(bins - 1 if weighting == "bins-1" else bins)
    flat = grids.reshape(len(ranges), bins, size.pixels)
    _spread(*columns(events), ranges, size.width, steps, flat)
    return grids


def collapse_voxel_grid(
    grid: NDArray[np.floating[Any]], *, channel_order: Literal["off_on", "on_off"] = "off_on"
) -> NDArray[np.float32]:
    """Sum the negative and the positive cells of a voxel grid over its bins.

        OFF[y, x] = Σ_b max(0, -v[b, y, x]),    ON[y, x] = Σ_b max(0, v[b, y, x])

    Opposite polarities that share a pixel and a bin have cancelled in the grid: this is not a count
    frame.

    Args:
        grid: ``[..., B, H, W]``.
        channel_order: ``"off_on"`` as everywhere here; ``"on_off"`` for weights published so.

    Returns:
        float32 ``[..., 2, H, W]``.

    Raises:
        ShapeError: ``grid`` has fewer than three dimensions.
        ConfigError: Another ``channel_order``.

    Examples:
        >>> collapse_voxel_grid(np.array([[[1.0, -0.5]], [[0.5, 2.0]]]))[:, 0].tolist()
        [[0.0, 0.5], [1.5, 2.0]]
    """
    if grid.ndim < 3:
        raise ShapeError(f"grid has shape {grid.shape}.", "Expected [..., B, H, W].")
    if channel_order not in ("off_on", "on_off"):
        raise ConfigError(f"channel_order is {channel_order!r}.", "Expected 'off_on' or 'on_off'.")
    on = np.maximum(grid, 0).sum(axis=-3, dtype=np.float64)
    off = np.maximum(-grid, 0).sum(axis=-3, dtype=np.float64)
    pair = (off, on) if channel_order == "off_on" else (on, off)
    return np.stack(pair, axis=-3).astype(np.float32)


@kernel
def _spread(
    x: NDArray[np.uint16],
    y: NDArray[np.uint16],
    t: NDArray[np.int64],
    p: NDArray[np.uint8],
    ranges: NDArray[np.int64],
    width: int,
    steps: float,
    grids: NDArray[np.float32],
) -> None:
    """Fill zeroed grids ``[K, B, H W]``: time is sorted, so each bin's events are one range."""
    bins, cells = grids.shape[1], grids.shape[2]
    block, mass = np.empty(BLOCK, np.uint32), np.empty(BLOCK, np.float64)
    sums = np.zeros(cells, np.float64)
    for k in range(ranges.shape[0]):
        start, stop = ranges[k, 0], ranges[k, 1]
        if stop == start:
            continue
        t_first = t[start]
        span = t[stop - 1] - t_first
        scale = steps / span if span > 0 else 0.0
        for b in range(bins):
            end = _bin_end(t, start, stop, t_first, scale, b + 1.0)
            while start < end:
                dense = end - start > cells // 2
                part = min(end, start + _MOST_EVENTS) if dense else end
                at = (start, part, t_first, scale, b)
                _add(x, y, t, p, at, width, dense, block, mass, sums, grids[k])
                if dense:
                    _share(sums, grids[k], b)
                start = part


@kernel
def _bin_end(
    t: NDArray[np.int64], start: int, stop: int, t_first: int, scale: float, edge: float
) -> int:
    """Index of the first event with τ >= edge."""
    while start < stop:
        middle = (start + stop) // 2
        if (t[middle] - t_first) * scale < edge:
            start = middle + 1
        else:
            stop = middle
    return start


@kernel
def _weigh(
    t: NDArray[np.int64],
    p: NDArray[np.uint8],
    first: int,
    last: int,
    t_first: int,
    scale: float,
    b: int,
    unit: float,
    mass: NDArray[np.float64],
) -> None:
    """Write s (unit + d) of a block of events."""
    times, signs = t[first:last], p[first:last]
    origin = times[0]
    offset = unit + (np.float64(origin - t_first) * scale - b)
    if times[-1] - origin > _LONGEST:
        for i in range(last - first):
            sign = np.float64(np.int32(signs[i]) * 2 - 1)
            mass[i] = sign * (offset + np.float64(times[i] - origin) * scale)
        return
    # times from the block's first event fit into 32 bits, which vector instructions convert
    for i in range(last - first):
        sign = np.float64(np.int32(np.int32(signs[i]) * 2 - 1))
        mass[i] = sign * (offset + np.float64(np.int32(times[i] - origin)) * scale)


@kernel
def _add(
    x: NDArray[np.uint16],
    y: NDArray[np.uint16],
    t: NDArray[np.int64],
    p: NDArray[np.uint8],
    at: tuple[int, int, int, float, int],
    width: int,
    dense: bool,
    block: NDArray[np.uint32],
    mass: NDArray[np.float64],
    sums: NDArray[np.float64],
    grid: NDArray[np.float32],
) -> None:
    """Dense: add Σ s (M + d) of every pixel to the sums. Else: each event to its two bins."""
    start, stop, t_first, scale, b = at
    has_next = b + 1 < grid.shape[0]
    for first in range(start, stop, BLOCK):
        last = min(first + BLOCK, stop)
        locate(x, y, p, first, last, 0, width, block)
        _weigh(t, p, first, last, t_first, scale, b, _UNIT if dense else 0.0, mass)
        if dense:
            for i in range(last - first):
                sums[block[i]] += mass[i]
            continue
        for i in range(last - first):
            j = block[i]
            sign = np.float64(np.int32(p[first + i]) * 2 - 1)
            grid[b, j] += np.float32(sign - mass[i])
            if has_next:
                grid[b + 1, j] += np.float32(mass[i])


@kernel
def _share(sums: NDArray[np.float64], grid: NDArray[np.float32], b: int) -> None:
    """Take Σ s and Σ s d apart, give them to bin b and the next (if any), and zero the sums."""
    bins = grid.shape[0]
    now, after = grid[b], grid[min(b + 1, bins - 1)]
    passed = np.float64(1.0 if b + 1 < bins else 0.0)
    for j in range(sums.shape[0]):
        total = np.floor(sums[j] * (1.0 / _UNIT) + 0.5)
        later = sums[j] - total * _UNIT
        now[j] += np.float32(total - later)
        after[j] += np.float32(passed * later)
        sums[j] = 0.0
