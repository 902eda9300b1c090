"""Real images as event traverses: a simulated camera pans over the stills of a route.

    stills [N, h, w] --pan of one seed--> luminance --event camera--> events
           still k shows from k dwell to (k + 1) dwell; its frame counts the middle of that time,
           when the events of the cut from still to still have died away

Speed, direction, offset, shake, grain and pixel noise are drawn anew for every pass, so that two
passes over one place differ as two drives do. Results carry "simulated events from real images".
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict, dataclass
from hashlib import sha256
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from saccade.contracts import Progress
from saccade.errors import ConfigError
from saccade.events.types import Events, SensorSize
from saccade.files import replacing
from saccade.simulate.frames import events_from_frames
from saccade.simulate.pan import Pan
from saccade.simulate.pixel import PixelModel

__all__ = ["PanSettings", "stored_passes", "watch_stills"]

_MOST_COUNT = 255
_MAKING = "cuts between stills"
"""How passes are made, in words: another way gives other files."""


@dataclass(frozen=True, kw_only=True)
class PanSettings:
    """How a pass over stills is made.

    Args:
        size: Sensor, 256x128 in our results.
        dwell_us: Time per still.
        window_us: Time counted in the middle of each still, clear of the cuts around it.
        speed_px_s: Least and largest speed of the pan.
        offset_px: Largest offset of the view along either axis.
        shake_px: Least and largest root mean square of the shake.
        noise: Grain of the stills, standard deviation in ln luminance.
        white_cd_m2: Luminance of white.

    Raises:
        ConfigError: The window is longer than the time per still.
    """

    size: SensorSize
    dwell_us: int = 80_000
    window_us: int = 60_000
    speed_px_s: tuple[float, float] = (80.0, 160.0)
    offset_px: float = 4.0
    shake_px: tuple[float, float] = (0.1, 0.5)
    noise: float = 0.02
    white_cd_m2: float = 1000.0

    def __post_init__(self) -> None:
        if not 0 < self.window_us <= self.dwell_us:
            raise ConfigError(
                f"A window of {self.window_us:,} µs in {self.dwell_us:,} µs per still.",
                "Expected a window above 0 and no longer than that.",
            )


def watch_stills(
    stills: NDArray[np.uint8], seed: int, settings: PanSettings, *, jobs: int = 2
) -> Iterator[NDArray[np.uint8]]:
    """Yield the count frame of each still, uint8 ``[2, H, W]``, channels (OFF, ON).

    Args:
        stills: ``[N, h, w]`` as shown on a screen; resized to cover the sensor.
        seed: Everything that is drawn for this pass.
        settings: Camera and motion.
        jobs: Threads; the result does not depend on them.

    Examples:
        >>> stills = np.random.default_rng(0).integers(0, 255, (3, 8, 16), np.uint8)
        >>> settings = PanSettings(size=SensorSize(32, 64), dwell_us=20_000, window_us=10_000)
        >>> [frame.shape for frame in watch_stills(stills, 1, settings)]
        [(2, 32, 64), (2, 32, 64), (2, 32, 64)]
    """
    pan = Pan(
        stills,
        seed=seed,
        size=settings.size,
        speed_px_s=settings.speed_px_s,
        offset_px=settings.offset_px,
        shake_px=settings.shake_px,
        noise=settings.noise,
        dwell=settings.dwell_us / 1e6,
        fade=0.0,
        white_cd_m2=settings.white_cd_m2,
    )
    pieces = events_from_frames(
        pan.frames(), PixelModel(), seed=seed, size=settings.size, jobs=jobs
    )
    starts = pan.windows_us[:, 0] + (settings.dwell_us - settings.window_us) // 2
    frame = np.zeros(2 * settings.size.pixels, np.int64)
    k = 0
    for piece in pieces:
        while k < len(starts) and len(piece):
            low, high = np.searchsorted(piece.t, [starts[k], starts[k] + settings.window_us])
            frame += _counted(piece[int(low) : int(high)])
            if piece.t[-1] < starts[k] + settings.window_us:
                break
            yield _finished(frame, settings.size)
            frame[:] = 0
            k += 1
    for _ in range(k, len(starts)):
        yield _finished(frame, settings.size)
        frame[:] = 0


def stored_passes(
    stills: NDArray[np.uint8],
    seeds: tuple[int, ...],
    settings: PanSettings,
    folder: Path,
    name: str,
    *,
    progress: Progress | None = None,
) -> list[NDArray[np.uint8]]:
    """Return passes as memory maps ``[N, 2, H, W]``, made where the folder does not hold them yet.

    The file's name carries a hash of stills, seed and settings: other settings, other files.

    Args:
        stills: ``[N, h, w]``.
        seeds: One pass each.
        settings: Camera and motion.
        folder: Where passes are kept.
        name: Start of the file names.
        progress: Called with (stills done, stills in all).
    """
    folder.mkdir(parents=True, exist_ok=True)
    found: list[NDArray[np.uint8]] = []
    for number, seed in enumerate(seeds):
        path = folder / f"{name}-{_key(stills, seed, settings)}.npy"
        if not path.exists():
            shape = (len(stills), 2, settings.size.height, settings.size.width)
            with replacing(path) as part:
                target: NDArray[np.uint8] = np.lib.format.open_memmap(
                    part, mode="w+", dtype=np.uint8, shape=shape
                )
                for k, frame in enumerate(watch_stills(stills, seed, settings)):
                    target[k] = frame
                    if progress is not None:
                        progress(number * len(stills) + k + 1, len(seeds) * len(stills))
                target.flush()  # pyright: ignore[reportAttributeAccessIssue, reportUnknownMemberType]
                del target
        found.append(np.load(path, mmap_mode="r"))
    return found


def _counted(events: Events) -> NDArray[np.int64]:
    place = (events.p.astype(np.int64) * events.size.height + events.y) * events.size.width
    return np.bincount(place + events.x, minlength=2 * events.size.pixels)


def _finished(frame: NDArray[np.int64], size: SensorSize) -> NDArray[np.uint8]:
    counts = np.minimum(frame, _MOST_COUNT).astype(np.uint8)
    return counts.reshape(2, size.height, size.width)


def _key(stills: NDArray[np.uint8], seed: int, settings: PanSettings) -> str:
    digest = sha256(stills.tobytes())
    content: Any = (_MAKING, stills.shape, seed, sorted(asdict(settings).items()))
    digest.update(repr(content).encode())
    return digest.hexdigest()[:12]
