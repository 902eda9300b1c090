"""Where on Earth: local metres to WGS-84 and back, and a GPS receiver with its errors.

    p = p0 + E east + N north + U up     earth-centred; the exact tangent plane at the origin
    error(t + dt) = a error(t) + sigma sqrt(1 - a²) noise,  a = exp(-dt / tau)     per direction

References: NIMA TR8350.2 (constants of WGS-84); Heiskanen and Moritz, "Physical Geodesy", 1967.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from saccade.errors import ConfigError
from saccade.simulate.nmea import nmea
from saccade.simulate.recording import Track
from saccade.simulate.trajectory import Journey, Trajectory

__all__ = ["Origin", "Receiver", "nmea", "receive"]

_A, _F = 6_378_137.0, 1.0 / 298.257223563
_E2 = _F * (2.0 - _F)
Array = NDArray[np.float64]


@dataclass(frozen=True, kw_only=True)
class Origin:
    """The point of the Earth that local (0, 0, 0) is; Brisbane unless said otherwise.

    Args:
        latitude: Degrees, north positive.
        longitude: Degrees, east positive.

    Raises:
        ConfigError: A coordinate is outside its range.

    Examples:
        >>> latitude, longitude, _ = Origin().to_wgs84(0.0, 1_000.0)
        >>> round(float(latitude), 6), round(float(longitude), 6)
        (-27.460976, 153.02)
    """

    latitude: float = -27.47
    longitude: float = 153.02

    def __post_init__(self) -> None:
        for name, most in (("latitude", 89.0), ("longitude", 180.0)):
            value = getattr(self, name)
            if not -most <= value <= most:
                raise ConfigError(
                    f"Origin {name} is {value:g} degrees.", f"Expected -{most:g} to {most:g}."
                )

    def to_wgs84(
        self, east_m: ArrayLike, north_m: ArrayLike, up_m: ArrayLike = 0.0
    ) -> tuple[Array, Array, Array]:
        """Return latitude and longitude in degrees and the height over the ellipsoid in metres.

        Args:
            east_m: ``[...]``, along the tangent plane at the origin.
            north_m: ``[...]``.
            up_m: ``[...]``, over that plane.
        """
        local = np.stack(np.broadcast_arrays(*map(_float, (east_m, north_m, up_m))), axis=-1)
        place = self._centre() + local @ self._axes().T
        return _geodetic(place)

    def to_local(
        self, latitude: ArrayLike, longitude: ArrayLike, up_m: ArrayLike = 0.0
    ) -> tuple[Array, Array]:
        """Return metres east and north of a place whose height over the tangent plane is known.

        Args:
            latitude: ``[...]`` degrees.
            longitude: ``[...]`` degrees.
            up_m: ``[...]``, over the tangent plane at the origin.
        """
        phi, lam, up = np.broadcast_arrays(*map(_float, (latitude, longitude, up_m)))
        height = np.zeros_like(phi)
        local = np.zeros((*phi.shape, 3))
        for _ in range(4):  # the height over the ellipsoid that gives this height over the plane
            local = (_cartesian(phi, lam, height) - self._centre()) @ self._axes()
            height = height + up - local[..., 2]
        return local[..., 0], local[..., 1]

    def _centre(self) -> Array:
        return _cartesian(_float(self.latitude), _float(self.longitude), _float(0.0))

    def _axes(self) -> Array:
        """Columns: unit vectors east, north and up."""
        phi, lam = math.radians(self.latitude), math.radians(self.longitude)
        east = [-math.sin(lam), math.cos(lam), 0.0]
        up = [math.cos(phi) * math.cos(lam), math.cos(phi) * math.sin(lam), math.sin(phi)]
        return np.stack([east, np.cross(up, east), up], axis=1)


@dataclass(frozen=True, kw_only=True)
class Receiver:
    """Errors of a GPS receiver.

    Args:
        sigma_m: Standard deviation of the error to the east and to the north.
        tau_s: Time over which the error changes.
        dropouts_per_hour: How often it loses its fix.
        dropout_s: How long for, on average.

    Raises:
        ConfigError: A value is outside its range.
    """

    sigma_m: float = 2.0
    tau_s: float = 60.0
    dropouts_per_hour: float = 12.0
    dropout_s: float = 4.0

    def __post_init__(self) -> None:
        for name, value in vars(self).items():
            least = 1e-3 if name == "tau_s" else 0.0
            if not least <= value < math.inf:
                raise ConfigError(f"Receiver {name} is {value:g}.", f"Expected {least:g} or more.")


def receive(
    trajectory: Trajectory,
    *,
    rate_hz: float = 1.0,
    seed: int = 0,
    receiver: Receiver | None = None,
    origin: Origin | None = None,
) -> Track:
    """Return the true positions of a drive, and what a GPS receiver on it says.

    Args:
        trajectory: A trajectory along a route (`trajectory.Journey`), e.g. a `Drive`.
        rate_hz: Fixes per second, the first at time 0.
        seed: Of the errors; each traverse has its own.
        receiver: Errors.
        origin: Where on Earth the world lies.

    Returns:
        Track; ``latitude`` and ``longitude`` are NaN while there is no fix, all else is true.

    Raises:
        ConfigError: The rate is outside its range, or the trajectory follows no route.
    """
    if not 0 < rate_hz <= 1_000:
        raise ConfigError(f"GPS rate is {rate_hz:g} Hz.", "Expected more than 0, at most 1,000.")
    if not isinstance(trajectory, Journey):
        raise ConfigError(
            f"A {type(trajectory).__name__} follows no route.",
            "Expected a trajectory with distance_m and speed_m_s, e.g. a Drive.",
        )
    errors, place = receiver or Receiver(), origin or Origin()
    count = int(np.ceil(trajectory.duration_us * rate_hz * 1e-6))
    t_us = np.rint(np.arange(count) * (1e6 / rate_hz)).astype(np.int64)
    poses = trajectory.poses(t_us)
    east, north, up = poses.position.T
    forward = poses.rotation[:, :, 2]
    rng = np.random.default_rng([seed, 0x6F5])
    off = _slow_error(rng, count, 1.0 / (rate_hz * errors.tau_s), errors.sigma_m)
    lost = _lost(rng, t_us / 1e6, errors)
    latitude, longitude, _ = place.to_wgs84(east + off[:, 0], north + off[:, 1], up)
    latitude[lost] = longitude[lost] = np.nan
    return Track(
        t_us=t_us,
        east_m=east,
        north_m=north,
        up_m=up,
        distance_m=trajectory.distance_m(t_us),
        latitude=latitude,
        longitude=longitude,
        speed_m_s=trajectory.speed_m_s(t_us),
        heading_deg=np.degrees(np.arctan2(forward[:, 0], forward[:, 1])) % 360.0,
    )


def _slow_error(rng: np.random.Generator, count: int, steps: float, sigma_m: float) -> Array:
    """Return a first-order Gauss-Markov process ``[N, 2]``; ``steps`` is dt / tau."""
    keep = math.exp(-steps)
    fresh = rng.standard_normal((count, 2)) * sigma_m
    error = np.empty((count, 2))
    now = fresh[0] if count else np.zeros(2)
    for k in range(count):
        now = now if k == 0 else keep * now + math.sqrt(1.0 - keep * keep) * fresh[k]
        error[k] = now
    return error


def _lost(rng: np.random.Generator, seconds: Array, errors: Receiver) -> NDArray[np.bool_]:
    """Tell which fixes are missing: gaps begin as a Poisson process and last exponentially."""
    lost = np.zeros(len(seconds), np.bool_)
    if errors.dropouts_per_hour == 0 or not len(seconds):
        return lost
    now = float(rng.exponential(3_600.0 / errors.dropouts_per_hour))
    while now < seconds[-1]:
        end = now + float(rng.exponential(errors.dropout_s))
        lost |= (seconds >= now) & (seconds < end)
        now = end + float(rng.exponential(3_600.0 / errors.dropouts_per_hour))
    return lost


def _cartesian(latitude: Array, longitude: Array, height: Array) -> Array:
    phi, lam = np.radians(latitude), np.radians(longitude)
    across = _A / np.sqrt(1.0 - _E2 * np.sin(phi) ** 2)
    level = (across + height) * np.cos(phi)
    rise = (across * (1.0 - _E2) + height) * np.sin(phi)
    return np.stack([level * np.cos(lam), level * np.sin(lam), rise], axis=-1)


def _geodetic(place: Array) -> tuple[Array, Array, Array]:
    """Solve for latitude by fixed-point steps, each of which gains a factor of 150."""
    x, y, z = np.moveaxis(place, -1, 0)
    level = np.hypot(x, y)
    phi = np.arctan2(z, level * (1.0 - _E2))
    for _ in range(8):
        across = _A / np.sqrt(1.0 - _E2 * np.sin(phi) ** 2)
        phi = np.arctan2(z + _E2 * across * np.sin(phi), level)
    across = _A / np.sqrt(1.0 - _E2 * np.sin(phi) ** 2)
    height = level * np.cos(phi) + z * np.sin(phi) - _A**2 / across
    return np.degrees(phi), np.degrees(np.arctan2(y, x)), height


def _float(value: ArrayLike) -> Array:
    return np.asarray(value, np.float64)
