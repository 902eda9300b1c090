"""Every representation once more, in plain NumPy that reads like its equation.

Tests hold the compiled loops equal to these on random recordings; they are also what to read first.
Slower by a factor of 5 to 50.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

from saccade.events.slicing import Windows, split
from saccade.events.types import Events

__all__ = ["count_frames", "event_frames", "polarity_masks", "time_surfaces", "voxel_grids"]


def count_frames(events: Events, windows: Windows) -> NDArray[np.int64]:
    """Count events per pixel and polarity, int64 ``[K, 2, H, W]``."""
    frames = np.zeros((len(windows), 2, events.size.height, events.size.width), np.int64)
    for frame, part in zip(frames, split(events, windows), strict=True):
        np.add.at(frame, (part.p, part.y, part.x), 1)
    return frames


def event_frames(events: Events, windows: Windows) -> NDArray[np.float32]:
    """Sign of the last event of each pixel, float32 ``[K, 1, H, W]``."""
    frames = np.zeros((len(windows), 1, events.size.height, events.size.width), np.float32)
    for frame, part in zip(frames, split(events, windows), strict=True):
        for i in range(len(part)):
            frame[0, part.y[i], part.x[i]] = 2.0 * part.p[i] - 1.0
    return frames


def polarity_masks(events: Events, windows: Windows) -> NDArray[np.bool_]:
    """Where a window has events, bool ``[K, 2, H, W]``."""
    return count_frames(events, windows) > 0


def voxel_grids(
    events: Events, windows: Windows, bins: int, *, weighting: str = "bins-1"
) -> NDArray[np.float64]:
    """Bilinear sums of signed events, float64 ``[K, B, H, W]``."""
    shape = (len(windows), bins, events.size.height, events.size.width)
    grids = np.zeros(shape, np.float64)
    for grid, part in zip(grids, split(events, windows), strict=True):
        steps = bins - 1 if weighting == "bins-1" else bins
        tau = steps * (part.t - part.t[:1]) / max(1, part.duration_us)
        sign = 2.0 * part.p - 1.0
        for b in range(bins):
            weight = np.maximum(0.0, 1.0 - np.abs(b - tau))
            np.add.at(grid[b], (part.y, part.x), sign * weight)
    return grids


def time_surfaces(events: Events, at_us: ArrayLike, tau_us: float) -> NDArray[np.float64]:
    """Exponentials of the time since the last event, float64 ``[K, 2, H, W]``."""
    moments = np.asarray(at_us, np.int64)
    surfaces = np.zeros((len(moments), 2, events.size.height, events.size.width), np.float64)
    for surface, at in zip(surfaces, moments, strict=True):
        past = events[events.t <= at]
        surface[past.p, past.y, past.x] = np.exp((past.t - at) / tau_us)
    return surfaces
