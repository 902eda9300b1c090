"""Images of one size from images of any size.

    area      mean over the piece of the image that a new pixel covers, parts of pixels weighted
    bilinear  the two nearest pixels in each axis around x = (k + 1/2) n / m - 1/2, no smoothing
    pick      the pixel at (side // 2 - 1) of each whole block of n / m pixels, nothing else

``area`` looks at every pixel, which sparse event counts need: from 346 to 28 pixels ``bilinear``
takes 2 of 12. ``pick`` is what an event camera with a region of interest can do for nothing: only
the events of the chosen pixels exist.
"""

from __future__ import annotations

from typing import Literal, get_args

import numpy as np
from numpy.typing import NDArray

from saccade.errors import ConfigError, ShapeError

__all__ = ["Resize", "area", "bilinear", "middle", "picked", "resized", "taps"]

Resize = Literal["area", "bilinear", "pick"]

Images = NDArray[np.floating]


def resized(images: Images, size: tuple[int, int], kind: Resize) -> Images:
    """Resize by the named rule; images that have the size already stay as they are.

    Raises:
        ConfigError: The rule is unknown, the size is below 1, or ``pick`` does not divide.
        ShapeError: There are fewer than two axes, or an image has no pixel.

    Examples:
        >>> resized(np.arange(16.0).reshape(4, 4), (2, 2), "pick").tolist()
        [[0.0, 2.0], [8.0, 10.0]]
    """
    if kind not in get_args(Resize):
        raise ConfigError(f"resize is {kind!r}.", f"Expected one of {', '.join(get_args(Resize))}.")
    if images.ndim < 2 or 0 in images.shape[-2:]:
        raise ShapeError(f"Images have shape {list(images.shape)}.", "Expected [..., H, W].")
    if min(size) < 1:
        raise ConfigError(f"size is {size[0]} x {size[1]}.", "Expected at least 1 x 1.")
    if images.shape[-2:] == tuple(size):
        return images
    return {"area": area, "bilinear": bilinear, "pick": picked}[kind](images, size)


def area(images: Images, size: tuple[int, int]) -> Images:
    """Return means over equal pieces of the image.

    Args:
        images: float32 or float64 ``[..., H, W]``.
        size: Rows h and columns w wanted.

    Returns:
        The same type, ``[..., h, w]``; the mean of an image stays what it was.

    Examples:
        >>> area(np.array([[0.0, 3.0, 6.0]]), (1, 2)).tolist()
        [[1.0, 5.0]]
    """
    rows, columns = (
        _shares(old, new).astype(images.dtype)
        for old, new in zip(images.shape[-2:], size, strict=True)
    )
    return rows @ images @ columns.T


def bilinear(images: Images, size: tuple[int, int]) -> Images:
    """Return values between the four nearest pixels; beyond the border its pixels repeat.

    Examples:
        >>> bilinear(np.array([[0.0, 10.0, 20.0, 30.0]]), (1, 2)).tolist()
        [[5.0, 25.0]]
    """
    (top, bottom, down), (left, right, along) = (
        taps(old, new) for old, new in zip(images.shape[-2:], size, strict=True)
    )
    down, along = down[:, None].astype(images.dtype), along.astype(images.dtype)
    across = images[..., left] * (1 - along) + images[..., right] * along
    return across[..., top, :] * (1 - down) + across[..., bottom, :] * down


def picked(images: Images, size: tuple[int, int]) -> Images:
    """Return one pixel of each block, up and left of its middle.

    Args:
        images: ``[..., H, W]`` of any type.
        size: Rows h and columns w wanted; they divide H and W.

    Raises:
        ConfigError: The blocks would not be whole.

    Examples:
        >>> picked(np.arange(80 * 80).reshape(80, 80), (10, 10))[0, :3].tolist()
        [243, 251, 259]
    """
    starts: list[int] = []
    for old, new in zip(images.shape[-2:], size, strict=True):
        if old % new:
            raise ConfigError(
                f"{new} blocks over {old} pixels are not whole.",
                "Expected a number of pixels that the blocks divide.",
                f"Cut a region of {old // new * new} pixels first." if old >= new else "",
            )
        starts.append(middle(old // new))
    (height, width), (h, w) = images.shape[-2:], size
    return images[..., starts[0] :: height // h, starts[1] :: width // w]


def middle(side: int) -> int:
    """Return which pixel of a block stands for it: the left one of the two in the middle."""
    return max(side // 2 - 1, 0)


def taps(old: int, new: int) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.float64]]:
    """Return both neighbours of every new pixel along an axis, and the weight of the second."""
    at = np.clip((np.arange(new) + 0.5) * old / new - 0.5, 0, old - 1)
    first = np.floor(at).astype(np.int64)
    return first, np.minimum(first + 1, old - 1), at - first


def _shares(old: int, new: int) -> NDArray[np.float64]:
    """Share of each old pixel in each new one ``[new, old]``; rows sum to 1."""
    edges = np.arange(new + 1) * (old / new)
    pixels = np.arange(old)
    end = np.minimum(edges[1:, None], pixels + 1)
    start = np.maximum(edges[:-1, None], pixels)
    return np.maximum(end - start, 0.0) * (new / old)
