"""What every verb of this task asks: how a recording is cut into frames, which network runs."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from saccade.errors import ConfigError
from saccade.events.io.arguments import ReadArgs
from saccade.events.types import SensorSize

__all__ = ["PUBLISHED_WINDOW_US", "NetworkArgs", "WindowArgs", "at_least"]

PUBLISHED_WINDOW_US = 33_000
"""Window of the published evaluations on NSAVP and NYC."""


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
    """Refuse an argument below its least value.

    Raises:
        ConfigError: It is below.
    """
    if value < least:
        flag = name.replace("_", "-")
        raise ConfigError(f"--{flag} {value:,}.", f"Expected {least:,} or more.")
