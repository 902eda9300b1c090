"""Rectification: two cameras turned by software until a point lies on the same row in both.

    x from left to right camera,  z the mean viewing direction, made normal to x,  y = z × x
    rectified = [x y z]ᵀ raw;   disparity = x_left - x_right = f B / Z

Both rectified cameras share one pinhole of the same size. Its centre is the middle of what both
middle rows and columns see, its focal length the smallest that leaves no empty border along both
axes: wide lenses lose a little at two edges, as they do in the public data sets.

Reference: Fusiello, Trucco and Verri, "A compact algorithm for rectification of stereo pairs",
2000.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from saccade.errors import ConfigError, ShapeError
from saccade.simulate.camera import Camera, StereoRig

__all__ = ["Rectification", "rectify", "resample_depth", "resample_rect"]


@dataclass(frozen=True, eq=False)
class Rectification:
    """How the images of a rig are rectified.

    Args:
        rotation_left: float64 ``[3, 3]``, raw left camera frame to rectified frame.
        rotation_right: float64 ``[3, 3]``, raw right camera frame to rectified frame.
        camera: The pinhole that both rectified cameras are.
        baseline_m: Distance between them, along x.
        left_map: float32 ``[H, W, 2]``, raw left pixel to rectified (x, y); may leave the image.
        right_map: float32 ``[H, W, 2]``, the same of the right camera.
    """

    rotation_left: NDArray[np.float64]
    rotation_right: NDArray[np.float64]
    camera: Camera
    baseline_m: float
    left_map: NDArray[np.float32]
    right_map: NDArray[np.float32]

    @property
    def focal_baseline(self) -> float:
        """Disparity times depth, pixels x metres."""
        return self.camera.fx * self.baseline_m

    @property
    def projection_left(self) -> NDArray[np.float64]:
        """float64 ``[3, 4]``: homogeneous point of the rectified left frame to left pixel."""
        return np.concatenate([self.camera.matrix, np.zeros((3, 1))], axis=1)

    @property
    def projection_right(self) -> NDArray[np.float64]:
        """float64 ``[3, 4]``: homogeneous point of the rectified left frame to right pixel."""
        projection = self.projection_left
        projection[0, 3] = -self.focal_baseline
        return projection

    @property
    def disparity_to_depth(self) -> NDArray[np.float64]:
        """Q, float64 ``[4, 4]``: ``Q (x, y, disparity, 1)`` is the homogeneous point (X, Y, Z, W).

        With f the focal length, (cx, cy) the centre and B the baseline, Z / W = f B / disparity.
        """
        f, cx, cy = self.camera.fx, self.camera.cx, self.camera.cy
        return np.array(
            [[1, 0, 0, -cx], [0, 1, 0, -cy], [0, 0, 0, f], [0, 0, 1 / self.baseline_m, 0]], float
        )


def rectify(rig: StereoRig) -> Rectification:
    """Rectify a rig.

    Args:
        rig: Any two cameras side by side, distorted or not.

    Raises:
        ConfigError: A camera looks along the line between the two.

    Examples:
        >>> from saccade.simulate.camera import StereoRig
        >>> rectification = rectify(StereoRig.mvsec_like())
        >>> rectification.left_map.shape, rectification.camera.size
        ((260, 346, 2), SensorSize(height=260, width=346))
    """
    turn, shift = rig.right_in_left[:3, :3], rig.right_in_left[:3, 3]
    x = shift / np.linalg.norm(shift)
    mean = np.array([0.0, 0.0, 1.0]) + turn[:, 2]
    z = mean - x * (mean @ x)
    if np.linalg.norm(z) < 0.2:
        raise ConfigError(
            "The cameras look along the line between them.", "Expected cameras side by side."
        )
    z /= np.linalg.norm(z)
    rotation_left = np.stack([x, np.cross(z, x), z])
    rotation_right = rotation_left @ turn
    camera = _shared_camera(rig, rotation_left, rotation_right)
    return Rectification(
        rotation_left,
        rotation_right,
        camera,
        rig.baseline_m,
        forward_map(rig.left, rotation_left, camera),
        forward_map(rig.right, rotation_right, camera),
    )


def forward_map(
    raw: Camera, rotation: NDArray[np.float64], rectified: Camera
) -> NDArray[np.float32]:
    """Return where each raw pixel lies in the rectified image.

    Args:
        raw: Camera that took the image.
        rotation: float64 ``[3, 3]``, raw camera frame to rectified frame.
        rectified: Rectified camera.

    Returns:
        float32 ``[H, W, 2]`` columns and rows; NaN where a ray turns away from it.
    """
    return rectified.project(raw.rays() @ rotation.T).astype(np.float32)


def resample_rect(
    image: ArrayLike,
    raw: Camera,
    rotation: NDArray[np.float64],
    rectified: Camera,
    *,
    nearest: bool = False,
    fill: float = 0.0,
) -> NDArray[Any]:
    """Return an image as the rectified camera would have taken it.

    Args:
        image: ``[H, W]`` or ``[H, W, C]``, as the raw camera took it.
        raw: Camera that took it.
        rotation: float64 ``[3, 3]``, raw camera frame to rectified frame.
        rectified: Rectified camera.
        nearest: Take the nearest pixel instead of the mean of four, weighed by distance.
        fill: What to put where the raw camera saw nothing.

    Returns:
        The type of ``image``, in the rectified camera's size.

    Raises:
        ShapeError: The image is not the raw camera's.
    """
    values = np.asarray(image)
    size = raw.size
    if values.ndim not in (2, 3) or values.shape[:2] != (size.height, size.width):
        raise ShapeError(
            f"The image has shape {values.shape}.", f"Expected [{size.height}, {size.width}]."
        )
    there = raw.project(rectified.rays() @ rotation)
    inside = (there > -0.5) & (there < np.array([size.width, size.height]) - 0.5)
    seen = np.logical_and(inside[..., 0], inside[..., 1])
    x, y = np.where(seen[..., None], there, 0.0).transpose(2, 0, 1)
    if nearest:
        result = values[np.rint(y).astype(int), np.rint(x).astype(int)]
    else:
        result = _bilinear(values, x, y)
    result[~seen] = fill
    return result


def resample_depth(
    depth: ArrayLike, raw: Camera, rotation: NDArray[np.float64], rectified: Camera
) -> NDArray[np.float32]:
    """Return a depth map as the rectified camera would see it: nearest pixel, its own optical axis.

    Args:
        depth: ``[H, W]`` metres along the raw camera's axis, NaN = none.
        raw: Camera of the map.
        rotation: float64 ``[3, 3]``, raw camera frame to rectified frame.
        rectified: Rectified camera.

    Returns:
        float32 ``[H, W]`` metres along the rectified camera's axis, NaN = none.
    """
    along = np.asarray(depth, np.float64) * (raw.rays() @ rotation[2])
    return resample_rect(
        along.astype(np.float32), raw, rotation, rectified, nearest=True, fill=np.nan
    )


def _shared_camera(
    rig: StereoRig, rotation_left: NDArray[np.float64], rotation_right: NDArray[np.float64]
) -> Camera:
    """Return the pinhole centred on what the middle rows and columns of both cameras see."""
    size = rig.left.size
    if rig.right.size != size:
        raise ConfigError(
            f"The cameras have {size} and {rig.right.size} pixels.", "Expected the same size."
        )
    low, high = np.full(2, np.inf), np.full(2, -np.inf)
    for camera, rotation in ((rig.left, rotation_left), (rig.right, rotation_right)):
        rays = camera.rays() @ rotation.T
        seen = rays[..., :2] / rays[..., 2:]
        row, column = seen[size.height // 2, :, 0], seen[:, size.width // 2, 1]
        low = np.minimum(low, [row.min(), column.min()])
        high = np.maximum(high, [row.max(), column.max()])
    pixels = np.array([size.width - 1, size.height - 1])
    focal = float((pixels / (high - low)).max())
    centre = 0.5 * (pixels - focal * (low + high))
    return Camera(size, focal, focal, float(centre[0]), float(centre[1]))


def _bilinear(values: NDArray[Any], x: NDArray[np.float64], y: NDArray[np.float64]) -> NDArray[Any]:
    height, width = values.shape[:2]
    x, y = np.clip(x, 0, width - 1), np.clip(y, 0, height - 1)
    x0 = np.minimum(x.astype(int), max(width - 2, 0))
    y0 = np.minimum(y.astype(int), max(height - 2, 0))
    x1, y1 = np.minimum(x0 + 1, width - 1), np.minimum(y0 + 1, height - 1)
    extra = (...,) + (None,) * (values.ndim - 2)
    a, b = (x - x0)[extra], (y - y0)[extra]
    top = (1 - a) * values[y0, x0] + a * values[y0, x1]
    bottom = (1 - a) * values[y1, x0] + a * values[y1, x1]
    mean = (1 - b) * top + b * bottom
    if np.issubdtype(values.dtype, np.integer):
        mean = np.rint(mean)
    return mean.astype(values.dtype)
