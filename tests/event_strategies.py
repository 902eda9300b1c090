"""Random recordings for property tests."""

import numpy as np
from hypothesis import strategies as st

from saccade.events import Events, SensorSize


@st.composite
def recordings(
    draw: st.DrawFn,
    *,
    max_events: int = 200,
    max_side: int = 1280,
    first_us: tuple[int, int] = (0, 10**9),
    max_step_us: int = 5000,
) -> Events:
    """Draw events with equal times, gaps, corners and empty recordings among them."""
    size = SensorSize(height=draw(st.integers(1, max_side)), width=draw(st.integers(1, max_side)))
    count = draw(st.integers(0, max_events))
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    step = draw(st.sampled_from([0, 1, max_step_us]))
    t = draw(st.integers(*first_us)) + np.cumsum(rng.integers(0, step + 1, count))
    x = rng.integers(0, size.width, count)
    y = rng.integers(0, size.height, count)
    if count:
        x[-1], y[-1] = size.width - 1, size.height - 1
    return Events(x, y, t.astype(np.int64), rng.integers(0, 2, count), size)


def assert_same(actual: Events, expected: Events) -> None:
    """Fail unless two recordings agree in every event and in size."""
    assert actual.size == expected.size
    for name in "xytp":
        np.testing.assert_array_equal(getattr(actual, name), getattr(expected, name), name)
