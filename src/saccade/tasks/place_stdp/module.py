"""One module is trained: the job that a run consists of. It can be killed and taken up again.

    for each epoch: for each image of the module's places: scale weights, show, learn
    after each epoch: everything the next one needs goes to module-K.partial

Random numbers come from generators named by seed, module, epoch and image, so that a module which
was interrupted, or trained on another machine, is the same to the last bit.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from saccade.contracts import Progress
from saccade.engine.seed import numpy_rng
from saccade.tasks.place_stdp.delta import DeltaModel
from saccade.tasks.place_stdp.exact import ExactEngine
from saccade.tasks.place_stdp.fast import FastLearner
from saccade.tasks.place_stdp.network import Network, State, draw_delays
from saccade.tasks.place_stdp.plan import Plan
from saccade.tasks.place_stdp.spikes import Raster
from saccade.tasks.place_stdp.store import read_stored, write_stored

__all__ = ["LAST_COUNTS", "load_network", "train_module"]

LAST_COUNTS = 250
"""Training images whose spikes are kept for the published assignment (``update_interval``)."""


@dataclass(frozen=True)
class _Image:
    """An image of a module: reference, window, place."""

    reference: int
    window: int
    place: int


class _Learner(Protocol):
    """A module that sees images one by one."""

    def show(self, inputs: Raster) -> NDArray[np.int32]:
        """Learn from an image; returns the spikes of its neurons."""
        ...

    def arrays(self) -> dict[str, NDArray[Any]]:
        """Return everything the next image needs."""
        ...

    def network(self) -> Network:
        """Return the module as it is."""
        ...


def train_module(plan: Plan, member: int, module: int, tell: Progress | None = None) -> None:
    """Train a module, or go on with one; does nothing where its file is there.

    Args:
        plan: The run.
        member: Member of the ensemble.
        module: Its number.
        tell: Called with epochs done and in all.

    Raises:
        CheckpointError: A file of the module is damaged or of another run.
    """
    images = _images(plan, plan.modules(member)[module])
    if plan.config.learner != "stdp":
        _train_rule(plan, member, module, images, tell)
    else:
        _train_stdp(plan, member, module, images, tell)


def load_network(plan: Plan, member: int, module: int, epoch: int) -> Network:
    """Return a trained spiking module.

    Raises:
        MissingFileError: It has not been trained.
        CheckpointError: The file is damaged or of another run.
    """
    stored = read_stored(plan.part("module", member, module, epoch), identity=plan.identity)
    arrays = stored.arrays
    delays = arrays["delays"].astype(np.int16)
    return Network(plan.network, arrays["weights"].astype(np.float64), delays, arrays["theta"])


def _train_stdp(
    plan: Plan, member: int, module: int, images: list[_Image], tell: Progress | None
) -> None:
    config, epochs = plan.config, plan.config.kept_epochs
    if all(plan.part("module", member, module, epoch).exists() for epoch in epochs):
        for epoch in epochs:
            load_network(plan, member, module, epoch)
        return
    partial = plan.part("module", member, module, 0).with_suffix(".partial")
    learner, done, last = _begin(plan, member, module, partial)
    inputs, network = [plan.inputs(k) for k in range(len(plan.names))], plan.network
    total = config.epochs * len(images)
    for epoch in range(done, config.epochs):
        for k, image in enumerate(_order(plan, member, module, epoch, images)):
            rng = numpy_rng(plan.seed(member), f"module {module} epoch {epoch} image {k}")
            raster = inputs[image.reference].raster(image.window, network, rng)
            counts = learner.show(raster)
            last.append((image.place, counts))
            del last[:-LAST_COUNTS]
            if tell is not None:
                tell(epoch * len(images) + k + 1, total)
        if epoch + 1 in epochs:  # before the epoch counts as done: a kill in between repeats it
            _keep(plan, member, module, epoch + 1, learner, last)
        arrays = {**learner.arrays(), **_last_arrays(last)}
        about = {"identity": plan.identity, "epochs": epoch + 1, "learner": "stdp"}
        write_stored(partial, arrays, about)
    partial.unlink()


def _begin(
    plan: Plan, member: int, module: int, partial: Any
) -> tuple[_Learner, int, list[tuple[int, NDArray[np.int32]]]]:
    """Return the learner as it was after the last whole epoch, and how many those are."""
    seed, config = plan.seed(member), plan.network
    kind = _FastStdp if plan.config.stdp.engine == "fast" else _ExactStdp
    delays = draw_delays(config, numpy_rng(seed, "delays"))
    rng = numpy_rng(seed, f"weights of module {module}")
    fresh = Network.fresh(config, rng, delays=delays)
    if not partial.exists():
        return kind(fresh), 0, []
    stored = read_stored(partial, identity=plan.identity)
    learner = kind(fresh, stored.arrays)
    kept = stored.arrays["last_counts"].astype(np.int32)
    places = stored.arrays["last_places"].tolist()
    return learner, int(stored.about["epochs"]), list(zip(places, kept, strict=True))


def _keep(
    plan: Plan, member: int, module: int, epoch: int, learner: _Learner,
    last: list[tuple[int, NDArray[np.int32]]],
) -> None:  # fmt: skip
    network = learner.network()
    exact = plan.config.stdp.engine == "exact"
    arrays = {
        "weights": network.weights.astype(np.float64 if exact else np.float32),
        "delays": network.delays,
        "theta": network.theta,
        "places": plan.modules(member)[module],
        **_last_arrays(last),
    }
    about = {
        "identity": plan.identity,
        "learner": "stdp",
        "member": member,
        "module": module,
        "seed": plan.seed(member),
        "epochs": epoch,
        "network": plan.network,
    }
    write_stored(plan.part("module", member, module, epoch), arrays, about)


def _train_rule(
    plan: Plan, member: int, module: int, images: list[_Image], tell: Progress | None
) -> None:
    """Train a module of the delta rule, of layers or of receptive fields."""
    path = plan.part("module", member, module, plan.config.epochs)
    if path.exists():
        read_stored(path, identity=plan.identity)
        return
    places = plan.modules(member)[module]
    number = {int(place): k for k, place in enumerate(places)}
    model, part = plan.rule_model(member, module)
    partial = path.with_suffix(".partial")
    if partial.exists():
        model.restore(read_stored(partial, identity=plan.identity).arrays)
    inputs = [plan.inputs(k) for k in range(len(plan.names))]
    values = np.stack([inputs[item.reference].values(item.window) for item in images])
    labels = np.array([number[item.place] for item in images])
    about = {
        "identity": plan.identity,
        "learner": plan.config.learner,
        "member": member,
        "module": module,
        "seed": plan.seed(member),
    }
    left = total = 0
    while left or not total:
        left = part(values, labels)
        total = max(total, left + 1)
        if left:
            write_stored(partial, model.state(), about)
        if tell is not None:
            tell(total - left, total)
    matrix = {"matrix": model.collapse()} if isinstance(model, DeltaModel) else {}
    write_stored(path, {**matrix, "places": places, **model.state()}, about)
    partial.unlink(missing_ok=True)


def _images(plan: Plan, places: NDArray[np.int64]) -> list[_Image]:
    """Return the images of a module, reference after reference, in the order of its places."""
    position = {int(place): k for k, place in enumerate(places)}
    found: list[_Image] = []
    for reference, labels in enumerate(plan.labels):
        windows = np.flatnonzero(np.isin(labels, places))
        windows = sorted(windows.tolist(), key=lambda w: position[int(labels[w])])
        found += [_Image(reference, window, int(labels[window])) for window in windows]
    return found


def _order(
    plan: Plan, member: int, module: int, epoch: int, images: list[_Image]
) -> Iterator[_Image]:
    """Yield the images of an epoch; published: always in the same order (defect 10)."""
    if not plan.config.shuffle or plan.config.compat == "vprsnn":
        yield from images
        return
    rng = numpy_rng(plan.seed(member), f"order of module {module} epoch {epoch}")
    for k in rng.permutation(len(images)):
        yield images[k]


def _last_arrays(last: list[tuple[int, NDArray[np.int32]]]) -> dict[str, NDArray[Any]]:
    return {
        "last_places": np.array([place for place, _ in last], np.int64),
        "last_counts": np.stack([counts for _, counts in last]).astype(np.uint16),
    }


class _FastStdp:
    """The fast engine as a learner."""

    def __init__(self, network: Network, arrays: Any = None) -> None:
        self._learner = FastLearner(network)
        if arrays is not None:
            self._learner.weights[:] = arrays["weights"]
            self._learner.theta[:] = arrays["theta"]

    def show(self, inputs: Raster) -> NDArray[np.int32]:
        self._learner.normalise(self._learner.config.column_target)
        return self._learner.show(inputs)

    def arrays(self) -> dict[str, NDArray[Any]]:
        return {"weights": self._learner.weights, "theta": self._learner.theta}

    def network(self) -> Network:
        return self._learner.network()


class _ExactStdp:
    """The exact engine as a learner: from rest for each image, or with its state carried along."""

    def __init__(self, network: Network, arrays: Any = None) -> None:
        self.config = network.config
        state = State.start(self.config)
        self._owed = np.zeros(self.config.n_e, np.int32)
        if arrays is not None:
            self._owed = arrays["owed"]
            theta = arrays["theta"]
            network = Network(self.config, arrays["weights"], network.delays, theta)
            state = State.from_arrays(arrays)
        self._engine = ExactEngine(network, state)
        if arrays is None and self.config.start_ms:
            self._pause(self.config.start_ms)

    def show(self, inputs: Raster) -> NDArray[np.int32]:
        engine, config = self._engine, self.config
        if config.reset_per_image:
            engine.state = State.rest(config)
        engine.normalise(config.column_target)
        counts = engine.run(inputs, learn=True).excitatory.counts(config.n_e)
        if not config.reset_per_image:  # spikes of the pause count for the next image
            counts = counts + self._owed
            self._owed = self._pause(config.rest_ms)
        return counts

    def arrays(self) -> dict[str, NDArray[Any]]:
        network = self._engine.network()
        return {
            "weights": network.weights,
            "theta": network.theta,
            "owed": self._owed,
            **self._engine.state.to_arrays(),
        }

    def network(self) -> Network:
        return self._engine.network()

    def _pause(self, ms: float) -> NDArray[np.int32]:
        inputs = Raster.empty(self.config.steps(ms))
        return self._engine.run(inputs, learn=True).excitatory.counts(self.config.n_e)
