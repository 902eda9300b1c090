"""The fused place network against the model it is made from."""

from __future__ import annotations

from typing import Any, Literal

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from saccade.errors import ConfigError, ShapeError
from saccade.tasks.place.config import PlaceModelConfig
from saccade.tasks.place.inference import fuse
from saccade.tasks.place.model import PlaceNet
from saccade.tasks.place.spikes import record_spikes


def counts(batch: int, height: int = 64, width: int = 83) -> Tensor:
    frames = np.random.default_rng(batch).poisson(0.4, (batch, 2, height, width))
    return torch.from_numpy(frames.astype(np.float32))


def lively(**config: Any) -> PlaceNet:
    """A network whose batch norms fit its input."""
    model = PlaceNet.build(PlaceModelConfig(**config), seed=4)
    for module in model.modules():
        if isinstance(module, nn.BatchNorm2d):
            module.momentum = 1.0
    with torch.no_grad():
        model.train().features(counts(4)[None])
    return model.eval()


@pytest.mark.parametrize("head", ["mixvpr", "gem", "mlp"])
def test_descriptors_and_spikes_are_those_of_the_model(
    head: Literal["mixvpr", "gem", "mlp"],
) -> None:
    model, frames = lively(aggregator=head), counts(2)
    with torch.no_grad(), record_spikes(model) as record:
        expected = model(frames)
    descriptors, spikes = fuse(model).with_spikes(frames)
    assert nn.functional.cosine_similarity(descriptors, expected).min() >= 0.9999
    assert list(spikes) == list(record.counts)
    for name, found in spikes.items():
        assert found.dtype == torch.int64
        assert (found - record.per_sample(name)).abs().max() <= 20


def test_deeper_network_and_batches_agree() -> None:
    model, frames = lively(arch="sew_resnet34", head_neuron="if"), counts(3)
    fused = fuse(model)
    with torch.no_grad():
        expected = model(frames)
    together = fused(frames)
    assert nn.functional.cosine_similarity(together, expected).min() >= 0.9999
    alone = torch.cat([fused(frame[None]) for frame in frames])
    torch.testing.assert_close(together, alone, atol=1e-6, rtol=0)


def test_a_time_axis_of_one_step_is_accepted() -> None:
    fused, frames = fuse(lively()), counts(2)
    assert torch.equal(fused(frames[None]), fused(frames))


def test_several_time_steps_are_refused() -> None:
    with pytest.raises(ShapeError, match="3 time steps"):
        fuse(lively())(torch.zeros(3, 1, 2, 64, 83))


def test_training_mode_is_refused() -> None:
    with pytest.raises(ConfigError, match=r"Call model\.eval\(\) first"):
        fuse(lively().train())


def test_compat_takes_the_published_size_only() -> None:
    fused = fuse(PlaceNet.sew_resnet18(compat="spikevpr"))
    with pytest.raises(ShapeError, match="64x83 pixels"):
        fused(counts(1))
    assert fused(torch.zeros(1, 2, 260, 346)).shape == (1, 4096)
