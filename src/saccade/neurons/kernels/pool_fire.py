"""A stem in training on the CPU: pointwise convolution of two channels to spikes after pooling.

    y = W d                 d [N, 2, H, W], W [C, 2]
    mean y = W μ,  var y = diag(W Σ Wᵀ)             μ, Σ: mean and covariance of d
    s = maximum over 3x3 windows, stride 2, of [gain (scale y + shift) + v_rest >= threshold]

Batch statistics of y follow from five numbers of d, so that neither y nor spikes before pooling
are ever written. With n values per channel, A = weight / std, x̂ the normalised y and gz the
gradient that reaches it through the surrogate:

    grad_bias  = Σ gz              grad_weight = Σ gz x̂
    grad_W     = A (Σ gz (d - μ) - grad_weight W Σ / std)
    grad_d     = Σ_c W A gz - Σ_c W A (grad_bias + grad_weight W (d - μ) / std) / n
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor

from saccade.neurons.kernels.cpu import REAL, on_threads, scratch
from saccade.neurons.kernels.cpu_rows import HISTORY
from saccade.neurons.kernels.norm_fire import OneStep
from saccade.neurons.kernels.pool_loops import pool_backward, pool_forward

__all__ = ["Spread", "differentiate_pooled", "fire_pooled", "joined", "spread"]


class Spread(NamedTuple):
    """Mean and covariance of the two channels of a map.

    Args:
        mean: Float64 ``[2]``.
        covariance: Float64 ``[2, 2]``, divided by the number of values.
        count: Values per channel.
    """

    mean: Tensor
    covariance: Tensor
    count: int

    def of_product(self, weight: Tensor) -> tuple[Tensor, Tensor]:
        """Return mean and variance of W d, float64 ``[C]`` each."""
        w = weight.detach().double()
        return w @ self.mean, ((w @ self.covariance) * w).sum(1).clamp(min=0.0)


def spread(d: Tensor) -> Spread:
    """Measure a map ``[N, 2, H, W]``.

    Examples:
        >>> spread(torch.tensor([[1.0, 0.0], [3.0, 4.0]]).reshape(2, 2, 1, 1)).covariance
        tensor([[1., 2.],
                [2., 4.]], dtype=torch.float64)
    """
    rows = d.detach().permute(0, 2, 3, 1).reshape(-1, 2).double()
    mean = rows.mean(0)
    rows = rows - mean
    return Spread(mean, rows.t() @ rows / len(rows), len(rows))


def joined(
    seen: Spread, inv_std: Tensor, pointwise: Tensor, weight: Tensor, bias: Tensor
) -> tuple[Tensor, Tensor, Tensor]:
    """Return what makes normalised numbers of d: first d0 + second d1 + shift, ``[C]`` each.

    Args:
        seen: `spread` of d.
        inv_std: 1 / sqrt(variance + eps), float64 ``[C]``.
        pointwise: W, ``[C, 2]``.
        weight: Of the batch norm, ``[C]``.
        bias: As ``weight``.
    """
    A = weight.detach().double() * inv_std
    factors = (pointwise.detach().double() * A[:, None]).t().to(weight.dtype).contiguous()
    shift = bias.detach().double() - seen.mean @ factors.double()
    return factors[0], factors[1], shift.to(weight.dtype)


def fire_pooled(
    d: Tensor, rows: tuple[Tensor, Tensor, Tensor], step: OneStep
) -> tuple[Tensor, Tensor]:
    """Return pooled spikes ``[N, C, H', W']`` and, as bytes, where each was found.

    Args:
        d: Channels-last ``[N, 2, H, W]``.
        rows: What `joined` returned.
        step: The neuron.
    """
    batch, _, height, width = d.shape
    size = (batch, len(rows[0]), (height + 1) // 2, (width + 1) // 2)
    spikes = torch.empty(size, dtype=d.dtype, memory_format=torch.channels_last)
    choice = torch.empty_like(spikes, dtype=torch.uint8)
    tensors = (d, *rows, spikes, choice)
    at = tuple(tensor.data_ptr() for tensor in tensors)
    shape, numbers = (height, width, *size[2:], size[1]), step.numbers(d.dtype)

    def work(sample: int) -> None:
        pool_forward(at, shape, numbers, sample, scratch(HISTORY, REAL[d.dtype]))

    on_threads(batch, work)
    return spikes, choice


def differentiate_pooled(
    grad: Tensor,
    d: Tensor,
    choice: Tensor,
    seen: Spread,
    inv_std: Tensor,
    pointwise: Tensor,
    weight: Tensor,
    bias: Tensor,
    step: OneStep,
) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """Return the gradients of d, of the pointwise weight ``[C, 2]``, and of weight and bias.

    Args:
        grad: Gradient of the pooled spikes, channels-last ``[N, C, H', W']``.
        d: What the convolution was given.
        choice: As `fire_pooled` returned it.
        seen: `spread` of d.
        inv_std: 1 / sqrt(variance + eps), float64 ``[C]``.
        pointwise: W, ``[C, 2]``.
        weight: Of the batch norm, ``[C]``.
        bias: As ``weight``.
        step: The neuron.
    """
    W, A = pointwise.detach().double(), weight.detach().double() * inv_std
    rows = joined(seen, inv_std, pointwise, weight, bias)
    back = (W * A[:, None]).t().contiguous().to(d.dtype)
    grad_d = torch.zeros_like(d)
    tensors = (d, *rows, grad, choice, back[0], back[1], grad_d)
    at = tuple(tensor.data_ptr() for tensor in tensors)
    shape = (*d.shape[2:], *grad.shape[2:], grad.shape[1])
    numbers, surrogate = step.numbers(d.dtype), (step.surrogate.code, *step.surrogate.shape)
    sums = np.zeros((len(d), 3, len(W)))

    def work(sample: int) -> None:
        w = scratch(HISTORY, REAL[d.dtype])
        pool_backward(at, shape, numbers, surrogate, sample, sums[sample], w)

    on_threads(len(d), work)
    total, *products = torch.from_numpy(sums.sum(0))
    around = torch.stack(products, 1) - total[:, None] * seen.mean  # Σ gz (d - μ), [C, 2]
    dot = inv_std * (W * around).sum(1)
    grad_W = A[:, None] * (around - (dot * inv_std)[:, None] * (W @ seen.covariance))
    slope = W.t() @ ((A * dot * inv_std)[:, None] * W) / seen.count
    offset = W.t() @ (A * total) / seen.count - slope @ seen.mean
    pull = torch.einsum("nkhw,jk->njhw", d, slope.to(d.dtype))
    grad_d -= pull + offset.to(d.dtype).view(1, 2, 1, 1)
    return grad_d, grad_W.to(d.dtype), dot.to(weight.dtype), total.to(bias.dtype)
