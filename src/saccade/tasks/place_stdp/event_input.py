"""Events of a region of interest straight to the inputs of a learner, without frames between.

    c(window, block) = events of the window at the pixel of the block, both polarities, at most 255

A region of 80 x 80 pixels in 10 x 10 blocks gives 100 inputs. LENS takes one pixel of each block,
because a chip does that for nothing; all events of a block carry more and cost an addition each.

Reference:
    A. D. Hines, M. Milford and T. Fischer, "A compact neuromorphic system for
    ultra-energy-efficient, on-device robot localization", Science Robotics 2025.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from saccade.errors import ConfigError
from saccade.events import Events, SensorSize
from saccade.events.slicing import Windows, check_windows
from saccade.tasks.place_stdp.resize import middle

__all__ = ["Region", "block_counts"]

_LARGEST = 255


@dataclass(frozen=True)
class Region:
    """A rectangle of the sensor.

    Args:
        top: First row.
        left: First column.
        height: Rows.
        width: Columns.

    Raises:
        ConfigError: A side is below 1 or a corner below 0.

    Examples:
        >>> Region.centred(SensorSize(128, 128), 80, 80)
        Region(top=24, left=24, height=80, width=80)
    """

    top: int
    left: int
    height: int
    width: int

    def __post_init__(self) -> None:
        if min(self.height, self.width) < 1 or min(self.top, self.left) < 0:
            raise ConfigError(f"{self}.", "Expected sides of at least 1 pixel and corners from 0.")

    @classmethod
    def centred(cls, sensor: SensorSize, height: int, width: int) -> Region:
        """Return the region in the middle of a sensor.

        Raises:
            ConfigError: The sensor is smaller.
        """
        region = cls(
            max(sensor.height - height, 0) // 2, max(sensor.width - width, 0) // 2, height, width
        )
        region.check(sensor.height, sensor.width)
        return region

    def check(self, height: int, width: int) -> None:
        """Refuse frames or sensors that the region leaves.

        Raises:
            ConfigError: The region is not inside.
        """
        if self.top + self.height > height or self.left + self.width > width:
            raise ConfigError(f"{self} on {width} x {height} pixels.", "Expected it inside.")

    def cut(self, frames: NDArray[Any]) -> NDArray[Any]:
        """Return the region of frames ``[..., H, W]``, without a copy.

        Raises:
            ConfigError: The region is not inside.

        Examples:
            >>> Region(1, 2, 1, 2).cut(np.arange(12).reshape(3, 4)).tolist()
            [[6, 7]]
        """
        self.check(*frames.shape[-2:])
        rows = slice(self.top, self.top + self.height)
        return frames[..., rows, self.left : self.left + self.width]


def block_counts(
    events: Events,
    windows: Windows,
    region: Region,
    grid: tuple[int, int] = (10, 10),
    *,
    whole_blocks: bool = False,
) -> NDArray[np.uint8]:
    """Count the events of each block in each window.

    Args:
        events: A recording.
        windows: int64 ``[K, 2]``, half-open index ranges, from `saccade.events.slicing`.
        region: Where to look.
        grid: Rows and columns of blocks; they divide the region.
        whole_blocks: All events of a block; else those of one pixel of it, up and left of its
            middle, as LENS.

    Returns:
        uint8 ``[K, rows * columns]``; more than 255 events count as 255.

    Raises:
        ConfigError: The region leaves the sensor, or the blocks would not be whole.
        ShapeError: The windows do not fit the recording.

    Examples:
        >>> events = Events([1, 1, 2], [1, 1, 1], [0, 5, 9], [1, 0, 1], SensorSize(4, 4))
        >>> everything = Region(0, 0, 4, 4)
        >>> block_counts(events, np.array([[0, 3]]), everything, (1, 1)).tolist()
        [[2]]
        >>> block_counts(events, np.array([[0, 3]]), everything, (1, 1), whole_blocks=True).tolist()
        [[3]]
    """
    ranges = check_windows(windows, len(events.t))
    size = events.size
    region.check(size.height, size.width)
    block_of = np.full((size.height, size.width), -1)
    inside = region.cut(block_of)
    rows, columns = (
        _block_of_pixel(pixels, blocks, whole_blocks)
        for pixels, blocks in zip((region.height, region.width), grid, strict=True)
    )
    chosen = (rows[:, None] >= 0) & (columns >= 0)
    inside[chosen] = (rows[:, None] * grid[1] + columns)[chosen]
    block = block_of[events.y, events.x]
    counts = np.empty((len(ranges), grid[0] * grid[1]), np.uint8)
    for k, (start, stop) in enumerate(ranges.tolist()):
        there = block[start:stop]
        found = np.bincount(there[there >= 0], minlength=counts.shape[1])
        counts[k] = np.minimum(found, _LARGEST)
    return counts


def _block_of_pixel(pixels: int, blocks: int, whole: bool) -> NDArray[np.int64]:
    """Block of each pixel along an axis; -1 for pixels that no block looks at."""
    if blocks < 1 or pixels % blocks:
        raise ConfigError(
            f"{blocks} blocks over {pixels} pixels are not whole.",
            "Expected a region that the blocks divide.",
        )
    side = pixels // blocks
    at = np.arange(pixels)
    return np.where(whole | (at % side == middle(side)), at // side, -1)
