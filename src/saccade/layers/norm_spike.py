"""Training of [separable convolution,] batch norm and spikes in one piece, for one time step.

    depthwise ─ pointwise ─ batch norm ─ neuron          forward, as usual
        x           y                                    all that is kept for backward

The normalised map, the membrane and the map between the convolutions follow from x and y; backward
computes them again. Where x holds spikes, or sums of them, it is kept in bytes. `fuses` says when a
batch norm and its neuron take this way; everything else runs module by module.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple, cast

import torch
from torch import Tensor, nn
from torch.autograd.function import once_differentiable
from torch.nn import functional
from torch.nn.modules import module as global_hooks

from saccade.layers.spike_bytes import pack, unpack
from saccade.neurons import IF, LIF
from saccade.neurons.kernels.norm_fire import (
    MOST_CHANNELS,
    OneStep,
    affine,
    differentiate,
    fire,
    moments,
)

__all__ = ["fuses", "norm_spike", "per_step", "spiking_unit"]


def per_step(layer: Callable[[Tensor], Tensor], x: Tensor) -> Tensor:
    """Apply a layer without memory to every time step: ``[T, B, ...]`` in and out."""
    return layer(x.flatten(0, 1)).unflatten(0, x.shape[:2])


def fuses(norm: nn.Module, neuron: nn.Module, x: Tensor) -> bool:
    """Whether batch norm and neuron may run in one piece on a map ``[T, B, C, H, W]``.

    They may if all of this holds; a call of the modules one by one is always right.

    * ``norm`` is a `torch.nn.BatchNorm2d` in training mode, with weight, bias, running statistics
      and a momentum, and its forward is its own (statistics shared over processes are not).
    * ``neuron`` is an `IF` or `LIF` that forgets its state between calls, learns nothing, has one
      gain and one threshold for all channels, and is not forced onto the reference.
    * The map has one step, more than one value per channel and at most `MOST_CHANNELS` channels,
      lies on the CPU, contiguous or channels-last, in float32 or float64 as weight and statistics.
    * Nobody looks in between: no hooks on the two modules, no autocast, compilation or transform.

    Args:
        norm: What normalises.
        neuron: What fires.
        x: Input of ``norm``, with its time axis.

    Examples:
        >>> norm, x = nn.BatchNorm2d(4), torch.ones(1, 2, 4, 3, 3)
        >>> fuses(norm, IF(), x), fuses(norm.eval(), IF(), x)
        (True, False)
    """
    return (
        _is_plain_norm(norm)
        and _is_plain_neuron(neuron)
        and x.ndim == 5
        and x.shape[0] == 1
        and 0 < x.shape[2] == cast(nn.BatchNorm2d, norm).num_features <= MOST_CHANNELS
        and x.numel() > x.shape[2]
        and _is_plain_map(x)
        and x.dtype == cast(nn.BatchNorm2d, norm).weight.dtype
    )


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
        >>> x = torch.tensor([-1.0, 0.0, 5.0]).reshape(1, 3, 1, 1, 1)
        >>> norm_spike(nn.BatchNorm2d(1), IF(), x).flatten().tolist()
        [0.0, 0.0, 1.0]
    """
    if not fuses(norm, neuron, x):
        return neuron(per_step(norm, x))
    batch_norm = cast(nn.BatchNorm2d, norm)
    inputs = (x.flatten(0, 1), batch_norm.weight, batch_norm.bias)
    spikes = _NormFire.apply(*inputs, batch_norm, _one_step(neuron))
    return cast(Tensor, spikes).unflatten(0, x.shape[:2])


def spiking_unit(layers: nn.Sequential, neuron: nn.Module, x: Tensor) -> Tensor:
    """Convolve, normalise and fire: ``neuron(layers(x))``, with less memory where it can.

    Args:
        layers: Convolution and batch norm; the convolution is a module or, if separable, a
            sequence of depthwise and pointwise one.
        neuron: Maps ``[T, B, C, H, W]`` to spikes.
        x: Map ``[T, B, C_in, H, W]``.

    Returns:
        Spikes ``[T, B, C, H', W']``.

    Examples:
        >>> layers = nn.Sequential(nn.Conv2d(2, 4, 3), nn.BatchNorm2d(4))
        >>> spiking_unit(layers, IF(), torch.ones(1, 2, 2, 5, 5)).shape
        torch.Size([1, 2, 4, 3, 3])
    """
    if _has_hooks(layers):
        return neuron(per_step(layers, x))
    convolution, norm = layers
    pair = _separable(convolution)
    if pair is None or not _fuses_all(pair, norm, neuron, x):
        return norm_spike(norm, neuron, per_step(convolution, x))
    depthwise, pointwise, batch_norm = *pair, cast(nn.BatchNorm2d, norm)
    spikes = _SeparableFire.apply(
        x.flatten(0, 1),
        depthwise.weight,
        pointwise.weight,
        batch_norm.weight,
        batch_norm.bias,
        _Window(depthwise.stride, depthwise.padding, depthwise.groups),  # pyright: ignore[reportArgumentType]
        batch_norm,
        _one_step(neuron),
    )
    return cast(Tensor, spikes).unflatten(0, x.shape[:2])


class _Window(NamedTuple):
    """How the depthwise kernel lies over its input."""

    stride: tuple[int, int]
    padding: tuple[int, int]
    groups: int

    def forward(self, x: Tensor, weight: Tensor) -> Tensor:
        return functional.conv2d(x, weight, None, self.stride, self.padding, 1, self.groups)

    def backward(
        self, grad: Tensor, x: Tensor, weight: Tensor, mask: tuple[bool, bool]
    ) -> tuple[Tensor | None, Tensor | None]:
        found = torch.ops.aten.convolution_backward(
            grad, x, weight, None, self.stride, self.padding, (1, 1), False, (0, 0), self.groups,
            (*mask, False),
        )  # fmt: skip
        return found[0], found[1]


class _NormFire(torch.autograd.Function):
    @staticmethod
    def forward(  # pyright: ignore[reportIncompatibleMethodOverride]
        ctx: Any, x: Tensor, weight: Tensor, bias: Tensor, norm: nn.BatchNorm2d, step: OneStep
    ) -> Tensor:
        mean, inv_std = _follow(norm, x)
        ctx.save_for_backward(x, mean, inv_std, weight, bias)
        ctx.step = step
        return fire(x, *affine(mean, inv_std, weight, bias), step)

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, *grads: Tensor) -> Any:
        x = ctx.saved_tensors[0]
        grad = _like(grads[0], x)
        return (*differentiate(grad, *ctx.saved_tensors, ctx.step), None, None)


class _SeparableFire(torch.autograd.Function):
    @staticmethod
    def forward(  # pyright: ignore[reportIncompatibleMethodOverride]
        ctx: Any,
        x: Tensor,
        depthwise: Tensor,
        pointwise: Tensor,
        weight: Tensor,
        bias: Tensor,
        window: _Window,
        norm: nn.BatchNorm2d,
        step: OneStep,
    ) -> Tensor:
        y = _mix(window.forward(x, depthwise), pointwise)
        mean, inv_std = _follow(norm, y)
        kept = pack(x) if any(ctx.needs_input_grad) else x
        ctx.save_for_backward(kept, y, mean, inv_std, depthwise, pointwise, weight, bias)
        ctx.window, ctx.step = window, step
        return fire(y, *affine(mean, inv_std, weight, bias), step)

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, *grads: Tensor) -> Any:
        kept, y, mean, inv_std, depthwise, pointwise, weight, bias = ctx.saved_tensors
        grad_y, grad_weight, grad_bias = differentiate(
            _like(grads[0], y), y, mean, inv_std, weight, bias, ctx.step
        )
        x = unpack(kept, y.dtype)
        between = ctx.window.forward(x, depthwise)
        grad_between, grad_pointwise = _mix_backward(grad_y, between, pointwise)
        del grad_y, between
        mask = (ctx.needs_input_grad[0], ctx.needs_input_grad[1])
        grad_x, grad_depthwise = ctx.window.backward(grad_between, x, depthwise, mask)
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


def _follow(norm: nn.BatchNorm2d, x: Tensor) -> tuple[Tensor, Tensor]:
    """Return mean and 1 / std of a batch, float64; let the running statistics follow."""
    mean, variance = moments(x)
    count, share = x.numel() // x.shape[1], cast(float, norm.momentum)
    running = cast(Tensor, norm.running_mean), cast(Tensor, norm.running_var)
    unbiased = variance * (count / (count - 1))
    with torch.no_grad():
        cast(Tensor, norm.num_batches_tracked).add_(1)
        for held, new in zip(running, (mean, unbiased), strict=True):
            held.mul_(1.0 - share).add_(new.to(held.dtype), alpha=share)
    return mean, (variance + norm.eps).rsqrt()


def _like(grad: Tensor, x: Tensor) -> Tensor:
    """Return a gradient in the memory order of ``x``."""
    order = torch.contiguous_format if x.is_contiguous() else torch.channels_last
    return grad.contiguous(memory_format=order)


def _one_step(neuron: nn.Module) -> OneStep:
    leaky = cast(IF, neuron)
    fixed, rule = leaky._fixed, leaky.rule  # pyright: ignore[reportPrivateUsage]
    return OneStep(
        fixed["input_gain"],
        float(rule.v_rest),
        _floored(fixed["v_threshold"], leaky.threshold_floor),
        rule.is_strict,
        rule.surrogate,
    )


def _floored(threshold: float, floor: float | None) -> float:
    return threshold if floor is None else max(threshold, floor)


def _has_hooks(*modules: nn.Module) -> bool:
    """Whether anything listens to these modules, or replaces their forward."""
    return bool(global_hooks._has_any_global_hook()) or any(
        module._forward_hooks
        or module._forward_pre_hooks
        or module._backward_hooks
        or module._backward_pre_hooks
        or "forward" in module.__dict__
        for module in modules
    )


def _is_plain_norm(norm: nn.Module) -> bool:
    return (
        type(norm) is nn.BatchNorm2d
        and norm.training
        and norm.affine
        and norm.momentum is not None
        and norm.running_mean is not None
        and norm.running_mean.dtype == norm.weight.dtype
        and norm.running_mean.device.type == "cpu"
        and not _has_hooks(norm)
    )


def _is_plain_neuron(neuron: nn.Module) -> bool:
    return (
        type(neuron) in (IF, LIF)
        and not neuron.keep_state
        and neuron.kernel == "auto"
        and {"decay", "input_gain", "v_threshold"} <= neuron._fixed.keys()
        and not _has_hooks(neuron)
    )


def _is_plain_map(x: Tensor) -> bool:
    return (
        type(x) in (Tensor, nn.Parameter)
        and x.device.type == "cpu"
        and x.dtype in (torch.float32, torch.float64)
        and (x.is_contiguous() or x[0].is_contiguous(memory_format=torch.channels_last))
        and not torch.is_autocast_enabled("cpu")
        and not torch.compiler.is_compiling()
        and not torch._C._are_functorch_transforms_active()
    )


def _separable(convolution: nn.Module) -> tuple[nn.Conv2d, nn.Conv2d] | None:
    """Return depthwise and pointwise convolution if that is what a module is, with no more."""
    if type(convolution) is not nn.Sequential or len(convolution) != 2 or _has_hooks(convolution):
        return None
    for layer in convolution:
        if type(layer) is not nn.Conv2d or layer.bias is not None or _has_hooks(layer):
            return None
    first, second = cast("tuple[nn.Conv2d, nn.Conv2d]", tuple(convolution))
    is_pair = (
        first.groups == first.in_channels == first.out_channels
        and first.padding_mode == "zeros"
        and not isinstance(first.padding, str)
        and first.dilation == (1, 1)
        and second.kernel_size == second.stride == (1, 1)
        and second.padding == (0, 0)
        and second.groups == 1
    )
    return (first, second) if is_pair else None


def _fuses_all(
    pair: tuple[nn.Conv2d, nn.Conv2d], norm: nn.Module, neuron: nn.Module, x: Tensor
) -> bool:
    """As `fuses`, for a unit with the convolutions before its batch norm."""
    return (
        _is_plain_norm(norm)
        and _is_plain_neuron(neuron)
        and x.ndim == 5
        and x.shape[0] == 1
        and x.shape[1] > 1  # so that a channel has more than one value, however small the map
        and x.shape[2] == pair[0].in_channels
        and pair[1].out_channels <= MOST_CHANNELS
        and x.numel() > 0
        and _is_plain_map(x)
        and x.dtype == pair[0].weight.dtype == pair[1].weight.dtype
        and x.dtype == cast(nn.BatchNorm2d, norm).weight.dtype
    )
