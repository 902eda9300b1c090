"""What the fused kernels compute, in plain NumPy: tests hold the kernels equal to these.

Maps are ``[B, H, W, C]`` uint8, weights ``depthwise [9, C]`` (stem ``[2, 7, 7]``) and
``pointwise [C, O]``; spikes are counted per sample.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

__all__ = ["connect", "separable", "stem"]

Bytes = NDArray[np.uint8]
Floats = NDArray[np.float32]
Counts = NDArray[np.int64]


def connect(spikes: Bytes, identity: Bytes, how: str) -> Bytes:
    """Join spikes with what bypassed them: ADD s + i, AND s i, IAND i (1 - s)."""
    joined = {"ADD": spikes + identity, "AND": spikes * identity, "IAND": identity * (1 - spikes)}
    return joined[how].astype(np.uint8)


def separable(
    x: Bytes, depthwise: Floats, pointwise: Floats, threshold: Floats, stride: int
) -> tuple[Bytes, Counts]:
    """Depthwise 3x3 (zeros outside), pointwise, threshold; return spikes and their counts."""
    around = np.pad(x.astype(np.float32), ((0, 0), (1, 1), (1, 1), (0, 0)))
    height, width = -(-x.shape[1] // stride), -(-x.shape[2] // stride)
    sums = np.zeros((x.shape[0], height, width, x.shape[3]), np.float32)
    for tap in range(9):
        rows = slice(tap // 3, tap // 3 + stride * (height - 1) + 1, stride)
        columns = slice(tap % 3, tap % 3 + stride * (width - 1) + 1, stride)
        sums += depthwise[tap] * around[:, rows, columns]
    spikes = (sums @ pointwise >= threshold).astype(np.uint8)
    return spikes, spikes.sum((1, 2, 3), dtype=np.int64)


def stem(
    frames: Floats, depthwise: Floats, pointwise: Floats, threshold: Floats
) -> tuple[Bytes, Counts]:
    """Depthwise 7x7 with stride 2, pointwise, threshold, maximum of 3x3 with stride 2."""
    height, width = -(-frames.shape[2] // 2), -(-frames.shape[3] // 2)
    around = np.pad(frames, ((0, 0), (0, 0), (3, 3), (3, 3)))
    sums = np.zeros((*frames.shape[:2], height, width), np.float32)
    for dy in range(7):
        for dx in range(7):
            taps = around[:, :, dy : dy + 2 * height - 1 : 2, dx : dx + 2 * width - 1 : 2]
            sums += depthwise[:, dy, dx, None, None] * taps
    spikes = (np.moveaxis(sums, 1, -1) @ pointwise >= threshold).astype(np.uint8)
    ring = np.pad(spikes, ((0, 0), (1, 1), (1, 1), (0, 0)))
    tall, wide = -(-height // 2), -(-width // 2)
    windows = [
        ring[:, dy : dy + 2 * tall - 1 : 2, dx : dx + 2 * wide - 1 : 2]
        for dy in range(3)
        for dx in range(3)
    ]
    return np.max(windows, axis=0), spikes.sum((1, 2, 3), dtype=np.int64)
