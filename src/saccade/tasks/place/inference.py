"""The place network for inference on the CPU: same descriptors, several times faster.

    fused = fuse(model.eval())
    descriptors = fused(frames)            [B, 2, H, W] -> [B, D]

One time step only, where the network is a feed-forward net with thresholds. How it computes is told
in `saccade.layers.fused`.
"""

from __future__ import annotations

import copy
import threading
from typing import Any

import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from saccade.errors import ConfigError, ShapeError
from saccade.layers.fused import FusedSEWResNet
from saccade.layers.fused_head import FusedMixVPR
from saccade.layers.mixvpr import MixVPR
from saccade.tasks.place.model import PUBLISHED_SIZE, PlaceNet
from saccade.tasks.place.spikes import record_spikes

__all__ = ["FusedPlaceNet", "fuse"]


def fuse(model: PlaceNet) -> FusedPlaceNet:
    """Fold a place network for inference.

    Args:
        model: In evaluation mode. It stays as it is; later changes to it do not reach the result.

    Raises:
        ConfigError: The model is in training mode, or a layer has no fused form.

    Examples:
        >>> model = PlaceNet.sew_resnet18(seed=0)
        >>> frames = torch.ones(2, 2, 64, 96)
        >>> bool(torch.allclose(fuse(model)(frames), model(frames), atol=1e-6))
        True
    """
    return FusedPlaceNet(model)


class FusedPlaceNet:
    """What `fuse` returns: call it with frames, as the model it was made from.

    Args:
        model: See `fuse`.
    """

    def __init__(self, model: PlaceNet) -> None:
        if model.training:
            raise ConfigError(
                "The model is in training mode.",
                "Folding uses the running statistics of batch norm, which training still changes.",
                "Call model.eval() first.",
            )
        self.compat = model.compat
        self._takes_logarithms = model.config is not None and model.config.counts == "log"
        self._backbone = FusedSEWResNet(model)
        self._head = _head(model.aggregator)

    def __call__(self, frames: Tensor | NDArray[Any], threads: int | None = None) -> Tensor:
        """Embed count frames.

        Args:
            frames: Raw counts, channels (OFF, ON): ``[B, 2, H, W]``.
            threads: Threads of the backbone; None = ``torch.get_num_threads()``.

        Returns:
            Descriptors float32 ``[B, D]`` of length 1.

        Raises:
            ShapeError: Another number of axes, channels or time steps; with compat, another size
                than 260x346.
        """
        return self.with_spikes(frames, threads)[0]

    def with_spikes(
        self, frames: Tensor | NDArray[Any], threads: int | None = None
    ) -> tuple[Tensor, dict[str, Tensor]]:
        """Embed count frames and return, beside the descriptors, the spikes of each sample.

        Returns:
            Descriptors, and neuron layer -> spikes per sample, int64 ``[B]``.
        """
        single = _one_step(frames)
        if self.compat == "spikevpr" and tuple(single.shape[-2:]) != PUBLISHED_SIZE:
            raise ShapeError(
                f"Frames have {single.shape[-2]}x{single.shape[-1]} pixels (height x width).",
                'compat="spikevpr" takes exactly 260x346.',
                "Rescale the events (--input-size 346x260), or leave compat out.",
            )
        with torch.inference_mode():
            if self._takes_logarithms:
                single = torch.log1p(torch.as_tensor(single, dtype=torch.float32))
            result = self._backbone(single, threads)
            descriptors, in_head = self._head(result.maps)
        counts = {name: torch.from_numpy(spikes) for name, spikes in result.spike_counts.items()}
        counts.update({f"aggregator.{name}": spikes for name, spikes in in_head.items()})
        return descriptors, counts


class _UnfusedHead:
    """Any other head as it is, with its spikes counted."""

    def __init__(self, head: nn.Module) -> None:
        self._head = copy.deepcopy(head).cpu().float()
        self._lock = threading.Lock()

    def __call__(self, maps: Tensor) -> tuple[Tensor, dict[str, Tensor]]:
        with self._lock, record_spikes(self._head) as record:
            descriptors = self._head(maps[None])
        return descriptors, {name: record.per_sample(name) for name in record.counts}


def _head(head: nn.Module) -> FusedMixVPR | _UnfusedHead:
    return FusedMixVPR(head) if type(head) is MixVPR else _UnfusedHead(head)


def _one_step(frames: Any) -> Any:
    """Drop a time axis of length 1, refuse a longer one."""
    if frames.ndim != 5:
        return frames
    if frames.shape[0] != 1:
        raise ShapeError(
            f"Frames {tuple(frames.shape)} have {frames.shape[0]:,} time steps.",
            "The fused network has one time step: neurons start from rest and keep no state.",
            "Use the unfused model for T > 1.",
        )
    return frames[0]
