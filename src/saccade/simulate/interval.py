"""What happens between two key frames: which surfaces take part, how far every tile moves.

    displacement of the point X seen at depth d along ray r, from pose A to pose B:
        X = d r        X' = R_B R_A^T (X - t_A) + t_B        pi(X') - pi(X)

with ``R, t`` the body's frame to the camera's and ``pi`` the division by z (in pixels, through the
mean size of a pixel, which is enough to choose the number of steps).
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from saccade.jit import kernel
from saccade.simulate.edges import calm
from saccade.simulate.march import TILE
from saccade.simulate.raster import SKY
from saccade.simulate.shade import quad_terms
from saccade.simulate.tables import Grid, World

__all__ = ["FINEST", "MOST_MOTION_PX", "View", "fastest", "make_view", "seen_once"]

FINEST = 48
"""Most steps between two key frames; tiles take a divisor of it."""
MOST_MOTION_PX = 3.0 * TILE
"""Key frames are set so that nothing moves more than this from one to the next.

Within 3 tiles, what passes over a tile unseen at both key frames was in a neighbour at one of them,
and `make_view` gives every tile the motion of its neighbours.
"""
STEP_PX = 0.6
"""The image never moves more than about this from one step to the next."""
_MOST_REACH = 26
_SAMPLE = 2  # every so many pixels the motion is measured


class View(NamedTuple):
    """Two key frames and all between; V surfaces, S finest steps.

    Args:
        visible: int64 ``[V]``, the quads seen in either.
        look: float64 ``[V, LOOK]``, their rows of `tables.World.look`.
        terms: float64 ``[V, S + 1, 10]`` (`shade.quad_terms`).
        turns: float64 ``[S + 1, 9]``, camera to world.
        seen_a: int32 ``[H, W]``, index into ``visible`` at the first key frame, -1 for sky.
        seen_b: The same at the second.
        calm_a: int16 ``[H, W]``, how far around the same is seen (`edges.calm`).
        calm_b: The same at the second.
        steps: int64 ``[tiles down, tiles across]``, a divisor of S, by the motion in and around a
            tile: for pixels that something else may come to be seen in.
        calm_steps: The same by the motion in the tile itself, for all other pixels.
        reach: int64, the same shape, pixels around a tile from which something can come in.
    """

    visible: NDArray[np.int64]
    look: NDArray[np.float64]
    terms: NDArray[np.float64]
    turns: NDArray[np.float64]
    seen_a: NDArray[np.int32]
    seen_b: NDArray[np.int32]
    calm_a: NDArray[np.int16]
    calm_b: NDArray[np.int16]
    steps: NDArray[np.int64]
    calm_steps: NDArray[np.int64]
    reach: NDArray[np.int64]


def seen_once(
    world: World, frames: NDArray[np.float64], turns: NDArray[np.float64], ids: NDArray[np.int32]
) -> View:
    """Return a view of a single moment, for `march.luminance_image`.

    Args:
        world: The scene.
        frames: float64 ``[1, B, 12]``.
        turns: float64 ``[1, 9]``.
        ids: int32 ``[H, W]``, quads seen.
    """
    visible, seen_a, seen_b = _compact(ids, ids)
    one = np.ones((1, 1), np.int64)
    around = _calm(ids)
    terms = _terms(world, visible, frames)
    return View(
        visible, world.look[visible], terms, turns, seen_a, seen_b, around, around, one, one, one
    )


def make_view(
    world: World,
    grid: Grid,
    frames: NDArray[np.float64],
    turns: NDArray[np.float64],
    first: tuple[NDArray[np.int32], NDArray[np.float32]],
    second: tuple[NDArray[np.int32], NDArray[np.float32]],
) -> View:
    """Return all that `march.march` needs between two key frames.

    Args:
        world: The scene.
        grid: The camera.
        frames: float64 ``[S + 1, B, 12]``, at every finest step.
        turns: float64 ``[S + 1, 9]``.
        first: Quads and depth (`raster.nearest_surfaces`) at the first key frame.
        second: The same at the second.
    """
    visible, seen_a, seen_b = _compact(first[0], second[0])
    motion = _tile_motion(world, grid, frames[0], frames[-1], *first)
    motion = np.maximum(motion, _tile_motion(world, grid, frames[-1], frames[0], *second))
    calm_steps = _steps(motion, frames.shape[0] - 1)
    motion = _spread(motion)
    steps = _steps(motion, frames.shape[0] - 1)
    reach = np.minimum(np.ceil(motion).astype(np.int64) + 1, _MOST_REACH)
    return View(
        visible, world.look[visible], _terms(world, visible, frames), turns, seen_a, seen_b,
        _calm(seen_a), _calm(seen_b), steps, calm_steps, reach,
    )  # fmt: skip


def fastest(
    world: World,
    grid: Grid,
    frames: NDArray[np.float64],
    first: tuple[NDArray[np.int32], NDArray[np.float32]],
) -> float:
    """Return the largest motion in pixels between two poses of what is seen at the first."""
    return float(_tile_motion(world, grid, frames[0], frames[-1], *first).max())


def _compact(
    first: NDArray[np.int32], second: NDArray[np.int32]
) -> tuple[NDArray[np.int64], NDArray[np.int32], NDArray[np.int32]]:
    most = max(int(first.max(initial=SKY)), int(second.max(initial=SKY))) + 1
    is_seen = np.zeros(most + 1, np.bool_)
    is_seen[first.ravel()] = True
    is_seen[second.ravel()] = True
    visible = np.flatnonzero(is_seen[:most]).astype(np.int64)
    number = np.full(most + 1, SKY, np.int32)
    number[visible] = np.arange(len(visible), dtype=np.int32)
    return visible, number[first], number[second]


def _steps(motion_px: NDArray[np.float64], finest: int) -> NDArray[np.int64]:
    """Return the divisor of ``finest`` next above what a motion needs."""
    allowed = np.array([k for k in range(1, finest + 1) if finest % k == 0], np.int64)
    wanted = np.searchsorted(allowed, motion_px / STEP_PX)
    return allowed[np.minimum(wanted, len(allowed) - 1)]


def _calm(ids: NDArray[np.int32]) -> NDArray[np.int16]:
    out = np.empty(ids.shape, np.int16)
    calm(ids, out)
    return out


def _terms(
    world: World, visible: NDArray[np.int64], frames: NDArray[np.float64]
) -> NDArray[np.float64]:
    terms = np.empty((len(visible), frames.shape[0], 10))
    _all_terms(world.shapes, visible, frames, terms)
    return terms


def _spread(motion: NDArray[np.float64]) -> NDArray[np.float64]:
    """Give every tile the largest motion among its neighbours."""
    padded = np.pad(motion, 1, mode="edge")
    rows = np.maximum(np.maximum(padded[:-2], padded[1:-1]), padded[2:])
    return np.maximum(np.maximum(rows[:, :-2], rows[:, 1:-1]), rows[:, 2:])


def _tile_motion(
    world: World,
    grid: Grid,
    here: NDArray[np.float64],
    there: NDArray[np.float64],
    ids: NDArray[np.int32],
    depth: NDArray[np.float32],
) -> NDArray[np.float64]:
    height, width = ids.shape
    out = np.zeros((-(-height // TILE), -(-width // TILE)))
    _motion(
        world.shapes.body,
        grid,
        np.ascontiguousarray(here),
        np.ascontiguousarray(there),
        ids,
        depth,
        out,
    )
    return out


@kernel(counted=False)
def _all_terms(shapes: Any, visible: Any, frames: Any, terms: Any) -> None:
    for k in range(visible.shape[0]):
        quad = visible[k]
        for step in range(frames.shape[0]):
            quad_terms(shapes, quad, frames[step, shapes.body[quad]], terms[k, step])


@kernel
def _motion(body: Any, grid: Any, here: Any, there: Any, ids: Any, depth: Any, out: Any) -> None:
    height, width = ids.shape
    turn = np.empty((here.shape[0], 9))
    move = np.empty((here.shape[0], 3))
    for b in range(here.shape[0]):
        for i in range(3):
            for j in range(3):
                turn[b, 3 * i + j] = (
                    there[b, 3 * i] * here[b, 3 * j]
                    + there[b, 3 * i + 1] * here[b, 3 * j + 1]
                    + there[b, 3 * i + 2] * here[b, 3 * j + 2]
                )
        for i in range(3):
            move[b, i] = there[b, 9 + i]
            for j in range(3):
                move[b, i] -= turn[b, 3 * i + j] * here[b, 9 + j]
    for y in range(0, height, _SAMPLE):
        for x in range(0, width, _SAMPLE):
            quad = ids[y, x]
            rx, ry = grid.rays[y, x, 0], grid.rays[y, x, 1]
            which = body[quad] if quad >= 0 else 0
            d = turn[which]
            px = d[0] * rx + d[1] * ry + d[2]
            py = d[3] * rx + d[4] * ry + d[5]
            pz = d[6] * rx + d[7] * ry + d[8]
            if quad >= 0:
                inverse = 1.0 / depth[y, x]
                px += move[which, 0] * inverse
                py += move[which, 1] * inverse
                pz += move[which, 2] * inverse
            if pz < 0.05:  # passes the camera: as fast as anything
                motion = 1e3
            else:
                dx, dy = (px / pz - rx) / grid.pixel[0], (py / pz - ry) / grid.pixel[1]
                motion = np.sqrt(dx * dx + dy * dy)
            down, across = y // TILE, x // TILE
            if motion > out[down, across]:
                out[down, across] = motion
