"""How fast are the neurons against a memcpy and against other libraries?

Run where the rivals are installed: ``OMP_NUM_THREADS=1 python benchmarks/neurons.py``. Rows: IF,
LIF and PLIF over T x N with fresh results; growth of time from T=16 to T=64; memory beyond input,
spikes and their gradients; cost of a call on a tiny layer. A library that is not installed is left
out and named. ``--quick`` leaves out the largest tensors.
"""

from __future__ import annotations

import argparse
import importlib
import importlib.util
import json
import subprocess
import sys
import time
from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor

from harness import Bench
from saccade.neurons import IF, LIF, PLIF

SIZES = [(4, 10**6), (16, 10**6), (16, 10**5), (64, 10**5), (64, 10**6)]
RIVALS = ("spikingjelly", "snntorch", "norse", "sinabs")
OURS: dict[str, Callable[[], torch.nn.Module]] = {
    "IF": IF.spikingjelly,
    "LIF": LIF.spikingjelly,
    "PLIF": PLIF.spikingjelly,
}


def spikingjelly(kind: str) -> Callable[[Tensor], Tensor]:
    """Multi-step node with its torch back end (the only one on a CPU)."""
    neuron = importlib.import_module("spikingjelly.activation_based.neuron")
    functional = importlib.import_module("spikingjelly.activation_based.functional")
    classes = {"IF": neuron.IFNode, "LIF": neuron.LIFNode, "PLIF": neuron.ParametricLIFNode}
    node = classes[kind](step_mode="m")

    def run(x: Tensor) -> Tensor:
        functional.reset_net(node)
        return node(x)

    return run


def snntorch(kind: str) -> Callable[[Tensor], Tensor]:
    """The loop its tutorials write."""
    library = importlib.import_module("snntorch")
    node = library.Leaky(beta=1.0 if kind == "IF" else 0.5, reset_mechanism="zero")

    def run(x: Tensor) -> Tensor:
        mem, out = node.init_leaky(), []
        for t in range(x.shape[0]):
            spikes, mem = node(x[t], mem)
            out.append(spikes)
        return torch.stack(out)

    return run


def norse(kind: str) -> Callable[[Tensor], Tensor]:
    """LIFBox stepped over time."""
    box = importlib.import_module("norse.torch.functional.lif_box")
    p = box.LIFBoxParameters(tau_mem_inv=torch.tensor(0.0 if kind == "IF" else 500.0))

    def run(x: Tensor) -> Tensor:
        state, out = box.LIFBoxFeedForwardState(v=torch.zeros_like(x[0])), []
        for t in range(x.shape[0]):
            spikes, state = box.lif_box_feed_forward_step(x[t], state, p)
            out.append(spikes)
        return torch.stack(out)

    return run


def sinabs(kind: str) -> Callable[[Tensor], Tensor]:
    """Its layer wants (batch, time, ...); the view costs nothing."""
    layers = importlib.import_module("sinabs.layers")
    node = layers.IAF() if kind == "IF" else layers.LIF(tau_mem=2.0)

    def run(x: Tensor) -> Tensor:
        node.reset_states()
        return node(x.transpose(0, 1)).transpose(0, 1)

    return run


MAKERS = {"spikingjelly": spikingjelly, "snntorch": snntorch, "norse": norse, "sinabs": sinabs}


def candidates(kind: str, backward: bool, x: Tensor, g: Tensor) -> dict[str, Callable[[], Any]]:
    """Ours, a memcpy, and the installed rivals that have this neuron."""
    runs: dict[str, Callable[[Tensor], Tensor]] = {"saccade": OURS[kind]()}
    for name in RIVALS:
        if importlib.util.find_spec(name) is None or (kind == "PLIF" and name != "spikingjelly"):
            continue
        runs[name] = MAKERS[name](kind)

    def forward(run: Callable[[Tensor], Tensor]) -> Callable[[], Any]:
        def call() -> Any:
            with torch.no_grad():
                return run(x)

        return call

    def both(run: Callable[[Tensor], Tensor]) -> Callable[[], Any]:
        def call() -> Any:
            leaf = x.detach().requires_grad_()
            run(leaf).backward(g)
            return leaf.grad

        return call

    found = {name: (both if backward else forward)(run) for name, run in runs.items()}
    if not backward:
        found["memcpy"] = x.clone
        into = torch.empty_like(x)
        found["memcpy_into_kept_memory"] = lambda: into.copy_(x)
    return found


def speed(bench: Bench, rounds: int, most: int) -> None:
    """Forward, and forward + backward, of every neuron and size."""
    generator = torch.Generator().manual_seed(0)
    for kind in OURS:
        for T, N in SIZES:
            large = T * N > 2 * 10**7
            if most < T * N or (large and kind != "LIF"):
                continue
            x = torch.randn(T, 1, N, generator=generator) + 0.3
            g = torch.randn(T, 1, N, generator=generator)
            for backward in (False, True):
                found = candidates(kind, backward, x, g)
                if large:
                    # Libraries whose backward is quadratic in T would take minutes here.
                    found = {
                        k: v for k, v in found.items() if k not in ("snntorch", "norse", "sinabs")
                    }
                what = "forward+backward" if backward else "forward"
                bench.compare(
                    f"{kind} {T} x {N:,} {what}",
                    found,
                    rounds=max(3, rounds // (1 + T * N // 10**7)),
                    units=T * N,
                    unit="neuron steps",
                    neuron=kind,
                    T=T,
                    N=N,
                    what=what,
                )


def growth(bench: Bench, rounds: int, N: int) -> None:
    """time(T=64) / time(T=16) at fixed N, forward + backward; 4 is linear."""
    for kind in OURS:
        inputs = {T: torch.randn(T, 1, N) for T in (16, 64)}
        runs = {
            f"T={T}": candidates(kind, True, x, torch.ones_like(x))["saccade"]
            for T, x in inputs.items()
        }
        times = bench.compare(f"{kind} growth with T, N = {N:,}", runs, rounds=rounds, ours="T=16")
        bench.add(f"{kind} growth ratio, N = {N:,}", ratio=times["T=64"] / times["T=16"])


def overhead(bench: Bench) -> None:
    """Microseconds a call takes on 4 x 100 neurons, beyond an addition of the same tensors."""
    x = torch.randn(4, 1, 100)
    leaf, g = x.clone().requires_grad_(), torch.ones_like(x)
    layer = LIF(0.5)
    calls: dict[str, Callable[[], Any]] = {
        "addition": lambda: torch.add(x, x),
        "forward": lambda: layer(x),
        "forward with graph": lambda: layer(leaf),
        "forward+backward": lambda: torch.autograd.grad(layer(leaf), leaf, g),
        "addition forward+backward": lambda: torch.autograd.grad(leaf + leaf, leaf, g),
    }
    best = dict.fromkeys(calls, float("inf"))
    for _ in range(40):
        for name, call in calls.items():
            begin = time.perf_counter()
            for _ in range(100):
                call()
            best[name] = min(best[name], (time.perf_counter() - begin) / 100)
    bench.add("call on 4 x 100", microseconds={name: value * 1e6 for name, value in best.items()})


MEMORY = """
import json, resource, sys, torch
from saccade.neurons import IF, LIF, PLIF
torch.set_num_threads(1)
kind, T, N = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
layer = {"IF": IF, "LIF": LIF, "PLIF": PLIF}[kind]()
def peak():
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
small = torch.zeros(T, 1, 64, requires_grad=True)
layer(small).backward(torch.zeros(T, 1, 64))  # loads what torch loads on a first backward
x = torch.full((T, 1, N), 0.4).requires_grad_()
g = torch.full((T, 1, N), 0.1)
before = peak()
spikes = layer(x)
spikes.backward(g)
print(json.dumps({"peak_growth": peak() - before, "tensor": 4 * T * N}))
"""


def memory(bench: Bench) -> None:
    """Peak resident growth of forward + backward, less spikes and the gradient of x."""
    for kind in OURS:
        arguments = [sys.executable, "-c", MEMORY, kind, "16", "1000000"]
        run = subprocess.run(arguments, capture_output=True, text=True, check=True)
        found = json.loads(run.stdout)
        extra = found["peak_growth"] - 2 * found["tensor"]
        bench.add(
            f"{kind} 16 x 1,000,000 memory",
            extra_bytes=extra,
            share_of_4TN=extra / found["tensor"],
            how="peak resident growth over x and dL/d spikes, less spikes and dL/dx",
        )


def main() -> None:
    """Measure and write."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true")
    parser.add_argument("--rounds", type=int, default=9)
    options = parser.parse_args()
    torch.set_num_threads(1)
    absent = [name for name in RIVALS if importlib.util.find_spec(name) is None]
    if absent:
        print(f"not installed, left out: {', '.join(absent)}")
    bench = Bench("neurons", "Speed and memory of multi-step neurons on the CPU", RIVALS)
    bench.record["left_out"] = absent
    overhead(bench)
    memory(bench)
    growth(bench, options.rounds, 10**5 if options.quick else 10**6)
    speed(bench, options.rounds, 2 * 10**7 if options.quick else 10**8)
    bench.write()


if __name__ == "__main__":
    main()
