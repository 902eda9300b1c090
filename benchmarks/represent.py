"""How fast do events become frames, voxel grids and time surfaces, and how near to memory is that?

10 M events of uniform place and polarity on 346x260 pixels, 10 s, one thread. tonic gets its own
record array and torch gets tensors of the same columns, both made beforehand. Results are compared
before they are timed: torch in every count; tonic where it computes the same thing.
``bandwidth_share`` is the bytes a job must read and write (columns in, arrays out), divided
by its time, against a copy of the events in the same run (bytes read plus bytes written).

    OMP_NUM_THREADS=1 python benchmarks/represent.py [--events 10_000_000] [--rounds 5]
"""

from __future__ import annotations

import argparse
import importlib
import os
from collections.abc import Callable
from typing import Any

import numpy as np

from harness import Bench
from saccade.events import Events, SensorSize, windows_by_time
from saccade.events.convert import to_records
from saccade.represent import count_frames, time_surfaces, voxel_grid, voxel_grids

SIZE = SensorSize(height=260, width=346)
DURATION_US, WINDOWS, BINS, SURFACES, TAU_US = 10_000_000, 10, 10, 100, 50_000
TARGETS = {
    "frames / tonic": 15,
    "frames / torch flat": 9,
    "voxel / tonic": 14,
    "surfaces / tonic": 5,
}
SHAPE = (WINDOWS, 2, SIZE.height, SIZE.width)
Candidates = dict[str, Callable[[], Any]]


def recording(count: int, seed: int = 0) -> Events:
    """Return the synthetic recording of the module's docstring."""
    rng = np.random.default_rng(seed)
    t = np.sort(rng.integers(0, DURATION_US, count))
    t[0], t[-1] = 0, DURATION_US
    return Events(
        rng.integers(0, SIZE.width, count),
        rng.integers(0, SIZE.height, count),
        t,
        rng.integers(0, 2, count),
        SIZE,
    )


def rival(name: str) -> Any:
    """Return a library, or None and say so."""
    try:
        return importlib.import_module(name)
    except ImportError:
        print(f"{name} is not installed: left out")
        return None


def torch_frames(events: Events, windows: Any) -> Candidates:
    """Return the ways to count with torch: all windows by one flat index, and window by window."""
    torch = rival("torch")
    if torch is None:
        return {}
    torch.set_num_threads(1)
    x, y, p = (torch.from_numpy(getattr(events, name).copy()) for name in "xyp")
    pairs = [(int(a), int(b)) for a, b in windows]
    first, last, cells = pairs[0][0], pairs[-1][1], 2 * SIZE.pixels
    lengths = torch.tensor([b - a for a, b in pairs])

    def flat(a: int, b: int) -> Any:
        return (p[a:b].long() * SIZE.height + y[a:b].long()) * SIZE.width + x[a:b].long()

    def index_put(index: Any, size: int) -> Any:
        return torch.zeros(size).index_put_((index,), torch.ones(()), accumulate=True)

    def scatter_add(index: Any, size: int) -> Any:
        return torch.zeros(size).scatter_add_(0, index, torch.ones(len(index)))

    def index_add(index: Any, size: int) -> Any:
        return torch.zeros(size).index_add_(0, index, torch.ones(len(index)))

    def bincount(index: Any, size: int) -> Any:
        return torch.bincount(index, minlength=size).float()

    def at_once(form: Callable[[Any, int], Any]) -> Any:
        window = torch.repeat_interleave(torch.arange(len(pairs)), lengths)
        return form(window * cells + flat(first, last), len(pairs) * cells).view(SHAPE)

    def one_by_one(form: Callable[[Any, int], Any]) -> Any:
        return torch.stack([form(flat(a, b), cells) for a, b in pairs]).view(SHAPE)

    forms = (index_put, scatter_add, index_add, bincount)
    return {
        f"torch {form.__name__}, {label}": lambda form=form, way=way: way(form)
        for label, way in (("flat", at_once), ("per window", one_by_one))
        for form in forms
    }


def torch_voxels(events: Events) -> Candidates:
    """Return the voxel grid of weighting "bins-1" with torch: two index_add of signed weights."""
    torch = rival("torch")
    if torch is None:
        return {}
    x, y, t, p = (torch.from_numpy(getattr(events, name).copy()) for name in "xytp")
    span = events.duration_us

    def index_add() -> Any:
        tau = (t - t[0]).double() * ((BINS - 1) / span)
        low = tau.floor().clamp_(max=BINS - 2)
        late = (tau - low).float() * (sign := 2.0 * p - 1.0)
        index = (low.long() * SIZE.height + y.long()) * SIZE.width + x.long()
        grid = torch.zeros(BINS * SIZE.pixels)
        grid.index_add_(0, index, sign - late).index_add_(0, index + SIZE.pixels, late)
        return grid.view(BINS, SIZE.height, SIZE.width)

    return {"torch index_add": index_add}


def tonic_jobs(events: Events) -> dict[str, Candidates]:
    """Return tonic's functions by job. Its voxel grid writes to its input."""
    tonic = rival("tonic")
    if tonic is None:
        return {"frames": {}, "voxel": {}, "surfaces": {}}
    functional = importlib.import_module("tonic.functional")
    records = to_records(events, "tonic")
    signed = records.astype([("x", "<i2"), ("y", "<i2"), ("t", "<i8"), ("p", "<i2")])
    sensor = (SIZE.width, SIZE.height, 2)
    window = DURATION_US // WINDOWS

    def surfaces() -> Any:
        return functional.to_timesurface_numpy(
            records, sensor, dt=DURATION_US // SURFACES, tau=TAU_US
        )

    return {
        "frames": {
            "tonic time_window": lambda: functional.to_frame_numpy(
                records, sensor, time_window=window
            )
        },
        "voxel": {"tonic": lambda: functional.to_voxel_grid_numpy(signed, sensor, BINS)},
        "surfaces": {"tonic": surfaces},
    }


def check(candidates: Candidates, ours: Any) -> None:
    """Refuse to time rivals that give another result."""
    for label, candidate in candidates.items():
        theirs = np.asarray(candidate())
        same = theirs.shape == ours.shape and np.allclose(theirs, ours, atol=1e-3)
        assert same, f"{label} differs"


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--events", type=int, default=10_000_000)
    parser.add_argument("--rounds", type=int, default=5)
    options = parser.parse_args()
    os.environ.setdefault("OMP_NUM_THREADS", "1")
    events = recording(options.events)
    count, bench = len(events), Bench("represent", __doc__.splitlines()[0], ("tonic", "torch"))
    block = np.zeros(13 * count, np.uint8)
    target = np.empty_like(block)
    copied = bench.compare(
        "copy of 13 B per event", {"copy": lambda: np.copyto(target, block)}, ours="copy"
    )
    bandwidth = 2 * block.nbytes / copied["copy"]
    jobs = tonic_jobs(events)
    windows = windows_by_time(events, DURATION_US // WINDOWS)
    at = np.arange(1, SURFACES + 1) * (DURATION_US // SURFACES)

    def run(
        name: str, ours: Callable[[], Any], rivals: Candidates, bytes_in: int, **facts: Any
    ) -> None:
        moved = bytes_in * count + ours().nbytes
        medians = bench.compare(
            name,
            {"saccade": ours, **rivals},
            rounds=options.rounds,
            units=count,
            unit="events",
            **facts,
        )
        share = moved / medians["saccade"] / bandwidth
        bench.record["rows"][-1]["bandwidth_share"] = share
        print(f"  {share:.0%} of the bandwidth of a copy ({bandwidth / 1e9:.1f} GB/s)")

    frames = torch_frames(events, windows)
    check(frames | jobs["frames"], count_frames(events, windows))
    run("frames [10, 2, H, W]", lambda: count_frames(events, windows), jobs["frames"] | frames, 5)
    for kind in ("int32", "int16"):
        run(f"frames, {kind}", lambda kind=kind: count_frames(events, windows, dtype=kind), {}, 5)
    check(jobs["voxel"], voxel_grid(events, BINS, weighting="bins")[:, None])
    torch_voxel = torch_voxels(events)
    check(torch_voxel, voxel_grid(events, BINS))
    for weighting, rivals in (("bins-1", jobs["voxel"] | torch_voxel), ("bins", jobs["voxel"])):
        run(
            f"voxel grid, 10 bins, {weighting}",
            lambda weighting=weighting: voxel_grid(events, BINS, weighting=weighting),
            rivals,
            13,
        )
    run(
        "voxel grids of 10 windows, 10 bins",
        lambda: voxel_grids(events, windows, BINS),
        {},
        13,
    )
    run("100 time surfaces", lambda: time_surfaces(events, at, TAU_US), jobs["surfaces"], 13)
    bench.add("targets", ratios=TARGETS)
    bench.write()


if __name__ == "__main__":
    main()
