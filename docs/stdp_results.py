"""Trains and tests the learners of place_stdp on the real data, and collects the table of results.

    python docs/stdp_results.py --data FOLDER --work FOLDER [--only nordland_100 ...]

FOLDER holds nordland_64x32_shared.npz, brisbane_event_7x7.npz and corridor_160x120.npz. Every set
is trained by every learner with the seeds 0, 1, 2 and tested on all queries, beside plain methods
on the same inputs. Runs that are there already are kept. Writes docs/results/stdp_SET.json.

    python docs/stdp_results.py --data FOLDER --work FOLDER --select

chooses the settings of the receptive fields for Brisbane on the first half of the queries and says
what they reach on the second half: docs/results/stdp_selection.json.
"""

from __future__ import annotations

import argparse
import json
import shlex
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from saccade.engine.rundir import versions
from saccade.retrieval.sequence import sequence_scores

from place_results import machine  # isort: skip

MEMBERS = 3
MEASURES = ("recall@1", "recall@5", "best_match_average_precision")
SCENE = "--kind scene --statistics own --patch 15 --limit 3"
COUNTS = "--kind standardised --statistics own --limit 3 --grid 7x7"
SCATTERED = "--fields 30 --scattered 36 --jitter 0 --threshold 0.5 --field-epochs 4"
MIXED = "--levels 24 --decay 5 --decay-to 160"


@dataclass(frozen=True)
class Case:
    """A data set and the settings of each learner on it.

    Args:
        about: What it is.
        file: Its file.
        pairs: QUERY:REFERENCE, each with networks of its own.
        flags: Of the data set.
        learners: Name -> flags of training.
        tolerances: Further tolerances.
    """

    about: str
    file: str
    pairs: tuple[str, ...]
    flags: str
    learners: dict[str, str]
    tolerances: str = ""


IMAGES = {
    "stdp": "--learner stdp",
    "delta": "--learner delta",
    "fields": f"--learner fields {SCENE} --grid 64x32",
    "templates": f"--learner fields --templates {SCENE} --grid 64x32",
}
EVENTS = {
    "stdp": f"--learner stdp {COUNTS}",
    "delta": f"--learner delta {COUNTS} --module-places 800",
    "fields": f"--learner fields {COUNTS} {SCATTERED} {MIXED} --module-places 800",
    "templates": f"--learner fields --templates {COUNTS} {SCATTERED} --levels 24 "
    "--module-places 800",
}
ROOM = "--grid 20x15 --decay 10"
CASES = {
    "nordland_100": Case(
        "Nordland, 100 places (every 24th image), real images of 64x32 pixels",
        "nordland_64x32_shared.npz",
        ("winter@0-2400/24:summer@0-2400/24", "summer@0-2400/24:winter@0-2400/24"),
        "",
        IMAGES,
        "--tolerances-m 24",
    ),
    "nordland_400": Case(
        "Nordland, 400 places (every 6th image), real images of 64x32 pixels",
        "nordland_64x32_shared.npz",
        ("winter@0-2400/6:summer@0-2400/6", "summer@0-2400/6:winter@0-2400/6"),
        "",
        IMAGES,
        "--tolerances-m 6",
    ),
    "brisbane_7x7": Case(
        "Brisbane, 724 places, counts of a real event camera on 7x7 pixels",
        "brisbane_event_7x7.npz",
        ("sunset2:sunset1",),
        "--as-counts",
        EVENTS,
    ),
    "corridor": Case(
        "Corridor, 111 places, real images of 160x120 pixels",
        "corridor_160x120.npz",
        ("query:ref",),
        "",
        {**IMAGES, "fields": f"--learner fields {SCENE} {ROOM}",
         "templates": f"--learner fields --templates {SCENE} --grid 20x15"},
    ),
}  # fmt: skip


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--work", type=Path, required=True)
    parser.add_argument("--only", nargs="*", default=list(CASES))
    parser.add_argument("--learners", nargs="*", default=None)
    parser.add_argument("--jobs", type=int, default=1)
    parser.add_argument("--select", action="store_true")
    args = parser.parse_args()
    if args.select:
        write("selection", select(args))
        return
    for name in args.only:
        write(name, measured(name, CASES[name], args))


def write(name: str, content: dict[str, Any]) -> None:
    path = Path(__file__).parent / "results" / f"stdp_{name}.json"
    path.write_text(json.dumps(content, indent=1, ensure_ascii=False) + "\n")
    print(path)


def measured(name: str, case: Case, args: argparse.Namespace) -> dict[str, Any]:
    rows, commands, commits = list[dict[str, Any]](), list[str](), list[str]()
    for number, pair in enumerate(case.pairs):
        for learner, flags in case.learners.items():
            if args.learners and learner not in args.learners:
                continue
            run = args.work / f"{name}-{number}-{learner}"
            words = f"--recipe nordland --root {args.data / case.file} {case.flags} --tests {pair}"
            train = f"train place_stdp {words} --members {MEMBERS} --calibration 0 {flags}"
            test = f"eval place_stdp {words} {case.tolerances} --weights {run}"
            commands += [said(train, args), said(test, args)]
            call(f"{train} --jobs {args.jobs} --out {run.parent} --name {run.name}", run)
            seen = run.with_name(f"{run.name}-eval")
            call(f"{test} --jobs {args.jobs} --out {seen} --save-scores", seen)
            rows += collected(learner, json.loads((seen / "results.json").read_text()))
            made = (json.loads((folder / "versions.json").read_text()) for folder in (run, seen))
            commits += [str(versions["git"])[:7] for versions in made]
    return {
        "about": case.about,
        "commands": list(dict.fromkeys(commands)),
        "machine": machine(),
        "versions": versions(),
        "commits of the runs": sorted(set(commits)),
        "seeds": list(range(MEMBERS)),
        "results": rows,
    }


def said(command: str, args: argparse.Namespace) -> str:
    """Return a command without the folders of this machine."""
    return f"saccade {command}".replace(f"{args.data}/", "").replace(f"{args.work}/", "runs/")


def call(words: str, folder: Path) -> None:
    """Run a command of saccade unless its folder says that it was done."""
    status = folder / "status.json"
    if status.exists() and json.loads(status.read_text())["state"] == "done":
        return
    resume = " --resume" if status.exists() else ""
    subprocess.run(
        [sys.executable, "-m", "saccade", *shlex.split(words + resume)], check=True,
        stdout=subprocess.DEVNULL,
    )  # fmt: skip


def collected(learner: str, records: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Return a row per method, length and tolerance; members become mean and deviation."""
    groups: dict[tuple[Any, ...], list[dict[str, Any]]] = {}
    for record in records:
        method = record["method"]
        kind = "network" if ", seed " in method else "members" if "members" in method else "plain"
        if kind == "network":
            ending = method.partition(", seed ")[2].partition(", ")[2]
            method = learner + (f", {ending}" if ending else "")
        elif kind == "members":
            method = f"{learner}, {method}"
        key = (record["pair"], kind, method, record["sequence"], record["tolerance_m"])
        groups.setdefault(key, []).append(record)
    rows: list[dict[str, Any]] = []
    for (pair, kind, method, sequence, tolerance), same in groups.items():
        row: dict[str, Any] = {
            "pair": pair, "learner": learner, "kind": kind, "method": method,
            "sequence": sequence, "tolerance_m": tolerance, "queries": same[0]["queries"],
        }  # fmt: skip
        for measure in MEASURES:
            values = [record.get(measure) for record in same]
            found = np.array([value for value in values if value is not None], float)
            row[measure] = float(found.mean()) if len(found) else None
            row[f"{measure}_sd"] = float(found.std(ddof=1)) if len(found) > 1 else None
        rows.append(row)
    return rows


def select(args: argparse.Namespace) -> dict[str, Any]:
    """Choose settings on the first half of Brisbane's queries; report the second half."""
    case, rows = CASES["brisbane_7x7"], list[dict[str, Any]]()
    truth = np.load(args.data / case.file)["gt_sunset2_sunset1"].T > 0
    settings = {
        f"levels {levels}, decay {decay}, threshold {threshold}": (
            f"--levels {levels} --decay {decay.partition('-')[0]} "
            f"--decay-to {decay.partition('-')[2] or 0} --threshold {threshold}"
        )
        for levels in (12, 24)
        for decay in ("5", "10", "20", "40", "5-160")
        for threshold in (0.5, 1.0)
    }
    for number, (name, flags) in enumerate(settings.items()):
        run = args.work / f"select-{number}"
        words = f"--recipe nordland --root {args.data / case.file} {case.flags} --tests "
        words += case.pairs[0]
        train = f"train place_stdp {words} --members {MEMBERS} --learner fields {COUNTS} "
        train += f"{SCATTERED.replace('--threshold 0.5 ', '')} {flags} --module-places 800"
        call(f"{train} --jobs {args.jobs} --out {run.parent} --name {run.name}", run)
        seen = run.with_name(f"{run.name}-eval")
        call(
            f"eval place_stdp {words} --weights {run} --sequences 1 --baselines raw --jobs 1 "
            f"--out {seen} --save-scores",
            seen,
        )
        rows.append({"settings": name, **halves(seen, truth, "fields,_seed_")})
    bars = args.work / "brisbane_7x7-0-fields-eval"
    rows.append({"settings": "l1_centred, zz (plain)", **halves(bars, truth, "l1_centred,_zz")})
    best = max(rows[:-1], key=lambda row: sum(row["first half"]))
    return {
        "about": "Brisbane 7x7: recall@1 of 1, 5 and 9 frames on either half of the queries",
        "chosen": best["settings"],
        "machine": machine(),
        "versions": versions(),
        "results": rows,
    }


def halves(folder: Path, truth: Any, word: str) -> dict[str, list[float]]:
    """Return mean recall@1 over seeds of 1, 5 and 9 frames, and deviations, by half."""
    found: dict[str, list[list[float]]] = {"first half": [], "second half": []}
    for path in sorted(folder.glob(f"scores_1_{word}*.npy")):
        if "frames" in path.stem or ",_z" in path.stem.replace(word, ""):
            continue
        scores, middle = np.load(path), len(truth) // 2
        recalls: dict[str, list[float]] = {"first half": [], "second half": []}
        for length in (1, 5, 9):
            longer = sequence_scores(
                scores, length, speeds=(1.0,), direction="forward", anchor="centred"
            )
            right = truth[np.arange(len(truth)), longer.argmax(axis=1)]
            has = truth.any(axis=1)
            for half, rows in (("first half", slice(0, middle)), ("second half",
                               slice(middle, None))):  # fmt: skip
                recalls[half].append(float(right[rows][has[rows]].mean()))
        for half, values in recalls.items():
            found[half].append(values)
    result: dict[str, list[float]] = {}
    for half, rows in found.items():
        result[half] = np.mean(rows, axis=0).round(4).tolist()
        if len(rows) > 1:
            result[f"{half}, sd"] = np.std(rows, axis=0, ddof=1).round(4).tolist()
    return result


if __name__ == "__main__":
    main()
