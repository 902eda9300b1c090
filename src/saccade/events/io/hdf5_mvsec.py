"""HDF5 data files of the MVSEC data set.

    davis/{left,right}/events                 float64 (N, 4): x, y, t (Unix time, s), p (-1, +1)
    davis/{left,right}/image_raw, _ts         uint8 (F, height, width), float64 s
    davis/{left,right}/image_raw_event_inds   int64 (F,): last event at or before each image
    davis/{left,right}/imu, imu_ts            float64 (K, 6): ax ay az (m/s²), wx wy wz (rad/s)

MVSEC was recorded with DAVIS346 cameras (346x260). The frames in the file tell the size; where it
has none, the coordinates decide between the DAVIS346 and the DAVIS240 (240x180), whose recordings
are also handed around in this layout: one event beyond 240x180 is proof.

Reference:
    Zhu et al., "The Multivehicle Stereo Event Camera Dataset", RA-L 2018.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from types import TracebackType
from typing import Any

import numpy as np
from numpy.typing import NDArray

from saccade.errors import FormatError, ShapeError
from saccade.events.io.format import Header, ReadOptions
from saccade.events.io.hdf5_columns import (
    Column,
    H5File,
    Hdf5Reader,
    Layout,
    check_filters,
    h5py,
    said_size,
)
from saccade.events.io.hdf5_write import Compression, append, growing
from saccade.events.types import Events, SensorSize

__all__ = ["MvsecFile", "epoch_seconds", "matches", "open_layout"]

_DAVIS346 = SensorSize(height=260, width=346)
_DAVIS240 = SensorSize(height=180, width=240)
_SIDES = ("left", "right")
_EVENT_CHUNK = 1 << 14
_ROWS = 16 * _EVENT_CHUNK  # events whose rows are in memory at once
_LINE_CHUNK = 1 << 10


def matches(file: H5File) -> bool:
    """Tell by the names of the datasets."""
    return any(f"davis/{side}/events" in file for side in _SIDES)


def open_layout(path: Path, file: H5File, options: ReadOptions) -> Hdf5Reader:
    """Open one camera of a file of this layout.

    Raises:
        FormatError: The file has no events of this side, or they are no ``(N, 4)`` table.
    """
    name = f"davis/{options.side}/events"
    if name not in file:
        raise FormatError(
            f"{path.name} has no events of the {options.side} camera.",
            fix=f"Pass --side {'right' if options.side == 'left' else 'left'}.",
        )
    dataset = file[name]
    check_filters(path, dataset)
    if len(dataset.shape) != 2 or dataset.shape[1] != 4:
        raise FormatError(
            f"{name} of {path.name} has shape {tuple(dataset.shape)}.",
            "Expected (N, 4): x, y, t, p.",
        )
    x, y, t, p = (Column(name, index) for index in range(4))
    unit = options.time_unit or "s"
    layout = Layout((x, y, t, p), int(dataset.shape[0]), unit=unit)
    size, source, notes = (None, "", ()) if options.size else _size(file, dataset, options)
    header = Header(
        format="hdf5",
        version="MVSEC",
        **said_size(options, size, source),
        fields={"camera": options.side, "time unit": unit},
        notes=notes,
    )
    return Hdf5Reader(path, header, options, layout)


def _size(
    file: H5File, dataset: Any, options: ReadOptions
) -> tuple[SensorSize, str, tuple[str, ...]]:
    for side in (options.side, *_SIDES):
        frames = file.get(f"davis/{side}/image_raw")
        if frames is not None and len(frames.shape) == 3:
            _, height, width = (int(length) for length in frames.shape)
            note = f"The sensor size is that of the frames davis/{side}/image_raw."
            return SensorSize(height=height, width=width), "frames", (note,)
    if _exceeds(dataset, _DAVIS240, options.origin):
        note = f"The file has no frames; {_DAVIS346} is the DAVIS346 of MVSEC."
        return _DAVIS346, "format", (note,)
    note = (
        f"The file has no frames and no event beyond {_DAVIS240}, so the sensor is taken as a "
        f"DAVIS240, not the DAVIS346 ({_DAVIS346}) of MVSEC. State it with --size if that is wrong."
    )
    return _DAVIS240, "coordinates", (note,)


def _exceeds(dataset: Any, size: SensorSize, origin: int) -> bool:
    for start in range(0, int(dataset.shape[0]), _ROWS):
        rows = dataset[start : start + _ROWS, :2] - origin
        if rows[:, 0].max() >= size.width or rows[:, 1].max() >= size.height:
            return True
    return False


def epoch_seconds(t_us: NDArray[np.int64], epoch_us: int) -> NDArray[np.float64]:
    """Return times as float64 seconds, the nearest there is: a microsecond stays one until 2255.

    Examples:
        >>> epoch_seconds(np.array([1]), 1_506_117_922_000_000).tolist()
        [1506117922.000001]
    """
    return (t_us + np.int64(epoch_us)) / 1e6


class MvsecFile:
    """A ``*_data.hdf5`` that is being written, stretch by stretch; a context manager.

    Args:
        path: The file to write.
        sizes: Camera (``"left"``, ``"right"``) -> sensor size.
        epoch_us: Unix time of the recording's zero.
        compression: Of events and images.
    """

    def __init__(
        self,
        path: Path,
        sizes: Mapping[str, SensorSize],
        *,
        epoch_us: int = 0,
        compression: Compression = "gzip",
    ) -> None:
        self._epoch_us = epoch_us
        self._sizes = dict(sizes)
        self._file: Any = h5py().File(path, "w")
        for side, size in sizes.items():
            group = self._file.create_group(f"davis/{side}")
            growing(group, "events", "<f8", (4,), chunk=_EVENT_CHUNK, compression=compression)
            frame = (size.height, size.width)
            growing(group, "image_raw", "|u1", frame, chunk=1, compression=compression)
            growing(group, "image_raw_ts", "<f8", chunk=_LINE_CHUNK)
            growing(group, "image_raw_event_inds", "<i8", chunk=_LINE_CHUNK)

    def add(
        self,
        side: str,
        events: Events,
        images: NDArray[np.uint8] | None = None,
        image_us: NDArray[np.int64] | None = None,
    ) -> None:
        """Append a stretch of one camera: all its events, and the images taken meanwhile.

        An image's index is that of the last event at or before it, 0 where there is none yet.

        Args:
            side: Camera.
            events: Times from the recording's zero.
            images: ``[F, H, W]``.
            image_us: int64 ``[F]``.

        Raises:
            ShapeError: Images and times, or the sensor, do not match.
        """
        group, size = self._file[f"davis/{side}"], self._sizes[side]
        if events.size != size:
            raise ShapeError(f"The {side} events are of {events.size}.", f"Expected {size}.")
        before = int(group["events"].shape[0])
        for start in range(0, len(events), _ROWS):
            append(group["events"], self._rows(events[start : start + _ROWS]))
        if images is None or image_us is None:
            return
        if images.shape != (len(image_us), size.height, size.width):
            raise ShapeError(
                f"The {side} images have shape {images.shape}.",
                f"Expected {len(image_us):,} of {size}.",
            )
        append(group["image_raw"], images)
        append(group["image_raw_ts"], epoch_seconds(image_us, self._epoch_us))
        last = before + np.searchsorted(events.t, image_us, side="right") - 1
        append(group["image_raw_event_inds"], np.maximum(last, 0).astype(np.int64))

    def _rows(self, events: Events) -> NDArray[np.float64]:
        rows = np.empty((len(events), 4))
        rows[:, 0], rows[:, 1] = events.x, events.y
        rows[:, 2] = epoch_seconds(events.t, self._epoch_us)
        rows[:, 3] = np.where(events.p == 1, 1.0, -1.0)
        return rows

    def add_imu(
        self,
        side: str,
        t_us: NDArray[np.int64],
        accel: NDArray[np.float64],
        gyro: NDArray[np.float64],
    ) -> None:
        """Write what an IMU measured: float64 ``[K, 3]`` m/s² and rad/s."""
        group = self._file[f"davis/{side}"]
        values = np.concatenate([accel, gyro], axis=1)
        group.create_dataset("imu", data=values, track_times=False)
        group.create_dataset("imu_ts", data=epoch_seconds(t_us, self._epoch_us), track_times=False)

    def __enter__(self) -> MvsecFile:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: object, trace: TracebackType | None
    ) -> None:
        self._file.close()
