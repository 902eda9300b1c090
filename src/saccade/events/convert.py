"""Events from and to what other libraries hold: columns, record arrays, plain ``(N, 4)`` arrays.

    faery    t u8, x u2, y u2, (p/on) bool          13 bytes an event
    tonic    x i2, y i2, t i8, p bool               13
    metavision  x u2, y u2, p i2, t i8              14

Columns of the stored type are shared with the caller, not copied; so are the fields of a record
array, and ``t`` of an int64 array. The caller should then leave them unchanged.
"""

from __future__ import annotations

from typing import Any, Literal

import numpy as np
from numpy.typing import ArrayLike, DTypeLike, NDArray

from saccade.errors import ConfigError, EventError, ShapeError, did_you_mean
from saccade.events.columns import (
    TimeUnit,
    polarity_values,
    to_microseconds,
    to_pixels,
    unit_scale,
)
from saccade.events.naming import check_columns, named_columns
from saccade.events.types import Events, SensorSize

__all__ = [
    "RECORD_LAYOUTS",
    "from_array",
    "from_columns",
    "from_records",
    "to_array",
    "to_records",
]

Polarity = Literal["01", "signed"]

RECORD_LAYOUTS: dict[str, np.dtype[Any]] = {
    "faery": np.dtype([("t", "<u8"), ("x", "<u2"), ("y", "<u2"), (("p", "on"), "?")]),
    "tonic": np.dtype([("x", "<i2"), ("y", "<i2"), ("t", "<i8"), ("p", "?")]),
    "metavision": np.dtype([("x", "<u2"), ("y", "<u2"), ("p", "<i2"), ("t", "<i8")]),
}
"""Record types of other libraries, by the library's name."""


def from_columns(
    x: ArrayLike,
    y: ArrayLike,
    t: ArrayLike,
    p: ArrayLike,
    size: SensorSize,
    *,
    time_unit: TimeUnit = "us",
    polarity: Polarity = "01",
    origin: Literal[0, 1] = 0,
) -> Events:
    """Build events from four columns of any numeric type.

    Args:
        x: Columns, whole numbers, ``[N]``.
        y: Rows, whole numbers, ``[N]``.
        t: Times in ``time_unit``, ``[N]``, non-decreasing; rounded to microseconds.
        p: Polarities, ``[N]``: 0/1 or bool, or -1/+1 with ``polarity="signed"``.
        size: Sensor size.
        time_unit: Unit of ``t``.
        polarity: What stands for OFF: 0 (``"01"``) or -1 (``"signed"``).
        origin: 1 where coordinates start at 1.

    Raises:
        EventError: A value is NaN, infinite or not whole, a coordinate is outside the sensor, time
            runs backwards, a polarity is not of the stated kind.
        ShapeError: The columns differ in length.

    Examples:
        >>> from_columns([1, 2], [1, 4], [0.5, 0.75], [-1, 1], SensorSize(4, 4),
        ...              time_unit="s", polarity="signed", origin=1)
        Events(n=2, 250.0 ms, 4x4)
    """
    if polarity not in ("01", "signed"):
        raise ConfigError(f"polarity={polarity!r}.", "Expected '01' or 'signed'.")
    columns = [np.asarray(column) for column in (x, y, t, p)]
    for name, column in zip("xytp", columns, strict=True):
        if column.ndim != 1:
            raise ShapeError(f"{name} has shape {column.shape}.", "Expected one dimension [N].")
    on, occurred = polarity_values(columns[3])
    wrong = -1 if polarity == "01" else 0
    if wrong in occurred:
        other = "signed" if polarity == "01" else "01"
        at = int(np.argmax(columns[3] == wrong))
        raise EventError(
            f"p = {wrong} at event {at:,}, but polarity={polarity!r}.",
            f"Expected {'0 or 1' if polarity == '01' else '-1 or 1'}.",
            f"Pass polarity={other!r}.",
        )
    return Events(
        to_pixels(columns[0], "x", origin=origin),
        to_pixels(columns[1], "y", origin=origin),
        to_microseconds(columns[2], time_unit),
        on,
        size,
    )


def from_records(
    records: NDArray[Any],
    size: SensorSize,
    *,
    time_unit: TimeUnit = "us",
    polarity: Polarity = "01",
    origin: Literal[0, 1] = 0,
) -> Events:
    """Build events from a record array, e.g. of faery, tonic, aedat or metavision.

    Fields are found by their usual names (x, y, t or timestamp, p or on or polarity). Fields of the
    stored width are shared, not copied.

    Raises:
        ShapeError: The array is not one-dimensional or has no fields.
        EventError: A field is missing, or an event breaks a rule.

    Examples:
        >>> events = Events([1], [2], [30], [1], SensorSize(4, 4))
        >>> from_records(to_records(events, "tonic"), SensorSize(4, 4)).y.tolist()
        [2]
    """
    if records.dtype.names is None or records.ndim != 1:
        raise ShapeError(
            f"Records have shape {records.shape} and type {records.dtype}.",
            "Expected a record array [N] with fields x, y, t, p.",
            "Use from_array for plain (N, 4) arrays.",
        )
    fields = named_columns(records.dtype.names)
    if fields is None:
        raise EventError(
            f"Record fields are {', '.join(records.dtype.names)}.", "Expected x, y, t and p."
        )
    x, y, t, p = (records[records.dtype.names[index]] for index in fields.order)
    return from_columns(x, y, t, p, size, time_unit=time_unit, polarity=polarity, origin=origin)


def to_records(events: Events, layout: str = "faery") -> NDArray[Any]:
    """Copy events into a record array of another library.

    Args:
        events: Events.
        layout: Key of `RECORD_LAYOUTS`: ``"faery"``, ``"tonic"`` or ``"metavision"``.

    Raises:
        ConfigError: There is no such layout.
        EventError: A coordinate or a time does not fit into the layout.

    Examples:
        >>> to_records(Events([1], [2], [30], [1], SensorSize(4, 4)), "metavision")
        array([(1, 2, 1, 30)], dtype=[('x', '<u2'), ('y', '<u2'), ('p', '<i2'), ('t', '<i8')])
    """
    if layout not in RECORD_LAYOUTS:
        raise ConfigError(
            f"Unknown record layout {layout!r}.",
            f"Expected one of {', '.join(RECORD_LAYOUTS)}.",
            did_you_mean(layout, RECORD_LAYOUTS),
        )
    dtype = RECORD_LAYOUTS[layout]
    records = np.empty(len(events), dtype)
    names = dtype.names or ()
    for name in names:
        column = getattr(events, "p" if name == "on" else name)
        _refuse_unfit(column, name, dtype[name], layout)
        records[name] = column
    return records


def _refuse_unfit(column: NDArray[Any], name: str, dtype: np.dtype[Any], layout: str) -> None:
    if dtype.kind not in "iu" or not column.size:
        return
    bounds = np.iinfo(dtype)
    if int(column.min()) < bounds.min or int(column.max()) > bounds.max:
        raise EventError(
            f"{name} spans {int(column.min()):,} to {int(column.max()):,}.",
            f"{layout} stores it as {dtype} ({bounds.min:,} to {bounds.max:,}).",
        )


def from_array(
    array: ArrayLike,
    size: SensorSize,
    columns: str = "txyp",
    time_unit: TimeUnit = "us",
    *,
    polarity: Polarity = "01",
    origin: Literal[0, 1] = 0,
) -> Events:
    """Build events from a plain ``(N, 4)`` array.

    Args:
        array: Integers or floats, ``[N, C]``.
        size: Sensor size.
        columns: What each column holds, e.g. ``"txyp"`` or ``"xytp"``; ``_`` skips a column.
        time_unit: Unit of the time column.
        polarity: What stands for OFF: 0 (``"01"``) or -1 (``"signed"``).
        origin: 1 where coordinates start at 1.

    Raises:
        ShapeError: The array has another shape than ``columns`` says.
        ConfigError: ``columns`` does not name x, y, t and p once each.
        EventError: An event breaks a rule.

    Examples:
        >>> from_array([[0.25, 3, 1, 1]], SensorSize(4, 4), "txyp", "s").t.tolist()
        [250000]
    """
    values = np.asarray(array)
    order = check_columns(columns)
    if values.ndim != 2 or values.shape[1] != len(columns):
        raise ShapeError(
            f"The array has shape {values.shape}.",
            f"Expected (N, {len(columns)}) for columns={columns!r}.",
        )
    x, y, t, p = (values[:, index] for index in order)
    return from_columns(x, y, t, p, size, time_unit=time_unit, polarity=polarity, origin=origin)


def to_array(
    events: Events,
    columns: str = "txyp",
    time_unit: TimeUnit = "us",
    *,
    polarity: Polarity = "01",
    dtype: DTypeLike | None = None,
) -> NDArray[Any]:
    """Copy events into a plain ``(N, 4)`` array.

    Args:
        events: Events.
        columns: Order of the columns, e.g. ``"txyp"``.
        time_unit: Unit of the time column.
        polarity: 0/1 (``"01"``) or -1/+1 (``"signed"``).
        dtype: Result type; int64 for microseconds and float64 for other units where None.

    Raises:
        ConfigError: ``columns`` does not name x, y, t and p once each.
        EventError: A time does not survive in ``dtype``, e.g. seconds of the epoch in float32.

    Examples:
        >>> to_array(Events([3], [1], [250000], [0], SensorSize(4, 4)), "xytp", "s").tolist()
        [[3.0, 1.0, 0.25, 0.0]]
    """
    order = check_columns(columns)
    if len(columns) != 4:
        raise ConfigError(f"columns={columns!r}.", "Expected four letters x, y, t, p.")
    scale = unit_scale(time_unit)
    kind = np.dtype(dtype if dtype is not None else (np.int64 if scale == 1 else np.float64))
    array = np.empty((len(events), 4), kind)
    x, y, t, p = order
    array[:, x], array[:, y] = events.x, events.y
    array[:, t] = events.t if scale == 1 else events.t / scale
    array[:, p] = events.p if polarity == "01" else 2 * events.p.astype(np.int8) - 1
    if not np.array_equal(to_microseconds(array[:, t], time_unit), events.t):
        raise EventError(
            f"Times up to {int(events.t[-1]):,} µs do not survive as {kind} in {time_unit}.",
            "Expected a type that keeps every microsecond.",
            "Leave dtype out, or subtract the first time.",
        )
    return array
