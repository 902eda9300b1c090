"""Datasets that grow packet by packet, and the index of time that goes with them.

    dataset = growing(file, "x", "<u2")      0 rows
    append(dataset, packet.x)                n rows, in chunks, compressed
    ms_to_idx[m] = number of events before origin + 1000 m

h5py stores no times of its own here, so equal content gives equal bytes.
"""

from __future__ import annotations

import functools
import os
import zlib
from concurrent.futures import ThreadPoolExecutor
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from saccade.errors import EventError
from saccade.optional import require

__all__ = ["CHUNK", "Compression", "MillisecondIndex", "append", "filters", "growing"]

Compression = Literal["lzf", "gzip", "blosc"] | None
"""gzip is small and read by every HDF5 library; blosc is fast too but needs hdf5plugin.

lzf packs from a table that it does not clear, so that its bytes differ from run to run.
"""

CHUNK = 1 << 16
"""Entries of a column that are compressed together."""

_MOST_THREADS = 8
_MOST_INDEX = 1 << 27  # 37 hours; a gap beyond that is a broken clock, not a recording


def filters(compression: Compression) -> dict[str, Any]:
    """Return what `create_dataset` of h5py needs for a compression.

    Raises:
        MissingExtraError: Blosc without hdf5plugin.
    """
    if compression is None:
        return {}
    if compression == "blosc":
        plugin = require("hdf5plugin", "Writing Blosc-compressed HDF5")
        return {**plugin.Blosc(cname="zstd", clevel=1, shuffle=plugin.Blosc.SHUFFLE)}
    level = {"compression_opts": 1} if compression == "gzip" else {}
    return {"compression": compression, "shuffle": True, **level}


def growing(
    file: Any,
    name: str,
    dtype: Any,
    row: tuple[int, ...] = (),
    *,
    chunk: int = CHUNK,
    compression: Compression = None,
) -> Any:
    """Create an empty dataset that `append` makes longer.

    Args:
        file: Open file or group.
        name: Path in it.
        dtype: Of the entries.
        row: Shape of one entry.
        chunk: Entries that are stored together.
        compression: Of the chunks.
    """
    return file.create_dataset(
        name,
        (0, *row),
        dtype,
        maxshape=(None, *row),
        chunks=(chunk, *row),
        track_times=False,
        **filters(compression),
    )


def append(dataset: Any, values: NDArray[Any]) -> None:
    """Add entries at the end; whole chunks of a gzip dataset are compressed side by side."""
    if not len(values):
        return
    start, chunk = int(dataset.shape[0]), int(dataset.chunks[0])
    end = start + len(values)
    dataset.resize(end, axis=0)
    first, last = -(-start // chunk) * chunk, end // chunk * chunk
    if not (dataset.compression == "gzip" and dataset.shuffle) or last - first < 2 * chunk:
        dataset[start:] = values
        return
    if first > start:
        dataset[start:first] = values[: first - start]
    places = range(first, last, chunk)
    level, dtype, rest = int(dataset.compression_opts), dataset.dtype, (0,) * (dataset.ndim - 1)

    def pack(place: int) -> bytes:
        return _pack(values[place - start : place - start + chunk], dtype, level)

    for place, packed in zip(places, _pool().map(pack, places), strict=True):
        dataset.id.write_direct_chunk((place, *rest), packed)
    if end > last:
        dataset[last:] = values[last - start :]


def _pack(values: NDArray[Any], dtype: Any, level: int) -> bytes:
    """Return a chunk as HDF5 keeps it: first bytes of all values, second bytes, ..., deflated."""
    plain = np.ascontiguousarray(values, dtype).reshape(-1).view(np.uint8)
    bytes_of = plain.reshape(-1, dtype.itemsize)
    return zlib.compress(np.ascontiguousarray(bytes_of.T).data, level)


@functools.cache
def _pool() -> ThreadPoolExecutor:
    return ThreadPoolExecutor(min(os.cpu_count() or 1, _MOST_THREADS))


class MillisecondIndex:
    """Builds ``ms_to_idx`` packet by packet: the first event at or after each whole millisecond.

    Args:
        origin_us: Where milliseconds count from; without, from the first event.
    """

    def __init__(self, origin_us: int | None = None) -> None:
        self.count = 0
        self._origin = origin_us
        self._made = 0
        self._parts: list[NDArray[np.int64]] = []

    @property
    def origin_us(self) -> int:
        """Where milliseconds count from."""
        return 0 if self._origin is None else self._origin

    def add(self, t: NDArray[np.int64]) -> None:
        """Take the times of the next events into account.

        Raises:
            EventError: The recording spans more hours than an index can hold.
        """
        if not t.shape[0]:
            return
        if self._origin is None:
            self._origin = int(t[0])
        span_ms = (int(t[-1]) - self._origin) // 1000
        if span_ms > _MOST_INDEX:
            raise EventError(
                f"The recording spans {span_ms / 3.6e6:,.0f} hours.",
                f"The time index of the layout covers {_MOST_INDEX / 3.6e6:,.0f} hours.",
                "Are the times microseconds? Save it as npz otherwise.",
            )
        milliseconds = np.arange(self._made, span_ms + 1, dtype=np.int64)
        self._parts.append(
            np.searchsorted(t, self._origin + 1000 * milliseconds).astype(np.int64) + self.count
        )
        self._made = max(self._made, span_ms + 1)
        self.count += t.shape[0]

    def entries(self) -> NDArray[np.int64]:
        """Return the index: one entry for each millisecond up to that of the last event."""
        return np.concatenate(self._parts) if self._parts else np.empty(0, np.int64)
