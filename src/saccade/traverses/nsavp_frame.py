"""A second of NSAVP becomes a count frame.

    training     a window of 18 to 44 ms anywhere in the second -> EventDrop -> count
    evaluation   the first 33 ms -> count

The second is cut into complete windows of the length drawn, from the first event on, and one of
them is drawn; shorter seconds are one window. Published (``compat="spikevpr"``) and native mode
differ in the order: there EventDrop comes first, and never drops an interval (defect D3); here the
window comes first, so that EventDrop never leaves it empty and only the window is read.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from saccade.events.augment import EventDrop
from saccade.events.filters import downsample
from saccade.events.types import Events, SensorSize
from saccade.represent import count_frame
from saccade.traverses.nsavp_files import FrameFile

__all__ = ["Recipe"]

_NS_PER_US = 1_000


@dataclass(frozen=True)
class Recipe:
    """How a file becomes a frame.

    Args:
        sensor: Size of the sensor in the file.
        size: Size of the frame.
        window_us: Evaluation: time from the first event on.
        max_events: Only the first so many events; None = all.
        spread: Training: shortest and longest window, µs.
        event_drop: Training: EventDrop.
        compat: ``"spikevpr"``: as published.
    """

    sensor: SensorSize
    size: SensorSize
    window_us: int
    max_events: int | None
    spread: tuple[float, float]
    event_drop: bool
    compat: Literal["spikevpr"] | None = None

    def frame(self, file: FrameFile, rng: np.random.Generator | None = None) -> NDArray[np.float32]:
        """Return the counts of `events`, ``[2, H, W]``."""
        return count_frame(self.events(file, rng))

    def events(self, file: FrameFile, rng: np.random.Generator | None = None) -> Events:
        """Return the events of a file that count, of training where ``rng`` is given.

        Args:
            file: A second of events.
            rng: Draws window and augmentation.
        """
        if not len(file):
            events = Events.empty(self.sensor)
        elif rng is None:
            stop = file.index(file.first_ns() + self.window_us * _NS_PER_US)
            events = file.events(self.sensor, 0, stop)
        elif self.compat is None:
            first, end = _window(file.first_ns(), file.last_ns(), self.spread, rng)
            events = file.events(self.sensor, file.index(first), file.index(end))
            events = self._dropped(events, rng)
        else:
            events = self._dropped(file.events(self.sensor), rng)
            if len(events):
                span = int(events.t[0]), int(events.t[-1])
                events = events.slice_time(*_window(*span, self.spread, rng))
        if self.size != self.sensor:
            events = downsample(events, self.size)
        return events[: self.max_events]

    def _dropped(self, events: Events, rng: np.random.Generator) -> Events:
        return EventDrop(compat=self.compat)(events, rng) if self.event_drop else events


def _window(
    first_ns: int, last_ns: int, spread_us: tuple[float, float], rng: np.random.Generator
) -> tuple[int, int]:
    """Draw a window ``[start, end)``: its length, then which of the complete ones.

    Whole bounds select the same events as those with fractions: ``t >= b`` is ``t >= ceil(b)``.
    """
    length = rng.uniform(*spread_us) * _NS_PER_US
    count = max(1, math.floor((last_ns - first_ns - length) / length) + 1)
    k = int(rng.integers(count))
    return first_ns + math.ceil(k * length), first_ns + math.ceil((k + 1) * length)
