"""Where a fused network computes: tiles, maps and threads for one input shape.

A plan is made once per (batch, height, width, threads) and reused: its steps are kernels with all
their arguments, its maps are overwritten by every run, and a run allocates nothing.

    frames -> [stem] -> A      block:  A -> first -> C,  C joined with A (or D) -> second -> B
                                       A -> downsample -> D    where the shape changes
                               next block: A and B change places
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from saccade.layers import fused_kernels
from saccade.layers.spike_gemm import LANES_OUT, ROWS

__all__ = ["FusedBlock", "FusedUnit", "Plan", "make_plan", "padded"]

CONNECT: dict[str, tuple[int, int, int]] = {
    "ADD": (1, 255, 255),
    "AND": (0, 255, 0),
    "IAND": (0, 0, 255),
}
"""Connection -> what a spike adds, identity kept with a spike, identity kept without one."""

_SPIKES_ONLY = (1, 0, 0)
_TILE_BYTES = 224 * 1024
_STEM_TILES = 4


def padded(channels: int) -> int:
    """Return the channels rounded up to whole register blocks."""
    return -(-channels // LANES_OUT) * LANES_OUT


@dataclass(frozen=True)
class FusedUnit:
    """Convolution, batch norm and neuron folded into weights and thresholds.

    Args:
        name: Name of the neuron in the unfused network.
        is_stem: The first layer: 7x7 on two channels of counts, then pooling.
        inputs: Input channels.
        outputs: Output channels.
        stride: 1 or 2.
        depthwise: float32, flat: ``[9, padded inputs]``, stem ``[2, 7, 7]``.
        pointwise: float32, flat: ``[padded outputs / LANES_OUT, padded inputs, LANES_OUT]``, stem
            ``[2, padded outputs]``.
        threshold: float32 ``[padded outputs]``, +inf for padding.
    """

    name: str
    is_stem: bool
    inputs: int
    outputs: int
    stride: int
    depthwise: NDArray[np.float32]
    pointwise: NDArray[np.float32]
    threshold: NDArray[np.float32]


@dataclass(frozen=True)
class FusedBlock:
    """Two separable units, the connection, and the unit on the shortcut where there is one."""

    first: FusedUnit
    second: FusedUnit
    downsample: FusedUnit | None
    connect: str


@dataclass(frozen=True)
class _Layer:
    """One unit at work: the size of its input, and the maps it reads and writes."""

    unit: FusedUnit
    size: tuple[int, int]
    source: str
    target: str
    identity: str
    connect: tuple[int, int, int]
    batch: int
    threads: int

    @cached_property
    def size_out(self) -> tuple[int, int]:
        """Rows and columns of the output."""
        size = _halved(self.size) if self.unit.stride == 2 else self.size
        return _halved(size) if self.unit.is_stem else size

    @property
    def map_bytes(self) -> int:
        """Size of the output of the whole batch."""
        return self.batch * self.size_out[0] * self.size_out[1] * padded(self.unit.outputs)

    @cached_property
    def tile_rows(self) -> int:
        """Output rows of a tile."""
        if self.unit.is_stem:
            return -(-self.size_out[0] // (_STEM_TILES * self.threads))
        return _rows_per_tile(self)

    @property
    def tiles(self) -> int:
        """Tiles per sample."""
        return -(-self.size_out[0] // self.tile_rows)

    @property
    def scratch_floats(self) -> int:
        """Floats a thread needs beside the maps."""
        if self.unit.is_stem:
            return 35 * _halved(self.size)[1] + 128
        return _blocks(self.tile_rows * self.size_out[1]) * padded(self.unit.inputs)

    def items(self, thread: int) -> NDArray[np.int64]:
        """The tiles of one thread: first, last, tiles per sample, rows per tile."""
        total = self.tiles * self.batch
        first, last = (total * i // self.threads for i in (thread, thread + 1))
        return np.array([first, last, self.tiles, self.tile_rows], np.int64)

    @property
    def shape(self) -> NDArray[np.int64]:
        """The sizes in the order in which the kernel wants them."""
        unit = self.unit
        if unit.is_stem:
            middle = _halved(self.size)
            return np.array([*self.size, *middle, *self.size_out, padded(unit.outputs)], np.int64)
        ends = (padded(unit.outputs), unit.stride)
        return np.array([*self.size, padded(unit.inputs), *self.size_out, *ends], np.int64)


@dataclass(frozen=True)
class _Step:
    """A kernel and, for each thread, its arguments."""

    run: Callable[..., None]
    arguments: tuple[tuple[Any, ...], ...]


@dataclass(frozen=True)
class Plan:
    """The layers ready to run.

    Args:
        frames: float32 ``[B, 2, H, W]``, filled before `run`.
        steps: The layers in order.
        maps: uint8 ``[B, H', W', padded channels]``, the result.
        counts: int64 ``[threads, layers, B]``, spikes of the last run.
        names: Name of each layer.
    """

    frames: NDArray[np.float32]
    steps: tuple[_Step, ...]
    maps: NDArray[np.uint8]
    counts: NDArray[np.int64]
    names: tuple[str, ...]

    def run(self, crew: ThreadPoolExecutor | None) -> None:
        """Compute all layers, each shared between the caller and the threads of ``crew``."""
        self.counts[:] = 0
        for step in self.steps:
            if crew is None:
                step.run(*step.arguments[0])
                continue
            helpers = [crew.submit(step.run, *own) for own in step.arguments[1:]]
            step.run(*step.arguments[0])
            for helper in helpers:
                helper.result()


def make_plan(
    stem: FusedUnit,
    blocks: Sequence[FusedBlock],
    batch: int,
    size: tuple[int, int],
    threads: int,
) -> Plan:
    """Lay out maps and tiles for frames ``[batch, 2, *size]``."""
    chain = _chain(stem, blocks, batch, size, threads)
    room = dict.fromkeys("ABCD", 0)
    for layer in chain:
        room[layer.target] = max(room[layer.target], layer.map_bytes)
    maps = {name: np.zeros(total, np.uint8) for name, total in room.items()}
    scratch_floats = max(layer.scratch_floats for layer in chain)
    scratch = [np.zeros(scratch_floats, np.float32) for _ in range(threads)]
    spikes_bytes = 4 * _halved(size)[1] * padded(stem.outputs)
    spikes = [np.zeros(spikes_bytes, np.uint8) for _ in range(threads)]
    frames = np.zeros((batch, 2, *size), np.float32)
    rows = (layer.size[1] * padded(layer.unit.inputs) for layer in chain)
    zeros = np.zeros(max(rows), np.uint8)
    counts = np.zeros((threads, len(chain), batch), np.int64)

    def arguments(index: int, thread: int) -> tuple[Any, ...]:
        layer, unit = chain[index], chain[index].unit
        layout = (layer.shape, layer.items(thread))
        weights = (unit.depthwise, unit.pointwise, unit.threshold)
        target, count = maps[layer.target], counts[thread, index]
        if unit.is_stem:
            head = (frames.reshape(-1), *layout, *weights, target)
            return (*head, scratch[thread], spikes[thread], count)
        connect = np.array(layer.connect, np.uint8)
        head = (maps[layer.source], *layout, *weights, maps[layer.identity], target)
        return (*head, connect, scratch[thread], zeros, count)

    steps = tuple(
        _Step(
            fused_kernels.stem if layer.unit.is_stem else fused_kernels.separable,
            tuple(arguments(index, thread) for thread in range(threads)),
        )
        for index, layer in enumerate(chain)
    )
    shape = (batch, *chain[-1].size_out, padded(chain[-1].unit.outputs))
    result = maps[chain[-1].target][: chain[-1].map_bytes].reshape(shape)
    return Plan(frames, steps, result, counts, tuple(layer.unit.name for layer in chain))


def _chain(
    stem: FusedUnit,
    blocks: Sequence[FusedBlock],
    batch: int,
    size: tuple[int, int],
    threads: int,
) -> list[_Layer]:
    """Name the maps between the layers."""
    chain = [_Layer(stem, size, "", "A", "A", _SPIKES_ONLY, batch, threads)]
    here, there = "A", "B"
    for block in blocks:
        size, shortcut = chain[-1].size_out, here
        first = _Layer(block.first, size, here, "C", "C", _SPIKES_ONLY, batch, threads)
        chain.append(first)
        if block.downsample is not None:
            shortcut = "D"
            chain.append(
                _Layer(block.downsample, size, here, "D", "D", _SPIKES_ONLY, batch, threads)
            )
        join = CONNECT[block.connect]
        chain.append(
            _Layer(block.second, first.size_out, "C", there, shortcut, join, batch, threads)
        )
        here, there = there, here
    return chain


def _halved(size: tuple[int, int]) -> tuple[int, int]:
    return -(-size[0] // 2), -(-size[1] // 2)


def _blocks(pixels: int) -> int:
    """Return the pixels rounded up to whole register blocks."""
    return -(-pixels // ROWS) * ROWS


def _rows_per_tile(layer: _Layer) -> int:
    """Choose the tile with the least work for the busiest thread.

    Work counts pixels in whole register blocks, and for every tile a share of the two rows that it
    reads beside its own.
    """
    rows, width = layer.size_out
    most = max(1, _TILE_BYTES // (4 * width * padded(layer.unit.inputs)))

    def work(candidate: int) -> float:
        tiles = layer.batch * -(-rows // candidate)
        return -(-tiles // layer.threads) * (_blocks(candidate * width) + 0.1 * width)

    return min(range(1, min(rows, most) + 1), key=work)
