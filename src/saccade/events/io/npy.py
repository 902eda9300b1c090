"""NumPy ``.npy`` files: records of faery, tonic and others, or plain ``(N, 4)`` arrays."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import IO

import numpy as np

from saccade.errors import FormatError
from saccade.events.io.array_file import NPY_MAGIC, ArrayFile
from saccade.events.io.blocks import Block, BlockReader
from saccade.events.io.format import Format, Header, ReadOptions, truncated
from saccade.events.io.table import SAMPLE_ROWS, table_of

__all__ = ["FORMAT", "open_npy"]


def sniff(head: bytes, path: Path) -> bool:
    """Tell by the magic bytes."""
    return head.startswith(NPY_MAGIC)


def open_npy(path: Path, options: ReadOptions) -> BlockReader:
    """Open a ``.npy`` file of events.

    Raises:
        FormatError: The array holds no events, or is truncated.
    """

    def open_file() -> IO[bytes]:
        return path.open("rb")

    array = ArrayFile.inspect(path, open_file)
    if len(array.shape) not in (1, 2):
        raise FormatError(
            f"{path.name} holds an array of shape {array.shape}.",
            "Expected records [N] or an (N, 4) array.",
        )
    array = _cut(array, options)
    sample = next(array.pieces(SAMPLE_ROWS), np.empty((0, *array.shape[1:]), array.dtype))
    table = table_of(path, array.dtype, array.shape, sample, options)
    header = Header(
        format="npy",
        version="records" if array.dtype.names else "plain",
        size=options.size,
        size_source="--size" if options.size else "",
        fields={"dtype": str(array.dtype), "shape": str(array.shape)},
        notes=table.notes,
    )

    def blocks(most: int) -> Iterator[Block]:
        return table.blocks(array.pieces(most))

    return BlockReader(path, header, options, blocks)


def _cut(array: ArrayFile, options: ReadOptions) -> ArrayFile:
    whole = array.whole_rows()
    if whole == array.rows:
        return array
    if options.on_truncation == "error" or array.fortran:
        raise truncated(
            array.path,
            f"it ends in row {whole:,} of {array.rows:,}",
            "Expected all the rows that its header announces.",
        )
    return replace(array, shape=(whole, *array.shape[1:]))


FORMAT = Format(
    name="npy",
    title="NumPy array: records with x, y, t, p, or (N, 4)",
    extensions=(".npy",),
    sniff=sniff,
    open=open_npy,
)
