"""What the verbs of this task tell: reports, tables, the files of a run, pictures of matches."""

from __future__ import annotations

import csv
import io
from collections.abc import Sequence
from dataclasses import asdict, replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from saccade.contracts import Cell, PlaceDescriptors, Report, Table
from saccade.engine import RunDir
from saccade.errors import listing
from saccade.files import write_atomically
from saccade.retrieval import BankHealth, best_median_worst
from saccade.tasks.place.data import Windows
from saccade.tasks.place.embed import Network
from saccade.tasks.place.search import Search
from saccade.tasks.place.spikes import SpikeRecord

if TYPE_CHECKING:
    from saccade.view.figures import Panel

__all__ = [
    "gallery",
    "prediction",
    "retrieval",
    "save_descriptors",
    "silent_note",
    "write_matches",
    "written",
]

ROWS_SHOWN = 30


def prediction(
    windows: Windows,
    network: Network,
    bank: PlaceDescriptors,
    spikes: SpikeRecord,
    health: BankHealth,
    path: Path,
) -> Report:
    """Return the report of `saccade.tasks.place.task.predict`."""
    total = spikes.table().rows[-1]
    tables = [windows.table(), spikes.table(), health.table()]
    if network.calibration is not None:
        tables.append(network.calibration.table())
    return Report(
        title=f"Place descriptors of {windows.name}",
        values={
            "recording": windows.name,
            "network": network.method,
            "weights": network.weights,
            "windows": len(windows),
            "empty_windows": int((windows.event_count == 0).sum()),
            "descriptor_length": bank.vectors.shape[1],
            "events_per_pixel": windows.rate,
            "spikes_per_frame": total[2],
            "firing_rate": total[3],
            "mean_pairwise_cosine": health.mean_cosine,
            "effective_rank": health.effective_rank,
            "bank": health.verdict,
            "chance_recall_at_1": health.chance_recall_at_1,
        },
        tables=tuple(tables),
        notes=(
            *network.notes,
            *silent_note(spikes),
            *_empty_note(windows),
            f"Bank: {health.explanation}",
        ),
        files=(path,),
    )


def retrieval(
    reference: Windows,
    query: Windows,
    network: Network | None,
    searches: Sequence[Search],
    files: tuple[Path, ...],
) -> Report:
    """Return the report of `saccade.tasks.place.task.retrieve`."""
    values: dict[str, object] = {
        "reference": reference.name,
        "query": query.name,
        "reference_windows": len(reference),
        "query_windows": len(query),
        "empty_windows": int((reference.event_count == 0).sum() + (query.event_count == 0).sum()),
    }
    tables: list[Table] = []
    notes = list(network.notes) if network else []
    for item in searches:
        tables.append(match_table(item))
        if item.recall is not None:
            tables.append(item.recall.table(f"Recall, {item.method}"))
            values[f"recall_at_1_{item.method}"] = float(item.recall.over_all[0])
            values["chance_recall_at_1"] = float(item.recall.chance_over_all[0])
            values["queries_without_true_match"] = item.recall.queries_without_match
        if item.spikes is not None:
            tables.append(item.spikes.table())
            notes += silent_note(item.spikes)
        tables.append(item.health.table(f"Bank health, {item.method}"))
        notes.append(f"Bank, {item.method}: {item.health.explanation}")
    if searches[0].recall is None:
        chance = searches[0].health.chance_recall_at_1
        values["chance_recall_at_1"] = chance
        notes.append(
            "No truth is given, so nothing says which matches are right; with one true match per "
            f"query chance is {chance:.2g}. Name the truth with --tolerance-us or "
            "--tolerance-index."
        )
    if len(query) > ROWS_SHOWN:
        notes.append(
            f"The tables show {ROWS_SHOWN} of {len(query):,} queries; matches.csv has all."
        )
    for windows in (reference, query):
        notes += _empty_note(windows)
    title = f"Moments of {query.name} in {reference.name}"
    return Report(title, values, tuple(tables), tuple(notes), files)


def match_table(item: Search) -> Table:
    """Return the best match of evenly spread queries, and the runner-up's score."""
    best = {match.query: match for match in item.matches() if match.rank == 1}
    second = {match.query: match.score for match in item.matches() if match.rank == 2}
    count = len(item.queries)
    shown = np.unique(np.linspace(0, count - 1, min(ROWS_SHOWN, count)).round().astype(int))
    rows: list[tuple[Cell, ...]] = []
    for query in shown.tolist():
        start = int(item.queries.t_start_us[query])
        events = int(item.queries.event_count[query])
        match = best.get(query)
        if match is None:
            rows.append((query, start, events, None, None, None, None, None))
            continue
        at = int(item.references.t_start_us[match.reference])
        rest = (match.score, second.get(query), match.is_true)
        rows.append((query, start, events, match.reference, at, *rest))
    columns = ("query", "at µs", "events", "best match", "match at µs", "score", "second", "right")
    return Table(f"Best matches, {item.method}", columns, tuple(rows))


def write_matches(
    run: RunDir, searches: Sequence[Search], reference: Windows, query: Windows
) -> list[Path]:
    """Write all ranked matches as CSV and JSON, and one picture for each method."""
    records: list[dict[str, Cell]] = [
        {
            "method": item.method,
            **asdict(match),
            "query_t_start_us": int(item.queries.t_start_us[match.query]),
            "reference_t_start_us": int(item.references.t_start_us[match.reference]),
            "query_events": int(item.queries.event_count[match.query]),
        }
        for item in searches
        for match in item.matches()
    ]
    text = io.StringIO()
    writer = csv.DictWriter(text, list(records[0]) if records else ["method"], lineterminator="\n")
    writer.writeheader()
    writer.writerows(records)
    files = [
        run.write_text("matches.csv", text.getvalue()),
        run.write_json("matches.json", records),
    ]
    for item in searches:
        if (item.ranking.indices >= 0).any():
            path = run.path(f"matches_{item.method}.png")
            files.append(write_atomically(path, gallery(item, reference, query)))
    return files


def gallery(item: Search, reference: Windows, query: Windows) -> bytes:
    """Return the picture of the best, the median and the worst match as PNG bytes."""
    from saccade.view.figures import GalleryRow, figure_png, match_gallery

    matches = {match.query: match for match in item.matches() if match.rank == 1}
    rows: list[GalleryRow] = []
    for label, which in best_median_worst(item.ranking).items():
        match = matches[which]
        found = _panel(reference, match.reference, f"score {match.score:.3f}", match.is_true)
        rows.append(GalleryRow(label, (_panel(query, which, query.name, None), found)))
    return figure_png(match_gallery(rows, title=f"{item.method}: query, best match"))


def _panel(windows: Windows, which: int, note: str, is_right: bool | None) -> Panel:
    from saccade.view.canvas import fit, to_rgb
    from saccade.view.color import saturation_of, shade
    from saccade.view.figures import Panel

    counts = fit(windows.frames(np.array([which]))[:, 0].sum(0), 480)
    image = to_rgb(shade(counts, saturation_of(counts)))
    at_s = float(windows.t_start_us[which]) / 1e6
    return Panel(image, f"window {which:,}, {at_s:.3f} s", note, is_right)


def save_descriptors(run: RunDir, name: str, bank: PlaceDescriptors) -> Path:
    """Write a bank as npz: the fields of `PlaceDescriptors` under their names."""
    content = io.BytesIO()
    np.savez(
        content,
        vectors=bank.vectors,
        t_start_us=bank.t_start_us,
        t_end_us=bank.t_end_us,
        event_count=bank.event_count,
        method=np.array(bank.method),
        weights=np.array(bank.weights),
    )
    return write_atomically(run.path(name), content.getvalue())


def written(report: Report, run: RunDir) -> Report:
    """Write ``report.json`` and name all files of the run."""
    path = run.write_json("report.json", replace(report, files=()))
    return replace(report, files=(*report.files, path, run.folder / "config.yaml"))


def silent_note(spikes: SpikeRecord) -> tuple[str, ...]:
    """Return a sentence that names layers without a spike, if there are any."""
    silent = spikes.silent()
    if not silent:
        return ()
    why = (
        "Hidden units of an untrained head do not reach their threshold; the mixers then pass the "
        "feature map on."
        if all(layer.startswith("aggregator.") for layer in silent)
        else "What lies behind a silent layer cannot tell frames apart: try --calibrate."
    )
    return (f"{len(silent):,} layers fired no spike: {listing(silent)}. {why}",)


def _empty_note(windows: Windows) -> tuple[str, ...]:
    empty = np.flatnonzero(windows.event_count == 0).tolist()
    if not empty:
        return ()
    return (
        f"{len(empty):,} windows of {windows.name} hold no event ({listing(empty)}); they are "
        "neither matched nor candidates.",
    )
