"""The fused network on the golden data of whole networks: spikes of every layer, descriptors."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from spikevpr_numbers import files, formula_weight, meta

from saccade.tasks.place.config import PlaceModelConfig
from saccade.tasks.place.inference import fuse
from saccade.tasks.place.model import PlaceNet

FULL = [path for path in files("full_") if path.suffix == ".npz"]


@pytest.mark.parametrize("path", FULL, ids=lambda path: path.stem)
def test_fused_network_fires_and_describes_as_published(path: Path) -> None:
    data = np.load(path)
    about = meta(data)
    neuron = {"LIFNode": "lif", "IFNode": "if"}[about["neuron"]]
    config = PlaceModelConfig(arch=about["encoder"], head_neuron=neuron, compat="spikevpr")
    model = PlaceNet.build(config)
    state = model.state_dict()
    for position, (key, value) in enumerate(state.items()):
        if f"stats/{key}" in data.files:
            state[key] = torch.from_numpy(data[f"stats/{key}"]).float()
            continue
        made = formula_weight(key, tuple(value.shape), position, about["seed"])
        state[key] = value if made is None else made
    model.load_state_dict(state)

    descriptors, spikes = fuse(model.eval()).with_spikes(data["frames"])

    names = [str(name) for name in data["neuron_names"]]
    assert sorted(spikes) == sorted(names)
    for index, name in enumerate(names):
        assert np.abs(spikes[name].numpy() - data["spike_counts"][:, index]).max() <= 20, name
    golden = torch.from_numpy(data["descriptor"])
    assert torch.nn.functional.cosine_similarity(descriptors, golden).min() >= 0.9999
