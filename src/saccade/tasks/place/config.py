"""What can be set about place recognition: the network, and the arguments of each verb.

Nothing here imports torch, so that help and wrong arguments are answered at once.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from tyro.conf import Positional

from saccade.errors import ConfigError
from saccade.events.io.arguments import ReadArgs
from saccade.tasks.place.config_energy import EnergyConfig
from saccade.tasks.place.config_eval import EvalConfig
from saccade.tasks.place.config_input import NetworkArgs, WindowArgs, at_least
from saccade.tasks.place.config_model import PlaceModelConfig
from saccade.tasks.place.config_train import TrainConfig

__all__ = [
    "VERBS",
    "DemoConfig",
    "EnergyConfig",
    "EvalConfig",
    "NetworkArgs",
    "PlaceModelConfig",
    "PredictConfig",
    "RetrieveConfig",
    "TrainConfig",
    "WindowArgs",
]


@dataclass(frozen=True, kw_only=True)
class PredictConfig(WindowArgs, NetworkArgs):
    """Place descriptors of a recording: one unit-length vector for every window.

    Example: saccade predict place drive.raw --weights sew_resnet34_nsavp.pth --input-size 346x260
    """

    recording: Positional[Path]
    """Event file of any readable format."""
    weights: str
    """A model of `saccade models`, a .pth or .safetensors file, or 'untrained' (calibrated)."""
    out: Path | None = None
    """Run folder to write (default: a new one under runs)."""

    def __post_init__(self) -> None:
        WindowArgs.__post_init__(self)
        at_least("batch", self.batch, 1)


@dataclass(frozen=True, kw_only=True)
class RetrieveConfig(WindowArgs, NetworkArgs):
    """Find each moment of one recording in another, ranked.

    Example: saccade retrieve monday.raw tuesday.raw --tolerance-index 1
    """

    reference: Positional[Path]
    """Recording to search in."""
    query: Positional[Path]
    """Recording whose moments are looked up."""
    method: Literal["count", "network", "both"] = "count"
    """Compare count frames by correlation, network descriptors by cosine, or do both."""
    weights: str | None = None
    """For the network: a model of `saccade models`, a weights file, or 'untrained'."""
    top: int = 5
    """Ranked matches kept for every query."""
    tolerance_us: int | None = None
    """Truth: a match is right within this time on the clocks of the files, see --offset-us."""
    tolerance_index: int | None = None
    """Truth: a match is right within this many windows of the query's own index."""
    offset_us: int = 0
    """Time on the query's clock minus time on the reference's clock at the same place."""
    out: Path | None = None
    """Run folder to write (default: a new one under runs)."""

    def __post_init__(self) -> None:
        WindowArgs.__post_init__(self)
        at_least("batch", self.batch, 1)
        at_least("top", self.top, 1)
        for name in ("tolerance_us", "tolerance_index"):
            if getattr(self, name) is not None:
                at_least(name, getattr(self, name), 0)
        if self.tolerance_us is not None and self.tolerance_index is not None:
            raise ConfigError(
                "--tolerance-us and --tolerance-index are both given.", "Expected one."
            )
        if self.method != "count" and self.weights is None:
            raise ConfigError(
                f"--method {self.method} without --weights.",
                "Expected a model of `saccade models`, a weights file, or 'untrained'.",
                "Try --weights untrained to see chance-level descriptors, or --method count.",
            )
        if self.method == "count" and self.weights is not None:
            raise ConfigError(
                f"--weights {self.weights} with --method count, which uses none.",
                fix="Add --method both, or leave --weights out.",
            )


@dataclass(frozen=True, kw_only=True)
class DemoConfig(ReadArgs):
    """The whole path on a simulated street and on a small real recording, with one HTML page.

    The street is driven by day and by night, and the places of the night drive are looked up in the
    day drive by the network that comes with saccade, with positions as truth. Slices of the real
    recording, shifted and with events missing, are looked up in the recording itself. Both beside
    the level of chance.
    """

    recording: Path | None = None
    """Event file (default: the recording that comes with saccade, 2 s, 640x480)."""
    out: Path = Path("demo")
    """Folder for report.html."""
    window_us: int = 50_000
    """Length of a window in microseconds."""
    shift_us: int = 10_000
    """How much later the query windows begin, in microseconds; below half a window."""
    drop: float = 0.3
    """Share of the events the queries lack, 0 to 1."""
    input_size: str = "346x260"
    """Size of the frames: sensor, or WIDTHxHEIGHT to scale coordinates down."""
    arch: Literal["sew_resnet18", "sew_resnet34"] = "sew_resnet18"
    """Backbone of the network."""
    device: str = "auto"
    """auto, cpu, cuda, cuda:N or mps."""
    seed: int = 0
    """Seed of the simulated world, of the weights and of the events left out."""
    world: bool = True
    """First simulate a street by day and by night and look one up in the other."""
    world_s: float = 8.0
    """Length of each simulated drive in seconds."""
    world_size: str = "173x130"
    """Sensor of the simulated drives as WIDTHxHEIGHT in pixels."""
    overwrite: bool = False
    """Simulate anew where another world is in the folder already."""

    def __post_init__(self) -> None:
        at_least("window_us", self.window_us, 2)
        if not self.world_s >= 2:
            raise ConfigError(f"--world-s {self.world_s:g}.", "Expected 2 seconds or more.")
        if not 0 <= 2 * self.shift_us < self.window_us:
            raise ConfigError(
                f"--shift-us {self.shift_us:,} with --window-us {self.window_us:,}.",
                "Expected 0 or more and below half a window.",
            )
        if not 0 <= self.drop < 1:
            raise ConfigError(f"--drop {self.drop}.", "Expected 0 or more and below 1.")


VERBS: dict[str, type[Any]] = {
    "predict": PredictConfig,
    "retrieve": RetrieveConfig,
    "energy": EnergyConfig,
    "demo": DemoConfig,
    "train": TrainConfig,
    "eval": EvalConfig,
}
"""Verbs this task answers."""
