"""Training of a place network: pairs of windows of one place, InfoNCE, one-cycle AdamW.

data set -> pairs of frames -> descriptors -> loss          validate: recall@1 of the val pair
                                                            weights.safetensors: the best epoch
"""

from __future__ import annotations

import time
from dataclasses import replace
from hashlib import sha256
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from saccade.contracts import Cell, Progress, Report, Table
from saccade.engine import RunDir, pick_device, progress, to_plain, to_yaml
from saccade.engine.checkpoint import load_checkpoint
from saccade.engine.distributed import World, gather, join_world, share_statistics
from saccade.engine.fit import BEST, LAST, FitResult, FitSettings, fit
from saccade.errors import ConfigError, MissingFileError
from saccade.tasks.place.bank import embed_traverse
from saccade.tasks.place.checkpoint import save_weights
from saccade.tasks.place.config_input import NetworkArgs
from saccade.tasks.place.config_train import TrainConfig
from saccade.tasks.place.embed import load_network
from saccade.tasks.place.loss import info_nce, near_pairs
from saccade.tasks.place.model import PlaceNet
from saccade.tasks.place.pairs import PairBatch, Pairs
from saccade.tasks.place.validate import check_counts, check_truth
from saccade.traverses.sets import open_set
from saccade.traverses.traverse import PlaceSet

__all__ = ["PlaceTrainee", "train"]

WEIGHTS = "weights.safetensors"


class PlaceTrainee:
    """A network, its pairs, its loss and its validation, see `saccade.engine.fit.Trainee`.

    Args:
        model: On its device.
        data: The data set.
        cfg: The configuration.
        world: The processes that train together.
    """

    def __init__(
        self, model: PlaceNet, data: PlaceSet, cfg: TrainConfig, world: World | None = None
    ) -> None:
        self.model = model
        self._data, self._cfg, self._world = data, cfg, world or World()
        published = cfg.loss == "published"
        if published and data.labels is None:
            raise ConfigError(
                f"--loss published: the data set {data.name} has no published labels.",
                fix="Use --loss masked.",
            )
        self._pairs = Pairs(
            data.train,
            positive_m=data.positive_m,
            pairs=cfg.pairs,
            seed=cfg.seed,
            flip=cfg.flip,
            joint_flip=not published,
            is_sideways=data.is_sideways and not published,
            labels=data.labels() if published and data.labels is not None else None,
            world=self._world,
        )
        self._ignore_m = data.positive_m if cfg.ignore_m is None else cfg.ignore_m
        self._device = next(model.parameters()).device

    @property
    def pairs(self) -> Pairs:
        """Where batches come from."""
        return self._pairs

    def batches(self, epoch: int) -> int:
        """Return the batches of an epoch."""
        return self._pairs.batches(epoch)

    def batch(self, epoch: int, number: int) -> PairBatch:
        """Return a batch on the CPU."""
        return self._pairs.batch(epoch, number)

    def loss(self, batch: PairBatch) -> Tensor:
        """Return the loss over the windows of all processes."""
        frames = batch.frames.to(self._device, memory_format=torch.channels_last)
        vectors = gather(self.model(frames).float(), self._world)
        labels = gather(batch.labels.to(self._device), self._world)
        ignore = None
        if self._cfg.loss == "masked":
            ignore = near_pairs(
                gather(batch.positions_m.to(self._device), self._world), self._ignore_m
            )
        with torch.autocast(self._device.type, enabled=False):  # 8 bits do not tell cosines apart
            return info_nce(vectors, labels, temperature=self._cfg.temperature, ignore=ignore)

    def validate(self) -> dict[str, float]:
        """Return recall of the validation pair; nothing where there is none."""
        pair = self._data.val
        if pair is None:
            return {}
        from saccade.tasks.place.validate import pair_recall

        banks = [
            embed_traverse(self.model, side, workers=self._cfg.workers)
            for side in (pair.query, pair.reference)
        ]
        return pair_recall(banks[0], banks[1], pair, self._data)


def train(cfg: TrainConfig) -> Report:
    """Train, or go on with a run that was stopped.

    Writes ``config.yaml``, ``log.jsonl``, ``last.ckpt``, ``best.ckpt``, ``weights.safetensors`` and
    ``report.json`` into the run folder.

    Raises:
        ConfigError: Arguments do not fit each other or the data set.
        MissingFileError: The data set, a traverse of it or the run to resume is not there.
        DataError: The loss is not finite; the last checkpoint is from before. Or the tolerance
            makes no pair of validation, or every one, a true match.
    """
    device = pick_device(cfg.device)
    with join_world(device) as world:
        data = open_set(cfg.data)
        torch.manual_seed(cfg.seed)  # pyright: ignore[reportUnknownMemberType]
        model = _network(cfg).to(device)
        model.to(memory_format=torch.channels_last)  # pyright: ignore[reportCallIssue]
        if data.train:
            check_counts(data.train[0], data.units)
        trainee = PlaceTrainee(model, data, cfg, world)
        if data.val is not None:
            check_truth(data.val, data)  # not after an epoch of hours
        share_statistics(model, world)
        if cfg.dry_run:
            return _rehearse(cfg, trainee, data)
        if world.is_first:
            return _train(cfg, trainee, data, world)
        _fit(cfg, trainee, cfg.out / (cfg.name or "-"), world, lambda done, total: None)
        return Report(f"Process {world.rank} of {world.size}")


def _network(cfg: TrainConfig) -> PlaceNet:
    if cfg.init is None:
        return PlaceNet.build(cfg.model, cfg.seed)
    return load_network(cfg.init, NetworkArgs(), torch.device("cpu")).model


def _train(cfg: TrainConfig, trainee: PlaceTrainee, data: PlaceSet, world: World) -> Report:
    with _run_folder(cfg) as run, progress(f"Training {run.folder.name}", unit="steps") as t:
        result = _fit(cfg, trainee, run.folder, world, t)
        best = run.folder / (BEST if (run.folder / BEST).exists() else LAST)
        load_checkpoint(best, trainee.model, {})
        trainee.model.eval()
        weights = save_weights(trainee.model.cpu(), run.path(WEIGHTS))
        report = _report(cfg, data, trainee, result, weights)
        path = run.write_json("report.json", replace(report, files=()))
        return replace(report, files=(weights, path, run.folder / "config.yaml"))


def _fit(
    cfg: TrainConfig, trainee: PlaceTrainee, folder: Path, world: World, tell: Progress
) -> FitResult:
    optimizer = torch.optim.AdamW(
        trainee.model.parameters(), lr=cfg.learning_rate, weight_decay=cfg.weight_decay
    )
    schedule = torch.optim.lr_scheduler.OneCycleLR(
        optimizer,
        max_lr=cfg.learning_rate,
        total_steps=cfg.epochs * trainee.batches(0),
        pct_start=cfg.warm_up,
    )
    settings = FitSettings(
        epochs=cfg.epochs,
        patience=cfg.patience,
        validate_every=cfg.validate_every,
        precision=cfg.precision,
        workers=cfg.workers,
    )
    return fit(
        trainee,
        optimizer,
        schedule,
        settings,
        folder=folder,
        identity=_identity(cfg),
        world=world,
        track=cfg.track,
        config=to_plain(cfg),
        tell=tell,
    )


def _run_folder(cfg: TrainConfig) -> RunDir:
    """Make the folder, or take up that of a stopped run."""
    if cfg.name is None:
        return RunDir.create("train", "place", root=cfg.out, config=cfg)
    folder = cfg.out / cfg.name
    if cfg.resume and not folder.is_dir():
        raise MissingFileError(
            f"There is no run {cfg.name!r} in {cfg.out} to go on with.",
            "Expected the --name and --out that it was begun with.",
            "Leave --resume out to begin it.",
        )
    return RunDir.again(folder) if cfg.resume else RunDir.at(folder, config=cfg)


def _identity(cfg: TrainConfig) -> str:
    """Hash of everything that the weights depend on."""
    same = replace(
        cfg, patience=0, workers=0, device="cpu", name="-", out=Path(), resume=False,
        dry_run=False, track=(), data=replace(cfg.data, root=None),
    )  # fmt: skip
    return sha256(to_yaml(same).encode()).hexdigest()


def _rehearse(cfg: TrainConfig, trainee: PlaceTrainee, data: PlaceSet) -> Report:
    """Make one step and say what training would take."""
    trainee.model.train()
    made = time.perf_counter()
    batch = trainee.batch(0, 0)
    stepped = time.perf_counter()
    loss = trainee.loss(batch)
    loss.backward()
    end = time.perf_counter()
    steps = trainee.batches(0)
    filled = batch.frames.sum((1, 2, 3)) > 0
    values = _described(cfg, trainee, data) | {
        "loss_of_first_batch": float(loss.detach()),
        "events_per_pixel": float(batch.frames.mean()) * batch.frames.shape[1],
        "empty_frames_in_batch": int((~filled).sum()),
        "seconds_per_batch_data": stepped - made,
        "seconds_per_step": end - stepped,
        "hours_for_all_epochs": steps * cfg.epochs * max(end - stepped, stepped - made) / 3600,
    }
    notes = (*data.notes, "Nothing was written: --dry-run.")
    return Report(f"Rehearsal on {data.name}", values, notes=notes)


def _described(cfg: TrainConfig, trainee: PlaceTrainee, data: PlaceSet) -> dict[str, Any]:
    return {
        "data": data.name,
        "network": f"{cfg.model.arch}, width {cfg.model.width}, {cfg.model.aggregator}",
        "parameters": sum(p.numel() for p in trainee.model.parameters()),
        "train": ", ".join(item.name for item in data.train),
        "training_windows": len(trainee.pairs),
        "windows_without_partner": trainee.pairs.alone,
        "val": data.val.name if data.val else None,
        "batches_per_epoch": trainee.batches(0),
        "seed": cfg.seed,
    }


def _report(
    cfg: TrainConfig, data: PlaceSet, trainee: PlaceTrainee, result: FitResult, weights: Path
) -> Report:
    values = _described(cfg, trainee, data) | {
        "epochs": result.epochs,
        "steps": result.steps,
        "best_validation": result.best,
        "best_epoch": result.best_epoch or None,
        "stopped_early": result.stopped_early,
        "data_wait": result.data_wait,
        "seconds": result.seconds,
    }
    names = sorted({name for row in result.history for name in row})
    rows: list[tuple[Cell, ...]] = [
        (result.epochs - len(result.history) + k + 1, *(row.get(name) for name in names))
        for k, row in enumerate(result.history)
    ]
    shown = tuple(rows[:: max(len(rows) // 20, 1)])
    table = Table("Epochs", ("epoch", *(name.replace("_", " ") for name in names)), shown)
    notes = (*data.notes, f"Weights of epoch {result.best_epoch or result.epochs}: {weights.name}.")
    return Report(f"Training on {data.name}", values, (table,), notes)
