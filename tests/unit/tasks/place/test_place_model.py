"""PlaceNet: published counts and keys, any size, time, compat, seeds."""

import copy
import io

import pytest
import torch
from torch import Tensor, nn

from saccade.errors import ConfigError, ShapeError
from saccade.tasks.place.config import PlaceModelConfig
from saccade.tasks.place.model import PlaceNet


def counts(*shape: int, seed: int = 0) -> Tensor:
    return torch.poisson(torch.full(shape, 0.3), generator=torch.Generator().manual_seed(seed))


def lively(model: PlaceNet) -> PlaceNet:
    """Let an untrained network fire."""
    rng = torch.Generator().manual_seed(1)
    for layer in model.modules():
        if isinstance(layer, nn.BatchNorm2d):
            nn.init.constant_(layer.weight, 2.0)
            nn.init.uniform_(layer.bias, 0.0, 1.0, generator=rng)
    return model


@pytest.mark.parametrize(
    ("make", "parameters", "entries"),
    [(PlaceNet.sew_resnet18, 1_756_444, 159), (PlaceNet.sew_resnet34, 2_919_580, 271)],
)
def test_named_constructors_have_the_published_size(make, parameters: int, entries: int) -> None:
    model = make()
    assert sum(p.numel() for p in model.parameters()) == parameters
    assert len(model.state_dict()) == entries


def test_head_comes_first_and_the_backbone_has_no_prefix() -> None:
    keys = list(PlaceNet.sew_resnet18().state_dict())
    assert keys[0] == "aggregator.mix.0.ln.weight"
    assert "conv1.0.weight" in keys and "layer4.1.conv2.1.running_var" in keys


@pytest.mark.parametrize("size", [(260, 346), (480, 640), (34, 34), (128, 128)])
def test_any_sensor_size_gives_a_unit_descriptor(size: tuple[int, int]) -> None:
    with torch.no_grad():
        descriptor = lively(PlaceNet.sew_resnet18())(counts(1, 2, *size))
    assert descriptor.shape == (1, 4096)
    assert float(descriptor.norm()) == pytest.approx(1, abs=1e-5)


@pytest.mark.parametrize(
    ("config", "length"),
    [
        (PlaceModelConfig(aggregator="gem"), 512),
        (PlaceModelConfig(aggregator="mlp", out_channels=100), 100),
        (PlaceModelConfig(out_channels=64, out_rows=4), 256),
        (PlaceModelConfig(grid=(4, 5)), 4096),
        (PlaceModelConfig(connect="AND", head_neuron="if"), 4096),
    ],
)
def test_every_head_and_connection_builds(config: PlaceModelConfig, length: int) -> None:
    with torch.no_grad():
        assert PlaceNet.build(config)(counts(2, 2, 64, 96)).shape == (2, length)


def test_four_steps_differ_from_one() -> None:
    model = lively(PlaceNet.sew_resnet18())
    x = counts(1, 1, 2, 64, 96)
    with torch.no_grad():
        one, four = model(x), model(x.expand(4, -1, -1, -1, -1))
    assert not torch.allclose(one, four, atol=1e-3)


def test_compat_repeats_the_published_meaning_of_steps() -> None:
    """Defect A1: steps see no membrane of each other, so equal steps change nothing."""
    model = lively(PlaceNet.sew_resnet18(compat="spikevpr"))
    x = counts(1, 1, 2, 260, 346)
    with torch.no_grad():
        assert torch.equal(model(x[0]), model(x.expand(2, -1, -1, -1, -1)))


@pytest.mark.parametrize("size", [(480, 640), (346, 260), (260, 345)])
def test_compat_refuses_other_sizes(size: tuple[int, int]) -> None:
    model = PlaceNet.sew_resnet18(compat="spikevpr")
    with pytest.raises(ShapeError, match=rf"{size[0]}x{size[1]}.*exactly 260x346.*--input-size"):
        model(counts(1, 2, *size))


def test_sample_does_not_depend_on_its_batch() -> None:
    model = lively(PlaceNet.sew_resnet18()).double()
    x = counts(3, 2, 64, 96).double()
    with torch.no_grad():
        together = model(x)
        for k in range(3):
            assert torch.allclose(model(x[k : k + 1]), together[k : k + 1], atol=1e-12)


def test_seed_decides_the_weights() -> None:
    one, two, other = (PlaceNet.sew_resnet18(seed=seed) for seed in (3, 3, 4))
    a, b, c = (list(model.parameters()) for model in (one, two, other))
    assert all(torch.equal(p, q) for p, q in zip(a, b, strict=True))
    assert not all(torch.equal(p, q) for p, q in zip(a, c, strict=True))


def test_gradient_reaches_every_parameter() -> None:
    model = lively(PlaceNet.sew_resnet18()).train()
    target = torch.linspace(-1, 1, 4096)
    (model(counts(2, 2, 2, 64, 96)) * target).sum().backward()
    silent = [
        name
        for name, p in model.named_parameters()
        if p.grad is None or not p.grad.isfinite().all()
    ]
    assert not silent
    assert float(model.conv1[0].weight.grad.abs().max()) > 0  # pyright: ignore


def test_model_copies_and_pickles() -> None:
    model = lively(PlaceNet.sew_resnet18())
    buffer = io.BytesIO()
    torch.save(model, buffer)
    buffer.seek(0)
    loaded = torch.load(buffer, weights_only=False)
    x = counts(1, 2, 64, 96)
    with torch.no_grad():
        expected = model(x)
        assert torch.equal(copy.deepcopy(model)(x), expected)
        assert torch.equal(loaded(x), expected)


@pytest.mark.parametrize(
    ("settings", "text"),
    [
        ({"out_rows": 0}, "--out-rows 0"),
        ({"grid": (0, 3)}, "--grid 0"),
        ({"mlp_ratio": 0.0}, "mlp"),
    ],
)
def test_impossible_settings_are_refused(settings: dict[str, object], text: str) -> None:
    with pytest.raises(ConfigError, match=text):
        PlaceModelConfig(**settings)  # pyright: ignore[reportArgumentType]
