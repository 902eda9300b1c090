"""``saccade prepare`` and ``saccade data check``."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest

from saccade import save
from saccade.cli.data import WHERE
from saccade.cli.main import main
from saccade.cli.prepare import MODES
from saccade.contracts import Table
from saccade.events import Events, SensorSize
from saccade.traverses import nyc_convert
from saccade.traverses.sets import SETS


def run(capsys: pytest.CaptureFixture[str], *words: str | Path) -> tuple[int, str, str]:
    code = main([str(word) for word in words])
    out = capsys.readouterr()
    return code, out.out, out.err


@pytest.fixture
def sets(monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, Path, Path]]:
    """Stand in for every set with one that notes its calls; a folder with DONE in it is usable."""
    calls: list[tuple[str, Path, Path]] = []

    def stand_in(name: str) -> ModuleType:
        module: Any = ModuleType(f"stand_in_{name}")

        def prepare(source: Path, target: Path, *, progress: Any = None, **_: Any) -> Any:
            calls.append((name, source, target))
            target.mkdir(parents=True)
            progress(1, 1)
            (target / "DONE").write_text("")
            return (target / "DONE",)

        def check(folder: Path) -> tuple[Table, bool]:
            good = (folder / "DONE").exists()
            row = ("DONE", "yes" if good else "no", "yes")
            return Table(name, ("what", "found", "expected"), (row,)), good

        module.prepare = module.export_ensemble = prepare
        module.check = check
        return module

    for name in SETS:
        monkeypatch.setitem(sys.modules, f"stand_in_{name}", stand_in(name))
        monkeypatch.setitem(SETS, name, f"stand_in_{name}")
    return calls


def test_help(capsys: pytest.CaptureFixture[str]) -> None:
    for words in (["prepare"], ["prepare", "--help"], ["data"], ["data", "-h"]):
        code, out, _ = run(capsys, *words)
        assert code == 0 and "usage: saccade" in out
    assert all(f"\n  {mode} " in run(capsys, "prepare")[1] for mode in MODES)
    for words in (["prepare", "nyc", "--help"], ["data", "check", "--help"]):
        with pytest.raises(SystemExit) as stop:
            main(words)
        assert stop.value.code == 0
        assert "default" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("words", "code", "text"),
    [
        (["prepare", "nycc"], 2, "Did you mean 'nyc'"),
        (["data", "chek"], 2, "Did you mean 'check'"),
        (["data", "fetch"], 2, "Expected: saccade data check"),
        (["prepare", "nyc", "nowhere", "out"], 3, "No such folder: nowhere"),
    ],
)
def test_refusals(
    capsys: pytest.CaptureFixture[str], words: list[str], code: int, text: str
) -> None:
    found, out, err = run(capsys, *words)
    assert (found, out) == (code, "")
    assert text in err


@pytest.mark.parametrize("mode", [mode for mode in MODES if mode != "place-list"])
def test_each_set_is_prepared(
    capsys: pytest.CaptureFixture[str],
    tmp_path: Path,
    sets: list[tuple[str, Path, Path]],
    mode: str,
) -> None:
    (tmp_path / "raw").mkdir()
    target = tmp_path / "out"
    code, out, _ = run(capsys, "prepare", mode, tmp_path / "raw", target, "--json")
    assert code == 0
    assert sets == [(mode.partition("-")[0], tmp_path / "raw", target)]
    assert json.loads(out)["files"]


def test_nyc_for_real(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Options reach the work; what is missing is told with the exit code of a missing file."""
    (tmp_path / "raw").mkdir()
    assert run(capsys, "prepare", "nyc", tmp_path / "raw", tmp_path / "out")[0] == 3
    seen: dict[str, Any] = {}

    def prepare(source: Path, target: Path, **options: Any) -> tuple[Path, ...]:
        seen.update(options)
        return ()

    monkeypatch.setattr("saccade.traverses.nyc.prepare", prepare)
    words = ["--split", "published", "--overwrite", "--on-truncation", "keep"]
    code, out, _ = run(capsys, "prepare", "nyc", tmp_path / "raw", tmp_path / "out", *words)
    assert code == 0
    assert "images/train/database.zip" in out
    assert seen["split"] == "published" and seen["overwrite"]
    assert seen["recipe"] == nyc_convert.NycRecipe(on_truncation="keep")


def test_check_wants_to_know_where(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("SACCADE_DATA", raising=False)
    code, _, err = run(capsys, "data", "check")
    assert code == 2 and "SACCADE_DATA" in err
    assert all(text in err for text in WHERE.values())


def test_check_of_all(
    capsys: pytest.CaptureFixture[str],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    sets: list[tuple[str, Path, Path]],
) -> None:
    monkeypatch.setenv("SACCADE_DATA", str(tmp_path))
    (tmp_path / "nyc").mkdir()
    (tmp_path / "nyc" / "DONE").write_text("")
    code, out, _ = run(capsys, "data", "check", "--json")
    assert code == 0
    states = {row["name"]: row["state"] for row in rows(out)}
    assert states == {**dict.fromkeys(SETS, "not there"), "nyc": "usable"}
    (tmp_path / "nsavp").mkdir()
    code, out, _ = run(capsys, "data", "check", "--json")
    assert code == 1
    found = {row["name"]: row for row in rows(out)}
    assert found["nsavp"]["state"] == "not complete"
    assert found["nsavp"]["where"] == WHERE["nsavp"]


def rows(out: str) -> list[dict[str, Any]]:
    return json.loads(out)["tables"]["data sets"]


def test_check_of_one(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("SACCADE_DATA", raising=False)
    code, out, _ = run(capsys, "data", "check", "nyc", "--root", tmp_path / "none")
    assert code == 1 and "No such folder" in out and "huggingface.co" in out
    code, out, _ = run(capsys, "data", "check", "files", "--root", tmp_path)
    assert code == 1 and "2 or more" in out and "saccade simulate traverse" in out
    rng, size = np.random.default_rng(0), SensorSize(8, 8)
    for name in ("day", "night"):
        columns = [rng.integers(0, top, 50) for top in (8, 8, 9_000, 2)]
        x, y, t, p = (np.sort(c) if k == 2 else c for k, c in enumerate(columns))
        save(Events(x, y, t, p, size), tmp_path / f"{name}.npz")
        (tmp_path / f"{name}.csv").write_text("t_us,x,y\n0,0,0\n9000,50,0\n")
    code, out, _ = run(capsys, "data", "check", "files", "--root", tmp_path)
    assert code == 0 and "50 m, positions in metres" in out
