"""Plain recordings: read back with h5py, csv, json, yaml and Pillow, and in every event format."""

from __future__ import annotations

import csv
import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import h5py
import numpy as np
import pytest
import yaml
from layout_recordings import all_events, assert_same_events, digests, drive_recording, random_parts
from PIL import Image

from saccade.errors import UsageError
from saccade.events.io import inspect
from saccade.events.io import open as open_events
from saccade.events.io.formats import FORMATS, get_format
from saccade.events.types import Events, SensorSize
from saccade.simulate.layouts import plain
from saccade.simulate.place_truth import read_positions
from saccade.simulate.recording import Part
from saccade.simulate.trajectory import Poses

WRITABLE = [name for name in FORMATS if get_format(name).write is not None]
HUNDREDTHS_OF_A_MILLIMETRE = 6e-5


@pytest.mark.parametrize("format", WRITABLE)
def test_events_survive_every_writable_format(tmp_path: Path, format: str) -> None:
    recording = drive_recording(size=SensorSize(720, 1280), seconds=2.4)
    written = plain.write(tmp_path, recording, random_parts(recording, maps=False), format=format)
    assert inspect(written[0]).header.format == format
    found = open_events(written[0])
    assert found.size == recording.left.size
    assert_same_events(found, all_events(recording, maps=False))


@pytest.mark.rivals
@pytest.mark.parametrize("format", ["evt3", "evt2", "dat"])
def test_faery_reads_the_events(tmp_path: Path, format: str) -> None:
    faery = pytest.importorskip("faery", reason="faery is not installed (make test-rivals)")
    recording = drive_recording(size=SensorSize(480, 640), seconds=2.4)
    written = plain.write(tmp_path, recording, random_parts(recording, maps=False), format=format)
    stream = faery.events_stream_from_file(written[0])
    assert stream.dimensions() == (640, 480)
    rows, expected = stream.to_array(), all_events(recording, maps=False)
    for name in "txyp":
        np.testing.assert_array_equal(rows[name].astype(np.int64), getattr(expected, name))


def test_a_format_that_is_read_only_is_refused_before_anything_is_made(tmp_path: Path) -> None:
    recording = drive_recording()

    def untouched() -> Iterator[Part]:
        pytest.fail("parts were made")
        yield

    with pytest.raises(UsageError, match=r"'npy' is read only.*--format evt3"):
        plain.write(tmp_path, recording, untouched(), format="npy")
    assert not list(tmp_path.iterdir())


def test_the_truth_is_what_the_parts_hold(tmp_path: Path) -> None:
    recording = drive_recording(stereo=True)
    plain.write(tmp_path, recording, random_parts(recording))
    parts = list(random_parts(recording))
    with h5py.File(tmp_path / "day.truth.h5") as file:
        for name, group in (
            ("image/left", [part.images["left"] for part in parts]),
            ("image/right", [part.images["right"] for part in parts]),
            ("depth/right", [part.depth["right"] for part in parts]),
            ("disparity_rect/left", [part.disparity_rect["left"] for part in parts]),
            ("flow_dt1/left", [part.flow["dt1"] for part in parts]),
            ("flow_dt1/left_t_us", [part.flow_us["dt1"] for part in parts]),
            ("depth/left_t_us", [part.label_us for part in parts]),
            ("image/right_t_us", [part.image_us for part in parts]),
        ):
            expected = np.concatenate(group)
            assert file[name].dtype == expected.dtype
            np.testing.assert_array_equal(file[name][:], expected, name)
        assert file["depth/left"].chunks == (1, 26, 34)  # one map can be read alone
        np.testing.assert_array_equal(file["pose/t_us"][:], recording.label_us)
        np.testing.assert_array_equal(file["pose/left_to_world"][3, :3, 3],
                                      recording.poses.position[3])  # fmt: skip
        assert recording.imu is not None
        np.testing.assert_array_equal(file["imu/accel"][:], recording.imu.accel)


def test_a_drive_without_frames_and_labels_has_no_file_of_truth(tmp_path: Path) -> None:
    recording = drive_recording()
    plain.write(tmp_path, recording, random_parts(recording), frames="png")
    none = np.zeros(0, np.int64)
    poses = Poses(none, np.zeros((0, 3)), np.zeros((0, 3, 3)))
    bare = replace(recording, image_us=none, label_us=none, poses=poses, imu=None)
    parts = random_parts(bare, maps=False)
    files = plain.write(tmp_path, bare, parts)  # in place of one that had truth and pictures
    assert [path.name for path in files] == [
        "day.raw", "day.positions.csv", "day.calibration.yaml", "day.json",
    ]  # fmt: skip
    assert {path.name for path in tmp_path.iterdir()} == {path.name for path in files}


def test_each_camera_has_its_event_file(tmp_path: Path) -> None:
    recording = drive_recording(stereo=True)
    files = plain.write(tmp_path, recording, random_parts(recording), format="hdf5")
    assert [path.name for path in files[:2]] == ["day_left.h5", "day_right.h5"]
    for camera, path in zip(recording.cameras, files, strict=False):
        assert_same_events(open_events(path), all_events(recording, camera))
    assert {path.name for path in tmp_path.iterdir()} == {path.name for path in files}


def test_positions_are_a_table_with_empty_cells_where_the_fix_was_lost(tmp_path: Path) -> None:
    recording = drive_recording()
    plain.write(tmp_path, recording, random_parts(recording))
    with (tmp_path / "day.positions.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    track = recording.track
    assert track is not None
    assert list(rows[0]) == [
        "t_us", "east_m", "north_m", "up_m", "distance_m", "latitude", "longitude", "speed_m_s",
        "heading_deg",
    ]  # fmt: skip
    assert [int(row["t_us"]) for row in rows] == track.t_us.tolist()
    assert [number for number, row in enumerate(rows) if not row["latitude"]] == [13]
    for name in ("east_m", "north_m", "distance_m"):
        found = np.array([float(row[name]) for row in rows])
        np.testing.assert_allclose(found, getattr(track, name), atol=HUNDREDTHS_OF_A_MILLIMETRE)
    back = read_positions(tmp_path / "day.positions.csv")
    np.testing.assert_allclose(back.latitude, track.latitude, atol=6e-10)
    np.testing.assert_allclose(back.heading_deg, track.heading_deg, atol=6e-5)


def test_calibration_and_facts_are_readable(tmp_path: Path) -> None:
    recording = drive_recording(stereo=True)
    plain.write(tmp_path, recording, random_parts(recording), parameters={"minutes": 0.5})
    chain = yaml.safe_load((tmp_path / "day.calibration.yaml").read_text())
    assert chain["cam0"]["resolution"] == [34, 26]
    assert chain["cam0"]["intrinsics"][0] == pytest.approx(recording.left.fx)
    assert recording.rig is not None
    to_right = np.array(chain["cam1"]["T_cn_cnm1"])
    np.testing.assert_allclose(to_right @ recording.rig.right_in_left, np.eye(4), atol=1e-12)
    facts = json.loads((tmp_path / "day.json").read_text())
    assert facts["condition"] == "day"
    assert facts["seed"] == recording.seed
    assert facts["epoch_us"] == recording.epoch_us
    assert facts["sensor"] == {"left": "34x26", "right": "34x26"}
    assert facts["parameters"] == {"minutes": 0.5}


def test_a_single_camera_has_a_calibration_of_one(tmp_path: Path) -> None:
    recording = drive_recording()
    plain.write(tmp_path, recording, random_parts(recording))
    chain = yaml.safe_load((tmp_path / "day.calibration.yaml").read_text())
    assert list(chain) == ["cam0"]
    assert "cam_overlaps" not in chain["cam0"]
    assert "projection_matrix" not in chain["cam0"]


def test_frames_can_be_pictures(tmp_path: Path) -> None:
    recording = drive_recording(stereo=True)
    files = plain.write(tmp_path, recording, random_parts(recording), frames="png")
    folder = tmp_path / "day.frames"
    assert folder in files
    images = np.concatenate([part.images["right"] for part in random_parts(recording)])
    assert len(list(folder.glob("right_*.png"))) == len(images)
    for number, image in enumerate(images):
        with Image.open(folder / f"right_{number:06d}.png") as picture:
            np.testing.assert_array_equal(np.asarray(picture), image)
    times = [int(line) for line in (folder / "left_t_us.txt").read_text().split()]
    assert times == recording.image_us.tolist()
    with h5py.File(tmp_path / "day.truth.h5") as file:
        assert "image" not in file


@pytest.mark.parametrize("format", WRITABLE)
def test_the_same_recording_gives_the_same_bytes(tmp_path: Path, format: str) -> None:
    recording = drive_recording(stereo=True, seconds=2.2)
    for name in ("a", "b"):
        (tmp_path / name).mkdir()
        parts = random_parts(recording)
        plain.write(tmp_path / name, recording, parts, format=format, frames="png")
    first = digests(tmp_path / "a")
    assert len(first) > 8
    assert first == digests(tmp_path / "b")


def test_nothing_is_left_when_the_recording_breaks_off(tmp_path: Path) -> None:
    recording = drive_recording(stereo=True)

    def broken() -> Iterator[Part]:
        yield from list(random_parts(recording))[:2]
        raise RuntimeError("the lamp burst")

    with pytest.raises(RuntimeError, match="the lamp burst"):
        plain.write(tmp_path, recording, broken(), frames="png")
    assert not list(tmp_path.iterdir())


def test_what_an_event_file_cannot_hold_is_told_and_leaves_nothing(tmp_path: Path) -> None:
    recording = drive_recording(stereo=True)
    size = recording.left.size

    def early() -> Iterator[Part]:
        for part in random_parts(recording):
            bad = Events([1], [1], [-5], [1], size)
            yield replace(part, events={"left": part.events["left"], "right": bad})

    with pytest.raises(Exception, match="-5 µs cannot be written as EVT3"):
        plain.write(tmp_path, recording, early())
    assert not (tmp_path / "day.truth.h5").exists()
    assert not (tmp_path / "day_right.raw").exists()
    assert not [path for path in tmp_path.iterdir() if path.name.startswith(".")]
