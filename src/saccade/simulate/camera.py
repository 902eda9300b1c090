"""Cameras: where the ray of a pixel goes, and which pixel sees a point.

    (X, Y, Z) --> (X/Z, Y/Z) --distortion--> (x, y) --> (fx x + cx, fy y + cy)     project
    (X, Y, 1) <--------------- Newton <----- (x, y) <-- pixel                      rays_at

Camera frame: x right, y down, z forward, metres. A pixel's centre has whole coordinates.

References: Brown, "Close-range camera calibration", 1971 (radtan); Kannala and Brandt, "A generic
camera model ...", PAMI 2006 (equidistant).
"""

from __future__ import annotations

import functools
import math
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray

from saccade.errors import ConfigError, ShapeError, did_you_mean
from saccade.events.types import SensorSize
from saccade.simulate.distortion import COEFFICIENTS, distort, undistort

__all__ = ["Camera", "StereoRig"]


@dataclass(frozen=True)
class Camera:
    """A pinhole camera with optional lens distortion.

    With ``x = X/Z, y = Y/Z, r² = x² + y²`` and ``theta = atan r``::

        radtan       x' = x (1 + k1 r² + k2 r⁴ + k3 r⁶) + 2 p1 x y + p2 (r² + 2 x²)
                     y' = y (1 + k1 r² + k2 r⁴ + k3 r⁶) + 2 p2 x y + p1 (r² + 2 y²)
        equidistant  x' = x/r theta (1 + k1 theta² + k2 theta⁴ + k3 theta⁶ + k4 theta⁸), y' likewise

    Args:
        size: Rows and columns.
        fx: Focal length in pixels.
        fy: Focal length in pixels.
        cx: Column of the optical axis.
        cy: Row of the optical axis.
        distortion: ``"none"``, ``"radtan"`` (k1 k2 p1 p2, and k3 if given) or ``"equidistant"``
            (k1 k2 k3 k4).
        coefficients: Of the distortion.

    Raises:
        ConfigError: A focal length is not positive, a value is not finite, the distortion is
            unknown or has another number of coefficients.

    Examples:
        >>> camera = Camera(SensorSize(height=100, width=200), 150.0, 150.0, 99.5, 49.5)
        >>> camera.project([1.0, 0.0, 2.0]).tolist()
        [174.5, 49.5]
        >>> camera.rays_at([174.5, 49.5]).tolist()
        [0.5, 0.0, 1.0]
    """

    size: SensorSize
    fx: float
    fy: float
    cx: float
    cy: float
    distortion: Literal["none", "radtan", "equidistant"] = "none"
    coefficients: tuple[float, ...] = ()

    def __post_init__(self) -> None:
        object.__setattr__(self, "coefficients", tuple(float(k) for k in self.coefficients))
        if self.distortion not in COEFFICIENTS:
            raise ConfigError(
                f"Camera distortion {self.distortion!r}.",
                f"Expected one of {', '.join(COEFFICIENTS)}.",
                did_you_mean(str(self.distortion), COEFFICIENTS),
            )
        counts = COEFFICIENTS[self.distortion]
        if len(self.coefficients) not in counts:
            raise ConfigError(
                f"Camera distortion {self.distortion!r} has {len(self.coefficients)} coefficients.",
                f"Expected {' or '.join(map(str, counts))}.",
            )
        for name in ("fx", "fy", "cx", "cy"):
            value = float(getattr(self, name))
            object.__setattr__(self, name, value)
            if not math.isfinite(value) or (name[0] == "f" and value <= 0):
                kind = "a positive number" if name[0] == "f" else "a finite number"
                raise ConfigError(f"Camera {name} is {value:g}.", f"Expected {kind} of pixels.")
        if not all(map(math.isfinite, self.coefficients)):
            raise ConfigError(f"Camera coefficients are {self.coefficients}.", "Expected numbers.")

    @classmethod
    def centred(cls, size: SensorSize, fov_deg: float) -> Camera:
        """Return an ideal camera that sees ``fov_deg`` degrees from the left to the right edge.

        Raises:
            ConfigError: The angle is not between 0 and 180 degrees.
        """
        if not 0 < fov_deg < 180:
            raise ConfigError(f"Field of view is {fov_deg:g} degrees.", "Expected 0 to 180.")
        focal = 0.5 * size.width / math.tan(math.radians(fov_deg) / 2)
        return cls(size, focal, focal, (size.width - 1) / 2, (size.height - 1) / 2)

    @classmethod
    def davis346(cls) -> Camera:
        """Return a 346x260 sensor behind a wide lens, much like the left one of MVSEC."""
        lens = (-0.048, 0.011, -0.055, 0.022)
        return cls(SensorSize(260, 346), 226.4, 226.2, 173.6, 133.7, "equidistant", lens)

    @classmethod
    def davis240(cls) -> Camera:
        """Return a 240x180 sensor with strong barrel distortion, as in many early recordings."""
        lens = (-0.368, 0.151, -0.0003, -0.0008)
        return cls(SensorSize(180, 240), 199.1, 198.8, 132.2, 110.7, "radtan", lens)

    @classmethod
    def dsec(cls) -> Camera:
        """Return a 640x480 sensor much like the event cameras of DSEC."""
        lens = (-0.094, 0.194, -0.0005, 0.0008)
        return cls(SensorSize(480, 640), 553.5, 553.4, 346.7, 216.5, "radtan", lens)

    def scaled(self, size: SensorSize) -> Camera:
        """Return the same lens before a sensor of other size: it sees no more in either direction.

        Pixels stay as wide as they are high, so another aspect ratio cuts two edges off.
        """
        factor = max(size.width / self.size.width, size.height / self.size.height)
        off_x, off_y = self.cx - (self.size.width - 1) / 2, self.cy - (self.size.height - 1) / 2
        same_shape = size.width * self.size.height == size.height * self.size.width
        aside = factor if same_shape else 0.0  # an off-centre axis would look past the old edge
        return Camera(
            size,
            self.fx * factor,
            self.fy * factor,
            (size.width - 1) / 2 + aside * off_x,
            (size.height - 1) / 2 + aside * off_y,
            self.distortion,
            self.coefficients,
        )

    @property
    def matrix(self) -> NDArray[np.float64]:
        """Intrinsic matrix, float64 ``[3, 3]``."""
        return np.array([[self.fx, 0.0, self.cx], [0.0, self.fy, self.cy], [0.0, 0.0, 1.0]])

    def rays(self) -> NDArray[np.float64]:
        """Return the direction that every pixel's centre sees, with z = 1 (kept, read-only).

        Returns:
            float64 ``[H, W, 3]``; NaN where the distortion reaches no pixel.
        """
        return _rays(self)

    def rays_at(self, pixels: ArrayLike) -> NDArray[np.float64]:
        """Return the direction, with z = 1, that a place in the image sees.

        Args:
            pixels: ``[..., 2]``, columns and rows, fractions allowed.

        Returns:
            float64 ``[..., 3]``; NaN where the distortion reaches no such place.

        Raises:
            ShapeError: The last axis is not 2 long.
        """
        places = _last_axis(pixels, 2, "pixels")
        x = (places[..., 0] - self.cx) / self.fx
        y = (places[..., 1] - self.cy) / self.fy
        x, y = undistort(self.distortion, self.coefficients, x, y)
        return np.stack([x, y, np.where(np.isfinite(x), 1.0, np.nan)], axis=-1)

    def project(self, points: ArrayLike) -> NDArray[np.float64]:
        """Return where points of the camera's frame are seen.

        Args:
            points: ``[..., 3]`` metres.

        Returns:
            float64 ``[..., 2]``, columns and rows, also outside the image; NaN for points that are
            not in front of the camera, or so far aside that the distortion would fold them back.

        Raises:
            ShapeError: The last axis is not 3 long.
        """
        places = _last_axis(points, 3, "points")
        with np.errstate(invalid="ignore", divide="ignore"):
            depth = np.where(places[..., 2] > 0.0, places[..., 2], np.nan)
            x, y = places[..., 0] / depth, places[..., 1] / depth
        x, y = distort(self.distortion, self.coefficients, x, y)
        return np.stack([self.fx * x + self.cx, self.fy * y + self.cy], axis=-1)


@dataclass(frozen=True, eq=False)
class StereoRig:
    """Two cameras that are fixed to each other.

    Args:
        left: Left camera.
        right: Right camera.
        right_in_left: float64 ``[4, 4]``, maps points of the right camera's frame to the left's.

    Raises:
        ShapeError: The transform is not 4x4.
        ConfigError: It is no rotation and shift, or the right camera is not on the right.

    Examples:
        >>> round(StereoRig.mvsec_like().baseline_m, 3)
        0.1
    """

    left: Camera
    right: Camera
    right_in_left: NDArray[np.float64]

    def __post_init__(self) -> None:
        transform = np.array(self.right_in_left, np.float64)
        if transform.shape != (4, 4):
            raise ShapeError(f"right_in_left has shape {transform.shape}.", "Expected [4, 4].")
        turn = transform[:3, :3]
        upright = np.allclose(turn @ turn.T, np.eye(3), atol=1e-6) and np.linalg.det(turn) > 0
        if not upright or not np.array_equal(transform[3], [0, 0, 0, 1]):
            raise ConfigError(
                "right_in_left is not a rotation and a shift.",
                "Expected [[R, t], [0, 0, 0, 1]] with R Rᵀ = 1 and det R = 1.",
            )
        if transform[0, 3] <= 0:
            raise ConfigError(
                f"The right camera is at x = {transform[0, 3]:g} m of the left one.",
                "Expected x > 0.",
                "Swap the cameras, or give the inverse transform.",
            )
        transform.flags.writeable = False
        object.__setattr__(self, "right_in_left", transform)

    @classmethod
    def parallel(cls, camera: Camera, baseline_m: float) -> StereoRig:
        """Return two equal cameras side by side that look in the same direction."""
        return cls(camera, camera, _transform((0.0, 0.0, 0.0), (baseline_m, 0.0, 0.0)))

    @classmethod
    def centred(cls, size: SensorSize, fov_deg: float, baseline_m: float) -> StereoRig:
        """Return two ideal cameras side by side (`Camera.centred`)."""
        return cls.parallel(Camera.centred(size, fov_deg), baseline_m)

    @classmethod
    def mvsec_like(cls) -> StereoRig:
        """Return two 346x260 cameras 0.10 m apart, mounted a little askew as real ones are."""
        left = Camera.davis346()
        lens = (-0.049, 0.014, -0.057, 0.022)
        right = Camera(left.size, 226.0, 225.8, 174.5, 124.2, "equidistant", lens)
        return cls(left, right, _transform((0.15, -0.22, 0.12), (0.0999, -0.0007, 0.0004)))

    @classmethod
    def dsec_like(cls) -> StereoRig:
        """Return two 640x480 cameras 0.60 m apart, mounted a little askew as real ones are."""
        left = Camera.dsec()
        lens = (-0.096, 0.188, 0.0004, -0.0003)
        right = Camera(left.size, 552.2, 552.0, 336.9, 226.6, "radtan", lens)
        return cls(left, right, _transform((-0.25, 0.31, 0.18), (0.5993, 0.0021, -0.0035)))

    @property
    def baseline_m(self) -> float:
        """Distance between the two cameras."""
        return float(np.linalg.norm(self.right_in_left[:3, 3]))


@functools.lru_cache(maxsize=8)
def _rays(camera: Camera) -> NDArray[np.float64]:
    y, x = np.mgrid[0 : camera.size.height, 0 : camera.size.width]
    rays = camera.rays_at(np.stack([x, y], axis=-1))
    rays.flags.writeable = False
    return rays


def _transform(
    turn_deg: tuple[float, float, float], shift_m: tuple[float, float, float]
) -> NDArray[np.float64]:
    """Return a shift and turns about x, then y, then z."""
    transform = np.eye(4)
    for axis, angle in enumerate(np.radians(turn_deg)):
        turn, (a, b) = np.eye(3), [k for k in range(3) if k != axis]
        sine = np.sin(angle) if axis != 1 else -np.sin(angle)
        turn[[a, b], [a, b]] = np.cos(angle)
        turn[a, b], turn[b, a] = -sine, sine
        transform[:3, :3] = turn @ transform[:3, :3]
    transform[:3, 3] = shift_m
    return transform


def _last_axis(values: ArrayLike, length: int, name: str) -> NDArray[np.float64]:
    array = np.asarray(values, np.float64)
    if array.ndim == 0 or array.shape[-1] != length:
        raise ShapeError(f"{name} has shape {array.shape}.", f"Expected [..., {length}].")
    return array
