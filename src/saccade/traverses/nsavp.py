"""NSAVP: drives along one route forward (F) and in reverse (R), by day (A), dusk (S) and night (N).

    R0_FA0-frames-1000/downsampled/frame_000000.npy   a second of events, see `prepare`
    R0_FA0-frames-1000/frame_000000.npy               the same at 640x480, where that is all
    R0_FA0-frames-1000/positions.csv                  where each second was, of simulated sets
    ground_truth/R0_FS0_R0_FA0_GT_positions.npz       the same of a pair: ref_pos, qry_pos; metres

Positions are the truth; the matrices ``..._GT.npy`` beside them are not needed. Seconds in which
the car has moved less than 1.5 m since the last one kept are left out. Then, for a frame,

    training     a window of 18 to 44 ms anywhere in the second -> EventDrop -> count
    evaluation   the first 33 ms -> count

Published (``compat="spikevpr"``) and native mode:

    C2   one match per query is in the data base, drawn at random   the whole reference is, in both
         stops are left out of references only                      of queries too
    D3   EventDrop never drops an interval, as times are absolute   it does
         EventDrop on all of the second, then the window            on the window, so none is empty
                                                                    and little is read
         a query of under 100 events shows the nearest other one    it shows what there is

Reference: S. Carmichael et al., "Dataset and Benchmark: Novel Sensors for Autonomous Vehicle
Perception", International Journal of Robotics Research, 2024.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from saccade.contracts import Cell, Table
from saccade.errors import DataError, MissingFileError, SaccadeError, listing
from saccade.events.types import Events, SensorSize
from saccade.represent import count_frame
from saccade.simulate.layouts.nsavp import SENSOR
from saccade.traverses.config import SetArgs
from saccade.traverses.nsavp_files import (
    SMALL,
    FrameFile,
    frame_files,
    traverse_folder,
    traverse_names,
)
from saccade.traverses.nsavp_frame import Recipe
from saccade.traverses.nsavp_prepare import export_ensemble, prepare
from saccade.traverses.nsavp_truth import GroundTruth, Metres
from saccade.traverses.parts import Published, check_size, choose
from saccade.traverses.places import along_route, moving, route_labels
from saccade.traverses.traverse import Pair, PlaceSet, Positions

__all__ = [
    "PUBLISHED",
    "FrameTraverse",
    "check",
    "export_ensemble",
    "open_set",
    "prepare",
    "published_labels",
]

PUBLISHED = Published("NSAVP", "nsavp", ("R0_RS0", "R0_RA0"), ("R0_FA0", "R0_FS0"))
"""Published split: the query of validation is the one in the columns of the matrix."""

SOURCE = "umautobots.github.io/nsavp"

_POSITIVE_M = 10.0
_TOLERANCE_M = 30.0
_LEAST_M = 1.5
_BIN_M = 10.0  # of a published label
_WINDOW_US = 33_000
_SPREAD_US = (18_000.0, 44_000.0)
_FEW = 100


@dataclass(frozen=True, eq=False)
class FrameTraverse:
    """A drive, one window a second; see `saccade.traverses.traverse.Traverse`.

    Args:
        name: Its name.
        positions: East and north, metres.
        session: Its number among the drives of the folder.
        files: The file of each window.
        recipe: How a file becomes a frame.
        fewest: A file with fewer events than this is replaced by that of the nearest other window.
    """

    name: str
    positions: Positions
    session: NDArray[np.int64]
    files: tuple[Path, ...]
    recipe: Recipe
    fewest: int = 0

    def __len__(self) -> int:
        return len(self.files)

    def frame(self, k: int, rng: np.random.Generator | None = None) -> NDArray[np.float32]:
        """Return the events of window k counted, float32 ``[2, H, W]``, channels (OFF, ON)."""
        return count_frame(self.window(k, rng))

    def window(self, k: int, rng: np.random.Generator | None = None) -> Events:
        """Return the events of window k, changed by augmentation where ``rng`` is given.

        Raises:
            FormatError: The file is damaged.
            EventError: An event lies outside the sensor.
        """
        file = FrameFile.open(self.files[k])
        if len(file) < self.fewest and len(self) > 1:
            away = np.linalg.norm(self.positions.values - self.positions.values[k], axis=1)
            away[k] = np.inf
            file = FrameFile.open(self.files[int(away.argmin())])
        return self.recipe.events(file, rng)


def open_set(args: SetArgs) -> PlaceSet:
    """Open the set; only names and positions are read.

    Args:
        args: Folder, parts and frames; what is None is as published. Tests are, without being
            named, every drive that is not trained on in every other one of the same route and
            direction with known positions, but for the pair of validation.

    Raises:
        ConfigError: A drive plays two parts, or frames are larger than the sensor.
        MissingFileError: The folder, a drive or the positions of a pair are not there.
        DataError: Positions of one drive differ between pairs, or none belongs to a file.
    """
    drives = _Drives(args)
    parts = choose(args, drives.there, PUBLISHED, fits=drives.fits)
    train = drives.pool(parts.train)
    val = None if parts.val is None else drives.pair(*parts.val)
    tests = tuple(drives.pair(*names) for names in parts.tests)
    return PlaceSet(
        PUBLISHED.title,
        train,
        val,
        tests,
        positive_m=args.positive_m or _POSITIVE_M,
        tolerance_m=args.tolerance_m or _TOLERANCE_M,
        notes=(*parts.notes, *dict.fromkeys(drives.notes)),
        labels=partial(published_labels, train, compat=args.compat) if train else None,
    )


def published_labels(
    drives: tuple[FrameTraverse, ...], *, compat: Literal["spikevpr"] | None = None
) -> tuple[NDArray[np.int64], ...]:
    """Return the label of each window: which 10 m of the first drive it is nearest to.

    Bins of distance along the first drive that hold one of its windows are numbered from 0; a
    window of another drive takes the number of the nearest window of the first one.

    Args:
        drives: Those trained on.
        compat: ``"spikevpr"`` adds 1,000 to the labels of the third drive, 2,000 to those of the
            fourth and so on, so that one place is several (defect D1).
    """
    first, *others = (drive.positions.values for drive in drives)
    numbers = route_labels(along_route(first), _BIN_M)
    labels = [numbers]
    for k, metres in enumerate(others):
        near = [int(np.linalg.norm(first - point, axis=1).argmin()) for point in metres]
        labels.append(numbers[near] + (1_000 * k if compat == "spikevpr" else 0))
    return tuple(labels)


def check(folder: Path) -> tuple[Table, bool]:
    """Tell what of the set is in a folder, and whether `open_set` opens it.

    Returns:
        A table with the columns what, found, expected; whether it opens as it is.
    """
    there = traverse_names(folder)
    rows: list[tuple[Cell, ...]] = []
    for name in sorted({*there, *PUBLISHED.train, *PUBLISHED.val}):
        large, small = frame_files(folder, name), frame_files(folder, name, small=True)
        found = f"{len(large):,} of 640x480, {len(small):,} of 346x260" if name in there else None
        place = traverse_folder(folder, name).name
        rows.append((f"{name}: seconds", found, f"{place}/downsampled/frame_000000.npy"))
        truth = [path.name for path in GroundTruth(folder).files(name)]
        expected = f"ground_truth/{name}_<other>_GT_positions.npz"
        rows.append((f"{name}: positions", listing(truth, 3) or None, expected))
    try:
        opened = open_set(SetArgs(data="nsavp", root=folder))
        pairs = [pair.name for pair in (opened.val, *opened.tests) if pair]
        train = ", ".join(drive.name for drive in opened.train) or "none"
        found = f"train {train}; pairs {listing(pairs, 8) or 'none'}"
    except SaccadeError as error:
        opened, found = None, str(error)
    split = f"train {', '.join(PUBLISHED.train)}; val {':'.join(PUBLISHED.val)}"
    rows.append(("opens with", found, split))
    rows.append(("comes from", None, SOURCE))
    return Table(PUBLISHED.title, ("what", "found", "expected"), tuple(rows)), opened is not None


class _Drives:
    """Opens drives of a folder, with the positions that belong to a pair."""

    def __init__(self, args: SetArgs) -> None:
        self._args, self._folder = args, args.folder()
        self._compat: Literal["spikevpr"] | None = args.compat
        self._truth = GroundTruth(self._folder)
        self.there = traverse_names(self._folder)
        self.notes: list[str] = []
        if not self.there:
            raise MissingFileError(
                f"{self._folder} holds no frames of NSAVP.",
                "Expected e.g. R0_FS0-frames-1000/frame_000000.npy.",
                "See: saccade data check nsavp",
            )

    def fits(self, query: str, reference: str) -> bool:
        """Whether two drives go the same way and their positions are known."""
        return _way(query) == _way(reference) and self._truth.knows(reference, query)

    def pair(self, query: str, reference: str) -> Pair:
        searched, looked_up = self._truth.of_pair(reference, query)
        return Pair(self._open(query, looked_up, "query"), self._open(reference, searched))

    def pool(self, names: tuple[str, ...]) -> tuple[FrameTraverse, ...]:
        """Open the drives trained on; published, all but the first are looked up in it."""
        if not names:
            return ()
        opened = zip(names, self._truth.of_all(names), strict=True)
        return tuple(
            self._open(name, metres, "reference" if name == names[0] else "query")
            for name, metres in opened
        )

    def _open(
        self, name: str, metres: Metres, part: Literal["query", "reference"] = "reference"
    ) -> FrameTraverse:
        files, sensor = self._files(name)
        numbers = np.array([number for number in files if number < len(metres)], np.int64)
        self._tell(name, list(files), numbers, metres)
        all_of_it = self._compat is not None and part == "query"
        kept = numbers if all_of_it else numbers[moving(metres[numbers], _LEAST_M)]
        return FrameTraverse(
            name=name,
            positions=Positions(metres[kept], "planar"),
            session=np.full(len(kept), self.there.index(name), np.int64),
            files=tuple(files[number] for number in kept.tolist()),
            recipe=self._recipe(sensor),
            fewest=_FEW if all_of_it else 0,
        )

    def _tell(self, name: str, frames: list[int], both: NDArray[np.int64], metres: Metres) -> None:
        """Report where frames and positions differ in number."""
        if not len(both):
            raise DataError(
                f"No frame of {name} has a position: frames are {listing(frames, 3)}, positions "
                f"0 to {len(metres) - 1:,}.",
                "Expected one position for each frame.",
            )
        if len(frames) != len(metres):
            self.notes.append(
                f"{name} has {len(frames):,} frames and {len(metres):,} positions; "
                f"{len(both):,} have both."
            )
        if self._truth.simulated(name):
            self.notes.append("Positions are those of positions.csv, as simulated sets have them.")

    def _files(self, name: str) -> tuple[dict[int, Path], SensorSize]:
        """Return the scaled files where they are large enough for the frames."""
        size = self._args.size()
        small, large = frame_files(self._folder, name, small=True), frame_files(self._folder, name)
        fits = size.height <= SMALL.height and size.width <= SMALL.width
        files, sensor = (small, SMALL) if small and (fits or not large) else (large, SENSOR)
        check_size(size, sensor)
        return files, sensor

    def _recipe(self, sensor: SensorSize) -> Recipe:
        args = self._args
        return Recipe(
            sensor=sensor,
            size=args.size(),
            window_us=args.window_us or _WINDOW_US,
            max_events=args.max_events,
            spread=args.spread or _SPREAD_US,
            event_drop=args.event_drop,
            compat=self._compat,
        )


def _way(name: str) -> tuple[str, str]:
    """Return route and direction: ``("R0", "F")`` of R0_FA0."""
    route, _, rest = name.partition("_")
    return route, rest[:1]
