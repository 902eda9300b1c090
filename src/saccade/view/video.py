"""Colour pictures as an MP4 video (H.264), through PyAV of the extra ``video``."""

from __future__ import annotations

from collections.abc import Iterable
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from saccade.files import replacing
from saccade.optional import require

__all__ = ["write_mp4"]


def write_mp4(path: Path, pictures: Iterable[NDArray[np.uint8]], fps: float) -> int:
    """Write pictures as a video that every player shows, whole or not at all.

    Args:
        path: File to write.
        pictures: uint8 ``[H, W, 3]`` each, both sides even.
        fps: Frames per second.

    Returns:
        Number of frames.

    Raises:
        MissingExtraError: PyAV is not installed.
    """
    av: Any = require("av", "Writing MP4")
    frames = 0
    with replacing(path) as part, av.open(str(part), "w", format="mp4") as container:
        stream: Any = None
        for picture in pictures:
            if stream is None:
                rate = Fraction(fps).limit_denominator(1001)
                stream = container.add_stream("libx264", rate=rate, options={"crf": "20"})
                stream.height, stream.width = picture.shape[:2]
                stream.pix_fmt = "yuv420p"
            frame = av.VideoFrame.from_ndarray(np.ascontiguousarray(picture), format="rgb24")
            container.mux(stream.encode(frame))
            frames += 1
        if stream is not None:
            container.mux(stream.encode())
    return frames
