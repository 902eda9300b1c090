"""Images as inputs of the delta rule: one number from 0 to 1 for each pixel.

    x = value / 255          uint8        the brighter, the earlier the pixel's one spike
    x = value                float, 0 to 1

In training, images may be moved and made noisy: x'(r, c) = x(r + dr, c + dc) + Normal(0, sigma),
with dr, dc uniform in -shift .. shift and the border repeated, limited to 0 .. 1.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import ArrayLike, NDArray

from saccade.errors import DataError, ShapeError
from saccade.tasks.place_stdp.config_delta import DeltaCompat
from saccade.tasks.place_stdp.delta_rule import QUIRKS

__all__ = ["as_inputs", "disturbed"]

Floats = NDArray[np.float32]


def as_inputs(images: ArrayLike, inputs: int, compat: DeltaCompat | None = None) -> Floats:
    """Return images as rows of inputs.

    Args:
        images: uint8 or float (0 to 1), ``[P, N]`` or ``[P, H, W]``.
        inputs: N that is expected.
        compat: ``"vprtempo"`` rounds each image to 256 levels of its own range (quirk f).

    Returns:
        float32 ``[P, N]``.

    Raises:
        ShapeError: Images have another number of values.
        DataError: Values are of another type, NaN, or outside 0 to 1.

    Examples:
        >>> as_inputs(np.array([[0, 51, 255]], np.uint8), 3).tolist()
        [[0.0, 0.20000000298023224, 1.0]]
    """
    values = np.asarray(images)
    if values.ndim not in (2, 3) or math.prod(values.shape[1:]) != inputs:
        raise ShapeError(
            f"Images have shape {values.shape}.",
            f"Expected [P, N] or [P, H, W] with {inputs:,} values each.",
        )
    rows = values.reshape(len(values), inputs)
    if rows.dtype == np.uint8:
        x = rows.astype(np.float32) / np.float32(255)
    elif rows.dtype.kind == "f":
        x = np.ascontiguousarray(rows, np.float32)
        if x.size and not (x.min() >= 0 and x.max() <= 1):  # also where a value is NaN
            raise DataError(
                f"Values run from {x.min()} to {x.max()}.",
                "Expected floats from 0 to 1, or uint8.",
                "Scale them with the range of the training images.",
            )
    else:
        raise DataError(f"Images hold {rows.dtype} values.", "Expected uint8, or floats 0 to 1.")
    return _rounded_to_own_range(x) if QUIRKS[compat].range_per_image else x


def _rounded_to_own_range(x: Floats) -> Floats:
    step = x.max(axis=1, keepdims=True) / np.float32(255)
    step[step == 0] = 1
    return np.rint(x / step) * step


def disturbed(
    x: Floats, shape: tuple[int, ...], shift: int, noise: float, rng: np.random.Generator
) -> Floats:
    """Return images moved at random and with noise.

    Args:
        x: float32 ``[P, N]``, 0 to 1.
        shape: Of the images as they were given: ``[P, H, W]``, or ``[P, N]`` of square ones.
        shift: Most pixels in each direction.
        noise: Standard deviation.
        rng: Where the numbers come from.

    Raises:
        ShapeError: Images that are to be moved are neither given as ``[P, H, W]`` nor square.

    Examples:
        >>> row = np.array([[1, 0, 0, 0]], np.float32)
        >>> disturbed(row, (1, 1, 4), 1, 0, np.random.default_rng(2)).tolist()
        [[1.0, 1.0, 0.0, 0.0]]
    """
    result = x
    if shift:
        images = x.reshape(len(x), *_sides(shape))
        height, width = images.shape[1:]
        moves = rng.integers(-shift, shift + 1, (2, len(x), 1))
        rows = np.clip(np.arange(height) + moves[0], 0, height - 1)
        columns = np.clip(np.arange(width) + moves[1], 0, width - 1)
        moved = images[np.arange(len(x))[:, None, None], rows[:, :, None], columns[:, None, :]]
        result = moved.reshape(x.shape)
    if noise:
        result = result + noise * rng.standard_normal(x.shape, np.float32)
        result = np.clip(result, np.float32(0), np.float32(1))
    return np.ascontiguousarray(result, np.float32)


def _sides(shape: tuple[int, ...]) -> tuple[int, int]:
    if len(shape) == 3:
        return shape[1], shape[2]
    side = math.isqrt(shape[1])
    if side * side != shape[1]:
        raise ShapeError(
            f"Images of {shape[1]:,} values are not square, and shift is above 0.",
            "Expected images [P, H, W].",
        )
    return side, side
