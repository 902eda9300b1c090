"""Where the numbers of a run can go beside its own log: TensorBoard, MLflow, Weights & Biases.

Each writes into the run folder, and imports its package only when it is opened.
"""

from __future__ import annotations

import importlib
import os
import re
import warnings
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any, Protocol, cast

from saccade.engine.config_io import to_plain, to_yaml
from saccade.optional import require

__all__ = ["WRITERS", "Tracker"]


class Tracker(Protocol):
    """Takes the numbers of a run, step by step."""

    def log(self, step: int, values: Mapping[str, float]) -> None:
        """Record the values of a step."""
        ...

    def close(self) -> None:
        """Write what is left and let go."""
        ...


class _TensorBoard:
    def __init__(self, folder: Path, config: object, resume_step: int | None) -> None:
        require("tensorboard", "Tracking with TensorBoard")
        writer = importlib.import_module("torch.utils.tensorboard").SummaryWriter
        purge = None if resume_step is None else resume_step + 1
        self._writer = writer(log_dir=str(folder / "tensorboard"), purge_step=purge)
        if config is not None and resume_step is None:
            self._writer.add_text("config", f"```\n{to_yaml(config)}```", 0)

    def log(self, step: int, values: Mapping[str, float]) -> None:
        for name, value in values.items():
            self._writer.add_scalar(name, value, step)
        self._writer.flush()

    def close(self) -> None:
        self._writer.close()


class _MLflow:
    def __init__(self, folder: Path, config: object, resume_step: int | None) -> None:
        mlflow = require("mlflow", "Tracking with MLflow")
        # MLflow 3.13 and later opens a folder of files, which needs no database, only when told to.
        os.environ.setdefault("MLFLOW_ALLOW_FILE_STORE", "true")
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", FutureWarning)
            self._client = mlflow.MlflowClient(tracking_uri=(folder / "mlflow").resolve().as_uri())
        run = self._client.create_run("0", run_name=_run_name(folder, resume_step))
        self._run = run.info.run_id
        for name, value in _flat(to_plain(config)):
            self._client.log_param(self._run, _mlflow_name(name), value)

    def log(self, step: int, values: Mapping[str, float]) -> None:
        for name, value in values.items():
            self._client.log_metric(self._run, _mlflow_name(name), value, step=step)

    def close(self) -> None:
        self._client.set_terminated(self._run)


class _WandB:
    def __init__(self, folder: Path, config: object, resume_step: int | None) -> None:
        self._run = require("wandb", "Tracking with Weights & Biases").init(
            project="saccade",
            name=_run_name(folder, resume_step),
            group=folder.resolve().name,
            dir=str(folder),
            mode="offline",
            config=dict(_flat(to_plain(config))),
            settings={"console": "off", "silent": True},
        )

    def log(self, step: int, values: Mapping[str, float]) -> None:
        self._run.log(dict(values), step=step)

    def close(self) -> None:
        self._run.finish()


WRITERS: dict[str, Callable[[Path, object, int | None], Tracker]] = {
    "tensorboard": _TensorBoard,
    "mlflow": _MLflow,
    "wandb": _WandB,
}
"""Name -> writer, made from run folder, configuration and the step a resumed run goes on from."""


def _run_name(folder: Path, resume_step: int | None) -> str:
    name = folder.resolve().name
    return name if resume_step is None else f"{name} from step {resume_step}"


def _flat(plain: Any, prefix: str = "") -> Iterator[tuple[str, Any]]:
    """Walk a nest of mappings as ``model.arch``, value."""
    if isinstance(plain, dict):
        for key, value in cast("dict[str, Any]", plain).items():
            yield from _flat(value, f"{prefix}.{key}" if prefix else key)
    elif prefix:
        yield prefix, plain


def _mlflow_name(name: str) -> str:
    """MLflow takes letters, digits and ``_ - . /`` and space: recall@1 becomes recall_at_1."""
    return re.sub(r"[^/\w.\- ]", "_", name.replace("@", "_at_"))
