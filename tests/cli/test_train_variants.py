"""The command line trains on several processes, and in lower precision."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

SMOKE = ("--recipe", "smoke", "--epochs", "1", "--seed", "1")


@pytest.fixture(scope="module")
def stills(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("stills") / "stills.npz"
    a = np.random.default_rng(0).integers(0, 255, (48, 16, 32), np.uint8)
    np.savez(path, a=a, b=255 - a)
    return path


def loss(stills: Path, out: Path, *words: str, launcher: tuple[str, ...] = ()) -> float:
    """Train for an epoch in processes of their own; return its mean loss."""
    command = [sys.executable, "-m", *launcher, *(("-m",) if launcher else ()), "saccade"]
    command += ["train", "place", *SMOKE, "--root", str(stills), "--out", str(out), *words]
    done = subprocess.run(
        [*command, "--name", "run"], capture_output=True, text=True, check=False,
        env={**os.environ, "OMP_NUM_THREADS": "1"},
    )  # fmt: skip
    assert done.returncode == 0, done.stderr[-2000:]
    return float(json.loads((out / "run" / "log.jsonl").read_text().splitlines()[-1])["loss"])


@pytest.fixture(scope="module")
def plain(stills: Path, tmp_path_factory: pytest.TempPathFactory) -> float:
    return loss(stills, tmp_path_factory.mktemp("plain"))


@pytest.mark.slow
def test_two_processes_have_the_loss_of_one(stills: Path, tmp_path: Path, plain: float) -> None:
    launcher = ("torch.distributed.run", "--nproc-per-node", "2")
    assert loss(stills, tmp_path, launcher=launcher) == pytest.approx(plain, rel=1e-5)


@pytest.mark.slow
@pytest.mark.parametrize("precision", ["bfloat16", "float16"])
def test_lower_precision_trains(stills: Path, tmp_path: Path, plain: float, precision: str) -> None:
    lower = loss(stills, tmp_path, "--precision", precision)
    assert lower != plain
    assert lower == pytest.approx(plain, rel=0.2)  # float16 leaves out steps until its scale fits
