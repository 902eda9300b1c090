"""Frames of a whole traverse, a block at a time: too many for memory at full sensor size.

3000 frames of 2x260x346 are 2.2 GB in float32. What is compared here is anything that has a shape
``[N, C, H, W]`` and gives frames for a slice: an array, a memory map, an HDF5 data set, or
`TraverseFrames`, which makes frames when they are asked for.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from saccade.errors import ConfigError, DataError, ShapeError
from saccade.traverses.traverse import Traverse

__all__ = ["FrameRows", "Frames", "TraverseFrames", "Turn", "pooled"]

_HELD_BYTES = 300_000_000
"""Pooled frames up to this size stay in memory; larger ones are read again for every block."""
_PART_ELEMENTS = 1 << 22

Turn = Callable[[NDArray[np.float32]], NDArray[np.float32]]
"""From frames ``[n, C, h, w]`` to rows ``[n, D]``."""


class Frames(Protocol):
    """Frames ``[N, C, H, W]`` that can be read in slices."""

    @property
    def shape(self) -> tuple[int, ...]:
        """``(N, C, H, W)``."""
        ...

    def __getitem__(self, rows: slice, /) -> NDArray[Any]:
        """Return frames ``[n, C, H, W]``."""
        ...


class TraverseFrames:
    """The evaluation frames of a traverse, made slice by slice.

    Args:
        traverse: Its windows are the frames.

    Raises:
        ShapeError: The traverse has no window.
    """

    def __init__(self, traverse: Traverse) -> None:
        if not len(traverse):
            raise ShapeError(f"{traverse.name} has no window.", "Expected at least one.")
        self.traverse = traverse
        self.shape: tuple[int, ...] = (len(traverse), *traverse.frame(0).shape)

    def __getitem__(self, rows: slice, /) -> NDArray[np.float32]:
        """Return frames float32 ``[n, 2, H, W]``."""
        return np.stack([self.traverse.frame(k) for k in range(*rows.indices(self.shape[0]))])


class FrameRows:
    """Frames of one side of a comparison as rows ``[n, D]``: pooled, checked, turned into what is
    compared.

    Args:
        frames: ``[N, C, H, W]``.
        name: ``"queries"`` or ``"references"``, for messages.
        pool: Side of the cells that are summed, in pixels.
        block_bytes: Size of the rows of a block.

    Raises:
        ShapeError: Not four axes, or one of them is 0.
        ConfigError: ``pool`` is below 1.
        DataError: A value is NaN or infinite.
    """

    def __init__(self, frames: Frames, name: str, *, pool: int = 1, block_bytes: int = 1 << 27):
        if len(frames.shape) != 4 or 0 in frames.shape:
            raise ShapeError(
                f"The {name} have shape {list(frames.shape)}.",
                "Expected frames [N, C, H, W], no axis of them 0.",
            )
        if pool < 1:
            raise ConfigError(f"pool is {pool}.", "Expected at least 1 pixel.")
        self.frames, self.name, self.pool = frames, name, pool
        count, channels, height, width = frames.shape
        self.size = (channels, -(-height // pool), -(-width // pool))
        self.shape = (count, int(np.prod(self.size)))
        self.step = max(1, block_bytes // (4 * self.shape[1]))
        self._part = max(1, _PART_ELEMENTS // int(np.prod(frames.shape[1:])))
        self._held: NDArray[np.float32] | None = None
        if 4 * count * self.shape[1] <= _HELD_BYTES:
            held = np.empty((count, *self.size), np.float32)
            for rows in _cut(slice(0, count), self._part):
                held[rows] = self._read(rows)
            self._held = held

    def slices(self) -> Iterator[slice]:
        """Yield the rows of each block."""
        return _cut(slice(0, self.shape[0]), self.step)

    def block(self, rows: slice, turn: Turn) -> NDArray[np.float32]:
        """Return rows ``[n, D]``, float32.

        Args:
            rows: Which frames.
            turn: From frames ``[n, C, h, w]`` to rows ``[n, D]``; is given some at a time, so that
                what it needs on the way stays small. Must not write to the frames.
        """
        block = np.empty((rows.stop - rows.start, self.shape[1]), np.float32)
        for part in _cut(rows, self._part):
            frames = self._read(part) if self._held is None else self._held[part]
            block[part.start - rows.start : part.stop - rows.start] = turn(frames)
        return block

    def _read(self, rows: slice) -> NDArray[np.float32]:
        frames = pooled(np.asarray(self.frames[rows], np.float32), self.pool)
        finite = np.isfinite(frames).all(axis=(1, 2, 3))
        if not finite.all():
            at = rows.start + int(np.argmin(finite))
            raise DataError(f"Frame {at:,} of the {self.name} holds NaN or an infinity.")
        return frames


def _cut(rows: slice, step: int) -> Iterator[slice]:
    for start in range(rows.start, rows.stop, step):
        yield slice(start, min(start + step, rows.stop))


def pooled(frames: NDArray[np.float32], side: int) -> NDArray[np.float32]:
    """Sum frames over cells of ``side`` x ``side`` pixels; cells at the right and lower edge may be
    smaller.

    Args:
        frames: float32 ``[..., H, W]``.
        side: Pixels.

    Returns:
        float32 ``[..., ceil(H / side), ceil(W / side)]``.

    Examples:
        >>> pooled(np.ones((1, 1, 3, 4), np.float32), 2)[0, 0].tolist()
        [[4.0, 4.0], [2.0, 2.0]]
    """
    if side == 1:
        return frames
    height, width = frames.shape[-2:]
    columns = np.add.reduceat(frames, np.arange(0, width, side), axis=-1)
    return np.add.reduceat(columns, np.arange(0, height, side), axis=-2)
