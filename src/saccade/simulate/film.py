"""A recording taken on a stage, second by second: events, frames, and their truth.

Recording (what, when) + Stage (where)  ->  part(start, end)  ->  Part for the layout writers
"""

from __future__ import annotations

import threading
from collections.abc import Iterator, Mapping
from concurrent.futures import CancelledError, ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from saccade.events.types import SensorSize
from saccade.simulate.recording import Part, Recording
from saccade.simulate.rectify import Rectification, rectify
from saccade.simulate.stage import Stage
from saccade.simulate.tables import Grid, camera_grid
from saccade.simulate.truth import (
    camera_frame,
    depth_map,
    disparity_map,
    flow_map,
    virtual_depth,
)

__all__ = ["Film", "Wanted", "flow_spans"]


@dataclass(frozen=True, kw_only=True)
class Wanted:
    """Which truth to make beside the events.

    Args:
        images: Frames of each camera.
        depth: Depth in the raw cameras.
        rectified: Depth and disparity in the rectified left camera, for a stereo rig.
        flow: Name -> number of frames that a flow map spans, e.g. ``{"dt1": 1, "dt4": 4}``.
    """

    images: bool = True
    depth: bool = True
    rectified: bool = False
    flow: Mapping[str, int] = field(default_factory=dict[str, int])


class Film:
    """Takes a recording on a stage, part by part.

    Args:
        recording: What to record and when to take frames and labels.
        stage: Scene, light, cameras and their motion.
        wanted: Which truth to make.
    """

    def __init__(self, recording: Recording, stage: Stage, wanted: Wanted) -> None:
        self.recording, self.stage, self.wanted = recording, stage, wanted
        self._beside = ThreadPoolExecutor(1)
        self._given_up = threading.Event()
        self._rectified: tuple[Rectification, NDArray[np.float64], Grid] | None = None
        if wanted.rectified and recording.rig is not None:
            rectification = rectify(recording.rig)
            in_body = stage.cameras["left"].in_body.copy()
            in_body[:3, :3] = in_body[:3, :3] @ rectification.rotation_left.T
            self._rectified = rectification, in_body, camera_grid(rectification.camera)

    def state(self) -> dict[str, NDArray[np.float64]]:
        """Return what is needed to go on after the last part."""
        return self.stage.state()

    def restore(self, state: Mapping[str, NDArray[np.float64]]) -> None:
        """Go on from a state."""
        self.stage.restore(state)

    def part(self, start_us: int, end_us: int) -> Part:
        """Record ``[start_us, end_us)``; parts must be asked for in order."""
        truth = self._beside.submit(self._truth, start_us, end_us)
        if self.stage.jobs == 1:
            truth.result()
        try:
            events = self.stage.events(end_us)
        except BaseException:
            self._given_up.set()
            raise
        return Part(start_us=start_us, end_us=end_us, events=events, **truth.result())

    def _truth(self, start_us: int, end_us: int) -> dict[str, Any]:
        image_us = _within(self.recording.image_us, start_us, end_us)
        label_us = _within(self.recording.label_us, start_us, end_us)
        return {
            "image_us": image_us,
            "images": self._each(camera_frame, image_us, self.wanted.images),
            "label_us": label_us,
            "depth": self._each(depth_map, label_us, self.wanted.depth),
            **self._rectified_truth(label_us),
            **self._flow(start_us, end_us),
        }

    def _each(self, take: Any, times_us: NDArray[np.int64], wanted: bool) -> dict[str, Any]:
        if not wanted:
            return {}
        return {
            name: _stack(
                [take(self.stage, name, time) for time in self._moments(times_us)],
                item.camera.size,
                np.uint8 if take is camera_frame else np.float32,
            )
            for name, item in self.stage.cameras.items()
        }

    def _rectified_truth(self, label_us: NDArray[np.int64]) -> dict[str, Any]:
        if self._rectified is None:
            return {}
        rectification, in_body, grid = self._rectified
        camera = rectification.camera
        depth = _stack(
            [
                virtual_depth(self.stage, camera, in_body, time, grid)
                for time in self._moments(label_us)
            ],
            camera.size,
        )  # fmt: skip
        disparity = disparity_map(depth, camera.fx, rectification.baseline_m)
        return {"depth_rect": {"left": depth}, "disparity_rect": {"left": disparity}}

    def _flow(self, start_us: int, end_us: int) -> dict[str, Any]:
        maps: dict[str, NDArray[np.float32]] = {}
        spans: dict[str, NDArray[np.int64]] = {}
        for name, frames in self.wanted.flow.items():
            all_spans = flow_spans(self.recording.image_us, frames)
            here = all_spans[(all_spans[:, 1] >= start_us) & (all_spans[:, 1] < end_us)]
            spans[name] = here
            found = [flow_map(self.stage, "left", a, b) for a, b in self._moments(here)]
            height, width = self.recording.left.size.height, self.recording.left.size.width
            maps[name] = np.stack(found) if found else np.empty((0, 2, height, width), np.float32)
        return {"flow": maps, "flow_us": spans}

    def _moments(self, times: NDArray[np.int64]) -> Iterator[Any]:
        """Yield integers, or pairs of them, as long as the part is still wanted."""
        for time in times.tolist():
            if self._given_up.is_set():
                raise CancelledError
            yield time


def flow_spans(image_us: NDArray[np.int64], frames: int) -> NDArray[np.int64]:
    """Return int64 ``[K, 2]``: consecutive spans of so many frames, from the first frame on.

    Examples:
        >>> flow_spans(np.array([0, 10, 20, 30, 40]), 2).tolist()
        [[0, 20], [20, 40]]
    """
    edges = image_us[::frames]
    return np.stack([edges[:-1], edges[1:]], axis=1).astype(np.int64)


def _within(times: NDArray[np.int64], start_us: int, end_us: int) -> NDArray[np.int64]:
    return times[(times >= start_us) & (times < end_us)]


def _stack(maps: list[NDArray[Any]], size: SensorSize, dtype: Any = np.float32) -> NDArray[Any]:
    return np.stack(maps) if maps else np.empty((0, size.height, size.width), dtype)
