"""What can be set about training, recording and calibration."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import ClassVar, Literal

from saccade.errors import ConfigError
from saccade.tasks.place_stdp.config_model import Compat, DeltaArgs, InputArgs, Learner, StdpArgs
from saccade.traverses.config import SetArgs

__all__ = ["JobArgs", "Stage", "TrainConfig"]

Stage = Literal["train", "record", "calibrate"]


@dataclass(frozen=True, kw_only=True)
class JobArgs:
    """Who does the work: every module of every member is a job of its own."""

    jobs: int = 0
    """Processes on this machine; 0 = as many as it has cores."""
    cluster: str | None = None
    """Address of a Dask scheduler, tcp://HOST:8786: jobs go there; it must see the run folder."""
    member: int | None = None
    """Do the jobs of this member only, counted from 0; for job arrays."""
    module: int | None = None
    """Do the jobs of this module only, counted from 0; for job arrays."""

    def __post_init__(self) -> None:
        for name in ("jobs", "member", "module"):
            value = getattr(self, name)
            if value is not None and value < 0:
                raise ConfigError(f"--{name} {value}.", "Expected 0 or more.")
        if self.cluster is not None and "://" not in self.cluster:
            raise ConfigError(f"--cluster {self.cluster!r}.", "Expected tcp://HOST:PORT.")


@dataclass(frozen=True, kw_only=True)
class TrainConfig:
    """Train modules on the places of a reference traverse, each on some of them.

    Stages follow each other, each can be repeated with --resume: train; record (what every neuron
    answers to every reference image); calibrate (which neurons to mute, on places of their own).

    Example: saccade train place_stdp --recipe nordland --root nordland.npz --name first
    """

    verb: ClassVar[str] = "train"
    recipes: ClassVar[str] = "saccade.tasks.place_stdp"

    data: SetArgs = field(default_factory=SetArgs)
    """Data set; the reference of its test pairs is learned, --train adds further drives."""
    inputs: InputArgs = field(default_factory=InputArgs)
    """How frames become inputs."""
    learner: Learner = "stdp"
    """stdp: spiking neurons, no labels; delta: two layers, one output a place."""
    stdp: StdpArgs = field(default_factory=StdpArgs)
    """Spiking modules."""
    delta: DeltaArgs = field(default_factory=DeltaArgs)
    """Modules of the delta rule."""
    stages: tuple[Stage, ...] = ("train", "record", "calibrate")
    """What to do, in this order."""
    module_places: int | None = None
    """Places of a module (default: 25 for stdp, 500 for delta)."""
    order: Literal["route", "shuffled"] = "route"
    """A module learns neighbours along the route, or places drawn at random."""
    epochs: int = 30
    """Times a module of stdp sees its images."""
    snapshots: tuple[int, ...] = ()
    """Earlier epochs that are kept and tried by calibration."""
    shuffle: bool = True
    """Show images in a new order in each epoch; published: always in the order of the route."""
    calibration: int = 0
    """Places kept for calibration, which are then no places of the test; 0 = no calibration."""
    calibration_query: str | None = None
    """Traverse whose images of those places are the calibration queries (default: --val's)."""
    members: int = 1
    """Members of the ensemble: networks of other seeds, their scores summed."""
    seed: int = 0
    """Of the first member; the next ones follow."""
    compat: Compat | None = None
    """vprsnn, vprtempo or lens: exactly as published, defects included."""
    work: JobArgs = field(default_factory=JobArgs)
    """Who does the work."""
    name: str | None = None
    """Name of the run: folder runs/NAME (default: the next number)."""
    out: Path = Path("runs")
    """Folder of all runs."""
    resume: bool = False
    """Go on with the run of that name: finished jobs are kept, interrupted ones taken up."""
    dry_run: bool = False
    """Open the data and say what training would take; write nothing."""

    def __post_init__(self) -> None:
        for name, least in (("epochs", 1), ("members", 1), ("calibration", 0), ("seed", 0)):
            value = getattr(self, name)
            if value < least:
                raise ConfigError(f"--{name} {value}.", f"Expected {least} or more.")
        if self.module_places is not None and self.module_places < 1:
            raise ConfigError(f"--module-places {self.module_places}.", "Expected 1 or more.")
        if any(not 0 < epoch < self.epochs for epoch in self.snapshots):
            raise ConfigError(
                f"--snapshots {' '.join(map(str, self.snapshots))}.",
                f"Expected epochs above 0 and below --epochs {self.epochs}.",
            )
        for flag in ("member", "module"):
            if getattr(self.work, flag) is not None and self.name is None:
                raise ConfigError(
                    f"--{flag} {getattr(self.work, flag)} without --name.",
                    "Expected the name of the run that all jobs of the array belong to.",
                )
        if self.resume and self.name is None:
            raise ConfigError("--resume without --name.", "Expected the name of the run.")
        wanted = {"vprsnn": "stdp", "vprtempo": "delta", "lens": "delta"}.get(self.compat or "")
        if wanted and wanted != self.learner:
            raise ConfigError(
                f"--compat {self.compat} with --learner {self.learner}.",
                f"Expected --learner {wanted}.",
            )
        if self.compat == "vprsnn" and self.stdp.engine == "fast":
            raise ConfigError(
                "--compat vprsnn with --engine fast.",
                "Expected --engine exact: the published network carries its state along.",
            )
        if self.learner == "delta" and self.inputs.encoding == "events":
            raise ConfigError(
                "--learner delta with --encoding events.",
                "Expected --encoding rates: the delta rule has no time.",
            )

    @property
    def per_module(self) -> int:
        """Places of a module."""
        return self.module_places or (25 if self.learner == "stdp" else 500)

    @property
    def kept_epochs(self) -> tuple[int, ...]:
        """Epochs after which networks are kept."""
        return (*sorted(set(self.snapshots)), self.epochs)
