"""NumPy arrays of other libraries, opened as files."""

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import saccade
from event_strategies import assert_same, recordings
from saccade.errors import EventError, FormatError
from saccade.events import Events, SensorSize, to_array, to_records
from saccade.events.convert import RECORD_LAYOUTS
from saccade.events.io import inspect

SIZE = SensorSize(height=180, width=240)


def events(count: int = 400) -> Events:
    rng = np.random.default_rng(2)
    t = np.cumsum(rng.integers(1, 300, count))
    x, y, p = (rng.integers(0, most, count) for most in (240, 180, 2))
    return Events(x, y, t, p, SIZE)


@settings(max_examples=30)
@given(recordings(), st.sampled_from(sorted(RECORD_LAYOUTS)), st.integers(1, 300))
def test_records_of_other_libraries_are_read(
    tmp_path_factory: pytest.TempPathFactory, recording: Events, layout: str, packet: int
) -> None:
    path = tmp_path_factory.mktemp("npy") / "a.npy"
    np.save(path, to_records(recording, layout))
    assert_same(saccade.open(path, size=recording.size), recording)
    packets = list(saccade.stream(path, size=recording.size, packet_events=packet))
    assert all(len(part) <= packet for part in packets)
    assert_same(Events.concatenate([Events.empty(recording.size), *packets]), recording)


@pytest.mark.parametrize("fortran", [False, True])
@pytest.mark.parametrize("unit", ["s", "us"])
@pytest.mark.parametrize("columns", ["txyp", "xytp"])
def test_plain_arrays_are_recognised_and_said(
    columns: str, unit: str, fortran: bool, tmp_path: Path
) -> None:
    array = to_array(events(), columns, unit, polarity="signed")  # pyright: ignore[reportArgumentType]
    np.save(tmp_path / "a.npy", np.asfortranarray(array) if fortran else array)
    assert_same(saccade.open(tmp_path / "a.npy", size=SIZE), events())
    packets = list(saccade.stream(tmp_path / "a.npy", size=SIZE, packet_events=33))
    assert_same(Events.concatenate(packets), events())
    notes = " ".join(inspect(tmp_path / "a.npy").header.notes)
    assert f"by their values as {' '.join(columns)}." in notes
    assert f"Times were taken as {unit} because" in notes


def test_stated_columns_and_unit_win(tmp_path: Path) -> None:
    np.save(tmp_path / "a.npy", to_array(events(), "pytx", "ms"))
    assert_same(
        saccade.open(tmp_path / "a.npy", size=SIZE, columns="pytx", time_unit="ms"), events()
    )


def test_float32_seconds_are_said_to_lose_microseconds(tmp_path: Path) -> None:
    np.save(tmp_path / "a.npy", to_array(events(), time_unit="s").astype(np.float32))
    assert any("float32" in note for note in inspect(tmp_path / "a.npy").header.notes)


def test_truncated_array_is_refused_or_kept_up_to_the_cut(tmp_path: Path) -> None:
    path = tmp_path / "a.npy"
    np.save(path, to_records(events(), "faery"))
    path.write_bytes(path.read_bytes()[:-20])
    with pytest.raises(FormatError, match=r"truncated: it ends in row 398 of 400"):
        saccade.open(path, size=SIZE)
    kept = saccade.open(path, size=SIZE, on_truncation="keep")
    assert_same(kept, events()[:398])


@pytest.mark.parametrize(
    ("array", "message"),
    [
        (np.zeros((3, 5)), "cannot be told apart"),
        (np.zeros((10, 3)), r"shape \(10, 3\) and type float64"),
        (np.zeros((2, 3, 4)), r"shape \(2, 3, 4\)"),
        (np.zeros(5, [("x", "u2"), ("y", "u2")]), "records with fields x, y"),
        (np.random.default_rng(0).normal(size=(50, 4)), "State it, e.g. --columns txyp"),
    ],
)
def test_array_without_events_is_refused(array: np.ndarray, message: str, tmp_path: Path) -> None:
    np.save(tmp_path / "a.npy", array)
    with pytest.raises(FormatError, match=message):
        saccade.open(tmp_path / "a.npy", size=SIZE)


def test_pickled_array_is_never_opened(tmp_path: Path) -> None:
    np.save(tmp_path / "a.npy", np.array([{"x": 1}], object), allow_pickle=True)
    with pytest.raises(FormatError, match="can run any code"):
        saccade.open(tmp_path / "a.npy", size=SIZE)


def test_damaged_header_is_named(tmp_path: Path) -> None:
    (tmp_path / "a.npy").write_bytes(b"\x93NUMPY\x01\x00\x10\x00{not a header}  ")
    with pytest.raises(FormatError, match="damaged NumPy header"):
        saccade.open(tmp_path / "a.npy", size=SIZE)


def test_times_that_are_no_numbers_are_refused(tmp_path: Path) -> None:
    layout = [("x", "u2"), ("y", "u2"), ("t", "M8[us]"), ("p", "?")]
    np.save(tmp_path / "a.npy", np.zeros(3, layout))
    with pytest.raises(EventError, match="t holds datetime64"):
        saccade.open(tmp_path / "a.npy", size=SIZE)


def test_nan_names_event_and_file(tmp_path: Path) -> None:
    array = to_array(events(), time_unit="s")
    array[7, 0] = np.nan
    np.save(tmp_path / "a.npy", array)
    with pytest.raises(EventError, match=r"t = nan at event 7 of a\.npy"):
        saccade.open(tmp_path / "a.npy", size=SIZE, columns="txyp", time_unit="s")
