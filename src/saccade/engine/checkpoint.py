"""Checkpoints of training: everything the next step depends on, whole or not at all.

    last.ckpt   model, optimiser, schedule, scaler, progress      after every epoch, and in between
    best.ckpt   the same at the best validation                   for what is tested and shipped

A checkpoint holds tensors and plain numbers; it is read with weights only, so no code in it runs.
"""

from __future__ import annotations

import pickle
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Any, cast

import torch
from torch import nn

from saccade.errors import CheckpointError, MissingFileError, listing
from saccade.files import replacing

__all__ = ["Progressed", "load_checkpoint", "save_checkpoint"]

SCHEMA = "saccade.checkpoint.1"


@dataclass
class Progressed:
    """How far training has come.

    Args:
        epoch: Epochs that are finished.
        batch: Batches of the current epoch that are finished.
        step: Optimiser steps in all.
        best: Best validation so far; None before the first.
        best_epoch: When that was, counted from 1.
        loss_sum: Sum of the losses of the current epoch.
        identity: Hash of what must not change between a run and its continuation.
    """

    epoch: int = 0
    batch: int = 0
    step: int = 0
    best: float | None = None
    best_epoch: int = 0
    loss_sum: float = 0.0
    identity: str = ""


def save_checkpoint(
    path: Path,
    model: nn.Module,
    progressed: Progressed,
    parts: dict[str, Any],
) -> Path:
    """Write a checkpoint; an older one of that name is replaced in one step.

    Args:
        path: File.
        model: Its state is stored.
        progressed: How far it is.
        parts: Name -> anything with ``state_dict()``: optimiser, schedule, scaler.
    """
    content = {
        "schema": SCHEMA,
        "model": model.state_dict(),
        "progressed": asdict(progressed),
        "parts": {name: part.state_dict() for name, part in parts.items()},
    }
    with replacing(path) as part:
        torch.save(content, part)
    return path


def load_checkpoint(
    path: Path, model: nn.Module, parts: dict[str, Any], *, identity: str = ""
) -> Progressed:
    """Put a checkpoint back into model, optimiser and schedule.

    Args:
        path: File.
        model: Gets the stored state.
        parts: As for `save_checkpoint`.
        identity: What the stored identity must be; empty = any.

    Raises:
        MissingFileError: There is no such file.
        CheckpointError: It is no checkpoint, or belongs to another model or configuration.
    """
    content = _read(path)
    progressed = Progressed(**content["progressed"])
    if identity and progressed.identity != identity:
        raise CheckpointError(
            f"{path} was trained with another configuration.",
            "Expected the arguments of the run that is continued; epochs and patience may differ.",
            "Repeat the command with the arguments in its config.yaml, or name another run.",
        )
    try:
        model.load_state_dict(content["model"])
        for name, part in parts.items():
            part.load_state_dict(content["parts"][name])
    except (RuntimeError, KeyError, ValueError) as error:
        raise CheckpointError(
            f"{path} does not fit the model: {str(error).splitlines()[0]}",
            "Expected the model and optimiser it was written with.",
        ) from error
    return progressed


def _read(path: Path) -> dict[str, Any]:
    if not path.is_file():
        raise MissingFileError(f"No such file: {path}.", "Expected a checkpoint of training.")
    try:
        content: Any = torch.load(path, map_location="cpu", weights_only=True)
    except (pickle.UnpicklingError, RuntimeError, EOFError, ValueError, KeyError) as error:
        raise CheckpointError(
            f"{path} cannot be read as a checkpoint.",
            "Expected a file written by saccade train.",
            "Delete it to begin anew, or copy it again.",
        ) from error
    needed = {"schema", "model", "progressed", "parts"}
    if not isinstance(content, dict) or needed - cast("dict[str, Any]", content).keys():
        raise CheckpointError(f"{path} is no checkpoint of training.", f"Expected {SCHEMA!r}.")
    stored = cast("dict[str, Any]", content)
    known = {item.name for item in fields(Progressed)}
    unknown = sorted(cast("dict[str, Any]", stored["progressed"]).keys() - known)
    if stored["schema"] != SCHEMA or unknown:
        raise CheckpointError(
            f"{path} has schema {stored['schema']!r} {listing(unknown)}.",
            f"This version reads {SCHEMA!r}.",
        )
    return stored
