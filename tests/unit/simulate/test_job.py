"""A run that is killed goes on to the same bytes; parts are checked; folders are not mixed up."""

from __future__ import annotations

import hashlib
import json
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from fake_recording import FakeSource, fake_recording, write

from saccade.errors import ConfigError, FormatError, UsageError
from saccade.simulate import job as job_module
from saccade.simulate.job import (
    LAYOUTS,
    Job,
    PartStore,
    difference,
    layout_writer,
    part_edges,
    run_recording,
)
from saccade.simulate.output import RECORD, OutputFolder, open_store, run_jobs

KEY = {"mode": "traverse", "seed": 1, "pixels": {"threshold": None}}


@pytest.fixture(autouse=True)
def fake_layout(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(LAYOUTS, "fake", "fake_recording")


def digests(folder: Path) -> dict[str, str]:
    files = sorted(path for path in folder.rglob("*") if path.is_file())
    return {
        path.relative_to(folder).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in files
    }


def jobs_of(out: Path, *names: str, seed: int = 1, seconds: float = 5.0) -> list[Job]:
    return [
        Job(fake_recording(name, seconds), lambda: FakeSource(seed), "fake", out, {"k": 1})
        for name in names or ("day",)
    ]


def same(first: object, second: object) -> bool:
    """Whether two parts hold the same arrays."""
    for name, value in vars(first).items():
        other = getattr(second, name)
        if isinstance(value, np.ndarray):
            np.testing.assert_array_equal(value, other, strict=True)
        elif isinstance(value, dict):
            assert value.keys() == other.keys()
            for key in value:
                if name == "events":
                    for column in "xytp":
                        np.testing.assert_array_equal(
                            getattr(value[key], column), getattr(other[key], column), strict=True
                        )
                    assert value[key].size == other[key].size
                else:
                    np.testing.assert_array_equal(value[key], other[key], strict=True)
        else:
            assert value == other
    return True


def test_a_part_comes_back_as_it_was(tmp_path: Path) -> None:
    store = PartStore(tmp_path / "work", KEY)
    source = FakeSource()
    part = source.part(0, 1_000_000)
    store.save(0, part, source.state())
    assert same(store.load(0), part)
    np.testing.assert_array_equal(store.state(0)["number"], source.number)


def test_only_the_newest_two_states_are_kept(tmp_path: Path) -> None:
    store, source = PartStore(tmp_path / "work", KEY), FakeSource()
    for index in range(5):
        store.save(index, source.part(index, index + 1_000_000), source.state())
        assert store.done() == index + 1
    assert sorted(p.name for p in store.folder.glob("state*")) == [
        "state-00003.npz",
        "state-00004.npz",
    ]


@pytest.mark.parametrize("how", ["truncated", "changed", "empty", "gone"])
@pytest.mark.parametrize("which", ["part", "state"])
def test_a_damaged_last_part_is_made_anew(tmp_path: Path, how: str, which: str) -> None:
    out = tmp_path / "out"
    whole, source = OutputFolder(tmp_path / "whole", KEY), FakeSource()
    run_jobs(jobs_of(whole.path), whole)
    folder = OutputFolder(out, KEY)
    folder.begin()
    store = folder.store("day")
    for index in range(3):
        store.save(index, source.part(index * 1_000_000, (index + 1) * 1_000_000), source.state())
    path = store.folder / f"{which}-00002.npz"
    content = bytearray(path.read_bytes())
    if how == "truncated":
        path.write_bytes(content[: len(content) // 2])
    elif how == "changed":
        content[150] ^= 1
        path.write_bytes(content)
    elif how == "empty":
        path.write_bytes(b"")
    else:
        path.unlink()
    assert store.done() == 2
    run_jobs(jobs_of(out), OutputFolder(out, KEY))
    assert digests(out) == digests(whole.path)


def test_damage_in_the_middle_is_found_and_mended(tmp_path: Path) -> None:
    folder = OutputFolder(tmp_path / "out", KEY)
    folder.begin()
    store, source = folder.store("day"), FakeSource()
    for index in range(5):
        store.save(index, source.part(index * 1_000_000, (index + 1) * 1_000_000), source.state())
    path = store.folder / "part-00001.npz"
    content = bytearray(path.read_bytes())
    content[200] ^= 255
    path.write_bytes(content)
    with pytest.raises(FormatError, match=r"Part 1 .* Run the same command again"):
        run_jobs(jobs_of(folder.path), folder)
    again = OutputFolder(tmp_path / "out", KEY)
    run_jobs(jobs_of(folder.path), again)
    whole = OutputFolder(tmp_path / "whole", KEY)
    run_jobs(jobs_of(whole.path), whole)
    assert digests(tmp_path / "out") == digests(whole.path)


def test_work_goes_on_from_the_parts_that_are_there(tmp_path: Path) -> None:
    store, source = PartStore(tmp_path / "work", KEY), FakeSource()
    for index in range(2):
        store.save(index, source.part(index * 1_000_000, (index + 1) * 1_000_000), source.state())
    resumed, told = FakeSource(seed=99), []
    run_recording(
        lambda: resumed,
        fake_recording(),
        lambda parts: write(tmp_path, fake_recording(), parts),
        store,
        lambda done, total: told.append((done, total)),
    )
    assert resumed.calls == [(k * 1_000_000, (k + 1) * 1_000_000) for k in (2, 3, 4)]
    assert told == [(1, 3), (2, 3), (3, 3)]
    assert not store.folder.exists()


KILLED = """
import os, signal, sys
from pathlib import Path
sys.path.insert(0, {here!r})
from fake_recording import FakeSource, fake_recording
from saccade.simulate.job import LAYOUTS, Job
from saccade.simulate.output import OutputFolder, run_jobs
LAYOUTS["fake"] = "fake_recording"
out, key, at, how = Path({out!r}), {key!r}, {at}, {how!r}

def stop():
    os.kill(os.getpid(), signal.SIGKILL) if how == "kill" else os._exit(7)

class Dying(FakeSource):
    def part(self, start_us, end_us):
        if start_us == at * 1_000_000:
            stop()
        return super().part(start_us, end_us)

def dying_write(folder, recording, parts, **options):
    for part in parts:
        (folder / ".half.0123abcd.txt").write_text("half")
    stop()

if at == 5:
    import fake_recording as layout
    layout.write = dying_write
jobs = [Job(fake_recording(name), Dying, "fake", out, {{"k": 1}}) for name in ("day", "night")]
run_jobs(jobs, OutputFolder(out, key))
"""


@pytest.mark.parametrize("at", [0, 1, 3, 4, 5])
@pytest.mark.parametrize("how", ["kill", "exit"])
def test_a_killed_run_resumes_to_the_same_bytes(tmp_path: Path, at: int, how: str) -> None:
    out, whole = tmp_path / "out", tmp_path / "whole"
    script = KILLED.format(here=str(Path(__file__).parent), out=str(out), key=KEY, at=at, how=how)
    done = subprocess.run([sys.executable, "-c", script], check=False, capture_output=True)
    assert done.returncode == (-9 if how == "kill" else 7), done.stderr.decode()
    assert (out / ".parts-day").is_dir()
    assert not (out / "day.txt").exists()

    folder = OutputFolder(out, KEY)
    assert folder.resumed and not folder.complete
    run_jobs(jobs_of(out, "day", "night"), folder)
    through = OutputFolder(whole, KEY)
    assert not through.resumed
    run_jobs(jobs_of(whole, "day", "night"), through)
    assert digests(out) == digests(whole)
    assert set(digests(out)) == {"day.txt", "night.txt", RECORD}


def test_a_recording_that_is_ready_is_not_made_again(tmp_path: Path) -> None:
    out = tmp_path / "out"
    first = OutputFolder(out, KEY)
    run_jobs(jobs_of(out, "day"), first)
    before = digests(out)

    def never() -> FakeSource:
        raise AssertionError("made again")

    again = OutputFolder(out, KEY)
    assert again.complete
    made = run_jobs([Job(fake_recording("day"), never, "fake", out, {})], again)
    assert [item.files for item in made] == [("day.txt",)]
    assert digests(out) == before


def test_a_file_that_went_missing_is_made_again(tmp_path: Path) -> None:
    out = tmp_path / "out"
    run_jobs(jobs_of(out, "day", "night"), OutputFolder(out, KEY))
    before = digests(out)
    (out / "night.txt").unlink()
    folder = OutputFolder(out, KEY)
    assert not folder.complete
    run_jobs(jobs_of(out, "day", "night"), folder)
    assert digests(out) == before


def test_another_request_in_the_same_folder_is_refused_by_name(tmp_path: Path) -> None:
    out = tmp_path / "out"
    run_jobs(jobs_of(out), OutputFolder(out, KEY))
    other = {**KEY, "seed": 2, "pixels": {"threshold": 0.3}}
    with pytest.raises(ConfigError, match=r"seed was 1, now 2, threshold was none, now 0\.3"):
        OutputFolder(out, other)
    folder = OutputFolder(out, other, overwrite=True)
    run_jobs(jobs_of(out, seed=2), folder)
    assert json.loads((out / RECORD).read_text())["request"]["seed"] == 2


def test_parts_of_another_request_or_version_are_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    PartStore(tmp_path / "work", KEY)
    with pytest.raises(ConfigError, match="seed was 1, now 3"):
        PartStore(tmp_path / "work", {**KEY, "seed": 3})
    monkeypatch.setattr(job_module, "__version__", "9.9")
    with pytest.raises(ConfigError, match=r"saccade was .*, now 9\.9"):
        PartStore(tmp_path / "work", KEY)


def test_a_folder_with_something_else_is_refused_and_left_alone(tmp_path: Path) -> None:
    (tmp_path / "thesis.tex").write_text("chapter 1")
    for overwrite in (False, True):
        with pytest.raises(UsageError, match=r"thesis\.tex"):
            OutputFolder(tmp_path, KEY, overwrite=overwrite)
    assert [path.name for path in tmp_path.iterdir()] == ["thesis.tex"]


def test_overwrite_removes_only_what_was_made(tmp_path: Path) -> None:
    out = tmp_path / "out"
    run_jobs(jobs_of(out), OutputFolder(out, KEY))
    (out / "notes.txt").write_text("mine")
    with pytest.raises(UsageError, match=r"notes\.txt"):
        OutputFolder(out, {**KEY, "seed": 2}, overwrite=True)
    assert (out / "notes.txt").read_text() == "mine"


def test_an_empty_folder_is_used(tmp_path: Path) -> None:
    folder = OutputFolder(tmp_path, KEY)
    assert not folder.resumed and not folder.complete
    assert not list(tmp_path.iterdir())
    folder.begin()
    assert [path.name for path in tmp_path.iterdir()] == [RECORD]


def test_a_request_that_cannot_be_made_leaves_nothing(tmp_path: Path) -> None:
    def impossible() -> FakeSource:
        raise ConfigError("No such world.")

    job = Job(fake_recording(), impossible, "fake", tmp_path / "out", {})
    with pytest.raises(ConfigError, match="No such world"):
        run_jobs([job], OutputFolder(tmp_path / "out", KEY))
    assert not list(tmp_path.iterdir())


def test_what_was_made_stays_when_the_next_recording_fails(tmp_path: Path) -> None:
    def impossible() -> FakeSource:
        raise ConfigError("No such world.")

    out = tmp_path / "out"
    jobs = [*jobs_of(out), Job(fake_recording("night"), impossible, "fake", out, {})]
    with pytest.raises(ConfigError, match="No such world"):
        run_jobs(jobs, OutputFolder(out, KEY))
    folder = OutputFolder(out, KEY)
    assert folder.resumed and set(folder.made) == {"day"}


def test_a_file_in_place_of_the_folder_is_refused(tmp_path: Path) -> None:
    (tmp_path / "out").write_text("")
    with pytest.raises(UsageError, match="is a file"):
        OutputFolder(tmp_path / "out", KEY)


def test_a_foreign_record_is_refused(tmp_path: Path) -> None:
    (tmp_path / RECORD).write_text('{"steps": 3}')
    with pytest.raises(UsageError, match="not what a simulation writes"):
        OutputFolder(tmp_path, KEY, overwrite=True)


def test_a_single_file_is_replaced_only_if_asked(tmp_path: Path) -> None:
    target = tmp_path / "walk.raw"
    target.write_bytes(b"old")
    with pytest.raises(UsageError, match="exists"):
        open_store(target, KEY, overwrite=False)
    store = open_store(target, KEY, overwrite=True)
    assert store.folder == tmp_path / ".parts-walk.raw"
    source = FakeSource()
    store.save(0, source.part(0, 1_000_000), source.state())
    assert open_store(target, KEY, overwrite=True).done() == 1
    assert open_store(target, {**KEY, "seed": 2}, overwrite=True).done() == 0


def test_progress_runs_over_all_recordings(tmp_path: Path) -> None:
    told: list[tuple[int, int]] = []
    folder = OutputFolder(tmp_path / "out", KEY)
    jobs = jobs_of(folder.path, "day", "night", seconds=2.0)
    run_jobs(jobs, folder, lambda done, total: told.append((done, total)))
    assert told == [(1, 4), (2, 4), (3, 4), (4, 4)]


def test_a_disk_that_is_full_says_how_to_go_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object, **__: object) -> None:
        raise OSError(28, "No space left on device")

    store = PartStore(tmp_path / "work", KEY)
    monkeypatch.setattr("saccade.simulate.part_file.np", SimpleNamespace(savez=full))
    with pytest.raises(FormatError, match="No space left on device"):
        store.save(0, SimpleNamespace(), {"x": np.zeros(1)})  # type: ignore[arg-type]
    assert store.done() == 0


def test_parts_are_seconds_and_the_last_takes_the_rest() -> None:
    assert part_edges(3_499_999) == [0, 1_000_000, 2_000_000, 3_499_999]
    assert part_edges(3_500_000) == [0, 1_000_000, 2_000_000, 3_000_000, 3_500_000]
    with pytest.raises(ConfigError, match="at least 1"):
        part_edges(0)


def test_layouts_are_named() -> None:
    with pytest.raises(UsageError, match="Did you mean 'mvsec'"):
        layout_writer("mvsc")
    assert difference(KEY, KEY) == []
