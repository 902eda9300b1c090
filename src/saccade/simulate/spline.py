"""Uniform cubic B-splines: values, two continuous derivatives, and the exact integral.

    f(x) = sum_k c_k B(u - k + 2),  u = (x - start) / step;  B the cubic B-spline on (0, 4)

Coefficients are kept, not values: the curve stays within the span of four neighbours, is exactly
zero where all four are, and a sum of coefficients is a sum of the curve.

Reference: de Boor, "A Practical Guide to Splines", 1978.
"""

from __future__ import annotations

import functools
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from saccade.errors import ShapeError

__all__ = ["Spline"]

# Row k: polynomial in the fraction 0..1 between two knots, lowest power first, that weighs the k-th
# of the four coefficients around.
_BASIS = (
    np.array(
        [[1.0, -3.0, 3.0, -1.0], [4.0, 0.0, -6.0, 3.0], [1.0, 3.0, 3.0, -3.0], [0.0, 0.0, 0.0, 1.0]]
    )
    / 6.0
)
_FIRST = _BASIS[:, 1:] * [1.0, 2.0, 3.0]
_SECOND = _FIRST[:, 1:] * [1.0, 2.0]
_FOUR = np.arange(4)
_INTEGRAL = np.concatenate([np.zeros((4, 1)), _BASIS / [1.0, 2.0, 3.0, 4.0]], axis=1)


@dataclass(frozen=True, eq=False)
class Spline:
    """A uniform cubic B-spline; outside ``start`` to ``end`` it keeps its last value.

    Args:
        coefficients: float64 ``[N]`` or ``[N, D]``, N of at least 4; number k sits at
            ``start + (k - 1) step``.
        start: First place of its range.
        step: Between knots.

    Raises:
        ShapeError: There are fewer than four coefficients.

    Examples:
        >>> line = Spline(np.arange(6.0), start=1.0, step=1.0)
        >>> line(np.array([1.0, 2.5])).tolist(), line.slope(2.5).tolist(), line.end
        ([1.0, 2.5], 1.0, 4.0)
    """

    coefficients: NDArray[np.float64]
    start: float
    step: float

    def __post_init__(self) -> None:
        if self.coefficients.shape[0] < 4:
            raise ShapeError(
                f"A spline of {self.coefficients.shape[0]} coefficients.", "Expected at least 4."
            )

    @property
    def end(self) -> float:
        """Last place of its range."""
        return self.start + self.step * (self.coefficients.shape[0] - 3)

    def __call__(self, x: ArrayLike) -> NDArray[np.float64]:
        """Return ``f(x)``."""
        return self._weigh(x, _BASIS)

    def slope(self, x: ArrayLike) -> NDArray[np.float64]:
        """Return ``df/dx``; at the edge of the range the one inside."""
        return self._weigh(x, _FIRST) / self.step

    def curvature(self, x: ArrayLike) -> NDArray[np.float64]:
        """Return ``d²f/dx²``; at the edge of the range the one inside."""
        return self._weigh(x, _SECOND) / self.step**2

    def integral(self, x: ArrayLike) -> NDArray[np.float64]:
        """Return the integral from ``start`` to x; exactly constant where f is exactly zero."""
        index, _ = self._place(x)
        return self.step * (self._before[index] + self._weigh(x, _INTEGRAL))

    @functools.cached_property
    def _before(self) -> NDArray[np.float64]:
        """Integral up to each knot, in steps."""
        c, whole = self.coefficients, _INTEGRAL.sum(axis=1)
        pieces = sum(whole[k] * c[k : len(c) - 3 + k] for k in range(4))
        return np.concatenate([np.zeros((1, *c.shape[1:])), np.cumsum(pieces, axis=0)])

    def _place(self, x: ArrayLike) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
        u = (np.asarray(x, np.float64) - self.start) / self.step
        u = np.clip(u, 0.0, self.coefficients.shape[0] - 3)
        index = np.minimum(u.astype(np.int64), self.coefficients.shape[0] - 4)
        return index, u - index

    def _weigh(self, x: ArrayLike, basis: NDArray[np.float64]) -> NDArray[np.float64]:
        index, fraction = self._place(x)
        weight, u = basis[:, -1], fraction[..., None]
        for power in range(basis.shape[1] - 2, -1, -1):
            weight = weight * u + basis[:, power]
        around = self.coefficients[index[..., None] + _FOUR]
        if self.coefficients.ndim > 1:
            weight = weight[..., None]
        return (weight * around).sum(axis=index.ndim)
