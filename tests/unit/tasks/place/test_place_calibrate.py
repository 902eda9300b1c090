"""Calibration: the statistics are those of the data, every layer fires, frames stay apart."""

import warnings

import pytest
import torch
from torch import Tensor, nn

from saccade.errors import EventError, SaccadeWarning, ShapeError
from saccade.layers.sew import SEWResNet
from saccade.tasks.place.calibrate import calibrate
from saccade.tasks.place.config import PlaceModelConfig
from saccade.tasks.place.model import PlaceNet
from saccade.tasks.place.spikes import record_spikes


def scene(frames: int, *, size: tuple[int, int] = (64, 96), seed: int = 0) -> Tensor:
    """Noise with a bright box that moves from frame to frame: sparse, as event counts are."""
    rate = torch.full((frames, 2, *size), 0.01)
    for k in range(frames):
        rate[k, :, 6 * k : 6 * k + 24, 9 * k : 9 * k + 32] = 0.6
    return torch.poisson(rate, generator=torch.Generator().manual_seed(seed))


def pairwise_cosine(descriptors: Tensor) -> float:
    cosines = descriptors @ descriptors.T
    count = len(descriptors)
    return float((cosines.sum() - count) / (count * (count - 1)))


def test_untrained_network_is_silent_before_and_fires_after() -> None:
    result = calibrate(PlaceNet.sew_resnet18(), scene(6))
    assert "layer3.0.sn1" in result.before.silent() and "layer4.1.sn2" in result.before.silent()
    backbone = [layer for layer in result.after.counts if not layer.startswith("aggregator")]
    assert len(backbone) == 20
    for layer in backbone:
        assert 0.02 < result.after.firing_rate(layer) < 0.3, layer


def test_deeper_network_and_every_connection_fire_after() -> None:
    for config in (
        PlaceModelConfig(arch="sew_resnet34"),
        PlaceModelConfig(connect="IAND"),
        PlaceModelConfig(aggregator="gem"),
    ):
        result = calibrate(PlaceNet.build(config), scene(4))
        assert not [layer for layer in result.silent() if not layer.startswith("aggregator")], (
            config
        )


def test_descriptors_collapse_before_and_differ_after() -> None:
    model, frames = PlaceNet.sew_resnet18(), scene(6)
    with torch.no_grad():
        assert pairwise_cosine(model(frames)) > 0.9999
        calibrate(model, frames)
        assert pairwise_cosine(model(frames)) < 0.8


@pytest.mark.parametrize("steps", [1, 2])
def test_running_statistics_are_those_of_what_enters_each_batch_norm(steps: int) -> None:
    model = PlaceNet.sew_resnet18().double()
    frames = scene(4 * steps).double().unflatten(0, (steps, 4))
    calibrate(model, frames, batch=3)
    seen: dict[nn.Module, Tensor] = {}
    norms = [module for module in model.modules() if isinstance(module, nn.BatchNorm2d)]
    for norm in norms:
        norm.register_forward_hook(lambda module, inputs, output: seen.update({module: inputs[0]}))
    with torch.no_grad():
        model(frames)
    assert len(norms) == 20
    for norm in norms:
        values = seen[norm].transpose(0, 1).flatten(1)
        assert norm.running_mean is not None and norm.running_var is not None
        assert torch.allclose(norm.running_mean, values.mean(1), atol=1e-9)
        assert torch.allclose(norm.running_var, values.var(1), rtol=1e-6, atol=1e-12)


def test_calibration_is_deterministic_and_changes_statistics_only() -> None:
    one, two = PlaceNet.sew_resnet18(), PlaceNet.sew_resnet18()
    before = {name: value.clone() for name, value in one.named_parameters()}
    calibrate(one, scene(4))
    calibrate(two, scene(4))
    assert all(
        torch.equal(a, b)
        for a, b in zip(one.state_dict().values(), two.state_dict().values(), strict=True)
    )
    assert all(torch.equal(value, before[name]) for name, value in one.named_parameters())


def test_batch_size_changes_rounding_at_most() -> None:
    one, two = PlaceNet.sew_resnet18().double(), PlaceNet.sew_resnet18().double()
    frames = scene(5).double()
    calibrate(one, frames, batch=5)
    calibrate(two, frames, batch=2)
    for a, b in zip(one.state_dict().values(), two.state_dict().values(), strict=True):
        assert torch.allclose(a.double(), b.double(), atol=1e-9)


def test_training_mode_is_given_back() -> None:
    model = PlaceNet.sew_resnet18().train()
    calibrate(model, scene(2))
    assert model.training


def test_empty_frames_are_refused_and_named() -> None:
    frames = scene(4)
    frames[2] = 0
    with pytest.raises(EventError, match=r"1 of 4 calibration frames hold no event: 2"):
        calibrate(PlaceNet.sew_resnet18(), frames)


def test_a_single_frame_is_refused() -> None:
    with pytest.raises(ShapeError, match="1 frames"):
        calibrate(PlaceNet.sew_resnet18(), scene(1))


def test_layer_that_stays_silent_is_warned_about() -> None:
    net = SEWResNet.sew_resnet18(zero_init_residual=True)
    with pytest.warns(SaccadeWarning, match=r"8 layers stay silent.*layer1\.0\.sn2"):
        result = calibrate(net, scene(3))
    assert len(result.silent()) == 8


def test_silent_head_of_an_untrained_network_is_reported_without_a_warning() -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        result = calibrate(PlaceNet.sew_resnet18(), scene(3))
    assert result.silent() == [f"aggregator.mix.{k}.sn" for k in range(3)]
    assert result.table().columns == ("layer", "firing rate before", "firing rate after")
    assert len(result.table().rows) == 23


def test_spikes_are_counted_per_sample_and_step() -> None:
    model, frames = PlaceNet.sew_resnet18(), scene(4)
    calibrate(model, frames)
    with torch.no_grad(), record_spikes(model) as together:
        model(frames)
    with torch.no_grad(), record_spikes(model) as apart:
        for frame in frames:
            model(frame[None])
    for layer in together.counts:
        assert together.per_sample(layer).tolist() == apart.per_sample(layer).tolist()
    with torch.no_grad(), record_spikes(model) as steps:
        model(frames[:, None])
    assert steps.steps["sn1"] == 4
    assert int(steps.per_sample("sn1")) > int(together.per_sample("sn1")[0])


def test_hooks_are_gone_after_recording() -> None:
    model = PlaceNet.sew_resnet18()
    with pytest.raises(ShapeError), record_spikes(model):
        model(torch.zeros(1))
    assert not any(module._forward_hooks for module in model.modules())


def test_spike_table_sums_all_layers() -> None:
    model, frames = PlaceNet.sew_resnet18(), scene(2)
    calibrate(model, frames)
    with torch.no_grad(), record_spikes(model) as record:
        model(frames)
    *layers, total = record.table().rows
    assert total[0] == "all layers"
    assert total[1] == sum(int(row[1] or 0) for row in layers)
    assert total[2] == pytest.approx(sum(float(row[2] or 0) for row in layers))
    assert 0 < float(total[3] or 0) < 1
