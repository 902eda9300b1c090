"""Foreign columns: units, NaN, halves, polarity codings."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from saccade.errors import ConfigError, EventError
from saccade.events.columns import polarity_values, to_microseconds, to_pixels


@pytest.mark.parametrize(
    ("values", "unit", "expected"),
    [
        ([1.5], "s", 1_500_000),
        ([1587452582.350001], "s", 1_587_452_582_350_001),
        ([2], "s", 2_000_000),
        ([2.5], "ms", 2500),
        ([3], "ms", 3000),
        ([7.0], "us", 7),
        ([1500], "ns", 2),
        ([1499], "ns", 1),
        ([-1500], "ns", -1),
        ([1587452582350001000], "ns", 1_587_452_582_350_001),
    ],
)
def test_times_of_every_unit_become_microseconds(
    values: list[float], unit: str, expected: int
) -> None:
    assert to_microseconds(values, unit).tolist() == [expected]


@given(st.integers(0, 2**50), st.sampled_from(["s", "ms", "us"]))
def test_float64_keeps_every_microsecond_of_35_years(t_us: int, unit: str) -> None:
    scale = {"s": 1e6, "ms": 1e3, "us": 1.0}[unit]
    assert to_microseconds([t_us / scale], unit).tolist() == [t_us]


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf, 1e300, -1.7e308])
def test_time_that_is_not_finite_names_the_event(value: float) -> None:
    with pytest.raises(EventError, match=r"t = .* at event 12 of night\.npy"):
        to_microseconds([0.0, 1.0, value], "s", position=10, source="night.npy")


def test_seconds_beyond_int64_are_refused() -> None:
    with pytest.raises(EventError, match="within the range of int64"):
        to_microseconds([2**62], "s")
    with pytest.raises(EventError, match="within the range of int64"):
        to_microseconds(np.array([2**63 + 5], np.uint64), "us")


def test_fraction_is_refused_where_whole_microseconds_are_due() -> None:
    assert to_microseconds([1.0, 2.0], "us", whole=True).tolist() == [1, 2]
    with pytest.raises(EventError, match=r"t = 2\.5 at event 1.*--time-unit s"):
        to_microseconds([1.0, 2.5], "us", whole=True)


def test_integer_microseconds_are_shared() -> None:
    for dtype in (np.int64, np.uint64):
        t = np.array([1, 2], dtype)
        assert np.shares_memory(to_microseconds(t, "us"), t)


def test_unknown_unit_names_the_closest() -> None:
    with pytest.raises(ConfigError, match="Did you mean 'us'"):
        to_microseconds([1], "usec")


def test_pixels_of_stored_width_are_shared() -> None:
    for dtype in (np.uint16, np.int16):
        x = np.array([0, 5], dtype)
        assert np.shares_memory(to_pixels(x, "x"), x)


@pytest.mark.parametrize("value", [np.nan, 0.5, -1, 70_000, np.inf])
def test_coordinate_that_is_no_pixel_names_the_event(value: float) -> None:
    with pytest.raises(EventError, match=r"y = .* at event 1"):
        to_pixels([3, value], "y")


def test_foreign_byte_order_is_converted() -> None:
    for dtype in (">u2", ">i2", ">i8", ">f4"):
        assert to_pixels(np.array([1, 258], dtype), "x").tolist() == [1, 258]
    for dtype in (">u8", ">i8", ">u4", ">f8"):
        assert to_microseconds(np.array([1, 258], dtype), "us").tolist() == [1, 258]


def test_one_based_coordinates_are_shifted_and_zero_is_refused() -> None:
    assert to_pixels([1.0, 346.0], "x", origin=1).tolist() == [0, 345]
    assert to_pixels(np.array([65_536]), "x", origin=1).tolist() == [65_535]
    with pytest.raises(EventError, match="leave --origin 1 out"):
        to_pixels([1, 0], "x", origin=1)


def test_polarity_codings_are_told_apart() -> None:
    assert polarity_values([0, 1, 1]) == (pytest.approx(np.array([0, 1, 1])), {0, 1})
    values, occurred = polarity_values(np.array([-1.0, 1.0]))
    assert values.tolist() == [0, 1] and occurred == {-1, 1}
    truth = np.array([True, False])
    assert np.shares_memory(polarity_values(truth)[0], truth)


@pytest.mark.parametrize("value", [2, -2, 0.5, np.nan])
def test_unknown_polarity_names_the_event(value: float) -> None:
    with pytest.raises(EventError, match=r"p = .* at event 1"):
        polarity_values([1, value])


def test_words_are_no_numbers() -> None:
    for convert in (
        lambda values: to_microseconds(values, "us"),
        lambda values: to_pixels(values, "x"),
        polarity_values,
    ):
        with pytest.raises(EventError, match="holds <U"):
            convert(np.array(["a"]))
