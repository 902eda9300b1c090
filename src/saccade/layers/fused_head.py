"""MixVPR for inference: neurons as thresholds, and the two projections in the cheaper order.

    C (z Rᵀ) + c (1ᵀRᵀ) + r        instead of        (C z + c) Rᵀ + r

Both projections are linear and act on different axes, so they commute: mixing 512 channels after
the 99 cells have become 8 numbers costs a twelfth.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional

from saccade.errors import ConfigError
from saccade.layers.fused_fold import firing_level
from saccade.layers.mixvpr import Mixer, MixVPR, on_grid

__all__ = ["FusedMixVPR"]


class FusedMixVPR:
    """A MixVPR head for one time step; a snapshot, later changes do not reach it.

    Args:
        head: The head; its neurons have one threshold for all units.

    Raises:
        ConfigError: A neuron has no fused form.

    Examples:
        >>> head = MixVPR(16, grid=(3, 4), out_channels=8, out_rows=2).eval()
        >>> x = torch.arange(384.0).reshape(2, 16, 3, 4) % 5
        >>> descriptors, spike_counts = FusedMixVPR(head)(x)
        >>> bool(torch.allclose(descriptors, head(x), atol=1e-6)), list(spike_counts)
        (True, ['mix.0.sn', 'mix.1.sn', 'mix.2.sn'])
    """

    def __init__(self, head: MixVPR) -> None:
        self.grid, self.exact_grid = head.grid, head.exact_grid
        self._mixers = tuple(
            _FusedMixer(f"mix.{index}.sn", mixer)
            for index, mixer in enumerate(head.mix)
            if isinstance(mixer, Mixer)
        )
        rows, row_bias = _copies(head.row_proj)
        channels, channel_bias = _copies(head.channel_proj)
        self._rows, self._channels = rows.float(), channels.float().t().contiguous()
        self._shift = (channel_bias[:, None] * rows.sum(1) + row_bias).float()

    def __call__(self, maps: Tensor) -> tuple[Tensor, dict[str, Tensor]]:
        """Return descriptors ``[B, D]``, and neuron layer -> spikes per sample, int64 ``[B]``.

        Args:
            maps: float32 ``[B, C, h, w]``.

        Raises:
            ShapeError: The map differs from the grid of a head with ``exact_grid``.
        """
        cells = on_grid(maps, self.grid, exact=self.exact_grid)[0]
        mixed = cells.reshape(-1, cells.shape[-1])
        counts: dict[str, Tensor] = {}
        for mixer in self._mixers:
            mixed, spikes = mixer(mixed)
            # Below 2^24 spikes a float32 sum is exact, and much faster than an integer one.
            counts[mixer.name] = spikes.reshape(len(maps), -1).sum(1).long()
        rows = torch.mm(self._rows, mixed.t()).reshape(-1, maps.shape[1])
        projected = torch.mm(rows, self._channels).reshape(len(self._rows), len(maps), -1)
        return functional.normalize(
            (projected.permute(1, 2, 0) + self._shift).flatten(1), dim=-1
        ), counts


class _FusedMixer:
    """x + W2 [W1 LN(x) + b1 >= level] + b2 on rows ``[B C, cells]``."""

    def __init__(self, name: str, mixer: Mixer) -> None:
        level, strict = firing_level(name, mixer.sn, mixer.fc.out_features)
        if (level != level[0]).any():
            raise ConfigError(
                f"{name} has a threshold per channel.", "The fused head needs one for all units."
            )
        self.name = name
        self._fires = torch.Tensor.gt_ if strict else torch.Tensor.ge_
        self._level = float(level[0])
        self._norm = tuple(x.float() for x in _copies(mixer.ln))
        self._eps = mixer.ln.eps
        self._fc = tuple(x.float() for x in _copies(mixer.fc))
        weight, shift = _copies(mixer.fc2)
        self._fc2, self._shift = weight.float().t().contiguous(), shift.float()

    def __call__(self, x: Tensor) -> tuple[Tensor, Tensor]:
        normed = functional.layer_norm(x, (x.shape[-1],), *self._norm, eps=self._eps)
        spikes = self._fires(functional.linear(normed, *self._fc), self._level)
        return torch.addmm(x + self._shift, spikes, self._fc2), spikes


def _copies(layer: nn.Linear | nn.LayerNorm) -> tuple[Tensor, Tensor]:
    """Return weight and bias in float64 on the CPU."""
    weight, bias = (
        x.detach().cpu().to(torch.float64, copy=True) for x in (layer.weight, layer.bias)
    )
    return weight, bias
