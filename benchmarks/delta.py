"""How fast does the delta rule learn places and answer queries, against its published form?

Training: 500 places of 28x28, 784-1568-500, two traverses, 4 epochs: 4,000 steps of the feature
layer and 4,000 of the output layer. The rival is the published update, dense outer products in
plain torch, with the same quirks; both make the same steps from the same weights, and what they
learn is compared. The rival's whole training is scaled from the steps that were timed; ours is also
timed as a whole. Queries: colour images of 200x320, from bytes to the best place; the rival does
what is published (gamma, bilinear resize, patch normalisation, two products) one image at a time.
All on one thread, except where a row says otherwise.

    OMP_NUM_THREADS=1 python benchmarks/delta.py [--steps 40] [--rounds 3]
"""

from __future__ import annotations

import argparse
import math
import os
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional

from harness import Bench
from saccade.tasks.place_stdp.config_delta import PUBLISHED, DeltaConfig
from saccade.tasks.place_stdp.delta import DeltaModel
from saccade.tasks.place_stdp.delta_kernels import learn
from saccade.tasks.place_stdp.delta_layer import DeltaLayer
from saccade.tasks.place_stdp.delta_quantised import quantise
from saccade.tasks.place_stdp.delta_rule import Rule, feature_rule, output_rule
from saccade.tasks.place_stdp.preprocess import Preprocess, prepare

SIDE, PLACES, TRAVERSES, QUERIES = 28, 500, 2, 256
HEIGHT, WIDTH = 200, 320
CORES = os.cpu_count() or 1
TARGET_RATIO, TARGET_QUERIES_PER_S = 10, 1_000
PUBLISHED_CONFIG = PUBLISHED["vprtempo"]

Floats = NDArray[np.float32]


class DenseLayer:
    """The published update in plain torch: every step builds whole matrices.

    Args:
        layer: Where weights, signs and thresholds begin.
        rule: Of the layer; quirks are those of VPRTempo.
    """

    def __init__(self, layer: DeltaLayer, rule: Rule) -> None:
        self.w = torch.from_numpy(layer.weights.copy())
        self.excites = torch.from_numpy(layer.signs > 0)
        self.inhibits = torch.from_numpy(layer.signs < 0)
        self.thresholds = torch.from_numpy(layer.thresholds.copy())
        self.rates = torch.from_numpy(layer.rates)
        self.rule, self.eta, self.eta_ip = (
            rule,
            PUBLISHED_CONFIG.eta_stdp,
            PUBLISHED_CONFIG.eta_ip,
        )

    def step(self, x: Tensor, before: Tensor, target: int) -> None:
        """Show one image."""
        rows, columns = self.w.shape
        s = self.w @ x
        y = (s - self.thresholds).clamp(0, float(self.rule.clip))
        pre = before[None, :].expand(rows, columns)
        if self.rule.supervised:
            error = -y
            error[target] += float(self.rule.target)
            post = error[:, None].expand(rows, columns)
            self.w += pre * post * self.excites * self.eta
            self.w += pre * post * self.inhibits * self.eta
        else:
            post = y[:, None].expand(rows, columns)
            change = (0.5 - post) * (pre > 0) * (post > 0)
            self.w += change * self.excites * self.eta
            self.w += change * self.inhibits * -self.eta
            self.thresholds = (self.thresholds - self.eta_ip * self.rates).clamp(min=0)
        self.w[self.excites] = self.w[self.excites].clamp(1e-6, 10)
        self.w[self.inhibits] = self.w[self.inhibits].clamp(-10, -1e-6)
        negative = torch.where(self.w < 0, self.w, torch.zeros_like(self.w))
        self.w += s[:, None] * negative * self.eta * 50


def lesson(supervised: bool, steps: int) -> tuple[DeltaLayer, Floats, Floats, Any, Any, Rule]:
    """Return a layer, what it is shown (inputs, presynaptic, order, targets) and its rule."""
    rng = np.random.default_rng(0)
    model = DeltaModel(SIDE * SIDE, PLACES, PUBLISHED_CONFIG)
    feature, output = model.modules[0].feature, model.modules[0].output
    x = rng.random((TRAVERSES * PLACES, SIDE * SIDE), np.float32)
    order = rng.integers(0, len(x), steps)
    if not supervised:
        before = (x > 0).astype(np.float32)
        return feature, x, before, order, order % PLACES, feature_rule(PUBLISHED_CONFIG)
    y = feature.respond(4 * x, PUBLISHED_CONFIG.clip)
    rule = output_rule(PUBLISHED_CONFIG)
    return output, y, y / feature.rates, order, order % PLACES, rule


def ours(task: Any) -> Callable[[], Floats]:
    """Return a function that makes all steps from the start and returns the weights."""
    layer, x, before, order, targets, rule = task
    rates = [
        np.full(len(order), eta, np.float32)
        for eta in (PUBLISHED_CONFIG.eta_stdp, PUBLISHED_CONFIG.eta_ip)
    ]

    def run() -> Floats:
        weights, thresholds = layer.weights.copy(), layer.thresholds.copy()
        learn(
            weights,
            layer.signs,
            thresholds,
            layer.rates,
            inputs=x,
            presynaptic=before,
            order=order,
            targets=targets,
            eta_stdp=rates[0],
            eta_ip=rates[1],
            rule=rule,
            threads=1,
        )
        return weights

    return run


def dense(task: Any) -> Callable[[], Floats]:
    """Return the same of the rival."""
    layer, x, before, order, targets, rule = task
    inputs, presynaptic = torch.from_numpy(x), torch.from_numpy(before)

    def run() -> Floats:
        rival = DenseLayer(layer, rule)
        for image, target in zip(order.tolist(), targets.tolist(), strict=True):
            rival.step(inputs[image], presynaptic[image], target)
        return rival.w.numpy()

    return run


def measure_training(bench: Bench, steps: int, rounds: int) -> None:
    """Add the rows on single layers and on a whole training."""
    whole_steps = DeltaConfig().epochs * TRAVERSES * PLACES
    scaled = {"saccade": 0.0, "dense torch": 0.0}
    for supervised in (False, True):
        task = lesson(supervised, steps)
        worst = float(np.abs(ours(task)() - dense(task)()).max())
        rows, columns = task[0].weights.shape
        medians = bench.compare(
            f"{steps} steps of the {'output' if supervised else 'feature'} layer,"
            f" {columns} to {rows}",
            {"saccade": ours(task), "dense torch": dense(task)},
            rounds=rounds,
            warmup=0,
            units=steps * rows * columns,
            unit="weights",
            largest_deviation=worst,
        )
        step_ms = {name: seconds / steps * 1e3 for name, seconds in medians.items()}
        bench.record["rows"][-1]["step_ms"] = step_ms
        for name, value in step_ms.items():
            scaled[name] += value / 1e3 * whole_steps
    images = np.random.default_rng(0).integers(0, 256, (TRAVERSES * PLACES, SIDE * SIDE), np.uint8)
    labels = np.tile(np.arange(PLACES), TRAVERSES)
    for threads in (1, CORES):
        begin = time.perf_counter()
        model = DeltaModel(SIDE * SIDE, PLACES)
        model.train(images, labels, threads=threads)
        seconds = time.perf_counter() - begin
        bench.add(
            f"whole training, {whole_steps:,} + {whole_steps:,} steps, threads: {threads}",
            saccade_s=seconds,
            scaled_from_steps_s=scaled,
            dense_on_one_thread_over_saccade=scaled["dense torch"] / seconds,
            target_ratio=TARGET_RATIO,
            training_images_recognised=float(np.mean(model.scores(images).argmax(1) == labels)),
        )


def published_query(image: NDArray[np.uint8], feature: Tensor, output: Tensor) -> int:
    """Return the best place of one colour image, step by step as published."""
    shares = torch.tensor([0.299, 0.587, 0.114])
    grey = (torch.from_numpy(image).float() * shares).sum(-1)
    gamma = math.log(127.5) / math.log(float(grey.mean()))
    small = functional.interpolate(
        grey.pow(gamma).clip(0, 255)[None, None], (SIDE, SIDE), mode="bilinear"
    )
    padded = functional.pad(small, (3, 3, 3, 3), value=float("nan"))
    windows = functional.unfold(padded, 7).reshape(49, SIDE * SIDE)
    known = ~windows.isnan()
    count = known.sum(0)
    values = windows.nan_to_num(0)
    mean = values.sum(0) / count
    spread = ((values - mean) * known).pow(2).sum(0) / (count - 1)
    z = ((small.flatten() - mean) / spread.sqrt()).nan_to_num(0).clip(-1, 1)
    x = (255 * (1 + z) / 2).to(torch.uint8).float() / 255
    return int((output @ (feature @ x)).argmax())


def inputs_of(images: NDArray[np.uint8], threads: int = 1) -> NDArray[np.uint8]:
    """Return the inputs of colour images ``[n, H, W, 3]``, as training and tests make them."""
    parts = np.array_split(images.transpose(0, 3, 1, 2), threads)
    with ThreadPoolExecutor(threads) as pool:
        return np.concatenate(list(pool.map(lambda part: prepare(part, Preprocess()), parts)))


def measure_queries(bench: Bench, rounds: int) -> None:
    """Add the row on queries."""
    rng = np.random.default_rng(0)
    images = rng.integers(0, 256, (QUERIES, HEIGHT, WIDTH, 3), np.uint8)
    model = DeltaModel(SIDE * SIDE, PLACES)
    module = model.modules[0]
    small = quantise(model, inputs_of(images[:8]))
    layers = [torch.from_numpy(layer.weights) for layer in (module.feature, module.output)]

    def best(scores_of: Callable[..., Floats], threads: int) -> NDArray[np.int64]:
        return scores_of(inputs_of(images, threads)).argmax(1)

    def one_thread(inputs: NDArray[np.uint8]) -> Floats:
        return small.scores(inputs, threads=1)

    def one_by_one() -> list[int]:
        each = (prepare(image.transpose(2, 0, 1)[None], Preprocess()) for image in images)
        return [int(model.scores(image).argmax()) for image in each]

    same = float(np.mean(best(model.scores, 1) == best(one_thread, 1)))
    medians = bench.compare(
        f"{QUERIES} queries of {HEIGHT}x{WIDTH} against {PLACES} places",
        {
            "saccade": lambda: best(model.scores, 1),
            f"saccade, {CORES} threads": lambda: best(model.scores, CORES),
            "saccade, one by one": one_by_one,
            "saccade, int8": lambda: best(one_thread, 1),
            "published steps in torch": lambda: [published_query(i, *layers) for i in images],
        },
        rounds=rounds,
        units=QUERIES,
        unit="queries",
        int8_answers_alike=same,
        target_per_s=TARGET_QUERIES_PER_S,
        bytes={"float32": model.collapse().nbytes, "int8": small.bytes},
    )
    print({name: f"{QUERIES / value:,.0f} queries/s" for name, value in medians.items()})


def main() -> None:
    """Run and write ``results/delta.json``."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--steps", type=int, default=40)
    parser.add_argument("--rounds", type=int, default=3)
    options = parser.parse_args()
    torch.set_num_threads(1)
    bench = Bench("delta", "How fast does the delta rule learn places and answer queries?")
    measure_training(bench, options.steps, options.rounds)
    measure_queries(bench, options.rounds)
    bench.write()


if __name__ == "__main__":
    main()
