"""What methods scored on pairs of traverses, in one form for every task that recognises places.

scores [Q, R] of a method -> sequences of some lengths -> recall, precision-recall at tolerances
                          -> records for JSON, tables, matches as CSV
"""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray

from saccade.contracts import Cell, Table
from saccade.engine.rundir import RunDir
from saccade.errors import ConfigError, DataError, did_you_mean
from saccade.files import write_atomically
from saccade.retrieval import Ranking, top_n
from saccade.retrieval.evaluation import Evaluation, evaluate
from saccade.retrieval.sequence import Anchor, Direction, sequence_scores
from saccade.traverses.baselines import BASELINES
from saccade.traverses.traverse import Pair, PlaceSet

__all__ = [
    "Result",
    "Scored",
    "check_baselines",
    "in_sequences",
    "measured",
    "recall_matrices",
    "saying",
    "summary_table",
    "write_matches",
]


@dataclass(frozen=True, eq=False)
class Scored:
    """The scores of one method.

    Args:
        method: Its name, with the pooling behind a slash.
        length: Windows of a sequence; 1 = single ones.
        scores: float32 ``[Q, R]``.
    """

    method: str
    length: int
    scores: NDArray[np.float32]

    @property
    def name(self) -> str:
        """Method, and the length of a sequence."""
        return self.method if self.length == 1 else f"{self.method}, {self.length} frames"


@dataclass(frozen=True, eq=False)
class Result:
    """One method on one pair at one tolerance.

    Args:
        pair: The two traverses.
        scored: Method, sequence length, scores.
        tolerance_m: A match is right within this distance.
        evaluation: The measures.
        ranking: The best references of each query.
    """

    pair: Pair
    scored: Scored
    tolerance_m: float
    evaluation: Evaluation
    ranking: Ranking

    def record(self) -> dict[str, Any]:
        """Return it as one flat record for JSON."""
        return {
            "pair": self.pair.name,
            "query": self.pair.query.name,
            "reference": self.pair.reference.name,
            "method": self.scored.method,
            "sequence": self.scored.length,
            "tolerance_m": self.tolerance_m,
            **self.evaluation.values(),
        }


def in_sequences(
    method: str,
    scores: NDArray[np.float32],
    lengths: Sequence[int],
    *,
    speeds: Sequence[float],
    direction: Direction,
    anchor: Anchor = "causal",
) -> Iterator[Scored]:
    """Yield the scores of a method for each length of sequences, see `sequence_scores`.

    Args:
        method: Its name.
        scores: float32 ``[Q, R]``.
        lengths: Windows of a sequence; 1 = single ones.
        speeds: Relative to the reference, tried.
        direction: Tried.
        anchor: Whether the query is the last window of a sequence or the middle one.
    """
    for length in lengths:
        if length == 1:
            yield Scored(method, 1, scores)
            continue
        longer = sequence_scores(scores, length, speeds=speeds, direction=direction, anchor=anchor)
        yield Scored(method, length, longer)


def measured(
    pair: Pair,
    data: PlaceSet,
    scored: Scored,
    tolerances_m: Sequence[float] = (),
    *,
    masked: NDArray[np.bool_] | None = None,
    sessions: tuple[ArrayLike, ArrayLike] | None = None,
    compat: Literal["spikevpr"] | None = None,
) -> Iterator[Result]:
    """Yield what a method is worth at the tolerance of the data set and at further ones.

    Args:
        pair: The two traverses.
        data: Says when a match is right.
        scored: Scores of a method.
        tolerances_m: Further tolerances in metres.
        masked: References that are no candidates, see `saccade.retrieval.rank.Mask`.
        sessions: Sessions of queries and references, for strict recall.
        compat: Strict recall as published.

    Raises:
        DataError: A tolerance makes no pair, or every pair, a true match.
    """
    ranking = top_n(scored.scores, min(25, scored.scores.shape[1]), masked=masked)
    for metres in dict.fromkeys([data.tolerance_m, *tolerances_m]):
        with saying(pair, metres):
            truth = pair.truth(metres, inclusive=data.inclusive)
            found = evaluate(scored.scores, truth, sessions=sessions, masked=masked, compat=compat)
        yield Result(pair, scored, metres, found, ranking)


@contextmanager
def saying(pair: Pair, tolerance_m: float) -> Iterator[None]:
    """Add to what goes wrong inside which pair is meant, at which tolerance."""
    try:
        yield
    except DataError as error:
        fix = f"{error.fix} It is set with --tolerance-m.".strip()
        what = f"{pair.name}, right within {tolerance_m:g} m: {error.what}"
        raise DataError(what, error.expected, fix) from error


def check_baselines(names: tuple[str, ...]) -> None:
    """Refuse names that are no baseline.

    Raises:
        ConfigError: A name or its pooling is wrong.
    """
    for word in names:
        name, _, pool = word.partition("/")
        if name not in BASELINES:
            raise ConfigError(
                f"--baselines {word}.",
                f"Expected {', '.join(BASELINES)}, each with /POOL if wanted.",
                did_you_mean(name, BASELINES),
            )
        if pool and not (pool.isdecimal() and int(pool) >= 1):
            raise ConfigError(f"--baselines {word}.", f"Expected {name}/POOL with 1 or more.")


def write_matches(
    run: RunDir, data: PlaceSet, results: Sequence[Result], *, save_scores: bool = False
) -> list[Path]:
    """Write the five best references of each query to ``matches_N.csv``, N numbering the pairs.

    Args:
        run: Where.
        data: Its tests are the pairs.
        results: Those at the tolerance of the data set are written.
        save_scores: Also write each score matrix as ``.npy``.
    """
    files: list[Path] = []
    for number, pair in enumerate(data.tests, 1):
        text = io.StringIO()
        writer = csv.writer(text, lineterminator="\n")
        writer.writerow(("method", "query", "rank", "reference", "score", "right"))
        for item in results:
            if item.pair is not pair or item.tolerance_m != data.tolerance_m:
                continue
            truth = pair.truth(data.tolerance_m, inclusive=data.inclusive)
            top = item.ranking.indices[:, :5]
            queries = np.broadcast_to(np.arange(len(top))[:, None], top.shape)
            right = truth.matches(queries, np.maximum(top, 0))
            for q, k in np.argwhere(top >= 0).tolist():
                score = f"{item.ranking.scores[q, k]:.6f}"
                writer.writerow((item.scored.name, q, k + 1, top[q, k], score, int(right[q, k])))
            if save_scores:
                name = f"scores_{number}_{item.scored.name.replace(' ', '_').replace('/', '-')}.npy"
                content = io.BytesIO()
                np.save(content, item.scored.scores)
                files.append(write_atomically(run.path(name), content.getvalue()))
        files.append(run.write_text(f"matches_{number}.csv", text.getvalue()))
    return files


def summary_table(results: Sequence[Result]) -> Table:
    """Return a row per result: recall, chance, average precision."""
    rows: list[tuple[Cell, ...]] = []
    for item in results:
        recall, at = item.evaluation.recall, dict[int, float]()
        at = dict(zip(recall.at, recall.over_matchable.tolist(), strict=True))
        rows.append(
            (
                item.pair.name, item.scored.name, item.tolerance_m, at.get(1), at.get(5),
                at.get(10), float(recall.chance_over_matchable[0]),
                item.evaluation.pooled.average_precision,
            )
        )  # fmt: skip
    columns = ("pair", "method", "within m", "R@1", "R@5", "R@10", "chance", "AP")
    return Table("Recall", columns, tuple(rows))


def recall_matrices(data: PlaceSet, results: Sequence[Result]) -> list[Table]:
    """Return recall@1 of every query traverse in every reference traverse, a table a method."""
    names = list(dict.fromkeys(item.scored.name for item in results))
    references = list(dict.fromkeys(pair.reference.name for pair in data.tests))
    queries = list(dict.fromkeys(pair.query.name for pair in data.tests))
    if len(references) < 2 and len(queries) < 2:
        return []
    tables: list[Table] = []
    for name in names[:1]:
        cells = {
            (item.pair.query.name, item.pair.reference.name): float(
                item.evaluation.recall.over_matchable[0]
            )
            for item in results
            if item.scored.name == name and item.tolerance_m == data.tolerance_m
        }
        rows = tuple((q, *(cells.get((q, r)) for r in references)) for q in queries)
        title = f"Recall@1 of each query (row) in each reference (column), {name}"
        tables.append(Table(title, ("query", *references), rows))
    return tables
