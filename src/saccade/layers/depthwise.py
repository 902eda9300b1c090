"""Depthwise convolution in training: 3x3 on channels-last maps of floats or bytes.

    out = w * x          grad_x = flipped(w) * grad          grad_w[i, j] = Σ x[. + i, . + j] grad

One pass over memory forward and one backward, on as many threads as torch may use. Other windows,
layouts and dtypes go to torch. Sums of a row go in float32, over rows in float64; how a map is
divided depends on its shape alone.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

from saccade.jit import kernel
from saccade.layers.depthwise_code import LANES, convolve_row, correlate_row
from saccade.layers.spike_bytes import flat, unpack
from saccade.neurons.kernels.cpu import edges, on_threads
from saccade.neurons.kernels.pages import fresh_like

__all__ = ["Window"]


class Window(NamedTuple):
    """How a depthwise kernel lies over its input, and the convolution with it.

    Args:
        stride: Rows and columns.
        padding: Rows and columns of zeros around the map.
        groups: Channels.
    """

    stride: tuple[int, int]
    padding: tuple[int, int]
    groups: int

    @classmethod
    def of(cls, layer: nn.Conv2d) -> Window:
        """Return the window of a depthwise convolution without dilation."""
        return cls(layer.stride, layer.padding, layer.groups)  # pyright: ignore[reportArgumentType]

    def forward(self, x: Tensor, weight: Tensor) -> Tensor:
        """Convolve.

        Args:
            x: Map ``[N, C, H, W]``, or the same in bytes.
            weight: ``[C, 1, h, w]``, of the dtype of the result.
        """
        if not self._is_ours(x, weight):
            whole = unpack(x, weight.dtype)
            return functional.conv2d(whole, weight, None, self.stride, self.padding, 1, self.groups)
        out = fresh_like(x, weight.dtype)
        shape, parts = _divide(x)
        arrays = (flat(x), _taps(weight), _zeros(x), flat(out))

        def work(part: int) -> None:
            convolve(*arrays, shape, parts[part], parts[part + 1])

        on_threads(len(parts) - 1, work)
        return out

    def backward(
        self, grad: Tensor, x: Tensor, weight: Tensor, wants_x: bool
    ) -> tuple[Tensor | None, Tensor]:
        """Return the gradients of input (if wanted) and weight.

        Args:
            grad: Of the output, in the memory order of ``x``.
            x: As in `forward`.
            weight: As in `forward`.
            wants_x: Whether the first is wanted.
        """
        if not (self._is_ours(x, weight) and wants_x):
            found = torch.ops.aten.convolution_backward(
                grad, unpack(x, weight.dtype), weight, None, self.stride, self.padding, (1, 1),
                False, (0, 0), self.groups, (wants_x, True, False),
            )  # fmt: skip
            return found[0], found[1]
        grad_x = fresh_like(grad)
        shape, parts = _divide(x)
        arrays = (flat(x), flat(grad), _taps(weight.flip(2, 3)), _zeros(x), _zeros(grad))
        target, sums = flat(grad_x), np.zeros((len(parts) - 1, 9 * x.shape[1]))

        def work(part: int) -> None:
            partial = np.zeros(9 * x.shape[1], np.float32)
            differentiate(
                *(*arrays, target, sums[part], partial, shape, parts[part], parts[part + 1])
            )

        on_threads(len(parts) - 1, work)
        total = torch.from_numpy(sums.sum(0)).view(9, -1).t().reshape(weight.shape)
        return grad_x, total.to(weight.dtype)

    def _is_ours(self, x: Tensor, weight: Tensor) -> bool:
        return (
            weight.dtype == torch.float32
            and weight.shape[1:] == (1, 3, 3)
            and self.stride == self.padding == (1, 1)
            and x.shape[1] % LANES == 0
            and x.is_contiguous(memory_format=torch.channels_last)
        )


@kernel
def neighbours(row: int, height: int, line: int) -> tuple[int, int, int]:
    """Return where the row above, a row and the row below begin; negative where there is none."""
    center, y = row * line, row % height
    upper = center - line if y > 0 else -line
    lower = center + line if y + 1 < height else -line
    return upper, center, lower


@kernel
def convolve(x: Any, weights: Any, zeros: Any, out: Any, shape: Any, first: int, last: int) -> None:
    """Convolve the rows ``first <= r < last``, counted through all samples."""
    height, width, channels = shape
    line = width * channels
    for row in range(first, last):
        upper, center, lower = neighbours(row, height, line)
        for c in range(0, channels, LANES):
            convolve_row(
                *(x, upper + c, center + c, lower + c, channels, zeros, width),
                *(weights, c, out, center + c),
            )


@kernel
def differentiate(
    x: Any,
    grad: Any,
    flipped: Any,
    zeros: Any,
    zeros_grad: Any,
    grad_x: Any,
    sums: Any,
    partial: Any,
    shape: Any,
    first: int,
    last: int,
) -> None:
    """Write rows of grad_x and add to ``sums`` ``[9 C]``; ``partial`` (zeros) is room for it."""
    height, width, channels = shape
    line = width * channels
    for row in range(first, last):
        upper, center, lower = neighbours(row, height, line)
        for c in range(0, channels, LANES):
            convolve_row(
                *(grad, upper + c, center + c, lower + c, channels, zeros_grad, width),
                *(flipped, c, grad_x, center + c),
            )
            correlate_row(
                *(x, upper + c, center + c, lower + c, channels, zeros, width),
                *(partial, c, grad, center + c),
            )
        if (row - first) % 8 == 7 or row == last - 1:
            for j in range(sums.size):
                sums[j] += partial[j]
                partial[j] = np.float32(0.0)


def _divide(x: Tensor) -> tuple[tuple[int, int, int], list[int]]:
    batch, channels, height, width = x.shape
    return (height, width, channels), edges(batch * height, x.numel(), 1)


def _taps(weight: Tensor) -> Any:
    """Return ``[C, 1, 3, 3]`` as flat ``[9, C]``."""
    return flat(weight.detach().flatten(1).t().contiguous())


def _zeros(x: Tensor) -> Any:
    return flat(torch.zeros(x.shape[1] * x.shape[3], dtype=x.dtype))
