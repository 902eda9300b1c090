"""Prophesee DAT (.dat): text header, one byte type, one byte size, then 8-byte events.

    version 2   t[32]   p[4]       y[14]   x[14]       (high to low bits of the second half)
    version 1   t[32]   -[14] p    y[8]    x[9]

Types read: 0x00 (generic "2d", as in N-CARS and GEN1) and 0x0C (contrast detection). 0x0E holds
external triggers, which are no events of pixels. The 32-bit clock wraps after 71.6 minutes; a time
that falls by more than half its range is a wrap.

Reference:
    DAT file format, https://docs.prophesee.ai/stable/data/file_formats/dat.html
"""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Any, cast

import numpy as np

from saccade.errors import FormatError
from saccade.events.io.format import Format, Header, ReadOptions, truncated
from saccade.events.io.raw_header import RawHeader, encoding, parse, read_head, start_us, to_header
from saccade.events.io.raw_write import check_packet, pieces, refuse_large
from saccade.events.io.words import MADE, STATE, USED, Layout, WordReader
from saccade.events.types import Events, SensorSize
from saccade.jit import kernel

__all__ = ["FORMAT", "decode"]

_LAST, _EPOCH, _VERSION = STATE, STATE + 1, STATE + 2
_TYPES = {0x00: "2d", 0x0C: "cd"}
_EVENT_BYTES = 8
_CD = 0x0C


@kernel
def decode(words: Any, x: Any, y: Any, t: Any, p: Any, state: Any) -> None:
    """Turn 8-byte events into columns.

    Args:
        words: uint64 ``[N]``: time in the low half, packed polarity, row and column in the high.
        x: Room for columns, uint16 ``[M]``.
        y: Room for rows, uint16 ``[M]``.
        t: Room for times in microseconds, int64 ``[M]``.
        p: Room for polarities, uint8 ``[M]``.
        state: int64: words used, events made, last time as stored, time of past wraps, version.
    """
    length = min(words.shape[0], x.shape[0])
    state[USED], state[MADE] = length, length
    if state[_VERSION] == 1:
        _split(words[:length], x[:length], y[:length], t[:length], p[:length], 9, 8, 17, 1)
    else:
        _split(words[:length], x[:length], y[:length], t[:length], p[:length], 14, 14, 28, 4)
    falls, last = False, state[_LAST]
    for i in range(length):
        falls |= t[i] < last
        last = t[i]
    if falls:
        for i in range(length):
            now = t[i]
            state[_EPOCH] += np.int64(state[_LAST] >= now + (1 << 31)) << 32
            state[_LAST] = now
            t[i] = now + state[_EPOCH]
    elif state[_EPOCH]:
        for i in range(length):
            t[i] += state[_EPOCH]
    state[_LAST] = last


@kernel
def _split(
    words: Any,
    x: Any,
    y: Any,
    t: Any,
    p: Any,
    column_bits: int,
    row_bits: int,
    polarity_at: int,
    polarity_bits: int,
) -> None:
    """Unpack time, column, row and polarity; without a branch, so that the loop vectorizes."""
    one = np.uint64(1)
    columns = (one << np.uint64(column_bits)) - one
    rows = (one << np.uint64(row_bits)) - one
    polarities = (one << np.uint64(polarity_bits)) - one
    row_at, sign_at = np.uint64(32 + column_bits), np.uint64(32 + polarity_at)
    for i in range(words.shape[0]):
        word = words[i]
        x[i] = (word >> np.uint64(32)) & columns
        y[i] = (word >> row_at) & rows
        p[i] = (word >> sign_at) & polarities
        t[i] = word & np.uint64(0xFFFFFFFF)


def _open(path: Path, options: ReadOptions) -> WordReader:
    head = read_head(path)
    text = parse(head)
    version = _version(text, path)
    kind = head[text.body : text.body + 2]
    if len(kind) < 2:
        raise truncated(path, "it ends before the event type", "Expected two bytes: type, size.")
    if kind[0] == 0x0E:
        raise FormatError(
            f"{path.name} holds external triggers (type 0x0E).",
            "Expected events of pixels: type 0x0C or 0x00.",
        )
    if kind[0] not in _TYPES or kind[1] != _EVENT_BYTES:
        raise FormatError(
            f"{path.name} holds events of type 0x{kind[0]:02X} with {kind[1]} bytes.",
            "Expected type 0x0C (CD) or 0x00 (2d) with 8 bytes.",
        )
    described = to_header(text, options, format="dat", version=str(version), notes=())
    fields = {**described.fields, "event type": f"0x{kind[0]:02X} ({_TYPES[kind[0]]})"}
    header = Header(
        format="dat",
        version=described.version,
        size=described.size,
        size_source=described.size_source,
        fields=fields,
        notes=described.notes,
    )
    layout = Layout(decode=decode, dtype="<u8", state=(0, start_us(text), version))
    return WordReader(path, text.body + 2, layout, header, options)


def _version(text: RawHeader, path: Path) -> int:
    stated = text.fields.get("Version", "1").strip().rstrip(".")
    if stated not in ("1", "2"):
        raise FormatError(
            f"{path.name} is DAT version {stated}.", "Expected version 1 or 2.", "Is it damaged?"
        )
    return int(stated)


def _sniff(head: bytes, path: Path) -> bool:
    text = parse(head)
    if encoding(text) is not None or "format" in text.fields or "evt" in text.fields:
        return False
    names_events = text.title.lower().startswith("data file containing")
    return names_events or (
        "Version" in text.fields and head[text.body + 1 : text.body + 2] == b"\x08"
    )


def _write(path: Path, packets: Iterable[Events], size: SensorSize) -> None:
    refuse_large(size, 1 << 14, "DAT")
    lines = [
        "Data file containing CD events",
        "Version 2",
        f"Width {size.width}",
        f"Height {size.height}",
    ]
    last_us = 0
    with path.open("wb") as file:
        file.write("".join(f"% {line}\n" for line in lines).encode())
        file.write(bytes([_CD, _EVENT_BYTES]))
        for packet in pieces(packets):
            check_packet(packet, size, last_us, 1 << 32, "DAT")
            words = np.empty((len(packet), 2), "<u4")
            words[:, 0] = packet.t
            place = packet.y.astype(np.uint32) << 14 | packet.x
            words[:, 1] = packet.p.astype(np.uint32) << 28 | place
            file.write(cast(Any, words))
            last_us = int(packet.t[-1])


FORMAT = Format(
    name="dat",
    title="Prophesee DAT (.dat), versions 1 and 2",
    extensions=(".dat",),
    sniff=_sniff,
    open=_open,
    write=_write,
)
