"""Training of a stem in one piece, for one time step: nothing of full size is written.

    depthwise ─ pointwise ─ batch norm ─ neuron ─ maximum 3x3/2         forward, as usual
            d  [2 channels]                  choice  [a byte per pooled spike]

The arithmetic is in `saccade.neurons.kernels.pool_fire`. Backward keeps the input, d and the
choices; the map of all channels before pooling, the largest of the network, never exists.
"""

from __future__ import annotations

from typing import Any, cast

import torch
from torch import Tensor, nn
from torch.autograd.function import once_differentiable

from saccade.layers.fusible import Pair, fuses_unit, has_hooks, one_step, separable
from saccade.layers.norm_spike import follow, norm_spike, per_step
from saccade.neurons.kernels.norm_fire import OneStep
from saccade.neurons.kernels.pool_fire import (
    Spread,
    differentiate_pooled,
    fire_pooled,
    joined,
    spread,
)

__all__ = ["pooled_stem"]


def pooled_stem(
    convolution: nn.Module, norm: nn.Module, neuron: nn.Module, pool: nn.Module, x: Tensor
) -> Tensor:
    """Convolve, normalise, fire and take maxima, with less memory where it can.

    One piece is possible where `saccade.layers.fusible.fuses_unit` allows it, the input has two
    channels and lies channels-last, and the pool takes maxima over 3x3 with stride 2.

    Args:
        convolution: A module or, if separable, a sequence of depthwise and pointwise one.
        norm: Batch norm.
        neuron: Maps ``[T, B, C, H, W]`` to spikes.
        pool: Pooling of the spikes.
        x: Map ``[T, B, C_in, H, W]``.

    Returns:
        Pooled spikes ``[T, B, C, H', W']``.

    Examples:
        >>> from saccade.neurons import IF
        >>> stem = nn.Conv2d(2, 4, 3, padding=1), nn.BatchNorm2d(4), IF(), nn.MaxPool2d(3, 2, 1)
        >>> pooled_stem(*stem, torch.ones(1, 2, 2, 8, 10)).shape
        torch.Size([1, 2, 4, 4, 5])
    """
    pair = separable(convolution)
    if pair is None or not (_fits(pair, pool, x) and fuses_unit(pair, norm, neuron, x)):
        return per_step(pool, norm_spike(norm, neuron, per_step(convolution, x)))
    depthwise, pointwise, batch_norm = *pair, cast(nn.BatchNorm2d, norm)
    d = depthwise(x.flatten(0, 1)).contiguous(memory_format=torch.channels_last)
    spikes = _PooledFire.apply(
        d, pointwise.weight, batch_norm.weight, batch_norm.bias, batch_norm, one_step(neuron)
    )
    return cast(Tensor, spikes).unflatten(0, x.shape[:2])


def _fits(pair: Pair, pool: nn.Module, x: Tensor) -> bool:
    return (
        pair[0].out_channels == 2
        and x.ndim == 5
        and not x.is_contiguous()
        and type(pool) is nn.MaxPool2d
        and (pool.kernel_size, pool.stride, pool.padding, pool.dilation) == (3, 2, 1, 1)
        and not pool.ceil_mode
        and not pool.return_indices
        and not has_hooks(pool)
    )


class _PooledFire(torch.autograd.Function):
    @staticmethod
    def forward(  # pyright: ignore[reportIncompatibleMethodOverride]
        ctx: Any,
        d: Tensor,
        pointwise: Tensor,
        weight: Tensor,
        bias: Tensor,
        norm: nn.BatchNorm2d,
        step: OneStep,
    ) -> Tensor:
        seen, W = spread(d), pointwise.flatten(1)
        mean, variance = seen.of_product(W)
        inv_std = follow(norm, mean, variance, seen.count)
        spikes, choice = fire_pooled(d, joined(seen, inv_std, W, weight, bias), step)
        ctx.save_for_backward(
            d, choice, seen.mean, seen.covariance, inv_std, pointwise, weight, bias
        )
        ctx.step, ctx.count = step, seen.count
        return spikes

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, *grads: Tensor) -> Any:
        d, choice, mean, covariance, inv_std, pointwise, weight, bias = ctx.saved_tensors
        grad = grads[0].contiguous(memory_format=torch.channels_last)
        seen = Spread(mean, covariance, ctx.count)
        grad_d, grad_W, *rest = differentiate_pooled(
            grad, d, choice, seen, inv_std, pointwise.flatten(1), weight, bias, ctx.step
        )
        return grad_d, grad_W.view_as(pointwise), *rest, None, None
