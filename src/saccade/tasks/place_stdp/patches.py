"""Patch normalisation: every pixel as standard deviations from the mean of the patch around it.

    z(x, y) = (I(x, y) - m(x, y)) / s(x, y)                        cut at ± limit
    m, s      mean and standard deviation of the pixels of a P x P window that lie in the image

It takes slow changes of light away and leaves edges. A flat patch has nothing to tell: z = 0.

A patch counts as flat when s is below 3e-5 of the root mean square of its pixels. Rounding after a
resize stays below that; a single step of one grey level does not. The published programs divide
such rounding noise by itself and make black and white dots of it.

Sums over windows are products with band matrices of ones, exact for whole numbers.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

from saccade.errors import ConfigError, DataError, ShapeError

__all__ = ["patch_normalised"]

_FLAT = 1e-9


def patch_normalised(
    images: ArrayLike,
    window: int,
    *,
    limit: float = 1.0,
    unbiased: bool = False,
    softness: float = 0.0,
) -> NDArray[np.float64]:
    """Return z of every pixel.

    Args:
        images: Real ``[..., h, w]``, finite.
        window: Side P of the patch in pixels, odd: it has a middle.
        limit: Largest z either way.
        unbiased: Divide squared deviations by k - 1 instead of k (VPRTempo does).
        softness: Added to the deviation, squared, so that faint patches stay faint.

    Returns:
        float64 ``[..., h, w]``, -limit to limit.

    Raises:
        ConfigError: The side is even or below 1.
        ShapeError: There are fewer than two axes, or an image has no pixel.
        DataError: A value is NaN or infinite.

    Examples:
        >>> patch_normalised([[0, 0, 0], [0, 9, 0], [0, 0, 0]], 3).round(2)[1].tolist()
        [-0.45, 1.0, -0.45]
        >>> bool(patch_normalised(np.full((4, 4), 7), 3).any())
        False
    """
    values = np.asarray(images, np.float64)
    if window < 1 or window % 2 == 0:
        raise ConfigError(
            f"The patch is {window} pixels wide.",
            "Expected an odd number, so that it has a middle.",
        )
    if values.ndim < 2 or 0 in values.shape[-2:]:
        raise ShapeError(f"Images have shape {list(values.shape)}.", "Expected [..., h, w].")
    if not np.isfinite(values).all():
        raise DataError("A pixel is NaN or infinite.", "Expected finite grey values.")
    height, width = values.shape[-2:]
    rows, columns = _band(height, window), _band(width, window)
    count = rows.sum(axis=1)[:, None] * columns.sum(axis=0)
    total = rows @ values @ columns
    squares = rows @ (values * values) @ columns
    scaled = count * squares - total * total
    alive = scaled > _FLAT * count * squares
    degrees = np.maximum(count - 1, 1) if unbiased else count
    spread = np.sqrt(np.where(alive, scaled, 1.0) / (count * degrees))
    if softness:
        spread = np.sqrt(spread**2 + softness**2)
    z = np.where(alive, (values - total / count) / spread, 0.0)
    return np.clip(z, -limit, limit)


def _band(pixels: int, window: int) -> NDArray[np.float64]:
    """Ones where two positions are at most half a window apart."""
    at = np.arange(pixels)
    return (np.abs(at[:, None] - at) <= window // 2).astype(np.float64)
