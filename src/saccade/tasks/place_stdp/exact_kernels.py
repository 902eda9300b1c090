"""Compiled steps of the exact engine: what `equations` says, done only where something happens.

    synapses   those of an input stand in order of delay: the ones that an input spike reaches now
               are neighbours, so a step costs what arrives in it, not what was wired
    x          the time since an arrival follows from the input's own spikes and the delay, when a
               spike of E asks for it; nothing is stored per synapse
    y1, y2     one per neuron
    E-I-E      one to one and all but one: a count, no matrix
    frozen v   equals the reset potential, so it is put back after the sweep over all neurons

Sweeps over neurons have no branches, so they become vector instructions; conductances below 1e-200
are set to 0, because arithmetic on denormal numbers is slow.
"""

from __future__ import annotations

import numpy as np

from saccade.jit import kernel
from saccade.tasks.place_stdp.config_network import MODEL

__all__ = ["NO_SPIKE", "chain", "order_by_delay", "pairs_kernel", "run_kernel", "scale_columns"]

NO_SPIKE = -1

_REST_E, _REST_I = MODEL.rest_e, MODEL.rest_i
_RESET_E, _RESET_I = MODEL.reset_e, MODEL.reset_i
_BASE_E, _BASE_I = MODEL.threshold_e, MODEL.threshold_i
_INHIBITION = MODEL.reversal_gi_e
_WEIGHT_EI, _WEIGHT_IE = MODEL.weight_ei, MODEL.weight_ie
_THETA_PLUS, _NU_POST, _TOP = MODEL.theta_plus, MODEL.nu_post, MODEL.weight_max
_TINY = 1e-200


@kernel
def order_by_delay(weights, delays, slots):  # type: ignore[no-untyped-def]
    """Sort the synapses of each input by delay.

    Returns weights ``[n_in, n_e]`` in that order, the neuron each one reaches, where those of each
    delay begin ``[n_in, slots + 1]``, and the place of each neuron ``[n_e, n_in]``.
    """
    n_in, n_e = weights.shape
    ordered, target = np.empty_like(weights), np.empty((n_in, n_e), np.uint16)
    begin, place = np.zeros((n_in, slots + 1), np.uint16), np.empty((n_e, n_in), np.uint16)
    for i in range(n_in):
        for j in range(n_e):
            begin[i, delays[i, j] + 1] += 1
        for d in range(slots):
            begin[i, d + 1] += begin[i, d]
        free = begin[i].copy()
        for j in range(n_e):
            k = free[delays[i, j]]
            free[delays[i, j]] += 1
            ordered[i, k], target[i, k], place[j, i] = weights[i, j], j, k
    return ordered, target, begin, place


@kernel
def scale_columns(ordered, target, n_e, total):  # type: ignore[no-untyped-def]
    """Scale the weights of every neuron to a sum; neurons without weights are left."""
    sums = np.zeros(n_e)
    for i in range(ordered.shape[0]):
        for k in range(ordered.shape[1]):
            sums[target[i, k]] += ordered[i, k]
    for j in range(n_e):
        sums[j] = total / sums[j] if sums[j] != 0.0 else 1.0
    for i in range(ordered.shape[0]):
        for k in range(ordered.shape[1]):
            ordered[i, k] *= sums[target[i, k]]


@kernel
def chain(neuron, n_in):  # type: ignore[no-untyped-def]
    """Return for each spike the spike of the same input before it, `NO_SPIKE` for the first."""
    newest, before = np.full(n_in, NO_SPIKE), np.empty(len(neuron), np.int64)
    for k in range(len(neuron)):
        before[k] = newest[neuron[k]]
        newest[neuron[k]] = k
    return before


@kernel
def run_kernel(  # type: ignore[no-untyped-def]
    learn, first, n_steps, neuron, step, before, ordered, target, begin, place, delays, theta, v_e,
    v_i, ge_e, gi_e, ge_i, last_e, last_i, arrived, origin, f, decay_x, decay_1, decay_2,
):  # fmt: skip
    """Advance a module; returns the spikes of E and of I as (neuron, step - first)."""
    n_in, n_e = ordered.shape
    newest = np.full(n_in, NO_SPIKE)
    y1 = np.zeros(n_e)
    wait = np.zeros(n_e)
    for j in range(n_e):
        y1[j] = f.nu_pre * _at(decay_1, first - 1 - last_e[j])
        if first - max(last_e[j], origin) < f.lockout:
            wait[j] = np.inf
    out_e, out_i = np.empty((n_e, 2), np.int32), np.empty((n_e, 2), np.int32)
    many_e, many_i, low, high = 0, 0, 0, 0
    locked = np.argsort(np.maximum(last_e, origin))  # in the order in which they are released
    queue = np.empty(n_e, np.int64)
    head, waiting = 0, 0
    for j in locked:
        if wait[j] > 0:
            queue[waiting] = j
            waiting += 1
    fresh = decay_1[1]
    for n in range(first, first + n_steps):
        while high < len(step) and step[high] <= n:
            newest[neuron[high]] = high
            high += 1
        while low < high and step[low] <= n - f.delay_slots:
            low += 1
        while waiting and n - max(last_e[queue[head]], origin) >= f.lockout:
            wait[queue[head]] = 0.0
            head = (head + 1) % n_e
            waiting -= 1
        _advance(v_e, ge_e, gi_e, v_i, ge_i, f)
        _freeze(v_e, last_e, n - f.refractory_e, _RESET_E)
        _freeze(v_i, last_i, n - f.refractory_i, _RESET_I)
        if learn:
            _fade(theta, y1, f.step_theta, fresh)
        _arrive(learn, n, low, high, neuron, step, ordered, target, begin, ge_e, y1)
        if _any_above(v_i, _BASE_I):
            out_i, many_i = _inhibit(n, first, v_i, gi_e, last_i, f.refractory_i, out_i, many_i)
        if not _any_over(v_e, theta, wait):
            continue
        for j in range(n_e):
            if v_e[j] > (theta[j] + _BASE_E) + wait[j] and n - last_e[j] >= f.refractory_e:
                ge_i[j] += _WEIGHT_EI
                if learn:
                    y2 = _at(decay_2, n - last_e[j])
                    _strengthen(
                        j, n, y2, newest, before, step, arrived, delays, place, ordered, decay_x
                    )
                    theta[j] += _THETA_PLUS
                    y1[j] = f.nu_pre
                v_e[j], last_e[j] = _RESET_E, n
                if f.lockout > 1:
                    wait[j] = np.inf
                    queue[(head + waiting) % n_e] = j
                    waiting += 1
                if many_e == len(out_e):
                    out_e = np.concatenate((out_e, np.empty_like(out_e)))
                out_e[many_e, 0], out_e[many_e, 1] = j, n - first
                many_e += 1
    return out_e[:many_e], out_i[:many_i]


@kernel
def pairs_kernel(ordered, target, begin, place, delays, pre, pre_step, before, post, post_step,
                 at, nu_pre, slots, decay_x, decay_1, decay_2):  # type: ignore[no-untyped-def]  # fmt: skip
    """Apply the learning rule to imposed spikes; returns the weights before each step of ``at``."""
    n_in, n_e = ordered.shape
    snapshots = np.empty((len(at), n_in, n_e))
    newest, last = np.full(n_in, NO_SPIKE), np.full(n_e, np.int64(-(1 << 40)))
    never, ge, y1 = last[:1].repeat(n_in), np.zeros(n_e), np.zeros(n_e)
    low, high, done = 0, 0, 0
    for n in range(at.max() + 1):
        for k in range(len(at)):
            if at[k] == n:
                for i in range(n_in):
                    for j in range(n_e):
                        snapshots[k, i, j] = ordered[i, place[j, i]]
        while high < len(pre) and pre_step[high] <= n:
            newest[pre[high]] = high
            high += 1
        while low < high and pre_step[low] <= n - slots:
            low += 1
        for j in range(n_e):
            y1[j] = nu_pre * _at(decay_1, n - last[j])
        _arrive(True, n, low, high, pre, pre_step, ordered, target, begin, ge, y1)
        while done < len(post) and post_step[done] == n:
            j = post[done]
            y2 = _at(decay_2, n - last[j])
            _strengthen(j, n, y2, newest, before, pre_step, never, delays, place, ordered, decay_x)
            last[j] = n
            done += 1
    return snapshots


@kernel(counted=False)
def _at(table, steps):  # type: ignore[no-untyped-def]
    return table[steps] if steps < len(table) else 0.0


@kernel(counted=False, apart=True)
def _advance(v_e, ge_e, gi_e, v_i, ge_i, f):  # type: ignore[no-untyped-def]
    """One Euler step of all potentials and conductances from their old values."""
    for j in range(len(v_e)):
        v, ge, gi = v_e[j], ge_e[j], gi_e[j]
        v_e[j] = v + f.step_e * ((_REST_E - v) + (ge * (0.0 - v) + gi * (_INHIBITION - v)))
    for j in range(len(ge_e)):
        ge = ge_e[j] - f.step_ge * ge_e[j]
        ge_e[j] = ge if ge > _TINY else 0.0
    for j in range(len(gi_e)):
        gi = gi_e[j] - f.step_gi * gi_e[j]
        gi_e[j] = gi if gi > _TINY else 0.0
    for j in range(len(v_i)):
        v, ge = v_i[j], ge_i[j]
        v_i[j] = v + f.step_i * ((_REST_I - v) + ge * (0.0 - v))
        ge = ge - f.step_ge * ge
        ge_i[j] = ge if ge > _TINY else 0.0


@kernel(counted=False, apart=True)
def _freeze(v, last, since, reset):  # type: ignore[no-untyped-def]
    for j in range(len(v)):
        v[j] = reset if last[j] > since else v[j]


@kernel(counted=False, apart=True)
def _fade(theta, y1, step_theta, fresh):  # type: ignore[no-untyped-def]
    for j in range(len(theta)):
        theta[j] = theta[j] - step_theta * theta[j]
    for j in range(len(y1)):
        y = y1[j] * fresh
        y1[j] = y if abs(y) > _TINY else 0.0


@kernel(counted=False, apart=True)
def _arrive(learn, n, low, high, neuron, step, ordered, target, begin, ge, y1):  # type: ignore[no-untyped-def]
    """Deliver what input spikes reach now; a pre event adds the old weight, then changes it."""
    for k in range(low, high):
        i, d = neuron[k], n - step[k]
        if learn:
            for s in range(begin[i, d], begin[i, d + 1]):
                j, w = target[i, s], ordered[i, s]
                ge[j] += w
                w += y1[j]
                ordered[i, s] = max(min(w, _TOP), 0.0)
        else:
            for s in range(begin[i, d], begin[i, d + 1]):
                ge[target[i, s]] += ordered[i, s]


@kernel(counted=False, apart=True)
def _strengthen(j, n, y2, newest, before, step, arrived, delays, place, ordered, decay_x):  # type: ignore[no-untyped-def]
    """Post event: w_ij += nu_post x_ij y2 for all inputs of a neuron."""
    rate = _NU_POST * y2
    for i in range(len(newest)):
        k, d = newest[i], np.int64(delays[i, j])
        while k >= 0 and step[k] + d > n:
            k = before[k]
        since = n - d - (step[k] if k >= 0 else arrived[i])
        s = place[j, i]
        ordered[i, s] = max(min(ordered[i, s] + rate * _at(decay_x, since), _TOP), 0.0)


@kernel(counted=False, apart=True)
def _any_above(v, bar):  # type: ignore[no-untyped-def]
    many = 0
    for j in range(len(v)):
        many += v[j] > bar
    return many > 0


@kernel(counted=False, apart=True)
def _any_over(v, theta, wait):  # type: ignore[no-untyped-def]
    many = 0
    for j in range(len(v)):
        many += v[j] > (theta[j] + _BASE_E) + wait[j]
    return many > 0


@kernel
def _inhibit(n, first, v_i, gi_e, last_i, refractory, out_i, many_i):  # type: ignore[no-untyped-def]
    """Fire the inhibitory neurons above threshold: each inhibits all E but its partner."""
    for j in range(len(v_i)):
        if v_i[j] > _BASE_I and n - last_i[j] >= refractory:
            gi_e += _WEIGHT_IE
            gi_e[j] -= _WEIGHT_IE
            v_i[j], last_i[j] = _RESET_I, n
            if many_i == len(out_i):
                out_i = np.concatenate((out_i, np.empty_like(out_i)))
            out_i[many_i, 0], out_i[many_i, 1] = j, n - first
            many_i += 1
    return out_i, many_i
