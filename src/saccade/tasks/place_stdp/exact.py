"""The exact engine: the equations of `equations` in float64, compiled, spike for spike the same.

    engine = ExactEngine(network)
    engine.normalise(78.0)
    answer = engine.run(poisson_raster(rates, 3500, 0.1, rng), learn=True)

A module of 784 inputs and 400 neurons hears about 8,750 input spikes in an image of 350 ms: 3.5
million arrivals at synapses are the work that cannot be avoided.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

from saccade.tasks.place_stdp.config_network import MODEL
from saccade.tasks.place_stdp.equations import check_inputs
from saccade.tasks.place_stdp.exact_kernels import (
    chain,
    order_by_delay,
    pairs_kernel,
    run_kernel,
    scale_columns,
)
from saccade.tasks.place_stdp.network import Network, Response, State
from saccade.tasks.place_stdp.spikes import Raster

__all__ = ["ExactEngine", "pair_rule"]

_FORGOTTEN = 1e-18  # of a trace: below the last digit of any weight it could change


class ExactEngine:
    """A module that runs compiled, in float64.

    Args:
        network: The module; its arrays are copied.
        state: Where it begins; the published start without. It is changed by running.

    Examples:
        >>> from saccade.tasks.place_stdp.config_network import NetworkConfig
        >>> config = NetworkConfig(n_in=4, n_e=2)
        >>> engine = ExactEngine(Network.fresh(config, np.random.default_rng(0)))
        >>> inputs = Raster.of([0, 1, 2, 3] * 500, np.repeat(np.arange(500) * 4, 4), 2000)
        >>> engine.run(inputs, learn=True).excitatory.counts(2).tolist()
        [3, 3]
    """

    def __init__(self, network: Network, state: State | None = None) -> None:
        self.config = network.config
        self.state = State.start(self.config) if state is None else state
        self.theta = network.theta.astype(np.float64)
        self._delays = np.ascontiguousarray(network.delays, np.int16)
        self._factors = self.config.factors()
        weights = np.ascontiguousarray(network.weights, np.float64)
        self._ordered, self._target, self._begin, self._place = order_by_delay(
            weights, self._delays, self._factors.delay_slots
        )
        self._decays = tuple(
            _decay(tau, self.config.dt_ms)
            for tau in (MODEL.tau_pre_ms, MODEL.tau_post1_ms, MODEL.tau_post2_ms)
        )

    def network(self) -> Network:
        """Return the module as it is now."""
        weights = np.take_along_axis(self._ordered, self._place.T.astype(np.int64), axis=1)
        return Network(self.config, weights, self._delays.copy(), self.theta.copy())

    def normalise(self, target: float) -> None:
        """Scale every column of the weights to a sum; nothing is clipped."""
        scale_columns(self._ordered, self._target, self.config.n_e, target)

    def run(self, inputs: Raster, *, learn: bool) -> Response:
        """Advance by the steps of a raster.

        Args:
            inputs: Spikes of the inputs; step 0 is the next step.
            learn: Change weights and thresholds.

        Raises:
            ShapeError: An input does not exist.
        """
        check_inputs(inputs, self.config.n_in)
        s, f = self.state, self._factors
        neuron = np.concatenate([s.flying[:, 0], inputs.neuron.astype(np.int64)])
        step = np.concatenate([s.flying[:, 1], inputs.step + np.int64(s.step)])
        out_e, out_i = run_kernel(
            learn, s.step, inputs.n_steps, neuron, step, chain(neuron, self.config.n_in),
            self._ordered, self._target, self._begin, self._place, self._delays, self.theta,
            s.v_e, s.v_i, s.ge_e, s.gi_e, s.ge_i, s.last_e, s.last_i, s.arrived, s.origin, f,
            *self._decays,
        )  # fmt: skip
        s.step += inputs.n_steps
        gone = int(np.searchsorted(step, s.step - f.delay_slots, side="right"))
        s.arrived[neuron[:gone]] = step[:gone]  # in order of steps: the last one stays
        s.flying = np.column_stack([neuron[gone:], step[gone:]])
        n = inputs.n_steps
        return Response(Raster(*_columns(out_e), n), Raster(*_columns(out_i), n))


def pair_rule(
    weights: ArrayLike,
    delays: ArrayLike,
    pre: Raster,
    post: Raster,
    *,
    dt_ms: float,
    at: ArrayLike,
    nu_pre: float,
) -> NDArray[np.float64]:
    """Apply the learning rule to imposed spikes of both sides, without membranes.

    Args:
        weights: ``[n_in, n_e]``, 0 to 1.
        delays: ``[n_in, n_e]``, steps.
        pre: Input spikes, as sent.
        post: Spikes of the neurons.
        dt_ms: Length of a step in milliseconds.
        at: ``[K]``, steps before which everything is to be done.
        nu_pre: Change at an input spike per y1, with its sign.

    Returns:
        Weights at those steps, float64 ``[K, n_in, n_e]``.

    Examples:
        >>> pre, post = Raster.of([0], [5], 20), Raster.of([0, 0], [5, 10], 20)
        >>> rule = pair_rule([[0.5]], [[0]], pre, post, dt_ms=1.0, at=[5, 11], nu_pre=1e-4)
        >>> rule.ravel().round(6).tolist()  # 0.01 exp(-5/20) exp(-5/40) more
        [0.5, 0.506873]
    """
    steps = np.ascontiguousarray(delays, np.int16)
    slots = int(steps.max(initial=0)) + 1
    start = np.ascontiguousarray(weights, np.float64)
    parts = order_by_delay(start, steps, slots)
    taus = (MODEL.tau_pre_ms, MODEL.tau_post1_ms, MODEL.tau_post2_ms)
    return pairs_kernel(
        *parts, steps, pre.neuron, pre.step, chain(pre.neuron, len(start)), post.neuron,
        post.step, np.asarray(at, np.int64), nu_pre, slots, *(_decay(tau, dt_ms) for tau in taus),
    )  # fmt: skip


def _decay(tau_ms: float, dt_ms: float) -> NDArray[np.float64]:
    """Return exp(-k dt / tau) for k steps, until nothing is left of it."""
    return np.exp(-np.arange(int(-np.log(_FORGOTTEN) * tau_ms / dt_ms) + 2) * dt_ms / tau_ms)


def _columns(rows: NDArray[np.int32]) -> tuple[NDArray[np.int32], NDArray[np.int32]]:
    return np.ascontiguousarray(rows[:, 0]), np.ascontiguousarray(rows[:, 1])
