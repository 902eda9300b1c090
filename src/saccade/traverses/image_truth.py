"""Which images of two traverses show the same place, where place k of one is not place k of both.

gt_QUERY_REFERENCE [R, Q]        in the .npz of the images, as LENS stores it
match_first, match_last [Q]      there, too: the right references of each query of ``query`` in
                                 ``ref`` are those from the first to the last, both included
QUERY_in_REFERENCE.query_by_reference.npy      beside folders of images
St_Lucia_gt_boolean_matrix.npy [R, Q]          published inverted: its zero is the match
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from saccade.errors import DataError, FormatError, ShapeError
from saccade.retrieval import TruthMatrix
from saccade.traverses.recording_folder import find_truth, read_truth

__all__ = ["array_truth", "file_truth", "is_truth", "one_match_each"]

_RANGES = ("match_first", "match_last")
_RANGED = ("query", "ref")


def is_truth(name: str) -> bool:
    """Tell by its name whether an array says which images match."""
    return name.startswith("gt_") or name in _RANGES


def array_truth(
    arrays: Mapping[str, NDArray[Any]], query: str, reference: str
) -> NDArray[np.bool_] | None:
    """Return the true matches of two arrays of images, ``[Q, R]``; None where nothing is said.

    Raises:
        ShapeError: The truth is of another size than the images.
        DataError: It holds something else than 0 and 1, or ranges that leave the references.

    Examples:
        >>> images = np.zeros((3, 2, 2), np.uint8)
        >>> said = {"match_first": np.array([0, 0, 2]), "match_last": np.array([0, 1, 2])}
        >>> array_truth({"query": images, "ref": images, **said}, "query", "ref").astype(int)
        array([[1, 0, 0],
               [1, 1, 0],
               [0, 0, 1]])
    """
    queries, references = len(arrays[query]), len(arrays[reference])
    name = f"gt_{query}_{reference}"
    if name in arrays:
        truth = TruthMatrix(arrays[name], layout="reference_by_query")
        return _checked(np.asarray(truth.matrix).T, name, queries, references)
    if (query, reference) != _RANGED or not set(_RANGES) <= set(arrays):
        return None
    first, last = (np.asarray(arrays[key]) for key in _RANGES)
    if first.shape != (queries,) or last.shape != (queries,):
        raise ShapeError(
            f"match_first has shape {first.shape}, match_last {last.shape}.",
            f"Expected ({queries:,},): a range for each image of {query}.",
        )
    outside = (first < 0) | (last < first) | (last >= references)
    if outside.any():
        k = int(np.argmax(outside))
        raise DataError(
            f"Query {k:,} matches references {first[k]:,} to {last[k]:,}.",
            f"Expected a range within 0 to {references - 1:,}.",
        )
    numbers = np.arange(references)
    return (numbers >= first[:, None]) & (numbers <= last[:, None])


def file_truth(
    base: Path, query: str, reference: str, *, queries: int, references: int
) -> NDArray[np.bool_] | None:
    """Return the matrix of a file beside the folders of images, ``[Q, R]``; None without one.

    Raises:
        ConfigError: There are two.
        ShapeError: It is of another size than the lists.
        SaccadeError: It cannot be read.
    """
    found = find_truth(base, query, reference)
    if found is None:
        return None
    truth = read_truth(*found)
    matrix = np.asarray(truth.matrix, np.bool_)
    if truth.layout == "reference_by_query":
        matrix = matrix.T
    return _checked(matrix, found[0].name, queries, references)


def one_match_each(path: Path, *, queries: int, references: int) -> tuple[NDArray[np.bool_], str]:
    """Read a matrix ``[R, Q]`` with one match a query, whose match is its 1 or, inverted, its 0.

    Args:
        path: ``.npy``.
        queries: Images that the list of the query names.
        references: Those of the reference.

    Returns:
        The matches ``[Q, R]``, and in words how the file was read.

    Raises:
        FormatError: It cannot be read.
        ShapeError: It is of another size.
        DataError: Neither reading, or both, give every query one match.
    """
    try:
        stored = np.load(path, allow_pickle=False)
    except (OSError, ValueError, EOFError) as error:
        raise FormatError(f"{path.name}: {error}.", "Expected a matrix in .npy.") from error
    ones = np.asarray(TruthMatrix(stored, layout="reference_by_query").matrix, np.bool_).T
    ones = _checked(ones, path.name, queries, references)
    fits = [bool((matrix.sum(axis=1) == 1).all()) for matrix in (ones, ~ones)]
    if fits == [True, False]:
        return ones, f"{path.name}: its ones are the matches, one a query."
    if fits == [False, True]:
        return ~ones, f"{path.name} is stored inverted: its zeros are the matches, one a query."
    counts = ones.sum(axis=1)
    raise DataError(
        f"{path.name} has {counts.min():,} to {counts.max():,} ones a query of {references:,}.",
        "Expected one match each, its 1 or, where the file is inverted, its 0.",
    )


def _checked(
    matrix: NDArray[np.bool_], name: str, queries: int, references: int
) -> NDArray[np.bool_]:
    if matrix.shape != (queries, references):
        raise ShapeError(
            f"{name} is for {matrix.shape[0]:,} queries and {matrix.shape[1]:,} references.",
            f"Expected {queries:,} and {references:,}, as there are images.",
        )
    return matrix
