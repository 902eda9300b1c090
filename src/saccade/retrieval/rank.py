"""The N best references of each query, ties to the lower reference index.

    order of a query's references:  score descending, then index ascending

References that are masked never come back. Scores are made block by block and merged into the N
best so far, so the Q x R matrix is never held; references are visited in ascending order and only a
strictly better score moves up, which is what keeps ties stable for any block size.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from saccade.errors import ConfigError, DataError, ShapeError
from saccade.jit import kernel
from saccade.retrieval.scores import Metric, score_blocks

__all__ = ["Mask", "Ranking", "best_median_worst", "mask_block", "rank", "top_n"]

Mask = NDArray[np.bool_] | Callable[[slice, slice], NDArray[np.bool_]] | None
"""True = never a candidate: bool ``[R]``, bool ``[Q, R]``, or a function of (query slice, reference
slice) that returns bool ``[q, r]``, for masks too large to hold."""


@dataclass(frozen=True)
class Ranking:
    """The best references of each query.

    Args:
        indices: int64 ``[Q, N]``, reference rows, best first; -1 where candidates ran out.
        scores: float32 ``[Q, N]``, NaN where ``indices`` is -1.
        references: Number of references R, masked ones included.
        masked: The mask that was applied; recall counts true matches under the same one.
    """

    indices: NDArray[np.int64]
    scores: NDArray[np.float32]
    references: int
    masked: Mask = None

    def __len__(self) -> int:
        return int(self.indices.shape[0])


def rank(
    queries: ArrayLike,
    references: ArrayLike,
    *,
    n: int = 25,
    metric: Metric = "cosine",
    masked: Mask = None,
    block_rows: int = 512,
) -> Ranking:
    """Rank references by their score with each query and keep the N best.

    Args:
        queries: Real ``[Q, D]``.
        references: Real ``[R, D]``.
        n: How many to keep; where fewer candidates exist the rest is filled with -1.
        metric: ``"cosine"`` or ``"correlation"``.
        masked: References to leave out, see `Mask`.
        block_rows: Queries and references scored at once; changes memory, not the result.

    Raises:
        ShapeError: An array or the mask has another shape, or there is no reference.
        ConfigError: ``n`` or ``block_rows`` is below 1.
        DataError: A value is NaN or infinite.

    Examples:
        >>> ranking = rank([[1, 0]], [[0, 1], [2, 0], [1, 0]], n=2)
        >>> ranking.indices.tolist(), ranking.scores.tolist()
        ([[1, 2]], [[1.0, 1.0]])
    """
    shape = (np.shape(queries)[0], np.shape(references)[0])
    best = _empty(shape, n, masked)
    for block in score_blocks(queries, references, metric=metric, block_rows=block_rows):
        hidden = mask_block(masked, block.queries, block.references)
        _merge(
            block.scores,
            hidden,
            block.references.start,
            best.scores[block.queries],
            best.indices[block.queries],
        )
    return _finished(best)


def top_n(scores: ArrayLike, n: int, *, masked: Mask = None) -> Ranking:
    """Rank a score matrix that is already at hand.

    Args:
        scores: Real ``[Q, R]``, finite, larger = more alike.
        n: How many to keep.
        masked: References to leave out, see `Mask`.

    Raises:
        ShapeError: The matrix or the mask has another shape, or there is no reference.
        DataError: A score is NaN or infinite.

    Examples:
        >>> top_n([[0.2, 0.9, 0.9]], 2, masked=np.array([False, True, False])).indices.tolist()
        [[2, 0]]
    """
    matrix = np.ascontiguousarray(scores, dtype=np.float32)
    if matrix.ndim != 2:
        raise ShapeError(f"scores have shape {matrix.shape}.", "Expected [Q, R].")
    if not np.isfinite(matrix).all():
        q, r = np.argwhere(~np.isfinite(matrix))[0]
        raise DataError(f"The score of query {q:,} with reference {r:,} is {matrix[q, r]}.")
    best = _empty((matrix.shape[0], matrix.shape[1]), n, masked)
    everything = slice(0, matrix.shape[0]), slice(0, matrix.shape[1])
    _merge(matrix, mask_block(masked, *everything), 0, best.scores, best.indices)
    return _finished(best)


def best_median_worst(ranking: Ranking) -> dict[str, int]:
    """Return the queries whose best score is the highest, the median and the lowest.

    Queries without any candidate are left out. Fewer than three queries give fewer entries.

    Examples:
        >>> best_median_worst(top_n([[0.5], [0.9], [0.1]], 1))
        {'best': 1, 'median': 0, 'worst': 2}
    """
    ranked = np.flatnonzero(ranking.indices[:, 0] >= 0)
    order = ranked[np.argsort(-ranking.scores[ranked, 0], kind="stable")]
    picks = {"best": 0, "median": len(order) // 2, "worst": len(order) - 1}
    chosen: dict[str, int] = {}
    for name, place in picks.items():
        if len(order) and int(order[place]) not in chosen.values():
            chosen[name] = int(order[place])
    return chosen


def mask_block(masked: Mask, queries: slice, references: slice) -> NDArray[np.bool_]:
    """Return the mask of a block as a contiguous bool ``[q, r]``; all False without a mask.

    Raises:
        ShapeError: A mask function returned another shape.
    """
    shape = (queries.stop - queries.start, references.stop - references.start)
    if masked is None:
        return np.zeros(shape, np.bool_)
    if callable(masked):
        block = np.asarray(masked(queries, references))
        if block.shape != shape or block.dtype != np.bool_:
            raise ShapeError(
                f"The mask function returned {block.dtype} {block.shape}.",
                f"Expected bool {shape}.",
            )
        return np.ascontiguousarray(block)
    if masked.ndim == 1:
        return np.ascontiguousarray(np.broadcast_to(masked[references], shape))
    return np.ascontiguousarray(masked[queries, references])


def _empty(shape: tuple[int, int], n: int, masked: Mask) -> Ranking:
    if n < 1:
        raise ConfigError(f"n is {n}.", "Expected at least 1.")
    if shape[1] == 0:
        raise ShapeError("There are no references to rank.", "Expected at least one.")
    if masked is not None and not callable(masked):
        array: NDArray[Any] = np.asarray(masked)
        if array.dtype != np.bool_ or array.shape not in (shape[1:], shape):
            raise ShapeError(
                f"The mask is {array.dtype} {array.shape}.",
                f"Expected bool [{shape[1]:,}] or [{shape[0]:,}, {shape[1]:,}].",
            )
        masked = array
    return Ranking(
        np.full((shape[0], n), -1, np.int64),
        np.full((shape[0], n), -np.inf, np.float32),
        shape[1],
        masked,
    )


def _finished(best: Ranking) -> Ranking:
    best.scores[best.indices < 0] = np.nan
    return best


@kernel
def _merge(scores, masked, offset, best_scores, best_indices):  # type: ignore[no-untyped-def]
    """Insert a block of scores into the sorted N best of each query, in place."""
    n = best_scores.shape[1]
    for q in range(scores.shape[0]):
        floor = best_scores[q, n - 1]
        for r in range(scores.shape[1]):
            score = scores[q, r]
            if score <= floor or masked[q, r]:
                continue
            k = n - 1
            while k > 0 and best_scores[q, k - 1] < score:
                best_scores[q, k] = best_scores[q, k - 1]
                best_indices[q, k] = best_indices[q, k - 1]
                k -= 1
            best_scores[q, k] = score
            best_indices[q, k] = offset + r
            floor = best_scores[q, n - 1]
