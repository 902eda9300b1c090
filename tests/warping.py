"""Frames warped by the flow, for the tests of the truth."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from saccade.simulate.stage import Stage
from saccade.simulate.truth import flow_map


def shown(stage: Stage, time_us: int) -> NDArray[np.float64]:
    """The picture in steps of 1/255, not rounded."""
    share = np.clip(stage.luminance("left", time_us) / stage.light.white_cd_m2, 0, 1)
    return 255 * share ** (1 / 2.2)


def sample(
    image: NDArray[np.floating], x: NDArray[np.floating], y: NDArray[np.floating]
) -> NDArray[np.float64]:
    """Catmull-Rom interpolation, at places within the image."""
    x0, y0 = np.floor(x).astype(int), np.floor(y).astype(int)
    total = np.zeros(np.shape(x))
    for j, down in enumerate(weights(y - y0)):
        row = np.clip(y0 + j - 1, 0, image.shape[0] - 1)
        for i, across in enumerate(weights(x - x0)):
            total += down * across * image[row, np.clip(x0 + i - 1, 0, image.shape[1] - 1)]
    return total


def weights(f: NDArray[np.floating]) -> tuple[NDArray[np.floating], ...]:
    """Of the four neighbours of a place, ``f`` after the second."""
    return (
        0.5 * (-f + 2 * f**2 - f**3),
        0.5 * (2 - 5 * f**2 + 3 * f**3),
        0.5 * (f + 4 * f**2 - 3 * f**3),
        0.5 * (-(f**2) + f**3),
    )


def assert_the_next_frame_is_this_one(
    stage: Stage, begin_us: int, end_us: int, least_seen: float = 0.95
) -> None:
    """Mean error below 2/255 on the best 80 % of what is still seen, and there is motion."""
    flow = flow_map(stage, "left", begin_us, end_us)
    seen = np.isfinite(flow[0])
    assert seen.mean() > least_seen
    assert np.nanmax(np.abs(flow)) > 1.0
    y, x = np.nonzero(seen)
    here, there = shown(stage, begin_us)[seen], shown(stage, end_us)
    error = np.abs(sample(there, x + flow[0][seen], y + flow[1][seen]) - here)
    assert (error < 2).mean() >= 0.8
    assert np.sort(error)[: int(0.8 * error.size)].mean() < 2
    still = np.abs(there[seen] - here)
    assert error.mean() < 0.5 * still.mean()
