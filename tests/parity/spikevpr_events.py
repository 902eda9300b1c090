"""Golden events of SpikeVPR: what a file stores decides what is checked, not its exact names."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from saccade.events import Events, SensorSize
from saccade.events.augment import dilate
from saccade.events.filters import deduplicate, denoise, downsample
from saccade.events.filters.background import supported
from saccade.represent import (
    collapse_voxel_grid,
    count_frame,
    count_frames_by_count,
    count_frames_by_time,
    voxel_grid,
)

__all__ = ["check_events"]

FULL = SensorSize(height=260, width=346)
INPUTS = r"[txyp]|sensor|meta|ds_in_[xyt]|dedup_in_[xy]"
EPOCH_S = 1_587_452_584


def check_events(path: Path) -> None:
    """Check every array of a file; one that no rule knows fails."""
    data = np.load(path)
    size = FULL
    if "sensor" in data.files:
        width, height = (int(side) for side in data["sensor"])
        size = SensorSize(height=height, width=width)
    events = Events(data["x"], data["y"], data["t"], data["p"], size)
    unknown: list[str] = []
    for name in data.files:
        if re.fullmatch(INPUTS, name):
            continue
        for pattern, check in CHECKS.items():
            if found := re.fullmatch(pattern, name):
                check(events, data, name, *map(int, found.groups()))
                break
        else:
            unknown.append(name)
    assert not unknown


def by_count(events: Events, data: Any, name: str, count: int) -> None:
    frames = count_frames_by_count(events, count, compat="spikevpr", dtype=np.int16)
    same_frames(frames, data[name], name)


def by_time(events: Events, data: Any, name: str, window_us: int) -> None:
    frames = count_frames_by_time(events, window_us, compat="spikevpr", dtype=np.int16)
    same_frames(frames, data[name], name)


def same_frames(frames: NDArray[Any], expected: NDArray[Any], name: str) -> None:
    kind = name.rsplit("_", 1)[1]
    found = {"nframes": len(frames), "first": frames[0], "all": frames}[kind]
    np.testing.assert_array_equal(found, expected, name)


def denoised_then_counted(events: Events, data: Any, name: str, filter_us: int, count: int) -> None:
    kept = denoise(events, filter_us, compat="spikevpr")
    first = count_frames_by_count(kept, count, compat="spikevpr", dtype=np.int16)[0]
    np.testing.assert_array_equal(first, data[name], name)
    np.testing.assert_array_equal(first, count_frame(kept[:count]), name)


def denoised(events: Events, data: Any, name: str, filter_us: int) -> None:
    kept = denoise(events, filter_us, compat="spikevpr")
    np.testing.assert_array_equal(getattr(kept, name[-1]), data[name], name)


def denoised_epoch(events: Events, data: Any, name: str) -> None:
    seconds = events.t * 1e-6 + EPOCH_S
    keep = supported(events.x, events.y, seconds, 0.002)
    if name.endswith("_kept"):
        assert np.count_nonzero(keep) == int(data[name][0])
    else:
        np.testing.assert_array_equal(seconds[keep], data[name], name)


def dilated(events: Events, data: Any, name: str) -> None:
    for span, start, count, first, last in data[name]:
        kept = dilate(events, span, start)
        assert len(kept) == count, name
        if count:
            assert (kept.t[0], kept.t[-1]) == (first, last), name


def voxels(events: Events, data: Any, name: str, bins: int) -> None:
    grid = voxel_grid(events, bins, weighting="bins")[:, None]
    assert grid.shape == data[name].shape
    np.testing.assert_allclose(grid, data[name], rtol=0, atol=1e-5, err_msg=name)


def collapsed(events: Events, data: Any, name: str, bins: int) -> None:
    run(events, data, name, bins, 0, bins)


def run(events: Events, data: Any, name: str, bins: int, low: int, high: int) -> None:
    grid = voxel_grid(events, bins, weighting="bins")[low:high]
    frame = collapse_voxel_grid(grid, channel_order="on_off")
    np.testing.assert_allclose(frame, data[name], rtol=0, atol=1e-5, err_msg=name)
    np.testing.assert_array_equal(frame, collapse_voxel_grid(grid)[::-1])


def downsampled(events: Events, data: Any, name: str) -> None:
    columns = data["ds_in_x"], data["ds_in_y"], data["ds_in_t"]
    p = np.zeros(len(columns[0]), np.uint8)
    small = downsample(Events(*columns, p, SensorSize(height=480, width=640)), events.size)
    np.testing.assert_array_equal(getattr(small, name[-1]), data[name], name)


def deduplicated(events: Events, data: Any, name: str) -> None:
    x, y = data["dedup_in_x"], data["dedup_in_y"]
    size = SensorSize(height=int(y.max()) + 1, width=int(x.max()) + 1)
    kept = deduplicate(Events(x, y, events.t // 3, events.p, size), 1)
    if name == "dedup_n":
        assert len(kept) == int(data[name])
        return
    order = np.lexsort((kept.p, kept.y, kept.x, kept.t))
    rows = np.stack([kept.t, kept.x, kept.y, kept.p], axis=1)[order]
    np.testing.assert_array_equal(rows, data[name], name)


CHECKS: dict[str, Callable[..., None]] = {
    r"frame_count(\d+)_(?:nframes|first|all)": by_count,
    r"frame_window(\d+)_(?:nframes|first|all)": by_time,
    r"frame_denoise(\d+)_count(\d+)": denoised_then_counted,
    r"denoise(\d+)_[txyp]": denoised,
    r"denoise_epoch_seconds_(?:kept|t)": denoised_epoch,
    r"dilation_\w+": dilated,
    r"voxel(\d+)": voxels,
    r"collapse(\d+)": collapsed,
    r"voxel(\d+)_crop_(\d+)_(\d+)_collapse": run,
    r"ds_[xy]": downsampled,
    r"dedup_(?:n|sorted)": deduplicated,
}
