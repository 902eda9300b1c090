"""What a GPS receiver says on its serial line: NMEA 0183 sentences.

$GPRMC,051203.00,A,2728.20000,S,15301.20000,E,19.438,90.00,240420,,,A*71
 ^type ^time UTC   ^degrees and minutes       ^knots ^course ^date    ^xor of all between $ and *
"""

from __future__ import annotations

import functools
import operator
from datetime import UTC, datetime, timedelta

import numpy as np
from numpy.typing import NDArray

from saccade.errors import ConfigError
from saccade.simulate.recording import Track

__all__ = ["checksum", "nmea"]

_KNOTS = 3_600.0 / 1_852.0
_SATELLITES = 11
_GEOID_M = 37.6  # sea level over the ellipsoid around Brisbane; our zero height is sea level
_HUNDREDTH_US = 10_000


def nmea(track: Track, start: datetime, *, rate_hz: float = 1.0, seed: int = 0) -> str:
    """Return the sentences of a receiver along a track: RMC, VTG, GGA, GSA and GSV for each fix.

    Args:
        track: Positions; NaN where the receiver has no fix, which it then says.
        start: Moment of the track's time 0, with its time zone; sentences are in UTC.
        rate_hz: Fixes per second; of the track's the nearest is taken.
        seed: Which satellites are above.

    Returns:
        Lines that end in CR LF, with checksums; times are cut to hundredths of a second.

    Raises:
        ConfigError: ``start`` has no time zone, or the rate is outside its range.

    Examples:
        >>> from datetime import UTC
        >>> still = np.zeros(1)
        >>> track = Track(np.zeros(1, np.int64), *[still] * 4, still - 27.47, still + 153.02,
        ...     still + 10.0, still + 90.0)
        >>> print(nmea(track, datetime(2020, 4, 24, 5, 12, 3, tzinfo=UTC)).splitlines()[0])
        $GPRMC,051203.00,A,2728.20000,S,15301.20000,E,19.438,90.00,240420,,,A*71
    """
    if start.tzinfo is None:
        raise ConfigError(
            f"start {start.isoformat()} has no time zone.",
            "Expected e.g. datetime(2020, 4, 24, tzinfo=UTC).",
        )
    if not 0 < rate_hz <= 100:
        raise ConfigError(f"NMEA rate is {rate_hz:g} Hz.", "Expected more than 0, at most 100.")
    sky = _Sky(seed)
    lines: list[str] = []
    for row in _chosen(track.t_us, rate_hz):
        passed = int(track.t_us[row]) // _HUNDREDTH_US * _HUNDREDTH_US
        moment = start.astimezone(UTC) + timedelta(microseconds=passed)
        lines += _fix(track, int(row), moment, sky)
    return "".join(f"${line}*{checksum(line):02X}\r\n" for line in lines)


def checksum(sentence: str) -> int:
    """Return the exclusive or of the characters between ``$`` and ``*``.

    Examples:
        >>> f"{checksum('GPGLL,5057.970,N,00146.110,E,142451,A'):02X}"
        '27'
    """
    return functools.reduce(operator.xor, sentence.encode("ascii"), 0)


class _Sky:
    """The satellites above; they hardly move within a drive."""

    def __init__(self, seed: int) -> None:
        rng = np.random.default_rng([seed, 0x5A7])
        numbers = np.sort(rng.choice(np.arange(1, 33), _SATELLITES, replace=False))
        elevation = rng.integers(8, 86, _SATELLITES)
        azimuth = rng.integers(0, 360, _SATELLITES)
        strength = np.clip(24 + elevation // 4 + rng.integers(-4, 5, _SATELLITES), 15, 50)
        self.used = [int(n) for n in numbers[elevation >= 12]]
        self._all = list(zip(numbers, elevation, azimuth, strength, strict=True))

    def in_view(self) -> list[str]:
        """Return the GSV sentences, four satellites in each."""
        groups = [self._all[k : k + 4] for k in range(0, len(self._all), 4)]
        return [
            f"GPGSV,{len(groups)},{number},{len(self._all):02d},"
            + ",".join(f"{prn:02d},{up:02d},{turn:03d},{snr:02d}" for prn, up, turn, snr in group)
            for number, group in enumerate(groups, start=1)
        ]


def _chosen(t_us: NDArray[np.int64], rate_hz: float) -> NDArray[np.int64]:
    """Return the rows nearest to the beats of a rate, each once."""
    if not len(t_us):
        return np.zeros(0, np.int64)
    beats = np.arange(int(t_us[0]), int(t_us[-1]) + 1, 1e6 / rate_hz)
    after = np.clip(np.searchsorted(t_us, beats), 1, max(len(t_us) - 1, 1))
    after = np.minimum(after, len(t_us) - 1)
    before = np.maximum(after - 1, 0)
    nearer = np.where(beats - t_us[before] <= t_us[after] - beats, before, after)
    return np.unique(nearer).astype(np.int64)


def _fix(track: Track, row: int, moment: datetime, sky: _Sky) -> list[str]:
    """Return the sentences of one fix, without ``$`` and checksum."""
    clock = f"{moment:%H%M%S}.{moment.microsecond // _HUNDREDTH_US:02d}"
    date = f"{moment:%d%m%y}"
    latitude, longitude = float(track.latitude[row]), float(track.longitude[row])
    if not np.isfinite(latitude + longitude):
        return [
            f"GPRMC,{clock},V,,,,,,,{date},,,N",
            "GPVTG,,,,,,,,,N",
            f"GPGGA,{clock},,,,,0,00,99.99,,,,,,",
            "GPGSA,A,1,,,,,,,,,,,,,99.99,99.99,99.99",
            *sky.in_view(),
        ]
    speed, course = float(track.speed_m_s[row]), float(track.heading_deg[row])
    place = f"{_angle(latitude, 2, 'NS')},{_angle(longitude, 3, 'EW')}"
    height = float(track.up_m[row])
    numbers = ",".join(f"{n:02d}" for n in sky.used[:12]) + "," * (12 - len(sky.used[:12]))
    knots = speed * _KNOTS
    return [
        f"GPRMC,{clock},A,{place},{knots:.3f},{course:.2f},{date},,,A",
        f"GPVTG,{course:.2f},T,,M,{knots:.3f},N,{speed * 3.6:.3f},K,A",
        f"GPGGA,{clock},{place},1,{len(sky.used[:12]):02d},0.92,{height:.1f},M,{_GEOID_M:.1f},M,,",
        f"GPGSA,A,3,{numbers},1.67,0.92,1.39",
        *sky.in_view(),
    ]


def _angle(degrees: float, digits: int, sides: str) -> str:
    """Return ``dddmm.mmmmm,side``; minutes never round up to 60."""
    minutes = round(abs(degrees) * 60.0 * 1e5)
    whole, rest = divmod(minutes, 60 * 100_000)
    return f"{whole:0{digits}d}{rest // 100_000:02d}.{rest % 100_000:05d},{sides[degrees < 0]}"
