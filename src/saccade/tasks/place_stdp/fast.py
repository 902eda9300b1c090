"""The fast engine: the same equations in float32, images from rest, modules side by side.

What it leaves out, and why that is small:

    E-I-E        an inhibitory neuron answers one spike of its partner with one spike, always 0.5 ms
                 later (`latency`), because the lock-out lets it return to rest
    own partner  the neuron that fired is inhibited like all others, but frozen until that is over
    weights      change at the end of each lock-out, in which a neuron fires at most once, not at
                 once; traces begin anew with each image
    rest         every image begins from rest, so there is nothing to simulate between images

`docs/place_stdp.md` gives the measured agreement with the exact engine. The modules of a group have
the same delays and see the same input spikes; they differ in weights and thresholds.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from saccade.errors import ConfigError, ShapeError
from saccade.tasks.place_stdp.config_network import MODEL, NetworkConfig
from saccade.tasks.place_stdp.equations import check_inputs
from saccade.tasks.place_stdp.fast_kernels import (
    learn_kernel,
    respond_kernel,
    respond_one_kernel,
)
from saccade.tasks.place_stdp.fast_lanes import LANES
from saccade.tasks.place_stdp.network import Network
from saccade.tasks.place_stdp.spikes import Raster

__all__ = [
    "FAINT",
    "FORGOTTEN",
    "TILE",
    "FastGroup",
    "FastLearner",
    "FastSteps",
    "latency",
    "same_delays",
    "trace_tables",
]

FAINT = 0.02
"""Share of y1 below which the pre rule is left out: 2e-6 of a weight an input spike."""
FORGOTTEN = 1e-4
"""Share below which x and y2 count as nothing."""
TILE = 24
"""Steps of which all input is gathered at once: 300 kB for 400 neurons of eight modules."""


@dataclass(frozen=True)
class FastSteps:
    """Constants of the fast engine, in steps and as float32 factors of a step.

    Args:
        block: Steps after which weights change: one lock-out.
        slots: Longest delay and one.
        latency: From a spike of E to the inhibition it causes.
        refractory: How long E is frozen.
        lockout: How long E cannot fire again.
        step_e: dt / tau of the membrane; likewise ``step_ge`` and ``step_gi``.
    """

    block: int
    slots: int
    latency: int
    refractory: int
    lockout: int
    step_e: np.float32
    step_ge: np.float32
    step_gi: np.float32

    @classmethod
    def of(cls, config: NetworkConfig) -> FastSteps:
        """Return the constants of a configuration.

        Raises:
            ConfigError: The fast engine cannot stand for the exact one with it.
        """
        f = config.factors()
        if not config.reset_per_image:
            raise ConfigError(
                "The fast engine begins every image from rest, the network carries its state.",
                "Expected reset_per_image.",
                "Use --engine exact for the published protocol.",
            )
        if f.lockout <= max(f.refractory_e, f.delay_slots):
            raise ConfigError(
                f"A lock-out of {config.lockout_ms:g} ms.",
                f"Expected more than the longest delay, {config.max_delay_ms:g} ms, and the "
                f"{MODEL.refractory_e_ms:g} ms in which a neuron is frozen.",
                "Use --engine exact.",
            )
        return cls(
            block=f.lockout - 1,
            slots=f.delay_slots,
            latency=latency(config),
            refractory=f.refractory_e,
            lockout=f.lockout,
            step_e=np.float32(f.step_e),
            step_ge=np.float32(f.step_ge),
            step_gi=np.float32(f.step_gi),
        )


def latency(config: NetworkConfig) -> int:
    """Return the steps from a spike of E to the spike of its inhibitory partner.

    One inhibitory neuron is followed from rest, through one lock-out.

    Raises:
        ConfigError: It does not answer with exactly one spike.

    Examples:
        >>> latency(NetworkConfig())
        5
    """
    f = config.factors()
    v, ge, fired = MODEL.rest_i, MODEL.weight_ei, list[int]()
    for n in range(1, f.lockout):
        if not fired or n - fired[-1] >= f.refractory_i:
            v += f.step_i * ((MODEL.rest_i - v) + ge * (0.0 - v))
        ge -= f.step_ge * ge
        if v > MODEL.threshold_i and (not fired or n - fired[-1] >= f.refractory_i):
            fired.append(n)
            v = MODEL.reset_i
    if len(fired) != 1:
        raise ConfigError(
            f"An inhibitory neuron answers a spike with {len(fired)} in {config.lockout_ms:g} ms.",
            "Expected one; the fast engine relies on it.",
            "Use --engine exact.",
        )
    return fired[0]


class FastGroup:
    """Trained modules with common delays, ready to be shown images.

    Args:
        networks: One or more modules of one configuration with equal delays.

    Raises:
        ConfigError: The configuration needs the exact engine.
        ShapeError: Configurations or delays differ.

    Examples:
        >>> config = NetworkConfig(n_in=4, n_e=2, max_delay_ms=1.0)
        >>> rng = np.random.default_rng(0)
        >>> group = FastGroup([Network.fresh(config, rng)])
        >>> inputs = Raster.of([0, 1, 2, 3] * 500, np.repeat(np.arange(500) * 4, 4), 2000)
        >>> group.counts(inputs).shape
        (1, 2)
    """

    def __init__(self, networks: Sequence[Network]) -> None:
        same_delays(networks)
        first = networks[0]
        self.config, self.modules = first.config, len(networks)
        self.steps = FastSteps.of(first.config)
        n_in, n_e = first.delays.shape
        self._one = _one_module(first) if len(networks) == 1 else None
        order = np.argsort(first.delays, axis=1, kind="stable")
        delays = np.take_along_axis(first.delays, order, axis=1)
        self._place = (order * TILE + delays).astype(np.int32)
        self._begin = np.zeros((n_in, self.steps.slots + 1), np.int32)
        for d in range(self.steps.slots):
            self._begin[:, d + 1] = (delays <= d).sum(axis=1)
        groups = -(-self.modules // LANES)
        weights = np.zeros((groups, n_in, n_e, LANES), np.float32)
        bars = np.full((groups, n_e, LANES), np.inf, np.float32)
        for k, network in enumerate(networks):
            ordered = np.take_along_axis(network.weights, order, axis=1)
            weights[k // LANES, :, :, k % LANES] = ordered
            bars[k // LANES, :, k % LANES] = network.theta + MODEL.threshold_e
        self._weights, self._bars = weights.reshape(groups, n_in, -1), bars.reshape(groups, -1)

    @property
    def parts(self) -> int:
        """How many vectors of modules there are: work that can go to different threads."""
        return len(self._weights)

    def counts(self, inputs: Raster) -> NDArray[np.int32]:
        """Return the spikes of every neuron for one image, int32 ``[modules, n_e]``.

        Args:
            inputs: Input spikes of the image, the same for all modules.

        Raises:
            ShapeError: An input does not exist.
        """
        check_inputs(inputs, self.config.n_in)
        found = [self.part_counts(part, inputs) for part in range(self.parts)]
        return np.concatenate(found)[: self.modules]

    def part_counts(self, part: int, inputs: Raster) -> NDArray[np.int32]:
        """Return the spikes of one vector of modules; frees the GIL.

        Args:
            part: Which one.
            inputs: Input spikes of the image.

        Returns:
            int32 ``[LANES, n_e]``; ``[1, n_e]`` for a module alone.
        """
        s = self.steps
        if self._one is not None:
            weights, delays, bar = self._one
            found = np.zeros((1, len(bar)), np.int32)
            respond_one_kernel(
                inputs.neuron, inputs.step, inputs.n_steps, weights, delays, bar, s.block, s.slots,
                s.latency, s.refractory, s.lockout, s.step_e, s.step_ge, s.step_gi, found[0],
            )  # fmt: skip
            return found[:, : self.config.n_e]
        counts = np.zeros(self.config.n_e * LANES, np.int32)
        respond_kernel(
            inputs.neuron, inputs.step, inputs.n_steps, self._weights[part], self._place,
            self._begin, self._bars[part], TILE, s.latency, s.refractory, s.lockout, s.step_e,
            s.step_ge, s.step_gi, counts,
        )  # fmt: skip
        return counts.reshape(-1, LANES).T


class FastLearner:
    """A module that learns.

    Args:
        network: Where it begins; its arrays are copied.

    Raises:
        ConfigError: The configuration needs the exact engine.
    """

    def __init__(self, network: Network) -> None:
        self.config = network.config
        self.steps = FastSteps.of(network.config)
        self.weights = np.ascontiguousarray(network.weights.T, np.float32)
        self.theta = network.theta.astype(np.float64)
        self._delays = np.ascontiguousarray(network.delays.T)
        factors = self.config.factors()
        self._step_theta, self._nu_pre = factors.step_theta, factors.nu_pre
        self._decays = trace_tables(self.config.dt_ms)

    def network(self) -> Network:
        """Return the module as it is now."""
        weights = np.ascontiguousarray(self.weights.T, np.float64)
        delays = np.ascontiguousarray(self._delays.T)
        return Network(self.config, weights, delays, self.theta.copy())

    def normalise(self, target: float) -> None:
        """Scale the weights of every neuron to a sum; nothing is clipped."""
        total = self.weights.sum(axis=1, dtype=np.float64)
        scale = np.divide(target, total, out=np.ones_like(total), where=total != 0)
        self.weights *= scale[:, None].astype(np.float32)

    def show(self, inputs: Raster) -> NDArray[np.int32]:
        """Learn from one image; returns the spikes of every neuron, int32 ``[n_e]``.

        Raises:
            ShapeError: An input does not exist.
        """
        check_inputs(inputs, self.config.n_in)
        s = self.steps
        counts = np.zeros(-(-self.config.n_e // LANES) * LANES, np.int32)
        learn_kernel(
            inputs.neuron, inputs.step, inputs.n_steps, self.weights, self._delays, self.theta,
            s.block, s.slots, s.latency, s.refractory, s.lockout, s.step_e, s.step_ge, s.step_gi,
            self._step_theta, self._nu_pre, *self._decays, counts,
        )  # fmt: skip
        return counts[: self.config.n_e]


def _one_module(
    network: Network,
) -> tuple[NDArray[np.float32], NDArray[np.int16], NDArray[np.float32]]:
    """Return weights and delays ``[n_e, n_in]`` and bars of a module, its neurons in vectors."""
    bar = np.full(-(-network.config.n_e // LANES) * LANES, np.inf, np.float32)
    bar[: network.config.n_e] = network.theta + MODEL.threshold_e
    weights = np.ascontiguousarray(network.weights.T, np.float32)
    return weights, np.ascontiguousarray(network.delays.T), bar


def same_delays(networks: Sequence[Network]) -> None:
    """Refuse modules that cannot run side by side.

    Raises:
        ShapeError: Configurations or delays differ.
    """
    first = networks[0]
    for k, network in enumerate(networks):
        if network.config != first.config or not np.array_equal(network.delays, first.delays):
            raise ShapeError(
                f"Module {k} differs from module 0 in its configuration or delays.",
                "Expected modules of one member.",
                "Train them with one seed, or show images to each alone.",
            )


def trace_tables(dt_ms: float) -> tuple[NDArray[np.float64], ...]:
    """Return exp(-k dt / tau) of x, y1 and y2 for k steps, as long as it counts.

    Examples:
        >>> [len(table) for table in trace_tables(0.1)]
        [1844, 784, 3686]
    """
    return (
        _decay(MODEL.tau_pre_ms, dt_ms, FORGOTTEN),
        _decay(MODEL.tau_post1_ms, dt_ms, FAINT),
        _decay(MODEL.tau_post2_ms, dt_ms, FORGOTTEN),
    )


def _decay(tau_ms: float, dt_ms: float, least: float) -> NDArray[np.float64]:
    return np.exp(-np.arange(int(-np.log(least) * tau_ms / dt_ms) + 2) * dt_ms / tau_ms)
