"""Voxel grids: signed events spread over time bins, bilinear in time.

    s_i   = 2 p_i - 1                                        -1 for OFF, +1 for ON
    tau_i = S (t_i - t_first) / (t_last - t_first)           S = B - 1 or B, see ``weighting``
    k_i   = floor(tau_i),   d_i = tau_i - k_i
    V[k_i] += s_i (1 - d_i),   V[k_i + 1] += s_i d_i         where the bin exists

    weight                  "bins-1": a tent around each      "bins": the tents stand one bin apart
      1 |\\  /\\  /\\  /|     bin, none is lost at the ends            of B + 1, the last is cut off
        | \\/  \\/  \\/ |
      0 | /\\  /\\  /\\ |     tau
        0    1   2   B-1

With ``"bins"`` the events near the end lose weight and the last one counts nothing; this is what
SpikeVPR and tonic do. A window whose events all have the same time goes into bin 0 whole.
"""

from __future__ import annotations

from typing import Any, Literal

import numpy as np
from numpy.typing import DTypeLike, NDArray

from saccade.errors import ConfigError, ShapeError
from saccade.events.types import Events
from saccade.jit import kernel
from saccade.represent.cells import BLOCK, columns, fill_cells, whole, window_ranges

__all__ = [
    "ChannelOrder",
    "Weighting",
    "collapse_voxel_grid",
    "voxel_grid",
    "voxel_grids",
    "voxel_grids_reference",
]

_LONG = 2**31 - 1  # microseconds a block may last: its times are then 32-bit numbers

Weighting = Literal["bins-1", "bins"]
ChannelOrder = tuple[Literal["OFF", "ON"], Literal["OFF", "ON"]]


def voxel_grid(
    events: Events,
    bins: int,
    *,
    weighting: Weighting = "bins-1",
    dtype: DTypeLike = np.float32,
) -> NDArray[Any]:
    """Spread signed events over time bins.

    Args:
        events: Events, none included.
        bins: Number of bins B.
        weighting: ``"bins-1"``: the first event sits on the first bin and the last on the last.
            ``"bins"``: the published variant of SpikeVPR and tonic.
        dtype: float32 or float64.

    Returns:
        Signed event mass ``[B, H, W]``.

    Raises:
        ConfigError: ``bins`` is below 1, or the weighting or ``dtype`` is unknown.

    Example:
        >>> from saccade.events import SensorSize
        >>> events = Events([0, 0, 0], [0, 0, 0], [0, 3, 4], [1, 1, 0], SensorSize(1, 1))
        >>> voxel_grid(events, 2).ravel().tolist()
        [1.25, -0.25]

    Reference:
        Zhu, Yuan, Chaney, Daniilidis: Unsupervised event-based learning of optical flow, depth, and
        egomotion, CVPR 2019.
    """
    return voxel_grids(events, whole(events), bins, weighting=weighting, dtype=dtype)[0]


def voxel_grids(
    events: Events,
    windows: NDArray[np.int64],
    bins: int,
    *,
    weighting: Weighting = "bins-1",
    dtype: DTypeLike = np.float32,
) -> NDArray[Any]:
    """Spread the signed events of every window over its bins, in one pass over the events.

    Args:
        events: The recording.
        windows: Half-open index ranges ``[K, 2]``; t_first and t_last are those of each window.
        bins: Number of bins B.
        weighting: As in `voxel_grid`.
        dtype: float32 or float64.

    Returns:
        Signed event mass ``[K, B, H, W]``.

    Raises:
        ConfigError: ``bins`` is below 1, or the weighting or ``dtype`` is unknown.
        ShapeError: A window lies outside the recording.
    """
    span = _span(bins, weighting)
    kind = np.dtype(dtype)
    if kind not in (np.float32, np.float64):
        raise ConfigError(f"dtype {kind} for a voxel grid.", "Expected float32 or float64.")
    ranges = window_ranges(events, windows)
    x, y, t, p = columns(events)
    size = events.size
    grids = np.empty((len(ranges), bins, size.pixels), kind)
    _voxel(x, y, t, p, ranges, size.width, span, grids)
    return grids.reshape(-1, bins, size.height, size.width)


def voxel_grids_reference(
    events: Events,
    windows: NDArray[np.int64],
    bins: int,
    *,
    weighting: Weighting = "bins-1",
) -> NDArray[np.float64]:
    """Compute `voxel_grids` the plain way, as the equations read."""
    span = _span(bins, weighting)
    height, width = events.size.height, events.size.width
    grids = np.zeros((len(windows), bins + 2, height, width))
    for grid, (start, stop) in zip(grids, window_ranges(events, windows), strict=True):
        piece = events[int(start) : int(stop)]
        s = 2.0 * piece.p - 1.0
        tau = (piece.t - piece.t[:1]) * (span / max(1, piece.duration_us))
        k = tau.astype(np.int64)
        d = tau - k
        np.add.at(grid, (k, piece.y, piece.x), s * (1 - d))
        np.add.at(grid, (k + 1, piece.y, piece.x), s * d)
    return grids[:, :bins]


def collapse_voxel_grid(
    grid: NDArray[Any], *, order: ChannelOrder = ("OFF", "ON")
) -> NDArray[np.float32]:
    """Sum a voxel grid over its bins, separately for what is negative and what is positive.

        OFF = sum_b max(0, -V[b]),   ON = sum_b max(0, V[b])

    Opposite polarities that meet in one bin of one pixel have cancelled before: this is no count
    frame.

    Args:
        grid: Voxel grids ``[..., B, H, W]``; a run of bins is collapsed by slicing it first.
        order: Channel order of the result; ``("ON", "OFF")`` is that of the published place
            recognition networks.

    Returns:
        float32 ``[..., 2, H, W]``.

    Raises:
        ShapeError: ``grid`` has fewer than three axes.
        ConfigError: ``order`` is not a permutation of OFF and ON.

    Example:
        >>> grid = np.array([0.5, -0.25, 1.0]).reshape(3, 1, 1)
        >>> collapse_voxel_grid(grid).ravel().tolist()
        [0.25, 1.5]
    """
    if grid.ndim < 3:
        raise ShapeError(f"The grid has shape {grid.shape}.", "Expected [..., B, H, W].")
    if sorted(order) != ["OFF", "ON"]:
        raise ConfigError(f"order={order!r}.", "Expected ('OFF', 'ON') or ('ON', 'OFF').")
    on = np.maximum(grid, 0).sum(axis=-3, dtype=np.float64)
    off = np.maximum(-grid, 0).sum(axis=-3, dtype=np.float64)
    channels = (off, on) if order[0] == "OFF" else (on, off)
    return np.stack(channels, axis=-3).astype(np.float32)


def _span(bins: int, weighting: str) -> float:
    """Return S, the value of tau at the last event."""
    if bins < 1:
        raise ConfigError(f"bins is {bins:,}.", "Expected 1 or more.")
    if weighting not in ("bins-1", "bins"):
        raise ConfigError(f"Voxel weighting {weighting!r}.", "Expected 'bins-1' or 'bins'.")
    return float(bins if weighting == "bins" else bins - 1)


@kernel
def _first_at(t: NDArray[np.int64], start: int, stop: int, scale: float, edge: float) -> int:
    """Return the first event of a window whose tau reaches ``edge``: tau grows with the index."""
    low, high = start, stop
    while low < high:
        middle = (low + high) // 2
        if np.float64(t[middle] - t[start]) * scale < edge:
            low = middle + 1
        else:
            high = middle
    return low


@kernel
def _voxel(
    x: NDArray[np.uint16],
    y: NDArray[np.uint16],
    t: NDArray[np.int64],
    p: NDArray[np.uint8],
    windows: NDArray[np.int64],
    width: int,
    span: float,
    grids: NDArray[Any],
) -> None:
    # Time is sorted, so only two bins receive at any moment. They lie side by side, pixel by pixel,
    # and one memory access serves both.
    bins, plane = grids.shape[1], grids.shape[2]
    pair = np.zeros(2 * plane, grids.dtype)
    for k in range(windows.shape[0]):
        first, end = windows[k, 0], windows[k, 1]
        duration = t[end - 1] - t[first] if end > first else 0
        scale = span / max(1, duration)
        begin = first
        for b in range(bins):
            stop = _first_at(t, first, end, scale, b + 1.0)
            _spread(x, y, t, p, begin, stop, t[first] if end > first else 0, scale, b, width, pair)
            begin = stop
            grid = grids[k, b]
            for c in range(plane):
                grid[c] = pair[2 * c]
                pair[2 * c] = pair[2 * c + 1]
                pair[2 * c + 1] = 0
        pair[:] = 0


@kernel
def _spread(
    x: NDArray[np.uint16],
    y: NDArray[np.uint16],
    t: NDArray[np.int64],
    p: NDArray[np.uint8],
    begin: int,
    end: int,
    t_first: int,
    scale: float,
    b: int,
    width: int,
    pair: NDArray[Any],
) -> None:
    """Add the events of one bin interval to the pair of bins around it."""
    cells = np.empty(BLOCK, np.uint32)
    early = np.empty(BLOCK, pair.dtype)
    late = np.empty(BLOCK, pair.dtype)
    start = begin
    while start < end:
        stop = min(start + BLOCK, end)
        while t[stop - 1] - t[start] > _LONG:
            stop = start + (stop - start) // 2
        fill_cells(x[start:stop], y[start:stop], p[start:stop], width, 0, cells)
        d = np.float64(t[start] - t_first) * scale - b
        _weigh(t[start:stop], p[start:stop], d, scale, early, late)
        for i in range(stop - start):
            c = np.uint64(cells[i]) * np.uint64(2)
            pair[c] += early[i]
            pair[c + np.uint64(1)] += late[i]
        start = stop


@kernel
def _weigh(
    t: NDArray[np.int64],
    p: NDArray[np.uint8],
    d_first: float,
    scale: float,
    early: NDArray[Any],
    late: NDArray[Any],
) -> None:
    """Compute s(1 - d) and s·d of a block; ``d_first`` is d of its first event."""
    kind = early.dtype.type
    offset, slope, origin = kind(d_first), kind(scale), t[0]
    for i in range(t.shape[0]):
        s = kind(np.int32(p[i]) * 2 - 1)
        d = offset + kind(np.int32(t[i] - origin)) * slope
        late[i] = s * d
        early[i] = s - s * d
