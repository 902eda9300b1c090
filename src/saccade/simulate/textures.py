"""Textures in one flat array with all their reduced versions (a mip pyramid), for the kernels.

A texture is sampled between the two reductions whose texels are nearest to a pixel's footprint, so
that far surfaces do not flicker. Albedo is stored as ``round(255 sqrt(a))``, finer in the dark.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from saccade.errors import DataError

__all__ = ["MOST_LEVELS", "TextureBook", "Textures"]

MOST_LEVELS = 11
"""Reductions of the largest texture, 1024 texels wide."""


@dataclass(frozen=True)
class Textures:
    """Packed textures.

    Args:
        texels: uint8 ``[M]``, all reductions of all channels, rows from the bottom upwards.
        table: int64 ``[T, 5]``: log2 width, log2 height, number of reductions, start of alpha
            or -1, start of emission or -1 (rows of ``levels``).
        levels: int64 ``[R, MOST_LEVELS]``, where each reduction starts in ``texels``; row k is the
            albedo of texture k, later rows are alpha and emission channels.
        names: Name of each texture.
    """

    texels: NDArray[np.uint8]
    table: NDArray[np.int64]
    levels: NDArray[np.int64]
    names: tuple[str, ...]


@dataclass
class TextureBook:
    """Collects textures while a scene is built.

    Examples:
        >>> book = TextureBook()
        >>> book.add("wall", np.full((16, 32), 0.5))
        0
        >>> book.pack().table[0].tolist()
        [5, 4, 6, -1, -1]
    """

    names: list[str] = field(default_factory=list[str])
    _channels: list[tuple[NDArray[np.float64] | None, ...]] = field(
        default_factory=list[tuple["NDArray[np.float64] | None", ...]]
    )

    def add(
        self,
        name: str,
        albedo: NDArray[np.floating],
        alpha: NDArray[np.floating] | None = None,
        emission: NDArray[np.floating] | None = None,
    ) -> int:
        """Add a texture and return its index.

        Args:
            name: For people.
            albedo: ``[height, width]`` in 0..1, as seen: row 0 at the top. Sides are powers of two
                from 2 to 1024; it repeats seamlessly if its content does.
            alpha: Same shape; below 0.5 the surface is not there.
            emission: Same shape; share of the quad's ``emission`` given off there.

        Raises:
            DataError: A side is no power of two, shapes differ, or a value is outside 0..1.
        """
        channels: list[NDArray[np.float64] | None] = []
        for channel in (albedo, alpha, emission):
            if channel is None:
                channels.append(None)
                continue
            values = np.asarray(channel, np.float64)
            if values.ndim != 2 or values.shape != np.shape(albedo):
                raise DataError(f"Texture {name!r} has channels of shape {values.shape}.")
            if any(side not in _SIDES for side in values.shape):
                raise DataError(
                    f"Texture {name!r} is {values.shape[1]}x{values.shape[0]}.",
                    "Expected sides that are powers of two from 2 to 1024.",
                )
            if not (values.min() >= 0.0 and values.max() <= 1.0):
                raise DataError(f"Texture {name!r} leaves 0..1.")
            channels.append(values[::-1])
        self.names.append(name)
        self._channels.append(tuple(channels))
        return len(self.names) - 1

    def pack(self) -> Textures:
        """Return all textures with their reductions in one array."""
        pieces: list[NDArray[np.uint8]] = []
        albedo_rows: list[list[int]] = []
        extra_rows: list[list[int]] = []
        table = np.full((len(self.names), 5), -1, np.int64)
        size = 0
        for index, channels in enumerate(self._channels):
            assert channels[0] is not None
            height, width = channels[0].shape
            table[index, 0], table[index, 1] = width.bit_length() - 1, height.bit_length() - 1
            for kind, values in enumerate(channels):
                if values is None:
                    continue
                starts: list[int] = []
                for level in _pyramid(values):
                    encoded = np.sqrt(level) if kind == 0 else level
                    pieces.append(np.rint(encoded * 255).astype(np.uint8).ravel())
                    starts.append(size)
                    size += pieces[-1].size
                table[index, 2] = len(starts)
                starts += [starts[-1]] * (MOST_LEVELS - len(starts))
                if kind == 0:
                    albedo_rows.append(starts)
                else:
                    table[index, 2 + kind] = len(self._channels) + len(extra_rows)
                    extra_rows.append(starts)
        texels = np.concatenate(pieces) if pieces else np.zeros(0, np.uint8)
        levels = np.array(albedo_rows + extra_rows, np.int64).reshape(-1, MOST_LEVELS)
        return Textures(texels, table, levels, tuple(self.names))


_SIDES = frozenset(1 << power for power in range(1, MOST_LEVELS))


def _pyramid(values: NDArray[np.float64]) -> list[NDArray[np.float64]]:
    levels = [values]
    while max(levels[-1].shape) > 1:
        last = levels[-1]
        if last.shape[0] > 1:
            last = 0.5 * (last[0::2] + last[1::2])
        if last.shape[1] > 1:
            last = 0.5 * (last[:, 0::2] + last[:, 1::2])
        levels.append(last)
    return levels
