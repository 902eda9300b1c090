"""NSAVP, prepared: frames scaled to 346x260, or one text per traverse.

R0_FA0-frames-1000/downsampled/frame_000000.npy  records x, y, t, p, see `prepare`
R0_FA0.txt                                       "346 260", then "t x y p": `export_ensemble`
"""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from saccade.contracts import Progress
from saccade.errors import MissingFileError
from saccade.events.filters import deduplicate, downsample
from saccade.events.types import Events, SensorSize
from saccade.files import replacing, write_atomically
from saccade.jit import kernel
from saccade.simulate.layouts.nsavp import SENSOR
from saccade.traverses.nsavp_files import (
    SMALL,
    FrameFile,
    frame_files,
    traverse_folder,
    traverse_names,
)

__all__ = ["export_ensemble", "prepare"]

_RECORD = np.dtype([("x", "<i2"), ("y", "<i2"), ("t", "<i8"), ("p", "<i2")])
_BILLION = 1_000_000_000
_ROW_BYTES = 48
_PIECE = 1 << 18
_DIGITS = 9  # of the fraction of a second


def prepare(
    source: Path,
    target: Path,
    *,
    progress: Progress | None = None,
    size: SensorSize = SENSOR,
    repeats_ns: int = 0,
) -> tuple[Path, ...]:
    """Scale the frames of all traverses to 346x260; those that are finished are passed over.

        x' = min(⌊346 x / W⌋, 345),   y' = min(⌊260 y / H⌋, 259);   t and p stay

    A folder ``downsampled`` appears when it is whole. What a killed run left is removed, so that
    two runs at once on one target disturb each other.

    Args:
        source: Folder of the set, frames in either form.
        target: Folder that gets ``downsampled`` for each traverse, and positions and ground truth;
            it may be the source.
        progress: Called with frames done and in total.
        size: Size of the sensor; the files do not say it.
        repeats_ns: Drop events less than so many nanoseconds after the one before at the same new
            pixel with the same polarity; 1 drops copies, 0 keeps all.

    Returns:
        The folders ``downsampled``.

    Raises:
        MissingFileError: There is no traverse of full size.
        FormatError: A file is damaged.
        EventError: An event lies outside the sensor.
    """
    found = {name: frame_files(source, name) for name in traverse_names(source)}
    files = {name: paths for name, paths in found.items() if paths}
    if not files:
        raise MissingFileError(
            f"{source} holds no frames of NSAVP.",
            "Expected e.g. R0_FS0-frames-1000/frame_000000.npy.",
            "See: saccade data check nsavp",
        )
    done, total = 0, sum(map(len, files.values()))
    made: list[Path] = []
    for name, paths in files.items():
        _copy_truth(source, target, name)
        folder = traverse_folder(target, name) / "downsampled"
        if not folder.is_dir():
            for number in _scale(paths, folder, size, repeats_ns):
                if progress is not None:
                    progress(done + number, total)
        done += len(paths)
        if progress is not None:
            progress(done, total)
        made.append(folder)
    return tuple(made)


def export_ensemble(
    source: Path, target: Path, *, progress: Progress | None = None
) -> tuple[Path, ...]:
    """Write each traverse as one text, as programs for Brisbane-Event-VPR read it.

    Lines are ``t x y p`` with t in seconds to the nanosecond, after a line with the size, 346 260.
    Frames of full size are scaled down on the way. Finished texts are passed over.

    Args:
        source: Folder of the set.
        target: Folder that gets ``R0_FA0.txt`` and so on.
        progress: Called with frames done and in total.

    Returns:
        The texts.

    Raises:
        MissingFileError: There is no traverse.
        FormatError: A file is damaged.
    """
    names = traverse_names(source)
    if not names:
        raise MissingFileError(
            f"{source} holds no frames of NSAVP.", "", "See: saccade data check nsavp"
        )
    files = {name: _sized(source, name) for name in names}
    done, total = 0, sum(len(paths) for paths, _ in files.values())
    target.mkdir(parents=True, exist_ok=True)
    made: list[Path] = []
    for name, (paths, size) in files.items():
        text = target / f"{name}.txt"
        if not text.is_file():
            with replacing(text) as work, work.open("wb") as file:
                file.write(f"{SMALL.width} {SMALL.height}\n".encode())
                for number, path in enumerate(paths.values(), 1):
                    events = downsample(FrameFile.open(path).events(size), SMALL)
                    for first in range(0, len(events), _PIECE):
                        file.write(_lines(events[first : first + _PIECE]))
                    if progress is not None:
                        progress(done + number, total)
        done += len(paths)
        made.append(text)
    return tuple(made)


def _sized(folder: Path, name: str) -> tuple[dict[int, Path], SensorSize]:
    small = frame_files(folder, name, small=True)
    return (small, SMALL) if small else (frame_files(folder, name), SENSOR)


def _scale(
    paths: dict[int, Path], folder: Path, size: SensorSize, repeats_ns: int
) -> Iterator[int]:
    """Write scaled frames, and yield how many are done."""
    folder.parent.mkdir(parents=True, exist_ok=True)
    for left in folder.parent.glob(".downsampled.????????"):
        shutil.rmtree(left)
    with replacing(folder) as work:
        work.mkdir()
        for number, path in enumerate(paths.values(), 1):
            events = downsample(FrameFile.open(path).events(size), SMALL)
            if repeats_ns:
                events = deduplicate(events, repeats_ns)
            table = np.empty(len(events), _RECORD)
            for column in "xytp":
                table[column] = getattr(events, column)
            np.save(work / path.name, table)
            yield number


def _copy_truth(source: Path, target: Path, name: str) -> None:
    """Copy positions and ground truth of a traverse beside its frames."""
    if source.resolve() == target.resolve():
        return
    positions = traverse_folder(source, name) / "positions.csv"
    truth = (source / "ground_truth").glob(f"*{name}*_GT*.np?")
    for path in (*filter(Path.is_file, [positions]), *truth):
        copy = target / path.relative_to(source)
        copy.parent.mkdir(parents=True, exist_ok=True)
        write_atomically(copy, path.read_bytes())


def _lines(events: Events) -> memoryview:
    text = np.empty(len(events) * _ROW_BYTES, np.uint8)
    x, y, t, p = (np.ascontiguousarray(getattr(events, name)) for name in "xytp")
    return text[: int(_format(x, y, t, p, text))].data


@kernel
def _put(out: NDArray[np.uint8], at: int, value: int, least: int) -> int:
    """Write a whole number with at least so many digits; return the place after it."""
    size, rest = 1, value
    while rest >= 10:
        rest //= 10
        size += 1
    size = max(size, least)
    for k in range(size):
        out[at + size - 1 - k] = 48 + value % 10
        value //= 10
    return at + size


@kernel
def _format(
    x: NDArray[np.uint16],
    y: NDArray[np.uint16],
    t: NDArray[np.int64],
    p: NDArray[np.uint8],
    out: NDArray[np.uint8],
) -> int:
    """Write lines ``seconds.nanoseconds x y p``; times are not negative."""
    at = 0
    for k in range(t.shape[0]):
        at = _put(out, at, t[k] // _BILLION, 1)
        out[at] = 46
        at = _put(out, at + 1, t[k] % _BILLION, _DIGITS)
        for value in (np.int64(x[k]), np.int64(y[k]), np.int64(p[k])):
            out[at] = 32
            at = _put(out, at + 1, value, 1)
        out[at] = 10
        at += 1
    return at
