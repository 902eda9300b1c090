"""Small folders in the layouts of Brisbane-Event-VPR and NSAVP, for tests of their readers."""

from __future__ import annotations

import zipfile
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from saccade.events import Events, SensorSize
from saccade.simulate.camera import Camera
from saccade.simulate.drive import Drive
from saccade.simulate.geography import Receiver, receive
from saccade.simulate.layouts.brisbane import TRAVERSES
from saccade.simulate.nmea import nmea
from saccade.simulate.recording import Part, Recording, Track
from saccade.simulate.trajectory import imu

SIZE = SensorSize(height=26, width=34)
STEP_DEG = 1.2e-4  # between fixes, in both coordinates: about 18 m
PLACES = 40


def street(places: int = PLACES, *, aside_deg: float = 0.0) -> NDArray[np.float64]:
    """Return the fixes of a drive, one a second: latitude and longitude, ``[N, 2]``."""
    steps = np.arange(places)[:, None] * STEP_DEG
    return np.array([-27.5, 153.0]) + steps + np.array([aside_deg, 0.0])


def write_log(folder: Path, name: str, degrees: NDArray[np.float64]) -> Path:
    """Write a GPS log with one fix a second."""
    known, count = TRAVERSES[name], len(degrees)
    still = np.zeros(count)
    track = Track(
        np.arange(count) * 1_000_000, still, still, still, still, *degrees.T.copy(), still, still
    )
    start = datetime(1970, 1, 1, tzinfo=UTC) + timedelta(microseconds=known.offset_us)
    path = folder / known.nmea_file
    path.write_text(nmea(track, start), encoding="ascii", newline="")
    return path


def slice_rows(name: str, k: int, *, events: int = 60) -> NDArray[np.float64]:
    """Return slice k of a drive, ``[N, 4]``: t, x, y, p; it ends k s after the clock offset."""
    rng = np.random.default_rng([k, len(name)])
    end = TRAVERSES[name].offset_us / 1e6 + k
    t = np.sort(end - rng.random(events) * 0.1)
    t[-1] = end
    x, y = rng.integers(0, SIZE.width, events), rng.integers(0, SIZE.height, events)
    return np.stack([t, x, y, rng.integers(0, 2, events)], axis=1)


def write_slices(folder: Path, name: str, seconds: range = range(PLACES)) -> Path:
    """Write a drive as it is after preparation, with one slice a second."""
    known = TRAVERSES[name]
    place = folder / known.recording_id
    place.mkdir()
    for k in seconds:
        rows = slice_rows(name, k)
        np.save(place / f"{float(rows[-1, 0])!r}.npy", rows)
    (folder / f"{known.recording_id}_sensor.txt").write_text(f"{SIZE.width} {SIZE.height}\n")
    return place


def write_drives(folder: Path, *names: str) -> None:
    """Write prepared drives with logs."""
    for name in names:
        write_slices(folder, name)
        write_log(folder, name, street())


def event_text(count: int, *, start_ns: int = 1_587_452_584_000_000_000, seed: int = 0) -> str:
    """Return events as text with nanoseconds, after the size of the sensor."""
    rng = np.random.default_rng(seed)
    t = start_ns + np.cumsum(rng.integers(1, 2_000_000, count))
    x, y = rng.integers(0, SIZE.width, count), rng.integers(0, SIZE.height, count)
    rows = zip(t.tolist(), x.tolist(), y.tolist(), rng.integers(0, 2, count).tolist(), strict=True)
    lines = [f"{t // 10**9}.{t % 10**9:09d} {x} {y} {p}\n" for t, x, y, p in rows]
    return "".join([f"{SIZE.width} {SIZE.height}\n", *lines])


def write_zip(folder: Path, name: str, text: str) -> Path:
    """Write the events of a drive as a zip with one text."""
    stem = TRAVERSES[name].recording_id
    path = folder / f"{stem}.zip"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr(f"{stem}.txt", text)
    return path


def drive_recording(condition: str, *, seconds: float = 30.0, seed: int = 1) -> Recording:
    """Return a drive along a street that turns, for the writers of the simulator."""
    camera = Camera.davis346().scaled(SIZE)
    drive = Drive([[0, 0], [300, 200], [700, 260]], seed=seed, duration_s=seconds, stops=0)
    label_us = np.arange(0, drive.duration_us, 1_000_000, dtype=np.int64)
    return Recording(
        name=condition,
        condition=condition,
        cameras=("left",),
        left=camera,
        rig=None,
        duration_us=drive.duration_us,
        epoch_us=1_622_548_800_000_000,
        image_us=label_us,
        label_us=label_us,
        poses=drive.poses(label_us),
        track=receive(drive, rate_hz=10, seed=seed, receiver=Receiver(dropouts_per_hour=0)),
        imu=imu(drive, 100.0),
        seed=seed,
    )


def drive_parts(recording: Recording, *, per_second: int = 2_000) -> Iterator[Part]:
    """Yield random events of a recording, second by second."""
    none = np.empty(0, np.int64)
    for start in range(0, recording.duration_us, 1_000_000):
        end = min(start + 1_000_000, recording.duration_us)
        rng = np.random.default_rng([recording.seed, start])
        count = per_second * (end - start) // 1_000_000
        events = Events(
            rng.integers(0, SIZE.width, count),
            rng.integers(0, SIZE.height, count),
            np.sort(rng.integers(start, end, count)),
            rng.integers(0, 2, count),
            SIZE,
        )
        yield Part(
            start_us=start, end_us=end, events={"left": events}, image_us=none, images={},
            label_us=none, depth={}, flow={}, flow_us={},
        )  # fmt: skip


def second(k: int, *, events: int = 400, size: SensorSize | None = None) -> NDArray[np.int64]:
    """Return a second of NSAVP, ``[N, 4]``: x, y, t, p; t in nanoseconds since the epoch."""
    whole = size or SensorSize(height=480, width=640)
    rng = np.random.default_rng([k, events])
    t = 1_622_548_800_000_000_000 + k * 1_000_000_000 + np.sort(rng.integers(0, 10**9, events))
    x, y = rng.integers(0, whole.width, events), rng.integers(0, whole.height, events)
    return np.stack([x, y, t, rng.integers(0, 2, events)], axis=1)


def line(frames: int, step_m: float = 12.0, *, start_m: float = 0.0) -> NDArray[np.float64]:
    """Return positions along a street, ``[N, 3]`` metres."""
    along = start_m + np.arange(frames) * step_m
    return np.stack([along, 0.2 * along, np.sin(along)], axis=1)


def write_seconds(folder: Path, name: str, frames: int = 6, *, events: int = 400) -> Path:
    """Write a drive of NSAVP at full size."""
    place = folder / f"{name}-frames-1000"
    place.mkdir(parents=True)
    for k in range(frames):
        np.save(place / f"frame_{k:06d}.npy", second(k, events=events))
    return place


def write_truth(
    folder: Path, reference: str, query: str, here: NDArray[np.float64], there: NDArray[np.float64]
) -> Path:
    """Write positions of a pair."""
    place = folder / "ground_truth"
    place.mkdir(exist_ok=True)
    path = place / f"{reference}_{query}_GT_positions.npz"
    np.savez(path, ref_pos=here, qry_pos=there)
    return path


def write_pairs(folder: Path, *pairs: str, frames: int = 6) -> None:
    """Write drives at full size and the positions of pairs ``REFERENCE:QUERY``."""
    for pair in pairs:
        reference, _, query = pair.partition(":")
        for name in (reference, query):
            if not (folder / f"{name}-frames-1000").exists():
                write_seconds(folder, name, frames)
        write_truth(folder, reference, query, line(frames), line(frames, start_m=5.0))
