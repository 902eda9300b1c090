"""The fast engine in NumPy, one module, one step after the other: what the kernels are held to.

G_j(n)    = sum of w_ij over input spikes at n - d_ij                       float32, as all here
ge        <- ge - dt/tau_ge ge + G(n)
gi        <- gi - dt/tau_gi gi + 17 (spikes of E at n - latency)            one number a module
block     weights stay as they are for one lock-out, then change by what happened in it
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from saccade.tasks.place_stdp.config_network import MODEL
from saccade.tasks.place_stdp.fast import FAINT, FORGOTTEN, FastSteps
from saccade.tasks.place_stdp.network import NEVER, Network
from saccade.tasks.place_stdp.spikes import Raster

__all__ = ["learn_plain", "respond_plain"]

_F = np.float32


def respond_plain(network: Network, inputs: Raster) -> NDArray[np.int32]:
    """Return the spikes of every neuron for one image, int32 ``[n_e]``.

    Args:
        network: A trained module.
        inputs: Input spikes of the image.
    """
    return _shown(network, inputs, learn=False)[0]


def learn_plain(network: Network, inputs: Raster) -> tuple[NDArray[np.int32], Network]:
    """Learn from one image; returns the spikes of every neuron and the changed module.

    Args:
        network: The module before.
        inputs: Input spikes of the image.
    """
    return _shown(network, inputs, learn=True)


def _shown(network: Network, inputs: Raster, *, learn: bool) -> tuple[NDArray[np.int32], Network]:
    s, n_e = FastSteps.of(network.config), network.config.n_e
    weights, theta = network.weights.astype(_F), network.theta.copy()
    v, ge, gi = np.full(n_e, _F(MODEL.rest_e)), np.zeros(n_e, _F), _F(0)
    counts, fired = np.zeros(n_e, np.int32), np.full(n_e, NEVER)
    bar, pending = (theta + MODEL.threshold_e).astype(_F), np.zeros(s.latency + 1, _F)
    arrivals = np.zeros((s.block + s.slots, n_e), _F)
    for start in range(0, inputs.n_steps, s.block):
        stop = min(start + s.block, inputs.n_steps)
        now = inputs.cut(start, stop)
        arrivals[: s.slots] = arrivals[s.block :].copy()
        arrivals[s.slots :] = 0
        reached = now.step[:, None] + network.delays[now.neuron]
        np.add.at(arrivals, (reached, np.arange(n_e)), weights[now.neuron])
        before = fired.copy()
        for n in range(start, stop):
            free = fired + s.lockout == n
            bar[free] = (theta + MODEL.threshold_e).astype(_F)[free]
            pull = ge * (_F(0) - v) + gi * (_F(MODEL.reversal_gi_e) - v)
            v = v + s.step_e * ((_F(MODEL.rest_e) - v) + pull)
            v[n - fired < s.refractory] = MODEL.reset_e
            ge = _without_tiny(ge - s.step_ge * ge) + arrivals[n - start]
            fires = v > bar
            pending[(n + s.latency) % len(pending)] += _F(MODEL.weight_ie * fires.sum())
            gi = _without_tiny(gi - s.step_gi * gi) + pending[n % len(pending)]
            pending[n % len(pending)] = 0
            v[fires], bar[fires], fired[fires] = MODEL.reset_e, np.inf, n
            counts += fires
            theta[fires] += MODEL.theta_plus if learn else 0.0
        if learn:
            weights = _learned(network, weights, inputs, fired, before, start, stop)
    if learn:
        theta *= (1.0 - network.config.factors().step_theta) ** inputs.n_steps
    return counts, Network(network.config, weights.astype(np.float64), network.delays, theta)


def _without_tiny(value):  # type: ignore[no-untyped-def]
    return np.where(value > _F(1e-30), value, _F(0))


def _learned(
    network: Network,
    weights: NDArray[np.float32],
    inputs: Raster,
    fired: NDArray[np.int64],
    before: NDArray[np.int64],
    start: int,
    stop: int,
) -> NDArray[np.float32]:
    """Change weights by a block: input spikes that arrived in it, then the neuron's own spike."""
    config, weights = network.config, weights.copy()
    dt, nu_pre = config.dt_ms, config.factors().nu_pre

    def trace(steps: int, tau_ms: float, least: float) -> float:
        is_left = steps < int(-np.log(least) * tau_ms / dt) + 2
        return float(np.exp(-steps * dt / tau_ms)) if is_left else 0.0

    for j in range(config.n_e):
        is_new = fired[j] >= start
        if not is_new and trace(start - fired[j], MODEL.tau_post1_ms, FAINT) == 0:
            continue
        y2 = trace(fired[j] - before[j], MODEL.tau_post2_ms, FORGOTTEN) if is_new else 0.0
        for i in range(config.n_in):
            arrivals = inputs.step[inputs.neuron == i] + int(network.delays[i, j])
            change = 0.0
            for arrival in arrivals[(arrivals >= start) & (arrivals < stop)][::-1]:
                last = fired[j] if arrival > fired[j] else before[j]
                change += nu_pre * trace(int(arrival - last), MODEL.tau_post1_ms, FAINT)
            earlier = arrivals[arrivals <= fired[j]]
            if is_new and y2 > 0 and len(earlier):
                x = trace(int(fired[j] - earlier[-1]), MODEL.tau_pre_ms, FORGOTTEN)
                change += MODEL.nu_post * x * y2
            weights[i, j] = _F(max(min(float(weights[i, j]) + change, MODEL.weight_max), 0.0))
    return weights
