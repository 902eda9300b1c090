"""Which data set is trained or tested on, and how its windows become frames."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Literal

from tyro.conf import arg

from saccade.errors import ConfigError, MissingFileError
from saccade.events.types import SensorSize

__all__ = ["DATA_ROOT", "SetArgs", "SetName"]

SetName = Literal["brisbane", "nsavp", "nyc", "files", "images", "stills"]

DATA_ROOT = "SACCADE_DATA"
"""Environment variable that names the folder with one folder per data set."""


@dataclass(frozen=True, kw_only=True)
class SetArgs:
    """A data set and the part each traverse plays; what is None is as published for the set."""

    data: SetName = "files"
    """brisbane, nsavp, nyc; files: recordings with a table of positions each; images: plain
    images of a route; stills: the same, as events of a camera that pans over them."""
    root: Path | None = None
    """Folder of the data set (default: the folder of that name in $SACCADE_DATA)."""
    train: tuple[str, ...] = ()
    """Traverses to train on; the first one is the anchor of aligned sets."""
    val: tuple[str, ...] = ()
    """QUERY:REFERENCE, the pair that decides when training stops."""
    tests: tuple[str, ...] = ()
    """QUERY:REFERENCE pairs to test on."""
    window_us: int | None = None
    """Length of an evaluation window in microseconds."""
    max_events: int | None = None
    """Use only the first so many events of a window."""
    spread: tuple[float, float] | None = None
    """Training: shortest and longest window of EventDilation in microseconds."""
    event_drop: bool = True
    """Training: drop an interval, a box or a share of the events at random."""
    input_size: str = "346x260"
    """Size of the frames as WIDTHxHEIGHT; larger sensors are scaled down."""
    positive_m: float | None = None
    """Training: windows at most so many metres apart show the same place."""
    tolerance_m: float | None = None
    """Tests: a match is right within so many metres."""
    split: Literal["session", "published"] = "session"
    """nyc: by session (no leak), or the published frame-level shuffle (train and test overlap)."""
    compat: Annotated[Literal["spikevpr"] | None, arg(name="data-compat")] = None
    """spikevpr: places, frames and test parts exactly as published, defects included."""
    every_m: float = 2.0
    """files: metres along the route from window to window."""
    offset_s: tuple[str, ...] = ()
    """files: NAME=SECONDS, the recording's time when its table of positions says 0."""
    lists: Annotated[tuple[str, ...], arg(name="list")] = ()
    """images: NAME=FILE, the list of a traverse's images, a name a line (default: found there)."""
    every: int | None = None
    """images: keep every so-many-th image of a list (default: as published for the list, or 1)."""
    most: int | None = None
    """images: keep at most so many (default: as published for the list, or all)."""
    as_counts: bool = False
    """images: the pixels are event counts."""
    passes: int = 8
    """stills: how often the camera passes over each image for training."""
    pass_seed: int = 0
    """stills: seed of the camera's motion and noise."""
    skip_uniform: bool = False
    """images, stills: leave out images that are nearly constant, such as those in tunnels."""
    cache: Path | None = None
    """files, stills: folder for what is made once and kept (default: .saccade with the data)."""

    def __post_init__(self) -> None:
        for name in ("window_us", "max_events", "every", "most"):
            value = getattr(self, name)
            if value is not None and value < 1:
                raise ConfigError(f"--{name.replace('_', '-')} {value}.", "Expected 1 or more.")
        for name in ("positive_m", "tolerance_m", "every_m"):
            value = getattr(self, name)
            if value is not None and not value > 0:
                raise ConfigError(f"--{name.replace('_', '-')} {value:g}.", "Expected above 0.")
        self.offsets_us()
        self.list_files()
        if self.spread is not None and not 0 < self.spread[0] <= self.spread[1]:
            raise ConfigError(
                f"--spread {self.spread[0]:g} {self.spread[1]:g}.",
                "Expected 0 < shortest <= longest.",
            )
        for word in (*self.val, *self.tests):
            query, colon, reference = word.partition(":")
            if not (colon and query and reference):
                raise ConfigError(f"Pair {word!r}.", "Expected QUERY:REFERENCE, e.g. night:day.")
        self.size()

    def size(self) -> SensorSize:
        """Return the size of the frames."""
        return SensorSize.parse(self.input_size)

    def offsets_us(self) -> dict[str, int]:
        """Return what is added to the times of each table of positions, in microseconds."""
        found: dict[str, int] = {}
        for word in self.offset_s:
            name, _, seconds = word.rpartition("=")
            try:
                found[name] = round(float(seconds) * 1e6)
            except (ValueError, OverflowError):
                name = ""
            if not name:
                raise ConfigError(f"--offset-s {word!r}.", "Expected NAME=SECONDS, night=12.35.")
        return found

    def list_files(self) -> dict[str, Path]:
        """Return the list of images of each traverse that was named."""
        found: dict[str, Path] = {}
        for word in self.lists:
            name, _, file = word.partition("=")
            if not (name and file):
                raise ConfigError(f"--list {word!r}.", "Expected NAME=FILE, summer=summer.txt.")
            found[name] = Path(file)
        return found

    def folder(self) -> Path:
        """Return the folder of the data set, which exists.

        Raises:
            ConfigError: Neither --root nor the environment names it.
            MissingFileError: It is not there.
        """
        base = os.environ.get(DATA_ROOT)
        if self.root is None and not base:
            raise ConfigError(
                f"Where is the data set {self.data!r}?",
                f"Expected --root, or the folder of all data sets in {DATA_ROOT}.",
                f"See: saccade data check {self.data}",
            )
        folder = self.root if self.root is not None else Path(base or "") / self.data
        if not folder.is_dir():
            raise MissingFileError(
                f"No such folder: {folder}.", "", f"See: saccade data check {self.data}"
            )
        return folder
