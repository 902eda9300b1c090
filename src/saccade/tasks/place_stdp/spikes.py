"""Spikes as lists: who fired in which step, in order of steps; and Poisson inputs.

    X_i fires in a step with probability r_i dt        r_i in Hz, independent of everything

The gap to an input's next spike is geometric: 1 + floor(E / -log(1 - r dt)) steps with E from the
exponential distribution, so that drawing costs what spikes there are, not inputs times steps.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from saccade.errors import DataError, EventError, ShapeError
from saccade.jit import kernel

__all__ = ["Raster", "poisson_raster"]


@dataclass(frozen=True, eq=False)
class Raster:
    """Spikes of a group of neurons during some steps.

    Args:
        neuron: int32 ``[S]``.
        step: int32 ``[S]``, non-decreasing, from 0.
        n_steps: How many steps the group was observed.

    Raises:
        ShapeError: The lists differ in length.
        EventError: Steps run backwards or lie outside.
    """

    neuron: NDArray[np.int32]
    step: NDArray[np.int32]
    n_steps: int

    def __post_init__(self) -> None:
        if self.neuron.shape != self.step.shape or self.neuron.ndim != 1:
            raise ShapeError(
                f"Spikes of neurons {list(self.neuron.shape)} in steps {list(self.step.shape)}.",
                "Expected two lists of one length.",
            )
        if len(self.step) and (np.diff(self.step) < 0).any():
            at = int(np.flatnonzero(np.diff(self.step) < 0)[0])
            raise EventError(
                f"Spike {at + 1:,} is in step {self.step[at + 1]:,}, the one before in "
                f"{self.step[at]:,}.",
                "Expected steps that do not decrease.",
            )
        if len(self.step) and not (self.step[0] >= 0 and self.step[-1] < self.n_steps):
            raise EventError(
                f"Spikes in steps {self.step[0]:,} to {self.step[-1]:,}.",
                f"Expected 0 to {self.n_steps - 1:,}.",
            )

    def __len__(self) -> int:
        return len(self.neuron)

    @classmethod
    def empty(cls, n_steps: int) -> Raster:
        """Return a raster without spikes.

        Examples:
            >>> len(Raster.empty(10))
            0
        """
        return cls(np.zeros(0, np.int32), np.zeros(0, np.int32), n_steps)

    @classmethod
    def of(cls, neuron: ArrayLike, step: ArrayLike, n_steps: int) -> Raster:
        """Return spikes given in any order, sorted by step, then neuron.

        Examples:
            >>> Raster.of([3, 1], [5, 2], 10).neuron.tolist()
            [1, 3]
        """
        who, when = np.asarray(neuron, np.int32), np.asarray(step, np.int32)
        if who.shape != when.shape:
            raise ShapeError(f"{who.shape} neurons, {when.shape} steps.", "Expected one length.")
        order = np.lexsort((who, when))
        return cls(who[order], when[order], n_steps)

    def cut(self, start: int, stop: int) -> Raster:
        """Return the spikes of some steps, counted from the first of them.

        Examples:
            >>> Raster.of([3, 1], [5, 2], 10).cut(4, 8).step.tolist()
            [1]
        """
        low, high = np.searchsorted(self.step, (start, stop))
        return Raster(self.neuron[low:high], self.step[low:high] - np.int32(start), stop - start)

    def counts(self, n: int) -> NDArray[np.int32]:
        """Return how often each of ``n`` neurons fired, int32 ``[n]``.

        Examples:
            >>> Raster.of([3, 1, 3], [0, 0, 1], 2).counts(4).tolist()
            [0, 1, 0, 2]
        """
        return np.bincount(self.neuron, minlength=n).astype(np.int32)


def poisson_raster(
    rates_hz: ArrayLike, n_steps: int, dt_ms: float, rng: np.random.Generator
) -> Raster:
    """Draw the spikes of Poisson inputs.

    Args:
        rates_hz: ``[n_in]``, spikes per second, 0 or more, at most one a step.
        n_steps: How long.
        dt_ms: Length of a step in milliseconds.
        rng: Draws.

    Raises:
        DataError: A rate is NaN, below 0 or above one spike a step.

    Examples:
        >>> raster = poisson_raster([0.0, 100.0], 10_000, 0.1, np.random.default_rng(0))
        >>> int(raster.neuron.min()), 70 < len(raster) < 130
        (1, True)
    """
    rates = np.ascontiguousarray(rates_hz, np.float64).ravel()
    probability = rates * dt_ms * 1e-3
    bad = ~((probability >= 0) & (probability <= 1))
    if bad.any():
        at = int(np.flatnonzero(bad)[0])
        raise DataError(
            f"Input {at:,} has a rate of {rates[at]:g} Hz.",
            f"Expected 0 to {1e3 / dt_ms:,.0f} Hz, one spike a step of {dt_ms:g} ms.",
        )
    neuron, step = _draw(probability, n_steps, rng)
    return Raster(neuron, step, n_steps)


@kernel
def _draw(probability, n_steps, rng):  # type: ignore[no-untyped-def]
    """Draw gaps input by input, then order the spikes by step (counting sort, inputs rising)."""
    expected = probability.sum() * n_steps
    room = int(expected + 10.0 * np.sqrt(expected + 1.0)) + 64
    neuron, step = np.empty(room, np.int32), np.empty(room, np.int32)
    start = np.zeros(n_steps + 1, np.int64)
    count = 0
    for i in range(len(probability)):
        p = probability[i]
        if p <= 0.0:
            continue
        scale = 0.0 if p >= 1.0 else -1.0 / np.log1p(-p)
        at = np.int64(-1)
        while True:
            at += 1 + np.int64(min(rng.standard_exponential() * scale, 2.0**40))
            if at >= n_steps:
                break
            if count == len(neuron):
                neuron = np.concatenate((neuron, np.empty(count, np.int32)))
                step = np.concatenate((step, np.empty(count, np.int32)))
            neuron[count], step[count] = i, at
            start[at + 1] += 1
            count += 1
    start = np.cumsum(start)
    by_neuron, by_step = np.empty(count, np.int32), np.empty(count, np.int32)
    for k in range(count):
        place = start[step[k]]
        by_neuron[place], by_step[place] = neuron[k], step[k]
        start[step[k]] = place + 1
    return by_neuron, by_step
