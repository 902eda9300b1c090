"""What is planned for a request: which recordings, under which names."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from saccade.simulate.config import PixelConfig, TraverseConfig
from saccade.simulate.worlds import plan


def test_a_second_drive_in_the_same_light_has_a_number(tmp_path: Path) -> None:
    config = TraverseConfig(
        out=tmp_path,
        condition=("day", "night", "day"),
        seconds=1,
        route_m=100,
        pixels=PixelConfig(size="32x24"),
    )
    drives: list[Any] = [job.recording for job in plan(config)]
    assert [drive.name for drive in drives] == ["day", "night", "day2"]
    assert [drive.condition for drive in drives] == ["day", "night", "day"]
    assert not np.array_equal(drives[0].track.speed_m_s, drives[2].track.speed_m_s)
