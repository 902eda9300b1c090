"""Recordings in a folder, each with a table of positions: a data set without any code.

    ROOT/day.raw  day.positions.csv     a window every few metres along the route
    ROOT/night.h5 night.csv             frame = events of 50 ms around the place, counted
    ROOT/.saccade/...                   the events around the places, decoded once

    --train day@0-1500 dusk --val night@0-700:day@1550-2200 --tests night@800-1500:day@1550-3000

Formats of tables are in `saccade.traverses.routes`, words and files of truth in
`saccade.traverses.recording_folder`. What ``saccade simulate traverse`` writes opens as it is.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from saccade.contracts import Cell, Table
from saccade.engine.progress import progress
from saccade.errors import ConfigError, DataError, FormatError, SaccadeError, ShapeError
from saccade.events import io as event_io
from saccade.events.augment import Compose, EventDilation, EventDrop, Transform
from saccade.events.types import Events, SensorSize
from saccade.represent import count_frame
from saccade.retrieval import TruthMatrix
from saccade.traverses.config import SetArgs
from saccade.traverses.place_events import PlaceEvents, place_events
from saccade.traverses.recording_folder import (
    LAYOUTS,
    Piece,
    Source,
    check_roles,
    describe_sources,
    find_sources,
    find_truth,
    read_truth,
)
from saccade.traverses.traverse import MatrixPair, Pair, PlaceSet, Positions

__all__ = ["Drive", "check", "open_set"]

WINDOW_US = 50_000
SPREAD_US = (18_000.0, 48_000.0)
POSITIVE_M, TOLERANCE_M = 10.0, 25.0


@dataclass(frozen=True, eq=False)
class Drive:
    """Windows along a recording, or along a stretch of it.

    Args:
        name: The recording, or ``NAME@START-END``.
        events: Blocks of events around places.
        which: int64 ``[N]``, the block of each window.
        known: Where each window was taken; None where only a matrix says what matches.
        session: int64 ``[N]``, number of the recording.
        window_us: Length of a window of evaluation.
        max_events: Use only the first so many events of a window.
        augment: Changes the events around a place in training.
    """

    name: str
    events: PlaceEvents
    which: NDArray[np.int64]
    known: Positions | None
    session: NDArray[np.int64]
    window_us: int
    max_events: int | None
    augment: Transform

    @property
    def positions(self) -> Positions:
        """Where each window was taken.

        Raises:
            DataError: There is no table of positions.
        """
        if self.known is None:
            raise DataError(
                f"{self.name} has no positions.",
                "Only a matrix says which of its windows match.",
                "Put a table of positions beside it.",
            )
        return self.known

    def __len__(self) -> int:
        return len(self.which)

    def frame(self, k: int, rng: np.random.Generator | None = None) -> NDArray[np.float32]:
        """Return the events of window k counted, float32 ``[2, H, W]``, (OFF, ON)."""
        return count_frame(self.window(k, rng))

    def window(self, k: int, rng: np.random.Generator | None = None) -> Events:
        """Return the events of window k.

        Args:
            k: Window.
            rng: Draws a window of training: other length, other time, events dropped.
        """
        events = self.events.block(int(self.which[k]))
        if rng is None:
            start_us = self.events.half_us - (self.window_us + 1) // 2
            events = events.slice_time(start_us, start_us + self.window_us)
        else:
            events = self.augment(events, rng)
        return events[: self.max_events]


def open_set(args: SetArgs) -> PlaceSet:
    """Open recordings; those that play a part are decoded, the first time.

    Raises:
        ConfigError: No roles are given, a name is unknown, or a part of a drive has two roles.
        MissingFileError: A recording has no table of positions.
        DataError: Positions do not cover the recording, or a truth decides nothing.
        ShapeError: A matrix of truth has another size than there are windows.
        FormatError: A file is damaged.
    """
    folder = _Folder(args.folder(), args)
    if not (args.train or args.val or args.tests):
        raise folder.no_roles()
    if len(args.val) > 1:
        raise ConfigError(f"--val names {len(args.val)} pairs.", "Expected one.")
    roles = {"--train": [folder.piece(word) for word in args.train]}
    for flag, words in (("--val", args.val), ("--tests", args.tests)):
        roles[flag] = [folder.piece(side) for word in words for side in word.split(":", 1)]
    gap_m = check_roles(roles)
    train = tuple(folder.drive(piece) for piece in roles["--train"])
    val = folder.pair(args.val[0]) if args.val else None
    tests = tuple(folder.pair(word) for word in args.tests)
    folder.check_kinds()
    tolerance_m = args.tolerance_m or TOLERANCE_M
    return PlaceSet(
        name="files",
        train=train,
        val=val,
        tests=tests,
        positive_m=args.positive_m or POSITIVE_M,
        tolerance_m=tolerance_m,
        notes=folder.notes(gap_m, tolerance_m),
    )


def check(folder: Path) -> tuple[Table, bool]:
    """Say which recordings a folder holds, and whether two of them can be compared."""
    expected = "events, and a table of positions or a matrix of truth"
    try:
        sources = find_sources(folder)
    except SaccadeError as error:
        return Table(
            "files", ("what", "found", "expected"), ((str(folder), str(error), expected),)
        ), False
    words = describe_sources(sources, {})
    rows = list[tuple[Cell, ...]]()
    usable = {name for name, source in sources.items() if source.table is not None}
    for name, source in sources.items():
        sensor = source.sensor or "size unknown"
        rows.append((source.events.name, f"{sensor}; {words[name]}", expected))
    for path in sorted(p for layout in LAYOUTS for p in folder.glob(f"*_in_*.{layout}.*")):
        pair = path.name.partition(".")[0]
        sides = [(q, r) for q in sources for r in sources if f"{q}_in_{r}" == pair]
        usable |= {name for side in sides for name in side}
        rows.append(
            (path.name, "truth" if sides else "truth of no recordings here", "QUERY_in_REFERENCE")
        )
    if len(usable) < 2:
        rows.append((str(folder), f"{len(usable)} usable recordings", "2 or more"))
    return Table("files", ("what", "found", "expected"), tuple(rows)), len(usable) >= 2


@dataclass
class _Folder:
    """The recordings while a set is opened: each is decoded once, whatever parts it plays."""

    root: Path
    args: SetArgs
    sources: dict[str, Source] = field(init=False)
    drives: dict[Piece, Drive] = field(default_factory=dict[Piece, "Drive"])
    used: dict[str, SensorSize] = field(default_factory=dict[str, SensorSize])
    smaller: bool = False

    def __post_init__(self) -> None:
        self.sources = find_sources(self.root)
        self.window_us = self.args.window_us or WINDOW_US
        self.spread = self.args.spread or SPREAD_US
        drop = (EventDrop(),) if self.args.event_drop else ()
        self.augment = Compose((EventDilation(*self.spread), *drop))
        self.offsets_us = self.args.offsets_us()
        for name in self.offsets_us:
            self.piece(name)

    def piece(self, word: str) -> Piece:
        return Piece.parse(word, self.sources)

    def pair(self, word: str) -> Pair:
        query, reference = (self.piece(side) for side in word.split(":", 1))
        truth = find_truth(self.root, query.word, reference.word)
        if truth is not None:
            return self._matrix_pair(query, reference, read_truth(*truth), truth[0])
        if query.gap_m(reference) < 0:
            raise ConfigError(f"{word} looks a drive up in itself.", "Expected two parts.")
        return Pair(self.drive(query), self.drive(reference))

    def drive(self, piece: Piece) -> Drive:
        """Return the windows of a piece: a place every so many metres."""
        if piece in self.drives:
            return self.drives[piece]
        route = self.sources[piece.name].route(self.offsets_us)
        times = route.places(self.args.every_m)
        if len(times) < 2:
            raise DataError(
                f"{piece.name} goes {route.length_m:.1f} m, a window is every "
                f"{self.args.every_m:g} m.",
                "Expected a drive with two windows or more.",
            )
        half_us = max((self.window_us + 1) // 2, int(np.ceil(self.spread[1])))
        events = self._events(piece.name, times, half_us)
        inside = np.arange(len(events))
        positions, distance_m = route.at(times[events.first + inside])
        which = inside[(distance_m >= piece.start_m) & (distance_m < piece.end_m)]
        if not len(which):
            raise DataError(
                f"{piece.word} holds no window.",
                f"Its windows lie between {distance_m[0]:,.0f} and {distance_m[-1]:,.0f} m.",
            )
        area = self.sources[piece.name].area
        known = Positions(positions.values[which], positions.kind, area)
        self.drives[piece] = self._drive(piece, events, which, known)
        return self.drives[piece]

    def _drive(
        self, piece: Piece, events: PlaceEvents, which: NDArray[np.int64], known: Positions | None
    ) -> Drive:
        number = list(self.sources).index(piece.name)
        return Drive(
            piece.word, events, which, known, np.full(len(which), number, np.int64),
            self.window_us, self.args.max_events, self.augment,
        )  # fmt: skip

    def _events(self, name: str, times: NDArray[np.int64], half_us: int) -> PlaceEvents:
        source, wanted = self.sources[name], self.args.size()
        if source.sensor is None:
            raise FormatError(
                f"{source.events.name} does not say how large the sensor is.",
                "Expected a file that does.",
                f"Run: saccade convert {source.events.name} {name}.h5 --size WIDTHxHEIGHT",
            )
        sensor = source.sensor
        is_smaller = sensor.width < wanted.width or sensor.height < wanted.height
        self.smaller |= is_smaller
        self.used[name] = size = sensor if is_smaller else wanted
        if len(set(self.used.values())) > 1:
            sizes = ", ".join(f"{name} {size}" for name, size in self.used.items())
            raise ShapeError(
                f"Frames would have different sizes: {sizes}.",
                "Expected one size for all.",
                "Pass --input-size WIDTHxHEIGHT that no sensor falls short of.",
            )
        with progress(f"Cutting {source.events.name}", unit="places") as tell:
            return place_events(
                source.events, times, half_us=half_us, size=size,
                folder=self.args.cache or self.root / ".saccade", progress=tell,
            )  # fmt: skip

    def _matrix_pair(
        self, query: Piece, reference: Piece, matrix: TruthMatrix, path: Path
    ) -> MatrixPair:
        queries, references = matrix.shape
        return MatrixPair(
            self._timed(query, queries, path), self._timed(reference, references, path),
            matrix=matrix,
        )  # fmt: skip

    def _timed(self, piece: Piece, count: int, path: Path) -> Drive:
        """Return windows one after another from the first event, as many as the truth has."""
        first_us = next(
            (int(p.t[0]) for p in event_io.stream(self.sources[piece.name].events) if len(p)), 0
        )
        half_us = (self.window_us + 1) // 2
        times = first_us + half_us + self.window_us * np.arange(count + 1, dtype=np.int64)
        events = self._events(piece.name, times, half_us)
        if len(events) != count:
            found = f"{len(events):,}" if len(events) < count else f"more than {count:,}"
            raise ShapeError(
                f"{path.name} has {count:,} windows of {piece.word}, which gives {found} of "
                f"{self.window_us:,} µs.",
                "Expected a row or column for every window.",
                "Was it made with another --window-us, or does its name state the other layout?",
            )
        source, known = self.sources[piece.name], None
        if source.table is not None:
            known = replace(source.route(self.offsets_us).at(times[:count])[0], area=source.area)
        return self._drive(piece, events, np.arange(count), known)

    def check_kinds(self) -> None:
        """Refuse metres beside degrees."""
        kinds = {d.known.kind: d.name for d in self.drives.values() if d.known is not None}
        if len(kinds) > 1:
            words = ", ".join(f"{name} {kind}" for kind, name in kinds.items())
            raise ConfigError(
                f"Positions are of two kinds: {words}.",
                "Expected metres in all tables (planar), or degrees in all (geodesic).",
            )

    def no_roles(self) -> ConfigError:
        words = describe_sources(self.sources, self.offsets_us)
        found = "; ".join(f"{name} ({text})" for name, text in words.items())
        return ConfigError(
            f"Which recordings of {self.root} are for what?",
            f"Found: {found or 'no recording'}.",
            "Pass --train NAME ..., --val QUERY:REFERENCE, --tests QUERY:REFERENCE.",
        )

    def notes(self, gap_m: float, tolerance_m: float) -> tuple[str, ...]:
        notes: list[str] = []
        simulated = [name for name in self.used if self.sources[name].is_simulated]
        if simulated:
            notes.append(f"Simulated recordings: {', '.join(simulated)}.")
        if self.smaller:
            size = next(iter(self.used.values()))
            notes.append(
                f"Frames are {size}, the sensor's own: it is smaller than {self.args.size()}."
            )
        if gap_m < tolerance_m:
            notes.append(
                f"Parts of different roles come within {gap_m:g} m of each other on one drive: "
                "windows at the border see the same places at the same time."
            )
        return tuple(notes)
