"""Recordings of real cameras: counts, sizes, durations and ON shares known from other decoders."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import pytest

from saccade.errors import FormatError
from saccade.events.io import dat, es, evt2, evt3, nmnist
from saccade.events.io.format import Format, ReadOptions
from saccade.events.types import Events, SensorSize

CARRIED = Path(__file__).parents[3] / "data" / "ros_640x480_repacked.raw"
FOLDER = os.environ.get("SACCADE_TEST_DATA", "")
FORMATS = [evt3.FORMAT, evt2.FORMAT, dat.FORMAT, es.FORMAT, nmnist.FORMAT]

needs_data = pytest.mark.skipif(
    not FOLDER, reason="SACCADE_TEST_DATA does not name the folder of real recordings"
)


def open_recognised(path: Path):
    head = path.read_bytes()[: 1 << 16]
    (kind,) = [kind for kind in FORMATS if kind.sniff(head, path)]
    return kind, kind.open(path, ReadOptions())


def check(
    path: Path, kind: Format, size: str | None, count: int, duration_s: float, on: float
) -> Events:
    found, reader = open_recognised(path)
    assert found.name == kind.name
    assert (str(reader.header.size) if reader.header.size else None) == size
    events = reader.read()
    assert len(events) == count
    assert events.duration_us / 1e6 == pytest.approx(duration_s, abs=1e-3)
    assert events.p.mean() == pytest.approx(on, abs=6e-4)
    packets = Events.concatenate(list(reader.packets(10_000)))
    for name in "xytp":
        assert np.array_equal(getattr(packets, name), getattr(events, name))
    return events


def test_the_carried_evt3_recording_with_trigger_words() -> None:
    events = check(CARRIED, evt3.FORMAT, "640x480", 343_474, 2.078, 0.364)
    assert (int(events.t[0]), int(events.t[-1])) == (7_139_845, 9_218_023)


def test_real_events_survive_every_writer(tmp_path: Path) -> None:
    events = evt3.FORMAT.open(CARRIED, ReadOptions()).read()
    for kind in (evt2.FORMAT, evt3.FORMAT, dat.FORMAT):
        kind.write(tmp_path / "again", [events], events.size)  # type: ignore[misc]
        again = kind.open(tmp_path / "again", ReadOptions()).read()
        for name in "xytp":
            assert np.array_equal(getattr(again, name), getattr(events, name)), (kind.name, name)
        if kind is evt3.FORMAT:
            assert (tmp_path / "again").stat().st_size < CARRIED.stat().st_size


@needs_data
@pytest.mark.parametrize(
    ("name", "kind", "size", "count", "duration_s", "on"),
    [
        ("evt2/sparks_640x480.raw", evt2.FORMAT, "640x480", 521_252, 0.0959, 0.357),
        ("evt3/drive_1280x720.raw", evt3.FORMAT, "1280x720", 219_596, 0.0088, 0.526),
        ("es/dvs_320x240.es", es.FORMAT, "320x240", 473_225, 0.999, 0.571),
        ("dat/ncars_legacy_type.dat", dat.FORMAT, None, 2_009, 0.100, 0.672),
        ("nmnist/tonic_sample.bin", nmnist.FORMAT, "34x34", 4_325, 0.311, 0.496),
    ],
)
def test_recordings_of_the_data_folder(
    name: str, kind: Format, size: str | None, count: int, duration_s: float, on: float
) -> None:
    check(Path(FOLDER) / "events" / name, kind, size, count, duration_s, on)


@needs_data
def test_sensor_ids_tell_the_size_where_the_header_does_not() -> None:
    folder = Path(FOLDER) / "events"
    for name, source in (
        ("evt2/sparks_640x480.raw", "sensor id 21"),
        ("evt3/drive_1280x720.raw", "sensor id 48"),
    ):
        assert open_recognised(folder / name)[1].header.size_source == source


@needs_data
def test_the_re_encoded_dat_file_equals_its_source() -> None:
    folder = Path(FOLDER) / "events"
    source = evt2.FORMAT.open(folder / "evt2/sparks_640x480.raw", ReadOptions()).read()[:200_000]
    copy = dat.FORMAT.open(folder / "reencoded/sparks_640x480_v2.dat", ReadOptions()).read()
    assert np.array_equal(copy.t, source.t - source.t[0])
    for name in "xyp":
        assert np.array_equal(getattr(copy, name), getattr(source, name))


@needs_data
def test_a_generic_event_stream_is_refused_by_name() -> None:
    with pytest.raises(FormatError, match=r"type 0 \(generic\)"):
        es.FORMAT.open(Path(FOLDER) / "events/es/generic.es", ReadOptions())


@needs_data
def test_small_nmnist_recordings_are_recognised_and_end_below_0_4_seconds(tmp_path: Path) -> None:
    import zipfile

    archive = Path(FOLDER) / "classification" / "nmnist_small_shared.zip"
    with zipfile.ZipFile(archive) as files:
        names = [name for name in files.namelist() if name.endswith(".bs2")][:40]
        for name in names:
            (tmp_path / "a.bs2").write_bytes(files.read(name))
            kind, reader = open_recognised(tmp_path / "a.bs2")
            events = reader.read()
            assert kind.name == "nmnist"
            assert events.size == SensorSize(height=34, width=34)
            assert 1_000 < len(events) < 7_200
            assert 0 <= events.t[0] <= events.t[-1] < 400_000
