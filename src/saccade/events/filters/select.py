"""Keep events by polarity or by pixel."""

from __future__ import annotations

from typing import Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray

from saccade.errors import ConfigError, EventError, ShapeError
from saccade.events.types import Events, SensorSize

__all__ = ["keep_polarity", "without_pixels"]


def keep_polarity(events: Events, polarity: Literal["on", "off"]) -> Events:
    """Keep brighter (``"on"``) or darker (``"off"``) events.

    Raises:
        ConfigError: ``polarity`` is something else.

    Examples:
        >>> from saccade.events import Events, SensorSize
        >>> events = Events([0, 1], [0, 0], [5, 9], [1, 0], SensorSize(1, 2))
        >>> keep_polarity(events, "off").t.tolist()
        [9]
    """
    if polarity not in ("on", "off"):
        raise ConfigError(f"polarity is {polarity!r}.", "Expected 'on' or 'off'.")
    return events[events.p == (polarity == "on")]


def without_pixels(events: Events, pixels: ArrayLike) -> Events:
    """Drop all events of the listed pixels.

    Args:
        events: Events of any number.
        pixels: Whole numbers ``[M, 2]``, rows (x, y), as `hot_pixels` and `read_pixel_list` return.

    Raises:
        ShapeError: The list has another shape.
        EventError: A listed pixel is outside the sensor.

    Examples:
        >>> from saccade.events import Events, SensorSize
        >>> events = Events([0, 1, 0], [0, 0, 1], [5, 9, 12], [1, 0, 1], SensorSize(2, 2))
        >>> without_pixels(events, [(0, 0)]).t.tolist()
        [9, 12]
    """
    listed = _check_pixels(pixels, events.size)
    keep = np.ones((events.size.height, events.size.width), np.bool_)
    keep[listed[:, 1], listed[:, 0]] = False
    return events[keep[events.y, events.x]]


def _check_pixels(pixels: ArrayLike, size: SensorSize) -> NDArray[np.int64]:
    given = np.asarray(pixels)
    if given.size == 0:
        return np.empty((0, 2), np.int64)
    if given.ndim != 2 or given.shape[1] != 2 or given.dtype.kind not in "iu":
        raise ShapeError(
            f"The pixel list has shape {given.shape} and type {given.dtype}.",
            "Expected whole numbers [M, 2], rows (x, y).",
        )
    listed = given.astype(np.int64)
    outside = ((listed < 0) | (listed >= (size.width, size.height))).any(axis=1)
    if outside.any():
        x, y = (int(value) for value in listed[int(np.argmax(outside))])
        raise EventError(
            f"Listed pixel x = {x:,}, y = {y:,} is outside the sensor, {size}.",
            "Expected rows (x, y).",
            "Is the list of another camera, one-based, or in the order (y, x)?",
        )
    return listed
