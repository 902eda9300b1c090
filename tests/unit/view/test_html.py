"""The report: one file, nothing loaded from elsewhere, everything escaped."""

import base64
import re
from html.parser import HTMLParser
from pathlib import Path

import numpy as np
import pytest

from saccade.contracts import Report, Table
from saccade.errors import DataError
from saccade.view.canvas import png
from saccade.view.html import (
    Note,
    Picture,
    Section,
    Text,
    Values,
    report_section,
    write_report,
)

PNG = png(np.zeros((4, 4), np.uint8))
VOID = {"meta", "img"}


class Outline(HTMLParser):
    """Collects tags, attributes and text, and checks that tags close in order."""

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.tags: list[str] = []
        self.attributes: list[tuple[str, str]] = []
        self.text = ""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.attributes += [(name, value or "") for name, value in attrs]
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.text += data


def written(path: Path, *blocks: object) -> tuple[str, Outline]:
    file = write_report(path / "r.html", "Title & <b>", [Section("One <", blocks)], summary="a < b")  # type: ignore[arg-type]
    page = file.read_text(encoding="utf-8")
    outline = Outline()
    outline.feed(page)
    outline.close()
    assert outline.open == []
    return page, outline


def full(path: Path) -> tuple[str, Outline]:
    table = Table(
        "T <1>", ("name", "n", "share"), (("a<b", 12_345, 0.25), ("c", None, float("nan")))
    )
    return written(
        path,
        table,
        Note("plain & simple"),
        Note("take care", is_warning=True),
        Values(
            {"sensor_size": "640x480", "rate": np.float32(0.5), "ok": True, "n": np.int64(4_000)}
        ),
        Text("config.yaml", "a: <1>\n  b: 2\n"),
        Picture(PNG, 'caption "quoted" <i>', max_width=300),
    )


def test_nothing_is_loaded_from_elsewhere_and_no_script_runs(tmp_path: Path) -> None:
    page, outline = full(tmp_path)
    assert not {"script", "link", "iframe", "object"} & set(outline.tags)
    sources = [value for name, value in outline.attributes if name in ("src", "href", "srcset")]
    assert all(value.startswith(("data:image/", "#s")) for value in sources)
    assert not re.search(r"https?:|url\(|@import", page)


def test_every_text_is_escaped_and_stays_readable(tmp_path: Path) -> None:
    page, outline = full(tmp_path)
    for text in (
        "Title & <b>",
        "One <",
        "a < b",
        "T <1>",
        "a<b",
        "plain & simple",
        "a: <1>\n  b: 2\n",
    ):
        assert text in outline.text
    assert not {"b", "i"} & set(outline.tags)
    assert ("alt", 'caption "quoted" <i>') in outline.attributes
    assert "<title>Title &amp; &lt;b&gt;</title>" in page


def test_numbers_have_separators_and_missing_ones_a_dash(tmp_path: Path) -> None:
    page, _ = full(tmp_path)
    assert "<td class=n>12,345</td><td class=n>0.25</td>" in page
    assert "<td class=n>–</td><td class=n>–</td>" in page
    assert "<dt>sensor size</dt><dd>640x480</dd>" in page
    assert "<dd>0.5</dd>" in page
    assert "<dd>yes</dd>" in page
    assert "<dd>4,000</dd>" in page


def test_pictures_come_back_bit_for_bit(tmp_path: Path) -> None:
    page, _ = full(tmp_path)
    code = re.search(r'src="data:image/png;base64,([^"]+)"', page)
    assert code is not None
    assert base64.b64decode(code[1]) == PNG


def test_a_picture_of_another_kind_is_refused_and_nothing_is_written(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="Expected PNG or GIF"):
        written(tmp_path, Picture(b"<svg>", "x"))
    assert list(tmp_path.iterdir()) == []


def test_sections_are_linked_and_colours_follow_the_reader(tmp_path: Path) -> None:
    page, _ = full(tmp_path)
    assert 'href="#s1"' in page
    assert 'id="s1"' in page
    assert "prefers-color-scheme:dark" in page


def test_a_report_becomes_a_section() -> None:
    table = Table("t", ("a",), ((1,),))
    section = report_section(
        Report("Info", {"events": 3, "nested": {"x": 1}}, (table,), ("note",), ok=False)
    )
    values, shown, note = section.blocks
    assert values == Values({"events": 3})
    assert shown is table
    assert note == Note("note", is_warning=True)
