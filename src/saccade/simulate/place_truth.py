"""Which moments of two traverses show the same place, by distance along the route.

    d(t)          distance along the route, cubic between the samples of a track, slope = speed
    within[r, q]  =  |d_ref(t_r) - d_qry(t_q)| < tolerance          nearest[q] = argmin over r

Distance along the route is what the drive itself was made from, so that the truth has no receiver
error in it: between samples 0.1 s apart the cubic is some micrometres off.
"""

from __future__ import annotations

import csv
import io
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import ArrayLike, NDArray

from saccade.errors import ConfigError, DataError, FormatError
from saccade.files import write_atomically
from saccade.simulate.recording import Track

__all__ = [
    "TRACK_COLUMNS",
    "Correspondences",
    "correspondences",
    "distance_at",
    "parse_positions",
    "positions_csv",
    "read_positions",
    "track_at",
    "write_positions",
]

TRACK_COLUMNS = (
    "t_us", "east_m", "north_m", "up_m", "distance_m", "latitude", "longitude", "speed_m_s",
    "heading_deg",
)  # fmt: skip
"""Columns of ``positions.csv``: the fields of `Track`."""
_DIGITS = (0, 4, 4, 4, 4, 9, 9, 4, 4)
_BEYOND = 1.5  # sample intervals: a track ends at its last sample, the recording a little later


@dataclass(frozen=True, eq=False)
class Correspondences:
    """Which reference each query should find.

    Args:
        within: bool ``[R, Q]``, row = reference, column = query: closer than the tolerance.
        nearest: int64 ``[Q]``, the closest reference, whether within the tolerance or not.
        gap_m: float64 ``[Q]``, how far that one is, along the route.
    """

    within: NDArray[np.bool_]
    nearest: NDArray[np.int64]
    gap_m: NDArray[np.float64]


def correspondences(
    reference: Track,
    query: Track,
    tolerance_m: float,
    *,
    reference_us: ArrayLike | None = None,
    query_us: ArrayLike | None = None,
    inclusive: bool = False,
) -> Correspondences:
    """Compare two traverses of one route place by place.

    Args:
        reference: Where the first drive was.
        query: Where the second drive was.
        tolerance_m: Distance along the route, metres.
        reference_us: int ``[R]``, moments of the reference to compare, e.g. the middles of windows;
            without, the samples of the track.
        query_us: int ``[Q]``, likewise.
        inclusive: Whether a distance of exactly the tolerance counts.

    Raises:
        ConfigError: The tolerance is not positive.
        DataError: A moment lies outside its track, or there is no reference.

    Examples:
        >>> drive = Track(np.array([0, 1_000_000]), *np.zeros((3, 2)), np.array([0.0, 10.0]),
        ...     *np.zeros((2, 2)), np.array([10.0, 10.0]), np.zeros(2))
        >>> moments = {"reference_us": [0, 500_000], "query_us": [450_001]}
        >>> truth = correspondences(drive, drive, 3.0, **moments)
        >>> truth.nearest.tolist(), truth.within.tolist(), round(float(truth.gap_m[0]), 5)
        ([1], [[False], [True]], 0.49999)
    """
    if not 0 < tolerance_m < np.inf:
        raise ConfigError(f"tolerance_m is {tolerance_m}.", "Expected a positive number of metres.")
    here = distance_at(reference, reference.t_us if reference_us is None else reference_us)
    there = distance_at(query, query.t_us if query_us is None else query_us)
    if not len(here):
        raise DataError("There is no reference.", "Expected at least one moment to compare with.")
    within = np.empty((len(here), len(there)), np.bool_)
    nearest = np.empty(len(there), np.int64)
    for column, metres in enumerate(there):
        gap = np.abs(here - metres)
        within[:, column] = gap <= tolerance_m if inclusive else gap < tolerance_m
        nearest[column] = np.argmin(gap)
    return Correspondences(within, nearest, np.abs(here[nearest] - there))


def distance_at(track: Track, t_us: ArrayLike) -> NDArray[np.float64]:
    """Return the distance along the route at moments ``[N]``, in metres.

    Raises:
        DataError: The track has no sample, or a moment lies outside it.
    """
    return _cubic(track, np.asarray(t_us, np.int64), track.distance_m, track.speed_m_s)


def track_at(track: Track, t_us: ArrayLike) -> Track:
    """Return the track at other moments ``[N]``.

    Positions and speed are cubic; what the receiver says and heading are linear between samples and
    stay beyond them. Heading turns the short way. A moment next to a lost fix has none.

    Raises:
        DataError: The track has no sample, or a moment lies outside it.
    """
    t = np.asarray(t_us, np.int64)

    def smooth(values: NDArray[np.float64]) -> NDArray[np.float64]:
        return _cubic(track, t, values, _slopes(values, track.t_us))

    def linear(values: NDArray[np.float64]) -> NDArray[np.float64]:
        return np.interp(t, track.t_us, values)

    return Track(
        t_us=t,
        east_m=smooth(track.east_m),
        north_m=smooth(track.north_m),
        up_m=smooth(track.up_m),
        distance_m=distance_at(track, t),
        latitude=linear(track.latitude),
        longitude=linear(track.longitude),
        speed_m_s=np.maximum(smooth(track.speed_m_s), 0.0),
        heading_deg=linear(np.degrees(np.unwrap(np.radians(track.heading_deg)))) % 360.0,
    )


def positions_csv(track: Track) -> str:
    """Return a track as a table with a line of names; what the receiver lost is empty.

    Examples:
        >>> spot = np.zeros(1)
        >>> lost = spot * np.nan
        >>> here = Track(np.array([250]), spot, spot, spot, spot + 1.5, lost, lost, spot, spot)
        >>> positions_csv(here).splitlines()[1]
        '250,0.0000,0.0000,0.0000,1.5000,,,0.0000,0.0000'
    """
    text = io.StringIO()
    rows = csv.writer(text, lineterminator="\n")
    rows.writerow(TRACK_COLUMNS)
    columns = [getattr(track, name) for name in TRACK_COLUMNS]
    for values in zip(*columns, strict=True):
        rows.writerow(map(_cell, values, _DIGITS))
    return text.getvalue()


def write_positions(path: Path, track: Track) -> Path:
    """Write ``positions.csv``."""
    return write_atomically(path, positions_csv(track).encode())


def read_positions(path: Path) -> Track:
    """Read what `write_positions` wrote; an empty cell is NaN.

    Raises:
        FormatError: Columns are missing, or a cell is no number.
    """
    return parse_positions(path.read_text(encoding="utf-8"), path.name)


def parse_positions(text: str, name: str = "the text") -> Track:
    """Read a table that `positions_csv` returned.

    Raises:
        FormatError: Columns are missing, or a cell is no number.
    """
    table = list(csv.DictReader(io.StringIO(text)))
    try:
        columns = {
            column: np.array([float(row[column] or "nan") for row in table], np.float64)
            for column in TRACK_COLUMNS[1:]
        }
        t_us = np.array([int(row["t_us"]) for row in table], np.int64)
    except (KeyError, ValueError, TypeError) as error:
        raise FormatError(
            f"{name} is no table of positions: {error}.",
            f"Expected columns {', '.join(TRACK_COLUMNS)}.",
        ) from error
    return Track(t_us=t_us, **columns)


def _cell(value: float, digits: int) -> str:
    if np.isnan(value):
        return ""
    return f"{value:.{digits}f}" if digits else str(int(value))


def _cubic(
    track: Track, t: NDArray[np.int64], values: NDArray[np.float64], slope: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Hermite cubic through ``values`` with ``slope`` per second; it goes on beyond the ends."""
    known = track.t_us
    if len(known) < 2:
        raise DataError(
            f"A track of {len(known)} samples says nothing in between.", "Expected 2 or more."
        )
    _check_inside(known, t)
    left = np.clip(np.searchsorted(known, t, side="right") - 1, 0, len(known) - 2)
    step = (known[left + 1] - known[left]) * 1e-6
    u = (t - known[left]) * 1e-6 / step
    a, b = values[left], values[left + 1]
    rise_a, rise_b = slope[left] * step, slope[left + 1] * step
    return (
        a * (2 * u**3 - 3 * u**2 + 1)
        + rise_a * (u**3 - 2 * u**2 + u)
        + b * (3 * u**2 - 2 * u**3)
        + rise_b * (u**3 - u**2)
    )


def _check_inside(known: NDArray[np.int64], t: NDArray[np.int64]) -> None:
    if not len(t):
        return
    spare = _BEYOND * float(np.median(np.diff(known)))
    for moment in (int(t.min()), int(t.max())):
        if not known[0] - spare <= moment <= known[-1] + spare:
            raise DataError(
                f"{moment:,} µs lies outside the track.",
                f"It goes from {int(known[0]):,} to {int(known[-1]):,} µs.",
            )


def _slopes(values: NDArray[np.float64], t_us: NDArray[np.int64]) -> NDArray[np.float64]:
    """Return slopes per second at the samples, from their neighbours."""
    if len(values) < 2:
        return np.zeros_like(values)
    order = 2 if len(values) > 2 else 1
    return np.gradient(values, t_us * 1e-6, edge_order=order)
