"""Calibration files of a stereo rig: Kalibr's camchain as MVSEC extends it, and DSEC's cam_to_cam.

    kalibr_camchain(rig)  ->  {"cam0": {...}, "cam1": {...}}        T_cn_cnm1: cam0 to cam1
    dsec_cam_to_cam(rig)  ->  {"intrinsics", "extrinsics", "disparity_to_depth"}

Both are plain dicts; `to_yaml` gives the text. In DSEC, ``T_XY`` maps camera Y to X.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import yaml
from numpy.typing import NDArray

from saccade.simulate.camera import Camera, StereoRig
from saccade.simulate.rectify import Rectification, rectify
from saccade.simulate.trajectory import GRAVITY_M_S2

__all__ = ["dsec_cam_to_cam", "kalibr_camchain", "to_yaml"]

Calibration = dict[str, Any]


def kalibr_camchain(
    rig: StereoRig,
    rectification: Rectification | None = None,
    *,
    topics: tuple[str, str] = ("/davis/left/image_raw", "/davis/right/image_raw"),
    with_imu: bool = True,
) -> Calibration:
    """Return what a Kalibr ``camchain-imucam`` file says, with MVSEC's rectification beside it.

    Args:
        rig: ``cam0`` is its left camera, ``cam1`` its right one.
        rectification: That of the rig; worked out without.
        topics: Names of the image topics, ``rostopic``.
        with_imu: Add ``T_cam_imu``: the IMU sits in the left camera and turns with it.

    Returns:
        ``{"cam0": ..., "cam1": ...}`` of plain numbers, lists and strings. Matrices map homogeneous
        points; ``T_cn_cnm1`` maps those of ``cam0`` to ``cam1``.

    Examples:
        >>> chain = kalibr_camchain(StereoRig.mvsec_like())
        >>> chain["cam0"]["resolution"], chain["cam1"]["distortion_model"]
        ([346, 260], 'equidistant')
    """
    found = rectification or rectify(rig)
    left_to_right = _inverse(rig.right_in_left)
    parts = (
        (rig.left, np.eye(4), found.rotation_left, found.projection_left),
        (rig.right, left_to_right, found.rotation_right, found.projection_right),
    )
    chain: Calibration = {}
    for number, (camera, from_left, rotation, projection) in enumerate(parts):
        entry: Calibration = {}
        if with_imu:
            entry |= {"T_cam_imu": from_left.tolist(), "timeshift_cam_imu": 0.0}
        if number:
            entry["T_cn_cnm1"] = left_to_right.tolist()
        chain[f"cam{number}"] = entry | {
            "cam_overlaps": [1 - number],
            "camera_model": "pinhole",
            "distortion_coeffs": list(camera.coefficients),
            "distortion_model": camera.distortion,
            "intrinsics": _four(camera),
            "projection_matrix": projection.tolist(),
            "rectification_matrix": rotation.tolist(),
            "resolution": [camera.size.width, camera.size.height],
            "rostopic": topics[number],
        }
    return chain


def kalibr_imu(rate_hz: float, topic: str = "/davis/left/imu") -> Calibration:
    """Return what a Kalibr ``imu`` file says of an IMU without errors."""
    return {
        "rostopic": topic,
        "update_rate": float(rate_hz),
        "accelerometer_noise_density": 0.0,
        "accelerometer_random_walk": 0.0,
        "gyroscope_noise_density": 0.0,
        "gyroscope_random_walk": 0.0,
        "gravity": GRAVITY_M_S2,
    }


def dsec_cam_to_cam(rig: StereoRig, rectification: Rectification | None = None) -> Calibration:
    """Return what a DSEC ``cam_to_cam.yaml`` says.

    cam0 is the left event camera, cam1 the left frame camera, cam2 the right frame camera, cam3 the
    right event camera. Simulated frames come through the lens of the event camera beside them, so
    cam1 equals cam0 and cam2 equals cam3.

    Args:
        rig: The event cameras.
        rectification: That of the rig; worked out without.

    Returns:
        ``intrinsics`` (cam0 to cam3, camRect0 to camRect3; ``camera_matrix`` is fx, fy, cx, cy),
        ``extrinsics`` (T_10, T_21, T_32, R_rect0 to R_rect3) and ``disparity_to_depth`` (Q of the
        event pair, ``cams_03``, and of the frame pair, ``cams_12``).

    Examples:
        >>> q = dsec_cam_to_cam(StereoRig.dsec_like())["disparity_to_depth"]["cams_03"]
        >>> round(1 / q[3][2], 3)
        0.599
    """
    found = rectification or rectify(rig)
    cameras = (rig.left, rig.left, rig.right, rig.right)
    rotations = (found.rotation_left,) * 2 + (found.rotation_right,) * 2
    intrinsics = {
        f"cam{number}": {
            "camera_model": "pinhole",
            "camera_matrix": _four(camera),
            "distortion_model": camera.distortion,
            "distortion_coeffs": list(camera.coefficients),
            "resolution": [camera.size.width, camera.size.height],
        }
        for number, camera in enumerate(cameras)
    }
    for number in range(4):
        intrinsics[f"camRect{number}"] = {
            "camera_model": "pinhole",
            "camera_matrix": _four(found.camera),
            "resolution": [found.camera.size.width, found.camera.size.height],
        }
    extrinsics = {
        "T_10": np.eye(4).tolist(),
        "T_21": _inverse(rig.right_in_left).tolist(),
        "T_32": np.eye(4).tolist(),
    }
    extrinsics |= {f"R_rect{number}": turn.tolist() for number, turn in enumerate(rotations)}
    q = found.disparity_to_depth
    return {
        "intrinsics": intrinsics,
        "extrinsics": extrinsics,
        "disparity_to_depth": {"cams_12": q.tolist(), "cams_03": q.tolist()},
    }


def to_yaml(calibration: Calibration) -> str:
    """Return a calibration as YAML, matrices row by row, in the order of the dict.

    Examples:
        >>> print(to_yaml({"cam0": {"resolution": [346, 260]}}), end="")
        cam0:
          resolution: [346, 260]
    """
    return yaml.safe_dump(calibration, sort_keys=False, default_flow_style=None, width=1_000)


def _four(camera: Camera) -> list[float]:
    return [camera.fx, camera.fy, camera.cx, camera.cy]


def _inverse(transform: NDArray[np.float64]) -> NDArray[np.float64]:
    inverse = np.eye(4)
    inverse[:3, :3] = transform[:3, :3].T
    inverse[:3, 3] = -transform[:3, :3].T @ transform[:3, 3]
    return inverse
