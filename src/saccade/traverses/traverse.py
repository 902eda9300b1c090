"""What training and evaluation need of a data set: traverses with positions, and who is for what.

    Traverse   N windows along a route: a position and a frame each, the frame made when asked for
    Pair       one traverse looked up in another
    PlaceSet   traverses to train on, a pair to stop by, pairs to test on, and when a match is right

A data set is a module with ``open_set(args) -> PlaceSet``, listed in `saccade.traverses.sets`.
Nothing is loaded before a frame is asked for.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal, Protocol, runtime_checkable

import numpy as np
from numpy.typing import NDArray

from saccade.errors import DataError, ShapeError
from saccade.events.types import Events
from saccade.retrieval import Geodesic, Planar, Truth, TruthMatrix

__all__ = [
    "COUNTS",
    "GREY",
    "EventTraverse",
    "ImageTraverse",
    "MatrixPair",
    "NumberedPlaces",
    "Pair",
    "PlaceSet",
    "Positions",
    "Traverse",
    "voxel_sums",
]

COUNTS = "raw event counts"
"""What frames hold, in the words of weight cards."""

GREY = "grey values of images"
"""What frames of one channel hold, 0 to 255, where they are images."""

_EARTH_M = 6_371_000.0


def voxel_sums(bins: int) -> str:
    """Return what the frames of NYC-Event-VPR hold, in the words of weight cards.

    Examples:
        >>> voxel_sums(15)
        'sums of a voxel grid of 15 bins, positive and negative apart'
    """
    return f"sums of a voxel grid of {bins} bins, positive and negative apart"


@dataclass(frozen=True, eq=False)
class Positions:
    """Where the windows of a traverse were taken; the kind is named, never guessed (defect C1).

    Args:
        values: float64 ``[N, 2]``: east and north in metres, or latitude and longitude in degrees.
        kind: ``"planar"`` for metres, ``"geodesic"`` for degrees.
        area: Positions of other areas are near none of these, whatever the numbers.

    Raises:
        ShapeError: Not ``[N, 2]``.
        DataError: A position is NaN or infinite.
    """

    values: NDArray[np.float64]
    kind: Literal["planar", "geodesic"]
    area: str = ""

    def __post_init__(self) -> None:
        if self.values.ndim != 2 or self.values.shape[1] != 2:
            raise ShapeError(f"Positions {list(self.values.shape)}.", "Expected [N, 2].")
        if not np.isfinite(self.values).all():
            row = int(np.flatnonzero(~np.isfinite(self.values).all(axis=1))[0])
            raise DataError(f"Position {row:,} is {self.values[row]}.", "Expected finite numbers.")

    def __len__(self) -> int:
        return len(self.values)

    def metres(self, origin: NDArray[np.float64] | None = None) -> NDArray[np.float64]:
        """Return east and north in metres; degrees on the plane that touches at an origin.

        Args:
            origin: Latitude and longitude; the first position without. Ignored for metres.
        """
        if self.kind == "planar" or not len(self):
            return self.values
        start = self.values[0] if origin is None else origin
        north, east = np.radians(self.values - start).T * _EARTH_M
        return np.column_stack([east * np.cos(np.radians(start[0])), north])

    def truth(self, references: Positions, tolerance_m: float, *, inclusive: bool) -> Truth:
        """Return which of the references are true matches of these queries.

        Raises:
            DataError: One is in metres and the other in degrees, or they are of two areas.
        """
        if self.area != references.area:
            raise DataError(
                f"Queries are of area {self.area!r}, references of {references.area!r}.",
                "Expected two drives through one area.",
            )
        if self.kind != references.kind:
            raise DataError(
                f"Queries have {self.kind} positions, references {references.kind} ones.",
                "Expected the same kind: metres or degrees.",
            )
        kind = Planar if self.kind == "planar" else Geodesic
        return kind(self.values, references.values, tolerance_m=tolerance_m, inclusive=inclusive)


class Traverse(Protocol):
    """One drive; may be used by several threads at once, and be pickled."""

    @property
    def name(self) -> str:
        """Its name in reports."""
        ...

    @property
    def positions(self) -> Positions:
        """Where each window was taken."""
        ...

    @property
    def session(self) -> NDArray[np.int64]:
        """Number of the recording session of each window, ``[N]``; for strict recall."""
        ...

    def __len__(self) -> int: ...

    def frame(self, k: int, rng: np.random.Generator | None = None) -> NDArray[np.float32]:
        """Return the frame of window k, float32 ``[C, H, W]``: counts (OFF, ON), or a grey image.

        Args:
            k: Window.
            rng: Draws the augmentation of the training recipe, flips left out (those are drawn for
                a pair together, defect D2); without it the frame of evaluation.
        """
        ...


@runtime_checkable
class EventTraverse(Traverse, Protocol):
    """A drive that still has the events of its windows, not their counts alone."""

    def window(self, k: int, rng: np.random.Generator | None = None) -> Events:
        """Return the events that `frame` counts."""
        ...


@runtime_checkable
class ImageTraverse(Traverse, Protocol):
    """A drive of images that still has their colours."""

    def rgb(self, k: int) -> NDArray[np.uint8]:
        """Return image k, uint8 ``[H, W, 3]``, of which `frame` is the grey one."""
        ...


@dataclass(frozen=True, eq=False)
class NumberedPlaces:
    """The part of a traverse whose places are numbered: what such sets have in common.

    Args:
        name: Traverse, and range.
        places: int64 ``[N]``, number of the place that each window shows.
    """

    name: str
    places: NDArray[np.int64]

    @property
    def positions(self) -> Positions:
        """Number of the place as metres along a straight road."""
        along = self.places.astype(np.float64)
        return Positions(np.column_stack([along, np.zeros(len(along))]), "planar")

    @property
    def session(self) -> NDArray[np.int64]:
        """One session."""
        return np.zeros(len(self.places), np.int64)

    def __len__(self) -> int:
        return len(self.places)


@dataclass(frozen=True)
class Pair:
    """One traverse looked up in another.

    Args:
        query: Whose windows are looked up.
        reference: Whose windows are searched, all of them.
        strict: Matches of the query's own session do not count (NYC).
    """

    query: Traverse
    reference: Traverse
    strict: bool = False

    @property
    def name(self) -> str:
        """``"night in day"``."""
        return f"{self.query.name} in {self.reference.name}"

    def truth(self, tolerance_m: float, *, inclusive: bool) -> Truth:
        """Return the true matches."""
        return self.query.positions.truth(
            self.reference.positions, tolerance_m, inclusive=inclusive
        )


@dataclass(frozen=True, kw_only=True)
class MatrixPair(Pair):
    """A pair whose true matches are given.

    Args:
        matrix: Which windows show the same place.
    """

    matrix: TruthMatrix

    def truth(self, tolerance_m: float, *, inclusive: bool) -> Truth:
        """Return the matrix; distances play no part."""
        return self.matrix


@dataclass(frozen=True)
class PlaceSet:
    """A data set that is ready to train and to test on.

    Args:
        name: Its name.
        train: Traverses to train on; empty where it only serves tests.
        val: The pair that decides when training stops; None where it is trained to the end.
        tests: Pairs to test on, none of them seen in training or validation.
        positive_m: In training, windows at most so far apart show the same place.
        tolerance_m: In tests, a match is right within this distance.
        inclusive: Whether exactly that distance counts.
        is_sideways: Whether the camera looks across its motion. An edge that passes the other way
            darkens what it brightened, so mirrored frames exchange polarities.
        notes: What a reader of results must know, e.g. that events are simulated.
        labels: Makes the published labels of the windows of each training traverse, where there
            are any.
        units: What frames hold.
    """

    name: str
    train: tuple[Traverse, ...]
    val: Pair | None
    tests: tuple[Pair, ...]
    positive_m: float
    tolerance_m: float
    inclusive: bool = False
    is_sideways: bool = False
    notes: tuple[str, ...] = ()
    labels: Callable[[], tuple[NDArray[np.int64], ...]] | None = None
    units: str = COUNTS
