"""Recordings to windows to frames: where windows lie, what frames hold, what is refused."""

from pathlib import Path

import numpy as np
import pytest
from drives import PLACE_US, SIZE, drive

import saccade
from saccade.errors import ConfigError, EventError
from saccade.events import Events, SensorSize
from saccade.represent import count_frame
from saccade.tasks.place.config import WindowArgs
from saccade.tasks.place.data import cut, open_windows


def test_windows_by_time_start_at_the_first_event() -> None:
    windows = cut(drive([0, 1, 2], seed=1), WindowArgs(window_us=PLACE_US))
    assert windows.t_start_us.tolist() == [0, 100_000, 200_000]
    assert windows.t_end_us.tolist() == [100_000, 200_000, 300_000]
    assert windows.event_count.tolist() == [1_500, 1_500, 1_501]


def test_windows_may_overlap() -> None:
    windows = cut(drive([0, 1, 2], seed=1), WindowArgs(window_us=PLACE_US, step_us=50_000))
    assert windows.t_start_us.tolist() == [0, 50_000, 100_000, 150_000, 200_000]


def test_frame_of_a_window_is_its_count_frame() -> None:
    events = drive([0, 1, 2], seed=1)
    windows = cut(events, WindowArgs(window_us=PLACE_US))
    frames = windows.frames(np.array([2, 0]))
    assert frames.shape == (1, 2, 2, 64, 96) and frames.dtype == np.float32
    for k, frame in zip((2, 0), frames[0], strict=True):
        piece = events.slice_time(k * PLACE_US, (k + 1) * PLACE_US)
        assert np.array_equal(frame, count_frame(piece))


@pytest.mark.parametrize(
    "args",
    [
        WindowArgs(window_us=PLACE_US, steps=4),
        WindowArgs(window_events=700, steps=4),
        WindowArgs(window_us=PLACE_US, max_events=90, steps=3),
    ],
    ids=["time", "count", "capped"],
)
def test_steps_of_a_window_add_up_to_it(args: WindowArgs) -> None:
    events = drive([0, 1, 2], seed=1)
    windows = cut(events, args)
    frames = windows.frames(np.arange(len(windows)))
    assert frames.shape[0] == args.steps
    for k, (start, end) in enumerate(windows.ranges.tolist()):
        assert np.array_equal(frames[:, k].sum(0), count_frame(events[start:end]))
        if args.max_events is None:
            assert frames[:, k].sum((1, 2, 3)).min() > 0.2 * (end - start) / args.steps


def test_steps_have_equal_durations() -> None:
    events = Events([0] * 5, [0] * 5, [0, 9, 10, 19, 20], [0] * 5, SensorSize(1, 1))
    windows = cut(events, WindowArgs(window_us=20, steps=2))
    assert windows.frames(np.array([0])).ravel().tolist() == [2, 0, 2, 0]


def test_windows_by_count_hold_that_many_events() -> None:
    windows = cut(drive([0, 1], seed=1), WindowArgs(window_events=1_000))
    assert windows.event_count.tolist() == [1_000, 1_000, 1_000]
    assert (windows.t_end_us > windows.t_start_us).all()


def test_most_events_of_a_window_are_the_first_ones() -> None:
    events = drive([0, 1], seed=1)
    windows = cut(events, WindowArgs(window_us=PLACE_US, max_events=100))
    assert windows.event_count.tolist() == [100, 100]
    expected = count_frame(events[:100])
    assert np.array_equal(windows.frames(np.array([0]))[0, 0], expected)


def test_recording_shorter_than_a_window_is_one_window() -> None:
    events = drive([0], seed=1)
    windows = cut(events, WindowArgs(window_us=10 * PLACE_US))
    assert windows.event_count.tolist() == [len(events)]
    assert windows.t_end_us.tolist() == [int(events.t[-1]) + 1]


def test_window_without_events_is_kept_and_marked() -> None:
    windows = cut(drive([0, None, 1], seed=1), WindowArgs(window_us=PLACE_US))
    assert windows.event_count[1] == 0
    assert windows.calibration().tolist() == [0, 2]
    assert dict(row[:2] for row in windows.table().rows)["empty frames"] == 1


def test_recording_without_events_is_refused() -> None:
    with pytest.raises(EventError, match="night holds no event"):
        cut(Events.empty(SIZE), WindowArgs(), "night")


def test_events_are_scaled_down_when_asked() -> None:
    events = drive([0, 1], seed=1)
    windows = cut(events, WindowArgs(window_us=PLACE_US, input_size="48x32"))
    assert windows.size == SensorSize(32, 48) and windows.sensor == SIZE
    frame, full = windows.frames(np.array([0]))[0, 0], count_frame(events.slice_time(0, PLACE_US))
    assert np.array_equal(frame, full.reshape(2, 32, 2, 48, 2).sum((2, 4)))


def test_events_are_not_scaled_up() -> None:
    with pytest.raises(ConfigError, match=r"--input-size 346x260 is larger than the sensor, 96x64"):
        cut(drive([0], seed=1), WindowArgs(input_size="346x260"))


def test_cells_sum_the_pixels_they_cover() -> None:
    events = drive([0, 1], seed=1, size=SensorSize(62, 90))
    windows = cut(events, WindowArgs(window_us=PLACE_US))
    cells = windows.cells(8)
    assert cells.shape == (2, 2 * 8 * 12)
    padded = np.pad(count_frame(events.slice_time(0, PLACE_US)), ((0, 0), (0, 2), (0, 6)))
    expected = padded.reshape(2, 8, 8, 12, 8).sum((2, 4))
    assert np.array_equal(cells[0], expected.ravel())


def test_calibration_windows_are_spread_over_the_recording() -> None:
    windows = cut(drive(list(range(9)), seed=1), WindowArgs(window_us=PLACE_US))
    assert windows.calibration(most=3).tolist() == [0, 4, 8]
    assert len(windows.calibration(most=99)) == 9


def test_rate_is_the_median_of_filled_windows() -> None:
    windows = cut(drive([0, None, 1], seed=1), WindowArgs(window_us=PLACE_US))
    assert windows.rate == pytest.approx(1_500.5 / (64 * 96))


def test_file_is_opened_with_what_the_user_knows(tmp_path: Path) -> None:
    saccade.save(drive([0, 1], seed=1), tmp_path / "drive.npz")
    windows = open_windows(tmp_path / "drive.npz", WindowArgs(window_us=PLACE_US))
    assert windows.name == "drive.npz" and len(windows) == 2


@pytest.mark.parametrize(
    ("settings", "text"),
    [
        ({"window_us": 0}, "--window-us 0"),
        ({"window_us": 10, "window_events": 10}, "one of the two"),
        ({"window_events": 10, "step_us": 5}, "--step-us"),
        ({"input_size": "346"}, "--input-size '346'.*346x260"),
        ({"steps": 0}, "--steps 0"),
        ({"max_events": -1}, "--max-events -1"),
    ],
)
def test_wrong_arguments_name_the_flag(settings: dict[str, object], text: str) -> None:
    with pytest.raises(ConfigError, match=text):
        WindowArgs(**settings)  # pyright: ignore[reportArgumentType]
