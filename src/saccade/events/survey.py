"""One pass over a recording of any length: how many events, when, where, hot pixels.

Memory is one counter per pixel, whatever the number of events.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from saccade.events.filters.hot import hot_pixels
from saccade.events.types import Events
from saccade.jit import kernel

__all__ = ["Survey"]

_STEP = 256  # the count image grows in steps, so that few packets make it grow


class Survey:
    """Accumulates packets of one recording, in order.

    Examples:
        >>> from saccade.events import Events, SensorSize
        >>> survey = Survey()
        >>> survey.add(Events([1, 2], [0, 3], [10, 25], [1, 0], SensorSize(4, 4)))
        >>> survey.count, survey.duration_us, survey.on_count
        (2, 15, 1)
    """

    def __init__(self) -> None:
        self.count = 0
        self.on_count = 0
        self.t_first_us = 0
        self.t_last_us = 0
        self.max_x = -1
        self.max_y = -1
        self._counts: NDArray[np.int64] = np.zeros((0, 0), np.int64)

    def add(self, events: Events) -> None:
        """Take the next packet into account."""
        if not len(events):
            return
        if self.count == 0:
            self.t_first_us = int(events.t[0])
        self.t_last_us = int(events.t[-1])
        self.max_x = max(self.max_x, int(events.x.max()))
        self.max_y = max(self.max_y, int(events.y.max()))
        self._grow()
        self.count += len(events)
        self.on_count += int(np.count_nonzero(events.p))
        _count_pixels(np.ascontiguousarray(events.x), np.ascontiguousarray(events.y), self._counts)

    @property
    def duration_us(self) -> int:
        """Time from the first to the last event in microseconds."""
        return self.t_last_us - self.t_first_us

    @property
    def mean_rate_hz(self) -> float:
        """Events per second over the duration; infinite when all events share one time."""
        return self.count / (self.duration_us / 1e6) if self.duration_us else float("inf")

    @property
    def counts(self) -> NDArray[np.int64]:
        """Events per pixel, int64 ``[max_y + 1, max_x + 1]``."""
        return self._counts[: self.max_y + 1, : self.max_x + 1]

    @property
    def active_pixels(self) -> int:
        """Pixels with at least one event."""
        return int(np.count_nonzero(self.counts))

    def hot_pixels(self) -> NDArray[np.int64]:
        """Return the pixels that stand out, ``[K, 2]`` as (x, y)."""
        return hot_pixels(self.counts)

    def _grow(self) -> None:
        height, width = self._counts.shape
        if self.max_y < height and self.max_x < width:
            return
        height = max(height, -(-(self.max_y + 1) // _STEP) * _STEP)
        width = max(width, -(-(self.max_x + 1) // _STEP) * _STEP)
        larger = np.zeros((height, width), np.int64)
        larger[: self._counts.shape[0], : self._counts.shape[1]] = self._counts
        self._counts = larger


@kernel
def _count_pixels(x: NDArray[np.uint16], y: NDArray[np.uint16], counts: NDArray[np.int64]) -> None:
    for k in range(x.shape[0]):
        counts[y[k], x[k]] += 1
