"""N-MNIST binary (.bin, .bs2): 5 bytes per event, no header.

    byte    0   1   2          3        4
            x   y   p t[6..0]  t[7..0]  t[7..0]      t in microseconds, 23 bits, high byte first

A word with y = 240 is no event: it advances the clock by 2^13 us, as the published reader of
N-MNIST and N-Caltech101 has it. Nothing names the sensor; coordinates that all lie below 34 are
those of N-MNIST (34x34), others need ``--size``.

Reference:
    Orchard, Jayawant, Cohen, Thakor: Converting static image datasets to spiking neuromorphic
    datasets using saccades, Frontiers in Neuroscience 9, 2015, and the data set's page.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from saccade.events.io.format import Format, Header, ReadOptions
from saccade.events.io.raw_header import read_head
from saccade.events.io.words import MADE, STATE, USED, Layout, WordReader
from saccade.events.types import SensorSize
from saccade.jit import kernel

__all__ = ["FORMAT", "decode"]

_EVENT_BYTES = 5
_OVERFLOW_ROW, _OVERFLOW_US = 240, 1 << 13
_CLOCK = STATE
_SIDE = 34
_SIZE = SensorSize(height=_SIDE, width=_SIDE)


@kernel
def decode(words: Any, x: Any, y: Any, t: Any, p: Any, state: Any) -> None:
    """Turn 5-byte words into events.

    Args:
        words: uint8 ``[N, 5]``.
        x: Room for columns, uint16 ``[M]``.
        y: Room for rows, uint16 ``[M]``.
        t: Room for times in microseconds, int64 ``[M]``.
        p: Room for polarities, uint8 ``[M]``.
        state: int64: words used, events made, time added by overflow words.
    """
    used = made = 0
    while used < words.shape[0] and made < x.shape[0]:
        if words[used, 1] == _OVERFLOW_ROW:
            state[_CLOCK] += _OVERFLOW_US
        else:
            high = np.int64(words[used, 2])
            x[made], y[made], p[made] = words[used, 0], words[used, 1], high >> 7
            low = np.int64(words[used, 3]) << 8 | np.int64(words[used, 4])
            t[made] = state[_CLOCK] + ((high & 0x7F) << 16 | low)
            made += 1
        used += 1
    state[USED], state[MADE] = used, made


def _open(path: Path, options: ReadOptions) -> WordReader:
    read_head(path)
    size, source = options.size, "--size"
    if size is None:
        size, source = (_SIZE, "format") if _extent(path) <= _SIDE else (None, "")
    notes = () if size else ("N-MNIST has 34x34 pixels; this file has events beyond them.",)
    header = Header(format="nmnist", size=size, size_source=source, notes=notes)
    layout = Layout(decode=decode, dtype="u1", columns=_EVENT_BYTES, state=(0,))
    return WordReader(path, 0, layout, header, options)


def _extent(path: Path) -> int:
    extent = 0
    with path.open("rb") as file:
        while block := file.read(_EVENT_BYTES << 14):
            words = _words(block)
            places = words[words[:, 1] != _OVERFLOW_ROW, :2]
            extent = max(extent, int(places.max(initial=0)) + 1)
    return extent


def _words(head: bytes) -> NDArray[np.uint8]:
    whole = len(head) // _EVENT_BYTES
    return np.frombuffer(head, np.uint8, count=whole * _EVENT_BYTES).reshape(whole, _EVENT_BYTES)


def _sniff(head: bytes, path: Path) -> bool:
    """Tell by the times: read as N-MNIST they never decrease. Other data hardly does that."""
    words = _words(head)
    if words.shape[0] < 2 or path.stat().st_size % _EVENT_BYTES:
        return False
    parts = words[words[:, 1] != _OVERFLOW_ROW, 2:].astype(np.int64)
    t = (parts[:, 0] & 0x7F) << 16 | parts[:, 1] << 8 | parts[:, 2]
    overflows = bool((words[:, 1] == _OVERFLOW_ROW).any())
    return t.shape[0] > 1 and (overflows or bool((np.diff(t) >= 0).all())) and bool(t[-1] > t[0])


FORMAT = Format(
    name="nmnist",
    title="N-MNIST binary (.bin, .bs2), read only",
    extensions=(),
    sniff=_sniff,
    open=_open,
)
