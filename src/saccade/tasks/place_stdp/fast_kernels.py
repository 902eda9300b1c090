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

__all__ = ["learn_kernel", "respond_kernel", "respond_one_kernel"]

_REST, _RESET = np.float32(MODEL.rest_e), np.float32(MODEL.reset_e)
_WEIGHT_IE = np.float32(MODEL.weight_ie)
_BASE, _THETA_PLUS = MODEL.threshold_e, MODEL.theta_plus
_NU_POST, _TOP = MODEL.nu_post, MODEL.weight_max
_TINY, _ZERO, _INF = np.float32(1e-30), np.float32(0), np.float32(np.inf)
_NEVER = -(1 << 30)


@kernel
def respond_kernel(  # type: ignore[no-untyped-def]
    neuron, step, n_steps, weights, place, begin, bar, tile, latency, refractory, lockout, step_e,
    step_ge, step_gi, counts,
):  # fmt: skip
    """Count the spikes of `LANES` modules that see one raster; adds to counts ``[n_e * LANES]``.

    The synapses of an input stand in order of delay: weights float32 ``[n_in, n_e * LANES]``,
    place int32 ``[n_in, n_e]``, neuron * tile + delay, and where those of each delay begin, int32
    ``[n_in, slots + 1]``. bar float32 ``[n_e * LANES]``, mV; infinite, it keeps a lane silent.
    """
    n_e, slots = place.shape[1], begin.shape[1] - 1
    arrivals, state = np.zeros(n_e * tile * LANES, np.float32), _rest(n_e * LANES, latency)
    low, high = 0, 0
    for start in range(0, n_steps, tile):
        low, high = _until(step, low, start - slots + 1), _until(step, high, start + tile)
        _deliver(neuron, step, low, high, start, tile, weights, place, begin, slots, arrivals)
        _advance(
            state, arrivals, bar, start, min(start + tile, n_steps), tile, latency, refractory,
            lockout, step_e, step_ge, step_gi, counts, False,
        )  # fmt: skip


@kernel
def respond_one_kernel(  # type: ignore[no-untyped-def]
    neuron, step, n_steps, weights, delays, bar, block, slots, latency, refractory, lockout, step_e,
    step_ge, step_gi, counts,
):  # fmt: skip
    """Count the spikes of one module, whose neurons stand side by side; adds to counts ``[rows]``.

    weights float32 and delays int16 ``[n_e, n_in]``, bar float32 ``[rows]``, rows being n_e rounded
    up to whole vectors.
    """
    rows, first = len(counts), 0
    lines = np.zeros((rows, block + slots), np.float32)
    arrivals, state = np.empty(rows * block, np.float32), _rest(rows, latency)
    for start in range(0, n_steps, block):
        stop = min(start + block, n_steps)
        last = _until(step, first, stop)
        _gather(neuron, step, first, last, start, block, weights, delays, lines, arrivals)
        _advance(
            state, arrivals, bar, start, stop, block, latency, refractory, lockout, step_e,
            step_ge, step_gi, counts, True,
        )  # fmt: skip
        first = last


@kernel
def learn_kernel(  # type: ignore[no-untyped-def]
    neuron, step, n_steps, weights, delays, theta, block, slots, latency, refractory, lockout,
    step_e, step_ge, step_gi, step_theta, nu_pre, decay_x, decay_1, decay_2, counts,
):  # fmt: skip
    """Show one raster to one module that learns; changes weights ``[n_e, n_in]`` and theta.

    counts are int32 ``[rows]``, rows being n_e rounded up to whole vectors.
    """
    n_e, n_in, rows = weights.shape[0], weights.shape[1], len(counts)
    lines = np.zeros((rows, block + slots), np.float32)
    arrivals, state = np.empty(rows * block, np.float32), _rest(rows, latency)
    bar, before, fired = np.empty(rows, np.float32), np.empty(rows, np.int32), state[2]
    for j in range(rows):
        bar[j] = theta[j] + _BASE if j < n_e else _INF
    times, begin, passed = _by_input(neuron, step, n_in)
    first = 0
    for start in range(0, n_steps, block):
        stop = min(start + block, n_steps)
        last = _until(step, first, stop)
        _gather(neuron, step, first, last, start, block, weights, delays, lines, arrivals)
        for j in range(rows):
            before[j] = fired[j]
        _advance(
            state, arrivals, bar, start, stop, block, latency, refractory, lockout, step_e,
            step_ge, step_gi, counts, True,
        )  # fmt: skip
        for j in range(n_e):
            if fired[j] >= start:
                theta[j] += _THETA_PLUS
                bar[j] = theta[j] + _BASE
        _pass(times, begin, passed, stop)
        _learn(
            start, stop, times, begin, passed, weights, delays, fired, before, nu_pre, decay_x,
            decay_1, decay_2,
        )  # fmt: skip
        first = last
    for j in range(n_e):
        theta[j] *= (1.0 - step_theta) ** n_steps


@kernel
def _rest(size, latency):  # type: ignore[no-untyped-def]
    """Return v, ge and the steps of last spikes; gi, inhibition to come, and room for a chunk."""
    v, fired, rounds = np.empty(size, np.float32), np.empty(size, np.int32), latency + 1
    for j in range(size):
        v[j], fired[j] = _REST, _NEVER
    gi, gis = np.zeros(LANES, np.float32), np.zeros(rounds * LANES, np.float32)
    pending, above = np.zeros((2 * rounds, LANES), np.float32), np.zeros(rounds, np.int64)
    return v, np.zeros(size, np.float32), fired, gi, pending, gis, above


@kernel(counted=False, apart=True)
def _advance(  # type: ignore[no-untyped-def]
    state, arrivals, bar, start, stop, tile, latency, refractory, lockout, step_e, step_ge,
    step_gi, counts, is_one,
):  # fmt: skip
    """Advance all vectors; a spike inhibits its lane (a module), or all lanes of the one module."""
    v, ge, fired, gi, pending, gis, above = state
    for n in range(start, stop, latency + 1):
        rounds = min(latency + 1, stop - n)
        _inhibition(gi, gis, pending, n, rounds, step_gi)
        for at in range(0, len(v), LANES):
            some = advance_lanes(
                v, ge, fired, bar, at, arrivals, at * tile + (n - start) * LANES, gis, n, rounds,
                refractory, lockout, step_e, step_ge, above,
            )  # fmt: skip
            if some:
                for r in range(rounds):
                    row = (n + r + latency) % len(pending)
                    for m in range(LANES):
                        if above[r] >> m & 1:
                            counts[at + m] += 1
                            for lane in range(LANES):
                                pending[row, lane] += _WEIGHT_IE if is_one or lane == m else _ZERO


@kernel
def _until(step, first, stop):  # type: ignore[no-untyped-def]
    """Return the first spike from ``first`` on that is not before a step."""
    while first < len(step) and step[first] < stop:
        first += 1
    return first


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
def _gather(  # type: ignore[no-untyped-def]
    neuron, step, first, last, start, block, weights, delays, lines, arrivals
):
    """Add what input spikes bring, neuron by neuron; lines also hold what arrives after a block.

    arrivals get `LANES` neighbours side by side, then time, then vectors.
    """
    for j in range(len(lines)):
        line, at = lines[j], j // LANES * LANES * block + j % LANES
        for t in range(len(line)):
            line[t] = line[t + block] if t + block < len(line) else _ZERO
        if j < len(weights):
            own, late = weights[j], delays[j]
            for k in range(first, last):
                i = np.uint64(neuron[k])
                line[np.uint64(step[k] - start + late[i])] += own[i]
        for t in range(block):
            arrivals[at + t * LANES] = line[t]


@kernel
def _by_input(neuron, step, n_in):  # type: ignore[no-untyped-def]
    """Sort spikes by input: their steps, where those of each input begin, and that once more."""
    begin, free = np.zeros(n_in + 1, np.int64), np.empty(n_in, np.int64)
    passed = np.empty(n_in, np.int64)
    times = np.empty(len(step), np.int64)
    for i in neuron:
        begin[i + 1] += 1
    for i in range(n_in):
        free[i] = passed[i] = begin[i]
        begin[i + 1] += begin[i]
    for k in range(len(step)):
        times[free[neuron[k]]] = step[k]
        free[neuron[k]] += 1
    return times, begin, passed


@kernel(counted=False)
def _pass(times, begin, passed, stop):  # type: ignore[no-untyped-def]
    """Move on, for each input, to its first spike that is not before a step."""
    for i in range(len(passed)):
        while passed[i] < begin[i + 1] and times[passed[i]] < stop:
            passed[i] += 1


@kernel(counted=False, apart=True)
def _learn(  # type: ignore[no-untyped-def]
    start, stop, times, begin, passed, weights, delays, last, earlier, nu_pre, decay_x, decay_1,
    decay_2,
):  # fmt: skip
    """Change weights by what happened in a block.

    Input spikes that arrive in it change w by nu_pre y1, y1 from the neuron's latest spike before
    them; a spike of the neuron in it adds nu_post x y2, y2 from the spike before that one.
    """
    for j in range(len(weights)):
        fired, before = np.int64(last[j]), np.int64(earlier[j])
        own, late = weights[j], delays[j]
        is_new = fired >= start
        if not is_new and start - fired >= len(decay_1):
            continue
        y2 = 0.0
        if is_new and before != _NEVER and fired - before < len(decay_2):
            y2 = decay_2[fired - before]
        latest = before if is_new else fired
        for i in range(len(own)):
            change, newest = 0.0, np.int64(_NEVER)
            d = np.int64(late[i])
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
            own[i] = np.float32(max(min(own[i] + change, _TOP), 0.0))
