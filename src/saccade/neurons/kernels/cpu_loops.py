"""Compiled loops over one block of neurons: a step forward, a step charged again, a step back.

The rows are those of `cpu_rows`; `cpu_ranges` walks over blocks and time.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from saccade.jit import kernel
from saccade.neurons.kernels.cpu_rows import (
    DECAY,
    G_DECAY,
    G_GAIN,
    G_THETA,
    GAIN,
    GH,
    GV,
    LEVEL,
    PHI,
    THETA,
    V,
    Z,
)
from saccade.neurons.kernels.cpu_surrogate import surrogate_row


@kernel
def fill_row(row: int, values: Any, start: int, n: int, inner: int, w: Any) -> None:
    """Write a parameter (one value, or one per channel) of neurons start..start+n into a row."""
    if values.size == 1:
        for j in range(n):
            w[row + j] = values[0]
        return
    j = 0
    while j < n:
        channel = ((start + j) // inner) % values.size
        stop = min(n, j + inner - (start + j) % inner)
        for k in range(j, stop):
            w[row + k] = values[channel]
        j = stop


@kernel
def fill_level(n: int, strict: bool, w: Any) -> None:
    """Row LEVEL: firing at [v > theta] is firing at [v >= the next number above theta]."""
    last, level = w.dtype.type(np.nan), w.dtype.type(0.0)
    for j in range(n):
        theta = w[THETA + j]
        if theta != last:
            last = theta
            level = np.nextafter(theta, w.dtype.type(np.inf)) if strict else theta
        w[LEVEL + j] = level


@kernel
def fire_hard(w: Any, x: Any, s: Any, rest: Any, reset: Any, hold: bool) -> None:
    """One step with hard reset; ``hold`` leaves the potential as it was when it fired."""
    one, zero = x.dtype.type(1.0), x.dtype.type(0.0)
    for j in range(x.size):
        h = w[DECAY + j] * (w[V + j] - rest) + w[GAIN + j] * x[j] + rest
        fired = h >= w[LEVEL + j]
        s[j] = one if fired else zero
        w[V + j] = reset if (fired and not hold) else h


@kernel
def fire_soft(w: Any, x: Any, s: Any, rest: Any, delayed: bool) -> None:
    """One step with reset by subtraction, in the same step or (``delayed``) in the next one."""
    one, zero = x.dtype.type(1.0), x.dtype.type(0.0)
    if delayed:
        for j in range(x.size):
            kept = w[DECAY + j] * (w[V + j] - rest) - w[Z + j] * w[THETA + j]
            h = kept + w[GAIN + j] * x[j] + rest
            z = one if h >= w[LEVEL + j] else zero
            s[j] = z
            w[Z + j] = z
            w[V + j] = h
        return
    for j in range(x.size):
        h = w[DECAY + j] * (w[V + j] - rest) + w[GAIN + j] * x[j] + rest
        z = one if h >= w[LEVEL + j] else zero
        s[j] = z
        w[V + j] = h - z * w[THETA + j]


@kernel
def charge_hard(w: Any, x: Any, past: Any, rest: Any, reset: Any) -> None:
    """As `fire_hard`, but keep the potential at firing in the history instead of the spikes."""
    for j in range(x.size):
        h = w[DECAY + j] * (w[V + j] - rest) + w[GAIN + j] * x[j] + rest
        past[j] = h
        w[V + j] = reset if h >= w[LEVEL + j] else h


@kernel
def charge_soft(w: Any, x: Any, past: Any, rest: Any, delayed: bool) -> None:
    """As `fire_soft`, but keep the potential at firing in the history instead of the spikes."""
    one, zero = x.dtype.type(1.0), x.dtype.type(0.0)
    if delayed:
        for j in range(x.size):
            kept = w[DECAY + j] * (w[V + j] - rest) - w[Z + j] * w[THETA + j]
            h = kept + w[GAIN + j] * x[j] + rest
            past[j] = h
            w[V + j] = h
            w[Z + j] = one if h >= w[LEVEL + j] else zero
        return
    for j in range(x.size):
        h = w[DECAY + j] * (w[V + j] - rest) + w[GAIN + j] * x[j] + rest
        past[j] = h
        w[V + j] = h - (one if h >= w[LEVEL + j] else zero) * w[THETA + j]


@kernel
def start_gradient(w: Any, past: Any, code: int, a: Any, b: Any) -> None:
    """Row PHI = surrogate of the distance to the threshold at this step."""
    for j in range(past.size):
        w[PHI + j] = past[j] - w[THETA + j]
    surrogate_row(w, past.size, code, a, b)


@kernel
def gradient_hard(
    w: Any, g: Any, gx: Any, past: Any, reset: Any, through: Any, gate: bool, keep: bool
) -> None:
    """One step back through hard reset.

    GV holds dL/dv after the reset; ``through`` is 1 where the gradient also flows through the
    spike that resets, ``gate`` is off at the last step of a delayed reset (it has not acted yet).
    With ``keep`` the rows GH and PHI become dL/dv and dL/d threshold of this step. Then the work is
    cut into loops that write two rows at most: with three the compiler stops vectorizing.
    """
    zero = gx.dtype.type(0.0)
    if not keep:
        for j in range(gx.size):
            h, gv = past[j], w[GV + j]
            gs = g[j] + through * (gv * (reset - h))
            gh = gs * w[PHI + j] + (zero if (gate and h >= w[LEVEL + j]) else gv)
            gx[j] = w[GAIN + j] * gh
            w[GV + j] = w[DECAY + j] * gh
        return
    for j in range(gx.size):
        gs = g[j] + through * (w[GV + j] * (reset - past[j]))
        w[PHI + j] = -(gs * w[PHI + j])
    for j in range(gx.size):
        gated = zero if (gate and past[j] >= w[LEVEL + j]) else w[GV + j]
        w[GH + j] = gated - w[PHI + j]
    hand_on(w, gx)


@kernel
def gradient_soft(
    w: Any, g: Any, gx: Any, past: Any, through: Any, delayed: bool, keep: bool
) -> None:
    """One step back through reset by subtraction; ``keep`` as in `gradient_hard`."""
    zero = gx.dtype.type(0.0)
    if not keep and not delayed:
        for j in range(gx.size):
            gv = w[GV + j]
            gh = (g[j] - through * (gv * w[THETA + j])) * w[PHI + j] + gv
            gx[j] = w[GAIN + j] * gh
            w[GV + j] = w[DECAY + j] * gh
        return
    for j in range(gx.size):
        gv = w[GV + j]
        taken = w[GH + j] if delayed else gv
        pulse = (g[j] - through * (taken * w[THETA + j])) * w[PHI + j]
        w[PHI + j] = -pulse - (taken if past[j] >= w[LEVEL + j] else zero)
        w[GH + j] = pulse + gv
    hand_on(w, gx)


@kernel
def hand_on(w: Any, gx: Any) -> None:
    """From dL/dv in row GH: the input's gradient, and dL/dv of the step before."""
    for j in range(gx.size):
        gh = w[GH + j]
        gx[j] = w[GAIN + j] * gh
        w[GV + j] = w[DECAY + j] * gh


@kernel
def add_parameter_gradients(w: Any, x: Any, rest: Any) -> None:
    """Add this step's part; row V holds what the membrane brought into the step."""
    for j in range(x.size):
        gh = w[GH + j]
        w[G_DECAY + j] += gh * (w[V + j] - rest)
        w[G_GAIN + j] += gh * x[j]
        w[G_THETA + j] += w[PHI + j]


@kernel
def carried_row(w: Any, past: Any, reset: Any, soft: bool, delayed: bool) -> None:
    """Row V = what the membrane carried out of a step, from its potential at firing."""
    zero = w.dtype.type(0.0)
    for j in range(past.size):
        h = past[j]
        fired = h >= w[LEVEL + j]
        if soft:
            w[V + j] = h - (w[THETA + j] if (fired and not delayed) else zero)
        else:
            w[V + j] = reset if fired else h
