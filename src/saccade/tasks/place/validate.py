"""Recall of one traverse in another, as training and tests use it."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from saccade.retrieval import rank, recall_at
from saccade.tasks.place.bank import Bank
from saccade.tasks.place.traverse import Pair, PlaceSet

__all__ = ["mask_of", "pair_recall"]


def mask_of(
    query_events: NDArray[np.int64], reference_events: NDArray[np.int64], pair: Pair
) -> NDArray[np.bool_]:
    """Return which references a query may not have, bool ``[Q, R]``.

    Empty windows match nothing (defect A5); in a strict pair a query's own session does not count.

    Args:
        query_events: Events of each query ``[Q]``.
        reference_events: Events of each reference ``[R]``.
        pair: Says whether it is strict.
    """
    hidden = (query_events == 0)[:, None] | (reference_events == 0)[None]
    if pair.strict:
        hidden |= pair.query.session[:, None] == pair.reference.session[None]
    return hidden


def pair_recall(
    queries: Bank, references: Bank, pair: Pair, data: PlaceSet, at: tuple[int, ...] = (1, 5, 10)
) -> dict[str, float]:
    """Return ``{"recall@1": ...}`` over the queries that have a true match.

    Raises:
        DataError: No query has a true match, or every pair is one.
    """
    cuts = [n for n in at if n <= len(references)]
    ranking = rank(
        queries.vectors,
        references.vectors,
        n=max(cuts),
        masked=mask_of(queries.event_count, references.event_count, pair),
    )
    truth = pair.truth(data.tolerance_m, inclusive=data.inclusive)
    found = recall_at(ranking, truth, cuts)
    return {f"recall@{n}": float(v) for n, v in zip(cuts, found.over_matchable, strict=True)}
