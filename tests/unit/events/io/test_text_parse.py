"""The compiled number parser against exact decimal arithmetic."""

from decimal import Decimal

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from saccade.events.io import text_parse as parse

UNITS = list(parse.SCALES)
MOST = 2**63 - 1


def parsed(text: str, unit: str, *, whole: bool = False) -> tuple[int, int]:
    """Return (time, problem) of one row with the given time."""
    line = f"{text} 1 2 0\n".encode()
    rows, outcome = parse.room(4)
    parse.parse_rows(
        np.frombuffer(bytearray(line), np.uint8),
        np.array([2, 0, 1, 3]),
        ord(" "),
        parse.SCALES[unit],  # pyright: ignore[reportArgumentType]
        whole,
        rows,
        outcome,
    )
    return int(rows[2, 0]), int(outcome[parse.PROBLEM])


@st.composite
def decimals(draw: st.DrawFn) -> str:
    digits = draw(st.text("0123456789", min_size=1, max_size=25))
    point = draw(st.integers(0, len(digits)))
    sign = draw(st.sampled_from(["", "-", "+"]))
    exponent = draw(st.sampled_from(["", "e0", "e+03", "E-2", "e5", "e-07", "e-30"]))
    dot = draw(st.sampled_from(["", "."]))
    return f"{sign}{digits[:point] or '0'}{dot}{digits[point:]}{exponent}"


@settings(max_examples=500)
@given(decimals(), st.sampled_from(UNITS))
def test_kernel_equals_the_decimal_reference(text: str, unit: str) -> None:
    expected = parse.decimal_us(text, unit)  # pyright: ignore[reportArgumentType]
    value, problem = parsed(text, unit)
    if problem == parse.OUT_OF_RANGE:
        assert abs(expected) > 10**17
    else:
        assert (value, problem) == (expected, 0)


@pytest.mark.parametrize(
    "text", ["1587452582.350001499", "9223372036.854775799", "0.000000001", "4.0", "-1.5"]
)
def test_epoch_seconds_keep_their_nanoseconds(text: str) -> None:
    rows, outcome = parse.room(2)
    data = np.frombuffer(bytearray(f"{text} 1 2 0\n".encode()), np.uint8)
    parse.parse_rows(data, np.array([2, 0, 1, 3]), ord(" "), 9, True, rows, outcome)
    assert int(outcome[parse.PROBLEM]) == 0
    assert int(rows[2, 0]) == int(Decimal(text).scaleb(9))


@pytest.mark.parametrize(
    ("text", "unit", "expected"),
    [
        ("1587452582.350001", "s", 1_587_452_582_350_001),
        ("1587452582.3500005", "s", 1_587_452_582_350_001),
        ("1587452582.35000049999999", "s", 1_587_452_582_350_000),
        ("1.5874525823500010e+09", "s", 1_587_452_582_350_001),
        ("0.003820001", "s", 3820),
        ("1587452582350001499", "ns", 1_587_452_582_350_001),
        (".5", "us", 1),
        ("-.5", "us", -1),
        ("999999999999999999", "us", 10**18 - 1),
        ("000000000000000000000000000042", "us", 42),
    ],
)
def test_times_are_exact_to_the_microsecond(text: str, unit: str, expected: int) -> None:
    assert parsed(text, unit) == (expected, 0)


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("nan", parse.NOT_FINITE),
        ("-inf", parse.NOT_FINITE),
        ("Infinity", parse.NOT_FINITE),
        ("abc", parse.BAD),
        ("1.2.3", parse.BAD),
        ("1e", parse.BAD),
        ("--1", parse.BAD),
        ("0x10", parse.BAD),
        (".", parse.BAD),
        ("99999999999999999999", parse.OUT_OF_RANGE),
    ],
)
def test_what_is_no_number_is_told_apart(text: str, problem: int) -> None:
    assert parsed(text, "us")[1] == problem


def test_fraction_is_refused_where_whole_times_are_due() -> None:
    assert parsed("5.0", "us", whole=True) == (5, 0)
    assert parsed("5.1", "us", whole=True)[1] == parse.NOT_WHOLE
    assert parsed("5.00000000000000000000000001", "us", whole=True)[1] == parse.NOT_WHOLE


@given(st.lists(st.tuples(*[st.integers(0, 65_535)] * 2, st.integers(-MOST, MOST)), max_size=20))
def test_formatted_rows_are_the_numbers(rows: list[tuple[int, int, int]]) -> None:
    x, y, t = (
        np.array([row[k] for row in rows], dtype)
        for k, dtype in enumerate((np.uint16, np.uint16, np.int64))
    )
    buffer = np.zeros(36 * len(rows), np.uint8)
    length = parse.format_rows(x, y, t, np.ones(len(rows), np.uint8), ord(","), buffer)
    expected = "".join(f"{row[2]},{row[0]},{row[1]},1\n" for row in rows)
    assert bytes(buffer[:length]).decode() == expected
