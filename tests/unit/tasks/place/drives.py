"""Synthetic drives: at every place another box of the image flickers, over noise."""

from __future__ import annotations

import numpy as np

from saccade.events import Events, SensorSize

SIZE = SensorSize(height=64, width=96)
PLACE_US = 100_000


def drive(
    places: list[int | None], seed: int, *, size: SensorSize = SIZE, events_per_place: int = 1_500
) -> Events:
    """Return a recording that stays ``PLACE_US`` at each place; None is a place without events.

    A last event ends the last place, so that its window is complete.
    """
    rng = np.random.default_rng(seed)
    columns: list[np.ndarray] = []
    for k, place in enumerate(places):
        if place is None:
            continue
        layout = np.random.default_rng(1_000 + place)
        left, top = layout.integers(0, size.width - 24), layout.integers(0, size.height - 20)
        busy, noise = events_per_place * 4 // 5, events_per_place // 5
        x = np.r_[rng.integers(left, left + 24, busy), rng.integers(0, size.width, noise)]
        y = np.r_[rng.integers(top, top + 20, busy), rng.integers(0, size.height, noise)]
        t = np.sort(rng.integers(k * PLACE_US, (k + 1) * PLACE_US, busy + noise))
        t[0] = k * PLACE_US
        order = rng.permutation(busy + noise)
        columns.append(np.stack([x[order], y[order], t, rng.integers(0, 2, busy + noise)]))
    end = np.array([[0], [0], [len(places) * PLACE_US - 1], [0]])
    x, y, t, p = np.concatenate([*columns, end], axis=1)
    return Events(x, y, t, p, size)
