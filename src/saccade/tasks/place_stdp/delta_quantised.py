"""A trained delta network in whole numbers: int8 weights, int32 sums, one scale for each neuron.

    w_ji ~ a_j q_ji        q in -127 .. 127,   a_j = max_i |w_ji| / 127
    x_i  ~ b c_i           c in 0 .. 255 for images, -127 .. 127 between layers
    s_j  = a_j b sum_i q_ji c_i                int32; N up to 66,311 inputs cannot overflow

b is measured once, on training images, and stored; brighter queries are cut off there. uint8 images
are represented exactly where training images use the whole range.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from saccade.errors import ConfigError, DataError
from saccade.jit import kernel
from saccade.tasks.place_stdp.config_delta import DeltaCompat
from saccade.tasks.place_stdp.delta_images import as_inputs
from saccade.tasks.place_stdp.delta_kernels import in_blocks

if TYPE_CHECKING:
    from saccade.tasks.place_stdp.delta import DeltaModel

__all__ = ["Int8Layer", "Int8Model", "plain_sums", "quantise", "quantise_rows"]

Floats = NDArray[np.float32]

MOST_INPUTS = (2**31 - 1) // (127 * 255)
"""Inputs of a layer whose int32 sums cannot overflow."""

_QUERIES = 16


@dataclass(frozen=True, eq=False)
class Int8Layer:
    """One matrix in whole numbers.

    Args:
        weights: int8 ``[R, N]``.
        scales: float32 ``[R]``, a_j.
        input_scale: b.
        signed: Inputs run from -127 to 127 instead of 0 to 255.
    """

    weights: NDArray[np.int8]
    scales: Floats
    input_scale: float
    signed: bool

    def products(self, x: Floats, *, threads: int | None = None) -> Floats:
        """Return s for inputs ``[Q, N]``, float32 ``[Q, R]``."""
        low, high = (-127, 127) if self.signed else (0, 255)
        codes = np.clip(np.rint(x / np.float32(self.input_scale)), low, high).astype(np.int16)
        sums = np.empty((len(codes), len(self.weights)), np.int32)

        def some(first: int, last: int) -> None:
            _sums(codes, self.weights, sums, first, last)

        in_blocks(some, len(codes), _QUERIES, threads)
        scales: Floats = self.scales * np.float32(self.input_scale)
        return sums.astype(np.float32) * scales


@dataclass(frozen=True, eq=False)
class Int8Model:
    """A delta network in whole numbers.

    Args:
        modules: For each module its layers: one (collapsed) or two.
        inputs: Values of an image, N.
        compat: Of the network it was made from.
    """

    modules: tuple[tuple[Int8Layer, ...], ...]
    inputs: int
    compat: DeltaCompat | None

    def scores(self, queries: ArrayLike, *, threads: int | None = None) -> Floats:
        """Return what `delta.DeltaModel.scores` returns, rounded: float32 ``[Q, places]``.

        Args:
            queries: uint8 or float (0 to 1), ``[Q, N]`` or ``[Q, H, W]``.
            threads: How many work at the same time (default: as many as there are cores).

        Raises:
            ShapeError: The queries do not have N values each.
            DataError: Values outside their range.
        """
        x = as_inputs(queries, self.inputs, self.compat)
        parts: list[Floats] = []
        for layers in self.modules:
            products = x
            for layer in layers:
                products = layer.products(products, threads=threads)
            parts.append(products)
        return np.concatenate(parts, axis=1)

    @property
    def bytes(self) -> int:
        """Bytes of all weights and scales."""
        layers = [layer for module in self.modules for layer in module]
        return sum(layer.weights.nbytes + layer.scales.nbytes + 4 for layer in layers)


def quantise(model: DeltaModel, images: ArrayLike, *, collapsed: bool = True) -> Int8Model:
    """Turn a trained network into whole numbers.

    Args:
        model: The network.
        images: Training images, from which the ranges of inputs and of features are measured.
        collapsed: One matrix for all modules; False keeps two layers in each.

    Raises:
        ConfigError: A layer has so many inputs that sums might overflow.
        DataError: All images are black, or there is none.

    Examples:
        >>> from saccade.tasks.place_stdp.config_delta import DeltaConfig
        >>> from saccade.tasks.place_stdp.delta import DeltaModel
        >>> images = np.random.default_rng(0).integers(0, 256, (3, 16), np.uint8)
        >>> model = DeltaModel(inputs=16, places=3, config=DeltaConfig(epochs=100))
        >>> model.train(images, range(3))
        0
        >>> small = quantise(model, images)
        >>> small.scores(images).argmax(axis=1).tolist(), small.bytes
        ([0, 1, 2], 64)
    """
    x = as_inputs(images, model.inputs, model.config.compat)
    if not (x.size and x.max() > 0):
        raise DataError(
            f"{len(x):,} images, none of which has a value above 0.",
            "Expected training images.",
        )
    scale = float(x.max()) / 255
    if collapsed:
        return Int8Model(
            ((_layer(model.collapse(), scale, signed=False),),), model.inputs, model.config.compat
        )
    modules: list[tuple[Int8Layer, ...]] = []
    for module in model.modules:
        feature = _layer(module.feature.weights, scale, signed=False)
        widest = float(np.abs(feature.products(x)).max()) or 1.0
        modules.append((feature, _layer(module.output.weights, widest / 127, signed=True)))
    return Int8Model(tuple(modules), model.inputs, model.config.compat)


def quantise_rows(weights: Floats) -> tuple[NDArray[np.int8], Floats]:
    """Round each row of a matrix to whole numbers from -127 to 127.

    Args:
        weights: float32 ``[R, N]``.

    Returns:
        int8 ``[R, N]`` and the scale of each row, float32 ``[R]``; 0 for a row of zeros.

    Examples:
        >>> codes, scales = quantise_rows(np.array([[0.5, -1.0], [0, 0]], np.float32))
        >>> codes.tolist(), (127 * scales).tolist()
        ([[64, -127], [0, 0]], [1.0, 0.0])
    """
    scales = np.abs(weights).max(axis=1) / np.float32(127)
    codes = np.rint(weights / np.where(scales > 0, scales, 1)[:, None])
    return codes.astype(np.int8), scales


def plain_sums(codes: NDArray[np.int16], weights: NDArray[np.int8]) -> NDArray[np.int32]:
    """Return sum_i q_ji c_i in NumPy, int32 ``[Q, R]``.

    Examples:
        >>> plain_sums(np.array([[1, 2]], np.int16), np.array([[3, 4]], np.int8)).tolist()
        [[11]]
    """
    return codes.astype(np.int32) @ weights.T.astype(np.int32)


def _layer(weights: Floats, input_scale: float, *, signed: bool) -> Int8Layer:
    if weights.shape[1] > MOST_INPUTS:
        raise ConfigError(
            f"A layer of {weights.shape[1]:,} inputs.",
            f"Expected at most {MOST_INPUTS:,}, so that int32 sums cannot overflow.",
            "Use fewer pixels or features.",
        )
    return Int8Layer(*quantise_rows(weights), input_scale, signed)


@kernel
def _sums(codes: Any, weights: Any, out: Any, first: Any, last: Any) -> None:
    """Write the sums of some queries."""
    for q in range(first, last):
        for j in range(weights.shape[0]):
            total = np.int32(0)
            for i in range(weights.shape[1]):
                total += np.int32(codes[q, i]) * np.int32(weights[j, i])
            out[q, j] = total
