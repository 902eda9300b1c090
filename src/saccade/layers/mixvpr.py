"""MixVPR with spiking hidden units: a feature map becomes one unit-length place descriptor.

    z₀ [512, 99]   the map, each channel flattened over its 9x11 cells
    zₖ = zₖ₋₁ + W₂ · spike(W₁ · LN(zₖ₋₁))          three mixers, along the cells
    d  = normalise( (R · (C · z)ᵀ)ᵀ )              C: 512 -> 512 channels, R: 99 -> 8 rows

The spikes integrate over the time axis; the descriptor is the mean over time, normalised.

Reference:
    Ali-bey et al., "MixVPR: Feature Mixing for Visual Place Recognition", WACV 2023.
"""

from __future__ import annotations

from typing import Literal

import torch
from torch import Tensor, nn
from torch.nn import functional

from saccade.errors import ShapeError
from saccade.layers.initial import linear, seeded
from saccade.neurons import IF, LIF

__all__ = ["HeadNeuron", "MixVPR", "Mixer", "head_neuron", "on_grid"]

HeadNeuron = Literal["lif", "if"]


def head_neuron(name: HeadNeuron) -> nn.Module:
    """Return the neuron of a head.

    Args:
        name: ``"lif"``: v <- v + (x - v)/2; from rest it fires where x >= 2. ``"if"``: v <- v + x;
            fires where x >= 1. Both reset to 0 and let the gradient pass through the reset.
    """
    if name == "lif":
        return LIF.spikingjelly(tau=2.0, decay_input=True, detach_reset=False)
    return IF.spikingjelly(detach_reset=False)


class Mixer(nn.Module):
    """x + fc2(spike(fc(LayerNorm(x)))) along the last axis.

    Args:
        cells: Length of that axis.
        hidden: Spiking hidden units.
        neuron: Their kind.
        rng: Where the weights come from.
    """

    def __init__(self, cells: int, hidden: int, neuron: HeadNeuron, rng: torch.Generator) -> None:
        super().__init__()
        self.ln = nn.LayerNorm(cells)
        self.fc = linear(cells, hidden, rng, std=0.02)
        self.sn = head_neuron(neuron)
        self.fc2 = linear(hidden, cells, rng, std=0.02)

    def forward(self, x: Tensor) -> Tensor:
        """Map ``[T, B, C, cells]`` to the same shape."""
        return x + self.fc2(self.sn(self.fc(self.ln(x))))


class MixVPR(nn.Module):
    """The head: mixers along the cells of the map, then a projection of channels and of cells.

    The weights belong to one grid of cells. A map of another size is averaged onto that grid
    (adaptive average pooling), so that the same weights serve any sensor; a map that already has
    the grid passes untouched, bit for bit.

    Args:
        in_channels: Channels of the map.
        grid: Rows and columns of cells; 9x11 is the map of a 260x346 sensor.
        out_channels: Channels after the projection.
        out_rows: Numbers kept per channel; the descriptor has ``out_channels * out_rows``.
        depth: Number of mixers.
        mlp_ratio: Hidden units of a mixer per cell.
        neuron: Kind of the hidden units, ``"lif"`` or ``"if"``.
        exact_grid: Refuse maps of another size instead of averaging them.
        rng: Where the weights come from; None = a generator seeded with 0.

    Examples:
        >>> head = MixVPR(16, grid=(3, 4), out_channels=8, out_rows=2)
        >>> head(torch.ones(2, 16, 3, 4)).norm(dim=1).round(decimals=4).tolist()
        [1.0, 1.0]
    """

    def __init__(
        self,
        in_channels: int = 512,
        grid: tuple[int, int] = (9, 11),
        *,
        out_channels: int = 512,
        out_rows: int = 8,
        depth: int = 3,
        mlp_ratio: float = 1,
        neuron: HeadNeuron = "lif",
        exact_grid: bool = False,
        rng: torch.Generator | None = None,
    ) -> None:
        super().__init__()
        rng = rng or seeded(0)
        self.grid, self.exact_grid = grid, exact_grid
        cells = grid[0] * grid[1]
        hidden = int(cells * mlp_ratio)
        self.mix = nn.Sequential(*(Mixer(cells, hidden, neuron, rng) for _ in range(depth)))
        self.channel_proj = linear(in_channels, out_channels, rng)
        self.row_proj = linear(cells, out_rows, rng)

    def forward(self, x: Tensor) -> Tensor:
        """Map ``[T, B, C, h, w]`` or ``[B, C, h, w]`` to ``[B, out_channels * out_rows]``.

        Raises:
            ShapeError: The map has another size than the grid and ``exact_grid`` is set.
        """
        cells = on_grid(x, self.grid, exact=self.exact_grid)
        mixed = self.mix(cells)
        channels = self.channel_proj(mixed.transpose(-1, -2)).transpose(-1, -2)
        rows = self.row_proj(channels).mean(0)
        return functional.normalize(rows.flatten(1), dim=-1)


def on_grid(x: Tensor, grid: tuple[int, int], *, exact: bool) -> Tensor:
    """Average a map ``[(T,) B, C, h, w]`` onto a grid and flatten it: ``[T, B, C, cells]``.

    Raises:
        ShapeError: The map differs from the grid and ``exact`` is set.
    """
    steps = x[None] if x.ndim == 4 else x
    size = (steps.shape[-2], steps.shape[-1])
    if size != grid and exact:
        raise ShapeError(
            f"The feature map has {size[0]}x{size[1]} cells (rows x columns).",
            f'With compat="spikevpr" the head takes exactly {grid[0]}x{grid[1]}, '
            "the map of a 260x346 (height x width) sensor.",
            "Rescale the events to 346x260, or leave compat out: maps are then averaged onto the "
            "grid.",
        )
    if size != grid:
        pooled = functional.adaptive_avg_pool2d(steps.flatten(0, 1), grid)
        steps = pooled.unflatten(0, steps.shape[:2])
    return steps.flatten(-2)
