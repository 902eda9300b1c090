"""A room of 6 by 5 by 2.8 m with a desk, and a board that turns: for flow and depth at short range.

        y = 5   window   posters        shelf          x east, y north, z up, metres
              +----------------------------+
              |  plant  .-------------.    |           o board, turning about its upright axis
              |      o  |    desk     |    |           * VIEWPOINT, looking north
              | cartons '-- chair ----'    |
              |           rug       table  |
              |              *             |
              +----------------------------+  x = 6

Everything but the board stands still. Depths seen from the viewpoint run from about 1 to 4 m.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from saccade.errors import DataError
from saccade.events.types import SensorSize
from saccade.simulate import room_pictures as pictures
from saccade.simulate.luminance import fit
from saccade.simulate.room_things import Furnished, make_palette
from saccade.simulate.scene import Scene
from saccade.simulate.textures import TextureBook

__all__ = [
    "BOARD",
    "BOARD_SIZE_M",
    "BOARD_VIEWPOINT",
    "ROOM_M",
    "VIEWPOINT",
    "Turning",
    "build_room",
]

ROOM_M = (6.0, 5.0, 2.8)
"""Inner size along x, y, z."""
VIEWPOINT = (np.array([3.0, 1.5, 1.3]), np.array([3.0, 4.6, 1.15]))
"""A good place for a camera and the point to look at; it can slide from x = 2.2 to 3.8."""
BOARD = 1
"""Number of the board's body."""
BOARD_SIZE_M = (0.8, 0.6, 0.02)

_BOARD_PLACE = (2.2, 3.35, 1.28)
BOARD_VIEWPOINT = (np.array([2.2, 2.4, 1.3]), np.array(_BOARD_PLACE))
"""A place right before the board, and the board's middle."""
_LAMPS = ((1.5, 1.25), (4.5, 1.25), (1.5, 3.75), (4.5, 3.75))
_LAMP_CD_M2 = 1_700.0
_WINDOW_CD_M2 = 450.0
_ASIDE_M = 0.01  # posters hang this far before a wall


@dataclass(frozen=True)
class Turning:
    """Motion of a body that turns about an upright axis at a constant rate.

    The body's frame is turned by ``phase_rad + rate_rad_s t`` and stays at ``place``.

    Args:
        place: x, y, z of the axis' middle in metres.
        rate_rad_s: Radians per second, counter-clockwise from above.
        phase_rad: Angle at t = 0.

    Examples:
        >>> place, turn = Turning((1.0, 2.0, 0.5), np.pi / 2, 0.0)(np.array([1_000_000]))
        >>> place.tolist(), np.rint(turn[0] @ [1, 0, 0]).tolist()
        ([[1.0, 2.0, 0.5]], [0.0, 1.0, 0.0])
    """

    place: tuple[float, float, float]
    rate_rad_s: float
    phase_rad: float

    def __call__(self, t_us: NDArray[np.int64]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Return positions ``[N, 3]`` and rotations ``[N, 3, 3]``, body to world."""
        angle = self.phase_rad + self.rate_rad_s * 1e-6 * np.asarray(t_us, np.float64)
        turn = np.zeros((len(angle), 3, 3))
        turn[:, 0, 0] = turn[:, 1, 1] = np.cos(angle)
        turn[:, 1, 0], turn[:, 0, 1] = np.sin(angle), -np.sin(angle)
        turn[:, 2, 2] = 1.0
        return np.tile(np.array(self.place), (len(angle), 1)), turn


def build_room(seed: int, images: Sequence[NDArray[np.floating]] = ()) -> Scene:
    """Return a furnished room.

    Args:
        seed: Of everything that is drawn: textures, books, where things stand, the board's motion.
        images: Pictures to hang up, albedo 0..1, ``[H, W]``, row 0 at the top; the first ones hang
            where the viewpoint looks.

    Raises:
        DataError: A picture is not two-dimensional or leaves 0..1.

    Examples:
        >>> room = build_room(0)
        >>> room.name, len(room.bodies), room.lamps.shape
        ('room', 1, (6, 3))
    """
    rng = np.random.default_rng([seed, 0x200])
    book = TextureBook()
    room = Furnished(make_palette(book, rng), rng)
    _shell(room)
    lamps = _lights(room)
    _hang(room, book, images)
    _furnish(room)
    motion = _board(room, book)
    return Scene("room", seed, room.quads.freeze(), book.pack(), (motion,), lamps)


def _shell(room: Furnished) -> None:
    x, y, z = ROOM_M
    room.sheet((0, y, 0), (x, 0, 0), (0, 0, z), "wallpaper", tile_m=1.0)
    room.sheet((x, y, 0), (0, -y, 0), (0, 0, z), "wallpaper", tile_m=1.0)
    room.sheet((x, 0, 0), (-x, 0, 0), (0, 0, z), "wallpaper", tile_m=1.0)
    room.sheet((0, 0, 0), (0, y, 0), (0, 0, z), "wallpaper", tile_m=1.0)
    room.sheet((0, 0, 0), (x, 0, 0), (0, y, 0), "floor", tile_m=1.3)
    room.sheet((0, y, z), (x, 0, 0), (0, -y, 0), "ceiling", tile_m=1.2)
    for low, high in (
        ((0, y - 0.02, 0), (x, y, 0.09)), ((0, 0, 0), (x, 0.02, 0.09)),
        ((0, 0, 0), (0.02, y, 0.09)), ((x - 0.02, 1.65, 0), (x, y, 0.09)),
    ):  # fmt: skip
        room.box(low, high, "white")
    room.sheet(
        (x - 0.02, 1.6, 0), (0, -0.95, 0), (0, 0, 2.05), "door", thing=room.quads.new_thing()
    )
    room.sheet((1.5, 1.2, 0.008), (2.9, 0, 0), (0, 1.9, 0), "rug", shadow=False)


def _lights(room: Furnished) -> NDArray[np.float64]:
    """Add the window and the ceiling's panels; return where their light comes from."""
    _, y, z = ROOM_M
    for a, b in _LAMPS:
        thing = room.quads.new_thing()
        corner = (a - 0.3, b + 0.3, z - 0.03)
        room.sheet(
            corner, (0.6, 0, 0), (0, -0.6, 0), "lamp",
            emission=_LAMP_CD_M2, shadow=False, thing=thing,
        )  # fmt: skip
    x0, x1, low, high = 0.65, 1.95, 0.95, 2.2
    thing = room.quads.new_thing()
    room.sheet(
        (x0, y - 0.015, low), (x1 - x0, 0, 0), (0, 0, high - low), "outside",
        emission=_WINDOW_CD_M2, shadow=False, thing=thing,
    )  # fmt: skip
    middle = (x0 + x1) / 2
    for a in (x0 - 0.06, middle - 0.025, x1):
        room.box(
            (a, y - 0.06, low), (a + (0.05 if a == middle - 0.025 else 0.06), y, high), "white"
        )
    for b in (low - 0.06, (low + high) / 2 - 0.02, high):
        room.box((x0 - 0.06, y - 0.055, b), (x1 + 0.06, y, b + 0.05), "white", thing=thing)
    room.box((x0 - 0.12, y - 0.2, low - 0.09), (x1 + 0.12, y, low - 0.06), "desk", thing=thing)
    lamps = [(a, b, z - 0.1) for a, b in _LAMPS]
    lamps += [(middle, y - 0.1, low + 0.35), (middle, y - 0.1, high - 0.35)]
    return np.array(lamps)


_WALLS = {  # where metres along a wall count from, seen from inside to the right
    "north": ((0.0, ROOM_M[1] - _ASIDE_M), (1.0, 0.0)),
    "east": ((ROOM_M[0] - _ASIDE_M, ROOM_M[1]), (0.0, -1.0)),
    "south": ((ROOM_M[0], _ASIDE_M), (-1.0, 0.0)),
    "west": ((_ASIDE_M, 0.0), (0.0, 1.0)),
}
_POSTERS = (  # wall, metres along it, height of the lower edge, width, height
    ("north", 2.28, 1.5, 0.75, 0.75), ("north", 3.2, 1.35, 0.6, 0.9),
    ("north", 3.98, 1.42, 0.62, 0.8),
    ("west", 3.9, 1.15, 0.8, 0.8), ("west", 2.6, 1.0, 0.9, 1.1), ("east", 0.5, 1.2, 0.8, 0.8),
    ("east", 1.6, 0.9, 0.9, 1.2), ("west", 1.2, 1.2, 1.0, 0.8), ("south", 0.6, 1.0, 1.1, 1.1),
    ("south", 2.2, 1.2, 0.8, 0.8), ("south", 3.3, 0.9, 0.7, 1.0), ("south", 4.5, 1.1, 0.9, 0.9),
)  # fmt: skip


def _hang(room: Furnished, book: TextureBook, images: Sequence[NDArray[np.floating]]) -> None:
    kinds = room.rng.permutation(len(_POSTERS)) % len(pictures.POSTERS)
    for number, (wall, along, low, width, height) in enumerate(_POSTERS):
        if number < len(images):
            texture, aspect = _picture(book, images[number], number)
            width, height = _within(aspect, width, height)
        else:
            drawn = pictures.framed(pictures.POSTERS[kinds[number]](room.rng))
            texture = book.add(f"poster {number}", drawn)
        (x, y), (right, ahead) = _WALLS[wall]
        along += room.rng.uniform(-0.03, 0.03)
        room.sheet(
            (x + along * right, y + along * ahead, low), (width * right, width * ahead, 0),
            (0, 0, height), texture, shadow=False, thing=room.quads.new_thing(),
        )  # fmt: skip


def _picture(book: TextureBook, image: NDArray[np.floating], number: int) -> tuple[int, float]:
    """Add a user's picture as a texture; return its number and its width over its height."""
    values = np.asarray(image, np.float32)
    if values.ndim != 2 or not (values.size and values.min() >= 0 and values.max() <= 1):
        raise DataError(
            f"Picture {number} has shape {values.shape}"
            + (f" and values {values.min():g} to {values.max():g}." if values.size else "."),
            "Expected albedo 0..1, [H, W].",
        )
    aspect = values.shape[1] / values.shape[0]
    square = fit(values, SensorSize(512, 512), pixel_aspect=1.0 / aspect)
    return book.add(f"picture {number}", np.clip(square, 0.0, 1.0)), aspect


def _within(aspect: float, width: float, height: float) -> tuple[float, float]:
    """Return the largest size of an aspect ratio within a frame."""
    return (width, width / aspect) if aspect > width / height else (height * aspect, height)


def _furnish(room: Furnished) -> None:
    def about(value: float, reach: float = 0.05) -> float:
        return value + float(room.rng.uniform(-reach, reach))

    room.desk(about(2.8), about(3.75, 0.03))
    room.chair(about(3.55), about(3.3), about(180.0, 30.0))
    room.shelf((4.72, 4.68), (5.72, 4.97), 2.05)
    room.plant(about(0.55, 0.03), about(4.38, 0.03), 0.0, 0.85)
    room.table((3.95, 2.85), (4.6, 3.4), 0.48, "shelf")
    room.plant(about(4.4), about(3.2), 0.48, 0.5)
    room.books(4.0, 3.0, 0.48, 0.22, 0.26)
    room.box((4.35, 2.92, 0.48), (4.51, 3.03, 0.56), "cover", turn_deg=about(20.0, 15.0))
    for x, y, z, side in ((1.05, 2.95, 0.0, 0.5), (1.1, 2.95, 0.5, 0.36), (5.5, 3.9, 0.0, 0.42)):
        a, b = about(x), about(y)
        room.box(
            (a - side / 2, b - side / 2, z), (a + side / 2, b + side / 2, z + 0.9 * side),
            str(room.rng.choice(["cardboard", "carton"])), turn_deg=about(15.0, 30.0),
            gain=about(1.0, 0.15), thing=room.quads.new_thing(),
        )  # fmt: skip
    room.table((0.05, 0.9), (0.5, 2.2), 0.8, "shelf")
    room.books(0.12, 1.2, 0.8, 0.3, 0.28)


def _board(room: Furnished, book: TextureBook) -> Turning:
    """Add the board, in its own frame about its middle, and the pole that it turns on."""
    wide, high, thick = BOARD_SIZE_M
    x, y, z = _BOARD_PLACE
    pole = z - high / 2 - 0.02
    room.box((x - 0.015, y - 0.015, 0.03), (x + 0.015, y + 0.015, pole), "dark")
    room.box((x - 0.17, y - 0.17, 0), (x + 0.17, y + 0.17, 0.03), "dark", turn_deg=15.0)
    faces = {
        "front": book.add("board front", pictures.board_face(room.rng)),
        "back": book.add("board back", pictures.board_face(room.rng)),
    }
    first = len(room.quads.rows)
    room.box(
        (-wide / 2, -thick / 2, -high / 2), (wide / 2, thick / 2, high / 2), "white",
        faces=faces, thing=room.quads.new_thing(),
    )  # fmt: skip
    for row in room.quads.rows[first:]:
        row["body"], row["shadow"] = BOARD, False
    rate = float(room.rng.uniform(1.0, 2.0) * room.rng.choice([-1.0, 1.0]))
    return Turning(_BOARD_PLACE, rate, float(room.rng.uniform(0.0, 2 * np.pi)))
