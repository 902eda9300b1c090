"""The HTML page of an evaluation: recall, precision-recall, similarity, matches, map, energy."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from saccade.contracts import Report, Table
from saccade.energy import EnergyEstimate
from saccade.engine import RunDir, to_yaml
from saccade.retrieval import BankHealth, best_median_worst
from saccade.tasks.place.config_eval import EvalConfig
from saccade.tasks.place.evaluation import Result
from saccade.traverses.baselines import BASELINES
from saccade.traverses.traverse import ImageTraverse, Pair, Traverse
from saccade.view.canvas import fit, to_rgb
from saccade.view.color import saturation_of, shade
from saccade.view.curves import precision_recall_curves, recall_curves
from saccade.view.energy import energy_per_layer
from saccade.view.figures import GalleryRow, Panel, figure_png, match_gallery
from saccade.view.html import Block, Note, Picture, Section, Text, report_section, write_report
from saccade.view.places import match_map, place_matrix

__all__ = ["write_page"]

MOST_PAIRS = 6
"""Pairs that get pictures; tables have all."""
MOST_CURVES = 8


def write_page(
    run: RunDir,
    cfg: EvalConfig,
    report: Report,
    results: Sequence[Result],
    health: BankHealth | None,
    energy: EnergyEstimate | None,
) -> Path:
    """Write ``report.html`` into the run folder.

    Args:
        run: Where.
        cfg: Shown at the end.
        report: Its values and tables come first.
        results: All of them; the first tolerance of each method is drawn.
        health: Of the first bank of references.
        energy: Of the network, if there is one.
    """
    sections = [report_section(report)]
    first = results[0].tolerance_m
    pairs = list({id(item.pair): item.pair for item in results}.values())
    for pair in pairs[:MOST_PAIRS]:
        own = [item for item in results if item.pair is pair and item.tolerance_m == first]
        sections.append(Section(pair.name, _pair_blocks(pair, own)))
    if energy is not None:
        sections.append(Section("Energy", _energy_blocks(energy)))
    if health is not None:
        sections.append(Section("Bank", [health.table(), Note(health.explanation)]))
    sections.append(Section("Made with", [Text("Configuration", to_yaml(cfg))]))
    summary = " ".join(report.notes[:2])
    return write_report(run.path("report.html"), report.title, sections, summary=summary)


def _energy_blocks(energy: EnergyEstimate) -> list[Block]:
    layers = energy.layers
    figure = energy_per_layer(
        [item.layer.name for item in layers],
        [item.mean_pj for item in layers],
        [item.layer.inputs for item in layers],
        title=f"{energy.proxy}, {energy.costs.name}",
    )
    return [
        Picture(figure_png(figure), "Energy of each layer, by the measured inputs.", 860),
        energy.table(),
        *(Note(text) for text in energy.notes),
    ]


def _pair_blocks(pair: Pair, results: Sequence[Result]) -> list[Block]:
    shown = _shown(results)
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


def _shown(results: Sequence[Result]) -> list[Result]:
    """Return the networks and, as far as there is room, the baselines that find most."""
    plain = [item for item in results if item.scored.method.partition("/")[0] in BASELINES]
    best = sorted(plain, key=lambda item: -float(item.evaluation.recall.over_matchable[0]))
    return [*(item for item in results if item not in plain), *best][:MOST_CURVES]


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
