"""Text headers of RAW and DAT files, and the sensor size they imply."""

from __future__ import annotations

from pathlib import Path

import pytest

from saccade.errors import FormatError, MissingFileError
from saccade.events.io import evt2, evt3
from saccade.events.io.format import Format, ReadOptions
from saccade.events.io.raw_header import encoding, parse, read_head, sensor_size, to_header
from saccade.events.types import SensorSize

VGA, HD = SensorSize(height=480, width=640), SensorSize(height=720, width=1280)


def test_end_closes_the_header_even_where_the_body_starts_with_a_percent_sign() -> None:
    header = parse(b"% evt 3.0\n% end\n% not a field\n")
    assert header.fields == {"evt": "3.0"}
    assert header.body == 16


def test_without_end_the_first_byte_that_starts_no_line_starts_the_body() -> None:
    assert parse(b"% evt 2.0\n\x00\x25\x0a").body == 10
    assert parse(b"% evt 2.0\n%\x01\x02\x03\n").body == 10
    assert parse(b"% evt 2.0\n% no line feed").body == 10
    assert parse(b"no header").body == 0


def test_lines_may_end_as_on_windows() -> None:
    header = parse(b"% geometry 640x480\r\n% evt 2.0\r\n\x00")
    assert sensor_size(header) == (VGA, "header")
    assert header.body == 31


@pytest.mark.parametrize(
    ("text", "size", "source"),
    [
        ("geometry 640x480", VGA, "header"),
        ("format EVT3;height=720;width=1280", HD, "header"),
        ("format EVT3;width=1280;height=720;endianness=little", HD, "header"),
        ("Height 480\n% Width 640", VGA, "header"),
        ("system_ID 21", VGA, "sensor id 21"),
        ("system_ID 48", HD, "sensor id 48"),
        ("system_ID 49", HD, "sensor id 49"),
        ("system_ID 64", SensorSize(height=320, width=320), "sensor id 64"),
        ("plugin_name hal_plugin_gen31_evk3", VGA, "plugin hal_plugin_gen31_evk3"),
        ("sensor_name IMX636", HD, "sensor name IMX636"),
        ("sensor_generation 4.2", HD, "sensor generation 4.2"),
        ("generation 3.1", VGA, "sensor generation 3.1"),
        ("geometry 640x480\n% system_ID 48", VGA, "header"),
        ("geometry 0x480", None, ""),
        ("system_ID 9999", None, ""),
        ("Date 2020-01-01", None, ""),
    ],
)
def test_size_and_where_it_comes_from(text: str, size: SensorSize | None, source: str) -> None:
    assert sensor_size(parse(f"% {text}\n".encode())) == (size, source)


def test_contradicting_sizes_are_refused_unless_the_user_decides() -> None:
    header = parse(b"% geometry 640x480\n% format EVT2;height=720;width=1280\n")
    with pytest.raises(FormatError, match=r"geometry 640x480 and format 1280x720.*--size"):
        sensor_size(header)
    chosen = to_header(header, ReadOptions(size=HD), format="evt2", version="2.0", notes=())
    assert (chosen.size, chosen.size_source) == (HD, "--size")


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("evt 2.0", "evt2"),
        ("evt 2.1", "evt21"),
        ("evt 3.0", "evt3"),
        ("format EVT21;endianness=legacy", "evt21"),
        ("format EVT3;height=1;width=1\n% evt 2.0", "evt3"),
        ("system_ID 40", "evt3"),
        ("system_ID 21", "evt2"),
        ("format HISTO3D;height=320;width=320", None),
        ("evt 4.0", None),
        ("Version 2", None),
    ],
)
def test_encoding_by_format_then_evt_then_camera(text: str, name: str | None) -> None:
    assert encoding(parse(f"% {text}\n".encode())) == name


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(MissingFileError, match=r"No such file: .*nothing\.raw"):
        read_head(tmp_path / "nothing.raw")


@pytest.mark.parametrize("kind", [evt2.FORMAT, evt3.FORMAT], ids=lambda kind: kind.name)
def test_words_with_the_high_byte_first_are_refused_not_misread(
    tmp_path: Path, kind: Format
) -> None:
    path = tmp_path / "big.raw"
    path.write_bytes(b"% geometry 8x8\n% endianness big\n% end\n" + bytes(16))
    with pytest.raises(FormatError, match=r"big\.raw says endianness 'big'"):
        kind.open(path, ReadOptions())
    path.write_bytes(b"% geometry 8x8\n% endianness little\n% end\n" + bytes(16))
    assert len(kind.open(path, ReadOptions()).read()) == 0
