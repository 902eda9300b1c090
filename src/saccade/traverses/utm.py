"""Latitude and longitude to UTM on WGS-84, by Krüger's series.

    ψ = artanh(sin φ) - e artanh(e sin φ)                isometric latitude
    ζ' = ξ' + i η',   tan ξ' = sinh ψ / cos λ,   tanh η' = sin λ / cosh ψ      (λ from the meridian)
    ζ  = ζ' + Σ_j α_j sin(2 j ζ')                        j = 1..4, below 1 µm within a zone
    north = k0 A Re ζ,   east = 500 km + k0 A Im ζ       k0 = 0.9996

Reference: C. F. F. Karney, "Transverse Mercator with an accuracy of a few nanometers", 2011.
"""

from __future__ import annotations

import cmath
import math
from typing import NamedTuple

from saccade.errors import DataError

__all__ = ["Utm", "to_utm"]

_A, _F, _SCALE = 6_378_137.0, 1.0 / 298.257223563, 0.9996
_E = math.sqrt(_F * (2.0 - _F))
_N = _F / (2.0 - _F)
_RADIUS = _A / (1.0 + _N) * (1.0 + _N**2 / 4 + _N**4 / 64)
_ALPHA = (
    _N / 2 - 2 * _N**2 / 3 + 5 * _N**3 / 16 + 41 * _N**4 / 180,
    13 * _N**2 / 48 - 3 * _N**3 / 5 + 557 * _N**4 / 1_440,
    61 * _N**3 / 240 - 103 * _N**4 / 140,
    49_561 * _N**4 / 161_280,
)
_BANDS = "CDEFGHJKLMNPQRSTUVWXX"
_SVALBARD = ((9.0, 31), (21.0, 33), (33.0, 35), (42.0, 37))


class Utm(NamedTuple):
    """A point on the UTM grid.

    Args:
        east_m: Easting.
        north_m: Northing; 10,000 km are added south of the equator.
        zone: 1 to 60.
        band: Letter of the 8-degree band of latitude.
    """

    east_m: float
    north_m: float
    zone: int
    band: str


def to_utm(latitude: float, longitude: float) -> Utm:
    """Return the UTM coordinates of a point.

    Args:
        latitude: Degrees, -80 to 84.
        longitude: Degrees, -180 to 180.

    Raises:
        DataError: Outside these ranges, or NaN.

    Examples:
        >>> east, north, zone, band = to_utm(33.3, 44.4)
        >>> f"{zone}{band} {east:.2f} {north:.2f}"
        '38S 444140.54 3684706.36'
    """
    if not (-80.0 <= latitude <= 84.0 and -180.0 <= longitude <= 180.0):
        raise DataError(
            f"Latitude {latitude}, longitude {longitude}.",
            "Expected -80 to 84 and -180 to 180 degrees, where UTM is defined.",
        )
    zone = _zone(latitude, longitude)
    phi, lam = math.radians(latitude), math.radians(longitude - (6 * zone - 183))
    psi = math.atanh(math.sin(phi)) - _E * math.atanh(_E * math.sin(phi))
    xi = math.atan2(math.sinh(psi), math.cos(lam))
    eta = math.asinh(math.sin(lam) / math.hypot(math.sinh(psi), math.cos(lam)))
    first = complex(xi, eta)
    zeta = first + sum(a * cmath.sin(2 * j * first) for j, a in enumerate(_ALPHA, 1))
    east, north = _SCALE * _RADIUS * zeta.imag + 500e3, _SCALE * _RADIUS * zeta.real
    band = _BANDS[int(latitude + 80.0) // 8]
    return Utm(east, north + (10e6 if latitude < 0 else 0.0), zone, band)


def _zone(latitude: float, longitude: float) -> int:
    """Six degrees each, but for the west of Norway and Svalbard."""
    if 56.0 <= latitude < 64.0 and 3.0 <= longitude < 12.0:
        return 32
    if latitude >= 72.0 and 0.0 <= longitude < 42.0:
        return next(zone for end, zone in _SVALBARD if longitude < end)
    return int((longitude + 180.0) // 6) % 60 + 1
