"""What is in the input of a layer: where its non-zeros are, in one pass, and what they reach.

    n[l] = Σ over time and channels [x ≠ 0]       v[l] = Σ |x|          at each place l

    non-zeros   Σ n        sum      Σ v
    reached     Σ n r      spread   Σ v r         r[l]: outputs that an input at l reaches

Sums of whole numbers are exact, so they depend neither on the batch nor on the order of addition.
As soon as one value of a sample is no whole number, its v means nothing and is 0.
"""

from __future__ import annotations

import functools
import itertools
import os
import threading
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
        reach: int64 ``[L]``: output positions that an input at each place reaches.

    Returns:
        int64 ``[B, 6]`` on the device of ``x``: see `COLUMNS`.

    Examples:
        >>> x = torch.tensor([0.0, 1, 2, 0]).reshape(1, 1, 1, 4)
        >>> tally(x, torch.tensor([1, 1, 3, 1])).tolist()
        [[2, 3, 4, 7, 2, 0]]
        >>> tally(x / 2, torch.tensor([1, 1, 3, 1])).tolist()
        [[2, 0, 4, 0, 0, 1]]
    """
    x = _at_least_float32(x.detach())
    steps, batch, channels, _ = x.shape
    fits = steps * channels * LARGEST_WHOLE < 1 << 31
    if x.device.type != "cpu" or x.numel() == 0 or not fits:
        return tally_reference(x, reach)
    out = np.empty((batch, len(COLUMNS)), np.int64)
    _over_samples(x.contiguous().numpy(), reach.numpy(), out)
    return torch.from_numpy(out)


def tally_reference(x: Tensor, reach: Tensor) -> Tensor:
    """Return what `tally` returns, written as the equations."""
    size, reach = _at_least_float32(x).abs(), reach.to(x.device)
    is_real = ~((size == size.round()) & (size <= LARGEST_WHOLE)).all(3).all(2).all(0)
    number = torch.where(is_real[None, :, None, None], 0, size).long()
    n, v = (x != 0).sum((0, 2)), number.sum((0, 2))
    largest = number.amax((0, 2, 3)) if x.numel() else v.sum(1)
    sums = [n.sum(1), v.sum(1), (n * reach).sum(1), (v * reach).sum(1)]
    return torch.stack([*sums, largest, is_real.long()], dim=1)


@functools.lru_cache(maxsize=512)
def reach(size: tuple[int, ...], window: Window, is_transposed: bool) -> Tensor:
    """Return how many output positions each input position reaches, borders included.

    A convolution with ones is linear in each input: its derivative counts the outputs.

    Args:
        size: Spatial size of the input.
        window: How the kernel is laid over it.
        is_transposed: Whether it is a transposed convolution.

    Returns:
        int64 ``[L]``, L the product of ``size``.

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
    return counts.flatten().round().long()


def _at_least_float32(x: Tensor) -> Tensor:
    return x if x.dtype in (torch.float32, torch.float64) else x.float()


def _over_samples(x: NDArray[Any], reach: NDArray[np.int64], out: NDArray[np.int64]) -> None:
    """Divide the samples among as many threads as torch may use."""
    batch = x.shape[1]
    threads = min(torch.get_num_threads(), batch, max(1, x.size // PART))
    if threads == 1:
        _count_samples(x, reach, out, 0, batch)
        return
    edges = [batch * k // threads for k in range(threads + 1)]
    parts = [(x, reach, out, first, last) for first, last in itertools.pairwise(edges)]
    others = [_pool().submit(_count_samples, *part) for part in parts[1:]]
    _count_samples(*parts[0])
    for other in others:
        other.result()


def _count_samples(
    x: NDArray[Any], reach: NDArray[np.int64], out: NDArray[np.int64], first: int, last: int
) -> None:
    """Lend the kernel scratch memory that the thread keeps: fresh pages would cost more than it."""
    size = 2 * x.shape[3]
    scratch: NDArray[np.int32] | None = getattr(_local, "scratch", None)
    if scratch is None or scratch.size < size:
        scratch = _local.scratch = np.empty(size, np.int32)
    if reach[0] == reach[-1] and (reach == reach[0]).all():
        _count_even(x, reach[0], out, first, last)
    else:
        _count(x, reach, scratch[:size].reshape(2, -1), out, first, last)


_local = threading.local()


@functools.cache
def _pool() -> ThreadPoolExecutor:
    return ThreadPoolExecutor(os.cpu_count() or 1, thread_name_prefix="saccade-energy")


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_pool.cache_clear)


@kernel
def _mark(row: NDArray[Any], nonzeros: NDArray[np.int32]) -> Any:
    """Add the non-zeros of a row; return how many are not 1. 32 bits throughout fill vectors."""
    odd = np.int32(0)
    for i in range(row.size):
        nonzeros[i] = np.int32(nonzeros[i] + np.int32(row[i] != 0))
        odd = np.int32(odd + np.int32((row[i] != 0) & (row[i] != 1)))
    return odd


@kernel
def _add_excess(row: NDArray[Any], excess: NDArray[np.int32]) -> tuple[Any, Any]:
    """Add |x| - [x ≠ 0]; return the largest |x| and how many are no whole numbers."""
    odd = largest = np.int32(0)
    for i in range(row.size):
        size = abs(row[i])
        number = np.int32(size) if size <= LARGEST_WHOLE else np.int32(0)
        excess[i] = np.int32(excess[i] + number - np.int32(size != 0))
        largest = max(largest, number)
        odd = np.int32(odd + np.int32(row.dtype.type(number) != size))
    return largest, odd


@kernel
def _sums(counts: NDArray[np.int32], reach: NDArray[np.int64]) -> tuple[Any, Any]:
    """Return the sum over places, plain and weighted."""
    plain = weighted = 0
    for i in range(counts.size):
        plain += np.int64(counts[i])
        weighted += np.int64(counts[i]) * reach[i]
    return plain, weighted


@kernel
def _write(row: NDArray[np.int64], plain: Any, weighted: Any, largest: int, real: int) -> None:
    """Write the columns of a sample from (non-zeros, sum), plain and by what they reach."""
    row[0], row[1], row[2], row[3] = plain[0], plain[1], weighted[0], weighted[1]
    row[4], row[5] = max(largest, min(plain[0], 1)), 0
    if real:
        row[1], row[3], row[4], row[5] = 0, 0, 0, 1


@kernel
def _count(
    x: NDArray[Any],
    reach: NDArray[np.int64],
    scratch: NDArray[np.int32],
    out: NDArray[np.int64],
    first: int,
    last: int,
) -> None:
    """Take rows for spikes first, then for whole numbers; a real number ends the second attempt."""
    steps, _, channels, _ = x.shape
    nonzeros, excess = scratch[0], scratch[1]
    for b in range(first, last):
        scratch[:] = 0
        largest = real = 0
        for t in range(steps):
            for c in range(channels):
                odd = _mark(x[t, b, c], nonzeros)
                if odd and not real:
                    most, real = _add_excess(x[t, b, c], excess)
                    largest = max(largest, most)
        n, n_reach = _sums(nonzeros, reach)
        more = more_reach = 0
        if largest > 1:
            more, more_reach = _sums(excess, reach)
        _write(out[b], (n, n + more), (n_reach, n_reach + more_reach), largest, real)


@kernel
def _mark_even(row: NDArray[Any]) -> tuple[Any, Any]:
    """Return the non-zeros of a row, and how many of them are not 1."""
    nonzeros = odd = np.int32(0)
    for i in range(row.size):
        nonzeros = np.int32(nonzeros + np.int32(row[i] != 0))
        odd = np.int32(odd + np.int32((row[i] != 0) & (row[i] != 1)))
    return nonzeros, odd


@kernel
def _excess(row: NDArray[Any]) -> tuple[Any, Any, Any]:
    """Return the sum of |x| - [x ≠ 0], the largest |x| and how many are no whole numbers."""
    odd = largest = np.int32(0)
    total = np.int64(0)
    for i in range(row.size):
        size = abs(row[i])
        number = np.int32(size) if size <= LARGEST_WHOLE else np.int32(0)
        total += np.int64(number - np.int32(size != 0))
        largest = max(largest, number)
        odd = np.int32(odd + np.int32(row.dtype.type(number) != size))
    return total, largest, odd


@kernel
def _count_even(
    x: NDArray[Any], reached: Any, out: NDArray[np.int64], first: int, last: int
) -> None:
    """Do what `_count` does where all inputs reach as many outputs: no place is kept apart."""
    steps, _, channels, _ = x.shape
    for b in range(first, last):
        n = total = np.int64(0)
        largest = real = 0
        for t in range(steps):
            for c in range(channels):
                found, odd = _mark_even(x[t, b, c])
                n += np.int64(found)
                if odd and not real:
                    more, most, real = _excess(x[t, b, c])
                    total += more
                    largest = max(largest, most)
        total += n
        _write(out[b], (n, total), (n * reached, total * reached), largest, real)
