"""NSAVP on disk: one file a second, in two forms.

    R0_FA0-frames-1000/frame_000000.npy              plain [N, 4]: x, y, t, p; 640x480
    R0_FA0-frames-1000/downsampled/frame_000000.npy  records x, y, t, p; 346x260

Times are nanoseconds, here and in the `Events` this module makes: nothing that is done with them
depends on the unit.
"""

from __future__ import annotations

from bisect import bisect_left
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from saccade.errors import EventError, FormatError
from saccade.events.types import Events, SensorSize

__all__ = [
    "SMALL",
    "FrameFile",
    "frame_files",
    "traverse_folder",
    "traverse_names",
]

SMALL = SensorSize(height=260, width=346)
"""What the published method scales to."""

_FRAMES = "-frames-1000"


@dataclass(frozen=True, eq=False)
class FrameFile:
    """The events of a second, left on disk until some are asked for.

    Args:
        path: The file.
        columns: x, y, t, p, ``[N]`` each, of the type in the file; t in nanoseconds.
    """

    path: Path
    columns: tuple[NDArray[Any], NDArray[Any], NDArray[Any], NDArray[Any]]

    @classmethod
    def open(cls, path: Path) -> FrameFile:
        """Open a file of either form.

        Raises:
            FormatError: It is damaged, or holds something else.
        """
        try:
            rows = np.load(path, mmap_mode="r", allow_pickle=False)
        except (OSError, ValueError, EOFError) as error:
            raise FormatError(f"{path} is damaged: {error}.") from error
        if rows.dtype.names and set("xytp") <= set(rows.dtype.names):
            return cls(path, (rows["x"], rows["y"], rows["t"], rows["p"]))
        if rows.ndim == 2 and rows.shape[1] == 4:
            return cls(path, (rows[:, 0], rows[:, 1], rows[:, 2], rows[:, 3]))
        raise FormatError(
            f"{path} holds {list(rows.shape)} of {rows.dtype}.",
            "Expected [N, 4]: x, y, t, p, or records with these fields.",
        )

    def __len__(self) -> int:
        return len(self.columns[2])

    def first_ns(self) -> int:
        """Return the time of the first event; there is one."""
        return int(self.columns[2][0])

    def last_ns(self) -> int:
        """Return the time of the last event; there is one."""
        return int(self.columns[2][-1])

    def index(self, t_ns: int) -> int:
        """Return how many events are before a time; few of them are read."""
        return bisect_left(self.columns[2], t_ns)

    def events(self, size: SensorSize, start: int = 0, stop: int | None = None) -> Events:
        """Return events ``[start, stop)``, times in nanoseconds; they are sorted if need be.

        Raises:
            EventError: An event lies outside the sensor.
        """
        columns: list[Any] = [np.asarray(column[start:stop], np.int64) for column in self.columns]
        x, y, t, p = columns
        if (np.diff(t) < 0).any():
            order = np.argsort(t, kind="stable")
            x, y, t, p = x[order], y[order], t[order], p[order]
        try:
            return Events(x, y, t, p > 0, size)
        except EventError as error:
            raise EventError(f"{self.path}: {error.what}", error.expected) from error


def traverse_names(folder: Path) -> list[str]:
    """Return the traverses that have frames in a folder, sorted."""
    found = sorted(folder.glob(f"R*_*{_FRAMES}"))
    names = (path.name.removesuffix(_FRAMES) for path in found if path.is_dir())
    return [name for name in names if frame_files(folder, name) or frame_files(folder, name, True)]


def traverse_folder(folder: Path, name: str) -> Path:
    """Return the folder of a traverse."""
    return folder / f"{name}{_FRAMES}"


def frame_files(folder: Path, name: str, small: bool = False) -> dict[int, Path]:
    """Return the files of a traverse by the number of the frame, rising.

    Args:
        folder: Folder of the set.
        name: The traverse.
        small: Those scaled to 346x260.
    """
    place = traverse_folder(folder, name)
    files = (place / "downsampled" if small else place).glob("frame_*.npy")
    numbered = ((path.stem.removeprefix("frame_"), path) for path in files)
    return dict(sorted((int(number), path) for number, path in numbered if number.isdigit()))
