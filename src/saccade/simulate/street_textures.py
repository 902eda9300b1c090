"""Pictures for the street: house fronts, road, pavement, leaves, bark, cars, signs.

All are drawn from a random generator as albedo 0..1, some with alpha (where the surface is) and
emission (what shines at night: windows, lamp glass).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from saccade.simulate.room_textures import grid, noise

__all__ = [
    "Front",
    "asphalt",
    "bark",
    "bare_crown",
    "car_side",
    "front",
    "gable",
    "grass",
    "hedge",
    "leafy_crown",
    "pavement",
    "plaster",
    "sign",
]

Image = NDArray[np.float64]
Rng = np.random.Generator


@dataclass(frozen=True)
class Front:
    """A house front.

    Args:
        albedo: ``[256, 256]``.
        emission: ``[256, 256]``, 1 in windows that are lit at night.
    """

    albedo: Image
    emission: Image


def plaster(rng: Rng, side: int = 256) -> Image:
    """Return fine structure of a wall, mean 0.5: courses of brick or rough plaster."""
    y, x = grid(side, side)
    rough = 0.5 + 0.35 * (noise(rng, side, side, 0.5) - 0.5)
    if rng.random() < 0.5:
        return np.clip(rough, 0.0, 1.0)
    row = np.floor(y * 16)
    joint = (y * 16 % 1.0 < 0.14) | ((x * 6 + 0.5 * (row % 2)) % 1.0 < 0.06)
    return np.clip(np.where(joint, 0.75, rough), 0.0, 1.0)


def front(rng: Rng, storeys: int, bays: int, wall: float, shop: bool) -> Front:
    """Return a front: windows with frames and sills in a grid, a door or a shop below."""
    side = 256
    y, x = grid(side, side)
    albedo = np.full((side, side), wall) * (0.93 + 0.14 * noise(rng, side, side, 1.6))
    emission = np.zeros((side, side))
    glass, frame = rng.uniform(0.03, 0.09), rng.choice([0.85, 0.12, 0.4])
    if abs(frame - wall) < 0.15:
        frame = 0.9 if wall < 0.5 else 0.1
    wide, tall = rng.uniform(0.35, 0.6), rng.uniform(0.45, 0.65)
    arched, crossed = rng.random() < 0.25, rng.random() < 0.6
    for storey in range(storeys):
        for bay in range(bays):
            if storey == 0 and shop:
                continue
            door = storey == 0 and bay == int(rng.integers(bays)) and not shop
            half_w = 0.5 * wide * (1.15 if door else 1.0) / bays
            half_h = (0.42 if door else 0.5 * tall) / storeys
            cx = (bay + 0.5) / bays
            cy = 1 - (storey + (0.42 if door else 0.52)) / storeys
            _window(rng, albedo, emission, (y, x), (cy, cx), (half_h, half_w),
                    (glass, frame), (arched, crossed, door))  # fmt: skip
    if shop:
        _shop(rng, albedo, emission, (y, x), storeys)
    band = np.abs((1 - y) * storeys % 1.0 - 0.02) < 0.02
    if rng.random() < 0.5:
        albedo = np.where(band, np.clip(1.35 * wall, 0.05, 0.95), albedo)
    albedo[:6] = np.clip(0.5 * wall, 0.03, 1.0)
    albedo[-10:] *= 0.6
    return Front(np.clip(albedo, 0.02, 0.95), emission)


def _window(
    rng: Rng, albedo: Image, emission: Image, at: tuple[Image, Image],
    middle: tuple[float, float], half: tuple[float, float], tones: tuple[float, float],
    kind: tuple[bool, bool, bool],
) -> None:  # fmt: skip
    (y, x), (cy, cx), (hh, hw) = at, middle, half
    glass, frame = tones
    arched, crossed, door = kind
    dy, dx = (y - cy) / hh, (x - cx) / hw
    shape = np.maximum(np.abs(dy), np.abs(dx))
    if arched:
        shape = np.where(dy < -0.3, np.hypot((dy + 0.3) / 0.7, dx), shape)
    outer, inner = shape < 1.0, shape < 0.82
    albedo[outer] = frame
    sheen = glass * (1 + 1.5 * np.clip(dx - dy + rng.uniform(-1, 1), 0, 1))
    albedo[inner] = (rng.uniform(0.08, 0.5) if door else 1.0) * np.where(door, 1.0, sheen)[inner]
    if door:
        return
    if crossed:
        albedo[inner & ((np.abs(dx) < 0.07) | (np.abs(dy + 0.25) < 0.06))] = frame
    blind = rng.uniform(-0.8, 0.9)
    if rng.random() < 0.4:
        albedo[inner & (dy < blind)] = rng.uniform(0.4, 0.8)
    sill = (np.abs(dx) < 1.15) & (dy > 1.0) & (dy < 1.18)
    albedo[sill] = np.clip(frame + 0.05, 0, 0.95)
    if rng.random() < 0.35:
        emission[inner] = rng.uniform(0.3, 1.0)


def _shop(rng: Rng, albedo: Image, emission: Image, at: tuple[Image, Image], storeys: int) -> None:
    y, x = at
    up = (1 - y) * storeys * np.ones_like(x)
    pane = (up > 0.12) & (up < 0.68) & (np.abs(x * 3 % 1.0 - 0.5) < 0.44)
    albedo[pane & (x >= 0)] = 0.06
    goods = pane & (noise(rng, len(albedo), len(albedo), 0.9) > 0.62)
    albedo[goods] = rng.uniform(0.3, 0.8)
    emission[pane] = rng.uniform(0.5, 1.0)
    board = (up > 0.74) & (up < 0.96)
    ground, ink = rng.choice([0.05, 0.15, 0.7, 0.9]), 0.0
    ink = 0.9 if ground < 0.4 else 0.05
    albedo[board] = ground
    letters = noise(rng, len(albedo), len(albedo), 0.4, 0.3) > 0.55
    albedo[board & letters & (up > 0.79) & (up < 0.91) & (np.abs(x - 0.5) < 0.38)] = ink
    emission[board & letters & (up > 0.79) & (up < 0.91)] = 0.6


def gable(rng: Rng) -> tuple[Image, Image]:
    """Return albedo and alpha of a gable: a triangle of wall or tiles."""
    y, x = grid(128, 128)
    tiles = 0.18 + 0.08 * ((y * 24) % 1.0 < 0.3) + 0.1 * (noise(rng, 128, 128, 1.0) - 0.5)
    alpha = (np.abs(x - 0.5) * 2 < y).astype(float)
    return np.clip(tiles, 0.03, 1.0), alpha


def asphalt(rng: Rng, side: int = 512) -> Image:
    """Return a stretch of road: patches, cracks, a manhole."""
    y, x = grid(side, side)
    base = 0.12 + 0.06 * (noise(rng, side, side, 1.8) - 0.5)
    for _ in range(5):
        cy, cx = rng.random(2)
        patch = (np.abs(y - cy) < rng.uniform(0.02, 0.08)) & (np.abs(x - cx) < 0.09)
        base = np.where(patch, rng.uniform(0.05, 0.2), base)
    wave = noise(rng, side, side, 1.6)
    base = np.where(np.abs(wave - 0.5) < 0.006, 0.04, base)
    cy, cx = rng.uniform(0.2, 0.8, 2)
    radius = np.hypot(y - cy, x - cx)
    lid = radius < 0.035
    base = np.where(lid, 0.3 - 0.22 * ((np.floor(y * 140) + np.floor(x * 140)) % 2), base)
    return np.clip(base, 0.02, 1.0)


def pavement(rng: Rng, side: int = 256) -> Image:
    """Return paving slabs with joints, each of its own tone."""
    y, x = grid(side, side)
    count = 8
    tone = rng.uniform(0.3, 0.5, (count, count))
    slab = tone[(y * count).astype(int) % count, (x * count).astype(int) % count]
    joint = (y * count % 1.0 < 0.06) | (x * count % 1.0 < 0.06)
    grain = 0.9 + 0.2 * noise(rng, side, side, 0.8)
    return np.clip(np.where(joint, 0.12, slab * grain), 0.02, 1.0)


def grass(rng: Rng, season: str, side: int = 256) -> Image:
    """Return lawn; in winter with snow on it."""
    blades = noise(rng, side, side, 0.7)
    if season == "winter":
        return np.clip(0.55 + 0.35 * noise(rng, side, side, 1.6) - 0.3 * (blades > 0.8), 0, 0.95)
    tone = 0.16 if season == "summer" else 0.24
    return np.clip(tone * (0.5 + blades), 0.02, 1.0)


def hedge(rng: Rng, season: str, side: int = 128) -> Image:
    """Return a clipped hedge."""
    leaf = noise(rng, side, side, 0.8)
    tone = {"summer": 0.14, "autumn": 0.3, "winter": 0.1}[season]
    return np.clip(tone * (0.3 + 1.6 * leaf**2), 0.015, 1.0)


def leafy_crown(rng: Rng, season: str, side: int = 256) -> tuple[Image, Image]:
    """Return albedo and alpha of a tree's crown in leaf."""
    y, x = grid(side, side)
    lumps = noise(rng, side, side, 1.5)
    leaf = noise(rng, side, side, 0.8)
    radius = np.hypot((y - 0.5) / rng.uniform(0.42, 0.5), (x - 0.5) / rng.uniform(0.4, 0.5))
    dense = 1.0 if season == "summer" else 0.72
    alpha = (radius < 0.65 + 0.45 * lumps) & (
        leaf > 0.25 + 0.3 * (1 - dense) + 0.25 * (radius > 0.8)
    )
    tone = 0.13 if season == "summer" else 0.32
    albedo = tone * (0.35 + 1.3 * leaf) * (1.25 - 0.6 * y)
    return np.clip(albedo, 0.015, 1.0), alpha.astype(float)


def bare_crown(rng: Rng, side: int = 256) -> tuple[Image, Image]:
    """Return albedo and alpha of branches without leaves."""
    alpha = np.zeros((side, side))

    def grow(x: float, y: float, angle: float, length: float, width: float) -> None:
        steps = max(int(length * 1.5), 2)
        for k in range(steps + 1):
            px, py = x + k / steps * length * np.sin(angle), y - k / steps * length * np.cos(angle)
            i, j, w = int(py), int(px), max(round(width), 1)
            alpha[max(i, 0) : max(i + w, 0), max(j, 0) : max(j + w, 0)] = 1.0
        if length < 9:
            return
        for side_angle in (rng.uniform(-0.8, -0.25), rng.uniform(0.25, 0.8)):
            grow(px, py, angle + side_angle, length * rng.uniform(0.62, 0.8), width * 0.68)

    grow(side / 2, side - 1.0, 0.0, side * 0.24, 7.0)
    return np.full((side, side), 0.09), alpha


def bark(rng: Rng) -> Image:
    """Return bark: furrows along the trunk."""
    return np.clip(0.08 + 0.16 * noise(rng, 64, 32, 0.9, 0.25), 0.02, 1.0)


def car_side(rng: Rng, paint: float) -> tuple[Image, Image]:
    """Return albedo and alpha of a car seen from the side, wheels on the ground."""
    y, x = grid(128, 256)
    up = 1 - y * np.ones_like(x)
    body = (up > 0.18) & (up < 0.58) & (np.abs(x - 0.5) < 0.485)
    slope = rng.uniform(0.26, 0.34)
    cabin = (up >= 0.56) & (up < 0.97) & (np.abs(x - 0.52) < slope - 0.25 * (up - 0.56))
    pane = (up > 0.6) & (up < 0.9) & (np.abs(x - 0.52) < slope - 0.03 - 0.25 * (up - 0.56))
    albedo = np.where(up > 0.42, paint, 0.75 * paint)
    albedo = np.where(pane & (np.abs(x - 0.54) > 0.012), 0.05, albedo)
    alpha = body | cabin
    for cx in (0.2, 0.81):
        radius = np.hypot((up - 0.16) / 0.2, (x - cx) / 0.095)
        albedo = np.where(radius < 1.0, np.where(radius < 0.5, 0.5, 0.03), albedo)
        alpha = alpha | (radius < 0.82)
    albedo = np.where((np.abs(up - 0.5) < 0.015) & (np.abs(x - 0.62) < 0.03), 0.9, albedo)
    return np.clip(albedo, 0.02, 0.95), alpha.astype(float)


def sign(rng: Rng, side: int = 64) -> tuple[Image, Image]:
    """Return albedo and alpha of a sign: a disc, a triangle or a board with a mark."""
    y, x = grid(side, side)
    kind = int(rng.integers(3))
    radius = np.hypot(y - 0.5, x - 0.5) * 2
    if kind == 0:
        alpha, rim = radius < 0.98, radius > 0.75
    elif kind == 1:
        alpha = np.abs(x - 0.5) * 2 < y
        rim = alpha & ((np.abs(x - 0.5) * 2 > y - 0.25) | (y > 0.88))
    else:
        alpha = np.ones_like(radius, np.bool_)
        rim = np.maximum(np.abs(y - 0.5), np.abs(x - 0.5)) > 0.44
    ground = rng.choice([0.9, 0.15])
    mark = noise(rng, side, side, 1.6) > 0.6
    albedo = np.where(mark & ~rim, 0.95 - ground, ground)
    return np.clip(np.where(rim, 0.25, albedo), 0.02, 0.95), alpha.astype(float)
