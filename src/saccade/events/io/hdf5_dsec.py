"""HDF5 event files of the DSEC data set.

    events/p uint8, events/x uint16, events/y uint16    640x480, raw pixels
    events/t uint32                                     microseconds after t_offset
    t_offset int64                                      microseconds
    ms_to_idx uint64      t[ms_to_idx[m]] >= 1000 m and t[ms_to_idx[m] - 1] < 1000 m

Reference:
    Gehrig et al., "DSEC: A Stereo Event Camera Dataset for Driving Scenarios", RA-L 2021;
    file layout at https://dsec.ifi.uzh.ch/data-format.
"""

from __future__ import annotations

from pathlib import Path

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

_SENSOR = SensorSize(height=480, width=640)


def matches(file: H5File) -> bool:
    """Tell by the names of the datasets."""
    return "ms_to_idx" in file and all(f"events/{name}" in file for name in "xytp")


def open_layout(path: Path, file: H5File, options: ReadOptions) -> Hdf5Reader:
    """Open a file of this layout."""
    lengths: set[int] = set()
    for name in "xytp":
        dataset = file[f"events/{name}"]
        check_filters(path, dataset)
        lengths.add(int(dataset.shape[0]))
    check_filters(path, file["ms_to_idx"])
    if len(lengths) != 1:
        raise FormatError(
            f"{path.name} has columns of {', '.join(f'{n:,}' for n in sorted(lengths))} entries.",
            "Expected events/x, y, t, p of equal length.",
        )
    offset = int(file["t_offset"][()]) if "t_offset" in file else 0
    x, y, t, p = (Column(f"events/{name}") for name in "xytp")
    layout = Layout((x, y, t, p), lengths.pop(), offset_us=offset, milliseconds="ms_to_idx")
    header = Header(
        format="hdf5",
        version="DSEC",
        **said_size(options, _SENSOR, "format"),
        fields={
            "t_offset": f"{offset:,} µs",
            "ms_to_idx": f"{len(file['ms_to_idx']):,} entries",
        },
        notes=(f"{_SENSOR} is the sensor of DSEC.", *(() if offset else _NO_OFFSET)),
    )
    return Hdf5Reader(path, header, options, layout)


_NO_OFFSET = ("The file has no t_offset, so times count from its own zero.",)
