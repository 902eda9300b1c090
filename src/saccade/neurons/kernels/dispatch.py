"""Chooses the face that runs a leaky spiking sequence, and makes it differentiable.

    float32, float64 on the CPU              compiled loops          (`cpu`)
    float32, float64 on a GPU with Triton    Triton                  (`_triton`)
    other dtypes, torch.func, no Triton      torch                   (`reference`)
    inside torch.compile or torch.export     operator ``saccade::leaky_fire`` (`ops`)

The operator ends in the same kernels. It is not used in eager mode because its bookkeeping costs
more than a small layer: `docs/neurons.md` has the figures.
"""

from __future__ import annotations

import importlib.util
from typing import Any, Literal

import torch
from torch import Tensor
from torch.autograd.function import once_differentiable

from saccade.neurons.kernels import cpu, reference
from saccade.neurons.kernels.layout import dense
from saccade.neurons.rule import Rule

__all__ = ["Kernel", "leaky_fire", "run_backward", "run_forward"]

Kernel = Literal["auto", "reference"]
"""``"reference"`` forces the torch form, which can be differentiated twice."""

COMPILED = (torch.float32, torch.float64)
HAS_TRITON = importlib.util.find_spec("triton") is not None


def leaky_fire(
    x: Tensor,
    v0: Tensor | None,
    z0: Tensor | None,
    decay: Tensor,
    input_gain: Tensor,
    v_threshold: Tensor,
    rule: Rule,
    want_v: bool = True,
    kernel: Kernel = "auto",
) -> tuple[Tensor, Tensor]:
    """Run a sequence on the fastest face that can; arguments as `reference.forward`."""
    if kernel == "reference" or x.dtype not in COMPILED:
        return reference.forward(x, v0, z0, decay, input_gain, v_threshold, rule, want_v)
    if torch.compiler.is_compiling() or (
        type(x) is not Tensor and not isinstance(x, torch.nn.Parameter)
    ):
        from saccade.neurons.kernels import ops

        return ops.leaky_fire(x, v0, z0, decay, input_gain, v_threshold, rule, want_v)
    if torch._C._are_functorch_transforms_active():
        return reference.forward(x, v0, z0, decay, input_gain, v_threshold, rule, want_v)
    if torch.is_grad_enabled() and _any_requires_grad(x, v0, z0, decay, input_gain, v_threshold):
        return _LeakyFire.apply(x, v0, z0, decay, input_gain, v_threshold, rule, want_v)  # pyright: ignore[reportReturnType]
    return run_forward(dense(x), v0, z0, decay, input_gain, v_threshold, rule, want_v)


def _any_requires_grad(*tensors: Tensor | None) -> bool:
    return any(tensor is not None and tensor.requires_grad for tensor in tensors)


def _face(x: Tensor) -> Any:
    if x.dtype not in COMPILED:
        return reference
    if x.device.type == "cpu":
        return cpu
    if x.device.type == "cuda" and HAS_TRITON:
        from saccade.neurons.kernels import _triton

        return _triton
    return reference


def run_forward(x: Tensor, *arguments: Any) -> tuple[Tensor, Tensor]:
    """Forward on the face of the device, without autograd."""
    return _face(x).forward(x, *arguments)


def run_backward(grad_spikes: Tensor, grad_v: Tensor | None, x: Tensor, *arguments: Any) -> Any:
    """Backward on the face of the device."""
    return _face(x).backward(grad_spikes, grad_v, x, *arguments)


class _LeakyFire(torch.autograd.Function):
    @staticmethod
    def forward(
        ctx: Any,
        x: Tensor,
        v0: Tensor | None,
        z0: Tensor | None,
        decay: Tensor,
        input_gain: Tensor,
        v_threshold: Tensor,
        rule: Rule,
        want_v: bool,
    ) -> tuple[Tensor, Tensor]:
        x = dense(x)
        ctx.rule, ctx.want_v = rule, want_v
        ctx.set_materialize_grads(False)
        ctx.save_for_backward(x, v0, z0, decay, input_gain, v_threshold)
        return run_forward(x, v0, z0, decay, input_gain, v_threshold, rule, want_v)

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, *grads: Tensor | None) -> Any:
        x, v0, z0, decay, input_gain, v_threshold = ctx.saved_tensors
        grad_spikes, grad_v = grads[0], grads[1] if ctx.want_v else None
        if grad_spikes is None and grad_v is None:
            return (None,) * 8
        if grad_spikes is None:
            grad_spikes = torch.zeros_like(x)
        need = ctx.needs_input_grad
        wanted = (need[1], need[2], any(need[3:6]))
        gx, gv0, gz0, parameters = run_backward(
            grad_spikes, grad_v, x, v0, z0, decay, input_gain, v_threshold, ctx.rule, wanted
        )
        gd, gg, gt = parameters if parameters is not None else (None, None, None)
        return gx, gv0, gz0, gd, gg, gt, None, None
