"""Run folders: numbered, whole files, and a status that tells how the run ended."""

import json
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest

from saccade.engine import RunDir, load_config, versions
from saccade.errors import ConfigError, MissingFileError


@dataclass(frozen=True)
class Config:
    """A configuration."""

    window_us: int = 50_000
    path: Path = Path("a.raw")


def test_folders_are_numbered_per_verb_and_task(tmp_path: Path) -> None:
    names = [
        RunDir.create(*words, root=tmp_path).folder.name
        for words in (("predict", "place"), ("predict", "place"), ("demo",), ("predict", "place"))
    ]
    assert names == ["predict-place-001", "predict-place-002", "demo-001", "predict-place-003"]


def test_numbers_continue_after_the_highest_and_past_999(tmp_path: Path) -> None:
    (tmp_path / "demo-999").mkdir()
    (tmp_path / "demo-old").mkdir()
    assert RunDir.create("demo", root=tmp_path).folder.name == "demo-1000"
    assert RunDir.create("demo", root=tmp_path).folder.name == "demo-1001"


def test_runs_that_start_together_get_folders_of_their_own(tmp_path: Path) -> None:
    with ThreadPoolExecutor(8) as pool:
        runs = list(pool.map(lambda _: RunDir.create("demo", root=tmp_path).folder, range(16)))
    assert len(set(runs)) == 16


def test_a_run_begins_with_configuration_versions_and_status(tmp_path: Path) -> None:
    run = RunDir.create("predict", "place", root=tmp_path / "deep" / "runs", config=Config(7))
    assert load_config(Config, run.path("config.yaml")) == Config(7)
    assert json.loads(run.path("versions.json").read_text())["numpy"] == np.__version__
    assert run.status()["state"] == "running"


def test_the_status_tells_done_failed_and_interrupted(tmp_path: Path) -> None:
    with RunDir.create("demo", root=tmp_path) as done:
        pass
    with pytest.raises(ValueError, match="broke"), RunDir.create("demo", root=tmp_path) as failed:
        raise ValueError("it broke")
    with pytest.raises(KeyboardInterrupt), RunDir.create("demo", root=tmp_path) as stopped:
        raise KeyboardInterrupt
    assert done.status()["state"] == "done"
    assert done.status()["seconds"] >= 0
    assert failed.status()["error"] == "ValueError: it broke"
    assert failed.status()["state"] == "failed"
    assert stopped.status()["state"] == "interrupted"


def test_a_named_folder_must_not_hold_a_run_already(tmp_path: Path) -> None:
    RunDir.at(tmp_path / "mine")
    with pytest.raises(ConfigError, match="already holds a run"):
        RunDir.at(tmp_path / "mine")


def test_files_stay_inside_the_folder(tmp_path: Path) -> None:
    run = RunDir.create("demo", root=tmp_path)
    assert run.write_text("pictures/a.txt", "µ").read_text(encoding="utf-8") == "µ"
    with pytest.raises(ConfigError, match="leads out of the run folder"):
        run.path("../other.txt")


def test_json_takes_numpy_paths_and_dataclasses_and_turns_nan_to_null(tmp_path: Path) -> None:
    run = RunDir.create("demo", root=tmp_path)
    content = {
        "count": np.int64(3),
        "rates": np.array([0.5, np.nan]),
        "config": Config(1),
        "worst": float("inf"),
    }
    assert json.loads(run.write_json("v.json", content).read_text()) == {
        "count": 3,
        "rates": [0.5, None],
        "config": {"window_us": 1, "path": "a.raw"},
        "worst": None,
    }


def test_a_root_that_is_a_file_is_refused(tmp_path: Path) -> None:
    (tmp_path / "runs").write_text("")
    with pytest.raises(ConfigError, match="Cannot make a run folder"):
        RunDir.create("demo", root=tmp_path / "runs")


def test_a_folder_without_a_run_says_so(tmp_path: Path) -> None:
    with pytest.raises(MissingFileError, match=r"No status\.json"):
        RunDir(tmp_path).status()


def test_versions_name_what_computes() -> None:
    found = versions()
    assert {"saccade", "python", "torch", "numpy", "numba", "platform", "git"} <= found.keys()
    assert found["git"] is None or len(found["git"].removesuffix("-dirty")) == 40
