"""The torch operator behind the neurons: compiles, exports, and passes torch's own checks."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor, nn

from saccade.neurons import IF, LIF, PLIF, Rule
from saccade.neurons.kernels import ops, reference


class Stack(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.first, self.second = nn.Linear(6, 8), nn.Linear(8, 4)
        self.lif, self.plif = LIF(0.8), PLIF(2.0, v_reset=None, reset_delay=True)

    def forward(self, x: Tensor) -> Tensor:
        return self.plif(self.second(self.lif(self.first(x))))


def stack() -> tuple[Stack, Tensor]:
    torch.manual_seed(0)
    model = Stack()
    for layer in (model.first, model.second):
        nn.init.uniform_(layer.weight, 0.0, 1.0)
    return model, torch.rand(5, 3, 6)


def test_compiled_model_has_one_graph_and_the_same_spikes_and_gradients() -> None:
    model, x = stack()
    compiled = torch.compile(model, fullgraph=True, backend="aot_eager")
    eager = model(x)
    (eager * torch.arange(4.0)).sum().backward()
    expected = {name: p.grad.clone() for name, p in model.named_parameters() if p.grad is not None}
    model.zero_grad()
    out = compiled(x)
    assert eager.any() and torch.equal(out, eager)
    (out * torch.arange(4.0)).sum().backward()
    for name, parameter in model.named_parameters():
        torch.testing.assert_close(parameter.grad, expected[name], msg=name)


@pytest.mark.parametrize("strict", [True, False])
def test_exported_model_holds_the_operator_and_gives_the_same_spikes(strict: bool) -> None:
    model, x = stack()
    program = torch.export.export(model, (x,), strict=strict)
    called = [str(node.target) for node in program.graph.nodes if node.op == "call_function"]
    assert called.count("saccade.leaky_fire.default") == 2
    assert torch.equal(program.module()(x), model(x))


@pytest.mark.parametrize("rule", [Rule(), Rule(v_reset=None, reset_delay=True, fire_at=">")])
def test_operator_passes_the_checks_of_torch(rule: Rule) -> None:
    x = torch.rand(4, 2, 3, 5, 2, requires_grad=True)
    parameters = [torch.rand(3, requires_grad=True) for _ in range(3)]
    v0, z0 = torch.rand(2, 3, 5, 2), torch.zeros(2, 3, 5, 2)
    arguments = (x, v0, z0, *parameters, True, [*map(float, rule.numbers)])
    torch.library.opcheck(ops._forward, arguments)


def test_operator_equals_the_reference_with_state() -> None:
    x, v0 = torch.rand(4, 2, 3, requires_grad=True), torch.rand(2, 3, requires_grad=True)
    d, g, th = (torch.tensor(value) for value in (0.7, 0.9, 0.8))
    arguments = (x, v0, None, d, g, th, Rule(detach_reset=False), True)
    spikes, v = ops.leaky_fire(*arguments)
    expected, expected_v = reference.forward(*arguments)
    assert torch.equal(spikes, expected) and torch.equal(v, expected_v)
    ours = torch.autograd.grad(spikes.sum() + v.sum(), (x, v0))
    theirs = torch.autograd.grad(expected.sum() + expected_v.sum(), (x, v0))
    torch.testing.assert_close(ours, theirs)


def test_vectorizing_transforms_take_the_plain_form() -> None:
    x = torch.rand(3, 4, 2, 5)
    neuron = IF()
    mapped = torch.vmap(neuron)(x)
    assert torch.equal(mapped, torch.stack([neuron(part) for part in x]))
