"""The leaky spiking sequence in plain torch: what the compiled kernels are held against.

Time is taken apart with ``unbind``: indexing ``x[t]`` in a loop would make backward quadratic in
the number of steps, because each step would fill a gradient as large as the whole sequence.
"""

from __future__ import annotations

import torch
from torch import Tensor

from saccade.neurons.rule import Rule
from saccade.neurons.state import LIFState
from saccade.neurons.steps import lif_step

__all__ = ["backward", "forward"]


def forward(
    x: Tensor,
    v0: Tensor | None,
    z0: Tensor | None,
    decay: Tensor,
    input_gain: Tensor,
    v_threshold: Tensor,
    rule: Rule,
    want_v: bool,
) -> tuple[Tensor, Tensor]:
    """Run a sequence of `lif_step`.

    Args:
        x: Input current, ``[T, B, C, ...]``.
        v0: Potential before the first step, ``[B, C, ...]``; None starts at ``rule.v_rest``.
        z0: Spikes before the first step, for a delayed reset; None means none.
        decay: Factor of the potential kept per step, one value or ``[C]``.
        input_gain: Factor on the input, one value or ``[C]``.
        v_threshold: Threshold, one value or ``[C]``.
        rule: Constants and order of operations.
        want_v: Whether the potential after the last step is needed.

    Returns:
        Spikes ``[T, B, C, ...]`` and the final potential (empty where it is not wanted).
    """
    if x.shape[0] == 0:
        return torch.zeros_like(x), v0.clone() if v0 is not None else x.new_full(
            x.shape[1:], rule.v_rest
        )
    parts = x.unbind(0)
    v = torch.full_like(parts[0], rule.v_rest) if v0 is None else v0
    state = LIFState(v, torch.zeros_like(parts[0]) if z0 is None else z0)
    out: list[Tensor] = []
    for step in parts:
        spikes, state = lif_step(step, state, decay, input_gain, v_threshold, rule)
        out.append(spikes)
    return torch.stack(out), state.v if want_v else x.new_empty(0)


def backward(
    grad_spikes: Tensor,
    grad_v: Tensor | None,
    x: Tensor,
    v0: Tensor | None,
    z0: Tensor | None,
    decay: Tensor,
    input_gain: Tensor,
    v_threshold: Tensor,
    rule: Rule,
    wanted: tuple[bool, bool, bool],
) -> tuple[Tensor, Tensor | None, Tensor | None, tuple[Tensor, Tensor, Tensor] | None]:
    """Differentiate a sequence by running it again under autograd.

    Args:
        grad_spikes: dL/d spikes, ``[T, B, C, ...]``.
        grad_v: dL/d final potential, or None.
        x: As in `forward`, and so are the following.
        v0: Potential before the first step, or None.
        z0: Spikes before the first step, or None.
        decay: Factor of the potential kept per step.
        input_gain: Factor on the input.
        v_threshold: Threshold.
        rule: Constants and order of operations.
        wanted: Whether the gradients of ``v0``, of ``z0`` and of the parameters are needed.

    Returns:
        Gradients of ``x``, ``v0``, ``z0`` and (decay, input_gain, v_threshold).
    """
    want_v0, want_z0, want_parameters = wanted
    step = x[0] if x.shape[0] else x.new_empty(x.shape[1:])
    start = v0 if v0 is not None else torch.full_like(step, rule.v_rest)
    pending = z0 if z0 is not None else torch.zeros_like(step)
    parts = (x, start, pending, decay, input_gain, v_threshold)
    x, start, pending, decay, input_gain, v_threshold = (
        part.detach().requires_grad_() for part in parts
    )
    inputs = [x, start, pending, decay, input_gain, v_threshold]
    with torch.enable_grad():
        spikes, v = forward(x, start, pending, decay, input_gain, v_threshold, rule, True)
        outputs, grads = [spikes, v], [grad_spikes, grad_v]
        kept = [i for i in (0, 1) if grads[i] is not None and outputs[i].requires_grad]
        found = torch.autograd.grad(
            [outputs[i] for i in kept],
            inputs,
            [grads[i] for i in kept],
            allow_unused=True,
        )
    full = [torch.zeros_like(a) if g is None else g for a, g in zip(inputs, found, strict=True)]
    return (
        full[0],
        full[1] if want_v0 else None,
        full[2] if want_z0 else None,
        (full[3], full[4], full[5]) if want_parameters else None,
    )
