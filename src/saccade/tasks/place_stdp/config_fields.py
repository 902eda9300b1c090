"""What can be set about the delta rule on receptive fields.

M fields of d inputs each, drawn once; in each field one neuron for every place of the module
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Literal

from saccade.errors import ConfigError

__all__ = ["FieldConfig"]


@dataclass(frozen=True, kw_only=True)
class FieldConfig:
    """The delta rule on receptive fields; every field votes.

    Raises:
        ConfigError: A value is outside its range.

    Examples:
        >>> FieldConfig(field_size="9x5").rectangle()
        (5, 9)
    """

    fields: int = 90
    """Receptive fields."""
    field_size: str = "12x12"
    """Inputs of a field as WIDTHxHEIGHT, a rectangle anywhere on the grid."""
    scattered: int = 0
    """Take so many inputs drawn from all over the grid for a field instead; 0 = a rectangle."""
    levels: int = 1
    """Code each input by so many graded levels (thermometer); 1 = by its value."""
    templates: bool = False
    """Learn nothing: the references themselves are the weights; shows what learning adds."""
    decay: float = 3.0
    """Decay of weights: what ridge regression calls lambda, in mean powers of an input."""
    decay_to: float = 0.0
    """Let decay rise over the fields, in equal ratios, to this; 0 = the same for all."""
    field_eta: float = 0.1
    """Learning rate at the start; it falls to 0 in a straight line."""
    field_epochs: int = 12
    """Times all images are shown."""
    batch: int = 16
    """Images whose changes are summed before weights change."""
    jitter: int = 1
    """Pixels that a query is moved by in every direction; the best answer of a neuron counts."""
    threshold: float = 1.0
    """Standard deviations above its mean from which on a neuron votes."""
    adapt: Literal["queries", "references"] = "queries"
    """Whose answers set a neuron's mean and deviation: those to all queries of the traverse, or
    to the references, which serves single queries."""

    def __post_init__(self) -> None:
        for name, least in (
            ("fields", 1), ("levels", 1), ("field_epochs", 1), ("batch", 1), ("scattered", 0),
            ("jitter", 0),
        ):  # fmt: skip
            value = getattr(self, name)
            _require(name, value, value >= least, f"{least} or more")
        _require("decay", self.decay, self.decay >= 0, "0 or more")
        _require("field_eta", self.field_eta, 0 < self.field_eta <= 1, "above 0, at most 1")
        self.rectangle()

    def rectangle(self) -> tuple[int, int]:
        """Return rows and columns of a field."""
        found = re.fullmatch(r"([1-9]\d*)x([1-9]\d*)", self.field_size, re.ASCII)
        if not found:
            raise ConfigError(f"--field-size {self.field_size!r}.", "Expected WIDTHxHEIGHT, 12x12.")
        return int(found[2]), int(found[1])


def _require(name: str, value: object, is_right: bool, expected: str) -> None:
    if not is_right:
        raise ConfigError(f"--{name.replace('_', '-')} {value}.", f"Expected {expected}.")
