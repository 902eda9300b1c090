"""What can be set about inputs, modules and learning rules, as flags of the command line."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from typing import Literal

from saccade.errors import ConfigError
from saccade.tasks.place_stdp.config_delta import PUBLISHED, DeltaConfig
from saccade.tasks.place_stdp.config_network import NetworkConfig

__all__ = ["Compat", "DeltaArgs", "Encoding", "InputArgs", "Learner", "StdpArgs", "positive"]

Learner = Literal["stdp", "delta", "fields"]
Compat = Literal["vprsnn", "vprtempo", "lens"]
Encoding = Literal["rates", "events"]


@dataclass(frozen=True, kw_only=True)
class InputArgs:
    """How frames, or events, become inputs."""

    grid: str = "28x28"
    """Inputs across and down as WIDTHxHEIGHT."""
    kind: Literal["auto", "plain", "patch", "log", "log_patch", "standardised", "scene"] = "auto"
    """What is done with a pixel; auto: patch for images, standardised for event counts. scene:
    patch, then each pixel standardised over the traverse, for images."""
    statistics: Literal["reference", "own"] = "reference"
    """standardised, scene: queries by the statistics of the reference, or by those of their own
    traverse, which takes a change of light or season off and needs all of them at hand."""
    patch: int = 7
    """patch, log_patch: side of the neighbourhood in pixels, odd."""
    limit: float = 1.0
    """Standard deviations at full scale."""
    halves: bool = False
    """The darker and the brighter half of a value become two inputs."""
    polarities: bool = False
    """Events: ON and OFF are inputs of their own, not summed."""
    encoding: Encoding = "rates"
    """rates: values set the rates of Poisson spikes; events: events are the input spikes."""
    most_rate_hz: float = 63.75
    """events: busier inputs are thinned to this mean rate, in spikes per second."""

    def __post_init__(self) -> None:
        self.size()
        positive("limit", self.limit)
        positive("most_rate_hz", self.most_rate_hz)
        if self.patch < 1 or self.patch % 2 == 0:
            raise ConfigError(f"--patch {self.patch}.", "Expected an odd number of pixels.")

    def size(self) -> tuple[int, int]:
        """Return rows and columns of inputs."""
        found = re.fullmatch(r"([1-9]\d*)x([1-9]\d*)", self.grid, re.ASCII)
        if not found:
            raise ConfigError(f"--grid {self.grid!r}.", "Expected WIDTHxHEIGHT, 28x28.")
        return int(found[2]), int(found[1])


@dataclass(frozen=True, kw_only=True)
class StdpArgs:
    """Modules of spiking neurons that learn by STDP."""

    neurons: int = 400
    """Excitatory neurons of a module; as many inhibitory ones."""
    pre_sign: Literal[-1, 1] | None = None
    """Sign of the weight change at an input spike (default: -1, published: +1)."""
    lockout_ms: float = 50.0
    """A neuron fires at most once in so many milliseconds."""
    tau_gi_ms: float = 0.5
    """Decay of inhibition in milliseconds."""
    input_ms: float = 350.0
    """How long an image is shown, in milliseconds."""
    carry_state: bool = False
    """Carry potentials from image to image, as published; the exact engine only."""
    engine: Literal["fast", "exact"] = "fast"
    """fast: float32, modules side by side; exact: float64, spike for spike the published model."""
    device: Literal["auto", "cpu", "cuda"] = "auto"
    """Where the fast engine answers images; auto: cuda where it is, with Triton. Same spikes."""
    readout: Literal["standard", "weighted", "spikes"] = "weighted"
    """How spikes of assigned neurons become scores of places."""

    def __post_init__(self) -> None:
        if self.carry_state and self.engine == "fast":
            raise ConfigError(
                "--carry-state with --engine fast.",
                "Expected --engine exact: the fast engine begins every image from rest.",
            )
        if self.device == "cuda" and self.engine == "exact":
            raise ConfigError(
                "--device cuda with --engine exact.",
                "Expected --engine fast, or --device cpu: the exact engine runs on the CPU.",
            )
        self.network(784, None)

    def network(self, n_in: int, compat: Compat | None) -> NetworkConfig:
        """Return the configuration of a module for a number of inputs."""
        if compat == "vprsnn":
            return NetworkConfig.published(n_in=n_in, n_e=self.neurons, tau_gi_ms=self.tau_gi_ms)
        config = NetworkConfig(
            n_in=n_in,
            n_e=self.neurons,
            lockout_ms=self.lockout_ms,
            tau_gi_ms=self.tau_gi_ms,
            input_ms=self.input_ms,
            reset_per_image=not self.carry_state,
        )
        return config if self.pre_sign is None else replace(config, pre_sign=self.pre_sign)


@dataclass(frozen=True, kw_only=True)
class DeltaArgs:
    """Modules that learn by the delta rule."""

    features: float = 2.0
    """Feature neurons for each input."""
    delta_epochs: int = 4
    """Times each layer sees all images."""
    eta: float = 0.005
    """Learning rate of weights."""
    eta_threshold: float = 0.15
    """Learning rate of thresholds."""
    shift: int = 0
    """Most pixels by which a training image is moved at random."""
    noise: float = 0.0
    """Standard deviation of noise added to training images; inputs run from 0 to 1."""

    def __post_init__(self) -> None:
        self.rule(0, 500, None)

    def rule(self, seed: int, places: int, compat: Compat | None) -> DeltaConfig:
        """Return the configuration of a module of at most so many places."""
        if compat in PUBLISHED:
            return replace(PUBLISHED[compat], seed=seed, max_module=places)
        return DeltaConfig(
            features_per_input=self.features,
            max_module=places,
            epochs=self.delta_epochs,
            eta_stdp=self.eta,
            eta_ip=self.eta_threshold,
            shift=self.shift,
            noise=self.noise,
            seed=seed,
        )


def positive(name: str, value: float) -> None:
    """Refuse what is not above 0.

    Raises:
        ConfigError: It is not.
    """
    if not value > 0:
        raise ConfigError(f"--{name.replace('_', '-')} {value:g}.", "Expected above 0.")
