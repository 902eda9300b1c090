"""How fast are event files decoded, and how much memory does a long one need?

The synthetic recording: 1280x720, 5 M events/s, three quarters of the events in horizontal runs of
4 to 12 pixels (8 on average), the rest single. Files lie in the page cache; everything is decoded
by one thread into fresh arrays. Each candidate's events are compared with the source first; one
that gets them wrong is timed but marked. ``copy`` copies finished arrays of the same 13 bytes per
event into fresh ones: no decoder can be faster than its writes.

    OMP_NUM_THREADS=1 python benchmarks/decode.py [--events 10_000_000] [--long-bytes 1_000_000_000]
"""

from __future__ import annotations

import argparse
import importlib
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np

from harness import Bench
from saccade.events.io import inspect, save
from saccade.events.types import Events, SensorSize

SIZE = SensorSize(height=720, width=1280)
RATE_PER_S = 5e6
TARGETS = {"evt2": 146e6, "evt3": 44e6, "dat": 163e6}
PACKET_TARGET = 218e6
PACKET_EVENTS = 1 << 16

MEMORY = """
import sys
from saccade.events.io import evt2, stream

def peak_mb():  # VmHWM starts anew with the process; ru_maxrss would inherit the parent's
    lines = open("/proc/self/status").read().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("VmHWM")) * 1024 / 1e6

before = peak_mb()
events = sum(len(packet) for packet in stream(sys.argv[1]))
print(events, before, peak_mb() - before)
"""


def recording(count: int, seed: int = 0) -> Events:
    """Return the synthetic recording of the module's docstring."""
    rng = np.random.default_rng(seed)
    run_share = (0.75 / 8) / (0.25 + 0.75 / 8)
    groups = int(count * (0.25 + 0.75 / 8) * 1.02)
    lengths = np.where(rng.random(groups) < run_share, rng.integers(4, 13, groups), 1)
    group = np.repeat(np.arange(groups), lengths)[:count]
    assert group.size == count
    step = np.arange(count) - (np.cumsum(lengths) - lengths)[group]
    t = np.sort(rng.integers(0, int(count / RATE_PER_S * 1e6), groups))
    return Events(
        rng.integers(0, SIZE.width - 12, groups)[group] + step,
        rng.integers(0, SIZE.height, groups)[group],
        t[group],
        rng.integers(0, 2, groups)[group],
        SIZE,
    )


def rival(name: str) -> Any:
    """Return a library, or None and say so."""
    try:
        return importlib.import_module(name)
    except ImportError:
        print(f"{name} is not installed: left out")
        return None


def whole_file(path: Path, kind: str) -> dict[str, Callable[[], Any]]:
    """Return the candidates that decode a whole file."""
    candidates: dict[str, Callable[[], Any]] = {"saccade": lambda: inspect(path).read()}
    expelliarmus, faery = rival("expelliarmus"), rival("faery")
    if expelliarmus is not None:
        wizard = expelliarmus.Wizard(encoding=kind)
        candidates["expelliarmus"] = lambda: wizard.read(path)
    if faery is not None:
        candidates["faery to_array"] = lambda: faery.events_stream_from_file(path).to_array()
    return candidates


def packet_wise(path: Path, kind: str) -> dict[str, Callable[[], Any]]:
    """Return the candidates that go through a file in packets and keep none."""

    def through(packets: Callable[[], Any]) -> Callable[[], int]:
        return lambda: sum(len(packet) for packet in packets())

    candidates = {"saccade": through(lambda: inspect(path).packets(PACKET_EVENTS))}
    expelliarmus, faery = rival("expelliarmus"), rival("faery")
    if expelliarmus is not None:

        def chunks() -> Iterator[Any]:
            wizard = expelliarmus.Wizard(encoding=kind, fpath=path, chunk_size=PACKET_EVENTS)
            return wizard.read_chunk()

        candidates["expelliarmus"] = through(chunks)
    if faery is not None:
        candidates["faery"] = through(lambda: faery.events_stream_from_file(path))
    return candidates


def wrong_share(found: Any, truth: Events) -> dict[str, float]:
    """Return the share of wrong values per column; an empty dict where all are exact."""
    columns = {
        name: np.asarray(getattr(found, name) if isinstance(found, Events) else found[name])
        for name in "xytp"
    }
    if len(columns["t"]) != len(truth):
        return {"count": abs(len(columns["t"]) - len(truth)) / len(truth)}
    shares = {
        name: float(np.mean(column.astype(np.int64) != getattr(truth, name).astype(np.int64)))
        for name, column in columns.items()
    }
    return {name: share for name, share in shares.items() if share}


def compare_format(bench: Bench, kind: str, folder: Path, truth: Events, rounds: int) -> None:
    """Add the rows of one format."""
    path = save(truth, folder / f"recording.{'dat' if kind == 'dat' else 'raw'}", format=kind)
    candidates = whole_file(path, kind)
    wrong = {label: wrong_share(decode(), truth) for label, decode in candidates.items()}
    for label, shares in wrong.items():
        print(f"{kind} {label}: " + (f"WRONG {shares}" if shares else "exact"))
    assert not wrong["saccade"], wrong["saccade"]
    copy = {"copy": lambda: [getattr(truth, name).copy() for name in "xytp"]}
    facts = {"wrong_share": wrong, "file_mb": path.stat().st_size / 1e6}
    medians = bench.compare(
        f"{kind}: whole file to fresh arrays",
        candidates | copy,
        rounds=rounds,
        units=len(truth),
        unit="events",
        target_per_s=TARGETS[kind],
        **facts,
    )
    bench.record["rows"][-1]["share_of_copy_limit"] = medians["copy"] / medians["saccade"]
    print(f"  share of the copy limit: {medians['copy'] / medians['saccade']:.2f}")
    bench.compare(
        f"{kind}: packets of {PACKET_EVENTS:,} events, none kept",
        packet_wise(path, kind),
        rounds=rounds,
        units=len(truth),
        unit="events",
        target_per_s=PACKET_TARGET if kind == "evt2" else None,
        file_mb=facts["file_mb"],
    )
    path.unlink()


def long_file(bench: Bench, folder: Path, truth: Events, long_bytes: int) -> None:
    """Add the row on memory: peak resident set through a long EVT2 file, over the imports."""
    copies = max(1, round(long_bytes / (4 * len(truth))))
    step = int(truth.t[-1]) + 1
    path = folder / "long.raw"

    def pieces() -> Iterator[Events]:
        for k in range(copies):
            t = truth.t + k * step
            yield Events(truth.x, truth.y, t, truth.p, SIZE, check=False)

    save(pieces(), path, format="evt2", size=SIZE)
    size = path.stat().st_size
    command = [sys.executable, "-c", MEMORY, str(path)]
    subprocess.run(command, check=True, capture_output=True)  # compiles into the cache
    answer = subprocess.run(command, check=True, capture_output=True, text=True).stdout.split()
    assert int(answer[0]) == copies * len(truth)
    path.unlink()
    bench.add(
        "evt2: peak resident memory through a long file, in packets",
        file_mb=size / 1e6,
        events=int(answer[0]),
        imports_mb=float(answer[1]),
        over_imports_mb=float(answer[2]),
        target_mb=100,
    )


def main() -> None:
    """Run and write ``results/decode.json``."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--events", type=int, default=10_000_000)
    parser.add_argument("--long-bytes", type=int, default=1_000_000_000)
    parser.add_argument("--rounds", type=int, default=7)
    options = parser.parse_args()
    bench = Bench(
        "decode",
        "How fast are EVT2, EVT3 and DAT decoded, exactly, by one thread?",
        packages=("expelliarmus", "faery"),
    )
    truth = recording(options.events)
    with tempfile.TemporaryDirectory() as folder:
        for kind in ("evt2", "evt3", "dat"):
            compare_format(bench, kind, Path(folder), truth, options.rounds)
        long_file(bench, Path(folder), truth, options.long_bytes)
    bench.write()


if __name__ == "__main__":
    main()
