"""DAT: versions 1 and 2, event types, the 32-bit clock, writing."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from saccade.errors import EventError, FormatError
from saccade.events.io import dat
from saccade.events.io.format import ReadOptions
from saccade.events.types import Events, SensorSize

Row = tuple[int, int, int, int]  # t, x, y, p


def write_file(
    path: Path, rows: list[Row], *, version: int = 2, kind: int = 0x0C, size: int = 8
) -> Path:
    words = [
        (t, p << 28 | y << 14 | x) if version == 2 else (t, p << 17 | y << 9 | x)
        for t, x, y, p in rows
    ]
    text = f"% Data file containing CD events.\n% Version {version}\n% Height 240\n% Width 304\n"
    body = np.array(words, "<u4").reshape(-1, 2).tobytes()
    path.write_bytes(text.encode() + bytes([kind, size]) + body)
    return path


@pytest.mark.parametrize("version", [1, 2])
@pytest.mark.parametrize("kind", [0x00, 0x0C])
def test_both_versions_and_both_event_types_are_read(
    tmp_path: Path, version: int, kind: int
) -> None:
    rows = [(5, 303, 239, 1), (9, 0, 1, 0)]
    path = write_file(tmp_path / "a.dat", rows, version=version, kind=kind)
    assert dat.FORMAT.sniff(path.read_bytes(), path)
    reader = dat.FORMAT.open(path, ReadOptions())
    events = reader.read()
    assert list(zip(events.t, events.x, events.y, events.p, strict=True)) == rows
    assert reader.header.size == SensorSize(height=240, width=304)
    assert reader.header.version == str(version)


def test_external_triggers_are_refused_by_name(tmp_path: Path) -> None:
    path = write_file(tmp_path / "a.dat", [], kind=0x0E)
    with pytest.raises(FormatError, match=r"external triggers \(type 0x0E\)"):
        dat.FORMAT.open(path, ReadOptions())


def test_an_unknown_event_type_is_refused(tmp_path: Path) -> None:
    path = write_file(tmp_path / "a.dat", [], kind=0x28, size=16)
    with pytest.raises(FormatError, match=r"type 0x28 with 16 bytes"):
        dat.FORMAT.open(path, ReadOptions())


def test_an_unknown_version_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "a.dat"
    path.write_bytes(b"% Data file containing CD events.\n% Version 7\n\x0c\x08")
    with pytest.raises(FormatError, match="version 7"):
        dat.FORMAT.open(path, ReadOptions())


def test_a_file_that_ends_before_the_event_type_is_truncated(tmp_path: Path) -> None:
    path = tmp_path / "a.dat"
    path.write_bytes(b"% Data file containing CD events.\n% Version 2\n\x0c")
    with pytest.raises(FormatError, match="truncated: it ends before the event type"):
        dat.FORMAT.open(path, ReadOptions())


def test_a_polarity_above_one_is_an_error(tmp_path: Path) -> None:
    path = write_file(tmp_path / "a.dat", [(0, 0, 0, 1), (1, 0, 0, 3)])
    with pytest.raises(EventError, match=r"p = 3 at event 1 of a\.dat"):
        dat.FORMAT.open(path, ReadOptions()).read()


@settings(deadline=None, max_examples=60)
@given(
    st.lists(st.integers(0, (1 << 31) - 1), min_size=1, max_size=20),
    st.integers(0, (1 << 32) - 1),
    st.integers(1, 9),
)
def test_the_32_bit_clock_wraps_wherever_packets_end(
    tmp_path_factory: pytest.TempPathFactory, steps: list[int], start: int, packet: int
) -> None:
    t = start + np.cumsum([0, *steps])
    rows = [(int(moment) & 0xFFFFFFFF, 0, 0, 1) for moment in t]
    path = write_file(tmp_path_factory.getbasetemp() / "wrap.dat", rows)
    reader = dat.FORMAT.open(path, ReadOptions())
    assert np.array_equal(reader.read().t, t)
    assert np.array_equal(Events.concatenate(list(reader.packets(packet))).t, t)


def test_writing_and_reading_gives_the_same_events(tmp_path: Path) -> None:
    rng = np.random.default_rng(2)
    size = SensorSize(height=720, width=1280)
    events = Events(
        rng.integers(0, 1280, 5_000),
        rng.integers(0, 720, 5_000),
        np.sort(rng.integers(0, 1 << 32, 5_000)),
        rng.integers(0, 2, 5_000),
        size,
    )
    dat.FORMAT.write(tmp_path / "a.dat", [events[:1_000], events[1_000:]], size)  # type: ignore[misc]
    reader = dat.FORMAT.open(tmp_path / "a.dat", ReadOptions())
    again = reader.read()
    for name in "xytp":
        assert np.array_equal(getattr(again, name), getattr(events, name)), name
    assert (reader.header.size, reader.header.size_source) == (size, "header")


def test_times_beyond_32_bits_are_refused_when_writing(tmp_path: Path) -> None:
    size = SensorSize(height=2, width=2)
    with pytest.raises(EventError, match=r"t = 4,294,967,296 µs cannot be written as DAT"):
        dat.FORMAT.write(tmp_path / "a.dat", [Events([0], [0], [1 << 32], [1], size)], size)  # type: ignore[misc]
