"""Lists of places, made from when and where the images of each traverse were taken.

    speed    v(t) = |p(t + 1 s) - p(t - 1 s)| / 2 s       p: position in metres
    moving   images with v of 15 km/h or more
    places   of the first traverse: every n-th moving image, or one every d metres
    others   the moving image nearest to each place, if within a tolerance
             (without positions: the image of the same name, as for films cut frame by frame)

A place that one traverse lacks is dropped in all, so that line k of every list is one place.
"""

from __future__ import annotations

import csv
import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from saccade.contracts import Cell, Table
from saccade.errors import ConfigError, DataError, FormatError, MissingFileError, listing
from saccade.files import write_atomically
from saccade.simulate.images import image_files
from saccade.traverses.image_lists import ImageFolder, find_folders
from saccade.traverses.routes import Route, read_route
from saccade.traverses.traverse import Positions

__all__ = ["PlaceListRecipe", "PlaceLists", "make_place_lists", "speeds", "write_place_lists"]

TABLE = ".positions.csv"
_HALF_SPAN_US = 1_000_000


@dataclass(frozen=True, kw_only=True)
class PlaceListRecipe:
    """Which images become places.

    Args:
        min_speed_kmh: Slower images are left out; 0 keeps all.
        every: Keep every so-many-th moving image; None where ``every_m`` says it.
        every_m: Keep one image every so many metres; None where ``every`` says it.
        tolerance_m: An image of another traverse shows the place within so many metres.
        tick_us: Microseconds per unit of the numbers in file names, which are times where the
            table has no column ``image``.

    Raises:
        ConfigError: A number is out of range, or not one of ``every`` and ``every_m`` is given.
    """

    min_speed_kmh: float = 15.0
    every: int | None = None
    every_m: float | None = None
    tolerance_m: float = 10.0
    tick_us: int = 1

    def __post_init__(self) -> None:
        if (self.every is None) == (self.every_m is None):
            raise ConfigError(
                f"--every is {self.every} and --every-m is {self.every_m}.",
                "Expected one of them.",
                "Pass --every 8, or --every-m 100.",
            )
        for name, least in (("every", 1), ("tick_us", 1)):
            value = getattr(self, name)
            if value is not None and value < least:
                raise ConfigError(f"--{name.replace('_', '-')} {value}.", "Expected 1 or more.")
        for name in ("every_m", "tolerance_m"):
            value = getattr(self, name)
            if value is not None and not 0 < value < math.inf:
                raise ConfigError(f"--{name.replace('_', '-')} {value:g}.", "Expected above 0.")
        if not 0 <= self.min_speed_kmh < math.inf:
            raise ConfigError(f"--min-speed-kmh {self.min_speed_kmh:g}.", "Expected 0 or more.")


@dataclass(frozen=True)
class PlaceLists:
    """Aligned lists of images.

    Args:
        base: Folder of the traverses.
        names: Traverse -> images, line k of each shows place k.
        dropped: Places of the first traverse that another one lacks.
        table: How many images each traverse has, and how many show places.
    """

    base: Path
    names: Mapping[str, tuple[str, ...]]
    dropped: int
    table: Table


@dataclass(frozen=True, eq=False)
class _Drive:
    """The images of a traverse that have a time within its route, rising in time."""

    names: tuple[str, ...]
    images: int
    positions: Positions
    distance_m: NDArray[np.float64]
    moving: NDArray[np.int64]


def speeds(route: Route, t_us: NDArray[np.int64]) -> NDArray[np.float64]:
    """Return the speed at moments of a route, km/h, over two seconds or what there is of them.

    Args:
        route: Positions along a drive.
        t_us: int64 ``[N]``, within the route.

    Examples:
        >>> t_us = np.array([0, 10_000_000])
        >>> at = np.array([[0.0, 0.0], [100.0, 0.0]])
        >>> speeds(Route(t_us, Positions(at, "planar"), at[:, 0]), np.array([0, 5_000_000])).round()
        array([36., 36.])
    """
    early = np.maximum(t_us - _HALF_SPAN_US, route.t_us[0])
    late = np.minimum(t_us + _HALF_SPAN_US, route.t_us[-1])
    origin = route.positions.values[0]
    before, after = (route.at(side)[0].metres(origin) for side in (early, late))
    return 3.6e6 * np.hypot(*(after - before).T) / np.maximum(late - early, 1)


def make_place_lists(root: Path, tables: Mapping[str, Path], recipe: PlaceListRecipe) -> PlaceLists:
    """Choose the images that show places, the same places in every traverse of a folder.

    Args:
        root: A folder with a folder of images for each traverse.
        tables: Traverse -> its table of positions: columns ``t_us`` and a pair of
            `saccade.traverses.routes`, and ``image`` where file names hold no times. The first
            one's images are the places. Tables ``NAME.positions.csv`` in the folder are found.
        recipe: Which images become places.

    Raises:
        MissingFileError: There are no such traverses, or no table of positions.
        FormatError: A table cannot be read, or images have no times.
        ConfigError: A table is for no traverse, or positions are of two kinds.
        DataError: No place is left.
    """
    folder = _one_folder(root)
    found = dict(tables) or {
        name: path for name in folder.folders if (path := folder.base / f"{name}{TABLE}").is_file()
    }
    strange = [name for name in found if name not in folder.folders]
    if strange:
        raise ConfigError(
            f"--positions {strange[0]}: {root} has no such traverse.",
            f"It has {listing(folder.folders)}.",
        )
    if not found:
        raise MissingFileError(
            f"No table says where the images of {root} were taken.",
            "Expected columns t_us and latitude,longitude, or t_us,x,y in metres.",
            f"Pass --positions NAME=FILE, or put NAME{TABLE} there.",
        )
    drives = {name: _drive(folder, name, path, recipe) for name, path in found.items()}
    first = next(iter(drives))
    chosen = _spaced(drives[first], recipe)
    matched: dict[str, list[str | None]] = {}
    for name in (first, *(other for other in folder.folders if other != first)):
        if name == first:
            matched[name] = [drives[first].names[k] for k in chosen]
        elif name in drives:
            matched[name] = _nearest(drives[first], chosen, drives[name], recipe.tolerance_m)
        else:
            matched[name] = _same_names(folder, name, [drives[first].names[k] for k in chosen])
    return _aligned(matched, drives, folder)


def write_place_lists(
    lists: PlaceLists, folder: Path, *, overwrite: bool = False
) -> tuple[Path, ...]:
    """Write ``NAME.txt`` for each traverse, an image a line.

    Raises:
        ConfigError: A file is there already.
    """
    paths = {name: folder / f"{name}.txt" for name in lists.names}
    there = [path for path in paths.values() if path.exists()]
    if there and not overwrite:
        raise ConfigError(
            f"{there[0]} is there already.", "", "Pass --overwrite to replace it, or --out FOLDER."
        )
    for name, path in paths.items():
        write_atomically(path, "".join(f"{image}\n" for image in lists.names[name]).encode())
    return tuple(paths.values())


def _one_folder(root: Path) -> ImageFolder:
    found = find_folders(root)
    if len(found) != 1:
        there = listing(item.base.name for item in found)
        raise MissingFileError(
            f"{root} holds {f'several data sets: {there}' if found else 'no folder of images'}.",
            "Expected one folder of images a traverse.",
        )
    return found[0]


def _drive(folder: ImageFolder, name: str, table: Path, recipe: PlaceListRecipe) -> _Drive:
    if not table.is_file() or table.suffix.lower() != ".csv":
        raise MissingFileError(
            f"{table} is no table of positions.", f"Expected a .csv file for the images of {name}."
        )
    images = _names(folder, name)
    times = _times(images, table, recipe.tick_us)
    route = read_route(table)
    inside = sorted(
        (t_us, image) for image, t_us in times.items() if route.t_us[0] <= t_us <= route.t_us[-1]
    )
    if not inside:
        raise DataError(
            f"No image of {name} was taken between {route.t_us[0]:,} and {route.t_us[-1]:,} µs.",
            f"{table.name} says where it was then.",
            "Numbers in file names are times: --tick-us is the length of their unit.",
        )
    t_us = np.array([moment for moment, _ in inside], np.int64)
    positions, distance_m = route.at(t_us)
    moving = np.flatnonzero(speeds(route, t_us) >= recipe.min_speed_kmh)
    return _Drive(tuple(i for _, i in inside), len(images), positions, distance_m, moving)


def _names(folder: ImageFolder, name: str) -> list[str]:
    """Return the images of a traverse as its list names them: below its folder, or the set's."""
    folders = folder.folders[name]
    base = folders[0] if len(folders) == 1 else folder.base
    return [path.relative_to(base).as_posix() for one in folders for path in image_files(one)]


def _times(images: Sequence[str], table: Path, tick_us: int) -> dict[str, int]:
    """Return when each image was taken; those that the table does not name are left out."""
    with table.open(encoding="utf-8-sig", errors="replace", newline="") as file:
        rows = list(csv.reader(file))
    header = [cell.strip().lower() for cell in rows[0]] if rows else []
    if "image" in header and "t_us" in header:
        at = header.index("image"), header.index("t_us")
        try:
            told = {row[at[0]].strip(): int(row[at[1]]) for row in rows[1:] if row}
        except (ValueError, IndexError) as error:
            raise FormatError(f"{table.name}: {error}.", "Expected an image and a time.") from error
        return {image: told[image] for image in images if image in told}
    found: dict[str, int] = {}
    for image in images:
        number = re.fullmatch(r"\D*(\d+)", Path(image).stem, re.ASCII)
        if number is None:
            raise FormatError(
                f"{image} has no time in its name.",
                "Expected one number, as in 1416586027583964.png.",
                f"Or name the images in a column of {table.name}: image,t_us,...",
            )
        found[image] = int(number[1]) * tick_us
    return found


def _spaced(drive: _Drive, recipe: PlaceListRecipe) -> NDArray[np.int64]:
    """Return which images of the first traverse are places."""
    if recipe.every is not None or not len(drive.moving):
        return drive.moving[:: recipe.every]
    assert recipe.every_m is not None
    numbers = np.floor(drive.distance_m[drive.moving] / recipe.every_m)
    return drive.moving[np.unique(numbers, return_index=True)[1]]


def _nearest(
    first: _Drive, chosen: NDArray[np.int64], other: _Drive, tolerance_m: float
) -> list[str | None]:
    """Return the moving image nearest to each place; None where it is too far."""
    if first.positions.kind != other.positions.kind:
        raise ConfigError(
            f"Positions are {first.positions.kind} and {other.positions.kind}.",
            "Expected metres in all tables, or degrees in all.",
        )
    origin = first.positions.values[0]
    here = first.positions.metres(origin)[chosen]
    there = other.positions.metres(origin)[other.moving]
    found: list[str | None] = []
    for place in here:
        if not len(there):
            found.append(None)
            continue
        apart = np.hypot(*(there - place).T)
        k = int(apart.argmin())
        found.append(other.names[other.moving[k]] if apart[k] <= tolerance_m else None)
    return found


def _same_names(folder: ImageFolder, name: str, places: Sequence[str]) -> list[str | None]:
    there = set(_names(folder, name))
    return [image if image in there else None for image in places]


def _aligned(
    matched: Mapping[str, Sequence[str | None]], drives: Mapping[str, _Drive], folder: ImageFolder
) -> PlaceLists:
    count = len(next(iter(matched.values())))
    whole = [k for k in range(count) if all(images[k] is not None for images in matched.values())]
    names = {name: tuple(str(images[k]) for k in whole) for name, images in matched.items()}
    rows: list[tuple[Cell, ...]] = []
    for name, images in matched.items():
        drive = drives.get(name)
        rows.append(
            (
                name,
                drive.images if drive else len(_names(folder, name)),
                len(drive.names) if drive else None,
                len(drive.moving) if drive else None,
                count - sum(image is None for image in images),
                len(names[name]) - len(set(names[name])),
            )
        )
    columns = ("traverse", "images", "with position", "fast enough", "places", "used twice")
    table = Table("Images", columns, tuple(rows))
    if not whole:
        counts = listing(f"{row[0]} {row[4]:,}" for row in rows)
        raise DataError(
            f"No place is in all traverses. Places in each: {counts}.",
            "Expected images within the tolerance, fast enough, in all of them.",
            "Try a larger --tolerance-m, a lower --min-speed-kmh, or other positions.",
        )
    return PlaceLists(folder.base, names, count - len(whole), table)
