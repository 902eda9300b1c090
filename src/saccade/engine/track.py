"""The log of a run: JSON lines always; TensorBoard, MLflow and Weights & Biases where asked for.

    log.jsonl    {"step": 200, "epoch": 1, "loss": 0.4121, "recall@1": null}

``log.jsonl`` is the whole record: one object per line, NaN and infinities as null, written before
``log`` returns. A resumed run first cuts off the lines after its checkpoint, so no step stands
there twice. The other writers get the finite numbers of each line, beside it in the run folder;
nothing leaves the machine.
"""

from __future__ import annotations

import json
import math
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, suppress
from pathlib import Path
from typing import Any

from saccade.engine.track_writers import WRITERS, Tracker
from saccade.errors import ConfigError, DataError, did_you_mean
from saccade.files import write_atomically

__all__ = ["Log", "Trackers", "open_trackers"]


class Log:
    """A file of JSON lines that survives a kill.

    Args:
        path: The file; the first line makes it.

    Examples:
        >>> import tempfile
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     log = Log(Path(folder) / "log.jsonl")
        ...     log.log(1, loss=0.5)
        ...     log.log(2, loss=float("nan"))
        ...     log.cut(1)
        ...     log.log(2, loss=0.25)
        ...     log.read()
        [{'step': 1, 'loss': 0.5}, {'step': 2, 'loss': 0.25}]
    """

    def __init__(self, path: str | Path) -> None:
        self.path = Path(path)

    def log(self, step: int, **values: object) -> None:
        """Append a line: numbers (NumPy and 0-d tensors too), text, None.

        Raises:
            DataError: A value is something else.
        """
        row = {"step": int(step), **{name: _plain(name, item) for name, item in values.items()}}
        with self.path.open("a", encoding="ascii") as file:
            file.write(json.dumps(row, allow_nan=False) + "\n")

    def cut(self, step: int) -> None:
        """Remove the lines after a step, and half a line that a killed process left, in one go.

        Raises:
            DataError: The file is no log.
        """
        if self.path.exists():
            kept = [line for line, row in self._lines() if row["step"] <= step]
            write_atomically(self.path, "".join(f"{line}\n" for line in kept).encode())

    def read(self) -> list[dict[str, Any]]:
        """Return the lines; half a line at the end is left out.

        Raises:
            DataError: The file is no log.
        """
        return [row for _, row in self._lines()] if self.path.exists() else []

    def _lines(self) -> Iterator[tuple[str, dict[str, Any]]]:
        for number, line in enumerate(self.path.read_text("utf-8").split("\n")[:-1], 1):
            try:
                row = json.loads(line)
                int(row["step"])
            except (ValueError, KeyError, TypeError) as error:
                raise DataError(
                    f"{self.path}:{number} is no line of a log.",
                    "Expected a JSON object with 'step'.",
                    "Delete that line, or the file.",
                ) from error
            yield line, row


class Trackers:
    """The log of a run and the writers beside it; a context manager that closes them.

    Args:
        log: Gets everything.
        others: Get the finite numbers.
    """

    def __init__(self, log: Log, others: Sequence[Tracker] = ()) -> None:
        self._log, self._others = log, tuple(others)

    def log(self, step: int, values: Mapping[str, float]) -> None:
        """Write the values of a step to the log, then to all others.

        Args:
            step: Training steps done.
            values: Name -> number.

        Raises:
            DataError: A value is no number.
        """
        self._log.log(step, **values)
        plain = {name: _plain(name, value) for name, value in values.items()}
        finite = {name: float(x) for name, x in plain.items() if isinstance(x, (int, float))}
        for other in self._others:
            other.log(step, finite)

    def close(self) -> None:
        """Close every writer, also when one of them fails."""
        with ExitStack() as stack:
            for other in self._others:
                stack.callback(other.close)

    def __enter__(self) -> Trackers:
        return self

    def __exit__(self, *error: object) -> None:
        self.close()


def open_trackers(
    folder: Path, names: Sequence[str], config: object, resume_step: int | None = None
) -> Trackers:
    """Open the log of a run and the writers that were asked for, all inside the run folder.

    Args:
        folder: Run folder, which exists.
        names: Any of ``"tensorboard"``, ``"mlflow"``, ``"wandb"``.
        config: Configuration of the run, for the writers; None for none.
        resume_step: Step of the checkpoint a resumed run goes on from; lines after it are cut off.
            MLflow and Weights & Biases, which forget nothing, get a second run instead.

    Raises:
        ConfigError: A name is unknown, or a new run finds the log of another.
        MissingExtraError: A package is not installed.

    Examples:
        >>> import tempfile
        >>> with tempfile.TemporaryDirectory() as name:
        ...     with open_trackers(Path(name), [], None) as trackers:
        ...         trackers.log(1, {"loss": 0.5})
        ...     Log(Path(name) / "log.jsonl").read()
        [{'step': 1, 'loss': 0.5}]
    """
    for name in names:
        if name not in WRITERS:
            raise ConfigError(
                f"Unknown tracker {name!r}.",
                f"Expected {', '.join(WRITERS)}; log.jsonl is always written.",
                did_you_mean(name, WRITERS),
            )
    log = Log(folder / "log.jsonl")
    if resume_step is None and log.path.exists():
        raise ConfigError(
            f"{log.path} belongs to another run.", fix="Resume that run, or name another folder."
        )
    others: list[Tracker] = []
    with ExitStack() as undo:
        for name in dict.fromkeys(names):
            others.append(WRITERS[name](folder, config, resume_step))
            undo.callback(others[-1].close)
        if resume_step is not None:
            log.cut(resume_step)
        undo.pop_all()
    return Trackers(log, others)


def _plain(name: str, value: Any) -> str | int | float | bool | None:
    with suppress(ValueError, RuntimeError):  # more than one element: refused below
        value = value.item() if hasattr(value, "item") else value
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if value is None or isinstance(value, (str, int)):
        return value
    raise DataError(f"{name} is a {type(value).__name__}.", "Expected one number, text or None.")
