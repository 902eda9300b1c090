"""Event frames: one channel that says what happened last at a pixel, or whether anything did.

last      +1 where the last event of the window was ON, -1 where it was OFF, 0 without events
binary     1 where there was an event, 0 elsewhere
"""

from __future__ import annotations

from typing import Literal

import numpy as np
from numpy.typing import NDArray

from saccade.errors import ConfigError
from saccade.events.slicing import Windows
from saccade.events.types import Events
from saccade.represent.pixels import whole
from saccade.represent.stamp import stamp

__all__ = ["event_frame", "event_frames"]

Mode = Literal["last", "binary"]
_VALUES: dict[str, tuple[float, float]] = {"last": (-1.0, 1.0), "binary": (1.0, 1.0)}


def event_frame(events: Events, *, mode: Mode = "last") -> NDArray[np.float32]:
    """Draw all events of a piece of a recording.

    Args:
        events: Events of one window.
        mode: ``"last"`` (sign of the last event) or ``"binary"``.

    Returns:
        float32 ``[1, H, W]``.

    Raises:
        ConfigError: Another ``mode``.

    Examples:
        >>> from saccade.events import Events, SensorSize
        >>> events = Events([1, 1, 0], [0, 0, 0], [5, 9, 12], [1, 0, 1], SensorSize(1, 3))
        >>> event_frame(events).tolist()
        [[[1.0, -1.0, 0.0]]]

    Reference:
        Rebecq et al., Real-time visual-inertial odometry for event cameras, 2017.
    """
    return event_frames(events, whole(events), mode=mode)[0]


def event_frames(events: Events, windows: Windows, *, mode: Mode = "last") -> NDArray[np.float32]:
    """Draw the events of every window in one pass.

    Args:
        events: A recording.
        windows: int64 ``[K, 2]``, half-open index ranges; they may overlap or be empty.
        mode: ``"last"`` or ``"binary"``.

    Returns:
        float32 ``[K, 1, H, W]``.

    Raises:
        ConfigError: Another ``mode``.
        ShapeError: The windows do not fit the recording.
    """
    if mode not in _VALUES:
        raise ConfigError(f"mode is {mode!r}.", f"Expected one of {', '.join(_VALUES)}.")
    frames = np.zeros((len(windows), 1, events.size.height, events.size.width), np.float32)
    return stamp(events, windows, frames, *_VALUES[mode])
