"""The world of the demo: made once, searched with position truth, shown in the report."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from saccade.events import Events, SensorSize
from saccade.tasks.place.config import DemoConfig
from saccade.tasks.place.world_demo import (
    CONDITIONS,
    WEIGHTS,
    count_every_few_metres,
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
    assert list(found.scores) == ["network", "own_centred/4"]
    for scores in found.scores.values():
        assert scores.shape == (len(found.query_m), len(found.reference_m))
    assert np.all(np.diff(found.query_m) > 0)
    table = recall_table(found)
    assert table.rows[0][0] == "recall@1"
    assert table.rows[0][1] == pytest.approx(float(np.mean(found.is_right)))
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


def test_frames_are_counted_around_a_moment() -> None:
    events = Events([3, 4, 5], [3] * 3, [70_000, 100_000, 124_999], [1, 0, 1], SensorSize(16, 16))
    frames = count_every_few_metres(events, np.array([100_000, 300_000]))
    assert frames.shape == (2, 2, 16, 16)
    assert frames[0].sum() == 2 and frames[0, 0, 3, 4] == frames[0, 1, 3, 5] == 1
    assert not frames[1].any()


def test_the_network_of_the_demo_comes_with_saccade() -> None:
    from saccade import hub
    from saccade.hub.store import PACKAGED

    path, card = hub.load(WEIGHTS)
    assert path.parent == PACKAGED
    assert card.provenance.kind == "simulated" and not card.where
