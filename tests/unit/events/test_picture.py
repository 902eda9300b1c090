"""The notebook picture of events."""

import io

import numpy as np
import pytest
from hypothesis import given, settings
from PIL import Image

from event_strategies import recordings
from saccade.events import Events, SensorSize, events_png


def pixels(events: Events) -> np.ndarray:
    return np.asarray(Image.open(io.BytesIO(events_png(events))).convert("RGBA"))


@settings(max_examples=20)
@given(recordings())
def test_picture_is_at_most_480_wide_and_keeps_the_proportions(events: Events) -> None:
    height, width = pixels(events).shape[:2]
    assert width <= 480
    assert abs(height / width - events.size.height / events.size.width) <= 2 * max(
        1, height / width
    ) / min(width, height)


def test_on_is_blue_and_off_is_orange_on_nothing() -> None:
    events = Events([10, 20], [10, 20], [1, 2], [1, 0], SensorSize(height=30, width=480))
    image = pixels(events)
    red, _, blue, alpha = image[10, 10]
    assert blue > red and alpha == 255
    red, _, blue, alpha = image[20, 20]
    assert red > blue and alpha == 255
    assert image[15, 15, 3] == 0


@pytest.mark.parametrize("polarity", [0, 1])
def test_colours_read_on_white_and_on_black(polarity: int) -> None:
    events = Events([10], [10], [1], [polarity], SensorSize(height=30, width=480))
    linear = [(value / 255) ** 2.2 for value in pixels(events)[10, 10, :3]]
    luminance = float(np.dot(linear, [0.2126, 0.7152, 0.0722]))
    assert 1.05 / (luminance + 0.05) >= 3
    assert (luminance + 0.05) / 0.05 >= 3


def test_no_event_vanishes_when_a_large_sensor_is_shrunk() -> None:
    events = Events([1000], [500], [1], [1], SensorSize(height=720, width=1280))
    inside = pixels(events)[1:-1, 1:-1]
    assert np.count_nonzero(inside[..., 3]) == 1


def test_notebook_asks_the_events_themselves() -> None:
    events = Events.empty(SensorSize(height=34, width=34))
    assert events._repr_png_() == events_png(events)
