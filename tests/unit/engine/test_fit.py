"""Training: resumed runs equal whole ones, patience ends, two processes act as one."""

from __future__ import annotations

import multiprocessing
import os
import socket
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from saccade.engine.checkpoint import Progressed, load_checkpoint, save_checkpoint
from saccade.engine.distributed import (
    World,
    average_gradients,
    gather,
    join_world,
    share_statistics,
)
from saccade.engine.fit import BEST, LAST, FitResult, FitSettings, fit
from saccade.engine.loader import Ahead
from saccade.engine.track import Log
from saccade.errors import CheckpointError, DataError, MissingFileError


class Line:
    """Fits a line; counts batches, and stops like a killed process where asked."""

    def __init__(self, *, die_at: int | None = None, scores: list[float] | None = None) -> None:
        torch.manual_seed(3)
        self.model = nn.Sequential(nn.Linear(2, 4), nn.BatchNorm1d(4), nn.Linear(4, 1))
        self.die_at, self.scores, self.seen = die_at, scores or [], list[tuple[int, int]]()

    def batches(self, epoch: int) -> int:
        del epoch
        return 4

    def batch(self, epoch: int, number: int) -> Tensor:
        rng = torch.Generator().manual_seed(100 * epoch + number)
        return torch.randn(8, 2, generator=rng)

    def loss(self, batch: Tensor) -> Tensor:
        if self.die_at is not None and len(self.seen) == self.die_at:
            raise KeyboardInterrupt
        self.seen.append((0, 0))
        return (self.model(batch)[:, 0] - batch @ torch.tensor([1.0, -2.0])).square().mean()

    def validate(self) -> dict[str, float]:
        if self.scores:
            return {"score": self.scores.pop(0)}
        x = torch.randn(32, 2, generator=torch.Generator().manual_seed(9))
        return {"score": -float((self.model(x)[:, 0] - x[:, 0]).square().mean())}


def run(trainee: Line, folder: Path, identity: str = "", **settings: Any) -> FitResult:
    optimizer = torch.optim.AdamW(trainee.model.parameters(), lr=0.05)
    total = 4 * settings.get("epochs", 3)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, max_lr=0.05, total_steps=total)
    given = {"epochs": 3, "workers": 1, "save_every_s": 0.0, **settings}
    return fit(trainee, optimizer, schedule, FitSettings(**given), folder=folder, identity=identity)


def weights(path: Path) -> dict[str, Tensor]:
    return torch.load(path, weights_only=True)["model"]


@pytest.mark.parametrize("die_at", [2, 4, 7])
def test_a_killed_run_goes_on_to_the_same_weights(tmp_path: Path, die_at: int) -> None:
    whole, parts = tmp_path / "whole", tmp_path / "parts"
    whole.mkdir()
    parts.mkdir()
    run(Line(), whole)
    with pytest.raises(KeyboardInterrupt):
        run(Line(die_at=die_at), parts)
    again = Line()
    run(again, parts)
    assert len(again.seen) == 12 - die_at
    for name, value in weights(whole / LAST).items():
        assert torch.equal(value, weights(parts / LAST)[name]), name
    logged = [Log(folder / "log.jsonl").read() for folder in (whole, parts)]
    losses = [[(row["step"], row["loss"], row["score"]) for row in rows] for rows in logged]
    assert losses[0] == losses[1]


def test_a_finished_run_has_nothing_left_to_do(tmp_path: Path) -> None:
    run(Line(), tmp_path)
    again = Line()
    result = run(again, tmp_path)
    assert not again.seen
    assert result.epochs == 3


def test_patience_ends_training_and_best_is_kept(tmp_path: Path) -> None:
    result = run(Line(scores=[0.1, 0.5, 0.4, 0.3, 0.9]), tmp_path, epochs=5, patience=2)
    assert (result.epochs, result.best, result.best_epoch) == (4, 0.5, 2)
    assert result.stopped_early
    stored = torch.load(tmp_path / BEST, weights_only=True)["progressed"]
    assert stored["epoch"] == 2


def test_another_configuration_is_refused(tmp_path: Path) -> None:
    run(Line(), tmp_path, identity="one")
    with pytest.raises(CheckpointError, match=r"another configuration.*config\.yaml"):
        run(Line(), tmp_path, identity="two")


def test_a_loss_that_is_not_finite_names_epoch_and_batch(tmp_path: Path) -> None:
    class Bad(Line):
        def loss(self, batch: Tensor) -> Tensor:
            return super().loss(batch) * float("nan")

    with pytest.raises(DataError, match=r"nan at epoch 1, batch 1.*learning rate"):
        run(Bad(), tmp_path)


@pytest.mark.parametrize("content", [b"", b"no checkpoint at all", b"PK\x03\x04 broken"])
def test_a_damaged_checkpoint_is_told(tmp_path: Path, content: bytes) -> None:
    (tmp_path / LAST).write_bytes(content)
    with pytest.raises(CheckpointError, match="cannot be read as a checkpoint"):
        run(Line(), tmp_path)


def test_a_checkpoint_of_another_model_is_told(tmp_path: Path) -> None:
    path = save_checkpoint(tmp_path / "a.ckpt", nn.Linear(2, 3), Progressed(), {})
    with pytest.raises(CheckpointError, match="does not fit the model"):
        load_checkpoint(path, nn.Linear(2, 4), {})
    with pytest.raises(MissingFileError, match="No such file"):
        load_checkpoint(tmp_path / "none.ckpt", nn.Linear(2, 4), {})


@pytest.mark.parametrize("workers", [0, 1, 3])
def test_batches_come_in_order_with_any_number_of_threads(workers: int) -> None:
    assert list(Ahead(lambda k: 2 * k, 9, first=2, workers=workers)) == list(range(4, 18, 2))


def test_an_error_in_a_batch_reaches_the_reader() -> None:
    def make(number: int) -> int:
        if number == 3:
            raise DataError("Frame 3 is broken.")
        return number

    with pytest.raises(DataError, match="Frame 3"):
        list(Ahead(make, 9, workers=2))


def network() -> nn.Module:
    torch.manual_seed(5)
    return nn.Sequential(
        nn.Conv2d(2, 6, 3),
        nn.BatchNorm2d(6),
        nn.Tanh(),
        nn.Flatten(2),
        nn.BatchNorm1d(6),
        nn.Flatten(),
        nn.Linear(6 * 9, 5),
    ).double()


def contrast(vectors: Tensor) -> Tensor:
    unit = nn.functional.normalize(vectors, dim=1)
    return (unit @ unit.T / 0.1).logsumexp(dim=1).mean()


def one_step(rank: int, size: int, port: int, queue: Any) -> None:
    os.environ.update(
        RANK=str(rank), WORLD_SIZE=str(size), MASTER_ADDR="127.0.0.1", MASTER_PORT=str(port)
    )
    torch.set_num_threads(1)
    frames = torch.randn(8, 2, 5, 5, generator=torch.Generator().manual_seed(1)).double()
    with join_world(torch.device("cpu")) as world:
        model = network().train()
        share_statistics(model, world)
        loss = contrast(gather(model(frames[rank::size]), world))
        loss.backward()
        average_gradients(model, world)
        assert world.any(rank == 1)
        assert world.from_first(float(rank) + 2.0) == 2.0
        gradients = [p.grad.numpy() for p in model.parameters() if p.grad is not None]
        buffers = [b.numpy() for b in model.buffers()]
        queue.put((rank, float(loss.detach()), gradients, buffers))


def test_two_processes_make_the_step_of_one() -> None:
    frames = torch.randn(8, 2, 5, 5, generator=torch.Generator().manual_seed(1)).double()
    model = network().train()
    loss = contrast(model(frames))
    loss.backward()
    results = in_processes(one_step, 2)
    for _, found, gradients, buffers in results:
        assert found == pytest.approx(float(loss.detach()), rel=1e-10)
        for mine, parameter in zip(gradients, model.parameters(), strict=True):
            assert parameter.grad is not None
            torch.testing.assert_close(
                torch.from_numpy(mine), parameter.grad, rtol=1e-9, atol=1e-12
            )
        for mine, buffer in zip(buffers, model.buffers(), strict=True):
            torch.testing.assert_close(torch.from_numpy(mine), buffer, rtol=1e-10, atol=1e-12)


def in_processes(target: Callable[..., None], size: int) -> list[Any]:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    context = multiprocessing.get_context("spawn")
    queue = context.Queue()
    started = [context.Process(target=target, args=(k, size, port, queue)) for k in range(size)]
    for process in started:
        process.start()
    results = [queue.get(timeout=120) for _ in started]
    for process in started:
        process.join(timeout=60)
    return results


def test_alone_nothing_is_exchanged() -> None:
    world, values = World(), torch.ones(2, 3)
    assert gather(values, world) is values
    assert world.any(True)
    assert world.from_first(3.0) == 3.0
