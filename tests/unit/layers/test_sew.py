"""SEW blocks and backbones: shapes, connections, time, initial weights."""

import pytest
import torch
from torch import nn

from saccade.errors import ConfigError, ShapeError
from saccade.layers.initial import conv2d, linear, seeded
from saccade.layers.sew import CONNECT, SEWBlock, SEWResNet, per_step


def lively(module: nn.Module, seed: int = 0) -> nn.Module:
    """Raise batch-norm gains so that an untrained block fires."""
    rng = torch.Generator().manual_seed(seed)
    for layer in module.modules():
        if isinstance(layer, nn.BatchNorm2d):
            nn.init.constant_(layer.weight, 2.0)
            nn.init.uniform_(layer.bias, 0.0, 1.0, generator=rng)
    return module


def frames(*shape: int, seed: int = 0) -> torch.Tensor:
    rng = torch.Generator().manual_seed(seed)
    return torch.poisson(torch.full(shape, 0.4), generator=rng)


@pytest.mark.parametrize(
    ("name", "expected"), [("ADD", [0, 1, 1, 2]), ("AND", [0, 0, 0, 1]), ("IAND", [0, 1, 0, 0])]
)
def test_connection_follows_its_truth_table(name: str, expected: list[int]) -> None:
    spikes, identity = torch.tensor([0.0, 0, 1, 1]), torch.tensor([0.0, 1, 0, 1])
    assert CONNECT[name](spikes, identity).tolist() == expected


@pytest.mark.parametrize("connect", ["ADD", "AND", "IAND"])
def test_block_joins_spikes_with_its_identity(connect: str) -> None:
    block = lively(SEWBlock(6, 6, connect=connect)).train()  # pyright: ignore[reportArgumentType]
    x = (frames(1, 2, 6, 9, 11) > 0).float()
    seen: list[torch.Tensor] = []
    block.sn2.register_forward_hook(lambda module, inputs, output: seen.append(output))  # pyright: ignore
    y = block(x)
    assert 0 < seen[0].sum() < seen[0].numel()
    assert torch.equal(y, CONNECT[connect](seen[0], x))


def test_unknown_connection_names_the_three() -> None:
    with pytest.raises(ConfigError, match=r"'IADN'.*ADD, AND, IAND.*IAND"):
        SEWBlock(4, 4, connect="IADN")  # pyright: ignore[reportArgumentType]


def test_block_shortens_the_way_only_where_the_shape_changes() -> None:
    assert SEWBlock(8, 8).downsample is None
    assert SEWBlock(8, 8, stride=2).downsample is not None
    assert SEWBlock(8, 16).downsample is not None


@pytest.mark.parametrize("size", [(260, 346), (65, 97), (32, 32), (33, 40)])
def test_backbone_takes_any_sensor_size(size: tuple[int, int]) -> None:
    net = SEWResNet.sew_resnet18().eval()
    y = net(frames(1, 2, *size))
    assert y.shape == (1, 512, -(-size[0] // 32), -(-size[1] // 32))


@pytest.mark.parametrize(
    ("make", "parameters"),
    [(SEWResNet.sew_resnet18, 1_432_994), (SEWResNet.sew_resnet34, 2_596_130)],
)
def test_backbone_has_the_published_number_of_parameters(make, parameters: int) -> None:
    assert sum(p.numel() for p in make().parameters()) == parameters


def test_convolutions_have_no_bias() -> None:
    net = SEWResNet.sew_resnet18()
    assert all(m.bias is None for m in net.modules() if isinstance(m, nn.Conv2d))


def test_one_step_without_time_axis_equals_one_step_with_it() -> None:
    net = lively(SEWResNet.sew_resnet18()).eval()
    x = frames(2, 2, 64, 96)
    assert torch.equal(net(x), net(x[None]))


def test_neurons_integrate_over_steps() -> None:
    net = lively(SEWResNet.sew_resnet18()).eval()
    x = frames(4, 1, 2, 64, 96)
    together = net.features(x)
    alone = torch.cat([net.features(step) for step in x])
    assert torch.equal(together[0], alone[0])
    assert not torch.equal(together[1:], alone[1:])


def test_output_is_the_mean_over_steps() -> None:
    net = lively(SEWResNet.sew_resnet18()).eval()
    x = frames(3, 1, 2, 64, 96)
    assert torch.equal(net(x), net.features(x).mean(0))


def test_a_later_step_does_not_change_an_earlier_one() -> None:
    net = lively(SEWResNet.sew_resnet18()).eval()
    x = frames(3, 1, 2, 64, 96)
    assert torch.equal(net.features(x)[:2], net.features(x[:2]))


def test_steps_of_one_sample_do_not_touch_another() -> None:
    net = lively(SEWResNet.sew_resnet18()).eval()
    x = frames(2, 3, 2, 64, 96)
    both = net.features(x)
    for sample in range(3):
        assert torch.equal(both[:, sample], net.features(x[:, sample : sample + 1])[:, 0])


@pytest.mark.parametrize("shape", [(2, 64, 96), (1, 1, 1, 2, 64, 96)])
def test_wrong_number_of_axes_is_explained(shape: tuple[int, ...]) -> None:
    with pytest.raises(ShapeError, match=r"\[T, B, C, H, W\]"):
        SEWResNet.sew_resnet18()(torch.zeros(shape))


def test_merged_polarities_are_explained() -> None:
    with pytest.raises(ShapeError, match=r"1 channels.*2 \(OFF, ON\).*count_frames"):
        SEWResNet.sew_resnet18()(torch.zeros(1, 1, 64, 96))


def test_zero_init_residual_makes_every_block_pass_its_identity() -> None:
    net = SEWResNet.sew_resnet18(zero_init_residual=True).eval()
    for block in net.blocks():
        assert block.conv2[1].weight.abs().max() == 0  # pyright: ignore
        channels = block.conv1[0][0].in_channels  # pyright: ignore
        x = (frames(1, 1, channels, 8, 8) > 0).float()
        if block.downsample is None:
            assert torch.equal(block(x), x)


def test_first_weights_follow_the_published_distributions() -> None:
    rng = seeded(5)
    weights = conv2d(256, 512, 1, rng).weight.detach()
    assert float(weights.std()) == pytest.approx((2 / 512) ** 0.5, rel=0.02)
    depthwise = conv2d(512, 512, 3, rng, groups=512).weight.detach()
    assert float(depthwise.std()) == pytest.approx((2 / (512 * 9)) ** 0.5, rel=0.05)
    mixer = linear(99, 99, rng, std=0.02)
    assert float(mixer.weight.detach().std()) == pytest.approx(0.02, rel=0.05)
    assert mixer.bias.abs().max() == 0
    plain = linear(99, 8, rng)
    assert float(plain.weight.detach().abs().max()) <= 99**-0.5
    assert float(plain.bias.detach().abs().max()) > 0


def test_same_seed_gives_the_same_weights_and_leaves_the_global_generator_alone() -> None:
    before = torch.get_rng_state()
    one, two = (SEWResNet.sew_resnet18(rng=seeded(7)) for _ in range(2))
    other = SEWResNet.sew_resnet18(rng=seeded(8))
    assert torch.equal(torch.get_rng_state(), before)
    assert all(torch.equal(a, b) for a, b in zip(one.parameters(), two.parameters(), strict=True))
    assert not torch.equal(one.conv1[0].weight, other.conv1[0].weight)  # pyright: ignore


def test_per_step_applies_a_layer_to_each_step() -> None:
    layer = nn.Conv2d(2, 3, 1)
    x = frames(3, 2, 2, 5, 5)
    expected = torch.stack([layer(step) for step in x])
    assert torch.allclose(per_step(layer, x), expected, atol=1e-6)
