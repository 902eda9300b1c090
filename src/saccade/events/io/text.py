"""Text and CSV files of events: one row an event, columns named, stated or recognised.

    # size 240x180; time us
    t,x,y,p
    3811,96,133,0

Times are converted from the decimal text without floating point, so epoch seconds keep their
microseconds. `saccade.events.io.text_dialect` says what may stand before the rows.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import NoReturn

import numpy as np
from numpy.typing import NDArray

from saccade.errors import FormatError
from saccade.events.io.blocks import Block, BlockReader
from saccade.events.io.format import Format, Header, ReadOptions, truncated
from saccade.events.io.text_dialect import (
    HEAD_BYTES,
    Dialect,
    Preamble,
    dialect_of,
    preamble_of,
)
from saccade.events.types import Events, SensorSize

__all__ = ["FORMAT", "open_text", "write_text"]

_BLOCK_BYTES = 1 << 20
_ROW_BYTES = 36
_SEPARATORS = {".csv": ",", ".tsv": "\t"}
_NEWLINE = 10


def sniff(head: bytes, path: Path) -> bool:
    """Tell by printable text with named columns, or rows of four or more numbers."""
    return preamble_of(head) is not None


def open_text(path: Path, options: ReadOptions) -> BlockReader:
    """Open a text or CSV file of events.

    Raises:
        FormatError: The columns cannot be told apart, or the first rows are damaged.
    """
    with path.open("rb") as file:
        found = preamble_of(file.read(HEAD_BYTES))
    if found is None:
        raise FormatError(
            f"{path.name} is no text file of events.",
            "Expected rows of four or more numbers, or a line of column names.",
        )
    dialect = dialect_of(path, found, options)
    size, source = found.size, found.size_source
    notes = dialect.notes
    if source == "first line":
        notes = (f"The first line was taken as the sensor size, {size}.", *notes)
    if options.size is not None:
        size, source = options.size, "--size"
    separator = {" ": "blanks", ",": "comma", ";": "semicolon"}[dialect.separator]
    header = Header(
        format="text",
        size=size,
        size_source=source,
        fields={
            "columns": _column_names(dialect),
            "separator": separator,
            "time unit": dialect.unit,
        },
        notes=notes,
    )

    def blocks(most: int) -> Iterator[Block]:
        return _blocks(path, found, dialect, options, most)

    return BlockReader(path, header, options, blocks)


def _column_names(dialect: Dialect) -> str:
    return " ".join("xytp"[role] if role >= 0 else "_" for role in dialect.roles)


def _blocks(
    path: Path, found: Preamble, dialect: Dialect, options: ReadOptions, most: int
) -> Iterator[Block]:
    rows = _Rows(path, dialect, found.lines, options, most)
    rest = b""
    with path.open("rb") as file:
        file.seek(found.body)
        while True:
            data = file.read(_BLOCK_BYTES)
            if not data:
                break
            whole, newline, tail = data.rpartition(b"\n")
            if not newline:
                rest = _grown(path, rest + data)
                continue
            yield from rows.blocks(rest + whole + newline)
            rest = tail
    if rest.strip():
        yield from rows.blocks(rest + b"\n", unfinished=True)


def _grown(path: Path, line: bytes) -> bytes:
    if len(line) > 2 * _BLOCK_BYTES:
        raise FormatError(
            f"{path.name} has a line of over {len(line):,} bytes.", "Expected one event a line."
        )
    return line


class _Rows:
    """Whole lines to blocks, with the line number for messages."""

    def __init__(
        self, path: Path, dialect: Dialect, lines: int, options: ReadOptions, most: int
    ) -> None:
        self._path, self._dialect, self._lines = path, dialect, lines
        self._keep = options.on_truncation == "keep"
        self._most = min(most, _BLOCK_BYTES // 8)
        self._roles = np.array(dialect.roles, np.int64)

    def blocks(self, text: bytes, *, unfinished: bool = False) -> Iterator[Block]:
        """Parse whole lines.

        Args:
            text: Lines, the last one with its end.
            unfinished: This is the last line of a file that does not end in a newline.

        Raises:
            FormatError: A line is no event.
        """
        from saccade.events.io import text_parse as parse

        data = np.frombuffer(bytearray(text), np.uint8)
        dialect, used = self._dialect, 0
        scale = parse.SCALES[dialect.unit]
        while used < data.shape[0]:
            rows, outcome = parse.room(self._most)
            parse.parse_rows(
                data[used:],
                self._roles,
                ord(dialect.separator),
                scale,
                dialect.whole,
                rows,
                outcome,
            )
            made = int(outcome[parse.ROWS])
            self._lines += int(outcome[parse.LINES])
            if made:
                x, y, t, p = rows[:, :made]
                yield Block(x, y, t, p.astype(np.int8))
            used += int(outcome[parse.USED])
            if outcome[parse.PROBLEM]:
                if unfinished and self._keep:
                    return
                self._refuse(data[used:], outcome, unfinished)

    def _refuse(
        self, data: NDArray[np.uint8], outcome: NDArray[np.int64], unfinished: bool
    ) -> NoReturn:
        from saccade.events.io import text_parse as parse

        end = int(np.argmax(data == _NEWLINE))
        line = bytes(data[:end]).decode("utf-8", "replace").strip()
        blank = self._dialect.separator == " "
        fields = [
            part.strip()
            for part in (line.split() if blank else line.split(self._dialect.separator))
        ]
        where = f"line {self._lines + 1:,}"
        expected = f"Expected {len(self._roles)} fields: {_names(self._dialect)}."
        if unfinished:
            raise truncated(self._path, f"it ends inside {where}, {_short(line)!r}", expected)
        if int(outcome[parse.PROBLEM]) == parse.FIELDS or len(fields) != len(self._roles):
            raise FormatError(
                f"{self._path.name} {where} has {len(fields)} fields: {_short(line)!r}.", expected
            )
        index = int(outcome[parse.WHICH])
        role = int(self._roles[index])
        name = "xytp"[role] if role >= 0 else f"field {index + 1}"
        expected, fix = _expectation(name, int(outcome[parse.PROBLEM]))
        raise FormatError(
            f"{self._path.name} {where}: {name} is {_short(fields[index])!r}.", expected, fix
        )


def _names(dialect: Dialect) -> str:
    return " ".join("xytp"[role] if role >= 0 else "(skipped)" for role in dialect.roles)


def _short(text: str) -> str:
    return text if len(text) <= 60 else text[:57] + "..."


def _expectation(name: str, problem: int) -> tuple[str, str]:
    from saccade.events.io import text_parse as parse

    if problem == parse.NOT_FINITE:
        return "Expected a finite number.", ""
    if problem == parse.OUT_OF_RANGE:
        limits = {"x": "0 to 65,535", "y": "0 to 65,535", "p": "0 or 1, or -1 and 1"}
        return f"Expected {limits.get(name, 'a time within the range of int64 µs')}.", ""
    if problem == parse.NOT_WHOLE and name == "t":
        return (
            "Expected whole microseconds, as in the first rows.",
            "State the unit with --time-unit.",
        )
    if problem == parse.NOT_WHOLE:
        return "Expected a whole number.", ""
    return "Expected a number.", ""


def write_text(path: Path, packets: Iterable[Events], size: SensorSize) -> None:
    """Write packets as rows ``t x y p`` under a comment with the size and a line of names.

    Args:
        path: The file to write: ``.csv`` gets commas, ``.tsv`` tabs, anything else blanks.
        packets: Events in order.
        size: Sensor size.
    """
    from saccade.events.io.text_parse import format_rows

    separator = _SEPARATORS.get(path.suffix.lower(), " ")
    with path.open("wb") as file:
        file.write(f"# size {size}; time us\n{separator.join('txyp')}\n".encode())
        for packet in packets:
            buffer = np.empty(len(packet) * _ROW_BYTES, np.uint8)
            columns = (
                np.ascontiguousarray(column) for column in (packet.x, packet.y, packet.t, packet.p)
            )
            length = int(format_rows(*columns, ord(separator), buffer))
            file.write(buffer[:length].data)


FORMAT = Format(
    name="text",
    title="Text or CSV: t, x, y, p in any order",
    extensions=(".csv", ".txt", ".tsv"),
    sniff=sniff,
    open=open_text,
    write=write_text,
)
