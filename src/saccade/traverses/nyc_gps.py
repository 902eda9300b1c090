"""The GPS table of an NYC-Event-VPR session.

Longitude,Latitude,HeadMotion,Timestamp
-73.9899821,40.7350114,90.1,2022-12-06_18-27-30_100000
"""

from __future__ import annotations

import csv
import math
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from saccade.errors import DataError, FormatError
from saccade.traverses.nyc_names import stamp_text, stamp_us

__all__ = ["GpsTable", "read_gps"]

_COLUMNS = ("Longitude", "Latitude", "HeadMotion", "Timestamp")


@dataclass(frozen=True, eq=False)
class GpsTable:
    """Where a session's car was, and when.

    Args:
        t_us: int64 ``[N]``, local time counted as if it were UTC, rising.
        values: float64 ``[N, 3]``: latitude, longitude, heading; degrees, the heading unwrapped.
    """

    t_us: NDArray[np.int64]
    values: NDArray[np.float64]

    def at(self, t_us: int) -> tuple[float, float, float] | None:
        """Return latitude, longitude and heading at a time, linear between fixes.

        None before the first fix and after the last one.
        """
        if not self.t_us[0] <= t_us <= self.t_us[-1]:
            return None
        latitude, longitude, heading = (
            float(np.interp(t_us, self.t_us, column)) for column in self.values.T
        )
        return latitude, longitude, heading % 360.0

    def __str__(self) -> str:
        return f"{stamp_text(int(self.t_us[0]))} to {stamp_text(int(self.t_us[-1]))}"


def read_gps(path: Path) -> GpsTable:
    """Read a GPS table; latitude and longitude 0 mark a moment without a fix and are left out.

    Raises:
        FormatError: Columns are missing, a line is damaged, or time runs backwards.
        DataError: A coordinate is NaN or outside its range, or fewer than two fixes are left.
    """
    times, rows = list[int](), list[tuple[float, float, float]]()
    with path.open(encoding="utf-8", errors="replace", newline="") as file:
        lines = csv.reader(file)
        where = _columns(next(lines, []), path)
        for number, line in enumerate(lines, 2):
            if not line:
                continue
            t_us, row = _row(line, where, f"{path.name}, line {number:,}")
            if times and t_us < times[-1]:
                raise FormatError(
                    f"{path.name}, line {number:,}: time runs back by "
                    f"{(times[-1] - t_us) / 1e6:g} s.",
                    "Expected times that rise.",
                    "Sort the lines by time if the clock was set during the drive.",
                )
            if row[:2] != (0.0, 0.0) and t_us not in times[-1:]:
                times.append(t_us)
                rows.append(row)
    if len(times) < 2:
        raise DataError(f"{path.name} has {len(times)} fixes.", "Expected 2 or more.")
    values = np.array(rows)
    values[:, 2] = np.unwrap(values[:, 2], period=360.0)
    return GpsTable(np.array(times, np.int64), values)


def _columns(header: list[str], path: Path) -> list[int]:
    names = [name.strip() for name in header]
    missing = [name for name in _COLUMNS if name not in names]
    if missing:
        raise FormatError(
            f"{path.name} has no column {missing[0]!r}.",
            f"Expected {','.join(_COLUMNS)} in its first line.",
        )
    return [names.index(name) for name in _COLUMNS]


def _row(line: list[str], where: list[int], place: str) -> tuple[int, tuple[float, float, float]]:
    try:
        longitude, latitude, heading = (float(line[k]) for k in where[:3])
        t_us = stamp_us(line[where[3]])
    except (IndexError, ValueError, FormatError) as error:
        raise FormatError(
            f"{place}: {','.join(line)[:80]!r}.",
            f"Expected {','.join(_COLUMNS)}.",
            "Delete the line if the logger was stopped there.",
        ) from error
    if not (abs(latitude) <= 90 and abs(longitude) <= 180 and math.isfinite(heading)):
        raise DataError(
            f"{place}: longitude {longitude}, latitude {latitude}, heading {heading}.",
            "Expected finite degrees, -180 to 180 and -90 to 90.",
        )
    return t_us, (latitude, longitude, heading)
