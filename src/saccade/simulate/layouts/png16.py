"""PNG files of 8 or 16 bits, grey or three channels, and DSEC's codes for disparity and flow.

    signature | IHDR: size, bits, colour | IDAT: zlib of the rows | IEND
    a row = filter number 2, then its bytes minus those of the row above (modulo 256)

    disparity code = round(256 d), 0 = none      flow code = round(128 v) + 2^15, third = known

Pillow writes no colour image of 16 bits, which flow needs. No time and no text is stored: the same
image gives the same bytes.

Reference:
    PNG specification, third edition, W3C 2025; data format at https://dsec.ifi.uzh.ch/data-format.
"""

from __future__ import annotations

import struct
import zlib
from typing import Any

import numpy as np
from numpy.typing import NDArray

from saccade.errors import DataError, ShapeError

__all__ = ["disparity_code", "flow_code", "png"]

_SIGNATURE = b"\x89PNG\r\n\x1a\n"
_GREY, _COLOUR = 0, 2
_UP = 2
_LEVEL = 4
_FLOW_ZERO = 1 << 15
_MOST = (1 << 16) - 1


def png(image: NDArray[Any]) -> bytes:
    """Return an image as a PNG file.

    Args:
        image: uint8 or uint16, ``[H, W]`` grey or ``[H, W, 3]``.

    Raises:
        ShapeError: It has another shape or type.

    Examples:
        >>> png(np.zeros((2, 3), np.uint16))[:8]
        b'\\x89PNG\\r\\n\\x1a\\n'
    """
    grey, colour = image.ndim == 2, image.ndim == 3 and image.shape[-1] == 3
    if not (grey or colour) or not image.size or image.dtype not in (np.uint8, np.uint16):
        raise ShapeError(
            f"An image of shape {image.shape} and type {image.dtype} is no PNG.",
            "Expected uint8 or uint16, [H, W] or [H, W, 3].",
        )
    height, width = image.shape[:2]
    rows = image.astype(image.dtype.newbyteorder(">")).reshape(height, -1).view(np.uint8)
    stream = np.empty((height, 1 + rows.shape[1]), np.uint8)
    stream[:, 0] = _UP
    stream[0, 1:] = rows[0]
    np.subtract(rows[1:], rows[:-1], out=stream[1:, 1:])
    bits, kind = 8 * image.dtype.itemsize, _GREY if grey else _COLOUR
    header = struct.pack(">IIBBBBB", width, height, bits, kind, 0, 0, 0)
    packed = zlib.compress(stream.tobytes(), _LEVEL)
    return (
        _SIGNATURE + _chunk(b"IHDR", header) + _chunk(b"IDAT", packed) + _chunk(b"IEND", b"")
    )  # fmt: skip


def disparity_code(disparity: NDArray[np.float32]) -> NDArray[np.uint16]:
    """Return disparity in 1/256 pixels.

    Args:
        disparity: ``[H, W]`` pixels, NaN = none.

    Returns:
        uint16 ``[H, W]``; 0 where there is none, or what the code cannot hold: less than half a
        step, or 256 pixels and more.

    Raises:
        DataError: A disparity is negative: the cameras are the wrong way round.

    Examples:
        >>> disparity_code(np.array([[1.5, np.nan, 0.001, 256.0]], np.float32)).tolist()
        [[384, 0, 0, 0]]
    """
    pixels = np.where(np.isfinite(disparity), disparity, 0.0).astype(np.float64)
    code = np.rint(256.0 * pixels)
    if code.size and code.min() < 0:
        raise DataError(
            f"A disparity is {code.min() / 256:g} px.",
            "Expected 0 or more.",
            "Swap left and right.",
        )
    return np.where(code <= _MOST, code, 0).astype(np.uint16)


def flow_code(flow: NDArray[np.float32]) -> NDArray[np.uint16]:
    """Return flow in 1/128 pixels around 2^15, and where it is known.

    Args:
        flow: ``[2, H, W]`` pixels (x, y); a pixel with a NaN is not known, nor is one that moves
            by 256 pixels or more, which the code cannot hold.

    Returns:
        uint16 ``[H, W, 3]``: x, y, 1 = known; 2^15, 2^15, 0 where it is not.

    Examples:
        >>> flow = np.array([[[0.5, np.nan]], [[-2.0, 1.0]]], np.float32)
        >>> flow_code(flow).tolist()
        [[[32832, 32512, 1], [32768, 32768, 0]]]
    """
    code = np.rint(128.0 * flow.astype(np.float64)) + _FLOW_ZERO
    known = np.logical_and(code >= 0, code <= _MOST).all(axis=0)
    values = np.where(known, code, _FLOW_ZERO)
    return np.stack([values[0], values[1], known], axis=-1).astype(np.uint16)


def _chunk(name: bytes, content: bytes) -> bytes:
    body = name + content
    return struct.pack(">I", len(content)) + body + struct.pack(">I", zlib.crc32(body))
