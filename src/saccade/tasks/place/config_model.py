"""The place network, the weights it runs with, and how recordings become its frames."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from saccade.errors import ConfigError
from saccade.events.io.arguments import ReadArgs
from saccade.events.types import SensorSize

__all__ = ["PUBLISHED_WINDOW_US", "NetworkArgs", "PlaceModelConfig", "WindowArgs", "at_least"]

PUBLISHED_WINDOW_US = 33_000
"""Window of the published evaluations on NSAVP and NYC."""


@dataclass(frozen=True, kw_only=True)
class PlaceModelConfig:
    """A place network: backbone and head. Stored beside the weights that are saved."""

    arch: Literal["sew_resnet10", "sew_resnet18", "sew_resnet34"] = "sew_resnet18"
    """Backbone: 1, 1, 1, 1 or, as published, 2, 2, 2, 2 or 3, 4, 6, 3 residual blocks."""
    width: int = 64
    """Channels of the stem; the four stages have 1, 2, 4 and 8 times as many. 64 as published."""
    connect: Literal["ADD", "AND", "IAND"] = "ADD"
    """How a block joins its spikes with what bypassed them; ADD in all published weights."""
    aggregator: Literal["mixvpr", "gem", "mlp"] = "mixvpr"
    """Head that turns the feature map into a descriptor."""
    head_neuron: Literal["lif", "if"] = "lif"
    """Neuron of the head: lif in published Brisbane and NSAVP weights, if in NYC; gem has none."""
    grid: tuple[int, int] = (9, 11)
    """mixvpr: rows and columns the feature map is averaged onto; 9 11 is that of 346x260."""
    out_channels: int = 512
    """mixvpr: channels after projection. mlp: length of the descriptor."""
    out_rows: int = 8
    """mixvpr: numbers kept per channel."""
    depth: int = 3
    """mixvpr: number of mixers."""
    mlp_ratio: float = 1.0
    """mixvpr: hidden units of a mixer per grid cell."""
    zero_init_residual: bool = False
    """Start with every block passing its identity (batch-norm weight 0 in its second unit)."""
    compat: Literal["spikevpr"] | None = None
    """spikevpr: refuse sensors other than 346x260 and treat time steps as the original does."""

    def __post_init__(self) -> None:
        for name in ("width", "out_channels", "out_rows", "depth"):
            at_least(name, getattr(self, name), 1)
        for cells in self.grid:
            at_least("grid", cells, 1)
        if self.mlp_ratio <= 0:
            raise ConfigError(f"--mlp-ratio {self.mlp_ratio}.", "Expected a number above 0.")


@dataclass(frozen=True, kw_only=True)
class WindowArgs(ReadArgs):
    """How a recording is cut into count frames."""

    window_us: int | None = None
    """Length of a window in microseconds (default 33,000, as published for NSAVP and NYC)."""
    window_events: int | None = None
    """Cut windows of this many events instead of a fixed time."""
    step_us: int | None = None
    """Time between the starts of windows in microseconds (default: window after window)."""
    max_events: int | None = None
    """Use only the first so many events of a window (published for Brisbane: 15,000)."""
    input_size: str = "sensor"
    """Size of the frames: sensor, or WIDTHxHEIGHT to scale larger recordings down, e.g. 346x260."""
    steps: int = 1
    """Time steps T: each window becomes T frames of equal duration. Published weights use 1."""

    def __post_init__(self) -> None:
        for name in ("window_us", "window_events", "step_us", "max_events", "steps"):
            if getattr(self, name) is not None:
                at_least(name, getattr(self, name), 1)
        if self.window_us is not None and self.window_events is not None:
            raise ConfigError(
                f"--window-us {self.window_us:,} and --window-events {self.window_events:,}.",
                "Expected one of the two.",
            )
        if self.step_us is not None and self.window_events is not None:
            raise ConfigError("--step-us is given with --window-events.", fix="Use --window-us.")
        self.frame_size()

    def frame_size(self) -> SensorSize | None:
        """Return the size asked for, or None for that of the sensor."""
        if self.input_size == "sensor":
            return None
        try:
            return SensorSize.parse(self.input_size)
        except ConfigError as error:
            raise ConfigError(
                f"--input-size {self.input_size!r}.",
                "Expected 'sensor' or WIDTHxHEIGHT.",
                "Try --input-size 346x260.",
            ) from error


@dataclass(frozen=True, kw_only=True)
class NetworkArgs:
    """Which network runs, with which weights, where."""

    arch: Literal["sew_resnet18", "sew_resnet34"] = "sew_resnet18"
    """Backbone of an untrained network; a weights file tells its own."""
    head_neuron: Literal["lif", "if"] | None = None
    """Neuron of the head, for weights files that do not say it."""
    channel_order: Literal["off_on", "on_off"] | None = None
    """Polarity of the first channel the weights were trained with, for files that do not say it."""
    calibrate: bool = False
    """Take the batch-norm statistics of loaded weights from the recording (untrained: always)."""
    compat: Literal["spikevpr"] | None = None
    """spikevpr: exactly as published; needs frames of 346x260."""
    device: str = "auto"
    """auto, cpu, cuda, cuda:N or mps."""
    batch: int = 8
    """Frames that go through the network at once."""
    seed: int = 0
    """Seed of an untrained network."""


def at_least(name: str, value: int, least: int) -> None:
    """Refuse a number below a limit, named by its flag."""
    if value < least:
        flag = name.replace("_", "-")
        raise ConfigError(f"--{flag} {value:,}.", f"Expected {least:,} or more.")
