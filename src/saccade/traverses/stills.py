"""Data set "stills": aligned images of a route in several conditions, seen by a panning camera.

    nordland.npz   summer [N, h, w], winter [N, h, w]: image k of both shows place k
    summer@0-1150  places 0 to 1149 of the traverse ``summer``
    places         numbered; one place is a metre from the next, so a tolerance is in places

Each condition is passed over several times by the simulated camera (`saccade.traverses.passes`).
Training takes a pass at random for every frame; tests take the pass of their own seed.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from saccade.contracts import Table
from saccade.engine.progress import progress
from saccade.errors import ConfigError, DataError, FormatError, MissingFileError, listing
from saccade.traverses.config import SetArgs
from saccade.traverses.image_files import TUNNEL_STD, grey_of, read_arrays
from saccade.traverses.passes import PanSettings, stored_passes
from saccade.traverses.traverse import NumberedPlaces, Pair, PlaceSet

__all__ = ["StillsTraverse", "check", "drop_counts", "open_set", "read_stills"]

SIMULATED = "Simulated events from real images: a camera model pans over photographs."
TEST_SEED = 1_000
DROP = 0.15


@dataclass(frozen=True, eq=False)
class StillsTraverse(NumberedPlaces):
    """Some places of one condition.

    Args:
        name: Condition and range.
        places: int64 ``[N]``, number of the place that each window shows.
        passes: One or more passes over them, uint8 ``[N, 2, H, W]``.
        event_drop: Whether training frames lose events at random.
    """

    passes: tuple[NDArray[np.uint8], ...]
    event_drop: bool = True

    def frame(self, k: int, rng: np.random.Generator | None = None) -> NDArray[np.float32]:
        """Return a count frame; with a generator of a random pass and with events dropped."""
        if rng is None:
            return self.passes[0][k].astype(np.float32)
        counts = self.passes[int(rng.integers(len(self.passes)))][k]
        return (drop_counts(counts, rng) if self.event_drop else counts).astype(np.float32)


def drop_counts(counts: NDArray[np.uint8], rng: np.random.Generator) -> NDArray[np.uint8]:
    """Drop events of a count frame: at times a share of them, at times those of a box.

    What EventDrop does to events, done to their counts. Either happens with probability 0.15: each
    event stays with one probability, U(0.3, 0.95); the box has sides of 0.05 to 0.3 of the frame.

    Args:
        counts: uint8 ``[2, H, W]``.
        rng: Draws.

    Examples:
        >>> full = np.full((2, 20, 30), 9, np.uint8)
        >>> bool((drop_counts(full, np.random.default_rng(0)) <= full).all())
        True
    """
    left = np.array(counts)
    if rng.random() < DROP:
        filled = np.flatnonzero(left)
        kept = rng.binomial(left.ravel()[filled], rng.uniform(0.3, 0.95))
        left.ravel()[filled] = kept
    if rng.random() < DROP:
        height, width = left.shape[1:]
        rows, columns = (max(1, int(rng.uniform(0.05, 0.3) * side)) for side in (height, width))
        top, beside = rng.integers(height - rows + 1), rng.integers(width - columns + 1)
        left[:, top : top + rows, beside : beside + columns] = 0
    return left


def read_stills(path: Path) -> dict[str, NDArray[np.uint8]]:
    """Return condition -> images uint8 ``[N, h, w]``; arrays of another kind are left out.

    Raises:
        MissingFileError: There is no such file.
        FormatError: It is no npz file, or holds no images.
    """
    arrays = read_arrays(path)
    found = {
        name: grey_of(a) if a.ndim == 4 else a
        for name, a in arrays.items()
        if a.ndim in (3, 4) and a.dtype == "u1"
    }
    if not found:
        raise FormatError(
            f"{path.name} holds {listing(arrays)}, no images.", "Expected uint8 [N, h, w] arrays."
        )
    return found


def open_set(args: SetArgs) -> PlaceSet:
    """Open a file of stills; passes that are not stored yet are made.

    Raises:
        ConfigError: A traverse or range does not exist, or training and tests overlap.
        MissingFileError: The file is not there.
        DataError: Conditions have different numbers of images.
    """
    if args.root is None:
        raise ConfigError(
            "--data stills without --root.", "Expected the .npz file with the images."
        )
    stills = read_stills(args.root)
    if len({len(images) for images in stills.values()}) > 1 and args.train:
        sizes = listing(f"{name} {len(images):,}" for name, images in stills.items())
        raise DataError(f"Conditions differ in length: {sizes}.", "Expected aligned images.")
    make = _Maker(args, stills)
    pairs = [_two(word) for word in (*args.val, *args.tests)]
    _refuse_overlap(make, args.train, [side for pair in pairs for side in pair])
    made = [Pair(make.traverse(q, False), make.traverse(r, False)) for q, r in pairs]
    return PlaceSet(
        name=args.root.stem,
        train=tuple(make.traverse(word, True) for word in args.train),
        val=made[0] if args.val else None,
        tests=tuple(made[len(args.val) :]),
        positive_m=args.positive_m or 0.5,
        tolerance_m=args.tolerance_m or 0.5,
        inclusive=True,
        is_sideways=True,
        notes=(SIMULATED,),
    )


def check(folder: Path) -> tuple[Table, bool]:
    """Say what a file of stills holds."""
    files = sorted(folder.glob("*.npz")) if folder.is_dir() else [folder]
    rows: list[tuple[str, str, str]] = []
    for path in files:
        try:
            held = read_stills(path)
            text = listing(f"{name} {images.shape}" for name, images in held.items())
        except (FormatError, MissingFileError) as error:
            text = error.what
        rows.append((path.name, text, "uint8 [N, h, w] for each condition"))
    good = any("uint8" not in row[1] and "(" in row[1] for row in rows)
    return Table("Stills", ("what", "found", "expected"), tuple(rows)), good


class _Maker:
    def __init__(self, args: SetArgs, stills: dict[str, NDArray[np.uint8]]) -> None:
        self._args, self._stills = args, stills
        assert args.root is not None
        self._folder = args.cache or args.root.parent / ".saccade" / args.root.stem
        window = args.window_us or 60_000
        self._settings = PanSettings(
            size=args.size(), window_us=window, dwell_us=window + window // 3
        )

    def places(self, word: str) -> tuple[str, NDArray[np.int64]]:
        """Return condition and places of ``NAME`` or ``NAME@FIRST-END``."""
        name, _, part = word.partition("@")
        if name not in self._stills:
            raise ConfigError(
                f"{self._args.root} has no traverse {name!r}.",
                f"It has {listing(self._stills)}.",
            )
        count = len(self._stills[name])
        first, end = 0, count
        if part:
            low, _, high = part.partition("-")
            if not (low.isdecimal() and high.isdecimal() and int(low) < int(high) <= count):
                raise ConfigError(f"{word!r}.", f"Expected {name}@FIRST-END within 0 to {count:,}.")
            first, end = int(low), int(high)
        chosen = np.arange(first, end)
        if self._args.skip_uniform:
            images = self._stills[name][first:end].reshape(end - first, -1)
            chosen = chosen[images.std(axis=1) >= TUNNEL_STD]
        return name, chosen

    def traverse(self, word: str, is_training: bool) -> StillsTraverse:
        """Make or fetch the passes of a traverse."""
        name, places = self.places(word)
        order = sorted(self._stills).index(name)
        base = self._args.pass_seed * 10_000
        seeds = (base + TEST_SEED + 100 * order,)
        if is_training:
            seeds = tuple(base + 50 * order + 1 + k for k in range(self._args.passes))
        with progress(f"Panning over {word}", unit="images") as tell:
            passes = stored_passes(
                self._stills[name][places], seeds, self._settings, self._folder,
                name, progress=tell,
            )  # fmt: skip
        return StillsTraverse(word, places, tuple(passes), self._args.event_drop)


def _refuse_overlap(make: _Maker, train: tuple[str, ...], others: list[str]) -> None:
    seen = {int(k) for word in train for k in make.places(word)[1]}
    for word in others:
        both = seen & {int(k) for k in make.places(word)[1]}
        if both:
            raise ConfigError(
                f"{len(both):,} places of {word} are trained on.",
                "Expected places that training has not seen, in any condition.",
                f"Give ranges that do not overlap, e.g. {word.partition('@')[0]}@0-1000.",
            )


def _two(word: str) -> tuple[str, str]:
    query, _, reference = word.partition(":")
    return query, reference
