"""HDF5 data files of the MVSEC data set.

    davis/{left,right}/events      float64 (N, 4): x, y, t (s since the epoch), p (-1, +1)
    davis/{left,right}/image_raw   uint8 (F, height, width)

MVSEC was recorded with DAVIS346 cameras (346x260). The frames in the file tell the size; where it
has none, the coordinates decide between the DAVIS346 and the DAVIS240 (240x180), whose recordings
are also handed around in this layout: one event beyond 240x180 is proof.

Reference:
    Zhu et al., "The Multivehicle Stereo Event Camera Dataset", RA-L 2018.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from saccade.errors import FormatError
from saccade.events.io.format import Header, ReadOptions
from saccade.events.io.hdf5_columns import (
    Column,
    H5File,
    Hdf5Reader,
    Layout,
    check_filters,
    said_size,
)
from saccade.events.types import SensorSize

__all__ = ["matches", "open_layout"]

_DAVIS346 = SensorSize(height=260, width=346)
_DAVIS240 = SensorSize(height=180, width=240)
_SIDES = ("left", "right")
_ROWS = 1 << 16


def matches(file: H5File) -> bool:
    """Tell by the names of the datasets."""
    return any(f"davis/{side}/events" in file for side in _SIDES)


def open_layout(path: Path, file: H5File, options: ReadOptions) -> Hdf5Reader:
    """Open one camera of a file of this layout.

    Raises:
        FormatError: The file has no events of this side, or they are no ``(N, 4)`` table.
    """
    name = f"davis/{options.side}/events"
    if name not in file:
        raise FormatError(
            f"{path.name} has no events of the {options.side} camera.",
            fix=f"Pass --side {'right' if options.side == 'left' else 'left'}.",
        )
    dataset = file[name]
    check_filters(path, dataset)
    if len(dataset.shape) != 2 or dataset.shape[1] != 4:
        raise FormatError(
            f"{name} of {path.name} has shape {tuple(dataset.shape)}.",
            "Expected (N, 4): x, y, t, p.",
        )
    x, y, t, p = (Column(name, index) for index in range(4))
    unit = options.time_unit or "s"
    layout = Layout((x, y, t, p), int(dataset.shape[0]), unit=unit)
    size, source, notes = (None, "", ()) if options.size else _size(file, dataset, options)
    header = Header(
        format="hdf5",
        version="MVSEC",
        **said_size(options, size, source),
        fields={"camera": options.side, "time unit": unit},
        notes=notes,
    )
    return Hdf5Reader(path, header, options, layout)


def _size(
    file: H5File, dataset: Any, options: ReadOptions
) -> tuple[SensorSize, str, tuple[str, ...]]:
    for side in (options.side, *_SIDES):
        frames = file.get(f"davis/{side}/image_raw")
        if frames is not None and len(frames.shape) == 3:
            _, height, width = (int(length) for length in frames.shape)
            note = f"The sensor size is that of the frames davis/{side}/image_raw."
            return SensorSize(height=height, width=width), "frames", (note,)
    if _exceeds(dataset, _DAVIS240, options.origin):
        note = f"The file has no frames; {_DAVIS346} is the DAVIS346 of MVSEC."
        return _DAVIS346, "format", (note,)
    note = (
        f"The file has no frames and no event beyond {_DAVIS240}, so the sensor is taken as a "
        f"DAVIS240, not the DAVIS346 ({_DAVIS346}) of MVSEC. State it with --size if that is wrong."
    )
    return _DAVIS240, "coordinates", (note,)


def _exceeds(dataset: Any, size: SensorSize, origin: int) -> bool:
    for start in range(0, int(dataset.shape[0]), _ROWS):
        rows = dataset[start : start + _ROWS, :2] - origin
        if rows[:, 0].max() >= size.width or rows[:, 1].max() >= size.height:
            return True
    return False
