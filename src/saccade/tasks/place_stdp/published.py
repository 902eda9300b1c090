"""Networks that VPRSNN wrote, read into plain arrays.

    weights_ne400_L25_offset0/XeAe{k}.npy          rows (i, j, w), one per synapse i -> j
    weights_ne400_L25_offset0/theta_A{k}.npy       theta of each excitatory neuron, volts
    outputs_ne400_L25_offset0/resultPopVecs{k}.npy spikes [last presentations, neurons]
    outputs_ne400_L25_offset0/inputNumbers.npy     place of every presentation

k is the number of images shown. A network that was stored once has no k in its names.

Two things to know. Delays were never stored, and each published run drew its own (defect 6): they
are drawn here from a seed, and the notes say so. Weights and theta of checkpoint k were written one
presentation later than its name says (defect 8).
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from saccade.errors import (
    ConfigError,
    DataError,
    FormatError,
    MissingFileError,
    ShapeError,
    listing,
)

__all__ = ["PublishedNetwork", "presentations", "read_network", "read_responses"]

LONGEST_DELAY_STEPS = 100
"""10 ms in steps of 0.1 ms."""


@dataclass(frozen=True, eq=False)
class PublishedNetwork:
    """One module.

    Args:
        weights: float64 ``[inputs, neurons]``.
        theta_v: float64 ``[neurons]``, adaptive part of the threshold in volts.
        delay_steps: int64 ``[inputs, neurons]``, 0 to 100 steps of 0.1 ms, drawn.
        presentations: Images it was shown, from the file name; None where that says nothing.
        notes: What the files do not hold.
    """

    weights: NDArray[np.float64]
    theta_v: NDArray[np.float64]
    delay_steps: NDArray[np.int64]
    presentations: int | None
    notes: tuple[str, ...]


def presentations(folder: str | Path) -> list[int]:
    """Return the checkpoints k of a folder of weights, rising.

    Raises:
        MissingFileError: There is no such folder.
    """
    folder = Path(folder)
    if not folder.is_dir():
        raise MissingFileError(f"No such folder: {folder}.", "Expected one with XeAe*.npy in it.")
    names = (re.fullmatch(r"XeAe(\d+)\.npy", path.name) for path in folder.iterdir())
    return sorted(int(name[1]) for name in names if name)


def read_network(
    folder: str | Path, shown: int | None = None, *, delay_seed: int = 0
) -> PublishedNetwork:
    """Read weights and thresholds, and draw delays.

    Args:
        folder: With ``XeAe{k}.npy`` and ``theta_A{k}.npy``.
        shown: The checkpoint k; None = the last one, or the files without a number.
        delay_seed: Of the delays, uniform over 0 to 10 ms.

    Raises:
        MissingFileError: There is no such folder, checkpoint or file.
        FormatError: A file is not a NumPy array of numbers.
        ShapeError: Synapses are missing or twice, or there is not one theta for each neuron.
        DataError: A number is NaN, infinite or negative.
    """
    folder = Path(folder)
    known = presentations(folder)
    ending = str(shown if shown is not None else known[-1] if known else "")
    path = folder / f"XeAe{ending}.npy"
    if not path.is_file():
        raise MissingFileError(
            f"No such file: {path}.",
            f"{folder.name} has weights after {listing(known) or 'no number of'} presentations.",
        )
    weights = _dense(_numbers(path), path.name)
    theta = _numbers(folder / f"theta_A{ending}.npy")
    if theta.shape != (weights.shape[1],):
        raise ShapeError(
            f"theta_A{ending}.npy has shape {list(theta.shape)}.",
            f"Expected [{weights.shape[1]}], one for each neuron of {path.name}.",
        )
    delays = np.random.default_rng(delay_seed).uniform(0, LONGEST_DELAY_STEPS, weights.shape)
    notes = [f"Delays are not in the files: drawn uniformly over 0 to 10 ms, seed {delay_seed}."]
    if ending:
        notes.append(f"Files of {ending} presentations hold the state after one more.")
    return PublishedNetwork(
        weights,
        theta,
        np.floor(delays + 0.5).astype(np.int64),
        int(ending) if ending else None,
        tuple(notes),
    )


def read_responses(
    folder: str | Path, shown: int, *, suffix: str = "", compat: Literal["vprsnn"] | None = None
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Read spike counts of the last presentations and the places that were shown then.

    Args:
        folder: With ``resultPopVecs{k}{suffix}.npy`` and ``inputNumbers.npy``, or with labels of
            their own in ``inputNumbers{k}{suffix}.npy``, as tests have.
        shown: Presentations k.
        suffix: Of the run: ``""`` training, ``"_record_E30"``, ``"_test_E30"``.
        compat: ``"vprsnn"`` pairs the last responses with the first labels (defect 8).

    Returns:
        Counts int64 ``[M, neurons]`` and places int64 ``[M]``.

    Raises:
        MissingFileError: There is no such file.
        FormatError: A file is not a NumPy array of numbers.
        ShapeError: There are fewer labels than responses, or counts are no matrix.
        DataError: A number is NaN, negative or not whole.
        ConfigError: ``compat`` is unknown.
    """
    if compat not in (None, "vprsnn"):
        raise ConfigError(f"compat is {compat!r}.", "Expected 'vprsnn' or None.")
    folder = Path(folder)
    counts = _whole(folder / f"resultPopVecs{shown}{suffix}.npy")
    if counts.ndim != 2:
        raise ShapeError(
            f"resultPopVecs{shown}{suffix}.npy has shape {list(counts.shape)}.",
            "Expected [presentations, neurons].",
        )
    own = folder / f"inputNumbers{shown}{suffix}.npy"
    path = own if own.is_file() else folder / "inputNumbers.npy"
    labels = _whole(path).ravel()
    last = min(shown, len(labels))
    if last < len(counts):
        raise ShapeError(
            f"{path.name} has {len(labels):,} labels.",
            f"Expected at least {len(counts):,}, one for each response.",
        )
    return counts, labels[: len(counts)] if compat else labels[last - len(counts) : last]


def _dense(rows: NDArray[np.float64], name: str) -> NDArray[np.float64]:
    """Matrix ``[inputs, neurons]`` of rows (i, j, w)."""
    if rows.ndim != 2 or rows.shape[1] != 3 or not len(rows):
        raise ShapeError(f"{name} has shape {list(rows.shape)}.", "Expected [synapses, 3].")
    source, target = rows[:, 0].astype(np.int64), rows[:, 1].astype(np.int64)
    if (source != rows[:, 0]).any() or (target != rows[:, 1]).any():
        raise DataError(f"{name} names a neuron by a fraction.", "Expected rows (i, j, w).")
    inputs, neurons = int(source.max()) + 1, int(target.max()) + 1
    if len(rows) != inputs * neurons or len(np.unique(source * neurons + target)) != len(rows):
        raise ShapeError(
            f"{name} has {len(rows):,} synapses of {inputs:,} inputs and {neurons:,} neurons.",
            f"Expected each of the {inputs * neurons:,} once.",
        )
    weights = np.empty((inputs, neurons))
    weights[source, target] = rows[:, 2]
    return weights


def _whole(path: Path) -> NDArray[np.int64]:
    numbers = _numbers(path)
    if (numbers != np.floor(numbers)).any():
        raise DataError(f"{path.name} holds fractions.", "Expected whole numbers.")
    return numbers.astype(np.int64)


def _numbers(path: Path) -> NDArray[np.float64]:
    """Read finite numbers from 0 upwards."""
    if not path.is_file():
        raise MissingFileError(f"No such file: {path}.", "Expected it beside the others.")
    try:
        values: NDArray[Any] = np.load(path, allow_pickle=False)
    except (ValueError, EOFError, OSError) as error:
        raise FormatError(
            f"{path.name} cannot be read: {error}.", "Expected a .npy file."
        ) from error
    if not isinstance(values, np.ndarray) or values.dtype.kind not in "buif":
        raise FormatError(f"{path.name} holds no numbers.", "Expected an array of numbers.")
    if not np.isfinite(values).all() or (values < 0).any():
        raise DataError(
            f"{path.name} holds NaN, infinite or negative numbers.",
            "Expected finite ones from 0 upwards.",
        )
    return values.astype(np.float64)
