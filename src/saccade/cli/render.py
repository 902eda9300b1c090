"""Reports on the terminal or as JSON. The only file of the package that prints."""

from __future__ import annotations

import json
import math
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from saccade.contracts import Cell, Report, Table

__all__ = ["as_plain", "show"]


def show(report: Report | Sequence[Report], *, as_json: bool) -> None:
    """Print one report or several.

    With ``as_json`` a report becomes one object: its values at the top level, its tables as lists of
    records under ``tables``, then ``notes`` and ``files``. Several reports become a list.
    """
    reports = [report] if isinstance(report, Report) else list(report)
    if as_json:
        plain = [as_plain(item) for item in reports]
        sys.stdout.write(json.dumps(plain[0] if isinstance(report, Report) else plain, indent=2) + "\n")
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
    return value.item() if hasattr(value, "item") else value


def _print(report: Report) -> None:
    from rich.console import Console
    from rich.text import Text

    console = Console(highlight=False, soft_wrap=True)
    console.print(Text(report.title, style="bold"))
    shown = {name: value for name, value in report.values.items() if not isinstance(value, (dict, list))}
    width = max((len(name) for name in shown), default=0)
    for name, value in shown.items():
        console.print(Text.assemble((f"  {name.replace('_', ' '):{width}s}  ", "dim"), cell_text(value)))
    for table in report.tables:
        console.print()
        _print_table(console, table)
    for note in report.notes:
        console.print(Text(f"\n{note}"))
    for path in report.files:
        console.print(Text(f"wrote {path}", style="dim"))


def _print_table(console: Any, table: Table) -> None:
    from rich import box
    from rich.table import Table as RichTable

    numeric = [
        all(isinstance(row[k], (int, float)) or row[k] is None for row in table.rows)
        for k in range(len(table.columns))
    ]
    shown = RichTable(title=table.title, box=box.SIMPLE_HEAD, title_justify="left", pad_edge=False)
    for name, is_number in zip(table.columns, numeric, strict=True):
        shown.add_column(name, justify="right" if is_number else "left", no_wrap=True)
    for row in table.rows:
        shown.add_row(*(cell_text(cell) for cell in row))
    console.print(shown, width=max(console.width, 1), soft_wrap=False, crop=False)


def cell_text(value: Cell | Any) -> str:
    """Return a value as people read it: separators in counts, four digits in fractions."""
    if value is None:
        return "–"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, int):
        return f"{value:,}"
    if isinstance(value, float):
        if not math.isfinite(value):
            return "–"
        return f"{value:,.0f}" if abs(value) >= 10_000 else f"{value:.4g}"
    return str(value)
