"""AEDAT 4 files of iniVation cameras, through the ``aedat`` package.

    #!AER-DAT4.0\\r\\n | flatbuffer header | XML with the streams | packets (none, LZ4 or Zstd) ...

Events only: frames, inertial measurements and triggers are passed over.

Reference:
    AEDAT 4 file format, https://docs.inivation.com/software/software-advanced-usage/file-formats.
"""

from __future__ import annotations

from collections.abc import Generator, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from saccade.errors import FormatError, listing
from saccade.events.io.blocks import Block, BlockReader
from saccade.events.io.format import Format, Header, ReadOptions, truncated
from saccade.events.types import SensorSize

if TYPE_CHECKING:
    import aedat

__all__ = ["FORMAT", "open_aedat4"]

_MAGIC = b"#!AER-DAT4"
_MAGIC_LINE = 14  # bytes of the first line; the size of the header follows


def sniff(head: bytes, path: Path) -> bool:
    """Tell by the first line."""
    return head.startswith(_MAGIC)


def open_aedat4(path: Path, options: ReadOptions) -> BlockReader:
    """Open an AEDAT 4 file; of several event streams the first is read, and a note says so.

    Raises:
        FormatError: The header is damaged, or no stream holds events.
    """
    decoder = _decoder(path)
    streams = decoder.id_to_stream()
    ids = sorted(number for number, stream in streams.items() if stream["type"] == "events")
    if not ids:
        kinds = listing(f"{number}: {stream['type']}" for number, stream in streams.items())
        raise FormatError(
            f"{path.name} has no event stream; its streams are {kinds or 'none'}.",
            "Expected a recording with events.",
        )
    stream = streams[ids[0]]
    size = options.size or SensorSize(height=int(stream["height"]), width=int(stream["width"]))
    notes: tuple[str, ...] = ()
    if len(ids) > 1:
        others = listing(ids[1:])
        notes = (f"Read from event stream {ids[0]}; the file has {others} as well.",)
    header = Header(
        format="aedat4",
        version="4.0",
        size=size,
        size_source="--size" if options.size else "header",
        fields={f"stream {number}": str(item["type"]) for number, item in sorted(streams.items())},
        notes=notes,
    )

    def blocks(most: int) -> Iterator[Block]:
        return _blocks(path, ids[0], options, most)

    return BlockReader(path, header, options, blocks)


def _blocks(path: Path, stream: int, options: ReadOptions, most: int) -> Iterator[Block]:
    for events in _packets(path, stream, options):
        for start in range(0, events.shape[0], most):
            part = events[start : start + most]
            yield Block(part["x"], part["y"], part["t"], part["on"])


def _packets(path: Path, stream: int, options: ReadOptions) -> Iterator[NDArray[Any]]:
    count = 0
    packets = iter(_decoder(path))
    while True:
        try:
            with _decoding(path, f"after {count:,} events"):
                packet = next(packets, None)
        except _CutError as cut:
            if options.on_truncation == "keep":
                return
            raise truncated(
                path, f"it ends inside a packet after {count:,} events", "Expected whole packets."
            ) from cut
        if packet is None:
            return
        if packet["stream_id"] == stream and "events" in packet:
            events = np.asarray(packet["events"])
            count += events.shape[0]
            yield events


def _decoder(path: Path) -> aedat.Decoder:
    import aedat

    _check_text(path)
    try:
        with _decoding(path, "in its header"):
            return aedat.Decoder(str(path))
    except _CutError as cut:
        raise FormatError(
            f"{path.name} is truncated: it ends inside its header.",
            "Expected the XML description of its streams.",
            "Copy the file again.",
        ) from cut


def _check_text(path: Path) -> None:
    """Refuse a description that is not UTF-8, over which the decoder ends the whole process."""
    with path.open("rb") as file:
        start = file.read(_MAGIC_LINE + 4)
        header = file.read(int.from_bytes(start[_MAGIC_LINE:], "little"))
    text = header[max(0, header.find(b"<")) : header.rfind(b">") + 1]
    try:
        text.decode("utf-8")
    except UnicodeDecodeError as error:
        raise FormatError(
            f"{path.name} is damaged in its header: {error}.", "Expected the layout of AEDAT 4."
        ) from error


class _CutError(Exception):
    """The file ends early."""


@contextmanager
def _decoding(path: Path, where: str) -> Generator[None]:
    """Say in our words what the decoder reports.

    Damage can make it panic: a `BaseException` of a class without a public name.
    """
    try:
        yield
    except BaseException as error:
        if "fill whole buffer" in str(error):
            raise _CutError(str(error)) from error
        if not isinstance(error, RuntimeError) and type(error).__name__ != "PanicException":
            raise
        raise FormatError(
            f"{path.name} is damaged {where}: {error}.", "Expected the layout of AEDAT 4."
        ) from error


FORMAT = Format(
    name="aedat4",
    title="AEDAT 4 of iniVation cameras",
    extensions=(".aedat4",),
    sniff=sniff,
    open=open_aedat4,
)
