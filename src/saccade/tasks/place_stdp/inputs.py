"""Inputs of all images of a traverse on disk, read one image at a time by every job.

    rates    NAME.inputs.npy            uint8 [N, n_in], spikes at byte / 4 Hz
    events   NAME.spikes, .begin.npy    (neuron, step) one after the other, and N + 1 beginnings

Files are memory maps: a job that shows 100,000 images holds one.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import unquote

import numpy as np
from numpy.typing import NDArray

from saccade.contracts import Progress
from saccade.errors import CheckpointError, ConfigError, DataError, MissingFileError, ShapeError
from saccade.files import replacing
from saccade.tasks.place_stdp.config_network import NetworkConfig
from saccade.tasks.place_stdp.event_spikes import EventSettings, event_raster
from saccade.tasks.place_stdp.preprocess import (
    Frames,
    PixelStatistics,
    Preprocess,
    prepare,
    rates_hz,
)
from saccade.tasks.place_stdp.spikes import Raster, poisson_raster
from saccade.traverses import EventTraverse

__all__ = ["StoredInputs", "write_event_inputs", "write_inputs"]

_SPIKE = np.dtype([("neuron", "<u2"), ("step", "<u2")])
_MOST_STEPS = 1 << 16


@dataclass(frozen=True, eq=False)
class StoredInputs:
    """The images of a traverse.

    Args:
        path: Folder and name, without the endings.
    """

    path: Path

    def __post_init__(self) -> None:
        object.__setattr__(self, "_open", dict[str, NDArray[Any]]())

    def __len__(self) -> int:
        return len(self._map("begin")) - 1 if self.is_events else len(self._map("inputs"))

    @property
    def exists(self) -> bool:
        """Whether all of it is there."""
        return self.is_events or self._file("inputs").exists()

    @property
    def files(self) -> tuple[Path, ...]:
        """Files it consists of."""
        return tuple(map(self._file, ("begin", "spikes") if self.is_events else ("inputs",)))

    @property
    def is_events(self) -> bool:
        """Whether spikes are stored, not rates."""
        return self._file("begin").exists()

    def values(self, k: int | slice | NDArray[np.int64]) -> NDArray[np.uint8]:
        """Return the inputs of an image uint8 ``[n_in]``, or of several ``[n, n_in]``.

        Raises:
            ShapeError: Spikes are stored, not values.
        """
        if self.is_events:
            raise ShapeError(
                f"{self.path.name} holds spikes, no values.",
                "Expected inputs stored as rates.",
                "The delta rule needs --encoding rates.",
            )
        return np.array(self._map("inputs")[k])

    def raster(self, k: int, config: NetworkConfig, rng: np.random.Generator) -> Raster:
        """Return the input spikes of an image: drawn from its rates, or its events.

        Args:
            k: Image.
            config: Length of a step and of an image.
            rng: Draws Poisson spikes.
        """
        n_steps = config.steps(config.input_ms)
        if not self.is_events:
            return poisson_raster(rates_hz(self.values(k)), n_steps, config.dt_ms, rng)
        low, high = self._map("begin")[k : k + 2]
        spikes = np.fromfile(self._file("spikes"), _SPIKE, high - low, offset=4 * int(low))
        return Raster(spikes["neuron"].astype(np.int32), spikes["step"].astype(np.int32), n_steps)

    def _file(self, ending: str) -> Path:
        dot_npy = "" if ending == "spikes" else ".npy"
        return self.path.with_name(f"{self.path.name}.{ending}{dot_npy}")

    def _map(self, ending: str) -> NDArray[Any]:
        opened: dict[str, NDArray[Any]] = self._open  # type: ignore[attr-defined]
        if ending not in opened:
            path = self._file(ending)
            if not path.is_file():
                raise MissingFileError(
                    f"No such file: {path}.",
                    "Expected prepared inputs.",
                    "Run the first stage again: saccade train place_stdp --resume --name NAME",
                )
            try:
                opened[ending] = np.load(path, mmap_mode="r", allow_pickle=False)
            except (ValueError, OSError) as error:
                raise CheckpointError(
                    f"{path.name} cannot be read: {error}.", fix="Delete it and use --resume."
                ) from error
        return opened[ending]


def write_inputs(
    path: Path,
    frames: Frames,
    settings: Preprocess,
    statistics: PixelStatistics | None,
    tell: Progress | None = None,
) -> StoredInputs:
    """Prepare the frames of a traverse, block by block, and keep them on disk.

    Args:
        path: Folder and name, without an ending.
        frames: ``[N, C, H, W]``.
        settings: What to do with them.
        statistics: Of the reference traverse, where the settings need them.
        tell: Called with images done and in all.

    Raises:
        DataError: A frame holds NaN, or values outside their range; it is named.
    """
    n, channels = frames.shape[:2]
    path.parent.mkdir(parents=True, exist_ok=True)
    with replacing(path.with_name(f"{path.name}.inputs.npy")) as part:
        shape = (n, settings.inputs(channels))
        found = np.lib.format.open_memmap(part, mode="w+", dtype=np.uint8, shape=shape)
        for rows in _blocks(n):
            try:
                found[rows] = prepare(_Part(frames, rows), settings, statistics)
            except DataError as error:
                raise _located(error, path.name, frames, rows, settings, statistics) from error
            if tell is not None:
                tell(rows.stop, n)
        found.flush()
    return StoredInputs(path)


def write_event_inputs(
    path: Path,
    traverse: EventTraverse,
    settings: EventSettings,
    config: NetworkConfig,
    tell: Progress | None = None,
) -> StoredInputs:
    """Turn the events of every window into input spikes and keep them on disk.

    Args:
        path: Folder and name, without an ending.
        traverse: Its windows have events.
        settings: Size and rates of the inputs.
        config: Length of a step and of an image.
        tell: Called with windows done and in all.

    Raises:
        ConfigError: An image has more steps than the file can number.
        ShapeError: There are more inputs than pixels.
    """
    if config.steps(config.input_ms) > _MOST_STEPS:
        raise ConfigError(
            f"--input-ms {config.input_ms:g} is {config.steps(config.input_ms):,} steps.",
            f"Expected at most {_MOST_STEPS:,} with --encoding events.",
        )
    path.parent.mkdir(parents=True, exist_ok=True)
    begin = np.zeros(len(traverse) + 1, np.int64)
    name = path.name
    with replacing(path.with_name(f"{name}.spikes")) as part, part.open("wb") as out:
        for k in range(len(traverse)):
            raster = event_raster(traverse.window(k), settings, config, seed=k)
            spikes = np.empty(len(raster), _SPIKE)
            spikes["neuron"], spikes["step"] = raster.neuron, raster.step
            out.write(spikes.tobytes())
            begin[k + 1] = begin[k] + len(raster)
            if tell is not None:
                tell(k + 1, len(traverse))
    with replacing(path.with_name(f"{name}.begin.npy")) as part:
        np.save(part, begin)
    return StoredInputs(path)


def _located(
    error: DataError,
    name: str,
    frames: Frames,
    rows: slice,
    settings: Preprocess,
    statistics: PixelStatistics | None,
) -> DataError:
    """Return an error that says which frame of a block it is about."""
    for k in range(rows.start, rows.stop):
        try:
            prepare(_Part(frames, slice(k, k + 1)), settings, statistics)
        except DataError as first:
            what = f"Frame {k:,} of {unquote(name)}: {first.what}"
            return DataError(what, first.expected, first.fix)
    return error


class _Part:
    """Some frames of many."""

    def __init__(self, frames: Frames, rows: slice) -> None:
        self._frames, self._rows = frames, rows
        self.shape = (rows.stop - rows.start, *frames.shape[1:])

    def __getitem__(self, rows: slice, /) -> Any:
        start, stop, _ = rows.indices(self.shape[0])
        return self._frames[self._rows.start + start : self._rows.start + stop]


def _blocks(n: int, most: int = 64) -> Iterator[slice]:
    for start in range(0, n, most):
        yield slice(start, min(start + most, n))
