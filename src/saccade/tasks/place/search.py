"""One retrieval: two banks of descriptors, a ranking, and what the truth says about it.

Windows without an event are neither candidates nor answered queries: their descriptors would match
something, and it would mean nothing.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from saccade.contracts import PlaceDescriptors
from saccade.retrieval import (
    BankHealth,
    IndexTolerance,
    Ranking,
    Recall,
    TimeTolerance,
    Truth,
    bank_health,
    rank,
    recall_at,
)
from saccade.tasks.place.config import RetrieveConfig
from saccade.tasks.place.spikes import SpikeRecord

__all__ = ["Match", "Search", "search", "truth_of"]

RECALL_AT = (1, 5, 10, 15, 20, 25)


@dataclass(frozen=True)
class Match:
    """One line of the result.

    Args:
        query: Window of the query recording.
        rank: 1 = best.
        reference: Window of the reference recording.
        score: Cosine or correlation, -1 to 1.
        is_true: Whether the truth calls it right; None without a truth.
    """

    query: int
    rank: int
    reference: int
    score: float
    is_true: bool | None


@dataclass(frozen=True)
class Search:
    """Result of one method.

    Args:
        method: ``"count"`` or the name of the network.
        references: Descriptors searched in.
        queries: Descriptors looked up.
        ranking: Best references of each query.
        health: Whether the reference descriptors can tell windows apart.
        recall: Recall beside chance, where a truth was given.
        truth: That truth.
        spikes: Spikes per layer while the queries were embedded; None for ``"count"``.
    """

    method: str
    references: PlaceDescriptors
    queries: PlaceDescriptors
    ranking: Ranking
    health: BankHealth
    recall: Recall | None
    truth: Truth | None
    spikes: SpikeRecord | None = None

    def matches(self) -> Iterator[Match]:
        """Yield ranked matches, query by query."""
        for query, (found, scores) in enumerate(
            zip(self.ranking.indices.tolist(), self.ranking.scores.tolist(), strict=True)
        ):
            for k, (reference, score) in enumerate(zip(found, scores, strict=True)):
                if reference >= 0:
                    yield Match(query, k + 1, reference, score, self._is_true(query, reference))

    def _is_true(self, query: int, reference: int) -> bool | None:
        if self.truth is None:
            return None
        return bool(self.truth.matches(np.array([query]), np.array([reference]))[0])


def search(
    references: PlaceDescriptors,
    queries: PlaceDescriptors,
    cfg: RetrieveConfig,
    spikes: SpikeRecord | None = None,
) -> Search:
    """Rank the references of every query and compare with the truth.

    Args:
        references: Descriptors searched in.
        queries: Descriptors looked up, made by the same method.
        cfg: How many to keep, and the truth.
        spikes: Passed on.

    Raises:
        DataError: With the given tolerance no query has a true match, or everything is one.
    """
    truth = truth_of(references, queries, cfg)
    empty_references, empty_queries = references.event_count == 0, queries.event_count == 0

    def masked(q: slice, r: slice) -> NDArray[np.bool_]:
        return empty_queries[q, None] | empty_references[None, r]

    ranking = rank(queries.vectors, references.vectors, n=cfg.top, masked=masked)
    recall = recall_at(ranking, truth, [n for n in RECALL_AT if n <= cfg.top]) if truth else None
    health = bank_health(
        references.vectors,
        references.event_count,
        chance_recall_at_1=float(recall.chance_over_all[0]) if recall else None,
    )
    return Search(queries.method, references, queries, ranking, health, recall, truth, spikes)


def truth_of(
    references: PlaceDescriptors, queries: PlaceDescriptors, cfg: RetrieveConfig
) -> Truth | None:
    """Return the truth the configuration asks for; windows are compared by their starts."""
    if cfg.tolerance_us is not None:
        return TimeTolerance(
            queries.t_start_us - cfg.offset_us,
            references.t_start_us,
            tolerance_us=cfg.tolerance_us,
            inclusive=True,
        )
    if cfg.tolerance_index is not None:
        return IndexTolerance(
            len(queries), len(references), tolerance=cfg.tolerance_index, inclusive=True
        )
    return None
