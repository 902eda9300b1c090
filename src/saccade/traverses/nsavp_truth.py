"""Where the frames of NSAVP were taken, on one plane for the drives of a pair.

    <drive>-frames-1000/positions.csv            of a drive, in simulated sets; goes before
    ground_truth/<ref>_<qry>_GT_positions.npz    of a pair: ref_pos [R, 3], qry_pos [Q, 3], metres

Nothing says that the positions of a drive agree between the files of two pairs.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from saccade.errors import DataError, FormatError, MissingFileError
from saccade.simulate.place_truth import read_positions
from saccade.traverses.nsavp_files import traverse_folder

__all__ = ["GroundTruth", "Metres"]

Metres = NDArray[np.float64]
"""East and north, ``[N, 2]``; row k is frame k."""

_ENDING = "_GT_positions.npz"
_SAME_M = 1e-3


class GroundTruth:
    """Positions of the frames of a set.

    Args:
        folder: Folder of the set.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def files(self, name: str) -> list[Path]:
        """Return the files that say where a drive was."""
        pairs = sorted((self._folder / "ground_truth").glob(f"*{_ENDING}"))
        stems = [path.name.removesuffix(_ENDING) for path in pairs]
        found = [
            path
            for path, stem in zip(pairs, stems, strict=True)
            if stem.startswith(f"{name}_") or stem.endswith(f"_{name}")
        ]
        table = self._table(name)
        return [table, *found] if table.is_file() else found

    def knows(self, reference: str, query: str) -> bool:
        """Whether the positions of a pair are there."""
        return self.simulated(reference, query) or self._pair(reference, query) is not None

    def simulated(self, *names: str) -> bool:
        """Whether all of these drives have a table of their own."""
        return all(self._table(name).is_file() for name in names)

    def of_pair(self, reference: str, query: str) -> tuple[Metres, Metres]:
        """Return the positions of reference and query.

        Raises:
            MissingFileError: They are not there.
            FormatError: The file is damaged.
        """
        if self.simulated(reference, query):
            return self._of_table(reference), self._of_table(query)
        found = self._pair(reference, query)
        if found is None:
            raise MissingFileError(
                f"Where were {reference} and {query}? There is no ground truth of the two.",
                f"Expected ground_truth/{reference}_{query}{_ENDING}.",
                "See: saccade data check nsavp",
            )
        path, turned = found
        here, there = _read(path)
        return (there, here) if turned else (here, there)

    def of_all(self, names: tuple[str, ...]) -> list[Metres]:
        """Return the positions of several drives, as those of each go with the first.

        Raises:
            MissingFileError: Those of a drive are not there.
            FormatError: A file is damaged.
            DataError: The first drive is elsewhere with another drive.
        """
        first, *others = names
        if not others:
            return [self._alone(first)]
        pairs = [self.of_pair(first, other) for other in others]
        here = pairs[0][0]
        for other, (again, _) in zip(others, pairs, strict=True):
            if here.shape != again.shape or not np.allclose(here, again, rtol=0, atol=_SAME_M):
                raise DataError(
                    f"Positions of {first} with {other} differ from those with {others[0]}.",
                    "Expected one plane for all drives that are trained on together.",
                    f"Train on {first} and {others[0]} alone.",
                )
        return [here, *(there for _, there in pairs)]

    def _alone(self, name: str) -> Metres:
        files = self.files(name)
        if not files:
            raise MissingFileError(
                f"Where was {name}? There is no ground truth with it.",
                f"Expected ground_truth/{name}_<other>{_ENDING}.",
                "See: saccade data check nsavp",
            )
        if files[0] == self._table(name):
            return self._of_table(name)
        return _read(files[0])[0 if files[0].name.startswith(f"{name}_") else 1]

    def _of_table(self, name: str) -> Metres:
        track = read_positions(self._table(name))
        return np.column_stack([track.east_m, track.north_m])

    def _table(self, name: str) -> Path:
        return traverse_folder(self._folder, name) / "positions.csv"

    def _pair(self, reference: str, query: str) -> tuple[Path, bool] | None:
        """Return the file of a pair, and whether it is that of the pair turned round."""
        for first, second, turned in ((reference, query, False), (query, reference, True)):
            path = self._folder / "ground_truth" / f"{first}_{second}{_ENDING}"
            if path.is_file():
                return path, turned
        return None


def _read(path: Path) -> tuple[Metres, Metres]:
    """Read ref_pos and qry_pos; height is left out."""
    try:
        with np.load(path, allow_pickle=False) as file:
            both = [np.asarray(file[name], np.float64) for name in ("ref_pos", "qry_pos")]
    except (OSError, ValueError, KeyError, EOFError) as error:
        raise FormatError(
            f"{path} is damaged: {error}.", "Expected the arrays ref_pos and qry_pos."
        ) from error
    if any(array.ndim != 2 or array.shape[1] < 2 for array in both):
        shapes = " and ".join(str(list(array.shape)) for array in both)
        raise FormatError(f"{path} holds {shapes}.", "Expected ref_pos [R, 3] and qry_pos [Q, 3].")
    return both[0][:, :2], both[1][:, :2]
