"""What frames alone can do: eight ways to compare two traverses without learning anything.

    sad        1 - |q - r|_1 / max over all pairs                                (published)
    raw        correlation of the pixels
    centred    cosine after the mean reference frame is taken off
    log_count  correlation of log(1 + x), each pixel to mean 0 and deviation 1 over the references
    own_...    log(1 + x) standardised, or only centred, over its own traverse each
    patch      correlation after each patch of the frame has mean 0 and deviation 1
    pca        cosine of the 60 strongest components of the references           (published)

All take frames of any number of channels (event counts, or images with one), pool first if asked,
and hold some blocks of frames in memory, never all: 3000 frames of 2x260x346 need under 2 GB.
A method that cannot see a difference (a constant frame) scores 0, not NaN.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from saccade.errors import ConfigError, DataError, ShapeError
from saccade.retrieval import score_matrix
from saccade.retrieval.scores import Metric, add_product
from saccade.traverses.absolute import add_absolute_differences
from saccade.traverses.frame_rows import FrameRows, Frames, Turn

__all__ = [
    "BASELINES",
    "centred_correlation",
    "distances",
    "log_count_correlation",
    "own_centred_correlation",
    "own_standardised_correlation",
    "patch_correlation",
    "pca_cosine",
    "raw_correlation",
    "sum_of_absolute_differences",
]

Scores = NDArray[np.float32]

_QUERY_BYTES, _REFERENCE_BYTES = 3 << 27, 1 << 27
_COLUMNS = 1 << 12


def sum_of_absolute_differences(queries: Frames, references: Frames, *, pool: int = 1) -> Scores:
    """Return 1 - SAD / (largest SAD of all pairs), as SpikeVPR compares event frames.

    Args:
        queries: ``[Q, C, H, W]``.
        references: ``[R, C, H, W]``.
        pool: Side of the cells that are summed first, in pixels.

    Returns:
        float32 ``[Q, R]``, 0 to 1; all 1 where all frames are equal.

    Raises:
        ShapeError: Frames differ in size.
        DataError: A frame holds NaN.

    Examples:
        >>> frames = np.array([[0, 0], [0, 4], [1, 0]], np.float32).reshape(3, 1, 1, 2)
        >>> sum_of_absolute_differences(frames[:1], frames).tolist()
        [[1.0, 0.0, 0.75]]
    """
    sums = distances(queries, references, pool=pool)
    largest = float(sums.max())
    return (1 - sums / largest if largest else np.ones_like(sums)).astype(np.float32)


def distances(
    queries: Frames, references: Frames, *, pool: int = 1, centred: bool = False
) -> NDArray[np.float64]:
    """Return |q - r|_1 of every pair, float64 ``[Q, R]``.

    Args:
        queries: ``[Q, C, H, W]``.
        references: ``[R, C, H, W]``.
        pool: Side of the cells that are summed first, in pixels.
        centred: Take each frame's own mean off first.

    Examples:
        >>> frames = np.array([[0, 0], [0, 4], [9, 9]], np.float32).reshape(3, 1, 1, 2)
        >>> distances(frames[:1], frames).tolist()
        [[0.0, 4.0, 18.0]]
        >>> distances(frames[:1], frames, centred=True).tolist()
        [[0.0, 4.0, 0.0]]
    """

    def turn(block: NDArray[np.float32]) -> NDArray[np.float32]:
        rows = _flat(block)
        return rows - rows.mean(axis=1, keepdims=True) if centred else rows

    sums = np.zeros((queries.shape[0], references.shape[0]))
    for q, left, r, right in _block_pairs(*_sides(queries, references, pool), turn, turn):
        part = np.zeros((len(left), len(right)))
        add_absolute_differences(left, np.ascontiguousarray(right.T), part)
        sums[q, r] = part
    return sums


def raw_correlation(queries: Frames, references: Frames, *, pool: int = 1) -> Scores:
    """Return the correlation (Pearson) of the pixels of every pair.

    Examples:
        >>> frames = np.array([[0, 1], [0, 4], [1, 0]], np.float32).reshape(3, 1, 1, 2)
        >>> raw_correlation(frames[:1], frames).round(6).tolist()
        [[1.0, 1.0, -1.0]]
    """
    sides = _sides(queries, references, pool)
    return _compared(*sides, _flat, _flat, "correlation")


def centred_correlation(queries: Frames, references: Frames, *, pool: int = 1) -> Scores:
    """Return the cosine of what differs from the mean reference frame.

    Examples:
        >>> frames = np.array([[5, 1], [5, 0], [5, 2]], np.float32).reshape(3, 1, 1, 2)
        >>> centred_correlation(frames[1:2], frames).tolist()
        [[0.0, 1.0, -1.0]]
    """
    left, right = _sides(queries, references, pool)
    mean = _pixel_statistics(right, _flat)[0]

    def turn(block: NDArray[np.float32]) -> NDArray[np.float32]:
        return _flat(block) - mean

    return _compared(left, right, turn, turn, "cosine")


def log_count_correlation(
    queries: Frames,
    references: Frames,
    *,
    pool: int = 1,
    query_statistics: Literal["references", "queries"] = "references",
) -> Scores:
    """Return the correlation of log(1 + count), each pixel standardised over its traverse.

    A pixel that never changes over the traverse counts as 0.

    Args:
        queries: ``[Q, C, H, W]``, none below 0.
        references: ``[R, C, H, W]``, none below 0.
        pool: Side of the cells that are summed first, in pixels.
        query_statistics: Whose mean and deviation the queries are standardised by. By their own a
            change of the light drops out, but all queries must be at hand.

    Raises:
        DataError: A value is below 0.

    Examples:
        >>> frames = np.random.default_rng(0).poisson(1.0, (5, 2, 4, 6)).astype(np.float32)
        >>> log_count_correlation(frames, frames).argmax(axis=1).tolist()
        [0, 1, 2, 3, 4]
    """
    if query_statistics not in ("references", "queries"):
        raise ConfigError(
            f"query_statistics is {query_statistics!r}.", "Expected 'references' or 'queries'."
        )
    left, right = _sides(queries, references, pool)
    turn = _standardiser(right)
    turn_query = turn if query_statistics == "references" else _standardiser(left)
    return _compared(left, right, turn_query, turn, "correlation")


def own_standardised_correlation(queries: Frames, references: Frames, *, pool: int = 1) -> Scores:
    """Return `log_count_correlation` with each traverse standardised by its own statistics."""
    return log_count_correlation(queries, references, pool=pool, query_statistics="queries")


def own_centred_correlation(queries: Frames, references: Frames, *, pool: int = 1) -> Scores:
    """Return the correlation of log(1 + count) less the mean of its own traverse.

    All queries must be at hand, as for a recorded drive; season and light drop out with the mean.

    Raises:
        DataError: A value is below 0.

    Examples:
        >>> frames = np.random.default_rng(0).poisson(1.0, (5, 2, 4, 6)).astype(np.float32)
        >>> own_centred_correlation(frames, frames).argmax(axis=1).tolist()
        [0, 1, 2, 3, 4]
    """
    left, right = _sides(queries, references, pool)
    turns = [_centrer(side) for side in (left, right)]
    return _compared(left, right, turns[0], turns[1], "correlation")


def patch_correlation(
    queries: Frames, references: Frames, *, pool: int = 1, patch: int = 8
) -> Scores:
    """Return the correlation after each patch of each channel has mean 0 and deviation 1.

    Patches do not overlap; those at the right and lower edge may be smaller. A constant patch
    becomes 0.

    Args:
        queries: ``[Q, C, H, W]``.
        references: ``[R, C, H, W]``.
        pool: Side of the cells that are summed first, in pixels.
        patch: Side of a patch in cells, at least 2.

    Examples:
        >>> frames = np.random.default_rng(0).random((4, 1, 8, 12)).astype(np.float32)
        >>> darker = frames * np.linspace(0.1, 1, 12, dtype=np.float32).round(0)[::-1] + 3
        >>> patch_correlation(5 * frames + 1, frames, patch=4).argmax(axis=1).tolist()
        [0, 1, 2, 3]
    """
    if patch < 2:
        raise ConfigError(f"patch is {patch}.", "Expected at least 2 cells.")

    def turn(block: NDArray[np.float32]) -> NDArray[np.float32]:
        return _flat(_patch_normalised(block, patch))

    return _compared(*_sides(queries, references, pool), turn, turn, "correlation")


def pca_cosine(
    queries: Frames, references: Frames, *, pool: int = 1, components: int = 60
) -> Scores:
    """Return the cosine of projections on the strongest components of the references.

    With X the references less their mean, and X Xᵀ = U S² Uᵀ, references project to U S and a
    query q to (q - mean) Xᵀ U / S: only products of frames are needed, not the components.

    Args:
        queries: ``[Q, C, H, W]``.
        references: ``[R, C, H, W]``.
        pool: Side of the cells that are summed first, in pixels.
        components: How many; fewer where the references span fewer.

    Raises:
        DataError: All references are equal.

    Examples:
        >>> frames = np.random.default_rng(0).random((5, 1, 4, 6)).astype(np.float32)
        >>> pca_cosine(frames, frames, components=60).argmax(axis=1).tolist()
        [0, 1, 2, 3, 4]
    """
    if components < 1:
        raise ConfigError(f"components is {components}.", "Expected at least 1.")
    left, right = _sides(queries, references, pool)
    mean = _pixel_statistics(right, _flat)[0]

    def turn(block: NDArray[np.float32]) -> NDArray[np.float32]:
        return _flat(block) - mean

    other = FrameRows(references, "references", pool=pool, block_bytes=_QUERY_BYTES)
    power, axes = np.linalg.eigh(_products(other, right, turn))
    keep = np.flatnonzero(power > 1e-9 * max(power[-1], 0.0))[::-1][:components]
    if not len(keep):
        raise DataError("All references are equal.", "Expected some that differ, to have a PCA.")
    scale = np.sqrt(power[keep])
    along = _products(left, right, turn) @ (axes[:, keep] / scale)
    return score_matrix(along, axes[:, keep] * scale)


BASELINES: dict[str, Callable[..., Scores]] = {
    "sad": sum_of_absolute_differences,
    "raw": raw_correlation,
    "centred": centred_correlation,
    "log_count": log_count_correlation,
    "own_standardised": own_standardised_correlation,
    "own_centred": own_centred_correlation,
    "patch": patch_correlation,
    "pca": pca_cosine,
}
"""Name -> function of (queries, references, \\*, pool and other options) that returns scores."""


def _sides(queries: Frames, references: Frames, pool: int) -> tuple[FrameRows, FrameRows]:
    left = FrameRows(queries, "queries", pool=pool, block_bytes=_QUERY_BYTES)
    right = FrameRows(references, "references", pool=pool, block_bytes=_REFERENCE_BYTES)
    if queries.shape[1:] != references.shape[1:]:
        raise ShapeError(
            f"Query frames are {list(queries.shape[1:])}, references {list(references.shape[1:])}.",
            "Expected the same channels, height and width.",
            "Scale the events of one recording to the sensor size of the other.",
        )
    return left, right


def _block_pairs(
    left: FrameRows, right: FrameRows, turn_left: Turn, turn_right: Turn
) -> Iterator[tuple[slice, NDArray[np.float32], slice, NDArray[np.float32]]]:
    """Yield rows and vectors of queries with rows and vectors of references."""
    for q in left.slices():
        queries = left.block(q, turn_left)
        for r in right.slices():
            yield q, queries, r, right.block(r, turn_right)


def _compared(
    left: FrameRows, right: FrameRows, turn_left: Turn, turn_right: Turn, metric: Metric
) -> Scores:
    scores = np.empty((left.shape[0], right.shape[0]), np.float32)
    for q, queries, r, references in _block_pairs(left, right, turn_left, turn_right):
        scores[q, r] = score_matrix(queries, references, metric=metric)
    return scores


def _products(left: FrameRows, right: FrameRows, turn: Turn) -> NDArray[np.float64]:
    """Inner products of all pairs, summed in float64."""
    total = np.zeros((left.shape[0], right.shape[0]))
    for q, queries, r, references in _block_pairs(left, right, turn, turn):
        part = np.zeros((len(queries), len(references)))
        for start in range(0, queries.shape[1], _COLUMNS):
            columns = slice(start, start + _COLUMNS)
            add_product(
                part,
                queries[:, columns].astype(np.float64),
                references[:, columns].astype(np.float64),
            )
        total[q, r] = part
    return total


def _flat(block: NDArray[np.float32]) -> NDArray[np.float32]:
    return block.reshape(len(block), -1)


def _pixel_statistics(
    side: FrameRows, turn: Turn
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Mean of each pixel, and 1 / deviation, 0 where it never changes."""
    count, pixels = side.shape
    total, square = np.zeros(pixels), np.zeros(pixels)
    for rows in side.slices():
        values = side.block(rows, turn)
        total += values.sum(axis=0, dtype=np.float64)
        square += np.einsum("nd,nd->d", values, values, dtype=np.float64)
    mean, power = total / count, square / count
    variance = power - mean**2
    scale = np.zeros(pixels)
    changes = variance > 1e-9 * power
    scale[changes] = 1.0 / np.sqrt(variance[changes])
    return mean.astype(np.float32), scale.astype(np.float32)


def _centrer(side: FrameRows) -> Turn:
    logarithm = _logarithm(side)
    mean = _pixel_statistics(side, logarithm)[0]
    return lambda block: logarithm(block) - mean


def _standardiser(side: FrameRows) -> Turn:
    logarithm = _logarithm(side)
    mean, scale = _pixel_statistics(side, logarithm)
    return lambda block: (logarithm(block) - mean) * scale


def _logarithm(side: FrameRows) -> Turn:
    def logarithm(block: NDArray[np.float32]) -> NDArray[np.float32]:
        if float(block.min()) < 0:
            raise DataError(
                f"The {side.name} hold values below 0.",
                "Expected event counts.",
                "The logarithm is for counts; compare other frames with patch or centred.",
            )
        return np.log1p(_flat(block))

    return logarithm


def _patch_normalised(block: NDArray[np.float32], patch: int) -> NDArray[np.float32]:
    height, width = block.shape[-2:]
    rows, columns = np.arange(0, height, patch), np.arange(0, width, patch)
    index = np.ix_(np.arange(height) // patch, np.arange(width) // patch)
    pixels = np.outer(np.diff(rows, append=height), np.diff(columns, append=width))

    def over_patches(values: NDArray[np.floating]) -> NDArray[np.float64]:
        sums = np.add.reduceat(values, columns, axis=-1, dtype=np.float64)
        return np.add.reduceat(sums, rows, axis=-2) / pixels

    mean = over_patches(block)
    centred = block - mean.astype(np.float32)[..., index[0], index[1]]
    variance = over_patches(centred * centred)
    scale = np.zeros_like(variance)
    alive = variance > 1e-9 * mean**2
    scale[alive] = 1.0 / np.sqrt(variance[alive])
    return centred * scale.astype(np.float32)[..., index[0], index[1]]
