"""What can be said about a simulation: one configuration per mode of ``saccade simulate``.

Nothing here imports torch or numba, so help and wrong names are answered at once. Every field is a
flag of the command line; the first line under it is its help, with unit and default.
"""

from __future__ import annotations

import os
from dataclasses import asdict, dataclass, field, fields, replace
from pathlib import Path
from typing import Any, ClassVar, Literal

from tyro.conf import Positional

from saccade.errors import ConfigError, UsageError
from saccade.simulate.conditions import CONDITIONS
from saccade.simulate.config_checks import above, at_least, known
from saccade.simulate.config_pixels import CAMERAS, LAYOUT_CAMERAS, PixelConfig

__all__ = [
    "CAMERAS",
    "MODES",
    "SEASONS",
    "FlowConfig",
    "ImagesConfig",
    "PixelConfig",
    "PreviewConfig",
    "SimulateConfig",
    "StereoConfig",
    "TraverseConfig",
    "VideoConfig",
    "WorldConfig",
    "WrittenConfig",
]

SEASONS = ("summer", "autumn", "winter")
"""What grows, and how the ground looks; described in `saccade.simulate.street`."""

_NOT_ASKED = ("out", "jobs", "overwrite")


@dataclass(frozen=True, kw_only=True)
class SimulateConfig:
    """What every mode has."""

    mode: ClassVar[str]
    layouts: ClassVar[tuple[str, ...]] = ("plain",)

    seed: int = 0
    """Seed of everything that is drawn: the same seed gives the same bytes."""
    jobs: int | None = None
    """Threads (default: one per processor); the result does not depend on it."""
    overwrite: bool = False
    """Make anew what an earlier simulation has written under this name."""
    pixels: PixelConfig = field(default_factory=PixelConfig)
    """The event camera."""

    def __post_init__(self) -> None:
        at_least("jobs", self.jobs, 1)
        at_least("seed", self.seed, 0)

    def threads(self) -> int:
        """Return how many threads to use."""
        if self.jobs is not None:
            return self.jobs
        usable = getattr(os, "sched_getaffinity", None)
        return len(usable(0)) if usable else os.cpu_count() or 1

    def key(self) -> dict[str, Any]:
        """Return what decides about the bytes: every field but those of where and how fast.

        Paths count by name and size, so a project may be moved between two runs.
        """
        asked = {
            item.name: _plain(getattr(self, item.name))
            for item in fields(self)
            if item.name not in _NOT_ASKED
        }
        return {"mode": self.mode, **asked}


@dataclass(frozen=True, kw_only=True)
class VideoConfig(SimulateConfig):
    """Events that a camera would have seen in front of a video."""

    mode: ClassVar[str] = "video"

    input: Positional[Path]
    """Video file: MP4, MOV, MKV, WebM, AVI, ..."""
    out: Path
    """Event file to write; its ending is the format: .raw, .h5, .npz, .csv, ..."""
    format: str | None = None
    """Write this event format whatever the ending."""
    start_s: float = 0.0
    """First moment used, in seconds."""
    end_s: float | None = None
    """End of what is used, in seconds (default: the end of the video)."""
    white_cd_m2: float = 100.0
    """Luminance of white: 100 a screen, 10,000 paper in the sun, in cd/m2."""

    def __post_init__(self) -> None:
        super().__post_init__()
        above("white_cd_m2", self.white_cd_m2)
        at_least("start_s", self.start_s, 0)
        if self.end_s is not None and self.end_s <= self.start_s:
            raise ConfigError(
                f"--start-s {self.start_s:g} and --end-s {self.end_s:g}.", "Expected a later end."
            )


@dataclass(frozen=True, kw_only=True)
class ImagesConfig(SimulateConfig):
    """Events from a folder of pictures: a sequence, or stills of a traverse to pan over."""

    mode: ClassVar[str] = "images"

    input: Positional[Path]
    """Folder of pictures: PNG, JPEG, BMP, TIFF, WebP, PGM, PPM; in natural order."""
    out: Path
    """Event file to write; its ending is the format: .raw, .h5, .npz, .csv, ..."""
    format: str | None = None
    """Write this event format whatever the ending."""
    fps: float | None = None
    """Pictures per second of a sequence."""
    times: Path | None = None
    """Text file with the time of each picture in seconds, instead of --fps."""
    pan: bool = False
    """The pictures are places: pan over one after another, as a traverse does."""
    still_s: float = 0.25
    """--pan: seconds per place."""
    fade_s: float | None = None
    """--pan: seconds from one place to the next (default: a third of --still-s)."""
    speed_px_s: tuple[float, float] = (80.0, 160.0)
    """--pan: least and largest speed, in pixels per second; the seed draws one."""
    shake_px: tuple[float, float] = (0.1, 0.5)
    """--pan: least and largest shake, root mean square in pixels; the seed draws one."""
    encoding: Literal["srgb", "linear"] = "srgb"
    """Values of the pictures: as on a screen, or proportional to light."""
    white_cd_m2: float = 100.0
    """Luminance of white: 100 a screen, 10,000 paper in the sun, in cd/m2."""

    def __post_init__(self) -> None:
        super().__post_init__()
        above("white_cd_m2", self.white_cd_m2)
        ways = [bool(self.fps), self.times is not None, self.pan]
        if sum(ways) != 1:
            raise ConfigError(
                f"--fps {self.fps}, --times {self.times}, --pan {self.pan}.",
                "Expected exactly one of them.",
                "Pass --fps 30 for a sequence, --pan for stills of places.",
            )
        above("fps", self.fps)
        at_least("still_s", self.still_s, 0.001)
        at_least("fade_s", self.fade_s, 0)
        if self.fade_s is not None and self.fade_s > self.still_s:
            raise ConfigError(
                f"--fade-s {self.fade_s:g} and --still-s {self.still_s:g}.",
                "Expected a fade no longer than a place.",
            )


@dataclass(frozen=True, kw_only=True)
class WrittenConfig(SimulateConfig):
    """A recording of the simulated world, written as a folder."""

    out: Path
    """Folder to write; a run that was stopped goes on when the command is repeated."""
    condition: tuple[str, ...] = ()
    """One recording for each: day, morning, overcast, sunset, night; room in a room."""
    season: str = "summer"
    """What grows: summer, autumn, winter."""
    minutes: float | None = None
    """Length of each recording, in minutes (default: 10 s, a traverse 60 s, a preview 3 s)."""
    seconds: float | None = None
    """Length of each recording in seconds, instead of --minutes."""
    layout: str = "plain"
    """Folder structure and file formats of a public data set, or plain event files."""
    format: str = "evt3"
    """plain: format of the event files."""
    textures: tuple[Path, ...] = ()
    """Pictures of your own that hang in the world as posters and signs."""

    def __post_init__(self) -> None:
        super().__post_init__()
        object.__setattr__(self, "condition", self.condition or self.usual_conditions())
        for name in self.condition:
            known("condition", name, self.conditions(), of=" here")
        if len(set(self.condition)) < len(self.condition) and not self.may_repeat():
            raise ConfigError(
                f"--condition {' '.join(self.condition)}.",
                "Expected each once.",
                "saccade simulate traverse --layout plain takes one twice, as two drives.",
            )
        known("season", self.season, SEASONS)
        known("layout", self.layout, self.layouts, of=f" of saccade simulate {self.mode}")
        if self.pixels.camera is None and self.layout in LAYOUT_CAMERAS:
            pixels = replace(self.pixels, camera=LAYOUT_CAMERAS[self.layout])
            object.__setattr__(self, "pixels", pixels)
        above("minutes", self.minutes)
        above("seconds", self.seconds)
        if self.minutes is not None and self.seconds is not None:
            raise ConfigError(
                f"--minutes {self.minutes:g} and --seconds {self.seconds:g}.",
                "Expected one of the two.",
            )

    @property
    def duration_us(self) -> int:
        """Length of each recording in microseconds."""
        seconds = self.usual_seconds() if self.seconds is None else self.seconds
        return round((seconds if self.minutes is None else 60.0 * self.minutes) * 1e6)

    @property
    def place(self) -> str:
        """What is around: street, room or board."""
        return getattr(self, "scene", "street")

    def conditions(self) -> tuple[str, ...]:
        """Return the names of the light that this place can have: a room is lit by its lamps."""
        return tuple(name for name in CONDITIONS if (name == "room") == (self.place != "street"))

    def may_repeat(self) -> bool:
        """Whether a condition can be asked for twice."""
        return False

    def usual_seconds(self) -> float:
        """Return the length of a request that names none."""
        return 10.0

    def usual_conditions(self) -> tuple[str, ...]:
        """Return the light of a request that names none."""
        return ("day",) if self.place == "street" else ("room",)


@dataclass(frozen=True, kw_only=True)
class TraverseConfig(WrittenConfig):
    """Drives along one route, one per condition, with position truth for place recognition."""

    mode: ClassVar[str] = "traverse"
    layouts: ClassVar[tuple[str, ...]] = ("plain", "brisbane", "nsavp", "nyc")

    condition: tuple[str, ...] = ("day", "night")
    """One traverse for each: day, morning, overcast, sunset, night; a second day is named day2."""
    speed_m_s: float = 10.0
    """Mean speed, in metres per second."""
    route_m: float = 2_000.0
    """Length of the route, in metres; a drive ends where the route ends."""
    stops: int = 2
    """Full stops on the way, e.g. at crossings."""

    def __post_init__(self) -> None:
        super().__post_init__()
        above("speed_m_s", self.speed_m_s)
        at_least("route_m", self.route_m, 100)
        at_least("stops", self.stops, 0)

    def may_repeat(self) -> bool:
        """Whether a condition can be asked for twice: public layouts name one drive for each."""
        return self.layout == "plain"

    def usual_seconds(self) -> float:
        """Return the length of a request that names none."""
        return 60.0


@dataclass(frozen=True, kw_only=True)
class StereoConfig(WrittenConfig):
    """Two cameras with calibration, depth and disparity, and flow where the layout has it."""

    mode: ClassVar[str] = "stereo"
    layouts: ClassVar[tuple[str, ...]] = ("plain", "mvsec", "dsec")

    layout: str = "mvsec"
    """Folder structure and file formats: plain, mvsec, dsec."""
    scene: Literal["street", "room"] = "street"
    """A drive through a street, or a rig held in the hand in a room."""
    speed_m_s: float = 10.0
    """street: mean speed, in metres per second."""

    def __post_init__(self) -> None:
        super().__post_init__()
        above("speed_m_s", self.speed_m_s)


@dataclass(frozen=True, kw_only=True)
class FlowConfig(WrittenConfig):
    """One camera with exact optical flow over one frame and over four."""

    mode: ClassVar[str] = "flow"
    layouts: ClassVar[tuple[str, ...]] = ("plain", "event_flow", "mvsec", "dsec")

    layout: str = "event_flow"
    """Folder structure and file formats: plain, event_flow, mvsec, dsec."""
    scene: Literal["street", "room", "board"] = "room"
    """A drive, a camera on a slider over a desk, or at rest before a rotating board."""
    frame_hz: float = 30.0
    """Frames per second: flow spans one of them (dt1) and four (dt4)."""

    def __post_init__(self) -> None:
        super().__post_init__()
        above("frame_hz", self.frame_hz)


@dataclass(frozen=True, kw_only=True)
class WorldConfig(WrittenConfig):
    """A small world for every task: traverses, a stereo drive, a room with flow."""

    mode: ClassVar[str] = "world"
    layouts: ClassVar[tuple[str, ...]] = ("plain",)

    condition: tuple[str, ...] = ("day", "night")
    """One traverse for each: day, morning, overcast, sunset, night."""


@dataclass(frozen=True, kw_only=True)
class PreviewConfig(WrittenConfig):
    """Intensity, events, depth and flow side by side, as a film or a sheet."""

    mode: ClassVar[str] = "preview"

    out: Path = Path("preview.gif")
    """File to write: .gif, .mp4 (with the extra video), or .png with --sheet."""
    scene: Literal["street", "room", "board"] = "street"
    """A drive, a camera on a slider over a desk, or at rest before a rotating board."""
    fps: float = 25.0
    """Frames per second of the film."""
    slow_motion: float = 1.0
    """How many times slower than it happens."""
    sheet: bool = False
    """A picture of the scene under every --condition (default: all) instead of a film."""
    max_width: int = 1_600
    """Widest film or sheet, in pixels."""

    def __post_init__(self) -> None:
        super().__post_init__()
        above("slow_motion", self.slow_motion)
        if not 0 < self.fps <= 50:
            raise ConfigError(f"--fps {self.fps:g}.", "Expected above 0 and at most 50.")
        at_least("max_width", self.max_width, 320)
        endings = (".png",) if self.sheet else (".gif", ".mp4")
        if self.out.suffix.lower() not in endings:
            raise UsageError(
                f"--out {self.out}: a {'sheet' if self.sheet else 'film'} ends in "
                f"{' or '.join(endings)}.",
                fix="Add --sheet for a picture." if self.out.suffix.lower() == ".png" else "",
            )
        if not self.sheet and len(self.condition) > 1:
            raise ConfigError(
                f"--condition {' '.join(self.condition)}.",
                "Expected one for a film.",
                "Add --sheet to compare several.",
            )

    @property
    def frame_hz(self) -> float:
        """Frames per second of recording."""
        return self.fps * self.slow_motion

    def usual_seconds(self) -> float:
        """Return the length of a request that names none; a sheet shows the last moment."""
        return 1.0 if self.sheet else 3.0

    def usual_conditions(self) -> tuple[str, ...]:
        """Return the light of a request that names none: all of them for a sheet."""
        return self.conditions() if self.sheet else super().usual_conditions()


MODES: dict[str, type[SimulateConfig]] = {
    "video": VideoConfig,
    "images": ImagesConfig,
    "traverse": TraverseConfig,
    "stereo": StereoConfig,
    "flow": FlowConfig,
    "world": WorldConfig,
    "preview": PreviewConfig,
}
"""Mode of ``saccade simulate`` -> what can be said about it."""


def _plain(value: Any) -> Any:
    if isinstance(value, Path):
        if value.is_dir():
            sizes = [entry.stat().st_size for entry in value.iterdir() if entry.is_file()]
            return {"name": value.name, "files": len(sizes), "bytes": sum(sizes)}
        return {"name": value.name, "bytes": value.stat().st_size if value.exists() else None}
    if isinstance(value, PixelConfig):
        return asdict(value)
    if isinstance(value, tuple):
        return [_plain(item) for item in value]
    return value
