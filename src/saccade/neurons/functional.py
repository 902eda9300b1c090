"""Whole sequences as pure functions: (x [T, B, ...], state) -> (spikes [T, B, ...], state).

`lif` runs on the fused kernels; the adaptive neurons run step by step in torch. Single steps are in
`saccade.neurons.steps` and are exported here as well.
"""

from __future__ import annotations

import torch
from torch import Tensor

from saccade.errors import ShapeError
from saccade.neurons.kernels.dispatch import Kernel, leaky_fire
from saccade.neurons.rule import Rule
from saccade.neurons.state import ALIFState, LIFState, PotentialState, XLIFState, check_state
from saccade.neurons.steps import (
    alif_step,
    leaky_step,
    lif_step,
    low_pass_step,
    per_channel,
    xlif_step,
)

__all__ = [
    "alif",
    "alif_step",
    "integrate",
    "leaky_step",
    "lif",
    "lif_step",
    "low_pass",
    "low_pass_step",
    "per_channel",
    "xlif",
    "xlif_step",
]

Value = float | Tensor


def lif(
    x: Tensor,
    state: LIFState | None = None,
    *,
    decay: Value,
    input_gain: Value = 1.0,
    v_threshold: Value = 1.0,
    rule: Rule | None = None,
    want_state: bool = True,
    kernel: Kernel = "auto",
) -> tuple[Tensor, LIFState | None]:
    """Leaky integrate-and-fire over a sequence; IF is ``decay=1``.

    h[t] = decay (v[t-1] - v_rest) + input_gain x[t] + v_rest, then fire and reset as in `Rule`.

    Args:
        x: Input current, ``[T, B, C, ...]``.
        state: State to go on from; None starts at rest.
        decay: Factor of the potential kept per step, one value or ``[C]``.
        input_gain: Factor on the input, one value or ``[C]``.
        v_threshold: Firing threshold, one value or ``[C]``.
        rule: Constants and order of operations (default: hard reset to 0, ``>=``, `Atan`).
        want_state: False saves writing the final potential; the state returned is then None.
        kernel: ``"reference"`` forces plain torch (needed for second derivatives).

    Returns:
        Spikes in {0, 1}, shape of ``x``, and the state after the last step.

    Raises:
        StateError: The state belongs to another batch, shape, dtype or device.
        ShapeError: A per-channel parameter does not fit axis 2 of ``x``.

    Examples:
        >>> x = torch.tensor([0.6, 0.6, 0.6]).reshape(3, 1, 1)
        >>> spikes, state = lif(x, decay=1.0)
        >>> spikes.flatten()
        tensor([0., 1., 0.])
        >>> state.v
        tensor([[0.6000]])
    """
    rule = Rule() if rule is None else rule
    d, g, theta = (as_parameter(value, x) for value in (decay, input_gain, v_threshold))
    v0 = z0 = None
    if state is not None:
        check_state(state, x[0], "lif")
        v0, z0 = state.v, state.spikes if rule.reset_delay else None
    spikes, v = leaky_fire(x, v0, z0, d, g, theta, rule, want_state, kernel)
    if not want_state:
        return spikes, None
    last = spikes[-1] if spikes.shape[0] else torch.zeros_like(v)
    return spikes, LIFState(v, last)


def integrate(
    x: Tensor,
    state: PotentialState | None = None,
    *,
    decay: Value = 1.0,
    input_gain: Value = 1.0,
    v_rest: float = 0.0,
) -> tuple[Tensor, PotentialState]:
    """A membrane that never fires: the potential of every step.

    Args:
        x: Input current, ``[T, B, C, ...]``.
        state: State to go on from; None starts at rest.
        decay: Factor of the potential kept per step, one value or ``[C]``.
        input_gain: Factor on the input, one value or ``[C]``.
        v_rest: Potential the membrane decays to.

    Returns:
        Potentials, shape of ``x``, and the state after the last step.

    Examples:
        >>> v, _ = integrate(torch.ones(3, 1, 1))
        >>> v.flatten()
        tensor([1., 2., 3.])
    """
    d, g = as_parameter(decay, x), as_parameter(input_gain, x)
    if state is not None:
        check_state(state, x[0], "integrate")
    v = torch.full_like(x[0], v_rest) if state is None else state.v
    out: list[Tensor] = []
    for step in x.unbind(0):
        v = leaky_step(step, v, d, g, v_rest)
        out.append(v)
    return torch.stack(out), PotentialState(v)


def low_pass(
    x: Tensor, trace: Tensor | None = None, *, decay: Value, input_gain: Value = 1.0
) -> tuple[Tensor, Tensor]:
    """Exponential filter over a sequence: trace[t] = decay trace[t-1] + input_gain x[t].

    Args:
        x: Input, ``[T, B, C, ...]``.
        trace: Value before the first step; None means zero.
        decay: Factor kept per step, one value or ``[C]``.
        input_gain: Factor on the input, one value or ``[C]``.

    Returns:
        Traces of all steps, and the last one.
    """
    d, g = as_parameter(decay, x), as_parameter(input_gain, x)
    now = torch.zeros_like(x[0]) if trace is None else trace
    out: list[Tensor] = []
    for step in x.unbind(0):
        now = low_pass_step(step, now, d, g)
        out.append(now)
    return torch.stack(out), now


def alif(
    x: Tensor,
    state: ALIFState | None = None,
    *,
    decay: Value,
    input_gain: Value,
    adaptation_decay: Value,
    v_threshold: Value,
    threshold_gain: Value,
    rule: Rule,
) -> tuple[Tensor, ALIFState]:
    """`alif_step` over a sequence; arguments as there, ``x`` is ``[T, B, C, ...]``."""
    p = [as_parameter(value, x) for value in (decay, input_gain, adaptation_decay)]
    q = [as_parameter(value, x) for value in (v_threshold, threshold_gain)]
    if state is None:
        zero = torch.zeros_like(x[0])
        state = ALIFState(torch.full_like(zero, rule.v_rest), zero, zero)
    check_state(state, x[0], "alif")
    out: list[Tensor] = []
    for step in x.unbind(0):
        spikes, state = alif_step(step, state, p[0], p[1], p[2], q[0], q[1], rule)
        out.append(spikes)
    return torch.stack(out), state


def xlif(
    x: Tensor,
    activity: Tensor,
    state: XLIFState | None = None,
    *,
    decay: Value,
    input_gain: Value,
    trace_decay: Value,
    v_threshold: Value,
    threshold_gain: Value,
    rule: Rule,
) -> tuple[Tensor, XLIFState]:
    """`xlif_step` over a sequence; ``x`` ``[T, B, C, ...]``, ``activity`` broadcasts to it."""
    p = [as_parameter(value, x) for value in (decay, input_gain, trace_decay)]
    q = [as_parameter(value, x) for value in (v_threshold, threshold_gain)]
    if state is None:
        zero = torch.zeros_like(x[0])
        state = XLIFState(torch.full_like(zero, rule.v_rest), zero, zero)
    check_state(state, x[0], "xlif")
    out: list[Tensor] = []
    for step, active in zip(x.unbind(0), activity.unbind(0), strict=True):
        spikes, state = xlif_step(step, active, state, p[0], p[1], p[2], q[0], q[1], rule)
        out.append(spikes)
    return torch.stack(out), state


def as_parameter(value: Value, x: Tensor) -> Tensor:
    """Return a parameter as a tensor of the dtype and device of ``x``, with its channels checked.

    Raises:
        ShapeError: It has several values, but not one per channel of ``x`` ``[T, B, C, ...]``.
    """
    if not isinstance(value, Tensor):
        return torch.full((), value, dtype=x.dtype, device=x.device)
    if value.numel() != 1 and (x.ndim < 3 or value.numel() != x.shape[2]):
        have = f"{x.shape[2]:,} channels" if x.ndim > 2 else "no channel axis"
        raise ShapeError(
            f"A neuron parameter has {value.numel():,} values, the input {tuple(x.shape)} {have}.",
            "Per-channel parameters match axis 2 of [T, B, C, ...].",
        )
    if value.dtype == x.dtype and value.device == x.device:
        return value
    return value.to(device=x.device, dtype=x.dtype)
