"""Blocks of networks: SEW residual blocks and the heads that turn feature maps into descriptors."""

from saccade.layers.mixvpr import MixVPR
from saccade.layers.pool_heads import GEM, MLP
from saccade.layers.sew import SEWBlock, SEWResNet

__all__ = ["GEM", "MLP", "MixVPR", "SEWBlock", "SEWResNet"]
