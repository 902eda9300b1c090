"""Memory order of [T, B, C, ...] tensors: kernels walk memory and need only find the channel.

A step is dense if it is contiguous or channels-last; ``inner`` is then how many neighbours in
memory share a channel: H*W for contiguous, 1 for channels-last.
"""

from __future__ import annotations

import math

from torch import Tensor

__all__ = ["dense", "inner_size", "like_layout"]


def is_channels_last(x: Tensor) -> bool:
    """Whether [T, B, C, H, W] lies in memory as [T, B, H, W, C]."""
    return x.ndim == 5 and x.permute(0, 1, 3, 4, 2).is_contiguous()


def dense(x: Tensor) -> Tensor:
    """Return ``x`` itself where a kernel can walk it, else a contiguous copy."""
    return x if x.is_contiguous() or is_channels_last(x) else x.contiguous()


def inner_size(x: Tensor) -> int:
    """Neighbours in memory that share a channel (axis 2 of ``x``)."""
    if x.ndim < 3:
        return 1
    return math.prod(x.shape[3:]) if x.is_contiguous() else 1


def like_layout(other: Tensor, x: Tensor) -> Tensor:
    """Return ``other`` (of the shape of ``x``) in the memory order of ``x``, copied if need be."""
    if other.stride() == x.stride() or (other.is_contiguous() and x.is_contiguous()):
        return other
    return other.contiguous() if x.is_contiguous() else _channels_last(other)


def _channels_last(x: Tensor) -> Tensor:
    order = (*range(x.ndim - 3), x.ndim - 2, x.ndim - 1, x.ndim - 3)
    back = (*range(x.ndim - 3), x.ndim - 1, x.ndim - 3, x.ndim - 2)
    return x.permute(order).contiguous().permute(back)
