"""Surrogate gradients: what backward uses in place of the derivative of the firing step.

    spikes = H(u),  u = v - v_threshold        forward, exact: H(u) = [u >= 0] or [u > 0]
    d spikes / d u  :=  phi(u)                 backward, one of the formulas below

Every surrogate is a small frozen object. ``code`` and ``shape`` are what the compiled kernels read:
the number of the formula and its (at most two) constants. All formulas vanish for u -> -inf, so a
neuron whose threshold is infinite has gradient zero, not NaN.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, fields
from typing import Any, ClassVar

import torch
from torch import Tensor

from saccade.errors import ConfigError

__all__ = [
    "SURROGATES",
    "Atan",
    "MultiGaussian",
    "PiecewiseLinear",
    "Sigmoid",
    "SuperSpike",
    "Surrogate",
    "Triangle",
    "WidthArctan",
    "heaviside",
]


@dataclass(frozen=True)
class Surrogate:
    """Common part of all surrogates; use one of the subclasses."""

    code: ClassVar[int] = -1

    def __post_init__(self) -> None:
        for field in fields(self):
            value = getattr(self, field.name)
            if not (math.isfinite(value) and (value > 0 or (field.name == "leak" and value == 0))):
                raise ConfigError(
                    f"{type(self).__name__}({field.name}={value!r}) has no meaning.",
                    "Surrogate constants are positive and finite.",
                )

    @property
    def shape(self) -> tuple[float, float]:
        """The formula's constants, padded with zero."""
        values = [float(getattr(self, field.name)) for field in fields(self)]
        return values[0], (values[1] if len(values) > 1 else 0.0)

    def derivative(self, u: Tensor) -> Tensor:
        """Return phi(u), elementwise, in the shape and dtype of ``u``."""
        raise NotImplementedError


@dataclass(frozen=True)
class Sigmoid(Surrogate):
    r"""Derivative of the logistic function, phi(u) = a s(1 - s), s = 1 / (1 + exp(-a u)).

    Args:
        alpha: Steepness a; the peak phi(0) is a / 4.

    Examples:
        >>> float(Sigmoid(alpha=4.0).derivative(torch.tensor(0.0)))
        1.0
    """

    alpha: float = 4.0
    code: ClassVar[int] = 0

    def derivative(self, u: Tensor) -> Tensor:
        s = torch.sigmoid(self.alpha * u)
        return self.alpha * s * (1.0 - s)


@dataclass(frozen=True)
class Atan(Surrogate):
    r"""Derivative of a scaled arctangent, phi(u) = (a/2) / (1 + (pi a u / 2)^2).

    Args:
        alpha: Steepness a; the peak phi(0) is a / 2, the area is 1.

    Reference:
        W. Fang et al., "Incorporating learnable membrane time constant to enhance learning of
        spiking neural networks", ICCV 2021.

    Examples:
        >>> float(Atan(alpha=2.0).derivative(torch.tensor(0.0)))
        1.0
    """

    alpha: float = 2.0
    code: ClassVar[int] = 1

    def derivative(self, u: Tensor) -> Tensor:
        slope = 0.5 * math.pi * self.alpha
        return 0.5 * self.alpha / (1.0 + (slope * u) ** 2)


@dataclass(frozen=True)
class WidthArctan(Surrogate):
    r"""Arctangent derivative of height 1, phi(u) = 1 / (1 + w u^2).

    Args:
        width: The constant w; larger is narrower.

    Reference:
        J. Hagenaars, F. Paredes-Vallés, G. de Croon, "Self-supervised learning of event-based
        optical flow with spiking neural networks", NeurIPS 2021.
    """

    width: float = 10.0
    code: ClassVar[int] = 2

    def derivative(self, u: Tensor) -> Tensor:
        return 1.0 / (1.0 + self.width * u**2)


@dataclass(frozen=True)
class SuperSpike(Surrogate):
    r"""Derivative of a fast sigmoid, phi(u) = 1 / (1 + w abs(u))^2.

    Args:
        width: The constant w; larger is narrower.

    Reference:
        F. Zenke, S. Ganguli, "SuperSpike: supervised learning in multilayer spiking neural
        networks", Neural Computation 30, 2018, section 3.3.2.
    """

    width: float = 10.0
    code: ClassVar[int] = 3

    def derivative(self, u: Tensor) -> Tensor:
        return 1.0 / (1.0 + self.width * u.abs()) ** 2


@dataclass(frozen=True)
class Triangle(Surrogate):
    r"""Triangle of height 1, phi(u) = max(0, 1 - w abs(u)).

    Args:
        width: The constant w; the gradient is zero from abs(u) = 1 / w on.
    """

    width: float = 1.0
    code: ClassVar[int] = 4

    def derivative(self, u: Tensor) -> Tensor:
        return (1.0 - self.width * u.abs()).clamp(min=0.0)


@dataclass(frozen=True)
class MultiGaussian(Surrogate):
    r"""A Gaussian with two negative flanks.

    phi(u) = 1.15 N(u; 0, w) - 0.15 N(u; w, 6w) - 0.15 N(u; -w, 6w), N(u; m, s) the normal density
    of mean m and standard deviation s.

    Args:
        width: Standard deviation w of the middle Gaussian, in units of the potential.

    Reference:
        B. Yin, F. Corradi, S. Bohté, "Accurate and efficient time-domain classification with
        adaptive spiking recurrent neural networks", Nature Machine Intelligence 3, 2021.
    """

    width: float = 0.5
    code: ClassVar[int] = 5

    def derivative(self, u: Tensor) -> Tensor:
        w = self.width
        flanks = _normal(u - w, 6.0 * w) + _normal(u + w, 6.0 * w)
        return 1.15 * _normal(u, w) - 0.15 * flanks


@dataclass(frozen=True)
class PiecewiseLinear(Surrogate):
    r"""Derivative of a line with two bends, phi(u) = 1 / (2 w) for abs(u) < w, else ``leak``.

    An infinite distance to the threshold has gradient zero, as with the other surrogates.

    Args:
        width: Half width w of the steep part; its area is 1.
        leak: Gradient outside it (0 gives the rectangular window).
    """

    width: float = 1.0
    leak: float = 0.01
    code: ClassVar[int] = 6

    def derivative(self, u: Tensor) -> Tensor:
        outside = torch.full_like(u, self.leak).masked_fill(u.isinf(), 0.0)
        return outside.masked_fill(u.abs() < self.width, 0.5 / self.width)


SURROGATES: tuple[type[Surrogate], ...] = (
    Sigmoid,
    Atan,
    WidthArctan,
    SuperSpike,
    Triangle,
    MultiGaussian,
    PiecewiseLinear,
)
"""All surrogates; the position is the ``code``."""


def _normal(u: Tensor, sigma: float) -> Tensor:
    return torch.exp(-0.5 * (u / sigma) ** 2) / (sigma * math.sqrt(2.0 * math.pi))


class _Heaviside(torch.autograd.Function):
    generate_vmap_rule = True

    @staticmethod
    def forward(u: Tensor, surrogate: Surrogate, strict: bool) -> Tensor:  # pyright: ignore[reportIncompatibleMethodOverride]
        return (u > 0 if strict else u >= 0).to(u.dtype)

    @staticmethod
    def setup_context(ctx: Any, inputs: tuple[Any, ...], output: Any) -> None:
        ctx.save_for_backward(inputs[0])
        ctx.surrogate = inputs[1]

    @staticmethod
    def backward(ctx: Any, *grads: Tensor) -> Any:
        (u,) = ctx.saved_tensors
        return grads[0] * ctx.surrogate.derivative(u), None, None


def heaviside(u: Tensor, surrogate: Surrogate, fire_at: str = ">=") -> Tensor:
    """Fire: 1 where ``u`` reaches zero, else 0; backward multiplies by ``surrogate.derivative(u)``.

    Args:
        u: Distance to the threshold, ``v - v_threshold``, any shape.
        surrogate: What stands for the derivative of the step.
        fire_at: ``">="`` fires on equality, ``">"`` does not.

    Returns:
        Spikes in {0, 1}, shape and dtype of ``u``.

    Examples:
        >>> heaviside(torch.tensor([-0.1, 0.0, 0.1]), Atan())
        tensor([0., 1., 1.])
        >>> heaviside(torch.tensor([-0.1, 0.0, 0.1]), Atan(), fire_at=">")
        tensor([0., 0., 1.])
    """
    return _Heaviside.apply(u, surrogate, fire_at == ">")  # pyright: ignore[reportReturnType]
