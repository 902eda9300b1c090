"""A short drive whose events, frames and truth are drawn at random, for tests of layout writers."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np

from saccade.events.types import Events, SensorSize
from saccade.simulate.camera import Camera, StereoRig
from saccade.simulate.drive import Drive
from saccade.simulate.geography import Receiver, receive
from saccade.simulate.recording import Part, Recording
from saccade.simulate.trajectory import imu

EPOCH_US = 1_622_548_800_250_000  # 2021-06-01 12:00:00.25 UTC


def drive_recording(
    condition: str = "day",
    *,
    size: SensorSize | None = None,
    seconds: float = 4.3,
    stereo: bool = False,
    seed: int = 1,
    epoch_us: int = EPOCH_US,
) -> Recording:
    """Return the description of a drive along one road; drives differ in speed by their seed."""
    camera = Camera.davis346().scaled(size or SensorSize(26, 34))
    drive = Drive([[0, 0], [150, 40], [400, 60]], seed=seed, duration_s=seconds, stops=0)
    label_us = np.arange(0, drive.duration_us, 250_000, dtype=np.int64)
    track = receive(drive, rate_hz=10, seed=seed, receiver=Receiver(dropouts_per_hour=0))
    track.latitude[13] = track.longitude[13] = np.nan
    rig = StereoRig(camera, camera, StereoRig.mvsec_like().right_in_left) if stereo else None
    return Recording(
        name=condition,
        condition=condition,
        cameras=("left", "right") if stereo else ("left",),
        left=camera,
        rig=rig,
        duration_us=drive.duration_us,
        epoch_us=epoch_us,
        image_us=label_us,
        label_us=label_us,
        poses=drive.poses(label_us),
        track=track,
        imu=imu(drive, 100.0),
        seed=seed,
    )


def random_parts(
    recording: Recording, *, events_per_s: int = 2_000, part_us: int = 1_000_000, maps: bool = True
) -> Iterator[Part]:
    """Yield parts; the same recording gives the same parts."""
    size, cameras = recording.left.size, recording.cameras
    for start in range(0, recording.duration_us, part_us):
        end = min(start + part_us, recording.duration_us)
        rng = np.random.default_rng([recording.seed, start])
        events = {name: _events(rng, size, start, end, events_per_s) for name in cameras}
        times = recording.label_us[(recording.label_us >= start) & (recording.label_us < end)]
        shape = (len(times) if maps else 0, size.height, size.width)
        times = times[: shape[0]]
        depth = rng.random(shape, np.float32) + 1
        depth[:, :2] = np.nan
        pairs = np.stack([times - 50_000, times], axis=1)
        part = Part(
            start_us=start,
            end_us=end,
            events=events,
            image_us=times,
            images={name: rng.integers(0, 256, shape, dtype=np.uint8) for name in cameras},
            label_us=times,
            depth=dict.fromkeys(cameras, depth),
            flow={"dt1": rng.random((shape[0], 2, *shape[1:]), np.float32)},
            flow_us={"dt1": pairs},
        )
        yield replace(part, disparity_rect={"left": depth / 2}) if len(cameras) == 2 else part


def _events(
    rng: np.random.Generator, size: SensorSize, start: int, end: int, events_per_s: int
) -> Events:
    n = (end - start) * events_per_s // 1_000_000
    return Events(
        rng.integers(0, size.width, n),
        rng.integers(0, size.height, n),
        np.sort(rng.integers(start, end, n)),
        rng.integers(0, 2, n),
        size,
    )


def all_events(recording: Recording, camera: str = "left", **options: int) -> Events:
    """Return the events of all parts of a recording."""
    parts = random_parts(recording, **options)
    return Events.concatenate([part.events[camera] for part in parts])


def digests(folder: Path) -> dict[str, str]:
    """Return the SHA-256 of every file under a folder, by its name."""
    return {
        path.relative_to(folder).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }


def assert_same_events(found: Events, expected: Events) -> None:
    """Compare column by column."""
    for name in "txyp":
        np.testing.assert_array_equal(getattr(found, name), getattr(expected, name), name)
