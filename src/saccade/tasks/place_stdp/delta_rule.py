"""The delta rule: what one image changes in one layer, and which quirks published systems add.

    s_j = sum_i w_ji x_i                      product, unitless
    y_j = clip(s_j - theta_j, 0, y_max)       activity

    feature layer   |w_ji| += eta (0.5 - y_j) [x_i > 0] [y_j > 0]
    output layer     w_ji  += eta (x_i / r_i) e_j,     e_j = clip(0.5 [j is the place] - y_j, range)
    both            1e-6 <= |w_ji| <= 10, the sign stays
                    theta_j = max(0, theta_j + eta_ip (a_j - r_j))
                    w_ji *= 1 + 50 eta s_j             where w_ji < 0 (homeostasis)

r is the target activity of a neuron, a its own activity. Both rates fall as (1 - step / steps)^2.
A weight that begins at 0 stays 0. Nothing couples the neurons of a layer.

Reference:
    A. D. Hines, P. G. Stratton, M. Milford, T. Fischer, "VPRTempo: a fast temporally encoded
    spiking neural network for visual place recognition", ICRA 2024. A. D. Hines, M. Milford,
    T. Fischer, "A compact neuromorphic system for ultra-energy-efficient, on-device robot
    localization", Science Robotics 2025 (LENS).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from saccade.errors import ConfigError
from saccade.tasks.place_stdp.config_delta import DeltaConfig

__all__ = [
    "FORCED",
    "HOMEOSTASIS",
    "LARGEST",
    "NOTHING",
    "OWN",
    "QUIRKS",
    "SMALLEST",
    "Quirks",
    "Rule",
    "feature_rule",
    "learning_rates",
    "output_rule",
]

Floats = NDArray[np.float32]

SMALLEST, LARGEST = np.float32(1e-6), np.float32(10)
"""Range of the magnitude of a weight that exists."""
HOMEOSTASIS = np.float32(50)
"""Rate of homeostasis in learning rates of weights."""
NOTHING, OWN, FORCED = 0, 1, 2
"""What intrinsic plasticity takes for a neuron's activity."""


@dataclass(frozen=True)
class Quirks:
    """What a published system does otherwise; letters are defects (a) to (h) of its description.

    ====== ========================================= ==============================================
    letter published                                 native
    ====== ========================================= ==============================================
    (a)    VPRTempo computes the limits of the error limits are applied. Those published, 0 and up,
           and drops them; LENS applies them         forget that a wrong place may answer less, so
                                                     the default range lets errors be negative
    (b)    thresholds of features see activity 0,    own activity at the rate of thresholds
           those of outputs the one asked for; LENS
           moves them at twice the rate of weights
    (c)    all weights are divided by the norm of    each neuron by its own
           the last neuron
    (d)    fewer places than a module holds and a    any number of places, `delta.DeltaModel`
           remainder: division by zero
    (e)    truth assumes as many queries as places   scores ``[Q, places]``; truth comes from
                                                     positions (`saccade.retrieval`)
    (f)    the range of inputs is measured for each  once, on training images
           image before it is rounded                (`delta_quantised.quantise`)
    (g)    LENS draws the spikes of all queries      one seed for each query, `delta_spiking`
           from seed 50
    (h)    quantised modules all have one size       the last one holds what is left over
    ====== ========================================= ==============================================

    (d), (e) and (h) end in an error or a wrong figure, so there is nothing to reproduce. Without a
    letter: rates change one step late, and homeostasis may turn the sign of a weight.

    Args:
        error_unlimited: (a).
        blind_thresholds: (b).
        thresholds_at_twice_stdp: (b), LENS.
        norm_of_last_neuron: (c).
        range_per_image: (f).
        query_seed: (g).
        steps_late: Steps by which a change of the rates comes late.
        least_factor: Least change 50 eta s of homeostasis; below -1 the sign turns.
    """

    error_unlimited: bool = False
    blind_thresholds: bool = False
    thresholds_at_twice_stdp: bool = False
    norm_of_last_neuron: bool = False
    range_per_image: bool = False
    query_seed: int | None = None
    steps_late: int = 0
    least_factor: float = -1.0


QUIRKS: dict[str | None, Quirks] = {
    None: Quirks(),
    "vprtempo": Quirks(
        error_unlimited=True,
        blind_thresholds=True,
        norm_of_last_neuron=True,
        range_per_image=True,
        steps_late=1,
        least_factor=-np.inf,
    ),
    "lens": Quirks(
        blind_thresholds=True,
        thresholds_at_twice_stdp=True,
        norm_of_last_neuron=True,
        query_seed=50,
        steps_late=1,
        least_factor=-np.inf,
    ),
}
"""compat -> quirks."""


class Rule(NamedTuple):
    """The numbers and switches of one layer, as a kernel takes them.

    Args:
        supervised: The output layer's rule instead of the feature layer's.
        activity: `NOTHING`, `OWN` or `FORCED`.
        adapts: Thresholds move.
        clip: y_max.
        target: Activity asked of the right output.
        low: Least error.
        high: Largest error.
        least_factor: See `Quirks`.
    """

    supervised: bool
    activity: int
    adapts: bool
    clip: np.float32
    target: np.float32
    low: np.float32
    high: np.float32
    least_factor: np.float32


def feature_rule(cfg: DeltaConfig) -> Rule:
    """Return the rule of the feature layer.

    Examples:
        >>> feature_rule(DeltaConfig()).activity == OWN
        True
        >>> feature_rule(DeltaConfig(compat="vprtempo")).activity == NOTHING
        True
    """
    activity = NOTHING if QUIRKS[cfg.compat].blind_thresholds else OWN
    return _rule(cfg, supervised=False, activity=activity, rate=cfg.feature_rates[0])


def output_rule(cfg: DeltaConfig) -> Rule:
    """Return the rule of the output layer.

    Examples:
        >>> float(output_rule(DeltaConfig(error_range=(0, 1))).low)
        0.0
        >>> float(output_rule(DeltaConfig(error_range=(0, 1), compat="vprtempo")).low)
        -inf
    """
    activity = FORCED if QUIRKS[cfg.compat].blind_thresholds else OWN
    return _rule(cfg, supervised=True, activity=activity, rate=cfg.output_rate)


def _rule(cfg: DeltaConfig, *, supervised: bool, activity: int, rate: float) -> Rule:
    quirks = QUIRKS[cfg.compat]
    low, high = (-np.inf, np.inf) if quirks.error_unlimited else cfg.error_range
    return Rule(
        supervised,
        activity,
        rate > 0 and cfg.eta_ip > 0,
        np.float32(cfg.clip),
        np.float32(cfg.target),
        np.float32(low),
        np.float32(high),
        np.float32(quirks.least_factor),
    )


def learning_rates(cfg: DeltaConfig, first: int, count: int, steps: int) -> tuple[Floats, Floats]:
    """Return the rates of weights and of thresholds at some steps of a layer's training.

        eta(k) = eta (1 - floor(k / every) every / steps)^2

    Args:
        cfg: Settings.
        first: First step wanted.
        count: Number of steps.
        steps: Steps of the whole training of the layer.

    Returns:
        float32 ``[count]`` twice: eta and eta_ip.

    Raises:
        ConfigError: Steps outside the training are asked for.

    Examples:
        >>> learning_rates(DeltaConfig(eta_stdp=1, anneal_every=2), 0, 4, 4)[0].tolist()
        [1.0, 1.0, 0.25, 0.25]
    """
    if first < 0 or first + count > steps:
        raise ConfigError(
            f"Steps {first:,} to {first + count:,} of {steps:,}.", "Expected steps of the training."
        )
    quirks = QUIRKS[cfg.compat]
    now = np.maximum(np.arange(first, first + count) - quirks.steps_late, 0)
    fall = (1 - now // cfg.anneal_every * cfg.anneal_every / steps) ** 2
    eta_ip = np.full(count, cfg.eta_ip)
    if quirks.thresholds_at_twice_stdp:  # after the first step, which still has the right rate
        eta_ip[max(0, 1 - first) :] = 2 * cfg.eta_stdp
    return (cfg.eta_stdp * fall).astype(np.float32), (eta_ip * fall).astype(np.float32)
