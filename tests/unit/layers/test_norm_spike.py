"""Units trained in one piece: equal to the modules one by one, and used only where they may be."""

from __future__ import annotations

import copy
from collections.abc import Callable
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from saccade.layers.depthwise import Window
from saccade.layers.fusible import fuses
from saccade.layers.norm_spike import norm_spike, per_step, spiking_unit
from saccade.layers.sew import SEWResNet
from saccade.layers.spike_bytes import pack, unpack
from saccade.layers.stem_spike import pooled_stem
from saccade.neurons import IF, LIF, Atan
from saccade.neurons.kernels.norm_fire import moments

LAST, PLAIN = torch.channels_last, torch.contiguous_format
Run = Callable[[Any, Tensor], Tensor]


def spikes(*shape: int, seed: int = 0, dtype: torch.dtype = torch.float64) -> Tensor:
    rng = torch.Generator().manual_seed(seed)
    return torch.poisson(torch.full(shape, 0.5), generator=rng).to(dtype)


def normal(*shape: int, seed: int = 0, dtype: torch.dtype = torch.float64) -> Tensor:
    return torch.randn(shape, generator=torch.Generator().manual_seed(seed), dtype=dtype)


def lively(modules: nn.ModuleList, seed: int = 0) -> nn.ModuleList:
    rng = torch.Generator().manual_seed(seed)
    for module in modules.modules():
        if isinstance(module, nn.BatchNorm2d):
            nn.init.uniform_(module.weight, 0.5, 2.0, generator=rng)
            nn.init.uniform_(module.bias, -0.5, 1.0, generator=rng)
        elif isinstance(module, nn.Conv2d):
            nn.init.normal_(module.weight, generator=rng)
    return modules


def separable(inputs: int, outputs: int, kernel: int = 3, stride: int = 1) -> nn.Sequential:
    first = nn.Conv2d(inputs, inputs, kernel, stride, kernel // 2, groups=inputs, bias=False)
    return nn.Sequential(first, nn.Conv2d(inputs, outputs, 1, bias=False))


def everything(run: Run, modules: nn.ModuleList, x: Tensor) -> dict[str, Tensor]:
    """Output, gradients and buffers after one training step."""
    modules = copy.deepcopy(modules).train()
    x = x.clone(memory_format=torch.preserve_format).requires_grad_()
    y = run(modules, x)
    (y * normal(*y.shape, seed=9, dtype=y.dtype)).sum().backward()
    found: dict[str, Tensor | None] = {"output": y.detach(), "x": x.grad}
    found |= {f"grad {name}": p.grad for name, p in modules.named_parameters()}
    found |= dict(modules.named_buffers())
    assert all(value is not None for value in found.values())
    return {name: value for name, value in found.items() if value is not None}


def compare(
    fused: Run, plain: Run, modules: nn.ModuleList, x: Tensor, tolerance: float, piece: str = ""
) -> None:
    """Results agree; ``piece`` is the node that shows that the fused way was taken."""
    a, b = everything(fused, modules, x), everything(plain, modules, x)
    assert torch.equal(a["output"], b["output"])
    assert 0.05 < float(a["output"].mean()) < 0.95
    for name, expected in b.items():
        scale = float(expected.double().norm()) + 1e-300
        error = float((a[name].double() - expected.double()).norm()) / scale
        assert error <= tolerance, f"{name}: {error}"
    if piece:
        node = fused(copy.deepcopy(modules).train(), x.requires_grad_()).grad_fn
        names: list[str] = []
        while node is not None:
            names.append(node.name())
            node = node.next_functions[0][0] if node.next_functions else None
        assert any(name.startswith(piece) for name in names), names


def unit_fused(m: Any, x: Tensor) -> Tensor:
    return spiking_unit(m[0], m[1], x[None])[0]


def unit_plain(m: Any, x: Tensor) -> Tensor:
    return m[1](m[0](x)[None])[0]


def norm_fused(m: Any, x: Tensor) -> Tensor:
    return norm_spike(m[0], m[1], x[None])[0]


def norm_plain(m: Any, x: Tensor) -> Tensor:
    return m[1](m[0](x)[None])[0]


def stem_fused(m: Any, x: Tensor) -> Tensor:
    convolution, norm, neuron, pool = m
    return pooled_stem(convolution, norm, neuron, pool, x[None])[0]


def stem_plain(m: Any, x: Tensor) -> Tensor:
    return m[3](m[2](m[1](m[0](x))[None])[0])


@pytest.fixture(params=[1, 2])
def threads(request: pytest.FixtureRequest) -> Any:
    before = torch.get_num_threads()
    torch.set_num_threads(request.param)
    yield request.param
    torch.set_num_threads(before)


TOLERANCE = {torch.float64: 1e-11, torch.float32: 2e-5}


@pytest.mark.parametrize("dtype", TOLERANCE)
@pytest.mark.parametrize("order", [LAST, PLAIN])
@pytest.mark.parametrize("channels", [1, 5, 64, 1100])
def test_norm_and_spikes_equal_the_modules(dtype, order, channels: int, threads: int) -> None:
    modules = lively(nn.ModuleList([nn.BatchNorm2d(channels), IF(surrogate=Atan())])).to(dtype)
    size = (7, 9) if channels > 64 else (33, 41)
    x = 3.0 * normal(4, channels, *size, dtype=dtype) + 2.0
    x = x.contiguous(memory_format=order)
    compare(norm_fused, norm_plain, modules, x, TOLERANCE[dtype], "_NormFire")


def test_neuron_numbers_and_strict_firing_are_respected() -> None:
    neuron = LIF.spikingjelly(tau=2.0, v_threshold=0.5)
    for other in (neuron, IF(0.25, input_gain=1.5, v_reset=-0.5, fire_at=">")):
        modules = lively(nn.ModuleList([nn.BatchNorm2d(6), other])).double()
        x = normal(3, 6, 8, 9).contiguous(memory_format=LAST)
        compare(norm_fused, norm_plain, modules, x, 1e-11, "_NormFire")


@pytest.mark.parametrize("dtype", TOLERANCE)
@pytest.mark.parametrize("order", [LAST, PLAIN])
@pytest.mark.parametrize(("inputs", "outputs", "stride"), [(7, 11, 1), (16, 24, 1), (16, 32, 2)])
def test_unit_equals_the_modules(
    dtype, order, inputs: int, outputs: int, stride: int, threads: int
) -> None:
    layers = nn.Sequential(separable(inputs, outputs, 3, stride), nn.BatchNorm2d(outputs))
    modules = lively(nn.ModuleList([layers, IF.spikingjelly(detach_reset=True)]))
    modules = modules.to(dtype=dtype)
    for x in (spikes(3, inputs, 17, 23, dtype=dtype), normal(3, inputs, 17, 23, dtype=dtype)):
        x = x.contiguous(memory_format=order)
        compare(unit_fused, unit_plain, modules, x, TOLERANCE[dtype], "_SeparableFire")


@pytest.mark.parametrize("dtype", TOLERANCE)
@pytest.mark.parametrize("size", [(26, 35), (27, 34), (5, 2)])
def test_stem_equals_the_modules(dtype, size: tuple[int, int], threads: int) -> None:
    stem = [separable(2, 20, 7, 2), nn.BatchNorm2d(20), IF.spikingjelly(detach_reset=True)]
    modules = lively(nn.ModuleList([*stem, nn.MaxPool2d(3, 2, 1)]), seed=3).to(dtype)
    with torch.no_grad():
        modules[1].bias.sub_(1.0)  # so that some windows are silent  # pyright: ignore
    x = spikes(3, 2, *size, dtype=dtype).contiguous(memory_format=LAST)
    compare(stem_fused, stem_plain, modules, x, TOLERANCE[dtype], "_PooledFire")


def test_network_equals_the_modules_one_by_one() -> None:
    rng = torch.Generator().manual_seed(5)
    net = lively(nn.ModuleList([SEWResNet((1, 1, 1, 1), width=8, rng=rng)]), seed=5).double()
    x = spikes(3, 2, 64, 96).contiguous(memory_format=LAST)

    def listened(m: Any, x: Tensor) -> Tensor:
        for module in m.modules():
            module.register_forward_hook(lambda *_: None)
        return m[0](x)

    a = everything(lambda m, x: m[0](x), net, x)
    b = everything(listened, net, x)
    assert float(a["output"].mean()) > 0.05
    for name, expected in b.items():
        assert torch.allclose(a[name], expected, rtol=1e-9, atol=1e-9 * float(expected.abs().max()))


def test_statistics_survive_a_large_mean() -> None:
    x = (normal(4, 3, 50, 60) + 1e4).float()
    x[0, :, 0, 0] = 0.0
    expected = x.double().var((0, 2, 3), unbiased=False)
    for order in (LAST, PLAIN):
        mean, variance = moments(x.contiguous(memory_format=order))
        assert torch.allclose(mean, x.double().mean((0, 2, 3)), rtol=1e-7)
        assert torch.allclose(variance, expected, rtol=1e-4)


def test_results_do_not_depend_on_threads() -> None:
    modules = lively(nn.ModuleList([nn.BatchNorm2d(16), IF()]))
    x = normal(8, 16, 130, 90, dtype=torch.float32).contiguous(memory_format=LAST)
    before, found = torch.get_num_threads(), []
    for count in (1, 2):
        torch.set_num_threads(count)
        found.append(everything(norm_fused, modules, x))
    torch.set_num_threads(before)
    assert all(torch.equal(found[0][name], found[1][name]) for name in found[0])


def test_one_value_per_channel_raises_as_batch_norm_does() -> None:
    layers = nn.Sequential(separable(4, 4), nn.BatchNorm2d(4))
    with pytest.raises(ValueError, match="more than 1 value per channel"):
        spiking_unit(layers, IF(), torch.ones(1, 1, 4, 1, 1))
    with pytest.raises(ValueError, match="more than 1 value per channel"):
        norm_spike(nn.BatchNorm2d(4), IF(), torch.ones(1, 1, 4, 1, 1))


def refused() -> list[Any]:
    shared = nn.BatchNorm2d(4)
    shared.forward = lambda input: input  # as `share_statistics` does
    listened, x = nn.BatchNorm2d(4), torch.ones(1, 2, 4, 3, 3)
    listened.register_forward_hook(lambda *_: None)
    norm, neuron = nn.BatchNorm2d(4), IF()
    no_average: Any = {"momentum": None}
    return [
        pytest.param(norm, neuron, torch.ones(2, 2, 4, 3, 3), id="two steps"),
        pytest.param(norm, neuron, x.half(), id="half precision"),
        pytest.param(norm, neuron, x.double(), id="another dtype than the weights"),
        pytest.param(norm, neuron, x.to("meta"), id="another device"),
        pytest.param(norm, neuron, x.transpose(3, 4)[..., ::2], id="strided"),
        pytest.param(norm, neuron, torch.ones(1, 1, 4, 1, 1), id="one value"),
        pytest.param(nn.BatchNorm2d(4).eval(), neuron, x, id="evaluation"),
        pytest.param(nn.BatchNorm2d(4, **no_average), neuron, x, id="no momentum"),
        pytest.param(nn.BatchNorm2d(4, affine=False), neuron, x, id="no weights"),
        pytest.param(nn.BatchNorm2d(4, track_running_stats=False), neuron, x, id="not tracked"),
        pytest.param(nn.SyncBatchNorm(4), neuron, x, id="another batch norm"),
        pytest.param(shared, neuron, x, id="shared statistics"),
        pytest.param(listened, neuron, x, id="hooks"),
        pytest.param(norm, IF(keep_state=True), x, id="kept state"),
        pytest.param(norm, IF(learn=["v_threshold"]), x, id="learned threshold"),
        pytest.param(norm, IF(torch.ones(4)), x, id="threshold per channel"),
        pytest.param(norm, IF(kernel="reference"), x, id="reference"),
        pytest.param(norm, nn.ReLU(), x, id="no neuron"),
    ]


@pytest.mark.parametrize(("norm", "neuron", "x"), refused())
def test_what_does_not_fit_runs_module_by_module(norm, neuron, x: Tensor) -> None:
    assert not fuses(norm, neuron, x)


def test_autocast_runs_module_by_module() -> None:
    norm, x = nn.BatchNorm2d(4), torch.ones(1, 2, 4, 3, 3)
    assert fuses(norm, IF(), x)
    with torch.autocast("cpu"):
        assert not fuses(norm, IF(), x)


def test_hooks_see_every_module_and_leave_results_alone() -> None:
    layers = nn.Sequential(separable(8, 8), nn.BatchNorm2d(8))
    modules = lively(nn.ModuleList([layers, IF()])).train()
    x, seen = spikes(3, 8, 9, 11, dtype=torch.float32), []
    expected = unit_fused(modules, x)
    for module in modules.modules():
        module.register_forward_hook(lambda module, *_: seen.append(type(module).__name__))
    assert torch.equal(unit_fused(modules, x), expected)
    assert sorted(seen) == sorted(
        ["Conv2d", "Conv2d", "Sequential", "BatchNorm2d", "Sequential", "IF"]
    )


@pytest.mark.parametrize("channels", [8, 48])
@pytest.mark.parametrize("size", [(1, 1), (1, 5), (6, 1), (13, 17)])
def test_depthwise_window_equals_torch(channels: int, size: tuple[int, int], threads: int) -> None:
    x = spikes(3, channels, *size, dtype=torch.float32).contiguous(memory_format=LAST)
    weight = normal(channels, 1, 3, 3, dtype=torch.float32)
    window = Window((1, 1), (1, 1), channels)
    grad = normal(*x.shape, seed=2, dtype=torch.float32).contiguous(memory_format=LAST)
    a, w = x.double().requires_grad_(), weight.double().requires_grad_()
    y = nn.functional.conv2d(a, w, None, 1, 1, 1, channels)
    y.backward(grad.double())
    for given in (x, x.to(torch.uint8)):
        grad_x, grad_weight = window.backward(grad, given, weight, True)
        assert grad_x is not None
        for found, expected in (
            (window.forward(given, weight), y), (grad_x, a.grad), (grad_weight, w.grad)
        ):  # fmt: skip
            assert expected is not None
            assert torch.allclose(found.double(), expected, rtol=1e-5, atol=1e-5)


def test_bytes_hold_whole_numbers_only() -> None:
    whole = torch.tensor([0.0, 1.0, 255.0])
    assert pack(whole).dtype == torch.uint8
    assert torch.equal(unpack(pack(whole), whole.dtype), whole)
    for odd in (0.5, -1.0, 256.0, float("nan"), float("inf")):
        assert pack(torch.tensor([1.0, odd])).dtype == torch.float32


def test_unit_without_gradients_equals_the_one_with() -> None:
    layers = nn.Sequential(separable(8, 8), nn.BatchNorm2d(8))
    modules = lively(nn.ModuleList([layers, IF()])).train()
    x = spikes(3, 8, 9, 11, dtype=torch.float32)
    with torch.no_grad():
        first = unit_fused(modules, x)
    assert torch.equal(first, unit_fused(modules, x))
    assert per_step(nn.Identity(), x[None]).shape == x[None].shape
