"""Long recordings in parts of a second, kept on disk until all are there: a killed run goes on.

    day/.parts-day/manifest.json      what was asked for, with which version
                   part-00000.npz     second 0: events, frames, truth
                   part-00001.npz     second 1
                   state-00001.npz    the cameras' pixels at its end (the newest two are kept)

    parts 0 .. n-1 --restore state n-1--> part n, part n+1, ... --layout writer--> files

A part appears under its name only when it is whole, and what a part holds follows from the state
before it, so the files that come out are the same bytes however often the run was killed.
"""

from __future__ import annotations

import importlib
import json
import shutil
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

from numpy.typing import NDArray

from saccade import __version__
from saccade.contracts import Progress
from saccade.errors import ConfigError, FormatError, UsageError, did_you_mean, listing
from saccade.files import write_atomically
from saccade.simulate.part_file import (
    is_whole,
    load_arrays,
    load_part,
    save_arrays,
    save_part,
)
from saccade.simulate.recording import Part, Recording

__all__ = [
    "LAYOUTS",
    "PART_US",
    "Job",
    "PartStore",
    "Source",
    "Writer",
    "difference",
    "layout_writer",
    "part_edges",
    "run_recording",
]

PART_US = 1_000_000
"""Length of a part in microseconds; the last one may be up to half as long again."""

LAYOUTS: dict[str, str] = {
    "plain": "saccade.simulate.layouts.plain",
    "mvsec": "saccade.simulate.layouts.mvsec",
    "dsec": "saccade.simulate.layouts.dsec",
    "event_flow": "saccade.simulate.layouts.event_flow",
    "brisbane": "saccade.simulate.layouts.brisbane",
    "nsavp": "saccade.simulate.layouts.nsavp",
    "nyc": "saccade.simulate.layouts.nyc",
}
"""Layout -> module with ``write(folder, recording, parts, **options)``."""

State = Mapping[str, NDArray[Any]]
Writer = Callable[[Iterable[Part]], tuple[Path, ...]]
"""Consumes the parts of a recording in order and returns the files written."""


class Source(Protocol):
    """Where parts come from: `saccade.simulate.film.Film`, frames of a video, a test's own."""

    def part(self, start_us: int, end_us: int) -> Part:
        """Make ``[start_us, end_us)``; parts are asked for in order."""
        ...

    def state(self) -> State:
        """Return what is needed to go on after the last part."""
        ...

    def restore(self, state: State) -> None:
        """Go on from a state that `state` returned."""
        ...


@dataclass(frozen=True)
class Job:
    """A recording to be made and written.

    Args:
        recording: What is recorded; its name is unique among the jobs of a command.
        make_stage: Builds what is needed to make parts (scene, light, cameras); called only if
            parts are missing.
        layout: One of `LAYOUTS`.
        folder: Where the layout writer writes.
        options: Further arguments of the layout writer.
    """

    recording: Recording
    make_stage: Callable[[], Source]
    layout: str
    folder: Path
    options: dict[str, Any] = field(default_factory=dict[str, Any])


class PartStore:
    """The parts of one recording on disk.

    Args:
        folder: The work folder, made if missing, e.g. ``day/.parts-day``.
        key: What was asked for, as JSON values; a folder made for something else is refused.

    Raises:
        ConfigError: The folder holds parts of another request; the message names the difference.
    """

    def __init__(self, folder: Path, key: Mapping[str, Any]) -> None:
        self.folder = folder
        manifest = {"saccade": __version__, **json.loads(json.dumps(key))}
        path = folder / "manifest.json"
        if path.exists():
            _check_same(json.loads(path.read_text(encoding="utf-8")), manifest, folder)
            for leftover in folder.glob(".*"):  # a part that was being written
                leftover.unlink()
        else:
            folder.mkdir(parents=True, exist_ok=True)
            write_atomically(path, (json.dumps(manifest, indent=2) + "\n").encode())

    def done(self) -> int:
        """Return how many parts, from the first on, can be built upon.

        A damaged part and those after it do not count; neither do parts after which no state is
        left to go on from.
        """
        present = 0
        while is_whole(self._part(present)):
            present += 1
        while present and not self._is_base(present - 1):
            present -= 1
        return present

    def save(self, index: int, part: Part, state: State) -> None:
        """Keep a part and the state after it; older states but one are dropped."""
        save_arrays(self._state(index), dict(state))
        save_part(self._part(index), part)
        for path in self.folder.glob("state-*.npz"):
            if not index - 1 <= int(path.stem.rpartition("-")[2]) <= index:
                path.unlink()

    def load(self, index: int) -> Part:
        """Read a part.

        Raises:
            FormatError: It is damaged; it and what follows it is dropped, so that the next run
                makes it anew.
        """
        try:
            return load_part(self._part(index))
        except FormatError as error:
            self._drop(index)
            raise FormatError(
                f"Part {index:,} in {self.folder} is damaged.",
                "It has been dropped.",
                "Run the same command again: it is made anew.",
            ) from error

    def state(self, index: int) -> dict[str, NDArray[Any]]:
        """Read the state after a part.

        Raises:
            FormatError: It is not kept any more, or damaged.
        """
        return load_arrays(self._state(index))

    def parts(self, count: int) -> Iterator[Part]:
        """Yield the first ``count`` parts, one in memory at a time."""
        for index in range(count):
            yield self.load(index)

    def remove(self) -> None:
        """Remove the work folder with all parts."""
        shutil.rmtree(self.folder)

    def _part(self, index: int) -> Path:
        return self.folder / f"part-{index:05d}.npz"

    def _state(self, index: int) -> Path:
        return self.folder / f"state-{index:05d}.npz"

    def _is_base(self, index: int) -> bool:
        return is_whole(self._state(index), thoroughly=True) and is_whole(
            self._part(index), thoroughly=True
        )

    def _drop(self, first: int) -> None:
        for path in self.folder.glob("*-*.npz"):
            if int(path.stem.rpartition("-")[2]) >= first:
                path.unlink()


def run_recording(
    make_stage: Callable[[], Source],
    recording: Recording,
    writer: Writer,
    store: PartStore,
    progress: Progress | None = None,
) -> tuple[Path, ...]:
    """Make the parts that are missing, hand all to the writer, remove the store.

    Args:
        make_stage: Called if parts are missing.
        recording: What is recorded.
        writer: Takes the parts in order and returns the files it wrote.
        store: Where parts are kept.
        progress: Called with (parts made in this run, parts to make in this run).

    Returns:
        The files written.
    """
    edges = part_edges(recording.duration_us)
    count = len(edges) - 1
    first = min(store.done(), count)
    if first < count:
        stage = make_stage()
        if first:
            stage.restore(store.state(first - 1))
        for index in range(first, count):
            part = stage.part(edges[index], edges[index + 1])
            store.save(index, part, stage.state())
            if progress is not None:
                progress(index + 1 - first, count - first)
        del stage, part  # room for the writer
    files = writer(store.parts(count))
    store.remove()
    return files


def part_edges(duration_us: int) -> list[int]:
    """Return where parts begin and end: whole seconds, without a short rest at the end.

    Raises:
        ConfigError: The recording has no length.

    Examples:
        >>> part_edges(2_000_000), part_edges(2_400_000), part_edges(300_000)
        ([0, 1000000, 2000000], [0, 1000000, 2400000], [0, 300000])
    """
    if duration_us < 1:
        raise ConfigError(f"The recording lasts {duration_us} µs.", "Expected at least 1 µs.")
    whole = max(1, (duration_us + PART_US // 2) // PART_US)
    return [*(k * PART_US for k in range(whole)), duration_us]


def layout_writer(name: str) -> Callable[..., tuple[Path, ...]]:
    """Return the function that writes a layout.

    Raises:
        UsageError: There is no such layout.
    """
    if name not in LAYOUTS:
        raise UsageError(
            f"Unknown layout {name!r}.",
            f"Layouts: {listing(LAYOUTS, most=20)}.",
            did_you_mean(name, LAYOUTS),
        )
    return importlib.import_module(LAYOUTS[name]).write


def difference(before: Mapping[str, Any], now: Mapping[str, Any]) -> list[str]:
    """Name what differs between two requests.

    Examples:
        >>> difference({"mode": "world", "seed": 1}, {"mode": "world", "seed": 2})
        ['seed was 1, now 2']
    """
    old, new = dict(_flat(before)), dict(_flat(now))
    return [
        f"{name} was {_word(old.get(name))}, now {_word(new.get(name))}"
        for name in [*old, *(name for name in new if name not in old)]
        if old.get(name) != new.get(name)
    ]


def _check_same(before: Mapping[str, Any], now: Mapping[str, Any], folder: Path) -> None:
    differs = difference(before, now)
    if differs:
        raise ConfigError(
            f"{folder} holds parts of another run: {listing(differs, most=6)}.",
            fix="Repeat that command, name another folder, or pass --overwrite.",
        )


def _flat(tree: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
    for name, value in tree.items():
        if isinstance(value, Mapping):
            yield from _flat(value)
        else:
            yield name, value


def _word(value: Any) -> str:
    return "none" if value is None else str(value)
