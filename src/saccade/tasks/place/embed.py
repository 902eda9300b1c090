"""Windows to descriptors: by the network, or by counting events per cell.

network  d_k = PlaceNet(frames of window k), compared by cosine
count    d_k = counts per cell of window k, compared by correlation
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from saccade import hub
from saccade.contracts import PlaceDescriptors, Progress
from saccade.errors import CheckpointError
from saccade.files import file_sha256
from saccade.hub import WeightCard
from saccade.tasks.place.calibrate import Calibration, calibrate
from saccade.tasks.place.checkpoint import load_published
from saccade.tasks.place.config import NetworkArgs, PlaceModelConfig
from saccade.tasks.place.data import Windows
from saccade.tasks.place.inference import fuse
from saccade.tasks.place.input_notes import input_notes
from saccade.tasks.place.model import PlaceNet
from saccade.tasks.place.spikes import SpikeRecord, record_spikes

__all__ = ["Network", "count_descriptors", "describe", "load_network", "prepare"]

UNTRAINED = "untrained"

Runner = Callable[[Tensor, SpikeRecord], NDArray[np.float32]]
"""Embeds frames ``[T, B, 2, H, W]`` and adds their spikes to a record."""


@dataclass(frozen=True)
class Network:
    """A network that is ready to run, and what has to be said about it.

    Args:
        model: On its device, in evaluation mode.
        method: Name of the architecture.
        weights: SHA-256 of the weights file, or ``"untrained seed N"``.
        notes: Plain sentences for the report.
        calibration: Firing rates before and after, where it was calibrated.
        card: What is known about the weights, where they have a card.
    """

    model: PlaceNet
    method: str
    weights: str
    notes: tuple[str, ...] = ()
    calibration: Calibration | None = None
    card: WeightCard | None = None


def load_network(weights: str, args: NetworkArgs, device: torch.device) -> Network:
    """Load weights by file or name, or draw seeded ones; nothing is calibrated yet.

    Args:
        weights: A file, the name of a model in `saccade.hub`, or ``"untrained"``. A file that
            exists comes before a model of the same name.
        args: Which untrained network, and what a weights file does not say.
        device: Where the network shall be.

    Raises:
        MissingFileError: There is no such file, or the model has none on this machine.
        ConfigError: There is no such model.
        CheckpointError: The file does not fit or does not say what is needed, or it is not the one
            its card describes.
    """
    if weights == UNTRAINED:
        config = PlaceModelConfig(
            arch=args.arch, head_neuron=args.head_neuron or "lif", compat=args.compat
        )
        model = PlaceNet.build(config, args.seed)
        return Network(model.to(device), config.arch, f"{UNTRAINED} seed {args.seed}")
    path, card = _located(weights)
    model = load_published(
        path, head_neuron=args.head_neuron, channel_order=args.channel_order, compat=args.compat
    )
    assert model.config is not None
    notes: tuple[str, ...] = ()
    if card is not None and card.provenance.kind == "simulated":
        notes = (f"{card.name} was trained on simulated data: {card.provenance.data}.",)
    digest = card.sha256 if card else file_sha256(path)
    return Network(model.to(device), model.config.arch, digest, notes, card=card)


def _located(weights: str) -> tuple[Path, WeightCard | None]:
    path = Path(weights)
    if path.is_file():
        return path, hub.find(file_sha256(path))
    if not hub.is_name(weights):
        return path, None
    path, card = hub.load(weights)
    if card.task != "place":
        raise CheckpointError(f"{card.name!r} is a model for task {card.task!r}, not place.")
    return path, card


def prepare(network: Network, args: NetworkArgs, windows: Windows) -> Network:
    """Calibrate where needed, and note what a reader of the results must know.

    Args:
        network: From `load_network`; its statistics are changed in place by calibration.
        args: Says whether loaded weights are calibrated.
        windows: Where calibration frames come from.
    """
    untrained = network.weights.startswith(UNTRAINED)
    calibration = None
    notes = list(network.notes)
    if untrained or args.calibrate:
        chosen = windows.calibration()
        frames = torch.from_numpy(windows.frames(chosen)).to(_device(network.model))
        calibration = calibrate(network.model, frames, batch=args.batch)
        what = f"batch norm calibrated on {len(chosen)} frames of {windows.name}"
        if untrained:
            notes.append(
                f"The network is not trained: weights drawn from seed {args.seed}, {what}. Its "
                "matches show what random features see; they say nothing about the method."
            )
        else:
            notes.append(f"Loaded weights, {what}: descriptors differ from the published ones.")
    if not untrained:
        rates = {windows.name: windows.rate}
        notes += input_notes(
            windows.size, rates, card=network.card, channel_order=args.channel_order
        )
    return replace(network, notes=tuple(notes), calibration=calibration)


def describe(
    network: Network, windows: Windows, *, batch: int = 8, progress: Progress | None = None
) -> tuple[PlaceDescriptors, SpikeRecord]:
    """Run the network over all windows.

    Args:
        network: From `prepare`.
        windows: The recording.
        batch: Windows per pass; descriptors do not depend on it beyond rounding.
        progress: Called with (windows done, windows in all).

    Returns:
        One descriptor per window, empty ones included, and the spikes of every layer.
    """
    run = _runner(network.model, windows)
    vectors: list[NDArray[np.float32]] = []
    spikes = SpikeRecord()
    for start in range(0, len(windows), batch):
        which = np.arange(start, min(start + batch, len(windows)))
        vectors.append(run(torch.from_numpy(windows.frames(which)), spikes))
        if progress is not None:
            progress(int(which[-1]) + 1, len(windows))
    return _bank(np.concatenate(vectors), windows, network.method, network.weights), spikes


def _runner(model: PlaceNet, windows: Windows) -> Runner:
    """Return what embeds a batch: the model itself, or its fused form.

    That form is for one step on the CPU and for separable convolutions.
    """
    device = _device(model)

    def whole(frames: Tensor, spikes: SpikeRecord) -> NDArray[np.float32]:
        with torch.no_grad(), record_spikes(model) as record:
            vectors = model(frames.to(device)).float().cpu().numpy()
        spikes.add(record)
        return vectors

    if device.type != "cpu" or windows.steps > 1 or not model.is_separable:
        return whole
    fused = fuse(model)
    sizes = SpikeRecord()
    whole(torch.from_numpy(windows.frames(np.arange(1))), sizes)

    def folded(frames: Tensor, spikes: SpikeRecord) -> NDArray[np.float32]:
        vectors, counts = fused.with_spikes(frames)
        parts = {layer: [counts[layer]] for layer in sizes.counts}
        spikes.add(SpikeRecord(parts, sizes.neurons, sizes.steps))
        return vectors.numpy()

    return folded


def count_descriptors(windows: Windows, cell_px: int = 8) -> PlaceDescriptors:
    """Return centred, unit-length counts per cell, so that cosine is the correlation of the counts.

    A window with the same count in every cell, an empty one among them, has no direction and gives
    a row of zeros.

    Args:
        windows: The recording.
        cell_px: Side of a cell in pixels; 1 compares single pixels.
    """
    cells = windows.cells(cell_px)
    cells -= cells.mean(1, keepdims=True)
    length = np.linalg.norm(cells, axis=1, keepdims=True)
    np.divide(cells, length, out=cells, where=length > 0)
    return _bank(cells, windows, "count", "")


def _bank(
    vectors: NDArray[np.float32], windows: Windows, method: str, weights: str
) -> PlaceDescriptors:
    return PlaceDescriptors(
        vectors=vectors,
        t_start_us=windows.t_start_us,
        t_end_us=windows.t_end_us,
        event_count=windows.event_count,
        method=method,
        weights=weights,
    )


def _device(model: PlaceNet) -> torch.device:
    return model.conv1[0].weight.device  # pyright: ignore[reportReturnType, reportAttributeAccessIssue]
