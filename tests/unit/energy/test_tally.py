"""Counting is exact, the kernel equals the equations, and borders count."""

import numpy as np
import pytest
import torch
from torch import nn

from saccade.energy.hooks import measure
from saccade.energy.tally import LARGEST_WHOLE, reach, tally, tally_reference


def inputs(kind: str, shape: tuple[int, ...], seed: int = 0) -> torch.Tensor:
    rng = torch.Generator().manual_seed(seed)
    x = torch.rand(shape, generator=rng)
    return {
        "none": torch.zeros(shape),
        "binary": (x < 0.2).float(),
        "ternary": (x < 0.2).float() - (x > 0.9).float(),
        "counts": (x * 4).floor(),
        "real": x * (x < 0.3),
        "late real": torch.where(torch.arange(shape[-1]) == shape[-1] - 1, x, (x < 0.5).float()),
        "huge": (x < 0.5) * (LARGEST_WHOLE + 1.0),
        "nan": torch.full(shape, float("nan")),
        "infinite": torch.full(shape, float("inf")),
    }[kind]


KINDS = ["none", "binary", "ternary", "counts", "real", "late real", "huge", "nan", "infinite"]


def same(x: torch.Tensor) -> bool:
    uneven = torch.randint(0, 50, (x.shape[-1],), generator=torch.manual_seed(1))
    even = torch.full((x.shape[-1],), 7)  # every place reaches as much: another kernel
    return all(torch.equal(tally(x, w), tally_reference(x, w)) for w in (uneven, even))


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64, torch.float16])
@pytest.mark.parametrize("kind", KINDS)
def test_kernel_equals_the_equations(kind: str, dtype: torch.dtype) -> None:
    assert same(inputs(kind, (3, 4, 5, 77)).to(dtype))


def test_nothing_is_nothing() -> None:
    assert same(torch.zeros(0, 3, 2, 4)) and same(torch.zeros(1, 3, 2, 0))


@pytest.mark.parametrize("threads", [1, 2, 3])
def test_threads_change_nothing(threads: int) -> None:
    before = torch.get_num_threads()
    torch.set_num_threads(threads)
    try:
        assert same(inputs("counts", (1, 5, 64, 4096)))
    finally:
        torch.set_num_threads(before)


def test_inputs_need_not_lie_in_order() -> None:
    assert same(inputs("counts", (4, 3, 6, 5)).permute(1, 0, 3, 2))


def test_one_real_value_makes_the_sample_real_and_no_other() -> None:
    x = inputs("counts", (1, 3, 2, 40))
    x[0, 1, 1, 7] = 0.5
    assert tally(x, torch.ones(40, dtype=torch.int64))[:, 5].tolist() == [0, 1, 0]


@pytest.mark.parametrize("channels", [4, 1 << 15])
def test_large_sums_do_not_overflow(channels: int) -> None:
    x = torch.full((1, 1, channels, 3), float(LARGEST_WHOLE))
    found = tally(x, torch.tensor([1, 49, 1 << 28]))
    reached = channels * (50 + (1 << 28))
    sums = [3 * channels, 3 * channels * LARGEST_WHOLE, reached, reached * LARGEST_WHOLE]
    assert found.tolist() == [[*sums, LARGEST_WHOLE, 0]]


LAYERS = {
    "3x3": lambda: nn.Conv2d(4, 6, 3, padding=1),
    "strided": lambda: nn.Conv2d(4, 6, 3, stride=2, padding=1),
    "unequal": lambda: nn.Conv2d(4, 6, (3, 5), stride=(1, 3), padding=(2, 0)),
    "depthwise 7x7": lambda: nn.Conv2d(4, 4, 7, stride=2, padding=3, groups=4),
    "depthwise, two each": lambda: nn.Conv2d(4, 8, 3, groups=4),
    "groups": lambda: nn.Conv2d(4, 6, 3, padding=1, groups=2),
    "dilated": lambda: nn.Conv2d(4, 6, 3, dilation=2, padding=2),
    "same": lambda: nn.Conv2d(4, 6, (4, 3), padding="same"),
    "valid": lambda: nn.Conv2d(4, 6, 3, padding="valid"),
    "reflect": lambda: nn.Conv2d(4, 6, 3, padding=1, padding_mode="reflect"),
    "circular": lambda: nn.Conv2d(4, 6, 3, padding=1, padding_mode="circular"),
    "stride beyond the kernel": lambda: nn.Conv2d(4, 6, 1, stride=2),
    "transposed": lambda: nn.ConvTranspose2d(4, 6, 3, stride=2, padding=1, output_padding=1),
    "transposed, grown": lambda: nn.ConvTranspose2d(4, 6, 2, stride=3, output_padding=2, groups=2),
    "1d": lambda: nn.Conv1d(4, 6, 5, stride=2, padding=2),
    "transposed 1d": lambda: nn.ConvTranspose1d(4, 6, 4, stride=2, padding=1),
    "linear": lambda: nn.Linear(9, 5),
}


@pytest.mark.filterwarnings("ignore:Using padding='same' with even kernel:UserWarning")
@pytest.mark.parametrize("kind", ["binary", "counts", "real"])
@pytest.mark.parametrize("name", LAYERS)
def test_operations_are_the_products_that_are_not_zero(name: str, kind: str) -> None:
    layer = LAYERS[name]().double()
    spatial = (13,) if "1d" in name else (9,) if name == "linear" else (8, 11)
    x = inputs(kind, (3, 4, *spatial)).double()
    with measure(layer) as record:
        layer(x)
    nn.init.ones_(layer.weight)
    nn.init.zeros_(layer.bias)
    units = (x != 0).double() if kind == "real" else x
    expected = layer(units).flatten(1).sum(1).round().long().tolist()
    (found,) = record.layers()
    assert found.inputs == kind
    assert found.operations.tolist() == expected
    assert found.nonzeros.tolist() == (x != 0).flatten(1).sum(1).tolist()


@pytest.mark.parametrize("name", LAYERS)
def test_dense_layers_reach_every_synapse_but_those_of_the_border(name: str) -> None:
    layer = LAYERS[name]()
    spatial = (13,) if "1d" in name else (9,) if name == "linear" else (8, 11)
    with measure(layer) as record:
        out = layer(torch.full((1, 4, *spatial), 0.5))
    (found,) = record.layers()
    assert found.shape.neurons == out.numel()
    assert 0 < found.mac <= found.dense


def test_reach_is_cached_and_works_where_no_gradient_is_allowed() -> None:
    window = ((3, 3), (1, 1), (1, 1), "zeros", (1, 1, 1, 1))
    with torch.inference_mode():
        counts = reach((17, 19), window, False)
    assert counts.sum() == (3 * 17 - 2) * (3 * 19 - 2)
    assert counts is reach((17, 19), window, False)
    assert np.array_equal(counts.reshape(17, 19)[0, :3], [4, 6, 6])
