"""The loop that trains any task: epochs, validation, early stopping, checkpoints, resume.

    for epoch:  for batch:  loss -> backward -> step        log.jsonl: loss, rate, speed, data wait
                validate -> best.ckpt if better             stop after `patience` epochs without
                last.ckpt

What the next step depends on is the checkpoint, the seed and the numbers of epoch and batch; no
hidden generator. A run that is killed and resumed gives the same weights, bit for bit on the CPU.
"""

from __future__ import annotations

import math
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal, Protocol, cast

import torch
from torch import Tensor, nn
from torch.optim import Optimizer
from torch.optim.lr_scheduler import LRScheduler

from saccade.contracts import Progress
from saccade.engine.checkpoint import Progressed, load_checkpoint, save_checkpoint
from saccade.engine.distributed import World, average_gradients
from saccade.engine.loader import Ahead
from saccade.engine.track import Trackers, open_trackers
from saccade.errors import DataError

__all__ = ["FitResult", "FitSettings", "Trainee", "fit"]

Precision = Literal["float32", "bfloat16", "float16"]
LAST, BEST = "last.ckpt", "best.ckpt"


class Trainee(Protocol):
    """What a task gives to be trained."""

    @property
    def model(self) -> nn.Module:
        """What learns, on its device."""
        ...

    def batches(self, epoch: int) -> int:
        """Return the number of batches of an epoch, the same for all processes."""
        ...

    def batch(self, epoch: int, number: int) -> Any:
        """Make a batch on the CPU; a function of epoch and number only, called by threads."""
        ...

    def loss(self, batch: Any) -> Tensor:
        """Return the loss of a batch; the model is in training mode."""
        ...

    def validate(self) -> dict[str, float]:
        """Return measures of the model, the first of which decides, higher = better."""
        ...


@dataclass(frozen=True, kw_only=True)
class FitSettings:
    """How long, how exact, how often.

    Args:
        epochs: Most epochs.
        patience: Epochs without a better validation after which training ends; 0 = never.
        validate_every: Epochs between validations.
        precision: Of the forward pass; weights stay float32. float16 scales the loss.
        workers: Threads that make batches.
        save_every_s: Seconds between checkpoints within an epoch.
    """

    epochs: int
    patience: int = 0
    validate_every: int = 1
    precision: Precision = "float32"
    workers: int = 2
    save_every_s: float = 300.0


@dataclass(frozen=True)
class FitResult:
    """How training ended.

    Args:
        epochs: Epochs trained in all.
        steps: Optimiser steps.
        best: Best validation, None where none was made.
        best_epoch: Its epoch, from 1.
        stopped_early: Whether patience ended it.
        history: One dict per epoch of this call.
        data_wait: Share of the time spent waiting for batches.
        seconds: Time of this call.
    """

    epochs: int
    steps: int
    best: float | None
    best_epoch: int
    stopped_early: bool
    history: list[dict[str, float]] = field(default_factory=list[dict[str, float]])
    data_wait: float = 0.0
    seconds: float = 0.0


def fit(
    trainee: Trainee,
    optimizer: Optimizer,
    schedule: LRScheduler,
    settings: FitSettings,
    *,
    folder: Path,
    identity: str = "",
    world: World | None = None,
    track: Sequence[str] = (),
    config: object = None,
    tell: Progress | None = None,
) -> FitResult:
    """Train until the last epoch or until patience ends; go on where ``last.ckpt`` stands.

    Args:
        trainee: Model, batches, loss, validation.
        optimizer: Of the model's parameters.
        schedule: Stepped once per batch.
        settings: See there.
        folder: Where checkpoints are, and are written by the first process.
        identity: Hash of the configuration; a checkpoint with another one is refused.
        world: The processes that train together.
        track: Writers beside ``log.jsonl``, see `saccade.engine.track`; of the first process.
        config: What those writers are told about the run.
        tell: Called with (steps done, steps in all).

    Raises:
        DataError: The loss is not finite.
        CheckpointError: The checkpoint belongs to another configuration.
    """
    loop = _Loop(trainee, optimizer, schedule, settings, folder, identity, world or World())
    return loop.run(track, config, tell)


class _Loop:
    def __init__(
        self,
        trainee: Trainee,
        optimizer: Optimizer,
        schedule: LRScheduler,
        settings: FitSettings,
        folder: Path,
        identity: str,
        world: World,
    ) -> None:
        self.trainee, self.settings, self.world = trainee, settings, world
        self.optimizer, self.schedule, self.folder = optimizer, schedule, folder
        self.device = next(trainee.model.parameters()).device
        self.scaler = torch.amp.GradScaler(  # pyright: ignore[reportPrivateImportUsage]
            self.device.type, enabled=settings.precision == "float16"
        )
        self.parts = {"optimizer": optimizer, "schedule": schedule, "scaler": self.scaler}
        self.at = Progressed(identity=identity)
        if (folder / LAST).exists():
            self.at = load_checkpoint(folder / LAST, trainee.model, self.parts, identity=identity)
        self.waited_s, self.saved_at = 0.0, time.monotonic()

    def run(self, track: Sequence[str], config: object, tell: Progress | None) -> FitResult:
        if not self.world.is_first:
            return self._train(None, tell)
        again = self.at.step if (self.folder / "log.jsonl").exists() else None
        with open_trackers(self.folder, track, config, resume_step=again) as trackers:
            return self._train(trackers, tell)

    def _train(self, trackers: Trackers | None, tell: Progress | None) -> FitResult:
        begin, settings = time.monotonic(), self.settings
        history: list[dict[str, float]] = []
        while self.at.epoch < settings.epochs and not self._out_of_patience():
            values = self._epoch(tell)
            self.at.epoch, self.at.batch, self.at.loss_sum = self.at.epoch + 1, 0, 0.0
            last = self.at.epoch == settings.epochs
            if last or self.at.epoch % settings.validate_every == 0:
                values |= self._validate()
            history.append(values)
            if trackers is not None:
                trackers.log(self.at.step, {"epoch": self.at.epoch, **values})
            self._save(LAST)
        seconds = time.monotonic() - begin
        return FitResult(
            epochs=self.at.epoch,
            steps=self.at.step,
            best=self.at.best,
            best_epoch=self.at.best_epoch,
            stopped_early=self.at.epoch < settings.epochs,
            history=history,
            data_wait=self.waited_s / seconds if seconds else 0.0,
            seconds=seconds,
        )

    def _epoch(self, tell: Progress | None) -> dict[str, float]:
        """Train to the end of the current epoch, from the batch where it stands."""
        self.trainee.model.train()
        epoch, count = self.at.epoch, self.trainee.batches(self.at.epoch)
        loader = Ahead(
            lambda number: self.trainee.batch(epoch, number),
            count,
            first=self.at.batch,
            workers=self.settings.workers,
        )
        begin, first = time.monotonic(), self.at.batch
        for batch in loader:
            self.at.loss_sum += self._step(batch)
            self.at.batch, self.at.step = self.at.batch + 1, self.at.step + 1
            if tell is not None and self.world.is_first:
                tell(epoch * count + self.at.batch, self.settings.epochs * count)
            if time.monotonic() - self.saved_at > self.settings.save_every_s:
                self._save(LAST)
        self.waited_s += loader.waited_s
        spent = max(time.monotonic() - begin, 1e-9)
        return {
            "loss": self.at.loss_sum / max(count, 1),
            "learning_rate": float(self.schedule.get_last_lr()[0]),
            "steps_per_s": (count - first) / spent,
            "data_wait": loader.waited_s / spent,
        }

    def _step(self, batch: Any) -> float:
        lowered = self.settings.precision != "float32"
        kind = torch.float16 if self.settings.precision == "float16" else torch.bfloat16
        with torch.autocast(self.device.type, dtype=kind, enabled=lowered):
            loss = self.trainee.loss(batch)
        value = float(loss.detach())
        if not math.isfinite(value):
            raise DataError(
                f"The loss is {value} at epoch {self.at.epoch + 1}, batch {self.at.batch + 1}.",
                "Expected a finite number.",
                f"Lower the learning rate, or use --precision float32. {LAST} is from before.",
            )
        self.optimizer.zero_grad(set_to_none=True)
        cast(Any, self.scaler.scale(loss)).backward()
        average_gradients(self.trainee.model, self.world)
        self.scaler.step(self.optimizer)
        self.scaler.update()
        self.schedule.step()
        return value

    def _validate(self) -> dict[str, float]:
        self.trainee.model.eval()
        with torch.no_grad():
            measured = self.trainee.validate()
        if not measured:
            return {}
        score = self.world.from_first(next(iter(measured.values())))
        if self.at.best is None or score > self.at.best:
            self.at.best, self.at.best_epoch = score, self.at.epoch
            self._save(BEST)
        return measured

    def _out_of_patience(self) -> bool:
        if not self.settings.patience or self.at.best is None:
            return False
        return self.at.epoch - self.at.best_epoch >= self.settings.patience

    def _save(self, name: str) -> None:
        if self.world.is_first:
            save_checkpoint(self.folder / name, self.trainee.model, self.at, self.parts)
        self.saved_at = time.monotonic()
