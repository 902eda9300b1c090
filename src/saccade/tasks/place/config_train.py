"""What can be set about the training of a place network."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import ClassVar, Literal

from saccade.errors import ConfigError
from saccade.tasks.place.config_model import PlaceModelConfig
from saccade.traverses.config import SetArgs

__all__ = ["TrainConfig"]


@dataclass(frozen=True, kw_only=True)
class TrainConfig:
    """Train a place network: windows of one place attract each other, of other places repel.

    Example: saccade train place --recipe brisbane --root data/brisbane --name first
    """

    verb: ClassVar[str] = "train"
    recipes: ClassVar[str] = "saccade.tasks.place"

    data: SetArgs = field(default_factory=SetArgs)
    """Data set and the part of each traverse."""
    model: PlaceModelConfig = field(default_factory=PlaceModelConfig)
    """The network."""
    epochs: int = 300
    """Most epochs."""
    patience: int = 50
    """Epochs without a better validation after which training ends; 0 = never."""
    validate_every: int = 1
    """Epochs between validations."""
    pairs: int = 128
    """Pairs in a batch, over all processes; twice as many frames."""
    learning_rate: float = 1e-3
    """Largest rate of the one-cycle schedule."""
    weight_decay: float = 1e-4
    """Of AdamW."""
    warm_up: float = 0.1
    """Share of training in which the rate rises."""
    temperature: float = 0.07
    """tau of the loss."""
    loss: Literal["masked", "published"] = "masked"
    """masked: windows near each other are never negatives; published: by label alone."""
    ignore_m: float | None = None
    """masked: windows closer than this in metres are no negatives (default: --positive-m)."""
    flip: float = 0.3
    """Probability that a pair is mirrored, both windows together (published: each by itself)."""
    precision: Literal["float32", "bfloat16", "float16"] = "float32"
    """Of the forward pass; weights stay float32."""
    workers: int = 2
    """Threads that make batches."""
    seed: int = 42
    """Of weights, order and augmentation."""
    device: str = "auto"
    """auto, cpu, cuda, cuda:N or mps."""
    init: str | None = None
    """Weights to begin with: a file or the name of a card."""
    name: str | None = None
    """Name of the run: folder runs/NAME (default: the next number)."""
    out: Path = Path("runs")
    """Folder of all runs."""
    resume: bool = False
    """Go on with the run of that name where it was stopped."""
    dry_run: bool = False
    """Open the data, make one step, say what training would take; write nothing."""
    track: tuple[Literal["tensorboard", "mlflow", "wandb"], ...] = ()
    """Where to log to beside log.jsonl; each is an extra."""

    def __post_init__(self) -> None:
        for name in ("epochs", "validate_every", "pairs"):
            _require(name, getattr(self, name), getattr(self, name) >= 1, "1 or more")
        for name in ("patience", "workers"):
            _require(name, getattr(self, name), getattr(self, name) >= 0, "0 or more")
        for name in ("learning_rate", "temperature"):
            _require(name, getattr(self, name), getattr(self, name) > 0, "above 0")
        _require("warm_up", self.warm_up, 0 < self.warm_up < 1, "above 0 and below 1")
        _require("flip", self.flip, 0 <= self.flip <= 1, "0 to 1")
        _require(
            "ignore_m", self.ignore_m, self.ignore_m is None or self.ignore_m >= 0, "0 or more"
        )
        if self.resume and self.name is None:
            raise ConfigError("--resume without --name.", "Expected the name of the run.")


def _require(name: str, value: object, is_right: bool, expected: str) -> None:
    if not is_right:
        raise ConfigError(f"--{name.replace('_', '-')} {value}.", f"Expected {expected}.")
