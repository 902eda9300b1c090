"""EVT 2.0: the compiled decoder against the format written out in plain Python."""

from __future__ import annotations

import itertools
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from saccade.errors import EventError
from saccade.events.io import evt2
from saccade.events.io.format import ReadOptions
from saccade.events.types import Events, SensorSize

HEADER = b"% evt 2.0\n% format EVT2;height=2048;width=2048\n% end\n"


def event(x: int, y: int, low: int, p: int) -> int:
    return p << 28 | low << 22 | x << 11 | y


def time_high(high: int) -> int:
    return 8 << 28 | high


def reference(words: list[int]) -> list[tuple[int, int, int, int]]:
    """Word by word, as the format's page has it."""
    events, high, wraps = [], None, 0
    for word in words:
        kind = word >> 28
        if kind in (0, 1) and high is not None:
            t = (wraps << 34) + (high << 6) + (word >> 22 & 0x3F)
            events.append((word >> 11 & 0x7FF, word & 0x7FF, t, kind))
        elif kind == 8:
            new = word & 0x0FFFFFFF
            if high is not None and high - new >= 1 << 27:
                wraps += 1
            high = new
    return events


def decode_in_pieces(words: list[int], borders: list[int], room: int) -> list[tuple[int, ...]]:
    """Feed the words in pieces and take the events out in pieces."""
    state = np.array([0, 0, -1, 0], np.int64)
    events: list[tuple[int, ...]] = []
    cuts = [0, *sorted(min(border, len(words)) for border in borders), len(words)]
    array = np.array(words, np.uint32)
    for start, stop in itertools.pairwise(cuts):
        while start < stop:
            x, y = np.zeros(room, np.uint16), np.zeros(room, np.uint16)
            t, p = np.zeros(room, np.int64), np.zeros(room, np.uint8)
            evt2.decode(array[start:stop], x, y, t, p, state)
            used, made = int(state[0]), int(state[1])
            assert used > 0
            columns = (column[:made].tolist() for column in (x, y, t, p))
            events += list(zip(*columns, strict=True))
            start += used
    return events


def open_words(tmp_path: Path, words: list[int], header: bytes = HEADER, **options: object):
    path = tmp_path / "words.raw"
    path.write_bytes(header + np.array(words, "<u4").tobytes())
    return evt2.FORMAT.open(path, ReadOptions(**options))  # type: ignore[arg-type]


any_word = st.one_of(
    st.builds(
        event,
        st.integers(0, 2047),
        st.integers(0, 2047),
        st.integers(0, 63),
        st.integers(0, 1),
    ),
    st.builds(time_high, st.integers(0, (1 << 28) - 1)),
    st.integers(0, (1 << 32) - 1),
)


@settings(deadline=None, max_examples=150)
@given(
    st.lists(any_word, max_size=120),
    st.lists(st.integers(0, 120), max_size=4),
    st.integers(1, 40),
)
def test_kernel_equals_the_plain_decoder_whatever_the_block_borders(
    words: list[int], borders: list[int], room: int
) -> None:
    assert decode_in_pieces(words, borders, room) == reference(words)


def test_time_is_high_times_64_plus_low(tmp_path: Path) -> None:
    reader = open_words(
        tmp_path, [time_high(10), event(3, 4, 5, 1), time_high(11), event(0, 1, 0, 0)]
    )
    events = reader.read()
    assert events.t.tolist() == [645, 704]
    assert events.x.tolist() == [3, 0]
    assert events.y.tolist() == [4, 1]
    assert events.p.tolist() == [1, 0]


def test_the_34_bit_clock_wraps_and_time_goes_on(tmp_path: Path) -> None:
    top = (1 << 28) - 1
    reader = open_words(
        tmp_path, [time_high(top), event(0, 0, 63, 1), time_high(0), event(1, 0, 0, 1)]
    )
    assert reader.read().t.tolist() == [(1 << 34) - 1, 1 << 34]


def test_a_small_step_back_of_the_time_word_is_no_wrap(tmp_path: Path) -> None:
    words = [time_high(100), event(0, 0, 0, 1), time_high(99), event(1, 0, 0, 1)]
    with pytest.raises(EventError, match=r"t goes back by 64 µs at event 1 of words\.raw"):
        open_words(tmp_path, words).read()


def test_triggers_vendor_and_reserved_words_are_skipped(tmp_path: Path) -> None:
    words = [time_high(1)]
    for kind in (2, 3, 4, 5, 6, 7, 9, 0xA, 0xB, 0xC, 0xD, 0xE, 0xF):
        words += [kind << 28 | 0x0123456, event(kind, 0, 0, 1)]
    assert open_words(tmp_path, words).read().x.tolist() == [2, 3, 4, 5, 6, 7, 9, *range(10, 16)]


def test_events_before_the_first_time_word_are_skipped_and_the_header_says_so(
    tmp_path: Path,
) -> None:
    reader = open_words(tmp_path, [event(9, 9, 9, 1), 0xA << 28, time_high(2), event(1, 1, 1, 0)])
    assert reader.read().t.tolist() == [129]
    assert "Skipped 1 events before the first time word" in reader.header.notes[0]


def test_an_empty_body_is_no_events(tmp_path: Path) -> None:
    reader = open_words(tmp_path, [])
    assert len(reader.read()) == 0
    assert list(reader.packets()) == []


def test_t0_of_the_header_is_added(tmp_path: Path) -> None:
    header = b"% evt 2.0\n% geometry 8x8\n% t0 1000\n"
    reader = open_words(tmp_path, [time_high(0), event(1, 1, 5, 1)], header)
    assert reader.read().t.tolist() == [1005]
    assert "t0 = 1,000 µs" in reader.header.notes[0]


@settings(deadline=None, max_examples=60)
@given(
    st.lists(
        st.tuples(
            st.integers(0, 63),
            st.integers(0, 47),
            st.one_of(st.integers(0, 200), st.integers(0, 1 << 35)),
            st.integers(0, 1),
        ),
        max_size=60,
    ),
    st.integers(0, 1 << 34),
)
def test_writing_and_reading_gives_the_same_events(
    tmp_path_factory: pytest.TempPathFactory, rows: list[tuple[int, int, int, int]], start: int
) -> None:
    path = tmp_path_factory.getbasetemp() / "round.raw"
    columns = np.array(rows, np.int64).reshape(-1, 4).T
    size = SensorSize(height=48, width=64)
    t = np.minimum(start + np.cumsum(columns[2]), (1 << 40) - 1)
    events = Events(columns[0], columns[1], t, columns[3], size)
    evt2.FORMAT.write(path, [events], size)  # type: ignore[misc]
    again = evt2.FORMAT.open(path, ReadOptions()).read()
    for name in "xytp":
        assert np.array_equal(getattr(again, name), getattr(events, name)), name
    assert again.size == size


def test_packets_written_one_by_one_make_the_same_file_as_all_at_once(tmp_path: Path) -> None:
    rng = np.random.default_rng(4)
    t = np.sort(rng.integers(0, 5_000, 1_000))
    size = SensorSize(height=30, width=40)
    events = Events(
        rng.integers(0, 40, 1_000), rng.integers(0, 30, 1_000), t, rng.integers(0, 2, 1_000), size
    )
    pieces = [events[start : start + 77] for start in range(0, 1_000, 77)]
    evt2.FORMAT.write(tmp_path / "whole.raw", [events], size)  # type: ignore[misc]
    evt2.FORMAT.write(tmp_path / "pieces.raw", pieces, size)  # type: ignore[misc]
    assert (tmp_path / "whole.raw").read_bytes() == (tmp_path / "pieces.raw").read_bytes()
