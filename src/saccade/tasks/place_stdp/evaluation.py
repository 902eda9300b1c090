"""Tests: queries shown to trained networks and compared by plain methods, in one report.

    queries -> inputs -> jobs: scores of eight modules each -> [Q, places] of a member
            -> sum of members -> sequences -> recall, precision-recall -> results.json, report.html

Places that served calibration are no candidates; queries that show only those have no true match
left and do not count.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from saccade.contracts import Report
from saccade.engine import RunDir, load_config
from saccade.engine.config_io import to_plain
from saccade.errors import ConfigError, MissingFileError, listing
from saccade.retrieval import ensemble_scores
from saccade.tasks.place_stdp.config_eval import EvalConfig
from saccade.tasks.place_stdp.config_network import NetworkConfig
from saccade.tasks.place_stdp.data import Places, open_places, preprocess_of
from saccade.tasks.place_stdp.inputs import StoredInputs
from saccade.tasks.place_stdp.model import Member
from saccade.tasks.place_stdp.plain import (
    PlainSide,
    check_plain,
    diagonal_results,
    plain_scores,
    with_standardised,
)
from saccade.tasks.place_stdp.preprocess import measure
from saccade.tasks.place_stdp.queries import Coding, file_name, prepare_queries
from saccade.tasks.place_stdp.scoring import member_scores
from saccade.tasks.place_stdp.weights import coding_of, open_members, share_of
from saccade.traverses import Pair
from saccade.traverses.frame_rows import TraverseFrames
from saccade.traverses.results import (
    Result,
    in_sequences,
    measured,
    recall_matrices,
    summary_table,
    write_matches,
)

__all__ = ["evaluate_set"]

_FREE = ("work", "out", "resume", "report", "save_scores")
"""Fields that may differ between an evaluation and its continuation."""


def evaluate_set(cfg: EvalConfig) -> Report:
    """Evaluate all test pairs of a data set.

    Writes ``results.json`` (a record per pair, method, sequence length and tolerance),
    ``matches_N.csv`` for each pair, ``report.html``, ``report.json`` and ``config.yaml``.

    Raises:
        ConfigError: There is no test pair, or an argument does not fit the networks.
        MissingFileError: The data set or the weights are not there.
        CheckpointError: A file of weights is damaged, or knows other places.
        DataError: The tolerance makes no pair, or every pair, a true match.
    """
    check_plain((*cfg.baselines, *cfg.frame_baselines))
    if cfg.inputs.encoding == "events" and not cfg.weights and not cfg.frame_baselines:
        raise ConfigError(
            "Neither --weights nor a plain method of events.",
            "Expected --weights, or --frame-baselines of the counted events.",
        )
    members = open_members(cfg.weights)
    places = open_places(cfg.data)
    for member in members:
        _check_member(member, places)
    with _run_folder(cfg) as run:
        work = _Evaluation(run, cfg, places, members, _coding(cfg, members, places))
        results = [item for pair in places.pairs for item in work.results(pair)]
        files = [run.write_json("results.json", [item.record() for item in results])]
        files += write_matches(run, places.set, results, save_scores=cfg.save_scores)
        if cfg.published_diagonal:
            records = diagonal_results(places, results, cfg.sequences, work.masked())
            files.append(run.write_json("published_diagonal.json", records))
        report = _report(cfg, places, members, results)
        if cfg.report:
            from saccade.tasks.place_stdp.page import write_page

            files.append(write_page(run, cfg, report, results, members))
        path = run.write_json("report.json", replace(report, files=()))
        return replace(report, files=(*files, path, run.folder / "config.yaml"))


@dataclass(frozen=True)
class _Evaluation:
    """One evaluation while it runs."""

    run: RunDir
    cfg: EvalConfig
    places: Places
    members: Sequence[Member]
    coding: Coding

    def results(self, pair: Pair) -> Iterator[Result]:
        """Yield every method, sequence length and tolerance on one pair."""
        masked = self.masked()
        methods = self._methods(pair)
        for method, scores in with_standardised(methods) if self.cfg.standardised else methods:
            scored = in_sequences(
                method, scores, self.cfg.sequences, speeds=self.cfg.speeds,
                direction=self.cfg.direction, anchor=self.cfg.anchor,
            )  # fmt: skip
            for item in scored:
                yield from measured(
                    pair, self.places.set, item, self.cfg.tolerances_m, masked=masked
                )

    def masked(self) -> NDArray[np.bool_] | None:
        """Return which places are no candidates: those that calibration has seen."""
        hidden = np.zeros(self.places.count, np.bool_)
        for member in self.members:
            used = int(member.about["calibration_modules"])
            hidden[member.module_places(range(used))] = True
        return hidden if hidden.any() else None

    def _methods(self, pair: Pair) -> Iterator[tuple[str, NDArray[np.float32]]]:
        queries = self._inputs(pair)
        scores = [
            member_scores(
                member, queries, self.run.path(f"scores/{queries.path.name}.{number}"),
                self.cfg.work, share=share_of(member, self.cfg), readout=self.cfg.readout,
            )
            for number, member in enumerate(self.members)
        ]  # fmt: skip
        if len(scores) > 1:
            kind = "matrix" if self.cfg.standardise else "no"
            yield f"{len(scores)} members", ensemble_scores(scores, standardise=kind)
        yield from zip(_names(self.members), scores, strict=True)
        yield from self._plain(pair, queries)

    def _plain(
        self, pair: Pair, queries: StoredInputs
    ) -> Iterator[tuple[str, NDArray[np.float32]]]:
        frames = TraverseFrames(pair.query), TraverseFrames(pair.reference)
        yield from plain_scores(self.cfg.frame_baselines, frames, "frames, ")
        if not self.cfg.baselines or queries.is_events:
            return
        path = self.run.path(f"inputs/{file_name(pair.reference)}")
        references = self._stored(path, pair.reference)
        size = self.coding.inputs.size()
        sides = PlainSide(queries, size), PlainSide(references, size)
        yield from plain_scores(self.cfg.baselines, sides, "")

    def _inputs(self, pair: Pair) -> StoredInputs:
        return self._stored(self.run.path(f"inputs/{file_name(pair.query)}"), pair.query)

    def _stored(self, path: Path, traverse: Any) -> StoredInputs:
        stored = StoredInputs(path)
        return stored if stored.exists else prepare_queries(path, traverse, self.coding)


def _coding(cfg: EvalConfig, members: Sequence[Member], places: Places) -> Coding:
    """Return how queries become inputs: as the networks say, or as asked for without any."""
    if members:
        return coding_of(members)
    units = places.set.units
    settings = preprocess_of(cfg.inputs, units, None)
    statistics = measure(TraverseFrames(places.references[0]), settings)
    return Coding(cfg.inputs, units, None, statistics, NetworkConfig())


def _names(members: Sequence[Member]) -> list[str]:
    """Return learner and seed of members; where two would be called the same, the file, too."""
    short = [f"{member.learner}, seed {member.about['seed']}" for member in members]
    return [
        name if short.count(name) == 1 else f"{name}, {member.path}"
        for name, member in zip(short, members, strict=True)
    ]


def _check_member(member: Member, places: Places) -> None:
    name, count = member.about["reference"], places.count
    if member.places != count:
        raise ConfigError(
            f"{member.path.name} learned {member.places:,} places of {name}.",
            f"Expected {count:,}, the windows of {places.references[0].name}.",
            "Test with the reference that was learned: --tests QUERY:REFERENCE.",
        )
    if name not in (None, places.references[0].name):
        raise ConfigError(
            f"{member.path.name} learned the places of {name}.",
            f"Found the reference {places.references[0].name}, whose place k may be another.",
            f"Test with the reference that was learned: --tests QUERY:{name}.",
        )
    if member.about["units"] != places.set.units:
        raise ConfigError(
            f"{member.path.name} was trained on {member.about['units']}.",
            f"Expected {places.set.units}, as {places.set.name} has.",
        )


def _run_folder(cfg: EvalConfig) -> RunDir:
    if cfg.out is None:
        return RunDir.create("eval", "place_stdp", config=cfg)
    if cfg.resume:
        if not (cfg.out / "status.json").exists():
            raise MissingFileError(f"No run in {cfg.out}.", "Expected one to go on with.")
        asked, known = to_plain(cfg), to_plain(load_config(EvalConfig, cfg.out / "config.yaml"))
        other = sorted(k for k in asked if k not in _FREE and asked[k] != known.get(k))
        if other:
            raise ConfigError(
                f"{cfg.out} holds an evaluation with other settings: {listing(other)}.",
                "Expected the same to go on with it.",
                "Give this evaluation another --out.",
            )
        return RunDir.again(cfg.out)
    return RunDir.at(cfg.out, config=cfg)


def _report(
    cfg: EvalConfig, places: Places, members: Sequence[Member], results: Sequence[Result]
) -> Report:
    best = max(results, key=lambda item: float(item.evaluation.recall.over_matchable[0]))
    values: dict[str, Any] = {
        "data": places.set.name,
        "places": places.count,
        "queries": sum(len(pair.query) for pair in places.pairs),
        "weights": listing(cfg.weights) or None,
        "members": len(members),
        "best_method": best.scored.name,
        "best_recall_at_1": float(best.evaluation.recall.over_matchable[0]),
    }
    tables = [summary_table(results)]
    if len(places.pairs) > 1:
        tables += recall_matrices(places.set, results)
    notes = [*places.set.notes, "Recall is over the queries that have a true match."]
    title = f"Places learned by modules: {places.set.name}"
    return Report(title, values, tuple(tables), tuple(notes))
