"""NSAVP: frames scaled and exported, drives opened with the positions that belong to a pair."""

from __future__ import annotations

import pickle
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from place_sets import (
    drive_parts,
    drive_recording,
    line,
    second,
    write_pairs,
    write_seconds,
    write_truth,
)
from saccade.errors import ConfigError, DataError, EventError, FormatError, MissingFileError
from saccade.events.io import open as open_events
from saccade.simulate.layouts import nsavp as layout
from saccade.traverses import nsavp
from saccade.traverses.config import SetArgs
from saccade.traverses.nsavp_files import SMALL, FrameFile, frame_files
from saccade.traverses.sets import open_set
from saccade.traverses.traverse import PlaceSet

TRAIN, VAL = "R0_RS0:R0_RA0", "R0_FS0:R0_FA0"
RECORD = [("x", "<i2"), ("y", "<i2"), ("t", "<i8"), ("p", "<i2")]


def args(folder: Path, **options: object) -> SetArgs:
    return SetArgs(data="nsavp", root=folder, **options)  # pyright: ignore[reportArgumentType]


def names(opened: PlaceSet) -> tuple[list[str], str | None, list[str]]:
    val = opened.val.name if opened.val else None
    return [drive.name for drive in opened.train], val, [pair.name for pair in opened.tests]


def counted(rows: np.ndarray, most: int | None = None) -> np.ndarray:
    """Scale rows x, y, t, p to 346x260 and count, event by event."""
    frame = np.zeros((2, 260, 346), np.float32)
    for x, y, _, p in rows[:most].tolist():
        frame[p, min(y * 260 // 480, 259), min(x * 346 // 640, 345)] += 1
    return frame


def first_33_ms(k: int) -> np.ndarray:
    rows = second(k)
    return rows[rows[:, 2] < rows[0, 2] + 33_000_000]


# Prepared


@pytest.mark.parametrize("form", ["plain", "records"])
def test_frames_are_scaled_and_nothing_else_changes(tmp_path: Path, form: str) -> None:
    place = write_seconds(tmp_path / "source", "R0_FA0", 3)
    for k in range(3):
        if form == "records":
            records = np.array([tuple(row) for row in second(k).tolist()], RECORD)
            np.save(place / f"frame_{k:06d}.npy", records)
    (folder,) = nsavp.prepare(tmp_path / "source", tmp_path / "target")
    assert folder == tmp_path / "target/R0_FA0-frames-1000/downsampled"
    assert sorted(path.name for path in folder.iterdir()) == [
        "frame_000000.npy", "frame_000001.npy", "frame_000002.npy",
    ]  # fmt: skip
    for k in range(3):
        small, rows = np.load(folder / f"frame_{k:06d}.npy"), second(k)
        assert small.dtype.descr == RECORD
        np.testing.assert_array_equal(small["x"], np.minimum(rows[:, 0] * 346 // 640, 345))
        np.testing.assert_array_equal(small["y"], np.minimum(rows[:, 1] * 260 // 480, 259))
        np.testing.assert_array_equal(small["t"], rows[:, 2])
        np.testing.assert_array_equal(small["p"], rows[:, 3])


def test_repeats_at_the_new_pixel_are_dropped_if_asked(tmp_path: Path) -> None:
    """Pixels 0 and 1 become one; the third event repeats the second, 3 ns later."""
    place = tmp_path / "R0_FA0-frames-1000"
    place.mkdir()
    rows = [[0, 0, 10**18, 1], [0, 0, 10**18 + 4, 1], [1, 0, 10**18 + 7, 1], [1, 0, 10**18 + 7, 0]]
    np.save(place / "frame_000000.npy", np.array(rows))
    for repeats, expected in ((0, [0, 4, 7, 7]), (4, [0, 4, 7]), (5, [0, 7])):
        target = tmp_path / f"out{repeats}"
        (folder,) = nsavp.prepare(tmp_path, target, repeats_ns=repeats)
        small = np.load(folder / "frame_000000.npy")
        assert (small["t"] - 10**18).tolist() == expected


def test_events_out_of_order_are_sorted(tmp_path: Path) -> None:
    place = write_seconds(tmp_path, "R0_FA0", 1)
    rows = second(0)
    np.save(place / "frame_000000.npy", rows[::-1])
    (folder,) = nsavp.prepare(tmp_path, tmp_path)
    np.testing.assert_array_equal(np.load(folder / "frame_000000.npy")["t"], rows[:, 2])


def test_truth_comes_along_and_finished_drives_are_passed_over(tmp_path: Path) -> None:
    source, target = tmp_path / "source", tmp_path / "target"
    write_pairs(source, VAL)
    told: list[tuple[int, int]] = []
    made = nsavp.prepare(source, target, progress=lambda *at: told.append(at))
    assert told[-1] == (12, 12) and sorted(told) == told
    before = {path: path.stat().st_mtime_ns for folder in made for path in folder.iterdir()}
    told.clear()
    assert nsavp.prepare(source, target, progress=lambda *at: told.append(at)) == made
    assert told == [(6, 12), (12, 12)]
    after = {path: path.stat().st_mtime_ns for folder in made for path in folder.iterdir()}
    assert before == after
    assert (target / "ground_truth/R0_FS0_R0_FA0_GT_positions.npz").is_file()
    assert names(open_set(args(target))) == names(open_set(args(source)))


def test_a_killed_run_goes_on(tmp_path: Path) -> None:
    write_seconds(tmp_path, "R0_FA0", 4)

    def stop(done: int, total: int) -> None:
        if done == 2:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        nsavp.prepare(tmp_path, tmp_path, progress=stop)
    place = tmp_path / "R0_FA0-frames-1000"
    assert not (place / "downsampled").exists()
    (place / ".downsampled.0123abcd").mkdir()
    nsavp.prepare(tmp_path, tmp_path)
    assert len(frame_files(tmp_path, "R0_FA0", small=True)) == 4
    assert not list(place.glob(".*"))


def test_ensemble_text_is_exact_to_the_nanosecond(tmp_path: Path) -> None:
    write_seconds(tmp_path, "R0_FA0", 2)
    told: list[tuple[int, int]] = []
    (path,) = nsavp.export_ensemble(
        tmp_path, tmp_path / "out", progress=lambda *at: told.append(at)
    )
    assert told == [(1, 2), (2, 2)]
    size, *lines = path.read_text().splitlines()
    assert size == "346 260"
    rows = np.concatenate([second(k) for k in range(2)])
    expected = [
        f"{t // 10**9}.{t % 10**9:09d} {x * 346 // 640} {y * 260 // 480} {p}"
        for x, y, t, p in rows.tolist()
    ]
    assert lines == expected
    assert len(open_events(path)) == len(rows)
    nsavp.prepare(tmp_path, tmp_path)
    (again,) = nsavp.export_ensemble(tmp_path, tmp_path / "again")
    assert again.read_bytes() == path.read_bytes()


def test_ensemble_text_of_a_clock_that_starts_at_zero_has_leading_zeros(tmp_path: Path) -> None:
    place = tmp_path / "R0_FA0-frames-1000"
    place.mkdir()
    np.save(place / "frame_000000.npy", np.array([[639, 479, 7, 1], [0, 0, 1_000_000_020, 0]]))
    (path,) = nsavp.export_ensemble(tmp_path, tmp_path)
    assert path.read_text().splitlines()[1:] == ["0.000000007 345 259 1", "1.000000020 0 0 0"]


# Who plays which part


def test_published_split_and_night_in_the_tests(tmp_path: Path) -> None:
    write_pairs(tmp_path, TRAIN, VAL, "R0_FS0:R0_FN0", "R0_FA0:R0_FN0")
    opened = open_set(args(tmp_path))
    assert names(opened) == (
        ["R0_RS0", "R0_RA0"],
        "R0_FA0 in R0_FS0",
        ["R0_FA0 in R0_FN0", "R0_FN0 in R0_FA0", "R0_FN0 in R0_FS0", "R0_FS0 in R0_FN0"],
    )
    assert (opened.positive_m, opened.tolerance_m, opened.inclusive) == (10.0, 30.0, False)
    assert not opened.notes


def test_pairs_are_of_one_direction_and_have_positions(tmp_path: Path) -> None:
    write_pairs(tmp_path, VAL, "R0_RS0:R0_RA0", "R0_FA0:R0_RN0", "R1_FA0:R1_FN0")
    write_seconds(tmp_path, "R0_FN0", 6)  # nothing says where
    assert names(open_set(args(tmp_path))) == (
        ["R0_RS0", "R0_RA0"], "R0_FA0 in R0_FS0", ["R1_FA0 in R1_FN0", "R1_FN0 in R1_FA0"],
    )  # fmt: skip


def test_without_the_published_drives_only_tests_are_left(tmp_path: Path) -> None:
    write_pairs(tmp_path, "R0_FA1:R0_FN0")
    opened = open_set(args(tmp_path))
    assert names(opened) == ([], None, ["R0_FA1 in R0_FN0", "R0_FN0 in R0_FA1"])
    assert opened.notes == (
        "Not trained on: R0_RS0, R0_RA0, not there or looked up in a pair.",
    )  # fmt: skip
    trained = open_set(args(tmp_path, train=("R0_FA1",)))
    assert names(trained) == (["R0_FA1"], None, ["R0_FN0 in R0_FA1"])


def test_a_set_of_the_simulator_is_opened(tmp_path: Path) -> None:
    for seed, condition in enumerate(("day", "sunset", "night"), 1):
        recording = drive_recording(condition, seconds=12.0, seed=seed)
        layout.write(tmp_path, recording, drive_parts(recording, per_second=5_000))
    opened = open_set(args(tmp_path))
    assert opened.val is not None
    assert opened.val.name == "R0_FA0 in R0_FS0"
    assert {pair.name for pair in opened.tests} == {
        "R0_FN0 in R0_FA0", "R0_FA0 in R0_FN0", "R0_FN0 in R0_FS0", "R0_FS0 in R0_FN0",
    }  # fmt: skip
    assert any("positions.csv" in note for note in opened.notes)
    pair = opened.tests[0]
    rows, columns = np.indices((len(pair.query), len(pair.reference)))
    assert pair.truth(30.0, inclusive=False).matches(rows, columns).any()
    assert pair.query.frame(2).sum() == pytest.approx(5_000 * 0.033, rel=0.3)


# Where frames are


def test_positions_are_those_of_the_pair_whichever_is_searched(tmp_path: Path) -> None:
    write_pairs(tmp_path, VAL)
    opened = open_set(args(tmp_path, val=("R0_FA0:R0_FS0",)))
    assert opened.val is not None
    query, reference = opened.val.query, opened.val.reference
    assert query.positions.kind == "planar"
    np.testing.assert_array_equal(reference.positions.values, line(6)[:, :2])
    np.testing.assert_array_equal(query.positions.values, line(6, start_m=5.0)[:, :2])
    turned = open_set(args(tmp_path, val=("R0_FS0:R0_FA0",))).val
    assert turned is not None
    np.testing.assert_array_equal(turned.query.positions.values, line(6)[:, :2])
    assert set(query.session) != set(reference.session)


def test_stops_are_left_out(tmp_path: Path) -> None:
    """Positions 0, 12, 12.5, 13, 14, 24: the car stands at the third, fourth and fifth."""
    for name in ("R0_FS0", "R0_FA0"):
        write_seconds(tmp_path, name)
    east = np.array([0.0, 12.0, 12.5, 13.0, 14.0, 24.0])
    metres = np.stack([east, 0 * east, 0 * east], axis=1)
    write_truth(tmp_path, "R0_FS0", "R0_FA0", metres, metres)
    native = open_set(args(tmp_path)).val
    published = nsavp.open_set(args(tmp_path, compat="spikevpr")).val
    assert native is not None
    assert published is not None
    assert native.reference.positions.values[:, 0].tolist() == [0.0, 12.0, 14.0, 24.0]
    assert len(native.query) == len(published.reference) == 4
    assert len(published.query) == 6
    np.testing.assert_array_equal(native.query.frame(2), counted(first_33_ms(4)))
    np.testing.assert_array_equal(published.query.frame(3), counted(first_33_ms(3)))


def test_frames_and_positions_of_different_number_are_reported(tmp_path: Path) -> None:
    for name in ("R0_FS0", "R0_FA0"):
        write_seconds(tmp_path, name)
    path = write_truth(tmp_path, "R0_FS0", "R0_FA0", line(4), line(9))
    opened = open_set(args(tmp_path))
    assert opened.val is not None
    assert (len(opened.val.reference), len(opened.val.query)) == (4, 6)
    assert "R0_FS0 has 6 frames and 4 positions; 4 have both." in opened.notes
    np.savez(path, ref_pos=line(0), qry_pos=line(6))
    with pytest.raises(DataError, match=r"No frame of R0_FS0 has a position: frames are 0, 1, 2"):
        open_set(args(tmp_path))


def test_three_drives_are_trained_on_in_one_plane(tmp_path: Path) -> None:
    write_pairs(tmp_path, TRAIN, "R0_RN0:R0_RS0")
    train = ("R0_RS0", "R0_RA0", "R0_RN0")
    # in the file of R0_RN0 and R0_RS0, the latter is the query: 5 m on
    with pytest.raises(DataError, match=r"R0_RS0 with R0_RN0 differ from those with R0_RA0"):
        open_set(args(tmp_path, train=train))
    write_truth(tmp_path, "R0_RN0", "R0_RS0", line(6, start_m=3.0), line(6))
    opened = open_set(args(tmp_path, train=train))
    starts = [drive.positions.values[0, 0] for drive in opened.train]
    assert starts == [0.0, 5.0, 3.0]


# What frames hold


def test_evaluation_shows_the_first_33_ms(tmp_path: Path) -> None:
    write_pairs(tmp_path, VAL)
    val = open_set(args(tmp_path)).val
    assert val is not None
    for k in range(6):
        np.testing.assert_array_equal(val.query.frame(k), counted(first_33_ms(k)))
    few = open_set(args(tmp_path, max_events=4, window_us=500_000)).val
    assert few is not None
    np.testing.assert_array_equal(few.query.frame(1), counted(second(1), 4))


def test_scaled_files_are_used_where_they_are_large_enough(tmp_path: Path) -> None:
    write_pairs(tmp_path, VAL)
    frames = {size: open_set(args(tmp_path, input_size=size)).val for size in ("346x260",)}
    nsavp.prepare(tmp_path, tmp_path)
    for size in ("346x260", "640x480", "173x130"):
        frames[f"{size} prepared"] = open_set(args(tmp_path, input_size=size)).val
    made = {size: val.query.frame(3) for size, val in frames.items() if val}
    np.testing.assert_array_equal(made["346x260"], made["346x260 prepared"])
    assert made["640x480 prepared"].shape == (2, 480, 640)
    halves = made["346x260"].reshape(2, 130, 2, 173, 2).sum(axis=(2, 4))
    np.testing.assert_array_equal(made["173x130 prepared"], halves)
    with pytest.raises(ConfigError, match="700x480 is larger than the sensor, 640x480"):
        open_set(args(tmp_path, input_size="700x480"))


@pytest.mark.parametrize("compat", [None, "spikevpr"])
def test_training_takes_a_window_anywhere_in_the_second(tmp_path: Path, compat: object) -> None:
    write_pairs(tmp_path, TRAIN, frames=2)
    drives = nsavp.open_set(args(tmp_path, event_drop=False, compat=compat)).train  # pyright: ignore[reportArgumentType]
    whole, seen = counted(second(1)), np.zeros((2, 260, 346))
    for seed in range(60):
        frame = drives[0].frame(1, np.random.default_rng(seed))
        np.testing.assert_array_equal(frame, drives[0].frame(1, np.random.default_rng(seed)))
        assert (frame <= whole).all()
        assert 0 < frame.sum() < 40  # 7 to 18 are expected
        seen = np.maximum(seen, frame)
    assert seen.sum() > 0.7 * whole.sum()


def test_windows_are_the_complete_ones_from_the_first_event_on(tmp_path: Path) -> None:
    """With one event a millisecond and 20 ms windows, each window holds 20 in a row."""
    place = tmp_path / "R0_RS0-frames-1000"
    place.mkdir()
    ms = np.arange(105)
    rows = np.stack([ms * 6, 0 * ms, 10**18 + ms * 1_000_000, ms % 2], axis=1)
    np.save(place / "frame_000000.npy", rows)
    write_truth(tmp_path, "R0_RS0", "R0_RA0", line(1), line(1))
    for compat in (None, "spikevpr"):
        asked = args(tmp_path, event_drop=False, spread=(20_000.0, 20_000.0))
        (drive,) = nsavp.open_set(replace(asked, compat=compat)).train
        starts = set()
        for seed in range(60):
            frame = drive.frame(0, np.random.default_rng(seed))
            assert frame.sum() == 20
            columns = np.flatnonzero(frame.sum(axis=(0, 1)))
            starts.add(int(columns[0]))
        assert starts == {k * 20 * 6 * 346 // 640 for k in range(5)}


def test_event_drop_drops_and_leaves_no_window_empty(tmp_path: Path) -> None:
    write_pairs(tmp_path, TRAIN, frames=2)
    whole = open_set(args(tmp_path, event_drop=False)).train[0]
    drops = open_set(args(tmp_path)).train[0]
    kept = [whole.frame(0, np.random.default_rng(seed)).sum() for seed in range(60)]
    left = [drops.frame(0, np.random.default_rng(seed)).sum() for seed in range(60)]
    assert all(few <= many for few, many in zip(left, kept, strict=True))
    assert sum(left) < 0.9 * sum(kept)
    assert min(left) > 0


def test_published_a_query_of_few_events_shows_its_neighbour(tmp_path: Path) -> None:
    write_pairs(tmp_path, VAL)
    np.save(tmp_path / "R0_FA0-frames-1000/frame_000003.npy", second(3)[:99])
    metres = line(6, start_m=5.0)
    metres[4] += 3.0  # so that frame 2 is the nearest of frame 3
    write_truth(tmp_path, "R0_FS0", "R0_FA0", line(6), metres)
    native = open_set(args(tmp_path)).val
    published = nsavp.open_set(args(tmp_path, compat="spikevpr")).val
    assert native is not None
    assert published is not None
    np.testing.assert_array_equal(published.query.frame(3), counted(first_33_ms(2)))
    np.testing.assert_array_equal(native.query.frame(3), counted(first_33_ms(3)))
    np.testing.assert_array_equal(published.query.frame(4), counted(first_33_ms(4)))


def test_a_second_without_events_is_an_empty_frame(tmp_path: Path) -> None:
    write_pairs(tmp_path, TRAIN, VAL)
    for name, content in (("R0_FA0", second(0)[:0]), ("R0_RS0", np.empty(0, RECORD))):
        np.save(tmp_path / f"{name}-frames-1000/frame_000000.npy", content)
    for compat in (None, "spikevpr"):
        opened = nsavp.open_set(args(tmp_path, compat=compat))
        assert opened.val is not None
        for rng in (None, np.random.default_rng(0)):
            assert not opened.train[0].frame(0, rng).any()
    assert opened.train[0].frame(0).shape == (2, 260, 346)


def test_a_drive_can_be_sent_to_another_process(tmp_path: Path) -> None:
    write_pairs(tmp_path, TRAIN)
    drive = open_set(args(tmp_path)).train[1]
    np.testing.assert_array_equal(pickle.loads(pickle.dumps(drive)).frame(2), drive.frame(2))


# What is refused


def test_what_is_missing_is_named(tmp_path: Path) -> None:
    for verb in (lambda: open_set(args(tmp_path)), lambda: nsavp.prepare(tmp_path, tmp_path)):
        with pytest.raises(MissingFileError, match=r"no frames of NSAVP.*R0_FS0-frames-1000"):
            verb()
    with pytest.raises(MissingFileError, match="no frames of NSAVP"):
        nsavp.export_ensemble(tmp_path, tmp_path)
    write_seconds(tmp_path, "R0_FS0")
    write_seconds(tmp_path, "R0_FA0")
    with pytest.raises(MissingFileError, match=r"nothing to train or test on.*R0_FA0, R0_FS0"):
        open_set(args(tmp_path))
    with pytest.raises(
        MissingFileError, match=r"no ground truth of the two.*R0_FS0_R0_FA0_GT_positions\.npz"
    ):
        open_set(args(tmp_path, tests=("R0_FA0:R0_FS0",)))
    with pytest.raises(MissingFileError, match=r"Where was R0_FA0\? There is no ground truth"):
        open_set(args(tmp_path, train=("R0_FA0",)))
    with pytest.raises(MissingFileError, match="traverse 'R0_RS0' is not there"):
        open_set(args(tmp_path, train=("R0_RS0",)))


def test_damaged_files_are_named(tmp_path: Path) -> None:
    write_pairs(tmp_path, VAL)
    val = open_set(args(tmp_path)).val
    assert val is not None
    frame = tmp_path / "R0_FA0-frames-1000/frame_000001.npy"
    for content, error, message in (
        (np.zeros((5, 3)), FormatError, r"holds \[5, 3\] of float64.*x, y, t, p"),
        (np.array([[640, 0, 1, 1]]), EventError, r"frame_000001\.npy: x = 640 at event 0"),
        (np.array([[-1, 0, 1, 1]]), EventError, r"frame_000001\.npy: x = -1 at event 0"),
    ):
        np.save(frame, content)
        with pytest.raises(error, match=message):
            val.query.frame(1)
    frame.write_bytes(b"\x93NUMPY")
    with pytest.raises(FormatError, match=r"frame_000001\.npy is damaged"):
        val.query.frame(1)
    truth = tmp_path / "ground_truth/R0_FS0_R0_FA0_GT_positions.npz"
    np.savez(truth, ref_pos=line(6))
    with pytest.raises(FormatError, match=r"positions\.npz is damaged.*ref_pos and qry_pos"):
        open_set(args(tmp_path))
    np.savez(truth, ref_pos=line(6), qry_pos=np.zeros(6))
    with pytest.raises(FormatError, match=r"holds \[6, 3\] and \[6\]"):
        open_set(args(tmp_path))


# What is there


def test_little_of_a_file_is_read(tmp_path: Path) -> None:
    """The columns of an open file lie on disk."""
    write_seconds(tmp_path, "R0_FA0", 1)
    file = FrameFile.open(tmp_path / "R0_FA0-frames-1000/frame_000000.npy")
    assert all(isinstance(column, np.memmap) for column in file.columns)
    times = second(0)[:, 2]
    for wanted in (int(times[0]), int(times[200]), int(times[200]) + 1, int(times[-1]) + 1):
        assert file.index(wanted) == int((times < wanted).sum())
    assert file.events(SMALL, 0, 0).size == SMALL


def test_check_lists_what_is_there_and_what_it_opens_with(tmp_path: Path) -> None:
    table, opens = nsavp.check(tmp_path / "nowhere")
    assert not opens
    assert "umautobots" in str(table.rows[-1])
    write_pairs(tmp_path, VAL)
    nsavp.prepare(tmp_path, tmp_path)
    table, opens = nsavp.check(tmp_path)
    rows = {row[0]: row[1:] for row in table.rows}
    assert table.columns == ("what", "found", "expected")
    assert opens
    assert rows["R0_FS0: seconds"][0] == "6 of 640x480, 6 of 346x260"
    assert rows["R0_FS0: positions"][0] == "R0_FS0_R0_FA0_GT_positions.npz"
    assert rows["R0_RS0: seconds"][0] is None
    assert rows["opens with"][0] == "train none; pairs R0_FA0 in R0_FS0"
