"""PLIF: leaky integrate-and-fire with a learned time constant.

    rate = sigmoid(w) = 1 / tau_steps,   decay = 1 - rate,   input_gain = rate  (or a fixed gain)

Not to be confused with event_flow's "PLIF", which adapts to pre-synaptic activity: `PreLIF`.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from saccade.errors import ConfigError
from saccade.neurons.leaky import LeakyNeuron
from saccade.neurons.module import Value
from saccade.neurons.surrogate import Sigmoid, Surrogate

__all__ = ["PLIF"]


class PLIF(LeakyNeuron):
    """Parametric leaky integrate-and-fire: one learned ``w``, or one per channel.

    Args:
        tau_steps: Initial time constant in steps, above 1; w = -ln(tau_steps - 1).
        v_threshold: Firing threshold; one value or ``[C]``.
        v_reset: Potential after a spike; None subtracts the threshold.
        gain_from_rate: True multiplies the input by the rate, False by ``input_gain``.
        learn_w: Train ``w`` (else it is a buffer).
        options: Other keywords of `LeakyNeuron` except ``decay``.

    Raises:
        ConfigError: The time constant is not above 1 step.

    Examples:
        >>> PLIF(tau_steps=2.0)(torch.full((2, 1, 1), 1.5)).flatten().detach()
        tensor([0., 1.])

    Reference:
        W. Fang et al., "Incorporating learnable membrane time constant to enhance learning of
        spiking neural networks", ICCV 2021.
    """

    def __init__(
        self,
        tau_steps: Value = 2.0,
        v_threshold: Value = 1.0,
        v_reset: float | None = 0.0,
        *,
        gain_from_rate: bool = True,
        learn_w: bool = True,
        **options: Any,
    ) -> None:
        super().__init__(0.5, v_threshold=v_threshold, v_reset=v_reset, **options)
        tau = torch.as_tensor(tau_steps, dtype=torch.float64)
        if not bool((tau > 1.0).all()):
            raise ConfigError(
                f"PLIF: tau_steps={float(tau.min()):g} is not above 1.",
                "A rate of 1 / tau_steps = sigmoid(w) is below 1.",
            )
        self.gain_from_rate = gain_from_rate
        del self._fixed["decay"]
        w = -torch.log(tau - 1.0).to(torch.get_default_dtype())
        self._declare("w", w, learn_w)

    def decay_and_gain(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """Return decay 1 - sigmoid(w) and gain sigmoid(w), one value or ``[C]`` each."""
        rate = torch.sigmoid(self._value("w", x))
        return 1.0 - rate, rate if self.gain_from_rate else self._value("input_gain", x)

    @classmethod
    def from_logit(
        cls, w: Tensor, v_threshold: Value, v_reset: float | None, **options: Any
    ) -> PLIF:
        """Build from ``w`` itself, one value or ``[C]``, without the way through tau_steps."""
        neuron = cls(2.0, v_threshold, v_reset, **options)
        learned = isinstance(neuron.w, torch.nn.Parameter)
        del neuron.w
        neuron._declare("w", w, learned)
        return neuron

    @classmethod
    def spikingjelly(
        cls,
        init_tau: float = 2.0,
        decay_input: bool = True,
        v_threshold: float = 1.0,
        v_reset: float | None = 0.0,
        surrogate: Surrogate | None = None,
        detach_reset: bool = False,
        keep_state: bool = False,
    ) -> PLIF:
        """spikingjelly's ``ParametricLIFNode``: h = v + (x - (v - v_reset)) sigmoid(w), or x whole.

        Args:
            init_tau: Initial time constant in steps.
            decay_input: Whether the input is multiplied by the rate, too.
            v_threshold: Threshold.
            v_reset: Reset potential and rest; None subtracts the threshold and rests at 0.
            surrogate: Default `Sigmoid` with alpha 4, as there.
            detach_reset: False there by default.
            keep_state: Carry the state from call to call until `reset`.
        """
        return cls(
            init_tau,
            v_threshold,
            v_reset,
            v_rest=v_reset or 0.0,
            gain_from_rate=decay_input,
            surrogate=surrogate or Sigmoid(),
            detach_reset=detach_reset,
            keep_state=keep_state,
        )
