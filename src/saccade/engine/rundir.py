"""The folder of a run: what was asked, with which versions, what came out, how it ended.

    runs/predict-place-003/
        config.yaml      the resolved configuration, every default written out
        versions.json    saccade, Python, torch, NumPy, numba, platform, git commit of the code
        status.json      running | done | failed | interrupted, start, end, error
        ...              what the verb writes

A run that is killed leaves ``running`` behind; everything else is written beside its final name and
then renamed, so a file that exists is whole.
"""

from __future__ import annotations

import importlib.metadata
import json
import math
import os
import platform
import re
import subprocess
import sys
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from types import TracebackType
from typing import Any, Literal, cast

from saccade import __version__
from saccade.engine.config_io import to_plain, to_yaml
from saccade.errors import ConfigError, MissingFileError
from saccade.files import write_atomically

__all__ = ["RunDir", "Status", "versions"]

Status = Literal["running", "done", "failed", "interrupted"]
_PACKAGES = ("torch", "numpy", "numba", "h5py", "aedat")


@dataclass(frozen=True)
class RunDir:
    """A run folder; as a context manager it records how the run ended.

    Args:
        folder: The folder, which exists.

    Examples:
        >>> import tempfile
        >>> with tempfile.TemporaryDirectory() as root:
        ...     with RunDir.create("predict", "place", root=root) as run:
        ...         path = run.write_json("values.json", {"frames": 3})
        ...     run.folder.name, run.status()["state"], sorted(p.name for p in run.folder.iterdir())
        ('predict-place-001', 'done', ['status.json', 'values.json', 'versions.json'])
    """

    folder: Path

    @classmethod
    def create(
        cls, verb: str, task: str = "", *, root: str | Path = "runs", config: Any = None
    ) -> RunDir:
        """Make the next numbered folder ``root/VERB-TASK-NNN``.

        Two processes that start together get two folders: making a folder is atomic, and the one
        that comes second takes the next number.

        Args:
            verb: Verb of the command line.
            task: Task, if the verb has one.
            root: Folder of all runs, made if missing.
            config: A configuration dataclass to write as ``config.yaml``.

        Raises:
            ConfigError: ``root`` cannot hold folders.
        """
        stem = "-".join(word for word in (verb, task) if word)
        base = Path(root)
        try:
            base.mkdir(parents=True, exist_ok=True)
            number = 1 + max(_numbers(base, stem), default=0)
            while True:
                folder = base / f"{stem}-{number:03d}"
                try:
                    folder.mkdir()
                    break
                except FileExistsError:
                    number += 1
        except OSError as error:
            raise ConfigError(
                f"Cannot make a run folder in {base}: {error.strerror}.",
                fix="Pass a folder that can be written.",
            ) from error
        return cls(folder)._begin(config)

    @classmethod
    def at(cls, folder: str | Path, *, config: Any = None) -> RunDir:
        """Use a folder that the user named; it is made if missing and must hold no other run.

        Raises:
            ConfigError: The folder already holds a run.
        """
        path = Path(folder)
        if (path / "status.json").exists():
            raise ConfigError(
                f"{path} already holds a run.", fix="Name another folder, or delete this one."
            )
        try:
            path.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise ConfigError(f"Cannot make the folder {path}: {error.strerror}.") from error
        return cls(path)._begin(config)

    @classmethod
    def again(cls, folder: str | Path) -> RunDir:
        """Take up a run that was stopped; its configuration stays as it was written.

        Raises:
            MissingFileError: The folder holds no run.
        """
        run = cls(Path(folder))
        run.status()
        return run._begin(None)

    def path(self, name: str) -> Path:
        """Return where a file of this run belongs; folders on the way are made.

        Raises:
            ConfigError: The name leads out of the run folder.
        """
        target = self.folder / name
        if not target.resolve().is_relative_to(self.folder.resolve()):
            raise ConfigError(f"{name!r} leads out of the run folder {self.folder}.")
        target.parent.mkdir(parents=True, exist_ok=True)
        return target

    def write_text(self, name: str, text: str) -> Path:
        """Write a text file whole or not at all."""
        return write_atomically(self.path(name), text.encode())

    def write_json(self, name: str, content: Any) -> Path:
        """Write JSON; dataclasses, paths and NumPy values become plain, NaN becomes null."""
        text = json.dumps(_finite(to_plain(content)), indent=2, ensure_ascii=False, allow_nan=False)
        return self.write_text(name, text + "\n")

    def status(self) -> dict[str, Any]:
        """Read how the run stands.

        Raises:
            MissingFileError: The folder holds no run.
        """
        path = self.folder / "status.json"
        if not path.exists():
            raise MissingFileError(f"No status.json in {self.folder}.", "Expected a run folder.")
        return cast("dict[str, Any]", json.loads(path.read_text(encoding="utf-8")))

    def finish(self, state: Status, error: str = "") -> None:
        """Record how the run ended, when, and the error if there was one."""
        now = datetime.now(UTC)
        started = self.status()["started"]
        seconds = (now - datetime.fromisoformat(started)).total_seconds()
        status: dict[str, Any] = {"state": state, "started": started, "ended": _stamp(now)}
        status["seconds"] = round(seconds, 3)
        if error:
            status["error"] = error
        self.write_json("status.json", status)

    def __enter__(self) -> RunDir:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if kind is None:
            self.finish("done")
        elif issubclass(kind, KeyboardInterrupt):
            self.finish("interrupted")
        else:
            self.finish("failed", f"{kind.__name__}: {error}")

    def _begin(self, config: Any) -> RunDir:
        status = {"state": "running", "started": _stamp(datetime.now(UTC)), "pid": os.getpid()}
        self.write_json("status.json", status)
        self.write_json("versions.json", versions())
        if config is not None:
            self.write_text("config.yaml", to_yaml(config))
        return self


def versions() -> dict[str, Any]:
    """Return the versions of what computes, without importing any of it.

    ``git`` is the commit of the source tree the package runs from, with ``-dirty`` when files
    differ from it, and None for an installed package.
    """
    found: dict[str, Any] = {"saccade": __version__, "python": platform.python_version()}
    for name in _PACKAGES:
        try:
            found[name] = importlib.metadata.version(name)
        except importlib.metadata.PackageNotFoundError:
            found[name] = None
    found["platform"] = f"{sys.platform}-{platform.machine()}"
    found["git"] = _git_commit(Path(__file__).resolve().parents[3])
    return found


def _finite(value: Any) -> Any:
    """JSON has no NaN and no infinities."""
    if isinstance(value, dict):
        return {key: _finite(item) for key, item in cast("dict[str, Any]", value).items()}
    if isinstance(value, list):
        return [_finite(item) for item in cast("list[Any]", value)]
    return None if isinstance(value, float) and not math.isfinite(value) else value


def _numbers(base: Path, stem: str) -> list[int]:
    pattern = re.compile(rf"{re.escape(stem)}-(\d{{3,}})")
    matches = (pattern.fullmatch(entry.name) for entry in base.iterdir())
    return [int(match[1]) for match in matches if match]


def _stamp(moment: datetime) -> str:
    return moment.isoformat(timespec="milliseconds")


def _git_commit(root: Path) -> str | None:
    if not (root / ".git").exists():
        return None
    words = [
        "git",
        "-C",
        str(root),
        "describe",
        "--always",
        "--dirty",
        "--abbrev=40",
        "--exclude=*",
    ]
    try:
        done = subprocess.run(words, capture_output=True, text=True, timeout=10, check=True)
    except (OSError, subprocess.SubprocessError):
        return None
    return done.stdout.strip()
