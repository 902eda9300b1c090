"""HDF5: our own layout, DSEC, MVSEC and what else there is."""

import importlib
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import saccade
from event_strategies import assert_same, recordings
from saccade.errors import ConfigError, FormatError, MissingExtraError
from saccade.events import Events, SensorSize
from saccade.events.io import hdf5_own, inspect
from saccade.events.io.format import ReadOptions
from saccade.events.io.hdf5_columns import Hdf5Reader

VGA = SensorSize(height=480, width=640)


def events(count: int = 5000, size: SensorSize = VGA, first_us: int = 0) -> Events:
    rng = np.random.default_rng(4)
    t = first_us + np.cumsum(rng.integers(0, 40, count))
    x, y = rng.integers(0, size.width, count), rng.integers(0, size.height, count)
    return Events(x, y, t, rng.integers(0, 2, count), size)


def opened(path: Path, **options: Any) -> Hdf5Reader:
    reader = inspect(path, ReadOptions(**options))
    assert isinstance(reader, Hdf5Reader)
    return reader


def write(path: Path, datasets: dict[str, Any], **attributes: Any) -> Path:
    with h5py.File(path, "w") as file:
        for name, value in datasets.items():
            file[name] = value
        file.attrs.update(attributes)
    return path


def milliseconds(t: np.ndarray) -> np.ndarray:
    """Index as the DSEC page defines it: t[i[m]] >= 1000 m and t[i[m] - 1] < 1000 m."""
    return np.array([np.sum(t < 1000 * m) for m in range(int(t[-1]) // 1000 + 1)], np.uint64)


def dsec(path: Path, e: Events, offset: int = 49_599_300_300) -> Path:
    return write(
        path,
        {
            "events/x": e.x,
            "events/y": e.y,
            "events/t": e.t.astype(np.uint32),
            "events/p": e.p,
            "ms_to_idx": milliseconds(e.t),
            "t_offset": np.int64(offset),
        },
    )


def check_windows(reader: Hdf5Reader, whole: Events) -> None:
    """Windows equal slices of the whole, also at the ends, outside, empty and at equal times."""
    first, last = int(whole.t[0]), int(whole.t[-1])
    rng = np.random.default_rng(5)
    edges = [first - 2000, first, first + 1, first + 1000, last - 1, last, last + 1, last + 5000]
    edges += rng.integers(first, last + 1, 6).tolist()
    for start in edges:
        for end in (start, start + 1, start + 1000, start + 3333, last + 1):
            if end >= start:
                assert_same(reader.read_window(start, end), whole.slice_time(start, end))


def test_dsec_adds_the_offset_and_reads_windows(tmp_path: Path) -> None:
    path = dsec(tmp_path / "events.h5", events())
    reader = opened(path)
    shifted = events(first_us=49_599_300_300)
    assert (reader.header.version, reader.header.size) == ("DSEC", VGA)
    assert_same(reader.read(), shifted)
    check_windows(reader, shifted)


def test_own_layout_reads_windows(tmp_path: Path) -> None:
    e = events(first_us=7_139_845)
    check_windows(opened(saccade.save(e, tmp_path / "a.h5")), e)


@settings(max_examples=25)
@given(recordings(max_step_us=900), st.integers(1, 60))
def test_own_index_is_the_first_event_of_each_millisecond(
    tmp_path_factory: pytest.TempPathFactory, recording: Events, packet: int
) -> None:
    path = tmp_path_factory.mktemp("own") / "a.h5"
    starts = range(0, len(recording), packet)
    parts = (recording[start : start + packet] for start in starts)
    hdf5_own.write_hdf5(path, parts, recording.size)
    with h5py.File(path) as file:
        index = file["ms_to_idx"][:]
        first = int(file["ms_to_idx"].attrs["t_first_us"])
    relative = recording.t - first
    expected = [np.sum(relative < 1000 * m) for m in range(len(index))]
    assert index.tolist() == expected
    assert len(index) == (0 if not len(recording) else recording.duration_us // 1000 + 1)


def test_windows_of_the_own_layout_read_their_chunks_only(tmp_path: Path) -> None:
    e = events(400_000)
    path = saccade.save(e, tmp_path / "a.h5")
    damaged = bytearray(path.read_bytes())
    with h5py.File(path) as file:
        chunks = [file[name].id.get_chunk_info(0) for name in "xytp"]
    for chunk in chunks:
        damaged[chunk.byte_offset : chunk.byte_offset + chunk.size] = bytes(chunk.size)
    path.write_bytes(damaged)
    start, end = int(e.t[200_000]), int(e.t[260_000])
    assert_same(opened(path).read_window(start, end), e.slice_time(start, end))


@pytest.mark.parametrize("compression", ["lzf", "gzip", None])
def test_own_layout_with_every_compression(compression: Any, tmp_path: Path) -> None:
    hdf5_own.write_hdf5(tmp_path / "a.h5", [events()], VGA, compression)
    assert_same(saccade.open(tmp_path / "a.h5"), events())
    fields = inspect(tmp_path / "a.h5").header.fields
    assert fields["compression"] == (compression or "none")


def test_recording_of_years_is_refused_by_the_index(tmp_path: Path) -> None:
    gap = Events([0, 0], [0, 0], [0, 10**15], [1, 1], VGA)
    with pytest.raises(saccade.errors.EventError, match="spans 277,778 hours"):
        saccade.save(gap, tmp_path / "a.h5")
    assert list(tmp_path.iterdir()) == []


def test_later_version_of_the_own_layout_is_refused(tmp_path: Path) -> None:
    path = saccade.save(events(), tmp_path / "a.h5")
    with h5py.File(path, "a") as file:
        file.attrs["saccade_events"] = 2
    with pytest.raises(FormatError, match=r"version 2 of the layout.*Update saccade"):
        saccade.open(path)


def test_wrong_index_does_not_give_wrong_windows(tmp_path: Path) -> None:
    e = events()
    path = dsec(tmp_path / "events.h5", e, offset=0)
    with h5py.File(path, "a") as file:
        file["ms_to_idx"][:] = 17
    check_windows(opened(path), e)


def test_window_that_ends_before_it_starts_is_refused(tmp_path: Path) -> None:
    reader = opened(saccade.save(events(), tmp_path / "a.h5"))
    with pytest.raises(ConfigError, match=r"ends at 5 µs, before its start at 1,000 µs"):
        reader.read_window(1000, 5)


def mvsec(path: Path, sides: dict[str, Events], **more: Any) -> Path:
    tables = {
        f"davis/{side}/events": np.stack(
            [e.x, e.y, e.t / 1e6, 2.0 * e.p - 1], axis=1, dtype=np.float64
        )
        for side, e in sides.items()
    }
    return write(path, tables | more)


DAVIS346, DAVIS240 = SensorSize(height=260, width=346), SensorSize(height=180, width=240)


def test_mvsec_has_two_cameras_and_epoch_seconds(tmp_path: Path) -> None:
    left = events(size=DAVIS346, first_us=1_504_645_177_420_000)
    right = events(900, size=DAVIS346, first_us=1_504_645_177_430_001)
    path = mvsec(tmp_path / "a.hdf5", {"left": left, "right": right})
    assert_same(saccade.open(path), left)
    assert_same(saccade.open(path, side="right"), right)
    check_windows(opened(path), left)


def test_mvsec_without_the_asked_side_names_the_other(tmp_path: Path) -> None:
    path = mvsec(tmp_path / "a.hdf5", {"left": events(size=DAVIS346)})
    with pytest.raises(FormatError, match=r"no events of the right camera\. Pass --side left"):
        saccade.open(path, side="right")


@pytest.mark.parametrize(
    ("size", "source"), [(DAVIS346, "format"), (DAVIS240, "coordinates")], ids=str
)
def test_mvsec_size_without_frames_follows_from_the_coordinates(
    size: SensorSize, source: str, tmp_path: Path
) -> None:
    header = inspect(mvsec(tmp_path / "a.hdf5", {"left": events(size=size)})).header
    assert (header.size, header.size_source) == (size, source)
    assert "no frames" in header.notes[0]


def test_mvsec_size_follows_from_the_frames(tmp_path: Path) -> None:
    few = Events([1], [1], [1], [1], DAVIS346)
    frames = {"davis/left/image_raw": np.zeros((2, 260, 346), np.uint8)}
    header = inspect(mvsec(tmp_path / "a.hdf5", {"left": few}, **frames)).header
    assert (header.size, header.size_source) == (DAVIS346, "frames")


def event_flow(path: Path, e: Events, **attributes: Any) -> Path:
    return write(
        path,
        {
            "events/xs": e.x.astype(np.int16),
            "events/ys": e.y.astype(np.int16),
            "events/ts": e.t / 1e6,
            "events/ps": e.p.astype(np.bool_),
        },
        **attributes,
    )


def test_event_flow_layout_is_read_in_seconds_and_said(tmp_path: Path) -> None:
    e = events(first_us=1_504_645_177_420_000)
    path = event_flow(tmp_path / "a.h5", e, sensor_resolution=[480, 640])
    assert_same(saccade.open(path), e)
    notes = " ".join(inspect(path).header.notes)
    assert "Times were taken as s" in notes and "from sensor_resolution" in notes


def test_size_stated_the_other_way_round_is_understood(tmp_path: Path) -> None:
    path = event_flow(tmp_path / "a.h5", events(), resolution=[640, 480])
    assert saccade.open(path).size == VGA


def test_generic_file_without_a_size_asks_for_it(tmp_path: Path) -> None:
    path = event_flow(tmp_path / "a.h5", events())
    with pytest.raises(FormatError, match="--size"):
        saccade.open(path)


def test_m3ed_layout_takes_the_asked_side(tmp_path: Path) -> None:
    left, right = events(), events(700)
    datasets: dict[str, Any] = {}
    for side, e in (("left", left), ("right", right)):
        group = f"prophesee/{side}"
        datasets |= {f"{group}/{name}": getattr(e, name) for name in "xytp"}
        datasets[f"{group}/ms_map_idx"] = milliseconds(e.t)
        datasets[f"{group}/calib/resolution"] = [640, 480]
    path = write(tmp_path / "a.h5", datasets)
    assert_same(saccade.open(path), left)
    assert_same(saccade.open(path, side="right"), right)
    assert "there are events in prophesee/right as well" in inspect(path).header.notes[0]
    check_windows(opened(path), left)


def test_m3ed_layout_without_the_asked_side_names_the_other(tmp_path: Path) -> None:
    datasets = {f"prophesee/left/{name}": getattr(events(), name) for name in "xytp"}
    path = write(tmp_path / "a.h5", datasets)
    with pytest.raises(FormatError, match=r"none of the right camera\. Pass --side left"):
        saccade.open(path, side="right", size=VGA)


def test_metavision_records_are_read(tmp_path: Path) -> None:
    e = events()
    path = write(
        tmp_path / "a.hdf5",
        {"CD/events": saccade.events.to_records(e, "metavision")},
        geometry="640x480",
    )
    assert_same(saccade.open(path), e)
    check_windows(opened(path), e)


def test_table_in_any_group_is_recognised_or_stated(tmp_path: Path) -> None:
    e = events()
    path = write(tmp_path / "a.h5", {"data/raw": saccade.events.to_array(e, "xytp")})
    assert_same(saccade.open(path, size=VGA), e)
    path = write(tmp_path / "b.h5", {"data/raw": saccade.events.to_array(e, "pytx", "ms")})
    assert_same(saccade.open(path, size=VGA, columns="pytx", time_unit="ms"), e)


def test_file_without_events_says_what_it_holds(tmp_path: Path) -> None:
    path = write(tmp_path / "depth.h5", {"davis/left/depth_image_raw": np.zeros((2, 3, 4))})
    with pytest.raises(FormatError, match=r"without events; it holds davis/left/depth_image_raw"):
        saccade.open(path)


def test_columns_of_different_length_are_refused(tmp_path: Path) -> None:
    columns = dict.fromkeys(("events/x", "events/y", "events/p"), np.zeros(3, np.uint8))
    path = write(tmp_path / "a.h5", columns | {"events/t": np.zeros(4, np.int64)})
    with pytest.raises(FormatError, match="columns of 3, 4 entries"):
        saccade.open(path, size=VGA)


def test_truncated_file_is_refused(tmp_path: Path) -> None:
    path = saccade.save(events(), tmp_path / "a.h5")
    path.write_bytes(path.read_bytes()[:-500])
    with pytest.raises(FormatError, match=r"a\.h5 is truncated"):
        saccade.open(path)


def test_damaged_chunk_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "a.h5"
    with h5py.File(path, "w") as file:
        for name in "xytp":
            column = getattr(events(), name)
            file.create_dataset(f"events/{name}", data=column, compression="gzip", fletcher32=True)
    damaged = bytearray(path.read_bytes())
    with h5py.File(path) as file:
        chunk = file["events/t"].id.get_chunk_info(0)
    damaged[chunk.byte_offset + chunk.size // 2] ^= 0xFF
    path.write_bytes(damaged)
    with pytest.raises(FormatError, match=r"a\.h5 is damaged"):
        saccade.open(path, size=VGA, time_unit="us", columns="txyp")


def test_blosc_file_needs_the_extra_and_is_read_with_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    plugin = pytest.importorskip("hdf5plugin")
    path = tmp_path / "events.h5"
    with h5py.File(path, "w") as file:
        for name in "xytp":
            column = getattr(events(), name)
            file.create_dataset(f"events/{name}", data=column, **plugin.Blosc(cname="zstd"))
        file["ms_to_idx"] = milliseconds(events().t)
    assert_same(saccade.open(path), events())

    real = importlib.import_module

    def absent(name: str) -> Any:
        if name == "hdf5plugin":
            raise ImportError(name)
        return real(name)

    monkeypatch.setattr(h5py.h5z, "filter_avail", lambda number: False)
    monkeypatch.setattr(importlib, "import_module", absent)
    with pytest.raises(MissingExtraError, match=r"Blosc-compressed HDF5.*saccade\[hdf5\]"):
        saccade.open(path)


def test_filter_that_nobody_brings_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "a.h5"
    with h5py.File(path, "w") as file:
        for name in "xytp":
            file.create_dataset(f"events/{name}", data=getattr(events(), name), compression="gzip")
    monkeypatch.setattr(h5py.h5z, "filter_avail", lambda number: False)
    with pytest.raises(FormatError, match="compressed with HDF5 filter 1, which is not available"):
        saccade.open(path, size=VGA)
