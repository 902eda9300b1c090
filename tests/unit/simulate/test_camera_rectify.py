"""Rectification against points in space: same row, disparity f B / Z, maps, resampling, Q."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from saccade.errors import ConfigError, ShapeError
from saccade.events import SensorSize
from saccade.simulate.camera import Camera, StereoRig
from saccade.simulate.rectify import rectify, resample_depth, resample_rect
from saccade.simulate.trajectory import rotation_of

SIZE = SensorSize(60, 80)
BARREL = Camera(SIZE, 60.0, 61.0, 38.0, 30.0, "radtan", (-0.2, 0.05, 0.001, -0.001))
SHARP = Camera(SIZE, 63.0, 62.0, 41.0, 28.0)


def askew(left: Camera, right: Camera) -> StereoRig:
    transform = np.eye(4)
    transform[:3, :3] = rotation_of(np.array([0.03, -0.05, 0.02]))
    transform[:3, 3] = [0.2, 0.013, -0.021]
    return StereoRig(left, right, transform)


RIGS = {
    "mvsec": StereoRig.mvsec_like(),
    "dsec": StereoRig.dsec_like(),
    "mixed": askew(BARREL, SHARP),
    "parallel": StereoRig.parallel(SHARP, 0.1),
}


def points(count: int = 400) -> NDArray[np.float64]:
    """In front of the left camera, in its frame."""
    rng = np.random.default_rng(0)
    z = rng.uniform(0.8, 40.0, count)
    return np.stack([rng.uniform(-0.5, 0.5, count) * z, rng.uniform(-0.4, 0.4, count) * z, z], -1)


@pytest.mark.parametrize("rig", RIGS.values(), ids=RIGS)
def test_a_point_is_on_one_row_and_its_disparity_is_focal_times_baseline_by_depth(
    rig: StereoRig,
) -> None:
    found = rectify(rig)
    in_left = points()
    in_right = (in_left - rig.right_in_left[:3, 3]) @ rig.right_in_left[:3, :3]
    turned = in_left @ found.rotation_left.T
    left = found.camera.project(turned)
    right = found.camera.project(in_right @ found.rotation_right.T)
    np.testing.assert_allclose(left[:, 1], right[:, 1], rtol=0, atol=1e-6)
    expected = found.camera.fx * rig.baseline_m / turned[:, 2]
    np.testing.assert_allclose(left[:, 0] - right[:, 0], expected, rtol=0, atol=1e-6)
    assert found.focal_baseline == found.camera.fx * rig.baseline_m


@pytest.mark.parametrize("rig", RIGS.values(), ids=RIGS)
def test_the_forward_maps_send_a_raw_pixel_to_where_its_point_is_projected(rig: StereoRig) -> None:
    found = rectify(rig)
    sides = (
        (rig.left, found.rotation_left, found.left_map),
        (rig.right, found.rotation_right, found.right_map),
    )
    rng = np.random.default_rng(1)
    for camera, rotation, forward in sides:
        assert forward.shape == (camera.size.height, camera.size.width, 2)
        assert forward.dtype == np.float32
        for _ in range(50):
            x, y = int(rng.integers(camera.size.width)), int(rng.integers(camera.size.height))
            point = 3.0 * camera.rays()[y, x]
            expected = found.camera.project(rotation @ point)
            np.testing.assert_allclose(forward[y, x], expected, rtol=2e-7, atol=1e-4)


@pytest.mark.parametrize("rig", RIGS.values(), ids=RIGS)
def test_rotations_are_proper_and_most_of_the_view_is_kept(rig: StereoRig) -> None:
    found = rectify(rig)
    for rotation in (found.rotation_left, found.rotation_right):
        np.testing.assert_allclose(rotation @ rotation.T, np.eye(3), atol=1e-12)
        assert np.linalg.det(rotation) == pytest.approx(1.0)
    size = np.array([found.camera.size.width, found.camera.size.height])
    for forward in (found.left_map, found.right_map):
        assert ((forward >= -0.5) & (forward <= size - 0.5)).all(axis=-1).mean() > 0.75
    white = np.ones((rig.left.size.height, rig.left.size.width))
    seen = resample_rect(white, rig.left, found.rotation_left, found.camera)
    assert seen.mean() > 0.85


def test_a_parallel_ideal_rig_stays_as_it_is() -> None:
    found = rectify(RIGS["parallel"])
    np.testing.assert_allclose(found.rotation_left, np.eye(3), atol=1e-15)
    np.testing.assert_allclose(found.rotation_right, np.eye(3), atol=1e-15)
    assert found.camera.fx == pytest.approx(63.0)


def test_q_turns_disparity_into_a_point() -> None:
    rig = RIGS["mixed"]
    found = rectify(rig)
    truth = points(20) @ found.rotation_left.T
    place = found.camera.project(truth)
    disparity = found.focal_baseline / truth[:, 2]
    homogeneous = np.column_stack([place, disparity, np.ones(20)]) @ found.disparity_to_depth.T
    np.testing.assert_allclose(homogeneous[:, :3] / homogeneous[:, 3:], truth, rtol=1e-9)


def test_projection_matrices_project_from_the_rectified_left_frame() -> None:
    found = rectify(RIGS["mixed"])
    truth = points(20) @ found.rotation_left.T
    shift = np.array([found.baseline_m, 0, 0])
    for projection, frame in (
        (found.projection_left, truth),
        (found.projection_right, truth - shift),
    ):
        seen = np.column_stack([truth, np.ones(20)]) @ projection.T
        np.testing.assert_allclose(
            seen[:, :2] / seen[:, 2:], found.camera.project(frame), atol=1e-9
        )
    assert found.projection_right[0, 3] == -found.focal_baseline


def test_a_resampled_image_shows_each_direction_with_its_own_value() -> None:
    rig = RIGS["mixed"]
    found = rectify(rig)

    def pattern(rays: NDArray[np.float64]) -> NDArray[np.float64]:
        direction = rays / np.linalg.norm(rays, axis=-1, keepdims=True)
        return 100.0 + 80.0 * np.sin(4 * direction[..., 0]) * np.cos(3 * direction[..., 1])

    image = pattern(rig.left.rays())
    result = resample_rect(image, rig.left, found.rotation_left, found.camera, fill=np.nan)
    expected = pattern(found.camera.rays() @ found.rotation_left)
    assert np.isfinite(result).mean() > 0.85
    inside = np.isfinite(result)[1:-1, 1:-1]
    error = np.abs(result - expected)[1:-1, 1:-1][inside]
    assert np.median(error) < 0.02 and np.percentile(error, 95) < 0.2
    bytes_ = np.rint(image).astype(np.uint8)
    colored = np.stack([bytes_, bytes_, bytes_], axis=-1)
    three = resample_rect(colored, rig.left, found.rotation_left, found.camera)
    one = resample_rect(bytes_, rig.left, found.rotation_left, found.camera)
    assert three.dtype == np.uint8
    np.testing.assert_array_equal(three[..., 1], one)
    assert np.abs(one.astype(float) - expected)[np.isfinite(result)].mean() < 1.0


def test_resampled_depth_is_along_the_new_axis() -> None:
    rig = RIGS["mixed"]
    found = rectify(rig)
    normal, distance = np.array([0.2, -0.1, 1.0]), 5.0  # a plane in the raw left frame
    depth = distance / (rig.left.rays() @ normal)
    result = resample_depth(depth, rig.left, found.rotation_left, found.camera)
    expected = distance / (found.camera.rays() @ found.rotation_left @ normal)
    seen = np.isfinite(result)
    assert seen.mean() > 0.85 and result.dtype == np.float32
    np.testing.assert_allclose(result[seen], expected[seen], rtol=0.005)


def test_what_cannot_be_rectified_is_refused() -> None:
    smaller = Camera.centred(SensorSize(30, 40), 60.0)
    with pytest.raises(ConfigError, match="Expected the same size"):
        rectify(StereoRig(SHARP, smaller, RIGS["parallel"].right_in_left))
    ahead = np.eye(4)
    ahead[:3, 3] = [0.01, 0.0, 2.0]
    with pytest.raises(ConfigError, match="along the line"):
        rectify(StereoRig(SHARP, SHARP, ahead))
    with pytest.raises(ShapeError, match=r"Expected \[60, 80\]"):
        resample_rect(np.zeros((5, 5)), SHARP, np.eye(3), SHARP)
