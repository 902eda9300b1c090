"""What can be set about the evaluation of place recognition on a data set."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import ClassVar, Literal

from saccade.errors import ConfigError
from saccade.traverses.config import SetArgs

__all__ = ["EvalConfig"]


@dataclass(frozen=True, kw_only=True)
class EvalConfig:
    """Look every window of one traverse up in another, with a network and with plain methods.

    Example: saccade eval place --recipe world --root world --weights runs/first/weights.safetensors
    """

    verb: ClassVar[str] = "eval"
    recipes: ClassVar[str] = "saccade.tasks.place"

    data: SetArgs = field(default_factory=SetArgs)
    """Data set; its test pairs are evaluated."""
    weights: str | None = None
    """A .pth or .safetensors file or the name of a card; without, the baselines alone."""
    head_neuron: Literal["lif", "if"] | None = None
    """Neuron of the head, for weights files that do not say it."""
    channel_order: Literal["off_on", "on_off"] | None = None
    """Polarity of the first channel, for weights files that do not say it."""
    compat: Literal["spikevpr"] | None = None
    """spikevpr: the network as published (346x260 only) and strict recall as published."""
    baselines: tuple[str, ...] = ("raw", "own_centred/8", "log_count/8", "patch/2")
    """NAME or NAME/POOL, POOL pixels summed first: sad, raw, centred, log_count, own_standardised,
    own_centred, patch, pca."""
    sequences: tuple[int, ...] = (1,)
    """Lengths of frame sequences that are matched; 1 = single frames."""
    speeds: tuple[float, ...] = (0.8, 0.9, 1.0, 1.1, 1.2)
    """Sequences: speeds relative to the reference that are tried."""
    direction: Literal["forward", "reverse", "both"] = "forward"
    """Sequences: directions that are tried."""
    tolerances_m: tuple[float, ...] = ()
    """Further tolerances in metres beside --tolerance-m."""
    netvlad: Path | None = None
    """Folder with the weights of EventVPR, the conventional network of the paper, as a further
    method: netvlad_weights.pth, wpca_weights.pth, backbone.pth and, if wanted, kernel.pth."""
    ensemble: tuple[Path, ...] = ()
    """Score matrices of other methods (.npy, .npz, .csv), averaged with the network's."""
    energy: bool = True
    """Measure spikes and operations of the network on some of the frames."""
    save_scores: bool = False
    """Write each score matrix as .npy."""
    report: bool = True
    """Write report.html."""
    device: str = "auto"
    """auto, cpu, cuda, cuda:N or mps."""
    batch: int = 16
    """Frames that go through the network at once."""
    workers: int = 2
    """Threads that make frames."""
    out: Path | None = None
    """Run folder to write (default: a new one under runs)."""

    def __post_init__(self) -> None:
        for length in self.sequences:
            if length < 1:
                raise ConfigError(f"--sequences {length}.", "Expected lengths of 1 or more.")
        for metres in self.tolerances_m:
            if not metres >= 0:
                raise ConfigError(f"--tolerances-m {metres:g}.", "Expected 0 or more.")
        if self.batch < 1:
            raise ConfigError(f"--batch {self.batch}.", "Expected 1 or more.")
        if self.weights is None and not self.baselines and self.netvlad is None:
            raise ConfigError(
                "Neither --weights nor --netvlad nor --baselines.",
                "Expected at least one method to evaluate.",
            )
        if self.ensemble and self.weights is None:
            raise ConfigError("--ensemble without --weights.", "Expected a network to join.")
