"""Collects evaluations of place recognition into docs/results: means and spread over seeds.

    python docs/place_results.py NAME RUN [RUN ...] [--stills nordland.npz]

Each RUN is a folder that ``saccade eval place`` wrote: the same pairs with the weights of one seed.
Baselines are the same in all runs that have them. With ``--stills`` the plain methods are scored on
the images themselves, too. Writes docs/results/NAME.json.
"""

from __future__ import annotations

import argparse
import json
import platform
from pathlib import Path
from typing import Any

import numpy as np

from saccade.engine.rundir import versions
from saccade.retrieval import IndexTolerance, recall_at, top_n
from saccade.retrieval.sequence import sequence_scores
from saccade.tasks.place.baselines import BASELINES
from saccade.tasks.place.stills import read_stills

MEASURES = ("recall@1", "recall@5", "pooled_average_precision")
ON_IMAGES = ("raw", "centred", "log_count", "own_centred", "own_standardised", "patch")


def key(row: dict[str, Any]) -> tuple[Any, ...]:
    return row["pair"], row["method"], row["sequence"], row["tolerance_m"]


def collected(runs: list[Path]) -> list[dict[str, Any]]:
    """Return a row per pair, method, length and tolerance with all seeds in it."""
    found: dict[tuple[Any, ...], dict[str, Any]] = {}
    for run in runs:
        for row in json.loads((run / "results.json").read_text()):
            names = ("pair", "method", "sequence", "tolerance_m")
            into = found.setdefault(key(row), {name: row[name] for name in names})
            for name in MEASURES:
                into.setdefault(name, []).append(row[name])
            into["chance"] = row["chance_of_recall@1"]
    for row in found.values():
        for name in MEASURES:
            values = np.array(row[name], float)
            row[f"{name}_mean"] = float(values.mean())
            row[f"{name}_sd"] = float(values.std(ddof=1)) if len(values) > 1 else None
    return list(found.values())


def on_images(path: Path, pairs: list[str], tolerances: list[float]) -> list[dict[str, Any]]:
    """Return what plain methods reach on the images, without any event camera."""
    stills, rows = read_stills(path), list[dict[str, Any]]()
    for pair in pairs:
        sides = [part_of(stills, word) for word in pair.split(" in ")]
        for name in ON_IMAGES:
            for pool in (1, 2, 4):
                scores = BASELINES[name](sides[0], sides[1], pool=pool)
                for length in (1, 5):
                    longer = sequence_scores(scores, length, speeds=(1.0,), direction="forward")
                    for metres in tolerances:
                        truth = IndexTolerance(*scores.shape, tolerance=int(metres), inclusive=True)
                        found = recall_at(top_n(longer, 1), truth, (1,))
                        rows.append({
                            "pair": pair, "method": f"images, {name}/{pool}", "sequence": length,
                            "tolerance_m": metres, "recall@1": float(found.over_matchable[0]),
                        })  # fmt: skip
    return rows


def part_of(stills: dict[str, Any], word: str) -> Any:
    name, _, part = word.partition("@")
    first, _, end = part.partition("-")
    return stills[name][int(first) : int(end), None].astype(np.float32)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("name")
    parser.add_argument("runs", nargs="+", type=Path)
    parser.add_argument("--stills", type=Path)
    args = parser.parse_args()
    rows = collected(args.runs)
    tolerances = sorted({row["tolerance_m"] for row in rows})
    pairs = list(dict.fromkeys(row["pair"] for row in rows))
    content = {
        "about": __doc__.splitlines()[0],
        "machine": f"{platform.processor() or platform.machine()}, CPU",
        "versions": versions(),
        "trained": [trained(run) for run in args.runs],
        "results": rows,
        "on_images": on_images(args.stills, pairs, tolerances) if args.stills else [],
    }
    target = Path(__file__).parent / "results" / f"{args.name}.json"
    target.write_text(json.dumps(content, indent=1, allow_nan=False) + "\n")
    print(f"wrote {target.name}")


def trained(run: Path) -> dict[str, Any]:
    """Return what made the weights of an evaluation, from the run beside them."""
    report = json.loads((run / "report.json").read_text())["values"]
    weights = Path(report["weights"] or "")
    made = weights.parent / "report.json"
    known: dict[str, Any] = {"weights_sha256": report["weights_sha256"]}
    if made.is_file():
        values = json.loads(made.read_text())["values"]
        wanted = ("seed", "parameters", "epochs", "steps", "best_validation", "seconds", "network")
        known |= {name: values.get(name) for name in wanted}
        known["git"] = json.loads((weights.parent / "versions.json").read_text())["git"]
    return known


if __name__ == "__main__":
    main()
