"""The place network: count frames in, one unit-length descriptor per frame out.

    [T, B, 2, H, W] ── SEW-ResNet ── [T, B, 512, h, w] ── head ── [B, D], length 1

Neurons integrate over the T steps; a call starts from rest. With T = 1 the network is a
feed-forward net with hard thresholds, exactly the published one. Parameter names carry no prefix
for the backbone, because those of the published weights carry none.

Reference:
    SpikeVPR, arXiv 2604.03277.
"""

from __future__ import annotations

from typing import Literal

import torch
from torch import Tensor, nn

from saccade.errors import ShapeError
from saccade.layers.initial import seeded
from saccade.layers.mixvpr import MixVPR
from saccade.layers.pool_heads import GEM, MLP, CellHead
from saccade.layers.sew import SEWResNet
from saccade.tasks.place.config_model import BLOCKS, PlaceModelConfig

__all__ = ["PUBLISHED_SIZE", "PlaceNet"]

PUBLISHED_SIZE = (260, 346)
"""Rows and columns of the frames all published weights were trained on."""


class PlaceNet(SEWResNet):
    """A backbone with a head.

    Args:
        backbone: Takes over its modules (they are shared, not copied).
        aggregator: Head that maps ``[T, B, 512, h, w]`` to ``[B, D]``.
        compat: ``"spikevpr"`` takes 260x346 only and repeats the published meaning of T > 1
            (defect A1: every step starts from rest, feature maps are averaged).
        config: What built the network, stored beside saved weights.

    Examples:
        >>> model = PlaceNet.sew_resnet18(seed=0)
        >>> descriptor = model(torch.zeros(1, 2, 64, 96))
        >>> descriptor.shape, round(float(descriptor.detach().norm()), 4)
        (torch.Size([1, 4096]), 1.0)

    Reference:
        arXiv 2604.03277. Differs on purpose: time steps are integrated, maps of any size are
        averaged onto the head's grid.
    """

    def __init__(
        self,
        backbone: SEWResNet,
        aggregator: nn.Module,
        *,
        compat: Literal["spikevpr"] | None = None,
        config: PlaceModelConfig | None = None,
    ) -> None:
        nn.Module.__init__(self)
        # The published state dict lists the head first.
        self.aggregator = aggregator
        for name, module in backbone.named_children():
            self.add_module(name, module)
        self.compat = compat
        self.config = config

    @classmethod
    def build(cls, config: PlaceModelConfig, seed: int = 0) -> PlaceNet:
        """Return a network with fresh weights; the same seed gives the same weights."""
        rng = seeded(seed)
        backbone = SEWResNet(
            BLOCKS[config.arch],
            width=config.width,
            connect=config.connect,
            stem=config.stem,
            kind=config.units,
            zero_init_residual=config.zero_init_residual,
            rng=rng,
        )
        head = _head(config, rng)
        model = PlaceNet(backbone, head, compat=config.compat, config=config)
        return model.eval()

    @classmethod
    def sew_resnet18(cls, *, seed: int = 0, compat: Literal["spikevpr"] | None = None) -> PlaceNet:
        """Return the smaller published network, untrained: 1,756,444 parameters."""
        return cls.build(PlaceModelConfig(arch="sew_resnet18", compat=compat), seed)

    @classmethod
    def sew_resnet34(cls, *, seed: int = 0, compat: Literal["spikevpr"] | None = None) -> PlaceNet:
        """Return the larger published network, untrained: 2,919,580 parameters."""
        return cls.build(PlaceModelConfig(arch="sew_resnet34", compat=compat), seed)

    @property
    def is_separable(self) -> bool:
        """Whether every convolution is separable, so that the network has a fused form."""
        return self.config is None or self.config.is_separable

    def forward(self, x: Tensor) -> Tensor:
        """Embed count frames.

        Args:
            x: Raw counts, channels (OFF, ON): ``[T, B, 2, H, W]``, or ``[B, 2, H, W]`` for one
                step.

        Returns:
            Descriptors ``[B, D]`` of length 1.

        Raises:
            ShapeError: Another number of axes or channels; with compat, another size than 260x346.
        """
        if self.compat == "spikevpr":
            return self.aggregator(_published_features(self, x))
        return self.aggregator(self.features(x))

    def features(self, x: Tensor) -> Tensor:
        """Return the map of the last stage, see `saccade.layers.sew.SEWResNet.features`."""
        return super().features(self.stem_input(x))

    def stem_input(self, x: Tensor) -> Tensor:
        """Return what the stem is given: the counts, or their logarithms."""
        return torch.log1p(x) if self.config is not None and self.config.counts == "log" else x


def _published_features(model: PlaceNet, x: Tensor) -> Tensor:
    """Defects A1, A2: one sensor size; steps do not know each other, their maps are averaged."""
    if (x.shape[-2], x.shape[-1]) != PUBLISHED_SIZE:
        height, width = x.shape[-2:]
        raise ShapeError(
            f"Frames have {height}x{width} pixels (height x width).",
            'compat="spikevpr" takes exactly 260x346.',
            "Rescale the events (--input-size 346x260), or leave compat out.",
        )
    if x.ndim != 5:
        return model.features(x)[0]
    steps = x.shape[:2]
    return model.features(x.flatten(0, 1))[0].unflatten(0, steps).mean(0)


def _head(config: PlaceModelConfig, rng: torch.Generator) -> nn.Module:
    if config.aggregator == "gem":
        return GEM()
    if config.aggregator == "cells":
        return CellHead(config.map_channels, config.grid, config.out_channels, rng=rng)
    if config.aggregator == "mlp":
        return MLP(config.map_channels, config.out_channels, neuron=config.head_neuron, rng=rng)
    return MixVPR(
        config.map_channels,
        config.grid,
        out_channels=config.out_channels,
        out_rows=config.out_rows,
        depth=config.depth,
        mlp_ratio=config.mlp_ratio,
        neuron=config.head_neuron,
        exact_grid=config.compat is not None,
        rng=rng,
    )
