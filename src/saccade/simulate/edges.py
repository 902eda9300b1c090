"""Pixels at the edge of a surface: how far every pixel is from one, what its four rays meet.

calm(x) = largest r with all pixels within r (chessboard distance) seeing the surface seen at x

four rays in a pixel, in quarters of its half width:    . p .        p (1, 3)    q (-3, 1)
                                                        q . r        r (3, -1)   s (-1, -3)
                                                        . s .        their mean is the centre
"""

from __future__ import annotations

from typing import Any

import numpy as np

from saccade.jit import kernel
from saccade.simulate.light_sky import sky_luminance
from saccade.simulate.shade import alpha_lod, is_there, surface_luminance

__all__ = ["NEAR_M", "calm", "four_rays", "mean_luminance", "narrow"]

NEAR_M = 0.05
"""Nothing is nearer to a camera than this."""
_QUARTER = 0.125
_SPARE = 8.0  # quarters of a half pixel, kept clear of every side when a moment stands for others
_BEND = 0.1  # share of its way that a side may stray from the straight line between moments


@kernel(counted=False, apart=True)
def calm(ids: Any, out: Any) -> None:
    """Write how far around each pixel the same surface is seen, in pixels within the image.

    Two sweeps of a chessboard distance transform, from the pixels that have a different neighbour.

    Args:
        ids: int32 ``[H, W]``.
        out: int16 ``[H, W]``.
    """
    height, width = ids.shape
    for y in range(height):
        up, down = max(y - 1, 0), min(y + 1, height - 1)
        for x in range(width):
            left, right, here = max(x - 1, 0), min(x + 1, width - 1), ids[y, x]
            same = ids[y, left] == here and ids[y, right] == here
            same = same and ids[up, left] == here and ids[up, x] == here and ids[up, right] == here
            same = same and ids[down, left] == here and ids[down, x] == here
            reach = height + width if same and ids[down, right] == here else 0
            if y > 0:
                nearest = min(out[up, left], out[up, x], out[up, right])
                reach = min(reach, nearest + 1)
            if x > 0:
                reach = min(reach, out[y, left] + 1)
            out[y, x] = reach
    for y in range(height - 1, -1, -1):
        down = y + 1
        for x in range(width - 1, -1, -1):
            left, right, reach = max(x - 1, 0), min(x + 1, width - 1), out[y, x]
            if down < height:
                nearest = min(out[down, left], out[down, x], out[down, right])
                reach = min(reach, nearest + 1)
            if right > x:
                reach = min(reach, out[y, right] + 1)
            out[y, x] = reach


@kernel(counted=False, apart=True)
def narrow(
    look: Any, terms: Any, finest: Any, found: Any, count: Any, rx: Any, ry: Any, pixel: Any,
    near: Any,
) -> Any:  # fmt: skip
    """Keep of a list what a pixel may see between two key frames, judged at three moments.

    A surface falls away if the pixel stays beyond one of its sides, or behind the camera. If one
    covers the pixel throughout and all others stay behind it, nothing else is seen. Every side is
    given a pixel of room, and a share of how far it moves.

    Args:
        look: Of the surfaces seen.
        terms: float64 ``[V, S + 1, 10]``.
        finest: S.
        found: int32, the list.
        count: Its length.
        rx: Ray through the pixel's centre at z = 1.
        ry: See there.
        pixel: Size of a pixel at z = 1.
        near: int32, written: what remains.

    Returns:
        How many remain, and whether the first of them is all that is seen.
    """
    dx, dy = (3.0 + _SPARE) * _QUARTER * pixel[0], (3.0 + _SPARE) * _QUARTER * pixel[1]
    kept, cover, cover_near, cover_far, second = 0, -1, np.inf, np.inf, np.inf
    for k in range(count):
        here = found[k]
        left, right, below, above, behind = True, True, True, True, True
        covers = look[here, 13] < 0.0
        nearest, farthest = np.inf, 0.0
        d, a, b = 0.0, 0.0, 0.0
        for moment in range(3):
            at, d0, a0, b0 = moment * finest // 2, d, a, b
            d = rx * terms[here, at, 0] + ry * terms[here, at, 1] + terms[here, at, 2]
            a = rx * terms[here, at, 3] + ry * terms[here, at, 4] + terms[here, at, 5]
            b = rx * terms[here, at, 6] + ry * terms[here, at, 7] + terms[here, at, 8]
            if moment == 0:
                d0, a0, b0 = d, a, b
            d_room = dx * abs(terms[here, at, 0]) + dy * abs(terms[here, at, 1])
            a_room = dx * abs(terms[here, at, 3]) + dy * abs(terms[here, at, 4])
            b_room = dx * abs(terms[here, at, 6]) + dy * abs(terms[here, at, 7])
            d_room += _BEND * abs(d - d0)
            a_room += _BEND * abs(a - a0)
            b_room += _BEND * abs(b - b0)
            most, least = max(d, 0.0) + d_room, min(d, 0.0) - d_room
            left, right = left and a + a_room < least, right and a - a_room > most
            below, above = below and b + b_room < least, above and b - b_room > most
            volume, size = terms[here, at, 9], abs(d)
            if size <= d_room:
                covers, behind, nearest = False, False, 0.0
                continue
            sign = 1.0 if d > 0.0 else -1.0
            behind = behind and volume * sign < 0.0
            inside = size - d_room
            covers = covers and volume * sign > 0.0
            covers = covers and a * sign > a_room and a * sign + a_room < inside
            covers = covers and b * sign > b_room and b * sign + b_room < inside
            nearest = min(nearest, volume * sign / (size + d_room))
            farthest = max(farthest, volume * sign / inside)
        if left or right or below or above or behind:
            continue
        if covers and nearest >= NEAR_M and farthest < cover_far:
            second = min(second, cover_near)
            cover, cover_far, cover_near = kept, farthest, nearest
        else:
            second = min(second, nearest)
        near[kept] = here
        kept += 1
    if cover < 0 or second <= cover_far:
        return kept, False
    near[0] = near[cover]
    return 1, True


@kernel(counted=False)
def _depth(
    look: Any, texels: Any, levels: Any, here: Any, divisor: Any, a: Any, b: Any, volume: Any,
    lod: Any, nearest: Any,
) -> Any:  # fmt: skip
    """Return the depth at which a ray meets a surface, infinity if not before ``nearest``."""
    if divisor < 0.0:
        if a > 0.0 or a < divisor or b > 0.0 or b < divisor:
            return np.inf
    elif a < 0.0 or a > divisor or b < 0.0 or b > divisor or divisor == 0.0:
        return np.inf
    depth = volume / divisor
    if depth < NEAR_M or depth >= nearest:
        return np.inf
    if look[here, 13] >= 0.0 and not is_there(
        look, texels, levels, here, a / divisor, b / divisor, lod
    ):
        return np.inf
    return depth


@kernel(counted=False, apart=True)
def four_rays(
    look: Any, texels: Any, levels: Any, terms: Any, step: Any, found: Any, count: Any,
    rx: Any, ry: Any, pixel: Any,
) -> Any:  # fmt: skip
    """Return which listed surface each of a pixel's four rays meets first, -1 for none.

    A surface is passed over at once if the whole pixel lies beyond one of its sides.
    """
    dx, dy = _QUARTER * pixel[0], _QUARTER * pixel[1]
    p, q, r, s = -1, -1, -1, -1
    p_depth, q_depth, r_depth, s_depth = np.inf, np.inf, np.inf, np.inf
    for k in range(count):
        here = np.int64(found[k])
        n0, n1 = terms[here, step, 0], terms[here, step, 1]
        a0, a1 = terms[here, step, 3], terms[here, step, 4]
        b0, b1 = terms[here, step, 6], terms[here, step, 7]
        divisor = rx * n0 + ry * n1 + terms[here, step, 2]
        a = rx * a0 + ry * a1 + terms[here, step, 5]
        b = rx * b0 + ry * b1 + terms[here, step, 8]
        n0, a0, b0, n1, a1, b1 = n0 * dx, a0 * dx, b0 * dx, n1 * dy, a1 * dy, b1 * dy
        slack = 3.0 * (abs(n0) + abs(n1))
        a_slack, b_slack = 3.0 * (abs(a0) + abs(a1)), 3.0 * (abs(b0) + abs(b1))
        most, least = max(divisor, 0.0) + slack, min(divisor, 0.0) - slack
        if a - a_slack > most or a + a_slack < least or b - b_slack > most or b + b_slack < least:
            continue
        volume = terms[here, step, 9]
        lod = 0.0
        if look[here, 13] >= 0.0 and divisor != 0.0:
            lod = alpha_lod(
                look, levels, here, terms, here, step, divisor, a / divisor, b / divisor, pixel
            )
        depth = _depth(
            look, texels, levels, here, divisor + (n0 + 3.0 * n1),
            a + (a0 + 3.0 * a1), b + (b0 + 3.0 * b1), volume, lod, p_depth,
        )  # fmt: skip
        if depth < p_depth:
            p, p_depth = here, depth
        depth = _depth(
            look, texels, levels, here, divisor - (3.0 * n0 - n1),
            a - (3.0 * a0 - a1), b - (3.0 * b0 - b1), volume, lod, q_depth,
        )  # fmt: skip
        if depth < q_depth:
            q, q_depth = here, depth
        depth = _depth(
            look, texels, levels, here, divisor + (3.0 * n0 - n1),
            a + (3.0 * a0 - a1), b + (3.0 * b0 - b1), volume, lod, r_depth,
        )  # fmt: skip
        if depth < r_depth:
            r, r_depth = here, depth
        depth = _depth(
            look, texels, levels, here, divisor - (n0 + 3.0 * n1),
            a - (a0 + 3.0 * a1), b - (b0 + 3.0 * b1), volume, lod, s_depth,
        )  # fmt: skip
        if depth < s_depth:
            s, s_depth = here, depth
    return p, q, r, s


@kernel(counted=False, apart=True)
def mean_luminance(
    look: Any, texels: Any, levels: Any, light: Any, headlamp: Any, sky: Any,
    terms: Any, turns: Any, step: Any, hit: Any, rx: Any, ry: Any, pixel: Any,
) -> Any:  # fmt: skip
    """Return the luminance of a pixel: each surface that its rays met, by its share of them.

    Args:
        look: Of the surfaces seen; ``texels`` to ``turns`` as in `march.march`.
        texels: Textures.
        levels: Where their reductions lie.
        light: Light maps.
        headlamp: Candela.
        sky: Panorama.
        terms: Of the surfaces.
        turns: Camera to world.
        step: Moment.
        hit: What `four_rays` returned.
        rx: Ray through the pixel's centre at z = 1.
        ry: See there.
        pixel: Size of a pixel at z = 1.
    """
    p, q, r, s = hit
    total = 0.0
    for ray in range(4):
        here = p if ray == 0 else q if ray == 1 else r if ray == 2 else s
        if (ray > 0 and here == p) or (ray > 1 and here == q) or (ray > 2 and here == r):
            continue
        x, y, rays = 0.0, 0.0, 0.0
        if p == here:
            x, y, rays = x + 1.0, y + 3.0, rays + 1.0
        if q == here:
            x, y, rays = x - 3.0, y + 1.0, rays + 1.0
        if r == here:
            x, y, rays = x + 3.0, y - 1.0, rays + 1.0
        if s == here:
            x, y, rays = x - 1.0, y - 3.0, rays + 1.0
        x, y = rx + x / rays * _QUARTER * pixel[0], ry + y / rays * _QUARTER * pixel[1]
        if here < 0:
            part = sky_luminance(sky, turns, step, x, y)
        else:
            part = surface_luminance(
                look, texels, levels, light, headlamp, here, terms, here, step, x, y, pixel
            )
        total += rays * part
    return 0.25 * total
