"""Event spike tensor: a learnt kernel spreads each event over the time bins of a grid.

    v[b, c, y, x] = sum over events (x, y, t, p) of item b:  t f(t - i / (B - 1)),   c = p B + i

t is scaled to 0..1 within its item, p is 0 for OFF and 1 for ON, i runs over B time bins; channels
are B of OFF, then B of ON. The kernel f is a perceptron 1-30-30-1 that starts as the trilinear
kernel max(0, 1 - (B - 1) |dt|), to which it is fitted.

Reference:
    D. Gehrig, A. Loquercio, K. Derpanis, D. Scaramuzza, "End-to-end learning of representations for
    asynchronous event-based data", ICCV 2019.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from typing import Literal, cast

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

from saccade.errors import EventError, ShapeError
from saccade.events import Events
from saccade.tasks.place.netvlad_resnet import unset

__all__ = ["EST", "ValueKernel", "event_rows", "trilinear_kernel"]

_SLOPE = 0.1


class ValueKernel(nn.Module):
    """The perceptron f(dt), LeakyReLU 0.1 between its layers; weights are not set yet.

    Args:
        hidden: Units of each hidden layer.
    """

    def __init__(self, hidden: Sequence[int] = (30, 30)) -> None:
        super().__init__()
        sizes = (1, *hidden, 1)
        layers = [unset(nn.Linear, inner, outer) for inner, outer in pairwise(sizes)]
        self.mlp = nn.ModuleList(layers)

    def forward(self, dt: Tensor) -> Tensor:
        """Map times ``[N]`` to values ``[N]``."""
        values = dt[:, None]
        for k, layer in enumerate(self.mlp):
            values = layer(functional.leaky_relu(values, _SLOPE) if k else values)
        return values[:, 0]

    def fit_trilinear(self, bins: int, rng: torch.Generator, *, steps: int = 1000) -> float:
        """Draw the weights and fit them to the trilinear kernel; return the last mean square error.

        Each step draws 2000 times from -1 to 1 and takes one step of Adam at rate 1e-2.

        Args:
            bins: B of the kernel.
            rng: Where weights and times come from; torch's own generator is left alone.
            steps: Steps of Adam.
        """
        with torch.no_grad():
            for layer in cast(list[nn.Linear], list(self.mlp)):
                bound = layer.in_features**-0.5
                layer.weight.uniform_(-bound, bound, generator=rng)
                layer.bias.uniform_(-bound, bound, generator=rng)
        adam = torch.optim.Adam(self.parameters(), lr=1e-2)
        error = torch.zeros(())
        with torch.enable_grad():
            for _ in range(steps):
                dt = torch.rand(2000, generator=rng) * 2 - 1
                error = (self(dt) - trilinear_kernel(dt, bins)).square().mean()
                adam.zero_grad()
                error.backward()
                adam.step()
        return float(error.detach())


def trilinear_kernel(dt: Tensor, bins: int) -> Tensor:
    """Return max(0, 1 - (B - 1) |dt|).

    Examples:
        >>> trilinear_kernel(torch.tensor([-0.25, 0.0, 0.0625]), bins=9).tolist()
        [0.0, 1.0, 0.5]
    """
    return (1 - (bins - 1) * dt.abs()).clamp(min=0)


class EST(nn.Module):
    """Events of a batch to frames of 2 B channels; weights are not set yet.

    Args:
        height: Rows of the sensor.
        width: Columns.
        bins: Time bins B.
        compat: With ``"spikevpr"`` times are divided by the largest of their item, as published,
            which takes absolute times to about 1 (defect D12). Without, an item starts at 0.
            Neither writes to the caller's events.
    """

    def __init__(
        self,
        height: int,
        width: int,
        *,
        bins: int = 9,
        compat: Literal["spikevpr"] | None = None,
    ) -> None:
        super().__init__()
        self.height, self.width, self.bins, self.compat = height, width, bins, compat
        self.kernel = ValueKernel()

    def forward(self, events: Tensor, items: int) -> Tensor:
        """Map rows (x, y, t, p, item) ``[N, 5]`` to ``[items, 2 B, H, W]``.

        Args:
            events: Float; p is -1 or 1. float64 while times are large; the grid has the type of
                the kernel's weights.
            items: Number of items; one without events becomes 0 everywhere.

        Raises:
            ShapeError: Not ``[N, 5]``.
            EventError: An event lies outside the sensor, or its item is not among them.
        """
        x, y, t, p, item = self._columns(events, items)
        dtype = self.kernel.mlp[0].weight.dtype
        scaled = self._scaled(t, item, items).to(cast(torch.dtype, dtype))
        grid = scaled.new_zeros(items * 2 * self.bins * self.height * self.width)
        first = ((item * 2 + p) * self.bins * self.height + y) * self.width + x
        for i in range(self.bins):
            values = scaled * self.kernel(scaled - i / (self.bins - 1))
            grid = grid.index_add(0, first + i * self.height * self.width, values)
        return grid.view(items, 2 * self.bins, self.height, self.width)

    def _columns(self, events: Tensor, items: int) -> tuple[Tensor, ...]:
        if events.ndim != 2 or events.shape[1] != 5:
            raise ShapeError(f"Events {list(events.shape)}.", "Expected rows (x, y, t, p, item).")
        x, y, p, item = events[:, (0, 1, 3, 4)].long().unbind(1)
        for name, column, limit in (("x", x, self.width), ("y", y, self.height),
                                    ("item", item, items)):  # fmt: skip
            if column.numel() and not 0 <= int(column.min()) <= int(column.max()) < limit:
                raise EventError(
                    f"Events have {name} from {int(column.min())} to {int(column.max())}.",
                    f"Expected 0 to {limit - 1}.",
                )
        if p.numel() and not bool((p.abs() == 1).all()):
            raise EventError("A polarity is neither -1 nor 1.", "Expected -1 (OFF) or 1 (ON).")
        return x, y, events[:, 2], (p + 1) // 2, item

    def _scaled(self, t: Tensor, item: Tensor, items: int) -> Tensor:
        last = t.new_full((items,), -torch.inf).scatter_reduce(0, item, t, "amax")
        if self.compat == "spikevpr":
            first = torch.zeros_like(last)
        else:
            first = t.new_full((items,), torch.inf).scatter_reduce(0, item, t, "amin")
        length = (last - first)[item]
        return torch.where(length > 0, (t - first[item]) / length, 0)


def event_rows(batch: Sequence[Events]) -> Tensor:
    """Return events of several windows as rows (x, y, t, p, item), float64 ``[N, 5]``, p -1 or 1.

    Examples:
        >>> from saccade.events import SensorSize
        >>> event_rows([Events([3], [1], [70], [0], SensorSize(2, 4))]).tolist()
        [[3.0, 1.0, 70.0, -1.0, 0.0]]
    """
    if not batch:
        return torch.zeros(0, 5, dtype=torch.float64)
    parts = [
        np.stack([events.x, events.y, events.t, 2.0 * events.p - 1, np.full(len(events), k)], 1)
        for k, events in enumerate(batch)
    ]
    return torch.from_numpy(np.concatenate(parts).astype(np.float64))
