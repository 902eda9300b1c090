"""Recall of one traverse in another, as training and tests use it."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from saccade.errors import ConfigError, DataError
from saccade.retrieval import rank, recall_at, top_n
from saccade.tasks.place.bank import Bank
from saccade.traverses.results import saying
from saccade.traverses.traverse import Pair, PlaceSet, Traverse

__all__ = ["check_counts", "check_truth", "mask_of", "pair_recall"]


def check_counts(traverse: Traverse, units: str) -> None:
    """Refuse frames that are no event counts by polarity, which is what the networks take.

    Args:
        traverse: Whose frames are looked at.
        units: What they hold.

    Raises:
        ConfigError: They have another number of channels than two.
    """
    channels = len(traverse.frame(0))
    if channels != 2:
        raise ConfigError(
            f"Frames of {traverse.name} have {channels} channel: {units}.",
            "Expected event counts of two channels, (OFF, ON), for a network.",
            "--data stills makes events of images; saccade eval place --baselines needs none.",
        )


def check_truth(pair: Pair, data: PlaceSet) -> None:
    """Refuse a pair whose recall would decide nothing, before anything is computed.

    Raises:
        DataError: No query has a true match, or every candidate is one.
    """
    hidden = None
    if pair.strict:
        hidden = pair.query.session[:, None] == pair.reference.session[None]
    blank = np.zeros((len(pair.query), len(pair.reference)), np.float32)
    with saying(pair, data.tolerance_m):
        truth = pair.truth(data.tolerance_m, inclusive=data.inclusive)
        recall_at(top_n(blank, 1, masked=hidden), truth, (1,))


def mask_of(
    query_events: NDArray[np.int64], reference_events: NDArray[np.int64], pair: Pair
) -> NDArray[np.bool_]:
    """Return which references a query may not have, bool ``[Q, R]``.

    Empty windows match nothing (defect A5); in a strict pair a query's own session does not count.

    Args:
        query_events: Events of each query ``[Q]``.
        reference_events: Events of each reference ``[R]``.
        pair: Says whether it is strict.

    Raises:
        DataError: All windows of a traverse are empty.
    """
    for side, count in ((pair.query, query_events), (pair.reference, reference_events)):
        if not count.any():
            raise DataError(
                f"All {len(count):,} windows of {side.name} are empty.",
                "Expected events in one of them at least.",
                "Look at its files with saccade info, or leave it out.",
            )
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
    with saying(pair, data.tolerance_m):
        truth = pair.truth(data.tolerance_m, inclusive=data.inclusive)
        found = recall_at(ranking, truth, cuts)
    return {f"recall@{n}": float(v) for n, v in zip(cuts, found.over_matchable, strict=True)}
