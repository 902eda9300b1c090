"""What the RAW and DAT writers refuse, and what other readers find in the header."""

from __future__ import annotations

from pathlib import Path

import pytest

from saccade.errors import EventError
from saccade.events.io import dat, evt2, evt3
from saccade.events.io.format import Format, ReadOptions
from saccade.events.io.raw_header import encoding, parse, sensor_size
from saccade.events.types import Events, SensorSize

SIZE = SensorSize(height=4, width=6)
WRITERS = [evt2.FORMAT, evt3.FORMAT, dat.FORMAT]


def one(t: int, size: SensorSize = SIZE, x: int = 0) -> Events:
    return Events([x], [0], [t], [1], size)


@pytest.mark.parametrize("kind", WRITERS, ids=lambda kind: kind.name)
def test_the_file_is_recognised_and_names_its_size(tmp_path: Path, kind: Format) -> None:
    path = tmp_path / "a.bin"
    kind.write(path, [one(5)], SIZE)  # type: ignore[misc]
    head = path.read_bytes()
    assert [other.name for other in WRITERS if other.sniff(head, path)] == [kind.name]
    assert sensor_size(parse(head)) == (SIZE, "header")
    assert encoding(parse(head)) == (None if kind.name == "dat" else kind.name)


@pytest.mark.parametrize("kind", WRITERS, ids=lambda kind: kind.name)
def test_no_packets_make_a_file_without_events(tmp_path: Path, kind: Format) -> None:
    kind.write(tmp_path / "a.bin", [Events.empty(SIZE)], SIZE)  # type: ignore[misc]
    assert len(kind.open(tmp_path / "a.bin", ReadOptions()).read()) == 0


@pytest.mark.parametrize("kind", WRITERS, ids=lambda kind: kind.name)
def test_negative_times_are_refused(tmp_path: Path, kind: Format) -> None:
    with pytest.raises(EventError, match=r"t = -1 µs cannot be written as \w+.*first event"):
        kind.write(tmp_path / "a.bin", [one(-1)], SIZE)  # type: ignore[misc]


@pytest.mark.parametrize("kind", WRITERS, ids=lambda kind: kind.name)
def test_packets_out_of_order_are_refused(tmp_path: Path, kind: Format) -> None:
    with pytest.raises(EventError, match="starts at 4 µs, after one that ended at 5 µs"):
        kind.write(tmp_path / "a.bin", [one(5), one(4)], SIZE)  # type: ignore[misc]


@pytest.mark.parametrize("kind", WRITERS, ids=lambda kind: kind.name)
def test_a_sensor_beyond_the_format_is_refused(tmp_path: Path, kind: Format) -> None:
    size = SensorSize(height=10, width=20_000)
    with pytest.raises(EventError, match="cannot hold a 20000x10 sensor"):
        kind.write(tmp_path / "a.bin", [], size)  # type: ignore[misc]


@pytest.mark.parametrize("kind", WRITERS, ids=lambda kind: kind.name)
def test_a_packet_of_a_larger_sensor_must_fit(tmp_path: Path, kind: Format) -> None:
    large = SensorSize(height=9, width=9)
    kind.write(tmp_path / "a.bin", [one(1, large, x=5)], SIZE)  # type: ignore[misc]
    with pytest.raises(EventError, match="A packet of a 9x9 sensor has events outside 6x4"):
        kind.write(tmp_path / "a.bin", [one(1, large, x=6)], SIZE)  # type: ignore[misc]


def test_twelve_days_are_the_limit_of_written_wraps(tmp_path: Path) -> None:
    evt3.FORMAT.write(tmp_path / "a.raw", [one((1 << 40) - 1)], SIZE)  # type: ignore[misc]
    assert evt3.FORMAT.open(tmp_path / "a.raw", ReadOptions()).read().t.tolist() == [(1 << 40) - 1]
    with pytest.raises(EventError, match=r"1,099,511,627,776 µs cannot be written as EVT3"):
        evt3.FORMAT.write(tmp_path / "a.raw", [one(1 << 40)], SIZE)  # type: ignore[misc]
