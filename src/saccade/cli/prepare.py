"""Public data sets, converted once for training and tests: ``saccade prepare SET ...``."""

from __future__ import annotations

import importlib
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from saccade.cli.arguments import Positional
from saccade.contracts import Report, Table
from saccade.errors import MissingFileError, UsageError, did_you_mean

__all__ = ["MODES", "help_text", "resolve"]


@dataclass(frozen=True, kw_only=True)
class Brisbane:
    """Brisbane-Event-VPR: events of each traverse in slices, named by their time.

    Example: saccade prepare brisbane downloads/brisbane data/brisbane
    """

    source: Positional[Path]
    """Folder with the downloaded traverses."""
    target: Positional[Path]
    """Folder of the data set to write."""


@dataclass(frozen=True, kw_only=True)
class Nsavp:
    """NSAVP: frames of one second, scaled down to 346x260.

    Example: saccade prepare nsavp downloads/nsavp data/nsavp
    """

    source: Positional[Path]
    """Folder with the R0_*-frames-1000 folders."""
    target: Positional[Path]
    """Folder of the data set to write."""


@dataclass(frozen=True, kw_only=True)
class NsavpEnsemble:
    """NSAVP as text, for the published ensemble of reconstructed images.

    Example: saccade prepare nsavp-ensemble data/nsavp ensemble
    """

    source: Positional[Path]
    """Folder with the R0_*-frames-1000 folders."""
    target: Positional[Path]
    """Folder to write."""


@dataclass(frozen=True, kw_only=True)
class Nyc:
    """NYC-Event-VPR: raw sessions to archives of voxel grids for train, val and test.

    A run that was stopped goes on with the session it was at when the command is repeated.

    Example: saccade prepare nyc downloads/NYC-Event-VPR_raw_data data/nyc
    """

    source: Positional[Path]
    """Folder with the sensor_data_* folders."""
    target: Positional[Path]
    """Folder of the data set to write."""
    split: Literal["session", "published"] = "session"
    """Whole sessions to each part (no leak), or the published shuffle of all windows."""
    size: str = "346x260"
    """Size of the voxel grids as WIDTHxHEIGHT, at most that of the sensor; 346x260 as published."""
    least_events: int = 1_000
    """Windows of 33 ms with fewer events are left out; 1,000 as published."""
    on_truncation: Literal["error", "keep"] = "error"
    """What to do when a recording ends inside an event: stop, or keep what comes before."""
    overwrite: bool = False
    """Replace archives in the target that were made otherwise."""


MODES: dict[str, type[Any]] = {
    "brisbane": Brisbane,
    "nsavp": Nsavp,
    "nyc": Nyc,
    "nsavp-ensemble": NsavpEnsemble,
}
"""Word after ``saccade prepare`` -> its arguments."""

_HELP = """saccade prepare: public data sets, converted once into what training and tests read

  saccade prepare nyc downloads/NYC-Event-VPR_raw_data data/nyc
  saccade data check nyc --root data/nyc

usage: saccade prepare SET SOURCE TARGET

{modes}

saccade prepare SET --help lists the arguments of a set. Where to get them: saccade data check.
"""


def resolve(words: Sequence[str]) -> tuple[str, list[str], type[Any], Callable[[Any], Report], str]:
    """Find the set that follows the verb.

    Args:
        words: The command line after ``saccade prepare``.

    Returns:
        Set, remaining words, arguments class, function to run, help text.

    Raises:
        UsageError: There is no such set.
    """
    mode = words[0]
    if mode not in MODES:
        raise UsageError(
            f"Unknown data set {mode!r}.",
            did_you_mean(mode, MODES) or f"Data sets: {', '.join(MODES)}.",
            "See: saccade prepare --help",
        )

    def run(config: Any) -> Report:
        return _prepare(mode, config)

    return mode, list(words[1:]), MODES[mode], run, MODES[mode].__doc__ or ""


def help_text() -> str:
    """Return what ``saccade prepare --help`` shows."""
    lines = ((name, (kind.__doc__ or "").splitlines()[0]) for name, kind in MODES.items())
    return _HELP.format(modes="\n".join(f"  {name:15s} {line}" for name, line in lines))


def _prepare(mode: str, config: Any) -> Report:
    from saccade.engine.progress import progress
    from saccade.traverses.sets import SETS

    if not config.source.is_dir():
        raise MissingFileError(
            f"No such folder: {config.source} (looked in {Path.cwd()}).",
            fix=f"See: saccade data check {mode.partition('-')[0]}",
        )
    began = time.monotonic()
    module: Any = importlib.import_module(SETS[mode.partition("-")[0]])
    work: Any = module.export_ensemble if mode == "nsavp-ensemble" else module.prepare
    with progress(f"Preparing {mode}", unit="steps") as tell:
        files: tuple[Path, ...] = work(
            config.source, config.target, progress=tell, **_options(mode, config)
        )
    tables: tuple[Table, ...] = ()
    if mode != "nsavp-ensemble":
        tables = (module.check(config.target)[0],)
    return Report(
        title=f"prepare {mode} -> {config.target}",
        values={"files": len(files), "took_s": round(time.monotonic() - began, 1)},
        tables=tables,
        files=files,
    )


def _options(mode: str, config: Any) -> dict[str, Any]:
    if mode != "nyc":
        return {}
    from saccade.traverses.nyc_convert import NycRecipe

    return {
        "split": config.split,
        "overwrite": config.overwrite,
        "recipe": NycRecipe(
            size=config.size,
            least_events=config.least_events,
            on_truncation=config.on_truncation,
        ),
    }
