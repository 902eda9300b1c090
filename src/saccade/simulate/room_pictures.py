"""Pictures that hang and stand in a room: posters, pages, screens, spines, the view outside.

They carry structure of every size, from a whole sheet down to a few texels, and strong contrast:
what a camera near them needs to see motion anywhere. Arrays as in `saccade.simulate.room_textures`.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from saccade.simulate.room_textures import Image, Rng, grid, halved, noise

__all__ = [
    "POSTERS", "board_face", "framed", "keyboard", "outside", "page", "panel_door", "screen",
    "spine",
]  # fmt: skip


def checks(rng: Rng, side: int = 512) -> Image:
    """Return squares within squares: every second one holds a finer board."""
    y, x = grid(side, side)
    count = int(rng.integers(4, 7))
    coarse = (np.floor(y * count) + np.floor(x * count)) % 2
    fine = (np.floor(y * count * 4) + np.floor(x * count * 4)) % 2
    pick = rng.random((count, count)) < 0.4
    chosen = pick[(y * count).astype(int), (x * count).astype(int)]
    return 0.06 + 0.8 * np.where(chosen, fine, coarse)


def shapes(rng: Rng, side: int = 512, count: int = 90) -> Image:
    """Return discs, rings, bars and triangles of all sizes, large ones behind small ones."""
    y, x = grid(2 * side, 2 * side)
    drawn = np.full((2 * side, 2 * side), rng.uniform(0.3, 0.8)) * (0.7 + 0.5 * y)
    for size in 0.3 * np.linspace(1.0, 0.13, count) ** 1.8:
        cy, cx, turn = rng.random(), rng.random(), rng.uniform(0, np.pi)
        rows, columns = _window(cy, size, 2 * side), _window(cx, size, 2 * side)
        up, right = (y[rows] - cy) / size, (x[:, columns] - cx) / size
        a, b = up * np.cos(turn) + right * np.sin(turn), right * np.cos(turn) - up * np.sin(turn)
        radius = np.hypot(a, b)
        kind = rng.integers(0, 4)
        inside = (
            (radius < 0.95) if kind == 0
            else (radius < 0.95) & (radius > 0.55) if kind == 1
            else (np.abs(a) < 0.25) & (np.abs(b) < 0.9) if kind == 2
            else (a > -0.5) & (np.abs(b) < 0.55 * (0.8 - a))
        )  # fmt: skip
        tone = rng.choice([0.03, 0.12, 0.3, 0.55, 0.88]) * (0.8 + 0.2 * a)
        drawn[rows, columns] = np.where(inside, tone, drawn[rows, columns])
    return np.clip(halved(drawn), 0.0, 1.0)


def _window(middle: float, half: float, length: int) -> slice:
    """Return which pixels of a side lie within ``half`` of ``middle``, both as shares of it."""
    low, high = np.clip([middle - half, middle + half], 0.0, 1.0) * length
    return slice(int(low), int(np.ceil(high)))


def star(rng: Rng, side: int = 512) -> Image:
    """Return a Siemens star over a gradient, with rulers of growing fineness below."""
    y, x = grid(2 * side, 2 * side)
    cy, cx, spokes = 0.42, rng.uniform(0.45, 0.55), int(rng.integers(18, 30))
    radius, angle = np.hypot(y - cy, x - cx), np.arctan2(y - cy, x - cx)
    wedge = (angle * spokes / np.pi) % 2 < 1
    drawn = np.where(radius < 0.36, np.where(wedge, 0.04, 0.88), 0.25 + 0.5 * x)
    drawn = np.where((radius > 0.36) & (radius < 0.375), 0.04, drawn)
    ruler = (6 * 2.0 ** (5 * x)) % 2 < 1
    drawn = np.where((y > 0.84) & (y < 0.95), np.where(ruler, 0.04, 0.88), drawn)
    return halved(drawn + 0 * y)


def contours(rng: Rng, side: int = 512) -> Image:
    """Return a map: height lines, hatched lakes, a net of roads."""
    height = noise(rng, side, side, 2.4)
    lines = np.abs(height * 18 % 1.0 - 0.5) > 0.42
    bold = np.abs(height * 4.5 % 1.0 - 0.5) > 0.47
    y, x = grid(side, side)
    lake = height < 0.22
    drawn = 0.45 + 0.45 * height
    drawn = np.where(lake, np.where((x + y) * 64 % 1.0 < 0.3, 0.15, 0.35), drawn)
    drawn = np.where(lines, 0.25, drawn)
    drawn = np.where(bold, 0.06, drawn)
    road = np.abs(noise(rng, side, side, 2.2) - 0.5) < 0.006
    return np.where(road, 0.92, drawn)


def page(rng: Rng, height: int = 512, width: int = 256, lines: int = 30) -> Image:
    """Return a printed page: a heading, paragraphs of word-like marks, a figure."""
    y, x = grid(height, width)
    drawn = np.full((height, width), 0.85)
    heading = (y > 0.05) & (y < 0.11) & (x > 0.1) & (x < rng.uniform(0.6, 0.9))
    drawn = np.where(heading & (_letters(rng, height, width, 10) < 0.62), 0.04, drawn)
    text = (y > 0.15) & (y < 0.95) & (x > 0.1) & (x < 0.9) & ((y * lines) % 1.0 < 0.55)
    ends = rng.uniform(0.5, 0.9, lines)[np.minimum((y * lines).astype(int), lines - 1)]
    wraps = rng.random(lines)[np.minimum((y * lines).astype(int), lines - 1)] < 0.2
    text &= ~wraps | (x < ends)
    drawn = np.where(text & (_letters(rng, height, width, 3) < 0.55), 0.06, drawn)
    top = rng.uniform(0.25, 0.6)
    figure = (y > top) & (y < top + 0.24) & (x > 0.14) & (x < 0.86)
    return np.where(figure, 0.1 + 0.75 * noise(rng, height, width, 1.6), drawn)


def _letters(rng: Rng, height: int, width: int, wide: int) -> Image:
    """Return marks of ``wide`` texels whose strokes change from row to row."""
    marks = rng.random((height // wide + 1, width // wide + 1))
    gaps = np.repeat(rng.random((height // wide + 1, width // (4 * wide) + 1)) < 0.2, 4, axis=1)
    marks = np.where(gaps[:, : marks.shape[1]], 1.0, marks)
    return np.repeat(np.repeat(marks, wide, axis=0), wide, axis=1)[:height, :width]


def framed(image: Image) -> Image:
    """Return a picture with a white margin and a dark frame drawn over its edge."""
    y, x = grid(*image.shape)
    edge = np.minimum(np.minimum(y, 1 - y), np.minimum(x, 1 - x))
    return np.where(edge < 0.02, 0.04, np.where(edge < 0.045, 0.85, image))


POSTERS: tuple[Callable[[Rng], Image], ...] = (checks, shapes, star, contours, page)
"""Ways to draw a poster."""


def board_face(rng: Rng, width: int = 512, height: int = 512) -> Image:
    """Return a face of the rotating board: shapes, a checked border, dots of many sizes."""
    drawn = shapes(rng, max(width, height))[:height, :width].copy()
    y, x = grid(height, width)
    edge = np.minimum(np.minimum(y, 1 - y), np.minimum(x, 1 - x))
    squares = (np.floor(y * 18) + np.floor(x * 24)) % 2
    drawn = np.where(edge < 0.055, 0.04 + 0.86 * squares, drawn)
    for _ in range(260):
        cy, cx, size = rng.random(), rng.random(), rng.choice([0.006, 0.009, 0.014])
        rows, columns = _window(cy, size, height), _window(cx, size, width)
        near = (y[rows] - cy) ** 2 + (x[:, columns] - cx) ** 2 < size**2
        drawn[rows, columns][near] = rng.choice([0.03, 0.92])
    return drawn


def spine(rng: Rng, height: int = 128, width: int = 32) -> Image:
    """Return the back of a book: bands and a title running down."""
    y, x = grid(height, width)
    tone = rng.choice([0.04, 0.1, 0.2, 0.35, 0.6, 0.75])
    ink = 0.85 if tone < 0.3 else 0.05
    drawn = tone * (1.0 - 0.5 * np.abs(x - 0.5)) + 0 * y
    for place in rng.uniform(0.03, 0.97, 4):
        drawn = np.where(np.abs(y - place) < rng.choice([0.006, 0.02]), ink, drawn)
    title = (y > 0.18) & (y < rng.uniform(0.5, 0.8)) & (np.abs(x - 0.5) < 0.25)
    return np.where(title & (_letters(rng, height, width, 4) < 0.5), ink, drawn)


def keyboard(rng: Rng, height: int = 64, width: int = 256) -> Image:
    """Return a keyboard from above: dark keys with a bright mark on each."""
    y, x = grid(height, width)
    up, across = y * 5 % 1.0, (x * 15 + 0.4 * np.floor(y * 5)) % 1.0
    key = (np.abs(up - 0.5) < 0.38) & (np.abs(across - 0.5) < 0.38)
    mark = (np.abs(up - 0.4) < 0.14) & (np.abs(across - 0.42) < 0.12)
    return np.where(mark, 0.75, np.where(key, 0.14, 0.03)) * (
        0.85 + 0.15 * noise(rng, height, width, 0.5)
    )


def screen(rng: Rng, height: int = 256, width: int = 512) -> tuple[Image, Image]:
    """Return albedo and emission of a monitor: windows with text, a plot, a bar of icons."""
    y, x = grid(height, width)
    glow = 0.12 + 0.12 * noise(rng, height, width, 1.6)
    for _ in range(3):
        top, left = rng.uniform(0.03, 0.35), rng.uniform(0.02, 0.5)
        high, wide = rng.uniform(0.35, 0.55), rng.uniform(0.3, 0.48)
        inside = (y > top) & (y < top + high) & (x > left) & (x < left + wide)
        paper, ink = rng.choice([0.9, 0.06]), 0.5
        text = ((y - top) * 48 % 1.0 < 0.5) & (_letters(rng, height, width, 3) < 0.45)
        glow = np.where(inside, np.where(text & (x > left + 0.02), ink, paper), glow)
        glow = np.where(inside & (y < top + 0.03), 0.55, glow)
    curve = 0.7 - 0.15 * np.sin(14 * x + rng.uniform(0, 6)) * np.exp(-2 * x)
    glow = np.where((np.abs(y - curve) < 0.008) & (x > 0.55), 1.0, glow)
    icons = (y > 0.94) & (x * 24 % 1.0 < 0.6)
    return np.full((height, width), 0.04), np.where(icons, 0.75, glow)


def panel_door(rng: Rng, height: int = 512, width: int = 256) -> Image:
    """Return a door with four sunk panels."""
    y, x = grid(height, width)
    up, across = np.abs(y * 2 % 1.0 - 0.5), np.abs(x * 2 % 1.0 - 0.5)
    depth = np.maximum(up, across)
    tone = np.where(depth < 0.33, 0.5, np.where(depth < 0.38, 0.22, 0.58))
    return tone * (0.85 + 0.3 * (noise(rng, height, width, 0.9, 1 / 12) - 0.5))


def outside(rng: Rng, side: int = 512) -> tuple[Image, Image]:
    """Return albedo and emission of the view from a window: sky, roofs, windows, trees."""
    y, x = grid(side, side)
    light = 0.75 + 0.25 * noise(rng, side, side, 1.7) - 0.15 * y
    left = 0.0
    while left < 1.0:
        wide, top = rng.uniform(0.08, 0.22), rng.uniform(0.38, 0.62)
        house = (x >= left) & (x < left + wide) & (y > top)
        panes = (np.abs((x - left) * 26 % 1.0 - 0.5) < 0.24) & (
            np.abs((y - top) * 20 % 1.0 - 0.5) < 0.28
        )
        tone = rng.uniform(0.18, 0.5)
        light = np.where(house, np.where(panes, 0.06, tone), light)
        left += wide
    canopy = 0.78 + 0.08 * (noise(rng, side, side, 1.5)[:1] - 0.5)
    tree = y + 0.05 * (noise(rng, side, side, 0.9) - 0.5) > canopy
    light = np.where(tree, 0.03 + 0.16 * noise(rng, side, side, 0.7), light)
    return np.full((side, side), 0.05), np.clip(light, 0.0, 1.0)
