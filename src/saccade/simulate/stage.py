"""The stage: a lit scene, cameras that move through it, events that come out, truth beside them.

    key frame, march to the next key frame, order the events by time, and so on

Time between key frames follows the motion: nothing moves more than `interval.MOST_MOTION_PX`, and
where everything stands still they are `_LONGEST_US` apart. Rows of tiles are shared among threads,
while one of them looks ahead to the key frame after; every pixel is on its own, so the result does
not depend on how many there are.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from threading import Lock
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from saccade.errors import ConfigError
from saccade.events.types import Events
from saccade.simulate.camera import Camera
from saccade.simulate.interval import (
    FINEST,
    MOST_MOTION_PX,
    View,
    fastest,
    make_view,
    seen_once,
)
from saccade.simulate.light import Light
from saccade.simulate.march import FULL_LIST, luminance_image, march
from saccade.simulate.pixel import PixelModel
from saccade.simulate.pixel_kernel import order_by_time
from saccade.simulate.raster import nearest_surfaces
from saccade.simulate.scene import Scene
from saccade.simulate.tables import Grid, camera_grid, frames_at, pack_world
from saccade.simulate.trajectory import Poses, Trajectory

__all__ = ["Placed", "Stage"]

_LONGEST_US, _SHORTEST_US, _PROBE_US = 20_000, 200, 1_000
_ROOM = 1 << 18
_KEPT_BYTES = 1 << 26  # of depth at moments past: frames, labels and flow share them
_NOW = "now_us"

Seen = tuple[NDArray[np.int32], NDArray[np.float32]]
Columns = tuple[NDArray[np.generic], ...]


class _Interval(NamedTuple):
    """From one key frame to the next: its end, finest moments, views, what is seen at its end."""

    end_us: int
    times: NDArray[np.float64]
    views: dict[str, View]
    seen: dict[str, Seen]


@dataclass(frozen=True)
class Placed:
    """A camera and where it sits.

    Args:
        camera: The camera.
        in_body: float64 ``[4, 4]``, points of the camera to points of the vehicle or hand.
    """

    camera: Camera
    in_body: NDArray[np.float64]


class Stage:
    """Cameras moving through a lit scene.

    Args:
        scene: What is there.
        light: What shines on it (`light.light_scene`).
        cameras: Name -> camera and its place, e.g. ``"left"``.
        trajectory: How the cameras' common body moves.
        pixels: The event camera's pixel model.
        seed: Seed of mismatch and noise; each camera draws its own.
        jobs: Threads.
        start_us: Time of the first microsecond.

    Raises:
        ConfigError: No camera, or fewer than one job.
    """

    def __init__(
        self,
        scene: Scene,
        light: Light,
        cameras: Mapping[str, Placed],
        trajectory: Trajectory,
        pixels: PixelModel,
        *,
        seed: int = 0,
        jobs: int = 2,
        start_us: int = 0,
    ) -> None:
        if not cameras or jobs < 1:
            raise ConfigError(f"{len(cameras)} cameras, {jobs} jobs.", "Expected at least 1 each.")
        self.scene, self.light, self.trajectory, self.pixels = scene, light, trajectory, pixels
        self.world = pack_world(scene, light)
        self.cameras = dict(cameras)
        self.jobs = jobs
        self.now_us = start_us
        self._grids = {name: camera_grid(item.camera) for name, item in cameras.items()}
        self._seeds = {name: seed * 1_000_003 + k for k, name in enumerate(cameras)}
        self._params = pixels.params()
        self._pool = ThreadPoolExecutor(jobs)
        self._cells: dict[str, NDArray[np.float64]] = {}
        self._seen: dict[str, Seen] = {}
        self._known: dict[tuple[str, int], Seen] = {}
        self._guard = Lock()

    def poses(self, times_us: NDArray[np.int64]) -> Poses:
        """Return the poses of the cameras' common body."""
        return self.trajectory.poses(np.asarray(times_us, np.int64))

    def frames(
        self, name: str, times_us: NDArray[np.int64]
    ) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Return every body's frame to a camera's, and the camera's turns (`tables.frames_at`)."""
        return frames_at(self.scene, self.poses(times_us), self.cameras[name].in_body)

    def grid(self, name: str) -> Grid:
        """Return the rays of a camera."""
        return self._grids[name]

    def seen(self, name: str, time_us: int) -> Seen:
        """Return the quad and the depth in metres at every pixel."""
        key = name, int(time_us)
        known = self._known.get(key)
        if known is None:
            frames, _ = self.frames(name, np.array([time_us]))
            known = nearest_surfaces(self.world, frames[0], self._grids[name])
            with self._guard:
                self._known[key] = known
                while len(self._known) * 8 * known[0].size > _KEPT_BYTES:
                    del self._known[next(iter(self._known))]
        return known

    def luminance(self, name: str, time_us: int) -> NDArray[np.float32]:
        """Return float32 ``[H, W]``, the luminance in cd/m² at every pixel."""
        frames, turns = self.frames(name, np.array([time_us]))
        grid, (ids, _) = self._grids[name], self.seen(name, time_us)
        view = seen_once(self.world, frames, turns, ids)
        out = np.empty(ids.shape, np.float32)
        edges = np.linspace(0, ids.shape[0], 4 * self.jobs + 1).astype(np.int64)
        bands = [edges[k : k + 2] for k in range(len(edges) - 1)]
        list(
            self._pool.map(
                lambda rows: luminance_image(
                    self.world, grid.rays, grid.pixel, view, rows, _list(), out
                ),
                bands,
            )
        )
        return out

    def state(self) -> dict[str, NDArray[np.float64]]:
        """Return what is needed to go on from here: the pixels of each camera."""
        self._begin()
        state = {name: cells.copy() for name, cells in self._cells.items()}
        return state | {_NOW: np.array([self.now_us], np.float64)}

    def restore(self, state: Mapping[str, NDArray[np.float64]]) -> None:
        """Go on from a state that `state` returned."""
        self._cells = {name: np.array(state[name], np.float64) for name in self.cameras}
        self._seen.clear()
        self.now_us = int(state[_NOW][0])

    def events(self, end_us: int) -> dict[str, Events]:
        """Return the events of each camera from now until ``end_us``, and move on to there.

        Raises:
            ConfigError: ``end_us`` lies before now.
        """
        if end_us < self.now_us:
            raise ConfigError(f"end_us is {end_us:,}.", f"Expected at least {self.now_us:,}.")
        self._begin()
        pieces: dict[str, list[Future[Events]]] = {name: [] for name in self.cameras}
        for interval in self._intervals(end_us):
            for name, events in self._march(interval).items():
                pieces[name].append(events)
        return {
            name: _joined([item.result() for item in items], self.cameras[name].camera)
            for name, items in pieces.items()
        }

    def _begin(self) -> None:
        """Let every pixel adapt to what it sees first."""
        for name, item in self.cameras.items():
            if name not in self._cells:
                self._cells[name] = self.pixels.cells(
                    item.camera.size,
                    self._seeds[name],
                    self.luminance(name, self.now_us),
                    self.now_us,
                )
            if name not in self._seen:
                self._seen[name] = self.seen(name, self.now_us)

    def _intervals(self, end_us: int) -> Iterator[_Interval]:
        """Yield the intervals until ``end_us``; each is looked at while the one before is used."""
        ahead = self._ahead(end_us)
        while ahead is not None:
            interval = ahead.result()
            self.now_us, self._seen = interval.end_us, interval.seen
            ahead = self._ahead(end_us)
            yield interval

    def _ahead(self, end_us: int) -> Future[_Interval] | None:
        if self.now_us >= end_us:
            return None
        return self._pool.submit(self._look, self.now_us, self._seen, end_us)

    def _look(self, now_us: int, seen: Mapping[str, Seen], end_us: int) -> _Interval:
        after = min(now_us + self._pause_us(now_us, seen), end_us)
        times = np.rint(np.linspace(now_us, after, FINEST + 1))
        views: dict[str, View] = {}
        later: dict[str, Seen] = {}
        for name, first in seen.items():
            grid = self._grids[name]
            frames, turns = self.frames(name, times.astype(np.int64))
            later[name] = nearest_surfaces(self.world, frames[-1], grid)
            views[name] = make_view(self.world, grid, frames, turns, first, later[name])
        return _Interval(after, times, views, later)

    def _pause_us(self, now_us: int, seen: Mapping[str, Seen]) -> int:
        """Return how long until the next key frame."""
        probe = np.array([now_us, now_us + _PROBE_US])
        motion = max(
            fastest(self.world, self._grids[name], self.frames(name, probe)[0], seen[name])
            for name in self.cameras
        )
        pause = _PROBE_US * MOST_MOTION_PX / max(motion, 1e-9)
        return int(min(max(pause, _SHORTEST_US), _LONGEST_US))

    def _march(self, interval: _Interval) -> dict[str, Future[Events]]:
        """Bring all pixels to the next key frame, bands of all cameras side by side."""
        bands: list[tuple[str, NDArray[np.int64]]] = []
        for name, view in interval.views.items():
            edges = np.unique(np.linspace(0, view.steps.shape[0], 4 * self.jobs + 1).astype(int))
            bands += [(name, edges[k : k + 2]) for k in range(len(edges) - 1)]
        found = list(self._pool.map(lambda item: self._band(interval, *item), bands))
        return {
            name: self._pool.submit(
                _ordered,
                [part for (of, _), parts in zip(bands, found, strict=True) if of == name
                 for part in parts],
                interval.end_us,
                self.cameras[name].camera,
            )
            for name in interval.views
        }  # fmt: skip

    def _band(self, interval: _Interval, name: str, band: NDArray[np.int64]) -> list[Columns]:
        view, grid = interval.views[name], self._grids[name]
        tiles = int(band[1] - band[0]) * view.steps.shape[1]
        cursor, listed, near = np.zeros(2, np.int64), _list(), _list()
        whole, bright, work = np.empty(FINEST, np.int64), np.empty(FINEST), np.empty((5, FINEST))
        found: list[Columns] = []
        while cursor[0] < tiles:
            t, p = np.empty(_ROOM, np.int64), np.empty(_ROOM, np.uint8)
            x, y = np.empty(_ROOM, np.uint16), np.empty(_ROOM, np.uint16)
            n = march(
                self.world, grid.rays, grid.pixel, view, interval.times, self._cells[name],
                self._params, self._seeds[name], band, cursor, listed, near, whole, bright,
                work, t, x, y, p,
            )  # fmt: skip
            found.append((t[:n], x[:n], y[:n], p[:n]))
        return found


def _ordered(parts: list[Columns], end_us: int, camera: Camera) -> Events:
    ts, xs, ys, ps = zip(*parts, strict=True)
    t = np.minimum(np.concatenate(ts), end_us - 1)
    x, y, p = np.concatenate(xs), np.concatenate(ys), np.concatenate(ps)
    order_by_time(t, x, y, p)
    return Events(x, y, t, p, camera.size)


def _list() -> NDArray[np.int32]:
    return np.empty(FULL_LIST, np.int32)


def _joined(pieces: list[Events], camera: Camera) -> Events:
    if not pieces:
        return Events.empty(camera.size)
    x, y, t, p = (
        np.concatenate([getattr(piece, name) for piece in pieces]) for name in ("x", "y", "t", "p")
    )
    return Events(x, y, t, p, camera.size)
