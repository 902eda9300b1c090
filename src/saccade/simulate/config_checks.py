"""Refusals of configuration values, in the words of the command line."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from saccade.errors import ConfigError, UsageError, did_you_mean

__all__ = ["above", "at_least", "known"]


def known(flag: str, name: str, choices: Iterable[str] | Mapping[str, Any], of: str = "") -> None:
    """Refuse a name that is none of the choices, with the closest one."""
    words = list(choices)
    if name not in words:
        raise UsageError(
            f"--{flag.replace('_', '-')} {name!r}.",
            f"Choices{of}: {', '.join(words)}.",
            did_you_mean(name, words),
        )


def above(flag: str, value: float | None) -> None:
    """Refuse a number that is not above 0; None is no number."""
    if value is not None and not value > 0:
        raise ConfigError(f"--{flag.replace('_', '-')} {value:g}.", "Expected more than 0.")


def at_least(flag: str, value: float | None, least: float) -> None:
    """Refuse a number below a limit; None is no number."""
    if value is not None and not value >= least:
        raise ConfigError(
            f"--{flag.replace('_', '-')} {value:g}.", f"Expected at least {least:,g}."
        )
