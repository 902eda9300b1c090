"""Rewrite the tables of docs/performance.md from benchmarks/results/*.json.

Everything below the marker line is generated; the text above it is written by hand.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

DOCS = Path(__file__).parent
RESULTS = DOCS.parent / "benchmarks" / "results"
EVENTS = "kernel_million_events_per_s"
MARKER = "<!-- generated below this line: python docs/performance_table.py -->"


def main() -> None:
    page = DOCS / "performance.md"
    text = page.read_text().split(MARKER)[0] + MARKER + "\n"
    for path in sorted(RESULTS.glob("*.json")):
        text += "\n" + section(path.stem, json.loads(path.read_text()))
    page.write_text(text)


def section(name: str, record: dict[str, Any]) -> str:
    machine = record["machine"]
    versions = ", ".join(f"{key} {value}" for key, value in record["versions"].items())
    lines = [
        f"## {name}",
        "",
        record["question"],
        "",
        f"`{record['command'].strip()}`, commit {record['commit']}, {machine['cpu']}, "
        f"{record['threads']} thread(s) of {machine['cores']} cores; {versions}.",
        "",
    ]
    timed = [row for row in record["rows"] if "seconds" in row]
    other = [row for row in record["rows"] if "seconds" not in row]
    if timed:
        lines += timed_table(timed)
        lines += event_rates([row for row in timed if EVENTS in row])
    for row in other:
        facts = "; ".join(f"{key} {number(value)}" for key, value in row.items() if key != "case")
        lines.append(f"- **{row['case']}**: {facts}")
    return "\n".join(lines) + "\n"


def timed_table(rows: list[dict[str, Any]]) -> list[str]:
    rated = any("rate_per_s" in row for row in rows)
    head = ["case", "candidate", "median ms", "times ours"] + (["M per s"] if rated else [])
    lines = ["| " + " | ".join(head) + " |", "|" + "---|" * 2 + "---:|" * (len(head) - 2)]
    for row in rows:
        case = row["case"]
        for label, seconds in row["seconds"].items():
            cells = [case, label, f"{seconds['median'] * 1e3:,.3g}"]
            cells.append(number(row["ratio"].get(label)))
            if rated:
                rate = row.get("rate_per_s", {}).get(label)
                cells.append(number(rate / 1e6 if rate else None))
            lines.append("| " + " | ".join(cells) + " |")
            case = ""
    return [*lines, ""]


def event_rates(rows: list[dict[str, Any]]) -> list[str]:
    if not rows:
        return []
    lines = ["| case | events per pixel-step | kernel, M events per s |", "|---|---:|---:|"]
    lines += [
        f"| {row['case']} | {number(row['events_per_step'])} | {number(row[EVENTS])} |"
        for row in rows
    ]
    return [*lines, ""]


def number(value: Any) -> str:
    if value is None:
        return "–"
    if isinstance(value, dict):
        return ", ".join(f"{key} {number(item)}" for key, item in value.items())
    if isinstance(value, list):
        return ", ".join(number(item) for item in value)
    if isinstance(value, float):
        return f"{value:,.3g}" if abs(value) < 1000 else f"{value:,.0f}"
    return f"{value:,}" if isinstance(value, int) and not isinstance(value, bool) else str(value)


if __name__ == "__main__":
    main()
