"""Every error a user can meet: one sentence on what is wrong, what was expected, and the next step.

The command line prints the message without a traceback (``--debug`` shows it) and ends with the
error's exit code: 1 the input or a check failed, 2 the command or configuration is wrong,
3 a file, data set or optional package is missing.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable
from typing import ClassVar

__all__ = [
    "CheckpointError",
    "ConfigError",
    "DataError",
    "DeviceError",
    "EventError",
    "FormatError",
    "MissingExtraError",
    "MissingFileError",
    "SaccadeError",
    "SaccadeWarning",
    "ShapeError",
    "StateError",
    "UsageError",
    "did_you_mean",
    "listing",
]


class SaccadeError(Exception):
    """An expected failure, described for the person who has to mend it.

    Args:
        what: What is wrong, with the name and the value.
        expected: What would have been right, and where.
        fix: The nearest repair or the next command.
    """

    exit_code: ClassVar[int] = 1

    def __init__(self, what: str, expected: str = "", fix: str = "") -> None:
        self.what, self.expected, self.fix = what, expected, fix
        super().__init__(" ".join(part for part in (what, expected, fix) if part))


class UsageError(SaccadeError):
    """The command line asks for something that does not exist."""

    exit_code: ClassVar[int] = 2


class ConfigError(SaccadeError):
    """A configuration value is outside its range or contradicts another."""

    exit_code: ClassVar[int] = 2


class DataError(SaccadeError):
    """Numbers that cannot be used: NaN, outside their range, a truth that decides nothing."""


class DeviceError(SaccadeError):
    """The requested device is not available to this torch build."""

    exit_code: ClassVar[int] = 2


class MissingFileError(SaccadeError):
    """A file or folder that was named does not exist."""

    exit_code: ClassVar[int] = 3


class MissingExtraError(SaccadeError):
    """An optional package is not installed."""

    exit_code: ClassVar[int] = 3


class FormatError(SaccadeError):
    """A file is not in a format that can be read, is truncated or is damaged."""


class EventError(SaccadeError):
    """Events break a rule: outside the sensor, time running backwards, unknown polarity."""


class ShapeError(SaccadeError):
    """An array or tensor has another shape than the operation needs."""


class StateError(SaccadeError):
    """A neuron's state belongs to another batch, shape, dtype or device."""


class CheckpointError(SaccadeError):
    """Stored weights do not fit the model that was built."""


class SaccadeWarning(UserWarning):
    """Something to know that does not stop the work."""


def did_you_mean(word: str, choices: Iterable[str]) -> str:
    """Return ``"Did you mean 'x'?"`` for the closest choice, or an empty string.

    Examples:
        >>> did_you_mean("evt33", ["evt2", "evt3", "dat"])
        "Did you mean 'evt3'?"
    """
    close = difflib.get_close_matches(word, list(choices), n=1, cutoff=0.5)
    return f"Did you mean {close[0]!r}?" if close else ""


def listing(items: Iterable[object], most: int = 5) -> str:
    """Join at most ``most`` items with commas and count the rest.

    Examples:
        >>> listing(["a", "b", "c"], most=2)
        'a, b and 1 more'
    """
    words = [str(item) for item in items]
    if len(words) <= most:
        return ", ".join(words)
    return f"{', '.join(words[:most])} and {len(words) - most:,} more"
