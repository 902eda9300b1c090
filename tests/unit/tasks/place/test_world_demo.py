"""The world of the demo: made once, searched with position truth, shown in the report."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from saccade.events import Events, SensorSize
from saccade.tasks.place.config import DemoConfig
from saccade.tasks.place.world_demo import (
    CONDITIONS,
    describe,
    recall_table,
    search_world,
    world_sections,
)


@pytest.fixture(scope="module")
def config(tmp_path_factory: pytest.TempPathFactory) -> DemoConfig:
    return DemoConfig(out=tmp_path_factory.mktemp("demo"), world_s=3.0, world_size="64x48")


def test_the_world_is_driven_twice_searched_and_shown(config: DemoConfig) -> None:
    found = search_world(config)
    assert set(found.recordings) == set(CONDITIONS)
    assert found.seconds > 0
    assert found.scores.shape == (len(found.query_m), len(found.reference_m))
    assert np.all(np.diff(found.query_m) > 0)
    assert recall_table(found).rows[0][0] == "recall@1"
    titles = [section.title for section in world_sections(config, found)]
    assert titles == ["The simulated world", "Places of the night found in the day"]


def test_a_finished_world_is_used_again(config: DemoConfig) -> None:
    before = {path: path.stat().st_mtime_ns for path in (config.out / "world").iterdir()}
    assert search_world(config).seconds == 0
    assert before == {path: path.stat().st_mtime_ns for path in (config.out / "world").iterdir()}


def test_the_command_in_the_report_makes_the_same_world(config: DemoConfig, tmp_path: Path) -> None:
    from saccade.cli.main import main
    from saccade.tasks.place.world_demo import world_command

    words = world_command(config).split()[1:-1]
    assert main([*words, str(tmp_path / "again")]) == 0
    for path in (config.out / "world").glob("*.raw"):
        assert path.read_bytes() == (tmp_path / "again" / path.name).read_bytes()


def test_a_frame_without_events_has_no_direction() -> None:
    events = Events([3], [3], [50], [1], SensorSize(16, 16))
    vectors = describe(events, np.array([0, 200_000]))
    np.testing.assert_allclose(np.linalg.norm(vectors, axis=1), [1.0, 0.0], atol=1e-6)
