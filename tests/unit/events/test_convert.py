"""Events from and to the arrays of other libraries."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from event_strategies import assert_same, recordings
from saccade.errors import ConfigError, EventError, ShapeError
from saccade.events import (
    Events,
    SensorSize,
    from_array,
    from_columns,
    from_records,
    to_array,
    to_records,
)
from saccade.events.convert import RECORD_LAYOUTS

SIZE = SensorSize(height=4, width=6)


def events() -> Events:
    return Events([5, 0], [3, 1], [1_000_000, 2_500_000], [1, 0], SIZE)


@given(recordings(), st.sampled_from(sorted(RECORD_LAYOUTS)))
def test_records_and_back(recording: Events, layout: str) -> None:
    records = to_records(recording, layout)
    assert records.dtype == RECORD_LAYOUTS[layout]
    assert_same(from_records(records, recording.size), recording)


@given(
    recordings(),
    st.sampled_from(["txyp", "xytp", "pyxt"]),
    st.sampled_from(["s", "ms", "us"]),
    st.sampled_from(["01", "signed"]),
)
def test_plain_arrays_and_back(recording: Events, columns: str, unit: str, polarity: str) -> None:
    array = to_array(recording, columns, unit, polarity=polarity)  # pyright: ignore[reportArgumentType]
    assert array.shape == (len(recording), 4)
    back = from_array(array, recording.size, columns, unit, polarity=polarity)  # pyright: ignore[reportArgumentType]
    assert_same(back, recording)


def test_columns_of_stored_type_are_shared() -> None:
    x, y = np.array([5, 0], np.uint16), np.array([3, 1], np.uint16)
    t, p = np.array([1, 2]), np.array([True, False])
    made = from_columns(x, y, t, p, SIZE)
    for ours, theirs in ((made.x, x), (made.y, y), (made.t, t), (made.p, p)):
        assert np.shares_memory(ours, theirs)


@pytest.mark.parametrize("layout", ["faery", "tonic"])
def test_fields_of_records_are_shared(layout: str) -> None:
    records = to_records(events(), layout)
    made = from_records(records, SIZE)
    for name in "xytp":
        assert np.shares_memory(getattr(made, name), records)


def test_time_column_of_an_int64_array_is_shared() -> None:
    array = to_array(events())
    assert np.shares_memory(from_array(array, SIZE).t, array)


def test_events_are_read_only_although_the_source_is_not() -> None:
    t = np.array([1, 2])
    made = from_columns([1, 2], [1, 2], t, [0, 1], SIZE)
    with pytest.raises(ValueError, match="read-only"):
        made.t[0] = 5
    assert t.flags.writeable


def test_one_based_seconds_with_signs() -> None:
    made = from_columns(
        [6.0, 1.0], [4.0, 2.0], [1.0, 2.5], [1.0, -1.0], SIZE,
        time_unit="s", polarity="signed", origin=1,
    )  # fmt: skip
    assert_same(made, events())


def test_sign_without_statement_is_refused_with_the_remedy() -> None:
    with pytest.raises(EventError, match=r"p = -1 at event 1.*polarity='signed'"):
        from_columns([1, 1], [1, 1], [1, 2], [1, -1], SIZE)
    with pytest.raises(EventError, match=r"p = 0 at event 0.*polarity='01'"):
        from_columns([1, 1], [1, 1], [1, 2], [0, 1], SIZE, polarity="signed")


def test_unknown_polarity_word_is_refused() -> None:
    with pytest.raises(ConfigError, match="'01' or 'signed'"):
        from_columns([1], [1], [1], [1], SIZE, polarity="both")  # pyright: ignore[reportArgumentType]


@pytest.mark.parametrize("name", ["x", "y", "t", "p"])
def test_nan_in_a_column_names_column_and_event(name: str) -> None:
    columns = {key: np.array([1.0, 1.0]) for key in "xytp"}
    columns[name][1] = np.nan
    with pytest.raises(EventError, match=f"{name} = nan at event 1"):
        from_columns(**columns, size=SIZE, time_unit="s")


def test_columns_of_different_length_are_refused() -> None:
    with pytest.raises(ShapeError, match="1, 2, 2, 2 entries"):
        from_columns([1], [1, 1], [1, 2], [0, 1], SIZE)


def test_array_of_another_width_is_refused() -> None:
    with pytest.raises(ShapeError, match=r"Expected \(N, 4\)"):
        from_array(np.zeros((3, 5)), SIZE)
    assert len(from_array(np.zeros((3, 5)), SIZE, "txyp_")) == 3


def test_records_without_time_are_refused() -> None:
    with pytest.raises(EventError, match="Record fields are x, y, p"):
        from_records(np.zeros(2, [("x", "u2"), ("y", "u2"), ("p", "?")]), SIZE)
    with pytest.raises(ShapeError, match="from_array"):
        from_records(np.zeros((2, 4)), SIZE)


def test_unknown_layout_names_the_closest() -> None:
    with pytest.raises(ConfigError, match="Did you mean 'tonic'"):
        to_records(events(), "tonnic")


def test_coordinates_that_do_not_fit_into_a_layout_are_refused() -> None:
    wide = Events([40_000], [0], [1], [1], SensorSize(height=1, width=50_000))
    with pytest.raises(EventError, match="tonic stores it as int16"):
        to_records(wide, "tonic")
    early = Events([0], [0], [-5], [1], SIZE)
    with pytest.raises(EventError, match="faery stores it as uint64"):
        to_records(early, "faery")


def test_float32_that_would_lose_microseconds_is_refused() -> None:
    epoch = Events([0], [0], [1_587_452_582_350_001], [1], SIZE)
    with pytest.raises(EventError, match="do not survive as float32 in s"):
        to_array(epoch, time_unit="s", dtype=np.float32)
    assert to_array(events(), time_unit="s", dtype=np.float32).dtype == np.float32
