"""Writing Prophesee RAW and DAT files: text header, then encoded blocks.

The clocks of EVT2 and EVT3 wrap (34 and 24 bits of microseconds). Absolute times are kept all the
same: wherever the clock passes its end, two time words (last, first) make the wrap visible, also
before the first event, as if the camera had been switched on at t = 0. Any decoder that unwraps
the clock reads the same times.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

import numpy as np

from saccade.errors import EventError
from saccade.events.types import Events, SensorSize

__all__ = ["WordWriter", "check_packet", "pieces", "refuse_large", "write_words"]

_PIECE = 1 << 16  # events encoded at once
_LONGEST_US = 1 << 40  # 12.7 days; keeps the words that make wraps visible below 400 kB


@dataclass(frozen=True)
class WordWriter:
    """How events turn into words.

    Args:
        encode: ``encode(x, y, t, p, words, state) -> count``, compiled.
        dtype: Type of a word.
        words_per_event: Most words an event can take, wraps aside.
        state: What the encoder remembers at the start.
        wrap_bits: Bits of the clock, in microseconds.
    """

    encode: Callable[..., int]
    dtype: str
    words_per_event: int
    state: tuple[int, ...]
    wrap_bits: int


def write_words(
    path: Path,
    packets: Iterable[Events],
    size: SensorSize,
    writer: WordWriter,
    *,
    name: str,
    version: str,
) -> None:
    """Write packets as a RAW file.

    Args:
        path: Where to; `saccade.events.io.save` renames it once all is written.
        packets: Consecutive pieces of one recording.
        size: Sensor size for the header.
        writer: The encoding.
        name: Name of the encoding in the header.
        version: Its version in the header.

    Raises:
        EventError: The sensor is larger than 2048x2048, a time is negative or above 2^40 us, or
            a packet starts before the one before it ended.
    """
    refuse_large(size, 2048, name)
    lines = [
        f"evt {version}",
        f"format {name};height={size.height};width={size.width}",
        f"geometry {size.width}x{size.height}",
        "end",
    ]
    state = np.array(writer.state, np.int64)
    last_us = 0
    words = np.empty(0, writer.dtype)
    with path.open("wb") as file:
        file.write("".join(f"% {line}\n" for line in lines).encode())
        for piece in pieces(packets):
            check_packet(piece, size, last_us, _LONGEST_US, name)
            wraps = (int(piece.t[-1]) >> writer.wrap_bits) - (last_us >> writer.wrap_bits)
            need = writer.words_per_event * len(piece) + 2 * (wraps + 1)
            if words.shape[0] < need:
                words = np.empty(need, writer.dtype)
            columns = [
                np.ascontiguousarray(column) for column in (piece.x, piece.y, piece.t, piece.p)
            ]
            count = writer.encode(*columns, words, state)
            file.write(cast(Any, words[:count]))
            last_us = int(piece.t[-1])


def pieces(packets: Iterable[Events]) -> Iterator[Events]:
    """Cut packets into pieces of at most 65,536 events and leave out empty ones."""
    for packet in packets:
        for start in range(0, len(packet), _PIECE):
            yield packet[start : start + _PIECE]


def refuse_large(size: SensorSize, most: int, name: str) -> None:
    """Raise where a sensor has more rows or columns than the format can number."""
    if max(size.height, size.width) > most:
        raise EventError(
            f"{name} cannot hold a {size} sensor.",
            f"Expected at most {most:,}x{most:,} pixels.",
            "Write HDF5 or npz instead.",
        )


def check_packet(packet: Events, size: SensorSize, last_us: int, end_us: int, name: str) -> None:
    """Raise where a packet cannot be written behind the one before.

    Args:
        packet: At least one event.
        size: Sensor size in the header of the file.
        last_us: Time of the event written last, or 0.
        end_us: First time that the format cannot hold.
        name: Name of the format.
    """
    first_us, final_us = int(packet.t[0]), int(packet.t[-1])
    if first_us < 0 or final_us >= end_us:
        raise EventError(
            f"t = {first_us if first_us < 0 else final_us:,} µs cannot be written as {name}.",
            f"Expected 0 to {end_us - 1:,} µs.",
            "Count times from the first event (EventStream.starting_at), or write HDF5 or npz.",
        )
    if first_us < last_us:
        raise EventError(
            f"A packet starts at {first_us:,} µs, after one that ended at {last_us:,} µs.",
            "Expected packets in order of time.",
        )
    if packet.size == size:
        return
    if int(packet.x.max()) >= size.width or int(packet.y.max()) >= size.height:
        raise EventError(
            f"A packet of a {packet.size} sensor has events outside {size}.",
            "Expected the sensor size of the file to hold every event.",
        )
