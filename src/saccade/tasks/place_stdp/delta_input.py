"""From camera images to inputs in one compiled pass: grey, box resize, patch normalisation.

    g = 0.299 R + 0.587 G + 0.114 B               grey levels, 0 to 255
    f(r, c) = mean of g over the part of the image that output pixel (r, c) covers
    z = (f - mean) / std                          over the window around (r, c), inside the image
    out = floor(255 (1 + clip(z, -1, 1)) / 2)     127 where the window is flat

This is the fast native path. Averaging over the covered part keeps what bilinear samples of a small
picture skip. The published paths, step by step, are in `preprocess`.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from saccade.errors import ConfigError, DataError, ShapeError
from saccade.jit import kernel
from saccade.tasks.place_stdp.delta_kernels import in_blocks

__all__ = ["FLAT", "box_weights", "patch_images", "plain_patch_images"]

Bytes = NDArray[np.uint8]

FLAT = 0.01
"""A window whose standard deviation is below this many grey levels has no contrast."""

RED, GREEN, BLUE = np.float32(0.299), np.float32(0.587), np.float32(0.114)


def patch_images(
    images: Bytes, *, size: int = 28, window: int = 7, threads: int | None = None
) -> Bytes:
    """Return small patch-normalised images.

    Args:
        images: uint8 ``[Q, H, W]`` grey or ``[Q, H, W, 3]`` colour.
        size: Side of the result.
        window: Side of the window, odd; at the border it holds the pixels that exist.
        threads: How many work at the same time (default: as many as there are cores).

    Returns:
        uint8 ``[Q, size, size]``.

    Raises:
        ShapeError: The images have other axes.
        DataError: They hold no bytes.
        ConfigError: ``size`` is below 1, or ``window`` is even or below 3.

    Examples:
        >>> image = np.zeros((1, 4, 4), np.uint8)
        >>> image[0, :, 2:] = 200
        >>> patch_images(image, size=2, window=3)[0].tolist()
        [[0, 255], [0, 255]]
    """
    colours = _checked(images, size, window)
    down, across = box_weights(colours.shape[1], size), box_weights(colours.shape[2], size)
    out = np.empty((len(colours), size, size), np.uint8)

    def some(first: int, last: int) -> None:
        _patch(colours, down, across, window // 2, out, first, last)

    in_blocks(some, len(colours), 1, threads)
    return out


def plain_patch_images(images: Bytes, *, size: int = 28, window: int = 7) -> Bytes:
    """Return the same in NumPy; sums in another order may move a value by 1.

    Examples:
        >>> plain_patch_images(np.zeros((1, 9, 9), np.uint8), size=3, window=3)[0, 0].tolist()
        [127, 127, 127]
    """
    colours = _checked(images, size, window).astype(np.float64)
    shares = [RED, GREEN, BLUE] if colours.shape[-1] == 3 else [1.0]
    grey = colours @ np.array(shares, np.float64)
    small = box_weights(grey.shape[1], size) @ grey @ box_weights(grey.shape[2], size).T
    half = window // 2
    padded = np.pad(small, ((0, 0), (half, half), (half, half)), constant_values=np.nan)
    views = np.lib.stride_tricks.sliding_window_view(padded, (window, window), (1, 2))
    mean, std = np.nanmean(views, (-2, -1)), np.nanstd(views, (-2, -1))
    z = np.where(std < FLAT, 0, (small - mean) / np.maximum(std, FLAT))
    return np.floor(255 * (1 + np.clip(z, -1, 1)) / 2).astype(np.uint8)


def box_weights(length: int, size: int) -> NDArray[np.float32]:
    """Return by how much each of ``length`` pixels counts in each of ``size`` pixels.

    Output pixel r covers source pixels r length / size to (r + 1) length / size.

    Args:
        length: Source pixels of a side.
        size: Output pixels of a side.

    Returns:
        float32 ``[size, length]``; rows sum to 1.

    Examples:
        >>> (3 * box_weights(3, 2)).round(3).tolist()
        [[2.0, 1.0, 0.0], [0.0, 1.0, 2.0]]
    """
    edges = np.arange(size + 1) * length / size
    pixels = np.arange(length)
    last = np.minimum(edges[1:, None], pixels + 1)
    covered = np.maximum(0, last - np.maximum(edges[:-1, None], pixels))
    return (covered * size / length).astype(np.float32)


def _checked(images: Bytes, size: int, window: int) -> Bytes:
    """Return the images as ``[Q, H, W, C]``, C = 1 or 3."""
    if size < 1 or window < 3 or window % 2 == 0:
        raise ConfigError(
            f"size {size}, window {window}.", "Expected 1 or more, and an odd number from 3 on."
        )
    if images.dtype != np.uint8:
        raise DataError(f"Images hold {images.dtype} values.", "Expected uint8, 0 to 255.")
    shape = images.shape
    if 0 in shape[1:] or not (len(shape) == 3 or (len(shape) == 4 and shape[3] == 3)):
        raise ShapeError(f"Images have shape {shape}.", "Expected [Q, H, W] or [Q, H, W, 3].")
    return np.ascontiguousarray(images if images.ndim == 4 else images[..., None])


@kernel
def _patch(images: Any, down: Any, across: Any, half: Any, out: Any, first: Any, last: Any) -> None:
    """Do some images, rows first: sums run along the memory."""
    height, width = images.shape[1:3]
    size = down.shape[0]
    grey = np.empty(width, np.float32)
    rows, small = np.empty((size, width), np.float32), np.empty((size, size), np.float32)
    for q in range(first, last):
        rows[:] = np.float32(0)
        for y in range(height):
            _grey(images[q, y], grey)
            begin = y * size // height
            for r in range(begin, min((y + 1) * size // height + 1, size)):
                weight = down[r, y]
                if weight > 0:
                    for x in range(width):
                        rows[r, x] += weight * grey[x]
        for c in range(size):
            begin, end = c * width // size, min((c + 1) * width // size + 1, width)
            for r in range(size):
                total = np.float32(0)
                for x in range(begin, end):
                    total += across[c, x] * rows[r, x]
                small[r, c] = total
        _normalise(small, half, out[q])


@kernel(counted=False)
def _grey(row: Any, grey: Any) -> None:
    if row.shape[1] == 1:
        for x in range(row.shape[0]):
            grey[x] = np.float32(row[x, 0])
        return
    for x in range(row.shape[0]):
        red, green, blue = row[x, 0], row[x, 1], row[x, 2]
        grey[x] = RED * np.float32(red) + GREEN * np.float32(green) + BLUE * np.float32(blue)


@kernel(counted=False)
def _normalise(small: Any, half: Any, out: Any) -> None:
    size = small.shape[0]
    for r in range(size):
        top, bottom = max(r - half, 0), min(r + half + 1, size)
        for c in range(size):
            left, right = max(c - half, 0), min(c + half + 1, size)
            total, squares = 0.0, 0.0
            for y in range(top, bottom):
                for x in range(left, right):
                    value = np.float64(small[y, x]) - np.float64(small[r, c])
                    total += value
                    squares += value * value
            count = (bottom - top) * (right - left)
            mean = total / count
            std = np.sqrt(max(squares / count - mean * mean, 0.0))
            z = min(max(-mean / std, -1.0), 1.0) if std >= FLAT else 0.0
            out[r, c] = np.uint8(255.0 * (1.0 + z) / 2.0)
