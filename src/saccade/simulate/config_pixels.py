"""What can be said about the event camera of a simulation: a preset and values of your own."""

from __future__ import annotations

from dataclasses import dataclass

from saccade.errors import ConfigError
from saccade.events.types import SensorSize
from saccade.simulate.config_checks import above, at_least, known

__all__ = ["CAMERAS", "LAYOUT_CAMERAS", "USUAL_CAMERA", "PixelConfig"]

CAMERAS: dict[str, str] = {
    "davis346": "346x260",
    "davis240": "240x180",
    "gen31": "640x480",
    "gen4": "1280x720",
    "ideal": "346x260",
}
"""Camera preset -> its sensor size."""

LAYOUT_CAMERAS = {"dsec": "gen31", "nsavp": "gen31", "nyc": "gen4"}
"""Layout of a public set -> the preset nearest to the camera of that set; else `USUAL_CAMERA`."""

USUAL_CAMERA = "davis346"

_PIXEL_FLAGS = (
    "threshold_on",
    "threshold_off",
    "mismatch",
    "refractory_us",
    "bandwidth_hz",
    "leak_hz",
    "noise_hz",
)


@dataclass(frozen=True, kw_only=True)
class PixelConfig:
    """The event camera: a preset, and values that replace the preset's."""

    camera: str | None = None
    """Preset: davis346, davis240, gen31, gen4, ideal (no noise); default: by the layout."""
    size: str | None = None
    """Sensor size as WIDTHxHEIGHT in pixels (default: of the preset, the video, the pictures)."""
    threshold: float | None = None
    """Contrast threshold of both polarities, in ln luminance."""
    threshold_on: float | None = None
    """Contrast threshold of ON events, in ln luminance."""
    threshold_off: float | None = None
    """Contrast threshold of OFF events, in ln luminance."""
    mismatch: float | None = None
    """Standard deviation of the thresholds from pixel to pixel, in ln luminance."""
    refractory_us: float | None = None
    """Time after an event in which a pixel is blind, in microseconds."""
    bandwidth_hz: float | None = None
    """Cut-off frequency of a pixel in bright light, in hertz; inf for no filter."""
    leak_hz: float | None = None
    """ON events per second of a pixel at rest, from leakage."""
    noise_hz: float | None = None
    """Noise events per second of a pixel at rest in bright light."""

    def __post_init__(self) -> None:
        known("camera", self.preset, CAMERAS)
        self.sensor_size()
        for name in ("threshold", "threshold_on", "threshold_off", "bandwidth_hz"):
            above(name, getattr(self, name))
        for name in ("mismatch", "refractory_us", "leak_hz", "noise_hz"):
            at_least(name, getattr(self, name), 0)
        if self.threshold is not None and (self.threshold_on or self.threshold_off):
            raise ConfigError(
                "--threshold is given with --threshold-on or --threshold-off.",
                "Expected one for both polarities, or one for each.",
            )

    @property
    def preset(self) -> str:
        """Name of the preset."""
        return self.camera or USUAL_CAMERA

    def sensor_size(self) -> SensorSize:
        """Return the sensor size asked for."""
        return SensorSize.parse(self.size or CAMERAS[self.preset])

    def pixel_values(self) -> dict[str, float]:
        """Return the values that replace the preset's, by name of the pixel model's field."""
        both = {} if self.threshold is None else dict.fromkeys(_PIXEL_FLAGS[:2], self.threshold)
        named = {name: getattr(self, name) for name in _PIXEL_FLAGS}
        return both | {name: value for name, value in named.items() if value is not None}
