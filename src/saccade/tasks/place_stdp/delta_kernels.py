"""The delta rule, compiled: one pass over a block of neurons is an update and the next product.

    for each block of LANES neurons            weights of the block stay in the cache
        for each step                          all steps of the call
            for each input i
                w[i, :] = rule(w[i, :])        image k
                s[:]   += w[i, :] x[i]         image k + 1

Neurons of a layer know nothing of each other, so a block can learn from all images before the next
one is touched: the weights cross the memory bus once in a call instead of several times in a step.
The block is stored input by input, which makes its neurons the lanes of the vectors; sums run over
the inputs in ascending order, whatever the number of threads. See `delta_rule` for the equations.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np
from numpy.typing import NDArray

from saccade.jit import kernel
from saccade.tasks.place_stdp.delta_rule import (
    FORCED,
    HOMEOSTASIS,
    LARGEST,
    OWN,
    SMALLEST,
    Rule,
)

__all__ = ["LANES", "in_blocks", "learn"]

LANES = 32
"""Neurons of a block: 1,568 inputs of it are 250 kB, within the second-level cache."""

ZERO = np.float32(0)


def learn(
    weights: NDArray[np.float32],
    signs: NDArray[np.int8],
    thresholds: NDArray[np.float32],
    rates: NDArray[np.float32],
    inputs: NDArray[np.float32],
    presynaptic: NDArray[np.float32],
    order: NDArray[np.int64],
    targets: NDArray[np.int64],
    eta_stdp: NDArray[np.float32],
    eta_ip: NDArray[np.float32],
    rule: Rule,
    *,
    threads: int | None = None,
) -> None:
    """Do what `delta_reference.plain_learn` does, to the last bit, several hundred times faster.

    Args:
        weights: float32 ``[R, N]``, changed in place; C-contiguous like all arrays here.
        signs: int8 ``[R, N]``.
        thresholds: float32 ``[R]``, changed in place.
        rates: float32 ``[R]``.
        inputs: float32 ``[P, N]``.
        presynaptic: float32 ``[P, N]``.
        order: int64 ``[S]``.
        targets: int64 ``[S]``.
        eta_stdp: float32 ``[S]``.
        eta_ip: float32 ``[S]``.
        rule: Of the layer.
        threads: How many work at the same time (default: as many as there are cores).

    Examples:
        >>> from saccade.tasks.place_stdp.config_delta import DeltaConfig
        >>> from saccade.tasks.place_stdp.delta_rule import feature_rule
        >>> x, zero, one = np.ones((1, 1), "f4"), np.zeros(1, np.float32), np.ones(1, np.float32)
        >>> w = np.full((1, 1), 0.25, np.float32)
        >>> step = np.zeros(1, np.int64)
        >>> signs = np.ones((1, 1), np.int8)
        >>> learn(w, signs, zero, one, x, x, step, step, one, one, feature_rule(DeltaConfig()))
        >>> w.item()
        0.5
    """
    if not len(order):
        return
    arrays = weights, signs, thresholds, rates, inputs, presynaptic
    steps = order, targets, eta_stdp, eta_ip

    def some(first: int, last: int) -> None:
        _learn_rows(*arrays, *steps, rule, first, last)

    in_blocks(some, len(weights), LANES, threads)


def in_blocks(
    some: Callable[[int, int], None], rows: int, block: int, threads: int | None = None
) -> None:
    """Call a function for ranges of rows, as many at the same time as there are threads.

    Args:
        some: Takes the first row and the one past the last.
        rows: How many there are.
        block: Ranges begin at a multiple of this.
        threads: Default: as many as there are cores.

    Examples:
        >>> in_blocks(print, 5, 2, threads=1)
        0 5
    """
    blocks = -(-rows // block)
    parts = min(threads or os.cpu_count() or 1, blocks)
    if parts <= 1:
        some(0, rows)
        return
    cuts = [min(rows, round(blocks * part / parts) * block) for part in range(parts + 1)]
    with ThreadPoolExecutor(parts, thread_name_prefix="saccade-delta") as pool:
        list(pool.map(some, cuts[:-1], cuts[1:]))


@kernel
def _learn_rows(
    weights: Any, signs: Any, thresholds: Any, rates: Any, inputs: Any, presynaptic: Any,
    order: Any, targets: Any, eta_stdp: Any, eta_ip: Any, rule: Any, first: Any, last: Any,
) -> None:  # fmt: skip
    depth, steps = weights.shape[1], order.shape[0]
    w, sign = np.empty((depth, LANES), np.float32), np.empty((depth, LANES), np.float32)
    s, step = np.zeros(LANES, np.float32), np.zeros(LANES, np.float32)
    factor = np.zeros(LANES, np.float32)
    for start in range(first, last, LANES):
        here = min(LANES, last - start)
        _fetch(weights, signs, start, here, w, sign)
        s[:] = ZERO
        for i in range(depth):
            for lane in range(LANES):
                s[lane] += w[i, lane] * inputs[order[0], i]
        for k in range(steps):
            for lane in range(here):
                row = start + lane
                step[lane] = _respond(
                    s[lane], row, thresholds, rates, targets[k] == row, eta_stdp[k], eta_ip[k], rule
                )
                factor[lane] = max(HOMEOSTASIS * eta_stdp[k] * s[lane], rule.least_factor)
            before, following = presynaptic[order[k]], inputs[order[min(k + 1, steps - 1)]]
            if rule.supervised:
                _update_outputs(w, sign, step, factor, before, following, s)
            else:
                _update_features(w, sign, step, factor, before, following, s)
        for lane in range(here):
            for i in range(depth):
                weights[start + lane, i] = w[i, lane]


@kernel(counted=False)
def _fetch(weights: Any, signs: Any, start: Any, here: Any, w: Any, sign: Any) -> None:
    """Copy the rows of a block; lanes without a row stay silent."""
    for i in range(weights.shape[1]):
        for lane in range(LANES):
            w[i, lane], sign[i, lane] = ZERO, ZERO
    for lane in range(here):
        for i in range(weights.shape[1]):
            w[i, lane], sign[i, lane] = weights[start + lane, i], signs[start + lane, i]


@kernel(counted=False)
def _respond(
    s: Any, row: Any, thresholds: Any, rates: Any, is_target: Any, eta: Any, eta_ip: Any, rule: Any
) -> Any:
    """Move the threshold; return by how much weights change for each unit of input."""
    y = min(max(s - thresholds[row], ZERO), rule.clip)
    wanted = rule.target if is_target else ZERO
    if rule.adapts:
        seen = y if rule.activity == OWN else (wanted if rule.activity == FORCED else ZERO)
        thresholds[row] = max(thresholds[row] + eta_ip * (seen - rates[row]), ZERO)
    if rule.supervised:
        return eta * min(max(wanted - y, rule.low), rule.high)
    return eta * (rule.target - y) if y > ZERO else ZERO


@kernel(counted=False)
def _update_outputs(
    w: Any, sign: Any, step: Any, factor: Any, before: Any, following: Any, s: Any
) -> None:
    """Change all weights of a block alike, whatever their sign; leave the next product in ``s``."""
    s[:] = ZERO
    for i in range(w.shape[0]):
        pre, x = before[i], following[i]
        for lane in range(LANES):
            magnitude = (w[i, lane] + step[lane] * pre) * sign[i, lane]
            new = min(max(magnitude, SMALLEST), LARGEST) * sign[i, lane]
            new += factor[lane] * min(new, ZERO)
            w[i, lane] = new
            s[lane] += new * x


@kernel(counted=False)
def _update_features(
    w: Any, sign: Any, step: Any, factor: Any, before: Any, following: Any, s: Any
) -> None:
    """Change the magnitudes of a block alike; leave the next product in ``s``."""
    s[:] = ZERO
    for i in range(w.shape[0]):
        pre, x = before[i], following[i]
        for lane in range(LANES):
            magnitude = w[i, lane] * sign[i, lane] + step[lane] * pre
            new = min(max(magnitude, SMALLEST), LARGEST) * sign[i, lane]
            new += factor[lane] * min(new, ZERO)
            w[i, lane] = new
            s[lane] += new * x
