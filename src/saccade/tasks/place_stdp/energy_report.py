"""What one query costs: windows shown to every module, events counted, sums priced.

    windows of the first query -> inputs -> spikes and synaptic events -> estimates in pJ

An estimate ranks designs; it is no measurement of a chip. The time of a query is measured, on the
machine that says so.
"""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from saccade.contracts import Cell, Report, Table
from saccade.energy import ESTIMATES, EnergyEstimate, LayerActivity, estimate, load_costs
from saccade.engine import RunDir, progress
from saccade.errors import ConfigError, listing
from saccade.files import write_atomically
from saccade.tasks.place_stdp.config_eval import EnergyConfig
from saccade.tasks.place_stdp.data import Places, open_places
from saccade.tasks.place_stdp.energy_layers import QueryCost, matrix_cost, stdp_cost
from saccade.tasks.place_stdp.energy_spiking import spiking_cost
from saccade.tasks.place_stdp.inputs import StoredInputs
from saccade.tasks.place_stdp.model import Member
from saccade.tasks.place_stdp.queries import file_name, prepare_queries
from saccade.tasks.place_stdp.weights import coding_of, open_members
from saccade.view.energy import energy_estimates, energy_per_layer
from saccade.view.figures import figure_png

__all__ = ["energy"]

SHOWN = "snn_lemaire"
"""Estimate whose layers are shown when all are made."""

Estimates = dict[str, EnergyEstimate]


def energy(cfg: EnergyConfig) -> Report:
    """Estimate the energy of one query and measure its time.

    Writes ``layers.png``, ``estimates.png``, ``report.json`` and ``config.yaml`` into the run
    folder.

    Raises:
        ConfigError: The cost table is unknown, or the weights do not fit the data set or ``form``.
        MissingFileError: The data set or the weights are not there.
        CheckpointError: A file of weights is damaged.
    """
    costs = load_costs(cfg.costs)
    members = open_members(cfg.weights)
    places = open_places(cfg.data)
    _check(cfg, members[0], places)
    run = (
        RunDir.at(cfg.out, config=cfg)
        if cfg.out is not None
        else RunDir.create("energy", "place_stdp", config=cfg)
    )
    with run:
        query = places.pairs[0].query
        path = run.path(f"inputs/{file_name(query)}")
        inputs = prepare_queries(path, query, coding_of(members))
        images = _spread(len(inputs), cfg.windows)
        found = [_cost(cfg, member, inputs, images) for member in members]
        layers = [layer for item in found for layer in item.layers]
        wanted = ESTIMATES if cfg.proxy == "all" else (cfg.proxy,)
        estimates = {name: estimate(layers, name, costs) for name in wanted}
        shown = estimates[SHOWN if cfg.proxy == "all" else cfg.proxy]
        report = _report(cfg, members, query.name, found, shown, estimates)
        files = _drawn(run, query.name, shown, estimates)
        path = run.write_json("report.json", report)
        return replace(report, files=(*files, path, run.folder / "config.yaml"))


def _spread(count: int, most: int) -> list[int]:
    """Return at most so many windows, evenly spread."""
    return np.linspace(0, count - 1, min(most, count)).round().astype(int).tolist()


def _check(cfg: EnergyConfig, member: Member, places: Places) -> None:
    name, units = member.path.name, member.about["units"]
    if units != places.set.units:
        raise ConfigError(
            f"{name} was trained on {units}.",
            f"Expected {places.set.units}, as {places.set.name} has.",
        )
    if member.learner not in ("stdp", "delta"):
        raise ConfigError(
            f"{name} was trained with --learner {member.learner}.", "Expected stdp or delta."
        )
    if cfg.form == "spiking" and member.learner == "stdp":
        raise ConfigError(
            f"--form spiking with {name}, whose modules spike already.",
            "Expected a network of --learner delta.",
            "Leave it out.",
        )


def _cost(
    cfg: EnergyConfig, member: Member, inputs: StoredInputs, images: Sequence[int]
) -> QueryCost:
    if member.learner == "stdp":
        with progress(f"Counting seed {member.about['seed']}", unit="parts") as tell:
            return stdp_cost(member, inputs, images, tell)
    if cfg.form == "spiking":
        return spiking_cost(member, inputs, images, steps=cfg.form_steps)
    return matrix_cost(member, inputs, images)


def _report(
    cfg: EnergyConfig,
    members: Sequence[Member],
    query: str,
    found: Sequence[QueryCost],
    shown: EnergyEstimate,
    estimates: Estimates,
) -> Report:
    first = members[0]
    seconds = np.sum([item.seconds for item in found], axis=0)
    updates = sum(item.updates for item in found)
    threads = 1 if first.learner == "stdp" or cfg.form == "spiking" else os.cpu_count() or 1
    totals = {name: sum(item.totals[name] for item in found) for name in found[0].totals}
    values: dict[str, Any] = {
        "query": query,
        "weights": listing(cfg.weights),
        "learner": first.learner,
        "members": len(members),
        "modules": sum(member.modules for member in members),
        "places": first.places,
        "windows": len(seconds),
        "costs": shown.costs.name,
        "costs_are_measured": shown.costs.is_measured,
        "proxy": shown.proxy,
        "energy_pj": shown.total_pj,
        "energy_mj": shown.total_pj * 1e-9,
        "energy_pj_deviation": shown.deviation_pj,
        "energy_pj_by_proxy": {name: item.total_pj for name, item in estimates.items()},
        **{f"{name.replace(' ', '_')}_per_query": value for name, value in totals.items()},
        "neuron_updates_per_query": updates,
        "measured_ms_per_query": float(np.median(seconds)) * 1e3,
        "measured_with_threads": threads,
    }  # fmt: skip
    counted: list[tuple[Cell, ...]] = [*totals.items()]
    if updates:
        counted.append(("neuron updates", updates))
    notes = [*shown.notes, *dict.fromkeys(note for item in found for note in item.notes)]
    notes += _notes(first, threads)
    tables = (
        Table("Counted for one query", ("what", "mean"), tuple(counted)),
        _totals(estimates),
        shown.table(),
    )
    return Report(f"Energy of a query of {query}", values, tables, tuple(notes))


def _notes(member: Member, threads: int) -> list[str]:
    notes = [
        "Not charged: making inputs of frames, delays, plasticity, pauses between images, updates "
        "of neurons without a spike (they are counted), the read-out of scores, memory outside the "
        "chip and leakage. Estimates differ by what they charge for memory."
    ]
    if member.learner == "delta":
        notes[0] = (
            "Not charged: making inputs of frames, the choice of the best score, memory outside "
            "the chip and leakage. Estimates differ by what they charge for memory."
        )
    else:
        notes.append("A module is charged as a memory of its own; all see the same input spikes.")
    words = "1 thread" if threads == 1 else f"as many of {threads} threads as NumPy takes"
    notes.append(
        f"The time of a query was measured on this machine, {words}: median over the windows, "
        "inputs at hand, networks loaded."
    )
    return notes


def _totals(estimates: Mapping[str, EnergyEstimate]) -> Table:
    rows: list[tuple[Cell, ...]] = [
        (name, item.total_pj, item.deviation_pj, item.total_pj * 1e-9)
        for name, item in estimates.items()
    ]
    return Table("Energy per query", ("estimate", "pJ", "± pJ", "mJ"), tuple(rows))


def _drawn(run: RunDir, query: str, shown: EnergyEstimate, estimates: Estimates) -> tuple[Any, ...]:
    """Draw layers, and estimates where there are several."""
    layers: list[LayerActivity] = [item.layer for item in shown.layers]
    head = f"{query}, {shown.proxy}, {shown.costs.name}: {shown.total_pj * 1e-9:.3g} mJ per query"
    picture = energy_per_layer(
        [layer.name for layer in layers],
        [item.mean_pj for item in shown.layers],
        [layer.inputs for layer in layers],
        title=head,
    )
    files = [write_atomically(run.path("layers.png"), figure_png(picture))]
    if len(estimates) > 1:
        picture = energy_estimates(
            list(estimates),
            [item.total_pj for item in estimates.values()],
            ["this network"] * len(estimates),
            title=f"Estimates, {shown.costs.name}",
        )
        files.append(write_atomically(run.path("estimates.png"), figure_png(picture)))
    return tuple(files)
