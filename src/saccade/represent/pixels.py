"""Flat positions of events, a block at a time.

    j = (p H + y) W + x        position in a [2, H, W] array;   with p left out: [1, H, W]

Positions of a block are computed first and used after: the first loop becomes vector instructions,
the second, which jumps through memory, keeps many accesses in flight.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from saccade.errors import ShapeError
from saccade.events.layout import Columns, contiguous
from saccade.events.slicing import Windows, check_windows
from saccade.events.types import Events
from saccade.jit import kernel

__all__ = ["BLOCK", "columns", "locate", "whole"]

BLOCK = 1024
"""Events in a block: their positions, 4 KB, stay in the first-level cache."""

_MOST_CELLS = (1 << 32) - 1


def columns(events: Events) -> Columns:
    """Return x, y, t, p in the layout that kernels are compiled for.

    Raises:
        ShapeError: A frame of this sensor has more cells than 32-bit positions can number.
    """
    cells = 2 * events.size.pixels
    if cells > _MOST_CELLS:
        raise ShapeError(
            f"A frame of a {events.size} sensor has {cells:,} cells.",
            f"Expected at most {_MOST_CELLS:,}.",
            "State the true sensor size, or shrink it with saccade.events.filters.downsample.",
        )
    return contiguous(events)


def whole(events: Events) -> Windows:
    """Return the one window that holds all events."""
    return check_windows([[0, len(events)]], len(events))


@kernel
def locate(
    x: NDArray[np.uint16],
    y: NDArray[np.uint16],
    p: NDArray[np.uint8],
    start: int,
    stop: int,
    height: int,
    width: int,
    into: NDArray[np.uint32],
) -> None:
    """Write the positions of events ``[start, stop)`` into a block; ``height=0`` leaves p out."""
    # slices and signed 32-bit numbers: four times faster than the same with uint32 and an offset
    columns, rows, signs = x[start:stop], y[start:stop], p[start:stop]
    plane, row = np.int32(height * width), np.int32(width)
    for k in range(stop - start):
        position = np.int32(signs[k]) * plane + np.int32(rows[k]) * row + np.int32(columns[k])
        into[k] = np.uint32(position)
