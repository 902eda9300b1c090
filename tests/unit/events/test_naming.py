"""Columns by name, by statement, by value."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from saccade.errors import ConfigError
from saccade.events.naming import check_columns, named_columns, sniff_order, sniff_unit


@pytest.mark.parametrize(
    ("names", "order", "unit"),
    [
        (["t", "x", "y", "p"], (1, 2, 0, 3), None),
        (["xs", "ys", "ts", "ps"], (0, 1, 2, 3), None),
        (["x", "y", "timestamp", "polarity"], (0, 1, 2, 3), None),
        (["Timestamp [ns]", "X", "Y", "Polarity"], (1, 2, 0, 3), "ns"),
        (["t_s", "x", "y", "on", "label"], (1, 2, 0, 3), "s"),
        (["'time_ms'", "x_pos", "y_pos", "pol"], (1, 2, 0, 3), "ms"),
        (["t", "x", "y", "on"], (1, 2, 0, 3), None),
    ],
)
def test_usual_names_are_found(names: list[str], order: tuple[int, ...], unit: str | None) -> None:
    found = named_columns(names)
    assert found is not None
    assert (found.order, found.unit) == (order, unit)


@pytest.mark.parametrize(
    "names", [["fx", "fy", "cx", "cy"], ["t", "x", "y"], ["t", "ts", "x", "y", "p"], []]
)
def test_other_names_are_not(names: list[str]) -> None:
    assert named_columns(names) is None


@pytest.mark.parametrize("columns", ["txy", "txyy", "txypq", "", "ttxyp"])
def test_statement_needs_each_column_once(columns: str) -> None:
    with pytest.raises(ConfigError, match="each of x, y, t, p once"):
        check_columns(columns)


@given(
    st.sampled_from(["txyp", "xytp", "xypt", "tpxy", "ptxy", "pxyt"]),
    st.booleans(),
    st.booleans(),
    st.integers(0, 2**32 - 1),
)
def test_order_of_realistic_events_is_recognised(
    letters: str, signed: bool, seconds: bool, seed: int
) -> None:
    rng = np.random.default_rng(seed)
    columns = {
        "x": rng.integers(0, 346, 300),
        "y": rng.integers(0, 260, 300),
        "t": np.cumsum(rng.integers(1, 50, 300)) / (1e6 if seconds else 1),
        "p": rng.integers(0, 2, 300) * (2 if signed else 1) - (1 if signed else 0),
    }
    sample = np.stack([columns[letter] for letter in letters], axis=1).astype(np.float64)
    found = sniff_order(sample)
    assert found is not None
    assert found[1:] == (letters, False)


def test_short_sample_is_called_ambiguous() -> None:
    found = sniff_order(np.array([[10.0, 1, 1, 0], [20, 2, 3, 1]]))
    assert found is not None
    assert found[1:] == ("txyp", True)


def test_table_of_anything_else_is_not_recognised() -> None:
    rng = np.random.default_rng(0)
    assert sniff_order(rng.normal(size=(50, 4))) is None
    assert sniff_order(np.empty((0, 4))) is None


def test_unit_follows_from_the_values() -> None:
    assert sniff_unit(np.array([0.1, 0.2])) == "s"
    assert sniff_unit(np.array([1.0, 2.0])) == "us"
    assert sniff_unit(np.array([1_587_452_582_350_001])) == "us"
    assert sniff_unit(np.array([1_587_452_582_350_001_000])) == "ns"
    assert sniff_unit(np.array([], np.int64)) == "us"
