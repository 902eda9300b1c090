"""Which images of a folder show places, in which order: lists of their names, and the files.

    nordland_imageNames.txt   a name a line: images-00202.png, or ./ORC/Sun/000000.png
    nordland.csv              a header, "Image name,index"; sorted by the index
    NAME.txt, NAME.csv        lists of your own, beside the folders of images

    place k = line  every * k  of the list, k < most            the same k in every traverse

Without a list all images of a folder are places, in the order of their names.
"""

from __future__ import annotations

import csv
import os
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath

from saccade.errors import ConfigError, FormatError, MissingFileError, SaccadeError, listing
from saccade.simulate.images import image_files
from saccade.traverses.image_layouts import LAYOUTS, ImageLayout
from saccade.traverses.routes import is_position_table

__all__ = ["ImageFolder", "Kept", "find_folders", "read_list"]

_COLUMNS = ("image name", "image from orc", "image")
_BESIDE = ("", "dataset_imagenames")


@dataclass(frozen=True)
class Kept:
    """The images of a traverse that show places.

    Args:
        name: Traverse.
        files: Image of place 0, 1, ...
        listed: How many images the list has.
        every: Every so-many-th of them was taken.
        source: File name of the list; empty where there is none.
    """

    name: str
    files: tuple[Path, ...]
    listed: int
    every: int
    source: str


@dataclass(frozen=True)
class ImageFolder:
    """A folder with traverses of images.

    Args:
        base: The folder.
        folders: Traverse -> folders with its images.
        layout: The published layout that it has; None for one of your own.
    """

    base: Path
    folders: Mapping[str, tuple[Path, ...]]
    layout: ImageLayout | None = None

    def list_file(self, name: str) -> Path | None:
        """Return the list of a traverse: one of your own, else a published one, else None.

        Raises:
            ConfigError: There are two of your own.
        """
        near = [self.base / folder for folder in _BESIDE]
        own = [
            path
            for folder in near
            for path in (folder / f"{name}.txt", folder / f"{name}.csv")
            if path.is_file() and not is_position_table(path)
        ]
        if len(own) > 1:
            raise ConfigError(
                f"{listing(own)} list the images of {name}.",
                "Expected one list.",
                f"Choose one: --list {name}=FILE.",
            )
        if own or self.layout is None:
            return own[0] if own else None
        near += [self.base.parent / folder for folder in _BESIDE]
        names = (kind.of(name) for kind in self.layout.lists)
        return next((p / file for file in names for p in near if (p / file).is_file()), None)

    def kept(
        self,
        name: str,
        *,
        file: Path | None = None,
        every: int | None = None,
        most: int | None = None,
    ) -> Kept:
        """Return the images of a traverse that show places; all of them are there.

        Args:
            name: Traverse.
            file: Its list; None to look for it.
            every: Take every so-many-th; None as published for the list, or 1.
            most: Take at most so many; None as published where ``every`` is, or all.

        Raises:
            MissingFileError: Some of the images are not there.
            FormatError: The list cannot be read, or there are no images.
        """
        path = file if file is not None else self.list_file(name)
        known = self.layout.lists if self.layout else ()
        published = next((kind for kind in known if path and kind.of(name) == path.name), None)
        if every is None and published is not None:
            every, most = published.every, most or published.most
        if path is None:
            found = [image for folder in self.folders[name] for image in image_files(folder)]
            return Kept(name, tuple(found[:: every or 1][:most]), len(found), every or 1, "")
        names = read_list(path)
        chosen = names[:: every or 1][:most]
        files, absent = _located(chosen, [*self.folders[name], self.base, self.base.parent])
        if absent:
            fits = f"It fits {self.layout.edition}. " if self.layout and published else ""
            raise self._absent(name, path.name, chosen, absent, fits)
        return Kept(name, tuple(files), len(names), every or 1, path.name)

    def _absent(
        self, name: str, source: str, chosen: Sequence[str], absent: Sequence[str], fits: str
    ) -> MissingFileError:
        held = sum(1 for folder in self.folders[name] for _ in _images(folder))
        return MissingFileError(
            f"{len(absent):,} of {len(chosen):,} images of {name} that {source} lists are absent, "
            f"the first one {absent[0]}.",
            f"{fits}In {listing(self.folders[name])} are {held:,} images.",
            f"Pass --list {name}=FILE, a list that fits, or make one: saccade prepare place-list.",
        )


def find_folders(root: Path) -> list[ImageFolder]:
    """Return what lies in a folder: a data set in a known layout, one of your own, or several.

    Examples:
        >>> import tempfile
        >>> with tempfile.TemporaryDirectory() as root:
        ...     for name in ("monday", "tuesday"):
        ...         Path(root, name).mkdir()
        ...         _ = Path(root, name, "1.png").write_bytes(b"")
        ...     [sorted(found.folders) for found in find_folders(Path(root))]
        [['monday', 'tuesday']]
    """
    if not root.is_dir():
        return []
    known = [found for layout in LAYOUTS if (found := _known(root, layout, is_named=False))]
    if known:
        return known
    below = [found for layout in LAYOUTS if (found := _below(root, layout))]
    own = {
        path.name: (path,)
        for path in sorted(root.iterdir())
        if path.is_dir() and not path.name.startswith(".") and any(True for _ in _images(path))
    }
    return [*below, *([ImageFolder(root, own)] if own else [])]


def read_list(path: Path) -> list[str]:
    """Return the image names of a list, in its order; ``./`` in front is left out.

    Raises:
        MissingFileError: There is no such file.
        FormatError: It is no text, lists nothing, or has no column of image names.
    """
    try:
        text = path.read_text(encoding="utf-8-sig")
    except FileNotFoundError as error:
        raise MissingFileError(f"No such list of images: {path}.") from error
    except (OSError, UnicodeDecodeError) as error:
        raise FormatError(f"{path} is no list of images: {error}.") from error
    lines = [line.strip() for line in text.splitlines()]
    lines = [line for line in lines if line and not line.startswith("#")]
    names = _column(path, lines) if path.suffix.lower() == ".csv" else lines
    if not names:
        raise FormatError(f"{path} lists no images.", "Expected a name a line.")
    return [str(PurePosixPath(name.replace("\\", "/"))) for name in names]


def _column(path: Path, lines: Sequence[str]) -> list[str]:
    rows = list(csv.reader(lines))
    header = [cell.strip().lower() for cell in rows[0]] if rows else []
    at = next((header.index(name) for name in _COLUMNS if name in header), None)
    if at is None:
        raise FormatError(
            f"{path} has columns {listing(header)}.", 'Expected "Image name,index", or "image".'
        )
    rows = rows[1:]
    try:
        if "index" in header:
            rows.sort(key=lambda row: int(row[header.index("index")]))
        return [row[at].strip() for row in rows]
    except (ValueError, IndexError) as error:
        raise FormatError(
            f"{path}: {error}.", "Expected a name and a whole index a line."
        ) from error


def _known(base: Path, layout: ImageLayout, *, is_named: bool) -> ImageFolder | None:
    """Take a folder for a known one by its name, or by a list that lies beside it."""
    folders = {
        name: tuple(sorted(path for path in base.glob(layout.images.format(name=name))))
        for name in layout.names
    }
    found = ImageFolder(base, {name: there for name, there in folders.items() if there}, layout)
    if not found.folders:
        return None
    if is_named or base.resolve().name.lower() == layout.folder.lower():
        return found
    names = [kind.of(name) for kind in layout.lists for name in layout.names]
    near = [base / folder / name for folder in _BESIDE for name in names]
    return found if any(path.is_file() for path in near) else None


def _below(root: Path, layout: ImageLayout) -> ImageFolder | None:
    base = root / layout.folder
    return _known(base, layout, is_named=True) if base.is_dir() else None


def _images(folder: Path) -> Iterable[Path]:
    try:
        return image_files(folder)
    except SaccadeError:
        return ()


@dataclass
class _Present:
    """Says which files are there; every folder is listed once."""

    seen: dict[str, set[str]] = field(default_factory=dict[str, set[str]])

    def __call__(self, path: Path) -> bool:
        folder = str(path.parent)
        if folder not in self.seen:
            try:
                self.seen[folder] = {entry.name for entry in os.scandir(folder)}
            except OSError:
                self.seen[folder] = set()
        return path.name in self.seen[folder]


def _located(names: Sequence[str], bases: Sequence[Path]) -> tuple[list[Path], list[str]]:
    """Return the files below the base that has most of them, and the names of those absent."""
    present = _Present()
    best: tuple[list[Path], list[str]] | None = None
    for base in bases:
        files = [base / name for name in names]
        absent = [name for name, file in zip(names, files, strict=True) if not present(file)]
        if best is None or len(absent) < len(best[1]):
            best = files, absent
        if not absent:
            break
    return best or ([], list(names))
