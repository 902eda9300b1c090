"""Queries shown to a trained member, part by part: every part is a job, every job one file.

    inputs -> jobs: scores of eight modules each -> [Q, places] of the member

Nothing here knows whether the right places are known: tests and predictions both stand on it.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from saccade.engine import progress
from saccade.files import replacing
from saccade.tasks.place_stdp.assignment import Readout
from saccade.tasks.place_stdp.config_train import JobArgs
from saccade.tasks.place_stdp.inputs import StoredInputs
from saccade.tasks.place_stdp.jobs import Job, run_jobs
from saccade.tasks.place_stdp.model import Member

__all__ = ["member_scores", "score_part"]


def member_scores(
    member: Member,
    queries: StoredInputs,
    path: Path,
    work: JobArgs,
    *,
    share: float | None = None,
    readout: Readout | None = None,
) -> NDArray[np.float32]:
    """Score every place for every query; parts whose file is there are not done again.

    Args:
        member: The network.
        queries: Inputs of the queries.
        path: Folder and name of the files that hold the scores of the parts.
        work: Who does the work.
        share: Mutes neurons that fired for this share of the references or more.
        readout: As trained, without.

    Returns:
        float32 ``[Q, places]``; a place that no module learned scores 0.
    """
    options: dict[str, Any] = {"share": share, "readout": readout}
    seed, name = member.about["seed"], queries.path.name
    files = member.path.absolute(), queries.path.absolute()
    jobs = [
        Job(
            score_part,
            (*files, part.start, part.stop, options, result),
            result,
            f"modules {part.start} to {part.stop - 1} of seed {seed}",
        )
        for part in member.parts()
        for result in [path.absolute().with_name(f"{path.name}.{part.start:03d}.npy")]
    ]
    with progress(f"Showing {name} to seed {seed}", unit="jobs") as tell:
        run_jobs(jobs, work, tell)
    found = np.zeros((len(queries), member.places), np.float32)
    for part, job in zip(member.parts(), jobs, strict=True):
        found[:, member.module_places(part)] = np.load(job.result, allow_pickle=False)
    return found


def score_part(
    member_file: Path, inputs: Path, first: int, stop: int, options: dict[str, Any], result: Path
) -> None:
    """Score the places of some modules for all queries and write them: the job that workers do.

    Args:
        member_file: The network.
        inputs: Folder and name of the queries' inputs.
        first: First module.
        stop: The one behind the last.
        options: ``share`` and ``readout`` of `Member.scores`.
        result: ``.npy`` file to write.
    """
    member = Member.open(member_file)
    found = member.scores(StoredInputs(inputs), range(first, stop), **options)
    result.parent.mkdir(parents=True, exist_ok=True)
    with replacing(result) as part:
        np.save(part, found)
