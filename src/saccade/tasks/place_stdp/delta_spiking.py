"""A trained delta network as spiking neurons, as LENS runs it on a chip: spikes in, spikes out.

    c[t, i]          spikes of pixel i in step t, from `delta_spikes`
    u += W c         membrane potential, integrate and fire without leak; u >= floor
    n = floor(u / threshold) where u >= threshold, u -= n threshold      spikes of a step
    score of a place = spikes of its output over the window

Neurons start from rest for each query.

Reference:
    A. D. Hines, M. Milford, T. Fischer, "A compact neuromorphic system for ultra-energy-efficient,
    on-device robot localization", Science Robotics 2025 (LENS).
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from saccade.errors import ConfigError, ShapeError
from saccade.jit import kernel

if TYPE_CHECKING:
    from saccade.tasks.place_stdp.delta import DeltaModel

__all__ = ["SpikingModel", "plain_counts", "spiking"]

Floats = NDArray[np.float32]
Raster = NDArray[np.uint8]


@dataclass(frozen=True, eq=False)
class SpikingModel:
    """A delta network of integrate-and-fire neurons.

    Args:
        modules: For each module the weights of features ``[N, F]`` and of outputs ``[F, R]``: a row
            is what one spike of an input adds.
        thresholds: Of features and of outputs (1 and 1; published on the chip, whose weights are
            8-bit numbers: 10 and 2).
        floor: Least membrane potential.
    """

    modules: tuple[tuple[Floats, Floats], ...]
    thresholds: tuple[float, float] = (1.0, 1.0)
    floor: float = -1.0

    def __post_init__(self) -> None:
        if min(self.thresholds) <= 0 or self.floor > 0:
            raise ConfigError(
                f"thresholds {self.thresholds}, floor {self.floor}.",
                "Expected thresholds above 0 and a floor of at most 0.",
            )

    @property
    def inputs(self) -> int:
        """Number of inputs N."""
        return len(self.modules[0][0])

    def counts(self, raster: Raster) -> NDArray[np.int32]:
        """Return the output spikes over a window that starts from rest.

        Args:
            raster: uint8 ``[T, N]``, spikes of each input in each step.

        Returns:
            int32 ``[places]``.

        Raises:
            ShapeError: The raster has other inputs.
        """
        if raster.ndim != 2 or raster.shape[1] != self.inputs:
            raise ShapeError(
                f"A raster of shape {raster.shape}.", f"Expected [T, {self.inputs:,}]."
            )
        spikes = np.ascontiguousarray(raster, np.uint8)
        limits = np.array([*self.thresholds, self.floor], np.float32)
        parts: list[NDArray[np.int32]] = []
        for feature, output in self.modules:
            parts.append(np.zeros(output.shape[1], np.int32))
            _count(spikes, feature, output, limits, parts[-1])
        return np.concatenate(parts)

    def scores(self, rasters: Iterable[Raster]) -> Floats:
        """Return the output spikes of each query, float32 ``[Q, places]``.

        Args:
            rasters: For each query uint8 ``[T, N]``.

        Examples:
            >>> from saccade.tasks.place_stdp.delta_spikes import bernoulli_spikes
            >>> model = SpikingModel(((np.eye(2, dtype="f4"), np.eye(2, dtype="f4")),))
            >>> images = np.array([[0.2, 0.9], [0.8, 0.1]])
            >>> model.scores(bernoulli_spikes(images, 100, seeds=[7, 8])).argmax(axis=1).tolist()
            [1, 0]
        """
        rows = [self.counts(raster) for raster in rasters]
        places = sum(output.shape[1] for _, output in self.modules)
        return np.array(rows, np.float32).reshape(len(rows), places)


def spiking(
    model: DeltaModel, *, thresholds: tuple[float, float] = (1.0, 1.0), floor: float = -1.0
) -> SpikingModel:
    """Return the spiking form of a trained network.

    Args:
        model: The network.
        thresholds: Of features and of outputs.
        floor: Least membrane potential.

    Raises:
        ConfigError: A threshold is not above 0, or the floor is.

    Examples:
        >>> from saccade.tasks.place_stdp.delta import DeltaModel
        >>> spiking(DeltaModel(9, 5)).inputs
        9
    """
    layers = ((module.feature.weights, module.output.weights) for module in model.modules)
    return SpikingModel(
        tuple((feature.T.copy(), output.T.copy()) for feature, output in layers), thresholds, floor
    )


def plain_counts(
    raster: Raster, feature: Floats, output: Floats, thresholds: tuple[float, float], floor: float
) -> NDArray[np.int32]:
    """Return what `SpikingModel.counts` returns for one module, by NumPy alone, to the last bit.

    Args:
        raster: uint8 ``[T, N]``.
        feature: float32 ``[N, F]``.
        output: float32 ``[F, R]``.
        thresholds: Of features and of outputs.
        floor: Least membrane potential.

    Examples:
        >>> one = np.ones((1, 1), np.float32)
        >>> plain_counts(np.array([[1], [0], [2]], np.uint8), one, one, (1.0, 1.0), -1.0).tolist()
        [3]
    """
    layers = [
        (weights, np.zeros(weights.shape[1], np.float32), np.float32(threshold))
        for weights, threshold in zip((feature, output), thresholds, strict=True)
    ]
    total = np.zeros(output.shape[1], np.int32)
    for spikes in raster:
        fired = spikes.astype(np.float32)
        for weights, u, threshold in layers:
            current = np.cumsum(fired[:, None] * weights, axis=0, dtype=np.float32)[-1]
            u[...] = np.maximum(u + current, np.float32(floor))
            fired = np.where(u >= threshold, np.floor(u / threshold), np.float32(0))
            u -= fired * threshold
        total += fired.astype(np.int32)
    return total


@kernel
def _count(raster: Any, feature: Any, output: Any, limits: Any, total: Any) -> None:
    """Run one module; steps without a spike of an input change nothing and are skipped."""
    features, outputs = feature.shape[1], output.shape[1]
    u, fired = np.zeros(features, np.float32), np.zeros(features, np.float32)
    v, current = np.zeros(outputs, np.float32), np.zeros(max(features, outputs), np.float32)
    floor, zero = limits[2], np.float32(0)
    for t in range(raster.shape[0]):
        if not _add_rows(raster[t], feature, current):
            continue
        for j in range(features):
            u[j] = max(u[j] + current[j], floor)
            fired[j] = np.floor(u[j] / limits[0]) if u[j] >= limits[0] else zero
            u[j] -= fired[j] * limits[0]
        if not _add_rows(fired, output, current):
            continue
        for j in range(outputs):
            v[j] = max(v[j] + current[j], floor)
            if v[j] >= limits[1]:
                spikes = np.floor(v[j] / limits[1])
                v[j] -= spikes * limits[1]
                total[j] += np.int32(spikes)


@kernel
def _add_rows(spikes: Any, weights: Any, current: Any) -> Any:
    """Sum the weights of what fired; return whether anything did."""
    current[: weights.shape[1]] = np.float32(0)
    some = False
    for i in range(spikes.shape[0]):
        if spikes[i] > 0:
            some = True
            times = np.float32(spikes[i])
            for j in range(weights.shape[1]):
                current[j] += times * weights[i, j]
    return some
