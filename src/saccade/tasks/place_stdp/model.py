"""A trained member of an ensemble: images in, a score for every place out.

    stdp    input spikes -> modules -> spike counts -> assigned neurons -> scores of the places
    delta   inputs x -> C x                                             one matrix, one row a place

Scores are indexed by place always: column k is place k, whatever module learned it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from safetensors import safe_open

from saccade.engine.config_io import from_yaml, to_yaml
from saccade.errors import CheckpointError
from saccade.tasks.place_stdp.assignment import Assignment, Readout, assign, scores
from saccade.tasks.place_stdp.config_model import InputArgs
from saccade.tasks.place_stdp.config_network import NetworkConfig
from saccade.tasks.place_stdp.delta_images import as_inputs
from saccade.tasks.place_stdp.fast_lanes import LANES
from saccade.tasks.place_stdp.hyperactive import Activity, muted_neurons
from saccade.tasks.place_stdp.inputs import StoredInputs
from saccade.tasks.place_stdp.network import Network
from saccade.tasks.place_stdp.plan import Plan
from saccade.tasks.place_stdp.preprocess import PixelStatistics
from saccade.tasks.place_stdp.respond import responses
from saccade.tasks.place_stdp.store import read_about, read_stored, write_stored

__all__ = ["Member", "merge_member"]


@dataclass(frozen=True, eq=False)
class Member:
    """All modules of a member, in one file; arrays are read when they are needed.

    Args:
        path: The file.
        about: What it is.
    """

    path: Path
    about: dict[str, Any]

    @classmethod
    def open(cls, path: Path) -> Member:
        """Open a file.

        Raises:
            MissingFileError: There is no such file.
            CheckpointError: It is damaged or of another kind.
        """
        about = read_about(path)
        if about.get("kind") != "member":
            raise CheckpointError(
                f"{path.name} holds one module, or a plan.",
                "Expected a whole member: member-0.safetensors of a run.",
            )
        return cls(path, about)

    @property
    def learner(self) -> str:
        """``"stdp"`` or ``"delta"``."""
        return str(self.about["learner"])

    @property
    def places(self) -> int:
        """Number of places of the reference, calibration places included."""
        return int(self.about["places"])

    @property
    def modules(self) -> int:
        """Number of modules."""
        return len(self.about["lengths"])

    @property
    def inputs(self) -> InputArgs:
        """How frames become its inputs."""
        return from_yaml(InputArgs, self.about["inputs"])

    @property
    def network(self) -> NetworkConfig:
        """Configuration of its spiking modules."""
        return from_yaml(NetworkConfig, self.about["network"])

    def statistics(self) -> PixelStatistics | None:
        """Return the statistics of the reference's pixels, where its inputs need them."""
        if "largest" not in self.about:
            return None
        mean, deviation = (self.array(name) for name in ("mean", "deviation"))
        return PixelStatistics(mean, deviation, float(self.about["largest"]))

    def parts(self) -> list[range]:
        """Return the modules that run side by side."""
        step = LANES if self.about.get("engine") == "fast" else 1
        return [range(k, min(k + step, self.modules)) for k in range(0, self.modules, step)]

    def array(self, name: str, rows: slice | None = None) -> NDArray[Any]:
        """Return an array of the file, or some rows of it.

        Raises:
            CheckpointError: The file has no such array.
        """
        with safe_open(self.path, framework="numpy") as file:
            if name not in file.keys():  # noqa: SIM118
                raise CheckpointError(f"{self.path.name} has no {name!r}.", "Is it whole?")
            if rows is None:
                return file.get_tensor(name)
            return file.get_slice(name)[rows.start : rows.stop]

    def module_places(self, modules: range) -> NDArray[np.int64]:
        """Return the places of some consecutive modules, module after module."""
        starts = np.cumsum([0, *self.about["lengths"]])
        return self.array("module_places")[starts[modules.start] : starts[modules.stop]]

    def networks(self, modules: range) -> list[Network]:
        """Return some consecutive spiking modules."""
        rows = slice(modules.start, modules.stop)
        weights, theta = self.array("weights", rows), self.array("theta", rows)
        delays = self.array("delays").astype(np.int16)
        return [
            Network(self.network, w.astype(np.float64), delays, t)
            for w, t in zip(weights, theta, strict=True)
        ]

    def assignment(self, module: int) -> tuple[NDArray[np.int64], Assignment]:
        """Return the places of a module, and what its neurons stand for by their position."""
        starts = np.cumsum([0, *self.about["own"]])
        rows = slice(int(starts[module]), int(starts[module + 1]))
        places = self.module_places(range(module, module + 1))
        position = {int(place): k for k, place in enumerate(places)}
        labels = [position[int(place)] for place in self.array("own_places", rows)]
        return places, assign(self.array("own_counts", rows), labels, places=len(places))

    def activity(self, module: int) -> Activity:
        """Return for how many references each neuron of a module fired."""
        rows = slice(module, module + 1)
        return Activity(int(self.about["images"]), self.array("active", rows)[0])

    def scores(
        self,
        inputs: StoredInputs,
        part: range,
        *,
        share: float | None = None,
        images: Sequence[int] | None = None,
        readout: Readout | None = None,
    ) -> NDArray[np.float32]:
        """Score the places of some consecutive modules.

        Args:
            inputs: The queries.
            part: Modules, one of `parts`.
            share: Mutes neurons that fired for this share of the references or more.
            images: Which queries; all without.
            readout: As trained, without.

        Returns:
            float32 ``[Q, P]``, P places in the order of `module_places`.
        """
        if self.learner == "delta":
            chosen = slice(None) if images is None else np.asarray(images)
            stored = inputs.values(chosen)
            values = as_inputs(stored, stored.shape[1], self.about["compat"])
            starts = np.cumsum([0, *self.about["lengths"]])
            own = slice(int(starts[part.start]), int(starts[part.stop]))
            return values @ self.array("matrix", own).T
        known = [self.assignment(k)[1] for k in part]
        muted = [muted_neurons(self.activity(k), share=share) for k in part]
        answers = responses(
            self.networks(part),
            inputs,
            engine=self.about["engine"],
            seed=int(self.about["seed"]),
            images=images,
        )
        rows: list[NDArray[np.float32]] = []
        for counts in answers:
            found = [
                scores(
                    counts[k][None], known[k], muted=muted[k],
                    readout=readout or self.about["readout"],
                )[0]
                for k in range(len(part))
            ]  # fmt: skip
            rows.append(np.concatenate(found))
        return np.stack(rows)


def merge_member(plan: Plan, member: int, epoch: int, *, share: float | None = None) -> Path:
    """Put all modules of a member, and what was recorded of them, into one file.

    Args:
        plan: The run.
        member: Member of the ensemble.
        epoch: Epochs its modules were trained for.
        share: Share of the references from which on neurons are muted, as calibrated.

    Raises:
        MissingFileError: A module was not trained or not recorded.
        CheckpointError: A file is damaged or of another run.
    """
    modules, config = plan.modules(member), plan.config
    about: dict[str, Any] = {
        "kind": "member",
        "learner": config.learner,
        "member": member,
        "seed": plan.seed(member),
        "epochs": epoch,
        "share": share,
        "places": plan.places,
        "lengths": [len(places) for places in modules],
        "calibration_modules": plan.calibration_modules(),
        "inputs": to_yaml(config.inputs),
        "compat": config.compat,
        "identity": plan.identity,
        **plan.about,
    }
    arrays: dict[str, NDArray[Any]] = {"module_places": np.concatenate(modules)}
    if plan.statistics is not None:
        arrays |= {"mean": plan.statistics.mean, "deviation": plan.statistics.deviation}
        about["largest"] = plan.statistics.largest
    trained = [
        read_stored(plan.part("module", member, k, epoch), identity=plan.identity).arrays
        for k in range(len(modules))
    ]
    if config.learner == "delta":
        arrays["matrix"] = np.concatenate([item["matrix"] for item in trained])
        about["rule"] = to_yaml(plan.rule(member, 0))
    else:
        recorded = [
            read_stored(plan.part("record", member, k, epoch), identity=plan.identity)
            for k in range(len(modules))
        ]
        own = [item.arrays["own_places"] for item in recorded]
        arrays |= {
            "weights": np.stack([item["weights"] for item in trained]),
            "theta": np.stack([item["theta"] for item in trained]),
            "delays": trained[0]["delays"],
            "active": np.stack([item.arrays["active"] for item in recorded]),
            "own_places": np.concatenate(own),
            "own_counts": np.concatenate([item.arrays["own_counts"] for item in recorded]),
        }
        about |= {
            "own": [len(item) for item in own],
            "images": recorded[0].about["images"],
            "network": to_yaml(plan.network),
            "engine": config.stdp.engine,
            "readout": config.stdp.readout,
        }
    return write_stored(plan.member_file(member), arrays, about)
