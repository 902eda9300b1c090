"""Weights by name: ``saccade models [list | show NAME | check | import FILE --as NAME]``."""

from __future__ import annotations

import importlib
import inspect
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, cast

from saccade import hub
from saccade.cli.arguments import Positional
from saccade.contracts import Cell, Report, Table
from saccade.engine.config_io import to_plain
from saccade.errors import SaccadeError, UsageError, did_you_mean
from saccade.tasks import TASKS

__all__ = [
    "CheckArgs",
    "ListArgs",
    "ShowArgs",
    "check",
    "help_text",
    "list_models",
    "resolve",
    "show",
]

DEFAULT_TASK = "place"

_HELP = """saccade models: weights by name, each with a card

  saccade models                                  which there are
  saccade models show spikevpr-r34-nsavp          what one takes, gives, scored, comes from
  saccade models check                            size and SHA-256 of every file
  saccade models import sew_resnet34_nsavp.pth    convert a published file and keep it
  saccade models import other.pth --as other --head-neuron lif --channel-order off_on
  saccade models import place_stdp vprsnn_run --as nordland    the modules of a VPRSNN run

usage: saccade models [list | show NAME | check | import [TASK] FILE --as NAME]

A name stands wherever --weights takes a file: saccade predict place drive.raw --weights NAME.
Imported models are kept in the folder that the environment variable SACCADE_MODELS names, by
default ~/.local/share/saccade/models (now: {folder}).
"""


@dataclass(frozen=True, kw_only=True)
class ListArgs:
    """List the models: those that come with saccade, those imported, those others publish."""


@dataclass(frozen=True, kw_only=True)
class ShowArgs:
    """Show all that the card of a model says."""

    name: Positional[str]
    """Name of the model."""


@dataclass(frozen=True, kw_only=True)
class CheckArgs:
    """Compare size and SHA-256 of every weights file with its card; exit code 1 if one differs."""


Resolved = tuple[str, list[str], type[Any], Callable[[Any], Report], str]


def resolve(words: Sequence[str]) -> Resolved:
    """Find the mode that follows the verb, as `saccade.cli.simulate.resolve` does.

    Args:
        words: The command line after ``saccade models``.

    Raises:
        UsageError: There is no such mode, or the task reads no foreign weights.
    """
    mode, rest = words[0], list(words[1:])
    if mode == "import":
        return _resolve_import(rest)
    if mode not in _MODES:
        raise UsageError(
            f"Unknown mode {mode!r}.",
            did_you_mean(mode, [*_MODES, "import"]) or f"Modes: {', '.join(_MODES)}, import.",
            "See: saccade models --help",
        )
    args, run = _MODES[mode]
    return mode, rest, args, run, args.__doc__ or ""


def help_text() -> str:
    """Return what ``saccade models --help`` shows."""
    return _HELP.format(folder=hub.models_folder())


def list_models(args: ListArgs) -> Report:
    """Answer ``saccade models``.

    Raises:
        ConfigError: A card is damaged.
    """
    rows: list[tuple[Cell, ...]] = []
    for path in hub.card_paths().values():
        card = hub.read_card(path)
        file = path.with_name(card.file)
        size = file.stat().st_size if file.is_file() else card.bytes
        trained = f"{card.provenance.data} ({card.provenance.kind})"
        place = "here" if file.is_file() else "to be imported"
        megabytes = None if size is None else round(size / 1e6, 2)
        rows.append(
            (card.name, card.task, card.parameters, megabytes, trained, card.licence, place)
        )
    columns = ("name", "task", "parameters", "MB", "trained on", "licence", "weights")
    return Report(
        title="Models",
        values={"models": len(rows), "folder": str(hub.models_folder())},
        tables=(Table("Weight cards", columns, tuple(rows)),),
        notes=("saccade models show NAME tells the rest.",),
    )


def show(args: ShowArgs) -> Report:
    """Answer ``saccade models show``: the card, and whether its file is there.

    Raises:
        ConfigError: There is no such model, or its card is damaged.
    """
    path = hub.card_path(args.name)
    card = hub.read_card(path)
    file = path.with_name(card.file)
    plain = to_plain(card)
    tables = [
        Table(part, ("field", "value"), tuple((key, _cell(item)) for key, item in fields.items()))
        for part in ("input", "output", "provenance", "settings")
        if (fields := cast("dict[str, Any]", plain[part]))
    ]
    if card.results:
        columns = tuple(plain["results"][0])
        rows = tuple(tuple(item.values()) for item in plain["results"])
        tables.append(Table("results", columns, rows))
    notes = [] if card.results else ["Nothing has been measured with these weights."]
    if not file.is_file() and card.where:
        step = f"saccade models import {card.file}"
        notes.append(f"The weights do not come with saccade. {card.where}. Then: {step}")
    values = {**plain, "card": str(path), "path": str(file) if file.is_file() else None}
    return Report(title=card.summary, values=values, tables=tuple(tables), notes=tuple(notes))


def check(args: CheckArgs) -> Report:
    """Answer ``saccade models check``."""
    rows: list[tuple[Cell, ...]] = []
    notes: list[str] = []
    ok = True
    for name, path in hub.card_paths().items():
        try:
            card = hub.read_card(path)
            file = path.with_name(card.file)
            if file.is_file() or not card.where:
                hub.verify(file, card)
                rows.append((name, card.file, file.stat().st_size, "as its card says"))
            else:
                rows.append((name, card.file, None, "to be imported"))
        except SaccadeError as error:
            ok = False
            rows.append((name, path.name, None, "wrong"))
            notes.append(str(error))
    columns = ("name", "file", "bytes", "state")
    return Report(
        title="Weights files compared with their cards",
        values={"ok": ok, "right": sum(row[2] is not None for row in rows), "wrong": len(notes)},
        tables=(Table("Files", columns, tuple(rows)),),
        notes=tuple(notes),
        ok=ok,
    )


_MODES: dict[str, tuple[type[Any], Callable[[Any], Report]]] = {
    "list": (ListArgs, list_models),
    "show": (ShowArgs, show),
    "check": (CheckArgs, check),
}


def _resolve_import(words: list[str]) -> Resolved:
    named = bool(words) and words[0] in TASKS
    task = words[0] if named else DEFAULT_TASK
    module = TASKS[task].imports
    if not module:
        raise UsageError(f"{task} reads no weights from elsewhere.")
    config = importlib.import_module(module).ImportConfig

    def run(cfg: Any) -> Report:
        return importlib.import_module(module).import_weights(cfg)

    return "import", words[1:] if named else words, config, run, inspect.getdoc(config) or ""


def _cell(value: Any) -> Cell:
    """Lists become text; an empty text is nothing."""
    if isinstance(value, list):
        return ", ".join(str(item) for item in cast("list[Any]", value))
    return None if value == "" else value
