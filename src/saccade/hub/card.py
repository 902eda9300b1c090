"""The card of a weights file: contract, origin, results. YAML beside the file, read strictly."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from saccade.engine.config_io import load_config
from saccade.errors import ConfigError

__all__ = [
    "InputContract",
    "OutputContract",
    "Provenance",
    "Result",
    "WeightCard",
    "is_name",
    "read_card",
]

SCHEMA = "saccade.card.1"


@dataclass(frozen=True, kw_only=True)
class InputContract:
    """What a network takes.

    Args:
        channels: Meaning of each channel in order, e.g. ``("off", "on")``.
        units: What the numbers are, e.g. ``"raw event counts"``.
        sensor: ``"any"``, or the size it was trained for as WIDTHxHEIGHT.
        window_us: Length of a window in microseconds; None where it is not fixed.
        max_events: Only the first so many events of a window are used; None for all.
        events_per_px: 5th and 95th percentile of events per pixel and window it was trained with;
            None where nobody measured them.
    """

    channels: tuple[str, ...]
    units: str
    sensor: str
    window_us: int | None
    max_events: int | None
    events_per_px: tuple[float, float] | None

    def __post_init__(self) -> None:
        if self.sensor != "any" and not re.fullmatch(r"[1-9]\d*x[1-9]\d*", self.sensor):
            raise ConfigError(f"sensor is {self.sensor!r}.", "Expected 'any' or WIDTHxHEIGHT.")
        if self.events_per_px and not 0 <= self.events_per_px[0] <= self.events_per_px[1]:
            raise ConfigError(
                f"events_per_px is {list(self.events_per_px)}.", "Expected low and high, from 0."
            )


@dataclass(frozen=True, kw_only=True)
class OutputContract:
    """What a network gives.

    Args:
        name: E.g. ``"descriptor"``.
        shape: Shape for one sample.
        meaning: Units, norm, and how it is compared or read.
    """

    name: str
    shape: tuple[int, ...]
    meaning: str


@dataclass(frozen=True, kw_only=True)
class Provenance:
    """Where weights come from.

    Args:
        data: What they were trained on.
        kind: Whether a camera or the simulator made that data.
        recipe: Configuration of the training.
        seed: Its seed; None where it is not known.
        commit: Commit of the code.
        command: Command line that made them.
        date: Day they were made, YYYY-MM-DD.
        converted_from: SHA-256 of the foreign file they were converted from, or empty.
    """

    data: str
    kind: Literal["simulated", "real", "unknown"]
    recipe: str
    seed: int | None
    commit: str
    command: str
    date: str
    converted_from: str = ""


@dataclass(frozen=True, kw_only=True)
class Result:
    """One measured number.

    Args:
        metric: What was measured, e.g. ``"recall@1"``.
        data: Data, split and tolerance.
        value: Mean over the runs.
        spread: Standard deviation over the runs; None for a single one.
        runs: Number of runs (seeds).
        source: JSON file that holds the measurement, relative to the repository.
    """

    metric: str
    data: str
    value: float
    spread: float | None
    runs: int
    source: str


@dataclass(frozen=True, kw_only=True)
class WeightCard:
    """All that has to be known about a weights file.

    Args:
        name: Name for ``--weights``: lower-case letters, digits, ``-`` and ``_``.
        task: Task the weights belong to.
        summary: One line.
        file: Name of the weights file, which lies beside the card.
        sha256: SHA-256 of that file.
        bytes: Its size; None where its publisher does not tell.
        licence: Licence of the weights.
        parameters: Trainable numbers.
        input: What the network takes.
        output: What it gives.
        provenance: Where the weights come from.
        results: What was measured with them.
        source: Paper and repository.
        where: How to get a file that does not come with the card; empty where it does.
        settings: What the file does not say about itself, for the task that reads it.
        schema: Form of the card.
    """

    name: str
    task: str
    summary: str
    file: str
    sha256: str
    bytes: int | None
    licence: str
    parameters: int
    input: InputContract
    output: OutputContract
    provenance: Provenance
    results: tuple[Result, ...]
    source: str
    where: str = ""
    settings: dict[str, str] = field(default_factory=dict[str, str])
    schema: Literal["saccade.card.1"] = SCHEMA

    def __post_init__(self) -> None:
        if not is_name(self.name):
            raise ConfigError(
                f"name is {self.name!r}.", "Expected lower-case letters, digits, '-' and '_'."
            )
        if not re.fullmatch("[0-9a-f]{64}", self.sha256):
            raise ConfigError(f"sha256 is {self.sha256!r}.", "Expected 64 hexadecimal digits.")
        if Path(self.file).name != self.file:
            raise ConfigError(f"file is {self.file!r}.", "Expected a name beside the card.")
        if not self.licence:
            raise ConfigError("licence is empty.", "Expected a licence, or 'unknown'.")


def is_name(text: str) -> bool:
    """Whether a text can be the name of a card; paths with a suffix or a folder cannot.

    Examples:
        >>> is_name("spikevpr-r34-nyc"), is_name("run/weights.safetensors")
        (True, False)
    """
    return re.fullmatch("[a-z0-9]+([-_][a-z0-9]+)*", text) is not None


def read_card(path: Path) -> WeightCard:
    """Read a card.

    Raises:
        ConfigError: A field is unknown, missing or wrong, or the card's name is not that of its
            file; the message names file, line and field.
    """
    card = load_config(WeightCard, path)
    if path.stem not in (card.name, f"published-{card.name}"):
        raise ConfigError(f"{path} describes {card.name!r}.", f"Expected {path.stem!r}.")
    return card
