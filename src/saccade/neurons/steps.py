"""One time step of every spiking neuron, as pure functions: (input, state) -> (spikes, state).

Written to be read beside the equations; every function is differentiable by torch, works on any
device and in any floating dtype, and is what the compiled kernels are tested against. Parameters
are tensors with one value, or one per channel (axis 1 of a step ``[B, C, ...]``).
"""

from __future__ import annotations

from torch import Tensor

from saccade.neurons.rule import Rule
from saccade.neurons.state import ALIFState, LIFState, XLIFState
from saccade.neurons.surrogate import heaviside

__all__ = ["alif_step", "leaky_step", "lif_step", "low_pass_step", "per_channel", "xlif_step"]


def per_channel(parameter: Tensor, step: Tensor) -> Tensor:
    """Shape a parameter to multiply a step ``[B, C, ...]``: ``[C]`` becomes ``[C, 1, ...]``."""
    if parameter.numel() == 1:
        return parameter.reshape(())
    return parameter.reshape(-1, *(1,) * (step.ndim - 2))


def low_pass_step(x: Tensor, trace: Tensor, decay: Tensor, input_gain: Tensor) -> Tensor:
    """Leak and add: trace[t] = decay trace[t-1] + input_gain x[t].

    Args:
        x: Input, ``[B, C, ...]``.
        trace: Value before the step, broadcastable to ``x``.
        decay: Factor kept per step, one value or ``[C]``.
        input_gain: Factor on the input, one value or ``[C]``.

    Returns:
        The trace after the step.

    Examples:
        >>> import torch
        >>> half = torch.tensor(0.5)
        >>> low_pass_step(torch.ones(1, 1), torch.ones(1, 1), half, half)
        tensor([[1.]])
    """
    return per_channel(decay, x) * trace + per_channel(input_gain, x) * x


def leaky_step(
    x: Tensor, v: Tensor, decay: Tensor, input_gain: Tensor, v_rest: float = 0.0
) -> Tensor:
    """Charge without ever firing: v[t] = decay (v[t-1] - v_rest) + input_gain x[t] + v_rest."""
    kept = per_channel(decay, x) * (v - v_rest if v_rest else v)
    h = kept + per_channel(input_gain, x) * x
    return h + v_rest if v_rest else h


def lif_step(
    x: Tensor,
    state: LIFState,
    decay: Tensor,
    input_gain: Tensor,
    v_threshold: Tensor,
    rule: Rule,
) -> tuple[Tensor, LIFState]:
    """Leaky integrate-and-fire: charge, fire, reset, in the order that `Rule` states.

    Args:
        x: Input current, ``[B, C, ...]``.
        state: Potential and spikes before the step.
        decay: Factor of the potential kept per step, one value or ``[C]``.
        input_gain: Factor on the input, one value or ``[C]``.
        v_threshold: Firing threshold, one value or ``[C]``.
        rule: Constants and order of operations.

    Returns:
        Spikes in {0, 1} and the state after the step.

    Examples:
        >>> import torch
        >>> one = torch.tensor(1.0)
        >>> x = torch.tensor([[0.4, 1.2]])
        >>> state = LIFState(torch.zeros(1, 2), torch.zeros(1, 2))
        >>> lif_step(x, state, one, one, one, Rule(v_reset=0.0))
        (tensor([[0., 1.]]), LIFState(v=tensor([[0.4000, 0.0000]]), spikes=tensor([[0., 1.]])))
    """
    theta = per_channel(v_threshold, x)
    spikes, v = _charge_fire_reset(x, state, decay, input_gain, theta, theta, rule)
    return spikes, LIFState(v, spikes)


def alif_step(
    x: Tensor,
    state: ALIFState,
    decay: Tensor,
    input_gain: Tensor,
    adaptation_decay: Tensor,
    v_threshold: Tensor,
    threshold_gain: Tensor,
    rule: Rule,
) -> tuple[Tensor, ALIFState]:
    """LIF with a threshold that rises with the neuron's own spikes.

    a[t] = adaptation_decay a[t-1] + (1 - adaptation_decay) z[t-1]
    theta[t] = v_threshold + threshold_gain a[t]; the rest is `lif_step` with theta[t]. A delayed
    soft reset subtracts theta[t-1], the threshold that was crossed. The spikes that feed the
    adaptation are never detached.

    Args:
        x: Input current, ``[B, C, ...]``.
        state: Potential, spikes and adaptation before the step.
        decay: Factor of the potential kept per step, one value or ``[C]``.
        input_gain: Factor on the input, one value or ``[C]``.
        adaptation_decay: Factor of the adaptation kept per step, one value or ``[C]``.
        v_threshold: Threshold without adaptation, one value or ``[C]``.
        threshold_gain: Threshold per unit of adaptation, one value or ``[C]``.
        rule: Constants and order of operations.

    Returns:
        Spikes and the state after the step.

    Reference:
        G. Bellec et al., "Long short-term memory and learning-to-learn in networks of spiking
        neurons", NeurIPS 2018; the order of operations follows Hagenaars et al., NeurIPS 2021.
    """
    rho = per_channel(adaptation_decay, x)
    base, gain = per_channel(v_threshold, x), per_channel(threshold_gain, x)
    adaptation = rho * state.adaptation + (1.0 - rho) * state.spikes
    spikes, v = _charge_fire_reset(
        x,
        LIFState(state.v, state.spikes),
        decay,
        input_gain,
        base + gain * state.adaptation,
        base + gain * adaptation,
        rule,
    )
    return spikes, ALIFState(v, spikes, adaptation)


def xlif_step(
    x: Tensor,
    activity: Tensor,
    state: XLIFState,
    decay: Tensor,
    input_gain: Tensor,
    trace_decay: Tensor,
    v_threshold: Tensor,
    threshold_gain: Tensor,
    rule: Rule,
) -> tuple[Tensor, XLIFState]:
    """LIF with a threshold that rises with the activity that arrives.

    p[t] = trace_decay p[t-1] + (1 - trace_decay) activity[t]
    theta[t] = v_threshold + threshold_gain p[t]; the rest is `lif_step` with theta[t]. A delayed
    soft reset subtracts theta[t-1].

    Args:
        x: Input current, ``[B, C, ...]``.
        activity: Pre-synaptic activity, broadcastable to ``x``, e.g. ``[B, 1, H, W]``.
        state: Potential, spikes and trace before the step.
        decay: Factor of the potential kept per step, one value or ``[C]``.
        input_gain: Factor on the input, one value or ``[C]``.
        trace_decay: Factor of the trace kept per step, one value or ``[C]``.
        v_threshold: Threshold without activity, one value or ``[C]``.
        threshold_gain: Threshold per unit of trace, one value or ``[C]``.
        rule: Constants and order of operations.

    Returns:
        Spikes and the state after the step.

    Reference:
        Hagenaars et al., NeurIPS 2021.
    """
    rho = per_channel(trace_decay, x)
    base, gain = per_channel(v_threshold, x), per_channel(threshold_gain, x)
    trace = rho * state.trace + (1.0 - rho) * activity
    spikes, v = _charge_fire_reset(
        x,
        LIFState(state.v, state.spikes),
        decay,
        input_gain,
        base + gain * state.trace,
        base + gain * trace,
        rule,
    )
    return spikes, XLIFState(v, spikes, trace)


def _charge_fire_reset(
    x: Tensor,
    state: LIFState,
    decay: Tensor,
    input_gain: Tensor,
    theta_before: Tensor,
    theta: Tensor,
    rule: Rule,
) -> tuple[Tensor, Tensor]:
    """The order of operations; a delayed soft reset subtracts ``theta_before``."""
    v, pending = state.v, state.spikes
    if rule.reset_delay and rule.detach_reset:
        pending = pending.detach()
    if rule.reset_delay and rule.v_reset is not None:
        v = _hard_reset(v, pending, rule.v_reset)
    if rule.reset_delay and rule.v_reset is None:
        kept = per_channel(decay, x) * (v - rule.v_rest if rule.v_rest else v)
        h = kept - pending * theta_before + per_channel(input_gain, x) * x
        h = h + rule.v_rest if rule.v_rest else h
    else:
        h = leaky_step(x, v, decay, input_gain, rule.v_rest)
    spikes = heaviside(h - theta, rule.surrogate, rule.fire_at)
    if rule.reset_delay:
        return spikes, h
    acting = spikes.detach() if rule.detach_reset else spikes
    if rule.v_reset is None:
        return spikes, h - acting * theta
    return spikes, _hard_reset(h, acting, rule.v_reset)


def _hard_reset(h: Tensor, spikes: Tensor, v_reset: float) -> Tensor:
    """v_reset where a spike was fired, else h; exact, and differentiable in the spikes."""
    if not spikes.requires_grad:
        return h.masked_fill(spikes != 0, v_reset)
    return (1.0 - spikes) * h + spikes * v_reset
