"""The inference form of a SEW-ResNet: bytes between layers, one pass per layer, no time axis.

For one time step from rest a neuron is a threshold, and batch norm is a scale and a shift, so that

    spike = [ input_gain · BN(W a) + v_rest >= v_threshold ] = [ (s W) a >= θ ]
    s = γ / sqrt(var + eps)        θ = (v_threshold - v_rest) / input_gain - β + s · mean

per output channel. `FusedSEWResNet` stores s W and θ, keeps maps as bytes with channels innermost,
and joins depthwise convolution, pointwise convolution, threshold and residual connection in one
kernel (`saccade.layers.fused_kernels`). Spikes equal those of the unfused network except where a
pre-activation lies within float32 rounding of its threshold.
"""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from saccade.errors import ConfigError, ShapeError
from saccade.layers.fused_fold import fold_block, fold_stem
from saccade.layers.fused_plan import Plan, make_plan
from saccade.layers.sew import SEWResNet

__all__ = ["FusedMaps", "FusedSEWResNet"]

_CHUNK = 8
_PLANS = 4


@dataclass(frozen=True)
class FusedMaps:
    """What a fused backbone returns.

    Args:
        maps: float32 ``[B, C, h, w]``, whole numbers.
        spike_counts: Neuron layer, in the order of the unfused network -> spikes of each sample,
            int64 ``[B]``.
    """

    maps: Tensor
    spike_counts: dict[str, NDArray[np.int64]]


class FusedSEWResNet:
    """A SEW-ResNet folded for inference on the CPU; a snapshot, later changes do not reach it.

    Calls from several threads are taken one after the other, because they share the workspace.

    Args:
        backbone: A network in evaluation mode; its neurons are IF or LIF.

    Raises:
        ConfigError: The network is in training mode, or a layer has no fused form.

    Examples:
        >>> import torch
        >>> from saccade.layers import SEWResNet
        >>> net = SEWResNet.sew_resnet18().eval()
        >>> frames = torch.ones(1, 2, 64, 96)
        >>> bool((FusedSEWResNet(net)(frames).maps == net(frames)).all())
        True
    """

    def __init__(self, backbone: SEWResNet) -> None:
        if any(module.training for module in backbone.modules()):
            raise ConfigError(
                "The network is in training mode.",
                "Folding uses the running statistics of batch norm, which training still changes.",
                "Call .eval() first.",
            )
        self.stem = fold_stem(backbone)
        self.blocks = tuple(
            fold_block(f"{stage}.{index}", block)
            for stage in ("layer1", "layer2", "layer3", "layer4")
            for index, block in enumerate(getattr(backbone, stage))
        )
        self.channels = self.blocks[-1].second.outputs
        if len(self.blocks) > 250:
            raise ConfigError(
                f"{len(self.blocks)} blocks.", "A byte holds the sum of at most 250 blocks."
            )
        units = [self.stem]
        for block in self.blocks:
            units += [block.first, block.second, *([block.downsample] if block.downsample else [])]
        self.names = tuple(unit.name for unit in units)
        self._plans: dict[tuple[int, int, int, int], Plan] = {}
        self._crew: ThreadPoolExecutor | None = None
        self._crew_size = 0
        self._lock = threading.Lock()

    def __call__(self, frames: Tensor | NDArray[Any], threads: int | None = None) -> FusedMaps:
        """Run one time step from rest.

        Args:
            frames: Counts ``[B, 2, H, W]``, channels (OFF, ON).
            threads: How many to use; None = ``torch.get_num_threads()``.

        Raises:
            ShapeError: The frames have another number of axes or channels.
            ConfigError: ``threads`` is below 1.
        """
        counts = _as_counts(frames)
        batch, _, height, width = counts.shape
        threads = torch.get_num_threads() if threads is None else threads
        if threads < 1:
            raise ConfigError(f"threads = {threads}.", "Expected 1 or more.")
        parts: list[NDArray[np.float32]] = []
        spikes: list[NDArray[np.int64]] = []
        names: tuple[str, ...] = ()
        with self._lock:
            for begin in range(0, batch, _CHUNK):
                chunk = counts[begin : begin + _CHUNK]
                plan = self._plan(len(chunk), height, width, threads)
                plan.frames[:] = chunk
                plan.run(self._helpers(threads))
                maps = plan.maps[..., : self.channels].transpose(0, 3, 1, 2)
                parts.append(maps.astype(np.float32, order="C"))
                spikes.append(plan.counts.sum(0))
                names = plan.names
        maps = parts[0] if len(parts) == 1 else np.concatenate(parts)
        by_layer = np.concatenate(spikes, axis=1)
        found = dict(zip(names, by_layer, strict=True))
        return FusedMaps(torch.from_numpy(maps), {name: found[name] for name in self.names})

    def _plan(self, batch: int, height: int, width: int, threads: int) -> Plan:
        key = (batch, height, width, threads)
        if key not in self._plans:
            while len(self._plans) >= _PLANS:
                del self._plans[next(iter(self._plans))]
            self._plans[key] = make_plan(self.stem, self.blocks, batch, (height, width), threads)
        return self._plans[key]

    def _helpers(self, threads: int) -> ThreadPoolExecutor | None:
        """Return the pool with the threads beside the caller's, started when first needed."""
        if threads == 1:
            return None
        if self._crew is None or self._crew_size != threads - 1:
            if self._crew is not None:
                self._crew.shutdown()
            self._crew_size = threads - 1
            self._crew = ThreadPoolExecutor(self._crew_size, thread_name_prefix="fused")
        return self._crew


def _as_counts(frames: Tensor | NDArray[Any]) -> NDArray[Any]:
    array = frames.detach().cpu().numpy() if isinstance(frames, Tensor) else np.asarray(frames)
    if array.ndim != 4 or array.shape[1] != 2 or array.shape[0] == 0:
        raise ShapeError(
            f"Frames have shape {tuple(array.shape)}.",
            "The fused network takes one time step: [B, 2, H, W] with B >= 1, channels (OFF, ON).",
            "For several time steps use the unfused network.",
        )
    return array
