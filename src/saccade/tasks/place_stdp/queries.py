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
from saccade.tasks.place_stdp.inputs import StoredInputs, write_event_inputs, write_inputs
from saccade.tasks.place_stdp.preprocess import Frames, PixelStatistics
from saccade.traverses import EventTraverse, ImageTraverse, Traverse
from saccade.traverses.frame_rows import TraverseFrames

__all__ = ["Coding", "file_name", "prepare_queries"]


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
        ConfigError: Events are asked for and the traverse has none.
        DataError: A frame cannot be used.
    """
    with progress(f"Preparing {traverse.name}", unit="windows") as tell:
        if coding.inputs.encoding == "events":
            settings = event_settings(coding.inputs)
            return write_event_inputs(path, _with_events(traverse), settings, coding.network, tell)
        settings = preprocess_of(coding.inputs, coding.units, coding.compat)
        frames = _frames(traverse, coding)
        return write_inputs(path, frames, settings, coding.statistics, tell)


def file_name(traverse: Traverse) -> str:
    """Return the name of a traverse as a file may have it; two names give two files."""
    return quote(traverse.name, safe="@")


class _ColourFrames:
    """The colours of a traverse of images, made slice by slice."""

    def __init__(self, traverse: ImageTraverse) -> None:
        self.traverse = traverse
        height, width, channels = traverse.rgb(0).shape
        self.shape: tuple[int, ...] = (len(traverse), channels, height, width)

    def __getitem__(self, rows: slice, /) -> NDArray[np.uint8]:
        """Return colours uint8 ``[n, 3, H, W]``."""
        numbers = range(*rows.indices(self.shape[0]))
        return np.stack([self.traverse.rgb(k).transpose(2, 0, 1) for k in numbers])


def _frames(traverse: Traverse, coding: Coding) -> Frames:
    """Return frames: published systems for images begin with the bytes of their colours."""
    wants_colours = coding.compat in ("vprsnn", "vprtempo")
    if wants_colours and isinstance(traverse, ImageTraverse) and len(traverse):
        return _ColourFrames(traverse)
    return TraverseFrames(traverse)


def _with_events(traverse: Traverse) -> EventTraverse:
    if not isinstance(traverse, EventTraverse):
        raise ConfigError(
            f"--encoding events: {traverse.name} has frames, no events.",
            "Expected recordings of events.",
            "Use --encoding rates.",
        )
    return traverse
