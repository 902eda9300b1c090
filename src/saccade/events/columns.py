"""Foreign columns into ours: time to int64 microseconds, coordinates to uint16, polarity to 0/1.

    t_us = round(t * k),   k = 1e6 (s), 1e3 (ms), 1 (us), 1e-3 (ns)

Halves round to the even microsecond for floats, as NumPy does; whole nanoseconds round half up.
Everything is checked before it is rounded: a NaN, an infinity, half a pixel or a polarity of 2 is
an error that names the event.
"""

from __future__ import annotations

from typing import Any, Literal, NoReturn

import numpy as np
from numpy.typing import ArrayLike, NDArray

from saccade.errors import ConfigError, EventError, did_you_mean

__all__ = ["TimeUnit", "polarity_values", "to_microseconds", "to_pixels", "unit_scale"]

TimeUnit = Literal["s", "ms", "us", "ns"]

_PER_UNIT: dict[str, float] = {"s": 1e6, "ms": 1e3, "us": 1.0, "ns": 1e-3}
_LATEST_US = float(2**63 - 2**12)  # the largest float64 block that still fits into int64
_BLOCK = 1 << 16


def unit_scale(unit: str) -> float:
    """Return microseconds per unit.

    Raises:
        ConfigError: The unit is not s, ms, us or ns.
    """
    if unit not in _PER_UNIT:
        raise ConfigError(
            f"Unknown time unit {unit!r}.",
            f"Expected one of {', '.join(_PER_UNIT)}.",
            did_you_mean(unit, _PER_UNIT),
        )
    return _PER_UNIT[unit]


def to_microseconds(
    t: ArrayLike, unit: str, *, position: int = 0, source: str = "", whole: bool = False
) -> NDArray[np.int64]:
    """Convert times to int64 microseconds; int64 and uint64 microseconds are not copied.

    Args:
        t: Times, any integer or float type, ``[N]``.
        unit: ``"s"``, ``"ms"``, ``"us"`` or ``"ns"``.
        position: Index of the first of these events in the recording, for messages.
        source: Name of the file, for messages.
        whole: Refuse a fraction of a microsecond instead of rounding it.

    Raises:
        EventError: A time is NaN, infinite, beyond int64 or, with ``whole``, not whole.
        ConfigError: The unit is unknown.

    Examples:
        >>> to_microseconds([0.0038110004, 1587452582.35], "s").tolist()
        [3811, 1587452582350000]
    """
    scale = unit_scale(unit)
    values = np.asarray(t)
    if values.dtype.kind == "f":
        return _from_float(values, scale, position, source, whole)
    if values.dtype.kind not in "iub":
        raise EventError(f"t holds {values.dtype} values.", "Expected integers or floats.")
    if values.dtype == np.uint64 and values.size and int(values.max()) > np.iinfo(np.int64).max:
        _refuse("t", values, values > np.uint64(np.iinfo(np.int64).max), position, source, _RANGE)
    if values.dtype == np.uint64 and values.dtype.isnative:
        values = values.view(np.int64)
    times = values.astype(np.int64, copy=False)
    if unit == "us":
        return times
    if unit == "ns":
        return (times + 500) // 1000
    factor = int(scale)
    beyond = np.abs(times) > np.iinfo(np.int64).max // factor
    if beyond.any():
        _refuse("t", times, beyond, position, source, _RANGE)
    return times * factor


_RANGE = "Expected microseconds within the range of int64."


def _from_float(
    values: NDArray[Any], scale: float, position: int, source: str, whole: bool
) -> NDArray[np.int64]:
    times = np.empty(values.shape[0], np.int64)
    for start in range(0, values.shape[0], _BLOCK):
        cut = slice(start, start + _BLOCK)
        with np.errstate(over="ignore"):  # an overflow is infinite, which is refused below
            block = values[cut].astype(np.float64) * scale
        unfit = ~(np.abs(block) < _LATEST_US)
        if unfit.any():
            _refuse("t", values[cut], unfit, position + start, source, "Expected finite times.")
        rounded = np.rint(block)
        if whole and (rounded != block).any():
            _refuse(
                "t",
                values[cut],
                rounded != block,
                position + start,
                source,
                "Expected whole microseconds, as the first times are.",
                "State the unit with --time-unit s.",
            )
        times[cut] = rounded
    return times


def to_pixels(
    values: ArrayLike, name: str, *, origin: int = 0, position: int = 0, source: str = ""
) -> NDArray[np.uint16]:
    """Convert coordinates to uint16; uint16 and int16 that count from 0 are not copied.

    Args:
        values: Columns or rows, whole numbers in any integer or float type, ``[N]``.
        name: ``"x"`` or ``"y"``.
        origin: The coordinate of the first pixel, 0 or 1.
        position: Index of the first of these events in the recording, for messages.
        source: Name of the file, for messages.

    Raises:
        EventError: A coordinate is NaN, not whole, below ``origin`` or above 65,535.
    """
    raw = np.asarray(values)
    if raw.dtype.kind not in "iuf":
        raise EventError(f"{name} holds {raw.dtype} values.", "Expected whole numbers.")
    if raw.dtype.kind == "f":
        unfit = ~(np.rint(raw) == raw)
        if unfit.any():
            _refuse(name, raw, unfit, position, source, "Expected whole pixels.")
    if raw.size and not (raw.min() >= origin and raw.max() <= 65_535 + origin):
        unfit = (raw < origin) | (raw > 65_535 + origin)
        one_based = origin == 1 and bool((raw[unfit] == 0).any())
        _refuse(
            name,
            raw,
            unfit,
            position,
            source,
            f"Expected {origin} to {65_535 + origin:,}.",
            "Coordinates of this file start at 0: leave --origin 1 out." if one_based else "",
        )
    if origin:
        raw = raw - raw.dtype.type(origin)
    if raw.dtype.kind in "iu" and raw.dtype.itemsize == 2 and raw.dtype.isnative:
        return raw.view(np.uint16)
    return raw.astype(np.uint16, copy=False)


def polarity_values(
    p: ArrayLike, *, position: int = 0, source: str = ""
) -> tuple[NDArray[np.uint8], frozenset[int]]:
    """Convert polarity to 0/1 and say which of -1, 0, 1 occurred; bool and uint8 are not copied.

    Which occurred tells whether 0 or -1 stands for OFF: both in one recording is an error that only
    the caller can see.

    Raises:
        EventError: A value is none of -1, 0, 1.
    """
    raw = np.asarray(p)
    if raw.dtype.kind == "b":
        return raw.view(np.uint8), frozenset()
    if raw.dtype.kind not in "iuf":
        raise EventError(f"p holds {raw.dtype} values.", "Expected 0/1, -1/+1 or bool.")
    on, zero = raw == 1, raw == 0
    minus = (raw == -1) if raw.dtype.kind != "u" else np.zeros(raw.shape, np.bool_)
    unfit = ~(on | zero | minus)
    if unfit.any():
        _refuse("p", raw, unfit, position, source, "Expected 0 (OFF) or 1 (ON), or -1 and +1.")
    occurred = [n for n, mask in ((-1, minus), (0, zero), (1, on)) if mask.any()]
    same = raw.dtype == np.uint8 or (raw.dtype == np.int8 and -1 not in occurred)
    return raw.view(np.uint8) if same else on.view(np.uint8), frozenset(occurred)


def _refuse(
    name: str,
    values: NDArray[Any],
    unfit: NDArray[np.bool_],
    position: int,
    source: str,
    expected: str,
    fix: str = "",
) -> NoReturn:
    at = int(np.argmax(unfit))
    value = values[at].item()
    shown = f"{value:,}" if isinstance(value, int) else f"{value!r}"
    where = f"at event {position + at:,}" + (f" of {source}" if source else "")
    raise EventError(f"{name} = {shown} {where}.", expected, fix)
