"""From one key frame to the next: every pixel in as many steps as its own motion needs.

Between two key frames a pixel can only see what was seen near it in one of them. So each tile of
the image keeps a short list of surfaces; at every step a pixel's ray is met with the few on its
list, the nearest is shaded, and the luminance goes to the pixel's event model::

    key frame A                                         key frame B
    |----|----|----|----|----|----|----|----|           a tile that moves 4 pixels: 8 steps
    |-------------------|-------------------|           a tile that moves 1 pixel: 2 steps

Where an edge crosses a pixel, four rays are averaged; whether they are needed is decided from the
geometry at that very moment, so luminance does not depend on where key frames lie.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from saccade.jit import kernel
from saccade.simulate.pixel_kernel import MOST_PER_STEP, advance, advance_along
from saccade.simulate.shade import alpha_at, sky_luminance, surface_luminance, surface_run

__all__ = ["FULL_LIST", "NEAR_M", "TILE", "luminance_image", "march", "runs"]

TILE = 8
FULL_LIST = 192
"""Most surfaces that a tile can list; with more, the ones beyond are met at the next key frame."""
NEAR_M = 0.05
"""Nothing is nearer to a camera than this."""


@kernel(counted=False, apart=True)
def runs(ids: Any, left: Any, right: Any) -> None:
    """Write how many neighbours to the left and right of each pixel see the same surface."""
    height, width = ids.shape
    for y in range(height):
        left[y, 0] = 0
        for x in range(1, width):
            left[y, x] = left[y, x - 1] + 1 if ids[y, x] == ids[y, x - 1] else 0
        right[y, width - 1] = 0
        for x in range(width - 2, -1, -1):
            right[y, x] = right[y, x + 1] + 1 if ids[y, x] == ids[y, x + 1] else 0


@kernel(counted=False)
def _is_uniform(ids: Any, left: Any, right: Any, y: int, x: int, reach: int) -> Any:
    """Tell whether all pixels within ``reach`` see the same surface."""
    height, width = ids.shape
    here = ids[y, x]
    before, after = min(reach, x), min(reach, width - 1 - x)
    for row in range(max(y - reach, 0), min(y + reach + 1, height)):
        if ids[row, x] != here or left[row, x] < before or right[row, x] < after:
            return False
    return True


@kernel(counted=False, apart=True)
def _collect(ids: Any, y0: int, x0: int, reach: int, found: Any, count: int) -> Any:
    """Add the surfaces seen in a tile and around it to a list; return its length."""
    height, width = ids.shape
    last = -2
    for y in range(max(y0 - reach, 0), min(y0 + TILE + reach, height)):
        for x in range(max(x0 - reach, 0), min(x0 + TILE + reach, width)):
            here = ids[y, x]
            if here == last:
                continue
            last = here
            known = here < 0
            for k in range(count):
                if found[k] == here:
                    known = True
                    break
            if not known and count < found.shape[0]:
                found[count] = here
                count += 1
    return count


@kernel(counted=False)
def _nearest(
    look: Any, texels: Any, levels: Any, terms: Any, step: Any, found: Any, count: Any,
    rx: Any, ry: Any, pixel: Any,
) -> Any:  # fmt: skip
    """Return which listed surface a ray meets first, -1 for none."""
    best, best_depth = -1, np.inf
    for k in range(count):
        here = found[k]
        divisor = rx * terms[here, step, 0] + ry * terms[here, step, 1] + terms[here, step, 2]
        a = rx * terms[here, step, 3] + ry * terms[here, step, 4] + terms[here, step, 5]
        b = rx * terms[here, step, 6] + ry * terms[here, step, 7] + terms[here, step, 8]
        if divisor < 0.0:
            if a > 0.0 or a < divisor or b > 0.0 or b < divisor:
                continue
        elif a < 0.0 or a > divisor or b < 0.0 or b > divisor or divisor == 0.0:
            continue
        depth = terms[here, step, 9] / divisor
        if depth < NEAR_M or depth >= best_depth:
            continue
        if look[here, 13] >= 0.0:
            s, t = a / divisor, b / divisor
            alpha = alpha_at(
                look, texels, levels, here, terms, here, step, divisor, s, t, pixel
            )  # fmt: skip
            if alpha < 0.5:
                continue
        best, best_depth = here, depth
    return best


@kernel(counted=False)
def _shade(
    look: Any, texels: Any, levels: Any, light: Any, headlamp: Any, sky: Any,
    terms: Any, turns: Any, step: Any, here: Any, rx: Any, ry: Any, pixel: Any,
) -> Any:  # fmt: skip
    if here < 0:
        return sky_luminance(sky, turns, step, rx, ry)
    return surface_luminance(
        look, texels, levels, light, headlamp, here, terms, here, step, rx, ry, pixel
    )


@kernel(counted=False, apart=True)
def _mean(
    look: Any, texels: Any, levels: Any, light: Any, headlamp: Any, sky: Any,
    terms: Any, turns: Any, step: Any, found: Any, count: Any, rx: Any, ry: Any, pixel: Any,
) -> Any:  # fmt: skip
    """Return the mean luminance over a pixel near which several surfaces are seen."""
    dx, dy = 0.125 * pixel[0], 0.125 * pixel[1]
    x0, y0, x1, y1 = rx + dx, ry + 3 * dy, rx - 3 * dx, ry + dy
    x2, y2, x3, y3 = rx + 3 * dx, ry - dy, rx - dx, ry - 3 * dy
    p = _nearest(look, texels, levels, terms, step, found, count, x0, y0, pixel)
    q = _nearest(look, texels, levels, terms, step, found, count, x1, y1, pixel)
    r = _nearest(look, texels, levels, terms, step, found, count, x2, y2, pixel)
    s = _nearest(look, texels, levels, terms, step, found, count, x3, y3, pixel)
    corners = 4
    if p == q and p == r and p == s:
        corners, x0, y0 = 1, rx, ry
    total = 0.0
    for corner in range(corners):
        here, x, y = p, x0, y0
        if corner == 1:
            here, x, y = q, x1, y1
        elif corner == 2:
            here, x, y = r, x2, y2
        elif corner == 3:
            here, x, y = s, x3, y3
        total += _shade(
            look, texels, levels, light, headlamp, sky, terms, turns, step, here, x, y, pixel
        )
    return total / corners


@kernel(counted=False, apart=True)
def march(
    world: Any, rays: Any, pixel: Any, view: Any, times: Any, cells: Any, params: Any, seed: Any,
    band: Any, cursor: Any, found: Any, bright: Any, work: Any,
    out_t: Any, out_x: Any, out_y: Any, out_p: Any,
) -> Any:  # fmt: skip
    """Bring the pixels of a band of tiles from one key frame to the next; return the event count.

    Stops early when ``out`` might not hold the next pixel's events; ``cursor`` (tile, pixel) then
    says where to go on, and is (number of tiles, 0) at the end.

    Args:
        world: The scene.
        rays: float64 ``[H, W, 3]``.
        pixel: float64 ``[2]``, size of a pixel at z = 1.
        view: What is seen between the key frames (`interval.View`).
        times: float64 ``[S + 1]`` µs, of every finest step.
        cells: State of the pixel models.
        params: Their parameters.
        seed: Seed of their noise.
        band: First and one-past-last row of tiles.
        cursor: int64 ``[2]``, updated.
        found: int32 ``[FULL_LIST]``, working memory.
        bright: float64 ``[S]``, working memory.
        work: float64 ``[5, S]``, working memory.
        out_t: int64 ``[room]``; ``out_x``, ``out_y``, ``out_p`` alike.
        out_x: Columns.
        out_y: Rows.
        out_p: Polarities.
    """
    look, texels, levels, light = view.look, world.texels, world.levels, world.light
    sky, headlamp, terms, turns = world.sky, world.headlamp_cd, view.terms, view.turns
    seen_a, seen_b = view.seen_a, view.seen_b
    height, width = seen_a.shape
    across = (width + TILE - 1) // TILE
    finest = times.shape[0] - 1
    tiles = (band[1] - band[0]) * across
    n = 0
    for tile in range(cursor[0], tiles):
        down, aside = band[0] + tile // across, tile % across
        y0, x0 = down * TILE, aside * TILE
        steps, reach = view.steps[down, aside], view.reach[down, aside]
        count = _collect(seen_a, y0, x0, reach, found, 0)
        count = _collect(seen_b, y0, x0, reach, found, count)
        stride = finest // steps
        tall, wide = min(TILE, height - y0), min(TILE, width - x0)
        for place in range(cursor[1], tall * wide):
            if n + steps * MOST_PER_STEP > out_t.shape[0]:
                cursor[0], cursor[1] = tile, place
                return n
            y, x = y0 + place // wide, x0 + place % wide
            rx, ry = rays[y, x, 0], rays[y, x, 1]
            here = seen_a[y, x]
            pure = (
                here == seen_b[y, x]
                and _is_uniform(seen_a, view.left_a, view.right_a, y, x, reach)
                and _is_uniform(seen_b, view.left_b, view.right_b, y, x, reach)
            )
            before = n
            if pure and here >= 0:
                surface_run(
                    look, texels, levels, light, headlamp, here, terms, here, steps, stride,
                    rx, ry, pixel, bright,
                )  # fmt: skip
            else:
                for k in range(1, steps + 1):
                    if pure:
                        bright[k - 1] = sky_luminance(sky, turns, k * stride, rx, ry)
                    else:
                        bright[k - 1] = _mean(
                            look, texels, levels, light, headlamp, sky, terms, turns, k * stride,
                            found, count, rx, ry, pixel,
                        )  # fmt: skip
            if steps >= 4:
                n = advance_along(
                    cells, y * width + x, times, stride, bright, steps, params, seed, work,
                    out_t, out_p, n,
                )  # fmt: skip
            else:
                for k in range(steps):
                    n = advance(
                        cells, y * width + x, times[k * stride], times[(k + 1) * stride],
                        bright[k], params, seed, out_t, out_p, n,
                    )  # fmt: skip
            for event in range(before, n):
                out_x[event], out_y[event] = x, y
        cursor[1] = 0
    cursor[0] = tiles
    return n


@kernel(counted=False, apart=True)
def luminance_image(
    world: Any, rays: Any, pixel: Any, view: Any, rows: Any, found: Any, out: Any
) -> None:
    """Write the luminance in cd/m² at the first key frame for rows ``rows[0]`` to ``rows[1]``."""
    look, texels, levels, light = view.look, world.texels, world.levels, world.light
    sky, headlamp, terms, turns = world.sky, world.headlamp_cd, view.terms, view.turns
    seen = view.seen_a
    height, width = seen.shape
    for y in range(rows[0], rows[1]):
        for x in range(width):
            rx, ry = rays[y, x, 0], rays[y, x, 1]
            if _is_uniform(seen, view.left_a, view.right_a, y, x, 1):
                out[y, x] = _shade(
                    look, texels, levels, light, headlamp, sky, terms, turns, 0, seen[y, x],
                    rx, ry, pixel,
                )  # fmt: skip
                continue
            count = 0
            for near_y in range(max(y - 1, 0), min(y + 2, height)):
                for near_x in range(max(x - 1, 0), min(x + 2, width)):
                    here = seen[near_y, near_x]
                    known = here < 0
                    for k in range(count):
                        known = known or found[k] == here
                    if not known:
                        found[count] = here
                        count += 1
            out[y, x] = _mean(
                look, texels, levels, light, headlamp, sky, terms, turns, 0, found, count,
                rx, ry, pixel,
            )  # fmt: skip
