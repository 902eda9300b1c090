"""Golden training steps of SpikeVPR: descriptors, loss, gradients and running statistics."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from spikevpr_numbers import files, formula_weights, meta

from saccade.tasks.place.config_model import PlaceModelConfig
from saccade.tasks.place.loss import info_nce
from saccade.tasks.place.model import PlaceNet

NEURON: dict[str, Any] = {"LIFNode": "lif", "IFNode": "if"}
TEMPERATURE = 0.07


def network(data: Any, dtype: torch.dtype) -> PlaceNet:
    """Build the network with formula weights and fresh statistics."""
    about = meta(data)
    config = PlaceModelConfig(
        arch=about["encoder"], head_neuron=NEURON[about["neuron"]], compat="spikevpr"
    )
    model = PlaceNet.build(config)
    keys = [(key, tuple(value.shape)) for key, value in model.state_dict().items()]
    weights = formula_weights(keys, about["seed"])
    with torch.no_grad():
        for name, parameter in model.named_parameters():
            parameter.copy_(weights[name])
    return model.to(dtype).train()


@pytest.mark.slow
@pytest.mark.parametrize("dtype", [torch.float64, torch.float32], ids=["f64", "f32"])
@pytest.mark.parametrize("path", files("train_step_"), ids=lambda path: path.stem)
def test_one_training_step(path: Path, dtype: torch.dtype) -> None:
    data = np.load(path)
    exact = dtype == torch.float64
    model = network(data, dtype)
    descriptor = model(torch.from_numpy(data["frames"]).to(dtype))
    temperature = meta(data).get("temperature", TEMPERATURE)
    loss = info_nce(descriptor, torch.from_numpy(data["labels"]), temperature=temperature)
    loss.backward()
    assert float(loss.detach()) == pytest.approx(float(data["loss"]), rel=1e-5 if exact else 1e-3)
    wanted = torch.from_numpy(data["descriptor"]).to(dtype)
    cosine = torch.nn.functional.cosine_similarity(descriptor, wanted)
    assert float(cosine.detach().min()) >= (1 - 1e-9 if exact else 0.999)
    parameters = dict(model.named_parameters())
    assert set(parameters) == {str(name) for name in data["param_names"]}
    for row, name in enumerate(data["param_names"]):
        gradient = parameters[str(name)].grad
        assert gradient is not None
        norm = float(gradient.norm())
        assert norm == pytest.approx(data["grad_norm"][row], rel=1e-5 if exact else 2e-2), name
        if exact:
            first = gradient.flatten()[:4].numpy()
            known = data["grad_first4"][row][: len(first)]
            np.testing.assert_allclose(first, known, rtol=1e-4, atol=1e-6 * max(norm, 1e-9))
    buffers = dict(model.named_buffers())
    for name in ("running_mean", "running_var"):
        found = buffers[f"bn1.{name}"].double().numpy()
        np.testing.assert_allclose(found, data[f"bn1_{name}"], rtol=1e-5, atol=1e-6)
