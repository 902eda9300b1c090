"""Convolutions and linear layers whose first weights come from an explicit generator.

torch draws the weights of a new module from its global generator. Here the memory is allocated
without drawing, then filled from the generator that is passed in, so that a network depends on its
seed and on nothing else.
"""

from __future__ import annotations

import math
from typing import cast

import torch
from torch import Tensor, nn

__all__ = ["conv2d", "linear", "seeded"]


def seeded(seed: int) -> torch.Generator:
    """Return a CPU generator that starts at ``seed``.

    Examples:
        >>> bool((torch.rand(2, generator=seeded(3)) == torch.rand(2, generator=seeded(3))).all())
        True
    """
    return torch.Generator().manual_seed(seed)


def conv2d(
    in_channels: int,
    out_channels: int,
    kernel: int,
    rng: torch.Generator,
    *,
    stride: int = 1,
    groups: int = 1,
) -> nn.Conv2d:
    """Return a convolution without bias, padded by ``kernel // 2``, with Kaiming normal weights.

    Weights are drawn from a normal distribution of standard deviation sqrt(2 / fan_out). As
    published, fan_out = C_out · k² for depthwise convolutions too, although each input reaches
    only k² outputs there; such a network starts nearly silent (see
    `saccade.tasks.place.calibrate`).

    Args:
        in_channels: Channels of the input.
        out_channels: Channels of the output.
        kernel: Side length k in pixels, odd.
        rng: Where the weights come from.
        stride: Step in pixels.
        groups: Channel groups; equal to ``in_channels`` for a depthwise convolution.

    Examples:
        >>> conv2d(2, 2, 7, seeded(0), stride=2, groups=2).weight.shape
        torch.Size([2, 1, 7, 7])
    """
    layer = cast(
        nn.Conv2d,
        nn.utils.skip_init(
            nn.Conv2d,
            in_channels,
            out_channels,
            kernel,
            stride=stride,
            padding=kernel // 2,
            groups=groups,
            bias=False,
        ),
    )
    nn.init.kaiming_normal_(layer.weight, mode="fan_out", nonlinearity="relu", generator=rng)
    return layer


def linear(
    in_features: int, out_features: int, rng: torch.Generator, std: float = 0.0
) -> nn.Linear:
    """Return a linear layer with bias.

    Args:
        in_features: Length of the input.
        out_features: Length of the output.
        rng: Where the weights come from.
        std: Standard deviation of truncated normal weights with zero bias; 0 = torch's usual start,
            weights and bias uniform in ±1/sqrt(in_features).

    Examples:
        >>> linear(4, 3, seeded(0), std=0.02).bias.tolist()
        [0.0, 0.0, 0.0]
    """
    layer = cast(nn.Linear, nn.utils.skip_init(nn.Linear, in_features, out_features))
    if std:
        nn.init.trunc_normal_(layer.weight, std=std, generator=rng)
        nn.init.zeros_(layer.bias)
        return layer
    for tensor in (layer.weight, layer.bias):
        _uniform(tensor, 1 / math.sqrt(in_features), rng)
    return layer


def _uniform(tensor: Tensor, bound: float, rng: torch.Generator) -> None:
    nn.init.uniform_(tensor, -bound, bound, generator=rng)
