"""Measured activity to energy: one number per layer and sample, and what it leaves out.

operations   E = Σ over layers  AC · ac + MAC · mac                no memory at all
the others   E = Σ over layers  steps · proxy(activity / steps)    see `saccade.energy.proxies`
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from saccade.contracts import Cell, Table
from saccade.energy.costs import CostTable, load_costs
from saccade.energy.layer import Activity, LayerShape
from saccade.energy.proxies import PROXIES
from saccade.energy.record import ActivityRecord, LayerActivity
from saccade.errors import ConfigError, DataError, did_you_mean, listing

__all__ = ["ESTIMATES", "EnergyEstimate", "LayerEnergy", "dense_energy", "estimate"]

OPERATIONS = "operations"
ESTIMATES = (OPERATIONS, *PROXIES)
"""Names that `estimate` knows."""


@dataclass(frozen=True)
class LayerEnergy:
    """A layer and its energy.

    Args:
        layer: What went through it.
        pj: Energy of each sample, pJ ``[S]``.
    """

    layer: LayerActivity
    pj: NDArray[np.float64]

    @property
    def mean_pj(self) -> float:
        """Mean over samples."""
        return float(self.pj.mean())


@dataclass(frozen=True)
class EnergyEstimate:
    """Energy of an inference under one proxy and one cost table.

    Args:
        proxy: Name of the estimate.
        costs: The table.
        layers: In order of execution.
        notes: What has to be said with the number: what is real-valued, what is not counted.
    """

    proxy: str
    costs: CostTable
    layers: tuple[LayerEnergy, ...]
    notes: tuple[str, ...]

    @property
    def per_sample_pj(self) -> NDArray[np.float64]:
        """Energy of each sample over all layers, pJ ``[S]``."""
        return np.stack([item.pj for item in self.layers]).sum(axis=0)

    @property
    def total_pj(self) -> float:
        """Mean energy of an inference, pJ."""
        return float(self.per_sample_pj.mean())

    @property
    def deviation_pj(self) -> float:
        """Its standard deviation over samples, pJ."""
        return float(self.per_sample_pj.std())

    @property
    def real_share(self) -> float:
        """Share of the energy in layers whose input is real-valued, hence not spikes."""
        real = sum(item.mean_pj for item in self.layers if item.layer.is_real)
        return real / self.total_pj if self.total_pj else 0.0

    @property
    def spikes_per_synapse(self) -> float:
        """Non-zero inputs (spikes) of all layers by synapses of all layers, as published."""
        inputs = sum(item.layer.activity.spikes_in for item in self.layers)
        return inputs / sum(item.layer.dense for item in self.layers)

    def table(self) -> Table:
        """Return a row per layer, and the sum."""
        rows: list[tuple[Cell, ...]] = []
        for item in self.layers:
            layer = item.layer
            share = item.mean_pj / self.total_pj if self.total_pj else 0.0
            rows.append(
                (
                    layer.name, _inputs(layer), 1 - layer.zero_share, layer.ac, layer.mac,
                    layer.dense, item.mean_pj, share,
                )
            )  # fmt: skip
        sums = [sum(getattr(item.layer, name) for item in self.layers) for name in _SUMMED]
        rows.append(("all layers", "", None, *sums, self.total_pj, 1.0 if self.total_pj else 0.0))
        columns = ("layer", "inputs", "non-zero", "AC", "MAC", "dense MAC", "pJ", "share")
        return Table(f"Energy per layer, {self.proxy}, {self.costs.name}", columns, tuple(rows))


_SUMMED = ("ac", "mac", "dense")


def estimate(
    record: ActivityRecord | Sequence[LayerActivity],
    proxy: str = "snn_lemaire",
    costs: str | Path | CostTable = "45nm",
) -> EnergyEstimate:
    """Price what was measured.

    Args:
        record: From `saccade.energy.measure`, or its layers (notes then know of layers alone).
        proxy: ``"operations"``, or a name in `PROXIES`. Those of conventional networks take the
            measured share of zeros and charge for every evaluation.
        costs: Name of a table, a YAML file, or a table.

    Raises:
        ConfigError: There is no such proxy or table.
        DataError: Nothing was measured, or no layer that has weights ran.

    Examples:
        >>> import torch
        >>> from saccade.energy import measure
        >>> model = torch.nn.Linear(4, 3, bias=False)
        >>> with measure(model) as record:
        ...     _ = model(torch.tensor([[0.0, 1, 1, 0]]))
        >>> round(estimate(record, "operations").total_pj, 6)   # 2 spikes to 3 neurons, 0.1 pJ each
        0.6
    """
    if proxy not in ESTIMATES:
        raise ConfigError(
            f"There is no proxy {proxy!r}.",
            f"Expected one of {', '.join(ESTIMATES)}.",
            did_you_mean(proxy, ESTIMATES),
        )
    table = costs if isinstance(costs, CostTable) else load_costs(costs)
    layers = record.layers() if isinstance(record, ActivityRecord) else list(record)
    if not layers:
        raise DataError("No layer ran.", "Expected a convolution or a linear layer in the network.")
    priced = tuple(LayerEnergy(layer, _energy(layer, proxy, table)) for layer in layers)
    found = EnergyEstimate(proxy, table, priced, ())
    notes = (*_input_notes(found), *_cost_notes(table))
    if isinstance(record, ActivityRecord):
        notes += tuple(_uncounted(record))
    return EnergyEstimate(proxy, table, priced, notes)


def dense_energy(shape: LayerShape, proxy: str, costs: CostTable, zero_share: float = 0.0) -> float:
    """Return the pJ of one dense evaluation of a layer, from its shape alone.

    Args:
        shape: The layer.
        proxy: ``"operations"`` (a MAC at every synapse) or one of ``"ann_..."``.
        costs: The table.
        zero_share: Share of inputs that are 0, for the proxies that spare them.

    Raises:
        ConfigError: The proxy needs spikes.
    """
    if proxy == OPERATIONS:
        return shape.synapses * costs.mac
    if not proxy.startswith("ann_") or proxy not in PROXIES:
        raise ConfigError(f"Proxy {proxy!r} needs measured spikes.", "Expected operations, ann_...")
    return PROXIES[proxy](shape, Activity(zero_share=zero_share), costs)


def _energy(layer: LayerActivity, proxy: str, costs: CostTable) -> NDArray[np.float64]:
    """Return the energy of each sample, pJ ``[S]``."""
    if proxy == OPERATIONS:
        return layer.operations.astype(np.float64) * (costs.mac if layer.is_real else costs.ac)
    if layer.steps == 0:
        return np.zeros(len(layer.operations))
    price, steps = PROXIES[proxy], layer.steps
    places = layer.shape.inputs * steps
    samples = zip(layer.spikes_in, layer.spikes_out, 1 - layer.nonzeros / places, strict=True)
    energy = [
        price(
            layer.shape,
            Activity(
                spikes_in=ti / steps, spikes_out=to / steps, zero_share=zeros, is_real=layer.is_real
            ),
            costs,
        )
        for ti, to, zeros in samples
    ]
    return steps * np.array(energy, np.float64)


def _inputs(layer: LayerActivity) -> str:
    return f"counts to {layer.largest:,}" if layer.inputs == "counts" else layer.inputs


def _input_notes(found: EnergyEstimate) -> list[str]:
    """Say which layers are not driven by spikes, and that a count is several spikes."""
    layers = [item.layer for item in found.layers]
    real = [layer for layer in layers if layer.is_real]
    counts = [layer for layer in layers if layer.inputs == "counts"]
    dense = sum(layer.dense for layer in layers)
    notes: list[str] = []
    if real and not found.proxy.startswith("ann_"):
        part = sum(layer.dense for layer in real) / dense
        notes.append(
            f"{len(real)} of {len(layers)} layers are not driven by spikes, their inputs are real "
            f"numbers: {listing((layer.name for layer in real), 4)}. They hold {part:.0%} of the "
            f"synapses and {found.real_share:.0%} of this energy; each non-zero input is charged "
            "a multiplication at each synapse it reaches, zeros nothing."
        )
    idle = [layer.name for layer in layers if not layer.nonzeros.any()]
    if idle:
        notes.append(
            f"{len(idle)} layers saw nothing but zeros: {listing(idle, 4)}. What they cost here "
            "says nothing about a network whose neurons fire."
        )
    if counts and not found.proxy.startswith("ann_"):
        notes.append(
            f"{len(counts)} layers take whole numbers up to {max(x.largest for x in counts):,}: "
            "a count of k is charged as k spikes."
        )
    return notes


def _cost_notes(costs: CostTable) -> list[str]:
    note = f"Costs: {costs.name}: {costs.source}."
    if not costs.is_measured:
        note += " These costs were not measured."
    return [note]


def _uncounted(record: ActivityRecord) -> list[str]:
    """Say what ran and is not in the number."""
    parts = [
        f"{name} x {len(others.modules)} ({others.values / record.samples:,.0f} values)"
        for name, others in record.others.items()
    ]
    notes = [
        (f"Not counted: {', '.join(parts)}; batch norm folds into weights. " if parts else "")
        + "What is written as a function is not seen either: additions of residual identities, "
        "normalisation, averages. Nor are the making of frames, membranes that decay without a "
        "spike, memory outside the chip and leakage."
    ]
    if record.silent:
        notes.append(f"Layers that never ran: {listing(record.silent)}.")
    return notes
