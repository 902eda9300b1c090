"""Small place sets in their published layouts, with events of the simulator's own pixels.

A street is a long strip of brightness. A camera looks at it from the side and drives along; each
drive has its own light, speed, pixels and receiver.
"""

from __future__ import annotations

import io
from collections.abc import Callable, Iterator
from contextlib import redirect_stderr, redirect_stdout
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from saccade.cli.main import main
from saccade.events import Events, SensorSize
from saccade.simulate.camera import Camera
from saccade.simulate.drive import Drive
from saccade.simulate.frames import events_from_frames
from saccade.simulate.geography import Receiver, receive
from saccade.simulate.layouts import brisbane, nsavp, nyc
from saccade.simulate.pixel import PixelModel
from saccade.simulate.recording import Part, Recording
from saccade.simulate.trajectory import imu

SIZE = SensorSize(height=24, width=32)
ROUTE = [[0, 0], [300, 200], [700, 260]]
PX_PER_M = 2.0
STEP_US = 20_000
EPOCH_US = 1_622_548_800_000_000
LIGHT = {"day": 1_000.0, "morning": 600.0, "overcast": 400.0, "sunset": 90.0, "night": 4.0}
"""Condition -> luminance of the street, cd/m2."""


def street_cd(metres: float = 900.0, *, seed: int = 5) -> NDArray[np.float64]:
    """Return relative luminance ``[H, columns]``: blocks of three pixels, smoothed a little."""
    rng = np.random.default_rng(seed)
    columns = int(metres * PX_PER_M) + SIZE.width
    coarse = rng.normal(0.0, 0.7, (SIZE.height // 3, columns // 3 + 1))
    blocks = coarse.repeat(3, axis=0).repeat(3, axis=1)[:, :columns]
    soft = (blocks + np.roll(blocks, 1, axis=1) + np.roll(blocks, -1, axis=1)) / 3
    return np.exp(soft)


STREET = street_cd()


def record(
    condition: str, number: int, *, seconds: float, size: SensorSize = SIZE
) -> tuple[Recording, list[Part]]:
    """Return drive ``number`` along the street; its events are spread over a larger sensor."""
    drive = Drive(ROUTE, seed=number, duration_s=seconds, stops=0, mean_speed_m_s=12.0)
    label_us = np.arange(0, drive.duration_us, 1_000_000, dtype=np.int64)
    recording = Recording(
        name=f"{condition}{number}", condition=condition, cameras=("left",),
        left=Camera.davis346().scaled(size), rig=None, duration_us=drive.duration_us,
        epoch_us=EPOCH_US + number * 86_400_000_000, image_us=label_us, label_us=label_us,
        poses=drive.poses(label_us),
        track=receive(drive, rate_hz=10, seed=number, receiver=Receiver(dropouts_per_hour=0)),
        imu=imu(drive, 100.0), seed=number,
    )  # fmt: skip
    return recording, list(_parts(drive, LIGHT[condition], number, size))


def _parts(drive: Drive, white: float, seed: int, size: SensorSize) -> Iterator[Part]:
    def frames() -> Iterator[tuple[int, NDArray[np.float32]]]:
        for t_us in range(0, drive.duration_us, STEP_US):
            start = float(drive.distance_m(np.array([t_us]))[0]) * PX_PER_M
            first, share = int(start), start % 1.0
            view = STREET[:, first : first + SIZE.width + 1]
            yield t_us, (white * ((1 - share) * view[:, :-1] + share * view[:, 1:])).astype("f4")

    model = PixelModel.davis346(threshold_on=0.4, threshold_off=0.4)
    pieces = list(events_from_frames(frames(), model, seed=seed, size=SIZE, jobs=1))
    events = _spread(Events.concatenate(pieces), seed, size)
    none: Any = np.empty(0, np.int64)
    for start in range(0, drive.duration_us, 1_000_000):
        end = min(start + 1_000_000, drive.duration_us)
        yield Part(
            start_us=start, end_us=end, events={"left": events.slice_time(start, end)},
            image_us=none, images={}, label_us=none, depth={}, flow={}, flow_us={},
        )  # fmt: skip


def _spread(events: Events, seed: int, size: SensorSize) -> Events:
    """Put each event anywhere within its pixel on a sensor with more of them."""
    if size == SIZE:
        return events
    rng = np.random.default_rng(seed)
    across, down = size.width // SIZE.width, size.height // SIZE.height
    x = events.x.astype(np.int64) * across + rng.integers(0, across, len(events))
    y = events.y.astype(np.int64) * down + rng.integers(0, down, len(events))
    return Events(x, y, events.t, events.p, size)


def write_brisbane(folder: Path, *, seconds: float = 30.0) -> None:
    """Write all six traverses as they are downloaded."""
    drives = {
        "daytime": "day", "sunset2": "sunset", "sunrise": "overcast",
        "sunset1": "sunset", "morning": "morning", "night": "night",
    }  # fmt: skip
    folder.mkdir()
    for number, (name, condition) in enumerate(drives.items(), 1):
        brisbane.write(folder, *record(condition, number, seconds=seconds), traverse=name)


def write_nsavp(folder: Path, *, seconds: float = 20.0) -> None:
    """Write the four published drives and one by night, without what `prepare` makes."""
    drives = {
        "R0_RS0": "sunset", "R0_RA0": "day", "R0_FS0": "sunset", "R0_FA0": "day",
        "R0_FN0": "night",
    }  # fmt: skip
    folder.mkdir()
    for number, (name, condition) in enumerate(drives.items(), 1):
        made = record(condition, number, seconds=seconds, size=nsavp.SENSOR)
        nsavp.write(folder, *made, traverse=name, downsampled=False)


def write_nyc(folder: Path, *, seconds: float = 8.0) -> None:
    """Write five sessions of as many days."""
    folder.mkdir()
    for number, condition in enumerate(LIGHT, 1):
        nyc.write(folder, *record(condition, number, seconds=seconds))


@dataclass(frozen=True)
class Told:
    """What a command line left behind."""

    code: int
    out: str
    err: str


def say(*words: str | Path | float) -> Told:
    """Run a command line."""
    out, err = io.StringIO(), io.StringIO()
    with redirect_stdout(out), redirect_stderr(err):
        code = main([str(word) for word in words])
    return Told(code, out.getvalue(), " ".join(err.getvalue().split()))


@dataclass(frozen=True)
class Mock:
    """How a set is written and used.

    Args:
        write: Writes it as it is downloaded.
        prepare: Further words of ``saccade prepare``.
        size: Size of frames.
        epochs: Of training.
        tests: Pairs that are tested; by default those of the set.
        pairs: Their names.
    """

    write: Callable[[Path], None]
    size: str
    epochs: int
    pairs: tuple[str, ...]
    prepare: tuple[str, ...] = ()
    tests: tuple[str, ...] = ()


MOCKS = {
    "brisbane": Mock(write_brisbane, "32x24", 2, ("night in morning",), tests=("night:morning",)),
    "nsavp": Mock(write_nsavp, "43x32", 4, ("R0_FN0 in R0_FS0",), tests=("R0_FN0:R0_FS0",)),
    "nyc": Mock(
        write_nyc,
        "32x24",
        6,
        ("test/queries in test/database",),
        prepare=("--size", "32x24", "--least-events", "100"),
    ),
}
"""Name of a set -> how it is mocked."""


class PlaceSets:
    """Sets that are made and prepared once.

    Args:
        folder: Where.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def raw(self, name: str) -> Path:
        """Return the folder of a set as it is downloaded."""
        folder = self.folder / f"{name}_raw"
        if not folder.exists():
            MOCKS[name].write(folder)
        return folder

    def prepared(self, name: str) -> Path:
        """Return the folder of a set after ``saccade prepare``."""
        folder = self.folder / name
        if not folder.exists():
            told = say("prepare", name, self.raw(name), folder, *MOCKS[name].prepare)
            assert told.code == 0, told.err
        return folder

    def words(self, verb: str, name: str, *more: str | Path | float) -> list[str]:
        """Return ``saccade VERB place --recipe NAME`` for a network of 10 thousand numbers."""
        mock = MOCKS[name]
        words = [verb, "place", "--recipe", name, "--root", self.prepared(name)]
        words += ["--input-size", mock.size, "--device", "cpu", "--workers", "0"]
        if verb == "train":
            epochs = str(mock.epochs)
            words += [*TINY, "--epochs", epochs, "--validate-every", epochs]
        else:
            words += ["--baselines", "sad/4", "own_centred/4"]
            words += ["--tests", *mock.tests] if mock.tests else []
        return [str(word) for word in (*words, *more)]


TINY = [
    *("--arch", "sew_resnet8", "--width", "8", "--aggregator", "cells", "--grid", "3", "4"),
    *("--out-channels", "16", "--counts", "log", "--no-zero-init-residual", "--patience", "0"),
    *("--pairs", "4", "--learning-rate", "0.005"),
]
"""A network of 10 thousand numbers, and how it is trained."""
