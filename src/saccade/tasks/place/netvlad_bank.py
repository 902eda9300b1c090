"""EventVPR as a method of evaluation: weights from a folder, a descriptor for every window.

FOLDER/netvlad_weights.pth  wpca_weights.pth    as published
FOLDER/backbone.pth                             ResNet-34 whose stem takes the 18 EST channels
FOLDER/kernel.pth                               time kernel; without, one fitted to triangles
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

from saccade.contracts import Progress
from saccade.errors import ConfigError, MissingFileError, listing
from saccade.tasks.place.netvlad import EventVPR, load_parts
from saccade.traverses.traverse import EventTraverse, Traverse

__all__ = ["EventVPRBanks"]

NEEDED = {"netvlad": "netvlad_weights.pth", "wpca": "wpca_weights.pth", "backbone": "backbone.pth"}
KERNEL = "kernel.pth"


class EventVPRBanks:
    """Descriptors of traverses by EventVPR, each made once.

    Args:
        folder: Where the weights are.
        device: Where the network runs.
        batch: Windows per pass.

    Raises:
        MissingFileError: A file of weights is not there.
    """

    name = "netvlad"

    def __init__(self, folder: Path, device: torch.device, *, batch: int = 8) -> None:
        missing = [name for name in NEEDED.values() if not (folder / name).is_file()]
        if missing:
            raise MissingFileError(
                f"{folder} lacks {listing(missing)}.",
                f"Expected {listing(NEEDED.values())} and, if wanted, {KERNEL}.",
            )
        self._folder, self._device, self._batch = folder, device, batch
        self._models: dict[tuple[int, int], EventVPR] = {}
        self._made: dict[int, NDArray[np.float32]] = {}

    def of(self, traverse: Traverse, tell: Progress | None = None) -> NDArray[np.float32]:
        """Return the descriptors of a traverse, float32 ``[N, 4096]``.

        Raises:
            ConfigError: The data set keeps frames, not events.
            CheckpointError: A file of weights does not fit.
        """
        if not isinstance(traverse, EventTraverse):
            raise ConfigError(
                f"--netvlad: {traverse.name} keeps frames, not the events they were counted from.",
                "Expected brisbane, nsavp or files.",
            )
        if id(traverse) not in self._made:
            self._made[id(traverse)] = self._embedded(traverse, tell)
        return self._made[id(traverse)]

    def _embedded(self, traverse: EventTraverse, tell: Progress | None) -> NDArray[np.float32]:
        found: list[NDArray[np.float32]] = []
        for start in range(0, len(traverse), self._batch):
            which = range(start, min(start + self._batch, len(traverse)))
            windows = [traverse.window(k) for k in which]
            model = self._model(windows[0].size.height, windows[0].size.width)
            found.append(model.embed(windows).cpu().numpy())
            if tell is not None:
                tell(which.stop, len(traverse))
        return np.concatenate(found)

    def _model(self, height: int, width: int) -> EventVPR:
        """Return the network for a sensor; only its grid depends on the size."""
        if (height, width) not in self._models:
            kernel = self._folder / KERNEL
            steps = 0 if kernel.is_file() else 1000
            model = EventVPR.build(height=height, width=width, fit_steps=steps)
            load_parts(
                model,
                kernel=kernel if kernel.is_file() else None,
                **{part: self._folder / name for part, name in NEEDED.items()},
            )
            self._models = {(height, width): model.to(self._device)}
        return self._models[height, width]
