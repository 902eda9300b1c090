"""Which surface every pixel sees, and how far away it is: a depth buffer over convex quads.

Quads are taken from near to far. Of each, the part in front of the camera is projected; within the
rows and columns that it spans, every pixel's own ray is tested (`saccade.simulate.shade`), so lens
distortion needs no special case and depth is exact at the pixel's centre.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

from saccade.jit import kernel
from saccade.simulate.edges import NEAR_M
from saccade.simulate.shade import alpha_lod, is_there, quad_terms
from saccade.simulate.tables import Grid, World

__all__ = ["FAR_M", "SKY", "nearest_surfaces"]

SKY = -1
"""Number in place of a quad where a ray meets none."""
FAR_M = 400.0
_SLACK = 1e-9  # of a quad's side: closes the seam between neighbours


def nearest_surfaces(
    world: World, frames: NDArray[np.float64], grid: Grid
) -> tuple[NDArray[np.int32], NDArray[np.float32]]:
    """Return what every pixel's centre sees.

    Args:
        world: The scene.
        frames: float64 ``[B, 12]``, every body's frame to the camera's (`tables.frames_at`).
        grid: The camera.

    Returns:
        Quad numbers int32 ``[H, W]`` (`SKY` for none), depth along the optical axis in metres
        float32 ``[H, W]`` (infinite for sky).
    """
    height, width, _ = grid.rays.shape
    ids = np.full((height, width), SKY, np.int32)
    depth = np.full((height, width), np.inf, np.float64)
    _draw_all(world, np.ascontiguousarray(frames), grid, ids, depth)
    return ids, depth.astype(np.float32)


@kernel
def _draw_all(world: Any, frames: Any, grid: Any, ids: Any, depth: Any) -> None:
    order, count = _in_view(world.shapes, frames, grid)
    terms = np.empty((1, 1, 10))
    polygon = np.empty((8, 3))
    flat = np.empty((8, 2))
    for k in range(count):
        quad = order[k]
        corners = _project(world.shapes, quad, frames[world.shapes.body[quad]], polygon, flat)
        if corners >= 3:
            quad_terms(world.shapes, quad, frames[world.shapes.body[quad]], terms[0, 0])
            _draw(
                world.look, world.texels, world.levels, quad, terms, flat, corners,
                grid.rays, grid.low, grid.high, grid.pixel, ids, depth,
            )  # fmt: skip


@kernel
def _in_view(shapes: Any, frames: Any, grid: Any) -> Any:
    """Return the quads that may be in the picture, nearest first, and how many they are."""
    total = shapes.origin.shape[0]
    found = np.empty(total, np.int64)
    nearest = np.empty(total)
    count = 0
    left, right, top, bottom = grid.bounds[0], grid.bounds[1], grid.bounds[2], grid.bounds[3]
    norm_left, norm_right = math.sqrt(1 + left * left), math.sqrt(1 + right * right)
    norm_top, norm_bottom = math.sqrt(1 + top * top), math.sqrt(1 + bottom * bottom)
    for quad in range(total):
        frame = frames[shapes.body[quad]]
        c0, c1, c2 = shapes.center[quad, 0], shapes.center[quad, 1], shapes.center[quad, 2]
        z = frame[6] * c0 + frame[7] * c1 + frame[8] * c2 + frame[11]
        r = shapes.radius[quad]
        if z + r < NEAR_M or z - r > FAR_M:
            continue
        x = frame[0] * c0 + frame[1] * c1 + frame[2] * c2 + frame[9]
        if x - right * z > r * norm_right or left * z - x > r * norm_left:
            continue
        y = frame[3] * c0 + frame[4] * c1 + frame[5] * c2 + frame[10]
        if y - bottom * z > r * norm_bottom or top * z - y > r * norm_top:
            continue
        found[count] = quad
        nearest[count] = math.sqrt(x * x + y * y + z * z) - r
        count += 1
    order = np.argsort(nearest[:count], kind="mergesort")
    return found[:count][order], count


@kernel(counted=False)
def _project(shapes: Any, quad: int, frame: Any, polygon: Any, flat: Any) -> Any:
    """Cut a quad at the near plane and write its corners at z = 1; return how many there are."""
    for k in range(4):
        s = 1.0 if k == 1 or k == 2 else 0.0
        t = 1.0 if k >= 2 else 0.0
        p0 = shapes.origin[quad, 0] + s * shapes.u[quad, 0] + t * shapes.v[quad, 0]
        p1 = shapes.origin[quad, 1] + s * shapes.u[quad, 1] + t * shapes.v[quad, 1]
        p2 = shapes.origin[quad, 2] + s * shapes.u[quad, 2] + t * shapes.v[quad, 2]
        for axis in range(3):
            polygon[k, axis] = (
                frame[3 * axis] * p0
                + frame[3 * axis + 1] * p1
                + frame[3 * axis + 2] * p2
                + frame[9 + axis]
            )
    count = 0
    for k in range(4):
        after = (k + 1) & 3
        z, next_z = polygon[k, 2], polygon[after, 2]
        if z >= NEAR_M:
            flat[count, 0], flat[count, 1] = polygon[k, 0] / z, polygon[k, 1] / z
            count += 1
        if (z >= NEAR_M) != (next_z >= NEAR_M):
            share = (NEAR_M - z) / (next_z - z)
            for axis in range(2):
                cut = polygon[k, axis] + share * (polygon[after, axis] - polygon[k, axis])
                flat[count, axis] = cut / NEAR_M
            count += 1
    return count


@kernel(counted=False)
def _first_row(edges: Any, value: float) -> Any:
    """Return the first index whose (ascending) entry is at least ``value``."""
    low, high = 0, edges.shape[0]
    while low < high:
        middle = (low + high) >> 1
        if edges[middle] < value:
            low = middle + 1
        else:
            high = middle
    return low


@kernel(counted=False)
def _first_column(rays: Any, row: int, value: float) -> Any:
    """Return the first column of a row whose ray has x of at least ``value``."""
    low, high = 0, rays.shape[1]
    while low < high:
        middle = (low + high) >> 1
        if rays[row, middle, 0] < value:
            low = middle + 1
        else:
            high = middle
    return low


@kernel(counted=False)
def _span(flat: Any, corners: int, low: float, high: float) -> Any:
    """Return the smallest and largest x of a polygon between two heights."""
    left, right = np.inf, -np.inf
    for k in range(corners):
        after = k + 1 if k + 1 < corners else 0
        x0, y0, x1, y1 = flat[k, 0], flat[k, 1], flat[after, 0], flat[after, 1]
        if y0 > y1:
            x0, y0, x1, y1 = x1, y1, x0, y0
        if y1 < low or y0 > high:
            continue
        if y0 < low:
            x0 += (x1 - x0) * (low - y0) / (y1 - y0)
            y0 = low
        if y1 > high:
            x1 = x0 + (x1 - x0) * (high - y0) / (y1 - y0)
        left = min(left, x0, x1)
        right = max(right, x0, x1)
    return left, right


@kernel(counted=False)
def _draw(
    look: Any, texels: Any, levels: Any, quad: Any, terms: Any, flat: Any, corners: Any,
    rays: Any, low: Any, high: Any, pixel: Any, ids: Any, depth: Any,
) -> None:  # fmt: skip
    lowest, highest = np.inf, -np.inf
    for k in range(corners):
        lowest, highest = min(lowest, flat[k, 1]), max(highest, flat[k, 1])
    first = _first_row(high, lowest)
    last = _first_row(low, highest)
    has_alpha = look[quad, 13] >= 0.0
    n0, n1, n2, c = terms[0, 0, 0], terms[0, 0, 1], terms[0, 0, 2], terms[0, 0, 9]
    a0, a1, a2 = terms[0, 0, 3], terms[0, 0, 4], terms[0, 0, 5]
    b0, b1, b2 = terms[0, 0, 6], terms[0, 0, 7], terms[0, 0, 8]
    for row in range(first, min(last + 1, ids.shape[0])):
        left, right = _span(flat, corners, low[row], high[row])
        if left > right:  # thinner than the row is high, or outside it: take the whole polygon
            continue
        begin = _first_column(rays, row, left - _SLACK)
        end = _first_column(rays, row, right + _SLACK)
        for column in range(begin, min(end + 1, ids.shape[1])):
            rx, ry = rays[row, column, 0], rays[row, column, 1]
            divisor = rx * n0 + ry * n1 + n2
            if divisor == 0.0:
                continue
            at = c / divisor
            if at >= depth[row, column] or at < NEAR_M:
                continue
            s = (rx * a0 + ry * a1 + a2) / divisor
            t = (rx * b0 + ry * b1 + b2) / divisor
            if s < -_SLACK or s > 1.0 + _SLACK or t < -_SLACK or t > 1.0 + _SLACK:
                continue
            if has_alpha:
                lod = alpha_lod(look, levels, quad, terms, 0, 0, divisor, s, t, pixel)
                if not is_there(look, texels, levels, quad, s, t, lod):
                    continue
            depth[row, column] = at
            ids[row, column] = quad
