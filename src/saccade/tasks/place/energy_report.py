"""What an inference of the place network costs: frames through it, layers counted, sums priced.

    recording ── windows with events ── frames ── unfused network under hooks ── estimates

The fused network computes the same spikes but has no layers to look at, so the plain one runs.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import torch
from numpy.typing import NDArray

from saccade.contracts import Cell, Report, Table
from saccade.energy import (
    ESTIMATES,
    ActivityRecord,
    CostTable,
    EnergyEstimate,
    estimate,
    load_costs,
    measure,
)
from saccade.engine import RunDir, pick_device, progress
from saccade.files import write_atomically
from saccade.tasks.place.config_energy import EnergyConfig
from saccade.tasks.place.data import Windows, open_windows
from saccade.tasks.place.embed import Network, load_network, prepare
from saccade.tasks.place.netvlad_shapes import event_vpr_energy, event_vpr_shapes
from saccade.tasks.place.show import written
from saccade.view.energy import energy_estimates, energy_per_layer
from saccade.view.figures import figure_png

__all__ = ["energy", "measure_windows"]

SHOWN = "snn_lemaire"
"""Estimate whose layers are shown when all are made."""

PAIRS = (
    ("ann_lemaire", "snn_lemaire"),
    ("ann_lemaire", "ann_lemaire"),
    ("ann_naive", "ann_naive"),
    ("operations", "operations"),
)
"""Estimates of the rival and of this network that are set side by side."""

Estimates = dict[str, EnergyEstimate]


def energy(cfg: EnergyConfig) -> Report:
    """Estimate the energy of an inference, see `saccade.tasks.place.task.energy`."""
    costs = load_costs(cfg.costs)
    network = load_network(cfg.weights, cfg, pick_device(cfg.device))
    windows = open_windows(cfg.recording, cfg)
    run = (
        RunDir.at(cfg.out, config=cfg) if cfg.out else RunDir.create("energy", "place", config=cfg)
    )
    with run:
        network = prepare(network, cfg, windows)
        which = windows.calibration(cfg.frames)
        record = measure_windows(network, windows, which, cfg.batch)
        layers = record.layers()
        wanted = ESTIMATES if cfg.proxy == "all" or cfg.compare else (cfg.proxy,)
        found = {name: estimate(layers, name, costs) for name in wanted}
        shown = estimate(record, SHOWN if cfg.proxy == "all" else cfg.proxy, costs)
        events = float(windows.event_count[which].mean())
        report = _report(cfg, network, windows, len(which), shown, found)
        if cfg.compare:
            report = _compared(report, found, costs, events)
        return written(
            _drawn(report, run, shown, found, costs, events if cfg.compare else None), run
        )


def measure_windows(
    network: Network, windows: Windows, which: NDArray[np.int64], batch: int
) -> ActivityRecord:
    """Run chosen windows through a network and record every layer.

    Args:
        network: From `saccade.tasks.place.embed.prepare`.
        windows: The recording.
        which: Windows to run ``[F]``.
        batch: Windows per pass; nothing depends on it.
    """
    device = next(network.model.parameters()).device
    with (
        progress(f"Measuring {windows.name}", unit="windows") as update,
        torch.no_grad(),
        measure(network.model) as record,
    ):
        for start in range(0, len(which), batch):
            part = which[start : start + batch]
            network.model(torch.from_numpy(windows.frames(part)).to(device))
            update(start + len(part), len(which))
    return record


def _report(
    cfg: EnergyConfig,
    network: Network,
    windows: Windows,
    frames: int,
    shown: EnergyEstimate,
    found: Estimates,
) -> Report:
    layers = [item.layer for item in shown.layers]
    total = {name: sum(getattr(layer, name) for layer in layers) for name in ("ac", "mac", "dense")}
    kept = found if cfg.proxy == "all" else {cfg.proxy: found[cfg.proxy]}
    return Report(
        title=f"Energy of an inference on {windows.name}",
        values={
            "recording": windows.name,
            "network": network.method,
            "weights": network.weights,
            "frames": frames,
            "frame_size": str(windows.size),
            "costs": shown.costs.name,
            "costs_are_measured": shown.costs.is_measured,
            "proxy": shown.proxy,
            "energy_pj": shown.total_pj,
            "energy_mj": shown.total_pj * 1e-9,
            "energy_pj_deviation": shown.deviation_pj,
            "energy_pj_by_proxy": {name: item.total_pj for name, item in kept.items()},
            "real_valued_share": shown.real_share,
            "spikes_per_synapse": shown.spikes_per_synapse,
            "ac_per_inference": total["ac"],
            "mac_per_inference": total["mac"],
            "dense_mac_per_inference": total["dense"],
        },
        tables=(windows.table(), _totals(kept), shown.table()),
        notes=(*network.notes, *shown.notes, *_proxy_notes(kept)),
    )


def _totals(found: Estimates) -> Table:
    rows: list[tuple[Cell, ...]] = [
        (name, item.total_pj, item.deviation_pj, item.total_pj * 1e-9, item.real_share)
        for name, item in found.items()
    ]
    columns = ("estimate", "pJ", "± pJ", "mJ", "in real-valued layers")
    return Table("Energy per inference", columns, tuple(rows))


def _proxy_notes(found: Estimates) -> list[str]:
    if len(found) == 1:
        return []
    notes = [
        "Estimates differ by what they charge for memory, not by what the network did: compare "
        "networks under one of them. operations charges none; ann_... charge this network as a "
        "dense one."
    ]
    events, dense = found["snn_lemaire"].total_pj, found["ann_lemaire"].total_pj
    if events > dense:
        notes.append(
            f"Event by event this network costs {events / dense:.2g} times what it costs when "
            "evaluated densely (snn_lemaire, ann_lemaire): activity is too high, and too much of "
            "it real-valued, for spikes to save anything."
        )
    return notes


def _compared(report: Report, found: Estimates, costs: CostTable, events: float) -> Report:
    """Set the conventional network beside this one."""
    rows: list[tuple[Cell, ...]] = []
    for theirs, ours in PAIRS:
        rival, own = event_vpr_energy(theirs, costs, events), found[ours].total_pj
        rows.append((theirs, rival, ours, own, rival / own if own else None))
    columns = ("EventVPR under", "EventVPR pJ", "this network under", "this network pJ", "ratio")
    macs = sum(shape.synapses for _, shape in event_vpr_shapes()) / 1e9
    once = event_vpr_energy("ann_lemaire", costs) * 1e-9
    note = (
        f"EventVPR (ResNet-34, NetVLAD, WPCA: {macs:.2f} G MAC) is charged from the sizes of its "
        f"layers on 224x224, whatever the sensor; its event MLP runs for {events:,.0f} events in 9 "
        f"bins (the published figure counts it once: {once:,.2f} mJ under ann_lemaire). Its 537 MB "
        "of WPCA weights are priced like memory on the chip, which flatters it."
    )
    return replace(
        report,
        values={**report.values, "event_vpr_pj": rows[0][1], "event_vpr_ratio": rows[0][4]},
        tables=(*report.tables, Table("Beside EventVPR", columns, tuple(rows))),
        notes=(*report.notes, note),
    )


def _drawn(
    report: Report,
    run: RunDir,
    shown: EnergyEstimate,
    found: Estimates,
    costs: CostTable,
    events: float | None,
) -> Report:
    """Draw layers and estimates; ``events`` is None where there is no rival."""
    network = str(report.values["network"])
    layers = [item.layer for item in shown.layers]
    head = f"{network}, {shown.proxy}, {costs.name}: {shown.total_pj * 1e-9:.3g} mJ per inference"
    picture = energy_per_layer(
        [layer.name for layer in layers],
        [item.mean_pj for item in shown.layers],
        [layer.inputs for layer in layers],
        title=head,
    )
    files = [write_atomically(run.path("layers.png"), figure_png(picture))]
    bars = [(name, item.total_pj, network) for name, item in found.items()]
    if events is not None:
        rivals = dict.fromkeys(theirs for theirs, _ in PAIRS)
        bars += [(name, event_vpr_energy(name, costs, events), "EventVPR") for name in rivals]
    if len(bars) > 1:
        labels, energies, groups = zip(*bars, strict=True)
        picture = energy_estimates(labels, energies, groups, title=f"Estimates, {costs.name}")
        files.append(write_atomically(run.path("estimates.png"), figure_png(picture)))
    return replace(report, files=tuple(files))
