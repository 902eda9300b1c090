"""Recordings of one straight road with a table of positions each, for the data set "files"."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from saccade import save
from saccade.events import Events, SensorSize

SENSOR = SensorSize(height=36, width=48)
SPEED_M_S = 10.0
SECONDS = 8.0


def road_events(
    seed: int, *, seconds: float = SECONDS, start_us: int = 0, size: SensorSize = SENSOR
) -> Events:
    """Return events whose column tells the metre of the road: x = metres modulo the width."""
    rng, count = np.random.default_rng(seed), int(seconds * 20_000)
    t = np.sort(rng.integers(0, int(seconds * 1e6), count))
    t[0], t[-1] = 0, int(seconds * 1e6) - 1
    x = (SPEED_M_S * t * 1e-6).astype(np.int64) % size.width
    y = rng.integers(0, size.height, count)
    return Events(x, y, t + start_us, rng.integers(0, 2, count), size)


def road_table(
    *, seconds: float = SECONDS, start_us: int = 0, header: str = "t_us,x,y", step_us: int = 100_000
) -> str:
    """Return a table of a drive to the east at 10 m/s."""
    lines = [header]
    for t in range(0, int(seconds * 1e6) + 1, step_us):
        east = SPEED_M_S * t * 1e-6
        if "lat" in header:
            degrees = np.degrees(east / 6_371_000)
            lines.append(f"{t + start_us},0.0,{degrees:.12f}")
        else:
            lines.append(f"{t + start_us},{east:.4f},0.0")
    return "\n".join(lines) + "\n"


def write_drive(
    folder: Path,
    name: str,
    seed: int,
    *,
    ending: str = ".raw",
    table: str | None = None,
    size: SensorSize = SENSOR,
    seconds: float = SECONDS,
) -> Path:
    """Write a recording and its table; return the recording."""
    path = folder / f"{name}{ending}"
    save(road_events(seed, size=size, seconds=seconds), path)
    (folder / f"{name}.csv").write_text(road_table(seconds=seconds) if table is None else table)
    return path
