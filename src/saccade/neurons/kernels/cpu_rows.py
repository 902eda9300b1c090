"""Where a block of neurons keeps its numbers while the compiled loops work on it.

A block is at most ``LANES`` neurons wide. Everything a block needs lives in one scratch array, row
by row, so that it stays in the nearest caches while time runs inside the block:

    row 0 V      what the membrane brings to the next step    row 4 THETA  threshold per neuron
    row 1 Z      spikes of the last step                      row 5 LEVEL  smallest v that fires
    row 2 DECAY  decay per neuron                             row 6..11    gradients (backward)
    row 3 GAIN   input gain per neuron                        row 12..     v at firing, per step

One array with constant row offsets, and not one array a row: the compiler then proves by itself
that rows do not overlap and vectorizes every loop.
"""

from __future__ import annotations

__all__ = [
    "DECAY",
    "GAIN",
    "GH",
    "GV",
    "G_DECAY",
    "G_GAIN",
    "G_THETA",
    "HISTORY",
    "LANES",
    "LEVEL",
    "PHI",
    "THETA",
    "V",
    "Z",
]

LANES = 4096
ROW = LANES + 16  # not a power of two: equal places of all rows would share one cache set
V, Z, DECAY, GAIN, THETA, LEVEL = (row * ROW for row in range(6))
GV, GH, PHI, G_DECAY, G_GAIN, G_THETA = (row * ROW for row in range(6, 12))
HISTORY = 12 * ROW
