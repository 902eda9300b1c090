"""Training by several processes that act as one.

    torchrun --nproc-per-node 2 -m saccade train place ...

    embeddings   gathered from all processes, so that each anchor meets all negatives
    batch norm   mu = sum_r sum x / n,  var = sum_r sum (x - mu)^2 / n    over all processes
    gradients    averaged after the backward pass

Gathering and summing are differentiable, so that the step equals that of one process with the whole
batch, up to rounding. torch's own SyncBatchNorm does the same on GPUs only.
"""

from __future__ import annotations

import os
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, cast

import torch
from torch import Tensor, nn
from torch.nn import functional

from saccade.errors import ConfigError

__all__ = ["World", "average_gradients", "gather", "join_world", "share_statistics"]


@dataclass(frozen=True)
class World:
    """The processes that train together.

    Args:
        rank: Number of this one.
        size: How many there are.
    """

    rank: int = 0
    size: int = 1

    @property
    def is_first(self) -> bool:
        """Whether this process writes files and tells progress."""
        return self.rank == 0

    def any(self, flag: bool) -> bool:
        """Return whether the flag is set in any of the processes."""
        if self.size == 1:
            return flag
        return self._reduced(float(flag), "MAX") > 0

    def from_first(self, value: float) -> float:
        """Return the number that the first process has."""
        if self.size == 1:
            return value
        return self._reduced(value if self.is_first else 0.0, "SUM")

    def _reduced(self, value: float, how: str) -> float:

        dist = _distributed()
        number = torch.tensor(value, dtype=torch.float64)
        if dist.get_backend() == "nccl":
            number = number.cuda()
        dist.all_reduce(number, getattr(dist.ReduceOp, how))
        return float(number)


@contextmanager
def join_world(device: torch.device) -> Generator[World]:
    """Join the processes that ``torchrun`` started; alone without it.

    Args:
        device: ``cuda`` communicates by NCCL, anything else by gloo.

    Raises:
        ConfigError: ``torchrun``'s variables are set and torch has no distributed package.
    """
    size = int(os.environ.get("WORLD_SIZE", "1"))
    if size == 1:
        yield World()
        return

    dist = _distributed()
    if not dist.is_available():
        raise ConfigError(
            f"WORLD_SIZE is {size}, but this torch has no distributed package.",
            fix="Start without torchrun, or install another build of torch.",
        )
    began = not dist.is_initialized()
    if began:
        dist.init_process_group("nccl" if device.type == "cuda" else "gloo")
    try:
        yield World(dist.get_rank(), dist.get_world_size())
    finally:
        if began:
            dist.destroy_process_group()


def gather(values: Tensor, world: World) -> Tensor:
    """Return the rows of all processes, ``[size N, ...]`` in order of rank; differentiable.

    Every process must give the same number of rows.
    """
    if world.size == 1:
        return values
    return cast(Any, _Gather).apply(values, world)


def average_gradients(model: nn.Module, world: World) -> None:
    """Replace the gradient of every parameter by its mean over the processes."""
    if world.size == 1:
        return

    held = [p.grad for p in model.parameters() if p.grad is not None]
    if not held:
        return
    flat = torch.cat([grad.flatten() for grad in held])
    _distributed().all_reduce(flat)
    flat /= world.size
    start = 0
    for grad in held:
        grad.copy_(flat[start : start + grad.numel()].view_as(grad))
        start += grad.numel()


def share_statistics(model: nn.Module, world: World) -> None:
    """Let every batch norm of a model use the batch statistics of all processes, in place."""
    if world.size == 1:
        return
    for module in model.modules():
        if isinstance(module, (nn.BatchNorm1d, nn.BatchNorm2d)):
            cast(Any, module).forward = _Shared(module, world)


class _Shared:
    """Forward of a batch norm over all processes; parameters and buffers stay the module's own."""

    def __init__(self, norm: nn.BatchNorm1d | nn.BatchNorm2d, world: World) -> None:
        self._norm, self._world = norm, world

    def __call__(self, x: Tensor) -> Tensor:
        norm = self._norm
        if not norm.training:
            return functional.batch_norm(
                x, norm.running_mean, norm.running_var, norm.weight, norm.bias, eps=norm.eps
            )
        count = x.numel() // x.shape[1] * self._world.size
        others = tuple(axis for axis in range(x.ndim) if axis != 1)
        shape = (-1,) + (1,) * (x.ndim - 2)
        mean = _sum(x.sum(others)) / count
        centred = x - mean.view(shape)
        variance = _sum(centred.square().sum(others)) / count
        self._follow(mean.detach(), variance.detach() * count / max(count - 1, 1))
        scale = norm.weight * torch.rsqrt(variance + norm.eps)
        return centred * scale.view(shape) + norm.bias.view(shape)

    def _follow(self, mean: Tensor, variance: Tensor) -> None:
        norm = self._norm
        if norm.running_mean is None or norm.running_var is None:
            return
        assert norm.num_batches_tracked is not None
        norm.num_batches_tracked += 1
        share = norm.momentum
        if share is None:
            share = 1.0 / float(norm.num_batches_tracked)
        norm.running_mean.lerp_(mean, share)
        norm.running_var.lerp_(variance, share)


def _sum(values: Tensor) -> Tensor:
    return cast(Any, _Sum).apply(values)


def _distributed() -> Any:
    """Return torch's package, which has no complete types."""
    import torch.distributed as dist

    return dist


class _Sum(torch.autograd.Function):
    """Sum over processes; the gradient is summed, too."""

    @staticmethod
    def forward(ctx: Any, values: Tensor) -> Tensor:  # pyright: ignore[reportIncompatibleMethodOverride]

        del ctx
        total = values.clone()
        _distributed().all_reduce(total)
        return total

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> Tensor:  # pyright: ignore[reportIncompatibleMethodOverride]

        del ctx
        total = gradient.clone()
        _distributed().all_reduce(total)
        return total


class _Gather(torch.autograd.Function):
    """Rows of all processes; the gradient of a row is the sum over processes."""

    @staticmethod
    def forward(ctx: Any, values: Tensor, world: World) -> Tensor:  # pyright: ignore[reportIncompatibleMethodOverride]

        ctx.world, ctx.rows = world, len(values)
        parts = [torch.empty_like(values) for _ in range(world.size)]
        _distributed().all_gather(parts, values.contiguous())
        return torch.cat(parts)

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor, None]:  # pyright: ignore[reportIncompatibleMethodOverride]

        total = gradient.clone()
        _distributed().all_reduce(total)
        first = ctx.world.rank * ctx.rows
        return total[first : first + ctx.rows], None
