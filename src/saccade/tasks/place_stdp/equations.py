"""One module step by step, as the equations say: the reference that fast engines are held to.

    dv/dt     = [(v_rest - v) + ge (0 - v) + gi (v_inh - v)] / tau        mV, forward Euler
    dg/dt     = -g / tau_g
    dtheta/dt = -theta / tau_theta                                        in training
    E fires   v > theta - 72 mV, 501 steps after its last spike; then v = -65, theta += 0.05
    I fires   v > -40 mV, not refractory; then v = -45
    pre       (input spike after its delay)   ge += w;  x := 1;  w := clip(w + nu_pre y1)
    post      (spike of E)                    w := clip(w + nu_post x y2);  y1 := 1;  y2 := 1

Order inside a step: neurons advance, thresholds are tested, input spikes arrive, E excites I, I
inhibits all other E, post events follow, spiking neurons are reset. The published timer runs at a
tenth of the clock, so that "5 ms since the last spike" is a lock-out of 50 ms; here it is an
integer number of steps, since a sum of time steps in floating point is late by one in some places.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from saccade.errors import ShapeError
from saccade.tasks.place_stdp.config_network import MODEL
from saccade.tasks.place_stdp.network import Network, Response, State, normalised
from saccade.tasks.place_stdp.spikes import Raster

__all__ = ["PlainEngine", "check_inputs"]


class PlainEngine:
    """A module that runs in NumPy, synapse by synapse; for tests and for reading.

    Args:
        network: The module; its arrays are copied.
        state: Where it begins; the published start without.
    """

    def __init__(self, network: Network, state: State | None = None) -> None:
        self.config = network.config
        self.weights = network.weights.astype(np.float64)
        self.delays = network.delays.astype(np.int64)
        self.theta = network.theta.astype(np.float64)
        self.state = State.start(self.config) if state is None else state
        self._arrival = self.state.arrived[:, None] + self.delays

    def network(self) -> Network:
        """Return the module as it is now."""
        delays = self.delays.astype(np.int16)
        return Network(self.config, self.weights.copy(), delays, self.theta.copy())

    def normalise(self, target: float) -> None:
        """Scale every column of the weights to a sum."""
        self.weights = normalised(self.weights, target)

    def run(self, inputs: Raster, *, learn: bool) -> Response:
        """Advance by the steps of a raster.

        Args:
            inputs: Spikes of the inputs; step 0 is the next step.
            learn: Change weights and thresholds.

        Raises:
            ShapeError: An input does not exist.
        """
        check_inputs(inputs, self.config.n_in)
        state, rows = self.state, [self.state.flying]
        rows.append(np.column_stack([inputs.neuron, inputs.step + state.step]).astype(np.int64))
        sent = np.concatenate(rows)
        spikes: list[list[NDArray[np.int64]]] = [[], []]
        for n in range(state.step, state.step + inputs.n_steps):
            fired = self._step(n, sent, learn=learn)
            for group, found in zip(spikes, fired, strict=True):
                group.append(np.column_stack([found, np.full(len(found), n - state.step)]))
        state.step += inputs.n_steps
        flies = sent[:, 1] > state.step - self.config.factors().delay_slots
        np.maximum.at(state.arrived, sent[~flies, 0], sent[~flies, 1])
        state.flying = sent[flies]
        return Response(*(_raster(group, inputs.n_steps) for group in spikes))

    def _step(
        self, n: int, sent: NDArray[np.int64], *, learn: bool
    ) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        s, f = self.state, self.config.factors()
        ready_e, ready_i = n - s.last_e >= f.refractory_e, n - s.last_i >= f.refractory_i
        v_e, v_i = s.v_e, s.v_i
        pull = s.ge_e * (0.0 - v_e) + s.gi_e * (MODEL.reversal_gi_e - v_e)
        s.v_e = np.where(ready_e, v_e + f.step_e * ((MODEL.rest_e - v_e) + pull), v_e)
        pull = s.ge_i * (0.0 - v_i)
        s.v_i = np.where(ready_i, v_i + f.step_i * ((MODEL.rest_i - v_i) + pull), v_i)
        s.ge_e, s.ge_i = s.ge_e - f.step_ge * s.ge_e, s.ge_i - f.step_ge * s.ge_i
        s.gi_e = s.gi_e - f.step_gi * s.gi_e
        if learn:
            self.theta = self.theta - f.step_theta * self.theta

        unlocked = n - np.maximum(s.last_e, s.origin) >= f.lockout
        fires_e = (s.v_e > self.theta + MODEL.threshold_e) & unlocked & ready_e
        fires_i = (s.v_i > MODEL.threshold_i) & ready_i

        self._arrive(n, sent, learn=learn)
        s.ge_i = s.ge_i + MODEL.weight_ei * fires_e
        s.gi_e = s.gi_e + MODEL.weight_ie * (fires_i.sum() - fires_i)
        if learn:
            x = self._trace(n - self._arrival, MODEL.tau_pre_ms)
            y2 = self._trace(n - s.last_e, MODEL.tau_post2_ms)
            changed = np.clip(self.weights + MODEL.nu_post * x * y2, 0, MODEL.weight_max)
            self.weights = np.where(fires_e, changed, self.weights)
            self.theta = self.theta + MODEL.theta_plus * fires_e
        s.v_e, s.v_i = s.v_e.copy(), s.v_i.copy()
        s.v_e[fires_e], s.v_i[fires_i] = MODEL.reset_e, MODEL.reset_i
        s.last_e, s.last_i = np.where(fires_e, n, s.last_e), np.where(fires_i, n, s.last_i)
        return np.flatnonzero(fires_e), np.flatnonzero(fires_i)

    def _arrive(self, n: int, sent: NDArray[np.int64], *, learn: bool) -> None:
        f, s = self.config.factors(), self.state
        recent = sent[(sent[:, 1] <= n) & (sent[:, 1] > n - f.delay_slots)]
        y1 = self._trace(n - s.last_e, MODEL.tau_post1_ms)
        for i, when in recent:
            arrives = self.delays[i] == n - when
            s.ge_e = s.ge_e + np.where(arrives, self.weights[i], 0.0)
            self._arrival[i, arrives] = n
            if learn:
                changed = np.clip(self.weights[i] + f.nu_pre * y1, 0, MODEL.weight_max)
                self.weights[i] = np.where(arrives, changed, self.weights[i])

    def _trace(self, steps: NDArray[np.int64], tau_ms: float) -> NDArray[np.float64]:
        """Return exp(-t / tau) of the time since an event; 0 where there was none."""
        return np.exp(-np.minimum(steps, 1 << 30) * (self.config.dt_ms / tau_ms))


def check_inputs(inputs: Raster, n_in: int) -> None:
    """Refuse spikes of inputs that a module does not have.

    Raises:
        ShapeError: One lies outside.
    """
    if len(inputs) and not 0 <= inputs.neuron.min() <= inputs.neuron.max() < n_in:
        raise ShapeError(
            f"Spikes of inputs {inputs.neuron.min():,} to {inputs.neuron.max():,}.",
            f"Expected 0 to {n_in - 1:,}.",
            "Were the images prepared at the size that the network was made for?",
        )


def _raster(rows: list[NDArray[np.int64]], n_steps: int) -> Raster:
    found = np.concatenate(rows) if rows else np.zeros((0, 2), np.int64)
    return Raster(found[:, 0].astype(np.int32), found[:, 1].astype(np.int32), n_steps)
