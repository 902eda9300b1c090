"""Every traverse looked up in every other: one number per pair, as a table."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from numpy.typing import ArrayLike

from saccade.contracts import Cell, Table
from saccade.errors import ConfigError
from saccade.retrieval.rank import rank
from saccade.retrieval.recall import Recall, recall_at
from saccade.retrieval.truth import Truth

__all__ = ["cross_recall", "cross_table"]


def cross_recall(
    banks: Mapping[str, ArrayLike],
    truth_of: Callable[[str, str], Truth],
    *,
    at: tuple[int, ...] = (1, 5, 10),
) -> dict[tuple[str, str], Recall]:
    """Look each traverse up in each other one.

    Args:
        banks: Name of a traverse -> its descriptors ``[N, D]``.
        truth_of: From the names of the query and the reference traverse to their truth.
        at: Values of N.

    Returns:
        (query, reference) -> recall.

    Raises:
        DataError: The truth of a pair decides nothing.

    Examples:
        >>> import numpy as np
        >>> from saccade.retrieval import IndexTolerance
        >>> banks = {"day": np.eye(3), "night": np.eye(3)[::-1]}
        >>> truth = IndexTolerance(3, 3, tolerance=0, inclusive=True)
        >>> found = cross_recall(banks, lambda query, reference: truth, at=(1,))
        >>> round(float(found["night", "day"].over_all[0]), 3)
        0.333
    """
    found: dict[tuple[str, str], Recall] = {}
    for query in banks:
        for reference in banks:
            if query != reference:
                ranking = rank(banks[query], banks[reference], n=max(at))
                found[query, reference] = recall_at(ranking, truth_of(query, reference), at)
    return found


def cross_table(recall: Mapping[tuple[str, str], Recall], *, n: int = 1, title: str = "") -> Table:
    """Return recall@N with a row per query traverse and a column per reference traverse.

    Pairs that were not tried, a traverse in itself among them, stay empty.

    Args:
        recall: (query, reference) -> recall, in the order of the rows and columns wanted.
        n: Which N; every recall must hold it.
        title: Line above; names N without it.

    Raises:
        ConfigError: There is no pair, or a recall was not computed at N.

    Examples:
        >>> import numpy as np
        >>> from saccade.retrieval import IndexTolerance, top_n
        >>> one = recall_at(top_n(np.eye(3), 1), IndexTolerance(3, 3, 0, inclusive=True), (1,))
        >>> cross_table({("night", "day"): one}).rows
        (('night', 1.0),)
    """
    if not recall:
        raise ConfigError("No pair of traverses.", "Expected at least one.")
    for (query, reference), value in recall.items():
        if n not in value.at:
            raise ConfigError(
                f"{query} in {reference} has recall at {', '.join(map(str, value.at))}.",
                f"Expected recall at {n} too.",
            )
    queries = list(dict.fromkeys(query for query, _ in recall))
    references = list(dict.fromkeys(reference for _, reference in recall))
    rows: list[tuple[Cell, ...]] = []
    for query in queries:
        cells: list[Cell] = [query]
        for reference in references:
            value = recall.get((query, reference))
            cells.append(None if value is None else float(value.over_all[value.at.index(n)]))
        rows.append(tuple(cells))
    heading = title or f"recall@{n}, all queries: query traverse (row) in reference traverse"
    return Table(heading, ("query", *references), tuple(rows))
