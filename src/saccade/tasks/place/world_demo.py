"""The simulated world in the demo: one street driven by day and by night, its places found again.

simulate day, night -> events + positions -> a frame every few metres --network--> cosine -> rank
                                                                      '-> correlation -> rank
                                                          truth: metres along the route

The network comes with saccade and was trained on other streets of the simulator.
"""

from __future__ import annotations

import time
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

from saccade.contracts import Cell, Table
from saccade.engine import pick_device
from saccade.engine.progress import progress
from saccade.events import Events, io
from saccade.events.slicing import windows_at
from saccade.events.survey import Survey
from saccade.represent import count_frames
from saccade.retrieval import Planar, Recall, Truth, recall_at, score_matrix, top_n
from saccade.simulate.config import TraverseConfig
from saccade.simulate.config_pixels import PixelConfig
from saccade.simulate.output import OutputFolder, run_jobs
from saccade.simulate.place_truth import distance_at, read_positions, track_at
from saccade.simulate.recording import Track
from saccade.simulate.worlds import plan
from saccade.tasks.place.bank import embedder
from saccade.tasks.place.config import DemoConfig
from saccade.tasks.place.config_input import NetworkArgs
from saccade.tasks.place.embed import load_network
from saccade.traverses.baselines import BASELINES
from saccade.view.figures import figure_png
from saccade.view.html import Block, Note, Picture, Section, Text
from saccade.view.places import place_matrix, route_map
from saccade.view.recording import contact_sheet_png

__all__ = [
    "WorldSearch",
    "count_every_few_metres",
    "recall_table",
    "search_world",
    "simulate_world",
    "world_command",
    "world_sections",
]

CONDITIONS = ("day", "night")
EVERY_M, WINDOW_US, TOLERANCE_M = 2.0, 50_000, 5.0
RECALL_AT = (1, 5, 10)
WEIGHTS = "street-resnet8"
PLAIN = ("own_centred", 4)
"""The plain method that the network is compared with, and the pixels summed for it."""
BATCH = 16


@dataclass(frozen=True)
class WorldSearch:
    """Places of one drive looked up in another.

    Args:
        recordings: Condition -> events.
        seconds: How long the simulation took; 0 where it was there already.
        query_m: Distance along the route of the queries, ``[Q]``.
        reference_m: The same of the references, ``[R]``.
        place: East and north of the queries, ``[Q, 2]`` metres.
        scores: Method -> ``[Q, R]``, the network first.
        recall: Method -> recall beside chance.
        is_right: Whether the network's best reference is within the tolerance, bool ``[Q]``.
    """

    recordings: dict[str, Events]
    seconds: float
    query_m: NDArray[np.float64]
    reference_m: NDArray[np.float64]
    place: NDArray[np.float64]
    scores: dict[str, NDArray[np.float32]]
    recall: dict[str, Recall]
    is_right: NDArray[np.bool_]


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
    frames = {name: count_every_few_metres(events[name], places[name][1]) for name in CONDITIONS}
    vectors = {name: _embedded(cfg, frames[name]) for name in CONDITIONS}
    plain, pool = PLAIN
    scores = {
        "network": score_matrix(vectors[night], vectors[day]),
        f"{plain}/{pool}": BASELINES[plain](frames[night], frames[day], pool=pool),
    }
    query_m, reference_m = places[night][0], places[day][0]
    truth = _truth(query_m, reference_m)
    at = [n for n in RECALL_AT if n <= len(reference_m)]
    track = track_at(tracks[night], places[night][1])
    best = reference_m[top_n(scores["network"], 1).indices[:, 0]]
    return WorldSearch(
        events,
        seconds,
        query_m,
        reference_m,
        np.column_stack([track.east_m, track.north_m]),
        scores,
        {name: recall_at(top_n(found, max(at)), truth, at) for name, found in scores.items()},
        np.abs(best - query_m) < TOLERANCE_M,
    )


def _truth(query_m: NDArray[np.float64], reference_m: NDArray[np.float64]) -> Truth:
    sides = [np.column_stack([metres, 0 * metres]) for metres in (query_m, reference_m)]
    return Planar(*sides, tolerance_m=TOLERANCE_M, inclusive=False)


def _embedded(cfg: DemoConfig, frames: NDArray[np.float32]) -> NDArray[np.float32]:
    run = embedder(load_network(WEIGHTS, NetworkArgs(), pick_device(cfg.device)).model.eval())
    starts = range(0, len(frames), BATCH)
    return np.concatenate([run(torch.from_numpy(frames[k : k + BATCH])) for k in starts])


def _places(track: Track) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
    """Return distances every few metres, and when the vehicle is there."""
    times = np.arange(int(track.t_us[0]), int(track.t_us[-1]) - 2 * WINDOW_US, 1_000)
    metres = distance_at(track, times)
    wanted = np.arange(metres[0] + EVERY_M, metres[-1], EVERY_M)
    found = times[np.searchsorted(metres, wanted)]
    return distance_at(track, found), found


def count_every_few_metres(events: Events, times_us: NDArray[np.int64]) -> NDArray[np.float32]:
    """Return the count frames ``[K, 2, H, W]``, channels (OFF, ON), of windows around moments."""
    half = WINDOW_US // 2
    return count_frames(events, windows_at(events, times_us, before_us=half, after_us=half))


def recall_table(found: WorldSearch) -> Table:
    """Return recall of each method beside chance."""
    recalls = list(found.recall.values())
    rows: list[tuple[Cell, ...]] = [
        (
            f"recall@{n}",
            *(float(recall.over_all[k]) for recall in recalls),
            float(recalls[0].chance_over_all[k]),
        )
        for k, n in enumerate(recalls[0].at)
    ]
    title = f"Night looked up in the day, right within {TOLERANCE_M:g} m (simulated street)"
    return Table(title, ("measure", *found.recall, "chance"), tuple(rows))


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
        found.scores["network"], found.query_m, found.reference_m, title="Night (down) against day"
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
            f"A frame of {WINDOW_US / 1e3:g} ms every {EVERY_M:g} m; truth is distance along the "
            f"route. The network ({WEIGHTS}) was trained on other simulated streets and compared "
            f"by cosine; {PLAIN[0]}/{PLAIN[1]} learns nothing: logarithms of counts in squares of "
            f"{PLAIN[1]} pixels, less the mean of the drive, compared by correlation."
        ),
        Picture(
            figure_png(matrix),
            "Likeness of every night frame to every day frame, by the network.",
            620,
        ),
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
