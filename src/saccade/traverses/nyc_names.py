"""NYC-Event-VPR: what an entry is called, when it was taken, and which part of the set it is in.

    database/@583000.7@4507002.7@18@T@40.7@-73.9@@@0.0@@@@2022-12-06_18-27-30_000123@bd74...@.npy
              east m   north m   zone  lat   lon    heading  time of the window      md5 of the rest

Two splits. ``published`` shuffles the windows of all drives together, so that test windows have
neighbours a few metres away, of the same drive, in training. ``session`` gives whole drives to one
part each; a tenth of a part's windows are queries in both.
"""

from __future__ import annotations

import hashlib
import random
import re
from collections.abc import Hashable, Sequence
from datetime import UTC, datetime, timedelta
from typing import Literal, NamedTuple, TypeVar

import numpy as np
from numpy.typing import NDArray

from saccade.errors import DataError, FormatError
from saccade.traverses.utm import Utm

__all__ = [
    "PARTS",
    "ROLES",
    "Entry",
    "Part",
    "Role",
    "Split",
    "day_numbers",
    "entry_core",
    "entry_name",
    "parse_entry",
    "published_split",
    "session_numbers",
    "session_split",
    "stamp_text",
    "stamp_us",
]

Part = Literal["train", "val", "test"]
Role = Literal["database", "queries"]
Item = TypeVar("Item")
Split = dict[tuple[Part, Role], list[Item]]

PARTS: tuple[Part, ...] = ("train", "val", "test")
ROLES: tuple[Role, ...] = ("database", "queries")

_SHARES: dict[Part, float] = {"train": 0.4, "val": 0.3, "test": 0.3}
_LEAST: dict[Part, int] = {"train": 1, "val": 2, "test": 2}
"""Sessions a part needs: strict recall looks for matches in another session."""
_SEED = 42
_PAUSE_US = 120_000_000
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_STAMP = re.compile(
    r"(\d{4})-(\d\d)-(\d\d)[_ T](\d\d)[-:](\d\d)[-:](\d\d)(?:[_.](\d{1,6}))?", re.ASCII
)
_FIELDS = 16  # pieces between the "@" of a name


class Entry(NamedTuple):
    """What the name of an entry says.

    Args:
        east_m: UTM.
        north_m: UTM.
        latitude: Degrees.
        longitude: Degrees.
        stamp: Local time of the middle of the window.
    """

    east_m: float
    north_m: float
    latitude: float
    longitude: float
    stamp: str

    @property
    def day(self) -> str:
        """``YYYY-MM-DD``."""
        return self.stamp[:10]


def stamp_us(text: str) -> int:
    """Return a time stamp in microseconds; local time is counted as if it were UTC.

    Both forms in use are read: that of file names, and Python's own.

    Raises:
        FormatError: It is in neither form, or no such time exists.

    Examples:
        >>> stamp_us("1970-01-01_00-00-01_000123"), stamp_us("1970-01-01 00:00:01.5")
        (1000123, 1500000)
    """
    match = _STAMP.fullmatch(text.strip())
    try:
        assert match is not None
        moment = datetime(*map(int, match.groups()[:6]), tzinfo=UTC)  # pyright: ignore[reportArgumentType]
    except (AssertionError, ValueError):
        raise FormatError(
            f"Time stamp {text!r}.",
            "Expected e.g. 2022-12-06_18-27-30_000123 or 2022-12-06 18:27:30.000123.",
        ) from None
    return (moment - _EPOCH) // timedelta(microseconds=1) + int((match[7] or "").ljust(6, "0"))


def stamp_text(t_us: int) -> str:
    """Return the time stamp that `stamp_us` reads.

    Examples:
        >>> stamp_text(1_000_123)
        '1970-01-01_00-00-01_000123'
    """
    return f"{_EPOCH + timedelta(microseconds=t_us):%Y-%m-%d_%H-%M-%S_%f}"


def entry_core(utm: Utm, latitude: float, longitude: float, heading: float, stamp: str) -> str:
    """Return an entry's name without its role and hash; it is what the hash is made of.

    Examples:
        >>> entry_core(Utm(5.5, 7.0, 18, "T"), 40.7, -73.9, 90.0, "2022-12-06_18-27-30_000123")
        '5.5@7.0@18@T@40.7@-73.9@@@90.0@@@@2022-12-06_18-27-30_000123'
    """
    east, north, zone, band = utm
    return f"{east}@{north}@{zone}@{band}@{latitude}@{longitude}@@@{heading}@@@@{stamp}"


def entry_name(role: Role, core: str) -> str:
    """Return the name of an entry in its archive.

    Examples:
        >>> entry_name("queries", "5@7@18@T@40@-73@@@90@@@@2022-12-06_18-27-30_000123")[-39:]
        '3@42c17c7e4dcff09ebd2dd58f94272838@.npy'
    """
    return f"{role}/@{core}@{hashlib.md5(core.encode(), usedforsecurity=False).hexdigest()}@.npy"


def parse_entry(name: str) -> Entry:
    """Read the name of an entry.

    Raises:
        FormatError: It is in another form.

    Examples:
        >>> name = "database/@5@7@18@T@40@-73@@@90@@@@2022-12-06_18-27-30_000123@0f@.npy"
        >>> parse_entry(name).day
        '2022-12-06'
    """
    pieces = name.rpartition("/")[2].split("@")
    try:
        if len(pieces) != _FIELDS:
            raise ValueError(f"{len(pieces)} fields")
        east, north, latitude, longitude = (float(pieces[k]) for k in (1, 2, 5, 6))
    except ValueError as error:
        raise FormatError(
            f"Entry {name!r} is not named as in NYC-Event-VPR: {error}.",
            "Expected @east@north@zone@band@latitude@longitude@@@heading@@@@time@md5@.npy.",
        ) from error
    return Entry(east, north, latitude, longitude, pieces[-3])


def published_split(pool: Sequence[Item]) -> Split[Item]:
    """Split as published: shuffle, 40/30/30 %, shuffle each part, its first tenth are queries.

    Args:
        pool: Windows of all sessions, by session and then by time.
    """
    rng, count = random.Random(_SEED), len(pool)
    rows = list(pool)
    rng.shuffle(rows)
    first, second = int(0.4 * count), int(0.7 * count)
    found: Split[Item] = {}
    for part, some in zip(PARTS, (rows[:first], rows[first:second], rows[second:]), strict=True):
        _queries_first(found, part, some, rng)
    return found


def session_split(pool: Sequence[Item], sessions: Sequence[Hashable]) -> Split[Item]:
    """Give every session to one part, so that the parts come near to 40/30/30 % of the windows.

    The largest session goes first, each to the part that lacks most. Validation and test get two
    sessions at least. Within a part, a random tenth of the windows are queries.

    Args:
        pool: Windows of all sessions, in order of time.
        sessions: The session of each.

    Raises:
        DataError: There are fewer than five sessions.

    Examples:
        >>> parts = session_split(list("aaaabbbccdde"), list("aaaabbbccdde"))
        >>> [sorted({*parts[part, "database"], *parts[part, "queries"]}) for part in PARTS]
        [['a'], ['b', 'e'], ['c', 'd']]
    """
    counts: dict[Hashable, int] = {}
    for session in sessions:
        counts[session] = counts.get(session, 0) + 1
    home = _homes(counts)
    rng, found = random.Random(_SEED), Split[Item]()
    for part in PARTS:
        some = [item for item, name in zip(pool, sessions, strict=True) if home[name] == part]
        _queries_first(found, part, some, rng)
    return found


def session_numbers(stamps: Sequence[str], first_stamps: Sequence[str] = ()) -> NDArray[np.int64]:
    """Return the session of each time stamp, from 0.

    Args:
        stamps: ``[N]``, in any order.
        first_stamps: The first window of every session; without, a pause of more than two minutes
            begins a new session.

    Examples:
        >>> session_numbers(["2022-12-06_18-31-00", "2022-12-06_18-30-00", "2022-12-06_19-30-00"])
        array([0, 0, 1])
    """
    times = np.array([stamp_us(stamp) for stamp in stamps], np.int64)
    if first_stamps:
        begins = np.sort([stamp_us(stamp) for stamp in first_stamps])
        return np.searchsorted(begins, times, side="right") - 1
    order = np.argsort(times, kind="stable")
    numbers = np.empty(len(times), np.int64)
    numbers[order] = np.cumsum(np.diff(times[order], prepend=times[order][:1]) > _PAUSE_US)
    return numbers


def day_numbers(stamps: Sequence[str]) -> NDArray[np.int64]:
    """Return the day of each time stamp, which published recall takes for the session."""
    return np.array([datetime.fromisoformat(stamp[:10]).toordinal() for stamp in stamps], np.int64)


def _queries_first(found: Split[Item], part: Part, rows: list[Item], rng: random.Random) -> None:
    rng.shuffle(rows)
    count = max(1, int(0.1 * len(rows)))
    found[part, "queries"], found[part, "database"] = rows[:count], rows[count:]


def _homes(counts: dict[Hashable, int]) -> dict[Hashable, Part]:
    if len(counts) < sum(_LEAST.values()):
        raise DataError(
            f"{len(counts)} sessions cannot be split by session.",
            "Expected 5 or more: one to train on, two each for validation and test.",
            "Pass --split published, and mind that its parts share drives.",
        )
    total = sum(counts.values())
    lacks: dict[Part, float] = {part: _SHARES[part] * total for part in PARTS}
    needs, home = dict(_LEAST), dict[Hashable, Part]()
    for session in sorted(counts, key=lambda name: -counts[name]):
        left = len(counts) - len(home)
        open_to: list[Part] = [
            part for part in PARTS if needs[part] > 0 or left > sum(needs.values())
        ]
        part = max(open_to, key=lambda name: lacks[name])
        home[session] = part
        lacks[part] -= counts[session]
        needs[part] = max(0, needs[part] - 1)
    return home
