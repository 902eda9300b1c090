"""Data sets on this machine: ``saccade data check`` says which are there and which lack what."""

from __future__ import annotations

import importlib
import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from saccade.cli.arguments import Positional
from saccade.contracts import Cell, Report, Table
from saccade.errors import ConfigError, UsageError, did_you_mean
from saccade.traverses.config import DATA_ROOT, SetName

__all__ = ["WHERE", "Check", "help_text", "resolve", "run_check"]

WHERE: dict[str, str] = {
    "brisbane": "https://zenodo.org/record/4302805, then saccade prepare brisbane",
    "nsavp": "https://umautobots.github.io/nsavp, then saccade prepare nsavp",
    "nyc": "https://huggingface.co/datasets/ai4ce/NYC-Event-VPR (NYC-Event-VPR_raw_data), then "
    "saccade prepare nyc",
    "files": "your own recordings, or saccade simulate traverse --out FOLDER",
    "images": "an .npz file with an array of images for each condition, a folder of images each, "
    "or Nordland, Oxford RobotCar, SFU-Mountain, Synthia, St Lucia with the lists of "
    "https://github.com/QVPR/VPRSNN (dataset_imagenames)",
    "stills": "an .npz file with an array of images for each condition, aligned place by place",
}
"""Data set -> where to get it."""

_ONE_FILE = ("images", "stills")
"""Sets that may be a single file."""

_HELP = f"""saccade data: data sets on this machine

  saccade data check                     all sets below the folder that {DATA_ROOT} names
  saccade data check nyc --root data/nyc

usage: saccade data check [NAME] [--root FOLDER]

saccade data check --help lists the arguments.
"""


@dataclass(frozen=True, kw_only=True)
class Check:
    """Say what is found of a data set, what is missing, and where to get it.

    Exit code 1 if a set that was named cannot be opened, or one that was found is damaged.

    Example: saccade data check nyc --root data/nyc
    """

    name: Positional[SetName | None] = None
    """brisbane, nsavp, nyc, files, images or stills (default: all)."""
    root: Path | None = None
    """Folder (or .npz file) of the set; without a name, the folder with one folder for each
    (SACCADE_DATA)."""


def resolve(words: Sequence[str]) -> tuple[str, list[str], type[Any], Callable[[Any], Report], str]:
    """Find what is to be done: only ``check`` is known.

    Args:
        words: The command line after ``saccade data``.

    Returns:
        Mode, remaining words, arguments class, function to run, help text.

    Raises:
        UsageError: It is something else.
    """
    if words[0] != "check":
        raise UsageError(
            f"Unknown word {words[0]!r}.",
            did_you_mean(words[0], ["check"]) or "Expected: saccade data check [NAME].",
            "See: saccade data --help",
        )
    return "check", list(words[1:]), Check, run_check, Check.__doc__ or ""


def help_text() -> str:
    """Return what ``saccade data --help`` shows."""
    return _HELP


def run_check(args: Check) -> Report:
    """Look at one data set, or at all.

    Raises:
        ConfigError: Neither ``--root`` nor the environment says where to look.
    """
    base = os.environ.get(DATA_ROOT)
    if args.root is None and not base:
        where = "; ".join(f"{name}: {text}" for name, text in WHERE.items())
        raise ConfigError(
            "Where are the data sets?",
            f"Expected --root, or the folder of all data sets in {DATA_ROOT}.",
            f"Where to get them: {where}.",
        )
    if args.name is not None:
        return _check_one(args.name, args.root or Path(base or "") / args.name)
    return _check_all(args.root or Path(base or ""))


def _check_one(name: str, folder: Path) -> Report:
    if not (folder.is_dir() or (name in _ONE_FILE and folder.is_file())):
        note = f"{name}: {WHERE[name]}."
        return Report(f"data check {name}", {"folder": str(folder)}, notes=(
            f"No such folder: {folder}.", note), ok=False)  # fmt: skip
    table, usable = _module(name).check(folder)
    notes = () if usable else (f"Not complete. {name}: {WHERE[name]}.",)
    values = {"folder": str(folder), "usable": usable}
    return Report(f"data check {name}", values, (table,), notes, ok=usable)


def _check_all(base: Path) -> Report:
    from saccade.traverses.sets import SETS

    rows, tables, usable = list[tuple[Cell, ...]](), list[Table](), True
    for name in SETS:
        folder = base / name
        if not folder.is_dir():
            rows.append((name, "not there", WHERE[name]))
            continue
        table, good = _module(name).check(folder)
        usable &= good
        tables.append(table)
        rows.append(
            (name, "usable" if good else "not complete", str(folder) if good else WHERE[name])
        )
    summary = Table("data sets", ("name", "state", "where"), tuple(rows))
    return Report("data check", {"folder": str(base)}, (summary, *tables), ok=usable)


def _module(name: str) -> Any:
    from saccade.traverses.sets import SETS

    return importlib.import_module(SETS[name])
