"""A scene as arrays: textured rectangles, their textures, what moves, and the road through it.

Everything seen is a parallelogram ``origin + s u + t v`` with ``0 <= s, t <= 1``: a wall, a stretch
of ground, one side of a car, a tree's crown cut out by the alpha of its texture. World axes are
x east, y north, z up, in metres. The visible side is the one from which ``u`` to ``v`` turns
counter-clockwise, normal ``u x v``; both sides are drawn.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from saccade.errors import DataError
from saccade.simulate.textures import Textures

__all__ = ["STATIC", "BodyMotion", "QuadList", "Quads", "Scene"]

BodyMotion = Callable[[NDArray[np.int64]], tuple[NDArray[np.float64], NDArray[np.float64]]]
"""Times in µs ``[N]`` -> positions ``[N, 3]`` and rotations ``[N, 3, 3]``, body to world."""

STATIC = 0
"""The body that never moves: the world itself."""


@dataclass(frozen=True)
class Quads:
    """Parallelograms, one row each.

    Args:
        origin: float64 ``[N, 3]``, corner with texture coordinates (0, 0), in the body's frame.
        u: float64 ``[N, 3]``, edge along texture columns.
        v: float64 ``[N, 3]``, edge along texture rows (upwards on a wall).
        body: int32 ``[N]``, index into the scene's bodies; 0 is the static world.
        texture: int32 ``[N]``, index into the scene's textures.
        repeat: float32 ``[N, 2]``, how often the texture repeats along u and v.
        shift: float32 ``[N, 2]``, texture coordinates added after the repetition.
        gain: float32 ``[N]``, factor on the albedo.
        detail: int32 ``[N]``, texture of fine structure multiplied on top, -1 without.
        detail_repeat: float32 ``[N, 2]``, its repetition along u and v.
        emission: float32 ``[N]``, luminance in cd/m² where the texture's emission is 1.
        shadow: bool ``[N]``, whether it casts shadows.
        cell_m: float32 ``[N]``, wanted spacing of its light map in metres.
        thing: int32 ``[N]``, number of the object it belongs to (a car, a house).
    """

    origin: NDArray[np.float64]
    u: NDArray[np.float64]
    v: NDArray[np.float64]
    body: NDArray[np.int32]
    texture: NDArray[np.int32]
    repeat: NDArray[np.float32]
    shift: NDArray[np.float32]
    gain: NDArray[np.float32]
    detail: NDArray[np.int32]
    detail_repeat: NDArray[np.float32]
    emission: NDArray[np.float32]
    shadow: NDArray[np.bool_]
    cell_m: NDArray[np.float32]
    thing: NDArray[np.int32]

    def __len__(self) -> int:
        return int(self.origin.shape[0])


@dataclass
class QuadList:
    """Collects quads while a scene is built.

    Examples:
        >>> quads = QuadList()
        >>> quads.add([0, 0, 0], [2, 0, 0], [0, 0, 1], texture=0)
        >>> len(quads.freeze())
        1
    """

    rows: list[dict[str, Any]] = field(default_factory=list[dict[str, Any]])
    _things: int = 0

    def new_thing(self) -> int:
        """Return a number for the next object."""
        self._things += 1
        return self._things

    def add(
        self,
        origin: ArrayLike,
        u: ArrayLike,
        v: ArrayLike,
        *,
        texture: int,
        repeat: tuple[float, float] = (1.0, 1.0),
        shift: tuple[float, float] = (0.0, 0.0),
        gain: float = 1.0,
        detail: int = -1,
        detail_repeat: tuple[float, float] = (1.0, 1.0),
        emission: float = 0.0,
        shadow: bool = True,
        cell_m: float = 0.5,
        thing: int = 0,
        body: int = STATIC,
        facing: ArrayLike | None = None,
    ) -> None:
        """Add one parallelogram; the arguments are those of `Quads`.

        With ``facing`` the normal ``u x v`` points that way: where it would not, the quad begins at
        the other end of ``u`` and its texture is mirrored. Light maps are made for that side.
        """
        origin, u, v = (np.asarray(item, float) for item in (origin, u, v))
        if facing is not None and np.cross(u, v) @ np.asarray(facing, float) < 0.0:
            origin, u = origin + u, -u
        self.rows.append(
            {
                "origin": origin, "u": u, "v": v,
                "body": body, "texture": texture, "repeat": repeat, "shift": shift,
                "gain": gain, "detail": detail, "detail_repeat": detail_repeat,
                "emission": emission, "shadow": shadow, "cell_m": cell_m, "thing": thing,
            }
        )  # fmt: skip

    def freeze(self) -> Quads:
        """Return the arrays.

        Raises:
            DataError: A quad has no area or holds NaN.
        """
        types = {
            "origin": np.float64, "u": np.float64, "v": np.float64, "body": np.int32,
            "texture": np.int32, "repeat": np.float32, "shift": np.float32, "gain": np.float32,
            "detail": np.int32, "detail_repeat": np.float32, "emission": np.float32,
            "shadow": np.bool_, "cell_m": np.float32, "thing": np.int32,
        }  # fmt: skip
        columns: dict[str, Any] = {
            name: np.array([row[name] for row in self.rows], dtype) for name, dtype in types.items()
        }
        area = np.linalg.norm(np.cross(columns["u"], columns["v"]), axis=1)
        bad = np.flatnonzero(~(area > 1e-9))
        if bad.size:
            raise DataError(f"Quad {bad[0]} has area {area[bad[0]]} m².", "Expected more than 0.")
        return Quads(**columns)


@dataclass(frozen=True)
class Scene:
    """Everything that can be seen, before any light falls on it.

    Args:
        name: ``"street"``, ``"room"``.
        seed: The integer it was built from.
        quads: Its surfaces.
        textures: Their textures, packed.
        bodies: Motion of body 1, 2, ...; body 0 is the static world and not listed.
        lamps: float64 ``[L, 3]``, heads of street lamps or ceiling lights.
        route: float64 ``[K, 2]``, centre line of the lane to drive on, points about 1 m apart,
            in driving order; None for a room.
    """

    name: str
    seed: int
    quads: Quads
    textures: Textures
    bodies: tuple[BodyMotion, ...] = ()
    lamps: NDArray[np.float64] = field(default_factory=lambda: np.zeros((0, 3)))
    route: NDArray[np.float64] | None = None
