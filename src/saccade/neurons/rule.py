"""The constants of a spiking step and its order of operations: charge, fire, reset.

    charge   h[t] = decay (v[t-1] - v_rest) + input_gain x[t] + v_rest
    fire     z[t] = [h[t] >= v_threshold]            or [h[t] > v_threshold]
    reset    hard, now    v[t] = v_reset where z[t] else h[t]
             soft, now    v[t] = h[t] - z[t] v_threshold
             hard, next   v[t] = h[t]; the next charge uses v_reset where z[t] else h[t]
             soft, next   v[t] = h[t]; the next charge subtracts z[t] v_threshold after the decay

``decay``, ``input_gain`` and ``v_threshold`` are tensors (one value, or one per channel) because
they may be learned; everything else is a `Rule`.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import Literal

from saccade.errors import ConfigError
from saccade.neurons.surrogate import Atan, Surrogate

__all__ = ["FireAt", "Rule"]

FireAt = Literal[">=", ">"]
Numbers = tuple[float, float, bool, bool, bool, float, int, float, float]


@dataclass(frozen=True)
class Rule:
    """What a leaky neuron does in one step, apart from its tensors.

    Args:
        v_rest: Potential the membrane decays to, and where a sequence starts.
        v_reset: Potential after a spike (hard reset); None subtracts the threshold (soft reset).
        reset_delay: False resets in the step that fired, True in the next one.
        fire_at: ``">="`` fires on equality with the threshold, ``">"`` does not.
        detach_reset: True stops the gradient through the spike that resets.
        surrogate: What stands for the derivative of the firing step.

    ``numbers`` is the rule as the compiled loops read it: v_rest, v_reset (0 if soft), soft,
    delayed, strict, 1 where the gradient passes the reset, surrogate code and constants.
    """

    v_rest: float = 0.0
    v_reset: float | None = 0.0
    reset_delay: bool = False
    fire_at: FireAt = ">="
    detach_reset: bool = True
    surrogate: Surrogate = field(default_factory=Atan)
    numbers: Numbers = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        if self.fire_at not in (">=", ">"):
            raise ConfigError(f"fire_at={self.fire_at!r} is no comparison.", "Use '>=' or '>'.")
        for name in ("v_rest", "v_reset"):
            value = getattr(self, name)
            if value is not None and not math.isfinite(value):
                raise ConfigError(f"{name}={value} is not finite.", f"{name} is a potential.")
        if not isinstance(self.surrogate, Surrogate):  # pyright: ignore[reportUnnecessaryIsInstance]
            raise ConfigError(
                f"surrogate={self.surrogate!r} is not a surrogate.",
                "Pass an object such as saccade.neurons.Atan(alpha=2.0).",
            )

        reset = 0.0 if self.v_reset is None else float(self.v_reset)
        order = (self.is_soft, bool(self.reset_delay), self.is_strict)
        through = 0.0 if self.detach_reset else 1.0
        surrogate = (self.surrogate.code, *self.surrogate.shape)
        numbers = (float(self.v_rest), reset, *order, through, *surrogate)
        object.__setattr__(self, "numbers", numbers)

    @property
    def is_soft(self) -> bool:
        """Whether a spike subtracts the threshold."""
        return self.v_reset is None

    @property
    def is_strict(self) -> bool:
        """Whether equality with the threshold does not fire."""
        return self.fire_at == ">"
