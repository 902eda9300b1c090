"""Golden steps of VPRTempo's learning rule, quirks included: reference, kernel, torch, read-out."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from modular_stdp_files import FOLDER, cases
from numpy.typing import NDArray

from saccade.tasks.place_stdp.config_delta import PUBLISHED, DeltaConfig
from saccade.tasks.place_stdp.delta import DeltaModel
from saccade.tasks.place_stdp.delta_kernels import learn
from saccade.tasks.place_stdp.delta_layer import DeltaLayer
from saccade.tasks.place_stdp.delta_reference import plain_learn, plain_product
from saccade.tasks.place_stdp.delta_rule import Rule, feature_rule, output_rule
from saccade.tasks.place_stdp.delta_torch import learn_modules

TOLERANCE = {"rtol": 0, "atol": 1e-5}
CASES = cases("vprtempo_stdp_")
Floats = NDArray[np.float32]


def by_kernel(*arguments: Any) -> None:
    learn(*arguments, threads=2)


def by_torch(*arguments: Any) -> None:
    *arrays, rule = arguments
    learn_modules(*(torch.from_numpy(array)[None] for array in arrays), rule)


ENGINES: dict[str, Callable[..., None]] = {
    "plain": plain_learn,
    "kernel": by_kernel,
    "torch": by_torch,
}


def settings(data: Any) -> DeltaConfig:
    """The published settings, with the rates of a file."""
    rates = {name: float(data[name]) for name in ("eta_stdp", "eta_ip")}
    return replace(PUBLISHED["vprtempo"], **rates)


def layer_of(weights: Floats, thresholds: Floats, rates: Floats) -> DeltaLayer:
    signs = np.sign(weights).astype(np.int8)
    return DeltaLayer(weights.copy(), signs, thresholds.ravel().copy(), rates.ravel().copy())


def one_step(
    engine: str, layer: DeltaLayer, x: Floats, before: Floats, target: int, cfg: DeltaConfig,
    rule: Rule,
) -> None:  # fmt: skip
    ENGINES[engine](
        *(layer.weights, layer.signs, layer.thresholds, layer.rates, x[None], before[None]),
        *(np.zeros(1, np.int64), np.array([target]), np.float32([cfg.eta_stdp])),
        *(np.float32([cfg.eta_ip]), rule),
    )


def test_there_are_cases() -> None:
    assert CASES, f"no vprtempo_stdp_*.npz in {FOLDER}"


@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize("path", CASES, ids=lambda path: path.stem)
def test_feature_layer_learns_as_published(path: Path, engine: str) -> None:
    data = np.load(path)
    cfg = settings(data)
    layer = layer_of(data["Wf0"], data["thr_f0"], data["fire_rate_f"])
    for k, x in enumerate(data["X"]):
        products = plain_product(layer.weights, x)
        np.testing.assert_allclose(products, data["feat_lin"][k], **TOLERANCE)
        activity = layer.respond(x[None], cfg.clip)[0]
        np.testing.assert_allclose(activity, data["feat_clamped"][k], **TOLERANCE)
        one_step(engine, layer, x, np.float32(x > 0), 0, cfg, feature_rule(cfg))
        np.testing.assert_allclose(layer.weights, data["Wf_after"][k], **TOLERANCE)
        np.testing.assert_allclose(layer.thresholds, data["thr_f_after"][k], **TOLERANCE)


@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize("path", CASES, ids=lambda path: path.stem)
def test_output_layer_learns_as_published(path: Path, engine: str) -> None:
    data = np.load(path)
    cfg = settings(data)
    feature = layer_of(data["Wf_after"][-1], data["thr_f_after"][-1], data["fire_rate_f"])
    layer = layer_of(data["Wo0"], data["thr_o0"], np.zeros_like(data["thr_o0"]))
    hidden = feature.respond(data["X"], cfg.clip)
    for k, (x, target) in enumerate(zip(hidden, data["labels"], strict=True)):
        products = plain_product(layer.weights, x)
        np.testing.assert_allclose(products, data["out_lin"][k], **TOLERANCE)
        activity = layer.respond(x[None], cfg.clip)[0]
        np.testing.assert_allclose(activity, data["out_clamped"][k], **TOLERANCE)
        one_step(engine, layer, x, x / feature.rates, target, cfg, output_rule(cfg))
        np.testing.assert_allclose(layer.weights, data["Wo_after"][k], **TOLERANCE)
    np.testing.assert_array_equal(layer.thresholds, data["thr_o0"].ravel())


@pytest.mark.parametrize("path", CASES, ids=lambda path: path.stem)
def test_collapsed_matrix_scores_as_the_published_readout(path: Path) -> None:
    data = np.load(path)
    features, inputs = data["Wf0"].shape
    cfg = replace(settings(data), features_per_input=(features + 0.5) / inputs)
    model = DeltaModel(inputs, len(data["Wo0"]), cfg)
    state = model.state()
    for name, key in (("feature", "Wf_after"), ("output", "Wo_after")):
        state[f"module0.{name}.weights"] = data[key][-1]
    model.restore(state)
    scores = data["X"] @ model.collapse().T
    np.testing.assert_allclose(scores, data["infer_out"], **TOLERANCE)
