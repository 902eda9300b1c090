"""N-MNIST binaries: layout, recognition without a header, sensor size by content."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from saccade.errors import FormatError
from saccade.events.io import nmnist
from saccade.events.io.format import ReadOptions
from saccade.events.types import SensorSize


def word(x: int, y: int, t: int, p: int) -> bytes:
    return bytes([x, y, p << 7 | t >> 16, t >> 8 & 0xFF, t & 0xFF])


def write(path: Path, *words: bytes) -> Path:
    path.write_bytes(b"".join(words))
    return path


def test_a_word_holds_x_y_polarity_and_23_bits_of_time(tmp_path: Path) -> None:
    path = write(tmp_path / "a.bin", word(33, 0, 654, 1), word(0, 33, (1 << 23) - 1, 0))
    events = nmnist.FORMAT.open(path, ReadOptions()).read()
    assert events.x.tolist() == [33, 0]
    assert events.y.tolist() == [0, 33]
    assert events.t.tolist() == [654, (1 << 23) - 1]
    assert events.p.tolist() == [1, 0]


def test_the_format_defines_the_size_where_all_coordinates_are_below_34(tmp_path: Path) -> None:
    path = write(tmp_path / "a.bin", word(33, 33, 1, 1), word(0, 0, 2, 0))
    header = nmnist.FORMAT.open(path, ReadOptions()).header
    assert (header.size, header.size_source) == (SensorSize(height=34, width=34), "format")


def test_larger_coordinates_leave_the_size_open_until_the_user_says_it(tmp_path: Path) -> None:
    path = write(tmp_path / "a.bin", word(34, 3, 1, 1), word(0, 0, 2, 0))
    assert nmnist.FORMAT.open(path, ReadOptions()).header.size is None
    size = SensorSize(height=180, width=240)
    assert nmnist.FORMAT.open(path, ReadOptions(size=size)).read().size == size


def test_row_240_advances_the_clock_and_is_no_event(tmp_path: Path) -> None:
    path = write(tmp_path / "a.bin", word(1, 1, 8000, 1), word(0, 240, 0, 0), word(2, 2, 5, 1))
    reader = nmnist.FORMAT.open(path, ReadOptions())
    assert reader.read().t.tolist() == [8000, 8192 + 5]
    assert reader.header.size == SensorSize(height=34, width=34)


def test_recognised_by_times_that_rise(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    t = np.sort(rng.integers(0, 300_000, 500)).tolist()
    path = write(tmp_path / "a.bin", *(word(3, 4, moment, 1) for moment in t))
    assert nmnist.FORMAT.sniff(path.read_bytes(), path)


@pytest.mark.parametrize("name", ["noise", "text", "length", "zeros"])
def test_other_content_is_not_taken_for_it(tmp_path: Path, name: str) -> None:
    content = {
        "noise": np.random.default_rng(0).integers(0, 256, 5_000, dtype=np.uint8).tobytes(),
        "text": b"0.000001 12 33 1\n0.000002 1 35 0\n" * 50,
        "length": b"".join(word(1, 1, moment, 1) for moment in range(100)) + b"\0",
        "zeros": bytes(500),
    }[name]
    path = write(tmp_path / "a.bin", content)
    assert not nmnist.FORMAT.sniff(content, path)


def test_a_cut_word_is_a_truncated_file(tmp_path: Path) -> None:
    path = write(tmp_path / "a.bin", word(1, 1, 1, 1), b"\x01\x02")
    with pytest.raises(FormatError, match="2 bytes are left over after 1 events"):
        nmnist.FORMAT.open(path, ReadOptions()).read()
