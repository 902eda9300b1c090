"""Plain methods on the inputs that a learner gets: the bar that any learning has to pass."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from saccade.retrieval import diagonal
from saccade.tasks.place_stdp.data import Places
from saccade.tasks.place_stdp.inputs import StoredInputs
from saccade.traverses.baselines import BASELINES
from saccade.traverses.frame_rows import Frames
from saccade.traverses.results import Result

__all__ = ["PlainSide", "diagonal_results", "plain_scores"]


class PlainSide:
    """Stored inputs as frames ``[N, C, h, w]``, read in slices.

    Args:
        inputs: Values, no spikes.
        size: Rows and columns.
    """

    def __init__(self, inputs: StoredInputs, size: tuple[int, int]) -> None:
        self._inputs, self._size = inputs, size
        planes = len(inputs.values(0)) // (size[0] * size[1])
        self.shape: tuple[int, ...] = (len(inputs), planes, *size)

    def __getitem__(self, rows: slice, /) -> NDArray[np.float32]:
        """Return frames float32 ``[n, C, h, w]``."""
        return self._inputs.values(rows).reshape(-1, *self.shape[1:]).astype(np.float32)


def plain_scores(
    words: Sequence[str], sides: tuple[Frames, Frames], prefix: str
) -> Iterator[tuple[str, NDArray[np.float32]]]:
    """Yield name and scores ``[Q, R]`` of plain methods.

    Args:
        words: NAME or NAME/POOL.
        sides: Frames of queries and of references.
        prefix: Put before the names.
    """
    for word in words:
        name, _, pool = word.partition("/")
        yield prefix + word, BASELINES[name](*sides, pool=int(pool or 1))


def diagonal_results(
    places: Places,
    results: Sequence[Result],
    lengths: Sequence[int],
    masked: NDArray[np.bool_] | None = None,
) -> list[dict[str, Any]]:
    """Return recall@1 of the published sequence filter: whole sequences of speed 1, by their start.

    Args:
        places: Says what is right.
        results: Single images of these are filtered.
        lengths: Images of a sequence.
        masked: bool ``[R]``, references that are left out, and queries that show only those.
    """
    found: list[dict[str, Any]] = []
    for item in results:
        if item.scored.length != 1 or item.tolerance_m != places.set.tolerance_m:
            continue
        truth, scores = places.truth(item.pair), item.scored.scores
        queries, kept = np.arange(len(scores)), np.arange(scores.shape[1])
        if masked is not None:
            kept = np.flatnonzero(~masked)
            queries = np.flatnonzero(truth.matches(queries[:, None], kept[None]).any(axis=1))
            scores = scores[np.ix_(queries, kept)]
        for length in lengths:
            if length == 1 or length > min(scores.shape):
                continue
            best = diagonal(scores, length).argmax(axis=1)
            right = truth.matches(queries[: len(best)], kept[best])
            found.append(
                {
                    "pair": item.pair.name,
                    "method": item.scored.method,
                    "sequence": length,
                    "queries": len(best),
                    "recall@1": float(right.mean()),
                }
            )
    return found
