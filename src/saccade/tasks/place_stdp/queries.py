"""The inputs of a traverse, written once: of frames or of events, as the learner was trained."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote

import numpy as np
from numpy.typing import NDArray

from saccade.engine import progress
from saccade.errors import ConfigError
from saccade.tasks.place_stdp.config_model import Compat, InputArgs
from saccade.tasks.place_stdp.config_network import NetworkConfig
from saccade.tasks.place_stdp.data import event_settings, preprocess_of
from saccade.tasks.place_stdp.event_spikes import event_raster
from saccade.tasks.place_stdp.inputs import StoredInputs, write_event_inputs, write_inputs
from saccade.tasks.place_stdp.preprocess import Frames, PixelStatistics, prepare
from saccade.traverses import EventTraverse, ImageTraverse, Traverse
from saccade.traverses.frame_rows import TraverseFrames

__all__ = ["Coding", "file_name", "prepare_queries", "same_inputs"]


@dataclass(frozen=True, eq=False)
class Coding:
    """How windows become inputs; the same for references and queries.

    Args:
        inputs: What was asked for.
        units: What frames hold.
        compat: A published system, or None.
        statistics: Of the reference's pixels, where inputs need them.
        network: Configuration of a module: how long an image of events is.
    """

    inputs: InputArgs
    units: str
    compat: Compat | None
    statistics: PixelStatistics | None
    network: NetworkConfig


def prepare_queries(path: Path, traverse: Traverse, coding: Coding) -> StoredInputs:
    """Write the inputs of a traverse.

    Args:
        path: Folder and name of the inputs, without an ending.
        traverse: Its windows.
        coding: How they become inputs.

    Raises:
        ConfigError: Events are asked for and the traverse has none, or a published system for
            images and it has none.
        DataError: A frame cannot be used.
    """
    with progress(f"Preparing {traverse.name}", unit="windows") as tell:
        if coding.inputs.encoding == "events":
            settings = event_settings(coding.inputs)
            return write_event_inputs(path, _with_events(traverse), settings, coding.network, tell)
        settings = preprocess_of(coding.inputs, coding.units, coding.compat)
        frames = _frames(traverse, coding.compat)
        return write_inputs(path, frames, settings, coding.statistics, tell)


def same_inputs(stored: StoredInputs, traverse: Traverse, coding: Coding) -> bool:
    """Say whether stored inputs are those of a traverse; its first and last windows are compared.

    Args:
        stored: Inputs.
        traverse: Its windows.
        coding: How they became inputs.
    """
    if len(stored) != len(traverse):
        return False
    if coding.inputs.encoding == "events":
        settings, drive = event_settings(coding.inputs), _with_events(traverse)
        rasters = (
            (stored.raster(k, coding.network, np.random.default_rng(0)),
             event_raster(drive.window(k), settings, coding.network, seed=k))
            for k in {0, len(stored) - 1}
        )  # fmt: skip
        return all(
            np.array_equal(a.neuron, b.neuron) and np.array_equal(a.step, b.step)
            for a, b in rasters
        )
    settings = preprocess_of(coding.inputs, coding.units, coding.compat)
    frames = _frames(traverse, coding.compat)
    return all(
        np.array_equal(stored.values(k), prepare(frames[k : k + 1], settings, coding.statistics)[0])
        for k in {0, len(stored) - 1}
    )


def file_name(traverse: Traverse) -> str:
    """Return the name of a traverse as a file may have it; two names give two files."""
    return quote(traverse.name, safe="@")


class _Colours:
    """The images of a traverse as they are in their files, made slice by slice.

    Args:
        traverse: Images.
    """

    def __init__(self, traverse: ImageTraverse) -> None:
        self._traverse = traverse
        height, width, channels = traverse.rgb(0).shape
        self.shape = (len(traverse), channels, height, width)

    def __getitem__(self, rows: slice, /) -> NDArray[np.uint8]:
        images = [self._traverse.rgb(k) for k in range(*rows.indices(self.shape[0]))]
        return np.stack(images).transpose(0, 3, 1, 2)


def _frames(traverse: Traverse, compat: Compat | None) -> Frames:
    """Return frames; published systems for images begin with the colours of the file."""
    if compat not in ("vprsnn", "vprtempo"):
        return TraverseFrames(traverse)
    if not isinstance(traverse, ImageTraverse):
        raise ConfigError(
            f"--compat {compat}: {traverse.name} holds no images.",
            "Expected grey values or colours, 0 to 255.",
            "Leave out --compat.",
        )
    return _Colours(traverse)


def _with_events(traverse: Traverse) -> EventTraverse:
    if not isinstance(traverse, EventTraverse):
        raise ConfigError(
            f"--encoding events: {traverse.name} has frames, no events.",
            "Expected recordings of events.",
            "Use --encoding rates.",
        )
    return traverse
