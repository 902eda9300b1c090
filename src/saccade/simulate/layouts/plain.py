"""Plain recordings: one event file a camera in any writable format, truth and positions beside it.

    NAME.raw, or NAME_left.raw and NAME_right.raw     events
    NAME.positions.csv     t_us, east_m, north_m, up_m, distance_m, latitude, longitude, ...
    NAME.truth.h5          depth, disparity, flow, frames, poses, IMU, each with its times in µs
    NAME.frames/           instead, if wanted: left_000000.png ..., left_t_us.txt
    NAME.calibration.yaml  cameras, Kalibr style
    NAME.json              condition, seed, epoch, sensor

All times are microseconds from the recording's own zero.
"""

from __future__ import annotations

import json
import queue
import shutil
import threading
from collections.abc import Iterable, Iterator, Mapping
from contextlib import ExitStack
from pathlib import Path
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from saccade.errors import UsageError
from saccade.events.io import save
from saccade.events.io.formats import get_format
from saccade.events.io.hdf5_write import append, growing
from saccade.events.types import Events, SensorSize
from saccade.files import replacing, write_atomically
from saccade.simulate.calibration import kalibr_camchain, to_yaml
from saccade.simulate.camera import StereoRig
from saccade.simulate.place_truth import write_positions
from saccade.simulate.recording import Part, Recording
from saccade.simulate.rectify import rectify

__all__ = ["write"]

_PATIENCE_S = 0.2
_STAMPS = 1 << 10  # times that are stored together


def write(
    folder: Path,
    recording: Recording,
    parts: Iterable[Part],
    *,
    format: str = "evt3",
    frames: Literal["hdf5", "png"] = "hdf5",
    parameters: Mapping[str, Any] | None = None,
) -> tuple[Path, ...]:
    """Write a recording.

    Args:
        folder: Where to; it exists.
        recording: What was recorded.
        parts: Its parts in order.
        format: Format of the event files, one of those that `saccade.events.io` writes.
        frames: Where frames go: into the file of truth, or a folder of pictures.
        parameters: JSON values kept in ``NAME.json``, such as the arguments of a command.

    Returns:
        The files.

    Raises:
        UsageError: The format is read only or unknown.
    """
    kind = get_format(format)
    if kind.write is None:
        raise UsageError(f"Format {format!r} is read only.", fix="Pass --format evt3 or hdf5.")
    names = {
        camera: recording.name + (f"_{camera}" if len(recording.cameras) > 1 else "")
        for camera in recording.cameras
    }
    targets = {camera: folder / f"{name}{kind.extensions[0]}" for camera, name in names.items()}
    truth, pictures = folder / f"{recording.name}.truth.h5", folder / f"{recording.name}.frames"
    with ExitStack() as stack:
        file = stack.enter_context(_TruthFile(stack.enter_context(replacing(truth))))
        album = _Album(stack.enter_context(replacing(pictures))) if frames == "png" else None
        writers = stack.enter_context(_Writers(targets, format, _sizes(recording)))
        file.describe(recording)
        for part in parts:
            writers.push(part.events)
            file.add(part, with_images=album is None)
            if album is not None:
                album.add(part)
    files = list(targets.values())
    for path, made in ((truth, file.kept), (pictures, album is not None and album.made)):
        if made:
            files.append(path)
        else:
            _remove(path)  # of an earlier recording of this name, which had more
    if recording.track is not None:
        files.append(write_positions(folder / f"{recording.name}.positions.csv", recording.track))
    files.append(_calibration(folder, recording))
    path = folder / f"{recording.name}.json"
    facts = json.dumps(_facts(recording, parameters), indent=2, ensure_ascii=False)
    files.append(write_atomically(path, f"{facts}\n".encode()))
    return tuple(files)


def _remove(path: Path) -> None:
    if path.is_dir():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)


def _sizes(recording: Recording) -> dict[str, SensorSize]:
    sizes = {"left": recording.left.size}
    if recording.rig is not None:
        sizes["right"] = recording.rig.right.size
    return sizes


def _calibration(folder: Path, recording: Recording) -> Path:
    rig = recording.rig or StereoRig.parallel(recording.left, 1.0)
    chain = kalibr_camchain(rig, rectify(rig), with_imu=recording.imu is not None)
    if recording.rig is None:
        chain = {"cam0": chain["cam0"]}
        for name in ("rectification_matrix", "projection_matrix", "cam_overlaps"):
            chain["cam0"].pop(name, None)
    path = folder / f"{recording.name}.calibration.yaml"
    return write_atomically(path, to_yaml(chain).encode())


def _facts(recording: Recording, parameters: Mapping[str, Any] | None) -> dict[str, Any]:
    facts: dict[str, Any] = {
        "simulated": True,
        "name": recording.name,
        "condition": recording.condition,
        "seed": recording.seed,
        "duration_us": recording.duration_us,
        "epoch_us": recording.epoch_us,
        "cameras": list(recording.cameras),
        "sensor": {name: str(size) for name, size in _sizes(recording).items()},
    }
    return facts | ({"parameters": dict(parameters)} if parameters is not None else {})


class _Writers:
    """One event file a camera, written side by side: each pulls from a queue of its own."""

    def __init__(self, targets: dict[str, Path], format: str, sizes: dict[str, SensorSize]) -> None:
        self._queues: dict[str, queue.Queue[Events | None]] = {
            name: queue.Queue(2) for name in targets
        }
        self._errors: list[BaseException] = []
        self._stop = threading.Event()
        self._threads = [
            threading.Thread(target=self._save, args=(name, path, format, sizes[name]))
            for name, path in targets.items()
        ]

    def __enter__(self) -> _Writers:
        for thread in self._threads:
            thread.start()
        return self

    def push(self, events: dict[str, Events]) -> None:
        """Hand over the next events of every camera."""
        for name, waiting in self._queues.items():
            self._put(waiting, events[name])

    def _put(self, waiting: queue.Queue[Events | None], item: Events | None) -> None:
        while True:
            if self._errors:
                raise self._errors[0]
            try:
                waiting.put(item, timeout=_PATIENCE_S)
                return
            except queue.Full:
                continue

    def __exit__(self, kind: Any, error: Any, trace: Any) -> None:
        if kind is not None:
            self._stop.set()
        for waiting in self._queues.values():
            if kind is None and not self._errors:
                self._put(waiting, None)
        for thread in self._threads:
            thread.join()
        if kind is None and self._errors:
            raise self._errors[0]

    def _save(self, name: str, path: Path, format: str, size: SensorSize) -> None:
        try:
            save(self._pull(name), path, format=format, size=size)
        except BaseException as error:
            self._errors.append(error)

    def _pull(self, name: str) -> Iterator[Events]:
        while True:
            try:
                item = self._queues[name].get(timeout=_PATIENCE_S)
            except queue.Empty:
                if self._stop.is_set() or self._errors:
                    raise InterruptedError("The recording ended early.") from None
                continue
            if item is None:
                return
            yield item


class _TruthFile:
    """Truth in HDF5, map by map; where there is none, there is no file."""

    def __init__(self, path: Path) -> None:
        import h5py

        self._path = path
        self._file: Any = h5py.File(path, "w")
        self.kept = False

    def __enter__(self) -> _TruthFile:
        return self

    def __exit__(self, *_: object) -> None:
        self.kept = len(self._file) > 0
        self._file.close()
        if not self.kept:
            self._path.unlink()

    def describe(self, recording: Recording) -> None:
        """Write what is known before the first part."""
        poses = recording.poses
        if len(poses):
            self._file.create_dataset("pose/t_us", data=poses.t_us, track_times=False)
            self._file.create_dataset("pose/left_to_world", data=poses.matrices())
        if recording.imu is not None:
            for name in ("t_us", "accel", "gyro"):
                self._file.create_dataset(f"imu/{name}", data=getattr(recording.imu, name))

    def add(self, part: Part, *, with_images: bool) -> None:
        """Write the truth of a part."""
        for camera, images in part.images.items() if with_images else ():
            self._append(f"image/{camera}", images, part.image_us)
        for group, maps in (
            ("depth", part.depth),
            ("depth_rect", part.depth_rect),
            ("disparity_rect", part.disparity_rect),
        ):
            for camera, values in maps.items():
                self._append(f"{group}/{camera}", values, part.label_us)
        for name, values in part.flow.items():
            self._append(f"flow_{name}/left", values, part.flow_us[name])

    def _append(self, name: str, values: NDArray[Any], t_us: NDArray[np.int64]) -> None:
        if not len(values):
            return
        for full, block in ((name, values), (f"{name}_t_us", t_us)):
            if full not in self._file:
                maps = block.ndim > 2
                growing(
                    self._file, full, block.dtype, block.shape[1:],
                    chunk=1 if maps else _STAMPS, compression="gzip" if maps else None,
                )  # fmt: skip
            append(self._file[full], block)


class _Album:
    """Frames as pictures in a folder, numbered from 0 for each camera, with their times."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self.made: dict[str, int] = {}

    def add(self, part: Part) -> None:
        """Write the frames of a part."""
        from PIL import Image

        for camera, images in part.images.items():
            self._folder.mkdir(exist_ok=True)
            number = self.made.get(camera, 0)
            for offset, image in enumerate(images):
                path = self._folder / f"{camera}_{number + offset:06d}.png"
                Image.fromarray(image).save(path, compress_level=1)
            self.made[camera] = number + len(images)
            with (self._folder / f"{camera}_t_us.txt").open("a", encoding="ascii") as times:
                times.writelines(f"{t_us}\n" for t_us in part.image_us)
