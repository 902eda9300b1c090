"""Representations: events of many windows become dense arrays, in one pass over the recording.

    count          [K, 2, H, W]      events per pixel and polarity (OFF, ON)
    event_frame    [K, 1, H, W]      sign of the last event, or whether there was one
    voxel          [K, bins, H, W]   signed events, spread over two time bins each
    time_surface   [K, 2, H, W]      how recent the last event is
    polarity_mask  [K, 2, H, W]      where there was an event, by polarity
    event_mask     [K, 1, H, W]      where there was an event

Every function has a form for one window (``count_frame(events)``) and one for all windows of a
recording (``count_frames(events, windows)``, windows from `saccade.events.slicing`). All take and
return NumPy; `saccade.represent.tensor` wraps them for torch. Names load on first use.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from saccade.represent.count import count_frame as count_frame
    from saccade.represent.count import count_frames as count_frames
    from saccade.represent.count import count_frames_by_count as count_frames_by_count
    from saccade.represent.count import count_frames_by_time as count_frames_by_time
    from saccade.represent.frame import event_frame as event_frame
    from saccade.represent.frame import event_frames as event_frames
    from saccade.represent.mask import event_mask as event_mask
    from saccade.represent.mask import event_masks as event_masks
    from saccade.represent.mask import polarity_mask as polarity_mask
    from saccade.represent.mask import polarity_masks as polarity_masks
    from saccade.represent.surface import time_surface as time_surface
    from saccade.represent.surface import time_surfaces as time_surfaces
    from saccade.represent.voxel import collapse_voxel_grid as collapse_voxel_grid
    from saccade.represent.voxel import voxel_grid as voxel_grid
    from saccade.represent.voxel import voxel_grids as voxel_grids

REPRESENTATIONS: dict[str, str] = {
    "count": "saccade.represent.count:count_frames",
    "event_frame": "saccade.represent.frame:event_frames",
    "voxel": "saccade.represent.voxel:voxel_grids",
    "time_surface": "saccade.represent.surface:time_surfaces",
    "polarity_mask": "saccade.represent.mask:polarity_masks",
    "event_mask": "saccade.represent.mask:event_masks",
}
"""Representation -> ``"module:function"`` of its batch form."""

_NAMES: dict[str, str] = {
    "collapse_voxel_grid": "voxel",
    "count_frame": "count",
    "count_frames": "count",
    "count_frames_by_count": "count",
    "count_frames_by_time": "count",
    "event_frame": "frame",
    "event_frames": "frame",
    "event_mask": "mask",
    "event_masks": "mask",
    "polarity_mask": "mask",
    "polarity_masks": "mask",
    "time_surface": "surface",
    "time_surfaces": "surface",
    "voxel_grid": "voxel",
    "voxel_grids": "voxel",
}

__all__ = [
    "REPRESENTATIONS",
    "collapse_voxel_grid",
    "count_frame",
    "count_frames",
    "count_frames_by_count",
    "count_frames_by_time",
    "event_frame",
    "event_frames",
    "event_mask",
    "event_masks",
    "polarity_mask",
    "polarity_masks",
    "time_surface",
    "time_surfaces",
    "voxel_grid",
    "voxel_grids",
]


def __getattr__(name: str) -> Any:
    if name not in _NAMES:
        raise AttributeError(f"module 'saccade.represent' has no attribute {name!r}")
    return getattr(importlib.import_module(f"saccade.represent.{_NAMES[name]}"), name)


def __dir__() -> list[str]:
    return sorted(__all__)
