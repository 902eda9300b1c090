"""The fused backbone and head against the torch modules they are made from."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from saccade.errors import ConfigError, ShapeError
from saccade.layers.fused import FusedSEWResNet
from saccade.layers.fused_fold import firing_level
from saccade.layers.fused_head import FusedMixVPR
from saccade.layers.mixvpr import MixVPR
from saccade.layers.sew import Connect, SEWResNet
from saccade.neurons import IF, LIF, Integrator


def counts(batch: int, height: int, width: int, seed: int = 0) -> Tensor:
    rng = np.random.default_rng(seed)
    frames = rng.poisson(0.4, (batch, 2, height, width)).astype(np.float32)
    return torch.from_numpy(frames)


def lively(connect: Connect = "ADD", blocks: tuple[int, int, int, int] = (2, 1, 2, 1)) -> SEWResNet:
    """A network whose batch norms fit its input, with uneven weights and biases."""
    rng = torch.Generator().manual_seed(3)
    net = SEWResNet(blocks, connect=connect, rng=rng)
    for module in net.modules():
        if isinstance(module, nn.BatchNorm2d):
            nn.init.uniform_(module.weight, 0.7, 1.5, generator=rng)
            nn.init.uniform_(module.bias, -0.2, 0.4, generator=rng)
            module.momentum = 1.0
    with torch.no_grad():
        net.train()(counts(4, 64, 80, seed=9))
    return net.eval()


def layers_of(net: SEWResNet, frames: Tensor) -> tuple[Tensor, dict[str, Tensor]]:
    """Maps, and spikes per sample of every neuron layer."""
    spikes: dict[str, Tensor] = {}
    handles = [
        module.register_forward_hook(
            lambda _m, _i, out, name=name: spikes.update({name: out[0].flatten(1).sum(1).long()})
        )
        for name, module in net.named_modules()
        if isinstance(module, IF)
    ]
    with torch.no_grad():
        maps = net(frames)
    for handle in handles:
        handle.remove()
    return maps, spikes


@pytest.mark.parametrize("connect", ["ADD", "AND", "IAND"])
def test_fused_backbone_fires_like_the_torch_network(connect: Connect) -> None:
    net, frames = lively(connect), counts(2, 66, 91)
    maps, spikes = layers_of(net, frames)
    fused = FusedSEWResNet(net)(frames)
    assert list(fused.spike_counts) == list(spikes)
    for name, expected in spikes.items():
        assert expected.sum() > 0 or connect == "AND"
        assert np.abs(fused.spike_counts[name] - expected.numpy()).max() <= 20
    assert (fused.maps != maps).float().mean() < 1e-2


@pytest.mark.parametrize(("height", "width"), [(1, 1), (33, 47), (64, 64), (37, 130)])
def test_any_frame_size_gives_the_maps_of_the_torch_network(height: int, width: int) -> None:
    net, frames = lively(), counts(3, height, width)
    with torch.no_grad():
        expected = net(frames)
    maps = FusedSEWResNet(net)(frames).maps
    assert maps.shape == expected.shape
    assert maps.dtype == torch.float32
    assert (maps != expected).float().mean() < 1e-2


def test_batch_and_threads_do_not_change_a_bit() -> None:
    fused, frames = FusedSEWResNet(lively()), counts(11, 48, 50)
    one_by_one = [fused(frame[None], threads=1) for frame in frames]
    for threads in (1, 2, 3):
        together = fused(frames, threads=threads)
        assert torch.equal(together.maps, torch.cat([one.maps for one in one_by_one]))
        for name, spikes in together.spike_counts.items():
            alone = np.concatenate([one.spike_counts[name] for one in one_by_one])
            np.testing.assert_array_equal(spikes, alone)


def test_a_result_survives_the_next_call() -> None:
    fused = FusedSEWResNet(lively())
    first = fused(counts(1, 40, 40, seed=1))
    kept = first.maps.clone(), {name: x.copy() for name, x in first.spike_counts.items()}
    fused(counts(1, 40, 40, seed=2))
    assert torch.equal(first.maps, kept[0])
    assert all((first.spike_counts[name] == x).all() for name, x in kept[1].items())


def test_calls_from_several_threads_do_not_mix() -> None:
    fused = FusedSEWResNet(lively())
    inputs = [counts(1, 40, 56, seed=seed) for seed in range(6)]
    expected = [fused(x).maps for x in inputs]
    with ThreadPoolExecutor(3) as pool:
        found = list(pool.map(lambda x: fused(x, threads=2).maps, inputs))
    assert all(torch.equal(a, b) for a, b in zip(found, expected, strict=True))


def test_fused_backbone_is_a_snapshot() -> None:
    net, frames = lively(), counts(1, 40, 40)
    fused = FusedSEWResNet(net)
    before = fused(frames).maps
    with torch.no_grad():
        for parameter in net.parameters():
            parameter.zero_()
    assert torch.equal(fused(frames).maps, before)


def test_frames_may_be_whole_numbers_in_numpy() -> None:
    fused, frames = FusedSEWResNet(lively()), counts(2, 40, 40)
    assert torch.equal(fused(frames.numpy().astype(np.int16)).maps, fused(frames).maps)


def test_training_mode_is_refused() -> None:
    with pytest.raises(ConfigError, match="training mode"):
        FusedSEWResNet(lively().train())


def test_a_batch_norm_left_in_training_mode_is_refused() -> None:
    net = lively()
    net.bn1.train()
    with pytest.raises(ConfigError, match="training mode"):
        FusedSEWResNet(net)


def test_wrong_shapes_are_refused() -> None:
    fused = FusedSEWResNet(lively())
    for shape in ((2, 40, 40), (2, 1, 2, 40, 40), (1, 3, 40, 40), (0, 2, 40, 40)):
        with pytest.raises(ShapeError, match="one time step"):
            fused(torch.zeros(shape))


def test_no_threads_are_refused() -> None:
    with pytest.raises(ConfigError, match="threads = 0"):
        FusedSEWResNet(lively())(counts(1, 40, 40), threads=0)


def test_neurons_of_other_kinds_are_refused() -> None:
    net = lively()
    net.layer2[0].sn1 = Integrator()
    with pytest.raises(ConfigError, match=r"layer2\.0\.sn1 is Integrator"):
        FusedSEWResNet(net.eval())


def test_neurons_that_keep_state_are_refused() -> None:
    net = lively()
    net.sn1 = IF(keep_state=True)
    with pytest.raises(ConfigError, match="sn1 keeps its state"):
        FusedSEWResNet(net.eval())


@pytest.mark.parametrize(
    "neuron",
    [
        IF(v_threshold=0.5),
        LIF.spikingjelly(tau=4.0),
        LIF(decay=0.9, input_gain=2.0, v_threshold=0.75, v_rest=0.25),
        LIF(decay=0.9, v_threshold=0.75, fire_at=">"),
    ],
    ids=["if", "tau", "rest", "strict"],
)
def test_firing_level_is_where_the_neuron_begins_to_fire(neuron: nn.Module) -> None:
    level, strict = firing_level("here", neuron, 3)
    for value in level:
        at = torch.full((1, 1, 3), value, dtype=torch.float64)
        assert bool(neuron(at).all()) != strict
        assert not neuron(at - 1e-9).any()
        assert neuron(at + 1e-9).all()


@pytest.mark.parametrize("neuron", ["lif", "if"])
@pytest.mark.parametrize("size", [(3, 4), (6, 5)], ids=["grid", "pooled"])
def test_fused_head_gives_the_descriptors_of_the_torch_head(
    neuron: str, size: tuple[int, int]
) -> None:
    rng = torch.Generator().manual_seed(1)
    head = MixVPR(24, (3, 4), out_channels=20, out_rows=3, depth=2, neuron=neuron, rng=rng).eval()
    for mixer in head.mix:
        nn.init.uniform_(mixer.fc.weight, -2.0, 2.0, generator=rng)
    x = torch.randint(0, 5, (4, 24, *size), generator=rng).float()
    with torch.no_grad():
        expected = head(x)
        descriptors, spikes = FusedMixVPR(head)(x)
    torch.testing.assert_close(descriptors, expected, atol=1e-6, rtol=0)
    assert list(spikes) == ["mix.0.sn", "mix.1.sn"]
    assert all(0 < int(each) < 24 * 12 for each in spikes["mix.0.sn"])
