"""NumPy arrays on disk or inside an npz archive, read in pieces instead of mapped into memory.

    \\x93NUMPY | version | header length | header: dtype, order, shape | rows ...

An array in Fortran order holds column after column, so each column gets a handle of its own. Rows
of a C-ordered array come through one. Memory is that of the pieces, whatever the size of the file.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from tokenize import TokenError
from typing import IO, Any

import numpy as np
from numpy.typing import NDArray

from saccade.errors import FormatError
from saccade.events.io.format import truncated

__all__ = ["NPY_MAGIC", "ArrayFile"]

NPY_MAGIC = b"\x93NUMPY"


@dataclass(frozen=True)
class ArrayFile:
    """An array in npy layout: its type and shape, and how to read its rows.

    Args:
        path: The file, for messages.
        open: Opens the array at its first byte.
        dtype: Type of its elements.
        shape: Shape; rows run along the first axis.
        fortran: Column after column rather than row after row.
        body: Offset of the first element.
    """

    path: Path
    open: Callable[[], IO[bytes]]
    dtype: np.dtype[Any]
    shape: tuple[int, ...]
    fortran: bool
    body: int

    @classmethod
    def inspect(cls, path: Path, open_array: Callable[[], IO[bytes]]) -> ArrayFile:
        """Read the header of an array.

        Raises:
            FormatError: The header is damaged, or the array holds Python objects.
        """
        with open_array() as file:
            try:
                version = np.lib.format.read_magic(file)
                read = (
                    np.lib.format.read_array_header_1_0
                    if version == (1, 0)
                    else np.lib.format.read_array_header_2_0
                )
                shape, fortran, dtype = read(file)
                body = file.tell()
            except (ValueError, EOFError, SyntaxError, TypeError, TokenError) as error:
                raise FormatError(
                    f"{path.name} has a damaged NumPy header: {error}.", "Expected .npy layout."
                ) from error
        if any(length < 0 for length in shape):
            raise FormatError(f"{path.name} claims the shape {shape}.", "Is its header damaged?")
        if dtype.hasobject:
            raise FormatError(
                f"{path.name} holds Python objects, which is a pickle.",
                "Opening a pickle can run any code in it, so saccade never does.",
                "Save a numeric array with numpy.save.",
            )
        return cls(path, open_array, dtype, tuple(shape), fortran and len(shape) > 1, body)

    @property
    def rows(self) -> int:
        """Length of the first axis; 1 for a scalar."""
        return self.shape[0] if self.shape else 1

    def pieces(self, most: int) -> Iterator[NDArray[Any]]:
        """Yield consecutive rows, at most ``most`` at a time.

        Raises:
            FormatError: The file ends before the last row.
        """
        width = int(np.prod(self.shape[1:], dtype=np.int64)) if len(self.shape) > 1 else 1
        columns = width if self.fortran else 1
        with ExitStack() as handles:
            files = [handles.enter_context(self.open()) for _ in range(columns)]
            for index, file in enumerate(files):
                file.seek(self.body + index * self.rows * self.dtype.itemsize)
            for start in range(0, self.rows, most):
                count = min(most, self.rows - start)
                parts = [self._take(file, count * width // columns, start) for file in files]
                yield (
                    np.stack(parts, axis=1)
                    if self.fortran
                    else parts[0].reshape(count, *self.shape[1:])
                )

    def whole_rows(self) -> int:
        """Return how many rows a truncated C-ordered file holds completely."""
        with self.open() as file:
            length = file.seek(0, 2) - self.body
        row = self.dtype.itemsize * int(np.prod(self.shape[1:], dtype=np.int64))
        return min(self.rows, max(0, length) // max(row, 1))

    def _take(self, file: IO[bytes], count: int, start: int) -> NDArray[Any]:
        wanted = count * self.dtype.itemsize
        data = file.read(wanted)
        if len(data) < wanted:
            row = start + len(data) * (self.rows - start) // max(wanted, 1)
            raise truncated(
                self.path,
                f"it ends near row {row:,} of {self.rows:,}",
                "Expected all the rows that its header announces.",
            )
        return np.frombuffer(data, self.dtype)
