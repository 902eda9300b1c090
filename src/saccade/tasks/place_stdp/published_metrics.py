"""The precision-recall curves that VPRSNN and VPRTempo publish, as they compute them.

Each query's best reference alone counts; it is accepted or refused by a threshold t.

    vprsnn     D = max(S) - S, 99 thresholds over all of D, accepted where D <= t
               recall = right accepted / (right accepted + refused)
    vprtempo   100 thresholds over the best scores, accepted where S >= t
               recall = right accepted / right best matches

Both put a point (P = 1, R = 0) first. Neither recall is the share of answerable queries; numbers to
compare by come from `saccade.retrieval.best_match_precision_recall`. VPRSNN adds a second point
where nothing accepted is right, and prints its last F1 as precision at full recall (defect 3); here
``f1`` has its own name.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray

from saccade.errors import ConfigError, DataError, ShapeError
from saccade.retrieval import IndexTolerance, Truth

__all__ = ["PublishedCurve", "published_curve"]

_THRESHOLDS = {"vprsnn": 99, "vprtempo": 100}


@dataclass(frozen=True, eq=False)
class PublishedCurve:
    """A published curve, from the strictest threshold to the loosest.

    Args:
        precision: float64 ``[K + 1]``, 1 first.
        recall: float64 ``[K + 1]``, 0 first.
        f1: float64 ``[K']``, harmonic mean of both at each threshold, NaN where both are 0.
    """

    precision: NDArray[np.float64]
    recall: NDArray[np.float64]
    f1: NDArray[np.float64]

    @property
    def area(self) -> float:
        """Area under precision over recall, by trapezoids."""
        heights = (self.precision[1:] + self.precision[:-1]) / 2
        return float((np.diff(self.recall) * heights).sum())

    @property
    def recall_at_full_precision(self) -> float:
        """R@100P: the largest recall at which every accepted match is right."""
        return float(self.recall[self.precision >= 1.0].max())


def published_curve(
    scores: ArrayLike,
    truth: Truth | None = None,
    *,
    compat: Literal["vprsnn", "vprtempo"],
) -> PublishedCurve:
    """Sweep the published thresholds.

    Args:
        scores: Real ``[Q, R]``, finite, larger = more alike.
        truth: Right references; None = reference k is that of query k, and Q = R.
        compat: Whose curve.

    Raises:
        ConfigError: ``compat`` is unknown.
        ShapeError: The scores are no matrix, or the truth is of another shape.
        DataError: A score is NaN or infinite; or with ``"vprtempo"`` no best match is right.

    Examples:
        >>> curve = published_curve([[3, 0, 0], [0, 2, 0], [1, 0, 0]], compat="vprsnn")
        >>> round(float(curve.precision[-1]), 3), round(float(curve.f1[-1]), 3)
        (0.667, 0.8)
    """
    if compat not in _THRESHOLDS:
        raise ConfigError(f"compat is {compat!r}.", f"Expected {' or '.join(_THRESHOLDS)}.")
    matrix, right = _best_matches(scores, truth)
    best = matrix.max(axis=1)
    if compat == "vprtempo":
        if not right.any():
            raise DataError("No best match is right.", "The published recall would be 0 / 0.")
        thresholds = np.linspace(best.max(), best.min(), _THRESHOLDS[compat])
        accepted = best >= thresholds[:, None]
        hits = (accepted & right).sum(axis=1)
        precision, recall = hits / accepted.sum(axis=1), hits / right.sum()
        return _curve(precision, recall, np.zeros(len(hits), np.bool_))
    distance = matrix.max() - matrix
    thresholds = np.linspace(distance.min(), distance.max(), _THRESHOLDS[compat])
    accepted = distance.min(axis=1) <= thresholds[:, None]
    hits, refused = (accepted & right).sum(axis=1), (~accepted).sum(axis=1)
    with np.errstate(invalid="ignore"):
        return _curve(hits / accepted.sum(axis=1), hits / (hits + refused), hits == 0)


def _curve(
    precision: NDArray[np.float64], recall: NDArray[np.float64], twice: NDArray[np.bool_]
) -> PublishedCurve:
    with np.errstate(invalid="ignore"):
        f1 = 2 * precision * recall / (precision + recall)
    where = np.repeat(np.arange(len(twice)), 1 + twice)
    first = np.append(True, np.diff(where) > 0) & twice[where]
    whole, found = (np.where(first, 0.0, curve[where]) for curve in (precision, recall))
    return PublishedCurve(np.append(1.0, whole), np.append(0.0, found), f1)


def _best_matches(
    scores: ArrayLike, truth: Truth | None
) -> tuple[NDArray[np.float64], NDArray[np.bool_]]:
    matrix = np.asarray(scores, np.float64)
    if matrix.ndim != 2 or 0 in matrix.shape:
        raise ShapeError(
            f"Scores have shape {list(matrix.shape)}.", "Expected [Q, R], both above 0."
        )
    if not np.isfinite(matrix).all():
        raise DataError("A score is NaN or infinite.", "Expected finite scores.")
    if truth is None:
        truth = IndexTolerance(len(matrix), len(matrix), tolerance=0, inclusive=True)
    if truth.shape != matrix.shape:
        raise ShapeError(
            f"Scores of {matrix.shape[0]:,} queries and {matrix.shape[1]:,} references.",
            f"Expected {truth.shape[0]:,} and {truth.shape[1]:,}, as the truth.",
        )
    return matrix, truth.matches(np.arange(len(matrix)), matrix.argmax(axis=1))
