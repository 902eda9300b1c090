"""The delta rule in plain NumPy: slow, and read like its equations (see `delta_rule`).

`delta_kernels` and `delta_torch` are held to this. Sums run over the inputs in ascending order, as
the kernel's do, so that the two agree to the last bit.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from saccade.tasks.place_stdp.delta_rule import (
    FORCED,
    HOMEOSTASIS,
    LARGEST,
    OWN,
    SMALLEST,
    Rule,
)

__all__ = ["plain_learn", "plain_product"]

Floats = NDArray[np.float32]
Signs = NDArray[np.int8]
Index = NDArray[np.int64]


def plain_product(weights: Floats, x: Floats) -> Floats:
    """Return s = W x with sums in ascending order of the inputs.

    Args:
        weights: float32 ``[R, N]``.
        x: float32 ``[N]``.

    Returns:
        float32 ``[R]``.

    Examples:
        >>> plain_product(np.eye(2, dtype=np.float32), np.array([3, 4], np.float32)).tolist()
        [3.0, 4.0]
    """
    return np.cumsum(weights * x, axis=1)[:, -1]


def plain_learn(
    weights: Floats,
    signs: Signs,
    thresholds: Floats,
    rates: Floats,
    inputs: Floats,
    presynaptic: Floats,
    order: Index,
    targets: Index,
    eta_stdp: Floats,
    eta_ip: Floats,
    rule: Rule,
) -> None:
    """Show images to a layer, one after the other; weights and thresholds change in place.

    Args:
        weights: float32 ``[R, N]``.
        signs: int8 ``[R, N]``: 1 excites, -1 inhibits, 0 is no connection.
        thresholds: float32 ``[R]``.
        rates: float32 ``[R]``, target activities.
        inputs: float32 ``[P, N]``.
        presynaptic: float32 ``[P, N]``: [x > 0] below a feature layer, x / r below an output layer.
        order: int64 ``[S]``, which image each step shows.
        targets: int64 ``[S]``, the output that should answer; not read in a feature layer.
        eta_stdp: float32 ``[S]``.
        eta_ip: float32 ``[S]``.
        rule: Of the layer.

    Examples:
        >>> from saccade.tasks.place_stdp.config_delta import DeltaConfig
        >>> from saccade.tasks.place_stdp.delta_rule import output_rule
        >>> rule = output_rule(DeltaConfig())
        >>> w, signs = np.full((2, 1), 0.25, np.float32), np.ones((2, 1), np.int8)
        >>> x, zero, one = np.ones((1, 1), "f4"), np.zeros(2, np.float32), np.ones(1, np.float32)
        >>> step = np.zeros(1, np.int64)
        >>> plain_learn(w, signs, zero, zero, x, x, step, step, one, one, rule)
        >>> w[:, 0].tolist()
        [0.5, 9.999999974752427e-07]
    """
    one, zero = np.float32(1), np.float32(0)
    for k, image in enumerate(order):
        x, before = inputs[image], presynaptic[image]
        s = plain_product(weights, x)
        y = np.clip(s - thresholds, zero, rule.clip)
        wanted = np.where(np.arange(len(weights)) == targets[k], rule.target, zero)
        if rule.supervised:
            step = eta_stdp[k] * np.clip(wanted - y, rule.low, rule.high)
            magnitudes = (weights + np.outer(step, before)) * signs
        else:
            step = np.where(y > 0, eta_stdp[k] * (rule.target - y), zero)
            magnitudes = weights * signs + np.outer(step, before)
        weights[...] = np.clip(magnitudes, SMALLEST, LARGEST) * signs
        if rule.adapts:
            seen = {OWN: y, FORCED: wanted * one}.get(rule.activity, zero)
            thresholds[...] = np.maximum(thresholds + eta_ip[k] * (seen - rates), zero)
        factor = np.maximum(HOMEOSTASIS * eta_stdp[k] * s, rule.least_factor)
        weights += factor[:, None] * np.minimum(weights, zero)
