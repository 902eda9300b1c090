"""Every verb does what its help says, with --json where it reports numbers."""

import json
from pathlib import Path

import numpy as np
import pytest

import saccade
from saccade.cli.main import LATER_VERBS, VERBS, main

RECORDING = Path(__file__).parents[1] / "data" / "ros_640x480_repacked.raw"


def run(capsys: pytest.CaptureFixture[str], *words: str | Path) -> str:
    """Run a command line that must succeed; return what it printed."""
    assert main([str(word) for word in words]) == 0
    return capsys.readouterr().out


def run_json(capsys: pytest.CaptureFixture[str], *words: str | Path) -> dict:
    return json.loads(run(capsys, *words, "--json"))


def test_help_shows_examples_first_and_every_verb(capsys: pytest.CaptureFixture[str]) -> None:
    text = run(capsys, "--help")
    assert text.index("saccade info drive.raw") < text.index("usage:")
    for verb in VERBS:
        assert f"\n  {verb} " in text
    assert not set(VERBS) & set(LATER_VERBS)


@pytest.mark.parametrize(
    "verb", ["info", "convert", "view", "predict place", "retrieve", "energy place", "demo"]
)
def test_help_of_a_verb_gives_units_and_defaults(
    capsys: pytest.CaptureFixture[str], verb: str
) -> None:
    with pytest.raises(SystemExit) as stop:
        main([*verb.split(), "--help"])
    assert stop.value.code == 0
    text = capsys.readouterr().out
    assert f"usage: saccade {verb}" in text
    assert "default" in text


def test_version(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(capsys, "--version").strip() == f"saccade {saccade.__version__}"


def test_info_reports_what_the_file_holds(capsys: pytest.CaptureFixture[str]) -> None:
    seen = run_json(capsys, "info", RECORDING)
    assert seen["format"] == "evt3"
    assert seen["events"] == 343_474
    assert (seen["width"], seen["height"]) == (640, 480)
    assert (seen["t_first_us"], seen["t_last_us"]) == (7_139_845, 9_218_023)
    assert seen["on_fraction"] == pytest.approx(0.364, abs=1e-3)


def test_info_of_several_files_is_a_list(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    copy = tmp_path / "copy.bin"
    copy.write_bytes(RECORDING.read_bytes())
    seen = json.loads(run(capsys, "info", RECORDING, copy, "--json"))
    assert [item["events"] for item in seen] == [343_474, 343_474]


def test_info_without_files_lists_the_formats(capsys: pytest.CaptureFixture[str]) -> None:
    text = run(capsys, "info")
    assert "evt3" in text and ".raw" in text


def test_info_asks_for_the_size_nothing_tells(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    path = tmp_path / "plain.csv"
    path.write_text("t,x,y,p\n10,1,1,0\n20,2,3,1\n")
    seen = run_json(capsys, "info", path, "--time-unit", "us")
    assert seen["size"] is None
    assert (seen["max_x"], seen["max_y"], seen["events"]) == (2, 3, 2)
    assert any("--size WIDTHxHEIGHT" in note and "3x4" in note for note in seen["notes"])


@pytest.mark.parametrize("name", ["out.raw", "out.dat", "out.h5", "out.npz", "out.csv"])
def test_convert_keeps_every_event(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, name: str
) -> None:
    seen = run_json(capsys, "convert", RECORDING, tmp_path / name)
    assert seen["events_read"] == seen["events_written"] == 343_474
    before, after = saccade.open(RECORDING), saccade.open(tmp_path / name)
    for column in "xytp":
        np.testing.assert_array_equal(getattr(before, column), getattr(after, column))
    assert [path.name for path in tmp_path.iterdir()] == [name]


def test_convert_cuts_and_filters(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    words = (
        "--start-s 0.5 --end-s 1 --polarity on --resize 346x260 --refractory-us 1000 --remove-hot"
    )
    run(capsys, "convert", RECORDING, tmp_path / "part.npz", *words.split())
    part = saccade.open(tmp_path / "part.npz")
    assert str(part.size) == "346x260"
    assert part.p.all()
    first = 7_139_845
    assert first + 500_000 <= part.t[0] and part.t[-1] < first + 1_000_000
    assert 0 < len(part) < 131_050


def test_convert_crop_and_denoise(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    words = ["--crop", "100", "50", "200", "300", "--denoise-us", "2000"]
    run(capsys, "convert", RECORDING, tmp_path / "part.npz", *words)
    assert str(saccade.open(tmp_path / "part.npz").size) == "200x300"


def test_view_writes_a_sheet_a_picture_and_a_film(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    sheet, whole, film = (tmp_path / name for name in ("sheet.png", "whole.png", "film.gif"))
    run(capsys, "view", RECORDING, sheet)
    run(capsys, "view", RECORDING, whole, "--whole", "--start-s", "1", "--end-s", "1.2")
    seen = run_json(
        capsys, "view", RECORDING, film, "--end-s", "0.5", "--fps", "10", "--max-width", "320"
    )
    assert sheet.read_bytes()[:4] == whole.read_bytes()[:4] == b"\x89PNG"
    assert film.read_bytes()[:4] == b"GIF8"
    assert seen["frames"] == 5


def test_doctor_finds_a_working_installation(capsys: pytest.CaptureFixture[str]) -> None:
    seen = run_json(capsys, "doctor")
    assert seen["kernels"] == "numba compiles and runs"
    assert seen["packages"]["torch"]
    assert "cpu" in seen["devices"]
    assert any(row["package"] == "hdf5plugin" for row in seen["tables"]["Packages"])


@pytest.mark.slow
def test_predict_writes_descriptors_of_unit_length(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    words = ["--weights", "untrained", "--window-us", "400000", "--input-size", "160x120"]
    seen = run_json(capsys, "predict", "place", RECORDING, *words, "--out", tmp_path / "run")
    assert seen["windows"] == 5
    with np.load(tmp_path / "run" / "descriptors.npz") as stored:
        vectors = stored["vectors"]
    np.testing.assert_allclose(np.linalg.norm(vectors, axis=1), 1, atol=1e-5)
    assert (tmp_path / "run" / "config.yaml").exists()
    assert any("not trained" in note for note in seen["notes"])


@pytest.mark.slow
def test_retrieve_finds_a_recording_in_itself(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    words = ["--window-us", "100000", "--tolerance-index", "0"]
    seen = run_json(capsys, "retrieve", RECORDING, RECORDING, *words, "--out", tmp_path / "run")
    assert seen["recall_at_1_count"] == 1.0
    assert seen["chance_recall_at_1"] == pytest.approx(1 / 20)
    lines = (tmp_path / "run" / "matches.csv").read_text().splitlines()
    assert len(lines) == 1 + 20 * 5
    assert (tmp_path / "run" / "matches_count.png").read_bytes()[:4] == b"\x89PNG"
    assert json.loads((tmp_path / "run" / "matches.json").read_text())[0]["rank"] == 1


@pytest.mark.slow
def test_energy_prices_an_inference(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    words = ["--weights", "untrained", "--input-size", "96x64", "--frames", "2"]
    words += ["--proxy", "operations", "--compare", "netvlad"]
    seen = run_json(capsys, "energy", "place", RECORDING, *words, "--out", tmp_path / "run")
    assert seen["proxy"] == "operations"
    assert seen["energy_pj"] == pytest.approx(
        0.1 * seen["ac_per_inference"] + 3.2 * seen["mac_per_inference"]
    )
    assert len(seen["tables"]["Energy per layer, operations, 45nm"]) == 46
    assert seen["tables"]["Beside EventVPR"][0]["EventVPR under"] == "ann_lemaire"
    names = {path.name for path in (tmp_path / "run").iterdir()}
    assert {"layers.png", "estimates.png", "report.json", "config.yaml"} <= names


@pytest.mark.slow
def test_demo_writes_one_page_that_needs_nothing_else(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    words = ["--window-us", "200000", "--shift-us", "20000", "--input-size", "160x120"]
    words += ["--world-s", "2", "--world-size", "64x48"]
    seen = run_json(capsys, "demo", "--out", tmp_path, *words)
    page = (tmp_path / "report.html").read_text()
    assert {path.name for path in tmp_path.iterdir()} == {"report.html", "world"}
    assert "the network is untrained" in page and "street-resnet8" in page
    assert 'src="http' not in page and 'href="http' not in page
    rows = seen["tables"]["Moments of the recording found again"]
    assert {row["method"].split(",")[0] for row in rows} == {"count frames", "sew_resnet18"}
    assert all(0 <= row["recall@1"] <= 1 and row["chance@1"] > 0 for row in rows)
