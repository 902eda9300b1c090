"""Where VPRSNN put its modules, and what their files say: weights, places, spikes, recordings.

    FOLDER/weights/weights_ne400_L25_offset0/XeAe{k}.npy, theta_A{k}.npy      a module
    FOLDER/outputs/outputs_ne400_L25_offset0/resultPopVecs{k}.npy             its training spikes
                   .../inputNumbers.npy                                       and their places
                   .../resultPopVecs{n}_record_E{e}.npy                       answers to references

    position o + l  --order-->  place          o the offset, l = 0 .. L - 1

FOLDER may also be a single module with all files in it; the folders may lie side by side.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from saccade.errors import (
    ConfigError,
    DataError,
    FormatError,
    MissingFileError,
    ShapeError,
)
from saccade.tasks.place_stdp.hyperactive import Activity, active_images
from saccade.tasks.place_stdp.published import (
    PublishedNetwork,
    presentations,
    read_network,
    read_responses,
)

__all__ = ["ModuleFolder", "ReadModule", "find_modules", "read_module", "read_order"]

_MODULE = re.compile(r"weights_ne(\d+)_L(\d+)_offset(\d+)(.*)")
_TRAINED = re.compile(r"resultPopVecs(\d+)\.npy")
_RECORD = re.compile(r"resultPopVecs(\d+)(_record_E\d+)\.npy")
_MOST_SPIKES = 65_535


@dataclass(frozen=True)
class ModuleFolder:
    """Where a module lies.

    Args:
        weights: Folder with weights and thresholds.
        outputs: Folder with spikes and labels.
        offset: Its first position.
        length: Its number of places L; None where the name does not say it.
    """

    weights: Path
    outputs: Path
    offset: int
    length: int | None


@dataclass(frozen=True, eq=False)
class ReadModule:
    """What the files of a module say.

    Args:
        network: Weights and thresholds.
        places: int64 ``[L]``, place at each of its positions.
        own_places: int64 ``[M]``, place of each of its last training images.
        own_counts: int64 ``[M, neurons]``, spikes for them.
        activity: For how many references each neuron fired; None where nothing was recorded.
    """

    network: PublishedNetwork
    places: NDArray[np.int64]
    own_places: NDArray[np.int64]
    own_counts: NDArray[np.int64]
    activity: Activity | None


def find_modules(folder: Path, outputs: Path | None = None) -> list[ModuleFolder]:
    """Return the modules of a run by their offset.

    Args:
        folder: Of the run, or of one module.
        outputs: Folder of the outputs where they lie elsewhere.

    Raises:
        MissingFileError: There is no such folder, or no network in it.
        ConfigError: Two modules have one offset.
    """
    if presentations(folder) or (folder / "XeAe.npy").is_file():
        named = _MODULE.fullmatch(folder.name)
        offset, length = (int(named[3]), int(named[2])) if named else (0, None)
        return [ModuleFolder(folder, outputs or _outputs_of(folder, []), offset, length)]
    bases = [outputs] if outputs else [folder / "outputs", folder]
    near = [base for base in (folder / "weights", folder) if base.is_dir()]
    found = [
        ModuleFolder(path, _outputs_of(path, bases), int(named[3]), int(named[2]))
        for base in near
        for path in sorted(base.iterdir())
        if path.is_dir() and (named := _MODULE.fullmatch(path.name))
    ]
    if not found:
        raise MissingFileError(
            f"{folder} holds no network of VPRSNN.",
            "Expected folders such as weights_ne400_L25_offset0, or XeAe*.npy.",
        )
    found.sort(key=lambda module: module.offset)
    for one, other in pairwise(found):
        if one.offset == other.offset:
            raise ConfigError(
                f"{one.weights.name} and {other.weights.name} have one offset.",
                "Expected the modules of one run.",
            )
    return found


def read_module(
    module: ModuleFolder,
    shown: int | None,
    *,
    delay_seed: int = 0,
    order: NDArray[np.int64] | None = None,
    published_labels: bool = False,
) -> ReadModule:
    """Read a module.

    Args:
        module: Where it lies.
        shown: Presentations k of the checkpoint; None = the last one.
        delay_seed: Of the delays, which were never stored (defect 6).
        order: Place at each position of the route; None = in the order of the route.
        published_labels: Pair the last responses with the first labels (defect 8).

    Raises:
        MissingFileError: A file is not there.
        FormatError: A file is no array of numbers.
        ShapeError: Arrays do not belong together.
        DataError: A label is of no place of the module, or a count is too large.
        ConfigError: The order has fewer places.
    """
    network = read_network(module.weights, shown, delay_seed=delay_seed)
    trained = network.presentations or _last_presentations(module.outputs)
    compat = "vprsnn" if published_labels else None
    counts, labels = read_responses(module.outputs, trained, compat=compat)
    if counts.shape[1] != network.weights.shape[1]:
        raise ShapeError(
            f"{module.outputs.name} has spikes of {counts.shape[1]:,} neurons.",
            f"Expected {network.weights.shape[1]:,}, as {module.weights.name}.",
        )
    if counts.max(initial=0) > _MOST_SPIKES:
        raise DataError(
            f"{module.outputs.name} has {counts.max():,} spikes of a neuron for an image.",
            f"Expected at most {_MOST_SPIKES:,}.",
        )
    places = _places(module, module.length or int(labels.max()) + 1, order)
    own = _own_places(labels, module, places)
    return ReadModule(network, places, own, counts, _recorded(module.outputs, counts.shape[1]))


def read_order(path: Path) -> NDArray[np.int64]:
    """Read the order of places of a run: shuffled_indices_L*_S*.npy, int64 ``[P]``.

    Raises:
        MissingFileError: There is no such file.
        FormatError: It is no array.
        DataError: A place is missing or twice.
    """
    order = np.asarray(_array(path)).ravel()
    if not np.array_equal(np.sort(order), np.arange(len(order))):
        raise DataError(f"{path.name} is no order.", "Expected every place from 0 on once.")
    return order.astype(np.int64)


def _last_presentations(outputs: Path) -> int:
    known = [int(m[1]) for p in outputs.iterdir() if (m := _TRAINED.fullmatch(p.name))]
    if not known:
        raise MissingFileError(
            f"{outputs} holds no resultPopVecs*.npy.",
            "Expected the training spikes: they say what each neuron stands for.",
            "Name their folder: --outputs FOLDER",
        )
    return max(known)


def _outputs_of(weights: Path, bases: Sequence[Path]) -> Path:
    """Return the folder with the spikes of a module."""
    name = "outputs" + weights.name.removeprefix("weights")
    candidates = [base / name for base in bases] + [weights.parent / name]
    if weights.parent.name == "weights":
        candidates.append(weights.parent.parent / "outputs" / name)
    return next((path for path in candidates if path.is_dir()), weights)


def _places(
    module: ModuleFolder, length: int, order: NDArray[np.int64] | None
) -> NDArray[np.int64]:
    """Return the place at each position of a module."""
    stop = module.offset + length
    if order is None:
        return np.arange(module.offset, stop)
    if stop > len(order):
        raise ConfigError(
            f"{module.weights.name} has positions up to {stop - 1:,}.",
            f"Expected an order of so many places, --order has {len(order):,}.",
        )
    return order[module.offset : stop]


def _own_places(
    labels: NDArray[np.int64], module: ModuleFolder, places: NDArray[np.int64]
) -> NDArray[np.int64]:
    """Return places of labels: counted along the route, or within the module."""
    for first in (module.offset, 0):
        position = labels - first
        if ((position >= 0) & (position < len(places))).all():
            return places[position]
    raise DataError(
        f"{module.outputs.name} has labels {labels.min():,} to {labels.max():,}.",
        f"Expected {module.offset:,} to {module.offset + len(places) - 1:,}, or 0 to "
        f"{len(places) - 1:,}.",
    )


def _recorded(folder: Path, neurons: int) -> Activity | None:
    """Return for how many recorded images each neuron fired, of the last recording."""
    found = [match for path in sorted(folder.iterdir()) if (match := _RECORD.fullmatch(path.name))]
    if not found:
        return None
    path = folder / max(found, key=lambda match: int(match[1]))[0]
    counts = _array(path)
    if counts.ndim != 2 or counts.shape[1] != neurons:
        raise ShapeError(
            f"{path.name} has shape {list(counts.shape)}.", f"Expected [images, {neurons:,}]."
        )
    return active_images([counts])


def _array(path: Path) -> NDArray[Any]:
    if not path.is_file():
        raise MissingFileError(f"No such file: {path}.", "Expected an array of VPRSNN.")
    try:
        return np.load(path, allow_pickle=False)
    except (ValueError, EOFError, OSError) as error:
        raise FormatError(
            f"{path.name} cannot be read: {error}.", "Expected a .npy file."
        ) from error
