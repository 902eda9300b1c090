"""Drives: smooth, within their limits, still at stops, on the same route from every seed."""

from __future__ import annotations

import math

import numpy as np
import pytest
from numpy.typing import NDArray

from saccade.errors import ConfigError, ShapeError
from saccade.simulate.drive import Drive
from saccade.simulate.route import Route
from saccade.simulate.trajectory import GRAVITY_M_S2, Journey, imu, rotation_vector


def rounded(points: list[tuple[float, float]], radius_m: float) -> NDArray[np.float64]:
    """Polyline with its corners replaced by arcs, points about a metre apart."""
    line = [np.array(points[0])]
    for before, corner, after in zip(points, points[1:], points[2:], strict=False):
        a, b, c = np.array(before), np.array(corner), np.array(after)
        first, last = (a - b) / np.linalg.norm(a - b), (c - b) / np.linalg.norm(c - b)
        centre = b + radius_m * (first + last)  # right angles
        for angle in np.linspace(0.0, math.pi / 2, 16):
            line.append(centre - radius_m * (last * math.cos(angle) + first * math.sin(angle)))
    return np.array([*line, np.array(points[-1])])


ROUTE = rounded([(0, 0), (300, 0), (300, 250), (620, 250), (620, 0), (1000, 0)], 9.0)
STEP_US = 10_000


@pytest.fixture(scope="module")
def drive() -> Drive:
    return Drive(ROUTE, seed=3, stops=3)


@pytest.fixture(scope="module")
def times(drive: Drive) -> NDArray[np.int64]:
    return np.arange(0, drive.duration_us, STEP_US)


def test_a_route_follows_its_points_and_measures_metres() -> None:
    route = Route(ROUTE)
    s = np.linspace(0.0, route.length_m, 50_001)
    place, tangent, bend = route.at(s)
    np.testing.assert_allclose(place[[0, -1]], ROUTE[[0, -1]], atol=1e-9)
    distance = np.linalg.norm(place[:, None, :2] - ROUTE[None, ::4], axis=2).min(axis=0)
    assert distance.max() < 0.6
    speed = np.linalg.norm(np.diff(place, axis=0), axis=1) / np.diff(s)
    assert speed.min() > 0.998 and speed.max() < 1.0 + 1e-9
    np.testing.assert_allclose(np.linalg.norm(tangent, axis=1), 1.0, atol=1e-12)
    heading = np.unwrap(np.arctan2(tangent[:, 1], tangent[:, 0]))
    turned = np.sum(0.5 * (bend[1:] + bend[:-1]) * np.diff(s))
    assert turned == pytest.approx(heading[-1] - heading[0], abs=1e-3)
    assert 1 / np.abs(bend).max() > 7.0


def test_a_route_has_its_corners_where_bends_begin_and_goes_straight_on_beyond() -> None:
    route = Route(ROUTE)
    assert len(route.corners()) == 4
    assert abs(route.corners()[0] - (300 - 9)) < 6
    np.testing.assert_allclose(route.at(-10.0)[0], [-10, 0], atol=1e-9)
    np.testing.assert_allclose(route.at(route.length_m + 10.0)[0], [1010, 0], atol=1e-6)


def test_speed_is_the_derivative_of_distance_and_distance_never_shrinks(
    drive: Drive, times: NDArray[np.int64]
) -> None:
    s = drive.distance_m(times)
    assert s[0] == 0.0 and (np.diff(s) >= 0).all()
    assert s[-1] == pytest.approx(drive.route.length_m, abs=0.5)
    rate = (drive.distance_m(times + 500) - drive.distance_m(times - 500)) / 1e-3
    np.testing.assert_allclose(rate, drive.speed_m_s(times), atol=1e-4)


def test_speed_keeps_its_limits(drive: Drive, times: NDArray[np.int64]) -> None:
    v = drive.speed_m_s(times)
    assert 7.0 < np.median(v) < 13.0
    change = np.diff(v) / (STEP_US * 1e-6)
    assert -2.6 < change.min() < -1.5 and 1.0 < change.max() < 1.9
    lateral = np.abs(drive.route.bend(drive.distance_m(times))) * v**2
    assert 1.5 < lateral.max() < 2.4
    slow = v[np.abs(drive.route.bend(drive.distance_m(times))) > 1 / 15]
    assert slow.max() < 5.8 < np.percentile(v, 75)


def test_it_stops_as_often_and_as_long_as_it_says(drive: Drive) -> None:
    assert len(drive.stops) == 3
    fine = np.arange(0, drive.duration_us, 1_000)
    still = drive.speed_m_s(fine) == 0.0
    edges = np.flatnonzero(np.diff(np.r_[0, still.astype(int), 0]))
    assert len(edges) == 6
    for stop, begin, end in zip(drive.stops, edges[::2], edges[1::2], strict=True):
        assert 2.0 <= stop.seconds <= 4.0
        assert stop.seconds - 0.3 < (end - begin) * 1e-3 < stop.seconds + 0.5
        assert drive.distance_m(fine[begin]) == pytest.approx(stop.place_m, abs=0.5)
    corners = drive.route.corners()
    assert all(np.abs(corners - stop.place_m).min() < 8.0 for stop in drive.stops)


def test_a_stopped_vehicle_stands_still_to_the_last_bit(
    drive: Drive, times: NDArray[np.int64]
) -> None:
    still = np.flatnonzero(drive.speed_m_s(times) == 0.0)
    runs = np.split(still, np.flatnonzero(np.diff(still) > 1) + 1)
    assert len(runs) == 3
    for run in runs:
        poses = drive.poses(np.arange(times[run[0]], times[run[-1]], 7_919))
        assert np.ptp(poses.position, axis=0).max() == 0.0
        assert np.ptp(poses.rotation, axis=0).max() == 0.0


def test_motion_is_twice_continuously_differentiable(drive: Drive) -> None:
    """Second differences converge: halving the step changes them by less than a jump would."""
    times = np.arange(1_000_000, 60_000_000, 250)
    for values in (drive.poses(times).position, rotation_rate(drive, times)):
        order = 2 if values.shape[1:] == (3,) and len(values) == len(times) else 1
        second = np.diff(values, order, axis=0) / 250e-6**order
        jump = np.abs(np.diff(second, axis=0)).max()
        assert jump < 0.02 * np.abs(second).max() + 5e-3


def rotation_rate(drive: Drive, times: NDArray[np.int64]) -> NDArray[np.float64]:
    """Rotation since the first moment, along the way, in rad."""
    rotation = drive.poses(times).rotation
    return np.cumsum(rotation_vector(rotation[:-1].transpose(0, 2, 1) @ rotation[1:]), axis=0)


def test_the_camera_looks_along_the_road_with_the_sky_above(
    drive: Drive, times: NDArray[np.int64]
) -> None:
    poses = drive.poses(times)
    _, tangent, _ = drive.route.at(drive.distance_m(times))
    forward, down = poses.rotation[:, :, 2], poses.rotation[:, :, 1]
    assert (np.sum(forward[:, :2] * tangent, axis=1) > math.cos(math.radians(4))).all()
    assert (down[:, 2] < -math.cos(math.radians(4))).all()
    unit = np.einsum("nji,njk->nik", poses.rotation, poses.rotation)
    np.testing.assert_allclose(unit, np.broadcast_to(np.eye(3), unit.shape), atol=1e-12)
    np.testing.assert_allclose(np.linalg.det(poses.rotation), 1.0, atol=1e-12)


def test_the_body_shakes_by_centimetres_and_strays_by_decimetres(
    drive: Drive, times: NDArray[np.int64]
) -> None:
    poses = drive.poses(times)
    fast = drive.speed_m_s(times) > 7.0
    heave = poses.position[fast, 2] - 1.6
    assert 0.003 < heave.std() < 0.015 and np.abs(heave).max() < 0.05
    centre, tangent, _ = drive.route.at(drive.distance_m(times))
    off = poses.position[:, :2] - centre
    aside = off[:, 1] * tangent[:, 0] - off[:, 0] * tangent[:, 1]
    assert np.ptp(aside) > 0.1 and np.abs(aside).max() <= 0.4
    assert np.abs(np.sum(off * tangent, axis=1)).max() < 1e-9


@pytest.mark.parametrize("seed", range(4))
def test_the_shake_fades_with_speed(seed: int) -> None:
    drive = Drive(ROUTE, seed=seed, stops=4)
    times = np.arange(0, drive.duration_us, STEP_US)
    slow = drive.speed_m_s(times) < 0.7
    assert slow.sum() > 100
    assert np.abs(drive.poses(times).position[slow, 2] - 1.6).max() < 0.003


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize("mean", [5.0, 8.0])
def test_the_mean_speed_is_the_one_asked_for_give_or_take_the_traverse(
    seed: int, mean: float
) -> None:
    drive = Drive(ROUTE, seed=seed, mean_speed_m_s=mean, stops=2)
    driven_s = drive.duration_us * 1e-6 - sum(stop.seconds for stop in drive.stops)
    assert 0.86 * mean < drive.route.length_m / driven_s < 1.14 * mean


def test_a_raised_camera_looks_up() -> None:
    drive = Drive([[0, 0], [200, 0]], seed=0, pitch_deg=10.0, height_m=2.5, duration_s=2.0, stops=0)
    poses = drive.poses(np.arange(0, 2_000_000, 1_000))
    rise = np.degrees(np.arcsin(poses.rotation[:, 2, 2]))
    assert rise.mean() == pytest.approx(10.0, abs=1.0)
    assert poses.position[:, 2].mean() == pytest.approx(2.5, abs=0.05)


def test_a_camera_is_put_up_a_little_askew_by_the_seed() -> None:
    """The whole drive turns by one rotation in the frame of the camera, of the size asked for."""
    turns = []
    for seed in range(60):
        straight, askew = (
            Drive(ROUTE, seed=seed, mount_deg=mount, duration_s=2.0).poses(np.array([0, 900_000]))
            for mount in (0.0, 1.5)
        )
        np.testing.assert_array_equal(straight.position, askew.position)
        between = np.swapaxes(straight.rotation, 1, 2) @ askew.rotation
        np.testing.assert_allclose(between[0], between[1], atol=5e-3)
        turns.append([between[0, 0, 2], between[0, 1, 2], between[0, 0, 1]])
    yaw, pitch, roll = np.degrees(np.std(turns, axis=0))
    assert yaw == pytest.approx(1.5, rel=0.25)
    assert pitch == pytest.approx(0.9, rel=0.25)
    assert roll == pytest.approx(0.6, rel=0.25)


def test_an_imu_on_a_drive_feels_gravity_bends_and_road() -> None:
    drive = Drive(ROUTE, seed=3, stops=1)
    measured = imu(drive, 100.0)
    assert measured.accel[:, 1].mean() == pytest.approx(-GRAVITY_M_S2, abs=0.02)
    assert 0.2 < measured.accel[:, 1].std() < 3.0
    turns = -np.sum(measured.gyro[:, 1]) * 0.01  # y points down: left turns are negative
    assert turns == pytest.approx(0.0, abs=0.1)  # left, right, right, left
    assert 0.3 < np.abs(measured.gyro[:, 1]).max() < 1.2


def test_traverses_differ_but_share_the_places() -> None:
    first, second = Drive(ROUTE, seed=1), Drive(ROUTE, seed=2)
    assert abs(first.duration_us - second.duration_us) > 1_000_000
    times = np.arange(0, min(first.duration_us, second.duration_us), 100_000)
    one, two = first.poses(times).position, second.poses(times).position
    places, other = first.distance_m(times), second.distance_m(times)
    nearest = np.abs(places[:, None] - other[None]).argmin(axis=1)
    same = np.abs(places - other[nearest]) < 0.5
    gap = np.linalg.norm(one - two[nearest], axis=1)[same]
    assert same.sum() > 100
    assert 0.05 < gap.max() < 1.4  # 2 x 0.4 aside, 0.5 along
    assert np.abs(first.speed_m_s(times) - second.speed_m_s(times)).max() > 2.0
    again = Drive(ROUTE, seed=1).poses(times).position
    np.testing.assert_array_equal(one, again)


def test_a_drive_ends_with_whatever_comes_first() -> None:
    length = Route(ROUTE).length_m
    timed = Drive(ROUTE, seed=0, duration_s=12.5)
    assert timed.duration_us == 12_500_000
    part = Drive(ROUTE, seed=0, start_m=200.0, length_m=100.0)
    assert part.distance_m(0) == 200.0
    assert part.distance_m(part.duration_us) == pytest.approx(300.0, abs=0.01)
    short = Drive(ROUTE, seed=0, start_m=length - 60.0, duration_s=600.0)
    assert short.duration_us < 20_000_000
    assert short.distance_m(short.duration_us) == pytest.approx(length, abs=0.01)


def test_stops_keep_their_distance_and_short_drives_have_none() -> None:
    places = np.array([stop.place_m for stop in Drive(ROUTE, seed=7, stops=50).stops])
    assert 4 <= len(places) <= 9 and np.diff(places).min() >= 90.0
    assert Drive(ROUTE, seed=7, stops=5, duration_s=8.0).stops == ()
    assert Drive(ROUTE, seed=7, stops=0).stops == ()


def test_a_drive_is_a_journey(drive: Drive) -> None:
    assert isinstance(drive, Journey)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"mean_speed_m_s": 0.0}, "mean_speed_m_s is 0"),
        ({"start_m": -1.0}, "start_m is -1"),
        ({"start_m": 5_000.0}, "start_m is 5,000"),
        ({"length_m": 9_000.0}, "length_m is 9,000"),
        ({"duration_s": 0.0}, "duration_s is 0"),
        ({"stops": -1}, "stops is -1"),
        ({"lane_offset_m": math.nan}, "lane_offset_m is nan"),
        ({"height_m": 0.0}, "height_m is 0"),
        ({"pitch_deg": 90.0}, "pitch_deg is 90"),
    ],
)
def test_a_bad_drive_is_refused(options: dict, message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        Drive(ROUTE, seed=0, **options)


def test_a_bad_route_is_refused() -> None:
    with pytest.raises(ShapeError, match="Expected"):
        Route([[0, 0, 0], [1, 1, 1]])
    with pytest.raises(ConfigError, match="at least 10 m"):
        Route([[0, 0], [5, 0]])
    with pytest.raises(ConfigError, match="not a number"):
        Route([[0, 0], [math.nan, 0]])
