"""The loop behind event frames and masks: each event writes one value, the last one stays."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from saccade.events.slicing import Windows, check_windows
from saccade.events.types import Events
from saccade.jit import kernel
from saccade.represent.pixels import BLOCK, columns, locate

__all__ = ["stamp"]


def stamp(
    events: Events, windows: Windows, frames: NDArray[Any], off: float, on: float
) -> NDArray[Any]:
    """Write ``off`` or ``on`` where events are, in order; return the frames.

    Args:
        events: A recording.
        windows: int64 ``[K, 2]``.
        frames: ``[K, C, H, W]``; C = 2 keeps polarities apart, C = 1 does not.
        off: What an OFF event writes.
        on: What an ON event writes.
    """
    ranges = check_windows(windows, len(events))
    _, channels, height, width = frames.shape
    values = np.array([off, on], frames.dtype)
    x, y, _, p = columns(events)
    rows = height if channels == 2 else 0
    _stamp(
        x,
        y,
        p,
        ranges,
        rows,
        width,
        values,
        frames.reshape(frames.shape[0], channels * height * width),
    )
    return frames


@kernel
def _stamp(
    x: NDArray[np.uint16],
    y: NDArray[np.uint16],
    p: NDArray[np.uint8],
    ranges: NDArray[np.int64],
    height: int,
    width: int,
    values: NDArray[Any],
    frames: NDArray[Any],
) -> None:
    block = np.empty(BLOCK, np.uint32)
    for k in range(ranges.shape[0]):
        frame = frames[k]
        for first in range(ranges[k, 0], ranges[k, 1], BLOCK):
            last = min(first + BLOCK, ranges[k, 1])
            locate(x, y, p, first, last, height, width, block)
            for i in range(last - first):
                frame[block[i]] = values[p[first + i]]
