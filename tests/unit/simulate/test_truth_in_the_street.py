"""Images, depth and flow of a drive agree with each other, by day and by night."""

from __future__ import annotations

import pytest

from saccade.simulate.camera import Camera
from saccade.simulate.shot import Shot, prepare
from saccade.simulate.stage import Stage
from warping import assert_the_next_frame_is_this_one


@pytest.fixture(scope="module", params=["day", "night"])
def stage(request: pytest.FixtureRequest) -> Stage:
    """A short street at 10 m/s, head lamps off: their light moves along, which no flow tells."""
    shot = Shot(
        name="drive",
        condition=request.param,
        camera=Camera.davis346(),
        seed=2,
        duration_s=4.0,
        world_m=200.0,
        stops=0,
    )
    stage = prepare(shot)[1]().stage
    stage.world = stage.world._replace(headlamp_cd=0.0)
    return stage


@pytest.mark.parametrize("begin_us", [1_000_000, 2_500_000])
def test_the_next_frame_warped_by_the_flow_is_this_one(stage: Stage, begin_us: int) -> None:
    assert_the_next_frame_is_this_one(stage, begin_us, begin_us + 33_333, least_seen=0.85)
