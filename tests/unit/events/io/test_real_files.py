"""Every real recording reads with the events, size and times that its collection states.

The rest is refused for the right reason. Counts and durations are those of the README beside the
recordings; EVT3 times follow the words of the file literally.
"""

from pathlib import Path

import numpy as np
import pytest

import saccade
from event_strategies import assert_same
from saccade.errors import FormatError
from saccade.events import SensorSize
from saccade.events.io import inspect
from saccade.events.io.format import ANY_SIZE
from saccade.events.io.hdf5_columns import Hdf5Reader

# path: format, size in the file, events, first and last time in µs, share of ON events
READABLE = {
    "evt2/sparks_640x480.raw": ("evt2", "640x480", 521_252, 913_716_224, 913_812_095, 0.357),
    "evt3/drive_1280x720.raw": ("evt3", "1280x720", 219_596, 11_718_656, 11_727_457, 0.526),
    "evt3/ros_640x480_repacked.raw": ("evt3", "640x480", 343_474, 7_139_845, 9_218_023, 0.364),
    "es/dvs_320x240.es": ("es", "320x240", 473_225, 0, 999_000, 0.571),
    "aedat4/person_320x240.aedat4": (
        "aedat4", "320x240", 111_954, 1_605_537_493_718_345, 1_605_537_494_308_262, 0.491,
    ),
    "dat/ncars_legacy_type.dat": ("dat", None, 2_009, 0, 99_952, 0.672),
    "nmnist/tonic_sample.bin": ("nmnist", "34x34", 4_325, 654, 311_175, 0.496),
    "text/slider_depth_chunk_240x180.txt": ("text", None, 50_000, 3_811, 174_156, 0.423),
    "reencoded/sparks_640x480_v2.dat": ("dat", "640x480", 200_000, 0, 26_626, 0.345),
    "reencoded/sparks_640x480_dsec_layout.h5": (
        "hdf5", "640x480", 521_252, 913_716_224, 913_812_095, 0.357,
    ),
    "reencoded/slider_240x180_mvsec_layout.hdf5": (
        "hdf5", "240x180", 50_000, 3_811, 174_156, 0.423,
    ),
    "reencoded/slider.npz": ("npz", None, 50_000, 3_811, 174_156, 0.423),
}  # fmt: skip

REFUSED = {
    "es/generic.es": "generic",
    "mat/building_dvs128.mat": "MATLAB",
    "mat/stripes_dvs128.mat": "MATLAB",
    "mat/stmnist_tactile.mat": "MATLAB",
    "rosbag/evt3_640x480.bag": "ROS 1 bag",
    "rosbag/test_events_1/test_events_1.db3": "SQLite",
    "rosbag/test_events_1/metadata.yaml": "index of a ROS 2 bag",
    "rosbag/test_events_1": "folder, a ROS 2 bag",
    "rosbag/test_data_evt3_trigger/test_data_evt3_trigger_0.db3": "SQLite",
    "rosbag/test_data_evt3_trigger/metadata.yaml": "index of a ROS 2 bag",
    "rosbag/test_data_mono_cd/test_data_mono_cd_0.db3": "SQLite",
    "rosbag/test_data_mono_cd/metadata.yaml": "index of a ROS 2 bag",
    "reencoded/building_dvs128_v2.aedat": "AEDAT 2.0",
    "reencoded/building_128x128_v31.aedat": "AEDAT 3.1",
}


@pytest.mark.parametrize("name", READABLE)
def test_recording_reads_as_its_collection_states(name: str, test_data: Path) -> None:
    format_name, size, count, first_us, last_us, on = READABLE[name]
    reader = inspect(test_data / "events" / name)
    assert reader.header.format == format_name
    assert reader.header.size == (SensorSize.parse(size) if size else None)
    events = reader.read()
    assert len(events) == count
    assert (int(events.t[0]), int(events.t[-1])) == (first_us, last_us)
    assert events.on_fraction == pytest.approx(on, abs=5e-4)
    assert np.all(np.diff(events.t) >= 0)
    assert events.size == (reader.header.size or ANY_SIZE)


@pytest.mark.parametrize("name", READABLE)
def test_packets_of_a_recording_are_its_events(name: str, test_data: Path) -> None:
    reader = inspect(test_data / "events" / name)
    packets = list(reader.packets(10_000))
    assert max(map(len, packets)) <= 10_000
    assert_same(saccade.Events.concatenate(packets), reader.read())


@pytest.mark.parametrize("name", REFUSED)
def test_recording_is_refused_for_the_right_reason(name: str, test_data: Path) -> None:
    with pytest.raises(FormatError) as caught:
        inspect(test_data / "events" / name)
    assert REFUSED[name] in str(caught.value)


def test_every_file_of_the_collection_is_named_here(test_data: Path) -> None:
    folder = test_data / "events"
    files = {str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file()}
    assert files <= READABLE.keys() | REFUSED.keys()


@pytest.mark.parametrize(
    ("name", "source"),
    [
        ("reencoded/sparks_640x480_dsec_layout.h5", "evt2/sparks_640x480.raw"),
        ("reencoded/slider_240x180_mvsec_layout.hdf5", "text/slider_depth_chunk_240x180.txt"),
        ("reencoded/slider.npz", "text/slider_depth_chunk_240x180.txt"),
    ],
)
def test_re_encoded_recording_equals_its_source(name: str, source: str, test_data: Path) -> None:
    size = SensorSize(height=480, width=640)
    assert_same(
        saccade.open(test_data / "events" / name, size=size),
        saccade.open(test_data / "events" / source, size=size),
    )


def test_windows_of_the_dsec_file_equal_slices(test_data: Path) -> None:
    reader = inspect(test_data / "events" / "reencoded/sparks_640x480_dsec_layout.h5")
    assert isinstance(reader, Hdf5Reader)
    events = reader.read()
    first = int(events.t[0])
    for start, end in ((0, 96_000), (20_500, 30_123), (95_871, 95_872), (-5, 0), (40_000, 40_000)):
        window = reader.read_window(first + start, first + end)
        assert_same(window, events.slice_time(first + start, first + end))


def test_wrong_extension_changes_nothing(test_data: Path, tmp_path: Path) -> None:
    for name in ("evt3/drive_1280x720.raw", "text/slider_depth_chunk_240x180.txt"):
        renamed = tmp_path / "recording.aedat4"
        renamed.write_bytes((test_data / "events" / name).read_bytes())
        assert inspect(renamed).header.format == READABLE[name][0]
