"""Brisbane-Event-VPR: each traverse is a zip with one text of events, a GPS log, a hot pixel list.

    dvs_vpr_2020-04-24-15-12-03.zip              one text: "346 260", then "t x y p", t in epoch s
    20200424_151015-daytime_concat.nmea          what the GPS receiver said
    dvs_vpr_2020-04-24-15-12-03_hot_pixels.txt   "x,y" a line

File names and clocks are those of the six real traverses, so that programs written for the set find
them. Its clocks are tied together by a constant per traverse:

    time of an event  =  seconds since the first GPS sentence + clock offset

The zero of a recording is put at the clock offset; its first GPS sentence is said then, in UTC.

Reference: T. Fischer and M. Milford, "Event-Based Visual Place Recognition With Ensembles of
Temporal Windows", IEEE Robotics and Automation Letters 5(4), 2020.
"""

from __future__ import annotations

import zipfile
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from saccade.errors import ConfigError, listing
from saccade.events.filters import hot_pixels as find_hot_pixels
from saccade.events.types import Events, SensorSize
from saccade.files import replacing, write_atomically
from saccade.simulate.nmea import nmea
from saccade.simulate.recording import Part, Recording

__all__ = ["SENSOR", "TRAVERSES", "TRAVERSE_OF", "Traverse", "write"]

SENSOR = SensorSize(height=260, width=346)
"""Sensor of the real set, a DAVIS346."""

_ROW_BYTES = 36
_PIECE = 1 << 16
_SECONDS_DIGITS = 10  # of epoch seconds from 2001 to 2286
_FEWEST_HOT = 2  # programs for the set read the list as a table of two columns: one row is none


@dataclass(frozen=True)
class Traverse:
    """Names and clock of a real traverse.

    Args:
        recording_id: Stem of the event files.
        nmea_file: Name of the GPS log.
        offset_us: Clock offset: what the event clock shows at the first GPS sentence.
    """

    recording_id: str
    nmea_file: str
    offset_us: int


TRAVERSES: dict[str, Traverse] = {
    "sunset1": Traverse(
        "dvs_vpr_2020-04-21-17-03-03", "20200421_170039-sunset1_concat.nmea", 1_587_452_582_350_000
    ),
    "sunset2": Traverse(
        "dvs_vpr_2020-04-22-17-24-21", "20200422_172431-sunset2_concat.nmea", 1_587_540_271_650_000
    ),
    "daytime": Traverse(
        "dvs_vpr_2020-04-24-15-12-03", "20200424_151015-daytime_concat.nmea", 1_587_705_130_800_000
    ),
    "night": Traverse(
        "dvs_vpr_2020-04-27-18-13-29", "20200427_181204-night_concat.nmea", 1_587_975_221_100_000
    ),
    "morning": Traverse(
        "dvs_vpr_2020-04-28-09-14-11", "20200428_091154-morning_concat.nmea", 1_588_029_265_730_000
    ),
    "sunrise": Traverse(
        "dvs_vpr_2020-04-29-06-20-23", "20200429_061912-sunrise_concat.nmea", 1_588_105_232_910_000
    ),
}
"""The six traverses of the set."""

TRAVERSE_OF: dict[str, str] = {
    "day": "daytime",
    "morning": "morning",
    "overcast": "sunrise",  # the real one has no sun on the street either
    "sunset": "sunset1",
    "night": "night",
}
"""Condition of a recording -> the traverse whose names it gets."""


def write(
    folder: Path,
    recording: Recording,
    parts: Iterable[Part],
    *,
    traverse: str | None = None,
    hot_pixels: NDArray[np.int64] | None = None,
) -> tuple[Path, ...]:
    """Write a traverse into the folder of the set.

    Args:
        folder: Folder of the set; it exists.
        recording: What was recorded, with a track.
        parts: Its parts in order.
        traverse: One of `TRAVERSES`; by the recording's condition without.
        hot_pixels: int ``[M, 2]``, rows (x, y); without, the pixels that fire far more often than
            their neighbours, at least two.

    Returns:
        The zip, the GPS log, the hot pixel list.

    Raises:
        ConfigError: There is no such traverse, or the recording has no track.
    """
    known = _traverse(recording, traverse)
    if recording.track is None:
        raise ConfigError(
            f"Recording {recording.name!r} has no track.", "Expected a drive along a route."
        )
    counts = np.zeros((recording.left.size.height, recording.left.size.width), np.int64)
    target = folder / f"{known.recording_id}.zip"
    with replacing(target) as work:
        _write_zip(work, known, recording.left.size, parts, counts)
    start = datetime(1970, 1, 1, tzinfo=UTC) + timedelta(microseconds=known.offset_us)
    text = nmea(recording.track, start, seed=recording.seed)
    log = write_atomically(folder / known.nmea_file, text.encode("ascii"))
    hot = _hot(counts) if hot_pixels is None else hot_pixels
    rows = "".join(f"{x},{y}\n" for x, y in hot)
    pixels = folder / f"{known.recording_id}_hot_pixels.txt"
    return target, log, write_atomically(pixels, rows.encode("ascii"))


def _traverse(recording: Recording, name: str | None) -> Traverse:
    chosen = name or TRAVERSE_OF.get(recording.condition)
    if chosen not in TRAVERSES:
        raise ConfigError(
            f"Brisbane has no traverse {name!r}."
            if name
            else f"Brisbane has no traverse for condition {recording.condition!r}.",
            f"Traverses: {listing(TRAVERSES, most=6)}.",
        )
    return TRAVERSES[chosen]


def _write_zip(
    path: Path,
    traverse: Traverse,
    size: SensorSize,
    parts: Iterable[Part],
    counts: NDArray[np.int64],
) -> None:
    """Write the events, and count them per pixel. A member opened by name is dated 1980."""
    with (
        zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as archive,
        archive.open(f"{traverse.recording_id}.txt", "w", force_zip64=True) as member,
    ):
        member.write(f"{size.width} {size.height}\n".encode())
        for part in parts:
            events = part.events["left"]
            place = events.y.astype(np.int64) * size.width + events.x
            counts += np.bincount(place, minlength=size.pixels).reshape(counts.shape)
            for first in range(0, len(events), _PIECE):
                member.write(_rows(events[first : first + _PIECE], traverse.offset_us))


def _rows(events: Events, offset_us: int) -> bytes:
    """Return lines ``t x y p``: whole microseconds first, then the point set into each."""
    from saccade.events.io.text_parse import format_rows

    buffer = np.empty(len(events) * _ROW_BYTES, np.uint8)
    columns = (np.ascontiguousarray(column) for column in (events.x, events.y))
    length = int(
        format_rows(
            *columns, events.t + offset_us, np.ascontiguousarray(events.p), ord(" "), buffer
        )
    )
    text = buffer[:length]
    starts = np.concatenate([[0], np.flatnonzero(text == ord("\n"))[:-1] + 1])
    return np.insert(text, starts + _SECONDS_DIGITS, ord(".")).tobytes()


def _hot(counts: NDArray[np.int64]) -> NDArray[np.int64]:
    found = find_hot_pixels(counts)
    if len(found) >= _FEWEST_HOT:
        return found
    busiest = np.argsort(-counts.ravel(), kind="stable")[: _FEWEST_HOT + len(found)]
    y, x = np.unravel_index(busiest, counts.shape)
    others = [row for row in np.stack([x, y], axis=1).tolist() if row not in found.tolist()]
    return np.array(found.tolist() + others[: _FEWEST_HOT - len(found)], np.int64)
