"""NYC-Event-VPR: windows of many drives through a city, as voxel grids in zip archives.

    ROOT/images/{train,val,test}/{database,queries}.zip

Training takes train/database. Validation and tests look queries up in the database of their part;
matches of the query's own session do not count, because they are the same car seconds later. Tests
read the test part; the original never does (defect C4).

Archives hold one of two splits, see `saccade.traverses.nyc_names`. If another one is asked for
than they were written with, the entries of all six are dealt out anew.

Reference: T. Pan et al., "NYC-Event-VPR: A Large-Scale High-Resolution Event-Based Visual Place
Recognition Dataset in Dense Urban Environments", 2024.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, cast

import numpy as np
from numpy.typing import NDArray

from saccade.contracts import Cell, Table
from saccade.errors import ConfigError, DataError, SaccadeError, listing
from saccade.events.types import SensorSize
from saccade.represent import collapse_voxel_grid
from saccade.traverses.config import SetArgs
from saccade.traverses.nyc_archive import Member, list_members, read_member, shape_of
from saccade.traverses.nyc_convert import MANIFEST, prepare
from saccade.traverses.nyc_names import (
    PARTS,
    ROLES,
    Part,
    Role,
    Split,
    day_numbers,
    parse_entry,
    published_split,
    session_numbers,
    session_split,
)
from saccade.traverses.places import cover_labels
from saccade.traverses.traverse import Pair, PlaceSet, Positions, voxel_sums

__all__ = ["Entries", "check", "open_set", "prepare", "published_labels", "vary_grid"]

RADIUS_M = 25.0
_LEAST_BINS = 5
_SIDES = (0.05, 0.3)
_NOTES = {
    "session": "Parts hold whole sessions: no drive is in two of them.",
    "published": "Published shuffle: windows of the same drives are in training and tests, so that "
    "recall says little about new drives.",
}


@dataclass(frozen=True, eq=False)
class Entries:
    """The entries of one role of one part: a traverse, though of many drives.

    Args:
        name: ``PART/ROLE``.
        members: Where the voxel grids are, ``[N]``.
        positions: UTM.
        session: int64 ``[N]``.
        rectangle: Training: whether rectangles are left out at random.
    """

    name: str
    members: tuple[Member, ...]
    positions: Positions
    session: NDArray[np.int64]
    rectangle: bool = True

    def __len__(self) -> int:
        return len(self.members)

    def frame(self, k: int, rng: np.random.Generator | None = None) -> NDArray[np.float32]:
        """Return window k, its voxel grid summed over time, float32 ``[2, H, W]``, (OFF, ON).

        Opposite polarities that share a pixel and a bin have cancelled: it is no count frame.

        Raises:
            FormatError: The entry is damaged.
            DataError: It holds NaN.
        """
        grid = read_member(self.members[k])
        if rng is not None:
            grid = vary_grid(grid, rng, rectangle=self.rectangle)
        frame = collapse_voxel_grid(grid[:, 0])
        if not np.isfinite(frame).all():
            raise DataError(
                f"{self.name}: {self.members[k].name} holds NaN or infinity.",
                "Expected finite numbers.",
            )
        return frame


def vary_grid(
    grid: NDArray[np.float64], rng: np.random.Generator, *, rectangle: bool = True
) -> NDArray[np.float64]:
    """Return a voxel grid as training varies it.

    With probability 1/2 only a run of L bins is kept, L uniform from 5 to all; with probability 1/2
    a rectangle becomes 0 in all bins, its sides uniform in 0.05 to 0.3 of height and width.

    Args:
        grid: ``[B, 1, H, W]``.
        rng: Draws.
        rectangle: Whether to draw the rectangle at all.

    Returns:
        float64 ``[L, 1, H, W]``.

    Examples:
        >>> grid = np.ones((15, 1, 20, 40))
        >>> vary_grid(grid, np.random.default_rng(1), rectangle=False).shape
        (15, 1, 20, 40)
    """
    bins, _, height, width = grid.shape
    if rng.random() < 0.5:
        length = int(rng.integers(min(_LEAST_BINS, bins), bins + 1))
        start = int(rng.integers(0, bins - length + 1))
        grid = grid[start : start + length]
    if rectangle and rng.random() < 0.5:
        rows, columns = (max(1, round(rng.uniform(*_SIDES) * side)) for side in (height, width))
        top = int(rng.integers(0, height - rows + 1))
        left = int(rng.integers(0, width - columns + 1))
        grid = grid.copy()
        grid[..., top : top + rows, left : left + columns] = 0.0
    return grid


def open_set(args: SetArgs) -> PlaceSet:
    """Open the set: names are read, and one entry for its size.

    ``--train``, ``--val`` and ``--tests`` take words such as ``train/database`` and
    ``val/queries:val/database``; without them the parts are what they are called.

    Raises:
        ConfigError: A word is unknown or plays two parts, an argument does not apply to finished
            voxel grids, or the frames have another size than asked for.
        MissingFileError: An archive is not there.
        FormatError: An archive is damaged.
    """
    _refuse_window_arguments(args)
    val = args.val or ("val/queries:val/database",)
    as_published = args.compat == "spikevpr"
    tests = args.tests or (val if as_published else ("test/queries:test/database",))  # C4
    train = args.train or ("train/database",)
    _check_roles(train, val, () if tests == val and as_published else tests)
    pairs = [word.split(":") for word in (*val, *tests)]
    wanted = {_key(word) for word in (*train, *(word for pair in pairs for word in pair))}
    folder = args.folder()
    manifest = _manifest(folder)
    found = _entries(_members(folder, wanted, args.split, manifest), manifest, args)
    bins = _check_size(found, args.size())

    def pair(word: str) -> Pair:
        query, reference = word.split(":")
        return Pair(found[_key(query)], found[_key(reference)], strict=True)

    trained = tuple(found[_key(word)] for word in train)
    return PlaceSet(
        name="nyc",
        train=trained,
        val=pair(val[0]),
        tests=tuple(map(pair, tests)),
        positive_m=args.positive_m or RADIUS_M,
        tolerance_m=args.tolerance_m or RADIUS_M,
        inclusive=True,
        notes=(_NOTES[args.split],),
        labels=partial(published_labels, trained),
        units=voxel_sums(bins),
    )


def published_labels(entries: tuple[Entries, ...]) -> tuple[NDArray[np.int64], ...]:
    """Return the label of each entry: the entries within 25 m of one without a label get the next.

    Entries go in the order of their archive; those that have a label get the new one.
    """
    places = np.concatenate([some.positions.values for some in entries])
    ends = np.cumsum([len(some) for some in entries])[:-1]
    return tuple(np.split(cover_labels(places, RADIUS_M), ends))


def check(folder: Path) -> tuple[Table, bool]:
    """Say what is found of the set in a folder, and whether it can be opened."""
    rows, usable = list[tuple[Cell, ...]](), True
    for part in PARTS:
        for role in ROLES:
            path = folder / "images" / part / f"{role}.zip"
            try:
                count = len(list_members(path))
                found, good = f"{count:,} entries", count > 0
            except SaccadeError as error:
                found, good = ("no" if not path.exists() else error.what), False
            rows.append((f"images/{part}/{role}.zip", found, "1 entry or more"))
            usable &= good
    if usable:
        try:
            _, height, width = shape_of(list_members(folder / "images/train/database.zip")[0])
            open_set(SetArgs(data="nyc", root=folder, input_size=f"{width}x{height}"))
            rows.append(("--split session", "opens", "opens"))
        except SaccadeError as error:
            usable = False
            rows.append(("--split session", str(error), "opens"))
    sessions = _manifest(folder).get("sessions")
    words = "no record: split as published" if sessions is None else f"{len(sessions)} sessions"
    rows.append((f"images/{MANIFEST}", words, "written by saccade prepare nyc"))
    raw = len(list(folder.glob("sensor_data_*")))
    if raw:
        rows.append(("sensor_data_*", f"{raw} raw sessions", "saccade prepare nyc makes images"))
    return Table("nyc", ("what", "found", "expected"), tuple(rows)), usable


def _refuse_window_arguments(args: SetArgs) -> None:
    for name in ("window_us", "max_events", "spread"):
        if getattr(args, name) is not None:
            raise ConfigError(
                f"--{name.replace('_', '-')} with --data nyc.",
                "Its windows were made into voxel grids by saccade prepare nyc.",
                "Leave it out.",
            )


def _check_roles(*groups: tuple[str, ...]) -> None:
    if len(groups[1]) > 1:
        raise ConfigError(f"--val names {len(groups[1])} pairs.", "Expected one.")
    seen: dict[str, str] = {}
    for flag, words in zip(("--train", "--val", "--tests"), groups, strict=True):
        names = {name for pair in words for name in pair.split(":")}
        for part in sorted({name.partition("/")[0] for name in names}):
            if seen.setdefault(part, flag) != flag:
                raise ConfigError(
                    f"{part} is in {seen[part]} and in {flag}.", "Expected each part once."
                )


def _key(word: str) -> tuple[Part, Role]:
    part, _, role = word.partition("/")
    if part not in PARTS or role not in ROLES:
        names = [f"{part}/{role}" for part in PARTS for role in ROLES]
        raise ConfigError(f"nyc has no {word!r}.", f"Expected one of {listing(names, most=6)}.")
    return cast(Part, part), cast(Role, role)


def _members(
    folder: Path, wanted: set[tuple[Part, Role]], split: str, manifest: dict[str, Any]
) -> Split[Member]:
    """Read the archives of a split, or deal out all entries anew."""
    paths: dict[tuple[Part, Role], Path] = {
        (part, role): folder / "images" / part / f"{role}.zip" for part in PARTS for role in ROLES
    }
    if manifest.get("split", "published") == split:
        return {key: list_members(paths[key]) for key in sorted(wanted)}
    pool = [member for path in paths.values() for member in list_members(path)]
    stamps = [parse_entry(member.name).stamp for member in pool]
    order = sorted(range(len(pool)), key=stamps.__getitem__)
    pool = [pool[k] for k in order]
    if split == "published":
        dealt = published_split(pool)
    else:
        numbers = session_numbers(stamps, _first_stamps(manifest))
        dealt = session_split(pool, numbers[order].tolist())
    return {key: dealt[key] for key in sorted(wanted)}


def _entries(
    members: Split[Member], manifest: dict[str, Any], args: SetArgs
) -> dict[tuple[Part, Role], Entries]:
    parsed = {key: [parse_entry(member.name) for member in some] for key, some in members.items()}
    stamps = [entry.stamp for some in parsed.values() for entry in some]
    if args.compat == "spikevpr":
        sessions = day_numbers(stamps)  # C6
    else:
        sessions = session_numbers(stamps, _first_stamps(manifest))
    found: dict[tuple[Part, Role], Entries] = {}
    start = 0
    for key, entries in parsed.items():
        name = "/".join(key)
        if not entries:
            raise DataError(f"{name} of the set has no entries.", fix="See: saccade data check nyc")
        places = np.array([(entry.east_m, entry.north_m) for entry in entries])
        session = sessions[start : start + len(entries)]
        start += len(entries)
        found[key] = Entries(
            name, tuple(members[key]), Positions(places, "planar"), session, args.event_drop
        )
    return found


def _manifest(folder: Path) -> dict[str, Any]:
    path = folder / "images" / MANIFEST
    return json.loads(path.read_text(encoding="utf-8")) if path.is_file() else {}


def _first_stamps(manifest: dict[str, Any]) -> tuple[str, ...]:
    return tuple(session["first"] for session in manifest.get("sessions", {}).values())


def _check_size(found: dict[tuple[Part, Role], Entries], size: SensorSize) -> int:
    """Refuse entries of another size; return their bins."""
    bins = 0
    for entries in found.values():
        bins, height, width = shape_of(entries.members[0])
        if SensorSize(height, width) != size:
            raise ConfigError(
                f"Entries of {entries.name} are {width}x{height}, --input-size is {size}.",
                fix=f"Pass --input-size {width}x{height}.",
            )
    return bins
