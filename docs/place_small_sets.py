"""Two small real sets: the Corridor images seen by a panning camera, and 7x7 Brisbane event images.

    python docs/place_small_sets.py corridor corridor_160x120.npz --weights RUN/weights.safetensors
    python docs/place_small_sets.py brisbane brisbane_event_7x7.npz --epochs 40

corridor: 111 places of a corridor, query and reference, "simulated events from real images".
Nothing is trained on it: the networks of the recipe nordland, one a seed, are asked as they are.
brisbane: counts of a real event camera on 7x7 pixels, without time or polarity. A network is
trained on the first 60 % of the route and tested on the last 40 %, 3 seeds.

Truth is the matrix that comes with each set. Writes docs/results/place_corridor.json or
place_brisbane_7x7.json.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from saccade.engine.fit import FitSettings, fit
from saccade.engine.rundir import versions
from saccade.events.types import SensorSize
from saccade.retrieval import TruthMatrix, recall_at, score_matrix, top_n
from saccade.retrieval.sequence import sequence_scores
from saccade.tasks.place.bank import embed_traverse
from saccade.tasks.place.config_input import NetworkArgs
from saccade.tasks.place.config_model import PlaceModelConfig
from saccade.tasks.place.embed import load_network
from saccade.tasks.place.loss import info_nce, near_pairs
from saccade.tasks.place.model import PlaceNet
from saccade.tasks.place.pairs import PairBatch, Pairs
from saccade.traverses.baselines import BASELINES
from saccade.traverses.passes import PanSettings, watch_stills
from saccade.traverses.stills import drop_counts, read_stills
from saccade.traverses.traverse import Positions

from place_results import machine  # isort: skip

PLAIN = ("raw", "centred", "log_count", "own_centred", "own_standardised", "patch")
SEEDS = (1, 2, 3)
LENGTHS = (1, 5)
ENLARGE = 8
"""Brisbane: each of the 7x7 pixels becomes a square, so that the stem has something to look at."""


@dataclass(frozen=True, eq=False)
class Counted:
    """Count frames in memory, as a traverse."""

    name: str
    frames: NDArray[np.uint8]
    where: NDArray[np.float64]

    @property
    def positions(self) -> Positions:
        return Positions(np.column_stack([self.where, 0 * self.where]), "planar")

    @property
    def session(self) -> NDArray[np.int64]:
        return np.zeros(len(self), np.int64)

    def __len__(self) -> int:
        return len(self.frames)

    def frame(self, k: int, rng: np.random.Generator | None = None) -> NDArray[np.float32]:
        counts = self.frames[k]
        return (counts if rng is None else drop_counts(counts, rng)).astype(np.float32)


class Small:
    """The network on 7x7 pixels, see `saccade.engine.fit.Trainee`."""

    def __init__(self, sides: list[Counted], seed: int) -> None:
        config = PlaceModelConfig(
            arch="sew_resnet8", width=16, stem="full", units="full", counts="log",
            aggregator="cells", grid=(4, 4), out_channels=32,
        )  # fmt: skip
        self.model = PlaceNet.build(config, seed)
        self.pairs = Pairs(sides, positive_m=1.5, pairs=24, seed=seed, flip=0.0)

    def batches(self, epoch: int) -> int:
        return self.pairs.batches(epoch)

    def batch(self, epoch: int, number: int) -> PairBatch:
        return self.pairs.batch(epoch, number)

    def loss(self, batch: PairBatch) -> Tensor:
        near = near_pairs(batch.positions_m, 5.0)
        return info_nce(self.model(batch.frames), batch.labels, temperature=0.07, ignore=near)

    def validate(self) -> dict[str, float]:
        return {}


def measured(scores: NDArray[np.float32], truth: TruthMatrix) -> dict[int, float]:
    """Return length -> recall@1 over the queries that have a true match."""
    found: dict[int, float] = {}
    for length in LENGTHS:
        longer = scores
        if length > 1:
            longer = sequence_scores(scores, length, speeds=(0.8, 1.0, 1.2), direction="forward")
        found[length] = float(recall_at(top_n(longer, 1), truth, (1,)).over_matchable[0])
    return found


def network_scores(model: PlaceNet, query: Counted, reference: Counted) -> dict[str, Any]:
    sides = [embed_traverse(model.eval(), side, workers=1) for side in (query, reference)]
    return {
        "sew_resnet8": score_matrix(*(side.vectors for side in sides)),
        "sew_resnet8, centred": score_matrix(*(side.centred() for side in sides)),
    }


def plain_scores(query: Any, reference: Any, pools: tuple[int, ...]) -> dict[str, Any]:
    return {
        f"{name}/{pool}": BASELINES[name](query, reference, pool=pool)
        for name in PLAIN
        for pool in pools
        if pool * (3 if name == "patch" else 1) <= query.shape[-1]
    }


class Rows:
    """Recall of each method and length, for each seed and draw."""

    def __init__(self, pair: str, queries: int) -> None:
        self._pair, self._queries = pair, queries
        self._values: dict[tuple[str, int], dict[tuple[int, int], float]] = {}

    def add(self, scores: dict[str, Any], truth: TruthMatrix, seed: int, draw: int) -> None:
        for method, matrix in scores.items():
            for length, value in measured(matrix, truth).items():
                self._values.setdefault((method, length), {})[seed, draw] = value

    def records(self) -> list[dict[str, Any]]:
        rows: list[dict[str, Any]] = []
        for (method, length), values in self._values.items():
            seeds, draws = (sorted(set(part)) for part in zip(*values, strict=True))
            table = np.array([[values[seed, draw] for draw in draws] for seed in seeds])
            by_seed = table.mean(axis=1)
            rows.append({
                "pair": self._pair, "method": method, "sequence": length, "tolerance_m": 0,
                "kind": "baseline" if method.partition("/")[0] in PLAIN else "network",
                "draws": draws, "seeds": seeds, "queries": self._queries,
                "recall@1": float(by_seed.mean()),
                "recall@1_sd": float(by_seed.std(ddof=1)) if len(seeds) > 1 else None,
                "recall@1_by_seed_and_draw": table.round(4).tolist(),
            })  # fmt: skip
        return rows


def corridor(path: Path, weights: list[Path]) -> dict[str, Any]:
    with np.load(path) as data:
        first, last = data["match_first"], data["match_last"]
    stills = read_stills(path)
    places = np.arange(len(first))
    inside = (places[None] >= first[:, None]) & (places[None] <= last[:, None])
    truth = TruthMatrix(inside, "query_by_reference")
    rows = Rows("query in reference", len(places))
    settings = PanSettings(size=SensorSize(120, 160))
    models = [load_network(str(w), NetworkArgs(), torch.device("cpu")).model for w in weights]
    for draw in range(3):
        query, reference = (
            np.array(list(watch_stills(stills[name], 10_000 * draw + 1_000 + k, settings)))
            for k, name in enumerate(("query", "ref"))
        )
        sides = [Counted("side", frames, places.astype(float)) for frames in (query, reference)]
        plain = plain_scores(query.astype(np.float32), reference.astype(np.float32), (2, 4, 8))
        rows.add(plain, truth, 0, draw)
        for seed, model in zip(SEEDS, models, strict=False):
            rows.add(network_scores(model, *sides), truth, seed, draw)
    images = Rows("query in reference", len(places))
    sides = [stills[name][:, None].astype(np.float32) for name in ("query", "ref")]
    images.add(plain_scores(*sides, (1, 2, 4)), truth, 0, 0)
    return {
        "about": "Corridor: simulated events from real images, networks of the recipe nordland",
        "results": rows.records(),
        "on_images": images.records(),
        "trained": [{"seed": seed} for seed in SEEDS[: len(weights)]],
    }


def brisbane(path: Path, epochs: int) -> dict[str, Any]:
    with np.load(path) as data:
        sides = {name: enlarged(data[name]) for name in ("sunset1", "sunset2")}
        matches = data["gt_sunset2_sunset1"].astype(bool).T  # rows sunset2, columns sunset1
    where2 = np.array([np.flatnonzero(row).mean() for row in matches])
    where1 = np.arange(len(sides["sunset1"]), dtype=float)
    border = 0.6 * len(where1)
    early2, late2, late1 = where2 < border - 10, where2 >= border, where1 >= border
    train = [
        Counted("sunset1", sides["sunset1"][where1 < border - 10], where1[where1 < border - 10]),
        Counted("sunset2", sides["sunset2"][early2], where2[early2]),
    ]
    query = Counted("sunset2", sides["sunset2"][late2], where2[late2])
    reference = Counted("sunset1", sides["sunset1"][late1], where1[late1])
    truth = TruthMatrix(matches[late2][:, late1], "query_by_reference")
    rows = Rows("sunset2 in sunset1, last 40 %", len(query))
    plain = [
        side.frames[:, :1, ::ENLARGE, ::ENLARGE].astype(np.float32) for side in (query, reference)
    ]
    rows.add(plain_scores(plain[0], plain[1], (1,)), truth, 0, 0)
    for seed in SEEDS:
        trainee = Small(train, seed)
        optimizer = torch.optim.AdamW(trainee.model.parameters(), lr=4e-3)
        steps = epochs * trainee.batches(0)
        schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, 4e-3, steps, pct_start=0.1)
        with tempfile.TemporaryDirectory() as folder:
            settings = FitSettings(epochs=epochs, workers=1)
            fit(trainee, optimizer, schedule, settings, folder=Path(folder), identity=str(seed))
        rows.add(network_scores(trainee.model, query, reference), truth, seed, 0)
    return {
        "about": "Brisbane, real event counts of 7x7 pixels, trained on 60 % of the route",
        "results": rows.records(),
        "on_images": [],
        "trained": [{"seed": seed, "epochs": epochs} for seed in SEEDS],
    }


def enlarged(counts: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Return ``[N, 2, 56, 56]``: both channels hold the counts, since polarity is not known."""
    large = counts.repeat(ENLARGE, axis=1).repeat(ENLARGE, axis=2)
    return np.stack([large, large], axis=1)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("which", choices=("corridor", "brisbane"))
    parser.add_argument("path", type=Path)
    parser.add_argument("--weights", type=Path, nargs="*", default=[])
    parser.add_argument("--epochs", type=int, default=40)
    args = parser.parse_args()
    record = (
        corridor(args.path, args.weights)
        if args.which == "corridor"
        else brisbane(args.path, args.epochs)
    )
    commit = subprocess.run(
        ["git", "rev-parse", "HEAD"], capture_output=True, text=True, check=True,
        cwd=Path(__file__).parent,
    ).stdout.strip()  # fmt: skip
    for made in record["trained"]:
        made["git"] = commit
    words = ("corridor", "corridor_160x120.npz --weights ...") if args.weights else (
        "brisbane", f"brisbane_event_7x7.npz --epochs {args.epochs}")  # fmt: skip
    record["commands"] = [f"python docs/place_small_sets.py {' '.join(words)}"]
    record["machine"] = machine()
    record["versions"] = versions()
    names = {"corridor": "place_corridor", "brisbane": "place_brisbane_7x7"}
    target = Path(__file__).parent / "results" / f"{names[args.which]}.json"
    target.write_text(json.dumps(record, indent=1, allow_nan=False) + "\n")
    print(f"wrote {target.name}")


if __name__ == "__main__":
    main()
