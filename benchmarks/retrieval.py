"""How fast and in how much memory are large banks searched, frames compared, sequences matched?

Banks: 10 000 queries and 10 000 references of 4096 numbers, float32, the 25 best references of
each query. The rival is what one writes in NumPy: normalise, one float32 product, ``argpartition``,
sort. Ours sums in float64, so that equal references tie wherever they stand; ``limit`` is the bare
float64 product of blocks of the same size, which no exact search in float64 can beat. Memory is the
peak of a process of its own over what it holds before the search (imports and banks).

    OMP_NUM_THREADS=1 python benchmarks/retrieval.py [--rows 10000] [--rounds 3]
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from harness import Bench
from saccade.retrieval import plain_sequence_scores, rank, sequence_scores
from saccade.traverses.baselines import sum_of_absolute_differences

DIMENSIONS, BEST, TARGET_MB, BLOCK = 4096, 25, 1000, 512
THREADS = int(os.environ.get("OMP_NUM_THREADS", "1"))

Floats = NDArray[np.float32]


def banks(rows: int, seed: int = 0) -> tuple[Floats, Floats]:
    """Return queries and references; each query is a noisy reference."""
    rng = np.random.default_rng(seed)
    references = rng.standard_normal((rows, DIMENSIONS), dtype=np.float32)
    queries = rng.standard_normal((rows, DIMENSIONS), dtype=np.float32)
    queries += references
    return queries, references


def ours(queries: Floats, references: Floats) -> NDArray[np.int64]:
    """Return the indices of the best references by `rank`."""
    return rank(queries, references, n=BEST).indices


def dense(queries: Floats, references: Floats) -> NDArray[np.int64]:
    """Return the same by NumPy: the whole matrix, then a partial sort."""
    left = queries / np.linalg.norm(queries, axis=1, keepdims=True)
    right = references / np.linalg.norm(references, axis=1, keepdims=True)
    scores = left @ right.T
    some = np.argpartition(-scores, BEST, axis=1)[:, :BEST]
    order = np.argsort(-np.take_along_axis(scores, some, axis=1), axis=1)
    return np.take_along_axis(some, order, axis=1)


def product(rows: int) -> Callable[[], Any]:
    """Return the bare float64 product, as many times as the search has pairs of blocks."""
    rng = np.random.default_rng(0)
    left, right = rng.random((BLOCK, DIMENSIONS)), rng.random((BLOCK, DIMENSIONS))
    pairs = (rows / BLOCK) ** 2

    def run() -> None:
        for _ in range(round(pairs)):
            left @ right.T

    return run


METHODS: dict[str, Callable[[Floats, Floats], NDArray[np.int64]]] = {
    "saccade": ours,
    "numpy dense + argpartition": dense,
}


def peak_mb() -> float:
    """Return the largest resident set of this process so far."""
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("VmHWM")) * 1024 / 1e6


def search_alone(method: str, rows: int) -> None:
    """Print how far the peak rises over imports and banks; run in a process of its own."""
    tiny = banks(BEST + 1)
    METHODS[method](*tiny)
    pair = banks(rows)
    before = peak_mb()
    METHODS[method](*pair)
    print(peak_mb() - before)


def measure_banks(bench: Bench, rows: int, rounds: int) -> None:
    """Add the rows on large banks."""
    pair = banks(rows)
    found = {label: method(*pair) for label, method in METHODS.items()}
    same = float(np.mean(found["saccade"] == found["numpy dense + argpartition"]))
    flops = 2.0 * rows * rows * DIMENSIONS
    candidates: dict[str, Callable[[], Any]] = {
        label: (lambda method=method: method(*pair)) for label, method in METHODS.items()
    }
    candidates["limit"] = product(rows)
    medians = bench.compare(
        f"the {BEST} best of {rows:,} references for {rows:,} queries, {DIMENSIONS}-D float32",
        candidates,
        rounds=rounds,
        warmup=0,
        units=flops,
        unit="flop",
        flop=flops,
        input_mb=2 * pair[0].nbytes / 1e6,
        input_read_mb=pair[0].nbytes / 1e6 * (1 + -(-rows // BLOCK)),
        output_mb=rows * BEST * 12 / 1e6,
        indices_equal_to_rival=same,
    )
    bench.record["rows"][-1]["share_of_limit"] = medians["limit"] / medians["saccade"]
    for label in METHODS:
        command = [sys.executable, __file__, "--alone", label, "--rows", str(rows)]
        answer = subprocess.run(command, check=True, capture_output=True, text=True).stdout
        bench.add(
            f"peak memory over imports and banks: {label}",
            over_inputs_mb=float(answer),
            score_matrix_mb=rows * rows * 4 / 1e6,
            target_mb=TARGET_MB,
        )


def measure_frames(bench: Bench, rounds: int) -> None:
    """Add the row on sums of absolute differences."""
    rng = np.random.default_rng(0)
    frames = rng.poisson(0.3, (2, 500, 2, 65, 87)).astype(np.float32)
    flat = [torch.from_numpy(side.reshape(len(side), -1)) for side in frames]

    def rival() -> NDArray[np.float32]:
        sums = torch.cdist(flat[0], flat[1], p=1).numpy()
        return 1 - sums / sums.max()

    worst = float(np.abs(sum_of_absolute_differences(*frames) - rival()).max())
    bench.compare(
        "SAD of 500 x 500 frames of 2x65x87",
        {"saccade": lambda: sum_of_absolute_differences(*frames), "torch.cdist p=1": rival},
        rounds=rounds,
        units=500 * 500 * flat[0].shape[1],
        unit="differences",
        largest_deviation=worst,
    )


def measure_sequences(bench: Bench, rounds: int) -> None:
    """Add the row on sequence matching."""
    scores = np.random.default_rng(0).random((2_000, 2_000), dtype=np.float32)
    plain, fast = plain_sequence_scores(scores, 10), sequence_scores(scores, 10)
    assert np.array_equal(plain, fast)
    bench.compare(
        "sequences of 10 in 2,000 x 2,000 scores, 5 speeds, both directions",
        {
            "saccade": lambda: sequence_scores(scores, 10),
            "numpy": lambda: plain_sequence_scores(scores, 10),
        },
        rounds=rounds,
        units=scores.size,
        unit="scores",
        input_mb=scores.nbytes / 1e6,
        output_mb=fast.nbytes / 1e6,
        equal_to_the_bit=True,
    )


def main() -> None:
    """Run and write ``results/retrieval.json``."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, default=10_000)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--alone", choices=METHODS, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.alone:
        search_alone(options.alone, options.rows)
        return
    torch.set_num_threads(THREADS)
    bench = Bench(
        "retrieval",
        "How fast and in how much memory are banks searched, frames compared, sequences matched?",
        threads=THREADS,
    )
    measure_banks(bench, options.rows, options.rounds)
    measure_frames(bench, options.rounds)
    measure_sequences(bench, options.rounds)
    bench.write()


if __name__ == "__main__":
    main()
