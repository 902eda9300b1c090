"""NSAVP: each traverse is a folder of arrays, one a second; places are matched by a matrix.

    R0_FA0-frames-1000/frame_000000.npy              int64 (N, 4): x, y, t, p; epoch ns
    R0_FA0-frames-1000/downsampled/frame_000000.npy  records x, y, t, p for 346x260
    R0_FA0-frames-1000/positions.csv                 where the middle of each frame was (ours)
    ground_truth/R0_FS0_R0_FA0_GT.npy                uint8 [R, Q]: 1 = the same place
    ground_truth/R0_FS0_R0_FA0_GT_positions.npz      ref_pos [R, 3], qry_pos [Q, 3] in metres

R0_FA0 reads: route 0, forward, afternoon (S sunset, N night), number 0. Row r and column q of the
matrix are frames r and q of the two traverses. Each traverse that is written is matched with those
already in the folder, as reference and as query.

Reference: S. Carmichael et al., "Dataset and Benchmark: Novel Sensors for Autonomous Vehicle
Perception", International Journal of Robotics Research, 2024.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from saccade.errors import ConfigError, listing
from saccade.events.types import Events, SensorSize
from saccade.files import replacing
from saccade.simulate.place_truth import (
    correspondences,
    parse_positions,
    positions_csv,
    read_positions,
    track_at,
    write_positions,
)
from saccade.simulate.recording import Part, Recording, Track

__all__ = ["FRAME_US", "SENSOR", "TRAVERSE_OF", "frame_edges", "write", "write_ground_truth"]

SENSOR = SensorSize(height=480, width=640)
"""Sensor of the real set, a DVXplorer; its files do not say it."""
SMALL = SensorSize(height=260, width=346)
"""What ``downsampled`` is scaled to."""
FRAME_US = 1_000_000
"""Length of a frame; the last one may be up to half as long again."""
TOLERANCE_M = 30.0
"""Closer than this along the route is the same place."""

TRAVERSE_OF: dict[str, str] = {
    "day": "R0_FA0",
    "overcast": "R0_FA1",
    "morning": "R0_FA2",
    "sunset": "R0_FS0",
    "night": "R0_FN0",
}
"""Condition of a recording -> the name it gets; the set knows three times of day."""

_FRAMES = "-frames-1000"
_RECORD = np.dtype([("x", "<i2"), ("y", "<i2"), ("t", "<i8"), ("p", "<i2")])
_PIECE = 1 << 16


def write(
    folder: Path,
    recording: Recording,
    parts: Iterable[Part],
    *,
    traverse: str | None = None,
    downsampled: bool = True,
    tolerance_m: float = TOLERANCE_M,
) -> tuple[Path, ...]:
    """Write a traverse into the folder of the set, and the truth of all pairs with it.

    Args:
        folder: Folder of the set; it exists.
        recording: What was recorded, with a track.
        parts: Its parts in order.
        traverse: Its name, e.g. ``"R0_FS0"``; by the recording's condition without.
        downsampled: Write the frames scaled to 346x260 as well.
        tolerance_m: Distance along the route up to which two frames show the same place.

    Returns:
        The traverse's folder and the files of ground truth.

    Raises:
        ConfigError: The condition has no name in the set, or the recording has no track.
    """
    name = _name(recording, traverse)
    track = _frame_track(recording)
    target = folder / f"{name}{_FRAMES}"
    with replacing(target) as work:
        work.mkdir()
        if downsampled:
            (work / "downsampled").mkdir()
        frames = _frames(parts, frame_edges(recording.duration_us))
        for number, pieces in enumerate(frames):
            file = f"frame_{number:06d}.npy"
            _save(work / file, pieces, _Plain(recording.epoch_us))
            if downsampled:
                small = _Small(recording.epoch_us, recording.left.size)
                _save(work / "downsampled" / file, pieces, small)
        write_positions(work / "positions.csv", track)
    files = [target]
    for other, known in _written(folder, name):
        files += _write_pair(folder, (name, track), (other, known), tolerance_m)
        files += _write_pair(folder, (other, known), (name, track), tolerance_m)
    return tuple(files)


def write_ground_truth(
    folder: Path,
    reference: Recording,
    query: Recording,
    *,
    tolerance_m: float = TOLERANCE_M,
    names: tuple[str, str] | None = None,
) -> tuple[Path, Path]:
    """Write which frames of two traverses show the same place.

    Args:
        folder: Folder of the set.
        reference: Rows of the matrix.
        query: Its columns.
        tolerance_m: Distance along the route up to which two frames show the same place.
        names: Names of both traverses; by their conditions without.

    Returns:
        The matrix and the positions.

    Raises:
        ConfigError: A condition has no name in the set, or a recording has no track.
    """
    first, second = names or (None, None)
    rows = _name(reference, first), _frame_track(reference)
    columns = _name(query, second), _frame_track(query)
    return _write_pair(folder, rows, columns, tolerance_m)


def frame_edges(duration_us: int) -> NDArray[np.int64]:
    """Return where frames begin and end, ``[F + 1]``: whole seconds, without a short rest.

    Examples:
        >>> frame_edges(2_400_000).tolist(), frame_edges(2_600_000).tolist()
        ([0, 1000000, 2400000], [0, 1000000, 2000000, 2600000])
    """
    whole = max(1, (duration_us + FRAME_US // 2) // FRAME_US)
    return np.array([*(k * FRAME_US for k in range(whole)), duration_us], np.int64)


def _name(recording: Recording, name: str | None) -> str:
    chosen = name or TRAVERSE_OF.get(recording.condition)
    if chosen is None:
        raise ConfigError(
            f"NSAVP has no traverse for condition {recording.condition!r}.",
            f"Conditions: {listing(TRAVERSE_OF, most=6)}.",
            "Name the traverse.",
        )
    return chosen


def _frame_track(recording: Recording) -> Track:
    if recording.track is None:
        raise ConfigError(
            f"Recording {recording.name!r} has no track.", "Expected a drive along a route."
        )
    edges = frame_edges(recording.duration_us)
    track = track_at(recording.track, (edges[:-1] + edges[1:]) // 2)
    return parse_positions(positions_csv(track))  # what is written is what is compared


def _written(folder: Path, but: str) -> list[tuple[str, Track]]:
    tables = sorted(folder.glob(f"R*{_FRAMES}/positions.csv"))
    names = [table.parent.name.removesuffix(_FRAMES) for table in tables]
    return [
        (name, read_positions(table))
        for name, table in zip(names, tables, strict=True)
        if name != but
    ]


def _write_pair(
    folder: Path, reference: tuple[str, Track], query: tuple[str, Track], tolerance_m: float
) -> tuple[Path, Path]:
    truth = folder / "ground_truth"
    truth.mkdir(exist_ok=True)
    stem = f"{reference[0]}_{query[0]}_GT"
    found = correspondences(reference[1], query[1], tolerance_m)
    matrix, positions = truth / f"{stem}.npy", truth / f"{stem}_positions.npz"
    with replacing(matrix) as work:
        np.save(work, found.within.astype(np.uint8))
    with replacing(positions) as work:
        np.savez(work, ref_pos=_metres(reference[1]), qry_pos=_metres(query[1]))
    return matrix, positions


def _metres(track: Track) -> NDArray[np.float64]:
    return np.stack([track.east_m, track.north_m, track.up_m], axis=1)


def _frames(parts: Iterable[Part], edges: NDArray[np.int64]) -> Iterator[list[Events]]:
    """Cut parts into frames; a frame is handed on as soon as the parts have passed its end."""
    waiting: list[Events] = []
    number, last = 0, len(edges) - 2
    for part in parts:
        waiting.append(part.events["left"])
        while number <= last and part.end_us >= edges[number + 1]:
            start, end = int(edges[number]), int(edges[number + 1])
            yield [piece.slice_time(start, end) for piece in waiting]
            waiting = [waiting[-1]]
            number += 1
    while number <= last:
        yield [piece.slice_time(int(edges[number]), int(edges[number + 1])) for piece in waiting]
        number += 1


class _Plain:
    """Rows of the full-size files."""

    dtype: np.dtype[Any] = np.dtype("<i8")
    columns: tuple[int, ...] = (4,)

    def __init__(self, epoch_us: int) -> None:
        self._epoch_us = epoch_us

    def rows(self, events: Events) -> NDArray[Any]:
        """Return int64 ``[N, 4]``: x, y, nanoseconds, p."""
        t_ns = (events.t + self._epoch_us) * 1_000
        return np.stack([events.x, events.y, t_ns, events.p], axis=1, dtype=np.int64)


class _Small:
    """Rows of the files scaled to 346x260: x' = floor(346 x / width), y' likewise."""

    dtype: np.dtype[Any] = _RECORD
    columns: tuple[int, ...] = ()

    def __init__(self, epoch_us: int, size: SensorSize) -> None:
        self._epoch_us, self._size = epoch_us, size

    def rows(self, events: Events) -> NDArray[Any]:
        """Return records."""
        table = np.empty(len(events), _RECORD)
        table["x"] = events.x.astype(np.int64) * SMALL.width // self._size.width
        table["y"] = events.y.astype(np.int64) * SMALL.height // self._size.height
        table["t"] = (events.t + self._epoch_us) * 1_000
        table["p"] = events.p
        return table


def _save(path: Path, pieces: list[Events], kind: _Plain | _Small) -> None:
    """Write an ``.npy`` file block by block."""
    count = sum(map(len, pieces))
    descr = np.lib.format.dtype_to_descr(kind.dtype)
    header = {"descr": descr, "fortran_order": False, "shape": (count, *kind.columns)}
    with path.open("wb") as file:
        np.lib.format.write_array_header_1_0(file, header)
        for events in pieces:
            for first in range(0, len(events), _PIECE):
                file.write(kind.rows(events[first : first + _PIECE]).tobytes())
