"""When a recording is made: where the sun stands, how much light comes from where.

    day 66,000 lux     overcast 10,000     sunset 3,600     night 0.1, lamps 5 to 20 under them

A condition says what shines. What of it arrives where is `saccade.simulate.light`; how it looks is
up to the surfaces, and the season is up to the builder of the scene.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from saccade.errors import ConfigError, did_you_mean, listing

__all__ = ["CONDITIONS", "Condition", "condition_named"]


@dataclass(frozen=True, kw_only=True)
class Condition:
    """Light that shines on a scene; illuminances in lux, luminous intensities in candela.

    Rain and snow are not modelled yet. They will be further fields here (drops or flakes per m3,
    wetness of the ground), read by `light_scene` for the ground and by the stage for what falls.

    Args:
        name: Key in `CONDITIONS`.
        sun_elevation_deg: Above the horizon, -90 to 90. At night this is the moon.
        sun_azimuth_deg: Counter-clockwise from world x (east), as the columns of the sky.
        sun_lux: On a surface that faces the sun, without any sky.
        sky_lux: On level ground under the whole sky, without the sun.
        clouds: Share of the sky that is covered, 0 to 1.
        moon: Whether the disc in the sky is the moon: smaller light, stars around it.
        lamp_cd: Luminous intensity of each lamp of the scene.
        headlamp_cd: Luminous intensity of the vehicle's lamps on their axis.
        windows_on: Factor on the emission of surfaces: lit windows, lamp glasses, screens.
        bounce: Albedo of what is not resolved when light is reflected onto other surfaces once.
        reach_m: A surface further away than this does not darken the diffuse light: beyond it
            lies a street's open sky, or a room that is lit from all sides.

    Raises:
        ConfigError: A value is outside its range.

    Examples:
        >>> f"{CONDITIONS['day'].ground_lux:,.0f}"
        '65,623'
    """

    name: str
    sun_elevation_deg: float = 90.0
    sun_azimuth_deg: float = 0.0
    sun_lux: float = 0.0
    sky_lux: float = 0.0
    clouds: float = 0.0
    moon: bool = False
    lamp_cd: float = 0.0
    headlamp_cd: float = 0.0
    windows_on: float = 0.0
    bounce: float = 0.2
    reach_m: float = 60.0

    def __post_init__(self) -> None:
        for name, low, high in _RANGES:
            value = getattr(self, name)
            if not low <= value <= high:
                raise ConfigError(
                    f"{name} is {value} in condition {self.name!r}.",
                    f"Expected {low:g} to {high:,g}.",
                )

    @property
    def to_sun(self) -> NDArray[np.float64]:
        """Unit vector ``[3]`` towards the sun or moon."""
        up, around = math.radians(self.sun_elevation_deg), math.radians(self.sun_azimuth_deg)
        flat = math.cos(up)
        return np.array([flat * math.cos(around), flat * math.sin(around), math.sin(up)])

    @property
    def ground_lux(self) -> float:
        """Illuminance of open level ground without lamps: ``sky + sun max(0, sin elevation)``."""
        return self.sky_lux + self.sun_lux * max(0.0, float(self.to_sun[2]))


_RANGES = (
    ("sun_elevation_deg", -90.0, 90.0), ("sun_azimuth_deg", -360.0, 360.0),
    ("sun_lux", 0.0, 2e5), ("sky_lux", 0.0, 2e5), ("clouds", 0.0, 1.0), ("lamp_cd", 0.0, 1e6),
    ("headlamp_cd", 0.0, 1e6), ("windows_on", 0.0, 1e3), ("bounce", 0.0, 1.0),
    ("reach_m", 0.01, 1e4),
)  # fmt: skip

CONDITIONS: dict[str, Condition] = {
    "day": Condition(
        name="day", sun_elevation_deg=50.0, sun_azimuth_deg=62.0,
        sun_lux=70_000.0, sky_lux=12_000.0, clouds=0.3,
    ),
    "morning": Condition(
        name="morning", sun_elevation_deg=22.0, sun_azimuth_deg=20.0,
        sun_lux=40_000.0, sky_lux=8_000.0, clouds=0.15,
    ),
    "overcast": Condition(
        name="overcast", sun_elevation_deg=45.0, sun_azimuth_deg=75.0,
        sky_lux=10_000.0, clouds=1.0, windows_on=0.3,
    ),
    "sunset": Condition(
        name="sunset", sun_elevation_deg=6.0, sun_azimuth_deg=168.0,
        sun_lux=6_000.0, sky_lux=3_000.0, clouds=0.45, windows_on=0.7,
    ),
    "night": Condition(
        name="night", sun_elevation_deg=35.0, sun_azimuth_deg=205.0, moon=True,
        sun_lux=0.08, sky_lux=0.06, clouds=0.2, lamp_cd=350.0, headlamp_cd=8_000.0,
        windows_on=1.0,
    ),
    "room": Condition(
        name="room", sky_lux=150.0, clouds=1.0, lamp_cd=620.0, windows_on=1.0, bounce=0.8,
        reach_m=1.2,
    ),
}  # fmt: skip


def condition_named(name: str) -> Condition:
    """Return a condition by its name.

    Raises:
        ConfigError: There is none of that name.

    Examples:
        >>> condition_named("sunset").sun_elevation_deg
        6.0
    """
    if name not in CONDITIONS:
        raise ConfigError(
            f"There is no condition {name!r}.",
            f"Expected one of {listing(CONDITIONS, most=10)}.",
            did_you_mean(name, CONDITIONS),
        )
    return CONDITIONS[name]
