"""HDF5 training files of event_flow and ssl_e2vid: events, frames and flow maps of one camera.

    events/xs, ys int16    events/ts float64 s since the epoch    events/ps bool
    images/image000000000  uint8 (H, W)          attributes size, timestamp (s), type
    flow_dt1/000000000     float32 (2, H, W)     pixels (x, y) that the image moves over one frame,
    flow_dt4/000000000                           or four, until the attribute timestamp (s)
    attributes: t0, tk (s), duration (s), num_events, num_pos, num_neg, num_imgs, sensor_resolution

Map k covers the time between the stamps of map k-1 and its own. Names have leading zeros, so that
their order is that of time. Where flow is not known both components are 0. `hdf5_generic` reads the
events: ``unit`` of events/ts and ``height``, ``width`` of the file save it from guessing.

Reference:
    Hagenaars, Paredes-Vallés, de Croon, "Self-supervised learning of event-based optical flow with
    spiking neural networks", NeurIPS 2021.
"""

from __future__ import annotations

from pathlib import Path
from types import TracebackType
from typing import Any

import numpy as np
from numpy.typing import NDArray

from saccade.errors import EventError, ShapeError
from saccade.events.io.hdf5_columns import h5py
from saccade.events.io.hdf5_write import CHUNK, Compression, append, filters, growing
from saccade.events.types import Events, SensorSize

__all__ = ["EventFlowFile"]

_COLUMNS = (("xs", "<i2"), ("ys", "<i2"), ("ts", "<f8"), ("ps", "|b1"))
_MOST_SIDE = 2**15


class EventFlowFile:
    """A training file that is being written, stretch by stretch; a context manager.

    Args:
        path: The file to write.
        size: Size of the sensor, or of what was cropped from it.
        flows: Names of the groups of flow maps, e.g. ``("flow_dt1", "flow_dt4")``.
        epoch_us: Unix time of the recording's zero.
        compression: Of everything.

    Raises:
        EventError: Coordinates of this size do not fit into int16.
    """

    def __init__(
        self,
        path: Path,
        size: SensorSize,
        *,
        flows: tuple[str, ...] = (),
        epoch_us: int = 0,
        compression: Compression = "gzip",
    ) -> None:
        if max(size.height, size.width) > _MOST_SIDE:
            raise EventError(
                f"The sensor has {size} pixels.",
                f"Files of event_flow store coordinates up to {_MOST_SIDE - 1:,}.",
                "Crop it.",
            )
        self._size, self._epoch_us = size, epoch_us
        self._packing = filters(compression)
        self._first_us: int | None = None
        self._last_us = 0
        self._count = self._on = self._images = 0
        self._maps = dict.fromkeys(flows, 0)
        self._file: Any = h5py().File(path, "w")
        self._columns = {
            name: growing(self._file, f"events/{name}", dtype, compression=compression)
            for name, dtype in _COLUMNS
        }
        self._columns["ts"].attrs["unit"] = "s"
        for name in ("images", *flows):
            self._file.create_group(name)

    def add(self, events: Events) -> None:
        """Append events; times count from the recording's zero.

        Raises:
            ShapeError: They are of another sensor.
        """
        if events.size != self._size:
            raise ShapeError(f"The events are of {events.size}.", f"Expected {self._size}.")
        if not len(events):
            return
        for start in range(0, len(events), CHUNK):
            self._append(events[start : start + CHUNK])
        if self._first_us is None:
            self._first_us = int(events.t[0])
        self._last_us = int(events.t[-1])
        self._count += len(events)
        self._on += int(np.count_nonzero(events.p))

    def _append(self, events: Events) -> None:
        seconds = (events.t + np.int64(self._epoch_us)) / 1e6
        columns = (events.x.astype(np.int16), events.y.astype(np.int16), seconds, events.p == 1)
        for (name, _), values in zip(_COLUMNS, columns, strict=True):
            append(self._columns[name], values)

    def add_image(self, image: NDArray[np.uint8], time_us: int) -> None:
        """Append a frame ``[H, W]``."""
        dataset = self._map("images", f"image{self._images:09d}", image, time_us)
        dataset.attrs["size"] = np.array(image.shape, np.int64)
        dataset.attrs["type"] = "greyscale"
        self._images += 1

    def add_flow(self, group: str, flow: NDArray[np.float32], end_us: int) -> None:
        """Append a flow map ``[2, H, W]`` that ends at a time; NaN, where it is not known, gives 0.

        A pixel of which one component is NaN is 0 in both.
        """
        known = np.isfinite(flow).all(axis=0)
        values = np.where(known, flow, 0.0).astype(np.float32)
        self._map(group, f"{self._maps[group]:09d}", values, end_us)
        self._maps[group] += 1

    def _map(self, group: str, name: str, values: NDArray[Any], time_us: int) -> Any:
        if values.shape[-2:] != (self._size.height, self._size.width):
            raise ShapeError(f"{group}/{name} has shape {values.shape}.", f"Expected {self._size}.")
        dataset = self._file[group].create_dataset(
            name, data=values, track_times=False, chunks=values.shape, **self._packing
        )
        dataset.attrs["timestamp"] = self._seconds(time_us)
        return dataset

    def _seconds(self, time_us: int) -> np.float64:
        return np.float64((time_us + self._epoch_us) / 1e6)

    def _describe(self) -> None:
        first, last = self._first_us or 0, self._last_us
        attributes = self._file.attrs
        attributes["t0"], attributes["tk"] = self._seconds(first), self._seconds(last)
        attributes["duration"] = np.float64((last - first) / 1e6)
        attributes["num_events"] = self._count
        attributes["num_pos"], attributes["num_neg"] = self._on, self._count - self._on
        attributes["num_imgs"] = self._images
        size = (self._size.height, self._size.width)
        attributes["sensor_resolution"] = np.array(size, np.int64)
        attributes["height"], attributes["width"] = size

    def __enter__(self) -> EventFlowFile:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: object, trace: TracebackType | None
    ) -> None:
        if kind is None:
            self._describe()
        self._file.close()
