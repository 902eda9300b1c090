"""How fast to drive where: bends, comfort, full stops; then speed as a spline of time.

v(s) <= cruise, v(s)² |bend(s)| <= lateral, |dv²/ds| / 2 <= longitudinal, v(stop) = 0
s(t): dt = ds / v, a pause at each stop;  v(t) = B-spline of the mean speeds of steps of 0.2 s
"""

from __future__ import annotations

import functools
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from saccade.simulate.route import Route
from saccade.simulate.spline import Spline

__all__ = ["Plan", "SpeedLimits", "Stop", "plan_mean_speed", "plan_speed"]

_GRID_M = 0.25
_STEP_S = 0.2
_WINDOW = np.array([1.0, 2.0, 3.0, 2.0, 1.0]) / 9.0  # of steps: makes braking begin and end softly
_SOFTENED_S = 2.0 * (2 + 2) * _STEP_S  # by how much the window and the spline shorten a pause
_MARGIN_S = 4.0
_BEYOND_M = 60.0
_SLOWEST_M_S = 1.0
_SWING_M = (170.0, 410.0)
_FASTER, _ROUNDS = 1.5, 4


@dataclass(frozen=True)
class SpeedLimits:
    """What the driver allows.

    Args:
        cruise_m_s: Speed on an open stretch.
        lateral_m_s2: Acceleration in bends.
        speed_up_m_s2: Acceleration.
        brake_m_s2: Deceleration.
    """

    cruise_m_s: float
    lateral_m_s2: float = 2.0
    speed_up_m_s2: float = 1.5
    brake_m_s2: float = 2.2


@dataclass(frozen=True)
class Stop:
    """A full stop.

    Args:
        place_m: Distance along the route.
        seconds: How long it stands.
    """

    place_m: float
    seconds: float


@dataclass(frozen=True, eq=False)
class Plan:
    """Distance, speed and acceleration over time, seconds from the beginning of the drive."""

    start_m: float
    velocity: Spline

    def distance(self, seconds: ArrayLike) -> NDArray[np.float64]:
        """Return metres along the route."""
        return self.start_m + (self.velocity.integral(seconds) - self._before)

    @functools.cached_property
    def _before(self) -> np.float64:
        """Metres that the spline begins before the drive."""
        return self.velocity.integral(np.zeros(1))[0]

    def speed(self, seconds: ArrayLike) -> NDArray[np.float64]:
        """Return m/s."""
        return self.velocity(seconds)

    def acceleration(self, seconds: ArrayLike) -> NDArray[np.float64]:
        """Return m/s²."""
        return self.velocity.slope(seconds)

    def when(self, place_m: float) -> float:
        """Return the first second at which a place is reached."""
        low, high = 0.0, self.velocity.end
        for _ in range(60):
            middle = 0.5 * (low + high)
            reached = float(self.distance(middle)) >= place_m
            low, high = (low, middle) if reached else (middle, high)
        return high


def plan_mean_speed(
    route: Route,
    mean_m_s: float,
    stops: tuple[Stop, ...],
    between_m: tuple[float, float],
    swing: NDArray[np.float64],
    *,
    haste: float = 1.0,
) -> Plan:
    """Plan a drive whose mean speed is given: cruise faster where bends and stops cost time.

    Args:
        route: The route.
        mean_m_s: Distance by time, pauses not counted; cruising is at most half as fast again.
        stops: Where to stand still, sorted.
        between_m: First and last place, metres along the route.
        swing: float64 ``[2, 2]``, 0 to 1: strength and phase of two slow changes of speed.
        haste: Factor on the speed at which a bend or a stop is taken; accelerations grow by haste².
    """
    start_m, end_m = between_m
    cruise = mean_m_s
    plan = plan_speed(route, _limits(cruise, haste), stops, between_m, swing)
    for _ in range(_ROUNDS):
        driven_s = plan.when(end_m) - sum(stop.seconds for stop in stops)
        cruise = min(cruise * mean_m_s * driven_s / (end_m - start_m), _FASTER * mean_m_s)
        plan = plan_speed(route, _limits(cruise, haste), stops, between_m, swing)
    return plan


def plan_speed(
    route: Route,
    limits: SpeedLimits,
    stops: tuple[Stop, ...],
    between_m: tuple[float, float],
    swing: NDArray[np.float64],
) -> Plan:
    """Plan a drive from one place of a route to another, already moving at both ends.

    Args:
        route: The route.
        limits: What the driver allows.
        stops: Where to stand still, sorted.
        between_m: First and last place, metres along the route.
        swing: float64 ``[2, 2]``, 0 to 1: strength and phase of two slow changes of speed.
    """
    start_m, end_m = between_m
    low = start_m - _BEYOND_M
    count = int((end_m - low + 3 * _BEYOND_M) / _GRID_M)
    place = np.linspace(low, low + count * _GRID_M, count + 1)
    allowed = _allowed(route, limits, stops, place, swing)
    pace = 0.5 * (allowed[1:] + allowed[:-1])
    seconds = np.concatenate([[0.0], np.cumsum(_GRID_M / pace)])
    for stop in stops[::-1]:
        k = int(np.searchsorted(place, stop.place_m))
        seconds = np.concatenate([seconds[: k + 1], seconds[k:] + stop.seconds + _SOFTENED_S])
        place = np.concatenate([place[: k + 1], place[k:]])
    zero = float(np.interp(start_m, place, seconds))
    edges = np.arange(zero - _MARGIN_S, seconds[-1] - _STEP_S, _STEP_S)
    mean = np.diff(np.interp(edges, seconds, place)) / _STEP_S
    reach = len(_WINDOW) // 2
    softened = np.convolve(np.pad(mean, reach, "edge"), _WINDOW, "valid")
    # Coefficient k is the mean speed around edges[k] + step/2 and belongs at start + (k - 1) step.
    first = edges[0] + 1.5 * _STEP_S - zero
    return Plan(start_m, Spline(softened, start=first, step=_STEP_S))


def _limits(cruise_m_s: float, haste: float) -> SpeedLimits:
    usual, more = SpeedLimits(cruise_m_s), haste * haste
    return SpeedLimits(
        cruise_m_s, usual.lateral_m_s2 * more, usual.speed_up_m_s2 * more, usual.brake_m_s2 * more
    )


def _allowed(
    route: Route,
    limits: SpeedLimits,
    stops: tuple[Stop, ...],
    place: NDArray[np.float64],
    swing: NDArray[np.float64],
) -> NDArray[np.float64]:
    """Return the highest speed at every place that keeps all limits there and everywhere else."""
    pace = np.ones_like(place)
    for wave_m, (strength, phase) in zip(_SWING_M, swing, strict=True):
        pace += (0.02 + 0.04 * strength) * np.sin(2 * np.pi * (place / wave_m + phase))
    bend = np.abs(route.bend(place))
    square = np.minimum((limits.cruise_m_s * pace) ** 2, limits.lateral_m_s2 / (bend + 1e-9))
    square = np.maximum(square, _SLOWEST_M_S**2)
    for stop in stops:
        square[int(np.searchsorted(place, stop.place_m))] = 0.0
    square = _gentle(square, 2.0 * limits.speed_up_m_s2 * _GRID_M)
    return np.sqrt(_gentle(square[::-1], 2.0 * limits.brake_m_s2 * _GRID_M)[::-1])


def _gentle(square: NDArray[np.float64], most: float) -> NDArray[np.float64]:
    """Return the largest sequence below that rises by no more than ``most`` per step."""
    ramp = np.linspace(0.0, most * (len(square) - 1), len(square))
    return np.minimum.accumulate(square - ramp) + ramp
