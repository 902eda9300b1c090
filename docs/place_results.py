"""Collects evaluations of place recognition into docs/results: means and spread over seeds.

    python docs/place_results.py NAME RUN [RUN ...] [--stills nordland.npz] [--command "..."]

Each RUN is a folder that ``saccade eval place`` wrote: the same pairs with the weights of one seed,
on one draw of the camera's motion (``--pass-seed``). The value of a seed is its mean over the
draws; mean and standard deviation are over seeds. Baselines learn nothing: their mean is over the
draws. With ``--stills`` the plain methods are scored on the images themselves, too. Writes
docs/results/NAME.json.
"""

from __future__ import annotations

import argparse
import json
import platform
from pathlib import Path
from typing import Any

import numpy as np
import yaml

from saccade.engine.rundir import versions
from saccade.retrieval import IndexTolerance, recall_at, top_n
from saccade.retrieval.sequence import sequence_scores
from saccade.traverses.baselines import BASELINES
from saccade.traverses.image_files import TUNNEL_STD
from saccade.traverses.stills import read_stills

MEASURES = ("recall@1_of_matchable", "recall@5_of_matchable", "pooled_average_precision")
ON_IMAGES = ("raw", "centred", "log_count", "own_centred", "own_standardised", "patch")
KEY = ("pair", "method", "sequence", "tolerance_m")


def collected(runs: list[Path]) -> list[dict[str, Any]]:
    """Return a row per pair, method, length and tolerance, over all seeds and draws."""
    found: dict[tuple[Any, ...], dict[tuple[int, int], dict[str, Any]]] = {}
    for run in runs:
        draw = int(yaml.safe_load((run / "config.yaml").read_text())["data"]["pass_seed"])
        seed = trained(run).get("seed", 0)
        for row in json.loads((run / "results.json").read_text()):
            is_plain = row["method"].partition("/")[0] in BASELINES
            key = tuple(row[name] for name in KEY)
            found.setdefault(key, {})[0 if is_plain else seed, draw] = row
    return [summed_up(key, rows) for key, rows in found.items()]


def summed_up(key: tuple[Any, ...], rows: dict[tuple[int, int], dict[str, Any]]) -> dict[str, Any]:
    seeds, draws = (sorted(set(part)) for part in zip(*rows, strict=True))
    is_plain = key[1].partition("/")[0] in BASELINES
    result: dict[str, Any] = dict(zip(KEY, key, strict=True))
    result |= {"kind": "baseline" if is_plain else "network", "draws": draws}
    if not is_plain:
        result["seeds"] = seeds
    for name in MEASURES:
        values = np.array([[rows[seed, draw][name] for draw in draws] for seed in seeds], float)
        by_seed = values.mean(axis=1)
        short = name.removesuffix("_of_matchable")
        result[short] = float(by_seed.mean())
        result[f"{short}_sd"] = float(by_seed.std(ddof=1)) if len(seeds) > 1 else None
        result[f"{short}_by_seed_and_draw"] = values.round(4).tolist()
    result["chance_of_recall@1"] = next(iter(rows.values()))["chance_of_recall@1_of_matchable"]
    result["queries"] = next(iter(rows.values()))["queries"]
    return result


def on_images(
    path: Path, pairs: list[str], tolerances: list[float], skip_uniform: bool
) -> list[dict[str, Any]]:
    """Return what plain methods reach on the images, without any event camera."""
    stills, rows = read_stills(path), list[dict[str, Any]]()
    for pair in pairs:
        (query, query_places), (reference, places) = (
            part_of(stills, word, skip_uniform) for word in pair.split(" in ")
        )
        for name in ON_IMAGES:
            for pool in (1, 2, 4):
                scores = BASELINES[name](query, reference, pool=pool)
                for length in (1, 5):
                    longer = sequence_scores(scores, length, speeds=(1.0,), direction="forward")
                    for metres in tolerances:
                        recall = right(longer, query_places, places, metres)
                        rows.append({
                            "pair": pair, "method": f"images, {name}/{pool}", "sequence": length,
                            "tolerance_m": metres, "recall@1": recall,
                        })  # fmt: skip
    return rows


def right(scores: Any, query_places: Any, places: Any, metres: float) -> float:
    """Return recall@1 over the queries that have a true match."""
    if len(places) == len(query_places) and (places == query_places).all():
        truth = IndexTolerance(*scores.shape, tolerance=int(metres), inclusive=True)
        return float(recall_at(top_n(scores, 1), truth, (1,)).over_matchable[0])
    near = np.abs(query_places[:, None] - places[None]) <= metres
    best = top_n(scores, 1).indices[:, 0]
    hit = near[np.arange(len(best)), best]
    return float(hit[near.any(axis=1)].mean())


def part_of(stills: dict[str, Any], word: str, skip_uniform: bool) -> tuple[Any, Any]:
    name, _, part = word.partition("@")
    first, _, end = part.partition("-")
    places = np.arange(int(first), int(end))
    images = stills[name][places]
    if skip_uniform:
        places = places[images.reshape(len(images), -1).std(axis=1) >= TUNNEL_STD]
    return stills[name][places][:, None].astype(np.float32), places


def machine() -> str:
    """Return the kind of processor."""
    lines = Path("/proc/cpuinfo").read_text().splitlines() if Path("/proc/cpuinfo").exists() else []
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return f"{len(names)} cores, {names[0]}" if names else platform.processor()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("name")
    parser.add_argument("runs", nargs="+", type=Path)
    parser.add_argument("--stills", type=Path)
    parser.add_argument("--command", action="append", default=[], help="what made the runs")
    parser.add_argument("--about", default="", help="what the data are")
    args = parser.parse_args()
    rows = collected(args.runs)
    tolerances = sorted({row["tolerance_m"] for row in rows})
    pairs = list(dict.fromkeys(row["pair"] for row in rows))
    config = yaml.safe_load((args.runs[0] / "config.yaml").read_text())["data"]
    content = {
        "about": args.about,
        "commands": args.command,
        "machine": machine(),
        "versions": versions(),
        "trained": list({str(made): made for run in args.runs if (made := trained(run))}.values()),
        "results": rows,
        "on_images": on_images(args.stills, pairs, tolerances, config["skip_uniform"])
        if args.stills
        else [],
    }
    target = Path(__file__).parent / "results" / f"{args.name}.json"
    target.write_text(json.dumps(content, indent=1, allow_nan=False) + "\n")
    print(f"wrote {target.name}")


def trained(run: Path) -> dict[str, Any]:
    """Return what made the weights of an evaluation, from the run beside them."""
    report = json.loads((run / "report.json").read_text())["values"]
    if not report["weights"]:
        return {}
    weights = Path(report["weights"])
    made = next(
        (path for base in (Path(), run.parent.parent)
         if (path := base / weights.parent / "report.json").is_file()), None,
    )  # fmt: skip
    known: dict[str, Any] = {"weights_sha256": report["weights_sha256"]}
    known["energy_mj_per_inference"] = report.get("energy_mj_per_inference")
    known["energy_estimate"] = report.get("energy_estimate")
    if made is not None:
        values = json.loads(made.read_text())["values"]
        wanted = ("seed", "parameters", "epochs", "steps", "best_validation", "seconds", "network")
        known |= {name: values.get(name) for name in wanted}
        known["git"] = json.loads((made.parent / "versions.json").read_text())["git"]
    return known


if __name__ == "__main__":
    main()
