"""``saccade simulate``: modes, refusals, folders, and a run that is killed and repeated."""

from __future__ import annotations

import hashlib
import importlib
import json
import re
import shlex
import subprocess
import sys
import time
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

import saccade
from saccade.cli.main import main
from saccade.cli.simulate import EXAMPLES
from saccade.events import Events, SensorSize
from saccade.simulate.config import CAMERAS, MODES, SimulateConfig, WrittenConfig
from saccade.simulate.job import LAYOUTS, Job
from saccade.simulate.recording import Part

SIZE = SensorSize(18, 24)


def run(capsys: pytest.CaptureFixture[str], *words: str | Path) -> dict[str, Any]:
    """Run ``saccade simulate ... --json``, which must succeed."""
    assert main(["simulate", *map(str, words), "--json"]) == 0
    return json.loads(capsys.readouterr().out)


def refused(capsys: pytest.CaptureFixture[str], *words: str | Path) -> tuple[int, str]:
    """Run ``saccade simulate ...``, which must not; return exit code and message."""
    code = main(["simulate", *map(str, words)])
    out = capsys.readouterr()
    assert code and not out.out
    return code, out.err


@pytest.fixture
def pictures(tmp_path: Path) -> Path:
    from PIL import Image

    folder = tmp_path / "pictures"
    folder.mkdir()
    columns = np.arange(SIZE.width)
    for k in range(31):
        row = 120 + 100 * np.sin(2 * np.pi * (columns - k) / 12)
        Image.fromarray(np.tile(row, (SIZE.height, 1)).astype(np.uint8)).save(folder / f"f{k}.png")
    return folder


@pytest.fixture
def small_world(monkeypatch: pytest.MonkeyPatch) -> None:
    """A world of a few random events, so that the command line can be tested alone."""
    monkeypatch.setitem(LAYOUTS, "plain", __name__)
    worlds = importlib.import_module("saccade.simulate.worlds")
    monkeypatch.setattr(worlds, "plan", _plan)


def _plan(config: WrittenConfig) -> list[Job]:
    def job(name: str) -> Job:
        recording: Any = SimpleNamespace(name=name, condition=name, duration_us=config.duration_us)
        return Job(recording, lambda: _Noise(config.seed), "plain", config.out, {})

    return [job(name) for name in config.condition]


class _Noise:
    def __init__(self, seed: int) -> None:
        self.seed = seed

    def state(self) -> dict[str, Any]:
        return {"seed": np.array(self.seed)}

    def restore(self, state: Any) -> None:
        self.seed = int(state["seed"])

    def part(self, start_us: int, end_us: int) -> Part:
        rng = np.random.default_rng([self.seed, start_us])
        t = np.sort(rng.integers(start_us, end_us, 100))
        x, y, p = (rng.integers(0, most, 100) for most in (SIZE.width, SIZE.height, 2))
        none = np.empty(0, np.int64)
        return Part(
            start_us=start_us, end_us=end_us, events={"left": Events(x, y, t, p, SIZE)},
            image_us=none, images={}, label_us=none, depth={},
        )  # fmt: skip


def write(folder: Path, recording: Any, parts: Any, **_: Any) -> tuple[Path, ...]:
    """The layout of the small world."""
    packets = (part.events["left"] for part in parts)
    return (saccade.save(packets, folder / f"{recording.name}.raw", size=SIZE),)


def digests(folder: Path) -> dict[str, str]:
    return {
        path.name: hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }


@pytest.mark.parametrize("words", [(), ("--help",), ("-h",)])
def test_help_lists_the_modes(capsys: pytest.CaptureFixture[str], words: tuple[str, ...]) -> None:
    assert main(["simulate", *words]) == 0
    text = capsys.readouterr().out
    for mode in MODES:
        assert f"\n  {mode} " in text


@pytest.mark.parametrize("mode", MODES)
def test_help_of_a_mode_shows_three_commands_units_and_defaults(
    capsys: pytest.CaptureFixture[str], mode: str
) -> None:
    with pytest.raises(SystemExit) as stop:
        main(["simulate", mode, "--help"])
    assert stop.value.code == 0
    text = capsys.readouterr().out
    assert f"usage: saccade simulate {mode}" in text
    assert "default" in text and "--seed" in text and "--threshold" in text
    assert len(EXAMPLES[mode]) == 3
    for line in EXAMPLES[mode]:
        assert line in text


@pytest.mark.parametrize("line", [line for lines in EXAMPLES.values() for line in lines])
def test_commands_shown_in_help_are_understood(line: str) -> None:
    from saccade.cli.arguments import parse
    from saccade.cli.simulate import resolve

    words = shlex.split(line)
    assert words[:2] == ["saccade", "simulate"]
    mode, rest, config, _, about = resolve(words[2:])
    assert isinstance(parse(config, rest, mode, about), SimulateConfig)


def test_every_layout_is_offered_by_a_mode_and_exists() -> None:
    offered = {name for config in MODES.values() for name in config.layouts}
    assert offered == set(LAYOUTS)
    for name in LAYOUTS:
        assert callable(importlib.import_module(LAYOUTS[name]).write)


@pytest.mark.parametrize(
    ("words", "code", "parts"),
    [
        ("travers --out x", 2, ["Unknown mode 'travers'", "Did you mean 'traverse'"]),
        ("traverse --condition nigth --out x", 2, ["'nigth'", "Did you mean 'night'", "overcast"]),
        ("traverse --condition room --out x", 2, ["'room'", "day, morning"]),
        ("traverse --season sommer --out x", 2, ["Did you mean 'summer'"]),
        ("traverse --layout dsec --out x", 2, ["'dsec'", "plain, brisbane, nsavp, nyc"]),
        ("stereo --layout nyc --out x", 2, ["'nyc'", "plain, mvsec, dsec"]),
        ("flow --layout eventflow --out x", 2, ["Did you mean 'event_flow'"]),
        ("world --layout mvsec --out x", 2, ["'mvsec'", "simulate world: plain"]),
        ("stereo --camera davis34 --out x", 2, ["Did you mean 'davis346'"]),
        ("stereo --size 346 --out x", 2, ["WIDTHxHEIGHT"]),
        ("stereo --minutes 1 --seconds 3 --out x", 2, ["one of the two"]),
        ("stereo --seconds 0 --out x", 2, ["--seconds 0", "more than 0"]),
        ("stereo --threshold -1 --out x", 2, ["--threshold -1"]),
        ("stereo --threshold 0.1 --threshold-on 0.2 --out x", 2, ["--threshold-on"]),
        ("stereo --condition day day --out x", 2, ["once"]),
        ("traverse --condition day day --layout nsavp --out x", 2, ["once", "--layout plain"]),
        ("stereo --jobs 0 --out x", 2, ["--jobs 0", "at least 1"]),
        ("traverse --format evt33 --out x", 2, ["evt33", "Did you mean 'evt3'"]),
        ("images . --out x.raw", 2, ["--fps", "exactly one"]),
        ("images . --fps 5 --pan --out x.raw", 2, ["exactly one"]),
        ("images . --fps 5 --out x.mpg", 2, [".mpg", ".raw"]),
        ("images nowhere --fps 5 --out x.raw", 3, ["nowhere"]),
        ("video nothing.mp4 --out x.raw", 3, ["nothing.mp4"]),
        ("video nothing.mp4 --start-s 3 --end-s 2 --out x.raw", 2, ["later end"]),
        ("preview --out x.png", 2, [".gif or .mp4", "--sheet"]),
        ("preview --sheet --out x.gif", 2, [".png"]),
        ("preview --condition day night --out x.gif", 2, ["one for a film", "--sheet"]),
        ("preview --out nowhere/x.gif", 3, ["nowhere"]),
    ],
)
def test_what_cannot_be_is_refused_with_the_way_out(
    capsys: pytest.CaptureFixture[str],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    words: str,
    code: int,
    parts: list[str],
) -> None:
    monkeypatch.chdir(tmp_path)
    found, text = refused(capsys, *words.split())
    assert found == code, text
    for part in parts:
        assert part in text
    assert not list(tmp_path.iterdir())


def test_pictures_become_an_event_file_that_reads_back(
    capsys: pytest.CaptureFixture[str], pictures: Path, tmp_path: Path
) -> None:
    out = tmp_path / "x.raw"
    said = run(capsys, "images", pictures, "--fps", 10, "--out", out, "--camera", "ideal")
    events = saccade.open(out)
    assert len(events) == said["events"] > 1_000
    assert str(events.size) == said["size"] == "24x18"
    assert said["seconds"] == pytest.approx(3.0) and not said["resumed"]
    assert events.t[0] >= 0 and events.t[-1] < 3_000_000
    assert sorted(path.name for path in tmp_path.iterdir()) == ["pictures", "x.raw"]
    code, text = refused(capsys, "images", pictures, "--fps", 10, "--out", out)
    assert code == 2 and "--overwrite" in text


def test_a_higher_threshold_gives_fewer_events(
    capsys: pytest.CaptureFixture[str], pictures: Path, tmp_path: Path
) -> None:
    counts = []
    for threshold in ("0.1", "0.2", "0.4"):
        words = ("--camera", "ideal", "--threshold", threshold, "--out", tmp_path / "x.npz")
        counts.append(run(capsys, "images", pictures, "--fps", 10, "--overwrite", *words)["events"])
    assert counts[0] > 1.5 * counts[1] > 2 * counts[2]


def test_a_pan_says_which_picture_is_seen_when(
    capsys: pytest.CaptureFixture[str], pictures: Path, tmp_path: Path
) -> None:
    said = run(capsys, "images", pictures, "--pan", "--still-s", 0.1, "--out", tmp_path / "x.raw")
    lines = (tmp_path / "x.places.csv").read_text().splitlines()
    assert lines[:2] == ["start_us,end_us,picture", "0,100000,f0.png"]
    assert lines[-1] == "3000000,3100000,f30.png"
    assert said["seconds"] == pytest.approx(3.1)


def test_a_video_becomes_an_event_file(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    pytest.importorskip("av", reason="the extra video is not installed")
    from saccade.view.video import write_mp4

    columns = np.arange(32)
    frames = (
        np.tile((120 + 100 * np.sin((columns - k) / 3))[None, :, None], (24, 1, 3))
        for k in range(12)
    )
    write_mp4(tmp_path / "walk.mp4", (frame.astype(np.uint8) for frame in frames), 10.0)
    said = run(capsys, "video", tmp_path / "walk.mp4", "--out", tmp_path / "walk.raw")
    events = saccade.open(tmp_path / "walk.raw")
    assert len(events) == said["events"] > 500
    assert str(events.size) == "32x24"
    assert said["seconds"] == pytest.approx(1.1)


def test_the_same_command_gives_the_same_bytes_and_another_seed_others(
    capsys: pytest.CaptureFixture[str], pictures: Path, tmp_path: Path
) -> None:
    found = []
    for name, seed, jobs in (("a", 1, 1), ("b", 1, 2), ("c", 2, 2)):
        out = tmp_path / f"{name}.raw"
        words = ("--pan", "--still-s", 0.05, "--seed", seed, "--jobs", jobs, "--out", out)
        run(capsys, "images", pictures, *words)
        found.append(out.read_bytes())
    assert found[0] == found[1] != found[2]


def test_a_killed_command_goes_on_when_it_is_repeated(
    capsys: pytest.CaptureFixture[str], pictures: Path, tmp_path: Path
) -> None:
    words = ["images", str(pictures), "--pan", "--still-s", "0.5", "--out"]
    process = subprocess.Popen(
        [sys.executable, "-m", "saccade", "simulate", *words, str(tmp_path / "x.raw")],
        stderr=subprocess.DEVNULL,
    )
    work = tmp_path / ".parts-x.raw"
    while not (work / "part-00001.npz").exists():
        assert process.poll() is None, "ended before it could be killed"
        time.sleep(0.002)
    process.kill()
    assert process.wait() == -9
    assert not (tmp_path / "x.raw").exists()

    code, text = refused(capsys, *words, tmp_path / "x.raw", "--seed", "5")
    assert code == 2 and "seed was 0, now 5" in text
    said = run(capsys, *words, tmp_path / "x.raw")
    assert said["resumed"] and "went on" in said["notes"][0]
    run(capsys, *words, tmp_path / "y.raw")
    assert (tmp_path / "x.raw").read_bytes() == (tmp_path / "y.raw").read_bytes()
    assert not work.exists()


@pytest.mark.usefixtures("small_world")
def test_a_folder_of_recordings_is_made_once(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    out = tmp_path / "drives"
    words = ("traverse", "--seconds", 3, "--condition", "day", "night", "--out", out)
    said = run(capsys, *words)
    assert said["recordings"] == 2 and said["events"] == 600 and not said["resumed"]
    assert [row["condition"] for row in said["tables"]["recordings"]] == ["day", "night"]
    assert said["files"] == [str(out / "day.raw"), str(out / "night.raw")]
    record = json.loads((out / "simulation.json").read_text())
    assert record["complete"] and record["request"]["seed"] == 0
    assert str(tmp_path) not in json.dumps(record)

    before = digests(out)
    again = run(capsys, *words, "--jobs", 1)
    assert "complete already" in again["notes"][0]
    code, text = refused(capsys, *words, "--seed", 4)
    assert code == 2 and "seed was 0, now 4" in text
    assert digests(out) == before
    run(capsys, *words, "--seed", 4, "--overwrite")
    assert digests(out)["day.raw"] != before["day.raw"]


@pytest.mark.usefixtures("small_world")
def test_a_folder_with_something_else_is_refused(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    (tmp_path / "letter.txt").write_text("dear")
    code, text = refused(capsys, "stereo", "--layout", "plain", "--out", tmp_path)
    assert code == 2 and "letter.txt" in text
    assert [path.name for path in tmp_path.iterdir()] == ["letter.txt"]


@pytest.mark.usefixtures("small_world")
def test_a_stopped_run_says_that_it_went_on(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    words = ("traverse", "--seconds", 2, "--out", tmp_path / "out")

    def stopped(*_: Any, **__: Any) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(sys.modules[__name__], "write", stopped)
        assert main(["simulate", *map(str, words)]) == 130
    capsys.readouterr()
    said = run(capsys, *words)
    assert said["resumed"] and "went on" in said["notes"][0]


def test_camera_presets_have_sizes() -> None:
    for name, size in CAMERAS.items():
        assert re.fullmatch(r"[a-z0-9]+", name) and SensorSize.parse(size)


@pytest.mark.parametrize("words", [["simulate", "--help"], ["simulate", "traverse", "--help"]])
def test_help_loads_neither_torch_nor_numba(words: list[str]) -> None:
    code = f"""
import sys
from saccade.cli.main import main
try:
    main({words!r})
except SystemExit:
    pass
sys.exit(bool({{"torch", "numba", "h5py", "matplotlib"}} & set(sys.modules)))
"""
    done = subprocess.run([sys.executable, "-c", code], check=False, stdout=subprocess.DEVNULL)
    assert done.returncode == 0


@pytest.mark.slow
def test_a_killed_world_goes_on_to_the_same_bytes(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    """The renderer itself: a rotating board, killed after its first second."""
    words = ["flow", "--scene", "board", "--layout", "plain", "--size", "48x36", "--seed", "5"]
    words += ["--seconds", "4", "--out"]
    whole, out = tmp_path / "whole", tmp_path / "out"
    said = run(capsys, *words, whole)
    assert said["events"] > 1_000 and not said["resumed"]
    process = subprocess.Popen(
        [sys.executable, "-m", "saccade", "simulate", *words, str(out)], stderr=subprocess.DEVNULL
    )
    while not list(out.glob(".parts-*/part-00000.npz")):
        assert process.poll() is None, "ended before it could be killed"
        time.sleep(0.002)
    process.kill()
    process.wait()
    assert not json.loads((out / "simulation.json").read_text())["complete"]
    assert run(capsys, *words, out)["resumed"]
    assert digests(out) == digests(whole)
    assert not list(out.glob(".*"))
