"""Training files of event_flow: one HDF5 file a recording, cropped if wanted.

    NAME.h5     events/{xs,ys,ts,ps}, images/, flow_dt1/, flow_dt4/ (see events.io.hdf5_event_flow)

The published training set has crops of 128x128 at a place drawn for each recording, the published
test set the 256x256 in the middle. One camera: of a stereo recording the left one.
"""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Literal

import numpy as np

from saccade.errors import ConfigError
from saccade.events.io.hdf5_event_flow import EventFlowFile
from saccade.events.io.hdf5_write import Compression
from saccade.events.types import Events, SensorSize
from saccade.files import replacing
from saccade.simulate.recording import Part, Recording

__all__ = ["crop_corner", "write"]

_SEED = 0x5EED_C409
_FLOWS = ("dt1", "dt4")


def write(
    folder: Path,
    recording: Recording,
    parts: Iterable[Part],
    *,
    crop: int | None = None,
    place: Literal["centre", "random"] = "centre",
    compression: Compression = "gzip",
) -> tuple[Path, ...]:
    """Write a recording.

    Args:
        folder: Where to; it exists.
        recording: What was recorded.
        parts: Its parts in order.
        crop: Side of the square that is kept, in pixels; without, everything.
        place: Where the square lies; a random one is drawn from the recording's seed and name.
        compression: ``"gzip"``, ``"blosc"`` (needs hdf5plugin) or None.

    Returns:
        The file.

    Raises:
        ConfigError: The crop is larger than the sensor.
    """
    size = recording.left.size
    left, top = 0, 0
    if crop is not None:
        left, top = crop_corner(recording, crop, place)
        size = SensorSize(height=crop, width=crop)
    rows, columns = slice(top, top + size.height), slice(left, left + size.width)
    target = folder / f"{recording.name}.h5"
    groups = tuple(f"flow_{name}" for name in _FLOWS)
    with (
        replacing(target) as work,
        EventFlowFile(
            work, size, flows=groups, epoch_us=recording.epoch_us, compression=compression
        ) as file,
    ):
        for part in parts:
            file.add(_cropped(part.events["left"], left, top, size))
            for image, time in zip(part.images.get("left", ()), part.image_us, strict=False):
                file.add_image(image[rows, columns], int(time))
            for name in _FLOWS:
                spans = part.flow_us.get(name, ())
                for flow, span in zip(part.flow.get(name, ()), spans, strict=True):
                    file.add_flow(f"flow_{name}", flow[:, rows, columns], int(span[1]))
    return (target,)


def crop_corner(
    recording: Recording, crop: int, place: Literal["centre", "random"]
) -> tuple[int, int]:
    """Return the left column and top row of the square that is kept.

    Raises:
        ConfigError: It is larger than the sensor, or the place is unknown.
    """
    size = recording.left.size
    free = size.width - crop, size.height - crop
    if crop < 1 or min(free) < 0:
        raise ConfigError(
            f"A crop of {crop} pixels.", f"Expected 1 to {min(size.width, size.height)} of {size}."
        )
    if place == "centre":
        return free[0] // 2, free[1] // 2
    if place != "random":
        raise ConfigError(f"Place of the crop {place!r}.", "Expected centre or random.")
    rng = np.random.default_rng([_SEED, recording.seed, *recording.name.encode()])
    return int(rng.integers(free[0] + 1)), int(rng.integers(free[1] + 1))


def _cropped(events: Events, left: int, top: int, size: SensorSize) -> Events:
    if size == events.size:
        return events
    right, bottom = left + size.width, top + size.height
    across = (events.x >= left) & (events.x < right)
    kept = events[across & (events.y >= top) & (events.y < bottom)]
    return Events(kept.x - np.uint16(left), kept.y - np.uint16(top), kept.t, kept.p, size)
