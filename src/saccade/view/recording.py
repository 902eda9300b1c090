"""A recording as pictures: frames of equal time, a single picture, a contact sheet.

    |--- frame 0 ---|--- frame 1 ---|--- ...            half-open windows of window_us
    start_us        + window_us     + 2 window_us

Every frame of a series uses the same saturation, so brightness can be compared across it.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from saccade.errors import ConfigError, EventError
from saccade.events.types import Events, SensorSize
from saccade.files import write_atomically
from saccade.represent import count_frame
from saccade.view.canvas import (
    Canvas,
    blank,
    fit,
    legend_width,
    png,
    text_width,
    to_rgb,
    write,
    write_legend,
)
from saccade.view.color import LIGHT, Theme, saturation_of, shade

__all__ = [
    "Frame",
    "contact_sheet",
    "contact_sheet_png",
    "iter_frames",
    "moment_text",
    "readable_window_us",
    "recording_png",
    "render_frames",
    "save_contact_sheet",
    "save_png",
    "span_text",
]

_CROWD = 0.15  # events per sensor pixel in a tile; more would cover what moves
_MARGIN = 12


@dataclass(frozen=True)
class Frame:
    """Events counted over one window.

    Args:
        start_us: Start of the window.
        counts: ``[2, H, W]`` events per polarity (OFF, ON) and pixel.
    """

    start_us: int
    counts: NDArray[Any]


def iter_frames(
    packets: Events | Iterable[Events],
    window_us: int,
    *,
    start_us: int | None = None,
    end_us: int | None = None,
) -> Iterator[Frame]:
    """Count events over consecutive windows; windows without events give empty frames.

    Works on events in memory and on a stream (any iterable of packets in order of time), holding
    one packet and one frame. The last window may be cut short by the end of the recording.

    Args:
        packets: Events, or packets of them.
        window_us: Length of a window in microseconds.
        start_us: Start of the first window; the first event without it.
        end_us: Events from here on are left out.

    Raises:
        ConfigError: ``window_us`` is below 1.

    Examples:
        >>> events = Events([0, 1, 1], [0, 0, 0], [5, 9, 27], [1, 0, 1], SensorSize(1, 2))
        >>> [(frame.start_us, int(frame.counts.sum())) for frame in iter_frames(events, 10)]
        [(5, 2), (15, 0), (25, 1)]
    """
    if window_us < 1:
        raise ConfigError(f"window_us is {window_us}.", "Expected at least 1.")
    frame: Frame | None = None
    for packet in [packets] if isinstance(packets, Events) else packets:
        rest = packet
        if end_us is not None and len(packet) and packet.t[0] >= end_us:
            break
        if start_us is not None or end_us is not None:
            rest = packet.slice_time(
                np.iinfo(np.int64).min if start_us is None else start_us,
                np.iinfo(np.int64).max if end_us is None else end_us,
            )
        while len(rest):
            if frame is None:
                frame = _start(rest, start_us)
            cut = int(np.searchsorted(rest.t, frame.start_us + window_us))
            frame.counts[...] += count_frame(rest[:cut])
            rest = rest[cut:]
            if len(rest):
                yield frame
                frame = Frame(frame.start_us + window_us, np.zeros_like(frame.counts))
    if frame is not None:
        yield frame


def render_frames(
    events: Events,
    *,
    window_us: int,
    max_width: int = 640,
    max_frames: int = 1_000,
    theme: Theme = LIGHT,
) -> list[NDArray[np.uint8]]:
    """Return a recording as a list of colour pictures, one per window.

    Args:
        events: The recording.
        window_us: Length of a window in microseconds.
        max_width: Widest picture in pixels; wider sensors are summed in whole blocks.
        max_frames: Refuse to make more.
        theme: Colours.

    Returns:
        uint8 ``[h, w, 3]`` each.

    Raises:
        ConfigError: There would be more than ``max_frames``.

    Examples:
        >>> events = Events([0, 1], [0, 0], [0, 30_000], [1, 0], SensorSize(2, 2))
        >>> [frame.shape for frame in render_frames(events, window_us=20_000)]
        [(240, 240, 3), (240, 240, 3)]
    """
    count = events.duration_us // max(window_us, 1) + 1
    if count > max_frames:
        raise ConfigError(
            f"{span_text(events.duration_us)} in windows of {span_text(window_us)} are "
            f"{count:,} frames.",
            f"Expected at most {max_frames:,}.",
            "Take longer windows or a piece of the recording.",
        )
    frames = [fit(frame.counts, max_width) for frame in iter_frames(events, window_us)]
    saturation = saturation_of(np.stack(frames)) if frames else 1.0
    return [to_rgb(shade(frame, saturation), theme) for frame in frames]


def recording_png(events: Events, *, max_width: int = 1_280, theme: Theme = LIGHT) -> bytes:
    """Return all events in one picture with a line on time span and colours, as PNG bytes."""
    counts = fit(count_frame(events), max_width)
    picture = shade(counts, saturation_of(counts))
    strip = _strip(picture.shape[1], f"{len(events):,} events in {span_text(events.duration_us)}")
    return png(np.vstack([picture, strip]), theme)


def save_png(
    events: Events, path: str | Path, *, max_width: int = 1_280, theme: Theme = LIGHT
) -> Path:
    """Write `recording_png` to a file, whole or not at all."""
    return write_atomically(Path(path), recording_png(events, max_width=max_width, theme=theme))


def contact_sheet(
    events: Events,
    *,
    columns: int = 4,
    rows: int = 3,
    window_us: int | None = None,
    max_width: int = 1_600,
) -> Canvas:
    """Lay out evenly spaced moments of a recording as labelled tiles.

    Args:
        events: The recording; at least one event.
        columns: Tiles across.
        rows: Tiles down.
        window_us: Time shown in each tile, `readable_window_us` without it.
        max_width: Widest sheet in pixels.

    Returns:
        Palette picture; `contact_sheet_png` and `save_contact_sheet` give it a file format.

    Raises:
        EventError: There are no events.
        ConfigError: There is no tile, or the window is below 1 µs.
    """
    if not len(events):
        raise EventError("A contact sheet of no events.", "Expected at least one event.")
    if columns < 1 or rows < 1:
        raise ConfigError(f"{columns} x {rows} tiles.", "Expected at least one.")
    tiles = columns * rows
    window = readable_window_us(events, tiles) if window_us is None else window_us
    if window < 1:
        raise ConfigError(f"window_us is {window}.", "Expected at least 1.")
    first = int(events.t[0])
    starts = [first + k * (events.duration_us + 1) // tiles for k in range(tiles)]
    tile_width = max(32, (max_width - _MARGIN) // columns - _MARGIN)
    pieces = [events.slice_time(start, start + window) for start in starts]
    counts = [fit(count_frame(piece), tile_width) for piece in pieces]
    saturation = saturation_of(np.stack(counts))
    labels = [
        f"{moment_text(start - first, events.duration_us // tiles)}   {len(piece):,} events"
        for start, piece in zip(starts, pieces, strict=True)
    ]
    head = f"{span_text(events.duration_us)}, {events.size}; every tile shows {span_text(window)}"
    return _laid_out([shade(count, saturation) for count in counts], labels, columns, head)


def contact_sheet_png(events: Events, *, theme: Theme = LIGHT, **layout: Any) -> bytes:
    """Return `contact_sheet` (same layout arguments) as PNG bytes."""
    return png(contact_sheet(events, **layout), theme)


def save_contact_sheet(
    events: Events, path: str | Path, *, theme: Theme = LIGHT, **layout: Any
) -> Path:
    """Write `contact_sheet` (same layout arguments) as a PNG file, whole or not at all."""
    return write_atomically(Path(path), contact_sheet_png(events, theme=theme, **layout))


def readable_window_us(events: Events, pieces: int) -> int:
    """Return a round window that shows about 0.15 events per pixel, at most one piece long.

    Examples:
        >>> t = np.arange(0, 1_000_000, 100)
        >>> zeros = np.zeros(10_000, np.int64)
        >>> readable_window_us(Events(zeros, zeros, t, zeros, SensorSize(100, 100)), 10)
        50000
    """
    piece_us = (events.duration_us + 1) / pieces
    wanted = (events.duration_us + 1) * _CROWD * events.size.pixels / max(len(events), 1)
    most = max(min(wanted, piece_us), 1.0)
    power = 10 ** math.floor(math.log10(most))
    return max(step for step in (1, 2, 5) if step * power <= most) * power


def span_text(span_us: float) -> str:
    """Return a time span with a unit that fits.

    Examples:
        >>> span_text(850), span_text(20_000), span_text(2_500_000)
        ('850 µs', '20 ms', '2.5 s')
    """
    if span_us < 1_000:
        return f"{span_us:.0f} µs"
    return f"{span_us / 1e3:.4g} ms" if span_us < 1e6 else f"{span_us / 1e6:.4g} s"


def moment_text(elapsed_us: int, step_us: int) -> str:
    """Return a moment of a series in seconds, with digits enough to tell steps apart.

    Examples:
        >>> moment_text(1_200_000, 40_000), moment_text(1_466, 733)
        ('1.200 s', '0.00147 s')
    """
    digits = 3 if step_us >= 2_000 else 4 if step_us >= 1_000 else 5 if step_us >= 100 else 6
    return f"{elapsed_us / 1e6:.{digits}f} s"


def _start(events: Events, start_us: int | None) -> Frame:
    size: SensorSize = events.size
    start = int(events.t[0]) if start_us is None else start_us
    return Frame(start, np.zeros((2, size.height, size.width), np.float32))


def _laid_out(tiles: list[Canvas], labels: list[str], columns: int, head: str) -> Canvas:
    height, width = tiles[0].shape
    line = 22
    step_x, step_y = width + _MARGIN, height + line + _MARGIN
    rows = -(-len(tiles) // columns)
    sheet = blank(line + _MARGIN + rows * step_y, columns * step_x + _MARGIN)
    for k, (tile, label) in enumerate(zip(tiles, labels, strict=True)):
        top = line + _MARGIN + (k // columns) * step_y
        left = _MARGIN + (k % columns) * step_x
        sheet[top : top + height, left : left + width] = _framed(tile)
        _write_fitting(sheet, label, left, top + height + line // 2, width)
    room = sheet.shape[1] - legend_width() - 3 * _MARGIN
    _write_fitting(sheet, head, _MARGIN, _MARGIN + line // 2, room)
    if room > 0:
        write_legend(sheet, sheet.shape[1] - _MARGIN, _MARGIN + line // 2)
    return sheet


def _framed(tile: Canvas) -> Canvas:
    from saccade.view.color import TEXT

    framed = tile.copy()
    framed[[0, -1], :] = TEXT + 4
    framed[:, [0, -1]] = TEXT + 4
    return framed


def _strip(width: int, text: str) -> Canvas:
    strip = blank(26, width)
    room = width - legend_width() - 2 * _MARGIN
    _write_fitting(strip, text, 6, 13, room if text_width("00 ms") < room else width)
    if text_width("00 ms") < room:
        write_legend(strip, width - 6, 13)
    return strip


def _write_fitting(canvas: Canvas, text: str, left: int, middle: int, room: int) -> None:
    """Write the text, with smaller letters or cut at a comma or gap where it is too long."""
    for size in (13, 11, 9):
        if text_width(text, size) <= room:
            write(canvas, text, left, middle, size=size)
            return
    shorter = text.rsplit(" ", 1)[0].rstrip(" ,;")
    if shorter != text:
        _write_fitting(canvas, shorter, left, middle, room)
