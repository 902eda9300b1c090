"""MVSEC: two HDF5 files a recording, and the calibration of its cameras.

    SCENEn_data.hdf5    davis/{left,right}/events, image_raw (_ts, _event_inds); left/imu (_ts)
    SCENEn_gt.hdf5      davis/{left,right}/depth_image_raw, depth_image_rect (_ts), m, NaN = none
                        davis/left/flow_dist, pose, odometry (_ts)
    SCENE_calib/        camchain-imucam-SCENE.yaml, SCENE_{left,right}_{x,y}_map.txt

Times are Unix seconds. Map k of flow_dist starts at its stamp and ends at that of map k + 1, in raw
pixels; 0, 0 where it is not known. ``pose`` maps the left camera's frame to the world, ``odometry``
to where the camera began. The exact depth of the left rectified camera is rendered; that of the
right one is resampled from its raw depth, nearest pixel. There is no LIDAR: no velodyne group.

A recording is SCENEn if its name ends in digits, else the first of a scene of its name.
"""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from types import TracebackType
from typing import Any

import numpy as np
from numpy.typing import NDArray

from saccade.events.io.hdf5_mvsec import MvsecFile, epoch_seconds
from saccade.events.io.hdf5_write import Compression, append, filters, growing
from saccade.events.types import SensorSize
from saccade.files import replacing, write_atomically
from saccade.simulate.calibration import kalibr_camchain, to_yaml
from saccade.simulate.camera import Camera, StereoRig
from saccade.simulate.layouts.rectified import Resampler
from saccade.simulate.recording import Part, Recording
from saccade.simulate.rectify import Rectification, rectify

__all__ = ["scene_of", "write"]

_FLOW = "dt1"
_MAPS = 8  # flow maps that are compressed side by side


def write(
    folder: Path,
    recording: Recording,
    parts: Iterable[Part],
    *,
    compression: Compression = "gzip",
) -> tuple[Path, ...]:
    """Write a recording.

    Args:
        folder: Where to; it exists.
        recording: What was recorded.
        parts: Its parts in order.
        compression: ``"gzip"``, ``"blosc"`` (needs hdf5plugin) or None.

    Returns:
        The files.
    """
    scene, number = scene_of(recording.name)
    data, truth = (folder / f"{scene}{number}_{kind}.hdf5" for kind in ("data", "gt"))
    cameras = _cameras(recording)
    rectification = rectify(recording.rig or StereoRig.parallel(recording.left, 1.0))
    sizes = {side: camera.size for side, camera in cameras.items()}
    with (
        replacing(data) as data_work,
        replacing(truth) as truth_work,
        MvsecFile(
            data_work, sizes, epoch_us=recording.epoch_us, compression=compression
        ) as data_file,
        _TruthFile(truth_work, recording, rectification, cameras, compression) as truth_file,
    ):
        imu = recording.imu
        if imu is not None:
            data_file.add_imu("left", imu.t_us, imu.accel, imu.gyro)
        for part in parts:
            for side in cameras:
                data_file.add(side, part.events[side], part.images.get(side), part.image_us)
            truth_file.add(part)
    return (data, truth, *_calibration(folder, scene, recording, rectification))


def scene_of(name: str) -> tuple[str, int]:
    """Split a recording's name into scene and number.

    Examples:
        >>> scene_of("indoor_flying2"), scene_of("night")
        (('indoor_flying', 2), ('night', 1))
    """
    scene = name.rstrip("0123456789")
    number = name[len(scene) :]
    if not scene or number.startswith("0"):
        return name, 1
    return scene, int(number) if number else 1


def _cameras(recording: Recording) -> dict[str, Camera]:
    cameras = {"left": recording.left}
    if recording.rig is not None:
        cameras["right"] = recording.rig.right
    return cameras


def _calibration(
    folder: Path, scene: str, recording: Recording, rectification: Rectification
) -> list[Path]:
    cameras = _cameras(recording)
    rig = recording.rig or StereoRig.parallel(recording.left, 1.0)
    chain = kalibr_camchain(rig, rectification, with_imu=recording.imu is not None)
    if recording.rig is None:
        chain = {"cam0": {**chain["cam0"], "cam_overlaps": []}}
    place = folder / f"{scene}_calib"
    place.mkdir(exist_ok=True)
    path = place / f"camchain-imucam-{scene}.yaml"
    files = [write_atomically(path, to_yaml(chain).encode())]
    for side in cameras:
        forward = rectification.left_map if side == "left" else rectification.right_map
        for axis, name in enumerate("xy"):
            path = place / f"{scene}_{side}_{name}_map.txt"
            with replacing(path) as work:
                np.savetxt(work, forward[..., axis], fmt="%.9g")  # every digit of float32
            files.append(path)
    return files


class _TruthFile:
    """A ``*_gt.hdf5``, written part by part."""

    def __init__(
        self,
        path: Path,
        recording: Recording,
        rectification: Rectification,
        cameras: dict[str, Camera],
        compression: Compression,
    ) -> None:
        import h5py

        self._epoch_us = recording.epoch_us
        self._compression: Compression = compression
        turns = {"left": rectification.rotation_left, "right": rectification.rotation_right}
        self._rectified = {
            side: Resampler(camera, turns[side], rectification.camera)
            for side, camera in cameras.items()
        }
        self._file: Any = h5py.File(path, "w")
        for side, camera in cameras.items():
            self._create(side, "depth_image_raw", "<f4", _shape(camera.size))
            self._create(side, "depth_image_rect", "<f4", _shape(rectification.camera.size))
        self._create("left", "flow_dist", "<f8", (2, *_shape(recording.left.size)))
        self._poses(recording)

    def add(self, part: Part) -> None:
        """Write the truth of a part."""
        for side, resampler in self._rectified.items():
            raw = part.depth.get(side)
            if raw is None:
                continue
            self._append(side, "depth_image_raw", raw, part.label_us)
            exact = part.depth_rect.get(side)
            if exact is None and len(raw):
                exact = np.stack([resampler.depth(depth) for depth in raw])
            self._append(side, "depth_image_rect", raw if exact is None else exact, part.label_us)
        starts = part.flow_us.get(_FLOW, np.empty((0, 2), np.int64))[:, 0]
        flow = part.flow.get(_FLOW, ())
        for first in range(0, len(starts), _MAPS):
            some = np.asarray(flow[first : first + _MAPS], np.float64)
            some = np.where(np.isfinite(some).all(axis=1, keepdims=True), some, 0.0)
            self._append("left", "flow_dist", some, starts[first : first + _MAPS])

    def __enter__(self) -> _TruthFile:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: object, trace: TracebackType | None
    ) -> None:
        self._file.close()

    def _poses(self, recording: Recording) -> None:
        poses = recording.poses.matrices()
        began = np.linalg.inv(poses[:1])
        stamps = epoch_seconds(recording.poses.t_us, self._epoch_us)
        packing = filters(self._compression) if len(poses) else {}
        for name, values in (("pose", poses), ("odometry", began @ poses)):
            group = self._file["davis/left"]
            group.create_dataset(name, data=values, track_times=False, **packing)
            group.create_dataset(f"{name}_ts", data=stamps, track_times=False)

    def _create(self, side: str, name: str, dtype: str, row: tuple[int, ...]) -> None:
        full = f"davis/{side}/{name}"
        growing(self._file, full, dtype, row, chunk=1, compression=self._compression)
        growing(self._file, f"{full}_ts", "<f8", chunk=1 << 10)

    def _append(self, side: str, name: str, values: NDArray[Any], t_us: NDArray[np.int64]) -> None:
        full = f"davis/{side}/{name}"
        append(self._file[full], values)
        append(self._file[f"{full}_ts"], epoch_seconds(t_us, self._epoch_us))


def _shape(size: SensorSize) -> tuple[int, int]:
    return size.height, size.width
