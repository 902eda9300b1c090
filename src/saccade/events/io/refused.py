"""Files that are recognised and refused, each with the reason and the way out."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

__all__ = ["REFUSED", "Refused", "refusal"]


@dataclass(frozen=True)
class Refused:
    """A kind of file that saccade knows and does not read.

    Args:
        what: Its name, as in ``night.bag is a ROS 1 bag.``
        matches: Whether the first bytes are of this kind.
        why: The reason.
        instead: What to do.
    """

    what: str
    matches: Callable[[bytes], bool]
    why: str
    instead: str


def _starts(*signatures: bytes) -> Callable[[bytes], bool]:
    return lambda head: head.startswith(signatures)


def _raw_header_with(word: bytes) -> Callable[[bytes], bool]:
    return lambda head: head.startswith(b"%") and word in head[:4096].lower()


def _archive(head: bytes) -> bool:
    if not head.startswith((b"PK\x03\x04", b"PK\x05\x06")):
        return False
    first_name = head[30 : 30 + int.from_bytes(head[26:28], "little")]
    return not first_name.endswith(b".npy")


_NO_EVENTS = "Expected events, not pictures."
_VIDEO = "saccade does not make events from frames."
_UNPACK = "Its content has to be unpacked first."

REFUSED: dict[str, Refused] = {
    "aedat1": Refused(
        "an AEDAT 1.0 file",
        _starts(b"#!AER-DAT1"),
        "Addresses of AEDAT 1 mean pixels only together with the chip's class in jAER.",
        "Export it as AEDAT 4 with DV, or as text.",
    ),
    "aedat2": Refused(
        "an AEDAT 2.0 file",
        _starts(b"#!AER-DAT2"),
        "Addresses of AEDAT 2 mean pixels only together with the chip's class in jAER, and "
        "saccade has no decoder for them.",
        "Export it as AEDAT 4 with DV, or as text.",
    ),
    "aedat3": Refused(
        "an AEDAT 3.1 file",
        _starts(b"#!AER-DAT3"),
        "saccade has no decoder for the packets of AEDAT 3.",
        "Export it as AEDAT 4 with DV, or as text.",
    ),
    "evt4": Refused(
        "a RAW file of encoding EVT 4.0",
        lambda head: _raw_header_with(b"evt 4")(head) or _raw_header_with(b"evt4")(head),
        "saccade decodes EVT 2.0, 2.1 and 3.0.",
        "Export it from Metavision as DAT or HDF5 without ECF compression.",
    ),
    "mat5": Refused(
        "a MATLAB file (version 5)",
        _starts(b"MATLAB 5.0 MAT-file"),
        "Its matrices have no agreed names or column order.",
        "In MATLAB: writematrix([t x y p], 'events.csv').",
    ),
    "ros1": Refused(
        "a ROS 1 bag",
        _starts(b"#ROSBAG V2.0"),
        "saccade does not read bags.",
        "Extract the event topic to RAW, HDF5 or text, e.g. with the rosbags package.",
    ),
    "sqlite": Refused(
        "an SQLite database, the container of ROS 2 bags",
        _starts(b"SQLite format 3"),
        "saccade does not read bags.",
        "Extract the event topic to RAW, HDF5 or text, e.g. with the rosbags package.",
    ),
    "ros2": Refused(
        "the index of a ROS 2 bag",
        lambda head: b"rosbag2_bagfile_information" in head[:4096],
        "It holds no events; they are in the files beside it, and saccade does not read bags.",
        "Extract the event topic to RAW, HDF5 or text, e.g. with the rosbags package.",
    ),
    "mcap": Refused(
        "an MCAP file",
        _starts(b"\x89MCAP0"),
        "saccade does not read bags.",
        "Extract the event topic to RAW, HDF5 or text.",
    ),
    "zip": Refused("a ZIP archive without NumPy arrays", _archive, _UNPACK, "Unpack it."),
    "gzip": Refused("compressed with gzip", _starts(b"\x1f\x8b"), _UNPACK, "Run gunzip."),
    "bzip2": Refused("compressed with bzip2", _starts(b"BZh"), _UNPACK, "Run bunzip2."),
    "xz": Refused("compressed with xz", _starts(b"\xfd7zXZ\x00"), _UNPACK, "Run unxz."),
    "zstd": Refused("compressed with zstd", _starts(b"\x28\xb5\x2f\xfd"), _UNPACK, "Run unzstd."),
    "7z": Refused("a 7-Zip archive", _starts(b"7z\xbc\xaf\x27\x1c"), _UNPACK, "Unpack it."),
    "png": Refused("a PNG picture", _starts(b"\x89PNG\r\n\x1a\n"), _NO_EVENTS, _VIDEO),
    "jpeg": Refused("a JPEG picture", _starts(b"\xff\xd8\xff"), _NO_EVENTS, _VIDEO),
    "gif": Refused("a GIF picture", _starts(b"GIF87a", b"GIF89a"), _NO_EVENTS, _VIDEO),
    "tiff": Refused("a TIFF picture", _starts(b"II*\x00", b"MM\x00*"), _NO_EVENTS, _VIDEO),
    "avi": Refused(
        "an AVI video",
        lambda head: head.startswith(b"RIFF") and head[8:12] == b"AVI ",
        _NO_EVENTS,
        _VIDEO,
    ),
    "mp4": Refused("an MP4 video", lambda head: head[4:8] == b"ftyp", _NO_EVENTS, _VIDEO),
    "pdf": Refused("a PDF document", _starts(b"%PDF-"), _NO_EVENTS, ""),
    "parquet": Refused(
        "a Parquet table",
        _starts(b"PAR1"),
        "saccade does not read Parquet.",
        "Save its columns as CSV or npz.",
    ),
    "pickle": Refused(
        "a Python pickle",
        _starts(b"\x80\x02", b"\x80\x03", b"\x80\x04", b"\x80\x05"),
        "Opening a pickle can run any code in it, so saccade never does.",
        "Save the arrays with numpy.savez.",
    ),
}
"""Looked up before the table of formats: every entry is known by its first bytes alone."""


def refusal(head: bytes) -> Refused | None:
    """Return why a file with these first bytes is refused, or None."""
    return next((kind for kind in REFUSED.values() if kind.matches(head)), None)
