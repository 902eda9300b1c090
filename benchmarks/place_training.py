"""How fast and how large is a training step of the place network, against spikingjelly?

    python benchmarks/place_training.py [--arch r34] [--threads 1 2] [--frames 8] [--rounds 5]

One step: forward, InfoNCE, backward, AdamW, on 8 frames of 260x346 in 4 places, float32, weights
and frames of the golden data. The rival is the same network written with spikingjelly's layers
(eager), the same loss and optimiser. Memory is the peak of a process of its own over the peak after
its imports and before its network.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from harness import Bench
from place_network import GOLDEN, golden, rival_network
from saccade.tasks.place.config import PlaceModelConfig
from saccade.tasks.place.loss import info_nce
from saccade.tasks.place.model import PlaceNet

STEPS_FOR_MEMORY = 3


def batch(record: Any, frames: int) -> tuple[Tensor, Tensor]:
    """Return frames that differ from each other, and two of each place."""
    base = torch.from_numpy(record["frames"]).float()
    shifted = [base[k % len(base)].roll(7 * k, dims=-1) for k in range(frames)]
    return torch.stack(shifted), torch.arange(frames // 2).repeat(2)


def network_of(name: str, arch: str) -> nn.Module:
    """Return the network with the golden weights, in training mode."""
    head = GOLDEN[arch].rsplit("_", 1)[1]
    if name == "spikingjelly":
        network: nn.Module = rival_network(arch, head)
    else:
        config = PlaceModelConfig(arch=f"sew_resnet{arch[1:]}", head_neuron=head)  # pyright: ignore[reportArgumentType]
        network = PlaceNet.build(config)
    network.load_state_dict(golden(arch)[1])
    return network.train()


def first_losses(arch: str, frames: int, dtype: torch.dtype) -> dict[str, float]:
    """Return the loss before the first step.

    In float32 the rounding of batch statistics decides about spikes at the threshold, and flipped
    spikes multiply from layer to layer; in float64 the losses have to agree.

    Raises:
        SystemExit: The losses differ in float64.
    """
    x, labels = batch(golden(arch)[0], frames)
    found: dict[str, float] = {}
    for name in ("saccade", "spikingjelly"):
        with torch.no_grad():
            vectors = network_of(name, arch).to(dtype)(x.to(dtype))
        found[name] = float(info_nce(vectors, labels))
    difference = abs(found["saccade"] - found["spikingjelly"])
    if dtype == torch.float64 and difference > 1e-9:
        raise SystemExit(f"The networks differ: {found}")
    return found


def stepper(name: str, arch: str, frames: int) -> Callable[[], float]:
    """Return a function that makes one training step and returns the loss."""
    record, _ = golden(arch)
    x, labels = batch(record, frames)
    network = network_of(name, arch)
    if name == "spikingjelly":
        from spikingjelly.activation_based import functional
    else:
        network = network.to(memory_format=torch.channels_last)  # pyright: ignore[reportCallIssue]
        x = x.contiguous(memory_format=torch.channels_last)
    optimizer = torch.optim.AdamW(network.parameters(), lr=1e-3, weight_decay=1e-4)

    def step() -> float:
        if name == "spikingjelly":
            functional.reset_net(network)
        loss = info_nce(network(x), labels)
        optimizer.zero_grad(set_to_none=True)
        loss.backward()
        optimizer.step()
        return float(loss.detach())

    return step


def memory(name: str, arch: str, frames: int) -> dict[str, float]:
    """Run some steps in a process of their own; return its peak over the import base, MiB."""
    words = ["--memory-of", name, "--arch", arch, "--frames", str(frames)]
    done = subprocess.run(
        [sys.executable, "-W", "ignore", str(Path(__file__)), *words],
        capture_output=True, text=True, check=True,
    )  # fmt: skip
    return json.loads(done.stdout.splitlines()[-1])


def peak_mib() -> float:
    """Return the most this process has held so far; unlike ru_maxrss it begins anew with exec."""
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("VmHWM")) / 1024


def measured_memory(name: str, arch: str, frames: int) -> None:
    if name == "spikingjelly":
        import spikingjelly.activation_based  # noqa: F401  # pyright: ignore[reportMissingImports, reportUnusedImport]
    torch.set_num_threads(1)
    base = peak_mib()
    step = stepper(name, arch, frames)
    for _ in range(STEPS_FOR_MEMORY):
        step()
    peak = peak_mib()
    print(json.dumps({"base_mib": base, "peak_mib": peak, "over_base_mib": peak - base}))


def main() -> None:
    """Compare losses, then time, then memory."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--arch", choices=sorted(GOLDEN), default="r34")
    parser.add_argument("--threads", type=int, nargs="+", default=[1, 2])
    parser.add_argument("--frames", type=int, default=8)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--memory-of", default="")
    choice = parser.parse_args()
    if choice.memory_of:
        measured_memory(choice.memory_of, choice.arch, choice.frames)
        return
    bench = Bench(
        "place_training",
        "Training step of the place network, float32, against the same network on spikingjelly",
        packages=("spikingjelly",),
        threads=max(choice.threads),
    )
    names = ("saccade", "spikingjelly")
    for dtype in (torch.float64, torch.float32):
        losses = first_losses(choice.arch, choice.frames, dtype)
        bench.add(f"loss before the first step, {dtype}".replace("torch.", ""), **losses)
    for threads in choice.threads:
        torch.set_num_threads(threads)
        runs = {name: stepper(name, choice.arch, choice.frames) for name in names}
        case = f"{choice.arch}, {choice.frames} frames, {threads} thread(s)"
        bench.compare(case, runs, rounds=choice.rounds, units=choice.frames, unit="frames")
    found = {name: memory(name, choice.arch, choice.frames) for name in names}
    share = found["saccade"]["over_base_mib"] / found["spikingjelly"]["over_base_mib"]
    bench.add("memory over the import base", **found, share_of_rival=share)
    bench.write()


if __name__ == "__main__":
    main()
