"""Neurons that fire for too many places say little: they are counted, and muted.

    a(n)   = recorded reference images for which n fired at least once           images, not spikes
    muted  = a(n) >= share x (recorded images)                             share in 0 .. 1, or none

Images are those of the whole reference traverse, all regions. The published threshold is a number
of images, 0 for none, which means another thing for every data set (defect 13).

The share, and how long to train, are found on calibration places: everything is recorded once, and
all choices are tried in memory. The best one has the highest recall@1; of equal ones the highest
average precision of best matches, then the larger share (fewer neurons muted), then fewer epochs.

Reference:
    S. Hussaini, M. Milford and T. Fischer, "Ensembles of compact, region-specific and regularized
    spiking neural networks for scalable place recognition", ICRA 2023.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray

from saccade.contracts import Table
from saccade.errors import ConfigError, DataError, ShapeError
from saccade.retrieval import Truth, precision_recall
from saccade.tasks.place_stdp.assignment import Assignment, Readout, answers, scores

__all__ = [
    "SHARES",
    "Activity",
    "Calibration",
    "Sweep",
    "Trial",
    "active_images",
    "muted_neurons",
    "sweep",
]

SHARES: tuple[float | None, ...] = (None, 0.6, 0.4, 0.3, 0.2, 0.15, 0.1, 0.07, 0.05, 0.03, 0.02)
"""Shares that are tried without other instructions; None mutes nobody."""


@dataclass(frozen=True, eq=False)
class Activity:
    """For how many images each neuron fired.

    Args:
        images: Images recorded.
        active: int64 ``[n]``, images with at least one spike.
    """

    images: int
    active: NDArray[np.int64]

    def share(self) -> NDArray[np.float64]:
        """Return the share of images for which each neuron fired, 0 to 1."""
        return self.active / max(self.images, 1)


@dataclass(frozen=True, eq=False)
class Calibration:
    """What was recorded of networks that were trained for one number of epochs.

    Args:
        counts: Spikes of the calibration queries ``[Q, n]``.
        assignment: Of the same neurons.
        activity: Over the reference traverse, of the same neurons.
    """

    counts: ArrayLike
    assignment: Assignment
    activity: Activity


@dataclass(frozen=True)
class Trial:
    """One choice and what it is worth.

    Args:
        epochs: Epochs of training.
        share: Share of images from which a neuron is muted; None = nobody is.
        muted: Neurons muted.
        recall_at_1: Share of all queries whose best place is right; silence is no answer.
        average_precision: Of best matches, accepted by falling score.
    """

    epochs: int
    share: float | None
    muted: int
    recall_at_1: float
    average_precision: float


@dataclass(frozen=True)
class Sweep:
    """All choices that were tried, and the best one."""

    trials: tuple[Trial, ...]
    best: Trial

    def table(self) -> Table:
        """Return a row per choice, in the order tried."""
        columns = ("epochs", "share", "neurons muted", "recall@1", "average precision")
        rows = tuple(
            (item.epochs, item.share, item.muted, item.recall_at_1, item.average_precision)
            for item in self.trials
        )
        return Table("Calibration", columns, rows)


def active_images(blocks: Iterable[ArrayLike]) -> Activity:
    """Count images, block by block; only one block is held.

    Args:
        blocks: Spikes ``[images, n]``, as recorded, all of the same neurons.

    Raises:
        ShapeError: Blocks differ in their neurons, or there is none.
        DataError: A count is negative or NaN.

    Examples:
        >>> active_images([[[2, 0]], [[1, 0], [0, 0]]]).active.tolist()
        [2, 0]
    """
    images, active = 0, np.empty(0, np.int64)
    for k, block in enumerate(blocks):
        counts = np.asarray(block)
        if counts.ndim != 2 or (k and counts.shape[1] != len(active)):
            raise ShapeError(
                f"Block {k:,} of recorded counts has shape {list(counts.shape)}.",
                f"Expected [images, {len(active):,}]." if k else "Expected [images, neurons].",
            )
        if counts.size and not counts.min() >= 0:
            raise DataError(f"Block {k:,} holds negative counts or NaN.", "Expected spikes.")
        active = (active if k else 0) + np.count_nonzero(counts, axis=0)
        images += len(counts)
    if not images:
        raise ShapeError("No image was recorded.", "Expected at least one.")
    return Activity(images, np.asarray(active, np.int64))


def muted_neurons(
    activity: Activity,
    *,
    share: float | None = None,
    images: int | None = None,
    compat: Literal["vprsnn"] | None = None,
) -> NDArray[np.bool_]:
    """Return which neurons are muted.

    Args:
        activity: Over the reference traverse.
        share: Share of its images from which a neuron is muted; None = nobody is.
        images: The published threshold instead, a number of images, 0 = nobody; with ``compat``.
        compat: ``"vprsnn"``.

    Returns:
        bool ``[n]``.

    Raises:
        ConfigError: The threshold is outside its range, or of the other kind.

    Examples:
        >>> activity = Activity(images=10, active=np.array([0, 4, 9]))
        >>> muted_neurons(activity, share=0.4).tolist()
        [False, True, True]
        >>> muted_neurons(activity, images=9, compat="vprsnn").tolist()
        [False, False, True]
    """
    if compat not in (None, "vprsnn"):
        raise ConfigError(f"compat is {compat!r}.", "Expected 'vprsnn' or None.")
    if (compat is None) != (images is None) or (compat is not None and share is not None):
        raise ConfigError(
            f"share {share}, images {images}, compat {compat!r}.",
            "Expected a share, or images with compat='vprsnn'.",
        )
    if images is not None:
        if images < 0:
            raise ConfigError(f"A threshold of {images} images.", "Expected 0 or more.")
        return (activity.active >= images) & (images > 0)
    if share is None:
        return np.zeros(len(activity.active), np.bool_)
    if not 0 < share <= 1:
        raise ConfigError(f"A share of {share}.", "Expected above 0, at most 1; None mutes nobody.")
    return activity.active >= share * activity.images * (1 - 1e-12)


def sweep(
    calibrations: Mapping[int, Calibration],
    truth: Truth,
    *,
    shares: Sequence[float | None] = SHARES,
    readout: Readout = "standard",
) -> Sweep:
    """Try every share with every number of epochs on the calibration queries.

    Args:
        calibrations: Epochs -> what was recorded after them.
        truth: Right places of the queries, Q by R.
        shares: Shares to try.
        readout: As `scores`.

    Raises:
        ConfigError: There is nothing to try, or a share is outside its range.
        ShapeError: Counts, assignment, activity and truth do not belong together.
        DataError: No query has a right place.

    Examples:
        >>> from saccade.retrieval import IndexTolerance
        >>> from saccade.tasks.place_stdp.assignment import assign
        >>> table = assign([[4, 0, 1], [0, 4, 2]], [0, 1])
        >>> seen = Calibration([[3, 0, 9], [0, 1, 9]], table, Activity(2, np.array([1, 1, 2])))
        >>> truth = IndexTolerance(2, 2, tolerance=0, inclusive=True)
        >>> found = sweep({30: seen}, truth, shares=(None, 1.0)).best
        >>> found.share, found.recall_at_1
        (1.0, 1.0)
    """
    if not calibrations or not shares:
        raise ConfigError(
            f"{len(calibrations)} numbers of epochs and {len(shares)} shares to try.",
            "Expected at least one of each.",
        )
    trials: list[Trial] = []
    for epochs, seen in calibrations.items():
        if len(seen.activity.active) != len(seen.assignment):
            raise ShapeError(
                f"Activity of {len(seen.activity.active):,} neurons after {epochs} epochs.",
                f"Expected {len(seen.assignment):,}, as assigned.",
            )
        for share in shares:
            muted = muted_neurons(seen.activity, share=share)
            scored = scores(seen.counts, seen.assignment, readout=readout, muted=muted)
            trials.append(Trial(epochs, share, int(muted.sum()), *_worth(scored, truth)))
    return Sweep(tuple(trials), max(trials, key=_order))


def _order(trial: Trial) -> tuple[float, float, float, int]:
    share = np.inf if trial.share is None else trial.share
    return trial.recall_at_1, trial.average_precision, share, -trial.epochs


def _worth(scored: NDArray[np.float32], truth: Truth) -> tuple[float, float]:
    """Recall@1 and average precision of best matches; a silent query is one not answered."""
    if truth.shape != scored.shape:
        raise ShapeError(
            f"The truth is for {truth.shape[0]:,} queries and {truth.shape[1]:,} places.",
            f"Expected {scored.shape[0]:,} and {scored.shape[1]:,}.",
        )
    everything = np.arange(len(scored))[:, None], np.arange(scored.shape[1])[None]
    answerable = int(truth.matches(*everything).any(axis=1).sum())
    if not answerable:
        raise DataError("No calibration query has a right place.", "Expected at least one.")
    best = answers(scored)
    answered = np.flatnonzero(best >= 0)
    if not len(answered):
        return 0.0, 0.0
    right = truth.matches(answered, best[answered])
    curve = precision_recall(scored[answered, best[answered]], right, true_pairs=answerable)
    return float(right.sum() / len(scored)), curve.average_precision
