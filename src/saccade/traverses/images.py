"""Data set "images": plain images of a route in several conditions, place by place.

    nordland.npz            summer [N, h, w], winter [N, h, w]; or [N, h, w, 3]
    ROOT/NAME/*.png         a folder a traverse, in the order of names, or with lists of places
    nordland, ORC, ...      published sets with their lists: `saccade.traverses.image_layouts`

    summer@0-1150           places 0 to 1149 of the traverse ``summer``
    summer@0-2400/24        every 24th of them; their numbers stay 0, 24, 48, ...

Place k is the k-th image that is kept, the same k in every traverse; one place is a metre from the
next, so a tolerance is in places. Where a matrix says what matches, it counts alone.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from saccade.contracts import Table
from saccade.engine.progress import progress
from saccade.errors import ConfigError, DataError, SaccadeError, did_you_mean, listing
from saccade.retrieval import TruthMatrix
from saccade.traverses.config import SetArgs
from saccade.traverses.image_files import TUNNEL_STD, read_arrays
from saccade.traverses.image_lists import ImageFolder, find_folders
from saccade.traverses.image_sources import ImageSource, open_source
from saccade.traverses.traverse import COUNTS, GREY, MatrixPair, Pair, PlaceSet, Traverse

__all__ = ["check", "open_set"]

_RANGES = "A range is NAME@FIRST-END or, every so many of it, NAME@FIRST-END/STEP."
_PIECE = re.compile(r"(.+)@(\d+)-(\d+)(?:/(\d+))?", re.ASCII)


def open_set(args: SetArgs) -> PlaceSet:
    """Open images; they are read when they are asked for, those of an ``.npz`` file at once.

    Raises:
        ConfigError: A traverse or range does not exist, or a query is an image that is trained on.
        MissingFileError: A file is not there, or images that a list names are not.
        DataError: Traverses have different numbers of places, and no matrix says what matches.
    """
    source = open_source(args)
    maker = _Maker(source, args)
    train_words, val_words, test_words = maker.parts()
    train = [maker.piece(word) for word in train_words]
    pairs = [
        (maker.piece(query), maker.piece(reference))
        for query, reference in (*val_words, *test_words)
    ]
    _refuse_seen(train, [query for query, _ in pairs])
    maker.check_aligned(train, pairs)
    made = [maker.pair(query, reference) for query, reference in pairs]
    return PlaceSet(
        name=source.title,
        train=tuple(maker.traverse(piece) for piece in train),
        val=made[0] if val_words else None,
        tests=tuple(made[len(val_words) :]),
        positive_m=args.positive_m or 0.5,
        tolerance_m=args.tolerance_m or 0.5,
        inclusive=True,
        notes=source.notes(),
        units=COUNTS if args.as_counts else GREY,
    )


def check(folder: Path) -> tuple[Table, bool]:
    """Say which traverses of images a folder or an ``.npz`` file holds, and what they lack."""
    rows: list[tuple[str, str, str]] = []
    usable = 0
    for path in sorted(folder.glob("*.npz")) if folder.is_dir() else [folder]:
        try:
            arrays = read_arrays(path)
            text = listing(f"{name} {array.shape}" for name, array in arrays.items())
            usable += any(array.ndim in (3, 4) for array in arrays.values())
        except SaccadeError as error:
            text = error.what
        rows.append((path.name, text, "uint8 [N, h, w] or [N, h, w, 3] for each traverse"))
    for found in find_folders(folder):
        states = [_state(found, name) for name in found.folders]
        usable += sum(good for *_, good in states) >= 2
        rows += [row for row, _ in states]
    if not rows:
        rows = [(str(folder), "no images", "an .npz file, or a folder of images a traverse")]
    return Table("Images", ("what", "found", "expected"), tuple(rows)), usable > 0


@dataclass(frozen=True)
class _Piece:
    """Some places of a traverse."""

    word: str
    name: str
    places: NDArray[np.int64]


@dataclass(frozen=True)
class _Maker:
    source: ImageSource
    args: SetArgs

    def parts(self) -> tuple[Sequence[str], list[tuple[str, str]], list[tuple[str, str]]]:
        """Return the words of training, and the pairs of validation and tests."""
        source, args = self.source, self.args
        if len(args.val) > 1:
            raise ConfigError(f"--val names {len(args.val)} pairs.", "Expected one.")
        val, tests = (_pairs(words) for words in (args.val, args.tests))
        tests = tests or list(source.tests)
        queries = {query.partition("@")[0] for query, _ in (*val, *tests)}
        train = args.train or tuple(name for name in source.train if name not in queries)
        if not (train or val or tests):
            raise ConfigError(
                f"Which traverses of {source.title} are for what?",
                f"Found: {listing(f'{name} ({source.count(name):,})' for name in source.names)}.",
                "Pass --train NAME ... and --tests QUERY:REFERENCE.",
            )
        return train, val, tests

    def piece(self, word: str) -> _Piece:
        """Read ``NAME``, ``NAME@FIRST-END`` or ``NAME@FIRST-END/STEP``."""
        match = _PIECE.fullmatch(word) if word not in self.source.names else None
        name = match[1] if match else word
        if name not in self.source.names:
            raise ConfigError(
                f"{self.source.title} has no traverse {name!r}.",
                did_you_mean(name, self.source.names) or f"It has {listing(self.source.names)}.",
                _RANGES if "@" in word and not match else "",
            )
        count = self.source.count(name)
        first, end, step = 0, count, 1
        if match is not None:
            first, end, step = int(match[2]), int(match[3]), int(match[4] or 1)
        if not (first < end <= count and step > 0):
            raise ConfigError(f"{word!r}.", f"{name} has the places 0 to {count:,}.", _RANGES)
        places = np.arange(first, end, step, dtype=np.int64)
        return _Piece(word, name, self._varied(name, places))

    def _varied(self, name: str, places: NDArray[np.int64]) -> NDArray[np.int64]:
        """Leave out images that are nearly constant, if asked."""
        if not self.args.skip_uniform:
            return places
        images = self.source.traverse(name, name, places)
        varied = np.zeros(len(places), np.bool_)
        with progress(f"Looking for tunnels in {name}", unit="images") as tell:
            for k in range(len(places)):
                varied[k] = images.frame(k).std() >= TUNNEL_STD
                tell(k + 1, len(places))
        if not varied.any():
            raise DataError(
                f"All {len(places):,} images of {name} are nearly constant.",
                f"Expected a standard deviation of {TUNNEL_STD:g} or more.",
                "Leave out --skip-uniform.",
            )
        return places[varied]

    def traverse(self, piece: _Piece) -> Traverse:
        return self.source.traverse(piece.word, piece.name, piece.places)

    def pair(self, query: _Piece, reference: _Piece) -> Pair:
        sides = self.traverse(query), self.traverse(reference)
        matrix = self.source.matches(query.name, reference.name)
        if matrix is None:
            return Pair(*sides)
        chosen = matrix[np.ix_(query.places, reference.places)]
        return MatrixPair(*sides, matrix=TruthMatrix(chosen, layout="query_by_reference"))

    def check_aligned(
        self, train: Sequence[_Piece], pairs: Iterable[tuple[_Piece, _Piece]]
    ) -> None:
        """Refuse traverses of different lengths where place k is said to be place k."""
        names = [piece.name for piece in train]
        for query, reference in pairs:
            if self.source.matches(query.name, reference.name) is None:
                names += [query.name, reference.name]
        counts = {name: self.source.count(name) for name in names}
        if len(set(counts.values())) > 1:
            sizes = listing(f"{name} {count:,}" for name, count in counts.items())
            raise DataError(
                f"Traverses have different numbers of places: {sizes}.",
                "Expected the same places in all of them, in one order.",
                "Give each a list of its images: --list NAME=FILE; see saccade prepare place-list.",
            )


def _pairs(words: Iterable[str]) -> list[tuple[str, str]]:
    pairs = [(word.partition(":")[0], word.partition(":")[2]) for word in words]
    for query, reference in pairs:
        if query == reference:
            raise ConfigError(f"{query} is looked up in itself.", "Expected QUERY:REFERENCE.")
    return pairs


def _refuse_seen(train: Iterable[_Piece], queries: Iterable[_Piece]) -> None:
    """Refuse a query that is trained on; its place may be, in another traverse."""
    for query in queries:
        for piece in train:
            both = np.intersect1d(query.places, piece.places)
            if query.name == piece.name and len(both):
                raise ConfigError(
                    f"{len(both):,} images of {query.word} are trained on and looked up.",
                    "Expected queries that training has not seen.",
                    "Look up another traverse, or give ranges that do not overlap.",
                )


def _state(found: ImageFolder, name: str) -> tuple[tuple[str, str, str], bool]:
    expected = "all that its list names" if found.layout else "images of one size"
    where = str(found.base / name)
    try:
        kept = found.kept(name, every=1)
    except SaccadeError as error:
        return (where, error.what, expected), False
    if kept.source:
        return (where, f"all {kept.listed:,} images that {kept.source} lists", expected), True
    lacks = ", no list of places" if found.layout else ""
    return (where, f"{kept.listed:,} images{lacks}", expected), True
