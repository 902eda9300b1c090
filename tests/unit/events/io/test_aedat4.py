"""AEDAT 4 through the aedat package."""

from pathlib import Path

import numpy as np
import pytest
from aedat4_writer import write_aedat4

import saccade
from event_strategies import assert_same
from saccade.errors import EventError, FormatError
from saccade.events import Events, SensorSize
from saccade.events.io import inspect

SIZE = SensorSize(height=180, width=240)


def events(count: int = 5000, first_us: int = 1_605_537_493_718_345) -> Events:
    rng = np.random.default_rng(6)
    t = first_us + np.cumsum(rng.integers(0, 40, count))
    x, y, p = (rng.integers(0, most, count) for most in (240, 180, 2))
    return Events(x, y, t, p, SIZE)


@pytest.mark.parametrize("compression", ["none", "lz4", "zstd"])
def test_events_size_and_times_are_read(compression: str, tmp_path: Path) -> None:
    path = write_aedat4(tmp_path / "a.raw", {0: events()}, 3000, compression)
    header = inspect(path).header
    assert (header.format, header.size, header.size_source) == ("aedat4", SIZE, "header")
    assert_same(saccade.open(path), events())


def test_packets_are_split_and_read_twice_alike(tmp_path: Path) -> None:
    reader = inspect(write_aedat4(tmp_path / "a.aedat4", {0: events()}))
    for _ in range(2):
        packets = list(reader.packets(64))
        assert max(map(len, packets)) == 64
        assert_same(Events.concatenate(packets), events())


def test_first_of_several_event_streams_is_read_and_said(tmp_path: Path) -> None:
    path = write_aedat4(tmp_path / "a.aedat4", {5: events(300), 2: events(700)})
    assert_same(saccade.open(path), events(700))
    assert inspect(path).header.notes == ("Read from event stream 2; the file has 5 as well.",)


def test_file_without_event_stream_is_refused(tmp_path: Path) -> None:
    path = write_aedat4(tmp_path / "a.aedat4", {4: events(0)}, identifier="TRIG")
    with pytest.raises(FormatError, match="has no event stream; its streams are 4: triggers"):
        saccade.open(path)


def test_file_cut_inside_a_packet_is_truncated(tmp_path: Path) -> None:
    path = write_aedat4(tmp_path / "a.aedat4", {0: events()}, packet=1000)
    path.write_bytes(path.read_bytes()[:-500])
    with pytest.raises(FormatError, match=r"truncated: it ends inside a packet after 4,000 events"):
        saccade.open(path)
    assert_same(saccade.open(path, on_truncation="keep"), events()[:4000])


def test_file_cut_inside_the_header_is_truncated(tmp_path: Path) -> None:
    path = write_aedat4(tmp_path / "a.aedat4", {0: events()})
    path.write_bytes(path.read_bytes()[:200])
    with pytest.raises(FormatError, match="truncated: it ends inside its header"):
        saccade.open(path)


def test_damaged_packet_is_named(tmp_path: Path) -> None:
    path = write_aedat4(tmp_path / "a.aedat4", {0: events(1000)}, packet=1000)
    damaged = bytearray(path.read_bytes())
    at = damaged.index(b"EVTS", damaged.index(b"</dv>"))
    damaged[at : at + 4] = b"XXXX"
    path.write_bytes(damaged)
    with pytest.raises(FormatError, match=r"damaged after 0 events"):
        saccade.open(path)


@pytest.mark.parametrize(("at", "value"), [(20, 0x7F), (300, 0xFF)], ids=["offset", "text"])
def test_damaged_header_is_named(at: int, value: int, tmp_path: Path) -> None:
    path = write_aedat4(tmp_path / "a.aedat4", {0: events(1000)})
    damaged = bytearray(path.read_bytes())
    damaged[at] = value
    path.write_bytes(damaged)
    with pytest.raises(FormatError, match="damaged in its header"):
        saccade.open(path)


def test_events_outside_a_stated_size_are_refused(tmp_path: Path) -> None:
    path = write_aedat4(tmp_path / "a.aedat4", {0: events()})
    with pytest.raises(EventError, match=r"x = .* of a\.aedat4 but width is 100"):
        saccade.open(path, size=SensorSize(height=180, width=100))
