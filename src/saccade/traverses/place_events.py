"""The events around the places of a recording, on disk: a recording is decoded once.

    recording  . . |-- block --| . . . |-- block --| . . .       t - half <= event < t + half
    cache      FOLDER/NAME-DIGEST/events.u4     two words an event: time, pixel with polarity
                                 /index.npz     where each block begins

The digest stands for the file (size, time of change) and for everything that decides about the
bytes, so that a cache is never taken for another. Blocks are read one at a time.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

import numpy as np
from numpy.typing import NDArray

from saccade.contracts import Progress
from saccade.errors import ConfigError, DataError, EventError, MissingFileError
from saccade.events import io as event_io
from saccade.events.filters import downsample
from saccade.events.types import Events, SensorSize
from saccade.files import replacing

__all__ = ["PlaceEvents", "place_events"]

_ON = np.uint32(1 << 31)
_EVENT_BYTES = 8
_VERSION = 1


@dataclass(frozen=True, eq=False)
class PlaceEvents:
    """The blocks of a recording.

    Args:
        path: Events of all blocks.
        first: Number of the place the first block belongs to.
        edges: int64 ``[K + 1]``, events before each block.
        half_us: Half the length of a block.
        size: Size of the frames.
    """

    path: Path
    first: int
    edges: NDArray[np.int64]
    half_us: int
    size: SensorSize

    def __len__(self) -> int:
        return len(self.edges) - 1

    def block(self, k: int) -> Events:
        """Return the events around place ``first + k``; the place is at time ``half_us``.

        Raises:
            MissingFileError: The cache was removed meanwhile.
        """
        low, high = int(self.edges[k]), int(self.edges[k + 1])
        try:
            words = np.fromfile(self.path, "<u4", 2 * (high - low), offset=_EVENT_BYTES * low)
        except FileNotFoundError as error:
            raise MissingFileError(
                f"{self.path} is gone.", fix="Open the data set again: it is made anew."
            ) from error
        t, cell = words.reshape(-1, 2).T
        y, x = np.divmod(cell & ~_ON, np.uint32(self.size.width))
        polarity = (cell >> np.uint32(31)).astype(np.uint8)
        return Events(
            x.astype(np.uint16), y.astype(np.uint16), t.astype(np.int64), polarity, self.size,
            check=False,
        )  # fmt: skip


def place_events(
    recording: Path,
    t_us: NDArray[np.int64],
    *,
    half_us: int,
    size: SensorSize,
    folder: Path,
    progress: Progress | None = None,
) -> PlaceEvents:
    """Return the events around places, from the cache or, once, from the recording.

    Only places whose whole block lies within the recording are kept; they are consecutive.

    Args:
        recording: Event file.
        t_us: int64 ``[P]``, when each place was passed, rising.
        half_us: Half the length of a block.
        size: Size of the frames, no larger than the sensor.
        folder: Where caches are, made if it is missing.
        progress: Called with (places done, places in all) while the recording is decoded.

    Raises:
        EventError: The recording holds no event.
        DataError: No place lies within the recording.
        ConfigError: The folder cannot be written.
    """
    home = folder / f"{recording.stem}-{_digest(recording, t_us, half_us, size)}"
    found = _load(home, half_us, size)
    if found is not None:
        return found
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with replacing(home) as part:
            part.mkdir()
            with (part / "events.u4").open("wb") as file:
                blocks = _blocks(recording, t_us, half_us, size, progress)
                first, edges = _write(file, blocks, t_us - half_us)
            np.savez(part / "index.npz", first=first, edges=edges)
    except OSError as error:
        raise ConfigError(
            f"{folder} cannot be written: {error.strerror or error}.",
            "Expected a folder with room for the events around the places.",
            "Pass --cache FOLDER.",
        ) from error
    return PlaceEvents(home / "events.u4", first, edges, half_us, size)


def _digest(recording: Path, t_us: NDArray[np.int64], half_us: int, size: SensorSize) -> str:
    status = recording.stat()
    name = f"{recording.parent.name}/{recording.name}"
    facts = (_VERSION, name, status.st_size, status.st_mtime_ns, half_us, str(size))
    return hashlib.sha256(repr(facts).encode() + t_us.tobytes()).hexdigest()[:16]


def _load(home: Path, half_us: int, size: SensorSize) -> PlaceEvents | None:
    if not (home / "index.npz").is_file():
        return None
    with np.load(home / "index.npz") as index:
        found = PlaceEvents(home / "events.u4", int(index["first"]), index["edges"], half_us, size)
    whole = found.path.is_file() and found.path.stat().st_size == _EVENT_BYTES * found.edges[-1]
    return found if whole else None


def _write(
    file: BinaryIO, blocks: Iterator[tuple[int, Events]], starts: NDArray[np.int64]
) -> tuple[int, NDArray[np.int64]]:
    first, edges = -1, [0]
    for k, events in blocks:
        first = k if first < 0 else first
        words = np.empty((len(events), 2), "<u4")
        words[:, 0] = events.t - starts[k]
        words[:, 1] = events.y.astype(np.uint32) * np.uint32(events.size.width) + events.x
        words[events.p == 1, 1] |= _ON
        file.write(words.tobytes())
        edges.append(edges[-1] + len(events))
    return first, np.array(edges, np.int64)


def _blocks(
    recording: Path,
    t_us: NDArray[np.int64],
    half_us: int,
    size: SensorSize,
    progress: Progress | None,
) -> Iterator[tuple[int, Events]]:
    """Yield the blocks of consecutive places, holding no more than a block and a packet."""
    starts, ends = t_us - half_us, t_us + half_us
    held, first_us, k, skipped = list[Events](), 0, -1, 0
    for packet, seen_us in _packets(recording, size):
        if k < 0:
            first_us = int(packet.t[0])
            k = skipped = int(np.searchsorted(starts, first_us))
        if k == len(t_us):
            break
        held.append(packet)
        if seen_us < starts[k]:
            held = []
        if seen_us < ends[k]:
            continue
        events = Events.concatenate(held)
        while k < len(t_us) and seen_us >= ends[k]:
            yield k, events.slice_time(int(starts[k]), int(ends[k]))
            k += 1
            if progress is not None:
                progress(k, len(t_us))
        held = [events.slice_time(int(starts[k]), seen_us + 1)] if k < len(t_us) else []
    if k == skipped:
        raise DataError(
            f"{recording.name}: no place lies within its events, which begin at {first_us:,} µs; "
            f"its places are passed from {int(t_us[0]):,} to {int(t_us[-1]):,} µs.",
            "Expected positions on the recording's clock.",
            f"Pass --offset-s {recording.stem}=SECONDS, which is added to their times.",
        )


def _packets(recording: Path, size: SensorSize) -> Iterator[tuple[Events, int]]:
    """Yield packets, each with the time before which nothing more will come."""
    last_us: int | None = None
    for packet in event_io.stream(recording):
        if len(packet):
            last_us = int(packet.t[-1])
            yield downsample(packet, size), last_us
    if last_us is None:
        raise EventError(f"{recording.name} holds no event.", "Expected a recording of a drive.")
    yield Events.empty(size), last_us + 1
