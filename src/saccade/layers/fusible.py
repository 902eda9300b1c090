"""When batch norm and its neuron run in one piece, and which modules make such a unit.

Whatever does not fit runs module by module, which is always right.
"""

from __future__ import annotations

from typing import cast

import torch
from torch import Tensor, nn
from torch.nn.modules import module as global_hooks

from saccade.neurons import IF, LIF
from saccade.neurons.kernels.norm_fire import MOST_CHANNELS, OneStep

__all__ = ["Pair", "fuses", "fuses_unit", "has_hooks", "one_step", "separable"]

Pair = tuple[nn.Conv2d, nn.Conv2d]


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
        _is_plain_pair(norm, neuron)
        and _is_plain_map(x)
        and x.shape[2] == cast(nn.BatchNorm2d, norm).num_features
        and x.numel() > x.shape[2]
        and x.dtype == cast(nn.BatchNorm2d, norm).weight.dtype
    )


def fuses_unit(pair: Pair | None, norm: nn.Module, neuron: nn.Module, x: Tensor) -> bool:
    """As `fuses`, for a unit that begins with the convolutions `separable` found.

    Two samples or more make sure that every channel has more than one value.

    Args:
        pair: Depthwise and pointwise convolution, or None.
        norm: What normalises.
        neuron: What fires.
        x: Input of the depthwise convolution, ``[T, B, C, H, W]``.
    """
    return (
        pair is not None
        and _is_plain_pair(norm, neuron)
        and _is_plain_map(x)
        and x.shape[1] > 1
        and x.shape[2] == pair[0].in_channels
        and pair[1].out_channels == cast(nn.BatchNorm2d, norm).num_features
        and x.dtype == pair[0].weight.dtype == pair[1].weight.dtype
        and x.dtype == cast(nn.BatchNorm2d, norm).weight.dtype
    )


def one_step(neuron: nn.Module) -> OneStep:
    """Return the numbers of a neuron that `fuses` accepted."""
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


def has_hooks(*modules: nn.Module) -> bool:
    """Whether anything listens to these modules, or replaces their forward."""
    return bool(global_hooks._has_any_global_hook()) or any(
        module._forward_hooks
        or module._forward_pre_hooks
        or module._backward_hooks
        or module._backward_pre_hooks
        or "forward" in module.__dict__
        for module in modules
    )


def _is_plain_pair(norm: nn.Module, neuron: nn.Module) -> bool:
    return _is_plain_norm(norm) and _is_plain_neuron(neuron) and not has_hooks(norm, neuron)


def _is_plain_norm(norm: nn.Module) -> bool:
    return (
        type(norm) is nn.BatchNorm2d
        and norm.training
        and norm.affine
        and norm.momentum is not None
        and norm.running_mean is not None
        and norm.running_mean.dtype == norm.weight.dtype
        and norm.running_mean.device.type == "cpu"
        and norm.num_features <= MOST_CHANNELS
    )


def _is_plain_neuron(neuron: nn.Module) -> bool:
    return (
        isinstance(neuron, (IF, LIF))
        and type(neuron) in (IF, LIF)
        and not neuron.keep_state
        and neuron.kernel == "auto"
        and {"decay", "input_gain", "v_threshold"} <= neuron._fixed.keys()  # pyright: ignore[reportPrivateUsage]
    )


def _is_plain_map(x: Tensor) -> bool:
    return (
        type(x) in (Tensor, nn.Parameter)
        and x.ndim == 5
        and x.shape[0] == 1
        and x.numel() > 0
        and x.device.type == "cpu"
        and x.dtype in (torch.float32, torch.float64)
        and (x.is_contiguous() or x[0].is_contiguous(memory_format=torch.channels_last))
        and not torch.is_autocast_enabled("cpu")
        and not torch.compiler.is_compiling()
        and not torch._C._are_functorch_transforms_active()
    )


def separable(convolution: nn.Module) -> Pair | None:
    """Return depthwise and pointwise convolution if that is what a module is, with no more."""
    if type(convolution) is not nn.Sequential or len(convolution) != 2 or has_hooks(convolution):
        return None
    for layer in convolution:
        if type(layer) is not nn.Conv2d or layer.bias is not None or has_hooks(layer):
            return None
    first, second = cast(Pair, tuple(convolution))
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
