"""How many spikes each layer of a network fires, for every sample.

Hooks on the spiking neurons count their output while the network runs: per sample, summed over
time, channels and pixels. Dividing by neurons and steps gives the firing rate.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor, nn

from saccade.contracts import Table
from saccade.neurons import IF, LIF

__all__ = ["SpikeRecord", "record_spikes", "spiking_layers"]

SPIKING = (IF, LIF)


@dataclass
class SpikeRecord:
    """Spikes of every layer, in order of execution.

    Args:
        counts: Layer name -> spikes of each sample seen so far, int64 ``[B]`` per call.
        neurons: Layer name -> number of neurons of one sample.
        steps: Layer name -> time steps T.
    """

    counts: dict[str, list[Tensor]] = field(default_factory=dict[str, list[Tensor]])
    neurons: dict[str, int] = field(default_factory=dict[str, int])
    steps: dict[str, int] = field(default_factory=dict[str, int])

    def add(self, other: SpikeRecord) -> None:
        """Append the samples of another record of the same network and frame size."""
        for layer, parts in other.counts.items():
            self.counts.setdefault(layer, []).extend(parts)
            self.neurons[layer] = other.neurons[layer]
            self.steps[layer] = other.steps[layer]

    def per_sample(self, layer: str) -> Tensor:
        """Return the spikes of each sample, int64 ``[samples]``."""
        return torch.cat(self.counts[layer])

    def firing_rate(self, layer: str) -> float:
        """Return spikes per neuron and step, averaged over samples, 0 to 1."""
        spikes = self.per_sample(layer).double().mean()
        return float(spikes) / (self.neurons[layer] * self.steps[layer])

    def silent(self) -> list[str]:
        """Return the layers in which no neuron fired for any sample."""
        return [layer for layer in self.counts if int(self.per_sample(layer).sum()) == 0]

    def table(self) -> Table:
        """Return mean spikes per sample and firing rate of every layer, and their sum."""
        rows: list[tuple[str, int, float, float]] = []
        for layer in self.counts:
            spikes = float(self.per_sample(layer).double().mean())
            rows.append((layer, self.neurons[layer], spikes, self.firing_rate(layer)))
        neurons, spikes = sum(row[1] for row in rows), sum(row[2] for row in rows)
        work = sum(self.neurons[layer] * self.steps[layer] for layer in self.counts)
        rows.append(("all layers", neurons, spikes, spikes / work if work else 0.0))
        columns = ("layer", "neurons", "spikes per frame", "firing rate")
        return Table("Spikes per layer", columns, tuple(rows))


def spiking_layers(model: nn.Module) -> dict[str, nn.Module]:
    """Return the spiking neurons of a network by name."""
    return {name: module for name, module in model.named_modules() if isinstance(module, SPIKING)}


@contextmanager
def record_spikes(model: nn.Module) -> Iterator[SpikeRecord]:
    """Count spikes while the block runs.

    Examples:
        >>> from saccade.tasks.place.model import PlaceNet
        >>> model = PlaceNet.sew_resnet18()
        >>> with record_spikes(model) as record:
        ...     _ = model(torch.ones(3, 2, 64, 96))
        >>> record.per_sample("sn1").shape, record.neurons["sn1"]
        (torch.Size([3]), 98304)
    """
    record = SpikeRecord()
    handles = [
        module.register_forward_hook(_counter(record, name))
        for name, module in spiking_layers(model).items()
    ]
    try:
        yield record
    finally:
        for handle in handles:
            handle.remove()


def _counter(record: SpikeRecord, name: str) -> Callable[[nn.Module, Any, Tensor], None]:
    def count(module: nn.Module, inputs: Any, spikes: Tensor) -> None:
        per_sample = spikes.detach().transpose(0, 1).flatten(1).count_nonzero(1)
        record.counts.setdefault(name, []).append(per_sample.cpu())
        record.neurons[name] = spikes[0, 0].numel()
        record.steps[name] = spikes.shape[0]

    return count
