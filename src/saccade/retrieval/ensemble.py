"""Ensembles: the mean over members that scored the same queries and references in different ways.

    plain         s = 1/M sum_m S_m                                (published: of distances)
    standardised  s = 1/M sum_m (S_m - mean S_m) / std S_m         over the matrix, or over each row

Members may be the same method at several windows, several methods, or score matrices that another
program wrote (.npy, .npz, .csv): the published ensemble has members made of reconstructed images
and of RGB frames. Distances are turned round, so that larger is always more alike.

Reference:
    T. Fischer and M. Milford, "Event-based visual place recognition with ensembles of temporal
    windows", IEEE RA-L 2020.
"""

from __future__ import annotations

import zipfile
from collections.abc import Iterable
from pathlib import Path
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray

from saccade.errors import (
    ConfigError,
    DataError,
    FormatError,
    MissingFileError,
    ShapeError,
    listing,
)

__all__ = ["Standardise", "ensemble_scores", "read_member"]

Standardise = Literal["no", "matrix", "query"]


def ensemble_scores(
    members: Iterable[ArrayLike | str | Path],
    *,
    standardise: Standardise = "no",
    kind: Literal["scores", "distances"] = "scores",
    layout: Literal["query_by_reference", "reference_by_query"] = "query_by_reference",
) -> NDArray[np.float32]:
    """Return the mean over members; only one member is held at a time.

    Args:
        members: Matrices, or files that hold one, all of one shape.
        standardise: ``"no"``: as they are, members of a wider range weigh more. ``"matrix"``: each
            to mean 0 and standard deviation 1 as a whole. ``"query"``: each row by itself; then
            scores of different queries no longer compare, which precision-recall needs.
        kind: What the members hold; ``"distances"`` change their sign.
        layout: How the members are stored; the result is ``[Q, R]``.

    Returns:
        float32 ``[Q, R]``, larger = more alike.

    Raises:
        ShapeError: A member has another shape than the first, or there is none.
        DataError: A member holds NaN, or is constant and cannot be standardised.
        MissingFileError: There is no such file.
        FormatError: A file holds no matrix.

    Examples:
        >>> ensemble_scores([[[0.0, 2.0]], [[4.0, 2.0]]]).tolist()
        [[2.0, 2.0]]
        >>> ensemble_scores([[[0.0, 2.0]], [[40.0, 20.0]]], kind="distances").tolist()
        [[-20.0, -11.0]]
    """
    _check_options(standardise, kind, layout)
    total: NDArray[np.float64] | None = None
    count = 0
    for member in members:
        name = member.name if isinstance(member, Path) else f"Member {count}"
        if isinstance(member, str):
            member, name = Path(member), Path(member).name
        values = read_member(member) if isinstance(member, Path) else np.asarray(member)
        if layout == "reference_by_query":
            values = values.T
        _check_member(values, name, None if total is None else total.shape)
        scaled = _standardised(values.astype(np.float64), standardise, name)
        total = scaled if total is None else np.add(total, scaled, out=total)
        count += 1
    if total is None:
        raise ShapeError("An ensemble without members.", "Expected at least one.")
    return (total / (-count if kind == "distances" else count)).astype(np.float32)


def read_member(path: str | Path) -> NDArray[np.float64]:
    """Read a matrix of scores or distances that another program wrote.

    Args:
        path: ``.npy``; ``.npz`` with one matrix; ``.csv`` with one row per line, commas between
            numbers, without names of columns.

    Returns:
        float64, as it is stored.

    Raises:
        MissingFileError: There is no such file.
        FormatError: Another suffix, no numbers, or not exactly one matrix.

    Examples:
        >>> import tempfile
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     _ = Path(folder, "e2vid.csv").write_text("0.5,0.25\\n1,0\\n")
        ...     read_member(Path(folder, "e2vid.csv")).tolist()
        [[0.5, 0.25], [1.0, 0.0]]
    """
    path = Path(path)
    if not path.is_file():
        raise MissingFileError(f"No such file: {path}.", "Expected a matrix of scores.")
    readers = {".npy": _read_npy, ".npz": _read_npz, ".csv": _read_csv}
    if path.suffix not in readers:
        raise FormatError(f"{path.name} is not {', '.join(readers)}.")
    try:
        values = readers[path.suffix](path)
    except (ValueError, EOFError, OSError, zipfile.BadZipFile) as error:
        raise FormatError(f"{path.name} cannot be read: {error}.") from error
    if values.ndim != 2 or values.dtype.kind not in "buif":
        raise FormatError(
            f"{path.name} holds {values.dtype} {values.shape}.",
            "Expected numbers, queries by references.",
        )
    return values.astype(np.float64)


def _read_npy(path: Path) -> NDArray[np.generic]:
    return np.load(path, allow_pickle=False)


def _read_npz(path: Path) -> NDArray[np.generic]:
    with np.load(path, allow_pickle=False) as data:
        matrices = [name for name in data.files if data[name].ndim == 2]
        if len(matrices) != 1:
            raise FormatError(
                f"{path.name} holds {len(matrices)} matrices: {listing(matrices) or 'none'}.",
                "Expected exactly one.",
                "Save the scores alone.",
            )
        return data[matrices[0]]


def _read_csv(path: Path) -> NDArray[np.generic]:
    if not path.read_text().strip():
        raise FormatError(f"{path.name} is empty.", "Expected a row of numbers per query.")
    return np.loadtxt(path, delimiter=",", ndmin=2)


def _check_options(standardise: str, kind: str, layout: str) -> None:
    for name, value, allowed in (
        ("standardise", standardise, ("no", "matrix", "query")),
        ("kind", kind, ("scores", "distances")),
        ("layout", layout, ("query_by_reference", "reference_by_query")),
    ):
        if value not in allowed:
            raise ConfigError(f"{name} is {value!r}.", f"Expected one of {', '.join(allowed)}.")


def _check_member(values: NDArray[np.generic], name: str, shape: tuple[int, ...] | None) -> None:
    if values.ndim != 2 or 0 in values.shape:
        raise ShapeError(f"{name} has shape {values.shape}.", "Expected [Q, R], neither of them 0.")
    if shape is not None and values.shape != shape:
        raise ShapeError(
            f"{name} has {values.shape[0]:,} queries and {values.shape[1]:,} references.",
            f"Expected {shape[0]:,} and {shape[1]:,}, as the member before.",
            "Queries and references are swapped: say layout=."
            if values.shape == shape[::-1]
            else "Members must score the same frames.",
        )
    if not np.isfinite(np.asarray(values, np.float64)).all():
        raise DataError(f"{name} holds NaN or an infinity.", "Expected finite numbers.")


def _standardised(
    values: NDArray[np.float64], standardise: Standardise, name: str
) -> NDArray[np.float64]:
    if standardise == "no":
        return values
    axis = 1 if standardise == "query" else None
    spread = values.std(axis=axis, keepdims=True)
    constant = spread <= 1e-12 * np.abs(values).max(axis=axis, keepdims=True)
    if constant.any():
        what = f"{name}, query {int(constant.argmax()):,}" if standardise == "query" else name
        raise DataError(
            f"{what}: all scores are equal.",
            "Expected some that differ, to divide by their standard deviation.",
            "Leave that member out, or use standardise='no'.",
        )
    return (values - values.mean(axis=axis, keepdims=True)) / spread
