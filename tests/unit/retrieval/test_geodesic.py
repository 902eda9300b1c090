"""Distances on the earth against lines that were walked step by step along the ellipsoid."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from saccade.errors import DataError
from saccade.retrieval import haversine_distance_m, wgs84_distance_m
from saccade.retrieval.geodesic import within_wgs84

A, F = 6_378_137.0, 1 / 298.257_223_563
E2 = F * (2 - F)


def walk(lat_deg: float, azimuth_deg: float, length_m: float, steps: int = 2_000) -> np.ndarray:
    """Integrate the equations of a geodesic (Runge-Kutta): d lat, d lon, d azimuth per metre."""

    def slope(state: np.ndarray) -> np.ndarray:
        lat, _, azimuth = state
        w = math.sqrt(1 - E2 * math.sin(lat) ** 2)
        meridian, normal = A * (1 - E2) / w**3, A / w
        across = math.sin(azimuth) / normal
        return np.array(
            [math.cos(azimuth) / meridian, across / math.cos(lat), across * math.tan(lat)]
        )

    state = np.array([math.radians(lat_deg), 0.0, math.radians(azimuth_deg)])
    h = length_m / steps
    for _ in range(steps):
        k1 = slope(state)
        k2 = slope(state + h / 2 * k1)
        k3 = slope(state + h / 2 * k2)
        k4 = slope(state + h * k3)
        state = state + h / 6 * (k1 + 2 * k2 + 2 * k3 + k4)
    return np.degrees(state[:2])


@pytest.mark.parametrize("length_m", [1.0, 75.0, 20_000.0, 3_000_000.0])
@pytest.mark.parametrize(("lat", "azimuth"), [(0.0, 90.0), (-27.5, 33.0), (51.0, 200.0), (70, 90)])
def test_distance_of_a_walked_line_is_its_length(
    lat: float, azimuth: float, length_m: float
) -> None:
    end_lat, end_lon = walk(lat, azimuth, length_m)
    assert float(wgs84_distance_m(lat, 0.0, end_lat, end_lon)) == pytest.approx(length_m, abs=1e-3)


def test_known_lengths_of_the_ellipsoid() -> None:
    quarter_meridian = float(wgs84_distance_m(0, 0, 90, 0))
    assert quarter_meridian == pytest.approx(10_001_965.729, abs=1e-3)
    assert float(wgs84_distance_m(0, 0, 0, 90)) == pytest.approx(A * math.pi / 2, abs=1e-3)
    assert float(wgs84_distance_m(12, 34, 12, 34)) == 0


def test_the_date_line_is_no_border() -> None:
    across = float(wgs84_distance_m(10, 179.9999, 10, -179.9999))
    assert across == pytest.approx(float(wgs84_distance_m(10, 0, 10, 0.0002)), abs=1e-3)


@settings(max_examples=60, deadline=None)
@given(st.floats(-89, 89), st.floats(-180, 180), st.floats(-89, 89), st.floats(-180, 180))
def test_ellipsoid_and_sphere_agree_within_one_percent(
    lat_1: float, lon_1: float, lat_2: float, lon_2: float
) -> None:
    sphere = float(haversine_distance_m(lat_1, lon_1, lat_2, lon_2))
    if sphere > 19_900_000:
        return
    exact = float(wgs84_distance_m(lat_1, lon_1, lat_2, lon_2))
    assert exact == pytest.approx(sphere, rel=0.0075, abs=1e-3)
    assert exact == pytest.approx(float(wgs84_distance_m(lat_2, lon_2, lat_1, lon_1)), abs=1e-3)


def test_arrays_broadcast() -> None:
    lat = np.array([0.0, 1.0, 2.0])
    table = wgs84_distance_m(lat[:, None], 0.0, lat[None], 0.0)
    assert table.shape == (3, 3)
    np.testing.assert_allclose(table, table.T)


def test_opposite_points_are_refused_and_not_guessed() -> None:
    with pytest.raises(DataError, match=r"No distance from \(0.0, 0.0\) to \(0.0, 179.9\)"):
        wgs84_distance_m(0.0, 0.0, 0.0, 179.9)
    with pytest.raises(DataError, match="No distance"):
        wgs84_distance_m(10.0, 0.0, -10.0, 180.0)
    with pytest.raises(DataError, match="No distance"):
        wgs84_distance_m(np.nan, 0.0, 0.0, 0.0)


def test_the_shortcut_by_the_sphere_decides_like_the_ellipsoid() -> None:
    rng = np.random.default_rng(4)
    lat, lon = -27.5 + rng.random(400) * 0.004, 153 + rng.random(400) * 0.004
    exact = wgs84_distance_m(lat[:, None], lon[:, None], lat, lon)
    for tolerance in (0.5, 75.0, 200.0):
        within = within_wgs84(lat[:, None], lon[:, None], lat, lon, tolerance, inclusive=False)
        np.testing.assert_array_equal(within, exact < tolerance)
    distance = float(exact[0, 1])
    pair = lat[:1], lon[:1], lat[1:2], lon[1:2]
    assert within_wgs84(*pair, distance, inclusive=True).all()
    assert not within_wgs84(*pair, distance, inclusive=False).any()
