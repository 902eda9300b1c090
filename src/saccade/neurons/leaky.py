"""The base of IF, LIF and PLIF: one membrane, one threshold, fused kernels.

charge   h[t] = decay (v[t-1] - v_rest) + input_gain x[t] + v_rest
fire     z[t] = [h[t] >= v_threshold]
reset    v[t] = v_reset where z[t] else h[t]         (soft: h[t] - z[t] v_threshold)
"""

from __future__ import annotations

from collections.abc import Iterable

import torch
from torch import Tensor

from saccade.errors import ConfigError
from saccade.neurons import functional
from saccade.neurons.kernels.dispatch import Kernel
from saccade.neurons.module import Neuron, Value, check_learn, check_number
from saccade.neurons.rule import FireAt, Rule
from saccade.neurons.state import LIFState
from saccade.neurons.surrogate import Atan, Surrogate

__all__ = ["LeakyNeuron"]

INFINITE = float("inf")


class LeakyNeuron(Neuron):
    """Leaky integrate-and-fire with explicit decay and gain; use `LIF`, `IF` or `PLIF`.

    Args:
        decay: Factor of the potential kept per step, in [0, 1]; one value or ``[C]``.
        input_gain: Factor on the input; one value or ``[C]``.
        v_threshold: Firing threshold; one value or ``[C]``; infinity never fires.
        v_reset: Potential after a spike; None subtracts the threshold.
        v_rest: Potential the membrane decays to and starts from.
        surrogate: What stands for the derivative of the firing step.
        detach_reset: True stops the gradient through the spike that resets.
        reset_delay: True resets in the step after the spike.
        fire_at: ``">="`` fires on equality with the threshold, ``">"`` does not.
        learn: Which of ``decay``, ``input_gain``, ``v_threshold`` are trained; a trained decay is
            clamped to [0, 1] where it is used.
        threshold_floor: Smallest threshold in use; below it no gradient reaches ``v_threshold``.
        keep_state: Carry the state from call to call until `reset`.
        kernel: ``"reference"`` forces plain torch.

    Raises:
        ConfigError: A value is outside its range, or a soft reset has an infinite threshold.
    """

    def __init__(
        self,
        decay: Value = 0.5,
        input_gain: Value = 1.0,
        v_threshold: Value = 1.0,
        v_reset: float | None = 0.0,
        *,
        v_rest: float = 0.0,
        surrogate: Surrogate | None = None,
        detach_reset: bool = True,
        reset_delay: bool = False,
        fire_at: FireAt = ">=",
        learn: Iterable[str] = (),
        threshold_floor: float | None = None,
        keep_state: bool = False,
        kernel: Kernel = "auto",
    ) -> None:
        super().__init__(keep_state)
        owner = type(self).__name__
        chosen = check_learn(learn, ("decay", "input_gain", "v_threshold"), owner)
        check_number("decay", decay, 0.0, 1.0, owner)
        check_number("input_gain", input_gain, -1e30, 1e30, owner)
        check_number("v_threshold", v_threshold, -1e30, INFINITE, owner)
        if v_reset is None and bool((torch.as_tensor(v_threshold) == INFINITE).any()):
            raise ConfigError(
                f"{owner}: v_threshold=inf with soft reset has nothing to subtract.",
                fix="Use Integrator, or set v_reset=0.0.",
            )
        self.rule = Rule(
            v_rest=v_rest,
            v_reset=v_reset,
            reset_delay=reset_delay,
            fire_at=fire_at,
            detach_reset=detach_reset,
            surrogate=Atan() if surrogate is None else surrogate,
        )
        self.threshold_floor = threshold_floor
        self.kernel: Kernel = kernel
        self._learns_decay = "decay" in chosen
        self._declare("decay", decay, "decay" in chosen)
        self._declare("input_gain", input_gain, "input_gain" in chosen)
        self._declare("v_threshold", v_threshold, "v_threshold" in chosen)

    def decay_and_gain(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """Return decay and input gain as they act on ``x``, one value or ``[C]`` each."""
        decay = self._value("decay", x)
        return decay.clamp(0.0, 1.0) if self._learns_decay else decay, self._value("input_gain", x)

    def threshold(self, x: Tensor) -> Tensor:
        """Return the threshold as it acts on ``x``, one value or ``[C]``."""
        theta = self._value("v_threshold", x)
        return theta if self.threshold_floor is None else theta.clamp(min=self.threshold_floor)

    def tau_steps(self, x: Tensor) -> Tensor:
        """Return the membrane time constant in steps, 1 / (1 - decay)."""
        return 1.0 / (1.0 - self.decay_and_gain(x)[0])

    def run(
        self, x: Tensor, state: LIFState | None, want_state: bool = True
    ) -> tuple[Tensor, LIFState | None]:
        """Run a sequence from a given state (None: rest); return (spikes, state)."""
        decay, gain = self.decay_and_gain(x)
        return functional.lif(
            x,
            state,
            decay=decay,
            input_gain=gain,
            v_threshold=self.threshold(x),
            rule=self.rule,
            want_state=want_state,
            kernel=self.kernel,
        )

    def extra_repr(self) -> str:
        """Numbers and order of operations, for ``print(model)``."""
        names = ("decay", "input_gain", "v_threshold", "w")
        found = [(name, self._fixed.get(name, getattr(self, name, None))) for name in names]
        parts = [f"{name}={_brief(value)}" for name, value in found if value is not None]
        rule = self.rule
        parts += [f"v_reset={rule.v_reset}", f"fire_at={rule.fire_at!r}", f"{rule.surrogate}"]
        parts += ["reset_delay=True"] * rule.reset_delay + ["keep_state=True"] * self.keep_state
        return ", ".join(parts)


def _brief(value: float | Tensor) -> str:
    if not isinstance(value, Tensor):
        return f"{value:g}"
    if value.numel() == 1:
        return f"{float(value.detach()):g} (learned)"
    return f"[{value.numel()}]"
