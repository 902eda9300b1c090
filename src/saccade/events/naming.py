"""Which column of a foreign table is x, y, t and p: by name, by statement, or by the values.

By the values, in a sample of the first rows: p takes only 0/1 or -1/+1, x and y are whole and not
negative, t hardly ever decreases and spans the most. Six orders are known, in order of preference:

    t x y p   x y t p   x y p t   t p x y   p t x y   p x y t

x stands before y in all of them, because the values cannot tell. A guess is always said in a note.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from saccade.errors import ConfigError
from saccade.events.columns import TimeUnit

__all__ = ["Named", "check_columns", "named_columns", "sniff_order", "sniff_unit"]

_ALIASES: dict[str, str] = {
    **dict.fromkeys(("x", "xs", "xpos", "xcoord", "col", "column"), "x"),
    **dict.fromkeys(("y", "ys", "ypos", "ycoord", "row"), "y"),
    **dict.fromkeys(("t", "ts", "time", "times", "timestamp", "timestamps"), "t"),
    **dict.fromkeys(
        ("p", "ps", "pol", "pols", "polarity", "polarities", "on", "ison", "sign"), "p"
    ),
}
_UNITS: dict[str, TimeUnit] = {
    **dict.fromkeys(("s", "sec", "secs", "seconds"), "s"),
    **dict.fromkeys(("ms", "msec", "milliseconds"), "ms"),
    **dict.fromkeys(("us", "usec", "µs", "μs", "microseconds"), "us"),
    **dict.fromkeys(("ns", "nsec", "nanoseconds"), "ns"),
}
_ORDERS = ("txyp", "xytp", "xypt", "tpxy", "ptxy", "pxyt")
_EPOCH_NS = 10**17  # as microseconds this would be the year 5138, as nanoseconds it is 1973


@dataclass(frozen=True)
class Named:
    """Columns found by name: indices of x, y, t, p, and the unit of t where its name has one."""

    order: tuple[int, int, int, int]
    unit: TimeUnit | None = None


def named_columns(names: Sequence[str]) -> Named | None:
    """Find x, y, t and p among names; None unless each occurs exactly once.

    Examples:
        >>> named_columns(["timestamp_us", "x", "y", "polarity"])
        Named(order=(1, 2, 0, 3), unit='us')
        >>> named_columns(["fx", "fy", "cx", "cy"]) is None
        True
    """
    found: dict[str, int] = {}
    unit: TimeUnit | None = None
    for index, name in enumerate(names):
        column, column_unit = _meaning(name)
        if not column:
            continue
        if column in found:
            return None
        found[column] = index
        unit = column_unit if column == "t" else unit
    if len(found) < 4:
        return None
    return Named((found["x"], found["y"], found["t"], found["p"]), unit)


def _meaning(name: str) -> tuple[str, TimeUnit | None]:
    plain = name.strip().strip("\"'").lower()
    if plain in _ALIASES:
        return _ALIASES[plain], None
    match = re.fullmatch(r"([a-z]+)[ _]*[\[( _]\s*([a-zµμ]+)\s*[\])]?", plain)
    if match and _ALIASES.get(match[1]) == "t" and match[2] in _UNITS:
        return "t", _UNITS[match[2]]
    return _ALIASES.get(plain.replace("_", ""), ""), None


def check_columns(columns: str) -> tuple[int, int, int, int]:
    """Return the indices of x, y, t, p in a statement like ``"txyp"``; ``_`` skips a column.

    Raises:
        ConfigError: A letter is missing, doubled or unknown.

    Examples:
        >>> check_columns("_xyp_t")
        (1, 2, 5, 3)
    """
    if sorted(columns.replace("_", "")) != sorted("xytp"):
        raise ConfigError(
            f"columns {columns!r}.",
            "Expected each of x, y, t, p once, and _ for a column to skip.",
            "Try --columns txyp.",
        )
    return columns.index("x"), columns.index("y"), columns.index("t"), columns.index("p")


def sniff_order(sample: NDArray[np.float64]) -> tuple[tuple[int, int, int, int], str, bool] | None:
    """Recognise the order of four columns from their values.

    Args:
        sample: First rows, ``[N, 4]``.

    Returns:
        Indices of x, y, t, p; the order as letters; whether another order would fit as well. None
        where no known order fits.
    """
    if sample.shape[0] == 0 or sample.shape[1] != 4:
        return None
    fitting: list[tuple[float, str]] = []
    for letters in _ORDERS:
        x, y, t, p = (sample[:, index] for index in check_columns(letters))
        if _is_coordinate(x) and _is_coordinate(y) and _is_polarity(p) and _is_time(t):
            fitting.append((float(t.max() - t.min()), letters))
    if not fitting:
        return None
    widest = max(span for span, _ in fitting)
    letters = next(letters for span, letters in fitting if span == widest)
    return check_columns(letters), letters, len(fitting) > 1


def _is_coordinate(values: NDArray[np.float64]) -> bool:
    return bool(np.all((values >= 0) & (values <= 65_536) & (np.rint(values) == values)))


def _is_polarity(values: NDArray[np.float64]) -> bool:
    kinds = set(np.unique(values).tolist())
    return kinds <= {0.0, 1.0} or kinds <= {-1.0, 1.0}


def _is_time(values: NDArray[np.float64]) -> bool:
    if not np.all(np.isfinite(values)):
        return False
    steps = np.diff(values)
    return steps.size == 0 or float(np.mean(steps >= 0)) >= 0.9


def sniff_unit(sample: NDArray[Any]) -> TimeUnit:
    """Guess the unit of times: fractions are seconds, whole numbers microseconds.

    Whole numbers from 1e17 on are nanoseconds of the epoch.

    Examples:
        >>> sniff_unit(np.array([0.003811, 0.00382])), sniff_unit(np.array([3811, 3820]))
        ('s', 'us')
    """
    if sample.dtype.kind not in "iuf":
        return "us"  # no times at all, which the conversion says
    if sample.dtype.kind == "f" and bool(np.any(np.rint(sample) != sample)):
        return "s"
    if sample.size and float(np.max(np.abs(sample))) >= _EPOCH_NS:
        return "ns"
    return "us"
