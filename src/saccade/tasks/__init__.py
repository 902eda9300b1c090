"""The task catalogue: one line per task. A task is a folder here and its line below."""

from __future__ import annotations

from saccade.contracts import TaskEntry

__all__ = ["TASKS"]

TASKS: dict[str, TaskEntry] = {
    "place": TaskEntry(
        summary="where am I: one descriptor per moment, compared with those of another recording",
        config="saccade.tasks.place.config",
        task="saccade.tasks.place.task",
        imports="saccade.tasks.place.published",
    ),
    "place_stdp": TaskEntry(
        summary="which of the places learned on one drive is this: modules of STDP, or delta rule",
        config="saccade.tasks.place_stdp.config",
        task="saccade.tasks.place_stdp.task",
        imports="saccade.tasks.place_stdp.published_import",
    ),
}
