"""One evaluation for every method: recall beside chance, strict recall, precision-recall.

    recall@N           a true match in the top N: over all queries, and over those that have one
    strict recall@N    the same without references of the query's own session
    pooled             every pair is a decision: average precision, P@100R, R@100P, R@99P
    best match         each query's best reference is one: the same, as a robot would decide

``compat="spikevpr"`` counts strict recall as published: over the queries that have any reference of
another session, whether or not one of them is right, and where fewer than N references are left,
references of the own session return behind them, in their order (defect C6).
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray

from saccade.contracts import Cell, Table
from saccade.errors import ConfigError, ShapeError
from saccade.retrieval.precision import (
    PrecisionRecall,
    best_match_precision_recall,
    pooled_precision_recall,
)
from saccade.retrieval.rank import Mask, Ranking, mask_block, rank, top_n
from saccade.retrieval.recall import Recall, recall_at
from saccade.retrieval.scores import Metric, ScoreBlock, score_blocks
from saccade.retrieval.truth import Truth

__all__ = ["RECALL_AT", "Banks", "Evaluation", "compare", "evaluate"]

RECALL_AT = (1, 5, 10, 15, 20, 25)


@dataclass(frozen=True, eq=False)
class Banks:
    """Descriptors to be scored block by block, so that the score matrix is never held.

    Args:
        queries: ``[Q, D]``.
        references: ``[R, D]``.
        metric: ``"cosine"`` or ``"correlation"``.
    """

    queries: ArrayLike
    references: ArrayLike
    metric: Metric = "cosine"


@dataclass(frozen=True, eq=False)
class Evaluation:
    """What one method scored on one pair of traverses.

    Args:
        recall: Recall by both conventions, beside chance.
        strict: The same without references of the query's own session; None without sessions.
        published_strict: Strict recall as published, one per N; None unless asked for.
        pooled: Precision-recall of all pairs, at the scores of true ones.
        best: Precision-recall of each query's best reference.
    """

    recall: Recall
    strict: Recall | None
    published_strict: tuple[float, ...] | None
    pooled: PrecisionRecall
    best: PrecisionRecall

    def values(self) -> dict[str, float | int | None]:
        """Return all numbers by name, fit for JSON; None where a number does not exist."""
        found: dict[str, float | int | None] = _recall_values(self.recall, "")
        if self.strict is not None:
            found |= _recall_values(self.strict, "strict_")
        for n, value in zip(self.recall.at, self.published_strict or (), strict=False):
            found[f"published_strict_recall@{n}"] = value
        for name, curve in (("pooled", self.pooled), ("best_match", self.best)):
            found[f"{name}_average_precision"] = curve.average_precision
            found[f"{name}_recall_at_100_precision"] = curve.recall_at_precision(1.0)
            found[f"{name}_recall_at_99_precision"] = curve.recall_at_precision(0.99)
        found["pooled_precision_at_100_recall"] = self.pooled.precision_at_full_recall
        found["best_match_precision_accepting_all"] = float(self.best.precision[0])
        return {name: _finite(value) for name, value in found.items()}

    def table(self, title: str = "Evaluation") -> Table:
        """Return a row per measure: its value, and chance where it is known."""
        values = self.values()
        rows = [
            (name.replace("_", " "), value, values.get(f"chance_of_{name}"))
            for name, value in values.items()
            if not name.startswith("chance_of_")
        ]
        return Table(title, ("measure", "value", "chance"), tuple(rows))


def evaluate(
    scores: ArrayLike | Banks,
    truth: Truth,
    *,
    at: Sequence[int] = RECALL_AT,
    sessions: tuple[ArrayLike, ArrayLike] | None = None,
    masked: Mask = None,
    compat: Literal["spikevpr"] | None = None,
) -> Evaluation:
    """Score one method on one pair of traverses.

    Args:
        scores: Real ``[Q, R]``, larger = more alike, or `Banks`.
        truth: One of the kinds in `saccade.retrieval.truth`.
        at: Values of N; those above the number of references are left out.
        sessions: Session of each query ``[Q]`` and each reference ``[R]``, numbers or names, for
            strict recall. Published NYC results take the day for the session.
        masked: Pairs that are no candidates in any measure, e.g. windows without events.
        compat: ``"spikevpr"`` adds strict recall as published.

    Raises:
        ShapeError: Scores, truth and sessions are of different sizes.
        DataError: No candidate is a true match, or every one is; a score is NaN.
        ConfigError: No N is left, or ``compat`` without sessions.

    Examples:
        >>> from saccade.retrieval import IndexTolerance
        >>> truth = IndexTolerance(4, 4, tolerance=0, inclusive=True)
        >>> found = evaluate(np.eye(4)[[0, 1, 2, 2]], truth, at=(1,))
        >>> found.values()["recall@1"], found.values()["chance_of_recall@1"]
        (0.75, 0.25)
    """
    source = _Source(scores)
    if truth.shape != source.shape:
        raise ShapeError(
            f"The truth is for {truth.shape[0]:,} queries and {truth.shape[1]:,} references.",
            f"Expected {source.shape[0]:,} and {source.shape[1]:,}, as scored.",
        )
    cuts = tuple(sorted({n for n in at if 1 <= n <= source.shape[1]}))
    if not cuts:
        raise ConfigError(f"Recall at {list(at)}.", f"Expected N from 1 to {source.shape[1]:,}.")
    if compat is not None and sessions is None:
        raise ConfigError("compat without sessions.", "Expected sessions, for strict recall.")
    ranking = source.ranked(cuts[-1], masked)
    strict, published = None, None
    if sessions is not None:
        own = _own_session(sessions, source.shape, masked)
        elsewhere = source.ranked(cuts[-1], own)
        strict = recall_at(elsewhere, truth, cuts)
        if compat == "spikevpr":
            published = _published_strict(elsewhere, own, truth, cuts)
    return Evaluation(
        recall=recall_at(ranking, truth, cuts),
        strict=strict,
        published_strict=published,
        pooled=pooled_precision_recall(source.blocks, truth, masked=masked),
        best=best_match_precision_recall(ranking, truth),
    )


def compare(evaluations: Mapping[str, Evaluation], title: str = "Methods compared") -> Table:
    """Return a row per method on the same pair, chance last.

    Examples:
        >>> from saccade.retrieval import IndexTolerance
        >>> truth = IndexTolerance(4, 4, tolerance=0, inclusive=True)
        >>> compare({"perfect": evaluate(np.eye(4), truth, at=(1, 2))}).rows
        (('perfect', 1.0, 1.0, 1.0, 1.0), ('chance', 0.25, 0.5, None, None))
    """
    if not evaluations:
        raise ConfigError("Nothing to compare.", "Expected at least one method.")
    first = next(iter(evaluations.values())).recall
    rows: list[tuple[Cell, ...]] = []
    for name, found in evaluations.items():
        if found.recall.at != first.at:
            raise ConfigError(f"{name} has recall at {found.recall.at}.", f"Expected {first.at}.")
        measures = found.pooled.average_precision, found.best.recall_at_precision(1.0)
        rows.append((name, *found.recall.over_all.tolist(), *measures))
    rows.append(("chance", *first.chance_over_all.tolist(), None, None))
    recalls = (f"recall@{n}" for n in first.at)
    return Table(
        title, ("method", *recalls, "average precision", "R@100P (best match)"), tuple(rows)
    )


class _Source:
    """Scores from a matrix or from banks, by the same two questions."""

    def __init__(self, scores: ArrayLike | Banks) -> None:
        self.banks = scores if isinstance(scores, Banks) else None
        if self.banks is not None:
            self.matrix = np.empty((0, 0), np.float32)
            self.shape = (np.shape(self.banks.queries)[0], np.shape(self.banks.references)[0])
            return
        self.matrix = np.asarray(scores, np.float32)
        if self.matrix.ndim != 2 or 0 in self.matrix.shape:
            raise ShapeError(f"Scores {list(self.matrix.shape)}.", "Expected [Q, R], neither 0.")
        self.shape = (self.matrix.shape[0], self.matrix.shape[1])

    def ranked(self, n: int, masked: Mask) -> Ranking:
        if self.banks is None:
            return top_n(self.matrix, n, masked=masked)
        banks = self.banks
        return rank(banks.queries, banks.references, n=n, metric=banks.metric, masked=masked)

    def blocks(self) -> Iterator[ScoreBlock]:
        if self.banks is not None:
            yield from score_blocks(
                self.banks.queries, self.banks.references, metric=self.banks.metric
            )
            return
        step = max(1, (1 << 20) // self.shape[1])
        for start in range(0, self.shape[0], step):
            rows = slice(start, min(start + step, self.shape[0]))
            yield ScoreBlock(rows, slice(0, self.shape[1]), self.matrix[rows])


def _own_session(
    sessions: tuple[ArrayLike, ArrayLike], shape: tuple[int, int], masked: Mask
) -> Mask:
    """Mask of references of the query's own session, and of what is masked already."""
    of_query, of_reference = (np.asarray(side) for side in sessions)
    if (of_query.shape, of_reference.shape) != (shape[:1], shape[1:]):
        raise ShapeError(
            f"Sessions of {of_query.shape} queries and {of_reference.shape} references.",
            f"Expected {shape[0]:,} and {shape[1]:,}.",
        )

    def own(queries: slice, references: slice) -> NDArray[np.bool_]:
        same = of_query[queries, None] == of_reference[None, references]
        return same | mask_block(masked, queries, references)

    return own


def _published_strict(
    ranking: Ranking, own: Mask, truth: Truth, at: tuple[int, ...]
) -> tuple[float, ...]:
    order = ranking.indices.copy()
    everything = slice(0, ranking.references)
    for q in np.flatnonzero((order < 0).any(axis=1)):
        left = int((order[q] >= 0).sum())
        hidden = np.flatnonzero(mask_block(own, slice(q, q + 1), everything)[0])
        order[q, left:] = hidden[: order.shape[1] - left]
    counted = np.flatnonzero(ranking.indices[:, 0] >= 0)
    if not len(counted):
        return tuple(0.0 for _ in at)
    right = truth.matches(counted[:, None], order[counted])
    return tuple(float(right[:, :n].any(axis=1).mean()) for n in at)


def _recall_values(recall: Recall, prefix: str) -> dict[str, float | int | None]:
    found: dict[str, float | int | None] = {}
    for k, n in enumerate(recall.at):
        found[f"{prefix}recall@{n}"] = float(recall.over_all[k])
        found[f"chance_of_{prefix}recall@{n}"] = float(recall.chance_over_all[k])
    for k, n in enumerate(recall.at):
        found[f"{prefix}recall@{n}_of_matchable"] = float(recall.over_matchable[k])
        chance = float(recall.chance_over_matchable[k])
        found[f"chance_of_{prefix}recall@{n}_of_matchable"] = chance
    found[f"{prefix}queries"] = recall.queries
    found[f"{prefix}queries_without_match"] = recall.queries_without_match
    return found


def _finite(value: float | int | None) -> float | int | None:
    return value if value is not None and math.isfinite(value) else None
