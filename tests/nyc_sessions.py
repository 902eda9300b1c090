"""Raw NYC-Event-VPR sessions of a few events: the same straight street, driven several times."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np

from saccade.events import Events, SensorSize
from saccade.simulate.layouts import nyc
from saccade.simulate.recording import Track
from saccade.traverses.nyc_convert import NycRecipe

SENSOR = SensorSize(height=36, width=64)
SMALL = NycRecipe(least_events=20, size="32x24", bins=6)
SPEED_M_S = 10.0
DAY_US = 86_400_000_000
EPOCH_US = 1_670_351_250_250_000  # 2022-12-06 18:27:30.25


def straight_track(seconds: float) -> Track:
    """Return fixes at 10 Hz of a drive to the east at constant speed."""
    t_us = np.arange(0, int(seconds * 1e6) + 1, 100_000, dtype=np.int64)
    east = SPEED_M_S * t_us * 1e-6
    zero = np.zeros_like(east)
    latitude = -27.47 + zero
    longitude = 153.02 + east / (111_320 * np.cos(np.radians(27.47)))
    return Track(t_us, east, zero, zero, east, latitude, longitude, zero + SPEED_M_S, zero + 90.0)


def session_events(seconds: float, seed: int, *, events_per_s: int = 3_000) -> Events:
    rng, count = np.random.default_rng(seed), int(seconds * events_per_s)
    t = np.sort(rng.integers(0, int(seconds * 1e6), count))
    x, y = rng.integers(0, SENSOR.width, count), rng.integers(0, SENSOR.height, count)
    return Events(x, y, t, rng.integers(0, 2, count), SENSOR)


def write_session(folder: Path, number: int, *, seconds: float = 3.0) -> Path:
    """Write session ``number``; two sessions of a day are an hour apart. Return its folder."""
    day, hour = divmod(number, 2)
    recording: Any = SimpleNamespace(
        name=f"s{number}",
        track=straight_track(seconds),
        epoch_us=EPOCH_US + day * DAY_US + hour * 3_600_000_000,
        left=SimpleNamespace(size=SENSOR),
    )
    events = session_events(seconds, number)
    parts: Any = [SimpleNamespace(events={"left": part}) for part in (events[:700], events[700:])]
    return nyc.write(folder, recording, parts)[0].parent


def write_sessions(folder: Path, count: int) -> list[Path]:
    folder.mkdir(exist_ok=True)
    return [write_session(folder, number) for number in range(count)]
