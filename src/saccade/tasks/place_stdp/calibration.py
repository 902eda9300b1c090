"""Which neurons are muted, and which epoch is best: tried in memory on places of their own.

    calibration places   the first of the order of places; modules of their own learned them
    queries              images of those places from another traverse
    answers              recorded once for each kept epoch; every share is tried on them in memory

The best is written to ``calibration-S.json`` and into the file of the member, which tests read.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from saccade.contracts import Table
from saccade.engine import RunDir, progress
from saccade.errors import ConfigError, did_you_mean, listing
from saccade.retrieval import TruthMatrix
from saccade.tasks.place_stdp.assignment import assign, joined
from saccade.tasks.place_stdp.config_train import TrainConfig
from saccade.tasks.place_stdp.data import Places
from saccade.tasks.place_stdp.hyperactive import Activity, Calibration, sweep
from saccade.tasks.place_stdp.inputs import StoredInputs
from saccade.tasks.place_stdp.model import merge_member
from saccade.tasks.place_stdp.module import load_network
from saccade.tasks.place_stdp.plan import Plan
from saccade.tasks.place_stdp.queries import file_name, prepare_queries
from saccade.tasks.place_stdp.respond import responses
from saccade.tasks.place_stdp.store import read_stored
from saccade.traverses import Pair

__all__ = ["Calibrated", "calibrate", "calibration_queries", "chosen"]


@dataclass(frozen=True)
class Calibrated:
    """What was chosen.

    Args:
        values: Chosen share and epochs of each member, by name.
        tables: All that was tried.
    """

    values: dict[str, Any]
    tables: tuple[Table, ...]


def calibrate(plan: Plan, places: Places, cfg: TrainConfig, run: RunDir) -> Calibrated:
    """Choose a share, and epochs, for every member and write them down.

    Raises:
        ConfigError: There is no traverse with queries, or none of them shows a calibration place.
        DataError: No calibration query has a right place.
    """
    pair = _pair(places, cfg)
    inputs = StoredInputs(plan.folder / "calibration" / file_name(pair.query))
    if not inputs.exists:
        inputs = prepare_queries(inputs.path, pair.query, plan.coding(places.set.units))
    values, tables = dict[str, Any](), list[Table]()
    for member in range(cfg.members):
        queries, matches = calibration_queries(places, pair, plan, member)
        truth = TruthMatrix(matches, layout="query_by_reference")
        seen = {epoch: _answers(plan, member, epoch, inputs, queries) for epoch in cfg.kept_epochs}
        found = sweep(seen, truth, readout=cfg.stdp.readout)
        table = found.table()
        tables.append(Table(f"{table.title} of member {member}", table.columns, table.rows))
        values[f"member {member}: share"] = found.best.share
        values[f"member {member}: epochs"] = found.best.epochs
        values[f"member {member}: calibration recall@1"] = found.best.recall_at_1
        run.write_json(_file_name(member), found.best)
        merge_member(plan, member, found.best.epochs, share=found.best.share)
    return Calibrated(values, tuple(tables))


def chosen(plan: Plan, member: int) -> tuple[int, float | None]:
    """Return the epochs and the share of a member: as calibrated, or the last and None."""
    path = plan.folder / _file_name(member)
    if not plan.config.calibration or not path.is_file():
        return plan.config.epochs, None
    found = json.loads(path.read_text(encoding="utf-8"))
    return int(found["epochs"]), found["share"]


def _file_name(member: int) -> str:
    return f"calibration-{member}.json"


def calibration_queries(
    places: Places, pair: Pair, plan: Plan, member: int
) -> tuple[NDArray[np.int64], NDArray[np.bool_]]:
    """Return the queries that show a calibration place of a member, and what matches.

    Returns:
        Query numbers ``[Q]`` and bool ``[Q, places]``.

    Raises:
        ConfigError: No query shows one.
    """
    truth, chosen = places.truth(pair), plan.regions(member).places("calibration")
    rows, columns = np.arange(truth.shape[0])[:, None], np.arange(truth.shape[1])[None]
    matches = truth.matches(rows, columns)
    queries = np.flatnonzero(matches[:, chosen].any(axis=1))
    if not len(queries):
        raise ConfigError(
            f"No window of {pair.query.name} shows one of the {len(chosen)} calibration places.",
            "Expected some.",
            "Choose them at random with --order shuffled, or another --calibration-query.",
        )
    own = np.zeros(truth.shape[1], np.bool_)
    own[chosen] = True
    return queries, matches[queries] & own


def _answers(
    plan: Plan, member: int, epoch: int, inputs: StoredInputs, queries: NDArray[np.int64]
) -> Calibration:
    modules = range(plan.calibration_modules())
    networks = [load_network(plan, member, k, epoch) for k in modules]
    answers = responses(
        networks, inputs, engine=plan.config.stdp.engine, seed=plan.seed(member),
        images=queries.tolist(),
    )  # fmt: skip
    with progress(f"Calibrating member {member} after {epoch} epochs", unit="queries") as tell:
        rows: list[NDArray[np.int32]] = []
        for counts in answers:
            rows.append(counts.ravel())
            tell(len(rows), len(queries))
    recorded = [
        read_stored(plan.part("record", member, k, epoch), identity=plan.identity) for k in modules
    ]
    tables = [
        assign(item.arrays["own_counts"], item.arrays["own_places"], places=plan.places)
        for item in recorded
    ]
    active = np.concatenate([item.arrays["active"] for item in recorded])
    activity = Activity(int(recorded[0].about["images"]), active)
    return Calibration(np.stack(rows), joined(tables), activity)


def _pair(places: Places, cfg: TrainConfig) -> Pair:
    pairs = {pair.query.name: pair for pair in places.pairs}
    if places.set.val is not None:
        pairs = {places.set.val.query.name: places.set.val, **pairs}
    name = cfg.calibration_query or next(iter(pairs))
    if name not in pairs:
        raise ConfigError(
            f"--calibration-query {name}.",
            f"Expected one of {listing(pairs)}.",
            did_you_mean(name, pairs),
        )
    return pairs[name]
