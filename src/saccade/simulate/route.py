"""A route: a polyline made smooth, with the distance along it as its coordinate.

    points --Gauss over 2 m--> --by length, every 0.5 m--> cubic B-spline c(s)

The spline is twice continuously differentiable and |dc/ds| = 1 within 0.2 % in bends of 5 m radius.
Before its first and after its last point the route goes straight on.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

from saccade.errors import ConfigError, ShapeError
from saccade.simulate.spline import Spline

__all__ = ["Route"]

_FINE_M, _STEP_M = 0.1, 0.5
_ROUND_M = 2.0
_BEYOND_M = 200.0
_BEND_PER_M = 1.0 / 40.0  # a bend of a smaller radius counts as a corner
Vectors = NDArray[np.float64]


class Route:
    """A smooth curve along points.

    Args:
        points: ``[K, 2]`` metres, in driving order.

    Raises:
        ShapeError: There are fewer than two points, or not two coordinates.
        ConfigError: A coordinate is not finite, or the route is shorter than 10 m.

    Examples:
        >>> Route([[0.0, 0.0], [0.0, 50.0]]).length_m
        50.0
    """

    def __init__(self, points: ArrayLike) -> None:
        line = np.asarray(points, np.float64)
        if line.ndim != 2 or line.shape[1] != 2 or line.shape[0] < 2:
            raise ShapeError(f"The route has shape {line.shape}.", "Expected [K, 2], K >= 2.")
        if not np.isfinite(line).all():
            raise ConfigError("The route holds a coordinate that is not a number.")
        length = float(np.linalg.norm(np.diff(line, axis=0), axis=1).sum())
        if length < 10.0:
            raise ConfigError(f"The route is {length:.1f} m long.", "Expected at least 10 m.")
        smooth = _smooth(_resample(line, _FINE_M), _ROUND_M / _FINE_M)
        smooth[0], smooth[-1] = line[0], line[-1]
        lengths = _lengths(smooth)
        count = max(round(float(lengths[-1]) / _STEP_M), 8)
        self.length_m = round(float(lengths[-1]), 9)
        self._step = self.length_m / count
        knots = _resample(smooth, self._step)
        extra = int(_BEYOND_M / self._step)
        before = knots[0] - (knots[1] - knots[0]) * np.arange(extra, 0, -1)[:, None]
        after = knots[-1] + (knots[-1] - knots[-2]) * np.arange(1, extra + 1)[:, None]
        control = np.concatenate([before, knots, after])
        self._curve = Spline(control, start=(1 - extra) * self._step, step=self._step)
        places = self._curve.start + self._step * np.arange(float(len(control) - 2))
        turns = _turn(self._curve.slope(places), self._curve.curvature(places))
        smooth_turns = _smooth(turns[:, None], 1.0 / self._step)[:, 0]
        self._bend = Spline(np.pad(smooth_turns, 1, "edge"), self._curve.start, self._step)

    def at(self, s: ArrayLike) -> tuple[Vectors, Vectors, NDArray[np.float64]]:
        """Return points ``[N, 2]``, unit tangents ``[N, 2]`` and curvatures ``[N]`` in 1/m."""
        place = np.asarray(s, np.float64)
        slope, change = self._curve.slope(place), self._curve.curvature(place)
        length = np.linalg.norm(slope, axis=-1, keepdims=True)
        return self._curve(place), slope / length, _turn(slope, change)

    def bend(self, s: ArrayLike) -> NDArray[np.float64]:
        """Return the curvature in 1/m averaged over a vehicle's length, left positive, ``[N]``."""
        return self._bend(s)

    def corners(self) -> NDArray[np.float64]:
        """Return the distances at which sharp bends begin."""
        s = np.arange(0.0, self.length_m, self._step)
        sharp = np.abs(self.bend(s)) > _BEND_PER_M
        return s[1:][sharp[1:] & ~sharp[:-1]]


def _turn(first: Vectors, second: Vectors) -> NDArray[np.float64]:
    area = first[..., 0] * second[..., 1] - first[..., 1] * second[..., 0]
    return area / np.linalg.norm(first, axis=-1) ** 3


def _lengths(line: Vectors) -> NDArray[np.float64]:
    return np.concatenate([[0.0], np.cumsum(np.linalg.norm(np.diff(line, axis=0), axis=1))])


def _resample(line: Vectors, step: float) -> Vectors:
    """Return points of a polyline about ``step`` of length apart, both ends among them."""
    lengths = _lengths(line)
    places = np.linspace(0.0, lengths[-1], max(round(lengths[-1] / step), 1) + 1)
    return np.stack([np.interp(places, lengths, column) for column in line.T], axis=1)


def _smooth(rows: Vectors, sigma: float) -> Vectors:
    """Return rows averaged with a Gauss window; beyond the ends they go straight on."""
    reach = max(int(4 * sigma), 1)
    window = np.exp(-0.5 * (np.arange(-reach, reach + 1) / sigma) ** 2)
    window /= window.sum()
    mirrored_before = 2 * rows[0] - rows[np.minimum(np.arange(reach, 0, -1), len(rows) - 1)]
    mirrored_after = 2 * rows[-1] - rows[np.maximum(len(rows) - 2 - np.arange(reach), 0)]
    padded = np.concatenate([mirrored_before, rows, mirrored_after])
    return np.stack([np.convolve(column, window, "valid") for column in padded.T], axis=1)
