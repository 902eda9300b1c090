"""Neurons whose threshold or input adapts: ALIF to its own spikes, XLIF and PreLIF to its input.

    ALIF     a[t] = rho a[t-1] + (1 - rho) z[t-1]         theta[t] = v_threshold + gain a[t]
    XLIF     p[t] = rho p[t-1] + (1 - rho) activity[t]    theta[t] = v_threshold + gain p[t]
    PreLIF   p[t] as XLIF                                 input current x[t] - inhibition p[t]

ALIF and XLIF run step by step in torch. The trace of PreLIF does not depend on its spikes, so it is
filtered first and the fused kernel of LIF does the rest.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import torch
from torch import Tensor

from saccade.neurons import functional
from saccade.neurons.module import Neuron, Value, check_learn, check_number
from saccade.neurons.rule import FireAt, Rule
from saccade.neurons.state import ALIFState, LIFState, XLIFState, check_state
from saccade.neurons.surrogate import Surrogate, WidthArctan

__all__ = ["ALIF", "PreLIF", "XLIF"]


LEARN_LEAKS = ("leak", "trace_leak")


class _Adaptive(Neuron):
    """Decay sigmoid(leak), gain 1 - decay, trace decay rho = sigmoid(trace_leak)."""

    def __init__(
        self,
        values: dict[str, Value],
        v_reset: float | None,
        *,
        reset_delay: bool = True,
        surrogate: Surrogate | None = None,
        detach_reset: bool = True,
        fire_at: FireAt = ">",
        learn: Iterable[str] = LEARN_LEAKS,
        keep_state: bool = False,
    ) -> None:
        super().__init__(keep_state)
        self.rule = Rule(
            v_reset=v_reset,
            reset_delay=reset_delay,
            fire_at=fire_at,
            detach_reset=detach_reset,
            surrogate=WidthArctan(10.0) if surrogate is None else surrogate,
        )
        owner = type(self).__name__
        chosen = check_learn(learn, tuple(values), owner)
        for name, value in values.items():
            check_number(name, value, -1e30, 1e30, owner)
            self._declare(name, value, name in chosen)

    def decay_and_gain(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """Return decay sigmoid(leak) and gain 1 - decay."""
        decay = torch.sigmoid(self._value("leak", x))
        return decay, 1.0 - decay

    def trace_decay(self, x: Tensor) -> Tensor:
        """Return the decay of the trace or adaptation, sigmoid(trace_leak)."""
        return torch.sigmoid(self._value("trace_leak", x))

    def extra_repr(self) -> str:
        """Order of operations, for ``print(model)``."""
        rule = self.rule
        return f"v_reset={rule.v_reset}, reset_delay={rule.reset_delay}, {rule.surrogate}"


class _MovingThreshold(_Adaptive):
    """theta[t] = v_threshold + threshold_gain times an adaptation or trace."""

    def __init__(
        self,
        leak: Value = -4.0,
        trace_leak: Value = -4.0,
        v_threshold: Value = 0.01,
        threshold_gain: Value = 1.8,
        v_reset: float | None = None,
        **options: Any,
    ) -> None:
        values = {
            "leak": leak,
            "trace_leak": trace_leak,
            "v_threshold": v_threshold,
            "threshold_gain": threshold_gain,
        }
        super().__init__(values, v_reset, **options)

    def threshold_and_gain(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """Return the threshold at rest, at least 0.01, and its gain, at least 0."""
        v_threshold = self._value("v_threshold", x).clamp(min=0.01)
        return v_threshold, self._value("threshold_gain", x).clamp(min=0.0)


class ALIF(_MovingThreshold):
    """LIF whose threshold rises with its own spikes.

    Args:
        leak: Logit of the membrane's decay, one value or ``[C]``.
        trace_leak: Logit of the adaptation's decay.
        v_threshold: Threshold without adaptation; at least 0.01 where it is used.
        threshold_gain: Threshold per unit of adaptation; at least 0 where it is used.
        v_reset: Potential after a spike; None subtracts the threshold that was crossed.
        options: ``reset_delay=True``, ``surrogate=WidthArctan(10)``, ``detach_reset=True``,
            ``fire_at=">"``, ``learn=("leak", "trace_leak")``, ``keep_state=False``. The defaults
            are event_flow's cell.

    Examples:
        >>> int(ALIF(leak=0.0)(torch.full((8, 1, 1), 1.0)).sum())
        4

    Reference:
        Hagenaars, Paredes-Vallés, de Croon, NeurIPS 2021.
    """

    def run(
        self, x: Tensor, state: ALIFState | None, want_state: bool = True
    ) -> tuple[Tensor, ALIFState]:
        """Run a sequence from a given state (None: rest); return (spikes, state)."""
        decay, gain = self.decay_and_gain(x)
        v_threshold, threshold_gain = self.threshold_and_gain(x)
        return functional.alif(
            x,
            state,
            decay=decay,
            input_gain=gain,
            adaptation_decay=self.trace_decay(x),
            v_threshold=v_threshold,
            threshold_gain=threshold_gain,
            rule=self.rule,
        )


class _PreSynaptic(_Adaptive):
    """Neurons that also see the activity that arrives, before the weights."""

    def forward(self, x: Tensor, activity: Tensor | None = None) -> Tensor:
        """Run a sequence.

        Args:
            x: Input current, ``[T, B, C, ...]``.
            activity: Pre-synaptic activity, broadcastable to ``x``, e.g. the mean over channels of
                abs(layer input), pooled like the layer's kernel, ``[T, B, 1, H, W]``. None takes
                abs(x), the current itself.

        Returns:
            Spikes in {0, 1}, shape of ``x``.
        """
        if not self.keep_state:
            return self.run(x, None, False, activity)[0]
        self._check(x)
        out, state = self.run(x, self._state, True, activity)
        self._keep(state, x.shape[0])
        return out

    def step(
        self, x: Tensor, state: Any = None, activity: Tensor | None = None
    ) -> tuple[Tensor, Any]:
        """Run one step ``[B, C, ...]`` from a given state (None: rest); return (output, state)."""
        active = None if activity is None else activity.unsqueeze(0)
        out, state = self.run(x.unsqueeze(0), state, True, active)
        return out.squeeze(0), state

    def run(
        self,
        x: Tensor,
        state: XLIFState | None,
        want_state: bool = True,
        activity: Tensor | None = None,
    ) -> tuple[Tensor, XLIFState]:
        """Run a sequence from a given state (None: rest); return (spikes, state)."""
        raise NotImplementedError


class XLIF(_PreSynaptic, _MovingThreshold):
    """LIF whose threshold rises with the activity that arrives; arguments as `ALIF`.

    Examples:
        >>> int(XLIF(leak=0.0)(torch.full((8, 1, 1), 1.0)).sum())
        0

    Reference:
        Hagenaars, Paredes-Vallés, de Croon, NeurIPS 2021.
    """

    def run(
        self,
        x: Tensor,
        state: XLIFState | None,
        want_state: bool = True,
        activity: Tensor | None = None,
    ) -> tuple[Tensor, XLIFState]:
        """Run a sequence from a given state (None: rest); return (spikes, state)."""
        decay, gain = self.decay_and_gain(x)
        v_threshold, threshold_gain = self.threshold_and_gain(x)
        return functional.xlif(
            x,
            x.abs() if activity is None else activity,
            state,
            decay=decay,
            input_gain=gain,
            trace_decay=self.trace_decay(x),
            v_threshold=v_threshold,
            threshold_gain=threshold_gain,
            rule=self.rule,
        )


class PreLIF(_PreSynaptic):
    """LIF inhibited by the activity that arrives (event_flow calls it PLIF).

    Args:
        leak: Logit of the membrane's decay, one value or ``[C]``.
        trace_leak: Logit of the trace's decay.
        inhibition: Logit of the factor on the trace.
        v_threshold: Threshold; at least 0.01 where it is used.
        v_reset: Potential after a spike; None subtracts the threshold.
        options: As for `ALIF`; ``learn`` is ``("leak", "trace_leak", "inhibition",
            "v_threshold")`` by default.

    Examples:
        >>> int(PreLIF(leak=0.0, inhibition=0.0)(torch.full((8, 1, 1), 2.0)).sum())
        2

    Reference:
        Hagenaars, Paredes-Vallés, de Croon, NeurIPS 2021.
    """

    def __init__(
        self,
        leak: Value = -4.0,
        trace_leak: Value = -4.0,
        inhibition: Value = -2.0,
        v_threshold: Value = 0.8,
        v_reset: float | None = 0.0,
        **options: Any,
    ) -> None:
        values = {
            "leak": leak,
            "trace_leak": trace_leak,
            "inhibition": inhibition,
            "v_threshold": v_threshold,
        }
        options.setdefault("learn", tuple(values))
        super().__init__(values, v_reset, **options)

    def run(
        self,
        x: Tensor,
        state: XLIFState | None,
        want_state: bool = True,
        activity: Tensor | None = None,
    ) -> tuple[Tensor, XLIFState]:
        """Run a sequence from a given state (None: rest); return (spikes, state)."""
        if state is not None:
            check_state(state, x[0], "PreLIF")
        decay, gain = self.decay_and_gain(x)
        rho = self.trace_decay(x)
        active = (x.abs() if activity is None else activity).expand_as(x)
        before = None if state is None else state.trace
        trace, last = functional.low_pass(active, before, decay=rho, input_gain=1.0 - rho)
        weight = functional.per_channel(torch.sigmoid(self._value("inhibition", x)), x[0])
        spikes, after = functional.lif(
            x - weight * trace,
            None if state is None else LIFState(state.v, state.spikes),
            decay=decay,
            input_gain=gain,
            v_threshold=self._value("v_threshold", x).clamp(min=0.01),
            rule=self.rule,
        )
        assert after is not None
        return spikes, XLIFState(after.v, after.spikes, last)
