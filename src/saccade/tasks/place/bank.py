"""Descriptors of a whole traverse, by the network, in constant memory.

frames [B, 2, H, W], made ahead by threads --network--> vectors [N, D], events per window [N]
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from saccade.contracts import Progress
from saccade.engine.loader import Ahead
from saccade.tasks.place.inference import fuse
from saccade.tasks.place.model import PlaceNet
from saccade.traverses.traverse import Traverse

__all__ = ["Bank", "embed_traverse", "embedder", "event_counts", "frames_of"]


@dataclass(frozen=True, eq=False)
class Bank:
    """Descriptors of a traverse.

    Args:
        name: Of the traverse.
        vectors: float32 ``[N, D]``, each of length 1.
        event_count: int64 ``[N]``, events in each frame; 0 marks an empty one.
    """

    name: str
    vectors: NDArray[np.float32]
    event_count: NDArray[np.int64]

    def __len__(self) -> int:
        return len(self.vectors)

    @property
    def empty(self) -> NDArray[np.bool_]:
        """Windows without an event, which neither match nor are matched (defect A5)."""
        return self.event_count == 0

    def centred(self) -> NDArray[np.float32]:
        """Return descriptors less the mean of those with events, of length 1.

        What all windows of a traverse share says nothing about the place. A descriptor equal to
        the mean gives zeros.

        Examples:
            >>> vectors = np.array([[0.6, 0.8], [0.6, -0.8]], np.float32)
            >>> Bank("night", vectors, np.array([5, 7])).centred().tolist()
            [[0.0, 1.0], [0.0, -1.0]]
        """
        apart = self.vectors - self.vectors[~self.empty].mean(axis=0, keepdims=True)
        length = np.linalg.norm(apart, axis=1, keepdims=True)
        return apart / np.where(length > 0, length, 1)


def frames_of(traverse: Traverse, which: NDArray[np.int64]) -> NDArray[np.float32]:
    """Return the evaluation frames of some windows, float32 ``[B, 2, H, W]``."""
    return np.stack([traverse.frame(int(k)) for k in which])


def event_counts(traverse: Traverse, *, workers: int = 2) -> NDArray[np.int64]:
    """Return the events in the evaluation frame of each window, int64 ``[N]``."""
    loader = Ahead(lambda k: int(traverse.frame(k).sum()), len(traverse), workers=workers)
    return np.fromiter(loader, np.int64, len(traverse))


def embed_traverse(
    model: PlaceNet,
    traverse: Traverse,
    *,
    batch: int = 32,
    workers: int = 2,
    tell: Progress | None = None,
) -> Bank:
    """Return the descriptors of every window of a traverse.

    Args:
        model: In evaluation mode.
        traverse: Where frames come from.
        batch: Frames per pass.
        workers: Threads that make frames.
        tell: Called with (windows done, windows in all).
    """
    run = embedder(model)
    chunks = np.array_split(np.arange(len(traverse)), -(-len(traverse) // batch))
    loader = Ahead(lambda k: frames_of(traverse, chunks[k]), len(chunks), workers=workers)
    vectors: list[NDArray[np.float32]] = []
    counts: list[NDArray[np.int64]] = []
    done = 0
    for frames in loader:
        vectors.append(run(torch.from_numpy(frames)))
        counts.append(frames.sum((1, 2, 3)).astype(np.int64))
        done += len(frames)
        if tell is not None:
            tell(done, len(traverse))
    return Bank(traverse.name, np.concatenate(vectors), np.concatenate(counts))


def embedder(model: PlaceNet) -> Callable[[Tensor], NDArray[np.float32]]:
    """Return what turns count frames ``[B, 2, H, W]`` into descriptors ``[B, D]``.

    On the CPU that is the fused form, where the network has one; else the model itself.
    """
    device = next(model.parameters()).device
    if device.type == "cpu" and model.is_separable:
        fused = fuse(model)
        return lambda frames: fused(frames).numpy()

    def whole(frames: Tensor) -> NDArray[np.float32]:
        with torch.no_grad():
            return model(frames.to(device)).float().cpu().numpy()

    return whole
