"""A street of any length from one integer: a route with crossings, and all that stands beside it.

    route     straight stretches of 70 to 200 m, north and east by turns: it never comes back
    beside    kerb, pavement, house fronts with gaps, trees, lamps, signs, parked cars
    crossing  where the route turns, the other street goes on for 40 m and ends at a house

What is built is drawn from ``seed``; what grows is drawn differently for each ``season``; parked
cars are drawn from ``cars_seed`` and change nothing else.
"""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from saccade.errors import ConfigError
from saccade.events.types import SensorSize
from saccade.simulate import street_things as things
from saccade.simulate.luminance import fit
from saccade.simulate.scene import Scene
from saccade.simulate.street_things import KERB_M, UP, Palette, Stretch, make_palette
from saccade.simulate.textures import TextureBook

__all__ = ["LANE_LEFT_M", "LANE_RIGHT_M", "Season", "build_street"]

Season = Literal["summer", "autumn", "winter"]
LANE_RIGHT_M, LANE_LEFT_M = 4.2, -5.6
"""Kerbs, metres right of the lane's centre: parked cars stand between lane and right kerb."""
_PAVEMENT_M = 2.4
_MIDDLE_M = -1.9  # the broken line, metres right of the lane's centre
_CORNER_M = 9.0  # radius of a turn
_CLEAR_M = 16.0  # of a crossing, free of houses
_SIDE_STREET_M = 42.0
_PIECE_M = 20.0

Rng = np.random.Generator


def build_street(
    seed: int,
    *,
    length_m: float = 2_000.0,
    season: Season = "summer",
    cars_seed: int = 0,
    images: Sequence[NDArray[Any]] = (),
) -> Scene:
    """Build a street.

    Args:
        seed: Everything that does not change with season and parked cars.
        length_m: Length of the route at least.
        season: ``"summer"``, ``"autumn"`` or ``"winter"``.
        cars_seed: Which cars are parked where.
        images: Albedo 0..1 ``[H, W]`` to hang on house fronts.

    Raises:
        ConfigError: The route is shorter than 40 m, or there is no such season.

    Examples:
        >>> scene = build_street(1, length_m=100.0)
        >>> scene.route.shape[1], scene.name
        (2, 'street')
    """
    if not length_m >= 40:
        raise ConfigError(f"A street of {length_m:g} m.", "Expected at least 40.")
    if season not in ("summer", "autumn", "winter"):
        raise ConfigError(f"Season {season!r}.", "Expected summer, autumn or winter.")
    book = TextureBook()
    posters = [
        book.add(f"poster {k}", np.clip(fit(np.asarray(image, np.float32), _POSTER), 0, 1))
        for k, image in enumerate(images)
    ]
    palette = make_palette(
        np.random.default_rng([seed, 1]), book, season, posters, 16 + int(length_m / 12)
    )
    rng = np.random.default_rng([seed, 2])
    stretches = _stretches(rng, length_m)
    lamps: list[NDArray[np.float64]] = []
    for number, road in enumerate(stretches):
        own = np.random.default_rng([seed, 3, number])
        turn = _turn(stretches, number)
        _ground(palette, own, road)
        for side in (1.0, -1.0):
            _row(palette, own, road, side)
        lamps += _furniture(palette, own, road)
        _crossing(palette, own, road, turn)
        cars = np.random.default_rng([seed, 4, number, cars_seed])
        _park(palette, cars, road)
    _beyond(palette, stretches)
    return Scene(
        "street", seed, palette.quads.freeze(), book.pack(),
        lamps=np.array(lamps).reshape(-1, 3), route=_route(stretches),
    )  # fmt: skip


_POSTER = SensorSize(height=256, width=256)


def _stretches(rng: Rng, length_m: float) -> list[Stretch]:
    """Return the route: north and east by turns, each a little off the grid."""
    found: list[Stretch] = []
    place, total = np.zeros(2), 0.0
    north = bool(rng.random() < 0.5)
    while total < length_m + 40.0:
        bend = rng.uniform(-0.12, 0.12)
        angle = (np.pi / 2 if north else 0.0) + bend
        along = np.array([np.cos(angle), np.sin(angle)])
        length = float(rng.uniform(70.0, 200.0))
        found.append(Stretch(place, along, length))
        place = place + length * along
        total += length - 4.0  # a corner is shorter than its two legs
        north = not north
    return found


def _turn(stretches: list[Stretch], number: int) -> float:
    """Return which way the route turns after a stretch: 1 right, -1 left, 0 at the end."""
    if number + 1 >= len(stretches):
        return 0.0
    return float(np.sign(stretches[number + 1].along @ stretches[number].right))


def _route(stretches: list[Stretch]) -> NDArray[np.float64]:
    """Return the lane's centre in points about 1 m apart, corners rounded."""
    points: list[NDArray[np.float64]] = []
    start = 0.0
    for road, after in zip(stretches, [*stretches[1:], None], strict=True):
        if after is None:
            end = road.length
        else:
            turn = np.arccos(np.clip(road.along @ after.along, -1, 1))
            cut = _CORNER_M * np.tan(turn / 2)
            end = road.length - cut
        count = max(int(end - start), 1)
        s = start + (end - start) * np.arange(count) / count
        points.append(road.origin + s[:, None] * road.along)
        if after is None:
            points.append((road.origin + end * road.along)[None])
            break
        side = np.sign(after.along @ road.right)
        centre = road.origin + end * road.along + side * _CORNER_M * road.right
        steps = max(int(_CORNER_M * turn), 2)
        angle = turn * np.arange(steps) / steps
        arm = -side * road.right
        swing = np.cos(angle)[:, None] * arm + np.sin(angle)[:, None] * road.along
        points.append(centre + _CORNER_M * swing)
        start = cut
    return np.concatenate(points)


def _ground(palette: Palette, rng: Rng, road: Stretch) -> None:
    """Road, markings, kerbs, pavements, in pieces with a light map each."""
    edges = np.linspace(0.0, road.length, max(int(road.length / _PIECE_M), 1) + 1)
    wide = LANE_RIGHT_M - LANE_LEFT_M
    flat: dict[str, Any] = {"shadow": False, "cell_m": 0.3, "detail": palette.grain, "facing": UP}
    for a, b in itertools.pairwise(edges):
        long = b - a
        palette.quads.add(
            road.at(a, LANE_LEFT_M, 0), road.way(long, 0, 0), road.way(0, wide, 0),
            texture=int(rng.choice(palette.road)), repeat=(long / 10, wide / 10),
            shift=(float(rng.random()), float(rng.random())), gain=float(rng.uniform(0.7, 1.4)),
            detail_repeat=(long / 1.5, wide / 1.5), **flat,
        )  # fmt: skip
        for inner, way in ((LANE_RIGHT_M, 1.0), (LANE_LEFT_M, -1.0)):
            if a < 8 or b > road.length - 8:
                continue
            palette.quads.add(
                road.at(a, inner, KERB_M), road.way(long, 0, 0), road.way(0, way * _PAVEMENT_M, 0),
                texture=palette.slabs, repeat=(long / 4, _PAVEMENT_M / 4),
                detail_repeat=(long / 1.5, 2.0), gain=float(rng.uniform(0.7, 1.2)), **flat,
            )  # fmt: skip
            palette.quads.add(
                road.at(a, inner, 0), road.way(long, 0, 0), road.way(0, 0, KERB_M),
                texture=palette.plain, gain=0.7, shadow=False,
                facing=road.way(0, -way, 0),
            )  # fmt: skip
    for s in np.arange(10.0, road.length - 12.0, 6.0):
        _paint(palette, road, (s, 3.0), (_MIDDLE_M - 0.07, 0.14))
    for end in (6.5, road.length - 9.5):
        for d in np.arange(LANE_LEFT_M + 0.4, LANE_RIGHT_M - 0.4, 1.0):
            _paint(palette, road, (end, 3.0), (float(d), 0.5))


def _paint(palette: Palette, road: Stretch, s: tuple[float, float], d: tuple[float, float]) -> None:
    palette.quads.add(
        road.at(s[0], d[0], 0.012), road.way(s[1], 0, 0), road.way(0, d[1], 0),
        texture=palette.plain, gain=1.5, shadow=False, detail=palette.grain,
        detail_repeat=(s[1], d[1]), facing=UP,
    )  # fmt: skip


def _row(palette: Palette, rng: Rng, road: Stretch, side: float) -> None:
    """Houses and gardens on one side, from crossing to crossing."""
    kerb = LANE_RIGHT_M if side > 0 else -LANE_LEFT_M
    s = _CLEAR_M
    while s < road.length - _CLEAR_M - 8.0:
        wide = min(float(rng.uniform(8.0, 22.0)), road.length - _CLEAR_M - s)
        back = kerb + _PAVEMENT_M + float(rng.choice([0.0, rng.uniform(0.5, 4.0)]))
        if rng.random() < 0.82:
            things.house(palette, rng, road, s, wide, side * back)
            if back > kerb + _PAVEMENT_M + 1.5 and rng.random() < 0.6:
                things.hedge(palette, rng, road, s, wide, side * (kerb + _PAVEMENT_M + 0.2))
        else:
            things.hedge(palette, rng, road, s, wide, side * (kerb + _PAVEMENT_M + 0.2))
            for _ in range(int(rng.integers(1, 4))):
                place = s + rng.uniform(1.0, wide - 1.0)
                things.tree(palette, rng, road, place, side * (kerb + rng.uniform(4.5, 9.0)))
        s += wide + (float(rng.uniform(1.5, 7.0)) if rng.random() < 0.3 else 0.0)


def _furniture(palette: Palette, rng: Rng, road: Stretch) -> list[NDArray[np.float64]]:
    """Street trees, signs, and lamps on alternating sides."""
    lamps: list[NDArray[np.float64]] = []
    side = 1.0
    for s in np.arange(rng.uniform(8.0, 20.0), road.length - 8.0, 28.0):
        kerb = LANE_RIGHT_M if side > 0 else -LANE_LEFT_M
        lamps.append(things.lamp(palette, road, float(s), side * (kerb + 0.4)))
        side = -side
    for way in (1.0, -1.0):
        kerb = LANE_RIGHT_M if way > 0 else -LANE_LEFT_M
        avenue = rng.random() < 0.4
        s = rng.uniform(14.0, 30.0)
        while s < road.length - 14.0:
            if avenue or rng.random() < 0.3:
                things.tree(palette, rng, road, s, way * (kerb + 0.7))
            s += rng.uniform(7.0, 16.0)
        for s in rng.uniform(12.0, road.length - 12.0, int(road.length / 35)):
            things.sign(palette, rng, road, float(s), way * (kerb + 0.5))
    return lamps


def _crossing(palette: Palette, rng: Rng, road: Stretch, turn: float) -> None:
    """Let the street that the route leaves go on straight ahead, and end at a house."""
    if turn == 0.0:
        things.house(palette, rng, Stretch(road.at(road.length + 30, 0, 0)[:2], road.right, 40.0),
                     -20.0, 40.0, -0.5)  # fmt: skip
        return
    begin = road.length + _CLEAR_M * 0.4
    ahead = Stretch(road.at(begin, 0, 0)[:2], road.along, _SIDE_STREET_M)
    palette.quads.add(
        road.at(road.length - 4.0, LANE_LEFT_M, -0.004), road.way(_SIDE_STREET_M + 14, 0, 0),
        road.way(0, LANE_RIGHT_M - LANE_LEFT_M, 0), texture=int(rng.choice(palette.road)),
        repeat=(5.0, 1.0), shadow=False, detail=palette.grain, detail_repeat=(30.0, 6.0),
        facing=UP,
    )  # fmt: skip
    for side in (1.0, -1.0):
        kerb = LANE_RIGHT_M if side > 0 else -LANE_LEFT_M
        s = 10.0
        while s < ahead.length - 8.0:
            wide = float(rng.uniform(8.0, 18.0))
            things.house(palette, rng, ahead, s, wide, side * (kerb + _PAVEMENT_M))
            s += wide
    across = Stretch(ahead.at(ahead.length, 0, 0)[:2], -ahead.right, 30.0)
    things.house(palette, rng, across, -12.0, 24.0, 1.0)
    for s in rng.uniform(10.0, ahead.length, 3):
        things.tree(palette, rng, ahead, float(s), float(rng.choice([-1, 1])) * 6.3)


def _park(palette: Palette, rng: Rng, road: Stretch) -> None:
    """Park cars at the right kerb, and some at the left one facing the other way."""
    for d, share in ((LANE_RIGHT_M - 2.0, 0.4), (LANE_LEFT_M + 0.15, 0.25)):
        s = 14.0 + rng.uniform(0.0, 8.0)
        while s < road.length - 20.0:
            if rng.random() < share:
                things.car(palette, rng, road, s, d)
            s += rng.uniform(5.6, 9.0)


def _beyond(palette: Palette, stretches: list[Stretch]) -> None:
    """Lawn below everything, so that no gap shows nothing."""
    for road in stretches:
        count = max(int(road.length / 35), 1)
        long = (road.length + 60) / count
        for k in range(count):
            for d in (-42.0, 0.0):
                palette.quads.add(
                    road.at(-30 + k * long, d, -0.03), road.way(long, 0, 0), road.way(0, 42, 0),
                    texture=palette.lawn, repeat=(long / 4, 10.5), shadow=False, cell_m=1.5,
                    detail=palette.grain, detail_repeat=(long / 2, 21.0), facing=UP,
                )  # fmt: skip
