"""The preview shows what it is given: frame, events, depth in metres, direction and speed."""

from __future__ import annotations

import io
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from PIL import Image

from saccade.errors import ConfigError, EventError
from saccade.events import Events, SensorSize
from saccade.view.maps import NOTHING, depth_bar, depth_colors, flow_colors, flow_wheel
from saccade.view.simulation import Moment, Scales, preview_frame
from saccade.view.simulation_film import (
    film_palette,
    moments,
    save_film,
    save_sheet,
    scales_of,
)

SIZE = SensorSize(60, 250)
TOP, LEFT, STEP = 26 + 20, 8, 250 + 8  # header and title; gap; panel and gap


def moment(k: int = 0, flow: bool = True) -> Moment:
    rng = np.random.default_rng(k)
    n = 400
    events = Events(
        rng.integers(0, SIZE.width, n),
        rng.integers(0, SIZE.height, n),
        np.sort(rng.integers(0, 40_000, n)),
        rng.integers(0, 2, n),
        SIZE,
    )
    depth = np.full((SIZE.height, SIZE.width), 4.0 + k, np.float32)
    depth[:10] = np.nan
    field = np.zeros((2, SIZE.height, SIZE.width), np.float32)
    field[0] = 4.0
    return Moment(
        time_us=40_000 * k,
        image=rng.integers(0, 256, (SIZE.height, SIZE.width), dtype=np.uint8),
        events=events,
        depth=depth,
        flow=field if flow else None,
        events_us=40_000,
        flow_us=40_000 if flow else 0,
    )


def page_of(shown: Moment, **changes: object) -> np.ndarray:
    values: dict = {
        "time_us": shown.time_us,
        "events_us": shown.events_us,
        "flow_us": shown.flow_us,
        "scales": Scales(near_m=1, far_m=16, flow_px_s=100),
        "title": "street, day",
        "max_width": 4 * 250 + 5 * 8,
        **changes,
    }
    return preview_frame(shown.image, shown.events, shown.depth, shown.flow, **values)


def panel(page: np.ndarray, number: int) -> np.ndarray:
    """A panel without its frame of one pixel."""
    left = LEFT + number * STEP
    return page[TOP + 1 : TOP + SIZE.height - 1, left + 1 : left + SIZE.width - 1]


def test_the_four_panels_show_what_they_are_given() -> None:
    shown = moment()
    page = page_of(shown)
    assert page.shape[1] == 4 * 250 + 5 * 8
    intensity, events, depth, flow = (panel(page, k) for k in range(4))
    assert (intensity == shown.image[1:-1, 1:-1, None]).all()
    fired = np.zeros((SIZE.height, SIZE.width), bool)
    fired[shown.events.y, shown.events.x] = True
    assert ((events != 255).any(axis=2) == fired[1:-1, 1:-1]).all()
    assert (depth[:9] == NOTHING).all()
    assert (depth[9:] == depth_colors(shown.depth, 1, 16)[10, 0]).all()
    assert (flow == flow_colors(np.array([[[1.0]], [[0.0]]], np.float32), 1.0)[0, 0]).all()


def test_on_and_off_have_the_colours_of_the_legend() -> None:
    one = Events([5, 9], [20, 20], [1, 2], [1, 0], SIZE)
    page = page_of(Moment(**{**vars(moment()), "events": one}))
    events = panel(page, 1)
    on, off = events[19, 4].astype(int), events[19, 8].astype(int)
    assert on[2] > on[0] and off[0] > off[2]  # blue and orange


def test_flow_has_the_colour_of_its_direction_on_the_wheel() -> None:
    wheel = flow_wheel(41).astype(int)
    for u, v in ((1, 0), (0, 1), (-1, 0), (0, -1), (0.7, 0.7)):
        field = np.array([[[u]], [[v]]], np.float32)
        x, y = round(20 + 18 * u / np.hypot(u, v)), round(20 + 18 * v / np.hypot(u, v))
        speed = float(np.hypot((x - 20) / 20.5, (y - 20) / 20.5) / np.hypot(u, v))
        shown = flow_colors(field * np.float32(speed), 1.0)[0, 0].astype(int)
        assert np.abs(shown - wheel[y, x]).max() <= 3
    right, left = wheel[20, 38], wheel[20, 2]
    assert right[0] > right[2] and left[2] > left[0]


def test_faster_is_stronger_until_the_rim() -> None:
    speeds = np.array([[[0.0, 25.0, 50.0, 100.0, 300.0]], [[0.0] * 5]], np.float32)
    shown = flow_colors(speeds, 100.0)[0].astype(int)
    strength = 255 - shown.min(axis=1)
    assert strength[0] == 0
    assert (np.diff(strength[:4]) > 0).all()
    assert (shown[3] == shown[4]).all()


def test_depth_colours_are_those_of_the_bar() -> None:
    bar = depth_bar(4, 90)
    depth = np.geomspace(2, 50, 90, dtype=np.float32)[None]
    shown = depth_colors(depth, 2, 50).astype(int)
    assert np.abs(shown - bar[:1].astype(int)).max() <= 6
    assert shown[0, 0, 0] > shown[0, 0, 2] and shown[0, 85, 2] > shown[0, 85, 0]
    nearer = depth_colors(np.array([[0.5, 2.0]], np.float32), 2, 50)
    assert (nearer[0, 0] == nearer[0, 1]).all()


@pytest.mark.parametrize("ends", [(0.0, 5.0), (5.0, 5.0), (9.0, 5.0)])
def test_a_scale_without_length_is_refused(ends: tuple[float, float]) -> None:
    with pytest.raises(ConfigError, match="Expected 0 < near < far"):
        depth_colors(np.ones((2, 2), np.float32), *ends)
    with pytest.raises(ConfigError, match="more than 0"):
        flow_colors(np.ones((2, 2, 2), np.float32), 0.0)


def test_a_frame_without_flow_says_so_in_grey() -> None:
    page = page_of(moment(flow=False))
    assert (panel(page, 3) == NOTHING).all()
    assert page.shape == page_of(moment()).shape


@pytest.mark.parametrize("shape", [(7, 700), (480, 641), (31, 20), (260, 346)])
def test_panels_are_alike_for_every_sensor_size(shape: tuple[int, int]) -> None:
    size = SensorSize(*shape)
    field = np.ones((2, *shape), np.float32)
    page = preview_frame(
        np.full(shape, 90, np.uint8),
        Events([0], [0], [0], [1], size),
        np.ones(shape, np.float32),
        field,
        time_us=0,
        events_us=1_000,
        flow_us=1_000,
    )
    assert page.shape[0] % 2 == page.shape[1] % 2 == 0
    assert page.shape[1] <= 1_600


def test_a_large_sensor_is_shrunk_to_means() -> None:
    image = np.tile(np.array([[0, 100], [200, 100]], np.uint8), (30, 250))
    size = SensorSize(60, 500)
    page = preview_frame(
        image,
        Events.empty(size),
        np.ones((60, 500), np.float32),
        None,
        time_us=0,
        events_us=1,
        max_width=4 * 250 + 5 * 8,
    )
    assert (page[TOP + 1 : TOP + 29, LEFT + 1 : LEFT + 249] == 100).all()


def test_scales_end_at_round_numbers_around_what_is_seen() -> None:
    shown = [moment(k) for k in range(3)]  # depths 4, 5, 6 m; 4 px in 40 ms
    scales = scales_of(shown)
    assert scales.near_m == 3.0 and scales.far_m == 7.0
    assert scales.flow_px_s == 100.0
    assert scales_of([moment(flow=False)]).flow_px_s == 1.0


def parts(spans_us: list[tuple[int, int]]) -> list[SimpleNamespace]:
    """A recording with one event a millisecond, a frame and a label every 40 ms."""
    found = []
    for start, end in spans_us:
        t = np.arange(-(-start // 1_000) * 1_000, end, 1_000)
        frames = np.arange(-(-start // 40_000) * 40_000, end, 40_000)
        spans = np.stack([frames - 40_000, frames], axis=1)[frames > 0]
        maps = np.broadcast_to(spans[:, :1, None, None] / 1e6, (len(spans), 2, 60, 250))
        long = spans[(spans[:, 1] % 160_000) == 0] - [[120_000, 0]]
        found.append(
            SimpleNamespace(
                start_us=start,
                end_us=end,
                events={"left": Events(0 * t, 0 * t, t, 0 * t, SIZE)},
                image_us=frames,
                images={"left": np.zeros((len(frames), 60, 250), np.uint8)},
                label_us=frames,
                depth={"left": np.full((len(frames), 60, 250), 2, np.float32)},
                flow={
                    "dt4": np.ones((len(long), 2, 60, 250), np.float32),
                    "dt1": maps.astype(np.float32),
                },
                flow_us={"dt4": long, "dt1": spans},
            )
        )
    return found


@pytest.mark.parametrize("cuts", [[1_000_000], [100_500, 400_000, 1_000_000], [30_000, 1_000_000]])
def test_moments_do_not_depend_on_where_parts_are_cut(cuts: list[int]) -> None:
    spans = list(zip([0, *cuts[:-1]], cuts, strict=True))
    seen = list(moments(parts(spans)))
    assert [item.time_us for item in seen] == list(range(0, 1_000_000, 40_000))
    assert len(seen[0].events) == 0 and seen[0].flow is None
    for k, item in enumerate(seen[1:], 1):
        assert item.events.t.tolist() == list(range((k - 1) * 40_000, k * 40_000, 1_000))
        assert item.flow_us == 40_000  # the span of one frame, not of four
        assert item.flow is not None and item.flow[0, 0, 0] == pytest.approx((k - 1) * 0.04)
        assert item.events_us == 40_000


def test_a_frame_without_depth_is_refused() -> None:
    part = parts([(0, 100_000)])[0]
    part.label_us = part.label_us + 1
    with pytest.raises(EventError, match="has no depth"):
        list(moments([part]))


def test_a_gif_has_every_frame_but_the_first_and_one_palette(tmp_path: Path) -> None:
    path = tmp_path / "film.gif"
    assert save_film(moments(parts([(0, 1_000_000)])), path, fps=20, title="room") == 24
    with Image.open(path) as film:
        assert film.n_frames == 24
        assert film.info["duration"] == 50
        film.seek(7)
        shown = np.asarray(film.convert("RGB")).astype(int)
    assert [p.name for p in tmp_path.iterdir()] == ["film.gif"]
    assert len(np.unique(shown.reshape(-1, 3), axis=0)) <= 256
    assert (shown[:, -1] == 255).all()


def test_the_palette_of_a_film_is_close_to_every_colour_of_its_pages() -> None:
    pages = [page_of(moment(k)) for k in range(4)]
    colors = film_palette(pages).astype(int)
    pixels, count = np.unique(pages[2].reshape(-1, 3), axis=0, return_counts=True)
    distance = np.abs(colors[None] - pixels[:, None].astype(int)).max(axis=2).min(axis=1)
    assert colors.shape == (256, 3)
    assert count[distance > 24].sum() < 0.01 * count.sum()
    assert (count * distance).sum() < 1.0 * count.sum()


def test_an_mp4_holds_the_frames(tmp_path: Path) -> None:
    av = pytest.importorskip("av", reason="the extra video is not installed")
    path = tmp_path / "film.mp4"
    assert save_film(moments(parts([(0, 500_000)])), path, fps=12.5) == 12
    with av.open(str(path)) as container:
        stream = container.streams.video[0]
        frames = [frame.to_ndarray(format="rgb24") for frame in container.decode(stream)]
        assert float(stream.average_rate) == 12.5
    assert len(frames) == 12
    depth = frames[5][TOP + 30, LEFT + 2 * STEP + 100].astype(int)
    expected = depth_colors(np.full((1, 1), 2, np.float32), 2.0, 4.0)[0, 0].astype(int)
    assert np.abs(depth - expected).max() < 40


def test_a_film_of_nothing_is_refused_and_leaves_nothing(tmp_path: Path) -> None:
    with pytest.raises(EventError, match="no frames"):
        save_film([], tmp_path / "film.gif")
    with pytest.raises(EventError, match="no rows"):
        save_sheet([], tmp_path / "sheet.png")
    assert not list(tmp_path.iterdir())


def test_a_sheet_has_a_row_for_each_condition(tmp_path: Path) -> None:
    path = save_sheet([(name, moment(k)) for k, name in enumerate("abc")], tmp_path / "sheet.png")
    with Image.open(io.BytesIO(path.read_bytes())) as sheet:
        assert sheet.height == 3 * page_of(moment()).shape[0]
