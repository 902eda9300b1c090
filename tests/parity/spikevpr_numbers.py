"""Deterministic numbers and weights of the SpikeVPR golden data, from its formulas."""

from __future__ import annotations

import json
import math
import os
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

__all__ = [
    "FOLDER",
    "files",
    "formula_weight",
    "formula_weights",
    "loss_weights",
    "meta",
    "uniform",
]

FOLDER = (
    Path(os.environ["SACCADE_PARITY_DATA"]) / "spikevpr"
    if "SACCADE_PARITY_DATA" in os.environ
    else Path(__file__).parent / "data" / "spikevpr"
)

Key = tuple[str, tuple[int, ...]]


def files(prefix: str) -> list[Path]:
    """Return the golden files whose name starts with a prefix."""
    return sorted(path for path in FOLDER.glob(f"{prefix}*") if path.suffix in (".npz", ".json"))


def meta(data: Any) -> dict[str, Any]:
    """Return the JSON description inside an npz, empty where there is none."""
    return json.loads(str(data["meta"])) if "meta" in data.files else {}


def uniform(count: int, stream: int, seed: int) -> NDArray[np.float64]:
    """Return u(0..count-1, stream, seed) in [0, 1)."""
    mask = np.uint64(0xFFFFFFFF)
    start = (stream * 0x85EBCA6B + seed * 0xC2B2AE35 + 0x165667B1) & 0xFFFFFFFF
    x = (np.arange(count, dtype=np.uint64) * np.uint64(0x9E3779B9) + np.uint64(start)) & mask
    for shift, factor in ((16, 0x7FEB352D), (15, 0x846CA68B)):
        x = ((x ^ (x >> np.uint64(shift))) * np.uint64(factor)) & mask
    return (x ^ (x >> np.uint64(16))).astype(np.float64) / 2.0**32


def formula_weight(
    key: str, shape: tuple[int, ...], position: int, seed: int
) -> torch.Tensor | None:
    """Return the weight at a position of the state dict, or None for statistics and counters."""
    if "running_" in key or key.endswith("num_batches_tracked") or not shape:
        return None
    c = 2 * uniform(math.prod(shape), position, seed).reshape(shape) - 1
    if len(shape) == 4:
        values = math.sqrt(6 / math.prod(shape[1:])) * c
    elif len(shape) == 2:
        values = 1.5 * math.sqrt(3 / shape[1]) * c
    elif key.endswith("weight"):
        values = 1 + 0.25 * c
    elif key.endswith("bias"):
        values = (0.1 if ".fc" in key or "_proj" in key else 0.25) * c
    else:
        return None
    return torch.from_numpy(values.astype(np.float32))


def formula_weights(keys: Iterable[Key], seed: int) -> dict[str, torch.Tensor]:
    """Return all weights that the formulas give, by key."""
    made = {
        key: formula_weight(key, tuple(shape), position, seed)
        for position, (key, shape) in enumerate(keys)
    }
    return {key: value for key, value in made.items() if value is not None}


def loss_weights(
    shape: tuple[int, ...], stream: int, seed: int, dtype: torch.dtype
) -> torch.Tensor:
    """Return C of the golden loss sum(y * C): 2u - 1 in the shape of y."""
    values = 2 * uniform(math.prod(shape), stream, seed) - 1
    return torch.from_numpy(values.reshape(shape)).to(dtype)
