"""IF: integrate-and-fire, the neuron without a leak."""

from __future__ import annotations

from typing import Any

from saccade.neurons.leaky import LeakyNeuron
from saccade.neurons.module import Value
from saccade.neurons.surrogate import Sigmoid, Surrogate

__all__ = ["IF"]


class IF(LeakyNeuron):
    """Integrate-and-fire: no leak, h[t] = v[t-1] + input_gain x[t].

    Args:
        v_threshold: Firing threshold; one value or ``[C]``.
        v_reset: Potential after a spike and at the start; None subtracts the threshold and starts
            at 0.
        options: Other keywords of `LeakyNeuron` except ``decay`` and ``v_rest``.

    Examples:
        >>> import torch
        >>> IF()(torch.full((4, 1, 1), 0.5)).flatten()
        tensor([0., 1., 0., 1.])
    """

    def __init__(
        self, v_threshold: Value = 1.0, v_reset: float | None = 0.0, **options: Any
    ) -> None:
        options.setdefault("v_rest", v_reset or 0.0)
        super().__init__(1.0, v_threshold=v_threshold, v_reset=v_reset, **options)

    @classmethod
    def spikingjelly(
        cls,
        v_threshold: float = 1.0,
        v_reset: float | None = 0.0,
        surrogate: Surrogate | None = None,
        detach_reset: bool = False,
        keep_state: bool = False,
    ) -> IF:
        """spikingjelly's ``IFNode``: h = v + x, fires at ``>=``.

        Args:
            v_threshold: Threshold.
            v_reset: Potential after a spike; None subtracts the threshold.
            surrogate: Default `Sigmoid` with alpha 4, as there.
            detach_reset: False there by default.
            keep_state: Carry the state from call to call until `reset`.
        """
        return cls(
            v_threshold,
            v_reset,
            surrogate=surrogate or Sigmoid(),
            detach_reset=detach_reset,
            keep_state=keep_state,
        )
