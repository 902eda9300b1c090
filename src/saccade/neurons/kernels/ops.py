"""``saccade::leaky_fire`` and its backward as torch operators, for torch.compile and torch.export.

The fake implementations state shape, dtype and memory order of the results, so a graph can be
traced without running a kernel; the real ones call the kernels of the tensor's device. A `Rule`
crosses the border as plain numbers.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import fields
from typing import Any

import torch
from torch import Tensor

from saccade.neurons.kernels import dispatch
from saccade.neurons.kernels.layout import dense
from saccade.neurons.rule import Rule
from saccade.neurons.surrogate import SURROGATES

__all__ = ["leaky_fire"]


def leaky_fire(
    x: Tensor,
    v0: Tensor | None,
    z0: Tensor | None,
    decay: Tensor,
    input_gain: Tensor,
    v_threshold: Tensor,
    rule: Rule,
    want_v: bool,
) -> tuple[Tensor, Tensor]:
    """Call the operator; arguments and results as `reference.forward`."""
    return _forward(
        dense(x), v0, z0, decay, input_gain, v_threshold, want_v, [*map(float, rule.numbers)]
    )


def _rule(numbers: Sequence[float]) -> Rule:
    v_rest, v_reset, soft, delayed, strict, through, surrogate, *constants = numbers
    kind = SURROGATES[int(surrogate)]
    return Rule(
        v_rest=v_rest,
        v_reset=None if soft else v_reset,
        reset_delay=bool(delayed),
        fire_at=">" if strict else ">=",
        detach_reset=through == 0.0,
        surrogate=kind(*constants[: len(fields(kind))]),
    )


@torch.library.custom_op("saccade::leaky_fire", mutates_args=())
def _forward(
    x: Tensor,
    v0: Tensor | None,
    z0: Tensor | None,
    decay: Tensor,
    input_gain: Tensor,
    v_threshold: Tensor,
    want_v: bool,
    numbers: Sequence[float],
) -> tuple[Tensor, Tensor]:
    rule = _rule(numbers)
    return dispatch.run_forward(x, v0, z0, decay, input_gain, v_threshold, rule, want_v)


@_forward.register_fake
def _(x: Tensor, v0: Any, z0: Any, decay: Any, gain: Any, theta: Any, want_v: bool, _: Any) -> Any:
    return torch.empty_like(x), torch.empty_like(x[0]) if want_v else x.new_empty(0)


@torch.library.custom_op("saccade::leaky_fire_backward", mutates_args=())
def _backward(
    grad_spikes: Tensor,
    grad_v: Tensor | None,
    x: Tensor,
    v0: Tensor | None,
    z0: Tensor | None,
    decay: Tensor,
    input_gain: Tensor,
    v_threshold: Tensor,
    want_v0: bool,
    want_z0: bool,
    want_parameters: bool,
    numbers: Sequence[float],
) -> list[Tensor]:
    rule = _rule(numbers)
    wanted = (want_v0, want_z0, want_parameters)
    gx, gv0, gz0, parameters = dispatch.run_backward(
        grad_spikes, grad_v, x, v0, z0, decay, input_gain, v_threshold, rule, wanted
    )
    found = [gx, gv0, gz0, *(parameters or (None, None, None))]
    return [x.new_empty(0) if part is None else part for part in found]


@_backward.register_fake
def _(
    grad_spikes: Tensor,
    grad_v: Any,
    x: Tensor,
    v0: Any,
    z0: Any,
    decay: Tensor,
    gain: Tensor,
    theta: Tensor,
    want_v0: bool,
    want_z0: bool,
    want_parameters: bool,
    _: Any,
) -> list[Tensor]:
    none = x.new_empty(0)
    step = torch.empty_like(x[0])
    parameters = [torch.empty_like(p) if want_parameters else none for p in (decay, gain, theta)]
    return [
        torch.empty_like(x),
        step if want_v0 else none,
        torch.empty_like(step) if want_z0 else none,
        *parameters,
    ]


def _remember(ctx: Any, inputs: tuple[Any, ...], output: Any) -> None:
    ctx.save_for_backward(*inputs[:6])
    ctx.want_v, ctx.numbers = inputs[6], inputs[7]
    ctx.set_materialize_grads(False)


def _differentiate(ctx: Any, grad_spikes: Tensor | None, grad_v: Tensor | None) -> Any:
    x, *rest = ctx.saved_tensors
    if grad_spikes is None:
        grad_spikes = torch.zeros_like(x)
    need = ctx.needs_input_grad
    wanted = (need[1], need[2], any(need[3:6]))
    grad_v = grad_v if ctx.want_v else None
    found = _backward(grad_spikes, grad_v, x, *rest, *wanted, ctx.numbers)
    named = (True, need[1], need[2], *(wanted[2],) * 3)
    return (
        *(part if want else None for part, want in zip(found, named, strict=True)),
        *(None,) * 2,
    )


_forward.register_autograd(_differentiate, setup_context=_remember)
