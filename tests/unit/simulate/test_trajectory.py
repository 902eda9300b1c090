"""Splines, slider, hand and IMU against closed forms, integrals and spectra."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from saccade.errors import ConfigError, ShapeError
from saccade.simulate.handheld import HandHeld, Rest, Slider
from saccade.simulate.spline import Spline
from saccade.simulate.trajectory import (
    GRAVITY_M_S2,
    Imu,
    ImuNoise,
    Poses,
    imu,
    look_at,
    rotation_of,
    rotation_vector,
)


class Turning:
    """Circles at constant speed, looking along the tangent: known rates and accelerations."""

    duration_us = 2_000_000
    radius, rate = 3.0, 0.8

    def poses(self, t_us: NDArray[np.int64]) -> Poses:
        angle = self.rate * np.asarray(t_us) * 1e-6
        zero = np.zeros_like(angle)
        position = np.stack([self.radius * np.cos(angle), self.radius * np.sin(angle), zero], -1)
        forward = np.stack([-np.sin(angle), np.cos(angle), zero], -1)
        right = np.stack([np.cos(angle), np.sin(angle), zero], -1)
        down = np.cross(forward, right)
        return Poses(np.asarray(t_us), position, np.stack([right, down, forward], axis=2))


def test_a_spline_and_its_derivatives_are_continuous_at_knots() -> None:
    spline = Spline(np.random.default_rng(0).normal(size=20), start=2.0, step=0.5)
    knots = 2.0 + 0.5 * np.arange(1, 17)
    for function, rise in ((spline, 20), (spline.slope, 100), (spline.curvature, 500)):
        jump = np.abs(function(knots + 1e-9) - function(knots - 1e-9))
        assert jump.max() < 1e-9 * rise * 10


def test_slope_curvature_and_integral_belong_to_the_spline() -> None:
    spline = Spline(np.random.default_rng(1).normal(size=(30, 2)), start=-1.0, step=0.3)
    x, h = np.linspace(-0.9, spline.end - 0.1, 200), 1e-5
    np.testing.assert_allclose(
        (spline(x + h) - spline(x - h)) / (2 * h), spline.slope(x), atol=1e-7
    )
    np.testing.assert_allclose(
        (spline.slope(x + h) - spline.slope(x - h)) / (2 * h), spline.curvature(x), atol=1e-5
    )
    np.testing.assert_allclose(
        (spline.integral(x + h) - spline.integral(x - h)) / (2 * h), spline(x), atol=1e-8
    )
    assert spline.integral(-1.0).tolist() == [0.0, 0.0]


def test_the_integral_stands_still_where_the_spline_is_zero() -> None:
    spline = Spline(np.r_[np.full(5, 0.7), np.zeros(8), np.full(5, 0.3)], start=0.0, step=0.1)
    pause = spline.integral(np.linspace(0.5, 1.0, 1_001))
    assert np.ptp(pause) == 0.0
    assert spline.integral(spline.end) > pause[0] > 0.0


def test_a_spline_keeps_its_last_value_outside_and_needs_four_coefficients() -> None:
    spline = Spline(np.array([0.0, 1.0, 4.0, 9.0, 16.0]), start=0.0, step=1.0)
    assert spline(-5.0) == spline(0.0) and spline(9.0) == spline(2.0)
    with pytest.raises(ShapeError, match="at least 4"):
        Spline(np.zeros(3), 0.0, 1.0)


@settings(deadline=None)
@given(st.tuples(*[st.floats(-1.7, 1.7)] * 3))
def test_rotation_vectors_survive_the_way_to_matrices_and_back(vector: tuple) -> None:
    rotation = rotation_of(np.array(vector))
    np.testing.assert_allclose(rotation @ rotation.T, np.eye(3), atol=1e-12)
    np.testing.assert_allclose(rotation_vector(rotation), vector, atol=1e-7)


def test_a_quarter_turn_about_z_takes_x_to_y() -> None:
    np.testing.assert_allclose(
        rotation_of(np.array([0, 0, np.pi / 2])) @ [1, 0, 0], [0, 1, 0], atol=1e-15
    )


def test_looking_at_a_target_puts_it_on_the_axis_with_the_sky_above() -> None:
    rotation = look_at([1.0, 2.0, 3.0], [4.0, -1.0, 2.0])
    seen = rotation.T @ np.array([3.0, -3.0, -1.0])
    np.testing.assert_allclose(seen, [0, 0, np.sqrt(19)], atol=1e-12)
    assert rotation[2, 0] == 0.0 and rotation[2, 1] < 0  # x level, y down
    assert np.linalg.det(rotation) == pytest.approx(1.0)
    with pytest.raises(ConfigError, match="straight above"):
        look_at([0, 0, 0], [0, 0, 5])


def test_poses_refuse_arrays_that_do_not_belong_together() -> None:
    with pytest.raises(ShapeError, match="2 moments"):
        Poses(np.zeros(2, np.int64), np.zeros((3, 3)), np.zeros((2, 3, 3)))


def test_pose_matrices_map_camera_points_to_the_world() -> None:
    poses = Turning().poses(np.array([0, 700_000]))
    point = np.array([0.3, -0.2, 2.0])
    expected = poses.rotation @ point + poses.position
    np.testing.assert_allclose((poses.matrices() @ np.r_[point, 1.0])[:, :3], expected, atol=1e-12)


def test_a_slider_begins_and_ends_at_rest_and_never_turns() -> None:
    slider = Slider([0, 0, 1], [2, 0, 1], 1_000_000, target=[1, 3, 1])
    poses = slider.poses(np.array([-5_000, 0, 500_000, 1_000_000, 1_005_000]))
    np.testing.assert_allclose(poses.position[:, 0], [0, 0, 1, 2, 2], atol=1e-12)
    assert (poses.rotation == poses.rotation[0]).all()
    np.testing.assert_allclose(poses.rotation[0][:, 2], [0, 1, 0], atol=1e-12)
    near = slider.poses(np.array([1_000, 999_000])).position[:, 0]
    np.testing.assert_allclose(near, [2e-8, 2 - 2e-8], atol=1e-10)  # 10 u³ of 2 m


def test_a_slider_at_constant_speed_is_a_straight_line_in_time() -> None:
    slider = Slider([0, 0, 0], [0, 0, 3], 1_500_000, rotation=np.eye(3), constant=True)
    times = np.array([-1_000, 0, 1, 750_000, 1_500_000])
    np.testing.assert_allclose(slider.poses(times).position[:, 2], times * 2e-6, atol=1e-12)


def test_a_slider_goes_back_and_forth() -> None:
    slider = Slider([0, 0, 0], [1, 0, 0], 3_000_000, rotation=np.eye(3), passes=3)
    x = slider.poses(np.arange(0, 3_500_001, 500_000)).position[:, 0]
    np.testing.assert_allclose(x, [0, 0.5, 1, 0.5, 0, 0.5, 1, 1], atol=1e-12)


def test_a_hand_shakes_by_the_given_amount_within_its_band() -> None:
    step_us, count = 2_000, 1 << 16
    hand = HandHeld(
        [1, 2, 3], target=[1, 5, 3], seed=5, duration_us=10**8, amplitude_m=0.03, amplitude_deg=1.5
    )
    poses = hand.poses(np.arange(count) * step_us)
    away = poses.position - [1, 2, 3]
    np.testing.assert_allclose(away.std(axis=0), 0.03, rtol=0.1)
    turn = rotation_vector(look_at([1, 2, 3], [1, 5, 3]).T @ poses.rotation)
    np.testing.assert_allclose(np.degrees(turn.std(axis=0)), 1.5, rtol=0.1)
    power = np.abs(np.fft.rfft(away[:, 0] * np.hanning(count))) ** 2
    frequency = np.fft.rfftfreq(count, step_us * 1e-6)
    inside = (frequency > 0.4) & (frequency < 8.5)
    assert power[inside].sum() > 0.999 * power.sum()
    low, high = (frequency < 2.0), (frequency > 2.0)
    assert power[low].sum() > 3 * power[high].sum()


def test_hands_differ_by_seed_and_repeat() -> None:
    times = np.arange(0, 10**6, 10_000)
    first, again, other = (
        HandHeld([0, 0, 0], target=[0, 1, 0], seed=seed, duration_us=10**6).poses(times).position
        for seed in (1, 1, 2)
    )
    np.testing.assert_array_equal(first, again)
    assert np.abs(first - other).max() > 1e-3


def test_a_hand_that_does_not_shake_follows_its_base() -> None:
    base = Slider([0, 0, 0], [1, 0, 0], 10**6, rotation=np.eye(3))
    hand = HandHeld(base, seed=0, amplitude_m=0.0, amplitude_deg=0.0)
    times = np.arange(0, 10**6, 50_000)
    assert hand.duration_us == base.duration_us
    np.testing.assert_array_equal(hand.poses(times).position, base.poses(times).position)
    np.testing.assert_allclose(hand.poses(times).rotation, base.poses(times).rotation, atol=1e-15)


@pytest.mark.parametrize(
    ("make", "error", "message"),
    [
        (lambda: Slider([0, 0, 0], [1, 0, 0], 10), ConfigError, "either target or rotation"),
        (lambda: Slider([0, 0], [1, 0, 0], 10, target=[0, 1, 0]), ShapeError, "start has shape"),
        (lambda: Slider([0, 0, 0], [1, 0, 0], 0, target=[0, 1, 0]), ConfigError, "at least 1"),
        (
            lambda: Slider([0, 0, 0], [1, 0, 0], 9, rotation=np.eye(3), passes=2, constant=True),
            ConfigError,
            "passes is 2",
        ),
        (
            lambda: Slider([0, 0, 0], [1, 0, 0], 9, rotation=np.ones((3, 3))),
            ConfigError,
            "not a rotation",
        ),
        (lambda: HandHeld([0, 0, 0], target=[0, 1, 0], seed=0), ConfigError, "needs duration_us"),
        (lambda: HandHeld(Turning(), seed=0, target=[0, 1, 0]), ConfigError, "its own direction"),
        (lambda: HandHeld(Turning(), seed=0, amplitude_m=-1), ConfigError, "amplitude_m is -1"),
        (lambda: Rest([0, 0, 0], 10), ConfigError, "either target or rotation"),
        (lambda: imu(Turning(), 0.0), ConfigError, "IMU rate is 0"),
        (lambda: ImuNoise(gyro_walk=-1.0), ConfigError, "gyro_walk is -1"),
    ],
)
def test_bad_motions_are_refused(make, error: type[Exception], message: str) -> None:
    with pytest.raises(error, match=message):
        make()


def test_an_imu_at_rest_measures_gravity_upwards_and_no_turn() -> None:
    rest = Rest([1, 2, 0], 10**6, target=[2, 3, 0.3])
    measured = imu(rest, 100.0)
    assert measured.t_us.tolist() == list(range(0, 10**6, 10_000))
    upward = rest.poses(np.zeros(1, np.int64)).rotation[0].T @ [0, 0, GRAVITY_M_S2]
    np.testing.assert_allclose(measured.accel, np.broadcast_to(upward, (100, 3)), atol=1e-9)
    assert upward[1] < -9.0  # y of the camera points down
    np.testing.assert_allclose(measured.gyro, 0.0, atol=1e-12)


def test_an_imu_on_a_circle_measures_its_rate_and_centripetal_force() -> None:
    measured = imu(Turning(), 200.0)
    left = -Turning.rate  # counter-clockwise seen from above is negative about y, which points down
    np.testing.assert_allclose(measured.gyro, np.tile([0, left, 0], (400, 1)), atol=1e-6)
    inwards = -(Turning.rate**2) * Turning.radius
    expected = np.tile([inwards, -GRAVITY_M_S2, 0.0], (400, 1))
    np.testing.assert_allclose(measured.accel, expected, atol=1e-5)


def integrate(measured: Imu, start: Poses, speed: NDArray[np.float64]) -> Poses:
    """Dead reckoning with the mean of neighbouring samples."""
    step = np.diff(measured.t_us) * 1e-6
    rotation, position = start.rotation[0], start.position[0]
    for k, dt in enumerate(step):
        after = rotation @ rotation_of(0.5 * (measured.gyro[k] + measured.gyro[k + 1]) * dt)
        force = 0.5 * (rotation @ measured.accel[k] + after @ measured.accel[k + 1])
        force = force - [0, 0, GRAVITY_M_S2]
        position = position + speed * dt + 0.5 * force * dt * dt
        speed, rotation = speed + force * dt, after
    return Poses(measured.t_us[-1:], position[None], rotation[None])


def test_gyro_integrates_to_the_rotation_and_accel_twice_to_the_position() -> None:
    hand = HandHeld([0, 0, 1], target=[0, 3, 1], seed=2, duration_us=2_000_000)
    measured = imu(hand, 2_000.0)
    around = hand.poses(np.array([-50, 0, 50, int(measured.t_us[-1])]))
    speed = (around.position[2] - around.position[0]) / 1e-4
    start = Poses(around.t_us[1:2], around.position[1:2], around.rotation[1:2])
    found = integrate(measured, start, speed)
    off = rotation_vector(found.rotation[0].T @ around.rotation[3])
    assert np.degrees(np.abs(off).max()) < 0.01
    np.testing.assert_allclose(found.position[0], around.position[3], atol=1e-3)


def test_imu_noise_has_its_density_and_its_bias_walks() -> None:
    rest = Slider([0, 0, 0], [0, 0, 0], 100_000_000, rotation=np.eye(3))
    exact = imu(rest, 200.0)
    white = imu(rest, 200.0, seed=1, noise=ImuNoise(accel_walk=0.0, gyro_walk=0.0))
    np.testing.assert_allclose((white.accel - exact.accel).std(), 2e-3 * np.sqrt(200), rtol=0.03)
    np.testing.assert_allclose((white.gyro - exact.gyro).std(), 2e-4 * np.sqrt(200), rtol=0.03)
    walk = ImuNoise(accel_density=0.0, gyro_density=0.0, accel_walk=1e-3, gyro_walk=0.0)
    ends = [
        (imu(rest, 2.0, seed=s, noise=walk).accel - imu(rest, 2.0).accel)[-1] for s in range(60)
    ]
    np.testing.assert_allclose(np.std(ends), 1e-3 * np.sqrt(100), rtol=0.2)
    again = imu(rest, 200.0, seed=1, noise=ImuNoise(accel_walk=0.0, gyro_walk=0.0))
    np.testing.assert_array_equal(again.accel, white.accel)
