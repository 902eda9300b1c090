"""Recall@N: the share of queries with a true match among their N best references.

    recall@N (all)        = |{q : a true match in the top N}| / Q
    recall@N (matchable)  = the same / |{q : q has a true match among its candidates}|
    chance@N of a query with m true matches among c candidates
                          = 1 - prod_{i<N} (c - m - i) / (c - i)         (hypergeometric)

Both conventions are in use and differ by the queries that no method could answer, so both are
reported, with that number. Masked references count neither as candidates nor as true matches.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from saccade.contracts import Table
from saccade.errors import ConfigError, DataError, ShapeError
from saccade.retrieval.rank import Mask, Ranking, mask_block
from saccade.retrieval.truth import Geodesic, Planar, Truth

__all__ = ["Recall", "chance_recall", "recall_at"]

_BLOCK_QUERIES, _BLOCK_REFERENCES = 256, 2_048


@dataclass(frozen=True)
class Recall:
    """Recall at several N, by both conventions, beside chance.

    Args:
        at: The values of N.
        over_all: Share of all queries, float64 ``[len(at)]``.
        over_matchable: Share of the queries that have a true match among their candidates.
        chance_over_all: Expected ``over_all`` of a random order of each query's candidates.
        chance_over_matchable: Expected ``over_matchable`` of a random order.
        queries: Number of queries.
        queries_without_match: Queries without any true match among their candidates.
        first_match_rank: int64 ``[Q]``, rank of the first true match (1 = best), 0 = not ranked.
        true_matches: int64 ``[Q]``, true matches among the candidates of each query.
    """

    at: tuple[int, ...]
    over_all: NDArray[np.float64]
    over_matchable: NDArray[np.float64]
    chance_over_all: NDArray[np.float64]
    chance_over_matchable: NDArray[np.float64]
    queries: int
    queries_without_match: int
    first_match_rank: NDArray[np.int64]
    true_matches: NDArray[np.int64]

    def table(self, title: str = "Recall") -> Table:
        """Return one row per N: both recalls and both chance levels."""
        columns = ("N", "all queries", "chance", "queries with a match", "chance (with a match)")
        rows = zip(
            self.at,
            self.over_all.tolist(),
            self.chance_over_all.tolist(),
            self.over_matchable.tolist(),
            self.chance_over_matchable.tolist(),
            strict=True,
        )
        return Table(title, columns, tuple(rows))


def recall_at(ranking: Ranking, truth: Truth, at: Sequence[int] = (1, 5, 10)) -> Recall:
    """Score a ranking against the truth.

    Args:
        ranking: Ranked references of each query; its mask also hides true matches.
        truth: One of the kinds in `saccade.retrieval.truth`.
        at: Values of N, at most the number ranked.

    Raises:
        ShapeError: The truth is for other numbers of queries or references.
        ConfigError: An N is below 1 or above the number ranked.
        DataError: No pair of candidates is a true match, or every pair is.

    Examples:
        >>> from saccade.retrieval import IndexTolerance, top_n
        >>> ranking = top_n([[0.9, 0.1, 0.0], [0.8, 0.5, 0.0], [0.1, 0.9, 0.2]], 2)
        >>> truth = IndexTolerance(3, 3, tolerance=0, inclusive=True)
        >>> recall_at(ranking, truth, at=(1, 2)).over_all.round(3).tolist()
        [0.333, 1.0]
    """
    cuts = _check(ranking, truth, at)
    matched, candidates = _count(ranking, truth)
    _refuse_degenerate(truth, matched, candidates)

    found = ranking.indices >= 0
    rows = np.broadcast_to(np.arange(len(ranking))[:, None], found.shape)
    hits = np.zeros(found.shape, np.bool_)
    hits[found] = truth.matches(rows[found], ranking.indices[found])
    first = np.where(hits.any(axis=1), hits.argmax(axis=1) + 1, 0)

    has_match = matched > 0
    n_matchable = int(has_match.sum())
    hit = np.array([float(np.count_nonzero((first > 0) & (first <= n))) for n in cuts])
    chance = np.array([chance_recall(matched, candidates, n).sum() for n in cuts])
    return Recall(
        at=cuts,
        over_all=hit / len(ranking),
        over_matchable=hit / n_matchable,
        chance_over_all=chance / len(ranking),
        chance_over_matchable=chance / n_matchable,
        queries=len(ranking),
        queries_without_match=len(ranking) - n_matchable,
        first_match_rank=first,
        true_matches=matched,
    )


def chance_recall(
    true_matches: NDArray[np.int64], candidates: NDArray[np.int64], n: int
) -> NDArray[np.float64]:
    """Probability that a random order of the candidates has a true match among its first ``n``.

    Args:
        true_matches: int64 ``[Q]``, true matches m among the candidates.
        candidates: int64 ``[Q]``, candidates c, at least m.
        n: Ranks looked at.

    Returns:
        float64 ``[Q]``, ``1 - C(c - m, n) / C(c, n)``; 1 where n exceeds c - m and m > 0.

    Examples:
        >>> chance_recall(np.array([1, 2, 0]), np.array([10, 4, 5]), 2).round(4).tolist()
        [0.2, 0.8333, 0.0]
    """
    wrong = (candidates - true_matches).astype(np.float64)
    total = candidates.astype(np.float64)
    miss = np.ones(total.shape)
    for i in range(min(n, int(candidates.max(initial=0)))):
        left = np.maximum(total - i, 1.0)
        miss *= np.where(total > i, np.maximum(wrong - i, 0.0) / left, 1.0)
    return np.where(true_matches > 0, 1.0 - miss, 0.0)


def _check(ranking: Ranking, truth: Truth, at: Sequence[int]) -> tuple[int, ...]:
    shape = (len(ranking), ranking.references)
    if truth.shape != shape:
        swapped = truth.shape == shape[::-1]
        raise ShapeError(
            f"The truth is for {truth.shape[0]:,} queries and {truth.shape[1]:,} references.",
            f"Expected {shape[0]:,} and {shape[1]:,}.",
            "Are queries and references swapped?" if swapped else "",
        )
    if not len(ranking):
        raise ShapeError("There are no queries.", "Expected at least one.")
    ranked = ranking.indices.shape[1]
    wrong = [n for n in at if n < 1 or n > ranked]
    if wrong or not at:
        raise ConfigError(
            f"recall@{wrong[0]} was asked for." if wrong else "No N was given.",
            f"Expected N from 1 to {ranked}, the number of references ranked.",
            "Rank more with n=.",
        )
    return tuple(sorted(set(at)))


def _count(ranking: Ranking, truth: Truth) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """True matches and candidates of each query, under the ranking's mask."""
    n_queries, n_references = truth.shape
    matched, candidates = np.zeros(n_queries, np.int64), np.zeros(n_queries, np.int64)
    masked: Mask = ranking.masked
    for q in range(0, n_queries, _BLOCK_QUERIES):
        queries = slice(q, min(q + _BLOCK_QUERIES, n_queries))
        rows = np.arange(queries.start, queries.stop)[:, None]
        for r in range(0, n_references, _BLOCK_REFERENCES):
            references = slice(r, min(r + _BLOCK_REFERENCES, n_references))
            open_to = ~mask_block(masked, queries, references)
            columns = np.arange(references.start, references.stop)[None]
            matched[queries] += (truth.matches(rows, columns) & open_to).sum(axis=1)
            candidates[queries] += open_to.sum(axis=1)
    return matched, candidates


def _refuse_degenerate(
    truth: Truth, matched: NDArray[np.int64], candidates: NDArray[np.int64]
) -> None:
    name = type(truth).__name__
    if not matched.any():
        raise DataError(
            f"{name}: no query has a true match among its candidates.",
            "Recall would be 0 for every method.",
            "Check the tolerance and its unit, the map frame, and that the recordings overlap.",
        )
    if (matched == candidates).all():
        planar = isinstance(truth, Planar)
        raise DataError(
            f"{name}: every candidate is a true match of every query.",
            "Recall would be 1 for every method.",
            "Are the positions degrees? Then use Geodesic."
            if planar
            else "Check the tolerance and its unit."
            + (
                " Are latitudes and longitudes exact enough?" if isinstance(truth, Geodesic) else ""
            ),
        )
