"""Figures of the reports, drawn with matplotlib's objects: no windows, no global state.

    match_gallery       query | best match | a true match, a row per example
    spikes_per_layer    firing rate of every layer; silent layers are named
    similarity_matrix   score of every query with every reference, both axes in seconds
    rate_over_time      ON and OFF events per second

Every function returns a ``Figure``; `figure_png` makes bytes of it.
"""

from __future__ import annotations

import io
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.ticker import EngFormatter, FuncFormatter, MaxNLocator
from numpy.typing import ArrayLike, NDArray

from saccade.errors import ShapeError
from saccade.view.color import LIGHT

__all__ = [
    "GalleryRow",
    "Panel",
    "figure_png",
    "match_gallery",
    "rate_over_time",
    "similarity_matrix",
    "spikes_per_layer",
]

_INK, _FAINT = "#282828", "#6a6a6a"
_GOOD, _BAD = "#1b7f4d", "#b3261e"
_OFF, _ON = (tuple(c / 255 for c in color) for color in (LIGHT.off, LIGHT.on))


@dataclass(frozen=True)
class Panel:
    """A picture of a gallery.

    Args:
        image: uint8 ``[h, w, 3]``, for example from `saccade.view.recording.render_frames`.
        title: What it is: ``"query, 1.200 s"``.
        note: A second line: ``"score 0.93"``.
        is_right: For a match: whether it is a true one; None where that is unknown or no question.
    """

    image: NDArray[np.uint8]
    title: str
    note: str = ""
    is_right: bool | None = None


@dataclass(frozen=True)
class GalleryRow:
    """A row of a gallery: a word such as ``"best"`` and its panels."""

    label: str
    panels: tuple[Panel, ...]


def match_gallery(rows: Sequence[GalleryRow], *, title: str = "") -> Figure:
    """Show queries beside their matches; right and wrong are said by frame colour and by word.

    Args:
        rows: Rows from top to bottom.
        title: Line above all.

    Raises:
        ShapeError: There is no row or a row without panels.

    Examples:
        >>> picture = np.zeros((4, 6, 3), np.uint8)
        >>> panels = Panel(picture, "query"), Panel(picture, "match", "score 0.9", is_right=True)
        >>> figure_png(match_gallery([GalleryRow("best", panels)]))[:4]
        b'\\x89PNG'
    """
    columns = max((len(row.panels) for row in rows), default=0)
    if not rows or min(len(row.panels) for row in rows) == 0:
        raise ShapeError("A gallery without pictures.", "Expected at least one panel in every row.")
    image = rows[0].panels[0].image
    width = 3.4
    height = width * image.shape[0] / image.shape[1] + 0.62
    top = 0.45 if title else 0.1
    figure = _figure(0.75 + columns * width, top + len(rows) * height)
    grid = figure.add_gridspec(
        len(rows),
        columns,
        left=0.7 / figure.get_figwidth(),
        right=1 - 0.08 / figure.get_figwidth(),
        top=1 - (top + 0.5) / figure.get_figheight(),
        bottom=0.08 / figure.get_figheight(),
        wspace=0.06,
        hspace=0.62 / (height - 0.62),
    )
    for r, row in enumerate(rows):
        for c, panel in enumerate(row.panels):
            axes = figure.add_subplot(grid[r, c])
            _draw_panel(axes, panel)
            if c == 0:
                axes.set_ylabel(row.label, fontsize=12, fontweight="bold", labelpad=10)
    if title:
        figure.suptitle(title, x=0.01, y=1 - 0.1 / figure.get_figheight(), ha="left", va="top")
    return figure


def spikes_per_layer(
    layers: Sequence[str],
    firing_rate: ArrayLike,
    *,
    spikes: ArrayLike | None = None,
    title: str = "Spikes per layer",
) -> Figure:
    """Draw a bar for each layer, the first on top.

    Args:
        layers: Names of the layers ``[L]``.
        firing_rate: Spikes per neuron and step ``[L]``.
        spikes: Spikes per inference ``[L]``, written beside the bars.
        title: Line above.

    Raises:
        ShapeError: Lengths differ.

    Examples:
        >>> figure = spikes_per_layer(["stem", "block 1"], [0.12, 0.0], spikes=[120, 0])
    """
    rates = np.asarray(firing_rate, dtype=np.float64)
    counts = None if spikes is None else np.asarray(spikes, dtype=np.float64)
    if rates.shape != (len(layers),) or (counts is not None and counts.shape != rates.shape):
        raise ShapeError(f"{len(layers)} layers, {rates.shape} rates.", "Expected one each.")
    figure = _figure(7.6, 1.15 + 0.27 * max(len(layers), 2))
    axes = _axes(figure)
    rows = np.arange(len(layers))
    axes.barh(rows, rates, height=0.7, color=_ON)
    most = max(float(rates.max(initial=0.0)), 1e-9)
    for row, rate in enumerate(rates):
        text = "silent" if rate == 0 else f"{rate:.3g}"
        if counts is not None and rate > 0:
            text += f"   ({counts[row]:,.0f} spikes)"
        color = _BAD if rate == 0 else _INK
        axes.text(rate + 0.012 * most, row, text, va="center", fontsize=8.5, color=color)
    axes.set_yticks(rows, list(layers), fontsize=9)
    axes.set_ylim(len(layers) - 0.4, -0.6)
    axes.set_xlim(0, most * (1.38 if counts is not None else 1.15))
    axes.set_xlabel("firing rate (spikes per neuron and step)")
    axes.set_title(title, loc="left")
    return figure


def similarity_matrix(
    scores: ArrayLike,
    query_t_us: ArrayLike,
    reference_t_us: ArrayLike,
    *,
    best: ArrayLike | None = None,
    title: str = "Similarity",
    score_name: str = "score",
) -> Figure:
    """Show all scores as an image, queries downwards, references to the right, axes in seconds.

    Args:
        scores: Real ``[Q, R]``.
        query_t_us: Times of the queries ``[Q]``, microseconds.
        reference_t_us: Times of the references ``[R]``, microseconds.
        best: Best reference of each query ``[Q]``, drawn as dots; -1 draws none.
        title: Line above.
        score_name: Name of the score beside the colour bar.

    Raises:
        ShapeError: Times do not fit the scores.

    Examples:
        >>> figure = similarity_matrix(np.eye(3), [0, 50_000, 100_000], [0, 50_000, 100_000])
    """
    matrix = np.asarray(scores, dtype=np.float64)
    down, right = np.asarray(query_t_us), np.asarray(reference_t_us)
    if matrix.shape != (len(down), len(right)) or 0 in matrix.shape:
        raise ShapeError(
            f"Scores {matrix.shape}, {len(down)} query and {len(right)} reference times.",
            "Expected [Q, R] with Q and R times, none of them 0.",
        )
    figure = _figure(6.6, 1.3 + 4.6 * float(np.clip(len(down) / len(right), 0.35, 1.3)))
    axes = _axes(figure)
    image = axes.imshow(matrix, cmap="viridis", aspect="auto", interpolation="nearest")
    if best is not None:
        picks = np.asarray(best)
        seen = np.flatnonzero(picks >= 0)
        axes.scatter(
            picks[seen], seen, s=16, facecolors="none", edgecolors="#ff5a4f", label="best match"
        )
        axes.legend(loc="lower left", bbox_to_anchor=(0.62, 1.0), frameon=False, fontsize=9)
    _seconds_ticks(axes.xaxis, right)
    _seconds_ticks(axes.yaxis, down)
    axes.set_xlabel("reference time (s)")
    axes.set_ylabel("query time (s)")
    axes.set_title(title, loc="left")
    figure.colorbar(image, ax=axes, label=score_name, fraction=0.046, pad=0.03)
    return figure


def rate_over_time(
    t_start_us: ArrayLike,
    off: ArrayLike,
    on: ArrayLike,
    window_us: int,
    *,
    title: str = "Event rate",
) -> Figure:
    """Draw ON and OFF events per second against time.

    Args:
        t_start_us: Start of each window ``[K]``, microseconds, evenly spaced.
        off: OFF events in each window ``[K]``.
        on: ON events in each window ``[K]``.
        window_us: Length of a window.
        title: Line above.

    Raises:
        ShapeError: Lengths differ or there is no window.

    Examples:
        >>> figure = rate_over_time([0, 10_000], [5, 9], [4, 12], 10_000)
    """
    starts = np.asarray(t_start_us, dtype=np.float64)
    if not len(starts) or np.shape(off) != starts.shape or np.shape(on) != starts.shape:
        raise ShapeError(
            f"{starts.shape} times, {np.shape(off)} OFF, {np.shape(on)} ON.",
            "Expected one of each per window, at least one window.",
        )
    edges = np.append(starts, starts[-1] + window_us) / 1e6
    figure = _figure(7.6, 2.9)
    axes = _axes(figure)
    for values, color, name in ((on, _ON, "ON"), (off, _OFF, "OFF")):
        rate = np.asarray(values, dtype=np.float64) * 1e6 / window_us
        axes.stairs(rate, edges, color=color, label=name, linewidth=1.6)
    axes.set_xlim(edges[0], edges[-1])
    axes.set_ylim(bottom=0)
    axes.yaxis.set_major_formatter(EngFormatter(sep=" "))
    axes.set_xlabel("time (s)")
    axes.set_ylabel("events per second")
    axes.set_title(title, loc="left")
    axes.legend(loc="lower right", bbox_to_anchor=(1.0, 1.0), ncols=2, frameon=False, fontsize=9)
    return figure


def figure_png(figure: Figure, *, dpi: int = 110) -> bytes:
    """Return a figure as PNG bytes, without the date, so that equal figures are equal bytes."""
    buffer = io.BytesIO()
    FigureCanvasAgg(figure)
    figure.savefig(buffer, format="png", dpi=dpi, metadata={"Software": None})
    return buffer.getvalue()


def _figure(width: float, height: float) -> Figure:
    return Figure(figsize=(width, height), facecolor="white", layout=None)


def _axes(figure: Figure) -> Axes:
    figure.set_layout_engine("constrained")
    axes = figure.add_subplot()
    axes.spines[["top", "right"]].set_visible(False)
    axes.tick_params(labelsize=9, colors=_INK)
    return axes


def _draw_panel(axes: Axes, panel: Panel) -> None:
    axes.imshow(panel.image, interpolation="nearest")
    axes.set_xticks([])
    axes.set_yticks([])
    color, word = _FAINT, ""
    if panel.is_right is not None:
        color, word = (_GOOD, "right") if panel.is_right else (_BAD, "wrong")
    for spine in axes.spines.values():
        spine.set_color(color)
        spine.set_linewidth(1.0 if panel.is_right is None else 2.4)
    axes.text(
        0.0, 1.095, panel.title, transform=axes.transAxes, fontsize=10, color=_INK, va="bottom"
    )
    axes.text(
        0.0, 1.015, panel.note, transform=axes.transAxes, fontsize=9, color=_FAINT, va="bottom"
    )
    axes.text(
        1.0,
        1.015,
        word,
        transform=axes.transAxes,
        fontsize=9,
        color=color,
        ha="right",
        va="bottom",
        fontweight="bold",
    )


def _seconds_ticks(axis: Any, times_us: NDArray[Any]) -> None:
    """Label rows or columns with their own time, whatever their spacing."""
    span_s = float(times_us[-1] - times_us[0]) / 1e6
    digits = 0 if span_s >= 60 else 1 if span_s >= 6 else 2

    def label(position: float, _: int | None) -> str:
        index = round(position)
        return f"{times_us[index] / 1e6:.{digits}f}" if 0 <= index < len(times_us) else ""

    axis.set_major_locator(MaxNLocator(nbins=7, integer=True))
    axis.set_major_formatter(FuncFormatter(label))
