"""``saccade VERB ...``: find the verb, read its arguments, run it, print its report.

The verb is looked up before anything else is imported, so a typo costs one verb and help stays
instant. Results go to standard output, everything else to standard error. Exit codes: 0 done, 1 bad
input or failed check, 2 usage, 3 missing file or extra, 130 interrupted.
"""

from __future__ import annotations

import importlib
import os
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from saccade import __version__
from saccade.errors import SaccadeError, UsageError, did_you_mean

if TYPE_CHECKING:
    from saccade.contracts import Report

__all__ = ["LATER_VERBS", "VERBS", "Verb", "main"]


@dataclass(frozen=True)
class Verb:
    """A verb of the command line.

    Args:
        summary: One line of help.
        module: Module with ``Args`` (a dataclass) and ``run(args)``, which returns one `Report` or
            a list; empty for a task verb, which is looked up in the task catalogue.
        has_modes: The next word names a mode: the module has ``resolve(words)``, which answers as
            `saccade.cli.task_verb.resolve` does, and ``help_text()`` for when there is none.
        default_mode: Mode meant when none is named; without one, help is shown.
    """

    summary: str
    module: str = ""
    has_modes: bool = False
    default_mode: str = ""


VERBS: dict[str, Verb] = {
    "info": Verb(
        "what is in an event file: format, size, times, rate, polarity", "saccade.cli.info"
    ),
    "convert": Verb(
        "write an event file in another format, filtered if asked", "saccade.cli.convert"
    ),
    "view": Verb("a picture (PNG) or film (GIF) of a recording", "saccade.cli.view"),
    "simulate": Verb(
        "recordings that never happened, with exact truth", "saccade.cli.simulate", has_modes=True
    ),
    "prepare": Verb(
        "convert a public data set once, for training and tests",
        "saccade.cli.prepare",
        has_modes=True,
    ),
    "data": Verb(
        "which data sets are there, and what they lack", "saccade.cli.data", has_modes=True
    ),
    "train": Verb("train a task's network: saccade train place --recipe NAME"),
    "eval": Verb("test a task on a data set: saccade eval place --recipe NAME"),
    "predict": Verb("run a task on a recording: saccade predict place FILE"),
    "retrieve": Verb("find each moment of one recording in another"),
    "models": Verb(
        "weights by name: list, show, check, import",
        "saccade.cli.models",
        has_modes=True,
        default_mode="list",
    ),
    "energy": Verb("what an inference costs: saccade energy place FILE --weights W"),
    "doctor": Verb("versions, devices, optional packages, compiled kernels", "saccade.cli.doctor"),
    "demo": Verb("the whole path on a small real recording, with a report"),
}

LATER_VERBS = (
    "stream",
    "quantize",
    "export",
)
"""Verbs of the closed list that are planned; asking for one says so."""

HELP = """saccade {version}: spiking vision on event cameras

  saccade info drive.raw                     what is in the file
  saccade view drive.raw drive.gif           look at it
  saccade retrieve monday.raw tuesday.raw    which moment of monday is this?

usage: saccade VERB ... [--json] [--debug]

{verbs}

saccade VERB --help lists the arguments of a verb with units and defaults. Every verb takes --json
(the report as JSON on standard output) and --debug (the traceback of an error).
"""


def main(argv: Sequence[str] | None = None) -> int:
    """Run a command line and return its exit code."""
    words = list(sys.argv[1:] if argv is None else argv)
    debug, as_json = "--debug" in words, "--json" in words
    words = [word for word in words if word not in ("--debug", "--json")]
    try:
        return _dispatch(words, as_json)
    except SaccadeError as error:
        if debug:
            raise
        sys.stderr.write(f"saccade: {error}\n")
        return error.exit_code
    except KeyboardInterrupt:
        sys.stderr.write("saccade: interrupted\n")
        return 130
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0


def _dispatch(words: list[str], as_json: bool) -> int:
    if not words or words[0] in ("-h", "--help", "help"):
        sys.stdout.write(_help())
        return 0
    if words[0] in ("-V", "--version"):
        sys.stdout.write(f"saccade {__version__}\n")
        return 0
    name, rest = words[0], words[1:]
    if name not in VERBS:
        raise _unknown(name)
    verb = VERBS[name]
    if verb.default_mode and not rest:
        rest = [verb.default_mode]
    if verb.has_modes and (not rest or rest[0] in ("-h", "--help")):
        sys.stdout.write(importlib.import_module(verb.module).help_text())
        return 0
    prog, rest, args_type, run, about = _find(name, verb, rest)

    from saccade.cli.arguments import parse
    from saccade.cli.render import show
    from saccade.contracts import Report

    report = run(parse(args_type, rest, prog, about))
    show(report, as_json=as_json)
    reports = [report] if isinstance(report, Report) else report
    return 0 if all(item.ok for item in reports) else 1


def _find(
    name: str, verb: Verb, rest: list[str]
) -> tuple[str, list[str], type[Any], Callable[[Any], Report | list[Report]], str]:
    """Return program name, words left, arguments class, function to run and help text."""
    prog = f"saccade {name}"
    if verb.module and not verb.has_modes:
        module: Any = importlib.import_module(verb.module)
        return prog, rest, module.Args, module.run, module.__doc__ or verb.summary
    if verb.has_modes:
        found = importlib.import_module(verb.module).resolve(rest)
    else:
        from saccade.cli.task_verb import resolve

        found = resolve(name, rest)
    word, rest, args_type, run, about = found
    return f"{prog} {word}", rest, args_type, run, about or verb.summary


def _unknown(name: str) -> UsageError:
    if name in LATER_VERBS:
        return UsageError(
            f"'{name}' is not part of saccade {__version__} yet.",
            f"Verbs: {', '.join(VERBS)}.",
        )
    return UsageError(
        f"Unknown verb {name!r}.",
        did_you_mean(name, VERBS) or f"Verbs: {', '.join(VERBS)}.",
        "See: saccade --help",
    )


def _help() -> str:
    verbs = "\n".join(f"  {name:9s} {verb.summary}" for name, verb in VERBS.items())
    return HELP.format(version=__version__, verbs=verbs)
