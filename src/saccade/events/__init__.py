"""Events: the type, slicing, filters, augmentation, streams, conversion; ``io`` holds the formats.

Names load on first use, so that `Events` alone costs neither numba nor h5py.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from saccade.events.augment import Compose as Compose
    from saccade.events.augment import DropArea as DropArea
    from saccade.events.augment import DropEvents as DropEvents
    from saccade.events.augment import DropTime as DropTime
    from saccade.events.augment import EventDilation as EventDilation
    from saccade.events.augment import EventDrop as EventDrop
    from saccade.events.augment import FlipLR as FlipLR
    from saccade.events.augment import FlipPolarity as FlipPolarity
    from saccade.events.augment import FlipUD as FlipUD
    from saccade.events.augment import ReverseTime as ReverseTime
    from saccade.events.augment import dilate as dilate
    from saccade.events.convert import from_array as from_array
    from saccade.events.convert import from_columns as from_columns
    from saccade.events.convert import from_records as from_records
    from saccade.events.convert import to_array as to_array
    from saccade.events.convert import to_records as to_records
    from saccade.events.filters import Denoise as Denoise
    from saccade.events.filters import Duplicates as Duplicates
    from saccade.events.filters import Refractory as Refractory
    from saccade.events.filters import crop as crop
    from saccade.events.filters import deduplicate as deduplicate
    from saccade.events.filters import denoise as denoise
    from saccade.events.filters import downsample as downsample
    from saccade.events.filters import hot_pixels as hot_pixels
    from saccade.events.filters import keep_polarity as keep_polarity
    from saccade.events.filters import read_pixel_list as read_pixel_list
    from saccade.events.filters import refractory as refractory
    from saccade.events.filters import without_pixels as without_pixels
    from saccade.events.picture import events_png as events_png
    from saccade.events.slicing import split as split
    from saccade.events.slicing import windows_at as windows_at
    from saccade.events.slicing import windows_by_count as windows_by_count
    from saccade.events.slicing import windows_by_time as windows_by_time
    from saccade.events.stream import EventStream as EventStream
    from saccade.events.stream import concatenate as concatenate
    from saccade.events.stream import play as play
    from saccade.events.types import Events as Events
    from saccade.events.types import SensorSize as SensorSize

_NAMES: dict[str, str] = {
    "Events": "types",
    "SensorSize": "types",
    "EventStream": "stream",
    "concatenate": "stream",
    "play": "stream",
    "split": "slicing",
    "windows_at": "slicing",
    "windows_by_count": "slicing",
    "windows_by_time": "slicing",
    "Denoise": "filters",
    "Duplicates": "filters",
    "Refractory": "filters",
    "crop": "filters",
    "deduplicate": "filters",
    "denoise": "filters",
    "downsample": "filters",
    "hot_pixels": "filters",
    "keep_polarity": "filters",
    "read_pixel_list": "filters",
    "refractory": "filters",
    "without_pixels": "filters",
    "Compose": "augment",
    "DropArea": "augment",
    "DropEvents": "augment",
    "DropTime": "augment",
    "EventDilation": "augment",
    "EventDrop": "augment",
    "FlipLR": "augment",
    "FlipPolarity": "augment",
    "FlipUD": "augment",
    "ReverseTime": "augment",
    "dilate": "augment",
    "from_array": "convert",
    "from_columns": "convert",
    "from_records": "convert",
    "to_array": "convert",
    "to_records": "convert",
    "events_png": "picture",
}

__all__ = [
    "Compose",
    "Denoise",
    "DropArea",
    "DropEvents",
    "DropTime",
    "Duplicates",
    "EventDilation",
    "EventDrop",
    "EventStream",
    "Events",
    "FlipLR",
    "FlipPolarity",
    "FlipUD",
    "Refractory",
    "ReverseTime",
    "SensorSize",
    "concatenate",
    "crop",
    "deduplicate",
    "denoise",
    "dilate",
    "downsample",
    "events_png",
    "from_array",
    "from_columns",
    "from_records",
    "hot_pixels",
    "keep_polarity",
    "play",
    "read_pixel_list",
    "refractory",
    "split",
    "to_array",
    "to_records",
    "windows_at",
    "windows_by_count",
    "windows_by_time",
    "without_pixels",
]


def __getattr__(name: str) -> Any:
    if name in _NAMES:
        return getattr(importlib.import_module(f"saccade.events.{_NAMES[name]}"), name)
    try:
        return importlib.import_module(f"saccade.events.{name}")
    except ModuleNotFoundError as error:
        if error.name != f"saccade.events.{name}":
            raise
        raise AttributeError(f"module 'saccade.events' has no attribute {name!r}") from None


def __dir__() -> list[str]:
    return sorted(__all__)
