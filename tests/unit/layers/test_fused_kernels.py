"""The fused kernels against plain NumPy, on numbers for which float32 arithmetic is exact."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from saccade.layers import fused_kernels, fused_reference
from saccade.layers.fused_fold import channels_last, panels
from saccade.layers.fused_plan import CONNECT, padded
from saccade.layers.spike_gemm import ROWS


def eighths(rng: np.random.Generator, *shape: int) -> NDArray[np.float32]:
    """Multiples of 1/8 between -1 and 1: sums of products of them are exact."""
    return (rng.integers(-8, 9, shape) / 8).astype(np.float32)


def spread(x: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Pad the channels of a map as the kernels want it, and flatten it."""
    extra = padded(x.shape[-1]) - x.shape[-1]
    return np.pad(x, ((0, 0), (0, 0), (0, 0), (0, extra))).reshape(-1)


def thresholds(values: NDArray[np.float32]) -> NDArray[np.float32]:
    filled = np.full(padded(len(values)), np.inf, np.float32)
    filled[: len(values)] = values
    return filled


def run_separable(
    x: NDArray[np.uint8],
    depthwise: NDArray[np.float32],
    pointwise: NDArray[np.float32],
    threshold: NDArray[np.float32],
    stride: int,
    identity: NDArray[np.uint8] | None = None,
    connect: tuple[int, int, int] = (1, 0, 0),
    tile_rows: int = 2,
) -> tuple[NDArray[np.uint8], NDArray[np.int64]]:
    """Call the kernel in two shares of the tiles, as two threads would."""
    batch, height, width, inputs = x.shape
    outputs = pointwise.shape[1]
    tall, wide = -(-height // stride), -(-width // stride)
    tiles = -(-tall // tile_rows)
    shape = np.array([height, width, padded(inputs), tall, wide, padded(outputs), stride])
    out = np.full(batch * tall * wide * padded(outputs), 77, np.uint8)
    bypass = out if identity is None else spread(identity)
    room = -(-tile_rows * wide // ROWS) * ROWS * padded(inputs)
    counts, half = np.zeros(batch, np.int64), batch * tiles // 2
    for first, last in ((0, half), (half, batch * tiles)):
        fused_kernels.separable(
            spread(x),
            shape,
            np.array([first, last, tiles, tile_rows]),
            channels_last(depthwise.T.astype(float)),
            panels(pointwise.T.astype(float)),
            thresholds(threshold),
            bypass,
            out,
            np.array(connect, np.uint8),
            np.full(room, np.nan, np.float32),
            np.zeros(width * padded(inputs), np.uint8),
            counts,
        )
    return out.reshape(batch, tall, wide, -1)[..., :outputs], counts


@pytest.mark.parametrize("stride", [1, 2])
@pytest.mark.parametrize(
    "size",
    [(1, 1), (1, 7), (5, 1), (2, 2), (6, 5), (9, 11)],
    ids=lambda size: "x".join(map(str, size)),
)
@pytest.mark.parametrize(("inputs", "outputs"), [(3, 5), (32, 64), (20, 33)])
def test_separable_kernel_equals_numpy(
    stride: int, size: tuple[int, int], inputs: int, outputs: int
) -> None:
    rng = np.random.default_rng([stride, *size, inputs])
    x = rng.integers(0, 5, (3, *size, inputs), dtype=np.uint8)
    depthwise, pointwise = eighths(rng, 9, inputs), eighths(rng, inputs, outputs)
    threshold = eighths(rng, outputs)
    spikes, counts = run_separable(x, depthwise, pointwise, threshold, stride)
    expected, expected_counts = fused_reference.separable(
        x, depthwise, pointwise, threshold, stride
    )
    np.testing.assert_array_equal(spikes, expected)
    np.testing.assert_array_equal(counts, expected_counts)


@pytest.mark.parametrize("how", CONNECT)
def test_separable_kernel_joins_the_identity(how: str) -> None:
    rng = np.random.default_rng(5)
    x = rng.integers(0, 2, (2, 7, 5, 16), dtype=np.uint8)
    weights = eighths(rng, 9, 16), eighths(rng, 16, 16), eighths(rng, 16)
    identity = rng.integers(0, 2 if how == "IAND" else 6, (2, 7, 5, 16), dtype=np.uint8)
    joined, counts = run_separable(x, *weights, 1, identity, CONNECT[how])
    spikes, expected_counts = fused_reference.separable(x, *weights, 1)
    np.testing.assert_array_equal(joined, fused_reference.connect(spikes, identity, how))
    np.testing.assert_array_equal(counts, expected_counts)


@pytest.mark.parametrize("tile_rows", [1, 3, 8])
def test_tiles_do_not_change_a_bit(tile_rows: int) -> None:
    rng = np.random.default_rng(6)
    x = rng.integers(0, 3, (2, 8, 13, 24), dtype=np.uint8)
    weights = [rng.normal(size=shape).astype(np.float32) for shape in ((9, 24), (24, 40), (40,))]
    one, counts_one = run_separable(x, *weights, 1, tile_rows=2)
    other, counts_other = run_separable(x, *weights, 1, tile_rows=tile_rows)
    np.testing.assert_array_equal(one, other)
    np.testing.assert_array_equal(counts_one, counts_other)


@pytest.mark.parametrize("tile_rows", [1, 2, 40])
@pytest.mark.parametrize(
    "size", [(1, 1), (2, 3), (7, 6), (31, 33), (12, 600)], ids=lambda size: "x".join(map(str, size))
)
def test_stem_kernel_equals_numpy(size: tuple[int, int], tile_rows: int) -> None:
    rng = np.random.default_rng([*size, tile_rows])
    frames = rng.integers(0, 6, (2, 2, *size)).astype(np.float32)
    depthwise, pointwise, threshold = eighths(rng, 2, 7, 7), eighths(rng, 2, 20), eighths(rng, 20)
    mid = -(-size[0] // 2), -(-size[1] // 2)
    tall, wide = -(-mid[0] // 2), -(-mid[1] // 2)
    channels, tiles = padded(20), -(-tall // tile_rows)
    out, counts = np.full(2 * tall * wide * channels, 9, np.uint8), np.zeros(2, np.int64)
    for first, last in ((0, tiles), (tiles, 2 * tiles)):
        fused_kernels.stem(
            frames.reshape(-1),
            np.array([*size, *mid, tall, wide, channels]),
            np.array([first, last, tiles, tile_rows]),
            depthwise.reshape(-1),
            channels_last(pointwise.T.astype(float)),
            thresholds(threshold),
            out,
            np.full(35 * mid[1] + 128, np.nan, np.float32),
            np.full(4 * mid[1] * channels, 3, np.uint8),
            counts,
        )
    expected, expected_counts = fused_reference.stem(frames, depthwise, pointwise, threshold)
    np.testing.assert_array_equal(out.reshape(2, tall, wide, channels)[..., :20], expected)
    np.testing.assert_array_equal(counts, expected_counts)
