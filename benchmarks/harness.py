"""Interleaved timing of rivals in one process, and the JSON record of it.

``compare`` runs every candidate once per round, in a rotating order, so that a drift of the machine
falls on all of them alike. Quoted figures are medians over rounds; ratios are medians of the
per-round ratios against the named candidate.
"""

from __future__ import annotations

import gc
import importlib.metadata
import json
import os
import platform
import statistics
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

RESULTS = Path(__file__).parent / "results"


def machine() -> dict[str, Any]:
    """Return what kind of machine this is, without its name."""
    model = platform.processor()
    info = Path("/proc/cpuinfo")
    if info.exists():
        lines = [line for line in info.read_text().splitlines() if line.startswith("model name")]
        model = lines[0].split(":", 1)[1].strip() if lines else model
    return {"cpu": model, "cores": os.cpu_count(), "system": platform.system()}


def versions(*packages: str) -> dict[str, str]:
    """Return installed versions; absent packages are left out."""
    found = {"python": platform.python_version()}
    for package in ("numpy", "numba", "torch", *packages):
        try:
            found[package] = importlib.metadata.version(package)
        except importlib.metadata.PackageNotFoundError:
            continue
    return found


def commit() -> str:
    """Return the commit of the checkout, with ``+`` where files differ from it."""
    run = {"cwd": Path(__file__).parent, "capture_output": True, "text": True, "check": False}
    head = subprocess.run(["git", "rev-parse", "--short", "HEAD"], **run).stdout.strip()
    dirty = subprocess.run(["git", "status", "--porcelain", "--", "../src"], **run).stdout.strip()
    return head + ("+" if dirty else "")


class Bench:
    """Collects the rows of one question and writes ``results/<name>.json``.

    Args:
        name: File name of the result.
        question: What is measured, in one sentence.
        packages: Rival packages whose versions belong in the record.
        threads: Number of threads all candidates may use.
    """

    def __init__(self, name: str, question: str, packages: tuple[str, ...] = (), threads: int = 1):
        self.name = name
        self.record: dict[str, Any] = {
            "question": question,
            "command": f"python benchmarks/{Path(sys.argv[0]).name} " + " ".join(sys.argv[1:]),
            "commit": commit(),
            "machine": machine(),
            "threads": threads,
            "versions": versions(*packages),
            "rows": [],
        }

    def compare(
        self,
        case: str,
        candidates: dict[str, Callable[[], Any]],
        *,
        rounds: int = 7,
        warmup: int = 1,
        ours: str = "saccade",
        units: float | None = None,
        unit: str = "",
        **facts: Any,
    ) -> dict[str, float]:
        """Time the candidates and add a row; return the median seconds of each.

        Args:
            case: What this row is.
            candidates: Label -> function without arguments.
            rounds: Timed rounds.
            warmup: Untimed rounds before.
            ours: The candidate the others are divided by.
            units: Amount of work per call, for a rate (events, elements, bytes).
            unit: Its name, e.g. ``"events"``.
            facts: Anything else that belongs in the row.
        """
        times: dict[str, list[float]] = {label: [] for label in candidates}
        order = list(candidates)
        for turn in range(-warmup, rounds):
            for label in order[turn % len(order) :] + order[: turn % len(order)]:
                gc.collect()
                begin = time.perf_counter()
                result = candidates[label]()
                elapsed = time.perf_counter() - begin
                del result
                if turn >= 0:
                    times[label].append(elapsed)
        medians = {label: statistics.median(values) for label, values in times.items()}
        row: dict[str, Any] = {"case": case, "rounds": rounds, **facts, "seconds": {}, "ratio": {}}
        for label, values in times.items():
            row["seconds"][label] = {
                "median": medians[label],
                "min": min(values),
                "max": max(values),
            }
            if ours in times:
                pairs = zip(values, times[ours], strict=True)
                row["ratio"][label] = statistics.median(a / b for a, b in pairs)
        if units is not None:
            row["rate_per_s"] = {label: units / value for label, value in medians.items()}
            row["unit"] = unit
        self.record["rows"].append(row)
        self._tell(row)
        return medians

    def add(self, case: str, **facts: Any) -> None:
        """Add a row that was not timed here (memory, accuracy, start-up)."""
        self.record["rows"].append({"case": case, **facts})
        print(f"{case}: {facts}", flush=True)

    def write(self) -> Path:
        """Write the record under a temporary name, then rename."""
        RESULTS.mkdir(exist_ok=True)
        path = RESULTS / f"{self.name}.json"
        part = path.with_suffix(".part")
        part.write_text(json.dumps(self.record, indent=1) + "\n")
        part.replace(path)
        print(f"wrote {path.relative_to(RESULTS.parent)}", flush=True)
        return path

    @staticmethod
    def _tell(row: dict[str, Any]) -> None:
        print(row["case"], flush=True)
        for label, seconds in row["seconds"].items():
            ratio = row["ratio"].get(label)
            rate = row.get("rate_per_s", {}).get(label)
            print(
                f"  {label:28s} {seconds['median'] * 1e3:10.3f} ms"
                + (f"  x{ratio:8.2f}" if ratio is not None else "")
                + (f"  {rate / 1e6:10.1f} M {row['unit']}/s" if rate is not None else ""),
                flush=True,
            )
