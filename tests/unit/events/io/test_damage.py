"""Damaged files end in an error of ours that a person can read, never in a library's traceback."""

from pathlib import Path

import numpy as np
import pytest
from aedat4_writer import write_aedat4

import saccade
from saccade.errors import SaccadeError
from saccade.events import Events, SensorSize, to_array, to_records

SIZE = SensorSize(height=180, width=240)
KINDS = ["npz", "text", "hdf5", "records", "plain", "aedat4", "evt2", "evt3", "dat"]


def written(kind: str, folder: Path) -> Path:
    rng = np.random.default_rng(7)
    t = np.cumsum(rng.integers(0, 50, 300))
    x, y, p = (rng.integers(0, most, 300) for most in (240, 180, 2))
    events = Events(x, y, t, p, SIZE)
    path = folder / f"{kind}.bin"
    if kind == "aedat4":
        return write_aedat4(path, {0: events}, compression="zstd")
    if kind in ("records", "plain"):
        array = (
            to_records(events, "tonic") if kind == "records" else to_array(events, time_unit="s")
        )
        with path.open("wb") as file:
            np.save(file, array)
        return path
    return saccade.save(events, path, format=kind)


@pytest.mark.parametrize("kind", KINDS)
def test_changed_bytes_and_cuts_raise_errors_of_ours_or_nothing(kind: str, tmp_path: Path) -> None:
    whole = written(kind, tmp_path).read_bytes()
    rng = np.random.default_rng(8)
    outcomes = {"read": 0, "refused": 0}
    path = tmp_path / "damaged.bin"
    for trial in range(150):
        content = bytearray(whole)
        reach = min(len(content), int(rng.choice([64, 1024, 1 << 20])))
        for at in rng.integers(0, reach, int(rng.choice([1, 3, 10]))):
            content[at] = int(rng.choice([0, 255, ord("9"), ord(","), rng.integers(0, 256)]))
        end = len(content) if trial % 3 else int(rng.integers(1, len(content)))
        path.write_bytes(content[:end])
        try:
            saccade.open(path, size=SIZE)
            outcomes["read"] += 1
        except SaccadeError as error:
            assert str(error)
            outcomes["refused"] += 1
    assert outcomes["refused"] > 10
