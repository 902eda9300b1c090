"""Spikes for `delta_spiking`: drawn from images, or events as the camera sent them.

    c[t, i] = 1 with probability x_i           x in 0 .. 1, independent in each step
    c[t, i] = events of pixel i in step t      ON and OFF alike

The camera's region is cut into blocks of k x k pixels; the middle pixel of each (for even k the one
above and left of the middle) feeds an input. That is a convolution of size and stride k whose only
weight is 1.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from saccade.engine.seed import numpy_rng
from saccade.errors import ConfigError, ShapeError
from saccade.events.types import Events
from saccade.tasks.place_stdp.delta_images import as_inputs
from saccade.tasks.place_stdp.delta_rule import QUIRKS

__all__ = ["bernoulli_spikes", "event_spikes", "pick_pixels", "published_spikes"]

Floats = NDArray[np.float32]
Raster = NDArray[np.uint8]


def pick_pixels(frames: NDArray[Any], block: int) -> NDArray[Any]:
    """Take one pixel of each block: rows and columns (k - 1) // 2, k + (k - 1) // 2, ...

    Args:
        frames: ``[..., H, W]``; rows and columns that do not fill a block are left out.
        block: k.

    Returns:
        ``[..., N]`` of the same type, N = (H // k) (W // k), row after row.

    Raises:
        ConfigError: A block is larger than the frame, or has no pixel.

    Examples:
        >>> pick_pixels(np.arange(16).reshape(4, 4), 2).tolist()
        [0, 2, 8, 10]
    """
    height, width = frames.shape[-2:]
    if not 1 <= block <= min(height, width):
        raise ConfigError(
            f"Blocks of {block} pixels in frames of {width}x{height}.",
            "Expected 1 to the smaller side.",
        )
    start = (block - 1) // 2
    rows, columns = (start + block * np.arange(side // block) for side in (height, width))
    picked = frames[..., rows[:, None], columns]
    return picked.reshape(*frames.shape[:-2], -1)


def bernoulli_spikes(images: ArrayLike, steps: int, seeds: ArrayLike) -> Iterator[Raster]:
    """Return for each image spikes drawn step by step: P(c[t, i] = 1) = x_i.

    Args:
        images: uint8 (0 to 255) or float (0 to 1), ``[Q, N]`` or ``[Q, H, W]``.
        steps: T.
        seeds: Integers ``[Q]``, one for each image: equal images get other spikes.

    Returns:
        Iterator of uint8 ``[T, N]``, drawn one at a time.

    Raises:
        ShapeError: Not one seed for each image.
        ConfigError: There is no step.
        DataError: Values outside their range.

    Examples:
        >>> first, second = bernoulli_spikes([[0.5] * 4] * 2, 8, seeds=[1, 2])
        >>> first.shape, bool((first == second).all())
        ((8, 4), False)
    """
    values, numbers = np.asarray(images), np.asarray(seeds)
    if numbers.shape != values.shape[:1]:
        raise ShapeError(
            f"{len(values):,} images and seeds {numbers.shape}.", "Expected one seed for each."
        )
    _check_steps(steps)
    x = as_inputs(values, int(np.prod(values.shape[1:])))
    return (_drawn(row, steps, int(seed)) for row, seed in zip(x, numbers, strict=True))


def _drawn(x: Floats, steps: int, seed: int) -> Raster:
    rng = numpy_rng(seed, "bernoulli spikes")
    return (rng.random((steps, len(x)), np.float32) < x).astype(np.uint8)


def published_spikes(frame: NDArray[Any], steps: int) -> Raster:
    """Draw the spikes of a frame as LENS does, for each query from the same seed (quirk g).

    Args:
        frame: uint8 ``[H, W]``, the whole region.
        steps: T.

    Returns:
        uint8 ``[T, H, W]``; `pick_pixels` takes the inputs from it.

    Examples:
        >>> spikes = published_spikes(np.full((2, 2), 128, np.uint8), 100)
        >>> spikes.shape, bool((spikes == published_spikes(np.full((2, 2), 128, "u1"), 100)).all())
        ((100, 2, 2), True)
    """
    import torch

    _check_steps(steps)
    seed = QUIRKS["lens"].query_seed
    assert seed is not None
    rng = torch.Generator().manual_seed(seed)
    drawn = torch.rand((steps, frame.size), generator=rng).numpy()
    x = as_inputs(frame.reshape(1, -1), frame.size)
    return (drawn < x).astype(np.uint8).reshape(steps, *frame.shape)


def event_spikes(
    events: Events, start_us: int, length_us: int, *, region: int, block: int, steps: int
) -> Raster:
    """Count the events of the picked pixels of a window in steps of equal length.

    Args:
        events: A recording or a piece of one.
        start_us: Start of the window in microseconds; what lies outside is left out.
        length_us: Its length (published: 1,000,000).
        region: Side of the square in the middle of the sensor, in pixels (published: 80).
        block: k (published: 8).
        steps: T.

    Returns:
        uint8 ``[T, N]``, N = (region // k)^2; above 255 events of a pixel in a step count as 255.

    Raises:
        ConfigError: The region does not fit the sensor, the window has no length or no step.

    Examples:
        >>> from saccade.events import SensorSize
        >>> events = Events([1, 1, 2], [1, 1, 3], [0, 50, 99], [1, 0, 1], SensorSize(4, 4))
        >>> event_spikes(events, 0, 100, region=2, block=1, steps=2).tolist()
        [[1, 0, 0, 0], [1, 0, 0, 0]]
    """
    _check_steps(steps)
    size = events.size
    if not 1 <= block <= region <= min(size.height, size.width):
        raise ConfigError(
            f"Blocks of {block} in a region of {region} pixels on a sensor of {size}.",
            "Expected the block to fit the region and the region the sensor.",
        )
    if length_us < 1:
        raise ConfigError(f"A window of {length_us:,} µs.", "Expected 1 or more.")
    offset, side = (block - 1) // 2, region // block
    first, last = np.searchsorted(events.t, [start_us, start_us + length_us])
    x = events.x[first:last].astype(np.int64) - (size.width - region) // 2 - offset
    y = events.y[first:last].astype(np.int64) - (size.height - region) // 2 - offset
    here = (x % block == 0) & (y % block == 0) & (x >= 0) & (y >= 0)
    x, y = x // block, y // block
    here &= (x < side) & (y < side)
    step = (events.t[first:last] - start_us) * steps // length_us
    cell = (step * side + y) * side + x
    counts = np.bincount(cell[here], minlength=steps * side * side)
    return np.minimum(counts, 255).astype(np.uint8).reshape(steps, side * side)


def _check_steps(steps: int) -> None:
    if steps < 1:
        raise ConfigError(f"{steps:,} steps.", "Expected 1 or more.")
