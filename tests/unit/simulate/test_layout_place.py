"""Brisbane, NSAVP and NYC: read back by zipfile, NumPy, csv, an NMEA parser, and by saccade."""

from __future__ import annotations

import csv
import re
import zipfile
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from layout_recordings import (
    EPOCH_US,
    all_events,
    assert_same_events,
    digests,
    drive_recording,
    random_parts,
)

from saccade.errors import ConfigError
from saccade.events import read_pixel_list
from saccade.events.io import open as open_events
from saccade.events.types import Events, SensorSize
from saccade.simulate.conditions import CONDITIONS
from saccade.simulate.geography import Origin
from saccade.simulate.layouts import brisbane, nsavp, nyc
from saccade.simulate.place_truth import correspondences, track_at
from saccade.simulate.recording import Part, Recording

Write = Callable[..., tuple[Path, ...]]
WRITERS: dict[str, Write] = {"brisbane": brisbane.write, "nsavp": nsavp.write, "nyc": nyc.write}
each_layout = pytest.mark.parametrize("write", WRITERS.values(), ids=WRITERS.keys())

ZONE = 10 * 3_600  # of Brisbane; the file names of the set are in local time
DAYTIME_US = 1_587_705_130_800_000


# Brisbane


def brisbane_rows(folder: Path, stem: str) -> tuple[str, list[list[str]]]:
    with zipfile.ZipFile(folder / f"{stem}.zip") as archive:
        assert archive.namelist() == [f"{stem}.txt"]  # programs for the set read the only member
        assert archive.testzip() is None
        first, *lines = archive.read(f"{stem}.txt").decode("ascii").splitlines()
    return first, [line.split() for line in lines]


def fixes_of(path: Path) -> list[tuple[int, float, float]]:
    """Parse ``$GPRMC`` and ``$GPGGA``: whole seconds since the first sentence, degrees."""
    found: list[tuple[int, float, float]] = []
    first = None
    for line in path.read_bytes().decode("ascii").split("\r\n"):
        match = re.match(r"\$GP(RMC|GGA),(\d\d)(\d\d)(\d\d)\.\d\d,(.*)\*[0-9A-F]{2}$", line)
        if match is None:
            continue
        hours, minutes, seconds = map(int, match.groups()[1:4])
        now = 3_600 * hours + 60 * minutes + seconds
        first = now if first is None else first
        fields = match[5].split(",")
        place = fields[1:5] if match[1] == "RMC" else fields[:4]
        if not place[0]:
            continue
        latitude = int(place[0][:2]) + float(place[0][2:]) / 60
        longitude = int(place[2][:3]) + float(place[2][3:]) / 60
        signs = {"N": 1, "S": -1, "E": 1, "W": -1}
        row = (now - first, latitude * signs[place[1]], longitude * signs[place[3]])
        if not found or found[-1] != row:
            found.append(row)
    return found


def test_brisbane_events_are_text_on_the_epoch_clock(tmp_path: Path) -> None:
    recording = drive_recording()
    files = brisbane.write(tmp_path, recording, random_parts(recording))
    stem = "dvs_vpr_2020-04-24-15-12-03"
    assert [path.name for path in files] == [
        f"{stem}.zip", "20200424_151015-daytime_concat.nmea", f"{stem}_hot_pixels.txt",
    ]  # fmt: skip
    size_line, rows = brisbane_rows(tmp_path, stem)
    assert size_line == "34 26"
    events = all_events(recording)
    assert len(rows) == len(events)
    assert all(re.fullmatch(r"\d{10}\.\d{6}", row[0]) for row in rows)
    t_us = np.array([int(row[0].replace(".", "")) for row in rows])
    np.testing.assert_array_equal(t_us, events.t + DAYTIME_US)
    table = np.array([row[1:] for row in rows], np.int64)
    np.testing.assert_array_equal(table, np.stack([events.x, events.y, events.p], axis=1))


def test_brisbane_text_is_read_by_saccade_to_the_microsecond(tmp_path: Path) -> None:
    recording = drive_recording("night")
    (path, *_) = brisbane.write(tmp_path, recording, random_parts(recording))
    with zipfile.ZipFile(path) as archive:
        text = archive.extract(archive.namelist()[0], tmp_path)
    found, expected = open_events(text), all_events(recording)
    assert found.size == recording.left.size
    later = expected.t + 1_587_975_221_100_000
    assert_same_events(found, Events(expected.x, expected.y, later, expected.p, expected.size))


def test_brisbane_fixes_are_where_the_track_was_at_the_event_time(tmp_path: Path) -> None:
    """Event time = seconds since the first sentence + clock offset, as programs compute it."""
    recording = drive_recording("sunset", seconds=12.0)
    brisbane.write(tmp_path, recording, random_parts(recording))
    track = recording.track
    assert track is not None
    fixes = fixes_of(tmp_path / "20200421_170039-sunset1_concat.nmea")
    assert [fix[0] for fix in fixes] == list(range(12))
    for seconds, latitude, longitude in fixes:
        event_us = seconds * 1_000_000 + 1_587_452_582_350_000
        own_us = event_us - brisbane.TRAVERSES["sunset1"].offset_us
        row = int(np.flatnonzero(track.t_us == own_us)[0])
        assert latitude == pytest.approx(track.latitude[row], abs=1e-7)
        assert longitude == pytest.approx(track.longitude[row], abs=1e-7)


def test_brisbane_sentences_are_said_at_the_event_clock_in_utc(tmp_path: Path) -> None:
    recording = drive_recording("morning")
    brisbane.write(tmp_path, recording, random_parts(recording))
    log = (tmp_path / "20200428_091154-morning_concat.nmea").read_text()
    assert log.startswith("$GPRMC,231425.73,A,2728.")  # 2020-04-27 23:14:25.73, 09:14 in Brisbane
    assert ",270420," in log.splitlines()[0]


@pytest.mark.parametrize("name", brisbane.TRAVERSES)
def test_brisbane_clocks_and_names_agree(name: str) -> None:
    """The id, the log's name and the offset of a traverse say the same day, minutes apart."""
    known = brisbane.TRAVERSES[name]
    assert name in known.nmea_file
    started = datetime.strptime(known.recording_id + "+0000", "dvs_vpr_%Y-%m-%d-%H-%M-%S%z")
    logged = datetime.strptime(known.nmea_file[:15] + "+0000", "%Y%m%d_%H%M%S%z")
    offset_s = known.offset_us / 1e6 + ZONE
    assert abs(started.timestamp() - offset_s) < 120
    assert abs(logged.timestamp() - offset_s) < 300


def test_brisbane_lists_the_pixels_that_are_hot(tmp_path: Path) -> None:
    recording = drive_recording(seconds=3.0)

    def with_hot_pixels() -> Iterator[Part]:
        for part in random_parts(recording):
            quiet = part.events["left"]
            x, y = np.tile([7, 20, 30], 300), np.tile([3, 11, 25], 300)
            t = np.sort(np.concatenate([quiet.t, np.linspace(part.start_us, part.end_us - 1, 900)]))
            events = Events(
                np.concatenate([quiet.x, x]), np.concatenate([quiet.y, y]), t.astype(np.int64),
                np.ones(len(t), np.uint8), quiet.size,
            )  # fmt: skip
            yield replace(part, events={"left": events})

    path = brisbane.write(tmp_path, recording, with_hot_pixels())[2]
    assert sorted(read_pixel_list(path).tolist()) == [[7, 3], [20, 11], [30, 25]]


@pytest.mark.parametrize("hot", [0, 1])
def test_brisbane_hot_pixels_have_two_rows_at_least(tmp_path: Path, hot: int) -> None:
    recording = drive_recording(seconds=2.0)

    def parts() -> Iterator[Part]:
        for part in random_parts(recording, events_per_s=1_000):
            rest = part.events["left"]
            hits = [np.concatenate([column, np.full(400 * hot, 5)]) for column in (rest.x, rest.y)]
            t = np.sort(np.concatenate([rest.t, np.full(400 * hot, part.start_us)]))
            yield replace(part, events={"left": Events(*hits, t, t % 2, rest.size)})

    path = brisbane.write(tmp_path, recording, parts())[2]
    table = np.loadtxt(path, delimiter=",", dtype=int)
    assert table.shape == (2, 2)
    assert len(np.unique(table, axis=0)) == 2
    assert ([5, 5] in table.tolist()) == bool(hot)


def test_brisbane_takes_a_list_of_hot_pixels(tmp_path: Path) -> None:
    recording = drive_recording()
    pixels = np.array([[1, 2], [33, 25], [0, 0]])
    path = brisbane.write(tmp_path, recording, random_parts(recording), hot_pixels=pixels)[2]
    assert path.read_text() == "1,2\n33,25\n0,0\n"


def test_brisbane_traverse_can_be_named(tmp_path: Path) -> None:
    recording = drive_recording("sunset")
    brisbane.write(tmp_path, recording, random_parts(recording), traverse="sunset2")
    assert (tmp_path / "20200422_172431-sunset2_concat.nmea").is_file()
    with pytest.raises(ConfigError, match=r"no traverse 'noon'.*sunset1"):
        brisbane.write(tmp_path, recording, random_parts(recording), traverse="noon")


# NSAVP


def frames_of(folder: Path, name: str, inside: str = "") -> list[np.ndarray]:
    files = sorted((folder / f"{name}-frames-1000" / inside).glob("frame_*.npy"))
    assert [path.name for path in files] == [f"frame_{k:06d}.npy" for k in range(len(files))]
    return [np.load(path, allow_pickle=False) for path in files]


@pytest.mark.parametrize("part_us", [1_000_000, 700_000, 2_500_000])
def test_nsavp_frames_hold_a_second_each_in_nanoseconds(tmp_path: Path, part_us: int) -> None:
    recording = drive_recording("sunset", seconds=4.3)
    nsavp.write(tmp_path, recording, random_parts(recording, part_us=part_us))
    frames = frames_of(tmp_path, "R0_FS0")
    events = all_events(recording, part_us=part_us)
    assert [frame.dtype for frame in frames] == [np.dtype(np.int64)] * 4
    starts = (np.array([frame[0, 2] for frame in frames]) // 1_000 - EPOCH_US) // 1_000_000
    assert starts.tolist() == [0, 1, 2, 3]
    whole = np.concatenate(frames)
    t_ns = (events.t + EPOCH_US) * 1_000
    np.testing.assert_array_equal(whole, np.stack([events.x, events.y, t_ns, events.p], axis=1))


def test_nsavp_frames_are_read_by_saccade(tmp_path: Path) -> None:
    recording = drive_recording("day", size=SensorSize(480, 640))
    nsavp.write(tmp_path, recording, random_parts(recording, maps=False))
    folder = tmp_path / "R0_FA0-frames-1000"
    expected = all_events(recording, maps=False).slice_time(1_000_000, 2_000_000)
    shifted = Events(expected.x, expected.y, expected.t + EPOCH_US, expected.p, nsavp.SENSOR)
    assert_same_events(open_events(folder / "frame_000001.npy", size=nsavp.SENSOR), shifted)
    small = open_events(folder / "downsampled/frame_000001.npy", size=SensorSize(260, 346),
                        time_unit="ns")  # fmt: skip
    np.testing.assert_array_equal(small.t, shifted.t)


def test_nsavp_small_frames_are_scaled_records(tmp_path: Path) -> None:
    recording = drive_recording("day", size=SensorSize(480, 640))
    nsavp.write(tmp_path, recording, random_parts(recording, maps=False))
    for plain, small in zip(
        frames_of(tmp_path, "R0_FA0"), frames_of(tmp_path, "R0_FA0", "downsampled"), strict=True
    ):
        assert small.dtype.descr == [("x", "<i2"), ("y", "<i2"), ("t", "<i8"), ("p", "<i2")]
        scaled_x = np.minimum(np.floor(plain[:, 0] * 346 / 640), 345)
        scaled_y = np.minimum(np.floor(plain[:, 1] * 260 / 480), 259)
        np.testing.assert_array_equal(small["x"], scaled_x)
        np.testing.assert_array_equal(small["y"], scaled_y)
        np.testing.assert_array_equal(small["t"], plain[:, 2])
        np.testing.assert_array_equal(small["p"], plain[:, 3])


def two_traverses(folder: Path) -> tuple[Recording, Recording]:
    pair = drive_recording("sunset", seconds=9.3), drive_recording("day", seconds=7.0, seed=5)
    for recording in pair:
        nsavp.write(folder, recording, random_parts(recording, events_per_s=50), tolerance_m=12.0)
    return pair


def test_nsavp_truth_agrees_with_distance_along_the_route(tmp_path: Path) -> None:
    """Expected from the track itself, by plain interpolation."""
    pair = two_traverses(tmp_path)
    stem = "R0_FS0_R0_FA0_GT"
    matrix = np.load(tmp_path / f"ground_truth/{stem}.npy")
    assert matrix.dtype == np.uint8
    assert matrix.shape == (len(frames_of(tmp_path, "R0_FS0")), len(frames_of(tmp_path, "R0_FA0")))
    metres = []
    for recording, count in zip(pair, matrix.shape, strict=True):
        track = recording.track
        assert track is not None
        middle = np.arange(count) * 1e6 + 5e5
        middle[-1] = ((count - 1) * 1e6 + recording.duration_us) / 2
        metres.append(np.interp(middle, track.t_us, track.distance_m))
    gap = np.abs(metres[0][:, None] - metres[1][None])
    clear = np.abs(gap - 12.0) > 0.01
    assert 0.1 < matrix.mean() < 0.9
    np.testing.assert_array_equal(matrix[clear], (gap < 12.0)[clear])


def test_nsavp_positions_belong_to_rows_and_columns(tmp_path: Path) -> None:
    reference, query = two_traverses(tmp_path)
    with np.load(tmp_path / "ground_truth/R0_FS0_R0_FA0_GT_positions.npz") as file:
        assert sorted(file.files) == ["qry_pos", "ref_pos"]
        found = {"ref_pos": file["ref_pos"], "qry_pos": file["qry_pos"]}
    for name, recording in (("ref_pos", reference), ("qry_pos", query)):
        edges = nsavp.frame_edges(recording.duration_us)
        assert recording.track is not None
        track = track_at(recording.track, (edges[1:] + edges[:-1]) // 2)
        expected = np.stack([track.east_m, track.north_m, track.up_m], axis=1)
        np.testing.assert_allclose(found[name], expected, atol=6e-5)


def test_nsavp_truth_is_there_for_both_directions(tmp_path: Path) -> None:
    two_traverses(tmp_path)
    names = {path.name for path in (tmp_path / "ground_truth").iterdir()}
    assert names == {
        "R0_FS0_R0_FA0_GT.npy", "R0_FS0_R0_FA0_GT_positions.npz",
        "R0_FA0_R0_FS0_GT.npy", "R0_FA0_R0_FS0_GT_positions.npz",
    }  # fmt: skip
    there = np.load(tmp_path / "ground_truth/R0_FS0_R0_FA0_GT.npy")
    back = np.load(tmp_path / "ground_truth/R0_FA0_R0_FS0_GT.npy")
    np.testing.assert_array_equal(there, back.T)


def test_nsavp_truth_can_be_written_again_for_a_tolerance(tmp_path: Path) -> None:
    reference, query = two_traverses(tmp_path)
    before = digests(tmp_path)
    nsavp.write_ground_truth(tmp_path, reference, query, tolerance_m=12.0)
    assert digests(tmp_path) == before
    matrix, _ = nsavp.write_ground_truth(tmp_path, reference, query, tolerance_m=25.0)
    assert np.load(matrix).sum() > np.load(tmp_path / "ground_truth/R0_FA0_R0_FS0_GT.npy").sum()


def test_nsavp_a_traverse_written_twice_gives_the_same_set(tmp_path: Path) -> None:
    """As when a run is killed after a folder appeared and before that was noted."""
    reference, _ = two_traverses(tmp_path)
    before = digests(tmp_path)
    parts = random_parts(reference, events_per_s=50)
    nsavp.write(tmp_path, reference, parts, tolerance_m=12.0)
    assert digests(tmp_path) == before


def test_nsavp_last_frame_is_there_when_the_parts_end_early(tmp_path: Path) -> None:
    recording = drive_recording("night", seconds=4.0)
    parts = list(random_parts(recording))[:2]
    nsavp.write(tmp_path, recording, parts, downsampled=False)
    assert [len(frame) for frame in frames_of(tmp_path, "R0_FN0")] == [2_000, 2_000, 0, 0]
    assert not (tmp_path / "R0_FN0-frames-1000/downsampled").exists()


# NYC


def test_nyc_session_is_a_stored_zip_with_one_raw_file(tmp_path: Path) -> None:
    recording = drive_recording(size=SensorSize(720, 1280))
    files = nyc.write(tmp_path, recording, random_parts(recording, maps=False))
    session = tmp_path / "sensor_data_2021-06-01_12-00-00"
    assert [path.name for path in files] == [
        "data_2021-06-01_12-00-00.zip", "GPS_data_2021-06-01_12-00-00.csv",
    ]  # fmt: skip
    assert sorted(session.iterdir()) == sorted(files)
    with zipfile.ZipFile(files[0]) as archive:
        (entry,) = archive.infolist()
        assert entry.filename == "data_2021-06-01_12-00-00.raw"
        assert entry.compress_type == zipfile.ZIP_STORED
        assert archive.testzip() is None
        raw = archive.extract(entry, tmp_path)
    found, expected = open_events(raw), all_events(recording, maps=False)
    assert found.size == SensorSize(720, 1280)
    later = expected.t + 250_000  # the name tells whole seconds, the recording began at .25
    assert_same_events(found, Events(expected.x, expected.y, later, expected.p, expected.size))


def test_nyc_gps_is_where_the_track_was_when_the_file_name_says(tmp_path: Path) -> None:
    recording = drive_recording(seconds=6.0)
    table = nyc.write(tmp_path, recording, random_parts(recording))[1]
    lines = table.read_text().splitlines()
    assert lines[0] == "Longitude,Latitude,HeadMotion,Timestamp"
    assert all("nan" not in line for line in lines)
    rows = list(csv.DictReader(lines))
    track = recording.track
    assert track is not None
    assert len(rows) == len(track.t_us) - 1  # one fix is lost
    began = datetime(2021, 6, 1, 12, tzinfo=UTC).timestamp()
    for row in rows:
        moment = datetime.strptime(row["Timestamp"], "%Y-%m-%d_%H-%M-%S_%f").replace(tzinfo=UTC)
        own_us = round((moment.timestamp() - began) * 1e6) - 250_000
        at = int(np.flatnonzero(track.t_us == own_us)[0])
        assert float(row["HeadMotion"]) == pytest.approx(track.heading_deg[at], abs=1e-4)
        east, north = nyc.MANHATTAN.to_local(
            float(row["Latitude"]), float(row["Longitude"]), track.up_m[at]
        )
        there = Origin().to_local(track.latitude[at], track.longitude[at], track.up_m[at])
        assert np.hypot(east - there[0], north - there[1]) < 0.02
        assert np.hypot(east - track.east_m[at], north - track.north_m[at]) < 15  # the receiver's


def test_nyc_sessions_of_different_days_lie_side_by_side(tmp_path: Path) -> None:
    for day, condition in enumerate(("day", "night")):
        recording = drive_recording(condition, epoch_us=EPOCH_US + day * 86_400_000_000)
        nyc.write(tmp_path, recording, random_parts(recording))
    assert sorted(path.name for path in tmp_path.iterdir()) == [
        "sensor_data_2021-06-01_12-00-00", "sensor_data_2021-06-02_12-00-00",
    ]  # fmt: skip


@pytest.mark.rivals
@pytest.mark.parametrize("reader", ["faery", "expelliarmus"])
def test_nyc_recordings_are_read_by_others(tmp_path: Path, reader: str) -> None:
    library: Any = pytest.importorskip(reader, reason=f"{reader} is not installed")
    recording = drive_recording(size=SensorSize(720, 1280))
    path = nyc.write(tmp_path, recording, random_parts(recording, maps=False))[0]
    with zipfile.ZipFile(path) as archive:
        raw = archive.extract(archive.namelist()[0], tmp_path)
    expected = all_events(recording, maps=False)
    if reader == "faery":
        rows, period = library.events_stream_from_file(raw).to_array(), 1 << 40
    else:  # its times are off by multiples of 4,096 µs, in recordings of real cameras too
        rows, period = library.Wizard(encoding="evt3").read(raw), 4_096
    np.testing.assert_array_equal(rows["t"].astype(np.int64) % period,
                                  (expected.t + 250_000) % period)  # fmt: skip
    for name in "xyp":
        np.testing.assert_array_equal(rows[name].astype(np.int64), getattr(expected, name))


# All three


@each_layout
def test_the_same_recording_gives_the_same_bytes(tmp_path: Path, write: Write) -> None:
    for name in ("a", "b"):
        (tmp_path / name).mkdir()
        for condition in ("day", "night"):
            recording = drive_recording(condition, epoch_us=EPOCH_US + len(condition) * 10**9)
            write(tmp_path / name, recording, random_parts(recording))
    first = digests(tmp_path / "a")
    assert len(first) >= 4
    assert first == digests(tmp_path / "b")


@each_layout
def test_every_condition_of_a_street_has_names_of_its_own(tmp_path: Path, write: Write) -> None:
    seen: set[str] = set()
    for number, condition in enumerate(name for name in CONDITIONS if name != "room"):
        recording = drive_recording(condition, seconds=2.0, epoch_us=EPOCH_US + number * 10**9)
        made = write(tmp_path, recording, random_parts(recording, events_per_s=100))
        names = {path.relative_to(tmp_path).as_posix() for path in made}
        assert all(path.exists() for path in made)
        assert not names & seen
        seen |= names


@each_layout
def test_a_recording_without_a_track_is_refused(tmp_path: Path, write: Write) -> None:
    recording = replace(drive_recording(), track=None)
    with pytest.raises(ConfigError, match=r"'day' has no track.*a drive along a route"):
        write(tmp_path, recording, random_parts(recording))
    assert not list(tmp_path.iterdir())


@each_layout
def test_nothing_is_left_when_the_recording_breaks_off(tmp_path: Path, write: Write) -> None:
    recording = drive_recording()

    def broken() -> Iterator[Part]:
        yield from list(random_parts(recording))[:2]
        raise RuntimeError("the lamp burst")

    with pytest.raises(RuntimeError, match="the lamp burst"):
        write(tmp_path, recording, broken())
    assert not list(tmp_path.iterdir())


@each_layout
def test_a_recording_without_events_is_written(tmp_path: Path, write: Write) -> None:
    recording = drive_recording(seconds=2.0)
    made = write(tmp_path, recording, random_parts(recording, events_per_s=0))
    assert all(path.exists() for path in made)


@pytest.mark.parametrize("write", [brisbane.write, nsavp.write], ids=["brisbane", "nsavp"])
def test_a_condition_that_the_set_does_not_know_is_named(tmp_path: Path, write: Write) -> None:
    recording = replace(drive_recording(), condition="fog")
    with pytest.raises(ConfigError, match="no traverse for condition 'fog'"):
        write(tmp_path, recording, random_parts(recording))


def test_truth_of_the_layout_is_that_of_the_tracks(tmp_path: Path) -> None:
    reference, query = two_traverses(tmp_path)
    moments = {}
    for name, recording in (("reference_us", reference), ("query_us", query)):
        edges = nsavp.frame_edges(recording.duration_us)
        moments[name] = (edges[1:] + edges[:-1]) // 2
    assert reference.track is not None
    assert query.track is not None
    found = correspondences(reference.track, query.track, 12.0, **moments)
    matrix = np.load(tmp_path / "ground_truth/R0_FS0_R0_FA0_GT.npy")
    np.testing.assert_array_equal(matrix.astype(bool), found.within)
