"""The whole path: a simulated street by day and night, then one small real recording.

    recording ── windows ──────────────────────────> reference bank ─┐
        └─ shift, drop events at random ── windows ─> queries ───────┴─> ranks, beside chance

The queries are slices of the same recording, moved by a fraction of a window and with some of their
events missing, so the right answer is known. The network is calibrated, not trained.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np

from saccade import __version__
from saccade.contracts import Cell, Report, Table
from saccade.engine import pick_device
from saccade.errors import MissingFileError
from saccade.events import Events, io
from saccade.events.augment import DropEvents
from saccade.events.survey import Survey
from saccade.tasks.place import show
from saccade.tasks.place.config import DemoConfig, RetrieveConfig
from saccade.tasks.place.data import Windows, cut
from saccade.tasks.place.embed import Network, load_network, prepare
from saccade.tasks.place.search import Search
from saccade.tasks.place.task import search_windows
from saccade.tasks.place.world_demo import recall_table, search_world, world_sections
from saccade.view.figures import figure_png, rate_over_time, similarity_matrix, spikes_per_layer
from saccade.view.html import (
    Block,
    Note,
    Picture,
    Section,
    Text,
    Values,
    report_section,
    write_report,
)
from saccade.view.recording import contact_sheet_png

__all__ = ["demo"]

NOT_TRAINED = (
    "On the real recording the network is untrained: drawn from a seed and calibrated on this very "
    "recording. Its figures there show that the path works, not how well places are recognised."
)


def demo(cfg: DemoConfig) -> Report:
    """Run the path and write ``report.html`` into the output folder.

    Raises:
        MissingFileError: The recording is not there.
    """
    begin = time.monotonic()
    path = cfg.recording or _shipped_recording()
    events = io.open(path, **cfg.options())
    search_cfg = _search_config(cfg, path)
    network = load_network("untrained", search_cfg, pick_device(cfg.device))
    reference = cut(events, search_cfg, path.name)
    query = cut(_changed(events, cfg), search_cfg, f"{path.name}, changed")
    network = prepare(network, search_cfg, reference)
    searches = search_windows(reference, query, search_cfg, network)
    cfg.out.mkdir(parents=True, exist_ok=True)
    world = search_world(cfg) if cfg.world else None
    report = _report(cfg, path, reference, network, searches)
    if world is not None:
        values = {**report.values, "world_simulated_in_s": round(world.seconds, 1)}
        report = replace(report, values=values, tables=(recall_table(world), *report.tables))
    page = write_report(
        cfg.out / "report.html",
        "Saccade: from event bytes to places",
        [
            *(world_sections(cfg, world) if world is not None else ()),
            *_sections(cfg, path, events, reference, query, network, searches),
        ],
        summary=f"saccade {__version__} on {path.name}. {NOT_TRAINED}",
    )
    values = {**report.values, "seconds": round(time.monotonic() - begin, 1)}
    return replace(report, values=values, files=(page,))


def _shipped_recording() -> Path:
    """The recording that comes with the package, or with the checkout it is installed from."""
    name = "ros_640x480_repacked.raw"
    here = Path(__file__).resolve()
    for folder in (here.parents[2] / "data", here.parents[4] / "tests" / "data"):
        if (folder / name).is_file():
            return folder / name
    raise MissingFileError(
        f"The demo recording {name} did not come with this installation.",
        fix="Name any event file: saccade demo --recording drive.raw",
    )


def _search_config(cfg: DemoConfig, path: Path) -> RetrieveConfig:
    return RetrieveConfig(
        reference=path,
        query=path,
        method="both",
        weights="untrained",
        arch=cfg.arch,
        seed=cfg.seed,
        device=cfg.device,
        window_us=cfg.window_us,
        input_size=cfg.input_size,
        tolerance_us=cfg.window_us // 2,
        top=10,
    )


def _changed(events: Events, cfg: DemoConfig) -> Events:
    """Return the recording from ``shift_us`` on, with a share of its events missing."""
    start_us = int(events.t[0]) + cfg.shift_us
    later = events[int(np.searchsorted(events.t, start_us)) :]
    return DropEvents(cfg.drop, cfg.drop)(later, np.random.default_rng(cfg.seed))


def _report(
    cfg: DemoConfig, path: Path, reference: Windows, network: Network, searches: Sequence[Search]
) -> Report:
    rows: list[tuple[Cell, ...]] = []
    for item in searches:
        assert item.recall is not None
        recall = dict(zip(item.recall.at, item.recall.over_all.tolist(), strict=True))
        name = (
            "count frames, correlation" if item.method == "count" else f"{item.method}, untrained"
        )
        chance = float(item.recall.chance_over_all[0])
        rows.append(
            (name, recall[1], recall[5], chance, item.health.mean_cosine, item.health.verdict)
        )
    columns = ("method", "recall@1", "recall@5", "chance@1", "mean cosine", "bank")
    return Report(
        title="Saccade demo",
        values={
            "recording": path.name,
            "windows": len(reference),
            "window_us": cfg.window_us,
            "query_shift_us": cfg.shift_us,
            "query_events_dropped": cfg.drop,
            "seed": cfg.seed,
        },
        tables=(Table("Moments of the recording found again", columns, tuple(rows)),),
        notes=(NOT_TRAINED, *network.notes),
    )


def _sections(
    cfg: DemoConfig,
    path: Path,
    events: Events,
    reference: Windows,
    query: Windows,
    network: Network,
    searches: Sequence[Search],
) -> list[Section]:
    result = _report(cfg, path, reference, network, searches)
    return [
        replace(report_section(result), title="Result"),
        _recording_section(path, events, reference),
        _network_section(network, searches),
        *(_search_section(item, reference, query) for item in searches),
        Section("How this was made", [_command(cfg)]),
    ]


def _recording_section(path: Path, events: Events, reference: Windows) -> Section:
    survey = Survey()
    survey.add(events)
    on = np.add.reduceat(np.append(events.p, 0).astype(np.int64), reference.ranges[:, 0])
    counts = reference.event_count
    on = np.where(counts > 0, on, 0)
    window_us = int(reference.t_end_us[0] - reference.t_start_us[0])
    rate = rate_over_time(reference.t_start_us, counts - on, on, window_us)
    values = {
        "file": path.name,
        "sensor": str(events.size),
        "events": len(events),
        "duration_s": events.duration_us / 1e6,
        "mean_rate_hz": survey.mean_rate_hz,
        "on_fraction": events.on_fraction,
        "hot_pixels": len(survey.hot_pixels()),
    }
    blocks: list[Block] = [
        Values(values),
        Picture(
            contact_sheet_png(events),
            "Moments of the recording; blue brighter (ON), orange darker (OFF).",
        ),
        Picture(figure_png(rate), "Events per second over the recording.", 860),
        reference.table(),
    ]
    return Section("The recording", blocks)


def _network_section(network: Network, searches: Sequence[Search]) -> Section:
    assert network.calibration is not None
    blocks: list[Block] = [Note(NOT_TRAINED, is_warning=True)]
    blocks += [Note(text) for text in network.notes]
    spikes = next(item.spikes for item in searches if item.spikes is not None)
    layers = list(spikes.counts)
    figure = spikes_per_layer(
        layers,
        [spikes.firing_rate(layer) for layer in layers],
        title="Spikes per layer, calibrated network, all queries",
    )
    blocks.append(Picture(figure_png(figure), "Share of neurons that fire, layer by layer.", 860))
    blocks += [Note(text) for text in show.silent_note(spikes)]
    blocks.append(network.calibration.table())
    return Section("The network", blocks)


def _search_section(item: Search, reference: Windows, query: Windows) -> Section:
    assert item.recall is not None
    scores = item.queries.vectors @ item.references.vectors.T
    figure = similarity_matrix(
        scores,
        item.queries.t_start_us - reference.t_start_us[0],
        item.references.t_start_us - reference.t_start_us[0],
        best=item.ranking.indices[:, 0],
        title=f"Similarity of moments, {item.method}",
        score_name="correlation" if item.method == "count" else "cosine",
    )
    title = "Retrieval by count frames" if item.method == "count" else "Retrieval by the network"
    return Section(
        title,
        [
            item.recall.table("Recall"),
            item.health.table(),
            Note(item.health.explanation),
            Picture(figure_png(figure), "Queries downwards, references to the right.", 700),
            Picture(show.gallery(item, reference, query), "Best, median and worst match.", 900),
        ],
    )


def _command(cfg: DemoConfig) -> Text:
    from saccade.engine.config_io import to_yaml

    return Text("Configuration", to_yaml(cfg))
