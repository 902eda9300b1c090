"""Images, depth, flow and events of the room agree with each other."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from saccade.events import Events, SensorSize
from saccade.simulate.camera import Camera
from saccade.simulate.light import CONDITIONS, light_scene
from saccade.simulate.pixel import PixelModel
from saccade.simulate.room import build_room
from saccade.simulate.stage import Placed, Stage
from saccade.simulate.truth import depth_map, disparity_map, flow_map
from stage_scenes import Straight
from warping import assert_the_next_frame_is_this_one, sample

SIZE = SensorSize(260, 346)
BASELINE_M = 0.1


@pytest.fixture(scope="module")
def stage() -> Stage:
    """Two parallel cameras that slide along the desk; the board turns."""
    scene = build_room(3)
    camera = Camera.centred(SIZE, 75)
    right = np.eye(4)
    right[0, 3] = BASELINE_M
    return Stage(
        scene,
        light_scene(scene, CONDITIONS["room"], 3),
        {"left": Placed(camera, np.eye(4)), "right": Placed(camera, right)},
        Straight((2.7, 1.3, 1.3), (0.4, 0.1, 0.0)),
        PixelModel.davis346(),
        seed=3,
    )


@pytest.mark.parametrize("begin_us", [0, 400_000, 900_000])
def test_the_next_frame_warped_by_the_flow_is_this_one(stage: Stage, begin_us: int) -> None:
    assert_the_next_frame_is_this_one(stage, begin_us, begin_us + 33_333)


def test_depth_of_left_and_right_agree_through_disparity(stage: Stage) -> None:
    focal = stage.cameras["left"].camera.fx
    left, right = (
        disparity_map(depth_map(stage, name, 250_000), focal, BASELINE_M)
        for name in ("left", "right")
    )
    y, x = np.mgrid[0 : SIZE.height, 0 : SIZE.width]
    there = x - left
    inside = (there >= 0) & (there <= SIZE.width - 1)
    found = sample(right, np.where(inside, there, 0), y)
    agree = np.abs(found - left) < 0.1
    assert inside.mean() > 0.9
    assert agree[inside].mean() > 0.9  # the rest is hidden from one camera, or an edge
    hidden = inside & ~agree
    assert (found[hidden] > left[hidden]).mean() > 0.5  # by something nearer


def test_warped_events_are_sharpest_at_the_true_flow(stage: Stage) -> None:
    scene = build_room(4)
    moving = Stage(
        scene,
        light_scene(scene, CONDITIONS["room"], 4),
        {"left": Placed(Camera.centred(SIZE, 75), np.eye(4))},
        Straight((2.7, 1.3, 1.3), (0.8, 0.0, 0.0)),
        PixelModel.ideal(0.1),
    )
    span_us = 150_000
    events = moving.events(span_us)["left"]
    flow = flow_map(moving, "left", 0, span_us)
    scales = np.arange(0.6, 1.41, 0.05)
    sharp = [sharpness(events, flow, span_us, scale) for scale in scales]
    assert abs(scales[int(np.argmax(sharp))] - 1.0) <= 0.051
    assert max(sharp) > 1.2 * sharpness(events, flow, span_us, 0.0)


def sharpness(events: Events, flow: NDArray[np.float32], span_us: int, scale: float) -> float:
    """Variance of the image of events, each moved back along the flow of where it began.

    The flow is known at time 0; two rounds find the place that was at the event's pixel.
    """
    x, y = events.x.astype(float), events.y.astype(float)
    share = events.t / span_us
    u, v = np.nan_to_num(flow[0]), np.nan_to_num(flow[1])
    x0, y0 = x, y
    for _ in range(3):
        i = np.clip(np.rint(x0).astype(int), 0, SIZE.width - 1)
        j = np.clip(np.rint(y0).astype(int), 0, SIZE.height - 1)
        x0, y0 = x - scale * share * u[j, i], y - scale * share * v[j, i]
    i, j = np.rint(x0).astype(int), np.rint(y0).astype(int)
    inside = (i >= 0) & (i < SIZE.width) & (j >= 0) & (j < SIZE.height)
    image = np.zeros((SIZE.height, SIZE.width))
    sign = np.where(events.p == 1, 1.0, -1.0)
    np.add.at(image, (j[inside], i[inside]), sign[inside])
    return float(image.var())
