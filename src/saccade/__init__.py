"""Spiking vision on event cameras: event bytes in; place, depth, motion, class and objects out.

Public names load on first use, so that ``import saccade`` stays free of torch, numba and h5py.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from saccade.events import Events as Events
    from saccade.events import SensorSize as SensorSize
    from saccade.events.io import open as open
    from saccade.events.io import save as save
    from saccade.events.io import stream as stream

__version__ = "0.1.0"

_NAMES: dict[str, str] = {
    "Events": "saccade.events",
    "SensorSize": "saccade.events",
    "open": "saccade.events.io",
    "save": "saccade.events.io",
    "stream": "saccade.events.io",
}

__all__ = ["Events", "SensorSize", "__version__", "open", "save", "stream"]


def __getattr__(name: str) -> Any:
    if name in _NAMES:
        return getattr(importlib.import_module(_NAMES[name]), name)
    try:
        return importlib.import_module(f"saccade.{name}")
    except ModuleNotFoundError as error:
        if error.name != f"saccade.{name}":
            raise
        raise AttributeError(f"module 'saccade' has no attribute {name!r}") from None


def __dir__() -> list[str]:
    return sorted(__all__)
