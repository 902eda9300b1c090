"""A block of the fast engine on a GPU; the functions and arguments are those of `fast_torch`.

    arrive     a program for a pair and a group of neurons; a lane adds to its own column of the
               arrivals, spike after spike, so that sums keep their order without atomic additions
    advance    a program for a pair: all its neurons with their state in registers, time inside;
               inhibition is a sum over lanes, kept in a small ring for `latency` steps
    learn      a program for a module and an input, over all neurons

Fused multiply-add is switched off, so that spikes equal those of the reference to the last one.
"""

from __future__ import annotations

from typing import Any, cast

import triton  # pyright: ignore[reportMissingImports]
import triton.language as tl  # pyright: ignore[reportMissingImports]
from torch import Tensor

from saccade.tasks.place_stdp.config_network import MODEL
from saccade.tasks.place_stdp.fast import FastSteps
from saccade.tasks.place_stdp.fast_torch import NEVER, Past, Spikes, State

__all__ = ["advance", "arrive", "learn"]

LANES = 64
"""Neurons of a program that gathers arrivals."""


@triton.jit
def _arrive_kernel(
    arrivals, module, image, neuron, step, bounds, weights, delays, block, blocks, start, span,
    n_in, n_e, LANES: tl.constexpr,
):  # fmt: skip
    pair = tl.program_id(0)
    j = tl.program_id(1) * LANES + tl.arange(0, LANES)
    ok = j < n_e
    own = weights + tl.load(module + pair).to(tl.int64) * n_in * n_e + j
    line = arrivals + pair.to(tl.int64) * span * n_e + j
    row = tl.load(image + pair) * (blocks + 1) + block
    for k in range(tl.load(bounds + row), tl.load(bounds + row + 1)):
        i, when = tl.load(neuron + k), tl.load(step + k) - start
        d = tl.load(delays + i * n_e + j, mask=ok, other=0)
        at = line + (when + d) * n_e
        new = tl.load(at, mask=ok, other=0.0) + tl.load(own + i * n_e, mask=ok, other=0.0)
        tl.store(at, new, mask=ok)


@triton.jit
def _advance_kernel(
    arrivals, v_at, ge_at, bar_at, fired_at, counts_at, gi_at, pending_at, start, length, span,
    n_e, latency, refractory, lockout, step_e, step_ge, step_gi,
    REST: tl.constexpr, RESET: tl.constexpr, INHIBITION: tl.constexpr, WEIGHT: tl.constexpr,
    RING: tl.constexpr, LANES: tl.constexpr,
):  # fmt: skip
    pair = tl.program_id(0)
    lane, slot = tl.arange(0, LANES), tl.arange(0, RING)
    ok, at = lane < n_e, pair * n_e + lane
    v = tl.load(v_at + at, mask=ok, other=0.0)
    ge = tl.load(ge_at + at, mask=ok, other=0.0)
    bar = tl.load(bar_at + at, mask=ok, other=float("inf"))
    fired = tl.load(fired_at + at, mask=ok, other=0)
    counts = tl.load(counts_at + at, mask=ok, other=0)
    gi, pending = tl.load(gi_at + pair), tl.load(pending_at + pair * RING + slot)
    line = arrivals + pair.to(tl.int64) * span * n_e + lane
    for n in range(start, start + length):
        since = n - fired
        pull = (REST - v) + (ge * (0.0 - v) + gi * (INHIBITION - v))
        v = tl.where(since < refractory, RESET, v + step_e * pull)
        left = ge - step_ge * ge
        ge = tl.where(left > 1e-30, left, 0.0) + tl.load(line, mask=ok, other=0.0)
        line += n_e
        fires = (v > bar) & (since >= lockout)
        many = tl.sum(fires.to(tl.int32), axis=0)
        here, due = n % RING, (n + latency) % RING  # pyright: ignore[reportOperatorIssue]
        pending = tl.where(slot == due, WEIGHT * many.to(tl.float32), pending)
        left = gi - step_gi * gi
        now = tl.sum(tl.where(slot == here, pending, 0.0), axis=0)
        gi = tl.where(left > 1e-30, left, 0.0) + now
        v, fired = tl.where(fires, RESET, v), tl.where(fires, n, fired)
        counts += fires.to(tl.int32)
    tl.store(v_at + at, v, mask=ok)
    tl.store(ge_at + at, ge, mask=ok)
    tl.store(fired_at + at, fired, mask=ok)
    tl.store(counts_at + at, counts, mask=ok)
    tl.store(gi_at + pair, gi)
    tl.store(pending_at + pair * RING + slot, pending)


@triton.jit
def _trace(decay, steps, size):
    known = (steps >= 0) & (steps < size)
    return tl.load(decay + tl.where(known, steps, 0), mask=known, other=0.0)


@triton.jit
def _learn_kernel(
    weights, delays, step, begin, passed, fired_at, before_at, decay_x, decay_1, decay_2, rates,
    size_x, size_1, size_2, start, stop, n_in, n_e,
    TOP: tl.constexpr, NEVER: tl.constexpr, LANES: tl.constexpr,
):  # fmt: skip
    module, i = tl.program_id(0), tl.program_id(1)
    j = tl.arange(0, LANES)
    ok = j < n_e
    d = tl.load(delays + i * n_e + j, mask=ok, other=0)
    last = tl.load(fired_at + module * n_e + j, mask=ok, other=NEVER)
    earlier = tl.load(before_at + module * n_e + j, mask=ok, other=NEVER)
    is_new = last >= start
    nu_pre, nu_post = tl.load(rates), tl.load(rates + 1)
    change = tl.zeros([LANES], tl.float64)
    newest = tl.full([LANES], NEVER, tl.int32)
    low, high = tl.load(begin + module * n_in + i), tl.load(passed + module * n_in + i)
    for back in range(high - low):
        arrival = tl.load(step + high - 1 - back) + d
        there = arrival < stop
        is_before = is_new & (arrival <= last)
        newest = tl.where(there & is_before & (newest == NEVER), arrival, newest)
        y1 = _trace(decay_1, arrival - tl.where(is_before, earlier, last), size_1)
        change += tl.where(there & (arrival >= start), nu_pre * y1, 0.0)
    y2 = tl.where(is_new, _trace(decay_2, last - earlier, size_2), 0.0)
    x = _trace(decay_x, last - newest, size_x)
    change += tl.where((newest != NEVER) & (y2 > 0), nu_post * x * y2, 0.0)
    at = weights + (module.to(tl.int64) * n_in + i) * n_e + j
    w = tl.load(at, mask=ok, other=0.0).to(tl.float64)
    w = tl.maximum(tl.minimum(w + change, TOP), 0.0).to(tl.float32)
    tl.store(at, w, mask=ok & (is_new | (start - last < size_1)))


def arrive(
    state: State, spikes: Spikes, weights: Tensor, delays: Tensor, block: int, steps: FastSteps
) -> None:
    """Add what the input spikes of a block bring; arguments as `fast_torch.arrive`."""
    pairs, span, n_e = state.arrivals.shape
    cast(Any, _arrive_kernel)[(pairs, triton.cdiv(n_e, LANES))](
        state.arrivals, state.module, state.image, spikes.neuron, spikes.step, spikes.bounds,
        weights, delays, block, spikes.bounds.shape[1] - 1, block * steps.block, span,
        weights.shape[1], n_e, LANES=LANES, num_warps=2, enable_fp_fusion=False,
    )  # fmt: skip


def advance(state: State, start: int, length: int, steps: FastSteps) -> None:
    """Advance all pairs by the steps of a block; arguments as `fast_torch.advance`."""
    pairs, span, n_e = state.arrivals.shape
    cast(Any, _advance_kernel)[(pairs,)](
        state.arrivals, state.v, state.ge, state.bar, state.fired, state.counts, state.gi,
        state.pending, start, length, span, n_e, steps.latency, steps.refractory, steps.lockout,
        float(steps.step_e), float(steps.step_ge), float(steps.step_gi), REST=MODEL.rest_e,
        RESET=MODEL.reset_e, INHIBITION=MODEL.reversal_gi_e, WEIGHT=MODEL.weight_ie,
        RING=state.pending.shape[1], LANES=triton.next_power_of_2(n_e), enable_fp_fusion=False,
    )  # fmt: skip


def learn(
    weights: Tensor,
    delays: Tensor,
    past: Past,
    fired: Tensor,
    before: Tensor,
    span: tuple[int, int],
    nu_pre: float,
    decays: tuple[Tensor, Tensor, Tensor],
) -> None:
    """Change weights by what happened in a block; arguments as `fast_torch.learn`."""
    modules, n_in, n_e = weights.shape
    rates = decays[0].new_tensor([nu_pre, MODEL.nu_post])
    cast(Any, _learn_kernel)[(modules, n_in)](
        weights, delays, past.step, past.begin, past.passed, fired, before, *decays, rates,
        *(len(decay) for decay in decays), *span, n_in, n_e, TOP=MODEL.weight_max, NEVER=NEVER,
        LANES=triton.next_power_of_2(n_e), enable_fp_fusion=False,
    )  # fmt: skip
