"""More frames between frames, so that the image moves at most half a pixel from one to the next.

    I_s(x) = (1 - s) I_0(x - s v) + s I_1(x + (1 - s) v)         0 <= s <= 1,  v = v(x)

``v`` is the motion in pixels from frame 0 to frame 1, estimated around x as seen half-way between
them; at s = 0 and s = 1 the frames themselves come out. The steps of a pair are
ceil(largest |v| / max_step_px).

What it is and is not: an interpolation by block matching. Motion of textured, unoccluded parts is
followed to a fraction of a pixel. Where something appears or is covered, or the match fails
(reflections, flicker, motion blur, more than ``reach_px`` per frame), the formula fades one frame
into the other: a pixel then brightens or darkens evenly instead of at the moment the edge passes.
No detail between two frames is invented, and blur that the camera recorded stays.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator

import numpy as np
from numpy.typing import NDArray

from saccade.errors import ConfigError, DataError, ShapeError
from saccade.jit import kernel
from saccade.simulate.block_motion import block_motion
from saccade.simulate.luminance import Frame
from saccade.simulate.sampling import cubic

__all__ = ["between", "upsample"]


def upsample(
    frames: Iterable[Frame],
    *,
    max_step_px: float = 0.5,
    reach_px: float = 48.0,
    most_steps: int = 256,
    follow_motion: bool = True,
) -> Iterator[Frame]:
    """Yield the frames with as many frames in between as their motion needs.

    Args:
        frames: Times in microseconds, increasing, and luminance float32 ``[H, W]``.
        max_step_px: Largest motion of a part of the image between two frames that come out.
        reach_px: Largest motion between two frames that is looked for.
        most_steps: Most steps between two frames.
        follow_motion: False blends the two frames where they are (v = 0 in the formula), with the
            same number of steps: right for motion below a pixel, ghosts beyond.

    Yields:
        The same, at more times, rounded to microseconds and at least one apart.

    Raises:
        ShapeError: Frames differ in size.
        DataError: Times do not increase, or fast motion needs more than ``most_steps`` steps.
        ConfigError: A number is out of range.

    Examples:
        >>> ramp = np.tile(np.arange(64, dtype=np.float32), (64, 1)) + 1
        >>> frames = [(0, ramp), (1000, ramp[:, ::-1].copy())]
        >>> [t for t, _ in upsample(frames, max_step_px=1e9)]
        [0, 1000]
    """
    if not (max_step_px > 0 and reach_px >= 1 and most_steps >= 1):
        raise ConfigError(
            f"max_step_px is {max_step_px}, reach_px {reach_px}, most_steps {most_steps}.",
            "Expected more than 0, at least 1 and at least 1.",
        )
    before: Frame | None = None
    for t_us, image in frames:
        if before is None:
            before = (t_us, image)
            yield before
            continue
        _check_pair(before, (t_us, image))
        motion = block_motion(before[1], image, reach_px=reach_px)
        steps = _steps(motion, max_step_px, most_steps, t_us - before[0])
        if not follow_motion:
            motion = np.zeros_like(motion)
        for step in range(1, steps):
            share = step / steps
            at_us = before[0] + round((t_us - before[0]) * share)
            yield at_us, between(before[1], image, motion, share)
        before = (t_us, image)
        yield before


def between(
    first: NDArray[np.float32], second: NDArray[np.float32], motion: NDArray[np.float32], s: float
) -> NDArray[np.float32]:
    """Return the image at share ``s`` of the way from one frame to the next.

    Args:
        first: Luminance ``[H, W]``.
        second: Luminance ``[H, W]``.
        motion: float32 ``[H, W, 2]``, pixels along x and y from first to second.
        s: 0 gives the first, 1 the second.

    Returns:
        float32 ``[H, W]``; samples outside a frame repeat its border.
    """
    out = np.empty_like(first)
    _blend(
        np.ascontiguousarray(first),
        np.ascontiguousarray(second),
        np.ascontiguousarray(motion),
        float(s),
        out,
    )
    return out


def _check_pair(before: Frame, after: Frame) -> None:
    if before[1].shape != after[1].shape:
        raise ShapeError(
            f"The frame at {after[0]:,} µs has shape {after[1].shape}.",
            f"Expected {before[1].shape}, as the one before it.",
        )
    if after[0] <= before[0]:
        raise DataError(
            f"A frame at {after[0]:,} µs follows one at {before[0]:,} µs.",
            "Expected times that increase.",
        )


def _steps(motion: NDArray[np.float32], max_step_px: float, most: int, span_us: int) -> int:
    fastest = math.sqrt(float((motion * motion).sum(axis=2).max()))
    steps = max(1, math.ceil(fastest / max_step_px))
    if steps > most:
        raise DataError(
            f"Parts of the image move by {fastest:.1f} px between two frames: {steps:,} steps.",
            f"Expected at most {most:,}.",
            "Raise most_steps or max_step_px, or shrink the frames.",
        )
    return min(steps, span_us)


@kernel
def _blend(
    first: NDArray[np.float32],
    second: NDArray[np.float32],
    motion: NDArray[np.float32],
    s: float,
    out: NDArray[np.float32],
) -> None:
    for y in range(out.shape[0]):
        for x in range(out.shape[1]):
            u, v = motion[y, x, 0], motion[y, x, 1]
            a = _sample(first, x - s * u, y - s * v)
            b = _sample(second, x + (1.0 - s) * u, y + (1.0 - s) * v)
            out[y, x] = np.float32((1.0 - s) * a + s * b)


@kernel
def _sample(image: NDArray[np.float32], x: float, y: float) -> float:
    """Catmull-Rom, which keeps edges as sharp in between as in the frames; the border goes on."""
    height, width = image.shape
    left, top = int(np.floor(x)), int(np.floor(y))
    wx, wy = cubic(x - left), cubic(y - top)
    total = 0.0
    if 1 <= left < width - 2 and 1 <= top < height - 2:
        for j in range(4):
            row = image[top - 1 + j]
            line = wx[0] * row[left - 1] + wx[1] * row[left]
            total += wy[j] * (line + wx[2] * row[left + 1] + wx[3] * row[left + 2])
        return max(total, 0.0)
    for j in range(4):
        row = image[min(max(top - 1 + j, 0), height - 1)]
        for i in range(4):
            total += wy[j] * wx[i] * row[min(max(left - 1 + i, 0), width - 1)]
    return max(total, 0.0)
