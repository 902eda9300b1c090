"""What can be asked about the energy of the place network."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from tyro.conf import Positional

from saccade.tasks.place.config_input import NetworkArgs, WindowArgs, at_least

__all__ = ["EnergyConfig", "Proxy"]

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
class EnergyConfig(WindowArgs, NetworkArgs):
    """Energy of an inference, layer by layer, from what every layer was really given.

    Example: saccade energy place drive.raw --weights untrained --input-size 346x260
    """

    recording: Positional[Path]
    """Event file of any readable format."""
    weights: str
    """A .pth or .safetensors file, or 'untrained': seeded, calibrated on the recording."""
    costs: str = "45nm"
    """Energy of single operations: 45nm, or a YAML file with a table of your own."""
    proxy: Proxy = "all"
    """Estimate to make; all gives every one and shows the layers under snn_lemaire."""
    frames: int = 64
    """Most frames measured, evenly spread over the recording; empty ones are left out."""
    compare: Literal["netvlad"] | None = None
    """netvlad: beside the conventional EventVPR, from the sizes of its layers."""
    out: Path | None = None
    """Run folder to write (default: a new one under runs)."""

    def __post_init__(self) -> None:
        WindowArgs.__post_init__(self)
        at_least("batch", self.batch, 1)
        at_least("frames", self.frames, 1)
