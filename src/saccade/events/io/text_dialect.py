"""What a text file of events looks like: separator, names line, sensor size line, columns, unit.

    # size 640x480; time us          comment lines start with #, % or //; a size in one is used
    240 180                          optional line: width and height
    t,x,y,p                          optional line: column names
    0.003811,96,133,0                rows

Whatever the names do not say is recognised from the first rows and said in notes.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from decimal import Decimal, InvalidOperation
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from saccade.errors import FormatError
from saccade.events.columns import TimeUnit
from saccade.events.io.format import ReadOptions
from saccade.events.io.table import say_order, say_unit
from saccade.events.io.text_parse import SCALES
from saccade.events.naming import Named, check_columns, named_columns, sniff_order
from saccade.events.types import SensorSize

__all__ = ["HEAD_BYTES", "Dialect", "Preamble", "dialect_of", "preamble_of"]

HEAD_BYTES = 1 << 16
_SAMPLE_ROWS = 2000
_SIZE = re.compile(r"\b(?:size|geometry|resolution)\b\W{0,3}(\d{1,5}) ?[x×] ?(\d{1,5})\b", re.I)
_UNIT = re.compile(r"\btime(?:[ _]?unit)?\b\W{0,3}(s|ms|us|ns)\b", re.I)
_BINARY = re.compile(rb"[\x00-\x08\x0e-\x1f]")
_WORDS = frozenset({"true", "false"})


@dataclass
class Preamble:
    """What stands before the first row, and the first rows as text.

    Args:
        names: Column names, or None.
        size: Sensor size, or None.
        size_source: Where the size stands.
        unit: Time unit stated in a comment, or None.
        body: Offset of the first byte after the names and size lines.
        lines: Number of lines up to there.
        rows: First rows, split into fields.
        row_lines: Line number of each of these rows, from 1.
        separator: ``","``, ``";"`` or ``" "`` for blanks and tabs.
    """

    names: list[str] | None = None
    size: SensorSize | None = None
    size_source: str = ""
    unit: TimeUnit | None = None
    body: int = 0
    lines: int = 0
    rows: list[list[str]] = field(default_factory=list[list[str]])
    row_lines: list[int] = field(default_factory=list[int])
    separator: str = " "


@dataclass(frozen=True)
class Dialect:
    """How rows are read.

    Args:
        roles: For every field 0 to 3 for x, y, t, p, or -1 to skip it.
        separator: As in `Preamble`.
        unit: Unit of the times.
        whole: Times have to be whole microseconds.
        notes: What was assumed, in sentences.
    """

    roles: tuple[int, ...]
    separator: str
    unit: TimeUnit
    whole: bool
    notes: tuple[str, ...]


def preamble_of(head: bytes) -> Preamble | None:
    """Read the lines before the first row; None where this is no text of numbers or names.

    Args:
        head: First bytes of the file; a last line without its end is used only where it is the
            only one.
    """
    if _BINARY.search(head):
        return None
    start = 3 if head.startswith(b"\xef\xbb\xbf") else 0
    lines = head[start:].split(b"\n")
    if len(head) >= HEAD_BYTES and len(lines) > 1:
        lines.pop()
    found, offset = Preamble(body=start), start
    for number, raw in enumerate(lines, 1):
        offset += len(raw) + 1
        line = raw.decode("utf-8", "replace").strip()
        if not line:
            continue
        if line.startswith(("#", "%", "//")):
            _comment(line, found)
            continue
        if not _line(line, number, min(offset, len(head)), found) or _enough(found):
            break
    known = found.names is not None and named_columns(found.names) is not None
    numbers = bool(found.rows) and sum(map(_is_number, found.rows[0])) >= 4
    return found if known or numbers else None


def _enough(found: Preamble) -> bool:
    return len(found.rows) >= _SAMPLE_ROWS


def _comment(line: str, found: Preamble) -> None:
    size = _SIZE.search(line)
    if size and found.size is None:
        found.size = SensorSize(height=int(size[2]), width=int(size[1]))
        found.size_source = "comment"
    unit = _UNIT.search(line)
    if unit:
        found.unit = next(known for known in SCALES if known == unit[1].lower())
    names = re.split(r"[,;\s]+", line.lstrip("#%/ "))
    if not found.rows and named_columns(names) is not None:
        found.names = names


def _line(line: str, number: int, end: int, found: Preamble) -> bool:
    """Take a line into account; False when it is not of the kind that belongs here."""
    separator = next((mark for mark in ";," if mark in line), " ")
    fields = [
        part.strip() for part in (line.split() if separator == " " else line.split(separator))
    ]
    if not found.rows and not any(map(_is_number, fields)):
        if found.names is not None and named_columns(found.names) is not None:
            return False
        found.names, found.body, found.lines = fields, end, number
        return True
    if not found.rows and found.size is None and _is_size_line(fields):
        found.size = SensorSize(height=int(fields[1]), width=int(fields[0]))
        found.size_source = "first line"
        found.body, found.lines = end, number
        return True
    if not found.rows:
        found.separator = separator
    found.rows.append(fields)
    found.row_lines.append(number)
    return True


def _is_size_line(fields: list[str]) -> bool:
    return len(fields) == 2 and all(
        part.isascii() and part.isdigit() and 1 <= int(part) <= 65_535 for part in fields
    )


def _is_number(text: str) -> bool:
    if text.lower() in _WORDS:
        return True
    try:
        Decimal(text)
    except InvalidOperation:
        return False
    return True


def dialect_of(path: Path, found: Preamble, options: ReadOptions) -> Dialect:
    """Decide what the columns of a text file are.

    Raises:
        FormatError: The columns cannot be told apart, or a first row has a NaN in it.
        ConfigError: The stated columns are no order of x, y, t, p.
    """
    fields = len(found.rows[0]) if found.rows else len(options.columns or found.names or "txyp")
    order, named_unit, notes = _order(path, found, fields, options)
    roles = [-1] * fields
    for role, index in enumerate(order):
        roles[index] = role
    times = _column(path, found, order[2], "t")
    decimals = _has_decimals(found, order[2])
    unit, whole, unit_notes = say_unit(times, options, named_unit or found.unit, decimals=decimals)
    return Dialect(tuple(roles), found.separator, unit, whole, (*notes, *unit_notes))


def _order(
    path: Path, found: Preamble, fields: int, options: ReadOptions
) -> tuple[tuple[int, int, int, int], TimeUnit | None, tuple[str, ...]]:
    named = named_columns(found.names) if found.names else None
    if options.columns is not None:
        order = check_columns(options.columns)
        if found.rows and len(options.columns) != fields:
            raise FormatError(
                f"{path.name} line {found.row_lines[0]} has {fields} fields.",
                f"--columns {options.columns!r} names {len(options.columns)}.",
                "Put _ for a field to skip.",
            )
        return order, named.unit if named else None, ()
    if named is not None:
        return _checked(path, found, named, fields), named.unit, ()
    if not found.rows:
        return (1, 2, 0, 3), None, ()
    sample = [_column(path, found, index, f"field {index + 1}") for index in range(fields)]
    sniffed = sniff_order(np.stack(sample, axis=1)) if fields == 4 else None
    if sniffed is None:
        raise FormatError(
            f"The columns of {path.name} ({fields} of them, no names) cannot be told apart.",
            "Expected x, y, t and p in an order that their values show.",
            "State it, e.g. --columns txyp; _ skips a column.",
        )
    order, letters, ambiguous = sniffed
    return order, None, (say_order(letters, ambiguous),)


def _checked(path: Path, found: Preamble, named: Named, fields: int) -> tuple[int, int, int, int]:
    if found.rows and fields != len(found.names or ()):
        raise FormatError(
            f"{path.name} names {len(found.names or ())} columns, but line {found.row_lines[0]} "
            f"has {fields} fields.",
            "Expected as many fields as names.",
        )
    return named.order


def _column(path: Path, found: Preamble, index: int, name: str) -> NDArray[np.float64]:
    values = np.empty(len(found.rows), np.float64)
    for row, fields in enumerate(found.rows):
        text = fields[index] if index < len(fields) else ""
        if text.lower() in _WORDS:
            values[row] = text.lower() == "true"
            continue
        try:
            number = Decimal(text)
        except InvalidOperation:
            values[row] = 0  # the reader names the line and the field when it gets there
            continue
        if not number.is_finite():
            raise FormatError(
                f"{path.name} line {found.row_lines[row]}: {name} is {text!r}.",
                "Expected a finite number.",
            )
        values[row] = float(number)
    return values


def _has_decimals(found: Preamble, index: int) -> bool:
    """Whether a column is written like ``0.000``: seconds, although the values may be whole."""
    texts = (fields[index] for fields in found.rows if index < len(fields))
    return any(re.fullmatch(r"[-+]?\d*\.\d{3,}", text) for text in texts)
