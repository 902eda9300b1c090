"""Datasets that grow packet by packet, and the index of time that goes with them.

    dataset = growing(file, "x", "<u2")      0 rows
    append(dataset, packet.x)                n rows, in chunks, compressed
    ms_to_idx[m] = number of events before origin + 1000 m

h5py stores no times of its own here, so equal content gives equal bytes.
"""

from __future__ import annotations

from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from saccade.errors import EventError
from saccade.optional import require

__all__ = ["CHUNK", "Compression", "MillisecondIndex", "append", "filters", "growing"]

Compression = Literal["lzf", "gzip", "blosc"] | None
"""lzf is fast, gzip small and read by every HDF5 library, blosc both but needs hdf5plugin."""

CHUNK = 1 << 16
"""Entries of a column that are compressed together."""

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
    """Add entries at the end."""
    if not len(values):
        return
    start = int(dataset.shape[0])
    dataset.resize(start + len(values), axis=0)
    dataset[start:] = values


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
