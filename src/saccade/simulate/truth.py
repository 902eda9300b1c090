"""Ground truth at a moment: frames, depth, disparity, optical flow; exact from the geometry.

    disparity = f B / depth                                   pixels, rectified cameras
    flow(x; t0, t1) = project(pose(t1)^-1 pose(t0) X) - x     pixels, X the point seen at x, t0

Depth is that of the ray through a pixel's centre, along the optical axis. Flow is given where the
point is still seen at t1: within the image and not hidden by something nearer.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from saccade.jit import kernel
from saccade.simulate.camera import Camera
from saccade.simulate.raster import SKY, nearest_surfaces
from saccade.simulate.shade import alpha_lod, is_there, quad_terms
from saccade.simulate.stage import Stage
from saccade.simulate.tables import Grid, camera_grid, frames_at

__all__ = ["GAMMA", "camera_frame", "depth_map", "disparity_map", "flow_map", "virtual_depth"]

GAMMA = 2.2
"""Frames hold ``255 (L / white) ** (1 / GAMMA)``."""
_SAME_M = 0.02  # how much nearer something must be to hide a point, plus this share of its depth


def camera_frame(stage: Stage, name: str, time_us: int) -> NDArray[np.uint8]:
    """Return the picture that a frame camera would take, uint8 ``[H, W]``.

    Brightness is ``255 (L / white) ** (1 / 2.2)``, cut at 255; no noise and no blur are added.
    """
    share = stage.luminance(name, time_us) / stage.light.white_cd_m2
    return np.rint(255 * np.clip(share, 0.0, 1.0) ** (1.0 / GAMMA)).astype(np.uint8)


def depth_map(stage: Stage, name: str, time_us: int) -> NDArray[np.float32]:
    """Return depth along the optical axis in metres, float32 ``[H, W]``; NaN for sky."""
    depth = stage.seen(name, time_us)[1].copy()
    depth[~np.isfinite(depth)] = np.nan
    return depth


def virtual_depth(
    stage: Stage,
    camera: Camera,
    in_body: NDArray[np.float64],
    time_us: int,
    grid: Grid | None = None,
) -> NDArray[np.float32]:
    """Return the depth that a camera would see which is not on the stage: the rectified one.

    Args:
        stage: The stage.
        camera: The camera.
        in_body: float64 ``[4, 4]``, points of this camera to points of the vehicle or hand.
        time_us: When.
        grid: `tables.camera_grid` of the camera, to save time over many calls.
    """
    frames, _ = frames_at(stage.scene, stage.poses(np.array([time_us])), in_body)
    depth = nearest_surfaces(stage.world, frames[0], grid or camera_grid(camera))[1]
    depth[~np.isfinite(depth)] = np.nan
    return depth


def disparity_map(
    depth_m: NDArray[np.float32], focal_px: float, baseline_m: float
) -> NDArray[np.float32]:
    """Return disparity in pixels, ``f B / depth``; NaN stays NaN."""
    return (focal_px * baseline_m / depth_m).astype(np.float32)


def flow_map(stage: Stage, name: str, start_us: int, end_us: int) -> NDArray[np.float32]:
    """Return how far what is seen at ``start_us`` has moved by ``end_us``.

    Args:
        stage: The stage.
        name: Camera.
        start_us: When the pixels are looked at.
        end_us: Later or earlier.

    Returns:
        float32 ``[2, H, W]``, displacement (x, y) in pixels of the raw image; NaN where the point
        leaves the image or is hidden at ``end_us``. Sky moves with the rotation alone.
    """
    grid = stage.grid(name)
    frames, _ = stage.frames(name, np.array([start_us, end_us]))
    ids, depth = stage.seen(name, start_us)
    later_ids, _ = stage.seen(name, end_us)
    points = np.empty((*ids.shape, 3))
    _carry(stage.world.shapes.body, grid, frames[0], frames[1], ids, depth, points)
    camera = stage.cameras[name].camera
    with np.errstate(invalid="ignore", divide="ignore"):
        there = camera.project(points)
    there = np.where(points[..., 2:] > 0.0, there, np.nan)
    height, width = ids.shape
    inside = (
        (there[..., 0] >= -0.5)
        & (there[..., 0] <= width - 0.5)
        & (there[..., 1] >= -0.5)
        & (there[..., 1] <= height - 0.5)
    )
    there[~inside] = np.nan
    _hide(stage.world, grid, frames[1], ids, later_ids, points, there)
    y, x = np.mgrid[0:height, 0:width]
    return np.stack([there[..., 0] - x, there[..., 1] - y]).astype(np.float32)


@kernel
def _carry(body: Any, grid: Any, here: Any, there: Any, ids: Any, depth: Any, points: Any) -> None:
    """Write where the point seen at each pixel is later, in the camera's frame."""
    height, width = ids.shape
    for y in range(height):
        for x in range(width):
            quad = ids[y, x]
            which = body[quad] if quad >= 0 else 0
            a, b = here[which], there[which]
            far = np.float64(depth[y, x]) if quad >= 0 else 1.0
            c0, c1, c2 = grid.rays[y, x, 0] * far, grid.rays[y, x, 1] * far, far
            if quad >= 0:
                c0, c1, c2 = c0 - a[9], c1 - a[10], c2 - a[11]
            w0 = a[0] * c0 + a[3] * c1 + a[6] * c2
            w1 = a[1] * c0 + a[4] * c1 + a[7] * c2
            w2 = a[2] * c0 + a[5] * c1 + a[8] * c2
            for i in range(3):
                value = b[3 * i] * w0 + b[3 * i + 1] * w1 + b[3 * i + 2] * w2
                points[y, x, i] = value + b[9 + i] if quad >= 0 else value


@kernel
def _hide(world: Any, grid: Any, frame: Any, ids: Any, later: Any, points: Any, there: Any) -> None:
    """Set to NaN what is hidden later: some surface around the place is met before the point."""
    height, width = ids.shape
    terms = np.empty((1, 1, 10))
    for y in range(height):
        for x in range(width):
            if np.isnan(there[y, x, 0]):
                continue
            at_x, at_y = int(np.rint(there[y, x, 0])), int(np.rint(there[y, x, 1]))
            at_x, at_y = min(max(at_x, 0), width - 1), min(max(at_y, 0), height - 1)
            z = points[y, x, 2]
            own = ids[y, x]
            if later[at_y, at_x] == own and _alone(later, at_y, at_x):
                continue
            rx, ry = points[y, x, 0] / z, points[y, x, 1] / z
            limit = z - _SAME_M - 0.01 * z if own >= 0 else np.inf
            last = -2
            for near_y in range(max(at_y - 1, 0), min(at_y + 2, height)):
                for near_x in range(max(at_x - 1, 0), min(at_x + 2, width)):
                    quad = later[near_y, near_x]
                    if quad == SKY or quad == own or quad == last:  # noqa: SIM109
                        continue
                    last = quad
                    quad_terms(world.shapes, quad, frame[world.shapes.body[quad]], terms[0, 0])
                    if _meets(world, quad, terms, rx, ry, grid.pixel, limit):
                        there[y, x, 0] = np.nan
                        there[y, x, 1] = np.nan


@kernel
def _alone(ids: Any, y: int, x: int) -> Any:
    """Tell whether the neighbours of a pixel all see what it sees."""
    height, width = ids.shape
    for near_y in range(max(y - 1, 0), min(y + 2, height)):
        for near_x in range(max(x - 1, 0), min(x + 2, width)):
            if ids[near_y, near_x] != ids[y, x]:
                return False
    return True


@kernel
def _meets(world: Any, quad: int, terms: Any, rx: Any, ry: Any, pixel: Any, limit: Any) -> Any:
    """Tell whether a ray meets a quad before it has gone as far as ``limit``."""
    divisor = rx * terms[0, 0, 0] + ry * terms[0, 0, 1] + terms[0, 0, 2]
    if divisor == 0.0:
        return False
    depth = terms[0, 0, 9] / divisor
    if depth <= 0.0 or depth >= limit:
        return False
    s = (rx * terms[0, 0, 3] + ry * terms[0, 0, 4] + terms[0, 0, 5]) / divisor
    t = (rx * terms[0, 0, 6] + ry * terms[0, 0, 7] + terms[0, 0, 8]) / divisor
    if s < 0.0 or s > 1.0 or t < 0.0 or t > 1.0:
        return False
    if world.look[quad, 13] < 0.0:
        return True
    lod = alpha_lod(world.look, world.levels, quad, terms, 0, 0, divisor, s, t, pixel)
    return is_there(world.look, world.texels, world.levels, quad, s, t, lod)
