"""Range and order of decoded events: one compiled pass, and the words for what it finds."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from saccade.errors import EventError
from saccade.events.types import SensorSize
from saccade.jit import kernel

__all__ = [
    "IN_ORDER",
    "LATE",
    "OUTSIDE",
    "explain_late",
    "explain_outside",
    "late_events",
    "verify",
]

IN_ORDER, OUTSIDE, LATE = 0, 1, 2


class _Columns(Protocol):
    @property
    def x(self) -> NDArray[np.uint16]: ...
    @property
    def y(self) -> NDArray[np.uint16]: ...
    @property
    def p(self) -> NDArray[np.uint8]: ...


@kernel
def verify(x: Any, y: Any, t: Any, p: Any, width: int, height: int, last_us: int) -> int:
    """Return IN_ORDER, or the sum of OUTSIDE (x, y or p out of range) and LATE (t decreases).

    Args:
        x: Columns.
        y: Rows.
        t: Times in microseconds.
        p: Polarities, 0 or 1.
        width: Columns of the sensor.
        height: Rows of the sensor.
        last_us: Time of the event before the first.
    """
    count = x.shape[0]
    if count == 0:
        return 0
    most_x, most_y, most_p = x[0], y[0], p[0]
    for i in range(count):
        most_x = max(most_x, x[i])
    for i in range(count):
        most_y = max(most_y, y[i])
    for i in range(count):
        most_p |= p[i]
    late = t[0] < last_us
    for i in range(1, count):
        late |= t[i] < t[i - 1]
    outside = most_x >= width or most_y >= height or most_p > 1
    return int(outside) + 2 * int(late)


def late_events(t: NDArray[np.int64], last_us: int) -> tuple[NDArray[np.bool_], NDArray[np.int64]]:
    """Return which events come after a later one, and the latest time up to each of them."""
    running = np.maximum.accumulate(np.maximum(t, last_us))
    return t < running, running


def explain_outside(
    columns: _Columns, size: SensorSize, position: int, path: Path, origin: int
) -> EventError:
    """Return the error for the first event that no pixel can have sent.

    Args:
        columns: Events of which one is outside.
        size: Sensor size.
        position: Index of the first of these events in the recording.
        path: The file.
        origin: The coordinate of the first pixel in the file.
    """
    outside = (columns.x >= size.width) | (columns.y >= size.height) | (columns.p > 1)
    at = int(np.argmax(outside))
    where = f"at event {position + at:,} of {path.name}"
    x, y, p = int(columns.x[at]), int(columns.y[at]), int(columns.p[at])
    if p > 1:
        return EventError(f"p = {p} {where}.", "Expected 0 (OFF) or 1 (ON).")
    name, value, side, limit = ("x", x, "width", size.width)
    if x < size.width:
        name, value, side, limit = ("y", y, "height", size.height)
    if origin and value == 65_535:
        return EventError(
            f"{name} = 0 {where}.",
            "Expected coordinates from 1 on, as --origin 1 says.",
            "Leave --origin out.",
        )
    fix = "Is the sensor larger? Pass its size with --size WIDTHxHEIGHT."
    if value == limit:
        fix = "Is the file one-based? Try --origin 1. " + fix
    return EventError(
        f"{name} = {value:,} {where} but {side} is {limit:,} (valid 0..{limit - 1:,}).", fix=fix
    )


def explain_late(back_us: int, position: int, path: Path, *, packets: bool = False) -> EventError:
    """Return the error for time that runs backwards.

    Args:
        back_us: By how much.
        position: Index of the event in the recording.
        path: The file.
        packets: Sorting was asked for, but the file is read in packets.
    """
    fix = "Pass --on-disorder sort to sort, or --on-disorder drop."
    if packets:
        fix = (
            "Packets cannot be sorted over the whole recording: read it at once with "
            "saccade.open, or pass --on-disorder drop."
        )
    return EventError(
        f"t goes back by {back_us:,} µs at event {position:,} of {path.name}.",
        "Expected times that never decrease.",
        fix,
    )
