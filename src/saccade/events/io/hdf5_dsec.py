"""HDF5 event files of the DSEC data set.

    events/p uint8, events/x uint16, events/y uint16    640x480, raw pixels
    events/t uint32                                     microseconds after t_offset
    t_offset int64                                      microseconds
    ms_to_idx uint64      t[ms_to_idx[m]] >= 1000 m and t[ms_to_idx[m] - 1] < 1000 m

The file has no sensor size: a ``rectify_map.h5`` beside it, which has one entry a pixel, tells it.

Reference:
    Gehrig et al., "DSEC: A Stereo Event Camera Dataset for Driving Scenarios", RA-L 2021;
    file layout at https://dsec.ifi.uzh.ch/data-format.
"""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from types import TracebackType
from typing import Any

import numpy as np

from saccade.errors import EventError, FormatError
from saccade.events.io.format import Header, ReadOptions
from saccade.events.io.hdf5_columns import (
    Column,
    H5File,
    Hdf5Reader,
    Layout,
    check_filters,
    h5py,
    open_file,
    said_size,
)
from saccade.events.io.hdf5_write import Compression, MillisecondIndex, append, filters, growing
from saccade.events.types import Events, SensorSize

__all__ = ["DsecFile", "matches", "open_layout", "write_dsec"]

_SENSOR = SensorSize(height=480, width=640)
_COLUMNS = (("p", "|u1"), ("t", "<u4"), ("x", "<u2"), ("y", "<u2"))
_LATEST_US = 2**32 - 1


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
    size, source, note = (_SENSOR, "format", "") if options.size else _size(path)
    header = Header(
        format="hdf5",
        version="DSEC",
        **said_size(options, size, source),
        fields={
            "t_offset": f"{offset:,} µs",
            "ms_to_idx": f"{len(file['ms_to_idx']):,} entries",
        },
        notes=(*((note,) if note else ()), *(() if offset else _NO_OFFSET)),
    )
    return Hdf5Reader(path, header, options, layout)


_NO_OFFSET = ("The file has no t_offset, so times count from its own zero.",)


def _size(path: Path) -> tuple[SensorSize, str, str]:
    beside = path.with_name("rectify_map.h5")
    if beside.is_file():
        with open_file(beside) as file:
            shape = tuple(file["rectify_map"].shape) if "rectify_map" in file else ()
        if len(shape) == 3 and shape[2] == 2:
            size = SensorSize(height=int(shape[0]), width=int(shape[1]))
            return size, beside.name, f"The sensor size is that of {beside.name} beside it."
    return _SENSOR, "format", f"{_SENSOR} is the sensor of DSEC."


class DsecFile:
    """An ``events.h5`` that is being written, packet by packet; a context manager.

    Args:
        path: The file to write.
        t_offset_us: What the recording's zero is on the clock of frames and labels.
        compression: DSEC itself uses ``"blosc"``, which readers need hdf5plugin for.

    Raises:
        MissingExtraError: Blosc without hdf5plugin.
    """

    def __init__(
        self, path: Path, *, t_offset_us: int = 0, compression: Compression = "gzip"
    ) -> None:
        self._packing = filters(compression)
        self._name = path.name
        self._file: Any = h5py().File(path, "w")
        self._columns = {
            name: growing(self._file, f"events/{name}", dtype, compression=compression)
            for name, dtype in _COLUMNS
        }
        self._file["t_offset"] = np.int64(t_offset_us)
        self._index = MillisecondIndex(origin_us=0)

    def add(self, packet: Events) -> None:
        """Append events, whose times count from the recording's zero.

        Raises:
            EventError: A time is negative or does not fit into 32 bits.
        """
        if not len(packet):
            return
        first, last = int(packet.t[0]), int(packet.t[-1])
        if first < 0 or last > _LATEST_US:
            raise EventError(
                f"An event for {self._name} is at {first if first < 0 else last:,} µs.",
                f"DSEC stores 0 to {_LATEST_US:,} µs (71 minutes) after t_offset.",
                "Shift the times, or write shorter recordings.",
            )
        for name, dataset in self._columns.items():
            append(dataset, getattr(packet, name))
        self._index.add(packet.t)

    def close(self) -> None:
        """Write the index and close the file."""
        entries = self._index.entries() if self._index.count else np.zeros(1, np.int64)
        index = entries.astype(np.uint64)
        self._file.create_dataset("ms_to_idx", data=index, **self._packing)
        self._file.close()

    def __enter__(self) -> DsecFile:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: object, trace: TracebackType | None
    ) -> None:
        if kind is None:
            self.close()
        else:
            self._file.close()


def write_dsec(
    path: Path,
    packets: Iterable[Events],
    *,
    t_offset_us: int = 0,
    compression: Compression = "gzip",
) -> None:
    """Write an ``events.h5`` of DSEC, in bounded memory.

    Args:
        path: The file to write.
        packets: Events in order, 0 to 4,294,967,295 µs.
        t_offset_us: What readers add to the times.
        compression: Of the columns.

    Raises:
        EventError: A time is negative or does not fit into 32 bits.

    Examples:
        >>> import tempfile
        >>> import saccade
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     path = Path(folder, "events.h5")
        ...     events = Events([3, 4], [1, 2], [10, 2500], [1, 0], SensorSize(480, 640))
        ...     write_dsec(path, [events], t_offset_us=1_000_000)
        ...     saccade.open(path).t.tolist()
        [1000010, 1002500]
    """
    with DsecFile(path, t_offset_us=t_offset_us, compression=compression) as file:
        for packet in packets:
            file.add(packet)
