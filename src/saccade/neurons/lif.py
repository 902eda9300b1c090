"""LIF, and the forms of it that other libraries compute.

    charge   h[t] = decay (v[t-1] - v_rest) + input_gain x[t] + v_rest
    fire     z[t] = [h[t] >= v_threshold]
    reset    v[t] = v_reset where z[t] else h[t]         (soft: h[t] - z[t] v_threshold)

The named constructors reproduce spikes and gradients of the library they are called after.
"""

from __future__ import annotations

from typing import Literal

import torch

from saccade.errors import ConfigError
from saccade.neurons.leaky import LeakyNeuron
from saccade.neurons.module import Value
from saccade.neurons.plif import PLIF
from saccade.neurons.surrogate import Atan, Sigmoid, SuperSpike, Surrogate, WidthArctan

__all__ = ["LIF"]


class LIF(LeakyNeuron):
    """Leaky integrate-and-fire neurons; arguments as `LeakyNeuron`.

    Examples:
        >>> neuron = LIF(decay=0.5, v_threshold=1.0)
        >>> neuron(torch.full((4, 1, 1), 0.6)).flatten()
        tensor([0., 0., 1., 0.])

    Reference:
        L. Lapicque, 1907; in discrete time as in the libraries compared in ``docs/neurons.md``.
    """

    @classmethod
    def spikingjelly(
        cls,
        tau: float = 2.0,
        decay_input: bool = True,
        v_threshold: float = 1.0,
        v_reset: float | None = 0.0,
        surrogate: Surrogate | None = None,
        detach_reset: bool = False,
        keep_state: bool = False,
    ) -> LIF:
        """spikingjelly's ``LIFNode``: h = v - (v - v_reset) / tau + x / tau (or + x), [h >= v_th].

        Args:
            tau: Membrane time constant in steps.
            decay_input: Whether the input is divided by tau, too.
            v_threshold: Threshold.
            v_reset: Reset potential and rest; None subtracts the threshold and rests at 0.
            surrogate: Default `Sigmoid` with alpha 4, as there.
            detach_reset: False there by default.
            keep_state: Carry the state from call to call until `reset`.
        """
        return LIF(
            1.0 - 1.0 / tau,
            1.0 / tau if decay_input else 1.0,
            v_threshold,
            v_reset,
            v_rest=v_reset or 0.0,
            surrogate=surrogate or Sigmoid(),
            detach_reset=detach_reset,
            keep_state=keep_state,
        )

    @classmethod
    def snntorch(
        cls,
        beta: Value,
        threshold: Value = 1.0,
        reset_mechanism: Literal["subtract", "zero"] = "subtract",
        reset_delay: bool = True,
        learn_beta: bool = False,
        learn_threshold: bool = False,
        surrogate: Surrogate | None = None,
        keep_state: bool = False,
    ) -> LIF:
        """snnTorch's ``Leaky``: h = clamp(beta, 0, 1) mem + x, [h > threshold].

        The reset acts in the next step (``reset_delay``) and is detached, or in the same step and
        is not. With ``subtract`` in the same step snnTorch subtracts a second time, early, while
        the potential stays above the threshold after a reset; a neuron driven beyond twice its
        threshold in one step therefore differs.

        Args:
            beta: Decay, one value or ``[C]``.
            threshold: Threshold, one value or ``[C]``.
            reset_mechanism: ``"subtract"`` the threshold, or reset to ``"zero"``.
            reset_delay: As there.
            learn_beta: Train the decay.
            learn_threshold: Train the threshold.
            surrogate: Default `Atan` with alpha 2, as there.
            keep_state: Carry the state from call to call until `reset`.
        """
        if reset_mechanism not in ("subtract", "zero"):
            raise ConfigError(
                f"reset_mechanism={reset_mechanism!r} is not known.", "Use 'subtract' or 'zero'."
            )
        return LIF(
            beta,
            1.0,
            threshold,
            None if reset_mechanism == "subtract" else 0.0,
            surrogate=surrogate or Atan(2.0),
            detach_reset=reset_delay,
            reset_delay=reset_delay,
            fire_at=">",
            learn=["decay"] * learn_beta + ["v_threshold"] * learn_threshold,
            keep_state=keep_state,
        )

    @classmethod
    def norse(
        cls,
        tau_mem_inv: float = 100.0,
        v_th: float = 1.0,
        v_leak: float = 0.0,
        v_reset: float = 0.0,
        dt: float = 1e-3,
        surrogate: Surrogate | None = None,
        keep_state: bool = False,
    ) -> LIF:
        """norse's ``LIFBox``: h = v + dt tau_mem_inv (x + v_leak - v), [h > v_th], hard reset.

        norse 1.1 ignores the ``alpha`` of its SuperSpike: its gradient is 1 / (1 + abs(u))^2.

        Args:
            tau_mem_inv: Inverse membrane time constant in 1/s.
            v_th: Threshold.
            v_leak: Potential the membrane decays to.
            v_reset: Potential after a spike.
            dt: Length of a step in seconds.
            surrogate: Default `SuperSpike` with width 1, as there.
            keep_state: Carry the state from call to call until `reset`.
        """
        rate = dt * tau_mem_inv
        return LIF(
            1.0 - rate,
            rate,
            v_th,
            v_reset,
            v_rest=v_leak,
            surrogate=surrogate or SuperSpike(1.0),
            detach_reset=False,
            fire_at=">",
            keep_state=keep_state,
        )

    @classmethod
    def event_flow(
        cls,
        leak: Value = -4.0,
        thresh: Value = 0.8,
        hard_reset: bool = True,
        learn_leak: bool = True,
        learn_thresh: bool = True,
        surrogate: Surrogate | None = None,
        keep_state: bool = False,
    ) -> PLIF:
        """event_flow's LIF: h = s v + (1 - s) x, s = sigmoid(leak), [h > th], reset one step late.

        Args:
            leak: Logit of the decay, one value or ``[C]``.
            thresh: Threshold, one value or ``[C]``; at least 0.01 where it is used.
            hard_reset: Reset to 0, else subtract the threshold.
            learn_leak: Train the leak (it is stored as ``w = -leak``).
            learn_thresh: Train the threshold.
            surrogate: Default `WidthArctan` with width 10, as there.
            keep_state: Carry the state from call to call until `reset`.
        """
        return PLIF.from_logit(
            -torch.as_tensor(leak, dtype=torch.get_default_dtype()),
            thresh,
            0.0 if hard_reset else None,
            learn_w=learn_leak,
            learn=["v_threshold"] * learn_thresh,
            surrogate=surrogate or WidthArctan(10.0),
            reset_delay=True,
            fire_at=">",
            threshold_floor=0.01,
            keep_state=keep_state,
        )
