"""DSEC sequences read back with h5py, Pillow, NumPy and yaml, and with our own reader."""

from __future__ import annotations

import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest
import yaml
from hypothesis import given
from layout_recordings import digests
from numpy.typing import NDArray
from PIL import Image
from stereo_recordings import (
    LABEL_US,
    NOON_US,
    SIZE,
    drawn_parts,
    failing,
    joined,
    read_png,
    stacked,
    stereo_recording,
    watched,
)

import saccade
from event_strategies import assert_same, recordings
from saccade.errors import DataError, EventError
from saccade.events import Events, SensorSize
from saccade.events.io import inspect
from saccade.events.io.format import ReadOptions
from saccade.events.io.hdf5_columns import Hdf5Reader
from saccade.events.io.hdf5_dsec import write_dsec
from saccade.simulate.camera import StereoRig
from saccade.simulate.layouts import dsec
from saccade.simulate.layouts.rectified import Resampler
from saccade.simulate.rectify import rectify, resample_rect

RECORDING = stereo_recording("zurich_00_a")
PARTS = drawn_parts(RECORDING)
assert RECORDING.rig is not None
RIG = RECORDING.rig
FOUND = rectify(RIG)
LATEST_US = 2**32 - 1


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    place = tmp_path_factory.mktemp("dsec")
    files = dsec.write(place, RECORDING, iter(PARTS))
    assert sorted(files) == sorted(path for path in place.rglob("*") if path.is_file())
    return place


@pytest.fixture(scope="module")
def sequence(root: Path) -> Path:
    return root / "train" / RECORDING.name


def check_index(file: Any) -> None:
    """Hold ms_to_idx to the law of the data set's page."""
    t, index = file["events/t"][()].astype(np.int64), file["ms_to_idx"][()]
    assert index.dtype == np.uint64 and int(index[0]) == 0
    for ms, entry in enumerate(index.astype(np.int64)):
        assert t[entry] >= 1000 * ms
        assert entry == 0 or t[entry - 1] < 1000 * ms
    assert len(index) == t[-1] // 1000 + 1


@pytest.mark.parametrize("side", ["left", "right"])
def test_events_have_the_columns_of_the_data_set(sequence: Path, side: str) -> None:
    expected = joined(PARTS, side)
    with h5py.File(sequence / "events" / side / "events.h5") as file:
        for name, dtype in (("p", "u1"), ("x", "u2"), ("y", "u2"), ("t", "u4")):
            column = file[f"events/{name}"][()]
            assert column.dtype == dtype
            np.testing.assert_array_equal(column, getattr(expected, name))
        assert file["t_offset"].shape == () and file["t_offset"].dtype == np.int64
        assert file["t_offset"][()] == NOON_US
        check_index(file)


@pytest.mark.parametrize("side", ["left", "right"])
def test_our_reader_gives_the_same_events_and_windows(sequence: Path, side: str) -> None:
    path, e = sequence / "events" / side / "events.h5", joined(PARTS, side)
    expected = Events(e.x, e.y, e.t + NOON_US, e.p, SIZE)
    assert_same(saccade.open(path), expected)
    reader = inspect(path, ReadOptions())
    assert isinstance(reader, Hdf5Reader)
    assert (reader.header.version, reader.header.size_source) == ("DSEC", "rectify_map.h5")
    for start in (0, 49_999, 350_000, 699_000):
        window = NOON_US + start, NOON_US + start + 50_200
        assert_same(reader.read_window(*window), expected.slice_time(*window))


@given(recordings(first_us=(0, LATEST_US - 10**7)))
def test_any_events_keep_the_law_of_the_index(
    tmp_path_factory: pytest.TempPathFactory, events: Events
) -> None:
    path = tmp_path_factory.mktemp("law") / "events.h5"
    near = Events(events.x, events.y, events.t % 50_000_000, events.p, events.size, check=False)
    if len(near) and np.any(np.diff(near.t) < 0):
        near = near[:1]
    write_dsec(path, [near[: len(near) // 2], near[len(near) // 2 :]], t_offset_us=7)
    with h5py.File(path) as file:
        if len(near):
            check_index(file)
        else:
            assert file["ms_to_idx"][()].tolist() == [0]
    found = saccade.open(path, size=events.size)
    np.testing.assert_array_equal(found.t, near.t + 7)


@pytest.mark.parametrize("t", [-1, LATEST_US + 1])
def test_times_that_do_not_fit_into_32_bits_are_refused(tmp_path: Path, t: int) -> None:
    with pytest.raises(EventError, match=r"events\.h5 is at -?[\d,]+ µs\. DSEC stores 0 to"):
        write_dsec(tmp_path / "events.h5", [Events([1], [1], [t], [1], SIZE)])
    events = Events([1], [1], [LATEST_US], [1], SIZE)
    write_dsec(tmp_path / "last.h5", [events])
    assert saccade.open(tmp_path / "last.h5", size=SIZE).t.tolist() == [LATEST_US]


def test_columns_may_be_compressed_as_in_the_data_set(tmp_path: Path) -> None:
    pytest.importorskip("hdf5plugin")
    dsec.write(tmp_path, RECORDING, iter(PARTS), compression="blosc")
    path = tmp_path / "train" / RECORDING.name / "events/left/events.h5"
    with h5py.File(path) as file:
        assert file["events/t"].id.get_create_plist().get_filter(0)[0] == 32001
    np.testing.assert_array_equal(saccade.open(path).x, joined(PARTS).x)


@pytest.mark.parametrize("side", ["left", "right"])
def test_rectify_map_sends_pixels_to_the_rectified_camera(sequence: Path, side: str) -> None:
    with h5py.File(sequence / "events" / side / "rectify_map.h5") as file:
        found = file["rectify_map"][()]
    assert found.shape == (26, 34, 2) and found.dtype == np.float32
    expected = FOUND.left_map if side == "left" else FOUND.right_map
    np.testing.assert_array_equal(found, expected)


@pytest.mark.parametrize("side", ["left", "right"])
def test_frames_are_rectified_and_in_time(sequence: Path, side: str) -> None:
    frames = stacked(PARTS, lambda part: part.images[side])
    files = sorted((sequence / "images" / side / "rectified").iterdir())
    assert [path.name for path in files] == [f"{k:06d}.png" for k in range(len(frames))]
    camera = RIG.left if side == "left" else RIG.right
    turn = FOUND.rotation_left if side == "left" else FOUND.rotation_right
    for path, frame in zip(files, frames, strict=True):
        image = Image.open(path)
        assert image.mode == "L"
        np.testing.assert_array_equal(
            np.asarray(image), resample_rect(frame, camera, turn, FOUND.camera)
        )
    stamps = np.loadtxt(sequence / "images/timestamps.txt", dtype=np.int64)
    np.testing.assert_array_equal(stamps, RECORDING.image_us + NOON_US)
    path = sequence / "images" / side / "exposure_timestamps.txt"
    exposure = np.loadtxt(path, dtype=np.int64, delimiter=",")
    np.testing.assert_array_equal(exposure, np.stack([stamps, stamps], axis=1))


def test_disparity_is_a_256th_of_a_pixel_and_zero_where_there_is_none(sequence: Path) -> None:
    expected = stacked(PARTS, lambda part: part.disparity_rect["left"])
    names = [f"{k:06d}.png" for k in range(len(expected))]  # labels lie between frames
    for kind in ("event", "image"):
        place = sequence / "disparity" / kind
        assert sorted(path.name for path in place.iterdir()) == names
        for name, disparity in zip(names, expected, strict=True):
            image = Image.open(place / name)
            assert image.mode == "I;16"
            code = np.asarray(image).astype(np.int64)
            valid = code > 0
            np.testing.assert_array_equal(valid, np.isfinite(disparity))
            np.testing.assert_allclose(code[valid] / 256, disparity[valid], atol=0.5 / 256, rtol=0)
    stamps = np.loadtxt(sequence / "disparity/timestamps.txt", dtype=np.int64)
    assert (stamps - NOON_US).tolist() == [k * LABEL_US for k in range(len(expected))]


def test_maps_have_the_numbers_of_their_frames(tmp_path: Path) -> None:
    recording = stereo_recording("thun", image_us=50_200, label_us=100_400)
    parts = drawn_parts(recording)
    dsec.write(tmp_path, recording, iter(parts))
    place = tmp_path / "train/thun"
    for kind in ("disparity/event", "flow/forward"):
        names = sorted(path.name for path in (place / kind).iterdir())
        step = 2 if kind.startswith("disparity") else 1
        assert names == [f"{k * step:06d}.png" for k in range(len(names))]
    assert len(list((place / "disparity/event").iterdir())) == len(recording.label_us)


def decoded(path: Path) -> tuple[NDArray[np.float64], NDArray[np.bool_]]:
    code = read_png(path.read_bytes())
    assert code.dtype == ">u2"
    return (code[..., :2].astype(np.float64) - 2**15) / 128, code[..., 2] == 1


def test_flow_is_that_nearest_to_a_tenth_of_a_second(sequence: Path) -> None:
    spans = np.loadtxt(sequence / "flow/forward_timestamps.txt", dtype=np.int64, delimiter=",")
    text = (sequence / "flow/forward_timestamps.txt").read_text()
    assert text.startswith("# from_timestamp_us, to_timestamp_us\n")
    expected = stacked(PARTS, lambda part: part.flow_us["dt4"])  # 4 x 33 ms
    np.testing.assert_array_equal(spans, expected + NOON_US)
    names = sorted(path.name for path in (sequence / "flow/forward").iterdir())
    assert names == [f"{4 * k:06d}.png" for k in range(len(expected))]
    resampler = Resampler(RIG.left, FOUND.rotation_left, FOUND.camera)
    for name, flow in zip(names, stacked(PARTS, lambda part: part.flow["dt4"]), strict=True):
        values, known = decoded(sequence / "flow/forward" / name)
        rectified = resampler.flow(flow).transpose(1, 2, 0)
        possible = np.abs(rectified) < 255.99
        np.testing.assert_array_equal(known, possible.all(axis=-1))
        assert 0.3 < known.mean() < 1
        np.testing.assert_allclose(values[known], rectified[known], rtol=0, atol=0.5 / 128 + 1e-6)


@pytest.mark.parametrize("rig", [StereoRig.mvsec_like(), StereoRig.dsec_like()])
def test_flow_of_a_wall_is_constant_once_rectified(rig: StereoRig) -> None:
    found, (height, width) = rectify(rig), (rig.left.size.height, rig.left.size.width)
    wall_m, move = 4.0, np.array([0.11, -0.05, 0.0])
    rays = rig.left.rays() @ found.rotation_left.T
    points = rays * (wall_m / rays[..., 2:]) + move
    there = rig.left.project(points @ found.rotation_left)
    y, x = np.mgrid[0:height, 0:width]
    flow = (there - np.stack([x, y], axis=-1)).transpose(2, 0, 1).astype(np.float32)
    raw = flow[:, np.isfinite(flow).all(axis=0)]
    result = Resampler(rig.left, found.rotation_left, found.camera).flow(flow)
    known = np.isfinite(result).all(axis=0)
    assert known.mean() > 0.8 and raw[0].std() > 0.1
    expected = np.array([found.camera.fx, found.camera.fy]) * move[:2] / wall_m
    np.testing.assert_allclose(result[:, known].T, np.tile(expected, (known.sum(), 1)), atol=1e-3)


def test_calibration_turns_disparity_into_depth(sequence: Path) -> None:
    chain = yaml.safe_load((sequence / "calibration/cam_to_cam.yaml").read_text())
    q = np.array(chain["disparity_to_depth"]["cams_03"])
    depth = np.array([0.7, 3.0, 40.0])
    disparity = FOUND.camera.fx * RIG.baseline_m / depth
    assert 1 / q[3][2] == pytest.approx(RIG.baseline_m)
    np.testing.assert_allclose(q[2][3] / q[3][2] / disparity, depth)
    assert set(chain["intrinsics"]) == {
        f"{kind}{k}" for kind in ("cam", "camRect") for k in range(4)
    }
    assert chain["intrinsics"]["cam0"]["resolution"] == [34, 26]


def test_equal_recordings_give_equal_bytes_at_any_time(tmp_path: Path, root: Path) -> None:
    time.sleep(1.1)  # HDF5 stores whole seconds where it stores times
    dsec.write(tmp_path, RECORDING, iter(PARTS))
    assert digests(tmp_path) == digests(root)


def test_the_folder_appears_when_it_is_whole(tmp_path: Path) -> None:
    seen: list[Path] = []
    dsec.write(tmp_path, RECORDING, watched(PARTS, seen, tmp_path))
    assert seen == []
    before = digests(tmp_path)
    with pytest.raises(RuntimeError, match="renderer broke"):
        dsec.write(tmp_path, RECORDING, failing(PARTS))
    assert digests(tmp_path) == before


def test_one_camera_has_flow_but_no_disparity(tmp_path: Path) -> None:
    recording = stereo_recording("mono", stereo=False)
    dsec.write(tmp_path, recording, iter(drawn_parts(recording)), flow="dt1", t_offset_us=1_000)
    place = tmp_path / "train/mono"
    assert not (place / "disparity").exists() and not (place / "events/right").exists()
    assert len(list((place / "flow/forward").iterdir())) == len(recording.image_us) - 1
    chain = yaml.safe_load((place / "calibration/cam_to_cam.yaml").read_text())
    assert set(chain["intrinsics"]) == {"cam0", "cam1", "camRect0", "camRect1"}
    assert "disparity_to_depth" not in chain
    assert np.loadtxt(place / "images/timestamps.txt")[0] == 1_000


def test_recording_without_events_and_frames_is_written(tmp_path: Path) -> None:
    recording = replace(RECORDING, image_us=np.empty(0, np.int64))
    parts = [
        replace(part, image_us=recording.image_us, images={}, flow={}, flow_us={})
        for part in drawn_parts(RECORDING, events=0)
    ]
    dsec.write(tmp_path, recording, iter(parts))
    place = tmp_path / "train" / RECORDING.name
    assert not (place / "images").exists() and not (place / "flow").exists()
    assert len(saccade.open(place / "events/right/events.h5")) == 0


def test_flow_that_is_not_there_or_lies_between_frames_is_refused(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"no flow 'dt2'\. Expected one of dt1, dt4"):
        dsec.write(tmp_path, RECORDING, iter(PARTS), flow="dt2")
    late = [replace(part, flow_us={k: v + 5 for k, v in part.flow_us.items()}) for part in PARTS]
    with pytest.raises(DataError, match=r"starts at 5 µs, between frames"):
        dsec.write(tmp_path, RECORDING, iter(late))
    assert [path for path in tmp_path.rglob("*") if path.is_file()] == []


def test_size_of_the_reader_is_that_of_dsec_without_a_map(tmp_path: Path) -> None:
    write_dsec(tmp_path / "events.h5", [Events([639], [479], [5], [1], SensorSize(480, 640))])
    assert saccade.open(tmp_path / "events.h5").size == SensorSize(480, 640)
