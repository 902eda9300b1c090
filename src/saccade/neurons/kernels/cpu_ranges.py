"""Compiled walks over a range of neurons: blocks outside, time inside.

Tensors come as addresses ``at`` (0: absent) and ``channels`` says how many values each parameter
has; ``numbers`` is `Rule.numbers`. ``first`` and ``last`` delimit the range in a step of N neurons;
``inner`` is the number of consecutive neurons that share a channel.
"""

from __future__ import annotations

from typing import Any

from saccade.jit import kernel
from saccade.neurons.kernels.cpu_loops import (
    add_parameter_gradients,
    carried_row,
    charge_hard,
    charge_soft,
    fill_level,
    fill_row,
    fire_hard,
    fire_soft,
    gradient_hard,
    gradient_soft,
    start_gradient,
)
from saccade.neurons.kernels.cpu_memory import memory
from saccade.neurons.kernels.cpu_rows import (
    DECAY,
    G_DECAY,
    G_GAIN,
    G_THETA,
    GAIN,
    GH,
    GV,
    HISTORY,
    LANES,
    THETA,
    V,
    Z,
)

__all__ = ["backward_range", "forward_range"]


@kernel
def fill_block(p: Any, strict: bool, start: int, n: int, inner: int, w: Any) -> None:
    """Write the four parameter rows of a block."""
    fill_row(DECAY, p[0], start, n, inner, w)
    fill_row(GAIN, p[1], start, n, inner, w)
    fill_row(THETA, p[2], start, n, inner, w)
    fill_level(n, strict, w)


@kernel
def start_rows(v0: Any, z0: Any, start: int, n: int, rest: Any, w: Any) -> None:
    """Write the rows V and Z as they are before the first step."""
    for j in range(n):
        w[V + j] = v0[start + j] if v0.size > 0 else rest
    for j in range(n):
        w[Z + j] = z0[start + j] if z0.size > 0 else w.dtype.type(0.0)


@kernel
def apply_pending_reset(n: int, reset: Any, w: Any) -> None:
    """Delayed hard reset by spikes that were fired before this sequence."""
    for j in range(n):
        if w[Z + j] != 0:
            w[V + j] = reset


@kernel
def parameters(at: Any, channels: Any, w: Any) -> Any:
    """Decay, gain and threshold as arrays, and whether any has one value per channel."""
    p = (memory(at[0], channels[0], w), memory(at[1], channels[1], w))
    return (*p, memory(at[2], channels[2], w)), channels[0] + channels[1] + channels[2] > 3


@kernel
def forward_range(
    at: Any,
    channels: Any,
    numbers: Any,
    steps: int,
    N: int,
    inner: int,
    first: int,
    last: int,
    w: Any,
) -> None:
    """Spikes of all steps and, where it has an address, the final potential.

    ``at``: x, v0, z0, decay, gain, threshold, spikes, v.
    """
    soft, delayed, strict = numbers[2], numbers[3], numbers[4]
    rest, reset = w.dtype.type(numbers[0]), w.dtype.type(numbers[1])
    x, s = memory(at[0], steps * N, w), memory(at[6], steps * N, w)
    v0 = memory(at[1], N if at[1] != 0 else 0, w)
    z0 = memory(at[2], N if at[2] != 0 else 0, w)
    v = memory(at[7], N if at[7] != 0 else 0, w)
    p, per_channel = parameters(at[3:6], channels, w)
    if not per_channel:
        fill_block(p, strict, 0, min(LANES, last - first), inner, w)
    for start in range(first, last, LANES):
        n = min(LANES, last - start)
        if per_channel:
            fill_block(p, strict, start, n, inner, w)
        start_rows(v0, z0, start, n, rest, w)
        if delayed and not soft:
            apply_pending_reset(n, reset, w)
        for t in range(steps):
            now = slice(t * N + start, t * N + start + n)
            if soft:
                fire_soft(w, x[now], s[now], rest, delayed)
            else:
                fire_hard(w, x[now], s[now], rest, reset, delayed and t == steps - 1)
        if v.size > 0:
            for j in range(n):
                v[start + j] = w[V + j]


@kernel
def backward_block(
    g: Any,
    gv: Any,
    x: Any,
    v0: Any,
    z0: Any,
    rule: Any,
    want: bool,
    steps: int,
    start: int,
    n: int,
    block: int,
    gx: Any,
    w: Any,
) -> None:
    """Charge forwards into the history, then differentiate backwards through it."""
    rest, reset, soft, delayed, through, code, a, b = rule
    N = x.size // steps
    zero = x.dtype.type(0.0)
    for t in range(steps):
        now = slice(t * N + start, t * N + start + n)
        past = w[HISTORY + t * block : HISTORY + t * block + n]
        if soft:
            charge_soft(w, x[now], past, rest, delayed)
        else:
            charge_hard(w, x[now], past, rest, reset)
    for j in range(n):
        w[GV + j] = gv[start + j] if gv.size > 0 else zero
        w[GH + j] = zero
        if want:
            w[G_DECAY + j] = zero
            w[G_GAIN + j] = zero
            w[G_THETA + j] = zero
    for t in range(steps - 1, -1, -1):
        now = slice(t * N + start, t * N + start + n)
        at = HISTORY + t * block
        past = w[at : at + n]
        start_gradient(w, past, code, a, b)
        if soft:
            gradient_soft(w, g[now], gx[now], past, through, delayed, want)
        else:
            pending = delayed and t == steps - 1
            passed = zero if pending else through
            gradient_hard(w, g[now], gx[now], past, reset, passed, not pending, want)
        if not want:
            continue
        if t > 0:
            carried_row(w, w[at - block : at - block + n], reset, soft, delayed)
        else:
            start_rows(v0, z0, start, n, rest, w)
            if delayed and not soft:
                apply_pending_reset(n, reset, w)
        add_parameter_gradients(w, x[now], rest)


@kernel
def finish_state(
    v0: Any, z0: Any, rule: Any, start: int, n: int, gv0: Any, gz0: Any, w: Any
) -> None:
    """Gradients with respect to the potential and the pending spikes before the first step."""
    rest, reset, soft, delayed, through, _, _, _ = rule
    start_rows(v0, z0, start, n, rest, w)
    for j in range(n):
        gate = delayed and not soft and w[Z + j] != 0
        if gv0.size > 0:
            gv0[start + j] = w.dtype.type(0.0) if gate else w[GV + j]
        pull = w.dtype.type(0.0)
        if soft and delayed:
            w[G_THETA + j] -= w[Z + j] * w[GH + j]
            pull = -w[THETA + j] * w[GH + j]
        elif delayed:
            pull = w[GV + j] * (reset - w[V + j])
        if gz0.size > 0:
            gz0[start + j] = through * pull


@kernel
def fold(row: Any) -> float:
    """Sum a row by halves (destroying it): vectorized, and as exact as pairwise summation."""
    m = row.size
    while m > 4:
        half = (m + 1) // 2
        low, high = row[0 : m - half], row[half:m]
        for j in range(low.size):
            low[j] += high[j]
        m = half
    total = 0.0
    for j in range(m):
        total += row[j]
    return total


@kernel
def reduce_rows(sums: Any, p: Any, start: int, n: int, inner: int, w: Any) -> None:
    """Add the lanes' parameter gradients to the sums [3, channels], in double precision."""
    for which in range(3):
        begin = G_DECAY + which * (G_GAIN - G_DECAY)
        row, size = w[begin : begin + n], p[which].size
        if size == 1:
            sums[which, 0] += fold(row)
            continue
        j = 0
        while j < n:
            channel = ((start + j) // inner) % size
            stop = min(n, j + inner - (start + j) % inner)
            sums[which, channel] += fold(row[j:stop])
            j = stop


@kernel
def backward_range(
    at: Any,
    channels: Any,
    numbers: Any,
    want: bool,
    steps: int,
    N: int,
    inner: int,
    first: int,
    last: int,
    block: int,
    sums: Any,
    w: Any,
) -> None:
    """Gradients of a range of neurons; ``want`` says whether parameters need theirs.

    ``at``: grad spikes, grad v, x, v0, z0, decay, gain, threshold, grad x, grad v0, grad z0.
    """
    real = w.dtype.type
    soft, delayed, strict, code = numbers[2], numbers[3], numbers[4], numbers[6]
    rest, reset, through = real(numbers[0]), real(numbers[1]), real(numbers[5])
    rule = (rest, reset, soft, delayed, through, code, real(numbers[7]), real(numbers[8]))
    g, gv = memory(at[0], steps * N, w), memory(at[1], N if at[1] != 0 else 0, w)
    x, gx = memory(at[2], steps * N, w), memory(at[8], steps * N, w)
    v0 = memory(at[3], N if at[3] != 0 else 0, w)
    z0 = memory(at[4], N if at[4] != 0 else 0, w)
    gv0 = memory(at[9], N if at[9] != 0 else 0, w)
    gz0 = memory(at[10], N if at[10] != 0 else 0, w)
    p, per_channel = parameters(at[5:8], channels, w)
    if not per_channel:
        fill_block(p, strict, 0, min(block, last - first), inner, w)
    for start in range(first, last, block):
        n = min(block, last - start)
        if per_channel:
            fill_block(p, strict, start, n, inner, w)
        start_rows(v0, z0, start, n, rest, w)
        if delayed and not soft:
            apply_pending_reset(n, reset, w)
        backward_block(g, gv, x, v0, z0, rule, want, steps, start, n, block, gx, w)
        if (want and soft and delayed) or gv0.size > 0 or gz0.size > 0:
            finish_state(v0, z0, rule, start, n, gv0, gz0, w)
        if want:
            reduce_rows(sums, p, start, n, inner, w)
