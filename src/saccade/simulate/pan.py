"""A camera that pans over the stills of a traverse, one place after another.

    still k --inverse sRGB, film grain of this traverse--> luminance, seen through a window

                 window of the sensor at time t, its centre at  c + offset + v (t - m_k) + shake(t)
        .-----[=======]--->-----.       and its scale  zoom (1 + approach (t - m_k) / dwell)
        |  still k              |
        '-----------------------'       m_k = (k + 1/2) dwell, middle of still k

    luminance(t) = (1 - w) still_k + w still_{k+1}      w rises from 0 to 1 (smoothstep) around the
                                                        border (k + 1) dwell within ``fade``

Both stills of a fade move at the same speed, so nothing jumps; the fade itself brightens and
darkens in place, as no real drive does. Steps are so short that no part of the image moves by more
than ``max_step_px``, shake and approach included. Still k is the one seen most from k dwell to
(k + 1) dwell exactly. A second traverse is a second seed: other speed, direction, offset, shake and
grain over the same places.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property, lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from saccade.errors import ConfigError, ShapeError
from saccade.events.types import SensorSize
from saccade.jit import kernel
from saccade.simulate.luminance import Frame, check_white, linear_light
from saccade.simulate.sampling import cubic, mirror

__all__ = ["Pan", "PanDraw"]

_SHAKE_HZ = (1.0, 12.0)
_TONES = 6
_FADE_STEPS = 16


@dataclass(frozen=True)
class PanDraw:
    """What was drawn for one traverse.

    Args:
        velocity_px_s: Along x and y, sensor pixels per second.
        offset_px: Along x and y.
        shake_px: Root mean square of the shake along x and y.
        shake_hz: float64 ``[tones]``, frequencies.
        shake_amplitude_px: float64 ``[2, tones]``.
        shake_phase: float64 ``[2, tones]``, radians.
    """

    velocity_px_s: tuple[float, float]
    offset_px: tuple[float, float]
    shake_px: float
    shake_hz: NDArray[np.float64]
    shake_amplitude_px: NDArray[np.float64]
    shake_phase: NDArray[np.float64]

    def shake(self, t_s: float) -> tuple[float, float]:
        """Return the shake at a time, sensor pixels."""
        angle = 2.0 * np.pi * self.shake_hz * t_s + self.shake_phase
        x, y = (self.shake_amplitude_px * np.sin(angle)).sum(axis=1)
        return float(x), float(y)


class Pan:
    """One traverse over a series of stills.

    Args:
        stills: ``[N, H, W]``: uint8 as shown (sRGB), or float32 relative luminance, 0 to 1.
        seed: Seed of everything that is drawn.
        size: Sensor size.
        speed_px_s: Least and largest speed, sensor pixels per second; one is drawn, and a direction
            within 15 degrees of +x.
        offset_px: Largest offset of the window along x and y, sensor pixels.
        shake_px: Least and largest root mean square of the shake; one is drawn.
        zoom: How many times larger than "the still just covers the sensor" it appears; above 1
            leaves room for the pan. Beyond its border a still is mirrored.
        approach: Growth of the scale over one still, as a vehicle that drives towards it.
        noise: Standard deviation of the grain of a still in ln luminance, drawn anew per traverse.
        dwell: Seconds per still.
        fade: Seconds from a still to the next, at most ``dwell``.
        white_cd_m2: Luminance of white.
        max_step_px: Largest motion between two frames.

    Raises:
        ShapeError: ``stills`` has another shape or type.
        ConfigError: A number is out of range.

    Examples:
        >>> stills = np.full((2, 8, 16), 255, np.uint8)
        >>> pan = Pan(stills, seed=1, size=SensorSize(20, 30), noise=0.0, dwell=0.1, fade=0.05)
        >>> pan.windows_us.tolist(), pan.still_at(120_000), next(pan.frames())[1].shape
        ([[0, 100000], [100000, 200000]], 1, (20, 30))
    """

    def __init__(
        self,
        stills: NDArray[Any],
        *,
        seed: int,
        size: SensorSize | None = None,
        speed_px_s: tuple[float, float] = (80.0, 160.0),
        offset_px: float = 2.0,
        shake_px: tuple[float, float] = (0.1, 0.5),
        zoom: float = 1.25,
        approach: float = 0.02,
        noise: float = 0.02,
        dwell: float = 0.25,
        fade: float = 0.08,
        white_cd_m2: float = 1000.0,
        max_step_px: float = 0.5,
    ) -> None:
        _check_stills(stills)
        check_white(white_cd_m2)
        _check_numbers(speed_px_s, shake_px, zoom, dwell, fade, max_step_px)
        if offset_px < 0 or noise < 0 or not -0.5 < approach < 0.5:
            raise ConfigError(
                f"offset_px is {offset_px}, noise {noise}, approach {approach}.",
                "Expected 0 or more, 0 or more, and between -0.5 and 0.5.",
            )
        self._stills, self._seed = stills, seed
        self._height, self._width = stills.shape[1:]
        self.size = size or SensorSize(self._height, self._width)
        self._noise, self._white = noise, np.float32(white_cd_m2)
        self._zoom, self._approach = zoom, approach
        self._dwell_us, self._fade_us = round(dwell * 1e6), round(fade * 1e6)
        self._max_step_px = max_step_px
        rng = np.random.default_rng(np.random.SeedSequence(seed, spawn_key=(0,)))
        self.draw = _draw(rng, speed_px_s, offset_px, shake_px)
        self._luminance = lru_cache(maxsize=2)(self._develop)  # the two of a fade

    @property
    def duration_us(self) -> int:
        """Length of the traverse, microseconds."""
        return self._stills.shape[0] * self._dwell_us

    @property
    def windows_us(self) -> NDArray[np.int64]:
        """From when to when (exclusive) each still is the one seen most, int64 ``[N, 2]``."""
        starts = np.arange(self._stills.shape[0], dtype=np.int64) * self._dwell_us
        return np.stack([starts, starts + self._dwell_us], axis=1)

    @cached_property
    def step_us(self) -> int:
        """Time from frame to frame, microseconds."""
        shortest = self.duration_us
        if self._fade_us:
            shortest = max(1, self._fade_us // _FADE_STEPS)
        fastest = self._fastest_px_s()
        if fastest > 0:
            shortest = min(shortest, int(self._max_step_px / fastest * 1e6))
        if shortest < 1:
            raise ConfigError(
                f"The image moves at up to {fastest:,.0f} px/s: steps below a microsecond.",
                f"Expected at most {self._max_step_px * 1e6:,.0f} px/s.",
            )
        return shortest

    def still_at(self, t_us: int) -> int:
        """Return the index of the still that is seen most at a time."""
        return min(max(t_us // self._dwell_us, 0), self._stills.shape[0] - 1)

    def __len__(self) -> int:
        """Return the number of frames."""
        return -(-self.duration_us // self.step_us) + 1

    def frames(self, first: int = 0) -> Iterator[Frame]:
        """Yield the frames of the traverse, the last one at its very end.

        Args:
            first: Number of the frame to begin with; a frame does not depend on those before it.

        Yields:
            Time in microseconds and luminance float32 ``[H, W]`` in cd/m2.
        """
        for number in range(first, len(self)):
            t_us = min(number * self.step_us, self.duration_us)
            yield t_us, self.frame(t_us)

    def frame(self, t_us: int) -> NDArray[np.float32]:
        """Return the luminance seen at a time, float32 ``[H, W]`` in cd/m2."""
        k = self.still_at(t_us)
        border = k if t_us - k * self._dwell_us < self._dwell_us // 2 else k + 1
        share = self._share(t_us - border * self._dwell_us)
        if not 0 < border < self._stills.shape[0] or share in (0.0, 1.0):
            return self._view(k, t_us)
        blend = np.float32(share)
        before, after = self._view(border - 1, t_us), self._view(border, t_us)
        np.add(before, blend * (after - before), out=before)
        return before

    def _share(self, from_border_us: int) -> float:
        """Weight of the later still near a border between two."""
        if not self._fade_us:
            return 1.0 if from_border_us >= 0 else 0.0
        s = min(max(from_border_us / self._fade_us + 0.5, 0.0), 1.0)
        return s * s * (3.0 - 2.0 * s)

    def _view(self, k: int, t_us: int) -> NDArray[np.float32]:
        x, y, scale = self.pose(k, t_us)
        out = np.empty((self.size.height, self.size.width), np.float32)
        columns = x + (np.arange(self.size.width) - (self.size.width - 1) / 2) / scale
        rows = y + (np.arange(self.size.height) - (self.size.height - 1) / 2) / scale
        _resample(self._luminance(k), columns, rows, out)
        return out

    def pose(self, k: int, t_us: int) -> tuple[float, float, float]:
        """Return where the window looks on still k.

        Returns:
            Column and row of the still (its pixels, centres at whole numbers) at the middle of the
            sensor, and sensor pixels per pixel of the still.
        """
        since_s = (t_us - (k + 0.5) * self._dwell_us) / 1e6
        shake_x, shake_y = self.draw.shake(t_us / 1e6)
        covers = max(self.size.height / self._height, self.size.width / self._width)
        scale = covers * self._zoom * (1.0 + self._approach * since_s / (self._dwell_us / 1e6))
        # offset in pixels of the unscaled view: the approach enlarges it with the picture
        steady = covers * self._zoom
        x = self.draw.offset_px[0] + self.draw.velocity_px_s[0] * since_s + shake_x
        y = self.draw.offset_px[1] + self.draw.velocity_px_s[1] * since_s + shake_y
        return (self._width - 1) / 2 + x / steady, (self._height - 1) / 2 + y / steady, scale

    def _develop(self, k: int) -> NDArray[np.float32]:
        """Still k in cd/m2 with its grain."""
        still = self._stills[k]
        light = linear_light(still) if still.dtype == np.uint8 else still.astype(np.float32)
        if self._noise:
            key = np.random.SeedSequence(self._seed, spawn_key=(1, k))
            grain = np.random.default_rng(key).standard_normal(light.shape)
            light = light * np.exp(self._noise * grain).astype(np.float32)
        return np.ascontiguousarray(light * self._white)

    def _fastest_px_s(self) -> float:
        """Bound on the speed of any part of the image on the sensor."""
        draw = self.draw
        tones = 2.0 * np.pi * draw.shake_hz * draw.shake_amplitude_px
        shake = float(np.hypot(*np.abs(tones).sum(axis=1)))
        largest = 1.0 + 0.5 * abs(self._approach) * (1.0 + self._fade_us / self._dwell_us)
        corner = 0.5 * math.hypot(self.size.height, self.size.width)
        growth = abs(self._approach) / (self._dwell_us / 1e6)
        smallest = 2.0 - largest
        panning = (math.hypot(*draw.velocity_px_s) + shake) * largest
        return panning + corner * growth / smallest


def _draw(
    rng: np.random.Generator,
    speed_px_s: tuple[float, float],
    offset_px: float,
    shake_px: tuple[float, float],
) -> PanDraw:
    speed = rng.uniform(*speed_px_s)
    angle = math.radians(rng.uniform(-15.0, 15.0))
    offset = rng.uniform(-offset_px, offset_px, 2)
    rms = rng.uniform(*shake_px)
    hz = np.exp(rng.uniform(math.log(_SHAKE_HZ[0]), math.log(_SHAKE_HZ[1]), _TONES))
    weight = rng.standard_normal((2, _TONES)) / hz  # slow tones are the large ones
    power = np.sqrt((weight**2).sum(axis=1, keepdims=True) / 2.0)
    return PanDraw(
        velocity_px_s=(speed * math.cos(angle), speed * math.sin(angle)),
        offset_px=(float(offset[0]), float(offset[1])),
        shake_px=rms,
        shake_hz=hz,
        shake_amplitude_px=weight * (rms / power),
        shake_phase=rng.uniform(0.0, 2.0 * np.pi, (2, _TONES)),
    )


def _check_stills(stills: NDArray[Any]) -> None:
    if stills.ndim != 3 or min(stills.shape) < 1 or stills.dtype not in (np.uint8, np.float32):
        raise ShapeError(
            f"stills has shape {stills.shape} and type {stills.dtype}.",
            "Expected [N, H, W], uint8 or float32.",
        )


def _check_numbers(
    speed_px_s: tuple[float, float],
    shake_px: tuple[float, float],
    zoom: float,
    dwell: float,
    fade: float,
    max_step_px: float,
) -> None:
    for name, (least, most) in (("speed_px_s", speed_px_s), ("shake_px", shake_px)):
        if not 0.0 <= least <= most:
            raise ConfigError(f"{name} is {(least, most)}.", "Expected 0 <= least <= largest.")
    if not (zoom >= 1.0 and max_step_px > 0.0):
        raise ConfigError(
            f"zoom is {zoom} and max_step_px {max_step_px}.", "Expected at least 1 and above 0."
        )
    if not (dwell >= 1e-3 and 0.0 <= fade <= dwell):
        raise ConfigError(
            f"dwell is {dwell} s and fade {fade} s.",
            "Expected a dwell of at least 0.001 s and a fade of 0 to the dwell.",
        )


@kernel
def _resample(
    image: NDArray[np.float32],
    columns: NDArray[np.float64],
    rows: NDArray[np.float64],
    out: NDArray[np.float32],
) -> None:
    """Catmull-Rom on a grid: four rows of the still into one, then four columns; not below 0."""
    height, width = image.shape
    line = np.empty(width, np.float64)
    at = np.empty((columns.shape[0], 4), np.int64)
    weight = np.empty((columns.shape[0], 4), np.float64)
    for x in range(columns.shape[0]):
        left = int(np.floor(columns[x]))
        taps = cubic(columns[x] - left)
        for i in range(4):
            at[x, i], weight[x, i] = mirror(left - 1 + i, width), taps[i]
    for y in range(rows.shape[0]):
        top = int(np.floor(rows[y]))
        taps = cubic(rows[y] - top)
        a, b = image[mirror(top - 1, height)], image[mirror(top, height)]
        c, d = image[mirror(top + 1, height)], image[mirror(top + 2, height)]
        for x in range(width):
            line[x] = taps[0] * a[x] + taps[1] * b[x] + taps[2] * c[x] + taps[3] * d[x]
        for x in range(columns.shape[0]):
            total = weight[x, 0] * line[at[x, 0]] + weight[x, 1] * line[at[x, 1]]
            total += weight[x, 2] * line[at[x, 2]] + weight[x, 3] * line[at[x, 3]]
            out[y, x] = np.float32(max(total, 0.0))
