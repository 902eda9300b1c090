"""A training that is killed outright goes on as if nothing had happened."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from pathlib import Path

import pytest
from mock_sets import PlaceSets, say

EPOCHS = 10


@pytest.mark.slow
def test_killed_run_goes_on_to_the_same_bytes(place_sets: PlaceSets, tmp_path: Path) -> None:
    epochs = ("--epochs", str(EPOCHS), "--validate-every", "3", "--out", tmp_path)
    words = place_sets.words("train", "nsavp", *epochs)
    log = tmp_path / "killed" / "log.jsonl"
    command = [sys.executable, "-m", "saccade", *words, "--name", "killed"]
    with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as process:
        while process.poll() is None and not (log.exists() and log.read_text().count("\n") >= 2):
            time.sleep(0.005)
        process.kill()
    assert process.returncode != 0
    assert 2 <= len(log.read_text().splitlines()) < EPOCHS
    assert not (tmp_path / "killed" / "weights.safetensors").exists()
    told = say(*words, "--name", "killed", "--resume", "--json")
    assert told.code == 0, told.err
    assert json.loads(told.out)["epochs"] == EPOCHS
    assert say(*words, "--name", "whole").code == 0
    runs = [tmp_path / name for name in ("killed", "whole")]
    assert len({(run / "weights.safetensors").read_bytes() for run in runs}) == 1
    logs = [(run / "log.jsonl").read_text().splitlines() for run in runs]
    losses = [[json.loads(row)["loss"] for row in rows] for rows in logs]
    assert losses[0] == losses[1] and len(losses[0]) == EPOCHS
