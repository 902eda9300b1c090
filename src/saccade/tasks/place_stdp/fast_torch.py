"""A block of the fast engine in plain torch: pairs of a module and an image side by side.

    arrive     G_pj(n) = sum of w_ij over input spikes at n - d_ij, in the order of the spikes
    advance    one Euler step of all neurons of all pairs after the other
    learn      weights change by what happened in the block

Every pair p has a module and an image: all modules with all images in a test, each module with its
own image in training. The same three functions stand in `_fast_triton`; `fast_device` calls either.
Spikes are those of `fast_reference` to the last one.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from saccade.tasks.place_stdp.config_network import MODEL
from saccade.tasks.place_stdp.fast import FastSteps

__all__ = ["NEVER", "Past", "Spikes", "State", "advance", "arrive", "learn"]

NEVER = -(1 << 30)
"""Step of the last spike of a neuron that has not fired."""

_TINY = 1e-30


@dataclass(frozen=True, eq=False)
class Spikes:
    """Input spikes of some images, one after the other.

    Args:
        neuron: int32 ``[S]``.
        step: int32 ``[S]``, non-decreasing in each image.
        bounds: int32 ``[images, blocks + 1]``, where those of each block begin.
    """

    neuron: Tensor
    step: Tensor
    bounds: Tensor


@dataclass(frozen=True, eq=False)
class Past:
    """The same spikes sorted by image, then input, for learning.

    Args:
        step: int32 ``[S]``.
        begin: int32 ``[images, n_in]``, where those of each input begin.
        passed: int32 ``[images, n_in]``, where those begin that the block has not reached.
        longest: Most spikes of one input.
    """

    step: Tensor
    begin: Tensor
    passed: Tensor
    longest: int


@dataclass(eq=False)
class State:
    """What the neurons of all pairs carry from block to block.

    Args:
        module: int32 ``[P]``, module of each pair; likewise ``image``.
        arrivals: float32 ``[P, block + slots, n_e]``.
        v: float32 ``[P, n_e]``, mV; likewise ``ge``.
        bar: float32 ``[P, n_e]``, mV, to fire above.
        fired: int32 ``[P, n_e]``, step of the last spike.
        counts: int32 ``[P, n_e]``.
        gi: float32 ``[P]``.
        pending: float32 ``[P, ring]``, inhibition to come, at its step modulo ring.
    """

    module: Tensor
    image: Tensor
    arrivals: Tensor
    v: Tensor
    ge: Tensor
    bar: Tensor
    fired: Tensor
    counts: Tensor
    gi: Tensor
    pending: Tensor


def arrive(
    state: State, spikes: Spikes, weights: Tensor, delays: Tensor, block: int, steps: FastSteps
) -> None:
    """Add what the input spikes of a block bring, in their order, to the arrivals.

    Args:
        state: Its arrivals change.
        spikes: Of all images.
        weights: float32 ``[modules, n_in, n_e]``.
        delays: int32 ``[n_in, n_e]``.
        block: Which one, from 0.
        steps: Constants.
    """
    n_e = delays.shape[1]
    total = state.arrivals.view(len(state.arrivals), -1)
    for image, bounds in enumerate(spikes.bounds.tolist()):
        part = slice(bounds[block], bounds[block + 1])
        neuron = spikes.neuron[part].long()
        if not len(neuron):
            continue
        pairs = (state.image == image).nonzero()
        modules = state.module[pairs].long()
        reached = (spikes.step[part] - block * steps.block)[:, None] + delays[neuron]
        reached, order = reached.sort(dim=0, stable=True)
        for spike, j in _one_each(reached):
            values = weights[modules, neuron[order[spike, j]], j]
            at = reached[spike, j].long() * n_e + j
            total[pairs, at] = total[pairs, at] + values


def _one_each(reached: Tensor) -> list[tuple[Tensor, ...]]:
    """Split sorted arrivals into rounds, in which each neuron is reached once in a step at most."""
    place = torch.arange(len(reached), device=reached.device)[:, None].expand(reached.shape)
    is_first = torch.ones_like(reached, dtype=torch.bool)
    is_first[1:] = reached[1:] != reached[:-1]
    rank = place - torch.where(is_first, place, 0).cummax(dim=0).values
    return [(rank == r).nonzero(as_tuple=True) for r in range(int(rank.max()) + 1)]


def advance(state: State, start: int, length: int, steps: FastSteps) -> None:
    """Advance all pairs by the steps of a block.

    Args:
        state: Changes.
        start: The first step.
        length: How many.
        steps: Constants.
    """
    s, ring = state, state.pending.shape[1]
    step_e, step_ge, step_gi = (float(k) for k in (steps.step_e, steps.step_ge, steps.step_gi))
    for n in range(start, start + length):
        since = n - s.fired
        pull = s.ge * (0.0 - s.v) + s.gi[:, None] * (MODEL.reversal_gi_e - s.v)
        v = s.v + step_e * ((MODEL.rest_e - s.v) + pull)
        v[since < steps.refractory] = MODEL.reset_e
        s.ge = _without_tiny(s.ge - step_ge * s.ge) + s.arrivals[:, n - start]
        fires = (v > s.bar) & (since >= steps.lockout)
        s.pending[:, (n + steps.latency) % ring] = MODEL.weight_ie * fires.sum(1)
        s.gi = _without_tiny(s.gi - step_gi * s.gi) + s.pending[:, n % ring]
        s.v = v.masked_fill(fires, MODEL.reset_e)
        s.fired = s.fired.masked_fill(fires, n)
        s.counts += fires


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
    """Change weights by what happened in a block, see `fast_kernels`.

    Args:
        weights: float32 ``[modules, n_in, n_e]``, changed.
        delays: int32 ``[n_in, n_e]``.
        past: Spikes by input, one image a module.
        fired: int32 ``[modules, n_e]``, step of the last spike after the block.
        before: The same before the block.
        span: First step of the block, and the step after it.
        nu_pre: Change at an input spike per y1, with its sign.
        decays: float64, exp(-k dt / tau) of x, y1 and y2 for k steps while they count.
    """
    start, stop = span
    decay_x, decay_1, decay_2 = decays
    last, earlier = fired[:, None], before[:, None]
    is_new = last >= start
    never = torch.full_like(weights, NEVER, dtype=torch.int32)
    change, newest = torch.zeros_like(weights, dtype=torch.float64), never
    for back in range(1, past.longest + 1):
        at = past.passed - back
        there = (at >= past.begin)[..., None]
        arrival = past.step[at.clamp(min=0)][..., None] + delays
        there = there & (arrival < stop)
        first = there & is_new & (arrival <= last) & (newest == NEVER)
        newest = torch.where(first, arrival, newest)
        origin = torch.where(is_new & (arrival <= last), earlier, last)
        change += torch.where(
            there & (arrival >= start), nu_pre * _trace(decay_1, arrival - origin), 0.0
        )
    y2 = torch.where(is_new, _trace(decay_2, last - earlier), 0.0)
    x = _trace(decay_x, last - newest)
    change += torch.where((newest != NEVER) & (y2 > 0), MODEL.nu_post * x * y2, 0.0)
    touched = is_new | (start - last < len(decay_1))
    changed = (weights + change).clamp(0.0, MODEL.weight_max).float()
    weights.copy_(torch.where(touched, changed, weights))


def _trace(decay: Tensor, steps: Tensor) -> Tensor:
    """Return what is left after some steps; nothing after the table's end."""
    known = (steps >= 0) & (steps < len(decay))
    return torch.where(known, decay[steps.clamp(0, len(decay) - 1).long()], 0.0)


def _without_tiny(value: Tensor) -> Tensor:
    return torch.where(value > _TINY, value, 0.0)
