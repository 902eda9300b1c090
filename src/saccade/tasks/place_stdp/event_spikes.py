"""Events as input spikes: no frame, no rate, the camera's own times.

    window [t0, t0 + T)  ->  step = (t - t0) / T · steps,  input = cell of the pixel (and polarity)

A window may be shorter or longer than an image is shown: its time is stretched to that. Several
events of one cell in one step are one spike. Cells that fire more often than a rate allows are
thinned at random to it, so that a busy scene drives a module as much as a quiet one at most.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from saccade.errors import ConfigError, ShapeError
from saccade.events.types import Events
from saccade.tasks.place_stdp.config_network import NetworkConfig
from saccade.tasks.place_stdp.spikes import Raster

__all__ = ["EventSettings", "event_raster"]


@dataclass(frozen=True, kw_only=True)
class EventSettings:
    """How events become spikes.

    Args:
        size: Rows and columns of inputs.
        polarities: OFF and ON are inputs of their own, OFF first.
        most_rate_hz: Mean rate over all inputs that is not exceeded.
    """

    size: tuple[int, int] = (28, 28)
    polarities: bool = False
    most_rate_hz: float = 63.75

    def __post_init__(self) -> None:
        if min(self.size) < 1:
            raise ConfigError(f"size is {self.size}.", "Expected rows and columns, at least 1.")
        if not self.most_rate_hz > 0:
            raise ConfigError(f"most_rate_hz is {self.most_rate_hz}.", "Expected above 0.")

    @property
    def n_in(self) -> int:
        """Number of inputs."""
        return self.size[0] * self.size[1] * (2 if self.polarities else 1)


def event_raster(
    events: Events,
    settings: EventSettings,
    config: NetworkConfig,
    *,
    start_us: int | None = None,
    window_us: int | None = None,
    seed: int = 0,
) -> Raster:
    """Return the spikes that the events of a window are.

    Args:
        events: Of one window.
        settings: Size and rates of the inputs.
        config: Length of a step and of an image.
        start_us: Beginning of the window in microseconds; the first event without.
        window_us: Its length; up to the last event without.
        seed: Of the thinning.

    Raises:
        ConfigError: The window has no length.
        ShapeError: There are more inputs than pixels along a side.

    Examples:
        >>> from saccade.events.types import SensorSize
        >>> events = Events([0, 3], [0, 1], [5, 105], [1, 0], SensorSize(2, 4))
        >>> raster = event_raster(events, EventSettings(size=(2, 2)), NetworkConfig(n_in=4))
        >>> raster.neuron.tolist(), raster.step.tolist()
        ([0, 3], [0, 3465])
    """
    rows, columns = settings.size
    if rows > events.size.height or columns > events.size.width:
        raise ShapeError(
            f"{columns}x{rows} inputs for a sensor of {events.size}.",
            "Expected no more inputs than pixels.",
            "Give a smaller --grid.",
        )
    if window_us is not None and window_us < 1:
        raise ConfigError(f"window_us is {window_us:,}.", "Expected 1 or more.")
    n_steps = config.steps(config.input_ms)
    if not len(events):
        return Raster.empty(n_steps)
    t = events.t.astype(np.int64)
    first = int(t[0]) if start_us is None else start_us
    length = (int(t[-1]) - first + 1) if window_us is None else window_us
    step = (t - first) * n_steps // length
    cell = events.y.astype(np.int64) * rows // events.size.height * columns
    cell += events.x.astype(np.int64) * columns // events.size.width
    if settings.polarities:
        cell += (events.p != 0) * (rows * columns)
    inside = (step >= 0) & (step < n_steps)
    spikes = np.unique(step[inside] * settings.n_in + cell[inside])
    most = round(settings.most_rate_hz * 1e-3 * config.input_ms * settings.n_in)
    if len(spikes) > most:
        rng = np.random.default_rng(seed)
        spikes = np.sort(rng.choice(spikes, most, replace=False))
    step, neuron = np.divmod(spikes, settings.n_in)
    return Raster(neuron.astype(np.int32), step.astype(np.int32), n_steps)
