"""Image files as pixels: colour uint8 ``[H, W, 3]``, and the grey value that is made of it.

    Y = 0.299 R + 0.587 G + 0.114 B, rounded          0 black to 255 white

And ``.npz`` files of arrays, which hold the images of whole traverses.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any
from zipfile import BadZipFile

import numpy as np
from numpy.typing import NDArray

from saccade.errors import FormatError, MissingFileError

__all__ = ["TUNNEL_STD", "as_rgb", "grey_of", "read_arrays", "read_rgb"]

TUNNEL_STD = 5.0
"""Images with a smaller standard deviation of their values are nearly constant: tunnels."""

_WEIGHTS = np.array([0.299, 0.587, 0.114])


def read_rgb(path: Path) -> NDArray[np.uint8]:
    """Read an image file, upright, as colours uint8 ``[H, W, 3]``, equal ones where it is grey.

    Raises:
        MissingFileError: There is no such file.
        FormatError: It is no image, is truncated, or has more than 8 bits a channel.
    """
    from PIL import Image, ImageOps

    try:
        with Image.open(path) as opened:
            if opened.mode[0] in "IF":
                raise FormatError(
                    f"{path} has {opened.mode} pixels.",
                    "Expected 8 bits a channel.",
                    "Convert it to 8 bits first: what is white is not known here.",
                )
            return np.array(ImageOps.exif_transpose(opened).convert("RGB"), np.uint8)
    except FileNotFoundError as error:
        raise MissingFileError(f"No such image: {path}.") from error
    except (OSError, SyntaxError, ValueError) as error:
        raise FormatError(
            f"{path} cannot be read as an image: {error}.", "Expected a whole image."
        ) from error


def read_arrays(path: Path) -> dict[str, NDArray[Any]]:
    """Return the arrays of an ``.npz`` file by name.

    Raises:
        MissingFileError: There is no such file.
        FormatError: It is no such file, or is damaged.
    """
    if not path.is_file():
        raise MissingFileError(f"No such file: {path}.", "Expected an .npz file with images.")
    try:
        with np.load(path, allow_pickle=False) as data:
            return {name: data[name] for name in data.files}
    except (ValueError, OSError, AttributeError, BadZipFile) as error:
        raise FormatError(f"{path.name} is no .npz file of arrays: {error}.") from error


def grey_of(images: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Return the grey values of colours.

    Args:
        images: uint8 ``[..., H, W, 3]``; a fourth channel is left out.

    Examples:
        >>> grey_of(np.array([[[255, 0, 0], [9, 9, 9]]], np.uint8)).tolist()
        [[76, 9]]
    """
    return np.rint(images[..., :3] @ _WEIGHTS).astype(np.uint8)


def as_rgb(image: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Return an image uint8 ``[H, W]`` or ``[H, W, 3]`` as ``[H, W, 3]``.

    Examples:
        >>> as_rgb(np.array([[7]], np.uint8)).tolist()
        [[[7, 7, 7]]]
    """
    if image.ndim == 2:
        return np.repeat(image[..., None], 3, axis=2)
    return np.ascontiguousarray(image[..., :3])
