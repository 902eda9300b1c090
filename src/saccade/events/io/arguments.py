"""What a user may say about an event file, as fields that become command-line flags."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

from saccade.events.io.format import ReadOptions
from saccade.events.types import SensorSize

__all__ = ["ReadArgs"]


@dataclass(frozen=True, kw_only=True)
class ReadArgs:
    """What you know about an event file that the file may not say."""

    size: str | None = None
    """Sensor size as WIDTHxHEIGHT in pixels; overrides what the file says."""
    format: str | None = None
    """Read as this format instead of recognising the content."""
    columns: str | None = None
    """Column order of text and array files, e.g. txyp."""
    time_unit: Literal["s", "ms", "us", "ns"] | None = None
    """Unit of time in text, array and HDF5 files."""
    origin: Literal[0, 1] = 0
    """1 where coordinates in the file start at 1."""
    on_disorder: Literal["error", "sort", "drop"] = "error"
    """When time runs backwards: stop, sort the events, or drop the late ones."""
    on_truncation: Literal["error", "keep"] = "error"
    """When the file ends inside an event: stop, or keep what came before."""
    side: Literal["left", "right"] = "left"
    """Camera of a stereo file."""

    def options(self) -> dict[str, Any]:
        """Return the keyword arguments of `saccade.open` and `saccade.stream`."""
        return {
            "size": SensorSize.parse(self.size) if self.size else None,
            "format": self.format,
            "columns": self.columns,
            "time_unit": self.time_unit,
            "origin": self.origin,
            "on_disorder": self.on_disorder,
            "on_truncation": self.on_truncation,
            "side": self.side,
        }

    def read_options(self) -> ReadOptions:
        """Return the same as `ReadOptions`, for `saccade.events.io.inspect`."""
        options = self.options()
        del options["format"]
        return ReadOptions(**options)
