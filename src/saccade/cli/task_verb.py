"""Task verbs: ``saccade VERB TASK ...`` finds the task in the catalogue, the verb in its room."""

from __future__ import annotations

import importlib
from collections.abc import Callable
from typing import Any

from saccade.contracts import Report
from saccade.errors import UsageError, did_you_mean
from saccade.tasks import TASKS

__all__ = ["DEFAULT_TASK", "resolve"]

DEFAULT_TASK = {"retrieve": "place", "demo": "place"}
"""Verbs that mean this task when none is named."""

Resolved = tuple[str, list[str], type[Any], Callable[[Any], Report], str]


def resolve(verb: str, words: list[str]) -> Resolved:
    """Find the task a verb is for.

    Args:
        verb: The verb, e.g. ``"predict"``.
        words: What follows it on the command line.

    Returns:
        Task name, remaining words, configuration class, function to run (imports the task's models
        only when called), help text.

    Raises:
        UsageError: No task or an unknown one is named, or it has no such verb.
    """
    named = bool(words) and words[0] in TASKS
    if not named and verb not in DEFAULT_TASK:
        raise _no_task(verb, words)
    task = words[0] if named else DEFAULT_TASK[verb]
    rest = words[1:] if named else words
    entry = TASKS[task]
    verbs: dict[str, type[Any]] = importlib.import_module(entry.config).VERBS
    if verb not in verbs:
        raise UsageError(f"{task} has no {verb!r} yet.", f"Available: {', '.join(verbs)}.")

    def run(cfg: Any) -> Report:
        return getattr(importlib.import_module(entry.task), verb)(cfg)

    return task, rest, verbs[verb], run, verbs[verb].__doc__ or entry.summary


def _no_task(verb: str, words: list[str]) -> UsageError:
    tasks, example = f"Tasks: {', '.join(TASKS)}.", f"Try: saccade {verb} place --help"
    if not words or words[0].startswith("-"):
        return UsageError(f"saccade {verb} needs a task.", tasks, example)
    return UsageError(
        f"Unknown task {words[0]!r}.", did_you_mean(words[0], TASKS) or tasks, example
    )
