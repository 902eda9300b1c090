"""Place recognition, told once: recordings -> windows -> descriptors -> ranked matches.

    predict    one recording in, a bank of descriptors out, with its health and its spikes
    retrieve   two recordings in, for every window of the second the most alike windows of the first
    energy     one recording in, what an inference costs out, layer by layer

All write a run folder: the resolved configuration, the descriptors, the report as JSON.
"""

from __future__ import annotations

from saccade.contracts import PlaceDescriptors, Report
from saccade.engine import RunDir, pick_device, progress
from saccade.errors import ShapeError
from saccade.retrieval import bank_health
from saccade.tasks.place import show
from saccade.tasks.place.config import (
    DemoConfig,
    EnergyConfig,
    EvalConfig,
    PredictConfig,
    RetrieveConfig,
    TrainConfig,
)
from saccade.tasks.place.data import Windows, open_windows
from saccade.tasks.place.embed import (
    Network,
    count_descriptors,
    describe,
    load_network,
    prepare,
)
from saccade.tasks.place.search import Search, search
from saccade.tasks.place.spikes import SpikeRecord

__all__ = ["demo", "energy", "eval", "predict", "retrieve", "search_windows", "train"]


def demo(cfg: DemoConfig) -> Report:
    """Show the whole path on a small recording, see `saccade.tasks.place.demo`."""
    from saccade.tasks.place.demo import demo as run

    return run(cfg)


def train(cfg: TrainConfig) -> Report:
    """Train a network on a data set, see `saccade.tasks.place.train`."""
    from saccade.tasks.place.train import train as run

    return run(cfg)


def energy(cfg: EnergyConfig) -> Report:
    """Estimate the energy of an inference from what every layer was given.

    Writes ``layers.png``, ``estimates.png``, ``report.json`` and ``config.yaml`` into the run
    folder.

    Raises:
        ConfigError: The cost table is unknown or wrong.
        DeviceError: The device does not exist.
        CheckpointError: The weights do not fit.
        EventError: The recording holds no event.
    """
    from saccade.tasks.place.energy_report import energy as run

    return run(cfg)


def eval(cfg: EvalConfig) -> Report:
    """Test methods on the pairs of a data set, see `saccade.tasks.place.evaluation`."""
    from saccade.tasks.place.evaluation import evaluate_set

    return evaluate_set(cfg)


def predict(cfg: PredictConfig) -> Report:
    """Embed the windows of a recording.

    Writes ``descriptors.npz`` (vectors, t_start_us, t_end_us, event_count, method, weights),
    ``report.json`` and ``config.yaml`` into the run folder.

    Raises:
        DeviceError: The device does not exist.
        CheckpointError: The weights do not fit.
        EventError: The recording holds no event.
    """
    network = load_network(cfg.weights, cfg, pick_device(cfg.device))
    windows = open_windows(cfg.recording, cfg)
    with _run_folder("predict", cfg) as run:
        network = prepare(network, cfg, windows)
        bank, spikes = _described(network, windows, cfg.batch)
        path = show.save_descriptors(run, "descriptors.npz", bank)
        health = bank_health(bank.vectors, bank.event_count)
        report = show.prediction(windows, network, bank, spikes, health, path)
        return show.written(report, run)


def retrieve(cfg: RetrieveConfig) -> Report:
    """Find the windows of one recording in another.

    Writes ``matches.csv``, ``matches.json``, ``matches_METHOD.png``, the descriptors of both
    recordings, ``report.json`` and ``config.yaml`` into the run folder.

    Raises:
        DeviceError: The device does not exist.
        CheckpointError: The weights do not fit.
        EventError: A recording holds no event.
        ShapeError: The recordings have different sizes.
        DataError: The tolerance makes no pair, or every pair, a true match.
    """
    network = load_network(cfg.weights, cfg, pick_device(cfg.device)) if cfg.weights else None
    reference, query = open_windows(cfg.reference, cfg), open_windows(cfg.query, cfg)
    with _run_folder("retrieve", cfg) as run:
        network = prepare(network, cfg, reference) if network else None
        searches = search_windows(reference, query, cfg, network)
        files = [
            show.save_descriptors(run, f"{side}_{item.method}.npz", bank)
            for item in searches
            for side, bank in (("reference", item.references), ("query", item.queries))
        ]
        files += show.write_matches(run, searches, reference, query)
        report = show.retrieval(reference, query, network, searches, tuple(files))
        return show.written(report, run)


def search_windows(
    reference: Windows, query: Windows, cfg: RetrieveConfig, network: Network | None
) -> list[Search]:
    """Run the methods the configuration asks for on recordings that are already cut.

    Args:
        reference: Searched in.
        query: Looked up.
        cfg: Method, number of matches, truth.
        network: From `saccade.tasks.place.embed.prepare`; needed unless the method is ``"count"``.

    Raises:
        ShapeError: The recordings have different sizes.
    """
    if reference.size != query.size:
        raise ShapeError(
            f"{reference.name} has frames of {reference.size}, {query.name} of {query.size}.",
            "Expected frames of one size.",
            "Scale the larger down with --input-size WIDTHxHEIGHT.",
        )
    searches: list[Search] = []
    if cfg.method != "network":
        searches.append(search(count_descriptors(reference), count_descriptors(query), cfg))
    if cfg.method != "count":
        assert network is not None
        references, _ = _described(network, reference, cfg.batch)
        queries, spikes = _described(network, query, cfg.batch)
        searches.append(search(references, queries, cfg, spikes))
    return searches


def _described(
    network: Network, windows: Windows, batch: int
) -> tuple[PlaceDescriptors, SpikeRecord]:
    with progress(f"Embedding {windows.name}", unit="windows") as update:
        return describe(network, windows, batch=batch, progress=update)


def _run_folder(verb: str, cfg: PredictConfig | RetrieveConfig) -> RunDir:
    if cfg.out is not None:
        return RunDir.at(cfg.out, config=cfg)
    return RunDir.create(verb, "place", config=cfg)
