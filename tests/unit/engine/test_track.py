"""The log of a run: lines that survive a kill, the cut on resume, the writers beside it.

TensorBoard, MLflow and Weights & Biases are stood in for by small fakes that record the calls they
get and refuse what the real ones refuse, so these tests need none of the packages.
"""

import json
import os
import re
import sys
from dataclasses import dataclass, field
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any

import numpy as np
import pytest
import torch

from saccade.engine import Log, open_trackers
from saccade.errors import ConfigError, DataError, MissingExtraError


@dataclass(frozen=True)
class Model:
    arch: str = "small"
    depth: int = 3


@dataclass(frozen=True)
class Config:
    lr: float = 1e-3
    model: Model = field(default_factory=Model)


def lines(folder: Path) -> list[dict[str, Any]]:
    text = (folder / "log.jsonl").read_text()
    assert text.endswith("\n")
    return [json.loads(line, parse_constant=refuse_constant) for line in text.splitlines()]


def refuse_constant(word: str) -> None:
    raise AssertionError(f"{word} is no JSON")


def test_every_line_is_json_and_on_disk_at_once(tmp_path: Path) -> None:
    log = Log(tmp_path / "log.jsonl")
    log.log(1, epoch=0, loss=0.25, name="täg")
    assert lines(tmp_path) == [{"step": 1, "epoch": 0, "loss": 0.25, "name": "täg"}]
    log.log(2, **{"recall@1": np.float32(0.5), "loss": torch.tensor(2.0), "n": np.int64(3)})
    assert lines(tmp_path)[1] == {"step": 2, "recall@1": 0.5, "loss": 2.0, "n": 3}
    assert log.read() == lines(tmp_path)


@pytest.mark.parametrize(
    "value", [float("nan"), float("inf"), -np.inf, np.float64("nan"), torch.tensor(torch.nan)]
)
def test_what_json_lacks_becomes_null(value: Any, tmp_path: Path) -> None:
    Log(tmp_path / "log.jsonl").log(1, loss=value)
    assert lines(tmp_path) == [{"step": 1, "loss": None}]


@pytest.mark.parametrize("value", [[1.0], np.zeros(2), torch.zeros(2), Path("x")])
def test_what_is_no_number_is_named_and_not_written(value: Any, tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"^rates is a .*one number"):
        Log(tmp_path / "log.jsonl").log(1, rates=value)
    assert not (tmp_path / "log.jsonl").exists()


def test_resumed_run_has_every_step_once(tmp_path: Path) -> None:
    with open_trackers(tmp_path, [], Config()) as trackers:
        for step in range(1, 8):
            trackers.log(step, {"loss": 1 / step})
    before = lines(tmp_path)
    with open_trackers(tmp_path, [], Config(), resume_step=5) as trackers:
        assert lines(tmp_path) == before[:5]
        for step in range(6, 8):
            trackers.log(step, {"loss": 1 / step})
    assert lines(tmp_path) == before


def test_kept_lines_stay_byte_for_byte(tmp_path: Path) -> None:
    first = '{"step": 1, "loss": 1e-3}\n'
    (tmp_path / "log.jsonl").write_text(first + '{"step": 2}\n')
    Log(tmp_path / "log.jsonl").cut(1)
    assert (tmp_path / "log.jsonl").read_text() == first


def test_half_a_line_of_a_killed_run_is_cut_off(tmp_path: Path) -> None:
    log = Log(tmp_path / "log.jsonl")
    log.log(1, loss=0.5)
    with log.path.open("a") as file:
        file.write('{"step": 2, "lo')
    assert log.read() == [{"step": 1, "loss": 0.5}]
    log.cut(9)
    log.log(2, loss=0.25)
    assert [row["step"] for row in lines(tmp_path)] == [1, 2]


def test_cut_is_whole_or_not_at_all(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    log = Log(tmp_path / "log.jsonl")
    for step in (1, 2, 3):
        log.log(step, loss=0.5)
    before = log.path.read_bytes()

    def full_disk(self: Path, other: Path) -> None:
        raise OSError("disk full")

    monkeypatch.setattr(Path, "replace", full_disk)
    with pytest.raises(OSError, match="disk full"):
        log.cut(1)
    assert log.path.read_bytes() == before
    assert [item.name for item in tmp_path.iterdir()] == ["log.jsonl"]


def test_cut_before_the_first_line_is_nothing_to_do(tmp_path: Path) -> None:
    with open_trackers(tmp_path, [], None, resume_step=0):
        pass
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("line", ["{broken", '{"epoch": 1}', "[1]", '{"step": null}', ""])
def test_file_that_is_no_log_is_named_and_kept(line: str, tmp_path: Path) -> None:
    text = f'{{"step": 1}}\n{line}\n{{"step": 3}}\n'
    (tmp_path / "log.jsonl").write_text(text)
    with pytest.raises(DataError, match=r"log\.jsonl:2 is no line"):
        Log(tmp_path / "log.jsonl").cut(1)
    assert (tmp_path / "log.jsonl").read_text() == text


def test_new_run_does_not_write_into_the_log_of_another(tmp_path: Path) -> None:
    Log(tmp_path / "log.jsonl").log(1, loss=0.5)
    with pytest.raises(ConfigError, match=r"log\.jsonl belongs to another run"):
        open_trackers(tmp_path, [], None)


def test_unknown_writer_brings_the_closest(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"'tensorbord'.*log\.jsonl.*'tensorboard'"):
        open_trackers(tmp_path, ["tensorbord"], None)


@pytest.mark.parametrize(
    ("name", "extra"), [("tensorboard", "track"), ("mlflow", "track"), ("wandb", "wandb")]
)
def test_missing_package_names_the_extra_and_leaves_the_log(
    name: str, extra: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, name, None)  # what makes an import fail
    Log(tmp_path / "log.jsonl").log(1, loss=0.5)
    with pytest.raises(MissingExtraError, match=rf'pip install "saccade\[{extra}\]"') as caught:
        open_trackers(tmp_path, [name], None, resume_step=0)
    assert caught.value.exit_code == 3
    assert len(lines(tmp_path)) == 1


class FakeBoard:
    """Records what SummaryWriter is given."""

    made: list["FakeBoard"]

    def __init__(self, *, log_dir: str, purge_step: int | None) -> None:
        self.log_dir, self.purge_step = log_dir, purge_step
        self.calls: list[tuple[Any, ...]] = []
        FakeBoard.made.append(self)

    def add_text(self, tag: str, text: str, step: int) -> None:
        self.calls.append(("text", tag, text, step))

    def add_scalar(self, tag: str, value: float, step: int) -> None:
        self.calls.append(("scalar", tag, value, step))

    def flush(self) -> None:
        self.calls.append(("flush",))

    def close(self) -> None:
        self.calls.append(("close",))


@pytest.fixture
def board(monkeypatch: pytest.MonkeyPatch) -> type[FakeBoard]:
    FakeBoard.made = []
    monkeypatch.setitem(sys.modules, "tensorboard", ModuleType("tensorboard"))
    module = SimpleNamespace(SummaryWriter=FakeBoard)
    monkeypatch.setitem(sys.modules, "torch.utils.tensorboard", module)  # type: ignore[arg-type]
    return FakeBoard


def test_tensorboard_gets_finite_numbers_and_the_configuration(
    board: type[FakeBoard], tmp_path: Path
) -> None:
    with open_trackers(tmp_path, ["tensorboard", "tensorboard"], Config()) as trackers:
        trackers.log(3, {"loss": 0.5, "recall@1": float("nan")})
    (writer,) = board.made
    assert Path(writer.log_dir) == tmp_path / "tensorboard" and writer.purge_step is None
    kind, tag, text, step = writer.calls[0]
    assert (kind, tag, step) == ("text", "config", 0) and "arch: small" in text
    assert writer.calls[1:] == [("scalar", "loss", 0.5, 3), ("flush",), ("close",)]
    assert lines(tmp_path) == [{"step": 3, "loss": 0.5, "recall@1": None}]


def test_tensorboard_forgets_what_the_resumed_run_repeats(
    board: type[FakeBoard], tmp_path: Path
) -> None:
    open_trackers(tmp_path, ["tensorboard"], Config(), resume_step=7).close()
    assert board.made[0].purge_step == 8 and board.made[0].calls == [("close",)]


class FakeClient:
    """Records what MlflowClient is given and refuses the names it refuses."""

    made: list["FakeClient"]

    def __init__(self, *, tracking_uri: str) -> None:
        assert os.environ["MLFLOW_ALLOW_FILE_STORE"] == "true"
        self.tracking_uri = tracking_uri
        self.calls: list[tuple[Any, ...]] = []
        FakeClient.made.append(self)

    def create_run(self, experiment_id: str, *, run_name: str) -> SimpleNamespace:
        self.calls.append(("run", experiment_id, run_name))
        return SimpleNamespace(info=SimpleNamespace(run_id="r1"))

    def log_param(self, run_id: str, key: str, value: Any) -> None:
        assert re.fullmatch(r"[/\w.\- ]+", key)
        self.calls.append(("param", run_id, key, value))

    def log_metric(self, run_id: str, key: str, value: float, *, step: int) -> None:
        assert re.fullmatch(r"[/\w.\- ]+", key)
        self.calls.append(("metric", run_id, key, value, step))

    def set_terminated(self, run_id: str) -> None:
        self.calls.append(("end", run_id))


@pytest.fixture
def mlflow(monkeypatch: pytest.MonkeyPatch) -> type[FakeClient]:
    FakeClient.made = []
    monkeypatch.delenv("MLFLOW_ALLOW_FILE_STORE", raising=False)
    module = SimpleNamespace(MlflowClient=FakeClient)
    monkeypatch.setitem(sys.modules, "mlflow", module)  # type: ignore[arg-type]
    return FakeClient


def test_mlflow_writes_files_into_the_run_folder(mlflow: type[FakeClient], tmp_path: Path) -> None:
    folder = tmp_path / "train-place-001"
    folder.mkdir()
    with open_trackers(folder, ["mlflow"], Config()) as trackers:
        trackers.log(3, {"recall@1": 0.5, "val: loss": 1, "bad": float("inf")})
    (client,) = mlflow.made
    assert client.tracking_uri == (folder / "mlflow").as_uri()
    assert client.calls == [
        ("run", "0", "train-place-001"),
        ("param", "r1", "lr", 1e-3),
        ("param", "r1", "model.arch", "small"),
        ("param", "r1", "model.depth", 3),
        ("metric", "r1", "recall_at_1", 0.5, 3),
        ("metric", "r1", "val_ loss", 1.0, 3),
        ("end", "r1"),
    ]


def test_resumed_run_is_a_second_run_of_mlflow(mlflow: type[FakeClient], tmp_path: Path) -> None:
    open_trackers(tmp_path, ["mlflow"], None, resume_step=40).close()
    assert mlflow.made[0].calls[0] == ("run", "0", f"{tmp_path.name} from step 40")


@pytest.fixture
def wandb(monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, Any]]:
    calls: list[tuple[str, Any]] = []

    def init(**given: Any) -> SimpleNamespace:
        calls.append(("init", given))
        return SimpleNamespace(
            log=lambda values, step: calls.append(("log", (values, step))),
            finish=lambda: calls.append(("finish", None)),
        )

    monkeypatch.setitem(sys.modules, "wandb", SimpleNamespace(init=init))  # type: ignore[arg-type]
    return calls


def test_wandb_runs_offline_in_the_run_folder(wandb: list[tuple[str, Any]], tmp_path: Path) -> None:
    with open_trackers(tmp_path, ["wandb"], Config()) as trackers:
        trackers.log(3, {"recall@1": 0.5, "bad": float("nan")})
    (_, given), *rest = wandb
    assert (given["mode"], given["dir"]) == ("offline", str(tmp_path))
    assert given["config"] == {"lr": 1e-3, "model.arch": "small", "model.depth": 3}
    assert rest == [("log", ({"recall@1": 0.5}, 3)), ("finish", None)]


def test_writer_that_fails_to_open_closes_those_before_it(
    board: type[FakeBoard], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "wandb", None)
    with pytest.raises(MissingExtraError):
        open_trackers(tmp_path, ["tensorboard", "wandb"], None)
    assert board.made[0].calls == [("close",)]


def test_writer_that_fails_to_close_does_not_keep_others_open(
    board: type[FakeBoard], wandb: list[tuple[str, Any]], tmp_path: Path
) -> None:
    trackers = open_trackers(tmp_path, ["wandb", "tensorboard"], None)

    def fail() -> None:
        raise OSError("disk full")

    board.made[0].close = fail  # type: ignore[method-assign]
    with pytest.raises(OSError, match="disk full"):
        trackers.close()
    assert wandb[-1] == ("finish", None)
