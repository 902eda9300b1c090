"""Live comparison with faery, an independent library: it reads what we write, and the reverse."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from saccade.events.io import dat, es, evt2, evt3
from saccade.events.io.format import Format, ReadOptions
from saccade.events.types import Events, SensorSize

pytestmark = pytest.mark.rivals
faery = pytest.importorskip("faery", reason="faery is not installed (make test-rivals)")

SIZE = SensorSize(height=720, width=1280)
CARRIED = Path(__file__).parents[3] / "data" / "ros_640x480_repacked.raw"


def scene(seed: int, start_us: int = 0, duration_us: int = 30_000_000) -> Events:
    """Single events and horizontal runs over 30 s, so that the EVT3 clock wraps once."""
    rng = np.random.default_rng(seed)
    groups = 4_000
    lengths = np.where(rng.random(groups) < 0.3, rng.integers(2, 40, groups), 1)
    group = np.repeat(np.arange(groups), lengths)
    step = np.arange(group.size) - np.repeat(np.cumsum(lengths) - lengths, lengths)
    return Events(
        rng.integers(0, SIZE.width - 40, groups)[group] + step,
        rng.integers(0, SIZE.height, groups)[group],
        start_us + np.sort(rng.integers(0, duration_us, groups))[group],
        rng.integers(0, 2, groups)[group],
        SIZE,
    )


def assert_same(theirs: np.ndarray, ours: Events) -> None:
    assert np.array_equal(theirs["t"].astype(np.int64), ours.t)
    assert np.array_equal(theirs["x"], ours.x)
    assert np.array_equal(theirs["y"], ours.y)
    assert np.array_equal(theirs["p"], ours.p.astype(bool))


@pytest.mark.parametrize(
    ("kind", "ending"), [(evt2.FORMAT, "raw"), (evt3.FORMAT, "raw"), (dat.FORMAT, "dat")]
)
def test_faery_reads_what_we_write(tmp_path: Path, kind: Format, ending: str) -> None:
    events = scene(1)
    path = tmp_path / f"ours.{ending}"
    kind.write(path, [events[:5_000], events[5_000:]], SIZE)  # type: ignore[misc]
    stream = faery.events_stream_from_file(path)
    assert stream.dimensions() == (SIZE.width, SIZE.height)
    assert_same(stream.to_array(), events)


@pytest.mark.parametrize("start_us", [0, 5_000_000])
@pytest.mark.parametrize(
    ("kind", "ending", "version"),
    [
        (evt2.FORMAT, "raw", "evt2"),
        (evt3.FORMAT, "raw", "evt3"),
        (dat.FORMAT, "dat", "dat2"),
        (es.FORMAT, "es", None),
    ],
)
def test_we_read_what_faery_writes(
    tmp_path: Path, kind: Format, ending: str, version: str | None, start_us: int
) -> None:
    events = scene(2, start_us)
    array = np.zeros(len(events), faery.EVENTS_DTYPE)
    array["t"], array["x"], array["y"] = events.t, events.x, events.y
    array["p"] = events.p.astype(bool)
    path = tmp_path / f"theirs.{ending}"
    source = faery.events_stream_from_array(array, dimensions=(SIZE.width, SIZE.height))
    source.to_file(path, version=version)
    assert kind.sniff(path.read_bytes()[: 1 << 16], path)
    reader = kind.open(path, ReadOptions())
    assert reader.header.size == SIZE
    ours = reader.read()
    offset = int(events.t[0]) if kind is es.FORMAT else 0  # ES has no place for a first time
    assert np.array_equal(ours.t, events.t - offset)
    assert np.array_equal(ours.x, events.x)
    assert np.array_equal(ours.y, events.y)
    assert np.array_equal(ours.p, events.p)


def test_faery_and_we_agree_on_a_real_evt3_recording() -> None:
    assert_same(
        faery.events_stream_from_file(CARRIED).to_array(),
        evt3.FORMAT.open(CARRIED, ReadOptions()).read(),
    )
