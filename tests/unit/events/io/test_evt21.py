"""EVT 2.1: 64-bit vector words in both orders of their halves."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from saccade.errors import FormatError
from saccade.events.io import evt21
from saccade.events.io.format import ReadOptions

HEADER = b"%% evt 2.1\n%% format EVT21;endianness=%s;height=2048;width=2080\n%% end\n"


def vector(x: int, y: int, low: int, p: int, valid: int) -> int:
    return p << 60 | low << 54 | x << 43 | y << 32 | valid


def time_high(high: int) -> int:
    return 8 << 60 | high << 32


def halves(words: list[int], order: str) -> np.ndarray:
    pairs = np.array([[word & 0xFFFFFFFF, word >> 32] for word in words], "<u4").reshape(-1, 2)
    return pairs if order == "little" else pairs[:, ::-1].copy()


def reference(words: list[int]) -> list[tuple[int, int, int, int]]:
    """Word by word, as the format's page has it."""
    events, high, wraps = [], None, 0
    for word in words:
        kind = word >> 60
        if kind in (0, 1) and high is not None:
            t = (wraps << 34) + (high << 6) + (word >> 54 & 0x3F)
            x, y = word >> 43 & 0x7FF, word >> 32 & 0x7FF
            events += [(x + k, y, t, kind) for k in range(32) if word >> k & 1]
        elif kind == 8:
            new = word >> 32 & 0x0FFFFFFF
            if high is not None and high - new >= 1 << 27:
                wraps += 1
            high = new
    return events


def write(path: Path, words: list[int], order: str, header: bytes | None = None) -> Path:
    path.write_bytes((header or HEADER % order.encode()) + halves(words, order).tobytes())
    return path


any_words = st.lists(
    st.one_of(
        st.builds(
            vector,
            st.integers(0, 2047),
            st.integers(0, 2047),
            st.integers(0, 63),
            st.integers(0, 1),
            st.integers(0, (1 << 32) - 1),
        ),
        st.builds(time_high, st.integers(0, (1 << 28) - 1)),
        st.integers(0, (1 << 64) - 1),
    ),
    max_size=60,
)


@settings(deadline=None, max_examples=100)
@given(any_words, st.integers(0, 60), st.integers(32, 90), st.sampled_from(["little", "legacy"]))
def test_kernel_equals_the_plain_decoder_whatever_the_block_borders(
    words: list[int], border: int, room: int, order: str
) -> None:
    state = np.array([0, 0, -1, 0, int(order == "little")], np.int64)
    array, events = halves(words, order), []
    for piece in (array[:border], array[border:]):
        start = 0
        while start < len(piece):
            columns = [np.zeros(room, kind) for kind in ("u2", "u2", "i8", "u1")]
            evt21.decode(piece[start:], *columns, state)
            assert state[0] > 0
            made = int(state[1])
            events += list(zip(*(column[:made].tolist() for column in columns), strict=True))
            start += int(state[0])
    assert events == reference(words)
    assert evt21.count(array) >= len(events)


@pytest.mark.parametrize("order", ["little", "legacy"])
def test_both_orders_of_the_halves_give_the_same_events(tmp_path: Path, order: str) -> None:
    words = [time_high(3), vector(64, 5, 7, 1, 0x80000001), vector(96, 6, 7, 0, 0b110)]
    events = evt21.FORMAT.open(write(tmp_path / "a.raw", words, order), ReadOptions()).read()
    assert events.x.tolist() == [64, 95, 97, 98]
    assert events.y.tolist() == [5, 5, 6, 6]
    assert events.t.tolist() == [199] * 4
    assert events.p.tolist() == [1, 1, 0, 0]


@pytest.mark.parametrize("order", ["little", "legacy"])
def test_an_unnamed_order_is_told_by_the_types_of_the_words(tmp_path: Path, order: str) -> None:
    rng = np.random.default_rng(1)
    words = [time_high(1)]
    words += [vector(32, 1, k, 1, int(rng.integers(1, 1 << 32))) for k in range(50)]
    path = write(tmp_path / "a.raw", words, order, b"% evt 2.1\n% geometry 640x480\n% end\n")
    reader = evt21.FORMAT.open(path, ReadOptions())
    assert len(reader.read()) == len(reference(words))
    assert f"read as {order}" in reader.header.notes[0]


def test_an_unknown_order_is_refused(tmp_path: Path) -> None:
    path = write(tmp_path / "a.raw", [], "middle")
    with pytest.raises(FormatError, match="endianness 'middle'"):
        evt21.FORMAT.open(path, ReadOptions())


def test_the_clock_wraps_across_packets(tmp_path: Path) -> None:
    words = [time_high((1 << 28) - 1), vector(0, 0, 63, 1, 1), time_high(0), vector(0, 0, 0, 1, 1)]
    reader = evt21.FORMAT.open(write(tmp_path / "a.raw", words, "little"), ReadOptions())
    assert [packet.t.tolist() for packet in reader.packets(1)] == [[(1 << 34) - 1], [1 << 34]]
