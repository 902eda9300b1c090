"""A slice of Brisbane-Event-VPR becomes a count frame.

    hot pixels out -> denoise 0.1 s -> [EventDilation -> EventDrop] -> first 15,000 events -> count

with what stands in brackets in training only. Published (``compat="spikevpr"``) and native mode:

    D3   EventDrop never drops an interval, since times are absolute   it does
    D4   a slice without events raises                                 an empty frame
         denoise in float seconds                                      in whole microseconds
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from saccade.events.augment import EventDilation, EventDrop
from saccade.events.convert import from_columns
from saccade.events.filters import denoise, downsample, without_pixels
from saccade.events.filters.background import supported
from saccade.events.types import Events, SensorSize
from saccade.represent import count_frame

__all__ = ["Recipe"]

_DENOISE_S = 0.1


@dataclass(frozen=True)
class Recipe:
    """How a slice becomes a frame.

    Args:
        sensor: Size of the sensor.
        size: Size of the frame.
        window_us: Evaluation: only this time from the first event on; None = all of the slice.
        max_events: Only the first so many events.
        spread: Training: shortest and longest window of EventDilation, µs.
        event_drop: Training: EventDrop.
        compat: ``"spikevpr"``: as published.
    """

    sensor: SensorSize
    size: SensorSize
    window_us: int | None
    max_events: int
    spread: tuple[float, float]
    event_drop: bool
    compat: Literal["spikevpr"] | None = None

    def frame(
        self,
        rows: NDArray[np.float64],
        hot: NDArray[np.int64],
        rng: np.random.Generator | None = None,
    ) -> NDArray[np.float32]:
        """Return the counts of `events`, ``[2, H, W]``."""
        return count_frame(self.events(rows, hot, rng))

    def events(
        self,
        rows: NDArray[np.float64],
        hot: NDArray[np.int64],
        rng: np.random.Generator | None = None,
    ) -> Events:
        """Return the events of a slice that count, of training where ``rng`` is given.

        Args:
            rows: float64 ``[N, 4]``: t in epoch seconds, x, y, p.
            hot: int64 ``[M, 2]``, pixels (x, y) to leave out.
            rng: Draws the augmentation.

        Raises:
            EventError: An event lies outside the sensor, or is no number.
        """
        events = self._clean(rows, hot)
        if self.size != self.sensor:
            events = downsample(events, self.size)
        if rng is not None:
            events = EventDilation(*self.spread)(events, rng)
            if self.event_drop:
                events = EventDrop(compat=self.compat)(events, rng)
        elif self.window_us is not None and len(events):
            events = events.slice_time(0, self.window_us, from_first=True)
        return events[: self.max_events]

    def _clean(self, rows: NDArray[np.float64], hot: NDArray[np.int64]) -> Events:
        if (np.diff(rows[:, 0]) < 0).any():
            rows = rows[np.argsort(rows[:, 0], kind="stable")]
        t, x, y, p = rows.T
        events = from_columns(x, y, t, p > 0, self.sensor, time_unit="s")
        if self.compat is None:
            return denoise(without_pixels(events, hot), round(_DENOISE_S * 1e6))
        kept = np.ones((self.sensor.height, self.sensor.width), np.bool_)
        kept[hot[:, 1], hot[:, 0]] = False
        cold = kept[events.y, events.x]
        events, t = events[cold], t[cold]
        if not len(events):
            return events
        return events[supported(events.x, events.y, t, _DENOISE_S)]
