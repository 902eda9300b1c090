"""How much longer does the place network take while its activity is measured?

    python benchmarks/energy.py [--arch r18 r34] [--threads 1 2] [--batch 8] [--rounds 15]

The plain (unfused) network at 260x346, float32, on simulated counts of the published event rate,
calibrated so that its neurons fire. Candidates: the network alone, the same call inside a
``measure`` block, and hooks that count the same numbers with torch operations. Times are of whole
calls, with the opening and closing of the block. Before timing, the counts of the kernel are
compared with those of the equations. The energies that docs/energy.md quotes are estimated on the
recording that comes with saccade.
"""

from __future__ import annotations

import argparse
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from harness import Bench
from saccade.energy import ActivityRecord, hooks, measure
from saccade.energy.tally import tally, tally_reference
from saccade.tasks.place.calibrate import calibrate
from saccade.tasks.place.config import PlaceModelConfig
from saccade.tasks.place.config_energy import EnergyConfig
from saccade.tasks.place.model import PUBLISHED_SIZE, PlaceNet
from saccade.tasks.place.task import energy

RECORDING = Path(__file__).parents[1] / "tests" / "data" / "ros_640x480_repacked.raw"
EVENTS_PER_PIXEL = 0.17
"""Events per pixel of a Brisbane frame; each falls into one of two channels."""


def network(arch: str, frames: Tensor) -> PlaceNet:
    """Return an untrained network whose neurons fire on these frames."""
    model = PlaceNet.build(PlaceModelConfig(arch=f"sew_resnet{arch[1:]}"))
    calibrate(model, frames[None], batch=len(frames))
    return model


def measured(model: PlaceNet, frames: Tensor) -> ActivityRecord:
    """Run the network under hooks."""
    with measure(model) as record:
        model(frames)
    return record


def with_torch(run: Callable[[], Any]) -> Any:
    """Run with the counting written in torch operations."""
    hooks.tally = tally_reference
    try:
        return run()
    finally:
        hooks.tally = tally


def price(bench: Bench, arch: str) -> None:
    """Add the energy of an untrained network on a real recording."""
    with tempfile.TemporaryDirectory() as folder:
        config = EnergyConfig(
            recording=RECORDING,
            weights="untrained",
            arch=f"sew_resnet{arch[1:]}",
            input_size="346x260",
            frames=16,
            compare="netvlad",
            out=Path(folder) / "run",
        )
        values = energy(config).values
    names = ("frames", "spikes_per_synapse", "ac_per_inference", "mac_per_inference")
    names += ("dense_mac_per_inference", "real_valued_share", "event_vpr_pj", "energy_pj_by_proxy")
    bench.add(f"energy of untrained {arch}", **{name: values[name] for name in names})


def compare(bench: Bench, arch: str, frames: Tensor, choice: argparse.Namespace) -> None:
    """Add the rows of one network."""
    model = network(arch, frames)
    candidates = {
        "alone": lambda: model(frames),
        "measured": lambda: measured(model, frames),
        "measured with torch": lambda: with_torch(lambda: measured(model, frames)),
    }
    ours = candidates["measured"]().layers()
    theirs = candidates["measured with torch"]().layers()
    bench.add(
        f"counts of {arch}",
        layers=len(ours),
        layers_that_differ=sum(
            a.operations.tolist() != b.operations.tolist()
            or a.spikes_out.tolist() != b.spikes_out.tolist()
            for a, b in zip(ours, theirs, strict=True)
        ),
        silent_layers=sum(not layer.nonzeros.any() for layer in ours),
        values_counted=sum(layer.shape.inputs for layer in ours) * len(frames),
    )
    for threads in choice.threads:
        torch.set_num_threads(threads)
        case = f"{arch}, batch {len(frames)}, {threads} thread(s)"
        pair = {label: candidates[label] for label in ("alone", "measured")}
        bench.compare(case, pair, rounds=choice.rounds, ours="alone")
    bench.compare(f"{case}, counted by torch", candidates, rounds=3, ours="alone")


def main() -> None:
    """Compare counts, then times."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--arch", choices=["r18", "r34"], nargs="+", default=["r18", "r34"])
    parser.add_argument("--threads", type=int, nargs="+", default=[1, 2])
    parser.add_argument("--batch", type=int, default=8)
    parser.add_argument("--rounds", type=int, default=15)
    choice = parser.parse_args()
    bench = Bench(
        "energy",
        "Overhead of measuring activity on the plain place network, 260x346, float32; "
        "ratios are to the network alone",
        threads=max(choice.threads),
    )
    torch.set_grad_enabled(False)
    rate = torch.full((choice.batch, 2, *PUBLISHED_SIZE), EVENTS_PER_PIXEL / 2)
    frames = torch.poisson(rate, generator=torch.Generator().manual_seed(0))
    for arch in choice.arch:
        price(bench, arch)
        compare(bench, arch, frames, choice)
    bench.write()


if __name__ == "__main__":
    main()
