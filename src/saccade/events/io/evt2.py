"""Prophesee EVT 2.0 (.raw): 32-bit words, one per event, the time split over two kinds of words.

    bits     31..28   27..22        21..11   10..0
    event    p        t mod 64 us   x        y          type 0 = OFF, 1 = ON
    time     8        ------------ t // 64 us ------------

    t = 64 us * high + low, high from the last time word before the event

The clock has 34 bits and wraps after 4.8 hours; a time word that falls by more than half its range
is a wrap, and times go on rising. External triggers (type 0xA), vendor words (0xE, 0xF) and
reserved types are skipped, and so are events before the first time word, whose time is unknown.

Reference:
    EVT 2.0 format, https://docs.prophesee.ai/stable/data/encoding_formats/evt2.html
"""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Any

import numpy as np

from saccade.events.io.format import Format, ReadOptions
from saccade.events.io.raw_header import (
    encoding,
    parse,
    read_head,
    refuse_other_byte_order,
    start_us,
    to_header,
    unknown_time,
)
from saccade.events.io.raw_write import WordWriter, write_words
from saccade.events.io.words import MADE, STATE, USED, Layout, WordReader
from saccade.events.types import Events, SensorSize
from saccade.jit import kernel

__all__ = ["FORMAT", "decode", "encode"]

_HIGH, _EPOCH = STATE, STATE + 1
_UNKNOWN = -1
_OTHER = np.uint32(2 << 28)  # words below are events


@kernel
def decode(words: Any, x: Any, y: Any, t: Any, p: Any, state: Any) -> None:
    """Turn 32-bit words into events.

    Args:
        words: uint32 ``[N]``.
        x: Room for columns, uint16 ``[M]``.
        y: Room for rows, uint16 ``[M]``.
        t: Room for times in microseconds, int64 ``[M]``.
        p: Room for polarities, uint8 ``[M]``.
        state: int64: words used, events made, last time word (-1: none yet), time of past wraps.
    """
    high, epoch = state[_HIGH], state[_EPOCH]
    count, room = words.shape[0], x.shape[0]
    used = made = 0
    while used < count and made < room:
        length = _run(words[used : min(count, used + room - made)])
        if high >= 0:
            cut = slice(made, made + length)
            _unpack(words[used : used + length], x[cut], y[cut], t[cut], p[cut], epoch + high * 64)
            made += length
        used += length
        while used < count and words[used] >= _OTHER:
            if words[used] >> np.uint32(28) == 8:
                now = np.int64(words[used] & np.uint32(0x0FFFFFFF))
                if high >= now + (1 << 27):
                    epoch += 1 << 34
                high = now
            used += 1
    state[_HIGH], state[_EPOCH] = high, epoch
    state[USED], state[MADE] = used, made


@kernel
def _run(words: Any) -> int:
    """Return how many words from the first on are events."""
    length = np.uint64(0)
    while length < np.uint64(words.shape[0]) and words[length] < _OTHER:
        length += np.uint64(1)
    return int(length)


@kernel
def _unpack(words: Any, x: Any, y: Any, t: Any, p: Any, base_us: int) -> None:
    """Split event words that share a time word; without a branch, so that the loop vectorizes."""
    for i in range(words.shape[0]):
        word = words[i]
        x[i] = (word >> np.uint32(11)) & np.uint32(0x7FF)
        y[i] = word & np.uint32(0x7FF)
        t[i] = base_us + np.int64((word >> np.uint32(22)) & np.uint32(0x3F))
        p[i] = word >> np.uint32(28)


@kernel
def encode(x: Any, y: Any, t: Any, p: Any, words: Any, state: Any) -> int:
    """Turn events into words, with a time word wherever ``t // 64`` changes.

    Args:
        x: Columns, uint16 ``[N]``.
        y: Rows, uint16 ``[N]``.
        t: Times in microseconds, int64 ``[N]``.
        p: Polarities, uint8 ``[N]``.
        words: Room, uint32 ``[M]``, at least ``2 N + 2 (wraps + 1)``.
        state: int64: ``t // 64`` of the last time word (-1: none yet).

    Returns:
        Number of words.
    """
    high = state[0]
    made = 0
    for i in range(t.shape[0]):
        now = t[i] >> 6
        if now != high:
            for _ in range((now >> 28) - (max(high, 0) >> 28)):
                words[made], words[made + 1] = 0x8FFFFFFF, 0x80000000
                made += 2
            words[made] = np.uint32(0x80000000) | np.uint32(now & 0x0FFFFFFF)
            made += 1
            high = now
        low = np.uint32(t[i] & 0x3F) << np.uint32(22)
        place = np.uint32(x[i]) << np.uint32(11) | np.uint32(y[i])
        words[made] = np.uint32(p[i]) << np.uint32(28) | low | place
        made += 1
    state[0] = high
    return made


def _open(path: Path, options: ReadOptions) -> WordReader:
    head = read_head(path)
    text = parse(head)
    refuse_other_byte_order(text, path)
    layout = Layout(decode=decode, dtype="<u4", state=(_UNKNOWN, start_us(text)))
    header = to_header(text, options, format="evt2", version="2.0", notes=_notes(head[text.body :]))
    return WordReader(path, text.body, layout, header, options)


def _notes(body: bytes) -> tuple[str, ...]:
    words = np.frombuffer(body, "<u4", count=len(body) // 4)
    high = np.flatnonzero(words >> 28 == 8)
    before = words[: high[0]] if high.size else words
    return unknown_time(int(np.count_nonzero(before < _OTHER)))


def _write(path: Path, packets: Iterable[Events], size: SensorSize) -> None:
    wrap = WordWriter(
        encode=encode, dtype="<u4", words_per_event=2, state=(_UNKNOWN,), wrap_bits=34
    )
    write_words(path, packets, size, wrap, name="EVT2", version="2.0")


FORMAT = Format(
    name="evt2",
    title="Prophesee EVT 2.0 (.raw)",
    extensions=(".raw",),
    sniff=lambda head, path: encoding(parse(head)) == "evt2",
    open=_open,
    write=_write,
)
