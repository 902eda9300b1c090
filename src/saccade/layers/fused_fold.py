"""Folding: convolution, batch norm and neuron become weights and thresholds.

    [ input_gain · BN(W a) + v_rest >= v_threshold ]  =  [ (s W) a >= θ ]
    s = γ / sqrt(var + eps)        θ = (v_threshold - v_rest) / input_gain - β + s · mean

per output channel, computed in float64 and rounded once. A neuron that fires above, not at, its
threshold gets the next larger float32 as θ. A shortcut without depthwise convolution gets one that
passes its input.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from saccade.errors import ConfigError
from saccade.layers.fused_plan import FusedBlock, FusedUnit, padded
from saccade.layers.sew import SEWResNet
from saccade.layers.spike_gemm import LANES_OUT
from saccade.neurons.leaky import LeakyNeuron

__all__ = ["channels_last", "firing_level", "fold_block", "fold_stem", "panels"]


def fold_stem(backbone: SEWResNet) -> FusedUnit:
    """Fold the first layer."""
    spatial: Any = backbone.conv1[0]
    _require_separable("the stem", backbone.conv1)
    mix: Any = backbone.conv1[1]
    if spatial.in_channels != 2:
        raise ConfigError(
            f"The stem has {spatial.in_channels} input channels.",
            "The fused form takes 2 (OFF, ON).",
            "Use the unfused network.",
        )
    return _unit("sn1", spatial, mix, backbone.bn1, backbone.sn1)


def fold_block(name: str, block: Any) -> FusedBlock:
    """Fold a residual block; ``name`` is its place in the network, e.g. ``"layer1.0"``."""
    shortcut = None
    _require_separable(name, block.conv1[0])
    if block.downsample is not None:
        (conv, norm), neuron = block.downsample
        shortcut = _unit(f"{name}.downsample.1", None, conv, norm, neuron)
    ((first, mix_first), norm_first), ((second, mix_second), norm_second) = block.conv1, block.conv2
    return FusedBlock(
        _unit(f"{name}.sn1", first, mix_first, norm_first, block.sn1),
        _unit(f"{name}.sn2", second, mix_second, norm_second, block.sn2),
        shortcut,
        block.connect,
    )


def _require_separable(name: str, convolution: Any) -> None:
    if len(convolution) != 2:
        raise ConfigError(
            f"The convolution of {name} is full, not separable.",
            "The fused form takes depthwise and pointwise ones.",
            "Use the unfused network.",
        )


def _unit(name: str, spatial: Any, mix: Any, norm: nn.BatchNorm2d, neuron: nn.Module) -> FusedUnit:
    """Fold depthwise convolution (None = none), pointwise convolution, batch norm and neuron."""
    weight = mix.weight.detach().double().cpu().numpy()[:, :, 0, 0]
    outputs, inputs = weight.shape
    scale, shift = _affine(norm)
    level, strict = firing_level(name, neuron, outputs)
    threshold = np.full(padded(outputs), np.inf, np.float32)
    threshold[:outputs] = level - shift
    if strict:
        threshold = np.nextafter(threshold, np.float32(np.inf))
    taps = np.zeros((inputs, 9))
    taps[:, 4] = 1.0
    if spatial is not None:
        taps = spatial.weight.detach().double().cpu().numpy().reshape(inputs, -1)
    is_stem = taps.shape[1] == 49
    scaled = weight * scale[:, None]
    return FusedUnit(
        name,
        is_stem,
        inputs,
        outputs,
        int((mix if spatial is None else spatial).stride[0]),
        taps.reshape(-1).astype(np.float32) if is_stem else channels_last(taps),
        channels_last(scaled) if is_stem else panels(scaled),
        threshold,
    )


def channels_last(weight: NDArray[np.float64]) -> NDArray[np.float32]:
    """Order ``[C, K]`` weights as ``[K, padded C]``, flat."""
    filled = np.zeros((weight.shape[1], padded(weight.shape[0])), np.float32)
    filled[:, : weight.shape[0]] = weight.T
    return filled.reshape(-1)


def panels(weight: NDArray[np.float64]) -> NDArray[np.float32]:
    """Order ``[O, C]`` weights as the kernel reads them: blocks of outputs, channels, outputs."""
    outputs, inputs = weight.shape
    filled = np.zeros((padded(outputs), padded(inputs)), np.float32)
    filled[:outputs, :inputs] = weight
    return filled.reshape(-1, LANES_OUT, padded(inputs)).transpose(0, 2, 1).reshape(-1)


def _affine(norm: nn.BatchNorm2d) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return scale and shift of a batch norm in evaluation mode."""
    if norm.running_mean is None or norm.running_var is None:
        raise ConfigError("A batch norm keeps no running statistics.", "Folding needs them.")
    mean, variance = (
        x.detach().double().cpu().numpy() for x in (norm.running_mean, norm.running_var)
    )
    scale, shift = 1.0 / np.sqrt(variance + norm.eps), np.zeros_like(mean)
    if norm.affine:
        scale = scale * norm.weight.detach().double().cpu().numpy()
        shift = norm.bias.detach().double().cpu().numpy()
    return scale, shift - scale * mean


def firing_level(name: str, neuron: nn.Module, units: int) -> tuple[NDArray[np.float64], bool]:
    """Return the input from which a neuron at rest fires, per unit, and whether strictly above it.

    Raises:
        ConfigError: The neuron is no leaky integrate-and-fire neuron, keeps state between calls, or
            does not fire for large inputs.
    """
    if not isinstance(neuron, LeakyNeuron):
        raise ConfigError(
            f"{name} is {type(neuron).__name__}.",
            "Fused layers need IF, LIF or PLIF neurons.",
            "Use the unfused network.",
        )
    if neuron.keep_state:
        raise ConfigError(
            f"{name} keeps its state between calls.",
            "A fused layer starts every call from rest.",
            "Build the neuron with keep_state=False, or use the unfused network.",
        )
    probe = torch.zeros(1, 1, units, dtype=torch.float64)
    gain, threshold = (
        np.broadcast_to(value.detach().cpu().numpy().reshape(-1), units)
        for value in (neuron.decay_and_gain(probe)[1], neuron.threshold(probe))
    )
    if (gain <= 0).any():
        raise ConfigError(
            f"{name} has an input gain of {gain.min()}.",
            "A fused layer fires above a threshold, so the gain must be positive.",
            "Use the unfused network.",
        )
    return (threshold - neuron.rule.v_rest) / gain, neuron.rule.is_strict
