"""Compiled loops of the fast engine, see `fast` for what they compute.

    arrivals   G_j(n) = sum of w_ij over input spikes at n - d_ij. In a test, tile after tile of a
               few steps: the synapses of an input stand in order of delay, so that those reached
               in a tile are neighbours, and the tile of all neurons stays in the second-level
               cache. In training for one neuron at a time, a lock-out long: weights keep changing,
               and its weights, delays and line of time stay in the first-level cache
    advance    eight neurons in a vector: modules in a test, neighbours in training. Inhibition
               comes `latency` steps after the spikes that cause it, so a vector makes so many
               steps (and one) in registers. Inhibition is one number a module, because the only
               neuron it leaves out, the one that fired, is frozen until it has decayed
    learn      at the end of a lock-out, in which a neuron fires at most once

Memory does not grow with the length of an image.
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
    neuron, step, n_steps, weights, place, begin, bar, tile, latency, refractory, lockout,
    step_e, step_ge, step_gi, counts,
):  # fmt: skip
    """Count the spikes of `LANES` modules that see one raster; adds to counts ``[n_e * LANES]``.

    The synapses of an input stand in order of delay: weights float32 ``[n_in, n_e * LANES]``,
    place int32 ``[n_in, n_e]``, neuron * tile + delay, and where those of each delay begin, int32
    ``[n_in, slots + 1]``. bar float32 ``[n_e * LANES]``, mV; infinite, it keeps a lane silent.
    """
    n_e, slots = place.shape[1], begin.shape[1] - 1
    rounds = latency + 1  # spikes act after that: so many steps of a neuron can be done at once
    arrivals, ge = np.zeros(n_e * tile * LANES, np.float32), np.zeros(n_e * LANES, np.float32)
    v, fired = np.empty(n_e * LANES, np.float32), np.empty(n_e * LANES, np.int32)
    for j in range(n_e * LANES):
        v[j], fired[j] = _REST, _NEVER
    gi, gis = np.zeros(LANES, np.float32), np.zeros(rounds * LANES, np.float32)
    pending, above = np.zeros((2 * rounds, LANES), np.float32), np.zeros(rounds, np.int64)
    low, high = 0, 0
    for start in range(0, n_steps, tile):
        low, high = _until(step, low, start - slots + 1), _until(step, high, start + tile)
        _deliver(neuron, step, low, high, start, tile, weights, place, begin, slots, arrivals)
        stop = min(start + tile, n_steps)
        for n in range(start, stop, rounds):
            many = min(rounds, stop - n)
            _inhibition(gi, gis, pending, n, many, step_gi)
            for j in range(n_e):
                some = advance_lanes(
                    v, ge, fired, bar, j * LANES, arrivals, (j * tile + n - start) * LANES, gis,
                    n, many, refractory, lockout, step_e, step_ge, above,
                )  # fmt: skip
                if some:
                    for r in range(many):
                        for m in range(LANES):
                            if above[r] >> m & 1:
                                counts[j * LANES + m] += 1
                                pending[(n + r + latency) % len(pending), m] += _WEIGHT_IE


@kernel
def learn_kernel(  # type: ignore[no-untyped-def]
    neuron, step, n_steps, weights, delays, theta, block, slots, latency, refractory, lockout,
    step_e, step_ge, step_gi, step_theta, nu_pre, decay_x, decay_1, decay_2, counts,
):  # fmt: skip
    """Show one raster to one module that learns; changes weights ``[n_e, n_in]`` and theta."""
    n_e, rounds = weights.shape[0], latency + 1
    rows = -(-n_e // LANES) * LANES
    lines = np.zeros((rows, block + slots), np.float32)
    arrivals = np.empty(rows * block, np.float32)
    ge, v = np.zeros(rows, np.float32), np.empty(rows, np.float32)
    bar = np.empty(rows, np.float32)
    fired, before = np.empty(rows, np.int32), np.empty(rows, np.int32)
    for j in range(rows):
        v[j], fired[j], bar[j] = _REST, _NEVER, theta[j] + _BASE if j < n_e else _INF
    gi, gis = np.zeros(LANES, np.float32), np.zeros(rounds * LANES, np.float32)
    pending, above = np.zeros((2 * rounds, LANES), np.float32), np.zeros(rounds, np.int64)
    times, begin = _by_input(neuron, step, weights.shape[1])
    passed, first = np.empty(weights.shape[1], np.int64), 0
    for i in range(len(passed)):
        passed[i] = begin[i]
    for start in range(0, n_steps, block):
        stop = min(start + block, n_steps)
        last = _until(step, first, stop)
        for j in range(n_e):
            _shift(lines[j], block)
            _arrivals(neuron, step, first, last, start, weights[j], delays[j], lines[j])
        _transpose(lines, arrivals, block)
        first = last
        for j in range(rows):
            before[j] = fired[j]
        for n in range(start, stop, rounds):
            many = min(rounds, stop - n)
            _inhibition(gi, gis, pending, n, many, step_gi)
            for at in range(0, rows, LANES):
                some = advance_lanes(
                    v, ge, fired, bar, at, arrivals, at * block + (n - start) * LANES, gis, n,
                    many, refractory, lockout, step_e, step_ge, above,
                )  # fmt: skip
                if some:
                    for r in range(many):
                        row = (n + r + latency) % len(pending)
                        for m in range(LANES):
                            if above[r] >> m & 1:
                                counts[at + m] += 1
                                theta[at + m] += _THETA_PLUS
                                bar[at + m] = theta[at + m] + _BASE
                                for lane in range(LANES):
                                    pending[row, lane] += _WEIGHT_IE
        _pass(times, begin, passed, stop)
        for j in range(n_e):
            _learn(
                start, stop, times, begin, passed, weights[j], delays[j], np.int64(fired[j]),
                np.int64(before[j]), nu_pre, decay_x, decay_1, decay_2,
            )  # fmt: skip
    for j in range(n_e):
        theta[j] *= (1.0 - step_theta) ** n_steps


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


@kernel(counted=False, apart=True)
def _deliver(  # type: ignore[no-untyped-def]
    neuron, step, low, high, start, tile, weights, place, begin, slots, arrivals
):
    """Add what input spikes ``low`` to ``high`` bring during a tile to arrivals."""
    for k in range(low, high):
        i, since = np.int64(neuron[k]), start - np.int64(step[k])
        own, places = weights[i], place[i]
        early, late = max(since, 0), min(since + tile, slots)
        for s in range(np.int64(begin[i, early]), np.int64(begin[i, late])):
            add_lanes(arrivals, (np.int64(places[s]) - since) * LANES, own, s * LANES)


@kernel(counted=False, apart=True)
def _inhibition(gi, gis, pending, first, rounds, step_gi):  # type: ignore[no-untyped-def]
    """Write gi before each of some steps; spikes in these steps come too late for all of them."""
    for r in range(rounds):
        row = (first + r - 1) % len(pending)
        for m in range(LANES):
            g = gi[m] - step_gi * gi[m]
            gi[m] = (g if g > _TINY else _ZERO) + pending[row, m]
            gis[r * LANES + m] = gi[m]
            pending[row, m] = _ZERO


@kernel(counted=False, apart=True)
def _arrivals(neuron, step, first, last, start, weights, delays, line):  # type: ignore[no-untyped-def]
    for k in range(first, last):
        i = np.uint64(neuron[k])
        line[np.uint64(step[k] - start + delays[i])] += weights[i]


@kernel(counted=False, apart=True)
def _transpose(lines, arrivals, block):  # type: ignore[no-untyped-def]
    """Put `LANES` neurons side by side: neighbours in a vector, then time, then vectors."""
    for j0 in range(0, lines.shape[0], LANES):
        for t in range(block):
            at = j0 * block + t * LANES
            for m in range(LANES):
                arrivals[at + m] = lines[j0 + m, t]


@kernel
def _by_input(neuron, step, n_in):  # type: ignore[no-untyped-def]
    """Sort spikes by input: their steps, and where those of each input begin."""
    begin, free = np.zeros(n_in + 1, np.int64), np.empty(n_in, np.int64)
    times = np.empty(len(step), np.int64)
    for i in neuron:
        begin[i + 1] += 1
    for i in range(n_in):
        free[i] = begin[i]
        begin[i + 1] += begin[i]
    for k in range(len(step)):
        times[free[neuron[k]]] = step[k]
        free[neuron[k]] += 1
    return times, begin


@kernel(counted=False)
def _pass(times, begin, passed, stop):  # type: ignore[no-untyped-def]
    """Move on, for each input, to its first spike that is not before a step."""
    for i in range(len(passed)):
        while passed[i] < begin[i + 1] and times[passed[i]] < stop:
            passed[i] += 1


@kernel(counted=False, apart=True)
def _learn(  # type: ignore[no-untyped-def]
    start, stop, times, begin, passed, weights, delays, fired, before, nu_pre, decay_x, decay_1,
    decay_2,
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
    for i in range(len(weights)):
        change, newest = 0.0, np.int64(_NEVER)
        d = np.int64(delays[i])
        for q in range(passed[i] - 1, begin[i] - 1, -1):
            arrival = times[q] + d
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
