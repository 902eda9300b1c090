"""Pictures of a trained network: what each neuron has learnt, how neurons share the places, and
which places they name.

receptive field of n     w(., n) laid out as h x w pixels, each field by its own largest weight
split inputs             positive half minus negative half: bright and dark in two colours
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from saccade.errors import ShapeError
from saccade.tasks.place_stdp.assignment import Assignment

if TYPE_CHECKING:
    from matplotlib.figure import Figure

__all__ = [
    "Mosaic",
    "assignment_histogram",
    "field_mosaic",
    "receptive_fields",
    "scores_of_windows",
]

_BAR, _FAINT, _BAD, _GAP = "#0072B2", "#6a6a6a", "#b3261e", "#b8c4cc"
_FOUND = "#ff5a4f"
_MOST_BARS = 400


class Mosaic(NamedTuple):
    """Fields side by side.

    Args:
        image: float32 ``[rows (h + 1) + 1, columns (w + 1) + 1]``, NaN between fields.
        corners: int64 ``[n, 2]``, row and column of the first pixel of each field.
    """

    image: NDArray[np.float32]
    corners: NDArray[np.int64]


def field_mosaic(
    weights: ArrayLike, size: tuple[int, int], *, columns: int | None = None, split: bool = False
) -> Mosaic:
    """Lay the fields of all neurons out in rows.

    Args:
        weights: Real ``[inputs, n]``; inputs are pixels row by row, with ``split`` all negative
            halves before all positive ones. Several channels are summed.
        size: Rows h and columns w of pixels.
        columns: Fields side by side; None = as square as it gets.
        split: Whether inputs are halves.

    Returns:
        Values 0 to 1, or -1 to 1 with ``split``; a field of equal zeros stays 0.

    Raises:
        ShapeError: The inputs are no whole number of such images, or there is no neuron.

    Examples:
        >>> mosaic = field_mosaic(np.ones((4, 3)), (2, 2))
        >>> mosaic.image.shape, mosaic.corners.tolist()
        ((7, 7), [[1, 1], [1, 4], [4, 1]])
    """
    matrix = np.asarray(weights, np.float64)
    pixels = size[0] * size[1] * (2 if split else 1)
    if matrix.ndim != 2 or 0 in matrix.shape or matrix.shape[0] % pixels:
        raise ShapeError(
            f"Weights have shape {list(matrix.shape)}.",
            f"Expected [inputs, neurons], inputs a multiple of {pixels:,} "
            f"({size[0]} x {size[1]}{', two halves' if split else ''}).",
        )
    neurons = matrix.shape[1]
    if split:
        negative, positive = np.split(matrix, 2)
        matrix = positive - negative
    fields = matrix.T.reshape(neurons, -1, *size).sum(axis=1)
    largest = np.abs(fields).max(axis=(1, 2), keepdims=True)
    fields = fields / np.where(largest > 0, largest, 1)
    across = columns or int(np.ceil(np.sqrt(neurons)))
    down = -(-neurons // across)
    step = np.array([size[0] + 1, size[1] + 1])
    image = np.full((down * step[0] + 1, across * step[1] + 1), np.nan, np.float32)
    at = np.arange(neurons)
    corners = np.stack([at // across, at % across], axis=1) * step + 1
    for field, (row, column) in zip(fields, corners.tolist(), strict=True):
        image[row : row + size[0], column : column + size[1]] = field
    return Mosaic(image, corners)


def receptive_fields(
    weights: ArrayLike,
    size: tuple[int, int],
    *,
    labels: Sequence[object] | ArrayLike | None = None,
    columns: int | None = None,
    split: bool = False,
    title: str = "Receptive fields",
) -> Figure:
    """Draw what each neuron has learnt, its label in the corner.

    Args:
        weights: As `field_mosaic`.
        size: Rows and columns of pixels.
        labels: A word or place for each neuron ``[n]``; -1 is written as a dash.
        columns: Fields side by side.
        split: Whether inputs are halves.
        title: Line above.

    Raises:
        ShapeError: Weights do not fit the size, or there is not one label for each neuron.

    Examples:
        >>> figure = receptive_fields(np.eye(4), (2, 2), labels=[0, 1, -1, 3])
    """
    from matplotlib import colormaps
    from matplotlib.figure import Figure
    from matplotlib.patheffects import withStroke

    mosaic = field_mosaic(weights, size, columns=columns, split=split)
    words = [] if labels is None else [str(word) for word in np.asarray(labels).tolist()]
    if words and len(words) != len(mosaic.corners):
        raise ShapeError(
            f"{len(words):,} labels.", f"Expected {len(mosaic.corners):,}, one for each neuron."
        )
    height, width = mosaic.image.shape
    across = (width - 1) // (size[1] + 1)
    inches = float(np.clip(0.55 * across, 4.0, 16.0))
    figure = Figure(figsize=(inches + 1.0, inches * height / width + 0.4), layout="constrained")
    axes = figure.add_subplot()
    low, colors, name = (
        (-1, "RdBu_r", "positive - negative half") if split else (0, "Greys", "weight")
    )
    shades = colormaps[colors].with_extremes(bad=_GAP)
    image = axes.imshow(mosaic.image, cmap=shades, vmin=low, vmax=1, interpolation="nearest")
    axes.set_axis_off()
    axes.set_title(title, loc="left", fontsize=11)
    points = 72 * inches / across
    for word, (row, column) in zip(words, mosaic.corners.tolist(), strict=bool(words)):
        axes.text(
            column, row, "–" if word == "-1" else word, fontsize=float(np.clip(points / 5, 3, 9)),
            color=_BAD, va="top", ha="left", path_effects=[withStroke(linewidth=2, foreground="w")],
        )  # fmt: skip
    figure.colorbar(image, label=f"{name} / largest", fraction=0.03, pad=0.01)
    return figure


def assignment_histogram(assignment: Assignment, *, title: str = "Neurons per place") -> Figure:
    """Draw how many neurons stand for each place; places without any, and silent neurons, by name.

    Many places are drawn as a line.

    Args:
        assignment: Of one network or many.
        title: Line above.

    Examples:
        >>> from saccade.tasks.place_stdp.assignment import assign
        >>> figure = assignment_histogram(assign([[1, 0, 2]], [0], places=2))
    """
    from matplotlib.figure import Figure

    per_place = assignment.neurons_per_place()
    silent, without = int((assignment.label < 0).sum()), int((per_place == 0).sum())
    figure = Figure(figsize=(7.6, 3.0), layout="constrained")
    axes = figure.add_subplot()
    axes.spines[["top", "right"]].set_visible(False)
    if len(per_place) <= _MOST_BARS:
        axes.bar(np.arange(len(per_place)), per_place, width=0.9, color=_BAR)
        empty = np.flatnonzero(per_place == 0)
        axes.plot(empty, np.zeros(len(empty)), "x", color=_BAD, clip_on=False)
    else:
        axes.stairs(per_place, color=_BAR, fill=True)
    axes.set_xlabel("place")
    axes.set_ylabel("neurons")
    axes.set_title(title, loc="left")
    axes.text(
        1.0, 1.02, f"{len(assignment):,} neurons, {silent:,} silent; "
        f"{without:,} of {len(per_place):,} places without a neuron",
        transform=axes.transAxes, ha="right", va="bottom", fontsize=9, color=_FAINT,
    )  # fmt: skip
    return figure


def scores_of_windows(
    scores: ArrayLike,
    best: ArrayLike,
    *,
    t_start_us: ArrayLike | None = None,
    title: str = "Places",
) -> Figure:
    """Draw the score of every place for every window, the best one as a dot.

    A drive along the learned route is a line that rises; a dot off that line is a doubtful answer.

    Args:
        scores: Real ``[Q, P]``.
        best: Best place of each window ``[Q]``; -1 draws none.
        t_start_us: Start of each window in microseconds ``[Q]``; None counts windows.
        title: Line above.

    Raises:
        ShapeError: The arrays do not belong together.

    Examples:
        >>> figure = scores_of_windows(np.eye(3), [0, 1, -1], t_start_us=[0, 50_000, 100_000])
    """
    from matplotlib.figure import Figure

    matrix, picks = np.asarray(scores, np.float64), np.asarray(best)
    times = np.arange(len(picks)) if t_start_us is None else np.asarray(t_start_us)
    if matrix.ndim != 2 or 0 in matrix.shape or not len(matrix) == len(picks) == len(times):
        raise ShapeError(
            f"Scores {list(matrix.shape)}, {len(picks):,} best places, {len(times):,} times.",
            "Expected [windows, places] and one of each for every window.",
        )
    along = times if t_start_us is None else (times - times[0]) / 1e6
    step = float(along[1] - along[0]) if len(along) > 1 else 1.0
    figure = Figure(figsize=(8.0, 4.2), layout="constrained")
    axes = figure.add_subplot()
    edges = (along[0] - step / 2, along[-1] + step / 2, -0.5, matrix.shape[1] - 0.5)
    image = axes.imshow(
        matrix.T, extent=edges, origin="lower", aspect="auto", cmap="viridis",
        interpolation="nearest",
    )  # fmt: skip
    answered = np.flatnonzero(picks >= 0)
    axes.scatter(
        along[answered], picks[answered], s=14, facecolors="none", edgecolors=_FOUND,
        label="best place",
    )  # fmt: skip
    axes.set_xlabel("window" if t_start_us is None else "time in seconds")
    axes.set_ylabel("place")
    axes.set_title(title, loc="left")
    axes.legend(loc="lower right", bbox_to_anchor=(1.0, 1.0), frameon=False, fontsize=9)
    figure.colorbar(image, label="score", fraction=0.04, pad=0.02)
    return figure
