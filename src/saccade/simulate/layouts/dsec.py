"""DSEC: a folder for each sequence, as the training sequences have it.

    train/NAME/events/{left,right}/events.h5, rectify_map.h5       raw pixels, and where they belong
    train/NAME/images/timestamps.txt                               µs, one a line
    train/NAME/images/{left,right}/rectified/000000.png            8 bits, grey
    train/NAME/images/{left,right}/exposure_timestamps.txt         µs: start, end
    train/NAME/disparity/{event,image}/000000.png, timestamps.txt  16 bits: round(256 d), 0 = none
    train/NAME/flow/forward/000000.png, forward_timestamps.txt     16 bits: see layouts.png16
    train/NAME/calibration/cam_to_cam.yaml

Disparity and flow are in the rectified left event camera. Frames come through the lens of the event
camera beside them, so ``disparity/image`` equals ``disparity/event``; exposure takes no time. A map
has the number of the frame taken with it; disparity maps count from 0 if one lies between frames.
Times are those of ``t_offset``'s clock: microseconds since midnight, without an offset given.

Of one camera there is no disparity, and its rectified camera is the same without distortion.
"""

from __future__ import annotations

from collections.abc import Iterable
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from saccade.errors import DataError
from saccade.events.io.hdf5_dsec import DsecFile
from saccade.events.io.hdf5_write import Compression, filters
from saccade.files import replacing
from saccade.simulate.calibration import dsec_cam_to_cam, to_yaml
from saccade.simulate.camera import Camera, StereoRig
from saccade.simulate.layouts.png16 import disparity_code, flow_code, png
from saccade.simulate.layouts.rectified import Resampler
from saccade.simulate.recording import Part, Recording
from saccade.simulate.rectify import Rectification, rectify

__all__ = ["write"]

_DAY_US = 86_400_000_000
_FLOW_US = 100_000  # what a flow map of DSEC spans
_TRAIN = "train"


def write(
    folder: Path,
    recording: Recording,
    parts: Iterable[Part],
    *,
    t_offset_us: int | None = None,
    flow: str | None = None,
    compression: Compression = "gzip",
) -> tuple[Path, ...]:
    """Write a recording.

    Args:
        folder: Where to; it exists.
        recording: What was recorded.
        parts: Its parts in order.
        t_offset_us: Time of the recording's zero; without, its time of day.
        flow: Which flow maps, e.g. ``"dt1"``; without, those that span nearest to 100 ms.
        compression: ``"gzip"``, ``"blosc"`` (as DSEC has it; needs hdf5plugin) or None.

    Returns:
        The files.

    Raises:
        DataError: The parts have no flow maps of the name, or some that start between frames.
    """
    offset = recording.epoch_us % _DAY_US if t_offset_us is None else t_offset_us
    train = folder / _TRAIN
    train.mkdir(exist_ok=True)
    target = train / recording.name
    with replacing(target) as work:
        sequence = _Sequence(work, recording, offset, flow, compression)
        with ExitStack() as open_files:
            sequence.open(open_files)
            for part in parts:
                sequence.add(part)
        sequence.finish()
    return tuple(path for path in sorted(target.rglob("*")) if path.is_file())


@dataclass(frozen=True)
class _Eye:
    """One camera of the sequence."""

    camera: Camera
    rotation: NDArray[np.float64]
    forward_map: NDArray[np.float32]


class _Sequence:
    """A sequence's folder, written part by part."""

    def __init__(
        self,
        folder: Path,
        recording: Recording,
        offset_us: int,
        flow: str | None,
        compression: Compression,
    ) -> None:
        self._folder, self._recording, self._offset = folder, recording, offset_us
        self._flow = flow
        self._compression: Compression = compression
        self._rectification = rectify(recording.rig or StereoRig.parallel(recording.left, 1.0))
        self._eyes = _eyes(recording, self._rectification)
        self._events: dict[str, DsecFile] = {}
        self._resampled: dict[str, Resampler] = {}
        self._images = 0
        self._label_numbers = _label_numbers(recording)
        self._frame_numbers = _frame_numbers(recording)
        self._lines: dict[str, list[str]] = {}

    def open(self, stack: ExitStack) -> None:
        """Make the folders, and what is known before the first part."""
        for side, eye in self._eyes.items():
            place = self._made("events", side)
            self._events[side] = stack.enter_context(
                DsecFile(
                    place / "events.h5", t_offset_us=self._offset, compression=self._compression
                )
            )
            _write_map(place / "rectify_map.h5", eye.forward_map, self._compression)
            self._resampled[side] = Resampler(eye.camera, eye.rotation, self._rectification.camera)
        chain = dsec_cam_to_cam(
            self._recording.rig or StereoRig.parallel(self._recording.left, 1.0),
            self._rectification,
        )
        chain = chain if self._recording.rig is not None else _of_one(chain)
        self._made("calibration").joinpath("cam_to_cam.yaml").write_text(
            to_yaml(chain), encoding="utf-8"
        )

    def add(self, part: Part) -> None:
        """Write a part."""
        for side, file in self._events.items():
            file.add(part.events[side])
        if part.images:
            self._add_images(part)
        if part.disparity_rect:
            self._add_disparity(part)
        if part.flow:
            self._add_flow(part)

    def finish(self) -> None:
        """Write the lists of times."""
        for name, lines in self._lines.items():
            path = self._folder / name
            path.write_text("".join(f"{line}\n" for line in lines), encoding="utf-8")

    def _add_images(self, part: Part) -> None:
        stamps = [int(time) + self._offset for time in part.image_us]
        for side, resampler in self._resampled.items():
            place = self._made("images", side, "rectified")
            for number, image in enumerate(part.images[side], start=self._images):
                (place / f"{number:06d}.png").write_bytes(png(resampler.image(image)))
            header = "# exposure_start_timestamp_us, exposure_end_timestamp_us"
            lines = self._list(f"images/{side}/exposure_timestamps.txt", header)
            lines.extend(f"{stamp}, {stamp}" for stamp in stamps)
        self._list("images/timestamps.txt").extend(map(str, stamps))
        self._images += len(stamps)

    def _add_disparity(self, part: Part) -> None:
        places = [self._made("disparity", kind) for kind in ("event", "image")]
        stamps = self._list("disparity/timestamps.txt")
        for disparity, time in zip(part.disparity_rect["left"], part.label_us, strict=True):
            content = png(disparity_code(disparity))
            name = f"{self._label_numbers[int(time)]:06d}.png"
            for place in places:
                (place / name).write_bytes(content)
            stamps.append(str(int(time) + self._offset))

    def _add_flow(self, part: Part) -> None:
        series = self._series(part)
        place = self._made("flow", "forward")
        spans = self._list("flow/forward_timestamps.txt", "# from_timestamp_us, to_timestamp_us")
        for flow, (start, end) in zip(part.flow[series], part.flow_us[series], strict=True):
            if int(start) not in self._frame_numbers:
                raise DataError(
                    f"A flow map starts at {int(start):,} µs, between frames.",
                    "Expected flow from frame to frame.",
                )
            rectified = self._resampled["left"].flow(flow)
            name = f"{self._frame_numbers[int(start)]:06d}.png"
            (place / name).write_bytes(png(flow_code(rectified)))
            spans.append(f"{int(start) + self._offset}, {int(end) + self._offset}")

    def _series(self, part: Part) -> str:
        """Return the name of the flow maps to write: stated, or nearest to 100 ms."""
        if self._flow is None:
            times = self._recording.image_us
            period = float(np.median(np.diff(times))) if len(times) > 1 else float(_FLOW_US)
            frames = {name: int(name[2:]) for name in part.flow if name[2:].isdigit()}
            off = {name: abs(count * period - _FLOW_US) for name, count in frames.items()}
            self._flow = min(off, key=off.__getitem__, default="")
        if self._flow not in part.flow:
            raise DataError(
                f"The recording has no flow {self._flow!r}.",
                f"Expected one of {', '.join(part.flow)}.",
            )
        return self._flow

    def _made(self, *names: str) -> Path:
        place = self._folder.joinpath(*names)
        place.mkdir(parents=True, exist_ok=True)
        return place

    def _list(self, name: str, *header: str) -> list[str]:
        return self._lines.setdefault(name, list(header))


def _label_numbers(recording: Recording) -> dict[int, int]:
    """Return the number of each label: its frame's if all have one, else one after the other."""
    frames = _frame_numbers(recording)
    labels = [int(time) for time in recording.label_us]
    if all(time in frames for time in labels):
        return {time: frames[time] for time in labels}
    return {time: number for number, time in enumerate(labels)}


def _frame_numbers(recording: Recording) -> dict[int, int]:
    return {int(time): number for number, time in enumerate(recording.image_us)}


def _eyes(recording: Recording, rectification: Rectification) -> dict[str, _Eye]:
    eyes = {"left": _Eye(recording.left, rectification.rotation_left, rectification.left_map)}
    if recording.rig is not None:
        right = recording.rig.right
        eyes["right"] = _Eye(right, rectification.rotation_right, rectification.right_map)
    return eyes


def _of_one(chain: dict[str, Any]) -> dict[str, Any]:
    """Leave of a calibration what belongs to the left camera."""
    kept = ("cam0", "cam1", "camRect0", "camRect1", "T_10", "R_rect0", "R_rect1")
    return {
        group: {name: value for name, value in chain[group].items() if name in kept}
        for group in ("intrinsics", "extrinsics")
    }


def _write_map(path: Path, values: NDArray[np.float32], compression: Compression) -> None:
    import h5py

    with h5py.File(path, "w") as file:
        file.create_dataset(
            "rectify_map", data=values, dtype="<f4", track_times=False, **filters(compression)
        )
