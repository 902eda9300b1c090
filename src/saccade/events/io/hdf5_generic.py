"""HDF5 files of no stated layout: columns under usual names, or a table, in any group.

events/{xs, ys, ts, ps}            event_flow, ssl_e2vid: ts float64 s, ps bool, sensor_resolution
prophesee/{left,right}/{x,y,t,p}   M3ED, with calib/resolution (width, height)
CD/events                          metavision: records x, y, p, t; attribute geometry
any group with x, y, t, p; any record or (N, 4) dataset
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from saccade.errors import FormatError, listing
from saccade.events.columns import TimeUnit
from saccade.events.io.format import Header, ReadOptions
from saccade.events.io.hdf5_columns import (
    Column,
    H5File,
    Hdf5Reader,
    Layout,
    check_filters,
    said_size,
)
from saccade.events.io.table import SAMPLE_ROWS, say_order, say_unit
from saccade.events.naming import check_columns, named_columns, sniff_order
from saccade.events.types import SensorSize

__all__ = ["open_layout"]

_SIZE_NAMES = ("geometry", "sensor_resolution", "resolution", "sensor_size", "sensorsize")
_INDEX_NAMES = ("ms_to_idx", "ms_map_idx")


@dataclass(frozen=True)
class _Candidate:
    """A place in the file where events may be."""

    where: str
    columns: tuple[Column, Column, Column, Column]
    unit: TimeUnit | None
    notes: tuple[str, ...] = ()
    index: str | None = None


def open_layout(path: Path, file: H5File, options: ReadOptions) -> Hdf5Reader:
    """Open the events of a file, wherever they are.

    Raises:
        FormatError: The file has no events, or their columns cannot be told apart.
    """
    candidates, datasets = _candidates(file, options)
    if not candidates:
        raise FormatError(
            f"{path.name} is HDF5 without events; it holds {listing(datasets) or 'nothing'}.",
            "Expected datasets x, y, t, p in one group, or a table of them.",
            "Is it a file of images or of ground truth?",
        )
    chosen, choice_notes = _choose(candidates, options)
    count = _count(path, file, chosen)
    _check_all_filters(path, file, chosen)
    sample = chosen.columns[2].take(file, 0, min(SAMPLE_ROWS, count))
    unit, whole, unit_notes = say_unit(sample, options, chosen.unit)
    size, source, size_notes = _size(file, chosen.where)
    layout = Layout(
        chosen.columns, count, unit, whole, milliseconds=chosen.index if unit == "us" else None
    )
    header = Header(
        format="hdf5",
        version="generic",
        **said_size(options, size, source),
        fields={"events": chosen.where or "/", "time unit": unit},
        notes=(
            *choice_notes,
            *chosen.notes,
            *unit_notes,
            *(size_notes if options.size is None else ()),
        ),
    )
    return Hdf5Reader(path, header, options, layout)


def _candidates(file: H5File, options: ReadOptions) -> tuple[list[_Candidate], list[str]]:
    found: list[_Candidate] = []
    names: list[str] = []

    def visit(name: str, item: Any) -> None:
        if hasattr(item, "shape"):
            names.append(name)
            table = _table(name, item, options)
            if table is not None:
                found.append(table)
        else:
            group = _group(name, item)
            if group is not None:
                found.append(group)

    visit("", file)
    file.visititems(visit)
    return found, names


def _group(name: str, group: Any) -> _Candidate | None:
    members = [key for key in group if hasattr(group[key], "shape")]
    flat = [key for key in members if len(group[key].shape) == 1]
    found = named_columns(flat)
    if found is None:
        return None
    prefix = f"{name}/" if name else ""
    x, y, t, p = (Column(prefix + flat[index]) for index in found.order)
    stated = _text(group[flat[found.order[2]]].attrs.get("unit", ""))
    unit = found.unit or _unit(stated)
    index = next((prefix + key for key in _INDEX_NAMES if key in members), None)
    return _Candidate(name, (x, y, t, p), unit, index=index)


def _unit(text: str) -> TimeUnit | None:
    named = named_columns(["x", "y", f"t_{text}", "p"]) if text else None
    return named.unit if named else None


def _table(name: str, dataset: Any, options: ReadOptions) -> _Candidate | None:
    fields = dataset.dtype.names
    if fields is not None and len(dataset.shape) == 1:
        found = named_columns(fields)
        if found is None:
            return None
        x, y, t, p = (Column(name, fields[index]) for index in found.order)
        return _Candidate(name, (x, y, t, p), found.unit)
    if len(dataset.shape) != 2 or dataset.shape[1] != 4 or dataset.dtype.kind not in "iuf":
        return None
    if options.columns is not None:
        order, notes = check_columns(options.columns), ()
    else:
        sniffed = sniff_order(dataset[:SAMPLE_ROWS].astype(np.float64))
        if sniffed is None:
            return None
        order, notes = sniffed[0], (say_order(sniffed[1], sniffed[2]),)
    x, y, t, p = (Column(name, index) for index in order)
    return _Candidate(name, (x, y, t, p), None, notes)


def _choose(
    candidates: list[_Candidate], options: ReadOptions
) -> tuple[_Candidate, tuple[str, ...]]:
    other = "right" if options.side == "left" else "left"
    sided = [item for item in candidates if options.side in item.where.split("/")]
    if not sided and all(other in item.where.split("/") for item in candidates):
        raise FormatError(
            f"The events are in {listing(item.where for item in candidates)}; there are none of "
            f"the {options.side} camera.",
            fix=f"Pass --side {other}.",
        )
    if len(candidates) == 1:
        return candidates[0], ()
    named = [item for item in candidates if "events" in item.where.lower()]
    chosen = (sided or named or candidates)[0]
    others = listing(item.where or "/" for item in candidates if item is not chosen)
    return chosen, (f"Read from {chosen.where or '/'}; there are events in {others} as well.",)


def _count(path: Path, file: H5File, chosen: _Candidate) -> int:
    lengths = {int(file[column.dataset].shape[0]) for column in chosen.columns}
    if len(lengths) != 1:
        raise FormatError(
            f"{path.name} has columns of {', '.join(f'{n:,}' for n in sorted(lengths))} entries "
            f"in {chosen.where or '/'}.",
            "Expected x, y, t, p of equal length.",
        )
    return lengths.pop()


def _check_all_filters(path: Path, file: H5File, chosen: _Candidate) -> None:
    names = {column.dataset for column in chosen.columns}
    for name in sorted(names | ({chosen.index} if chosen.index else set())):
        check_filters(path, file[name])


def _size(file: H5File, where: str) -> tuple[SensorSize | None, str, tuple[str, ...]]:
    """Look for a size on the way from the events up: attributes, small datasets, calibration."""
    parts = where.split("/") if where else []
    for depth in range(len(parts), -1, -1):
        said = _size_in(_entries(file["/".join(parts[:depth]) or "/"]))
        if said is not None:
            return said
    return None, "", ()


def _entries(place: Any) -> dict[str, Any]:
    entries: dict[str, Any] = {str(key).lower(): place.attrs[key] for key in place.attrs}
    if hasattr(place, "shape"):
        return entries
    groups: list[Any] = [place, place["calib"]] if "calib" in place else [place]
    for group in groups:
        for key in group:
            item = group[key]
            if hasattr(item, "shape") and 1 <= item.size <= 2:
                entries.setdefault(str(key).lower(), item[()])
    return entries


def _size_in(entries: dict[str, Any]) -> tuple[SensorSize, str, tuple[str, ...]] | None:
    if "height" in entries and "width" in entries:
        height, width = (int(np.asarray(entries[key]).item()) for key in ("height", "width"))
        return SensorSize(height=height, width=width), "header", ()
    for name in _SIZE_NAMES:
        size = _pair(entries[name]) if name in entries else None
        if size is not None:
            note = f"The sensor size is from {name}, whose larger number was taken as the width."
            return size, "header", (note,)
    return None


def _pair(value: Any) -> SensorSize | None:
    text = _text(value)
    numbers = (
        [int(part) for part in re.findall(r"\d+", text)]
        if text
        else [int(part) for part in np.asarray(value).reshape(-1)[:2]]
    )
    if len(numbers) < 2 or not all(1 <= number <= 65_535 for number in numbers[:2]):
        return None
    return SensorSize(height=min(numbers[:2]), width=max(numbers[:2]))


def _text(value: Any) -> str:
    if isinstance(value, bytes):
        return value.decode("utf-8", "replace")
    return value if isinstance(value, str) else ""
