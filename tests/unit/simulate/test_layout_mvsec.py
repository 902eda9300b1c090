"""MVSEC files read back with h5py, NumPy and yaml, and with our own reader."""

from __future__ import annotations

import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest
import yaml
from layout_recordings import digests
from stereo_recordings import (
    EPOCH_US,
    LABEL_US,
    SIZE,
    drawn_parts,
    failing,
    joined,
    stacked,
    stereo_recording,
    watched,
)

import saccade
from event_strategies import assert_same
from saccade.errors import ShapeError
from saccade.events import Events, SensorSize
from saccade.events.io import inspect
from saccade.events.io.hdf5_mvsec import MvsecFile
from saccade.simulate.layouts import mvsec
from saccade.simulate.rectify import rectify, resample_depth

RECORDING = stereo_recording()
PARTS = drawn_parts(RECORDING)
assert RECORDING.rig is not None
RIG = RECORDING.rig


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    place = tmp_path_factory.mktemp("mvsec")
    mvsec.write(place, RECORDING, iter(PARTS))
    return place


def dataset(folder: Path, kind: str, name: str) -> np.ndarray[Any, Any]:
    with h5py.File(folder / f"indoor_flying2_{kind}.hdf5") as file:
        return file[f"davis/{name}"][()]


def microseconds(seconds: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
    assert seconds.dtype == np.float64
    return np.rint(seconds * 1e6).astype(np.int64) - EPOCH_US


def test_files_have_the_names_of_the_data_set(folder: Path) -> None:
    maps = [f"indoor_flying_{side}_{axis}_map.txt" for side in ("left", "right") for axis in "xy"]
    found = {path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()}
    assert found == {
        "indoor_flying2_data.hdf5",
        "indoor_flying2_gt.hdf5",
        "indoor_flying_calib/camchain-imucam-indoor_flying.yaml",
        *(f"indoor_flying_calib/{name}" for name in maps),
    }


@pytest.mark.parametrize("side", ["left", "right"])
def test_every_event_is_there_to_the_microsecond(folder: Path, side: str) -> None:
    rows, expected = dataset(folder, "data", f"{side}/events"), joined(PARTS, side)
    assert rows.dtype == np.float64 and rows.shape == (len(expected), 4)
    np.testing.assert_array_equal(rows[:, 0], expected.x)
    np.testing.assert_array_equal(rows[:, 1], expected.y)
    np.testing.assert_array_equal(microseconds(rows[:, 2]), expected.t)
    np.testing.assert_array_equal(rows[:, 3], np.where(expected.p == 1, 1.0, -1.0))


@pytest.mark.parametrize("side", ["left", "right"])
def test_our_reader_gives_the_same_events(folder: Path, side: str) -> None:
    path = folder / "indoor_flying2_data.hdf5"
    expected = joined(PARTS, side)
    expected = Events(expected.x, expected.y, expected.t + EPOCH_US, expected.p, SIZE)
    assert_same(saccade.open(path, side=side), expected)
    header = inspect(path).header
    assert (header.version, header.size_source) == ("MVSEC", "frames")


@pytest.mark.parametrize("side", ["left", "right"])
def test_images_have_times_and_the_last_event_before_them(folder: Path, side: str) -> None:
    np.testing.assert_array_equal(
        dataset(folder, "data", f"{side}/image_raw"), stacked(PARTS, lambda part: part.images[side])
    )
    times = microseconds(dataset(folder, "data", f"{side}/image_raw_ts"))
    np.testing.assert_array_equal(times, RECORDING.image_us)
    indices = dataset(folder, "data", f"{side}/image_raw_event_inds")
    assert indices.dtype == np.int64
    t = joined(PARTS, side).t
    for index, at in zip(indices, times, strict=True):
        before = np.flatnonzero(t <= at)
        assert index == (before[-1] if len(before) else 0)


def test_an_event_at_the_very_time_of_an_image_counts_as_before_it(tmp_path: Path) -> None:
    events = Events([1, 2, 3, 4], [0] * 4, [4, 10, 10, 11], [1] * 4, SIZE)
    with MvsecFile(tmp_path / "a.hdf5", {"left": SIZE}) as file:
        for shift in (0, 20):
            late = Events(events.x, events.y, events.t + shift, events.p, SIZE)
            times = np.array([3, 4, 9, 10, 11, 12]) + shift
            file.add("left", late, np.zeros((6, 26, 34), np.uint8), times)
    with h5py.File(tmp_path / "a.hdf5") as file:
        found = file["davis/left/image_raw_event_inds"][()].tolist()
    assert found == [0, 0, 0, 2, 3, 3, 3, 4, 4, 6, 7, 7]


def test_imu_rows_are_acceleration_then_turn_rate(folder: Path) -> None:
    imu, found = RECORDING.imu, dataset(folder, "data", "left/imu")
    assert imu is not None and found.shape == (len(imu.t_us), 6)
    np.testing.assert_array_equal(found[:, :3], imu.accel)
    np.testing.assert_array_equal(found[:, 3:], imu.gyro)
    np.testing.assert_array_equal(microseconds(dataset(folder, "data", "left/imu_ts")), imu.t_us)


@pytest.mark.parametrize("side", ["left", "right"])
def test_raw_depth_is_at_label_times_with_nan_where_there_is_none(folder: Path, side: str) -> None:
    expected = stacked(PARTS, lambda part: part.depth[side])
    found = dataset(folder, "gt", f"{side}/depth_image_raw")
    assert found.dtype == np.float32 and np.isnan(found).any()
    np.testing.assert_array_equal(found, expected)
    times = microseconds(dataset(folder, "gt", f"{side}/depth_image_raw_ts"))
    assert times.tolist() == [k * LABEL_US for k in range(len(times))]
    assert len(times) == len(expected) == 14


def test_left_rectified_depth_is_the_exact_one_and_the_right_one_is_resampled(folder: Path) -> None:
    left = dataset(folder, "gt", "left/depth_image_rect")
    np.testing.assert_array_equal(left, stacked(PARTS, lambda part: part.depth_rect["left"]))
    right, found = dataset(folder, "gt", "right/depth_image_rect"), rectify(RIG)
    raw = stacked(PARTS, lambda part: part.depth["right"])
    assert np.isfinite(right).mean() > 0.5
    for k in range(len(raw)):
        expected = resample_depth(raw[k], RIG.right, found.rotation_right, found.camera)
        np.testing.assert_array_equal(right[k], expected)
    stamps = [dataset(folder, "gt", f"{side}/depth_image_rect_ts") for side in ("left", "right")]
    np.testing.assert_array_equal(microseconds(stamps[0]), RECORDING.label_us)
    np.testing.assert_array_equal(stamps[0], stamps[1])


def test_flow_has_the_time_it_starts_at_and_zero_where_it_is_unknown(folder: Path) -> None:
    expected = stacked(PARTS, lambda part: part.flow["dt1"])
    unknown = np.isnan(expected).any(axis=1, keepdims=True)
    found = dataset(folder, "gt", "left/flow_dist")
    assert unknown.any() and np.isfinite(found).all()
    np.testing.assert_array_equal(found, np.where(unknown, 0, expected))
    starts = stacked(PARTS, lambda part: part.flow_us["dt1"][:, 0])
    np.testing.assert_array_equal(microseconds(dataset(folder, "gt", "left/flow_dist_ts")), starts)
    np.testing.assert_array_equal(starts, RECORDING.image_us[:-1])


def test_pose_maps_to_the_world_and_odometry_to_the_first_pose(folder: Path) -> None:
    pose, odometry = (dataset(folder, "gt", f"left/{name}") for name in ("pose", "odometry"))
    np.testing.assert_array_equal(pose[:, :3, 3], RECORDING.poses.position)
    np.testing.assert_array_equal(pose[:, :3, :3], RECORDING.poses.rotation)
    np.testing.assert_allclose(odometry[0], np.eye(4), atol=1e-12)
    np.testing.assert_allclose(pose[0] @ odometry[5], pose[5], atol=1e-12)
    for name in ("pose", "odometry"):
        stamps = microseconds(dataset(folder, "gt", f"left/{name}_ts"))
        np.testing.assert_array_equal(stamps, RECORDING.label_us)


@pytest.mark.parametrize("side", ["left", "right"])
def test_maps_follow_from_what_the_camera_chain_says(folder: Path, side: str) -> None:
    place = folder / "indoor_flying_calib"
    chain = yaml.safe_load((place / "camchain-imucam-indoor_flying.yaml").read_text())
    entry = chain["cam0" if side == "left" else "cam1"]
    assert entry["resolution"] == [34, 26] and entry["distortion_model"] == "equidistant"
    fx, fy, cx, cy = entry["intrinsics"]
    rng = np.random.default_rng(2)
    angle, radius = rng.uniform(0, 2 * np.pi, 50), rng.uniform(0, 0.5, 50)
    ray = np.stack([radius * np.cos(angle), radius * np.sin(angle), np.ones(50)])
    theta = np.arctan(radius)
    powers = np.stack([theta ** (2 * k) for k in range(1, 5)])
    bent = theta * (1 + np.array(entry["distortion_coeffs"]) @ powers) / radius
    raw = np.stack([fx * bent * ray[0] + cx, fy * bent * ray[1] + cy])
    turned = np.array(entry["rectification_matrix"]) @ ray
    image = np.array(entry["projection_matrix"])[:, :3] @ turned
    for axis, name in enumerate("xy"):
        table = np.loadtxt(place / f"indoor_flying_{side}_{name}_map.txt")
        assert table.shape == (26, 34)
        expected = image[axis] / image[2]
        np.testing.assert_allclose(_between(table, *raw), expected, atol=0.02)


def test_focal_length_times_baseline_is_in_the_right_projection(folder: Path) -> None:
    text = (folder / "indoor_flying_calib/camchain-imucam-indoor_flying.yaml").read_text()
    found = rectify(RIG)
    projection = np.array(yaml.safe_load(text)["cam1"]["projection_matrix"])
    assert -projection[0, 3] == pytest.approx(found.camera.fx * RIG.baseline_m)


def test_equal_recordings_give_equal_bytes_at_any_time(tmp_path: Path, folder: Path) -> None:
    time.sleep(1.1)  # HDF5 stores whole seconds where it stores times
    mvsec.write(tmp_path, RECORDING, iter(PARTS))
    assert digests(tmp_path) == digests(folder)


def test_files_appear_when_they_are_whole(tmp_path: Path) -> None:
    seen: list[Path] = []
    mvsec.write(tmp_path, RECORDING, watched(PARTS, seen, tmp_path))
    assert seen == []
    again = tmp_path / "again"
    again.mkdir()
    with pytest.raises(RuntimeError, match="renderer broke"):
        mvsec.write(again, RECORDING, failing(PARTS))
    assert list(again.rglob("*")) == []


def test_one_camera_gives_a_left_side_only(tmp_path: Path) -> None:
    recording = stereo_recording("night", stereo=False)
    parts = drawn_parts(recording)
    mvsec.write(tmp_path, recording, iter(parts))
    with h5py.File(tmp_path / "night1_data.hdf5") as file:
        assert set(file["davis"]) == {"left"}
    with h5py.File(tmp_path / "night1_gt.hdf5") as file:
        rect, raw = file["davis/left/depth_image_rect"][()], file["davis/left/depth_image_raw"][()]
    assert rect.shape == raw.shape and 0.5 < np.isfinite(rect).mean() < 1.0
    calibration = tmp_path / "night_calib"
    chain = yaml.safe_load((calibration / "camchain-imucam-night.yaml").read_text())
    assert set(chain) == {"cam0"} and len(list(calibration.iterdir())) == 3
    found = saccade.open(tmp_path / "night1_data.hdf5")
    np.testing.assert_array_equal(found.t, joined(parts).t + EPOCH_US)


def test_recording_without_events_frames_and_labels_gives_empty_datasets(tmp_path: Path) -> None:
    none = np.empty(0, np.int64)
    recording = replace(stereo_recording("empty"), image_us=none, imu=None)
    parts = [
        replace(part, image_us=none, images={}, flow={}, flow_us={})
        for part in drawn_parts(recording, events=0)
    ]
    mvsec.write(tmp_path, recording, iter(parts))
    with h5py.File(tmp_path / "empty1_data.hdf5") as file:
        for side in ("left", "right"):
            assert file[f"davis/{side}/events"].shape == (0, 4)
            assert file[f"davis/{side}/image_raw"].shape == (0, 26, 34)
        assert "imu" not in file["davis/left"]
    assert len(saccade.open(tmp_path / "empty1_data.hdf5", side="right")) == 0


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("outdoor_day1", ("outdoor_day", 1)),
        ("indoor_flying12", ("indoor_flying", 12)),
        ("night", ("night", 1)),
        ("007", ("007", 1)),
        ("run00", ("run00", 1)),
    ],
)
def test_names_split_into_scene_and_number(name: str, expected: tuple[str, int]) -> None:
    assert mvsec.scene_of(name) == expected


def test_events_and_images_of_another_sensor_are_refused(tmp_path: Path) -> None:
    with MvsecFile(tmp_path / "a.hdf5", {"left": SIZE}) as file:
        with pytest.raises(ShapeError, match=r"left events are of 346x260.*34x26"):
            file.add("left", Events.empty(SensorSize(260, 346)))
        with pytest.raises(ShapeError, match=r"shape \(2, 26, 34\)\. Expected 1 of 34x26"):
            images = np.zeros((2, 26, 34), np.uint8)
            file.add("left", Events.empty(SIZE), images, np.array([5]))


def _between(
    table: np.ndarray[Any, Any], x: np.ndarray[Any, Any], y: np.ndarray[Any, Any]
) -> np.ndarray[Any, Any]:
    """Interpolate a table at places between its rows and columns."""
    i, j = np.floor(y).astype(int), np.floor(x).astype(int)
    a, b = x - j, y - i
    top = (1 - a) * table[i, j] + a * table[i, j + 1]
    return (1 - b) * top + b * ((1 - a) * table[i + 1, j] + a * table[i + 1, j + 1])
