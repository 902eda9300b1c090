"""MixVPR, GEM and MLP: unit length, any map, time, what is refused."""

import pytest
import torch
from torch import nn

from saccade.errors import ShapeError
from saccade.layers import GEM, MLP, MixVPR

HEADS = {
    "mixvpr": lambda: MixVPR(16, (3, 4), out_channels=8, out_rows=2),
    "gem": GEM,
    "mlp_lif": lambda: MLP(16, 10, neuron="lif"),
    "mlp_if": lambda: MLP(16, 10, neuron="if"),
}
ALL = pytest.mark.parametrize("name", HEADS)


def maps(*shape: int, seed: int = 0) -> torch.Tensor:
    rng = torch.Generator().manual_seed(seed)
    return torch.randint(0, 4, shape, generator=rng).float()


def lively(head: nn.Module) -> nn.Module:
    """Enlarge weights so that hidden units of an untrained head fire."""
    for name, parameter in head.named_parameters():
        if ".fc.weight" in name or name == "fc1.weight":
            parameter.data *= 40 if ".fc.weight" in name else 4
    return head


@ALL
@pytest.mark.parametrize("size", [(3, 4), (9, 11), (1, 1), (15, 20), (2, 7)])
def test_descriptor_has_length_one_for_any_map(name: str, size: tuple[int, int]) -> None:
    d = HEADS[name]()(maps(5, 16, *size))
    assert d.ndim == 2 and d.shape[0] == 5
    assert torch.allclose(d.norm(dim=1), torch.ones(5), atol=1e-5)


@ALL
def test_one_step_with_and_without_time_axis_agree(name: str) -> None:
    head, x = lively(HEADS[name]()), maps(2, 16, 3, 4)
    assert torch.equal(head(x), head(x[None]))


@pytest.mark.parametrize("name", ["mixvpr", "mlp_lif", "mlp_if"])
def test_hidden_neurons_integrate_over_steps(name: str) -> None:
    head = lively(HEADS[name]())
    x = maps(4, 1, 16, 3, 4)
    repeated = x[:1].expand(4, -1, -1, -1, -1)
    assert not torch.allclose(head(repeated), head(x[0]), atol=1e-4)


def test_generalised_mean_goes_from_mean_to_maximum() -> None:
    x = maps(1, 6, 3, 4) + 1
    mean, largest = x.mean((-2, -1)), x.amax((-2, -1))
    assert torch.allclose(GEM(p=1.0)(x), nn.functional.normalize(mean), atol=1e-5)
    assert torch.allclose(GEM(p=64.0)(x / 4), nn.functional.normalize(largest), atol=0.03)


def test_exact_grid_refuses_another_map_and_names_both() -> None:
    head = MixVPR(16, (9, 11), exact_grid=True)
    with pytest.raises(ShapeError, match=r"15x20.*9x11.*260x346.*compat"):
        head(maps(1, 16, 15, 20))


def test_map_of_the_grid_is_not_touched_by_pooling() -> None:
    exact, free = (MixVPR(16, (9, 11), exact_grid=exact) for exact in (True, False))
    x = maps(2, 16, 9, 11)
    assert torch.equal(exact(x), free(x))


def test_map_of_twice_the_grid_is_averaged() -> None:
    head = MixVPR(16, (3, 4))
    small = maps(2, 16, 3, 4)
    large = small.repeat_interleave(2, -1).repeat_interleave(2, -2)
    assert torch.allclose(head(large), head(small), atol=1e-6)


def test_published_head_has_the_published_number_of_parameters() -> None:
    assert sum(p.numel() for p in MixVPR().parameters()) == 323_450


def test_lif_hidden_units_need_twice_the_input_of_if_units() -> None:
    lif, integrate = MixVPR(4, (2, 2), neuron="lif").mix[0], MixVPR(4, (2, 2), neuron="if").mix[0]
    x = torch.tensor([[[[0.99, 1.0, 1.99, 2.0]]]])
    assert integrate.sn(x).tolist() == [[[[0.0, 1.0, 1.0, 1.0]]]]  # pyright: ignore
    assert lif.sn(x).tolist() == [[[[0.0, 0.0, 0.0, 1.0]]]]  # pyright: ignore


def test_gradient_reaches_every_parameter() -> None:
    for make in HEADS.values():
        head = lively(make())
        head(maps(2, 2, 16, 3, 4)).square().mul(torch.rand(1)).sum().backward()
        for name, parameter in head.named_parameters():
            assert parameter.grad is not None and torch.isfinite(parameter.grad).all(), name
