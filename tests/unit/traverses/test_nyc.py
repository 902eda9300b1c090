"""NYC-Event-VPR: raw sessions to archives, archives to frames, and what is refused."""

from __future__ import annotations

import json
import pickle
import threading
import tracemalloc
import zipfile
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from nyc_sessions import (
    DAY_US,
    EPOCH_US,
    SENSOR,
    SMALL,
    SPEED_M_S,
    session_events,
    write_session,
    write_sessions,
)
from saccade.errors import ConfigError, DataError, FormatError, MissingFileError, SaccadeError
from saccade.events import Events, SensorSize, deduplicate, downsample
from saccade.represent import voxel_grid
from saccade.traverses import nyc, nyc_convert
from saccade.traverses.config import SetArgs
from saccade.traverses.nyc_archive import list_members, read_member
from saccade.traverses.nyc_gps import read_gps
from saccade.traverses.nyc_names import (
    PARTS,
    ROLES,
    entry_name,
    parse_entry,
    session_numbers,
    session_split,
    stamp_text,
    stamp_us,
)
from saccade.traverses.sets import open_set
from saccade.traverses.traverse import PlaceSet

COUNT = 6


@pytest.fixture(scope="module")
def raw(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("nyc") / "raw"
    write_sessions(folder, COUNT)
    (folder / "sensor_data_2022-12-09_19-40-27").mkdir()  # has GPS and RGB only
    return folder


@pytest.fixture(scope="module", params=["session", "published"])
def prepared(request: pytest.FixtureRequest, raw: Path) -> Path:
    target = raw.with_name(request.param)
    nyc.prepare(raw, target, split=request.param, recipe=SMALL)
    return target


@pytest.fixture(scope="module")
def by_session(raw: Path) -> Path:
    target = raw.with_name("own")
    nyc.prepare(raw, target, recipe=SMALL)
    return target


def args(folder: Path, **settings: object) -> SetArgs:
    return SetArgs(data="nyc", root=folder, **{"input_size": "32x24", **settings})  # pyright: ignore[reportArgumentType]


def names(folder: Path) -> dict[tuple[str, str], list[str]]:
    return {
        (part, role): [m.name for m in list_members(folder / "images" / part / f"{role}.zip")]
        for part in PARTS
        for role in ROLES
    }


def traverses(found: PlaceSet) -> list[nyc.Entries]:
    pairs = [pair for pair in (found.val, *found.tests) if pair is not None]
    sides = [*found.train, *(side for pair in pairs for side in (pair.query, pair.reference))]
    return [side for side in sides if isinstance(side, nyc.Entries)]


def stamps(entries: nyc.Entries) -> set[str]:
    return {parse_entry(member.name).stamp for member in entries.members}


def day_and_hour(name: str) -> str:
    return parse_entry(name).stamp[:13]


class TestNames:
    """Time stamps, sessions and splits."""

    def test_stamps_of_both_forms(self) -> None:
        assert stamp_us("2022-12-06_18-27-30_250000") == EPOCH_US
        assert stamp_us("2022-12-06 18:27:30.250000") == EPOCH_US
        assert stamp_us("2022-12-06 18:27:30") == EPOCH_US - 250_000
        assert stamp_us("2022-12-06_18-27-30") == EPOCH_US - 250_000
        assert stamp_us("2022-12-06_18-27-30_25") == EPOCH_US
        assert stamp_us(stamp_text(EPOCH_US + 7)) == EPOCH_US + 7

    @pytest.mark.parametrize("text", ["", "2022-13-06_18-27-30", "18:27:30", "2022-12-06_18-27"])
    def test_other_stamps_are_refused(self, text: str) -> None:
        with pytest.raises(FormatError, match="Time stamp"):
            stamp_us(text)

    def test_a_pause_begins_a_session_and_a_record_overrules_it(self) -> None:
        times = [EPOCH_US + k * 1_000_000 for k in (0, 119, 240, 250)]
        stamps = [stamp_text(t) for t in times]
        assert session_numbers(stamps[::-1]).tolist() == [1, 1, 0, 0]
        assert session_numbers(stamps, [stamps[0], stamps[3]]).tolist() == [0, 0, 0, 1]
        assert session_numbers([]).tolist() == []

    def test_sessions_stay_whole_and_shares_are_near(self) -> None:
        rng = np.random.default_rng(3)
        sizes = rng.integers(50, 150, 15)
        sessions = np.repeat(np.arange(15), sizes).tolist()
        split = session_split(list(range(len(sessions))), sessions)
        homes = {part: set[int]() for part in PARTS}
        for (part, _), rows in split.items():
            homes[part] |= {sessions[row] for row in rows}
        assert sorted(k for home in homes.values() for k in home) == list(range(15))
        for part, share in (("train", 0.4), ("val", 0.3), ("test", 0.3)):
            count = len(split[part, "queries"]) + len(split[part, "database"])
            assert abs(count / len(sessions) - share) < 0.05
            assert len(split[part, "queries"]) == int(0.1 * count)

    def test_too_few_sessions_are_refused(self) -> None:
        with pytest.raises(DataError, match=r"5 or more.*--split published"):
            session_split(list("abcd"), list("abcd"))

    @pytest.mark.parametrize("name", ["database/x.npy", "database/@a@b@18@T@1@2@@@0@@@@x@y@.npy"])
    def test_other_entry_names_are_refused(self, name: str) -> None:
        with pytest.raises(FormatError, match="not named as in NYC"):
            parse_entry(name)


class TestGps:
    """The GPS table of a session."""

    HEADER = "Longitude,Latitude,HeadMotion,Timestamp\n"

    def write(self, folder: Path, *lines: str) -> Path:
        path = folder / "GPS_data.csv"
        path.write_text(self.HEADER + "\n".join(lines))
        return path

    def test_both_forms_and_the_short_way_round(self, tmp_path: Path) -> None:
        table = read_gps(
            self.write(
                tmp_path,
                "-73.0,40.0,350.0,2022-12-06_18-27-30_250000",
                "0.0,0.0,0.0,2022-12-06 18:27:30.900000",
                "-73.2,40.4,10.0,2022-12-06 18:27:31.250000",
            )
        )
        assert table.at(EPOCH_US) == pytest.approx((40.0, -73.0, 350.0))
        assert table.at(EPOCH_US + 750_000) == pytest.approx((40.3, -73.15, 5.0))
        assert table.at(EPOCH_US - 1) is None
        assert table.at(EPOCH_US + 1_000_001) is None

    @pytest.mark.parametrize(
        ("lines", "words"),
        [
            (["-73.0,40.0,1.0,2022-12-06_18-27-31", "-73.0,40.0,1.0,2022-12-06_18-27-30"],
             "line 3: time runs back by 1 s"),
            (["-73.0,40.0,1.0,2022-12-06_18-27-31", "-73.0,40.0"], "line 3.*logger was stopped"),
            (["-73.0,forty,1.0,2022-12-06_18-27-31"], "line 2"),
            (["-73.0,nan,1.0,2022-12-06_18-27-31"], "line 2.*nan"),
            (["-73.0,91.0,1.0,2022-12-06_18-27-31"], "line 2.*91"),
            (["-73.0,40.0,1.0,yesterday"], "line 2.*yesterday"),
            (["-73.0,40.0,1.0,2022-12-06_18-27-31"], "1 fixes"),
            ([], "0 fixes"),
        ],
    )  # fmt: skip
    def test_damage_is_named(self, tmp_path: Path, lines: list[str], words: str) -> None:
        with pytest.raises(SaccadeError, match=words):
            read_gps(self.write(tmp_path, *lines))

    def test_other_columns_are_refused(self, tmp_path: Path) -> None:
        path = tmp_path / "GPS_data.csv"
        path.write_text("lat,lon\n1,2\n")
        with pytest.raises(FormatError, match="no column 'Longitude'"):
            read_gps(path)


def test_windows_lie_on_the_clock_wherever_packets_end() -> None:
    events = session_events(1.0, 5, events_per_s=900)
    whole = dict(nyc_convert.time_windows([events], 33_000))
    for size in (1, 7, 64):
        packets = [events[k : k + size] for k in range(0, len(events), size)]
        found = dict(nyc_convert.time_windows([Events.empty(SENSOR), *packets], 33_000))
        assert found.keys() == whole.keys()
        for k, window in found.items():
            assert np.array_equal(window.t, whole[k].t)
            assert (window.t // 33_000 == k).all()
    assert sum(map(len, whole.values())) == len(events)


class TestPrepare:
    """Raw sessions become archives."""

    def test_entries_are_what_the_recording_says(self, raw: Path, prepared: Path) -> None:
        found = names(prepared)
        every = [name for some in found.values() for name in some]
        assert len({parse_entry(name).stamp for name in every}) == len(every)
        first = min(every, key=lambda name: parse_entry(name).stamp)
        entry = parse_entry(first)
        clock_us = EPOCH_US - 250_000  # the name of the file tells whole seconds
        number = (stamp_us(entry.stamp) - clock_us - 16_500) // 33_000
        assert stamp_us(entry.stamp) == clock_us + number * 33_000 + 16_500
        assert stamp_us(entry.stamp) >= EPOCH_US > stamp_us(entry.stamp) - 33_000
        events = session_events(3.0, 0)
        t = events.t + 250_000
        events = Events(events.x, events.y, t, events.p, SENSOR)
        window = events.slice_time(number * 33_000, (number + 1) * 33_000)
        small = deduplicate(downsample(window, SensorSize(height=24, width=32)))
        expected = voxel_grid(small, SMALL.bins, weighting="bins")
        member = next(
            member
            for part in PARTS
            for role in ROLES
            for member in list_members(prepared / "images" / part / f"{role}.zip")
            if member.name == first
        )
        grid = read_member(member)
        assert (grid.shape, grid.dtype) == ((SMALL.bins, 1, 24, 32), np.float64)
        assert np.array_equal(grid[:, 0], expected)
        core = first.partition("/")[2][1:].rsplit("@", 2)[0]
        assert entry_name("queries" if "queries" in first else "database", core) == first

    def test_windows_of_a_session_are_three_metres_apart(self, prepared: Path) -> None:
        by_session: dict[str, list[tuple[str, float, float]]] = {}
        for some in names(prepared).values():
            for name in some:
                entry = parse_entry(name)
                at = (entry.stamp, entry.east_m, entry.north_m)
                by_session.setdefault(day_and_hour(name), []).append(at)
        assert len(by_session) == COUNT
        for rows in by_session.values():
            rows.sort()
            steps = np.diff([row[1:] for row in rows], axis=0)
            metres = np.hypot(*steps.T)
            assert len(rows) >= 8
            assert metres.min() >= SMALL.least_m
            assert metres.max() < SMALL.least_m + 2 * SPEED_M_S * 0.033
            seconds = np.diff([stamp_us(row[0]) for row in rows]) * 1e-6
            assert np.allclose(metres / seconds, SPEED_M_S, rtol=2e-3)

    def test_every_session_is_in_one_part_and_the_published_split_mixes(
        self, prepared: Path
    ) -> None:
        homes: dict[str, set[str]] = {}
        for (part, _), some in names(prepared).items():
            for name in some:
                homes.setdefault(day_and_hour(name), set()).add(part)
        parts = [len(home) for home in homes.values()]
        assert max(parts) == (1 if prepared.name == "session" else 3)

    def test_archives_are_stored_and_whole(self, prepared: Path) -> None:
        for part in PARTS:
            for role in ROLES:
                with zipfile.ZipFile(prepared / "images" / part / f"{role}.zip") as archive:
                    assert archive.testzip() is None
                    kinds = {info.compress_type for info in archive.infolist()}
                    assert kinds == {zipfile.ZIP_STORED}
        assert sorted(path.name for path in prepared.iterdir()) == ["images"]
        record = json.loads((prepared / "images/sessions.json").read_text())
        assert record["without_events"] == ["sensor_data_2022-12-09_19-40-27"]
        assert len(record["sessions"]) == COUNT

    def test_a_second_run_changes_nothing_and_another_split_is_refused(
        self, raw: Path, prepared: Path
    ) -> None:
        def state() -> dict[str, int]:
            files = (path for path in prepared.rglob("*") if path.is_file())
            return {str(path): path.stat().st_mtime_ns for path in files}

        before = state()
        other = "published" if prepared.name == "session" else "session"
        files = nyc.prepare(raw, prepared, split=prepared.name, recipe=SMALL)  # pyright: ignore[reportArgumentType]
        assert len(files) == 7 and all(path.is_file() for path in files)
        with pytest.raises(ConfigError, match="made with other split"):
            nyc.prepare(raw, prepared, split=other, recipe=SMALL)
        with pytest.raises(ConfigError, match="made with other recipe"):
            nyc.prepare(raw, prepared, split=prepared.name)  # pyright: ignore[reportArgumentType]
        assert state() == before

    def test_a_killed_run_goes_on_and_gives_the_same_bytes(
        self, raw: Path, by_session: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        converted: list[str] = []
        convert, write = nyc_convert._convert, nyc_convert._write_archive

        def dies_in_the_fourth(*words: object) -> None:
            if len(converted) == 3:
                raise KeyboardInterrupt
            convert(*words)  # pyright: ignore[reportArgumentType]
            converted.append(str(words[-1]))

        monkeypatch.setattr(nyc_convert, "_convert", dies_in_the_fourth)
        with pytest.raises(KeyboardInterrupt):
            nyc.prepare(raw, tmp_path, recipe=SMALL)
        assert not (tmp_path / "images").exists()
        assert len(list((tmp_path / ".preparing").iterdir())) == 3

        def counts(*words: object) -> None:
            converted.append(str(words[-1]))
            convert(*words)  # pyright: ignore[reportArgumentType]

        written: list[Path] = []

        def dies_after_two(target: Path, *words: object) -> None:
            if len(written) == 2:
                raise KeyboardInterrupt
            write(target, *words)  # pyright: ignore[reportArgumentType]
            written.append(target)

        monkeypatch.setattr(nyc_convert, "_convert", counts)
        monkeypatch.setattr(nyc_convert, "_write_archive", dies_after_two)
        with pytest.raises(KeyboardInterrupt):
            nyc.prepare(raw, tmp_path, recipe=SMALL)
        assert len(converted) == len(set(converted)) == COUNT
        assert not (tmp_path / "images").exists()
        monkeypatch.undo()
        nyc.prepare(raw, tmp_path, recipe=SMALL)
        for path in (by_session / "images").rglob("*.*"):
            again = tmp_path / "images" / path.relative_to(by_session / "images")
            assert again.read_bytes() == path.read_bytes(), path.name

    def test_progress_is_told(self, raw: Path, tmp_path: Path) -> None:
        seen: list[tuple[int, int]] = []
        nyc.prepare(raw, tmp_path, recipe=SMALL, progress=lambda *pair: seen.append(pair))
        assert seen == [(k, COUNT) for k in range(COUNT + 1)]

    def test_foreign_images_stay(self, raw: Path, tmp_path: Path) -> None:
        (tmp_path / "images").mkdir()
        with pytest.raises(ConfigError, match="not written by saccade prepare"):
            nyc.prepare(raw, tmp_path, recipe=SMALL)


class TestDamagedSessions:
    """What is wrong is named, and nothing half-written stays."""

    @pytest.fixture
    def session(self, tmp_path: Path) -> Path:
        (tmp_path / "raw").mkdir()
        return write_session(tmp_path / "raw", 0)

    def refuse(self, session: Path, kind: type[SaccadeError], words: str) -> None:
        target = session.parents[1] / "out"
        with pytest.raises(kind, match=words):
            nyc.prepare(session.parent, target, split="published", recipe=SMALL)
        assert not list(target.rglob("*"))

    def test_no_session(self, tmp_path: Path) -> None:
        with pytest.raises(MissingFileError, match="No recording in"):
            nyc.prepare(tmp_path, tmp_path / "out")

    def test_no_gps_table(self, session: Path) -> None:
        next(session.glob("GPS_*.csv")).unlink()
        self.refuse(session, MissingFileError, "has 0 files GPS")

    def test_no_recording_in_the_zip(self, session: Path) -> None:
        with zipfile.ZipFile(next(session.glob("data_*.zip")), "w") as archive:
            archive.writestr("readme.txt", "nothing")
        self.refuse(session, FormatError, "holds 0 .raw files")

    def test_a_cut_zip(self, session: Path) -> None:
        path = next(session.glob("data_*.zip"))
        path.write_bytes(path.read_bytes()[:1_000])
        self.refuse(session, FormatError, "is damaged")

    def test_an_empty_recording(self, session: Path) -> None:
        path = next(session.glob("data_*.zip"))
        with zipfile.ZipFile(path) as archive:
            name = archive.namelist()[0]
            content = archive.read(name)
        header = content[: content.index(b"% end\n") + 6] if b"% end\n" in content else b""
        assert header
        with zipfile.ZipFile(path, "w") as archive:
            archive.writestr(name, header)
        self.refuse(session, DataError, "holds no event")

    def test_positions_of_another_day(self, session: Path) -> None:
        table = next(session.glob("GPS_*.csv"))
        table.write_text(table.read_text().replace("2022-12-06", "2022-12-09"))
        self.refuse(session, DataError, "gives no entry.*2022-12-06.*2022-12-09")


class TestOpen:
    """Archives become traverses."""

    def test_parts_and_sessions(self, by_session: Path) -> None:
        found = open_set(args(by_session))
        (train,), (test,), val = found.train, found.tests, found.val
        assert val is not None
        assert [train.name, val.name, test.name] == [
            "train/database", "val/queries in val/database", "test/queries in test/database",
        ]  # fmt: skip
        assert (found.positive_m, found.tolerance_m, found.inclusive) == (25.0, 25.0, True)
        assert val.strict and test.strict
        sessions = [
            set(train.session.tolist()),
            set(val.reference.session.tolist()) | set(val.query.session.tolist()),
            set(test.reference.session.tolist()) | set(test.query.session.tolist()),
        ]
        assert sorted(k for some in sessions for k in some) == list(range(COUNT))
        assert train.positions.kind == "planar"
        assert np.ptp(train.positions.values[:, 0]) < 40
        truth = test.truth(found.tolerance_m, inclusive=found.inclusive)
        assert truth.shape == (len(test.query), len(test.reference))

    def test_a_day_is_a_session_in_compat_and_tests_are_val(self, by_session: Path) -> None:
        found = open_set(args(by_session, compat="spikevpr"))
        assert found.val is not None and found.tests[0].name == found.val.name
        days = {
            day
            for pair in (found.val, *found.tests)
            for side in (pair.query, pair.reference)
            for day in side.session.tolist()
        } | set(found.train[0].session.tolist())
        assert days <= {EPOCH_US // DAY_US + 719_163 + k for k in range(3)}

    def test_frames_are_collapsed_grids_off_first(self, by_session: Path) -> None:
        train = open_set(args(by_session)).train[0]
        assert isinstance(train, nyc.Entries)
        grid = read_member(train.members[2])[:, 0]
        frame = train.frame(2)
        assert (frame.shape, frame.dtype) == ((2, 24, 32), np.float32)
        assert np.allclose(frame[0], np.maximum(-grid, 0).sum(0), atol=1e-6)
        assert np.allclose(frame[1], np.maximum(grid, 0).sum(0), atol=1e-6)
        assert frame[0].sum() > 0 and frame[1].sum() > 0

    def test_threads_and_pickles_see_the_same(self, by_session: Path) -> None:
        train = open_set(args(by_session)).train[0]
        expected = [train.frame(k) for k in range(len(train))]
        copy = pickle.loads(pickle.dumps(train))
        wrong: list[int] = []

        def read(offset: int) -> None:
            for k in range(len(train)):
                at = (k + offset) % len(train)
                if not np.array_equal(copy.frame(at), expected[at]):
                    wrong.append(at)

        threads = [threading.Thread(target=read, args=(3 * k,)) for k in range(6)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert not wrong

    def test_the_other_split_deals_the_same_entries_out_anew(
        self, raw: Path, by_session: Path, tmp_path: Path
    ) -> None:
        """Whichever split the archives hold, each can be opened, and is the same."""
        nyc.prepare(raw, tmp_path, split="published", recipe=SMALL)
        for split in ("session", "published"):
            ours, theirs = (open_set(args(root, split=split)) for root in (by_session, tmp_path))
            for mine, other in zip(traverses(ours), traverses(theirs), strict=True):
                assert stamps(mine) == stamps(other)
                assert np.unique(mine.session).tolist() == np.unique(other.session).tolist()
            homes = [np.unique(side.session).tolist() for side in traverses(ours)]
            leaks = set(homes[0]) & {number for home in homes[1:] for number in home}
            assert bool(leaks) == (split == "published")

    def test_training_varies_grids_as_published(self) -> None:
        grid = np.ones((15, 1, 60, 80))
        runs, holes = list[int](), list[tuple[float, float]]()
        rng = np.random.default_rng(0)
        for _ in range(400):
            varied = nyc.vary_grid(grid, rng)
            if len(varied) < 15:
                runs.append(len(varied))
            zero = varied[0, 0] == 0
            assert (varied == varied[:1]).all()
            if zero.any():
                rows, columns = zero.any(1).sum(), zero.any(0).sum()
                assert zero.sum() == rows * columns
                holes.append((rows / 60, columns / 80))
        assert grid.min() == 1
        assert 0.38 < len(runs) / 400 < 0.56 and min(runs) == 5
        assert 0.42 < len(holes) / 400 < 0.58
        assert 0.04 < np.min(holes) < 0.08 and 0.26 < np.max(holes) <= 0.31
        plain = [nyc.vary_grid(grid, rng, rectangle=False).min() for _ in range(20)]
        assert min(plain) == 1

    def test_training_frames_follow_their_generator(self, by_session: Path) -> None:
        train = open_set(args(by_session)).train[0]
        first, again, other = (
            np.stack([train.frame(k, np.random.default_rng(seed)) for k in range(6)])
            for seed in (1, 1, 2)
        )
        assert np.array_equal(first, again)
        assert not np.array_equal(first, other)

    @pytest.mark.parametrize(
        ("settings", "words"),
        [
            ({"window_us": 1_000}, "--window-us with --data nyc"),
            ({"spread": (1.0, 2.0)}, "--spread with --data nyc"),
            ({"input_size": "346x260"}, "32x24, --input-size is 346x260"),
            ({"train": ("train/db",)}, "no 'train/db'"),
            ({"train": ("val/database",)}, "val is in --train and in --val"),
            ({"tests": ("val/queries:val/database",)}, "val is in --val and in --tests"),
            ({"val": ("val/queries:val/database",) * 2}, "names 2 pairs"),
        ],
    )
    def test_refusals(self, by_session: Path, settings: dict[str, object], words: str) -> None:
        with pytest.raises(ConfigError, match=words):
            open_set(args(by_session, **settings))

    def test_a_missing_archive_is_named(self, tmp_path: Path) -> None:
        with pytest.raises(MissingFileError, match=r"database\.zip.*saccade data check nyc"):
            open_set(args(tmp_path, split="published"))

    def test_a_damaged_entry_is_named(self, by_session: Path, tmp_path: Path) -> None:
        member = list_members(by_session / "images/train/database.zip")[0]
        path = tmp_path / "copy.zip"
        content = bytearray(member.archive.read_bytes())
        content[member.offset + 1_000] ^= 1
        path.write_bytes(content)
        with pytest.raises(FormatError, match="checksum differs"):
            read_member(member._replace(archive=path))

    def test_deflated_archives_are_read(self, by_session: Path, tmp_path: Path) -> None:
        plain = list_members(by_session / "images/val/database.zip")
        path = tmp_path / "database.zip"
        with (
            zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive,
            zipfile.ZipFile(plain[0].archive) as source,
        ):
            for member in plain:
                archive.writestr(member.name, source.read(member.name))
        for member, again in zip(plain, list_members(path), strict=True):
            assert np.array_equal(read_member(member), read_member(again))

    def test_nan_in_an_entry_is_named(self, tmp_path: Path) -> None:
        path = tmp_path / "x.npy"
        np.save(path, np.full((6, 1, 24, 32), np.nan))
        with zipfile.ZipFile(tmp_path / "database.zip", "w") as archive:
            archive.write(path, "database/@1@2.npy")
        member = list_members(tmp_path / "database.zip")[0]
        positions = nyc.Positions(np.zeros((1, 2)), "planar")
        entries = nyc.Entries("train/database", (member,), positions, np.zeros(1, np.int64))
        with pytest.raises(DataError, match="NaN"):
            entries.frame(0)


def test_check_says_what_is_there(raw: Path, by_session: Path, tmp_path: Path) -> None:
    table, good = nyc.check(by_session)
    assert good and table.columns == ("what", "found", "expected")
    assert any(row[1] == f"{COUNT} sessions" for row in table.rows)
    table, good = nyc.check(raw)
    assert not good
    assert any("raw sessions" in str(row[1]) for row in table.rows)
    assert not nyc.check(tmp_path)[1]


def test_check_tries_the_default_split(tmp_path: Path) -> None:
    write_sessions(tmp_path / "raw", 3)
    nyc.prepare(tmp_path / "raw", tmp_path / "out", split="published", recipe=SMALL)
    table, good = nyc.check(tmp_path / "out")
    assert not good
    assert any("--split published" in str(row[1]) for row in table.rows)
    assert open_set(args(tmp_path / "out", split="published")).train


def test_windows_hold_no_more_than_one_at_a_time() -> None:
    def packets() -> Iterator[Events]:
        for k in range(200):
            t = np.arange(20_000) + 20_000 * k
            none = np.zeros(20_000, np.uint16)
            yield Events(none, none, t, none.astype(np.uint8), SENSOR)

    tracemalloc.start()
    count = sum(len(window) for _, window in nyc_convert.time_windows(packets(), 33_000))
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert count == 4_000_000  # 52 MB of events
    assert peak < 5e6
