"""The simulated world in the demo: one street driven by day and by night, places found by counting.

simulate day, night -> events + positions -> a frame every few metres -> correlation -> rank
                                                          truth: metres along the route
"""

from __future__ import annotations

import time
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from saccade.contracts import Cell, Table
from saccade.engine.progress import progress
from saccade.events import Events, io
from saccade.events.slicing import windows_at
from saccade.events.survey import Survey
from saccade.represent import count_frames
from saccade.retrieval import Planar, Recall, rank, recall_at
from saccade.simulate.config import TraverseConfig
from saccade.simulate.config_pixels import PixelConfig
from saccade.simulate.output import OutputFolder, run_jobs
from saccade.simulate.place_truth import distance_at, read_positions, track_at
from saccade.simulate.recording import Track
from saccade.simulate.worlds import plan
from saccade.tasks.place.config import DemoConfig
from saccade.view.figures import figure_png
from saccade.view.html import Block, Note, Picture, Section, Text
from saccade.view.places import place_matrix, route_map
from saccade.view.recording import contact_sheet_png

__all__ = [
    "WorldSearch",
    "describe",
    "recall_table",
    "search_world",
    "simulate_world",
    "world_command",
    "world_sections",
]

CONDITIONS = ("day", "night")
EVERY_M, WINDOW_US, TOLERANCE_M, CELL_PX = 2.0, 100_000, 5.0, 8
RECALL_AT = (1, 5, 10)


@dataclass(frozen=True)
class WorldSearch:
    """Places of one drive looked up in another.

    Args:
        recordings: Condition -> events.
        seconds: How long the simulation took; 0 where it was there already.
        query_m: Distance along the route of the queries, ``[Q]``.
        reference_m: The same of the references, ``[R]``.
        place: East and north of the queries, ``[Q, 2]`` metres.
        scores: Correlation ``[Q, R]``.
        is_right: Whether the best reference is within the tolerance, bool ``[Q]``.
        recall: Recall beside chance.
    """

    recordings: dict[str, Events]
    seconds: float
    query_m: NDArray[np.float64]
    reference_m: NDArray[np.float64]
    place: NDArray[np.float64]
    scores: NDArray[np.floating]
    is_right: NDArray[np.bool_]
    recall: Recall


def simulate_world(cfg: DemoConfig) -> tuple[dict[str, tuple[Path, Path]], float]:
    """Make the two drives; return condition -> (events, positions), and seconds it took."""
    begin = time.monotonic()
    config = TraverseConfig(
        out=cfg.out / "world",
        seed=cfg.seed,
        condition=CONDITIONS,
        seconds=cfg.world_s,
        route_m=max(100.0, 12.0 * cfg.world_s),
        stops=0,
        pixels=PixelConfig(size=cfg.world_size),
    )
    folder = OutputFolder(config.out, config.key(), overwrite=cfg.overwrite)
    seconds = 0.0
    if not folder.complete:
        with progress("Simulating a street by day and by night", unit="seconds") as tell:
            run_jobs(plan(config), folder, tell)
        seconds = time.monotonic() - begin
    found: dict[str, tuple[Path, Path]] = {}
    for made in folder.made.values():
        files = [config.out / name for name in made.files]
        positions = next(path for path in files if path.name.endswith("positions.csv"))
        found[made.condition] = (next(path for path in files if path.suffix == ".raw"), positions)
    return found, seconds


def search_world(cfg: DemoConfig) -> WorldSearch:
    """Simulate, cut a frame every few metres, look the night up in the day."""
    files, seconds = simulate_world(cfg)
    events = {name: io.open(paths[0]) for name, paths in files.items()}
    tracks = {name: read_positions(paths[1]) for name, paths in files.items()}
    day, night = CONDITIONS
    places = {name: _places(tracks[name]) for name in CONDITIONS}
    vectors = {name: describe(events[name], places[name][1]) for name in CONDITIONS}
    query_m, reference_m = places[night][0], places[day][0]
    ranking = rank(vectors[night], vectors[day], n=min(max(RECALL_AT), len(reference_m)))
    truth = Planar(
        np.column_stack([query_m, 0 * query_m]),
        np.column_stack([reference_m, 0 * reference_m]),
        tolerance_m=TOLERANCE_M,
        inclusive=False,
    )
    recall = recall_at(ranking, truth, [n for n in RECALL_AT if n <= len(reference_m)])
    track = track_at(tracks[night], places[night][1])
    best = reference_m[ranking.indices[:, 0]]
    return WorldSearch(
        events, seconds, query_m, reference_m, np.column_stack([track.east_m, track.north_m]),
        vectors[night] @ vectors[day].T, np.abs(best - query_m) < TOLERANCE_M, recall,
    )  # fmt: skip


def _places(track: Track) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
    """Return distances every few metres, and when the vehicle is there."""
    times = np.arange(int(track.t_us[0]), int(track.t_us[-1]) - 2 * WINDOW_US, 1_000)
    metres = distance_at(track, times)
    wanted = np.arange(metres[0] + EVERY_M, metres[-1], EVERY_M)
    found = times[np.searchsorted(metres, wanted)]
    return distance_at(track, found), found


def describe(events: Events, times_us: NDArray[np.int64]) -> NDArray[np.float32]:
    """Return unit vectors ``[K, D]``: events counted per cell after each moment, mean removed."""
    windows = windows_at(events, times_us, before_us=0, after_us=WINDOW_US)
    counts = count_frames(events, windows).sum(axis=1)
    height, width = (side // CELL_PX * CELL_PX for side in counts.shape[1:])
    cells = counts[:, :height, :width].reshape(
        len(counts), height // CELL_PX, CELL_PX, width // CELL_PX, CELL_PX
    )
    vectors = np.log1p(cells.sum(axis=(2, 4))).reshape(len(counts), -1)
    vectors = vectors - vectors.mean(axis=1, keepdims=True)
    length = np.linalg.norm(vectors, axis=1, keepdims=True)
    return (vectors / np.maximum(length, 1e-9)).astype(np.float32)


def recall_table(found: WorldSearch) -> Table:
    """Return recall beside chance."""
    recall = found.recall
    rows: list[tuple[Cell, ...]] = [
        (f"recall@{n}", float(value), float(chance))
        for n, value, chance in zip(
            recall.at, recall.over_all, recall.chance_over_all, strict=True
        )
    ]  # fmt: skip
    title = f"Night looked up in the day, right within {TOLERANCE_M:g} m (simulated street)"
    return Table(title, ("measure", "count frames", "chance"), tuple(rows))


def world_sections(cfg: DemoConfig, found: WorldSearch) -> list[Section]:
    """Return the pages of the report that show the simulated world."""
    blocks: list[Block] = [
        Note(
            "Everything in this section is simulated: a street built from one integer, driven "
            "twice with other light, speed, line and parked cars."
        ),
        _info_table(found.recordings),
    ]
    for name, events in found.recordings.items():
        blocks.append(Picture(contact_sheet_png(events), f"Moments of the drive, {name}."))
    matrix = place_matrix(
        found.scores, found.query_m, found.reference_m, title="Night (down) against day"
    )
    way = route_map(
        found.place[:, 0],
        found.place[:, 1],
        found.is_right,
        title=f"Best match within {TOLERANCE_M:g} m",
    )
    result: list[Block] = [
        recall_table(found),
        Note(
            f"A frame of {WINDOW_US / 1e3:g} ms every {EVERY_M:g} m, events counted in cells of "
            f"{CELL_PX} pixels, compared by correlation; truth is distance along the route."
        ),
        Picture(figure_png(matrix), "Correlation of every night frame with every day frame.", 620),
        Picture(figure_png(way), "Where the night frames were found in the day.", 700),
        Text("Made by", world_command(cfg)),
    ]
    return [
        Section("The simulated world", blocks),
        Section("Places of the night found in the day", result),
    ]


def _info_table(recordings: dict[str, Events]) -> Table:
    rows: list[tuple[Cell, ...]] = []
    for name, events in recordings.items():
        survey = Survey()
        survey.add(events)
        rows.append(
            (
                name,
                str(events.size),
                len(events),
                events.duration_us / 1e6,
                survey.mean_rate_hz / events.size.pixels,
                events.on_fraction,
            )
        )
    columns = ("drive", "sensor", "events", "seconds", "events per pixel and second", "ON share")
    return Table("What the drives hold", columns, tuple(rows))


def world_command(cfg: DemoConfig) -> str:
    """Return the command line that makes the same world."""
    route = max(100.0, 12.0 * cfg.world_s)
    return (
        f"saccade simulate traverse --seed {cfg.seed} --condition {' '.join(CONDITIONS)} "
        f"--seconds {cfg.world_s:g} --route-m {route:g} --stops 0 --size {cfg.world_size} "
        f"--out {cfg.out / 'world'}"
    )
