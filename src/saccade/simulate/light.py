"""How much light falls on every surface of a scene, as light maps that are baked once.

    E = E_sun max(0, n . l) V + E_sky (1 + n_z)/2 O + reflected + sum_lamps I cos / d^2 V_lamp

``n`` is the surface's normal, ``l`` points to the sun, ``V`` is what shadows leave of it and ``O``
the open share of the sky (`light_cells` has the details). Surfaces are diffuse: their luminance is
``albedo E / pi``. Moving bodies are lit where they are at t = 0 and cast no shadow.
"""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from saccade.errors import ConfigError
from saccade.simulate.conditions import CONDITIONS, Condition, condition_named
from saccade.simulate.light_cells import (
    LAMP_REACH_M,
    Faces,
    Shine,
    fill_cells,
    fill_openness,
    sky_rays,
)
from saccade.simulate.light_shadow import find_blockers
from saccade.simulate.light_sky import sky_panorama
from saccade.simulate.scene import STATIC, Quads, Scene

__all__ = ["CONDITIONS", "MOST_CELLS", "Condition", "Light", "condition_named", "light_scene"]

MOST_CELLS = 256
"""Most columns and rows of a light map."""

_COARSER = 2.0  # cells of openness per cell of the light map, along each side
_MOST_LAMPS = 12  # that light one surface: its nearest
_WHITE_ALBEDO, _WHITE_SKY, _LEAST_WHITE = 0.7, 1.2, 1e-6
_HEADLAMP_M = 20.0
_MARGIN_M = 0.03


@dataclass(frozen=True)
class Light:
    """The light on a scene under a condition.

    Args:
        condition: What shines.
        maps: float32 ``[M]``, illuminance in lux, map after map, row after row.
        map_start: int64 ``[N]``, where the map of each quad starts.
        map_shape: int32 ``[N, 2]``, columns along u and rows along v; the value at column i and row
            j is the illuminance at ``s = i / (columns - 1)``, ``t = j / (rows - 1)``.
        sky: float32 ``[256, 1024]``, luminance of the sky in cd/m2: row 0 zenith, last row nadir,
            columns by azimuth from world x to y.
        headlamp_cd: Intensity of the vehicle's lamps on their axis.
        emission: Factor on ``quads.emission``.
        white_cd_m2: Luminance shown as white in camera frames: an albedo of 0.7 where only a
            twentieth of the area is lit better (with the vehicle's lamps 20 m away), or somewhat
            more than the mean sky, whichever is more.
    """

    condition: Condition
    maps: NDArray[np.float32]
    map_start: NDArray[np.int64]
    map_shape: NDArray[np.int32]
    sky: NDArray[np.float32]
    headlamp_cd: float
    emission: float
    white_cd_m2: float


def light_scene(scene: Scene, condition: Condition, seed: int = 0, *, jobs: int = 2) -> Light:
    """Return the light on a scene. The result does not depend on ``jobs``.

    Opaque surfaces are lit on the side of their normal ``u x v``, and what is seen of their back is
    as bright; a surface built the wrong way round is lit as if from below or behind.

    Args:
        scene: What is lit.
        condition: What shines.
        seed: Of clouds and stars.
        jobs: Threads.

    Raises:
        ConfigError: Fewer than one job.

    Examples:
        >>> from saccade.simulate.scene import QuadList
        >>> from saccade.simulate.textures import TextureBook
        >>> book, quads = TextureBook(), QuadList()
        >>> gray = book.add("gray", np.full((2, 2), 0.5))
        >>> quads.add([0, 0, 0], [9, 0, 0], [0, 9, 0], texture=gray)
        >>> scene = Scene("plane", 0, quads.freeze(), book.pack())
        >>> f"{light_scene(scene, CONDITIONS['overcast']).maps.mean():,.0f}"
        '10,000'
    """
    if jobs < 1:
        raise ConfigError(f"jobs is {jobs}.", "Expected at least 1.")
    faces, blockers = _faces(scene), find_blockers(scene)
    shine = Shine(
        condition.to_sun, condition.sun_lux, condition.sky_lux, condition.ground_lux,
        condition.bounce, condition.reach_m, condition.lamp_cd,
        np.ascontiguousarray(scene.lamps, np.float64), sky_rays(),
    )  # fmt: skip
    share = np.empty(_cells(faces.open_shape).sum(), np.float64)
    maps = np.empty(_cells(faces.shape).sum(), np.float32)
    with ThreadPoolExecutor(jobs) as pool:
        _in_bands(
            pool, faces.open_shape,
            lambda first, end: fill_openness(faces, blockers, shine, first, end, share),
        )  # fmt: skip
        _in_bands(
            pool, faces.shape,
            lambda first, end: fill_cells(faces, blockers, shine, share, first, end, maps),
        )  # fmt: skip
    return Light(
        condition=condition,
        maps=maps,
        map_start=faces.start,
        map_shape=faces.shape,
        sky=sky_panorama(condition, seed),
        headlamp_cd=condition.headlamp_cd,
        emission=condition.windows_on,
        white_cd_m2=_white(condition, scene.quads, faces, maps),
    )


def _cells(shape: NDArray[np.int32]) -> NDArray[np.int64]:
    return shape[:, 0].astype(np.int64) * shape[:, 1]


def _starts(shape: NDArray[np.int32]) -> NDArray[np.int64]:
    return np.concatenate([np.zeros(1, np.int64), np.cumsum(_cells(shape))])[: len(shape)]


def _in_bands(
    pool: ThreadPoolExecutor, shape: NDArray[np.int32], fill: Callable[[int, int], None]
) -> None:
    """Run ``fill(first, end)`` over stretches of surfaces with about equally many cells."""
    done = np.cumsum(_cells(shape))
    parts = np.linspace(0, done[-1] if len(done) else 0, 65)
    edges = np.unique(np.searchsorted(done, parts, side="left"))
    edges = np.unique(np.concatenate([[0], edges, [len(shape)]]))
    list(pool.map(fill, edges[:-1].tolist(), edges[1:].tolist()))


def _faces(scene: Scene) -> Faces:
    """Return where the surfaces are at t = 0, their cells, and the lamps within reach."""
    quads = scene.quads
    o, u, v = quads.origin.copy(), quads.u.copy(), quads.v.copy()
    for number, motion in enumerate(scene.bodies, start=STATIC + 1):
        own = quads.body == number
        place, turn = motion(np.zeros(1, np.int64))
        o[own] = o[own] @ turn[0].T + place[0]
        u[own], v[own] = u[own] @ turn[0].T, v[own] @ turn[0].T
    normal = np.cross(u, v)
    normal /= np.linalg.norm(normal, axis=1, keepdims=True)
    sides = np.stack([np.linalg.norm(edge, axis=1) for edge in (u, v)], axis=1)
    spacing = quads.cell_m.astype(np.float64)[:, None]
    shape, open_shape = _map_shape(sides / spacing), _map_shape(sides / (_COARSER * spacing))
    lamp_start, lamp = _lamps_near(scene.lamps, o, u, v)
    return Faces(
        corner=np.concatenate([o, u, v, normal], axis=1),
        thin=scene.textures.table[quads.texture, 3] >= 0,
        inset=np.minimum(_MARGIN_M / sides, 0.2),
        start=_starts(shape),
        shape=shape,
        open_start=_starts(open_shape),
        open_shape=open_shape,
        lamp_start=lamp_start,
        lamp=lamp,
    )


def _map_shape(cells: NDArray[np.float64]) -> NDArray[np.int32]:
    """Return columns and rows for so many cells along u and v."""
    return np.clip(np.ceil(cells) + 1, 2, MOST_CELLS).astype(np.int32)


def _lamps_near(
    lamps: NDArray[np.float64], *place: NDArray[np.float64]
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Return the nearest lamps within reach of each surface (o, u, v), one list after another."""
    o, u, v = place
    center, radius = (
        o + 0.5 * (u + v),
        0.5 * (np.linalg.norm(u, axis=1) + np.linalg.norm(v, axis=1)),
    )
    start, found = np.zeros(len(o) + 1, np.int64), [np.zeros(0, np.int64)]
    for k in range(len(o)):
        way = np.linalg.norm(lamps - center[k], axis=1)
        order = np.argsort(way, kind="stable")[:_MOST_LAMPS]
        found.append(order[way[order] < LAMP_REACH_M + radius[k]])
        start[k + 1] = start[k] + len(found[-1])
    return start, np.concatenate(found)


def _white(condition: Condition, quads: Quads, faces: Faces, maps: NDArray[np.float32]) -> float:
    cells = _cells(faces.shape)
    area = np.linalg.norm(np.cross(quads.u, quads.v), axis=1)
    order = np.argsort(maps, kind="stable")
    below = np.cumsum(np.repeat(area / cells, cells)[order])
    at = int(np.searchsorted(below, 0.95 * below[-1]))
    lux = float(maps[order[min(at, len(order) - 1)]]) + condition.headlamp_cd / _HEADLAMP_M**2
    return max(_WHITE_ALBEDO * lux, _WHITE_SKY * condition.sky_lux, _LEAST_WHITE) / np.pi
