"""Ground truth of retrieval: when is a reference a true match of a query?

    Geodesic         geodesic(q, r) <  tolerance_m      latitude, longitude in degrees
    Planar           |q - r|        <  tolerance_m      x, y in metres
    TimeTolerance    |t_q - t_r|    <  tolerance_us     microseconds
    IndexTolerance   |q - r|        <  tolerance        frame numbers
    TruthMatrix      given

The kind is always named, never guessed from the numbers: metres near an origin look like degrees.
``inclusive`` says whether a distance of exactly the tolerance counts (``<=``) or not (``<``); it
has no default, because published evaluations differ in it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal, Protocol

import numpy as np
from numpy.typing import ArrayLike, NDArray

from saccade.errors import ConfigError, DataError, ShapeError
from saccade.retrieval.geodesic import haversine_distance_m, within_wgs84

__all__ = ["Geodesic", "IndexTolerance", "Planar", "TimeTolerance", "Truth", "TruthMatrix"]

Index = NDArray[np.int64]


class Truth(Protocol):
    """What recall needs to know about true matches."""

    @property
    def shape(self) -> tuple[int, int]:
        """Number of queries and of references."""
        ...

    def matches(self, queries: Index, references: Index) -> NDArray[np.bool_]:
        """Say for index arrays, broadcast together, which pairs are true matches."""
        ...


@dataclass(frozen=True, eq=False)
class Geodesic:
    """Latitude and longitude within a distance on the earth.

    Args:
        queries: Degrees ``[Q, 2]``, latitude (-90 to 90) first, then longitude (-180 to 180).
        references: Degrees ``[R, 2]``.
        tolerance_m: Distance in metres.
        inclusive: True for ``<=``, False for ``<``.
        earth: ``"wgs84"`` (ellipsoid, 1e-3 m) or ``"sphere"`` (haversine, up to 0.6 % off).

    Raises:
        ShapeError: An array is not ``[N, 2]``.
        DataError: A coordinate is NaN or outside its range.
        ConfigError: The tolerance is not a positive finite number, or ``earth`` is unknown.

    Examples:
        >>> truth = Geodesic([[0, 0]], [[0, 0.0004], [0, 1]], tolerance_m=75, inclusive=False)
        >>> truth.matches(np.array([0]), np.array([0, 1])).tolist()
        [True, False]
    """

    queries: ArrayLike
    references: ArrayLike
    tolerance_m: float
    inclusive: bool
    earth: Literal["wgs84", "sphere"] = "wgs84"

    def __post_init__(self) -> None:
        _check_tolerance(self.tolerance_m, "tolerance_m", zero=False)
        if self.earth not in ("wgs84", "sphere"):
            raise ConfigError(f"earth is {self.earth!r}.", "Expected 'wgs84' or 'sphere'.")
        for name in ("queries", "references"):
            degrees = _pairs(getattr(self, name), name)
            _check_degrees(degrees, name)
            object.__setattr__(self, name, degrees)

    @property
    def shape(self) -> tuple[int, int]:
        """Number of queries and of references."""
        return len(_array(self.queries)), len(_array(self.references))

    def matches(self, queries: Index, references: Index) -> NDArray[np.bool_]:
        """Say for index arrays, broadcast together, which pairs are true matches."""
        q, r = _array(self.queries)[queries], _array(self.references)[references]
        points = (q[..., 0], q[..., 1], r[..., 0], r[..., 1])
        if self.earth == "wgs84":
            return within_wgs84(*points, self.tolerance_m, inclusive=self.inclusive)
        return _within(haversine_distance_m(*points), self.tolerance_m, self.inclusive)


@dataclass(frozen=True, eq=False)
class Planar:
    """Positions on a plane within a distance.

    Args:
        queries: Metres ``[Q, 2]`` in one map frame (for example UTM easting and northing).
        references: Metres ``[R, 2]`` in the same frame.
        tolerance_m: Distance in metres.
        inclusive: True for ``<=``, False for ``<``.

    Raises:
        ShapeError: An array is not ``[N, 2]``.
        DataError: A coordinate is NaN or infinite.
        ConfigError: The tolerance is negative or not finite.

    Examples:
        >>> truth = Planar([[0, 0]], [[3, 4], [3, 5]], tolerance_m=5, inclusive=True)
        >>> truth.matches(np.array([0]), np.array([0, 1])).tolist()
        [True, False]
    """

    queries: ArrayLike
    references: ArrayLike
    tolerance_m: float
    inclusive: bool

    def __post_init__(self) -> None:
        _check_tolerance(self.tolerance_m, "tolerance_m", zero=self.inclusive)
        for name in ("queries", "references"):
            object.__setattr__(self, name, _pairs(getattr(self, name), name))

    @property
    def shape(self) -> tuple[int, int]:
        """Number of queries and of references."""
        return len(_array(self.queries)), len(_array(self.references))

    def matches(self, queries: Index, references: Index) -> NDArray[np.bool_]:
        """Say for index arrays, broadcast together, which pairs are true matches."""
        step = _array(self.queries)[queries] - _array(self.references)[references]
        return _within(np.hypot(step[..., 0], step[..., 1]), self.tolerance_m, self.inclusive)


@dataclass(frozen=True, eq=False)
class TimeTolerance:
    """Times on one clock within an interval.

    Args:
        queries: Microseconds ``[Q]``, integers.
        references: Microseconds ``[R]`` on the same clock, integers.
        tolerance_us: Interval in microseconds.
        inclusive: True for ``<=``, False for ``<``.

    Examples:
        >>> truth = TimeTolerance([1_000], [900, 500], tolerance_us=100, inclusive=True)
        >>> truth.matches(np.array([0]), np.array([0, 1])).tolist()
        [True, False]
    """

    queries: ArrayLike
    references: ArrayLike
    tolerance_us: int
    inclusive: bool

    def __post_init__(self) -> None:
        _check_tolerance(self.tolerance_us, "tolerance_us", zero=self.inclusive)
        for name in ("queries", "references"):
            times = np.asarray(getattr(self, name))
            if times.ndim != 1:
                raise ShapeError(f"{name} have shape {times.shape}.", "Expected times [N].")
            if times.dtype.kind not in "iu" and times.size:
                raise DataError(f"{name} hold {times.dtype} values.", "Expected integer µs.")
            object.__setattr__(self, name, times.astype(np.int64))

    @property
    def shape(self) -> tuple[int, int]:
        """Number of queries and of references."""
        return len(_array(self.queries)), len(_array(self.references))

    def matches(self, queries: Index, references: Index) -> NDArray[np.bool_]:
        """Say for index arrays, broadcast together, which pairs are true matches."""
        step = _array(self.queries)[queries] - _array(self.references)[references]
        return _within(np.abs(step), self.tolerance_us, self.inclusive)


@dataclass(frozen=True)
class IndexTolerance:
    """Frame numbers of two recordings of equal pace within a number of frames.

    Args:
        queries: Number of queries Q.
        references: Number of references R.
        tolerance: Frames.
        inclusive: True for ``<=``, False for ``<``.

    Examples:
        >>> truth = IndexTolerance(queries=5, references=5, tolerance=1, inclusive=True)
        >>> truth.matches(np.array([2]), np.arange(5)).tolist()
        [False, True, True, True, False]
    """

    queries: int
    references: int
    tolerance: int
    inclusive: bool

    def __post_init__(self) -> None:
        _check_tolerance(self.tolerance, "tolerance", zero=self.inclusive)

    @property
    def shape(self) -> tuple[int, int]:
        """Number of queries and of references."""
        return self.queries, self.references

    def matches(self, queries: Index, references: Index) -> NDArray[np.bool_]:
        """Say for index arrays, broadcast together, which pairs are true matches."""
        return _within(np.abs(queries - references), self.tolerance, self.inclusive)


@dataclass(frozen=True, eq=False)
class TruthMatrix:
    """True matches as a matrix; the layout is stated, since a square matrix cannot show it.

    Args:
        matrix: bool (or 0 and 1), ``[Q, R]`` or ``[R, Q]``.
        layout: ``"query_by_reference"`` or ``"reference_by_query"``.

    Raises:
        ShapeError: The matrix is not two-dimensional.
        DataError: It holds something else than 0 and 1.
        ConfigError: The layout is unknown.

    Examples:
        >>> TruthMatrix([[1, 0, 0], [0, 1, 1]], layout="reference_by_query").shape
        (3, 2)
    """

    matrix: ArrayLike
    layout: Literal["query_by_reference", "reference_by_query"]

    def __post_init__(self) -> None:
        if self.layout not in ("query_by_reference", "reference_by_query"):
            raise ConfigError(
                f"layout is {self.layout!r}.",
                "Expected 'query_by_reference' or 'reference_by_query'.",
            )
        matrix = np.asarray(self.matrix)
        if matrix.ndim != 2:
            raise ShapeError(f"The truth matrix has shape {matrix.shape}.", "Expected two axes.")
        if matrix.dtype != np.bool_:
            if not np.isin(matrix, (0, 1)).all():
                raise DataError(
                    "The truth matrix holds values other than 0 and 1.",
                    fix="Are these distances? Compare them with a tolerance first.",
                )
            matrix = matrix.astype(np.bool_)
        object.__setattr__(self, "matrix", matrix)

    @property
    def shape(self) -> tuple[int, int]:
        """Number of queries and of references."""
        first, second = _array(self.matrix).shape
        return (first, second) if self.layout == "query_by_reference" else (second, first)

    def matches(self, queries: Index, references: Index) -> NDArray[np.bool_]:
        """Say for index arrays, broadcast together, which pairs are true matches."""
        matrix = _array(self.matrix)
        if self.layout == "query_by_reference":
            return matrix[queries, references]
        return matrix[references, queries]


def _array(values: ArrayLike) -> NDArray[Any]:
    return np.asarray(values)


def _within(distance: NDArray[Any], tolerance: float, inclusive: bool) -> NDArray[np.bool_]:
    return distance <= tolerance if inclusive else distance < tolerance


def _check_tolerance(value: float, name: str, *, zero: bool) -> None:
    if np.isfinite(value) and (value > 0 or (zero and value == 0)):
        return
    raise ConfigError(f"{name} is {value}.", f"Expected a number {'>= 0' if zero else '> 0'}.")


def _pairs(values: ArrayLike, name: str) -> NDArray[np.float64]:
    pairs = np.asarray(values, dtype=np.float64)
    if pairs.ndim != 2 or pairs.shape[1] != 2:
        raise ShapeError(f"{name} have shape {pairs.shape}.", "Expected positions [N, 2].")
    if not np.isfinite(pairs).all():
        at = int(np.argmin(np.isfinite(pairs).all(axis=1)))
        raise DataError(
            f"Position {at:,} of the {name} is ({pairs[at, 0]}, {pairs[at, 1]}).",
            "Expected finite numbers.",
            "Drop the frames without a position first.",
        )
    return pairs


def _check_degrees(degrees: NDArray[np.float64], name: str) -> None:
    for column, word, limit in ((0, "latitude", 90.0), (1, "longitude", 180.0)):
        outside = np.abs(degrees[:, column]) > limit
        if not outside.any():
            continue
        at = int(np.argmax(outside))
        swapped = word == "latitude" and bool((np.abs(degrees[:, 1]) <= 90).all())
        raise DataError(
            f"{word} = {degrees[at, column]} at row {at:,} of the {name}.",
            f"Expected -{limit:g} to {limit:g} degrees.",
            "Are latitude and longitude swapped, or are these metres (Planar)?"
            if swapped or word == "latitude"
            else "Are these 0 to 360? Subtract 360 above 180. Metres belong in Planar.",
        )
