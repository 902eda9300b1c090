"""Brisbane-Event-VPR as a place set: who plays which part, where places are, what frames hold."""

from __future__ import annotations

import pickle
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from place_sets import (
    PLACES,
    SIZE,
    drive_parts,
    drive_recording,
    slice_rows,
    street,
    write_drives,
    write_log,
    write_slices,
    write_zip,
)
from saccade.errors import ConfigError, DataError, EventError, FormatError, MissingFileError
from saccade.events.convert import from_columns
from saccade.events.filters import denoise
from saccade.simulate.layouts import brisbane as layout
from saccade.simulate.layouts.brisbane import TRAVERSES
from saccade.traverses import brisbane
from saccade.traverses.brisbane_frame import Recipe
from saccade.traverses.brisbane_slices import hot_pixel_file, read_slice
from saccade.traverses.config import SetArgs
from saccade.traverses.sets import open_set
from saccade.traverses.traverse import PlaceSet

DAY, NIGHT = "daytime", "night"
RECIPE = Recipe(SIZE, SIZE, None, 15_000, (18_000.0, 48_000.0), True)
NO_HOT = np.empty((0, 2), np.int64)


def args(folder: Path, **options: object) -> SetArgs:
    return SetArgs(data="brisbane", root=folder, input_size=str(SIZE), **options)  # pyright: ignore[reportArgumentType]


def names(opened: PlaceSet) -> tuple[list[str], str | None, list[str]]:
    val = opened.val.name if opened.val else None
    return [drive.name for drive in opened.train], val, [pair.name for pair in opened.tests]


def reference_frame(rows: np.ndarray, most: int = 15_000) -> np.ndarray:
    """Denoise and count, event by event."""
    t, x, y, p = rows.T
    kept = denoise(from_columns(x, y, t, p, SIZE, time_unit="s"), 100_000)[:most]
    frame = np.zeros((2, SIZE.height, SIZE.width), np.float32)
    for column, row, on in zip(kept.x, kept.y, kept.p, strict=True):
        frame[on, row, column] += 1
    return frame


# Who plays which part


def test_six_drives_are_split_as_published_and_night_is_tested_on(tmp_path: Path) -> None:
    write_drives(tmp_path, *TRAVERSES)
    opened = open_set(args(tmp_path))
    assert names(opened) == (
        ["daytime", "sunset2", "sunrise"],
        "sunset1 in morning",
        ["sunset1 in night", "night in sunset1", "night in morning", "morning in night"],
    )
    assert (opened.positive_m, opened.tolerance_m, opened.inclusive) == (75.0, 30.0, False)
    assert opened.val is not None
    assert opened.val.truth(30.0, inclusive=False) is not None
    chosen = open_set(args(tmp_path, positive_m=20.0, tolerance_m=5.0))
    assert (chosen.positive_m, chosen.tolerance_m) == (20.0, 5.0)


def test_a_single_drive_that_is_not_trained_on_is_looked_up_in_the_anchor(tmp_path: Path) -> None:
    write_drives(tmp_path, DAY, NIGHT)
    opened = open_set(args(tmp_path))
    assert names(opened) == ([DAY], None, ["night in daytime"])
    notes = " ".join(opened.notes)
    assert "Not trained on: sunset2, sunrise" in notes
    assert "Trained on, and searched in tests: daytime" in notes
    assert "No pair decides" in notes


def test_named_drives_go_before_the_defaults(tmp_path: Path) -> None:
    write_drives(tmp_path, *TRAVERSES)
    asked = args(
        tmp_path, train=("sunset2", NIGHT), val=("daytime:morning",), tests=("sunset1:sunrise",)
    )
    assert names(open_set(asked)) == (
        ["sunset2", NIGHT], "daytime in morning", ["sunset1 in sunrise"],
    )  # fmt: skip
    looked_up = open_set(args(tmp_path, tests=("daytime:morning", "sunset1:morning")))
    assert names(looked_up) == (
        ["sunset2", "sunrise"], None, ["daytime in morning", "sunset1 in morning"],
    )  # fmt: skip
    assert any("daytime, not there or looked up in a pair" in note for note in looked_up.notes)


@pytest.mark.parametrize(
    ("options", "error", "message"),
    [
        ({"train": ("noon",)}, MissingFileError, "traverse 'noon' is not there.*There: sunset1"),
        ({"tests": ("nigth:daytime",)}, MissingFileError, "Did you mean 'night'"),
        ({"train": (NIGHT,), "tests": ("night:daytime",)}, ConfigError, "night is trained on and"),
        ({"val": ("night:morning",), "tests": ("night:morning",)}, ConfigError, "of --val and"),
        ({"val": ("night:morning", "night:sunset1")}, ConfigError, "names 2 pairs"),
        ({"tests": ("night:night",)}, ConfigError, "night is looked up in itself"),
    ],
)
def test_parts_that_contradict_each_other_are_refused(
    tmp_path: Path, options: dict[str, object], error: type[Exception], message: str
) -> None:
    write_drives(tmp_path, *TRAVERSES)
    with pytest.raises(error, match=message):
        open_set(args(tmp_path, **options))


# Where places are


def test_place_i_is_where_the_anchor_was_at_fix_i(tmp_path: Path) -> None:
    """The night drive is twice as fast: its fix i is at the anchor's fix 2 i."""
    write_drives(tmp_path, DAY)
    write_slices(tmp_path, NIGHT)
    write_log(tmp_path, NIGHT, street()[::2])
    (pair,) = open_set(args(tmp_path)).tests
    day, night = pair.reference, pair.query
    np.testing.assert_allclose(day.positions.values, street(), rtol=0, atol=1e-7)
    np.testing.assert_array_equal(night.positions.values, day.positions.values)
    assert night.positions.kind == "geodesic"
    assert len(night) == len(day) == PLACES
    for k in (0, 8, PLACES - 2):  # frame k of the night drive is the slice that ends at k / 2 s
        expected = slice_rows(NIGHT, k // 2)
        np.testing.assert_array_equal(night.frame(k), reference_frame(expected))
    np.testing.assert_array_equal(day.frame(7), reference_frame(slice_rows(DAY, 7)))
    assert set(day.session) == {list(TRAVERSES).index(DAY)}
    assert set(night.session) == {list(TRAVERSES).index(NIGHT)}


def test_truth_is_by_distance_between_places(tmp_path: Path) -> None:
    write_drives(tmp_path, DAY, NIGHT)
    (pair,) = open_set(args(tmp_path)).tests
    truth = pair.truth(30.0, inclusive=False)
    rows, columns = np.indices((PLACES, PLACES))
    found = truth.matches(rows, columns)
    away = np.abs(np.arange(PLACES)[:, None] - np.arange(PLACES))
    np.testing.assert_array_equal(found, away <= 1)  # 18 m apart


def test_a_place_without_events_near_in_time_is_left_out(tmp_path: Path) -> None:
    """Defect D7: the original takes the nearest slice however far."""
    write_drives(tmp_path, DAY)
    write_slices(tmp_path, NIGHT, range(10, 30))
    write_log(tmp_path, NIGHT, street())
    opened = open_set(args(tmp_path))
    night = opened.tests[0].query
    np.testing.assert_allclose(night.positions.values, street()[9:31], rtol=0, atol=1e-7)
    note = next(note for note in opened.notes if note.startswith("night is left out"))
    assert "18 of 40 places of daytime: 18 have no events within 1 s, 0 were not passed" in note
    published = brisbane.open_set(args(tmp_path, compat="spikevpr")).tests[0].query
    assert len(published) == PLACES
    np.testing.assert_array_equal(published.frame(0), reference_frame(slice_rows(NIGHT, 10)))


def test_a_place_that_was_not_passed_is_left_out(tmp_path: Path) -> None:
    write_drives(tmp_path, DAY)
    write_slices(tmp_path, NIGHT)
    detour = street()
    detour[20:30, 0] += 4e-4  # 44 m
    write_log(tmp_path, NIGHT, detour)
    opened = open_set(args(tmp_path))
    assert len(opened.tests[0].query) < PLACES
    assert any("were not passed" in note for note in opened.notes)
    places = street()
    for latitude, longitude in opened.tests[0].query.positions.values:
        away = np.hypot(*((detour - (latitude, longitude)) * 111_000).T).min()
        assert away < 33  # 30 m, as a degree of longitude is shorter than taken here
        assert np.abs(places - (latitude, longitude)).sum(axis=1).min() < 1e-6


def test_published_the_anchor_of_a_pair_is_its_query(tmp_path: Path) -> None:
    write_drives(tmp_path, DAY)
    write_slices(tmp_path, NIGHT)
    write_log(tmp_path, NIGHT, street()[::2])
    (pair,) = brisbane.open_set(args(tmp_path, compat="spikevpr")).tests
    assert len(pair.query) == len(pair.reference) == PLACES // 2
    np.testing.assert_array_equal(pair.reference.frame(3), reference_frame(slice_rows(DAY, 6)))


def test_a_set_of_the_simulator_is_prepared_and_opened(tmp_path: Path) -> None:
    for seed, condition in enumerate(("day", "night"), 1):
        recording = drive_recording(condition, seed=seed)
        layout.write(tmp_path, recording, drive_parts(recording))
    brisbane.prepare(tmp_path, tmp_path)
    (pair,) = open_set(args(tmp_path)).tests
    assert pair.name == "night in daytime"
    assert min(len(pair.query), len(pair.reference)) > 15
    truth = pair.truth(30.0, inclusive=False)
    rows, columns = np.indices((len(pair.query), len(pair.reference)))
    assert truth.matches(rows, columns).any(axis=1).all()
    frames = [pair.query.frame(k) for k in range(len(pair.query))]
    assert all(frame.sum() > 50 for frame in frames)
    assert len({frame.tobytes() for frame in frames}) > 0.8 * len(frames)


# What frames hold


def test_hot_pixels_are_left_out_and_channels_are_off_on(tmp_path: Path) -> None:
    write_drives(tmp_path, DAY, NIGHT)
    before = open_set(args(tmp_path))
    assert any("daytime has no list of hot pixels" in note for note in before.notes)
    (old,) = before.train
    y, x = np.argwhere(old.frame(5).sum(axis=0) > 0)[0]
    hot_pixel_file(tmp_path, DAY).write_text(f"{x},{y}\n")
    (drive,) = open_set(args(tmp_path)).train
    rows = slice_rows(DAY, 5)
    cold = rows[(rows[:, 1] != x) | (rows[:, 2] != y)]
    np.testing.assert_array_equal(drive.frame(5), reference_frame(cold))
    assert drive.frame(5).dtype == np.float32


def test_options_cut_the_frame(tmp_path: Path) -> None:
    write_drives(tmp_path, DAY, NIGHT)
    few = open_set(args(tmp_path, max_events=10)).train[0]
    np.testing.assert_array_equal(few.frame(3), reference_frame(slice_rows(DAY, 3), 10))
    short = open_set(args(tmp_path, window_us=30_000)).train[0]
    assert 0 < short.frame(3).sum() < reference_frame(slice_rows(DAY, 3)).sum()
    small = open_set(replace(args(tmp_path), input_size="17x13")).train[0]
    assert small.frame(3).shape == (2, 13, 17)
    whole = reference_frame(slice_rows(DAY, 3))
    np.testing.assert_array_equal(small.frame(3), whole.reshape(2, 13, 2, 17, 2).sum(axis=(2, 4)))


def test_training_draws_a_short_window_from_its_generator(tmp_path: Path) -> None:
    write_drives(tmp_path, DAY, NIGHT)
    drive = open_set(args(tmp_path, event_drop=False)).train[0]
    first, again, other = (drive.frame(4, np.random.default_rng(seed)) for seed in (1, 1, 2))
    np.testing.assert_array_equal(first, again)
    assert (first != other).any()
    whole = drive.frame(4)
    assert (first <= whole).all() and first.sum() < whole.sum()
    dropped = open_set(args(tmp_path)).train[0]
    fewer = [dropped.frame(4, np.random.default_rng(seed)).sum() for seed in range(20)]
    kept = [drive.frame(4, np.random.default_rng(seed)).sum() for seed in range(20)]
    assert sum(fewer) < sum(kept)


def test_published_event_drop_never_drops_an_interval() -> None:
    """Defect D3, on an even stream and with windows long enough to keep all of it."""
    t = 1_587_705_130 + np.arange(2_000) * 1e-4
    x, y = np.arange(2_000) % 2 + 5, np.full(2_000, 7)
    rows = np.stack([t, x, y, np.ones(2_000)], axis=1)
    recipe = replace(RECIPE, spread=(1e6, 1e6))
    gaps = {None: 0, "spikevpr": 0}
    for seed in range(60):
        chosen = np.random.default_rng(seed)
        chosen.uniform(), chosen.random()  # length and place of the window
        if chosen.integers(4) != 1:
            continue
        for compat in gaps:
            made = replace(recipe, compat=compat).frame(rows, NO_HOT, np.random.default_rng(seed))
            gaps[compat] += int(made.sum() < 1_900)
    assert gaps[None] > 5
    assert gaps["spikevpr"] == 0


def test_an_empty_slice_gives_an_empty_frame() -> None:
    for compat in (None, "spikevpr"):
        recipe = replace(RECIPE, compat=compat)
        for rng in (None, np.random.default_rng(0)):
            frame = recipe.frame(np.empty((0, 4)), NO_HOT, rng)
            assert frame.shape == (2, SIZE.height, SIZE.width)
            assert not frame.any()


def test_events_out_of_order_count_as_if_sorted() -> None:
    rows = slice_rows(DAY, 3)
    shuffled = rows[np.random.default_rng(0).permutation(len(rows))]
    np.testing.assert_array_equal(RECIPE.frame(shuffled, NO_HOT), reference_frame(rows))


def test_native_and_published_evaluation_agree(tmp_path: Path) -> None:
    for k in range(10):
        rows = slice_rows(DAY, k)
        published = replace(RECIPE, compat="spikevpr").frame(rows, NO_HOT)
        np.testing.assert_array_equal(RECIPE.frame(rows, NO_HOT), published)


def test_a_drive_can_be_sent_to_another_process(tmp_path: Path) -> None:
    write_drives(tmp_path, DAY, NIGHT)
    drive = open_set(args(tmp_path)).train[0]
    sent = pickle.loads(pickle.dumps(drive))
    np.testing.assert_array_equal(sent.frame(2), drive.frame(2))


# What is refused


def test_what_has_to_be_prepared_first_is_said(tmp_path: Path) -> None:
    with pytest.raises(MissingFileError, match=r"holds no slices.*daytime_concat\.nmea"):
        open_set(args(tmp_path))
    write_zip(tmp_path, DAY, "34 26\n")
    with pytest.raises(MissingFileError, match=r"not cut into slices.*saccade prepare brisbane"):
        open_set(args(tmp_path))
    write_slices(tmp_path, DAY)
    with pytest.raises(MissingFileError, match="holds no GPS log"):
        open_set(args(tmp_path))
    write_log(tmp_path, DAY, street())
    assert names(open_set(args(tmp_path)))[0] == [DAY]


def test_one_drive_that_is_not_for_training_is_not_enough(tmp_path: Path) -> None:
    write_drives(tmp_path, NIGHT)
    with pytest.raises(MissingFileError, match=r"nothing to train or test on\. There: night"):
        open_set(args(tmp_path))


@pytest.mark.parametrize(
    ("log", "message"),
    [
        ("", "holds no position"),
        ("$GPRMC,081821.10,V,,,,,,,270420,,,N\n" * 5, "holds no position"),
        ("garbage\n\x00\xff,,,\n", "holds no position"),
    ],
)
def test_a_log_without_a_fix_is_refused(tmp_path: Path, log: str, message: str) -> None:
    write_drives(tmp_path, DAY, NIGHT)
    (tmp_path / TRAVERSES[NIGHT].nmea_file).write_text(log, encoding="latin-1")
    with pytest.raises(DataError, match=f"{TRAVERSES[NIGHT].nmea_file} {message}"):
        open_set(args(tmp_path))


def test_a_track_that_is_too_short_is_refused_with_both_names(tmp_path: Path) -> None:
    write_drives(tmp_path, DAY, NIGHT)
    write_log(tmp_path, NIGHT, street(2))
    with pytest.raises(DataError, match=r"fixes of night cannot be matched with those of daytime"):
        open_set(args(tmp_path))


def test_a_drive_elsewhere_is_refused(tmp_path: Path) -> None:
    write_drives(tmp_path, DAY, NIGHT)
    write_log(tmp_path, NIGHT, street() + 1.0)
    with pytest.raises(
        DataError, match=r"no frame at any of the 40 places of daytime.*40 were not"
    ):
        open_set(args(tmp_path))


def test_events_of_another_hour_are_refused(tmp_path: Path) -> None:
    write_drives(tmp_path, DAY)
    write_slices(tmp_path, NIGHT, range(5_000, 5_004))
    write_log(tmp_path, NIGHT, street())
    with pytest.raises(DataError, match=r"40 have no events within 1 s.*1587975221\.10 s"):
        open_set(args(tmp_path))


def test_frames_larger_than_the_sensor_are_refused(tmp_path: Path) -> None:
    write_drives(tmp_path, DAY, NIGHT)
    with pytest.raises(ConfigError, match=r"346x260 is larger than the sensor, 34x26.*Try"):
        open_set(replace(args(tmp_path), input_size="346x260"))


def test_damaged_slices_are_named(tmp_path: Path) -> None:
    write_drives(tmp_path, DAY, NIGHT)
    drive = open_set(args(tmp_path)).train[0]
    path = drive.files[0]  # pyright: ignore[reportAttributeAccessIssue]
    rows = read_slice(path)
    np.save(path, rows[:, :3])
    with pytest.raises(FormatError, match=r"holds \[60, 3\].*t, x, y, p"):
        drive.frame(0)
    path.write_bytes(b"\x93NUMPY")
    with pytest.raises(FormatError, match=r"\.npy is damaged.*saccade prepare"):
        drive.frame(0)
    rows[3, 1] = 99
    np.save(path, rows)
    with pytest.raises(EventError, match=r"\.npy: x = 99 at event 3"):
        drive.frame(0)


# What is there


def test_check_lists_what_is_there_and_what_it_opens_with(tmp_path: Path) -> None:
    table, opens = brisbane.check(tmp_path / "nowhere")
    assert not opens
    assert table.columns == ("what", "found", "expected")
    assert "ensemble-event-vpr" in str(table.rows[-1])
    write_drives(tmp_path, DAY)
    write_zip(tmp_path, NIGHT, "34 26\n")
    table, opens = brisbane.check(tmp_path)
    rows = {row[0]: row[1:] for row in table.rows}
    assert rows["daytime: events"][0] == "40 slices"
    assert rows["daytime: GPS"] == ("yes", TRAVERSES[DAY].nmea_file)
    assert rows["daytime: hot pixels"][0] is None
    assert "to be prepared" in str(rows["night: events"][0])
    assert rows["morning: events"][0] is None
    assert opens and str(rows["opens with"][0]).endswith("--input-size 34x26")
