"""What a file format is: how it is recognised, read and written.

Each format is one module beside this one; the table in `saccade.events.io.formats` names them all.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal, Protocol

from saccade.errors import FormatError
from saccade.events.types import Events, SensorSize

__all__ = ["ANY_SIZE", "Format", "Header", "ReadOptions", "Reader", "truncated"]

ANY_SIZE = SensorSize(height=65_535, width=65_535)
"""Stands in for the sensor size while a file whose size is unknown is inspected."""


@dataclass(frozen=True, kw_only=True)
class ReadOptions:
    """What the user knows about a file that the file may not say.

    Args:
        size: Sensor size; overrides what the file says.
        columns: Column order of text and array files, e.g. ``"txyp"``; None = sniff and say so.
        time_unit: Unit of times in text and array files; None = sniff and say so.
        origin: 1 when coordinates in the file start at 1.
        on_disorder: What to do when time runs backwards: raise, sort, or drop the late events.
        on_truncation: What to do when the file ends inside an event: raise, or keep the rest.
        side: Which camera of a stereo file to read.
    """

    size: SensorSize | None = None
    columns: str | None = None
    time_unit: Literal["s", "ms", "us", "ns"] | None = None
    origin: Literal[0, 1] = 0
    on_disorder: Literal["error", "sort", "drop"] = "error"
    on_truncation: Literal["error", "keep"] = "error"
    side: Literal["left", "right"] = "left"


@dataclass(frozen=True, kw_only=True)
class Header:
    """What a file says about itself.

    Args:
        format: Key of the format table.
        version: The format's own version, in its own words.
        size: Sensor size, or None where nothing in the file tells.
        size_source: Where ``size`` comes from: ``"header"``, ``"sensor id 21"``, ``"--size"``,
            ``"format"``.
        fields: Other header entries, for display.
        notes: What was assumed while opening, in plain sentences (sniffed columns and the like).
    """

    format: str
    version: str = ""
    size: SensorSize | None = None
    size_source: str = ""
    fields: dict[str, str] = field(default_factory=dict[str, str])
    notes: tuple[str, ...] = ()


class Reader(Protocol):
    """An opened event file. Reading twice gives the same; nothing stays open between calls."""

    @property
    def header(self) -> Header:
        """What the file says about itself."""
        ...

    def packets(self, max_events: int = 1 << 16) -> Iterator[Events]:
        """Yield consecutive packets of at most ``max_events`` events in bounded memory.

        Where the header has no size, packets carry `ANY_SIZE`.
        """
        ...

    def read(self) -> Events:
        """Return the whole recording as fresh arrays."""
        ...


@dataclass(frozen=True, kw_only=True)
class Format:
    """A file format of the format table.

    Args:
        name: Its key.
        title: One line for ``saccade info --help``.
        extensions: File name endings that choose this format for writing; reading ignores them.
        sniff: Tells from the first bytes (up to 64 KiB) and the path whether a file is of this
            format.
        open: Opens a file for reading.
        write: Writes packets, or None where the format is read only.
    """

    name: str
    title: str
    extensions: tuple[str, ...]
    sniff: Callable[[bytes, Path], bool]
    open: Callable[[Path, ReadOptions], Reader]
    write: Callable[[Path, Iterable[Events], SensorSize], None] | None = None


def truncated(path: Path, what: str, expected: str) -> FormatError:
    """Return the error for a file that ends too early."""
    return FormatError(
        f"{path.name} is truncated: {what}.",
        expected,
        "Copy the file again; the events before the cut can be read with --on-truncation keep.",
    )
