"""Figures of place recognition with positions: hits and matches on the map, scores by distance."""

from __future__ import annotations

import numpy as np
from matplotlib.collections import LineCollection
from matplotlib.figure import Figure
from numpy.typing import ArrayLike

from saccade.errors import ShapeError

__all__ = ["match_map", "place_matrix", "route_map"]

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


def match_map(
    query_m: ArrayLike,
    reference_m: ArrayLike,
    best: ArrayLike,
    is_right: ArrayLike,
    *,
    has_match: ArrayLike | None = None,
    title: str = "",
) -> Figure:
    """Draw both traverses and a line from every query to the reference it was matched with.

    The length of a line is the error. Traverses that lie on each other are told apart by their
    dots: references small and grey, queries large and coloured.

    Args:
        query_m: East and north of the queries ``[Q, 2]``, metres.
        reference_m: The same of the references ``[R, 2]``, in the same frame.
        best: Best reference of each query ``[Q]``; -1 where there is none.
        is_right: bool ``[Q]``.
        has_match: bool ``[Q]``, whether any reference is a true match; queries without one are
            hollow, because no method could find them. Without it all count as having one.
        title: Line above.

    Raises:
        ShapeError: The arrays do not belong together.

    Examples:
        >>> figure = match_map([[0, 0], [9, 0]], [[0, 1], [9, 1], [20, 1]], [0, 2], [True, False])
    """
    query, reference = np.asarray(query_m, float), np.asarray(reference_m, float)
    picks, right = np.asarray(best), np.asarray(is_right, np.bool_)
    known = np.ones(len(query), np.bool_) if has_match is None else np.asarray(has_match, np.bool_)
    if query.ndim != 2 or not len(query) == len(picks) == len(right) == len(known):
        raise ShapeError(
            f"Queries {query.shape}, matches {picks.shape}, right {right.shape}, "
            f"with a match {known.shape}.",
            "Expected [Q, 2], [Q], [Q] and [Q].",
        )
    if reference.ndim != 2 or (picks >= len(reference)).any():
        raise ShapeError(f"References {reference.shape}.", "Expected [R, 2], all matches in it.")
    figure = Figure(figsize=(7.6, 5.2), layout="constrained")
    axes = figure.add_subplot()
    axes.scatter(*reference.T, s=7, color=_WAY, label=f"references: {len(reference):,}")
    groups = (
        ("found", right, _HIT, "o", _HIT),
        ("missed", ~right & known, _MISS, "X", _MISS),
        ("without a true match", ~right & ~known, _MISS, "o", "none"),
    )
    for name, group, color, marker, face in groups:
        drawn = np.flatnonzero(group & (picks >= 0))
        ends = np.stack([query[drawn], reference[picks[drawn]]], axis=1)
        axes.add_collection(LineCollection(list(ends), colors=color, linewidths=0.9, alpha=0.45))
        label = f"{name}: {int(group.sum()):,} of {len(query):,} queries"
        if group.any():
            axes.scatter(*query[group].T, s=30, marker=marker, facecolor=face, edgecolor=color,
                         linewidth=0.8, label=label, zorder=3)  # fmt: skip
    axes.set_aspect("equal", adjustable="datalim")
    axes.set_xlabel("east in metres")
    axes.set_ylabel("north in metres")
    axes.set_title(title, loc="left")
    axes.legend(loc="upper center", bbox_to_anchor=(0.5, -0.13), ncols=2, frameon=False, fontsize=9)
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
    figure.colorbar(image, label="score")
    return figure
