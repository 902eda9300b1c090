"""A layer whose spikes come back as input one step later."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn

from saccade.neurons.module import Neuron
from saccade.neurons.state import check_state

__all__ = ["Recurrent"]


class Recurrent(nn.Module):
    """Feed a neuron's spikes back through a synapse: current[t] = x[t] + synapse(z[t-1]).

    The gradient flows through the feedback; whether it flows through the reset is the neuron's
    ``detach_reset``.

    Args:
        neuron: Any neuron that spikes; its own ``keep_state`` is not used.
        synapse: Module from spikes ``[B, C, ...]`` to a current of the same shape, e.g. a
            convolution without bias.
        keep_state: Carry the state from call to call until `reset`.

    Examples:
        >>> from saccade.neurons import LIF
        >>> layer = Recurrent(LIF(), nn.Linear(4, 4, bias=False))
        >>> layer(torch.rand(5, 2, 4)).shape
        torch.Size([5, 2, 4])
    """

    def __init__(self, neuron: Neuron, synapse: nn.Module, keep_state: bool = False) -> None:
        super().__init__()
        self.neuron, self.synapse, self.keep_state = neuron, synapse, keep_state
        self._state: Any = None

    def run(self, x: Tensor, state: Any, **inputs: Tensor) -> tuple[Tensor, Any]:
        """Run a sequence from a given state of the neuron (None: rest); return (spikes, state)."""
        if state is not None:
            check_state(state, x[0], "Recurrent")
        out: list[Tensor] = []
        for t, step in enumerate(x.unbind(0)):
            past = torch.zeros_like(step) if state is None else state.spikes
            extra = {name: value.unbind(0)[t] for name, value in inputs.items()}
            spikes, state = self.neuron.step(step + self.synapse(past), state, **extra)
            out.append(spikes)
        return torch.stack(out), state

    def forward(self, x: Tensor, **inputs: Tensor) -> Tensor:
        """Run a sequence ``[T, B, C, ...]``; further inputs of the neuron go by name.

        Raises:
            StateError: State is kept and belongs to another batch, shape, dtype or device.
        """
        spikes, state = self.run(x, self._state if self.keep_state else None, **inputs)
        if self.keep_state:
            self._state = state
        return spikes

    @property
    def state(self) -> Any:
        """The state kept from the last call, or None."""
        return self._state

    def reset(self) -> None:
        """Forget the kept state: the next call starts at rest."""
        self._state = None

    def detach_state(self) -> None:
        """Cut the gradient at the kept state."""
        if self._state is not None:
            self._state = type(self._state)(*(part.detach() for part in self._state))

    def __getstate__(self) -> dict[str, Any]:
        """Copies and pickles start at rest."""
        return {**self.__dict__, "_state": None}
