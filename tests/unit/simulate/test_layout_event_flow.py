"""Training files of event_flow read back with h5py and with our own reader, whole and cropped."""

from __future__ import annotations

import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from layout_recordings import digests
from stereo_recordings import (
    EPOCH_US,
    SIZE,
    drawn_parts,
    failing,
    joined,
    stacked,
    stereo_recording,
    watched,
)

import saccade
from event_strategies import assert_same, recordings
from saccade.errors import ConfigError, EventError, ShapeError
from saccade.events import Events, SensorSize
from saccade.events.io.hdf5_event_flow import EventFlowFile
from saccade.simulate.layouts import event_flow

RECORDING = stereo_recording("slider", stereo=False)
PARTS = drawn_parts(RECORDING)


@pytest.fixture(scope="module")
def path(tmp_path_factory: pytest.TempPathFactory) -> Path:
    (written,) = event_flow.write(tmp_path_factory.mktemp("flow"), RECORDING, iter(PARTS))
    return written


def microseconds(seconds: Any) -> Any:
    return np.rint(np.asarray(seconds, np.float64) * 1e6).astype(np.int64) - EPOCH_US


def cropped(e: Events, left: int, top: int, side: int) -> Events:
    x, y = e.x.astype(int) - left, e.y.astype(int) - top
    kept = (x >= 0) & (x < side) & (y >= 0) & (y < side)
    return Events(x[kept], y[kept], e.t[kept], e.p[kept], SensorSize(side, side))


def test_events_have_the_columns_of_the_training_files(path: Path) -> None:
    expected = joined(PARTS)
    with h5py.File(path) as file:
        columns = {name: file[f"events/{name}"][()] for name in ("xs", "ys", "ts", "ps")}
    types = [columns[name].dtype for name in ("xs", "ys", "ts", "ps")]
    assert types == [np.int16, np.int16, np.float64, np.bool_]
    np.testing.assert_array_equal(columns["xs"], expected.x)
    np.testing.assert_array_equal(columns["ys"], expected.y)
    np.testing.assert_array_equal(microseconds(columns["ts"]), expected.t)
    np.testing.assert_array_equal(columns["ps"], expected.p == 1)


def test_our_reader_gives_the_same_events(path: Path) -> None:
    e = joined(PARTS)
    assert_same(saccade.open(path), Events(e.x, e.y, e.t + EPOCH_US, e.p, SIZE))


def test_attributes_describe_the_events(path: Path) -> None:
    expected = joined(PARTS)
    with h5py.File(path) as file:
        a = dict(file.attrs)
    assert (microseconds(a["t0"]), microseconds(a["tk"])) == (expected.t[0], expected.t[-1])
    assert round(a["duration"] * 1e6) == expected.duration_us
    assert (a["num_events"], a["num_imgs"]) == (len(expected), len(RECORDING.image_us))
    assert a["num_pos"] == np.sum(expected.p == 1) and a["num_neg"] == np.sum(expected.p == 0)
    assert a["sensor_resolution"].tolist() == [26, 34]


def test_images_have_a_name_a_time_and_a_size(path: Path) -> None:
    expected = stacked(PARTS, lambda part: part.images["left"])
    with h5py.File(path) as file:
        names = list(file["images"])
        assert names == [f"image{k:09d}" for k in range(len(expected))]
        for name, image, at in zip(names, expected, RECORDING.image_us, strict=True):
            dataset = file["images"][name]
            np.testing.assert_array_equal(dataset[()], image)
            assert microseconds(dataset.attrs["timestamp"]) == at
            assert dataset.attrs["size"].tolist() == [26, 34]
            assert dataset.attrs["type"] == "greyscale"


@pytest.mark.parametrize(("name", "frames"), [("dt1", 1), ("dt4", 4)])
def test_flow_maps_visited_by_name_follow_in_time_and_end_at_their_stamp(
    path: Path, name: str, frames: int
) -> None:
    found: list[tuple[str, int, Any]] = []
    with h5py.File(path) as file:
        file[f"flow_{name}"].visititems(
            lambda key, item: found.append((key, microseconds(item.attrs["timestamp"]), item[()]))
        )
    ends = [int(at) for _, at, _ in found]
    assert ends == RECORDING.image_us[frames::frames].tolist()
    assert len({len(key) for key, _, _ in found}) == 1 and len(found) > 4
    expected = stacked(PARTS, lambda part: part.flow[name])
    unknown = np.isnan(expected).any(axis=1, keepdims=True)
    maps = np.stack([values for _, _, values in found])
    assert maps.dtype == np.float32 and unknown.any()
    np.testing.assert_array_equal(maps, np.where(unknown, np.float32(0), expected))


def test_centre_crop_shifts_events_images_and_flow_alike(tmp_path: Path, path: Path) -> None:
    (found,) = event_flow.write(tmp_path, RECORDING, iter(PARTS), crop=20)
    left, top = 7, 3  # (34 - 20) / 2, (26 - 20) / 2
    e = cropped(joined(PARTS), left, top, 20)
    assert 0 < len(e) < len(joined(PARTS))
    assert_same(saccade.open(found), Events(e.x, e.y, e.t + EPOCH_US, e.p, e.size))
    with h5py.File(found) as part, h5py.File(path) as whole:
        assert part.attrs["sensor_resolution"].tolist() == [20, 20]
        assert part.attrs["num_events"] == len(e)
        for name in ("images/image000000003", "flow_dt1/000000005", "flow_dt4/000000001"):
            expected = whole[name][()][..., top : top + 20, left : left + 20]
            np.testing.assert_array_equal(part[name][()], expected)
            assert part[name].attrs["timestamp"] == whole[name].attrs["timestamp"]


def test_random_crop_is_drawn_from_seed_and_name(tmp_path: Path) -> None:
    corners = set()
    for seed in range(30):
        recording = replace(RECORDING, seed=seed)
        left, top = event_flow.crop_corner(recording, 20, "random")
        assert 0 <= left <= 14 and 0 <= top <= 6
        corners.add((left, top))
    assert len(corners) > 15
    assert {0, 14} <= {
        event_flow.crop_corner(replace(RECORDING, seed=seed), 20, "random")[0]
        for seed in range(200)
    }
    (found,) = event_flow.write(tmp_path, RECORDING, iter(PARTS), crop=20, place="random")
    corner = event_flow.crop_corner(RECORDING, 20, "random")
    assert event_flow.crop_corner(replace(RECORDING, name="hand"), 20, "random") != corner
    e = cropped(joined(PARTS), *corner, 20)
    np.testing.assert_array_equal(saccade.open(found).x, e.x)


@pytest.mark.parametrize("crop", [0, 27, 256])
def test_crop_that_does_not_fit_is_refused(tmp_path: Path, crop: int) -> None:
    with pytest.raises(ConfigError, match=rf"crop of {crop} pixels\. Expected 1 to 26 of 34x26"):
        event_flow.write(tmp_path, RECORDING, iter(PARTS), crop=crop)
    assert list(tmp_path.iterdir()) == []


@given(recordings(max_side=200), st.integers(0, 2**50))
def test_any_events_survive_on_any_sensor(
    tmp_path_factory: pytest.TempPathFactory, events: Events, epoch_us: int
) -> None:
    path = tmp_path_factory.mktemp("any") / "a.h5"
    with EventFlowFile(path, events.size, epoch_us=epoch_us) as file:
        file.add(events[: len(events) // 3])
        file.add(events[len(events) // 3 :])
    found = saccade.open(path)  # portrait sensors too: nothing is guessed
    e = Events(events.x, events.y, events.t + epoch_us, events.p, events.size)
    assert_same(found, e)


def test_recording_without_events_and_frames_is_written(tmp_path: Path) -> None:
    parts = drawn_parts(RECORDING, events=0, images=False)
    (found,) = event_flow.write(tmp_path, RECORDING, iter(parts))
    assert len(saccade.open(found)) == 0
    with h5py.File(found) as file:
        assert file.attrs["num_events"] == file.attrs["num_imgs"] == file.attrs["duration"] == 0
        assert len(file["images"]) == 0


def test_sensors_beyond_int16_and_foreign_arrays_are_refused(tmp_path: Path) -> None:
    with pytest.raises(EventError, match=r"40000x10 pixels.*up to 32,767"):
        EventFlowFile(tmp_path / "a.h5", SensorSize(10, 40_000))
    with EventFlowFile(tmp_path / "b.h5", SensorSize(2, 2**15), flows=("flow_dt1",)) as file:
        file.add(Events([32_767], [1], [3], [1], SensorSize(2, 2**15)))
        with pytest.raises(ShapeError, match=r"events are of 34x26"):
            file.add(Events.empty(SIZE))
        with pytest.raises(ShapeError, match=r"flow_dt1/000000000 has shape \(2, 3, 4\)"):
            file.add_flow("flow_dt1", np.zeros((2, 3, 4), np.float32), 5)
    assert saccade.open(tmp_path / "b.h5").x.tolist() == [32_767]


def test_equal_recordings_give_equal_bytes_at_any_time(tmp_path: Path, path: Path) -> None:
    time.sleep(1.1)  # HDF5 stores whole seconds where it stores times
    event_flow.write(tmp_path, RECORDING, iter(PARTS))
    assert digests(tmp_path) == digests(path.parent)


def test_the_file_appears_when_it_is_whole(tmp_path: Path) -> None:
    seen: list[Path] = []
    event_flow.write(tmp_path, RECORDING, watched(PARTS, seen, tmp_path))
    assert seen == []
    before = digests(tmp_path)
    with pytest.raises(RuntimeError, match="renderer broke"):
        event_flow.write(tmp_path, RECORDING, failing(PARTS))
    assert digests(tmp_path) == before


def test_of_a_stereo_recording_the_left_camera_is_written(tmp_path: Path) -> None:
    recording = stereo_recording("pair")
    parts = drawn_parts(recording)
    (found,) = event_flow.write(tmp_path, recording, iter(parts))
    np.testing.assert_array_equal(saccade.open(found).x, joined(parts, "left").x)
