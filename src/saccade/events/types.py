"""Events and the sensor they come from.

An event is (x, y, t, p): column, row, time, polarity. ``x`` grows to the right and ``y`` downwards
from the top-left pixel; ``t`` is int64 microseconds on the recording's own clock and never
decreases; ``p`` is 1 = ON = brighter, 0 = OFF = darker.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import InitVar, dataclass
from itertools import pairwise
from typing import Any, overload

import numpy as np
from numpy.typing import ArrayLike, NDArray

from saccade.errors import ConfigError, EventError, ShapeError

__all__ = ["Events", "SensorSize"]

_BLOCK = 1 << 18  # check order in blocks, so that the check needs no array as long as the recording


@dataclass(frozen=True, slots=True)
class SensorSize:
    """Rows and columns of a sensor; prints as ``WIDTHxHEIGHT``, the way data sheets do.

    Examples:
        >>> SensorSize(height=260, width=346)
        SensorSize(height=260, width=346)
        >>> SensorSize.parse("346x260").pixels
        89960
    """

    height: int
    width: int

    def __post_init__(self) -> None:
        for name in ("height", "width"):
            value = getattr(self, name)
            if not 1 <= value <= 65_535:
                raise ConfigError(f"Sensor {name} is {value}.", "Expected 1 to 65,535 pixels.")

    @property
    def pixels(self) -> int:
        """Number of pixels."""
        return self.height * self.width

    @classmethod
    def parse(cls, text: str) -> SensorSize:
        """Read ``"WIDTHxHEIGHT"``, e.g. ``"640x480"``.

        Raises:
            ConfigError: The text has another form.
        """
        match = re.fullmatch(r"\s*(\d+)\s*[x×X]\s*(\d+)\s*", text)
        if match is None:
            raise ConfigError(f"--size {text!r}.", "Expected WIDTHxHEIGHT.", "Try --size 640x480.")
        return cls(height=int(match[2]), width=int(match[1]))

    def __str__(self) -> str:
        return f"{self.width}x{self.height}"


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class Events:
    """A recording or a piece of one: four read-only arrays of equal length and a sensor size.

    Arrays that already have the stored type are kept without a copy. Integer arrays of other types
    are converted after a range check. Polarity may be bool or 0/1; signed polarity (-1/+1) must be
    converted first, because -1 cannot be told from a mistake.

    Args:
        x: Column, stored as uint16 ``[N]``, 0 to width - 1.
        y: Row, stored as uint16 ``[N]``, 0 to height - 1.
        t: Time in microseconds, stored as int64 ``[N]``, non-decreasing.
        p: Polarity, stored as uint8 ``[N]``, 1 = ON.
        size: Sensor size.
        check: Verify ranges and order. Pass False only for arrays that a decoder has just verified.

    Raises:
        ShapeError: The arrays are not one-dimensional or differ in length.
        EventError: An event lies outside the sensor, time runs backwards, a polarity is not 0 or 1,
            or an array holds no integers.

    Examples:
        >>> events = Events([1, 2], [0, 3], [10, 25], [1, 0], SensorSize(4, 4))
        >>> events
        Events(n=2, 15 µs, 4x4)
        >>> events.slice_time(10, 25).x.tolist()
        [1]
    """

    x: NDArray[np.uint16]
    y: NDArray[np.uint16]
    t: NDArray[np.int64]
    p: NDArray[np.uint8]
    size: SensorSize
    check: InitVar[bool] = True

    def __post_init__(self, check: bool) -> None:
        put = object.__setattr__
        lengths: list[int] = []
        for name, dtype in (("x", np.uint16), ("y", np.uint16), ("t", np.int64), ("p", np.uint8)):
            array = _as_column(getattr(self, name), name, np.dtype(dtype))
            lengths.append(array.shape[0])
            put(self, name, array)
        if len(set(lengths)) != 1:
            raise ShapeError(
                f"x, y, t, p have {', '.join(f'{n:,}' for n in lengths)} entries.",
                "Expected four arrays of equal length.",
            )
        if check:
            _check_ranges(self)
            _check_order(self.t)

    @classmethod
    def empty(cls, size: SensorSize) -> Events:
        """Return zero events on a sensor of the given size."""
        return cls(
            np.empty(0, np.uint16),
            np.empty(0, np.uint16),
            np.empty(0, np.int64),
            np.empty(0, np.uint8),
            size,
            check=False,
        )

    @classmethod
    def concatenate(cls, parts: list[Events]) -> Events:
        """Join consecutive pieces of one recording.

        Raises:
            ShapeError: There is no piece, or sensor sizes differ.
            EventError: A piece starts before the previous one ends.
        """
        if not parts:
            raise ShapeError("No pieces to concatenate.", "Expected at least one Events.")
        sizes = {part.size for part in parts}
        if len(sizes) > 1:
            raise ShapeError(
                f"Pieces have sensor sizes {', '.join(sorted(map(str, sizes)))}.",
                "Expected one size.",
            )
        filled = [part for part in parts if len(part)]
        for before, after in pairwise(filled):
            _check_order(np.array([before.t[-1], after.t[0]], np.int64))
        x, y, t, p = (np.concatenate([getattr(part, name) for part in parts]) for name in "xytp")
        return cls(x, y, t, p, parts[0].size, check=False)

    def __len__(self) -> int:
        return int(self.t.shape[0])

    @property
    def duration_us(self) -> int:
        """Time from the first to the last event in microseconds; 0 for fewer than two events."""
        return int(self.t[-1] - self.t[0]) if len(self) else 0

    @property
    def on_fraction(self) -> float:
        """Share of ON events, 0 to 1; 0 for no events."""
        return float(np.count_nonzero(self.p) / len(self)) if len(self) else 0.0

    @overload
    def __getitem__(self, index: slice) -> Events: ...
    @overload
    def __getitem__(self, index: NDArray[np.bool_] | NDArray[np.integer[Any]]) -> Events: ...
    def __getitem__(self, index: Any) -> Events:
        """Select events by slice (no copy), boolean mask or increasing integer index."""
        if isinstance(index, slice):
            step: object = index.step  # pyright: ignore[reportUnknownVariableType, reportUnknownMemberType]
            ordered = step is None or (isinstance(step, int) and step > 0)
        else:
            index = np.asarray(index)
            if index.ndim != 1:
                raise ShapeError(
                    f"Events were indexed with shape {index.shape}.",
                    "Expected a slice, a mask [N] or indices [M].",
                )
            ordered = index.dtype == np.bool_
        x, y, t, p = (getattr(self, name)[index] for name in "xytp")
        if not ordered:
            _check_order(t)
        return Events(x, y, t, p, self.size, check=False)

    def __iter__(self) -> Iterator[Events]:
        raise TypeError("Events are columns, not a list of events; use .x, .y, .t, .p or slices.")

    def slice_time(self, start_us: int, end_us: int, *, from_first: bool = False) -> Events:
        """Return the events with ``start_us <= t < end_us`` without copying.

        Args:
            start_us: First time kept, microseconds on the recording's clock.
            end_us: First time no longer kept.
            from_first: Count both times from the first event instead.
        """
        offset = int(self.t[0]) if from_first and len(self) else 0
        lo, hi = np.searchsorted(self.t, [start_us + offset, end_us + offset])
        return self[int(lo) : max(int(lo), int(hi))]

    def slice_count(self, start: int, count: int) -> Events:
        """Return up to ``count`` events from index ``start`` on, without copying."""
        return self[start : start + count]

    def __repr__(self) -> str:
        return f"Events(n={len(self):,}, {_span(self.duration_us)}, {self.size})"

    def _repr_png_(self) -> bytes:
        from saccade.events.picture import events_png

        return events_png(self)


def _span(duration_us: int) -> str:
    if duration_us < 1_000:
        return f"{duration_us} µs"
    if duration_us < 1_000_000:
        return f"{duration_us / 1e3:.1f} ms"
    return f"{duration_us / 1e6:.3f} s"


def _as_column(values: ArrayLike, name: str, dtype: np.dtype[Any]) -> NDArray[Any]:
    array = np.asarray(values)
    if array.ndim != 1:
        raise ShapeError(f"{name} has shape {array.shape}.", "Expected one dimension [N].")
    if array.dtype != dtype:
        array = _convert(array, name, dtype)
    view = array.view()
    view.flags.writeable = False
    return view


def _convert(array: NDArray[Any], name: str, dtype: np.dtype[Any]) -> NDArray[Any]:
    if array.size == 0:
        return np.empty(0, dtype)
    if array.dtype.kind == "b" or (array.dtype.kind in "iu" and array.itemsize == dtype.itemsize):
        small = array.dtype.kind == "u" or array.dtype.kind == "b" or dtype.kind == "i"
        if not small or array.dtype == np.uint64:
            _refuse_outside(array, name, dtype)
        return array.view(dtype) if array.itemsize == dtype.itemsize else array.astype(dtype)
    if array.dtype.kind in "iu":
        _refuse_outside(array, name, dtype)
        return array.astype(dtype)
    raise EventError(
        f"{name} holds {array.dtype} values.",
        f"Expected integers (stored as {dtype}).",
        "Convert with saccade.events.from_columns, which takes a time unit and checks for NaN.",
    )


def _refuse_outside(array: NDArray[Any], name: str, dtype: np.dtype[Any]) -> None:
    low, high = int(array.min()), int(array.max())
    bounds = np.iinfo(dtype)
    if low >= bounds.min and high <= bounds.max:
        return
    worst = int(np.argmin(array) if low < bounds.min else np.argmax(array))
    hint = (
        "Signed polarity (-1, +1) is converted by saccade.events.from_columns."
        if name == "p" and low < 0
        else ""
    )
    raise EventError(
        f"{name} = {int(array[worst]):,} at event {worst:,}.",
        f"Expected {bounds.min:,} to {bounds.max:,}.",
        hint,
    )


def _check_ranges(events: Events) -> None:
    if not len(events):
        return
    size = events.size
    for name, limit in (("x", size.width), ("y", size.height), ("p", 2)):
        array = getattr(events, name)
        if int(array.max()) < limit:
            continue
        at = int(np.argmax(array >= limit))
        value = int(array[at])
        if name == "p":
            raise EventError(f"p = {value} at event {at:,}.", "Expected 0 (OFF) or 1 (ON).")
        side = "width" if name == "x" else "height"
        raise EventError(
            f"{name} = {value} at event {at:,} but {side} is {limit} (valid 0..{limit - 1}).",
            fix="Is the file one-based? Try --origin 1."
            if value == limit
            else "Is the sensor larger? Pass its size with --size WIDTHxHEIGHT.",
        )


def _check_order(t: NDArray[np.int64]) -> None:
    for start in range(0, t.shape[0] - 1, _BLOCK):
        block = t[start : start + _BLOCK + 1]
        back = block[1:] < block[:-1]
        if back.any():
            at = start + int(np.argmax(back)) + 1
            raise EventError(
                f"t goes back by {int(t[at - 1] - t[at]):,} µs at event {at:,}.",
                "Expected times that never decrease.",
                "Pass --on-disorder sort to sort, or --on-disorder drop.",
            )
