"""From positions to places: which windows show the same place, and which label each place has.

    along one route   cumulative distance -> bins of so many metres -> consecutive labels
    anywhere          greedy cover: everything around the first unlabelled point gets its label

Labels feed the published loss. They make near neighbours negatives wherever a boundary runs
between them (defect D1), so training masks pairs by distance instead.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

from saccade.errors import ConfigError, ShapeError

__all__ = ["along_route", "cover_labels", "moving", "positives", "route_labels"]


def moving(position_m: ArrayLike, least_m: float) -> NDArray[np.int64]:
    """Return the indices of points at least so far from the last one kept; the first is kept.

    Args:
        position_m: float ``[N, 2]``; a third column, height, is left out, here and below.
        least_m: Metres.

    Examples:
        >>> moving([[0, 0], [1, 0], [2, 0], [2, 0], [4, 0]], 1.5).tolist()
        [0, 2, 4]
    """
    points = _points(position_m)
    kept: list[int] = []
    for k, point in enumerate(points):
        if not kept or float(np.linalg.norm(point - points[kept[-1]])) >= least_m:
            kept.append(k)
    return np.array(kept, np.int64)


def along_route(position_m: ArrayLike) -> NDArray[np.float64]:
    """Return the distance travelled at each point, ``[N]`` metres, from 0.

    Examples:
        >>> along_route([[0, 0], [3, 4], [3, 5]]).tolist()
        [0.0, 5.0, 6.0]
    """
    steps = np.linalg.norm(np.diff(_points(position_m), axis=0), axis=1)
    return np.concatenate([[0.0], np.cumsum(steps)])


def route_labels(distance_m: ArrayLike, bin_m: float) -> NDArray[np.int64]:
    """Return consecutive numbers of the bins ``[k b, (k + 1) b)`` that hold a point.

    Examples:
        >>> route_labels([0.0, 9.9, 10.0, 41.0], 10.0).tolist()
        [0, 0, 1, 2]
    """
    if not bin_m > 0:
        raise ConfigError(f"Bins of {bin_m} m.", "Expected a length above 0.")
    bins = np.floor(np.asarray(distance_m, np.float64) / bin_m).astype(np.int64)
    return np.unique(bins, return_inverse=True)[1].astype(np.int64)


def positives(
    position_m: ArrayLike,
    other_m: ArrayLike,
    radius_m: float,
    *,
    nearest_if_none: bool = True,
) -> list[NDArray[np.int64]]:
    """Return for each point the others within a radius (<=), rising; the nearest where none is.

    Args:
        position_m: float ``[N, 2]``.
        other_m: float ``[M, 2]``.
        radius_m: Metres.
        nearest_if_none: Give the nearest other where none is within the radius.

    Examples:
        >>> [list(map(int, row)) for row in positives([[0, 0], [50, 0]], [[0, 5], [5, 0]], 6.0)]
        [[0, 1], [1]]
    """
    here, there = _points(position_m), _points(other_m)
    order = np.argsort(there[:, 0], kind="stable")
    along = there[order, 0]
    low = np.searchsorted(along, here[:, 0] - radius_m, side="left")
    high = np.searchsorted(along, here[:, 0] + radius_m, side="right")
    found: list[NDArray[np.int64]] = []
    for point, first, last in zip(here, low, high, strict=True):
        near = order[first:last]
        near = near[np.linalg.norm(there[near] - point, axis=1) <= radius_m]
        if not len(near) and nearest_if_none:
            near = np.array([np.linalg.norm(there - point, axis=1).argmin()])
        found.append(np.sort(near).astype(np.int64))
    return found


def cover_labels(position_m: ArrayLike, radius_m: float) -> NDArray[np.int64]:
    """Return greedy labels: each unlabelled point gives all points around it (<=) the next label.

    Points that had a label get the new one, as in the published training.

    Examples:
        >>> cover_labels([[0, 0], [20, 0], [40, 0], [90, 0]], 25.0).tolist()
        [0, 1, 1, 2]
    """
    points = _points(position_m)
    labels, count = np.full(len(points), -1, np.int64), 0
    for k, point in enumerate(points):
        if labels[k] < 0:
            labels[np.linalg.norm(points - point, axis=1) <= radius_m] = count
            count += 1
    return labels


def _points(position_m: ArrayLike) -> NDArray[np.float64]:
    points = np.asarray(position_m, np.float64)
    if points.ndim != 2 or points.shape[1] < 2 or not len(points):
        raise ShapeError(f"Positions {list(points.shape)}.", "Expected [N, 2] with N of 1 or more.")
    return points[:, :2]
