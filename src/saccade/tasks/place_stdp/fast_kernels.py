"""Compiled loops of the fast engine, see `fast` for what they compute.

    arrivals   for one neuron at a time: G_j(n) = sum of w_ij over input spikes at n - d_ij; its
               weights, delays and line of time stay in the first-level cache
    advance    all neurons step by step, eight in a vector: modules in a test, neighbours in
               training; inhibition is one number a module, because the only neuron it leaves out,
               the one that fired, is frozen until it has decayed
    learn      at the end of a lock-out, in which a neuron fires at most once

Time goes in blocks of one lock-out, so that memory does not grow with the length of an image.
"""

from __future__ import annotations

import numpy as np

from saccade.jit import kernel
from saccade.tasks.place_stdp.config_network import MODEL
from saccade.tasks.place_stdp.fast_lanes import LANES, add_lanes, advance_lanes

__all__ = ["learn_kernel", "respond_kernel"]

_REST, _RESET = np.float32(MODEL.rest_e), np.float32(MODEL.reset_e)
_WEIGHT_IE = np.float32(MODEL.weight_ie)
_BASE, _THETA_PLUS = MODEL.threshold_e, MODEL.theta_plus
_NU_POST, _TOP = MODEL.nu_post, MODEL.weight_max
_TINY, _ZERO, _INF = np.float32(1e-30), np.float32(0), np.float32(np.inf)
_NEVER = -(1 << 30)


@kernel
def respond_kernel(  # type: ignore[no-untyped-def]
    neuron, step, n_steps, weights, delays, theta, block, slots, latency, refractory, lockout,
    step_e, step_ge, step_gi, counts,
):  # fmt: skip
    """Count the spikes of `LANES` modules that see one raster; adds to counts ``[n_e * LANES]``.

    weights ``[n_e, n_in * LANES]``, delays ``[n_e, n_in]``, theta ``[n_e * LANES]``, all float32
    but delays; infinite theta keeps a lane silent.
    """
    n_e = weights.shape[0]
    span = block * LANES
    arrivals = np.zeros((n_e, span + slots * LANES), np.float32)
    ge, v = np.zeros(n_e * LANES, np.float32), np.full(n_e * LANES, _REST)
    bar = theta + np.float32(_BASE)
    gi, pending = np.zeros(LANES, np.float32), np.zeros((latency + 1, LANES), np.float32)
    queue = np.empty((n_e * LANES + 1, 2), np.int64)
    frozen, locked, free, first = 0, 0, 0, 0
    for start in range(0, n_steps, block):
        length = min(block, n_steps - start)
        last = _until(step, first, start + length)
        for j in range(n_e):
            line, own = arrivals[j], weights[j]
            _shift(line, span)
            for k in range(first, last):
                i = np.int64(neuron[k])
                at = np.int64(step[k]) - start + np.int64(delays[j, i])
                add_lanes(line, at * LANES, own, i * LANES)
        first = last
        for t in range(length):
            n = start + t
            locked = _unlock(queue, locked, free, n - lockout, bar, theta)
            while frozen != free and n - queue[frozen, 1] >= refractory:
                frozen = (frozen + 1) % len(queue)
            k = free
            for j in range(n_e):
                at = j * LANES
                above = advance_lanes(v, ge, bar, at, arrivals[j], t * LANES, gi, step_e, step_ge)
                if above:
                    for m in range(LANES):
                        if above >> m & 1:
                            v[at + m], bar[at + m] = _RESET, _INF
                            counts[at + m] += 1
                            pending[(n + latency) % (latency + 1), m] += _WEIGHT_IE
                            queue[free, 0], queue[free, 1] = at + m, n
                            free = (free + 1) % len(queue)
            while k != frozen:
                k = k - 1 if k else len(queue) - 1
                v[queue[k, 0]] = _RESET
            _inhibit(gi, pending[n % (latency + 1)], step_gi)


@kernel
def learn_kernel(  # type: ignore[no-untyped-def]
    neuron, step, n_steps, weights, delays, theta, block, slots, latency, refractory, lockout,
    step_e, step_ge, step_gi, step_theta, nu_pre, decay_x, decay_1, decay_2, counts,
):  # fmt: skip
    """Show one raster to one module that learns; changes weights ``[n_e, n_in]`` and theta."""
    n_e = weights.shape[0]
    rows = -(-n_e // LANES) * LANES
    lines = np.zeros((rows, block + slots), np.float32)
    arrivals = np.empty((block, rows), np.float32)
    ge, v = np.zeros(rows, np.float32), np.full(rows, _REST)
    bar, levels = np.full(rows, _INF), np.full(rows, np.inf)
    levels[:n_e] = theta
    bar[:] = (levels + _BASE).astype(np.float32)
    gi, pending = np.zeros(LANES, np.float32), np.zeros((latency + 1, LANES), np.float32)
    queue = np.empty((n_e + 1, 2), np.int64)
    fired, before = np.full(n_e, _NEVER), np.full(n_e, _NEVER)
    by_input = _by_input(neuron, weights.shape[1])
    frozen, locked, free, first = 0, 0, 0, 0
    for start in range(0, n_steps, block):
        length = min(block, n_steps - start)
        last = _until(step, first, start + length)
        for j in range(n_e):
            _shift(lines[j], block)
            _arrivals(neuron, step, first, last, start, weights[j], delays[j], lines[j])
        _transpose(lines, arrivals, length)
        for t in range(length):
            n = start + t
            locked = _unlock(queue, locked, free, n - lockout, bar, levels)
            while frozen != free and n - queue[frozen, 1] >= refractory:
                frozen = (frozen + 1) % len(queue)
            k = free
            for at in range(0, rows, LANES):
                above = advance_lanes(v, ge, bar, at, arrivals[t], at, gi, step_e, step_ge)
                if above:
                    for m in range(LANES):
                        if above >> m & 1:
                            j = at + m
                            v[j], bar[j] = _RESET, _INF
                            counts[j] += 1
                            levels[j] += _THETA_PLUS
                            pending[(n + latency) % (latency + 1)] += _WEIGHT_IE
                            queue[free, 0], queue[free, 1] = j, n
                            free = (free + 1) % len(queue)
                            before[j], fired[j] = fired[j], n
            while k != frozen:
                k = k - 1 if k else len(queue) - 1
                v[queue[k, 0]] = _RESET
            _inhibit(gi, pending[n % (latency + 1)], step_gi)
        for j in range(n_e):
            _learn(
                start, start + length, step, by_input, weights[j], delays[j], fired[j], before[j],
                nu_pre, decay_x, decay_1, decay_2,
            )  # fmt: skip
        first = last
    theta[:] = levels[:n_e] * (1.0 - step_theta) ** n_steps


@kernel
def _until(step, first, stop):  # type: ignore[no-untyped-def]
    """Return the first spike from ``first`` on that is not before a step."""
    while first < len(step) and step[first] < stop:
        first += 1
    return first


@kernel(counted=False, apart=True)
def _shift(line, span):  # type: ignore[no-untyped-def]
    """Move what arrives after a block to its front, and clear the rest."""
    over = len(line) - span
    for t in range(over):
        line[t] = line[span + t]
    for t in range(over, len(line)):
        line[t] = _ZERO


@kernel(counted=False)
def _unlock(queue, locked, free, upto, bar, theta):  # type: ignore[no-untyped-def]
    """Let neurons fire again whose last spike is long enough ago; returns the next in the queue."""
    while locked != free and queue[locked, 1] <= upto:
        j = queue[locked, 0]
        bar[j] = np.float32(theta[j] + np.float32(_BASE))
        locked = (locked + 1) % len(queue)
    return locked


@kernel(counted=False)
def _inhibit(gi, pending, step_gi):  # type: ignore[no-untyped-def]
    for m in range(LANES):
        g = gi[m] - step_gi * gi[m]
        gi[m] = (g if g > _TINY else _ZERO) + pending[m]
        pending[m] = _ZERO


@kernel(counted=False, apart=True)
def _arrivals(neuron, step, first, last, start, weights, delays, line):  # type: ignore[no-untyped-def]
    for k in range(first, last):
        i = np.uint64(neuron[k])
        line[np.uint64(step[k] - start + delays[i])] += weights[i]


@kernel(counted=False, apart=True)
def _transpose(lines, arrivals, length):  # type: ignore[no-untyped-def]
    for j0 in range(0, lines.shape[0], LANES):
        for t in range(length):
            for j in range(j0, j0 + LANES):
                arrivals[t, j] = lines[j, t]


@kernel
def _by_input(neuron, n_in):  # type: ignore[no-untyped-def]
    """Spikes of each input: positions in the raster, and where those of each input begin."""
    begin = np.zeros(n_in + 1, np.int64)
    for i in neuron:
        begin[i + 1] += 1
    begin = np.cumsum(begin)
    free, order = begin.copy(), np.empty(len(neuron), np.int64)
    for k in range(len(neuron)):
        order[free[neuron[k]]] = k
        free[neuron[k]] += 1
    return order, begin


@kernel
def _learn(  # type: ignore[no-untyped-def]
    start, stop, step, by_input, weights, delays, fired, before, nu_pre, decay_x, decay_1, decay_2,
):  # fmt: skip
    """Change the weights of one neuron by what happened in a block.

    Input spikes that arrive in it change w by nu_pre y1, y1 from the neuron's latest spike before
    them; a spike of the neuron in it adds nu_post x y2, y2 from the spike before that one.
    """
    is_new = fired >= start
    if not is_new and start - fired >= len(decay_1):
        return
    y2 = 0.0
    if is_new and before != _NEVER and fired - before < len(decay_2):
        y2 = decay_2[fired - before]
    latest = before if is_new else fired
    order, begin = by_input
    for i in range(len(weights)):
        change, newest = 0.0, np.int64(_NEVER)
        d = np.int64(delays[i])
        for q in range(begin[i + 1] - 1, begin[i] - 1, -1):
            arrival = step[order[q]] + d
            if arrival >= stop:
                continue
            if is_new and arrival <= fired and newest == _NEVER:
                newest = arrival
            if arrival < start:
                if newest != _NEVER or not is_new:
                    break
                continue
            origin = fired if is_new and arrival > fired else latest
            if origin != _NEVER and arrival - origin < len(decay_1):
                change += nu_pre * decay_1[arrival - origin]
        if y2 > 0.0 and newest != _NEVER and fired - newest < len(decay_x):
            change += _NU_POST * decay_x[fired - newest] * y2
        weights[i] = np.float32(max(min(weights[i] + change, _TOP), 0.0))
