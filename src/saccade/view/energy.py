"""Figures of energy: which layer costs how much, and how far estimates lie apart."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Patch
from matplotlib.ticker import EngFormatter
from numpy.typing import ArrayLike

from saccade.errors import ShapeError

__all__ = ["energy_estimates", "energy_per_layer"]

_KINDS = {
    "binary": ("#0072B2", "spikes"),
    "counts": ("#56B4E9", "several spikes at once"),
    "real": ("#D55E00", "real numbers"),
}
_OTHER = "#7F7F7F"
_INK = "#282828"
_JOULE = EngFormatter("J", places=2)


def energy_per_layer(
    layers: Sequence[str], pj: ArrayLike, inputs: Sequence[str], *, title: str = ""
) -> Figure:
    """Draw a bar per layer, the first on top, coloured by what its inputs are.

    Args:
        layers: Names ``[L]``.
        pj: Energy per inference in pJ ``[L]``.
        inputs: ``"binary"``, ``"counts"`` or ``"real"`` ``[L]``.
        title: Line above.

    Raises:
        ShapeError: Lengths differ or there is no layer.

    Examples:
        >>> figure = energy_per_layer(["stem", "head"], [2e6, 1e5], ["counts", "real"])
    """
    energy = np.asarray(pj, np.float64)
    if not len(layers) or energy.shape != (len(layers),) or len(inputs) != len(layers):
        raise ShapeError(f"{len(layers)} layers, {energy.shape} energies, {len(inputs)} inputs.")
    figure = Figure(figsize=(8.4, 1.5 + 0.185 * len(layers)), layout="constrained")
    axes = figure.add_subplot()
    rows = np.arange(len(layers))
    colors = [_KINDS[kind][0] for kind in inputs]
    axes.barh(rows, energy * 1e-12, height=0.78, color=colors)
    total, most = float(energy.sum()), float(energy.max()) * 1e-12
    for row, value in enumerate(energy):
        text = f"{_JOULE(value * 1e-12)}   {value / total:.1%}" if value else "0"
        axes.text(value * 1e-12 + 0.01 * most, row, text, va="center", fontsize=7, color=_INK)
    axes.set_yticks(rows, list(layers), fontsize=7)
    axes.set_ylim(len(layers) - 0.4, -0.6)
    axes.set_xlim(0, 1.22 * most if most else 1.0)
    _quiet(axes)
    axes.set_xlabel("energy per inference")
    axes.set_title(title, loc="left", fontsize=11)
    shown = [(color, name) for kind, (color, name) in _KINDS.items() if kind in inputs]
    axes.legend(
        handles=[Patch(color=color, label=f"inputs are {name}") for color, name in shown],
        loc="lower right",
        fontsize=8,
        frameon=False,
    )
    return figure


def energy_estimates(
    labels: Sequence[str], pj: ArrayLike, groups: Sequence[str], *, title: str = ""
) -> Figure:
    """Draw a bar per estimate on a logarithmic axis, networks apart by colour.

    Args:
        labels: Names of the estimates ``[N]``.
        pj: Energy per inference in pJ ``[N]``; what is 0 has no bar.
        groups: Network of each ``[N]``.
        title: Line above.

    Raises:
        ShapeError: Lengths differ or there is nothing to draw.

    Examples:
        >>> figure = energy_estimates(["lemaire", "naive"], [1e9, 2e10], ["ours", "theirs"])
    """
    energy = np.asarray(pj, np.float64)
    if not len(labels) or energy.shape != (len(labels),) or len(groups) != len(labels):
        raise ShapeError(f"{len(labels)} labels, {energy.shape} energies, {len(groups)} groups.")
    names = list(dict.fromkeys(groups))
    palette = dict(zip(names, ["#0072B2", "#D55E00", "#009E73", _OTHER], strict=False))
    figure = Figure(figsize=(8.4, 1.6 + 0.34 * len(labels)), layout="constrained")
    axes = figure.add_subplot()
    rows = np.arange(len(labels))
    axes.barh(rows, energy * 1e-12, color=[palette.get(name, _OTHER) for name in groups])
    for row, value in enumerate(energy * 1e-12):
        text = f" {_JOULE(value)}" if value else " 0"
        axes.text(max(value, _floor(energy)), row, text, va="center", fontsize=9, color=_INK)
    if energy.any():
        axes.set_xscale("log")
    axes.set_xlim(_floor(energy), max(float(energy.max()) * 1e-12 * 4, _floor(energy) * 10))
    axes.set_yticks(rows, list(labels), fontsize=9)
    axes.set_ylim(len(labels) - 0.4, -0.6)
    _quiet(axes)
    axes.set_xlabel("energy per inference, logarithmic")
    axes.set_title(title, loc="left", fontsize=11)
    if len(names) > 1:
        handles = [Patch(color=palette.get(name, _OTHER), label=name) for name in names]
        figure.legend(handles=handles, loc="outside lower center", ncols=len(names), frameon=False)
    return figure


def _floor(energy: np.ndarray) -> float:
    """Return where a logarithmic axis begins: a decade below the smallest bar, in joule."""
    some = energy[energy > 0]
    return 10.0 ** np.floor(np.log10(some.min() * 1e-12) - 0.3) if some.size else 1e-12


def _quiet(axes: Axes) -> None:
    axes.xaxis.set_major_formatter(EngFormatter("J"))
    axes.tick_params(axis="y", length=0)
    axes.spines[["top", "right", "left"]].set_visible(False)
    axes.grid(axis="x", color="#DDDDDD", linewidth=0.6)
    axes.set_axisbelow(True)
