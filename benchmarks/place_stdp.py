"""How fast do the engines of modular STDP networks run, against Brian2?

One module of 784 inputs, 400 excitatory and 400 inhibitory neurons, steps of 0.1 ms, tau_gi 0.5 ms.
Every candidate sees the same input spikes of random smooth images for 350 ms, on one thread. Brian2
(cython) and the exact engine then pause for 150 ms, as published; the fast engine begins every
image from rest and needs no pause. Spikes of Brian2 and of the exact engine are compared on the
first image. First images are timed in processes of their own, with empty and with filled caches.
Then: a query over 2,700 places, 108 modules, in the fast engine on 1 and 2 threads; and how well
the fast engine agrees with the exact one, in spike counts and in places recognised.

    make .venv-bench-brian2/.rivals
    OMP_NUM_THREADS=1 .venv-bench-brian2/bin/python -W ignore benchmarks/place_stdp.py [--rounds 5]
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np
from numpy.typing import NDArray

from harness import Bench
from saccade.tasks.place_stdp.assignment import answers, assign, scores
from saccade.tasks.place_stdp.config_network import NetworkConfig
from saccade.tasks.place_stdp.exact import ExactEngine
from saccade.tasks.place_stdp.fast import FastGroup, FastLearner
from saccade.tasks.place_stdp.network import Network, State, draw_delays, normalised
from saccade.tasks.place_stdp.spikes import Raster, poisson_raster

PUBLISHED = NetworkConfig.published(start_ms=0.0)
NATIVE = NetworkConfig()
STEPS, PAUSE = NATIVE.steps(NATIVE.input_ms), NATIVE.steps(NATIVE.rest_ms)
TARGET = NATIVE.column_target
SIDE, MODULES, PLACES = 28, 108, 25
TARGET_QUERY_MS, TARGET_TRAINING_MS = 450, 17

Show = Callable[[Raster], Any]


def smooth_images(count: int, seed: int) -> NDArray[np.float64]:
    """Return random images of 28x28 that vary over some pixels, 0 to 1, flat: ``[count, 784]``."""
    rng = np.random.default_rng(seed)
    across = np.fft.fftfreq(SIDE)
    keep = np.exp(-((across[:, None] ** 2 + across**2) / (2 * 0.08**2)))
    noise = np.fft.fft2(rng.standard_normal((count, SIDE, SIDE)))
    smooth = np.fft.ifft2(noise * keep).real.reshape(count, -1)
    smooth = (smooth - smooth.mean(1, keepdims=True)) / smooth.std(1, keepdims=True)
    return (np.clip(smooth, -1, 1) + 1) / 2


def spikes_of(image: NDArray[np.float64], rng: np.random.Generator) -> Raster:
    """Return Poisson spikes of an image, at most 63.75 per second and input."""
    return poisson_raster(63.75 * image, STEPS, NATIVE.dt_ms, rng)


def exact_show(network: Network, *, learn: bool) -> Show:
    """Return a function that shows an image to the exact engine as published, with the pause."""
    engine = ExactEngine(network)

    def show(inputs: Raster) -> Raster:
        if learn:
            engine.normalise(TARGET)
        spikes = engine.run(inputs, learn=learn).excitatory
        engine.run(Raster.empty(PAUSE), learn=learn)
        return spikes

    return show


def brian_show(network: Network, *, learn: bool) -> Show:
    """Return the same for Brian2."""
    from brian2_module import BrianModule

    module = BrianModule(network, learn=learn)

    def show(inputs: Raster) -> Raster:
        if learn:
            module.normalise(TARGET)
        spikes = module.show(inputs)
        module.show(Raster.empty(PAUSE))
        return spikes

    return show


def fast_show(network: Network, *, learn: bool) -> Show:
    """Return the same for the fast engine, from rest and without a pause."""
    if not learn:
        return FastGroup([network]).counts
    learner = FastLearner(network)

    def show(inputs: Raster) -> NDArray[np.int32]:
        learner.normalise(TARGET)
        return learner.show(inputs)

    return show


def candidates(learn: bool) -> dict[str, Show]:
    """Return a function of each engine that shows one image to a network that fires."""
    start = Network.fresh(PUBLISHED, np.random.default_rng(0))
    start.weights[:] = normalised(start.weights, TARGET)
    native = Network(NATIVE, start.weights, start.delays, start.theta)
    return {
        "saccade, fast": fast_show(native, learn=learn),
        "saccade, exact": exact_show(start, learn=learn),
        "Brian2": brian_show(start, learn=learn),
    }


def measure_images(bench: Bench, rounds: int) -> None:
    """Add the rows on training and on testing one image."""
    images = smooth_images(1, 1)
    inputs = spikes_of(images[0], np.random.default_rng(0))
    for learn in (True, False):
        shows = candidates(learn)
        exact, brian = (shows[name](inputs) for name in ("saccade, exact", "Brian2"))
        both = [set(zip(r.neuron.tolist(), r.step.tolist(), strict=True)) for r in (exact, brian)]
        shared = len(both[0] & both[1]) / max(1, len(both[0] | both[1]))
        bench.compare(
            f"{'training' if learn else 'test'}, one image, one module",
            {name: lambda show=show: show(inputs) for name, show in shows.items()},
            rounds=rounds,
            ours="saccade, fast",
            input_spikes=len(inputs),
            output_spikes_of_the_first_image=len(exact),
            share_of_spikes_of_brian2_and_exact_that_agree=shared,
        )
    bench.record["rows"][0]["target_ms"] = TARGET_TRAINING_MS


def first_image(name: str) -> None:
    """Print the seconds until an engine has learned from, and answered, its first image."""
    if name == "Brian2":
        from brian2 import prefs

        prefs.codegen.target = "cython"
        prefs.codegen.runtime.cython.cache_dir = os.environ["NUMBA_CACHE_DIR"]
    make = {"Brian2": brian_show, "saccade, exact": exact_show, "saccade, fast": fast_show}[name]
    config = NATIVE if name == "saccade, fast" else PUBLISHED
    inputs = spikes_of(smooth_images(1, 1)[0], np.random.default_rng(0))
    begin = time.perf_counter()
    for learn in (True, False):
        make(Network.fresh(config, np.random.default_rng(0)), learn=learn)(inputs)
    print(time.perf_counter() - begin)


def measure_first(bench: Bench) -> None:
    """Add the row on what the first image costs, in new processes."""
    for name in ("saccade, fast", "saccade, exact", "Brian2"):
        with tempfile.TemporaryDirectory() as folder:
            seconds = [
                float(
                    subprocess.run(
                        [sys.executable, "-W", "ignore", __file__, "--first", name],
                        env={**os.environ, "NUMBA_CACHE_DIR": folder, "OMP_NUM_THREADS": "1"},
                        check=True,
                        capture_output=True,
                        text=True,
                    ).stdout.split()[-1]
                )
                for _ in range(2)
            ]
        bench.add(
            f"first image trained and tested: {name}",
            with_empty_caches_s=seconds[0],
            with_filled_caches_s=seconds[1],
        )


def measure_query(bench: Bench, rounds: int) -> None:
    """Add the row on one query over all places."""
    rng = np.random.default_rng(0)
    delays = draw_delays(NATIVE, rng)
    learner = FastLearner(Network.fresh(NATIVE, rng, delays=delays))
    for image in smooth_images(PLACES, 2):  # weights and thresholds of a network that has learned
        learner.normalise(TARGET)
        learner.show(spikes_of(image, rng))
    trained = learner.network()
    others = (rng.permuted(trained.weights, axis=1) for _ in range(MODULES))
    group = FastGroup([Network(NATIVE, weights, delays, trained.theta) for weights in others])
    inputs = spikes_of(smooth_images(1, 3)[0], rng)

    def query(pool: ThreadPoolExecutor) -> NDArray[np.int32]:
        parts = pool.map(lambda part: group.part_counts(part, inputs), range(group.parts))
        return np.concatenate(list(parts))

    pools = {threads: ThreadPoolExecutor(threads) for threads in (1, 2)}
    spikes = int(query(pools[1]).sum())
    bench.compare(
        f"one query over {MODULES * PLACES:,} places, {MODULES} modules",
        {f"saccade, fast, threads: {threads}": lambda pool=pool: query(pool)
         for threads, pool in pools.items()},
        rounds=rounds,
        ours="saccade, fast, threads: 1",
        target_ms_on_2_threads=TARGET_QUERY_MS,
        output_spikes=spikes,
    )  # fmt: skip
    for pool in pools.values():
        pool.shutdown()


def exact_counts(network: Network, inputs: Raster) -> NDArray[np.int32]:
    """Return the spikes of every neuron in the exact engine, from rest."""
    response = ExactEngine(network, State.rest(network.config)).run(inputs, learn=False)
    return response.excitatory.counts(network.config.n_e)


def fast_counts(network: Network, inputs: Raster) -> NDArray[np.int32]:
    """Return the same in the fast engine."""
    return FastGroup([network]).counts(inputs)[0]


def train(engine: str, start: Network, rasters: list[Raster]) -> Network:
    """Return a module after all images, in their order, each from rest."""
    learner = FastLearner(start) if engine == "fast" else ExactEngine(start)
    for inputs in rasters:
        learner.normalise(TARGET)
        if isinstance(learner, FastLearner):
            learner.show(inputs)
        else:
            learner.state = State.rest(start.config)
            learner.run(inputs, learn=True)
    return learner.network()


def measure_agreement(bench: Bench, seeds: int, epochs: int, modules: int = 2) -> None:
    """Add the rows on how far the fast engine stands for the exact one."""
    recalls: dict[str, list[float]] = {"fast": [], "exact": []}
    alike: list[float] = []
    for seed in range(seeds):
        rng = np.random.default_rng(seed)
        images = smooth_images(modules * PLACES, 100 + seed)
        noisy = np.clip(images + 0.25 * rng.standard_normal(images.shape), 0, 1)
        delays = draw_delays(NATIVE, rng)
        starts = [Network.fresh(NATIVE, rng, delays=delays) for _ in range(modules)]
        lessons = [
            [spikes_of(images[m * PLACES + k], rng)
             for _ in range(epochs) for k in rng.permutation(PLACES)]
            for m in range(modules)
        ]  # fmt: skip
        shown = [spikes_of(image, rng) for image in images]
        asked = [spikes_of(image, rng) for image in noisy]
        for engine, counts in (("fast", fast_counts), ("exact", exact_counts)):
            parts = []
            for m, (start, rasters) in enumerate(zip(starts, lessons, strict=True)):
                network = train(engine, start, rasters)
                own = [counts(network, one) for one in shown[m * PLACES : (m + 1) * PLACES]]
                found = np.array([counts(network, one) for one in asked])
                parts.append(scores(found, assign(own, range(PLACES)), readout="weighted"))
                if engine == "exact":
                    other = np.array([fast_counts(network, one) for one in asked])
                    alike.append(float(np.corrcoef(found.ravel(), other.ravel())[0, 1]))
            best = answers(np.concatenate(parts, axis=1))
            recalls[engine].append(float(np.mean(best == np.arange(len(images)))))
    differences = np.subtract(recalls["fast"], recalls["exact"])
    bench.add(
        f"fast engine beside exact, {modules} modules of {PLACES} noisy images, {epochs} epochs",
        correlation_of_spike_counts=[min(alike), float(np.mean(alike))],
        recall_at_1_fast=recalls["fast"],
        recall_at_1_exact=recalls["exact"],
        mean_difference=float(differences.mean()),
        largest_difference=float(np.abs(differences).max()),
    )


def main() -> None:
    """Run and write ``results/place_stdp.json``."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--epochs", type=int, default=6)
    parser.add_argument(
        "--no-first", action="store_true", help="leave out first images: Brian2 compiles for long"
    )
    parser.add_argument("--first", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.first:
        first_image(options.first)
        return
    from brian2 import prefs

    prefs.codegen.target = "cython"
    question = "How fast do the engines of modular STDP networks run, against Brian2?"
    bench = Bench("place_stdp", question, ("brian2", "cython"))
    measure_images(bench, options.rounds)
    measure_query(bench, options.rounds)
    measure_agreement(bench, options.seeds, options.epochs)
    if not options.no_first:
        measure_first(bench)
    bench.write()


if __name__ == "__main__":
    main()
