"""Make the pictures of docs/simulator.md: python docs/make_world_images.py

Rows are conditions, columns are places; seed 2, DAVIS346. Events are those of 15 ms.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from saccade.events import Events
from saccade.simulate.camera import Camera
from saccade.simulate.pixel import PixelModel
from saccade.simulate.shot import Shot, prepare
from saccade.simulate.stage import Stage
from saccade.simulate.truth import camera_frame

IMAGES = Path(__file__).parent / "images"
STREETS = (("day", "summer"), ("overcast", "autumn"), ("sunset", "winter"), ("night", "summer"))
ON, OFF = (0, 114, 178), (213, 94, 0)


def picture(stage: Stage, time_us: int) -> tuple[NDArray[np.uint8], NDArray[np.uint8]]:
    """Return the frame and the events that follow it, both uint8 ``[H, W, 3]``."""
    here = Stage(
        stage.scene, stage.light, stage.cameras, stage.trajectory, stage.pixels, start_us=time_us
    )
    frame = camera_frame(here, "left", time_us)
    return np.repeat(frame[..., None], 3, axis=2), drawn(here.events(time_us + 15_000)["left"])


def drawn(events: Events) -> NDArray[np.uint8]:
    image = np.full((events.size.height, events.size.width, 3), 255, np.uint8)
    image[events.y, events.x] = np.where(events.p[:, None] == 1, ON, OFF)
    return image


def rows(shots: Sequence[Shot], times_s: Sequence[float]) -> NDArray[np.uint8]:
    found = []
    for shot in shots:
        stage = prepare(shot)[1]().stage
        pairs = [picture(stage, int(time * 1e6)) for time in times_s]
        found.append(np.hstack([np.hstack(pair) for pair in pairs]))
    return np.vstack(found)


def main() -> None:
    camera, pixels = Camera.davis346(), PixelModel.davis346()
    streets = [
        Shot(
            name="street", seed=2, condition=condition, season=season, camera=camera,
            pixels=pixels, world_m=500.0, duration_s=60.0, stops=0,
        )
        for condition, season in STREETS
    ]  # fmt: skip
    room = Shot(
        name="room", scene="room", motion="hand", seed=3, condition="room", camera=camera,
        pixels=pixels, duration_s=5.0,
    )  # fmt: skip
    for name, image in (
        ("street_conditions", rows(streets, (3.0, 20.0))),
        ("room", rows([room], (1.0, 3.0))),
    ):
        Image.fromarray(image).quantize(64).save(IMAGES / f"{name}.png", optimize=True)


if __name__ == "__main__":
    main()
