"""How fast is the event-camera pixel model alone, on one core, and what bounds it?

Pixels watch a texture that drifts by half a pixel per step, the largest step the simulator takes,
at several contrasts. ``kernel`` is the model alone; ``with order`` is `events_from_frames`, which
also checks the images and sorts the events. The other candidates are lower limits of anything that
reads the same images: reading them once, and one natural logarithm of each value with NumPy.

    python benchmarks/pixel.py [--rounds 9]
"""

from __future__ import annotations

import argparse
from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from harness import Bench
from saccade.events.types import SensorSize
from saccade.simulate.frames import PixelState, events_from_frames
from saccade.simulate.pixel import PixelModel
from saccade.simulate.pixel_kernel import MOST_PER_STEP, watch

SIZE = SensorSize(260, 346)
STEPS = 32
STEP_US = 500


def drifting(contrast: float) -> NDArray[np.float32]:
    """Luminance float32 [STEPS + 1, H, W] of a texture with a 1/f spectrum that moves to the left.

    ``contrast`` is the standard deviation of log luminance.
    """
    rng = np.random.default_rng(0)
    fy = np.fft.fftfreq(SIZE.height)[:, None]
    fx = np.fft.fftfreq(SIZE.width)[None]
    radius = np.hypot(fy, fx)
    radius[0, 0] = np.inf
    spectrum = np.fft.fft2(rng.standard_normal((SIZE.height, SIZE.width))) / radius
    spread = np.fft.ifft2(spectrum).real.std()
    images = [
        np.fft.ifft2(spectrum * np.exp(2j * np.pi * fx * 0.5 * k)).real / spread
        for k in range(STEPS + 1)
    ]
    return (100.0 * np.exp(contrast * np.stack(images))).astype(np.float32)


def kernel(images: NDArray[np.float32], model: PixelModel) -> tuple[Callable[[], Any], int]:
    """Return a run of the bare kernel on one thread, and how many events it gives."""
    cells = model.cells(SIZE, 1, images[0])
    state, params = cells.copy(), model.params()
    times = np.arange(STEPS + 1) * float(STEP_US)
    near_t = np.empty(STEPS * MOST_PER_STEP, np.int64)
    near_p, work = np.empty(len(near_t), np.uint8), np.empty((6, STEPS))
    out, band = np.empty(1 << 23, np.int64), np.array([0, SIZE.height])

    def run() -> int:
        state[:] = cells
        cursor = np.zeros(1, np.int64)
        return watch(
            state, times, images[1:], params, 1, band, cursor, work, near_t, near_p, out
        )  # fmt: skip

    return run, run()


def ordered(images: NDArray[np.float32], model: PixelModel) -> Callable[[], Any]:
    """Return a run of the whole way from images to sorted events on one thread."""
    cells = model.cells(SIZE, 1, images[0])
    frames = [((k + 1) * STEP_US, image) for k, image in enumerate(images[1:])]

    def run() -> int:
        state = PixelState(cells.copy(), 0)
        pieces = events_from_frames(frames, model, seed=1, size=SIZE, jobs=1, state=state)
        return sum(len(piece) for piece in pieces)

    return run


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--rounds", type=int, default=9)
    rounds = parser.parse_args().rounds
    bench = Bench("pixel", "Pixel model alone: events and pixel-steps per second on one core.")
    steps = STEPS * SIZE.pixels
    models = {"ideal": PixelModel.ideal(0.2), "davis346": PixelModel.davis346()}
    for name, model in models.items():
        for contrast in (0.0, 0.5, 1.0, 2.0):
            images = drifting(contrast)
            run, events = kernel(images, model)
            seconds = bench.compare(
                f"{name}, contrast {contrast:g}",
                {
                    "kernel": run,
                    "with order": ordered(images, model),
                    "limit: read the images": lambda images=images: images[1:].sum(),
                    "limit: NumPy log of the images": lambda images=images: np.log(images[1:]),
                },
                rounds=rounds,
                ours="kernel",
                units=steps,
                unit="pixel-steps",
                events_per_step=round(events / steps, 3),
                kernel_million_events_per_s=0.0,
            )
            row = bench.record["rows"][-1]
            row["kernel_million_events_per_s"] = round(events / seconds["kernel"] / 1e6, 1)
            row["with_order_million_events_per_s"] = round(events / seconds["with order"] / 1e6, 1)
            row["kernel_ns_per_step"] = round(seconds["kernel"] / steps * 1e9, 1)
    bench.write()


if __name__ == "__main__":
    main()
