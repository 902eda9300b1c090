"""Membranes around the leaky spiking step: the integrator that never fires, and the synapse.

Integrator   v[t] = decay (v[t-1] - v_rest) + input_gain x[t] + v_rest         output v[t]
CubaLIF      i[t] = synapse_decay i[t-1] + x[t], then LIF driven by i[t]       output spikes
"""

from __future__ import annotations

from typing import Any, NamedTuple

from torch import Tensor

from saccade.neurons import functional
from saccade.neurons.leaky import LeakyNeuron
from saccade.neurons.module import Neuron, Value, check_number
from saccade.neurons.state import LIFState, PotentialState, check_state
from saccade.neurons.surrogate import SuperSpike, Surrogate

__all__ = ["CubaLIF", "CubaState", "Integrator"]


class Integrator(Neuron):
    """A membrane without a threshold; its output is the potential of every step.

    The read-out of regression networks: the neuron that others write as an IF with an infinite
    threshold. Its gradient is that of a sum.

    Args:
        decay: Factor of the potential kept per step, in [0, 1]; 1 sums without leak.
        input_gain: Factor on the input; one value or ``[C]``.
        v_rest: Potential the membrane decays to and starts from.
        keep_state: Carry the potential from call to call until `reset`.

    Examples:
        >>> import torch
        >>> Integrator()(torch.ones(3, 1, 1)).flatten()
        tensor([1., 2., 3.])
    """

    def __init__(
        self,
        decay: Value = 1.0,
        input_gain: Value = 1.0,
        v_rest: float = 0.0,
        keep_state: bool = False,
    ) -> None:
        super().__init__(keep_state)
        check_number("decay", decay, 0.0, 1.0, "Integrator")
        check_number("input_gain", input_gain, -1e30, 1e30, "Integrator")
        self.v_rest = v_rest
        self._declare("decay", decay, False)
        self._declare("input_gain", input_gain, False)

    def run(
        self, x: Tensor, state: PotentialState | None, want_state: bool = True
    ) -> tuple[Tensor, PotentialState]:
        """Run a sequence from a given state (None: rest); return (potentials, state)."""
        return functional.integrate(
            x,
            state,
            decay=self._value("decay", x),
            input_gain=self._value("input_gain", x),
            v_rest=self.v_rest,
        )


class CubaState(NamedTuple):
    """State of `CubaLIF`.

    Args:
        v: Membrane potential after the step.
        spikes: Spikes of the step, in {0, 1}.
        current: Synaptic current i[t] of the step.
    """

    v: Tensor
    spikes: Tensor
    current: Tensor


class CubaLIF(LeakyNeuron):
    """LIF driven through a synapse that decays exponentially (current-based LIF).

    Args:
        synapse_decay: Factor of the current kept per step, in [0, 1]; one value or ``[C]``.
        options: As for `LeakyNeuron`.

    Examples:
        >>> import torch
        >>> pulse = torch.tensor([1.0, 0.0, 0.0]).reshape(3, 1, 1)
        >>> CubaLIF(synapse_decay=0.5, decay=1.0, v_threshold=1.4)(pulse).flatten()
        tensor([0., 1., 0.])
    """

    def __init__(self, synapse_decay: Value = 0.8, **options: Any) -> None:
        super().__init__(**options)
        check_number("synapse_decay", synapse_decay, 0.0, 1.0, "CubaLIF")
        self._declare("synapse_decay", synapse_decay, False)

    def run(self, x: Tensor, state: Any, want_state: bool = True) -> tuple[Tensor, Any]:
        """Run a sequence from a given `CubaState` (None: rest); return (spikes, state)."""
        if state is not None:
            check_state(state, x[0], "CubaLIF")
        current, last = functional.low_pass(
            x,
            None if state is None else state.current,
            decay=self._value("synapse_decay", x),
        )
        before = None if state is None else LIFState(state.v, state.spikes)
        spikes, after = super().run(current, before, want_state)
        return spikes, None if after is None else CubaState(after.v, after.spikes, last)

    @classmethod
    def norse(
        cls,
        tau_syn_inv: float = 200.0,
        tau_mem_inv: float = 100.0,
        v_th: float = 1.0,
        v_leak: float = 0.0,
        v_reset: float = 0.0,
        dt: float = 1e-3,
        surrogate: Surrogate | None = None,
        keep_state: bool = False,
    ) -> CubaLIF:
        """norse's feed-forward ``LIF``: i jumps, then h = v + dt tau_mem_inv (i + v_leak - v).

        norse stores the current after its decay, synapse_decay i[t].

        Args:
            tau_syn_inv: Inverse synaptic time constant in 1/s.
            tau_mem_inv: Inverse membrane time constant in 1/s.
            v_th: Threshold.
            v_leak: Potential the membrane decays to.
            v_reset: Potential after a spike.
            dt: Length of a step in seconds.
            surrogate: Default `SuperSpike` with width 1 (norse 1.1 ignores its ``alpha``).
            keep_state: Carry the state from call to call until `reset`.
        """
        rate = dt * tau_mem_inv
        return cls(
            1.0 - dt * tau_syn_inv,
            decay=1.0 - rate,
            input_gain=rate,
            v_threshold=v_th,
            v_reset=v_reset,
            v_rest=v_leak,
            surrogate=surrogate or SuperSpike(1.0),
            detach_reset=False,
            fire_at=">",
            keep_state=keep_state,
        )
