"""What can be set about the delta rule: sizes, connections, rates, training (VPRTempo, LENS).

    N inputs --W_f--> features_per_input N features --W_o--> one output for each place

A module learns ``max_module`` places; the last one learns what is left over.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal, get_args

from saccade.errors import ConfigError

__all__ = ["PUBLISHED", "DeltaCompat", "DeltaConfig"]

DeltaCompat = Literal["vprtempo", "lens"]


@dataclass(frozen=True, kw_only=True)
class DeltaConfig:
    """Modules of two layers, trained one after the other by local rules.

    The defaults are those of VPRTempo. `PUBLISHED` holds the settings of both systems with their
    quirks.

    Raises:
        ConfigError: A value is outside its range.

    Examples:
        >>> DeltaConfig(epochs=8).features(784)
        1568
    """

    features_per_input: float = 2.0
    """Feature neurons for each input."""
    max_module: int = 500
    """Most places of a module."""
    feature_connected: tuple[float, float] = (0.1, 0.5)
    """Probability that an input excites, and inhibits, a feature neuron."""
    output_connected: tuple[float, float] = (1.0, 1.0)
    """Probability that a feature neuron excites, and inhibits, an output."""
    feature_threshold: float = 0.5
    """Thresholds of feature neurons begin between 0 and this."""
    output_threshold: float = 0.0
    """Thresholds of outputs begin between 0 and this."""
    feature_rates: tuple[float, float] = (0.2, 0.9)
    """Target activities of feature neurons, evenly spaced in between."""
    output_rate: float = 0.0
    """Target activity of outputs; 0 = their thresholds stay as they are."""
    eta_stdp: float = 0.005
    """Learning rate of weights."""
    eta_ip: float = 0.15
    """Learning rate of thresholds (intrinsic plasticity)."""
    epochs: int = 4
    """Times each layer sees all images."""
    anneal_every: int = 100
    """Steps between two changes of the learning rates, which fall as (1 - step / steps)^2."""
    clip: float = 0.9
    """Largest activity."""
    target: float = 0.5
    """Activity that active features, and the output of the right place, are driven to."""
    error_range: tuple[float, float] = (-0.9, 0.9)
    """Range an output error is limited to (published for LENS: 0 to 1, see `delta_rule`)."""
    shift: int = 0
    """Most pixels by which a training image is moved at random, in each direction."""
    noise: float = 0.0
    """Standard deviation of the noise added to training images (inputs run from 0 to 1)."""
    seed: int = 0
    """Of weights, thresholds, order and augmentation."""
    compat: DeltaCompat | None = None
    """vprtempo or lens: with the quirks of that system (`delta_rule.QUIRKS`)."""

    def __post_init__(self) -> None:
        for name in ("max_module", "epochs", "anneal_every"):
            _require(name, getattr(self, name), getattr(self, name) >= 1, "1 or more")
        for name in ("features_per_input", "clip", "target"):
            value = getattr(self, name)
            _require(name, value, math.isfinite(value) and value > 0, "a number above 0")
        for name in (
            "feature_threshold", "output_threshold", "output_rate", "eta_stdp", "eta_ip",
            "shift", "noise",
        ):  # fmt: skip
            value = getattr(self, name)
            _require(name, value, math.isfinite(value) and value >= 0, "a number of 0 or more")
        for name in ("feature_connected", "output_connected"):
            value = getattr(self, name)
            _require(name, value, all(0 <= part <= 1 for part in value), "two numbers from 0 to 1")
        low, high = self.feature_rates
        _require("feature_rates", self.feature_rates, 0 < low <= high, "two rising numbers above 0")
        low, high = self.error_range
        _require("error_range", self.error_range, low <= 0 < high, "one number up to 0, one above")
        _require("seed", self.seed, 0 <= self.seed < 2**32, f"0 to {2**32 - 1:,}")
        _require(
            "compat", self.compat, self.compat in (None, *get_args(DeltaCompat)), "vprtempo or lens"
        )

    def features(self, inputs: int) -> int:
        """Return the number of feature neurons for a number of inputs.

        Raises:
            ConfigError: There would be none.
        """
        count = int(inputs * self.features_per_input)
        _require("features_per_input", self.features_per_input, count >= 1, "1 feature or more")
        return count


def _require(name: str, value: object, is_right: bool, expected: str) -> None:
    if not is_right:
        raise ConfigError(f"{name} is {value}.", f"Expected {expected}.")


PUBLISHED: dict[str, DeltaConfig] = {
    "vprtempo": DeltaConfig(error_range=(0.0, 0.9), compat="vprtempo"),
    "lens": DeltaConfig(
        max_module=100,
        feature_connected=(0.35, 0.75),
        feature_threshold=0.75,
        output_threshold=0.5,
        feature_rates=(0.4, 0.6),
        output_rate=0.5,
        eta_stdp=0.01,
        eta_ip=0.02,
        epochs=128,
        anneal_every=10,
        clip=1.0,
        error_range=(0.0, 1.0),
        compat="lens",
    ),
}
"""Name of a published system -> its settings, quirks included."""
