"""Three small heads: generalised mean, a spiking two-layer perceptron, and one that keeps cells.

    GEM:  d_c = ( mean over cells of max(x_c, 1e-6)^p )^(1/p), p learnable
    MLP:  d   = membrane of a neuron that never fires, fed by  fc2 · spike(fc1 · mean over cells of
        x)
    cells: d_(k,i) = BN_k( W x_i + b )_k for each cell i of a grid: what is seen where

All normalise d to length 1 and take maps of any size.

Reference:
    Radenović et al., "Fine-tuning CNN Image Retrieval with No Human Annotation", TPAMI 2019 (GEM).
"""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional

from saccade.layers.initial import linear, seeded
from saccade.layers.mixvpr import HeadNeuron, head_neuron, on_grid
from saccade.neurons import Integrator

__all__ = ["GEM", "MLP", "CellHead"]


class GEM(nn.Module):
    """Generalised mean over the cells of the map, averaged over time first.

    Args:
        p: First exponent; 1 = mean, large = maximum.
        floor: Smallest value that enters the power.

    Examples:
        >>> x = torch.tensor([[[[3.0, 3.0]], [[4.0, 4.0]]]])
        >>> GEM()(x).round(decimals=4).tolist()
        [[0.6000..., 0.8000...]]
    """

    def __init__(self, p: float = 3.0, floor: float = 1e-6) -> None:
        super().__init__()
        self.p = nn.Parameter(torch.full((1,), p))
        self.floor = floor

    def forward(self, x: Tensor) -> Tensor:
        """Map ``[T, B, C, h, w]`` or ``[B, C, h, w]`` to descriptors ``[B, C]``."""
        rates = x.mean(0) if x.ndim == 5 else x
        powers = rates.clamp(min=self.floor).pow(self.p)
        return functional.normalize(powers.mean((-2, -1)).pow(1 / self.p), dim=-1)


class MLP(nn.Module):
    """Two linear layers around spiking units; the descriptor is a membrane after the last step.

    Args:
        in_channels: Channels of the map.
        out_features: Length of the descriptor.
        neuron: Kind of the hidden units and of the membrane, ``"lif"`` or ``"if"``.
        rng: Where the weights come from; None = a generator seeded with 0.

    Examples:
        >>> MLP(8, 4)(torch.ones(2, 8, 3, 5)).shape
        torch.Size([2, 4])
    """

    def __init__(
        self,
        in_channels: int = 512,
        out_features: int = 512,
        *,
        neuron: HeadNeuron = "lif",
        rng: torch.Generator | None = None,
    ) -> None:
        super().__init__()
        rng = rng or seeded(0)
        self.fc1 = linear(in_channels, in_channels, rng)
        self.sn = head_neuron(neuron)
        self.fc2 = linear(in_channels, out_features, rng)
        keep = 0.5 if neuron == "lif" else 1.0
        self.membrane = Integrator(decay=keep, input_gain=1.0 if neuron == "if" else 0.5)

    def forward(self, x: Tensor) -> Tensor:
        """Map ``[T, B, C, h, w]`` or ``[B, C, h, w]`` to descriptors ``[B, out_features]``."""
        steps = x[None] if x.ndim == 4 else x
        spikes = self.sn(self.fc1(steps.mean((-2, -1))))
        return functional.normalize(self.membrane(self.fc2(spikes))[-1], dim=-1)


class CellHead(nn.Module):
    """One linear projection in every cell of a grid, flattened: a descriptor with a layout.

    Nothing is mixed between cells, so what is learned in one place of the image serves in all.
    It learns from fewer places than heads that weigh cells against each other.

    Args:
        in_channels: Channels of the map.
        grid: Rows and columns the map is averaged onto.
        out_channels: Numbers per cell; the descriptor has ``out_channels * rows * columns``.
        rng: Where the weights come from; None = a generator seeded with 0.

    Examples:
        >>> CellHead(16, (2, 3), 4)(torch.ones(2, 16, 4, 6)).shape
        torch.Size([2, 24])
    """

    def __init__(
        self,
        in_channels: int,
        grid: tuple[int, int],
        out_channels: int,
        *,
        rng: torch.Generator | None = None,
    ) -> None:
        super().__init__()
        self.grid = grid
        self.proj = linear(in_channels, out_channels, rng or seeded(0))
        self.norm = nn.BatchNorm1d(out_channels)

    def forward(self, x: Tensor) -> Tensor:
        """Map ``[T, B, C, h, w]`` or ``[B, C, h, w]`` to ``[B, out_channels * cells]``."""
        cells = on_grid(x, self.grid, exact=False).mean(0)
        projected = self.proj(cells.transpose(1, 2)).transpose(1, 2)
        return functional.normalize(self.norm(projected).flatten(1), dim=1)
