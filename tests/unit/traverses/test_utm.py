"""UTM against the definition of the projection, integrated numerically, and published points."""

from __future__ import annotations

import cmath
import math

import numpy as np
import pytest

from saccade.errors import DataError
from saccade.traverses.utm import to_utm

A, F, SCALE = 6_378_137.0, 1.0 / 298.257223563, 0.9996
E2 = F * (2.0 - F)
E = math.sqrt(E2)


def isometric(phi: complex) -> complex:
    return cmath.atanh(cmath.sin(phi)) - E * cmath.atanh(E * cmath.sin(phi))


def meridian_m(phi: complex) -> complex:
    """Length of the meridian from the equator, along a straight path to a complex latitude."""
    nodes, weights = np.polynomial.legendre.leggauss(60)
    s = phi * (nodes + 1) / 2
    return complex(np.sum(weights * (1 - E2) * A / (1 - E2 * np.sin(s) ** 2) ** 1.5) * phi / 2)


def by_definition(latitude: float, longitude: float, meridian: float) -> tuple[float, float]:
    """Continue the meridian's length from the central meridian: north + i east = M(psi + i lambda).

    Transverse Mercator is the one conformal map that is true to length there.
    """
    wanted = isometric(math.radians(latitude)) + 1j * math.radians(longitude - meridian)
    phi: complex = math.radians(latitude) + 0j
    for _ in range(50):
        slope = (1 - E2) / ((1 - E2 * cmath.sin(phi) ** 2) * cmath.cos(phi))
        phi -= (isometric(phi) - wanted) / slope
    there = SCALE * meridian_m(phi)
    return 500_000 + there.imag, there.real + (10_000_000 if latitude < 0 else 0)


@pytest.mark.parametrize(
    ("latitude", "longitude", "meridian"),
    [
        (40.735, -73.99, -75), (40.7, -72.001, -75), (40.9, -77.999, -75), (-27.47, 153.02, 153),
        (0.0, 0.0, 3), (1e-7, 5.9999, 3), (71.9, 24.0, 27), (-79.9, -120.1, -123), (60.0, 3.1, 9),
    ],
)  # fmt: skip
def test_within_a_tenth_of_a_millimetre(latitude: float, longitude: float, meridian: float) -> None:
    found = to_utm(latitude, longitude)
    east, north = by_definition(latitude, longitude, meridian)
    assert abs(found.east_m - east) < 1e-4
    assert abs(found.north_m - north) < 1e-4


def test_published_points() -> None:
    """GeographicLib's own example, and the CN Tower to a metre."""
    east, north, zone, band = to_utm(33.3, 44.4)
    assert (zone, band) == (38, "S")
    assert (round(east, 2), round(north, 2)) == (444_140.54, 3_684_706.36)
    east, north, zone, band = to_utm(43 + 38 / 60 + 33.24 / 3600, -(79 + 23 / 60 + 13.7 / 3600))
    assert (zone, band) == (17, "T")
    assert abs(east - 630_084) < 1 and abs(north - 4_833_438) < 1


@pytest.mark.parametrize(
    ("latitude", "longitude", "zone", "band"),
    [
        (40.7, -73.9, 18, "T"), (-27.5, 153.0, 56, "J"), (0, 0, 31, "N"), (-0.001, 0, 31, "M"),
        (60, 5, 32, "V"), (60, 2.9, 31, "V"), (75, 8.9, 31, "X"), (75, 9, 33, "X"),
        (75, 33, 37, "X"), (84, 50, 39, "X"), (-80, 179.9, 60, "C"), (10, 180, 1, "P"),
        (10, -180, 1, "P"),
    ],
)  # fmt: skip
def test_zones_and_bands(latitude: float, longitude: float, zone: int, band: str) -> None:
    assert to_utm(latitude, longitude)[2:] == (zone, band)


@pytest.mark.parametrize("point", [(85, 0), (-81, 0), (0, 181), (math.nan, 0), (0, math.nan)])
def test_where_it_is_not_defined(point: tuple[float, float]) -> None:
    with pytest.raises(DataError, match="where UTM is defined"):
        to_utm(*point)
