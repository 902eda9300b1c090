"""Recordings that never happened, with exact truth: ``saccade simulate MODE ...``.

A mode has its own arguments (`saccade.simulate.config`) and its own function here, imported when it
runs. Worlds are made second by second; a command that was stopped goes on when it is repeated.
"""

from __future__ import annotations

import importlib
import time
from collections.abc import Callable, Sequence
from typing import Any

from saccade.contracts import Report, Table
from saccade.errors import UsageError, did_you_mean
from saccade.simulate.config import MODES, WrittenConfig

__all__ = ["EXAMPLES", "help_text", "resolve", "run_world"]

EXAMPLES: dict[str, tuple[str, str, str]] = {
    "video": (
        "saccade simulate video walk.mp4 --out walk.raw",
        "saccade simulate video walk.mp4 --out walk.h5 --size 346x260 --start-s 2 --end-s 6",
        "saccade simulate video walk.mp4 --out dark.raw --white-cd-m2 2 --threshold 0.15",
    ),
    "images": (
        "saccade simulate images frames --fps 120 --out frames.raw",
        "saccade simulate images frames --times times.txt --out frames.raw --size 346x260",
        "saccade simulate images places --pan --seed 2 --out tuesday.raw --size 346x260",
    ),
    "traverse": (
        "saccade simulate traverse --out drives",
        "saccade simulate traverse --condition day sunset night --minutes 3 --out drives",
        "saccade simulate traverse --layout nsavp --season autumn --seed 4 --out nsavp",
    ),
    "stereo": (
        "saccade simulate stereo --seconds 20 --out drive",
        "saccade simulate stereo --layout dsec --condition night --out dsec",
        "saccade simulate stereo --scene room --minutes 1 --layout plain --out room",
    ),
    "flow": (
        "saccade simulate flow --out flow",
        "saccade simulate flow --scene board --seconds 5 --layout mvsec --out board",
        "saccade simulate flow --scene street --condition overcast --frame-hz 45 --out drive",
    ),
    "world": (
        "saccade simulate world --out world",
        "saccade simulate world --seed 7 --seconds 30 --out world7",
        "saccade simulate world --condition day overcast night --size 240x180 --out small",
    ),
    "preview": (
        "saccade simulate preview --out street.gif",
        "saccade simulate preview --scene room --seconds 5 --out room.mp4",
        "saccade simulate preview --sheet --seed 3 --out conditions.png",
    ),
}
"""Mode -> three commands that run."""

_HELP = """saccade simulate: recordings that never happened, with exact truth

  saccade simulate preview --out street.gif     look at the world
  saccade simulate world --out world            two traverses, a stereo drive, a room
  saccade simulate video walk.mp4 --out walk.raw

usage: saccade simulate MODE ... --out OUT

{modes}

saccade simulate MODE --help lists the arguments of a mode with units and defaults. The same seed
and arguments give the same bytes; a command that was stopped goes on when it is repeated.
"""

_WORLD = ("saccade.cli.simulate", "run_world")
_RUNS = {
    "video": ("saccade.cli.simulate_frames", "run_frames"),
    "images": ("saccade.cli.simulate_frames", "run_frames"),
    "preview": ("saccade.cli.simulate_preview", "run_preview"),
}
"""Mode -> module and function, for modes that make no folder of recordings."""

Run = Callable[[Any], Report]


def resolve(words: Sequence[str]) -> tuple[str, list[str], type[Any], Run, str]:
    """Find the mode that follows the verb.

    Args:
        words: The command line after ``saccade simulate``.

    Returns:
        Mode, remaining words, configuration class, function to run, help text.

    Raises:
        UsageError: There is no such mode.
    """
    mode = words[0]
    if mode not in MODES:
        raise UsageError(
            f"Unknown mode {mode!r}.",
            did_you_mean(mode, MODES) or f"Modes: {', '.join(MODES)}.",
            "See: saccade simulate --help",
        )
    config = MODES[mode]
    examples = "\n".join(f"    {line}" for line in EXAMPLES[mode])
    return mode, list(words[1:]), config, _runner(mode), f"{config.__doc__}\n\n{examples}"


def help_text() -> str:
    """Return what ``saccade simulate --help`` shows."""
    modes = "\n".join(f"  {name:9s} {_first_line(config)}" for name, config in MODES.items())
    return _HELP.format(modes=modes)


def run_world(config: WrittenConfig) -> Report:
    """Make recordings of the simulated world and write them in a layout."""
    from saccade.engine.progress import progress
    from saccade.events.io.open import write_format
    from saccade.simulate.output import OutputFolder, run_jobs
    from saccade.simulate.worlds import plan

    began = time.monotonic()
    if config.layout == "plain":
        write_format(config.out, config.format)
    folder = OutputFolder(config.out, config.key(), overwrite=config.overwrite)
    ready, kept = folder.complete, len(folder.made)
    made = list(folder.made.values())
    if not ready:
        label = f"Going on with {config.out}" if folder.resumed else "Simulating"
        with progress(label, unit="seconds recorded") as tell:
            made = run_jobs(plan(config), folder, tell)
    rows = tuple(
        (item.name, item.condition, item.seconds, item.events, len(item.files)) for item in made
    )
    return Report(
        title=f"simulate {config.mode} -> {config.out}",
        values={
            "layout": config.layout,
            "seed": config.seed,
            "recordings": len(made),
            "seconds_recorded": sum(item.seconds for item in made),
            "events": sum(item.events for item in made),
            "resumed": folder.resumed,
            "took_s": round(time.monotonic() - began, 1),
        },
        tables=(
            Table("recordings", ("name", "condition", "seconds", "events", "files"), rows),
        ),
        notes=_notes(config, ready=ready, resumed=folder.resumed, kept=kept),
        files=tuple(config.out / name for item in made for name in item.files),
    )  # fmt: skip


def _runner(mode: str) -> Run:
    module, function = _RUNS.get(mode, _WORLD)

    def run(config: Any) -> Report:
        return getattr(importlib.import_module(module), function)(config)

    return run


def _first_line(config: type[Any]) -> str:
    line = (config.__doc__ or "").strip().splitlines()[0].rstrip(".")
    return line[0].lower() + line[1:]


def _notes(config: WrittenConfig, *, ready: bool, resumed: bool, kept: int) -> tuple[str, ...]:
    if ready:
        return (f"{config.out} was complete already; --overwrite makes it anew.",)
    if resumed:
        whole = f", {kept} recordings were ready" if kept else ""
        return (f"An earlier run had been stopped; this one went on from there{whole}.",)
    return ()
