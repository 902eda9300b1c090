"""Augmentation: random changes of a recording for training, with an explicit generator.

Every transform is a small frozen object called as ``transform(events, rng)``; the same generator
state gives the same events. `Compose` applies several in order.

    augment = Compose((EventDilation(18_000, 48_000), EventDrop(), FlipLR(0.3)))
    varied = augment(events, np.random.default_rng(7))
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, Protocol

import numpy as np

from saccade.errors import ConfigError
from saccade.events.types import Events

__all__ = [
    "Compose",
    "DropArea",
    "DropEvents",
    "DropTime",
    "EventDilation",
    "EventDrop",
    "FlipLR",
    "FlipPolarity",
    "FlipUD",
    "ReverseTime",
    "Transform",
    "dilate",
]


class Transform(Protocol):
    """What all transforms are."""

    def __call__(self, events: Events, rng: np.random.Generator) -> Events:
        """Return the changed events; the given ones stay as they are."""
        ...


@dataclass(frozen=True)
class Compose:
    """Applies transforms one after another, all with the same generator."""

    transforms: tuple[Transform, ...]

    def __call__(self, events: Events, rng: np.random.Generator) -> Events:
        """Apply all transforms."""
        for transform in self.transforms:
            events = transform(events, rng)
        return events


@dataclass(frozen=True)
class FlipLR:
    """Mirrors columns with a probability: ``x' = W - 1 - x``.

    Examples:
        >>> from saccade.events import SensorSize
        >>> events = Events([0], [0], [5], [1], SensorSize(1, 4))
        >>> FlipLR(1.0)(events, np.random.default_rng(0)).x.tolist()
        [3]
    """

    probability: float = 0.5

    def __post_init__(self) -> None:
        _check_share("probability", self.probability)

    def __call__(self, events: Events, rng: np.random.Generator) -> Events:
        """Flip, or return the events as they are."""
        if rng.random() >= self.probability:
            return events
        x = np.uint16(events.size.width - 1) - events.x
        return Events(x, events.y, events.t, events.p, events.size, check=False)


@dataclass(frozen=True)
class FlipUD:
    """Mirrors rows with a probability: ``y' = H - 1 - y``."""

    probability: float = 0.5

    def __post_init__(self) -> None:
        _check_share("probability", self.probability)

    def __call__(self, events: Events, rng: np.random.Generator) -> Events:
        """Flip, or return the events as they are."""
        if rng.random() >= self.probability:
            return events
        y = np.uint16(events.size.height - 1) - events.y
        return Events(events.x, y, events.t, events.p, events.size, check=False)


@dataclass(frozen=True)
class FlipPolarity:
    """Turns brighter into darker and back with a probability: ``p' = 1 - p``."""

    probability: float = 0.5

    def __post_init__(self) -> None:
        _check_share("probability", self.probability)

    def __call__(self, events: Events, rng: np.random.Generator) -> Events:
        """Flip, or return the events as they are."""
        if rng.random() >= self.probability:
            return events
        return Events(events.x, events.y, events.t, 1 - events.p, events.size, check=False)


@dataclass(frozen=True)
class ReverseTime:
    """Plays the recording backwards with a probability; what got brighter then gets darker.

    ``t' = t_first + t_last - t``, ``p' = 1 - p``, order reversed.
    """

    probability: float = 0.5

    def __post_init__(self) -> None:
        _check_share("probability", self.probability)

    def __call__(self, events: Events, rng: np.random.Generator) -> Events:
        """Reverse, or return the events as they are."""
        if rng.random() >= self.probability or not len(events):
            return events
        t = (events.t[0] + events.t[-1] - events.t)[::-1]
        return Events(
            events.x[::-1], events.y[::-1], t, 1 - events.p[::-1], events.size, check=False
        )


@dataclass(frozen=True)
class DropTime:
    """Drops the events of one interval: its share of the duration ~ U(low, high), place uniform.

    Args:
        low: Least share of the duration.
        high: Greatest share.
        compat: ``"spikevpr"``: the duration counts from t = 0 instead of the first event, so that
            recordings with absolute times lose nothing (defect D3 of the original).
    """

    low: float = 0.1
    high: float = 0.9
    compat: Literal["spikevpr"] | None = None

    def __post_init__(self) -> None:
        _check_range(self.low, self.high)

    def __call__(self, events: Events, rng: np.random.Generator) -> Events:
        """Drop one interval."""
        share, place = rng.uniform(self.low, self.high), rng.random()
        if not len(events):
            return events
        first, last = int(events.t[0]), int(events.t[-1])
        if self.compat == "spikevpr":
            first = 0
        start_us = first + place * (1 - share) * (last - first)
        lo = np.searchsorted(events.t, start_us)
        hi = np.searchsorted(events.t, start_us + share * (last - first), side="right")
        keep = np.ones(len(events), np.bool_)
        keep[lo:hi] = False
        return events[keep]


@dataclass(frozen=True)
class DropArea:
    """Drops the events of one box: sides ~ U(low, high) of width and height, place uniform."""

    low: float = 0.05
    high: float = 0.25

    def __post_init__(self) -> None:
        _check_range(self.low, self.high)

    def __call__(self, events: Events, rng: np.random.Generator) -> Events:
        """Drop one box."""
        size = events.size
        share = rng.uniform(self.low, self.high, size=2)
        width = max(1, int(share[0] * size.width))
        height = max(1, int(share[1] * size.height))
        left = int(rng.integers(0, size.width - width + 1))
        top = int(rng.integers(0, size.height - height + 1))
        inside = (events.x >= left) & (events.x < left + width)
        inside &= (events.y >= top) & (events.y < top + height)
        return events[~inside]


@dataclass(frozen=True)
class DropEvents:
    """Drops a share ~ U(low, high) of all events, drawn without replacement."""

    low: float = 0.1
    high: float = 0.9

    def __post_init__(self) -> None:
        _check_range(self.low, self.high)

    def __call__(self, events: Events, rng: np.random.Generator) -> Events:
        """Drop a share of the events."""
        dropped = round(rng.uniform(self.low, self.high) * len(events))
        keep = np.ones(len(events), np.bool_)
        keep[rng.choice(len(events), dropped, replace=False)] = False
        return events[keep]


@dataclass(frozen=True)
class EventDrop:
    """One of four, equally likely: nothing, `DropTime`, `DropArea`, `DropEvents`.

    Args:
        compat: ``"spikevpr"``: as `DropTime` has it.

    Reference:
        Gu, Sng, Hu, Yu: EventDrop: data augmentation for event-based learning, IJCAI 2021.
    """

    compat: Literal["spikevpr"] | None = None

    def __call__(self, events: Events, rng: np.random.Generator) -> Events:
        """Draw one of the four and apply it."""
        choices: tuple[Transform | None, ...] = (
            None,
            DropTime(compat=self.compat),
            DropArea(),
            DropEvents(),
        )
        chosen = choices[int(rng.integers(4))]
        return events if chosen is None else chosen(events, rng)


@dataclass(frozen=True)
class EventDilation:
    """Keeps a window of random length and place, so that a place is seen at many speeds.

        span ~ U(min, max);  start ~ U(t_first, max(t_first, t_last - span))
        keep event i  iff  start <= t_i < start + span

    The span is drawn first; both draws are always made.

    Args:
        min_us: Shortest window in microseconds.
        max_us: Longest window.

    Reference:
        Keime, Cuperlier, Cottereau: Event-Driven Neuromorphic Vision Enables Energy-Efficient
        Visual Place Recognition, arXiv 2604.03277.
    """

    min_us: float
    max_us: float

    def __post_init__(self) -> None:
        if not 0 < self.min_us <= self.max_us:
            raise ConfigError(
                f"EventDilation from {self.min_us} to {self.max_us} µs.",
                "Expected 0 < min_us <= max_us.",
            )

    def __call__(self, events: Events, rng: np.random.Generator) -> Events:
        """Keep one window."""
        span, place = rng.uniform(self.min_us, self.max_us), rng.random()
        if not len(events):
            return events
        first, last = int(events.t[0]), int(events.t[-1])
        latest = max(float(first), last - span)
        return dilate(events, span, first + place * (latest - first))


def dilate(events: Events, span_us: float, start_us: float) -> Events:
    """Keep the events with ``start <= t < start + span``; both may have fractions.

    Examples:
        >>> from saccade.events import SensorSize
        >>> events = Events([0, 0, 0], [0, 0, 0], [5, 6, 7], [1, 1, 1], SensorSize(1, 1))
        >>> dilate(events, 1.5, 5.5).t.tolist()
        [6]
    """
    lo, hi = np.searchsorted(events.t, [start_us, start_us + span_us])
    return events[int(lo) : int(hi)]


def _check_share(name: str, value: float) -> None:
    if not 0 <= value <= 1:
        raise ConfigError(f"{name} is {value}.", "Expected 0 to 1.")


def _check_range(low: float, high: float) -> None:
    if not 0 <= low <= high <= 1:
        raise ConfigError(f"Shares from {low} to {high}.", "Expected 0 <= low <= high <= 1.")
