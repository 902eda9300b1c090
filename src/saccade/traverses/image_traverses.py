"""Numbered places, an image each: from files, from an array, or counts in an array.

    FileImages    image k is read when it is asked for
    ArrayImages   uint8 [N, H, W] grey, or [N, H, W, 3] colours
    ArrayCounts   events of each pixel, [N, H, W], or [N, 2, H, W] by polarity (OFF, ON)

A frame is float32 ``[1, H, W]`` (``[2, H, W]`` by polarity), at the size of the images: who learns
scales them.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from saccade.errors import ShapeError
from saccade.traverses.image_files import as_rgb, grey_of, read_rgb
from saccade.traverses.traverse import NumberedPlaces

__all__ = ["ArrayCounts", "ArrayImages", "FileImages"]


@dataclass(frozen=True, eq=False)
class FileImages(NumberedPlaces):
    """Images in files of one size.

    Args:
        name: Traverse, and range.
        places: int64 ``[N]``, number of the place that each image shows.
        files: Image of each place.
    """

    files: tuple[Path, ...]

    @cached_property
    def size(self) -> tuple[int, int]:
        """Rows and columns of the first image."""
        height, width, _ = read_rgb(self.files[0]).shape
        return height, width

    def frame(self, k: int, rng: np.random.Generator | None = None) -> NDArray[np.float32]:
        """Return the grey values of image k, float32 ``[1, H, W]``, 0 to 255; nothing is drawn."""
        return grey_of(self.rgb(k)).astype(np.float32)[None]

    def rgb(self, k: int) -> NDArray[np.uint8]:
        """Return image k, uint8 ``[H, W, 3]``.

        Raises:
            ShapeError: Its size is not that of the first one.
            FormatError: It cannot be read.
        """
        image = read_rgb(self.files[k])
        if image.shape[:2] != self.size:
            raise ShapeError(
                f"{self.files[k]} is {image.shape[1]}x{image.shape[0]}.",
                f"Expected {self.size[1]}x{self.size[0]}, as {self.files[0]}.",
                "Bring the images of a traverse to one size.",
            )
        return image


@dataclass(frozen=True, eq=False)
class ArrayImages(NumberedPlaces):
    """Images in an array.

    Args:
        name: Traverse, and range.
        places: int64 ``[N]``, number of the place that each image shows.
        images: uint8 ``[N, H, W]`` or ``[N, H, W, 3]``.
    """

    images: NDArray[np.uint8]

    def frame(self, k: int, rng: np.random.Generator | None = None) -> NDArray[np.float32]:
        """Return the grey values of image k, float32 ``[1, H, W]``, 0 to 255; nothing is drawn."""
        image = self.images[k]
        return (image if image.ndim == 2 else grey_of(image)).astype(np.float32)[None]

    def rgb(self, k: int) -> NDArray[np.uint8]:
        """Return image k, uint8 ``[H, W, 3]``; a grey one has three equal channels."""
        return as_rgb(self.images[k])


@dataclass(frozen=True, eq=False)
class ArrayCounts(NumberedPlaces):
    """Counted events in an array.

    Args:
        name: Traverse, and range.
        places: int64 ``[N]``, number of the place that each frame shows.
        counts: ``[N, H, W]`` of both polarities together, or ``[N, 2, H, W]`` (OFF, ON).
    """

    counts: NDArray[Any]

    def frame(self, k: int, rng: np.random.Generator | None = None) -> NDArray[np.float32]:
        """Return the counts of window k, float32 ``[1 or 2, H, W]``; nothing is drawn."""
        frame = self.counts[k].astype(np.float32)
        return frame[None] if frame.ndim == 2 else frame
