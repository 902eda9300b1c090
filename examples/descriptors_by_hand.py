"""Events to place descriptors in a dozen lines: what `saccade retrieve` does, by hand.

Run: python examples/descriptors_by_hand.py
"""

from pathlib import Path

import torch

import saccade
from saccade.events import downsample, windows_by_time
from saccade.represent import count_frames
from saccade.retrieval import bank_health, rank
from saccade.tasks.place.calibrate import calibrate
from saccade.tasks.place.inference import fuse
from saccade.tasks.place.model import PlaceNet

RECORDING = Path(__file__).parents[1] / "tests" / "data" / "ros_640x480_repacked.raw"


def main() -> None:
    """Embed every second window, look the others up among them."""
    events = downsample(saccade.open(RECORDING), saccade.SensorSize(height=260, width=346))
    windows = windows_by_time(events, 100_000)  # int64 [K, 2], index ranges
    frames = torch.from_numpy(count_frames(events, windows))  # float32 [K, 2, 260, 346], (OFF, ON)

    model = PlaceNet.sew_resnet18(seed=0)  # untrained: random features
    calibrate(model, frames[:8])  # without this an untrained network is silent
    vectors = fuse(model.eval())(frames).numpy()  # float32 [K, 4096], unit length

    references, queries = vectors[::2], vectors[1::2]
    ranking = rank(queries, references, n=1)
    print(bank_health(references).explanation)
    for query, (reference,) in enumerate(ranking.indices.tolist()):
        print(f"window {2 * query + 1:2d} is most like window {2 * reference:2d}")


if __name__ == "__main__":
    main()
