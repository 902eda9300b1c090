"""Motion between two frames, block by block: coarse to fine, matched, then refined.

    l_i = ln(I_i + dark)                                          contrast does not depend on light
    E(v) = Σ_block (l_1(x + v/2) - l_0(x - v/2))^2                symmetric: v belongs to half-way

    pyramid of halved images, coarsest first:
        parent's vector x 2 --> best of it, its neighbours' and their surroundings (whole pixels)
                            --> Gauss-Newton steps on E (fractions) --> median of 3x3 blocks

Blocks without contrast keep their parent's vector. At the end block vectors are interpolated
linearly to every pixel.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from saccade.errors import ShapeError
from saccade.jit import kernel

__all__ = ["block_motion"]

_RADIUS, _STRIDE = 5, 4
_DARK = 5e-2  # of the mean luminance
_COARSEST = 16  # pixels on the shorter side
_NEWTON = 3
_STAY = 1e-3  # what leaving the predicted vector must gain, per pixel of block and of change
_STIFF = 2e-2  # added to the normal equations: holds blocks without contrast


def block_motion(
    first: NDArray[np.float32], second: NDArray[np.float32], *, reach_px: float = 48.0
) -> NDArray[np.float32]:
    """Estimate how the parts of an image move from one frame to the next.

    Args:
        first: Luminance ``[H, W]``, not negative.
        second: Luminance ``[H, W]``.
        reach_px: Largest motion looked for; decides how many times images are halved.

    Returns:
        float32 ``[H, W, 2]``, pixels along x and y, at positions half-way through the motion.

    Raises:
        ShapeError: The frames differ in size or are smaller than 4x4.

    Examples:
        >>> y, x = np.mgrid[0:48, 0:64]
        >>> wave = lambda dx: (2 + np.sin((x - dx) / 3) + np.sin(y / 4)).astype(np.float32)
        >>> block_motion(wave(0.0), wave(1.5))[24, 32].round(1).tolist()
        [1.5, 0.0]

    Reference:
        Lucas, Kanade, An iterative image registration technique, IJCAI 1981; Alvarez, Deriche,
        Papadopoulo, Sánchez, Symmetrical dense optical flow estimation, IJCV 2007.
    """
    if first.shape != second.shape or first.ndim != 2 or min(first.shape) < 4:
        raise ShapeError(
            f"Frames have shapes {first.shape} and {second.shape}.",
            "Expected the same [H, W], at least 4x4.",
        )
    dark = np.float32(_DARK * max(float(first.mean()), float(second.mean())) + 1e-12)
    level = (np.log(first + dark), np.log(second + dark))
    levels = [level]
    while min(level[0].shape) >= 2 * _COARSEST and 2 ** (len(levels) + 1) <= reach_px:
        level = (_halved(level[0]), _halved(level[1]))
        levels.append(level)
    vectors: NDArray[np.float32] | None = None
    for before, after in reversed(levels):
        reach = 1 if vectors is not None else max(1, round(reach_px / 2 ** (len(levels) - 1)))
        vectors = _inherit(vectors, before.shape)
        _match(before, after, vectors, min(reach, min(before.shape) // 2))
        _refine(before, after, vectors)
        vectors = _median(vectors)
    assert vectors is not None
    return _dense(vectors, *first.shape)


def _halved(image: NDArray[np.float32]) -> NDArray[np.float32]:
    height, width = image.shape[0] // 2 * 2, image.shape[1] // 2 * 2
    even = image[:height, :width]
    total = even[::2, ::2] + even[1::2, ::2] + even[::2, 1::2] + even[1::2, 1::2]
    return np.ascontiguousarray(total * np.float32(0.25))


def _inherit(vectors: NDArray[np.float32] | None, shape: tuple[int, ...]) -> NDArray[np.float32]:
    """Block vectors of the next finer level: twice those of the block that covers them."""
    rows, columns = (max(1, -(-length // _STRIDE)) for length in shape)
    if vectors is None:
        return np.zeros((rows, columns, 2), np.float32)
    row = np.minimum(np.arange(rows) // 2, vectors.shape[0] - 1)
    column = np.minimum(np.arange(columns) // 2, vectors.shape[1] - 1)
    return np.ascontiguousarray(vectors[row][:, column] * np.float32(2))


def _median(vectors: NDArray[np.float32]) -> NDArray[np.float32]:
    padded = np.pad(vectors, ((1, 1), (1, 1), (0, 0)), mode="edge")
    rows, columns = vectors.shape[:2]
    around = [padded[i : i + rows, j : j + columns] for i in range(3) for j in range(3)]
    return np.ascontiguousarray(np.median(np.stack(around), axis=0))


@kernel
def _at(image: NDArray[np.float32], x: float, y: float) -> float:
    height, width = image.shape
    x = min(max(x, 0.0), width - 1.001)
    y = min(max(y, 0.0), height - 1.001)
    left, top = int(x), int(y)
    a, b = x - left, y - top
    above = (1.0 - a) * image[top, left] + a * image[top, left + 1]
    below = (1.0 - a) * image[top + 1, left] + a * image[top + 1, left + 1]
    return (1.0 - b) * above + b * below


@kernel
def _difference(
    first: NDArray[np.float32],
    second: NDArray[np.float32],
    x: int,
    y: int,
    u: int,
    v: int,
    bound: float,
) -> float:
    """Mean squared difference of a block, half of a whole-pixel motion on each side."""
    height, width = first.shape
    ua, va = u // 2, v // 2
    ub, vb = u - ua, v - va
    total, count = 0.0, (2 * _RADIUS + 1) * (2 * _RADIUS + 1)
    for j in range(y - _RADIUS, y + _RADIUS + 1):
        y0, y1 = min(max(j - va, 0), height - 1), min(max(j + vb, 0), height - 1)
        for i in range(x - _RADIUS, x + _RADIUS + 1):
            x0, x1 = min(max(i - ua, 0), width - 1), min(max(i + ub, 0), width - 1)
            step = second[y1, x1] - first[y0, x0]
            total += step * step
        if total > bound * count:
            break
    return total / count


@kernel
def _match(
    first: NDArray[np.float32],
    second: NDArray[np.float32],
    vectors: NDArray[np.float32],
    reach: int,
) -> None:
    """Move each block's vector to the best whole-pixel one near its own or a neighbour's."""
    rows, columns = vectors.shape[:2]
    start = vectors.copy()
    for row in range(rows):
        for column in range(columns):
            x, y = column * _STRIDE + _STRIDE // 2, row * _STRIDE + _STRIDE // 2
            own_u, own_v = start[row, column, 0], start[row, column, 1]
            least = np.inf
            for k in range(5):
                i = min(max(row + (k == 1) - (k == 2), 0), rows - 1)
                j = min(max(column + (k == 3) - (k == 4), 0), columns - 1)
                mid_u, mid_v = int(np.rint(start[i, j, 0])), int(np.rint(start[i, j, 1]))
                if k > 0 and mid_u == int(np.rint(own_u)) and mid_v == int(np.rint(own_v)):
                    continue
                for dv in range(-reach, reach + 1):
                    for du in range(-reach, reach + 1):
                        u, v = mid_u + du, mid_v + dv
                        away = abs(u - own_u) + abs(v - own_v)
                        bound = least - _STAY * away
                        if bound <= 0.0:
                            continue
                        cost = _difference(first, second, x, y, u, v, bound) + _STAY * away
                        if cost < least:
                            least = cost
                            vectors[row, column, 0], vectors[row, column, 1] = u, v


@kernel
def _refine(
    first: NDArray[np.float32], second: NDArray[np.float32], vectors: NDArray[np.float32]
) -> None:
    """Gauss-Newton on E, at most a pixel from the whole-pixel match."""
    for row in range(vectors.shape[0]):
        for column in range(vectors.shape[1]):
            x, y = column * _STRIDE + _STRIDE // 2, row * _STRIDE + _STRIDE // 2
            from_u, from_v = vectors[row, column, 0], vectors[row, column, 1]
            u, v = float(from_u), float(from_v)
            for _ in range(_NEWTON):
                du, dv = _newton(first, second, x, y, u, v)
                u = min(max(u + du, from_u - 1.0), from_u + 1.0)
                v = min(max(v + dv, from_v - 1.0), from_v + 1.0)
            vectors[row, column, 0], vectors[row, column, 1] = u, v


@kernel
def _newton(
    first: NDArray[np.float32], second: NDArray[np.float32], x: int, y: int, u: float, v: float
) -> tuple[float, float]:
    """One step: solve (Σ g gT + stiff) d = -Σ g r with g the mean gradient of both blocks."""
    xx, xy, yy, xr, yr = _STIFF, 0.0, _STIFF, 0.0, 0.0
    half_u, half_v = 0.5 * u, 0.5 * v
    for j in range(y - _RADIUS, y + _RADIUS + 1):
        for i in range(x - _RADIUS, x + _RADIUS + 1):
            xa, ya, xb, yb = i - half_u, j - half_v, i + half_u, j + half_v
            r = _at(second, xb, yb) - _at(first, xa, ya)
            gx = 0.25 * (
                _at(first, xa + 1.0, ya)
                - _at(first, xa - 1.0, ya)
                + _at(second, xb + 1.0, yb)
                - _at(second, xb - 1.0, yb)
            )
            gy = 0.25 * (
                _at(first, xa, ya + 1.0)
                - _at(first, xa, ya - 1.0)
                + _at(second, xb, yb + 1.0)
                - _at(second, xb, yb - 1.0)
            )
            xx, xy, yy = xx + gx * gx, xy + gx * gy, yy + gy * gy
            xr, yr = xr + gx * r, yr + gy * r
    determinant = xx * yy - xy * xy
    return (xy * yr - yy * xr) / determinant, (xy * xr - xx * yr) / determinant


@kernel
def _dense(vectors: NDArray[np.float32], height: int, width: int) -> NDArray[np.float32]:
    out = np.empty((height, width, 2), np.float32)
    rows, columns = vectors.shape[:2]
    for y in range(height):
        at_y = min(max((y - _STRIDE // 2) / _STRIDE, 0.0), rows - 1.0)
        top = min(int(at_y), max(rows - 2, 0))
        bottom, b = min(top + 1, rows - 1), at_y - top
        for x in range(width):
            at_x = min(max((x - _STRIDE // 2) / _STRIDE, 0.0), columns - 1.0)
            left = min(int(at_x), max(columns - 2, 0))
            right, a = min(left + 1, columns - 1), at_x - left
            for c in range(2):
                above = (1.0 - a) * vectors[top, left, c] + a * vectors[top, right, c]
                below = (1.0 - a) * vectors[bottom, left, c] + a * vectors[bottom, right, c]
                out[y, x, c] = (1.0 - b) * above + b * below
    return out
