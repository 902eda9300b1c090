"""Training pairs: two windows of one place, drawn anew each epoch.

    anchor    every window of every training traverse once an epoch, in random order
    positive  uniformly one of the others within the radius, on any traverse; itself if none
    flip      drawn once for both (defect D2: apart, a mirrored street meets itself unmirrored);
              where the camera looks sideways, ON and OFF change places, as in a mirrored world

A pair depends on seed, epoch and anchor only, so threads and resumed runs see the same.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from saccade.engine import numpy_rng
from saccade.engine.distributed import World
from saccade.errors import ConfigError, DataError, ShapeError
from saccade.traverses.places import positives
from saccade.traverses.traverse import Traverse

__all__ = ["PairBatch", "Pairs"]

_APART_M = 1e8  # areas are put so far apart that none is near another


@dataclass(frozen=True)
class PairBatch:
    """Anchors, then their positives in the same order.

    Args:
        frames: float32 ``[2 P, 2, H, W]``.
        labels: int64 ``[2 P]``, equal for one place.
        positions_m: float64 ``[2 P, 2]``.
    """

    frames: Tensor
    labels: Tensor
    positions_m: Tensor


class Pairs:
    """Pairs of pooled traverses.

    Args:
        traverses: To train on.
        positive_m: Windows at most so far apart show the same place.
        pairs: Pairs per batch, over all processes.
        seed: Of order, partners and augmentation.
        flip: Probability that a pair is mirrored.
        joint_flip: False mirrors anchor and positive independently, as published.
        is_sideways: Whether mirrored frames exchange polarities.
        labels: Published labels of each traverse, a pair has that of its anchor; without, each
            anchor is its own place and near windows are masked by the loss.
        world: The processes that share each batch.

    Raises:
        ConfigError: There are fewer windows than pairs in a batch.
        DataError: Traverses have positions of different kinds, or all windows show one place.
    """

    def __init__(
        self,
        traverses: Sequence[Traverse],
        *,
        positive_m: float,
        pairs: int,
        seed: int,
        flip: float = 0.3,
        joint_flip: bool = True,
        is_sideways: bool = False,
        labels: Sequence[NDArray[np.int64]] | None = None,
        world: World | None = None,
    ) -> None:
        self._traverses, self._seed, self._world = traverses, seed, world or World()
        self._flip, self._joint, self._pairs = flip, joint_flip, pairs
        self._mirror = np.s_[::-1, :, ::-1] if is_sideways else np.s_[..., ::-1]
        self._owner = np.repeat(np.arange(len(traverses)), [len(item) for item in traverses])
        self._window = np.concatenate([np.arange(len(item)) for item in traverses])
        self.positions_m = _pooled(traverses)
        if len(self) < pairs or pairs % self._world.size:
            raise ConfigError(
                f"--pairs {pairs:,} with {len(self):,} training windows and "
                f"{self._world.size} processes.",
                "Expected no more pairs than windows, and a multiple of the processes.",
                f"Try --pairs {max(len(self) // 2, 1)}." if len(self) < pairs else "",
            )
        self._labels = None if labels is None else np.concatenate(labels)
        near = positives(self.positions_m, self.positions_m, positive_m)
        if min(map(len, near)) == len(self) > 1:
            raise DataError(
                f"All {len(self):,} training windows are within {positive_m:g} m of each other.",
                "Expected windows of several places: without them nothing is told apart.",
                "Set a shorter --positive-m.",
            )
        self._partners = [_without(row, k) for k, row in enumerate(near)]
        self._order = lru_cache(maxsize=4)(self._drawn_order)

    def __len__(self) -> int:
        return len(self._owner)

    @property
    def alone(self) -> int:
        """Windows that have no other one at their place."""
        return sum(len(row) == 1 and int(row[0]) == k for k, row in enumerate(self._partners))

    def batches(self, epoch: int) -> int:
        """Return the number of whole batches of an epoch."""
        del epoch
        return len(self) // self._pairs

    def batch(self, epoch: int, number: int) -> PairBatch:
        """Return this process's share of a batch."""
        chosen = self._order(epoch)[number * self._pairs : (number + 1) * self._pairs]
        made = [self._pair(epoch, int(k)) for k in chosen[self._world.rank :: self._world.size]]
        where = np.array([side[0] for side in made] + [side[1] for side in made])
        frames = np.stack([side[2] for side in made] + [side[3] for side in made])
        if not frames.any():
            raise DataError(
                f"All {len(frames):,} frames of a training batch are empty.",
                "Expected events in the recordings that are trained on.",
                "Look at their files with saccade info.",
            )
        anchors = where[: len(made)]
        labels = np.tile(anchors if self._labels is None else self._labels[anchors], 2)
        return PairBatch(
            torch.from_numpy(frames),
            torch.from_numpy(labels),
            torch.from_numpy(self.positions_m[where]),
        )

    def _pair(
        self, epoch: int, anchor: int
    ) -> tuple[int, int, NDArray[np.float32], NDArray[np.float32]]:
        rng = numpy_rng(self._seed, f"pair {epoch} {anchor}")
        row = self._partners[anchor]
        partner = int(row[rng.integers(len(row))])
        first = bool(rng.random() < self._flip)
        second = first if self._joint else bool(rng.random() < self._flip)
        return (
            anchor, partner, self._frame(anchor, first, rng), self._frame(partner, second, rng),
        )  # fmt: skip

    def _frame(self, k: int, is_mirrored: bool, rng: np.random.Generator) -> NDArray[np.float32]:
        traverse = self._traverses[int(self._owner[k])]
        frame = traverse.frame(int(self._window[k]), rng)
        return frame[self._mirror] if is_mirrored else frame

    def _drawn_order(self, epoch: int) -> NDArray[np.int64]:
        return numpy_rng(self._seed, f"order {epoch}").permutation(len(self))


def _pooled(traverses: Sequence[Traverse]) -> NDArray[np.float64]:
    if not traverses or not sum(len(item) for item in traverses):
        raise ConfigError("There is nothing to train on.", "Expected --train with traverses.")
    kinds = {item.positions.kind for item in traverses}
    if len(kinds) > 1:
        raise DataError(
            "Some traverses have positions in metres, others in degrees.", "Expected one kind."
        )
    sizes = {item.frame(0).shape for item in traverses if len(item)}
    if len(sizes) > 1:
        raise ShapeError(
            f"Training frames have shapes {', '.join(map(str, sorted(sizes)))}.",
            "Expected one size.",
            "Scale all down with --input-size.",
        )
    origin = next(item.positions.values[0] for item in traverses if len(item))
    areas = list(dict.fromkeys(item.positions.area for item in traverses))
    apart = [(_APART_M * areas.index(item.positions.area), 0.0) for item in traverses]
    return np.concatenate(
        [item.positions.metres(origin) + far for item, far in zip(traverses, apart, strict=True)]
    )


def _without(row: NDArray[np.int64], k: int) -> NDArray[np.int64]:
    others = row[row != k]
    return others if len(others) else np.array([k], np.int64)
