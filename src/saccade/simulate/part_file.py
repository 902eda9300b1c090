"""A part of a recording as one file: every array under a name, nothing compressed.

    events.left.t   images.left   depth.right   flow.dt1   flow_us.dt1   ...      in an .npz file

The container keeps a CRC-32 of each array, so a file that was cut short or changed is noticed.
"""

from __future__ import annotations

import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from saccade.errors import FormatError
from saccade.events.types import Events, SensorSize
from saccade.files import replacing
from saccade.simulate.recording import Part

__all__ = ["is_whole", "load_arrays", "load_part", "save_arrays", "save_part"]

_DICTS = ("images", "depth", "depth_rect", "disparity_rect", "flow", "flow_us")
_COLUMNS = ("x", "y", "t", "p")
_DAMAGE = (OSError, ValueError, KeyError, EOFError, zipfile.BadZipFile)


def save_arrays(path: Path, arrays: Mapping[str, NDArray[Any]]) -> Path:
    """Write named arrays to an ``.npz`` file, whole or not at all.

    Raises:
        FormatError: The file cannot be written, e.g. because the disk is full.
    """
    try:
        with replacing(path) as part:
            np.savez(part, **arrays)  # pyright: ignore[reportArgumentType]
    except OSError as error:
        raise FormatError(
            f"Cannot write {path}: {error.strerror or error}.",
            fix="Make room, then run the same command again: it goes on from here.",
        ) from error
    return path


def load_arrays(path: Path) -> dict[str, NDArray[Any]]:
    """Read what `save_arrays` wrote; every checksum is verified.

    Raises:
        FormatError: The file is missing, cut short or changed.
    """
    try:
        with np.load(path, allow_pickle=False) as file:
            return {name: file[name] for name in file.files}
    except _DAMAGE as error:
        raise FormatError(f"{path.name} is damaged: {error}.", "Expected a whole part.") from error


def is_whole(path: Path, *, thoroughly: bool = False) -> bool:
    """Whether a file is complete; ``thoroughly`` reads it and verifies every checksum."""
    try:
        with zipfile.ZipFile(path) as file:
            return not thoroughly or file.testzip() is None
    except _DAMAGE:
        return False


def save_part(path: Path, part: Part) -> Path:
    """Write a part of a recording.

    Raises:
        FormatError: The file cannot be written.
    """
    arrays: dict[str, NDArray[Any]] = {
        "span_us": np.array([part.start_us, part.end_us], np.int64),
        "image_us": part.image_us,
        "label_us": part.label_us,
    }
    for camera, events in part.events.items():
        arrays[f"events.{camera}.size"] = np.array([events.size.height, events.size.width])
        for column in _COLUMNS:
            arrays[f"events.{camera}.{column}"] = getattr(events, column)
    for group in _DICTS:
        for name, array in getattr(part, group).items():
            arrays[f"{group}.{name}"] = array
    return save_arrays(path, arrays)


def load_part(path: Path) -> Part:
    """Read a part of a recording.

    Raises:
        FormatError: The file is missing, cut short or changed.
    """
    arrays = load_arrays(path)
    start_us, end_us = (int(time) for time in arrays["span_us"])
    groups: dict[str, dict[str, NDArray[Any]]] = {group: {} for group in _DICTS}
    columns: dict[str, dict[str, NDArray[Any]]] = {}
    for name, array in arrays.items():
        group, _, rest = name.partition(".")
        if group == "events":
            camera, _, column = rest.rpartition(".")
            columns.setdefault(camera, {})[column] = array
        elif group in groups:
            groups[group][rest] = array
    return Part(
        start_us=start_us,
        end_us=end_us,
        events={camera: _events(found) for camera, found in columns.items()},
        image_us=arrays["image_us"],
        label_us=arrays["label_us"],
        **groups,
    )


def _events(found: Mapping[str, NDArray[Any]]) -> Events:
    height, width = (int(side) for side in found["size"])
    x, y, t, p = (found[name] for name in _COLUMNS)
    return Events(x, y, t, p, SensorSize(height, width), check=False)
