"""Prophesee EVT 3.0 (.raw): 16-bit words that say only what changes.

    type  bits 11..0                     effect
    0x0   -, y[11]                       row of the events that follow (bit 11: camera of a pair)
    0x2   p, x[11]                       one event
    0x3   p, x[11]                       base column and polarity of the vectors that follow
    0x4   valid[12]                      events at base + k for every set bit k; base += 12
    0x5   -, valid[8]                    the same for 8 pixels; base += 8
    0x6   t mod 4096 us                  low half of the clock, taken literally
    0x8   t // 4096 us                   high half; a new value starts its 4096 us at low = 0

    t = 4096 us * (high + 4096 * wraps) + low

The 24-bit clock wraps every 16.8 s; a high half that falls by 2048 or more is a wrap, and times go
on rising. External triggers (0xA), vendor words (0x7, 0xE, 0xF) and reserved types (0x1, 0x9, 0xB,
0xC, 0xD; padding such as 0x9999 is one) are skipped. Events before the first high half are
skipped, since their time is unknown, and so are events before the first row.

Reference:
    EVT 3.0 format, https://docs.prophesee.ai/stable/data/encoding_formats/evt3.html
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

__all__ = ["FORMAT", "count", "decode", "encode"]

_EPOCH, _HIGH, _LOW, _ROW, _BASE, _POLARITY = range(STATE, STATE + 6)
_HIGH_OUT, _LOW_OUT, _ROW_OUT, _BASE_OUT, _SIGN_OUT = range(5)
_UNKNOWN, _NO_BASE = -1, -12
_WIDE = np.uint64(12)


@kernel
def decode(words: Any, x: Any, y: Any, t: Any, p: Any, state: Any) -> None:
    """Turn 16-bit words into events.

    Args:
        words: uint16 ``[N]``.
        x: Room for columns, uint16 ``[M]``; stops where fewer than 12 places are left.
        y: Room for rows, uint16 ``[M]``.
        t: Room for times in microseconds, int64 ``[M]``.
        p: Room for polarities, uint8 ``[M]``.
        state: int64: words used, events made, time of past wraps, high half of the clock (-1: none
            yet), low half, row (-1: none yet), base column, polarity of vectors.
    """
    epoch, high, low = state[_EPOCH], state[_HIGH], state[_LOW]
    row, base, polarity = state[_ROW], state[_BASE], state[_POLARITY]
    clock = epoch + (high << 12)
    used = made = np.uint64(0)
    end, room = np.uint64(words.shape[0]), np.uint64(x.shape[0])
    while used < end and made + _WIDE <= room:
        kind = words[used] >> np.uint16(12)
        value = np.int64(words[used] & np.uint16(0xFFF))
        place, sign = value & 0x7FF, value >> 11
        if kind == 4 or kind == 5:
            if high >= 0 and row >= 0:
                valid = value if kind == 4 else value & 0xFF
                cut = slice(np.int64(made), np.int64(made + _WIDE))
                _fill(y[cut], t[cut], p[cut], row, clock + low, polarity)
                for k in range(12):
                    x[made] = base + k
                    made += np.uint64((valid >> k) & 1)
            base += 12 if kind == 4 else 8
        elif kind == 8:
            epoch += np.int64(high >= value + 2048) << 24
            low = low if high == value else 0
            high = value
            clock = epoch + (high << 12)
        else:
            # Selections instead of branches: the order of these words cannot be predicted. The
            # event is always stored, and kept only if the word is one.
            row = place if kind == 0 else row
            low = value if kind == 6 else low
            base = place if kind == 3 else base
            polarity = sign if kind == 3 else polarity
            x[made], y[made], t[made], p[made] = place, row, clock + low, sign
            made += np.uint64(kind == 2 and high >= 0 and row >= 0)
        used += np.uint64(1)
    state[_EPOCH], state[_HIGH], state[_LOW] = epoch, high, low
    state[_ROW], state[_BASE], state[_POLARITY] = row, base, polarity
    state[USED], state[MADE] = used, made


@kernel
def _fill(y: Any, t: Any, p: Any, row: int, now: int, polarity: int) -> None:
    """Store what the 12 pixels of a vector share, whether or not each has an event."""
    for k in range(12):
        y[k] = row
    for k in range(12):
        t[k] = now
    for k in range(12):
        p[k] = polarity


@kernel
def count(words: Any) -> int:
    """Return the number of events in the words, were clock and row known from the start."""
    total = 0
    for i in range(words.shape[0]):
        kind, bits = words[i] >> 12, words[i] & 0xFFF
        bits = bits if kind == 4 else (bits & 0xFF if kind == 5 else 0)
        bits -= (bits >> 1) & 0x555
        bits = (bits & 0x333) + ((bits >> 2) & 0x333)
        total += (bits & 0xF) + ((bits >> 4) & 0xF) + (bits >> 8) + (kind == 2)
    return total


@kernel
def encode(x: Any, y: Any, t: Any, p: Any, words: Any, state: Any) -> int:
    """Turn events into words; runs along a row become vectors where that saves words.

    A vector word holds the events of equal time, row and polarity with rising columns within 12
    pixels. It pays from 3 events on, or from 2 directly behind another vector, whose end is the
    base. A base is not counted on across other words: decoders differ in what a single event does
    to it.

    Args:
        x: Columns, uint16 ``[N]``.
        y: Rows, uint16 ``[N]``.
        t: Times in microseconds, int64 ``[N]``.
        p: Polarities, uint8 ``[N]``.
        words: Room, uint16 ``[M]``, at least ``4 N + 2 (wraps + 1)``.
        state: int64: as written last, high and low half of the clock, row, base, polarity of the
            base; -1 and for the base -12 mean none.

    Returns:
        Number of words.
    """
    made = i = 0
    while i < t.shape[0]:
        made = _clock_and_row(t[i], y[i], words, made, state)
        column, sign = np.int64(x[i]), np.int64(p[i])
        ready = sign == state[_SIGN_OUT] and 0 <= column - state[_BASE_OUT] < 12
        start = state[_BASE_OUT] if ready else column
        stop, valid = _run(x, y, t, p, i, start)
        if stop - i < (2 if ready else 3):
            words[made] = 0x2000 | sign << 11 | column
            state[_BASE_OUT] = _NO_BASE
            made, i = made + 1, i + 1
            continue
        if not ready:
            words[made] = 0x3000 | sign << 11 | start
            made += 1
        words[made] = 0x4000 | valid
        state[_BASE_OUT], state[_SIGN_OUT] = start + 12, sign
        made, i = made + 1, stop
    return made


@kernel
def _clock_and_row(now_us: int, row: int, words: Any, made: int, state: Any) -> int:
    """Write what differs from the last event's clock and row; return the number of words."""
    high, low = now_us >> 12, now_us & 0xFFF
    before = made
    if high != state[_HIGH_OUT]:
        for _ in range((high >> 12) - (max(state[_HIGH_OUT], 0) >> 12)):
            words[made], words[made + 1] = 0x8FFF, 0x8000
            made += 2
        words[made] = 0x8000 | (high & 0xFFF)
        state[_HIGH_OUT], state[_LOW_OUT] = high, _UNKNOWN  # some decoders keep the old low half
        made += 1
    if low != state[_LOW_OUT]:
        words[made] = 0x6000 | low
        state[_LOW_OUT] = low
        made += 1
    if row != state[_ROW_OUT]:
        words[made] = row
        state[_ROW_OUT] = row
        made += 1
    if made != before:
        state[_BASE_OUT] = _NO_BASE
    return made


@kernel
def _run(x: Any, y: Any, t: Any, p: Any, first: int, start: int) -> tuple[int, int]:
    """Return the end of the run from event ``first`` within ``start`` + 12 pixels, and its bits."""
    stop, valid = first, np.int64(0)
    column = start - 1
    while (
        stop < t.shape[0]
        and t[stop] == t[first]
        and y[stop] == y[first]
        and p[stop] == p[first]
        and column < x[stop] < start + 12
    ):
        column = np.int64(x[stop])
        valid |= 1 << (column - start)
        stop += 1
    return stop, int(valid)


def _open(path: Path, options: ReadOptions) -> WordReader:
    head = read_head(path)
    text = parse(head)
    refuse_other_byte_order(text, path)
    layout = Layout(
        decode=decode,
        dtype="<u2",
        state=(start_us(text), _UNKNOWN, 0, _UNKNOWN, 0, 0),
        most_events=12,
        count=count,
    )
    header = to_header(text, options, format="evt3", version="3.0", notes=_notes(head[text.body :]))
    return WordReader(path, text.body, layout, header, options)


def _notes(body: bytes) -> tuple[str, ...]:
    words = np.frombuffer(body, "<u2", count=len(body) // 2)
    high = np.flatnonzero(words >> 12 == 8)
    before = words[: high[0]] if high.size else words
    return unknown_time(int(count(before)) if before.size else 0)


def _write(path: Path, packets: Iterable[Events], size: SensorSize) -> None:
    writer = WordWriter(
        encode=encode,
        dtype="<u2",
        words_per_event=4,
        state=(_UNKNOWN, 0, _UNKNOWN, _NO_BASE, 0),
        wrap_bits=24,
    )
    write_words(path, packets, size, writer, name="EVT3", version="3.0")


FORMAT = Format(
    name="evt3",
    title="Prophesee EVT 3.0 (.raw)",
    extensions=(".raw",),
    sniff=lambda head, path: encoding(parse(head)) == "evt3",
    open=_open,
    write=_write,
)
