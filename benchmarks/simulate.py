"""How long does a minute of the simulated world take, and how much memory?

Whole processes of the command line, as a user runs them once the kernels are compiled. Memory is
the largest resident set of the process; the second length shows that it does not grow.

    python benchmarks/simulate.py [--seconds 60]
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from harness import Bench


def run(words: list[str], folder: Path) -> dict[str, Any]:
    """Run ``saccade simulate`` and return wall and CPU seconds, memory, events and bytes."""
    out = folder / "out"
    begin = time.perf_counter()
    process = subprocess.Popen(
        [sys.executable, "-m", "saccade", "simulate", *words, "--out", str(out), "--json"],
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
    )
    assert process.stdout is not None
    answer = process.stdout.read()
    _, status, usage = os.wait4(process.pid, 0)
    wall = time.perf_counter() - begin
    if status:
        raise SystemExit(f"saccade simulate {' '.join(words)} failed")
    report = json.loads(answer)
    report = report[0] if isinstance(report, list) else report
    return {
        "wall_s": round(wall, 1),
        "cpu_s": round(usage.ru_utime + usage.ru_stime, 1),
        "peak_mb": round(usage.ru_maxrss / 1024),
        "events": report.get("events"),
        "written_mb": round(sum(f.stat().st_size for f in out.rglob("*") if f.is_file()) / 1e6),
    }


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--seconds", type=float, default=60.0)
    seconds = parser.parse_args().seconds
    bench = Bench("simulate", "Whole-process time and memory of simulated recordings.", threads=2)
    common = ["--seed", "1", "--size", "346x260", "--jobs", "2"]
    cases = {
        f"stereo driving, {seconds:g} s, 346x260, MVSEC layout with all ground truth": [
            "stereo", "--seconds", f"{seconds:g}", "--layout", "mvsec", *common,
        ],
        f"the same, {seconds / 4:g} s": [
            "stereo", "--seconds", f"{seconds / 4:g}", "--layout", "mvsec", *common,
        ],
        f"two traverses, day and night, {seconds:g} s each, 346x260, EVT3": [
            "traverse", "--seconds", f"{seconds:g}", *common,
        ],
    }  # fmt: skip
    with tempfile.TemporaryDirectory() as folder:
        run(["stereo", "--seconds", "0.3", "--layout", "mvsec", *common], Path(folder))
    for case, words in cases.items():
        with tempfile.TemporaryDirectory() as folder:
            bench.add(case, **run(words, Path(folder)))
    bench.write()


if __name__ == "__main__":
    main()
