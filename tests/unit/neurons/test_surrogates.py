"""Surrogate gradients: formulas against numbers worked out by hand, areas, limits."""

from __future__ import annotations

import math

import pytest
import torch

from saccade.errors import ConfigError
from saccade.neurons import (
    Atan,
    MultiGaussian,
    PiecewiseLinear,
    Sigmoid,
    SuperSpike,
    Surrogate,
    Triangle,
    WidthArctan,
    heaviside,
)
from saccade.neurons.surrogate import SURROGATES

BY_HAND = [
    (Sigmoid(4.0), 0.0, 1.0),
    (Sigmoid(4.0), 0.25, 4.0 * math.e / (1.0 + math.e) ** 2),
    (Atan(2.0), 0.0, 1.0),
    (Atan(2.0), 1.0, 1.0 / (1.0 + math.pi**2)),
    (WidthArctan(10.0), 0.5, 1.0 / 3.5),
    (SuperSpike(10.0), -0.1, 0.25),
    (Triangle(2.0), 0.25, 0.5),
    (Triangle(2.0), 0.6, 0.0),
    (MultiGaussian(0.5), 0.0, 0.878223),
    (PiecewiseLinear(2.0, 0.01), 1.9, 0.25),
    (PiecewiseLinear(2.0, 0.01), -2.1, 0.01),
]


@pytest.mark.parametrize(("surrogate", "u", "expected"), BY_HAND)
def test_derivative_has_the_value_of_its_formula(
    surrogate: Surrogate, u: float, expected: float
) -> None:
    found = float(surrogate.derivative(torch.tensor(u, dtype=torch.float64)))
    assert found == pytest.approx(expected, abs=1e-6)


@pytest.mark.parametrize("surrogate", [Sigmoid(4.0), Atan(2.0), PiecewiseLinear(0.7, 1e-9)])
def test_derivatives_of_step_approximations_have_area_one(surrogate: Surrogate) -> None:
    u = torch.linspace(-2000, 2000, 2_000_001, dtype=torch.float64)
    assert float(torch.trapezoid(surrogate.derivative(u), u)) == pytest.approx(1.0, abs=2e-3)


@pytest.mark.parametrize("kind", SURROGATES)
def test_gradient_vanishes_at_an_infinite_threshold(kind: type[Surrogate]) -> None:
    u = torch.tensor([-math.inf], requires_grad=True)
    heaviside(u, kind()).backward(torch.ones(1))
    assert u.grad is not None and float(u.grad) == 0.0


@pytest.mark.parametrize("kind", SURROGATES)
def test_derivative_is_symmetric(kind: type[Surrogate]) -> None:
    u = torch.linspace(0.01, 3, 50, dtype=torch.float64)
    torch.testing.assert_close(kind().derivative(u), kind().derivative(-u))


def test_codes_are_positions_in_the_list() -> None:
    assert [kind.code for kind in SURROGATES] == list(range(len(SURROGATES)))


def test_firing_is_exact_at_the_threshold() -> None:
    u = torch.tensor([-1e-7, 0.0, 1e-7])
    assert heaviside(u, Sigmoid(), ">=").tolist() == [0.0, 1.0, 1.0]
    assert heaviside(u, Sigmoid(), ">").tolist() == [0.0, 0.0, 1.0]


def test_a_constant_that_is_not_positive_is_refused() -> None:
    with pytest.raises(ConfigError, match=r"Sigmoid\(alpha=-1.0\) has no meaning"):
        Sigmoid(-1.0)
