"""Hot pixels: pixels that fire without a cause in the scene.

All pixels are exposed equally long, so counts stand for rates. For a Poisson count c the value
a = 2 √(c + 3/8) has a standard deviation of 1 at every rate (Anscombe). With m_i the median of a
over the 8 neighbours of pixel i, its excess is e_i = a_i - m_i, and

    pixel i is hot   <=>   e_i > n_sigma σ,     σ = max(1, 1.4826 median |e_j| over active pixels j)

A moving edge excites neighbours alike and leaves e small; a defect excites one pixel. Texture and
pixel mismatch widen σ, so that the rule adapts to the recording. Up to three hot pixels may touch.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from saccade.errors import ConfigError, FormatError, MissingFileError, ShapeError
from saccade.events.types import Events

__all__ = ["hot_pixels", "read_pixel_list"]

_ROWS = 128  # rows at a time, so that memory stays small on large sensors


def hot_pixels(source: Events | NDArray[np.int64], *, n_sigma: float = 10.0) -> NDArray[np.int64]:
    """Find pixels that fire far more often than their neighbours.

    Args:
        source: A recording, or its events per pixel ``[H, W]`` (as `Survey.counts` accumulates).
        n_sigma: Standard deviations above the neighbours; smaller finds more.

    Returns:
        int64 ``[M, 2]``, rows (x, y), hottest first.

    Raises:
        ConfigError: ``n_sigma`` is not positive.
        ShapeError: The counts are not ``[H, W]``.

    Examples:
        >>> from saccade.events import Events, SensorSize
        >>> x, y = [1] * 500 + [0, 2], [1] * 500 + [1, 2]
        >>> hot_pixels(Events(x, y, range(502), [1] * 502, SensorSize(4, 4))).tolist()
        [[1, 1]]
    """
    if not n_sigma > 0:
        raise ConfigError(f"n_sigma is {n_sigma}.", "Expected a positive number.")
    counts = _counts(source) if isinstance(source, Events) else np.asarray(source)
    if counts.ndim != 2:
        raise ShapeError(f"Counts have shape {counts.shape}.", "Expected events per pixel [H, W].")
    if not counts.any():
        return np.empty((0, 2), np.int64)
    excess = _excess(counts)
    sigma = max(1.0, 1.4826 * float(np.median(np.abs(excess[counts > 0]))))
    y, x = np.nonzero(excess > n_sigma * sigma)
    order = np.argsort(-counts[y, x], kind="stable")
    return np.stack([x, y], axis=1)[order].astype(np.int64)


def read_pixel_list(path: Path | str) -> NDArray[np.int64]:
    """Read a text file with one pixel ``x,y`` per line; ``#`` starts a comment.

    Returns:
        int64 ``[M, 2]``, rows (x, y).

    Raises:
        MissingFileError: There is no such file.
        FormatError: A line holds something else.
    """
    path = Path(path)
    if not path.is_file():
        raise MissingFileError(f"No such file: {path}.", "Expected a list of pixels, x,y per line.")
    rows: list[tuple[int, int]] = []
    for number, line in enumerate(path.read_text().splitlines(), 1):
        text = line.partition("#")[0].strip()
        if not text:
            continue
        try:
            x, y = (int(word) for word in text.split(","))
        except ValueError as error:
            raise FormatError(
                f"{path}:{number}: {text!r} is no pixel.", "Expected x,y in whole numbers."
            ) from error
        rows.append((x, y))
    return np.array(rows, np.int64).reshape(-1, 2)


def _counts(events: Events) -> NDArray[np.int64]:
    flat = events.y.astype(np.int64) * events.size.width + events.x
    counts = np.bincount(flat, minlength=events.size.pixels)
    return counts.reshape(events.size.height, events.size.width)


def _excess(counts: NDArray[np.int64]) -> NDArray[np.float32]:
    """Excess e of every pixel over the median of its 8 neighbours (borders mirrored)."""
    height, width = counts.shape
    level = np.pad((2.0 * np.sqrt(counts + 0.375)).astype(np.float32), 1, mode="reflect")
    excess = np.empty((height, width), np.float32)
    for top in range(0, height, _ROWS):
        rows = min(_ROWS, height - top)
        around = np.stack(
            [
                level[top + dy : top + dy + rows, dx : dx + width]
                for dy in range(3)
                for dx in range(3)
                if (dy, dx) != (1, 1)
            ]
        )
        centre = level[top + 1 : top + 1 + rows, 1 : width + 1]
        excess[top : top + rows] = centre - np.median(around, axis=0)
    return excess
