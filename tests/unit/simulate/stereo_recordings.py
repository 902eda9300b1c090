"""A stereo recording whose every value is drawn, with labels at an odd period, to be written."""

from __future__ import annotations

import struct
import zlib
from collections.abc import Callable, Iterator
from dataclasses import replace
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from saccade.events.types import Events, SensorSize
from saccade.simulate.camera import Camera, StereoRig
from saccade.simulate.handheld import HandHeld
from saccade.simulate.recording import Part, Recording
from saccade.simulate.trajectory import imu

EPOCH_US = 1_622_548_800_250_007  # 2021-06-01 12:00:00.250007 UTC
NOON_US = EPOCH_US % 86_400_000_000
LABEL_US = 50_200
IMAGE_US = 33_333
SIZE = SensorSize(26, 34)


def stereo_recording(
    name: str = "indoor_flying2",
    *,
    size: SensorSize = SIZE,
    stereo: bool = True,
    duration_us: int = 700_000,
    image_us: int = IMAGE_US,
    label_us: int = LABEL_US,
) -> Recording:
    """Return a description; the lenses are distorted and the cameras a little askew."""
    left = Camera.davis346().scaled(size)
    right = replace(left, cx=left.cx - 0.7, coefficients=(-0.05, 0.01, -0.05, 0.02))
    rig = StereoRig(left, right, StereoRig.mvsec_like().right_in_left) if stereo else None
    trajectory = HandHeld(np.zeros(3), target=[0.0, 3.0, 0.0], seed=5, duration_us=duration_us)
    labels = np.arange(0, duration_us, label_us, dtype=np.int64)
    return Recording(
        name=name,
        condition="room",
        cameras=("left", "right") if stereo else ("left",),
        left=left,
        rig=rig,
        duration_us=duration_us,
        epoch_us=EPOCH_US,
        image_us=np.arange(0, duration_us, image_us, dtype=np.int64),
        label_us=labels,
        poses=trajectory.poses(labels),
        track=None,
        imu=imu(trajectory, 200.0),
        seed=5,
    )


def drawn_parts(recording: Recording, *, events: int = 900, images: bool = True) -> list[Part]:
    """Return three parts: both cameras busy, no event at all, the right camera silent."""
    edges = [0, recording.duration_us // 2, recording.duration_us * 5 // 8, recording.duration_us]
    return [
        _part(recording, start, end, (events, 0, events)[k], k < 2, images)
        for k, (start, end) in enumerate(pairwise(edges))
    ]


def joined(parts: list[Part], camera: str = "left") -> Events:
    """Return the events of all parts."""
    return Events.concatenate([part.events[camera] for part in parts])


def stacked(parts: list[Part], take: Callable[[Part], NDArray[Any]]) -> NDArray[Any]:
    """Return an array of all parts."""
    return np.concatenate([take(part) for part in parts])


def watched(parts: list[Part], seen: list[Path], folder: Path) -> Iterator[Part]:
    """Hand parts on one by one, noting what lies in the folder under a final name meanwhile."""
    for part in parts:
        seen.extend(
            path
            for path in folder.rglob("*")
            if path.is_file() and not any(name[0] == "." for name in path.relative_to(folder).parts)
        )
        yield part


def failing(parts: list[Part]) -> Iterator[Part]:
    """Hand on the first part, then break."""
    yield parts[0]
    raise RuntimeError("the renderer broke")


def read_png(content: bytes) -> NDArray[Any]:
    """Decode a PNG of 8 or 16 bits without palette or interlace, from the specification."""
    assert content[:8] == bytes([137, 80, 78, 71, 13, 10, 26, 10])
    at, chunks = 8, []
    while at < len(content):
        (length,) = struct.unpack(">I", content[at : at + 4])
        body = content[at + 4 : at + 8 + length]
        (check,) = struct.unpack(">I", content[at + 8 + length : at + 12 + length])
        assert check == zlib.crc32(body)
        chunks.append((body[:4], body[4:]))
        at += 12 + length
    assert [name for name, _ in (chunks[0], chunks[-1])] == [b"IHDR", b"IEND"]
    width, height, bits, colour, *rest = struct.unpack(">IIBBBBB", chunks[0][1])
    assert rest == [0, 0, 0] and bits in (8, 16) and colour in (0, 2)
    channels, step = {0: 1, 2: 3}[colour], bits // 8 * {0: 1, 2: 3}[colour]
    raw = zlib.decompress(b"".join(data for name, data in chunks if name == b"IDAT"))
    length = width * step
    assert len(raw) == height * (1 + length)
    above, rows = [0] * length, []
    for y in range(height):
        kind, line = raw[y * (1 + length)], raw[y * (1 + length) + 1 : (y + 1) * (1 + length)]
        row: list[int] = []
        for k, value in enumerate(line):
            left = row[k - step] if k >= step else 0
            row.append((value + {0: 0, 1: left, 2: above[k]}[kind]) % 256)
        rows.append(bytes(row))
        above = row
    shape = (height, width, channels)[: 2 + (channels > 1)]
    return np.frombuffer(b"".join(rows), ">u2" if bits == 16 else "u1").reshape(shape)


def _part(
    recording: Recording, start: int, end: int, events: int, right: bool, images: bool
) -> Part:
    rng = np.random.default_rng([recording.seed, start])
    size, cameras = recording.left.size, recording.cameras
    shape = (size.height, size.width)

    def within(times: NDArray[np.int64]) -> NDArray[np.int64]:
        return times[(times >= start) & (times < end)]

    def depth(count: int) -> NDArray[np.float32]:
        values = rng.uniform(1.0, 30.0, (count, *shape)).astype(np.float32)
        values[rng.random(values.shape) < 0.1] = np.nan
        return values

    image_us, label_us = within(recording.image_us), within(recording.label_us)
    flow: dict[str, NDArray[np.float32]] = {}
    flow_us: dict[str, NDArray[np.int64]] = {}
    for name, frames in (("dt1", 1), ("dt4", 4)):
        ends = recording.image_us[::frames]
        spans = np.stack([ends[:-1], ends[1:]], axis=1)
        flow_us[name] = spans[(spans[:, 1] >= start) & (spans[:, 1] < end)]
        values = rng.normal(0, 5, (len(flow_us[name]), 2, *shape)).astype(np.float32)
        values[rng.random(values.shape) < 0.05] = np.nan
        flow[name] = values
    stereo = len(cameras) == 2
    return Part(
        start_us=start,
        end_us=end,
        events={
            name: _events(rng, size, start, end, events if name == "left" or right else 0)
            for name in cameras
        },
        image_us=image_us,
        images={name: rng.integers(0, 256, (len(image_us), *shape), np.uint8) for name in cameras}
        if images
        else {},
        label_us=label_us,
        depth={name: depth(len(label_us)) for name in cameras},
        depth_rect={"left": depth(len(label_us))} if stereo else {},
        disparity_rect={"left": depth(len(label_us)) * np.float32(1.37)} if stereo else {},
        flow=flow,
        flow_us=flow_us,
    )


def _events(rng: np.random.Generator, size: SensorSize, start: int, end: int, n: int) -> Events:
    t = np.sort(rng.integers(start, end, n))
    x, y = rng.integers(0, size.width, n), rng.integers(0, size.height, n)
    return Events(x, y, t, rng.integers(0, 2, n), size)
