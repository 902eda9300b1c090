"""The street: what its seeds change, where its route goes, and whether places look different."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from saccade.errors import ConfigError
from saccade.events import SensorSize
from saccade.represent import count_frame
from saccade.simulate.camera import Camera
from saccade.simulate.pixel import PixelModel
from saccade.simulate.scene import Quads, Scene
from saccade.simulate.shot import Shot, prepare
from saccade.simulate.stage import Stage
from saccade.simulate.street import build_street
from saccade.simulate.truth import camera_frame

SMALL = Camera.davis346().scaled(SensorSize(65, 87))
COLUMNS = tuple(Quads.__dataclass_fields__)


@pytest.fixture(scope="module")
def street() -> Scene:
    return build_street(1, length_m=2_000.0)


def rows(scene: Scene) -> set[bytes]:
    """Every surface as bytes, without the number of the object it belongs to."""
    names = [name for name in COLUMNS if name != "thing"]
    columns = [getattr(scene.quads, name) for name in names]
    return {b"".join(column[k].tobytes() for column in columns) for k in range(len(scene.quads))}


def shot(seed: int, condition: str, traverse: int, **changes: object) -> Shot:
    values: dict[str, object] = {
        "name": "test", "seed": seed, "condition": condition, "traverse": traverse,
        "camera": SMALL, "stops": 0,
        "duration_s": 2_000.0, "pixels": PixelModel.davis346(), "image_hz": 0.0, "label_hz": 0.0,
    }  # fmt: skip
    return Shot(**{**values, **changes})  # pyright: ignore[reportArgumentType]


def at_distances(made: Shot, metres: NDArray[np.float64]) -> tuple[Stage, NDArray[np.int64]]:
    """The stage of a drive, and when it is where."""
    recording, film = prepare(made)
    assert recording.track is not None
    times = np.interp(metres, recording.track.distance_m, recording.track.t_us)
    return film().stage, times.astype(np.int64)


def test_one_seed_repeats_and_two_differ() -> None:
    first, again, other = (build_street(seed, length_m=150.0) for seed in (3, 3, 4))
    for name in COLUMNS:
        np.testing.assert_array_equal(getattr(first.quads, name), getattr(again.quads, name))
    np.testing.assert_array_equal(first.textures.texels, again.textures.texels)
    assert len(rows(first) & rows(other)) < 0.05 * len(rows(first))


def test_another_cars_seed_changes_parked_cars_only(street: Scene) -> None:
    other = build_street(1, length_m=2_000.0, cars_seed=9)
    np.testing.assert_array_equal(street.textures.texels, other.textures.texels)
    np.testing.assert_array_equal(street.route, other.route)
    gone, come = rows(street) - rows(other), rows(other) - rows(street)
    assert len(gone) > 100 and len(come) > 100
    cars = {k for k, name in enumerate(street.textures.names) if name.startswith("car ")}
    sides = np.isin(street.quads.texture, list(cars))
    per_car = 9
    assert len(gone) <= per_car * (sides.sum() // 2)


def test_the_season_changes_what_grows_only(street: Scene) -> None:
    winter = build_street(1, length_m=2_000.0, season="winter")
    assert rows(street) == rows(winter)
    changed = set()
    for k, name in enumerate(street.textures.names):
        start, end = street.textures.levels[k, 0], street.textures.levels[k, 1]
        a = street.textures.texels[start:end]
        b = winter.textures.texels[winter.textures.levels[k, 0] : winter.textures.levels[k, 1]]
        if not np.array_equal(a, b):
            changed.add(name.split()[0])
    assert changed == {"crown", "hedge", "lawn"}


@pytest.mark.parametrize("seed", range(4))
def test_the_route_is_long_smooth_and_never_comes_back(seed: int) -> None:
    route = build_street(seed, length_m=2_000.0).route
    assert route is not None
    steps = np.diff(route, axis=0)
    length = np.linalg.norm(steps, axis=1)
    assert length.sum() >= 2_000.0
    assert length.min() > 0.3 and length.max() < 2.0
    heading = np.unwrap(np.arctan2(steps[:, 1], steps[:, 0]))
    bend = np.abs(np.diff(heading)) / (0.5 * (length[1:] + length[:-1]))
    assert bend.max() < 1 / 6.0
    s = np.concatenate([[0.0], np.cumsum(length)])
    apart = np.linalg.norm(route[:, None] - route[None], axis=2)
    assert apart[np.abs(s[:, None] - s[None]) > 100.0].min() > 30.0


def test_nothing_stands_in_the_lane(street: Scene) -> None:
    route = street.route
    assert route is not None
    quads = street.quads
    s, t = (np.linspace(0, 1, 25)[a].ravel() for a in np.mgrid[0:25, 0:25])
    points = quads.origin[:, None] + s[:, None] * quads.u[:, None] + t[:, None] * quads.v[:, None]
    upright = points[quads.shadow].reshape(-1, 3)
    near = upright[(upright[:, 2] > 0.2) & (upright[:, 2] < 2.2), :2]
    gap = np.array([np.min(np.hypot(*(near - place).T)) for place in route[::10]])
    assert gap.min() > 1.2


def test_ground_and_roofs_face_the_sky_and_fronts_the_road(street: Scene) -> None:
    normal = np.cross(street.quads.u, street.quads.v)
    normal /= np.linalg.norm(normal, axis=1, keepdims=True)
    names = np.array(street.textures.names)[street.quads.texture]
    ground = np.isin(names, ["lawn", "slabs"]) | np.char.startswith(names.astype(str), "road")
    assert (normal[ground, 2] > 0.99).all()
    front = np.char.startswith(names.astype(str), "front")
    middle = street.quads.origin + 0.5 * (street.quads.u + street.quads.v)
    assert street.route is not None
    to_road = np.array(
        [
            street.route[np.argmin(np.hypot(*(street.route - place[:2]).T))] - place[:2]
            for place in middle[front]
        ]
    )
    facing = np.einsum("ij,ij->i", to_road, normal[front, :2]) > 0
    assert facing.mean() > 0.8  # the rest stands in side streets


def test_no_two_places_of_two_kilometres_look_alike() -> None:
    metres = np.arange(2.0, 1_990.0, 10.0)
    big = Camera.davis346().scaled(SensorSize(128, 176))
    stage, times = at_distances(shot(1, "day", 0, camera=big), metres)
    frames = np.stack([camera_frame(stage, "left", int(t)) for t in times]).astype(float)
    small = frames.reshape(len(frames), 16, 8, 22, 8).mean(axis=(2, 4)).reshape(len(frames), -1)
    small -= small.mean(axis=1, keepdims=True)
    small /= np.linalg.norm(small, axis=1, keepdims=True)
    far = np.abs(metres[:, None] - metres[None]) > 50.0
    assert (small @ small.T)[far].max() < 0.9


def test_a_night_drive_is_not_found_in_the_day_by_raw_correlation() -> None:
    """Even where both windows begin at the very same metre of the route."""
    places = 10.0 + 12.0 * np.arange(100)
    frames: dict[str, NDArray[np.float64]] = {}
    for traverse, condition in enumerate(("day", "night")):
        stage, times = at_distances(shot(5, condition, traverse), places)
        found = []
        for time in times:
            here = Stage(
                stage.scene, stage.light, stage.cameras, stage.trajectory, stage.pixels,
                start_us=int(time), seed=traverse,
            )  # fmt: skip
            found.append(count_frame(here.events(int(time) + 60_000)["left"]).ravel())
        frames[condition] = np.stack(found).astype(float)
    scores = normal(frames["night"]) @ normal(frames["day"]).T
    right = (scores.argmax(axis=1) == np.arange(100)).mean()
    assert right < 0.5
    assert right > 2 / 100  # but it is the same street


def normal(frames: NDArray[np.float64]) -> NDArray[np.float64]:
    centred = frames - frames.mean(axis=1, keepdims=True)
    return centred / np.maximum(np.linalg.norm(centred, axis=1, keepdims=True), 1e-9)


def test_pictures_of_the_user_hang_in_the_street() -> None:
    picture = np.linspace(0, 1, 100)[None] * np.ones((60, 1))
    scene = build_street(2, length_m=300.0, images=[picture])
    poster = scene.textures.names.index("poster 0")
    assert (scene.quads.texture == poster).any()


def test_what_cannot_be_built_is_refused() -> None:
    with pytest.raises(ConfigError, match="Expected at least 40"):
        build_street(0, length_m=10.0)
    with pytest.raises(ConfigError, match="summer, autumn or winter"):
        build_street(0, season="spring")  # pyright: ignore[reportArgumentType]
