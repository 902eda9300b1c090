"""Whole numbers from 0 to 255 as bytes: what backward keeps of spikes and of sums of spikes."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from torch import Tensor

from saccade.jit import kernel

__all__ = ["flat", "pack", "unpack"]


@kernel
def to_bytes(x: Any, out: Any) -> bool:
    """Convert, and return whether every number is whole and fits."""
    low, high, wrong = x.dtype.type(0.0), x.dtype.type(255.0), 0
    for j in range(x.size):
        byte = np.uint8(np.int32(min(max(x[j], low), high)))
        out[j] = byte
        wrong |= np.int32(x[j] != x.dtype.type(byte))
    return wrong == 0


def pack(x: Tensor) -> Tensor:
    """Return ``x`` as bytes if that loses nothing, else ``x`` itself.

    Args:
        x: Dense map on the CPU, float32 or float64, contiguous or channels-last.

    Examples:
        >>> pack(torch.tensor([0.0, 3.0])), pack(torch.tensor([0.5]))
        (tensor([0, 3], dtype=torch.uint8), tensor([0.5000]))
    """
    found = torch.empty_like(x, dtype=torch.uint8)
    return found if to_bytes(flat(x), flat(found)) else x


def unpack(x: Tensor, dtype: torch.dtype) -> Tensor:
    """Return what `pack` was given, which had that dtype."""
    return x.to(dtype)


def flat(x: Tensor) -> Any:
    """Return a dense tensor as an array of one axis, in the order of its memory."""
    return x.detach().as_strided((x.numel(),), (1,)).numpy()
