"""The delta rule in torch, for a GPU: modules of one size learn side by side.

    s [M, R] = W [M, R, N] x [M, N]            then as in `delta_rule`, for all M at once

Steps follow each other, so a GPU pays off with many modules or large ones. Sums run in the order
of the device's product: results differ from the reference by rounding, and by a whole step of a
neuron whose product lies within rounding of its threshold.
"""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from numpy.typing import ArrayLike, NDArray
from torch import Tensor

from saccade.errors import ConfigError
from saccade.tasks.place_stdp.config_delta import DeltaConfig
from saccade.tasks.place_stdp.delta_images import as_inputs
from saccade.tasks.place_stdp.delta_layer import DeltaLayer
from saccade.tasks.place_stdp.delta_rule import (
    FORCED,
    HOMEOSTASIS,
    LARGEST,
    OWN,
    SMALLEST,
    Rule,
    feature_rule,
    learning_rates,
    output_rule,
)
from saccade.tasks.place_stdp.delta_training import Lessons, epoch_rng, epochs_of

if TYPE_CHECKING:
    from saccade.tasks.place_stdp.delta import DeltaModel

__all__ = ["learn_modules", "train_on_device"]


@torch.no_grad()
def learn_modules(
    weights: Tensor,
    signs: Tensor,
    thresholds: Tensor,
    rates: Tensor,
    inputs: Tensor,
    presynaptic: Tensor,
    order: Tensor,
    targets: Tensor,
    eta_stdp: Tensor,
    eta_ip: Tensor,
    rule: Rule,
) -> None:
    """Do what `delta_reference.plain_learn` does, for several modules at once, in place.

    Args:
        weights: float32 ``[M, R, N]``.
        signs: int8 ``[M, R, N]``.
        thresholds: float32 ``[M, R]``.
        rates: float32 ``[M, R]``.
        inputs: float32 ``[M, P, N]``.
        presynaptic: float32 ``[M, P, N]``.
        order: int64 ``[M, S]``.
        targets: int64 ``[M, S]``.
        eta_stdp: float32 ``[M, S]``.
        eta_ip: float32 ``[M, S]``.
        rule: Of the layer.

    Examples:
        >>> from saccade.tasks.place_stdp.config_delta import DeltaConfig
        >>> w, one = torch.full((1, 1, 1), 0.25), torch.ones(1, 1)
        >>> x, zero, k = torch.ones(1, 1, 1), torch.zeros(1, 1), torch.zeros(1, 1, dtype=torch.long)
        >>> rule = feature_rule(DeltaConfig())
        >>> learn_modules(w, x.to(torch.int8), zero, one, x, x, k, k, one, one, rule)
        >>> w.item()
        0.5
    """
    sign, module = signs.float(), torch.arange(len(weights), device=weights.device)
    clip, low, high = float(rule.clip), float(rule.low), float(rule.high)
    row = torch.arange(weights.shape[1], device=weights.device)
    for k in range(order.shape[1]):
        x, before = inputs[module, order[:, k]], presynaptic[module, order[:, k]]
        eta = eta_stdp[:, k, None]
        s = torch.bmm(weights, x[:, :, None])[:, :, 0]
        y = (s - thresholds).clamp(0, clip)
        wanted = (row == targets[:, k, None]).float() * float(rule.target)
        if rule.supervised:
            step = eta * (wanted - y).clamp(low, high)
            weights.baddbmm_(step[:, :, None], before[:, None, :]).mul_(sign)
        else:
            step = (y > 0) * (eta * (float(rule.target) - y))
            weights.mul_(sign).baddbmm_(step[:, :, None], before[:, None, :])
        weights.clamp_(float(SMALLEST), float(LARGEST)).mul_(sign)
        if rule.adapts:
            seen = {OWN: y, FORCED: wanted}.get(rule.activity, torch.zeros_like(y))
            thresholds.add_(eta_ip[:, k, None] * (seen - rates)).clamp_(min=0)
        factor = (float(HOMEOSTASIS) * eta * s).clamp(min=float(rule.least_factor))
        weights.addcmul_(factor[:, :, None], weights.clamp(max=0))


def train_on_device(
    model: DeltaModel, images: ArrayLike, labels: ArrayLike, *, device: str = "cuda"
) -> None:
    """Train a fresh model from its first step to its last on a torch device.

    The order of images is that of `delta.DeltaModel.train`. Modules with equally many places and
    images are trained side by side.

    Args:
        model: With no step done.
        images: As for `delta.DeltaModel.train`.
        labels: Alike.
        device: Name of a torch device.

    Raises:
        ConfigError: The model has been trained before, or images are to be disturbed.
    """
    cfg = model.config
    if model.steps_done or cfg.shift or cfg.noise:
        raise ConfigError(
            f"steps_done is {model.steps_done:,}, shift {cfg.shift}, noise {cfg.noise}.",
            "Expected 0 of each on a torch device.",
            "Train with DeltaModel.train.",
        )
    x = as_inputs(images, model.inputs, cfg.compat)
    lessons = Lessons.of(model, x, labels, np.shape(images))
    alike: defaultdict[tuple[int, int], list[int]] = defaultdict(list)
    for number, module in enumerate(model.modules):
        alike[len(module.places), len(lessons.inputs[number])].append(number)
    state = model.state()
    for numbers in alike.values():
        for supervised in (False, True):
            for name, arrays in _train_layer(model, lessons, numbers, supervised, device).items():
                layer = "output" if supervised else "feature"
                for number, array in zip(numbers, arrays.cpu().numpy(), strict=True):
                    state[f"module{number}.{layer}.{name}"] = array
            model.restore(state)
    state["steps_done"] = np.array(lessons.steps(cfg.epochs), np.int64)
    model.restore(state)


def _train_layer(
    model: DeltaModel, lessons: Lessons, numbers: list[int], supervised: bool, device: str
) -> dict[str, Tensor]:
    """Train one layer of some modules; return their weights and thresholds."""
    cfg, modules = model.config, [model.modules[number] for number in numbers]
    layers: list[DeltaLayer] = [m.output if supervised else m.feature for m in modules]

    def stacked(arrays: list[NDArray[Any]]) -> Tensor:
        return torch.from_numpy(np.stack(arrays)).to(device)

    weights, signs, thresholds, rates = (
        stacked([getattr(layer, part) for layer in layers])
        for part in ("weights", "signs", "thresholds", "rates")
    )
    inputs = [lessons.inputs[number] for number in numbers]
    presynaptic = [(x > 0).astype(np.float32) for x in inputs]
    if supervised:
        inputs = [m.feature.respond(x, cfg.clip) for m, x in zip(modules, inputs, strict=True)]
        pairs = zip(inputs, modules, strict=True)
        presynaptic = [activity / module.feature.rates for activity, module in pairs]
    orders = [_order(cfg, lessons, number, supervised) for number in numbers]
    targets = [lessons.targets[n][order] for n, order in zip(numbers, orders, strict=True)]
    eta_stdp, eta_ip = learning_rates(cfg, 0, len(orders[0]), len(orders[0]))
    learn_modules(
        weights,
        signs,
        thresholds,
        rates,
        inputs=stacked(inputs),
        presynaptic=stacked(presynaptic),
        order=stacked(orders),
        targets=stacked(targets),
        eta_stdp=stacked([eta_stdp] * len(numbers)),
        eta_ip=stacked([eta_ip] * len(numbers)),
        rule=output_rule(cfg) if supervised else feature_rule(cfg),
    )
    return {"weights": weights, "thresholds": thresholds}


def _order(cfg: DeltaConfig, lessons: Lessons, number: int, supervised: bool) -> NDArray[np.int64]:
    """Return the images a layer sees over all epochs."""
    orders = [
        epoch_rng(cfg, epoch, "order").permutation(epoch.images)
        for epoch in epochs_of(lessons, cfg.epochs)
        if (epoch.module, epoch.supervised) == (number, supervised)
    ]
    return np.concatenate(orders)
