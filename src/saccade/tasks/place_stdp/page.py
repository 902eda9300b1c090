"""The HTML page of an evaluation: tables, curves, matrices, matches, what neurons learned."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from saccade.contracts import Report
from saccade.engine import RunDir, to_yaml
from saccade.tasks.place_stdp.config_eval import EvalConfig
from saccade.tasks.place_stdp.model import Member
from saccade.tasks.place_stdp.pictures import assignment_histogram, receptive_fields
from saccade.tasks.place_stdp.plain import DISTANCES
from saccade.traverses.baselines import BASELINES
from saccade.traverses.page import pair_sections
from saccade.traverses.results import Result
from saccade.view.figures import figure_png
from saccade.view.html import Block, Picture, Section, Text, report_section, write_report

__all__ = ["write_page"]

_MOST_FIELDS = 100


def write_page(
    run: RunDir,
    cfg: EvalConfig,
    report: Report,
    results: Sequence[Result],
    members: Sequence[Member],
) -> Path:
    """Write ``report.html`` into the run folder.

    Args:
        run: Where.
        cfg: Shown at the end.
        report: Its values and tables come first.
        results: All of them; those at the first tolerance are drawn.
        members: Networks; what the first module of the first one has learned is drawn.
    """
    plain = {*BASELINES, *DISTANCES}
    sections = [report_section(report), *pair_sections(results, plain=plain)]
    if members:
        sections.append(Section("What neurons have learned", _learned(members[0])))
    sections.append(Section("Made with", [Text("Configuration", to_yaml(cfg))]))
    summary = " ".join(report.notes[:2])
    return write_report(run.path("report.html"), report.title, sections, summary=summary)


def _learned(member: Member) -> list[Block]:
    inputs = member.inputs
    size = inputs.size()
    if member.learner == "fields":
        return _fields(member)
    if member.learner == "delta":
        places = member.module_places(range(1))[:_MOST_FIELDS]
        weights = member.array("matrix", slice(0, len(places))).T
        figure = receptive_fields(
            weights, size, labels=places, split=inputs.halves,
            title="What an image has to look like for each place",
        )  # fmt: skip
        return [Picture(figure_png(figure), f"Rows of the matrix for {len(places)} places.", 860)]
    places, known = member.assignment(0)
    order = np.argsort(np.where(known.label < 0, len(places), known.label), kind="stable")
    chosen = order[:: max(1, len(order) // _MOST_FIELDS)][:_MOST_FIELDS]
    labels = [int(places[k]) if k >= 0 else -1 for k in known.label[chosen]]
    weights = member.array("weights", slice(0, 1))[0][:, chosen].astype(np.float64)
    figure = receptive_fields(weights, size, labels=labels, split=inputs.halves)
    caption = f"Weights of {len(chosen)} neurons of module 0, by the place they stand for."
    histogram = figure_png(assignment_histogram(known))
    return [
        Picture(figure_png(figure), caption, 860),
        Picture(histogram, "How many neurons of module 0 stand for each of its places.", 760),
    ]


def _fields(member: Member) -> list[Block]:
    """Draw how many fields see each pixel, and the mean size of their weights there."""
    model = member.field_model(0)
    planes, height, width = model.shape
    pixels = model.fields % (height * width)
    covered = np.bincount(pixels.ravel(), minlength=height * width) / planes
    strength = np.abs(model.weights).mean(axis=1).reshape(len(pixels), *pixels.shape[1:], -1)
    total = np.bincount(
        pixels.ravel(), weights=strength.mean(axis=2).ravel(), minlength=height * width
    )
    maps = np.stack([covered, total / np.maximum(covered * planes, 1)], axis=1)
    figure = receptive_fields(
        maps, (height, width), labels=["fields", "weights"], columns=2,
        title="Fields over the image, and the mean size of weights",
    )  # fmt: skip
    return [Picture(figure_png(figure), f"{len(pixels)} receptive fields of module 0.", 760)]
