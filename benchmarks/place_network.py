"""How fast is the place network on a CPU, against the same network on spikingjelly?

    python benchmarks/place_network.py [--arch r34] [--threads 1 2] [--batch 1 8] [--rounds 7]

SEW-ResNet with MixVPR head at 260x346, weights and frames of the golden data, float32. Candidates:
the fused form, the plain torch model it is made from, and the network written with spikingjelly's
layers (eager, single step, reset before each call). Before timing, spikes of every layer and
descriptors of all three are compared with the golden values. The limit is the arithmetic of the
network at the best matrix-product rate that torch reaches in the same run.
"""

from __future__ import annotations

import argparse
import importlib.util
import json
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from harness import Bench
from saccade.tasks.place.config import PlaceModelConfig
from saccade.tasks.place.inference import fuse
from saccade.tasks.place.model import PlaceNet
from saccade.tasks.place.spikes import record_spikes

PARITY = Path(__file__).parents[1] / "tests" / "parity"
GOLDEN = {"r18": "full_r18_lif", "r34": "full_r34_if"}
BLOCKS = {"r18": (2, 2, 2, 2), "r34": (3, 4, 6, 3)}
MACS = {"r18": 418.2e6, "r34": 828.7e6}
HEAD_MACS = 56.5e6


def golden(arch: str) -> tuple[Any, dict[str, Tensor]]:
    """Return the golden record and the state dict it was made with."""
    sys.path.insert(0, str(PARITY))
    from spikevpr_numbers import formula_weight

    record = np.load(PARITY / "data" / "spikevpr" / f"{GOLDEN[arch]}.npz")
    seed = json.loads(str(record["meta"]))["seed"]
    state = PlaceNet.build(PlaceModelConfig(arch=f"sew_resnet{arch[1:]}")).state_dict()
    for position, (key, value) in enumerate(state.items()):
        if f"stats/{key}" in record.files:
            state[key] = torch.from_numpy(record[f"stats/{key}"]).float()
        else:
            made = formula_weight(key, tuple(value.shape), position, seed)
            state[key] = value if made is None else made
    return record, state


def rival_network(arch: str, head: str) -> nn.Module:
    """Return the network of the layer table on spikingjelly neurons; state keys as published."""
    from spikingjelly.activation_based import neuron, surrogate

    def fires(name: str = "if") -> nn.Module:
        sigmoid = surrogate.Sigmoid(alpha=4.0)
        if name == "lif":
            return neuron.LIFNode(tau=2.0, surrogate_function=sigmoid)
        return neuron.IFNode(surrogate_function=sigmoid, detach_reset=True)

    def separable(inputs: int, outputs: int, size: int, stride: int) -> nn.Sequential:
        return nn.Sequential(
            nn.Conv2d(inputs, inputs, size, stride, size // 2, groups=inputs, bias=False),
            nn.Conv2d(inputs, outputs, 1, bias=False),
        )

    class Block(nn.Module):
        def __init__(self, inputs: int, outputs: int, stride: int) -> None:
            super().__init__()
            first, second = separable(inputs, outputs, 3, stride), separable(outputs, outputs, 3, 1)
            self.conv1 = nn.Sequential(first, nn.BatchNorm2d(outputs))
            self.sn1 = fires()
            self.conv2 = nn.Sequential(second, nn.BatchNorm2d(outputs))
            self.sn2 = fires()
            self.downsample = None
            if stride == 2 or inputs != outputs:
                shrink = nn.Conv2d(inputs, outputs, 1, stride, bias=False)
                unit = nn.Sequential(shrink, nn.BatchNorm2d(outputs))
                self.downsample = nn.Sequential(unit, fires())

        def forward(self, x: Tensor) -> Tensor:
            shortcut = x if self.downsample is None else self.downsample(x)
            return self.sn2(self.conv2(self.sn1(self.conv1(x)))) + shortcut

    class Mixer(nn.Module):
        def __init__(self, cells: int) -> None:
            super().__init__()
            self.ln, self.sn = nn.LayerNorm(cells), fires(head)
            self.fc, self.fc2 = nn.Linear(cells, cells), nn.Linear(cells, cells)

        def forward(self, x: Tensor) -> Tensor:
            return x + self.fc2(self.sn(self.fc(self.ln(x))))

    class Head(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.mix = nn.Sequential(*(Mixer(99) for _ in range(3)))
            self.channel_proj, self.row_proj = nn.Linear(512, 512), nn.Linear(99, 8)

        def forward(self, x: Tensor) -> Tensor:
            mixed = self.mix(x.flatten(2)).transpose(1, 2)
            rows = self.row_proj(self.channel_proj(mixed).transpose(1, 2))
            return nn.functional.normalize(rows.flatten(1), dim=-1)

    class Network(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.aggregator = Head()
            self.conv1, self.bn1, self.sn1 = separable(2, 64, 7, 2), nn.BatchNorm2d(64), fires()
            self.pool, width = nn.MaxPool2d(3, 2, 1), 64
            for stage, count in enumerate(BLOCKS[arch]):
                outputs = 64 << stage
                steps = [2 if stage else 1] + [1] * (count - 1)
                blocks = [
                    Block(width if i == 0 else outputs, outputs, s) for i, s in enumerate(steps)
                ]
                self.add_module(f"layer{stage + 1}", nn.Sequential(*blocks))
                width = outputs

        def forward(self, x: Tensor) -> Tensor:
            x = self.pool(self.sn1(self.bn1(self.conv1(x))))
            for stage in range(1, 5):
                x = getattr(self, f"layer{stage}")(x)
            return self.aggregator(x)

    return Network()


def counted(network: nn.Module, frames: Tensor) -> tuple[Tensor, dict[str, Tensor]]:
    """Run a spikingjelly network with its spikes counted."""
    from spikingjelly.activation_based import neuron

    counts: dict[str, Tensor] = {}

    def hook(name: str) -> Callable[..., None]:
        def count(_module: nn.Module, _inputs: Any, spikes: Tensor) -> None:
            counts[name] = spikes.flatten(1).sum(1).long()

        return count

    nodes = {n: m for n, m in network.named_modules() if isinstance(m, neuron.BaseNode)}
    handles = [module.register_forward_hook(hook(name)) for name, module in nodes.items()]
    descriptors = network(frames)
    for handle in handles:
        handle.remove()
    return descriptors, counts


def accuracy(record: Any, descriptors: Tensor, counts: dict[str, Tensor]) -> dict[str, float]:
    """Compare with the golden float64 values."""
    names = [str(name) for name in record["neuron_names"]]
    wanted = torch.from_numpy(record["spike_counts"])
    off = [
        (counts[name] - wanted[:, i]).abs().max() for i, name in enumerate(names) if name in counts
    ]
    reference = torch.from_numpy(record["descriptor"])
    cosine = torch.nn.functional.cosine_similarity(descriptors.float(), reference).min()
    return {
        "layers_compared": len(off),
        "worst_spike_count_difference": int(max(off)),
        "cosine_to_golden": float(cosine),
    }


def peak_rate() -> float:
    """Return the best multiply-accumulates per second of a float32 matrix product."""
    best = 0.0
    for rows, inner, columns in ((1024, 1024, 1024), (1452, 128, 128), (374, 256, 256)):
        a, b, out = (
            torch.randn(rows, inner),
            torch.randn(inner, columns),
            torch.empty(rows, columns),
        )
        for _ in range(20):
            begin = time.perf_counter()
            torch.mm(a, b, out=out)
            best = max(best, rows * inner * columns / (time.perf_counter() - begin))
    return best


def main() -> None:
    """Compare accuracy, then speed for every number of threads and batch size."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--arch", choices=sorted(GOLDEN), default="r34")
    parser.add_argument("--threads", type=int, nargs="+", default=[1, 2])
    parser.add_argument("--batch", type=int, nargs="+", default=[1, 8])
    parser.add_argument("--rounds", type=int, default=7)
    choice = parser.parse_args()
    bench = Bench(
        "place_network" if choice.arch == "r34" else f"place_network_{choice.arch}",
        "Embedding of a 260x346 frame, float32, against the same network on spikingjelly",
        packages=("spikingjelly",),
        threads=max(choice.threads),
    )
    record, state = golden(choice.arch)
    head = GOLDEN[choice.arch].rsplit("_", 1)[1]
    config = PlaceModelConfig(arch=f"sew_resnet{choice.arch[1:]}", head_neuron=head)
    model = PlaceNet.build(config)
    model.load_state_dict(state)
    fused = fuse(model.eval())
    frames = torch.from_numpy(record["frames"]).float()
    torch.set_grad_enabled(False)

    bench.add("accuracy saccade", **accuracy(record, *fused.with_spikes(frames)))
    with record_spikes(model) as spikes:
        descriptors = model(frames)
    plain = {name: spikes.per_sample(name) for name in spikes.counts}
    bench.add("accuracy saccade unfused", **accuracy(record, descriptors, plain))
    with torch.autocast("cpu", torch.bfloat16), record_spikes(model) as spikes:
        short = model(frames)
    plain = {name: spikes.per_sample(name) for name in spikes.counts}
    cosine = torch.nn.functional.cosine_similarity(short.float(), descriptors).tolist()
    bench.add("accuracy bf16 autocast", **accuracy(record, short, plain), cosine_to_float32=cosine)

    candidates: dict[str, Callable[[Tensor], Any]] = {"saccade": fused, "saccade unfused": model}
    if importlib.util.find_spec("spikingjelly") is None:
        print("spikingjelly is not installed: no rival in this run", flush=True)
    else:
        candidates["spikingjelly"] = rival = rival_network(choice.arch, head).eval()
        rival.load_state_dict(state)
        bench.add("accuracy spikingjelly", **accuracy(record, *counted(rival, frames)))
        candidates["spikingjelly"] = _stateless(rival)
    for threads in choice.threads:
        torch.set_num_threads(threads)
        for batch in choice.batch:
            x = frames[:1].repeat(batch, 1, 1, 1)
            runs = {label: (lambda f=f, x=x: f(x)) for label, f in candidates.items()}
            if batch == 1:  # Without bf16 units it takes seconds for larger batches.
                runs["bf16 autocast"] = lambda x=x: _autocast(model)(x)
            case = f"{choice.arch}, batch {batch}, {threads} thread(s)"
            medians = bench.compare(case, runs, rounds=choice.rounds, units=batch, unit="frames")
            rate, macs = peak_rate(), batch * (MACS[choice.arch] + HEAD_MACS)
            bench.add(
                f"limit of {case}",
                peak_gmac_per_s=rate / 1e9,
                limit_ms=1e3 * macs / rate,
                share_of_limit=macs / rate / medians["saccade"],
            )
    bench.write()


def _stateless(network: nn.Module) -> Callable[[Tensor], Tensor]:
    """Forget the membranes before every call: other batch sizes would be refused."""
    from spikingjelly.activation_based import functional

    def run(x: Tensor) -> Tensor:
        functional.reset_net(network)
        return network(x)

    return run


def _autocast(model: nn.Module) -> Callable[[Tensor], Tensor]:
    def run(x: Tensor) -> Tensor:
        with torch.autocast("cpu", torch.bfloat16):
            return model(x)

    return run


if __name__ == "__main__":
    main()
