"""NumPy ``.npz`` archives: one array per column, or one table of events.

    x.npy uint16 [N], y.npy uint16 [N], t.npy int64 [N] (µs), p.npy uint8 [N]
    height.npy, width.npy, time_unit.npy                      scalars, written first

Archives of others may hold their columns under other usual names, or one record array or ``(N, 4)``
array. Columns are read side by side and written through spool files, so neither needs the memory of
the recording.
"""

from __future__ import annotations

import shutil
import tempfile
import zipfile
import zlib
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any, cast

import numpy as np
from numpy.typing import NDArray

from saccade.errors import FormatError, listing
from saccade.events.columns import TimeUnit
from saccade.events.io.array_file import ArrayFile
from saccade.events.io.blocks import Block, BlockReader
from saccade.events.io.format import Format, Header, ReadOptions
from saccade.events.io.table import SAMPLE_ROWS, say_unit, table_of
from saccade.events.naming import named_columns
from saccade.events.types import Events, SensorSize

__all__ = ["FORMAT", "open_npz", "write_npz"]

_UNITS: tuple[TimeUnit, ...] = ("s", "ms", "us", "ns")
_DAMAGE = (zipfile.BadZipFile, zlib.error, EOFError, OSError, NotImplementedError)
_COLUMNS = (("x", "<u2"), ("y", "<u2"), ("t", "<i8"), ("p", "|u1"))


def sniff(head: bytes, path: Path) -> bool:
    """Tell by a ZIP archive whose first member is an array."""
    if not head.startswith(b"PK\x03\x04"):
        return False
    return head[30 : 30 + int.from_bytes(head[26:28], "little")].endswith(b".npy")


def open_npz(path: Path, options: ReadOptions) -> BlockReader:
    """Open an archive of events.

    Raises:
        FormatError: The archive is truncated or damaged, or holds no events.
    """
    members = _members(path)
    found = named_columns(list(members))
    scalars = {name: _scalar(array) for name, array in members.items() if not array.shape}
    if found is not None:
        names = list(members)
        columns = [members[names[index]] for index in found.order]
        unit = found.unit or _stated_unit(scalars)
        source, notes = _from_columns(path, columns, unit, options)
    else:
        source, notes = _from_table(path, members, options)
    size, size_source = _size(scalars, options)
    header = Header(
        format="npz",
        size=size,
        size_source=size_source,
        fields={name: f"{array.dtype} {array.shape}" for name, array in members.items()},
        notes=notes,
    )
    return BlockReader(path, header, options, _guarded(path, source))


def _members(path: Path) -> dict[str, ArrayFile]:
    try:
        with zipfile.ZipFile(path) as archive:
            names = [name for name in archive.namelist() if name.endswith(".npy")]
    except zipfile.BadZipFile as error:
        raise FormatError(
            f"{path.name} is truncated: its table of contents, at the end, is missing.",
            "Expected a whole ZIP archive.",
            "Copy the file again.",
        ) from error
    except _DAMAGE as error:
        raise _damaged(path, error) from error
    try:
        return {
            name.removesuffix(".npy"): ArrayFile.inspect(path, _opener(path, name))
            for name in names
        }
    except _DAMAGE as error:
        raise _damaged(path, error) from error


def _damaged(path: Path, error: Exception) -> FormatError:
    return FormatError(
        f"{path.name} is damaged: {error}.",
        "Expected the bytes that its checksums say.",
        "Copy the file again.",
    )


def _opener(path: Path, name: str) -> Callable[[], IO[bytes]]:
    def open_member() -> IO[bytes]:
        with zipfile.ZipFile(path) as archive:
            return archive.open(name)  # keeps the file open until the member is closed

    return open_member


def _guarded(
    path: Path, blocks: Callable[[int], Iterator[Block]]
) -> Callable[[int], Iterator[Block]]:
    def guarded(most: int) -> Iterator[Block]:
        try:
            yield from blocks(most)
        except _DAMAGE as error:
            raise _damaged(path, error) from error

    return guarded


def _scalar(array: ArrayFile) -> Any:
    return next(array.pieces(1)).reshape(-1)[0]


def _stated_unit(scalars: Mapping[str, Any]) -> TimeUnit | None:
    stated = str(scalars.get("time_unit", ""))
    return next((unit for unit in _UNITS if unit == stated), None)


def _size(scalars: Mapping[str, Any], options: ReadOptions) -> tuple[SensorSize | None, str]:
    if options.size is not None:
        return options.size, "--size"
    if "height" in scalars and "width" in scalars:
        size = SensorSize(height=int(scalars["height"]), width=int(scalars["width"]))
        return size, "header"
    return None, ""


def _from_columns(
    path: Path, columns: list[ArrayFile], named: TimeUnit | None, options: ReadOptions
) -> tuple[Callable[[int], Iterator[Block]], tuple[str, ...]]:
    lengths = [column.rows for column in columns]
    if len(set(lengths)) != 1 or any(len(column.shape) != 1 for column in columns):
        raise FormatError(
            f"{path.name} has columns of shapes {listing(column.shape for column in columns)}.",
            "Expected x, y, t, p of equal length.",
        )
    sample = next(columns[2].pieces(SAMPLE_ROWS), np.empty(0, columns[2].dtype))
    unit, whole, notes = say_unit(sample, options, named)

    def blocks(most: int) -> Iterator[Block]:
        sources = [column.pieces(most) for column in columns]
        for x, y, t, p in zip(*sources, strict=True):
            yield Block(x, y, t, p, unit, whole)

    return blocks, notes


def _from_table(
    path: Path, members: Mapping[str, ArrayFile], options: ReadOptions
) -> tuple[Callable[[int], Iterator[Block]], tuple[str, ...]]:
    tables = [
        array
        for array in members.values()
        if array.dtype.names or (len(array.shape) == 2 and array.shape[1] == 4)
    ]
    if len(tables) != 1:
        held = listing(f"{name} {array.shape}" for name, array in members.items())
        raise FormatError(
            f"{path.name} holds {held}.",
            "Expected arrays x, y, t, p, or one table of events.",
        )
    array = tables[0]
    sample = next(array.pieces(SAMPLE_ROWS), np.empty((0, *array.shape[1:]), array.dtype))
    table = table_of(path, array.dtype, array.shape, sample, options)
    return lambda most: table.blocks(array.pieces(most)), table.notes


@dataclass(frozen=True)
class _Spool:
    """A column on its way into the archive: its length is known only at the end."""

    name: str
    dtype: str
    file: IO[bytes]


def write_npz(path: Path, packets: Iterable[Events], size: SensorSize) -> None:
    """Write packets as a compressed archive, in bounded memory.

    Args:
        path: The file to write.
        packets: Events in order.
        size: Sensor size, written as ``height`` and ``width``.
    """
    with ExitStack() as stack:
        spools = [
            _Spool(name, dtype, stack.enter_context(tempfile.TemporaryFile(dir=path.parent)))
            for name, dtype in _COLUMNS
        ]
        count = 0
        for packet in packets:
            count += len(packet)
            for spool in spools:
                column = cast(NDArray[Any], getattr(packet, spool.name))
                spool.file.write(np.ascontiguousarray(column, spool.dtype).data)
        archive = stack.enter_context(
            zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED, compresslevel=1)
        )
        for name, value in (("height", size.height), ("width", size.width), ("time_unit", "us")):
            with archive.open(f"{name}.npy", "w") as member:
                np.lib.format.write_array(member, np.asarray(value), allow_pickle=False)
        for spool in spools:
            _copy(spool, count, archive)


def _copy(spool: _Spool, count: int, archive: zipfile.ZipFile) -> None:
    header = {"descr": spool.dtype, "fortran_order": False, "shape": (count,)}
    with archive.open(f"{spool.name}.npy", "w", force_zip64=True) as member:
        np.lib.format.write_array_header_1_0(member, header)
        spool.file.seek(0)
        shutil.copyfileobj(spool.file, member, 1 << 20)


FORMAT = Format(
    name="npz",
    title="NumPy archive: x, y, t, p",
    extensions=(".npz",),
    sniff=sniff,
    open=open_npz,
    write=write_npz,
)
