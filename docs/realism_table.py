"""Rewrite the table of docs/simulator.md from docs/results/simulator_realism.json."""

from __future__ import annotations

import json
from pathlib import Path

DOCS = Path(__file__).parent
MARKER, END = "<!-- realism -->", "<!-- end of table -->"
NAMES = {
    "events_per_pixel_and_second": "events per pixel and second",
    "on_share": "share of ON events",
    "interval_ms_10": "interval of a pixel, 10 % (ms)",
    "interval_ms_50": "interval of a pixel, median (ms)",
    "interval_ms_90": "interval of a pixel, 90 % (ms)",
}


def main() -> None:
    record = json.loads((DOCS / "results" / "simulator_realism.json").read_text())
    lines = [
        MARKER,
        "",
        "| recording | figure | real | simulated | ratio |",
        "|---|---|---:|---:|---:|",
    ]
    for row in record["rows"]:
        title = f"{row['what']}; `{row['real_file']}`, windows of {row['window_ms']:.0f} ms"
        for key, name in NAMES.items():
            real, ours, ratio = (row[part][key] for part in ("real", "simulated", "ratio"))
            lines.append(f"| {title} | {name} | {real:.3g} | {ours:.3g} | {ratio:.2f} |")
            title = ""
    lines += [
        "",
        f"`{record['command']}`, commit {record['commit']}, {record['machine']['cpu']}.",
        "",
    ]
    page = DOCS / "simulator.md"
    before, _, after = page.read_text().partition(MARKER)
    note = after.partition(END)[2]
    page.write_text(before + "\n".join([*lines, END]) + note)


if __name__ == "__main__":
    main()
