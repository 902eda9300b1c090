"""A small picture of events, for notebooks: blue = ON, orange = OFF, nothing elsewhere.

Both colours have about the same distance from white and from black, and the background is
transparent, so the picture reads on light and dark pages. A pixel takes the polarity that most of
its events have.
"""

from __future__ import annotations

import io
from typing import Any

import numpy as np
from numpy.typing import NDArray

from saccade.events.types import Events

__all__ = ["events_png"]

_WIDEST = 480  # picture pixels
_NARROWEST = 240
_CROWD = 0.15  # events per sensor pixel; more would cover what moves
_NOTHING, _OFF, _ON, _EDGE = 0, 1, 2, 3
_COLOURS = bytes((255, 255, 255, 217, 95, 2, 31, 120, 200, 128, 128, 128))


def events_png(events: Events) -> bytes:
    """Draw the events around the middle of a recording as a PNG at most 480 pixels wide.

    Of a long recording only the middle 0.15 events per sensor pixel are drawn, because all of
    them would cover the picture.

    Args:
        events: Events; none at all gives an empty frame.

    Examples:
        >>> from saccade.events import SensorSize
        >>> events_png(Events([1], [2], [30], [1], SensorSize(4, 4)))[:4]
        b'\\x89PNG'
    """
    from PIL import Image

    picture = _scaled(_classes(_middle(events)))
    picture[[0, -1], :] = _EDGE
    picture[:, [0, -1]] = _EDGE
    image = Image.fromarray(picture)
    image.putpalette(_COLOURS)
    buffer = io.BytesIO()
    image.save(buffer, "PNG", transparency=_NOTHING, optimize=True)
    return buffer.getvalue()


def _middle(events: Events) -> Events:
    most = max(1000, int(_CROWD * events.size.pixels))
    start = max(0, (len(events) - most) // 2)
    return events.slice_count(start, most)


def _classes(events: Events) -> NDArray[np.int64]:
    """Return ON minus OFF events per pixel as balance and presence: int64 ``[H, W]``, 0 = none."""
    size = events.size
    pixel = events.y.astype(np.int64) * size.width + events.x
    seen = np.bincount(pixel, minlength=size.pixels)
    on = np.bincount(pixel[events.p == 1], minlength=size.pixels)
    signed = np.where(seen == 0, 0, np.where(2 * on >= seen, 1, -1))
    return signed.reshape(size.height, size.width)


def _scaled(signed: NDArray[np.int64]) -> NDArray[np.uint8]:
    """Shrink large sensors so that no event vanishes, enlarge small ones by a whole factor."""
    width = signed.shape[1]
    shrink = -(-width // _WIDEST)
    if shrink > 1:
        rows, columns = (-(-length // shrink) * shrink for length in signed.shape)
        padded: NDArray[Any] = np.zeros((rows, columns), np.int64)
        padded[: signed.shape[0], :width] = signed
        cells = padded.reshape(rows // shrink, shrink, columns // shrink, shrink)
        total, most = cells.sum(axis=(1, 3)), np.abs(cells).max(axis=(1, 3))
        signed = np.where(most == 0, 0, np.where(total >= 0, 1, -1))
    classes = np.where(signed == 0, _NOTHING, np.where(signed > 0, _ON, _OFF)).astype(np.uint8)
    grow = max(1, _NARROWEST // width)
    return np.repeat(np.repeat(classes, grow, axis=0), grow, axis=1)
