"""What places are looked for in: a recording cut into windows, a folder of images, or an array.

    file    events -> scaled down as in training -> windows [K, 2] -> counts (OFF, ON) of a window
    folder  images in the order of their names
    .npz    images [N, H, W] or [N, H, W, 3], or event counts

All are traverses, so that they are prepared like the queries of a test. Nothing says where they
were taken: positions are seconds from the start, or the number of the image.
"""

from __future__ import annotations

import zipfile
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from saccade.errors import ConfigError, EventError, MissingFileError, did_you_mean, listing
from saccade.events import io
from saccade.events.filters import downsample
from saccade.events.slicing import window_starts_us, windows_by_time
from saccade.events.types import Events, SensorSize
from saccade.represent import count_frame
from saccade.simulate.images import image_files
from saccade.tasks.place_stdp.config_eval import PredictConfig
from saccade.traverses import COUNTS, GREY, Positions, SetArgs, Traverse
from saccade.traverses.image_sources import ArraySource
from saccade.traverses.image_traverses import FileImages

__all__ = ["WINDOW_US", "EventWindows", "Queries", "open_queries"]

WINDOW_US = 50_000
"""Length of a window where neither the weights nor the caller say one."""


@dataclass(frozen=True, eq=False)
class EventWindows:
    """The windows of a recording, one after another.

    Args:
        name: Name of the recording.
        events: All events, at the size of the frames.
        ranges: int64 ``[K, 2]``, half-open event indices of each window.
        t_start_us: int64 ``[K]``, start on the recording's clock.
    """

    name: str
    events: Events
    ranges: NDArray[np.int64]
    t_start_us: NDArray[np.int64]

    @property
    def positions(self) -> Positions:
        """Seconds from the first window as metres along a straight road."""
        along = (self.t_start_us - self.t_start_us[0]) / 1e6
        return Positions(np.column_stack([along, np.zeros(len(along))]), "planar")

    @property
    def session(self) -> NDArray[np.int64]:
        """One session."""
        return np.zeros(len(self), np.int64)

    @property
    def event_count(self) -> NDArray[np.int64]:
        """Events of each window, int64 ``[K]``."""
        return self.ranges[:, 1] - self.ranges[:, 0]

    def __len__(self) -> int:
        return len(self.ranges)

    def frame(self, k: int, rng: np.random.Generator | None = None) -> NDArray[np.float32]:
        """Return the events of window k counted, float32 ``[2, H, W]``, (OFF, ON)."""
        return count_frame(self.window(k))

    def window(self, k: int, rng: np.random.Generator | None = None) -> Events:
        """Return the events of window k; nothing is drawn."""
        start, stop = self.ranges[k].tolist()
        return self.events[start:stop]


@dataclass(frozen=True, eq=False)
class Queries:
    """What is looked up.

    Args:
        traverse: Its windows.
        units: What its frames hold.
        column: What names a window beside its number: ``"t_start_us"`` or ``"image"``.
        names: That name of each window.
        notes: What a reader of the matches must know.
    """

    traverse: Traverse
    units: str
    column: str
    names: tuple[int | str, ...]
    notes: tuple[str, ...] = ()


def open_queries(
    cfg: PredictConfig, *, window_us: int = WINDOW_US, largest: SensorSize | None = None
) -> Queries:
    """Open what is looked up.

    Args:
        cfg: Says what, and how it is cut.
        window_us: Length of a window where ``cfg`` does not say one.
        largest: Size that larger sensors are scaled down to, as in training.

    Raises:
        MissingFileError: There is no such file or folder.
        FormatError: It cannot be read, or holds no image.
        ConfigError: An array is not there, or not named where there are several.
        EventError: A recording is shorter than a window.
        DataError: Counts are below 0 or not finite.
    """
    path = cfg.recording
    if not path.exists():
        raise MissingFileError(
            f"No such file: {path} (looked in {Path.cwd()}).",
            "Expected an event file, a folder of images or an .npz file of images.",
        )
    if path.is_dir():
        _refuse(cfg, path, "traverse", "as_counts", "window_us", "step_us")
        return _folder(path)
    if path.suffix == ".npz" and not _holds_events(path):
        _refuse(cfg, path, "window_us", "step_us")
        return _arrays(cfg, path)
    _refuse(cfg, path, "traverse", "as_counts")
    return _recording(cfg, path, window_us, largest)


def _recording(
    cfg: PredictConfig, path: Path, window_us: int, largest: SensorSize | None
) -> Queries:
    events = io.open(path)
    length = cfg.window_us or window_us
    if largest is not None and events.size != largest:
        is_smaller = events.size.width < largest.width or events.size.height < largest.height
        events = events if is_smaller else downsample(events, largest)
    starts = window_starts_us(events, length, step_us=cfg.step_us)
    if not len(starts):
        span = int(events.t[-1] - events.t[0]) + 1 if len(events) else 0
        raise EventError(
            f"{path.name} lasts {span:,} µs, a window {length:,} µs.",
            "Expected a recording with one whole window or more.",
            "Pass a shorter --window-us.",
        )
    windows = EventWindows(
        path.stem, events, windows_by_time(events, length, step_us=cfg.step_us), starts
    )
    empty = int((windows.event_count == 0).sum())
    notes = [f"Windows last {length:,} µs."]
    if empty:
        notes.append(f"{empty:,} of {len(windows):,} windows hold no event.")
    return Queries(windows, COUNTS, "t_start_us", tuple(starts.tolist()), tuple(notes))


def _folder(path: Path) -> Queries:
    files = image_files(path)
    places = np.arange(len(files), dtype=np.int64)
    images = FileImages(path.resolve().name, places, tuple(files))
    return Queries(images, GREY, "image", tuple(file.name for file in files))


def _arrays(cfg: PredictConfig, path: Path) -> Queries:
    source = ArraySource(path, SetArgs(data="images", root=path, as_counts=cfg.as_counts))
    name = cfg.traverse
    if name is None and len(source.names) > 1:
        raise ConfigError(
            f"{path.name} holds {len(source.names)} traverses: {listing(source.names)}.",
            "Expected one.",
            f"Name it: --traverse {source.names[0]}",
        )
    name = name or next(iter(source.names))
    if name not in source.names:
        raise ConfigError(
            f"{path.name} has no traverse {name!r}.",
            did_you_mean(name, source.names) or f"It has {listing(source.names)}.",
        )
    count = source.count(name)
    traverse = source.traverse(name, name, np.arange(count, dtype=np.int64))
    units = COUNTS if cfg.as_counts else GREY
    return Queries(traverse, units, "image", tuple(f"{name}[{k}]" for k in range(count)))


def _holds_events(path: Path) -> bool:
    """Whether an .npz file has the columns of events."""
    if not zipfile.is_zipfile(path):
        return False
    with zipfile.ZipFile(path) as file:
        return {"x.npy", "y.npy", "t.npy"} <= set(file.namelist())


def _refuse(cfg: PredictConfig, path: Path, *names: str) -> None:
    """Refuse flags that are for another kind of recording."""
    meant = {"traverse": ".npz files", "as_counts": ".npz files"}
    for name in names:
        if getattr(cfg, name) not in (None, False):
            raise ConfigError(
                f"--{name.replace('_', '-')} with {path.name}.",
                f"Expected it with {meant.get(name, 'event files')} alone.",
                "Leave it out.",
            )
