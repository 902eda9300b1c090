"""EVT 3.0: the compiled decoder against the format written out in plain Python, and its traps."""

from __future__ import annotations

import itertools
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from saccade.events.io import evt3
from saccade.events.io.format import ReadOptions
from saccade.events.types import Events, SensorSize

HEADER = b"% evt 3.0\n% format EVT3;height=2048;width=2060\n% end\n"
ROW, SINGLE, BASE, VECT_12, VECT_8, LOW, HIGH = 0, 2, 3, 4, 5, 6, 8


def word(kind: int, value: int) -> int:
    return kind << 12 | value


def signed(x: int, p: int) -> int:
    return p << 11 | x


def reference(words: list[int]) -> list[tuple[int, int, int, int]]:
    """Word by word, as the format's page has it."""
    events: list[tuple[int, int, int, int]] = []
    high = row = None
    wraps = low = base = polarity = 0
    for item in words:
        kind, value = item >> 12, item & 0xFFF
        if kind == ROW:
            row = value & 0x7FF
        elif kind == BASE:
            base, polarity = value & 0x7FF, value >> 11
        elif kind == LOW:
            low = value
        elif kind == HIGH:
            if high is not None and high - value >= 2048:
                wraps += 1
            if value != high:
                low = 0
            high = value
        hits: list[tuple[int, int]] = []
        if kind == SINGLE:
            hits = [(value & 0x7FF, value >> 11)]
        elif kind in (VECT_12, VECT_8):
            width = 12 if kind == VECT_12 else 8
            hits = [(base + k, polarity) for k in range(width) if value >> k & 1]
            base += width
        if high is not None and row is not None:
            t = (wraps << 24) + (high << 12) + low
            events += [(x, row, t, p) for x, p in hits]
    return events


def decode_in_pieces(words: list[int], borders: list[int], room: int) -> list[tuple[int, ...]]:
    """Feed the words in pieces and take the events out in pieces."""
    state = np.array([0, 0, 0, -1, 0, -1, 0, 0], np.int64)
    events: list[tuple[int, ...]] = []
    cuts = [0, *sorted(min(border, len(words)) for border in borders), len(words)]
    array = np.array(words, np.uint16)
    for start, stop in itertools.pairwise(cuts):
        while start < stop:
            x, y = np.zeros(room, np.uint16), np.zeros(room, np.uint16)
            t, p = np.zeros(room, np.int64), np.zeros(room, np.uint8)
            evt3.decode(array[start:stop], x, y, t, p, state)
            used, made = int(state[0]), int(state[1])
            assert used > 0
            columns = (column[:made].tolist() for column in (x, y, t, p))
            events += list(zip(*columns, strict=True))
            start += used
    return events


def open_words(tmp_path: Path, words: list[int], **options: object):
    path = tmp_path / "words.raw"
    path.write_bytes(HEADER + np.array(words, "<u2").tobytes())
    return evt3.FORMAT.open(path, ReadOptions(**options))  # type: ignore[arg-type]


def times(tmp_path: Path, words: list[int]) -> list[int]:
    return open_words(tmp_path, words).read().t.tolist()


START = [word(HIGH, 1), word(LOW, 0), word(ROW, 7)]
HIT = word(SINGLE, signed(5, 1))

any_words = st.lists(
    st.one_of(
        st.integers(0, 0xFFFF),
        st.builds(
            word, st.sampled_from([ROW, SINGLE, BASE, VECT_12, VECT_8, LOW]), st.integers(0, 0xFFF)
        ),
        st.builds(word, st.just(HIGH), st.integers(0, 0xFFF)),
    ),
    max_size=150,
)


@settings(deadline=None, max_examples=200)
@given(any_words, st.lists(st.integers(0, 150), max_size=4), st.integers(12, 60))
def test_kernel_equals_the_plain_decoder_whatever_the_block_borders(
    words: list[int], borders: list[int], room: int
) -> None:
    assert decode_in_pieces(words, borders, room) == reference(words)


@settings(deadline=None, max_examples=50)
@given(any_words)
def test_count_is_never_below_the_number_of_events(words: list[int]) -> None:
    total = evt3.count(np.array(words, np.uint16))
    assert total >= len(reference(words))
    assert total == len(reference([*START, *words]))


def test_the_24_bit_clock_wraps_every_16_8_seconds_and_time_goes_on(tmp_path: Path) -> None:
    words = [word(HIGH, 4095), word(LOW, 4095), word(ROW, 0), HIT, word(HIGH, 0), word(LOW, 3), HIT]
    words += [word(HIGH, 2047), HIT, word(HIGH, 4095), HIT, word(HIGH, 1), HIT]
    end = 1 << 24
    assert times(tmp_path, words) == [
        end - 1,
        end + 3,
        end + 2047 * 4096,
        end + 4095 * 4096,
        2 * end + 4096,
    ]


def test_time_low_is_taken_literally_even_when_it_falls(tmp_path: Path) -> None:
    words = [*START, word(LOW, 700), HIT, word(HIGH, 1), word(LOW, 811), word(LOW, 800), HIT]
    assert times(tmp_path, words) == [4096 + 700, 4096 + 800]


def test_a_new_time_high_starts_at_low_zero_and_a_repeated_one_keeps_low(tmp_path: Path) -> None:
    words = [*START, word(LOW, 4095), HIT, word(HIGH, 1), HIT, word(HIGH, 2), HIT]
    assert times(tmp_path, words) == [8191, 8191, 8192]


@pytest.mark.parametrize(
    "other",
    [
        [0x7123],  # CONTINUED_4 behind a vendor word
        [0x9999, 0x9999],  # padding: a reserved type
        [0xA001, 0xA100],  # external trigger, both edges
        [0xE005, 0x7001, 0x7002],  # OTHERS with its continuation
        [0xF123, 0x1FFF, 0xB000, 0xC321, 0xD00D],
    ],
)
def test_reserved_vendor_padding_and_trigger_words_are_skipped(
    tmp_path: Path, other: list[int]
) -> None:
    words = [*START, word(BASE, signed(100, 1)), *other, word(VECT_12, 0b1), *other, HIT]
    assert open_words(tmp_path, words).read().x.tolist() == [100, 5]


def test_the_vector_base_advances_by_12_or_8_even_where_no_bit_is_set(tmp_path: Path) -> None:
    words = [*START, word(BASE, signed(100, 1)), word(VECT_12, 0), word(VECT_8, 0b1000_0001)]
    words += [word(VECT_12, 0b1000_0000_0001), word(VECT_8, 0xF00)]
    assert open_words(tmp_path, words).read().x.tolist() == [112, 119, 120, 131]


def test_a_single_event_leaves_the_vector_base_alone(tmp_path: Path) -> None:
    words = [*START, word(BASE, signed(100, 0)), HIT, word(VECT_8, 1)]
    events = open_words(tmp_path, words).read()
    assert events.x.tolist() == [5, 100]
    assert events.p.tolist() == [1, 0]


def test_bit_11_of_the_row_is_not_part_of_the_row(tmp_path: Path) -> None:
    assert open_words(tmp_path, [*START, word(ROW, 0x800 | 9), HIT]).read().y.tolist() == [9]


def test_events_before_clock_and_row_are_skipped_and_the_header_says_so(tmp_path: Path) -> None:
    words = [word(ROW, 1), HIT, word(BASE, 0), word(VECT_8, 3), word(HIGH, 1), word(ROW, 2), HIT]
    reader = open_words(tmp_path, words)
    assert reader.read().y.tolist() == [2]
    assert "Skipped 3 events before the first time word" in reader.header.notes[0]


def test_packets_of_one_event_hold_every_event_of_a_vector(tmp_path: Path) -> None:
    words = [*START, word(BASE, signed(100, 1)), word(VECT_12, 0xFFF), word(VECT_12, 0xFFF)]
    packets = list(open_words(tmp_path, words).packets(1))
    assert [len(packet) for packet in packets] == [1] * 24
    assert Events.concatenate(packets).x.tolist() == list(range(100, 124))


def test_an_empty_body_is_no_events(tmp_path: Path) -> None:
    assert len(open_words(tmp_path, []).read()) == 0


@settings(deadline=None, max_examples=80)
@given(
    st.lists(
        st.tuples(
            st.integers(0, 63),
            st.integers(0, 2),
            st.one_of(st.just(0), st.integers(0, 9_000), st.integers(0, 1 << 26)),
            st.integers(0, 1),
        ),
        max_size=80,
    ),
    st.one_of(st.integers(0, 1 << 14), st.integers(0, 1 << 34)),
    st.booleans(),
)
def test_writing_and_reading_gives_the_same_events(
    tmp_path_factory: pytest.TempPathFactory,
    rows: list[tuple[int, int, int, int]],
    start: int,
    ordered: bool,
) -> None:
    path = tmp_path_factory.getbasetemp() / "round.raw"
    size = SensorSize(height=3, width=64)
    columns = np.array(sorted(rows) if ordered else rows, np.int64).reshape(-1, 4).T
    steps = columns[2] * (np.arange(columns.shape[1]) % 5 == 0)  # several events at a time
    t = start + np.cumsum(steps)
    events = Events(columns[0], columns[1], t, columns[3], size)
    evt3.FORMAT.write(path, [events], size)  # type: ignore[misc]
    again = evt3.FORMAT.open(path, ReadOptions()).read()
    for name in "xytp":
        assert np.array_equal(getattr(again, name), getattr(events, name)), name


def test_runs_along_a_row_are_written_as_vectors(tmp_path: Path) -> None:
    size = SensorSize(height=4, width=64)
    run = np.arange(8, 48)
    events = Events(run, np.full(40, 2), np.full(40, 10), np.ones(40, np.uint8), size)
    evt3.FORMAT.write(tmp_path / "run.raw", [events], size)  # type: ignore[misc]
    body = (tmp_path / "run.raw").read_bytes().split(b"% end\n", 1)[1]
    kinds = (np.frombuffer(body, "<u2") >> 12).tolist()
    assert kinds == [HIGH, LOW, ROW, BASE, VECT_12, VECT_12, VECT_12, VECT_12]


def test_absolute_times_beyond_the_clock_survive_because_its_wraps_are_written(
    tmp_path: Path,
) -> None:
    size = SensorSize(height=4, width=4)
    late = [100 * (1 << 24) + 5, 250 * (1 << 24) + 6]
    evt3.FORMAT.write(tmp_path / "late.raw", [Events([1, 2], [1, 2], late, [0, 1], size)], size)  # type: ignore[misc]
    assert evt3.FORMAT.open(tmp_path / "late.raw", ReadOptions()).read().t.tolist() == late
