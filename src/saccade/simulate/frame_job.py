"""Videos and pictures to an event file, second by second: a killed run goes on.

    frames --upsample--> frames half a pixel apart --pixel model--> events of a second --> part
       ^---------------- read again from the last frame of the last part ------------------'

A part ends at a frame of the source, never between two, so that what lies between frames is the
same whether it was made in one run or in two.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

import numpy as np
from numpy.typing import NDArray

from saccade.contracts import Progress
from saccade.errors import DataError
from saccade.events.types import Events, SensorSize
from saccade.optional import require
from saccade.simulate.config import ImagesConfig, VideoConfig
from saccade.simulate.frames import PixelState, events_from_frames
from saccade.simulate.images import image_files, image_frames
from saccade.simulate.job import PART_US, PartStore
from saccade.simulate.luminance import Frame
from saccade.simulate.pan import Pan
from saccade.simulate.pixel import PixelModel
from saccade.simulate.recording import Part
from saccade.simulate.upsample import upsample
from saccade.simulate.video import video_frames

__all__ = ["FrameSource", "make_parts", "pan_source", "picture_source", "video_source"]


@dataclass(frozen=True)
class FrameSource:
    """Frames that can be read again from any of their times.

    Args:
        since: Yields the frames from this time in microseconds on, that one included.
        size: Sensor size.
        duration_us: Length, 0 where unknown.
        follow: Whether frames lie so far apart that motion between them must be filled in.
    """

    since: Callable[[int], Iterator[Frame]]
    size: SensorSize
    duration_us: int
    follow: bool


def video_source(config: VideoConfig) -> FrameSource:
    """Return the frames of a video file."""

    def frames(_: int = 0) -> Iterator[Frame]:
        return video_frames(
            config.input,
            size=SensorSize.parse(config.pixels.size) if config.pixels.size else None,
            white_cd_m2=config.white_cd_m2,
            start_s=config.start_s,
            end_s=config.end_s,
        )

    size = _size_of(frames())
    return FrameSource(_skipping(frames), size, _length_us(config), follow=True)


def picture_source(config: ImagesConfig) -> FrameSource:
    """Return the pictures of a folder at their rate or times."""

    def frames(_: int = 0) -> Iterator[Frame]:
        return image_frames(
            config.input,
            fps=config.fps,
            times=config.times,
            size=SensorSize.parse(config.pixels.size) if config.pixels.size else None,
            white_cd_m2=config.white_cd_m2,
            encoding=config.encoding,
        )

    count = len(image_files(config.input))
    duration_us = round((count - 1) / config.fps * 1e6) if config.fps else 0
    return FrameSource(_skipping(frames), _size_of(frames()), duration_us, follow=True)


def pan_source(config: ImagesConfig, work: Path) -> tuple[FrameSource, Pan]:
    """Return the frames of a pan over the pictures of a folder, and the pan.

    Args:
        config: The request.
        work: Folder for the developed stills: they stay on disk, so their number costs no memory.
    """
    pan = Pan(
        _stills(config, work),
        seed=config.seed,
        size=SensorSize.parse(config.pixels.size) if config.pixels.size else None,
        speed_px_s=config.speed_px_s,
        shake_px=config.shake_px,
        dwell=config.still_s,
        fade=config.still_s / 3 if config.fade_s is None else config.fade_s,
        white_cd_m2=config.white_cd_m2,
    )

    def since(time_us: int) -> Iterator[Frame]:
        return pan.frames(-(-time_us // pan.step_us))

    return FrameSource(since, pan.size, pan.duration_us, follow=False), pan


def make_parts(
    source: FrameSource,
    model: PixelModel,
    store: PartStore,
    *,
    seed: int,
    jobs: int = 2,
    progress: Progress | None = None,
) -> int:
    """Make the parts that are missing.

    Args:
        source: The frames.
        model: The pixels.
        store: Where parts are kept.
        seed: Seed of mismatch and noise.
        jobs: Threads.
        progress: Called with (seconds made in this run, seconds to make).

    Returns:
        How many parts there are.

    Raises:
        DataError: There are fewer than two frames.
    """
    index = store.done()
    state = _restored(store.state(index - 1)) if index else PixelState()
    began_us = state.t_us
    runs = _Runs(source, began_us, resumed=index > 0)
    while True:
        start_us = state.t_us
        frames = runs.take((index + 1) * PART_US)
        pieces = list(
            events_from_frames(
                frames, model, seed=seed, size=source.size, jobs=jobs, state=state
            )
        )  # fmt: skip
        if not pieces:
            break
        store.save(index, _part(start_us, state.t_us, pieces), _saved(state))
        index += 1
        if progress is not None:
            left_us = max(0, source.duration_us - began_us)
            progress((state.t_us - began_us) // PART_US, -(-left_us // PART_US))
    if index == 0:
        raise DataError("There is one frame only.", "Expected two or more: events need a change.")
    return index


class _Runs:
    """Frames for the pixel model, cut at frames of the source."""

    def __init__(self, source: FrameSource, since_us: int, *, resumed: bool) -> None:
        self._read_us = -1
        frames = self._tapped(source.since(since_us))
        self._frames = upsample(frames) if source.follow else frames
        if resumed:  # the pixels have seen this one
            next(self._frames, None)

    def take(self, end_us: int) -> Iterator[Frame]:
        """Yield frames until the source's first one at or after ``end_us``, that one included."""
        for time_us, image in self._frames:
            yield time_us, image
            if time_us >= end_us and time_us == self._read_us:
                return

    def _tapped(self, frames: Iterable[Frame]) -> Iterator[Frame]:
        for time_us, image in frames:
            self._read_us = time_us
            yield time_us, image


def _skipping(frames: Callable[[], Iterator[Frame]]) -> Callable[[int], Iterator[Frame]]:
    """Read from the start and leave out what lies before: times stay those of a whole reading."""

    def since(time_us: int) -> Iterator[Frame]:
        return (frame for frame in frames() if frame[0] >= time_us)

    return since


def _size_of(frames: Iterator[Frame]) -> SensorSize:
    with closing(cast(Any, frames)):
        _, image = next(frames)
    return SensorSize(height=image.shape[0], width=image.shape[1])


def _length_us(config: VideoConfig) -> int:
    """Length of what is used, as the file's header says it."""
    av: Any = require("av", "Reading video files")
    with av.open(str(config.input)) as container:
        whole_s = (container.duration or 0) / 1e6
    end_s = whole_s if config.end_s is None else min(config.end_s, whole_s)
    return max(0, round((end_s - config.start_s) * 1e6))


def _stills(config: ImagesConfig, work: Path) -> NDArray[np.float32]:
    count = len(image_files(config.input))
    frames = image_frames(config.input, fps=1.0, white_cd_m2=1.0, encoding=config.encoding)
    first = next(frames)[1]
    shape = (count, *first.shape)
    stills = np.lib.format.open_memmap(work / "stills.npy", "w+", np.float32, shape)
    stills[0] = first
    for k, (_, image) in enumerate(frames, 1):
        stills[k] = image
    return stills


def _part(start_us: int, end_us: int, pieces: list[Events]) -> Part:
    none = np.empty(0, np.int64)
    return Part(
        start_us=start_us,
        end_us=end_us,
        events={"left": Events.concatenate(pieces)},
        image_us=none,
        images={},
        label_us=none,
        depth={},
    )


def _saved(state: PixelState) -> Mapping[str, NDArray[Any]]:
    return {"cells": state.cells, "t_us": np.array(state.t_us, np.int64)}


def _restored(arrays: Mapping[str, NDArray[Any]]) -> PixelState:
    return PixelState(np.ascontiguousarray(arrays["cells"]), int(arrays["t_us"]))
