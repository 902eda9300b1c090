"""ResNet-34 without its classifier, named like torchvision's so that its weights load.

    stem    conv 7x7 stride 2, batch norm, ReLU, max-pool 3x3 stride 2
    stages  3, 4, 6, 3 blocks of 64, 128, 256, 512 channels, halving the map from the second on
    block   relu( x + bn(conv3x3( relu(bn(conv3x3(x))) )) ),  x through a 1x1 and a batch norm where
            its shape changes

Reference:
    K. He, X. Zhang, S. Ren, J. Sun, "Deep residual learning for image recognition", CVPR 2016.
"""

from __future__ import annotations

from typing import Any, cast

import torch
from torch import Tensor, nn
from torch.nn import functional

__all__ = ["BasicBlock", "ResNet34", "unset"]

_BLOCKS = (3, 4, 6, 3)


class BasicBlock(nn.Module):
    """Two 3x3 convolutions beside an identity.

    Args:
        inner: Channels that come in.
        outer: Channels that go out.
        stride: Step of the first convolution.
    """

    def __init__(self, inner: int, outer: int, stride: int = 1) -> None:
        super().__init__()
        self.conv1 = _conv(inner, outer, 3, stride)
        self.bn1 = nn.BatchNorm2d(outer)
        self.conv2 = _conv(outer, outer, 3, 1)
        self.bn2 = nn.BatchNorm2d(outer)
        self.downsample: nn.Sequential | None = None
        if stride != 1 or inner != outer:
            self.downsample = nn.Sequential(_conv(inner, outer, 1, stride), nn.BatchNorm2d(outer))

    def forward(self, x: Tensor) -> Tensor:
        """Map ``[B, inner, h, w]`` to ``[B, outer, h / stride, w / stride]``."""
        way = self.bn2(self.conv2(functional.relu(self.bn1(self.conv1(x)))))
        return functional.relu(way + (x if self.downsample is None else self.downsample(x)))


class ResNet34(nn.Module):
    """The network up to its last feature map; weights of the convolutions are not set yet.

    Args:
        channels: Channels of the input; 3 for images.
    """

    def __init__(self, channels: int = 3) -> None:
        super().__init__()
        self.conv1 = _conv(channels, 64, 7, 2)
        self.bn1 = nn.BatchNorm2d(64)
        self.layer1 = _stage(64, 64, _BLOCKS[0], 1)
        self.layer2 = _stage(64, 128, _BLOCKS[1], 2)
        self.layer3 = _stage(128, 256, _BLOCKS[2], 2)
        self.layer4 = _stage(256, 512, _BLOCKS[3], 2)

    def forward(self, x: Tensor) -> Tensor:
        """Map ``[B, channels, H, W]`` to ``[B, 512, H / 32, W / 32]``, rounded up."""
        x = functional.max_pool2d(functional.relu(self.bn1(self.conv1(x))), 3, 2, 1)
        return self.layer4(self.layer3(self.layer2(self.layer1(x))))


def unset(layer: type[nn.Module], *sizes: int, **options: Any) -> nn.Module:
    """Return a layer whose weights are allocated and not drawn, on the default device.

    Examples:
        >>> with torch.device("meta"):
        ...     unset(nn.Linear, 3, 4).weight.is_meta
        True
    """
    return nn.utils.skip_init(layer, *sizes, device=torch.get_default_device(), **options)


def _stage(inner: int, outer: int, blocks: int, stride: int) -> nn.Sequential:
    rest = (BasicBlock(outer, outer) for _ in range(blocks - 1))
    return nn.Sequential(BasicBlock(inner, outer, stride), *rest)


def _conv(inner: int, outer: int, side: int, stride: int) -> nn.Conv2d:
    return cast(
        nn.Conv2d,
        unset(nn.Conv2d, inner, outer, side, stride=stride, padding=side // 2, bias=False),
    )
