"""A lit scene and a camera as the flat tables that the rendering kernels read."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from saccade.errors import DataError
from saccade.simulate.camera import Camera
from saccade.simulate.light import Light
from saccade.simulate.scene import Scene
from saccade.simulate.textures import Textures
from saccade.simulate.trajectory import Poses

__all__ = ["Grid", "Shapes", "World", "camera_grid", "frames_at", "pack_world"]


class Shapes(NamedTuple):
    """Where N quads are; ``center`` and ``radius`` bound a quad in its body's frame."""

    origin: NDArray[np.float64]
    u: NDArray[np.float64]
    v: NDArray[np.float64]
    body: NDArray[np.int32]
    center: NDArray[np.float64]
    radius: NDArray[np.float64]


class World(NamedTuple):
    """A lit scene for kernels: where surfaces are and how they look.

    Args:
        shapes: Where they are.
        look: float64 ``[N, LOOK]``, the columns named in `shade`.
        texels: uint8 ``[M]``, all textures.
        levels: int64 ``[R, 3 + MOST_LEVELS]``, per channel log2 width, log2 height, number of
            reductions, and where each starts in ``texels``.
        light: float32 ``[K]``, all light maps, lux.
        sky: float32 ``[rows, columns]``, cd/m².
        headlamp_cd: Luminous intensity of the vehicle's lamps.
    """

    shapes: Shapes
    look: NDArray[np.float64]
    texels: NDArray[np.uint8]
    levels: NDArray[np.int64]
    light: NDArray[np.float32]
    sky: NDArray[np.float32]
    headlamp_cd: float


class Grid(NamedTuple):
    """The rays of a camera for kernels: directions with z = 1, and bounds to look pixels up by.

    ``low`` and ``high`` are the smallest and largest y of each row of rays, ``bounds`` the smallest
    and largest x and y of all, ``pixel`` the mean size of a pixel in x and y at z = 1.
    """

    rays: NDArray[np.float64]
    low: NDArray[np.float64]
    high: NDArray[np.float64]
    bounds: NDArray[np.float64]
    pixel: NDArray[np.float64]


def pack_world(scene: Scene, light: Light) -> World:
    """Join a scene and the light that falls on it.

    Raises:
        DataError: The light was made for another scene.
    """
    quads = scene.quads
    if light.map_start.shape[0] != len(quads):
        raise DataError(
            f"The light is for {len(light.map_start):,} surfaces, the scene has {len(quads):,}.",
            "Expected light_scene() of this very scene.",
        )
    half = 0.5 * (quads.u + quads.v)
    other = 0.5 * (quads.u - quads.v)
    radius = np.maximum(np.linalg.norm(half, axis=1), np.linalg.norm(other, axis=1))
    shapes = Shapes(
        np.ascontiguousarray(quads.origin),
        np.ascontiguousarray(quads.u),
        np.ascontiguousarray(quads.v),
        np.ascontiguousarray(quads.body),
        quads.origin + half,
        radius,
    )
    return World(
        shapes,
        _look(scene, light),
        scene.textures.texels,
        _levels(scene.textures),
        np.ascontiguousarray(light.maps, np.float32),
        np.ascontiguousarray(light.sky, np.float32),
        float(light.headlamp_cd),
    )


def _look(scene: Scene, light: Light) -> NDArray[np.float64]:
    quads, table = scene.quads, scene.textures.table
    columns = [
        quads.repeat,
        quads.shift,
        quads.gain / np.pi,
        quads.detail_repeat,
        quads.emission * light.emission,
        quads.texture,
        quads.detail,
        light.map_start,
        light.map_shape,
        table[quads.texture, 3],
        table[quads.texture, 4],
    ]
    return np.column_stack(columns).astype(np.float64)


def _levels(textures: Textures) -> NDArray[np.int64]:
    """Put each channel's size and number of reductions before its starts."""
    table, count = textures.table, len(textures.table)
    owner = np.arange(len(textures.levels))
    for channel in (3, 4):
        has = np.flatnonzero(table[:, channel] >= 0)
        owner[table[has, channel]] = has
    assert owner.max(initial=0) < max(count, 1)
    return np.ascontiguousarray(np.concatenate([table[owner, :3], textures.levels], axis=1))


def camera_grid(camera: Camera) -> Grid:
    """Return the rays of a camera, checked to be in order.

    Raises:
        DataError: The distortion folds the image: rays of neighbouring pixels cross.
    """
    rays: NDArray[Any] = np.ascontiguousarray(camera.rays(), np.float64)
    x, y = rays[..., 0], rays[..., 1]
    if not (np.all(np.diff(x, axis=1) > 0) and np.all(np.diff(y, axis=0) > 0)):
        raise DataError(
            f"The distortion {camera.coefficients} folds the image of {camera.size}.",
            "Expected rays that run from left to right and from top to bottom.",
        )
    low, high = y.min(axis=1), y.max(axis=1)
    low = np.minimum.accumulate(low[::-1])[::-1]
    high = np.maximum.accumulate(high)
    bounds = np.array([x.min(), x.max(), y.min(), y.max()])
    pixel = np.array([np.diff(x, axis=1).mean(), np.diff(y, axis=0).mean()])
    return Grid(rays, np.ascontiguousarray(low), np.ascontiguousarray(high), bounds, pixel)


def frames_at(
    scene: Scene, poses: Poses, camera_in_body: NDArray[np.float64]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return where every body is seen from, at every pose.

    Args:
        scene: For the motion of its bodies.
        poses: Poses of the vehicle or hand (body to world), ``[S]``.
        camera_in_body: ``[4, 4]``, points of the camera to points of the vehicle.

    Returns:
        float64 ``[S, B, 12]``: rotation (9, row by row) and translation (3) from each body's frame
        to the camera's, and float64 ``[S, 9]``: rotation from camera to world, for the sky.
    """
    rotation = poses.rotation @ camera_in_body[:3, :3]
    position = poses.position + poses.rotation @ camera_in_body[:3, 3]
    inverse = rotation.transpose(0, 2, 1)
    count = len(position)
    frames = np.empty((count, 1 + len(scene.bodies), 12))
    frames[:, 0, :9] = inverse.reshape(count, 9)
    frames[:, 0, 9:] = -np.einsum("sij,sj->si", inverse, position)
    for number, motion in enumerate(scene.bodies, start=1):
        place, turn = motion(poses.t_us)
        frames[:, number, :9] = (inverse @ turn).reshape(count, 9)
        frames[:, number, 9:] = np.einsum("sij,sj->si", inverse, place - position)
    return frames, np.ascontiguousarray(rotation.reshape(count, 9))
