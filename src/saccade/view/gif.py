"""A recording as a film (GIF), written frame by frame: memory does not grow with its length.

    time shown per frame = 1 / (fps * slow_motion)          slow_motion 10 = ten times slower

GIF counts delays in hundredths of a second and players clamp delays below two of them, so the frame
rate ends at 50; other rates alternate delays, and the film keeps time on average.
"""

from __future__ import annotations

import struct
from collections.abc import Iterable
from dataclasses import dataclass
from itertools import chain, islice
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from saccade.errors import ConfigError, EventError
from saccade.events.types import Events
from saccade.files import replacing
from saccade.view.canvas import Canvas, blank, fit, legend_width, text_width, write, write_legend
from saccade.view.color import LIGHT, Theme, palette, saturation_of, shade
from saccade.view.recording import Frame, iter_frames, moment_text, span_text

__all__ = ["Film", "save_gif", "write_gif"]

_PROBE = 12  # frames looked at to set the saturation of the whole film
_STRIP = 24


@dataclass(frozen=True)
class Film:
    """What was written.

    Args:
        path: The file.
        frames: Number of frames.
        height: Rows of the picture.
        width: Columns of the picture.
        window_us: Time shown per frame.
        is_complete: False when the recording went on after the last frame allowed.
    """

    path: Path
    frames: int
    height: int
    width: int
    window_us: int
    is_complete: bool


def save_gif(
    packets: Events | Iterable[Events],
    path: str | Path,
    *,
    fps: float = 25.0,
    slow_motion: float = 1.0,
    max_width: int = 640,
    max_frames: int = 750,
    start_us: int | None = None,
    end_us: int | None = None,
    theme: Theme = LIGHT,
) -> Film:
    """Write a recording as an endless GIF with time, pace and colours under the picture.

    Args:
        packets: Events, or a stream of packets in order of time.
        path: File to write, whole or not at all.
        fps: Frames per second of the film, above 0, at most 50.
        slow_motion: Seconds of film per second of recording: 1 real time, 10 ten times slower.
        max_width: Widest picture in pixels; wider sensors are summed in whole blocks.
        max_frames: Stop after so many; the result says whether that cut the recording.
        start_us: Start of the film on the recording's clock; the first event without it.
        end_us: End of the film.
        theme: Colours.

    Raises:
        ConfigError: A number is outside its range.
        EventError: There are no events in the time asked for.
    """
    window_us = _window_us(fps, slow_motion, max_width, max_frames)
    shrunk = (
        Frame(frame.start_us, fit(frame.counts, max_width))
        for frame in iter_frames(packets, window_us, start_us=start_us, end_us=end_us)
    )
    probe = list(islice(shrunk, _PROBE))
    if not probe:
        raise EventError(
            "A film of no events.", "Expected at least one event in the time asked for."
        )
    saturation = saturation_of(np.stack([frame.counts for frame in probe]))
    height, width = probe[0].counts.shape[1:]
    first_us = probe[0].start_us
    note = _note(window_us, slow_motion)

    def picture(frame: Frame) -> Canvas:
        time = moment_text(frame.start_us - first_us, window_us)
        return np.vstack([shade(frame.counts, saturation), _strip(width, time, note)])

    pictures = map(picture, chain(probe, shrunk))
    target = Path(path)
    frames = write_gif(target, islice(pictures, max_frames), fps, palette(theme))
    return Film(
        path=target,
        frames=frames,
        height=height + _STRIP,
        width=width,
        window_us=window_us,
        is_complete=frames < max_frames or next(pictures, None) is None,
    )


def _window_us(fps: float, slow_motion: float, max_width: int, max_frames: int) -> int:
    if not 0 < fps <= 50:
        raise ConfigError(f"fps is {fps:g}.", "Expected above 0 and at most 50, the limit of GIF.")
    if not 0 < slow_motion < float("inf"):
        raise ConfigError(
            f"slow_motion is {slow_motion:g}.", "Expected above 0.", "1 is real time."
        )
    if max_width < 16:
        raise ConfigError(f"max_width is {max_width}.", "Expected at least 16 pixels.")
    if max_frames < 1:
        raise ConfigError(f"max_frames is {max_frames}.", "Expected at least 1.")
    return max(1, round(1e6 / (fps * slow_motion)))


def _note(window_us: int, slow_motion: float) -> str:
    pace = "real time"
    if slow_motion != 1:
        slower = slow_motion > 1
        factor = slow_motion if slower else 1 / slow_motion
        pace = f"{factor:.3g} times {'slower' if slower else 'faster'}"
    return f"{span_text(window_us)} a frame, {pace}"


def _strip(width: int, time: str, note: str) -> Canvas:
    """The line under a frame: time, pace, colours; what does not fit is left out."""
    strip = blank(_STRIP, width)
    middle = _STRIP // 2
    used = 6 + write(strip, time, 6, middle) + 16
    if used + legend_width() <= width:
        write_legend(strip, width - 6, middle)
        if used + text_width(note) + 16 + legend_width() <= width:
            write(strip, note, used, middle)
    return strip


def write_gif(path: Path, pictures: Iterable[Canvas], fps: float, colors: NDArray[np.uint8]) -> int:
    """Write palette pictures as an endless GIF, whole or not at all.

    Args:
        path: File to write.
        pictures: uint8 ``[H, W]`` each, entries of ``colors``.
        fps: Frames per second, above 0, at most 50.
        colors: uint8 ``[256, 3]``, red, green, blue of every entry.

    Returns:
        The number of frames.
    """
    frames = 0
    with replacing(path) as part, part.open("wb") as file:
        for picture in pictures:
            if frames == 0:
                file.write(_header(picture, colors))
            delay = round((frames + 1) * 100 / fps) - round(frames * 100 / fps)
            file.writelines(_frame_bytes(picture, delay))
            frames += 1
        file.write(b";")
    return frames


def _header(picture: Canvas, colors: NDArray[np.uint8]) -> bytes:
    """Signature, screen, global palette of 256 colours, loop for ever."""
    screen = struct.pack("<HHBBB", picture.shape[1], picture.shape[0], 0xF7, 0, 0)
    loop = b"\x21\xff\x0bNETSCAPE2.0\x03\x01\x00\x00\x00"
    return b"GIF89a" + screen + colors.tobytes() + loop


def _frame_bytes(picture: Canvas, delay_cs: int) -> list[bytes]:
    from PIL import GifImagePlugin, Image

    control = struct.pack("<BBBBHBB", 0x21, 0xF9, 4, 0x04, delay_cs, 0, 0)
    image: Any = Image.fromarray(picture)
    image.putpalette(bytes(768))
    return [control, *GifImagePlugin.getdata(image)]
