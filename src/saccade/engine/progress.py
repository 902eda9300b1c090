"""Progress of long work on standard error: a bar on a terminal, plain lines elsewhere.

Nothing is shown for work that ends within a second. Standard output stays free for results.
"""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Callable, Generator
from contextlib import contextmanager
from typing import Any, TextIO

from saccade.contracts import Progress

__all__ = ["progress"]

_QUIET_S = 1.0
_LINE_EVERY_S = 5.0


@contextmanager
def progress(
    label: str,
    *,
    unit: str = "",
    stream: TextIO | None = None,
    clock: Callable[[], float] = time.monotonic,
) -> Generator[Progress]:
    """Show how far work has come; hands out a function to call with (done, total or 0 if unknown).

    A bar is drawn where the stream is a terminal and ``NO_COLOR`` is not set, otherwise one line
    after a second and then every five.

    Args:
        label: What is being done, e.g. ``"Decoding drive.raw"``.
        unit: What is counted, e.g. ``"events"``.
        stream: Where to write, standard error by default.
        clock: Seconds, for tests.

    Examples:
        >>> with progress("Embedding", unit="frames") as update:
        ...     for done in range(3):
        ...         update(done + 1, 3)
    """
    out = sys.stderr if stream is None else stream
    has_bar = out.isatty() and not os.environ.get("NO_COLOR")
    view = _Bar(label, unit, out) if has_bar else _Lines(label, unit, out)
    start = clock()

    def update(done: int, total: int) -> None:
        elapsed = clock() - start
        if elapsed >= _QUIET_S:
            view.show(done, total, elapsed)

    try:
        yield update
    finally:
        view.close()


class _Lines:
    """``Embedding: 320 of 1,000 frames (32 %), 4 s left``."""

    def __init__(self, label: str, unit: str, out: TextIO) -> None:
        self._label, self._unit, self._out = label, unit, out
        self._next = 0.0

    def show(self, done: int, total: int, elapsed: float) -> None:
        if elapsed < self._next or done == total:
            return
        self._next = elapsed + _LINE_EVERY_S
        unit = f" {self._unit}" if self._unit else ""
        of, rest = "", ""
        if total:
            of = f" of {total:,}"
            left = f", {_seconds(elapsed * (total - done) / done)} left" if done else ""
            rest = f" ({done / total:.0%}){left}"
        self._out.write(f"{self._label}: {done:,}{of}{unit}{rest}\n")
        self._out.flush()

    def close(self) -> None:
        pass


class _Bar:
    """A rich bar that appears with the first call and is erased at the end."""

    def __init__(self, label: str, unit: str, out: TextIO) -> None:
        self._label, self._unit, self._out = label, unit, out
        self._bar: Any = None
        self._task: Any = None

    def show(self, done: int, total: int, elapsed: float) -> None:
        bar = self._bar or self._start()
        bar.update(self._task, completed=done, total=total or None)

    def close(self) -> None:
        if self._bar is not None:
            self._bar.stop()

    def _start(self) -> Any:
        from rich.console import Console
        from rich.progress import (
            BarColumn,
            MofNCompleteColumn,
            TextColumn,
            TimeRemainingColumn,
        )
        from rich.progress import Progress as RichProgress

        self._bar = RichProgress(
            TextColumn("{task.description}"),
            BarColumn(),
            MofNCompleteColumn(),
            TextColumn(self._unit),
            TimeRemainingColumn(),
            console=Console(file=self._out),
            transient=True,
        )
        self._task = self._bar.add_task(self._label, total=None)
        self._bar.start()
        return self._bar


def _seconds(value: float) -> str:
    return f"{value:.0f} s" if value < 120 else f"{value / 60:.0f} min"
