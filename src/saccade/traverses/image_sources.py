"""Where the images of a data set come from: one ``.npz`` file, or folders of files.

    ArraySource    an array a traverse; ``gt_...`` and ``match_...`` arrays say what matches
    FileSource     a folder a traverse, with lists of places in published sets

Both number the places that are kept: place k is the k-th of every ``every``-th image, ``most`` at
most.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from saccade.errors import ConfigError, DataError, FormatError, MissingFileError, listing
from saccade.traverses.config import SetArgs
from saccade.traverses.image_files import read_arrays
from saccade.traverses.image_lists import ImageFolder, Kept, find_folders
from saccade.traverses.image_traverses import ArrayCounts, ArrayImages, FileImages
from saccade.traverses.image_truth import array_truth, file_truth, is_truth, one_match_each

__all__ = ["ArraySource", "FileSource", "ImageSource", "open_source"]

Numbers = NDArray[np.int64]


class ImageSource(Protocol):
    """Traverses of images by name."""

    @property
    def title(self) -> str:
        """Name of the data set."""
        ...

    @property
    def names(self) -> tuple[str, ...]:
        """Traverses."""
        ...

    @property
    def train(self) -> tuple[str, ...]:
        """Traverses that are learnt unless others are named."""
        ...

    @property
    def tests(self) -> tuple[tuple[str, str], ...]:
        """(query, reference) pairs that are tested unless others are named."""
        ...

    def count(self, name: str) -> int:
        """Return how many places of a traverse are kept."""
        ...

    def traverse(
        self, word: str, name: str, places: Numbers
    ) -> FileImages | ArrayImages | ArrayCounts:
        """Return some of the places of a traverse, under the word that asks for them."""
        ...

    def matches(self, query: str, reference: str) -> NDArray[np.bool_] | None:
        """Return which places match, ``[Q, R]``; None where place k matches place k."""
        ...

    def notes(self) -> tuple[str, ...]:
        """Say which images are the places, and how the truth was read."""
        ...


def open_source(args: SetArgs) -> ImageSource:
    """Open what ``--root`` names.

    Raises:
        ConfigError: It holds several data sets.
        MissingFileError: It is not there, or holds no images.
        FormatError: A file of it cannot be read.
    """
    if args.root is not None and (args.root.suffix == ".npz" or args.root.is_file()):
        return ArraySource(args.root, args)
    root = args.folder()
    found = find_folders(root)
    if not found:
        stored = sorted(root.glob("*.npz"))
        raise MissingFileError(
            f"{root} holds no folder of images.",
            "Expected a folder a traverse, or a published data set.",
            f"Pass one of its files: --root {stored[0]}" if stored else "Or pass an .npz file.",
        )
    if len(found) > 1:
        raise ConfigError(
            f"{root} holds {len(found)} data sets: {listing(item.base.name for item in found)}.",
            "Expected one.",
            f"Pass its folder: --root {found[0].base}",
        )
    return FileSource(found[0], args)


class ArraySource:
    """Arrays of an ``.npz`` file.

    Args:
        path: The file.
        args: Says which images are kept, and whether they are counts.

    Raises:
        FormatError: It holds no images.
        DataError: Counts are below 0 or not finite.
    """

    def __init__(self, path: Path, args: SetArgs) -> None:
        self._path, self._counts = path, args.as_counts
        self._step = slice(None, None, args.every or 1)
        self._most = args.most
        self._arrays = read_arrays(path)
        fits = _is_counts if args.as_counts else _is_images
        self._held = {
            name: array
            for name, array in self._arrays.items()
            if fits(array) and not is_truth(name)
        }
        if not self._held:
            expected = (
                "[N, H, W] or [N, 2, H, W]" if args.as_counts else "uint8 [N, H, W] or [N, H, W, 3]"
            )
            raise FormatError(
                f"{path.name} holds {listing(self._arrays)}, no images.",
                f"Expected arrays {expected}.",
                "" if args.as_counts else "Pass --as-counts if these are event counts.",
            )
        if args.as_counts:
            _check_counts(self._held, path)

    @property
    def title(self) -> str:
        """Name of the file."""
        return self._path.stem

    @property
    def names(self) -> tuple[str, ...]:
        """Arrays of images."""
        return tuple(self._held)

    @property
    def train(self) -> tuple[str, ...]:
        """The references of the pairs that have a truth."""
        return tuple(dict.fromkeys(reference for _, reference in self.tests))

    @property
    def tests(self) -> tuple[tuple[str, str], ...]:
        """The pairs that have a truth."""
        pairs = ((q, r) for q in self._held for r in self._held if q != r)
        return tuple(pair for pair in pairs if array_truth(self._arrays, *pair) is not None)

    def count(self, name: str) -> int:
        """Return how many images of an array are kept."""
        return len(self._kept(name))

    def traverse(self, word: str, name: str, places: Numbers) -> ArrayImages | ArrayCounts:
        """Return some of the places of an array."""
        images = self._held[name][self._kept(name)[places]]
        kind = ArrayCounts if self._counts else ArrayImages
        return kind(word, places, images)

    def matches(self, query: str, reference: str) -> NDArray[np.bool_] | None:
        """Return what the arrays of truth say."""
        matrix = array_truth(self._arrays, query, reference)
        if matrix is None:
            return None
        return matrix[np.ix_(self._kept(query), self._kept(reference))]

    def notes(self) -> tuple[str, ...]:
        """Say which images are kept, where not all are."""
        if self._step.step == 1:
            return ()
        return (f"Places are every {_nth(self._step.step)} image of {self._path.name}.",)

    def _kept(self, name: str) -> Numbers:
        return np.arange(len(self._held[name]), dtype=np.int64)[self._step][: self._most]


@dataclass(frozen=True)
class FileSource:
    """Folders of image files.

    Args:
        folder: Where they are.
        args: Says which lists count, and which of their images are kept.

    Raises:
        ConfigError: A list is named for a traverse that is not there.
    """

    folder: ImageFolder
    args: SetArgs

    def __post_init__(self) -> None:
        for name in self.args.list_files():
            if name not in self.folder.folders:
                raise ConfigError(
                    f"--list {name}: {self.folder.base} has no such traverse.",
                    f"It has {listing(self.folder.folders)}.",
                )

    @property
    def title(self) -> str:
        """Name of the folder, as published where it is known."""
        layout = self.folder.layout
        return layout.folder if layout else self.folder.base.resolve().name

    @property
    def names(self) -> tuple[str, ...]:
        """Traverses."""
        return tuple(self.folder.folders)

    @property
    def train(self) -> tuple[str, ...]:
        """Those of the published set that are there."""
        layout = self.folder.layout
        return tuple(n for n in (layout.train if layout else ()) if n in self.folder.folders)

    @property
    def tests(self) -> tuple[tuple[str, str], ...]:
        """Those of the published set that are there."""
        layout = self.folder.layout
        pairs = layout.tests if layout else ()
        return tuple(pair for pair in pairs if set(pair) <= set(self.folder.folders))

    def count(self, name: str) -> int:
        """Return how many images of a traverse are kept."""
        return len(self._kept(name).files)

    def traverse(self, word: str, name: str, places: Numbers) -> FileImages:
        """Return some of the places of a traverse."""
        files = self._kept(name).files
        return FileImages(word, places, tuple(files[k] for k in places.tolist()))

    def matches(self, query: str, reference: str) -> NDArray[np.bool_] | None:
        """Return what a file beside the folders says.

        Raises:
            MissingFileError: The published set has such a file, and it is not there.
        """
        sides = self._kept(query), self._kept(reference)
        listed = {"queries": sides[0].listed, "references": sides[1].listed}
        base, layout = self.folder.base, self.folder.layout
        matrix = file_truth(base, query, reference, **listed)
        if matrix is None and layout and layout.truth and (query, reference) == layout.tests[0]:
            matrix = one_match_each(self._truth_file(layout.truth), **listed)[0]
        if matrix is None:
            return None
        return matrix[np.ix_(*(kept.every * np.arange(len(kept.files)) for kept in sides))]

    def notes(self) -> tuple[str, ...]:
        """Say which list each traverse has that was used, and how a truth was read."""
        used: dict[str, list[str]] = {}
        for name, kept in self._found.items():
            used.setdefault(_words(kept), []).append(name)
        notes = [f"{listing(names)}: {words}" for words, names in used.items()]
        layout = self.folder.layout
        if layout and layout.truth and set(layout.tests[0]) <= set(self._found):
            query, reference = (self._found[name] for name in layout.tests[0])
            path = self._truth_file(layout.truth)
            read = one_match_each(path, queries=query.listed, references=reference.listed)
            notes.append(read[1])
        return tuple(notes)

    def _truth_file(self, name: str) -> Path:
        near = [
            base / folder / name
            for base in (self.folder.base, self.folder.base.parent)
            for folder in ("", "dataset_imagenames")
        ]
        for path in near:
            if path.is_file():
                return path
        raise MissingFileError(
            f"{name} is not there: which images of {self.title} match is in that file alone.",
            f"Expected it in {near[0].parent}.",
            "It lies beside the published lists.",
        )

    @cached_property
    def _found(self) -> dict[str, Kept]:
        return {}

    def _kept(self, name: str) -> Kept:
        if name not in self._found:
            args = self.args
            self._found[name] = self.folder.kept(
                name, file=args.list_files().get(name), every=args.every, most=args.most
            )
        return self._found[name]


def _words(kept: Kept) -> str:
    of = f"{kept.source} ({kept.listed:,} images)"
    if not kept.source:
        of = f"the {kept.listed:,} images there, by name; there is no list"
    step = f"every {_nth(kept.every)} of " if kept.every > 1 else "of "
    return f"{len(kept.files):,} places, {step}{of}."


def _nth(number: int) -> str:
    return {1: "1st", 2: "2nd", 3: "3rd"}.get(number, f"{number}th")


def _is_images(array: NDArray[Any]) -> bool:
    grey = array.ndim == 3
    return array.dtype == np.uint8 and (grey or (array.ndim == 4 and array.shape[3] in (3, 4)))


def _is_counts(array: NDArray[Any]) -> bool:
    return array.dtype.kind in "uif" and (
        array.ndim == 3 or (array.ndim == 4 and array.shape[1] == 2)
    )


def _check_counts(held: Mapping[str, NDArray[Any]], path: Path) -> None:
    for name, array in held.items():
        if array.size and not (np.isfinite(array).all() and array.min() >= 0):
            raise DataError(
                f"{path.name}: {name} holds values below 0 or not finite.",
                "Expected event counts.",
            )
