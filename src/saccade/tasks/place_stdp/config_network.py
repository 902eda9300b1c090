"""What a module is made of: sizes, time constants, rules of learning; all constants of the model.

    n_in Poisson inputs X --w, delay--> n_e excitatory E <--17 | 10.4--> n_e inhibitory I

Defaults are native. `NetworkConfig.published` gives the original: the pre rule with its sign
turned (defect 5), state carried from image to image (defect 7), a start of 500 ms without input.

Reference:
    P. U. Diehl and M. Cook, "Unsupervised learning of digit recognition using
    spike-timing-dependent plasticity", Frontiers in Computational Neuroscience, 2015.
    S. Hussaini, M. Milford and T. Fischer, "Spiking neural networks for visual place recognition
    via weighted neuronal assignments", RA-L 2022.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, NamedTuple

from saccade.errors import ConfigError

__all__ = ["MODEL", "Constants", "NetworkConfig", "StepFactors"]


class Constants(NamedTuple):
    """Constants of the neurons and of learning; potentials in mV, times in ms."""

    rest_e: float = -65.0
    rest_i: float = -60.0
    reset_e: float = -65.0
    reset_i: float = -45.0
    threshold_e: float = -72.0
    """Of E, to which theta is added: -52 mV less the 20 mV that theta begins with."""
    threshold_i: float = -40.0
    start_e: float = -105.0
    start_i: float = -100.0
    reversal_gi_e: float = -100.0
    reversal_gi_i: float = -85.0
    """Of I; no synapse opens it in this wiring."""
    tau_e_ms: float = 100.0
    tau_i_ms: float = 10.0
    refractory_e_ms: float = 5.0
    refractory_i_ms: float = 2.0
    weight_ei: float = 10.4
    weight_ie: float = 17.0
    theta_start: float = 20.0
    theta_plus: float = 0.05
    tau_theta_ms: float = 1e7
    tau_pre_ms: float = 20.0
    tau_post1_ms: float = 20.0
    tau_post2_ms: float = 40.0
    nu_pre: float = 1e-4
    nu_post: float = 1e-2
    weight_max: float = 1.0


MODEL = Constants()


class StepFactors(NamedTuple):
    """The constants as one Euler step of dt uses them; the last four count steps."""

    step_e: float
    step_i: float
    step_ge: float
    step_gi: float
    step_theta: float
    nu_pre: float
    refractory_e: int
    refractory_i: int
    lockout: int
    delay_slots: int


@dataclass(frozen=True, kw_only=True)
class NetworkConfig:
    """Sizes and options of a module."""

    n_in: int = 784
    """Inputs: pixels, times two where signed values are split."""
    n_e: int = 400
    """Excitatory neurons; as many inhibitory ones."""
    dt_ms: float = 0.1
    """Time step in milliseconds."""
    tau_ge_ms: float = 1.0
    """Decay of excitatory conductances in milliseconds."""
    tau_gi_ms: float = 0.5
    """Decay of inhibitory conductances in milliseconds; the 100-place network had 2.0."""
    max_delay_ms: float = 10.0
    """Delays of input synapses are uniform from 0 to this many milliseconds."""
    lockout_ms: float = 50.0
    """An excitatory neuron fires at most once in so many milliseconds."""
    pre_sign: Literal[-1, 1] = -1
    """Sign of the change at an input spike: -1 depresses (Diehl), +1 as published."""
    column_sum: float = 78.0
    """Weights of a neuron are scaled to this sum before each training image."""
    input_ms: float = 350.0
    """How long an image is shown, in milliseconds."""
    rest_ms: float = 150.0
    """Pause after each image in milliseconds; left out where the state is reset."""
    start_ms: float = 0.0
    """Pause before the first image in milliseconds."""
    reset_per_image: bool = True
    """Every image begins from rest; otherwise state is carried from image to image."""

    def __post_init__(self) -> None:
        for name in ("n_in", "n_e"):
            if not 1 <= getattr(self, name) <= 65_535:
                raise ConfigError(f"{name} is {getattr(self, name):,}.", "Expected 1 to 65,535.")
        for name in ("dt_ms", "tau_ge_ms", "tau_gi_ms", "column_sum", "input_ms"):
            if not getattr(self, name) > 0:
                raise ConfigError(f"{name} is {getattr(self, name)}.", "Expected above 0.")
        for name in ("max_delay_ms", "lockout_ms", "rest_ms", "start_ms"):
            if not getattr(self, name) >= 0:
                raise ConfigError(f"{name} is {getattr(self, name)}.", "Expected 0 or more.")
        if self.dt_ms > min(self.tau_ge_ms, self.tau_gi_ms):
            raise ConfigError(
                f"dt_ms is {self.dt_ms}, the fastest conductance decays in "
                f"{min(self.tau_ge_ms, self.tau_gi_ms)} ms.",
                "Expected a step that is not longer than that.",
                "An Euler step of a whole time constant would delete inhibition at once.",
            )

    @classmethod
    def published(cls, **changes: object) -> NetworkConfig:
        """Return the original's choices (`compat="vprsnn"`), with changes.

        Examples:
            >>> NetworkConfig.published(n_e=100).pre_sign
            1
        """
        original: dict[str, object] = {
            "pre_sign": 1,
            "start_ms": 500.0,
            "reset_per_image": False,
        }
        return cls(**{**original, **changes})  # type: ignore[arg-type]

    def steps(self, duration_ms: float) -> int:
        """Return how many steps a duration has.

        Examples:
            >>> NetworkConfig().steps(350.0)
            3500
        """
        return round(duration_ms / self.dt_ms)

    @property
    def column_target(self) -> float:
        """Sum that the weights of a neuron are scaled to: ``column_sum``, whatever the inputs.

        What drives a neuron is the mean rate times this sum; in proportion to the inputs, neurons
        of small grids would be silent and those of large ones never. Few inputs get half of the
        largest weight on average, which leaves room to learn.

        Examples:
            >>> NetworkConfig(n_in=784).column_target, NetworkConfig(n_in=48).column_target
            (78.0, 24.0)
        """
        return min(self.column_sum, 0.5 * MODEL.weight_max * self.n_in)

    def factors(self) -> StepFactors:
        """Return the constants of one step."""
        dt = self.dt_ms
        return StepFactors(
            step_e=dt / MODEL.tau_e_ms,
            step_i=dt / MODEL.tau_i_ms,
            step_ge=dt / self.tau_ge_ms,
            step_gi=dt / self.tau_gi_ms,
            step_theta=dt / MODEL.tau_theta_ms,
            nu_pre=self.pre_sign * MODEL.nu_pre,
            refractory_e=self.steps(MODEL.refractory_e_ms),
            refractory_i=self.steps(MODEL.refractory_i_ms),
            lockout=self.steps(self.lockout_ms) + 1,
            delay_slots=self.steps(self.max_delay_ms) + 1,
        )
