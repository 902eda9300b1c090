"""Where a recording was taken: tables of positions beside event files.

    t_us,east_m,north_m,...        metres; what saccade simulate writes as NAME.positions.csv
    t_us,x,y   t_us,x_m,y_m        metres
    t_us,latitude,longitude        degrees; also t_us,lat,lon
    $GPRMC,...                     NMEA; its clock is its own, so the offset has to be given

The names in the header decide, never the numbers. Where a table has several kinds, the first of
this list counts. A line whose two coordinates are empty is a moment without a fix and is left out.
"""

from __future__ import annotations

import csv
import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray

from saccade.errors import ConfigError, DataError, FormatError
from saccade.traverses.gps import read_nmea
from saccade.traverses.places import along_route, moving
from saccade.traverses.traverse import Positions

__all__ = ["NMEA_ENDINGS", "Route", "is_position_table", "read_route"]

NMEA_ENDINGS = (".nmea", ".nma")

_KINDS: dict[tuple[str, str], Literal["planar", "geodesic"]] = {
    ("east_m", "north_m"): "planar",
    ("x_m", "y_m"): "planar",
    ("x", "y"): "planar",
    ("latitude", "longitude"): "geodesic",
    ("lat", "lon"): "geodesic",
}
_POLARITY = {"p", "pol", "polarity"}  # in the header of events
_FORMS = "Expected t_us and a pair: east_m,north_m; x,y (metres); latitude,longitude; lat,lon."
_LEAST_STEP_M = 1.0  # a receiver that stands still wanders by less


@dataclass(frozen=True, eq=False)
class Route:
    """Positions along a drive.

    Args:
        t_us: int64 ``[N]``, the recording's clock, rising.
        positions: ``[N]``.
        distance_m: float64 ``[N]``, along the route, never falling.
    """

    t_us: NDArray[np.int64]
    positions: Positions
    distance_m: NDArray[np.float64]

    @property
    def length_m(self) -> float:
        """How far the drive goes."""
        return float(self.distance_m[-1] - self.distance_m[0])

    def places(self, every_m: float) -> NDArray[np.int64]:
        """Return when the drive first is at each multiple of a distance along the route, ``[K]``.

        Args:
            every_m: Metres.

        Examples:
            >>> at = np.column_stack([[0.0, 0.0, 3.0], np.zeros(3)])
            >>> route = Route(np.array([0, 5, 11]), Positions(at, "planar"), at[:, 0])
            >>> route.places(1.5).tolist()
            [0, 8, 11]
        """
        first = math.ceil(self.distance_m[0] / every_m)
        wanted = every_m * np.arange(first, math.floor(self.distance_m[-1] / every_m) + 1)
        after = np.searchsorted(self.distance_m, wanted)
        before = np.maximum(after - 1, 0)
        step = self.distance_m[after] - self.distance_m[before]
        share = np.where(
            step > 0, (wanted - self.distance_m[before]) / np.where(step > 0, step, 1), 0
        )
        t_us = self.t_us[before] + share * (self.t_us[after] - self.t_us[before])
        return np.rint(t_us).astype(np.int64)

    def at(self, t_us: ArrayLike) -> tuple[Positions, NDArray[np.float64]]:
        """Return positions and distances at moments, linear between the known ones."""
        times = np.asarray(t_us)
        values = [np.interp(times, self.t_us, column) for column in self.positions.values.T]
        there = Positions(np.column_stack(values), self.positions.kind)
        return there, np.interp(times, self.t_us, self.distance_m)


def is_position_table(path: Path) -> bool:
    """Tell by its ending or its header whether a file is a table of positions."""
    if path.suffix.lower() in NMEA_ENDINGS:
        return True
    if path.suffix.lower() != ".csv":
        return False
    with path.open(encoding="utf-8", errors="replace", newline="") as file:
        names = _names(next(csv.reader(file), []))
    return "t_us" in names and not _POLARITY & set(names) and _pair(names) is not None


def read_route(path: Path, *, offset_us: int | None = None) -> Route:
    """Read a table of positions.

    Args:
        path: A ``.csv`` with a header, or NMEA.
        offset_us: Added to its times; NMEA counts from its first sentence.

    Raises:
        ConfigError: The offset of an NMEA file is not given.
        FormatError: The columns are unknown, a line is damaged, or time runs backwards.
        DataError: A number is NaN or outside its range, or the table says nothing of a route.
    """
    if path.suffix.lower() in NMEA_ENDINGS:
        if offset_us is None:
            raise ConfigError(
                f"{path.name} counts time from its first sentence.",
                "Expected the recording's time at that moment.",
                f"Pass --offset-s {path.name.partition('.')[0]}=SECONDS.",
            )
        fixes = read_nmea(path)
        t_us = np.rint(fixes.seconds * 1e6).astype(np.int64)
        return _route(path, t_us + offset_us, Positions(fixes.degrees, "geodesic"))
    t_us, positions, distance = _read_csv(path)
    return _route(path, t_us + (offset_us or 0), positions, distance)


def _read_csv(path: Path) -> tuple[NDArray[np.int64], Positions, NDArray[np.float64] | None]:
    with path.open(encoding="utf-8", errors="replace", newline="") as file:
        lines = csv.reader(file)
        names = _names(next(lines, []))
        pair = _pair(names)
        if "t_us" not in names or pair is None:
            raise FormatError(f"{path.name} has columns {', '.join(names)[:80]}.", _FORMS)
        wanted = ["t_us", *pair] + (["distance_m"] if "distance_m" in names else [])
        where = [names.index(name) for name in wanted]
        times, rows = list[int](), list[list[float]]()
        for number, line in enumerate(lines, 2):
            place = f"{path.name}, line {number:,}"
            if not line or not any(line[k].strip() for k in where[1:3] if k < len(line)):
                continue
            t_us, row = _numbers(line, where, place)
            if times and t_us < times[-1]:
                raise FormatError(
                    f"{place}: time runs back from {times[-1]:,} to {t_us:,} µs.",
                    "Expected times that rise.",
                )
            if t_us not in times[-1:]:
                times.append(t_us)
                rows.append(row)
    values = np.array(rows, np.float64).reshape(len(rows), len(where) - 1)
    positions = Positions(values[:, :2], _KINDS[pair])
    if positions.kind == "geodesic" and (np.abs(values[:, :2]) > (90.0, 180.0)).any():
        row = int(np.flatnonzero((np.abs(values[:, :2]) > (90.0, 180.0)).any(1))[0])
        raise DataError(
            f"{path.name}: {pair[0]} {values[row, 0]}, {pair[1]} {values[row, 1]}.",
            "Expected -90 to 90 and -180 to 180 degrees.",
            "Metres belong into columns x and y.",
        )
    return np.array(times, np.int64), positions, values[:, 2] if len(where) > 3 else None


def _numbers(line: list[str], where: Sequence[int], place: str) -> tuple[int, list[float]]:
    try:
        t_us, row = int(line[where[0]]), [float(line[k]) for k in where[1:]]
    except (ValueError, IndexError) as error:
        raise FormatError(
            f"{place}: {','.join(line)[:80]!r}.", "Expected whole microseconds, and numbers."
        ) from error
    if not all(map(math.isfinite, row)):
        raise DataError(f"{place}: {','.join(line)[:80]!r}.", "Expected finite numbers.")
    return t_us, row


def _route(
    path: Path,
    t_us: NDArray[np.int64],
    positions: Positions,
    distance_m: NDArray[np.float64] | None = None,
) -> Route:
    if len(t_us) < 2:
        raise DataError(f"{path.name} has {len(t_us)} positions.", "Expected 2 or more.")
    if distance_m is None:
        metres = positions.metres()
        kept = np.union1d(moving(metres, _LEAST_STEP_M), len(metres) - 1)
        distance_m = np.interp(t_us, t_us[kept], along_route(metres[kept]))
    elif (np.diff(distance_m) < 0).any():
        row = int(np.flatnonzero(np.diff(distance_m) < 0)[0]) + 1
        raise DataError(
            f"{path.name}: distance_m falls to {distance_m[row]:g} at {t_us[row]:,} µs.",
            "Expected the distance travelled, which never falls.",
            "Leave the column out to have it worked out.",
        )
    return Route(t_us, positions, distance_m)


def _names(header: list[str]) -> list[str]:
    return [name.strip().lstrip("\ufeff").lower() for name in header]


def _pair(names: list[str]) -> tuple[str, str] | None:
    return next((pair for pair in _KINDS if set(pair) <= set(names)), None)
