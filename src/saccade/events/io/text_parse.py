"""Decimal text to events and back, compiled.

A number is read as an integer mantissa m with f fraction digits and an exponent e, and scaled
without floating point:

    value = m * 10^(scale - f + e),   scale = 6 for seconds in, microseconds out

so ``1587452582.350001`` s is exactly 1 587 452 582 350 001 us. Dropped digits round half away from
zero. Digits that no int64 has room for, the nineteenth or twentieth, only matter as "not whole".
"""

from __future__ import annotations

from decimal import ROUND_HALF_UP, Decimal, localcontext
from typing import Any

import numpy as np
from numpy.typing import NDArray

from saccade.events.columns import TimeUnit
from saccade.jit import kernel

__all__ = [
    "BAD",
    "FIELDS",
    "LINES",
    "NOT_FINITE",
    "NOT_WHOLE",
    "OUT_OF_RANGE",
    "PROBLEM",
    "ROWS",
    "SCALES",
    "USED",
    "WHICH",
    "decimal_us",
    "format_rows",
    "parse_rows",
]

SCALES: dict[TimeUnit, int] = {"s": 6, "ms": 3, "us": 0, "ns": -3}
"""Power of ten from a unit to microseconds."""

USED, ROWS, LINES, PROBLEM, WHICH = 0, 1, 2, 3, 4
"""Entries of the outcome: bytes used, events made, lines passed, what is wrong, in which field."""

FINE, NOT_WHOLE, BAD, NOT_FINITE, OUT_OF_RANGE, FIELDS = 0, 1, 2, 3, 4, 5

_POWERS = np.array([10**n for n in range(19)], np.int64)
_MOST = np.int64(2**63 - 1)
_SPACE, _TAB, _RETURN, _NEWLINE = 32, 9, 13, 10
_DIGITS = 18
_ROOM = np.int64((2**63 - 1) // 10)  # a smaller mantissa has room for one more digit


def decimal_us(text: str, unit: TimeUnit) -> int:
    """Convert a decimal number to whole microseconds: the plain reference of the kernel.

    Examples:
        >>> decimal_us("1.5874525823500005e9", "s"), decimal_us("-0.0000005", "s")
        (1587452582350001, -1)
    """
    with localcontext(prec=100):
        return int(Decimal(text).scaleb(SCALES[unit]).quantize(Decimal(1), ROUND_HALF_UP))


@kernel
def _scaled(mantissa: int, power: int, dropped: bool) -> Any:
    if power >= 0:
        if mantissa == 0:
            return 0, FINE
        if dropped or power > _DIGITS or mantissa > _MOST // _POWERS[power]:
            return 0, OUT_OF_RANGE
        return mantissa * _POWERS[power], FINE
    if power < -_DIGITS:
        return 0, (NOT_WHOLE if mantissa > 0 else FINE)
    unit = _POWERS[-power]
    whole = mantissa // unit
    rest = mantissa - whole * unit
    status = NOT_WHOLE if rest > 0 or dropped else FINE
    return whole + (1 if 2 * rest >= unit else 0), status


@kernel
def _number(data: Any, i: int, scale: int) -> Any:
    """Return (value, index after it, status) of the number that starts at index i."""
    negative = data[i] == 45
    if negative or data[i] == 43:
        i += 1
    mantissa, start = np.int64(0), i
    while 48 <= data[i] <= 57 and i - start < _DIGITS:
        mantissa = mantissa * 10 + (np.int64(data[i]) - 48)
        i += 1
    fraction, seen = 0, i - start
    dropped = point = False
    while True:
        c = np.int64(data[i])
        if 48 <= c <= 57:
            seen += 1
            if mantissa < _ROOM:
                mantissa = mantissa * 10 + (c - 48)
                fraction += 1 if point else 0
            else:
                dropped |= c != 48
                fraction -= 0 if point else 1
        elif c == 46 and not point:
            point = True
        else:
            break
        i += 1
    if seen == 0:
        finite = not (c == 110 or c == 78 or c == 105 or c == 73)
        return np.int64(0), i, (BAD if finite else NOT_FINITE)
    exponent = 0
    if c == 101 or c == 69:
        i += 1
        below = data[i] == 45
        if below or data[i] == 43:
            i += 1
        begin = i
        while 48 <= data[i] <= 57:
            exponent = min(exponent * 10 + (np.int64(data[i]) - 48), 9999)
            i += 1
        if i == begin:
            return np.int64(0), i, BAD
        exponent = -exponent if below else exponent
    value, status = _scaled(mantissa, scale - fraction + exponent, dropped)
    return (-value if negative else value), i, status


@kernel
def _truth(data: Any, i: int) -> Any:
    """Return (1 or 0, index after it, status) of the word true or false that starts at index i."""
    start = i
    while 65 <= (data[i] & 223) <= 90:
        i += 1
    first = data[start] & 223
    if first == 84 and i - start == 4:
        return np.int64(1), i, FINE
    if first == 70 and i - start == 5:
        return np.int64(0), i, FINE
    return np.int64(0), i, (NOT_FINITE if first == 78 or first == 73 else BAD)


@kernel
def _after_field(data: Any, i: int, separator: int) -> int:
    """Return the index of the next field, or -1 where no separator follows; line ends are kept."""
    start = i
    while data[i] == _SPACE or data[i] == _RETURN or (data[i] == _TAB and separator != _TAB):
        i += 1
    if data[i] == _NEWLINE:
        return i
    if separator == _SPACE:
        return i if i > start else -1
    if data[i] != separator:
        return -1
    i += 1
    while data[i] == _SPACE or data[i] == _RETURN:
        i += 1
    return i


@kernel
def _line_end(data: Any, i: int) -> int:
    while data[i] != _NEWLINE:
        i += 1
    return i


@kernel
def _field(data: Any, i: int, role: int, scale: int, whole: bool) -> Any:
    """Return (value, index after it, status) of a field: role 0 to 3 for x, y, t, p, -1 to skip."""
    if role < 0:
        while data[i] > _SPACE and data[i] != 44 and data[i] != 59:
            i += 1
        return np.int64(0), i, FINE
    if role == 3 and 65 <= (data[i] & 223) <= 90:
        return _truth(data, i)
    value, i, status = _number(data, i, scale if role == 2 else 0)
    if status == NOT_WHOLE and role == 2 and not whole:
        status = FINE
    if status == FINE and (
        (role < 2 and not 0 <= value <= 65_536) or (role == 3 and not -1 <= value <= 1)
    ):
        status = OUT_OF_RANGE
    return value, i, status


@kernel
def parse_rows(
    data: Any, roles: Any, separator: int, scale: int, whole: bool, rows: Any, outcome: Any
) -> None:
    """Parse whole lines until they or the room for rows run out.

    Blank lines and lines that start with ``#``, ``%`` or ``//`` are passed over.

    Args:
        data: uint8 text; the last byte is a newline.
        roles: int64, for every field of a line 0 to 3 for x, y, t, p, or -1 to skip it.
        separator: Byte between fields; a blank stands for any run of blanks and tabs.
        scale: Power of ten from the time unit to microseconds.
        whole: Times have to be whole microseconds.
        rows: int64 ``[4, N]``, receives x, y, t, p as they are in the file.
        outcome: int64 ``[5]``, see `USED`.
    """
    stop, room, fields = data.shape[0], rows.shape[1], roles.shape[0]
    i, made, lines = 0, 0, 0
    outcome[PROBLEM] = FINE
    while i < stop and made < room:
        outcome[USED] = i
        while data[i] == _SPACE or data[i] == _TAB or data[i] == _RETURN:
            i += 1
        c = data[i]
        if c == _NEWLINE or c == 35 or c == 37 or (c == 47 and data[i + 1] == 47):
            i = _line_end(data, i) + 1
            lines += 1
            continue
        field, problem = 0, FINE
        while problem == FINE and field < fields and data[i] != _NEWLINE:
            value, i, problem = _field(data, i, roles[field], scale, whole)
            if problem == FINE:
                if roles[field] >= 0:
                    rows[roles[field], made] = value
                i = _after_field(data, i, separator)
                problem = BAD if i < 0 else FINE
            field += 1 if problem == FINE else 0
        if problem == FINE and (field < fields or data[i] != _NEWLINE):
            problem = FIELDS
        if problem != FINE:
            outcome[PROBLEM], outcome[WHICH] = problem, field
            break
        i += 1
        lines += 1
        made += 1
        outcome[USED] = i
    if outcome[PROBLEM] == FINE:
        outcome[USED] = i
    outcome[ROWS], outcome[LINES] = made, lines


@kernel
def _put(out: Any, at: int, value: int) -> int:
    if value < 0:
        out[at] = 45
        at += 1
        value = -value
    size, rest = 1, value
    while rest >= 10:
        rest //= 10
        size += 1
    for k in range(size):
        out[at + size - 1 - k] = 48 + value % 10
        value //= 10
    return at + size


@kernel
def format_rows(x: Any, y: Any, t: Any, p: Any, separator: int, out: Any) -> int:
    """Write lines ``t x y p`` into a buffer of at least 36 bytes an event; return the length."""
    at = 0
    for k in range(t.shape[0]):
        at = _put(out, at, np.int64(t[k]))
        out[at] = separator
        at = _put(out, at + 1, np.int64(x[k]))
        out[at] = separator
        at = _put(out, at + 1, np.int64(y[k]))
        out[at] = separator
        at = _put(out, at + 1, np.int64(p[k]))
        out[at] = _NEWLINE
        at += 1
    return at


def room(events: int) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Return the arrays that `parse_rows` fills: rows for so many events, and the outcome."""
    return np.empty((4, events), np.int64), np.zeros(5, np.int64)
