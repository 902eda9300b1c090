"""Sums of absolute differences of all pairs of rows, compiled."""

from __future__ import annotations

import numpy as np

from saccade.jit import kernel

__all__ = ["add_absolute_differences"]


@kernel
def add_absolute_differences(left, right, sums):  # type: ignore[no-untyped-def]
    """Add |left[q, d] - right[d, r]| over d to sums ``[q, r]``.

    Pixels go in runs that float32 sums hold, counts exactly; four at a time, so that a row of sums
    is loaded and stored a quarter as often.
    """
    n_queries, n_pixels = left.shape
    n_references = right.shape[1]
    part = np.empty(n_references, np.float32)
    for start in range(0, n_pixels, 64):
        stop = min(start + 64, n_pixels)
        for q in range(n_queries):
            part[:] = np.float32(0)
            d = start
            while d + 4 <= stop:
                a, b, c, e = left[q, d], left[q, d + 1], left[q, d + 2], left[q, d + 3]
                for r in range(n_references):
                    part[r] += (
                        abs(a - right[d, r])
                        + abs(b - right[d + 1, r])
                        + abs(c - right[d + 2, r])
                        + abs(e - right[d + 3, r])
                    )
                d += 4
            while d < stop:
                a = left[q, d]
                for r in range(n_references):
                    part[r] += abs(a - right[d, r])
                d += 1
            for r in range(n_references):
                sums[q, r] += part[r]
