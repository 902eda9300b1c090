"""The one memory layout that compiled loops see: contiguous, read-only columns.

Events may be views with gaps (a column of a table) or run backwards (reversed in time). A loop is
compiled anew for each layout it meets, so every caller brings its columns into this one first.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from saccade.events.types import Events

__all__ = ["Columns", "contiguous"]

Columns = tuple[NDArray[np.uint16], NDArray[np.uint16], NDArray[np.int64], NDArray[np.uint8]]


def contiguous(events: Events) -> Columns:
    """Return x, y, t, p as contiguous read-only arrays; those that already are, without a copy.

    Examples:
        >>> from saccade.events import SensorSize
        >>> events = Events([1, 2, 3], [0, 0, 0], [5, 6, 7], [1, 0, 1], SensorSize(4, 4))
        >>> contiguous(events[::2])[0].flags.c_contiguous
        True
    """
    return (_plain(events.x), _plain(events.y), _plain(events.t), _plain(events.p))


def _plain(column: NDArray[Any]) -> NDArray[Any]:
    plain = np.ascontiguousarray(column)
    if plain.flags.writeable:
        plain.flags.writeable = False
    return plain
