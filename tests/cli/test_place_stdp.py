"""Place recognition by modules from the command line: recipes, verbs, job arrays."""

from __future__ import annotations

import csv
import json
from pathlib import Path

import numpy as np
import pytest
from image_drives import write_nordland, write_orc, write_sfu, write_st_lucia, write_synthia
from road_recordings import write_drive
from stdp_runs import PLAIN, SMALL, digests, drives, made, tell, write_set

import saccade
from saccade.cli.arguments import parse
from saccade.tasks.place_stdp.config import VERBS

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
    assert report["values"]["places"] == 8 and report["values"]["modules"] == 2
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
    assert right == pytest.approx(stdp["recall_at_1"]) and right >= 0.75
    assert json.loads(told.out)["values"]["members"] == 1
