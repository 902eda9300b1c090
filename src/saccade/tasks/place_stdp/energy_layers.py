"""What one query made happen: spikes and synaptic events of every layer, counted, and its time.

stdp    input -> E    an input spike reaches n_e neurons in each of M modules
        E -> I        a spike of E reaches its own partner
        I -> E        a spike of I reaches n_e - 1 neurons
        updates       2 n_e neurons x T steps x M modules
delta   C x           a non-zero input is multiplied with P weights, once
        spiking       input -> features -> outputs of each module, T steps, as LENS on a chip

A module is a layer with a memory of its own that is used M times; that is how modules are built.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from saccade.contracts import Progress
from saccade.energy import LayerActivity, LayerShape
from saccade.engine.seed import numpy_rng
from saccade.tasks.place_stdp.assignment import scores
from saccade.tasks.place_stdp.exact import ExactEngine
from saccade.tasks.place_stdp.fast import FastGroup
from saccade.tasks.place_stdp.inputs import StoredInputs
from saccade.tasks.place_stdp.model import Member
from saccade.tasks.place_stdp.network import Network, State
from saccade.tasks.place_stdp.spikes import Raster

__all__ = ["QueryCost", "matrix_cost", "stdp_cost"]

Counts = NDArray[np.int64]


@dataclass(eq=False)
class QueryCost:
    """What queries cost one member.

    Args:
        layers: What went through each layer, a sample a query.
        seconds: Time of each query ``[S]``, measured.
        updates: Updates of neurons for one query.
        totals: Name -> mean count of a query.
        notes: What has to be said with the numbers.
    """

    layers: list[LayerActivity]
    seconds: NDArray[np.float64]
    updates: int = 0
    totals: dict[str, float] = field(default_factory=dict[str, float])
    notes: tuple[str, ...] = ()


def stdp_cost(
    member: Member, inputs: StoredInputs, images: Sequence[int], tell: Progress | None = None
) -> QueryCost:
    """Show images to all modules of a member and count.

    Args:
        member: Spiking modules.
        inputs: The queries.
        images: Which ones.
        tell: Called with parts done and in all.
    """
    config, parts = member.network, member.parts()
    sent, fired, answered = (np.zeros(len(images), np.int64) for _ in range(3))
    seconds = np.zeros(len(images))
    for number, part in enumerate(parts):
        machines = _Machines(member, part)
        machines.show(_raster(member, inputs, images[0]))  # compiles
        machines.begin()
        for k, image in enumerate(images):
            start = time.perf_counter()
            raster = _raster(member, inputs, image)
            if number:
                start = time.perf_counter()  # all modules share the input spikes
            excited, inhibited = machines.show(raster)
            seconds[k] += time.perf_counter() - start
            sent[k] = len(raster)
            fired[k] += excited
            answered[k] += inhibited
        if tell is not None:
            tell(number + 1, len(parts))
    steps = config.steps(config.input_ms)
    layers = _spiking_layers(member, steps, sent, fired, answered)
    notes = [
        "Inhibitory spikes are counted."
        if member.about["engine"] == "exact"
        else "The fast engine does not simulate inhibitory neurons: one spike each for a spike of "
        "their partner is charged."
    ]
    totals = {
        "input spikes": float(sent.mean()),
        "excitatory spikes": float(fired.mean()),
        "inhibitory spikes": float(answered.mean()),
        "synaptic events": float(sum(layer.operations for layer in layers).mean()),  # type: ignore[union-attr]
    }
    updates = 2 * config.n_e * steps * member.modules
    return QueryCost(layers, seconds, updates, totals, tuple(notes))


def matrix_cost(member: Member, inputs: StoredInputs, images: Sequence[int]) -> QueryCost:
    """Multiply images with the matrix of a member and count.

    Args:
        member: Of the delta rule.
        inputs: The queries.
        images: Which ones.
    """
    matrix = member.array("matrix")
    values = inputs.values(np.asarray(images)).astype(np.float32) / np.float32(255)
    seconds = np.zeros(len(images))
    _ = matrix @ values[0]
    for k, x in enumerate(values):
        start = time.perf_counter()
        _ = matrix @ x
        seconds[k] = time.perf_counter() - start
    nonzeros = np.count_nonzero(values, axis=1).astype(np.int64)
    places, n_in = matrix.shape
    layer = LayerActivity(
        name=f"seed {member.about['seed']}: matrix",
        kind="Linear",
        shape=LayerShape.linear(n_in, places),
        inputs="real",
        largest=0,
        steps=1.0,
        nonzeros=nonzeros,
        spikes_in=nonzeros,
        operations=nonzeros * places,
        spikes_out=np.zeros_like(nonzeros),
    )
    totals = {
        "non-zero inputs": float(nonzeros.mean()),
        "multiplications": float(layer.operations.mean()),
    }
    return QueryCost([layer], seconds, 0, totals)


def _raster(member: Member, inputs: StoredInputs, image: int) -> Raster:
    rng = numpy_rng(int(member.about["seed"]), f"{inputs.path.name} {image}")
    return inputs.raster(image, member.network, rng)


class _Machines:
    """Modules side by side that say how often E and I fired, and read the answer out."""

    def __init__(self, member: Member, part: range) -> None:
        networks = member.networks(part)
        self._known = [member.assignment(k)[1] for k in part]
        self._readout = member.about["readout"]
        self._config = member.network
        self._group = FastGroup(networks) if member.about["engine"] == "fast" else None
        self._networks: list[Network] = [] if self._group else networks
        self.begin()

    def begin(self) -> None:
        """Put every module where it is before the first image."""
        self._exact = [ExactEngine(network) for network in self._networks]
        if not self._config.reset_per_image and self._config.start_ms:
            self._pause(self._config.start_ms)

    def show(self, inputs: Raster) -> tuple[int, int]:
        """Return the spikes of E and of I in all modules while an image is shown."""
        if self._group is not None:
            counts = self._group.counts(inputs)
            inhibited = int(counts.sum())
        else:
            counts, inhibited = self._show_exact(inputs)
        for row, known in zip(counts, self._known, strict=True):
            scores(row[None], known, readout=self._readout)
        return int(counts.sum()), inhibited

    def _show_exact(self, inputs: Raster) -> tuple[NDArray[np.int32], int]:
        if self._config.reset_per_image:
            for engine in self._exact:
                engine.state = State.rest(self._config)
        found = [engine.run(inputs, learn=False) for engine in self._exact]
        if not self._config.reset_per_image:
            self._pause(self._config.rest_ms)
        counts = np.stack([item.excitatory.counts(self._config.n_e) for item in found])
        return counts, sum(len(item.inhibitory) for item in found)

    def _pause(self, ms: float) -> None:
        inputs = Raster.empty(self._config.steps(ms))
        for engine in self._exact:
            engine.run(inputs, learn=False)


def _spiking_layers(
    member: Member, steps: int, sent: Counts, fired: Counts, answered: Counts
) -> list[LayerActivity]:
    n_in, n_e, modules = member.network.n_in, member.network.n_e, member.modules
    uses = float(steps * modules)
    one_to_one = LayerShape(is_conv=True, channels_in=n_e, channels_out=n_e, groups=n_e)
    rows = (
        ("input to E", LayerShape.linear(n_in, n_e), sent * modules, n_e, fired),
        ("E to I", one_to_one, fired, 1, answered),
        ("I to E", LayerShape.linear(n_e, n_e), answered, n_e - 1, np.zeros_like(fired)),
    )
    return [
        LayerActivity(
            name=f"seed {member.about['seed']}: {name}, {modules} modules",
            kind="Linear",
            shape=shape,
            inputs="binary",
            largest=1,
            steps=uses,
            nonzeros=spikes,
            spikes_in=spikes,
            operations=spikes * reached,
            spikes_out=out,
        )
        for name, shape, spikes, reached, out in rows
    ]
