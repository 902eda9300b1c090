"""Progress: nothing for short work, lines without a terminal, a bar with one."""

import io
from collections.abc import Callable

import pytest

from saccade.engine import progress


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def clock(*times: float) -> Callable[[], float]:
    moments = iter(times)
    return lambda: next(moments)


def test_short_work_shows_nothing() -> None:
    out = io.StringIO()
    with progress("Reading", stream=out, clock=clock(0, 0.4, 0.9)) as update:
        update(1, 2)
        update(2, 2)
    assert out.getvalue() == ""


def test_without_a_terminal_a_line_comes_after_a_second_and_then_every_five() -> None:
    out = io.StringIO()
    times = clock(0, 0.5, 2.0, 4.0, 7.5, 9.0)
    with progress("Embedding", unit="frames", stream=out, clock=times) as update:
        for done in (100, 500, 600, 1_500, 2_000):
            update(done, 2_000)
    assert out.getvalue().splitlines() == [
        "Embedding: 500 of 2,000 frames (25%), 6 s left",
        "Embedding: 1,500 of 2,000 frames (75%), 2 s left",
    ]


def test_an_unknown_total_is_left_out() -> None:
    out = io.StringIO()
    with progress("Reading", unit="events", stream=out, clock=clock(0, 2, 20)) as update:
        update(1_000, 0)
        update(1_000, 1_000)
    assert out.getvalue() == "Reading: 1,000 events\n"


def test_a_terminal_gets_a_bar_that_is_gone_at_the_end(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("NO_COLOR", raising=False)
    monkeypatch.setenv("TERM", "xterm")
    out = Terminal()
    with progress("Reading", stream=out, clock=clock(0, 2)) as update:
        update(1, 2)
    assert "Reading" in out.getvalue()
    assert "\x1b[" in out.getvalue()


def test_no_color_means_lines_on_a_terminal_too(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NO_COLOR", "1")
    out = Terminal()
    with progress("Reading", stream=out, clock=clock(0, 2)) as update:
        update(1, 2)
    assert out.getvalue() == "Reading: 1 of 2 (50%), 2 s left\n"


def test_standard_error_is_the_default(capsys: pytest.CaptureFixture[str]) -> None:
    with progress("Reading", clock=clock(0, 3)) as update:
        update(1, 4)
    captured = capsys.readouterr()
    assert (captured.out, captured.err) == ("", "Reading: 1 of 4 (25%), 9 s left\n")
