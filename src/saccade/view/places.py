"""Figures of place recognition with positions: hits on the map, scores by distance."""

from __future__ import annotations

import numpy as np
from matplotlib.figure import Figure
from numpy.typing import ArrayLike

from saccade.errors import ShapeError

__all__ = ["place_matrix", "route_map"]

_HIT, _MISS, _WAY = "#0072B2", "#D55E00", "#B0B0B0"


def route_map(
    east_m: ArrayLike, north_m: ArrayLike, is_right: ArrayLike, *, title: str = ""
) -> Figure:
    """Draw where queries were taken and whether their best match is right.

    Args:
        east_m: Positions of the queries ``[Q]`` in metres.
        north_m: The same, northwards.
        is_right: bool ``[Q]``.
        title: Line above.

    Raises:
        ShapeError: The arrays differ in length.

    Examples:
        >>> figure = route_map([0, 5, 10], [0, 0, 2], [True, False, True])
    """
    east, north = np.asarray(east_m, float), np.asarray(north_m, float)
    right = np.asarray(is_right, np.bool_)
    if not len(east) == len(north) == len(right):
        raise ShapeError(f"Lengths {len(east)}, {len(north)}, {len(right)}.", "Expected equal.")
    figure = Figure(figsize=(7.0, 4.6), layout="constrained")
    axes = figure.add_subplot()
    axes.plot(east, north, color=_WAY, linewidth=1.0, zorder=1)
    for mask, color, marker, name in ((right, _HIT, "o", "found"), (~right, _MISS, "x", "missed")):
        axes.scatter(
            east[mask], north[mask], color=color, marker=marker, s=28, zorder=2,
            label=f"{name}: {int(mask.sum())} of {len(right)}",
        )  # fmt: skip
    axes.set_aspect("equal", adjustable="datalim")
    axes.set_xlabel("east in metres")
    axes.set_ylabel("north in metres")
    axes.set_title(title)
    axes.legend(frameon=False)
    return figure


def place_matrix(
    scores: ArrayLike, query_m: ArrayLike, reference_m: ArrayLike, *, title: str = ""
) -> Figure:
    """Show all scores by distance along the route; the best match of each query as a dot.

    Args:
        scores: ``[Q, R]``.
        query_m: Distance of the queries along the route, ``[Q]``, metres, increasing.
        reference_m: The same of the references ``[R]``.
        title: Line above.

    Raises:
        ShapeError: Distances do not fit the scores.

    Examples:
        >>> figure = place_matrix(np.eye(3), [0, 4, 8], [0, 4, 8])
    """
    matrix = np.asarray(scores, float)
    down, right = np.asarray(query_m, float), np.asarray(reference_m, float)
    if matrix.shape != (len(down), len(right)) or 0 in matrix.shape:
        raise ShapeError(f"Scores {matrix.shape}.", f"Expected ({len(down)}, {len(right)}).")
    figure = Figure(figsize=(6.2, 5.2), layout="constrained")
    axes = figure.add_subplot()
    extent = (right[0], right[-1], down[-1], down[0])
    image = axes.imshow(matrix, extent=extent, aspect="auto", cmap="viridis")
    axes.scatter(right[matrix.argmax(axis=1)], down, s=9, color="white", edgecolor="black",
                 linewidth=0.4, label="best match")  # fmt: skip
    axes.set_xlabel("reference, metres along the route")
    axes.set_ylabel("query, metres along the route")
    axes.set_title(title)
    axes.legend(loc="upper right")
    figure.colorbar(image, label="correlation")
    return figure
