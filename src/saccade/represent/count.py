"""Count frames: how many events of each polarity every pixel had.

    N[p, y, x] = |{ i : p_i = p, y_i = y, x_i = x }|        p = 0 OFF, 1 ON

    x  3 3 1 3            OFF  0 0 0 0        ON  0 0 0 0
    p  1 0 1 1     ->          0 0 0 1            0 1 0 2
    y  all 1

Raw counts: nothing is normalised, clipped or wrapped around.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import DTypeLike, NDArray

from saccade.errors import ConfigError, EventError
from saccade.events.types import Events
from saccade.jit import kernel
from saccade.represent.cells import BLOCK, columns, fill_cells, whole, window_ranges

__all__ = ["count_frame", "count_frames", "count_frames_reference"]


def count_frame(events: Events, *, dtype: DTypeLike = np.float32) -> NDArray[Any]:
    """Count the events of each pixel and polarity.

    Args:
        events: Events, none included.
        dtype: Any integer or floating type.

    Returns:
        Events per cell, ``[2, H, W]``, channels (OFF, ON).

    Raises:
        EventError: A count is larger than ``dtype`` holds exactly.
        ConfigError: ``dtype`` is no number type.

    Example:
        >>> from saccade.events import SensorSize
        >>> events = Events([3, 3, 1, 3], [1, 1, 1, 1], [0, 1, 2, 3], [1, 0, 1, 1], SensorSize(2, 4))
        >>> count_frame(events)[1, 1].tolist()
        [0.0, 1.0, 0.0, 2.0]
    """
    return count_frames(events, whole(events), dtype=dtype)[0]


def count_frames(
    events: Events, windows: NDArray[np.int64], *, dtype: DTypeLike = np.float32
) -> NDArray[Any]:
    """Count the events of each pixel and polarity in every window, in one pass over the events.

    Args:
        events: The recording.
        windows: Half-open index ranges ``[K, 2]`` (`saccade.events.windows_by_time` and its
            siblings); they may overlap, leave gaps and be empty.
        dtype: Any integer or floating type.

    Returns:
        Events per cell, ``[K, 2, H, W]``, channels (OFF, ON).

    Raises:
        EventError: A count is larger than ``dtype`` holds exactly.
        ConfigError: ``dtype`` is no number type.
        ShapeError: A window lies outside the recording.

    Example:
        >>> from saccade.events import SensorSize
        >>> events = Events([0, 0, 1], [0, 0, 0], [5, 6, 9], [1, 1, 0], SensorSize(1, 2))
        >>> count_frames(events, np.array([[0, 2], [2, 3]]), dtype=np.uint8).tolist()
        [[[[0, 0]], [[2, 0]]], [[[0, 1]], [[0, 0]]]]
    """
    kind = np.dtype(dtype)
    most = _largest_exact(kind)
    ranges = window_ranges(events, windows)
    x, y, _, p = columns(events)
    height, width = events.size.height, events.size.width
    longest = int((ranges[:, 1] - ranges[:, 0]).max(initial=0))
    frames = np.empty((len(ranges), 2 * height * width), _working(kind, most, longest))
    _count(x, y, p, ranges, width, height * width, longest, frames)
    if frames.dtype != kind:
        _refuse_large(int(frames.max(initial=0)), most, kind)
    return frames.astype(kind, copy=False).reshape(-1, 2, height, width)


def count_frames_reference(events: Events, windows: NDArray[np.int64]) -> NDArray[np.int64]:
    """Count as `count_frames` does, the plain way: one `numpy.bincount` for each window."""
    size = events.size
    cell = (events.p.astype(np.int64) * size.height + events.y) * size.width + events.x
    frames = [
        np.bincount(cell[start:stop], minlength=2 * size.pixels)
        for start, stop in window_ranges(events, windows)
    ]
    return np.array(frames, np.int64).reshape(-1, 2, size.height, size.width)


def _largest_exact(dtype: np.dtype[Any]) -> int:
    if dtype.kind in "iu":
        return int(np.iinfo(dtype).max)
    if dtype.kind == "f":
        return 2 ** (int(np.finfo(dtype).nmant) + 1)
    raise ConfigError(f"dtype {dtype}.", "Expected an integer or floating type for counts.")


def _working(kind: np.dtype[Any], most: int, longest: int) -> np.dtype[Any]:
    """Return the type to count in: few compiled forms, and none that a long window overflows."""
    if kind in (np.float32, np.int32) and longest <= most:
        return kind
    return np.dtype(np.int32 if longest <= np.iinfo(np.int32).max else np.int64)


def _refuse_large(found: int, most: int, dtype: np.dtype[Any]) -> None:
    if found > most:
        raise EventError(
            f"A pixel has {found:,} events in one window, more than {dtype} counts exactly.",
            f"Expected at most {most:,}.",
            "Pass a wider dtype, use shorter windows, or remove hot pixels first.",
        )


@kernel
def _count(
    x: NDArray[np.uint16],
    y: NDArray[np.uint16],
    p: NDArray[np.uint8],
    windows: NDArray[np.int64],
    width: int,
    plane: int,
    longest: int,
    frames: NDArray[Any],
) -> None:
    # Byte counters keep a whole frame near the processor; what a byte cannot hold is carried over.
    size = 2 * plane
    low = np.zeros(size, np.uint8)
    high = np.zeros(size if longest > 255 else 0, np.int64)
    cells = np.empty(BLOCK, np.uint32)
    for k in range(windows.shape[0]):
        carried = False
        for start in range(windows[k, 0], windows[k, 1], BLOCK):
            stop = min(start + BLOCK, windows[k, 1])
            fill_cells(x[start:stop], y[start:stop], p[start:stop], width, plane, cells)
            for i in range(stop - start):
                cell = cells[i]
                count = np.uint8(low[cell] + 1)
                low[cell] = count
                if count == 0:
                    high[cell] += 256
                    carried = True
        frame = frames[k]
        if carried:
            for cell in range(size):
                frame[cell] = high[cell] + np.int64(low[cell])
            high[:] = 0
        else:
            for cell in range(size):
                frame[cell] = low[cell]
        low[:] = 0
