"""Rewrite the results in docs/place_stdp.md from docs/results/stdp_*.json.

python docs/stdp_table.py
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

DOCS = Path(__file__).parent
MARKER, END = "<!-- results -->", "<!-- end of results -->"
SPEED, SPEED_END = "<!-- speed -->", "<!-- end of speed -->"
SETS = ("nordland_100", "nordland_400", "brisbane_7x7", "corridor", "world")
LEARNERS = ("stdp", "delta", "templates", "fields")


def main() -> None:
    page = DOCS / "place_stdp.md"
    before, _, after = page.read_text().partition(MARKER)
    text = f"{before}{MARKER}\n{results()}{END}{after.partition(END)[2]}"
    before, _, after = text.partition(SPEED)
    page.write_text(f"{before}{SPEED}\n{speed()}{SPEED_END}{after.partition(SPEED_END)[2]}")


def speed() -> str:
    """Return what the benchmarks measured, as milliseconds and ratios."""
    folder = DOCS.parent / "benchmarks" / "results"
    lines = ["", "| job | saccade | against |", "|---|---:|---|"]
    modules, alone = json.loads((folder / "place_stdp.json").read_text()), 0.0
    for row in modules["rows"]:
        seconds = {name: value["median"] for name, value in row.get("seconds", {}).items()}
        if "Brian2" in seconds:
            for engine in ("exact", "fast"):
                own = seconds[f"saccade, {engine}"]
                lines.append(
                    f"| {row['case']}, {engine} engine | {own * 1e3:.0f} ms | "
                    f"Brian2 {seconds['Brian2'] * 1e3:,.0f} ms, {seconds['Brian2'] / own:.0f} x |"
                )
            alone = seconds["Brian2"]
        else:
            for name, value in seconds.items():
                threads = name.rpartition(" ")[2]
                lines.append(
                    f"| {row['case']}, {threads} thread{'s' * (threads != '1')} | "
                    f"{value * 1e3:,.0f} ms | one module {value / 108 * 1e3:.1f} ms, "
                    f"Brian2 {alone / value * 108:.0f} x |"
                )
    commit, machine = modules["commit"], modules["machine"]
    lines += [
        "",
        f"{machine['cores']} cores, {machine['cpu']}, commit {commit}, `{modules['command']}`.",
        "",
    ]
    return "\n".join(lines)


def results() -> str:
    """Return the sections, one per file."""
    paths = [DOCS / "results" / f"stdp_{name}.json" for name in SETS]
    found = [section(json.loads(p.read_text()), p.name) for p in paths if p.exists()]
    chosen = DOCS / "results" / "stdp_selection.json"
    return "".join(found) + (selection(json.loads(chosen.read_text())) if chosen.exists() else "")


def section(record: dict[str, Any], name: str) -> str:
    rows = record["results"]
    lines = [
        "",
        f"**{record['about']}**",
        "",
        "| query in reference | frames | best plain method | " + " | ".join(LEARNERS) + " |",
        "|---|---:|---|" + "---:|" * len(LEARNERS),
    ]
    least = min(row["tolerance_m"] for row in rows)
    wanted = dict.fromkeys(
        (row["pair"], row["sequence"]) for row in rows if row["tolerance_m"] == least
    )
    said = ""
    for pair, frames in wanted:
        same = [
            row
            for row in rows
            if (row["pair"], row["sequence"], row["tolerance_m"]) == (pair, frames, least)
        ]
        bar = max((r for r in same if r["kind"] == "plain"), key=lambda r: r["recall@1"])
        cells = [shown(same, learner) for learner in LEARNERS]
        name_of_pair, said = (short(pair) if pair != said else ""), pair
        lines.append(
            f"| {name_of_pair} | {frames} | {bar['recall@1']:.3f} {bar['method']} | "
            f"{' | '.join(cells)} |"
        )
    commit = ", ".join(record.get("commits of the runs", [str(record["versions"]["git"])[:7]]))
    lines += [
        "",
        f"Recall@1, mean ± standard deviation over the seeds {record['seeds']}. "
        f"{record['machine']}, commit {commit}; `results/{name}`.",
        "",
    ]
    return "\n".join(lines)


def shown(rows: list[dict[str, Any]], learner: str) -> str:
    """Return a learner's scores standardised by place (z); those of fields are so by themselves."""
    method = learner if learner in ("fields", "templates") else f"{learner}, z"
    row = next((r for r in rows if r["kind"] == "network" and r["method"] == method), None)
    if row is None:
        return "–"
    spread = "" if row["recall@1_sd"] is None else f" ± {row['recall@1_sd']:.3f}"
    return f"{row['recall@1']:.3f}{spread}"


def short(pair: str) -> str:
    """Return a pair without its ranges."""
    return " in ".join(word.partition("@")[0] for word in pair.split(" in "))


def selection(record: dict[str, Any]) -> str:
    rows = {row["settings"]: row for row in record["results"]}
    chosen, plain = rows[record["chosen"]], record["results"][-1]
    lines = [
        "",
        "**Brisbane, settings of the fields chosen on the first half of the queries "
        f"({record['chosen']})**",
        "",
        "| queries | plain, l1_centred zz: 1 / 5 / 9 frames | fields: 1 / 5 / 9 frames |",
        "|---|---:|---:|",
    ]
    for half in ("first half", "second half"):
        spread = chosen.get(f"{half}, sd", [0, 0, 0])
        own = " / ".join(f"{a:.3f} ± {b:.3f}" for a, b in zip(chosen[half], spread, strict=True))
        bar = " / ".join(f"{value:.3f}" for value in plain[half])
        lines.append(f"| {half} | {bar} | {own} |")
    return "\n".join([*lines, "", "`results/stdp_selection.json`.", ""])


if __name__ == "__main__":
    main()
