"""A route of six places in two conditions, and networks of two modules that learned it."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from saccade.tasks.place_stdp.config import DeltaArgs, InputArgs, JobArgs, StdpArgs, TrainConfig
from saccade.tasks.place_stdp.config_model import Learner
from saccade.tasks.place_stdp.model import Member
from saccade.tasks.place_stdp.task import train
from saccade.traverses import SetArgs

PLACES, NEURONS = 6, 20
ONE_JOB = JobArgs(jobs=1)


def route(seed: int = 0) -> dict[str, NDArray[np.uint8]]:
    """Return images uint8 ``[6, 28, 28]`` of a day, and of a night: darker, with noise."""
    rng = np.random.default_rng(seed)
    coarse = rng.integers(0, 256, (PLACES, 6, 8)).astype(np.uint8)
    small = [Image.fromarray(image).resize((28, 28)) for image in coarse]
    day = np.stack([np.asarray(image) for image in small])
    night = np.clip(0.7 * day + rng.normal(0, 8, day.shape), 0, 255).astype(np.uint8)
    return {"day": day, "night": night}


def route_file(folder: Path) -> Path:
    """Write both conditions into one file."""
    path = folder / "route.npz"
    np.savez(path, **route())  # type: ignore[arg-type]
    return path


def set_args(path: Path) -> SetArgs:
    """Return night looked up in day."""
    return SetArgs(data="images", root=path, tests=("night:day",))


def tiny_run(folder: Path, learner: Learner = "stdp", members: int = 1) -> Path:
    """Train two modules of three places each; returns the run folder."""
    cfg = TrainConfig(
        data=set_args(route_file(folder)),
        learner=learner,
        inputs=InputArgs(grid="28x28" if learner == "stdp" else "8x6"),
        stdp=StdpArgs(neurons=NEURONS, input_ms=120.0),
        delta=DeltaArgs(delta_epochs=30),
        module_places=3,
        epochs=2,
        members=members,
        name=learner,
        out=folder,
        work=ONE_JOB,
    )
    train(cfg)
    return folder / learner


def write_published(folder: Path, member: Member, *, presentations: int = 12) -> Path:
    """Write the modules of a member in the layout of VPRSNN; labels count along the route."""
    for k in range(member.modules):
        (network,) = member.networks(range(k, k + 1))
        places, known = member.assignment(k)
        ending = f"_ne{NEURONS}_L{len(places)}_offset{places[0]}"
        weights, outputs = (folder / kind / f"{kind}{ending}" for kind in ("weights", "outputs"))
        for path in (weights, outputs):
            path.mkdir(parents=True)
        i, j = np.indices(network.weights.shape)
        rows = np.stack([i.ravel(), j.ravel(), network.weights.ravel()], axis=1)
        np.save(weights / f"XeAe{presentations}.npy", rows)
        np.save(weights / f"theta_A{presentations}.npy", network.theta / 1e3)
        np.save(outputs / f"resultPopVecs{presentations}.npy", known.table().T)
        labels = np.tile(places, presentations // len(places))
        np.save(outputs / "inputNumbers.npy", labels.astype(float))
    return folder
