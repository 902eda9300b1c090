"""Count frames: events per pixel and polarity.

    f[k, p, y, x] = number of events of window k at (x, y) with polarity p        raw counts

The channel is the polarity: (OFF, ON). Nothing is normalised or clipped; a count that the chosen
type cannot hold is an error, never a wrong number.

A dense window is counted in bytes first, one plane of 2 H W bytes that fits the second-level cache.
When a byte wraps around, a counter of 256s is raised; both are put together at the end.
"""

from __future__ import annotations

from typing import Any, Literal

import numpy as np
from numpy.typing import DTypeLike, NDArray

from saccade.errors import ConfigError, DataError
from saccade.events.slicing import Windows, check_windows, windows_by_count, windows_by_time
from saccade.events.types import Events, SensorSize
from saccade.jit import kernel
from saccade.represent.pixels import BLOCK, columns, locate, whole

__all__ = ["count_frame", "count_frames", "count_frames_by_count", "count_frames_by_time"]

LARGEST = {
    "float32": 1 << 24,  # the last of the consecutive whole numbers
    "int32": (1 << 31) - 1,
    "int16": (1 << 15) - 1,
    "uint8": (1 << 8) - 1,
}
"""Types of count frames and the largest count each holds exactly."""


def count_frame(events: Events, *, dtype: DTypeLike = np.float32) -> NDArray[Any]:
    """Count all events of a piece of a recording.

        f[p, y, x] = Σ_i [x_i = x] [y_i = y] [p_i = p]

    Args:
        events: Events of one window.
        dtype: float32, int32, int16 or uint8.

    Returns:
        ``[2, H, W]``, channels (OFF, ON).

    Raises:
        ConfigError: Another ``dtype``.
        DataError: A count does not fit into ``dtype``.

    Examples:
        >>> from saccade.events import Events, SensorSize
        >>> events = Events([1, 1, 0], [0, 0, 1], [5, 9, 12], [1, 1, 0], SensorSize(2, 2))
        >>> count_frame(events)[1].tolist()
        [[0.0, 2.0], [0.0, 0.0]]
    """
    return count_frames(events, whole(events), dtype=dtype)[0]


def count_frames(
    events: Events, windows: Windows, *, dtype: DTypeLike = np.float32
) -> NDArray[Any]:
    """Count the events of every window in one pass.

    Args:
        events: A recording.
        windows: int64 ``[K, 2]``, half-open index ranges; they may overlap or be empty.
        dtype: float32, int32, int16 or uint8.

    Returns:
        ``[K, 2, H, W]``, channels (OFF, ON).

    Raises:
        ShapeError: The windows do not fit the recording.
        ConfigError: Another ``dtype``.
        DataError: A count does not fit into ``dtype``.

    Examples:
        >>> from saccade.events import Events, SensorSize
        >>> from saccade.events.slicing import windows_by_time
        >>> events = Events([1, 1, 0], [0, 0, 1], [0, 9, 10], [1, 1, 0], SensorSize(2, 2))
        >>> count_frames(events, windows_by_time(events, 10, keep_partial=True)).sum((1, 2, 3))
        array([2., 1.], dtype=float32)
    """
    ranges = check_windows(windows, len(events))
    kind = np.dtype(dtype)
    if kind.name not in LARGEST:
        raise ConfigError(f"dtype is {kind}.", f"Expected one of {', '.join(LARGEST)}.")
    height, width = events.size.height, events.size.width
    frames = np.zeros((ranges.shape[0], 2, height, width), kind)
    x, y, _, p = columns(events)
    limit = LARGEST[kind.name]
    flat = frames.reshape(len(frames), 2 * height * width)
    at, count = _count(x, y, p, ranges, height, width, limit, flat)
    if at >= 0:
        raise _too_many(int(at), int(count), kind, events.size)
    return frames


def count_frames_by_time(
    events: Events,
    window_us: int,
    *,
    step_us: int | None = None,
    dtype: DTypeLike = np.float32,
    compat: Literal["spikevpr"] | None = None,
) -> NDArray[Any]:
    """Cut a whole recording into windows of equal duration and count each.

    Natively as `windows_by_time`: as many frames as there are complete windows, none for a
    recording without events. ``compat="spikevpr"`` makes

        max(1, ⌊(t_last - t_first - window) / window⌋ + 1)        frames

    so a shorter recording still gives one, and one without events gives one frame of zeros in the
    right orientation (the original returns it transposed, defect D4).

    Args:
        events: A recording.
        window_us: Duration of a window, microseconds.
        step_us: Distance between starts; None = ``window_us``. Not with ``compat``.
        dtype: As `count_frames`.
        compat: ``"spikevpr"`` for the published rule.

    Returns:
        ``[K, 2, H, W]``.

    Raises:
        ConfigError: A duration is not positive, or ``compat`` is unknown or has a ``step_us``.
        DataError: A count does not fit into ``dtype``.
    """
    ranges = windows_by_time(events, window_us, step_us=step_us)
    if _is_compat(compat, step_us):
        span = events.duration_us - window_us
        ranges = _at_least_one(ranges[: max(1, span // window_us + 1)], events, window_us=window_us)
    return count_frames(events, ranges, dtype=dtype)


def count_frames_by_count(
    events: Events,
    count: int,
    *,
    step: int | None = None,
    dtype: DTypeLike = np.float32,
    compat: Literal["spikevpr"] | None = None,
) -> NDArray[Any]:
    """Cut a whole recording into windows of equal numbers of events and count each.

    Natively as `windows_by_count`: complete windows only. With ``compat="spikevpr"`` a recording of
    fewer events gives one frame of what there is; see `count_frames_by_time` for none at all.

    Args:
        events: A recording.
        count: Events in a window.
        step: Events between starts; None = ``count``. Not with ``compat``.
        dtype: As `count_frames`.
        compat: ``"spikevpr"`` for the published rule.

    Returns:
        ``[K, 2, H, W]``.

    Raises:
        ConfigError: A number is not positive, or ``compat`` is unknown or has a ``step``.
        DataError: A count does not fit into ``dtype``.

    Examples:
        >>> from saccade.events import Events, SensorSize
        >>> events = Events([1, 1, 0], [0, 0, 1], [0, 9, 10], [1, 1, 0], SensorSize(2, 2))
        >>> count_frames_by_count(events, 15_000).shape
        (0, 2, 2, 2)
        >>> count_frames_by_count(events, 15_000, compat="spikevpr").shape
        (1, 2, 2, 2)
    """
    ranges = windows_by_count(events, count, step=step)
    if _is_compat(compat, step):
        ranges = _at_least_one(ranges, events)
    return count_frames(events, ranges, dtype=dtype)


def _is_compat(compat: str | None, step: int | None) -> bool:
    if compat not in (None, "spikevpr"):
        raise ConfigError(f"compat is {compat!r}.", "Expected None or 'spikevpr'.")
    if compat and step is not None:
        raise ConfigError("compat='spikevpr' has windows that touch.", "Expected no step with it.")
    return compat is not None


def _at_least_one(ranges: Windows, events: Events, *, window_us: int | None = None) -> Windows:
    if len(ranges):
        return ranges
    if window_us is not None and len(events):
        return windows_by_time(events, window_us, keep_partial=True)[:1]
    return whole(events)


def _too_many(at: int, count: int, kind: np.dtype[Any], size: SensorSize) -> DataError:
    window, position = divmod(at, 2 * size.pixels)
    p, pixel = divmod(position, size.pixels)
    y, x = divmod(pixel, size.width)
    return DataError(
        f"{count:,} events of polarity {p} at x = {x}, y = {y} in window {window:,}.",
        f"{kind} counts up to {LARGEST[kind.name]:,}.",
        "Use a wider dtype (float32, int32) or shorter windows.",
    )


@kernel
def _count(
    x: NDArray[np.uint16],
    y: NDArray[np.uint16],
    p: NDArray[np.uint8],
    ranges: NDArray[np.int64],
    height: int,
    width: int,
    limit: int,
    frames: NDArray[Any],
) -> tuple[np.int64, np.int64]:
    """Fill zeroed frames ``[K, 2 H W]``; return the first position over the limit, or -1."""
    cells = frames.shape[1]
    low, high = np.empty(cells, np.uint8), np.zeros(cells, np.uint32)
    block = np.empty(BLOCK, np.uint32)
    for k in range(ranges.shape[0]):
        start, stop = ranges[k, 0], ranges[k, 1]
        if stop - start < cells // 4 and stop - start <= limit:
            _count_sparse(x, y, p, start, stop, height, width, block, frames[k])
            continue
        wrapped = _count_bytes(x, y, p, start, stop, height, width, block, low, high)
        largest = _merge(low, high, wrapped, frames[k])
        if largest > limit:
            for j in range(cells):
                if low[j] + (np.int64(high[j]) << 8) == largest:
                    return np.int64(k * cells + j), largest
        if wrapped:
            high[:] = 0
    return np.int64(-1), np.int64(0)


@kernel
def _count_sparse(
    x: NDArray[np.uint16],
    y: NDArray[np.uint16],
    p: NDArray[np.uint8],
    start: int,
    stop: int,
    height: int,
    width: int,
    block: NDArray[np.uint32],
    frame: NDArray[Any],
) -> None:
    for first in range(start, stop, BLOCK):
        last = min(first + BLOCK, stop)
        locate(x, y, p, first, last, height, width, block)
        for i in range(last - first):
            frame[block[i]] += 1


@kernel
def _count_bytes(
    x: NDArray[np.uint16],
    y: NDArray[np.uint16],
    p: NDArray[np.uint8],
    start: int,
    stop: int,
    height: int,
    width: int,
    block: NDArray[np.uint32],
    low: NDArray[np.uint8],
    high: NDArray[np.uint32],
) -> bool:
    low[:] = 0
    wrapped = False
    for first in range(start, stop, BLOCK):
        last = min(first + BLOCK, stop)
        locate(x, y, p, first, last, height, width, block)
        for i in range(last - first):
            j = block[i]
            count = np.uint8(low[j] + np.uint8(1))
            low[j] = count
            if count == 0:
                high[j] += np.uint32(1)
                wrapped = True
    return wrapped


@kernel
def _merge(
    low: NDArray[np.uint8], high: NDArray[np.uint32], wrapped: bool, frame: NDArray[Any]
) -> np.int64:
    """Write low + 256 high into a frame; return the largest count."""
    if not wrapped:
        most = np.uint8(0)
        for j in range(low.shape[0]):
            frame[j] = low[j]
            most = max(most, low[j])
        return np.int64(most)
    largest = np.int64(0)
    for j in range(low.shape[0]):
        count = low[j] + (np.int64(high[j]) << 8)
        frame[j] = count
        largest = max(largest, count)
    return largest
