"""The renderer against plain ray casting and closed forms, however it is run."""

from __future__ import annotations

import hashlib

import numpy as np
import pytest
from numpy.typing import NDArray

from saccade.errors import ConfigError, DataError
from saccade.events import Events, SensorSize
from saccade.simulate.camera import Camera
from saccade.simulate.interval import MOST_MOTION_PX
from saccade.simulate.pixel import PixelModel
from saccade.simulate.raster import SKY, nearest_surfaces
from saccade.simulate.scene import QuadList, Scene
from saccade.simulate.stage import Stage
from saccade.simulate.tables import pack_world
from saccade.simulate.textures import TextureBook
from saccade.simulate.truth import depth_map, flow_map
from stage_scenes import flat_light, smooth_texture, wall_scene, wall_stage

BARREL = Camera(SensorSize(48, 64), 60.0, 60.0, 31.5, 23.5, "radtan", (-0.2, 0.05, 0.0, 0.0))


def digest(events: Events) -> str:
    found = hashlib.sha256()
    for column in (events.x, events.y, events.t, events.p):
        found.update(np.ascontiguousarray(column).tobytes())
    return found.hexdigest()


def random_quads(seed: int, count: int = 60) -> Scene:
    rng = np.random.default_rng(seed)
    book = TextureBook()
    plain = book.add("plain", smooth_texture(rng, 32, 4))
    holes = (rng.random((32, 32)) > 0.4).astype(float)
    leaves = book.add("leaves", smooth_texture(rng, 32, 4), alpha=holes)
    quads = QuadList()
    for _ in range(count):
        place = rng.uniform([-6, 1, -4], [6, 14, 4])
        quads.add(
            place,
            rng.normal(size=3) * 2,
            rng.normal(size=3) * 2,
            texture=leaves if rng.random() < 0.25 else plain,
        )
    return Scene("random", seed, quads.freeze(), book.pack())


def cast(stage: Stage, time_us: int) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    """Nearest quad of every pixel by solving d r = o + s u + t v for all quads (no alpha)."""
    frames, _ = stage.frames("left", np.array([time_us]))
    quads, frame = stage.scene.quads, frames[0, 0]
    turn, move = frame[:9].reshape(3, 3), frame[9:]
    o, u, v = quads.origin @ turn.T + move, quads.u @ turn.T, quads.v @ turn.T
    rays = stage.grid("left").rays
    best = np.full(rays.shape[:2], SKY)
    depth = np.full(rays.shape[:2], np.inf)
    for k in range(len(quads)):
        system = np.stack(np.broadcast_arrays(rays, -u[k], -v[k]), axis=-1)
        answer = np.linalg.solve(system, np.broadcast_to(o[k], rays.shape)[..., None])[..., 0]
        d, s, t = answer[..., 0], answer[..., 1], answer[..., 2]
        hit = (d > 0.05) & (d < depth) & (s >= 0) & (s <= 1) & (t >= 0) & (t <= 1)
        best[hit], depth[hit] = k, d[hit]
    return best, depth


@pytest.mark.parametrize("camera", [None, BARREL], ids=["pinhole", "radtan"])
@pytest.mark.parametrize("seed", range(4))
def test_the_depth_buffer_equals_ray_casting(seed: int, camera: Camera | None) -> None:
    scene = random_quads(seed)
    opaque = Scene(
        scene.name,
        scene.seed,
        type(scene.quads)(**{**vars(scene.quads), "texture": np.zeros_like(scene.quads.texture)}),
        scene.textures,
    )
    stage = wall_stage(opaque, camera=camera)
    ids, depth = stage.seen("left", 0)
    expected, far = cast(stage, 0)
    np.testing.assert_array_equal(ids, expected)
    np.testing.assert_allclose(depth, far, rtol=1e-6)


def test_cut_away_texels_let_the_ray_through() -> None:
    scene = random_quads(5)
    ids, depth = wall_stage(scene).seen("left", 0)
    solid = wall_stage(
        Scene(
            "solid",
            0,
            type(scene.quads)(
                **{**vars(scene.quads), "texture": np.zeros_like(scene.quads.texture)}
            ),
            scene.textures,
        )
    )
    solid_ids, solid_depth = solid.seen("left", 0)
    assert np.all(depth >= solid_depth)
    changed = ids != solid_ids
    assert changed.any()
    assert np.all(np.isin(solid_ids[changed], np.flatnonzero(scene.quads.texture == 1)))


@pytest.mark.parametrize("seed", range(3))
def test_marching_ends_with_the_luminance_that_is_rendered_there(seed: int) -> None:
    """The candidates that the marching pixels know are all that can be seen."""
    stage = wall_stage(random_quads(seed, 40), velocity=(0.8, 0.6, 0.1), size=SensorSize(60, 80))
    stage.events(60_000)
    log_luminance = stage.state()["left"][:, 7].reshape(60, 80)
    expected = np.log(stage.luminance("left", 60_000) + stage.pixels.dark_cd_m2)
    agree = np.abs(log_luminance - expected) < 1e-4
    assert agree.mean() > 0.99


def test_flow_and_depth_of_a_wall_have_closed_forms() -> None:
    stage = wall_stage(wall_scene(distance_m=4.0), velocity=(0.5, 0.0, 0.0))
    np.testing.assert_allclose(depth_map(stage, "left", 123_456), 4.0, rtol=1e-6)
    flow = flow_map(stage, "left", 0, 100_000)
    seen = np.isfinite(flow[0])
    np.testing.assert_allclose(flow[0][seen], -60.0 * 0.05 / 4.0, atol=1e-4)
    np.testing.assert_allclose(flow[1][seen], 0.0, atol=1e-6)
    assert np.isnan(flow[0][:, 0]).all()  # left the image
    assert seen[:, 1:].all()


def test_what_a_post_will_hide_has_no_flow() -> None:
    stage = wall_stage(wall_scene(distance_m=6.0, post_m=2.0), velocity=(1.0, 0.0, 0.0))
    flow = flow_map(stage, "left", 0, 300_000)
    row = np.isfinite(flow[0][24])
    ids, _ = stage.seen("left", 0)
    arriving = 31.5 + 60.0 * (np.array([-0.05, 0.05]) - 0.3) / 2.0  # sides of the post, then
    shift = -60.0 * 0.3 / 6.0
    on_wall = np.flatnonzero(ids[24] == 0)
    there = on_wall + shift
    hidden = on_wall[(there > arriving[0] + 0.1) & (there < arriving[1] - 0.1)]
    visible = on_wall[((there < arriving[0] - 0.1) & (there > 0)) | (there > arriving[1] + 0.1)]
    assert hidden.size and visible.size
    assert not row[hidden].any()
    assert row[visible].all()


def test_events_do_not_depend_on_the_number_of_threads() -> None:
    noisy = PixelModel(noise_hz=2.0)
    runs = [wall_stage(pixels=noisy, jobs=jobs, seed=3).events(200_000) for jobs in (1, 2, 3)]
    assert len(runs[0]["left"]) > 500
    assert len({digest(run["left"]) for run in runs}) == 1


def test_two_seeds_differ_and_one_repeats() -> None:
    noisy = PixelModel(noise_hz=2.0)
    first, again, other = (
        digest(wall_stage(pixels=noisy, seed=seed).events(50_000)["left"]) for seed in (1, 1, 2)
    )
    assert first == again != other


def test_a_stage_that_is_restored_goes_on_with_the_same_bytes() -> None:
    noisy = PixelModel(noise_hz=2.0)
    through = wall_stage(pixels=noisy)
    through.events(40_000)
    state = through.state()
    expected = through.events(90_000)["left"]
    resumed = wall_stage(pixels=noisy)
    resumed.restore(state)
    assert digest(resumed.events(90_000)["left"]) == digest(expected)


def test_a_camera_at_rest_gives_only_noise() -> None:
    quiet = wall_stage(wall_scene(post_m=2.0), velocity=(0.0, 0.0, 0.0))
    assert len(quiet.events(500_000)["left"]) == 0
    noisy = wall_stage(velocity=(0.0, 0.0, 0.0), pixels=PixelModel.ideal(0.15, noise_hz=3.0))
    count = len(noisy.events(1_000_000)["left"])
    expected = 48 * 64 * noisy.pixels.noise_rate_hz(noisy.luminance("left", 0)).mean()
    assert abs(count - expected) < 3 * np.sqrt(expected)


def test_contrast_of_warped_events_is_largest_at_the_true_flow() -> None:
    stage = wall_stage(velocity=(1.5, 0.0, 0.6), pixels=PixelModel.ideal(0.08))
    window_us = 600_000
    events = stage.events(window_us)["left"]
    flow = flow_map(stage, "left", 0, window_us)
    mean = np.nanmean(flow.reshape(2, -1), axis=1)
    scales = np.arange(0.7, 1.31, 0.025)
    best = scales[int(np.argmax([contrast(events, mean * scale, window_us) for scale in scales]))]
    assert abs(best - 1.0) <= 0.05


def contrast(events: Events, flow: NDArray[np.float64], window_us: int) -> float:
    """Variance of the image of events moved back along a constant flow."""
    share = events.t / window_us
    x = np.rint(events.x - flow[0] * share).astype(int)
    y = np.rint(events.y - flow[1] * share).astype(int)
    sign = np.where(events.p == 1, 1.0, -1.0)
    inside = (x >= 0) & (x < events.size.width) & (y >= 0) & (y < events.size.height)
    image = np.zeros((events.size.height, events.size.width))
    np.add.at(image, (y[inside], x[inside]), sign[inside])
    return float(image[:, 12:-12].var())


def test_time_cannot_run_backwards() -> None:
    stage = wall_stage()
    stage.events(10_000)
    with pytest.raises(ConfigError, match="Expected at least 10,000"):
        stage.events(5_000)


def test_light_of_another_scene_is_refused() -> None:
    with pytest.raises(DataError, match="this very scene"):
        pack_world(wall_scene(post_m=1.0), flat_light(wall_scene()))


def test_key_frames_follow_the_fastest_motion() -> None:
    slow, fast = wall_stage(velocity=(0.2, 0.0, 0.0)), wall_stage(velocity=(160.0, 0.0, 0.0))
    slow.events(1), fast.events(1)
    assert slow._pause_us(1, slow._seen) == 20_000
    assert fast._pause_us(1, fast._seen) == pytest.approx(
        1e6 * MOST_MOTION_PX / (60 * 160 / 4), rel=0.01
    )


def test_a_scene_beyond_the_camera_is_sky() -> None:
    stage = wall_stage(start=(0.0, 50.0, 0.0))
    ids, depth = nearest_surfaces(
        stage.world, stage.frames("left", np.array([0]))[0][0], stage.grid("left")
    )
    assert (ids == SKY).all() and np.isinf(depth).all()
