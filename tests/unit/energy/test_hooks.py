"""What the hooks see: every layer's own input, attributed to samples, whatever the batch."""

from collections.abc import Callable
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from saccade.energy import LayerActivity, measure
from saccade.errors import ConfigError, DataError, ShapeError
from saccade.layers.sew import per_step
from saccade.neurons import IF, LIF, Integrator, Recurrent
from saccade.tasks.place.calibrate import calibrate
from saccade.tasks.place.model import PlaceNet
from saccade.tasks.place.spikes import record_spikes


def frames(batch: int, size: tuple[int, int] = (48, 64), steps: int = 1) -> Tensor:
    rng = torch.Generator().manual_seed(5)
    rate = torch.full((steps, batch, 2, *size), 0.3, dtype=torch.float64)
    return torch.poisson(rate, generator=rng)


@pytest.fixture(scope="module")
def network() -> PlaceNet:
    """A network whose neurons fire; in float64, where a batch cannot move a rounding."""
    model = PlaceNet.sew_resnet18(seed=1).double()
    calibrate(model, frames(8), batch=8)
    return model


def seen(model: nn.Module, *inputs: Tensor, batch_axis: int | None = None) -> list[LayerActivity]:
    with torch.no_grad(), measure(model, batch_axis=batch_axis) as record:
        for x in inputs:
            model(x)
    return record.layers()


class TestSamples:
    """The numbers of a sample are its own."""

    @pytest.mark.parametrize("batch", [1, 2, 8])
    def test_batches_change_nothing(self, network: PlaceNet, batch: int) -> None:
        x = frames(8)
        whole = seen(network, x)
        parts = seen(network, *x.split(batch, dim=1))
        assert [layer.name for layer in whole] == [layer.name for layer in parts]
        for one, other in zip(whole, parts, strict=True):
            for field in ("nonzeros", "spikes_in", "operations", "spikes_out"):
                assert getattr(one, field).tolist() == getattr(other, field).tolist(), one.name
            assert (one.inputs, one.steps) == (other.inputs, other.steps)
        assert sum(layer.operations.std() > 0 for layer in whole) > 30

    def test_time_steps_belong_to_their_sample(self, network: PlaceNet) -> None:
        x = frames(3, steps=2)
        together = seen(network, x)
        alone = [seen(network, x[:, k : k + 1]) for k in range(3)]
        for row, layer in enumerate(together):
            assert layer.steps == 2
            assert layer.operations.tolist() == [int(layers[row].operations[0]) for layers in alone]

    def test_folded_stacked_and_stepwise_time_are_the_same(self) -> None:
        layer = nn.Linear(6, 4)
        x = (torch.rand(3, 5, 6) < 0.4).float()

        class Stepwise(nn.Module):
            def __init__(self, run: Callable[[Tensor], Tensor]) -> None:
                super().__init__()
                self.layer, self.run = layer, run

            def forward(self, x: Tensor) -> Tensor:
                return self.run(x)

        ways = [
            lambda x: layer(x),
            lambda x: per_step(layer, x),
            lambda x: torch.stack([layer(step) for step in x]),
        ]
        for way in ways:
            (found,) = seen(Stepwise(way), x, batch_axis=1)
            assert found.nonzeros.tolist() == x.sum((0, 2)).tolist()
            assert (found.steps, found.shape.synapses, found.dense) == (3, 24, 72)

    def test_positions_of_a_linear_layer_are_a_1x1_convolution(self) -> None:
        x = (torch.rand(4, 10, 6) < 0.4).float()
        (found,) = seen(nn.Linear(6, 3), x)
        assert found.operations.tolist() == (3 * x.sum((1, 2))).tolist()
        assert (found.steps, found.dense, found.shape.neurons) == (1, 180, 30)

    def test_patches_of_a_sample_are_evaluations(self) -> None:
        patches = nn.Sequential(nn.Unflatten(1, (3, 2)), nn.Flatten(0, 1), nn.Conv2d(2, 4, 3))
        (found,) = seen(patches, torch.ones(5, 6, 8, 8))
        assert (found.steps, len(found.nonzeros)) == (3, 5)
        assert found.nonzeros.tolist() == [3 * 2 * 64] * 5

    def test_an_unbatched_picture_is_one_sample(self) -> None:
        (found,) = seen(nn.Sequential(nn.Flatten(0, 1), nn.Conv2d(2, 4, 3)), torch.ones(1, 2, 8, 8))
        assert found.nonzeros.tolist() == [128]


class TestNetwork:
    """The place network, whose numbers are known."""

    @pytest.mark.slow
    @pytest.mark.parametrize(("arch", "macs"), [("sew_resnet18", 418.2), ("sew_resnet34", 828.7)])
    def test_multiply_accumulates_are_those_of_the_publication(
        self, arch: str, macs: float
    ) -> None:
        layers = seen(getattr(PlaceNet, arch)(), frames(1, (260, 346)).float())
        head = [layer for layer in layers if layer.name.startswith("aggregator.")]
        backbone = [layer for layer in layers if layer not in head]
        assert sum(layer.dense for layer in backbone) / 1e6 == pytest.approx(macs, abs=0.05)
        assert sum(layer.dense for layer in head) / 1e6 == pytest.approx(56.5, abs=0.05)

    def test_every_layer_sees_its_own_input(self, network: PlaceNet) -> None:
        layers = {layer.name: layer for layer in seen(network, frames(2))}
        weights = [m for m in network.modules() if isinstance(m, nn.Conv2d | nn.Linear)]
        assert len(layers) == len(weights) == 45
        assert layers["conv1.0"].inputs == "counts"
        assert layers["conv1.0"].spikes_in.tolist() == frames(2).sum((0, 2, 3, 4)).tolist()
        for name, layer in layers.items():
            if name.endswith(".1"):  # behind a depthwise convolution
                assert layer.is_real, name
        block, shrink = layers["layer2.0.conv1.0.0"], layers["layer2.0.downsample.0.0"]
        assert block.nonzeros.tolist() == shrink.nonzeros.tolist()
        assert layers["layer1.1.conv1.0.0"].inputs == "counts"  # identity added
        assert layers["layer1.1.conv2.0.0"].inputs == "binary"

    def test_output_spikes_are_those_of_the_neuron_behind(self, network: PlaceNet) -> None:
        x = frames(3)
        with torch.no_grad(), record_spikes(network) as spikes, measure(network) as record:
            network(x)
        found = {layer.name: layer.spikes_out.tolist() for layer in record.layers()}
        pairs = {
            "sn1": "conv1.1",
            "layer1.0.sn1": "layer1.0.conv1.0.1",
            "layer2.0.downsample.1": "layer2.0.downsample.0.0",
            "layer4.1.sn2": "layer4.1.conv2.0.1",
            "aggregator.mix.1.sn": "aggregator.mix.1.fc",
        }
        for neuron, layer in pairs.items():
            assert found[layer] == spikes.per_sample(neuron).tolist()
        total = sum(sum(values) for values in found.values())
        assert total == sum(int(spikes.per_sample(name).sum()) for name in spikes.counts)

    def test_nothing_changes_and_no_hook_stays(self, network: PlaceNet) -> None:
        x = frames(1)
        with torch.no_grad():
            before = network(x)
            with measure(network):
                assert torch.equal(network(x), before)
        assert not any(m._forward_hooks or m._forward_pre_hooks for m in network.modules())

    def test_what_is_not_counted_is_told(self, network: PlaceNet) -> None:
        with torch.no_grad(), measure(network) as record:
            network(frames(2))
        assert {"BatchNorm2d", "LayerNorm", "MaxPool2d"} == set(record.others)
        assert len(record.others["LayerNorm"].modules) == 3
        assert record.others["LayerNorm"].values == 2 * 3 * 512 * 99


class TestNeurons:
    """Spikes go to the layer whose outputs the neurons are."""

    def test_a_membrane_is_no_spike(self) -> None:
        model = nn.Sequential(nn.Linear(4, 3), Integrator())
        (found,) = seen(model, torch.rand(2, 5, 4), batch_axis=1)
        assert found.spikes_out.tolist() == [0] * 5

    def test_spikes_that_are_changed_in_place_are_looked_at_again(self) -> None:
        class Residual(nn.Module):
            def __init__(self) -> None:
                super().__init__()
                self.first, self.sn = nn.Linear(3, 3, bias=False), IF()
                self.second, self.third = nn.Linear(3, 3), nn.Linear(3, 3)
                nn.init.eye_(self.first.weight)

            def forward(self, x: Tensor) -> Tensor:
                spikes = self.sn(self.first(x))
                self.second(spikes)
                spikes = self.sn(self.first(x))
                spikes += x
                return self.third(spikes)

        x = torch.tensor([[[0.0, 1, 1], [1, 0, 0]]])
        first, second, third = seen(Residual(), x, batch_axis=1)
        assert first.spikes_out.tolist() == [4, 2]
        assert (second.spikes_in.tolist(), second.inputs) == ([2, 1], "binary")
        assert (third.spikes_in.tolist(), third.inputs) == ([4, 2], "counts")

    @pytest.mark.parametrize("mode", [torch.no_grad, torch.inference_mode, torch.enable_grad])
    def test_every_mode_counts_the_same(self, network: PlaceNet, mode: Callable[[], Any]) -> None:
        x = frames(1)
        with mode(), measure(network) as record:
            network(x)
        expected = [layer.operations.tolist() for layer in seen(network, x)]
        assert [layer.operations.tolist() for layer in record.layers()] == expected

    def test_pooling_between_layer_and_neuron_breaks_the_bond(self) -> None:
        pooled = nn.Sequential(nn.Conv1d(1, 2, 1), nn.MaxPool1d(2), nn.Unflatten(0, (1, -1)), IF())
        (found,) = seen(pooled, torch.ones(3, 1, 8))
        assert found.spikes_out.tolist() == [0, 0, 0]

    def test_a_recurrent_synapse_sees_every_step(self) -> None:
        model = Recurrent(LIF(decay=0.5, input_gain=1.0), nn.Linear(4, 4, bias=False))
        x = torch.full((6, 2, 4), 3.0)
        (found,) = seen(model, x, batch_axis=1)
        assert found.steps == 6
        assert found.nonzeros.tolist() == [5 * 4, 5 * 4]  # nothing came before the first step

    def test_other_neurons_can_be_named(self) -> None:
        class Step(nn.Module):
            def forward(self, x: Tensor) -> Tensor:
                return (x > 0).float()

        model = nn.Sequential(nn.Linear(2, 3), Step())
        with measure(model, spiking=(Step,)) as record:
            out = model(torch.randn(4, 2))
        assert record.layers()[0].spikes_out.tolist() == out.sum(1).long().tolist()


class TestShared:
    """Layers that are used several times, at several sizes, or never."""

    def test_uses_at_one_size_add_up(self) -> None:
        class Twice(nn.Module):
            def __init__(self) -> None:
                super().__init__()
                self.conv = nn.Conv2d(2, 2, 3, padding=1)

            def forward(self, x: Tensor) -> Tensor:
                return self.conv(self.conv(x))

        (found,) = seen(Twice(), torch.ones(3, 2, 5, 5))
        assert found.steps == 2 and found.nonzeros.tolist() == [100] * 3 and found.is_real

    def test_uses_at_several_sizes_are_told_apart(self) -> None:
        class Pyramid(nn.Module):
            def __init__(self) -> None:
                super().__init__()
                self.conv = nn.Conv2d(2, 4, 3, padding=1)

            def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
                return self.conv(x), self.conv(x[..., ::2, ::2])

        first, second = seen(Pyramid(), torch.ones(1, 2, 8, 8), torch.ones(2, 2, 8, 8))
        assert (first.name, second.name) == ("conv", "conv 4x4")
        assert first.nonzeros.tolist() == [128] * 3 and second.nonzeros.tolist() == [32] * 3

    def test_layers_that_never_ran_are_named(self) -> None:
        class Part(nn.Module):
            def __init__(self) -> None:
                super().__init__()
                self.used, self.unused = nn.Linear(2, 2), nn.Linear(2, 2)

            def forward(self, x: Tensor) -> Tensor:
                return self.used(x)

        with measure(model := Part()) as record:
            model(torch.ones(1, 2))
        assert record.silent == ("unused",)


class TestErrors:
    """Wrong use is refused with the next step."""

    def test_a_model_that_was_not_called(self) -> None:
        model = nn.Sequential(nn.Linear(2, 2))
        with measure(model) as record:
            model[0](torch.ones(1, 2))
        with pytest.raises(DataError, match="model itself"):
            record.layers()

    def test_samples_of_another_size(self) -> None:
        model = nn.Sequential(nn.Conv2d(1, 1, 1))
        with measure(model), pytest.raises(ShapeError, match="after samples of shape"):
            model(torch.ones(1, 1, 4, 4))
            model(torch.ones(1, 1, 4, 5))

    def test_rows_that_belong_to_nobody(self) -> None:
        class Odd(nn.Module):
            def __init__(self) -> None:
                super().__init__()
                self.fc = nn.Linear(2, 2)

            def forward(self, x: Tensor) -> Tensor:
                return self.fc(x[:3])

        with measure(model := Odd()), pytest.raises(ShapeError, match=r"'fc'.*3 rows for 4"):
            model(torch.ones(4, 2))

    def test_no_tensor_and_no_sample(self) -> None:
        model = nn.Sequential(nn.Identity())
        with measure(model), pytest.raises(ShapeError, match="without a tensor"):
            model(3)
        with measure(model), pytest.raises(ShapeError, match="samples on axis 0"):
            model(torch.ones(0, 3))

    def test_an_axis_that_no_batch_is_on(self) -> None:
        with pytest.raises(ConfigError, match="batch_axis"), measure(nn.Linear(1, 1), batch_axis=2):
            pass
