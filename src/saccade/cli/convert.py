"""Write an event file in another format; on the way cut it in time and filter it.

Packets are read, filtered and written one after another, so a recording of any length needs little
memory. The output appears under its name only when it is complete.

Example: saccade convert drive.raw night.h5 --start-s 2 --end-s 4 --remove-hot
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from saccade.cli.arguments import Positional, ReadArgs
from saccade.contracts import Report
from saccade.engine.progress import progress
from saccade.errors import ConfigError, UsageError
from saccade.events import Events, SensorSize
from saccade.events.filters import (
    Denoise,
    Refractory,
    crop,
    downsample,
    keep_polarity,
    without_pixels,
)
from saccade.events.io import save, stream
from saccade.events.io.open import write_format
from saccade.events.stream import EventStream
from saccade.events.survey import Survey

__all__ = ["Args", "run"]

_FOREVER = np.iinfo(np.int64).max

Step = Callable[[Events], Events]


@dataclass(frozen=True, kw_only=True)
class Args(ReadArgs):
    """Convert an event file."""

    input: Positional[Path]
    """Event file of any readable format."""
    output: Positional[Path]
    """File to write; its ending chooses the format: .raw (EVT3), .dat, .h5, .npz, .txt, .csv."""
    to: str | None = None
    """Format to write where the ending does not tell, e.g. evt2."""
    start_s: float | None = None
    """Keep events from this time on, in seconds after the first event."""
    end_s: float | None = None
    """Keep events before this time, in seconds after the first event."""
    polarity: Literal["both", "on", "off"] = "both"
    """Keep only brighter (on) or darker (off) events."""
    crop: tuple[int, int, int, int] | None = None
    """Keep a rectangle X Y WIDTH HEIGHT, in pixels; its corner becomes the origin."""
    resize: str | None = None
    """Scale coordinates down to WIDTHxHEIGHT pixels."""
    refractory_us: int | None = None
    """Drop events within this many microseconds after the last one kept of the same pixel."""
    denoise_us: int | None = None
    """Drop events without one of the 4 neighbouring pixels in this many microseconds before."""
    remove_hot: bool = False
    """Drop the events of hot pixels (the file is read twice)."""

    def __post_init__(self) -> None:
        if self.start_s is not None and self.end_s is not None and self.end_s <= self.start_s:
            raise ConfigError(
                f"--start-s {self.start_s} and --end-s {self.end_s}.", "Expected a later end."
            )
        for flag, value in (("refractory", self.refractory_us), ("denoise", self.denoise_us)):
            if value is not None and value < 1:
                raise ConfigError(f"--{flag}-us {value}.", "Expected 1 microsecond or more.")


@dataclass
class _Passage:
    """Packets on their way from file to file, counted at both ends."""

    args: Args
    source: EventStream
    hot: NDArray[np.int64] | None
    read: int = 0
    written: int = 0
    steps: list[Step] = field(default_factory=list[Step])

    def __post_init__(self) -> None:
        """Put the filters in order: pixels away first, then noise, then geometry."""
        args = self.args
        if self.hot is not None:
            hot = self.hot
            self.steps.append(lambda packet: without_pixels(packet, hot))
        if args.denoise_us is not None:
            self.steps.append(Denoise(args.denoise_us).push)
        if args.refractory_us is not None:
            self.steps.append(Refractory(args.refractory_us).push)
        if args.polarity != "both":
            polarity = args.polarity
            self.steps.append(lambda packet: keep_polarity(packet, polarity))
        if args.crop is not None:
            x, y, width, height = args.crop
            part = SensorSize(height=height, width=width)
            self.steps.append(lambda packet: crop(packet, x, y, part))
        if args.resize is not None:
            smaller = SensorSize.parse(args.resize)
            self.steps.append(lambda packet: downsample(packet, smaller))

    @property
    def size(self) -> SensorSize:
        """Sensor size of what comes out; wrong geometry is refused before anything is read."""
        return self._through(Events.empty(self.source.size)).size

    def __iter__(self) -> Iterator[Events]:
        first_us: int | None = None
        start_s, end_s = self.args.start_s or 0.0, self.args.end_s
        for packet in self.source:
            self.read += len(packet)
            if first_us is None and len(packet):
                first_us = int(packet.t[0])
            start_us = (first_us or 0) + round(start_s * 1e6)
            end_us = _FOREVER if end_s is None else (first_us or 0) + round(end_s * 1e6)
            kept = self._through(packet.slice_time(start_us, end_us))
            self.written += len(kept)
            yield kept
            if len(packet) and int(packet.t[-1]) >= end_us:
                return

    def _through(self, packet: Events) -> Events:
        for step in self.steps:
            packet = step(packet)
        return packet


def run(args: Args) -> Report:
    """Read, filter, write."""
    if args.output.exists() and args.input.exists() and args.output.samefile(args.input):
        raise UsageError(f"{args.output} is the input itself.", "Expected another name to write.")
    write_format(args.output, args.to)
    source = stream(args.input, **args.options())
    passage = _Passage(args, source, _hot_pixels(source) if args.remove_hot else None)
    size = passage.size
    with progress("Converting", unit="events") as tell:
        path = save(passage, args.output, format=args.to, size=size, progress=tell)
    return Report(
        title=f"{args.input} -> {path}",
        values={
            "events_read": passage.read,
            "events_written": passage.written,
            "hot_pixels_removed": None if passage.hot is None else len(passage.hot),
            "size": str(size),
            "bytes": path.stat().st_size,
        },
        files=(path,),
    )


def _hot_pixels(source: EventStream) -> NDArray[np.int64]:
    survey = Survey()
    for packet in source:
        survey.add(packet)
    return survey.hot_pixels()
