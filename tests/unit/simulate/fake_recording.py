"""A recording that needs no world: parts drawn from a state that grows with them, for job tests."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from saccade.events import Events, SensorSize
from saccade.simulate.recording import Part

SIZE = SensorSize(12, 16)


class FakeSource:
    """Every part depends on a 64-bit state that all parts before it have changed."""

    def __init__(self, seed: int = 1) -> None:
        self.number = np.array([seed], np.uint64)
        self.calls: list[tuple[int, int]] = []

    def state(self) -> dict[str, NDArray[Any]]:
        return {"number": self.number.copy()}

    def restore(self, state: Mapping[str, NDArray[Any]]) -> None:
        self.number = np.array(state["number"], np.uint64)

    def part(self, start_us: int, end_us: int) -> Part:
        self.calls.append((start_us, end_us))
        rng = np.random.default_rng([int(self.number[0]), start_us])
        self.number = rng.integers(0, 2**63, 1, dtype=np.uint64)
        n = int(rng.integers(50, 200))
        events = Events(
            rng.integers(0, SIZE.width, n),
            rng.integers(0, SIZE.height, n),
            np.sort(rng.integers(start_us, end_us, n)),
            rng.integers(0, 2, n),
            SIZE,
        )
        image_us = np.arange(start_us, end_us, 250_000, dtype=np.int64)
        shape = (len(image_us), SIZE.height, SIZE.width)
        depth = rng.random(shape, np.float32)
        depth[:, :2] = np.nan
        return Part(
            start_us=start_us,
            end_us=end_us,
            events={"left": events},
            image_us=image_us,
            images={"left": rng.integers(0, 256, shape, dtype=np.uint8)},
            label_us=image_us,
            depth={"left": depth},
            flow={"dt1": rng.random((1, 2, *shape[1:]), np.float32)},
            flow_us={"dt1": np.array([[start_us, end_us - 1]])},
        )


def fake_recording(name: str = "day", seconds: float = 5.0) -> Any:
    """Return what of a `Recording` the jobs look at."""
    return SimpleNamespace(name=name, condition=name, duration_us=round(seconds * 1e6))


def write(folder: Path, recording: Any, parts: Iterable[Part], **options: Any) -> tuple[Path, ...]:
    """A layout: the events of all parts in one file, everything else hashed in another."""
    events, rest = hashlib.sha256(), hashlib.sha256()
    table = []
    for part in parts:
        for camera in part.events.values():
            table.append(np.stack([camera.t, camera.x, camera.y, camera.p], axis=1, dtype=np.int64))
        for group in (part.images, part.depth, part.flow, part.flow_us):
            for name, array in group.items():
                rest.update(f"{name}{array.dtype}{array.shape}".encode() + array.tobytes())
    events.update(np.concatenate(table).tobytes())
    path = folder / f"{recording.name}.txt"
    path.write_text(f"{events.hexdigest()}\n{rest.hexdigest()}\n{options}\n")
    return (path,)
