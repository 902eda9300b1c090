"""Cameras against their own inverse, closed forms and finite differences; refusal of bad values."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from saccade.errors import ConfigError, ShapeError
from saccade.events import SensorSize
from saccade.simulate.camera import Camera, StereoRig

SIZE = SensorSize(48, 64)
CAMERAS = {
    "none": Camera.centred(SIZE, 80.0),
    "davis346": Camera.davis346(),
    "davis240": Camera.davis240(),
    "dsec": Camera.dsec(),
    "radtan5": Camera(SIZE, 50, 52, 30, 25, "radtan", (-0.2, 0.06, 0.002, -0.003, -0.004)),
    "pincushion": Camera(SIZE, 60, 60, 31.5, 23.5, "radtan", (0.15, 0.02, 0.0, 0.0)),
}


@pytest.mark.parametrize("camera", CAMERAS.values(), ids=CAMERAS)
def test_projecting_the_rays_gives_the_pixels(camera: Camera) -> None:
    y, x = np.mgrid[0 : camera.size.height, 0 : camera.size.width]
    rays = camera.rays()
    np.testing.assert_array_equal(rays[..., 2], 1.0)
    np.testing.assert_allclose(camera.project(rays), np.stack([x, y], -1), rtol=0, atol=1e-9)


@pytest.mark.parametrize("camera", CAMERAS.values(), ids=CAMERAS)
@settings(deadline=None, max_examples=30)
@given(st.floats(-20, 20), st.floats(-20, 20), st.floats(0.1, 1e3))
def test_a_seen_point_lies_on_the_ray_of_its_place(
    camera: Camera, x: float, y: float, z: float
) -> None:
    middle = np.array([camera.cx + x, camera.cy + y])
    point = camera.rays_at(middle) * z
    np.testing.assert_allclose(camera.project(point), middle, rtol=0, atol=1e-9)


def test_equidistant_without_coefficients_maps_angle_to_radius() -> None:
    camera = Camera(SIZE, 30.0, 30.0, 0.0, 0.0, "equidistant", (0, 0, 0, 0))
    for angle in (0.0, 0.3, 1.0, 1.5):
        seen = camera.project([math.sin(angle), 0.0, math.cos(angle)])
        np.testing.assert_allclose(seen, [30.0 * angle, 0.0], atol=1e-12)


def test_radtan_equals_the_formula_term_by_term() -> None:
    k1, k2, p1, p2, k3 = -0.2, 0.06, 0.002, -0.003, -0.004
    x, y, r2 = 0.3, -0.2, 0.13
    radial = 1 + k1 * r2 + k2 * r2**2 + k3 * r2**3
    expected_x = x * radial + 2 * p1 * x * y + p2 * (r2 + 2 * x**2)
    expected_y = y * radial + p1 * (r2 + 2 * y**2) + 2 * p2 * x * y
    seen = CAMERAS["radtan5"].project([2 * x, 2 * y, 2.0])
    np.testing.assert_allclose(seen, [50 * expected_x + 30, 52 * expected_y + 25], atol=1e-12)


def test_points_behind_or_beyond_the_turn_of_the_lens_are_not_seen() -> None:
    camera = CAMERAS["davis240"]
    assert np.isnan(camera.project([[0.0, 0.0, -1.0], [1.0, 1.0, 0.0]])).all()
    barrel = Camera(SIZE, 60, 60, 31.5, 23.5, "radtan", (-0.5, 0.0, 0.0, 0.0))
    turn = math.sqrt(1 / 1.5)  # where d/dr r (1 - 0.5 r²) = 0
    assert np.isfinite(barrel.project([turn * 0.99, 0.0, 1.0])).all()
    assert np.isnan(barrel.project([turn * 1.01, 0.0, 1.0])).all()
    beyond = 31.5 + 60 * turn * (1 - 0.5 * turn**2) + 0.5
    assert np.isnan(barrel.rays_at([beyond, 23.5])).all()


def test_rays_are_kept_and_cannot_be_changed() -> None:
    camera = CAMERAS["none"]
    assert camera.rays() is Camera.centred(SIZE, 80.0).rays()
    with pytest.raises(ValueError, match="read-only"):
        camera.rays()[0, 0, 0] = 1.0


def test_a_centred_camera_sees_the_angle_it_was_made_for() -> None:
    camera = Camera.centred(SIZE, 80.0)
    edges = camera.rays_at([[-0.5, 23.5], [63.5, 23.5]])
    angles = np.degrees(np.arctan(edges[:, 0]))
    np.testing.assert_allclose(angles, [-40.0, 40.0], atol=1e-12)
    assert camera.matrix.tolist() == [[camera.fx, 0, 31.5], [0, camera.fy, 23.5], [0, 0, 1]]


@pytest.mark.parametrize("name", ["davis346", "davis240", "dsec"])
@pytest.mark.parametrize("size", [(34, 34), (720, 1280), (100, 400), (400, 100)])
def test_a_scaled_camera_has_a_ray_for_every_pixel_in_order(
    name: str, size: tuple[int, int]
) -> None:
    camera = CAMERAS[name]
    scaled = camera.scaled(SensorSize(*size))
    rays = scaled.rays()
    assert np.isfinite(rays).all()
    assert (np.diff(rays[..., 0], axis=1) > 0).all() and (np.diff(rays[..., 1], axis=0) > 0).all()
    assert np.ptp(rays[size[0] // 2, :, 0]) <= 1.02 * np.ptp(
        camera.rays()[camera.size.height // 2, :, 0]
    )


def test_half_the_size_with_the_same_shape_sees_the_same() -> None:
    camera = Camera.davis346()
    half = camera.scaled(SensorSize(130, 173))
    place = np.array([100.0, 60.0])
    doubled = 2 * (place + 0.5) - 0.5  # pixel centres are whole, edges are half a pixel off
    np.testing.assert_allclose(half.rays_at(place), camera.rays_at(doubled), atol=1e-12)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ((SIZE, 0, 1, 0, 0), "fx is 0"),
        ((SIZE, 1, -2, 0, 0), "fy is -2"),
        ((SIZE, 1, 1, math.nan, 0), "cx is nan"),
        ((SIZE, 1, 1, 0, 0, "radtn", ()), "Did you mean 'radtan'"),
        ((SIZE, 1, 1, 0, 0, "radtan", (0.1,)), "has 1 coefficients. Expected 4 or 5"),
        ((SIZE, 1, 1, 0, 0, "none", (0.1,)), "has 1 coefficients. Expected 0"),
        ((SIZE, 1, 1, 0, 0, "equidistant", (0, 0, 0, math.inf)), "Expected numbers"),
    ],
)
def test_a_bad_camera_is_refused(arguments: tuple, message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        Camera(*arguments)


def test_bad_angles_and_shapes_are_refused() -> None:
    with pytest.raises(ConfigError, match="180 degrees"):
        Camera.centred(SIZE, 180.0)
    with pytest.raises(ShapeError, match=r"pixels has shape \(3,\)"):
        CAMERAS["none"].rays_at([1, 2, 3])
    with pytest.raises(ShapeError, match=r"points has shape \(2,\)"):
        CAMERAS["none"].project([1, 2])


def test_a_rig_that_is_no_rig_is_refused() -> None:
    camera = CAMERAS["none"]
    with pytest.raises(ShapeError, match=r"\(3, 3\)"):
        StereoRig(camera, camera, np.eye(3))
    with pytest.raises(ConfigError, match="Swap the cameras"):
        StereoRig.parallel(camera, -0.1)
    mirrored = np.diag([1.0, -1.0, 1.0, 1.0])
    mirrored[0, 3] = 0.1
    with pytest.raises(ConfigError, match="not a rotation"):
        StereoRig(camera, camera, mirrored)


def test_named_rigs_have_the_baselines_of_their_models() -> None:
    assert StereoRig.mvsec_like().baseline_m == pytest.approx(0.0999, abs=1e-4)
    assert StereoRig.dsec_like().baseline_m == pytest.approx(0.5993, abs=1e-4)
    assert StereoRig.centred(SIZE, 70.0, 0.2).baseline_m == 0.2
