"""Evaluation on a data set: every test pair, method, sequence length and tolerance, in one report.

pairs -> scores of every method -> recall, precision-recall -> results.json, matches_*.csv
                                                               report.html
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import torch

from saccade.contracts import Report
from saccade.energy import EnergyEstimate, estimate, measure
from saccade.engine import RunDir, pick_device, progress
from saccade.errors import ConfigError
from saccade.events.types import SensorSize
from saccade.files import file_sha256
from saccade.retrieval import BankHealth, bank_health
from saccade.tasks.place.bank import event_counts, frames_of
from saccade.tasks.place.config_eval import EvalConfig
from saccade.tasks.place.config_input import NetworkArgs
from saccade.tasks.place.embed import Network, load_network
from saccade.tasks.place.input_notes import input_notes
from saccade.tasks.place.methods import Banks, scores_of
from saccade.tasks.place.netvlad_bank import EventVPRBanks
from saccade.tasks.place.validate import check_counts, mask_of
from saccade.traverses.results import (
    Result,
    check_baselines,
    measured,
    recall_matrices,
    summary_table,
    write_matches,
)
from saccade.traverses.sets import open_set
from saccade.traverses.traverse import Pair, PlaceSet

__all__ = ["evaluate_set"]

ENERGY_FRAMES = 8
"""Frames of the first query traverse whose energy is estimated."""


def evaluate_set(cfg: EvalConfig) -> Report:
    """Evaluate all test pairs of a data set.

    Writes ``results.json`` (a record per pair, method, sequence length and tolerance),
    ``matches_N.csv`` for each pair, ``report.html``, ``report.json`` and ``config.yaml``.

    Raises:
        ConfigError: There is no test pair, or an argument does not fit.
        MissingFileError: The data set or the weights are not there.
        CheckpointError: The weights do not fit.
        DataError: The tolerance makes no pair, or every pair, a true match, or a traverse holds no
            event.
    """
    check_baselines(cfg.baselines)
    data = open_set(cfg.data)
    if not data.tests:
        raise ConfigError(
            f"The data set {data.name} has no test pair.", "Expected --tests QUERY:REFERENCE."
        )
    strict = any(pair.strict for pair in data.tests)
    if strict and max(cfg.sequences, default=1) > 1:
        raise ConfigError(
            f"--sequences {max(cfg.sequences)} with --data {cfg.data.data}.",
            "Its queries are windows drawn at random: they follow no drive.",
            "Use --sequences 1.",
        )
    if cfg.weights is not None:
        check_counts(data.tests[0].query, data.units)
    banks, network = _banks(cfg)
    rival = None
    if cfg.netvlad is not None:
        rival = EventVPRBanks(cfg.netvlad, pick_device(cfg.device), batch=cfg.batch)
    with _run_folder(cfg) as run:
        with progress("Evaluating", unit="windows") as tell:
            results = [
                item
                for pair in data.tests
                for item in _results(pair, data, cfg, banks, rival, tell)
            ]
        files = [run.write_json("results.json", [item.record() for item in results])]
        files += write_matches(run, data, results, save_scores=cfg.save_scores)
        health = _health(data.tests[0], banks)
        energy = _energy(cfg, banks, data)
        report = _report(cfg, data, results, health, energy)
        told = _notes_on(network, banks, data, cfg)
        report = replace(report, notes=(*told, *report.notes))
        if cfg.report:
            from saccade.tasks.place.page import write_page

            files.append(write_page(run, cfg, report, results, health, energy))
        path = run.write_json("report.json", replace(report, files=()))
        return replace(report, files=(*files, path, run.folder / "config.yaml"))


def _banks(cfg: EvalConfig) -> tuple[Banks | None, Network | None]:
    if cfg.weights is None:
        return None, None
    args = NetworkArgs(
        head_neuron=cfg.head_neuron, channel_order=cfg.channel_order, compat=cfg.compat
    )
    found = load_network(cfg.weights, args, pick_device(cfg.device))
    banks = Banks(found.model.eval(), found.method, batch=cfg.batch, workers=cfg.workers)
    return banks, found


def _notes_on(
    network: Network | None, banks: Banks | None, data: PlaceSet, cfg: EvalConfig
) -> tuple[str, ...]:
    """Say what is known about the weights, and where frames are unlike those they were trained on.

    Weights without a card and without flags are our own, of which nothing of the kind is known.
    """
    if network is None or banks is None:
        return ()
    if network.card is None and cfg.channel_order is None:
        return network.notes
    sides = {side.name: side for pair in data.tests for side in (pair.query, pair.reference)}
    _, height, width = data.tests[0].query.frame(0).shape
    counts = {name: banks.of(side).event_count for name, side in sides.items()}
    rates = {
        name: float(np.median(count[count > 0])) / (height * width)
        for name, count in counts.items()
    }
    size = SensorSize(height=height, width=width)
    return (
        *network.notes,
        *input_notes(
            size, rates, units=data.units, card=network.card, channel_order=cfg.channel_order
        ),
    )


def _run_folder(cfg: EvalConfig) -> RunDir:
    if cfg.out is not None:
        return RunDir.at(cfg.out, config=cfg)
    return RunDir.create("eval", "place", config=cfg)


def _results(
    pair: Pair,
    data: PlaceSet,
    cfg: EvalConfig,
    banks: Banks | None,
    rival: EventVPRBanks | None,
    tell: Any,
) -> list[Result]:
    events = [
        event_counts(side, workers=cfg.workers)
        if banks is None
        else banks.of(side, tell).event_count
        for side in (pair.query, pair.reference)
    ]
    masked = mask_of(events[0], events[1], pair)
    sessions = (pair.query.session, pair.reference.session) if pair.strict else None
    compat = cfg.compat if pair.strict else None
    return [
        item
        for scored in scores_of(pair, cfg, banks, rival, tell)
        for item in measured(
            pair, data, scored, cfg.tolerances_m, masked=masked, sessions=sessions, compat=compat
        )
    ]


def _health(pair: Pair, banks: Banks | None) -> BankHealth | None:
    if banks is None:
        return None
    bank = banks.of(pair.reference)
    return bank_health(bank.vectors, bank.event_count)


def _energy(cfg: EvalConfig, banks: Banks | None, data: PlaceSet) -> EnergyEstimate | None:
    """Measure evenly spread frames of the first query traverse."""
    if banks is None or not cfg.energy:
        return None
    traverse = data.tests[0].query
    device = next(banks.model.parameters()).device
    chosen = np.linspace(0, len(traverse) - 1, min(ENERGY_FRAMES, len(traverse))).astype(np.int64)
    with torch.no_grad(), measure(banks.model) as record:
        for part in np.array_split(chosen, -(-len(chosen) // cfg.batch)):
            banks.model(torch.from_numpy(frames_of(traverse, part)).to(device))
    return estimate(record, "snn_lemaire")


def _report(
    cfg: EvalConfig,
    data: PlaceSet,
    results: Sequence[Result],
    health: BankHealth | None,
    energy: EnergyEstimate | None,
) -> Report:
    best = max(results, key=lambda item: float(item.evaluation.recall.over_matchable[0]))
    values: dict[str, Any] = {
        "data": data.name,
        "pairs": len(data.tests),
        "queries": sum(len(pair.query) for pair in data.tests),
        "weights": cfg.weights,
        "weights_sha256": _sha256(cfg.weights),
        "best_method": best.scored.name,
        "best_recall_at_1": float(best.evaluation.recall.over_matchable[0]),
        "queries_without_match": sum(
            item.evaluation.recall.queries_without_match
            for item in results
            if item.scored is results[0].scored and item.tolerance_m == data.tolerance_m
        ),
    }
    tables = [summary_table(results)]
    if len(data.tests) > 1:
        tables += recall_matrices(data, results)
    if health is not None:
        tables.append(health.table())
    if energy is not None:
        values["energy_mj_per_inference"] = energy.total_pj * 1e-9
        values["energy_estimate"] = f"{energy.proxy}, {energy.costs.name}"
    notes = [*data.notes, "Recall is over the queries that have a true match; all are in results."]
    if any(pair.strict for pair in data.tests):
        notes.append("Strict: references of the query's own session are no candidates anywhere.")
    if health is not None:
        notes.append(f"Bank: {health.explanation}")
    return Report(f"Place recognition on {data.name}", values, tuple(tables), tuple(notes))


def _sha256(weights: str | None) -> str | None:
    path = Path(weights or "")
    return file_sha256(path) if weights and path.is_file() else None
