"""What can be set about tests, single recordings and energy."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import ClassVar, Literal

from tyro.conf import Positional

from saccade.errors import ConfigError
from saccade.tasks.place_stdp.config_model import InputArgs
from saccade.tasks.place_stdp.config_train import JobArgs
from saccade.traverses.config import SetArgs

__all__ = ["EnergyConfig", "EvalConfig", "PredictConfig", "Proxy"]

Readout = Literal["standard", "weighted", "spikes"]


@dataclass(frozen=True, kw_only=True)
class EvalConfig:
    """Look the windows of one traverse up among the places that networks have learned.

    Plain methods compare the same inputs without learning; any claim has to beat the best of them.

    Example: saccade eval place_stdp --recipe nordland --root nordland.npz --weights runs/first
    """

    verb: ClassVar[str] = "eval"
    recipes: ClassVar[str] = "saccade.tasks.place_stdp"

    data: SetArgs = field(default_factory=SetArgs)
    """Data set; its test pairs are evaluated."""
    weights: tuple[str, ...] = ()
    """A run folder (all its members), files of members, or the name of a card; without, the plain
    methods alone."""
    inputs: InputArgs = field(default_factory=InputArgs)
    """How frames become inputs where there are no weights; weights say it themselves."""
    readout: Readout | None = None
    """Read spikes out in another way than at training."""
    share: float | None = None
    """Mute neurons that fired for this share of the references or more (default: as calibrated)."""
    mute: bool = True
    """Mute hyperactive neurons at all."""
    standardise: bool = False
    """Bring members to one scale before they are summed; published: plain sum."""
    baselines: tuple[str, ...] = (
        "l1", "l1_centred", "l1_moved1", "raw", "centred", "own_centred", "own_standardised",
        "log_count", "patch", "pca",
    )  # fmt: skip
    """Plain methods, of the learner's own inputs: l1, l1_centred, l1_moved1, l1_centred_moved1,
    sad, raw, centred, log_count, own_standardised, own_centred, patch, pca."""
    standardised: bool = True
    """Every method also with the scores of each place brought to mean 0 and deviation 1 over all
    queries (z), and those of each query over all places before (zz)."""
    frame_baselines: tuple[str, ...] = ()
    """Plain methods, NAME or NAME/POOL, of the frames as they come."""
    sequences: tuple[int, ...] = (1,)
    """Lengths of sequences that are matched; 1 = single images."""
    speeds: tuple[float, ...] = (0.8, 0.9, 1.0, 1.1, 1.2)
    """Sequences: speeds relative to the reference that are tried."""
    direction: Literal["forward", "reverse", "both"] = "forward"
    """Sequences: directions that are tried."""
    anchor: Literal["causal", "centred"] = "causal"
    """Sequences: the query is their last image, or the middle one."""
    published_diagonal: bool = False
    """Sequences: also as published, speed 1 from the first image on, whole ones only."""
    tolerances_m: tuple[float, ...] = ()
    """Further tolerances in metres (images: places) beside --tolerance-m."""
    save_scores: bool = False
    """Write each score matrix as .npy."""
    report: bool = True
    """Write report.html."""
    work: JobArgs = field(default_factory=JobArgs)
    """Who does the work."""
    out: Path | None = None
    """Run folder to write (default: a new one under runs)."""
    resume: bool = False
    """Go on with the evaluation in --out; finished jobs are kept."""

    def __post_init__(self) -> None:
        for length in self.sequences:
            if length < 1:
                raise ConfigError(f"--sequences {length}.", "Expected lengths of 1 or more.")
        if self.share is not None and not 0 < self.share <= 1:
            raise ConfigError(f"--share {self.share:g}.", "Expected above 0, at most 1.")
        if self.resume and self.out is None:
            raise ConfigError("--resume without --out.", "Expected the folder to go on in.")
        if not self.weights and not self.baselines and not self.frame_baselines:
            raise ConfigError("Neither --weights nor --baselines.", "Expected a method.")


@dataclass(frozen=True, kw_only=True)
class PredictConfig:
    """Say for every window of a recording, or every image, which learned place it shows.

    Place k is window k of the traverse that was learned. matches.csv names the best places of every
    window; a window for which no neuron speaks has none.

    Example: saccade predict place_stdp drive.raw --weights runs/first
    """

    recording: Positional[Path]
    """Event file of any format, folder of images, or .npz file of images."""
    weights: tuple[str, ...]
    """A run folder (all its members), files of members, or the name of a card."""
    traverse: str | None = None
    """.npz: which of its arrays; needed where there are several."""
    as_counts: bool = False
    """.npz: the pixels are event counts."""
    window_us: int | None = None
    """Event files: length of a window in microseconds (default: as in training, or 50,000)."""
    step_us: int | None = None
    """Event files: time between the starts of windows (default: window after window)."""
    sequence: int = 1
    """Windows up to the present one that are matched together; 1 = single windows."""
    speeds: tuple[float, ...] = (0.8, 0.9, 1.0, 1.1, 1.2)
    """Sequences: speeds relative to the reference that are tried."""
    direction: Literal["forward", "reverse", "both"] = "forward"
    """Sequences: directions that are tried."""
    top: int = 5
    """Places named for every window."""
    readout: Readout | None = None
    """Read spikes out in another way than at training."""
    share: float | None = None
    """Mute neurons that fired for this share of the references or more (default: as calibrated)."""
    mute: bool = True
    """Mute hyperactive neurons at all."""
    standardise: bool = False
    """Bring members to one scale before they are summed; published: plain sum."""
    save_scores: bool = False
    """Write all scores as scores.npy."""
    work: JobArgs = field(default_factory=JobArgs)
    """Who does the work."""
    out: Path | None = None
    """Run folder to write (default: a new one under runs)."""

    def __post_init__(self) -> None:
        for name in ("window_us", "step_us", "sequence", "top"):
            value = getattr(self, name)
            if value is not None and value < 1:
                raise ConfigError(f"--{name.replace('_', '-')} {value}.", "Expected 1 or more.")
        if self.share is not None and not 0 < self.share <= 1:
            raise ConfigError(f"--share {self.share:g}.", "Expected above 0, at most 1.")
        if not self.weights:
            raise ConfigError("--weights names nothing.", "Expected a run folder or files.")


Proxy = Literal[
    "all",
    "operations",
    "snn_dampfhoffer",
    "snn_lemaire",
    "ann_naive",
    "ann_eyeriss",
    "ann_bestcase",
    "ann_lemaire",
]


@dataclass(frozen=True, kw_only=True)
class EnergyConfig:
    """Estimate what one query costs, from the spikes and synaptic events that were counted.

    Example: saccade energy place_stdp --weights runs/first --recipe nordland --root nordland.npz
    """

    verb: ClassVar[str] = "eval"
    recipes: ClassVar[str] = "saccade.tasks.place_stdp"

    data: SetArgs = field(default_factory=SetArgs)
    """Data set; windows of the query of its first test pair are shown."""
    weights: tuple[str, ...]
    """A run folder (all its members), files of members, or the name of a card."""
    windows: int = 8
    """How many windows are shown, evenly spread."""
    form: Literal["matrix", "spiking"] = "matrix"
    """delta: one matrix, as queries are answered; or its two layers as spiking neurons (LENS)."""
    form_steps: int = 100
    """spiking: time steps of a query."""
    costs: str = "45nm"
    """Energy of single operations: 45nm, or a YAML file with a table of your own."""
    proxy: Proxy = "all"
    """Estimate to make; all gives every one and shows the layers under snn_lemaire."""
    out: Path | None = None
    """Run folder to write (default: a new one under runs)."""

    def __post_init__(self) -> None:
        for name in ("windows", "form_steps"):
            if getattr(self, name) < 1:
                flag = name.replace("_", "-")
                raise ConfigError(f"--{flag} {getattr(self, name)}.", "Expected 1 or more.")
        if not self.weights:
            raise ConfigError("--weights names nothing.", "Expected a run folder or files.")
