"""Jobs that are killed, shared out and taken up again: networks are the same to the last byte."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from saccade.errors import ConfigError, DataError, SaccadeError
from saccade.tasks.place_stdp.config import JobArgs
from saccade.tasks.place_stdp.jobs import Job, run_jobs
from stdp_runs import PLAIN, SMALL, digests, made, refused, tell, words, write_set

KILLED = """
import os, signal, sys
from saccade.cli.main import main
from saccade.tasks.place_stdp import MODULE

write, left = MODULE.write_stored, int(sys.argv[1])

def counted(*arguments):
    global left
    found = write(*arguments)
    left -= 1
    if not left:
        os.kill(os.getpid(), signal.SIGKILL)
    return found

MODULE.write_stored = counted
main(sys.argv[2:])
"""
"""The command line, killed outright after so many files."""

KINDS = {
    "fast": ("--snapshots", "1", "2"),
    "exact": ("--engine", "exact"),
    "vprsnn": ("--engine", "exact", "--compat", "vprsnn"),
    "delta": ("--learner", "delta", "--delta-epochs", "8", "--shift", "1", "--noise", "0.05"),
}
AFTER = {"fast": (5, 7), "exact": (2, 4), "vprsnn": (1, 5), "delta": (2,)}
"""fast, files of a module: snapshot, partial, snapshot, partial, last, partial; 5 ends a module, so
does 2 exact ones; others are in the middle."""


def killed(module: str, after: int, command: list[str]) -> None:
    script = KILLED.replace("MODULE", module)
    done = subprocess.run(
        [sys.executable, "-c", script, str(after), *command], capture_output=True, text=True
    )
    assert done.returncode == -signal.SIGKILL, done.stderr


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_set(tmp_path_factory.mktemp("images") / "set.npz")


@pytest.mark.slow
class TestKilledRuns:
    @pytest.mark.parametrize("kind", KINDS)
    def test_training_goes_on_to_the_same_bytes(
        self, kind: str, root: Path, tmp_path: Path
    ) -> None:
        flags = (*SMALL, *KINDS[kind], "--epochs", "3", "--out", tmp_path)
        for after in AFTER[kind]:
            name = f"killed{after}"
            killed("module", after, words("train", root, *flags, "--name", name))
            begun = digests(tmp_path / name / "parts")
            assert not (tmp_path / name / "member-0.safetensors").exists()
            made("train", root, *flags, "--name", name, "--resume")
            ended = digests(tmp_path / name / "parts")
            assert begun.items() <= ended.items() and len(begun) < len(ended)
            assert not list((tmp_path / name).glob("parts/*/*.partial"))
        made("train", root, *flags, "--name", "whole")
        for after in AFTER[kind]:
            assert digests(tmp_path / f"killed{after}") == digests(tmp_path / "whole")

    def test_recording_goes_on_to_the_same_bytes(self, root: Path, tmp_path: Path) -> None:
        flags = (*SMALL, "--out", tmp_path)
        killed("record", 2, words("train", root, *flags, "--name", "killed"))
        found = sorted(digests(tmp_path / "killed", "parts/*/record*"))
        assert len(found) == 2
        made("train", root, *flags, "--name", "killed", "--resume")
        made("train", root, *flags, "--name", "whole")
        assert digests(tmp_path / "killed") == digests(tmp_path / "whole")
        assert len(digests(tmp_path / "whole")) == 8


@pytest.mark.slow
def test_job_array_without_any_order_equals_one_run(root: Path, tmp_path: Path) -> None:
    flags = (*SMALL, "--members", "2", "--out", tmp_path)
    made("train", root, *flags, "--name", "whole")
    command = [sys.executable, "-m", "saccade", *words("train", root, *flags, "--name", "array")]
    chosen = [(0, 2), (0, 0), (1, 1)]
    jobs = [
        subprocess.Popen(
            [*command, "--member", str(member), "--module", str(module)],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
        )
        for member, module in chosen
    ]  # all at once: none of them finds the folder of the run
    for job in jobs:
        said = job.communicate()[1].decode()
        assert job.returncode == 0, said
    assert len(digests(tmp_path / "array", "parts/**/module*")) == 3
    for member, module in ((1, 2), (0, 1), (1, 0)):
        one = ("--member", member, "--module", module)
        told = made("train", root, *flags, "--name", "array", *one)
    assert "modules recorded now  1" in told
    assert "members               2" in told
    out = made("train", root, *flags, "--name", "array", "--resume")
    assert "modules trained now   0" in out
    assert digests(tmp_path / "array") == digests(tmp_path / "whole")


def test_unfinished_array_says_what_is_missing(root: Path, tmp_path: Path) -> None:
    flags = (*SMALL, "--name", "r", "--out", tmp_path)
    out = made("train", root, *flags, "--module", "1")
    assert "Member 0 lacks 4 files: module 0" in out
    assert "r holds no finished member" in refused("eval", root, "--weights", tmp_path / "r")
    assert "--module 3 of 3" in refused("train", root, *flags, "--module", "3")
    assert "--member 1 of 1" in refused("train", root, *flags, "--member", "1")
    text = refused("train", root, *SMALL, "--out", tmp_path, "--module", "1")
    assert "--module 1 without --name" in text


def write_number(number: int, path: Path) -> None:
    path.write_text(str(number))


def die_once(marker: Path, path: Path) -> None:
    """Kill the worker the first time."""
    if not marker.exists():
        marker.write_text("")
        os.kill(os.getpid(), signal.SIGKILL)
    path.write_text("done")


def die(path: Path) -> None:
    os.kill(os.getpid(), signal.SIGKILL)


def fail(path: Path) -> None:
    raise DataError("Image 3 is empty.", "Expected pixels.", "Leave it out.")


def write_nothing(path: Path) -> None:
    pass


def numbers(folder: Path, count: int) -> list[Job]:
    return [
        Job(write_number, (k, folder / f"{k}.txt"), folder / f"{k}.txt", f"number {k}")
        for k in range(count)
    ]


class TestProcesses:
    def test_two_processes_give_what_one_gives(self, root: Path, tmp_path: Path) -> None:
        for jobs in ("1", "2"):
            flags = (*SMALL, "--jobs", jobs, "--out", tmp_path)
            made("train", root, *flags, "--name", jobs)
            weights = ("--weights", tmp_path / jobs, *PLAIN, "--jobs", jobs)
            made("eval", root, *weights, "--out", tmp_path / f"e{jobs}")
        assert digests(tmp_path / "1") == digests(tmp_path / "2")
        assert digests(tmp_path / "e1", "scores/*") == digests(tmp_path / "e2", "scores/*")

    def test_killed_worker_costs_its_own_job_alone(self, tmp_path: Path) -> None:
        result = tmp_path / "late.txt"
        jobs = numbers(tmp_path, 4)
        jobs.insert(1, Job(die_once, (tmp_path / "marker", result), result, "late"))
        told: list[tuple[int, int]] = []
        done = run_jobs(jobs, JobArgs(jobs=2), lambda done, total: told.append((done, total)))
        assert done == 5 and all(job.result.exists() for job in jobs)
        assert told[0] == (0, 5) and told[-1] == (5, 5)
        assert run_jobs(jobs, JobArgs(jobs=2)) == 0

    def test_workers_that_die_again_and_again_end_the_run(self, tmp_path: Path) -> None:
        path = tmp_path / "never.txt"
        jobs = [Job(die, (path,), path, "module 0"), Job(die, (path,), path, "module 1")]
        with pytest.raises(ConfigError, match="killed 3 times; module 0 is not done") as stop:
            run_jobs(jobs, JobArgs(jobs=2))
        assert "--jobs 1 with --resume" in stop.value.fix and len(str(stop.value)) < 500

    @pytest.mark.parametrize("count", [1, 2])
    def test_error_of_a_job_is_the_error_of_the_run(self, count: int, tmp_path: Path) -> None:
        path = tmp_path / "never.txt"
        jobs = [Job(fail, (path,), path, "module 0"), *numbers(tmp_path, 1)]
        with pytest.raises(DataError, match=r"Image 3 is empty") as stop:
            run_jobs(jobs, JobArgs(jobs=count))
        assert (stop.value.expected, stop.value.fix) == ("Expected pixels.", "Leave it out.")

    def test_job_without_its_file_is_named(self, tmp_path: Path) -> None:
        path = tmp_path / "never.txt"
        jobs = [Job(write_nothing, (path,), path, "module 0"), *numbers(tmp_path, 1)]
        with pytest.raises(SaccadeError, match=r"module 0 ended without never\.txt"):
            run_jobs(jobs, JobArgs(jobs=2))


def slow_number(number: int, path: Path) -> None:
    time.sleep(0.3)
    path.write_text(str(number))


def nanny_of(cluster: Any) -> int:
    """Return the process of one worker."""
    return next(iter(cluster.workers.values())).pid


@pytest.fixture(scope="module")
def cluster() -> Iterator[Any]:
    distributed = pytest.importorskip("distributed")
    with distributed.LocalCluster(
        n_workers=2, processes=True, threads_per_worker=1, dashboard_address=None
    ) as made_cluster:
        yield made_cluster


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore")  # distributed and tornado warn of their own ways
class TestCluster:
    def test_same_files_as_in_one_process(
        self, cluster: Any, root: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.chdir(tmp_path)  # the folder of runs is given relative to it
        flags = (*SMALL, "--out", "runs")
        made("train", root, *flags, "--name", "one")
        made("train", root, *flags, "--name", "many", "--cluster", cluster.scheduler_address)
        assert digests(tmp_path / "runs" / "one") == digests(tmp_path / "runs" / "many")
        for name, more in (("one", ()), ("many", ("--cluster", cluster.scheduler_address))):
            out = ("--weights", f"runs/{name}", "--out", f"e-{name}")
            made("eval", root, *PLAIN, *out, *more)
        scores = [digests(tmp_path / f"e-{name}", "scores/*") for name in ("one", "many")]
        assert scores[0] == scores[1] and len(scores[0]) == 1

    def test_killed_worker_does_not_fail_the_run(self, cluster: Any, tmp_path: Path) -> None:
        jobs = [
            Job(slow_number, (k, tmp_path / f"{k}.txt"), tmp_path / f"{k}.txt", f"number {k}")
            for k in range(8)
        ]
        victim = nanny_of(cluster)

        def tell_done(done: int, total: int) -> None:
            if done == 2 and victim not in killed_ones:
                killed_ones.append(victim)
                os.kill(victim, signal.SIGKILL)

        killed_ones: list[int] = []
        work = JobArgs(cluster=cluster.scheduler_address)
        assert run_jobs(jobs, work, tell_done) == 8
        assert killed_ones and all(job.result.exists() for job in jobs)

    def test_error_of_a_job_crosses_machines(self, cluster: Any, tmp_path: Path) -> None:
        path = tmp_path / "never.txt"
        jobs = [Job(fail, (path,), path, "module 0"), *numbers(tmp_path, 1)]
        with pytest.raises(DataError, match="Image 3 is empty"):
            run_jobs(jobs, JobArgs(cluster=cluster.scheduler_address))

    def test_nobody_at_the_address(
        self, root: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr("saccade.tasks.place_stdp.jobs.CONNECT_TIMEOUT", "0.5s")
        flags = (*SMALL, "--out", tmp_path, "--cluster", "tcp://127.0.0.1:9")
        text = refused("train", root, *flags)
        assert "No Dask scheduler answers at tcp://127.0.0.1:9" in text
        assert "dask scheduler" in text


def test_cluster_needs_an_address(root: Path) -> None:
    text = tell(*words("train", root, "--cluster", "here")).err
    assert "--cluster 'here'. Expected tcp://HOST:PORT." in text
