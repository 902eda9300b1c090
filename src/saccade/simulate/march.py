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
from saccade.simulate.edges import four_rays, mean_luminance, narrow
from saccade.simulate.light_sky import sky_luminance
from saccade.simulate.pixel_kernel import MOST_PER_STEP, advance, advance_along
from saccade.simulate.shade import surface_run

__all__ = ["FULL_LIST", "TILE", "luminance_image", "march"]

TILE = 8
FULL_LIST = 192
"""Most surfaces that a tile can list; with more, the ones beyond are met at the next key frame."""


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
def _at_an_edge(
    look: Any, texels: Any, levels: Any, light: Any, headlamp: Any, sky: Any,
    terms: Any, turns: Any, found: Any, count: Any, steps: Any, stride: Any,
    rx: Any, ry: Any, pixel: Any, whole: Any, bright: Any,
) -> None:  # fmt: skip
    """Write the luminance of a pixel near which several surfaces are seen.

    Where all four rays meet the same surface at several moments on end, these are one run.
    """
    for k in range(1, steps + 1):
        hit = four_rays(
            look, texels, levels, terms, k * stride, found, count, rx, ry, pixel
        )  # fmt: skip
        whole[k - 1] = hit[0]
        if hit[0] < 0 or hit[1] != hit[0] or hit[2] != hit[0] or hit[3] != hit[0]:
            whole[k - 1] = -1
            bright[k - 1] = mean_luminance(
                look, texels, levels, light, headlamp, sky, terms, turns, k * stride, hit,
                rx, ry, pixel,
            )  # fmt: skip
    first = np.int64(1)
    while first <= steps:
        here, last = whole[first - 1], first
        if here >= 0:
            while last < steps and whole[last] == here:
                last += 1
            surface_run(
                look, texels, levels, light, headlamp, here, terms, here, first, last, stride,
                rx, ry, pixel, bright,
            )  # fmt: skip
        first = last + 1


@kernel(counted=False)
def _fire_along(
    cells: Any, cell: Any, times: Any, steps: Any, stride: Any, bright: Any, params: Any, seed: Any,
    work: Any, out_t: Any, out_p: Any, n: Any,
) -> Any:  # fmt: skip
    """Show a pixel what it sees at all moments; return the event count."""
    if steps >= 4:
        return advance_along(
            cells, cell, times, stride, bright, steps, params, seed, work, out_t, out_p, n
        )
    for k in range(steps):
        n = advance(
            cells, cell, times[k * stride], times[(k + 1) * stride], bright[k], params, seed,
            out_t, out_p, n,
        )  # fmt: skip
    return n


@kernel(counted=False, apart=True)
def march(
    world: Any, rays: Any, pixel: Any, view: Any, times: Any, cells: Any, params: Any, seed: Any,
    band: Any, cursor: Any, found: Any, near: Any, whole: Any, bright: Any, work: Any,
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
        near: int32 ``[FULL_LIST]``, working memory.
        whole: int64 ``[S]``, working memory.
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
    first = np.int64(1)  # not a literal, for which numba would compile what it calls once more
    n = 0
    for tile in range(cursor[0], tiles):
        down, aside = band[0] + tile // across, tile % across
        y0, x0 = down * TILE, aside * TILE
        most, reach = view.steps[down, aside], view.reach[down, aside]
        count = _collect(seen_a, y0, x0, reach, found, first - 1)
        count = _collect(seen_b, y0, x0, reach, found, count)
        tall, wide = min(TILE, height - y0), min(TILE, width - x0)
        for place in range(cursor[1], tall * wide):
            if n + most * MOST_PER_STEP > out_t.shape[0]:
                cursor[0], cursor[1] = tile, place
                return n
            y, x = y0 + place // wide, x0 + place % wide
            rx, ry = rays[y, x, 0], rays[y, x, 1]
            here = np.int64(seen_a[y, x])
            calm = view.calm_a[y, x] >= reach and view.calm_b[y, x] >= reach
            calm = calm and here == seen_b[y, x]
            steps = view.calm_steps[down, aside] if calm else most
            before, stride = n, finest // steps
            several = 0
            if not calm:
                several, alone = narrow(
                    look, terms, finest, found, count, rx, ry, pixel, near
                )  # fmt: skip
                if several == 0:
                    here = -1
                elif alone:
                    here, several = np.int64(near[0]), 0
            if several > 0:
                _at_an_edge(
                    look, texels, levels, light, headlamp, sky, terms, turns, near, several,
                    steps, stride, rx, ry, pixel, whole, bright,
                )  # fmt: skip
            elif here >= 0:
                surface_run(
                    look, texels, levels, light, headlamp, here, terms, here, first, steps, stride,
                    rx, ry, pixel, bright,
                )  # fmt: skip
            else:
                for k in range(1, steps + 1):
                    bright[k - 1] = sky_luminance(sky, turns, k * stride, rx, ry)
            n = _fire_along(
                cells, y * width + x, times, steps, stride, bright, params, seed, work,
                out_t, out_p, n,
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
    seen, now = view.seen_a, np.int64(0)  # no literal, see `march`
    height, width = seen.shape
    for y in range(rows[0], rows[1]):
        for x in range(width):
            rx, ry = rays[y, x, 0], rays[y, x, 1]
            here = np.int64(seen[y, x])
            hit = here, here, here, here
            if view.calm_a[y, x] < 1:
                count = now
                for near_y in range(max(y - 1, 0), min(y + 2, height)):
                    for near_x in range(max(x - 1, 0), min(x + 2, width)):
                        other = seen[near_y, near_x]
                        known = other < 0
                        for k in range(count):
                            known = known or found[k] == other
                        if not known:
                            found[count] = other
                            count += 1
                hit = four_rays(look, texels, levels, terms, now, found, count, rx, ry, pixel)
            out[y, x] = mean_luminance(
                look, texels, levels, light, headlamp, sky, terms, turns, now, hit, rx, ry, pixel
            )
