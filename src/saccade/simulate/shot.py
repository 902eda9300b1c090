"""What to record: a world, a way through it, a camera, a time of day; and how to set it all up.

    Shot (plain values)  ->  prepare()  ->  Recording (what and when) + a Film that takes it

The world depends on ``seed`` alone; ``traverse`` draws what differs from drive to drive: speed,
stops, the line within the lane, receiver error, camera noise. Scene and light are built when the
film is, so a finished recording can be re-opened without them.
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from saccade.errors import ConfigError
from saccade.simulate.camera import Camera, StereoRig
from saccade.simulate.drive import Drive
from saccade.simulate.film import Film, Wanted
from saccade.simulate.geography import receive
from saccade.simulate.handheld import HandHeld, Slider
from saccade.simulate.light import Light, condition_named, light_scene
from saccade.simulate.pixel import PixelModel
from saccade.simulate.recording import Recording, Track
from saccade.simulate.room import BOARD_VIEWPOINT, VIEWPOINT, build_room
from saccade.simulate.scene import Scene
from saccade.simulate.stage import Placed, Stage
from saccade.simulate.street import Season, build_street
from saccade.simulate.trajectory import ImuNoise, Trajectory, imu

__all__ = ["Motion", "SceneName", "Shot", "prepare"]

SceneName = Literal["street", "room"]
Motion = Literal["drive", "slider", "hand", "rest"]

_DAWN_OF_TIME = datetime(2021, 6, 1, tzinfo=UTC)
_HOUR_OF = {"day": 12, "overcast": 14, "sunset": 19, "night": 23, "room": 10}
_TRACK_HZ = 10
_IMU_HZ = 200.0
_BRIGHT_ROOM = "room"
_LANE_OFFSET_M = 0.6
_MOUNT_DEG = 1.0  # the camera is put up anew for each traverse
_LOOK_UP_DEG = 3.0  # less road, as a camera behind a windscreen sees it
_SLIDE_M, _SLIDE_M_S = 1.2, 0.08  # longest way of the slider, and its speed


@dataclass(frozen=True, kw_only=True)
class Shot:
    """One recording to make.

    Args:
        name: File-name stem.
        scene: ``"street"`` or ``"room"``.
        motion: ``"drive"`` (street), ``"slider"``, ``"hand"`` or ``"rest"``.
        seed: The world.
        traverse: Which drive through it.
        condition: Name of a condition (`conditions.CONDITIONS`).
        season: ``"summer"``, ``"autumn"``, ``"winter"``.
        cars: Which cars are parked; by the traverse without.
        camera: The left or only camera.
        rig: Both cameras, for stereo; its left one must be ``camera``.
        start_m: Where on the route the drive starts.
        length_m: How far it goes; without, as far as ``duration_s`` allows.
        duration_s: How long it takes; needed without ``length_m``.
        world_m: Length of the route of the street.
        mean_speed_m_s: Of a drive.
        stops: Full stops of a drive.
        image_hz: Frames per second.
        label_hz: Depth labels per second.
        pixels: Event-camera model.
        wanted: Truth beside the events.
        with_imu: Whether to record an IMU.
        images: Pictures to hang into the scene.
        jobs: Threads.
    """

    name: str
    scene: SceneName = "street"
    motion: Motion = "drive"
    seed: int = 0
    traverse: int = 0
    condition: str = "day"
    season: Season = "summer"
    cars: int | None = None
    camera: Camera
    rig: StereoRig | None = None
    start_m: float = 0.0
    length_m: float | None = None
    duration_s: float | None = None
    world_m: float = 2_000.0
    mean_speed_m_s: float = 10.0
    stops: int = 2
    image_hz: float = 20.0
    label_hz: float = 10.0
    pixels: PixelModel = field(default_factory=PixelModel)
    wanted: Wanted = field(default_factory=Wanted)
    with_imu: bool = False
    images: tuple[NDArray[np.float64], ...] = ()
    jobs: int = 2


def prepare(shot: Shot) -> tuple[Recording, Callable[[], Film]]:
    """Return the recording's description and a function that sets up the film of it.

    Raises:
        ConfigError: The shot contradicts itself.
    """
    if (shot.motion == "drive") != (shot.scene == "street"):
        raise ConfigError(
            f"Motion {shot.motion!r} in scene {shot.scene!r}.",
            "Expected drive in the street, slider or hand in the room.",
        )
    if shot.rig is not None and shot.rig.left != shot.camera:
        raise ConfigError("The camera is not the left one of the rig.")
    trajectory = _trajectory(shot)
    recording = _recording(shot, trajectory)

    def film() -> Film:
        scene, light = _lit(shot)
        cameras = {"left": Placed(shot.camera, np.eye(4))}
        if shot.rig is not None:
            cameras["right"] = Placed(shot.rig.right, np.asarray(shot.rig.right_in_left))
        stage = Stage(
            scene, light, cameras, trajectory, shot.pixels,
            seed=shot.seed * 1_009 + shot.traverse, jobs=shot.jobs,
        )  # fmt: skip
        return Film(recording, stage, shot.wanted)

    return recording, film


def _scene(shot: Shot) -> Scene:
    cars = shot.traverse if shot.cars is None else shot.cars
    if shot.scene == "room":
        return build_room(shot.seed, shot.images)
    if shot.images:
        return build_street(
            shot.seed, length_m=shot.world_m, season=shot.season, cars_seed=cars, images=shot.images
        )
    return _street(shot.seed, shot.world_m, shot.season, cars)


@functools.lru_cache(maxsize=4)
def _street(seed: int, length_m: float, season: Season, cars: int) -> Scene:
    return build_street(seed, length_m=length_m, season=season, cars_seed=cars)


def _lit(shot: Shot) -> tuple[Scene, Light]:
    scene = _scene(shot)
    condition = _BRIGHT_ROOM if shot.scene == "room" else shot.condition
    return scene, light_scene(scene, condition_named(condition), shot.seed)


def _trajectory(shot: Shot) -> Trajectory:
    if shot.motion == "drive":
        route = _scene(shot).route
        assert route is not None
        return Drive(
            route,
            seed=shot.seed * 1_009 + shot.traverse,
            start_m=shot.start_m,
            length_m=shot.length_m,
            duration_s=shot.duration_s,
            mean_speed_m_s=shot.mean_speed_m_s,
            stops=shot.stops,
            pitch_deg=_LOOK_UP_DEG,
            lane_offset_m=_LANE_OFFSET_M,
            mount_deg=_MOUNT_DEG,
        )
    if shot.duration_s is None:
        raise ConfigError(f"{shot.name}: no duration.", "Expected duration_s in a room.")
    duration_us = round(shot.duration_s * 1e6)
    position, target = VIEWPOINT
    if shot.motion == "slider":
        way_m = min(_SLIDE_M, _SLIDE_M_S * shot.duration_s)
        reach = np.array([0.5 * way_m, 0.0, 0.0])
        passes = max(1, round(shot.duration_s * _SLIDE_M_S / _SLIDE_M))
        return Slider(position - reach, position + reach, duration_us, target=target, passes=passes)
    if shot.motion == "hand":
        return HandHeld(position, target=target, seed=shot.traverse, duration_us=duration_us)
    place, board = BOARD_VIEWPOINT
    return HandHeld(
        place, target=board, seed=0, duration_us=duration_us, amplitude_m=0.0, amplitude_deg=0.0
    )


def _recording(shot: Shot, trajectory: Trajectory) -> Recording:
    duration_us = int(trajectory.duration_us)
    label_us = _ticks(shot.label_hz, duration_us)
    hour = _HOUR_OF.get(shot.condition, 12)
    day = _DAWN_OF_TIME.replace(day=1 + shot.traverse % 28, hour=hour)
    return Recording(
        name=shot.name,
        condition=shot.condition,
        cameras=("left", "right") if shot.rig is not None else ("left",),
        left=shot.camera,
        rig=shot.rig,
        duration_us=duration_us,
        epoch_us=round(day.timestamp() * 1e6),
        image_us=_ticks(shot.image_hz, duration_us),
        label_us=label_us,
        poses=trajectory.poses(label_us),
        track=_track(shot, trajectory) if shot.motion == "drive" else None,
        imu=imu(trajectory, _IMU_HZ, seed=shot.traverse, noise=ImuNoise())
        if shot.with_imu
        else None,
        seed=shot.seed,
    )


def _ticks(rate_hz: float, duration_us: int) -> NDArray[np.int64]:
    """Return moments at a rate, in whole microseconds, within a recording."""
    if rate_hz <= 0:
        return np.zeros(0, np.int64)
    count = int(np.ceil(duration_us * rate_hz / 1e6))
    times = np.rint(np.arange(count) * (1e6 / rate_hz)).astype(np.int64)
    return times[times < duration_us]


def _track(shot: Shot, trajectory: Trajectory) -> Track:
    return receive(trajectory, rate_hz=_TRACK_HZ, seed=shot.traverse)
