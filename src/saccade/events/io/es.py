"""Event Stream (.es), version 2, of a DVS sensor: bytes with times as differences.

    "Event Stream", version (3 bytes), type (1 byte), width, height (2 bytes each, little endian)

    byte    dddddddp   d = 0..126: an event, d us after the clock; x and y follow, 2 bytes each
            0xFF       the clock advances by 127 us
            0xFE       nothing

``y`` counts from the bottom in the file and from the top here: ``y = height - 1 - y_file``. Other
stream types hold something else than events of pixels with a polarity and are refused by name.

Reference:
    Event Stream 2, https://github.com/neuromorphicsystems/event_stream
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from saccade.errors import FormatError
from saccade.events.io.format import Format, Header, ReadOptions, truncated
from saccade.events.io.raw_header import read_head
from saccade.events.io.words import MADE, STATE, USED, Layout, WordReader
from saccade.events.types import SensorSize
from saccade.jit import kernel

__all__ = ["FORMAT", "decode"]

_SIGNATURE = b"Event Stream"
_TYPES = {0: "generic", 1: "DVS", 2: "ATIS", 3: "asynchronous and modular display", 4: "color"}
_DVS = 1
_BODY = 20
_CLOCK, _HEIGHT = STATE, STATE + 1


@kernel
def decode(stream: Any, x: Any, y: Any, t: Any, p: Any, state: Any) -> None:
    """Turn bytes into events.

    Args:
        stream: uint8 ``[N]``; an event that is cut off at the end is left for the next call.
        x: Room for columns, uint16 ``[M]``.
        y: Room for rows, uint16 ``[M]``.
        t: Room for times in microseconds, int64 ``[M]``.
        p: Room for polarities, uint8 ``[M]``.
        state: int64: bytes used, events made, clock in microseconds, rows of the sensor.
    """
    clock, height = state[_CLOCK], state[_HEIGHT]
    used = made = np.uint64(0)
    one, end, room = np.uint64(1), np.uint64(stream.shape[0]), np.uint64(x.shape[0])
    while used < end and made < room:
        first = np.int64(stream[used])
        if first >= 0xFE:
            clock += 127 * (first & 1)
            used += one
            continue
        if used + np.uint64(5) > end:
            break
        clock += first >> 1
        column = np.int64(stream[used + one]) | np.int64(stream[used + np.uint64(2)]) << 8
        row = np.int64(stream[used + np.uint64(3)]) | np.int64(stream[used + np.uint64(4)]) << 8
        x[made] = column
        y[made] = height - 1 - row if row < height else row  # outside stays outside
        t[made] = clock
        p[made] = first & 1
        made += one
        used += np.uint64(5)
    state[_CLOCK] = clock
    state[USED], state[MADE] = used, made


def _open(path: Path, options: ReadOptions) -> WordReader:
    head = read_head(path)
    if len(head) < 16:
        raise truncated(path, f"it has {len(head):,} bytes", "Expected a header of at least 16.")
    version, kind = ".".join(str(part) for part in head[12:15]), head[15]
    if head[12] != 2:
        raise FormatError(f"{path.name} is Event Stream {version}.", "Expected version 2.")
    if kind != _DVS:
        raise FormatError(
            f"{path.name} is an Event Stream of type {kind} ({_TYPES.get(kind, 'unknown')}).",
            "Expected type 1 (DVS): events with x, y, time and polarity.",
        )
    if len(head) < _BODY:
        raise truncated(path, f"it has {len(head):,} bytes", f"Expected a header of {_BODY}.")
    width, height = (int(side) for side in np.frombuffer(head, "<u2", count=2, offset=16))
    if not width or not height:
        raise FormatError(f"{path.name} names a sensor of {width}x{height}.", "Expected pixels.")
    stated = SensorSize(height=height, width=width)
    header = Header(
        format="es",
        version=version,
        size=options.size or stated,
        size_source="--size" if options.size else "header",
        fields={"type": "DVS", "width": str(width), "height": str(height)},
    )
    layout = Layout(decode=decode, dtype="u1", state=(0, height), bytes_per_event=5)
    return WordReader(path, _BODY, layout, header, options)


FORMAT = Format(
    name="es",
    title="Event Stream 2 (.es), DVS, read only",
    extensions=(),
    sniff=lambda head, path: head.startswith(_SIGNATURE),
    open=_open,
)
