"""One file for each trained network: a module, or all modules of a member of an ensemble.

    .safetensors   weights [M, n_in, n_e], delays [n_in, n_e], theta [M, n_e], what each neuron
                   stands for, in how many images it fired, which places each module learned
    metadata       learner, configuration, member, seed, epochs: JSON, nothing of it is executed

Files appear whole or not at all. A file says what it was made from (``identity``), so that work is
never taken up with other data or settings.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from safetensors import SafetensorError, safe_open
from safetensors.numpy import save_file

from saccade.engine.config_io import to_plain
from saccade.errors import CheckpointError, MissingFileError
from saccade.files import replacing

__all__ = ["SCHEMA", "Stored", "identity_of", "read_about", "read_stored", "write_stored"]

SCHEMA = "saccade.place_stdp.1"


@dataclass(frozen=True, eq=False)
class Stored:
    """Arrays and what they are.

    Args:
        arrays: Name -> array.
        about: Plain values: learner, configuration, seed, ...
    """

    arrays: Mapping[str, NDArray[Any]]
    about: Mapping[str, Any]


def identity_of(*parts: Any) -> str:
    """Return a digest of what a result depends on: configurations, names, arrays.

    Examples:
        >>> identity_of("day", np.arange(3)) == identity_of("day", np.arange(3))
        True
    """
    digest = hashlib.sha256()
    for part in parts:
        if isinstance(part, np.ndarray):
            digest.update(f"{part.dtype} {part.shape}".encode())
            digest.update(np.ascontiguousarray(part).tobytes())
        else:
            digest.update(json.dumps(to_plain(part), sort_keys=True).encode())
    return digest.hexdigest()[:16]


def write_stored(path: Path, arrays: Mapping[str, NDArray[Any]], about: Mapping[str, Any]) -> Path:
    """Write a file; an older one of that name is replaced in one step."""
    metadata = {"saccade": json.dumps({"schema": SCHEMA, **to_plain(dict(about))})}
    path.parent.mkdir(parents=True, exist_ok=True)
    with replacing(path) as part:
        plain = {name: np.asarray(array, order="C") for name, array in arrays.items()}
        save_file(plain, part, metadata=metadata)
    return path


def read_stored(path: Path, *, identity: str | None = None) -> Stored:
    """Read a file.

    Args:
        path: The file.
        identity: What it must have been made from; None accepts all.

    Raises:
        MissingFileError: There is no such file.
        CheckpointError: It is damaged, of another kind, or was made from something else.
    """
    about = read_about(path, identity=identity)
    try:
        with safe_open(path, framework="numpy") as file:
            arrays = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
    except (SafetensorError, OSError, ValueError) as error:
        raise _damaged(path, error) from error
    return Stored(arrays, about)


def read_about(path: Path, *, identity: str | None = None) -> dict[str, Any]:
    """Read what a file is, without its arrays; raises as `read_stored`."""
    if not path.is_file():
        raise MissingFileError(f"No such file: {path}.", "Expected a network of place_stdp.")
    try:
        with safe_open(path, framework="numpy") as file:
            metadata = file.metadata() or {}
        about: dict[str, Any] = json.loads(metadata.get("saccade", "null")) or {}
    except (SafetensorError, OSError, ValueError) as error:
        raise _damaged(path, error) from error
    if about.get("schema") != SCHEMA:
        raise CheckpointError(
            f"{path.name} is no network of place_stdp.",
            f"Expected {SCHEMA}, found {about.get('schema') or 'no schema'}.",
            "Make one with: saccade train place_stdp --recipe NAME",
        )
    if identity is not None and about.get("identity") != identity:
        raise CheckpointError(
            f"{path.name} was made with other data or settings.",
            "Expected those of this run.",
            "Give the run another --name, or delete the file.",
        )
    return about


def _damaged(path: Path, error: Exception) -> CheckpointError:
    return CheckpointError(
        f"{path.name} cannot be read: {error}.",
        "Expected a whole .safetensors file.",
        "Delete it; a run with --resume makes it again.",
    )
