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


@dataclass(frozen=True, kw_only=True)
class PlaceList:
    """Lists of places for folders of images, from when and where each image was taken.

    Writes a list for each traverse, NAME.txt; line k of all of them is one place.

    Example: saccade prepare place-list town --positions sun=sun.csv rain=rain.csv --every-m 100
    """

    root: Positional[Path]
    """Folder with a folder of images for each traverse."""
    positions: tuple[str, ...] = ()
    """NAME=FILE, tables with t_us and latitude,longitude or x,y, and image where names of files are
    no times (default: NAME.positions.csv there). The images of the first one are the places."""
    every: int | None = None
    """Keep every so-many-th image that is fast enough."""
    every_m: float | None = None
    """Or keep an image every so many metres."""
    min_speed_kmh: float = 15.0
    """Leave out images that are slower, in km/h."""
    tolerance_m: float = 10.0
    """Images of other traverses show a place within so many metres."""
    tick_us: int = 1
    """Microseconds per unit of the numbers in file names, where these are times."""
    out: Path | None = None
    """Folder to write (default: ROOT, where --data images finds the lists)."""
    overwrite: bool = False
    """Replace lists that are there."""


MODES: dict[str, type[Any]] = {
    "brisbane": Brisbane,
    "nsavp": Nsavp,
    "nyc": Nyc,
    "nsavp-ensemble": NsavpEnsemble,
    "place-list": PlaceList,
}
"""Word after ``saccade prepare`` -> its arguments."""

_HELP = """saccade prepare: public data sets, converted once into what training and tests read

  saccade prepare nyc downloads/NYC-Event-VPR_raw_data data/nyc
  saccade data check nyc --root data/nyc
  saccade prepare place-list data/town --every-m 100

usage: saccade prepare SET SOURCE TARGET
       saccade prepare place-list ROOT --positions NAME=FILE ...

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
        return _place_list(config) if mode == "place-list" else _prepare(mode, config)

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


def _place_list(config: PlaceList) -> Report:
    from saccade.traverses.place_lists import (
        PlaceListRecipe,
        make_place_lists,
        write_place_lists,
    )

    tables: dict[str, Path] = {}
    for word in config.positions:
        name, _, file = word.partition("=")
        if not (name and file):
            raise UsageError(f"--positions {word!r}.", "Expected NAME=FILE, sun=sun.csv.")
        tables[name] = Path(file)
    recipe = PlaceListRecipe(
        min_speed_kmh=config.min_speed_kmh,
        every=config.every,
        every_m=config.every_m,
        tolerance_m=config.tolerance_m,
        tick_us=config.tick_us,
    )
    lists = make_place_lists(config.root, tables, recipe)
    folder = config.out or lists.base
    files = write_place_lists(lists, folder, overwrite=config.overwrite)
    return Report(
        title=f"prepare place-list -> {folder}",
        values={"places": len(next(iter(lists.names.values()))), "dropped": lists.dropped},
        tables=(lists.table,),
        files=files,
    )
