"""Curves of retrieval: recall@N of several methods beside chance, precision against recall.

Curves are named at their ends or in a legend in the order of their height; the same method keeps
its colour in both figures when the methods are given in the same order.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from saccade.errors import ShapeError
from saccade.retrieval import PrecisionRecall, Recall

__all__ = ["precision_recall_curves", "recall_curves"]

_COLORS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#000000")
_STYLES = ("-", "--", ":", "-.")
_CHANCE = "#808080"


def recall_curves(recall: Mapping[str, Recall], *, title: str = "") -> Figure:
    """Draw recall@N, all queries, of several methods on one pair, with chance in grey.

    Args:
        recall: Name of a method -> its recall; all at the same N and against the same truth.
        title: Line above.

    Raises:
        ShapeError: There is no method, or N differ.

    Examples:
        >>> from saccade.retrieval import IndexTolerance, recall_at, top_n
        >>> truth = IndexTolerance(4, 4, tolerance=0, inclusive=True)
        >>> figure = recall_curves({"perfect": recall_at(top_n(np.eye(4), 2), truth, (1, 2))})
    """
    if not recall or len({found.at for found in recall.values()}) > 1:
        raise ShapeError("Curves of no method, or at different N.", "Expected one set of N.")
    figure, axes = _figure(title)
    ordered = sorted(recall, key=lambda name: -float(recall[name].over_all.mean()))
    for name in ordered:
        look = _look(list(recall).index(name))
        found = recall[name]
        axes.plot(found.at, found.over_all, marker="o", markersize=4, label=name, **look)
    chance = recall[ordered[0]]
    axes.plot(chance.at, chance.chance_over_all, color=_CHANCE, linewidth=1.2, label="chance")
    axes.set_xticks(chance.at)
    axes.set_xlabel("N: best references looked at")
    axes.set_ylabel(f"recall@N over all {chance.queries:,} queries")
    _finish(figure, axes)
    return figure


def precision_recall_curves(curves: Mapping[str, PrecisionRecall], *, title: str = "") -> Figure:
    """Draw precision against recall; names carry the average precision (AP).

    Args:
        curves: Name of a method -> its curve.
        title: Line above; say there whether pairs are pooled or best matches.

    Raises:
        ShapeError: There is no curve.

    Examples:
        >>> from saccade.retrieval import precision_recall
        >>> figure = precision_recall_curves({"raw": precision_recall([0.9, 0.2], [True, False])})
    """
    if not curves:
        raise ShapeError("No curve.", "Expected at least one method.")
    figure, axes = _figure(title)
    for name in sorted(curves, key=lambda name: -curves[name].average_precision):
        curve = curves[name]
        recall = np.concatenate([curve.recall, [0.0]])
        precision = np.concatenate([curve.precision, curve.precision[-1:]])
        label = f"{name} (AP {curve.average_precision:.2f})"
        axes.step(recall, precision, where="post", label=label, **_look(list(curves).index(name)))
    axes.set_xlim(0, 1.01)
    axes.set_xlabel("recall")
    axes.set_ylabel("precision")
    _finish(figure, axes)
    return figure


def _look(k: int) -> dict[str, Any]:
    style = _STYLES[k // len(_COLORS) % len(_STYLES)]
    return {"color": _COLORS[k % len(_COLORS)], "linestyle": style, "linewidth": 1.8}


def _figure(title: str) -> tuple[Figure, Axes]:
    figure = Figure(figsize=(7.4, 4.2), layout="constrained")
    axes = figure.add_subplot()
    axes.set_title(title, loc="left")
    return figure, axes


def _finish(figure: Figure, axes: Axes) -> None:
    axes.set_ylim(0, 1.02)
    axes.spines[["top", "right"]].set_visible(False)
    axes.grid(color="#e4e4e4", linewidth=0.8)
    axes.set_axisbelow(True)
    axes.legend(loc="center left", bbox_to_anchor=(1.0, 0.5), frameon=False, fontsize=9)
