"""Albedo of a room's materials: wallpaper, floor boards, wood, ceiling, rug, cardboard, leaves.

Arrays ``[height, width]`` in 0..1, row 0 at the top, sides powers of two. Those that cover large
surfaces repeat seamlessly: their noise is a sum of whole waves,

    noise = Re sum_k  A_k exp(i (k . x + phase_k)),   |A_k| ~ |k|^-slope
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

__all__ = [
    "Image",
    "Rng",
    "cardboard",
    "ceiling_tiles",
    "floor_boards",
    "grid",
    "halved",
    "leaves",
    "noise",
    "rug",
    "speckle",
    "wallpaper",
    "wood",
]

Image = NDArray[np.float64]
Rng = np.random.Generator


def noise(rng: Rng, height: int, width: int, slope: float = 1.2, stretch: float = 1.0) -> Image:
    """Return seamless noise within 0..1, with about equally many points at every value.

    Args:
        rng: Source of the phases.
        height: Rows.
        width: Columns.
        slope: Amplitudes fall as frequency to this power: 0 is white, 2 cloudy.
        stretch: How many times longer its structures are along rows than across them.

    Examples:
        >>> values = noise(np.random.default_rng(0), 64, 64)
        >>> bool(np.all(np.abs(np.quantile(values, [0.25, 0.75]) - [0.25, 0.75]) < 0.03))
        True
    """
    y, x = np.fft.fftfreq(height, 1 / height)[:, None], np.fft.fftfreq(width, 1 / width)[None]
    frequency = np.hypot(y, x * stretch)
    frequency[0, 0] = np.inf
    spectrum = np.fft.fft2(rng.standard_normal((height, width))) * frequency**-slope
    values = np.fft.ifft2(spectrum).real
    return 0.5 + 0.5 * np.tanh(0.8 * values / values.std())  # near a Gauss curve's integral


def grid(height: int, width: int) -> tuple[Image, Image]:
    """Return where pixel centres are, 0..1: rows ``[height, 1]`` and columns ``[1, width]``."""
    return (np.arange(height)[:, None] + 0.5) / height, (np.arange(width)[None] + 0.5) / width


def halved(image: Image) -> Image:
    """Return an image of half the size, each pixel the mean of four: smooths drawn edges."""
    return 0.25 * (image[::2, ::2] + image[1::2, ::2] + image[::2, 1::2] + image[1::2, 1::2])


def speckle(rng: Rng, side: int = 256) -> Image:
    """Return fine structure to be multiplied on top of others, mean 0.5."""
    return 0.35 + 0.3 * noise(rng, side, side, 0.6)


def wallpaper(rng: Rng, side: int = 256) -> Image:
    """Return wallpaper: stripes with a small ornament in every second one, on mottled paper."""
    y, x = grid(2 * side, 2 * side)
    stripes, bloom = int(rng.integers(4, 7)), int(rng.integers(4, 7))
    across, up = x * stripes % 1.0 - 0.5, y * 2 * bloom % 1.0 - 0.5
    stripe = np.where(np.abs(across) < 0.32, 1.0, 0.82) + 0 * y
    petals = 0.17 + 0.09 * np.cos(5 * np.arctan2(up, 1.4 * across))
    drawn = np.where(np.hypot(up, 1.4 * across) < petals, 0.62, 1.0)
    drawn = np.where(np.hypot(up, 1.4 * across) < 0.06, 1.15, drawn)
    tone = rng.uniform(0.5, 0.6)
    paper = halved(tone * stripe * drawn)
    return np.clip(paper * (0.86 + 0.28 * noise(rng, side, side, 1.0)), 0.0, 1.0)


def wood(rng: Rng, height: int = 128, width: int = 512, tone: float = 0.3) -> Image:
    """Return a board with its grain along the rows."""
    bend = noise(rng, height, width, 2.0, 7.0)
    rings = 0.5 + 0.5 * np.sin(2 * np.pi * 7 * bend)
    fibre = noise(rng, height, width, 0.9, 16.0)
    return np.clip(tone * (0.62 + 0.42 * rings**2 + 0.4 * (fibre - 0.3)), 0.02, 1.0)


def floor_boards(rng: Rng, side: int = 1024, boards: int = 8) -> Image:
    """Return floor boards that run along the rows, two ends in each, gaps between them."""
    floor, high = np.empty((side, side)), side // boards
    for k in range(boards):
        grain = wood(rng, high, side, tone=rng.uniform(0.2, 0.42))
        first = int(rng.integers(0, side))
        ends = np.sort([first, (first + int(side * rng.uniform(0.35, 0.65))) % side])
        inside = (np.arange(side) >= ends[0]) & (np.arange(side) < ends[1])
        board = grain * np.where(inside, 1.0, rng.uniform(0.72, 0.9))
        for end in ends:
            board[:, np.arange(end, end + 3) % side] = 0.03
        board[:2] = 0.03
        floor[k * high : (k + 1) * high] = board
    return floor


def ceiling_tiles(rng: Rng, side: int = 256) -> Image:
    """Return four perforated tiles with joints."""
    y, x = grid(2 * side, 2 * side)
    holes = np.hypot(y * 40 % 1.0 - 0.5, x * 40 % 1.0 - 0.5) < 0.22
    joint = (np.abs(y * 2 % 1.0 - 0.5) > 0.485) | (np.abs(x * 2 % 1.0 - 0.5) > 0.485)
    tiles = np.where(joint, 0.35, np.where(holes, 0.5, 0.8))
    return halved(tiles) * (0.9 + 0.1 * noise(rng, side, side, 0.7))


def rug(rng: Rng, side: int = 512) -> Image:
    """Return a woven rug: border, nested diamonds, threads."""
    y, x = grid(2 * side, 2 * side)
    edge = np.minimum(np.minimum(y, 1 - y), np.minimum(x, 1 - x))
    waves = int(rng.integers(5, 9))
    diamonds = (np.abs(x * waves % 1.0 - 0.5) + np.abs(y * waves % 1.0 - 0.5)) * 4 % 1.0
    field = np.where(diamonds < 0.5, 0.12, np.where(diamonds < 0.75, 0.45, 0.28))
    zigzag = (np.abs((x + y) * 24 % 1.0 - 0.5) * 4 % 1.0) < 0.5
    border = np.where(zigzag, 0.55, 0.16)
    drawn = np.where(edge > 0.1, field, np.where(edge > 0.085, 0.05, border))
    drawn = np.where(edge < 0.015, 0.7, drawn)
    threads = 0.8 + 0.2 * (np.sin(2 * np.pi * side / 8 * y) * np.sin(2 * np.pi * side / 8 * x) > 0)
    return halved(np.asarray(drawn * threads, np.float64)) * (
        0.8 + 0.2 * noise(rng, side, side, 0.8)
    )


def cardboard(rng: Rng, side: int = 256) -> Image:
    """Return one side of a box: corrugation, a strip of tape, a label, printed marks."""
    y, x = grid(side, side)
    base = 0.3 + 0.02 * np.sin(2 * np.pi * 40 * x) + 0.08 * (noise(rng, side, side, 1.0) - 0.5)
    tape = np.abs(x - 0.5) < 0.07
    base = np.where(tape & (np.abs(y - 0.5) < 0.5), 0.42 + 0.05 * noise(rng, side, side, 0.5), base)
    top, left = rng.uniform(0.1, 0.5), rng.choice([0.08, 0.62])
    label = (y > top) & (y < top + 0.32) & (x > left) & (x < left + 0.3)
    lines = ((y * 32 % 1.0) < 0.4) & ((noise(rng, side, side, 0.3, 5.0)) < 0.7)
    base = np.where(label, np.where(lines, 0.1, 0.8), base)
    arrow_x, arrow_y = 0.85 if left < 0.5 else 0.15, y - 0.7
    arrow = (np.abs(x - arrow_x) < 0.5 * (arrow_y + 0.12)) & (np.abs(arrow_y) < 0.12)
    return np.clip(np.where(arrow, 0.05, base), 0.0, 1.0)


def leaves(rng: Rng, side: int = 256) -> tuple[Image, Image]:
    """Return albedo and alpha of a pot plant: long leaves fanning out from the bottom."""
    y, x = grid(side, side)
    albedo, alpha = np.full((side, side), 0.2), np.zeros((side, side))
    for angle in np.sort(rng.uniform(-1.15, 1.15, 17)):
        length, bend = rng.uniform(0.55, 0.95), rng.uniform(-0.35, 0.35)
        along = ((1 - y) * np.cos(angle) + (x - 0.5) * np.sin(angle)) / length
        aside = (x - 0.5) * np.cos(angle) - (1 - y) * np.sin(angle) - bend * along**2 * length / 2
        inside = np.clip(along, 0, 1)
        half = 0.05 * np.sqrt(inside) * (1 - inside) * 2.2
        leaf = (along > 0) & (along < 1) & (np.abs(aside) < half)
        shade = rng.uniform(0.1, 0.3) * (1.0 - 0.4 * (np.abs(aside) < 0.006))
        albedo, alpha = np.where(leaf, shade, albedo), np.where(leaf, 1.0, alpha)
    return albedo * (0.8 + 0.2 * noise(rng, side, side, 0.8)), alpha
