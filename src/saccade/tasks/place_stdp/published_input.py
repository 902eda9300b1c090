"""The input images of the published systems, with their arithmetic.

    vprsnn    RGB -> bilinear h x w, whole numbers -> grey, whole numbers -> z, window 7
    vprtempo  RGB -> grey -> I^gamma -> bilinear h x w -> z, window 15, unbiased -> 8 bits again
    lens      event counts of a region -> one pixel of each block -> I^gamma in training alone

    level = ⌊255 (1 + z) / 2⌋        flat = 127                    rate = level / 4 Hz
    gamma = ln 127.5 / ln(mean I)    a picture as bright as the middle grey keeps gamma = 1

What is not reproduced, because no two processors agree on it: rounding noise of float32 in patches
that are flat, which the published VPRTempo divides by its own deviation. Here such a patch is 127.

Reference:
    S. Hussaini, M. Milford and T. Fischer, "Spiking neural networks for visual place recognition
    via weighted neuronal assignments", IEEE RA-L 2022.
    A. D. Hines, P. G. Stratton, M. Milford and T. Fischer, "VPRTempo: a fast temporally encoded
    spiking neural network for visual place recognition", ICRA 2024.
    A. D. Hines, M. Milford and T. Fischer, "A compact neuromorphic system for
    ultra-energy-efficient, on-device robot localization", Science Robotics 2025.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from saccade.errors import DataError, ShapeError
from saccade.tasks.place_stdp.patches import patch_normalised
from saccade.tasks.place_stdp.resize import taps

__all__ = [
    "TempoImage",
    "fake_quantised",
    "lens_brightened",
    "opencv_grey",
    "opencv_resized",
    "signed_to_bytes",
    "vprsnn_image",
    "vprtempo_image",
]

RGB = NDArray[np.uint8]

_GREY = (0.299, 0.587, 0.114)
_MIDDLE_GREY = 127.5


@dataclass(frozen=True, eq=False)
class TempoImage:
    """An image on its way into VPRTempo.

    Args:
        gamma: Exponent that was applied.
        resized: float32 ``[h, w]``, 0 to 255.
        normalised: float64 ``[h, w]``, -1 to 1.
        levels: uint8 ``[h, w]``; `fake_quantised` makes amplitudes of them.
    """

    gamma: float
    resized: NDArray[np.float32]
    normalised: NDArray[np.float64]
    levels: NDArray[np.uint8]


def vprsnn_image(rgb: RGB, size: tuple[int, int] = (28, 28), window: int = 7) -> NDArray[np.uint8]:
    """Return the levels that VPRSNN shows to its network; a quarter of them is the rate in Hz.

    Args:
        rgb: uint8 ``[H, W, 3]``, or ``[H, W]`` of an image that is grey already.
        size: Rows and columns.
        window: Side of the patch, odd.

    Returns:
        uint8 ``[h, w]``.

    Raises:
        ShapeError: No such image.
        DataError: The pixels are not uint8.

    Examples:
        >>> int(vprsnn_image(np.full((60, 80, 3), 90, np.uint8)).max())
        127
    """
    small = opencv_resized(rgb, size)
    grey = small if small.ndim == 2 else opencv_grey(small)
    return signed_to_bytes(patch_normalised(grey, window))


def opencv_resized(image: RGB, size: tuple[int, int]) -> NDArray[np.uint8]:
    """Resize bilinearly in whole numbers, as OpenCV does with uint8 images.

    Weights are multiples of 1/2048, of which the sum over a row keeps 7 bits and the sum over both
    axes is rounded half up. Exact against OpenCV 5.0; other versions differ by a grey level.

    Args:
        image: uint8 ``[H, W]`` or ``[H, W, C]``.
        size: Rows and columns.

    Raises:
        ShapeError: No such image.
        DataError: The pixels are not uint8.

    Examples:
        >>> opencv_resized(np.array([[0, 10, 20, 31]], np.uint8), (1, 2)).tolist()
        [[5, 26]]
    """
    _check(image)
    (top, bottom, down), (left, right, along) = (
        _fixed_taps(old, new) for old, new in zip(image.shape[:2], size, strict=True)
    )
    plain = image[..., None] if image.ndim == 2 else image
    values = plain.astype(np.int64)
    across = values[:, left] * along[0][:, None] + values[:, right] * along[1][:, None]
    across >>= 4
    upper, lower = (
        across[row] * w[:, None, None] >> 16 for row, w in zip((top, bottom), down, strict=True)
    )
    found = ((upper + lower + 2) >> 2).astype(np.uint8)
    return found[..., 0] if image.ndim == 2 else found


def opencv_grey(rgb: RGB) -> NDArray[np.uint8]:
    """Return 0.299 R + 0.587 G + 0.114 B in multiples of 2^-15, rounded half up.

    The weight of blue is what the other two leave, so that white stays white.

    Args:
        rgb: uint8 ``[..., 3]``.

    Examples:
        >>> opencv_grey(np.array([[255, 255, 255], [255, 0, 0], [0, 255, 0]], np.uint8)).tolist()
        [255, 76, 150]
    """
    red, green = (round(share * (1 << 15)) for share in _GREY[:2])
    weights = np.array([red, green, (1 << 15) - red - green])
    return ((rgb.astype(np.int64) @ weights + (1 << 14)) >> 15).astype(np.uint8)


def signed_to_bytes(z: NDArray[np.floating]) -> NDArray[np.uint8]:
    """Return ⌊255 (1 + z) / 2⌋ of values from -1 to 1.

    Examples:
        >>> signed_to_bytes(np.array([-1.0, 0.0, 1.0])).tolist()
        [0, 127, 255]
    """
    return (255.0 * (1.0 + z) / 2.0).astype(np.uint8)


def vprtempo_image(rgb: RGB, size: tuple[int, int] = (56, 56), window: int = 15) -> TempoImage:
    """Return an image as VPRTempo prepares it.

    Args:
        rgb: uint8 ``[H, W, 3]``, or ``[H, W]`` of an image that is grey already.
        size: Rows and columns; the paper has 28 x 28 with a window of 7.
        window: Side of the patch, odd.

    Raises:
        ShapeError: No such image.
        DataError: The pixels are not uint8.

    Examples:
        >>> ramp = np.repeat(np.arange(0, 240, 3, dtype=np.uint8)[None, :, None], 60, axis=0)
        >>> round(vprtempo_image(np.repeat(ramp, 3, axis=2)).gamma, 3)
        1.015
    """
    _check(rgb)
    grey = rgb.astype(np.float32)
    if grey.ndim == 3:
        grey = grey @ np.array(_GREY, np.float32)
    bright, gamma = _brightened(grey)
    small = _single_precision_bilinear(bright, size)
    z = patch_normalised(small, window, unbiased=True)
    return TempoImage(gamma, small, z, signed_to_bytes(z))


def fake_quantised(levels: NDArray[np.uint8]) -> NDArray[np.float32]:
    """Return amplitudes in 0 .. 1 on a grid of 256 steps from 0 to the largest of the image.

        x = level / 255,  s = max(x) / 255,  spike = s round(x / s)

    VPRTempo makes the range anew for every image (defect f of its list); where an image has a white
    pixel nothing changes.

    Args:
        levels: uint8 ``[..., h, w]``, each image by itself.

    Returns:
        float32 ``[..., h, w]``.

    Examples:
        >>> (255 * fake_quantised(np.array([[0, 51, 255]], np.uint8))).round().tolist()
        [[0.0, 51.0, 255.0]]
    """
    x = levels.astype(np.float32) / np.float32(255)
    largest = x.max(axis=(-2, -1), keepdims=True, initial=0)
    step = np.maximum(largest / np.float32(255), np.finfo(np.float32).eps)
    return np.clip(np.rint(x / step), 0, 255) * step


def lens_brightened(counts: NDArray[np.uint8]) -> NDArray[np.float32]:
    """Return event counts as LENS trains on them: brightened so that their mean becomes the middle.

    An image without events, or with a mean of exactly 1, stays as it is. A mean below 1 makes the
    exponent negative, so that pixels without any event become 255: that is the published rule.

    Args:
        counts: uint8 ``[N]``, the chosen pixels of one window.

    Returns:
        float32 ``[N]``, 0 to 1; at query time LENS divides by 255 alone.

    Examples:
        >>> (255 * lens_brightened(np.array([16, 4, 0, 0], np.uint8))).round().tolist()
        [255.0, 65.0, 0.0, 0.0]
        >>> (255 * lens_brightened(np.array([1, 0, 0, 0], np.uint8))).round().tolist()
        [1.0, 255.0, 255.0, 255.0]
    """
    mean = float(counts.mean()) if counts.size else 0.0
    values = counts.astype(np.float32)
    if mean not in (0.0, 1.0):
        values, _ = _brightened(values)
    return values / np.float32(255)


def _brightened(grey: NDArray[np.float32]) -> tuple[NDArray[np.float32], float]:
    """I^gamma, at most 255, and gamma."""
    mean = float(np.float32(grey.mean(dtype=np.float64)))
    if mean <= 0.0 or mean == 1.0:
        raise DataError(
            f"The mean grey value is {mean:g}.", "Expected one with a logarithm that is not 0.",
            "Leave that image out.",
        )  # fmt: skip
    gamma = math.log(_MIDDLE_GREY) / math.log(mean)
    with np.errstate(divide="ignore", over="ignore"):
        return np.clip(grey ** np.float32(gamma), 0, 255), gamma


def _single_precision_bilinear(
    image: NDArray[np.float32], size: tuple[int, int]
) -> NDArray[np.float32]:
    """Bilinear with positions and weights in float32: up to 1e-3 grey levels from exact ones."""
    placed = []
    for old, new in zip(image.shape, size, strict=True):
        scale = np.float64(np.float32(old) / np.float32(new))
        at = np.maximum((scale * (np.arange(new) + 0.5) - 0.5).astype(np.float32), 0)
        first = np.minimum(at.astype(np.int64), old - 1)
        placed.append((first, np.minimum(first + 1, old - 1), at - first.astype(np.float32)))
    (top, bottom, down), (left, right, along) = placed
    one = np.float32(1)
    down = down[:, None]
    found = image[np.ix_(top, right)] * ((one - down) * along)
    found += image[np.ix_(top, left)] * ((one - down) * (one - along))
    found += image[np.ix_(bottom, left)] * (down * (one - along))
    found += image[np.ix_(bottom, right)] * (down * along)
    return found


def _fixed_taps(
    old: int, new: int
) -> tuple[NDArray[np.int64], NDArray[np.int64], tuple[NDArray[np.int64], NDArray[np.int64]]]:
    """Both neighbours of every new pixel along an axis, and their weights in 1/2048."""
    first, second, _ = taps(old, new)
    at = ((np.arange(new) + 0.5) * (1 / (new / old)) - 0.5).astype(np.float32)
    part = np.clip(at, 0, old - 1) - first.astype(np.float32)
    one, other = (np.rint(share * 2048).astype(np.int64) for share in (np.float32(1) - part, part))
    return first, second, (one, other)


def _check(image: RGB) -> None:
    if image.ndim not in (2, 3) or 0 in image.shape or (image.ndim == 3 and image.shape[2] != 3):
        raise ShapeError(
            f"The image has shape {list(image.shape)}.", "Expected [H, W, 3] or [H, W]."
        )
    if image.dtype != np.uint8:
        raise DataError(
            f"The image holds {image.dtype} values.", "Expected uint8, as read from the file."
        )
