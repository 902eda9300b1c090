"""Masks: which pixels had events at all.

    M[p, y, x] = 1  iff  some event i has p_i = p, y_i = y, x_i = x        (polarity mask)
    A[y, x]    = M[0, y, x] or M[1, y, x]                                  (event mask)

Losses use them to look only where something happened.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from saccade.events.types import Events
from saccade.jit import kernel
from saccade.represent.cells import BLOCK, columns, fill_cells, whole, window_ranges

__all__ = ["event_mask", "polarity_mask", "polarity_masks", "polarity_masks_reference"]


def polarity_mask(events: Events) -> NDArray[np.bool_]:
    """Mark the pixels with at least one event of each polarity.

    Args:
        events: Events, none included.

    Returns:
        Boolean ``[2, H, W]``, channels (OFF, ON).

    Example:
        >>> from saccade.events import SensorSize
        >>> polarity_mask(Events([1, 1], [0, 0], [0, 1], [1, 1], SensorSize(1, 2))).tolist()
        [[[False, False]], [[False, True]]]
    """
    return polarity_masks(events, whole(events))[0]


def polarity_masks(events: Events, windows: NDArray[np.int64]) -> NDArray[np.bool_]:
    """Mark the pixels of each polarity in every window, in one pass over the events.

    Args:
        events: The recording.
        windows: Half-open index ranges ``[K, 2]``.

    Returns:
        Boolean ``[K, 2, H, W]``, channels (OFF, ON).

    Raises:
        ShapeError: A window lies outside the recording.
    """
    ranges = window_ranges(events, windows)
    x, y, _, p = columns(events)
    size = events.size
    masks = np.zeros((len(ranges), 2 * size.pixels), np.uint8)
    _mark(x, y, p, ranges, size.width, size.pixels, masks)
    return masks.view(np.bool_).reshape(-1, 2, size.height, size.width)


def event_mask(events: Events) -> NDArray[np.bool_]:
    """Mark the pixels with at least one event of either polarity.

    Args:
        events: Events, none included.

    Returns:
        Boolean ``[1, H, W]``.

    Example:
        >>> from saccade.events import SensorSize
        >>> event_mask(Events([1, 1], [0, 0], [0, 1], [1, 0], SensorSize(1, 2))).tolist()
        [[[False, True]]]
    """
    return polarity_mask(events).any(axis=0, keepdims=True)


def polarity_masks_reference(events: Events, windows: NDArray[np.int64]) -> NDArray[np.bool_]:
    """Mark as `polarity_masks` does, the plain way: index assignment for each window."""
    ranges = window_ranges(events, windows)
    masks = np.zeros((len(ranges), 2, events.size.height, events.size.width), np.bool_)
    for mask, (start, stop) in zip(masks, ranges, strict=True):
        mask[events.p[start:stop], events.y[start:stop], events.x[start:stop]] = True
    return masks


@kernel
def _mark(
    x: NDArray[np.uint16],
    y: NDArray[np.uint16],
    p: NDArray[np.uint8],
    windows: NDArray[np.int64],
    width: int,
    plane: int,
    masks: NDArray[np.uint8],
) -> None:
    cells = np.empty(BLOCK, np.uint32)
    for k in range(windows.shape[0]):
        mask = masks[k]
        for start in range(windows[k, 0], windows[k, 1], BLOCK):
            stop = min(start + BLOCK, windows[k, 1])
            fill_cells(x[start:stop], y[start:stop], p[start:stop], width, plane, cells)
            for i in range(stop - start):
                mask[cells[i]] = 1
