"""The place network: backbone and head. Stored beside the weights that are saved."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from saccade.errors import ConfigError
from saccade.tasks.place.config_input import at_least

__all__ = ["BLOCKS", "PlaceModelConfig"]

BLOCKS: dict[str, tuple[int, int, int, int]] = {
    "sew_resnet8": (1, 1, 1, 0),
    "sew_resnet10": (1, 1, 1, 1),
    "sew_resnet18": (2, 2, 2, 2),
    "sew_resnet34": (3, 4, 6, 3),
}
"""Architecture -> residual blocks of the four stages; a stage without blocks does not exist."""


@dataclass(frozen=True, kw_only=True)
class PlaceModelConfig:
    """A place network: backbone and head. Stored beside the weights that are saved."""

    arch: Literal["sew_resnet8", "sew_resnet10", "sew_resnet18", "sew_resnet34"] = "sew_resnet18"
    """Backbone: 1 block in each of three or four stages, or, as published, 2, 2, 2, 2 or 3, 4, 6, 3
    blocks."""
    width: int = 64
    """Channels of the stem; the four stages have 1, 2, 4 and 8 times as many. 64 as published."""
    counts: Literal["raw", "log"] = "raw"
    """What the stem is given: counts, as published, or ln(1 + count), which bounds busy pixels."""
    stem: Literal["separable", "full"] = "separable"
    """First layer: separable, as published: one 7x7 filter a polarity; full: one a channel."""
    units: Literal["separable", "full"] = "separable"
    """3x3 convolutions of the blocks: separable, as published, or full."""
    connect: Literal["ADD", "AND", "IAND"] = "ADD"
    """How a block joins its spikes with what bypassed them; ADD in all published weights."""
    aggregator: Literal["mixvpr", "gem", "mlp", "cells"] = "mixvpr"
    """Head that turns the feature map into a descriptor; cells is ours, the others as published."""
    head_neuron: Literal["lif", "if"] = "lif"
    """Neuron of the head: lif in published Brisbane and NSAVP weights, if in NYC; gem has none."""
    grid: tuple[int, int] = (9, 11)
    """mixvpr, cells: rows and columns the map is averaged onto; 9 11 is that of 346x260."""
    out_channels: int = 512
    """mixvpr, cells: channels after projection. mlp: length of the descriptor."""
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

    @property
    def is_separable(self) -> bool:
        """Whether every convolution is as published, as the fused form wants them."""
        return self.stem == self.units == "separable"

    @property
    def map_channels(self) -> int:
        """Channels of the last feature map."""
        return self.width << (max(k for k, n in enumerate(BLOCKS[self.arch]) if n))
