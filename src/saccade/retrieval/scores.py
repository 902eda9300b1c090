"""Similarity of every query with every reference, in blocks, so that memory does not grow with Q R.

    cosine       s(a, b) = <a, b> / (|a| |b|)
    correlation  s(a, b) = <a - mean(a), b - mean(b)> / (|a - mean(a)| |b - mean(b)|)      (Pearson)

Sums run in float64 and only the finished score is rounded to float32: a float32 matrix product
gives equal rows scores that differ in the last digits with their place in the block, and ties would
be decided by the block size. A row without a direction (zero length, for correlation zero variance)
scores 0 against everything and is named by `degenerate_rows`.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Literal, get_args

import numpy as np
from numpy.typing import ArrayLike, NDArray

from saccade.errors import ConfigError, DataError, ShapeError, did_you_mean

__all__ = [
    "METRICS",
    "Metric",
    "ScoreBlock",
    "degenerate_rows",
    "score_blocks",
    "score_matrix",
    "standardised",
]

Metric = Literal["cosine", "correlation"]
METRICS: tuple[Metric, ...] = get_args(Metric)

_OPERAND = 1 << 21  # elements of a factor of one matrix product: 17 MB in float64
_ONE_THREAD = 1 << 20  # multiplications up to which BLAS does not start threads
_ROUNDING = 1e-12  # centred length below this share of the full length is rounding, not variance


@dataclass(frozen=True)
class ScoreBlock:
    """Scores of a run of queries with a run of references.

    Args:
        queries: Rows of the query array.
        references: Rows of the reference array.
        scores: float32 ``[q, r]``, -1 to 1.
    """

    queries: slice
    references: slice
    scores: NDArray[np.float32]


@dataclass(frozen=True)
class _Rows:
    """Vectors with what turns them into unit rows: ``unit = (values - mean) * scale``."""

    values: NDArray[Any]
    mean: NDArray[np.float64]
    scale: NDArray[np.float64]


def score_blocks(
    queries: ArrayLike,
    references: ArrayLike,
    *,
    metric: Metric = "cosine",
    block_rows: int = 512,
) -> Iterator[ScoreBlock]:
    """Yield the scores of all pairs block by block: queries outside, references inside, ascending.

    Peak memory beyond the inputs is about 40 MB for the default block size, whatever Q, R and D.

    Args:
        queries: Real ``[Q, D]``, any numeric type, finite.
        references: Real ``[R, D]``.
        metric: ``"cosine"`` or ``"correlation"``.
        block_rows: Queries and references per block.

    Raises:
        ShapeError: An array is not two-dimensional, or the two differ in D.
        DataError: A value is NaN or infinite.
        ConfigError: The metric is unknown or ``block_rows`` is below 1.

    Examples:
        >>> for block in score_blocks([[1, 0]], [[1, 0], [0, 2], [-3, 0]], block_rows=2):
        ...     print(block.references, block.scores.tolist())
        slice(0, 2, None) [[1.0, 0.0]]
        slice(2, 3, None) [[-1.0]]
    """
    if block_rows < 1:
        raise ConfigError(f"block_rows is {block_rows}.", "Expected at least 1.")
    left, right = _rows(queries, metric, "queries"), _rows(references, metric, "references")
    if left.values.shape[1] != right.values.shape[1]:
        raise ShapeError(
            f"Queries have {left.values.shape[1]:,} dimensions, "
            f"references {right.values.shape[1]:,}.",
            "Expected the same number.",
            "Were the two made by the same method at the same sensor size?",
        )
    return _blocks(left, right, block_rows)


def score_matrix(
    queries: ArrayLike, references: ArrayLike, *, metric: Metric = "cosine"
) -> NDArray[np.float32]:
    """Return all scores as float32 ``[Q, R]``; see `score_blocks` for the terms and errors.

    Examples:
        >>> score_matrix([[1, 2, 3]], [[2, 4, 6], [3, 2, 1]], metric="correlation").tolist()
        [[1.0, -1.0]]
    """
    shape = (np.shape(queries)[0], np.shape(references)[0])
    scores = np.empty(shape, np.float32)
    for block in score_blocks(queries, references, metric=metric):
        scores[block.queries, block.references] = block.scores
    return scores


def standardised(scores: NDArray[np.float32], axis: int) -> NDArray[np.float32]:
    """Return scores of mean 0 and deviation 1 along an axis; what is constant there becomes 0.

    Along axis 0 a reference that is like everything loses its advantage (all queries must be at
    hand), along axis 1 a query that is.

    Args:
        scores: float32 ``[Q, R]``.
        axis: 0, over the queries, or 1, over the references.

    Examples:
        >>> standardised(np.float32([[1, 5], [3, 5]]), 0).tolist()
        [[-1.0, 0.0], [1.0, 0.0]]
    """
    centred = scores - scores.mean(axis=axis, keepdims=True)
    return centred / np.maximum(centred.std(axis=axis, keepdims=True), np.float32(1e-9))


def degenerate_rows(vectors: ArrayLike, *, metric: Metric = "cosine") -> NDArray[np.bool_]:
    """Return a mask ``[N]`` of the rows that have no direction and score 0 against everything.

    Examples:
        >>> degenerate_rows([[0, 0], [1, 1], [1, 2]]).tolist()
        [True, False, False]
        >>> degenerate_rows([[0, 0], [1, 1], [1, 2]], metric="correlation").tolist()
        [True, True, False]
    """
    return _rows(vectors, metric, "vectors").scale == 0


def _rows(vectors: ArrayLike, metric: str, name: str) -> _Rows:
    if metric not in METRICS:
        raise ConfigError(
            f"Unknown metric {metric!r}.",
            did_you_mean(metric, METRICS) or f"Expected one of {', '.join(METRICS)}.",
        )
    values = np.asarray(vectors)
    if values.ndim != 2 or values.shape[1] == 0:
        raise ShapeError(f"{name} have shape {values.shape}.", "Expected [N, D] with D >= 1.")
    if values.dtype.kind not in "buif":
        raise DataError(f"{name} hold {values.dtype} values.", "Expected real numbers.")
    mean, scale = np.zeros(len(values)), np.zeros(len(values))
    step = max(1, (1 << 20) // values.shape[1])
    for start in range(0, len(values), step):
        part = values[start : start + step].astype(np.float64)
        length = np.sqrt(np.einsum("nd,nd->n", part, part))
        if not np.isfinite(length).all():
            at = start + int(np.argmin(np.isfinite(length)))
            raise DataError(f"Row {at:,} of the {name} holds NaN, an infinity or overflows.")
        centred = length
        if metric == "correlation":
            mean[start : start + step] = part.mean(axis=1)
            part -= mean[start : start + step, None]
            centred = np.sqrt(np.einsum("nd,nd->n", part, part))
        has_direction = centred > _ROUNDING * length
        np.divide(1.0, centred, out=scale[start : start + step], where=has_direction)
    return _Rows(values, mean, scale)


def _blocks(left: _Rows, right: _Rows, block_rows: int) -> Iterator[ScoreBlock]:
    for q in range(0, len(left.values), block_rows):
        queries = slice(q, min(q + block_rows, len(left.values)))
        for r in range(0, len(right.values), block_rows):
            references = slice(r, min(r + block_rows, len(right.values)))
            scores = _product(left, queries, right, references)
            yield ScoreBlock(queries, references, scores)


def _product(left: _Rows, queries: slice, right: _Rows, references: slice) -> NDArray[np.float32]:
    total = np.zeros((queries.stop - queries.start, references.stop - references.start))
    step = max(1, _OPERAND // max(total.shape))
    for start in range(0, left.values.shape[1], step):
        columns = slice(start, start + step)
        add_product(total, _unit(left, queries, columns), _unit(right, references, columns))
    return np.clip(total, -1.0, 1.0).astype(np.float32)


def add_product(
    total: NDArray[np.float64], left: NDArray[np.float64], right: NDArray[np.float64]
) -> None:
    """Add ``left @ right.T`` to ``total`` in place.

    BLAS splits a product over threads that wait for each other all along the inner dimension. For
    few rows of great length (frames as descriptors) that costs more than it gains, on a busy
    machine twenty times more, so such products are cut into pieces that BLAS leaves to one thread.
    """
    step = _ONE_THREAD // max(total.size, 1)
    if step < 64:
        total += left @ right.T
        return
    for start in range(0, left.shape[1], step):
        total += left[:, start : start + step] @ right[:, start : start + step].T


def _unit(rows: _Rows, which: slice, columns: slice) -> NDArray[np.float64]:
    unit = rows.values[which, columns].astype(np.float64)
    unit -= rows.mean[which, None]
    unit *= rows.scale[which, None]
    return unit
