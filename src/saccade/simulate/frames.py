"""Images in, events out: the pixel model over any sequence of images, in bounded memory.

    (t, luminance), (t, luminance), ...  --a few at a time-->  rows shared by threads  -->  Events

Luminance is taken to change evenly, in ln units, from one image to the next. Where things move more
than about half a pixel between two images, put `upsample` before this.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from concurrent.futures import Executor, ThreadPoolExecutor
from dataclasses import dataclass, field
from functools import partial

import numpy as np
from numpy.typing import NDArray

from saccade.errors import ConfigError, DataError, ShapeError
from saccade.events.types import Events, SensorSize
from saccade.simulate.luminance import Frame
from saccade.simulate.pixel import PixelModel, check_luminance
from saccade.simulate.pixel_kernel import LONGEST_US, MOST_PER_STEP, unpack, watch

__all__ = ["PixelState", "events_from_frames"]

_BLOCK_BYTES = 32 << 20
_MOST_IN_BLOCK = 32
_ROOM = 1 << 17


@dataclass
class PixelState:
    """Where the pixels of a sensor are between two images; all that is needed to go on.

    Args:
        cells: float64 ``[H * W, 8]`` from `PixelModel.cells`; empty before the first image.
        t_us: Time of the last image, microseconds.
    """

    cells: NDArray[np.float64] = field(default_factory=lambda: np.empty((0, 8)))
    t_us: int = 0


def events_from_frames(
    frames: Iterable[Frame],
    model: PixelModel,
    *,
    seed: int,
    size: SensorSize,
    jobs: int = 2,
    state: PixelState | None = None,
) -> Iterator[Events]:
    """Yield the events of pixels that watch a sequence of images.

    The first image only sets what the pixels are used to. Pieces follow each other in time, and
    each covers the time from one image to another; a quiet one is empty. Events lie in [first time,
    last time) of the sequence. Neither ``jobs`` nor an interruption changes any of them.

    Args:
        frames: Times in microseconds, increasing, and luminance float32 ``[H, W]`` in cd/m2.
        model: The pixels.
        seed: Seed of mismatch and noise.
        size: Sensor size.
        jobs: Threads.
        state: Where to go on from, updated with every piece; the next image then counts as seen
            after it. An empty one is filled from the first image.

    Yields:
        Events ordered by time; those of one microsecond by row, then column.

    Raises:
        ConfigError: Fewer than one job.
        ShapeError: An image or the state belongs to another sensor size.
        DataError: A time does not increase, a luminance is negative or not finite.

    Examples:
        >>> dark, bright = np.full((2, 3), 10, np.float32), np.full((2, 3), 20, np.float32)
        >>> frames = [(0, dark), (1000, bright), (2000, bright)]
        >>> model, size = PixelModel.ideal(0.3), SensorSize(2, 3)
        >>> pieces = list(events_from_frames(frames, model, seed=0, size=size))
        >>> sum(len(piece) for piece in pieces), sorted(set(pieces[0].t.tolist()))
        (12, [432, 865])
    """
    if jobs < 1:
        raise ConfigError(f"jobs is {jobs}.", "Expected at least 1.")
    state = PixelState() if state is None else state
    if len(state.cells) not in (0, size.pixels):
        raise ShapeError(
            f"The state is that of {len(state.cells):,} pixels.",
            f"Expected {size.pixels:,}, those of a {size} sensor.",
            "Pass an empty PixelState() to start anew.",
        )
    return _pieces(frames, model, seed, size, jobs, state)


def _pieces(
    frames: Iterable[Frame],
    model: PixelModel,
    seed: int,
    size: SensorSize,
    jobs: int,
    state: PixelState,
) -> Iterator[Events]:
    depth = min(max(_BLOCK_BYTES // (4 * size.pixels), 1), _MOST_IN_BLOCK)
    stack = np.empty((depth, size.height, size.width), np.float32)
    times = np.empty(depth + 1)
    count, last_us = 0, state.t_us
    with ThreadPoolExecutor(jobs) as pool:
        show = partial(_show, state, model.params(), seed, size, pool, jobs)
        for t_us, image in frames:
            if len(state.cells) == 0:
                state.cells = model.cells(size, seed, image, t_us)
                state.t_us = last_us = t_us
                continue
            _check(t_us, image, last_us, size)
            if count == depth or t_us - state.t_us >= LONGEST_US:
                yield show(times[: count + 1], stack[:count])
                count = 0
            stack[count], times[count + 1] = image, t_us
            count, last_us = count + 1, t_us
        if count:
            yield show(times[: count + 1], stack[:count])


def _check(t_us: int, image: NDArray[np.float32], last_us: int, size: SensorSize) -> None:
    if t_us <= last_us:
        raise DataError(
            f"An image at {t_us:,} µs follows one at {last_us:,} µs.",
            "Expected times that increase.",
            "Sort the images by time, or drop repeated ones.",
        )
    if t_us - last_us >= LONGEST_US:
        raise DataError(
            f"The image at {t_us:,} µs comes {(t_us - last_us) // 1_000_000:,} s after the last.",
            f"Expected less than {LONGEST_US // 1_000_000:,} s.",
            "Repeat the last image in between, or correct the times.",
        )
    check_luminance(image, size, t_us)


def _show(
    state: PixelState,
    params: NDArray[np.float64],
    seed: int,
    size: SensorSize,
    pool: Executor,
    jobs: int,
    times: NDArray[np.float64],
    stack: NDArray[np.float32],
) -> Events:
    first, times[0] = state.t_us, state.t_us
    edges = np.unique(np.linspace(0, size.height, (4 * jobs if jobs > 1 else 1) + 1).astype(int))

    def run(band: NDArray[np.int64]) -> list[NDArray[np.int64]]:
        cursor, work = np.zeros(1, np.int64), np.empty((6, len(stack)))
        near_t = np.empty(len(stack) * MOST_PER_STEP, np.int64)
        near_p, found = np.empty(len(near_t), np.uint8), list[NDArray[np.int64]]()
        while cursor[0] < (band[1] - band[0]) * size.width:
            out = np.empty(_ROOM, np.int64)
            n = watch(
                state.cells, times, stack, params, seed, band, cursor, work, near_t, near_p, out
            )
            found.append(out[:n])
        return found

    bands = [edges[k : k + 2] for k in range(len(edges) - 1)]
    packed = np.concatenate([part for found in pool.map(run, bands) for part in found])
    t, p = np.empty(len(packed), np.int64), np.empty(len(packed), np.uint8)
    x, y = np.empty(len(packed), np.uint16), np.empty(len(packed), np.uint16)
    unpack(packed, first, t, x, y, p)
    state.t_us = int(times[-1])
    return Events(x, y, t, p, size, check=False)
