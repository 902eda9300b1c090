"""A module's weights, delays and thresholds, and the state its neurons carry from step to step.

weights  w_ij  float64 [n_in, n_e], 0 to 1
delays   d_ij  int16 [n_in, n_e], steps from an input spike to its effect
theta    mV    float64 [n_e], firing threshold = theta - 72 mV
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from typing import Any

import numpy as np
from numpy.typing import NDArray

from saccade.errors import DataError, ShapeError
from saccade.tasks.place_stdp.config_network import MODEL, NetworkConfig
from saccade.tasks.place_stdp.spikes import Raster

__all__ = ["NEVER", "Network", "Response", "State", "normalised"]

NEVER = -(1 << 40)
"""Step of the last spike of a neuron that has not fired."""


@dataclass(eq=False)
class Network:
    """One module.

    Args:
        config: Sizes and options.
        weights: float64 ``[n_in, n_e]``.
        delays: int16 ``[n_in, n_e]``, steps.
        theta: float64 ``[n_e]``, mV.

    Raises:
        ShapeError: An array has another shape than the configuration says.
        DataError: A weight is NaN, a delay is longer than the longest, theta is NaN.
    """

    config: NetworkConfig
    weights: NDArray[np.float64]
    delays: NDArray[np.int16]
    theta: NDArray[np.float64]

    def __post_init__(self) -> None:
        full = (self.config.n_in, self.config.n_e)
        for name, shape in (("weights", full), ("delays", full), ("theta", full[1:])):
            found = getattr(self, name).shape
            if found != shape:
                raise ShapeError(f"{name} are {list(found)}.", f"Expected {list(shape)}.")
        for name in ("weights", "theta"):
            if not np.isfinite(getattr(self, name)).all():
                raise DataError(f"{name} hold NaN or infinity.", "Expected finite numbers.")
        longest = self.config.factors().delay_slots - 1
        if self.delays.size and not 0 <= self.delays.min() <= self.delays.max() <= longest:
            raise DataError(
                f"Delays of {self.delays.min()} to {self.delays.max()} steps.",
                f"Expected 0 to {longest}.",
                "Raise max_delay_ms.",
            )

    @classmethod
    def fresh(
        cls,
        config: NetworkConfig,
        rng: np.random.Generator,
        *,
        delays: NDArray[np.int16] | None = None,
    ) -> Network:
        """Return a network before training: weights 0.3 (u + 0.01), delays uniform, theta 20 mV.

        Args:
            config: Sizes and options.
            rng: Draws weights, then delays.
            delays: Given where modules share them.

        Examples:
            >>> network = Network.fresh(NetworkConfig(n_in=4, n_e=3), np.random.default_rng(0))
            >>> bool(network.weights.max() <= 0.303), network.delays.shape
            (True, (4, 3))
        """
        shape = (config.n_in, config.n_e)
        weights = 0.3 * (rng.random(shape) + 0.01)
        if delays is None:
            delays = draw_delays(config, rng)
        return cls(config, weights, delays, np.full(config.n_e, MODEL.theta_start))


def draw_delays(config: NetworkConfig, rng: np.random.Generator) -> NDArray[np.int16]:
    """Return delays uniform from 0 to the longest, rounded to steps, int16 ``[n_in, n_e]``."""
    longest = config.max_delay_ms / config.dt_ms
    return np.rint(rng.random((config.n_in, config.n_e)) * longest).astype(np.int16)


def normalised(weights: NDArray[np.float64], target: float) -> NDArray[np.float64]:
    """Return weights with every column scaled to a sum; nothing is clipped, empty columns stay.

        w_ij <- w_ij s / sum_i w_ij

    Examples:
        >>> normalised(np.array([[1.0, 0.0], [3.0, 0.0]]), 2.0).tolist()
        [[0.5, 0.0], [1.5, 0.0]]
    """
    total = weights.sum(axis=0)
    return weights * np.divide(target, total, out=np.ones_like(total), where=total != 0)


@dataclass(eq=False)
class State:
    """What the neurons of a module remember; potentials in mV, conductances without unit.

    Args:
        v_e: Potential of E, float64 ``[n_e]``; likewise ``v_i`` of I.
        ge_e: Excitatory conductance of E; likewise ``ge_i`` of I.
        gi_e: Inhibitory conductance of E.
        last_e: int64 ``[n_e]``, step of the last spike of E; likewise ``last_i`` of I.
        origin: Step that the lock-out counts from where E has not fired.
        step: Steps done.
        flying: Input spikes of the last steps, int64 ``[F, 2]``: neuron, step.
        arrived: Last spike of each input before those, int64 ``[n_in]``.
    """

    v_e: NDArray[np.float64]
    v_i: NDArray[np.float64]
    ge_e: NDArray[np.float64]
    gi_e: NDArray[np.float64]
    ge_i: NDArray[np.float64]
    last_e: NDArray[np.int64]
    last_i: NDArray[np.int64]
    arrived: NDArray[np.int64]
    origin: int
    step: int = 0
    flying: NDArray[np.int64] = field(default_factory=lambda: np.zeros((0, 2), np.int64))

    @classmethod
    def start(cls, config: NetworkConfig) -> State:
        """Return the published state before the first step: below rest, locked out."""
        return cls._at(config, MODEL.start_e, MODEL.start_i, origin=-1)

    @classmethod
    def rest(cls, config: NetworkConfig) -> State:
        """Return neurons at rest, ready to fire."""
        return cls._at(config, MODEL.rest_e, MODEL.rest_i, origin=NEVER)

    def to_arrays(self) -> dict[str, NDArray[Any]]:
        """Return all of it as arrays, for a checkpoint."""
        return {f"state_{item.name}": np.asarray(getattr(self, item.name)) for item in fields(self)}

    @classmethod
    def from_arrays(cls, arrays: Mapping[str, NDArray[Any]]) -> State:
        """Return the state that `to_arrays` gave."""
        found = {item.name: np.array(arrays[f"state_{item.name}"]) for item in fields(cls)}
        for name in ("origin", "step"):
            found[name] = int(found[name])  # type: ignore[assignment]
        return cls(**found)  # type: ignore[arg-type]

    @classmethod
    def _at(cls, config: NetworkConfig, v_e: float, v_i: float, *, origin: int) -> State:
        n_e = config.n_e
        return cls(
            v_e=np.full(n_e, v_e),
            v_i=np.full(n_e, v_i),
            ge_e=np.zeros(n_e),
            gi_e=np.zeros(n_e),
            ge_i=np.zeros(n_e),
            last_e=np.full(n_e, NEVER, np.int64),
            last_i=np.full(n_e, NEVER, np.int64),
            arrived=np.full(config.n_in, NEVER, np.int64),
            origin=origin,
        )


@dataclass(frozen=True, eq=False)
class Response:
    """Spikes of a module during some steps.

    Args:
        excitatory: Spikes of E.
        inhibitory: Spikes of I.
    """

    excitatory: Raster
    inhibitory: Raster
