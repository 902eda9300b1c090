"""Frames of a video file as luminance over time, read by FFmpeg through PyAV (``[video]`` extra).

    file --decode--> RGB as shown --rotation of the file--> inverse sRGB --fit--> (t_us, cd/m2)

Times come from the file's own time stamps, so a variable frame rate stays as it was. Values are
undone by the inverse sRGB curve whatever curve the camera used: a phone that lifts shadows lifts
them here too, and highlights that it clipped stay clipped. High dynamic range transfers (PQ, HLG)
are refused.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from saccade.errors import ConfigError, FormatError, MissingFileError
from saccade.events.types import SensorSize
from saccade.optional import require
from saccade.simulate.luminance import Frame, check_white, fit, linear_light

__all__ = ["video_frames"]

_HDR = {16: "PQ (SMPTE ST 2084)", 18: "HLG (ARIB STD-B67)"}
_TEXT = ("tty", "bin", "adf", "idf", "xbin")  # FFmpeg plays text as if on a terminal
_PICTURES = ("image2", "_pipe", "gif")
_MISSING_S = 0.1


def video_frames(
    path: str | Path,
    *,
    size: SensorSize | None = None,
    white_cd_m2: float = 100.0,
    start_s: float = 0.0,
    end_s: float | None = None,
) -> Iterator[Frame]:
    """Yield the frames of a video file.

    Args:
        path: A file that FFmpeg reads: MP4, MOV, MKV, WebM, AVI, ...
        size: Sensor size; frames are cut to its aspect ratio and resized. None: as in the file.
        white_cd_m2: Luminance of white, cd/m2; 100 is a screen, 10,000 paper in the sun.
        start_s: First time wanted, seconds from the start of the video.
        end_s: Frames from here on are left out; None reads to the end.

    Yields:
        Time in microseconds, 0 for the first frame yielded, increasing; luminance float32
        ``[H, W]`` in cd/m2, in a fresh array.

    Raises:
        MissingExtraError: PyAV is not installed.
        MissingFileError: There is no such file.
        FormatError: It is no video, is truncated or damaged, or has an HDR transfer.
        ConfigError: ``start_s`` and ``end_s`` select nothing, or ``white_cd_m2`` is not positive.

    Examples:
        >>> list(video_frames("night.mp4"))
        Traceback (most recent call last):
        ...
        saccade.errors.MissingFileError: No such file: night.mp4...
    """
    path = Path(path)
    check_white(white_cd_m2)
    if start_s < 0 or (end_s is not None and end_s <= start_s):
        raise ConfigError(
            f"start_s is {start_s} and end_s is {end_s}.", "Expected 0 <= start_s < end_s."
        )
    av: Any = require("av", "Reading video files")
    if not path.exists():
        raise MissingFileError(f"No such file: {path} (looked in {Path.cwd()}).")
    try:
        with av.open(str(path)) as container:
            stream = _video_stream(container, path)
            yield from _frames(container, stream, path, size, white_cd_m2, start_s, end_s)
    except av.error.FFmpegError as error:
        raise FormatError(
            f"{path.name} cannot be read as a video: {error.strerror}.",
            "Expected a whole file that FFmpeg decodes.",
            "Is it truncated? Convert a part of it with ffmpeg, or copy it again.",
        ) from error


def _video_stream(container: Any, path: Path) -> Any:
    kind = container.format.name
    if kind in _TEXT:
        raise FormatError(f"{path.name} is text.", "Expected a video.")
    if any(kind == word or kind.endswith(word) for word in _PICTURES):
        raise FormatError(
            f"{path.name} is a picture ({kind}), not a video.",
            fix="Put the pictures into a folder and use saccade simulate images.",
        )
    if not container.streams.video:
        raise FormatError(f"{path.name} holds no video ({kind}).", "Expected a video stream.")
    stream = container.streams.video[0]
    stream.thread_type = "AUTO"
    return stream


def _frames(
    container: Any,
    stream: Any,
    path: Path,
    size: SensorSize | None,
    white_cd_m2: float,
    start_s: float,
    end_s: float | None,
) -> Iterator[Frame]:
    origin = _seconds(stream.start_time, stream)
    if start_s > 0:
        container.seek(int((origin + start_s) / stream.time_base), stream=stream)
    white = np.float32(white_cd_m2)
    zero_s: float | None = None
    last_us, seen_s = -1, 0.0
    for number, frame in enumerate(container.decode(stream)):
        at_s = _time(frame, number, stream, path) - origin
        seen_s = at_s + _length(frame, stream)
        if end_s is not None and at_s >= end_s:
            break
        if at_s < start_s:
            continue
        _check(frame, at_s, path)
        zero_s = at_s if zero_s is None else zero_s
        t_us = round((at_s - zero_s) * 1e6)
        if t_us <= last_us:
            raise FormatError(
                f"{path.name}: the frame at {at_s:.6f} s does not come after the one before it.",
                "Expected time stamps that increase.",
                "Write them anew: ffmpeg -i FILE -vsync vfr OUT",
            )
        last_us = t_us
        yield t_us, _luminance(frame, size, stream) * white
    else:
        _check_end(seen_s, container, stream, end_s, path)
    if zero_s is None:
        raise ConfigError(
            f"{path.name} has no frame between {start_s} s and {end_s} s.",
            f"Expected a part of its {seen_s:.3f} s.",
        )


def _seconds(ticks: int | None, stream: Any) -> float:
    return float((ticks or 0) * stream.time_base)


def _length(frame: Any, stream: Any) -> float:
    rate = stream.average_rate or stream.guessed_rate
    return _seconds(frame.duration, stream) or (1.0 / float(rate) if rate else 0.0)


def _time(frame: Any, number: int, stream: Any, path: Path) -> float:
    """Time of a frame on the stream's clock; raw streams carry a rate instead of times."""
    if frame.pts is not None:
        return float(frame.pts * frame.time_base)
    rate = stream.average_rate or stream.guessed_rate
    if not rate:
        raise FormatError(f"{path.name} has neither time stamps nor a frame rate.")
    return number / float(rate)


def _check(frame: Any, at_s: float, path: Path) -> None:
    if frame.is_corrupt:
        raise FormatError(
            f"{path.name}: the frame at {at_s:.3f} s is damaged.",
            fix=f"Is it truncated? Pass --end {at_s:.2f} to use what comes before.",
        )
    if int(frame.color_trc) in _HDR:
        raise FormatError(
            f"{path.name} is encoded as {_HDR[int(frame.color_trc)]}.",
            "Expected standard dynamic range.",
            "Map its tones with ffmpeg first.",
        )


def _check_end(seen_s: float, container: Any, stream: Any, end_s: float | None, path: Path) -> None:
    promised_s = _seconds(stream.duration, stream)
    if not promised_s and len(container.streams) == 1:  # Matroska: only the file has a length
        promised_s = (container.duration or 0) / 1e6
    if seen_s < min(promised_s, promised_s if end_s is None else end_s) - _MISSING_S:
        raise FormatError(
            f"{path.name} ends after {seen_s:.3f} s; its header says {promised_s:.3f} s.",
            "Expected the whole file.",
            f"Is it truncated? Pass --end {seen_s:.2f} to use what there is.",
        )


def _luminance(frame: Any, size: SensorSize | None, stream: Any) -> NDArray[np.float32]:
    deep = any(part.bits > 8 for part in frame.format.components)
    values = frame.to_ndarray(format="rgb48le" if deep else "rgb24")
    quarters, rest = divmod(int(frame.rotation), 90)
    if rest:
        raise FormatError(
            f"The video is to be shown rotated by {frame.rotation} degrees.",
            "Expected quarter turns.",
        )
    aspect = float(stream.sample_aspect_ratio or 1) or 1.0
    shown = np.rot90(values, quarters)
    return fit(
        linear_light(np.ascontiguousarray(shown)),
        size,
        pixel_aspect=1.0 / aspect if quarters % 2 else aspect,
    )
