"""Furniture and small things of the room, as boxes and sheets added to a list of surfaces."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from saccade.simulate import room_pictures as pictures
from saccade.simulate import room_textures as materials
from saccade.simulate.scene import QuadList
from saccade.simulate.textures import TextureBook

__all__ = ["Furnished", "Palette", "make_palette"]

_SPINES = 8
_FINE_M = 0.35  # side of the speckle that is multiplied onto large surfaces


@dataclass(frozen=True)
class Palette:
    """Texture numbers by material."""

    plain: dict[str, int]
    spines: tuple[int, ...]
    speckle: int


def make_palette(book: TextureBook, rng: np.random.Generator) -> Palette:
    """Draw the materials that things are made of."""
    plain = {
        "wallpaper": book.add("wallpaper", materials.wallpaper(rng)),
        "floor": book.add("floor", materials.floor_boards(rng)),
        "ceiling": book.add("ceiling", materials.ceiling_tiles(rng)),
        "desk": book.add("desk", materials.wood(rng, tone=0.4)),
        "shelf": book.add("shelf", materials.wood(rng, tone=0.24)),
        "rug": book.add("rug", materials.rug(rng)),
        "cardboard": book.add("cardboard", materials.cardboard(rng)),
        "carton": book.add("carton", materials.cardboard(rng)),
        "keyboard": book.add("keyboard", pictures.keyboard(rng)),
        "page": book.add("page", pictures.page(rng)),
        "door": book.add("door", pictures.panel_door(rng)),
        "dark": book.add("dark", 0.03 + 0.04 * materials.noise(rng, 64, 64)),
        "white": book.add("white", 0.6 + 0.25 * materials.noise(rng, 64, 64)),
        "cover": book.add("cover", pictures.shapes(rng, 128, 25)),
        "screen": _glowing(book, "screen", pictures.screen(rng)),
        "outside": _glowing(book, "outside", pictures.outside(rng)),
        "lamp": _glowing(book, "lamp", (np.full((32, 32), 0.8), _louvres(32))),
    }
    leaf, alpha = materials.leaves(rng)
    plain["leaves"] = book.add("leaves", leaf, alpha=alpha)
    spines = tuple(book.add(f"spine {k}", pictures.spine(rng)) for k in range(_SPINES))
    return Palette(plain, spines, book.add("speckle", materials.speckle(rng)))


def _glowing(book: TextureBook, name: str, pair: tuple[materials.Image, materials.Image]) -> int:
    return book.add(name, pair[0], emission=pair[1])


def _louvres(side: int) -> materials.Image:
    y, x = materials.grid(side, side)
    return np.where((np.abs(y * 4 % 1 - 0.5) > 0.42) | (np.abs(x * 4 % 1 - 0.5) > 0.42), 0.35, 1.0)


@dataclass
class Furnished:
    """A list of surfaces with ways to add furniture to it.

    Args:
        palette: Materials.
        rng: Draws what is not given.
        quads: Where surfaces go.
    """

    palette: Palette
    rng: np.random.Generator
    quads: QuadList = field(default_factory=QuadList)

    def sheet(
        self,
        origin: tuple[float, float, float],
        u: tuple[float, float, float],
        v: tuple[float, float, float],
        material: str | int,
        *,
        tile_m: float | None = None,
        emission: float = 0.0,
        cell_m: float = 0.15,
        shadow: bool = True,
        thing: int = 0,
    ) -> None:
        """Add one surface; with ``tile_m`` its texture repeats at that size, speckle on top."""
        texture = self.palette.plain[material] if isinstance(material, str) else material
        sides = float(np.linalg.norm(u)), float(np.linalg.norm(v))
        fine = (sides[0] / _FINE_M, sides[1] / _FINE_M)
        repeat = (1.0, 1.0) if tile_m is None else (sides[0] / tile_m, sides[1] / tile_m)
        self.quads.add(
            origin, u, v, texture=texture, repeat=repeat, emission=emission, shadow=shadow,
            cell_m=cell_m, thing=thing, detail=-1 if tile_m is None else self.palette.speckle,
            detail_repeat=fine,
        )  # fmt: skip

    def box(
        self,
        low: tuple[float, float, float],
        high: tuple[float, float, float],
        material: str,
        *,
        top: str | None = None,
        turn_deg: float = 0.0,
        gain: float = 1.0,
        thing: int = 0,
        faces: dict[str, int] | None = None,
    ) -> None:
        """Add the six sides of a box, turned about its vertical middle.

        ``faces`` names textures of single sides: front (to -y), right, back, left, top, bottom.
        """
        (x0, y0, z0), (x1, y1, z1) = low, high
        dx, dy, dz = x1 - x0, y1 - y0, z1 - z0
        sides = {
            "front": ((x0, y0, z0), (dx, 0, 0), (0, 0, dz)),
            "right": ((x1, y0, z0), (0, dy, 0), (0, 0, dz)),
            "back": ((x1, y1, z0), (-dx, 0, 0), (0, 0, dz)),
            "left": ((x0, y1, z0), (0, -dy, 0), (0, 0, dz)),
            "top": ((x0, y0, z1), (dx, 0, 0), (0, dy, 0)),
            "bottom": ((x0, y1, z0), (dx, 0, 0), (0, -dy, 0)),
        }
        turn, middle = _about_z(turn_deg), np.array([(x0 + x1) / 2, (y0 + y1) / 2, 0.0])
        for name, (origin, u, v) in sides.items():
            texture = self.palette.plain[top if top is not None and name == "top" else material]
            self.quads.add(
                turn @ (np.array(origin) - middle) + middle, turn @ u, turn @ v,
                texture=(faces or {}).get(name, texture), gain=gain, cell_m=0.1, thing=thing,
            )  # fmt: skip

    def table(
        self, low: tuple[float, float], high: tuple[float, float], height: float, material: str
    ) -> None:
        """Add a table top on four legs."""
        thing = self.quads.new_thing()
        (x0, y0), (x1, y1) = low, high
        self.box((x0, y0, height - 0.04), (x1, y1, height), material, thing=thing)
        for x in (x0 + 0.02, x1 - 0.07):
            for y in (y0 + 0.02, y1 - 0.07):
                self.box((x, y, 0), (x + 0.05, y + 0.05, height - 0.04), material, thing=thing)

    def chair(self, x: float, y: float, turn_deg: float) -> None:
        """Add a chair; its back is at +y before it is turned."""
        thing, turn = self.quads.new_thing(), _about_z(turn_deg)
        parts = [((-0.21, -0.21, 0.43), (0.21, 0.21, 0.47))]
        parts += [
            ((a, b, 0.0), (a + 0.04, b + 0.04, 0.43)) for a in (-0.2, 0.16) for b in (-0.2, 0.16)
        ]
        parts += [((a, 0.17, 0.47), (a + 0.04, 0.21, 0.9)) for a in (-0.21, 0.17)]
        parts += [((-0.2, 0.175, z), (0.2, 0.205, z + 0.12)) for z in (0.58, 0.78)]
        for low, high in parts:
            middle = (np.array(low) + np.array(high)) / 2
            half = (np.array(high) - np.array(low)) / 2
            place = turn @ middle + np.array([x, y, 0.0])
            self.box(
                tuple(place - half), tuple(place + half), "shelf", turn_deg=turn_deg, thing=thing
            )

    def books(self, x: float, y: float, z: float, width: float, tallest: float) -> None:
        """Stand a row of books with their backs to -y, beginning at x."""
        end = x + width
        while True:
            thick, high = self.rng.uniform(0.018, 0.055), tallest * self.rng.uniform(0.65, 1.0)
            if x + thick > end:
                return
            if self.rng.random() < 0.12:
                x += self.rng.uniform(0.03, 0.1)
                continue
            face = {
                "front": int(self.rng.choice(self.palette.spines)),
                "top": self.palette.plain["page"],
            }
            back = y + self.rng.uniform(0.0, 0.04)
            gain = self.rng.uniform(0.6, 1.1)
            self.box(
                (x, back, z), (x + thick, back + 0.17, z + high), "cover",
                faces=face, gain=gain, thing=self.quads.new_thing(),
            )  # fmt: skip
            x += thick + 0.002

    def shelf(self, low: tuple[float, float], high: tuple[float, float], height: float) -> None:
        """Add an open case with its front to -y, five boards and books on them."""
        (x0, y0), (x1, y1) = low, high
        thing = self.quads.new_thing()
        for x in (x0, x1 - 0.025):
            self.box((x, y0, 0), (x + 0.025, y1, height), "shelf", thing=thing)
        self.sheet((x0, y1 - 0.01, 0), (x1 - x0, 0, 0), (0, 0, height), "shelf", thing=thing)
        rows = 5
        for row in range(rows + 1):
            z = 0.06 + (height - 0.09) * row / rows
            self.box((x0 + 0.025, y0, z), (x1 - 0.025, y1, z + 0.022), "shelf", thing=thing)
            if row < rows:
                self.books(
                    x0 + 0.035, y0 + 0.03, z + 0.022, x1 - x0 - 0.07, 0.8 * (height - 0.09) / rows
                )

    def plant(self, x: float, y: float, z: float, height: float) -> None:
        """Add a pot with three sheets of leaves that cross."""
        thing = self.quads.new_thing()
        pot = 0.3 * height
        self.box(
            (x - 0.1, y - 0.1, z), (x + 0.1, y + 0.1, z + pot), "white", turn_deg=20.0, thing=thing
        )
        for angle in np.radians([10.0, 70.0, 130.0]):
            half = 0.5 * height * np.array([np.cos(angle), np.sin(angle), 0.0])
            self.quads.add(
                np.array([x, y, z + 0.9 * pot]) - half, 2 * half, [0, 0, height - 0.9 * pot],
                texture=self.palette.plain["leaves"], cell_m=0.1, thing=thing,
            )  # fmt: skip

    def desk(self, x: float, y: float) -> None:
        """Add a desk 1.6 m wide with a monitor, a keyboard, paper, mugs and piled books."""
        self.table((x, y), (x + 1.6, y + 0.7), 0.74, "desk")
        self._monitor(x + 0.95 + self.rng.uniform(-0.1, 0.1), y + 0.45)
        self.box(
            (x + 0.72, y + 0.1, 0.74), (x + 1.17, y + 0.24, 0.765), "dark", top="keyboard",
            turn_deg=self.rng.uniform(-6, 6), thing=self.quads.new_thing(),
        )  # fmt: skip
        for k in range(3):
            self.box(
                (x + 0.32, y + 0.06, 0.74 + 0.002 * k), (x + 0.53, y + 0.36, 0.742 + 0.002 * k),
                "page", turn_deg=self.rng.uniform(-25, 25), thing=self.quads.new_thing(),
            )  # fmt: skip
        z = 0.74
        for _ in range(5):
            thick = self.rng.uniform(0.02, 0.05)
            spine = {"front": int(self.rng.choice(self.palette.spines))}
            self.box(
                (x + 0.08, y + 0.36, z), (x + 0.31, y + 0.53, z + thick), "cover",
                turn_deg=self.rng.uniform(-15, 15), faces=spine, thing=self.quads.new_thing(),
            )  # fmt: skip
            z += thick
        for place in (0.62, 1.35):
            a, b = x + place + self.rng.uniform(-0.04, 0.04), y + self.rng.uniform(0.1, 0.3)
            self._mug(a, b, 0.74)

    def _mug(self, x: float, y: float, z: float) -> None:
        thing = self.quads.new_thing()
        material = str(self.rng.choice(["white", "cover"]))
        for turn in (0.0, 45.0):  # eight corners: round enough
            self.box(
                (x - 0.036, y - 0.036, z), (x + 0.036, y + 0.036, z + 0.1), material,
                top="dark", turn_deg=turn, thing=thing,
            )  # fmt: skip
        self.box(
            (x + 0.036, y - 0.006, z + 0.025),
            (x + 0.07, y + 0.006, z + 0.08),
            material,
            thing=thing,
        )

    def _monitor(self, x: float, y: float) -> None:
        thing = self.quads.new_thing()
        self.box((x - 0.13, y - 0.09, 0.74), (x + 0.13, y + 0.09, 0.755), "dark", thing=thing)
        self.box((x - 0.03, y - 0.01, 0.755), (x + 0.03, y + 0.02, 0.95), "dark", thing=thing)
        self.box((x - 0.32, y - 0.035, 0.86), (x + 0.32, y - 0.01, 1.24), "dark", thing=thing)
        self.sheet(
            (x - 0.305, y - 0.037, 0.875), (0.61, 0, 0), (0, 0, 0.35), "screen",
            emission=160.0, shadow=False, thing=thing,
        )  # fmt: skip


def _about_z(degrees: float) -> NDArray[np.float64]:
    c, s = np.cos(np.radians(degrees)), np.sin(np.radians(degrees))
    return np.array([[c, -s, 0.0], [s, c, 0.0], [0.0, 0.0, 1.0]])
