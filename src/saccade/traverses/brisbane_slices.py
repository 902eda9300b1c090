"""Brisbane-Event-VPR, prepared: the text of a traverse becomes arrays of equally many events.

    <id>.zip or <id>.txt    "346 260", then lines "t x y p", t in epoch seconds
    <id>/<t>.npy            float64 [N, 4]: t, x, y, p; t in the name is that of the last event

N is floor(0.35 W H), 31,486 on the real sensor, and what is left in the last one. Names are the
shortest decimals that read back as the same float64. Text is parsed in whole nanoseconds, and
s + ns / 10^9 rounds to the float64 nearest to the decimal, as reading it as a float does.
"""

from __future__ import annotations

import shutil
import zipfile
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any

import numpy as np
from numpy.typing import NDArray

from saccade.contracts import Progress
from saccade.errors import ConfigError, DataError, FormatError, MissingFileError, listing
from saccade.events.types import SensorSize
from saccade.files import replacing, write_atomically
from saccade.simulate.layouts.brisbane import SENSOR, TRAVERSES

__all__ = ["hot_pixel_file", "prepare", "read_slice", "sensor_of", "slice_times", "source_file"]

_SHARE = 0.35  # of the pixels: events in a slice
_BLOCK_BYTES = 1 << 20
_LEAST_BYTES = 8  # of a line
_ROLES = np.array([2, 0, 1, 3])  # fields of a line: t x y p
_NANO = 9  # power of ten from seconds to the parser's whole numbers
_BILLION = 1_000_000_000


def prepare(
    source: Path,
    target: Path,
    *,
    progress: Progress | None = None,
    traverses: tuple[str, ...] = (),
) -> tuple[Path, ...]:
    """Cut the traverses of a folder into slices; those that are finished are passed over.

    A folder of slices appears under its name when it is whole. What a killed run left is removed,
    so that two runs at once on one target disturb each other. Memory stays at some megabytes.

    Args:
        source: Folder with ``<id>.zip`` (one text each) or ``<id>.txt``, GPS logs and lists of hot
            pixels.
        target: Folder that gets one folder of slices per traverse, and the logs and lists; it may
            be the source.
        progress: Called with bytes of text done and in total.
        traverses: Names, e.g. ``("night",)``; all that are there without.

    Returns:
        The folders of slices.

    Raises:
        ConfigError: There is no such traverse.
        MissingFileError: The source holds no events of the traverses.
        FormatError: A file is damaged, or a line is no event.
        DataError: A recording holds no event.
    """
    for name in traverses:
        if name not in TRAVERSES:
            raise ConfigError(f"Brisbane has no traverse {name!r}.", f"{listing(TRAVERSES, 6)}.")
    chosen = traverses or tuple(TRAVERSES)
    files = {name: file for name in chosen if (file := source_file(source, name)) is not None}
    if missing := [name for name in traverses or () if name not in files]:
        raise MissingFileError(
            f"No events of {listing(missing)} in {source}.",
            f"Expected {TRAVERSES[missing[0]].recording_id}.zip or .txt.",
            "See: saccade data check brisbane",
        )
    if not files:
        raise MissingFileError(
            f"{source} holds no traverse of Brisbane-Event-VPR.",
            f"Expected e.g. {TRAVERSES['daytime'].recording_id}.zip or .txt.",
            "See: saccade data check brisbane",
        )
    target.mkdir(parents=True, exist_ok=True)
    sizes = {name: _text_bytes(file) for name, file in files.items()}
    done, total = 0, sum(sizes.values())
    made: list[Path] = []
    for name, file in files.items():
        before = done

        def report(read: int, before: int = before) -> None:
            if progress is not None:
                progress(before + read, total)

        made.append(_prepare_one(name, file, source, target, report))
        done += sizes[name]
        report(0, done)
    return tuple(made)


def source_file(folder: Path, name: str) -> Path | None:
    """Return the zip or the text of a traverse, None where neither is there."""
    stem = TRAVERSES[name].recording_id
    found = (folder / f"{stem}{suffix}" for suffix in (".zip", ".txt"))
    return next((path for path in found if path.is_file()), None)


def hot_pixel_file(folder: Path, name: str) -> Path:
    """Return where the list of hot pixels of a traverse lies."""
    return folder / f"{TRAVERSES[name].recording_id}_hot_pixels.txt"


def slice_times(folder: Path) -> tuple[tuple[Path, ...], NDArray[np.float64]]:
    """Return the slices of a folder by rising time, and their times in epoch seconds, ``[K]``.

    Files whose names are no time are not slices.
    """
    found: list[tuple[float, Path]] = []
    for path in folder.glob("*.npy"):
        try:
            found.append((float(path.stem), path))
        except ValueError:
            continue
    found.sort()
    return tuple(path for _, path in found), np.array([time for time, _ in found], np.float64)


def read_slice(path: Path) -> NDArray[np.float64]:
    """Read a slice, float64 ``[N, 4]``: t in epoch seconds, x, y, p.

    Raises:
        FormatError: The file is damaged or holds something else.
    """
    try:
        rows = np.load(path, allow_pickle=False)
    except (OSError, ValueError, EOFError) as error:
        raise FormatError(
            f"{path} is damaged: {error}.", "", "Remove its folder and run saccade prepare again."
        ) from error
    if rows.ndim != 2 or rows.shape[1] != 4:
        raise FormatError(f"{path} holds {list(rows.shape)}.", "Expected [N, 4]: t, x, y, p.")
    return rows.astype(np.float64, copy=False)


def sensor_of(folder: Path, name: str) -> SensorSize:
    """Return the size of the sensor: what `prepare` noted, 346x260 without a note.

    Raises:
        FormatError: The note is no size.
    """
    path = _sensor_file(folder, name)
    return _size(path.read_text(encoding="ascii"), path.name) if path.is_file() else SENSOR


def _sensor_file(folder: Path, name: str) -> Path:
    return folder / f"{TRAVERSES[name].recording_id}_sensor.txt"


def _prepare_one(
    name: str, file: Path, source: Path, target: Path, report: Callable[[int], None]
) -> Path:
    known = TRAVERSES[name]
    for extra in (known.nmea_file, hot_pixel_file(source, name).name):
        if source != target and (source / extra).is_file():
            write_atomically(target / extra, (source / extra).read_bytes())
    folder = target / known.recording_id
    if folder.is_dir():
        return folder
    for left in target.glob(f".{known.recording_id}.????????"):
        shutil.rmtree(left)
    with _text(file) as text:
        size = _size(text.readline(100).decode("ascii", "replace"), file.name)
        write_atomically(_sensor_file(target, name), f"{size.width} {size.height}\n".encode())
        with replacing(folder) as work:
            work.mkdir()
            for rows in _slices(text, size, file.name, report):
                np.save(work / f"{float(rows[-1, 0])!r}.npy", rows)
            if not any(work.iterdir()):
                raise DataError(
                    f"{file.name} holds no event of {name}.",
                    "Expected lines t x y p after the size of the sensor.",
                    "Fetch the file again, or take it out of the folder.",
                )
    return folder


def _text_bytes(file: Path) -> int:
    if file.suffix == ".txt":
        return file.stat().st_size
    with _archive(file) as archive:
        return archive.getinfo(_member(archive, file)).file_size


@contextmanager
def _text(file: Path) -> Iterator[IO[bytes]]:
    if file.suffix == ".txt":
        with file.open("rb") as text:
            yield text
        return
    with _archive(file) as archive, archive.open(_member(archive, file)) as text:
        try:
            yield text
        except (zipfile.BadZipFile, zlib.error, EOFError) as error:
            raise _damaged(file, error) from error


def _archive(file: Path) -> zipfile.ZipFile:
    try:
        return zipfile.ZipFile(file)
    except (zipfile.BadZipFile, EOFError) as error:
        raise _damaged(file, error) from error


def _damaged(file: Path, error: Exception) -> FormatError:
    return FormatError(f"{file.name} is damaged: {error}.", "", "Download or convert it again.")


def _member(archive: zipfile.ZipFile, file: Path) -> str:
    texts = [name for name in archive.namelist() if name.endswith(".txt")]
    if len(texts) != 1:
        raise FormatError(
            f"{file.name} holds {listing(archive.namelist()) or 'nothing'}.",
            "Expected one text of events.",
        )
    return texts[0]


def _size(line: str, name: str) -> SensorSize:
    words = line.split()
    if len(words) != 2 or not all(word.isdigit() for word in words):
        raise FormatError(
            f"{name} begins with {line.strip()[:60]!r}.",
            "Expected width and height of the sensor, e.g. 346 260.",
        )
    return SensorSize(height=int(words[1]), width=int(words[0]))


def _slices(
    text: IO[bytes], size: SensorSize, name: str, report: Callable[[int], None]
) -> Iterator[NDArray[np.float64]]:
    """Yield full slices, and what is left; the array is used again for the next one."""
    slice_ = np.empty((max(1, int(size.pixels * _SHARE)), 4))
    used = 0
    for rows in _rows(text, size, name, report):
        first = 0
        while first < len(rows):
            count = min(len(slice_) - used, len(rows) - first)
            slice_[used : used + count] = rows[first : first + count]
            used, first = used + count, first + count
            if used == len(slice_):
                yield slice_
                used = 0
    if used:
        yield slice_[:used]


def _rows(
    text: IO[bytes], size: SensorSize, name: str, report: Callable[[int], None]
) -> Iterator[NDArray[np.float64]]:
    """Yield events as they are read, ``[N, 4]``: t, x, y, p."""
    from saccade.events.io import text_parse as parse

    rest, lines, read = b"", 1, 0
    while block := text.read(_BLOCK_BYTES):
        read += len(block)
        whole, newline, tail = (rest + block).rpartition(b"\n")
        rest = tail
        if len(rest) > _BLOCK_BYTES:
            raise FormatError(f"{name} has a line of over 1 MB.", "Expected one event a line.")
        if newline:
            rows, passed = _parse(whole + newline, lines, size, name, parse)
            lines += passed
            yield rows
        report(read)
    if rest.strip():
        yield _parse(rest + b"\n", lines, size, name, parse)[0]


def _parse(
    text: bytes, lines: int, size: SensorSize, name: str, parse: Any
) -> tuple[NDArray[np.float64], int]:
    """Return the events of whole lines, and the number of lines."""
    data = np.frombuffer(bytearray(text), np.uint8)
    columns, outcome = parse.room(len(text) // _LEAST_BYTES + 1)
    parse.parse_rows(data, _ROLES, ord(" "), _NANO, False, columns, outcome)
    made = int(outcome[parse.ROWS])
    if outcome[parse.PROBLEM]:
        line = text[int(outcome[parse.USED]) :].partition(b"\n")[0].decode("utf-8", "replace")
        number = lines + 1 + int(outcome[parse.LINES])
        raise FormatError(
            f"{name} line {number:,} is {line.strip()[:60]!r}.",
            "Expected an event, t x y p with t in seconds.",
        )
    x, y, t_ns, p = columns[:, :made]
    outside = (x < 0) | (x >= size.width) | (y < 0) | (y >= size.height)
    if outside.any():
        at = int(np.argmax(outside))
        raise FormatError(
            f"{name} has an event at x = {x[at]}, y = {y[at]}, about line {lines + 1 + at:,}.",
            f"Expected coordinates within {size}, its first line.",
        )
    seconds, nano = np.divmod(t_ns, _BILLION)
    rows = np.stack([seconds + nano / _BILLION, x, y, p], axis=1)
    return rows, int(outcome[parse.LINES])
