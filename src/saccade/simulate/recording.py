"""What a simulated recording is made of, between the renderer and the writers of data-set layouts.

A recording is described once (`Recording`) and then handed on second by second (`Part`), so that
its length costs no memory. All times are int64 microseconds from the recording's own zero; a layout
that needs another clock adds ``epoch_us``.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from saccade.events.types import Events
from saccade.simulate.camera import Camera, StereoRig
from saccade.simulate.trajectory import Imu, Poses

__all__ = ["Part", "Recording", "Track"]


@dataclass(frozen=True)
class Track:
    """Where the vehicle was.

    Args:
        t_us: int64 ``[N]``.
        east_m: float64 ``[N]``, true position, world x.
        north_m: float64 ``[N]``, true position, world y.
        up_m: float64 ``[N]``.
        distance_m: float64 ``[N]``, along the route; equal distance in two traverses = same place.
        latitude: float64 ``[N]`` degrees, as a GPS receiver would say: with its
            error, NaN while it has no fix.
        longitude: float64 ``[N]`` degrees, likewise.
        speed_m_s: float64 ``[N]``.
        heading_deg: float64 ``[N]``, clockwise from north.
    """

    t_us: NDArray[np.int64]
    east_m: NDArray[np.float64]
    north_m: NDArray[np.float64]
    up_m: NDArray[np.float64]
    distance_m: NDArray[np.float64]
    latitude: NDArray[np.float64]
    longitude: NDArray[np.float64]
    speed_m_s: NDArray[np.float64]
    heading_deg: NDArray[np.float64]


@dataclass(frozen=True, kw_only=True)
class Recording:
    """A recording before its events.

    Args:
        name: File-name stem, e.g. ``"day"``.
        condition: ``"day"``, ``"night"``, ...
        cameras: ``("left",)`` or ``("left", "right")``; a single camera is called left.
        left: Its camera.
        rig: Both cameras and their relative pose, for stereo.
        duration_us: Length.
        epoch_us: Unix time of the recording's zero in microseconds.
        image_us: int64 ``[F]``, when frames are taken.
        label_us: int64 ``[L]``, when depth is given (all poses and flow refer to these or images).
        poses: Pose of the left camera (camera to world) at ``label_us``.
        track: Position at 10 Hz or so, None in a room.
        imu: None unless wanted.
        seed: Seed of everything.
    """

    name: str
    condition: str
    cameras: tuple[str, ...]
    left: Camera
    rig: StereoRig | None
    duration_us: int
    epoch_us: int
    image_us: NDArray[np.int64]
    label_us: NDArray[np.int64]
    poses: Poses
    track: Track | None
    imu: Imu | None
    seed: int


@dataclass(frozen=True, kw_only=True)
class Part:
    """A stretch ``[start_us, end_us)`` of a recording.

    Keys of the dicts are camera names. Everything is in the cameras' RAW (distorted, unrectified)
    pixels unless it says rect.

    Args:
        start_us: First microsecond.
        end_us: One past the last.
        events: Events of each camera, times from the recording's zero.
        image_us: int64 ``[F]``, frames within the stretch.
        images: uint8 ``[F, H, W]`` of each camera.
        label_us: int64 ``[L]``, labels within the stretch.
        depth: float32 ``[L, H, W]`` of each camera, metres along the optical axis, NaN = sky.
        depth_rect: The same in the rectified left camera (key ``"left"``), empty for one camera.
        disparity_rect: float32 ``[L, H, W]`` pixels in the rectified left camera, NaN = none.
        flow: label name (``"dt1"``, ``"dt4"``) -> float32 ``[K, 2, H, W]``, pixels (x, y) that
            what is seen at ``flow_us[name][k, 0]`` moves until ``flow_us[name][k, 1]``; NaN = it
            leaves the image or is hidden then; raw pixels of the left camera.
        flow_us: label name -> int64 ``[K, 2]``, start and end of each map; a map belongs to the
            part that holds its END time.
    """

    start_us: int
    end_us: int
    events: dict[str, Events]
    image_us: NDArray[np.int64]
    images: dict[str, NDArray[np.uint8]]
    label_us: NDArray[np.int64]
    depth: dict[str, NDArray[np.float32]]
    depth_rect: dict[str, NDArray[np.float32]] = field(default_factory=dict)
    disparity_rect: dict[str, NDArray[np.float32]] = field(default_factory=dict)
    flow: dict[str, NDArray[np.float32]] = field(default_factory=dict)
    flow_us: dict[str, NDArray[np.int64]] = field(default_factory=dict)
