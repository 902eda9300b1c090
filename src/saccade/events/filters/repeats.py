"""Events that follow another one too soon: refractory period and duplicates.

    refractory    per pixel, time since the last event KEPT        drop while t - t_kept < period
    duplicates    per pixel and polarity, time since the PREVIOUS  drop while t - t_prev < within
                  equal event, kept or not

A refractory filter lets a constantly firing pixel through at a lower rate; the duplicate rule drops
all but the first of a burst, and with ``within_us=1`` exactly the copies of one microsecond.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from saccade.errors import ConfigError, EventError, StateError
from saccade.events.layout import contiguous
from saccade.events.types import Events, SensorSize
from saccade.jit import kernel

__all__ = ["Duplicates", "Refractory", "deduplicate", "refractory"]

NEVER = -(1 << 62)
"""Time of an event that has not happened; adding any duration to it stays below every time."""


class PixelMemory:
    """What a stateful filter remembers: one time per cell, the sensor size, the last time seen."""

    def __init__(self) -> None:
        self.size: SensorSize | None = None
        self.last_us = NEVER
        self.times: NDArray[np.int64] = np.empty(0, np.int64)

    def accept(self, events: Events, cells: int) -> None:
        """Prepare for the next packet, or say why it cannot follow the ones before."""
        if self.size is None:
            self.size = events.size
            self.times = np.full(cells, NEVER, np.int64)
        if events.size != self.size:
            raise StateError(
                f"The filter holds the state of a {self.size} sensor; the packet is {events.size}.",
                fix="Call reset() between recordings.",
            )
        if len(events):
            if int(events.t[0]) < self.last_us:
                raise EventError(
                    f"The packet starts at {int(events.t[0]):,} µs, before the one before it ended "
                    f"({self.last_us:,} µs).",
                    "Expected packets in order of time.",
                    "Call reset() between recordings.",
                )
            self.last_us = int(events.t[-1])


class Refractory:
    """Refractory period for a stream of packets; see `refractory`.

    Args:
        period_us: Microseconds.

    Raises:
        ConfigError: The period is negative.

    Examples:
        >>> from saccade.events import Events, SensorSize
        >>> events = Events([0, 0, 0], [0, 0, 0], [0, 60, 110], [1, 0, 1], SensorSize(1, 1))
        >>> filter = Refractory(100)
        >>> [filter.push(packet).t.tolist() for packet in (events[:2], events[2:])]
        [[0], [110]]
    """

    def __init__(self, period_us: int) -> None:
        self.period_us = _check_gap("period_us", period_us)
        self._memory = PixelMemory()

    def push(self, events: Events) -> Events:
        """Return the events of the next packet that are kept.

        Raises:
            StateError: The sensor size changed.
            EventError: The packet starts before the previous one ended.
        """
        self._memory.accept(events, events.size.pixels)
        keep = _keep(events, self.period_us, self._memory.times, per_polarity=False, chain=False)
        return events[keep]

    def reset(self) -> None:
        """Forget everything: the next packet starts another recording."""
        self._memory = PixelMemory()


class Duplicates:
    """Removal of repeated events for a stream of packets; see `deduplicate`.

    Args:
        within_us: Microseconds.

    Raises:
        ConfigError: The time is negative.
    """

    def __init__(self, within_us: int = 1) -> None:
        self.within_us = _check_gap("within_us", within_us)
        self._memory = PixelMemory()

    def push(self, events: Events) -> Events:
        """Return the events of the next packet that are kept; raises as `Refractory.push`."""
        self._memory.accept(events, 2 * events.size.pixels)
        keep = _keep(events, self.within_us, self._memory.times, per_polarity=True, chain=True)
        return events[keep]

    def reset(self) -> None:
        """Forget everything: the next packet starts another recording."""
        self._memory = PixelMemory()


def refractory(events: Events, period_us: int) -> Events:
    """Drop events less than ``period_us`` after the last kept event of the same pixel.

        keep event i   <=>   t_i - t_kept(x_i, y_i) >= period

    Args:
        events: A recording.
        period_us: Dead time of a pixel; 0 keeps everything.

    Raises:
        ConfigError: The period is negative.

    Examples:
        >>> from saccade.events import Events, SensorSize
        >>> t = [0, 60, 100, 140]
        >>> events = Events([0] * 4, [0] * 4, t, [1, 0, 1, 0], SensorSize(1, 1))
        >>> refractory(events, 100).t.tolist()
        [0, 100]
    """
    return Refractory(period_us).push(events)


def deduplicate(events: Events, within_us: int = 1) -> Events:
    """Drop events less than ``within_us`` after the previous event of equal x, y and p.

        keep event i   <=>   t_i - t_previous(x_i, y_i, p_i) >= within

    where the previous event counts whether it was kept or not; of a burst only the first stays.

    Args:
        events: A recording.
        within_us: 1 drops exact copies (same microsecond); 0 keeps everything.

    Raises:
        ConfigError: The time is negative.

    Examples:
        >>> from saccade.events import Events, SensorSize
        >>> events = Events([0, 0, 0, 0], [0] * 4, [5, 5, 5, 6], [1, 0, 1, 1], SensorSize(1, 1))
        >>> deduplicate(events).t.tolist()
        [5, 5, 6]
    """
    return Duplicates(within_us).push(events)


def _check_gap(name: str, value: int) -> int:
    if value < 0:
        raise ConfigError(f"{name} is {value:,}.", "Expected 0 or more microseconds.")
    return int(value)


def _keep(
    events: Events, gap: int, times: NDArray[np.int64], *, per_polarity: bool, chain: bool
) -> NDArray[np.bool_]:
    x, y, t, p = contiguous(events)
    keep = np.empty(len(events), np.bool_)
    plane = events.size.pixels if per_polarity else 0
    _since_last(x, y, t, p, events.size.width, plane, gap, chain, times, keep)
    return keep


@kernel
def _since_last(
    x: NDArray[np.uint16],
    y: NDArray[np.uint16],
    t: NDArray[np.int64],
    p: NDArray[np.uint8],
    width: int,
    plane: int,
    gap: int,
    chain: bool,
    times: NDArray[np.int64],
    keep: NDArray[np.bool_],
) -> None:
    for i in range(t.shape[0]):
        cell = p[i] * plane + y[i] * width + x[i]
        kept = t[i] >= times[cell] + gap
        keep[i] = kept
        if kept or chain:
            times[cell] = t[i]
