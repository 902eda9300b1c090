"""Windows: which events belong together, as index ranges into one recording.

    events        . ..  .   .... .  ..   .          time runs to the right
    by time       |--w--|--w--|--w--|               complete windows; the rest is dropped
    keep_partial  |--w--|--w--|--w--|--|            ... or kept, cut short by the end
    step < w      |--w--|                           sliding: starts are step apart
                    |--w--|
                      |--w--|
    at labels     [before|after)  [before|after)    around given times

Every window is half-open, ``[start, end)``: an event at ``end`` belongs to the next one. Windows
are returned as int64 ``[K, 2]``, rows ``(first index, index after the last)``, so cutting copies
nothing; `split` makes views of them and ``saccade.represent`` fills one frame each in a single
pass. A window without events is a row with two equal numbers, never a missing row.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from saccade.errors import ConfigError, ShapeError
from saccade.events.types import Events

__all__ = [
    "check_windows",
    "split",
    "window_starts_us",
    "windows_at",
    "windows_by_count",
    "windows_by_time",
]

Windows = NDArray[np.int64]
_MOST_WINDOWS = 100_000_000  # a start time on another clock would otherwise ask for terabytes


def windows_by_time(
    events: Events,
    window_us: int,
    *,
    step_us: int | None = None,
    start_us: int | None = None,
    keep_partial: bool = False,
) -> Windows:
    """Cut into windows of equal duration.

    Window k holds the events with

        start + k step <= t < start + k step + window        all in microseconds

    and is complete when it ends no later than just after the last event, at ``t_last + 1``.

    Args:
        events: The recording.
        window_us: Duration of a window.
        step_us: Distance between starts; None = ``window_us`` (windows touch). Smaller steps
            overlap, larger ones leave gaps.
        start_us: Start of window 0 on the recording's clock; None = first event.
        keep_partial: Also return the windows that start before the recording ends but are not
            complete.

    Returns:
        int64 ``[K, 2]``; K = 0 for a recording without events or shorter than one window.

    Raises:
        ConfigError: ``window_us`` or ``step_us`` is not positive, or the windows are too many.

    Examples:
        >>> from saccade.events import Events, SensorSize
        >>> events = Events([0] * 5, [0] * 5, [0, 4, 10, 19, 23], [1] * 5, SensorSize(1, 1))
        >>> windows_by_time(events, 10).tolist()
        [[0, 2], [2, 4]]
        >>> windows_by_time(events, 10, keep_partial=True).tolist()
        [[0, 2], [2, 4], [4, 5]]
    """
    starts = window_starts_us(
        events, window_us, step_us=step_us, start_us=start_us, keep_partial=keep_partial
    )
    return _between(events, starts, starts + np.int64(window_us))


def window_starts_us(
    events: Events,
    window_us: int,
    *,
    step_us: int | None = None,
    start_us: int | None = None,
    keep_partial: bool = False,
) -> NDArray[np.int64]:
    """Return when each window of `windows_by_time` starts, int64 ``[K]``; same arguments."""
    step = window_us if step_us is None else step_us
    _check_positive("window_us", window_us, "microsecond")
    _check_positive("step_us", step, "microsecond")
    if not len(events):
        return np.empty(0, np.int64)
    first = int(events.t[0]) if start_us is None else int(start_us)
    last_start = int(events.t[-1]) if keep_partial else int(events.t[-1]) + 1 - window_us
    count = max(0, (last_start - first) // step + 1)
    if count > _MOST_WINDOWS:
        raise ConfigError(
            f"{count:,} windows of {window_us:,} µs from {first:,} to {int(events.t[-1]):,} µs.",
            f"Expected at most {_MOST_WINDOWS:,}.",
            "Is start_us on the recording's own clock?",
        )
    return first + step * np.arange(count, dtype=np.int64)


def windows_by_count(
    events: Events, count: int, *, step: int | None = None, keep_partial: bool = False
) -> Windows:
    """Cut into windows of equal numbers of events: window k = events ``[k step, k step + count)``.

    Args:
        events: The recording.
        count: Events in a window.
        step: Events between two starts; None = ``count`` (windows touch).
        keep_partial: Also return the last, shorter windows.

    Returns:
        int64 ``[K, 2]``.

    Raises:
        ConfigError: ``count`` or ``step`` is not positive.

    Examples:
        >>> from saccade.events import Events, SensorSize
        >>> events = Events([0] * 5, [0] * 5, range(5), [1] * 5, SensorSize(1, 1))
        >>> windows_by_count(events, 2).tolist(), windows_by_count(events, 4, step=1).tolist()
        ([[0, 2], [2, 4]], [[0, 4], [1, 5]])
    """
    step = count if step is None else step
    _check_positive("count", count, "event")
    _check_positive("step", step, "event")
    total = len(events)
    last_start = total - 1 if keep_partial else total - count
    starts = np.arange(0, last_start + 1, step, dtype=np.int64)
    return np.stack([starts, np.minimum(starts + count, total)], axis=1)


def windows_at(
    events: Events, times_us: ArrayLike, *, before_us: int, after_us: int = 0
) -> Windows:
    """Cut around labels: one window ``[t - before, t + after)`` for each time t.

    With ``after_us=0`` a window is causal and ends just before its label.

    Args:
        events: The recording.
        times_us: Times of the labels on the recording's clock, ``[K]``, in any order.
        before_us: Reach into the past.
        after_us: Reach into the future.

    Returns:
        int64 ``[K, 2]``, one row for each label, in the order of the labels.

    Raises:
        ConfigError: A reach is negative, or both are 0.
        ShapeError: ``times_us`` is not a list of whole numbers.

    Examples:
        >>> from saccade.events import Events, SensorSize
        >>> events = Events([0] * 4, [0] * 4, [0, 10, 20, 30], [1] * 4, SensorSize(1, 1))
        >>> windows_at(events, [20, 5], before_us=10).tolist()
        [[1, 2], [0, 1]]
    """
    times = np.asarray(times_us)
    if times.ndim != 1 or (times.size and times.dtype.kind not in "iu"):
        raise ShapeError(
            f"times_us has shape {times.shape} and type {times.dtype}.",
            "Expected whole microseconds [K].",
        )
    if before_us < 0 or after_us < 0 or before_us + after_us == 0:
        raise ConfigError(
            f"before_us is {before_us:,} and after_us {after_us:,}.",
            "Expected 0 or more each, and more than 0 together.",
        )
    times = times.astype(np.int64)
    return _between(events, times - np.int64(before_us), times + np.int64(after_us))


def split(events: Events, windows: Windows) -> list[Events]:
    """Return the events of each window as views of the recording.

    Args:
        events: The recording that the windows were made of.
        windows: int64 ``[K, 2]``.

    Raises:
        ShapeError: The windows have another shape or reach beyond the recording.

    Examples:
        >>> from saccade.events import Events, SensorSize
        >>> events = Events([0] * 4, [0] * 4, [0, 10, 20, 30], [1] * 4, SensorSize(1, 1))
        >>> [len(part) for part in split(events, windows_by_count(events, 3, keep_partial=True))]
        [3, 1]
    """
    return [events[int(lo) : int(hi)] for lo, hi in check_windows(windows, len(events))]


def check_windows(windows: ArrayLike, total: int) -> Windows:
    """Return windows as a contiguous int64 ``[K, 2]`` array, or say what is wrong with them.

    Args:
        windows: Index ranges.
        total: Number of events they index.

    Raises:
        ShapeError: Another shape or type, an end before its start, or an index outside 0..total.
    """
    given: NDArray[Any] = np.asarray(windows)
    if given.ndim != 2 or given.shape[1] != 2 or (given.size and given.dtype.kind not in "iu"):
        raise ShapeError(
            f"windows has shape {given.shape} and type {given.dtype}.",
            "Expected whole numbers [K, 2], rows (first index, index after the last).",
        )
    ranges: Windows = np.array(given, dtype=np.int64, order="C")
    wrong = (ranges[:, 0] < 0) | (ranges[:, 1] < ranges[:, 0]) | (ranges[:, 1] > total)
    if wrong.any():
        at = int(np.argmax(wrong))
        raise ShapeError(
            f"Window {at:,} is [{int(ranges[at, 0]):,}, {int(ranges[at, 1]):,}).",
            f"Expected a range inside [0, {total:,}].",
            "Were the windows made from another recording?",
        )
    return ranges


def _between(events: Events, starts: NDArray[np.int64], ends: NDArray[np.int64]) -> Windows:
    return np.stack([np.searchsorted(events.t, starts), np.searchsorted(events.t, ends)], axis=1)


def _check_positive(name: str, value: int, unit: str) -> None:
    if value < 1:
        raise ConfigError(f"{name} is {value:,}.", f"Expected at least 1 {unit}.")
