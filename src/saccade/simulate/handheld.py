"""A camera at rest, one on a slider, and one in a hand.

slider   p(t) = start + (end - start) e(t / T),  e(u) = u³ (10 - 15 u + 6 u²)
hand     p(t) = p0(t) + a x(t),  R(t) = R0(t) exp([b w(t)]),
         x, w = sums of sines of 0.5 to 8 Hz with amplitudes falling as 1 / frequency
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

from saccade.errors import ConfigError, ShapeError
from saccade.simulate.trajectory import Poses, Trajectory, look_at, rotation_of

__all__ = ["HandHeld", "Rest", "Slider"]

_LOW_HZ, _HIGH_HZ, _SINES = 0.5, 8.0, 14


class Rest:
    """A camera that stands still.

    Args:
        position: ``[3]``, metres.
        duration_us: Length.
        target: ``[3]``, what it looks at.
        rotation: ``[3, 3]``, camera to world, instead of a target.

    Raises:
        ConfigError: Neither or both of target and rotation, or a value outside its range.
        ShapeError: A vector is not 3 long.

    Examples:
        >>> Rest([0, 0, 1], 1_000, target=[0, 2, 1]).poses(np.array([0, 7])).position.tolist()
        [[0.0, 0.0, 1.0], [0.0, 0.0, 1.0]]
    """

    def __init__(
        self,
        position: ArrayLike,
        duration_us: int,
        *,
        target: ArrayLike | None = None,
        rotation: ArrayLike | None = None,
    ) -> None:
        self._position = _vector("position", position)
        self._rotation = _aim(self._position, target, rotation)
        self.duration_us = _duration(duration_us)

    def poses(self, t_us: NDArray[np.int64]) -> Poses:
        """Return the camera's poses at moments ``[N]``."""
        moments = np.asarray(t_us, np.int64)
        count = len(moments)
        return Poses(
            moments,
            np.tile(self._position, (count, 1)),
            np.tile(self._rotation, (count, 1, 1)),
        )


class Slider:
    """A camera that slides along a straight line without turning.

    Args:
        start: ``[3]``, first position, metres.
        end: ``[3]``, last position.
        duration_us: Length.
        target: ``[3]``, what an upright camera in the middle of the line looks at.
        rotation: ``[3, 3]``, camera to world, instead of a target.
        passes: How often it slides; every second time back.
        constant: Slide at constant speed rather than begin and end softly (one pass only).

    Raises:
        ConfigError: Neither or both of target and rotation; a value outside its range.
        ShapeError: A vector is not 3 long.

    Examples:
        >>> slider = Slider([0, 0, 1], [2, 0, 1], 1_000_000, target=[1, 3, 1])
        >>> slider.poses(np.array([0, 500_000, 1_000_000])).position[:, 0].tolist()
        [0.0, 1.0, 2.0]
    """

    def __init__(
        self,
        start: ArrayLike,
        end: ArrayLike,
        duration_us: int,
        *,
        target: ArrayLike | None = None,
        rotation: ArrayLike | None = None,
        passes: int = 1,
        constant: bool = False,
    ) -> None:
        self._start, self._end = _vector("start", start), _vector("end", end)
        self.duration_us = _duration(duration_us)
        if passes < 1 or (constant and passes > 1):
            raise ConfigError(
                f"Slider passes is {passes}{' at constant speed' if constant else ''}.",
                "Expected 1 or more; 1 at constant speed, since it would turn back in no time.",
            )
        self._passes, self._constant = passes, constant
        self._rotation = _aim(0.5 * (self._start + self._end), target, rotation)

    def poses(self, t_us: NDArray[np.int64]) -> Poses:
        """Return the camera's poses at moments ``[N]``."""
        moments = np.asarray(t_us, np.int64)
        u = moments * (self._passes / self.duration_us)
        if not self._constant:
            u = np.clip(u, 0.0, self._passes)
            number = np.minimum(np.floor(u), self._passes - 1)
            u = u - number
            u = u**3 * (10.0 - 15.0 * u + 6.0 * u * u)
            u = np.where(number % 2 == 1, 1.0 - u, u)
        position = self._start + u[:, None] * (self._end - self._start)
        rotation = np.broadcast_to(self._rotation, (len(moments), 3, 3)).copy()
        return Poses(moments, position, rotation)


class HandHeld:
    """A camera in a hand: another motion, or a place, and a band-limited shake along 6 axes.

    Args:
        base: The motion without shake, or a position ``[3]``, metres.
        target: ``[3]``, what the camera looks at from a position.
        rotation: ``[3, 3]``, camera to world, instead of a target.
        seed: Of the shake.
        duration_us: Length, for a position.
        amplitude_m: Standard deviation of the shake along each axis.
        amplitude_deg: Standard deviation about each axis.

    Raises:
        ConfigError: A value is outside its range, or what a position needs is missing.
        ShapeError: A vector is not 3 long.

    Examples:
        >>> hand = HandHeld([0, 0, 1], target=[0, 2, 1], seed=3, duration_us=1_000_000)
        >>> hand.poses(np.array([0, 10_000])).position.shape
        (2, 3)
    """

    def __init__(
        self,
        base: Trajectory | ArrayLike,
        *,
        target: ArrayLike | None = None,
        rotation: ArrayLike | None = None,
        seed: int,
        duration_us: int | None = None,
        amplitude_m: float = 0.02,
        amplitude_deg: float = 2.0,
    ) -> None:
        for name, value, most in (
            ("amplitude_m", amplitude_m, 1.0),
            ("amplitude_deg", amplitude_deg, 30.0),
        ):
            if not 0 <= value <= most:
                raise ConfigError(f"HandHeld {name} is {value:g}.", f"Expected 0 to {most:g}.")
        self._base = _base(base, target, rotation, duration_us)
        self.duration_us = self._base.duration_us
        rng = np.random.default_rng([seed, 0x4A4D])
        spread = np.repeat([amplitude_m, np.radians(amplitude_deg)], 3)
        ratio = (_HIGH_HZ / _LOW_HZ) ** ((np.arange(_SINES) + 0.5) / _SINES)
        frequency = _LOW_HZ * ratio[:, None] * rng.uniform(0.95, 1.05, (_SINES, 6))
        size = rng.uniform(0.6, 1.4, (_SINES, 6)) / frequency
        self._rate = 2e-6 * np.pi * frequency
        self._size = spread * size / np.sqrt((size**2).sum(axis=0) / 2)
        self._phase = rng.uniform(0.0, 2.0 * np.pi, (_SINES, 6))

    def poses(self, t_us: NDArray[np.int64]) -> Poses:
        """Return the camera's poses at moments ``[N]``."""
        base = self._base.poses(np.asarray(t_us, np.int64))
        wave = np.sin(self._rate * base.t_us[:, None, None] + self._phase)
        shake = (self._size * wave).sum(axis=1)
        return Poses(
            base.t_us, base.position + shake[:, :3], base.rotation @ rotation_of(shake[:, 3:])
        )


def _base(
    base: Trajectory | ArrayLike,
    target: ArrayLike | None,
    rotation: ArrayLike | None,
    duration_us: int | None,
) -> Trajectory:
    if not hasattr(base, "poses"):
        if duration_us is None:
            raise ConfigError("A camera held at a position needs duration_us.")
        return Rest(base, duration_us, target=target, rotation=rotation)  # pyright: ignore[reportArgumentType]
    if target is not None or rotation is not None or duration_us is not None:
        raise ConfigError(
            "A motion has its own direction and duration.",
            "Expected target, rotation and duration_us with a position only.",
        )
    return base  # pyright: ignore[reportReturnType]


def _aim(
    position: NDArray[np.float64], target: ArrayLike | None, rotation: ArrayLike | None
) -> NDArray[np.float64]:
    if (target is None) == (rotation is None):
        raise ConfigError("Where does the camera look?", "Expected either target or rotation.")
    if target is not None:
        return look_at(position, _vector("target", target))
    turn = np.asarray(rotation, np.float64)
    if turn.shape != (3, 3) or not np.allclose(turn @ turn.T, np.eye(3), atol=1e-6):
        raise ConfigError(f"rotation of shape {turn.shape} is not a rotation.", "Expected [3, 3].")
    return turn


def _vector(name: str, values: ArrayLike) -> NDArray[np.float64]:
    vector = np.asarray(values, np.float64)
    if vector.shape != (3,):
        raise ShapeError(f"{name} has shape {vector.shape}.", "Expected [3].")
    return vector


def _duration(duration_us: int) -> int:
    if duration_us < 1:
        raise ConfigError(f"duration_us is {duration_us:,}.", "Expected at least 1.")
    return int(duration_us)
