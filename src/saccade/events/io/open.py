"""Event files by path: what they are is read from their content, never from their extension.

path --first 64 KiB--> known and refused? -> reason
                       known format?      -> Reader --read------> Events
                                                    --packets---> EventStream
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Literal, TypedDict, Unpack

from saccade.contracts import Progress
from saccade.errors import (
    ConfigError,
    FormatError,
    MissingFileError,
    UsageError,
    did_you_mean,
    listing,
)
from saccade.events.io.format import ANY_SIZE, Format, Reader, ReadOptions
from saccade.events.io.formats import FORMATS, get_format
from saccade.events.io.refused import refusal
from saccade.events.types import Events, SensorSize
from saccade.files import replacing

if TYPE_CHECKING:
    from saccade.events.stream import EventStream

__all__ = ["Keywords", "inspect", "open", "save", "stream", "write_format"]

_HEAD_BYTES = 1 << 16
_SAVE_EVENTS = 1 << 16


class Keywords(TypedDict, total=False):
    """The fields of `ReadOptions`, as keyword arguments; that class says what they mean."""

    size: SensorSize | None
    columns: str | None
    time_unit: Literal["s", "ms", "us", "ns"] | None
    origin: Literal[0, 1]
    on_disorder: Literal["error", "sort", "drop"]
    on_truncation: Literal["error", "keep"]
    side: Literal["left", "right"]


def open(path: str | Path, *, format: str | None = None, **options: Unpack[Keywords]) -> Events:
    """Read a whole event file.

    Args:
        path: The file, in any format of `saccade.events.io.formats.FORMATS`.
        format: Read it as this format instead of recognising its content.
        **options: Fields of `ReadOptions`: ``size``, ``columns``, ``time_unit``, ``origin``,
            ``on_disorder``, ``on_truncation``, ``side``.

    Returns:
        The events, in fresh arrays, with the sensor size of the file or of ``size``.

    Raises:
        MissingFileError: There is no such file.
        FormatError: The content is unknown, refused, truncated or damaged, or does not tell the
            sensor size and ``size`` is not given.
        EventError: An event lies outside the sensor, or time runs backwards.

    Examples:
        >>> import saccade, tempfile
        >>> events = saccade.Events([1, 2], [0, 3], [10, 25], [1, 0], saccade.SensorSize(4, 4))
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     path = saccade.save(events, folder + "/night.npz")
        ...     saccade.open(path)
        Events(n=2, 15 µs, 4x4)
    """
    return _sized(inspect(path, ReadOptions(**options), format=format), Path(path)).read()


def stream(
    path: str | Path,
    *,
    packet_events: int = 1 << 16,
    format: str | None = None,
    **options: Unpack[Keywords],
) -> EventStream:
    """Read an event file packet by packet, in bounded memory.

    Args:
        path: The file.
        packet_events: Most events in a packet.
        format: Read it as this format instead of recognising its content.
        **options: As for `open`.

    Raises:
        MissingFileError: There is no such file.
        FormatError: As for `open`; damage is found when the stream gets there.
    """
    from saccade.events.stream import EventStream

    reader = _sized(inspect(path, ReadOptions(**options), format=format), Path(path))
    return EventStream.from_reader(reader, packet_events)


def inspect(
    path: str | Path, options: ReadOptions | None = None, *, format: str | None = None
) -> Reader:
    """Recognise and open an event file without asking for the sensor size.

    Args:
        path: The file.
        options: What the user knows about it.
        format: Open it as this format instead of recognising its content.

    Raises:
        MissingFileError: There is no such file.
        FormatError: It is a folder, empty, of an unknown or refused kind, or its header is damaged.
    """
    options = options or ReadOptions()
    if options.size is not None and not isinstance(options.size, SensorSize):  # pyright: ignore[reportUnnecessaryIsInstance]
        raise ConfigError(
            f"size is {options.size!r}.", "Expected SensorSize(height=..., width=...)."
        )
    path = Path(path)
    head = _head(path)
    kind = get_format(format) if format is not None else _recognise(head, path)
    return kind.open(path, options)


def save(
    events: Events | Iterable[Events],
    path: str | Path,
    *,
    format: str | None = None,
    size: SensorSize | None = None,
    progress: Progress | None = None,
) -> Path:
    """Write events to a file; the format follows from the file name's ending.

    The file appears under its name only when it is complete, and replaces an older one then.

    Args:
        events: A recording, an `EventStream`, or packets in order (these need ``size``).
        path: The file to write, e.g. ``night.raw`` (EVT3), ``.dat``, ``.npz``, ``.csv``, ``.h5``.
        format: Write this format whatever the ending.
        size: Sensor size of plain packets.
        progress: Called with (events written, events in all); the latter is 0 where unknown.

    Returns:
        The path.

    Raises:
        UsageError: No format is written to files with this ending, or ``format`` is read only.
        MissingFileError: The folder does not exist.
        FormatError: The sensor size is unknown, or the format cannot hold these events.

    Examples:
        >>> import tempfile
        >>> events = Events([1, 2], [0, 3], [10, 25], [1, 0], SensorSize(4, 4))
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     save(events, folder + "/night.csv").read_text().splitlines()[-1]
        '25,2,3,0'
    """
    path = Path(path)
    kind = write_format(path, format)
    assert kind.write is not None
    if not path.parent.is_dir():
        raise MissingFileError(
            f"No such folder: {path.parent} (looked in {Path.cwd()}).", fix="Create it first."
        )
    if path.is_dir():
        raise UsageError(f"{path} is a folder.", "Expected the name of a file to write.")
    found = size or getattr(events, "size", None)
    if found is None or found == ANY_SIZE:
        raise _ask_for_size("These events do not say how large the sensor is.")
    with replacing(path) as part:
        kind.write(part, _packets(events, progress), found)
    return path


def write_format(path: Path, format: str | None = None) -> Format:
    """Return the format in which a file of this name is written.

    Raises:
        UsageError: None is written to files with this ending, or the stated one is read only.
    """
    writable = [kind for kind in map(get_format, FORMATS) if kind.write is not None]
    if format is not None:
        kind = get_format(format)
        if kind.write is None:
            names = listing((kind.name for kind in writable), most=20)
            raise UsageError(f"Format {format!r} is read only.", f"Writable formats: {names}.")
        return kind
    ending = path.suffix.lower()
    for kind in writable:
        if ending in kind.extensions:
            return kind
    endings = list(dict.fromkeys(ending for kind in writable for ending in kind.extensions))
    raise UsageError(
        f"{path}: no event format is written to files ending in {ending!r}.",
        f"Endings: {listing(endings, most=20)}.",
        did_you_mean(ending, endings),
    )


def _head(path: Path) -> bytes:
    if path.is_dir():
        bag = (path / "metadata.yaml").is_file()
        raise FormatError(
            f"{path} is a folder" + (", a ROS 2 bag by its metadata.yaml." if bag else "."),
            "saccade does not read bags." if bag else "Expected an event file.",
            "Extract the event topic to RAW, HDF5 or text, e.g. with the rosbags package."
            if bag
            else "",
        )
    try:
        with path.open("rb") as file:
            head = file.read(_HEAD_BYTES)
    except FileNotFoundError as error:
        raise MissingFileError(
            f"No such file: {path} (looked in {Path.cwd()}).",
            fix="saccade info lists readable formats.",
        ) from error
    except OSError as error:
        raise FormatError(
            f"{path} cannot be read: {error.strerror or error}.", "Expected a readable file."
        ) from error
    if not head:
        raise FormatError(f"{path.name} is empty (0 bytes).", "Expected an event file.")
    return head


def _recognise(head: bytes, path: Path) -> Format:
    refused = refusal(head)
    if refused is not None:
        raise FormatError(f"{path.name} is {refused.what}.", refused.why, refused.instead)
    for name in FORMATS:
        kind = get_format(name)
        if kind.sniff(head, path):
            return kind
    raise FormatError(
        f"{path.name} is in no format that saccade knows; it starts with {_look(head)}.",
        f"Formats: {listing(FORMATS, most=20)}.",
        "If it is one of them, name it with --format.",
    )


def _look(head: bytes) -> str:
    start = head[:24]
    if all(32 <= byte < 127 or byte in b"\t\r\n" for byte in start):
        return repr(start.decode("ascii").splitlines()[0] if start.strip() else "blanks")
    return "the bytes " + start[:12].hex(" ")


def _sized(reader: Reader, path: Path) -> Reader:
    if reader.header.size is None:
        raise _ask_for_size(f"{path.name} does not say how large the sensor is.")
    return reader


def _ask_for_size(what: str) -> FormatError:
    return FormatError(
        what,
        "Expected a sensor size in the file or from you.",
        "Pass --size WIDTHxHEIGHT, or size=SensorSize(height, width) in Python.",
    )


def _packets(events: Events | Iterable[Events], progress: Progress | None) -> Iterator[Events]:
    total = len(events) if isinstance(events, Events) else getattr(events, "total", 0)
    source = _slices(events) if isinstance(events, Events) else events
    done = 0
    for packet in source:
        yield packet
        done += len(packet)
        if progress is not None:
            progress(done, total)


def _slices(events: Events) -> Iterator[Events]:
    for start in range(0, len(events), _SAVE_EVENTS):
        yield events[start : start + _SAVE_EVENTS]
