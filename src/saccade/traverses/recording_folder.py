"""A folder of recordings: which there are, where each was taken, and which words name them.

day.raw    day.positions.csv, day.csv or day.nmea     a recording and its table of positions
night_in_day.query_by_reference.npy                   or: which windows show the same place

day          the whole recording        day@0-1500      metres 0 to 1,500 along its route
north/day    the one in folder north: another area, whose places are near none of the others
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np

from saccade.errors import (
    ConfigError,
    DataError,
    FormatError,
    MissingFileError,
    SaccadeError,
    did_you_mean,
    listing,
)
from saccade.events import io as event_io
from saccade.events.types import SensorSize
from saccade.retrieval import TruthMatrix
from saccade.traverses.routes import NMEA_ENDINGS, Route, is_position_table, read_route

__all__ = [
    "LAYOUTS",
    "Layout",
    "Piece",
    "Source",
    "check_roles",
    "describe_sources",
    "find_sources",
    "find_truth",
    "read_truth",
]

Layout = Literal["query_by_reference", "reference_by_query"]
LAYOUTS: tuple[Layout, ...] = ("query_by_reference", "reference_by_query")
"""Orientations of a matrix of truth; its file name says which one it has."""

_TABLES = (".positions.csv", ".csv", *NMEA_ENDINGS)
_NO_EVENTS = (".json", ".yaml", ".yml", ".md", ".png", ".jpg", ".log", ".truth.h5")
_SIDES = ("_left", "_right")
_PIECE = re.compile(r"(.+)@(\d+(?:\.\d+)?)-(\d+(?:\.\d+)?)", re.ASCII)


@dataclass(frozen=True)
class Source:
    """A recording of the folder.

    Args:
        name: Its file name without the ending, behind its area.
        events: Event file.
        table: Its table of positions, None where there is none.
        sensor: Size of its sensor, None where the file does not tell.
        area: Folder it lies in, empty for the root.
    """

    name: str
    events: Path
    table: Path | None
    sensor: SensorSize | None
    area: str = ""

    @property
    def is_simulated(self) -> bool:
        """Whether the description that ``saccade simulate`` writes lies beside it."""
        path = self.events.with_name(f"{_drive(self.events.stem)}.json")
        try:
            return bool(json.loads(path.read_text(encoding="utf-8")).get("simulated"))
        except (OSError, ValueError, AttributeError):
            return False

    def route(self, offsets_us: dict[str, int]) -> Route:
        """Read where it was taken.

        Raises:
            MissingFileError: It has no table of positions.
            SaccadeError: The table cannot be used.
        """
        if self.table is None:
            stem = _drive(self.events.stem)
            raise MissingFileError(
                f"{self.events.name} has no table of positions.",
                f"Expected {listing(stem + ending for ending in _TABLES)} beside it.",
            )
        return read_route(self.table, offset_us=offsets_us.get(self.name))


@dataclass(frozen=True)
class Piece:
    """A recording, or a stretch ``[start, end)`` of its route.

    Args:
        word: As it was written.
        name: Recording.
        start_m: Metres along the route.
        end_m: Likewise.
    """

    word: str
    name: str
    start_m: float = 0.0
    end_m: float = np.inf

    @classmethod
    def parse(cls, word: str, sources: dict[str, Source]) -> Piece:
        """Read ``NAME`` or ``NAME@START-END``.

        Raises:
            ConfigError: There is no such recording, or the stretch is empty.
        """
        match = _PIECE.fullmatch(word) if word not in sources else None
        name = match[1] if match else word
        if name not in sources:
            raise ConfigError(
                f"There is no recording {name!r}.",
                did_you_mean(name, sources) or f"Found: {listing(sources, most=12)}.",
                "" if match or "@" not in word else "A stretch is NAME@START-END, in metres.",
            )
        if match is None:
            return cls(word, name)
        start_m, end_m = float(match[2]), float(match[3])
        if not start_m < end_m:
            raise ConfigError(f"Stretch {word!r} is empty.", "Expected START below END, in metres.")
        return cls(word, name, start_m, end_m)

    def gap_m(self, other: Piece) -> float:
        """Return the metres between two pieces; below 0 they overlap, infinite if apart anyway."""
        if self.name != other.name:
            return np.inf
        return max(self.start_m, other.start_m) - min(self.end_m, other.end_m)


def find_sources(root: Path) -> dict[str, Source]:
    """Return the recordings of a folder, and of the folders in it, by name.

    Raises:
        ConfigError: Two event files, or two tables of positions, have the same name.
    """
    found = _in_folder(root, "")
    for folder in sorted(p for p in root.iterdir() if p.is_dir() and not p.name.startswith(".")):
        found |= _in_folder(folder, folder.name)
    return found


def _in_folder(root: Path, area: str) -> dict[str, Source]:
    files = sorted(p for p in root.iterdir() if p.is_file() and not p.name.startswith("."))
    tables = {path.name for path in files if is_position_table(path)}
    found: dict[str, Source] = {}
    for path in files:
        if path.name in tables or path.name.endswith(_NO_EVENTS) or _is_truth(path.name):
            continue
        try:
            sensor = event_io.inspect(path).header.size
        except FormatError:
            continue
        name = f"{area}/{path.stem}" if area else path.stem
        if name in found:
            raise ConfigError(
                f"{found[name].events.name} and {path.name} have the same name.",
                "Expected one event file of each name.",
            )
        found[name] = Source(name, path, _table(root, path.stem, tables), sensor, area)
    return found


def describe_sources(sources: dict[str, Source], offsets_us: dict[str, int]) -> dict[str, str]:
    """Return in words what each recording has: length and kind of its positions, or why none."""
    found: dict[str, str] = {}
    for name, source in sources.items():
        try:
            route = source.route(offsets_us)
            unit = "metres" if route.positions.kind == "planar" else "degrees"
            found[name] = f"{route.length_m:,.0f} m, positions in {unit}"
        except SaccadeError as error:
            found[name] = error.what
    return found


def check_roles(roles: dict[str, list[Piece]]) -> float:
    """Refuse pieces that play two roles; return the smallest gap between two roles in metres.

    Args:
        roles: Flag -> pieces.

    Raises:
        ConfigError: A piece overlaps one of another role.
    """
    least = np.inf
    flags = list(roles)
    for k, flag in enumerate(flags):
        for other in flags[k + 1 :]:
            for one in roles[flag]:
                for two in roles[other]:
                    gap = one.gap_m(two)
                    least = min(least, gap)
                    if gap < 0:
                        raise ConfigError(
                            f"{flag} {one.word} and {other} {two.word} share a part of the drive.",
                            "Expected every part of a recording in one role.",
                            f"Split it by distance: {one.name}@0-1500 and {one.name}@1550-3000.",
                        )
    return least


def find_truth(root: Path, query: str, reference: str) -> tuple[Path, Layout] | None:
    """Return the matrix of truth of a pair of recordings and its layout, None if there is none.

    Raises:
        ConfigError: There are several.
    """
    found: list[tuple[Path, Layout]] = [
        (path, layout)
        for layout in LAYOUTS
        for ending in (".npy", ".csv")
        if (path := root / f"{query}_in_{reference}.{layout}{ending}").is_file()
    ]
    if len(found) > 1:
        raise ConfigError(
            f"{listing(path.name for path, _ in found)} are truths of the same pair.",
            "Expected one.",
        )
    return found[0] if found else None


def read_truth(path: Path, layout: Layout) -> TruthMatrix:
    """Read a matrix of 0 and 1.

    Raises:
        FormatError: It cannot be read.
        ShapeError: It is no matrix.
        DataError: It holds other numbers, or calls no pair, or every pair, a match.
    """
    try:
        if path.suffix == ".npy":
            matrix = np.load(path, allow_pickle=False)
        else:
            matrix = np.loadtxt(path, delimiter=",", ndmin=2)
    except (ValueError, EOFError) as error:
        raise FormatError(f"{path.name}: {error}.", "Expected a matrix of 0 and 1.") from error
    truth = TruthMatrix(matrix, layout=layout)
    share = float(np.mean(np.asarray(truth.matrix))) if matrix.size else 0.0
    if share in (0.0, 1.0):
        raise DataError(
            f"{path.name} decides nothing: {'every' if share else 'no'} pair is a match.",
            "Expected some pairs that match and some that do not.",
        )
    return truth


def _table(root: Path, name: str, tables: Iterable[str]) -> Path | None:
    for stem in dict.fromkeys((name, _drive(name))):
        found = [stem + ending for ending in _TABLES if stem + ending in tables]
        if len(found) > 1:
            raise ConfigError(
                f"{listing(found)} are positions of the same recording.", "Expected one table."
            )
        if found:
            return root / found[0]
    return None


def _drive(name: str) -> str:
    """Return the name of the drive: both cameras of a pair share its table."""
    side = next((side for side in _SIDES if name.endswith(side)), "")
    return name.removesuffix(side)


def _is_truth(name: str) -> bool:
    return name.endswith(tuple(f".{layout}{end}" for layout in LAYOUTS for end in (".npy", ".csv")))
