"""The sky as a panorama of luminance: blue or gray, clouds, the sun's glow, moon and stars.

    L(z, c) / L_zenith = phi(z) f(c) / (phi(0) f(z_sun))

    phi(z) = 1 + a exp(b / cos z)
    f(c)   = 1 + c_1 (exp(d c) - exp(d pi / 2)) + e cos^2 c

``z`` is the angle from the zenith, ``c`` the angle from the sun; (a, b, c_1, d, e) are those of the
clear and the overcast standard sky. Scaled so that level ground gets exactly the condition's
``sky_lux`` from it, and ``sun_lux`` at right angles from the disc.

Reference:
    CIE S 011/E:2003 (ISO 15469:2004), Spatial distribution of daylight: CIE standard general sky.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

from saccade.jit import kernel
from saccade.simulate.conditions import Condition

__all__ = [
    "SKY_COLUMNS",
    "SKY_ROWS",
    "sky_directions",
    "sky_luminance",
    "sky_panorama",
    "solid_angles",
]

SKY_ROWS, SKY_COLUMNS = 256, 1024

_CLEAR = (-1.0, -0.32, 10.0, -3.0, 0.45)
_OVERCAST = (4.0, -0.7, 0.0, -1.0, 0.0)
_DISC_RAD = math.radians(0.5)  # standard deviation of the sun's disc with its bloom
_HORIZON = 0.03  # cosine below which the formulae, made for a flat earth, no longer change
_STARS = 1_500


def sky_directions() -> NDArray[np.float64]:
    """Return unit vectors ``[rows, columns, 3]`` of the panorama: zenith first, azimuth from x."""
    zenith = np.linspace(0.0, np.pi, SKY_ROWS)[:, None]
    azimuth = (np.arange(SKY_COLUMNS) * (2 * np.pi / SKY_COLUMNS))[None, :]
    flat = np.sin(zenith)
    parts = [flat * np.cos(azimuth), flat * np.sin(azimuth), np.cos(zenith) + 0 * azimuth]
    return np.stack(parts, axis=-1).astype(np.float64)


def solid_angles() -> NDArray[np.float64]:
    """Return the solid angle ``[rows, 1]`` of a texel in each row, in sr; all together 4 pi."""
    step = np.pi / (SKY_ROWS - 1)
    edge = np.clip((np.arange(SKY_ROWS + 1) - 0.5) * step, 0.0, np.pi)
    return ((np.cos(edge[:-1]) - np.cos(edge[1:])) * (2 * np.pi / SKY_COLUMNS))[:, None]


def sky_panorama(condition: Condition, seed: int) -> NDArray[np.float32]:
    """Return the sky of a condition in cd/m2, float32 ``[256, 1024]``.

    Args:
        condition: What shines.
        seed: Of the clouds and stars.

    Examples:
        >>> from saccade.simulate.conditions import CONDITIONS
        >>> sky = sky_panorama(CONDITIONS["overcast"], seed=0)
        >>> lux = (sky * solid_angles() * sky_directions()[..., 2].clip(0)).sum()
        >>> f"{lux:,.0f}"
        '10,000'
    """
    rng = np.random.default_rng([seed, 0x5C1])
    ways, angle = sky_directions(), solid_angles()
    up = ways[..., 2]
    dome = _dome(condition, ways) * _cloud_gain(condition, ways, rng)
    if condition.moon:
        dome = dome * (1.0 + 2.5 * np.exp(-np.abs(up) / 0.12))  # light of the city near the horizon
        dome = dome + _stars(rng, float(dome[up > 0].mean()), angle)
    total = float((dome * angle * up.clip(0)).sum())
    sky = dome * (condition.sky_lux / total)
    ground = condition.bounce * condition.ground_lux / np.pi
    haze = np.clip(-up / 0.05, 0.0, 1.0)
    sky = np.where(up < 0, sky + (ground - sky) * haze, sky)
    return (sky + _disc(condition, ways, angle)).astype(np.float32)


def _dome(condition: Condition, ways: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the relative luminance of the cloudless share and the gray share of the sky."""
    sun = condition.to_sun
    height = np.maximum(np.abs(ways[..., 2]), _HORIZON)
    apart = np.arccos(np.clip(ways @ sun, -1.0, 1.0))
    parts: list[NDArray[np.float64]] = []
    for a, b, c, d, e in (_CLEAR, _OVERCAST):
        gradation = 1.0 + a * np.exp(b / height)
        scatter = 1.0 + c * (np.exp(d * apart) - math.exp(d * np.pi / 2)) + e * np.cos(apart) ** 2
        parts.append(gradation * scatter / float((gradation * scatter).mean()))
    gray = condition.clouds**2
    return parts[0] * (1.0 - gray) + parts[1] * gray


def _cloud_gain(
    condition: Condition, ways: NDArray[np.float64], rng: np.random.Generator
) -> NDArray[np.float64]:
    """Return the factor by which clouds change the sky: noise on a layer seen in perspective."""
    if condition.clouds == 0.0:
        return np.ones(ways.shape[:2])
    height = np.abs(ways[..., 2])
    layer = ways[..., :2] / (height + 0.12)[..., None]
    noise = _fractal(layer * 1.3, rng)
    cover = float(np.quantile(noise[ways[..., 2] > 0.1], 1.0 - condition.clouds))
    thick = np.clip((noise - cover) / 0.16, 0.0, 1.0)
    thick = thick * thick * (3.0 - 2.0 * thick)
    body = 0.55 + 0.9 * _fractal(layer * 2.7 + 31.0, rng)
    bright = body * (1.0 + 1.6 * (1.0 - condition.clouds)) * (0.2 if condition.moon else 1.0)
    fade = np.clip(height / 0.06, 0.0, 1.0)
    return 1.0 + fade * thick * (bright - 1.0)


def _fractal(place: NDArray[np.float64], rng: np.random.Generator) -> NDArray[np.float64]:
    """Return sums of octaves of value noise at points ``[..., 2]``, about 0 to 1."""
    total, weight = np.zeros(place.shape[:-1]), 0.0
    for octave in range(6):
        lattice = rng.random((64, 64))
        total += _value_noise(place * 2.0**octave + 7.3 * octave, lattice) * 0.55**octave
        weight += 0.55**octave
    return total / weight


def _value_noise(place: NDArray[np.float64], lattice: NDArray[np.float64]) -> NDArray[np.float64]:
    cell = np.floor(place)
    share = place - cell
    share = share * share * (3.0 - 2.0 * share)
    side = lattice.shape[0]
    i, j = (cell[..., k].astype(np.int64) % side for k in range(2))
    right, above = (i + 1) % side, (j + 1) % side
    low = lattice[j, i] + (lattice[j, right] - lattice[j, i]) * share[..., 0]
    high = lattice[above, i] + (lattice[above, right] - lattice[above, i]) * share[..., 0]
    return low + (high - low) * share[..., 1]


def _stars(
    rng: np.random.Generator, background: float, angle: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Return stars, each in few texels: three times fewer for every magnitude brighter."""
    stars = np.zeros((SKY_ROWS, SKY_COLUMNS))
    height = rng.uniform(0.05, 1.0, _STARS)
    row = np.rint(np.arccos(height) * ((SKY_ROWS - 1) / np.pi)).astype(np.int64)
    column = rng.integers(0, SKY_COLUMNS, _STARS)
    strength = (1.0 - rng.random(_STARS)) ** (-1.0 / 1.2)  # N(> s) falls as s^-1.2
    for aside, share in ((-1, 0.25), (0, 0.5), (1, 0.25)):  # texels are twice as high as wide
        at = (row, (column + aside) % SKY_COLUMNS)
        np.add.at(stars, at, share * np.minimum(strength, 40.0))
    return stars * background * 0.2 * float(angle.mean()) / np.maximum(angle, 1e-6)


def _disc(
    condition: Condition, ways: NDArray[np.float64], angle: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Return the sun or moon as a small round spot that gives ``sun_lux`` altogether."""
    if condition.sun_lux == 0.0:
        return np.zeros(ways.shape[:2])
    apart2 = 2.0 * np.maximum(1.0 - ways @ condition.to_sun, 0.0)
    spot = np.exp(-0.5 * apart2 / _DISC_RAD**2)
    return spot * (condition.sun_lux / float((spot * angle).sum()))


@kernel(counted=False, apart=True)
def sky_luminance(sky: Any, turns: Any, step: Any, rx: Any, ry: Any) -> Any:
    """Return the luminance of the sky in the direction (rx, ry, 1) of a camera.

    Args:
        sky: float32 ``[rows, columns]`` panorama, zenith to nadir, azimuth from x to y.
        turns: float64 ``[S, 9]``, rotations from camera to world.
        step: Which of them.
        rx: Ray at z = 1.
        ry: Ray at z = 1.
    """
    x = turns[step, 0] * rx + turns[step, 1] * ry + turns[step, 2]
    y = turns[step, 3] * rx + turns[step, 4] * ry + turns[step, 5]
    z = turns[step, 6] * rx + turns[step, 7] * ry + turns[step, 8]
    rows, columns = sky.shape
    around = math.atan2(y, x) * (columns / (2.0 * math.pi))
    if around < 0.0:
        around += columns
    down = math.atan2(math.sqrt(x * x + y * y), z) * ((rows - 1) / math.pi)
    i, j = int(around), min(int(down), rows - 2)
    fx, fy = around - i, down - j
    i0 = i % columns
    i1 = (i0 + 1) % columns
    p, q = float(sky[j, i0]), float(sky[j, i1])
    a = p + (q - p) * fx
    p, q = float(sky[j + 1, i0]), float(sky[j + 1, i1])
    b = p + (q - p) * fx
    return a + (b - a) * fy
