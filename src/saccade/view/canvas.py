"""Palette pictures as arrays: scale, write on, tile, save.

A canvas is uint8 ``[H, W]`` with entries of `saccade.view.color.palette`. Scaling works on counts,
not on colours: pixels are summed in whole blocks when a sensor is too wide, and repeated when it is
small.
"""

from __future__ import annotations

import io
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from saccade.view.color import LIGHT, TEXT, TEXT_SHADES, Theme, palette

__all__ = ["Canvas", "blank", "fit", "legend_width", "png", "to_rgb", "write", "write_legend"]

Canvas = NDArray[np.uint8]

_NARROWEST = 240


def fit(counts: NDArray[Any], max_width: int) -> NDArray[Any]:
    """Scale counts ``[2, H, W]`` by a whole factor so that they are 240 to ``max_width`` wide.

    Shrinking sums the events of a block, so none vanishes. A small sensor grows by repetition.

    Examples:
        >>> fit(np.ones((2, 4, 500)), 250).shape, fit(np.ones((2, 10, 60)), 640).shape
        ((2, 2, 250), (2, 40, 240))
    """
    height, width = counts.shape[-2:]
    shrink = -(-width // max_width)
    if shrink > 1:
        rows, columns = -(-height // shrink), -(-width // shrink)
        padded = np.zeros((2, rows * shrink, columns * shrink), counts.dtype)
        padded[:, :height, :width] = counts
        return padded.reshape(2, rows, shrink, columns, shrink).sum(axis=(2, 4))
    grow = max(1, min(_NARROWEST, max_width) // width)
    return counts.repeat(grow, axis=1).repeat(grow, axis=2)


def blank(height: int, width: int) -> Canvas:
    """Return an empty canvas."""
    return np.zeros((height, width), np.uint8)


def write(
    canvas: Canvas, text: str, left: int, middle: int, *, size: int = 13, anchor: str = "lm"
) -> int:
    """Write text in place.

    Args:
        canvas: Where to write.
        text: One line.
        left: Column of the anchor.
        middle: Row of the anchor.
        size: Height of the letters in pixels.
        anchor: Pillow's text anchor: ``"lm"`` left middle, ``"rm"`` right middle.

    Returns:
        Width of the text in pixels.
    """
    from PIL import Image, ImageDraw

    layer = Image.new("L", (canvas.shape[1], canvas.shape[0]))
    ImageDraw.Draw(layer).text((left, middle), text, fill=255, font=_font(size), anchor=anchor)
    ink = np.asarray(layer, dtype=np.uint16) * (TEXT_SHADES - 1) // 255
    np.copyto(canvas, (TEXT + ink).astype(np.uint8), where=ink > 0)
    return text_width(text, size)


def text_width(text: str, size: int = 13) -> int:
    """Return how wide a line of text is in pixels."""
    return int(np.ceil(_font(size).getlength(text)))


def legend_width(size: int = 13) -> int:
    """Return the width that `write_legend` needs."""
    return 2 * (size + 5) + text_width("ON", size) + text_width("OFF", size) + size


def write_legend(canvas: Canvas, right: int, middle: int, *, size: int = 13) -> None:
    """Write the meaning of the two colours in place, ending at column ``right``."""
    column = right - legend_width(size)
    half = size // 2
    for word, entry in (("ON", TEXT - 1), ("OFF", TEXT - 9)):
        canvas[middle - half : middle + half, column : column + 2 * half] = entry
        column += size + 5
        column += write(canvas, word, column, middle, size=size) + size


def to_rgb(canvas: Canvas, theme: Theme = LIGHT) -> NDArray[np.uint8]:
    """Return the canvas as red, green, blue: uint8 ``[H, W, 3]``."""
    return palette(theme)[canvas]


def png(canvas: Canvas, theme: Theme = LIGHT) -> bytes:
    """Return the canvas as a palette PNG."""
    from PIL import Image

    image = Image.fromarray(canvas)
    image.putpalette(palette(theme).tobytes())
    buffer = io.BytesIO()
    image.save(buffer, "PNG", optimize=True)
    return buffer.getvalue()


@lru_cache(maxsize=8)
def _font(size: int) -> Any:
    # Pillow's own font has no µ; the one that matplotlib brings along has.
    import matplotlib
    from PIL import ImageFont

    path = Path(matplotlib.get_data_path(), "fonts", "ttf", "DejaVuSans.ttf")
    return ImageFont.truetype(str(path), size)
