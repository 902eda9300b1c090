"""Reports on the terminal or as JSON. The only file of the package that prints."""

from __future__ import annotations

import json
import math
import os
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from saccade.contracts import Report, Table, cell_text

__all__ = ["as_plain", "show"]

_MOST_FILES = 12


def show(report: Report | Sequence[Report], *, as_json: bool) -> None:
    """Print one report or several.

    With ``as_json`` a report becomes one object: its values at the top level, its tables as lists
    of records under ``tables``, then ``notes`` and ``files``. Several reports become a list.
    """
    reports = [report] if isinstance(report, Report) else list(report)
    if as_json:
        plain = [as_plain(item) for item in reports]
        sys.stdout.write(
            json.dumps(plain[0] if isinstance(report, Report) else plain, indent=2) + "\n"
        )
        return
    for item in reports:
        _print(item)


def as_plain(report: Report) -> dict[str, Any]:
    """Return a report as JSON types; NaN and infinities become null."""
    plain: dict[str, Any] = {"title": report.title, **_plain(report.values)}
    if report.tables:
        plain["tables"] = {
            table.title: [dict(zip(table.columns, _plain(row), strict=True)) for row in table.rows]
            for table in report.tables
        }
    if report.notes:
        plain["notes"] = list(report.notes)
    if report.files:
        plain["files"] = [str(path) for path in report.files]
    return plain


def _plain(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {str(key): _plain(item) for key, item in value.items()}  # pyright: ignore[reportUnknownVariableType, reportUnknownArgumentType]
    if isinstance(value, (list, tuple)):
        return [_plain(item) for item in value]  # pyright: ignore[reportUnknownVariableType]
    if isinstance(value, float) and not math.isfinite(value):
        return None
    if isinstance(value, Path):
        return str(value)
    return value.item() if isinstance(value, np.generic) else value  # pyright: ignore[reportUnknownVariableType, reportUnknownMemberType]


def _print(report: Report) -> None:
    lines = [report.title]
    shown = {
        name: value for name, value in report.values.items() if not isinstance(value, (dict, list))
    }
    width = max((len(name) for name in shown), default=0)
    lines += [
        f"  {name.replace('_', ' '):{width}s}  {cell_text(value)}" for name, value in shown.items()
    ]
    sys.stdout.write("\n".join(lines) + "\n")
    for table in report.tables:
        _print_table(table)
    tail = [f"\n{note}" for note in report.notes] + _wrote(report.files)
    sys.stdout.write("".join(f"{line}\n" for line in tail))


def _wrote(files: Sequence[Path]) -> list[str]:
    """Name the files: each of a few, only their common folder for many."""
    if len(files) <= _MOST_FILES:
        return [f"wrote {path}" for path in files]
    common = Path(os.path.commonpath([path.parent for path in files]))
    folders = len({path.parent for path in files})
    where = f" in {folders} folders" if folders > 1 else ""
    return [f"wrote {len(files):,} files{where} to {common}"]


def _print_table(table: Table) -> None:
    """Print a table as wide as its cells; rich is loaded only when there is one."""
    from rich import box
    from rich.console import Console
    from rich.table import Table as RichTable

    shown = RichTable(title=table.title, box=box.SIMPLE_HEAD, title_justify="left", pad_edge=False)
    for k, name in enumerate(table.columns):
        numeric = all(isinstance(row[k], (int, float, type(None))) for row in table.rows)
        shown.add_column(name, justify="right" if numeric else "left", no_wrap=True)
    for row in table.rows:
        shown.add_row(*(cell_text(cell) for cell in row))
    natural = Console(width=10_000).measure(shown).maximum
    console = Console(highlight=False, markup=False)
    console.width = max(console.width, natural)
    console.print()
    console.print(shown)
