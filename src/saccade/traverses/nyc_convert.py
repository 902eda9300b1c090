"""NYC-Event-VPR: raw sessions to voxel-grid entries, and entries to the archives of a split.

    sensor_data_*/data_*.zip ── .raw ── windows of 33 ms ── a tenth of the pixels ── voxel grid ──┐
    sensor_data_*/GPS_*.csv  ── position of the middle ── moved 3 m? ─────────────────────────────┤
    TARGET/.preparing/SESSION.zip       one session, deflated                                  <──┘
    TARGET/images/{train,val,test}/{database,queries}.zip     all sessions, split, stored
    TARGET/images/sessions.json         what was made from what

A session is the unit of work: a run that was stopped begins again with the session it was at. The
clock of a recording starts at the time in its file's name, which is cut to whole seconds, so that
positions may be off by what a car drives in a second (defect D11); windows are counted on that
clock, and one without events takes its time all the same.
"""

from __future__ import annotations

import io
import json
import shutil
import zipfile
from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any, Literal

import numpy as np

from saccade.contracts import Progress
from saccade.errors import ConfigError, DataError, FormatError, MissingFileError
from saccade.events import io as event_io
from saccade.events.filters import deduplicate, downsample
from saccade.events.types import Events, SensorSize
from saccade.files import replacing, write_atomically
from saccade.represent import voxel_grid
from saccade.traverses.nyc_gps import GpsTable, read_gps
from saccade.traverses.nyc_names import (
    PARTS,
    ROLES,
    Split,
    entry_core,
    entry_name,
    published_split,
    session_split,
    stamp_text,
    stamp_us,
)
from saccade.traverses.utm import Utm, to_utm

__all__ = ["MANIFEST", "NycRecipe", "prepare", "raw_sessions", "time_windows"]

MANIFEST = "sessions.json"
"""File beside the archives that says how they were made."""

_WORK = ".preparing"
Staged = tuple[str, str]
"""Session and core of an entry's name."""


@dataclass(frozen=True, kw_only=True)
class NycRecipe:
    """How a session becomes entries; as published unless changed.

    Args:
        window_us: Length of a window.
        bins: Time bins of a voxel grid.
        least_events: Windows with fewer are left out.
        least_m: Windows closer than this to the one kept before are left out.
        size: Size of the grids as WIDTHxHEIGHT.
        on_truncation: ``"keep"`` takes what comes before the place where a recording is cut off.
    """

    window_us: int = 33_000
    bins: int = 15
    least_events: int = 1_000
    least_m: float = 3.0
    size: str = "346x260"
    on_truncation: Literal["error", "keep"] = "error"


def prepare(
    source: Path,
    target: Path,
    *,
    split: Literal["session", "published"] = "session",
    overwrite: bool = False,
    recipe: NycRecipe | None = None,
    progress: Progress | None = None,
) -> tuple[Path, ...]:
    """Turn the raw sessions of NYC-Event-VPR into the archives that training and tests read.

    Args:
        source: Folder with the ``sensor_data_*`` folders; those without events are passed over.
        target: Folder to write, made if it is missing. A run that was stopped goes on there.
        split: Whole sessions to each part, or the published shuffle of all windows.
        overwrite: Replace archives that are there.
        recipe: Changes to the published conversion.
        progress: Called with (sessions done, sessions in all).

    Returns:
        Six archives and the record of how they were made.

    Raises:
        MissingFileError: There is no session, or one lacks its GPS table or its recording.
        FormatError: A recording or a table is damaged.
        DataError: A session has no window with a position, or there are too few sessions.
        ConfigError: The target holds archives that were made otherwise.
    """
    recipe = recipe or NycRecipe()
    sessions, without = raw_sessions(source)
    if split == "session":
        session_split(sessions, sessions)  # refuses too few before hours of work
    record = {
        "split": split,
        "recipe": asdict(recipe),
        "sessions": sorted(p.name for p in sessions),
    }
    images, work = target / "images", target / _WORK
    if images.exists() and not overwrite:
        _same(images, record)
    else:
        work.mkdir(parents=True, exist_ok=True)
        try:
            for done, session in enumerate(sessions):
                _tell(progress, done, len(sessions))
                if _stage(session, work, recipe):
                    for stale in work.glob("images-*"):
                        shutil.rmtree(stale)
            _publish(work, images, record, [path.name for path in without])
        finally:
            if not any(work.iterdir()):
                work.rmdir()
        _tell(progress, len(sessions), len(sessions))
    if work.exists():
        shutil.rmtree(work)
    archives = [images / part / f"{role}.zip" for part in PARTS for role in ROLES]
    return (*archives, images / MANIFEST)


def _tell(progress: Progress | None, done: int, total: int) -> None:
    if progress is not None:
        progress(done, total)


def raw_sessions(source: Path) -> tuple[list[Path], list[Path]]:
    """Return the session folders with events, in order of time, and those without.

    Raises:
        MissingFileError: There is none with events.
    """
    folders = sorted(path for path in source.glob("sensor_data_*") if path.is_dir())
    found = [path for path in folders if any(path.glob("data_*.zip"))]
    if not found:
        raise MissingFileError(
            f"No recording in {source}.",
            "Expected folders sensor_data_*/ with data_*.zip and GPS_*.csv.",
            "See: saccade data check nyc",
        )
    return found, [path for path in folders if path not in found]


def time_windows(packets: Iterable[Events], window_us: int) -> Iterator[tuple[int, Events]]:
    """Yield windows ``[k w, (k + 1) w)`` of the recording's own clock that hold events, with k.

    Examples:
        >>> events = Events([0] * 4, [0] * 4, [1, 9, 10, 35], [1] * 4, SensorSize(1, 1))
        >>> [(k, len(window)) for k, window in time_windows([events[:2], events[2:]], 10)]
        [(0, 2), (1, 1), (3, 1)]
    """
    number, held = 0, list[Events]()
    for packet in packets:
        if not len(packet):
            continue
        numbers = packet.t // window_us
        edges = [0, *(np.flatnonzero(np.diff(numbers)) + 1).tolist(), len(packet)]
        for low, high in pairwise(edges):
            if held and int(numbers[low]) != number:
                yield number, Events.concatenate(held)
                held = []
            number = int(numbers[low])
            held.append(packet[low:high])
    if held:
        yield number, Events.concatenate(held)


def _stage(session: Path, work: Path, recipe: NycRecipe) -> bool:
    """Convert a session into ``WORK/SESSION.zip``; False where that is there, of this source."""
    recording, table = _only(session, "data_*.zip"), _only(session, "GPS_*.csv")
    target = work / f"{session.name}.zip"
    made_of = {
        "recipe": asdict(recipe),
        "files": [[p.name, p.stat().st_size, p.stat().st_mtime_ns] for p in (recording, table)],
    }
    comment = json.dumps(made_of).encode()
    if target.exists():
        with zipfile.ZipFile(target) as archive:
            if archive.comment == comment:
                return False
    gps = read_gps(table)
    start_us = stamp_us(recording.stem.removeprefix("data_"))
    with (
        replacing(target) as part,
        zipfile.ZipFile(part, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as archive,
        replacing(work / f"{session.name}.raw") as raw,
    ):
        archive.comment = comment
        _extract(recording, raw)
        _convert(raw, gps, start_us, archive, recipe, recording.name)
        raw.unlink()
    return True


def _convert(
    raw: Path,
    gps: GpsTable,
    start_us: int,
    archive: zipfile.ZipFile,
    recipe: NycRecipe,
    name: str,
) -> None:
    size, half_us = SensorSize.parse(recipe.size), recipe.window_us // 2
    last: Utm | None = None
    number = -1
    stream = event_io.stream(raw, on_truncation=recipe.on_truncation)
    for number, events in time_windows(stream, recipe.window_us):
        if len(events) < recipe.least_events:
            continue
        middle_us = start_us + number * recipe.window_us + half_us
        here = gps.at(middle_us)
        if here is None:
            continue
        utm = to_utm(*here[:2])
        if last is not None and np.hypot(utm[0] - last[0], utm[1] - last[1]) < recipe.least_m:
            continue
        last = utm
        events = deduplicate(downsample(events, size))
        grid = voxel_grid(events, recipe.bins, weighting="bins")[:, None].astype(np.float64)
        core = entry_core(utm, *here, stamp_text(middle_us))
        archive.writestr(zipfile.ZipInfo(f"{core}.npy"), _npy(grid), zipfile.ZIP_DEFLATED, 1)
    if last is None:
        raise _nothing_kept(name, gps, start_us, (number + 1) * recipe.window_us, recipe)


def _nothing_kept(
    name: str, gps: GpsTable, start_us: int, length_us: int, recipe: NycRecipe
) -> DataError:
    if not length_us:
        return DataError(f"{name} holds no event.", fix="Fetch the file again.")
    return DataError(
        f"{name} gives no entry: it runs from {stamp_text(start_us)} to "
        f"{stamp_text(start_us + length_us)}, its GPS table from {gps}.",
        f"Expected a window of {recipe.least_events:,} events with a position.",
        "Does the time in the file's name belong to the recording?",
    )


def _publish(work: Path, images: Path, record: dict[str, Any], without: list[str]) -> None:
    """Write the archives of a split beside the staged sessions, then move them into place."""
    pool = [(name, core) for name in record["sessions"] for core in _cores(work / f"{name}.zip")]
    if record["split"] == "session":
        split = session_split(pool, [name for name, _ in pool])
    else:
        split = published_split(pool)
    fresh = work / f"images-{record['split']}"
    for (part, role), rows in split.items():
        target = fresh / part / f"{role}.zip"
        target.parent.mkdir(parents=True, exist_ok=True)
        if not target.exists():
            _write_archive(target, role, rows, work)
    manifest = {**record, "sessions": _sessions(pool, split), "without_events": without}
    write_atomically(fresh / MANIFEST, f"{json.dumps(manifest, indent=1)}\n".encode())
    with replacing(images) as part:
        fresh.rename(part)


def _write_archive(target: Path, role: Any, rows: list[Staged], work: Path) -> None:
    sources: dict[str, zipfile.ZipFile] = {}
    try:
        with replacing(target) as part, zipfile.ZipFile(part, "w", zipfile.ZIP_STORED) as archive:
            for session, core in rows:
                if session not in sources:
                    sources[session] = zipfile.ZipFile(work / f"{session}.zip")
                content = sources[session].read(f"{core}.npy")
                archive.writestr(zipfile.ZipInfo(entry_name(role, core)), content)
    finally:
        for source in sources.values():
            source.close()


def _sessions(pool: list[Staged], split: Split[Staged]) -> dict[str, Any]:
    """Say of each session when its first entry was taken, and how many each part has."""
    found: dict[str, Any] = {}
    for name, core in pool:
        found.setdefault(name, {"first": core.rpartition("@")[2], **dict.fromkeys(PARTS, 0)})
    for (part, _), rows in split.items():
        for name, _ in rows:
            found[name][part] += 1
    return found


def _same(images: Path, record: dict[str, Any]) -> None:
    """Refuse archives that are not what this call would make."""
    path = images / MANIFEST
    if not path.is_file():
        raise ConfigError(
            f"{images} was not written by saccade prepare.",
            "Expected a new folder as target.",
            "Name another one, or pass --overwrite.",
        )
    found = json.loads(path.read_text(encoding="utf-8"))
    for name, value in record.items():
        before = sorted(found[name]) if name == "sessions" else found[name]
        if before != value:
            raise ConfigError(
                f"{images} was made with other {name}: {before}, now {value}.",
                fix="Name another target, or pass --overwrite.",
            )


def _cores(path: Path) -> list[str]:
    with zipfile.ZipFile(path) as archive:
        return [name.removesuffix(".npy") for name in archive.namelist()]


def _only(session: Path, pattern: str) -> Path:
    found = sorted(session.glob(pattern))
    if len(found) != 1:
        raise MissingFileError(
            f"{session.name} has {len(found)} files {pattern}.", "Expected exactly one."
        )
    return found[0]


def _extract(recording: Path, target: Path) -> None:
    try:
        with zipfile.ZipFile(recording) as archive:
            names = [name for name in archive.namelist() if name.endswith(".raw")]
            if len(names) != 1:
                raise FormatError(
                    f"{recording.name} holds {len(names)} .raw files.", "Expected exactly one."
                )
            with archive.open(names[0]) as member, target.open("wb") as file:
                shutil.copyfileobj(member, file, 1 << 20)
    except (zipfile.BadZipFile, EOFError) as error:
        raise FormatError(
            f"{recording.name} is damaged: {error}.", "Expected a whole zip.", "Fetch it again."
        ) from error


def _npy(grid: np.ndarray[Any, Any]) -> bytes:
    buffer = io.BytesIO()
    np.save(buffer, grid, allow_pickle=False)
    return buffer.getvalue()
