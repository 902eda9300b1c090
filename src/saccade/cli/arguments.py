"""From typed dataclasses to command-line arguments, through tyro."""

from __future__ import annotations

from typing import Annotated, TypeVar

import tyro

from saccade.events.io.arguments import ReadArgs

__all__ = ["Positional", "ReadArgs", "parse"]

ArgsT = TypeVar("ArgsT")

Positional = Annotated[ArgsT, tyro.conf.Positional]
"""Marks a field that is given by place, without a flag."""


def parse(args_type: type[ArgsT], words: list[str], prog: str, about: str) -> ArgsT:
    """Build a verb's arguments from command-line words.

    tyro prints its own message for a wrong flag, with the closest one, and exits with code 2.
    """
    return tyro.cli(
        args_type,
        args=words,
        prog=prog,
        description=about.strip(),
        config=(tyro.conf.OmitArgPrefixes, tyro.conf.FlagCreatePairsOff),
    )
