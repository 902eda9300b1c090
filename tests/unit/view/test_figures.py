"""Figures: what they say, that nothing is cut off, and that no global state is touched."""

import subprocess
import sys
from collections.abc import Callable
from io import BytesIO

import numpy as np
import pytest
from matplotlib.figure import Figure
from PIL import Image

from saccade.errors import ShapeError
from saccade.view.figures import (
    GalleryRow,
    Panel,
    figure_png,
    match_gallery,
    rate_over_time,
    similarity_matrix,
    spikes_per_layer,
)

PICTURE = np.full((48, 64, 3), 120, np.uint8)


def texts(figure: Figure) -> list[str]:
    figure_png(figure)
    found = [text.get_text() for axes in figure.axes for text in axes.texts]
    for axes in figure.axes:
        found += [axes.get_xlabel(), axes.get_ylabel(), axes.get_title(loc="left")]
        labels = [*axes.get_xticklabels(), *axes.get_yticklabels()]
        found += [label.get_text() for label in labels]
    return [text for text in found if text]


def assert_nothing_is_cut_off(figure: Figure) -> None:
    figure_png(figure)
    renderer = figure.canvas.get_renderer()  # type: ignore[attr-defined]
    width, height = figure.bbox.width, figure.bbox.height
    for axes in figure.axes:
        box = axes.get_tightbbox(renderer)
        assert box.x0 >= -1
        assert box.y0 >= -1
        assert box.x1 <= width + 1
        assert box.y1 <= height + 1


def gallery(columns: int = 3) -> Figure:
    panels = (
        Panel(PICTURE, "query, 1.200 s", "1,234 events"),
        Panel(PICTURE, "best match, 1.150 s", "score 0.93", is_right=True),
        Panel(PICTURE, "a true match, 1.200 s", "score 0.91"),
    )[:columns]
    wrong = (Panel(PICTURE, "query"), Panel(PICTURE, "best match", "score 0.2", is_right=False))
    rows = [GalleryRow("best", panels), GalleryRow("worst", wrong)]
    return match_gallery(rows, title="Matches")


def spikes() -> Figure:
    return spikes_per_layer(["stem", "block 1", "block 2"], [0.2, 0.05, 0.0], spikes=[9_000, 50, 0])


def similarity() -> Figure:
    times = np.arange(40) * 50_000
    return similarity_matrix(
        np.random.default_rng(0).random((40, 40)), times, times + 10_000, best=[-1] * 5 + [3] * 35
    )


def rate() -> Figure:
    return rate_over_time([0, 10_000, 20_000], [500, 900, 20], [400, 1_200, 10], 10_000)


@pytest.mark.parametrize("make", [gallery, spikes, similarity, rate])
def test_nothing_is_cut_off(make: Callable[[], Figure]) -> None:
    assert_nothing_is_cut_off(make())


def test_equal_figures_are_equal_bytes() -> None:
    data = figure_png(rate())
    assert data == figure_png(rate())
    assert min(Image.open(BytesIO(data)).size) > 200


def test_a_gallery_says_right_and_wrong_in_words() -> None:
    found = texts(gallery())
    assert {"best", "worst", "right", "wrong", "score 0.93", "query, 1.200 s"} <= set(found)


def test_labels_of_a_gallery_do_not_touch_the_row_above() -> None:
    figure = gallery()
    figure_png(figure)
    renderer = figure.canvas.get_renderer()  # type: ignore[attr-defined]
    above, below = figure.axes[0], figure.axes[3]
    top_of_text = max(text.get_window_extent(renderer).y1 for text in below.texts)
    assert top_of_text < above.get_window_extent(renderer).y0


def test_silent_layers_are_named() -> None:
    found = texts(spikes())
    assert "silent" in found
    assert "0.2   (9,000 spikes)" in found
    assert "firing rate (spikes per neuron and step)" in found


def test_a_network_that_is_silent_everywhere_still_gives_a_figure() -> None:
    assert texts(spikes_per_layer(["a", "b"], [0, 0])).count("silent") == 2


def test_similarity_axes_are_in_seconds_of_uneven_times() -> None:
    figure = similarity_matrix(np.eye(3), [0, 1_000_000, 7_500_000], [0, 500_000, 600_000])
    found = texts(figure)
    assert {"0.0", "1.0", "7.5", "0.00", "0.50", "0.60", "query time (s)"} <= set(found)


def test_rates_are_per_second() -> None:
    figure = rate()
    _, top = figure.axes[0].get_ylim()
    assert 120_000 < top < 140_000
    assert "events per second" in texts(figure)


def test_a_single_window_and_a_single_score_are_enough() -> None:
    assert_nothing_is_cut_off(rate_over_time([0], [1], [2], 1_000))
    assert_nothing_is_cut_off(similarity_matrix([[0.5]], [0], [0]))


def test_shapes_that_do_not_fit_are_refused() -> None:
    with pytest.raises(ShapeError, match="2 layers"):
        spikes_per_layer(["a", "b"], [0.1])
    with pytest.raises(ShapeError, match=r"\[Q, R\]"):
        similarity_matrix(np.eye(3), [0, 1], [0, 1, 2])
    with pytest.raises(ShapeError, match="one of each"):
        rate_over_time([0, 1], [1], [1], 10)
    with pytest.raises(ShapeError, match="without pictures"):
        match_gallery([])
    with pytest.raises(ShapeError, match="without pictures"):
        match_gallery([GalleryRow("best", ())])


def test_drawing_loads_no_window_toolkit_and_no_pyplot() -> None:
    code = (
        "import sys; from saccade.view.figures import *; "
        "figure_png(rate_over_time([0], [1], [1], 10)); "
        "print([m for m in ('matplotlib.pyplot', 'tkinter', 'torch') if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
