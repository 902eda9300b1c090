"""Texts of Brisbane-Event-VPR become slices: exact, resumable, and refused where they are bad."""

from __future__ import annotations

import zipfile
from pathlib import Path

import numpy as np
import pytest

from place_sets import SIZE, event_text, street, write_log, write_zip
from saccade.errors import ConfigError, FormatError, MissingFileError
from saccade.simulate.layouts.brisbane import TRAVERSES
from saccade.traverses import brisbane
from saccade.traverses.brisbane_slices import hot_pixel_file, read_slice, sensor_of, slice_times

COUNT = int(SIZE.width * SIZE.height * 0.35)


def all_rows(folder: Path) -> np.ndarray:
    return np.concatenate([read_slice(path) for path in slice_times(folder)[0]])


def as_floats(text: str) -> np.ndarray:
    return np.array([line.split() for line in text.splitlines()[1:]], np.float64)


@pytest.mark.parametrize("count", [1, COUNT - 1, COUNT, COUNT + 1, 40_000])
def test_slices_hold_every_event_as_python_reads_it(tmp_path: Path, count: int) -> None:
    """40,000 lines are more than one block of text."""
    text = event_text(count)
    write_zip(tmp_path, "night", text)
    (folder,) = brisbane.prepare(tmp_path, tmp_path)
    expected = as_floats(text)
    np.testing.assert_array_equal(all_rows(folder), expected)
    files, times = slice_times(folder)
    assert len(files) == -(-count // COUNT)
    assert {len(read_slice(path)) for path in files[:-1]} <= {COUNT}
    ends = [*expected[COUNT - 1 :: COUNT, 0], *expected[-1:, 0]]
    assert times.tolist() == sorted(set(ends))
    assert files[0].name == f"{float(ends[0])!r}.npy"
    assert sensor_of(tmp_path, "night") == SIZE


def test_a_plain_text_without_a_last_newline_is_read(tmp_path: Path) -> None:
    text = event_text(COUNT + 3)
    path = tmp_path / f"{TRAVERSES['night'].recording_id}.txt"
    path.write_text(text.rstrip("\n"), newline="")
    (folder,) = brisbane.prepare(tmp_path, tmp_path / "out")
    np.testing.assert_array_equal(all_rows(folder), as_floats(text))


def test_logs_and_lists_come_along_and_the_rest_is_passed_over(tmp_path: Path) -> None:
    source, target = tmp_path / "source", tmp_path / "target"
    source.mkdir()
    for seed, name in enumerate(("daytime", "night")):
        write_zip(source, name, event_text(700, seed=seed))
        write_log(source, name, street())
    hot_pixel_file(source, "night").write_text("1,2\n")
    (night,) = brisbane.prepare(source, target, traverses=("night",))
    before = {path: path.stat().st_mtime_ns for path in night.iterdir()}
    made = brisbane.prepare(source, target)
    assert made == (target / TRAVERSES["daytime"].recording_id, night)
    assert before == {path: path.stat().st_mtime_ns for path in night.iterdir()}
    assert hot_pixel_file(target, "night").read_text() == "1,2\n"
    assert (target / TRAVERSES["daytime"].nmea_file).is_file()


def test_progress_counts_all_bytes_of_text_and_never_goes_back(tmp_path: Path) -> None:
    texts = [event_text(40_000), event_text(500)]
    for name, text in zip(("daytime", "night"), texts, strict=True):
        write_zip(tmp_path, name, text)
    for _ in range(2):  # what is finished counts as done
        told: list[tuple[int, int]] = []
        brisbane.prepare(tmp_path, tmp_path, progress=lambda *at, told=told: told.append(at))
        total = sum(map(len, texts))
        assert {most for _, most in told} == {total}
        done = [at for at, _ in told]
        assert done == sorted(done) and done[-1] == total


def test_a_killed_run_goes_on_and_leaves_nothing_behind(tmp_path: Path) -> None:
    text = event_text(60_000)
    write_zip(tmp_path, "daytime", event_text(500))
    write_zip(tmp_path, "night", text)

    def stop(done: int, total: int) -> None:
        if done > 1_200_000:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        brisbane.prepare(tmp_path, tmp_path, progress=stop)
    night = tmp_path / TRAVERSES["night"].recording_id
    assert (tmp_path / TRAVERSES["daytime"].recording_id).is_dir()
    assert not night.exists()
    left = tmp_path / f".{night.name}.0123abcd"  # as after a kill that nothing could catch
    left.mkdir()
    (left / "1.0.npy").touch()
    brisbane.prepare(tmp_path, tmp_path)
    np.testing.assert_array_equal(all_rows(night), as_floats(text))
    assert not list(tmp_path.glob(".*"))


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("1587452584.1 1 2 0\n", r"begins with '1587452584.1 1 2 0'.*346 260"),
        ("", r"begins with ''"),
        ("34 26\n1587452584.1 1 2 0\n1587452584.2 1 two 0\n", r"line 3 is '1587452584.2 1 two 0'"),
        ("34 26\n1587452584.1 1 2\n", r"line 2 is '1587452584.1 1 2'.*t x y p"),
        ("34 26\n1587452584.1 34 2 0\n", r"x = 34, y = 2, about line 2.*34x26"),
        ("34 26\nx", r"line 2 is 'x'"),
    ],
)
def test_a_text_that_holds_something_else_is_refused(
    tmp_path: Path, text: str, message: str
) -> None:
    write_zip(tmp_path, "night", text)
    with pytest.raises(FormatError, match=message):
        brisbane.prepare(tmp_path, tmp_path)
    assert not (tmp_path / TRAVERSES["night"].recording_id).exists()
    assert not list(tmp_path.glob(".*"))


def test_a_damaged_zip_is_refused(tmp_path: Path) -> None:
    path = write_zip(tmp_path, "night", event_text(5_000))
    whole = path.read_bytes()
    damaged = bytearray(whole)
    damaged[len(whole) // 2] ^= 0xFF
    for content in (whole[: len(whole) // 2], bytes(damaged), b""):
        path.write_bytes(content)
        with pytest.raises(FormatError, match=r"\.zip (is damaged|line)"):
            brisbane.prepare(tmp_path, tmp_path / "out")
        assert not list((tmp_path / "out").glob("*/*.npy"))


def test_a_zip_with_two_texts_is_refused(tmp_path: Path) -> None:
    path = write_zip(tmp_path, "night", event_text(5))
    with zipfile.ZipFile(path, "a") as archive:
        archive.writestr("more.txt", "")
    with pytest.raises(FormatError, match=r"more\.txt.*one text of events"):
        brisbane.prepare(tmp_path, tmp_path)


def test_what_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(MissingFileError, match="no traverse of Brisbane"):
        brisbane.prepare(tmp_path, tmp_path)
    write_zip(tmp_path, "night", event_text(5))
    with pytest.raises(MissingFileError, match=r"No events of morning.*2020-04-28-09-14-11\.zip"):
        brisbane.prepare(tmp_path, tmp_path, traverses=("night", "morning"))
    with pytest.raises(ConfigError, match=r"no traverse 'noon'.*sunset1"):
        brisbane.prepare(tmp_path, tmp_path, traverses=("noon",))
