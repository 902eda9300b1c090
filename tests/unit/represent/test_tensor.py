"""The torch face: every representation by name, and windows as time steps."""

import numpy as np
import pytest
import torch

from saccade.errors import ConfigError, ShapeError
from saccade.events import Events, SensorSize
from saccade.represent import REPRESENTATIONS, count_frames, time_surfaces, voxel_grids
from saccade.represent.tensor import as_steps, represent

WINDOWS = np.array([[0, 3], [3, 5], [5, 5], [0, 6]])
OPTIONS: dict[str, tuple[tuple[object, ...], int, torch.dtype]] = {
    "count": ((WINDOWS,), 2, torch.float32),
    "event_frame": ((WINDOWS,), 1, torch.float32),
    "voxel": ((WINDOWS, 5), 5, torch.float32),
    "time_surface": (([5, 20, 40, 80], 30.0), 2, torch.float32),
    "polarity_mask": ((WINDOWS,), 2, torch.bool),
    "event_mask": ((WINDOWS,), 1, torch.bool),
}


def some_events() -> Events:
    return Events(
        [0, 1, 2, 1, 0, 2], [0] * 6, [0, 5, 9, 9, 30, 60], [1, 0, 1, 1, 0, 0], SensorSize(2, 3)
    )


@pytest.mark.parametrize("name", REPRESENTATIONS)
def test_every_representation_is_a_tensor_of_windows(name: str) -> None:
    args, channels, dtype = OPTIONS[name]
    frames = represent(name, some_events(), *args)
    assert frames.shape == (4, channels, 2, 3)
    assert frames.dtype == dtype
    assert frames.any()


def test_tensors_hold_what_the_numpy_forms_give() -> None:
    events = some_events()
    pairs = [
        (represent("count", events, WINDOWS, dtype=np.int32), count_frames(events, WINDOWS)),
        (
            represent("voxel", events, WINDOWS, 3, weighting="bins"),
            voxel_grids(events, WINDOWS, 3, weighting="bins"),
        ),
        (represent("time_surface", events, [40], tau_us=9.0), time_surfaces(events, [40], 9.0)),
    ]
    for tensor, array in pairs:
        np.testing.assert_array_equal(tensor.numpy(), array)


def test_an_unknown_representation_is_answered_with_the_nearest() -> None:
    with pytest.raises(ConfigError, match="Did you mean 'voxel'"):
        represent("voxels", some_events(), WINDOWS)


def test_consecutive_windows_become_the_steps_of_a_sample() -> None:
    frames = torch.arange(12.0).reshape(6, 2, 1, 1)
    steps = as_steps(frames, 3)
    assert steps.shape == (3, 2, 2, 1, 1)
    for t in range(3):
        for b in range(2):
            assert torch.equal(steps[t, b], frames[b * 3 + t])
    assert steps.data_ptr() == frames.data_ptr()


def test_windows_that_do_not_fill_the_samples_are_refused() -> None:
    with pytest.raises(ShapeError, match="samples of 4 steps"):
        as_steps(torch.zeros(6, 2, 1, 1), 4)
