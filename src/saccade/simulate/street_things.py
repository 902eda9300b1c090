"""Things that stand in a street: houses, trees, lamps, signs, hedges, parked cars.

Each is placed in the frame of a stretch of road: ``s`` metres along it, ``d`` metres to the right
of the lane's centre, ``z`` metres up.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from saccade.simulate import street_textures as pictures
from saccade.simulate.scene import QuadList
from saccade.simulate.textures import TextureBook

__all__ = ["Palette", "Stretch", "car", "hedge", "house", "lamp", "make_palette", "sign", "tree"]

Rng = np.random.Generator
KERB_M = 0.12
UP = np.array([0.0, 0.0, 1.0])
CROWNS, CARS, SIGNS, MOST_FRONTS = 8, 10, 24, 110


@dataclass
class Palette:
    """Textures of a street and the list its surfaces go to."""

    quads: QuadList
    plain: int
    road: Sequence[int]
    slabs: int
    lawn: int
    hedge: int
    bark: int
    grain: int
    walls: Sequence[int]
    fronts: Sequence[int]
    gables: Sequence[int]
    crowns: Sequence[int]
    cars: Sequence[int]
    signs: Sequence[int]
    posters: Sequence[int] = field(default_factory=list[int])


@dataclass(frozen=True)
class Stretch:
    """A straight stretch of road.

    Args:
        origin: ``[2]``, where it starts, on the lane's centre.
        along: ``[2]``, its direction, of length 1.
        length: Metres.
    """

    origin: NDArray[np.float64]
    along: NDArray[np.float64]
    length: float

    @property
    def right(self) -> NDArray[np.float64]:
        """Direction to the right."""
        return np.array([self.along[1], -self.along[0]])

    def at(self, s: float, d: float, z: float) -> NDArray[np.float64]:
        """Return the world position of (s, d, z)."""
        flat = self.origin + s * self.along + d * self.right
        return np.array([flat[0], flat[1], z])

    def way(self, s: float, d: float, z: float) -> NDArray[np.float64]:
        """Return the world vector of a displacement (s, d, z)."""
        flat = s * self.along + d * self.right
        return np.array([flat[0], flat[1], z])


def make_palette(
    rng: Rng, book: TextureBook, season: str, posters: Sequence[int], fronts_wanted: int
) -> Palette:
    """Draw all pictures of a street; only what grows depends on the season."""
    season_rng = np.random.default_rng(rng.integers(2**32))
    fronts: list[int] = []
    for k in range(min(fronts_wanted, MOST_FRONTS)):
        wall = float(np.exp(rng.uniform(np.log(0.09), np.log(0.85))))
        drawn = pictures.front(
            rng, int(rng.integers(2, 6)), int(rng.integers(2, 6)), wall, bool(rng.random() < 0.3)
        )
        fronts.append(book.add(f"front {k}", drawn.albedo, emission=drawn.emission))
    walls = [book.add(f"wall {k}", pictures.plaster(rng)) for k in range(4)]
    crowns: list[int] = []
    for k in range(CROWNS):
        drawn_crown = (
            pictures.bare_crown(season_rng)
            if season == "winter"
            else pictures.leafy_crown(season_rng, season)
        )
        crowns.append(book.add(f"crown {k}", drawn_crown[0], alpha=drawn_crown[1]))
    cars = [
        book.add(f"car {k}", *pictures.car_side(rng, float(rng.choice([0.04, 0.15, 0.4, 0.8]))))
        for k in range(CARS)
    ]
    return Palette(
        QuadList(),
        plain=book.add("plain", np.full((2, 2), 0.5)),
        road=[book.add(f"road {k}", pictures.asphalt(rng)) for k in range(3)],
        slabs=book.add("slabs", pictures.pavement(rng)),
        lawn=book.add("lawn", pictures.grass(season_rng, season)),
        hedge=book.add("hedge", pictures.hedge(season_rng, season)),
        bark=book.add("bark", pictures.bark(rng)),
        grain=book.add("grain", 0.35 + 0.3 * pictures.noise(rng, 256, 256, 0.5)),
        walls=walls,
        fronts=fronts,
        gables=[book.add(f"gable {k}", *pictures.gable(rng)) for k in range(3)],
        crowns=crowns,
        cars=cars,
        signs=[book.add(f"sign {k}", *pictures.sign(rng)) for k in range(SIGNS)],
        posters=posters,
    )


def house(palette: Palette, rng: Rng, road: Stretch, s: float, wide: float, d: float) -> None:
    """Put a house whose front faces the road: ``d`` is the front, ``s`` its near side."""
    side = 1.0 if d > 0 else -1.0
    deep, high = rng.uniform(7.0, 10.0), float(rng.uniform(4.0, 9.0) * rng.choice([1, 1, 1.6, 2.4]))
    quads, thing = palette.quads, palette.quads.new_thing()
    texture = int(rng.choice(palette.fronts))
    grain: dict[str, Any] = {
        "detail": int(rng.choice(palette.walls)),
        "cell_m": 0.6,
        "thing": thing,
    }
    fine = (wide / 3.0, high / 3.0)
    flip = rng.random() < 0.5
    begin, u = (s, wide) if flip else (s + wide, -wide)
    quads.add(
        road.at(begin, d, 0), road.way(u, 0, 0), road.way(0, 0, high), texture=texture,
        gain=float(rng.uniform(0.8, 1.15)), detail_repeat=fine, emission=40.0,
        facing=road.way(0, -side, 0), **grain,
    )  # fmt: skip
    tone = float(np.exp(rng.uniform(np.log(0.16), np.log(1.5))))
    sides: dict[str, Any] = dict(
        texture=palette.plain, gain=tone, detail_repeat=(deep / 3, high / 3), **grain
    )
    for end, way in ((s, -1.0), (s + wide, 1.0)):
        quads.add(
            road.at(end, d, 0), road.way(0, side * deep, 0), road.way(0, 0, high),
            facing=road.way(way, 0, 0), **sides,
        )  # fmt: skip
    if rng.random() < 0.45:
        _roof(palette, rng, road, (s, wide, d, side * deep, high), thing)
    else:
        quads.add(
            road.at(s, d, high), road.way(wide, 0, 0), road.way(0, side * deep, 0),
            texture=palette.plain, gain=0.4, cell_m=2.0, thing=thing, facing=UP,
        )  # fmt: skip
    if palette.posters and rng.random() < 0.3:
        size = min(0.5 * wide, 0.5 * high, 4.0)
        quads.add(
            road.at(s + 0.3 * wide, d - side * 0.03, 0.35 * high), road.way(size, 0, 0),
            road.way(0, 0, size), texture=int(rng.choice(palette.posters)), shadow=False,
            thing=thing, facing=road.way(0, -side, 0),
        )  # fmt: skip


def _roof(palette: Palette, rng: Rng, road: Stretch, box: tuple[float, ...], thing: int) -> None:
    """A gable roof: two slopes and two triangles."""
    s, wide, d, deep, high = box
    rise = rng.uniform(1.5, 4.0)
    gable, tone = int(rng.choice(palette.gables)), float(rng.uniform(0.15, 0.6))
    add = palette.quads.add
    for near in (d, d + deep):
        half = (d + deep / 2) - near
        add(road.at(s, near, high), road.way(wide, 0, 0), road.way(0, half, rise),
            texture=palette.plain, gain=tone, detail=palette.walls[0],
            detail_repeat=(wide / 2, 2.0), cell_m=1.0, thing=thing, facing=UP)  # fmt: skip
    for end, way in ((s, -1.0), (s + wide, 1.0)):
        add(road.at(end, d, high), road.way(0, deep, 0), road.way(0, 0, rise),
            texture=gable, thing=thing, facing=road.way(way, 0, 0))  # fmt: skip
    if rng.random() < 0.6:
        at = s + rng.uniform(0.2, 0.7) * wide
        _box(palette, road.at(at, d + 0.3 * deep, high), road, (0.7, 0.7, rise + 0.8), 0.35, thing)


def _box(
    palette: Palette, corner: NDArray[np.float64], road: Stretch,
    size: tuple[float, float, float], gain: float, thing: int, texture: int | None = None,
) -> None:  # fmt: skip
    """Four upright sides and a lid."""
    long, wide, high = size
    a, b, up = road.way(long, 0, 0), road.way(0, wide, 0), road.way(0, 0, high)
    look: dict[str, Any] = {
        "texture": palette.plain if texture is None else texture,
        "gain": gain,
        "thing": thing,
        "cell_m": 1.0,
    }
    for origin, edge, out in (
        (corner, a, -b),
        (corner + a, b, a),
        (corner + b, a, b),
        (corner, b, -a),
    ):
        palette.quads.add(origin, edge, up, facing=out, **look)
    palette.quads.add(corner + up, a, b, facing=UP, **look)


def tree(palette: Palette, rng: Rng, road: Stretch, s: float, d: float) -> None:
    """A trunk and three crossing planes of crown."""
    thing = palette.quads.new_thing()
    high, wide = rng.uniform(4.0, 9.0), rng.uniform(3.0, 5.5)
    trunk = 0.3 * high
    thick = rng.uniform(0.2, 0.4)
    _box(palette, road.at(s, d, 0), road, (thick, thick, trunk + 0.3 * high), 1.0, thing,
         palette.bark)  # fmt: skip
    crown = int(rng.choice(palette.crowns))
    gain = float(rng.uniform(0.7, 1.4))
    for angle in rng.uniform(0, np.pi) + np.arange(3) * np.pi / 3:
        edge = road.way(wide * np.cos(angle), wide * np.sin(angle), 0)
        palette.quads.add(
            road.at(s + thick / 2, d + thick / 2, trunk) - 0.5 * edge, edge,
            road.way(0, 0, high - trunk), texture=crown, gain=gain, thing=thing, cell_m=1.0,
        )  # fmt: skip


def lamp(palette: Palette, road: Stretch, s: float, d: float) -> NDArray[np.float64]:
    """A street lamp whose arm reaches over the road; return where it shines from."""
    thing, high = palette.quads.new_thing(), 6.0
    arm = -np.sign(d) * 1.2
    _box(palette, road.at(s, d, 0), road, (0.12, 0.12, high), 0.3, thing)
    head = road.at(s - 0.15, d + arm, high - 0.15)
    palette.quads.add(
        road.at(s, d, high), road.way(0, arm, 0), road.way(0.1, 0, 0.0), texture=palette.plain,
        gain=0.3, thing=thing, shadow=False,
    )  # fmt: skip
    palette.quads.add(
        head, road.way(0.4, 0, 0), road.way(0, 0, 0.14), texture=palette.plain, gain=1.6,
        thing=thing, shadow=False,
    )  # fmt: skip
    return road.at(s, d + arm, high - 0.3)


def sign(palette: Palette, rng: Rng, road: Stretch, s: float, d: float) -> None:
    """A pole with one or two signs that face the traffic."""
    thing = palette.quads.new_thing()
    _box(palette, road.at(s, d, 0), road, (0.06, 0.06, 2.9), 0.5, thing)
    for k in range(int(rng.integers(1, 3))):
        size = rng.uniform(0.6, 0.85)
        palette.quads.add(
            road.at(s - 0.02, d - size / 2 + 0.03, 2.9 - (k + 1) * size), road.way(0, size, 0),
            road.way(0, 0, size), texture=int(rng.choice(palette.signs)), thing=thing,
            shadow=False, gain=float(rng.uniform(0.7, 1.3)), facing=road.way(-1, 0, 0),
        )  # fmt: skip


def hedge(palette: Palette, rng: Rng, road: Stretch, s: float, long: float, d: float) -> None:
    """A hedge along the pavement before a garden."""
    thing, high = palette.quads.new_thing(), float(rng.uniform(0.8, 2.2))
    deep = float(np.sign(d)) * 0.7
    look: dict[str, Any] = {
        "texture": palette.hedge,
        "repeat": (long / 2, high / 2),
        "thing": thing,
        "cell_m": 1.0,
    }
    upright, level = road.way(0, 0, high), road.way(0, deep, 0)
    palette.quads.add(
        road.at(s, d, 0), road.way(long, 0, 0), upright, facing=road.way(0, -deep, 0), **look
    )
    palette.quads.add(road.at(s, d, high), road.way(long, 0, 0), level, facing=UP, **look)


def car(palette: Palette, rng: Rng, road: Stretch, s: float, d: float) -> None:
    """A parked car: two sides cut out, front, windows, roof and bonnet as planes between."""
    thing = palette.quads.new_thing()
    picture = int(rng.choice(palette.cars))
    long, wide, high = rng.uniform(3.8, 4.8), rng.uniform(1.65, 1.85), rng.uniform(1.4, 1.75)
    gain, paint = float(rng.uniform(0.7, 1.2)), float(rng.choice([0.1, 0.35, 1.0, 1.6]))
    add = palette.quads.add
    for side, way in ((d, -1.0), (d + wide, 1.0)):
        add(road.at(s, side, 0), road.way(long, 0, 0), road.way(0, 0, high), texture=picture,
            gain=gain, thing=thing, facing=road.way(0, way, 0))  # fmt: skip
    low, roof = 0.2 * high, 0.96 * high
    profile = (
        (0.02, low, 0.02, 0.57 * high, paint), (0.02, 0.57 * high, 0.24, 0.58 * high, paint),
        (0.24, 0.58 * high, 0.34, roof, 0.1), (0.34, roof, 0.72, roof, paint),
        (0.72, roof, 0.8, 0.58 * high, 0.1), (0.8, 0.58 * high, 0.98, 0.57 * high, paint),
        (0.98, 0.57 * high, 0.98, low, paint),
    )  # fmt: skip
    for a, za, b, zb, tone in profile:
        add(road.at(s + a * long, d, za), road.way(0, wide, 0),
            road.way((b - a) * long, 0, zb - za),
            texture=palette.plain, gain=tone, thing=thing, cell_m=1.0,
            facing=road.way(a + b - 1.0, 0, 0.6))  # fmt: skip
