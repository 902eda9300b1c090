"""Independent jobs: in processes of this machine, or the same jobs on a Dask cluster.

    job     one module trained, or some modules recorded, or some modules shown the queries
    done    its file is there; a job that finds its file does nothing

A job gets the run folder and numbers, nothing else, and writes one file. Where a worker is killed,
jobs that are not done are given out again and go on from their last epoch. On a cluster every
machine sees the run folder under the same path.
"""

from __future__ import annotations

import os
import warnings
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import joblib

from saccade.contracts import Progress
from saccade.errors import ConfigError, SaccadeError
from saccade.optional import require
from saccade.tasks.place_stdp.config_train import JobArgs

__all__ = ["Job", "run_jobs"]

_ATTEMPTS = 3
CONNECT_TIMEOUT = "10s"
"""How long a scheduler may take to answer."""


@dataclass(frozen=True)
class Job:
    """A piece of work that nothing else depends on while it is done.

    Args:
        function: Called with ``arguments``; both can be pickled.
        arguments: Plain values.
        result: The file that is there when the job is done.
        name: What it is called in messages.
    """

    function: Callable[..., None]
    arguments: tuple[Any, ...]
    result: Path
    name: str


def run_jobs(jobs: Sequence[Job], work: JobArgs, tell: Progress | None = None) -> int:
    """Do the jobs that are not done.

    Args:
        jobs: All of them.
        work: Where.
        tell: Called with jobs done and in all.

    Returns:
        How many jobs were done now.

    Raises:
        SaccadeError: A job failed; the others that run are ended, what they wrote is kept.
        ConfigError: Workers were killed three times in a row without a job being finished.
    """
    open_jobs = [job for job in jobs if not job.result.exists()]
    first, attempts = len(open_jobs), 0
    _told(tell, len(jobs) - first, len(jobs))
    with _backend(work):
        while open_jobs:
            before = len(open_jobs)
            try:
                for _ in _results(open_jobs, work):
                    left = sum(not job.result.exists() for job in open_jobs)
                    _told(tell, len(jobs) - left, len(jobs))
            except _killed() as error:
                attempts += 1
                open_jobs = [job for job in open_jobs if not job.result.exists()]
                attempts = attempts if len(open_jobs) == before else 0
                if attempts >= _ATTEMPTS:
                    raise _given_up(open_jobs, error) from error
                continue
            open_jobs = [job for job in open_jobs if not job.result.exists()]
            if open_jobs:
                raise ConfigError(
                    f"{open_jobs[0].name} ended without {open_jobs[0].result.name}.",
                    "Expected its file.",
                    "Do the workers see the run folder under the same path?",
                )
    return first


def _results(jobs: Sequence[Job], work: JobArgs) -> Iterator[None]:
    count = work.jobs or os.cpu_count() or 1
    if work.cluster is None and min(count, len(jobs)) == 1:
        for job in jobs:
            job.function(*job.arguments)
            yield None
        return
    workers = len(jobs) if work.cluster is not None else count
    parallel = joblib.Parallel(n_jobs=workers, return_as="generator_unordered")
    outcomes: Any = parallel(joblib.delayed(_done)(job) for job in jobs)
    try:
        for error in outcomes:
            if error is not None:
                raise error
            yield None
    finally:
        with warnings.catch_warnings():  # that jobs are given up after an error is meant
            warnings.simplefilter("ignore", UserWarning)
            outcomes.close()


def _done(job: Job) -> SaccadeError | None:
    """Do a job in a worker; expected failures come back as values, whole."""
    try:
        job.function(*job.arguments)
    except SaccadeError as error:
        return error
    return None


@contextmanager
def _backend(work: JobArgs) -> Iterator[None]:
    if work.cluster is None:
        with joblib.parallel_config(backend="loky", inner_max_num_threads=1):
            yield
        return
    distributed = require("distributed", "A Dask cluster")
    try:
        client = distributed.Client(work.cluster, timeout=CONNECT_TIMEOUT, set_as_default=True)
    except (OSError, TimeoutError, ValueError) as error:
        raise ConfigError(
            f"No Dask scheduler answers at {work.cluster}: {error}.",
            "Expected a running one.",
            "Start it with: dask scheduler",
        ) from error
    with client, joblib.parallel_config(backend="dask"):
        yield


def _killed() -> tuple[type[BaseException], ...]:
    from joblib.externals.loky.process_executor import TerminatedWorkerError

    try:
        from distributed import KilledWorker
    except ImportError:
        return (TerminatedWorkerError,)
    return (TerminatedWorkerError, KilledWorker)


def _given_up(jobs: Sequence[Job], error: BaseException) -> ConfigError:
    return ConfigError(
        f"Workers were killed {_ATTEMPTS} times; {jobs[0].name} is not done.",
        str(error).partition("\n")[0],
        "Is memory too small for so many processes? Try --jobs 1 with --resume.",
    )


def _told(tell: Progress | None, done: int, total: int) -> None:
    if tell is not None:
        tell(done, total)
