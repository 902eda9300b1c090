"""Filters: which events to keep, and where to put them.

    select      keep_polarity, without_pixels
    hot         hot_pixels, read_pixel_list
    geometry    crop, downsample
    repeats     refractory, deduplicate    and, for streams, Refractory, Duplicates
    background  denoise                    and, for streams, Denoise

Functions take and return `Events`. Filters that remember something from event to event also come
as objects with ``push(events)``: a recording pushed in packets of any length gives the same events
as the whole at once. Names load on first use; those without a compiled loop do not load numba.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from saccade.events.filters.background import Denoise as Denoise
    from saccade.events.filters.background import denoise as denoise
    from saccade.events.filters.geometry import crop as crop
    from saccade.events.filters.geometry import downsample as downsample
    from saccade.events.filters.hot import hot_pixels as hot_pixels
    from saccade.events.filters.hot import read_pixel_list as read_pixel_list
    from saccade.events.filters.repeats import Duplicates as Duplicates
    from saccade.events.filters.repeats import Refractory as Refractory
    from saccade.events.filters.repeats import deduplicate as deduplicate
    from saccade.events.filters.repeats import refractory as refractory
    from saccade.events.filters.select import keep_polarity as keep_polarity
    from saccade.events.filters.select import without_pixels as without_pixels

_NAMES: dict[str, str] = {
    "Denoise": "background",
    "denoise": "background",
    "crop": "geometry",
    "downsample": "geometry",
    "hot_pixels": "hot",
    "read_pixel_list": "hot",
    "Duplicates": "repeats",
    "Refractory": "repeats",
    "deduplicate": "repeats",
    "refractory": "repeats",
    "keep_polarity": "select",
    "without_pixels": "select",
}

__all__ = [
    "Denoise",
    "Duplicates",
    "Refractory",
    "crop",
    "deduplicate",
    "denoise",
    "downsample",
    "hot_pixels",
    "keep_polarity",
    "read_pixel_list",
    "refractory",
    "without_pixels",
]


def __getattr__(name: str) -> Any:
    if name not in _NAMES:
        raise AttributeError(f"module 'saccade.events.filters' has no attribute {name!r}")
    return getattr(importlib.import_module(f"saccade.events.filters.{_NAMES[name]}"), name)


def __dir__() -> list[str]:
    return sorted(__all__)
