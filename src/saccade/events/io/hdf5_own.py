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
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from saccade.errors import EventError, FormatError
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
from saccade.events.types import Events, SensorSize

__all__ = ["matches", "open_layout", "write_hdf5"]

_MARK = "saccade_events"
_VERSION = 1
_CHUNK = 1 << 16
_COLUMNS = (("x", "<u2"), ("y", "<u2"), ("t", "<i8"), ("p", "|u1"))
_MOST_INDEX = 1 << 27  # 37 hours; a gap beyond that is a broken clock, not a recording


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
    compression: Literal["lzf", "gzip"] | None = "lzf",
) -> None:
    """Write packets in chunks with an index of time, in bounded memory.

    Args:
        path: The file to write.
        packets: Events in order.
        size: Sensor size.
        compression: ``"lzf"`` (fast), ``"gzip"`` (small) or None.
    """
    level: dict[str, Any] = {"compression": compression, "shuffle": compression is not None}
    if compression == "gzip":
        level["compression_opts"] = 1
    with h5py().File(path, "w") as file:
        attributes = file.attrs
        attributes[_MARK] = _VERSION
        attributes["height"], attributes["width"] = size.height, size.width
        attributes["time_unit"] = "us"
        columns = {
            name: file.create_dataset(
                name, (0,), dtype, maxshape=(None,), chunks=(_CHUNK,), **level
            )
            for name, dtype in _COLUMNS
        }
        index = _Index()
        for packet in packets:
            _append(columns, packet)
            index.add(packet.t)
        entries = file.create_dataset(
            "ms_to_idx", data=index.entries(), **(level if index.count else {})
        )
        entries.attrs["t_first_us"] = index.first_us


def _append(columns: dict[str, Any], packet: Events) -> None:
    for name, dataset in columns.items():
        start = int(dataset.shape[0])
        dataset.resize(start + len(packet), axis=0)
        dataset[start:] = getattr(packet, name)


class _Index:
    """Builds ``ms_to_idx`` packet by packet: the first event at or after each whole millisecond."""

    def __init__(self) -> None:
        self.first_us = 0
        self.count = 0
        self._made = 0
        self._parts: list[NDArray[np.int64]] = []

    def add(self, t: NDArray[np.int64]) -> None:
        """Take the times of the next events into account."""
        if not t.shape[0]:
            return
        if self.count == 0:
            self.first_us = int(t[0])
        span_ms = (int(t[-1]) - self.first_us) // 1000
        if span_ms > _MOST_INDEX:
            raise EventError(
                f"The recording spans {span_ms / 3.6e6:,.0f} hours.",
                f"The time index of the layout covers {_MOST_INDEX / 3.6e6:,.0f} hours.",
                "Are the times microseconds? Save it as npz otherwise.",
            )
        milliseconds = np.arange(self._made, span_ms + 1, dtype=np.int64)
        self._parts.append(
            np.searchsorted(t, self.first_us + 1000 * milliseconds).astype(np.int64) + self.count
        )
        self._made = max(self._made, span_ms + 1)
        self.count += t.shape[0]

    def entries(self) -> NDArray[np.int64]:
        """Return the index."""
        return np.concatenate(self._parts) if self._parts else np.empty(0, np.int64)
