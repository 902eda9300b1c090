"""Brisbane-Event-VPR: six drives along one route, at dawn, by day, at dusk and by night.

    dvs_vpr_2020-04-24-15-12-03/<t>.npy          slices of 31,486 events, see `prepare`
    20200424_151015-daytime_concat.nmea          what the GPS receiver said
    dvs_vpr_2020-04-24-15-12-03_hot_pixels.txt   pixels to leave out, "x,y" a line

Drives are tied together by their fixes: place i of every drive is where the anchor was at its fix
i, and its frame is the slice whose time is nearest to fix time + clock offset. The anchor of a pair
is its reference, so that all of the reference is searched; the anchor of training is its first
drive. Published (``compat="spikevpr"``) and native mode:

    D6   whole seconds; fixes 11 m apart; jumps back at midnight       all of the time; 1 m
         places matched in degrees                                     in metres
    D7   the nearest slice, however far                                at most 1 s, else no frame
         the nearest fix, however far                                  at most 30 m, else no frame
    C3   the anchor of a pair is its query                             its reference

How a slice becomes a frame: `saccade.traverses.brisbane_frame`.

Reference: T. Fischer and M. Milford, "Event-Based Visual Place Recognition With Ensembles of
Temporal Windows", IEEE Robotics and Automation Letters 5(4), 2020.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from saccade.contracts import Cell, Table
from saccade.errors import DataError, EventError, MissingFileError, SaccadeError
from saccade.events.filters import read_pixel_list
from saccade.events.types import Events, SensorSize
from saccade.represent import count_frame
from saccade.retrieval import haversine_distance_m
from saccade.simulate.layouts.brisbane import SENSOR, TRAVERSES
from saccade.traverses.brisbane_frame import Recipe
from saccade.traverses.brisbane_slices import (
    hot_pixel_file,
    prepare,
    read_slice,
    sensor_of,
    slice_times,
    source_file,
)
from saccade.traverses.config import SetArgs
from saccade.traverses.gps import Fixes, align, nearest_times, read_nmea
from saccade.traverses.parts import Published, check_size, choose
from saccade.traverses.traverse import Pair, PlaceSet, Positions

__all__ = ["PUBLISHED", "SliceTraverse", "check", "open_set", "prepare"]

PUBLISHED = Published(
    "Brisbane-Event-VPR", "brisbane", ("daytime", "sunset2", "sunrise"), ("sunset1", "morning")
)
"""Published split; night is in none of its parts, and is tested on here."""

SOURCE = "github.com/Tobias-Fischer/ensemble-event-vpr; recordings on Zenodo"

_POSITIVE_M = 75.0
_TOLERANCE_M = 30.0
_MAX_EVENTS = 15_000
_SPREAD_US = (18_000.0, 48_000.0)
_GAP_S = 1.0  # as far as a car drives in it is well within the tolerance
_APART_M = 30.0


@dataclass(frozen=True, eq=False)
class SliceTraverse:
    """A drive, with a slice for each place; see `saccade.traverses.traverse.Traverse`.

    Args:
        name: Its name.
        positions: Latitude and longitude of the anchor's fixes.
        session: Its number among the six.
        places: Which of the anchor's fixes each window is at, which is its published label (D1: a
            fix 11 m on is another place, though 75 m make a positive).
        files: The slice of each place.
        hot: int64 ``[M, 2]``, pixels (x, y) to leave out.
        recipe: How a slice becomes a frame.
    """

    name: str
    positions: Positions
    session: NDArray[np.int64]
    places: NDArray[np.int64]
    files: tuple[Path, ...]
    hot: NDArray[np.int64]
    recipe: Recipe

    def __len__(self) -> int:
        return len(self.files)

    def frame(self, k: int, rng: np.random.Generator | None = None) -> NDArray[np.float32]:
        """Return the events of place k counted, float32 ``[2, H, W]``, channels (OFF, ON)."""
        return count_frame(self.window(k, rng))

    def window(self, k: int, rng: np.random.Generator | None = None) -> Events:
        """Return the events of place k, changed by augmentation where ``rng`` is given.

        Raises:
            FormatError: The slice is damaged.
            EventError: An event lies outside the sensor.
        """
        try:
            return self.recipe.events(read_slice(self.files[k]), self.hot, rng)
        except EventError as error:
            raise EventError(f"{self.files[k]}: {error.what}", error.expected) from error


def open_set(args: SetArgs) -> PlaceSet:
    """Open the set; only names, fixes and lists of hot pixels are read.

    Args:
        args: Folder, parts and frames; what is None is as published. Tests are, without being
            named, every drive that is not trained on in every other one, but for the pair of
            validation: night in sunset1 and in morning, and both in night.

    Raises:
        ConfigError: A drive plays two parts, or frames are larger than the sensor.
        MissingFileError: The folder, a drive that is named, or all of them are not there.
        DataError: A GPS log has no fix, or two drives have no place in common.
    """
    drives = _Drives(args)
    parts = choose(args, drives.there, PUBLISHED)
    train = tuple(drives.open(name, parts.train[0]) for name in parts.train)
    val = None if parts.val is None else drives.pair(*parts.val)
    tests = tuple(drives.pair(*names) for names in parts.tests)
    return PlaceSet(
        PUBLISHED.title,
        train,
        val,
        tests,
        positive_m=args.positive_m or _POSITIVE_M,
        tolerance_m=args.tolerance_m or _TOLERANCE_M,
        notes=(*parts.notes, *drives.notes),
        labels=(lambda: tuple(drive.places for drive in train)) if train else None,
    )


def check(folder: Path) -> tuple[Table, bool]:
    """Tell what of the set is in a folder, and whether `open_set` opens it.

    Returns:
        A table with the columns what, found, expected; whether it opens as it is.
    """
    rows: list[tuple[Cell, ...]] = []
    for name, known in TRAVERSES.items():
        files, _ = slice_times(folder / known.recording_id)
        text = source_file(folder, name)
        found = f"{len(files):,} slices" if files else text and f"{text.name}, to be prepared"
        rows.append((f"{name}: events", found, f"{known.recording_id}/<seconds>.npy"))
        log, hot = folder / known.nmea_file, hot_pixel_file(folder, name)
        rows.append((f"{name}: GPS", "yes" if log.is_file() else None, log.name))
        rows.append((f"{name}: hot pixels", "yes" if hot.is_file() else None, hot.name))
    try:
        args = SetArgs(data="brisbane", root=folder, input_size=_size_in(folder))
        opened = open_set(args)
        found = _summary(opened)
        if args.size() != SENSOR:
            found += f"; --input-size {args.input_size}"
    except SaccadeError as error:
        opened, found = None, str(error)
    split = f"train {', '.join(PUBLISHED.train)}; val {':'.join(PUBLISHED.val)}"
    rows.append(("opens with", found, split))
    rows.append(("comes from", None, SOURCE))
    return Table(PUBLISHED.title, ("what", "found", "expected"), tuple(rows)), opened is not None


def _size_in(folder: Path) -> str:
    """Return the published size, or that of the sensors where one is smaller."""
    sizes = [sensor_of(folder, name) for name in TRAVERSES]
    height, width = min(s.height for s in sizes), min(s.width for s in sizes)
    return str(SensorSize(height=min(height, SENSOR.height), width=min(width, SENSOR.width)))


def _summary(opened: PlaceSet) -> str:
    train = ", ".join(drive.name for drive in opened.train) or "none"
    val = opened.val.name if opened.val else "none"
    tests = ", ".join(pair.name for pair in opened.tests) or "none"
    return f"train {train}; val {val}; tests {tests}"


class _Drives:
    """Opens drives of a folder; fixes and slices are listed once."""

    def __init__(self, args: SetArgs) -> None:
        self._args, self._folder = args, args.folder()
        self._compat: Literal["spikevpr"] | None = args.compat
        slices = {
            name: slice_times(self._folder / known.recording_id)
            for name, known in TRAVERSES.items()
        }
        self._slices = {name: found for name, found in slices.items() if found[0]}
        self.there = [name for name in self._slices if self._log(name).is_file()]
        self.notes: list[str] = []
        self._fixes: dict[str, Fixes] = {}
        self._opened: dict[tuple[str, str], SliceTraverse] = {}
        self._check_prepared()
        self._check_logs()

    def pair(self, query: str, reference: str) -> Pair:
        anchor = reference if self._compat is None else query
        return Pair(self.open(query, anchor), self.open(reference, anchor))

    def open(self, name: str, anchor: str) -> SliceTraverse:
        """Open a drive at the places of an anchor."""
        if (name, anchor) not in self._opened:
            self._opened[name, anchor] = self._open(name, anchor)
        return self._opened[name, anchor]

    def _open(self, name: str, anchor: str) -> SliceTraverse:
        places = self._read(anchor)
        match = self._match(name, anchor)
        files, times = self._slices[name]
        moments = self._read(name).seconds[match] + TRAVERSES[name].offset_us / 1e6
        native = self._compat is None
        at = nearest_times(moments, times, most_s=_GAP_S if native else np.inf)
        there = self._read(name).degrees[match]
        near = haversine_distance_m(*places.degrees.T, *there.T) <= _APART_M
        keep = (at >= 0) & near if native else at >= 0
        self._tell(name, anchor, keep, at)
        numbers = np.full(int(keep.sum()), list(TRAVERSES).index(name), np.int64)
        return SliceTraverse(
            name=name,
            positions=Positions(places.degrees[keep], "geodesic"),
            session=numbers,
            places=np.flatnonzero(keep),
            files=tuple(files[k] for k in at[keep]),
            hot=self._hot(name),
            recipe=self._recipe(name),
        )

    def _match(self, name: str, anchor: str) -> NDArray[np.int64]:
        places, fixes = self._read(anchor), self._read(name)
        if name == anchor:
            return np.arange(len(places))
        try:
            return align(places, fixes, compat=self._compat)
        except DataError as error:
            raise DataError(
                f"The fixes of {name} cannot be matched with those of {anchor}: {error.what}",
                error.expected,
                error.fix,
            ) from error

    def _tell(self, name: str, anchor: str, keep: NDArray[np.bool_], at: NDArray[np.int64]) -> None:
        """Report places without a frame; a drive without any cannot be used."""
        lost, silent = int((~keep).sum()), int((at < 0).sum())
        why = f"{silent:,} have no events within {_GAP_S:g} s, {lost - silent:,} were not passed"
        if not keep.any():
            raise DataError(
                f"{name} has no frame at any of the {len(keep):,} places of {anchor}: {why}.",
                f"Expected events at fix time + {TRAVERSES[name].offset_us / 1e6:.2f} s.",
                "Do events and GPS log belong to this drive?",
            )
        if lost:
            self.notes.append(
                f"{name} is left out at {lost:,} of {len(keep):,} places of {anchor}: {why}."
            )

    def _read(self, name: str) -> Fixes:
        if name not in self._fixes:
            self._fixes[name] = read_nmea(self._log(name), compat=self._compat)
        return self._fixes[name]

    def _hot(self, name: str) -> NDArray[np.int64]:
        path = hot_pixel_file(self._folder, name)
        if path.is_file():
            return read_pixel_list(path)
        note = f"{name} has no list of hot pixels: all are kept."
        if note not in self.notes:
            self.notes.append(note)
        return np.empty((0, 2), np.int64)

    def _recipe(self, name: str) -> Recipe:
        args, sensor = self._args, sensor_of(self._folder, name)
        check_size(args.size(), sensor)
        return Recipe(
            sensor=sensor,
            size=args.size(),
            window_us=args.window_us,
            max_events=args.max_events or _MAX_EVENTS,
            spread=args.spread or _SPREAD_US,
            event_drop=args.event_drop,
            compat=self._compat,
        )

    def _log(self, name: str) -> Path:
        return self._folder / TRAVERSES[name].nmea_file

    def _check_logs(self) -> None:
        """Say which drives are left out for want of a GPS log; one that is named cannot be."""
        args = self._args
        named = {name for word in (*args.train, *args.val, *args.tests) for name in word.split(":")}
        for name in self._slices:
            if name in self.there:
                continue
            log = TRAVERSES[name].nmea_file
            if name in named:
                raise MissingFileError(
                    f"Where was {name}? Its GPS log is not there.",
                    f"Expected {log} in {self._folder}.",
                    "See: saccade data check brisbane",
                )
            self.notes.append(f"{name} is left out: its GPS log, {log}, is not there.")

    def _check_prepared(self) -> None:
        """Say what to do where nothing can be opened yet."""
        if self.there:
            return
        if not self._slices and any(source_file(self._folder, name) for name in TRAVERSES):
            raise MissingFileError(
                f"{self._folder} holds recordings that are not cut into slices.",
                "Expected one folder of .npy files per drive.",
                "Run: saccade prepare brisbane",
            )
        missing = "GPS log" if self._slices else "slices"
        raise MissingFileError(
            f"{self._folder} holds no {missing} of Brisbane-Event-VPR.",
            f"Expected e.g. {TRAVERSES['daytime'].recording_id}/<seconds>.npy and "
            f"{TRAVERSES['daytime'].nmea_file}.",
            "See: saccade data check brisbane",
        )
