"""Batch-norm calibration: make an untrained or foreign network fire on the recordings at hand.

    layer by layer:  μ_c, σ²_c  of what enters the batch norm, over frames, steps and pixels
                     BN(x)_c = γ_c (x - μ_c) / √(σ²_c + ε) + β_c,   spike where BN(x) >= 1

With γ = 1, β = 0 about 16 % of the values of a bell-shaped distribution lie above the threshold.
Each layer is measured on what the already calibrated layers before it send, because one silent
layer makes every later measurement meaningless. No label is used and no weight changes. Neurons of
the head have no batch norm before them; calibration leaves them as they are.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import cast

import torch
from torch import Tensor, nn

from saccade.contracts import Table
from saccade.errors import EventError, SaccadeWarning, ShapeError, listing
from saccade.layers.sew import SEWBlock, SEWResNet, per_step, with_steps
from saccade.tasks.place.spikes import SpikeRecord, record_spikes

__all__ = ["Calibration", "calibrate"]

Chunks = list[Tensor]


@dataclass(frozen=True)
class Calibration:
    """Firing before and after.

    Args:
        before: Spikes on the calibration frames with the statistics the network came with.
        after: Spikes on the same frames afterwards.
        frames: Number of calibration frames.
    """

    before: SpikeRecord
    after: SpikeRecord
    frames: int

    def silent(self) -> list[str]:
        """Return the layers that still fire no spike."""
        return self.after.silent()

    def table(self) -> Table:
        """Return the firing rate of every layer before and after."""
        rows = [
            (layer, self.before.firing_rate(layer), self.after.firing_rate(layer))
            for layer in self.after.counts
        ]
        columns = ("layer", "firing rate before", "firing rate after")
        return Table("Batch-norm calibration", columns, tuple(rows))


def calibrate(model: SEWResNet, frames: Tensor, *, batch: int = 8) -> Calibration:
    """Replace the running statistics of every batch norm by those of the given frames.

    The result depends on the frames and the weights only: there is no randomness, and ``batch``
    changes rounding at most.

    Args:
        model: A place network or its backbone; changed in place.
        frames: Count frames ``[N, 2, H, W]`` or ``[T, N, 2, H, W]``, N >= 2, none of them empty.
        batch: Frames per pass; bounds the memory.

    Returns:
        Firing rates before and after.

    Raises:
        EventError: A frame holds no event.
        ShapeError: The frames do not fit the network, or there are fewer than 2.

    Warns:
        SaccadeWarning: A layer behind a batch norm stays silent, e.g. because its weights are zero.

    Examples:
        >>> from saccade.layers import SEWResNet
        >>> rng = torch.Generator().manual_seed(1)
        >>> frames = torch.poisson(torch.full((4, 2, 64, 96), 0.2), generator=rng)
        >>> result = calibrate(SEWResNet.sew_resnet18(), frames)
        >>> len(result.before.silent()) > 0, result.silent()
        (True, [])
    """
    channels = cast(nn.Conv2d, model.conv1[0]).in_channels
    steps = with_steps(frames, channels)
    _refuse_empty(steps)
    stem_input: Callable[[Tensor], Tensor] = getattr(model, "stem_input", lambda x: x)
    if getattr(model, "compat", None):
        steps = steps.flatten(0, 1)[None]  # there, steps are samples of their own (defect A1)
    was_training = model.training
    model.eval()
    try:
        with torch.no_grad():
            chunks = list(steps.split(batch, dim=1))
            with record_spikes(model) as before:
                for chunk in chunks:
                    model(chunk)
            with record_spikes(model) as after:
                _walk(model, [stem_input(chunk) for chunk in chunks])
    finally:
        model.train(was_training)
    dead = [layer for layer in after.silent() if not layer.startswith("aggregator.")]
    if dead:
        warnings.warn(
            SaccadeWarning(
                f"{len(dead):,} layers stay silent after calibration: {listing(dead)}. Their "
                "batch-norm weight or convolution is zero; was the network made with "
                "zero_init_residual?"
            ),
            stacklevel=2,
        )
    return Calibration(before, after, steps.shape[1])


def _refuse_empty(steps: Tensor) -> None:
    count = steps.shape[1]
    if count < 2:
        raise ShapeError(f"Calibration got {count} frames.", "Expected at least 2.")
    empty = (steps.abs().sum((0, 2, 3, 4)) == 0).nonzero().flatten().tolist()
    if empty:
        raise EventError(
            f"{len(empty):,} of {count:,} calibration frames hold no event: {listing(empty)}.",
            "Expected frames with events; empty ones pull the statistics towards silence.",
            "Leave them out, or use longer windows.",
        )


def _walk(model: SEWResNet, chunks: Chunks) -> None:
    """Calibrate front to back; every neuron runs once, on inputs that are already calibrated.

    ``spikes`` is what the layers before the current one send.
    """
    dtype = chunks[0].dtype
    _settle(model.bn1, (per_step(model.conv1, chunk) for chunk in chunks))
    spikes = [_pack(model.stem(chunk)) for chunk in chunks]
    for block in model.blocks():
        spikes = _walk_block(block, spikes, dtype)
    head = getattr(model, "aggregator", None)
    if head is not None:
        for chunk in spikes:
            head(chunk.to(dtype))


def _walk_block(block: SEWBlock, spikes: Chunks, dtype: torch.dtype) -> Chunks:
    convolution, norm = block.conv1
    _settle(norm, (per_step(convolution, chunk.to(dtype)) for chunk in spikes))
    hidden = [_pack(block.first_half(chunk.to(dtype))) for chunk in spikes]
    convolution, norm = block.conv2
    _settle(norm, (per_step(convolution, chunk.to(dtype)) for chunk in hidden))
    if block.downsample is not None:
        convolution, norm = cast(nn.Sequential, block.downsample[0])
        _settle(norm, (per_step(convolution, chunk.to(dtype)) for chunk in spikes))
    return [
        _pack(block.second_half(half.to(dtype), chunk.to(dtype)))
        for half, chunk in zip(hidden, spikes, strict=True)
    ]


def _pack(spikes: Tensor) -> Tensor:
    """Keep small whole numbers in a byte: the maps of all frames are in memory at once."""
    return spikes.to(torch.uint8)


def _settle(norm: nn.Module, inputs: Iterable[Tensor]) -> None:
    """Set mean and unbiased variance per channel of ``[T, B, C, h, w]`` tensors.

    Chunks are merged by the update of Chan, Golub and LeVeque (1979), in float64.
    """
    assert isinstance(norm, nn.BatchNorm2d)
    assert norm.running_mean is not None and norm.running_var is not None
    count, mean, squares = 0, torch.zeros(()), torch.zeros(())
    for chunk in inputs:
        variance, part = torch.var_mean(chunk.flatten(0, 1), (0, 2, 3), correction=0)
        variance, part = variance.cpu().double(), part.cpu().double()
        more = chunk.numel() // norm.num_features
        step = part - mean
        mean = mean + step * (more / (count + more))
        squares = squares + variance * more + step.square() * (count * more / (count + more))
        count += more
    norm.running_mean.copy_(mean)
    norm.running_var.copy_(squares / max(count - 1, 1))
