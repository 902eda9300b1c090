"""Plain methods on the inputs that a learner gets: the bar that any learning has to pass."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from saccade.retrieval import diagonal, standardised
from saccade.tasks.place_stdp.data import Places
from saccade.tasks.place_stdp.inputs import StoredInputs
from saccade.traverses.baselines import BASELINES, distances
from saccade.traverses.frame_rows import Frames
from saccade.traverses.results import Result, check_baselines

__all__ = [
    "DISTANCES",
    "PlainSide",
    "check_plain",
    "diagonal_results",
    "moved_distances",
    "plain_scores",
    "with_standardised",
]

DISTANCES: dict[str, tuple[bool, int]] = {
    "l1": (False, 0),
    "l1_centred": (True, 0),
    "l1_moved1": (False, 1),
    "l1_centred_moved1": (True, 1),
}
"""Name -> whether each frame's mean is taken off, and the most pixels the query is moved by, of the
mean absolute difference."""


def check_plain(words: Sequence[str]) -> None:
    """Refuse what is no plain method.

    Raises:
        ConfigError: A name or its pooling is wrong.
    """
    check_baselines(tuple(word for word in words if word not in DISTANCES))


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
        words: NAME or NAME/POOL, or one of `DISTANCES`.
        sides: Frames of queries and of references.
        prefix: Put before the names.
    """
    for word in words:
        if word in DISTANCES:
            centred, pixels = DISTANCES[word]
            yield prefix + word, moved_distances(*sides, centred=centred, pixels=pixels)
            continue
        name, _, pool = word.partition("/")
        yield prefix + word, BASELINES[name](*sides, pool=int(pool or 1))


def moved_distances(
    queries: Frames, references: Frames, *, centred: bool, pixels: int
) -> NDArray[np.float32]:
    """Return minus the smallest mean absolute difference over shifts of the query.

    Args:
        queries: ``[Q, C, h, w]``.
        references: ``[R, C, h, w]``.
        centred: Take each frame's own mean off first.
        pixels: Shifts by up to so many pixels in every direction.

    Examples:
        >>> frames = np.random.default_rng(0).random((4, 1, 6, 8)).astype(np.float32)
        >>> moved = np.roll(frames, 1, axis=3)
        >>> moved_distances(moved, frames, centred=False, pixels=1).argmax(axis=1).tolist()
        [0, 1, 2, 3]
    """
    steps = range(-pixels, pixels + 1)
    best: NDArray[np.float64] | None = None
    for down in steps:
        for right in steps:
            found = distances(_Moved(queries, down, right), references, centred=centred)
            best = found if best is None else np.minimum(best, found)
    assert best is not None
    return (-best / np.prod(references.shape[1:])).astype(np.float32)


class _Moved:
    """Frames moved by some pixels; what comes in repeats the border."""

    def __init__(self, frames: Frames, down: int, right: int) -> None:
        self._frames, self.shape = frames, tuple(frames.shape)
        self._rows = np.clip(np.arange(self.shape[2]) + down, 0, self.shape[2] - 1)
        self._columns = np.clip(np.arange(self.shape[3]) + right, 0, self.shape[3] - 1)

    def __getitem__(self, rows: slice, /) -> NDArray[np.float32]:
        """Return frames ``[n, C, h, w]``."""
        return np.asarray(self._frames[rows])[:, :, self._rows[:, None], self._columns]


def with_standardised(
    methods: Iterator[tuple[str, NDArray[np.float32]]],
) -> Iterator[tuple[str, NDArray[np.float32]]]:
    """Yield each method, and after it the same with its scores standardised.

    ``z``: of each place over the queries, so that a place which is like everything has no
    advantage. ``zz``: of each query over the places first. Both need all queries at hand.

    Args:
        methods: Name and scores ``[Q, R]``.
    """
    for name, scores in methods:
        yield name, scores
        if len(scores) > 1:
            yield f"{name}, z", standardised(scores, 0)
            yield f"{name}, zz", standardised(standardised(scores, 1), 0)


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
