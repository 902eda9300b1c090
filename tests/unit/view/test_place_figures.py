"""Figures of place recognition: what they say, and that nothing is cut off."""

from collections.abc import Callable
from io import BytesIO

import numpy as np
import pytest
from matplotlib.collections import LineCollection
from matplotlib.figure import Figure
from PIL import Image

from saccade.errors import ShapeError
from saccade.retrieval import (
    IndexTolerance,
    PrecisionRecall,
    Recall,
    precision_recall,
    recall_at,
    top_n,
)
from saccade.view.curves import precision_recall_curves, recall_curves
from saccade.view.figures import figure_png
from saccade.view.places import match_map

NAMES = ("sequence of 10 frames, both directions", *(f"method {k}" for k in range(9)))
WAY = np.column_stack([np.linspace(0, 900, 30), 200 * np.sin(np.linspace(0, 5, 30))])
BEST = np.r_[np.arange(20), 0, 5, -1]
RIGHT = np.r_[np.ones(20, bool), False, False, False]
KNOWN = np.r_[np.ones(21, bool), False, True]


def scored() -> tuple[dict[str, Recall], dict[str, PrecisionRecall]]:
    rng = np.random.default_rng(0)
    truth = IndexTolerance(40, 40, tolerance=0, inclusive=True)
    scores = {name: np.eye(40) + k / 9 * rng.random((40, 40)) for k, name in enumerate(NAMES)}
    return (
        {name: recall_at(top_n(s, 25), truth, (1, 5, 10, 25)) for name, s in scores.items()},
        {name: precision_recall(s, np.eye(40, dtype=bool)) for name, s in scores.items()},
    )


def of_recall() -> Figure:
    return recall_curves(scored()[0], title="Night in day, within 30 m")


def of_precision() -> Figure:
    return precision_recall_curves(scored()[1], title="All pairs")


def of_places() -> Figure:
    return match_map(WAY[:23] + 3, WAY, BEST, RIGHT, has_match=KNOWN, title="Night in day")


def legend(figure: Figure) -> list[str]:
    found = figure.axes[0].get_legend()
    assert found is not None
    return [text.get_text() for text in found.get_texts()]


@pytest.mark.parametrize("make", [of_recall, of_precision, of_places])
def test_nothing_is_cut_off_and_the_picture_is_not_empty(make: Callable[[], Figure]) -> None:
    figure = make()
    picture = np.asarray(Image.open(BytesIO(figure_png(figure))).convert("L"))
    assert (picture < 200).mean() > 0.005
    renderer = figure.canvas.get_renderer()  # type: ignore[attr-defined]
    box = figure.axes[0].get_tightbbox(renderer)
    assert min(box.x0, box.y0) >= -1
    assert box.x1 <= figure.bbox.width + 1
    assert box.y1 <= figure.bbox.height + 1


def test_recall_is_ordered_by_height_with_chance_last() -> None:
    figure = of_recall()
    names = legend(figure)
    assert names[-1] == "chance"
    assert names[0] == NAMES[0]
    assert set(names) == {*NAMES, "chance"}
    lines = {line.get_label(): line for line in figure.axes[0].lines}
    recall = scored()[0]
    np.testing.assert_allclose(lines[NAMES[4]].get_ydata(), recall[NAMES[4]].over_all)
    np.testing.assert_allclose(lines["chance"].get_ydata(), [1 / 40, 5 / 40, 10 / 40, 25 / 40])
    assert "40 queries" in figure.axes[0].get_ylabel()


def test_precision_names_carry_the_area() -> None:
    names = legend(of_precision())
    assert names[0] == f"{NAMES[0]} (AP 1.00)"
    areas = [float(name.split("AP ")[1].rstrip(")")) for name in names]
    assert areas == sorted(areas, reverse=True)


def test_lines_lead_from_each_matched_query_to_its_reference() -> None:
    figure = of_places()
    groups = [c for c in figure.axes[0].collections if isinstance(c, LineCollection)]
    ends = np.concatenate([line.get_segments() for line in groups if len(line.get_segments())])
    expected = [[WAY[q] + 3, WAY[BEST[q]]] for q in range(22)]
    np.testing.assert_allclose(ends, expected)
    assert legend(figure) == [
        "references: 30",
        "found: 20 of 23 queries",
        "missed: 2 of 23 queries",
        "without a true match: 1 of 23 queries",
    ]


def test_what_does_not_belong_together_is_refused() -> None:
    with pytest.raises(ShapeError, match="at different N"):
        recall_curves({})
    with pytest.raises(ShapeError, match="No curve"):
        precision_recall_curves({})
    with pytest.raises(ShapeError, match=r"matches \(22,\)"):
        match_map(WAY[:23], WAY, BEST[:22], RIGHT)
    with pytest.raises(ShapeError, match="all matches in it"):
        match_map(WAY[:23], WAY[:10], BEST, RIGHT)
