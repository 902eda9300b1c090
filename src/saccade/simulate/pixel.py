"""The event-camera pixel: from luminance to events, with the imperfections of real sensors.

L(t) luminance in cd/m2, V and the reference R in ln units; thresholds C are drawn once per pixel::

    u(t)    = ln(L + dark_cd_m2)                          linear in t between two samples
    tau V'  = u - V,   tau = 1 / (2 pi f)                 solved exactly for a linear u
    f(L)    = min(bandwidth_hz, bandwidth_hz_per_cd (L + dark_cd_m2))
    R'      = -leak_hz C_on                               V - R grows: ON events of a pixel at rest
    V - R   reaches +C_on -> ON event,  -C_off -> OFF event

An event at te with no refractory time moves R by C. With one, the pixel is blind for refractory_us
and starts anew: R = V(te + refractory_us). Noise is a Poisson process beside all this, which leaves
R alone but blinds the pixel too::

    rate(L) = noise_hz (1 + (noise_dark_factor - 1) / (1 + L / noise_half_cd_m2))

Within a step V runs straight between its two ends, which are exact. What is not modelled: the
second pole of the photoreceptor, noise on V itself, delays and losses of the read-out.

Reference:
    Lichtsteiner, Posch, Delbruck, A 128x128 120 dB 15 us latency asynchronous temporal contrast
    vision sensor, JSSC 2008 (pixel, mismatch, bandwidth); Rebecq, Gehrig, Scaramuzza, ESIM, CoRL
    2018 (thresholds crossed by interpolation); Hu, Liu, Delbruck, v2e, CVPRW 2021 (bandwidth,
    leak and noise depending on light); Joubert et al., Event camera simulator improvements via
    characterized parameters, Front. Neurosci. 2021 (refractory time and noise from measurements).
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from saccade.errors import ConfigError, DataError, ShapeError
from saccade.events.types import SensorSize

__all__ = ["PixelModel", "check_luminance", "uniforms"]

V, REF, LAST_US, HAZARD, DRAWS, C_ON, C_OFF, PREV = range(8)
"""Columns of a pixel's state, 64 bytes in all: filtered log luminance; reference (NaN while the
pixel is held in reset); time of the last event; what the noise rate must still add up to before the
next noise event; random numbers drawn; both thresholds; log luminance at the last step."""

(
    DARK, LOWPASS_MOST, LOWPASS, REFRACTORY, LEAK, NOISE, NOISE_EXTRA, NOISE_HALF, NOISE_ON,
) = range(9)  # fmt: skip
"""Entries of `PixelModel.params`, rates per microsecond."""

DARKEST_CD_M2 = 1e-9
"""Anything darker counts as this, so that the logarithm exists."""

_LEAST_SHARE = 0.1
_FIRST_DRAWS = 4


@dataclass(frozen=True, kw_only=True)
class PixelModel:
    """Parameters of the pixels of an event camera; the equations are at the top of the module.

    The values given here are those of a DAVIS346 in v2e's account of it (see `davis346`).

    Args:
        threshold_on: Contrast of an ON event, in ln luminance: 0.2 is 22 % brighter.
        threshold_off: Contrast of an OFF event, in ln luminance: 0.2 is 18 % darker.
        mismatch: Standard deviation of either threshold over the pixels, in ln luminance; a
            threshold is never less than a tenth of its mean.
        refractory_us: Time after an event in which a pixel is blind, microseconds.
        bandwidth_hz: Largest -3 dB frequency of a pixel; ``inf`` filters nothing.
        bandwidth_hz_per_cd: Growth of that frequency with luminance, Hz per cd/m2, up to the
            largest; ``inf`` makes it independent of luminance.
        leak_hz: ON events per second of a pixel at rest, from the leak of its reset switch.
        noise_hz: Noise events per second of a pixel in bright light, both polarities together.
        noise_dark_factor: How many times more there are in darkness.
        noise_half_cd_m2: Luminance at which half of that excess is left, cd/m2.
        noise_on_share: Share of ON events among noise events, 0 to 1.
        dark_cd_m2: Luminance that would make a photocurrent as large as the dark current, cd/m2.

    Raises:
        ConfigError: A value is out of its range.

    Examples:
        >>> model = PixelModel.ideal(0.25)
        >>> model.threshold_on, model.mismatch, model.refractory_us
        (0.25, 0.0, 0.0)
        >>> PixelModel(noise_hz=1.0, noise_dark_factor=9.0).noise_rate_hz(0.0)
        array(9.)
    """

    threshold_on: float = 0.2
    threshold_off: float = 0.2
    mismatch: float = 0.03
    refractory_us: float = 500.0
    bandwidth_hz: float = 300.0
    bandwidth_hz_per_cd: float = 20.0
    leak_hz: float = 0.1
    noise_hz: float = 0.001
    noise_dark_factor: float = 5_000.0
    noise_half_cd_m2: float = 1.0
    noise_on_share: float = 0.5
    dark_cd_m2: float = 0.02

    def __post_init__(self) -> None:
        for name in ("threshold_on", "threshold_off"):
            _require(name, getattr(self, name), 0.01, 10.0, "the contrast of an event in ln units")
        for name in ("mismatch", "refractory_us", "leak_hz", "noise_hz", "dark_cd_m2"):
            _require(name, getattr(self, name), 0.0, 1e6, "0 switches it off")
        for name in ("bandwidth_hz", "bandwidth_hz_per_cd"):
            _require(name, getattr(self, name), 1e-3, math.inf, "inf switches it off")
        _require("noise_dark_factor", self.noise_dark_factor, 1.0, 1e6, "1: as in light")
        _require("noise_half_cd_m2", self.noise_half_cd_m2, 1e-6, 1e9, "a luminance in cd/m2")
        _require("noise_on_share", self.noise_on_share, 0.0, 1.0, "a share")

    @classmethod
    def ideal(cls, threshold: float = 0.2, **changes: float) -> PixelModel:
        """Return pixels without any imperfection: nothing but two equal thresholds."""
        perfect = dict.fromkeys(("mismatch", "refractory_us", "leak_hz", "noise_hz"), 0.0)
        values = {
            "threshold_on": threshold,
            "threshold_off": threshold,
            "bandwidth_hz": math.inf,
            "bandwidth_hz_per_cd": math.inf,
            "noise_dark_factor": 1.0,
            "dark_cd_m2": 0.0,
        }
        return cls(**{**perfect, **values, **changes})

    @classmethod
    def davis346(cls, **changes: float) -> PixelModel:
        """Return the pixels of a DAVIS346.

        Thresholds, mismatch, refractory time and largest bandwidth are the defaults of v2e; the
        noise rates of its bright default and its dark setting are the two ends of ours, its dark
        bandwidth of 30 Hz lies at 1.5 cd/m2. The leak is typical at room temperature (Nozaki and
        Delbruck 2017). A lower limit of 0.1 lux (Lichtsteiner 2008) on a half-white surface is
        the dark current's luminance.
        """
        return cls(**changes)

    @classmethod
    def davis240(cls, **changes: float) -> PixelModel:
        """Return the pixels of a DAVIS240: the fixed-pattern noise of Brandli 2014, 3.5 %."""
        return cls(**{"mismatch": 0.035, **changes})

    @classmethod
    def prophesee_gen31(cls, **changes: float) -> PixelModel:
        """Return the pixels of a Prophesee Gen3.1: 25 % nominal contrast, latency near 200 us.

        The latency is read as the time constant of the low-pass in bright light (800 Hz). Light
        dependence, leak and noise are not published in these units: they are the DAVIS346's.
        """
        off, on = -math.log(0.8), math.log(1.25)
        values = {"threshold_on": on, "threshold_off": off, "bandwidth_hz": 800.0}
        return cls(**{**values, **changes})

    @classmethod
    def prophesee_gen4(cls, **changes: float) -> PixelModel:
        """Return the pixels of a Prophesee Gen4.1 or IMX636: Gen3.1 with a latency near 100 us."""
        return cls.prophesee_gen31(**{"bandwidth_hz": 1_600.0, **changes})

    def noise_rate_hz(self, luminance: ArrayLike) -> NDArray[np.float64]:
        """Return the noise events per second of a pixel that sees this luminance in cd/m2."""
        bright = np.asarray(luminance, np.float64)
        excess = (self.noise_dark_factor - 1.0) / (1.0 + bright / self.noise_half_cd_m2)
        return np.asarray(self.noise_hz * (1.0 + excess))

    def cutoff_hz(self, luminance: ArrayLike) -> NDArray[np.float64]:
        """Return the -3 dB frequency of a pixel that sees this luminance in cd/m2."""
        bright = np.maximum(np.asarray(luminance, np.float64) + self.dark_cd_m2, DARKEST_CD_M2)
        return np.minimum(self.bandwidth_hz, self.bandwidth_hz_per_cd * bright)

    def log_luminance(self, luminance: ArrayLike) -> NDArray[np.float64]:
        """Return u = ln(L + dark_cd_m2), what an unfiltered pixel sees."""
        bright = np.asarray(luminance, np.float64) + self.dark_cd_m2
        return np.log(np.maximum(bright, DARKEST_CD_M2))

    def params(self) -> NDArray[np.float64]:
        """Return the parameters as the kernels want them, rates per microsecond."""
        out = np.zeros(9)
        out[DARK] = self.dark_cd_m2
        out[LOWPASS_MOST] = 2e-6 * math.pi * self.bandwidth_hz
        out[LOWPASS] = 2e-6 * math.pi * self.bandwidth_hz_per_cd
        out[REFRACTORY] = self.refractory_us
        out[LEAK] = 1e-6 * self.leak_hz
        out[NOISE] = 1e-6 * self.noise_hz
        out[NOISE_EXTRA] = out[NOISE] * (self.noise_dark_factor - 1.0) * self.noise_half_cd_m2
        out[NOISE_HALF] = self.noise_half_cd_m2
        out[NOISE_ON] = self.noise_on_share
        return out

    def cells(
        self, size: SensorSize, seed: int, luminance: NDArray[Any], t_us: int = 0
    ) -> NDArray[np.float64]:
        """Return the pixels' state, all adapted to a first image.

        A leak would let pixels that start alike fire together for ever, so with one the reference
        starts anywhere within its first period.

        Args:
            size: Sensor size.
            seed: Seed of thresholds, starting phase and noise.
            luminance: ``[H, W]`` cd/m2 at ``t_us``.
            t_us: Time of the first image; the pixels can fire from then on.

        Returns:
            float64 ``[H * W, 8]``.

        Raises:
            ShapeError: The image has another size.
            DataError: A luminance is negative or not finite.
        """
        check_luminance(luminance, size, t_us)
        pixels = np.arange(size.pixels)
        first, second, third, fourth = (uniforms(seed, pixels, k) for k in range(_FIRST_DRAWS))
        radius, angle = np.sqrt(-2.0 * np.log(first)), 2.0 * np.pi * second
        cells = np.empty((size.pixels, 8))
        cells[:, V] = cells[:, PREV] = self.log_luminance(np.asarray(luminance).ravel())
        for column, mean, normal in (
            (C_ON, self.threshold_on, radius * np.cos(angle)),
            (C_OFF, self.threshold_off, radius * np.sin(angle)),
        ):
            cells[:, column] = np.maximum(mean + self.mismatch * normal, _LEAST_SHARE * mean)
        phase = third if self.leak_hz > 0 else 1.0
        cells[:, REF] = cells[:, V] - (1.0 - phase) * cells[:, C_ON]
        cells[:, LAST_US] = t_us - self.refractory_us
        cells[:, HAZARD] = -np.log(fourth) if self.noise_hz > 0 else np.inf
        cells[:, DRAWS] = _FIRST_DRAWS
        return cells


def uniforms(seed: int, pixels: NDArray[np.int64], draw: int) -> NDArray[np.float64]:
    """Return random number ``draw``, in (0, 1], of each pixel's own sequence.

    Two rounds of the 64-bit finalizer of SplitMix64, over (seed, pixel) and then the draw.

    Examples:
        >>> first = uniforms(7, np.arange(1000), 0)
        >>> bool(abs(first.mean() - 0.5) < 0.03)
        True

    Reference:
        Steele, Lea, Flood, Fast splittable pseudorandom number generators, OOPSLA 2014.
    """
    whole = np.uint64(seed & 0xFFFF_FFFF_FFFF_FFFF)
    step = np.uint64(draw * 0xD1342543DE82EF95 & 0xFFFF_FFFF_FFFF_FFFF)
    h = _mixed(whole + np.asarray(pixels).astype(np.uint64) * np.uint64(0x9E3779B97F4A7C15))
    h = _mixed(h + step)
    return ((h >> np.uint64(11)).astype(np.float64) + 1.0) * 2.0**-53


def _mixed(h: NDArray[np.uint64]) -> NDArray[np.uint64]:
    h = (h ^ (h >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    h = (h ^ (h >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return h ^ (h >> np.uint64(31))


def check_luminance(luminance: NDArray[Any], size: SensorSize, t_us: int) -> None:
    """Refuse an image of another size, or one with a luminance that cannot be.

    Raises:
        ShapeError: Another size.
        DataError: A luminance is negative or not finite.
    """
    if luminance.shape != (size.height, size.width):
        raise ShapeError(
            f"The image at {t_us:,} µs has shape {luminance.shape}.",
            f"Expected ({size.height}, {size.width}), the sensor's height and width.",
        )
    low, high = float(luminance.min()), float(luminance.max())
    if low >= 0.0 and high < math.inf:
        return
    unfit = ~((luminance >= 0) & (luminance < np.inf))
    y, x = (int(k) for k in np.argwhere(unfit)[0])
    raise DataError(
        f"The luminance at {t_us:,} µs is {luminance[y, x]} at x = {x}, y = {y}"
        f" ({np.count_nonzero(unfit):,} such pixels).",
        "Expected finite values in cd/m2, 0 or more.",
        "Pass linear light, not its logarithm; saccade.simulate.linear_light decodes pictures.",
    )


def _require(name: str, value: float, least: float, most: float, meaning: str) -> None:
    if least <= value <= most:
        return
    raise ConfigError(
        f"{name} is {value}.", f"Expected {least:g} to {most:g}; {meaning}.", f"Change {name}."
    )
