"""Text files as people write them."""

from pathlib import Path

import numpy as np
import pytest

import saccade
from saccade.errors import ConfigError, EventError, FormatError
from saccade.events import SensorSize
from saccade.events.io import inspect
from saccade.events.io.format import ReadOptions

SIZE = SensorSize(height=180, width=240)
T, X, Y, P = [3811, 3820, 3836, 5000], [96, 127, 4, 239], [133, 171, 160, 179], [0, 0, 1, 1]


def written(path: Path, text: str) -> Path:
    path.write_bytes(text.encode())
    return path


def rows(
    order: str = "txyp", separator: str = " ", seconds: bool = False, signed: bool = False
) -> str:
    columns = {
        "t": [f"{t / 1e6:.9f}" if seconds else str(t) for t in T],
        "x": [str(x) for x in X],
        "y": [str(y) for y in Y],
        "p": [str(2 * p - 1 if signed else p) for p in P],
    }
    lines = zip(*(columns[letter] for letter in order), strict=True)
    return "".join(separator.join(line) + "\n" for line in lines)


def check(path: Path, **options: object) -> tuple[str, ...]:
    """Check that the four events are read, and return the notes."""
    events = saccade.open(path, **{"size": SIZE, **options})  # pyright: ignore[reportArgumentType]
    assert (events.t.tolist(), events.x.tolist()) == (T, X)
    assert (events.y.tolist(), events.p.tolist()) == (Y, P)
    return inspect(path, ReadOptions(**options)).header.notes  # pyright: ignore[reportArgumentType]


@pytest.mark.parametrize("seconds", [False, True])
@pytest.mark.parametrize("signed", [False, True])
@pytest.mark.parametrize("separator", [" ", ",", ";", "\t", "  ", ", "])
@pytest.mark.parametrize("order", ["txyp", "xytp", "xypt", "pxyt"])
def test_order_separator_unit_and_polarity_are_recognised_and_said(
    order: str, separator: str, signed: bool, seconds: bool, tmp_path: Path
) -> None:
    notes = check(written(tmp_path / "a.txt", rows(order, separator, seconds, signed)))
    assert f"Columns were recognised by their values as {' '.join(order)}." in notes[0]
    assert f"Times were taken as {'s' if seconds else 'us'} because" in notes[-1]


def test_stated_columns_and_unit_are_not_guessed(tmp_path: Path) -> None:
    path = written(tmp_path / "a.txt", rows("pytx"))
    assert check(path, columns="pytx", time_unit="us") == ()


def test_columns_can_be_skipped(tmp_path: Path) -> None:
    text = "".join(f"{line},word{k},7\n" for k, line in enumerate(rows(separator=",").splitlines()))
    path = written(tmp_path / "a.csv", text)
    with pytest.raises(FormatError, match=r"\(6 of them, no names\) cannot be told apart"):
        saccade.open(path, size=SIZE)
    check(path, columns="txyp__")
    with pytest.raises(FormatError, match=r"line 1 has 6 fields.*names 4"):
        saccade.open(path, size=SIZE, columns="txyp")
    with pytest.raises(ConfigError, match="each of x, y, t, p once"):
        saccade.open(path, size=SIZE, columns="txy___")


@pytest.mark.parametrize(
    ("names", "unit"),
    [
        ("timestamp_us,x,y,polarity", "us"),
        ("t,x,y,p", None),
        ('"Time [us]","X","Y","Pol"', "us"),
        ("# ts xs ys ps", None),
        ("\ufeff% t_us x y on", "us"),
    ],
)
def test_names_line_decides_the_columns(names: str, unit: str | None, tmp_path: Path) -> None:
    separator = "," if "," in names else " "
    notes = check(written(tmp_path / "a.csv", f"{names}\n" + rows("txyp", separator)))
    assert not any("Columns" in note for note in notes)
    assert any("Times" in note for note in notes) == (unit is None)


def test_names_in_another_order_with_a_foreign_column(tmp_path: Path) -> None:
    text = "id,p,y,x,t\n" + "".join(f"e{k},{P[k]},{Y[k]},{X[k]},{T[k]}\n" for k in range(4))
    check(written(tmp_path / "a.csv", text))


def test_first_line_with_two_numbers_is_the_sensor_size(tmp_path: Path) -> None:
    path = written(tmp_path / "a.txt", "240 180\n" + rows(seconds=True))
    header = inspect(path).header
    assert (header.size, header.size_source) == (SIZE, "first line")
    assert "The first line was taken as the sensor size, 240x180." in header.notes
    assert len(saccade.open(path)) == 4


def test_comment_can_tell_size_and_unit(tmp_path: Path) -> None:
    path = written(tmp_path / "a.txt", "# geometry: 240x180\n// time unit: ns\n" + rows())
    header = inspect(path).header
    assert (header.size, header.fields["time unit"]) == (SIZE, "ns")


def test_blank_lines_comments_and_windows_line_ends_are_passed_over(tmp_path: Path) -> None:
    first, *rest = rows().splitlines()
    lines = ["# head", "", first, "  ", "% between", *rest, "", ""]
    check(written(tmp_path / "a.txt", "\r\n".join(lines)))


def test_last_line_needs_no_newline(tmp_path: Path) -> None:
    check(written(tmp_path / "a.txt", rows().rstrip("\n")))


@pytest.mark.parametrize("form", ["%.18e", "%.6f", "%10.3f"])
def test_files_of_numpy_savetxt_are_read(form: str, tmp_path: Path) -> None:
    np.savetxt(tmp_path / "a.txt", np.array([T, X, Y, P], float).T, fmt=form)
    check(tmp_path / "a.txt", time_unit="us")


def test_polarity_may_be_true_and_false(tmp_path: Path) -> None:
    text = "t,x,y,p\n" + "".join(f"{T[k]},{X[k]},{Y[k]},{bool(P[k])}\n" for k in range(4))
    check(written(tmp_path / "a.csv", text))


def test_seconds_since_the_epoch_keep_their_microseconds(tmp_path: Path) -> None:
    path = written(tmp_path / "a.txt", "1587452582.350001 1 2 0\n1587452582.350002499 1 2 1\n")
    events = saccade.open(path, size=SIZE)
    assert events.t.tolist() == [1587452582350001, 1587452582350002]


def test_seconds_that_start_with_whole_values_are_seconds(tmp_path: Path) -> None:
    path = written(tmp_path / "a.txt", "0.000000 1 2 0\n1.000000 1 2 1\n")
    assert saccade.open(path, size=SIZE).t.tolist() == [0, 1_000_000]


@pytest.mark.parametrize("value", ["nan", "NaN", "inf", "-inf"])
@pytest.mark.parametrize("line", [3, 3000])
def test_value_that_is_not_finite_names_the_line(value: str, line: int, tmp_path: Path) -> None:
    lines = ["t,x,y,p", *(f"{k},1,1,0" for k in range(4000))]
    lines[line - 1] = f"{value},1,1,0"
    path = written(tmp_path / "night.csv", "\n".join(lines))
    with pytest.raises(FormatError, match=rf"night\.csv line {line:,}: t is '{value}'.*finite"):
        saccade.open(path, size=SIZE)


@pytest.mark.parametrize(
    ("row", "message"),
    [
        ("5,1,1", r"line 2,501 has 3 fields: '5,1,1'\. Expected 4 fields: t x y p"),
        ("5,1,1,0,9", r"line 2,501 has 5 fields"),
        ("5,,1,0", r"line 2,501: x is ''\. Expected a number"),
        ("5,1,1.5,0", r"line 2,501: y is '1\.5'\. Expected a whole number"),
        ("5,-1,1,0", r"line 2,501: x is '-1'\. Expected 0 to 65,535"),
        ("5,1,1,2", r"line 2,501: p is '2'\. Expected 0 or 1, or -1 and 1"),
        ("5,1,1,maybe", r"line 2,501: p is 'maybe'"),
        ("5 ms,1,1,0", r"line 2,501: t is '5 ms'"),
        ("5.25,1,1,0", r"line 2,501: t is '5\.25'\. Expected whole microseconds.*--time-unit"),
        ("99999999999999999999,1,1,0", r"line 2,501: t is '9+'\. Expected a time within"),
    ],
)
def test_damaged_row_names_line_field_and_value(row: str, message: str, tmp_path: Path) -> None:
    lines = ["t,x,y,p", *(f"{k},1,1,0" for k in range(4000))]
    lines[2500] = row
    path = written(tmp_path / "night.csv", "\n".join(lines))
    with pytest.raises(FormatError, match=r"night\.csv " + message):
        saccade.open(path, size=SIZE)


def test_file_that_ends_inside_a_row_is_truncated(tmp_path: Path) -> None:
    path = written(tmp_path / "night.csv", "t,x,y,p\n" + rows(separator=",") + "6000,12")
    with pytest.raises(
        FormatError, match=r"truncated: it ends inside line 6.*--on-truncation keep"
    ):
        saccade.open(path, size=SIZE)
    check(path, on_truncation="keep")


def test_both_zero_and_minus_one_are_refused(tmp_path: Path) -> None:
    text = (
        "t,x,y,p\n" + "".join(f"{k},1,1,{(k % 2) * 2 - 1}\n" for k in range(3000)) + "3000,1,1,0\n"
    )
    with pytest.raises(EventError, match="polarities -1 and 0"):
        saccade.open(written(tmp_path / "a.csv", text), size=SIZE)


def test_rows_across_blocks_are_read_once(tmp_path: Path) -> None:
    count = 150_000
    t = np.arange(count) * 3
    lines = "".join(f"{k} {k % 240} {k % 180} {k % 2}\n" for k in t.tolist())
    path = written(tmp_path / "long.txt", "# t x y p\n" + lines)
    assert path.stat().st_size > 2 << 20
    events = saccade.open(path, size=SIZE)
    np.testing.assert_array_equal(events.t, t)
    np.testing.assert_array_equal(events.x, t % 240)
    packets = list(saccade.stream(path, size=SIZE, packet_events=1000))
    assert sum(map(len, packets)) == count and max(map(len, packets)) == 1000


def test_table_of_other_numbers_is_refused(tmp_path: Path) -> None:
    path = written(tmp_path / "calib.txt", "199.09 198.83 132.19 110.71 -0.37 0.15\n")
    with pytest.raises(FormatError, match=r"calib\.txt.*cannot be told apart.*--columns"):
        saccade.open(path, size=SIZE)


def test_names_without_rows_are_an_empty_recording(tmp_path: Path) -> None:
    assert len(saccade.open(written(tmp_path / "a.csv", "t,x,y,p\n"), size=SIZE)) == 0


def test_endless_line_is_refused(tmp_path: Path) -> None:
    path = written(tmp_path / "a.txt", rows() + "1" * (4 << 20))
    with pytest.raises(FormatError, match="a line of over"):
        saccade.open(path, size=SIZE)


@pytest.mark.parametrize(("ending", "separator"), [(".csv", ","), (".txt", " "), (".tsv", "\t")])
def test_written_separator_follows_the_ending(ending: str, separator: str, tmp_path: Path) -> None:
    events = saccade.open(written(tmp_path / "in.txt", rows()), size=SIZE)
    path = saccade.save(events, tmp_path / f"out{ending}")
    head, names, first, *_ = path.read_text().splitlines()
    assert head == "# size 240x180; time us"
    assert names == separator.join("txyp")
    assert first == separator.join(["3811", "96", "133", "0"])
