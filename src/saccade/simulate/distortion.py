"""Lens distortion, forwards in closed form and backwards by Newton's method.

All coordinates are at z = 1. A polynomial lens turns back beyond some angle: points further aside
would be seen a second time. They are NaN here, forwards and backwards.
"""

from __future__ import annotations

import functools

import numpy as np
from numpy.typing import NDArray

__all__ = ["COEFFICIENTS", "distort", "undistort"]

COEFFICIENTS: dict[str, tuple[int, ...]] = {"none": (0,), "radtan": (4, 5), "equidistant": (4,)}
"""Distortion -> how many coefficients it may have."""

_ROUNDS = 50
_CLOSE = 1e-15  # of a focal length; Newton stops when no step is longer
_GONE = 1e-9  # a place that is still off by so much has no ray

Plane = tuple[NDArray[np.float64], NDArray[np.float64]]


def distort(
    kind: str, coefficients: tuple[float, ...], x: NDArray[np.float64], y: NDArray[np.float64]
) -> Plane:
    """Return where a lens puts rays ``(x, y, 1)``, in focal lengths; NaN where it turns back."""
    if kind == "none":
        return x, y
    r2 = x * x + y * y
    limit = turning_point(kind, coefficients)
    if kind == "equidistant":
        r = np.sqrt(r2)
        theta = np.where(np.arctan(r) < limit, np.arctan(r), np.nan)
        grow = np.where(r > 1e-12, _equidistant(coefficients, theta) / np.maximum(r, 1e-12), 1.0)
        return x * grow, y * grow
    k1, k2, p1, p2, k3 = (*coefficients, 0.0)[:5]
    r2 = np.where(r2 < limit * limit, r2, np.nan)
    radial = 1.0 + r2 * (k1 + r2 * (k2 + r2 * k3))
    return (
        x * radial + 2.0 * p1 * x * y + p2 * (r2 + 2.0 * x * x),
        y * radial + 2.0 * p2 * x * y + p1 * (r2 + 2.0 * y * y),
    )


def undistort(
    kind: str, coefficients: tuple[float, ...], x: NDArray[np.float64], y: NDArray[np.float64]
) -> Plane:
    """Return the rays ``(x, y, 1)`` that a lens puts at a place; NaN where it puts none."""
    if kind == "none":
        return x, y
    if kind == "equidistant":
        return _undo_equidistant(coefficients, x, y)
    return _undo_radtan(coefficients, x, y)


@functools.lru_cache(maxsize=64)
def turning_point(kind: str, coefficients: tuple[float, ...]) -> float:
    """Return the radius (radtan) or angle (equidistant) at which the lens turns back."""
    if kind == "none":
        return np.inf
    if kind == "radtan":
        k1, k2, _, _, k3 = (*coefficients, 0.0)[:5]
        slope = [7 * k3, 5 * k2, 3 * k1, 1.0]
    else:
        k1, k2, k3, k4 = coefficients
        slope = [9 * k4, 7 * k3, 5 * k2, 3 * k1, 1.0]
    roots = np.roots(slope)
    turns = roots.real[(np.abs(roots.imag) < 1e-9) & (roots.real > 0)]
    largest = np.inf if kind == "radtan" else np.pi / 2
    return float(min(np.sqrt(turns.min()), largest)) if turns.size else largest


def _equidistant(
    coefficients: tuple[float, ...], theta: NDArray[np.float64]
) -> NDArray[np.float64]:
    k1, k2, k3, k4 = coefficients
    q = theta * theta
    return theta * (1.0 + q * (k1 + q * (k2 + q * (k3 + q * k4))))


def _undo_equidistant(
    coefficients: tuple[float, ...], x: NDArray[np.float64], y: NDArray[np.float64]
) -> Plane:
    k1, k2, k3, k4 = coefficients
    limit = turning_point("equidistant", coefficients)
    there = np.sqrt(x * x + y * y)
    theta = np.minimum(there, 0.999 * limit)
    for _ in range(_ROUNDS):
        q = theta * theta
        slope = 1.0 + q * (3 * k1 + q * (5 * k2 + q * (7 * k3 + q * 9 * k4)))
        step = (_equidistant(coefficients, theta) - there) / np.maximum(slope, 1e-3)
        theta = np.clip(theta - step, 0.0, limit)
        if np.abs(step).max(initial=0.0) < _CLOSE:
            break
    found = (np.abs(_equidistant(coefficients, theta) - there) < _GONE) & (theta < limit)
    with np.errstate(invalid="ignore"):
        grow = np.where(there > 1e-12, np.tan(theta) / np.maximum(there, 1e-12), 1.0)
    grow = np.where(found, grow, np.nan)
    return x * grow, y * grow


def _undo_radtan(
    coefficients: tuple[float, ...], x: NDArray[np.float64], y: NDArray[np.float64]
) -> Plane:
    k1, k2, p1, p2, k3 = (*coefficients, 0.0)[:5]
    limit = turning_point("radtan", coefficients)
    a, b = _start(coefficients, x, y, limit)
    for _ in range(_ROUNDS):
        r2 = a * a + b * b
        radial = 1.0 + r2 * (k1 + r2 * (k2 + r2 * k3))
        slope = 2.0 * (k1 + r2 * (2.0 * k2 + r2 * 3.0 * k3))
        off_x = a * radial + 2.0 * p1 * a * b + p2 * (r2 + 2.0 * a * a) - x
        off_y = b * radial + 2.0 * p2 * a * b + p1 * (r2 + 2.0 * b * b) - y
        xx = radial + slope * a * a + 2.0 * p1 * b + 6.0 * p2 * a
        yy = radial + slope * b * b + 2.0 * p2 * a + 6.0 * p1 * b
        xy = slope * a * b + 2.0 * p1 * a + 2.0 * p2 * b
        divisor = xx * yy - xy * xy
        divisor = np.where(np.abs(divisor) > 1e-3, divisor, 1e-3)
        step_a, step_b = (yy * off_x - xy * off_y) / divisor, (xx * off_y - xy * off_x) / divisor
        a, b = a - step_a, b - step_b
        if max(np.abs(step_a).max(initial=0.0), np.abs(step_b).max(initial=0.0)) < _CLOSE:
            break
        far = np.sqrt(a * a + b * b)
        back = np.where(far > limit, 0.999 * limit / np.maximum(far, 1e-12), 1.0)
        a, b = a * back, b * back
    seen_x, seen_y = distort("radtan", coefficients, a, b)
    with np.errstate(invalid="ignore"):
        found = (np.abs(seen_x - x) < _GONE) & (np.abs(seen_y - y) < _GONE)
    return np.where(found, a, np.nan), np.where(found, b, np.nan)


def _start(
    coefficients: tuple[float, ...],
    x: NDArray[np.float64],
    y: NDArray[np.float64],
    limit: float,
) -> Plane:
    """Look the radius up in a table of the radial part, as the place that Newton starts from."""
    k1, k2, _, _, k3 = (*coefficients, 0.0)[:5]
    there = np.sqrt(x * x + y * y)
    most = min(limit, 2.0 * float(there.max(initial=0.0)) + 1.0)
    r = np.linspace(0.0, 0.999 * most, 512)
    seen = r * (1.0 + r**2 * (k1 + r**2 * (k2 + r**2 * k3)))
    grow = np.interp(there, seen, r) / np.maximum(there, 1e-12)
    return x * grow, y * grow
