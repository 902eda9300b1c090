"""Surrogate derivatives for the compiled kernels: phi(u) for a row of neurons, vectorized.

The formulas are those of `saccade.neurons.surrogate`; ``code`` is a surrogate's number there, ``a``
and ``b`` its constants. In float32 the exponential is a polynomial on exact powers of two (relative
error below 2e-7), because a call into the C library per neuron would cost seven times as much.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from saccade.jit import kernel
from saccade.neurons.kernels.cpu_rows import PHI, V, Z

__all__ = ["surrogate_row"]

LOG2_E = np.float32(1.0 / math.log(2.0))
LN2_HIGH = np.float32(0.693359375)  # exact in few bits, so that k * LN2_HIGH is exact
LN2_LOW = np.float32(math.log(2.0) - 0.693359375)
# Least-squares fit of (exp(r) - 1 - r) / r^2 over abs(r) <= ln(2) / 2.
P0, P1, P2, P3, P4 = (
    np.float32(value) for value in (0.5, 0.16666577, 0.041666464, 0.0083632354, 0.0013933733)
)


@kernel
def exp_f32(y: Any) -> Any:
    """exp(y) for y <= 0 in float32: 2^k exp(r), r the remainder of y modulo ln 2; 0 below 1e-37."""
    vanishes = y < np.float32(-87.0)
    y = max(y, np.float32(-87.0))
    k = np.floor(y * LOG2_E + np.float32(0.5))
    r = (y - k * LN2_HIGH) - k * LN2_LOW
    p = (((P4 * r + P3) * r + P2) * r + P1) * r + P0
    power = np.int32((np.int32(k) + np.int32(127)) << np.int32(23)).view(np.float32)
    return np.float32(0.0) if vanishes else ((p * r) * r + r + np.float32(1.0)) * power


@kernel
def exp_row(row: Any) -> None:
    """Replace numbers that are not positive by their exponentials."""
    if row.itemsize == 4:
        for j in range(row.size):
            row[j] = exp_f32(row[j])
    else:
        for j in range(row.size):
            row[j] = math.exp(row[j])


@kernel
def sigmoid_row(w: Any, n: int, a: Any) -> None:
    """phi = a e / (1 + e)^2 with e = exp(-abs(a u)); the symmetric form cannot overflow."""
    one = w.dtype.type(1.0)
    if w.itemsize == 4:
        for j in range(n):
            e = exp_f32(-abs(a * w[PHI + j]))
            w[PHI + j] = a * e / ((one + e) * (one + e))
    else:
        for j in range(n):
            e = math.exp(-abs(a * w[PHI + j]))
            w[PHI + j] = a * e / ((one + e) * (one + e))


@kernel
def gaussians_row(w: Any, n: int, width: Any) -> None:
    """Three normal densities; the rows V and Z are free here."""
    real = w.dtype.type
    narrow = real(0.5) / (width * width)
    wide = narrow / real(36.0)
    high = real(1.15 / math.sqrt(2.0 * math.pi)) / width
    low = real(0.15 / math.sqrt(2.0 * math.pi)) / (real(6.0) * width)
    for j in range(n):
        u = w[PHI + j]
        left, right = u + width, u - width
        w[V + j] = -wide * left * left
        w[Z + j] = -wide * right * right
        w[PHI + j] = -narrow * u * u
    exp_row(w[PHI : PHI + n])
    exp_row(w[V : V + n])
    exp_row(w[Z : Z + n])
    for j in range(n):
        w[PHI + j] = high * w[PHI + j] - low * (w[V + j] + w[Z + j])


@kernel
def surrogate_row(w: Any, n: int, code: int, a: Any, b: Any) -> None:
    """Replace u by phi(u) in the row PHI."""
    one, zero = w.dtype.type(1.0), w.dtype.type(0.0)
    half = w.dtype.type(0.5)
    if code == 0:
        sigmoid_row(w, n, a)
    elif code == 1:
        slope = w.dtype.type(0.5 * math.pi) * a
        for j in range(n):
            scaled = slope * w[PHI + j]
            w[PHI + j] = half * a / (one + scaled * scaled)
    elif code == 2:
        for j in range(n):
            w[PHI + j] = one / (one + a * w[PHI + j] * w[PHI + j])
    elif code == 3:
        for j in range(n):
            side = one + a * abs(w[PHI + j])
            w[PHI + j] = one / (side * side)
    elif code == 4:
        for j in range(n):
            w[PHI + j] = max(one - a * abs(w[PHI + j]), zero)
    elif code == 5:
        gaussians_row(w, n, a)
    else:
        inside = half / a
        for j in range(n):
            size = abs(w[PHI + j])
            w[PHI + j] = inside if size < a else (b if size < math.inf else zero)
