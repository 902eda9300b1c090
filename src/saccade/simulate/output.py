"""Where a simulation writes: its folder is empty or its own, and says how it was made.

world/simulation.json     the request, the version, each recording that is ready with its files
      .parts-day/         work folder of the recording being made (`job.PartStore`)
      ...                 what the layout writers write

folder is              the same request             another request
missing or empty       begin                        begin
half made              go on                        refuse, naming the difference
complete               nothing to do                refuse, naming the difference
something else         refuse                       refuse
"""

from __future__ import annotations

import json
import re
import shutil
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from saccade import __version__
from saccade.contracts import Progress
from saccade.errors import ConfigError, SaccadeError, UsageError, listing
from saccade.files import write_atomically
from saccade.simulate.job import (
    Job,
    PartStore,
    difference,
    layout_writer,
    part_edges,
    run_recording,
)
from saccade.simulate.recording import Part

__all__ = ["RECORD", "Made", "OutputFolder", "open_store", "run_jobs"]

RECORD = "simulation.json"
"""File in an output folder that says how it was made."""

_LEFTOVER = re.compile(r"\..+\.[0-9a-f]{8}(\..+)?")


@dataclass(frozen=True)
class Made:
    """A recording that is ready.

    Args:
        name: Its name.
        condition: Its light.
        seconds: Its length.
        events: Events of all cameras.
        files: What was written, relative to the output folder.
    """

    name: str
    condition: str
    seconds: float
    events: int
    files: tuple[str, ...]


class OutputFolder:
    """A folder that holds one simulation.

    Nothing is touched before `begin`.

    Args:
        path: The folder, which need not exist.
        request: What decides about the bytes, as JSON values.
        overwrite: Remove what an earlier simulation wrote here and begin anew.

    Raises:
        ConfigError: It holds another simulation; the message names the difference.
        UsageError: It holds something that no simulation wrote.
    """

    def __init__(self, path: Path, request: Mapping[str, Any], *, overwrite: bool = False) -> None:
        self.path = path
        self.request: dict[str, Any] = json.loads(json.dumps(request))
        self.made: dict[str, Made] = {}
        self.resumed = False
        if path.exists() and not path.is_dir():
            raise UsageError(f"{path} is a file.", "Expected a folder to write.")
        record = self._read()
        self._old = record if overwrite else None
        if record is None:
            self._refuse_foreign(())
        elif overwrite:
            self._refuse_foreign(_own(path, record))
        else:
            self._take_up(record)

    def begin(self) -> None:
        """Make the folder ready: remove what is to go, note the request."""
        if self._old is not None:
            self._clear(_own(self.path, self._old))
            self._old = None
        self.path.mkdir(parents=True, exist_ok=True)
        for leftover in _leftovers(self.path):
            _remove(leftover)
        self._write(complete=False)

    def abandon(self) -> None:
        """Leave nothing behind if nothing has been made yet."""
        if self.made or any(self.path.glob(".parts-*/part-*")):
            return
        for own in (*self.path.glob(".parts-*"), self.path / RECORD):
            _remove(own)
        if self.path.is_dir() and not any(self.path.iterdir()):
            self.path.rmdir()

    @property
    def complete(self) -> bool:
        """Whether an earlier run has made everything and its files are still there."""
        record = self._read()
        if self._old is not None or record is None or not record["complete"]:
            return False
        return len(self.made) == len(record["recordings"])

    def finish(self, made: Made) -> None:
        """Note that a recording is ready."""
        self.made[made.name] = made
        self._write(complete=False)

    def close(self) -> None:
        """Note that everything is ready."""
        for work in self.path.glob(".parts-*"):  # of a run killed just before it removed them
            _remove(work)
        self._write(complete=True)

    def store(self, name: str) -> PartStore:
        """Return the parts of a recording, of this request."""
        return PartStore(self.path / f".parts-{name}", {**self.request, "recording": name})

    def _take_up(self, record: dict[str, Any]) -> None:
        before = {"saccade": record["saccade"], **record["request"]}
        differs = difference(before, {"saccade": __version__, **self.request})
        if differs:
            raise ConfigError(
                f"{self.path} holds another simulation: {listing(differs, most=6)}.",
                fix="Repeat that command, name another folder, or pass --overwrite.",
            )
        self.resumed = not record["complete"]
        for name, entry in record["recordings"].items():
            if all((self.path / file).exists() for file in entry["files"]):
                self.made[name] = Made(name=name, **{**entry, "files": tuple(entry["files"])})

    def _refuse_foreign(self, own: Collection[Path]) -> None:
        if not self.path.exists():
            return
        entries = self.path.rglob("*") if own else self.path.iterdir()
        found = sorted(
            entry.relative_to(self.path).as_posix()
            for entry in entries
            if entry not in own and not (own and entry.is_dir())
        )
        if found:
            raise UsageError(
                f"{self.path} holds something else: {listing(found, most=3)}.",
                "Expected an empty folder or one that saccade simulate has made.",
                "Name another folder.",
            )

    def _clear(self, own: Collection[Path]) -> None:
        for entry in own:
            _remove(entry)
        folders = [entry for entry in self.path.rglob("*") if entry.is_dir()]
        for folder in sorted(folders, reverse=True):
            if not any(folder.iterdir()):
                folder.rmdir()

    def _read(self) -> dict[str, Any] | None:
        path = self.path / RECORD
        if not path.is_file():
            return None
        try:
            record = json.loads(path.read_text(encoding="utf-8"))
            return {name: record[name] for name in ("saccade", "request", "complete", "recordings")}
        except (ValueError, KeyError, TypeError) as error:
            raise UsageError(
                f"{path} is not what a simulation writes: {error}.", fix="Name another folder."
            ) from error

    def _write(self, *, complete: bool) -> None:
        entries = {
            name: {
                "condition": made.condition,
                "seconds": made.seconds,
                "events": made.events,
                "files": list(made.files),
            }
            for name, made in self.made.items()
        }
        record = {
            "saccade": __version__,
            "request": self.request,
            "complete": complete,
            "recordings": entries,
        }
        text = json.dumps(record, indent=2, ensure_ascii=False) + "\n"
        write_atomically(self.path / RECORD, text.encode())


def run_jobs(
    jobs: Sequence[Job], folder: OutputFolder, progress: Progress | None = None
) -> list[Made]:
    """Make every recording that is not ready yet, one after another.

    Args:
        jobs: What to make; names of recordings are unique.
        folder: Where to.
        progress: Called with (parts made in this run, parts to make in this run).

    Returns:
        All recordings, in the order of the jobs.
    """
    names = [job.recording.name for job in jobs]
    assert len(set(names)) == len(names), names
    missing = [job for job in jobs if job.recording.name not in folder.made]
    folder.begin()
    try:
        tally = _Tally(progress, sum(_parts_to_make(job, folder) for job in missing))
        for job in missing:
            _run_job(job, folder, tally)
    except SaccadeError:
        folder.abandon()
        raise
    folder.close()
    return [folder.made[name] for name in names]


def open_store(target: Path, request: Mapping[str, Any], *, overwrite: bool) -> PartStore:
    """Return the store of a single file, beside it.

    Raises:
        UsageError: The file exists, and ``overwrite`` is not given.
        ConfigError: An unfinished run with another request wrote here.
    """
    folder = target.with_name(f".parts-{target.name}")
    manifest = folder / "manifest.json"
    if overwrite and manifest.exists():
        before = json.loads(manifest.read_text(encoding="utf-8"))
        if difference(before, {"saccade": __version__, **json.loads(json.dumps(request))}):
            shutil.rmtree(folder)
    if target.exists() and not overwrite:
        raise UsageError(f"{target} exists.", fix="Name another file, or pass --overwrite.")
    for leftover in target.parent.glob(f".{target.stem}.*{target.suffix}"):
        if _LEFTOVER.fullmatch(leftover.name):
            _remove(leftover)
    return PartStore(folder, request)


@dataclass
class _Tally:
    """Progress over several recordings, as one."""

    progress: Progress | None
    total: int
    before: int = 0

    def tell(self, done: int, total: int) -> None:
        if self.progress is not None:
            self.progress(self.before + done, self.total)
        if done == total:
            self.before += total


@dataclass
class _Counted:
    """Parts on their way to the writer, their events counted."""

    parts: Iterable[Part]
    events: int = field(default=0)

    def __iter__(self) -> Iterator[Part]:
        for part in self.parts:
            self.events += sum(len(events) for events in part.events.values())
            yield part


def _run_job(job: Job, folder: OutputFolder, tally: _Tally) -> None:
    recording, write = job.recording, layout_writer(job.layout)
    counted = _Counted(())

    def writer(parts: Iterable[Part]) -> tuple[Path, ...]:
        counted.parts = parts
        job.folder.mkdir(parents=True, exist_ok=True)
        files = write(job.folder, recording, counted, **job.options)
        folder.finish(
            Made(
                name=recording.name,
                condition=recording.condition,
                seconds=recording.duration_us / 1e6,
                events=counted.events,
                files=tuple(path.relative_to(folder.path).as_posix() for path in files),
            )
        )
        return files

    store = folder.store(recording.name)
    run_recording(job.make_stage, recording, writer, store, tally.tell)


def _parts_to_make(job: Job, folder: OutputFolder) -> int:
    count = len(part_edges(job.recording.duration_us)) - 1
    return count - min(count, folder.store(job.recording.name).done())


def _own(folder: Path, record: Mapping[str, Any]) -> set[Path]:
    """What a simulation wrote: all of a half-made folder, what a complete one lists."""
    if not record["complete"]:
        return set(folder.rglob("*"))
    files = [name for item in record["recordings"].values() for name in item["files"]]
    return {folder / name for name in [RECORD, *files]}


def _leftovers(folder: Path) -> list[Path]:
    """What a killed writer left under a temporary name (see `saccade.files`)."""
    entries = list(folder.rglob(".*"))
    return [entry for entry in entries if _LEFTOVER.fullmatch(entry.name)]


def _remove(path: Path) -> None:
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)
