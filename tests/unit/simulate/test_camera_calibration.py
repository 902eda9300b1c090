"""Calibration files: they survive YAML, and what they say is enough to find points again."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import yaml

from saccade.events import SensorSize
from saccade.simulate.calibration import dsec_cam_to_cam, kalibr_camchain, kalibr_imu, to_yaml
from saccade.simulate.camera import Camera, StereoRig
from saccade.simulate.rectify import rectify

RIGS = {"mvsec": StereoRig.mvsec_like(), "dsec": StereoRig.dsec_like()}
POINTS = np.array([[0.3, -0.2, 4.0], [-0.5, 0.4, 9.0], [0.1, 0.1, 1.5]])


def read_camera(entry: dict[str, Any], intrinsics: str = "intrinsics") -> Camera:
    width, height = entry["resolution"]
    return Camera(
        SensorSize(height, width),
        *entry[intrinsics],
        entry.get("distortion_model", "none"),
        tuple(entry.get("distortion_coeffs", ())),
    )


def moved(transform: Any, points: np.ndarray) -> np.ndarray:
    matrix = np.array(transform)
    return points @ matrix[:3, :3].T + matrix[:3, 3]


@pytest.mark.parametrize("rig", RIGS.values(), ids=RIGS)
def test_a_camchain_survives_yaml_and_describes_the_rig(rig: StereoRig) -> None:
    chain = kalibr_camchain(rig)
    read = yaml.safe_load(to_yaml(chain))
    assert read == chain
    assert read_camera(read["cam0"]) == rig.left
    assert read_camera(read["cam1"]) == rig.right
    np.testing.assert_allclose(
        np.array(read["cam1"]["T_cn_cnm1"]) @ rig.right_in_left, np.eye(4), atol=1e-12
    )
    assert read["cam0"]["camera_model"] == "pinhole"
    assert "T_cn_cnm1" not in read["cam0"]


@pytest.mark.parametrize("rig", RIGS.values(), ids=RIGS)
def test_rectification_and_projection_of_a_camchain_agree(rig: StereoRig) -> None:
    """Point -> camera -> rectification matrix -> projection, as readers of MVSEC go."""
    read = yaml.safe_load(to_yaml(kalibr_camchain(rig)))
    seen = []
    for number, entry in enumerate((read["cam0"], read["cam1"])):
        own = POINTS if number == 0 else moved(read["cam1"]["T_cn_cnm1"], POINTS)
        turned = own @ np.array(entry["rectification_matrix"]).T
        pixel = turned @ np.array(entry["projection_matrix"])[:, :3].T
        seen.append(pixel[:, :2] / pixel[:, 2:])
    focal_baseline = -read["cam1"]["projection_matrix"][0][3]
    depth = (POINTS @ np.array(read["cam0"]["rectification_matrix"]).T)[:, 2]
    np.testing.assert_allclose(seen[0][:, 0] - seen[1][:, 0], focal_baseline / depth, atol=1e-9)
    np.testing.assert_allclose(seen[0][:, 1], seen[1][:, 1], atol=1e-9)


def test_the_focal_length_times_baseline_of_the_mvsec_rig_is_close_to_that_of_the_set() -> None:
    """19.94, 19.64 and 19.65 pixels x metres are published for its scenes."""
    assert rectify(RIGS["mvsec"]).focal_baseline == pytest.approx(19.7, rel=0.06)


@pytest.mark.parametrize("rig", RIGS.values(), ids=RIGS)
def test_cam_to_cam_survives_yaml_and_leads_from_camera_to_camera(rig: StereoRig) -> None:
    calibration = dsec_cam_to_cam(rig)
    read = yaml.safe_load(to_yaml(calibration))
    assert read == calibration
    assert list(read) == ["intrinsics", "extrinsics", "disparity_to_depth"]
    intrinsics, extrinsics = read["intrinsics"], read["extrinsics"]
    assert read_camera(intrinsics["cam0"], "camera_matrix") == rig.left
    assert read_camera(intrinsics["cam3"], "camera_matrix") == rig.right
    assert read_camera(intrinsics["camRect0"], "camera_matrix") == rectify(rig).camera
    to_right = np.array(extrinsics["T_32"]) @ extrinsics["T_21"] @ extrinsics["T_10"]
    np.testing.assert_allclose(to_right @ rig.right_in_left, np.eye(4), atol=1e-12)


@pytest.mark.parametrize("rig", RIGS.values(), ids=RIGS)
def test_cams_03_turns_disparity_into_depth(rig: StereoRig) -> None:
    read = yaml.safe_load(to_yaml(dsec_cam_to_cam(rig)))
    camera = read_camera(read["intrinsics"]["camRect0"], "camera_matrix")
    extrinsics = read["extrinsics"]
    left = POINTS @ np.array(extrinsics["R_rect0"]).T
    to_right = np.array(extrinsics["T_32"]) @ extrinsics["T_21"] @ extrinsics["T_10"]
    right = moved(to_right, POINTS) @ np.array(extrinsics["R_rect3"]).T
    places = camera.project(left)
    disparity = places[:, 0] - camera.project(right)[:, 0]
    q = np.array(read["disparity_to_depth"]["cams_03"])
    found = np.column_stack([places, disparity, np.ones(3)]) @ q.T
    np.testing.assert_allclose(found[:, :3] / found[:, 3:], left, rtol=1e-9)
    np.testing.assert_allclose(q[2, 3] / q[3, 2] / disparity, left[:, 2], rtol=1e-9)


def test_an_imu_file_names_its_topic_and_rate() -> None:
    read = yaml.safe_load(to_yaml(kalibr_imu(200)))
    assert read["update_rate"] == 200.0
    assert read["rostopic"] == "/davis/left/imu"
