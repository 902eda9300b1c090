"""What is in an event file: format, sensor size, events, times, rate, polarity, hot pixels.

The whole file is read once, in packets, so a recording of any length needs little memory. Where
nothing in the file tells the sensor size, the extent of the coordinates is shown instead.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from saccade.cli.arguments import Positional, ReadArgs
from saccade.contracts import Cell, Report, Table
from saccade.events.io import inspect
from saccade.events.io.format import Header
from saccade.events.io.formats import FORMATS, get_format
from saccade.events.survey import Survey
from saccade.events.types import SensorSize

__all__ = ["Args", "run"]


@dataclass(frozen=True, kw_only=True)
class Args(ReadArgs):
    """Look into event files."""

    files: Positional[tuple[Path, ...]] = ()
    """Event files; without any, the readable formats are listed."""


def run(args: Args) -> list[Report] | Report:
    """Survey each file, or list the formats."""
    if not args.files:
        return _formats()
    reports = [_survey(path, args) for path in args.files]
    return reports[0] if len(reports) == 1 else reports


def _formats() -> Report:
    rows: list[tuple[Cell, ...]] = []
    for name in FORMATS:
        kind = get_format(name)
        written = " ".join(kind.extensions) if kind.write is not None else None
        rows.append((name, kind.title, written))
    columns = ("format", "what it is", "written to")
    return Report(
        title="Event formats that saccade reads",
        tables=(Table("Formats", columns, tuple(rows)),),
        notes=("Content decides what a file is; its name plays no part in reading.",),
    )


def _survey(path: Path, args: Args) -> Report:
    reader = inspect(path, args.read_options(), format=args.format)
    survey = Survey()
    for packet in reader.packets():
        survey.add(packet)
    header = reader.header
    values: dict[str, Any] = {
        "file": str(path),
        "format": header.format,
        "version": header.version,
        "bytes": path.stat().st_size,
        **_size(header, survey),
        "events": survey.count,
    }
    if survey.count:
        values |= {
            "t_first_us": survey.t_first_us,
            "t_last_us": survey.t_last_us,
            "duration_s": survey.duration_us / 1e6,
            "mean_rate_hz": survey.mean_rate_hz,
            "on_fraction": survey.on_count / survey.count,
            "max_x": survey.max_x,
            "max_y": survey.max_y,
            "active_pixels": survey.active_pixels,
            "hot_pixels": len(survey.hot_pixels()),
        }
    notes = list(header.notes)
    if header.size is None:
        notes.append(_ask_for_size(path, survey))
    values["header"] = dict(header.fields)
    return Report(title=str(path), values=values, notes=tuple(notes))


def _size(header: Header, survey: Survey) -> dict[str, Any]:
    size = header.size
    return {
        "size": str(size) if size else None,
        "width": size.width if size else None,
        "height": size.height if size else None,
        "size_source": header.size_source if size else "nothing in the file tells",
    }


def _ask_for_size(path: Path, survey: Survey) -> str:
    least = SensorSize(height=survey.max_y + 1, width=survey.max_x + 1)
    return (
        f"{path.name} does not say how large the sensor is; its events need at least {least}. "
        f"Other verbs need --size WIDTHxHEIGHT."
    )
