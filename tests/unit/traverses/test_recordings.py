"""The data set "files": recordings with tables of positions, or with a matrix of truth."""

from __future__ import annotations

import pickle
import tracemalloc
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from road_recordings import (
    SECONDS,
    SENSOR,
    SPEED_M_S,
    road_events,
    road_table,
    write_drive,
)
from saccade import save
from saccade.errors import (
    ConfigError,
    DataError,
    EventError,
    FormatError,
    MissingFileError,
    SaccadeError,
    ShapeError,
)
from saccade.events import Events, SensorSize
from saccade.represent import count_frame
from saccade.simulate.camera import Camera, StereoRig
from saccade.simulate.drive import Drive
from saccade.simulate.geography import receive
from saccade.simulate.layouts import plain
from saccade.simulate.place_truth import read_positions
from saccade.simulate.recording import Part, Recording
from saccade.traverses import place_events as place_events_module
from saccade.traverses import recordings
from saccade.traverses.config import SetArgs
from saccade.traverses.place_events import place_events
from saccade.traverses.routes import is_position_table, read_route
from saccade.traverses.sets import open_set
from saccade.traverses.traverse import PlaceSet

SIZE = str(SENSOR)


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("files")
    for seed, (name, ending) in enumerate((("day", ".raw"), ("dusk", ".h5"), ("night", ".npz"))):
        write_drive(folder, name, seed, ending=ending)
    return folder


def opened(root: Path, **settings: Any) -> PlaceSet:
    return open_set(SetArgs(data="files", root=root, **{"input_size": SIZE, **settings}))


def drive(found: Any) -> recordings.Drive:
    assert isinstance(found, recordings.Drive)
    return found


class TestRoutes:
    """Tables of positions."""

    def table(self, folder: Path, text: str, name: str = "day.csv") -> Path:
        path = folder / name
        path.write_text(text)
        return path

    @pytest.mark.parametrize(
        ("header", "kind"),
        [
            ("t_us,x,y", "planar"),
            ("t_us,x_m,y_m", "planar"),
            ("t_us,east_m,north_m", "planar"),
            ("t_us,lat,lon", "geodesic"),
            ("T_us, Latitude ,longitude", "geodesic"),
        ],
    )
    def test_the_header_decides(self, tmp_path: Path, header: str, kind: str) -> None:
        path = self.table(
            tmp_path, road_table(header=header.lower()).replace(header.lower(), header)
        )
        assert is_position_table(path)
        route = read_route(path)
        assert route.positions.kind == kind
        assert route.length_m == pytest.approx(SPEED_M_S * SECONDS, rel=1e-6)
        assert route.places(2.0).tolist() == [
            pytest.approx(k * 200_000, abs=2) for k in range(len(route.places(2.0)))
        ]

    @pytest.mark.parametrize("header", ["t,x,y,p", "t_us,x,y,p", "t_us,x,y,polarity", "a,b", ""])
    def test_events_are_no_positions(self, tmp_path: Path, header: str) -> None:
        assert not is_position_table(self.table(tmp_path, f"{header}\n1,2,3,1\n"))

    def test_standing_still_is_one_place_and_does_not_add_up(self, tmp_path: Path) -> None:
        rng = np.random.default_rng(1)
        rows = ["t_us,x,y"]
        for k in range(400):
            metres = min(k, 100) + max(0, k - 300)  # drives, stands for 200 s, drives
            rows.append(f"{k * 1_000_000},{metres + rng.normal(0, 0.05):.3f},{rng.normal(0, 0.05)}")
        route = read_route(self.table(tmp_path, "\n".join(rows)))
        assert route.length_m == pytest.approx(199, abs=3)
        times = route.places(10.0) * 1e-6
        assert np.diff(times).min() > 5
        assert np.sum((times > 105) & (times < 295)) == 0

    def test_a_column_of_distance_is_taken(self, tmp_path: Path) -> None:
        path = self.table(tmp_path, "t_us,x,y,distance_m\n0,0,0,500\n1000,5,0,506\n")
        assert read_route(path).places(3.0).tolist() == [167, 667]

    def test_lost_fixes_are_left_out_and_offsets_added(self, tmp_path: Path) -> None:
        path = self.table(tmp_path, "t_us,lat,lon\n0,1.0,2.0\n5,,\n10,1.0,2.001\n")
        assert read_route(path, offset_us=7).t_us.tolist() == [7, 17]

    @pytest.mark.parametrize(
        ("text", "words"),
        [
            ("t_us,x,y\n0,1,2\n", "has 1 positions"),
            ("t_us,x,y\n0,1,2\n5,1\n", "line 3"),
            ("t_us,x,y\n0,1,2\n5,one,2\n", "line 3.*one"),
            ("t_us,x,y\n0,1,2\n5,nan,2\n", "line 3.*finite"),
            ("t_us,x,y\n9,1,2\n5,1,2\n", "line 3: time runs back from 9 to 5"),
            ("t_us,x,y\n0.5,1,2\n5,1,2\n", "line 2.*microseconds"),
            ("t_us,lat,lon\n0,583000,4507000\n5,1,2\n", "Metres belong into columns x and y"),
            ("t_us,x,y,distance_m\n0,0,0,5\n9,0,0,4\n", "falls to 4"),
            ("time,x,y\n0,1,2\n", "has columns time, x, y"),
        ],
    )
    def test_damage_is_named(self, tmp_path: Path, text: str, words: str) -> None:
        with pytest.raises(SaccadeError, match=words):
            read_route(self.table(tmp_path, text))

    def test_nmea_wants_its_offset(self, tmp_path: Path) -> None:
        lines = []
        for second in range(6):
            body = f"GPRMC,10590{second}.00,A,2730.0{second}00,S,15300.000,E,,,010121,,,"
            check = 0
            for letter in body:
                check ^= ord(letter)
            lines.append(f"${body}*{check:02X}")
        path = self.table(tmp_path, "\n".join(lines), "day.nmea")
        assert is_position_table(path)
        with pytest.raises(ConfigError, match="--offset-s day=SECONDS"):
            read_route(path)
        route = read_route(path, offset_us=2_000_000)
        assert route.positions.kind == "geodesic"
        assert route.t_us.tolist() == [k * 1_000_000 for k in range(2, 8)]


class TestPlaceEvents:
    """The cache of events around places."""

    def test_blocks_are_the_events_around_places(
        self, root: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """Also where blocks overlap, and wherever packets end."""
        events = road_events(0)
        times = np.array([10, 60_000, 90_000, 100_000, 1_000_000, 7_950_001, 7_999_000])
        stream = place_events_module.event_io.stream
        for packet_events in (500, 1 << 16):
            monkeypatch.setattr(
                place_events_module.event_io,
                "stream",
                lambda path, n=packet_events: stream(path, packet_events=n),
            )
            found = place_events(
                root / "day.raw", times, half_us=50_000, size=SENSOR,
                folder=tmp_path / str(packet_events),
            )  # fmt: skip
            assert (found.first, len(found)) == (1, 4)
            for k in range(4):
                t_us = int(times[1 + k])
                expected = events.slice_time(t_us - 50_000, t_us + 50_000)
                block = found.block(k)
                assert np.array_equal(block.t, expected.t - t_us + 50_000)
                for name in "xyp":
                    assert np.array_equal(getattr(block, name), getattr(expected, name)), name

    def test_a_block_may_end_with_the_recording(self, root: Path, tmp_path: Path) -> None:
        for end, kept in ((8_000_000, 1), (8_000_001, 0)):
            times = np.array([1_000_000, end - 1_000])
            found = place_events(
                root / "day.raw", times, half_us=1_000, size=SENSOR, folder=tmp_path
            )
            assert len(found) == 1 + kept

    def test_scaled_down(self, root: Path, tmp_path: Path) -> None:
        small = SensorSize(height=18, width=24)
        times = np.array([1_000_000])
        block, whole = (
            place_events(root / "day.raw", times, half_us=9_000, size=size, folder=tmp_path).block(
                0
            )
            for size in (small, SENSOR)
        )
        assert block.size == small
        assert np.array_equal(block.x, whole.x // 2)
        assert np.array_equal(block.y, whole.y // 2)

    def test_decoded_once_and_anew_when_the_file_changes(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        path = write_drive(tmp_path, "day", 3)
        times, cache = np.array([1_000_000, 2_000_000]), tmp_path / "cache"
        decoded: list[Path] = []
        stream = place_events_module.event_io.stream

        def counted(path: Path) -> Any:
            decoded.append(path)
            return stream(path)

        monkeypatch.setattr(place_events_module.event_io, "stream", counted)

        def cut() -> Events:
            return place_events(
                path, times, half_us=5_000, size=SENSOR, folder=cache
            ).block(1)  # fmt: skip

        first = cut()
        assert np.array_equal(cut().t, first.t)
        assert len(decoded) == 1
        save(road_events(4), path)
        assert not np.array_equal(cut().y, first.y)
        assert len(decoded) == 2
        damaged = max(cache.glob("*/events.u4"), key=lambda file: file.stat().st_mtime_ns)
        damaged.write_bytes(damaged.read_bytes()[:-8])
        cut()
        assert len(decoded) == 3

    def test_a_recording_is_never_in_memory(
        self, root: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        def packets(path: Path) -> Iterator[Events]:
            for k in range(200):
                t = np.arange(20_000) + 20_000 * k
                none = np.zeros(20_000, np.uint16)
                yield Events(none, none, t, none.astype(np.uint8), SENSOR)

        monkeypatch.setattr(place_events_module.event_io, "stream", packets)
        times = np.arange(50_000, 3_950_000, 100_000)
        tracemalloc.start()
        found = place_events(
            root / "day.raw", times, half_us=40_000, size=SENSOR, folder=tmp_path
        )  # fmt: skip
        peak = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        assert found.edges[-1] == len(times) * 80_000  # of 4,000,000 events, 52 MB
        assert peak < 8e6

    def test_nothing_half_written_stays(
        self, root: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        def dies(done: int, total: int) -> None:
            raise KeyboardInterrupt

        with pytest.raises(KeyboardInterrupt):
            place_events(
                root / "day.raw", np.array([1_000_000]), half_us=9, size=SENSOR,
                folder=tmp_path, progress=dies,
            )  # fmt: skip
        assert not list(tmp_path.iterdir())

    def test_a_folder_that_cannot_be_written(self, root: Path, tmp_path: Path) -> None:
        (tmp_path / "file").write_text("")
        with pytest.raises(ConfigError, match="Pass --cache FOLDER"):
            place_events(
                root / "day.raw", np.array([1_000_000]), half_us=9, size=SENSOR,
                folder=tmp_path / "file",
            )  # fmt: skip


class TestOpen:
    """Roles, windows and frames."""

    def test_windows_lie_along_the_route(self, root: Path) -> None:
        found = opened(root, train=("day", "dusk"), every_m=4.0)
        day, dusk = found.train
        assert (day.name, dusk.name, found.val, found.tests) == ("day", "dusk", None, ())
        assert np.allclose(np.diff(day.positions.values[:, 0]), 4.0, atol=1e-3)
        assert day.positions.kind == "planar"
        assert np.unique(day.session).tolist() == [0] and np.unique(dusk.session).tolist() == [1]
        assert len(day) == len(dusk) == len(day.session) == 19  # 4 m to 76 m of 80 m

    def test_frames_count_what_is_seen_at_the_place(self, root: Path) -> None:
        day = opened(root, train=("day",), every_m=4.0, window_us=30_000).train[0]
        events = road_events(0)
        for k in (0, 7, 18):
            t_us = round(day.positions.values[k, 0] / SPEED_M_S * 1e6)
            window = events.slice_time(t_us - 15_000, t_us + 15_000)
            frame = day.frame(k)
            assert (frame.dtype, frame.shape) == (np.float32, (2, SENSOR.height, SENSOR.width))
            assert np.array_equal(frame, count_frame(window))
        few = opened(root, train=("day",), every_m=4.0, window_us=30_000, max_events=25).train[0]
        assert few.frame(7).sum() == 25

    def test_default_window_is_50_ms(self, root: Path) -> None:
        day = opened(root, train=("day",)).train[0]
        t_us = round(day.positions.values[3, 0] / SPEED_M_S * 1e6)
        expected = road_events(0).slice_time(t_us - 25_000, t_us + 25_000)
        assert day.frame(3).sum() == len(expected)

    def test_training_frames_are_other_windows_near_the_place(self, root: Path) -> None:
        day = opened(root, train=("day",), spread=(10_000.0, 40_000.0), event_drop=False).train[0]
        rng = np.random.default_rng(0)
        frames = np.stack([day.frame(9, rng) for _ in range(60)])
        counts = frames.sum((1, 2, 3)) / 20_000  # seconds
        assert counts.min() > 0.008 and counts.max() < 0.042
        assert np.ptp(counts) > 0.02
        columns = np.flatnonzero(frames.sum((0, 1, 2)))
        metres = day.positions.values[9, 0]
        assert columns.min() >= int(metres - 0.4) and columns.max() <= int(metres + 0.4)
        dropped = opened(root, train=("day",), spread=(40_000.0, 40_000.0)).train[0]
        sums = [dropped.frame(9, rng).sum() for _ in range(60)]
        assert np.ptp(sums) > 300
        again = day.frame(9, np.random.default_rng(4)), day.frame(9, np.random.default_rng(4))
        assert np.array_equal(*again)

    def test_stretches_of_one_recording_play_different_parts(self, root: Path) -> None:
        found = opened(
            root,
            train=("day@0-30", "dusk@0-30"),
            val=("night@0-30:dusk@50-80",),
            tests=("night@50-80:day@50-80", "night@50-80:dusk@31.5-49"),
        )
        values = [side.positions.values[:, 0] for side in found.train]
        assert all(v.min() > 0 and v.max() < 30 for v in values)
        assert found.tests[0].name == "night@50-80 in day@50-80"
        assert found.tests[0].query.positions.values[:, 0].min() >= 50
        truth = found.tests[0].truth(found.tolerance_m, inclusive=found.inclusive)
        assert truth.matches(np.array([0]), np.array([0])).all()
        assert any("within 1 m of each other" in note for note in found.notes)

    def test_degrees(self, tmp_path: Path) -> None:
        for seed, name in enumerate(("day", "night")):
            write_drive(tmp_path, name, seed, table=road_table(header="t_us,lat,lon"))
        found = opened(tmp_path, tests=("night:day",))
        assert found.tests[0].query.positions.kind == "geodesic"
        truth = found.tests[0].truth(3.0, inclusive=False)
        assert truth.matches(np.array([5, 5]), np.array([6, 8])).tolist() == [True, False]

    def test_kinds_are_not_mixed(self, tmp_path: Path) -> None:
        write_drive(tmp_path, "day", 1)
        write_drive(tmp_path, "night", 2, table=road_table(header="t_us,lat,lon"))
        with pytest.raises(ConfigError, match=r"two kinds.*metres in all"):
            opened(tmp_path, tests=("night:day",))

    def test_a_smaller_sensor_keeps_its_size_and_it_is_said(self, root: Path) -> None:
        found = opened(root, train=("day",), input_size="346x260")
        assert found.train[0].frame(0).shape == (2, SENSOR.height, SENSOR.width)
        assert any("Frames are 48x36" in note for note in found.notes)
        small = opened(root, train=("day",), input_size="24x18")
        assert small.train[0].frame(0).shape == (2, 18, 24)
        assert not small.notes

    def test_sizes_must_agree(self, tmp_path: Path) -> None:
        write_drive(tmp_path, "day", 1)
        write_drive(tmp_path, "night", 2, size=SensorSize(height=72, width=96))
        with pytest.raises(ShapeError, match="day 48x36, night 60x40"):
            opened(tmp_path, train=("day", "night"), input_size="60x40")
        assert len(opened(tmp_path, train=("day", "night")).train) == 2

    def test_pickles(self, root: Path) -> None:
        day = opened(root, train=("day",)).train[0]
        copy = pickle.loads(pickle.dumps(day))
        assert np.array_equal(copy.frame(4), day.frame(4))
        assert len(pickle.dumps(day)) < 20_000

    def test_offsets_move_the_table(self, tmp_path: Path) -> None:
        write_drive(tmp_path, "day", 1, table=road_table(start_us=-3_000_000))
        day = opened(tmp_path, train=("day",), offset_s=("day=3",)).train[0]
        assert np.isclose(day.positions.values[0, 0], 2.0)
        late = opened(tmp_path, train=("day",)).train[0]
        assert late.positions.values[0, 0] > 30

    @pytest.mark.parametrize(
        ("settings", "words"),
        [
            ({}, r"Which recordings.*day \(80 m, positions in metres\); dusk.*--train NAME"),
            ({"train": ("dya",)}, "no recording 'dya'.*'day'"),
            ({"train": ("day@x",)}, "NAME@START-END"),
            ({"train": ("day@30-10",)}, "is empty"),
            ({"train": ("day",), "tests": ("night:day",)}, "--train day and --tests day share"),
            ({"val": ("night:day@0-40",), "tests": ("dusk:day@30-80",)}, "--val day@0-40 and"),
            ({"tests": ("day:day@0-10",)}, "looks a drive up in itself"),
            ({"val": ("night:day", "dusk:day")}, "names 2 pairs"),
            ({"train": ("day",), "offset_s": ("dy=3",)}, "no recording 'dy'"),
        ],
    )
    def test_refusals(self, root: Path, settings: dict[str, Any], words: str) -> None:
        with pytest.raises(ConfigError, match=words):
            opened(root, **settings)

    @pytest.mark.parametrize("word", ["3", "day=", "day=x", "=3"])
    def test_offsets_are_checked(self, word: str) -> None:
        with pytest.raises(ConfigError, match="NAME=SECONDS"):
            SetArgs(offset_s=(word,))


class TestProblems:
    """What is wrong with a folder is named."""

    def test_no_table(self, tmp_path: Path) -> None:
        write_drive(tmp_path, "day", 1)
        (tmp_path / "day.csv").unlink()
        with pytest.raises(MissingFileError, match=r"day\.positions\.csv, day\.csv, day\.nmea"):
            opened(tmp_path, train=("day",))

    def test_two_files_of_one_name(self, tmp_path: Path) -> None:
        write_drive(tmp_path, "day", 1)
        write_drive(tmp_path, "day", 1, ending=".h5")
        with pytest.raises(ConfigError, match="have the same name"):
            opened(tmp_path, train=("day",))

    def test_two_tables_of_one_recording(self, tmp_path: Path) -> None:
        write_drive(tmp_path, "day", 1)
        (tmp_path / "day.positions.csv").write_text(road_table())
        with pytest.raises(ConfigError, match="positions of the same recording"):
            opened(tmp_path, train=("day",))

    def test_positions_elsewhere_in_time(self, tmp_path: Path) -> None:
        write_drive(tmp_path, "day", 1, table=road_table(start_us=10**12))
        with pytest.raises(DataError, match=r"no place lies within.*--offset-s day=SECONDS"):
            opened(tmp_path, train=("day",))
        assert not list((tmp_path / ".saccade").iterdir())

    def test_an_empty_recording(self, tmp_path: Path) -> None:
        path = write_drive(tmp_path, "day", 1)
        save(Events.empty(SENSOR), path)
        with pytest.raises(EventError, match="holds no event"):
            opened(tmp_path, train=("day",))

    def test_a_drive_that_goes_nowhere(self, tmp_path: Path) -> None:
        table = "t_us,x,y\n" + "".join(f"{k * 1_000_000},5.0,5.0\n" for k in range(9))
        write_drive(tmp_path, "day", 1, table=table)
        with pytest.raises(DataError, match=r"goes 0.0 m, a window is every 2 m"):
            opened(tmp_path, train=("day",))

    def test_a_stretch_beyond_the_route(self, root: Path) -> None:
        with pytest.raises(DataError, match=r"day@500-600 holds no window.*between 2 and 78 m"):
            opened(root, train=("day@500-600",))

    def test_a_file_without_a_size(self, tmp_path: Path) -> None:
        write_drive(tmp_path, "day", 1)
        (tmp_path / "day.raw").unlink()
        (tmp_path / "day.txt").write_text("t,x,y,p\n10,1,1,0\n20,2,3,1\n")
        with pytest.raises(FormatError, match=r"saccade convert day.txt day.h5"):
            opened(tmp_path, train=("day",))


class TestMatrix:
    """Pairs whose truth is given as a matrix."""

    @pytest.fixture
    def timed(self, tmp_path: Path) -> Path:
        for seed, (name, seconds) in enumerate((("day", 2.0), ("night", 1.6))):
            save(road_events(seed, seconds=seconds, start_us=500), tmp_path / f"{name}.raw")
        return tmp_path

    @staticmethod
    def truth(rows: int, columns: int) -> np.ndarray:
        return np.abs(np.arange(rows)[:, None] - np.arange(columns)) < 2

    def test_windows_follow_each_other(self, timed: Path) -> None:
        np.save(timed / "night_in_day.query_by_reference.npy", self.truth(16, 20))
        found = opened(timed, tests=("night:day",), window_us=100_000)
        (pair,) = found.tests
        assert (len(pair.query), len(pair.reference)) == (16, 20)
        events = road_events(0, seconds=2.0)
        for k in (0, 11, 19):
            window = events.slice_time(k * 100_000, (k + 1) * 100_000)
            assert np.array_equal(pair.reference.frame(k), count_frame(window))
        truth = pair.truth(25.0, inclusive=False)
        assert truth.shape == (16, 20)
        assert truth.matches(np.array([3, 3]), np.array([4, 5])).tolist() == [True, False]
        with pytest.raises(DataError, match="night has no positions"):
            pair.query.positions  # noqa: B018

    def test_the_name_states_the_layout(self, timed: Path) -> None:
        path = timed / "night_in_day.reference_by_query.csv"
        np.savetxt(path, self.truth(20, 16), fmt="%d", delimiter=",")
        (pair,) = opened(timed, tests=("night:day",), window_us=100_000).tests
        assert pair.truth(1.0, inclusive=False).shape == (16, 20)

    def test_odd_windows(self, timed: Path) -> None:
        np.save(timed / "night_in_day.query_by_reference.npy", self.truth(16, 20))
        (pair,) = opened(timed, tests=("night:day",), window_us=99_999).tests
        window = road_events(0, seconds=2.0).slice_time(3 * 99_999, 4 * 99_999)
        assert np.array_equal(pair.reference.frame(3), count_frame(window))

    @pytest.mark.parametrize(
        ("matrix", "kind", "words"),
        [
            (np.eye(20, 16), ShapeError, "has 20 windows of night, which gives 16 of 100,000"),
            (np.eye(15, 20), ShapeError, "has 15 windows of night, which gives more than 15"),
            (np.eye(16, 21), ShapeError, "has 21 windows of day, which gives 20 of"),
            (np.zeros((16, 20)), DataError, "no pair is a match"),
            (np.ones((16, 20), bool), DataError, "every pair is a match"),
            (np.full((16, 20), 0.5), DataError, "other than 0 and 1"),
            (np.full((16, 20), np.nan), DataError, "other than 0 and 1"),
            (np.zeros(16), ShapeError, "Expected two axes"),
        ],
    )  # fmt: skip
    def test_wrong_matrices(
        self, timed: Path, matrix: np.ndarray, kind: type[SaccadeError], words: str
    ) -> None:
        np.save(timed / "night_in_day.query_by_reference.npy", matrix)
        with pytest.raises(kind, match=words):
            opened(timed, tests=("night:day",), window_us=100_000)

    def test_two_truths(self, timed: Path) -> None:
        for layout in ("query_by_reference", "reference_by_query"):
            np.save(timed / f"night_in_day.{layout}.npy", np.eye(16))
        with pytest.raises(ConfigError, match="truths of the same pair"):
            opened(timed, tests=("night:day",))

    def test_a_damaged_matrix(self, timed: Path) -> None:
        (timed / "night_in_day.query_by_reference.csv").write_text("1,0\n0,x\n")
        with pytest.raises(FormatError, match="a matrix of 0 and 1"):
            opened(timed, tests=("night:day",))

    def test_check_counts_them(self, timed: Path) -> None:
        assert not recordings.check(timed)[1]
        np.save(timed / "night_in_day.query_by_reference.npy", np.eye(16, 20))
        table, good = recordings.check(timed)
        assert good
        assert ("night_in_day.query_by_reference.npy", "truth", "QUERY_in_REFERENCE") in table.rows


def test_check_says_what_is_there(root: Path, tmp_path: Path) -> None:
    table, good = recordings.check(root)
    assert good and table.columns == ("what", "found", "expected")
    found = {row[0]: row[1] for row in table.rows}
    assert found["day.raw"] == "48x36; 80 m, positions in metres"
    assert len(found) == 3
    table, good = recordings.check(tmp_path)
    assert not good
    write_drive(tmp_path, "day", 1)
    write_drive(tmp_path, "day", 1, ending=".h5")
    table, good = recordings.check(tmp_path)
    assert not good and "have the same name" in str(table.rows[0][1])


def simulated_drive(name: str, seed: int) -> tuple[Recording, list[Part]]:
    """Return a drive of two cameras along a street, with a few events and no truth of images."""
    road = Drive([[0, 0], [150, 40], [400, 60]], seed=seed, duration_s=4.0, stops=0)
    camera, none = Camera.davis346().scaled(SENSOR), np.empty(0, np.int64)
    recording = Recording(
        name=name, condition=name, cameras=("left", "right"), left=camera,
        rig=StereoRig.parallel(camera, 0.1), duration_us=road.duration_us, epoch_us=0,
        image_us=none, label_us=none, poses=road.poses(none), seed=seed, imu=None,
        track=receive(road, rate_hz=10, seed=seed),
    )  # fmt: skip
    events = road_events(seed, seconds=4.0)
    both = {"left": events, "right": events}
    part = Part(
        start_us=0, end_us=road.duration_us, events=both, image_us=none, images={},
        label_us=none, depth={},
    )  # fmt: skip
    return recording, [part]


def test_what_simulate_writes_opens_as_it_is(tmp_path: Path) -> None:
    """Two cameras share a table, and descriptions are no recordings."""
    for seed, name in enumerate(("day", "night")):
        plain.write(tmp_path, *simulated_drive(name, seed))
    (tmp_path / "simulation.json").write_text("{}")
    table, good = recordings.check(tmp_path)
    assert good
    assert [row[0] for row in table.rows] == [
        "day_left.raw", "day_right.raw", "night_left.raw", "night_right.raw",
    ]  # fmt: skip
    found = opened(tmp_path, tests=("night_left:day_left",))
    assert found.notes == ("Simulated recordings: night_left, day_left.",)
    query = found.tests[0].query
    track = read_positions(tmp_path / "night.positions.csv")
    wanted = 2.0 * np.arange(1, len(query) + 1)
    assert np.allclose(
        query.positions.values[:, 0], np.interp(wanted, track.distance_m, track.east_m), atol=1e-3
    )
    assert query.frame(3).sum() > 100
