"""Batch norm over the batch, then one step of a neuron from rest, on the CPU.

    mean, variance    of x over everything but the channel
    y = weight (x - mean) / sqrt(variance + eps) + bias
    spikes = [gain y + v_rest >= threshold]

Forward reads x twice and writes the spikes; neither y nor a membrane is kept, as both follow from
x. Backward computes y again on the way:

    gz = grad_spikes · gain · phi(gain y + v_rest - threshold)
    grad_bias = Σ gz,    grad_weight = Σ gz (x - mean) / std
    grad_x = weight / std (gz - grad_bias / n - (x - mean) / std grad_weight / n)

Sums go over blocks in the dtype of x and over blocks' sums in float64. How a map is divided depends
on its shape alone, so that results do not depend on the number of threads.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor

from saccade.neurons.kernels.cpu import REAL, edges, on_threads, scratch
from saccade.neurons.kernels.cpu_rows import HISTORY, LANES
from saccade.neurons.kernels.norm_loops import (
    fire_range,
    gradient_range,
    moments_range,
    pulse_range,
)
from saccade.neurons.kernels.pages import fresh_like
from saccade.neurons.surrogate import Surrogate

__all__ = ["MOST_CHANNELS", "OneStep", "differentiate", "fire", "moments"]

MOST_CHANNELS = LANES
BLOCK = 1024
"""Lanes of a block: its rows and the map's part fit the first-level cache."""


class OneStep(NamedTuple):
    """A neuron's first step from rest: it fires where gain y + rest reaches the threshold.

    Args:
        gain: Factor on the input.
        rest: Potential it starts from.
        threshold: Where it fires.
        strict: Whether equality does not fire.
        surrogate: What stands for the derivative of the firing step.
    """

    gain: float
    rest: float
    threshold: float
    strict: bool
    surrogate: Surrogate

    def numbers(self, dtype: torch.dtype) -> tuple[float, float, float, float]:
        """Return gain, rest, the smallest potential that fires, and the threshold."""
        theta = REAL[dtype](self.threshold)
        level = np.nextafter(theta, REAL[dtype](np.inf)) if self.strict else theta
        return self.gain, self.rest, float(level), self.threshold


class _Walk:
    """How a dense map ``[N, C, H, W]`` is divided into blocks and parts."""

    def __init__(self, x: Tensor) -> None:
        self.channels = x.shape[1]
        is_last = not x.is_contiguous() or self.channels == 1 or x[0, 0].numel() == 1
        self.inner = 0 if is_last else x[0, 0].numel()
        rows = x.numel() // (self.inner or self.channels)
        self.lanes = BLOCK if self.inner else max(1, BLOCK // self.channels) * self.channels
        self.edges = edges(rows, x.numel(), 1 if self.inner else self.lanes // self.channels)
        self.parts = len(self.edges) - 1
        self.shape = (self.channels, self.inner)
        self.real = REAL[x.dtype]

    def range(self, part: int) -> tuple[int, int, int]:
        return self.edges[part], self.edges[part + 1], self.lanes


def moments(x: Tensor) -> tuple[Tensor, Tensor]:
    """Return mean and (biased) variance per channel of ``[N, C, H, W]``, float64 ``[C]``.

    Examples:
        >>> moments(torch.tensor([1.0, 3.0]).reshape(2, 1, 1, 1))
        (tensor([2.], dtype=torch.float64), tensor([1.], dtype=torch.float64))
    """
    walk = _Walk(x)
    found = np.zeros((walk.parts, 3, walk.channels))
    at = x.data_ptr()

    def work(part: int) -> None:
        moments_range(at, *walk.shape, *walk.range(part), found[part], scratch(HISTORY, walk.real))

    on_threads(walk.parts, work)
    counts, means, squares = found[:, 0], found[:, 1], found[:, 2]
    count = counts.sum(0)
    mean = (counts * means).sum(0) / count
    total = squares.sum(0) + (counts * (means - mean) ** 2).sum(0)
    return torch.from_numpy(mean), torch.from_numpy(total / count)


def fire(x: Tensor, scale: Tensor, shift: Tensor, step: OneStep) -> Tensor:
    """Return the spikes for y = scale x + shift, in the shape and memory order of ``x``.

    Args:
        x: Dense map ``[N, C, H, W]``, contiguous or channels-last.
        scale: Per channel, of the dtype of ``x``.
        shift: As ``scale``.
        step: The neuron.
    """
    walk, spikes = _Walk(x), fresh_like(x)
    at = tuple(tensor.data_ptr() for tensor in (x, scale, shift, spikes))
    numbers = step.numbers(x.dtype)

    def work(part: int) -> None:
        fire_range(at, *walk.shape, numbers, *walk.range(part), scratch(HISTORY, walk.real))

    on_threads(walk.parts, work)
    return spikes


def differentiate(
    grad: Tensor,
    x: Tensor,
    mean: Tensor,
    inv_std: Tensor,
    weight: Tensor,
    bias: Tensor,
    step: OneStep,
) -> tuple[Tensor, Tensor, Tensor]:
    """Return the gradients of x, weight and bias.

    Args:
        grad: Gradient of the spikes, in the memory order of ``x``.
        x: What was normalised, ``[N, C, H, W]``.
        mean: Of the batch, float64 ``[C]``.
        inv_std: 1 / sqrt(variance + eps), float64 ``[C]``.
        weight: Of the batch norm, ``[C]``.
        bias: As ``weight``.
        step: The neuron.
    """
    walk, gz = _Walk(x), fresh_like(x)
    scale, shift = affine(mean, inv_std, weight, bias)
    centre = mean.to(x.dtype)
    at = tuple(tensor.data_ptr() for tensor in (x, scale, shift, centre, grad, gz))
    numbers, surrogate = step.numbers(x.dtype), (step.surrogate.code, *step.surrogate.shape)
    sums = np.zeros((walk.parts, 2, walk.channels))

    def pulses(part: int) -> None:
        w = scratch(HISTORY, walk.real)
        pulse_range(at, *walk.shape, numbers, surrogate, *walk.range(part), sums[part], w)

    on_threads(walk.parts, pulses)
    total, dot = torch.from_numpy(sums.sum(0))
    count, gain = x.numel() // walk.channels, weight.double() * inv_std
    # the sums were taken around the rounded mean
    dot = (dot - (mean - centre.double()) * total) * inv_std
    slope = -gain * inv_std * dot / count
    offset = -gain * total / count - slope * mean
    rows = [values.to(x.dtype) for values in (gain, slope, offset)]
    at_last = tuple(tensor.data_ptr() for tensor in (x, *rows, gz))

    def finish(part: int) -> None:
        gradient_range(at_last, *walk.shape, *walk.range(part), scratch(HISTORY, walk.real))

    on_threads(walk.parts, finish)
    return gz, dot.to(weight.dtype), total.to(bias.dtype)


def affine(mean: Tensor, inv_std: Tensor, weight: Tensor, bias: Tensor) -> tuple[Tensor, Tensor]:
    """Return scale and shift that normalise: weight / std and bias - mean weight / std.

    The shift belongs to the scale as it is rounded, so that numbers near the mean come out right.

    Args:
        mean: Float64 ``[C]``.
        inv_std: Float64 ``[C]``.
        weight: Its dtype is that of the results.
        bias: As ``weight``.
    """
    scale = (weight.detach().double() * inv_std).to(weight.dtype)
    return scale, (bias.detach().double() - mean * scale.double()).to(weight.dtype)
