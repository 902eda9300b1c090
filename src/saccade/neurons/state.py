"""What neurons carry from step to step, and the check that it belongs to the input it meets."""

from __future__ import annotations

from typing import NamedTuple

from torch import Tensor

from saccade.errors import StateError

__all__ = ["ALIFState", "LIFState", "PotentialState", "XLIFState", "check_state"]


class PotentialState(NamedTuple):
    """State of a neuron that never fires.

    Args:
        v: Membrane potential, ``[B, C, ...]``.
    """

    v: Tensor


class LIFState(NamedTuple):
    """State of IF, LIF and PLIF.

    Args:
        v: Membrane potential after the step (before its reset, if the reset is delayed).
        spikes: Spikes of the step, in {0, 1}.
    """

    v: Tensor
    spikes: Tensor


class ALIFState(NamedTuple):
    """State of ALIF.

    Args:
        v: Membrane potential after the step.
        spikes: Spikes of the step, in {0, 1}.
        adaptation: Low-pass filtered spikes that raise the threshold.
    """

    v: Tensor
    spikes: Tensor
    adaptation: Tensor


class XLIFState(NamedTuple):
    """State of XLIF and of PreLIF.

    Args:
        v: Membrane potential after the step.
        spikes: Spikes of the step, in {0, 1}.
        trace: Low-pass filtered pre-synaptic activity.
    """

    v: Tensor
    spikes: Tensor
    trace: Tensor


def check_state(state: tuple[Tensor, ...], step: Tensor, owner: str) -> None:
    """Refuse a state that was left by an input of another shape, dtype or device.

    Args:
        state: Any of the state types; every member has the shape of a step.
        step: One step of the input, ``[B, C, ...]``.
        owner: Name of the neuron, for the message.

    Raises:
        StateError: The state belongs to something else.
    """
    v = state[0]
    if v.shape == step.shape and v.dtype == step.dtype and v.device == step.device:
        return
    fix = "Call reset() between sequences."
    if v.shape != step.shape:
        if v.ndim == step.ndim and v.shape[1:] == step.shape[1:]:
            what = f"{owner}: state is for batch {v.shape[0]:,}, input has batch {step.shape[0]:,}."
        else:
            shapes = f"{tuple(v.shape)}, a step of the input {tuple(step.shape)}"
            what = f"{owner}: state has shape {shapes}."
        raise StateError(what, fix=fix)
    raise StateError(
        f"{owner}: state is {v.dtype} on {v.device}, input is {step.dtype} on {step.device}.",
        fix=fix,
    )
