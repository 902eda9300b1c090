"""A simulated recording as a film of previews (GIF, MP4) or a sheet of them (PNG).

parts --cut at the frames--> moments --scales of the first few--> pages --> one file
"""

from __future__ import annotations

import io
from collections.abc import Iterable, Iterator, Sequence
from itertools import chain, islice
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from saccade.errors import EventError
from saccade.events.types import Events
from saccade.files import write_atomically
from saccade.represent import count_frame
from saccade.simulate.recording import Part
from saccade.view.color import saturation_of
from saccade.view.gif import write_gif
from saccade.view.maps import NOTHING, depth_bar, flow_colors
from saccade.view.simulation import Moment, Scales, preview_frame
from saccade.view.video import write_mp4

__all__ = ["film_palette", "moments", "save_film", "save_sheet", "scales_of"]

Rgb = NDArray[np.uint8]

_PROBE = 12

_SHARES = (np.float32(0.5), np.float32(1.0))
_PATTERN = np.array([[0, 8, 2, 10], [12, 4, 14, 6], [3, 11, 1, 9], [15, 7, 13, 5]], np.int16) - 8
"""Ordered dither of 4 x 4 pixels: thresholds spread evenly, the same in every frame."""


def moments(parts: Iterable[Part], camera: str = "left") -> Iterator[Moment]:
    """Cut a recording into what is seen at each of its frames.

    Events between two frames belong to the later one. Depth and flow must be given at the times of
    the frames: depth at each, flow of whatever span ends at it.

    Args:
        parts: Parts in order.
        camera: Which camera.

    Raises:
        EventError: A frame has no depth.
    """
    kept: list[Events] = []
    before_us: int | None = None
    for part in parts:
        events = part.events[camera]
        cut_us = part.start_us
        labels = {int(time): row for row, time in enumerate(part.label_us)}
        flows = _flow_ends(part)
        for row, time in enumerate(map(int, part.image_us)):
            if time not in labels:
                raise EventError(f"The frame at {time:,} µs has no depth.", "Expected one label.")
            kept.append(events.slice_time(cut_us, time))
            flow, flow_us = flows.get(time, (None, 0))
            yield Moment(
                time_us=time,
                image=part.images[camera][row],
                events=Events.concatenate(kept),
                depth=part.depth[camera][labels[time]],
                flow=flow,
                events_us=time - (before_us or 0),
                flow_us=flow_us,
            )
            kept, cut_us, before_us = [], time, time
        kept.append(events.slice_time(cut_us, part.end_us))


def scales_of(seen: Sequence[Moment]) -> Scales:
    """Return scales that suit these moments, with ends at round numbers."""
    depth = np.concatenate([moment.depth[np.isfinite(moment.depth)] for moment in seen])
    near, far = (1.0, 100.0) if not depth.size else np.quantile(depth, [0.01, 0.99])
    near_m, far_m = _round_number(near, down=True), _round_number(far)
    speeds = [_speed(moment) for moment in seen if moment.flow is not None and moment.flow_us]
    speed = np.concatenate(speeds) if speeds else np.empty(0)
    most = float(np.quantile(speed, 0.95)) if speed.size else 0.0
    shown = [count_frame(moment.events) for moment in seen if len(moment.events)]
    return Scales(
        near_m=near_m,
        far_m=max(far_m, 2 * near_m),
        flow_px_s=_round_number(max(most, 1.0)),
        saturation=saturation_of(np.stack(shown)) if shown else 1.0,
    )


def save_film(
    seen: Iterable[Moment],
    path: str | Path,
    *,
    fps: float = 25.0,
    title: str = "",
    max_width: int = 1_600,
) -> int:
    """Write a GIF or, where the name ends in ``.mp4``, a video with the extra ``video``.

    Args:
        seen: Moments in order; one is in memory at a time, after a few at the start that set the
            scales.
        path: File to write, whole or not at all.
        fps: Frames per second of the film, at most 50 for a GIF.
        title: Scene and condition.
        max_width: Widest film in pixels.

    Returns:
        Number of frames.

    Raises:
        EventError: There is nothing to show.
        MissingExtraError: An MP4 without PyAV.
    """
    source = iter(seen)
    probe = list(islice(source, 1, 1 + _PROBE)) or list(source)
    if not probe:
        raise EventError("A film of no frames.", "Expected at least two frames of a camera.")
    scales = scales_of(probe)
    pages = (_page(moment, scales, title, max_width) for moment in chain(probe, source))
    target = Path(path)
    if target.suffix.lower() == ".mp4":
        return write_mp4(target, pages, fps)
    first = list(islice(pages, _PROBE))
    colors = film_palette(first[:: max(1, len(first) // 4)])
    table = _nearest(colors)
    indexed = (_indexed(page, table) for page in chain(first, pages))
    return write_gif(target, indexed, fps, colors)


def save_sheet(
    rows: Sequence[tuple[str, Moment]], path: str | Path, *, max_width: int = 1_600
) -> Path:
    """Write a PNG of moments one under another, e.g. a scene under every condition.

    Args:
        rows: Title and moment of each row; all rows share one scale.
        path: File to write, whole or not at all.
        max_width: Widest picture in pixels.

    Raises:
        EventError: There is nothing to show.
    """
    from PIL import Image

    if not rows:
        raise EventError("A sheet of no rows.", "Expected at least one moment.")
    scales = scales_of([moment for _, moment in rows])
    pages = [_page(moment, scales, title, max_width) for title, moment in rows]
    buffer = io.BytesIO()
    Image.fromarray(np.vstack(pages)).save(buffer, "PNG", optimize=True)
    return write_atomically(Path(path), buffer.getvalue())


def film_palette(pages: Sequence[Rgb]) -> NDArray[np.uint8]:
    """Return 256 colours that suit some pages of a film and their legends, by median cut.

    White, the grey of nothing and the ends of both scales are always among them.

    Args:
        pages: uint8 ``[h, w, 3]`` each, of one size.

    Returns:
        uint8 ``[256, 3]``.
    """
    from PIL import Image

    angle = np.arange(16) * 2 * np.pi / 16
    hues = np.stack([np.cos(angle), np.sin(angle)])[:, None].astype(np.float32)
    flow = np.concatenate([flow_colors(hues * share, 1.0)[0] for share in _SHARES])
    fixed = np.vstack([[(255, 255, 255), NOTHING], flow, depth_bar(1, 16)[0]]).astype(np.uint8)
    cut = Image.fromarray(np.vstack(pages)).quantize(256 - len(fixed), Image.Quantize.MEDIANCUT)
    found = np.array(cut.getpalette("RGB"), np.uint8).reshape(-1, 3)[: 256 - len(fixed)]
    rest = np.full((256 - len(fixed) - len(found), 3), 255, np.uint8)
    return np.vstack([fixed, found, rest])


def _page(moment: Moment, scales: Scales, title: str, max_width: int) -> Rgb:
    return preview_frame(
        moment.image,
        moment.events,
        moment.depth,
        moment.flow,
        time_us=moment.time_us,
        events_us=moment.events_us,
        flow_us=moment.flow_us,
        scales=scales,
        title=title,
        max_width=max_width,
    )


def _indexed(page: Rgb, table: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Look up every pixel; colours, not greys, get a fixed pattern that hides the steps between."""
    tile = np.tile(_PATTERN, (-(-page.shape[0] // 4), -(-page.shape[1] // 4)))
    pattern = tile[: page.shape[0], : page.shape[1], None]
    has_color = page.max(axis=-1, keepdims=True) - page.min(axis=-1, keepdims=True) > 8
    shifted = np.clip(page.astype(np.int16) + np.where(has_color, pattern, 0), 0, 255)
    red, green, blue = np.moveaxis((shifted * 31 + 127) // 255, -1, 0)
    return table[red, green, blue]


def _nearest(colors: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Entry of the nearest colour for each of 32 x 32 x 32 colours."""
    level = np.arange(32) * (255.0 / 31.0)
    table = np.empty((32, 32, 32), np.uint8)
    wanted = colors.astype(np.float64)
    for red in range(32):
        cube = np.stack(np.meshgrid(level[red], level, level, indexing="ij"), axis=-1)[0]
        distance = ((cube[:, :, None] - wanted) ** 2).sum(axis=-1)
        table[red] = distance.argmin(axis=-1)
    return table


def _flow_ends(part: Part) -> dict[int, tuple[NDArray[np.float32], int]]:
    """End time of each flow map -> the map and its span; the shortest where several end."""
    found: dict[int, tuple[NDArray[np.float32], int]] = {}
    for name, spans in part.flow_us.items():
        for row, (start, end) in enumerate(spans.tolist()):
            if end not in found or end - start < found[end][1]:
                found[end] = part.flow[name][row], end - start
    return found


def _speed(moment: Moment) -> NDArray[np.float64]:
    assert moment.flow is not None
    speed = np.hypot(*moment.flow.astype(np.float64)) * (1e6 / moment.flow_us)
    return speed[np.isfinite(speed)]


def _round_number(value: float, *, down: bool = False) -> float:
    """Round to 1, 1.5, 2, 3, 5 or 7 times a power of ten."""
    power = 10.0 ** np.floor(np.log10(value))
    steps = [1.0, 1.5, 2.0, 3.0, 5.0, 7.0, 10.0]
    fitting = [step for step in steps if (step <= value / power if down else step >= value / power)]
    return float((max(fitting) if down else min(fitting)) * power)
