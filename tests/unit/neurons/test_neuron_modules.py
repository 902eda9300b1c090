"""Neuron modules: what they compute, what they carry, what they refuse."""

from __future__ import annotations

import copy
import pickle
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from saccade.errors import ConfigError, ShapeError, StateError
from saccade.neurons import (
    ALIF,
    IF,
    LIF,
    PLIF,
    XLIF,
    CubaLIF,
    Integrator,
    LIFState,
    Neuron,
    PreLIF,
    Recurrent,
    Sigmoid,
)

ALL: list[Any] = [
    lambda **k: IF(**k),
    lambda **k: IF(v_reset=None, reset_delay=True, **k),
    lambda **k: LIF(0.8, 0.7, **k),
    lambda **k: LIF.event_flow(0.0, hard_reset=False, **k),
    lambda **k: LIF.snntorch(0.9, **k),
    lambda **k: PLIF(3.0, **k),
    lambda **k: CubaLIF(0.6, **k),
    lambda **k: ALIF(0.0, 1.0, **k),
    lambda **k: XLIF(0.0, 1.0, **k),
    lambda **k: PreLIF(0.0, 1.0, **k),
    lambda **k: Integrator(0.9, **k),
]
every = pytest.mark.parametrize("make", ALL, ids=lambda make: type(make()).__name__)


def drive(T: int = 9, seed: int = 0) -> Tensor:
    return torch.rand(T, 2, 5, 3, 4, generator=torch.Generator().manual_seed(seed)) * 1.6


@every
def test_a_sequence_in_two_halves_with_kept_state_equals_the_whole(make: Any) -> None:
    x = drive()
    kept = make(keep_state=True)
    halves = torch.cat([kept(x[:4]), kept(x[4:])])
    whole = make()(x)
    assert whole.any()
    torch.testing.assert_close(halves, whole, atol=0, rtol=0)


@every
def test_without_kept_state_every_call_starts_at_rest(make: Any) -> None:
    neuron, x = make(), drive()
    assert torch.equal(neuron(x), neuron(x))
    assert neuron.state is None


@every
def test_reset_returns_to_rest(make: Any) -> None:
    neuron, x = make(keep_state=True), drive()
    first = neuron(x)
    assert neuron.state is not None
    neuron.reset()
    assert torch.equal(neuron(x), first)


@every
def test_state_of_another_batch_is_refused_with_both_sizes(make: Any) -> None:
    neuron = make(keep_state=True)
    neuron(drive())
    with pytest.raises(
        StateError, match=r"state is for batch 2, input has batch 1. Call reset\(\)"
    ):
        neuron(drive()[:, :1])


@every
def test_state_of_another_dtype_is_refused(make: Any) -> None:
    neuron = make(keep_state=True)
    neuron(drive())
    with pytest.raises(StateError, match=r"torch.float32 on cpu, input is torch.float64"):
        neuron(drive().double())


@every
def test_copies_and_pickles_start_at_rest(make: Any) -> None:
    neuron, x = make(keep_state=True), drive()
    first = neuron(x.requires_grad_())
    for twin in (copy.deepcopy(neuron), pickle.loads(pickle.dumps(neuron))):
        assert twin.state is None
        assert torch.equal(twin(x), first)


@every
def test_gradient_reaches_the_input_and_every_parameter(make: Any) -> None:
    neuron, x = make(), drive().requires_grad_()
    neuron(x).square().sum().backward()
    assert x.grad is not None and x.grad.abs().sum() > 0
    for name, parameter in neuron.named_parameters():
        assert parameter.grad is not None and torch.isfinite(parameter.grad).all(), name


@every
def test_detached_state_cuts_the_gradient_between_calls(make: Any) -> None:
    neuron, x = make(keep_state=True), drive().requires_grad_()
    neuron(x[:4])
    neuron.detach_state()
    second = drive(4, seed=1).requires_grad_()
    neuron(second).sum().backward()
    assert x.grad is None and second.grad is not None


@every
def test_reduced_precision_runs_through_the_plain_form(make: Any) -> None:
    out = make()(drive().bfloat16())
    assert out.dtype == torch.bfloat16


def test_learned_parameters_are_trained_in_place_and_others_are_not_stored() -> None:
    assert list(PLIF().state_dict()) == ["w"]
    assert list(IF().state_dict()) == list(LIF().state_dict()) == []
    learned = LIF(torch.full((5,), 0.8), learn=("decay", "v_threshold"))
    assert list(learned.state_dict()) == ["decay", "v_threshold"]


def test_plif_equals_lif_of_the_same_time_constant() -> None:
    x = drive()
    plif = PLIF(4.0, surrogate=Sigmoid())
    assert torch.equal(plif(x).detach(), LIF(0.75, 0.25)(x))
    assert float(plif.tau_steps(x).detach()) == pytest.approx(4.0)


def test_integrator_gives_the_running_sum_and_an_infinite_threshold_the_zero_gradient() -> None:
    x = drive().requires_grad_()
    torch.testing.assert_close(Integrator()(x), x.cumsum(0))
    silent = IF(v_threshold=float("inf"))
    out = silent(x)
    out.sum().backward()
    assert not out.any() and x.grad is not None and not x.grad.any()


def test_one_step_equals_a_sequence_of_one() -> None:
    neuron, x = LIF(0.9), drive(1)
    spikes, state = neuron.step(x[0])
    assert torch.equal(spikes, neuron(x)[0])
    assert isinstance(state, LIFState)


def test_recurrent_layer_adds_the_fed_back_spikes_of_the_step_before() -> None:
    synapse = nn.Linear(3, 3, bias=False)
    nn.init.constant_(synapse.weight, -0.5)
    layer = Recurrent(IF(), synapse)
    x = torch.full((3, 1, 3), 1.0)
    # Step 0: all fire. Step 1: 1 - 3 * 0.5 = -0.5, silent. Step 2: -0.5 + 1 = 0.5, silent.
    assert layer(x).sum((1, 2)).tolist() == [3.0, 0.0, 0.0]


def test_recurrent_layer_keeps_state_and_refuses_another_batch() -> None:
    layer = Recurrent(LIF(0.9), nn.Conv2d(5, 5, 3, padding=1, bias=False), keep_state=True)
    x = drive()
    halves = torch.cat([layer(x[:4]), layer(x[4:])])
    layer.reset()
    assert torch.equal(layer(x), halves)
    with pytest.raises(StateError, match="batch 2, input has batch 1"):
        layer(x[:, :1])


def test_own_spikes_raise_the_threshold_of_alif_and_arriving_ones_that_of_xlif() -> None:
    x = torch.full((20, 1, 1, 1, 1), 2.0)
    rate = {gain: float(ALIF(0.0, 1.0, 0.8, gain)(x).mean().detach()) for gain in (0.0, 3.0)}
    assert rate[3.0] < rate[0.0]
    quiet, busy = torch.zeros_like(x), torch.full_like(x, 5.0)
    xlif = XLIF(0.0, 1.0, 0.8, 1.0)
    assert xlif(x, busy).sum() < xlif(x, quiet).sum()


@pytest.mark.parametrize(
    ("build", "error", "text"),
    [
        (lambda: LIF(decay=1.5), ConfigError, r"LIF: decay=1.5 is outside 0..1"),
        (lambda: LIF(learn="decya"), ConfigError, r"no parameter 'decya'.*Did you mean 'decay'"),
        (lambda: PLIF(1.0), ConfigError, r"PLIF: tau_steps=1 is not above 1"),
        (lambda: LIF(fire_at="="), ConfigError, r"fire_at='=' is no comparison"),
        (lambda: IF(float("inf"), None), ConfigError, r"inf with soft reset .* Use Integrator"),
        (lambda: LIF(surrogate=Sigmoid), ConfigError, r"not a surrogate.*Atan"),  # type: ignore[arg-type]
        (lambda: LIF(torch.ones(2, 2)), ShapeError, r"decay has shape \(2, 2\)"),
        (lambda: LIF(torch.ones(4))(drive()), ShapeError, r"has 4 values, .* 5 channels"),
        (lambda: LIF.snntorch(0.9, reset_mechanism="none"), ConfigError, r"'subtract' or 'zero'"),  # type: ignore[arg-type]
    ],
)
def test_mistakes_are_named(build: Any, error: type[Exception], text: str) -> None:
    with pytest.raises(error, match=text):
        build()


def test_gradients_agree_with_finite_differences_of_the_subthreshold_membrane() -> None:
    x = (drive(5) * 0.1).double().requires_grad_()
    leaky = Integrator(0.9, 0.3, v_rest=0.2)
    assert torch.autograd.gradcheck(leaky, (x,))


def test_second_derivatives_need_the_plain_form() -> None:
    x = drive(3).double().requires_grad_()
    plain = LIF(kernel="reference", detach_reset=False)
    (g,) = torch.autograd.grad(plain(x).sum(), x, create_graph=True)
    assert torch.autograd.grad(g.sum(), x)[0].abs().sum() > 0
    (g,) = torch.autograd.grad(LIF()(x).sum(), x, create_graph=True)
    with pytest.raises(RuntimeError, match="does not require grad"):
        g.sum().backward()


def test_base_class_is_abstract() -> None:
    with pytest.raises(NotImplementedError):
        Neuron()(drive())


def test_a_neuron_that_ran_under_inference_mode_can_still_be_trained() -> None:
    layer = LIF()
    with torch.inference_mode():
        layer(drive())
    x = drive().requires_grad_()
    layer(x).sum().backward()
    assert x.grad is not None
