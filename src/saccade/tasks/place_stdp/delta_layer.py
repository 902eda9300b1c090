"""A layer of neurons that learn by the delta rule, and how its weights are drawn.

w_ji = e_ji / norm(e)_j - h_ji / norm(h)_j      e, h ~ max(0, Normal(1/2, 1/6)), each kept
                                                 with its probability of a connection
norm_j = sum_i over the weights of neuron j     (published: of the last neuron, for all)
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

__all__ = ["DeltaLayer", "draw_layer"]

Floats = NDArray[np.float32]


@dataclass(frozen=True, eq=False)
class DeltaLayer:
    """Arrays of a layer of R neurons over N inputs; training changes them in place.

    Args:
        weights: float32 ``[R, N]``.
        signs: int8 ``[R, N]``, signs the weights began with.
        thresholds: float32 ``[R]``.
        rates: float32 ``[R]``, target activities; 0 = none.
    """

    weights: Floats
    signs: NDArray[np.int8]
    thresholds: Floats
    rates: Floats

    def respond(self, inputs: Floats, clip: float) -> Floats:
        """Return y = clip(W x - theta, 0, clip) for inputs ``[P, N]``, float32 ``[P, R]``."""
        products = inputs @ self.weights.T
        products -= self.thresholds
        return np.clip(products, np.float32(0), np.float32(clip), out=products)


def draw_layer(
    neurons: int,
    inputs: int,
    connected: tuple[float, float],
    threshold: float,
    rates: tuple[float, float],
    rng: np.random.Generator,
    *,
    norm_of_last: bool = False,
) -> DeltaLayer:
    """Draw a layer at random.

    Args:
        neurons: R.
        inputs: N.
        connected: Probability that an input excites, and inhibits, a neuron. Where both happen the
            stronger one decides the sign.
        threshold: Thresholds are uniform between 0 and this.
        rates: Target activities run from the first, exclusive, to the second, inclusive.
        rng: Where the numbers come from.
        norm_of_last: The published quirk (c) of `delta_rule.Quirks`.

    Examples:
        >>> layer = draw_layer(4, 9, (1, 0), 0.5, (0.2, 0.6), np.random.default_rng(0))
        >>> layer.weights.sum(axis=1).round(5).tolist(), (10 * layer.rates).round(3).tolist()
        ([1.0, 1.0, 1.0, 1.0], [3.0, 4.0, 5.0, 6.0])
    """
    excite, inhibit = (_half(neurons, inputs, p, rng, norm_of_last) for p in connected)
    weights = (excite - inhibit).astype(np.float32)
    low, high = rates
    return DeltaLayer(
        weights,
        np.sign(weights).astype(np.int8),
        rng.uniform(0, threshold, neurons).astype(np.float32),
        (low + (high - low) * (np.arange(neurons) + 1) / neurons).astype(np.float32),
    )


def _half(
    neurons: int, inputs: int, probability: float, rng: np.random.Generator, norm_of_last: bool
) -> NDArray[np.float64]:
    """Draw the exciting weights, or the magnitudes of the inhibiting ones."""
    drawn = np.maximum(rng.normal(1 / 2, 1 / 6, (neurons, inputs)), 0)
    drawn *= rng.random((neurons, inputs)) < probability
    norms = drawn.sum(axis=1, keepdims=True)
    if norm_of_last:
        norms = norms[-1:]
    return drawn / np.where(norms > 0, norms, 1)
