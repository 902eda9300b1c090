"""Compare simulated recordings with real ones; writes docs/results/simulator_realism.json.

    python docs/realism.py REAL_DATA_FOLDER [--seconds 4] [--seed 1]

Per recording: events per pixel and second, share of ON events, quantiles of the time between two
events of the same pixel. Windows of equal length are compared, since a short recording cannot show
a long interval: each simulated recording is cut into windows as long as its real counterpart.
"""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path

import numpy as np

from saccade.events import Events, SensorSize, io
from saccade.files import write_atomically
from saccade.simulate.config import FlowConfig, TraverseConfig
from saccade.simulate.config_pixels import PixelConfig
from saccade.simulate.worlds import plan

sys.path.insert(0, str(Path(__file__).parents[1] / "benchmarks"))
from harness import commit, machine

REAL = {
    "drive": (
        "events/evt3/drive_1280x720.raw",
        {},
        "a car in a street, by day (Prophesee Gen4.1, 1280x720)",
    ),
    "slider": (
        "events/text/slider_depth_chunk_240x180.txt",
        {"size": SensorSize(180, 240)},
        "a slider before a table (DAVIS240C, 240x180)",
    ),
}


def intervals_us(events: Events) -> np.ndarray:
    """Return the times between consecutive events of the same pixel."""
    pixel = events.y.astype(np.int64) * events.size.width + events.x
    order = np.lexsort((events.t, pixel))
    gaps = np.diff(events.t[order])
    return gaps[np.diff(pixel[order]) == 0]


def describe(events: Events, window_us: int) -> dict[str, float]:
    """Return the figures of a recording, averaged over windows of a given length."""
    start, end = int(events.t[0]), int(events.t[-1])
    rows = []
    gaps = []
    for begin in range(start, max(end - window_us, start) + 1, window_us):
        piece = events.slice_time(begin, begin + window_us)
        rows.append((len(piece) / (window_us * 1e-6) / events.size.pixels, piece.on_fraction))
        gaps.append(intervals_us(piece))
    gap = np.concatenate(gaps)
    quantiles = np.quantile(gap, (0.1, 0.5, 0.9)) if gap.size else (np.nan,) * 3
    rate, on = np.nanmean(np.array(rows, float), axis=0)
    return {
        "windows": len(rows),
        "events_per_pixel_and_second": float(rate),
        "on_share": float(on),
        "interval_ms_10": float(quantiles[0]) / 1e3,
        "interval_ms_50": float(quantiles[1]) / 1e3,
        "interval_ms_90": float(quantiles[2]) / 1e3,
    }


def simulated(seconds: float, seed: int) -> dict[str, Events]:
    """Return our counterparts of the real recordings, by the same kind of sensor."""
    street = TraverseConfig(
        pixels=PixelConfig(camera="gen4", size="640x360"), out=Path("unused"),
        condition=("day",), stops=0, seconds=seconds, seed=seed,
    )  # fmt: skip
    room = FlowConfig(
        pixels=PixelConfig(camera="davis240"),
        out=Path("unused"),
        scene="room",
        seconds=seconds,
        seed=seed,
    )
    found: dict[str, Events] = {}
    for name, config in (("drive", street), ("slider", room)):
        job = plan(config)[0]
        stage = job.make_stage().stage
        found[name] = stage.events(job.recording.duration_us)["left"]
    return found


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("real", type=Path)
    parser.add_argument("--seconds", type=float, default=4.0)
    parser.add_argument("--seed", type=int, default=1)
    args = parser.parse_args()
    ours = simulated(args.seconds, args.seed)
    rows = []
    for name, (path, options, what) in REAL.items():
        real = io.open(args.real / path, **options)
        window_us = int(real.t[-1] - real.t[0]) + 1
        theirs, mine = describe(real, window_us), describe(ours[name], window_us)
        ratio = {key: mine[key] / theirs[key] for key in theirs if key != "windows"}
        rows.append(
            {
                "name": name, "real_file": path, "what": what, "window_ms": window_us / 1e3,
                "real": theirs, "simulated": mine, "ratio": ratio,
            }
        )  # fmt: skip
        print(name, json.dumps(ratio, indent=1))
    record = {
        "command": f"python docs/realism.py DATA --seconds {args.seconds:g} --seed {args.seed}",
        "commit": commit(),
        "machine": machine(),
        "rows": rows,
    }
    target = Path(__file__).parent / "results" / "simulator_realism.json"
    target.parent.mkdir(exist_ok=True)
    write_atomically(target, (json.dumps(record, indent=1) + "\n").encode())


if __name__ == "__main__":
    main()
