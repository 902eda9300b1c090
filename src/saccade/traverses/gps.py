"""Positions of a drive: NMEA sentences to fixes, and fixes of two drives to places.

    $GNRMC,105930.00,A,2730.000119,S,15300.000108,E,...  ->  -27.50000198, 153.0000018, 0 s

Alignment walks along the anchor's fixes and takes the nearest fix of the other drive within a
window that moves along, so that a route that crosses itself is not matched to its other branch.
"""

from __future__ import annotations

import datetime
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from saccade.errors import DataError, MissingFileError
from saccade.optional import require
from saccade.retrieval import haversine_distance_m

__all__ = ["Fixes", "align", "nearest_times", "read_nmea"]

_WITHOUT_POSITION = ("GSV", "VTG", "GSA")
_LEAST_STEP_DEG = 1e-4  # compat: fixes closer than this, in degrees, are dropped
_LEAST_STEP_M = 1.0
_DAY_S = 86_400.0
_SETTLED = 6  # matches before the window moves
_BACK = 5  # the window begins at the match so many fixes ago


@dataclass(frozen=True, eq=False)
class Fixes:
    """Where a drive was, and when.

    Args:
        degrees: float64 ``[N, 2]``, latitude and longitude, WGS-84.
        seconds: float64 ``[N]``, since the first sentence with a time.
    """

    degrees: NDArray[np.float64]
    seconds: NDArray[np.float64]

    def __len__(self) -> int:
        return len(self.seconds)


def read_nmea(path: str | Path, *, compat: Literal["spikevpr"] | None = None) -> Fixes:
    """Read the fixes of an NMEA file; sentences that cannot be read are passed over.

    A fix is kept if it is at least 1 m from the one kept before. ``compat="spikevpr"`` keeps one
    if both coordinates have changed and it is more than 1e-4 degrees away, and cuts times to whole
    seconds that jump back at midnight (defect D6).

    Raises:
        MissingFileError: There is no such file.
        DataError: No sentence has a position.
    """
    try:
        text = Path(path).read_text(encoding="ascii", errors="replace")
    except FileNotFoundError as error:
        raise MissingFileError(f"No such file: {path}.") from error
    first, kept = None, list[tuple[float, float, float]]()
    told = _Told()
    for latitude, longitude, clock in _sentences(text, told):
        first = clock if first is None else first
        if latitude == 0.0 or longitude == 0.0:
            continue
        if not kept or _moved(kept[-1], latitude, longitude, compat):
            kept.append((latitude, longitude, clock))
    if first is None or not kept:
        raise DataError(
            f"{path} holds no position{told.why()}.",
            "Expected NMEA sentences such as $GPRMC or $GPGGA with a fix.",
            "Fetch the log again, or leave this drive out.",
        )
    found = np.array(kept)
    clock = np.r_[first, found[:, 2]]
    seconds = np.unwrap(clock, period=_DAY_S) if compat is None else np.trunc(clock)
    return Fixes(found[:, :2], (seconds - seconds[0])[1:])


def align(
    anchor: Fixes, other: Fixes, *, compat: Literal["spikevpr"] | None = None
) -> NDArray[np.int64]:
    """Return for each fix of the anchor the index of the other drive's fix at the same place.

    The nearest fix within a window: the first quarter of the other drive while fewer than 6 are
    matched, then from 5 matches back to three quarters of it, to its end in the second half of the
    anchor. Distances are metres; ``compat="spikevpr"`` takes them in degrees.

    Returns:
        int64 ``[len(anchor)]``.

    Raises:
        DataError: A window is empty: the tracks are too short, or are not of one route.
    """
    n, m = len(anchor), len(other)
    found: list[int] = []
    for i, (latitude, longitude) in enumerate(anchor.degrees):
        low, high = 0 if len(found) < _SETTLED else found[-_BACK], 0.75 * m
        if i > 0.5 * n:
            high = m
        elif len(found) < _SETTLED:
            high = 0.25 * m
        candidates = other.degrees[low : int(high)]
        if not len(candidates):
            raise DataError(
                f"Fix {i} of {n} has no fix to match: window {low} to {int(high)} of {m}.",
                "Expected two drives along one route, with some tens of fixes each.",
            )
        if compat is None:
            away = haversine_distance_m(latitude, longitude, *candidates.T)
        else:
            away = np.hypot(*(candidates - (latitude, longitude)).T)
        found.append(low + int(away.argmin()))
    return np.array(found, np.int64)


def nearest_times(
    wanted_s: NDArray[np.float64], times_s: NDArray[np.float64], *, most_s: float = np.inf
) -> NDArray[np.int64]:
    """Return the index of the time closest to each wanted one, -1 where none is near enough.

    Args:
        wanted_s: float64 ``[N]``.
        times_s: float64 ``[K]``, rising.
        most_s: Farthest that a time may be; the original has no limit (defect D7).
    """
    after = np.clip(np.searchsorted(times_s, wanted_s), 1, max(len(times_s) - 1, 1))
    before = after - 1
    after = np.minimum(after, len(times_s) - 1)
    is_before = np.abs(wanted_s - times_s[before]) <= np.abs(wanted_s - times_s[after])
    nearest = np.where(is_before, before, after)
    return np.where(np.abs(wanted_s - times_s[nearest]) <= most_s, nearest, -1)


@dataclass
class _Told:
    """What was passed over in a log, for the error where nothing is left."""

    lines: int = 0
    wrong: int = 0
    other: int = 0

    def why(self) -> str:
        """Return it as the end of a sentence."""
        if not self.lines:
            return ": it has no line"
        rest = self.lines - self.wrong - self.other
        return (
            f": of {self.lines:,} lines {self.wrong:,} have a wrong checksum, {self.other:,} are "
            f"no NMEA, {rest:,} have no fix"
        )


def _sentences(text: str, told: _Told) -> Iterator[tuple[float, float, float]]:
    """Yield latitude, longitude and seconds of the day of every sentence that tells them."""
    pynmea2: Any = require("pynmea2", "Reading NMEA files")
    for line in filter(None, map(str.strip, text.splitlines())):
        told.lines += 1
        try:
            sentence = pynmea2.parse(line)
        except pynmea2.ChecksumError:
            told.wrong += 1
            continue
        except pynmea2.ParseError:
            told.other += 1
            continue
        if getattr(sentence, "sentence_type", "") in _WITHOUT_POSITION:
            continue
        clock = getattr(sentence, "timestamp", None)
        if isinstance(clock, datetime.time):
            seconds = 3600.0 * clock.hour + 60.0 * clock.minute + clock.second
            yield sentence.latitude, sentence.longitude, seconds + 1e-6 * clock.microsecond


def _moved(
    last: tuple[float, float, float], latitude: float, longitude: float, compat: str | None
) -> bool:
    if compat is None:
        return float(haversine_distance_m(*last[:2], latitude, longitude)) >= _LEAST_STEP_M
    if latitude == last[0] or longitude == last[1]:
        return False
    return float(np.hypot(latitude - last[0], longitude - last[1])) > _LEAST_STEP_DEG
