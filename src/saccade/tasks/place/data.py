"""A recording becomes windows, and windows become count frames when they are needed.

    file ── events ── scaled down if asked ── windows [K, 2] ── frames [T, B, 2, H, W]

Only the events and the index ranges are kept: a frame holds one float per pixel and polarity, and
the frames of ten minutes at 30 a second would not fit into memory. Counts are neither normalised
nor clipped, as published; that is why the event rate is reported beside every result.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from saccade.contracts import Table
from saccade.errors import ConfigError, EventError
from saccade.events import io
from saccade.events.filters import downsample
from saccade.events.slicing import windows_by_count, windows_by_time
from saccade.events.types import Events, SensorSize
from saccade.represent import count_frames
from saccade.tasks.place.config_input import PUBLISHED_WINDOW_US, WindowArgs

__all__ = ["PUBLISHED_RATES", "Windows", "cut", "open_windows"]

PUBLISHED_RATES = (0.1, 2.0)
"""Events per pixel the published weights saw, roughly: Brisbane 0.17, NYC 0.6, NSAVP 1.9."""


@dataclass(frozen=True)
class Windows:
    """The windows of one recording.

    Args:
        name: Name of the recording, for reports.
        events: All events, at the size of the frames.
        ranges: int64 ``[K, 2]``, half-open event indices of each window.
        t_start_us: int64 ``[K]``, start on the recording's clock.
        t_end_us: int64 ``[K]``, end (exclusive).
        by_time: Windows have equal durations (else equal counts); decides how steps are cut.
        steps: Time steps T each window is divided into.
        sensor: Size of the sensor that recorded.
    """

    name: str
    events: Events
    ranges: NDArray[np.int64]
    t_start_us: NDArray[np.int64]
    t_end_us: NDArray[np.int64]
    by_time: bool
    steps: int
    sensor: SensorSize

    def __len__(self) -> int:
        return int(self.ranges.shape[0])

    @property
    def size(self) -> SensorSize:
        """Size of the frames."""
        return self.events.size

    @property
    def event_count(self) -> NDArray[np.int64]:
        """Events of each window, int64 ``[K]``; 0 marks an empty frame."""
        return self.ranges[:, 1] - self.ranges[:, 0]

    @property
    def rate(self) -> float:
        """Median events per pixel and window; 0 where every window is empty."""
        filled = self.event_count[self.event_count > 0]
        return float(np.median(filled)) / self.size.pixels if filled.size else 0.0

    def frames(self, which: NDArray[np.int64]) -> NDArray[np.float32]:
        """Return the count frames of the chosen windows, float32 ``[T, B, 2, H, W]``, (OFF, ON)."""
        parts = self._parts(which)
        frames = count_frames(self.events, parts.reshape(-1, 2))
        return frames.reshape(self.steps, len(which), *frames.shape[1:])

    def cells(self, cell_px: int) -> NDArray[np.float32]:
        """Return event counts per cell of ``cell_px`` x ``cell_px`` pixels, float32 ``[K, D]``.

        D = 2 ⌈H / cell_px⌉ ⌈W / cell_px⌉. Sums over cells forgive shifts of a few pixels, which
        single pixels of a sparse frame do not.
        """
        size = self.size
        rows, columns = -(-size.height // cell_px), -(-size.width // cell_px)
        coarse = Events(
            self.events.x // np.uint16(cell_px),
            self.events.y // np.uint16(cell_px),
            self.events.t,
            self.events.p,
            SensorSize(rows, columns),
            check=False,
        )
        return count_frames(coarse, self.ranges).reshape(len(self), -1)

    def calibration(self, most: int = 16) -> NDArray[np.int64]:
        """Return up to ``most`` windows with events, evenly spread over the recording."""
        filled = np.flatnonzero(self.event_count)
        spread = np.linspace(0, len(filled) - 1, min(most, len(filled)))
        return filled[spread.round().astype(np.int64)]

    def table(self) -> Table:
        """Return what was cut: windows, durations, rates, empty frames."""
        count = self.event_count
        rows = (
            ("windows", len(self)),
            ("frame size", str(self.size)),
            ("sensor size", str(self.sensor)),
            ("median window in µs", int(np.median(self.t_end_us - self.t_start_us))),
            ("median events per window", int(np.median(count))),
            ("median events per pixel", self.rate),
            ("empty frames", int((count == 0).sum())),
        )
        return Table(f"Windows of {self.name}", ("measure", "value"), rows)

    def _parts(self, which: NDArray[np.int64]) -> NDArray[np.int64]:
        """Index ranges of every step, int64 ``[T, B, 2]``."""
        ranges = self.ranges[which]
        if self.steps == 1:
            return ranges[None]
        share = np.arange(self.steps + 1)[:, None]
        if self.by_time:
            start, end = self.t_start_us[which], self.t_end_us[which]
            edges = np.searchsorted(self.events.t, start + share * (end - start) // self.steps)
            edges = np.clip(edges, ranges[:, 0], ranges[:, 1])
        else:
            edges = ranges[:, 0] + share * (ranges[:, 1] - ranges[:, 0]) // self.steps
        edges[-1] = ranges[:, 1]
        return np.stack([edges[:-1], edges[1:]], axis=-1).astype(np.int64)


def open_windows(path: Path, args: WindowArgs) -> Windows:
    """Read a recording and cut it.

    Raises:
        MissingFileError: There is no such file.
        FormatError: The file cannot be read.
        EventError: It holds no event.
    """
    return cut(io.open(path, **args.options()), args, path.name)


def cut(events: Events, args: WindowArgs, name: str = "recording") -> Windows:
    """Scale events down if asked and cut them into windows.

    A recording shorter than one window becomes a single window.

    Args:
        events: The recording.
        args: Length of windows, size of frames, steps.
        name: Name for reports.

    Raises:
        EventError: There is no event.
        ConfigError: The frame size asked for is larger than the sensor.

    Examples:
        >>> events = Events([0, 1, 2, 3], [0] * 4, [0, 10, 20, 30], [0, 1, 0, 1], SensorSize(2, 4))
        >>> windows = cut(events, WindowArgs(window_us=15))
        >>> windows.event_count.tolist(), windows.t_start_us.tolist()
        ([2, 1], [0, 15])
        >>> windows.frames(np.array([1])).shape
        (1, 1, 2, 2, 4)
    """
    if not len(events):
        raise EventError(f"{name} holds no event.", "Expected at least one.")
    scaled = _scaled(events, args.frame_size())
    if args.window_events is not None:
        ranges = windows_by_count(scaled, args.window_events)
    else:
        length = args.window_us or PUBLISHED_WINDOW_US
        ranges = windows_by_time(scaled, length, step_us=args.step_us)
    if not len(ranges):
        ranges = np.array([[0, len(scaled)]], np.int64)
        start, end = scaled.t[:1], scaled.t[-1:] + 1
    elif args.window_events is not None:
        start, end = scaled.t[ranges[:, 0]], scaled.t[ranges[:, 1] - 1] + 1
    else:
        length = args.window_us or PUBLISHED_WINDOW_US
        start = scaled.t[0] + np.arange(len(ranges)) * (args.step_us or length)
        end = start + length
    if args.max_events is not None:
        ranges = np.minimum(ranges, ranges[:, :1] + args.max_events)
    return Windows(
        name=name,
        events=scaled,
        ranges=ranges,
        t_start_us=np.asarray(start, np.int64),
        t_end_us=np.asarray(end, np.int64),
        by_time=args.window_events is None,
        steps=args.steps,
        sensor=events.size,
    )


def _scaled(events: Events, size: SensorSize | None) -> Events:
    if size is None or size == events.size:
        return events
    if size.height > events.size.height or size.width > events.size.width:
        raise ConfigError(
            f"--input-size {size} is larger than the sensor, {events.size}.",
            "Coordinates can only be scaled down: scaling up would leave pixels without events.",
            "Leave --input-size out; the network takes any size.",
        )
    return downsample(events, size)
