"""The compiled CPU loops against the plain torch form: equal spikes, near-equal gradients."""

from __future__ import annotations

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from neuron_cases import compare, problem, rules

from saccade.neurons.kernels import cpu, reference
from saccade.neurons.kernels.cpu_rows import LANES
from saccade.neurons.rule import Rule
from saccade.neurons.surrogate import Atan, Sigmoid


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64], ids=["f32", "f64"])
@pytest.mark.parametrize("rule", rules(), ids=lambda r: f"{r.v_reset}{r.reset_delay}{r.fire_at}")
def test_compiled_loops_equal_the_reference_in_every_order_of_operations(
    rule: Rule, dtype: torch.dtype
) -> None:
    for seed, (per_channel, with_state) in enumerate(((False, False), (True, True))):
        compare(cpu, problem((6, 2, 5, 4, 3), dtype, seed, per_channel, with_state), rule)


@given(
    T=st.integers(1, 40),
    B=st.integers(1, 3),
    C=st.integers(1, 7),
    inner=st.integers(1, 40),
    rule=st.sampled_from(rules()),
    per_channel=st.booleans(),
    seed=st.integers(0, 1000),
)
def test_compiled_loops_equal_the_reference_on_any_shape(
    T: int, B: int, C: int, inner: int, rule: Rule, per_channel: bool, seed: int
) -> None:
    compare(cpu, problem((T, B, C, inner), torch.float32, seed, per_channel, True), rule, 1e-4)


@pytest.mark.parametrize("N", [LANES - 1, LANES, LANES + 1, 3 * LANES + 5])
def test_block_edges_fall_anywhere(N: int) -> None:
    rule = Rule(surrogate=Sigmoid(), detach_reset=False)
    compare(cpu, problem((3, 1, 1, N), torch.float32, N, False, True), rule, 1e-3)
    compare(cpu, problem((3, 1, N), torch.float32, N, True, True), rule)


def test_channels_last_memory_is_walked_without_a_copy() -> None:
    case = problem((4, 2, 6, 5, 3), torch.float32, 3, True, True)
    case["x"] = case["x"].permute(0, 1, 3, 4, 2).contiguous().permute(0, 1, 4, 2, 3)
    compare(cpu, case, Rule())


def test_results_do_not_depend_on_the_number_of_threads() -> None:
    case = problem((20, 4, 8, 64, 64), torch.float32, 5, True, True)
    rule, wanted = Rule(surrogate=Atan()), (True, True, True)
    threads = torch.get_num_threads()
    found = []
    try:
        for count in (1, 3):
            torch.set_num_threads(count)
            spikes, v = cpu.forward(*case.values(), rule, True)
            grads = cpu.backward(spikes, v, *case.values(), rule, wanted)
            found.append((spikes, v, *grads[:3], *grads[3]))
    finally:
        torch.set_num_threads(threads)
    assert all(torch.equal(a, b) for a, b in zip(*found, strict=True))


def test_long_sequences_keep_their_gradient() -> None:
    case = problem((600, 1, 3, 40), torch.float32, 7, True, True)
    compare(cpu, case, Rule(detach_reset=True), 1e-4)


def test_potentials_at_extremes_do_not_make_nan_gradients() -> None:
    x = torch.tensor([-1e30, -200.0, 0.0, 200.0, 1e30]).reshape(1, 1, 5).expand(3, 1, 5)
    one, inf = torch.tensor(1.0), torch.tensor(float("inf"))
    for theta in (one, inf):
        for rule in rules():
            if theta is inf and rule.v_reset is None:
                continue
            rule = Rule(surrogate=rule.surrogate, fire_at=rule.fire_at)
            arguments = (x.contiguous(), None, None, one, one, theta, rule)
            spikes, _ = cpu.forward(*arguments, False)
            gx = cpu.backward(torch.ones_like(x), None, *arguments, (False, False, False))[0]
            expected = reference.backward(
                torch.ones_like(x), None, *arguments, (False, False, False)
            )[0]
            assert torch.isfinite(gx).all()
            torch.testing.assert_close(gx, expected, atol=1e-6, rtol=1e-4)
            if theta is inf:
                assert not spikes.any() and not gx[..., :4].any()
