"""The HTML page of an evaluation: recall, precision-recall, similarity, matches, map, energy."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from saccade.contracts import Report
from saccade.energy import EnergyEstimate
from saccade.engine import RunDir, to_yaml
from saccade.retrieval import BankHealth
from saccade.tasks.place.config_eval import EvalConfig
from saccade.traverses.page import pair_sections
from saccade.traverses.results import Result
from saccade.view.energy import energy_per_layer
from saccade.view.figures import figure_png
from saccade.view.html import Block, Note, Picture, Section, Text, report_section, write_report

__all__ = ["write_page"]


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
    sections = [report_section(report), *pair_sections(results)]
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
