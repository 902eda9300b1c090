"""Which learned place every window shows: queries without truth.

    recording or images -> inputs as in training -> scores of each member -> sum
                        -> sequences up to each window -> the best places -> matches.csv

All places that were learned are candidates, those kept for calibration among them. A window whose
places all score the same has no answer: no neuron spoke.

Reference:
    S. Hussaini, M. Milford and T. Fischer, "Applications of spiking neural networks in visual place
    recognition", IEEE T-RO 2024.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from saccade.contracts import Cell, Report, Table
from saccade.engine import RunDir
from saccade.errors import ConfigError, listing
from saccade.events.types import SensorSize
from saccade.files import write_atomically
from saccade.retrieval import ensemble_scores, sequence_scores
from saccade.retrieval.rank import Ranking, top_n
from saccade.tasks.place_stdp.config_eval import PredictConfig
from saccade.tasks.place_stdp.model import Member
from saccade.tasks.place_stdp.pictures import scores_of_windows
from saccade.tasks.place_stdp.queries import file_name, prepare_queries
from saccade.tasks.place_stdp.recording import WINDOW_US, Queries, open_queries
from saccade.tasks.place_stdp.scoring import member_scores
from saccade.tasks.place_stdp.weights import coding_of, open_members, share_of
from saccade.traverses import COUNTS, GREY
from saccade.view.figures import figure_png

__all__ = ["predict"]

_ROWS_SHOWN = 12


def predict(cfg: PredictConfig) -> Report:
    """Name the best places of every window.

    Writes ``matches.csv`` (window, t_start_us or image, rank, place, score), ``scores.png``,
    ``report.json`` and ``config.yaml``, and ``scores.npy`` if asked, into the run folder.

    Raises:
        MissingFileError: The recording or the weights are not there.
        FormatError: The recording cannot be read.
        ConfigError: The weights were trained on something else than the recording holds.
        CheckpointError: A file of weights is damaged, or members are of different ensembles.
        EventError: The recording is shorter than a window.
        DataError: A frame cannot be used.
    """
    members = open_members(cfg.weights)
    about = members[0].about
    size = about.get("input_size")
    queries = open_queries(
        cfg,
        window_us=int(about.get("window_us") or WINDOW_US),
        largest=SensorSize.parse(size) if size else None,
    )
    _check_units(members[0], queries)
    run = (
        RunDir.at(cfg.out, config=cfg)
        if cfg.out is not None
        else RunDir.create("predict", "place_stdp", config=cfg)
    )
    with run:
        answers = _answers(cfg, members, queries, run)
        report = _report(cfg, members, queries, answers)
        files = _written(cfg, queries, answers, run)
        path = run.write_json("report.json", report)
        return replace(report, files=(*files, path, run.folder / "config.yaml"))


@dataclass(frozen=True, eq=False)
class _Answers:
    """Scores ``[Q, P]``, the best places, and for which windows there is one at all."""

    scores: NDArray[np.float32]
    ranking: Ranking
    spoken: NDArray[np.bool_]

    def matches(self, names: Sequence[int | str]) -> list[tuple[Any, ...]]:
        """Return rows (window, name, rank, place, score); one without place where nobody spoke."""
        rows: list[tuple[Any, ...]] = []
        for k, name in enumerate(names):
            if not self.spoken[k]:
                rows.append((k, name, 1, None, None))
                continue
            best = zip(
                self.ranking.indices[k].tolist(), self.ranking.scores[k].tolist(), strict=True
            )
            rows += [(k, name, rank, place, score) for rank, (place, score) in enumerate(best, 1)]
        return rows


def _answers(
    cfg: PredictConfig, members: Sequence[Member], queries: Queries, run: RunDir
) -> _Answers:
    path = run.path(f"inputs/{file_name(queries.traverse)}")
    inputs = prepare_queries(path, queries.traverse, coding_of(members))
    found = [
        member_scores(
            member, inputs, run.path(f"scores/{inputs.path.name}.{number}"), cfg.work,
            share=share_of(member, cfg), readout=cfg.readout,
        )
        for number, member in enumerate(members)
    ]  # fmt: skip
    single = ensemble_scores(found, standardise="matrix" if cfg.standardise else "no")
    scores = sequence_scores(
        single, cfg.sequence, speeds=cfg.speeds, direction=cfg.direction, anchor="causal"
    )
    least = scores.min(axis=1) if scores.shape[1] > 1 else np.zeros(len(scores), np.float32)
    spoken = np.asarray(scores.max(axis=1) > least)
    return _Answers(scores, top_n(scores, min(cfg.top, scores.shape[1])), spoken)


def _check_units(member: Member, queries: Queries) -> None:
    units = str(member.about["units"])
    if units == queries.units:
        return
    fix = "Pass weights that were trained on the same."
    if units == COUNTS and queries.column == "image":
        fix = "If its pixels are event counts, pass --as-counts with an .npz file."
    elif units not in (COUNTS, GREY):
        fix = "Frames of that kind are read by saccade eval alone."
    raise ConfigError(
        f"{member.path.name} was trained on {units}, {queries.traverse.name} has {queries.units}.",
        f"Expected {units}.",
        fix,
    )


def _report(
    cfg: PredictConfig, members: Sequence[Member], queries: Queries, answers: _Answers
) -> Report:
    first, rows = members[0], answers.matches(queries.names)
    best = [row for row in rows if row[2] == 1]
    columns = ("window", queries.column, "place", "score")
    values: dict[str, Any] = {
        "recording": str(cfg.recording),
        "windows": len(queries.names),
        "weights": listing(cfg.weights),
        "learner": first.learner,
        "members": len(members),
        "places": first.places,
        "reference": _reference(first),
        "sequence": cfg.sequence,
        "windows_without_answer": int((~answers.spoken).sum()),
        "matches": [
            dict(zip(columns, (*row[:2], *row[3:]), strict=True)) for row in best
        ],
    }  # fmt: skip
    notes = [
        *queries.notes,
        f"Place k is window k of {_reference(first)}. Scores have no unit and are no "
        "probabilities; a larger one is more alike.",
    ]
    if not answers.spoken.all():
        count = values["windows_without_answer"]
        notes.append(f"{count:,} windows have no answer: no neuron spoke for any place.")
    if len(best) > _ROWS_SHOWN:
        notes.append(f"The table shows {_ROWS_SHOWN} of {len(best):,} windows; matches.csv, all.")
    title = f"Places of {queries.traverse.name} in {_reference(first)}"
    return Report(title, values, (_first_rows(queries, answers),), tuple(notes))


def _reference(member: Member) -> str:
    return str(member.about["reference"] or "the learned traverse")


def _first_rows(queries: Queries, answers: _Answers) -> Table:
    """Return the best place, its score and the runner-up of the first windows."""
    rows: list[tuple[Cell, ...]] = []
    for k, name in enumerate(queries.names[:_ROWS_SHOWN]):
        places = answers.ranking.indices[k].tolist() if answers.spoken[k] else []
        scores = answers.ranking.scores[k].tolist() if answers.spoken[k] else []
        pairs = [*zip(places, scores, strict=True), (None, None), (None, None)]
        rows.append((k, name, *pairs[0], *pairs[1]))
    columns = ("window", queries.column, "place", "score", "next place", "next score")
    return Table("First windows", columns, tuple(rows))


def _written(
    cfg: PredictConfig, queries: Queries, answers: _Answers, run: RunDir
) -> tuple[Path, ...]:
    """Write all that is written beside the report."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(("window", queries.column, "rank", "place", "score"))
    for *row, score in answers.matches(queries.names):
        writer.writerow((*row, None if score is None else f"{score:.6f}"))
    files = [run.write_text("matches.csv", text.getvalue())]
    best = np.where(answers.spoken, answers.ranking.indices[:, 0], -1)
    times = queries.names if queries.column == "t_start_us" else None
    picture = scores_of_windows(
        answers.scores, best, t_start_us=times, title=f"Places of {queries.traverse.name}"
    )
    files.append(write_atomically(run.path("scores.png"), figure_png(picture)))
    if cfg.save_scores:
        content = io.BytesIO()
        np.save(content, answers.scores)
        files.append(write_atomically(run.path("scores.npy"), content.getvalue()))
    return tuple(files)
