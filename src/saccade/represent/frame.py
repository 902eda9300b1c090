"""Event frames: what a pixel saw, not how often.

    binary    F[p, y, x] = 1 where a pixel had an event of polarity p, else 0          [2, H, W]
    last      F[0, y, x] = +1 or -1, the polarity of the pixel's latest event, else 0  [1, H, W]

    x  3 1 1              binary OFF  0 1 0 0    binary ON  0 1 0 1    last  0 -1 0 +1
    p  1 1 0      ->
"""

from __future__ import annotations

from typing import Any, Literal

import numpy as np
from numpy.typing import DTypeLike, NDArray

from saccade.errors import ConfigError
from saccade.events.types import Events
from saccade.jit import kernel
from saccade.represent.cells import BLOCK, columns, fill_cells, whole, window_ranges
from saccade.represent.mask import polarity_masks

__all__ = ["FrameKind", "event_frame", "event_frames", "last_polarity_reference"]

FrameKind = Literal["binary", "last"]


def event_frame(
    events: Events, *, kind: FrameKind = "binary", dtype: DTypeLike = np.float32
) -> NDArray[Any]:
    """Show which pixels had events, by polarity or by the polarity of the latest.

    Args:
        events: Events, none included.
        kind: ``"binary"`` or ``"last"``, see the equations above.
        dtype: A signed or floating type; unsigned and bool too for ``"binary"``.

    Returns:
        ``[2, H, W]`` with channels (OFF, ON) for ``"binary"``, ``[1, H, W]`` for ``"last"``.

    Raises:
        ConfigError: The kind is unknown, or ``dtype`` holds no -1 for ``"last"``.

    Example:
        >>> from saccade.events import SensorSize
        >>> events = Events([3, 1, 1], [0, 0, 0], [0, 1, 2], [1, 1, 0], SensorSize(1, 4))
        >>> event_frame(events, kind="last").tolist()
        [[[0.0, -1.0, 0.0, 1.0]]]
    """
    return event_frames(events, whole(events), kind=kind, dtype=dtype)[0]


def event_frames(
    events: Events,
    windows: NDArray[np.int64],
    *,
    kind: FrameKind = "binary",
    dtype: DTypeLike = np.float32,
) -> NDArray[Any]:
    """Make the event frame of every window, in one pass over the events.

    Args:
        events: The recording.
        windows: Half-open index ranges ``[K, 2]``.
        kind: ``"binary"`` or ``"last"``.
        dtype: As in `event_frame`.

    Returns:
        ``[K, 2, H, W]`` for ``"binary"``, ``[K, 1, H, W]`` for ``"last"``.

    Raises:
        ConfigError: The kind is unknown, or ``dtype`` holds no -1 for ``"last"``.
        ShapeError: A window lies outside the recording.
    """
    if kind == "binary":
        return polarity_masks(events, windows).astype(dtype)
    if kind != "last":
        raise ConfigError(f"Event frame kind {kind!r}.", "Expected 'binary' or 'last'.")
    if np.dtype(dtype).kind not in "if":
        raise ConfigError(
            f"dtype {np.dtype(dtype)} holds no -1.", "Expected a signed or floating type."
        )
    ranges = window_ranges(events, windows)
    x, y, _, p = columns(events)
    size = events.size
    frames = np.zeros((len(ranges), size.pixels), np.int8)
    _last(x, y, p, ranges, size.width, frames)
    return frames.astype(dtype).reshape(-1, 1, size.height, size.width)


def last_polarity_reference(events: Events, windows: NDArray[np.int64]) -> NDArray[np.int8]:
    """Return the ``"last"`` frames the plain way: events written in order, the latest stays."""
    ranges = window_ranges(events, windows)
    frames = np.zeros((len(ranges), 1, events.size.height, events.size.width), np.int8)
    for frame, (start, stop) in zip(frames, ranges, strict=True):
        for i in range(start, stop):
            frame[0, events.y[i], events.x[i]] = 1 if events.p[i] else -1
    return frames


@kernel
def _last(
    x: NDArray[np.uint16],
    y: NDArray[np.uint16],
    p: NDArray[np.uint8],
    windows: NDArray[np.int64],
    width: int,
    frames: NDArray[np.int8],
) -> None:
    cells = np.empty(BLOCK, np.uint32)
    for k in range(windows.shape[0]):
        frame = frames[k]
        for start in range(windows[k, 0], windows[k, 1], BLOCK):
            stop = min(start + BLOCK, windows[k, 1])
            fill_cells(x[start:stop], y[start:stop], p[start:stop], width, 0, cells)
            for i in range(stop - start):
                frame[cells[i]] = 2 * np.int8(p[start + i]) - 1
