"""NYC-Event-VPR: each session is a folder with a zipped EVT3 recording and a GPS table.

    sensor_data_2021-06-01_12-00-00/data_2021-06-01_12-00-00.zip      one .raw inside, stored
    sensor_data_2021-06-01_12-00-00/GPS_data_2021-06-01_12-00-00.csv

    Longitude,Latitude,HeadMotion,Timestamp
    -73.9899821,40.7350114,90.1,2021-06-01_12-00-00_100000

The file name is the recording's clock: an event is at the time in the name plus its own. Names and
time stamps are in UTC. Our world lies elsewhere; its coordinates are carried over to Manhattan,
receiver errors included.

Reference: T. Pan et al., "NYC-Event-VPR: A Large-Scale High-Resolution Event-Based Visual Place
Recognition Dataset in Dense Urban Environments", 2024.
"""

from __future__ import annotations

import csv
import io
import shutil
import zipfile
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np

from saccade.errors import ConfigError
from saccade.events.io import write_format
from saccade.events.types import Events, SensorSize
from saccade.files import replacing
from saccade.simulate.geography import Origin
from saccade.simulate.recording import Part, Recording, Track

__all__ = ["MANHATTAN", "SENSOR", "gps_csv", "write"]

SENSOR = SensorSize(height=720, width=1280)
"""Sensor of the real set, an EVK4."""
MANHATTAN = Origin(latitude=40.735, longitude=-73.99)
"""Where the route lies in this layout."""

_SECOND_US = 1_000_000
_COPY_BYTES = 1 << 20


def write(
    folder: Path,
    recording: Recording,
    parts: Iterable[Part],
    *,
    origin: Origin | None = None,
    place: Origin = MANHATTAN,
) -> tuple[Path, ...]:
    """Write a session into the folder of the set.

    Args:
        folder: Folder of the set; it exists.
        recording: What was recorded, with a track; sessions are told apart by its epoch.
        parts: Its parts in order.
        origin: Where the track's latitude and longitude put (0, 0); that of `receive` without.
        place: Where on Earth the session shall be.

    Returns:
        The zip and the GPS table.

    Raises:
        ConfigError: The recording has no track.
    """
    if recording.track is None:
        raise ConfigError(
            f"Recording {recording.name!r} has no track.", "Expected a drive along a route."
        )
    spare_us = recording.epoch_us % _SECOND_US  # the name tells whole seconds, events the rest
    stamp = f"{_moment(recording.epoch_us):%Y-%m-%d_%H-%M-%S}"
    session = folder / f"sensor_data_{stamp}"
    with replacing(session) as work:
        work.mkdir()
        raw = work / f"data_{stamp}.raw"
        kind = write_format(raw, "evt3")
        assert kind.write is not None
        kind.write(raw, _later(parts, spare_us), recording.left.size)
        _zip(raw, work / f"data_{stamp}.zip")
        raw.unlink()
        table = gps_csv(recording.track, recording.epoch_us, origin or Origin(), place)
        (work / f"GPS_data_{stamp}.csv").write_bytes(table.encode("ascii"))
    return session / f"data_{stamp}.zip", session / f"GPS_data_{stamp}.csv"


def gps_csv(track: Track, epoch_us: int, origin: Origin, place: Origin) -> str:
    """Return the GPS table; moments without a fix are left out, as the logger of the set does.

    Args:
        track: Positions.
        epoch_us: Unix time of the track's zero, microseconds.
        origin: Where the track's latitude and longitude put (0, 0).
        place: Where to put it instead.
    """
    has_fix = np.isfinite(track.latitude + track.longitude)
    up = track.up_m[has_fix]
    east, north = origin.to_local(track.latitude[has_fix], track.longitude[has_fix], up)
    latitude, longitude, _ = place.to_wgs84(east, north, up)
    text = io.StringIO()
    rows = csv.writer(text, lineterminator="\n")
    rows.writerow(["Longitude", "Latitude", "HeadMotion", "Timestamp"])
    columns = (longitude, latitude, track.heading_deg[has_fix], track.t_us[has_fix])
    for lon, lat, heading, t_us in zip(*columns, strict=True):
        moment = _moment(epoch_us + int(t_us))
        rows.writerow(
            [f"{lon:.7f}", f"{lat:.7f}", f"{heading:.5f}", f"{moment:%Y-%m-%d_%H-%M-%S_%f}"]
        )
    return text.getvalue()


def _moment(epoch_us: int) -> datetime:
    return datetime(1970, 1, 1, tzinfo=UTC) + timedelta(microseconds=epoch_us)


def _later(parts: Iterable[Part], spare_us: int) -> Iterator[Events]:
    for part in parts:
        events = part.events["left"]
        yield Events(events.x, events.y, events.t + spare_us, events.p, events.size, check=False)


def _zip(raw: Path, target: Path) -> None:
    """Store a file uncompressed; a member opened by name is dated 1980."""
    with (
        zipfile.ZipFile(target, "w", zipfile.ZIP_STORED) as archive,
        raw.open("rb") as source,
        archive.open(raw.name, "w", force_zip64=True) as member,
    ):
        shutil.copyfileobj(source, member, _COPY_BYTES)
