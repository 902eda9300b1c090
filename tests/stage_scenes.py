"""Small scenes for the tests of the renderer: a wall, a post before it, a plain light."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from saccade.events import SensorSize
from saccade.simulate.camera import Camera
from saccade.simulate.light import CONDITIONS, Light
from saccade.simulate.pixel import PixelModel
from saccade.simulate.scene import QuadList, Scene
from saccade.simulate.stage import Placed, Stage
from saccade.simulate.textures import TextureBook
from saccade.simulate.trajectory import Poses

LOOKING_NORTH = np.array([[1.0, 0.0, 0.0], [0.0, 0.0, 1.0], [0.0, -1.0, 0.0]])
"""Camera to world: x to the east, y (down) to -z, z (forward) to the north."""


@dataclass(frozen=True)
class Straight:
    """Moves at constant velocity from a start, looking north."""

    start: tuple[float, float, float]
    velocity: tuple[float, float, float]
    duration_us: int = 10_000_000

    def poses(self, t_us: NDArray[np.int64]) -> Poses:
        seconds = np.asarray(t_us, np.float64)[:, None] * 1e-6
        position = np.array(self.start) + seconds * np.array(self.velocity)
        rotation = np.broadcast_to(LOOKING_NORTH, (len(position), 3, 3)).copy()
        return Poses(np.asarray(t_us, np.int64), position, rotation)


def smooth_texture(rng: np.random.Generator, side: int = 256, cut: int = 24) -> NDArray[np.float64]:
    """Periodic noise without anything finer than ``cut`` cycles a side, 0.15 to 0.85."""
    frequency = np.fft.fftfreq(side, 1 / side)
    keep = np.hypot(frequency[:, None], frequency[None]) <= cut
    noise = np.fft.ifft2(np.fft.fft2(rng.standard_normal((side, side))) * keep).real
    noise = (noise - noise.min()) / (noise.max() - noise.min())
    return 0.15 + 0.7 * noise


def flat_light(scene: Scene, lux: float = 10_000.0) -> Light:
    """The same illuminance everywhere, a gray sky."""
    count = len(scene.quads)
    return Light(
        condition=CONDITIONS["day"],
        maps=np.array([lux], np.float32),
        map_start=np.zeros(count, np.int64),
        map_shape=np.ones((count, 2), np.int32),
        sky=np.full((256, 1024), 2_000.0, np.float32),
        headlamp_cd=0.0,
        emission=0.0,
        white_cd_m2=3_000.0,
    )


def wall_scene(seed: int = 0, *, distance_m: float = 4.0, post_m: float | None = None) -> Scene:
    """A textured wall to the north; with ``post_m`` a narrow post stands before it."""
    rng = np.random.default_rng(seed)
    book = TextureBook()
    wall = book.add("wall", smooth_texture(rng))
    post = book.add("post", 0.3 * smooth_texture(rng))
    quads = QuadList()
    quads.add(
        [-10, distance_m, -10], [20, 0, 0], [0, 0, 20], texture=wall, repeat=(5, 5), shadow=False
    )
    if post_m is not None:
        quads.add([-0.05, post_m, -3], [0.1, 0, 0], [0, 0, 6], texture=post, repeat=(1, 60))
    return Scene("wall", seed, quads.freeze(), book.pack())


def wall_stage(
    scene: Scene | None = None,
    *,
    velocity: tuple[float, float, float] = (0.5, 0.0, 0.0),
    size: SensorSize | None = None,
    pixels: PixelModel | None = None,
    start: tuple[float, float, float] = (0.0, 0.0, 0.0),
    seed: int = 0,
    jobs: int = 2,
    camera: Camera | None = None,
) -> Stage:
    """A camera that moves in front of the wall."""
    scene = scene or wall_scene()
    size = size or SensorSize(48, 64)
    camera = camera or Camera(size, 60.0, 60.0, (size.width - 1) / 2, (size.height - 1) / 2)
    return Stage(
        scene,
        flat_light(scene),
        {"left": Placed(camera, np.eye(4))},
        Straight(start, velocity),
        pixels or PixelModel.ideal(0.15),
        seed=seed,
        jobs=jobs,
    )
