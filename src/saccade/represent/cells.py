"""Where an event lands: the flat cell of (p, y, x) in a ``[2, H, W]`` frame, a block at a time.

    cell = p·H·W + y·W + x

Computing a block of cells first and touching the frame afterwards keeps the arithmetic in vector
registers and lets the processor run ahead of the scattered memory accesses: it is about three times
faster than doing both event by event.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from saccade.errors import ShapeError
from saccade.events.slicing import check_windows
from saccade.events.types import Events
from saccade.jit import kernel

__all__ = ["BLOCK", "columns", "fill_cells", "whole", "window_ranges"]

BLOCK = 1024
"""Events whose cells are computed together: 4 KiB of indices stay in the first-level cache."""

_MOST_CELLS = 2**32 - 1


def columns(events: Events) -> tuple[NDArray[Any], NDArray[Any], NDArray[Any], NDArray[Any]]:
    """Return x, y, t, p as contiguous read-only arrays, the only form that kernels compile for.

    Raises:
        ShapeError: A frame of this sensor has more cells than kernels can number.
    """
    if 2 * events.size.pixels > _MOST_CELLS:
        raise ShapeError(
            f"A frame of a {events.size} sensor has {2 * events.size.pixels:,} cells.",
            f"Expected at most {_MOST_CELLS:,}.",
            "Shrink the recording first with saccade.events.filters.downsample or crop.",
        )
    made: list[NDArray[Any]] = []
    for name in "xytp":
        column = np.ascontiguousarray(getattr(events, name))
        column.flags.writeable = False
        made.append(column)
    return made[0], made[1], made[2], made[3]


def window_ranges(events: Events, windows: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return checked windows as contiguous int64 ``[K, 2]``."""
    return np.ascontiguousarray(check_windows(windows, len(events)))


def whole(events: Events) -> NDArray[np.int64]:
    """Return the one window that holds all events, ``[1, 2]``."""
    return np.array([[0, len(events)]], np.int64)


@kernel
def fill_cells(
    x: NDArray[np.uint16],
    y: NDArray[np.uint16],
    p: NDArray[np.uint8],
    width: int,
    plane: int,
    cells: NDArray[np.uint32],
) -> None:
    """Write the cells of up to `BLOCK` events; ``plane`` is H·W, or 0 to merge polarities."""
    columns, pixels = np.uint32(width), np.uint32(plane)
    for i in range(x.shape[0]):
        row = np.uint32(np.uint32(y[i]) * columns)
        cells[i] = np.uint32(np.uint32(p[i]) * pixels) + row + np.uint32(x[i])
