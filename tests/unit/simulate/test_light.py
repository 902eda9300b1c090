"""Light against closed forms: cosines, shadows of known length, inverse squares, the whole sky."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
from numpy.typing import NDArray

from saccade.errors import ConfigError
from saccade.simulate.light import (
    CONDITIONS,
    MOST_CELLS,
    Condition,
    Light,
    condition_named,
    light_scene,
)
from saccade.simulate.light_shadow import STACK, find_blockers, transmission
from saccade.simulate.light_sky import sky_directions, sky_panorama, solid_angles
from saccade.simulate.scene import QuadList, Scene
from saccade.simulate.textures import TextureBook

DAY = CONDITIONS["day"]
BARE = Condition(name="bare", bounce=0.0)


def scene_of(quads: QuadList, lamps: NDArray[np.float64] | None = None, **more: object) -> Scene:
    """Textures 0: gray. 1: left half cut away. 2: cut away."""
    book = TextureBook()
    gray, half = np.full((8, 8), 0.5), np.ones((8, 8))
    half[:, :4] = 0.0
    book.add("gray", gray)
    book.add("half", gray, alpha=half)
    book.add("nothing", gray, alpha=np.zeros((8, 8)))
    return Scene(
        "test", 0, quads.freeze(), book.pack(), lamps=np.zeros((0, 3)) if lamps is None else lamps,
        **more,  # type: ignore[arg-type]
    )  # fmt: skip


def field(quads: QuadList | None = None, *, side: float = 40.0, cell_m: float = 0.5) -> QuadList:
    """Level ground about the origin, quad 0 of an empty list."""
    quads = quads or QuadList()
    corner = [-side / 2, -side / 2, 0]
    quads.add(corner, [side, 0, 0], [0, side, 0], texture=0, cell_m=cell_m)
    return quads


def light_map(light: Light, quad: int) -> NDArray[np.float32]:
    """Rows along v, columns along u."""
    columns, rows = light.map_shape[quad]
    start = light.map_start[quad]
    return light.maps[start : start + columns * rows].reshape(rows, columns)


def crowd(seed: int, count: int = 80) -> QuadList:
    rng = np.random.default_rng(seed)
    quads = field()
    for _ in range(count):
        place = rng.uniform([-15, -15, 0], [15, 15, 6])
        edges = rng.normal(size=(2, 3)) * 1.5
        quads.add(place, edges[0], edges[1], texture=int(rng.integers(0, 3)))
    return quads


@pytest.mark.parametrize("elevation", [5.0, 30.0, 72.0])
def test_open_ground_gets_the_sky_and_the_sine_of_the_sun(elevation: float) -> None:
    condition = dataclasses.replace(DAY, sun_elevation_deg=elevation)
    light = light_scene(scene_of(field()), condition)
    expected = 70_000 * np.sin(np.radians(elevation)) + 12_000
    np.testing.assert_allclose(light.maps, expected, rtol=1e-6)
    assert condition.ground_lux == pytest.approx(expected)


def test_a_lone_wall_gets_half_the_sky_the_ground_and_the_cosine_of_the_sun() -> None:
    quads = QuadList()
    quads.add([0, 0, 0], [-4, 0, 0], [0, 0, 3], texture=0)  # faces +y
    quads.add([0, 0, 0], [4, 0, 0], [0, 0, 3], texture=0)  # faces -y
    sunny = dataclasses.replace(DAY, sun_azimuth_deg=90.0, sun_elevation_deg=40.0)
    light = light_scene(scene_of(quads), sunny)
    diffuse = 0.5 * (12_000 + 0.2 * sunny.ground_lux)
    facing = diffuse + 70_000 * np.cos(np.radians(40))
    np.testing.assert_allclose(light_map(light, 0), facing, rtol=1e-6)
    np.testing.assert_allclose(light_map(light, 1), diffuse, rtol=1e-6)


@pytest.mark.parametrize("elevation", [20.0, 45.0, 60.0])
def test_the_shadow_of_a_wall_is_its_height_over_the_tangent_of_the_sun(elevation: float) -> None:
    height, cell = 3.0, 0.2
    quads = field(cell_m=cell)
    quads.add([-15, 0, 0], [30, 0, 0], [0, 0, height], texture=0)
    sun = dataclasses.replace(
        BARE, sun_lux=1_000.0, sun_elevation_deg=elevation, sun_azimuth_deg=-90.0
    )
    light = light_scene(scene_of(quads), sun)
    across = light_map(light, 0)[:, 100]
    y = np.linspace(-20, 20, len(across))
    dark = y[across < 500 * np.sin(np.radians(elevation))]
    assert dark.min() == pytest.approx(0.0, abs=1.01 * cell)
    assert dark.max() == pytest.approx(height / np.tan(np.radians(elevation)), abs=1.01 * cell)
    assert across[(y > 0.2) & (y < dark.max() - 0.3)].max() == 0.0


def test_a_surface_without_shadow_and_one_that_is_cut_away_cast_none() -> None:
    quads = field()
    quads.add([-5, -5, 2], [10, 0, 0], [0, 10, 0], texture=0, shadow=False)
    quads.add([-5, -5, 3], [10, 0, 0], [0, 10, 0], texture=2)
    light = light_scene(scene_of(quads), DAY)
    np.testing.assert_allclose(light_map(light, 0), DAY.ground_lux, rtol=1e-6)


def test_a_shadow_has_the_shape_of_the_alpha() -> None:
    quads = field(side=12.0, cell_m=0.2)
    quads.add([-4, -4, 2], [8, 0, 0], [0, 8, 0], texture=1)
    above = dataclasses.replace(BARE, sun_lux=1_000.0, sun_elevation_deg=90.0)
    ground = light_map(light_scene(scene_of(quads), above), 0)
    row = ground[30]
    x = np.linspace(-6, 6, len(row))
    assert np.all(row[(x > 0.2) & (x < 3.8)] == 0.0)
    np.testing.assert_allclose(row[(x < -0.2) | (x > 4.2)], 1_000.0, rtol=1e-5)


def test_leaves_are_lit_from_both_sides_and_walls_from_one() -> None:
    quads = QuadList()
    for k, texture in enumerate((0, 1)):
        quads.add([0, 9 * k, 0], [4, 0, 0], [0, 0, 3], texture=texture)
    from_behind = dataclasses.replace(BARE, sun_lux=900.0, sun_elevation_deg=0.5)
    light = light_scene(scene_of(quads), dataclasses.replace(from_behind, sun_azimuth_deg=90.0))
    assert light_map(light, 0).max() == 0.0
    expected = 900 * np.cos(np.radians(0.5))
    np.testing.assert_allclose(light_map(light, 1), expected, rtol=1e-5)


def test_a_narrow_street_is_darker_than_a_wide_one_and_a_field() -> None:
    def street(width: float) -> float:
        quads = field(cell_m=1.0, side=60.0)
        for side in (-1, 1):
            quads.add([-30, side * width / 2, 0], [60, 0, 0], [0, 0, 12], texture=0)
        return float(light_map(light_scene(scene_of(quads), CONDITIONS["overcast"]), 0)[30, 30])

    narrow, wide, field_lux = street(6.0), street(24.0), 10_000.0
    assert narrow < 0.6 * wide < 0.6 * field_lux
    # A strip between two long walls sees sin(atan(half width / height)) of the sky.
    seen = np.sin(np.arctan(12.0 / 12.0))
    hidden = 0.4 * 0.2 * field_lux
    assert wide == pytest.approx(seen * field_lux + (1 - seen) * hidden, rel=0.08)


@pytest.mark.parametrize("height", [2.0, 4.0, 6.0])
def test_light_under_a_lamp_falls_with_the_square_of_its_height(height: float) -> None:
    lamp = dataclasses.replace(BARE, lamp_cd=500.0)
    light = light_scene(scene_of(field(cell_m=0.25), np.array([[0.0, 0.0, height]])), lamp)
    ground = light_map(light, 0)
    middle = ground.shape[0] // 2
    assert ground[middle, middle] == pytest.approx(500 / height**2, rel=0.02)
    x = np.linspace(-20, 20, ground.shape[1])
    at = int(np.argmin(np.abs(x - height)))
    cosine = height / np.hypot(height, x[at])
    assert ground[middle, at] == pytest.approx(500 * cosine**3 / height**2, rel=0.02)


def test_a_lamp_does_not_shine_through_a_roof() -> None:
    quads = field(side=10.0)
    quads.add([-3, -3, 2], [6, 0, 0], [0, 6, 0], texture=0)
    lamp = dataclasses.replace(BARE, lamp_cd=500.0)
    ground = light_map(light_scene(scene_of(quads, np.array([[0.0, 0.0, 4.0]])), lamp), 0)
    middle = ground.shape[0] // 2
    assert ground[middle, middle] == 0.0
    assert ground[0, 0] == 0.0  # its shadow is twice as wide: 12 m of 10 m


def test_nothing_changes_with_the_number_of_threads() -> None:
    scene = scene_of(crowd(3), np.array([[0.0, 2.0, 5.0], [9.0, -3.0, 4.0]]))
    for name in ("day", "night"):
        lights = [light_scene(scene, CONDITIONS[name], 5, jobs=jobs) for jobs in (1, 2, 5)]
        assert len({light.maps.tobytes() for light in lights}) == 1
        assert len({light.sky.tobytes() for light in lights}) == 1
        assert len({light.white_cd_m2 for light in lights}) == 1


def test_night_is_at_least_a_thousand_times_darker_than_day() -> None:
    scene = scene_of(crowd(4), np.array([[12.0, 12.0, 5.0]]))
    day, night = (light_scene(scene, CONDITIONS[name]) for name in ("day", "night"))
    assert np.median(day.maps) > 1_000 * np.median(night.maps)
    assert np.median(day.sky[:100]) > 1_000 * np.median(night.sky[:100])
    assert 5 < light_map(night, 0).max() < 20
    assert day.emission == 0.0 and night.emission == 1.0 and night.headlamp_cd > day.headlamp_cd


def test_rays_through_the_tree_agree_with_every_surface_in_turn() -> None:
    scene = scene_of(crowd(7, 200))
    blockers = find_blockers(scene)
    quads, rng = scene.quads, np.random.default_rng(0)
    stack = np.empty(STACK, np.int64)
    opaque = np.flatnonzero(quads.texture == 0)
    found: list[bool] = []
    for _ in range(300):
        start, ray = rng.uniform([-15, -15, 0.1], [15, 15, 8]), rng.normal(size=3)
        system = np.stack([np.broadcast_to(ray, (len(quads), 3)), -quads.u, -quads.v], axis=-1)
        d, s, t = np.linalg.solve(system, (quads.origin - start)[..., None])[..., 0].T
        hit = (d > 0) & (d < 2.0) & (s >= 0) & (s <= 1) & (t >= 0) & (t <= 1)
        hit &= (quads.texture != 2) & ((quads.texture == 0) | (s >= 0.5))
        found.append(bool(hit.any()))
        assert transmission(blockers, stack, *start, *ray, 2.0) == (0.0 if hit.any() else 1.0)
    assert opaque.size and 30 < sum(found) < 270


def test_a_moving_body_is_lit_where_it_starts_and_casts_no_shadow() -> None:
    quads = field()
    quads.add([-1, -1, 0], [2, 0, 0], [0, 2, 0], texture=0, body=1)

    def motion(t_us: NDArray[np.int64]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        over = np.array([[1.0, 0, 0], [0, 0, -1], [0, 1, 0]])  # normal from +z to -y
        return np.tile([0.0, 0.0, 3.0], (len(t_us), 1)), np.tile(over, (len(t_us), 1, 1))

    sun = dataclasses.replace(BARE, sun_lux=1_000.0, sun_elevation_deg=30, sun_azimuth_deg=-90)
    light = light_scene(scene_of(quads, bodies=(motion,)), sun)
    np.testing.assert_allclose(light_map(light, 1), 1_000 * np.cos(np.radians(30)), rtol=1e-6)
    np.testing.assert_allclose(light_map(light, 0), 500.0, rtol=1e-6)


@pytest.mark.parametrize("name", CONDITIONS)
def test_the_sky_adds_up_to_the_light_on_level_ground(name: str) -> None:
    condition = CONDITIONS[name]
    sky = sky_panorama(condition, seed=3)
    assert sky.shape == (256, 1024) and sky.dtype == np.float32
    assert sky.min() >= 0 and np.isfinite(sky).all()
    lux = float((sky * solid_angles() * sky_directions()[..., 2].clip(0)).sum())
    assert lux == pytest.approx(condition.ground_lux, rel=0.02)
    assert solid_angles().sum() * 1024 == pytest.approx(4 * np.pi)


def test_the_sun_is_where_the_condition_says() -> None:
    for name in ("day", "morning", "sunset", "night"):
        sky = sky_panorama(CONDITIONS[name], seed=0)
        row, column = np.unravel_index(np.argmax(sky), sky.shape)
        assert sky_directions()[row, column] @ CONDITIONS[name].to_sun > np.cos(np.radians(0.5))


def test_clouds_follow_the_seed_and_the_condition() -> None:
    first, again, other = (sky_panorama(DAY, seed) for seed in (1, 1, 2))
    assert first.tobytes() == again.tobytes() != other.tobytes()
    ring = slice(60, 100)
    clear = sky_panorama(dataclasses.replace(DAY, clouds=0.0), 1)
    rough = [np.abs(np.diff(np.log(sky[ring]), axis=1)).mean() for sky in (clear, first)]
    assert rough[1] > 3 * rough[0]


def test_maps_follow_the_wanted_spacing_within_bounds() -> None:
    quads = QuadList()
    quads.add([0, 0, 0], [10, 0, 0], [0, 3, 0], texture=0, cell_m=0.5)
    quads.add([0, 0, 1], [0.1, 0, 0], [0, 0.1, 0], texture=0, cell_m=0.5)
    quads.add([0, 0, 2], [1_000, 0, 0], [0, 1, 0], texture=0, cell_m=0.5)
    light = light_scene(scene_of(quads), DAY)
    assert light.map_shape.tolist() == [[21, 7], [2, 2], [MOST_CELLS, 3]]
    ends = light.map_start + light.map_shape.prod(axis=1)
    assert ends[:-1].tolist() == light.map_start[1:].tolist()
    assert ends[-1] == len(light.maps)


def test_an_unknown_condition_is_answered_with_the_nearest_name() -> None:
    assert condition_named("night") is CONDITIONS["night"]
    with pytest.raises(ConfigError, match=r"no condition 'nigth'.*Did you mean 'night'\?"):
        condition_named("nigth")


@pytest.mark.parametrize("wrong", [{"clouds": 1.5}, {"sun_elevation_deg": 100.0}, {"lamp_cd": -1}])
def test_a_condition_refuses_values_out_of_range(wrong: dict[str, float]) -> None:
    with pytest.raises(ConfigError, match=next(iter(wrong))):
        dataclasses.replace(DAY, **wrong)


def test_every_condition_is_listed_under_its_own_name() -> None:
    assert {name: condition.name for name, condition in CONDITIONS.items()} == {
        name: name for name in CONDITIONS
    }
    assert {"day", "overcast", "sunset", "night", "room"} <= set(CONDITIONS)


def test_no_threads_is_refused() -> None:
    with pytest.raises(ConfigError, match="jobs is 0"):
        light_scene(scene_of(field()), DAY, jobs=0)
