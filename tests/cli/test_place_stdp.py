"""Place recognition by modules from the command line: recipes, verbs, job arrays."""

from __future__ import annotations

import csv
import json
from pathlib import Path

import numpy as np
import pytest

import saccade
from image_drives import write_nordland, write_orc, write_sfu, write_st_lucia, write_synthia
from road_recordings import write_drive
from saccade.cli.arguments import parse
from saccade.tasks.place_stdp.config import VERBS
from stdp_runs import PLAIN, SMALL, drives, tell

RECIPES = sorted(
    (Path(saccade.__file__).parent / "tasks" / "place_stdp" / "recipes").glob("*.yaml")
)


@pytest.mark.parametrize("path", RECIPES, ids=lambda path: path.stem)
@pytest.mark.parametrize("verb", ["train", "eval"])
def test_every_recipe_fits_both_verbs(path: Path, verb: str) -> None:
    cfg = parse(VERBS[verb], ["--recipe", path.stem, "--root", "here"], "saccade", "test")
    assert cfg.data.root == Path("here")
    assert cfg.data.data in ("images", "files") and cfg.data.tests
    said = path.read_text()
    for step in ("train", "eval"):
        assert path.stem == "smoke" or f"saccade {step} place_stdp --recipe {path.stem} " in said
    assert max(map(len, said.splitlines())) <= 120


def test_smoke_recipe_trains_and_tests(tmp_path: Path) -> None:
    np.savez(tmp_path / "set.npz", **drives(8, "ab", noise=4.0))
    words = ("--recipe", "smoke", "--root", tmp_path / "set.npz", "--jobs", "1")
    told = tell("train", "place_stdp", *words, "--name", "r", "--out", tmp_path, "--json")
    assert told.code == 0, told.err
    report = json.loads(told.out)
    assert report["places"] == 8 and report["modules"] == 2
    run = tmp_path / "r"
    assert json.loads((run / "status.json").read_text())["state"] == "done"
    out = tmp_path / "e"
    told = tell("eval", "place_stdp", *words, "--weights", run, "--out", out, "--json")
    assert told.code == 0, told.err
    records = json.loads((out / "results.json").read_text())
    methods = ["stdp, seed 0", "own_centred", "patch"]
    assert {(r["method"], r["sequence"]) for r in records} == {
        (method, length) for method in methods for length in (1, 3)
    }
    assert "What neurons have learned" in (out / "report.html").read_text()
    with (out / "matches_1.csv").open() as file:
        rows = list(csv.DictReader(file))
    firsts = [r for r in rows if r["rank"] == "1" and r["method"] == "stdp, seed 0"]
    assert len(firsts) == 8
    right = np.mean([int(row["right"]) for row in firsts])
    stdp = next(r for r in records if r["method"] == "stdp, seed 0" and r["sequence"] == 1)
    assert right == pytest.approx(stdp["recall@1"]) and right >= 0.5
    assert json.loads(told.out)["members"] == 1


LAYOUTS = {
    "nordland_published": (write_nordland, ("--every", "4"), 8, 2),
    "oxford": (write_orc, ("--every", "2"), 10, 2),
    "sfu_mountain": (write_sfu, (), 5, 1),
    "synthia": (write_synthia, (), 4, 1),
    "st_lucia": (write_st_lucia, (), 3, 1),
}


@pytest.mark.parametrize("recipe", LAYOUTS)
def test_recipe_opens_its_published_layout(recipe: str, tmp_path: Path) -> None:
    write, more, places, references = LAYOUTS[recipe]
    words = ("--recipe", recipe, "--root", write(tmp_path), *more)
    cut = ("--calibration", "1", "--module-places", "2", "--members", "1", "--epochs", "1")
    told = tell("train", "place_stdp", *words, *cut, "--dry-run", "--json")
    assert told.code == 0, told.err
    values = json.loads(told.out)
    assert (values["places"], values["references"]) == (places, references)
    assert values["images shown in training"] == places * references


def test_published_recipe_learns_calibrates_and_tests(tmp_path: Path) -> None:
    root = write_nordland(tmp_path)
    words = ("--recipe", "nordland_published", "--root", root, "--every", "4", "--jobs", "1")
    cut = ("--calibration", "2", "--members", "2", *SMALL, "--name", "r", "--out", tmp_path)
    told = tell("train", "place_stdp", *words, *cut)
    assert told.code == 0, told.err
    weights = ("--weights", tmp_path / "r", "--out", tmp_path / "e", *PLAIN)
    told = tell("eval", "place_stdp", *words, *weights, "--sequences", "1", "2", "--json")
    assert told.code == 0, told.err
    report = json.loads(told.out)
    assert report["members"] == 2
    records = json.loads((tmp_path / "e" / "results.json").read_text())
    assert {r["method"] for r in records} == {
        "2 members", "stdp, seed 0", "stdp, seed 1", "centred"
    }  # fmt: skip
    assert {r["queries_without_match"] for r in records} == {2}


@pytest.mark.parametrize("recipe", ["files", "files_events"])
def test_recordings_are_learned_and_looked_up(recipe: str, tmp_path: Path) -> None:
    root = tmp_path / "drives"
    root.mkdir()
    for seed, name in enumerate(("day", "night")):
        write_drive(root, name, seed, seconds=4.0)
    few = ("--input-size", "48x36", "--grid", "16x6", "--every-m", "2", "--jobs", "1")
    words = ("--recipe", recipe, "--root", root, *few, "--tolerance-m", "2.5")
    cut = ("--neurons", "30", "--most-rate-hz", "10", "--module-places", "4", "--epochs", "4")
    told = tell("train", "place_stdp", *words, *cut, "--name", "r", "--out", tmp_path)
    assert told.code == 0, told.err
    stored = {path.suffix for path in (tmp_path / "r" / "inputs").iterdir()}
    assert stored == ({".spikes", ".npy"} if recipe == "files_events" else {".npy"})
    weights = ("--weights", tmp_path / "r", "--out", tmp_path / "e", "--no-report")
    told = tell("eval", "place_stdp", *words, *weights)
    assert told.code == 0, told.err
    records = json.loads((tmp_path / "e" / "results.json").read_text())
    stdp = next(r for r in records if r["method"] == "stdp, seed 0")
    assert stdp["recall@1_of_matchable"] > 2 * stdp["chance_of_recall@1_of_matchable"]
    methods = {r["method"] for r in records}
    assert ("own_centred" in methods) == (recipe == "files")


def test_count_images_with_a_matrix(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    a = rng.poisson(6, (9, 7, 7)).astype(np.uint8)
    b = rng.poisson(a[:7]).astype(np.uint8)
    truth = np.eye(9, 7, dtype=np.uint8)
    root = tmp_path / "set.npz"
    np.savez(root, sunset1=a, sunset2=b, gt_sunset2_sunset1=truth)
    words = ("--recipe", "brisbane_7x7", "--root", root, "--jobs", "1")
    cut = ("--members", "1", "--neurons", "20", "--input-ms", "120", "--epochs", "2")
    told = tell("train", "place_stdp", *words, *cut, "--name", "r", "--out", tmp_path)
    assert told.code == 0, told.err
    weights = ("--weights", tmp_path / "r", "--out", tmp_path / "e", *PLAIN)
    told = tell("eval", "place_stdp", *words, *weights, "--json")
    assert told.code == 0, told.err
    assert json.loads(told.out)["queries"] == 7
