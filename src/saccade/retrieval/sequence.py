"""Sequence matching: a place is recognised by the frames around it, not by one frame alone.

For query q and reference r, a line of slope v (the speed of the query relative to the reference,
negative for a route driven the other way) runs through the score matrix S:

    s_v(q, r) = 1/|F_q| sum_(k in F_q) S(q + k, r + round(v k))
    s(q, r)   = max_v s_v(q, r)

F_q are the steps k of the sequence at which a query exists: -(L-1)..0 for a causal sequence (the
newest frame last, as on a robot), -(L div 2)..L-1-(L div 2) for a centred one.

Borders. A query that does not exist is left out of the mean, for all references of q alike. A
reference that does not exist scores the mean of its query's row: it says nothing for or against.
Nothing is padded with zeros, so adding a constant to S adds it to s.

``diagonal`` is the published filter of VPRSNN, VPRTempo and LENS: speed 1, forward, whole
sequences only, named by their first frame.

Reference:
    M. Milford and G. Wyeth, "SeqSLAM: Visual route-based navigation for sunny summer days and
    stormy winter nights", ICRA 2012.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray

from saccade.errors import ConfigError, DataError, ShapeError
from saccade.jit import kernel

__all__ = ["SPEEDS", "Anchor", "Direction", "diagonal", "plain_sequence_scores", "sequence_scores"]

Anchor = Literal["causal", "centred"]
Direction = Literal["forward", "reverse", "both"]

SPEEDS = (0.8, 0.9, 1.0, 1.1, 1.2)
"""References passed per query frame that are tried without other instructions."""


def sequence_scores(
    scores: ArrayLike,
    length: int,
    *,
    speeds: Sequence[float] = SPEEDS,
    direction: Direction = "both",
    anchor: Anchor = "causal",
    combine: Literal["mean", "sum"] = "mean",
) -> NDArray[np.float32]:
    """Return the score of every pair at the end, or the middle, of its best line.

    Takes Q R L additions for each distinct line, and memory for two rows beside the result.

    Args:
        scores: Real ``[Q, R]``, finite, larger = more alike; consecutive rows and columns are
            consecutive frames.
        length: Frames L of a sequence; 1 returns the scores as they are.
        speeds: Values of v > 0, references per query frame.
        direction: ``"forward"``, ``"reverse"`` (the query drives the route the other way), or
            ``"both"``.
        anchor: ``"causal"`` (frames up to the query) or ``"centred"``.
        combine: ``"mean"``, or ``"sum"`` over the frames, which grows with their number.

    Returns:
        float32 ``[Q, R]``.

    Raises:
        ShapeError: The scores are not two-dimensional or hold nothing.
        DataError: A score is NaN or infinite.
        ConfigError: An option is outside its range.

    Examples:
        >>> scores = np.eye(4)
        >>> scores[3] = [0.9, 0, 0, 0.8]
        >>> int(scores[3].argmax()), int(sequence_scores(scores, 3)[3].argmax())
        (0, 3)
    """
    matrix = _matrix(scores)
    steps, lines = _lines(length, speeds, direction, anchor)
    unknown = matrix.mean(axis=1, dtype=np.float64)
    return _along(matrix, unknown, steps, lines, _is_mean(combine))


def plain_sequence_scores(
    scores: ArrayLike,
    length: int,
    *,
    speeds: Sequence[float] = SPEEDS,
    direction: Direction = "both",
    anchor: Anchor = "causal",
    combine: Literal["mean", "sum"] = "mean",
) -> NDArray[np.float32]:
    """Return the same as `sequence_scores`, to the last bit, by NumPy alone.

    Examples:
        >>> scores = np.arange(12.0).reshape(3, 4)
        >>> bool((plain_sequence_scores(scores, 2) == sequence_scores(scores, 2)).all())
        True
    """
    matrix = _matrix(scores)
    steps, lines = _lines(length, speeds, direction, anchor)
    unknown = matrix.mean(axis=1, dtype=np.float64)
    columns = np.arange(matrix.shape[1])
    result = np.empty(matrix.shape, np.float32)
    for q in range(len(matrix)):
        there = [k for k, step in enumerate(steps) if 0 <= q + step < len(matrix)]
        best = np.full(matrix.shape[1], -np.inf)
        for line in lines:
            total = np.zeros(matrix.shape[1])
            for k in there:
                row, at = q + steps[k], columns + line[k]
                inside = (at >= 0) & (at < matrix.shape[1])
                total += np.where(inside, matrix[row, np.where(inside, at, 0)], unknown[row])
            best = np.maximum(best, total)
        result[q] = best / len(there) if _is_mean(combine) else best
    return result


def diagonal(scores: ArrayLike, length: int) -> NDArray[np.float64]:
    """Return the published diagonal filter: the sum of L scores down each diagonal.

        D_L(i, j) = sum_(k<L) S(i + k, j + k)        i <= Q - L,  j <= R - L

    It is the convolution of S with an L x L identity matrix, valid part only: sequences that leave
    the matrix have no score. Row i and column j are the first frames of the sequence. The input may
    be scores or distances; the published systems filter max(S) - S and take the smallest.

    Args:
        scores: Real ``[Q, R]``.
        length: Frames L.

    Returns:
        float64 ``[Q - L + 1, R - L + 1]``.

    Raises:
        ShapeError: The matrix is smaller than one sequence.
        ConfigError: ``length`` is below 1.

    Examples:
        >>> diagonal([[1, 2, 3], [4, 5, 6]], 2).tolist()
        [[6.0, 8.0]]
    """
    matrix = _matrix(scores)
    _check_length(length)
    rows, columns = matrix.shape[0] - length + 1, matrix.shape[1] - length + 1
    if rows < 1 or columns < 1:
        raise ShapeError(
            f"A sequence of {length} frames in scores {matrix.shape}.",
            "Expected at least as many queries and references as frames in a sequence.",
        )
    total = np.zeros((rows, columns))
    for k in range(length):
        total += matrix[k : k + rows, k : k + columns]
    return total


@kernel
def _along(matrix, unknown, steps, lines, mean):  # type: ignore[no-untyped-def]
    """Best line through every element; steps ``[L]`` in queries, lines ``[V, L]`` in references."""
    n_queries, n_references = matrix.shape
    result = np.empty((n_queries, n_references), np.float32)
    best, total = np.empty(n_references), np.empty(n_references)
    for q in range(n_queries):
        best[:] = -np.inf
        frames = 0
        for line in lines:
            total[:] = 0.0
            frames = 0
            for k in range(len(steps)):
                row = q + steps[k]
                if row < 0 or row >= n_queries:
                    continue
                frames += 1
                shift = line[k]
                first = min(max(-shift, 0), n_references)
                last = max(min(n_references - shift, n_references), first)
                nothing = unknown[row]
                total[:first] += nothing
                total[last:] += nothing
                here, there = total[first:last], matrix[row, first + shift : last + shift]
                for r in range(last - first):
                    here[r] += there[r]
            for r in range(n_references):
                best[r] = max(best[r], total[r])
        for r in range(n_references):
            result[q, r] = best[r] / frames if mean else best[r]
    return result


def _lines(
    length: int, speeds: Sequence[float], direction: str, anchor: str
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Steps in queries ``[L]`` and, for each distinct line, in references ``[V, L]``."""
    _check_length(length)
    if anchor not in ("causal", "centred"):
        raise ConfigError(f"anchor is {anchor!r}.", "Expected 'causal' or 'centred'.")
    if direction not in ("forward", "reverse", "both"):
        raise ConfigError(f"direction is {direction!r}.", "Expected forward, reverse or both.")
    if not len(speeds) or not all(np.isfinite(v) and v > 0 for v in speeds):
        raise ConfigError(
            f"speeds are {tuple(speeds)}.",
            "Expected at least one, all above 0.",
            "The other direction is asked for with direction=.",
        )
    before = length - 1 if anchor == "causal" else length // 2
    steps = np.arange(length) - before
    signs = {"forward": (1,), "reverse": (-1,), "both": (1, -1)}[direction]
    lines = [sign * np.floor(v * steps + 0.5).astype(np.int64) for sign in signs for v in speeds]
    return steps, np.unique(np.stack(lines), axis=0)


def _matrix(scores: ArrayLike) -> NDArray[np.float64]:
    matrix: NDArray[Any] = np.ascontiguousarray(scores)
    if matrix.ndim != 2 or 0 in matrix.shape:
        raise ShapeError(
            f"Scores have shape {matrix.shape}.", "Expected [Q, R], neither of them 0."
        )
    if not np.isfinite(matrix).all():
        q, r = np.argwhere(~np.isfinite(matrix))[0]
        raise DataError(
            f"The score of query {q:,} with reference {r:,} is {matrix[q, r]}.",
            "Expected finite scores.",
        )
    return matrix if matrix.dtype == np.float32 else matrix.astype(np.float64)


def _check_length(length: int) -> None:
    if length < 1:
        raise ConfigError(f"A sequence of {length} frames.", "Expected at least 1.")


def _is_mean(combine: str) -> bool:
    if combine not in ("mean", "sum"):
        raise ConfigError(f"combine is {combine!r}.", "Expected 'mean' or 'sum'.")
    return combine == "mean"
