"""What stands between a point and a light: rays through a tree of boxes around the surfaces.

    p + k d = o + s u + t v,   n = u x v,   q = o - p

    k = (q . n) / (d . n)      s = d . (v x q) / (d . n)      t = d . (q x u) / (d . n)

A ray loses ``alpha`` of its light at every surface with ``0 <= s, t <= 1`` on its way; surfaces
without an alpha channel stop it. Only what stands still and has ``shadow`` set counts.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from saccade.jit import kernel
from saccade.simulate.scene import STATIC, Scene

__all__ = ["STACK", "Blockers", "find_blockers", "transmission"]

STACK = 64
"""Length of the int64 work array that `transmission` needs."""

_LEAF, _BINS = 4, 12
_COARSE = 64  # texels: the reduction of alpha that shadows are cast with, at most so wide
_DARK = 0.02  # a ray that has less of its light left is taken to be blocked
_PAD_M = 1e-6
_SLACK = 1e-6  # of a side: closes the seam between neighbours


class Blockers(NamedTuple):
    """Surfaces that cast shadows, in the order of the tree's leaves, and the tree.

    Args:
        corner: float64 ``[K, 12]``, origin, u, v and normal ``u x v``.
        cut: int64 ``[K, 3]``, start, columns and rows of the alpha texels; start -1 without.
        place: float64 ``[K, 4]``, repetition and shift of the texture along u and v.
        texels: uint8, all textures.
        box: float64 ``[M, 6]``, low and high corner of each node.
        link: int64 ``[M, 2]``: first child (the other follows) and 0, or first surface and number.
    """

    corner: NDArray[np.float64]
    cut: NDArray[np.int64]
    place: NDArray[np.float64]
    texels: NDArray[np.uint8]
    box: NDArray[np.float64]
    link: NDArray[np.int64]


def find_blockers(scene: Scene) -> Blockers:
    """Return the surfaces of a scene that cast shadows, ready for `transmission`."""
    quads = scene.quads
    chosen = np.flatnonzero(quads.shadow & (quads.body == STATIC))
    o, u, v = quads.origin[chosen], quads.u[chosen], quads.v[chosen]
    corners = np.stack([o, o + u, o + v, o + u + v])
    low, high = corners.min(axis=0) - _PAD_M, corners.max(axis=0) + _PAD_M
    order = np.arange(len(chosen))
    box, link = np.empty((max(2 * len(chosen), 1), 6)), np.zeros((max(2 * len(chosen), 1), 2), int)
    count = _grow(low, high, order, box, link)
    rows, repeat = chosen[order], np.concatenate([quads.repeat, quads.shift], axis=1)
    return Blockers(
        np.concatenate([o, u, v, np.cross(u, v)], axis=1)[order],
        _cuts(scene)[rows],
        repeat[rows].astype(np.float64),
        scene.textures.texels,
        box[:count].copy(),
        link[:count].copy(),
    )


def _cuts(scene: Scene) -> NDArray[np.int64]:
    """Return start, columns and rows of a coarse reduction of each quad's alpha."""
    table, levels = scene.textures.table, scene.textures.levels
    cuts = np.full((len(table), 3), -1, np.int64)
    for texture in np.flatnonzero(table[:, 3] >= 0):
        wide, high, last = table[texture, 0], table[texture, 1], table[texture, 2] - 1
        level = min(max(int(max(wide, high)) - (_COARSE.bit_length() - 1), 0), int(last))
        start = levels[table[texture, 3], level]
        cuts[texture] = start, 1 << max(wide - level, 0), 1 << max(high - level, 0)
    return cuts[scene.quads.texture]


@kernel
def _grow(low: Any, high: Any, order: Any, box: Any, link: Any) -> int:
    """Build the tree over ``order``, which is sorted into its leaves; return how many nodes."""
    todo = np.empty((STACK, 3), np.int64)
    todo[0, 0], todo[0, 1], todo[0, 2] = 0, 0, order.shape[0]
    waiting, count = 1, 1
    while waiting > 0:
        waiting -= 1
        node, first, end = todo[waiting, 0], todo[waiting, 1], todo[waiting, 2]
        for axis in range(3):
            box[node, axis], box[node, axis + 3] = np.inf, -np.inf
            for k in range(first, end):
                box[node, axis] = min(box[node, axis], low[order[k], axis])
                box[node, axis + 3] = max(box[node, axis + 3], high[order[k], axis])
        middle = first
        if end - first > _LEAF and waiting + 2 < STACK:
            middle = _split(low, high, order, first, end)
        if middle in (first, end):
            link[node, 0], link[node, 1] = first, end - first
            continue
        link[node, 0], link[node, 1] = count, 0
        for k in range(2):
            todo[waiting, 0] = count + k
            todo[waiting, 1] = first if k == 0 else middle
            todo[waiting, 2] = middle if k == 0 else end
            waiting += 1
        count += 2
    return count


@kernel
def _split(low: Any, high: Any, order: Any, first: int, end: int) -> int:
    """Sort ``order[first:end]`` into two parts, cheap to search; return where the second starts.

    Cuts between bins of the centres along each axis are compared by the sum of surface area times
    number of both sides (MacDonald and Booth 1990).
    """
    best, best_axis, best_cut, best_base, best_scale = np.inf, -1, 0, 0.0, 0.0
    boxes, counts = np.empty((_BINS, 6)), np.empty(_BINS, np.int64)
    costs = np.empty(_BINS)
    for axis in range(3):
        base, top = np.inf, -np.inf
        for k in range(first, end):
            center = low[order[k], axis] + high[order[k], axis]
            base, top = min(base, center), max(top, center)
        if top - base < 1e-9:
            continue
        scale = _BINS * (1 - 1e-9) / (top - base)
        boxes[:, :3], boxes[:, 3:] = np.inf, -np.inf
        counts[:] = 0
        for k in range(first, end):
            center = low[order[k], axis] + high[order[k], axis]
            _enclose(boxes[int((center - base) * scale)], low[order[k]], high[order[k]])
            counts[int((center - base) * scale)] += 1
        _cut_costs(boxes, counts, costs)
        for cut in range(1, _BINS):
            if costs[cut] < best:
                best, best_axis, best_cut = costs[cut], axis, cut
                best_base, best_scale = base, scale
    if best_axis < 0:
        return first
    middle = first
    for k in range(first, end):
        center = low[order[k], best_axis] + high[order[k], best_axis]
        if int((center - best_base) * best_scale) < best_cut:
            order[k], order[middle] = order[middle], order[k]
            middle += 1
    return middle


@kernel
def _cut_costs(boxes: Any, counts: Any, costs: Any) -> None:
    """Write area times number on both sides of a cut before each bin."""
    grown, number = np.empty(6), 0
    for backwards in range(2):
        grown[:3], grown[3:], number = np.inf, -np.inf, 0
        for k in range(_BINS):
            at = _BINS - 1 - k if backwards else k
            if not backwards:
                costs[at] = _area(grown) * number if number else np.inf
            _enclose(grown, boxes[at, :3], boxes[at, 3:])
            number += counts[at]
            if backwards:
                costs[at] += _area(grown) * number if number else np.inf


@kernel
def _area(box: Any) -> float:
    x, y, z = box[3] - box[0], box[4] - box[1], box[5] - box[2]
    return x * y + y * z + z * x


@kernel
def _enclose(box: Any, low: Any, high: Any) -> None:
    for axis in range(3):
        box[axis] = min(box[axis], low[axis])
        box[axis + 3] = max(box[axis + 3], high[axis])


@kernel(counted=False)
def _misses(box: Any, node: Any, start: Any, inverse: Any, far: Any) -> Any:
    near = 0.0
    for axis in range(3):
        a = (box[node, axis] - start[axis]) * inverse[axis]
        b = (box[node, axis + 3] - start[axis]) * inverse[axis]
        near, far = max(near, min(a, b)), min(far, max(a, b))
    return near > far


@kernel(counted=False)
def _passes(blockers: Any, k: Any, start: Any, ray: Any, far: Any) -> Any:
    """Return the share of light that one surface lets through, 1 where the ray misses it."""
    corner = blockers.corner
    px, py, pz = start
    dx, dy, dz = ray
    ox, oy, oz = corner[k, 0] - px, corner[k, 1] - py, corner[k, 2] - pz
    ux, uy, uz = corner[k, 3], corner[k, 4], corner[k, 5]
    vx, vy, vz = corner[k, 6], corner[k, 7], corner[k, 8]
    across = dx * corner[k, 9] + dy * corner[k, 10] + dz * corner[k, 11]
    if across == 0.0:
        return 1.0
    way = (ox * corner[k, 9] + oy * corner[k, 10] + oz * corner[k, 11]) / across
    if way <= 0.0 or way >= far:
        return 1.0
    s = dx * (vy * oz - vz * oy) + dy * (vz * ox - vx * oz) + dz * (vx * oy - vy * ox)
    t = dx * (oy * uz - oz * uy) + dy * (oz * ux - ox * uz) + dz * (ox * uy - oy * ux)
    s, t = s / across, t / across
    if s < -_SLACK or s > 1 + _SLACK or t < -_SLACK or t > 1 + _SLACK:
        return 1.0
    if blockers.cut[k, 0] < 0:
        return 0.0
    wide, high = blockers.cut[k, 1], blockers.cut[k, 2]
    column = int(np.floor((s * blockers.place[k, 0] + blockers.place[k, 2]) * wide)) & (wide - 1)
    row = int(np.floor((t * blockers.place[k, 1] + blockers.place[k, 3]) * high)) & (high - 1)
    return 1.0 - blockers.texels[blockers.cut[k, 0] + row * wide + column] * (1.0 / 255.0)


@kernel(counted=False)
def transmission(
    blockers: Any, stack: Any, x: Any, y: Any, z: Any, dx: Any, dy: Any, dz: Any, far: Any
) -> Any:
    """Return the share of light, 0 to 1, that comes along a ray from at most ``far`` times its
    length away. ``stack`` is an int64 work array of length `STACK`."""
    dx = dx if abs(dx) > 1e-12 else 1e-12
    dy = dy if abs(dy) > 1e-12 else 1e-12
    dz = dz if abs(dz) > 1e-12 else 1e-12
    start, ray, inverse = (x, y, z), (dx, dy, dz), (1.0 / dx, 1.0 / dy, 1.0 / dz)
    left, waiting = 1.0, 1
    stack[0] = 0
    while waiting > 0:
        waiting -= 1
        node = stack[waiting]
        if _misses(blockers.box, node, start, inverse, far):
            continue
        first, number = blockers.link[node, 0], blockers.link[node, 1]
        if number == 0 and blockers.corner.shape[0] > 0:
            stack[waiting], stack[waiting + 1] = first, first + 1
            waiting += 2
        for k in range(first, first + number):
            left *= _passes(blockers, k, start, ray, far)
            if left < _DARK:
                return 0.0
    return left
