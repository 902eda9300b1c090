"""Masks: where a window has events, for losses and statistics over active pixels only."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from saccade.events.slicing import Windows
from saccade.events.types import Events
from saccade.represent.pixels import whole
from saccade.represent.stamp import stamp

__all__ = ["event_mask", "event_masks", "polarity_mask", "polarity_masks"]


def polarity_mask(events: Events) -> NDArray[np.bool_]:
    """Say where there are events, by polarity: ``m[p, y, x] = (count[p, y, x] > 0)``.

    Returns:
        bool ``[2, H, W]``, channels (OFF, ON).

    Examples:
        >>> from saccade.events import Events, SensorSize
        >>> events = Events([1, 1, 0], [0, 0, 0], [5, 9, 12], [1, 0, 1], SensorSize(1, 3))
        >>> polarity_mask(events)[:, 0].tolist()
        [[False, True, False], [True, True, False]]
    """
    return polarity_masks(events, whole(events))[0]


def polarity_masks(events: Events, windows: Windows) -> NDArray[np.bool_]:
    """Say where every window has events, by polarity.

    Args:
        events: A recording.
        windows: int64 ``[K, 2]``, half-open index ranges; they may overlap or be empty.

    Returns:
        bool ``[K, 2, H, W]``, channels (OFF, ON).

    Raises:
        ShapeError: The windows do not fit the recording.
    """
    return _masks(events, windows, 2)


def event_mask(events: Events) -> NDArray[np.bool_]:
    """Say where there are events of either polarity, bool ``[1, H, W]``.

    Examples:
        >>> from saccade.events import Events, SensorSize
        >>> events = Events([1, 1, 0], [0, 0, 0], [5, 9, 12], [1, 0, 1], SensorSize(1, 3))
        >>> event_mask(events).tolist()
        [[[True, True, False]]]
    """
    return event_masks(events, whole(events))[0]


def event_masks(events: Events, windows: Windows) -> NDArray[np.bool_]:
    """Say where every window has events of either polarity.

    Args:
        events: A recording.
        windows: int64 ``[K, 2]``, half-open index ranges; they may overlap or be empty.

    Returns:
        bool ``[K, 1, H, W]``.

    Raises:
        ShapeError: The windows do not fit the recording.
    """
    return _masks(events, windows, 1)


def _masks(events: Events, windows: Windows, channels: int) -> NDArray[np.bool_]:
    shape = (len(windows), channels, events.size.height, events.size.width)
    return stamp(events, windows, np.zeros(shape, np.bool_), True, True)
