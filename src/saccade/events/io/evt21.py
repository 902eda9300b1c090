"""Prophesee EVT 2.1 (.raw): 64-bit words, up to 32 pixels of a row in one.

    bits     63..60   59..54        53..43   42..32   31..0
    events   p        t mod 64 us   x        y        valid       one event at x + k per set bit k
    time     8        ------- t // 64 us -------      unused

The two 32-bit halves of a word come low half first (``endianness=little``), or high half first
(``legacy``, cameras up to the IMX636 generation). Where the header does not say which, the order in
which more words have a known type is taken, and that is said in the header's notes. The 34-bit
clock wraps after 4.8 hours, as in EVT 2.0; triggers (0xA) and vendor words (0xE, 0xF) are skipped.

Reference:
    EVT 2.1 format, https://docs.prophesee.ai/stable/data/encoding_formats/evt21.html
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from saccade.errors import FormatError
from saccade.events.io.format import Format, ReadOptions
from saccade.events.io.raw_header import (
    RawHeader,
    encoding,
    format_entries,
    parse,
    read_head,
    start_us,
    to_header,
    unknown_time,
)
from saccade.events.io.words import MADE, STATE, USED, Layout, WordReader
from saccade.jit import kernel

__all__ = ["FORMAT", "count", "decode"]

_HIGH, _EPOCH, _TOP = STATE, STATE + 1, STATE + 2
_UNKNOWN = -1
_KNOWN_TYPES = np.array([0, 1, 8, 0xA, 0xE, 0xF], np.uint32)


@kernel
def decode(words: Any, x: Any, y: Any, t: Any, p: Any, state: Any) -> None:
    """Turn 64-bit words into events.

    Args:
        words: uint32 ``[N, 2]``, the halves of each word as they are in the file.
        x: Room for columns, uint16 ``[M]``; stops where fewer than 32 places are left.
        y: Room for rows, uint16 ``[M]``.
        t: Room for times in microseconds, int64 ``[M]``.
        p: Room for polarities, uint8 ``[M]``.
        state: int64: words used, events made, last time word (-1: none yet), time of past wraps,
            which half holds the type (1 little, 0 legacy).
    """
    high, epoch, top = state[_HIGH], state[_EPOCH], state[_TOP]
    used = made = 0
    while used < words.shape[0] and made + 32 <= x.shape[0]:
        place, valid = words[used, top], words[used, 1 - top]
        kind = place >> np.uint32(28)
        if kind <= 1 and high >= 0:
            column = np.int64((place >> np.uint32(11)) & np.uint32(0x7FF))
            row = place & np.uint32(0x7FF)
            now = epoch + (high << 6) + np.int64((place >> np.uint32(22)) & np.uint32(0x3F))
            while valid != 0:
                if valid & np.uint32(1):
                    x[made], y[made], t[made], p[made] = column, row, now, kind
                    made += 1
                valid >>= np.uint32(1)
                column += 1
        elif kind == 8:
            now = np.int64(place & np.uint32(0x0FFFFFFF))
            if high >= now + (1 << 27):
                epoch += 1 << 34
            high = now
        used += 1
    state[_HIGH], state[_EPOCH] = high, epoch
    state[USED], state[MADE] = used, made


@kernel
def _ones(valid: Any) -> int:
    total = 0
    while valid != 0:
        valid &= valid - np.uint32(1)
        total += 1
    return total


@kernel
def count(words: Any) -> int:
    """Return an upper bound of the number of events: set bits of the masks, in either order."""
    total = 0
    for i in range(words.shape[0]):
        first, second = words[i, 0], words[i, 1]
        bound = 0
        if second >> np.uint32(28) <= 1:
            bound = _ones(first)
        if first >> np.uint32(28) <= 1:
            bound = max(bound, _ones(second))
        total += bound
    return total


def _open(path: Path, options: ReadOptions) -> WordReader:
    head = read_head(path)
    text = parse(head)
    body = head[text.body :]
    words = np.frombuffer(body, "<u4", count=len(body) // 8 * 2).reshape(-1, 2)
    top, notes = _top_half(text, words)
    layout = Layout(
        decode=decode,
        dtype="<u4",
        columns=2,
        state=(_UNKNOWN, start_us(text), top),
        most_events=32,
        count=count,
    )
    header = to_header(
        text, options, format="evt21", version="2.1", notes=(*notes, *_skipped(words, top))
    )
    return WordReader(path, text.body, layout, header, options)


def _top_half(text: RawHeader, words: NDArray[np.uint32]) -> tuple[int, tuple[str, ...]]:
    order = format_entries(text).get("endianness", text.fields.get("endianness", ""))
    if order in ("little", "legacy"):
        return int(order == "little"), ()
    if order:
        raise FormatError(
            f"The header says endianness {order!r}.", "Expected 'little' or 'legacy' for EVT 2.1."
        )
    fits = np.isin(words >> 28, _KNOWN_TYPES).sum(axis=0)
    top = int(fits[1] >= fits[0])
    name = "little (low half first)" if top else "legacy (high half first)"
    return top, (f"The header names no endianness; the words read as {name}.",)


def _skipped(words: NDArray[np.uint32], top: int) -> tuple[str, ...]:
    place = words[:, top]
    high = np.flatnonzero(place >> 28 == 8)
    before = words[: high[0]] if high.size else words
    masks = before[before[:, top] >> 28 <= 1, 1 - top]
    return unknown_time(sum(int(mask).bit_count() for mask in masks))


FORMAT = Format(
    name="evt21",
    title="Prophesee EVT 2.1 (.raw), read only",
    extensions=(),
    sniff=lambda head, path: encoding(parse(head)) == "evt21",
    open=_open,
)
