"""Colours of maps: depth on a logarithmic scale, flow as hue for direction and colour for speed.

    depth   place = ln(depth / near) / ln(far / near)   on matplotlib's turbo, near red, far blue
    flow    hue = atan2(v, u), saturation = min(1, |flow| / most): right red, down green-yellow,
            left cyan, up violet; rest is white

Where there is nothing to show (NaN: sky, or hidden later) a map is grey.
"""

from __future__ import annotations

from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from saccade.errors import ConfigError

__all__ = ["NOTHING", "depth_bar", "depth_colors", "flow_colors", "flow_wheel"]

Rgb = NDArray[np.uint8]

NOTHING = (120, 120, 124)
"""Colour of pixels without a value."""


def depth_colors(depth: NDArray[np.float32], near_m: float, far_m: float) -> Rgb:
    """Return a depth map in colour.

    Args:
        depth: ``[H, W]`` in metres; NaN and infinity have no colour.
        near_m: Depth at the red end; nearer is red too.
        far_m: Depth at the blue end.

    Returns:
        uint8 ``[H, W, 3]``.

    Raises:
        ConfigError: Not ``0 < near_m < far_m``.

    Examples:
        >>> picture = depth_colors(np.array([[1, 10, 100, np.nan]], np.float32), 1, 100)
        >>> picture[0, 0].tolist() == picture[0, 1].tolist(), picture[0, 3].tolist()
        (False, [120, 120, 124])
    """
    if not 0 < near_m < far_m:
        raise ConfigError(f"Depth from {near_m:g} to {far_m:g} m.", "Expected 0 < near < far.")
    known = np.isfinite(depth) & (depth > 0)
    place = np.log(np.where(known, depth, near_m) / near_m) / np.log(far_m / near_m)
    entry = np.rint(255 * (1 - np.clip(place, 0, 1))).astype(np.int64)
    return np.where(known[..., None], _turbo()[entry], np.array(NOTHING, np.uint8))


def depth_bar(height: int, width: int) -> Rgb:
    """Return the scale of `depth_colors`, near to far from left to right."""
    place = np.rint(np.linspace(255, 0, width)).astype(np.int64)
    return np.broadcast_to(_turbo()[place], (height, width, 3)).copy()


def flow_colors(flow: NDArray[np.float32], most: float) -> Rgb:
    """Return a flow map in colour.

    Args:
        flow: ``[2, H, W]``, x and y, in any unit; NaN has no colour.
        most: Speed of full colour, in the same unit; faster is full colour too.

    Returns:
        uint8 ``[H, W, 3]``.

    Raises:
        ConfigError: ``most`` is not above 0.

    Examples:
        >>> flow_colors(np.zeros((2, 1, 1), np.float32), 5.0).tolist()
        [[[255, 255, 255]]]
    """
    if not most > 0:
        raise ConfigError(f"Flow up to {most:g}.", "Expected more than 0.")
    known = np.isfinite(flow[0]) & np.isfinite(flow[1])
    u, v = np.where(known, flow, 0.0)
    saturation = np.minimum(np.hypot(u, v) / most, 1.0)
    turn = np.arctan2(v, u)
    # three cosines a third of a turn apart give hue without corners
    thirds = np.array([0.0, 2.0, 4.0]) * np.pi / 3.0
    pure = 0.5 + 0.5 * np.cos(turn[..., None] - thirds)
    color = 255.0 * (1.0 - saturation[..., None] * (1.0 - pure))
    return np.where(known[..., None], np.rint(color), NOTHING).astype(np.uint8)


def flow_wheel(size: int, background: tuple[int, int, int] = (255, 255, 255)) -> Rgb:
    """Return the scale of `flow_colors`: every direction, speed growing outwards."""
    at = (np.arange(size) - (size - 1) / 2) / (size / 2)
    offset = np.stack(np.meshgrid(at, at)).astype(np.float32)
    wheel = flow_colors(offset, 1.0)
    wheel[np.hypot(offset[0], offset[1]) > 1.0] = background
    return wheel


@lru_cache(maxsize=1)
def _turbo() -> Rgb:
    from matplotlib import colormaps

    return np.rint(colormaps["turbo"](np.arange(256))[:, :3] * 255).astype(np.uint8)
