"""Framing: a whole recording to count frames, by time or by number of events.

    w = 4 µs    |-- frame 0 --|-- frame 1 --|--
    t           0  1     3     4           7   9        the rest after the last whole window is left

``compat="spikevpr"`` follows the published place-recognition pipeline where it differs:

    by time     K = max(1, ⌊(t_last - t_first) / w⌋)    a shorter recording still gives one frame, and
                                                        a window that ends right after the last event
                                                        does not count as whole
    by count    K = max(1, ⌊N / n⌋)                     a shorter recording still gives one frame
    no events   one frame of zeros ``[1, 2, H, W]``     the original turns height and width around
"""

from __future__ import annotations

from typing import Any, Literal

import numpy as np
from numpy.typing import DTypeLike, NDArray

from saccade.errors import ConfigError
from saccade.events.slicing import windows_by_count, windows_by_time
from saccade.events.types import Events
from saccade.represent.cells import whole
from saccade.represent.count import count_frames

__all__ = ["Compat", "frames_by_count", "frames_by_time"]

Compat = Literal["spikevpr"]


def frames_by_time(
    events: Events,
    window_us: int,
    *,
    compat: Compat | None = None,
    dtype: DTypeLike = np.float32,
) -> NDArray[Any]:
    """Count events in consecutive windows of equal duration, the first starting at the first event.

    Args:
        events: The recording.
        window_us: Length of a window in microseconds.
        compat: ``"spikevpr"``: at least one frame, whole windows counted as in the original.
        dtype: Any integer or floating type.

    Returns:
        Count frames ``[K, 2, H, W]``, channels (OFF, ON).

    Raises:
        ConfigError: ``window_us`` is below 1 or ``compat`` unknown.
        EventError: A count is larger than ``dtype`` holds exactly.

    Example:
        >>> from saccade.events import SensorSize
        >>> events = Events([0] * 5, [0] * 5, [0, 1, 3, 4, 7], [1] * 5, SensorSize(1, 1))
        >>> frames_by_time(events, 4)[:, 1].ravel().tolist()
        [3.0, 2.0]
        >>> frames_by_time(events, 4, compat="spikevpr")[:, 1].ravel().tolist()
        [3.0]

    Reference:
        Keime, Cuperlier, Cottereau: Event-Driven Neuromorphic Vision Enables Energy-Efficient
        Visual Place Recognition, arXiv 2604.03277.
    """
    _check_compat(compat)
    windows = windows_by_time(events, window_us, keep_partial=compat is not None)
    if compat is not None:
        windows = windows[: max(1, events.duration_us // window_us)]
        windows = windows if len(windows) else whole(events)
    return count_frames(events, windows, dtype=dtype)


def frames_by_count(
    events: Events,
    count: int,
    *,
    compat: Compat | None = None,
    dtype: DTypeLike = np.float32,
) -> NDArray[Any]:
    """Count events in consecutive windows of equal event number.

    Args:
        events: The recording.
        count: Events in a window.
        compat: ``"spikevpr"``: at least one frame, also from fewer events.
        dtype: Any integer or floating type.

    Returns:
        Count frames ``[K, 2, H, W]``, channels (OFF, ON).

    Raises:
        ConfigError: ``count`` is below 1 or ``compat`` unknown.
        EventError: A count is larger than ``dtype`` holds exactly.

    Example:
        >>> from saccade.events import SensorSize
        >>> events = Events([0] * 5, [0] * 5, [0, 1, 3, 4, 7], [1] * 5, SensorSize(1, 1))
        >>> frames_by_count(events, 2).shape
        (2, 2, 1, 1)
        >>> frames_by_count(events, 9).shape, frames_by_count(events, 9, compat="spikevpr").shape
        ((0, 2, 1, 1), (1, 2, 1, 1))
    """
    _check_compat(compat)
    windows = windows_by_count(events, count)
    if compat is not None and not len(windows):
        windows = whole(events)
    return count_frames(events, windows, dtype=dtype)


def _check_compat(compat: str | None) -> None:
    if compat not in (None, "spikevpr"):
        raise ConfigError(f"compat={compat!r}.", "Expected 'spikevpr' or None.")
