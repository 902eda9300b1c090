"""What can be set about place recognition by modules, verb by verb. Nothing here imports torch."""

from __future__ import annotations

from typing import Any

from saccade.tasks.place_stdp.config_delta import DeltaConfig
from saccade.tasks.place_stdp.config_eval import EnergyConfig, EvalConfig, PredictConfig
from saccade.tasks.place_stdp.config_model import DeltaArgs, InputArgs, StdpArgs
from saccade.tasks.place_stdp.config_network import NetworkConfig
from saccade.tasks.place_stdp.config_train import JobArgs, TrainConfig

__all__ = [
    "VERBS",
    "DeltaArgs",
    "DeltaConfig",
    "EnergyConfig",
    "EvalConfig",
    "InputArgs",
    "JobArgs",
    "NetworkConfig",
    "PredictConfig",
    "StdpArgs",
    "TrainConfig",
]

VERBS: dict[str, type[Any]] = {
    "train": TrainConfig,
    "eval": EvalConfig,
    "predict": PredictConfig,
    "energy": EnergyConfig,
}
"""Verb -> configuration; `saccade.tasks.place_stdp.task` has a function of each name."""
