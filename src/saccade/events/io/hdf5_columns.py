"""Events in HDF5 datasets: blocks, and windows of time found without reading the whole file.

    window [a, b) -> index (ms_to_idx) narrows -> bisection in t finds -> rows [lo:hi] are read

A layout (own, DSEC, MVSEC, generic) says where the columns are; this file reads them.
"""

from __future__ import annotations

import importlib
from collections.abc import Generator, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from saccade.errors import ConfigError, FormatError
from saccade.events.columns import TimeUnit, to_microseconds
from saccade.events.io.blocks import Block, BlockReader, ColumnCheck
from saccade.events.io.format import Header, ReadOptions
from saccade.events.types import Events, SensorSize
from saccade.optional import require

__all__ = [
    "Column",
    "H5File",
    "Hdf5Reader",
    "Layout",
    "check_filters",
    "h5py",
    "open_file",
    "said_size",
]

H5File = Any
"""An open ``h5py.File``; h5py is untyped and loaded only when such a file is."""

_PLUGIN_FILTERS = {
    32001: "Blosc",
    32004: "LZ4",
    32008: "Bitshuffle",
    32015: "Zstd",
    32026: "Blosc2",
    32013: "ZFP",
    32017: "SZ",
    32000: "LZF",
    307: "BZip2",
}
_HDF5_COMPLAINTS = (OSError, RuntimeError, KeyError)  # how h5py reports damage, by where it is
_ECF = 36559
_PROBE = 1024


@dataclass(frozen=True)
class Column:
    """Where a column is: a dataset, and the field or column of it where it holds several.

    Args:
        dataset: Path of the dataset in the file.
        part: Field name, column index, or None for a dataset of one column.
    """

    dataset: str
    part: str | int | None = None

    def take(self, file: H5File, lo: int, hi: int) -> NDArray[Any]:
        """Read the entries ``lo`` to ``hi``."""
        dataset = file[self.dataset]
        if self.part is None:
            return np.asarray(dataset[lo:hi])
        if isinstance(self.part, int):
            return np.asarray(dataset[lo:hi, self.part])
        return np.asarray(dataset[lo:hi][self.part])


@dataclass(frozen=True)
class Layout:
    """Where a file keeps its events.

    Args:
        columns: x, y, t and p.
        count: Number of events.
        unit: Unit of t.
        whole: Times have to be whole microseconds.
        offset_us: Added to the times.
        milliseconds: Dataset whose entry m is the first event at or after m ms, or None.
        origin_us: Added to these milliseconds, before ``offset_us`` is added.
    """

    columns: tuple[Column, Column, Column, Column]
    count: int
    unit: TimeUnit = "us"
    whole: bool = False
    offset_us: int = 0
    milliseconds: str | None = None
    origin_us: int = 0

    def block(self, file: H5File, lo: int, hi: int) -> Block:
        """Read the events ``lo`` to ``hi``."""
        whole_rows = {column.dataset for column in self.columns}
        if len(whole_rows) == 1 and self.columns[0].part is not None:
            rows = file[self.columns[0].dataset][lo:hi]
            x, y, t, p = (
                rows[:, column.part] if isinstance(column.part, int) else rows[column.part]
                for column in self.columns
            )
        else:
            x, y, t, p = (column.take(file, lo, hi) for column in self.columns)
        return Block(x, y, t, p, self.unit, self.whole, self.offset_us)

    def times(self, file: H5File, lo: int, hi: int) -> NDArray[np.int64]:
        """Read the times of the events ``lo`` to ``hi`` in microseconds."""
        raw = self.columns[2].take(file, lo, hi)
        return to_microseconds(raw, self.unit) + np.int64(self.offset_us)


class Hdf5Reader(BlockReader):
    """An opened HDF5 file of events.

    Args:
        path: The file.
        header: What the file says about itself.
        options: What the user said.
        layout: Where the columns are.
    """

    def __init__(self, path: Path, header: Header, options: ReadOptions, layout: Layout) -> None:
        super().__init__(path, header, options, self._file_blocks)
        self._layout = layout

    def _file_blocks(self, most: int) -> Iterator[Block]:
        with open_file(self._path) as file:
            for lo in range(0, self._layout.count, most):
                hi = min(lo + most, self._layout.count)
                yield self._layout.block(file, lo, hi)

    def window_range(self, start_us: int, end_us: int) -> tuple[int, int]:
        """Return the index range of the events with ``start_us <= t < end_us``.

        Args:
            start_us: First time inside, microseconds on the recording's clock.
            end_us: First time no longer inside.

        Raises:
            ConfigError: The window ends before it starts.
        """
        if end_us < start_us:
            raise ConfigError(
                f"The window ends at {end_us:,} µs, before its start at {start_us:,} µs.",
                "Expected start_us <= end_us.",
            )
        with open_file(self._path) as file:
            return self._first_at(file, start_us), self._first_at(file, end_us)

    def read_window(self, start_us: int, end_us: int) -> Events:
        """Read the events with ``start_us <= t < end_us`` without going through the rest.

        Times have to be in order in the file; ``on_disorder`` acts inside the window only.

        Args:
            start_us: First time inside, microseconds on the recording's clock.
            end_us: First time no longer inside.
        """
        lo, hi = self.window_range(start_us, end_us)
        check = ColumnCheck(self._path, self._header.size, self._options)
        with open_file(self._path) as file:
            return check.events(self._layout.block(file, lo, hi))

    def _first_at(self, file: H5File, time_us: int) -> int:
        """Return the index of the first event at or after a time: index first, then bisection."""
        lo, hi = self._bracket(file, time_us)
        if not self._holds(file, time_us, lo, hi):
            lo, hi = 0, self._layout.count
        while hi - lo > _PROBE:
            middle = (lo + hi) // 2
            if int(self._layout.times(file, middle, middle + 1)[0]) < time_us:
                lo = middle + 1
            else:
                hi = middle
        return lo + int(np.searchsorted(self._layout.times(file, lo, hi), time_us))

    def _holds(self, file: H5File, time_us: int, lo: int, hi: int) -> bool:
        """Whether a bracket is right: the index of another writer may mean another thing."""
        times = self._layout.times
        early = lo == 0 or int(times(file, lo - 1, lo)[0]) < time_us
        return early and (hi >= self._layout.count or int(times(file, hi, hi + 1)[0]) >= time_us)

    def _bracket(self, file: H5File, time_us: int) -> tuple[int, int]:
        layout = self._layout
        if layout.milliseconds is None:
            return 0, layout.count
        index = file[layout.milliseconds]
        entries = int(index.shape[0])
        entry = (time_us - layout.offset_us - layout.origin_us) // 1000
        if entry < 0 or entries == 0:
            return 0, min(layout.count, int(index[0]) if entries else layout.count)
        lo = int(index[min(entry, entries - 1)])
        hi = int(index[entry + 1]) if entry + 1 < entries else layout.count
        return min(lo, layout.count), min(hi, layout.count)


def h5py() -> Any:
    """Return the untyped module, loaded on first use."""
    return importlib.import_module("h5py")


@contextmanager
def open_file(path: Path) -> Generator[H5File]:
    """Open an HDF5 file for reading; what HDF5 reports inside the block is said in our words.

    Raises:
        FormatError: It is truncated or damaged.
    """
    try:
        with h5py().File(path, "r") as file:
            yield file
    except _HDF5_COMPLAINTS as error:
        cut = "truncated" in str(error)
        what = "truncated: it is shorter than its header says" if cut else f"damaged: {error}"
        raise FormatError(
            f"{path.name} is {what}.",
            "Expected a whole HDF5 file.",
            "Copy the file again, or finish writing it.",
        ) from error


def check_filters(path: Path, dataset: Any) -> None:
    """Make sure that the compression of a dataset can be undone.

    Raises:
        MissingExtraError: It needs hdf5plugin, which is not installed.
        FormatError: It needs a filter that no Python package brings.
    """
    if not hasattr(dataset, "shape"):
        raise FormatError(f"{dataset.name} of {path.name} is no dataset.", "Is the file damaged?")
    filters = h5py().h5z
    properties = dataset.id.get_create_plist()
    for number in (properties.get_filter(k)[0] for k in range(properties.get_nfilters())):
        if filters.filter_avail(number):
            continue
        if number in _PLUGIN_FILTERS:
            require("hdf5plugin", f"Reading {_PLUGIN_FILTERS[number]}-compressed HDF5")
        if not filters.filter_avail(number):
            name = "Prophesee's ECF" if number == _ECF else f"HDF5 filter {number}"
            raise FormatError(
                f"{path.name} is compressed with {name}, which is not available.",
                "Expected gzip, LZF, or a filter of hdf5plugin.",
                "Convert it to RAW with Metavision, or install the vendor's filter.",
            )


def said_size(options: ReadOptions, size: SensorSize | None, source: str) -> dict[str, Any]:
    """Return the size entries of a header: the user's word first, then the file's."""
    if options.size is not None:
        return {"size": options.size, "size_source": "--size"}
    return {"size": size, "size_source": source if size else ""}
