"""Writes AEDAT 4 files for tests: just the tables that a reader needs.

Compressed packets are LZ4 and Zstandard frames of stored blocks, which need no compressor.
A flatbuffer table is written as  [vtable: size, table size, field offsets] [table] [referred data].
"""

import struct
from pathlib import Path

import numpy as np

from saccade.events import Events

_EVENT = np.dtype(
    {"names": ["t", "x", "y", "on"], "formats": ["<i8", "<i2", "<i2", "?"], "itemsize": 16}
)


def _padded(data: bytes, alignment: int = 8) -> bytes:
    return data + bytes(-len(data) % alignment)


def _vector(data: bytes, length: int) -> bytes:
    """Length and elements, so placed that the elements are aligned to 8 bytes."""
    return bytes(4) + struct.pack("<I", length) + data


def _event_packet(events: Events) -> bytes:
    records = np.zeros(len(events), _EVENT)
    for name, column in zip(
        _EVENT.names or (), (events.t, events.x, events.y, events.p), strict=True
    ):
        records[name] = column
    vtable = _padded(struct.pack("<HHH", 6, 8, 4))
    table_at = 8 + len(vtable)
    vector_at = table_at + 8 + 4
    table = struct.pack("<iI", len(vtable), vector_at - (table_at + 4))
    body = struct.pack("<I", table_at) + b"EVTS" + vtable + table
    body += _vector(records.tobytes(), len(events))
    return struct.pack("<I", len(body)) + body


def _header(xml: bytes, compression: int) -> bytes:
    vtable = _padded(struct.pack("<HHHHH", 10, 20, 16, 8, 4))
    table_at = 8 + len(vtable)
    string_at = table_at + 24
    table = struct.pack("<iIq", len(vtable), string_at - (table_at + 4), -1)
    table += struct.pack("<ii", compression, 0)
    body = struct.pack("<I", table_at) + b"IOHE" + vtable + table
    body += struct.pack("<I", len(xml)) + xml + b"\x00"
    return struct.pack("<I", len(body)) + body


def _stream_xml(number: int, kind: str, events: Events) -> str:
    attributes = {
        "compression": ("string", "NONE"),
        "originalModuleName": ("string", "test"),
        "originalOutputName": ("string", "events"),
        "typeDescription": ("string", "test"),
        "typeIdentifier": ("string", kind),
    }
    geometry = {"sizeX": ("int", events.size.width), "sizeY": ("int", events.size.height)}

    def lines(values: dict) -> str:
        return "".join(
            f'<attr key="{key}" type="{type_}">{value}</attr>'
            for key, (type_, value) in values.items()
        )

    return (
        f'<node name="{number}" path="/mainloop/Recorder/outInfo/{number}/">{lines(attributes)}'
        f'<node name="info" path="/mainloop/Recorder/outInfo/{number}/info/">{lines(geometry)}'
        "</node></node>"
    )


def _plain(data: bytes) -> bytes:
    return data


def _zstd_frame(data: bytes) -> bytes:
    """A frame of stored blocks (RFC 8878): descriptor with a 4-byte content size, one segment."""
    frame = b"\x28\xb5\x2f\xfd\xa0" + struct.pack("<I", len(data))
    for start in range(0, len(data), 1 << 15):
        block = data[start : start + (1 << 15)]
        last = start + len(block) == len(data)
        frame += (int(last) | len(block) << 3).to_bytes(3, "little") + block
    return frame


def _lz4_frame(data: bytes) -> bytes:
    """A frame of stored blocks of at most 64 KiB, without checksums but that of the descriptor."""
    descriptor = b"\x60\x40"
    frame = b"\x04\x22\x4d\x18" + descriptor + bytes([_xxh32(descriptor) >> 8 & 0xFF])
    for start in range(0, len(data), 1 << 16):
        block = data[start : start + (1 << 16)]
        frame += struct.pack("<I", len(block) | 1 << 31) + block
    return frame + bytes(4)


def _xxh32(data: bytes) -> int:
    """xxHash-32 with seed 0 of fewer than four bytes."""
    mask, one, two, three, five = 2**32 - 1, 2654435761, 2246822519, 3266489917, 374761393
    value = five + len(data)
    for byte in data:
        value = (value + byte * five) & mask
        value = ((value << 11 | value >> 21) & mask) * one & mask
    value = (value ^ value >> 15) * two & mask
    value = (value ^ value >> 13) * three & mask
    return value ^ value >> 16


_COMPRESSIONS = {"none": (0, _plain), "lz4": (1, _lz4_frame), "zstd": (3, _zstd_frame)}


def write_aedat4(
    path: Path,
    streams: dict[int, Events],
    packet: int = 100,
    compression: str = "none",
    identifier: str = "EVTS",
) -> Path:
    """Write one stream of events for each entry, their packets taking turns."""
    nodes = "".join(_stream_xml(number, identifier, events) for number, events in streams.items())
    xml = (
        '<dv version="2.0"><node name="outInfo" path="/mainloop/Recorder/outInfo/">'
        f"{nodes}</node></dv>"
    )
    number_of, frame = _COMPRESSIONS[compression]
    data = b"#!AER-DAT4.0\r\n" + _header(xml.encode(), number_of)
    longest = max((len(events) for events in streams.values()), default=0)
    for start in range(0, longest, packet):
        for number, events in streams.items():
            payload = frame(_event_packet(events[start : start + packet]))
            data += struct.pack("<II", number, len(payload)) + payload
    path.write_bytes(data)
    return path
