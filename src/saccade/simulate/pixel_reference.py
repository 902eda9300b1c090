"""The pixel model in plain Python: slow, and read like its equations (see `pixel`).

`pixel_kernel` is held to this. Both draw the same random numbers; ln and exp differ in the last
bit, and so does the order of additions: an event's float time may differ by a part in 10^12, and
its microsecond only where the float lies that close to a whole one.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from saccade.events.types import Events, SensorSize
from saccade.simulate.pixel import C_OFF, C_ON, DRAWS, HAZARD, LAST_US, REF, PixelModel, V, uniforms

__all__ = ["Pixel", "reference_events"]


@dataclass
class Pixel:
    """One pixel and where it is: times in microseconds, rates per microsecond.

    ``reference`` is None while the pixel is held in reset after an event.
    """

    model: PixelModel
    seed: int
    number: int
    now: float
    u: float
    v: float
    reference: float | None
    last: float
    hazard: float
    draws: int
    c_on: float
    c_off: float

    def see(self, time: float, luminance: float) -> Iterator[tuple[int, int]]:
        """Go on to a time at which this luminance in cd/m2 is seen; yield (t, p) of the events."""
        start, dt = self.now, time - self.now
        u, v = float(self.model.log_luminance(luminance)), self.v
        tau = 1e6 / (2 * math.pi * float(self.model.cutoff_hz(luminance)))
        lag = tau * (u - self.u) / dt  # where V - u settles while u runs straight
        end = u - lag + (v - self.u + lag) * (math.exp(-dt / tau) if tau > 0 else 0.0)
        slope = (end - v) / dt
        noise = 1e-6 * float(self.model.noise_rate_hz(luminance))
        while True:
            free = max(self.now, self.last + self.model.refractory_us)
            self._let_pass(min(free, time), noise)
            if free >= time:
                break
            if self.reference is None:
                self.reference = v + slope * (free - start)
            crossing, sign = self._crossing(v + slope * (free - start), slope)
            crossing += free
            random = self.now + self.hazard / noise if noise > 0 else math.inf
            if min(crossing, random) >= time:
                self._pass(time, noise)
                break
            if random <= crossing:
                self._pass(random, noise)
                sign = int(self._draw() <= self.model.noise_on_share)
                self.hazard = -math.log(self._draw())
            else:
                self._pass(crossing, noise)
                self._reset(sign)
            self.last = self.now
            yield math.floor(self.now), sign
        self.now, self.u, self.v = time, u, end

    def _crossing(self, v: float, slope: float) -> tuple[float, int]:
        """Return how long until V - R meets a threshold, and which."""
        assert self.reference is not None
        gap = v - self.reference
        opening = slope + 1e-6 * self.model.leak_hz * self.c_on  # of V - R
        if gap >= self.c_on or gap <= -self.c_off:
            return 0.0, int(gap > 0)
        if opening > 0:
            return (self.c_on - gap) / opening, 1
        return ((self.c_off + gap) / -opening if opening < 0 else math.inf), 0

    def _reset(self, sign: int) -> None:
        if self.model.refractory_us > 0:
            self.reference = None
        elif self.reference is not None:
            self.reference += self.c_on if sign else -self.c_off

    def _pass(self, time: float, noise: float) -> None:
        """Let time go by: the reference leaks, the next noise event comes nearer."""
        if self.reference is not None:
            self.reference -= 1e-6 * self.model.leak_hz * self.c_on * (time - self.now)
        if noise > 0:
            self.hazard -= noise * (time - self.now)
        self.now = time

    def _let_pass(self, time: float, noise: float) -> None:
        """The same for a blind pixel, whose noise events are lost."""
        self._pass(time, noise)
        while self.hazard < 0:
            self.hazard -= math.log(self._draw())

    def _draw(self) -> float:
        self.draws += 1
        return float(uniforms(self.seed, np.array([self.number]), self.draws - 1)[0])


def reference_events(
    times: NDArray[np.int64],
    luminance: NDArray[np.float32],
    model: PixelModel,
    *,
    seed: int,
    size: SensorSize,
) -> Events:
    """Return the events of pixels that watch a sequence of images, as `events_from_frames` does.

    Args:
        times: int64 ``[T]`` µs.
        luminance: float32 ``[T, H, W]`` cd/m2.
        model: The pixels.
        seed: Seed of mismatch and noise.
        size: Sensor size.
    """
    rows: list[tuple[int, int, int, int]] = []
    cells = model.cells(size, seed, luminance[0], int(times[0]))
    for number, cell in enumerate(cells):
        y, x = divmod(number, size.width)
        pixel = Pixel(
            model, seed, number, float(times[0]), float(cell[V]), float(cell[V]),
            float(cell[REF]), float(cell[LAST_US]), float(cell[HAZARD]), int(cell[DRAWS]),
            float(cell[C_ON]), float(cell[C_OFF]),
        )  # fmt: skip
        for time, image in zip(times[1:], luminance[1:], strict=True):
            rows += [(t, y, x, p) for t, p in pixel.see(float(time), float(image[y, x]))]
    rows.sort(key=lambda row: row[:3])
    t, y, x, p = np.ascontiguousarray(np.array(rows, np.int64).reshape(-1, 4).T)
    return Events(x.astype(np.uint16), y.astype(np.uint16), t, p.astype(np.uint8), size)
