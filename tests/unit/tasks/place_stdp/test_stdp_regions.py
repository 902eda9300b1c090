"""Places shared out among modules, and orders undone."""

import numpy as np
import pytest

from saccade.errors import ConfigError, ShapeError
from saccade.events import Events, SensorSize
from saccade.tasks.place_stdp.event_input import Region, block_counts
from saccade.tasks.place_stdp.regions import (
    Regions,
    consecutive_regions,
    published_regions,
    shuffled_regions,
)


@pytest.mark.parametrize("draw", [shuffled_regions, published_regions])
def test_orders_hold_every_place_once_and_share_their_calibration(draw: object) -> None:
    orders = [draw(50, calibration=12, seed=seed) for seed in (0, 1, 2)]  # type: ignore[operator]
    for regions in orders:
        assert sorted(regions.order) == list(range(50))
        assert set(regions.places("calibration")) == set(orders[0].places("calibration"))
        assert len(regions.places("test")) == 38
    assert len({tuple(regions.order) for regions in orders}) == 3
    again = draw(50, calibration=12, seed=1)  # type: ignore[operator]
    assert (again.order == orders[1].order).all()


def test_modules_take_runs_of_positions_and_the_last_may_be_short() -> None:
    regions = shuffled_regions(53, calibration=10, seed=3)
    for part, count in (("calibration", 2), ("test", 9), ("all", 11)):
        modules = regions.modules(5, part=part)  # type: ignore[arg-type]
        assert len(modules) == count
        np.testing.assert_array_equal(np.concatenate(modules), regions.places(part))  # type: ignore[arg-type]
    assert len(regions.modules(5, part="test")[-1]) == 3
    assert consecutive_regions(6).modules(4)[1].tolist() == [4, 5]


def test_undoing_the_order_brings_truth_back_to_the_diagonal() -> None:
    regions = published_regions(20, calibration=6, seed=7)
    places = regions.places("test")
    scores = (places[:, None] == places).astype(float)
    np.testing.assert_array_equal(regions.in_order(scores, part="test"), np.eye(14))


def test_defect_2_a_matrix_that_is_not_square_has_its_order_undone() -> None:
    regions = shuffled_regions(7, seed=5)
    queries = np.array([3, 1, 3, 6])
    scores = 10.0 * queries[:, None] + regions.order
    found = regions.in_order(scores, queries=queries)
    np.testing.assert_array_equal(found, 10.0 * np.array([1, 3, 3, 6])[:, None] + np.arange(7))
    with pytest.raises(ShapeError, match="Say queries="):
        regions.in_order(scores)
    with pytest.raises(ShapeError, match=r"Expected \[4, 7\]"):
        regions.in_order(scores.T, queries=queries)


def test_orders_that_are_none_are_refused() -> None:
    for order in ([0, 0, 1], [1, 2, 3], [[0, 1]]):
        with pytest.raises(ConfigError, match="every place"):
            Regions(np.array(order))
    for draw in (consecutive_regions, shuffled_regions, published_regions):
        with pytest.raises(ConfigError, match="calibration places"):
            draw(4, calibration=5)
    with pytest.raises(ConfigError, match="part is 'train'"):
        consecutive_regions(4).places("train")  # type: ignore[arg-type]
    with pytest.raises(ConfigError, match="0 places in a module"):
        consecutive_regions(4).modules(0)


def recording(count: int = 4000) -> Events:
    rng = np.random.default_rng(0)
    x, y = rng.integers(0, 32, count), rng.integers(0, 24, count)
    return Events(x, y, np.arange(count), rng.integers(0, 2, count), SensorSize(24, 32))


def test_blocks_count_the_events_of_their_pixels_alone() -> None:
    events = recording()
    windows = np.array([[0, 1500], [1500, 1500], [1000, 4000]])
    region = Region(top=2, left=5, height=16, width=24)
    for whole in (False, True):
        found = block_counts(events, windows, region, (4, 3), whole_blocks=whole)
        for k, (start, stop) in enumerate(windows):
            frame = np.zeros((24, 32), int)
            np.add.at(frame, (events.y[start:stop], events.x[start:stop]), 1)
            cut = region.cut(frame)
            blocks = cut.reshape(4, 4, 3, 8).sum((1, 3)) if whole else cut[1::4, 3::8]
            np.testing.assert_array_equal(found[k], np.minimum(blocks, 255).ravel())
    assert not found[1].any()


def test_regions_outside_the_sensor_and_blocks_that_do_not_divide_are_refused() -> None:
    events, windows = recording(10), np.array([[0, 10]])
    with pytest.raises(ConfigError, match="Expected it inside"):
        block_counts(events, windows, Region(10, 0, 16, 16))
    with pytest.raises(ConfigError, match="not whole"):
        block_counts(events, windows, Region(0, 0, 16, 16), (5, 4))
    with pytest.raises(ConfigError, match="Expected it inside"):
        Region.centred(SensorSize(24, 32), 40, 40)
    with pytest.raises(ConfigError, match="sides of at least 1"):
        Region(0, 0, 0, 4)
    with pytest.raises(ShapeError):
        block_counts(events, np.array([[0, 11]]), Region(0, 0, 20, 20))
