"""How long does it take until something happens?

Whole processes: ``import saccade``, ``saccade --help``, the first ``saccade info`` of a machine
(kernels are compiled into an empty cache) and the second (kernels come from the cache).
CPU seconds are user plus system time of the process.
"""

from __future__ import annotations

import os
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from harness import Bench

RECORDING = Path(__file__).parents[1] / "tests" / "data" / "ros_640x480_repacked.raw"
ROUNDS = 9


def once(words: list[str], **environment: str) -> tuple[float, float]:
    """Run Python with these words; return wall and CPU seconds."""
    before, begin = resource.getrusage(resource.RUSAGE_CHILDREN), time.perf_counter()
    subprocess.run(
        [sys.executable, *words],
        env={**os.environ, **environment},
        stdout=subprocess.DEVNULL,
        check=True,
    )
    wall = time.perf_counter() - begin
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return wall, after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def main() -> None:
    bench = Bench("start_up", "Whole-process time of the shortest commands.", ("tyro", "rich"))
    cases = {
        "bare Python": ["-c", "pass"],
        "import numpy": ["-c", "import numpy"],
        "import saccade": ["-c", "import saccade"],
        "saccade --help": ["-m", "saccade", "--help"],
        "saccade info, second run": ["-m", "saccade", "info", str(RECORDING)],
    }
    runs = {name: [once(words) for _ in range(ROUNDS + 1)][1:] for name, words in cases.items()}
    bare = statistics.median(wall for wall, _ in runs["bare Python"])
    for name, times in runs.items():
        wall = statistics.median(value for value, _ in times)
        bench.add(
            name,
            wall_s=round(wall, 3),
            wall_s_over_bare_python=round(wall - bare, 3),
            cpu_s=round(statistics.median(value for _, value in times), 3),
            wall_s_min=round(min(value for value, _ in times), 3),
        )
    first = []
    for _ in range(3):
        with tempfile.TemporaryDirectory() as cache:
            first.append(once(cases["saccade info, second run"], NUMBA_CACHE_DIR=cache))
    bench.add(
        "saccade info, first run, kernels compiled",
        wall_s=round(statistics.median(wall for wall, _ in first), 3),
        cpu_s=round(statistics.median(cpu for _, cpu in first), 3),
    )
    bench.write()


if __name__ == "__main__":
    main()
