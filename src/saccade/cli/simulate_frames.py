"""``saccade simulate video`` and ``images``: events of a camera in front of moving pictures."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path

from saccade.contracts import Progress, Report
from saccade.engine.progress import progress
from saccade.errors import MissingFileError, SaccadeError
from saccade.events import Events, SensorSize
from saccade.events.io import save
from saccade.events.io.open import write_format
from saccade.files import write_atomically
from saccade.simulate.config import ImagesConfig, VideoConfig
from saccade.simulate.frame_job import (
    FrameSource,
    make_parts,
    pan_source,
    picture_source,
    video_source,
)
from saccade.simulate.images import image_files
from saccade.simulate.job import PartStore
from saccade.simulate.output import open_store
from saccade.simulate.pan import Pan

__all__ = ["run_frames"]


def run_frames(config: VideoConfig | ImagesConfig) -> Report:
    """Make the events and write the file.

    Raises:
        MissingFileError: The input, or the folder of the output, does not exist.
        UsageError: The output exists, or no event format has its ending.
    """
    began = time.monotonic()
    write_format(config.out, config.format)
    _check_paths(config)
    store = open_store(config.out, config.key(), overwrite=config.overwrite)
    resumed = store.done()
    try:
        counted, places = _write_file(config, store)
    except SaccadeError:
        if store.done() == 0:
            store.remove()
        raise
    store.remove()
    return Report(
        title=f"{config.input} -> {config.out}",
        values={
            "events": counted.events,
            "seconds": counted.end_us / 1e6,
            "size": str(counted.size),
            "seed": config.seed,
            "resumed": resumed > 0,
            "bytes": config.out.stat().st_size,
            "took_s": round(time.monotonic() - began, 1),
        },
        notes=("An earlier run had been stopped; this one went on from there.",) if resumed else (),
        files=(config.out, *places),
    )


def _write_file(
    config: VideoConfig | ImagesConfig, store: PartStore
) -> tuple[_Counted, tuple[Path, ...]]:
    source, pan = _source(config, store)
    label = f"Going on with {config.out}" if store.done() else "Simulating"
    with progress(label, unit="seconds recorded") as tell:
        count = _make(config, source, store, tell)
    counted = _Counted(store, count, source.size)
    with progress("Writing", unit="events") as tell:
        save(counted, config.out, format=config.format, size=source.size, progress=tell)
    return counted, () if pan is None else (_write_places(config, pan),)


class _Counted:
    """The events of all parts, counted on the way."""

    def __init__(self, store: PartStore, count: int, size: SensorSize) -> None:
        self._store, self._count, self.size = store, count, size
        self.events = self.end_us = 0

    def __iter__(self) -> Iterator[Events]:
        for part in self._store.parts(self._count):
            events = part.events["left"]
            self.events += len(events)
            self.end_us = part.end_us
            yield events


def _check_paths(config: VideoConfig | ImagesConfig) -> None:
    if not config.input.exists():
        raise MissingFileError(f"No such file or folder: {config.input} (looked in {Path.cwd()}).")
    if not config.out.parent.is_dir():
        raise MissingFileError(f"No such folder: {config.out.parent}.", fix="Create it first.")


def _source(config: VideoConfig | ImagesConfig, store: PartStore) -> tuple[FrameSource, Pan | None]:
    if isinstance(config, VideoConfig):
        return video_source(config), None
    if config.pan:
        return pan_source(config, store.folder)
    return picture_source(config), None


def _make(
    config: VideoConfig | ImagesConfig, source: FrameSource, store: PartStore, tell: Progress
) -> int:
    from saccade.simulate.worlds import pixels_of

    return make_parts(
        source,
        pixels_of(config.pixels),
        store,
        seed=config.seed,
        jobs=config.threads(),
        progress=tell,
    )


def _write_places(config: VideoConfig | ImagesConfig, pan: Pan) -> Path:
    """Write which picture is seen when: the position truth of a pan."""
    lines = ["start_us,end_us,picture"]
    names = (path.name for path in image_files(config.input))
    for (start_us, end_us), name in zip(pan.windows_us.tolist(), names, strict=True):
        lines.append(f"{start_us},{end_us},{name}")
    path = config.out.with_name(f"{config.out.stem}.places.csv")
    return write_atomically(path, ("\n".join(lines) + "\n").encode())
