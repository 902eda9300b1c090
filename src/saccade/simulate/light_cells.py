"""The illuminance of one light-map cell after another: sun, open sky, reflected light, lamps.

    sky       E_sky (1 + n_z)/2 O             O: open share of the directions above the horizon
    hidden    0.4 rho G (1 + n_z)/2 (1 - O)   what hides the sky is lit as well, but less
    ground    rho G (1 - n_z)/2               G: illuminance of open level ground
    lamp      I cos / max(d, 0.5 m)^2 (1 - (d / 35 m)^4)^2

The last factor lets a lamp fade out where it is too weak to matter. It shines downwards; above its
own height it falls off to a tenth. Thin surfaces, those with an alpha channel, are lit from both
sides alike; all others from the side of their normal only.
"""

from __future__ import annotations

import math
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from saccade.jit import kernel
from saccade.simulate.light_shadow import STACK, transmission

__all__ = ["LAMP_REACH_M", "Faces", "Shine", "fill_cells", "fill_openness", "sky_rays"]

LAMP_REACH_M = 35.0
_LIFT_M = 0.02  # rays start this far above a surface; marks that lie closer to it cast no shadow
_INSET_M = 0.03  # and this far from its edges, clear of what it adjoins
_LAMP_BODY_M = 0.4  # rays to a lamp end before its own housing
_LAMP_NEAREST_M = 0.5
_FAR_M = 1e4
_HIDDEN = 0.4


class Faces(NamedTuple):
    """Where N surfaces are at t = 0, in the world, and which cells they have.

    Args:
        corner: float64 ``[N, 12]``, origin, u, v and unit normal.
        thin: bool ``[N]``, lit from both sides.
        inset: float64 ``[N, 2]``, margin along u and v as a share of the side.
        start, shape: Of the light maps (`light.Light`).
        open_start, open_shape: Of the coarser maps of openness.
        lamp_start: int64 ``[N + 1]``, where each surface's lamps start in ``lamp``.
        lamp: int64, numbers of the lamps within reach.
    """

    corner: NDArray[np.float64]
    thin: NDArray[np.bool_]
    inset: NDArray[np.float64]
    start: NDArray[np.int64]
    shape: NDArray[np.int32]
    open_start: NDArray[np.int64]
    open_shape: NDArray[np.int32]
    lamp_start: NDArray[np.int64]
    lamp: NDArray[np.int64]


class Shine(NamedTuple):
    """What shines.

    Args:
        to_sun: float64 ``[3]``.
        sun_lux, sky_lux, ground_lux, bounce, reach_m, lamp_cd: As in `conditions.Condition`.
        lamps: float64 ``[L, 3]``.
        rays: float64 ``[R, 3]``, directions about z for the open share (`sky_rays`).
    """

    to_sun: NDArray[np.float64]
    sun_lux: float
    sky_lux: float
    ground_lux: float
    bounce: float
    reach_m: float
    lamp_cd: float
    lamps: NDArray[np.float64]
    rays: NDArray[np.float64]


def sky_rays(count: int = 32) -> NDArray[np.float64]:
    """Return directions ``[count, 3]`` about z, denser near it in proportion to the cosine.

    Points of a sunflower in the unit disc, lifted onto the hemisphere: each stands for an equal
    share of the illuminance.
    """
    k = np.arange(count) + 0.5
    radius, around = np.sqrt(k / count), k * math.pi * (3.0 - math.sqrt(5.0))
    flat = np.stack([radius * np.cos(around), radius * np.sin(around)], axis=1)
    return np.column_stack([flat, np.sqrt(1.0 - radius**2)])


@kernel(counted=False)
def _inside(share: Any, inset: Any) -> Any:
    return min(max(share, inset), 1.0 - inset)


@kernel(counted=False)
def _point(faces: Any, k: Any, s: Any, t: Any, lift: Any) -> Any:
    """Return the point at (s, t), moved ``lift`` along the normal and clear of the edges."""
    s, t = _inside(s, faces.inset[k, 0]), _inside(t, faces.inset[k, 1])
    c = faces.corner
    return (
        c[k, 0] + s * c[k, 3] + t * c[k, 6] + lift * c[k, 9],
        c[k, 1] + s * c[k, 4] + t * c[k, 7] + lift * c[k, 10],
        c[k, 2] + s * c[k, 5] + t * c[k, 8] + lift * c[k, 11],
    )


@kernel(counted=False)
def _open_share(blockers: Any, stack: Any, shine: Any, normal: Any, point: Any) -> Any:
    """Return the share of a surface's directions above the horizon that nothing hides."""
    nx, ny, nz = normal
    turn = -1.0 / (1.0 + nz) if nz > -0.999 else 0.0
    seen, total = 0.0, 0
    for k in range(shine.rays.shape[0]):
        rx, ry, rz = shine.rays[k, 0], shine.rays[k, 1], shine.rays[k, 2]
        if nz > -0.999:  # shortest turn of z into the normal
            along = (nx * rx + ny * ry) * turn
            dx, dy = rx + nx * (along + rz), ry + ny * (along + rz)
            dz = nz * rz - nx * rx - ny * ry
        else:
            dx, dy, dz = rx, -ry, -rz
        if dz <= 0.0:
            continue
        total += 1
        seen += transmission(
            blockers, stack, point[0], point[1], point[2], dx, dy, dz, shine.reach_m
        )
    return seen / total if total > 0 else 1.0


@kernel
def fill_openness(faces: Any, blockers: Any, shine: Any, first: int, end: int, out: Any) -> None:
    """Write the open share of the sky into the coarse maps of surfaces ``first`` to ``end``."""
    stack = np.empty(STACK, np.int64)
    for k in range(first, end):
        columns, rows = faces.open_shape[k, 0], faces.open_shape[k, 1]
        normal = (faces.corner[k, 9], faces.corner[k, 10], faces.corner[k, 11])
        if faces.thin[k] and normal[2] < 0.0:
            normal = (-normal[0], -normal[1], -normal[2])
        for j in range(rows):
            for i in range(columns):
                point = _point(faces, k, i / (columns - 1), j / (rows - 1), 0.0)
                point = (
                    point[0] + _LIFT_M * normal[0],
                    point[1] + _LIFT_M * normal[1],
                    point[2] + _LIFT_M * normal[2],
                )
                share = _open_share(blockers, stack, shine, normal, point)
                out[faces.open_start[k] + j * columns + i] = share


@kernel(counted=False)
def _sun(faces: Any, blockers: Any, stack: Any, shine: Any, k: Any, s: Any, t: Any) -> Any:
    """Return the illuminance by the sun, a mean over four points of a cell."""
    sx, sy, sz = shine.to_sun[0], shine.to_sun[1], shine.to_sun[2]
    c = faces.corner
    cosine = sx * c[k, 9] + sy * c[k, 10] + sz * c[k, 11]
    lift = _LIFT_M
    if faces.thin[k] and cosine < 0.0:
        cosine, lift = -cosine, -lift
    if cosine <= 0.0 or sz <= 0.0 or shine.sun_lux == 0.0:
        return 0.0
    ds, dt = 0.25 / (faces.shape[k, 0] - 1), 0.25 / (faces.shape[k, 1] - 1)
    seen = 0.0
    for corner in range(4):
        a = ds if corner & 1 else -ds
        b = dt if corner & 2 else -dt
        x, y, z = _point(faces, k, s + a, t + b, lift)
        seen += transmission(blockers, stack, x, y, z, sx, sy, sz, _FAR_M)
    return shine.sun_lux * cosine * 0.25 * seen


@kernel(counted=False)
def _lamp(
    faces: Any, blockers: Any, stack: Any, shine: Any, k: Any, lamp: Any, s: Any, t: Any, least: Any
) -> Any:
    """Return the illuminance by one lamp, 0 if it is below ``least`` without any shadow."""
    x, y, z = _point(faces, k, s, t, 0.0)
    dx, dy, dz = shine.lamps[lamp, 0] - x, shine.lamps[lamp, 1] - y, shine.lamps[lamp, 2] - z
    way = math.sqrt(dx * dx + dy * dy + dz * dz)
    if way >= LAMP_REACH_M or way == 0.0:
        return 0.0
    c = faces.corner
    cosine = (dx * c[k, 9] + dy * c[k, 10] + dz * c[k, 11]) / way
    lift = _LIFT_M
    if faces.thin[k] and cosine < 0.0:
        cosine, lift = -cosine, -lift
    above = min(max(-dz / way * 2.0, 0.0), 1.0)  # 0 level with the lamp, 1 from 30 degrees up
    fade = 1.0 - (way / LAMP_REACH_M) ** 4
    lux = shine.lamp_cd * cosine / max(way, _LAMP_NEAREST_M) ** 2 * fade * fade
    lux *= 1.0 - 0.9 * above * above * (3.0 - 2.0 * above)
    if lux <= least:
        return 0.0
    far = 1.0 - _LAMP_BODY_M / way
    if far > 0.0:
        x, y, z = _point(faces, k, s, t, lift)
        lux *= transmission(blockers, stack, x, y, z, dx, dy, dz, far)
    return lux


@kernel(counted=False)
def _openness(faces: Any, share: Any, k: Any, s: Any, t: Any) -> Any:
    """Return the open share between the cells of the coarse map."""
    columns, rows = faces.open_shape[k, 0], faces.open_shape[k, 1]
    x, y = s * (columns - 1), t * (rows - 1)
    i, j = min(int(x), columns - 2), min(int(y), rows - 2)
    at = faces.open_start[k] + j * columns + i
    low = share[at] + (share[at + 1] - share[at]) * (x - i)
    high = share[at + columns] + (share[at + columns + 1] - share[at + columns]) * (x - i)
    return low + (high - low) * (y - j)


@kernel
def fill_cells(
    faces: Any, blockers: Any, shine: Any, share: Any, first: int, end: int, out: Any
) -> None:
    """Write the light maps of surfaces ``first`` to ``end``, lux."""
    stack = np.empty(STACK, np.int64)
    for k in range(first, end):
        columns, rows = faces.shape[k, 0], faces.shape[k, 1]
        up = 0.5 * (1.0 + (abs(faces.corner[k, 11]) if faces.thin[k] else faces.corner[k, 11]))
        hidden = _HIDDEN * shine.bounce * shine.ground_lux
        ground = (1.0 - up) * shine.bounce * shine.ground_lux
        for j in range(rows):
            for i in range(columns):
                s, t = i / (columns - 1), j / (rows - 1)
                seen = _openness(faces, share, k, s, t)
                lux = up * (seen * shine.sky_lux + (1.0 - seen) * hidden) + ground
                lux += _sun(faces, blockers, stack, shine, k, s, t)
                least = 0.002 * lux
                if shine.lamp_cd > 0.0:
                    for at in range(faces.lamp_start[k], faces.lamp_start[k + 1]):
                        lux += _lamp(faces, blockers, stack, shine, k, faces.lamp[at], s, t, least)
                out[faces.start[k] + j * columns + i] = lux
