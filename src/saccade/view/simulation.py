"""A simulated recording to look at: frame, events, depth and flow side by side.

    street, day                                                                    1.240 s
    +-- intensity --+  +--- events ---+  +---- depth ----+  +---- flow -----+
    |               |  |              |  |               |  |               |
    +---------------+  +--------------+  +---------------+  +---------------+
    camera frame       ON OFF, 40 ms     1.5 [====] 90 m    (wheel) 420 px/s

Scales are the same in all frames of a film, so they can be compared. A film is a GIF with one
palette, or an MP4 with the extra ``video``.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from saccade.events.types import Events
from saccade.represent import count_frame
from saccade.view.canvas import blank, fit, legend_width, text_width, to_rgb, write, write_legend
from saccade.view.color import shade
from saccade.view.maps import NOTHING, depth_bar, depth_colors, flow_colors, flow_wheel
from saccade.view.recording import span_text

__all__ = ["Moment", "Scales", "preview_frame"]

Rgb = NDArray[np.uint8]

_GAP, _HEADER, _TITLE, _LEGEND = 8, 26, 20, 44
_WHEEL, _BAR = 40, 90


@dataclass(frozen=True)
class Moment:
    """What is shown at one time.

    Args:
        time_us: When the frame was taken.
        image: uint8 ``[H, W]``.
        events: Events since the frame before.
        depth: float32 ``[H, W]`` in metres, NaN = sky.
        flow: float32 ``[2, H, W]`` in pixels over ``flow_us``, or None where there is none.
        events_us: Time over which the events were collected.
        flow_us: Time over which the flow is given.
    """

    time_us: int
    image: NDArray[np.uint8]
    events: Events
    depth: NDArray[np.float32]
    flow: NDArray[np.float32] | None
    events_us: int
    flow_us: int


@dataclass(frozen=True)
class Scales:
    """Ends of the colour scales.

    Args:
        near_m: Depth at the red end.
        far_m: Depth at the blue end.
        flow_px_s: Speed of full colour, in pixels per second.
        saturation: Events per pixel at full colour.
    """

    near_m: float = 1.0
    far_m: float = 100.0
    flow_px_s: float = 200.0
    saturation: float = 3.0


def preview_frame(
    image: NDArray[np.uint8],
    events: Events,
    depth: NDArray[np.float32],
    flow: NDArray[np.float32] | None,
    *,
    time_us: int,
    events_us: int,
    flow_us: int = 0,
    scales: Scales | None = None,
    title: str = "",
    max_width: int = 1_600,
) -> Rgb:
    """Return the four panels with their legends under a line that says what and when.

    Args:
        image: uint8 ``[H, W]``, the camera frame.
        events: Events to show, all in one picture.
        depth: float32 ``[H, W]`` in metres, NaN = sky.
        flow: float32 ``[2, H, W]``, pixels moved in ``flow_us``, NaN = not known; or None.
        time_us: Time of the frame from the recording's zero.
        events_us: Time over which the events were collected.
        flow_us: Time over which the flow is given.
        scales: Ends of the colour scales.
        title: Scene and condition, e.g. ``"street, night"``.
        max_width: Widest picture in pixels; larger sensors are shrunk by whole factors.

    Returns:
        uint8 ``[h, w, 3]``, red, green, blue; both sides even, as video codecs want them.

    Examples:
        >>> from saccade.events.types import SensorSize
        >>> picture = preview_frame(
        ...     np.zeros((20, 30), np.uint8), Events.empty(SensorSize(20, 30)),
        ...     np.full((20, 30), 3, np.float32), None, time_us=40_000, events_us=40_000,
        ... )
        >>> picture.shape[2], picture.shape[0] % 2, picture.shape[1] % 2
        (3, 0, 0)
    """
    scales = scales or Scales()
    room = (max_width - 5 * _GAP) // 4
    columns = [
        _intensity_panel(image, room),
        _events_panel(events, events_us, scales, room),
        _depth_panel(depth, scales, room),
        _flow_panel(flow, flow_us, depth.shape, scales, room),
    ]
    gap = np.full((columns[0].shape[0], _GAP, 3), 255, np.uint8)
    body = np.hstack([gap, *(piece for panel in columns for piece in (panel, gap))])
    page = np.vstack([_header(body.shape[1], title, f"{time_us / 1e6:.3f} s"), body])
    odd = (page.shape[0] % 2, page.shape[1] % 2)
    return np.pad(page, ((0, odd[0]), (0, odd[1]), (0, 0)), constant_values=255)


def _intensity_panel(image: NDArray[np.uint8], room: int) -> Rgb:
    height, width = _fitted(image.shape, room)
    grey = _shrink(image, room).repeat(3).reshape(height, width, 3)
    legend = blank(_LEGEND, width)
    write(legend, "camera frame", 0, 12, size=11)
    return _panel("intensity", grey, to_rgb(legend))


def _events_panel(events: Events, events_us: int, scales: Scales, room: int) -> Rgb:
    counts = fit(count_frame(events), room)
    picture = to_rgb(shade(counts, scales.saturation))
    legend = blank(_LEGEND, picture.shape[1])
    write_legend(legend, legend_width(11) + 2, 12, size=11)
    write(legend, f"{len(events):,} in {span_text(max(events_us, 1))}", 0, 32, size=11)
    return _panel("events", picture, to_rgb(legend))


def _depth_panel(depth: NDArray[np.float32], scales: Scales, room: int) -> Rgb:
    picture = depth_colors(_shrink(depth, room), scales.near_m, scales.far_m)
    legend = blank(_LEGEND, picture.shape[1])
    near, far = f"{scales.near_m:g}", f"{scales.far_m:g} m"
    left = write(legend, near, 0, 12, size=11) + 6
    bar = max(8, min(_BAR, picture.shape[1] - left - 6 - text_width(far, 11)))
    write(legend, far, left + bar + 6, 12, size=11)
    key = 11
    write(legend, "sky", key + 5, 32, size=11)
    colored = to_rgb(legend)
    colored[6:18, left : left + bar] = depth_bar(12, bar)
    colored[27:38, :key] = NOTHING
    return _panel("depth", picture, colored)


def _flow_panel(
    flow: NDArray[np.float32] | None,
    flow_us: int,
    shape: tuple[int, ...],
    scales: Scales,
    room: int,
) -> Rgb:
    height, width = _fitted(shape, room)
    legend = blank(_LEGEND, width)
    if flow is None or flow_us < 1:
        write(legend, "none ends here", 0, 12, size=11)
        picture = np.full((height, width, 3), NOTHING, np.uint8)
        return _panel("flow", picture, to_rgb(legend))
    picture = flow_colors(_shrink(flow, room) * np.float32(1e6 / flow_us), scales.flow_px_s)
    write(legend, f"rim: {scales.flow_px_s:g} px/s or more", _WHEEL + 8, 12, size=11)
    write(legend, f"over {span_text(flow_us)}; grey: not seen", _WHEEL + 8, 32, size=11)
    colored = to_rgb(legend)
    colored[2 : 2 + _WHEEL, :_WHEEL] = flow_wheel(_WHEEL)
    return _panel("flow", picture, colored)


def _panel(title: str, picture: Rgb, legend: Rgb) -> Rgb:
    head = blank(_TITLE, picture.shape[1])
    write(head, title, 0, _TITLE // 2, size=13)
    framed = picture.copy()
    framed[[0, -1], :] = framed[:, [0, -1]] = 150
    return np.vstack([to_rgb(head), framed, legend])


def _header(width: int, title: str, time: str) -> Rgb:
    strip = blank(_HEADER, width)
    write(strip, title, _GAP, _HEADER // 2, size=15)
    write(strip, time, width - _GAP - text_width(time, 15), _HEADER // 2, size=15)
    return to_rgb(strip)


def _fitted(shape: tuple[int, ...], room: int) -> tuple[int, int]:
    height, width = fit(np.zeros((2, *shape[-2:]), np.uint8), room).shape[-2:]
    return height, width


def _shrink(values: NDArray[Any], room: int) -> NDArray[Any]:
    """Scale as `fit` scales counts: means of blocks for frames, the middle one for maps."""
    height, width = values.shape[-2:]
    factor = -(-width // room)
    if factor > 1:
        rows, columns = -(-height // factor), -(-width // factor)
        if values.dtype != np.uint8:
            middle = [
                np.minimum(np.arange(count) * factor + factor // 2, most - 1)
                for count, most in ((rows, height), (columns, width))
            ]
            return values[..., middle[0][:, None], middle[1]]
        pad = ((0, rows * factor - height), (0, columns * factor - width))
        blocks = np.pad(values, pad, mode="edge").reshape(rows, factor, columns, factor)
        return np.rint(blocks.mean(axis=(1, 3))).astype(np.uint8)
    grow = _fitted(values.shape, room)[1] // width
    return values.repeat(grow, axis=-2).repeat(grow, axis=-1)
