"""The text lines in front of Prophesee RAW and DAT files, and the sensor size they imply.

    % evt 3.0
    % format EVT3;height=480;width=640
    % geometry 640x480
    % system_ID 49
    % end
    <binary>

Every line starts with ``%``; ``% end`` is optional, and without it the first byte that starts no
such line starts the body. The size comes from ``geometry``, else from ``format``, else from
``Width`` and ``Height``, else from what the header says about the camera: its system id, the name
of its plugin, its sensor's name, the generation of its sensor.

Reference:
    RAW and DAT file formats, https://docs.prophesee.ai/stable/data/file_formats; system ids as in
    the OpenEB headers of Prophesee (facts only).
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from saccade.errors import FormatError, MissingFileError
from saccade.events.io.format import Header, ReadOptions
from saccade.events.types import SensorSize

__all__ = [
    "HEAD_BYTES",
    "RawHeader",
    "encoding",
    "format_entries",
    "parse",
    "read_head",
    "refuse_other_byte_order",
    "sensor_size",
    "start_us",
    "to_header",
    "unknown_time",
]

HEAD_BYTES = 1 << 16
_LONGEST_LINE = 4096

_VGA, _HD = SensorSize(height=480, width=640), SensorSize(height=720, width=1280)
_WIDE_VGA, _SQUARE = SensorSize(height=512, width=640), SensorSize(height=320, width=320)

_SYSTEMS: dict[str, tuple[str, SensorSize, str, tuple[int, ...]]] = {
    "gen30": ("Gen3.0", _VGA, "evt2", (0x15, 0x17, 0x97, 0x19, 0x99, 0x1D, 0x21, 0xA1)),
    "gen31": ("Gen3.1", _VGA, "evt2", (0x1C, 0x22, 0xA2, 0x23, 0x29)),
    "gen31_evt3": ("Gen3.1", _VGA, "evt3", (0x28,)),
    "gen40": ("Gen4.0", _HD, "evt2", (0x1A, 0x9A, 0x1F, 0x20)),
    "gen40_evt3": ("Gen4.0", _HD, "evt3", (0x1E, 0x2E)),
    "gen41": ("Gen4.1", _HD, "evt2", (0x27,)),
    "gen41_evt3": ("Gen4.1", _HD, "evt3", (0x30,)),
    "imx636": ("IMX636", _HD, "evt3", (0x31, 0x32, 0x3A)),
    "imx637": ("IMX637", _WIDE_VGA, "evt3", (0x34,)),
    "imx646": ("IMX646", _HD, "evt3", (0x35,)),
    "imx647": ("IMX647", _WIDE_VGA, "evt3", (0x36,)),
    "genx320": ("GenX320", _SQUARE, "evt21", (0x40,)),
}
_SYSTEM_IDS: dict[int, tuple[str, SensorSize, str]] = {
    number: (name, size, encoding)
    for name, size, encoding, numbers in _SYSTEMS.values()
    for number in numbers
}
_PLUGINS = {
    "hal_plugin_gen3_fx3": _VGA,
    "hal_plugin_gen31_fx3": _VGA,
    "hal_plugin_gen31_evk2": _VGA,
    "hal_plugin_gen31_evk3": _VGA,
    "hal_plugin_gen4_fx3": _HD,
    "hal_plugin_gen4_evk2": _HD,
    "hal_plugin_gen41_evk2": _HD,
    "hal_plugin_gen41_evk3": _HD,
}
_NAMES = {name.lower(): size for name, size, _, _ in _SYSTEMS.values()}
_GENERATIONS = {"3.0": _VGA, "3.1": _VGA, "4.0": _HD, "4.1": _HD, "4.2": _HD}
_ENCODINGS = {"EVT2": "evt2", "EVT21": "evt21", "EVT3": "evt3"}
_VERSIONS = {"2.0": "evt2", "2.1": "evt21", "3.0": "evt3"}


@dataclass(frozen=True)
class RawHeader:
    """The text lines of a file.

    Args:
        fields: Keyword -> value; a line of one word has an empty value.
        body: Offset of the first byte after the text; 0 where there is no text.
        title: The first line, without its percent sign.
    """

    fields: dict[str, str]
    body: int
    title: str = ""


def read_head(path: Path) -> bytes:
    """Return the first 64 KiB of a file.

    Raises:
        MissingFileError: There is no such file.
    """
    try:
        with path.open("rb") as file:
            return file.read(HEAD_BYTES)
    except FileNotFoundError as error:
        raise MissingFileError(
            f"No such file: {path} (looked in {Path.cwd()}).",
            fix="Check the path; saccade info --help lists the formats.",
        ) from error


def parse(head: bytes) -> RawHeader:
    """Split the text lines from the first bytes of a file.

    Args:
        head: The first bytes, enough to hold the text.

    Examples:
        >>> header = parse(b"% evt 2.0\\n% geometry 640x480\\n\\x00\\x01")
        >>> header.fields["geometry"], header.body
        ('640x480', 29)
    """
    fields: dict[str, str] = {}
    at, title = 0, ""
    while (line := _line(head, at)) is not None:
        text = line.lstrip("%").strip()
        title = title or text
        at += len(line.encode("latin-1")) + 1
        if text.lower() == "end":
            break
        key, _, value = text.partition(" ")
        if key:
            fields[key] = value.strip()
    return RawHeader(fields=fields, body=at, title=title)


def _line(head: bytes, at: int) -> str | None:
    if head[at : at + 1] != b"%":
        return None
    stop = head.find(b"\n", at, at + _LONGEST_LINE)
    if stop < 0:
        return None
    line = head[at:stop].decode("latin-1")
    return line if all(letter.isprintable() or letter in "\t\r" for letter in line) else None


def encoding(header: RawHeader) -> str | None:
    """Return ``"evt2"``, ``"evt21"`` or ``"evt3"`` as the header has it, or None.

    ``format`` counts before ``evt``, and that before what the camera is known to send.
    """
    named = header.fields.get("format", "").partition(";")[0].strip().upper()
    if named:
        return _ENCODINGS.get(named)
    version = header.fields.get("evt", "").strip()
    if version:
        return _VERSIONS.get(version)
    known = _SYSTEM_IDS.get(_number(header.fields.get("system_ID", "")) or -1)
    return known[2] if known is not None else None


def sensor_size(header: RawHeader) -> tuple[SensorSize | None, str]:
    """Return the sensor size and where in the header it comes from; (None, "") if nothing tells.

    Raises:
        FormatError: ``geometry`` and ``format`` contradict each other.

    Examples:
        >>> sensor_size(parse(b"% system_ID 48\\n"))
        (SensorSize(height=720, width=1280), 'sensor id 48')
    """
    stated = [size for size in (_geometry(header), _format_size(header)) if size is not None]
    if len(set(stated)) > 1:
        raise FormatError(
            f"The header says geometry {stated[0]} and format {stated[1]}.",
            "Expected one sensor size.",
            "Pass the right one with --size WIDTHxHEIGHT.",
        )
    if stated:
        return stated[0], "header"
    size = _pair(header.fields.get("Width", ""), header.fields.get("Height", ""))
    return (size, "header") if size is not None else _from_camera(header.fields)


def _from_camera(fields: dict[str, str]) -> tuple[SensorSize | None, str]:
    number = _number(fields.get("system_ID", ""))
    if number in _SYSTEM_IDS:
        return _SYSTEM_IDS[number][1], f"sensor id {number}"
    plugin = fields.get("plugin_name", "")
    if plugin in _PLUGINS:
        return _PLUGINS[plugin], f"plugin {plugin}"
    name = fields.get("sensor_name", "")
    if name.lower() in _NAMES:
        return _NAMES[name.lower()], f"sensor name {name}"
    generation = fields.get("sensor_generation", fields.get("generation", ""))
    if generation in _GENERATIONS:
        return _GENERATIONS[generation], f"sensor generation {generation}"
    return None, ""


def format_entries(header: RawHeader) -> dict[str, str]:
    """Return the entries behind the name in ``format NAME;key=value;...``."""
    parts = [part.strip().split("=", 1) for part in header.fields.get("format", "").split(";")[1:]]
    return {part[0]: part[1] for part in parts if len(part) == 2}


def to_header(
    header: RawHeader, options: ReadOptions, *, format: str, version: str, notes: tuple[str, ...]
) -> Header:
    """Return the common description of a file from its text lines and what the user said."""
    if start_us(header):
        notes = (*notes, f"The header adds t0 = {start_us(header):,} µs to all times.")
    if options.size is not None:
        size, source = options.size, "--size"
    else:
        size, source = sensor_size(header)
    return Header(
        format=format,
        version=version,
        size=size,
        size_source=source,
        fields=dict(header.fields),
        notes=notes,
    )


def start_us(header: RawHeader) -> int:
    """Return the time that the header's ``t0`` (``T0`` in DAT) adds to all times, in microseconds.

    Cameras write none; some libraries subtract the time of the first event and note it there.
    """
    return _number(header.fields.get("t0", header.fields.get("T0", ""))) or 0


def refuse_other_byte_order(header: RawHeader, path: Path) -> None:
    """Raise where the header says that words are stored otherwise than low byte first.

    Raises:
        FormatError: ``endianness`` is something else than ``little``.
    """
    order = format_entries(header).get("endianness", header.fields.get("endianness", "little"))
    if order.lower() != "little":
        raise FormatError(
            f"{path.name} says endianness {order!r}.",
            "Expected 'little': words with the low byte first.",
        )


def unknown_time(events: int) -> tuple[str, ...]:
    """Return the note about event words that come before the first time word."""
    if not events:
        return ()
    return (f"Skipped {events:,} events before the first time word: their time is unknown.",)


def _geometry(header: RawHeader) -> SensorSize | None:
    width, _, height = header.fields.get("geometry", "").partition("x")
    return _pair(width, height)


def _format_size(header: RawHeader) -> SensorSize | None:
    named = format_entries(header)
    return _pair(named.get("width", ""), named.get("height", ""))


def _pair(width: str, height: str) -> SensorSize | None:
    columns, rows = _number(width), _number(height)
    if columns is None or rows is None or not (0 < columns < 65_536 and 0 < rows < 65_536):
        return None
    return SensorSize(height=rows, width=columns)


def _number(text: str) -> int | None:
    text = text.strip()
    return int(text) if text.isascii() and text.isdigit() else None
