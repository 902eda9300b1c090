"""How bright a point of a surface is: texture, light map, lamps of the vehicle.

A ray ``r`` from the camera meets the quad ``o + s u + t v`` (camera frame) where, by Cramer's rule
with ``n = u x v``, ``a = v x o``, ``b = o x u``, ``D = r . n``::

    depth = (o . n) / D        s = (r . a) / D        t = (r . b) / D

so ten numbers per quad and camera pose (``n, a, b, o . n``) answer every ray. Derivatives of s and
t by the pixel give the footprint that picks the reduction of the texture.

    L = albedo(s, t) E(s, t) / pi + emission          luminance in cd/m²
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from saccade.jit import kernel

__all__ = [
    "LOOK",
    "alpha_lod",
    "is_there",
    "lamp_beam",
    "quad_terms",
    "surface_luminance",
    "surface_run",
]

LOOK = 16
"""Columns of `tables.World.look`: repetition (0, 1), shift (2, 3), albedo gain over pi (4), detail
repetition (5, 6), emission in cd/m² (7), texture (8), detail or -1 (9), start, columns and rows of
the light map (10, 11, 12), channel of alpha (13) and of emission (14), or -1."""

_BEAM_WIDTH, _BEAM_HEIGHT, _BEAM_DROP = 0.45, 0.14, 0.06
_MOST_STRETCH = 2.0  # a footprint this much longer than wide is sampled at its width
_BLUR = 0.6  # log2 of the width of lens and pixel aperture together, in pixels
_UNIT = 1.0 / 255.0
_HALF = 127.5
_CELL = 0.5  # cells of the light map over which its light is taken to change evenly
_ALBEDO = _UNIT**2


@kernel(counted=False)
def quad_terms(shapes: Any, quad: Any, frame: Any, terms: Any) -> None:
    """Write n, a, b and ``o . n`` of a quad seen from a pose into ``terms`` (10)."""
    o0, o1, o2 = shapes.origin[quad, 0], shapes.origin[quad, 1], shapes.origin[quad, 2]
    u0, u1, u2 = shapes.u[quad, 0], shapes.u[quad, 1], shapes.u[quad, 2]
    v0, v1, v2 = shapes.v[quad, 0], shapes.v[quad, 1], shapes.v[quad, 2]
    ox = frame[0] * o0 + frame[1] * o1 + frame[2] * o2 + frame[9]
    oy = frame[3] * o0 + frame[4] * o1 + frame[5] * o2 + frame[10]
    oz = frame[6] * o0 + frame[7] * o1 + frame[8] * o2 + frame[11]
    ux = frame[0] * u0 + frame[1] * u1 + frame[2] * u2
    uy = frame[3] * u0 + frame[4] * u1 + frame[5] * u2
    uz = frame[6] * u0 + frame[7] * u1 + frame[8] * u2
    vx = frame[0] * v0 + frame[1] * v1 + frame[2] * v2
    vy = frame[3] * v0 + frame[4] * v1 + frame[5] * v2
    vz = frame[6] * v0 + frame[7] * v1 + frame[8] * v2
    terms[0] = uy * vz - uz * vy
    terms[1] = uz * vx - ux * vz
    terms[2] = ux * vy - uy * vx
    terms[3] = vy * oz - vz * oy
    terms[4] = vz * ox - vx * oz
    terms[5] = vx * oy - vy * ox
    terms[6] = oy * uz - oz * uy
    terms[7] = oz * ux - ox * uz
    terms[8] = ox * uy - oy * ux
    terms[9] = ox * terms[0] + oy * terms[1] + oz * terms[2]


@kernel(counted=False)
def _log2(value: Any) -> Any:
    """Return log2 of a positive number to within 0.01, enough to choose a reduction."""
    bits = np.float64(value).view(np.int64)
    exponent = (bits >> 52) - 1023
    mantissa = np.int64((bits & 0xFFFFFFFFFFFFF) | 0x3FF0000000000000).view(np.float64)
    return exponent + (mantissa - 1.0) * (1.3465 - 0.3465 * (mantissa - 1.0))


@kernel(counted=False)
def _footprint(sx: Any, tx: Any, sy: Any, ty: Any, w: Any, h: Any) -> Any:
    """Return log2 of the footprint of a pixel in texels, lens blur included.

    ``sx, tx, sy, ty`` are the changes of s and t by one pixel in x and y; ``w`` and ``h`` the
    texels per s and t.
    """
    first = sx * sx * (w * w) + tx * tx * (h * h)
    second = sy * sy * (w * w) + ty * ty * (h * h)
    wide, narrow = max(first, second), min(first, second)
    area = max(narrow, wide * (1.0 / (_MOST_STRETCH * _MOST_STRETCH)))
    return 0.5 * _log2(max(area, 1e-12)) + _BLUR


@kernel(counted=False)
def _bilinear(texels: Any, start: Any, width: Any, height: Any, x: Any, y: Any) -> Any:
    """Return the value 0..255 at (x, y), counted in repetitions, of one reduction."""
    column, row = x * width - 0.5, y * height - 0.5
    left, bottom = math.floor(column), math.floor(row)
    fx, fy = column - left, row - bottom
    i0 = int(left) & (width - 1)
    i1 = (i0 + 1) & (width - 1)
    j0 = int(bottom) & (height - 1)
    j1 = (j0 + 1) & (height - 1)
    low, high = start + j0 * width, start + j1 * width
    p, q = float(texels[low + i0]), float(texels[low + i1])
    a = p + (q - p) * fx
    p, q = float(texels[high + i0]), float(texels[high + i1])
    b = p + (q - p) * fx
    return a + (b - a) * fy


@kernel(counted=False)
def _reduction(levels: Any, row: Any, level: Any) -> Any:
    """Return where a reduction of a channel starts, its width and its height."""
    width, height = 1 << max(levels[row, 0] - level, 0), 1 << max(levels[row, 1] - level, 0)
    return levels[row, 3 + level], width, height


@kernel(counted=False)
def _texture(texels: Any, levels: Any, row: Any, x: Any, y: Any, lod: Any) -> Any:
    """Return the value 0..255 of a channel, between its two nearest reductions."""
    last = levels[row, 2] - 1
    if lod >= last:
        return float(texels[levels[row, 3 + last]])
    lod = max(lod, 0.0)
    level = int(lod)
    share = lod - level
    width, height = 1 << levels[row, 0], 1 << levels[row, 1]
    w, h = max(width >> level, 1), max(height >> level, 1)
    fine = _bilinear(texels, levels[row, 3 + level], w, h, x, y)
    if share == 0.0:
        return fine
    w, h = max(w >> 1, 1), max(h >> 1, 1)
    coarse = _bilinear(texels, levels[row, 4 + level], w, h, x, y)
    return fine + (coarse - fine) * share


@kernel(counted=False)
def alpha_lod(
    look: Any, levels: Any, quad: Any, terms: Any, here: Any, step: Any,
    divisor: Any, s: Any, t: Any, pixel: Any,
) -> Any:  # fmt: skip
    """Return the footprint of a pixel at (s, t) on a quad's channel of alpha, as log2 of texels."""
    row = int(look[quad, 13])
    across, down = pixel[0] / divisor, pixel[1] / divisor
    return _footprint(
        (terms[here, step, 3] - s * terms[here, step, 0]) * across,
        (terms[here, step, 6] - t * terms[here, step, 0]) * across,
        (terms[here, step, 4] - s * terms[here, step, 1]) * down,
        (terms[here, step, 7] - t * terms[here, step, 1]) * down,
        look[quad, 0] * (1 << levels[row, 0]),
        look[quad, 1] * (1 << levels[row, 1]),
    )


@kernel(counted=False, apart=True)
def is_there(look: Any, texels: Any, levels: Any, quad: Any, s: Any, t: Any, lod: Any) -> Any:
    """Tell whether a surface is not cut away at (s, t): alpha is 0.5 or more."""
    row = int(look[quad, 13])
    x, y = s * look[quad, 0] + look[quad, 2], t * look[quad, 1] + look[quad, 3]
    return _texture(texels, levels, row, x, y, lod) >= _HALF


@kernel(counted=False)
def lamp_beam(x: Any, y: Any) -> Any:
    """Return the share 0..1 of the vehicle's lamps that goes in direction (x, y, 1)."""
    across, down = x / _BEAM_WIDTH, (y - _BEAM_DROP) / _BEAM_HEIGHT
    return math.exp(-0.5 * (across * across + down * down))


@kernel(counted=False)
def _lamp_lux(beam: Any, n0: Any, n1: Any, n2: Any, depth: Any, ray: Any, inverse: Any) -> Any:
    """Return the illuminance by lamps at the camera: ``beam`` candela, ``ray`` = |r|²."""
    cosine = 1.0 / (abs(inverse) * math.sqrt((n0 * n0 + n1 * n1 + n2 * n2) * ray))
    return beam * cosine / max(depth * depth * ray, 1.0)


@kernel(counted=False)
def _illuminance(light: Any, start: Any, columns: Any, rows: Any, s: Any, t: Any) -> Any:
    x = min(max(s, 0.0), 1.0) * (columns - 1)
    y = min(max(t, 0.0), 1.0) * (rows - 1)
    i, j = min(int(x), max(columns - 2, 0)), min(int(y), max(rows - 2, 0))
    fx, fy = x - i, y - j
    right = 1 if columns > 1 else 0
    up = columns if rows > 1 else 0
    at = start + j * columns + i
    p, q = float(light[at]), float(light[at + right])
    a = p + (q - p) * fx
    p, q = float(light[at + up]), float(light[at + up + right])
    b = p + (q - p) * fx
    return a + (b - a) * fy


@kernel(counted=False, apart=True)
def surface_luminance(
    look: Any, texels: Any, levels: Any, light: Any, headlamp: Any, quad: Any,
    terms: Any, here: Any, step: Any, rx: Any, ry: Any, pixel: Any,
) -> Any:  # fmt: skip
    """Return the luminance in cd/m² of the point where the ray (rx, ry, 1) meets a quad."""
    n0, n1, n2 = terms[here, step, 0], terms[here, step, 1], terms[here, step, 2]
    a0, a1, a2 = terms[here, step, 3], terms[here, step, 4], terms[here, step, 5]
    b0, b1, b2 = terms[here, step, 6], terms[here, step, 7], terms[here, step, 8]
    divisor = rx * n0 + ry * n1 + n2
    inverse = 1.0 / divisor
    s, t = (rx * a0 + ry * a1 + a2) * inverse, (rx * b0 + ry * b1 + b2) * inverse
    across, down = pixel[0] * inverse, pixel[1] * inverse
    sx, tx = (a0 - s * n0) * across, (b0 - t * n0) * across
    sy, ty = (a1 - s * n1) * down, (b1 - t * n1) * down
    row = int(look[quad, 8])
    w, h = look[quad, 0] * (1 << levels[row, 0]), look[quad, 1] * (1 << levels[row, 1])
    lod = _footprint(sx, tx, sy, ty, w, h)
    x, y = s * look[quad, 0] + look[quad, 2], t * look[quad, 1] + look[quad, 3]
    root = _texture(texels, levels, row, x, y, lod)
    albedo = root * root * _ALBEDO * look[quad, 4]
    row = int(look[quad, 9])
    if row >= 0:
        dw, dh = look[quad, 5] * (1 << levels[row, 0]), look[quad, 6] * (1 << levels[row, 1])
        fine = _footprint(sx, tx, sy, ty, dw, dh)
        grain = _texture(texels, levels, row, s * look[quad, 5], t * look[quad, 6], fine)
        albedo *= 0.5 + grain * grain * _ALBEDO
    lux = _illuminance(light, int(look[quad, 10]), int(look[quad, 11]), int(look[quad, 12]), s, t)
    if headlamp > 0.0:
        depth, ray = terms[here, step, 9] * inverse, rx * rx + ry * ry + 1.0
        lux += _lamp_lux(headlamp * lamp_beam(rx, ry), n0, n1, n2, depth, ray, inverse)
    result = albedo * lux
    row = int(look[quad, 14])
    if row >= 0 and look[quad, 7] > 0.0:
        result += look[quad, 7] * _texture(texels, levels, row, x, y, lod) * _UNIT
    return result


@kernel(counted=False)
def _meets_at(terms: Any, here: Any, step: Any, rx: Any, ry: Any) -> Any:
    """Return where on a quad, s and t, the ray (rx, ry, 1) meets it."""
    inverse = 1.0 / (rx * terms[here, step, 0] + ry * terms[here, step, 1] + terms[here, step, 2])
    s = rx * terms[here, step, 3] + ry * terms[here, step, 4] + terms[here, step, 5]
    t = rx * terms[here, step, 6] + ry * terms[here, step, 7] + terms[here, step, 8]
    return s * inverse, t * inverse


@kernel(counted=False, apart=True)
def _footprints(
    look: Any,
    levels: Any,
    quad: Any,
    terms: Any,
    here: Any,
    step: Any,
    rx: Any,
    ry: Any,
    pixel: Any,
) -> Any:
    """Return the footprint on a quad's texture and on its detail, log2 texels, 0 or more."""
    n0, n1, n2 = terms[here, step, 0], terms[here, step, 1], terms[here, step, 2]
    inverse = 1.0 / (rx * n0 + ry * n1 + n2)
    a0, a1, b0, b1 = (
        terms[here, step, 3], terms[here, step, 4], terms[here, step, 6], terms[here, step, 7],
    )  # fmt: skip
    s = (rx * a0 + ry * a1 + terms[here, step, 5]) * inverse
    t = (rx * b0 + ry * b1 + terms[here, step, 8]) * inverse
    across, down = pixel[0] * inverse, pixel[1] * inverse
    sx, tx = (a0 - s * n0) * across, (b0 - t * n0) * across
    sy, ty = (a1 - s * n1) * down, (b1 - t * n1) * down
    row, detail = int(look[quad, 8]), int(look[quad, 9])
    w, h = look[quad, 0] * (1 << levels[row, 0]), look[quad, 1] * (1 << levels[row, 1])
    coarse = max(_footprint(sx, tx, sy, ty, w, h), 0.0)
    if detail < 0:
        return coarse, 0.0
    w, h = look[quad, 5] * (1 << levels[detail, 0]), look[quad, 6] * (1 << levels[detail, 1])
    return coarse, max(_footprint(sx, tx, sy, ty, w, h), 0.0)


@kernel(counted=False)
def _stays(
    levels: Any, look: Any, quad: Any, lod_a: Any, lod_b: Any, fine_a: Any, fine_b: Any
) -> Any:
    """Tell whether the same reductions of texture and detail serve both ends of a run."""
    row, detail = int(look[quad, 8]), int(look[quad, 9])
    same = int(lod_a) == int(lod_b) and int(lod_a) < levels[row, 2] - 1
    if detail >= 0 and int(fine_a) != int(fine_b):
        same = same and min(fine_a, fine_b) >= levels[detail, 2] - 1
    return same


@kernel(counted=False, apart=True)
def surface_run(
    look: Any, texels: Any, levels: Any, light: Any, headlamp: Any, quad: Any,
    terms: Any, here: Any, first: Any, last: Any, stride: Any, rx: Any, ry: Any, pixel: Any,
    bright: Any,
) -> None:  # fmt: skip
    """Write the luminance of a quad along a ray at many moments, as `surface_luminance` gives it.

    Moments ``first`` to ``last`` go to ``bright[first - 1]`` to ``bright[last - 1]``. The footprint
    is interpolated between these, which leaves the choice of reductions out of the loop; where it
    changes on the way, every moment is done by itself.
    """
    if first == last:
        bright[first - 1] = surface_luminance(
            look, texels, levels, light, headlamp, quad, terms, here, first * stride, rx, ry, pixel
        )
        return
    lod_a, fine_a = _footprints(look, levels, quad, terms, here, first * stride, rx, ry, pixel)
    lod_b, fine_b = _footprints(look, levels, quad, terms, here, last * stride, rx, ry, pixel)
    if _stays(levels, look, quad, lod_a, lod_b, fine_a, fine_b):
        _smooth_run(
            look, texels, levels, light, headlamp, quad, terms, here, first, last, stride, rx, ry,
            bright, lod_a, lod_b, fine_a, fine_b,
        )  # fmt: skip
        return
    for k in range(first, last + 1):
        bright[k - 1] = surface_luminance(
            look, texels, levels, light, headlamp, quad, terms, here, k * stride, rx, ry, pixel
        )


@kernel(counted=False)
def _smooth_run(
    look: Any, texels: Any, levels: Any, light: Any, headlamp: Any, quad: Any,
    terms: Any, here: Any, first: Any, last: Any, stride: Any, rx: Any, ry: Any, bright: Any,
    lod_a: Any, lod_b: Any, fine_a: Any, fine_b: Any,
) -> None:  # fmt: skip
    """Do a run throughout which the same reductions serve; see `surface_run`."""
    row, detail = int(look[quad, 8]), int(look[quad, 9])
    level, fine = int(lod_a), int(fine_a)
    share, share_step = lod_a - level, (lod_b - lod_a) / (last - first)
    start, width, height = _reduction(levels, row, level)
    next_start, half_w, half_h = _reduction(levels, row, level + 1)
    ru, rv, su, sv = look[quad, 0], look[quad, 1], look[quad, 2], look[quad, 3]
    du, dv, gain = look[quad, 5], look[quad, 6], look[quad, 4] * _ALBEDO
    at, columns, rows = int(look[quad, 10]), int(look[quad, 11]), int(look[quad, 12])
    has_detail = detail >= 0
    if has_detail and fine >= levels[detail, 2] - 1:  # all that is left of the detail is its mean
        mean = float(texels[levels[detail, 2 + levels[detail, 2]]])
        gain *= 0.5 + mean * mean * _ALBEDO
        has_detail = False
    fine_share, fine_step = fine_a - fine, (fine_b - fine_a) / (last - first)
    grain_row, grain_level = (detail, fine) if has_detail else (row, level)
    fine_start, fine_w, fine_h = _reduction(levels, grain_row, grain_level)
    fine_next, fine_half_w, fine_half_h = _reduction(levels, grain_row, grain_level + 1)
    low, high = first * stride, last * stride
    s0, t0 = _meets_at(terms, here, low, rx, ry)
    s1, t1 = _meets_at(terms, here, high, rx, ry)
    across, along = abs(s1 - s0) * (columns - 1), abs(t1 - t0) * (rows - 1)
    within_a_cell = across < _CELL and along < _CELL
    lux0 = _illuminance(light, at, columns, rows, s0, t0)
    lux_step = (_illuminance(light, at, columns, rows, s1, t1) - lux0) / (last - first)
    ray, beam = rx * rx + ry * ry + 1.0, headlamp * lamp_beam(rx, ry)
    glow = int(look[quad, 14]) if look[quad, 7] > 0.0 else -1
    for k in range(first, last + 1):
        step = k * stride
        s, t = _meets_at(terms, here, step, rx, ry)
        x, y = s * ru + su, t * rv + sv
        root = _bilinear(texels, start, width, height, x, y)
        part = share + (k - first) * share_step
        added = 0.0
        if glow >= 0:
            added = look[quad, 7] * _texture(texels, levels, glow, x, y, level + part) * _UNIT
        if part > 0.0:
            root += (_bilinear(texels, next_start, half_w, half_h, x, y) - root) * part
        value = root * root * gain
        if has_detail:
            x, y = s * du, t * dv
            grain = _bilinear(texels, fine_start, fine_w, fine_h, x, y)
            part = fine_share + (k - first) * fine_step
            if part > 0.0:
                grain += (
                    _bilinear(texels, fine_next, fine_half_w, fine_half_h, x, y) - grain
                ) * part
            value *= 0.5 + grain * grain * _ALBEDO
        if within_a_cell:
            lux = lux0 + (k - first) * lux_step
        else:
            lux = _illuminance(light, at, columns, rows, s, t)
        if beam > 0.0:
            n0, n1, n2 = terms[here, step, 0], terms[here, step, 1], terms[here, step, 2]
            inverse = 1.0 / (rx * n0 + ry * n1 + n2)
            lux += _lamp_lux(beam, n0, n1, n2, terms[here, step, 9] * inverse, ray, inverse)
        bright[k - 1] = value * lux + added
