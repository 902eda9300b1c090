"""Event Stream: DVS bytes to events; other stream types are refused by name."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from saccade.errors import EventError, FormatError
from saccade.events.io import es
from saccade.events.io.format import ReadOptions
from saccade.events.types import SensorSize

HEIGHT = 48


def header(kind: int = 1, version: tuple[int, int, int] = (2, 0, 0)) -> bytes:
    size = np.array([64, HEIGHT], "<u2").tobytes() if kind else b""
    return b"Event Stream" + bytes([*version, kind]) + size


def event(delta: int, p: int, x: int, y_file: int) -> bytes:
    return bytes([delta << 1 | p]) + np.array([x, y_file], "<u2").tobytes()


def write(path: Path, body: bytes, **head: object) -> Path:
    path.write_bytes(header(**head) + body)  # type: ignore[arg-type]
    return path


def test_times_are_differences_and_y_counts_from_the_bottom(tmp_path: Path) -> None:
    body = event(3, 1, 7, HEIGHT - 1) + b"\xff\xff\xfe" + event(126, 0, 0, 0) + event(0, 1, 63, 5)
    reader = es.FORMAT.open(write(tmp_path / "a.es", body), ReadOptions())
    events = reader.read()
    assert events.t.tolist() == [3, 3 + 254 + 126, 3 + 254 + 126]
    assert events.x.tolist() == [7, 0, 63]
    assert events.y.tolist() == [0, HEIGHT - 1, HEIGHT - 6]
    assert events.p.tolist() == [1, 0, 1]
    assert reader.header.size == SensorSize(height=HEIGHT, width=64)


@settings(deadline=None, max_examples=80)
@given(
    st.lists(
        st.one_of(
            st.sampled_from([b"\xff", b"\xfe"]),
            st.builds(
                event,
                st.integers(0, 126),
                st.integers(0, 1),
                st.integers(0, 63),
                st.integers(0, 47),
            ),
        ),
        max_size=80,
    ),
    st.lists(st.integers(0, 400), max_size=4),
)
def test_events_may_be_cut_anywhere_between_two_calls(
    pieces: list[bytes], borders: list[int]
) -> None:
    expected, clock = [], 0
    for piece in pieces:
        if len(piece) == 1:
            clock += 127 * (piece == b"\xff")
            continue
        clock += piece[0] >> 1
        x, y = np.frombuffer(piece[1:], "<u2").tolist()
        expected.append((x, HEIGHT - 1 - y, clock, piece[0] & 1))
    stream = np.frombuffer(b"".join(pieces), np.uint8)
    state, events, used = np.array([0, 0, 0, HEIGHT], np.int64), [], 0
    for border in [*sorted(borders), len(stream)]:
        columns = [np.zeros(100, kind) for kind in ("u2", "u2", "i8", "u1")]
        es.decode(stream[used : max(used, min(border, len(stream)))], *columns, state)
        events += list(zip(*(column[: state[1]].tolist() for column in columns), strict=True))
        used += int(state[0])
    assert events == expected
    assert used == len(stream)


@pytest.mark.parametrize(
    ("kind", "name"), [(0, "generic"), (2, "ATIS"), (4, "color"), (9, "unknown")]
)
def test_other_stream_types_are_refused_by_name(tmp_path: Path, kind: int, name: str) -> None:
    path = write(tmp_path / "a.es", b"\x00\x01\x02", kind=kind)
    with pytest.raises(FormatError, match=rf"type {kind} \({name}\).*Expected type 1 \(DVS\)"):
        es.FORMAT.open(path, ReadOptions())


def test_another_version_is_refused(tmp_path: Path) -> None:
    path = write(tmp_path / "a.es", b"", version=(1, 4, 0))
    with pytest.raises(FormatError, match=r"Event Stream 1\.4\.0.*Expected version 2"):
        es.FORMAT.open(path, ReadOptions())


def test_a_cut_event_is_a_truncated_file(tmp_path: Path) -> None:
    path = write(tmp_path / "a.es", event(1, 1, 2, 3) + event(1, 1, 2, 3)[:-2])
    with pytest.raises(FormatError, match="3 bytes are left over after 1 events"):
        es.FORMAT.open(path, ReadOptions()).read()
    assert len(es.FORMAT.open(path, ReadOptions(on_truncation="keep")).read()) == 1


def test_a_row_outside_the_sensor_is_an_error(tmp_path: Path) -> None:
    path = write(tmp_path / "a.es", event(1, 1, 2, HEIGHT))
    with pytest.raises(EventError, match=r"y = 48 at event 0 of a\.es but height is 48"):
        es.FORMAT.open(path, ReadOptions()).read()
