"""What a neuron stands for, and how spikes of all neurons become a score for every place.

Training counts C(image, neuron) with the place of each image:

    standard    label(n) = argmax_l mean of C(., n) over images of l        the lowest of equal ones
                S(q, l)  = mean test count c(q, n) of the neurons with label l
    spikes      S(q, l)  = their sum
    weighted    s(n, l)  = spikes of n for l,  p(n, l) = s(n, l) / sum_l' s(n, l')
                N(l)     = neurons with p(n, l) > 0.1
                r(n)     = 1 / K(n) where n fired for K(n) >= 2 % of its network's labels, else 1
                S(q, l)  = f sum_(n in N(l)) c(q, n) r(n) p(n, l)
                f        = share of sum_(n in N(l)) s(n, l) that neurons carry which fire for q

Scores always have a column per place; a place that no neuron stands for scores 0. (The published
tables have a row per label that occurs, silent neurons among them, and are read as if row = place:
defect 2. Its weighted read-out stops at a label without neurons: defect 12.)

``compat="vprsnn"`` keeps two habits of the weighted read-out: only places that are the strongest of
some neuron have a score, and labels are counted among those, "never fired" as one of them.

Reference:
    S. Hussaini, M. Milford and T. Fischer, "Spiking neural networks for visual place recognition
    via weighted neuronal assignments", IEEE RA-L 2022.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Literal, NamedTuple, get_args

import numpy as np
from numpy.typing import ArrayLike, NDArray

from saccade.errors import ConfigError, DataError, ShapeError

__all__ = ["Assignment", "Readout", "answers", "assign", "joined", "probabilities", "scores"]

Readout = Literal["standard", "weighted", "spikes"]

_LEAST_SHARE = 0.1
_INVOLVED = 0.02
_BLOCK_ELEMENTS = 1 << 20


@dataclass(frozen=True, eq=False)
class Assignment:
    """What each neuron stands for, and the training spikes behind it.

    Args:
        label: int64 ``[n]``, place of each neuron; -1 for one that never fired.
        shown: int64 ``[R]``, training images of each place.
        neuron: int64 ``[K]``, neurons of the pairs (place, neuron) with spikes, by place first.
        place: int64 ``[K]``, their places, rising.
        spikes: float64 ``[K]``, spikes of the neuron for the place, all above 0.
        labels: int64 ``[n]``, places that the network of each neuron was shown; all that are in
            ``shown`` without.
    """

    label: NDArray[np.int64]
    shown: NDArray[np.int64]
    neuron: NDArray[np.int64]
    place: NDArray[np.int64]
    spikes: NDArray[np.float64]
    labels: NDArray[np.int64] | None = None

    def __len__(self) -> int:
        return len(self.label)

    def labels_known(self) -> NDArray[np.int64]:
        """Return how many places the network of each neuron was shown, int64 ``[n]``."""
        if self.labels is not None:
            return self.labels
        return np.full(len(self), np.count_nonzero(self.shown))

    @property
    def places(self) -> int:
        """Number of places R."""
        return len(self.shown)

    def neurons_per_place(self) -> NDArray[np.int64]:
        """Return how many neurons stand for each place, int64 ``[R]``."""
        return np.bincount(self.label[self.label >= 0], minlength=self.places)

    def most_spikes(self) -> NDArray[np.int64]:
        """Return the place with most spikes of each neuron ``[n]``, the lowest of equal ones.

        It is not the label where places were shown a different number of times.
        """
        found = np.full(len(self), -1)
        order = np.lexsort((self.place, -self.spikes, self.neuron))
        neuron, first = np.unique(self.neuron[order], return_index=True)
        found[neuron] = self.place[order][first]
        return found

    def table(self) -> NDArray[np.float64]:
        """Return spikes by neuron and place, float64 ``[n, R]``; large for large networks."""
        dense = np.zeros((len(self), self.places))
        dense[self.neuron, self.place] = self.spikes
        return dense


def assign(counts: ArrayLike, labels: ArrayLike, *, places: int | None = None) -> Assignment:
    """Find what each neuron stands for.

    Args:
        counts: Spikes ``[M, n]`` for each training image, not below 0.
        labels: Place of the same images, integers ``[M]``; not those of other presentations
            (defect 8 of the published program).
        places: Number of places R; None = one more than the largest label.

    Returns:
        The table; memory grows with pairs of neuron and place that have a spike.

    Raises:
        ShapeError: Counts and labels do not belong together, or there is no image.
        DataError: A count is negative, NaN or infinite, or a label is outside 0 to R - 1.

    Examples:
        >>> found = assign([[3, 0, 0], [1, 2, 0]], [0, 1], places=3)
        >>> found.label.tolist(), found.neurons_per_place().tolist()
        ([0, 1, -1], [1, 1, 0])
    """
    seen = _counts(counts, "training")
    where, total = _labels(labels, len(seen), places)
    order = np.argsort(where, kind="stable")
    present, first = np.unique(where[order], return_index=True)
    images = np.diff(first, append=len(order)).astype(np.float64)
    label = np.full(seen.shape[1], -1)
    pairs: list[tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.float64]]] = []
    step = max(1, _BLOCK_ELEMENTS // len(seen))
    for start in range(0, seen.shape[1], step):
        block = seen[:, start : start + step][order].astype(np.float64)
        spikes = np.add.reduceat(block, first, axis=0)
        fired = spikes.any(axis=0)
        best = (spikes / images[:, None]).argmax(axis=0)
        label[start : start + step][fired] = present[best[fired]]
        row, column = np.nonzero(spikes)
        pairs.append((present[row], column + start, spikes[row, column]))
    place, neuron, spikes = (np.concatenate(part) for part in zip(*pairs, strict=True))
    return _sorted(label, np.bincount(where, minlength=total), neuron, place, spikes)


def joined(parts: Sequence[Assignment]) -> Assignment:
    """Put the neurons of several networks into one table, in the order given.

    Args:
        parts: Assignments over the same places; each network knows some of them.

    Raises:
        ShapeError: There is none, or they differ in the number of places.

    Examples:
        >>> one, two = assign([[2]], [0], places=2), assign([[1, 3]], [1], places=2)
        >>> joined([one, two]).label.tolist()
        [0, 1, 1]
    """
    sizes = {part.places for part in parts}
    if len(sizes) != 1:
        raise ShapeError(
            f"Assignments over {sorted(sizes) or 'no'} places.",
            "Expected at least one, all over the same places.",
            "Give assign() the number of places of the whole route.",
        )
    starts = np.cumsum([0, *map(len, parts)])
    together = _sorted(
        np.concatenate([part.label for part in parts]),
        np.sum([part.shown for part in parts], axis=0),
        np.concatenate([part.neuron + at for part, at in zip(parts, starts, strict=False)]),
        np.concatenate([part.place for part in parts]),
        np.concatenate([part.spikes for part in parts]),
    )
    return replace(together, labels=np.concatenate([part.labels_known() for part in parts]))


def scores(
    counts: ArrayLike,
    assignment: Assignment,
    *,
    readout: Readout = "standard",
    muted: ArrayLike | None = None,
    compat: Literal["vprsnn"] | None = None,
) -> NDArray[np.float32]:
    """Score every place for every query.

    Args:
        counts: Spikes ``[Q, n]`` for each query.
        assignment: Of the same neurons.
        readout: ``"standard"``, ``"weighted"`` or ``"spikes"``.
        muted: bool ``[n]``; these neurons count as silent (they stay among those averaged over).
        compat: ``"vprsnn"`` for the published weighted read-out, see the head of this file.

    Returns:
        float32 ``[Q, R]``; 0 for places without neurons, a row of 0 for a query without spikes.

    Raises:
        ShapeError: The counts or the mask are of other neurons.
        DataError: A count is negative, NaN or infinite.
        ConfigError: The read-out or ``compat`` is unknown.

    Examples:
        >>> table = assign([[3, 0], [0, 2]], [0, 2], places=3)
        >>> scores([[4, 1], [0, 0]], table).tolist()
        [[4.0, 0.0, 1.0], [0.0, 0.0, 0.0]]
    """
    if readout not in get_args(Readout):
        raise ConfigError(f"readout is {readout!r}.", f"Expected {', '.join(get_args(Readout))}.")
    if compat not in (None, "vprsnn"):
        raise ConfigError(f"compat is {compat!r}.", "Expected 'vprsnn' or None.")
    queries = _counts(counts, "query")
    if queries.shape[1] != len(assignment):
        raise ShapeError(
            f"Counts of {queries.shape[1]:,} neurons.",
            f"Expected {len(assignment):,}, as assigned.",
        )
    silent = np.zeros(len(assignment), np.bool_) if muted is None else np.asarray(muted)
    if silent.shape != (len(assignment),) or silent.dtype != np.bool_:
        raise ShapeError(
            f"The mask is {silent.dtype} {list(silent.shape)}.",
            f"Expected bool [{len(assignment)}], one for each neuron.",
        )
    reading = (
        _weighted(assignment, compat) if readout == "weighted" else _plain(assignment, readout)
    )
    return _read(queries, reading, silent, assignment.places)


def probabilities(scored: ArrayLike) -> NDArray[np.float32]:
    """Return scores of each query as shares: (S - min) / (max - min), divided by their sum.

    A query whose scores are all equal says nothing: its row is 0 (published: NaN).

    Args:
        scored: Real ``[Q, R]``.

    Examples:
        >>> probabilities([[1, 2, 2], [0, 0, 0]]).tolist()
        [[0.0, 0.5, 0.5], [0.0, 0.0, 0.0]]
    """
    above = np.asarray(scored, np.float64)
    above = above - above.min(axis=1, keepdims=True)
    total = above.sum(axis=1, keepdims=True)
    return np.divide(above, total, out=np.zeros_like(above), where=total > 0).astype(np.float32)


def answers(scored: ArrayLike) -> NDArray[np.int64]:
    """Return the best place of each query, the lowest of equal ones; -1 where all scores are 0.

    Examples:
        >>> answers([[0.5, 2, 2], [0, 0, 0]]).tolist()
        [1, -1]
    """
    matrix = np.asarray(scored)
    return np.where(matrix.any(axis=1), matrix.argmax(axis=1), -1)


class _Reading(NamedTuple):
    """Pairs (neuron, place) by neuron: what a spike of the neuron is worth there, its evidence."""

    neuron: NDArray[np.int64]
    place: NDArray[np.int64]
    worth: NDArray[np.float64]
    evidence: NDArray[np.float64] | None = None


def _plain(assignment: Assignment, readout: str) -> _Reading:
    neuron = np.flatnonzero(assignment.label >= 0)
    place = assignment.label[neuron]
    size = assignment.neurons_per_place() if readout == "standard" else np.ones(assignment.places)
    return _Reading(neuron, place, 1.0 / size[place])


def _weighted(assignment: Assignment, compat: str | None) -> _Reading:
    order = np.argsort(assignment.neuron, kind="stable")
    neuron, place = assignment.neuron[order], assignment.place[order]
    spikes = assignment.spikes[order]
    share = spikes / np.bincount(neuron, spikes)[neuron]
    fired_for = np.bincount(neuron)[neuron]
    labels, chosen = assignment.labels_known()[neuron], share > _LEAST_SHARE
    if compat is not None:
        top = np.unique(assignment.most_spikes())
        labels, chosen = np.full(len(neuron), len(top)), chosen & np.isin(place, top)
    worth = np.where(fired_for >= _INVOLVED * labels, share / fired_for, share)
    of_place = np.bincount(place[chosen], spikes[chosen], assignment.places)
    evidence = spikes[chosen] / of_place[place[chosen]]
    return _Reading(neuron[chosen], place[chosen], worth[chosen], evidence)


def _read(
    queries: NDArray[np.generic], reading: _Reading, silent: NDArray[np.bool_], places: int
) -> NDArray[np.float32]:
    """Let each spike add what it is worth; most counts are 0, and cost no more than being seen."""
    found = np.empty((len(queries), places), np.float32)
    pairs = np.bincount(reading.neuron, minlength=len(silent))
    first = np.cumsum(pairs) - pairs
    pairs[silent] = 0
    step = max(1, _BLOCK_ELEMENTS // max(places, len(silent)))
    for start in range(0, len(queries), step):
        block = queries[start : start + step]
        row, neuron = np.nonzero(block)
        many = pairs[neuron]
        pair = np.repeat(first[neuron] - (np.cumsum(many) - many), many) + np.arange(many.sum())
        cell = np.repeat(row * places, many) + reading.place[pair]
        spikes = np.repeat(block[row, neuron].astype(np.float64), many)
        total = np.bincount(cell, spikes * reading.worth[pair], len(block) * places)
        if reading.evidence is not None:
            total *= np.bincount(cell, reading.evidence[pair], len(block) * places)
        found[start : start + step] = total.reshape(-1, places)
    return found


def _sorted(
    label: NDArray[np.int64],
    shown: NDArray[np.int64],
    neuron: NDArray[np.int64],
    place: NDArray[np.int64],
    spikes: NDArray[np.float64],
) -> Assignment:
    order = np.lexsort((neuron, place))
    return Assignment(label, shown, neuron[order], place[order], spikes[order])


def _counts(counts: ArrayLike, what: str) -> NDArray[np.generic]:
    array = np.asarray(counts)
    if array.ndim != 2 or array.shape[1] == 0 or (what == "training" and len(array) == 0):
        raise ShapeError(
            f"The {what} counts have shape {list(array.shape)}.", "Expected [images, neurons]."
        )
    numbers = array.dtype.kind in "buif"
    if not numbers or (array.size and not (array.min() >= 0 and np.isfinite(array.max()))):
        raise DataError(
            f"The {what} counts ({array.dtype}) are not all numbers from 0 upwards.",
            "Expected spikes of each neuron for each image.",
        )
    return array


def _labels(labels: ArrayLike, images: int, places: int | None) -> tuple[NDArray[np.int64], int]:
    where = np.asarray(labels)
    if where.shape != (images,):
        raise ShapeError(
            f"{list(where.shape)} labels for {images:,} images.", "Expected one for each image.",
            "Take the labels of the same presentations as the counts.",
        )  # fmt: skip
    if where.dtype.kind not in "iu" and not np.array_equal(where, np.floor(where)):
        raise DataError("A label is no whole number.", "Expected numbers of places.")
    where = where.astype(np.int64)
    total = int(where.max()) + 1 if places is None else places
    outside = (where < 0) | (where >= total)
    if outside.any():
        raise DataError(
            f"Label {int(where[outside.argmax()])} of image {int(outside.argmax()):,}.",
            f"Expected places 0 to {total - 1:,}.",
        )
    return where, total
