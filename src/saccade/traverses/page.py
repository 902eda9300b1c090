"""Sections of an HTML page about results: curves, similarity, matches, map, pair by pair."""

from __future__ import annotations

from collections.abc import Collection, Sequence

import numpy as np
from numpy.typing import NDArray

from saccade.contracts import Table
from saccade.retrieval import best_median_worst
from saccade.traverses.baselines import BASELINES
from saccade.traverses.results import Result
from saccade.traverses.traverse import ImageTraverse, Pair, Traverse
from saccade.view.canvas import fit, to_rgb
from saccade.view.color import saturation_of, shade
from saccade.view.curves import precision_recall_curves, recall_curves
from saccade.view.figures import GalleryRow, Panel, figure_png, match_gallery
from saccade.view.html import Block, Picture, Section
from saccade.view.places import match_map, place_matrix

__all__ = ["pair_sections"]

MOST_PAIRS = 6
"""Pairs that get pictures; tables have all."""
MOST_CURVES, MOST_NETWORKS = 8, 5
"""Methods in a plot; networks among them where plain methods would fill the rest."""


def pair_sections(
    results: Sequence[Result], *, plain: Collection[str] = BASELINES
) -> list[Section]:
    """Return a section for each of the first pairs, at the first tolerance.

    Args:
        results: All of them; the first of a pair is drawn as a matrix and a map.
        plain: Names of methods that learn nothing.
    """
    first = results[0].tolerance_m
    pairs = list({id(item.pair): item.pair for item in results}.values())
    sections: list[Section] = []
    for pair in pairs[:MOST_PAIRS]:
        own = [item for item in results if item.pair is pair and item.tolerance_m == first]
        sections.append(Section(pair.name, _pair_blocks(pair, own, plain)))
    return sections


def _pair_blocks(pair: Pair, results: Sequence[Result], plain: Collection[str]) -> list[Block]:
    shown = _shown(results, plain)
    recall = recall_curves({item.scored.name: item.evaluation.recall for item in shown})
    curves = precision_recall_curves(
        {item.scored.name: item.evaluation.best for item in shown}, title="Best matches accepted"
    )
    item = results[0]
    blocks: list[Block] = [
        _measures(results),
        Picture(figure_png(recall), "Recall@N of each method, chance in grey.", 760),
        Picture(figure_png(curves), "Precision and recall of best matches, by their score.", 760),
        Picture(_matrix(item), f"Scores of {item.scored.name}: queries downwards.", 620),
        Picture(_gallery(item), f"Best, median and worst match of {item.scored.name}.", 900),
    ]
    if np.ptp(pair.query.positions.values, axis=0).min() > 0:  # a straight line is no map
        caption = f"Where {item.scored.name} finds the queries."
        blocks.insert(-1, Picture(_map(item), caption, 760))
    return blocks


def _shown(results: Sequence[Result], plain: Collection[str]) -> list[Result]:
    """Return networks and plain methods, the best of either where there is no room for all."""
    groups: tuple[list[Result], list[Result]] = ([], [])
    for item in results:
        word = item.scored.method.removeprefix("frames, ").partition(",")[0].partition("/")[0]
        groups[word in plain].append(item)
    networks, bars = (
        sorted(group, key=lambda item: -float(item.evaluation.recall.over_matchable[0]))
        for group in groups
    )
    room = max(MOST_CURVES - len(bars), MOST_NETWORKS)
    return [*networks[:room], *bars][:MOST_CURVES]


def _measures(results: Sequence[Result]) -> Table:
    rows = tuple(
        (
            item.scored.name,
            *(float(v) for v in item.evaluation.recall.over_matchable[:3]),
            item.evaluation.best.average_precision,
            item.evaluation.best.recall_at_precision(1.0),
            item.evaluation.recall.queries_without_match,
        )
        for item in results
    )
    at = results[0].evaluation.recall.at[:3]
    columns = (
        "method", *(f"recall@{n}" for n in at), "average precision", "R@100P", "unmatchable",
    )  # fmt: skip
    return Table(f"Right within {results[0].tolerance_m:g} m", columns, rows)


def _matrix(item: Result) -> bytes:
    query, reference = (_along(side) for side in (item.pair.query, item.pair.reference))
    down, right = np.argsort(query, kind="stable"), np.argsort(reference, kind="stable")
    scores = item.scored.scores[down][:, right]
    figure = place_matrix(scores, query[down], reference[right], title=item.pair.name)
    return figure_png(figure)


def _map(item: Result) -> bytes:
    best = item.ranking.indices[:, 0]
    right = item.evaluation.recall.first_match_rank == 1
    query, reference = _metres(item.pair)
    figure = match_map(
        query,
        reference,
        best,
        right,
        has_match=item.evaluation.recall.true_matches > 0,
        title=f"{item.pair.name}, {item.scored.name}",
    )
    return figure_png(figure)


def _gallery(item: Result) -> bytes:
    rows: list[GalleryRow] = []
    right = item.evaluation.recall.first_match_rank == 1
    for label, query in best_median_worst(item.ranking).items():
        found = int(item.ranking.indices[query, 0])
        score = f"score {float(item.ranking.scores[query, 0]):.3f}"
        rows.append(
            GalleryRow(
                label,
                (
                    _panel(item.pair.query, query, item.pair.query.name, None),
                    _panel(item.pair.reference, found, score, bool(right[query])),
                ),
            )
        )
    return figure_png(match_gallery(rows, title=f"{item.scored.name}: query, best match"))


def _panel(traverse: Traverse, k: int, note: str, is_right: bool | None) -> Panel:
    return Panel(_picture(traverse, k), f"window {k:,}", note, is_right)


def _picture(traverse: Traverse, k: int) -> NDArray[np.uint8]:
    """Return colours of an image, or of counts; counts of both polarities together as ON."""
    if isinstance(traverse, ImageTraverse):
        image = traverse.rgb(k)
        step = -(-image.shape[1] // 480)
        return image[::step, ::step]
    frame = traverse.frame(k)
    if len(frame) == 1:
        frame = np.concatenate([np.zeros_like(frame), frame])
    counts = fit(frame, 480)
    return to_rgb(shade(counts, saturation_of(counts)))


def _metres(pair: Pair) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    origin = pair.query.positions.values[0]
    return pair.query.positions.metres(origin), pair.reference.positions.metres(origin)


def _along(traverse: Traverse) -> NDArray[np.float64]:
    """Distance along a traverse; windows are in order of time."""
    steps = np.linalg.norm(np.diff(traverse.positions.metres(), axis=0), axis=1)
    return np.concatenate([[0.0], np.cumsum(steps)])
