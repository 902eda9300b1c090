"""Places shared out among modules: which module learns which places, in what order.

    position   0 .. num_cal - 1   calibration        num_cal .. P - 1   test
    module m   positions m L .. (m + 1) L - 1        the last one may have fewer
    order      place at each position

A region is a run of L positions: neighbouring places where the order is that of the route, or any L
places where it is shuffled (VPRSNN since December 2023). Calibration places are chosen by a seed of
their own, so that they are the same for all members of an ensemble.

``published_regions`` draws as VPRSNN does, with NumPy's generator of before 1.17.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray

from saccade.errors import ConfigError, ShapeError

__all__ = ["Part", "Regions", "consecutive_regions", "published_regions", "shuffled_regions"]

Part = Literal["all", "calibration", "test"]

_PUBLISHED_CALIBRATION_SEED = 42


@dataclass(frozen=True, eq=False)
class Regions:
    """The order of places and how many are for calibration.

    Args:
        order: int64 ``[P]``, place at each position, every place once.
        calibration: Positions, from the first, that are for calibration.

    Raises:
        ConfigError: A place is missing or twice, or there are more calibration places than places.

    Examples:
        >>> regions = Regions(np.array([2, 0, 3, 1]), calibration=1)
        >>> regions.places("calibration").tolist(), regions.places("test").tolist()
        ([2], [0, 3, 1])
        >>> [module.tolist() for module in regions.modules(2, part="test")]
        [[0, 3], [1]]
    """

    order: NDArray[np.int64]
    calibration: int = 0

    def __post_init__(self) -> None:
        order = np.asarray(self.order)
        if order.ndim != 1 or not np.array_equal(np.sort(order), np.arange(len(order))):
            raise ConfigError(
                f"An order of {order.size:,} positions.", "Expected every place from 0 on once."
            )
        if not 0 <= self.calibration <= len(order):
            raise ConfigError(
                f"{self.calibration:,} calibration places.", f"Expected 0 to {len(order):,}."
            )
        object.__setattr__(self, "order", order.astype(np.int64))

    def __len__(self) -> int:
        return len(self.order)

    def places(self, part: Part = "all") -> NDArray[np.int64]:
        """Return the places of a part by position.

        Raises:
            ConfigError: The part is unknown.
        """
        cut = {
            "all": slice(None),
            "calibration": slice(self.calibration),
            "test": slice(self.calibration, None),
        }
        if part not in cut:
            raise ConfigError(f"part is {part!r}.", f"Expected one of {', '.join(cut)}.")
        return self.order[cut[part]]

    def modules(
        self, length: int, *, part: Part = "all", even: bool = False
    ) -> list[NDArray[np.int64]]:
        """Return the places of each module.

        Args:
            length: Places of a module L.
            part: Only modules of this part; modules of "all" may cross from one to the other.
            even: As many modules of nearly equal size, not all of L places and one of the rest: in
                a smaller module more neurons speak for each place, and its places would win.

        Raises:
            ConfigError: ``length`` is below 1.
        """
        if length < 1:
            raise ConfigError(f"{length} places in a module.", "Expected at least 1.")
        places = self.places(part)
        if even and len(places):
            return np.array_split(places, -(-len(places) // length))
        return [places[start : start + length] for start in range(0, len(places), length)]

    def in_order(
        self, scores: ArrayLike, *, part: Part = "all", queries: ArrayLike | None = None
    ) -> NDArray[np.floating]:
        """Undo the order on both axes of scores that were made by position.

        Args:
            scores: Real ``[Q, R]``, R positions of the part.
            part: Of which the references are.
            queries: Place of each query ``[Q]``; None = the same positions as the references.

        Returns:
            Rows and columns sorted by place; queries of one place stay in their order.

        Raises:
            ShapeError: There are other numbers of queries or references.

        Examples:
            >>> regions = Regions(np.array([2, 0, 1]))
            >>> regions.in_order(np.diag([20, 0, 10])).diagonal().tolist()
            [0, 10, 20]
        """
        matrix = np.asarray(scores)
        places = self.places(part)
        rows = places if queries is None else np.asarray(queries)
        if matrix.shape != (len(rows), len(places)):
            raise ShapeError(
                f"Scores have shape {list(matrix.shape)}.",
                f"Expected [{len(rows):,}, {len(places):,}] for part {part!r}.",
                "Say queries= where they are not the references." if queries is None else "",
            )
        return matrix[np.ix_(np.argsort(rows, kind="stable"), np.argsort(places))]


def consecutive_regions(places: int, *, calibration: int = 0) -> Regions:
    """Keep the order of the route: a region is a stretch of road.

    Args:
        places: Number of places P.
        calibration: Places for calibration, the first ones.

    Examples:
        >>> consecutive_regions(4, calibration=1).places("test").tolist()
        [1, 2, 3]
    """
    return Regions(np.arange(places), calibration)


def shuffled_regions(
    places: int, *, calibration: int = 0, seed: int = 0, calibration_seed: int = 42
) -> Regions:
    """Draw an order: a region is any set of places.

    Args:
        places: Number of places P.
        calibration: Places for calibration.
        seed: Of the order, one for each member of an ensemble.
        calibration_seed: Of the choice of calibration places, the same for all members.

    Raises:
        ConfigError: There are more calibration places than places.

    Examples:
        >>> one, two = (shuffled_regions(9, calibration=3, seed=seed) for seed in (0, 1))
        >>> sorted(one.places("calibration")) == sorted(two.places("calibration"))
        True
    """
    _check(places, calibration)
    chosen = np.random.default_rng(calibration_seed).permutation(places)[:calibration]
    rest = np.setdiff1d(np.arange(places), chosen)
    rng = np.random.default_rng(seed)
    return Regions(np.concatenate([rng.permutation(chosen), rng.permutation(rest)]), calibration)


def published_regions(places: int, *, calibration: int = 0, seed: int = 0) -> Regions:
    """Draw the order of VPRSNN: ``shuffled_indices_L{places}_S{seed}.npy`` without the file.

    The member's generator shuffles the calibration places, throws one permutation of all places
    away, and shuffles the rest.

    Args:
        places: Number of places P.
        calibration: Places for calibration.
        seed: Of the member.

    Raises:
        ConfigError: There are more calibration places than places.

    Examples:
        >>> published_regions(6, calibration=2, seed=10).order.tolist()
        [0, 1, 4, 3, 2, 5]
    """
    _check(places, calibration)
    chooser = np.random.RandomState(_PUBLISHED_CALIBRATION_SEED)
    chosen = chooser.permutation(places)[:calibration]
    member = np.random.RandomState(seed)
    member.shuffle(chosen)
    member.permutation(places)
    rest = np.setdiff1d(np.arange(places), chosen)
    member.shuffle(rest)
    return Regions(np.concatenate([chosen, rest]), calibration)


def _check(places: int, calibration: int) -> None:
    if places < 1 or not 0 <= calibration <= places:
        raise ConfigError(
            f"{calibration:,} calibration places of {places:,}.",
            "Expected at least one place, and no more for calibration than there are.",
        )
