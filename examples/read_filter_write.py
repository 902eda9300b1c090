"""Open a recording, keep what matters, write it in another format.

Run: python examples/read_filter_write.py [RECORDING [OUTPUT]]
"""

import sys
import tempfile
from pathlib import Path

import saccade
from saccade.events import Denoise, Refractory, downsample

RECORDING = Path(__file__).parents[1] / "tests" / "data" / "ros_640x480_repacked.raw"


def main(recording: Path, output: Path) -> None:
    """Filter packet by packet, so that a recording of any length fits into memory."""
    small = saccade.SensorSize(height=260, width=346)
    denoise, refractory = Denoise(5_000), Refractory(1_000)

    def tidy(packet: saccade.Events) -> saccade.Events:
        return refractory.push(denoise.push(downsample(packet, small)))

    stream = saccade.stream(recording)
    print(stream)
    path = saccade.save(stream.map(tidy, size=small), output)
    print(saccade.open(path), f"{path.stat().st_size:,} bytes")


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as folder:
        names = [Path(word) for word in sys.argv[1:]]
        main(*names, *[RECORDING, Path(folder) / "tidy.h5"][len(names) :])
