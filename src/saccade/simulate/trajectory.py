"""How a camera moves, and what an inertial sensor on it measures.

    gyro  = vee(Rᵀ dR/dt)                  rad/s, body frame
    accel = Rᵀ (d²p/dt² - g), g = -9.81 z  m/s², specific force: at rest 9.81 upwards

World: x east, y north, z up, metres. A rotation R maps body (= camera: x right, y down, z forward)
to world; its columns are the camera's axes in the world.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol, runtime_checkable

import numpy as np
from numpy.typing import ArrayLike, NDArray

from saccade.errors import ConfigError, ShapeError

__all__ = [
    "GRAVITY_M_S2", "Imu", "ImuNoise", "Journey", "Poses", "Trajectory", "imu", "look_at",
    "rotation_of", "rotation_vector",
]  # fmt: skip

GRAVITY_M_S2 = 9.81
_STEP_US = 1_000  # of the central differences: errors of 1e-6 m/s² for shake of up to 10 Hz


@dataclass(frozen=True, eq=False)
class Poses:
    """Where a camera is and how it is turned, at N moments.

    Args:
        t_us: int64 ``[N]``.
        position: float64 ``[N, 3]``, world, metres.
        rotation: float64 ``[N, 3, 3]``, camera to world.

    Raises:
        ShapeError: The arrays do not belong together.
    """

    t_us: NDArray[np.int64]
    position: NDArray[np.float64]
    rotation: NDArray[np.float64]

    def __post_init__(self) -> None:
        count = len(self.t_us)
        if self.position.shape != (count, 3) or self.rotation.shape != (count, 3, 3):
            raise ShapeError(
                f"Poses of {count:,} moments have position {self.position.shape} and rotation "
                f"{self.rotation.shape}.",
                "Expected [N, 3] and [N, 3, 3].",
            )

    def __len__(self) -> int:
        return len(self.t_us)

    def matrices(self) -> NDArray[np.float64]:
        """Return float64 ``[N, 4, 4]``: maps points of the camera's frame to the world."""
        transforms = np.zeros((len(self), 4, 4))
        transforms[:, :3, :3], transforms[:, :3, 3], transforms[:, 3, 3] = (
            self.rotation,
            self.position,
            1.0,
        )
        return transforms


class Trajectory(Protocol):
    """A motion that can be asked for its pose at any moment.

    Moments a little before 0 and after the end have a pose too, so that velocities exist there.
    """

    @property
    def duration_us(self) -> int:
        """Length."""
        ...

    def poses(self, t_us: NDArray[np.int64]) -> Poses:
        """Return the poses at moments ``[N]``."""
        ...


@runtime_checkable
class Journey(Trajectory, Protocol):
    """A trajectory along a route: distance along it says which place it is at."""

    def distance_m(self, t_us: ArrayLike) -> NDArray[np.float64]:
        """Return the distance from the route's beginning, ``[N]``."""
        ...

    def speed_m_s(self, t_us: ArrayLike) -> NDArray[np.float64]:
        """Return the speed along the route, ``[N]``."""
        ...


@dataclass(frozen=True, eq=False)
class Imu:
    """What an inertial sensor measures, in the camera's frame.

    Args:
        t_us: int64 ``[N]``.
        accel: float64 ``[N, 3]``, specific force in m/s²; at rest it points up with 9.81.
        gyro: float64 ``[N, 3]``, turn rate in rad/s.
    """

    t_us: NDArray[np.int64]
    accel: NDArray[np.float64]
    gyro: NDArray[np.float64]


@dataclass(frozen=True, kw_only=True)
class ImuNoise:
    """Errors of an inertial sensor; the defaults are those of a consumer device.

    Args:
        accel_density: White noise, m/s² per square root of Hz.
        gyro_density: White noise, rad/s per square root of Hz.
        accel_walk: Growth of the bias, m/s² per square root of a second.
        gyro_walk: Growth of the bias, rad/s per square root of a second.

    Raises:
        ConfigError: A value is negative.
    """

    accel_density: float = 2e-3
    gyro_density: float = 2e-4
    accel_walk: float = 5e-4
    gyro_walk: float = 2e-5

    def __post_init__(self) -> None:
        for name, value in vars(self).items():
            if not value >= 0:
                raise ConfigError(f"ImuNoise {name} is {value:g}.", "Expected 0 or more.")


def imu(
    trajectory: Trajectory, rate_hz: float = 200.0, *, seed: int = 0, noise: ImuNoise | None = None
) -> Imu:
    """Measure a motion with an inertial sensor at the camera.

    Derivatives are central differences over 1 ms, exact to about 1e-6 m/s² and rad/s.

    Args:
        trajectory: The motion.
        rate_hz: Samples per second, up to 10,000.
        seed: Of the noise.
        noise: Errors of the sensor; exact without.

    Raises:
        ConfigError: The rate is outside its range.
    """
    if not 0 < rate_hz <= 10_000:
        raise ConfigError(f"IMU rate is {rate_hz:g} Hz.", "Expected more than 0, at most 10,000.")
    count = int(np.ceil(trajectory.duration_us * rate_hz * 1e-6))
    t_us = np.rint(np.arange(count) * (1e6 / rate_hz)).astype(np.int64)
    before, here, after = (
        trajectory.poses(t_us + shift) for shift in (-_STEP_US, np.int64(0), _STEP_US)
    )
    step_s = _STEP_US * 1e-6
    moved = (after.position - here.position) - (here.position - before.position)
    force = moved / step_s**2 + np.array([0.0, 0.0, GRAVITY_M_S2])
    accel = np.einsum("nji,nj->ni", here.rotation, force)
    turn = np.einsum("nji,njk->nik", before.rotation, after.rotation)
    gyro = rotation_vector(turn) / (2 * step_s)
    if noise is not None:
        rng = np.random.default_rng([seed, 0x1313])
        accel = accel + _errors(rng, accel.shape, rate_hz, noise.accel_density, noise.accel_walk)
        gyro = gyro + _errors(rng, gyro.shape, rate_hz, noise.gyro_density, noise.gyro_walk)
    return Imu(t_us, accel, gyro)


def look_at(position: ArrayLike, target: ArrayLike) -> NDArray[np.float64]:
    """Return the rotation, camera to world, of an upright camera that looks at a target.

    Args:
        position: ``[3]``, metres.
        target: ``[3]``, metres.

    Returns:
        float64 ``[3, 3]``.

    Raises:
        ConfigError: The target is at the camera, or straight above or below it.

    Examples:
        >>> look_at([0, 0, 1], [0, 5, 1])[:, 2].tolist()
        [0.0, 1.0, 0.0]
    """
    forward = np.asarray(target, np.float64) - np.asarray(position, np.float64)
    right = np.array([forward[1], -forward[0], 0.0])
    if np.linalg.norm(right) < 1e-9 * max(float(np.linalg.norm(forward)), 1e-3):
        raise ConfigError(
            f"The camera at {position} cannot look upright at {target}.",
            "Expected a target that is not straight above or below.",
        )
    forward, right = forward / np.linalg.norm(forward), right / np.linalg.norm(right)
    return np.stack([right, np.cross(forward, right), forward], axis=1)


def rotation_of(vector: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return rotations ``[..., 3, 3]`` about axes by angles: rotation vectors ``[..., 3]``, rad."""
    angle = np.linalg.norm(vector, axis=-1)[..., None, None]
    x, y, z = np.moveaxis(vector, -1, 0)
    zero = np.zeros_like(x)
    cross = np.stack([zero, -z, y, z, zero, -x, -y, x, zero], axis=-1)
    cross = cross.reshape(*vector.shape[:-1], 3, 3)
    half = 0.5 * np.sinc(angle / (2 * np.pi)) ** 2
    return np.eye(3) + np.sinc(angle / np.pi) * cross + half * (cross @ cross)


def rotation_vector(rotation: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the rotation vectors ``[..., 3]`` in rad of rotations ``[..., 3, 3]`` below 180°."""
    twice = np.stack(
        [
            rotation[..., 2, 1] - rotation[..., 1, 2],
            rotation[..., 0, 2] - rotation[..., 2, 0],
            rotation[..., 1, 0] - rotation[..., 0, 1],
        ],
        axis=-1,
    )
    sine = 0.5 * np.linalg.norm(twice, axis=-1)
    angle = np.arctan2(sine, 0.5 * (np.trace(rotation, axis1=-2, axis2=-1) - 1.0))
    grow = np.where(sine > 1e-12, angle / np.maximum(sine, 1e-12), 1.0)
    return 0.5 * twice * grow[..., None]


def _errors(
    rng: np.random.Generator, shape: tuple[int, ...], rate_hz: float, density: float, walk: float
) -> NDArray[np.float64]:
    """White noise of a density and a bias that walks, both at a sample rate."""
    white = density * np.sqrt(rate_hz) * rng.standard_normal(shape)
    steps = walk / np.sqrt(rate_hz) * rng.standard_normal(shape)
    return white + np.cumsum(steps, axis=0)
