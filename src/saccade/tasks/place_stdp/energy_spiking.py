"""A trained delta network as spiking neurons, counted layer by layer: what LENS runs on a chip.

    u += W c,  n = floor(u / threshold) where u >= threshold,  u -= n threshold       see
    `delta_spiking`; here the spikes of features are kept, which cost a row of W_o each

Reference:
    A. D. Hines, M. Milford and T. Fischer, "A compact neuromorphic system for
    ultra-energy-efficient, on-device robot localization", Science Robotics 2025.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from saccade.energy import LayerActivity, LayerShape
from saccade.errors import MissingFileError
from saccade.tasks.place_stdp.delta_spikes import bernoulli_spikes
from saccade.tasks.place_stdp.delta_spiking import SpikingModel
from saccade.tasks.place_stdp.energy_layers import QueryCost
from saccade.tasks.place_stdp.inputs import StoredInputs
from saccade.tasks.place_stdp.model import Member
from saccade.tasks.place_stdp.store import read_stored

__all__ = ["feature_spikes", "spiking_cost"]

Floats = NDArray[np.float32]


def spiking_cost(
    member: Member, inputs: StoredInputs, images: Sequence[int], *, steps: int
) -> QueryCost:
    """Show images, as random spikes, to the spiking form of a member and count.

    Args:
        member: Of the delta rule, with its modules beside it in the run folder.
        inputs: The queries.
        images: Which ones.
        steps: Time steps T of a query.

    Raises:
        MissingFileError: The modules are not there; the member holds their product alone.
    """
    model = _spiking_model(member)
    values = inputs.values(np.asarray(images))
    rasters = list(bernoulli_spikes(values, steps, seeds=list(images)))
    model.counts(rasters[0])  # compiles
    seconds = np.zeros(len(rasters))
    for k, raster in enumerate(rasters):
        start = time.perf_counter()
        model.counts(raster)
        seconds[k] = time.perf_counter() - start
    layers = [
        layer
        for number, (feature, output) in enumerate(model.modules)
        for layer in _layers(member, number, rasters, model, feature, output)
    ]
    neurons = sum(feature.shape[1] + output.shape[1] for feature, output in model.modules)
    totals = {
        "input spikes": float(np.mean([int(raster.sum()) for raster in rasters])),
        "feature spikes": sum(float(layer.spikes_in.mean()) for layer in layers[1::2]),
        "output spikes": sum(float(layer.spikes_out.mean()) for layer in layers[1::2]),
        "synaptic events": sum(float(layer.operations.mean()) for layer in layers),
    }
    note = f"Spikes of inputs are drawn: an input of 1 fires in each of {steps:,} steps."
    return QueryCost(layers, seconds, neurons * steps, totals, (note,))


def feature_spikes(
    raster: NDArray[Any], feature: Floats, threshold: float, floor: float
) -> NDArray[np.int64]:
    """Return the spikes of features in each step, from rest.

    Args:
        raster: Whole numbers ``[T, N]``.
        feature: float32 ``[N, F]``.
        threshold: Of features.
        floor: Least membrane potential.

    Returns:
        int64 ``[T, F]``.

    Examples:
        >>> one = np.ones((1, 1), np.float32)
        >>> feature_spikes(np.array([[1], [0], [2]], np.uint8), one, 1.0, -1.0).tolist()
        [[1], [0], [2]]
    """
    u = np.zeros(feature.shape[1], np.float32)
    fired = np.zeros((len(raster), len(u)), np.int64)
    for step, spikes in enumerate(raster):
        u = np.maximum(u + spikes.astype(np.float32) @ feature, np.float32(floor))
        fired[step] = np.maximum(np.floor(u / np.float32(threshold)), 0)
        u -= fired[step].astype(np.float32) * np.float32(threshold)
    return fired


def _layers(
    member: Member,
    number: int,
    rasters: Sequence[NDArray[Any]],
    model: SpikingModel,
    feature: Floats,
    output: Floats,
) -> list[LayerActivity]:
    """Return both layers of a module; a step is an evaluation."""
    inner = [
        feature_spikes(raster, feature, model.thresholds[0], model.floor) for raster in rasters
    ]
    outer = [feature_spikes(spikes, output, model.thresholds[1], model.floor) for spikes in inner]
    sides = (
        ("input to features", feature, rasters, inner),
        ("features to places", output, inner, outer),
    )
    found: list[LayerActivity] = []
    for name, weights, sent, fired in sides:
        spikes = np.array([int(item.sum()) for item in sent], np.int64)
        largest = max(int(item.max(initial=0)) for item in sent)
        found.append(
            LayerActivity(
                name=f"seed {member.about['seed']}, module {number}: {name}",
                kind="Linear",
                shape=LayerShape.linear(*weights.shape),
                inputs="binary" if largest <= 1 else "counts",
                largest=largest,
                steps=float(len(rasters[0])),
                nonzeros=np.array([np.count_nonzero(item) for item in sent], np.int64),
                spikes_in=spikes,
                operations=spikes * weights.shape[1],
                spikes_out=np.array([int(item.sum()) for item in fired], np.int64),
            )
        )
    return found


def _spiking_model(member: Member) -> SpikingModel:
    folder = member.path.parent / "parts" / f"member-{member.about['member']}"
    modules: list[tuple[Floats, Floats]] = []
    for k in range(member.modules):
        path = folder / f"module-{k:03d}.e{member.about['epochs']:03d}.safetensors"
        if not path.is_file():
            raise MissingFileError(
                f"{member.path.name} holds the product of its layers, not the layers.",
                f"Expected them in {path}.",
                "Pass the run folder that trained it, or leave out --form spiking.",
            )
        arrays = read_stored(path, identity=member.about["identity"]).arrays
        feature, output = (
            np.ascontiguousarray(arrays[f"module0.{name}.weights"].T)
            for name in ("feature", "output")
        )
        modules.append((feature, output))
    return SpikingModel(tuple(modules))
