"""Pictures as the light they show: encoded values to luminance in cd/m2, fitted to a sensor.

    c_lin = c / 12.92                        c <= 0.04045      (inverse sRGB, c = value / most)
            ((c + 0.055) / 1.055)^2.4        otherwise
    Y     = 0.2126 R_lin + 0.7152 G_lin + 0.0722 B_lin         luminance = white_cd_m2 Y

A file does not say how bright the scene was: ``white_cd_m2`` is the luminance given to white.
Resizing happens on luminance, as light adds up on a pixel, never on encoded values.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from saccade.errors import ConfigError, ShapeError
from saccade.events.types import SensorSize
from saccade.jit import kernel

__all__ = ["Frame", "check_white", "fit", "linear_light"]

Frame = tuple[int, NDArray[np.float32]]
"""Time in microseconds and luminance ``[H, W]`` in cd/m2."""

_WEIGHTS = np.array([0.2126, 0.7152, 0.0722], np.float32)


def linear_light(values: NDArray[Any], *, encoding: str = "srgb") -> NDArray[np.float32]:
    """Return relative luminance, 0 black to 1 white, of a picture.

    Args:
        values: uint8 or uint16 ``[H, W]`` grey or ``[H, W, 3]`` red, green, blue.
        encoding: ``"srgb"`` for pictures and videos as they are shown, ``"linear"`` where values
            are proportional to light, as in raw captures.

    Returns:
        float32 ``[H, W]``.

    Raises:
        ShapeError: Another shape or type.
        ConfigError: Another encoding.

    Examples:
        >>> [f"{y:.3f}" for y in linear_light(np.array([[0, 188, 255]], np.uint8))[0]]
        ['0.000', '0.503', '1.000']

    Reference:
        IEC 61966-2-1:1999; ITU-R BT.709 for the weights.
    """
    picture = values.ndim == 2 or (values.ndim == 3 and values.shape[2] == 3)
    if not picture or values.dtype not in (np.uint8, np.uint16):
        raise ShapeError(
            f"A picture has shape {values.shape} and type {values.dtype}.",
            "Expected uint8 or uint16, [H, W] or [H, W, 3].",
        )
    if encoding not in ("srgb", "linear"):
        raise ConfigError(f"encoding is {encoding!r}.", "Expected 'srgb' or 'linear'.")
    table = _table(int(np.iinfo(values.dtype).max) + 1, encoding)
    if values.ndim == 2:
        return table[values]
    return _weigh(np.ascontiguousarray(values), table, _WEIGHTS)


def fit(
    image: NDArray[np.float32], size: SensorSize | None, *, pixel_aspect: float = 1.0
) -> NDArray[np.float32]:
    """Cut the middle of a picture to the sensor's aspect ratio and resize it.

    Smaller pictures are interpolated, larger ones averaged (triangle filter as wide as a pixel of
    the result), so that nothing aliases.

    Args:
        image: float32 ``[H, W]``.
        size: Sensor size; None leaves the picture as it is.
        pixel_aspect: Width of a pixel of the picture over its height.

    Returns:
        float32 ``[size.height, size.width]``.

    Examples:
        >>> fit(np.array([[9, 1, 3, 9]], np.float32), SensorSize(1, 2)).tolist()
        [[1.0, 3.0]]
    """
    height, width = image.shape
    if size is None or ((height, width) == (size.height, size.width) and pixel_aspect == 1.0):
        return image
    from PIL import Image

    shown = min(width * pixel_aspect, height * size.width / size.height)
    cut_width = min(float(width), shown / pixel_aspect)
    cut_height = min(float(height), shown * size.height / size.width)
    left, top = (width - cut_width) / 2, (height - cut_height) / 2
    resized = Image.fromarray(np.ascontiguousarray(image)).resize(
        (size.width, size.height),
        Image.Resampling.BILINEAR,
        box=(left, top, left + cut_width, top + cut_height),
    )
    return np.asarray(resized, dtype=np.float32).copy()


def check_white(white_cd_m2: float) -> None:
    """Refuse a luminance of white that is not positive.

    Raises:
        ConfigError: It is not.
    """
    if not 0.0 < white_cd_m2 < float("inf"):
        raise ConfigError(
            f"white_cd_m2 is {white_cd_m2}.",
            "Expected a luminance above 0 in cd/m2: 100 is a screen, 10,000 paper in the sun.",
        )


@cache
def _table(levels: int, encoding: str) -> NDArray[np.float32]:
    value = np.arange(levels) / (levels - 1)
    if encoding == "srgb":
        value = np.where(value <= 0.04045, value / 12.92, ((value + 0.055) / 1.055) ** 2.4)
    return value.astype(np.float32)


@kernel
def _weigh_rows(
    values: NDArray[Any],
    table: NDArray[np.float32],
    weights: NDArray[np.float32],
    out: NDArray[np.float32],
) -> None:
    for y in range(values.shape[0]):
        for x in range(values.shape[1]):
            red, green, blue = values[y, x, 0], values[y, x, 1], values[y, x, 2]
            out[y, x] = (
                weights[0] * table[red] + weights[1] * table[green] + weights[2] * table[blue]
            )


def _weigh(
    values: NDArray[Any], table: NDArray[np.float32], weights: NDArray[np.float32]
) -> NDArray[np.float32]:
    out = np.empty(values.shape[:2], np.float32)
    rows: Callable[..., None] = _weigh_rows
    rows(values, table, weights, out)
    return out
