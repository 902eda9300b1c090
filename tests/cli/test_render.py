"""Reports on a terminal: a few files by name, many by their folder."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from saccade.cli.render import show
from saccade.contracts import Report


def test_a_few_files_are_named(capsys: pytest.CaptureFixture[str]) -> None:
    show(Report("t", files=(Path("a/one.raw"), Path("b/two.csv"))), as_json=False)
    assert capsys.readouterr().out == "t\nwrote a/one.raw\nwrote b/two.csv\n"


def test_many_files_are_counted(capsys: pytest.CaptureFixture[str]) -> None:
    report = Report("t", files=tuple(Path(f"out/{k % 3}/{k}.png") for k in range(1_200)))
    show(report, as_json=False)
    assert capsys.readouterr().out == "t\nwrote 1,200 files in 3 folders to out\n"
    show(report, as_json=True)
    assert len(json.loads(capsys.readouterr().out)["files"]) == 1_200
