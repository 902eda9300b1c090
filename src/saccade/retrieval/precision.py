"""Precision and recall over score thresholds, exactly, at any number of pairs.

    precision(s) = |true pairs with score >= s| / |pairs with score >= s|
    recall(s)    = |true pairs with score >= s| / |true pairs|
    AP           = sum_k (recall_k - recall_k-1) precision_k            over falling thresholds

Two conventions are in use. ``pooled``: every query-reference pair is one decision (the published
one of SpikeVPR). ``best match``: each query's best reference alone is, accepted or refused by its
score; this is what a robot does, and its recall is over the queries that have a match.

Only thresholds that equal the score of a true pair bound the area and the best of either measure:
between two of them recall stays and precision is lower. `pooled_precision_recall` keeps those alone
and counts the rest, so that its memory grows with the true pairs, not with Q R.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from saccade.errors import DataError, ShapeError
from saccade.retrieval.rank import Mask, Ranking, mask_block
from saccade.retrieval.scores import ScoreBlock
from saccade.retrieval.truth import Truth

__all__ = [
    "PrecisionRecall",
    "best_match_precision_recall",
    "pooled_precision_recall",
    "precision_recall",
]


@dataclass(frozen=True, eq=False)
class PrecisionRecall:
    """A precision-recall curve, from the lowest threshold to the highest.

    Args:
        threshold: float64 ``[K]``, rising, each score that occurs once.
        precision: float64 ``[K]``, of what scores at least the threshold.
        recall: float64 ``[K]``, falling.
        average_precision: Area under the curve as a sum of steps.
    """

    threshold: NDArray[np.float64]
    precision: NDArray[np.float64]
    recall: NDArray[np.float64]
    average_precision: float

    @property
    def precision_at_full_recall(self) -> float:
        """P@100R: the best precision at which nothing true is refused, 0 where that never is."""
        whole = self.recall >= 1.0
        return float(self.precision[whole].max(initial=0.0))

    def recall_at_precision(self, least: float = 1.0) -> float:
        """R@100P, R@99P, ...: the largest recall at which the precision is at least this."""
        return float(self.recall[self.precision >= least].max(initial=0.0))


def precision_recall(
    scores: ArrayLike, is_match: ArrayLike, *, true_pairs: int | None = None
) -> PrecisionRecall:
    """Return the curve of decisions pooled.

    Args:
        scores: Any shape, finite.
        is_match: bool, the same shape, whether accepting the pair is right.
        true_pairs: Pairs that should be accepted, if some of them are not among the scores.

    Raises:
        ShapeError: The shapes differ.
        DataError: A score is NaN, or no pair is true.

    Examples:
        >>> curve = precision_recall([0.9, 0.8, 0.7, 0.1], [True, False, True, False])
        >>> curve.precision.round(3).tolist(), curve.recall.tolist()
        ([0.5, 0.667, 0.5, 1.0], [1.0, 1.0, 0.5, 0.5])
        >>> round(curve.average_precision, 4), curve.precision_at_full_recall.__round__(3)
        (0.8333, 0.667)
    """
    values, true = np.asarray(scores), np.asarray(is_match, np.bool_)
    if values.shape != true.shape:
        raise ShapeError(
            f"Scores {list(values.shape)}, truth {list(true.shape)}.", "Expected one shape."
        )
    if not np.isfinite(values).all():
        raise DataError("A score is NaN or infinite.", "Expected finite scores.")
    total = int(true.sum()) if true_pairs is None else true_pairs
    if total < 1:
        raise DataError("No pair is a true match.", "Expected at least one, to have a recall.")
    order = np.argsort(-values.ravel(), kind="stable")
    falling, hits = values.ravel()[order], np.cumsum(true.ravel()[order])
    last = np.r_[np.flatnonzero(np.diff(falling)), len(falling) - 1]  # one point per score
    precision, recall = hits[last] / (last + 1), hits[last] / total
    gained = np.diff(recall, prepend=0.0)
    return PrecisionRecall(
        falling[last][::-1].astype(np.float64), precision[::-1], recall[::-1],
        float((gained * precision).sum()),
    )  # fmt: skip


def pooled_precision_recall(
    blocks: Callable[[], Iterable[ScoreBlock]], truth: Truth, *, masked: Mask = None
) -> PrecisionRecall:
    """Return the curve of all pairs pooled, at the scores of true pairs, from blocks of scores.

    Equal to `precision_recall` of the whole matrix in area, P@100R and R@P; the blocks are gone
    through twice.

    Args:
        blocks: Called twice; gives the same blocks of scores, each pair once, all finite.
        truth: One of the kinds in `saccade.retrieval.truth`.
        masked: Pairs to leave out.

    Raises:
        DataError: No pair is a true match.

    Examples:
        >>> from saccade.retrieval import IndexTolerance, score_blocks
        >>> truth = IndexTolerance(3, 3, tolerance=0, inclusive=True)
        >>> pooled_precision_recall(lambda: score_blocks(np.eye(3), np.eye(3)), truth).precision
        array([1.])
    """
    true = [block.scores[_matches(block, truth) & ~_hidden(block, masked)] for block in blocks()]
    falling, true_count = np.unique(-np.concatenate([np.empty(0, np.float32), *true]),
                                    return_counts=True)  # fmt: skip
    if not len(falling):
        raise DataError("No pair is a true match.", "Expected at least one, to have a recall.")
    accepted = np.zeros(len(falling) + 1, np.int64)
    for block in blocks():
        scores = -block.scores[~_hidden(block, masked)]
        first = np.searchsorted(falling, scores[scores <= falling[-1]])
        accepted += np.bincount(first, minlength=len(accepted))
    hits = np.cumsum(true_count)
    precision, recall = hits / np.cumsum(accepted)[:-1], hits / hits[-1]
    return PrecisionRecall(
        -falling[::-1].astype(np.float64), precision[::-1], recall[::-1],
        float((np.diff(recall, prepend=0.0) * precision).sum()),
    )  # fmt: skip


def best_match_precision_recall(ranking: Ranking, truth: Truth) -> PrecisionRecall:
    """Return the curve of each query's best reference, accepted from a score upwards.

    Recall is over the queries that have a true match among their candidates.

    Raises:
        DataError: No query has a true match.

    Examples:
        >>> from saccade.retrieval import IndexTolerance, top_n
        >>> ranking = top_n([[0.9, 0.1], [0.4, 0.3]], 1)
        >>> truth = IndexTolerance(2, 2, tolerance=0, inclusive=True)
        >>> best_match_precision_recall(ranking, truth).precision.tolist()
        [0.5, 1.0]
    """
    n_queries, n_references = truth.shape
    best = ranking.indices[:, 0]
    ranked = np.flatnonzero(best >= 0)
    right = truth.matches(ranked, best[ranked])
    answerable = 0
    for start in range(0, n_queries, 256):
        rows = slice(start, min(start + 256, n_queries))
        pairs = np.arange(rows.start, rows.stop)[:, None], np.arange(n_references)[None]
        hidden = mask_block(ranking.masked, rows, slice(0, n_references))
        answerable += int((truth.matches(*pairs) & ~hidden).any(axis=1).sum())
    return precision_recall(ranking.scores[ranked, 0], right, true_pairs=answerable)


def _matches(block: ScoreBlock, truth: Truth) -> NDArray[np.bool_]:
    rows = np.arange(block.queries.start, block.queries.stop)[:, None]
    columns = np.arange(block.references.start, block.references.stop)[None]
    return truth.matches(rows, columns)


def _hidden(block: ScoreBlock, masked: Mask) -> NDArray[np.bool_]:
    return mask_block(masked, block.queries, block.references)
