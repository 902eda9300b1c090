"""A vehicle on a route: along the lane, slower in bends, full stops, a body that nods and rolls.

    position(t) = c(s) + d(s) n(s) + z(s, v) up,   s = s(t) the distance along the route

c is the smoothed route with its length s (the same for every traverse, so ``distance_m`` says which
place it is), n its normal, d the line within the lane. s(t) is the integral of a spline v(t) >= 0,
exactly constant at a stop. The road shakes the body as a function of place, and fades with speed:
whoever stands, stands still.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

from saccade.errors import ConfigError
from saccade.simulate.route import Route
from saccade.simulate.speed import Stop, plan_mean_speed
from saccade.simulate.trajectory import Poses

__all__ = ["Drive"]

_FADE_M_S = 2.5  # at this speed half of the shake is there
_NOD_RAD = 0.004  # per m/s² of acceleration or braking
_LEAN_RAD = 0.004  # per m/s² of lateral acceleration, outwards
_WAVES = 9
_SHORTEST_M, _LONGEST_M = 3.5, 24.0  # waves of the road
_HEAVE_M, _PITCH_RAD, _ROLL_RAD = 0.008, 0.0035, 0.0045  # standard deviations at speed
_WANDER_M = (45.0, 260.0)  # waves of the line within the lane
_MOUNT = np.array([1.0, 0.6, 0.4])  # yaw, pitch, roll against each other
_GAP_M, _FIRST_STOP_M, _LAST_STOP_M = 150.0, 30.0, 25.0


class Drive:
    """A drive along a route; every seed drives it another way (`trajectory.Journey`).

    Drawn from the seed: haste (12 % more or less speed everywhere) and slow changes of speed, which
    places it stops at and for how long (2 to 4 s), the line within the lane, the shake, and how
    straight the camera was put up.

    Args:
        route: float64 ``[K, 2]``, lane to follow, metres; sharp corners are cut by about 1 m.
        seed: Which traverse.
        height_m: Of the camera above the road.
        pitch_deg: Of the camera, upwards positive.
        mean_speed_m_s: Mean speed while it does not stand; between bends up to half as much again,
            so less than asked for on a route of bends only.
        stops: Full stops; fewer where they would be closer than 150 m.
        lane_offset_m: Most that the vehicle strays from the middle of its lane.
        mount_deg: How askew the camera is put up: standard deviation of its yaw; that of its pitch
            is 0.6 of it, that of its roll 0.4.
        start_m: Distance along the route at the beginning; it is already driving there.
        length_m: How far it drives; to the end of the route without.
        duration_s: How long it drives; the drive ends with whatever comes first.

    Raises:
        ConfigError: A value is outside its range.
        ShapeError: The route is not ``[K, 2]``.

    Examples:
        >>> drive = Drive(np.array([[0.0, 0.0], [400.0, 0.0]]), seed=1, duration_s=5.0)
        >>> drive.duration_us, drive.poses(np.array([0])).rotation.shape
        (5000000, (1, 3, 3))
    """

    def __init__(
        self,
        route: ArrayLike,
        *,
        seed: int,
        height_m: float = 1.6,
        pitch_deg: float = 0.0,
        mean_speed_m_s: float = 10.0,
        stops: int = 2,
        lane_offset_m: float = 0.4,
        mount_deg: float = 0.0,
        start_m: float = 0.0,
        length_m: float | None = None,
        duration_s: float | None = None,
    ) -> None:
        self.route = Route(route)
        length = self.route.length_m
        _within("start_m", start_m, 0.0, length - 5.0)
        rest = length - start_m
        _within("height_m", height_m, 0.05, 100.0)
        _within("pitch_deg", pitch_deg, -60.0, 60.0)
        _within("mean_speed_m_s", mean_speed_m_s, 0.5, 60.0)
        _within("stops", stops, 0, 1_000)
        _within("lane_offset_m", lane_offset_m, 0.0, 2.0)
        _within("mount_deg", mount_deg, 0.0, 10.0)
        _within("length_m", rest if length_m is None else length_m, 5.0, rest + 1e-6)
        _within("duration_s", 1.0 if duration_s is None else duration_s, 1e-3, 1e6)
        rng = np.random.default_rng([seed, 0xD21E])
        haste = float(rng.uniform(0.88, 1.12))
        aim = mean_speed_m_s * haste
        reach = rest if length_m is None else length_m
        planned = reach if duration_s is None else min(reach, aim * duration_s + 10.0)
        self._places = _stops(rng, self.route, start_m, planned, stops)
        between, swing = (start_m, start_m + reach), rng.random((2, 2))
        self._plan = plan_mean_speed(self.route, aim, self._places, between, swing, haste=haste)
        ends_s = self._plan.when(start_m + reach)
        self.duration_us = int(1e6 * (ends_s if duration_s is None else min(ends_s, duration_s)))
        self._height, self._pitch = height_m, np.radians(pitch_deg)
        turned = np.random.default_rng([seed, 0x3077]).uniform(-1.0, 1.0, 3) * 3**0.5
        self._mount = np.radians(mount_deg * _MOUNT * turned)
        self._line = _Waves(rng, 6, *_WANDER_M, (1,))
        self._line_scale = lane_offset_m / float(self._line.most()[0])
        self._shake = _Waves(rng, _WAVES, _SHORTEST_M, _LONGEST_M, (3,))
        spread = np.array([_HEAVE_M, _PITCH_RAD, _ROLL_RAD])
        self._shake_scale = spread / self._shake.deviation()

    @property
    def stops(self) -> tuple[Stop, ...]:
        """Where it stops, and for how long."""
        return tuple(stop for stop in self._places if stop.place_m < self._last_m)

    @property
    def _last_m(self) -> float:
        return float(self.distance_m(self.duration_us))

    def distance_m(self, t_us: ArrayLike) -> NDArray[np.float64]:
        """Return the distance along the route, ``[N]`` metres; equal distance = same place."""
        return self._plan.distance(_seconds(t_us))

    def speed_m_s(self, t_us: ArrayLike) -> NDArray[np.float64]:
        """Return the speed along the route, ``[N]`` m/s."""
        return self._plan.speed(_seconds(t_us))

    def poses(self, t_us: NDArray[np.int64]) -> Poses:
        """Return the camera's poses at moments ``[N]``."""
        moments = np.asarray(t_us, np.int64)
        seconds = _seconds(moments)
        s, v, a = (
            self._plan.distance(seconds),
            self._plan.speed(seconds),
            self._plan.acceleration(seconds),
        )
        fade = v * v / (v * v + _FADE_M_S**2)
        heave, nod, sway = (fade[:, None] * self._shake(s) * self._shake_scale).T
        aside, drift = (
            self._line_scale * values[:, 0] for values in (self._line(s), self._line.slope(s))
        )
        point, tangent, bend = self.route.at(s)
        normal = np.stack([-tangent[:, 1], tangent[:, 0]], axis=1)
        position = np.empty((len(s), 3))
        position[:, :2] = point + aside[:, None] * normal
        position[:, 2] = self._height + heave
        along = np.arctan2(tangent[:, 1], tangent[:, 0]) + np.arctan2(drift, 1.0 - bend * aside)
        pitch = self._pitch + nod + _NOD_RAD * a
        lean = sway + _LEAN_RAD * self.route.bend(s) * v * v
        yaw, up, roll = self._mount
        return Poses(moments, position, _attitude(along + yaw, pitch + up, lean + roll))


class _Waves:
    """A sum of sines over distance; long waves are stronger, as on roads.

    Amplitude is proportional to wavelength: a displacement spectrum of 1 / frequency².
    """

    def __init__(
        self,
        rng: np.random.Generator,
        count: int,
        shortest_m: float,
        longest_m: float,
        shape: tuple[int, ...],
    ) -> None:
        ratio = (longest_m / shortest_m) ** (np.arange(count) / (count - 1))
        length = shortest_m * ratio[:, None] * rng.uniform(0.93, 1.07, (count, *shape))
        self._rate = 2.0 * np.pi / length
        self._size = length * rng.uniform(0.6, 1.4, (count, *shape))
        self._phase = rng.uniform(0.0, 2.0 * np.pi, (count, *shape))

    def __call__(self, s: NDArray[np.float64]) -> NDArray[np.float64]:
        return (self._size * np.sin(self._rate * s[:, None, None] + self._phase)).sum(axis=1)

    def slope(self, s: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return the change per metre."""
        wave = np.cos(self._rate * s[:, None, None] + self._phase)
        return (self._size * self._rate * wave).sum(axis=1)

    def most(self) -> NDArray[np.float64]:
        """Return a bound that no sum exceeds."""
        return self._size.sum(axis=0)

    def deviation(self) -> NDArray[np.float64]:
        """Return the standard deviation."""
        return np.sqrt((self._size**2).sum(axis=0) / 2)


def _stops(
    rng: np.random.Generator, route: Route, start_m: float, length_m: float, count: int
) -> tuple[Stop, ...]:
    """Draw places to stop at, before bends (crossings) where there are any."""
    first, last = start_m + _FIRST_STOP_M, start_m + length_m - _LAST_STOP_M
    count = min(count, int(length_m // _GAP_M))
    if count < 1 or last <= first:
        return ()
    corners = route.corners() - 6.0
    corners = rng.permutation(corners[(corners > first) & (corners < last)])
    elsewhere = rng.uniform(first, last, 40 * count)
    chosen: list[float] = []
    for place in (*corners, *elsewhere):
        if len(chosen) < count and all(abs(place - other) >= 0.6 * _GAP_M for other in chosen):
            chosen.append(float(place))
    return tuple(Stop(place, float(rng.uniform(2.0, 4.0))) for place in sorted(chosen))


def _attitude(
    along: NDArray[np.float64], pitch: NDArray[np.float64], roll: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Return camera-to-world rotations: heading from east to north, nose up, right side down."""
    level = np.stack([np.sin(along), -np.cos(along), np.zeros_like(along)], axis=1)
    forward = np.stack(
        [np.cos(along) * np.cos(pitch), np.sin(along) * np.cos(pitch), np.sin(pitch)], axis=1
    )
    below = np.cross(forward, level)
    cosine, sine = np.cos(roll)[:, None], np.sin(roll)[:, None]
    right, down = level * cosine + below * sine, below * cosine - level * sine
    return np.stack([right, down, forward], axis=2)


def _seconds(t_us: ArrayLike) -> NDArray[np.float64]:
    return np.asarray(t_us, np.float64) * 1e-6


def _within(name: str, value: float, low: float, high: float) -> None:
    if not low <= value <= high:
        raise ConfigError(f"Drive {name} is {value:,g}.", f"Expected {low:,g} to {high:,.6g}.")
