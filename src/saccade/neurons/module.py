"""What all neuron modules share: state between calls, fixed and learned parameters."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import torch
from torch import Tensor, nn

from saccade.errors import ConfigError, ShapeError, did_you_mean
from saccade.neurons.functional import as_parameter
from saccade.neurons.state import check_state

__all__ = ["Neuron", "Value"]

Value = float | Tensor


class Neuron(nn.Module):
    """Base of the neurons: ``forward(x [T, B, ...]) -> spikes [T, B, ...]``.

    Args:
        keep_state: False starts every call at rest. True goes on where the last call ended, until
            `reset`; an input of another batch, shape, dtype or device is then refused.
    """

    def __init__(self, keep_state: bool = False) -> None:
        super().__init__()
        self.keep_state = keep_state
        self._state: Any = None
        self._fixed: dict[str, float] = {}
        self._tensors: dict[tuple[str, torch.dtype, torch.device], Tensor] = {}

    def run(self, x: Tensor, state: Any, want_state: bool = True) -> tuple[Tensor, Any]:
        """Run a sequence from a given state (None: rest); return (output, state)."""
        raise NotImplementedError

    def forward(self, x: Tensor) -> Tensor:
        """Run a sequence.

        Args:
            x: Input current, floating point, ``[T, B, C, ...]``.

        Returns:
            Spikes in {0, 1}, shape of ``x``.

        Raises:
            StateError: State is kept and belongs to another batch, shape, dtype or device.
        """
        if not self.keep_state:
            return self.run(x, None, False)[0]
        self._check(x)
        out, state = self.run(x, self._state)
        self._keep(state, x.shape[0])
        return out

    def step(self, x: Tensor, state: Any = None) -> tuple[Tensor, Any]:
        """Run one step ``[B, C, ...]`` from a given state (None: rest); return (output, state)."""
        out, state = self.run(x.unsqueeze(0), state)
        return out.squeeze(0), state

    @property
    def state(self) -> Any:
        """The state kept from the last call, or None."""
        return self._state

    @state.setter
    def state(self, state: Any) -> None:
        self._state = state

    def reset(self) -> None:
        """Forget the kept state: the next call starts at rest."""
        self._state = None

    def detach_state(self) -> None:
        """Cut the gradient at the kept state (truncated back-propagation through time)."""
        if self._state is not None:
            self._state = type(self._state)(*(part.detach() for part in self._state))

    def _check(self, x: Tensor) -> None:
        if self._state is not None:
            check_state(self._state, x[0], type(self).__name__)

    def _keep(self, state: Any, steps: int) -> None:
        if steps > 1 and "spikes" in state._fields:
            # The last spikes are a view: keeping them would keep the spikes of all steps.
            state = state._replace(spikes=state.spikes.clone())
        self._state = state

    def _declare(self, name: str, value: Value, learn: bool) -> None:
        """Store a number, a buffer (one value per channel) or, to be learned, a parameter."""
        if learn:
            start = torch.as_tensor(value, dtype=torch.get_default_dtype()).detach().clone()
            self.register_parameter(name, nn.Parameter(start))
        elif isinstance(value, Tensor):
            self.register_buffer(name, value.detach().clone())
        else:
            self._fixed[name] = float(value)

    def _value(self, name: str, x: Tensor) -> Tensor:
        """Return a declared parameter as a tensor beside ``x``."""
        if name not in self._fixed:
            return as_parameter(getattr(self, name), x)
        if torch.compiler.is_compiling():
            return as_parameter(self._fixed[name], x)
        key = (name, x.dtype, x.device)
        tensor = self._tensors.get(key)
        if tensor is None or type(x) is not Tensor:
            tensor = as_parameter(self._fixed[name], x)
            # a tensor made under inference_mode could not be saved for a later backward
            if type(x) is Tensor and not tensor.is_inference():
                self._tensors[key] = tensor
        return tensor

    def __getstate__(self) -> dict[str, Any]:
        """Copies and pickles start at rest."""
        return {**self.__dict__, "_state": None, "_tensors": {}}


def check_learn(learn: Iterable[str], names: tuple[str, ...], owner: str) -> frozenset[str]:
    """Return the names to learn, or refuse an unknown one.

    Raises:
        ConfigError: A name is not a parameter of the neuron.
    """
    chosen = frozenset((learn,) if isinstance(learn, str) else learn)
    for name in sorted(chosen - set(names)):
        raise ConfigError(
            f"{owner} has no parameter {name!r} to learn.",
            f"It has {', '.join(names)}.",
            did_you_mean(name, names),
        )
    return chosen


def check_number(name: str, value: Value, low: float, high: float, owner: str) -> None:
    """Refuse a parameter outside [low, high].

    Raises:
        ConfigError: The value, or one of the values, is outside.
        ShapeError: A tensor has more than one axis that is not 1.
    """
    values = torch.as_tensor(value, dtype=torch.float64).detach()
    if values.numel() != max(values.shape, default=1):
        raise ShapeError(
            f"{owner}: {name} has shape {tuple(values.shape)}.", "Give one value or [C]."
        )
    if not bool(((values >= low) & (values <= high)).all()):
        worst = float(values.flatten()[((values < low) | ~(values <= high)).flatten()][0])
        raise ConfigError(f"{owner}: {name}={worst:g} is outside {low:g}..{high:g}.")
