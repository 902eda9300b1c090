"""The room: closed on all sides, a rigid board that turns, pictures where they are wanted."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from saccade.errors import DataError
from saccade.simulate.light import CONDITIONS, light_scene
from saccade.simulate.room import (
    BOARD,
    BOARD_SIZE_M,
    BOARD_VIEWPOINT,
    ROOM_M,
    VIEWPOINT,
    build_room,
)
from saccade.simulate.room_pictures import POSTERS, board_face
from saccade.simulate.room_textures import floor_boards, noise, wallpaper
from saccade.simulate.scene import STATIC, Scene


@pytest.fixture(scope="module")
def room() -> Scene:
    return build_room(0)


def first_hits(
    scene: Scene, start: NDArray[np.float64], rays: NDArray[np.float64]
) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    """Nearest static quad without alpha and its distance along each ray, quad by quad."""
    quads = scene.quads
    solid = (quads.body == STATIC) & (scene.textures.table[quads.texture, 3] < 0)
    best, far = np.full(len(rays), -1), np.full(len(rays), np.inf)
    for k in np.flatnonzero(solid):
        o, u, v = quads.origin[k] - start, quads.u[k], quads.v[k]
        normal = np.cross(u, v)
        across = rays @ normal
        with np.errstate(divide="ignore", invalid="ignore"):
            way = (o @ normal) / across
            s, t = (rays @ np.cross(v, o)) / across, (rays @ np.cross(o, u)) / across
        hit = (way > 0) & (way < far) & (s >= 0) & (s <= 1) & (t >= 0) & (t <= 1)
        best[hit], far[hit] = k, way[hit]
    return best, far


@pytest.mark.parametrize("start", [(3.0, 2.5, 1.4), tuple(VIEWPOINT[0])])
def test_no_ray_leaves_the_room(room: Scene, start: tuple[float, float, float]) -> None:
    rays = np.random.default_rng(1).normal(size=(2_000, 3))
    rays /= np.linalg.norm(rays, axis=1, keepdims=True)
    quad, far = first_hits(room, np.array(start), rays)
    assert quad.min() >= 0
    assert far.max() < np.linalg.norm(ROOM_M)


def test_everything_is_seen_from_its_front(room: Scene) -> None:
    """A ray from within meets the side that the light map is for."""
    rays = np.random.default_rng(2).normal(size=(2_000, 3))
    quad, _ = first_hits(room, VIEWPOINT[0], rays)
    normal = np.cross(room.quads.u, room.quads.v)[quad]
    facing = np.einsum("ij,ij->i", rays, normal) < 0
    assert facing.all()


def test_nothing_sticks_out_of_the_walls(room: Scene) -> None:
    quads = room.quads
    still = quads.body == STATIC
    corners = np.concatenate(
        [quads.origin + a * quads.u + b * quads.v for a in (0, 1) for b in (0, 1)]
    )[np.tile(still, 4)]
    assert corners.min(axis=0).min() > -1e-9
    assert np.all(corners.max(axis=0) < np.array(ROOM_M) + 1e-9)


def test_depths_before_the_viewpoint_are_those_of_a_short_range(room: Scene) -> None:
    position, target = VIEWPOINT
    ahead = (target - position) / np.linalg.norm(target - position)
    rng = np.random.default_rng(3)
    rays = ahead + np.column_stack(
        [rng.uniform(-0.5, 0.5, 900), np.zeros(900), rng.uniform(-0.4, 0.4, 900)]
    )
    _, far = first_hits(room, position, rays)
    low, middle, high = np.quantile(far, [0.02, 0.5, 0.98])
    assert 0.8 < low < 2.5 < middle < high < 4.5


def board_corners(room: Scene, t_us: NDArray[np.int64]) -> NDArray[np.float64]:
    quads = room.quads
    own = quads.body == BOARD
    corners = np.concatenate(
        [quads.origin[own] + a * quads.u[own] + b * quads.v[own] for a in (0, 1) for b in (0, 1)]
    )
    place, turn = room.bodies[BOARD - 1](t_us)
    return np.einsum("nij,kj->nki", turn, corners) + place[:, None]


def test_the_board_stays_rigid_and_returns_after_a_full_turn(room: Scene) -> None:
    rate = abs(room.bodies[0].rate_rad_s)  # type: ignore[attr-defined]
    assert 1.0 <= rate <= 2.0
    period = 2e6 * np.pi / rate
    times = np.rint(np.array([0.0, 0.21, 0.5, 0.77, 1.0]) * period).astype(np.int64)
    corners = board_corners(room, times)
    apart = np.linalg.norm(corners[:, :, None] - corners[:, None, :], axis=-1)
    np.testing.assert_allclose(apart, np.broadcast_to(apart[0], apart.shape), atol=1e-12)
    assert apart.max() == pytest.approx(np.linalg.norm(BOARD_SIZE_M))
    np.testing.assert_allclose(corners[4], corners[0], atol=1e-6)
    assert np.abs(corners[2] - corners[0]).max() > 0.2
    middle = corners.mean(axis=1)
    np.testing.assert_allclose(middle, np.broadcast_to(middle[0], middle.shape), atol=1e-9)


def test_the_board_never_touches_anything(room: Scene) -> None:
    corners = board_corners(room, np.arange(0, 7_000_000, 50_000)).reshape(-1, 3)
    low, high = corners.min(axis=0), corners.max(axis=0)
    quads = room.quads
    still = quads.body == STATIC
    ends = np.stack(
        [(quads.origin + a * quads.u + b * quads.v)[still] for a in (0, 1) for b in (0, 1)]
    )
    apart = (ends.min(axis=0) > high - 1e-6) | (ends.max(axis=0) < low + 1e-6)
    assert apart.any(axis=1).all()


def test_nothing_stands_between_the_board_and_its_viewpoint(room: Scene) -> None:
    position, target = BOARD_VIEWPOINT
    np.testing.assert_allclose(board_corners(room, np.zeros(1, np.int64))[0].mean(axis=0), target)
    rays = target + np.random.default_rng(0).uniform(-0.4, 0.4, (500, 3)) * [1, 1, 0.7] - position
    _, far = first_hits(room, position, rays)  # 1 is at the board
    assert far.min() > 1.0


def test_one_seed_repeats_and_two_seeds_differ() -> None:
    first, again, other = build_room(4), build_room(4), build_room(5)
    for name in ("origin", "u", "v", "texture", "repeat", "gain"):
        assert getattr(first.quads, name).tobytes() == getattr(again.quads, name).tobytes()
    assert first.textures.texels.tobytes() == again.textures.texels.tobytes()
    assert first.textures.texels.tobytes() != other.textures.texels.tobytes()
    assert first.bodies != other.bodies and first.bodies == again.bodies


def test_the_desk_is_lit_like_a_work_place_and_the_board_like_the_rest(room: Scene) -> None:
    light = light_scene(room, CONDITIONS["room"])
    quads = room.quads
    ends = np.concatenate([light.map_start[1:], [len(light.maps)]])
    mean = np.array([light.maps[a:b].mean() for a, b in zip(light.map_start, ends, strict=True)])
    desk = room.textures.names.index("desk")
    flat = (np.cross(quads.u, quads.v)[:, 2] > 0.5) & (quads.texture == desk)
    assert 300 < mean[flat].max() < 800
    assert 80 < mean[quads.body == BOARD].mean() < 800
    assert light.maps.min() > 10
    assert 20 < light.white_cd_m2 < 300


def test_pictures_of_the_user_hang_in_view_with_their_aspect(room: Scene) -> None:
    rng = np.random.default_rng(0)
    wide, high = rng.random((40, 100)), rng.random((90, 30))
    hung = build_room(0, [wide, high])
    for number, image in enumerate((wide, high)):
        texture = hung.textures.names.index(f"picture {number}")
        (k,) = np.flatnonzero(hung.quads.texture == texture)
        size = np.linalg.norm([hung.quads.u[k], hung.quads.v[k]], axis=1)
        assert size[0] / size[1] == pytest.approx(image.shape[1] / image.shape[0])
        assert hung.quads.origin[k, 1] == pytest.approx(ROOM_M[1] - 0.01)
    assert "picture 0" not in room.textures.names


@pytest.mark.parametrize(
    "picture",
    [np.zeros((4, 4, 3)), np.full((4, 4), 1.5), np.zeros((0, 4))],
    ids=["rgb", "over", "empty"],
)
def test_a_picture_that_is_no_albedo_is_refused(picture: NDArray[np.float64]) -> None:
    with pytest.raises(DataError, match="Picture 0 has shape"):
        build_room(0, [picture])


@pytest.mark.parametrize("texture", [wallpaper, floor_boards, noise], ids=lambda f: f.__name__)
def test_large_textures_repeat_without_a_seam(texture) -> None:  # type: ignore[no-untyped-def]
    rng = np.random.default_rng(0)
    image = noise(rng, 128, 128) if texture is noise else texture(rng)
    for axis in (0, 1):
        steps = np.abs(np.diff(image, axis=axis)).mean(axis=1 - axis)
        seam = np.abs(np.take(image, 0, axis) - np.take(image, -1, axis)).mean()
        assert seam <= 1.05 * steps.max()


@pytest.mark.parametrize("draw", [*POSTERS, board_face], ids=lambda f: f.__name__)
def test_posters_have_contrast_at_every_scale(draw) -> None:  # type: ignore[no-untyped-def]
    image = draw(np.random.default_rng(7))
    assert image.min() >= 0.0 and image.max() <= 1.0
    while min(image.shape) >= 32:
        assert image.std() > 0.05
        local = np.abs(np.diff(image, axis=1))
        assert (local > 0.02).mean() > 0.01
        image = 0.25 * (image[::2, ::2] + image[1::2, ::2] + image[::2, 1::2] + image[1::2, 1::2])
