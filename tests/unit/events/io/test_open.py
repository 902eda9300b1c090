"""Opening by content, refusing with the right reason, saving whole or not at all."""

import zipfile
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

import saccade
from event_strategies import assert_same
from saccade.errors import ConfigError, EventError, FormatError, MissingFileError, UsageError
from saccade.events import Events, EventStream, SensorSize
from saccade.events.io import inspect, write_format
from saccade.events.io.formats import FORMATS, get_format
from saccade.events.io.refused import REFUSED, refusal

SIZE = SensorSize(height=180, width=240)
WRITABLE = [name for name in FORMATS if get_format(name).write is not None]


def events(count: int = 500) -> Events:
    rng = np.random.default_rng(1)
    t = np.cumsum(rng.integers(0, 300, count))
    x, y, p = (rng.integers(0, most, count) for most in (240, 180, 2))
    return Events(x, y, t, p, SIZE)


@pytest.mark.parametrize("ending", [".raw", ".dat", ".csv", ".npz", ".h5", ".xyz", ""])
@pytest.mark.parametrize("name", WRITABLE)
def test_content_decides_whatever_the_ending(name: str, ending: str, tmp_path: Path) -> None:
    path = saccade.save(events(), tmp_path / f"night{ending}", format=name)
    assert inspect(path).header.format == name
    assert_same(saccade.open(path, size=SIZE), events())


@pytest.mark.parametrize("name", WRITABLE)
def test_saved_files_know_their_sensor(name: str, tmp_path: Path) -> None:
    path = saccade.save(events(), tmp_path / "night", format=name)
    assert saccade.open(path).size == SIZE


@pytest.mark.parametrize("name", WRITABLE)
def test_stream_gives_the_same_events_in_packets(name: str, tmp_path: Path) -> None:
    path = saccade.save(events(), tmp_path / "night", format=name)
    packets = list(saccade.stream(path, packet_events=64))
    assert max(map(len, packets)) <= 64 < 500
    assert_same(Events.concatenate(packets), events())


@pytest.mark.parametrize("name", WRITABLE)
def test_stream_can_be_saved(name: str, tmp_path: Path) -> None:
    source = saccade.save(events(), tmp_path / "source.npz")
    path = saccade.save(saccade.stream(source, packet_events=70), tmp_path / "copy", format=name)
    assert_same(saccade.open(path), events())


def test_missing_file_names_file_and_folder(tmp_path: Path) -> None:
    with pytest.raises(
        MissingFileError, match=r"No such file: .*night\.raw \(looked in /"
    ) as caught:
        saccade.open(tmp_path / "night.raw")
    assert "saccade info lists readable formats." in str(caught.value)
    assert caught.value.exit_code == 3


def test_folder_is_refused(tmp_path: Path) -> None:
    with pytest.raises(FormatError, match=r"is a folder\. Expected an event file"):
        saccade.open(tmp_path)
    (tmp_path / "metadata.yaml").write_text("rosbag2_bagfile_information:\n")
    with pytest.raises(FormatError, match="a ROS 2 bag by its metadata"):
        saccade.open(tmp_path)


def test_path_through_a_file_is_refused(tmp_path: Path) -> None:
    path = saccade.save(events(), tmp_path / "night.npz")
    with pytest.raises(FormatError, match="cannot be read: Not a directory"):
        saccade.open(path / "inside")


def test_empty_file_is_refused(tmp_path: Path) -> None:
    (tmp_path / "empty.raw").touch()
    with pytest.raises(FormatError, match=r"empty\.raw is empty \(0 bytes\)"):
        saccade.open(tmp_path / "empty.raw")


@pytest.mark.parametrize(
    ("content", "shown"),
    [
        (b"\x00\x01\x02\xfe" * 50, "the bytes 00 01 02 fe"),
        (b"Dear reader,\nthis is a letter.\n", "'Dear reader,'"),
        (b"   \n", "blanks"),
    ],
)
def test_unknown_content_is_described(content: bytes, shown: str, tmp_path: Path) -> None:
    path = tmp_path / "thing.raw"
    path.write_bytes(content)
    with pytest.raises(FormatError, match=r"in no format that saccade knows.*--format") as caught:
        saccade.open(path)
    assert shown in str(caught.value)


HEADS = {
    "aedat1": b"#!AER-DAT1.0\r\n",
    "aedat2": b"#!AER-DAT2.0\r\n",
    "aedat3": b"#!AER-DAT3.1\r\n",
    "evt4": b"% evt 4.0\n% end\n",
    "mat5": b"MATLAB 5.0 MAT-file, Platform: GLNXA64",
    "ros1": b"#ROSBAG V2.0\n",
    "sqlite": b"SQLite format 3\x00",
    "ros2": b"rosbag2_bagfile_information:\n  version: 5\n",
    "mcap": b"\x89MCAP0\r\n",
    "zip": b"PK\x03\x04" + bytes(22) + b"\x05\x00\x00\x00a.txt",
    "gzip": b"\x1f\x8b\x08",
    "bzip2": b"BZh9",
    "xz": b"\xfd7zXZ\x00",
    "zstd": b"\x28\xb5\x2f\xfd",
    "7z": b"7z\xbc\xaf\x27\x1c",
    "png": b"\x89PNG\r\n\x1a\n",
    "jpeg": b"\xff\xd8\xff\xe0",
    "gif": b"GIF89a",
    "tiff": b"II*\x00",
    "avi": b"RIFF\x00\x00\x00\x00AVI LIST",
    "mp4": b"\x00\x00\x00\x18ftypisom",
    "pdf": b"%PDF-1.7",
    "parquet": b"PAR1",
    "pickle": b"\x80\x04\x95",
}


def test_every_refused_kind_is_tested() -> None:
    assert HEADS.keys() == REFUSED.keys()


@pytest.mark.parametrize("kind", REFUSED)
def test_known_kind_is_refused_with_its_own_reason(kind: str, tmp_path: Path) -> None:
    path = tmp_path / "recording.raw"
    path.write_bytes(HEADS[kind] + bytes(100))
    assert refusal(path.read_bytes()) is REFUSED[kind]
    with pytest.raises(FormatError) as caught:
        saccade.open(path)
    assert f"recording.raw is {REFUSED[kind].what}." in str(caught.value)
    assert REFUSED[kind].why in str(caught.value)


@pytest.mark.parametrize("name", WRITABLE)
def test_no_written_format_is_refused(name: str, tmp_path: Path) -> None:
    path = saccade.save(events(), tmp_path / "night", format=name)
    assert refusal(path.read_bytes()[: 1 << 16]) is None


def test_zip_of_pictures_is_no_npz(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "frames.npz", "w") as archive:
        archive.writestr("frame.png", b"png")
    with pytest.raises(FormatError, match="ZIP archive without NumPy arrays"):
        saccade.open(tmp_path / "frames.npz")


def test_stated_format_is_not_sniffed(tmp_path: Path) -> None:
    path = saccade.save(events(), tmp_path / "night.csv")
    with pytest.raises(FormatError):
        saccade.open(path, format="npz")
    with pytest.raises(UsageError, match="Did you mean 'evt3'"):
        saccade.open(path, format="evt33")


def test_unknown_size_is_asked_for_except_by_inspect(tmp_path: Path) -> None:
    path = tmp_path / "plain.csv"
    path.write_text("t,x,y,p\n10,1,1,0\n20,2,3,1\n")
    assert inspect(path).header.size is None
    for read in (saccade.open, saccade.stream):
        with pytest.raises(FormatError, match=r"plain\.csv does not say.*--size WIDTHxHEIGHT"):
            read(path)
    assert saccade.open(path, size=SIZE).size == SIZE
    with pytest.raises(FormatError, match="do not say how large"):
        saccade.save(inspect(path).packets(), tmp_path / "out.npz")


def test_size_is_checked_against_the_coordinates(tmp_path: Path) -> None:
    path = saccade.save(events(), tmp_path / "night.npz")
    small = SensorSize(height=180, width=239)
    first = int(np.argmax(events().x >= 239))
    with pytest.raises(EventError, match=f"x = 239 at event {first} of night.npz but width is 239"):
        saccade.open(path, size=small)


def test_size_of_another_type_is_refused(tmp_path: Path) -> None:
    path = saccade.save(events(), tmp_path / "night.npz")
    with pytest.raises(ConfigError, match="Expected SensorSize"):
        saccade.open(path, size=(180, 240))  # pyright: ignore[reportArgumentType]


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("a.raw", "evt3"),
        ("a.RAW", "evt3"),
        ("a.dat", "dat"),
        ("a.npz", "npz"),
        ("a.csv", "text"),
        ("a.txt", "text"),
        ("a.h5", "hdf5"),
        ("a.hdf5", "hdf5"),
    ],
)
def test_ending_chooses_the_format_to_write(name: str, expected: str) -> None:
    assert write_format(Path(name)).name == expected


def test_unknown_ending_names_the_closest_and_leaves_nothing(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"out\.npx: no event format .* Did you mean '\.npz'"):
        saccade.save(events(), tmp_path / "out.npx")
    assert list(tmp_path.iterdir()) == []


def test_read_only_format_lists_the_writable_ones(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"'aedat4' is read only.*evt3"):
        saccade.save(events(), tmp_path / "out.aedat4", format="aedat4")


def test_missing_folder_is_named(tmp_path: Path) -> None:
    with pytest.raises(MissingFileError, match=r"No such folder: .*gone"):
        saccade.save(events(), tmp_path / "gone" / "out.npz")
    with pytest.raises(UsageError, match="is a folder"):
        saccade.save(events(), tmp_path, format="npz")


@pytest.mark.parametrize("name", WRITABLE)
def test_interrupted_save_leaves_the_older_file(name: str, tmp_path: Path) -> None:
    path = tmp_path / "night"
    path.write_text("older")

    def broken() -> Iterator[Events]:
        yield events()
        raise RuntimeError("cable pulled")

    with pytest.raises(RuntimeError, match="cable pulled"):
        saccade.save(broken(), path, format=name, size=SIZE)
    assert path.read_text() == "older"
    assert list(tmp_path.iterdir()) == [path]


def test_file_can_be_saved_onto_itself(tmp_path: Path) -> None:
    path = saccade.save(events(), tmp_path / "night.npz")
    saccade.save(saccade.stream(path, packet_events=10), path, format="text")
    assert inspect(path).header.format == "text"
    assert_same(saccade.open(path), events())


def test_progress_counts_events(tmp_path: Path) -> None:
    calls: list[tuple[int, int]] = []
    saccade.save(
        EventStream.from_events(events(), 200),
        tmp_path / "night.npz",
        progress=lambda done, total: calls.append((done, total)),
    )
    assert calls == [(200, 500), (400, 500), (500, 500)]


@pytest.mark.parametrize("name", ["npz", "text", "hdf5"])
def test_time_running_backwards_is_refused_sorted_or_dropped(name: str, tmp_path: Path) -> None:
    t = np.array([10, 2000, 796, 2000, 2500])
    columns = np.arange(5, dtype=np.uint16)
    broken = Events(columns, columns, t, np.ones(5, np.uint8), SIZE, check=False)
    path = saccade.save(broken, tmp_path / "night", format=name)
    with pytest.raises(EventError, match=r"t goes back by 1,204 µs at event 2 of night.*--on-dis"):
        saccade.open(path)
    assert saccade.open(path, on_disorder="sort").x.tolist() == [0, 2, 1, 3, 4]
    assert saccade.open(path, on_disorder="drop").x.tolist() == [0, 1, 3, 4]
    for size in (1, 2, 5):
        dropped = list(saccade.stream(path, packet_events=size, on_disorder="drop"))
        assert Events.concatenate(dropped).x.tolist() == [0, 1, 3, 4]
    with pytest.raises(EventError, match="Packets cannot be sorted"):
        list(saccade.stream(path, on_disorder="sort"))


@pytest.mark.parametrize("name", ["npz", "text", "hdf5"])
def test_one_based_file_is_explained_and_read(name: str, tmp_path: Path) -> None:
    one_based = Events([1, 240], [1, 180], [5, 6], [0, 1], SensorSize(height=181, width=241))
    path = saccade.save(one_based, tmp_path / "night", format=name)
    with pytest.raises(EventError, match=r"x = 240 at event 1 .*valid 0\.\.239.*--origin 1"):
        saccade.open(path, size=SIZE)
    read = saccade.open(path, size=SIZE, origin=1)
    assert read.x.tolist() == [0, 239] and read.y.tolist() == [0, 179]


@pytest.mark.parametrize("name", WRITABLE)
def test_empty_recording_is_written_and_read(name: str, tmp_path: Path) -> None:
    path = saccade.save(Events.empty(SIZE), tmp_path / "night", format=name)
    assert len(saccade.open(path, size=SIZE)) == 0
    assert [len(packet) for packet in saccade.stream(path, size=SIZE) if len(packet)] == []
