"""The archives of NYC-Event-VPR: which entries there are, and one of them at a time.

An entry is read with a file handle of its own: no handle is shared, so that threads and forked
processes cannot move each other's place in the file. Its checksum is verified (defect D8).
"""

from __future__ import annotations

import io
import struct
import zipfile
import zlib
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from saccade.errors import FormatError, MissingFileError

__all__ = ["Member", "list_members", "read_member", "shape_of"]

_LOCAL_HEADER = struct.Struct("<4s22xHH")


class Member(NamedTuple):
    """An entry of an archive.

    Args:
        archive: The zip.
        name: Its name there.
        offset: Where its header begins.
        stored: Its bytes in the archive.
        crc: CRC-32 of its content.
        deflated: Whether it is compressed.
    """

    archive: Path
    name: str
    offset: int
    stored: int
    crc: int
    deflated: bool


def list_members(archive: Path) -> list[Member]:
    """Return the ``.npy`` entries of an archive in their order.

    Raises:
        MissingFileError: There is no such archive.
        FormatError: It is no zip, or compresses otherwise than by deflating.
    """
    try:
        with zipfile.ZipFile(archive) as opened:
            found = opened.infolist()
    except FileNotFoundError as error:
        raise MissingFileError(
            f"No such file: {archive}.", fix="See: saccade data check nyc"
        ) from error
    except zipfile.BadZipFile as error:
        raise FormatError(f"{archive} is damaged: {error}.", "Expected a whole zip.") from error
    members: list[Member] = []
    for info in found:
        if not info.filename.endswith(".npy"):
            continue
        if info.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
            raise FormatError(
                f"{archive}: {info.filename} is compressed by method {info.compress_type}.",
                "Expected entries that are stored, or deflated.",
            )
        deflated = info.compress_type == zipfile.ZIP_DEFLATED
        members.append(
            Member(
                archive, info.filename, info.header_offset, info.compress_size, info.CRC, deflated
            )
        )
    return members


def read_member(member: Member) -> NDArray[np.float64]:
    """Return the voxel grid of an entry, ``[B, 1, H, W]``.

    Raises:
        FormatError: The entry is damaged.
    """
    content = _bytes(member)
    try:
        grid: NDArray[Any] = np.load(io.BytesIO(content), allow_pickle=False)
    except ValueError as error:
        raise _damaged(member, str(error)) from error
    if grid.ndim != 4 or grid.shape[1] != 1 or grid.dtype.kind != "f":
        raise FormatError(
            f"{member.archive.name}: {member.name} is {grid.dtype} {list(grid.shape)}.",
            "Expected a voxel grid of floats [bins, 1, height, width].",
        )
    return grid


def shape_of(member: Member) -> tuple[int, int, int]:
    """Return bins, height and width of an entry."""
    bins, _, height, width = read_member(member).shape
    return bins, height, width


def _bytes(member: Member) -> bytes:
    try:
        with member.archive.open("rb") as file:
            file.seek(member.offset)
            signature, name, extra = _LOCAL_HEADER.unpack(file.read(_LOCAL_HEADER.size))
            file.seek(name + extra, io.SEEK_CUR)
            content = file.read(member.stored)
        if member.deflated:
            content = zlib.decompress(content, -zlib.MAX_WBITS)
    except FileNotFoundError as error:
        raise MissingFileError(f"{member.archive} is gone.", "Expected it to stay.") from error
    except (struct.error, zlib.error) as error:
        raise _damaged(member, str(error)) from error
    if signature != b"PK\x03\x04" or zlib.crc32(content) != member.crc:
        raise _damaged(member, "its checksum differs")
    return content


def _damaged(member: Member, why: str) -> FormatError:
    return FormatError(
        f"{member.archive.name}: {member.name} is damaged: {why}.",
        "Expected the bytes that were written.",
        "Fetch or prepare the archive again.",
    )
