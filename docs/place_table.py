"""Rewrite the results in docs/places.md from docs/results/place_*.json.

python docs/place_table.py
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

DOCS = Path(__file__).parent
MARKER, END = "<!-- results -->", "<!-- end of results -->"


def main() -> None:
    page = DOCS / "places.md"
    before, _, after = page.read_text().partition(MARKER)
    page.write_text(f"{before}{MARKER}\n{results()}{END}{after.partition(END)[2]}")


def results() -> str:
    """Return the sections, one per file."""
    paths = sorted((DOCS / "results").glob("place_*.json"))
    return "".join(section(json.loads(path.read_text()), path.name) for path in paths)


def section(record: dict[str, Any], name: str) -> str:
    rows = record["results"]
    networks = list(dict.fromkeys(row["method"] for row in rows if row["kind"] == "network"))
    columns = [name if "," in name else f"{name}, as it is" for name in networks]
    lines = [
        "",
        f"**{record['about']}**",
        "",
        "| pair | within | frames | best baseline | " + " | ".join(columns) + " |",
        "|---|---:|---:|---|" + "---:|" * len(networks),
    ]
    wanted = dict.fromkeys((row["pair"], row["tolerance_m"], row["sequence"]) for row in rows)
    said = ""
    for pair, metres, frames in sorted(wanted, key=lambda key: (list_of(rows, key[0]), *key[1:])):
        key = (pair, metres, frames)
        same = [r for r in rows if (r["pair"], r["tolerance_m"], r["sequence"]) == key]
        bar = max((r for r in same if r["kind"] == "baseline"), key=lambda r: r["recall@1"])
        cells = [
            next(shown(r) for r in same if r["kind"] == "network" and r["method"] == network)
            for network in networks
        ]
        first = pair if pair != said else ""
        said = pair
        best = f"{bar['recall@1']:.3f} {bar['method']}"
        lines.append(f"| {first} | {within(metres)} | {frames} | {best} | {' | '.join(cells)} |")
    lines += ["", foot(record, name), ""]
    return "\n".join(lines)


def within(metres: float) -> str:
    """Return a tolerance; 0 stands for a truth that comes with the data."""
    return f"{metres:g}" if metres else "given truth"


def list_of(rows: list[dict[str, Any]], pair: str) -> int:
    return list(dict.fromkeys(row["pair"] for row in rows)).index(pair)


def shown(row: dict[str, Any]) -> str:
    spread = "" if row["recall@1_sd"] is None else f" ± {row['recall@1_sd']:.3f}"
    return f"{row['recall@1']:.3f}{spread}"


def foot(record: dict[str, Any], name: str) -> str:
    seeds = sorted({made["seed"] for made in record["trained"] if "seed" in made})
    draws = max(len(row["draws"]) for row in record["results"])
    images = [row for row in record["on_images"] if row["sequence"] == 1]
    text = f"Recall@1, mean ± standard deviation over the seeds {', '.join(map(str, seeds))}"
    text += f", each a mean over {draws} draws of the camera's motion" if draws > 1 else ""
    commits = sorted({made["git"][:7] for made in record["trained"] if made.get("git")})
    text += f". {record['machine']}, commit {', '.join(commits)}; `results/{name}`."
    if images:
        tight = min(row["tolerance_m"] for row in images)
        best = max((r for r in images if r["tolerance_m"] == tight), key=lambda r: r["recall@1"])
        text += " On the images themselves, without events, the best plain method"
        text += (
            f" ({best['method']}, {best['pair']}) reaches {best['recall@1']:.3f} ({within(tight)})."
        )
    made = " ".join(f"`{command}`" for command in record["commands"])
    return f"{text}\n\nMade by {made}" if made else text


if __name__ == "__main__":
    main()
