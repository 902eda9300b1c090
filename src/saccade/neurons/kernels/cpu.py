"""The leaky spiking sequence on the CPU: time inside, neurons in blocks, one pass over memory.

Forward reads x once and writes the spikes once. Backward keeps nothing but x: it computes each
block's membrane again in scratch memory that fits the second-level cache, then runs time backwards
through it. Large tensors are split over ``torch.get_num_threads()`` threads (the kernels release
the GIL). How they are split depends on the shape alone, so results do not depend on the number of
threads. Scratch memory is kept per thread and used again.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np
import torch
from torch import Tensor

from saccade.neurons.kernels.cpu_ranges import backward_range, forward_range
from saccade.neurons.kernels.cpu_rows import HISTORY, LANES
from saccade.neurons.kernels.layout import inner_size, like_layout
from saccade.neurons.kernels.pages import fresh_like
from saccade.neurons.rule import Rule

__all__ = ["REAL", "backward", "edges", "forward", "on_threads", "scratch"]

PART = 1 << 19
"""Neuron steps that are worth a thread of their own."""
MOST_PARTS = 16
SCRATCH_BYTES = 1 << 18
"""Aim for the potential history of a block in backward."""

_local = threading.local()
_pool: ThreadPoolExecutor | None = None
REAL = {torch.float32: np.float32, torch.float64: np.float64}


def forward(
    x: Tensor,
    v0: Tensor | None,
    z0: Tensor | None,
    decay: Tensor,
    input_gain: Tensor,
    v_threshold: Tensor,
    rule: Rule,
    want_v: bool,
) -> tuple[Tensor, Tensor]:
    """Run a sequence; arguments and results as `reference.forward`, bit-equal spikes."""
    spikes = fresh_like(x)
    v = torch.empty_like(x[0]) if want_v else x.new_empty(0)
    if x.numel() == 0:
        return spikes, v
    steps, inner, real = x.shape[0], inner_size(x), REAL[x.dtype]
    N, numbers = x.numel() // steps, rule.numbers
    v0, z0 = _beside(v0, x), _beside(z0, x)
    tensors = (x, v0, z0, decay, input_gain, v_threshold, spikes, v)
    at = tuple(0 if tensor is None else tensor.data_ptr() for tensor in tensors)
    channels = (decay.numel(), input_gain.numel(), v_threshold.numel())

    def work(part: int, first: int, last: int) -> None:
        room = scratch(HISTORY, real)
        forward_range(at, channels, numbers, steps, N, inner, first, last, room)

    _over_parts(N, x.numel(), work)
    return spikes, v


def backward(
    grad_spikes: Tensor,
    grad_v: Tensor | None,
    x: Tensor,
    v0: Tensor | None,
    z0: Tensor | None,
    decay: Tensor,
    input_gain: Tensor,
    v_threshold: Tensor,
    rule: Rule,
    wanted: tuple[bool, bool, bool],
) -> tuple[Tensor, Tensor | None, Tensor | None, tuple[Tensor, Tensor, Tensor] | None]:
    """Differentiate a sequence; arguments and results as `reference.backward`."""
    want_v0, want_z0, want_parameters = wanted
    grad_x = fresh_like(x)
    grad_v0 = torch.empty_like(x[0]) if want_v0 else None
    grad_z0 = torch.empty_like(x[0]) if want_z0 else None
    parameters = (decay, input_gain, v_threshold)
    channels = (decay.numel(), input_gain.numel(), v_threshold.numel())
    sums = np.zeros((MOST_PARTS, 3, max(channels)))
    if x.numel() > 0:
        steps, inner, real = x.shape[0], inner_size(x), REAL[x.dtype]
        N, numbers = x.numel() // steps, rule.numbers
        states = (_beside(v0, x), _beside(z0, x))
        grads = (like_layout(grad_spikes, x), _beside(grad_v, x))
        tensors = (*grads, x, *states, *parameters, grad_x, grad_v0, grad_z0)
        at = tuple(0 if tensor is None else tensor.data_ptr() for tensor in tensors)
        block = min(LANES, max(64, SCRATCH_BYTES // (steps * x.element_size()) // 64 * 64))

        def work(part: int, first: int, last: int) -> None:
            room = scratch(HISTORY + steps * block, real)
            backward_range(
                at, channels, numbers, want_parameters,
                steps, N, inner, first, last, block, sums[part], room,
            )  # fmt: skip

        _over_parts(N, x.numel(), work)
    if not want_parameters:
        return grad_x, grad_v0, grad_z0, None
    total = torch.from_numpy(sums.sum(0)).to(x.dtype)
    d, g, t = (
        total[i, : tensor.numel()].clone().reshape(tensor.shape)
        for i, tensor in enumerate(parameters)
    )
    return grad_x, grad_v0, grad_z0, (d, g, t)


def _beside(tensor: Tensor | None, x: Tensor) -> Tensor | None:
    return None if tensor is None else like_layout(tensor, x[0])


def scratch(size: int, real: Any) -> np.ndarray[Any, Any]:
    """Return this thread's array of at least ``size`` numbers of a dtype."""
    kept: np.ndarray[Any, Any] | None = getattr(_local, real.__name__, None)
    if kept is None or kept.size < size:
        kept = np.empty(size, real)
        setattr(_local, real.__name__, kept)
    return kept


def edges(rows: int, work_size: int, block: int = LANES) -> list[int]:
    """Return the borders of the parts that a map of ``rows`` is divided into, whole blocks each."""
    blocks = -(-rows // block)
    parts = max(1, min(MOST_PARTS, work_size // PART, blocks))
    return [min(rows, block * (blocks * part // parts)) for part in range(parts + 1)]


def on_threads(parts: int, work: Callable[[int], None]) -> None:
    """Call ``work(part)`` for all parts, on as many threads as torch may use."""
    threads = min(parts, torch.get_num_threads())
    if threads == 1:
        for part in range(parts):
            work(part)
        return
    ready = iter(range(parts))

    def take() -> None:
        for part in ready:
            work(part)

    helpers = [_threads().submit(take) for _ in range(threads - 1)]
    take()
    for helper in helpers:
        helper.result()


def _over_parts(N: int, work_size: int, work: Callable[[int, int, int], None]) -> None:
    """Call ``work(part, first, last)`` over all neurons."""
    borders = edges(N, work_size)
    on_threads(len(borders) - 1, lambda part: work(part, borders[part], borders[part + 1]))


def _threads() -> ThreadPoolExecutor:
    global _pool
    if _pool is None:
        _pool = ThreadPoolExecutor(os.cpu_count() or 1, thread_name_prefix="saccade-neurons")
    return _pool


def _forget_pool() -> None:
    global _pool
    _pool = None


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_forget_pool)
