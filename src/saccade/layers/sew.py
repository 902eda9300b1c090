"""SEW-ResNet: residual spiking network with element-wise connections.

    x ─┬─ dw 3x3 ─ pw 1x1 ─ BN ─ IF ─ dw 3x3 ─ pw 1x1 ─ BN ─ IF ── s ──┬── connect(s, i)
       └── identity, or pw 1x1 ─ BN ─ IF where the shape changes ── i ─┘

    connect:  ADD  s + i        AND  s · i        IAND  i · (1 - s)

As published, all convolutions but those of shortcuts are separable, with neither batch norm nor
neuron between depthwise (dw) and pointwise (pw); ``full`` ones can be had instead. There is no
neuron after the connection, so ADD passes on small whole numbers rather than spikes. Names of
submodules give the parameter names of the published place-recognition weights.

Reference:
    Fang et al., "Deep Residual Learning in Spiking Neural Networks", NeurIPS 2021.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Literal

import torch
from torch import Tensor, nn

from saccade.errors import ConfigError, ShapeError, did_you_mean
from saccade.layers.initial import conv2d, seeded
from saccade.layers.norm_spike import per_step, spiking_unit
from saccade.layers.stem_spike import pooled_stem
from saccade.neurons import IF

__all__ = [
    "CONNECT",
    "Connect",
    "Convolution",
    "SEWBlock",
    "SEWResNet",
    "convolution",
    "per_step",
]

Connect = Literal["ADD", "AND", "IAND"]
Convolution = Literal["separable", "full"]

CONNECT: dict[str, Callable[[Tensor, Tensor], Tensor]] = {
    "ADD": lambda spikes, identity: spikes + identity,
    "AND": lambda spikes, identity: spikes * identity,
    "IAND": lambda spikes, identity: identity * (1 - spikes),
}
"""How a block joins its spikes with what bypassed them."""


def convolution(
    kind: Convolution,
    in_channels: int,
    out_channels: int,
    kernel: int,
    stride: int,
    rng: torch.Generator,
) -> nn.Sequential:
    """Return a ``kernel`` x ``kernel`` convolution, or a depthwise one followed by a pointwise one.

    Two input channels make two depthwise filters, one a polarity; a full stem has one an output.
    """
    if kind == "full":
        return nn.Sequential(conv2d(in_channels, out_channels, kernel, rng, stride=stride))
    depthwise = conv2d(in_channels, in_channels, kernel, rng, stride=stride, groups=in_channels)
    return nn.Sequential(depthwise, conv2d(in_channels, out_channels, 1, rng))


class SEWBlock(nn.Module):
    """One residual block, the picture at the top of this file.

    Args:
        in_channels: Channels of the input.
        channels: Channels of the output.
        stride: 2 halves height and width (rounded up), 1 keeps them.
        connect: How spikes and identity are joined.
        kind: Separable convolutions, as published, or full ones.
        rng: Where the weights come from; None = a generator seeded with 0.

    Examples:
        >>> block = SEWBlock(8, 16, stride=2)
        >>> block(torch.ones(1, 2, 8, 14, 18)).shape
        torch.Size([1, 2, 16, 7, 9])
    """

    def __init__(
        self,
        in_channels: int,
        channels: int,
        *,
        stride: int = 1,
        connect: Connect = "ADD",
        kind: Convolution = "separable",
        rng: torch.Generator | None = None,
    ) -> None:
        super().__init__()
        if connect not in CONNECT:
            hint = did_you_mean(str(connect).upper(), CONNECT)
            raise ConfigError(f"connect = {connect!r}.", f"Expected {', '.join(CONNECT)}.", hint)
        rng = rng or seeded(0)
        self.connect: Connect = connect
        self.conv1 = nn.Sequential(
            convolution(kind, in_channels, channels, 3, stride, rng), nn.BatchNorm2d(channels)
        )
        self.sn1 = IF.spikingjelly(detach_reset=True)
        self.conv2 = nn.Sequential(
            convolution(kind, channels, channels, 3, 1, rng), nn.BatchNorm2d(channels)
        )
        self.sn2 = IF.spikingjelly(detach_reset=True)
        self.downsample = None
        if stride != 1 or in_channels != channels:
            shrink = conv2d(in_channels, channels, 1, rng, stride=stride)
            self.downsample = nn.Sequential(
                nn.Sequential(shrink, nn.BatchNorm2d(channels)), IF.spikingjelly(detach_reset=True)
            )

    def forward(self, x: Tensor) -> Tensor:
        """Map ``[T, B, C_in, H, W]`` to ``[T, B, C, H', W']``."""
        return self.second_half(self.first_half(x), x)

    def first_half(self, x: Tensor) -> Tensor:
        """Return the spikes of the first unit, ``[T, B, C, H', W']``."""
        return spiking_unit(self.conv1, self.sn1, x)

    def second_half(self, spikes: Tensor, x: Tensor) -> Tensor:
        """Return the spikes of the second unit, connected with the block's input ``x``."""
        spikes = spiking_unit(self.conv2, self.sn2, spikes)
        identity = x
        if self.downsample is not None:
            shrink, neuron = self.downsample
            identity = spiking_unit(shrink, neuron, x)
        return CONNECT[self.connect](spikes, identity)


class SEWResNet(nn.Module):
    """Stem and four stages of `SEWBlock`; the neurons integrate over the time axis.

    For 260x346 input: stem dw 7x7/2 - pw - BN - IF 64x130x173, max-pool 3x3/2 64x65x87, then
    stages of 64x65x87, 128x33x44, 256x17x22 and 512x9x11.

    Args:
        blocks: Blocks per stage; a stage without blocks passes its input on.
        in_channels: Input channels; 2 = (OFF, ON).
        width: Channels C of the stem; the stages have C, 2 C, 4 C and 8 C. 64 as published.
        connect: How every block joins spikes and identity.
        stem: Convolution of the first layer; separable as published.
        kind: Convolutions of the blocks; separable as published.
        zero_init_residual: Start with batch-norm weight 0 in the second unit of every block, so
            that a new block passes on its identity.
        rng: Where the weights come from; None = a generator seeded with 0.

    Examples:
        >>> SEWResNet.sew_resnet18()(torch.ones(1, 2, 64, 96)).shape
        torch.Size([1, 512, 2, 3])
    """

    def __init__(
        self,
        blocks: tuple[int, int, int, int],
        *,
        in_channels: int = 2,
        width: int = 64,
        connect: Connect = "ADD",
        stem: Convolution = "separable",
        kind: Convolution = "separable",
        zero_init_residual: bool = False,
        rng: torch.Generator | None = None,
    ) -> None:
        super().__init__()
        rng = rng or seeded(0)
        self.conv1 = convolution(stem, in_channels, width, 7, 2, rng)
        self.bn1 = nn.BatchNorm2d(width)
        self.sn1 = IF.spikingjelly(detach_reset=True)
        self.maxpool = nn.MaxPool2d(3, stride=2, padding=1)
        shared: Any = {"connect": connect, "kind": kind, "rng": rng}
        self.layer1 = _stage(width, width, blocks[0], 1, shared)
        self.layer2 = _stage(width, 2 * width, blocks[1], 2, shared)
        self.layer3 = _stage(2 * width, 4 * width, blocks[2], 2, shared)
        self.layer4 = _stage(4 * width, 8 * width, blocks[3], 2, shared)
        if zero_init_residual:
            for block in self.blocks():
                nn.init.zeros_(block.conv2[1].weight)  # pyright: ignore[reportArgumentType]

    @classmethod
    def sew_resnet18(
        cls,
        *,
        connect: Connect = "ADD",
        zero_init_residual: bool = False,
        rng: torch.Generator | None = None,
    ) -> SEWResNet:
        """Return the network with 2, 2, 2, 2 blocks."""
        return SEWResNet(
            (2, 2, 2, 2), connect=connect, zero_init_residual=zero_init_residual, rng=rng
        )

    @classmethod
    def sew_resnet34(
        cls,
        *,
        connect: Connect = "ADD",
        zero_init_residual: bool = False,
        rng: torch.Generator | None = None,
    ) -> SEWResNet:
        """Return the network with 3, 4, 6, 3 blocks."""
        return SEWResNet(
            (3, 4, 6, 3), connect=connect, zero_init_residual=zero_init_residual, rng=rng
        )

    def stages(self) -> tuple[nn.Sequential, ...]:
        """Return the four stages in order."""
        return self.layer1, self.layer2, self.layer3, self.layer4

    def blocks(self) -> list[SEWBlock]:
        """Return all blocks in order."""
        return [block for stage in self.stages() for block in stage if isinstance(block, SEWBlock)]

    def stem(self, x: Tensor) -> Tensor:
        """Turn counts ``[T, B, C, H, W]`` into the pooled spikes of the stem."""
        return pooled_stem(self.conv1, self.bn1, self.sn1, self.maxpool, x)

    def features(self, x: Tensor) -> Tensor:
        """Return the map of the last stage, one for every step.

        Args:
            x: Count frames ``[T, B, 2, H, W]`` or ``[B, 2, H, W]`` (one step).

        Returns:
            Whole numbers (ADD) or spikes (AND, IAND), ``[T, B, 8 width, h, w]``, h = ⌈H/32⌉, w =
            ⌈W/32⌉.

        Raises:
            ShapeError: The input has another number of axes or channels.
        """
        steps = with_steps(x, self.conv1[0].in_channels)  # pyright: ignore[reportArgumentType]
        steps = self.stem(steps)
        for stage in self.stages():
            steps = stage(steps)
        return steps

    def forward(self, x: Tensor) -> Tensor:
        """Return the mean over time of `features`: ``[B, 512, h, w]``."""
        return self.features(x).mean(0)


def with_steps(x: Tensor, channels: int) -> Tensor:
    """Check frames and give them a time axis: ``[T, B, C, H, W]``.

    Raises:
        ShapeError: There are not 4 or 5 axes, or another number of channels.
    """
    if x.ndim not in (4, 5):
        raise ShapeError(
            f"Input has shape {tuple(x.shape)}.",
            "Expected [T, B, C, H, W], or [B, C, H, W] (T = 1).",
        )
    if x.shape[-3] != channels:
        order = " (OFF, ON)" if channels == 2 else ""
        raise ShapeError(
            f"Input {tuple(x.shape)} has {x.shape[-3]} channels.",
            f"SEWResNet expects {channels}{order}.",
            "Make frames with saccade.represent.count_frames, which keeps polarities apart.",
        )
    return x[None] if x.ndim == 4 else x


def _stage(
    in_channels: int, channels: int, blocks: int, stride: int, shared: dict[str, Any]
) -> nn.Sequential:
    if not blocks:
        return nn.Sequential()
    first = SEWBlock(in_channels, channels, stride=stride, **shared)
    rest = [SEWBlock(channels, channels, **shared) for _ in range(blocks - 1)]
    return nn.Sequential(first, *rest)
