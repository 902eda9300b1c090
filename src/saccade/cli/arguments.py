"""From typed dataclasses to command-line arguments, through tyro."""

from __future__ import annotations

from importlib.resources import files
from pathlib import Path
from typing import Annotated, Any, TypeVar, cast

import tyro

from saccade.errors import ConfigError, did_you_mean
from saccade.events.io.arguments import ReadArgs

__all__ = ["Positional", "ReadArgs", "parse"]

ArgsT = TypeVar("ArgsT")

Positional = Annotated[ArgsT, tyro.conf.Positional]
"""Marks a field that is given by place, without a flag."""


def parse(args_type: type[ArgsT], words: list[str], prog: str, about: str) -> ArgsT:
    """Build a verb's arguments from command-line words.

    A class with ``recipes``, a package with a folder of YAML files, and ``verb``, the section of
    them that it reads, takes ``--recipe NAME`` (or the path of a file): its values stand where no
    flag is given. tyro prints its own message for a wrong flag, with the closest one, and exits
    with code 2.
    """
    base, words = _recipe(args_type, words)
    return cast(Any, tyro).cli(
        args_type,
        args=words,
        prog=prog,
        description=about.strip(),
        config=(tyro.conf.OmitArgPrefixes, tyro.conf.FlagCreatePairsOff),
        **base,
    )


def _recipe(args_type: type[Any], words: list[str]) -> tuple[dict[str, Any], list[str]]:
    """Take ``--recipe`` out of the words and return what tyro shall begin with."""
    package: str | None = getattr(args_type, "recipes", None)
    joined = [word for item in words for word in _split(item)]
    if package is None or "--recipe" not in joined:
        return {}, words
    at = joined.index("--recipe")
    known = _recipes(package)
    if at + 1 >= len(joined):
        raise ConfigError("--recipe without a name.", f"Expected one of {', '.join(known)}.")
    from saccade.engine.config_io import load_config

    name, rest = joined[at + 1], joined[:at] + joined[at + 2 :]
    path = Path(name) if name.endswith((".yaml", ".yml")) else known.get(name)
    if path is None:
        raise ConfigError(
            f"There is no recipe {name!r}.",
            f"Recipes: {', '.join(known)}; or the path of a .yaml file.",
            did_you_mean(name, known),
        )
    return {"default": load_config(args_type, path, section=args_type.verb)}, rest


def _recipes(package: str) -> dict[str, Path]:
    """Return name -> file of the recipes that come with a task."""
    folder = Path(str(files(package))) / "recipes"
    return {path.stem: path for path in sorted(folder.glob("*.yaml"))}


def _split(word: str) -> list[str]:
    return word.split("=", 1) if word.startswith("--recipe=") else [word]
