"""What passes between rooms: the report of a verb, the run folder it writes to, place descriptors.

Nothing here imports torch, so the command line can name every type before any model is loaded.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol, cast

import numpy as np
from numpy.typing import NDArray

__all__ = [
    "Cell",
    "PlaceDescriptors",
    "Progress",
    "Report",
    "Table",
    "TaskEntry",
    "VerbFunction",
    "cell_text",
]

Cell = str | int | float | bool | None
"""What a table may hold; ``None`` prints as a dash and is ``null`` in JSON."""


def cell_text(value: Any) -> str:
    """Return a value as people read it: separators in counts, four digits in fractions.

    Examples:
        >>> cell_text(343_474), cell_text(0.123456), cell_text(True), cell_text(float("nan"))
        ('343,474', '0.1235', 'yes', '–')
    """
    if isinstance(value, np.generic):
        return cell_text(cast(Any, value).item())
    if value is None or (isinstance(value, float) and not math.isfinite(value)):
        return "–"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, int):
        return f"{value:,}"
    if isinstance(value, float):
        return f"{value:,.0f}" if abs(value) >= 10_000 else f"{value:.4g}"
    return str(value)


@dataclass(frozen=True)
class Table:
    """A titled table; every row has one cell per column."""

    title: str
    columns: tuple[str, ...]
    rows: tuple[tuple[Cell, ...], ...]


@dataclass(frozen=True)
class Report:
    """The answer of a verb: named values, tables, notes in plain sentences, files written.

    ``ok`` is False when a check failed; the command line then ends with exit code 1.
    """

    title: str
    values: Mapping[str, Any] = field(default_factory=dict[str, Any])
    tables: tuple[Table, ...] = ()
    notes: tuple[str, ...] = ()
    files: tuple[Path, ...] = ()
    ok: bool = True


class VerbFunction(Protocol):
    """A task's answer to a verb: typed configuration in, report out."""

    def __call__(self, cfg: Any, /) -> Report:
        """Run the verb."""
        ...


@dataclass(frozen=True)
class TaskEntry:
    """A line of the task catalogue.

    Args:
        summary: One line for ``saccade --help``.
        config: Module with ``VERBS``, a dict verb -> configuration dataclass, without torch.
        task: Module with a function of each verb's name, imported only when the verb runs.
        imports: Module with ``ImportConfig`` (without torch) and ``import_weights(cfg)``, which
            converts weights files from elsewhere; empty for a task that reads none.
    """

    summary: str
    config: str
    task: str
    imports: str = ""


@dataclass(frozen=True)
class PlaceDescriptors:
    """Unit-length place descriptors of the windows of one recording.

    Args:
        vectors: float32 ``[N, D]``, each row of length 1.
        t_start_us: int64 ``[N]``, start of each window on the recording's clock.
        t_end_us: int64 ``[N]``, end of each window (exclusive).
        event_count: int64 ``[N]``, events in the window; 0 marks an empty frame.
        method: What made them, e.g. ``"sew_resnet18"`` or ``"count"``.
        weights: SHA-256 of the weights file, ``"untrained seed N"``, or empty for no network.
    """

    vectors: NDArray[np.float32]
    t_start_us: NDArray[np.int64]
    t_end_us: NDArray[np.int64]
    event_count: NDArray[np.int64]
    method: str
    weights: str = ""

    def __len__(self) -> int:
        return int(self.vectors.shape[0])


Progress = Callable[[int, int], None]
"""Called with (done, total) during long work."""
