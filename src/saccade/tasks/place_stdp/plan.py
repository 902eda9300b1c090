"""What a run is going to do, readable by any process from the run folder alone.

RUN/config.yaml                         what was asked for
RUN/plan.safetensors                    places, labels of the references, statistics of pixels
RUN/inputs/REFERENCE.inputs.npy         inputs of every window
RUN/calibration/QUERY.inputs.npy        those of the calibration queries
RUN/parts/member-S/module-K.eE.safetensors   a trained module; .partial while it is trained
RUN/parts/member-S/record-K.eE.safetensors   what it answered to the references
RUN/member-S.safetensors                all modules of a member with what was recorded
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from saccade.engine.config_io import load_config, to_plain
from saccade.errors import ConfigError
from saccade.files import file_sha256
from saccade.tasks.place_stdp.config_delta import DeltaConfig
from saccade.tasks.place_stdp.config_network import NetworkConfig
from saccade.tasks.place_stdp.config_train import TrainConfig
from saccade.tasks.place_stdp.delta import DeltaModel
from saccade.tasks.place_stdp.fields import FieldModel
from saccade.tasks.place_stdp.inputs import StoredInputs
from saccade.tasks.place_stdp.preprocess import PixelStatistics
from saccade.tasks.place_stdp.queries import Coding
from saccade.tasks.place_stdp.regions import (
    Regions,
    consecutive_regions,
    published_regions,
    shuffled_regions,
)
from saccade.tasks.place_stdp.store import identity_of, read_stored, write_stored

__all__ = ["Plan", "write_plan"]

PLAN = "plan.safetensors"
_AT_ONCE = 4
"""Epochs between two checkpoints of fields: each part of a training codes all images anew."""
_FREE = ("data", "work", "name", "out", "resume", "dry_run", "stages", "members")
"""Fields that may differ between a run and its continuation; the inputs stand for the data."""


@dataclass(frozen=True, eq=False)
class Plan:
    """A run.

    Args:
        folder: The run folder.
        config: What was asked for.
        names: Names of the references.
        labels: Place of each of their windows.
        n_in: Inputs.
        statistics: Of the pixels of the first reference, where inputs need them.
        identity: Digest of all that modules depend on.
        about: What frames hold, and notes of the data set.
    """

    folder: Path
    config: TrainConfig
    names: tuple[str, ...]
    labels: tuple[NDArray[np.int64], ...]
    n_in: int
    statistics: PixelStatistics | None
    identity: str
    about: dict[str, Any]

    @classmethod
    def open(cls, folder: Path) -> Plan:
        """Read the plan of a run folder.

        Raises:
            MissingFileError: There is none.
            CheckpointError: It is damaged.
        """
        stored = read_stored(folder / PLAN)
        config = load_config(TrainConfig, folder / "config.yaml")
        names = tuple(stored.about["names"])
        arrays = stored.arrays
        statistics = None
        if "mean" in arrays:
            largest = float(stored.about["largest"])
            statistics = PixelStatistics(arrays["mean"], arrays["deviation"], largest)
        return cls(
            folder,
            config,
            names,
            tuple(arrays[f"labels{k}"] for k in range(len(names))),
            int(stored.about["n_in"]),
            statistics,
            str(stored.about["identity"]),
            dict(stored.about["about"]),
        )

    @property
    def places(self) -> int:
        """Number of places."""
        return len(self.labels[0])

    @property
    def network(self) -> NetworkConfig:
        """Configuration of a spiking module."""
        return self.config.stdp.network(self.n_in, self.config.compat)

    def coding(self, units: str) -> Coding:
        """Return how windows become inputs."""
        config = self.config
        return Coding(config.inputs, units, config.compat, self.statistics, self.network)

    def seed(self, member: int) -> int:
        """Return the seed of a member."""
        return self.config.seed + member

    def rule(self, member: int, module: int) -> DeltaConfig:
        """Return the configuration of a module of the delta rule."""
        seed = (self.seed(member) * 1_000_003 + module) % 2**32
        return self.config.delta.rule(seed, self.config.per_module, self.config.compat)

    def field_model(self, member: int, places: int) -> FieldModel:
        """Return an untrained module of receptive fields."""
        inputs = self.config.inputs
        height, width = inputs.size()
        shape = (self.n_in // (height * width), height, width)
        return FieldModel(
            shape, places, self.config.fields, seed=self.seed(member), limit=inputs.limit
        )

    def rule_model(
        self, member: int, module: int
    ) -> tuple[DeltaModel | FieldModel, Callable[[NDArray[Any], NDArray[Any]], int]]:
        """Return an untrained module of the delta rule, and what trains a part of it.

        The function takes values and labels and returns how much is left.
        """
        places = len(self.modules(member)[module])
        if self.config.learner == "fields":
            fields = self.field_model(member, places)
            return fields, lambda values, labels: fields.train(values, labels, epochs=_AT_ONCE)
        layers = DeltaModel(self.n_in, places, self.rule(member, module))
        height, width = self.config.inputs.size()
        shape = (height, width) if height * width == self.n_in else (self.n_in,)

        def part(values: NDArray[Any], labels: NDArray[Any]) -> int:
            images = values.reshape(-1, *shape)
            return layers.train(images, labels, steps=4 * len(images), threads=1)

        return layers, part

    def regions(self, member: int) -> Regions:
        """Return the order of places of a member."""
        config, seed = self.config, self.seed(member)
        if config.compat == "vprsnn":
            return published_regions(self.places, calibration=config.calibration, seed=seed)
        if config.order == "shuffled":
            return shuffled_regions(self.places, calibration=config.calibration, seed=seed)
        return consecutive_regions(self.places, calibration=config.calibration)

    def modules(self, member: int) -> list[NDArray[np.int64]]:
        """Return the places of each module of a member; those for calibration come first."""
        regions, length = self.regions(member), self.config.per_module
        even = self.config.compat != "vprsnn"
        return [
            *regions.modules(length, part="calibration", even=even),
            *regions.modules(length, part="test", even=even),
        ]

    def calibration_modules(self) -> int:
        """Return how many modules are for calibration."""
        return -(-self.config.calibration // self.config.per_module)

    def inputs(self, k: int) -> StoredInputs:
        """Return the inputs of a reference."""
        return StoredInputs(self.folder / "inputs" / self.names[k])

    def part(self, kind: str, member: int, module: int, epoch: int) -> Path:
        """Return the file of a module, or of what was recorded of it."""
        name = f"{kind}-{module:03d}.e{epoch:03d}.safetensors"
        return self.folder / "parts" / f"member-{member}" / name

    def member_file(self, member: int) -> Path:
        """Return the file of a member."""
        return self.folder / f"member-{member}.safetensors"


def write_plan(
    folder: Path,
    config: TrainConfig,
    names: tuple[str, ...],
    labels: tuple[NDArray[np.int64], ...],
    n_in: int,
    statistics: PixelStatistics | None,
    about: dict[str, Any],
) -> Plan:
    """Write the plan of a run whose configuration and inputs are there already.

    Raises:
        ConfigError: The run folder holds a plan with other settings or data.
    """
    fixed = {k: v for k, v in to_plain(config).items() if k not in _FREE}
    del fixed["stdp"]["device"]  # spikes do not depend on it
    digests = [
        file_sha256(path) for name in names for path in StoredInputs(folder / "inputs" / name).files
    ]
    identity = identity_of(fixed, list(names), digests, *labels)
    path = folder / PLAN
    if path.exists():
        known = str(read_stored(path).about["identity"])
        if known != identity:
            raise ConfigError(
                f"{folder} holds a run with other settings or data.",
                "Expected the same to go on with it.",
                "Give this run another --name.",
            )
        return Plan.open(folder)
    arrays: dict[str, NDArray[Any]] = {f"labels{k}": item for k, item in enumerate(labels)}
    facts: dict[str, Any] = {"names": names, "n_in": n_in, "identity": identity, "about": about}
    if statistics is not None:
        arrays |= {"mean": statistics.mean, "deviation": statistics.deviation}
        facts["largest"] = statistics.largest
    write_stored(path, arrays, facts)
    return Plan.open(folder)
