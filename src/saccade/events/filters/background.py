"""Background activity filter: an event needs a neighbour that fired shortly before.

        . n .        keep event (x, y, t)   <=>   one of the 4 neighbours n had an event at t'
        n e n                                     with  t - t' < window        (not e itself,
        . n .                                     not the diagonals)

Noise fires alone; what moves fires together. Dropped events support their neighbours too. All four
neighbours of the first event are silent, so it is dropped.

``compat="spikevpr"`` differs at the start of the clock only: every pixel counts as having fired at
t = 0, so that events with t < window are kept wherever a neighbour pixel exists, and the sensor
ends at the largest coordinate of the stream. Absolute times, such as epoch seconds, never meet
this. Defect D4 (an empty stream raises) is not reproduced: it stays empty.
"""

from __future__ import annotations

from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from saccade.errors import ConfigError
from saccade.events.filters.repeats import PixelMemory
from saccade.events.layout import contiguous
from saccade.events.types import Events, SensorSize
from saccade.jit import kernel

__all__ = ["Denoise", "denoise", "supported"]


class Denoise:
    """Background activity filter for a stream of packets; see `denoise`.

    Args:
        window_us: How long an event supports its neighbours, microseconds.

    Raises:
        ConfigError: The window is not positive.

    Examples:
        >>> from saccade.events import Events, SensorSize
        >>> events = Events([0, 1, 3], [0, 0, 0], [0, 60, 70], [1, 0, 1], SensorSize(1, 4))
        >>> filter = Denoise(100)
        >>> [filter.push(packet).t.tolist() for packet in (events[:1], events[1:])]
        [[], [60]]
    """

    def __init__(self, window_us: int) -> None:
        self.window_us = _check_window(window_us)
        self._memory = PixelMemory()

    def push(self, events: Events) -> Events:
        """Return the events of the next packet that are kept.

        Raises:
            StateError: The sensor size changed.
            EventError: The packet starts before the previous one ended.
        """
        size = events.size
        self._memory.accept(events, size.pixels)
        x, y, t, _ = contiguous(events)
        keep = np.empty(len(events), np.bool_)
        _supported(x, y, t, self.window_us, size.width, size.height, self._memory.times, keep)
        return events[keep]

    def reset(self) -> None:
        """Forget everything: the next packet starts another recording."""
        self._memory = PixelMemory()


def denoise(events: Events, window_us: int, *, compat: Literal["spikevpr"] | None = None) -> Events:
    """Drop events that none of their 4 neighbours supports.

    Args:
        events: A recording.
        window_us: How long an event supports its neighbours, microseconds (Brisbane: 100,000).
        compat: ``"spikevpr"`` for the published filter's behaviour near t = 0.

    Raises:
        ConfigError: The window is not positive, or ``compat`` is unknown.

    Examples:
        >>> from saccade.events import Events, SensorSize
        >>> events = Events([0, 1, 3], [0, 0, 0], [0, 60, 70], [1, 0, 1], SensorSize(1, 4))
        >>> denoise(events, 100).t.tolist()
        [60]

    Reference:
        Delbruck, Frame-free dynamic digital vision, 2008 (with 8 neighbours).
    """
    if compat is None:
        return Denoise(window_us).push(events)
    if compat != "spikevpr":
        raise ConfigError(f"compat is {compat!r}.", "Expected None or 'spikevpr'.")
    if not len(events):
        return events
    return events[supported(events.x, events.y, events.t, _check_window(window_us))]


def supported(
    x: NDArray[np.uint16], y: NDArray[np.uint16], t: NDArray[Any], window: float
) -> NDArray[np.bool_]:
    """Return which events the published filter keeps, on any clock.

    The published pipeline computes in float seconds, where ``t' + window > t`` may round otherwise
    than in microseconds; with the float times of its files this gives its events exactly.

    Args:
        x: Columns ``[N]``, at least one event.
        y: Rows ``[N]``.
        t: Times ``[N]``, int64 or float64, in any unit.
        window: Window in the same unit.

    Returns:
        bool ``[N]``.

    Examples:
        >>> columns, rows = np.array([0, 1], np.uint16), np.array([0, 0], np.uint16)
        >>> supported(columns, rows, np.array([1.5e9, 1.5e9 + 0.05]), 0.1).tolist()
        [False, True]
    """
    extent = SensorSize(height=int(y.max()) + 1, width=int(x.max()) + 1)
    clock = np.dtype(np.float64 if np.asarray(t).dtype.kind == "f" else np.int64)
    times = np.ascontiguousarray(t, dtype=clock)
    memory = np.zeros(extent.pixels, clock)
    keep = np.empty(times.shape[0], np.bool_)
    x, y = np.ascontiguousarray(x, np.uint16), np.ascontiguousarray(y, np.uint16)
    _supported(x, y, times, clock.type(window), extent.width, extent.height, memory, keep)
    return keep


def _check_window(window_us: int) -> int:
    if window_us < 1:
        raise ConfigError(f"window_us is {window_us:,}.", "Expected at least 1 microsecond.")
    return int(window_us)


@kernel
def _supported(
    x: NDArray[np.uint16],
    y: NDArray[np.uint16],
    t: NDArray[Any],
    window: Any,
    width: int,
    height: int,
    memory: NDArray[Any],
    keep: NDArray[np.bool_],
) -> None:
    for i in range(t.shape[0]):
        column, row, now = np.int64(x[i]), np.int64(y[i]), t[i]
        at = row * width + column
        memory[at] = now
        keep[i] = (
            (column > 0 and memory[at - 1] + window > now)
            or (column < width - 1 and memory[at + 1] + window > now)
            or (row > 0 and memory[at - width] + window > now)
            or (row < height - 1 and memory[at + width] + window > now)
        )
