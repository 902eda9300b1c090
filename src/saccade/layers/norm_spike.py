"""Training of [separable convolution,] batch norm and spikes in one piece, for one time step.

    depthwise ─ pointwise ─ batch norm ─ neuron          forward, as usual
        x           y                                    all that is kept for backward

The normalised map, the membrane and the map between the convolutions follow from x and y; backward
computes them again. Where x holds spikes, or sums of them, it is kept in bytes. `fuses` says when a
batch norm and its neuron take this way; everything else runs module by module.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, cast

import torch
from torch import Tensor, nn
from torch.autograd.function import once_differentiable
from torch.nn import functional

from saccade.layers.depthwise import Window
from saccade.layers.fusible import fuses, fuses_unit, has_hooks, one_step, separable
from saccade.layers.spike_bytes import pack
from saccade.neurons.kernels.norm_fire import (
    OneStep,
    affine,
    differentiate,
    fire,
    moments,
)

__all__ = ["follow", "in_order_of", "norm_spike", "per_step", "spiking_unit"]


def per_step(layer: Callable[[Tensor], Tensor], x: Tensor) -> Tensor:
    """Apply a layer without memory to every time step: ``[T, B, ...]`` in and out."""
    return layer(x.flatten(0, 1)).unflatten(0, x.shape[:2])


def norm_spike(norm: nn.Module, neuron: nn.Module, x: Tensor) -> Tensor:
    """Normalise and fire: ``neuron(norm(x))``, with less memory where `fuses` allows.

    Args:
        norm: Batch norm over ``[B, C, H, W]``; its running statistics follow as usual.
        neuron: Maps ``[T, B, C, H, W]`` to spikes.
        x: Map ``[T, B, C, H, W]``.

    Returns:
        Spikes, shape of ``x``.

    Raises:
        ValueError: There is one value per channel in training (from torch).

    Examples:
        >>> from saccade.neurons import IF
        >>> x = torch.tensor([-1.0, 0.0, 5.0]).reshape(1, 3, 1, 1, 1)
        >>> norm_spike(nn.BatchNorm2d(1), IF(), x).flatten().tolist()
        [0.0, 0.0, 1.0]
    """
    if not fuses(norm, neuron, x):
        return neuron(per_step(norm, x))
    batch_norm = cast(nn.BatchNorm2d, norm)
    inputs = (x.flatten(0, 1), batch_norm.weight, batch_norm.bias)
    spikes = _NormFire.apply(*inputs, batch_norm, one_step(neuron))
    return cast(Tensor, spikes).unflatten(0, x.shape[:2])


def spiking_unit(layers: nn.Module, neuron: nn.Module, x: Tensor) -> Tensor:
    """Convolve, normalise and fire: ``neuron(layers(x))``, with less memory where it can.

    Args:
        layers: Convolution and batch norm; the convolution is a module or, if separable, a
            sequence of depthwise and pointwise one.
        neuron: Maps ``[T, B, C, H, W]`` to spikes.
        x: Map ``[T, B, C_in, H, W]``.

    Returns:
        Spikes ``[T, B, C, H', W']``.

    Examples:
        >>> from saccade.neurons import IF
        >>> layers = nn.Sequential(nn.Conv2d(2, 4, 3), nn.BatchNorm2d(4))
        >>> spiking_unit(layers, IF(), torch.ones(1, 2, 2, 5, 5)).shape
        torch.Size([1, 2, 4, 3, 3])
    """
    if has_hooks(layers):
        return neuron(per_step(layers, x))
    convolution, norm = cast(nn.Sequential, layers)
    pair = separable(convolution)
    if pair is None or not fuses_unit(pair, norm, neuron, x):
        return norm_spike(norm, neuron, per_step(convolution, x))
    depthwise, pointwise, batch_norm = *pair, cast(nn.BatchNorm2d, norm)
    spikes = _SeparableFire.apply(
        x.flatten(0, 1),
        depthwise.weight,
        pointwise.weight,
        batch_norm.weight,
        batch_norm.bias,
        Window.of(depthwise),
        batch_norm,
        one_step(neuron),
    )
    return cast(Tensor, spikes).unflatten(0, x.shape[:2])


class _NormFire(torch.autograd.Function):
    @staticmethod
    def forward(  # pyright: ignore[reportIncompatibleMethodOverride]
        ctx: Any, x: Tensor, weight: Tensor, bias: Tensor, norm: nn.BatchNorm2d, step: OneStep
    ) -> Tensor:
        mean, inv_std = _measure(norm, x)
        ctx.save_for_backward(x, mean, inv_std, weight, bias)
        ctx.step = step
        return fire(x, *affine(mean, inv_std, weight, bias), step)

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, *grads: Tensor) -> Any:
        x, mean, inv_std, weight, bias = ctx.saved_tensors
        grad = in_order_of(x, grads[0])
        return *differentiate(grad, x, mean, inv_std, weight, bias, ctx.step), None, None


class _SeparableFire(torch.autograd.Function):
    @staticmethod
    def forward(  # pyright: ignore[reportIncompatibleMethodOverride]
        ctx: Any,
        x: Tensor,
        depthwise: Tensor,
        pointwise: Tensor,
        weight: Tensor,
        bias: Tensor,
        window: Window,
        norm: nn.BatchNorm2d,
        step: OneStep,
    ) -> Tensor:
        y = _mix(window.forward(x, depthwise), pointwise)
        mean, inv_std = _measure(norm, y)
        kept = pack(x) if any(ctx.needs_input_grad) else x
        ctx.save_for_backward(kept, y, mean, inv_std, depthwise, pointwise, weight, bias)
        ctx.window, ctx.step = window, step
        return fire(y, *affine(mean, inv_std, weight, bias), step)

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, *grads: Tensor) -> Any:
        kept, y, mean, inv_std, depthwise, pointwise, weight, bias = ctx.saved_tensors
        grad_y, grad_weight, grad_bias = differentiate(
            in_order_of(y, grads[0]), y, mean, inv_std, weight, bias, ctx.step
        )
        between = ctx.window.forward(kept, depthwise)
        grad_between, grad_pointwise = _mix_backward(grad_y, between, pointwise)
        del grad_y, between
        wants_x = ctx.needs_input_grad[0]
        grad_x, grad_depthwise = ctx.window.backward(grad_between, kept, depthwise, wants_x)
        found = (grad_x, grad_depthwise, grad_pointwise, grad_weight, grad_bias)
        return (*found, None, None, None)


def _mix(x: Tensor, weight: Tensor) -> Tensor:
    """Pointwise convolution; channels-last it is one product of matrices."""
    if x.is_contiguous():
        return functional.conv2d(x, weight)
    return _as_map(_as_rows(x) @ weight.flatten(1).t(), x)


def _mix_backward(grad: Tensor, x: Tensor, weight: Tensor) -> tuple[Tensor, Tensor]:
    """Return the gradients of `_mix` with respect to the map and the weight."""
    if x.is_contiguous():
        found = torch.ops.aten.convolution_backward(
            grad, x, weight, None, (1, 1), (0, 0), (1, 1), False, (0, 0), 1, (True, True, False)
        )
        return found[0], found[1]
    rows = _as_rows(grad)
    return _as_map(rows @ weight.flatten(1), x), (rows.t() @ _as_rows(x)).view_as(weight)


def _as_rows(x: Tensor) -> Tensor:
    return x.permute(0, 2, 3, 1).flatten(0, 2)


def _as_map(rows: Tensor, like: Tensor) -> Tensor:
    batch, _, height, width = like.shape
    return rows.view(batch, height, width, -1).permute(0, 3, 1, 2)


def follow(norm: nn.BatchNorm2d, mean: Tensor, variance: Tensor, count: int) -> Tensor:
    """Let running statistics follow those of a batch; return 1 / std, float64 ``[C]``.

    Args:
        norm: Batch norm with a momentum.
        mean: Of the batch, float64 ``[C]``.
        variance: Divided by ``count``, float64 ``[C]``.
        count: Values per channel, at least 2.
    """
    share = cast(float, norm.momentum)
    running = cast(Tensor, norm.running_mean), cast(Tensor, norm.running_var)
    unbiased = variance * (count / (count - 1))
    with torch.no_grad():
        cast(Tensor, norm.num_batches_tracked).add_(1)
        for held, new in zip(running, (mean, unbiased), strict=True):
            held.mul_(1.0 - share).add_(new.to(held.dtype), alpha=share)
    return (variance + norm.eps).rsqrt()


def _measure(norm: nn.BatchNorm2d, x: Tensor) -> tuple[Tensor, Tensor]:
    """Return mean and 1 / std of a batch; the running statistics follow."""
    mean, variance = moments(x)
    return mean, follow(norm, mean, variance, x.numel() // x.shape[1])


def in_order_of(x: Tensor, grad: Tensor) -> Tensor:
    """Return a gradient in the memory order of ``x``."""
    order = torch.contiguous_format if x.is_contiguous() else torch.channels_last
    return grad.contiguous(memory_format=order)
