"""Blocks of events from records or plain ``(N, C)`` arrays, columns named, stated or sniffed."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from saccade.errors import FormatError
from saccade.events.columns import TimeUnit
from saccade.events.io.blocks import Block
from saccade.events.io.format import ReadOptions
from saccade.events.naming import check_columns, named_columns, sniff_order, sniff_unit

__all__ = ["SAMPLE_ROWS", "Table", "say_unit", "table_of"]

SAMPLE_ROWS = 4096
"""Rows that columns and unit are recognised from."""


@dataclass(frozen=True)
class Table:
    """How the rows of an array become columns of events.

    Args:
        pick: Takes x, y, t and p out of rows.
        unit: Unit of t.
        whole: Times have to be whole microseconds, because the unit was guessed from such.
        notes: What was assumed, in sentences.
    """

    pick: Callable[[NDArray[Any]], tuple[NDArray[Any], ...]]
    unit: TimeUnit
    whole: bool
    notes: tuple[str, ...]

    def blocks(self, pieces: Iterator[NDArray[Any]]) -> Iterator[Block]:
        """Turn rows into blocks."""
        for rows in pieces:
            x, y, t, p = self.pick(rows)
            yield Block(x, y, t, p, self.unit, self.whole)


def table_of(
    path: Path,
    dtype: np.dtype[Any],
    shape: tuple[int, ...],
    sample: NDArray[Any],
    options: ReadOptions,
) -> Table:
    """Decide what the columns of an array are.

    Args:
        path: The file, for messages.
        dtype: Type of the array.
        shape: Its shape.
        sample: Its first rows, up to `SAMPLE_ROWS`.
        options: Columns and time unit, where the user states them.

    Raises:
        FormatError: The array is no table of events, or its columns cannot be recognised.
        ConfigError: The stated columns are no order of x, y, t, p.
    """
    if dtype.names is not None:
        return _of_records(path, dtype.names, shape, sample, options)
    if len(shape) != 2 or dtype.kind not in "iufb" or shape[1] < 4:
        raise FormatError(
            f"{path.name} holds an array of shape {shape} and type {dtype}.",
            "Expected records with fields x, y, t, p or an (N, 4) array.",
        )
    order, note = _plain_order(path, shape[1], sample, options)
    times = sample[:, order[2]]
    unit, whole, unit_note = say_unit(times, options)

    def pick(rows: NDArray[Any]) -> tuple[NDArray[Any], ...]:
        return tuple(rows[:, index] for index in order)

    return Table(pick, unit, whole, (*note, *unit_note))


def _of_records(
    path: Path,
    names: tuple[str, ...],
    shape: tuple[int, ...],
    sample: NDArray[Any],
    options: ReadOptions,
) -> Table:
    found = named_columns(names)
    if found is None or len(shape) != 1:
        raise FormatError(
            f"{path.name} holds records with fields {', '.join(names)} and shape {shape}.",
            "Expected one row of records with fields x, y, t, p.",
        )
    fields = [names[index] for index in found.order]
    unit, whole, notes = say_unit(sample[fields[2]], options, found.unit)

    def pick(rows: NDArray[Any]) -> tuple[NDArray[Any], ...]:
        return tuple(rows[name] for name in fields)

    return Table(pick, unit, whole, notes)


def _plain_order(
    path: Path, columns: int, sample: NDArray[Any], options: ReadOptions
) -> tuple[tuple[int, int, int, int], tuple[str, ...]]:
    if options.columns is not None:
        order = check_columns(options.columns)
        if max(order) >= columns:
            raise FormatError(
                f"{path.name} has {columns} columns.", f"--columns says {options.columns!r}."
            )
        return order, ()
    if not sample.shape[0]:
        return (1, 2, 0, 3), ()
    sniffed = sniff_order(sample.astype(np.float64))
    if sniffed is None:
        raise FormatError(
            f"The columns of {path.name} ({columns} of them) cannot be told apart.",
            "Expected x, y, t and p in an order that their values show.",
            "State it, e.g. --columns txyp; _ skips a column.",
        )
    order, letters, ambiguous = sniffed
    return order, (say_order(letters, ambiguous),)


def say_order(letters: str, ambiguous: bool) -> str:
    """Return the note on columns that were recognised by their values."""
    doubt = " Another order would fit as well." if ambiguous else ""
    return (
        f"Columns were recognised by their values as {' '.join(letters)}.{doubt} "
        f"State them with --columns if that is wrong."
    )


def say_unit(
    times: NDArray[Any],
    options: ReadOptions,
    named: TimeUnit | None = None,
    *,
    decimals: bool = False,
) -> tuple[TimeUnit, bool, tuple[str, ...]]:
    """Return the unit of times, whether they have to be whole, and the notes on it.

    Args:
        times: The first times.
        options: The unit, where the user states it.
        named: The unit, where the file states it.
        decimals: The times are text with a decimal point.
    """
    notes: list[str] = []
    if times.dtype == np.float32:
        notes.append(
            "Times are stored as float32, which keeps about seven digits: microseconds are lost "
            "after 16 s (in s) or 16,777,216 µs."
        )
    stated = options.time_unit or named
    if stated is not None:
        return stated, False, tuple(notes)
    if not times.size:
        return "us", False, tuple(notes)
    unit = "s" if decimals else sniff_unit(times)
    reason = {
        "s": "they have fractions",
        "us": "they are whole numbers",
        "ns": "they are too large for microseconds",
    }[unit]
    notes.append(
        f"Times were taken as {unit} because {reason}. State the unit with --time-unit if that "
        f"is wrong."
    )
    return unit, unit == "us", tuple(notes)
