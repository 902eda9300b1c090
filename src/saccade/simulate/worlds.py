"""From what was asked for on the command line to recordings: which scene, camera and truth.

    config.TraverseConfig, StereoConfig, FlowConfig, WorldConfig, PreviewConfig
        -> shots (`shot.Shot`) -> jobs (`job.Job`)

Traverses of one command drive the same route in the same world; each has its own light, parked
cars, speed, stops and line within the lane. Recordings of another seed are another world.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal, cast

import numpy as np
from numpy.typing import NDArray

from saccade.errors import UsageError
from saccade.events.types import SensorSize
from saccade.simulate.camera import Camera, StereoRig
from saccade.simulate.config import (
    FlowConfig,
    PixelConfig,
    PreviewConfig,
    StereoConfig,
    TraverseConfig,
    WorldConfig,
    WrittenConfig,
)
from saccade.simulate.film import Wanted
from saccade.simulate.images import image_stills
from saccade.simulate.job import Job
from saccade.simulate.pixel import PixelModel
from saccade.simulate.shot import Shot, prepare
from saccade.simulate.street import Season

__all__ = ["camera_of", "pixels_of", "plan", "preview_shot", "rig_of"]

FLOW_SPANS = {"dt1": 1, "dt4": 4}
"""Flow maps over one frame and over four."""
_STEREO_SPANS = {"mvsec": {"dt1": 1}, "dsec": {"dt2": 2}}
"""Layout -> the flow it has room for; that of DSEC is over 100 ms, 2 frames at 20 a second."""
_STEREO_HZ = {"mvsec": (30.0, 20.0), "dsec": (20.0, 10.0), "plain": (20.0, 10.0)}
"""Layout -> frames and depth labels per second, those of the real set."""
_SCENES: dict[str, tuple[Literal["street", "room"], Literal["drive", "slider", "hand", "rest"]]] = {
    "street": ("street", "drive"),
    "room": ("room", "slider"),
    "board": ("room", "rest"),
}


def plan(config: WrittenConfig) -> list[Job]:
    """Return the recordings that a configuration asks for.

    Args:
        config: One of the configurations of ``saccade simulate`` that write a folder.

    Raises:
        UsageError: The configuration is of another mode.
    """
    if isinstance(config, TraverseConfig):
        return [_job(shot, config, config.out, config.layout) for shot in _traverses(config)]
    if isinstance(config, StereoConfig):
        return [
            _job(_stereo(config, name, k), config, config.out, config.layout)
            for k, name in enumerate(config.condition)
        ]
    if isinstance(config, FlowConfig):
        return [
            _job(_flow(config, name, k), config, config.out, config.layout)
            for k, name in enumerate(config.condition)
        ]
    if isinstance(config, WorldConfig):
        return _world(config)
    raise UsageError(f"saccade simulate {config.mode} writes no folder of recordings.")


def camera_of(config: PixelConfig) -> Camera:
    """Return the camera of a preset at the size asked for."""
    size = config.sensor_size()
    presets = {
        "davis346": Camera.davis346,
        "davis240": Camera.davis240,
        "gen31": Camera.dsec,
        "gen4": lambda: Camera.centred(SensorSize(720, 1280), 70.0),
        "ideal": Camera.davis346,
    }
    camera = presets[config.preset]()
    return camera if camera.size == size else camera.scaled(size)


def pixels_of(config: PixelConfig) -> PixelModel:
    """Return the pixel model of a preset with the values that replace its own."""
    presets = {
        "davis346": PixelModel.davis346,
        "davis240": PixelModel.davis240,
        "gen31": PixelModel.prophesee_gen31,
        "gen4": PixelModel.prophesee_gen4,
        "ideal": PixelModel.ideal,
    }
    return dataclasses.replace(presets[config.preset](), **config.pixel_values())


def rig_of(config: PixelConfig, layout: str) -> StereoRig:
    """Return two cameras as far apart as those of the layout's real set."""
    camera = camera_of(config)
    rig = StereoRig.dsec_like() if layout == "dsec" else StereoRig.mvsec_like()
    return StereoRig(camera, camera, rig.right_in_left)


def preview_shot(config: PreviewConfig, condition: str) -> Shot:
    """Return the shot that a preview shows under a condition."""
    return dataclasses.replace(
        _base(config, condition, 0, config.scene),
        image_hz=config.fps * config.slow_motion,
        label_hz=config.fps * config.slow_motion,
        wanted=Wanted(images=True, depth=True, flow={"dt1": 1}),
    )


def _base(config: WrittenConfig, condition: str, traverse: int, scene: str) -> Shot:
    where, motion = _SCENES[scene]
    size = config.pixels.sensor_size()
    return Shot(
        name=condition,
        scene=where,
        motion=motion,
        seed=config.seed,
        traverse=traverse,
        condition=condition,
        season=cast(Season, config.season),
        camera=camera_of(config.pixels),
        duration_s=config.duration_us * 1e-6,
        pixels=pixels_of(config.pixels),
        images=_pictures(config.textures, max(size.height, size.width)),
        jobs=config.threads(),
    )


def _traverses(config: WrittenConfig) -> list[Shot]:
    """Drives along the same route, one for each condition."""
    drive: dict[str, Any] = {}
    if isinstance(config, TraverseConfig):
        drive = {
            "world_m": config.route_m,
            "mean_speed_m_s": config.speed_m_s,
            "stops": config.stops,
        }
    return [
        dataclasses.replace(
            _base(config, name, k, "street"),
            image_hz=0.0,
            label_hz=0.0,
            wanted=Wanted(images=False, depth=False),
            name=_numbered(config.condition, k),
            **drive,
        )
        for k, name in enumerate(config.condition)
    ]


def _numbered(conditions: tuple[str, ...], k: int) -> str:
    """Name a drive after its condition; the second by day is ``day2``."""
    earlier = conditions[:k].count(conditions[k])
    return f"{conditions[k]}{earlier + 1}" if earlier else conditions[k]


def _stereo(config: WrittenConfig, condition: str, traverse: int) -> Shot:
    scene = config.scene if isinstance(config, StereoConfig) else "street"
    base = _base(config, condition, traverse, "street" if scene == "street" else "room")
    layout = config.layout if config.layout in _STEREO_HZ else "plain"
    image_hz, label_hz = _STEREO_HZ[layout]
    speed = {"mean_speed_m_s": config.speed_m_s} if isinstance(config, StereoConfig) else {}
    return dataclasses.replace(
        base,
        motion="drive" if scene == "street" else "hand",
        rig=rig_of(config.pixels, layout),
        image_hz=image_hz,
        label_hz=label_hz,
        with_imu=True,
        wanted=Wanted(
            images=True,
            depth=True,
            rectified=True,
            flow=_STEREO_SPANS.get(config.layout, FLOW_SPANS),
        ),
        **speed,
    )


def _flow(config: WrittenConfig, condition: str, traverse: int) -> Shot:
    scene = config.scene if isinstance(config, FlowConfig) else "room"
    rate = config.frame_hz if isinstance(config, FlowConfig) else 30.0
    return dataclasses.replace(
        _base(config, condition, traverse, scene),
        image_hz=rate,
        label_hz=rate,
        with_imu=True,
        wanted=Wanted(images=True, depth=True, flow=FLOW_SPANS),
    )


def _world(config: WorldConfig) -> list[Job]:
    """Traverses of every condition, then a stereo drive and a room by day."""
    jobs = [_job(shot, config, config.out / "place", "plain") for shot in _traverses(config)]
    first = config.condition[0]
    stereo = dataclasses.replace(_stereo(config, first, 0), name="stereo")
    flow = dataclasses.replace(_flow(config, first, 0), name="flow")
    jobs.append(_job(stereo, config, config.out / "depth", "plain"))
    jobs.append(_job(flow, config, config.out / "flow", "plain"))
    return jobs


def _job(shot: Shot, config: WrittenConfig, folder: Path, layout: str) -> Job:
    recording, film = prepare(shot)
    options: Mapping[str, Any] = {"format": config.format} if layout == "plain" else {}
    return Job(recording, film, layout, folder, dict(options))


def _pictures(paths: tuple[Path, ...], side: int) -> tuple[NDArray[np.float64], ...]:
    """Read the user's pictures as albedo 0..1, no larger than what can be seen of them."""
    found: list[NDArray[np.float64]] = []
    for path in paths:
        found.extend(np.asarray(still, np.float64) for still in image_stills(path, size=None))
    return tuple(found)
