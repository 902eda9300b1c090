"""One report, one file: text, tables and pictures in HTML that opens offline anywhere.

    write_report(path, title, [Section("Retrieval", [Note(...), table, Picture(png, "caption")])])

Style sheet and pictures are inside the file, nothing is loaded from elsewhere, no script runs, all
text is escaped. Colours follow the reader's light or dark setting.
"""

from __future__ import annotations

import base64
import html
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from saccade import __version__
from saccade.contracts import Report, Table, cell_text
from saccade.errors import DataError
from saccade.files import write_atomically

__all__ = [
    "Block",
    "Note",
    "Picture",
    "Section",
    "Text",
    "Values",
    "report_section",
    "write_report",
]


@dataclass(frozen=True)
class Picture:
    """A picture with its caption.

    Args:
        data: PNG or GIF bytes.
        caption: What is to be seen; also the text for those who cannot see it.
        max_width: Widest display in CSS pixels, 0 for the width of the page.
    """

    data: bytes
    caption: str
    max_width: int = 0


@dataclass(frozen=True)
class Note:
    """A paragraph; ``is_warning`` sets it apart."""

    text: str
    is_warning: bool = False


@dataclass(frozen=True)
class Values:
    """Named values in two columns."""

    values: Mapping[str, Any]


@dataclass(frozen=True)
class Text:
    """Text with its line breaks kept, such as a configuration; folded away under its title."""

    title: str
    text: str


Block = Picture | Note | Values | Text | Table


@dataclass(frozen=True)
class Section:
    """A heading and what stands under it."""

    title: str
    blocks: Sequence[Block] = field(default_factory=tuple)


def report_section(report: Report) -> Section:
    """Return the report of a verb as a section: values, tables, notes, files."""
    blocks: list[Block] = []
    plain = {name: value for name, value in report.values.items() if _is_cell(value)}
    if plain:
        blocks.append(Values(plain))
    blocks.extend(report.tables)
    blocks.extend(Note(note, is_warning=not report.ok) for note in report.notes)
    return Section(report.title, blocks)


def write_report(
    path: str | Path, title: str, sections: Sequence[Section], *, summary: str = ""
) -> Path:
    """Write a report, whole or not at all.

    Args:
        path: The HTML file.
        title: Title of the page.
        sections: What it says, in order.
        summary: A sentence or two under the title.

    Returns:
        The path.

    Raises:
        DataError: A picture is neither PNG nor GIF.

    Examples:
        >>> import tempfile
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     file = write_report(f"{folder}/r.html", "a < b", [Section("One", [Note("text")])])
        ...     "a &lt; b" in file.read_text(encoding="utf-8")
        True
    """
    links = "".join(
        f'<a href="#s{number}">{_escaped(section.title)}</a>'
        for number, section in enumerate(sections, 1)
    )
    body = "".join(
        f'<section id="s{number}"><h2>{_escaped(section.title)}</h2>'
        f"{''.join(_block(block) for block in section.blocks)}</section>\n"
        for number, section in enumerate(sections, 1)
    )
    lead = f'<p class="lead">{_escaped(summary)}</p>' if summary else ""
    page = (
        '<!doctype html>\n<html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f"<title>{_escaped(title)}</title><style>{_STYLE}</style></head>\n"
        f"<body><header><h1>{_escaped(title)}</h1>{lead}<nav>{links}</nav></header>\n"
        f"<main>{body}</main>\n<footer>saccade {__version__}</footer></body></html>\n"
    )
    return write_atomically(Path(path), page.encode())


def _block(block: Block) -> str:
    if isinstance(block, Table):
        return _table(block)
    if isinstance(block, Picture):
        return _picture(block)
    if isinstance(block, Values):
        rows = "".join(
            f"<dt>{_escaped(name.replace('_', ' '))}</dt><dd>{_cell(value)}</dd>"
            for name, value in block.values.items()
        )
        return f"<dl>{rows}</dl>"
    if isinstance(block, Text):
        return (
            f"<details><summary>{_escaped(block.title)}</summary>"
            f"<pre>{_escaped(block.text)}</pre></details>"
        )
    kind = ' class="warning"' if block.is_warning else ""
    return f"<p{kind}>{_escaped(block.text)}</p>"


def _table(table: Table) -> str:
    numeric = [
        any(_is_number(row[k]) for row in table.rows)
        and all(_is_number(row[k]) or row[k] is None for row in table.rows)
        for k in range(len(table.columns))
    ]
    head = "".join(
        f"<th{' class=n' if is_number else ''}>{_escaped(name)}</th>"
        for name, is_number in zip(table.columns, numeric, strict=True)
    )
    rows = "".join(
        "<tr>"
        + "".join(
            f"<td{' class=n' if is_number else ''}>{_cell(cell)}</td>"
            for cell, is_number in zip(row, numeric, strict=True)
        )
        + "</tr>"
        for row in table.rows
    )
    return (
        f'<div class="scroll"><table><caption>{_escaped(table.title)}</caption>'
        f"<thead><tr>{head}</tr></thead><tbody>{rows}</tbody></table></div>"
    )


def _picture(picture: Picture) -> str:
    kinds = {b"\x89PNG": "png", b"GIF8": "gif"}
    kind = kinds.get(picture.data[:4])
    if kind is None:
        raise DataError(
            f"The picture {picture.caption!r} starts with {picture.data[:4]!r}.",
            "Expected PNG or GIF bytes.",
        )
    width = f' style="max-width:min({picture.max_width}px,100%)"' if picture.max_width else ""
    code = base64.b64encode(picture.data).decode("ascii")
    alt = html.escape(picture.caption, quote=True)
    return (
        f'<figure><img alt="{alt}"{width} src="data:image/{kind};base64,{code}">'
        f"<figcaption>{_escaped(picture.caption)}</figcaption></figure>"
    )


def _is_number(value: Any) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool)


def _is_cell(value: Any) -> bool:
    return value is None or isinstance(value, (str, int, float, Path, np.generic))


def _cell(value: Any) -> str:
    return _escaped(cell_text(value))


def _escaped(text: str) -> str:
    return html.escape(text, quote=False)


_STYLE = """
:root{color-scheme:light dark;--paper:#fff;--ink:#1d1f23;--soft:#5d636e;--line:#d9dce1;
--card:#f5f6f8;--accent:#1f78c8;--warn:#fff4e5;--warnline:#d95f02}
@media (prefers-color-scheme:dark){:root{--paper:#15171b;--ink:#e6e8ec;--soft:#9aa1ad;
--line:#33373f;--card:#1e2127;--accent:#5aafff;--warn:#33261a;--warnline:#ff9632}}
*{box-sizing:border-box}
body{margin:0 auto;max-width:1060px;padding:28px 22px 60px;background:var(--paper);
color:var(--ink);font:16px/1.55 system-ui,-apple-system,"Segoe UI",Roboto,sans-serif}
h1{font-size:28px;margin:0 0 6px;line-height:1.25}
h2{font-size:20px;margin:38px 0 12px;padding-top:14px;border-top:1px solid var(--line)}
.lead{font-size:17px;color:var(--soft);margin:0 0 12px;max-width:75ch}
nav{display:flex;flex-wrap:wrap;gap:6px 18px;font-size:14px}
a{color:var(--accent);text-decoration:none}a:hover{text-decoration:underline}
p{max-width:80ch;margin:10px 0}
p.warning{background:var(--warn);border-left:4px solid var(--warnline);padding:9px 14px}
.scroll{overflow-x:auto;margin:14px 0}
table{border-collapse:collapse;font-size:14px;font-variant-numeric:tabular-nums}
caption{text-align:left;font-weight:600;padding:0 0 6px;white-space:nowrap}
th,td{padding:5px 14px 5px 0;border-bottom:1px solid var(--line);text-align:left;
vertical-align:top;white-space:nowrap}
th{color:var(--soft);font-weight:600}
th.n,td.n{text-align:right}
dl{display:grid;grid-template-columns:max-content 1fr;gap:4px 22px;font-size:14px;margin:14px 0}
dt{color:var(--soft)}dd{margin:0;font-variant-numeric:tabular-nums;overflow-wrap:anywhere}
figure{margin:16px 0}
img{display:block;max-width:100%;height:auto;background:#fff;border:1px solid var(--line);
border-radius:6px;padding:6px}
figcaption{font-size:14px;color:var(--soft);margin-top:6px;max-width:85ch}
details{margin:14px 0}summary{cursor:pointer;color:var(--accent)}
pre{background:var(--card);border-radius:6px;padding:12px 14px;overflow-x:auto;font-size:13px;
line-height:1.45}
footer{margin-top:44px;color:var(--soft);font-size:13px}
@media print{body{max-width:none}details{display:block}nav{display:none}}
"""
