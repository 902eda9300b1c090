"""Sets that cannot be used: which thing, which value, what was expected, what to do next."""

from __future__ import annotations

import shutil
import zipfile
from pathlib import Path

import numpy as np
import pytest
from mock_sets import MOCKS, PlaceSets, say

from saccade.simulate.layouts.brisbane import TRAVERSES
from saccade.simulate.nmea import checksum

MORNING, NIGHT = TRAVERSES["morning"], TRAVERSES["night"]


def error_of(code: int, *words: str | Path | float) -> str:
    """Run a command line that must fail; return its message, which fits on a screen."""
    told = say(*words)
    assert told.code == code, told.err
    assert not told.out
    text = told.err[told.err.index("saccade: ") :]
    assert "Traceback" not in text and len(text) < 600
    return text


def has(text: str, *parts: str) -> None:
    """All parts are said."""
    assert [part for part in parts if part not in text] == [], text


@pytest.fixture
def brisbane(place_sets: PlaceSets, tmp_path: Path) -> Path:
    """A copy of the prepared set whose files may be changed; slices are links."""
    source, folder = place_sets.prepared("brisbane"), tmp_path / "brisbane"
    folder.mkdir()
    for path in source.iterdir():
        if path.is_dir():
            (folder / path.name).symlink_to(path)
        else:
            shutil.copy(path, folder)
    return folder


@pytest.fixture
def nsavp(place_sets: PlaceSets, tmp_path: Path) -> Path:
    return Path(shutil.copytree(place_sets.prepared("nsavp"), tmp_path / "nsavp"))


def on(words: list[str], folder: Path) -> list[str]:
    """The same words for another copy of the set."""
    at = words.index("--root")
    return [*words[: at + 1], str(folder), *words[at + 2 :]]


class TestPositions:
    def test_log_without_a_fix(self, place_sets: PlaceSets, brisbane: Path, tmp_path: Path) -> None:
        body = "GPRMC,081821.10,V,,,,,,,270420,,,N"
        lines = f"${body}*{checksum(body):02X}\r\n" * 7
        (brisbane / NIGHT.nmea_file).write_text(lines)
        words = on(place_sets.words("eval", "brisbane", "--out", tmp_path / "e"), brisbane)
        text = error_of(1, *words)
        has(text, NIGHT.nmea_file, "holds no position", "7 have no fix", "0 have a wrong checksum")
        has(text, "Expected NMEA sentences", "leave this drive out")

    def test_log_with_wrong_checksums(
        self, place_sets: PlaceSets, brisbane: Path, tmp_path: Path
    ) -> None:
        log = brisbane / MORNING.nmea_file
        lines = log.read_text().splitlines()
        log.write_text("\r\n".join(f"{line[:-2]}00" for line in lines if line[-2:] != "00"))
        words = on(place_sets.words("eval", "brisbane", "--out", tmp_path / "e"), brisbane)
        text = error_of(1, *words)
        bad = sum(line[-2:] != "00" for line in lines)
        has(text, MORNING.nmea_file, f"of {bad:,} lines {bad:,} have a wrong checksum")

    def test_a_damaged_sentence_is_passed_over(
        self, place_sets: PlaceSets, brisbane: Path, tmp_path: Path
    ) -> None:
        log = brisbane / MORNING.nmea_file
        lines = log.read_text().splitlines()
        at = [k for k, line in enumerate(lines) if line.startswith("$GPRMC")][3]
        spoiled = [*lines[:at], lines[at].replace("153", "163"), *lines[at + 1 :]]
        assert spoiled != lines
        log.write_text("\r\n".join(spoiled))
        words = on(place_sets.words("eval", "brisbane", "--no-report"), brisbane)
        told = say(*words, "--out", tmp_path / "e")
        assert told.code == 0, told.err

    def test_no_log_at_all(self, place_sets: PlaceSets, brisbane: Path, tmp_path: Path) -> None:
        (brisbane / NIGHT.nmea_file).unlink()
        words = on(place_sets.words("eval", "brisbane", "--out", tmp_path / "e"), brisbane)
        text = error_of(3, *words)
        has(text, "Where was night?", f"Expected {NIGHT.nmea_file}", "saccade data check brisbane")

    def test_nan_in_a_gps_table(self, place_sets: PlaceSets, tmp_path: Path) -> None:
        raw = Path(shutil.copytree(place_sets.raw("nyc"), tmp_path / "raw"))
        table = sorted(raw.glob("*/GPS_*.csv"))[1]
        lines = table.read_text().splitlines()
        lines[4] = "nan," + lines[4].partition(",")[2]
        table.write_text("\n".join(lines))
        text = error_of(1, "prepare", "nyc", raw, tmp_path / "out", *MOCKS["nyc"].prepare)
        has(text, table.name, "line 5", "longitude nan", "Expected finite degrees")

    def test_positions_that_are_not_there(
        self, place_sets: PlaceSets, nsavp: Path, tmp_path: Path
    ) -> None:
        shutil.rmtree(nsavp / "ground_truth")
        (nsavp / "R0_FN0-frames-1000" / "positions.csv").unlink()
        words = on(place_sets.words("eval", "nsavp", "--out", tmp_path / "e"), nsavp)
        has(error_of(3, *words), "Where were R0_FS0 and R0_FN0", "R0_FS0_R0_FN0_GT_positions.npz")


class TestStreams:
    def test_recording_without_an_event(self, place_sets: PlaceSets, tmp_path: Path) -> None:
        source = tmp_path / "raw"
        source.mkdir()
        with zipfile.ZipFile(source / f"{NIGHT.recording_id}.zip", "w") as archive:
            archive.writestr(f"{NIGHT.recording_id}.txt", "346 260\n")
        text = error_of(1, "prepare", "brisbane", source, tmp_path / "out")
        has(text, f"{NIGHT.recording_id}.zip holds no event of night", "t x y p", "Fetch the file")
        assert not list((tmp_path / "out").glob("dvs*/*"))

    @pytest.mark.parametrize("verb", ["train", "eval"])
    def test_seconds_without_an_event(
        self, place_sets: PlaceSets, nsavp: Path, tmp_path: Path, verb: str
    ) -> None:
        name = {"train": "R0_FS0", "eval": "R0_FN0"}[verb]
        for path in (nsavp / f"{name}-frames-1000" / "downsampled").iterdir():
            np.save(path, np.load(path)[:0])
        out = ("--out", tmp_path, "--name", "r") if verb == "train" else ("--out", tmp_path / "e")
        text = error_of(1, *on(place_sets.words(verb, "nsavp", *out), nsavp))
        has(text, f"All 20 windows of {name} are empty", "Expected events", "leave it out")

    def test_nothing_to_train_on(self, place_sets: PlaceSets, nsavp: Path, tmp_path: Path) -> None:
        for name in ("R0_RS0", "R0_RA0"):
            for path in (nsavp / f"{name}-frames-1000" / "downsampled").iterdir():
                np.save(path, np.load(path)[:0])
        words = place_sets.words("train", "nsavp", "--out", tmp_path, "--name", "r")
        text = error_of(1, *on(words, nsavp))
        has(text, "All 8 frames of a training batch are empty", "saccade info")

    def test_entry_that_is_damaged(self, place_sets: PlaceSets, tmp_path: Path) -> None:
        folder = Path(shutil.copytree(place_sets.prepared("nyc"), tmp_path / "nyc"))
        archive = folder / "images" / "test" / "database.zip"
        content = bytearray(archive.read_bytes())
        content[len(content) // 2] ^= 0xFF
        archive.write_bytes(content)
        words = on(place_sets.words("eval", "nyc", "--out", tmp_path / "e"), folder)
        has(error_of(1, *words), "database.zip", "is damaged: its checksum differs", "again")


class TestParts:
    @pytest.mark.parametrize("verb", ["train", "eval"])
    def test_traverse_that_is_not_there(
        self, place_sets: PlaceSets, brisbane: Path, tmp_path: Path, verb: str
    ) -> None:
        (brisbane / TRAVERSES["sunset2"].recording_id).unlink()
        text = error_of(3, *on(place_sets.words(verb, "brisbane", "--out", tmp_path), brisbane))
        has(text, "traverse 'sunset2' is not there", "There: ", "sunset1", "daytime")

    def test_mistyped_traverse_names_the_closest(
        self, place_sets: PlaceSets, tmp_path: Path
    ) -> None:
        words = place_sets.words("train", "nsavp", "--out", tmp_path, "--train", "R0_RSO")
        has(error_of(3, *words), "'R0_RSO'", "Did you mean 'R0_RS0'?")

    def test_archive_that_is_not_there(self, place_sets: PlaceSets, tmp_path: Path) -> None:
        folder = Path(shutil.copytree(place_sets.prepared("nyc"), tmp_path / "nyc"))
        (folder / "images" / "test" / "queries.zip").unlink()
        words = on(place_sets.words("eval", "nyc", "--out", tmp_path / "e"), folder)
        has(error_of(3, *words), "queries.zip", "saccade data check nyc")

    def test_set_that_is_not_prepared(self, place_sets: PlaceSets, tmp_path: Path) -> None:
        words = place_sets.words("train", "brisbane", "--out", tmp_path)
        text = error_of(3, *on(words, place_sets.raw("brisbane")))
        has(text, "not cut into slices", "saccade prepare brisbane")

    def test_sequences_of_windows_that_follow_no_drive(
        self, place_sets: PlaceSets, tmp_path: Path
    ) -> None:
        words = place_sets.words("eval", "nyc", "--out", tmp_path / "e", "--sequences", "1", "5")
        has(error_of(2, *words), "--sequences 5 with --data nyc", "at random", "--sequences 1")


class TestTruth:
    @pytest.mark.parametrize("verb", ["train", "eval"])
    @pytest.mark.parametrize(
        ("metres", "said"),
        [("0.001", "no query has a true match"), ("1e6", "every candidate is a true match")],
    )
    @pytest.mark.parametrize("name", ["nsavp", "nyc"])
    def test_tolerance_that_decides_nothing(
        self, place_sets: PlaceSets, tmp_path: Path, verb: str, metres: str, said: str, name: str
    ) -> None:
        pair = {
            ("nsavp", "train"): "R0_FS0 in R0_FA0", ("nsavp", "eval"): "R0_FN0 in R0_FS0",
            ("nyc", "train"): "val/queries in val/database",
            ("nyc", "eval"): "test/queries in test/database",
        }[name, verb]  # fmt: skip
        words = place_sets.words(verb, name, "--out", tmp_path / "out", "--tolerance-m", metres)
        text = error_of(1, *words)
        has(text, f"{pair}, right within {float(metres):g} m", said, "--tolerance-m")
        assert not list(tmp_path.rglob("*.ckpt"))

    def test_every_training_window_shows_one_place(
        self, place_sets: PlaceSets, tmp_path: Path
    ) -> None:
        words = place_sets.words("train", "nsavp", "--out", tmp_path, "--positive-m", "1e6")
        text = error_of(1, *words)
        has(text, "All 40 training windows are within 1e+06 m", "shorter --positive-m")


@pytest.fixture(scope="module")
def run(place_sets: PlaceSets, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run that came to its end."""
    out = tmp_path_factory.mktemp("runs")
    assert say(*place_sets.words("train", "nsavp", "--out", out, "--name", "one")).code == 0
    return out / "one"


def refused_weights(place_sets: PlaceSets, weights: Path, folder: Path) -> str:
    """Evaluate with these weights and return the error."""
    words = ("--weights", weights, "--out", folder / "e")
    return error_of(1, *place_sets.words("eval", "nsavp", *words))


class TestCheckpoints:
    def test_checkpoint_instead_of_weights(
        self, place_sets: PlaceSets, run: Path, tmp_path: Path
    ) -> None:
        text = refused_weights(place_sets, run / "last.ckpt", tmp_path)
        has(text, "last.ckpt is a checkpoint of a run", "weights.safetensors")

    def test_file_that_holds_no_weights(
        self, place_sets: PlaceSets, run: Path, tmp_path: Path
    ) -> None:
        text = refused_weights(place_sets, run / "log.jsonl", tmp_path)
        has(text, "log.jsonl cannot be read as weights", "Expected a .safetensors file")

    def test_weights_that_are_cut_off(
        self, place_sets: PlaceSets, run: Path, tmp_path: Path
    ) -> None:
        cut = tmp_path / "cut.safetensors"
        cut.write_bytes((run / "weights.safetensors").read_bytes()[:-100])
        text = refused_weights(place_sets, cut, tmp_path)
        has(text, "cut.safetensors is a damaged safetensors file", "Copy the file again")

    def test_resume_with_another_configuration(self, place_sets: PlaceSets, run: Path) -> None:
        words = ("--out", run.parent, "--name", "one", "--resume", "--seed", "7")
        has(error_of(1, *place_sets.words("train", "nsavp", *words)), "another configuration")

    def test_resume_of_a_damaged_checkpoint(
        self, place_sets: PlaceSets, run: Path, tmp_path: Path
    ) -> None:
        folder = Path(shutil.copytree(run, tmp_path / "one"))
        last = folder / "last.ckpt"
        last.write_bytes(last.read_bytes()[:700])
        words = ("--out", tmp_path, "--name", "one", "--resume")
        text = error_of(1, *place_sets.words("train", "nsavp", *words))
        has(text, "last.ckpt", "Expected a file written by saccade train", "Delete it")

    def test_resume_of_a_run_that_is_not_there(self, place_sets: PlaceSets, tmp_path: Path) -> None:
        words = ("--out", tmp_path, "--name", "never", "--resume")
        text = error_of(3, *place_sets.words("train", "nsavp", *words))
        has(text, "no run 'never'", str(tmp_path), "Leave --resume out")
