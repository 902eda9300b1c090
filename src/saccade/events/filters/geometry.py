"""Crop to a rectangle; scale coordinates down to a smaller sensor."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from saccade.errors import ConfigError
from saccade.events.types import Events, SensorSize

__all__ = ["crop", "downsample"]


def crop(events: Events, x: int, y: int, size: SensorSize, *, move_origin: bool = True) -> Events:
    """Keep the events inside a rectangle.

        x <= column < x + width,   y <= row < y + height        pixels

    Args:
        events: Events of any number.
        x: Left column of the rectangle.
        y: Top row of the rectangle.
        size: Its height and width.
        move_origin: Count coordinates from the rectangle's corner and make ``size`` the sensor
            size. False leaves coordinates and sensor size as they are.

    Raises:
        ConfigError: The rectangle does not lie inside the sensor.

    Examples:
        >>> from saccade.events import Events, SensorSize
        >>> events = Events([0, 2, 3], [0, 1, 3], [5, 9, 12], [1, 0, 1], SensorSize(4, 4))
        >>> part = crop(events, 2, 1, SensorSize(height=2, width=2))
        >>> part, part.x.tolist(), part.y.tolist()
        (Events(n=1, 0 µs, 2x2), [0], [0])
    """
    whole = events.size
    inside = x >= 0 and y >= 0 and x + size.width <= whole.width and y + size.height <= whole.height
    if not inside:
        raise ConfigError(
            f"The rectangle {size} at x = {x}, y = {y} reaches outside the sensor, {whole}.",
            f"Expected x + width up to {whole.width} and y + height up to {whole.height}.",
        )
    # subtraction wraps around below the corner, so one comparison checks both sides
    column, row = events.x - np.uint16(x), events.y - np.uint16(y)
    keep = (column < size.width) & (row < size.height)
    kept = events[keep]
    if not move_origin:
        return kept
    return Events(column[keep], row[keep], kept.t, kept.p, size, check=False)


def downsample(events: Events, size: SensorSize) -> Events:
    """Scale coordinates down to a smaller sensor; every event is kept.

        x' = min(⌊x W' / W⌋, W' - 1),   y' = min(⌊y H' / H⌋, H' - 1)

    computed in whole numbers. Times and polarities stay; several old pixels share a new one, so the
    same microsecond may hold the same event twice (`deduplicate` drops the repeats).

    Args:
        events: Events of a W x H sensor.
        size: The smaller sensor, W' x H'.

    Raises:
        ConfigError: ``size`` is larger than the sensor in a direction: pixels would stay without
            events.

    Examples:
        >>> from saccade.events import Events, SensorSize
        >>> size = SensorSize(height=480, width=640)
        >>> events = Events([0, 320, 639], [0, 240, 479], [5, 9, 12], [1, 0, 1], size)
        >>> small = downsample(events, SensorSize(height=260, width=346))
        >>> small.x.tolist(), small.y.tolist()
        ([0, 173, 345], [0, 130, 259])
    """
    whole = events.size
    if size.width > whole.width or size.height > whole.height:
        raise ConfigError(
            f"{size} is larger than the sensor, {whole}.",
            "Expected a size to scale down to.",
        )
    if size == whole:
        return events
    x = _table(whole.width, size.width)[events.x]
    y = _table(whole.height, size.height)[events.y]
    return Events(x, y, events.t, events.p, size, check=False)


def _table(old: int, new: int) -> NDArray[np.uint16]:
    """New coordinate of every old one: a look-up is faster than a division per event."""
    scaled = np.arange(old, dtype=np.int64) * new // old
    return np.minimum(scaled, new - 1).astype(np.uint16)
