"""What is in the input of a layer, counted in one pass: non-zeros, spikes, outputs they reach.

    non-zeros   Σ [x ≠ 0]                sum      Σ |x|
    reached     Σ [x ≠ 0] r              spread   Σ |x| r            r: outputs an input reaches

Sums of whole numbers are exact, so they depend neither on the batch nor on the order of addition.
As soon as one value of a sample is no whole number, its sums mean nothing and are 0.
"""

from __future__ import annotations

import functools
import itertools
import os
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional

from saccade.jit import kernel

__all__ = ["COLUMNS", "Window", "reach", "tally", "tally_reference"]

COLUMNS = ("nonzeros", "sum", "reached", "spread", "largest", "is_real")
"""Columns of a tally."""

LARGEST_WHOLE = (1 << 16) - 1
"""Larger whole numbers are taken for real numbers; nobody sends so many spikes."""

PART = 1 << 18
"""Values that are worth a thread of their own."""

Window = tuple[tuple[int, ...], tuple[int, ...], tuple[int, ...], str, tuple[int, ...]]
"""Kernel, stride, dilation, padding mode, padding (from the last axis on, as torch pads)."""


def tally(x: Tensor, reach: Tensor) -> Tensor:
    """Count the inputs of each sample.

    Args:
        x: ``[T, B, C, L]``.
        reach: int32 ``[L]``: output positions that an input at each place reaches.

    Returns:
        int64 ``[B, 6]`` on the device of ``x``: see `COLUMNS`.

    Examples:
        >>> x = torch.tensor([0.0, 1, 2, 0]).reshape(1, 1, 1, 4)
        >>> tally(x, torch.tensor([1, 1, 3, 1], dtype=torch.int32)).tolist()
        [[2, 3, 4, 7, 2, 0]]
        >>> tally(x / 2, torch.tensor([1, 1, 3, 1], dtype=torch.int32)).tolist()
        [[2, 0, 4, 0, 0, 1]]
    """
    x = x.detach()
    if x.device.type != "cpu" or x.numel() == 0:
        return tally_reference(x, reach)
    weights = reach.numpy()
    if int(weights.max()) * len(weights) >= 1 << 31:  # sums of a row would not fit into 32 bits
        return tally_reference(x, reach)
    x = _at_least_float32(x)
    out = torch.zeros((x.shape[1], len(COLUMNS)), dtype=torch.int64)
    _over_samples(x.contiguous().numpy(), weights, out.numpy())
    return out


def tally_reference(x: Tensor, reach: Tensor) -> Tensor:
    """Return what `tally` returns, written as the equations."""
    axes, size = (0, 2, 3), _at_least_float32(x).abs()
    weight = reach.to(x.device, torch.int64)
    nonzero = (x != 0).long()
    real = ~((size == size.round()) & (size <= LARGEST_WHOLE)).all(3).all(2).all(0)
    number = torch.where(real[None, :, None, None], 0, size).long()
    sums = [nonzero.sum(axes), number.sum(axes)]
    sums += [(nonzero * weight).sum(axes), (number * weight).sum(axes)]
    largest = number.amax(axes) if x.numel() else torch.zeros_like(sums[0])
    return torch.stack([*sums, largest, real.long()], dim=1)


@functools.lru_cache(maxsize=512)
def reach(size: tuple[int, ...], window: Window, is_transposed: bool) -> Tensor:
    """Return how many output positions each input position reaches, borders included.

    A convolution with ones is linear in each input: its derivative counts the outputs.

    Args:
        size: Spatial size of the input.
        window: How the kernel is laid over it.
        is_transposed: Whether it is a transposed convolution.

    Returns:
        int32 ``[L]``, L the product of ``size``.

    Examples:
        >>> same = ((3,), (1,), (1,), "zeros", (1, 1))
        >>> reach((4,), same, False).tolist()
        [2, 3, 3, 2]
    """
    taps, stride, dilation, mode, padding = window
    with torch.inference_mode(False), torch.enable_grad():
        x = torch.zeros((1, 1, *size), dtype=torch.float64, requires_grad=True)
        ones = torch.ones((1, 1, *taps), dtype=torch.float64)
        if is_transposed:
            convolve = (
                functional.conv_transpose1d if len(size) == 1 else functional.conv_transpose2d
            )
            out = convolve(x, ones, stride=stride, dilation=dilation)
            # Padding of a transposed convolution cuts its output; a negative one cuts here.
            out = functional.pad(out, [-p for p in padding])
        else:
            convolve = functional.conv1d if len(size) == 1 else functional.conv2d
            fill = "constant" if mode == "zeros" else mode
            x_padded = functional.pad(x, list(padding), mode=fill)
            out = convolve(x_padded, ones, stride=stride, dilation=dilation)
        (counts,) = torch.autograd.grad(out.sum(), x)
    return counts.flatten().round().to(torch.int32)


def _at_least_float32(x: Tensor) -> Tensor:
    return x if x.dtype in (torch.float32, torch.float64) else x.float()


def _over_samples(x: NDArray[Any], reach: NDArray[np.int32], out: NDArray[np.int64]) -> None:
    """Divide the samples among as many threads as torch may use."""
    batch = x.shape[1]
    threads = min(torch.get_num_threads(), batch, max(1, x.size // PART))
    edges = [batch * k // threads for k in range(threads + 1)]
    parts = [(x, reach, out, first, last) for first, last in itertools.pairwise(edges)]
    others = [_pool().submit(_count, *part) for part in parts[1:]]
    _count(*parts[0])
    for other in others:
        other.result()


@functools.cache
def _pool() -> ThreadPoolExecutor:
    return ThreadPoolExecutor(os.cpu_count() or 1, thread_name_prefix="saccade-energy")


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_pool.cache_clear)


@kernel
def _spike_row(row: NDArray[Any], reach: NDArray[np.int32]) -> tuple[Any, ...]:
    """Return non-zeros, what they reach, and how many are not 1; 32 bits fill whole vectors."""
    nonzeros = reached = odd = np.int32(0)
    for i in range(row.size):
        some = np.int32(row[i] != 0)
        nonzeros = np.int32(nonzeros + some)
        reached = np.int32(reached + some * reach[i])
        odd = np.int32(odd + np.int32((row[i] != 0) & (row[i] != 1)))
    return nonzeros, reached, odd


@kernel
def _whole_row(row: NDArray[Any], reach: NDArray[np.int32]) -> tuple[Any, ...]:
    """Return sum, spread and largest, and how many are no whole numbers."""
    largest = odd = np.int32(0)
    total = spread = np.int64(0)
    for i in range(row.size):
        size = abs(row[i])
        number = np.int32(size) if size <= LARGEST_WHOLE else np.int32(0)
        total += np.int64(number)
        spread += np.int64(number) * np.int64(reach[i])
        largest = max(largest, number)
        odd = np.int32(odd + np.int32(row.dtype.type(number) != size))
    return total, spread, largest, odd


@kernel
def _count(
    x: NDArray[Any], reach: NDArray[np.int32], out: NDArray[np.int64], first: int, last: int
) -> None:
    """Fill one row of ``out`` per sample: try spikes first, then whole numbers, then give up."""
    steps, _, channels, _ = x.shape
    for b in range(first, last):
        nonzeros = total = reached = spread = largest = real = 0
        for t in range(steps):
            for c in range(channels):
                n, r, odd = _spike_row(x[t, b, c], reach)
                nonzeros, reached = nonzeros + n, reached + r
                if real:
                    continue
                s, p, most = n, r, min(n, 1)
                if odd:
                    s, p, most, real = _whole_row(x[t, b, c], reach)
                total, spread, largest = total + s, spread + p, max(largest, most)
        out[b, 0], out[b, 2] = nonzeros, reached
        if real:
            out[b, 5] = 1
        else:
            out[b, 1], out[b, 3], out[b, 4] = total, spread, largest
