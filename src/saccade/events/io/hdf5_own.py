"""The HDF5 layout that saccade writes: columns in chunks, and an index of time.

    attributes: saccade_events = 1, height, width, time_unit = "us"
    x uint16 [N], y uint16 [N], t int64 [N], p uint8 [N]       chunks of 65,536 events
    ms_to_idx int64 [M]      first event at or after t_first_us + 1000 m; attribute t_first_us

LZF (the default) needs nothing but h5py and reads fast; gzip with shuffle is smaller. A window of
time touches the index and the chunks of that window only.
"""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from saccade.errors import FormatError
from saccade.events.io.format import Header, ReadOptions
from saccade.events.io.hdf5_columns import (
    Column,
    H5File,
    Hdf5Reader,
    Layout,
    check_filters,
    h5py,
    said_size,
)
from saccade.events.io.hdf5_write import (
    Compression,
    MillisecondIndex,
    append,
    filters,
    growing,
)
from saccade.events.types import Events, SensorSize

__all__ = ["matches", "open_layout", "write_hdf5"]

_MARK = "saccade_events"
_VERSION = 1
_COLUMNS = (("x", "<u2"), ("y", "<u2"), ("t", "<i8"), ("p", "|u1"))


def matches(file: H5File) -> bool:
    """Tell by the attribute."""
    return _MARK in file.attrs


def open_layout(path: Path, file: H5File, options: ReadOptions) -> Hdf5Reader:
    """Open a file of this layout.

    Raises:
        FormatError: A later version of saccade wrote it, or a column is missing.
    """
    attributes = file.attrs
    version = int(attributes[_MARK])
    if version != _VERSION:
        raise FormatError(
            f"{path.name} has version {version} of the layout.",
            f"This saccade reads version {_VERSION}.",
            "Update saccade.",
        )
    missing = [name for name in ("x", "y", "t", "p", "ms_to_idx") if name not in file]
    if missing:
        raise FormatError(f"{path.name} lacks {', '.join(missing)}.", "Is it damaged?")
    for name in "xytp":
        check_filters(path, file[name])
    index = file["ms_to_idx"]
    x, y, t, p = (Column(name) for name in "xytp")
    layout = Layout(
        (x, y, t, p),
        int(file["t"].shape[0]),
        milliseconds="ms_to_idx",
        origin_us=int(index.attrs["t_first_us"]),
    )
    size = SensorSize(height=int(attributes["height"]), width=int(attributes["width"]))
    header = Header(
        format="hdf5",
        version=f"saccade {version}",
        **said_size(options, size, "header"),
        fields={
            "compression": str(file["t"].compression or "none"),
            "ms_to_idx": f"{int(index.shape[0]):,} entries",
        },
    )
    return Hdf5Reader(path, header, options, layout)


def write_hdf5(
    path: Path,
    packets: Iterable[Events],
    size: SensorSize,
    compression: Compression = "gzip",
) -> None:
    """Write packets in chunks with an index of time, in bounded memory.

    Args:
        path: The file to write.
        packets: Events in order.
        size: Sensor size.
        compression: ``"gzip"``, ``"lzf"`` (bytes differ from run to run), ``"blosc"`` or None.
    """
    with h5py().File(path, "w") as file:
        attributes = file.attrs
        attributes[_MARK] = _VERSION
        attributes["height"], attributes["width"] = size.height, size.width
        attributes["time_unit"] = "us"
        columns = {
            name: growing(file, name, dtype, compression=compression) for name, dtype in _COLUMNS
        }
        index = MillisecondIndex()
        for packet in packets:
            for name, dataset in columns.items():
                append(dataset, getattr(packet, name))
            index.add(packet.t)
        packed = filters(compression) if index.count else {}
        entries = file.create_dataset("ms_to_idx", data=index.entries(), **packed)
        entries.attrs["t_first_us"] = index.origin_us
