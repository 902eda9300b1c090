"""Representations as torch tensors: the only place of this room that knows torch.

    arrays [K, C, H, W] ──> tensor [K, C, H, W] ──> steps [T, B, C, H, W],   K = B T

The arrays of the other modules become tensors without a copy on the CPU.
"""

from __future__ import annotations

import importlib
from typing import Any

import torch

from saccade.errors import ConfigError, ShapeError, did_you_mean
from saccade.events.types import Events
from saccade.represent import REPRESENTATIONS

__all__ = ["as_steps", "represent"]


def represent(
    name: str,
    events: Events,
    *args: Any,
    device: torch.device | str = "cpu",
    **options: Any,
) -> torch.Tensor:
    """Compute a representation of many windows as a tensor.

    Args:
        name: One of ``REPRESENTATIONS``.
        events: A recording.
        args: What the batch function takes next: windows ``[K, 2]``, or moments ``[K]`` for time
            surfaces.
        device: Where the tensor goes.
        options: The function's other arguments.

    Returns:
        ``[K, C, H, W]``.

    Raises:
        ConfigError: There is no such representation.

    Examples:
        >>> from saccade.events import Events, SensorSize
        >>> events = Events([1, 1, 0], [0, 0, 1], [5, 9, 12], [1, 1, 0], SensorSize(2, 2))
        >>> represent("voxel", events, [[0, 2], [2, 3]], bins=5).shape
        torch.Size([2, 5, 2, 2])
    """
    if name not in REPRESENTATIONS:
        raise ConfigError(
            f"Unknown representation {name!r}.",
            f"Expected one of {', '.join(REPRESENTATIONS)}.",
            did_you_mean(name, REPRESENTATIONS),
        )
    module, _, function = REPRESENTATIONS[name].partition(":")
    array = getattr(importlib.import_module(module), function)(events, *args, **options)
    return torch.as_tensor(array, device=device)


def as_steps(frames: torch.Tensor, steps: int) -> torch.Tensor:
    """Make consecutive windows the time steps of one sample.

        out[t, b] = frames[b T + t]

    Args:
        frames: ``[B T, C, H, W]``, windows in order of time.
        steps: Time steps T of a sample.

    Returns:
        A view ``[T, B, C, H, W]``.

    Raises:
        ShapeError: The number of windows is no multiple of ``steps``.

    Examples:
        >>> as_steps(torch.arange(6.0).reshape(6, 1, 1, 1), 3)[:, :, 0, 0, 0].tolist()
        [[0.0, 3.0], [1.0, 4.0], [2.0, 5.0]]
    """
    if steps < 1 or frames.dim() < 1 or frames.shape[0] % steps:
        raise ShapeError(
            f"{tuple(frames.shape)} windows cannot be cut into samples of {steps} steps.",
            "Expected [B T, C, H, W] with T >= 1.",
        )
    shape = (frames.shape[0] // steps, steps, *frames.shape[1:])
    return frames.reshape(shape).transpose(0, 1)
