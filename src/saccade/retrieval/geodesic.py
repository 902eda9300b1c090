"""Distances on the earth: WGS-84 geodesic (Vincenty's inverse) and haversine on a sphere.

    a = 6 378 137 m,  f = 1 / 298.257 223 563,  b = (1 - f) a                        (WGS-84)
    tan U = (1 - f) tan(latitude);  iterate the longitude difference on the auxiliary sphere until
    it moves by less than 1e-12 rad (6 micrometres), then  s = b A (sigma - delta sigma)

    haversine: h = sin^2(dlat/2) + cos(lat1) cos(lat2) sin^2(dlon/2),  s = 2 R asin(sqrt(h))

Vincenty's series is good to 0.1 mm; its iteration does not converge for points that are almost
opposite each other on the earth (beyond about 19,900 km), which is refused rather than guessed.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from saccade.errors import DataError
from saccade.jit import kernel

__all__ = ["EARTH_RADIUS_M", "haversine_distance_m", "wgs84_distance_m", "within_wgs84"]

EARTH_RADIUS_M = 6_371_008.8
"""Mean radius of the earth, (2 a + b) / 3."""

_A = 6_378_137.0
_F = 1 / 298.257_223_563
_B = (1 - _F) * _A


def wgs84_distance_m(
    lat_1_deg: ArrayLike, lon_1_deg: ArrayLike, lat_2_deg: ArrayLike, lon_2_deg: ArrayLike
) -> NDArray[np.float64]:
    """Length of the shortest line on the WGS-84 ellipsoid between points, in metres.

    Args:
        lat_1_deg: Latitudes in degrees, -90 to 90; the four arrays broadcast together.
        lon_1_deg: Longitudes in degrees.
        lat_2_deg: Latitudes of the other points.
        lon_2_deg: Longitudes of the other points.

    Returns:
        float64 of the broadcast shape, within 1e-3 m.

    Raises:
        DataError: Two points are almost opposite each other, or a coordinate is NaN.

    Examples:
        >>> round(float(wgs84_distance_m(0, 0, 0, 1)), 3)
        111319.491

    Reference:
        T. Vincenty, "Direct and inverse solutions of geodesics on the ellipsoid with application of
        nested equations", Survey Review 23 (1975).
    """
    points = _columns(lat_1_deg, lon_1_deg, lat_2_deg, lon_2_deg)
    distance = np.empty(points[0].size)
    _wgs84(*(column.ravel() for column in points), distance)
    if np.isnan(distance).any():
        at = int(np.argmax(np.isnan(distance)))
        pair = tuple(float(column.ravel()[at]) for column in points)
        raise DataError(
            f"No distance from ({pair[0]}, {pair[1]}) to ({pair[2]}, {pair[3]}) degrees.",
            "Expected numbers, and points that are not opposite each other on the earth.",
        )
    return distance.reshape(points[0].shape)


def haversine_distance_m(
    lat_1_deg: ArrayLike,
    lon_1_deg: ArrayLike,
    lat_2_deg: ArrayLike,
    lon_2_deg: ArrayLike,
    *,
    radius_m: float = EARTH_RADIUS_M,
) -> NDArray[np.float64]:
    """Great-circle distance on a sphere in metres: up to 0.6 % off the ellipsoid, never failing.

    Args:
        lat_1_deg: Latitudes in degrees; the four arrays broadcast together.
        lon_1_deg: Longitudes in degrees.
        lat_2_deg: Latitudes of the other points.
        lon_2_deg: Longitudes of the other points.
        radius_m: Radius of the sphere in metres.

    Examples:
        >>> round(float(haversine_distance_m(0, 0, 0, 180)) / 1000)
        20015
    """
    points = _columns(lat_1_deg, lon_1_deg, lat_2_deg, lon_2_deg)
    lat_1, lon_1, lat_2, lon_2 = (np.deg2rad(column) for column in points)
    h = (
        np.sin((lat_2 - lat_1) / 2) ** 2
        + np.cos(lat_1) * np.cos(lat_2) * np.sin((lon_2 - lon_1) / 2) ** 2
    )
    return np.asarray(2 * radius_m * np.arcsin(np.sqrt(np.clip(h, 0.0, 1.0))))


def within_wgs84(
    lat_1_deg: ArrayLike,
    lon_1_deg: ArrayLike,
    lat_2_deg: ArrayLike,
    lon_2_deg: ArrayLike,
    tolerance_m: float,
    *,
    inclusive: bool,
) -> NDArray[np.bool_]:
    """Whether each pair is closer than the tolerance on the ellipsoid.

    The sphere differs from the ellipsoid by less than 0.6 %, so only pairs within 1 % of the
    tolerance need the iteration; all others are decided by the haversine.
    """
    points = _columns(lat_1_deg, lon_1_deg, lat_2_deg, lon_2_deg)
    near = haversine_distance_m(*points)
    inside = np.asarray(near < 0.99 * tolerance_m - 1e-3)
    close = np.asarray(near <= 1.01 * tolerance_m + 1e-3) & ~inside
    exact = wgs84_distance_m(*(column[close] for column in points))
    inside[close] = exact <= tolerance_m if inclusive else exact < tolerance_m
    return inside


def _columns(*values: ArrayLike) -> list[NDArray[np.float64]]:
    return list(np.broadcast_arrays(*(np.asarray(value, dtype=np.float64) for value in values)))


@kernel
def _wgs84(lat_1: Any, lon_1: Any, lat_2: Any, lon_2: Any, distance: Any) -> None:
    for i in range(distance.shape[0]):
        distance[i] = _vincenty(
            math.radians(lat_1[i]),
            math.radians(lat_2[i]),
            math.radians(lon_2[i] - lon_1[i]),
        )


@kernel
def _vincenty(lat_1: float, lat_2: float, dlon: float) -> float:
    """Inverse solution; NaN where the iteration does not settle."""
    dlon -= 2 * math.pi * round(dlon / (2 * math.pi))
    u_1, u_2 = math.atan((1 - _F) * math.tan(lat_1)), math.atan((1 - _F) * math.tan(lat_2))
    sin_1, cos_1, sin_2, cos_2 = math.sin(u_1), math.cos(u_1), math.sin(u_2), math.cos(u_2)
    lam = dlon
    for _ in range(200):
        sin_lam, cos_lam = math.sin(lam), math.cos(lam)
        sin_sigma = math.hypot(cos_2 * sin_lam, cos_1 * sin_2 - sin_1 * cos_2 * cos_lam)
        if sin_sigma == 0.0:
            # The same point, or its exact opposite.
            return 0.0 if sin_1 * sin_2 + cos_1 * cos_2 * cos_lam > 0 else math.nan
        cos_sigma = sin_1 * sin_2 + cos_1 * cos_2 * cos_lam
        sigma = math.atan2(sin_sigma, cos_sigma)
        sin_alpha = cos_1 * cos_2 * sin_lam / sin_sigma
        cos2_alpha = 1 - sin_alpha * sin_alpha
        # A line along the equator has no midpoint latitude; its terms vanish.
        mid = cos_sigma - 2 * sin_1 * sin_2 / cos2_alpha if cos2_alpha > 1e-15 else 0.0
        c = _F / 16 * cos2_alpha * (4 + _F * (4 - 3 * cos2_alpha))
        inner = mid + c * cos_sigma * (2 * mid * mid - 1)
        before = lam
        lam = dlon + (1 - c) * _F * sin_alpha * (sigma + c * sin_sigma * inner)
        if abs(lam) > math.pi:
            return math.nan
        if abs(lam - before) < 1e-12:
            return _length(cos2_alpha, mid, sigma, sin_sigma, cos_sigma)
    return math.nan


@kernel
def _length(
    cos2_alpha: float, mid: float, sigma: float, sin_sigma: float, cos_sigma: float
) -> float:
    u2 = cos2_alpha * (_A * _A - _B * _B) / (_B * _B)
    series_a = 1 + u2 / 16384 * (4096 + u2 * (-768 + u2 * (320 - 175 * u2)))
    series_b = u2 / 1024 * (256 + u2 * (-128 + u2 * (74 - 47 * u2)))
    third = series_b / 6 * mid * (4 * sin_sigma * sin_sigma - 3) * (4 * mid * mid - 3)
    inner = mid + series_b / 4 * (cos_sigma * (2 * mid * mid - 1) - third)
    return _B * series_a * (sigma - series_b * sin_sigma * inner)
